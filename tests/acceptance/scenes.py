# SPDX-License-Identifier: Apache-2.0
"""Scenes that `muster audit` must judge rightly, from recordings and spreadsheets alone.

usage: scenes.py PROGRAM [NAME...]     prints one line a scene and "N passed, N failed"
"""

import sys

from world import found, run_all

NIC_A, NIC_B, NIC_C = "b8:ca:3a:00:00:0a", "b8:ca:3a:00:00:0b", "b8:ca:3a:00:00:0c"


def guest_mac(number):
    return "52:54:00:00:00:%02x" % number


SCENES = []


def scene(function):
    SCENES.append(function)
    return function


def two_hypervisors(world, **switch_options):
    switch = world.switch("sw1", **switch_options)
    world.hypervisor("hvA", NIC_A, ("sw1", "A"))
    world.hypervisor("hvB", NIC_B, ("sw1", "B"))
    switch.see(NIC_A, "A").see(NIC_B, "B")
    return switch


@scene
def golden_example(world):
    """DOMAIN 30: exactly D wrong_location, B off_but_seen, C silent."""
    switch = two_hypervisors(world)
    for number, (name, hypervisor, state) in enumerate([("A", "hvA", "on"), ("B", "hvA", "off"), ("C", "hvA", "on"),
                                                        ("D", "hvB", "on"), ("E", "hvB", "off")], 1):
        world.guest(hypervisor, name, guest_mac(number), state)
    switch.see(guest_mac(1), "A").see(guest_mac(2), "A").see(guest_mac(4), "A")
    status, result = world.round()
    assert found(result) == ["off_but_seen B suspected", "silent C suspected", "wrong_location D suspected"], found(result)
    assert status == 1


@scene
def all_is_well(world):
    switch = two_hypervisors(world)
    world.guest("hvA", "web1", guest_mac(1))
    world.guest("hvB", "web2", guest_mac(2), "off")
    switch.see(guest_mac(1), "A")
    status, result = world.round()
    assert found(result) == [], found(result)
    assert status == 0


@scene
def dead_switch_is_a_gap_and_nobody_is_silent(world):
    switch = two_hypervisors(world)
    dead = world.switch("sw2")
    dead.missing = True
    world.hypervisor("hvC", NIC_C, ("sw2", "C"))
    world.guest("hvA", "web1", guest_mac(1))
    world.guest("hvC", "web3", guest_mac(3))
    switch.see(guest_mac(1), "A")
    status, result = world.round()
    assert found(result, state=False) == ["audit_gap sw2"], found(result)
    assert [item["guest"] for item in result["not_observable"]] == ["web3"], result["not_observable"]
    assert status == 3, status


@scene
def moved_guest_seen_by_transit_switches_is_one_case_at_its_edge(world):
    core = world.switch("core")
    leaves = [world.switch("leaf%d" % number) for number in range(1, 5)]
    for number, leaf in enumerate(leaves, 1):
        world.link(leaf.name, "up", "core", "down%d" % number)
        nic = "b8:ca:3a:00:01:%02x" % number
        world.hypervisor("hv%d" % number, nic, (leaf.name, "p1"))
        for other, seen in enumerate(leaves, 1):
            seen.see(nic, "p1" if seen is leaf else "up")
        core.see(nic, "down%d" % number)
        world.guest("hv%d" % number, "web%d" % number, guest_mac(number))
    for number in range(1, 5):
        home = 3 if number == 1 else number  # web1 runs on hv3, recorded on hv1
        for other, leaf in enumerate(leaves, 1):
            leaf.see(guest_mac(number), "p1" if other == home else "up")
        core.see(guest_mac(number), "down%d" % home)
    status, result = world.round()
    assert found(result, state=False) == ["wrong_location web1"], found(result)
    observed = result["discrepancies"][0]["observed"]
    assert [(place["switch"], place["port"]) for place in observed] == [("leaf3", "p1")], observed


@scene
def redundant_attachment_by_either_port(world):
    one, two = world.switch("sw1"), world.switch("sw2")
    world.link("sw1", "x", "sw2", "x")
    world.hypervisor("hvA", NIC_A, ("sw1", "A"), ("sw2", "A"))
    world.guest("hvA", "web1", guest_mac(1))
    world.guest("hvA", "web2", guest_mac(2))
    one.see(NIC_A, "A").see(guest_mac(1), "A").see(guest_mac(2), "x")
    two.see(NIC_A, "x").see(guest_mac(1), "x").see(guest_mac(2), "A")
    status, result = world.round()
    assert (found(result), status) == ([], 0), found(result)


@scene
def mlag_pair_is_one_place(world):
    one, two = world.switch("sw1"), world.switch("sw2")
    world.mlag = [["sw1:po1", "sw2:po1"]]
    world.link("sw1", "peer", "sw2", "peer")
    world.hypervisor("hvA", NIC_A, ("sw1", "po1"))
    world.guest("hvA", "web1", guest_mac(1))
    for switch in (one, two):
        switch.see(NIC_A, "po1").see(guest_mac(1), "po1")
    status, result = world.round()
    assert (found(result), status) == ([], 0), found(result)


@scene
def lag_member_or_aggregate_may_be_recorded(world):
    switch = world.switch("sw1")
    switch.lag("Po1", "Gi0/1", "Gi0/2")
    world.hypervisor("hvA", NIC_A, ("sw1", "Gi0/2"))
    world.guest("hvA", "web1", guest_mac(1))
    switch.see(NIC_A, "Po1").see(guest_mac(1), "Po1")
    status, result = world.round()
    assert (found(result), status) == ([], 0), found(result)


@scene
def unknown_guest_by_prefix_only(world):
    switch = two_hypervisors(world)
    switch.see("52:54:00:99:00:01", "A").see("3c:52:82:00:00:01", "A")
    status, result = world.round()
    assert found(result, state=False) == ["unknown_guest 52:54:00:99:00:01"], found(result)


@scene
def unknown_guest_without_prefix_mode(world):
    switch = two_hypervisors(world)
    world.audit = {"prefix_mode": False}
    switch.see("52:54:00:99:00:01", "A")
    status, result = world.round()
    assert found(result) == [], found(result)


@scene
def unknown_guest_by_port_mode(world):
    switch = two_hypervisors(world)
    world.audit = {"port_mode": True}
    switch.see("3c:52:82:00:00:01", "A").see("3c:52:82:00:00:02", "desk")
    status, result = world.round()
    assert found(result, state=False) == ["unknown_guest 3c:52:82:00:00:01"], found(result)


@scene
def virtual_routers_and_multicast_are_nobody(world):
    switch = two_hypervisors(world)
    for mac in ("00:00:5e:00:01:07", "00:00:0c:07:ac:01", "01:00:5e:00:00:01", "00:00:00:00:00:00", "fe:54:00:00:00:01"):
        switch.see(mac, "A").see(mac, "B", vlan=20)
    status, result = world.round()
    assert found(result) == [], found(result)


@scene
def guest_on_an_access_port(world):
    switch = two_hypervisors(world)
    world.guest("hvA", "web1", guest_mac(1))
    switch.see(guest_mac(1), "desk12")
    status, result = world.round()
    assert found(result, state=False) == ["non_hypervisor_port %s" % guest_mac(1)] or \
        found(result, state=False) == ["non_hypervisor_port web1"], found(result)
    assert result["discrepancies"][0]["subject"].get("mac") == guest_mac(1)


@scene
def zombie_at_ageing_minus_one_second(world):
    switch = two_hypervisors(world)
    world.guest("hvA", "web1", guest_mac(1), "off", since=-299)
    switch.see(guest_mac(1), "A")
    status, result = world.round()
    assert (found(result), status) == ([], 0), found(result)


@scene
def zombie_after_ageing_and_poll_error(world):
    switch = two_hypervisors(world)
    world.guest("hvA", "web1", guest_mac(1), "off", since=-303)
    switch.see(guest_mac(1), "A")
    status, result = world.round()
    assert found(result) == ["off_but_seen web1 confirmed"], found(result)


@scene
def zombie_by_a_switch_that_keeps_entries_longer(world):
    switch = two_hypervisors(world, ageing=1800)
    world.guest("hvA", "web1", guest_mac(1), "off", since=-900)
    switch.see(guest_mac(1), "A")
    status, result = world.round()
    assert found(result) == [], found(result)


@scene
def static_and_own_entries_prove_nothing(world):
    switch = two_hypervisors(world)
    world.guest("hvA", "web1", guest_mac(1), "off", since=-9000)
    world.guest("hvA", "web2", guest_mac(2), "off", since=-9000)
    world.guest("hvA", "web3", guest_mac(3), "off", since=-9000)
    switch.see(guest_mac(1), "A", status=5).see(guest_mac(2), None).see(guest_mac(3), "A", status=2)
    status, result = world.round()
    assert found(result) == [], found(result)


@scene
def unknown_run_state_never_raises(world):
    switch = two_hypervisors(world)
    world.guest("hvA", "web1", guest_mac(1), "migrating")
    world.guest("hvA", "web2", guest_mac(2), "unknown")
    switch.see(guest_mac(1), "A")
    status, result = world.round()
    assert found(result) == [], found(result)


@scene
def one_silent_nic_of_two(world):
    switch = two_hypervisors(world)
    world.guest("hvA", "web1", guest_mac(1))
    world.guest("hvA", "web1", guest_mac(2))
    switch.see(guest_mac(1), "A")
    status, result = world.round()
    assert found(result, state=False) == ["nic_silent web1"], found(result)
    assert status == 0


@scene
def two_silent_nics_are_one_case(world):
    two_hypervisors(world)
    world.guest("hvA", "web1", guest_mac(1))
    world.guest("hvA", "web1", guest_mac(2))
    status, result = world.round()
    assert found(result) == ["silent web1 suspected"], found(result)


@scene
def clone_in_one_round_is_suspected(world):
    switch = two_hypervisors(world)
    other = world.switch("sw2")
    world.link("sw1", "x", "sw2", "x")
    world.hypervisor("hvC", NIC_C, ("sw2", "C"))
    switch.see(NIC_C, "x")
    other.see(NIC_C, "C").see(NIC_A, "x").see(NIC_B, "x")
    world.guest("hvA", "web1", guest_mac(1))
    switch.see(guest_mac(1), "A")
    other.see(guest_mac(1), "C")
    status, result = world.round()
    assert found(result) == ["duplicate_guest web1 suspected"], found(result)
    places = sorted((place["switch"], place["port"]) for place in result["discrepancies"][0]["observed"])
    assert places == [("sw1", "A"), ("sw2", "C")], places


@scene
def same_mac_in_two_vlans_one_recorded_is_right(world):
    switch = two_hypervisors(world, vlans=(10, 20))
    world.guest("hvA", "web1", guest_mac(1), vlan="10")
    switch.see(guest_mac(1), "A", vlan=10).see(guest_mac(1), "A", vlan=20)
    status, result = world.round()
    assert found(result) == [], found(result)


@scene
def wrong_vlan(world):
    switch = two_hypervisors(world, vlans=(10, 20))
    world.guest("hvA", "web1", guest_mac(1), vlan="10")
    switch.see(guest_mac(1), "A", vlan=20)
    status, result = world.round()
    assert found(result, state=False) == ["wrong_vlan web1"], found(result)


@scene
def shared_vlan_learning_is_not_a_wrong_vlan(world):
    switch = two_hypervisors(world, vlans=(10, 20), fdb_of={10: 1, 20: 1})
    world.guest("hvA", "web1", guest_mac(1), vlan="20")
    switch.see(guest_mac(1), "A", vlan=10)
    status, result = world.round()
    assert found(result) == [], found(result)


@scene
def two_running_claims_are_a_conflict(world):
    switch = two_hypervisors(world)
    world.guest("hvA", "web1", guest_mac(1))
    world.guest("hvB", "web1", guest_mac(1))
    switch.see(guest_mac(1), "B")
    status, result = world.round()
    assert found(result, state=False) == ["inventory_conflict web1"], found(result)


@scene
def left_over_definition_is_no_conflict(world):
    switch = two_hypervisors(world)
    world.guest("hvA", "web1", guest_mac(1), "off")
    world.guest("hvB", "web1", guest_mac(1), "on")
    switch.see(guest_mac(1), "B")
    status, result = world.round()
    assert found(result) == [], found(result)


@scene
def recabled_hypervisor_collects_its_guests(world):
    switch = two_hypervisors(world)
    other = world.switch("sw2")
    world.link("sw1", "x", "sw2", "x")
    world.hypervisor("hvC", NIC_C, ("sw2", "C"))
    for number in range(1, 6):
        world.guest("hvC", "web%d" % number, guest_mac(number))
        switch.see(guest_mac(number), "newport")
        other.see(guest_mac(number), "x")
    other.port("C")
    switch.see(NIC_C, "newport")
    other.see(NIC_C, "x").see(NIC_A, "x").see(NIC_B, "x")
    status, result = world.round()
    assert found(result, state=False) == ["hypervisor_moved hvC"], found(result)


@scene
def silent_hypervisor_collects_its_guests(world):
    two_hypervisors(world).port("C")
    world.hypervisor("hvC", NIC_C, ("sw1", "C"))
    for number in range(1, 4):
        world.guest("hvC", "web%d" % number, guest_mac(number))
    status, result = world.round()
    assert "hypervisor_silent hvC suspected" in found(result), found(result)
    assert not any(word.startswith("silent") for word in found(result)), found(result)


@scene
def recorded_gaps_are_information(world):
    switch = two_hypervisors(world)
    world.hypervisor("hvD", "b8:ca:3a:00:00:0d", ("sw1", "no-such-port"))
    world.hypervisor("hvE", "b8:ca:3a:00:00:0e", ("sw9", "p1"))
    world.guest("hvF", "lost1", guest_mac(9))
    world.guest("hvA", "web1", guest_mac(1))
    switch.see(guest_mac(1), "A")
    status, result = world.round()
    kinds = {word.split()[0] for word in found(result)}
    assert kinds == {"recorded_gap"}, found(result)
    assert status == 0


@scene
def storm_is_one_collective_case(world):
    switch = two_hypervisors(world)
    for number in range(1, 31):
        world.guest("hvA", "web%d" % number, guest_mac(number))
        switch.see(guest_mac(number), "B")
    switch.see(guest_mac(99), "A")
    world.guest("hvA", "web99", guest_mac(99))
    status, result = world.round()
    wrong = [item for item in result["discrepancies"] if item["kind"] == "wrong_location"]
    assert len(wrong) == 1 and len(wrong[0]["members"]) == 30, found(result)


@scene
def transit_only_is_suspected(world):
    switch = two_hypervisors(world)
    unread = world.switch("sw2")
    unread.missing = True
    world.link("sw1", "x", "sw2", "x")
    world.hypervisor("hvC", NIC_C, ("sw2", "C"))
    world.guest("hvA", "web1", guest_mac(1))
    switch.see(guest_mac(1), "x").see("52:54:00:99:00:01", "x")
    status, result = world.round()
    assert found(result) == ["audit_gap sw2 " + result_state(result, "audit_gap"),
                             "unknown_guest 52:54:00:99:00:01 suspected"], found(result)


def result_state(result, kind):
    return next(item["state"] for item in result["discrepancies"] if item["kind"] == kind)


@scene
def guest_that_migrated_during_the_round(world):
    """Seen at the old place in the older read and at the recorded place in the newer one."""
    one, two = world.switch("sw1", read_at=0), world.switch("sw2", read_at=30)
    world.link("sw1", "x", "sw2", "x")
    world.hypervisor("hvA", NIC_A, ("sw1", "A"))
    world.hypervisor("hvB", NIC_B, ("sw2", "B"))
    one.see(NIC_A, "A").see(NIC_B, "x").see(guest_mac(1), "A")
    two.see(NIC_A, "x").see(NIC_B, "B").see(guest_mac(1), "B")
    world.guest("hvB", "web1", guest_mac(1))
    world.inventory_at = 40
    status, result = world.round()
    assert not any(item["state"] == "confirmed" for item in result["discrepancies"]), found(result)


@scene
def zombie_is_proved_by_the_second_round(world):
    switch = two_hypervisors(world)
    world.guest("hvA", "web1", guest_mac(1), "off")
    switch.see(guest_mac(1), "A")
    _, result = world.round()
    assert found(result) == ["off_but_seen web1 suspected"], found(result)
    first = result["discrepancies"][0]["id"]
    switch.read_at = world.inventory_at = 400
    _, result = world.round()
    assert found(result) == ["off_but_seen web1 confirmed"], found(result)
    assert result["discrepancies"][0]["id"] == first
    assert result["discrepancies"][0]["count"] == 2


@scene
def silent_is_confirmed_by_later_rounds_and_clears(world):
    switch = two_hypervisors(world)
    world.guest("hvA", "web1", guest_mac(1))
    _, result = world.round()
    assert found(result) == ["silent web1 suspected"], found(result)
    for at in (400, 800):
        switch.read_at = world.inventory_at = at
        _, result = world.round()
    assert found(result) == ["silent web1 confirmed"], found(result)
    switch.see(guest_mac(1), "A")
    switch.read_at = world.inventory_at = 1200
    status, result = world.round()
    assert (found(result), status) == ([], 0), found(result)


@scene
def silent_move_with_an_old_row_is_never_a_confirmed_clone(world):
    one, two = world.switch("sw1"), world.switch("sw2")
    world.link("sw1", "x", "sw2", "x")
    world.hypervisor("hvA", NIC_A, ("sw1", "A"))
    world.hypervisor("hvB", NIC_B, ("sw2", "B"))
    one.see(NIC_A, "A").see(NIC_B, "x").see(guest_mac(1), "A")
    two.see(NIC_A, "x").see(NIC_B, "B").see(guest_mac(1), "x")
    world.guest("hvA", "web1", guest_mac(1))
    _, result = world.round()
    assert found(result) == [], found(result)
    two.rows = [row for row in two.rows if row[1] != guest_mac(1)]
    two.see(guest_mac(1), "B")
    for at in (60, 120, 240):
        for switch in (one, two):
            switch.read_at = at
        world.inventory_at = at
        _, result = world.round()
        assert "duplicate_guest web1 confirmed" not in found(result), (at, found(result))
    for at in (420, 480):
        for switch in (one, two):
            switch.read_at = at
        world.inventory_at = at
        _, result = world.round()
    assert "duplicate_guest web1 confirmed" in found(result), found(result)


def tree_of_two(world, recorded_links=False):
    one, two = world.switch("sw1"), world.switch("sw2")
    world.hypervisor("hvA", NIC_A, ("sw1", "A"))
    world.hypervisor("hvB", NIC_B, ("sw2", "B"))
    one.see(NIC_A, "A").see(NIC_B, "x")
    two.see(NIC_A, "y").see(NIC_B, "B")
    if recorded_links:
        world.link("sw1", "x", "sw2", "y")
    return one, two


def web2_moved_to_the_desk(world, one, two):
    """web1 is where it should be, web2 on an access port of sw2."""
    world.guest("hvA", "web1", guest_mac(1))
    world.guest("hvA", "web2", guest_mac(2))
    one.see(guest_mac(1), "A").see(guest_mac(2), "x")
    two.see(guest_mac(1), "y").see(guest_mac(2), "desk7")
    _, result = world.round()
    kinds = {item["kind"] for item in result["discrepancies"]}
    assert kinds == {"non_hypervisor_port"}, found(result)
    places = [(place["switch"], place["port"]) for place in result["discrepancies"][0]["observed"]]
    assert places == [("sw2", "desk7")], places


@scene
def links_by_record(world):
    web2_moved_to_the_desk(world, *tree_of_two(world, recorded_links=True))


@scene
def links_by_lldp(world):
    one, two = tree_of_two(world)
    one.neighbour("x", "sw2")
    two.neighbour("y", "sw1")
    web2_moved_to_the_desk(world, one, two)


@scene
def links_by_the_switches_own_addresses(world):
    one, two = tree_of_two(world)
    one.own, two.own = "00:1b:21:00:00:01", "00:1b:21:00:00:02"
    one.see(two.own, "x")
    two.see(one.own, "y")
    web2_moved_to_the_desk(world, one, two)


@scene
def links_by_the_tables_alone(world):
    one, two = tree_of_two(world)
    for number in range(20, 26):
        one.see("3c:52:82:00:00:%02x" % number, "desk%d" % number)
        two.see("3c:52:82:00:00:%02x" % number, "y")
    for number in range(30, 36):
        two.see("3c:52:82:00:00:%02x" % number, "desk%d" % number)
        one.see("3c:52:82:00:00:%02x" % number, "x")
    web2_moved_to_the_desk(world, one, two)


@scene
def hypervisors_that_speak_lldp_stay_edges(world):
    switch = two_hypervisors(world)
    switch.neighbour("A", "hvA", NIC_A).neighbour("B", "hvB", NIC_B)
    world.guest("hvB", "web1", guest_mac(1))
    switch.see(guest_mac(1), "A")
    _, result = world.round()
    assert found(result, state=False) == ["wrong_location web1"], found(result)


@scene
def own_bridge_of_a_hypervisor_is_its_place(world):
    switch = two_hypervisors(world)
    bridge = world.switch("br-hvA")
    bridge.options["hypervisor"] = "hvA"
    world.guest("hvA", "web1", guest_mac(1))
    world.guest("hvB", "web2", guest_mac(2))
    switch.see(guest_mac(1), "A").see(guest_mac(2), "A")
    bridge.see(guest_mac(1), "vnet0").see(guest_mac(2), "vnet1")
    _, result = world.round()
    assert found(result, state=False) == ["wrong_location web2"], found(result)


@scene
def one_address_in_two_sites_is_no_duplicate(world):
    one, two = two_hypervisors(world), world.switch("sw2")
    world.sites = {"sw1": "paris", "sw2": "oslo"}
    one.options["site"], two.options["site"] = "paris", "oslo"
    world.hypervisor("hvC", NIC_C, ("sw2", "C"))
    two.see(NIC_C, "C")
    world.guest("hvA", "web1", guest_mac(1))
    world.guest("hvC", "web2", guest_mac(1))
    one.see(guest_mac(1), "A")
    two.see(guest_mac(1), "C")
    _, result = world.round()
    assert "duplicate_guest" not in " ".join(found(result)) and "wrong_location" not in " ".join(found(result)), found(result)


@scene
def half_read_table_proves_presence_only(world):
    """A port column that ends in the middle: what was read counts, what was not is not missing."""
    switch = two_hypervisors(world)
    world.guest("hvA", "web1", guest_mac(1))
    world.guest("hvA", "web2", guest_mac(2))
    world.guest("hvB", "web3", guest_mac(3))
    switch.see(guest_mac(1), "A").see(guest_mac(3), "A")
    world.write()
    path = world.directory + "/sw1.snmprec"
    with open(path) as recording:
        text = recording.read()
    with open(path, "w") as recording:
        recording.write(text[:-1] + "\n1.3.6.1.2.1.17.7.1.2.2.1.2.10.255|Timeout: No Response\n")
    done = world.run("audit", "--format", "json")
    import json

    result = json.loads(done.stdout)
    assert "silent" not in " ".join(found(result)), found(result)
    assert "wrong_location web3 suspected" in found(result), found(result)


@scene
def crashed_paused_and_hibernated_guests_should_be_quiet(world):
    switch = two_hypervisors(world)
    for number, state in enumerate(["suspended", "paused", "hibernated", "crashed", "shut off", "poweredOff"], 1):
        world.guest("hvA", "web%d" % number, guest_mac(number), state, since=-3600)
        switch.see(guest_mac(number), "A")
    _, result = world.round()
    assert found(result) == ["off_but_seen web%d confirmed" % number for number in range(1, 7)], found(result)


@scene
def dot1d_tables_without_vlans_are_enough(world):
    switch = two_hypervisors(world, dot1d=True)
    world.guest("hvA", "web1", guest_mac(1), vlan="10")
    world.guest("hvB", "web2", guest_mac(2), vlan="10")
    switch.see(guest_mac(1), "A").see(guest_mac(2), "A")
    _, result = world.round()
    assert found(result, state=False) == ["wrong_location web2"], found(result)


@scene
def unread_records_are_a_gap_and_nobody_is_unknown(world):
    """Without its records, that a guest is in none of them cannot be observed."""
    switch = two_hypervisors(world)
    world.guest("hvA", "web1", guest_mac(1))
    world.guest("hvA", "web2", guest_mac(2))
    switch.see(guest_mac(1), "B").see("52:54:00:99:00:01", "A")
    world.write()
    with open(world.directory + "/guests.csv", "w") as broken:
        broken.write("what is this?\n")
    done = world.run("audit", "--format", "json")
    import json

    result = json.loads(done.stdout)
    assert found(result, state=False) == ["audit_gap csv guests.csv"], found(result)
    assert done.returncode == 3, done


@scene
def guests_without_addresses_are_a_gap_and_never_silent(world):
    switch = two_hypervisors(world)
    world.guest("hvA", "web1", "")
    world.guest("hvA", "web2", guest_mac(2))
    switch.see(guest_mac(2), "A")
    status, result = world.round()
    assert found(result, state=False) == ["recorded_gap web1"], found(result)
    assert status == 0


if __name__ == "__main__":
    sys.exit(run_all(SCENES))
