# SPDX-License-Identifier: Apache-2.0
"""Real recordings must decode to their ground truth.

usage: recordings_test.py DECODER DATA

DATA is a folder of recordings with *.fdb.tsv, *.nbr.tsv and *.lag.tsv beside them
(MUSTER_DATA in the environment comes first). The truth applies the MIBs only; the
product may resolve more by its rules and quirks, and must never differ where the
MIBs resolve. Prints the counts; exit 77 (skipped) where there is no such folder.
"""
import collections
import glob
import json
import os
import subprocess
import sys


def rows_of(path):
    with open(path, encoding='utf-8', errors='surrogateescape') as lines:
        head = lines.readline().rstrip('\n').split('\t')
        for line in lines:
            yield dict(zip(head, line.rstrip('\n').split('\t')))


def sources_of(stem):
    """The recording files of one switch."""
    found = [stem + end for end in ('.snmprec', '.txt', '.properties', '.snmpwalk.txt') if os.path.exists(stem + end)]
    found += sorted(glob.glob(glob.escape(stem) + '.vlan*.*') + glob.glob(glob.escape(stem) + '@*.*'))
    return found


def decode(decoder, stem):
    paths = sources_of(stem)
    made = subprocess.run([decoder] + paths, capture_output=True, check=False)
    if made.returncode != 0:
        return None, made.stderr.decode(errors='replace').strip()
    by_type = collections.defaultdict(list)
    for line in made.stdout.decode().splitlines():
        item = json.loads(line)
        by_type[item['type']].append(item)
    return by_type, ''


def note_number(notes, word):
    for note in notes:
        if note.startswith(word + ':'):
            return note.split(':')[1]
    return ''


def truth_key(row):
    notes = row['notes'].split(',')
    context = row['vlan'] if row['table'] == 'dot1d' else ''
    mac = row['mac'] if row['mac'] != '?' else ''
    return (row['table'], context, row['fdbid'], mac, note_number(notes, 'seqIdx'),
            note_number(notes, 'xtraSub'))


def our_key(item):
    return (item['table'], item['context'], text(item['fdb_id']), item['mac'] or '',
            note_number(item['notes'], 'seqIdx'), note_number(item['notes'], 'xtraSub'))


def text(value):
    return '' if value is None else str(value)


def vlan_verdict(truth, ours):
    """equal, more or different."""
    if truth.startswith('?') or truth == '':
        return 'more' if ours else 'equal'
    if truth.startswith('svl('):
        return 'equal' if ours and len(ours) == int(truth[4:-1]) else 'different'
    wanted = sorted(int(v) for v in truth.split('|'))
    return 'equal' if ours == wanted else 'different'


def field_verdict(truth, ours):
    if truth == '':
        return 'more' if ours != '' else 'equal'
    return 'equal' if truth == ours else 'different'


def row_verdicts(row, item):
    return {
        'vlan': vlan_verdict(row['vlan'], item['vlan']),
        'bridgePort': field_verdict(row['bridgePort'], text(item['bridge_port'])),
        'ifIndex': field_verdict(row['ifIndex'], text(item['if_index'])),
        'ifName': field_verdict(row['ifName'], text(item['if_name'])),
        'status': field_verdict(row['status'], text(item['status'])),
    }


class Score:
    def __init__(self):
        self.count = collections.Counter()
        self.complaints = []

    def complain(self, what):
        self.count['different'] += 1
        self.complaints.append(what)


def compare_entries(score, stem, items):
    ours = collections.defaultdict(list)
    for item in items:
        if item['table'] in ('dot1d', 'dot1q'):
            ours[our_key(item)].append(item)
    for row in rows_of(stem + '.fdb.tsv'):
        score.count['rows'] += 1
        candidates = ours.get(truth_key(row))
        if not candidates:
            score.complain('%s: no row for %s' % (stem, row))
            continue
        item = candidates.pop(0)
        verdicts = row_verdicts(row, item)
        if 'different' in verdicts.values():
            score.complain('%s: %s is %s (%s)' % (stem, row, item, verdicts))
        elif 'more' in verdicts.values():
            score.count['more'] += 1
        else:
            score.count['equal'] += 1
    for key, left in ours.items():
        for item in left:
            score.complain('%s: a row too many: %s' % (stem, item))


def squeeze(value):
    """What two readers of one octet string can agree on."""
    return ''.join(c for c in value.lower() if c.isalnum())


def compare_neighbours(score, stem, items):
    ours = collections.Counter()
    for item in items:
        ours[(item['protocol'], text(item['local_number']), squeeze(text(item['chassis'])))] += 1
    for row in rows_of(stem + '.nbr.tsv'):
        score.count['neighbours'] += 1
        chassis = row['remChassisOrDeviceId']
        chassis = chassis[4:] if chassis.startswith(('hex:', 'ip4:')) else chassis
        found = [key for key in ours if ours[key] > 0 and key[0] == row['proto'] and
                 key[1] == row['localPortNumOrIfIndex'] and
                 (key[2] == squeeze(chassis) or key[2] == 'hex' + squeeze(chassis))]
        if found:
            ours[found[0]] -= 1
            score.count['neighbours equal'] += 1
        else:
            score.complain('%s: no neighbour for %s' % (stem, row))
    for key, left in ours.items():
        if left > 0:
            score.complain('%s: a neighbour too many: %s' % (stem, key))


def compare_members(score, stem, items):
    ours = {item['if_index']: item['aggregate'] for item in items}
    for row in rows_of(stem + '.lag.tsv'):
        score.count['members'] += 1
        aggregate = row['attachedAgg'] or row['selectedAgg']
        if text(ours.get(int(row['memberIfIndex']))) == aggregate:
            score.count['members equal'] += 1
        else:
            score.complain('%s: member %s is in %s' % (stem, row, ours.get(int(row['memberIfIndex']))))


def table_rows(decoder, how, path):
    made = subprocess.run([decoder, how, path], capture_output=True, check=False)
    lines = made.stdout.decode(errors='surrogateescape').splitlines()
    return collections.Counter(line for line in lines if line.startswith('row'))


def compare_live(score, decoder, stem):
    """A live read leaves columns out; no row with an interface may be lost or changed by that,
    but what only BRIDGE-MIB has of a device with VLANs: the table moved between the columns."""
    path = sources_of(stem)[0]
    if '.vlan' in path:
        return
    whole, live = table_rows(decoder, '--whole', path), table_rows(decoder, '--live', path)
    vlans = any(line.split('\t')[2] for line in live)
    lost = [line for line in whole - live
            if not line.endswith('\t') and (line.split('\t')[2] or not vlans)]
    score.count['live rows'] += sum(live.values())
    for line in lost + list(live - whole):
        score.complain('%s: live and whole reads differ: %s' % (stem, line))


def main():
    decoder, data = sys.argv[1], os.environ.get('MUSTER_DATA', sys.argv[2])
    if not os.path.isdir(data):
        print('skipped: no folder of recordings')
        return 77
    score = Score()
    stems = set()
    for end in ('.fdb.tsv', '.nbr.tsv', '.lag.tsv'):
        for path in glob.glob(data + '/snmp/**/*' + end, recursive=True) + \
                glob.glob(data + '/topology/**/*' + end, recursive=True):
            stems.add(path[:-len(end)])
    for stem in sorted(stems):
        items, why = decode(decoder, stem)
        score.count['files'] += 1
        if items is None:
            score.complain('%s: %s' % (stem, why))
            continue
        if os.path.exists(stem + '.fdb.tsv'):
            compare_entries(score, stem, items['forward_entry'])
            compare_live(score, decoder, stem)
        if os.path.exists(stem + '.nbr.tsv'):
            compare_neighbours(score, stem, items['neighbour'])
        if os.path.exists(stem + '.lag.tsv'):
            compare_members(score, stem, items['lag_member'])
    for complaint in score.complaints[:40]:
        print(complaint)
    print(' '.join('%s=%d' % (key.replace(' ', '_'), score.count[key]) for key in
                   ('files', 'rows', 'equal', 'more', 'live rows', 'neighbours', 'neighbours equal', 'members',
                    'members equal', 'different')))
    return 1 if score.count['different'] > 0 else 0


if __name__ == '__main__':
    sys.exit(main())
