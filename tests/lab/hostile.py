#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: hostile.py [SCALE]        (SCALE: else MUSTER_HOSTILE_SCALE, else 5)

A real musterd among hostile senders: forged, replayed, shuffled and malformed accounting, a
storm of traps, a mirror full of invented and borrowed addresses. Its memory stays within
bounds, `muster status` says what was refused, no case comes of what was forged, and a
genuine discrepancy in the midst of each flood is a case within seconds. SCALE multiplies the
floods: 10 is 400,000 traps and 400,000 frames.

The mirror needs a namespace of its own; where there is none, the frames come from a capture
file instead.
"""
import hashlib
import multiprocessing
import os
import random
import socket
import struct
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab
from musterd import Daemon, Watch, wait_until

SECRET = b'hostile-secret'
RADIUS, TRAPS = 21813, 21162
GUESTS, GUESTS_A_PORT = 1000, 25
START, STOP, INTERIM = 1, 2, 3
FORGED, MALFORMED, REPLAYED, TRAP_STORM, FRAMES = 10_000, 5_000, 5_000, 40_000, 40_000
MEMORY_MORE = 96 << 20  # what all floods together may add to the resident memory
CASE_SECONDS = 5
CONTEXT = multiprocessing.get_context('fork')  # a flood inherits its socket and its frames


# --- accounting ---


def attribute(kind, value):
    return bytes([kind, len(value) + 2]) + value


def accounting(status, mac, port, session, identifier=1, at=None, secret=SECRET, nas=b'sw1'):
    """One signed record, as RFC 2866 writes it."""
    body = (attribute(40, struct.pack('>I', status)) + attribute(44, session.encode()) +
            attribute(31, mac.upper().replace(':', '-').encode()) + attribute(87, port.encode()) +
            attribute(32, nas) + attribute(55, struct.pack('>I', int(at or time.time()))))
    head = struct.pack('>BBH', 4, identifier, 20 + len(body))
    return head + hashlib.md5(head + bytes(16) + body + secret).digest() + body


class Sender:
    """A socket at one of the machine's loopback addresses."""

    def __init__(self, port, address='127.0.0.1'):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind((address, 0))
        self.socket.connect(('127.0.0.1', port))

    def send(self, packet):
        try:
            self.socket.send(packet)
        except ConnectionRefusedError:
            sys.exit('musterd does not listen any more')

    def answers(self, seconds):
        """How many answers come until none comes for so long."""
        self.socket.settimeout(seconds)
        count = 0
        try:
            while self.socket.recv(4096):
                count += 1
        except socket.timeout:
            return count


def home_port(number):
    return f'Gi0/{number // GUESTS_A_PORT + 1}'


def wrong_port(number):
    return f'Gi0/{(number // GUESTS_A_PORT + 5) % (GUESTS // GUESTS_A_PORT) + 1}'


class Genuine:
    """Guests that really are where they should not be, one a flood."""

    def __init__(self, daemon):
        self.watch = Watch(daemon)
        self.sender = Sender(RADIUS)
        self.next = GUESTS - 1
        self.guests = []

    def happens(self, check, when):
        """One guest begins a session at a wrong port; how long until its case is told."""
        number, self.next = self.next, self.next - GUESTS_A_PORT
        guest = f'g{number}'
        begun, at = time.monotonic(), time.time()
        told = None
        for attempt in range(CASE_SECONDS):
            # As a switch does: it repeats what is not answered.
            self.sender.send(accounting(START, lab.guest_mac(number), wrong_port(number),
                                        f'genuine-{number}', attempt, at=at))
            deadline = time.monotonic() + 1
            while told is None and time.monotonic() < deadline:
                told = self.watch.find(lambda line: line['type'] == 'case' and
                                       line['kind'] in ('wrong_location', 'duplicate_guest') and
                                       line['subject'].get('guest') == guest)
                time.sleep(0.002)
            if told is not None:
                break
        check.that(f'a genuine event {when} becomes a case', told is not None)
        self.guests.append(guest)
        return told[0] - begun if told else None


class Flood:
    """Sends what `packets` gives, in a process of its own."""

    def __init__(self, send, packets):
        self.sent = CONTEXT.Value('Q', 0)
        self.process = CONTEXT.Process(target=self._run, args=(send, packets), daemon=True)

    def _run(self, send, packets):
        count = 0
        for packet in packets:
            send(packet)
            count += 1
        self.sent.value = count

    def start(self):
        self.process.start()

    def join(self):
        self.process.join()
        if self.process.exitcode != 0:
            sys.exit('a flood could not be sent')

    @property
    def count(self):
        return self.sent.value


def forged(check, daemon, genuine, scale):
    """Wrong secrets, clients that nobody configured; each would be a wrong place."""
    liar, stranger = Sender(RADIUS), Sender(RADIUS, '127.0.0.9')
    packets = [accounting(START, lab.guest_mac(n % 500), wrong_port(n % 500), f'forged-{n}', n & 255,
                          secret=b'guessed') for n in range(2000)]
    strange = [accounting(START, lab.guest_mac(n), wrong_port(n), f'strange-{n}', n & 255)
               for n in range(500)]
    flood = Flood(liar.send, (packets[n % 2000] for n in range(FORGED * scale)))
    other = Flood(stranger.send, (strange[n % 500] for n in range(FORGED * scale // 4)))
    took = amid(check, genuine, [flood, other], 'among forged records')
    counters = settled(daemon, 'acct')
    check.that('wrong authenticators are counted', counters['bad_authenticator'] > 0, counters)
    check.that('unknown clients are counted', counters['unknown_client'] > 0, counters)
    check.equal('all of it is accounted for', counters['bad_authenticator'] +
                counters['unknown_client'] + counters['kernel_dropped'] + counters['accepted_now'],
                flood.count + other.count + counters['accepted_now'])
    check.equal('no forged record is answered', liar.answers(0.1) + stranger.answers(0.1), 0)
    return flood.count + other.count, took


def malformed_records(dice):
    """Too short, too long, cut off, with lengths that lie; some of them signed."""
    for number in range(512):
        good = accounting(START, lab.guest_mac(number % 400), wrong_port(number % 400), f'bad-{number}',
                          number & 255)
        yield good[:dice.randrange(20)]
        yield good[:dice.randrange(20, len(good) - 1)]
        yield good[:2] + struct.pack('>H', dice.choice((0, 19, 4097, 65535))) + good[4:]
        yield good + bytes(5000)
        spoilt = bytearray(good)
        spoilt[21 + dice.randrange(len(good) - 21)] ^= 1 << dice.randrange(8)
        yield bytes(spoilt)
        body = b''.join(attribute(dice.randrange(1, 255), dice.randbytes(dice.randrange(1, 30)))
                        for _ in range(20)) + bytes([40, dice.choice((0, 1, 200))])
        head = struct.pack('>BBH', dice.choice((1, 4, 4, 4, 12, 43)), number & 255, 20 + len(body))
        yield head + hashlib.md5(head + bytes(16) + body + SECRET).digest() + body


def malformed(check, daemon, genuine, scale):
    sender = Sender(RADIUS)
    packets = list(malformed_records(random.Random(3)))
    before = settled(daemon, 'acct')
    flood = Flood(sender.send, (packets[n % len(packets)] for n in range(MALFORMED * scale)))
    took = amid(check, genuine, [flood], 'among malformed records')
    after = settled(daemon, 'acct')
    check.that('malformed records are counted', after['malformed'] > before['malformed'] + 1000,
               after)
    return flood.count, took


def replayed(check, daemon, genuine, scale):
    """The same octets again and again; the same record under other identifiers; records of a
    session in any order, several times: in the end the session is over, and told once. Its guest
    has begun another one since, so that nothing is wrong."""
    sender, dice = Sender(RADIUS), random.Random(5)
    before = daemon.status()
    now = time.time()
    octets = accounting(START, lab.guest_mac(1), home_port(1), 'replayed', 7, at=now)
    again = [accounting(START, lab.guest_mac(1), home_port(1), 'replayed', n & 255, at=now)
             for n in range(256)]
    stays = [accounting(START, lab.guest_mac(40 + n), home_port(40 + n), f'stays-{n}', n, at=now)
             for n in range(100)]
    for packet in stays:
        sender.send(packet)
    story = [accounting(status, lab.guest_mac(40 + n), home_port(40 + n), f'shuffled-{n}',
                        dice.randrange(256), at=now - 100 + 20 * status_number)
             for n in range(100)
             for status_number, status in enumerate((START, INTERIM, STOP)) for _ in range(3)]
    dice.shuffle(story)
    flood = Flood(sender.send, [octets] * (REPLAYED * scale) + again * (4 * scale) + story)
    took = amid(check, genuine, [flood], 'among replayed records')
    for packet in story:  # what the socket had no room for
        sender.send(packet)
    counters = settled(daemon, 'acct')
    after = daemon.status()
    check.that('repetitions are counted', counters['duplicate'] + counters['repeated'] > REPLAYED * scale / 4,
               counters)
    added = after['events']['stored'] - before['events']['stored']
    check.that('what is repeated is stored once', added <= 100 + 1 + 300 + 1, added)
    wait_until('the shuffled sessions are over', lambda: daemon.status()['expiry_list']['sessions'] <=
               before['expiry_list']['sessions'] + 102)
    return flood.count, took


# --- traps ---


def ber(tag, content):
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    return bytes([tag, 0x82, length >> 8, length & 255]) + content


def trap(community, oid, *bindings):
    """SNMPv2c, with sysUpTime.0 and snmpTrapOID.0 before the bindings."""
    def binding(name, value):
        return ber(0x30, ber(6, name) + value)
    head = (binding(bytes.fromhex('2b06010201010300'), ber(0x43, b'\x05\x7e\x40')) +
            binding(bytes.fromhex('2b060106030101040100'), ber(6, oid)))
    pdu = ber(0xa7, ber(2, b'\x02\x12\x67\x02') + ber(2, b'\0') + ber(2, b'\0') +
              ber(0x30, head + b''.join(binding(*one) for one in bindings)))
    return ber(0x30, ber(2, b'\x01') + ber(4, community) + pdu)


def link_down(index, community=b'public'):
    return trap(community, bytes.fromhex('2b0601060301010503'),
                (bytes.fromhex('2b0601020102020101') + bytes([index]), ber(2, bytes([index]))))


def mac_learnt(mac, port, community=b'public'):
    """cmnMacChangedNotification with one address that was learnt at a base port."""
    tuples = b'\x01' + struct.pack('>H', 10) + lab.octets(mac) + struct.pack('>H', port) + b'\0'
    return trap(community, bytes.fromhex('2b0601040109098157020001'),
                (bytes.fromhex('2b0601040109098157010108010201'), ber(4, tuples)))


def trap_storm(check, daemon, genuine, scale):
    """One device sends as fast as it can, with the right community and with wrong ones: where
    guests are not, and links that go down. Meanwhile another says one thing."""
    device, other = Sender(TRAPS, '127.0.0.3'), Sender(TRAPS, '127.0.0.4')
    packets = [packet for n in range(250)
               for packet in (mac_learnt(lab.guest_mac(n), 33), link_down(n % 100 + 1),
                              mac_learnt(lab.guest_mac(n), 33, b'wrong'), link_down(7, b'private'))]
    before, polls_before = daemon.status(), daemon.source('sw1')['polls']
    flood = Flood(device.send, (packets[n % 1000] for n in range(TRAP_STORM * scale)))
    took = amid(check, genuine, [flood], 'in a storm of traps', lambda: other.send(link_down(3)))
    counters = settled(daemon, 'traps')
    after = daemon.status()
    lost = counters['rate_limited'] + counters['kernel_drops'] + counters['unknown_communities']
    check.that('the storm is limited and counted', lost > flood.count * 0.9, counters)
    check.that('wrong communities are counted', counters['unknown_communities'] > 0, counters)
    check.that('few become events', after['events']['heard'] - before['events']['heard'] < flood.count / 10,
               after['events'])
    polls = wait_until('the switch is polled out of turn',
                       lambda: daemon.source('sw1')['polls'] - polls_before)
    check.that('but not often', polls < 20, polls)
    return flood.count, took


# --- the mirror ---


def frames(dice, count):
    """Invented source addresses, in VLANs and out of them; announcements in the name of
    recorded guests."""
    for number in range(count):
        source = b'\x52\x54' + dice.randbytes(4)
        kind = number % 10
        if kind < 6:
            yield b'\xff' * 6 + source + b'\x88\xb5' + bytes(46)
        elif kind < 9:
            yield (b'\xff' * 6 + source + b'\x81\x00' + struct.pack('>H', dice.randrange(1, 4095)) +
                   b'\x88\xb5' + bytes(46))
        else:
            mac = lab.octets(lab.guest_mac(dice.randrange(500)))
            address = bytes([192, 0, 2, 9])
            yield (b'\xff' * 6 + mac + b'\x08\x06' + bytes.fromhex('0001080006040001') + mac + address +
                   bytes(6) + address + bytes(18))


def write_capture(path, packets):
    with open(path, 'wb') as file:
        file.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for packet in packets:
            now = time.time()
            file.write(struct.pack('<IIII', int(now), int(now % 1 * 1e6), len(packet), len(packet)))
            file.write(packet)


def mac_flood(check, daemon, genuine, scale, live):
    dice = random.Random(11)
    before = daemon.status()
    packets = list(frames(dice, FRAMES * scale))
    if live:
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sender.bind(('span0', 0))
        flood = Flood(sender.send, packets)
    else:
        write_capture(f'{daemon.directory}/flood.pcap', packets)
        add_mirror(daemon, 'file: flood.pcap')
        flood = Flood(lambda packet: None, packets)
    took = amid(check, genuine, [flood], 'in a flood of addresses')
    counters = settled(daemon, 'mirror')
    after = daemon.status()
    seen = counters.get('frames', counters.get('file_packets', 0))
    check.that('the frames were seen, or counted as lost',
               seen + counters.get('kernel_drops', 0) >= flood.count * 0.99, counters)
    check.that('what was left out is counted', counters['addresses_silenced'] > 0, counters)
    check.that('the list keeps its places for what is known',
               after['expiry_list']['sessions'] < 200_000, after['expiry_list'])
    print(f'  {after["events"]["heard"] - before["events"]["heard"]} events of {seen} frames, '
          f'{counters["addresses_silenced"]} silenced, {counters["addresses_evicted"]} evicted, '
          f'{after["expiry_list"]["sessions"]} on the expiry list')
    return flood.count, took


# --- all of it ---


def amid(check, genuine, floods, when, also=None):
    """Runs the floods, and in the midst of them something genuine."""
    for flood in floods:
        flood.start()
    time.sleep(0.05)
    if also is not None:
        also()
    took = genuine.happens(check, when)
    for flood in floods:
        flood.join()
    if also is not None:
        also()
    return took


def settled(daemon, name):
    """The counters of a source once they stand still; `accepted_now`: events so far."""
    def still():
        first = daemon.source(name)
        time.sleep(0.15)
        second = daemon.source(name)
        return second if first['counters'] == second['counters'] else None
    source = wait_until(f'source {name} has read all', still, 60)
    return {**source['counters'], 'accepted_now': source['events']}


def add_mirror(daemon, where):
    with open(f'{daemon.directory}/muster.yaml', 'a') as file:
        file.write(f'  - {{type: announce, {where}, switch: sw1, census: yes, name: mirror}}\n')
    daemon.muster('reload')


def write_world(folder, live):
    for name, text in (('secret', SECRET.decode() + '\n'), ('community', 'public\n')):
        with open(f'{folder}/{name}', 'w') as file:
            file.write(text)
        os.chmod(f'{folder}/{name}', 0o600)
    with open(f'{folder}/guests.csv', 'w') as file:
        file.write('hypervisor,guest,mac,run_state\n')
        for number in range(GUESTS):
            file.write(f'hv{number // GUESTS_A_PORT + 1},g{number},{lab.guest_mac(number)},on\n')
    with open(f'{folder}/attachments.csv', 'w') as file:
        file.write('hypervisor,nic_mac,switch,port\n')
        for number in range(1, GUESTS // GUESTS_A_PORT + 1):
            file.write(f'hv{number},02:00:00:00:00:{number:02x},sw1,Gi0/{number}\n')
    with open(f'{folder}/sw1.csv', 'w') as file:
        file.write('switch,port,vlan,mac,status\n')
        for number in range(GUESTS):
            file.write(f'sw1,{home_port(number)},10,{lab.guest_mac(number)},learned\n')
    with open(f'{folder}/muster.yaml', 'w') as file:
        file.write(f'''recorded:
  - {{type: csv, guests: guests.csv, attachments: attachments.csv}}
observed:
  - {{type: recording, switch: sw1, file: sw1.csv}}
daemon: {{interval: 1h, poll_gap: 1s}}
events:
  - {{type: radius, listen: 127.0.0.1, port: {RADIUS}, client: 127.0.0.1, secret_file: secret, name: acct}}
  - {{type: snmp_trap, listen: "127.0.0.1:{TRAPS}", community_file: community, name: traps,
     devices: [127.0.0.3=sw1, 127.0.0.4=sw1]}}
''' + ('  - {type: announce, interface: span1, switch: sw1, census: yes, name: mirror}\n' if live else ''))


def endure(check, daemon, genuine, scale, live):
    first = daemon.status()['resident_bytes']
    floods = {'forged': forged, 'malformed': malformed, 'replayed': replayed, 'traps': trap_storm,
              'addresses': lambda *words: mac_flood(*words, live)}
    for name, flood in floods.items():
        started = time.monotonic()
        count, took = flood(check, daemon, genuine, scale)
        print(f'{name}: {count} in {time.monotonic() - started:.1f} s, the genuine case after '
              f'{(took or 0) * 1000:.0f} ms, resident {daemon.status()["resident_bytes"] >> 20} MiB')
    last = daemon.status()['resident_bytes']
    check.that('memory is bounded', last - first < MEMORY_MORE, f'{first} to {last}')
    cases = daemon.cases()
    check.equal('every case is of a genuine event', sorted(case['subject'].get('guest', case['kind'])
                                                            for case in cases), sorted(genuine.guests))
    status = daemon.status()
    check.equal('no event was lost on the way to the disk', status['events']['not_stored'], 0)
    print(f'resident {first >> 20} MiB before, {last >> 20} MiB after; {len(cases)} cases, all genuine; '
          f'journal {status["journal"]["disk_bytes"] >> 20} MiB')


def main():
    scale = int(sys.argv[1] if len(sys.argv) > 1 else os.environ.get('MUSTER_HOSTILE_SCALE', 5))
    live = lab.enter(['ip'], optional=True)
    check = lab.Check()
    if live:
        lab.add_port(None, 'span0', 'span1')
    with tempfile.TemporaryDirectory(prefix='muster-hostile-') as folder:
        write_world(folder, live)
        daemon = Daemon(folder)
        genuine = None
        try:
            daemon.start()
            wait_until('the first round', lambda: daemon.status()['round']['rounds'] > 0)
            genuine = Genuine(daemon)
            time.sleep(1)  # accounting has whole seconds; its first must be after the round
            endure(check, daemon, genuine, scale, live)
            check.equal('it ends when told to', daemon.stop(), 0)
        finally:
            if genuine is not None:
                genuine.watch.stop()
            if daemon.process is not None and daemon.process.poll() is None:
                daemon.kill()
            if check.failed:
                print(daemon.log()[-3000:])
    check.end()


main()
