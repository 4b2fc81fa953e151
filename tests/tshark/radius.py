# SPDX-License-Identifier: Apache-2.0
"""Random RADIUS accounting, right and damaged, and what tshark and the generator know of it
against what `muster decode` says.
"""
import hashlib
import hmac
import struct

import wire

SECRET, OTHER = b'testing123', b'another-secret'
MUSTER_OPTIONS = ['--radius-secret', 'never-used', '--radius-secret', SECRET.decode()]
TSHARK_OPTIONS = ['-o', 'radius.shared_secret:' + SECRET.decode(), '-o', 'radius.validate_authenticator:TRUE']
EVENTS = {1: 'start', 2: 'stop', 3: 'interim', 7: 'on', 8: 'off', 15: 'failed'}
TEXTS = [('Calling_Station_Id', 'station', 31), ('Called_Station_Id', 'called', 30), ('Acct_Session_Id', 'session', 44),
         ('User_Name', 'user', 1), ('Acct_Multi_Session_Id', 'multi_session', 50)]
NUMBERS = [('Acct_Delay_Time', 'delay_seconds'), ('NAS_Port', 'port_number'), ('NAS_Port_Type', 'port_type'),
           ('Acct_Interim_Interval', 'interim_seconds')]
FIELDS = ['radius.code', 'radius.id', 'radius.Acct_Status_Type', 'radius.NAS_Identifier', 'radius.NAS_IP_Address',
          'radius.NAS_IPv6_Address', 'radius.NAS_Port_Id', 'radius.authenticator.valid', 'ip.src',
          'ipv6.src'] + ['radius.' + name for name, *_ in TEXTS + NUMBERS]


def attribute(kind, value):
    return bytes([kind, len(value) + 2]) + value


def number(value):
    return struct.pack('!I', value & 0xffffffff)


def spelled(octets, rng):
    """A MAC in one of the spellings, and the MAC."""
    digits = octets.hex()
    pairs = [digits[i:i + 2] for i in range(0, 12, 2)]
    made = rng.choice(['-'.join(pairs), ':'.join(pairs), digits, f'{digits[:4]}.{digits[4:8]}.{digits[8:]}',
                       f'{digits[:6]}-{digits[6:]}', '-'.join(pairs) + ':SSID guest', f'{digits[:4]}-{digits[4:8]}-{digits[8:]}'])
    made = rng.choice([str, str.upper])(made)
    return made.encode(), ':'.join(pairs)


STRANGERS = [b'', b'192.0.2.17', b'2001:db8::17', b'+49 30 123456', b'anonymous', b'00-10-a4-23-19', b'zz-10-a4-23-19-c0',
             b'00:10:a4:23:19:c0:00:01', b'ff-ff-ff-ff-ff-ff', b'00-00-00-00-00-00', b'\xff\xfe\x00garbage', b'1234567']


def attributes_of(rng):
    """(octets, the MAC that they name or None)."""
    octets = bytes([0x52, 0x54, 0x00]) + rng.randbytes(3)
    station, mac = spelled(octets, rng) if rng.random() < 0.8 else (rng.choice(STRANGERS), None)
    made = []
    for chance, kind, value in (
            (0.95, 40, number(rng.choice([1, 2, 3, 1, 2, 3, 7, 8, 15, 9, 99]))), (0.95, 44, rng.randbytes(4).hex().encode()),
            (0.5, 4, bytes([192, 0, 2, rng.randrange(256)])), (0.2, 95, wire.address('2001:db8::5')),
            (0.5, 32, rng.choice([b'sw1', b'switch-17.dc1', b'x' * 253])), (0.7, 5, number(rng.getrandbits(32))),
            (0.5, 87, rng.choice([b'GigabitEthernet1/0/17', b'ge-0/0/1.0', b'1', b'50101', b'Gi1/0/1 vlan=7'])),
            (0.8, 31, station), (0.4, 30, b'00-11-22-33-44-55:net'), (0.4, 1, b'user@example'),
            (0.3, 41, number(rng.choice([0, 5, 100000]))), (0.3, 55, number(rng.choice([1700000000, 1, 4294967295]))),
            (0.3, 61, number(rng.choice([15, 19, 5]))), (0.3, 85, number(600)), (0.2, 50, b'multi'),
            (0.2, 49, number(rng.randrange(30))), (0.2, 42, number(rng.getrandbits(32))), (0.2, 52, number(3)),
            (0.3, 26, struct.pack('!I', rng.choice([9, 14823, 2636, 311])) + attribute(1, b'vendor')),
            (0.2, 25, rng.randbytes(rng.choice([8, 64, 253]))), (0.2, 241, b'\1' + rng.randbytes(9)),
            (0.1, 245, b'\1\x80' + rng.randbytes(200)), (0.1, 8, bytes([10, 0, 0, 1])), (0.1, 200, rng.randbytes(5)),
            (0.1, 4, b'abc')):  # the last has not the length of its type
        if rng.random() < chance:
            made.append(attribute(kind, value))
    if rng.random() < 0.5:
        rng.shuffle(made)
    for n in range(rng.choice([0, 0, 1, 3, 40])):
        made.insert(rng.randrange(len(made) + 1), attribute(33, b'state%d' % n))
    octets = b''.join(made)
    named = mac if attribute(31, station) in made else None
    return octets[:0] if len(octets) > 4000 else octets, named if len(octets) <= 4000 else None


def request(rng):
    """(packet, what it is): a signed Accounting-Request, right or wrong."""
    body, mac = attributes_of(rng)
    truth = {'valid': True, 'mac': mac}
    secret = SECRET
    if rng.random() < 0.1:
        secret, truth['valid'] = OTHER, False
    if rng.random() < 0.05:  # as long as can be
        while len(body) < 4076:
            body += attribute(25, rng.randbytes(min(253, 4076 - len(body) - 2))) if 4076 - len(body) > 2 else b''
            if 4076 - len(body) in (1, 2):
                break
    ident = rng.randrange(256)
    where = None
    if rng.random() < 0.4 and len(body) < 4000:
        if rng.random() < 0.5:
            body, where = attribute(80, bytes(16)) + body, 22
        else:
            where, body = 22 + len(body), body + attribute(80, bytes(16))
    head = struct.pack('!BBH', 4, ident, 20 + len(body))
    if where is not None:
        proof = hmac.new(secret, head + bytes(16) + body, hashlib.md5).digest()
        if rng.random() < 0.2:
            proof, truth['valid'] = rng.randbytes(16), False
        body = body[:where - 20] + proof + body[where - 4:]
    packet = head + hashlib.md5(head + bytes(16) + body + secret).digest() + body
    if rng.random() < 0.05:
        changed = bytearray(packet)
        changed[4] ^= 1
        packet, truth['valid'] = bytes(changed), False
    if rng.random() < 0.1:
        packet += rng.randbytes(rng.randrange(1, 9))  # padding behind Length is ignored
    return packet, truth


OTHERS = {1: 'Access-Request', 2: 'Access-Accept', 3: 'Access-Reject', 5: 'Accounting-Response', 11: 'Access-Challenge',
          12: 'Status-Server', 13: 'Status-Client', 40: 'Disconnect-Request', 41: 'Disconnect-ACK', 42: 'Disconnect-NAK',
          43: 'CoA-Request', 44: 'CoA-ACK', 45: 'CoA-NAK'}


def other(rng):
    """Any other packet of the protocol; whether it is right only its partner could tell."""
    body, mac = attributes_of(rng)
    body = body.replace(b'\x28\x06\0\0\0', b'\x19\x06\0\0\0')  # no Acct-Status-Type
    for kind, value in ((79, rng.randbytes(rng.choice([5, 253]))), (24, rng.randbytes(16)), (18, b'hello')):
        body += attribute(kind, value) if rng.random() < 0.3 and len(body) < 3000 else b''
    code = rng.choice(list(OTHERS))
    return struct.pack('!BBH', code, rng.randrange(256), 20 + len(body)) + rng.randbytes(16) + body, {'code': code, 'mac': mac}


def damaged(packet, rng):
    changed = bytearray(packet)
    kind = rng.randrange(4)
    if kind == 0:  # Length beyond the datagram, or too small
        changed[2:4] = struct.pack('!H', rng.choice([0, 19, len(packet) + 1, 4097, 65535]))
    elif kind == 1 and len(packet) > 24:
        del changed[rng.randrange(21, len(packet)):]
    elif kind == 2 and len(packet) > 22:
        changed[21] = rng.choice([0, 1, 255])
    else:
        for _ in range(3):
            changed[rng.randrange(20, max(21, len(packet) - 1)) if len(packet) > 21 else 2] = rng.randrange(256)
    return bytes(changed)


def datagram(packet, rng):
    port = rng.choice([1812, 3799, 1700, 1645] if packet[0] != 4 else [1813, 1813, 1813, 1646])
    body = wire.udp(port, packet, rng.choice([50000, 1813, 1024]))
    if rng.random() < 0.5:
        return wire.ipv4(17, body, f'192.0.2.{rng.randrange(1, 255)}', '192.0.2.2')
    return wire.ipv6(wire.address('2001:db8::77'), wire.address('2001:db8::2'), 17, body)


# --- the comparison ---

def first(row, name):
    values = row.get('radius.' + name, '')
    return values.split('|')[0] if values else None


def other_differences(row, objects, truth):
    told = [told for told in objects if told['type'] == 'radius']
    if len(told) != 1 or len(objects) != 1:
        return [f'{len(objects)} objects for code {truth["code"]}']
    pairs = [('code', told[0]['code'], OTHERS[truth['code']]), ('identifier', told[0]['identifier'], int(row['radius.id'])),
             ('mac', told[0]['mac'], truth['mac']), ('user', told[0]['user'], first(row, 'User_Name'))]
    return [f'{what}: {ours!r}, expected {theirs!r}' for what, ours, theirs in pairs if ours != theirs]


def differences(row, objects, noted, truth=None):
    if truth is not None and 'code' in truth:
        return other_differences(row, objects, truth)
    sessions = [told for told in objects if told['type'] == 'session']
    if row.get('radius.code', '') != '4' or row['_ws.malformed'] != '' or truth is None:
        if row.get('radius.code', '') == '4' and not noted and len(sessions) != 1:
            return ['neither told nor noted']
        if truth is None and any(told['valid'] is True for told in sessions) and row['_ws.malformed'] != '':
            return ['malformed and yet valid']
        return []
    if len(sessions) != 1:
        return [f'{len(sessions)} sessions']
    got, found = sessions[0], []

    def check(what, ours, theirs):
        if ours != theirs:
            found.append(f'{what}: {ours!r}, expected {theirs!r}')
    check('valid', got['valid'], truth['valid'])
    check('mac', got['mac'], truth['mac'])
    status = first(row, 'Acct_Status_Type')
    check('event', got['event'], EVENTS.get(int(status), 'other') if status else None)
    for name, key, _ in TEXTS:
        value = first(row, name)
        if value is not None and value.isascii() and value.isprintable() and '\\' not in value:
            check(key, got[key], value)
    for name, key in NUMBERS:
        values = [value for value in row.get('radius.' + name, '').split('|') if value]
        if values:
            check(key, got[key], int(values[0]))
    nas = first(row, 'NAS_Identifier') or first(row, 'NAS_IP_Address') or first(row, 'NAS_IPv6_Address')
    check('nas', got['nas'], nas or (row['ip.src'] or row['ipv6.src']).split('|')[-1])
    check('port', got['port'], first(row, 'NAS_Port_Id') or first(row, 'NAS_Port'))
    return found
