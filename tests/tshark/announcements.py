# SPDX-License-Identifier: Apache-2.0
"""Random ARP, RARP and Neighbor Discovery: announcements and what only looks like them, and what
tshark says of them against what `muster decode` says.
"""
import struct

import wire

EVERYONE = b'\xff' * 6
NODES = wire.address('ff02::1')
FIELDS = ['eth.src', 'vlan.id', 'arp.opcode', 'arp.isgratuitous', 'arp.isprobe', 'arp.src.hw_mac', 'arp.src.proto_ipv4', 'arp.dst.proto_ipv4',
          'arp.dst.hw_mac', 'icmpv6.type', 'icmpv6.nd.na.flag.s', 'icmpv6.nd.na.target_address',
          'icmpv6.opt.linkaddr', 'ipv6.hlim']


def mac(rng):
    return rng.choice([wire.GUEST, wire.GUEST, wire.GATEWAY, bytes([0x52, 0x54, 0]) + rng.randbytes(3)])


def arp(rng):
    """(EtherType, packet, source): every operation, addresses that are equal, known, zero."""
    reverse = rng.random() < 0.3
    operation = rng.choice([3, 3, 3, 4] if reverse else [1, 1, 2, 2, 2, 8])
    own = rng.choice([bytes([192, 0, 2, rng.randrange(1, 255)])] * 3 + [bytes(4)])
    other = rng.choice([own, own, bytes([192, 0, 2, 77]), bytes(4)])
    sender = mac(rng)
    target = rng.choice([sender, bytes(6), EVERYONE, mac(rng)])
    made = struct.pack('!HHBBH', rng.choice([1, 1, 1, 6]), 0x0800, 6, 4, operation) + sender + own + target + other
    return 0x8035 if reverse else 0x0806, made, rng.choice([sender, sender, sender, wire.GATEWAY])


def advertisement(rng):
    """Neighbor Advertisements, solicited and not, with and without options, and what is asked."""
    source, target = wire.address('fe80::1'), wire.address('2001:db8:1::%x' % rng.randrange(1, 9999))
    kind = rng.choice([136] * 6 + [135, 133, 134])
    if kind == 136:
        body = bytes([rng.choice([0, 0x20, 0x40, 0x60, 0x80, 0xa0]), 0, 0, 0]) + target
        options = [bytes([2, 1]) + mac(rng), b'\x0e\x01' + rng.randbytes(6)]
    elif kind == 135:  # also Duplicate Address Detection
        body, options = bytes(4) + target, [bytes([1, 1]) + mac(rng), b'\x0e\x01' + rng.randbytes(6)]
        source = rng.choice([source, bytes(16)])
    else:
        body = bytes(4) if kind == 133 else bytes([64, 0, 7, 8]) + bytes(8)
        options = [bytes([1, 1]) + mac(rng)]
    body += b''.join(option for option in options if rng.random() < 0.6)
    hops = rng.choice([255] * 6 + [64])
    destination = rng.choice([NODES, wire.address('2001:db8:1::9')])
    made = bytes([kind, 0, 0, 0]) + body
    pseudo = source + destination + struct.pack('!II', len(made), 58)
    made = made[:2] + struct.pack('!H', wire.checksum(pseudo + made)) + made[4:]
    return 0x86dd, wire.ipv6(source, destination, 58, made, hops), mac(rng)


def frame(rng):
    kind, packet, source = arp(rng) if rng.random() < 0.5 else advertisement(rng)
    for _ in range(rng.choice([0, 0, 1, 2])):
        packet = struct.pack('!HH', rng.randrange(1, 4095), kind) + packet
        kind = 0x8100
    made = wire.ethernet(kind, packet, source, EVERYONE)
    return made + bytes(max(0, 60 - len(made)))  # as a wire pads it


def expected(row):
    """What Muster must say of the frame, or None."""
    vlans = row['vlan.id'].split('|')
    vlan = int(vlans[-1]) if vlans[-1] else None
    told = {'vlan': vlan, 'sender': row['eth.src']}
    if row['arp.opcode'] == '3':
        return {**told, 'event': 'rarp', 'mac': row['arp.dst.hw_mac'], 'address': None}
    if row['arp.opcode'] in ('1', '2') and row['arp.src.proto_ipv4'] == row['arp.dst.proto_ipv4'] != '0.0.0.0':
        return {**told, 'event': 'gratuitous_arp', 'mac': row['arp.src.hw_mac'], 'address': row['arp.src.proto_ipv4']}
    if row['icmpv6.type'] == '136' and row['icmpv6.nd.na.flag.s'] in ('0', 'False') and row['ipv6.hlim'] == '255':
        return {**told, 'event': 'unsolicited_nd', 'mac': row['icmpv6.opt.linkaddr'] or row['eth.src'],
                'address': row['icmpv6.nd.na.target_address']}
    return None


def is_station(text):
    return text not in ('', '00:00:00:00:00:00') and int(text[:2], 16) % 2 == 0


def differences(row, objects, noted):
    wanted = expected(row)
    if wanted is not None and not is_station(wanted['mac']):
        wanted = None
    got = [told for told in objects if told['type'] == 'announcement']
    if noted:
        return ['is noted']
    if len(got) != (wanted is not None):
        return [f'{len(got)} announcements, expected {wanted}']
    return [f'{key}: {got[0][key]!r}, tshark has {value!r}' for key, value in (wanted or {}).items()
            if got[0][key] != value]
