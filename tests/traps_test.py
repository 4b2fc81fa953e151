# SPDX-License-Identifier: Apache-2.0
"""Real trap captures must decode to their ground truth.

usage: traps_test.py MUSTER DATA

DATA/traps holds captures, a table of their datagrams beside each (NAME.tsv) and
TRUTH-events.tsv (MUSTER_DATA in the environment comes first). Every event of the truth
must be found, no link, MAC or restart event may be found that is not in it, and each
well-formed notification makes at least one line. Exit 77 (skipped) without the folder.
"""
import collections
import glob
import json
import os
import subprocess
import sys

KINDS = {'linkUp': 'link_up', 'linkDown': 'link_down', 'learnt': 'mac_learned', 'removed': 'mac_removed'}
NAMES = {'lldpRemTablesChange': 'lldpRemTablesChange',
         'lldpXMedTopologyChangeDetected': 'lldpXMedTopologyChangeDetected',
         'cisco-port-security-violation': 'cpsSecureMacAddrViolation',
         'nortel-s5EtrSbsMacAccessViolation': 's5EtrSbsMacAccessViolation'}
OURS = ('link_up', 'link_down', 'mac_learned', 'mac_removed', 'mac_moved')


def rows_of(path):
    with open(path, encoding='utf-8') as lines:
        head = lines.readline().rstrip('\n').split('\t')
        for line in lines:
            yield dict(zip(head, line.rstrip('\n').split('\t')))


def decode(decoder, path):
    made = subprocess.run([decoder, 'decode', path], capture_output=True, check=False)
    lines = made.stdout.decode().splitlines()
    by_frame = collections.defaultdict(list)
    for line in lines:
        item = json.loads(line)
        by_frame[item['frame']].append(item)
    return by_frame


def port_of(row):
    """The number in the truth's port column; for Nortel it stands as an OID's last part."""
    return int(row['portOrIfIndex'].split('|')[0].split('.')[-1])


def agrees(row, item):
    if item['event'] != KINDS.get(row['op'], 'other'):
        return False
    if row['kind'] in NAMES and item['name'] != NAMES[row['kind']]:
        return False
    if item['event'] in ('link_up', 'link_down'):
        return item['if_index'] == port_of(row)
    if item['event'] != 'other':
        return (item['mac'] == row['mac'] and str(item['vlan'] or '') == row['vlan'] and
                item['bridge_port'] == port_of(row))
    if 'violation' in row['kind'].lower():
        number = item['if_index'] if row['portMeaning'] == 'ifIndex' else item['bridge_port']
        return item['mac'] == row['mac'] and number == port_of(row)
    return True


def check_capture(found, path, truth, complaints):
    expected = 0
    for row in truth:
        items = found.get(int(row['frame']), [])
        hit = next((item for item in items if agrees(row, item)), None)
        if hit is None:
            complaints.append('%s: %s is %s' % (path, row, items))
        else:
            items.remove(hit)
            expected += 1
    surplus = [item for items in found.values() for item in items if item['event'] in OURS and truth]
    complaints.extend('%s: not in the truth: %s' % (path, item) for item in surplus)
    return expected


def check_agents(path, found, damaged, complaints):
    """Each notification has a line that names its agent. A capture may hold frames that
    were damaged on purpose; those may be refused."""
    for row in rows_of(path[:-5] + '.tsv'):
        if row['snmp.data'] not in ('4', '6', '7'):
            continue
        agent = row['snmp.agent_addr']
        wanted = agent if agent and not agent.startswith(('0.', '127.')) else row['ip.src']
        items = found.get(int(row['frame.number']), [])
        if (not items and not damaged) or any(item['switch'] != wanted for item in items):
            complaints.append('%s: frame %s should be of %s: %s' % (path, row['frame.number'], wanted, items))


def main():
    decoder = sys.argv[1]
    folder = os.path.join(os.environ.get('MUSTER_DATA', sys.argv[2]), 'traps')
    truth_path = os.path.join(folder, 'TRUTH-events.tsv')
    if not os.path.exists(truth_path):
        print('skipped: no %s' % truth_path)
        return 77
    truth = collections.defaultdict(list)
    for row in rows_of(truth_path):
        truth[row['capture']].append(row)
    complaints, events, lines = [], 0, 0
    captures = sorted(glob.glob(os.path.join(folder, '*.pcap')))
    for path in captures:
        found = decode(decoder, path)
        rows = truth[os.path.basename(path)[:-5]]
        check_agents(path, found, not rows, complaints)
        expected = check_capture(found, path, rows, complaints)
        events += expected
        lines += len(found)
    for complaint in complaints[:20]:
        print(complaint)
    print('captures=%d frames=%d events=%d of %d different=%d' %
          (len(captures), lines, events, sum(len(rows) for rows in truth.values()), len(complaints)))
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main())
