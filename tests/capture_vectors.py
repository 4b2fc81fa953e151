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
from scapy.layers.dot11 import Dot11, RadioTap
from scapy.layers.l2 import LLC, SNAP
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


def with_option(kind, data, **keys):
    """An update with one option that scapy does not know."""
    option = bytes([kind, len(data)]) + data
    padding = -(12 + len(option)) % 8
    option += bytes(padding) if padding < 2 else b'\1' + bytes([padding - 2]) + bytes(padding - 2)
    head = struct.pack('!BBBBHHHH', 59, (12 + len(option)) // 8 - 1, 5, 0, 0, 7, keys.get('flags', 0xc000), 900)
    return Raw(head + option)


def signed_only(packet, icv, esp=True):
    """`packet`, which ends in a Mobility Header, with ESP that does not encrypt, or AH."""
    whole = IPv6(raw(packet))  # scapy fills in lengths and checksum
    last, message = whole, None
    while message is None:
        if last.nh == 135:
            message = raw(last.payload)
        else:
            last = last.payload
    last.remove_payload()
    if esp:
        padding = -(len(message) + 2) % 4
        last.nh = 50
        body = struct.pack('!II', 77, 1) + message + bytes(range(1, padding + 1)) + bytes([padding, 135]) + b'\x9a' * icv
    else:
        last.nh = 51
        body = struct.pack('!BBHII', 135, 4, 0, 77, 1) + b'\x9a' * 12 + message
    whole.plen = None
    return IPv6(raw(whole / Raw(body)))


def in_the_air(packet, ds=1, aggregate=False):
    body = LLC(dsap=0xaa, ssap=0xaa, ctrl=3) / SNAP(OUI=0, code=0x86dd) / packet
    head = Dot11(type=2, subtype=8 if aggregate else 0, FCfield=ds, addr1=GATEWAY, addr2=GUEST, addr3=GATEWAY)
    if not aggregate:
        return RadioTap() / head / body
    part = raw(body)
    part = bytes.fromhex((GATEWAY + GUEST).replace(':', '')) + struct.pack('!H', len(part)) + part
    return RadioTap() / head / Raw(b'\x80\0' + part + bytes(-len(part) % 4) + part)


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
    outer4 = ETHER / IP(src='198.51.100.7', dst='192.0.2.1') / UDP(sport=4191, dport=4191)
    in_ipv4 = with_option(32, b'\0\0' + bytes([198, 51, 100, 7]))
    proxied = with_option(36, b'\x60\0' + bytes([10, 0, 0, 9]), flags=0xc200)
    return {
        'esp_null': (ETHER / signed_only(bu, 12), [dict(told, behind='esp_null')]),
        'esp_null_long': (ETHER / signed_only(bu, 32), [dict(told, behind='esp_null')]),
        'authenticated': (ETHER / signed_only(bu, 0, esp=False), [dict(told, behind='ah')]),
        'dual_stack_update': (outer4 / IPv6(src=HOME, dst=AGENT, nh=135) / in_ipv4, [
            registration_told(care_of='198.51.100.7', checksum='none', behind=None)]),
        'dual_stack_ack': (ETHER / IP(src='192.0.2.1', dst='198.51.100.7') / UDP(sport=4191, dport=4191) /
                           IPv6(src=AGENT, dst=HOME) / MIP6MH_BA(status=0, seq=7, mhtime=600),
                           [{'event': 'ack', 'home_address': HOME, 'care_of': None, 'lifetime_seconds': 2400}]),
        'proxy_over_ipv4': (ETHER / IP(src='198.51.100.7', dst='192.0.2.1') / UDP(sport=5436, dport=5436) / proxied, [
            {'event': 'update', 'home_address': None, 'care_of': '198.51.100.7', 'home_agent': '192.0.2.1',
             'ipv4_home_address': '10.0.0.9', 'flags': ['A', 'H', 'P'], 'deregistration': False}]),
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

