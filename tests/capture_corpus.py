# SPDX-License-Identifier: Apache-2.0
"""Odd but valid packets of Mobile IPv6 by scapy: every mobility option in updates and in
acknowledgements, every type of message, and what stands around them on real wires. Read by
captures_test.py, which holds `muster decode` against tshark.
"""
import struct

from capture_vectors import (AGENT, CARE_OF, ETHER, HOME, MOVED, PEER, acknowledgement, home_option, registration,
                             signed_only, update)
from scapy.all import (Dot1AD, Dot1Q, Ether, GRE, IP, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                       IPv6ExtHdrRouting, Jumbo, PPP, PPPoE, Raw, RouterAlert, UDP, VXLAN, fragment, fragment6, raw)
from scapy.contrib.geneve import GENEVE
from scapy.contrib.mpls import MPLS
from scapy.layers.inet6 import (MIP6MH_BE, MIP6MH_BRR, MIP6MH_CoT, MIP6MH_CoTI, MIP6MH_HoT, MIP6MH_HoTI, MIP6OptAltCoA,
                                MIP6OptBRAdvice, MIP6OptCareOfTestInit,
                                MIP6OptCGAParamsReq, MIP6OptLLAddr, MIP6OptMNID,
                                MIP6OptMobNetPrefix, MIP6OptMsgAuth, MIP6OptNonceIndices, MIP6OptReplayProtection)


PREFIX = bytes.fromhex('20010db8000100000000000000000000')
V4 = bytes([192, 0, 2, 9])

# Option -> its data, as the RFCs have it: 6275, 3963, 5568, 4283, 4285, 4866, 5149, 5213, 5555, 5844, 5845, 5648,
# 5949, 6058, 6089, 6463, 6602, 6757, 6909, 7148, 7161, 7222.
OPTIONS = {
    2: struct.pack('!H', 30), 3: PREFIX[:15] + b'\x33', 4: struct.pack('!HH', 5, 6), 5: bytes(range(12)),
    6: b'\0\x40' + PREFIX, 7: b'\2' + bytes(6), 8: b'\1node@example', 9: b'\1' + bytes(4) + bytes(12),
    10: bytes(8), 11: b'', 12: bytes(40), 13: bytes(128), 14: bytes(8), 15: b'', 16: bytes(8),
    17: b'\0\0web1.example', 18: bytes(5), 19: struct.pack('!IB', 9, 1) + b'vendor', 20: b'\0service', 21: bytes(16),
    22: b'\0\x40' + PREFIX, 23: b'\0\4', 24: b'\0\5', 25: b'\0\0' + bytes.fromhex('525400000010'), 26: b'\xfe\x80' + bytes(13) + b'\1',
    27: bytes(8), 28: struct.pack('!I', 7), 29: b'\x80\0' + V4, 30: b'\0\x80' + V4, 31: b'\0\0' + struct.pack('!I', 110),
    32: b'\0\0' + V4, 33: b'\0\0' + struct.pack('!I', 99), 34: b'\3\x40' + PREFIX, 35: struct.pack('!HBB', 7, 0, 0),
    36: b'\x80\0' + V4, 37: b'\0\x80' + V4, 38: b'\0\0' + V4, 39: b'\0\0', 40: b'\0\0\1\0', 41: b'\1\0' + PREFIX,
    42: b'\0\0' + bytes(8), 43: b'\0\4', 44: struct.pack('!H', 3), 45: struct.pack('!HBBBB', 3, 1, 0, 0, 0), 46: b'\0\0',
    47: b'\x80\0' + PREFIX, 48: struct.pack('!HIIII', 1, 2, 3, 4, 5), 49: V4, 50: b'\1\0' + struct.pack('!I', 5),
    51: b'\0\x80' + PREFIX, 52: b'\1\7\1\4wlan\0\0'[:10], 53: b'\0\0\0\0', 54: b'\0\0' + bytes(4), 55: b'\0\x38' + PREFIX,
    58: struct.pack('!BBBB', 1, 0, 1, 46 << 2), 59: b'\0\0' + PREFIX, 61: bytes(4)}


def message(kind, body, options=b''):
    """A Mobility Header as octets, padded to whole eights."""
    left = -(6 + len(body) + len(options)) % 8
    options += bytes(left) if left < 2 else b'\1' + bytes([left - 2]) + bytes(left - 2)
    return struct.pack('!BBBBH', 59, (6 + len(body) + len(options)) // 8 - 1, kind, 0, 0) + body + options


def one_option(number):
    return bytes([number, len(OPTIONS[number])]) + OPTIONS[number]


def raw_update(number, flags=0xc000):
    return IPv6(src=CARE_OF, dst=AGENT) / IPv6ExtHdrDestOpt(nh=135, options=home_option().options) / Raw(
        message(5, struct.pack('!HHH', 7, flags, 900), one_option(number)))


def raw_ack(number):
    route = IPv6ExtHdrRouting(nh=135, type=2, addresses=[HOME], segleft=1)
    return IPv6(src=AGENT, dst=CARE_OF) / route / Raw(message(6, struct.pack('!BBHH', 0, 0x20, 7, 600), one_option(number)))


def bare(kind, body, options=b'', source=AGENT, destination=CARE_OF):
    return IPv6(src=source, dst=destination, nh=135) / Raw(message(kind, body, options))


def messages():
    node, prefix, link = one_option(8), one_option(22), one_option(25)
    everything = [MIP6OptAltCoA(acoa=MOVED), MIP6OptNonceIndices(olen=4, hni=1, coni=2), MIP6OptMNID(subtype=1, id=b'n@example'),
                  MIP6OptMobNetPrefix(plen=56, prefix='2001:db8:77::'), MIP6OptMsgAuth(), MIP6OptReplayProtection(),
                  MIP6OptCGAParamsReq(), MIP6OptCareOfTestInit(), MIP6OptLLAddr(), MIP6OptBRAdvice(rinter=9)]
    return {
        'home_test_init': IPv6(src=HOME, dst=PEER) / MIP6MH_HoTI(cookie=b'12345678'),
        'home_test_init_tunnelled': IPv6(src=CARE_OF, dst=AGENT) / IPv6(src=HOME, dst=PEER) / MIP6MH_HoTI(),
        'care_of_test_init': IPv6(src=CARE_OF, dst=PEER) / MIP6MH_CoTI(),
        'home_test': IPv6(src=PEER, dst=HOME) / MIP6MH_HoT(index=9),
        'care_of_test': IPv6(src=PEER, dst=CARE_OF) / MIP6MH_CoT(index=9),
        'refresh': IPv6(src=PEER, dst=HOME) / MIP6MH_BRR(),
        'error_1': IPv6(src=PEER, dst=CARE_OF) / MIP6MH_BE(status=1, ha=HOME),
        'error_2': IPv6(src=PEER, dst=CARE_OF) / MIP6MH_BE(status=2, ha='::'),
        'fast_update': bare(
            8, struct.pack('!HHH', 3, 0x8000, 9), one_option(3), CARE_OF, PEER),
        'fast_ack': bare(9, struct.pack('!BBHH', 0, 0x80, 3, 9), one_option(3)),
        'fast_neighbour': bare(10, bytes(2), one_option(7), MOVED, PEER),
        'experimental': bare(11, bytes(2)),
        'agent_switch': bare(12, bytes([1, 0]) + PREFIX),
        'heartbeat': bare(13, struct.pack('!HI', 0, 0x12345678), one_option(28)),
        'heartbeat_answer': bare(13, struct.pack('!HI', 1, 0x12345678), one_option(28)),
        'heartbeat_unasked': bare(13, struct.pack('!HI', 3, 0), one_option(28)),
        'handover_initiate': bare(14, struct.pack('!HBB', 8, 0xc0, 0), one_option(7) + one_option(34) + node),
        'handover_ack': bare(15, struct.pack('!HBB', 8, 0, 5), one_option(34)),
        'revocation': bare(16, struct.pack('!BBHH', 1, 4, 77, 0x8000), node + prefix),
        'revocation_all': bare(16, struct.pack('!BBHH', 1, 128, 78, 0xa000), node),
        'revocation_ack': bare(16, struct.pack('!BBHH', 2, 0, 77, 0x8000), node + prefix, CARE_OF, AGENT),
        'routing_initiation': bare(17, struct.pack('!HHH', 4, 0, 60), node + prefix + one_option(51)),
        'routing_ack': bare(18, struct.pack('!HBBH', 4, 0, 0, 60), node + prefix),
        'notification': bare(19, struct.pack('!HHH', 5, 1, 0x8000), node),
        'notification_ack': bare(20, struct.pack('!HBBH', 5, 0, 0, 0)),
        'flow_binding': bare(21, struct.pack('!BBHH', 1, 0, 6, 0), node),
        'proxied': bare(5, struct.pack('!HHH', 1, 0xc200, 75), node + prefix + one_option(23) + one_option(24) + link +
                        one_option(26) + one_option(27), '2001:db8:5::5', AGENT),
        'proxied_ack': bare(6, struct.pack('!BBHH', 0, 0x20, 1, 75), node + prefix + one_option(23) + link),
        'proxied_ends': bare(5, struct.pack('!HHH', 2, 0xc200, 0), node + prefix, '2001:db8:5::5', AGENT),
        'bulk': bare(5, struct.pack('!HHH', 3, 0xc240, 75), node + one_option(50), '2001:db8:5::5', AGENT),
        'router': registration(flags='AHR', options=[MIP6OptMobNetPrefix(plen=60, prefix='2001:db8:7::')]),
        'mapped': registration(flags='AHM'), 'every_flag': registration(flags='AHLKMRP'),
        'longest': registration(units=65535), 'sequence_turns': registration(seq=65535),
        'several': registration(options=everything),
        'identified': IPv6(src=CARE_OF, dst=AGENT) / IPv6ExtHdrDestOpt(nh=135, options=home_option().options) / Raw(message(
            5, struct.pack('!HHH', 7, 0xc000, 9), bytes([35, 20, 0, 7, 0, 0]) + PREFIX)),
        'at_home': IPv6(src=HOME, dst=AGENT) / update(units=0),
        **{f'refused_{status}': acknowledgement(status=status, units=0) for status in (128, 129, 131, 133, 135, 136, 138, 144)},
        'discovered': acknowledgement(status=1), 'to_peer': registration(agent=PEER, flags='A', options=[
            MIP6OptNonceIndices(olen=4, hni=3, coni=4)]),
        'signed': signed_only(registration(), 12), 'signed_ack': signed_only(acknowledgement(), 12),
        'authenticated': signed_only(registration(), 0, esp=False)}


def surroundings():
    """One registration as it is met on wires: {name: frames}."""
    bu = registration(options=[MIP6OptAltCoA(acoa=MOVED)])
    v4 = IP(src='192.0.2.1', dst='192.0.2.2')
    label = MPLS(label=16, s=0) / MPLS(label=17, s=1)
    made = {
        'hop_by_hop': IPv6(src=CARE_OF, dst=AGENT) / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / home_option() / update(),
        'two_options': IPv6(src=CARE_OF, dst=AGENT) / IPv6ExtHdrDestOpt() / home_option() / update(),
        'one_piece': IPv6(src=CARE_OF, dst=AGENT) / IPv6ExtHdrFragment(id=5) / home_option() / update(),
        'nested': IPv6(src=CARE_OF, dst=AGENT) / IPv6(src=PEER, dst=MOVED) / bu,
        'six_in_four': v4 / bu, 'gre_keyed': v4 / GRE(proto=0x86dd, key_present=1, key=5, seqnum_present=1) / bu,
        'gre_bridged': v4 / GRE(proto=0x6558) / ETHER / bu,
        'vxlan': v4 / UDP(sport=9999, dport=4789) / VXLAN(vni=5, flags=8) / ETHER / Dot1Q(vlan=3) / bu,
        'geneve': v4 / UDP(sport=9999, dport=6081) / GENEVE(vni=7, proto=0x6558) / ETHER / bu,
        'vxlan_in_six': IPv6(src=PEER, dst=MOVED) / UDP(dport=4789) / VXLAN(vni=5, flags=8) / ETHER / bu}
    frames = {name: [ETHER / packet] for name, packet in made.items()}
    frames.update({
        'tagged': [ETHER / Dot1Q(vlan=9) / bu], 'double': [ETHER / Dot1AD(vlan=9) / Dot1Q(vlan=8) / bu],
        'labelled': [ETHER / label / bu],
        'dialled': [ETHER / PPPoE(sessionid=5) / PPP(proto=0x57) / bu],
        'backbone': [Ether(src=ETHER.src, dst=ETHER.dst, type=0x88e7) / Raw(struct.pack('!I', 5) + raw(ETHER / bu))],
        'pieces6': [ETHER / piece for piece in fragment6(
            IPv6(src=CARE_OF, dst=AGENT) / IPv6ExtHdrFragment(id=9) / IPv6ExtHdrDestOpt(nh=135, options=home_option().options) /
            Raw(message(5, struct.pack('!HHH', 7, 0xc000, 900), one_option(13) * 12)), 1280)],
        'pieces4': [ETHER / piece for piece in fragment(v4 / bu, 48)]})
    return frames


def corpus():
    """Returns {name of a capture: its frames}."""
    made = {f'update_{number}': [ETHER / raw_update(number)] for number in OPTIONS}
    made.update({f'ack_{number}': [ETHER / raw_ack(number)] for number in OPTIONS})
    made.update({name: [ETHER / packet] for name, packet in messages().items()})
    made.update(surroundings())
    jumbo = IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=8 + 24 + 16)])
    whole = IPv6(src=CARE_OF, dst=AGENT, plen=0) / jumbo / home_option() / update()
    made['jumbo'] = [ETHER / whole]
    return made
