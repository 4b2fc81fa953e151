# SPDX-License-Identifier: Apache-2.0
"""Random packets of Mobile IPv6, right ones and damaged ones, and what tshark says of them
against what `muster decode` says.
"""
import datetime
import struct

import wire

HOME, CARE_OF, AGENT, PEER = (wire.address(f'2001:db8:{n}::{n}') for n in (1, 2, 3, 9))

TSHARK_OPTIONS = ['-o', 'l2tp.cookie_size:4 Byte Cookie', '-o', 'l2tp.l2_specific:None', '-d', 'l2tp.pw_type==0,eth',
                  '-o', 'esp.enable_null_encryption_decode_heuristic:TRUE']

WORDS = ['refresh_request', 'home_test_init', 'care_of_test_init', 'home_test', 'care_of_test', 'update', 'ack',
         'error', 'fast_update', 'fast_ack', 'fast_neighbour', 'experimental', 'home_agent_switch', 'heartbeat',
         'handover_initiate', 'handover_ack', 'revocation', 'localized_routing_initiation', 'localized_routing_ack',
         'update_notification', 'update_notification_ack', 'flow_binding']
UPDATE_FLAGS = [('mip6.bu.a_flag', 'A'), ('mip6.bu.h_flag', 'H'), ('mip6.bu.l_flag', 'L'), ('mip6.bu.k_flag', 'K'),
                ('mip6.bu.m_flag', 'M'), ('mip6.nemo.bu.r_flag', 'R'), ('mip6.bu.p_flag', 'P'),
                ('mip6.bu.f_flag', 'F'), ('mip6.bu.t_flag', 'T'), ('mip6.bu.b_flag', 'B')]
ACK_FLAGS = [('mip6.ba.k_flag', 'K'), ('mip6.nemo.ba.r_flag', 'R'), ('mip6.ba.p_flag', 'P'),
             ('mip6.ba.t_flag', 'T'), ('mip6.ba.b_flag', 'B')]
NUMBERS = [('mip6.bu.seqnr', 'sequence', 1), ('mip6.ba.seqnr', 'sequence', 1),
           ('mip6.bu.lifetime', 'lifetime_seconds', 4), ('mip6.ba.lifetime', 'lifetime_seconds', 4),
           ('mip6.ba.status', 'status', 1), ('mip6.be.status', 'status', 1), ('mip6.fbu.seqnr', 'sequence', 1),
           ('mip6.fbu.lifetime', 'lifetime_seconds', 4), ('mip6.fback.status', 'status', 1),
           ('mip6.fback.seqnr', 'sequence', 1), ('mip6.fback.lifetime', 'lifetime_seconds', 4),
           ('mip6.hb.seqnr', 'sequence', 1), ('mip6.hi.seqnr', 'sequence', 1), ('mip6.hack.seqnr', 'sequence', 1),
           ('mip6.hack.code', 'status', 1), ('mip6.bri_status', 'status', 1), ('mip6.bri_seqnr', 'sequence', 1)]
FIELDS = ['mip6.bi.coa_ipv6', 'mip6.bi.coa_ipv4', 'mip6.ipv4coa.addr', 'mip6.ipv4ha.ha', 'mip6.mhtype', 'frame.time_epoch', 'mip6.acoa.acoa', 'mip6.be.haddr', 'mip6.mnlli.lli', 'mip6.mnid.identifier',
          'mip6.nemo.mnp.mnp', 'ipv6.opt.mipv6.home_address', 'ipv6.routing.mipv6.home_address'] + [
              name for name, *_ in UPDATE_FLAGS + ACK_FLAGS + NUMBERS]


# --- messages ---

def random_option(rng):
    """One mobility option that tshark reads too: (type, data)."""
    octets = rng.randbytes
    kind = rng.choice([2, 3, 3, 4, 5, 6, 8, 8, 9, 12, 13, 16, 19, 22, 22, 23, 24, 25, 25, 26, 27, 28, 29, 30, 31, 32,
                       33, 34, 35, 36, 61, 200])
    data = {2: lambda: octets(2), 3: lambda: rng.choice([CARE_OF, PEER, HOME]), 4: lambda: octets(4),
            5: lambda: octets(12), 6: lambda: b'\0' + bytes([rng.randrange(129)]) + HOME[:8] + bytes(8),
            8: lambda: b'\1' + rng.choice([b'n@example', b'node7', b'guest17.dc1.example', bytes([0xc3, 0x28, 0xc3, 0x28])]),
            9: lambda: b'\1' + octets(4 + 12), 12: lambda: octets(rng.randint(0, 40)), 13: lambda: octets(8),
            16: lambda: octets(8), 19: lambda: struct.pack('!IB', 9, 1) + octets(5),
            22: lambda: b'\0' + bytes([rng.choice([0, 48, 64, 127, 128])]) + HOME,
            23: lambda: b'\0' + bytes([rng.randrange(6)]), 24: lambda: b'\0' + bytes([rng.randrange(8)]),
            25: lambda: b'\0\0' + octets(rng.choice([6, 6, 6, 8, 1, 16])), 26: lambda: octets(16),
            27: lambda: octets(8), 28: lambda: octets(4), 29: lambda: octets(6), 30: lambda: octets(6),
            31: lambda: octets(6), 32: lambda: octets(6), 33: lambda: octets(6), 34: lambda: octets(6),
            35: lambda: octets(4) + rng.choice([b'', CARE_OF, PEER, octets(4)]), 36: lambda: octets(6)}.get(kind, lambda: octets(rng.randrange(20)))()
    return kind, data


def options_of(rng, start):
    """Options with padding of every alignment, whole eights in all from `start`."""
    made = b''
    for _ in range(rng.choice([0, 0, 1, 2, 3, rng.randrange(8)])):
        kind, data = random_option(rng)
        for _ in range(rng.choice([0, 0, 1, 3])):
            made += b'\0' if rng.random() < 0.5 else b'\1' + bytes([2, 0, 0])
        made += bytes([kind, len(data)]) + data
    left = -(start + len(made)) % 8
    if left == 1 or (left > 1 and rng.random() < 0.3):
        made += bytes(left)
    elif left > 1:
        made += bytes([1, left - 2]) + bytes(left - 2)
    return made


def message(rng, kind):
    word = rng.getrandbits
    sequence = rng.choice([0, 1, 65535, word(16)])
    units = rng.choice([0, 1, 65535, word(16)])
    if kind == 5:
        body = struct.pack('!HHH', sequence, rng.choice([0xc000, 0x8000, 0, 0xc200, word(16)]), units)
    elif kind == 6:
        body = struct.pack('!BBHH', rng.choice([0, 1, 127, 128, 132, 255]), word(8), sequence, units)
    else:
        sizes = {0: 2, 1: 10, 2: 10, 3: 18, 4: 18, 8: 6, 9: 6, 10: 2, 13: 6, 14: 4, 15: 4, 16: 6, 17: 6, 18: 6}
        body = rng.randbytes(sizes[kind]) if kind in sizes else bytes([rng.choice([1, 2]), 0]) + HOME
    if kind == 16:
        body = bytes([rng.choice([1, 2])]) + body[1:]
    options = options_of(rng, 6 + len(body))
    size = 6 + len(body) + len(options)
    return struct.pack('!BBBBH', 59, size // 8 - 1, kind, 0, 0) + body + options


def options_header(following, options):
    left = -(2 + len(options)) % 8
    options += bytes(left) if left < 2 else bytes([1, left - 2]) + bytes(left - 2)
    return bytes([following, (2 + len(options)) // 8 - 1]) + options


def chain_of(rng, kind, last):
    """Extension headers before `last`: (number of the first, octets)."""
    headers = []
    from_node = kind in (2, 5)
    if rng.random() < 0.2:
        headers.append((0, lambda n: options_header(n, bytes([5, 2, 0, 0]))))
    if rng.random() < 0.1:
        headers.append((60, lambda n: options_header(n, bytes([0x1e, 4]) + bytes(4))))
    if not from_node and rng.random() < 0.8:
        headers.append((43, lambda n: struct.pack('!BBBBI', n, 2, 2, 1, 0) + HOME))
    if rng.random() < 0.1:  # a packet in one fragment
        headers.append((44, lambda n: struct.pack('!BBHI', n, 0, 0, rng.getrandbits(32))))
    if from_node and rng.random() < 0.8:
        headers.append((60, lambda n: options_header(n, rng.choice([b'', b'\0', b'\1\0', b'\1\2\0\0']) +
                                                     bytes([201, 16]) + HOME)))
    if rng.random() < 0.1:
        headers.append((51, lambda n: struct.pack('!BBHII', n, 4, 0, 1, 1) + bytes(12)))
    if rng.random() < 0.05:
        headers.append((43, lambda n: struct.pack('!BBBBI', n, 2, 0, 0, 0) + PEER))
    made = b''
    for number, make in reversed(headers):
        made = make(last) + made
        last = number
    return last, made


def last_header(first, chain):
    """Where the last header of the chain begins."""
    at = 0
    while True:
        size = {44: 8, 51: (chain[at + 1] + 2) * 4}.get(first, (chain[at + 1] + 1) * 8)
        if at + size == len(chain):
            return at
        first, at = chain[at], at + size


def packet_of(rng, may_sign=True):
    kind = rng.choice([5] * 10 + [6] * 5 + [0, 1, 2, 3, 4, 7] * 2 + [8, 9, 10, 13, 14, 15, 16, 17, 18])
    made = message(rng, kind)
    if kind in (2, 5):
        source, destination = CARE_OF, rng.choice([AGENT, PEER])
    elif kind == 1:
        source, destination = HOME, PEER
    else:
        source, destination = rng.choice([AGENT, PEER]), CARE_OF
    first, chain = chain_of(rng, kind, 135)
    signed = may_sign and rng.random() < 0.1  # tshark does not look at the checksum then
    if signed or rng.random() < 0.5:  # with the addresses that count
        pseudo = (HOME if 201 in chain and kind in (2, 5) else source) + (
            HOME if chain.startswith(b'') and b'\x02\x02\x01' in chain else destination)
        pseudo += struct.pack('!IHBB', len(made), 0, 0, 135)
        made = made[:4] + struct.pack('!H', wire.checksum(pseudo + made)) + made[6:]
    elif rng.random() < 0.5:
        made = made[:4] + rng.randbytes(2) + made[6:]
    if signed:
        if chain:
            at = last_header(first, chain)
            chain = chain[:at] + bytes([50]) + chain[at + 1:]
        first, made = first if chain else 50, wire.esp(135, made, rng)
    return wire.ipv6(source, destination, first, chain + made)


def damaged(packet, rng):
    """A packet that is not right: cut, or with a few octets changed."""
    made = bytearray(packet)
    if rng.random() < 0.3:
        del made[rng.randrange(41, len(made)):]
    else:
        for _ in range(rng.choice([1, 1, 2, 5])):
            made[rng.randrange(40, len(made))] = rng.choice([0, 1, 255, rng.randrange(256)])
    if rng.random() < 0.5:
        made[4:6] = struct.pack('!H', len(made) - 40)
    return bytes(made)


def packets(rng, count):
    """Yields (packets of one story, whether they are damaged): fragments belong together."""
    while count > 0:
        bad = rng.random() < 0.3
        packet = packet_of(rng, not bad)
        if bad:
            packet = damaged(packet, rng)
        story = [packet]
        if not bad and rng.random() < 0.15:
            story = wire.fragments6(packet, rng.choice([8, 16, 24, 40, 64]), rng)
            order = rng.random()
            if order < 0.3:
                story.reverse()
            elif order < 0.6:
                rng.shuffle(story)
            if rng.random() < 0.1:
                story.insert(0, story[0])
        yield story, bad
        count -= 1


# --- the comparison ---

def told_of(objects):
    return [told for told in objects if told['type'] == 'binding' and told['event'] not in
            ('data', 'protected_update', 'protected_ack')]


def as_one(row, name):
    """All values of a field that a frame has, in their order."""
    return [value for value in row.get(name, '').split('|') if value != '']


def micros(text):
    """RFC 3339 in microseconds since 1970."""
    moment = datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))
    return (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)


def differences(row, objects, noted):
    """What differs between tshark's row of a frame and Muster's objects of it."""
    kinds = as_one(row, 'mip6.mhtype')
    malformed = row['_ws.malformed'] != ''
    bindings = told_of(objects)
    if len(bindings) != len(kinds):
        if noted:
            return []
        if malformed and len(bindings) > len(kinds):
            return []
        return [f'{len(bindings)} messages, tshark has {len(kinds)}' + (' (malformed)' if malformed else '')]
    if len(kinds) != 1:
        return [] if not kinds or [b['event'] for b in bindings] == [event_of(k) for k in kinds] else ['events']
    found = []
    got = bindings[0]

    def check(what, ours, theirs):
        if ours != theirs:
            found.append(f'{what}: {ours!r}, tshark has {theirs!r}')
    if got['time'] is not None:
        check('time', micros(got['time']), int(row['frame.time_epoch'].replace('.', '')[:16]))
    kind = int(kinds[0])
    if kind < len(WORDS):
        check('event', got['event'], WORDS[kind])
    for field, key, unit in NUMBERS:
        for value in as_one(row, field)[:1]:
            check(key, got[key], int(value, 0) * unit)
    if kind in (5, 6):
        flags = UPDATE_FLAGS if kind == 5 else ACK_FLAGS
        if row[flags[0][0]] != '':
            check('flags', got['flags'], [letter for field, letter in flags if as_one(row, field)[:1] == ['1']])
    if malformed or kind in (17, 18):  # of which tshark begins to read the options elsewhere
        return found  # tshark ends at an option that it takes for malformed: the last one of a kind may follow
    care_of = as_one(row, 'mip6.acoa.acoa')[-1:] or identified(row) or as_one(row, 'mip6.ipv4coa.addr')[-1:]
    for value in care_of if kind == 5 else []:
        check('care_of', got['care_of'], value)
    for value in as_one(row, 'mip6.ipv4ha.ha')[-1:]:
        check('ipv4_home_address', got['ipv4_home_address'] or '0.0.0.0', value)
    homes = as_one(row, 'ipv6.opt.mipv6.home_address' if kind in (2, 5) else 'ipv6.routing.mipv6.home_address')
    if homes and kind in (2, 4, 5, 6):
        check('home_address', got['home_address'], homes[-1])
    for value in as_one(row, 'mip6.be.haddr'):
        check('home_address', got['home_address'] or '::', value)
    for value in as_one(row, 'mip6.mnid.identifier') if row['mip6.mnid.identifier'].count('|') == 0 else []:
        ours = got['mn_id'] or ''
        if value.isascii() and value.isprintable() and ours.isascii() and ours.isprintable():
            check('mn_id', got['mn_id'], value)
    for value in as_one(row, 'mip6.mnlli.lli')[-1:]:
        if len(value.replace(':', '')) <= 16:
            check('link_layer', (got['link_layer'] or '').replace(':', ''), value.replace(':', ''))
    return found


def identified(row):
    """The care-of address of a binding's identifier, where there is one such option only."""
    return (as_one(row, 'mip6.bi.coa_ipv6') + as_one(row, 'mip6.bi.coa_ipv4'))[:1]


def event_of(kind):
    return WORDS[int(kind)] if int(kind) < len(WORDS) else 'other'
