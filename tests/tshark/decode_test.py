# SPDX-License-Identifier: Apache-2.0
"""`muster decode` beside tshark: random captures, right and damaged, must say the same.

usage: decode_test.py MUSTER [--seed N] [--frames N] [--seconds N] [--keep FOLDER] [--family NAME]...

Makes captures of each family (announcements, mobile, radius, traps, files) from the seed (0 or none: a new
one, which is printed), has both programs read them and compares them frame by frame:
what tshark finds Muster must find, with equal fields; where tshark says malformed, Muster must
not be silent. With --seconds it goes on with new seeds for so long (MUSTER_SOAK_SECONDS in the
environment shortens it, MUSTER_SOAK_SEED gives the first one). The captures of a seed
that failed are left in the folder of --keep. Exit 77 (skipped) without tshark.
"""
import argparse
import collections
import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import announcements
import mobile
import radius
import traps
import wire


def tshark(path, fields, options):
    """One dictionary a frame: field -> its values, parted by |."""
    fields = ['frame.number', '_ws.malformed', '_ws.expert.message'] + fields
    command = ['tshark', '-n', '-r', path, '-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=a', '-E',
               'aggregator=|', *options]
    for field in fields:
        command += ['-e', field]
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, 'TZ': 'UTC'})
    return {int(row[0]): dict(zip(fields, row)) for row in
            (line.split('\t') for line in done.stdout.decode(errors='replace').split('\n') if line)}, \
        done.stderr.decode(errors='replace')


def muster(program, path, *options):
    """(status, objects by frame, frames of which a note speaks, all notes)."""
    done = subprocess.run([program, 'decode', *options, path], capture_output=True, check=False)
    objects = collections.defaultdict(list)
    for line in done.stdout.decode().splitlines():
        told = json.loads(line)
        objects[told['frame']].append(told)
    notes = done.stderr.decode()
    noted = {int(line.split('error in frame ')[1].split(':')[0]) for line in notes.splitlines()
             if 'error in frame ' in line}
    return done.returncode, objects, noted, notes


class Run:
    def __init__(self, program, folder, seed):
        self.program, self.folder, self.seed = program, folder, seed
        self.failures, self.compared = [], 0

    def fail(self, path, what):
        self.failures.append(f'seed {self.seed}: {os.path.basename(path)}: {what}')

    def write(self, name, octets):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as out:
            out.write(octets)
        return path

    def compare(self, path, family, truths=None):
        """`truths`: what the generator knows of each frame, where it knows more than tshark."""
        rows, said = tshark(path, family.FIELDS, getattr(family, 'TSHARK_OPTIONS', []))
        status, objects, noted, notes = muster(self.program, path, *getattr(family, 'MUSTER_OPTIONS', []))
        if not rows:
            self.fail(path, f'tshark tells nothing: {said.strip()[:200]}')
        if status != 0:
            self.fail(path, f'status {status}: {notes.strip()[:200]} (tshark: {said.strip()[:100]})')
        for number, row in rows.items():
            self.compared += 1
            known = () if truths is None else (truths[number - 1],)
            for what in family.differences(row, objects[number], number in noted, *known):
                self.fail(path, f'frame {number}: {what}')
        return rows, objects


def run_mobile(run, rng, frames):
    """Twenty notes are a file's most, so that damaged packets are in files of twenty."""
    whole, bad = [], []
    for story, is_bad in mobile.packets(rng, frames):
        if not is_bad and len(story) == 1 and rng.random() < 0.15:  # the tunnel is in fragments
            packet = rng.choice(wire.TUNNELS)(story[0], rng)
            cut = wire.fragments4 if packet[0] >> 4 == 4 else wire.fragments6
            story = cut(packet, rng.choice([24, 48, 96]), rng)
        elif not is_bad and len(story) > 1 and rng.random() < 0.2:  # fragments of fragments
            story = [piece for part in story for piece in wire.fragments6(wire.ipv6(
                mobile.PEER, mobile.AGENT, 41, part), 32, rng)]
        elif not is_bad:
            story = [wire.wrapped(packet, rng) for packet in story]
        (bad if is_bad else whole).extend(story)
    for name, packets in [('mobile', whole)] + [(f'damaged{n}', bad[n:n + 20]) for n in range(0, len(bad), 20)]:
        linked = [(link, wire.linked(link, packet, rng)) for packet in packets
                  for link in [rng.choice(wire.links_of(packet))]]
        if name != 'mobile':
            linked = [(1, wire.in_frame(packet, rng)) for packet in packets]
        run.compare(run.write(name + '.pcapng', wire.pcapng(linked, rng)), mobile)


def on_links(packets, any_link, rng):
    """A pcapng file of the packets, each of one of the links if that is wanted."""
    links = [rng.choice(wire.links_of(packet)) if any_link else 1 for packet in packets]
    return wire.pcapng([(link, wire.linked(link, packet, rng)) for link, packet in zip(links, packets)], rng)


def run_radius(run, rng, frames):
    whole, truths, bad = [], [], []
    for _ in range(frames):
        packet, truth = radius.request(rng) if rng.random() < 0.7 else radius.other(rng)
        if rng.random() < 0.2:
            bad.append(radius.datagram(radius.damaged(packet, rng), rng))
            continue
        packet = radius.datagram(packet, rng)
        cut = [packet]
        if len(packet) > 1500 or rng.random() < 0.1:
            cut = (wire.fragments4 if packet[0] >> 4 == 4 else wire.fragments6)(packet, rng.choice([104, 1448]), rng)
        again = [None] * (len(cut) - 1) + [truth]
        if len(cut) == 1 and rng.random() < 0.05:  # sent again
            cut, again = cut * 2, again * 2
        whole += cut
        truths += again
    for name, packets, known in [('radius', whole, truths)] + [
            (f'broken{n}', bad[n:n + 20], [None] * 20) for n in range(0, len(bad), 20)]:
        run.compare(run.write(name + '.pcapng', on_links(packets, name == 'radius', rng)), radius, known)


def run_traps(run, rng, frames):
    whole, truths, bad = [], [], []
    for _ in range(frames):
        octets, truth = traps.message(rng)
        if rng.random() < 0.3:
            bad.append(traps.datagram(traps.damaged(octets, rng), rng))
            continue
        packet = traps.datagram(octets, rng)
        cut = [packet]
        if len(packet) > 1500 or rng.random() < 0.1:
            cut = (wire.fragments4 if packet[0] >> 4 == 4 else wire.fragments6)(packet, rng.choice([104, 1448]), rng)
        whole += cut
        truths += [None] * (len(cut) - 1) + [truth]
    for name, packets, known in [('traps', whole, truths)] + [
            (f'rotten{n}', bad[n:n + 20], [None] * 20) for n in range(0, len(bad), 20)]:
        run.compare(run.write(name + '.pcapng', on_links(packets, name == 'traps', rng)), traps, known)


def run_files(run, rng, frames):
    """Formats, cuts, and what is no capture at all."""
    kinds = [(magic, order) for magic in (0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34) for order in '<>']
    for magic, order in rng.sample(kinds, 3):
        link = rng.choice([1, 113, 276, 108, 101, 9, 127, 239, 192])
        packets = [wire.linked(link, mobile.packet_of(rng, False), rng) for _ in range(20)]
        snap = rng.choice([65535, rng.randrange(50, 200)])
        octets = wire.pcap(packets, link, magic, order, snap)
        run.compare(run.write(f'file{magic:x}{ord(order)}.pcap', octets), mobile)
        cut = run.write('cut.pcap', octets[:-rng.randrange(1, 40)])
        status, objects, _, notes = muster(run.program, cut)
        whole = sum(len(told) for told in muster(run.program, run.write('whole.pcap', octets))[1].values())
        if status != 2 or 'ends within' not in notes or (snap == 65535 and sum(map(len, objects.values())) < whole - 1):
            run.fail(cut, f'status {status}: {notes.strip()[:200]}')
    for name, octets, status, says in (
            ('empty', b'', 2, 'is empty'), ('few', b'\xd4\xc3', 2, 'not a recording'), ('head.pcap', wire.pcap([])[:20], 2, 'ends within'),
            ('none.pcap', wire.pcap([]), 0, ''), ('radio.pcap', wire.pcap([bytes(40)], 147), 2, 'link type 147'),
            ('sealed.pcap', wire.pcap([bytes([8, 0x41]) + bytes(22) + rng.randbytes(60)], 105), 0, '1 of 1 frames are protected'),
            ('packed.gz', gzip.compress(wire.pcap([])), 2, 'gunzip'), ('folder', None, 2, 'folder'), ('no such', '', 2, 'No such file'),
            ('huge.pcap', wire.pcap([bytes(9)])[:32] + b'\xff' * 8, 2, 'more than the limit'),
            ('text', b'hello\n', 2, 'nor is it a capture')):
        path = os.path.join(run.folder, name)
        if octets is None:
            os.mkdir(path)
        elif octets != '':
            run.write(name, octets)
        got, _, _, notes = muster(run.program, path)
        if got != status or says not in notes:
            run.fail(path, f'status {got}, {notes.strip()[:200]!r}, expected {status} and {says!r}')
    octets = wire.pcap([wire.in_frame(mobile.packet_of(rng), rng) for _ in range(20)])
    by_name = muster(run.program, run.write('named.pcap', octets))[1]
    piped = subprocess.run([run.program, 'decode', '-'], input=octets, capture_output=True, check=False)
    if piped.returncode != 0 or piped.stdout.count(b'\n') != sum(map(len, by_name.values())):
        run.fail('-', f'piped: {piped.returncode} {piped.stderr[:200]}')


def run_announcements(run, rng, frames):
    made = [announcements.frame(rng) for _ in range(frames)]
    run.compare(run.write('announcements.pcap', wire.pcap(made)), announcements)


FAMILIES = {'announcements': run_announcements, 'files': run_files, 'mobile': run_mobile, 'radius': run_radius, 'traps': run_traps}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('muster')
    parser.add_argument('--family', action='append')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--frames', type=int, default=300)
    parser.add_argument('--seconds', type=float, default=0)
    parser.add_argument('--keep')
    options = parser.parse_args()
    if shutil.which('tshark') is None:
        print('skipped: tshark is not installed')
        return 77
    seed = options.seed or int(os.environ.get('MUSTER_SOAK_SEED', 0)) or random.SystemRandom().randrange(1, 1 << 31)
    limit = float(os.environ.get('MUSTER_SOAK_SECONDS', options.seconds))
    options.seconds = min(options.seconds, limit)
    began, compared, seeds, failed = time.monotonic(), 0, 0, []
    while seeds == 0 or time.monotonic() - began < options.seconds:
        with tempfile.TemporaryDirectory() as folder:
            run = Run(options.muster, folder, seed)
            for name in options.family or FAMILIES:
                FAMILIES[name](run, random.Random(f'{seed} {name}'), options.frames)
            if run.failures and options.keep:
                shutil.copytree(folder, os.path.join(options.keep, str(seed)), dirs_exist_ok=True)
        compared, seeds, failed = compared + run.compared, seeds + 1, failed + run.failures
        seed += 1
    print('\n'.join(failed[:40]))
    print(f'{compared} frames of {seeds} seeds compared (the last seed {seed - 1}), {len(failed)} differences')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
