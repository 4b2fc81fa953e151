# SPDX-License-Identifier: Apache-2.0
"""What the commands print, store and return, seen from outside.

usage: commands.py PROGRAM [NAME...]     prints one line a test and "N passed, N failed"
"""

import json
import os
import sys

from scenes import NIC_A, NIC_B, guest_mac, two_hypervisors
from world import run_all

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def golden(world):
    switch = two_hypervisors(world)
    for number, (name, hypervisor, state) in enumerate([("A", "hvA", "on"), ("B", "hvA", "off"), ("C", "hvA", "on"),
                                                        ("D", "hvB", "on"), ("E", "hvB", "off")], 1):
        world.guest(hypervisor, name, guest_mac(number), state)
    switch.see(guest_mac(1), "A").see(guest_mac(2), "A").see(guest_mac(4), "A")
    return switch


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


@test
def where_a_guest_and_an_address(world):
    golden(world)
    world.round()
    for name in ("D", guest_mac(4), "525400000004", "5254.0000.0004"):
        done = world.run("where", name, "-f", "json")
        answer = lines(done)[0]
        assert (done.returncode, answer["switch"], answer["if_name"], answer["confidence"]) == (0, "sw1", "A", "certain"), done
    assert world.run("where", "nobody").returncode == 1
    assert len(lines(world.run("where", "--all", "-f", "json"))) == 5


@test
def where_all_of_recordings_needs_no_configuration(world):
    golden(world)
    world.write()
    os.unlink(os.path.join(world.directory, "muster.yaml"))
    done = world.run("where", "--all", "--recordings", ".", "-f", "json")
    assert {answer["mac"] for answer in lines(done)} == {NIC_A, NIC_B, guest_mac(1), guest_mac(2), guest_mac(4)}, done


@test
def why_explains_clean_and_guilty_guests_and_cases(world):
    golden(world)
    _, result = world.round()
    zombie = next(item for item in result["discrepancies"] if item["kind"] == "off_but_seen")
    for name in ("A", "B", zombie["id"], guest_mac(3)):
        done = world.run("why", name)
        assert done.returncode == 0 and "=>" in done.stdout, done
    answer = lines(world.run("why", "B", "-f", "json"))[0]
    kinds = {step["what"] for step in answer["discrepancies"][0]["evidence"]}
    assert {"recorded", "observed", "receipt", "rule"} <= kinds, kinds
    assert world.run("why", "nobody").returncode == 1


@test
def as_of_is_a_replay(world):
    """The same discrepancies, field by field, whenever an earlier round is judged anew."""
    switch = golden(world)
    rounds = []
    for at in (0, 400, 800):
        switch.read_at = world.inventory_at = at
        if at == 800:
            switch.see(guest_mac(3), "B")
        rounds.append(world.round()[1])
    for result in rounds:
        done = world.run("as-of", result["round"]["judged"], "audit", "-f", "json")
        replay = json.loads(done.stdout)
        for items in (result["discrepancies"], replay["discrepancies"]):
            for item in items:
                for case_field in ("id", "first", "last", "count", "case_state"):
                    item.pop(case_field, None)
        assert json.dumps(replay["discrepancies"]) == json.dumps(result["discrepancies"]), \
            (replay["discrepancies"], result["discrepancies"])
        assert replay["not_observable"] == result["not_observable"]
    done = world.run("as-of", rounds[0]["round"]["judged"], "where", "C")
    assert done.returncode == 1, done


@test
def history_has_places_records_and_cases(world):
    switch = golden(world)
    world.round()
    switch.rows = [row for row in switch.rows if row[1] != guest_mac(4)]
    switch.see(guest_mac(4), "B")
    switch.read_at = world.inventory_at = 400
    world.round()
    entries = lines(world.run("history", "D", "-f", "json"))
    seen = [(entry["port"], entry["current"]) for entry in entries if entry["type"] == "seen"]
    assert seen == [("A", False), ("B", True)], entries
    events = [entry["event"] for entry in entries if entry["type"] == "case"]
    assert events == ["opened", "cleared"], entries


@test
def cases_are_listed_acknowledged_and_closed(world):
    switch = golden(world)
    world.round()
    cases = lines(world.run("case", "list", "-f", "json"))
    assert [case["kind"] for case in cases] and len(cases) == 3, cases
    first = cases[0]["id"]
    done = world.run("case", "ack", first, "--text", "we know")
    assert done.returncode == 0, done
    shown = lines(world.run("case", "show", first, "-f", "json"))[0]
    assert shown["case_state"] == "acknowledged" and shown["acknowledged_text"] == "we know", shown
    assert world.run("case", "close", first).returncode == 2  # it still stands
    assert world.run("case", "close", first, "--without-proof").returncode == 0
    assert len(lines(world.run("case", "list", "-f", "json"))) == 2
    assert len(lines(world.run("case", "list", "--all", "-f", "json"))) == 3
    assert world.run("case", "show", "C99").returncode == 2


@test
def a_case_does_not_clear_while_its_switch_is_not_read(world):
    switch = golden(world)
    world.round()
    switch.missing = True
    os.unlink(os.path.join(world.directory, "sw1.snmprec"))
    switch.read_at = world.inventory_at = 400
    world.round()
    states = {case["kind"]: case["case_state"] for case in lines(world.run("case", "list", "-f", "json"))}
    assert set(states) == {"off_but_seen", "silent", "wrong_location", "audit_gap"}, states


@test
def learn_fills_empty_attachments(world):
    switch = golden(world)
    world.attachments = [(name, nic, "", "") for name, nic, _, _ in world.attachments]
    world.write()
    done = world.run("learn", "-f", "json")
    seen = {answer["hypervisor"]: (answer["switch"], answer["port"]) for answer in lines(done)}
    assert seen == {"hvA": ("sw1", "A"), "hvB": ("sw1", "B")}, done
    done = world.run("learn", "--accept", "attachments.csv")
    assert done.returncode == 0, done
    with open(os.path.join(world.directory, "attachments.csv")) as accepted:
        assert accepted.read().split() == ["hypervisor,nic_mac,switch,port", "hvA,%s,sw1,A" % NIC_A, "hvB,%s,sw1,B" % NIC_B]


@test
def forward_and_decode_show_what_is_read(world):
    golden(world)
    world.write()
    rows = lines(world.run("forward", "sw1", "-f", "json"))
    assert len(rows) == 5 and {row["if_name"] for row in rows} == {"A", "B"}, rows
    assert lines(world.run("forward", "sw1.snmprec", "-f", "json"))[0]["type"] == "forward_entry"
    entries = lines(world.run("decode", "sw1.snmprec"))
    assert entries[0]["table"] == "dot1q" and entries[0]["vlan"] == [10] and entries[0]["status"] == "learned", entries[0]
    nics = lines(world.run("decode", "guests.csv"))
    assert len(nics) == 5 and nics[1]["run_state"] == "off" and nics[1]["mac"] == guest_mac(2), nics


@test
def check_says_everything_that_is_wrong(world):
    golden(world)
    world.write()
    assert world.run("check").returncode == 0
    with open(os.path.join(world.directory, "bad.yaml"), "w") as bad:
        bad.write("recorded:\n  - {type: csv, gests: guests.csv}\n  - {type: nosuch}\nobserved:\n"
                  "  - {type: snmp, switch: sw1, address: 192.0.2.1, community: public}\nstorm: {count: many}\n")
    done = world.run("check", "bad.yaml")
    assert done.returncode == 2
    for expected in ("bad.yaml:2", "gests", "bad.yaml:3", "nosuch", "bad.yaml:5", "community_file", "bad.yaml:6", "count"):
        assert expected in done.stderr, (expected, done.stderr)


@test
def a_shrunk_source_keeps_its_last_good_copy(world):
    switch = two_hypervisors(world)
    for number in range(1, 21):
        world.guest("hvA", "web%d" % number, guest_mac(number))
        switch.see(guest_mac(number), "A")
    world.round()
    world.guests = world.guests[:2]
    status, result = world.round()
    assert [item["kind"] for item in result["discrepancies"]] == ["audit_gap"], result["discrepancies"]
    status, result = world.round("--accept-shrunk", "csv guests.csv")
    kinds = {item["kind"] for item in result["discrepancies"]}
    assert "audit_gap" not in kinds and "unknown_guest" in kinds, kinds


@test
def exit_statuses(world):
    golden(world)
    world.write()
    assert world.run().returncode == 2
    assert world.run("nonsense").returncode == 2
    assert world.run("audit", "--nonsense").returncode == 2
    assert world.run("audit", "-c", "missing.yaml").returncode == 2
    assert world.run("audit", "--accept-shrunk", "nosuch").returncode == 2
    assert world.run("--version").returncode == 0
    assert world.run("audit").returncode == 1


@test
def a_read_only_store_is_said_and_survived(world):
    golden(world)
    world.round()
    if os.geteuid() == 0:
        return  # root writes anyway; the store's own tests cover it with a read-only mount
    os.chmod(os.path.join(world.directory, "muster.db"), 0o400)
    os.chmod(world.directory, 0o500)
    done = world.run("audit")
    os.chmod(world.directory, 0o700)
    assert done.returncode == 1 and "remembered" in done.stderr, done


@test
def a_corrupt_store_is_refused_and_untouched(world):
    golden(world)
    world.write()
    path = os.path.join(world.directory, "muster.db")
    with open(path, "wb") as store:
        store.write(b"this is no database" * 1000)
    done = world.run("audit")
    assert done.returncode == 2 and "muster.db" in done.stderr, done
    with open(path, "rb") as store:
        assert store.read().startswith(b"this is no database")
    assert world.run("audit", "--no-store").returncode == 1


if __name__ == "__main__":
    sys.exit(run_all(TESTS))
