# SPDX-License-Identifier: Apache-2.0
"""Runs programs side by side and says how they compare.

A *sample* is what one run of one program cost: a dictionary with at least `units`
(rows), `cpu` (seconds of the program and its children, by wait4) and `wall`. Programs
that are compared run interleaved, A B C A B C ..., so that a slow spell of the machine
hits all of them; a ratio is formed inside each repetition and its least, middle and
greatest value are shown. Nothing here decides about a test:
BELOW is a figure, a wrong count is a failure.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

CLIENT_CPU, SERVER_CPU = 0, 1
WIDTH = 80
RUN_SECONDS = 900


class WrongResult(Exception):
    """A program ended badly or did not find what is there."""


class Missing(Exception):
    """A program or package that a comparison needs is not there."""


def pinned(cpu, command):
    """The command bound to one processor, where there is more than one."""
    if cpu is None or (os.cpu_count() or 1) < 2:
        return command
    return ['taskset', '-c', str(cpu)] + command


def run(command, cpu=None, expect=(0,), **more):
    """Runs a command to its end; returns (sample, standard output).

    Output goes to a file so that a reader of it cannot slow the program down."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        started = time.monotonic()
        child = subprocess.Popen(pinned(cpu, command), stdout=more.pop('stdout', out),
                                 stderr=errors, **more)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        text = out.read()
        if child.returncode not in expect:
            said = errors.read()[-600:].decode(errors='replace').strip()
            raise WrongResult(f'{os.path.basename(command[0])} ended with {child.returncode}'
                              f': {said or text[-300:].decode(errors="replace").strip()}')
    return {'cpu': usage.ru_utime + usage.ru_stime, 'wall': wall}, text.decode(errors='replace')


def run_json(command, cpu=None, expect=(0,), **more):
    """As run(), for a program whose last line is a JSON object; returns the object
    with the whole process's cost under `process_cpu` and `process_wall`."""
    sample, text = run(command, cpu, expect, **more)
    lines = [line for line in text.splitlines() if line.startswith('{')]
    if not lines:
        raise WrongResult(f'{os.path.basename(command[0])} printed no result')
    told = json.loads(lines[-1])
    told.update({f'process_{key}': value for key, value in sample.items()})
    return told


class Server:
    """A background program for the time of a `with` block, stopped by its process id."""

    def __init__(self, command, ready, cpu=SERVER_CPU, patience=20):
        self.command, self.ready, self.cpu, self.patience = command, ready, cpu, patience

    def __enter__(self):
        self.errors = tempfile.TemporaryFile()
        self.child = subprocess.Popen(pinned(self.cpu, self.command), stdout=subprocess.DEVNULL,
                                      stderr=self.errors)
        deadline = time.monotonic() + self.patience
        while not self.ready():
            if self.child.poll() is not None or time.monotonic() > deadline:
                self.errors.seek(0)
                said = self.errors.read()[-400:].decode(errors='replace').strip()
                self.__exit__()
                raise WrongResult(f'{os.path.basename(self.command[0])} does not serve: {said}')
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


def spread(values):
    return min(values), statistics.median(values), max(values)


def figure(value):
    """Three significant digits, at most seven characters."""
    for limit, divisor, suffix in ((1e6, 1e6, 'M'), (1e4, 1e3, 'k')):
        if value >= limit:
            return f'{value / divisor:.3g}{suffix}'
    if value >= 100:
        return f'{value:,.0f}'
    return f'{value:.3g}' if value >= 1 else f'{value:.3f}'


class Report:
    """The table on standard output and the JSON lines beside it."""

    def __init__(self, path, quick):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.file = open(path, 'w')
        self.path, self.quick = path, quick
        self.failures, self.below, self.passed, self.skipped = [], 0, 0, 0
        self.scenario = ''

    def record(self, **fields):
        self.file.write(json.dumps({'scenario': self.scenario, **fields}) + '\n')
        self.file.flush()

    def open(self, scenario, title, unit):
        self.scenario = scenario
        print(f'\n{title}\n  {unit:<38}{"min":>8}{"median":>8}{"max":>8}  {"goal":<7}', flush=True)

    def line(self, name, values, goal='', verdict=''):
        low, middle, high = spread(values)
        print(f'  {name:<38}{figure(low):>8}{figure(middle):>8}{figure(high):>8}  '
              f'{goal:<7} {verdict}'.rstrip(), flush=True)

    def cost(self, name, values, unit):
        """What one program needs."""
        self.line(name, values)
        low, middle, high = spread(values)
        self.record(measure=name, unit=unit, min=low, median=middle, max=high, values=values)

    def judge(self, name, values, goal, at_least=True):
        """A figure beside its goal; without goal (None) it is only shown."""
        low, middle, high = spread(values)
        verdict = ''
        if goal is not None and not self.quick:
            met = middle >= goal if at_least else middle <= goal
            verdict = 'PASS' if met else 'BELOW' if at_least else 'ABOVE'
            self.passed += met
            self.below += not met
        sign = '>=' if at_least else '<='
        self.line('  ' + name, values, '' if goal is None else f'{sign} {goal:.3g}', verdict)
        self.record(ratio=name, min=low, median=middle, max=high, values=values, goal=goal,
                    direction=sign, verdict=verdict or None)

    def note(self, text):
        print(f'  {text}', flush=True)
        self.record(note=text)

    def skip(self, what, why):
        self.skipped += 1
        print(f'  {what}: skipped, {why}', flush=True)
        self.record(skipped=what, why=why)

    def fail(self, what, why):
        self.failures.append(f'{self.scenario}: {what}: {why}')
        print(f'  {what}: WRONG: {why}', flush=True)
        self.record(failed=what, why=why)

    def end(self):
        self.file.close()
        print(f'\n{self.passed} goals met, {self.below} not met, {self.skipped} comparisons '
              f'skipped, {len(self.failures)} wrong results')
        if self.quick:
            print('a quick run checks counts only: its figures are not judged')
        print(f'all figures: {os.path.relpath(self.path)}')
        return 1 if self.failures else 0


def interleave(report, programs, repetitions):
    """Runs {name: function returning a sample} in turn, `repetitions` times.

    Returns {name: [samples]}; a program that is missing or wrong is reported once and
    left out. The first round of each is the warm-up for files and caches only when there
    is more than one repetition: it still counts, the median does not mind."""
    samples = {name: [] for name in programs}
    for _ in range(repetitions):
        for name, once in programs.items():
            if name not in samples:
                continue
            try:
                samples[name].append(once())
            except Missing as why:
                report.skip(name, str(why))
                del samples[name]
            except WrongResult as why:
                report.fail(name, str(why))
                del samples[name]
    return samples


def per_million(samples, key='cpu'):
    return [sample[key] / sample['units'] * 1e6 for sample in samples]


def compare(report, samples, own, goals, cost=per_million, unit='CPU s per million rows'):
    """Prints each program's cost and, for each peer in `goals`, peer cost / own cost."""
    for name, runs in samples.items():
        if not runs:
            continue
        report.cost(name, cost(runs), unit)
        if name == own or not samples.get(own) or name not in goals:
            continue
        pairs = zip(cost(runs), cost(samples[own]))
        report.judge(f'/ {own}', [peer / mine for peer, mine in pairs], goals[name])


def complain(text):
    print(f'bench: {text}', file=sys.stderr)
