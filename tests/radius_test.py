# SPDX-License-Identifier: Apache-2.0
"""Real RADIUS captures must decode to their ground truth.

usage: radius_test.py MUSTER DATA

DATA/radius holds captures with tshark's table of the same name beside them (MUSTER_DATA
in the environment comes before DATA). Every Accounting-Request of a table must be a
session line with the table's identity, place and time, and nothing else may be one;
where the table was made with the shared secret, validity must agree: the server's answer
says which requests it believed. Exit 77 (skipped) where there is no such folder.
"""
import csv
import glob
import json
import os
import subprocess
import sys

SECRET = 'testing123'
EVENTS = {'': None, '1': 'start', '2': 'stop', '3': 'interim', '7': 'on', '8': 'off', '15': 'failed'}


def decode(muster, path):
    made = subprocess.run([muster, 'decode', '--radius-secret', SECRET, path], capture_output=True,
                          check=True)
    return [json.loads(line) for line in made.stdout.decode().splitlines()]


def mac_of(text):
    """Only joined octets, an SSID behind them allowed; other spellings are unit-tested."""
    digits = ''.join(c for c in text[:17] if c.isalnum()).lower()
    return ':'.join(digits[i:i + 2] for i in range(0, 12, 2)) if len(digits) >= 12 else None


def expected_of(row):
    get = lambda name: row.get('radius.' + name) or None
    return {
        'event': EVENTS.get(row['radius.Acct_Status_Type'], 'other'),
        'mac': mac_of(row['radius.Calling_Station_Id']),
        'nas': get('NAS_Identifier') or get('NAS_IP_Address') or get('NAS_IPv6_Address') or row['ip.src'],
        'port': get('NAS_Port_Id') or get('NAS_Port'),
        'session': get('Acct_Session_Id'),
        'called': get('Called_Station_Id'),
        'delay_seconds': int(get('Acct_Delay_Time')) if get('Acct_Delay_Time') else None,
    }


def compare_capture(muster, table, complaints):
    path = next(p for p in (table[:-4] + '.pcap', table[:-4] + '.pcapng') if os.path.exists(p))
    sessions = {line['frame']: line for line in decode(muster, path) if line['type'] == 'session'}
    with open(table, encoding='utf-8', errors='surrogateescape') as lines:
        rows = list(csv.DictReader(lines, delimiter='\t', quoting=csv.QUOTE_NONE))
    answered = {(row['ip.dst'], row['udp.dstport'], row['radius.id']) for row in rows
                if row['radius.code'] == '5'}
    compared = 0
    for row in rows:
        if row['radius.code'] != '4':
            continue
        line = sessions.pop(int(row['frame.number']), None)
        if line is None:
            complaints.append('%s frame %s: no session' % (path, row['frame.number']))
            continue
        compared += 1
        broken = row.get('_ws.expert.message', '') != ''
        for key, value in expected_of(row).items():
            # A table of a broken packet holds what stands before and behind the fault.
            if line[key] != value and not (broken and value is None):
                complaints.append('%s frame %s: %s is %r, expected %r'
                                  % (path, row['frame.number'], key, line[key], value))
        if broken and line['valid'] is not False:
            complaints.append('%s frame %s: broken and yet valid' % (path, row['frame.number']))
        if 'radius.authenticator.valid' in row:
            believed = (row['ip.src'], row['udp.srcport'], row['radius.id']) in answered
            if line['valid'] is not believed:
                complaints.append('%s frame %s: valid is %s' % (path, row['frame.number'], line['valid']))
    complaints.extend('%s frame %s: a session too many' % (path, frame) for frame in sessions)
    return compared


def main():
    muster, data = sys.argv[1:3]
    folder = os.path.join(os.environ.get('MUSTER_DATA', data), 'radius')
    tables = sorted(glob.glob(os.path.join(folder, '*', '*.tsv')))
    if not tables:
        print('skipped: no RADIUS captures in', folder)
        return 77
    complaints = []
    compared = sum(compare_capture(muster, table, complaints) for table in tables)
    print('%d captures, %d accounting requests compared' % (len(tables), compared))
    print('\n'.join(complaints[:40]))
    return 1 if complaints or compared == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
