#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A site that is only heard: musterd has records and RADIUS accounting, and no switch to read.
What is asked afterwards knows the sessions, and a round that is asked again out of the store has
the verdicts that the daemon gave it. Needs no privileges."""
import hashlib
import json
import os
import re
import socket
import struct
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab
from musterd import Daemon, wait_until

ACCOUNTING, SECRET = 16913, b'testing123'
START, STOP, INTERIM = 1, 2, 3
WEB, DB, OLD, QUIET, WEB2 = (f'52:54:00:11:22:3{number}' for number in range(3, 8))

FILES = {
    'guests.csv': f'hypervisor,guest,mac,run_state\nhv1,web1,{WEB},on\nhv1,db1,{DB},on\n'
                  f'hv2,old1,{OLD},off\nhv2,quiet1,{QUIET},on\nhv1,web2,{WEB2},on\n',
    'attachments.csv': 'hypervisor,nic_mac,switch,port\nhv1,52:54:00:aa:00:01,sw1,Gi0/1\n'
                       'hv2,52:54:00:aa:00:02,sw1,Gi0/2\n',
    'secret': SECRET.decode() + '\n',
    'muster.yaml': 'recorded:\n  - {type: csv, guests: guests.csv, attachments: attachments.csv}\n'
                   f'events:\n  - {{type: radius, listen: 127.0.0.1, port: {ACCOUNTING}, '
                   'client: 127.0.0.1, secret_file: secret, switch: sw1}\n'
                   f'  - {{type: radius, listen: 127.0.0.1, port: {ACCOUNTING + 1}, '
                   'client: 127.0.0.1, secret_file: secret, switch: sw9}\n'
                   'store: muster.db\ndaemon: {interval: 1s, socket: musterd.sock}\n'
                   'audit: {settle: 1s, heard_hold: 8s}\n'}


def report(status, mac, port, session, seconds=0, to=ACCOUNTING):
    def attribute(kind, value):
        return bytes([kind, len(value) + 2]) + value
    attributes = (attribute(40, struct.pack('>I', status)) + attribute(44, session.encode()) +
                  attribute(31, mac.upper().replace(':', '-').encode()) +
                  attribute(87, port.encode()) + attribute(32, b'sw1') +
                  attribute(46, struct.pack('>I', seconds)))
    head = struct.pack('>BBH', 4, 1, 20 + len(attributes))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(head + hashlib.md5(head + bytes(16) + attributes + SECRET).digest() +
                      attributes, ('127.0.0.1', to))
        assert client.recv(4096)[0] == 5


def now():
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())


def ask(daemon, *words):
    done = daemon.muster(*words, '-f', 'json', '-q')
    return [json.loads(line) for line in done.stdout.splitlines()]


def heard_of(explanation):
    return [step['text'] for step in explanation['evidence'] if step['what'] == 'heard']


def questions_know_the_session(check, daemon, before):
    """web1 is at its place, by word of RADIUS alone."""
    why, = ask(daemon, 'why', 'web1')
    heard = heard_of(why)
    check.that('why tells the session', len(heard) == 1 and re.search(
        'in radius session A1 of sw1 at sw1 port Gi0/1 since .*, last heard ', heard[0]), why)
    check.that('and that all is well', why['conclusion'].startswith('clean'), why)
    read, = ask(daemon, 'why', 'web1', '--now')
    check.equal('and so it does when all is read anew', heard_of(read), heard)
    where = ask(daemon, 'where', 'web1')
    check.equal('where tells the place', [(w['switch'], w['if_name'], w['hypervisor'])
                                          for w in where], [('sw1', 'Gi0/1', 'hv1')])
    everywhere = {answer['mac'] for answer in ask(daemon, 'where', '--all')}
    check.equal('where --all has what is only heard', everywhere, {WEB, DB, OLD, WEB2})
    then, = ask(daemon, 'as-of', before, 'why', 'web1')
    check.equal('before its start nothing was heard', heard_of(then), [])
    check.that('and nobody could see it', 'not observable' in then['conclusion'], then)
    quiet, = ask(daemon, 'why', 'quiet1')
    check.that('of a guest without session nothing is known',
               not heard_of(quiet) and 'not observable' in quiet['conclusion'], quiet)


def words(discrepancy):
    """What was said, word for word, with its times."""
    return tuple(json.dumps(discrepancy[key]) for key in (
        'kind', 'state', 'why', 'would_prove', 'subject', 'observed', 'evidence'))


def replay_says_what_was_judged(check, daemon, kinds):
    """The last round's cases, and the same round judged again."""
    for attempt in range(5):  # a round may come between the two questions
        again, = ask(daemon, 'as-of', '0s', 'audit')
        cases = [case for case in daemon.cases() if case['last'] == again['round']['judged']]
        judged, replayed = ({words(d) for d in side} for side in (cases, again['discrepancies']))
        if judged == replayed:
            break
        time.sleep(0.3)
    check.equal('the same verdicts', sorted(replayed), sorted(judged))
    check.that('which are those of the events',
               kinds <= {json.loads(word[0]) for word in replayed}, replayed)


def stop_is_known_later(check, daemon):
    while_open = now()
    time.sleep(1.1)
    report(STOP, WEB, 'Gi0/1', 'A1')
    wait_until('the stop is a case', lambda: any(case['kind'] == 'unexpected_stop'
                                                 for case in daemon.cases()))
    daemon.wait_rounds(1)
    why, = ask(daemon, 'why', 'web1')
    check.equal('the end is a discrepancy', [d['kind'] for d in why['discrepancies']],
                ['unexpected_stop'])
    then, = ask(daemon, 'as-of', while_open, 'why', 'web1')
    check.that('before it the session was open', heard_of(then) and 'ended' not in
               heard_of(then)[0] and then['conclusion'].startswith('clean'), then)
    replay_says_what_was_judged(check, daemon, {'unexpected_stop'})


def old_session_is_told(check, daemon):
    """Nobody said how long a session holds: too old to prove anything, and yet it is known."""
    def asked(guest):
        return ask(daemon, 'why', guest)[0]
    why = wait_until('db1 was not heard of late', lambda: (
        asked('db1') if 'is open' in asked('db1')['conclusion'] else None), 20)
    clean = wait_until('web2 was not heard of late', lambda: (
        asked('web2') if 'is open' in asked('web2')['conclusion'] else None), 20)
    check.that('one at its place is in order', clean['conclusion'].startswith('in order'), clean)
    check.that('its session is told', 'session A2 of sw1 at sw1 port Gi0/2' in heard_of(why)[0], why)


def screens_say_what_is_of_use(check, daemon):
    """A place that nobody has is no step of a way, and a session that goes on is one line."""
    report(START, WEB2, 'Gi0/1', 'A5')
    report(START, WEB2, 'Gi9/9', 'A6', to=ACCOUNTING + 1)  # a switch that nobody has
    for number in range(3):
        report(INTERIM, WEB2, 'Gi0/1', 'A5', seconds=number + 1)
    daemon.wait_rounds(1)
    where = ask(daemon, 'where', 'web2', '--now')
    check.equal('where has its place', [w['if_name'] for w in where], ['Gi0/1'])
    check.equal('and no step without a name', [step for answer in where for step in answer['path']
                                               if not step['switch']], [])
    wait_until('the updates are in the store', lambda: sum(
        line.get('heard', {}).get('event') == 'update'
        for line in ask(daemon, 'history', 'web2')) == 3)
    shown = daemon.muster('history', 'web2').stdout
    check.that('history tells three updates in one line',
               ', 3 times' in ' '.join(shown.split()) and shown.count(': update') == 1, shown)
    why = ask(daemon, 'why', 'web2')[0]
    check.that('why says that nobody has that switch', any(
        'at sw9 (a switch that no record and no table has)' in text for text in heard_of(why)), why)


def main():
    check = lab.Check()
    with tempfile.TemporaryDirectory() as directory:
        for name, text in FILES.items():
            with open(os.path.join(directory, name), 'w') as file:
                file.write(text)
        os.chmod(os.path.join(directory, 'secret'), 0o600)
        daemon = Daemon(directory)
        try:
            daemon.start()
            wait_until('the first round', lambda: daemon.status()['round']['rounds'] > 0)
            daemon.wait_rounds(1)
            before = now()
            time.sleep(1.1)
            report(START, WEB, 'Gi0/1', 'A1')
            report(START, DB, 'Gi0/2', 'A2')  # hv2's port
            report(START, WEB2, 'Gi0/1', 'A4')
            report(START, OLD, 'Gi0/2', 'A3')
            daemon.wait_rounds(1)
            questions_know_the_session(check, daemon, before)
            replay_says_what_was_judged(check, daemon, {'wrong_location', 'off_but_seen'})
            stop_is_known_later(check, daemon)
            old_session_is_told(check, daemon)
            screens_say_what_is_of_use(check, daemon)
            check.that('it ends when told to', daemon.stop() == 0)
        finally:
            if daemon.process is not None and daemon.process.poll() is None:
                daemon.kill()
        if check.failed:
            print(daemon.log()[-3000:])
    return check.end()


if __name__ == '__main__':
    sys.exit(main())
