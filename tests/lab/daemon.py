#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""musterd against a simulated data centre on loopback: what happens there becomes cases,
dead switches, kills, bad configurations and hostile clients do not end it. Needs no
privileges."""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab
from musterd import MUSTER, Daemon, Watch, wait_until

ADDRESS, PORT = '127.77.0.1', '16177'


class Manager:
    """A service manager as systemd is one to Type=notify: listens to what the daemon says."""

    def __init__(self, directory):
        self.path = os.path.join(directory, 'notify')
        self.said = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            self.said += self.socket.recv(4096).decode().split('\n')

    def environment(self):
        return {**os.environ, 'NOTIFY_SOCKET': self.path, 'WATCHDOG_USEC': '500000'}

    def heard(self, word, after=0):
        return any(line.startswith(word) for line in self.said[after:])


class Trial:
    def __init__(self, directory):
        self.directory = os.path.join(directory, 't')
        self.sim = subprocess.Popen([MUSTER, 'sim', '--dir', self.directory, '--address', ADDRESS,
                                     '--port', PORT, '--ageing', '3s', '--hypervisors', '6',
                                     '--guests', '24'], stdout=subprocess.DEVNULL)
        wait_until('the simulation', lambda: self.send('time') is not None)
        self.configuration = os.path.join(self.directory, 'muster.yaml')
        with open(self.configuration) as file:
            self.text = file.read()
        self.configure()

    def configure(self, daemon='interval: 1s, poll_gap: 100ms', extra=''):
        with open(self.configuration, 'w') as file:
            file.write(f'{self.text}daemon: {{{daemon}}}\n{extra}')

    def send(self, command):
        done = subprocess.run([MUSTER, 'sim', '--dir', self.directory, '--send', command],
                              capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None

    def switches(self):
        return re.findall(r'switch: (\w+)', self.text)


def is_case(kind, event=None):
    def condition(line):
        return line['type'] == 'case' and line['kind'] == kind and event in (None, line['event'])
    return condition


def finds_what_happens(check, trial, daemon):
    """Each discrepancy that the simulation makes is a case, told to the watcher."""
    watch = Watch(daemon)
    for event in ('access-port', 'unknown hv02', 'silent-move', 'zombie', 'wrong-vlan'):
        trial.send(f'event {event}')
    expected = {'non_hypervisor_port', 'unknown_guest', 'wrong_location', 'off_but_seen',
                'wrong_vlan'}
    wait_until('every kind is a case',
               lambda: expected <= {case['kind'] for case in daemon.cases()}, 30)
    for kind in sorted(expected):
        check.that(f'{kind} is told', watch.wait(is_case(kind, 'opened'), what=f'{kind} told'))
    wait_until('the zombie is proved', lambda: [case for case in daemon.cases()
                                                if case['kind'] == 'off_but_seen'
                                                and case['case_state'] == 'confirmed'], 30)
    watch.stop()


def survives_dead_switches(check, trial, daemon):
    """Two switches die: the rounds go on, after three of them the gaps are cases."""
    dead = trial.switches()[-2:]
    for switch in dead:
        trial.send(f'fault {switch} dead')
    wait_until('both gaps are cases', lambda: {case['subject'].get('switch') for case in
                                               daemon.cases('--kind', 'audit_gap')} >= set(dead), 30)
    # three rounds may be over before the first poll has given up
    wait_until('status says that it fails', lambda: daemon.source(dead[0])['state'] == 'failed')
    source = daemon.source(dead[0])
    check.that('and why', 'no answer' in (source['error'] or ''), source)
    check.that('not before three rounds', source['rounds_without'] >= 3, source)
    for switch in dead:
        trial.send(f'fault {switch} clear')
    wait_until('the gaps are cleared', lambda: not daemon.cases('--kind', 'audit_gap'), 30)
    check.that('it is read again', daemon.source(dead[0])['state'] == 'read')


def is_killed_and_goes_on(check, trial, daemon):
    """After kill -9 the same cases go on under the same numbers."""
    before = {case['id']: case['kind'] for case in daemon.cases()}
    daemon.kill()
    done = daemon.muster('status')
    check.that('no daemon is said to be none', done.returncode == 2 and 'no musterd' in done.stderr,
               done.stderr)
    daemon.start()
    daemon.wait_rounds(1)
    after = {case['id']: case['kind'] for case in daemon.cases()}
    check.that('no case is lost or anew', before.items() <= after.items(), (before, after))


def is_asked_by_the_commands(check, trial, daemon):
    case = daemon.cases('--kind', 'unknown_guest')[0]
    watch = Watch(daemon)
    done = daemon.muster('case', 'ack', case['id'], '--text', 'it is mine')
    check.that('ack goes through the daemon', done.returncode == 0 and 'acknowledged' in done.stderr,
               done)
    told = watch.wait(lambda line: line['type'] == 'case' and line['event'] == 'acknowledged')[1]
    check.that('and is told with its author', told['who'] and told['text'] == 'it is mine', told)
    done = daemon.muster('case', 'close', case['id'])
    check.that('what stands is not closed without a word', done.returncode == 2, done)
    done = daemon.muster('audit')
    check.that('an audit beside it says whom to ask',
               done.returncode == 2 and 'muster watch' in done.stderr, done.stderr)
    check.that('where answers from the store', daemon.muster('where', '--all').returncode == 0)
    check.that('the log level is set', daemon.muster('log-level', 'debug').returncode == 0)
    check.that('a wrong one is not', daemon.muster('log-level', 'loud').returncode == 2)
    watch.stop()


def keeps_cases_without_records(check, trial, daemon):
    """A spreadsheet that is not there: said to who reloads and who checks, and nothing is
    concluded from it, neither a new case nor the end of one."""
    trial.configure()
    before = {case['id']: case['case_state'] for case in daemon.cases()}
    check.that('there is a proved case', 'confirmed' in before.values(), before)
    text = trial.text
    trial.text = text.replace('guests.csv', 'none.csv')
    trial.configure()
    done = daemon.muster('check')
    check.that('check names the file that is not there',
               done.returncode == 2 and 'guests: none.csv: no such file' in done.stderr, done.stderr)
    done = daemon.muster('reload')
    check.that('the reload warns of it',
               done.returncode == 0 and 'guests: none.csv: no such file' in done.stderr, done.stderr)
    daemon.wait_rounds(2)
    after = {case['id']: case['case_state'] for case in daemon.cases()
             if case['kind'] != 'audit_gap'}
    check.equal('no case ends or begins without records', after, before)
    trial.text = text
    trial.configure()
    check.that('the right one is taken again', daemon.muster('reload').returncode == 0)
    daemon.wait_rounds(1)


def reloads(check, trial, daemon):
    """A wrong configuration is refused and changes nothing; a right one keeps what is the same."""
    name = trial.switches()[0]
    polls = daemon.source(name)['polls']
    trial.configure('interval: 1s', 'surprise: 1\n')
    done = daemon.muster('reload', '--socket', 'musterd.sock')
    check.that('a wrong one is refused with its message',
               done.returncode == 2 and 'surprise: unknown key' in done.stderr, done.stderr)
    status = daemon.status()
    check.that('and the old one goes on', status['reloads_refused'] == 1)
    check.that('which status says', status['refused_at'] and 'was REFUSED' in daemon.muster(
        'status', '--socket', 'musterd.sock').stdout.replace('\n', ' '), status)
    check.that('with its watchers too', daemon.source(name)['state'] == 'read')
    keeps_cases_without_records(check, trial, daemon)
    text = trial.text
    trial.text = re.sub(rf'.*switch: {trial.switches()[-1]},.*\n', '', text)
    trial.configure('interval: 2s')
    check.that('a right one is taken', daemon.muster('reload').returncode == 0)
    status = daemon.status()
    check.that('its interval is in force', status['interval_seconds'] == 2, status)
    check.that('no refusal stands any more', status['refused_at'] is None, status)
    check.that('what it does not name is gone',
               len([s for s in status['sources'] if s['kind'] == 'observed']) ==
               len(trial.switches()), status['sources'])
    check.that('what it names as before goes on', daemon.source(name)['polls'] >= polls)
    trial.text = text
    trial.configure()
    before = len(trial.manager.said)
    daemon.process.send_signal(1)
    wait_until('SIGHUP is a reload', lambda: daemon.status()['reloads'] == 4)
    wait_until('the manager to hear of it', lambda: trial.manager.heard('READY=1', before))
    said = [line.split('=')[0] for line in trial.manager.said[before:] if not line.startswith('WATCHDOG')]
    check.equal('in this order', said[:5], ['RELOADING', 'MONOTONIC_USEC', 'STATUS', 'READY', 'STATUS'])


def halves_are_switched_off(check, trial, daemon):
    trial.configure('interval: 1s, polling: no')
    daemon.muster('reload')
    daemon.wait_rounds(1)
    status = daemon.status()
    check.that('status says that nothing is polled',
               {s['state'] for s in status['sources'] if s['kind'] == 'observed'} == {'off'}, status)
    check.that('and what that costs', status['round']['not_observable'] > 0, status['round'])
    check.that('no gap is made of it', not daemon.cases('--kind', 'audit_gap'))
    trial.configure()
    daemon.muster('reload')
    daemon.wait_rounds(1)


def bears_hostile_clients(check, trial, daemon):
    path = os.path.join(trial.directory, 'musterd.sock')
    sockets = []
    for number in range(40):
        client = socket.socket(socket.AF_UNIX)
        client.connect(path)
        client.setblocking(False)
        try:
            client.send(os.urandom(6000) if number % 2 else b'{"request":"status"}\n' * 200)
        except OSError:
            pass
        sockets.append(client)
    time.sleep(0.3)
    for client in sockets:
        client.close()
    check.that('it still answers', wait_until('status', daemon.status))


def tell_the_story(check, trial, daemon):
    daemon.start()
    wait_until('the first round', lambda: daemon.status()['round']['rounds'] > 0)
    check.that('a clean network has no case', not daemon.cases(), daemon.cases())
    for part in (finds_what_happens, is_asked_by_the_commands, is_killed_and_goes_on,
                 survives_dead_switches, reloads, halves_are_switched_off, bears_hostile_clients):
        part(check, trial, daemon)
    loop = daemon.status()['loop']
    print(f'longest hold of the loop {loop["longest_hold_seconds"] * 1000:.1f} ms by {loop["longest_hold_by"]}')
    check.that('who held the loop longest has a name', loop['longest_hold_by'], loop)
    check.that('it gave signs of life', trial.manager.said.count('WATCHDOG=1') > 5, trial.manager.said)
    check.equal('and was ready first', trial.manager.said[0], 'READY=1')
    check.that('it did not end yet', not trial.manager.heard('STOPPING=1'))
    watch = Watch(daemon)
    check.that('it ends when told to', daemon.stop() == 0)
    wait_until('its last word', lambda: trial.manager.heard('STOPPING=1'))
    check.that('and tells its watchers', 'has been stopped' in watch.stop())
    check.that('the socket is gone',
               not os.path.exists(os.path.join(trial.directory, 'musterd.sock')))


def main():
    check = lab.Check()
    with tempfile.TemporaryDirectory() as directory:
        trial = Trial(directory)
        trial.manager = Manager(directory)
        daemon = Daemon(trial.directory, trial.manager.environment())
        try:
            tell_the_story(check, trial, daemon)
        except SystemExit as why:
            check.that('the story goes on', False, f'{why}: {daemon.cases()}')
        finally:
            if daemon.process is not None and daemon.process.poll() is None:
                daemon.kill()
            trial.sim.terminate()
            trial.sim.wait(10)
        if check.failed:
            print(daemon.log()[-3000:])
    return check.end()


sys.exit(main())
