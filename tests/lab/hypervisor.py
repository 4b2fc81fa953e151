#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Muster on a hypervisor: its own bridge is the observed source, so a zombie is
proved by the age of its entry, a silent guest by a table read whole, and what is
behind the uplink is not this hypervisor's."""
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab

MUSTER = os.environ['MUSTER']
WEB, DATABASE, QUIET, STRANGER = [f'52:54:00:aa:00:0{n}' for n in range(1, 5)]


def write(directory, off_since):
    files = {
        'guests.csv': 'hypervisor,guest,mac,run_state,state_since\n'
                      f'hv1,web,{WEB},on,\nhv1,database,{DATABASE},off,{off_since}\n'
                      f'hv1,quiet,{QUIET},on,\n',
        'attachments.csv': 'hypervisor,nic_mac,switch,port\nhv1,02:00:00:00:00:01,hv1-br0,p1\n',
        'muster.yaml': 'recorded:\n  - {type: csv, guests: guests.csv, attachments: '
                       'attachments.csv}\nobserved:\n  - {type: linux_bridge, switch: hv1-br0, '
                       'bridge: br0, hypervisor: hv1, uplinks: [p2]}\n'}
    for name, text in files.items():
        with open(os.path.join(directory, name), 'w') as file:
            file.write(text)


def audit(directory):
    done = subprocess.run([MUSTER, 'audit', '--format', 'json', '--no-store'], cwd=directory,
                          capture_output=True, text=True)
    try:
        found = json.loads(done.stdout)['discrepancies']
    except ValueError:
        return done.returncode, done.stdout + done.stderr
    return done.returncode, sorted((d['kind'], d['state'], d['subject'].get('guest') or
                                    d['subject'].get('mac')) for d in found)


def main():
    if not os.access(MUSTER, os.X_OK):
        lab.skip('muster is not built')
    lab.enter(['bridge'])
    check = lab.Check()
    lab.add_bridge()
    lab.add_port('br0', 'p1', 'e1')
    lab.add_port('br0', 'p2', 'e2')
    with tempfile.TemporaryDirectory(prefix='muster-lab-') as directory:
        write(directory, datetime.datetime.now(datetime.timezone.utc).isoformat())
        lab.speak('e1', [WEB, QUIET, DATABASE])
        check.equal('off for less than the age of the entry is ageing', audit(directory), (0, []))
        time.sleep(3.5)  # poll error is two seconds, and ages are whole ones
        lab.speak('e1', [DATABASE])
        lab.speak('e2', [STRANGER])
        lab.run('bridge', 'fdb', 'del', QUIET, 'dev', 'p1', 'master')
        status, found = audit(directory)
        check.equal('status', status, 1)
        check.that('a frame after the power-off is a zombie, seconds later',
                   ('off_but_seen', 'confirmed', 'database') in found, found)
        check.that('a guest in no entry is silent', ('silent', 'suspected', 'quiet') in found, found)
        check.that('a stranger behind the uplink is only suspected',
                   ('unknown_guest', 'suspected', STRANGER) in found, found)
        check.equal('nothing else', len(found), 3)
    check.end()


main()
