# SPDX-License-Identifier: Apache-2.0
"""Sweep: judging every forward entry against the inventory, Muster beside databases.

One generated data centre (roster.h) for all. The databases run the bare join of
peers/join.sql over tables that are already loaded; Muster's time is that of its whole
judged sweep, evidence and all. Every program must find the true counts. End to end, both
sides start from the same CSV files and end with a written report.
"""
import csv
import collections
import json
import os
import sys

from measure import (CLIENT_CPU, WrongResult, compare, interleave, per_million, run,
                     run_json)

OWN = 'muster'
SEED = '1'
KINDS = {'unknown': 'unknown_guest', 'wrong': 'wrong_location', 'off_seen': 'off_but_seen',
         'silent': 'silent'}


class World:
    """A generated data centre on disk, made once for a size and kept in the work folder."""

    def __init__(self, bench, guests, with_csv=False):
        self.bench, self.guests = bench, guests
        self.folder = bench.folder(f'world-{guests}')
        truth = os.path.join(self.folder, 'truth.json')
        spreadsheet = os.path.join(self.folder, 'guests.csv')
        if not os.path.exists(truth) or (with_csv and not os.path.exists(spreadsheet)):
            run([bench.program('make_world'), str(guests), SEED, self.folder]
                + (['csv'] if with_csv else []))
        with open(truth) as file:
            self.truth = json.load(file)

    def checked(self, told):
        """The sample of a program that says what it found."""
        wanted = {kind: self.truth[kind] for kind in KINDS}
        if told['counts'] != wanted or told['rows'] != self.truth['rows']:
            raise WrongResult(f"{told['rows']} rows, {told['counts']} where "
                              f"{self.truth['rows']} rows, {wanted} are true")
        return {'units': told['rows'], 'cpu': told['cpu'], 'wall': told['wall'],
                'memory': told.get('memory', 0), 'told': told}

    def muster(self, changes=()):
        command = [self.bench.program('sweep_bench'), '--guests', str(self.guests), '--seed', SEED]
        for count in changes:
            command += ['--changes', str(count)]
        return self.checked(run_json(command, CLIENT_CPU))

    def duckdb(self):
        packages = self.bench.node_packages()
        return self.checked(run_json(
            ['node', self.bench.source('peers/duckdb_join.mjs'), self.folder,
             self.bench.source('peers/join.sql')], CLIENT_CPU, cwd=packages))

    def sqlite(self):
        return self.checked(run_json([self.bench.program('sqlite_join'), self.folder,
                                      self.bench.source('peers/join.sql')], CLIENT_CPU))

    def hash_probe(self):
        return self.checked(run_json([self.bench.program('hash_probe'), str(self.guests), SEED],
                                     CLIENT_CPU))

    def postgres(self):
        return self.checked(run_json(
            [sys.executable, self.bench.source('peers/postgres_join.py'), self.folder,
             self.bench.source('peers/join.sql')], CLIENT_CPU))


def judge_growth(report, samples, small, large):
    if samples.get(small) and samples.get(large):
        pairs = zip(per_million(samples[large]), per_million(samples[small]))
        report.judge('cost of a row, large / small', [a / b for a, b in pairs], 2.2, False)


def sweep_size(bench, report, guests, goals, repetitions):
    world = World(bench, guests)
    report.open('sweep', f"Sweep: {guests:,} guests x {world.truth['rows']:,} forward entries",
                'CPU s per million rows')
    samples = interleave(report, {OWN: world.muster, 'DuckDB, 1 thread': world.duckdb,
                                  'SQLite :memory:': world.sqlite, 'PostgreSQL': world.postgres,
                                  'hash probe limit': world.hash_probe},
                         repetitions)
    compare(report, samples, OWN, {**goals, 'hash probe limit': 0.5})
    if samples.get(OWN):
        told = samples[OWN][0]['told']
        if 'columns_bytes' in told:
            report.judge('MB per million (guest + row)',
                         [one['told']['columns_bytes'] / guests for one in samples[OWN]], 80,
                         False)
        report.line('words of every discrepancy, beside it',
                    [one['told']['render_cpu'] / one['units'] * 1e6 for one in samples[OWN]])
        if 'names_bytes' in told:
            report.judge('bytes of names a guest',
                         [one['told']['names_bytes'] / guests for one in samples[OWN]], 64, False)
    return samples.get(OWN, [])


def sweep(bench, report):
    """The judged sweep against bare joins at 1 million guests."""
    goals = {'DuckDB, 1 thread': 5, 'SQLite :memory:': 20, 'PostgreSQL': 15}
    sweep_size(bench, report, 10_000 if bench.quick else 1_000_000, goals, bench.repetitions)


def sweep_large(bench, report):
    """The same at 10 million guests, and how the cost of a row grew."""
    small, large = (5_000, 20_000) if bench.quick else (1_000_000, 10_000_000)
    goals = {'DuckDB, 1 thread': 4, 'SQLite :memory:': 20, 'PostgreSQL': 15}
    runs = sweep_size(bench, report, large, goals, 1 if bench.quick else 3)
    world = World(bench, small)
    samples = interleave(report, {f'muster, {small:,}': world.muster}, len(runs))
    for name, values in samples.items():
        if values:
            report.cost(name, per_million(values), 'CPU s per million rows')
    samples[f'muster, {large:,}'] = runs
    judge_growth(report, samples, f'muster, {small:,}', f'muster, {large:,}')


def reaudit(bench, report):
    """What judging again costs after k rows changed: it should follow k, not the size."""
    counts = (10, 100) if bench.quick else (10, 1000, 100_000)
    world = World(bench, 10_000 if bench.quick else 1_000_000)
    report.open('reaudit', f'Re-audit after k changed rows, {world.guests:,} guests',
                'CPU microseconds per changed row')
    runs = interleave(report, {OWN: lambda: world.muster(counts)}, bench.repetitions).get(OWN)
    if not runs:
        return
    for number, count in enumerate(counts):
        steps = [one['told']['reaudits'][number]['cpu'] for one in runs]
        report.cost(f'k = {count:,}', [cpu / count * 1e6 for cpu in steps], 'CPU us per change')
        # A hundredth of the whole sweep, or what so many rows are of it, whichever is more.
        allowed = max(0.01, 2 * count / world.truth['rows'])
        report.judge('of a whole sweep', [cpu / one['cpu'] for cpu, one in zip(steps, runs)],
                     allowed, False)


CONFIGURATION = """recorded:
  - {{type: csv, guests: {world}/guests.csv, attachments: {world}/attachments.csv}}
observed:
  - {{type: recording, file: {world}/forward.csv}}
"""


def count_report(path, column):
    with open(path, newline='') as file:
        return collections.Counter(row[column] for row in csv.DictReader(file))


class EndToEnd:
    """From the CSV files on disk to a report on disk."""

    def __init__(self, bench, world):
        self.bench, self.world = bench, world
        self.folder = bench.folder('end-to-end')

    def checked(self, sample, report_path):
        found = count_report(report_path, 'kind')
        wanted = {word: self.world.truth[kind] for kind, word in KINDS.items()}
        if {word: found[word] for word in wanted} != wanted:
            raise WrongResult(f'the report has {dict(found)}, true are {wanted}')
        return {'units': self.world.truth['rows'], **sample}

    def muster(self, store=False):
        """One audit. Without store it does what the peer does; with it the first round is
        also remembered."""
        configuration = os.path.join(self.folder, 'muster.yaml')
        with open(configuration, 'w') as file:
            file.write(CONFIGURATION.format(world=self.world.folder))
        for name in os.listdir(self.folder):
            if name.startswith('muster.db'):
                os.unlink(os.path.join(self.folder, name))
        path = os.path.join(self.folder, 'muster.csv')
        with open(path, 'wb') as out:
            sample, _ = run([self.bench.muster(), 'audit', '--quiet', '--config', configuration,
                             '--format', 'csv'] + ([] if store else ['--no-store']), None,
                            expect=(1,), stdout=out)
        return self.checked(sample, path)

    def duckdb(self):
        path = os.path.join(self.folder, 'duckdb.csv')
        sample, _ = run(['node', self.bench.source('peers/duckdb_csv.mjs'), self.world.folder, path,
                         str(os.cpu_count() or 1)], None, cwd=self.bench.node_packages())
        return self.checked(sample, path)


def end_to_end(bench, report):
    """Both from the same CSV files to a written report, whole processes."""
    world = World(bench, 10_000 if bench.quick else 1_000_000, with_csv=True)
    both = EndToEnd(bench, world)
    report.open('end-to-end', f'End to end from CSV: {world.guests:,} guests, '
                f"{world.truth['rows']:,} forward entries", 'CPU s')
    samples = interleave(report, {OWN: both.muster, 'DuckDB': both.duckdb,
                                  'muster, remembering': lambda: both.muster(store=True)},
                         bench.repetitions)
    compare(report, samples, OWN, {'DuckDB': 3}, cost=lambda runs: [one['cpu'] for one in runs],
            unit='CPU s')
    if samples.get(OWN) and samples.get('DuckDB'):
        pairs = zip(samples['DuckDB'], samples[OWN])
        report.judge('DuckDB / muster, wall', [peer['wall'] / mine['wall'] for peer, mine in pairs],
                     None)


SCENARIOS = {'sweep': sweep, 'sweep-large': sweep_large, 'reaudit': reaudit,
             'end-to-end': end_to_end}
