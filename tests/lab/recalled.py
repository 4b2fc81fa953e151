#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""musterd is killed and started again: what had been heard goes on where it stopped. The ended
session behind a standing unexpected_stop still bears it, a migration window is still open until
its deadline, a session that expired meanwhile is over, and no case is raised twice. Rounds
from before and after are judged again as they were. Needs a network namespace."""
import json
import os
import socket
import sqlite3
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab
from heard import report, words, START, STOP, SECRET, ACCOUNTING
from musterd import Daemon, wait_until

WEB, DB, OLD = (f'52:54:00:11:33:4{number}' for number in range(3))
WINDOWS = 12, 90  # seconds; the second where a machine is too slow for the first

FILES = {
    'guests.csv': f'hypervisor,guest,mac,run_state\nhv1,web1,{WEB},on\nhv1,db1,{DB},on\n'
                  f'hv1,old1,{OLD},on\n',
    'attachments.csv': 'hypervisor,nic_mac,switch,port\nhv1,52:54:00:aa:00:01,sw1,Gi0/1\n'
                       'hv2,52:54:00:aa:00:02,sw1,Gi0/2\n',
    'secret': SECRET.decode() + '\n',
    'muster.yaml': 'recorded:\n  - {type: csv, guests: guests.csv, attachments: attachments.csv}\n'
                   f'events:\n  - {{type: radius, listen: 127.0.0.1, port: {ACCOUNTING}, '
                   'client: 127.0.0.1, secret_file: secret, switch: sw1}\n'
                   '  - {type: announce, interface: span1, switch: sw1}\n'
                   'store: muster.db\ndaemon: {interval: 1s, socket: musterd.sock}\n'
                   'audit: {settle: 1s, heard_hold: 60s, migration_window: %WINDOW%s}\n'}


class TooSlow(Exception):
    """The window was over before its effect could be seen."""


def announce(mac):
    """A reverse ARP, as QEMU sends it when a guest has come over."""
    body = b'\x00\x01\x08\x00\x06\x04\x00\x03' + (lab.octets(mac) + bytes(4)) * 2
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(('span0', 0))
        sender.send(b'\xff' * 6 + lab.octets(mac) + b'\x80\x35' + body + bytes(18))


def open_cases(daemon):
    """{(kind, guest): its number}, of those that are open."""
    return {(case['kind'], case['subject'].get('guest')): case['id'] for case in daemon.cases()
            if case['case_state'] not in ('cleared', 'closed')}


def case_events(daemon, guest):
    """What happened to the cases of a guest, in order."""
    done = daemon.muster('history', guest, '-f', 'json', '-q')
    return [(line['case'], line['event']) for line in map(json.loads, done.stdout.splitlines())
            if line['type'] == 'case']


def replayed(daemon):
    """The last round judged again, and the cases that it left."""
    for attempt in range(8):  # a round may come between the two questions
        done = daemon.muster('as-of', '0s', 'audit', '-f', 'json', '-q')
        again = json.loads(done.stdout)
        cases = [case for case in daemon.cases() if case['last'] == again['round']['judged']]
        sides = [sorted(words(d) for d in side) for side in (cases, again['discrepancies'])]
        if sides[0] == sides[1]:
            break
        time.sleep(0.2)
    return sides


def make_it_old(directory):
    """As if old1's session had been told ten minutes ago, to hold for one."""
    with sqlite3.connect(f'{directory}/muster.db') as store:
        store.execute('UPDATE session SET started = started - 600000000, last = last - 600000000,'
                      ' heard = heard - 600000000, lifetime = 60000000'
                      ' WHERE session = ?', ('A3',))


def sessions(directory, where):
    with sqlite3.connect(f'file:{directory}/muster.db?mode=ro', uri=True) as store:
        return [row[0] for row in store.execute(f'SELECT session FROM session WHERE {where}'
                                                ' ORDER BY session')]


def hear(daemon):
    report(START, WEB, 'Gi0/1', 'A1')
    report(START, DB, 'Gi0/1', 'A2')
    report(START, OLD, 'Gi0/1', 'A3')
    daemon.wait_rounds(1)
    report(STOP, WEB, 'Gi0/1', 'A1')
    wait_until('the stop is a case',
               lambda: ('unexpected_stop', 'web1') in open_cases(daemon))
    daemon.wait_rounds(1)
    announce(DB)
    wait_until('the window', lambda: daemon.status()['live']['open_windows'] == 1)
    return time.monotonic()


def goes_on(check, daemon, directory, opened, window):
    def in_time():
        if time.monotonic() - opened > window - 1:
            raise TooSlow
        return True

    before = open_cases(daemon)
    make_it_old(directory)
    daemon.kill()  # whether the window is on the disk or not: its announcement is
    daemon.start()
    wait_until('the migration window',
               lambda: in_time() and daemon.status()['live']['open_windows'] == 1)
    check.that('the migration window is open', True)
    report(START, DB, 'Gi0/2', 'B2')  # hv2's port
    daemon.wait_rounds(2)
    after = open_cases(daemon)
    in_time()
    number = before['unexpected_stop', 'web1']
    check.equal('the stop stands', after.get(('unexpected_stop', 'web1')), number)
    check.that('and was never cleared', (number, 'cleared') not in case_events(daemon, 'web1'),
               case_events(daemon, 'web1'))
    check.that('within the window two places are expected',
               not {('wrong_location', 'db1'), ('duplicate_guest', 'db1')} & set(after), after)
    judged, again = replayed(daemon)
    check.equal('the round is judged again as it was', again, judged)
    check.that('the stop is found by each round', '"unexpected_stop"' in [d[0] for d in judged], judged)
    return number


def heard_of(daemon, guest, *words):
    done = daemon.muster(*words, 'why', guest, '-f', 'json', '-q')
    return [line['text'] for line in json.loads(done.stdout)['heard']]


def why_tells(check, daemon):
    """What was heard, and what followed, before and after the restart."""
    told = heard_of(daemon, 'db1')
    check.that('the announcement and its window', any(
        text.startswith('RARP at sw1') and 'it opened a migration window until' in text
        for text in told), told)
    check.that('both sessions', [text.split()[1] for text in told if text.startswith('session')] ==
               ['A2', 'B2'], told)
    told = heard_of(daemon, 'web1')
    check.that('the session and its end', [text.split(' at ')[0] for text in told] ==
               ['session A1 of sw1 began', 'session A1 of sw1 ended'], told)


def expired(check, daemon, directory):
    case = wait_until('the expired session is a case',
                      lambda: open_cases(daemon).get(('session_expired', 'old1')))
    check.equal('it is kept as expired', sessions(directory, 'expired IS NOT NULL'), ['A3'])
    check.equal('those that are open', sessions(directory, 'ended IS NULL AND expired IS NULL'),
                ['A2', 'B2'])
    told = heard_of(daemon, 'old1', 'as-of', '0s')
    check.that('why tells that it expired', 'expired' in told[-1], told)
    where = daemon.muster('as-of', '0s', 'where', 'old1')
    check.that('where does not take it for open', where.returncode == 1 and
               'its session expired' in where.stderr, where)
    daemon.kill()
    daemon.start()
    daemon.wait_rounds(2)
    check.equal('it does not come back', daemon.status()['expiry_list']['sessions'], 3)
    check.equal('its case goes on', open_cases(daemon).get(('session_expired', 'old1')), case)
    happened = case_events(daemon, 'old1')
    check.that('as the one that it was',
               not {(case, 'cleared'), (case, 'reopened')} & set(happened), happened)
    check.equal('there is one', {name for name, event in happened if event == 'opened'} & {
        d['id'] for d in daemon.cases('--all') if d['kind'] == 'session_expired'}, {case})


def window_ends(check, daemon, opened, window):
    wait_until('the deadline', lambda: time.monotonic() - opened > window, window + 5)
    wait_until('what it held back', lambda: any(
        guest == 'db1' for kind, guest in open_cases(daemon)))
    judged, again = replayed(daemon)
    check.equal('then the round is judged again as it was', again, judged)


def tell_the_story(check, daemon, directory, window):
    daemon.start()
    wait_until('the first round', lambda: daemon.status()['round']['rounds'] > 0)
    opened = hear(daemon)
    number = goes_on(check, daemon, directory, opened, window)
    why_tells(check, daemon)
    expired(check, daemon, directory)
    window_ends(check, daemon, opened, window)
    check.equal('the stop still stands', open_cases(daemon).get(('unexpected_stop', 'web1')),
                number)
    check.that('it ends when told to', daemon.stop() == 0)


def try_window(check, window):
    """Returns whether the machine was quick enough for it."""
    with tempfile.TemporaryDirectory(prefix='muster-recalled-') as directory:
        for name, text in FILES.items():
            with open(os.path.join(directory, name), 'w') as file:
                file.write(text.replace('%WINDOW%', str(window)))
        os.chmod(os.path.join(directory, 'secret'), 0o600)
        daemon = Daemon(directory)
        try:
            tell_the_story(check, daemon, directory, window)
        except TooSlow:
            return False
        finally:
            if daemon.process is not None and daemon.process.poll() is None:
                daemon.kill()
        if check.failed:
            print(daemon.log()[-3000:])
    return True


def main():
    lab.enter([])
    check = lab.Check()
    lab.add_port(None, 'span1', 'span0')
    check.that('a window is long enough', any(try_window(check, window) for window in WINDOWS))
    return check.end()


sys.exit(main())
