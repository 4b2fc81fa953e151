# SPDX-License-Identifier: Apache-2.0
"""Capture: finding the Mobile IPv6 in a mirror port's traffic, Muster beside its peers.

One deterministic mixture of frames (bench/traffic.h) for all. From a file, Muster is its
event source `mobile_ip`, start-up included, and must find every Binding Update that was
made, behind tags, tunnels and as the drafts' option. Live, the frames cross a veth pair
in a network namespace of the benchmark's own, sender on processor 1 and reader on
processor 0; what a tap costs is the sender's rate beside its rate without one, by the
clock in those moments in which no other program has the sender's processor, and by its
CPU time.
"""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time

from measure import (CLIENT_CPU, SERVER_CPU, Missing, WrongResult, interleave, pinned, run,
                     run_json)

OWN = 'muster'
SEED = '1'
TSHARK_FRAMES = 400_000
PACE = 3  # seconds that a reader gets to end
FIRST = ' or '.join(f'ip6[6]={number}' for number in (135, 60, 43, 0, 44, 51, 41))
# Not exact: the first next header only, behind up to two tags. tcpdump's "vlan" moves on.
PREFILTER = f'(ip6 and ({FIRST})) or (vlan and ip6 and ({FIRST})) or (vlan and ip6 and ({FIRST}))'
PROTOCHAIN = 'ip6 protochain 135'
NETNS = 'mustercap'


def capture_file(bench, frames):
    """The capture with so many frames and what is in it; made once, in the work folder."""
    folder = bench.folder(f'capture-{frames}')
    path, truth = os.path.join(folder, 'traffic.pcap'), os.path.join(folder, 'truth.json')
    if not os.path.exists(truth):
        made = run_json([bench.program('make_capture'), str(frames), SEED, path])
        with open(truth, 'w') as file:
            json.dump(made, file)
    with open(truth) as file:
        return path, json.load(file)


def peer(name):
    if not shutil.which(name):
        raise Missing(f'{name} is not installed')
    return name


def muster_file(bench, path, truth):
    told = run_json([bench.program('capture_bench'), path], CLIENT_CPU)
    wanted = truth['updates'] + truth['drafts']
    if told['updates'] != wanted or told['file_packets'] != truth['frames']:
        raise WrongResult(f"{told['updates']} Binding Updates in {told['file_packets']} frames, "
                          f"true are {wanted} in {truth['frames']}")
    return {'units': truth['frames'], 'cpu': told['process_cpu'], 'wall': told['process_wall'],
            'memory': told['memory'], 'updates': told['updates']}


def reading(path, truth, command):
    """A peer that reads the file and writes nothing."""
    sample, _ = run(command, CLIENT_CPU, stdout=subprocess.DEVNULL)
    return {'units': truth['frames'], **sample}


def tshark_file(bench, frames):
    path, truth = capture_file(bench, frames)
    sample, text = run([peer('tshark'), '-n', '-r', path, '-Y', 'mip6.mhtype == 5', '-T', 'fields', '-e',
                        'frame.number'], None)
    found = len(text.split())
    own = muster_file(bench, path, truth)
    if found > own['updates']:
        raise WrongResult(f"tshark finds {found} Binding Updates, Muster {own['updates']}")
    return {'units': frames, 'found': found, 'own': own, 'truth': truth, **sample}


def per_frame(samples):
    return [one['cpu'] / one['units'] * 1e9 for one in samples]


def from_file(bench, report):
    """A capture file: the kernel's copy is most of what is left of the cost."""
    frames = 50_000 if bench.quick else 3_300_000
    path, truth = capture_file(bench, frames)
    report.open('capture', f"Capture file: {frames:,} frames, {truth['octets'] / 1e9:.2f} GB, "
                f"{truth['updates'] + truth['drafts']:,} Binding Updates", 'CPU ns per frame')
    samples = interleave(report, {
        OWN: lambda: muster_file(bench, path, truth),
        'tcpdump -w, prefilter': lambda: reading(
            path, truth, [peer('tcpdump'), '-r', path, '-w', '/dev/null', PREFILTER]),
        'cat, the bare copy': lambda: reading(path, truth, ['cat', path]),
    }, bench.repetitions)
    goals = {'tcpdump -w, prefilter': 1.5, 'cat, the bare copy': None}
    for name, runs in samples.items():
        if not runs:
            continue
        report.cost(name, per_frame(runs), 'CPU ns per frame')
        if name != OWN and samples.get(OWN):
            pairs = zip(per_frame(runs), per_frame(samples[OWN]))
            report.judge(f'/ {OWN}', [theirs / mine for theirs, mine in pairs], goals[name])
    if samples.get(OWN):
        report.judge('resident memory, MB', [one['memory'] / 1024 for one in samples[OWN]], 16, False)
    part = min(frames, TSHARK_FRAMES)
    shark = interleave(report, {f'tshark, {part:,} frames': lambda: tshark_file(bench, part)}, 1)
    for name, runs in shark.items():
        if runs and samples.get(OWN):
            report.cost(name, per_frame(runs), 'CPU ns per frame')
            report.judge(f'/ {OWN}', [per_frame(runs)[0] / mine for mine in per_frame(samples[OWN])],
                         150)
            one = runs[0]
            report.note(f"Binding Updates there: tshark {one['found']}, Muster {one['own']['updates']} "
                        f"(made {one['truth']['updates']} and {one['truth']['drafts']} of the drafts)")


# --- live ---

@contextlib.contextmanager
def veth_pair():
    """A namespace with a0 and a1, taken down again whatever happens."""
    if os.geteuid() != 0:
        raise Missing('network namespaces need root')
    name = f'{NETNS}{os.getpid()}'
    steps = [['ip', 'netns', 'add', name],
             ['ip', '-n', name, 'link', 'add', 'a0', 'type', 'veth', 'peer', 'name', 'a1'],
             ['ip', 'netns', 'exec', name, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'],
             ['ip', '-n', name, 'link', 'set', 'a0', 'up'],
             ['ip', '-n', name, 'link', 'set', 'a1', 'up']]
    try:
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True)
            if done.returncode != 0:
                raise Missing(f"{' '.join(step)}: {done.stderr.strip()}")
        yield ['ip', 'netns', 'exec', name]
    finally:
        subprocess.run(['ip', 'netns', 'del', name], capture_output=True)


def send(bench, inside, frames):
    return run_json(inside + pinned(SERVER_CPU, [bench.program('make_capture'), str(frames), SEED, 'a0', '--send']))


def read_live(bench, inside, frames):
    """Sends with Muster listening at the other end; returns what both say."""
    reader = subprocess.Popen(inside + pinned(CLIENT_CPU, [bench.program('capture_bench'), 'a1', '--live']),
                              stdout=subprocess.PIPE, text=True)
    try:
        if reader.stdout.readline().strip() != 'ready':
            raise WrongResult('capture_bench does not listen')
        sent = send(bench, inside, frames)
        time.sleep(0.5)
        reader.terminate()
        text, _ = reader.communicate(timeout=PACE)
    finally:
        if reader.poll() is None:
            reader.kill()
            reader.wait()
    told = json.loads(text.splitlines()[-1])
    found, wanted = told['updates'], sent['updates'] + sent['drafts']
    if found + told['kernel_drops'] < wanted:
        raise WrongResult(f'{found} Binding Updates heard of {wanted} that were sent')
    return {'units': frames, 'cpu': told['cpu'], 'rate': sent['undisturbed'],
            'cpu_rate': frames / sent['cpu'], 'drops': told['kernel_drops'],
            'passed': told['frames'], 'found': found, 'wanted': wanted}


def tcpdump_live(bench, inside, frames):
    reader = subprocess.Popen(inside + pinned(CLIENT_CPU, [peer('tcpdump'), '-i', 'a1', '-w', '/dev/null', '-Z', 'root',
                                                           PROTOCHAIN]), stderr=subprocess.PIPE, text=True)
    try:
        for line in reader.stderr:
            if 'listening' in line:
                break
        sent = send(bench, inside, frames)
        time.sleep(0.5)
        reader.terminate()
        _, status, usage = os.wait4(reader.pid, 0)
        reader.returncode = os.waitstatus_to_exitcode(status)
    finally:
        if reader.returncode is None and reader.poll() is None:
            reader.kill()
            reader.wait()
        reader.stderr.close()
    return {'units': frames, 'cpu': usage.ru_utime + usage.ru_stime, 'rate': sent['undisturbed'],
            'cpu_rate': frames / sent['cpu']}


def idle_tap(bench, inside, frames):
    """The kernel's own share of a tap: a socket that refuses every frame."""
    tap = subprocess.Popen(inside + [sys.executable, bench.source('peers/idle_tap.py'), 'a1'],
                           stdout=subprocess.PIPE, text=True)
    try:
        if tap.stdout.readline().strip() != 'ready':
            raise WrongResult('idle_tap.py does not listen')
        sent = send(bench, inside, frames)
    finally:
        tap.kill()
        tap.wait()
        tap.stdout.close()
    return {'units': frames, 'cpu': 0, 'rate': sent['undisturbed'], 'cpu_rate': frames / sent['cpu']}


def live(bench, report):
    """A mirror port at the full rate of a sender: what the tap costs it, what is lost."""
    frames = 100_000 if bench.quick else 1_500_000
    report.open('capture-live', f'Live mirror: {frames:,} frames over a veth pair', 'frames/s of the sender')
    with veth_pair() as inside:
        def bare():
            sent = send(bench, inside, frames)
            return {'units': frames, 'rate': sent['undisturbed'], 'cpu_rate': frames / sent['cpu']}

        samples = interleave(report, {
            'no tap': bare, OWN: lambda: read_live(bench, inside, frames),
            'a tap that takes nothing': lambda: idle_tap(bench, inside, frames),
            'tcpdump, protochain': lambda: tcpdump_live(bench, inside, frames)}, bench.repetitions)
    for name, runs in samples.items():
        if not runs:
            continue
        report.cost(name, [one['rate'] for one in runs], 'frames/s')
        if name == 'no tap' or not samples.get('no tap'):
            continue
        for key, words in (('rate', 'of the rate without tap'), ('cpu_rate', 'the same by CPU time')):
            report.judge(words, [one[key] / free[key] for one, free in zip(runs, samples['no tap'])],
                         0.93 if name == OWN else None)
    for name in (OWN, 'tcpdump, protochain'):
        if samples.get(name):
            report.judge(f'{name}: CPU s per million frames',
                         [one['cpu'] / one['units'] * 1e6 for one in samples[name]],
                         0.01 if name == OWN else None, False)
    if samples.get(OWN):
        report.judge('frames dropped', [one['drops'] for one in samples[OWN]], 0, False)
        one = samples[OWN][-1]
        report.note(f"heard {one['found']} of {one['wanted']} Binding Updates; {one['passed']:,} frames "
                    f"of {frames:,} passed the kernel's filter")


SCENARIOS = {'capture': from_file, 'capture-live': live}
