# SPDX-License-Identifier: Apache-2.0
"""Random SNMP notifications, right and damaged, in BER as it should be and as it comes, and
what tshark and the generator know of them against what `muster decode` says.
"""
import struct

import wire

FIELDS = ['snmp.version', 'snmp.msgVersion', 'snmp.data', 'snmp.name', 'ip.src', 'ipv6.src', 'snmp.agent_addr']
VERSIONS = {0: '1', 1: '2c', 3: '3'}
WORDS = {1: 'mac_learned', 2: 'mac_removed'}


# --- BER ---

def length_of(size, rng):
    """A length, now and then with more octets than it needs."""
    octets = size.to_bytes((size.bit_length() + 7) // 8 or 1, 'big')
    if size < 128 and rng.random() < 0.9:
        return octets
    octets = bytes(rng.choice([0, 0, 0, 1, 2]) if len(octets) < 3 else 0) + octets
    return bytes([0x80 | len(octets)]) + octets


def tlv(tag, content, rng):
    return bytes([tag]) + length_of(len(content), rng) + content


def integer(value, rng, tag=2):
    size = value.bit_length() // 8 + 1
    return tlv(tag, value.to_bytes(size, 'big', signed=True), rng)


def oid(text, rng):
    numbers = [int(part) for part in text.split('.')]
    made = b''
    for number in [numbers[0] * 40 + numbers[1]] + numbers[2:]:
        part = bytes([number & 127])
        while number > 127:
            number >>= 7
            part = bytes([128 | number & 127]) + part
        made += part
    return tlv(6, made, rng)


def varbind(name, value, rng):
    return tlv(0x30, oid(name, rng) + value, rng)


# --- what the notifications say ---

def change(rng):
    return (rng.choice([1, 2]), rng.randrange(1, 4095), bytes([0x52, 0x54, 0]) + rng.randbytes(3), rng.randrange(1, 4000))


def told(event, mac, vlan, port, numbering):
    return {'event': event, 'mac': mac.hex(':'), 'vlan': vlan, 'bridge_port': port if numbering == 'bridge_port' else None,
            'if_index': port if numbering == 'if_index' else None}


def packed(rng):
    """Notifications with many changes in one octet string."""
    name, column, make, numbering = rng.choice([
        ('1.3.6.1.4.1.9.9.215.2.0.1', '1.3.6.1.4.1.9.9.215.1.1.8.1.2.',
         lambda o, v, m, p: struct.pack('!BH6sH', o, v, m, p), 'bridge_port'),
        ('1.3.6.1.4.1.2636.3.40.1.7.2.0.1', '1.3.6.1.4.1.2636.3.40.1.7.1.1.1.8.1.2.',
         lambda o, v, m, p: struct.pack('!BH6sI', o, v, m, p), 'bridge_port'),
        ('1.3.6.1.4.1.2636.3.48.1.0.5', '1.3.6.1.4.1.2636.3.48.1.2.1.8.1.2.',
         lambda o, v, m, p: struct.pack('!BH6sHH', o, 7, m, p, v), 'bridge_port'),
        ('1.3.6.1.4.1.25506.2.87.1.3.0.1', '1.3.6.1.4.1.25506.2.87.1.3.2.3',
         lambda o, v, m, p: struct.pack('!BH6sBH', o, v, m, 1, p), 'if_index'),
        ('1.3.6.1.4.1.25506.2.87.1.4.0.1', '1.3.6.1.4.1.25506.2.87.1.4.2.4',
         lambda o, v, m, p: struct.pack('!BH6sBI', o, v, m, 1, p), 'if_index')])
    bindings, truth = [], []
    for row in range(rng.choice([1, 1, 1, 2, 5]) if column.endswith('.') else 1):
        changes = [change(rng) for _ in range(rng.choice([1, 1, 3, 20]))]
        blob = b''.join(make(*one) for one in changes) + rng.choice([b'', b'', b'\0', bytes(11)])
        value = tlv(4, blob, rng)
        bindings.append((column + (str(row + 1) if column.endswith('.') else ''), value))
        if column.endswith('.') and rng.random() < 0.5:
            bindings.append((column[:-2] + '3.' + str(row + 1), tlv(0x43, b'\x01\x02', rng)))
        truth += [told(WORDS[o], m, v, p, numbering) for o, v, m, p in changes]
    return name, bindings, truth


def separate(rng):
    """ProCurve and Aruba CX: a change in varbinds of its own, in any order."""
    root, places, enterprise = rng.choice([
        ('1.3.6.1.4.1.11.2.14.11.5.1.66', '.1.{}.0', 6), ('1.3.6.1.4.1.47196.4.1.1.3.19', '.3.1.1.{}.0', 1)])
    learnt, vlan, mac, port = change(rng)
    items = [(learnt == 1, 0), None, (port, 2), (port, 3), (vlan, 4)]
    bindings = []
    for n, item in enumerate(items):
        place = root + places.format(enterprise + n)
        if n == 1:
            bindings.append((place, tlv(4, mac, rng)))
        elif n == 0:
            bindings.append((place, integer(1 if learnt == 1 else 3 if enterprise == 1 else 2, rng)))
        elif n == 2:
            bindings.append((place, integer(0, rng)))
        else:
            bindings.append((place, integer(item[0], rng)))
    if learnt != 1 and enterprise == 6:  # number 2 moves there
        return root + '.0.1', bindings, None
    rng.shuffle(bindings)
    return root + '.0.1', bindings, [told(WORDS[learnt], mac, vlan, port, 'bridge_port')]


def link(rng):
    up, index = rng.random() < 0.5, rng.randrange(1, 1 << 31)
    bindings = [(f'1.3.6.1.2.1.2.2.1.{column}.{index}', integer(value, rng))
                for column, value in ((1, index), (7, 1), (8, 1 if up else 2)) if column == 1 or rng.random() < 0.7]
    rng.shuffle(bindings)
    return '1.3.6.1.6.3.1.1.5.' + ('4' if up else '3'), bindings, [
        {'event': 'link_up' if up else 'link_down', 'if_index': index, 'mac': None}]


def other(rng):
    name = '1.3.6.1.4.1.' + '.'.join(str(rng.choice([1, 127, 128, 16383, 16384, (1 << 32) - 1])) for _ in range(
        rng.randint(1, 12)))
    values = [lambda: integer(rng.randrange(-1 << 31, 1 << 31), rng), lambda: tlv(4, rng.randbytes(rng.randrange(300)), rng),
              lambda: tlv(5, b'', rng), lambda: oid('1.3.6.1', rng), lambda: tlv(0x40, rng.randbytes(4), rng),
              lambda: tlv(0x41, b'\0\xff\xff\xff\xff', rng), lambda: tlv(0x46, b'\x01' + bytes(7), rng),
              lambda: tlv(0x44, b'\x9f\x78\x04\x00\x00\x00\x00', rng), lambda: tlv(4, b'', rng)]
    bindings = [(name + f'.{n}', rng.choice(values)()) for n in range(rng.choice([0, 1, 5, 100]))]
    return name + '.0.' + str(rng.randrange(1, 1 << 31)), bindings, [{'event': 'other', 'mac': None}]


# --- messages ---

def list_of(bindings, rng):
    return tlv(0x30, b''.join(varbind(name, value, rng) for name, value in bindings), rng)


def pdu_v1(name, bindings, rng):
    enterprise, _, specific = name.rpartition('.')
    generic = 6
    if enterprise == '1.3.6.1.6.3.1.1.5':
        generic, specific, enterprise = int(specific) - 1, 0, '1.3.6.1.4.1.9.1.1'
    elif enterprise.endswith('.0'):
        enterprise = enterprise[:-2]
    return tlv(0xa4, oid(enterprise, rng) + tlv(0x40, bytes([192, 0, 2, 77]), rng) + integer(generic, rng) +
               integer(int(specific), rng) + tlv(0x43, b'\x12\x34', rng) + list_of(bindings, rng), rng)


def pdu_v2(name, bindings, rng, tag):
    bindings = [('1.3.6.1.2.1.1.3.0', tlv(0x43, b'\x12\x34', rng)), ('1.3.6.1.6.3.1.1.4.1.0', oid(name, rng))] + bindings
    if rng.random() < 0.1:  # not where they should stand
        rng.shuffle(bindings)
    return tlv(tag, integer(rng.getrandbits(31), rng) + integer(0, rng) + integer(0, rng) + list_of(bindings, rng), rng)


def message(rng):
    """(octets, truth)."""
    name, bindings, events = rng.choice([packed, packed, separate, link, other])(rng)
    version = rng.choice([0, 1, 1, 1, 3])
    truth = {'version': VERSIONS[version], 'oid': name, 'events': events, 'inform': False, 'sealed': False}
    if version == 0:
        body = pdu_v1(name, bindings, rng)
        return tlv(0x30, integer(0, rng) + tlv(4, b'public', rng) + body, rng), truth
    truth['inform'] = rng.random() < 0.3
    body = pdu_v2(name, bindings, rng, 0xa6 if truth['inform'] else 0xa7)
    if version == 1:
        return tlv(0x30, integer(1, rng) + tlv(4, rng.choice([b'public', b'', b'x' * 60]), rng) + body, rng), truth
    level = rng.choice([0, 1, 3])
    truth['sealed'] = level == 3
    scoped = tlv(0x30, tlv(4, b'\x80\0\0\t\x01engine', rng) + tlv(4, b'', rng) + body, rng)
    usm = tlv(0x30, tlv(4, b'\x80\0\0\t\x01engine', rng) + integer(3, rng) + integer(1234, rng) + tlv(4, b'user', rng) +
              tlv(4, rng.randbytes(rng.choice([12, 16, 24, 48])) if level else b'', rng) +
              tlv(4, rng.randbytes(8) if level == 3 else b'', rng), rng)
    head = tlv(0x30, integer(rng.getrandbits(31), rng) + integer(65507, rng) +
               tlv(4, bytes([level | (4 if truth['inform'] else 0)]), rng) + integer(3, rng), rng)
    if level == 3:
        scoped = tlv(4, rng.randbytes(len(scoped) + 7 & ~7), rng)
        truth['inform'] = False  # nobody can know
    return tlv(0x30, integer(3, rng) + head + tlv(4, usm, rng) + scoped, rng), truth


def damaged(octets, rng):
    made = bytearray(octets)
    if rng.random() < 0.4:
        del made[rng.randrange(1, len(made)):]
    elif rng.random() < 0.2:  # of indefinite length, which SNMP forbids
        made = bytearray(b'\x30\x80') + made[2:] + b'\0\0'
    else:
        for _ in range(rng.choice([1, 1, 3])):
            made[rng.randrange(len(made))] = rng.choice([0, 0x80, 0xff, rng.randrange(256)])
    return bytes(made)


def datagram(octets, rng):
    body = wire.udp(162, octets, 161)
    if rng.random() < 0.5:
        return wire.ipv4(17, body, '192.0.2.66', '192.0.2.2')
    return wire.ipv6(wire.address('2001:db8::66'), wire.address('2001:db8::2'), 17, body)


# --- the comparison ---

def differences(row, objects, noted, truth=None):
    traps = [one for one in objects if one['type'] == 'trap']
    if truth is None:
        # A damaged one: tshark's word that it is whole counts only for what is well-formed to the end.
        if row['_ws.malformed'] == '' and row['_ws.expert.message'] == '' and row['snmp.data'] in ('4', '6', '7') and \
                not traps and not noted:
            return ['neither told nor noted']
        if row['_ws.malformed'] != '' and not traps and not noted and row['snmp.data'] != '':
            return ['malformed, and not noted']
        return []
    found = []

    def check(what, ours, theirs):
        if ours != theirs:
            found.append(f'{what}: {ours!r}, expected {theirs!r}')
    if not traps:
        return [f'nothing is told of {truth["oid"]} (noted: {noted})']
    check('version', traps[0]['version'], truth['version'])
    check('inform', traps[0]['inform'], truth['inform'])
    check('sealed', traps[0].get('sealed', False), truth['sealed'])
    if truth['sealed']:
        return found
    check('oid', traps[0]['oid'], truth['oid'])
    check('switch', traps[0]['switch'], '192.0.2.77' if truth['version'] == '1' else (row['ip.src'] or row['ipv6.src']))
    if truth['events'] is not None:
        keys = truth['events'][0]
        check('events', sorted(str([got[key] for key in keys]) for got in traps),
              sorted(str([want[key] for key in keys]) for want in truth['events']))
    if row['snmp.name'] != '' and row['_ws.malformed'] != '':
        found.append('tshark calls it malformed')
    return found
