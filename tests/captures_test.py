# SPDX-License-Identifier: Apache-2.0
"""`muster decode` of captures: frames built by scapy, and real captures against their
ground truth.

usage: captures_test.py MUSTER DATA

DATA is a folder of recordings with pcap/mipv6/*.pcap, pcap/l2/*.pcap and tshark's tables beside them
(MUSTER_DATA in the environment comes first). What is not there is skipped with a
word; exit 77 when nothing could be tested.
"""
import csv
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

WORDS = ['refresh_request', 'home_test_init', 'care_of_test_init', 'home_test', 'care_of_test', 'update', 'ack',
         'error']
FLAGS = {'mip6.bu.a_flag': 'A', 'mip6.bu.h_flag': 'H', 'mip6.bu.l_flag': 'L', 'mip6.bu.k_flag': 'K',
         'mip6.bu.m_flag': 'M', 'mip6.nemo.bu.r_flag': 'R', 'mip6.bu.p_flag': 'P'}
failures = []


def expect(what, got, wanted):
    if got != wanted:
        failures.append(f'{what}: {got!r}, expected {wanted!r}')


def decode(muster, path):
    done = subprocess.run([muster, 'decode', path], capture_output=True, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.decode().splitlines()], done.stderr.decode()


def compare(name, told, wanted):
    expect(f'{name}: objects', len(told), len(wanted))
    for got, want in zip(told, wanted):
        for key, value in want.items():
            expect(f'{name}: {key}', got.get(key), value)


def test_vectors(muster):
    try:
        import capture_vectors
        from scapy.all import wrpcap, wrpcapng
    except ImportError:
        print('skipped: frames built by scapy (python3-scapy is not installed)')
        return 0
    with tempfile.TemporaryDirectory() as folder:
        made = capture_vectors.vectors()
        for name, (frame, wanted) in made.items():
            path = f'{folder}/{name}.pcap'
            wrpcap(path, frame)
            status, told, notes = decode(muster, path)
            missing = 'some are missing' if 'fragment' in name else ''  # they are alone in their capture
            expect(f'{name}: status', (status, missing in notes, bool(notes)), (0, True, bool(missing)))
            compare(name, told, wanted)
        frames = [frame for frame, _ in made.values()]
        for name, options, write in (('all', {}, wrpcap), ('big', {'endianness': '>'}, wrpcap),
                                     ('nano', {'nano': True}, wrpcap), ('next', {}, wrpcapng)):
            path = f'{folder}/{name}.pcap'
            write(path, frames, **options)
            status, told, notes = decode(muster, path)
            expect(f'{name}: status', (status, notes.count('some are missing'), notes.count('error')), (0, 2, 2))
            expect(f'{name}: frames', [t['frame'] for t in told],
                   [n for n, (_, wanted) in enumerate(made.values(), 1) for _ in wanted])
        air = [capture_vectors.in_the_air(capture_vectors.registration()),
               capture_vectors.in_the_air(capture_vectors.registration(), aggregate=True)]
        wrpcap(f'{folder}/air.pcap', air)
        status, told, notes = decode(muster, f'{folder}/air.pcap')
        expect('air: status', (status, notes), (0, ''))
        expect('air: updates', [(t['frame'], t['event']) for t in told], [(1, 'update'), (2, 'update'), (2, 'update')])
        # A capture that was cut gives what is whole, then says so; damage is a note.
        whole = open(f'{folder}/all.pcap', 'rb').read()
        open(f'{folder}/cut.pcap', 'wb').write(whole[:-3])
        status, told, notes = decode(muster, f'{folder}/cut.pcap')
        expect('cut: status', status, 2)
        expect('cut: says so', f'ends within packet {len(frames)}' in notes, True)
        expect('cut: still tells the first', told[0]['event'], 'update')
    return len(made)


def test_corpus(muster):
    """Odd packets by scapy: what tshark tells of them Muster must tell."""
    if shutil.which('tshark') is None:
        print('skipped: odd packets beside tshark (tshark is not installed)')
        return 0
    try:
        import capture_corpus
        from scapy.all import wrpcap, wrpcapng
    except ImportError:
        print('skipped: odd packets (python3-scapy is not installed)')
        return 0
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'tshark'))
    import decode_test
    import mobile
    made = capture_corpus.corpus()
    frames = [(name, frame) for name, pieces in made.items() for frame in pieces]
    with tempfile.TemporaryDirectory() as folder:
        for kind, options, write in (('pcap', {}, wrpcap), ('nano', {'nano': True, 'endianness': '>'}, wrpcap),
                                     ('pcapng', {}, wrpcapng)):
            path = f'{folder}/corpus.{kind}'
            write(path, [frame for _, frame in frames], **options)
            rows, _ = decode_test.tshark(path, mobile.FIELDS, mobile.TSHARK_OPTIONS)
            status, told, noted, notes = decode_test.muster(muster, path)
            expect(f'{kind}: status', (status, notes), (0, ''))
            expect(f'{kind}: rows', len(rows), len(frames))
            for number, row in rows.items():
                for what in mobile.differences(row, told[number], number in noted):
                    failures.append(f'{kind}: {frames[number - 1][0]}: {what}')
    return len(made)


def truth_rows(path):
    with open(path, encoding='utf-8', errors='replace') as lines:
        return list(csv.DictReader(lines, delimiter='\t', quoting=csv.QUOTE_NONE))


def check_row(name, row, told, refused):
    """One frame of tshark's table against the objects and notes of that frame."""
    frame = row['frame.number']
    what = f'{name} frame {frame}'
    bindings = [t for t in told if t['type'] == 'binding' and t['frame'] == int(frame)]
    home = row['ipv6.opt.mipv6.home_address'] or row['ipv6.routing.mipv6.home_address']
    if not row['mip6.mhtype']:
        expect(f'{what}: binding by address', [b['home_address'] for b in bindings], [home] if home else [])
        return 0
    # What announces more than was captured is told as half a message, and noted.
    expect(f'{what}: whole', [b['whole'] for b in bindings], [int(frame) not in refused] * len(bindings))
    expect(f'{what}: bindings', len(bindings), 1)
    for got in bindings:
        expect(f'{what}: event', got['event'], WORDS[int(row['mip6.mhtype'])])
        for column, key, unit in (('mip6.bu.seqnr', 'sequence', 1), ('mip6.ba.seqnr', 'sequence', 1),
                                  ('mip6.bu.lifetime', 'lifetime_seconds', 4),
                                  ('mip6.ba.lifetime', 'lifetime_seconds', 4), ('mip6.ba.status', 'status', 1),
                                  ('mip6.be.status', 'status', 1)):
            if row[column]:
                expect(f'{what}: {key}', got[key], int(row[column]) * unit)
        for column, key in (('mip6.acoa.acoa', 'care_of'), ('mip6.be.haddr', 'home_address')):
            if row[column]:
                expect(f'{what}: {key}', got[key], row[column])
        if home:
            expect(f'{what}: home_address', got['home_address'], home)
        if got['event'] == 'update':
            seen = [flag for flag in got['flags'] if flag in FLAGS.values()]  # the tables have seven
            expect(f'{what}: flags', seen, [f for column, f in FLAGS.items() if row[column] == '1'])
    return 1


def test_recordings(muster, data):
    paths = sorted(glob.glob(f'{data}/pcap/mipv6/*.pcap'))
    if not paths:
        print(f'skipped: real captures (no folder {data})')
        return 0
    messages = refused = 0
    for path in paths:
        name = os.path.basename(path)
        status, told, notes = decode(muster, path)
        expect(f'{name}: status', status, 0)
        bad = {int(line.split('error in frame ')[1].split(':')[0]) for line in notes.splitlines() if 'Mobile' in line}
        for row in truth_rows(path[:-5] + '.tsv'):
            messages += check_row(name, row, told, bad)
        refused += len(bad)
        # Only files that were damaged on purpose may have refused messages.
        expect(f'{name}: refuses', bool(bad), bool(bad) and ('asan' in name or 'oobr' in name))
    print(f'{len(paths)} real captures, {messages} messages of which {refused} were cut and refused')
    return len(paths)


def test_neighbours(muster, data):
    """LLDP, CDP and LACP frames against tshark's table."""
    paths = sorted(glob.glob(f'{data}/pcap/l2/*.pcap'))
    told_of = 0
    for path in paths:
        name = os.path.basename(path)
        status, told, _ = decode(muster, path)
        expect(f'{name}: status', status, 0)
        by_frame = {t['frame']: t for t in told if t['type'] in ('neighbour', 'lacp')}
        for row in truth_rows(path[:-5] + '.tsv'):
            if 'cdp.deviceid' not in row:
                continue
            got = by_frame.get(int(row['frame.number']), {})
            port = row['lldp.port.id.mac'] if row['lldp.port.subtype'] == '3' else row['lldp.port.id']
            pairs = [('lldp.chassis.id.mac', got.get('chassis'), row['lldp.chassis.id.mac']),
                     ('lldp.port', got.get('port'), port), ('port.desc', got.get('port_description'), row['lldp.port.desc']),
                     ('system', got.get('system'), row['lldp.tlv.system.name'] or row['cdp.deviceid']),
                     ('cdp.portid', got.get('port'), row['cdp.portid']),
                     ('cdp.platform', got.get('description'), row['cdp.platform']),
                     ('native', got.get('native_vlan'), row['cdp.native_vlan']),
                     ('address', got.get('address'), row['lldp.mgn.addr.ip4'].split('|')[0])]
            if row['lacp.actor.sysid']:
                pairs += [(side + key, got.get(side, {}).get(ours), row[f'lacp.{side}.{key}'])
                          for side in ('actor', 'partner') for key, ours in (('sysid', 'system'), ('key', 'key'),
                                                                            ('port', 'port'), ('state', 'state'))]
            for what, ours, truth in pairs:
                if truth:
                    truth = str(int(truth, 0)) if what.endswith('state') else truth
                    expect(f"{name} frame {row['frame.number']}: {what}", str(ours), truth)
            told_of += bool(got)
    print(f'{len(paths)} real captures of neighbours, {told_of} frames told')
    return len(paths)


def main():
    muster, data = sys.argv[1], os.environ.get('MUSTER_DATA', sys.argv[2])
    built = test_vectors(muster)
    print(f'{built} frames built by scapy')
    built += test_corpus(muster)
    print(f'{built} with odd ones beside tshark')
    real = test_recordings(muster, data) + test_neighbours(muster, data)
    for failure in failures[:40]:
        print(failure)
    print(f'{len(failures)} failures')
    return 1 if failures else 0 if built + real else 77


sys.exit(main())
