# SPDX-License-Identifier: Apache-2.0
"""Frames of Mobile IPv6 and announcements, built by scapy and by hand, each with what
Muster must read out of it. Used by captures_test.py, by the lab and for fuzzing seeds.
"""
import logging
import struct

logging.getLogger('scapy').setLevel(logging.ERROR)  # no advice about missing routes

from scapy.all import (ARP, ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, Dot1AD, Dot1Q, Ether, ESP, GRE, IP, IPv6,
                       IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, HAO, Raw,
                       RouterAlert, TCP, UDP, raw)
from scapy.layers.inet6 import (MIP6MH_BA, MIP6MH_BE, MIP6MH_BRR, MIP6MH_BU, MIP6MH_CoTI, MIP6MH_HoT, MIP6OptAltCoA,
                                MIP6OptMNID, HBHOptUnknown)

HOME, CARE_OF, AGENT, PEER, MOVED = ('2001:db8:1::10', '2001:db8:2::10', '2001:db8:1::1', '2001:db8:9::9',
                                     '2001:db8:3::10')
GUEST = '52:54:00:00:00:10'
GATEWAY = '52:54:00:00:00:01'
ETHER = Ether(src=GUEST, dst=GATEWAY)


def home_option(address=HOME):
    return IPv6ExtHdrDestOpt(options=[HAO(hoa=address)])


def update(flags='AH', seq=7, units=900, options=()):
    return MIP6MH_BU(seq=seq, flags=flags, mhtime=units, options=list(options))


def registration(source=CARE_OF, agent=AGENT, **keys):
    return IPv6(src=source, dst=agent) / home_option() / update(**keys)


def acknowledgement(status=0, seq=7, units=600, agent=AGENT, care_of=CARE_OF):
    return (IPv6(src=agent, dst=care_of) / IPv6ExtHdrRouting(type=2, addresses=[HOME], segleft=1) /
            MIP6MH_BA(status=status, seq=seq, mhtime=units))


def proxy_update():
    """A gateway registers a node; scapy does not know the link-layer option."""
    link_layer = struct.pack('!BBH6s', 25, 8, 0, bytes.fromhex(GUEST.replace(':', '')))
    home_prefix = struct.pack('!BBBB16s', 22, 18, 0, 64, bytes.fromhex('20010db8000100000000000000000000'))
    node = b'web1@dc1.example'
    options = struct.pack('!BBB', 8, len(node) + 1, 1) + node + home_prefix + link_layer
    options += b'\x01' + bytes([(-len(options) - 14) % 8]) + bytes((-len(options) - 14) % 8)
    header = struct.pack('!BBBBHHHH', 59, (12 + len(options)) // 8 - 1, 5, 0, 0, 3, 0xc200, 75)
    return IPv6(src='2001:db8:5::5', dst=AGENT, nh=135) / Raw(header + options)


def draft_update():
    """Destination option 198 of the drafts before the standard, on a TCP segment."""
    option = HBHOptUnknown(otype=198, optlen=8, optdata=struct.pack('!BBHI', 0xc0, 0, 5, 600))
    return IPv6(src=CARE_OF, dst=AGENT) / IPv6ExtHdrDestOpt(options=[HAO(hoa=HOME), option]) / TCP(dport=80)


def registration_told(**more):
    told = {'type': 'binding', 'event': 'update', 'home_address': HOME, 'care_of': CARE_OF, 'home_agent': AGENT,
            'correspondent': None, 'sequence': 7, 'lifetime_seconds': 3600, 'status': None, 'flags': ['A', 'H'],
            'deregistration': False, 'draft': False, 'checksum': 'right'}
    told.update(more)
    return told


def erspan(version, frame, tag=30):
    """A mirrored frame in ERSPAN I, II or III."""
    outer = ETHER / IP(src='192.0.2.1', dst='192.0.2.2')
    if version == 1:
        return outer / GRE(proto=0x88be) / Raw(raw(frame))
    header = struct.pack('!HHI', version - 1 << 12 | tag, 1, 0)
    header += struct.pack('!I', 0) if version == 3 else b''
    proto = 0x22eb if version == 3 else 0x88be
    return outer / GRE(proto=proto, seqnum_present=1, seqence_number=9) / Raw(header + raw(frame))


def vectors():
    """Returns {name: (frame, [what must be told])}."""
    bu, told = registration(), registration_told()
    na = IPv6(src='2001:db8:1::10', dst='ff02::1', hlim=255) / ICMPv6ND_NA(tgt='2001:db8:1::10', R=0, S=0, O=1)
    na /= ICMPv6NDOptDstLLAddr(lladdr=GUEST)
    heard = {'type': 'announcement', 'mac': GUEST, 'vlan': None, 'sender': GUEST}
    garp = ARP(op=1, hwsrc=GUEST, psrc='192.0.2.77', pdst='192.0.2.77')
    rarp = ARP(op=3, hwsrc=GUEST, hwdst=GUEST, psrc='0.0.0.0', pdst='0.0.0.0')
    ack = {'type': 'binding', 'event': 'ack', 'home_address': HOME, 'care_of': CARE_OF, 'status': 0, 'sequence': 7,
           'lifetime_seconds': 2400}
    deep = IPv6(src=CARE_OF, dst=AGENT) / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / home_option()
    return {
        'registration': (ETHER / bu, [told]),
        'to_correspondent': (ETHER / registration(agent=PEER, flags='A'),
                             [registration_told(home_agent=None, correspondent=PEER, flags=['A'])]),
        'alternate_care_of': (ETHER / registration(options=[MIP6OptAltCoA(acoa=MOVED)]),
                              [registration_told(care_of=MOVED)]),
        'deregistration': (ETHER / registration(units=0),
                           [registration_told(lifetime_seconds=0, deregistration=True)]),
        'acknowledgement': (ETHER / acknowledgement(), [ack]),
        'refused': (ETHER / acknowledgement(status=132), [dict(ack, status=132)]),
        'vlan': (ETHER / Dot1Q(vlan=10) / bu, [told]),
        'priority_tag': (ETHER / Dot1Q(vlan=0, prio=5) / bu, [told]),
        'qinq': (ETHER / Dot1AD(vlan=100) / Dot1Q(vlan=10) / bu, [told]),
        'old_qinq': (Ether(src=GUEST, dst=GATEWAY, type=0x9100) / Raw(struct.pack('!HH', 100, 0x8100)) / Raw(
            struct.pack('!HH', 10, 0x86dd)) / Raw(raw(bu)), [told]),
        'ip6_in_ip6': (ETHER / IPv6(src=CARE_OF, dst=AGENT) / bu, [told]),
        'ip6_in_ip4': (ETHER / IP(src='192.0.2.1', dst='192.0.2.2', proto=41) / bu, [told]),
        'gre_ip6': (ETHER / IP() / GRE(proto=0x86dd) / bu, [told]),
        'gre_bridged': (ETHER / IP() / GRE(proto=0x6558, key_present=1, key=7) / Raw(raw(ETHER / bu)), [told]),
        'erspan1': (erspan(1, ETHER / bu), [told]),
        'erspan2': (erspan(2, ETHER / bu), [told]),
        'erspan3': (erspan(3, ETHER / bu), [told]),
        'erspan_garp': (erspan(2, Ether(src=GUEST, dst='ff:ff:ff:ff:ff:ff') / garp),
                        [dict(heard, event='gratuitous_arp', vlan=30, address='192.0.2.77')]),
        'hop_by_hop': (ETHER / deep / update(), [told]),
        'first_fragment': (ETHER / IPv6(src=CARE_OF, dst=AGENT) / IPv6ExtHdrFragment(m=1, offset=0, id=1) / home_option() /
                           update(), [told]),
        'later_fragment': (ETHER / IPv6(src=CARE_OF, dst=AGENT) / IPv6ExtHdrFragment(offset=3, nh=135, id=2) /
                           Raw(raw(update())), []),
        'esp_update': (ETHER / IPv6(src=CARE_OF, dst=AGENT) / home_option() / ESP(spi=1, seq=1, data=bytes(40)), [
            {'type': 'binding', 'event': 'protected_update', 'home_address': HOME, 'care_of': CARE_OF,
             'home_agent': AGENT, 'lifetime_seconds': None, 'sequence': None, 'deregistration': False}]),
        'esp_ack': (ETHER / IPv6(src=AGENT, dst=CARE_OF) / IPv6ExtHdrRouting(type=2, addresses=[HOME], segleft=1) /
                    ESP(spi=1, seq=1, data=bytes(40)), [
            {'type': 'binding', 'event': 'protected_ack', 'home_address': HOME, 'care_of': CARE_OF,
             'home_agent': AGENT}]),
        'data': (ETHER / IPv6(src=CARE_OF, dst=PEER) / home_option() / UDP() / b'hello', [
            {'type': 'binding', 'event': 'data', 'home_address': HOME, 'care_of': CARE_OF, 'correspondent': PEER}]),
        'proxy': (ETHER / proxy_update(), [
            {'type': 'binding', 'event': 'update', 'home_address': None, 'care_of': '2001:db8:5::5',
             'home_agent': AGENT, 'home_prefix': '2001:db8:1::/64', 'mn_id': 'web1@dc1.example', 'link_layer': GUEST,
             'mac': GUEST, 'flags': ['A', 'H', 'P'], 'lifetime_seconds': 300, 'sequence': 3}]),
        'proxy_scapy': (ETHER / IPv6(src='2001:db8:5::5', dst=AGENT) / update(
            flags='AHP', options=[MIP6OptMNID(subtype=1, id=b'n@example')]),
            [{'type': 'binding', 'event': 'update', 'mn_id': 'n@example', 'flags': ['A', 'H', 'P']}]),
        'draft': (ETHER / draft_update(), [
            {'type': 'binding', 'event': 'update', 'draft': True, 'home_address': HOME, 'care_of': CARE_OF,
             'home_agent': AGENT, 'sequence': 5, 'lifetime_seconds': 600}]),
        'home_test': (ETHER / IPv6(src=PEER, dst=HOME) / MIP6MH_HoT(), [
            {'type': 'binding', 'event': 'home_test', 'home_address': HOME, 'correspondent': PEER}]),
        'care_of_test_init': (ETHER / IPv6(src=CARE_OF, dst=PEER) / MIP6MH_CoTI(), [
            {'type': 'binding', 'event': 'care_of_test_init', 'care_of': CARE_OF, 'correspondent': PEER}]),
        'error': (ETHER / IPv6(src=PEER, dst=CARE_OF) / MIP6MH_BE(status=1, ha=HOME), [
            {'type': 'binding', 'event': 'error', 'status': 1, 'home_address': HOME}]),
        'refresh_request': (ETHER / IPv6(src=AGENT, dst=HOME) / MIP6MH_BRR(), [
            {'type': 'binding', 'event': 'refresh_request', 'home_address': HOME}]),
        'garp': (Ether(src=GUEST, dst='ff:ff:ff:ff:ff:ff') / garp,
                 [dict(heard, event='gratuitous_arp', address='192.0.2.77')]),
        'garp_vlan': (Ether(src=GUEST, dst='ff:ff:ff:ff:ff:ff') / Dot1Q(vlan=10) / garp,
                      [dict(heard, event='gratuitous_arp', address='192.0.2.77', vlan=10)]),
        'rarp': (Ether(src=GUEST, dst='ff:ff:ff:ff:ff:ff', type=0x8035) / rarp,
                 [dict(heard, event='rarp', address=None)]),
        'unsolicited_nd': (ETHER / na, [dict(heard, event='unsolicited_nd', address='2001:db8:1::10')]),
        'arp_question': (ETHER / ARP(op=1, hwsrc=GUEST, psrc='192.0.2.77', pdst='192.0.2.78'), []),
        'decoy_payload': (ETHER / IPv6(src=CARE_OF, dst=PEER) / UDP(dport=4444) / raw(home_option() / update()), []),
        'decoy_type0': (ETHER / IPv6(src=CARE_OF, dst=PEER) / IPv6ExtHdrRouting(type=0, addresses=[HOME]) / UDP(), []),
    }

