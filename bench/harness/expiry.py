# SPDX-License-Identifier: Apache-2.0
"""Expiry: the list of who is on the wire (audit/presence.h) alone, at three sizes.

Goals are those of the event path it is part of: a refresh adds at most 0.1 us, a million
sessions expire within half a CPU second with their state looked up, a live one takes at
most 64 bytes, and nothing holds the caller for more than 5 ms.
"""
from measure import CLIENT_CPU, interleave, run_json

SIZES = (10_000, 1_000_000, 10_000_000)
QUICK_SIZES = (2_000, 20_000)
READY = 'ready'


def sample(bench, rows, *more):
    told = run_json([bench.program('presence_bench'), str(rows), *more], CLIENT_CPU)
    return {'units': rows, 'cpu': told['process_cpu'], 'wall': told['process_wall'], 'told': told}


def show(report, rows, told):
    """The figures of one size; goals are for a million, growth is judged apart."""
    def values(name):
        return [one[name] for one in told]

    million = rows == 1_000_000
    report.cost(f'{rows:,}: start', values('start_ns'), 'CPU ns')
    report.judge('refresh, in batches', values('refresh_ns'), 100 if million else None, False)
    report.cost('  refresh, one alone', values('lone_refresh_ns'), 'CPU ns')
    report.cost('  sighting', values('touch_ns'), 'CPU ns')
    report.cost('  stop', values('stop_ns'), 'CPU ns')
    report.cost('  expiry, state looked up', values('expire_ns'), 'CPU ns')
    if million:
        report.judge('CPU s to expire all', values('expire_s'), 0.5, False)
    report.judge('bytes a live session', values('bytes'), 64, False)
    report.judge('longest call, growing, ms', values('start_longest_ms'), 5, False)
    report.judge('longest call, expiring, ms', values('expire_longest_ms'), 5, False)


def expiry(bench, report):
    """Refresh, expiry and memory of the expiry list."""
    sizes = QUICK_SIZES if bench.quick else SIZES
    report.open('expiry', 'Expiry list: sessions with a date each', 'CPU ns a session')
    programs = {rows: lambda rows=rows: sample(bench, rows) for rows in sizes}
    programs[READY] = lambda: sample(bench, sizes[-1], READY)
    runs = interleave(report, programs, bench.repetitions)
    told = {rows: [one['told'] for one in samples] for rows, samples in runs.items() if samples}
    for rows in sizes:
        if rows in told:
            show(report, rows, told[rows])
    if READY in told:
        report.judge('the same, memory taken before, ms',
                     [one['start_longest_ms'] for one in told[READY]], 5, False)
    if sizes[0] in told and sizes[-1] in told:
        pairs = zip(told[sizes[-1]], told[sizes[0]])
        report.judge(f'ns a refresh grows, {sizes[0]:,} to {sizes[-1]:,}',
                     [large['refresh_ns'] - small['refresh_ns'] for large, small in pairs],
                     None, False)


SCENARIOS = {'expiry': expiry}
