#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: pass_persist .1.3.6.1.2.1.17 python3 -u bridge_pass.py BRIDGE

Makes snmpd a managed switch: answers its pass_persist questions with the
BRIDGE-MIB (RFC 4188) and the forward table of Q-BRIDGE-MIB (RFC 4363) of a real
Linux bridge, read through iproute2. It shares no line with Muster's own reading
of either, so both can be held against each other. One VLAN, FDB id 1.
"""
import bisect
import json
import subprocess
import sys
import time

BRIDGE = (1, 3, 6, 1, 2, 1, 17)
FRESH_SECONDS = 0.3
INVALID, LEARNED, SELF, MGMT = 2, 3, 4, 5


def ask(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return json.loads(done.stdout or '[]') if done.returncode == 0 else []


def octets(mac):
    return tuple(int(octet, 16) for octet in mac.split(':'))


def text_octets(mac):
    return ' '.join(mac.upper().split(':'))


def read_ports(bridge):
    """{name: (number, ifIndex, address)} of the bridge's ports."""
    ports = {}
    for link in ask('ip', '-d', '-j', 'link', 'show', 'master', bridge):
        data = link.get('linkinfo', {}).get('info_slave_data', {})
        number = data.get('no', '0')
        ports[link['ifname']] = (int(number, 0) if isinstance(number, str) else number,
                                 link['ifindex'], link['address'])
    return ports


def read_entries(bridge, ports):
    """Yields (mac, port number, status) as RFC 4188 means them."""
    for entry in ask('bridge', '-j', 'fdb', 'show', 'br', bridge):
        port = ports.get(entry.get('ifname'))
        if port is None or entry.get('master') != bridge or octets(entry['mac'])[0] & 1:
            continue
        status = {'permanent': SELF, 'static': MGMT, 'stale': INVALID}.get(entry.get('state'),
                                                                          LEARNED)
        yield entry['mac'], port[0], status


def read_bridge(bridge):
    """The MIB as {oid: (type, value)}."""
    mib = {}

    def put(oid, kind, value):
        mib[BRIDGE + oid] = (kind, value)

    ports = read_ports(bridge)
    device = (ask('ip', '-d', '-j', 'link', 'show', 'dev', bridge) or [{}])[0]
    data = device.get('linkinfo', {}).get('info_data', {})
    put((1, 1, 0), 'octet', text_octets(device.get('address', '00:00:00:00:00:00')))
    put((1, 2, 0), 'integer', len(ports))
    put((1, 3, 0), 'integer', 2)
    put((4, 1, 0), 'counter', 0)
    put((4, 2, 0), 'integer', data.get('ageing_time', 30000) // 100)
    for number, index, _ in ports.values():
        put((1, 4, 1, 1, number), 'integer', number)
        put((1, 4, 1, 2, number), 'integer', index)
    for mac, number, status in read_entries(bridge, ports):
        put((4, 3, 1, 1) + octets(mac), 'octet', text_octets(mac))
        put((4, 3, 1, 2) + octets(mac), 'integer', number)
        put((4, 3, 1, 3) + octets(mac), 'integer', status)
        put((7, 1, 2, 2, 1, 2, 1) + octets(mac), 'integer', number)
        put((7, 1, 2, 2, 1, 3, 1) + octets(mac), 'integer', status)
    put((7, 1, 4, 2, 1, 3, 0, 1), 'unsigned', 1)
    return mib


class Agent:
    def __init__(self, bridge):
        self.bridge = bridge
        self.read_at = -FRESH_SECONDS
        self.mib, self.order = {}, []

    def refresh(self):
        if time.monotonic() - self.read_at >= FRESH_SECONDS:
            self.mib = read_bridge(self.bridge)
            self.order = sorted(self.mib)
            self.read_at = time.monotonic()

    def answer(self, oid, following):
        self.refresh()
        if following:
            at = bisect.bisect_right(self.order, oid)
            if at == len(self.order):
                return ['NONE']
            oid = self.order[at]
        if oid not in self.mib:
            return ['NONE']
        kind, value = self.mib[oid]
        return ['.' + '.'.join(map(str, oid)), kind, str(value)]


def main():
    agent = Agent(sys.argv[1])
    while True:
        word = sys.stdin.readline()
        if not word:
            return
        word = word.strip()
        if word == 'PING':
            print('PONG', flush=True)
        elif word in ('get', 'getnext'):
            oid = tuple(int(part) for part in sys.stdin.readline().strip().strip('.').split('.'))
            print('\n'.join(agent.answer(oid, word == 'getnext')), flush=True)
        elif word == 'set':
            sys.stdin.readline(), sys.stdin.readline()
            print('not-writable', flush=True)


main()
