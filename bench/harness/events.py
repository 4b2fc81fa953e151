# SPDX-License-Identifier: Apache-2.0
"""Events: RADIUS accounting, Muster's daemon beside FreeRADIUS and the limit of UDP.

One generator (radius_load, processor 0) asks each server (processor 1) in turn. Costs are
the server's CPU seconds by /proc while it answers; for Muster also until the events are in
the store's tables. Muster's daemon does the full path: it verifies, looks the guest up
among a million, tests location and state, refreshes the expiry list, stores and signs.
"""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

import freeradius
from measure import (CLIENT_CPU, Server, WrongResult, compare, interleave, per_million, run,
                     run_json)

PORT, ECHO_PORT, PEER_PORT = 21913, 21914, 21915
SECRET = 'bench-secret'
WINDOW, RATE, REQUEST_BYTES = 64, 5_000, 200
OWN = 'muster'
TICKS = os.sysconf('SC_CLK_TCK')


def server_cpu(pid):
    """User and system seconds of a process and all its threads."""
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def ask(bench, how, port, guests, count, figure):
    """Runs the generator; returns what it says."""
    told = run_json([bench.program('radius_load'), how, '127.0.0.1', str(port), SECRET,
                     str(guests), str(count), str(figure)], cpu=CLIENT_CPU)
    if told['units'] < told['sent'] * 0.999:
        raise WrongResult(f"{told['units']} of {told['sent']} requests were answered")
    return told


class Daemon:
    """musterd with so many recorded guests, hearing RADIUS; ready when it has judged once and
    its thread for the store has nothing to do."""

    def __init__(self, bench, guests, durable=True, rounds='1h', forward=False):
        self.bench = bench
        self.folder = pathlib.Path(bench.folder('events'))
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        world = pathlib.Path(bench.folder(f'events-world-{guests}'))
        if not (world / 'guests.csv').exists():
            run([bench.program('make_world'), str(guests), '1', str(world), 'csv'])
        (self.folder / 'secret').write_text(SECRET + '\n')
        (self.folder / 'secret').chmod(0o600)
        self.configuration = self.folder / 'muster.yaml'
        self.configuration.write_text(CONFIGURATION.format(
            world=world, port=PORT, rounds=rounds, durable='yes' if durable else 'no',
            observed=f'observed:\n  - {{type: recording, file: {world}/forward.csv}}\n'
            if forward else '', polling='yes' if forward else 'no'))
        program = bench.build / 'src' / 'daemon' / 'musterd'
        self.server = Server([str(program), '-c', str(self.configuration)], self.ready,
                             patience=180)

    def status(self):
        done = subprocess.run([self.bench.muster(), 'status', '--format', 'json', '--config',
                               str(self.configuration)], capture_output=True, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def ready(self):
        time.sleep(0.2)
        status = self.status()
        return bool(status and status['round']['rounds'] > 0 and status['store']['waiting'] == 0)

    def keep_nothing(self):
        """From its next start on; what it has stored it goes on with."""
        text = self.configuration.read_text()
        self.configuration.write_text(text.replace('durable: yes', 'durable: no'))

    def settle(self):
        """Waits until what was answered is in the store's tables."""
        deadline = time.monotonic() + 120
        while self.status()['journal']['not_in_store_yet'] > 0:
            if time.monotonic() > deadline:
                raise WrongResult('events are still in the journal after two minutes')
            time.sleep(0.2)


CONFIGURATION = """recorded:
  - {{type: csv, guests: {world}/guests.csv, attachments: {world}/attachments.csv}}
{observed}events:
  - {{type: radius, listen: [127.0.0.1], port: {port}, client: [127.0.0.1], secret_file: secret}}
daemon: {{polling: {polling}, interval: {rounds}, durable: {durable}}}
"""


class Field:
    """What is asked of each server: so many guests, so many requests."""

    def __init__(self, bench):
        self.bench = bench
        self.guests = 10_000 if bench.quick else 1_000_000
        self.count = 5_000 if bench.quick else 300_000
        self.rate_count = 5_000 if bench.quick else 50_000

    def window(self, server, port, count, finish=None):
        """One windowed run: the server's CPU seconds until all is answered."""
        with server as running:
            before = server_cpu(running.child.pid)
            told = ask(self.bench, 'window', port, self.guests, count, WINDOW)
            sample = {'units': told['units'], 'cpu': server_cpu(running.child.pid) - before,
                      'wall': told['wall']}
            if finish:
                finish()
                sample['all'] = server_cpu(running.child.pid) - before
        return sample

    def muster(self, durable):
        daemon = Daemon(self.bench, self.guests, durable)
        return self.window(daemon.server, PORT, self.count, daemon.settle)

    def freeradius(self, kind, single=False, share=1):
        server = freeradius.server(self.bench, kind, PEER_PORT, SECRET, single)
        return self.window(server, PEER_PORT, max(500, self.count // share))

    def echo(self):
        """The same number of exchanges of the same sizes with nothing in between."""
        server = Server([self.bench.program('udp_echo'), 'serve', '127.0.0.1', str(ECHO_PORT),
                         '20'], lambda: echoes(ECHO_PORT))
        with server as running:
            before = server_cpu(running.child.pid)
            told = run_json([self.bench.program('udp_echo'), 'ask', '127.0.0.1', str(ECHO_PORT),
                             str(self.count), str(WINDOW), str(REQUEST_BYTES)], cpu=CLIENT_CPU)
            return {'units': told['rows'], 'cpu': server_cpu(running.child.pid) - before,
                    'wall': told['wall']}

    def rate(self, server, port, rate):
        """One run at a fixed rate: how long answers take."""
        with server:
            told = ask(self.bench, 'rate', port, self.guests, self.rate_count, rate)
        return {'units': told['units'], 'cpu': told['cpu'], 'wall': told['wall'],
                'p50': told['p50'], 'p99': told['p99'], 'max': told['max']}


def echoes(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.25)
        try:
            probe.sendto(b'?', ('127.0.0.1', port))
            return bool(probe.recv(65535))
        except OSError:
            return False


def cost(bench, report):
    """CPU seconds of the server for a million accounting requests."""
    field = Field(bench)
    report.open('radius', f'RADIUS accounting, {field.guests:,} guests, window {WINDOW}',
                'CPU s of the server per million requests')
    samples = interleave(report, {
        OWN: lambda: field.muster(False),
        'muster, durable': lambda: field.muster(True),
        'FreeRADIUS detail': lambda: field.freeradius('detail', share=4),
        'FreeRADIUS null': lambda: field.freeradius('null'),
        'FreeRADIUS null -s': lambda: field.freeradius('null', single=True),
        'FreeRADIUS sqlite': lambda: field.freeradius('sqlite', share=300),
        'UDP echo': field.echo,
    }, bench.repetitions)
    compare(report, samples, OWN,
            {'FreeRADIUS detail': 5, 'FreeRADIUS null': None, 'FreeRADIUS null -s': 1.6,
             'UDP echo': 0.35}, unit='CPU s per million requests')
    durable, sqlite = samples.get('muster, durable'), samples.get('FreeRADIUS sqlite')
    if durable and sqlite:
        report.judge('FreeRADIUS sqlite / muster, durable',
                     [a / b for a, b in zip(per_million(sqlite), per_million(durable))], 20)
    for name in (OWN, 'muster, durable'):
        if samples.get(name):
            report.cost(f'{name}, until in the tables', per_million(samples[name], 'all'),
                        'CPU s per million requests')


def sync_time(folder):
    """How long one write and fdatasync takes here, in seconds: the median of fifty."""
    path, took = pathlib.Path(folder) / 'sync', []
    with open(path, 'wb') as file:
        file.write(bytes(1 << 20))
        file.flush()
        os.fsync(file.fileno())
        for number in range(50):
            started = time.monotonic()
            os.pwrite(file.fileno(), bytes(4096), number * 4096)
            os.fdatasync(file.fileno())
            took.append(time.monotonic() - started)
    path.unlink()
    return sorted(took)[len(took) // 2], sorted(took)[-1]


def latency(bench, report):
    """How long an answer takes, at a fixed rate that no server is busy with."""
    field = Field(bench)
    report.open('radius-latency', f'RADIUS accounting, {RATE:,} requests a second',
                'answer time in microseconds')
    peer = 'FreeRADIUS null'
    samples = interleave(report, {
        OWN: lambda: field.rate(Daemon(bench, field.guests, False).server, PORT, RATE),
        'muster, durable': lambda: {**field.rate(Daemon(bench, field.guests).server, PORT, RATE),
                                    'sync': sync_time(bench.folder('events'))[0]},
        'muster, audits run': lambda: field.rate(
            Daemon(bench, field.guests, False, '5s', True).server, PORT, RATE),
        peer: lambda: field.rate(
            freeradius.server(bench, 'null', PEER_PORT, SECRET, False), PEER_PORT, RATE),
    }, bench.repetitions)
    for name, runs in samples.items():
        for measure in ('p50', 'p99', 'max'):
            if runs:
                report.cost(f'{name}, {measure}', [one[measure] * 1e6 for one in runs], 'us')
    if not samples.get(peer):
        return
    for name in (OWN, 'muster, durable', 'muster, audits run'):
        pairs = list(zip(samples.get(name, []), samples[peer]))
        if pairs:
            report.judge(f'p99 of {name} / {peer}',
                         [mine['p99'] / (other['p99'] + mine.get('sync', 0))
                          for mine, other in pairs], 1.2, False)


SCENARIOS = {'radius': cost, 'radius-latency': latency}
