# SPDX-License-Identifier: Apache-2.0
"""Collection: walking dot1dTpFdbPort of many agents, Muster beside its peers.

All clients ask the same fast responder (bench/responder) for the same tables and say
how many rows they stored and validated. The responder runs on processor 1, single-
threaded clients on processor 0; shell, xargs and Go are free to use both. CPU seconds
are the client's alone and of its whole process, start-up and key making included.
"""
import math
import shutil
import socket
import tempfile

from measure import (CLIENT_CPU, Missing, Server, WrongResult, compare, interleave, per_million,
                     run, run_json)

BASE = '127.1.0.1'
PORT, ECHO_PORT = 16161, 16162
COLUMN = '1.3.6.1.2.1.17.4.3.1.2'
USER, AUTH_PASS, PRIV_PASS = 'bench', 'bench-auth-pass', 'bench-priv-pass'
WINDOW = 256
OWN = 'muster'
REPLY_BYTES = {10: 300, 25: 700, 50: 1300}  # of a GETBULK answer of so many rows


def address(number):
    """The IPv4 address of an agent, counted from 0."""
    first = int.from_bytes(socket.inet_aton(BASE), 'big')
    return socket.inet_ntoa((first + number).to_bytes(4, 'big'))


def getnext_message():
    """A GETNEXT of the column, version 2c, community "public"."""
    def wrap(tag, content):
        return bytes([tag, len(content)]) + content
    oid = wrap(0x06, bytes.fromhex('2b060102011104030102'))
    bindings = wrap(0x30, wrap(0x30, oid + b'\x05\x00'))
    pdu = wrap(0xa1, bytes.fromhex('020101020100020100') + bindings)
    return wrap(0x30, bytes.fromhex('020101') + wrap(0x04, b'public') + pdu)


def answering(port, payload):
    """A function that says whether something answers at the first agent's address."""
    def ask():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.25)
            try:
                probe.sendto(payload, (BASE, port))
                return bool(probe.recv(65535))
            except OSError:
                return False
    return ask


class Field:
    """A number of agents with tables of one size, and the commands that walk them."""

    def __init__(self, bench, agents, rows, repetitions, delay_ms=0, loss_percent=0):
        self.bench, self.agents, self.rows, self.repetitions = bench, agents, rows, repetitions
        self.delay_ms, self.loss_percent = delay_ms, loss_percent

    def responder(self):
        command = [self.bench.program('responder'), '--address', BASE, '--port', str(PORT),
                   '--agents', str(self.agents), '--rows', str(self.rows)]
        if self.delay_ms:
            command += ['--delay-ms', str(self.delay_ms)]
        if self.loss_percent:
            command += ['--loss-percent', str(self.loss_percent)]
        command += ['--user', USER, '--auth', AUTH_PASS, '--priv', PRIV_PASS]
        return Server(command, answering(PORT, getnext_message()))

    def checked(self, told, agents, requests_limit=None):
        """The sample of a client that says what it got."""
        if told['whole'] != agents or told['rows'] != agents * self.rows:
            raise WrongResult(f"{told['whole']} of {agents} tables whole, {told['rows']} of "
                              f"{agents * self.rows} rows")
        if requests_limit and told.get('requests', 0) > requests_limit * agents:
            raise WrongResult(f"{told['requests']} requests, allowed {requests_limit * agents}")
        return {'units': told['rows'], 'cpu': told['process_cpu'], 'wall': told['wall'],
                'memory': told['memory'], 'requests': told.get('requests', 0)}

    def arguments(self, agents, window, version3=False, dash='--'):
        named = {'base': BASE, 'port': PORT, 'agents': agents, 'rows': self.rows,
                 'repetitions': self.repetitions, 'window': window}
        if version3:
            named.update(user=USER, auth=AUTH_PASS, priv=PRIV_PASS)
        return [part for name, value in named.items() for part in (dash + name, str(value))]

    def muster(self, agents=None, window=WINDOW, version3=False, per_agent=None, lossy=False):
        agents = agents or self.agents
        command = [self.bench.program('walk_bench')] + self.arguments(agents, window, version3)
        if per_agent:
            command += ['--per-agent', str(per_agent)]
        # No more than the table needs and two to find the end; splitting a table costs a few.
        needed = math.ceil(self.rows / self.repetitions)
        limit = None if lossy else needed + 2 + (needed // 10 + 8 * per_agent if per_agent else 0)
        return lambda: self.checked(run_json(command, CLIENT_CPU), agents, limit)

    def netsnmp(self, agents=None, window=WINDOW, version3=False):
        agents = agents or self.agents
        command = [self.bench.program('netsnmp_walk')] + self.arguments(agents, window, version3)
        return lambda: self.checked(run_json(command, CLIENT_CPU), agents)

    def gosnmp(self, agents=None):
        agents = agents or self.agents
        return lambda: self.checked(
            run_json([self.bench.gosnmp()] + self.arguments(agents, WINDOW, dash='-')), agents)

    def bulkwalk(self, agents, parallel=1):
        """The shell's way: one snmpbulkwalk a switch, by a loop or by xargs -P."""
        if not shutil.which('snmpbulkwalk'):
            raise Missing('snmpbulkwalk is not installed')
        options = ['-v2c', '-cpublic', f'-Cr{self.repetitions}', '-m', '', '-On', '-Oq', '-t1',
                   '-r5']

        def once():
            with tempfile.NamedTemporaryFile('w+') as hosts, tempfile.TemporaryFile() as out:
                hosts.writelines(f'{address(i)}:{PORT}\n' for i in range(agents))
                hosts.flush()
                each = ['xargs', '-a', hosts.name, f'-P{parallel}', '-I', '{}', 'snmpbulkwalk']
                sample, _ = run(each + options + ['{}', COLUMN], stdout=out)
                out.seek(0)
                rows = sum(chunk.count(b'\n') for chunk in iter(lambda: out.read(1 << 20), b''))
            if rows != agents * self.rows:
                raise WrongResult(f'{rows} of {agents * self.rows} rows')
            return {'units': rows, **sample}
        return once

    def echo(self):
        """As many exchanges as the walk needs, of the same sizes, and nothing else."""
        program = self.bench.program('udp_echo')
        exchanges = self.agents * (math.ceil(self.rows / self.repetitions) + 1)
        serve = [program, 'serve', BASE, str(ECHO_PORT), str(REPLY_BYTES[self.repetitions])]

        def once():
            with Server(serve, answering(ECHO_PORT, b'?')):
                told = run_json([program, 'ask', BASE, str(ECHO_PORT), str(exchanges), str(WINDOW)],
                                CLIENT_CPU)
            if told['rows'] != exchanges:
                raise WrongResult(f"{told['rows']} of {exchanges} echoes")
            return {'units': self.agents * self.rows, 'cpu': told['process_cpu'],
                    'wall': told['wall'], 'memory': told['memory']}
        return once


def lazily(make):
    """Defers making a program's command until it is run, so that a missing one is a skip."""
    return lambda: make()()


def rates(samples):
    return [sample['units'] / sample['wall'] for sample in samples]


def collection(bench, report):
    """CPU per million rows on a fast responder, several table sizes and repetitions."""
    cases = [(1000, 1000, 25, {'xargs -P2': 30, 'net-snmp async': 2.5, 'gosnmp': 6}, 0.5),
             (WINDOW, 10000, 10, {'net-snmp async': 2}, 0.5),
             (WINDOW, 10000, 25, {'net-snmp async': 2.5}, 0.5),
             (WINDOW, 10000, 50, {'xargs -P2': 18, 'net-snmp async': 2.5}, 0.4)]
    if bench.quick:
        cases = [(20, 1000, 25, cases[0][3], 0.5)]
    for agents, rows, repetitions, goals, echo_goal in cases:
        field = Field(bench, agents, rows, repetitions)
        few = max(2, min(agents // 2, 200_000 // rows // (1 if rows < 5000 else 2)))
        report.open('collection',
                    f'Collection: {agents:,} agents, {rows:,} rows each, {repetitions} repetitions',
                    'CPU s per million rows')
        with field.responder():
            samples = interleave(report, {
                OWN: lazily(field.muster),
                'net-snmp async': lazily(field.netsnmp),
                'gosnmp': lazily(field.gosnmp),
                'xargs -P2': lazily(lambda: field.bulkwalk(few, 2)),
                'snmpbulkwalk': lazily(lambda: field.bulkwalk(few)),
                'udp echo limit': lazily(field.echo),
            }, bench.repetitions)
        compare(report, samples, OWN, {'gosnmp': None, 'xargs -P2': None, 'snmpbulkwalk': None,
                                       **goals, 'udp echo limit': echo_goal})


def rtt(bench, report):
    """Wall rate at a round trip of 10 ms against what the window allows."""
    agents = 64 if bench.quick else 4 * WINDOW
    field = Field(bench, agents, 1000, 25, delay_ms=10)
    ceiling = WINDOW * 25 / 0.010
    report.open('rtt', f'Round trip 10 ms: {agents:,} agents, 1,000 rows, window {WINDOW}',
                'rows per second (wall)')
    with field.responder():
        samples = interleave(report, {OWN: lazily(field.muster),
                                      'net-snmp async': lazily(field.netsnmp),
                                      'gosnmp': lazily(field.gosnmp)}, bench.repetitions)
    for name, runs in samples.items():
        report.cost(name, rates(runs), 'rows/s')
        report.judge('of window x repetitions / RTT', [rate / ceiling for rate in rates(runs)],
                     0.85 if name == OWN else None)


def loss(bench, report):
    """1 % of datagrams lost, at 1 ms round trip, against the loss-free rate."""
    agents = 32 if bench.quick else 4 * WINDOW
    report.open('loss', f'1 % loss at 1 ms round trip: {agents:,} agents, 1,000 rows',
                'rows per second (wall)')
    samples = {}
    clean = Field(bench, agents, 1000, 25, delay_ms=1)
    lossy = Field(bench, agents, 1000, 25, delay_ms=1, loss_percent=1)
    for _ in range(bench.repetitions):
        for field, suffix in ((clean, ''), (lossy, ', 1 % lost')):
            with field.responder():
                for name, runs in interleave(report, {
                        OWN + suffix: lazily(lambda: field.muster(lossy=True)),
                        'net-snmp async' + suffix: lazily(field.netsnmp)}, 1).items():
                    samples.setdefault(name, []).extend(runs)
    for name, runs in samples.items():
        if not runs:
            continue
        report.cost(name, rates(runs), 'rows/s')
        plain = name.removesuffix(', 1 % lost')
        if name != plain and samples.get(plain):
            pairs = zip(rates(runs), rates(samples[plain]))
            report.judge('of its loss-free rate', [a / b for a, b in pairs],
                         0.7 if plain == OWN else None)
    mine, theirs = samples.get(OWN + ', 1 % lost'), samples.get('net-snmp async, 1 % lost')
    if mine and theirs:
        report.judge('muster / net-snmp async, 1 % lost',
                     [a / b for a, b in zip(rates(mine), rates(theirs))], 4)


def single(bench, report):
    """One large table far away: the only way to be quick is several ranges at once."""
    field = Field(bench, 1, 1000 if bench.quick else 10000, 25, delay_ms=10)
    report.open('single', f'One agent of {field.rows:,} rows at 10 ms, 4 requests in flight',
                'rows per second (wall)')
    with field.responder():
        samples = interleave(report, {
            OWN: lazily(lambda: field.muster(per_agent=4)),
            'snmpbulkwalk': lazily(lambda: field.bulkwalk(1))}, bench.repetitions)
    for name, runs in samples.items():
        if runs:
            report.cost(name, rates(runs), 'rows/s')
    if samples.get(OWN) and samples.get('snmpbulkwalk'):
        pairs = zip(rates(samples[OWN]), rates(samples['snmpbulkwalk']))
        report.judge('muster / snmpbulkwalk', [a / b for a, b in pairs], 3)


def version3(bench, report):
    """SNMPv3 authPriv (SHA-1, AES-128), engine discovery and key making included."""
    few, many = (8, 32) if bench.quick else (200, 4000)
    field = Field(bench, many, 1000, 25)
    report.open('v3', f'SNMPv3 authPriv: {few} and {many:,} engines, 1,000 rows each',
                'CPU s per million rows')
    with field.responder():
        samples = interleave(report, {
            f'muster, {few}': lazily(lambda: field.muster(few, version3=True)),
            f'net-snmp async, {few}': lazily(lambda: field.netsnmp(few, version3=True)),
        }, bench.repetitions)
        samples.update(interleave(report, {
            f'muster, {many}': lazily(lambda: field.muster(many, version3=True)),
        }, bench.repetitions))
        samples.update(interleave(report, {
            f'net-snmp async, {many}': lazily(lambda: field.netsnmp(many, version3=True)),
        }, 1))
    for name, runs in samples.items():
        if runs:
            report.cost(name, per_million(runs), 'CPU s per million rows')
    for engines, goal in ((few, 2.5), (many, 8)):
        mine, theirs = samples.get(f'muster, {engines}'), samples.get(f'net-snmp async, {engines}')
        if mine and theirs:
            pairs = zip(per_million(theirs), per_million(mine))
            report.judge(f'net-snmp async / muster, {engines}', [a / b for a, b in pairs], goal)
    if samples.get(f'muster, {few}') and samples.get(f'muster, {many}'):
        pairs = zip(per_million(samples[f'muster, {many}']), per_million(samples[f'muster, {few}']))
        report.judge(f'muster, {many} / {few} engines', [a / b for a, b in pairs], 1.2, False)


def memory(bench, report):
    """What a million rows held take, from two sizes, and what the engine takes beside."""
    few, many = (20, 40) if bench.quick else (1000, 4000)
    field = Field(bench, many, 1000, 25)
    report.open('memory', f'Memory of rows held: {few:,} and {many:,} agents of 1,000 rows', 'MB')
    with field.responder():
        samples = interleave(report, {
            f'muster, {few}': lazily(lambda: field.muster(few)),
            f'muster, {many}': lazily(lambda: field.muster(many)),
            f'net-snmp async, {few}': lazily(lambda: field.netsnmp(few)),
        }, bench.repetitions)
    for name, runs in samples.items():
        if runs:
            report.cost(name, [run['memory'] / 1e6 for run in runs], 'MB resident at most')
    large = samples.get(f'muster, {many}')
    if large:
        report.judge('MB per million rows, all included',
                     [run['memory'] / run['units'] for run in large], 24, False)


def scale(bench, report):
    """CPU per row from few switches to many, and from small tables to large ones."""
    sizes = ((10, 100_000), (100, 10_000), (1000, 1000), (5000, 1000))
    if bench.quick:
        sizes = ((2, 1000), (20, 100))
    report.open('scale', 'Scaling: the same engine from 10 switches to 5,000',
                'CPU s per million rows')
    samples = {}
    for _ in range(bench.repetitions):
        for agents, rows in sizes:
            field = Field(bench, agents, rows, 25)
            name = f'{agents:,} agents x {rows:,} rows'
            with field.responder():
                got = interleave(report, {name: lazily(field.muster)}, 1)
            samples.setdefault(name, []).extend(got.get(name, []))
    for name, runs in samples.items():
        if runs:
            report.cost(name, per_million(runs), 'CPU s per million rows')
    names = list(samples)
    if samples[names[0]] and samples[names[-1]]:
        pairs = zip(per_million(samples[names[-1]]), per_million(samples[names[0]]))
        report.judge('most / fewest agents', [a / b for a, b in pairs], 1.2, False)


SCENARIOS = {'collection': collection, 'rtt': rtt, 'loss': loss, 'single': single, 'v3': version3,
             'memory': memory, 'scale': scale}
