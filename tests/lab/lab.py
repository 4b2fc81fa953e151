# SPDX-License-Identifier: Apache-2.0
"""What the lab tests share: a network namespace of their own, real frames, skips.

A lab test runs in a fresh user and network namespace, where it is root over its
own interfaces and can reach nothing else; nothing outlives it. Where the machine
does not allow that, or a program is missing, it is skipped with the reason.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SKIPPED = 77


def skip(why):
    print(f'skipped: {why}')
    sys.exit(SKIPPED)


def enter(programs, optional=False, users=False):
    """Runs the calling script again in namespaces of its own, unless it is there already;
    returns whether it is there. With `optional` the script goes on where that cannot be.
    With `users` it keeps its user there, and root has the others too, for servers that
    refuse to be root's."""
    os.environ['PATH'] += ':/usr/sbin:/sbin'
    for program in ['ip', 'unshare'] + programs:
        if shutil.which(program) is None:
            skip(f'program {program} is not installed')
    if os.environ.get('MUSTER_LAB') == 'inside':
        run('ip', 'link', 'set', 'lo', 'up')
        return True
    whose = ['--user', '--map-root-user']
    if users:
        whose = [] if os.geteuid() == 0 else ['--user', '--map-current-user', '--keep-caps']
    command = ['unshare', *whose, '--net', '--mount', '--pid', '--fork',
               '--mount-proc', '--kill-child']
    trial = subprocess.run(command + ['ip', 'link', 'add', 'trial', 'type', 'bridge'],
                           capture_output=True, text=True)
    if trial.returncode != 0 and optional:
        return False
    if trial.returncode != 0:
        skip(f'no namespace with a bridge here: {trial.stderr.strip()}')
    os.environ['MUSTER_LAB'] = 'inside'
    os.execvp(command[0], command + [sys.executable] + sys.argv)


def run(*command, check=True):
    """Runs a program; returns its standard output."""
    done = subprocess.run(command, capture_output=True, text=True)
    if check and done.returncode != 0:
        sys.exit(f'{" ".join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}')
    return done.stdout


def guide_block(kind, words):
    """The operator guide's one block of `kind` (yaml, sql, ini) that has these words: what the
    guide says is what is tried."""
    with open(f'{os.environ["MUSTER_ROOT"]}/docs/operator-guide.md', encoding='utf-8') as guide:
        found = [block for block in re.findall(f'```{kind}\n(.*?)```', guide.read(), re.S) if words in block]
    if len(found) != 1:
        sys.exit(f'{len(found)} blocks of {kind} in the operator guide have "{words}"')
    return found[0]


def octets(mac):
    return bytes.fromhex(mac.replace(':', ''))


def guest_mac(number):
    return '52:54:00:%02x:%02x:%02x' % (number >> 16 & 255, number >> 8 & 255, number & 255)


def speak(interface, macs, vlan=None):
    """Sends one broadcast frame from each of `macs` through `interface`."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((interface, 0))
        tag = b'' if vlan is None else b'\x81\x00' + vlan.to_bytes(2, 'big')
        for mac in macs:
            sender.send(b'\xff' * 6 + octets(mac) + tag + b'\x88\xb5' + b'\0' * 46)


def add_bridge(name='br0', ageing_centiseconds=30000):
    run('ip', 'link', 'add', name, 'address', '02:00:00:00:00:11', 'type', 'bridge',
        'forward_delay', '0', 'ageing_time', str(ageing_centiseconds), 'mcast_snooping', '0')
    run('ip', 'link', 'set', name, 'up')


def add_port(bridge, port, host):
    """A cable: `port` in the bridge, `host` at the other end."""
    run('ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', host)
    for end in (port, host):
        run('ip', 'link', 'set', end, 'addrgenmode', 'none')  # no frames but those of speak()
    run('ip', 'link', 'set', host, 'up')
    if bridge:
        run('ip', 'link', 'set', port, 'master', bridge)
    run('ip', 'link', 'set', port, 'up')


def wait_until(what, condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f'{what}: not within {seconds} s')
        time.sleep(0.05)


class Reading:
    """What build/tests/lab/observe printed."""

    def __init__(self, *words):
        self.done = subprocess.run([os.environ['MUSTER_OBSERVE'], *words], capture_output=True,
                                   text=True)
        lines = [json.loads(line) for line in self.done.stdout.splitlines()]
        self.rows = [line for line in lines if line['type'] == 'row']
        self.ports = {line['name']: line for line in lines if line['type'] == 'port'}
        self.receipts = [line for line in lines if line['type'] == 'receipt']

    def of(self, mac):
        return [row for row in self.rows if row['mac'] == mac]

    def where(self, mac):
        return [row['port'] for row in self.of(mac)]


class Ear:
    """build/tests/lab/hear: an event source that runs until it is stopped."""

    def __init__(self, *words):
        self.output = tempfile.NamedTemporaryFile(delete=False).name
        self.errors = self.output + '.err'
        with open(self.output, 'w') as output, open(self.errors, 'w') as errors:
            self.process = subprocess.Popen([os.environ['MUSTER_HEAR'], *words], stdout=output,
                                            stderr=errors)
        self.at = 0
        self.waiting = []
        wait_until(f'hear {" ".join(words)}', self._is_ready)

    def _is_ready(self):
        if self.process.poll() is not None:
            with open(self.errors) as errors:
                sys.exit(f'hear ended: {errors.read()}')
        lines = self._lines()
        self.waiting = [json.loads(line) for line in lines if line != 'ready']
        return 'ready' in lines

    def _lines(self):
        with open(self.output) as output:
            output.seek(self.at)
            text = output.read()
        whole = text[:text.rfind('\n') + 1]
        self.at += len(whole)
        return whole.splitlines()

    def take(self):
        """The events since the last call."""
        events = self.waiting + [json.loads(line) for line in self._lines()]
        self.waiting = []
        return events

    def wait(self, count, seconds=10):
        """The next `count` events."""
        def enough():
            self.waiting = self.take()
            return len(self.waiting) >= count
        try:
            wait_until(f'{count} events', enough, seconds)
        except SystemExit:
            print(f'heard {len(self.waiting)}: {self.waiting[:3]}')
            raise
        found, self.waiting = self.waiting[:count], self.waiting[count:]
        return found

    def wait_for(self, condition, seconds=10):
        """The events up to the first for which `condition` holds."""
        found = []
        while not found or not condition(found[-1]):
            found += self.wait(1, seconds)
        return found

    def failure(self):
        """What the source said when it gave up, '' while it did not."""
        with open(self.errors) as errors:
            return errors.read()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """Ends it; returns its counters. Events that were not taken are in `waiting`."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        *self.waiting, counters = self.take()
        os.unlink(self.output)
        os.unlink(self.errors)
        return counters


class Check:
    """Counts checks; the last line is cmocka's, so that scripts/check counts them."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, what, condition, detail=''):
        if condition:
            self.passed += 1
        else:
            self.failed += 1
            print(f'FAILED: {what} {detail}')

    def equal(self, what, found, expected):
        self.that(what, found == expected, f'\n    found    {found}\n    expected {expected}')

    def end(self):
        print(f'[  PASSED  ] {self.passed} test(s).')
        if self.failed:
            print(f'[  FAILED  ] {self.failed} test(s).')
        sys.exit(1 if self.failed else 0)


class Daemon:
    """A program that runs until the test ends."""

    def __init__(self, *command, env=None, log=None):
        self.log = log or tempfile.NamedTemporaryFile(delete=False).name
        with open(self.log, 'w') as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output,
                                            env={**os.environ, **(env or {})})

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
