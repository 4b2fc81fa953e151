#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From the packet to the case: musterd hears RADIUS accounting about a simulated data centre
between two rounds, asks the switches at once and opens the case with both proofs. What was
acknowledged survives kill -9, and so does the expiry list. Needs no privileges."""
import csv
import hashlib
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab
from musterd import MUSTER, Daemon, Watch, wait_until

ADDRESS, PORT, ACCOUNTING = '127.78.0.1', '16178', 16813
SECRET = b'testing123'
START, STOP, INTERIM = 1, 2, 3


class Nas:
    """A switch that reports sessions, as RFC 2866 writes them."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.socket.settimeout(2)
        self.number = 0

    def report(self, status, mac, port, session):
        """Sends one record; returns the seconds until it was acknowledged, None when it was not."""
        self.number = (self.number + 1) % 256
        def attribute(kind, value):
            return bytes([kind, len(value) + 2]) + value
        attributes = (attribute(40, struct.pack('>I', status)) + attribute(44, session.encode()) +
                      attribute(31, mac.upper().replace(':', '-').encode()) +
                      attribute(87, port.encode()) + attribute(32, b'lab-nas'))
        head = struct.pack('>BBH', 4, self.number, 20 + len(attributes))
        signature = hashlib.md5(head + bytes(16) + attributes + SECRET).digest()
        begun = time.monotonic()
        self.socket.sendto(head + signature + attributes, ('127.0.0.1', ACCOUNTING))
        try:
            answer = self.socket.recv(4096)
        except socket.timeout:
            return None
        assert answer[0] == 5 and answer[1] == self.number, answer
        return time.monotonic() - begun


class Trial:
    def __init__(self, directory):
        self.directory = os.path.join(directory, 't')
        self.text = None
        self.sim = subprocess.Popen([MUSTER, 'sim', '--dir', self.directory, '--address', ADDRESS,
                                     '--port', PORT, '--no-mlag'], stdout=subprocess.DEVNULL)
        wait_until('the simulation', lambda: self.send('time'))
        with open(os.path.join(self.directory, 'secret'), 'wb') as file:
            file.write(SECRET + b'\n')
        os.chmod(os.path.join(self.directory, 'secret'), 0o600)

    def send(self, command):
        done = subprocess.run([MUSTER, 'sim', '--dir', self.directory, '--send', command],
                              capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None

    def table(self, name):
        with open(os.path.join(self.directory, name)) as file:
            return list(csv.DictReader(file))

    def configure(self, switch, interval='10min'):
        """Rounds far apart, so that what is found in between was heard."""
        path = os.path.join(self.directory, 'muster.yaml')
        if self.text is None:
            with open(path) as file:
                self.text = file.read()
        with open(path, 'w') as file:
            file.write(f'{self.text}events:\n  - {{type: radius, listen: 127.0.0.1, port: {ACCOUNTING}, '
                       f'client: 127.0.0.1, secret_file: secret, switch: {switch}}}\n'
                       f'daemon: {{interval: {interval}}}\naudit: {{settle: 1s}}\n')


def choose(trial):
    """A port of an edge switch with one cable's hypervisor, and guests of other ones."""
    attachments = trial.table('attachments.csv')
    cables = {}
    for row in attachments:
        cables.setdefault(row['hypervisor'], []).append(row)
    single = sorted(h for h, rows in cables.items() if len(rows) == 1)
    target = cables[single[0]][0]
    guests = [row for row in trial.table('guests.csv')
              if row['hypervisor'] in single and row['run_state'] in ('on', 'running')
              and row['mac']]
    by_name = {}
    for row in guests:
        by_name.setdefault(row['guest'], []).append(row)
    one_nic = [rows[0] for rows in by_name.values() if len(rows) == 1]
    movers = [guest for guest in one_nic if guest['hypervisor'] != target['hypervisor']]
    trial.zombies = [guest for guest in one_nic if guest['hypervisor'] == target['hypervisor']][:3]
    return target, movers


def shows(line, guest, kind):
    return (line['type'] == 'case' and line['kind'] == kind and
            line['subject'].get('guest') == guest)


def opens_cases_at_once(check, trial, daemon, target, movers):
    """A guest that is heard where it is not recorded: the switch is asked at once, and the
    case has both proofs."""
    watch = Watch(daemon, '--events')
    nas = Nas()
    delays, answers = [], []
    for number, guest in enumerate(movers[:6]):
        trial.send(f'event migrate {guest["guest"]} {target["hypervisor"]}')
        begun = time.monotonic()
        answers.append(nas.report(START, guest['mac'], target['port'], f's{number}'))
        at, case = watch.wait(lambda line: shows(line, guest['guest'], 'wrong_location') and
                              {'radius', 'probe'} <= {o['source'] for o in line['observed']}, 10,
                              f'the case of {guest["guest"]}')
        delays.append(at - begun)
    check.that('the accounting was answered', all(answers), answers)
    check.that('the event was told', watch.find(lambda line: line['type'] == 'event' and
                                                line['session'] == 's0'))
    print(f'from the packet to the case with both proofs: median '
          f'{statistics.median(delays) * 1000:.0f} ms, longest {max(delays) * 1000:.0f} ms')
    check.that('within a second', statistics.median(delays) < 1, delays)
    watch.stop()


def proves_a_zombie_at_once(check, trial, daemon, target, movers):
    """A guest that is recorded off begins a session: the record is read again, and it is
    proved."""
    watch = Watch(daemon)
    nas = Nas()
    delays = []
    for number, guest in enumerate(trial.zombies):
        begun = time.monotonic()
        nas.report(START, guest['mac'], target['port'], f'z{number}')
        at, case = watch.wait(lambda line: shows(line, guest['guest'], 'off_but_seen') and
                              line['case_state'] == 'confirmed', 15,
                              f'the proof of {guest["guest"]}')
        delays.append(at - begun)
        time.sleep(1)
    print(f'from the packet to the confirmed case: median {statistics.median(delays) * 1000:.0f} '
          f'ms, longest {max(delays) * 1000:.0f} ms')
    check.that('within a second', statistics.median(delays) < 1, delays)
    watch.stop()


def is_not_undone_by_rounds(check, trial, daemon, target, movers):
    """The tables of a round may be older than what a probe has shown: the round then neither ends
    the case that the probe has opened nor opens another."""
    guests = movers[6:10]  # with those before no more than are told one by one
    trial.configure(target['switch'], '3s')
    check.that('rounds come quicker', daemon.muster('reload').returncode == 0)
    daemon.wait_rounds(1)
    watch = Watch(daemon)
    nas = Nas()
    for number, guest in enumerate(guests):
        trial.send(f'event migrate {guest["guest"]} {target["hypervisor"]}')
        nas.report(START, guest['mac'], target['port'], f'r{number}')
        watch.wait(lambda line: shows(line, guest['guest'], 'wrong_location'), 10,
                   f'the case of {guest["guest"]}')
        time.sleep(0.7)
    daemon.wait_rounds(2)
    names = {guest['guest'] for guest in guests}
    told = [(line['kind'], line['event'], line['subject']['guest']) for _, line in watch.lines
            if line['type'] == 'case' and line['subject'].get('guest') in names and
            (line['event'] == 'reopened' or
             (line['kind'], line['event']) == ('wrong_location', 'cleared'))]
    check.equal('no round ends or opens again what a probe has shown', told, [])
    watch.stop()


def keeps_what_it_answered(check, trial, daemon, target, movers):
    nas = Nas()
    answered = 0
    for number in range(200):
        mac = lab.guest_mac(0x100000 + number)
        if nas.report(START, mac, target['port'], f'k{number}') is not None:
            answered += 1
    before = daemon.status()['expiry_list']['sessions']
    daemon.kill()
    daemon.start()
    wait_until('the list is restored',
               lambda: daemon.status()['expiry_list']['sessions'] >= before, 20)
    check.equal('every record was answered', answered, 200)
    wait_until('they are in the store',
               lambda: daemon.status()['journal']['not_in_store_yet'] == 0, 20)


def main():
    check = lab.Check()
    with tempfile.TemporaryDirectory() as directory:
        trial = Trial(directory)
        daemon = Daemon(trial.directory)
        try:
            target, movers = choose(trial)
            trial.configure(target['switch'])
            for guest in trial.zombies:
                trial.send(f'event zombie {guest["guest"]}')
            off_at = time.monotonic()
            daemon.start()
            wait_until('the first round', lambda: daemon.status()['round']['rounds'] > 0)
            # Frames within the clocks' skew of the power-off prove nothing.
            wait_until('the skew has passed', lambda: time.monotonic() > off_at + 3)
            for part in (opens_cases_at_once, proves_a_zombie_at_once, is_not_undone_by_rounds,
                         keeps_what_it_answered):
                part(check, trial, daemon, target, movers)
            check.that('it ends when told to', daemon.stop() == 0)
        except SystemExit as why:
            check.that(f'the story goes on: {why}', False, [(case['kind'], case['state'], case['subject']) for case in daemon.cases()])
        finally:
            if daemon.process is not None and daemon.process.poll() is None:
                daemon.kill()
            trial.sim.terminate()
            trial.sim.wait(10)
        if check.failed and daemon.process is not None:
            print(daemon.log()[-3000:])
    return check.end()


sys.exit(main())
