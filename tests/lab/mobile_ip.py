#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A mirror port: tc copies what enters a switch's ports to a monitor interface, where the
event sources mobile_ip and announce listen together. Frames come from scapy; a real
QEMU guest migrates from one tap to another and announces itself.
"""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.environ['MUSTER_ROOT'], 'tests'))
import lab

QEMU = 'qemu-system-x86_64'


def mirror(port):
    """What enters `port` also leaves through span0, each frame once."""
    lab.run('tc', 'qdisc', 'add', 'dev', port, 'clsact')
    lab.run('tc', 'filter', 'add', 'dev', port, 'ingress', 'protocol', 'all', 'prio', '1', 'u32', 'match', 'u32', '0',
            '0', 'action', 'mirred', 'egress', 'mirror', 'dev', 'span0')


def set_up():
    lab.add_bridge()
    lab.add_port(None, 'span0', 'span1')
    for port, host in (('p1', 'e1'), ('p2', 'e2')):
        lab.add_port('br0', port, host)
        mirror(port)


def send(interface, *frames):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((interface, 0))
        for frame in frames:
            sender.send(bytes(frame))


def brief(event):
    return (event['event'], event.get('address'), event.get('care_of'), event.get('cause'))


def life_of_a_binding(check, ear, v):
    send('e1', v.ETHER / v.registration(seq=1))
    before = time.monotonic()
    event = ear.wait(1)[0]
    check.equal('registered', brief(event), ('start', v.HOME, v.CARE_OF, None))
    check.equal('with whom, how long, what worth', (event['home_agent'], event['lifetime_seconds'], event['proof']),
                (v.AGENT, 3600, 'heard'))
    check.that('within a second', time.monotonic() - before < 1)
    send('e2', v.ETHER / v.acknowledgement(seq=1, units=100))
    event = ear.wait(1)[0]
    check.equal('granted less', (event['event'], event['lifetime_seconds']), ('update', 400))
    send('e1', v.ETHER / v.registration(seq=2, source=v.MOVED))
    check.equal('moved', brief(ear.wait(1)[0]), ('start', v.HOME, v.MOVED, None))
    send('e1', v.ETHER / v.registration(seq=1))  # replayed
    send('e1', v.ETHER / v.registration(seq=3, source=v.MOVED, units=0))
    check.equal('came home', brief(ear.wait(1)[0]), ('stop', v.HOME, v.MOVED, 'deregistered'))


def every_wrapping(check, ear, v):
    """The same registration in every wrapping that a mirror puts around it."""
    names = ('vlan', 'qinq', 'old_qinq', 'priority_tag', 'ip6_in_ip6', 'ip6_in_ip4', 'gre_ip6', 'gre_bridged', 'erspan1',
             'erspan2', 'erspan3', 'hop_by_hop', 'first_fragment')
    frames = v.vectors()
    from scapy.all import HAO, IPv6ExtHdrDestOpt, raw
    for number, name in enumerate(names, 1):
        # Each with a home address of its own, put where the one of the vector stands.
        home = '2001:db8:1::%x' % (0x1000 + number)
        old, new = (socket.inet_pton(socket.AF_INET6, text) for text in (v.HOME, home))
        send('e1', raw(frames[name][0]).replace(old, new))
        check.equal(f'in {name}', brief(ear.wait(1)[0]), ('start', home, v.CARE_OF, None))


def what_stays_in_the_clear(check, ear, v):
    frames = v.vectors()
    send('e1', frames['decoy_payload'][0], frames['decoy_type0'][0], frames['later_fragment'][0])
    send('e1', v.ETHER / v.registration(seq=9))
    ear.wait(1)
    send('e1', frames['proxy'][0])
    event = ear.wait(1)[0]
    check.equal('a proxied node joins MAC and prefix', (event['event'], event['mac'], event['address'], event['node']),
                ('start', v.GUEST, '2001:db8:1::', 'web1@dc1.example'))


def announcements(check, ear, v):
    frames = v.vectors()
    ear.take()
    for name, address, vlan in (('garp', '192.0.2.77', None), ('rarp', None, None), ('garp_vlan', '192.0.2.77', 10),
                                ('unsolicited_nd', '2001:db8:1::10', None)):
        time.sleep(1.05)  # the same address is told once a second
        send('e1', frames[name][0])
        event = ear.wait(1)[0]
        check.equal(name, (event['event'], event['mac'], event.get('address'), event.get('vlan')),
                    ('announce', v.GUEST, address, vlan))


def link_that_flaps(check, ear, v):
    """The monitor interface goes down and comes back: nothing is restarted, nothing lost."""
    lab.run('ip', 'link', 'set', 'span1', 'down')
    time.sleep(0.3)
    lab.run('ip', 'link', 'set', 'span1', 'up')
    time.sleep(0.2)
    send('e1', v.ETHER / v.registration(seq=50))
    check.that('heard after the link came back', ear.wait(1)[0]['event'] in ('start', 'update'))
    check.equal('no failure', ear.failure(), '')


# --- a real guest ---

class Guest:
    """A QEMU guest without disk on a tap of the switch; `incoming` waits for a migration."""

    def __init__(self, folder, name, tap, mac, incoming=False):
        self.socket = f'{folder}/{name}.qmp'
        command = [QEMU, '-accel', 'tcg', '-machine', 'pc', '-m', '8', '-nodefaults', '-display', 'none', '-no-user-config',
                   '-netdev', f'tap,id=n0,ifname={tap},script=no,downscript=no', '-device',
                   f'ne2k_pci,id=nic0,netdev=n0,mac={mac},romfile=', '-qmp', f'unix:{self.socket},server=on,wait=off']
        self.way = f'{folder}/migration'
        self.ready = self.way if incoming else self.socket
        if incoming:
            command += ['-incoming', f'unix:{self.way}']
        self.errors = tempfile.TemporaryFile('w+')
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self.errors)
        lab.wait_until(f'QEMU {name}', self._is_ready, 20)

    def _is_ready(self):
        if self.process.poll() is not None:
            self.errors.seek(0)
            lab.skip(f'QEMU does not run here: {self.errors.read().strip()[-200:]}')
        return os.path.exists(self.ready)

    def ask(self, command):
        """One QMP command; returns its answer."""
        import json
        with socket.socket(socket.AF_UNIX) as qmp:
            qmp.connect(self.socket)
            lines = qmp.makefile('rw')
            lines.readline()
            for words in ({'execute': 'qmp_capabilities'}, command):
                lines.write(json.dumps(words) + '\n')
                lines.flush()
                answer = json.loads(lines.readline())
                while 'event' in answer:
                    answer = json.loads(lines.readline())
            return answer

    def stop(self):
        self.process.kill()
        self.process.wait()


def migration(check, ear):
    """A live migration is heard the moment it happens."""
    mac = '52:54:00:00:00:77'
    if shutil.which(QEMU) is None:
        print(f'skipped: a real guest ({QEMU} is not installed)')
        return
    for tap in ('t1', 't2'):
        lab.run('ip', 'tuntap', 'add', 'dev', tap, 'mode', 'tap')
        lab.run('ip', 'link', 'set', tap, 'addrgenmode', 'none')
        lab.run('ip', 'link', 'set', tap, 'master', 'br0')
        lab.run('ip', 'link', 'set', tap, 'up')
        mirror(tap)
    with tempfile.TemporaryDirectory() as folder:
        source = Guest(folder, 'source', 't1', mac)
        target = Guest(folder, 'target', 't2', mac, incoming=True)
        try:
            ear.take()
            answer = source.ask({'execute': 'migrate', 'arguments': {'uri': f'unix:{target.way}'}})
            check.equal('migration begins', answer, {'return': {}})
            event = ear.wait(1, 20)[0]
            check.equal('the guest announces itself', (event['event'], event['mac'], event['cause']),
                        ('announce', mac, 'rarp'))
            status = source.ask({'execute': 'query-migrate'})['return'].get('status')
            check.that('and has migrated', status in ('completed', 'device', 'active'), status)
            lab.wait_until('the switch to know the new port', lambda: f'{mac} dev t2' in
                           lab.run('bridge', 'fdb', 'show', 'br', 'br0'))
        finally:
            source.stop()
            target.stop()


# --- the daemon ---

CONFIGURATION = """
recorded:
  - {type: csv, guests: guests.csv}
observed:
  - {type: recording, switch: sw1, file: sw1.csv}
events:
  - {type: mobile_ip, interface: span1}
  - {type: announce, interface: span1, switch: sw1}
"""


class Musterd:
    """musterd, and what `muster watch --events` says of it."""

    def __init__(self, folder):
        self.configuration = f'{folder}/muster.yaml'
        for name, text in (('muster.yaml', CONFIGURATION), ('guests.csv', 'hypervisor,guest,mac,run_state\n'),
                           ('sw1.csv', 'mac,port,vlan\n52:54:00:00:00:01,p1,1\n')):
            with open(f'{folder}/{name}', 'w') as file:
                file.write(text)
        self.process = lab.Daemon(os.environ['MUSTERD'], '-c', self.configuration)
        lab.wait_until('musterd', lambda: os.path.exists(f'{folder}/musterd.sock'))
        self.watch = lab.Daemon(os.environ['MUSTER'], 'watch', '-c', self.configuration, '--events', '--format', 'json')
        lab.wait_until('muster watch', lambda: 'watching' in self.read(self.watch.log))

    @staticmethod
    def read(path):
        with open(path, encoding='utf-8') as log:
            return log.read()

    def wait_for(self, what, *words):
        """A line of `muster watch` that has all the words."""
        lab.wait_until(what, lambda: any(all(word in line for word in words)
                                         for line in self.read(self.watch.log).splitlines()))

    def stop(self):
        self.watch.stop()
        self.process.stop()


def daemon(check, v):
    """The daemon hears on the same interface, and goes on after a reload without its privileges."""
    if not os.path.exists(os.environ.get('MUSTERD', '')):
        print('skipped: the daemon (musterd was not built)')
        return
    with tempfile.TemporaryDirectory() as folder:
        muster = Musterd(folder)
        try:
            send('e1', v.ETHER / v.registration(seq=60))
            muster.wait_for('a registration in muster watch', '"start"', v.HOME, v.CARE_OF)
            send('e1', v.vectors()['garp'][0])
            muster.wait_for('an announcement in muster watch', '"announce"', v.GUEST)
            capabilities = Musterd.read(f'/proc/{muster.process.process.pid}/status')
            check.that('privileges are dropped', 'CapEff:\t0000000000000000' in capabilities)
            with open(muster.configuration, 'w') as file:
                file.write(CONFIGURATION.replace('span1}', 'span1, refresh: 5s}', 1))
            lab.run(os.environ['MUSTER'], 'reload', '-c', muster.configuration)
            send('e1', v.ETHER / v.registration(seq=61, units=0))
            muster.wait_for('a deregistration after the reload', '"stop"', v.HOME, 'deregistered')
            check.that('heard before and after', True)
        finally:
            muster.stop()


def main():
    lab.enter(['bridge', 'tc'])
    try:
        import capture_vectors as v
    except ImportError:
        lab.skip('python3-scapy is not installed')
    set_up()
    check = lab.Check()
    ear = lab.Ear('mobile_ip', 'interface=span1')
    herald = lab.Ear('announce', 'interface=span1')
    life_of_a_binding(check, ear, v)
    every_wrapping(check, ear, v)
    what_stays_in_the_clear(check, ear, v)
    announcements(check, herald, v)
    link_that_flaps(check, ear, v)
    migration(check, herald)
    daemon(check, v)
    lab.run('ip', 'link', 'del', 'span1')
    lab.wait_until('the loss of the interface to be said', lambda: 'span1' in ear.failure())
    counters = ear.stop()
    check.equal('nothing dropped', (counters['kernel_drops'], counters['malformed']), (0, 0))
    herald.stop()
    census(check)
    check.end()


def census(check):
    """Invented addresses on the mirror: memory stands still, counters say so."""
    lab.add_port(None, 'flood0', 'flood1')
    ear = lab.Ear('announce', 'interface=flood1', 'census=yes', 'rate=100')
    lab.speak('flood0', [lab.guest_mac(1)])
    check.equal('a first frame', [(e['event'], e['mac'], e['cause']) for e in ear.wait(1)],
                [('update', lab.guest_mac(1), 'first_frame')])
    before = resident(ear.process.pid)
    for block in range(40):
        lab.speak('flood0', [lab.guest_mac(1000 + block * 500 + i) for i in range(500)])
    lab.speak('flood0', [lab.guest_mac(2)], vlan=7)
    check.that('another VLAN is heard meanwhile', any(e['mac'] == lab.guest_mac(2) for e in ear.wait_for(
        lambda e: e['mac'] == lab.guest_mac(2))))
    grown = resident(ear.process.pid) - before
    counters = ear.stop()
    check.that('the rest is counted', counters['addresses_silenced'] > 15000, counters)
    check.that('memory stands still', grown < 8192, f'{grown} KiB')


def resident(pid):
    with open(f'/proc/{pid}/status') as lines:
        return int(next(line for line in lines if line.startswith('VmRSS')).split()[1])


main()
