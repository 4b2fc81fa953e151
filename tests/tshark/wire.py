# SPDX-License-Identifier: Apache-2.0
"""Frames and capture files made octet by octet, for the comparison with tshark: nothing
here knows scapy, so the test needs tshark alone. Choices come from a random.Random that
the caller seeds.
"""
import ipaddress
import struct
import zlib

GUEST, GATEWAY = bytes.fromhex('525400000010'), bytes.fromhex('525400000001')


def address(text):
    return ipaddress.ip_address(text).packed


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ethernet(kind, payload, source=GUEST, destination=GATEWAY):
    return destination + source + struct.pack('!H', kind) + payload


def ipv6(source, destination, protocol, payload, hops=64):
    return struct.pack('!IHBB', 0x60000000, len(payload), protocol, hops) + source + destination + payload


def ipv4(protocol, payload, source='192.0.2.1', destination='192.0.2.2', ident=0, place=0):
    head = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(payload), ident, place, 64, protocol, 0)
    head += address(source) + address(destination)
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + payload


def udp(port, payload, sport=50000):
    return struct.pack('!HHHH', sport, port, 8 + len(payload), 0) + payload


def ip_of(packet):
    """The EtherType of an IP packet."""
    return 0x0800 if packet[0] >> 4 == 4 else 0x86dd


def fragments6(packet, size, rng, chain=0):
    """The fragments of an IPv6 packet, its first `chain` octets of extension headers in each."""
    head, body = packet[:40 + chain], packet[40 + chain:]
    where = 6 if chain == 0 else 40
    first, ident = head[where], rng.getrandbits(32)
    size = max(8, size // 8 * 8)
    made = []
    for at in range(0, len(body), size):
        part = body[at:at + size]
        header = struct.pack('!BBHI', first, 0, at | (at + size < len(body)), ident)
        changed = bytearray(head)
        changed[where] = 44
        changed[4:6] = struct.pack('!H', chain + 8 + len(part))
        made.append(bytes(changed) + header + part)
    return made


def fragments4(packet, size, rng):
    if packet[0] != 0x45:
        return [packet]
    head, body = packet[:20], packet[20:]
    size = max(8, size // 8 * 8)
    ident = rng.getrandbits(16)
    sender, receiver = str(ipaddress.ip_address(head[12:16])), str(ipaddress.ip_address(head[16:20]))
    return [ipv4(head[9], body[at:at + size], sender, receiver, ident,
                 at // 8 | (0x2000 if at + size < len(body) else 0)) for at in range(0, len(body), size)]


def esp(following, payload, rng, icv=12):
    """ESP that signs and does not encrypt."""
    padding = -(len(payload) + 2) % 4 + rng.choice([0, 0, 4, 8])
    return (rng.randrange(256, 1 << 32).to_bytes(4, 'big') + rng.randbytes(4) + payload + bytes(range(1, padding + 1)) +
            bytes([padding, following]) + rng.randbytes(icv))


# --- what stands around a packet ---

def in_frame(packet, rng):
    return ethernet(ip_of(packet), packet)


def tagged(kinds):
    def wrap(packet, rng):
        kind = ip_of(packet)
        for tag in reversed(kinds):
            packet = struct.pack('!HH', rng.randrange(8) << 13 | rng.randrange(4096), kind) + packet
            kind = tag
        return ethernet(kind, packet)
    return wrap


def labelled(packet, rng):
    labels = rng.randint(1, 5)
    stack = b''.join(struct.pack('!I', rng.randrange(16, 1 << 20) << 12 | (n + 1 == labels) << 8 | 64)
                     for n in range(labels))
    return ethernet(rng.choice([0x8847, 0x8848]), stack + packet)


def pppoe(packet, rng):
    ppp = (b'\x00\x21' if packet[0] >> 4 == 4 else b'\x00\x57') + packet
    return ethernet(0x8864, struct.pack('!BBHH', 0x11, 0, 1, len(ppp)) + ppp)


def snap(packet, rng):
    body = bytes.fromhex('aaaa03000000') + struct.pack('!H', ip_of(packet)) + packet
    return ethernet(len(body), body) if len(body) < 0x600 else in_frame(packet, rng)


def backbone(packet, rng):
    return ethernet(0x88e7, struct.pack('!I', rng.getrandbits(24)) + in_frame(packet, rng))


def metadata(packet, rng):
    return ethernet(0x8909, bytes.fromhex('010100010064') + struct.pack('!H', ip_of(packet)) + packet)


def redundancy(packet, rng):
    return ethernet(0xf1c1, struct.pack('!HHH', 0, rng.getrandbits(16), ip_of(packet)) + packet)


def extended(packet, rng):
    kind, size = rng.choice([(0x8926, 4), (0x893f, 6)])
    return ethernet(kind, bytes(size) + struct.pack('!H', ip_of(packet)) + packet)


def signed(packet, rng):
    named = rng.random() < 0.5
    tag = bytes([0x20 if named else 0, 0]) + rng.randbytes(4) + (GUEST + b'\0\1' if named else b'')
    return ethernet(0x88e5, tag + struct.pack('!H', ip_of(packet)) + packet + rng.randbytes(16))


FRAMINGS = [in_frame, in_frame, in_frame, tagged([0x8100]), tagged([0x88a8, 0x8100]), tagged([0x9100, 0x8100]),
            tagged([0x88a8, 0x88a8, 0x8100]), tagged([0x8100] * 4), labelled, pppoe, snap, backbone, metadata,
            redundancy, extended, signed]


# --- tunnels: a packet in a packet ---

def outer(rng, protocol, payload):
    if rng.random() < 0.1:  # with options
        made = ipv4(protocol, b'\x07\x07\x04\0\0\0\0\0' + payload)
        head = b'\x47' + made[1:10] + b'\0\0' + made[12:28]
        return head[:10] + struct.pack('!H', checksum(head)) + made[12:]
    if rng.random() < 0.5:
        return ipv4(protocol, payload)
    return ipv6(address('2001:db8:aaaa::1'), address('2001:db8:aaaa::2'), protocol, payload)


def in_ip(packet, rng):
    return outer(rng, 4 if packet[0] >> 4 == 4 else 41, packet)


def in_gre(packet, rng):
    flags, extra = 0, b''
    for bit in (0x8000, 0x2000, 0x1000):
        if rng.random() < 0.3:
            flags |= bit
            extra += bytes(4)
    bridged = rng.random() < 0.5
    kind, inner = (0x6558, in_frame(packet, rng)) if bridged else (ip_of(packet), packet)
    return outer(rng, 47, struct.pack('!HH', flags, kind) + extra + inner)


def in_erspan(packet, rng):
    version = rng.randint(1, 3)
    inner = rng.choice(FRAMINGS[:5])(packet, rng)
    if version == 1:
        return outer(rng, 47, struct.pack('!HH', 0, 0x88be) + inner)
    header = struct.pack('!HHI', (version - 1) << 12 | rng.randrange(4096), rng.randrange(1024), 0)
    if version == 3:
        more = rng.random() < 0.3
        header += struct.pack('!HH', 0, int(more)) + (bytes(8) if more else b'')
    return outer(rng, 47, struct.pack('!HHI', 0x1000, 0x22eb if version == 3 else 0x88be, 1) + header + inner)


def in_vxlan(packet, rng):
    return outer(rng, 17, udp(4789, struct.pack('!II', 0x08000000, rng.getrandbits(24) << 8) +
                              rng.choice(FRAMINGS[:5])(packet, rng)))


def in_geneve(packet, rng):
    options = rng.randrange(4)
    bridged = rng.random() < 0.5
    kind, inner = (0x6558, in_frame(packet, rng)) if bridged else (ip_of(packet), packet)
    option = struct.pack('!HBB', 0x0102, 1, (options - 1) & 31) + bytes(4 * (options - 1)) if options else b''
    return outer(rng, 17, udp(6081, struct.pack('!BBHI', options, 0, kind, rng.getrandbits(24) << 8) + option + inner))


def in_gtp(packet, rng):
    return outer(rng, 17, udp(2152, struct.pack('!BBHI', 0x30, 255, len(packet), 1) + packet, 2152))


def in_etherip(packet, rng):
    return outer(rng, 97, b'\x30\0' + in_frame(packet, rng))


def in_teredo(packet, rng):
    if packet[0] >> 4 == 4:
        return in_ip(packet, rng)
    before = rng.choice([b'', bytes([0, 0]) + rng.randbytes(6), bytes([0, 1, 0, 0]) + rng.randbytes(8) + b'\0'])
    return ipv4(17, udp(3544, before + packet))


def in_lisp(packet, rng):
    return outer(rng, 17, udp(4341, bytes([0xc0]) + rng.randbytes(7) + packet, 40001))


def in_l2tp(packet, rng):
    ppp = b'\xff\x03' + (b'\x00\x21' if packet[0] >> 4 == 4 else b'\x00\x57') + packet
    counted = rng.random() < 0.5
    size = struct.pack('!H', len(ppp) + 8) if counted else b''
    return ipv4(17, udp(1701, struct.pack('!H', 0x4002 if counted else 2) + size + struct.pack('!HH', 3, 4) + ppp, 1701))


def in_tzsp(packet, rng):
    tags = rng.choice([b'', b'\0', b'\x0a\x01\x07', b'\x0a\x01\x07\0\0'])
    kind, inner = rng.choice([(1, in_frame), (1, in_frame), (18, in_the_air)])
    return outer(rng, 17, udp(37008, bytes([1, 0, 0, kind]) + tags + b'\1' + inner(packet, rng), 37008))


def in_l2tp3(packet, rng):
    """tshark is told of the cookie's four octets (mobile.TSHARK_OPTIONS)."""
    return outer(rng, 115, struct.pack('!I', rng.randrange(1, 1 << 32)) + bytes(4) + in_frame(packet, rng))


def in_services(packet, rng):
    kind = 1 if packet[0] >> 4 == 4 else 2
    header = struct.pack('!HBBI', 0x0fc6, 1, kind, rng.getrandbits(24) << 8 | 255) + rng.randbytes(16)
    return outer(rng, 47, struct.pack('!HH', 0, 0x894f) + header + packet)


TUNNELS = [in_ip, in_ip, in_ip, in_gre, in_gre, in_erspan, in_erspan, in_vxlan, in_geneve, in_gtp, in_etherip, in_teredo,
           in_lisp, in_l2tp, in_l2tp3, in_tzsp, in_services]


def wrapped(packet, rng, deepest=3):
    for _ in range(rng.choice([0, 0, 0, 1, 1, rng.randint(1, deepest)])):
        packet = rng.choice(TUNNELS)(packet, rng)
    return packet


# --- capture files ---

def pcap(frames, link=1, magic=0xa1b2c3d4, order='<', snap=65535, sent=None):
    made = struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, snap, link)
    for n, frame in enumerate(frames):
        frame = in_order(frame, order)
        captured = frame[:snap]
        made += struct.pack(order + 'IIII', 1700000000 + n // 1000, n % 1000 * 1000, len(captured), len(frame))
        made += bytes(8) if magic == 0xa1b2cd34 else b''
        made += captured
    return made


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack(order + 'II', kind, len(body) + 12) + body + struct.pack(order + 'I', len(body) + 12)


def option(order, code, value):
    return struct.pack(order + 'HH', code, len(value)) + value + bytes(-len(value) % 4)


def pcapng(packets, rng):
    """`packets`: pairs of link type and octets. Sections, orders, units of time and what stands
    between the packets are chosen at random."""
    made, at = b'', 0
    while at < len(packets) or not made:
        order = rng.choice('<>')
        made += block(order, 0x0a0d0d0a, struct.pack(order + 'IHHq', 0x1a2b3c4d, 1, 0, -1) +
                      (option(order, 3, b'some system') if rng.random() < 0.5 else b''))
        interfaces = {}
        for link, octets in packets[at:at + rng.randint(1, 40)]:
            at += 1
            octets = in_order(octets, order)
            if link not in interfaces or rng.random() < 0.05:
                unit = rng.choice([None, 6, 9, 3, 0x80 | 20])
                made += block(order, 1, struct.pack(order + 'HHI', link, 0, 0) + (
                    option(order, 9, bytes([unit])) if unit is not None else b'') + (
                    option(order, 14, struct.pack(order + 'q', 5)) if rng.random() < 0.2 else b'') + bytes(4))
                interfaces.setdefault('count', 0)
                interfaces[link] = (interfaces['count'], unit)
                interfaces['count'] += 1
            if rng.random() < 0.1:
                made += block(order, rng.choice([0x70000001, 0x80000001]), rng.randbytes(rng.randrange(60)))
            number, unit = interfaces[link]
            ticks = 1700000000 * (1 << 20 if unit == 0x80 | 20 else 10 ** (6 if unit is None else unit)) + at
            head = struct.pack(order + 'IIIII', number, ticks >> 32, ticks & 0xffffffff, len(octets), len(octets))
            if rng.random() < 0.1:
                old = struct.pack(order + 'HH', number, 0xffff) + head[4:]
                made += block(order, 2, old + octets)
            elif number == 0 and rng.random() < 0.1:
                made += block(order, 3, struct.pack(order + 'I', len(octets)) + octets)
            else:
                made += block(order, 6, head + octets + bytes(-len(octets) % 4) + (
                    option(order, 1, b'a comment') + bytes(4) if rng.random() < 0.1 else b''))
    return made


def llc(packet, rng):
    return bytes.fromhex('aaaa03') + rng.choice([b'\0\0\0', b'\0\0\0', b'\0\0\xf8']) + struct.pack('!H', ip_of(packet)) + packet


def in_the_air(packet, rng, padded=False):
    """A data frame of IEEE 802.11: any direction, quality of service, aggregates, meshes."""
    way, quality, order = rng.randrange(4), rng.random() < 0.6, rng.random() < 0.1
    aggregate = quality and rng.random() < 0.3
    mesh = quality and not aggregate and way == 3 and rng.random() < 0.3
    head = bytes([0x88 if quality else 0x08, way | (0x80 if order and quality else 0)]) + b'\0\0'
    head += GATEWAY + GUEST + GATEWAY + struct.pack('<H', rng.randrange(4096) << 4)
    head += GUEST if way == 3 else b''
    if quality:
        head += bytes([0x80 if aggregate else rng.randrange(8), 1 if mesh else 0]) + (bytes(4) if order else b'')
    if padded:
        head += bytes(-len(head) % 4)
    if mesh:
        extended = rng.randrange(3)
        head += bytes([extended, 31]) + rng.randbytes(4) + GUEST * extended
    if not aggregate:
        return head + llc(packet, rng)
    parts, question = b'', bytes.fromhex('aaaa030000000806 0001080006040001') + GUEST + b'\1\2\3\4' + bytes(6) + b'\1\2\3\5'
    for body in [llc(packet, rng)] + [question] * rng.randrange(3):
        parts += bytes(-len(parts) % 4) + GATEWAY + GUEST + struct.pack('!H', len(body)) + body
    return head + parts


def radiotap(packet, rng):
    timed, flagged, more = rng.random() < 0.5, rng.random() < 0.7, rng.choice([0, 0, 1, 2])
    padded, checked = flagged and rng.random() < 0.3, flagged and rng.random() < 0.5
    words = [(0x80000000 if n < more else 0) | (1 if timed and n == 0 else 0) | (2 if flagged and n == 0 else 0) |
             (0x20000000 if n < more else 0) for n in range(more + 1)]
    head = b''.join(struct.pack('<I', word) for word in words)
    if timed:
        head += bytes(-(4 + len(head)) % 8) + rng.randbytes(8)
    if flagged:
        head += bytes([(0x20 if padded else 0) | (0x10 if checked else 0)])
    frame = in_the_air(packet, rng, padded)
    return struct.pack('<BBH', 0, 0, 4 + len(head)) + head + frame + (
        struct.pack('<I', zlib.crc32(frame)) if checked else b'')


def nflog(packet, rng):
    """Records in the order of the machine that logged, which is that of its capture file."""
    records = [(1, struct.pack('!HBB', ip_of(packet), 3, 0)), (10, b'drop: \0'),
               (8, struct.pack('!HH', 6, 0) + GUEST + b'\0\0')]
    rng.shuffle(records)
    records = records[:rng.randrange(4)] + [(9, packet)]
    return lambda order: bytes([2 if packet[0] >> 4 == 4 else 10, 0, 0, 5]) + b''.join(
        struct.pack(order + 'HH', 4 + len(data), kind) + data + bytes(-len(data) % 4) for kind, data in records)


def in_order(octets, order):
    return octets(order) if callable(octets) else octets


def ppi(packet, rng):
    inner = rng.choice([1, 105, 105, 101])
    fields = b''
    checked = rng.random() < 0.5
    if inner == 105:
        fields = struct.pack('<HHQHHHHBBbb', 2, 20, 0, 1 if checked else 0, 12, 2412, 0, 0, 0, -50, -90)
    frame = {1: in_frame, 105: in_the_air, 101: lambda packet, rng: packet}[inner](packet, rng)
    if inner == 105 and checked:
        frame += struct.pack('<I', zlib.crc32(frame))
    return struct.pack('<BBHI', 0, 0, 8 + len(fields), inner) + fields + frame


def prism(packet, rng):
    return struct.pack('<II', 0x44, 144) + b'wlan0'.ljust(16, b'\0') + bytes(120) + in_the_air(packet, rng)


def avs(packet, rng):
    return struct.pack('!II', 0x80211001, 64) + bytes(56) + in_the_air(packet, rng)


def relayed(packet, rng):
    address = rng.choice([b'\x18\x41', b'\x18\x40\x02\x01'])
    v4 = packet[0] >> 4 == 4
    return address + rng.choice([b'\x03\xcc' if v4 else b'\x03\x8e', b'\x03\x00\x80\0\0\0' + struct.pack('!H', ip_of(packet))]) + packet


def apple(packet, rng):
    inner = rng.choice([1, 101, 0])
    frame = {1: in_frame, 101: lambda packet, rng: packet, 0: lambda packet, rng: linked(0, packet, rng)}[inner](packet, rng)
    return struct.pack('<III', 108, 1, inner) + b'en0'.ljust(24, b'\0') + bytes(72) + frame


def juniper(packet, rng):
    extended = rng.randbytes(rng.randrange(20)) if rng.random() < 0.7 else None
    return b'MGC' + (b'\x01' if extended is None else b'\x80' + struct.pack('!H', 6) + bytes([1, 1, 1, 3, 1, 6])) + in_frame(packet, rng)


def firewall(packet, rng):
    family = 2 if packet[0] >> 4 == 4 else 24
    return bytes([61, family, 0, 0]) + b'em0'.ljust(16, b'\0') + bytes(41) + bytes(3) + packet


def linked(link, packet, rng):
    """`packet` (IP) as a packet of this link type."""
    kind = ip_of(packet)
    if link == 1:
        return rng.choice(FRAMINGS)(packet, rng)
    if link == 113:
        if rng.random() < 0.2:
            return struct.pack('!HHH8sH', 0, 1, 6, GUEST, 4) + llc(packet, rng)
        return struct.pack('!HHH8sH', 0, 1, 6, GUEST, kind) + packet
    if link == 276:
        return struct.pack('!HHIHBB8s', kind, 0, 3, 1, 0, 6, GUEST) + packet
    if link in (0, 108):
        family = 2 if kind == 0x0800 else rng.choice([24, 28, 30])
        return struct.pack('!I' if link == 108 else rng.choice('<>') + 'I', family) + packet
    if link == 9:
        return rng.choice([b'', b'\xff\x03']) + (b'\x00\x21' if kind == 0x0800 else b'\x00\x57') + packet
    if link == 50:
        return linked(9 if rng.random() < 0.7 else 104, packet, rng)
    if link == 104:
        return rng.choice([b'\x0f\x00', b'\x8f\x00']) + struct.pack('!H', kind) + packet
    if link in MADE:
        return MADE[link](packet, rng)
    return packet


# Links of which each takes a line; those that tshark reads.
MADE = {
    51: lambda packet, rng: pppoe(packet, rng)[14:],
    11: llc, 100: llc,
    19: lambda packet, rng: packet, 106: lambda packet, rng: packet,
    105: in_the_air, 107: relayed,
    109: lambda packet, rng: struct.pack('<III', 2 if packet[0] >> 4 == 4 else 24, 0, 0) + packet,
    117: firewall, 119: prism,
    122: lambda packet, rng: b'\x10\0' + GATEWAY + b'\x10\0' + GUEST + llc(packet, rng),
    127: radiotap,
    138: lambda packet, rng: bytes(16) + struct.pack('!H', ip_of(packet)) + packet,
    163: avs, 178: juniper, 192: ppi,
    204: lambda packet, rng: rng.choice([b'\0', b'\1']) + linked(9, packet, rng),
    226: lambda packet, rng: struct.pack('!BBHIIHHII', 1, 2 if packet[0] >> 4 == 4 else 26, 1, len(packet), 1, 0, 0, 0, 0) + packet,
    239: nflog,
    242: lambda packet, rng: bytes(40) + struct.pack('!HH', ip_of(packet), 0) + packet,
    258: apple,
}


# Raw IP of either version has three numbers, of one version one each.
def links_of(packet):
    return [1] * 12 + [113, 276, 0, 108, 9, 50, 104, 101, 12, 228 if packet[0] >> 4 == 4 else 229, 105, 127] + list(MADE)
