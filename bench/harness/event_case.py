# SPDX-License-Identifier: Apache-2.0
"""From a packet to the case: how long until `muster watch` shows it.

event-case: a simulated data centre answers exact-instance probes by SNMP; something happens
in it, one packet says so (accounting, or a gratuitous ARP on a mirror), and the time runs
from that packet to the watcher's line with the confirmed case. Records follow at once there
(inventory_lag 0), since the time that an inventory is given is not Muster's.

event-rate: 5,000 accounting requests a second, one in 500 from a port where its guest should
not be; nothing is probed, the time runs to the suspected case.
"""
import contextlib
import csv
import hashlib
import json
import os
import pathlib
import random
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

import events
from capture import veth_pair
from measure import CLIENT_CPU, Missing, WrongResult, pinned

SIM_ADDRESS, SIM_PORT, PORT = '127.79.0.1', 16179, 21923
SECRET = b'bench-secret'
START = 1
PATIENCE = 5
PACE = 1.1  # records are read again once a second at most (daemon/auditor.c)
ODD_STRIDE = 500
SENDER = pathlib.Path(__file__).resolve().parent / 'event_sender.py'


# --- packets ---


def attribute(kind, value):
    return bytes([kind, len(value) + 2]) + value


def accounting_start(mac, nas, port, session, identifier):
    body = (attribute(40, struct.pack('>I', START)) + attribute(44, session.encode()) +
            attribute(31, mac.upper().replace(':', '-').encode()) + attribute(87, port.encode()) +
            attribute(32, nas.encode()))
    head = struct.pack('>BBH', 4, identifier & 255, 20 + len(body))
    return head + hashlib.md5(head + bytes(16) + body + SECRET).digest() + body


def gratuitous_arp(mac, vlan=''):
    """With the tag of its VLAN, as a trunk's mirror shows it."""
    tag = b'\x81\x00' + struct.pack('>H', int(vlan)) if vlan else b''
    octets, address = bytes.fromhex(mac.replace(':', '')), bytes([192, 0, 2, 9])
    return (b'\xff' * 6 + octets + tag + b'\x08\x06' + bytes.fromhex('0001080006040001') + octets + address +
            bytes(6) + address + bytes(18))


class Sender:
    """A process that sends when told to, inside a namespace where there is one, and says when."""

    def __init__(self, inside, interface):
        self.process = subprocess.Popen(inside + [sys.executable, str(SENDER), str(PORT), interface],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, way, packet):
        print(way, packet.hex(), file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Watch:
    """`muster watch`, and when each of its lines about a case came."""

    def __init__(self, bench, configuration):
        self.lines = []
        self.process = subprocess.Popen([bench.muster(), 'watch', '-c', str(configuration), '-f',
                                         'json'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if b'watching' not in self.process.stdout.readline():
            raise WrongResult('muster watch does not watch')
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), line))

    def cases(self, since=0):
        """The lines about cases from number `since` on, as (when, case)."""
        told = [(at, json.loads(line)) for at, line in self.lines[since:]]
        return [(at, line) for at, line in told if line['type'] == 'case']

    def wait(self, since, condition):
        """When the first line about a case came for which `condition` holds; None."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for at, case in self.cases(since):
                if condition(case):
                    return at
            time.sleep(0.002)
        return None

    def stop(self):
        self.process.terminate()
        self.process.wait()


# --- one event after the other ---

STAGES = {'the case': lambda case: True,
          'probed': lambda case: 'probe' in {one['source'] for one in case['observed']},
          'confirmed': lambda case: case['case_state'] == 'confirmed'}


class Trial:
    """A simulated data centre and the daemon that hears of it."""

    def __init__(self, bench, inside, mirror, count):
        self.bench, self.inside, self.count = bench, inside, count
        self.folder = pathlib.Path(bench.folder('event-case'))
        shutil.rmtree(self.folder)
        self.configuration = self.folder / 'muster.yaml'
        self.sim = self.daemon = self.sender = self.watch = None
        try:
            self._start(mirror)
        except BaseException:
            self.stop()
            raise

    def _start(self, mirror):
        self.sim = self._run([self.bench.muster(), 'sim', '--dir', str(self.folder), '--address', SIM_ADDRESS,
                              '--port', str(SIM_PORT), '--no-mlag', '--switches', '8', '--hypervisors', '40',
                              '--guests', '400'])
        self._wait('the simulation', lambda: self.order('time') is not None)
        (self.folder / 'secret').write_bytes(SECRET + b'\n')
        (self.folder / 'secret').chmod(0o600)
        heard = f'  - {{type: radius, listen: 127.0.0.1, port: {PORT}, client: 127.0.0.1, secret_file: secret}}\n'
        if mirror:
            heard += f'  - {{type: announce, interface: {mirror}}}\n'
        with open(self.configuration, 'a') as file:
            file.write(f'events:\n{heard}daemon: {{interval: 1h}}\n'
                       'audit: {inventory_lag: 0s}\nstorm: {count: 1000}\n')
        self.daemon = self._run([str(self.bench.build / 'src' / 'daemon' / 'musterd'), '-c',
                                 str(self.configuration)])
        self._wait('musterd', lambda: (self.status() or {'round': {'rounds': 0}})['round']['rounds'] > 0)
        self.watch = Watch(self.bench, self.configuration)
        self.sender = Sender(self.inside, 'a0' if mirror else '-')

    def _run(self, command):
        return subprocess.Popen(self.inside + command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @staticmethod
    def _wait(what, condition, seconds=30):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise WrongResult(f'{what}: not within {seconds} s')
            time.sleep(0.05)

    def order(self, command):
        done = subprocess.run(self.inside + [self.bench.muster(), 'sim', '--dir', str(self.folder), '--send', command],
                              capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None

    def status(self):
        done = subprocess.run([self.bench.muster(), 'status', '-f', 'json', '-c', str(self.configuration)],
                              capture_output=True, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def table(self, name):
        with open(self.folder / name) as file:
            return list(csv.DictReader(file))

    def stop(self):
        for part in (self.watch, self.sender):
            if part is not None:
                part.stop()
        for child in (self.daemon, self.sim):
            if child is not None and child.poll() is None:
                child.terminate()
                child.wait()


def single_cables(trial):
    """Hypervisors with one cable: {name: its attachment}; guests with one NIC: {hypervisor: [row]}."""
    cables, guests = {}, {}
    for row in trial.table('attachments.csv'):
        cables.setdefault(row['hypervisor'], []).append(row)
    single = {name: rows[0] for name, rows in cables.items() if len(rows) == 1}
    nics = {}
    for row in trial.table('guests.csv'):
        nics.setdefault(row['guest'], []).append(row)
    for rows in nics.values():
        row = rows[0]
        if len(rows) == 1 and row['mac'] and row['hypervisor'] in single:
            guests.setdefault(row['hypervisor'], []).append(row)
    return single, guests


def chosen(trial, states):
    """So many guests of hypervisors with one cable that are recorded in one of these states."""
    single, guests = single_cables(trial)
    every = [guest for name in sorted(single) for guest in guests.get(name, []) if guest['run_state'] in states]
    return every[:trial.count]


def moves_told_by_accounting(trial):
    """Guests that moved where no record has them: (way, packet, condition)."""
    single, _ = single_cables(trial)
    names = sorted(single)
    for number, guest in enumerate(chosen(trial, ('on', 'running'))):
        target = names[(names.index(guest['hypervisor']) + 1) % len(names)]
        trial.order(f'event migrate {guest["guest"]} {target}')
        at = single[target]
        time.sleep(PACE)
        yield ('radius', accounting_start(guest['mac'], at['switch'], at['port'], f's{number}', number),
               lambda case, name=guest['guest']: case['kind'] == 'wrong_location' and
               case['subject'].get('guest') == name)


def zombies_told_by_arp(trial):
    """Guests that are recorded off are switched on, which no record follows, and announce
    themselves by a gratuitous ARP."""
    for guest in chosen(trial, ('off', 'paused')):
        trial.order(f'event power-on {guest["guest"]}')
        yield ('frame', gratuitous_arp(guest['mac'], guest['vlan']), lambda case, name=guest['guest']:
               case['kind'] == 'off_but_seen' and case['subject'].get('guest') == name)


def strangers_told_by_arp(trial):
    """Guests that nobody recorded begin to speak. Every switch is asked for such an address, a
    few times a second at most."""
    single, _ = single_cables(trial)
    names = sorted(single)
    known = set()
    for number in range(trial.count):
        trial.order(f'event unknown {names[number % len(names)]}')
        truth = {line.split()[2] for line in (trial.order('truth') or '').splitlines()
                 if line.startswith('unknown_guest')}
        for mac in truth - known:
            time.sleep(0.25)
            yield ('frame', gratuitous_arp(mac), lambda case, mac=mac: case['kind'] == 'unknown_guest' and
                   case['subject'].get('mac') == mac)
        known |= truth


def follow(trial, stories, stages):
    """Plays them; returns {stage: seconds from the packet to it} and how many were not reached."""
    told = {stage: [] for stage in stages}
    missing = 0
    for way, packet, condition in stories(trial):
        since = len(trial.watch.lines)
        begun = trial.sender.send(way, packet)
        for stage in stages:
            at = trial.watch.wait(since, lambda case: condition(case) and STAGES[stage](case))
            if at is None:
                missing += 1
                break
            told[stage].append(at - begun)
    return told, missing


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def show(report, words, seconds, goal=None):
    """p50 and p99 in milliseconds; p99 beside its goal."""
    if not seconds:
        report.skip(words, 'nothing was told')
        return
    report.cost(f'{words}, p50', [percentile(seconds, 0.5) * 1e3], 'ms')
    report.judge(f'{words}, p99', [percentile(seconds, 0.99) * 1e3], goal, False)


@contextlib.contextmanager
def somewhere():
    """The namespace with a mirror; nothing where that cannot be."""
    with contextlib.ExitStack() as stack:
        try:
            inside = stack.enter_context(veth_pair())
            subprocess.run(inside + ['ip', 'link', 'set', 'lo', 'up'], check=True)
        except Missing:
            inside = []
        yield inside


def one_by_one(bench, report):
    """The first packet that shows it, to the confirmed case."""
    count = 5 if bench.quick else 30
    report.open('event-case', f'From the packet to the confirmed case, {count} events each', 'milliseconds')
    with somewhere() as inside:
        trial = Trial(bench, inside, 'a1' if inside else None, count)
        try:
            ways = [('accounting', moves_told_by_accounting, ('the case', 'probed', 'confirmed'))]
            if inside:
                ways += [('gratuitous ARP', zombies_told_by_arp, ('confirmed',)),
                         ('ARP of a stranger', strangers_told_by_arp, ('probed',))]
            else:
                report.skip('gratuitous ARP', 'network namespaces need root')
            for words, stories, stages in ways:
                told, missing = follow(trial, stories, stages)
                for stage, seconds in told.items():
                    show(report, f'{words}: {stage}', seconds, 1000 if stage == stages[-1] else None)
                if missing > count // 20:
                    report.fail(words, f'{missing} of {count} events were not told in {PATIENCE} s')
                elif missing:
                    report.note(f'{words}: {missing} of {count} events were not told in {PATIENCE} s')
        finally:
            trial.stop()


# --- among many ---


def pair_of(place):
    """Switches come in pairs (roster.h): swNNNNN."""
    return int(place[0][2:]) // 2


def odd_guests(world, count):
    """Guests in order, each with another pair's port: (mac, guest, switch, port)."""
    with open(world / 'attachments.csv') as file:
        ports = {row['hypervisor']: (row['switch'], row['port']) for row in csv.DictReader(file)
                 if row['switch'] and row['port']}
    names = sorted(ports)
    dice = random.Random(1)
    with open(world / 'guests.csv') as file:
        rows = [row for _, row in zip(range(200_000), csv.DictReader(file)) if row['run_state'] == 'on']
    for row in dice.sample(rows, min(count, len(rows))):
        place = ports[dice.choice(names)]
        if pair_of(place) != pair_of(ports[row['hypervisor']]):
            yield row['mac'], row['guest'], *place


def send_odd(daemon_socket, guests, gap, sent):
    due = time.monotonic()
    for number, (mac, guest, switch, port) in enumerate(guests):
        due += gap
        time.sleep(max(0, due - time.monotonic()))
        packet = accounting_start(mac, switch, port, f'odd-{number}', number)
        sent[guest] = time.monotonic()
        daemon_socket.send(packet)


def hear_odd(bench, guests, durable, seconds):
    """One run: seconds from each odd packet to its case, how many became none, what the load saw."""
    rate, gap, sent = events.RATE, ODD_STRIDE / events.RATE, {}
    daemon = events.Daemon(bench, guests, durable)
    with open(daemon.configuration, 'a') as file:
        file.write('storm: {count: 1000}\n')
    odd = list(odd_guests(pathlib.Path(bench.folder(f'events-world-{guests}')), int(seconds / gap)))
    with daemon.server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        watch = Watch(bench, daemon.configuration)
        try:
            sender.connect(('127.0.0.1', events.PORT))
            load = subprocess.Popen(pinned(CLIENT_CPU, [
                bench.program('radius_load'), 'rate', '127.0.0.1', str(events.PORT), events.SECRET, str(guests),
                str(rate * (seconds + 1)), str(rate)]), stdout=subprocess.PIPE, text=True)
            time.sleep(0.5)
            send_odd(sender, odd, gap, sent)
            answer = json.loads(load.communicate()[0])
            time.sleep(1)
        finally:
            watch.stop()
    first = {}
    for at, case in watch.cases():
        first.setdefault(case['subject'].get('guest'), at)
    took = [first[guest] - at for guest, at in sent.items() if guest in first]
    return took, len(sent) - len(took), answer


def at_a_rate(bench, report):
    """5,000 requests a second, a few of them odd."""
    seconds, guests = (3, 10_000) if bench.quick else (30, 1_000_000)
    report.open('event-rate', f'{events.RATE:,} requests a second, one in {ODD_STRIDE} at a wrong port, '
                f'{guests:,} guests', 'milliseconds to the suspected case')
    for words, durable in (('not durable', False), ('durable', True)):
        took, missing, answer = hear_odd(bench, guests, durable, seconds)
        show(report, f'{words}: packet to case', took, 5)
        report.judge('beside it, p99 of an answer', [answer['p99'] * 1e3], None, False)
        report.note(f"{answer['units']} of {answer['sent']} answered; {len(took)} of {len(took) + missing} odd "
                    f'ones became a case, the last after {max(took, default=0) * 1e3:.0f} ms')
        if missing > len(took) // 20:
            report.fail(words, f'{missing} odd guests became no case')


SCENARIOS = {'event-case': one_by_one, 'event-rate': at_a_rate}
