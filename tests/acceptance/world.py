# SPDX-License-Identifier: Apache-2.0
"""A data centre on paper: written as recordings and spreadsheets, audited by the program itself.

Nothing of Muster's code is used here: switches become .snmprec files as an agent with the standard MIBs would be recorded
(RFC 4188, RFC 4363, RFC 2863, IEEE 802.1AB), the records become CSV files, and what counts is what `muster audit` prints.
"""

import json
import os
import subprocess
import sys
import tempfile
import traceback

T0 = 1_790_000_000  # an instant; every time in a scene is relative to it


def rfc3339(at):
    import datetime

    moment = datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def octets(mac):
    return [int(part, 16) for part in mac.split(":")]


class Switch:
    def __init__(self, name, ageing=300, vlans=(10,), fdb_of=None, read_at=0, own="", dot1d=False):
        self.name, self.ageing, self.vlans, self.read_at, self.dot1d = name, ageing, vlans, read_at, dot1d
        self.fdb_of = fdb_of or {vlan: vlan for vlan in vlans}  # VLAN -> FDB id
        self.own = own or "02:00:5e:%02x:%02x:01" % (sum(map(ord, name)) & 255, len(name))
        self.ports, self.rows, self.neighbours, self.lags = [], [], [], {}
        self.missing = False
        self.options = {}  # further keys of its source

    def port(self, name):
        if name not in self.ports:
            self.ports.append(name)
        return self.ports.index(name) + 1

    def see(self, mac, port, vlan=10, status=3):
        """One forward entry; port None is the MIB's port 0."""
        self.rows.append((self.fdb_of.get(vlan, vlan), mac, 0 if port is None else self.port(port), status))
        return self

    def neighbour(self, port, system, chassis=None, remote_port="eth0"):
        self.neighbours.append((self.port(port), system, chassis, remote_port))
        return self

    def lag(self, aggregate, *members):
        self.lags[aggregate] = members
        self.port(aggregate)
        for member in members:
            self.port(member)
        return self

    def varbinds(self):
        system, bridge = "1.3.6.1.2.1.1.", "1.3.6.1.2.1.17."
        yield system + "1.0", "4", "a switch"
        yield system + "2.0", "6", "1.3.6.1.4.1.99999.1"
        yield system + "3.0", "67", "123456789"
        yield system + "5.0", "4", self.name
        yield bridge + "1.1.0", "4x", self.own.replace(":", "")
        yield bridge + "1.2.0", "2", str(len(self.ports))
        if self.ageing is not None:
            yield bridge + "4.2.0", "2", str(self.ageing)
        for number, name in enumerate(self.ports, 1):
            index = 100 + number
            yield bridge + "1.4.1.2.%d" % number, "2", str(index)
            yield "1.3.6.1.2.1.2.2.1.2.%d" % index, "4", "Interface " + name
            yield "1.3.6.1.2.1.31.1.1.1.1.%d" % index, "4", name
        for fdb, mac, port, status in self.rows:
            tail = ".".join(map(str, octets(mac)))
            if self.dot1d:
                yield bridge + "4.3.1.2." + tail, "2", str(port)
                yield bridge + "4.3.1.3." + tail, "2", str(status)
            else:
                yield bridge + "7.1.2.2.1.2.%d.%s" % (fdb, tail), "2", str(port)
                yield bridge + "7.1.2.2.1.3.%d.%s" % (fdb, tail), "2", str(status)
        for vlan, fdb in self.fdb_of.items():
            if not self.dot1d:
                yield bridge + "7.1.4.2.1.3.0.%d" % vlan, "66", str(fdb)
        for aggregate, members in self.lags.items():
            for member in members:
                yield "1.2.840.10006.300.43.1.2.1.1.13.%d" % (100 + self.port(member)), "2", str(100 + self.port(aggregate))
        for number, (port, system_name, chassis, remote) in enumerate(self.neighbours, 1):
            yield "1.0.8802.1.1.2.1.3.7.1.3.%d" % port, "4", self.ports[port - 1]
            tail = "0.%d.%d" % (port, number)
            kind, value = ("4", "4x") if chassis else ("7", "4")
            yield "1.0.8802.1.1.2.1.4.1.1.4." + tail, "2", kind
            yield "1.0.8802.1.1.2.1.4.1.1.5." + tail, value, chassis.replace(":", "") if chassis else system_name
            yield "1.0.8802.1.1.2.1.4.1.1.6." + tail, "2", "5"
            yield "1.0.8802.1.1.2.1.4.1.1.7." + tail, "4", remote
            yield "1.0.8802.1.1.2.1.4.1.1.9." + tail, "4", system_name

    def write(self, directory):
        lines = {}
        for oid, tag, value in self.varbinds():
            lines[tuple(map(int, oid.split(".")))] = (oid, tag, value)
        with open(os.path.join(directory, self.name + ".snmprec"), "w") as out:
            for key in sorted(lines):
                out.write("|".join(lines[key]) + "\n")


class World:
    def __init__(self, directory, program):
        self.directory, self.program = directory, program
        self.switches, self.guests, self.attachments, self.links, self.lags, self.mlag, self.audit = [], [], [], [], [], [], {}
        self.inventory_at = 0
        self.port_roles = []
        self.sites = {}
        self.guest_columns = ["hypervisor", "guest", "mac", "run_state", "state_since", "vlan"]

    def switch(self, name, **options):
        made = Switch(name, **options)
        self.switches.append(made)
        return made

    def hypervisor(self, name, nic, *places):
        for switch, port in places or [("", "")]:
            self.attachments.append((name, nic, switch, port))

    def guest(self, hypervisor, name, mac, state="on", since="", vlan=""):
        since = rfc3339(T0 + since) if since != "" else ""
        self.guests.append((hypervisor, name, mac, state, since, vlan))

    def link(self, switch_a, port_a, switch_b, port_b):
        self.links.append((switch_a, port_a, switch_b, port_b))

    def csv(self, name, header, rows):
        path = os.path.join(self.directory, name + ".csv")
        with open(path, "w") as out:
            out.write(",".join(header) + "\n")
            for row in rows:
                out.write(",".join(row) + "\n")
        os.utime(path, (T0 + self.inventory_at, T0 + self.inventory_at))
        return name + ".csv"

    def write(self):
        recorded = {"guests": self.csv("guests", self.guest_columns, self.guests)}
        recorded["attachments"] = self.csv("attachments", ["hypervisor", "nic_mac", "switch", "port"], self.attachments)
        if self.links:
            recorded["links"] = self.csv("links", ["switch_a", "port_a", "switch_b", "port_b"], self.links)
        if self.lags:
            recorded["lags"] = self.csv("lags", ["switch", "aggregate", "member"], self.lags)
        if self.sites:
            recorded["switches"] = self.csv("switches", ["switch", "site"], sorted(self.sites.items()))
        if self.port_roles:
            recorded["ports"] = self.csv("ports", ["switch", "port", "role"], self.port_roles)
        lines = ["recorded:", "  - {type: csv, %s}" % ", ".join("%s: %s" % item for item in recorded.items()), "observed:"]
        for switch in self.switches:
            if not switch.missing:
                switch.write(self.directory)
            further = "".join(", %s: %s" % item for item in switch.options.items())
            lines.append("  - {type: recording, switch: %s, file: %s.snmprec, read_at: %s%s}"
                         % (switch.name, switch.name, json.dumps(rfc3339(T0 + switch.read_at)), further))
        if self.mlag:
            lines.append("topology: {mlag: %s}" % json.dumps(self.mlag))
        if self.audit:
            lines.append("audit: %s" % json.dumps(self.audit))
        with open(os.path.join(self.directory, "muster.yaml"), "w") as out:
            out.write("\n".join(lines) + "\n")

    def run(self, *arguments):
        done = subprocess.run([self.program, *arguments], cwd=self.directory, capture_output=True, text=True, timeout=60)
        return done

    def round(self, *arguments):
        """Writes everything as it is now, audits, returns (exit status, object)."""
        self.write()
        done = self.run("audit", "--format", "json", *arguments)
        assert done.returncode in (0, 1, 3), "exit %d: %s" % (done.returncode, done.stderr)
        return done.returncode, json.loads(done.stdout)


def found(result, state=True):
    """What was found, as a sorted list of words: "kind subject state"."""
    words = []
    for item in result["discrepancies"]:
        subject = item["subject"]
        name = next(subject[key] for key in ("guest", "hypervisor", "mac", "switch", "source") if subject.get(key))
        words.append(" ".join([item["kind"], name] + ([item["state"]] if state else [])))
    return sorted(words)


def run_all(tests):
    """Runs those of `tests` that the command line names (none: all), each in a world and a folder of its own."""
    program, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
    passed = failed = 0
    for function in tests:
        if names and function.__name__ not in names:
            continue
        with tempfile.TemporaryDirectory() as directory:
            try:
                function(World(directory, program))
                passed += 1
                print("ok     ", function.__name__)
            except Exception:
                failed += 1
                print("FAILED ", function.__name__)
                traceback.print_exc(limit=-1, file=sys.stdout)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0
