# SPDX-License-Identifier: Apache-2.0
"""How long RADIUS answers take while a million sessions expire at once.

Sessions that are to be renewed within a minute begin for every guest and are stored; then the
daemon is started anew, to keep nothing from then on, as its peer does. It gives each session that it finds in its store its whole lifetime again,
three intervals, so that all of them expire in one moment, three minutes later. Meanwhile
answers are timed at a fixed rate, in slices; those in which the list shrank are held
against those before."""
import time

import events
from measure import CLIENT_CPU, WrongResult, run_json

SLICE_SECONDS, LONGEST_SECONDS, WINDOW = 5, 300, 256


def slice_of(bench, daemon, guests):
    """One slice of the load: what the answers took, and how many sessions went meanwhile."""
    before = daemon.status()['expiry_list']['sessions']
    told = run_json([bench.program('radius_load'), 'rate', '127.0.0.1', str(events.PORT), events.SECRET,
                     str(guests), str(events.RATE * SLICE_SECONDS), str(events.RATE)], cpu=CLIENT_CPU)
    told['went'] = before - daemon.status()['expiry_list']['sessions']
    return told


def fill(bench, daemon, guests):
    """Begins a session for nearly every guest; ends when all are in the store."""
    count = guests * 9 // 10
    with daemon.server:
        told = run_json([bench.program('radius_load'), 'fill', '127.0.0.1', str(events.PORT), events.SECRET,
                         str(guests), str(count), str(WINDOW)], cpu=CLIENT_CPU)
        if told['units'] < count:
            raise WrongResult(f"{told['units']} of {count} sessions were begun")
        daemon.settle()


def expire(bench, daemon, guests, report):
    """Times answers until the list has expired."""
    quiet, busy = [], []
    with daemon.server:
        restored = daemon.status()['expiry_list']['sessions']
        report.note(f'{restored:,} sessions are on the list after the start')
        deadline = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < deadline:
            told = slice_of(bench, daemon, guests)
            (busy if told['went'] > restored // 100 else quiet).append(told)
            if busy and told['went'] <= restored // 100:
                break
    return restored, quiet, busy


def at_once(bench, report):
    """A million sessions expire in one moment."""
    guests = 1_000_000
    report.open('radius-expiry', f'Answers while a million sessions expire, {events.RATE:,} requests a second',
                'answer time in microseconds')
    if bench.quick:
        report.skip('radius-expiry', 'it waits three minutes')
        return
    daemon = events.Daemon(bench, guests)
    fill(bench, daemon, guests)
    daemon.keep_nothing()
    restored, quiet, busy = expire(bench, daemon, guests, report)
    went = sum(told['went'] for told in busy)
    if went == 0 or went < restored // 2:
        raise WrongResult(f'{went} of {restored} sessions expired')
    report.cost('p99 before', [told['p99'] * 1e6 for told in quiet[1:]], 'us')
    report.cost('p99 while they expire', [told['p99'] * 1e6 for told in busy], 'us')
    report.cost('the longest while they expire', [told['max'] * 1e6 for told in busy], 'us')
    middle = sorted(told['p99'] for told in quiet[1:])[len(quiet[1:]) // 2]
    report.judge('p99 while they expire / before', [max(told['p99'] for told in busy) / middle], 1.2, False)
    report.note(f'{went:,} sessions expired in {len(busy)} slices of {SLICE_SECONDS} s')


SCENARIOS = {'radius-expiry': at_once}
