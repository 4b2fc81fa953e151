#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: kill_daemon.py [KILLS [SEED]]        (KILLS: else MUSTER_KILLS, else 100)

musterd under full RADIUS load is killed at random moments and started again on the same
store, then told to read its configuration again and to end, still under load. What a
network of access servers (accountant.c) had acknowledged is in the store, each record
exactly once, and the expiry list is what the records say. Needs no privileges.
"""
import json
import os
import random
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab
from musterd import Daemon, wait_until

ACCOUNTANT = os.environ.get('MUSTER_ACCOUNTANT', 'accountant')
SECRET = 'kill-secret'
GUESTS, GUESTS_A_PORT, WINDOW = 4000, 50, 256  # accountant.c has GUESTS_A_PORT, too
LONGEST_WAIT = 4000  # acknowledgements between two kills, at most
KINDS = ('start', 'update', 'stop')


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def write_world(folder, port):
    """Guests at their recorded ports, so that nothing of the load is a discrepancy."""
    with open(f'{folder}/secret', 'w') as file:
        file.write(SECRET + '\n')
    os.chmod(f'{folder}/secret', 0o600)
    with open(f'{folder}/guests.csv', 'w') as file:
        file.write('hypervisor,guest,mac,run_state\n')
        for number in range(GUESTS):
            file.write(f'hv{number // GUESTS_A_PORT + 1},g{number},{lab.guest_mac(number)},on\n')
    with open(f'{folder}/attachments.csv', 'w') as file:
        file.write('hypervisor,nic_mac,switch,port\n')
        for number in range(1, GUESTS // GUESTS_A_PORT + 1):
            file.write(f'hv{number},02:00:00:00:{number >> 8:02x}:{number & 255:02x},sw1,Gi0/{number}\n')
    configure(folder, port, 'warning')


def configure(folder, port, level):
    with open(f'{folder}/muster.yaml', 'w') as file:
        file.write(f'''recorded:
  - {{type: csv, guests: guests.csv, attachments: attachments.csv}}
events:
  - {{type: radius, listen: 127.0.0.1, port: {port}, client: 127.0.0.1, secret_file: secret, name: acct}}
daemon: {{interval: 5s, log_level: {level}}}
''')


class Accountant:
    """The load, and how much of it was acknowledged."""

    def __init__(self, port):
        self.acknowledged = 0
        self.process = subprocess.Popen([ACCOUNTANT, str(port), SECRET, str(GUESTS), str(WINDOW)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pending = b''

    def take(self, seconds):
        """Reads what it says, waiting that long for the first of it."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return
        data = os.read(self.process.stdout.fileno(), 65536)
        if not data:
            sys.exit('the accountant ended')
        *lines, self.pending = (self.pending + data).split(b'\n')
        if lines:
            self.acknowledged = int(lines[-1])

    def wait_for(self, count, seconds=60):
        """Until so many more are acknowledged."""
        target, deadline = self.acknowledged + count, time.monotonic() + seconds
        while self.acknowledged < target:
            self.take(1)
            if time.monotonic() > deadline:
                sys.exit(f'only {self.acknowledged} of {target} records are acknowledged')

    def end(self):
        """Has what was begun acknowledged; returns what it says in the end."""
        self.process.stdin.close()
        rest = self.process.stdout.read()
        self.process.wait()
        return json.loads((self.pending + rest).splitlines()[-1])

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def kill_and_start(daemon, accountant, dice, kills):
    """Kills; returns the number of acknowledgements before each."""
    before = []
    for _ in range(kills):
        count = dice.randint(1, LONGEST_WAIT)
        accountant.wait_for(count)
        time.sleep(dice.random() * 0.02)
        daemon.kill()
        before.append(count)
        if dice.random() < 0.2:
            daemon.start_killed(dice.random() * 0.3)
        daemon.start()
    return before


class Mortal(Daemon):
    def start_killed(self, seconds):
        """Starts it and kills it in its first moments, while it recovers."""
        with open(self.log_path, 'a') as log:
            self.process = subprocess.Popen([os.environ.get('MUSTERD', 'musterd'), '-f', '-c',
                                             'muster.yaml'], stderr=log, cwd=self.directory)
        time.sleep(seconds)
        self.kill()


def quiet(daemon):
    """Whether all that came is through, told by two looks that see the same."""
    before = daemon.status()
    time.sleep(0.1)
    after = daemon.status()
    return after if after['events'] == before['events'] and after['events']['waiting'] == 0 else None


def reload_under_load(check, daemon, accountant, folder, port):
    before = daemon.status()
    for turn in range(3):
        accountant.wait_for(500)
        configure(folder, port, 'warning' if turn % 2 else 'error')
        daemon.process.send_signal(signal.SIGHUP)
        wait_until('the reload', lambda: daemon.status()['reloads'] == turn + 1)
    accountant.wait_for(500)
    check.equal('the source went on listening', starts(daemon.status()), starts(before))
    accountant.process.send_signal(signal.SIGSTOP)
    before = wait_until('quiet', lambda: quiet(daemon))
    configure(folder, port, 'warning')
    daemon.process.send_signal(signal.SIGHUP)
    after = wait_until('the reload', lambda: daemon.status()['reloads'] == 4 and quiet(daemon))
    check.equal('no session was lost', after['expiry_list']['sessions'],
                before['expiry_list']['sessions'])
    accountant.process.send_signal(signal.SIGCONT)
    with open(f'{folder}/muster.yaml', 'a') as file:
        file.write('nonsense: 1\n')
    daemon.process.send_signal(signal.SIGHUP)
    wait_until('the refusal', lambda: daemon.status()['reloads_refused'] == 1)
    accountant.wait_for(500)
    check.that('a wrong configuration is refused and costs nothing', True)
    configure(folder, port, 'warning')


def starts(status):
    return [source['starts'] for source in status['sources'] if source['kind'] == 'event']


def end_under_load(check, daemon, accountant):
    for _ in range(2):
        accountant.wait_for(500)
        check.equal('SIGTERM under load ends it well', daemon.stop(), 0)
        daemon.start()


def expected_records(count):
    """{(session, kind)} of record numbers below `count`, as accountant.c has them."""
    return {(f'{number % GUESTS}-{number // GUESTS // 3}', KINDS[number // GUESTS % 3])
            for number in range(count)}


def expected_open(count):
    """How many sessions are open after so many records."""
    return sum((count - 1 - guest) // GUESTS % 3 != 2 for guest in range(min(GUESTS, count)))


def look_into_store(check, folder, count):
    with sqlite3.connect(f'file:{folder}/muster.db?mode=ro', uri=True) as store:
        rows = store.execute('SELECT session, kind, count(*) FROM event WHERE session IS NOT NULL'
                             ' GROUP BY session, kind').fetchall()
        sessions = store.execute('SELECT count(*) FROM session WHERE ended IS NULL').fetchone()[0]
        repeated = store.execute('SELECT sum(repeated) FROM event_source').fetchone()[0]
    twice = [row for row in rows if row[2] != 1]
    there = {row[:2] for row in rows}
    expected = expected_records(count)
    check.that('each record is there once', not twice, f'{len(twice)}: {twice[:5]}')
    check.that('every acknowledged record is there', expected <= there,
               f'{len(expected - there)}: {sorted(expected - there)[:5]}')
    check.that('and nothing else', there <= expected, sorted(there - expected)[:5])
    check.equal('the sessions of the store', sessions, expected_open(count))
    return repeated


def prove(check, folder, kills, dice):
    port = free_port()
    write_world(folder, port)
    daemon = Mortal(folder)
    accountant = None
    try:
        daemon.start()
        accountant = Accountant(port)
        started = time.monotonic()
        before = kill_and_start(daemon, accountant, dice, kills)
        reload_under_load(check, daemon, accountant, folder, port)
        end_under_load(check, daemon, accountant)
        told = accountant.end()
        check.equal('all is acknowledged in the end', told['acknowledged'], told['records'])
        took = time.monotonic() - started
        daemon.kill()
        daemon.start()
        wait_until('the list is restored', lambda: daemon.status()['expiry_list']['sessions'] ==
                   expected_open(told['records']), 30)
        check.that('the expiry list is what the records say', True)
        wait_until('all is in the tables',
                   lambda: daemon.status()['journal']['not_in_store_yet'] == 0, 60)
        check.equal('nothing is a discrepancy', daemon.status()['live']['standing'], 0)
        check.equal('it ends when told to', daemon.stop(), 0)
        repeated = look_into_store(check, folder, told['records'])
        print(f'{kills} kills after {min(before, default=0)} to {max(before, default=0)} '
              f'acknowledgements; {told["records"]} records in {took:.1f} s, {told["again"]} sent '
              f'again, {repeated} of them stored before without an answer; longest without answer '
              f'{told["longest_ms"]} ms')
    finally:
        if accountant is not None:
            accountant.stop()
        if daemon.process is not None and daemon.process.poll() is None:
            daemon.kill()
        if check.failed:
            print(daemon.log()[-3000:])


def main():
    kills = int(sys.argv[1] if len(sys.argv) > 1 else os.environ.get('MUSTER_KILLS', 100))
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32)
    print(f'seed {seed}', flush=True)
    check = lab.Check()
    with tempfile.TemporaryDirectory(prefix='muster-kill-') as folder:
        prove(check, folder, kills, random.Random(seed))
    check.end()


main()
