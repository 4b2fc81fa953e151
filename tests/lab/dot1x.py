#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real 802.1X: hosts in namespaces with wpa_supplicant, a Linux bridge as switch with one
hostapd a port, FreeRADIUS that lets them in, and musterd that hears the accounting and asks
the bridge. A guest logs on where it is recorded, logs off, logs on at the other port, is at
both, is at home, and dies without a word. With the argument `expiry` a guest's port dies with
it, and the end of its session is waited for: three missed updates and the grace time."""
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab
from musterd import MUSTER, Daemon, Watch, wait_until

GUEST = '52:54:00:88:00:01'
USER, PASSWORD = 'web1', 'a long password'
AUTHENTICATION, ACCOUNTING = 'authsecret', 'acctsecret'
# Seconds between updates: hostapd takes any; what its records say of it (attribute 85) counts from
# a minute on, and what is learnt from 10 s on.
INTERIM, TOLD, LEARNT = 1, 60, 12

FREERADIUS = f'''
prefix = /usr
libdir = /usr/lib/freeradius
confdir = {{folder}}
logdir = ${{{{confdir}}}}
run_dir = ${{{{confdir}}}}
log {{{{
	destination = stdout
}}}}
client local {{{{
	ipaddr = 127.0.0.1
	secret = {AUTHENTICATION}
}}}}
thread pool {{{{
	start_servers = 1
	max_servers = 2
}}}}
modules {{{{
	eap {{{{
		default_eap_type = md5
		md5 {{{{
		}}}}
	}}}}
}}}}
server default {{{{
	listen {{{{
		type = auth
		ipaddr = 127.0.0.1
		port = 1812
	}}}}
	authorize {{{{
		if (&User-Name == "{USER}") {{{{
			update control {{{{
				&Cleartext-Password := "{PASSWORD}"
			}}}}
		}}}}
		eap
	}}}}
	authenticate {{{{
		eap
	}}}}
}}}}
'''

HOSTAPD = f'''
interface={{port}}
driver=wired
ieee8021x=1
use_pae_group_addr=1
ctrl_interface={{folder}}/hostapd
nas_identifier=sw1
own_ip_addr=127.0.0.1
auth_server_addr=127.0.0.1
auth_server_port=1812
auth_server_shared_secret={AUTHENTICATION}
acct_server_addr=127.0.0.1
acct_server_port=1813
acct_server_shared_secret={ACCOUNTING}
radius_acct_interim_interval={{interim}}
radius_acct_req_attr=5:d:{{number}}
radius_acct_req_attr=87:s:{{port}}
radius_acct_req_attr=61:d:15
{{more}}
'''

SUPPLICANT = f'''
ctrl_interface={{folder}}/{{host}}
ap_scan=0
network={{{{
	key_mgmt=IEEE8021X
	eap=MD5
	identity="{USER}"
	password="{PASSWORD}"
	eapol_flags=0
}}}}
'''

CONFIGURATION = '''
recorded:
  - {{type: csv, guests: guests.csv, attachments: attachments.csv}}
observed:
  - {{type: linux_bridge, switch: sw1, bridge: br0}}
events:
  - {{type: radius, listen: 127.0.0.1, port: 1813, client: 127.0.0.1, secret_file: secret}}
daemon: {{interval: {interval}, spread: 0, poll_gap: 1s}}
audit: {{settle: 1s, inventory_lag: 1s}}
'''


def write(folder, name, text):
    with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(os.path.join(folder, name), 0o600)


def log_of(program):
    with open(program.log, encoding='utf-8', errors='replace') as log:
        return log.read()


class Switch:
    """The bridge, its ports, what authenticates there, and the hosts behind."""

    def __init__(self, folder, ageing_seconds):
        self.folder = folder
        self.programs = []
        lab.add_bridge(ageing_centiseconds=100 * ageing_seconds)
        for number in (1, 2):
            lab.run('ip', 'netns', 'add', f'dot1x-h{number}')
            lab.add_port('br0', f'p{number}', f'h{number}')
            lab.run('ip', 'link', 'set', f'h{number}', 'netns', f'dot1x-h{number}')
            for words in (['addrgenmode', 'none'], ['address', GUEST, 'up']):  # silent
                lab.run(*self.inside(number, 'ip', 'link', 'set', f'h{number}', *words))

    @staticmethod
    def inside(number, *command):
        return ['nsenter', f'--net=/run/netns/dot1x-h{number}', *command]

    def begin(self, what, ready, *command):
        """Runs a program until it says that it is ready."""
        program = lab.Daemon(*command)
        self.programs.append(program)
        try:
            wait_until(what, lambda: ready in log_of(program), 15)
        except SystemExit:
            print(f'{what}:\n{log_of(program)[-1500:]}')
            raise
        return program

    def let_in(self):
        """The server that authenticates."""
        write(self.folder, 'radiusd.conf', FREERADIUS.format(folder=self.folder))
        self.begin('FreeRADIUS', 'Ready to process', 'freeradius', '-f', '-l', 'stdout', '-d',
                   self.folder)

    def guard(self, number, interim, more=''):
        """The authenticator of a port."""
        port = f'p{number}'
        write(self.folder, f'{port}.conf', HOSTAPD.format(
            folder=self.folder, port=port, number=number, interim=interim, more=more))
        return self.begin(f'hostapd at {port}', 'AP-ENABLED', 'hostapd',
                          f'{self.folder}/{port}.conf')

    def log_on(self, number):
        """A guest comes up: it is let in, and says something."""
        host = f'h{number}'
        write(self.folder, f'{host}.conf', SUPPLICANT.format(folder=self.folder, host=host))
        supplicant = self.begin(f'wpa_supplicant at {host}', 'CTRL-EVENT-CONNECTED',
                                *self.inside(number, 'wpa_supplicant', '-D', 'wired', '-i', host,
                                             '-c', f'{self.folder}/{host}.conf'))
        self.speak(number)
        return supplicant

    def speak(self, number):
        lab.run(*self.inside(number, sys.executable, os.path.abspath(__file__), 'speak',
                             f'h{number}'))

    def log_off(self, number):
        lab.run(*self.inside(number, 'wpa_cli', '-p', f'{self.folder}/h{number}',
                             '-i', f'h{number}', 'logoff'))

    def end(self, program, kill=False):
        if kill:
            program.process.kill()
            program.process.wait()
        else:
            program.stop()
        self.programs.remove(program)
        os.unlink(program.log)

    def stop(self):
        for program in reversed(list(self.programs)):
            self.end(program)


class Wire:
    """What went through the loopback interface since."""

    def __init__(self):
        everything = 3  # ETH_P_ALL
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(everything))
        self.socket.bind(('lo', 0))
        self.socket.setblocking(False)

    def save(self, path):
        """Writes it as a capture file, each packet once."""
        with open(path, 'wb') as file:
            file.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
            try:
                while True:
                    frame, address = self.socket.recvfrom(65535)
                    if address[2] != socket.PACKET_OUTGOING:
                        head = struct.pack('<IIII', int(time.time()), 0, len(frame), len(frame))
                        file.write(head + frame)
            except BlockingIOError:
                pass


class Observer:
    """musterd and what it says."""

    def __init__(self, folder):
        self.daemon = Daemon(folder)
        self.watch = None

    def start(self):
        self.daemon.start()
        wait_until('the first round', lambda: self.daemon.status()['round']['rounds'] > 0)
        self.watch = Watch(self.daemon, '--events')

    def events(self, kind, port):
        return [line for _, line in list(self.watch.lines) if line['type'] == 'event' and
                line['event'] == kind and line.get('port') == port]

    def wait_event(self, kind, port, count=1, seconds=10):
        """The event of this kind at this port that is the `count`th."""
        return wait_until(f'{count} times {kind} at {port}',
                          lambda: self.events(kind, port)[count - 1:], seconds)[0]

    def wait_more(self, kind, port, count):
        return self.wait_event(kind, port, len(self.events(kind, port)) + count)

    def changes(self, kind):
        """What became of cases of a kind: opened, changed, confirmed, cleared ..."""
        return [line['event'] for _, line in list(self.watch.lines)
                if line['type'] == 'case' and line['kind'] == kind]

    def wait_case(self, kind, condition=lambda line: True, seconds=10):
        return self.watch.wait(lambda line: line['type'] == 'case' and line['kind'] == kind and
                               condition(line), seconds, f'a case {kind}')[1]

    def cases(self):
        return [case['kind'] for case in self.daemon.cases()]

    def wait_cases(self, *kinds):
        wait_until(f'the open cases {list(kinds)}', lambda: self.cases() == list(kinds))

    def sessions(self):
        return self.daemon.status()['expiry_list']['sessions']

    def stop(self):
        if self.watch is not None:
            self.watch.stop()
        if self.daemon.process is not None and self.daemon.process.poll() is None:
            self.daemon.stop()


def sources(case):
    return {(sighting['source'], sighting['port']) for sighting in case['observed']}


def begins(check, switch, observer):
    """Each authenticator says that it has just begun, and for its port only."""
    for number in (1, 2):
        reset = observer.wait_event('reset', f'p{number}')
        check.equal('a beginning', [reset['switch'], reset['cause']], ['sw1', 'Accounting-On'])


def on_the_wire(check, wire, observer):
    """What hostapd sent, as `muster decode` reads it."""
    wire.save(os.path.join(observer.daemon.directory, 'accounting.pcap'))
    done = subprocess.run([MUSTER, 'decode', '--radius-secret-file', 'secret', 'accounting.pcap'],
                          cwd=observer.daemon.directory, capture_output=True, text=True)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    starts = [line for line in told if line['type'] == 'session' and line['event'] == 'start']
    check.equal('one start, genuine, with all that names its place',
                [[line.get(key) for key in ('valid', 'station', 'port', 'port_number', 'port_type',
                                            'nas', 'user', 'interim_seconds')] for line in starts],
                [[True, GUEST.replace(':', '-').upper(), 'p1', 1, 15, 'sw1', USER, TOLD]])


def at_home(check, switch, observer):
    supplicant = switch.log_on(1)
    start = observer.wait_event('start', 'p1')
    check.equal('who and where', [start[key] for key in ('mac', 'switch', 'nas', 'node', 'proof')],
                [GUEST, 'sw1', 'sw1', USER, 'told'])
    check.that('its session has a number', start['session'])
    update = observer.wait_event('update', 'p1')
    check.equal('the same session', update['session'], start['session'])
    check.equal('a guest where it is recorded is no case', observer.cases(), [])
    check.equal('it is on the expiry list', observer.sessions(), 1)
    done = observer.daemon.muster('history', GUEST, '-f', 'json')
    told = [json.loads(line) for line in done.stdout.splitlines()]
    lifetimes = {line['heard'].get('lifetime_seconds') for line in told if line['type'] == 'event'
                 and line['heard']['event'] in ('start', 'update')}
    check.equal('and holds for three updates from its first word on', lifetimes, {3 * TOLD})
    return supplicant


def logs_off(check, switch, observer, supplicant):
    switch.log_off(1)
    stop = observer.wait_event('stop', 'p1')
    check.equal('by the user', stop['cause'], 'User-Request')
    case = observer.wait_case('unexpected_stop')
    check.equal('where it was last', [case['subject']['guest'], sources(case)],
                [USER, {('radius', 'p1')}])
    observer.wait_cases('unexpected_stop')
    switch.end(supplicant)


def elsewhere(check, switch, observer):
    supplicant = switch.log_on(2)
    case = observer.wait_case('wrong_location', lambda line: len(sources(line)) > 1)
    check.equal('by its session and by the bridge', sources(case),
                {('radius', 'p2'), ('probe', 'p2')})
    check.equal('and not where it is recorded',
                [(place['switch'], place['port']) for place in case['expected']['places']],
                [('sw1', 'p1')])
    check.equal('the stop is explained', observer.changes('unexpected_stop')[-1], 'cleared')
    observer.wait_cases('wrong_location')
    return supplicant


def at_both(check, switch, observer, away):
    """Two that live, with one address; then the copy goes."""
    home = switch.log_on(1)
    observer.wait_event('start', 'p1', 2)
    observer.wait_case('duplicate_guest')
    observer.wait_cases('duplicate_guest')
    stops = observer.changes('unexpected_stop')
    switch.log_off(2)
    observer.wait_event('stop', 'p2')
    switch.speak(1)
    observer.wait_cases()
    observer.wait_more('update', 'p1', 3)  # time enough for the stop to settle
    check.equal('a stop elsewhere ends nothing here', observer.changes('unexpected_stop'), stops)
    check.equal('no case is left', observer.cases(), [])
    switch.end(away)
    return home


def other_port_ends(check, switch, observer, authenticator):
    switch.end(authenticator)
    reset = observer.wait_event('reset', 'p2', 2)
    check.equal('an end', reset['cause'], 'Accounting-Off')
    observer.wait_more('update', 'p1', 3)
    check.equal('of its port only', [observer.sessions(), observer.cases()], [1, []])


def dies(check, switch, observer, supplicant, authenticator):
    """Nobody tells the authenticator, so it goes on telling, until it is ended itself."""
    switch.end(supplicant, kill=True)
    stops = len(observer.events('stop', 'p1'))
    observer.wait_more('update', 'p1', 3)
    check.equal('no stop', len(observer.events('stop', 'p1')), stops)
    check.equal('the session goes on', [observer.sessions(), observer.cases()], [1, []])
    switch.end(authenticator)
    observer.wait_cases('unexpected_stop')


def story(check, switch, observer):
    more = f'radius_acct_req_attr=85:d:{TOLD}'
    authenticators = [switch.guard(number, INTERIM, more) for number in (1, 2)]
    wire = Wire()
    begins(check, switch, observer)
    supplicant = at_home(check, switch, observer)
    on_the_wire(check, wire, observer)
    logs_off(check, switch, observer, supplicant)
    away = elsewhere(check, switch, observer)
    home = at_both(check, switch, observer, away)
    other_port_ends(check, switch, observer, authenticators[1])
    dies(check, switch, observer, home, authenticators[0])


def expiry(check, switch, observer):
    """The interval is learnt from two updates; then the port loses power, and its guest too."""
    authenticator = switch.guard(1, LEARNT)
    supplicant = switch.log_on(1)
    observer.wait_event('update', 'p1', 2, 3 * LEARNT)
    switch.end(authenticator, kill=True)
    switch.end(supplicant, kill=True)
    begun = time.monotonic()
    case = observer.wait_case('session_expired', seconds=3 * LEARNT + 60)
    print(f'expired {time.monotonic() - begun:.1f} s after its last word')
    check.that('not early', time.monotonic() - begun > 3 * LEARNT)
    check.equal('where it was last', [case['subject']['guest'], sources(case)],
                [USER, {('radius', 'p1')}])
    check.equal('no stop was heard', observer.events('stop', 'p1'), [])
    wait_until('it is off the expiry list', lambda: observer.sessions() == 0)


def main():
    if sys.argv[1:2] == ['speak']:
        return lab.speak(sys.argv[2], [GUEST])
    lab.enter(['freeradius', 'hostapd', 'wpa_supplicant', 'wpa_cli', 'nsenter'])
    lab.run('mount', '-t', 'tmpfs', 'tmpfs', '/run')  # names of namespaces, ours alone
    is_long = 'expiry' in sys.argv[1:]
    check = lab.Check()
    folder = tempfile.mkdtemp(prefix='dot1x-')
    write(folder, 'secret', ACCOUNTING + '\n')
    write(folder, 'guests.csv', f'hypervisor,guest,mac,run_state\nhv1,{USER},{GUEST},on\n')
    write(folder, 'attachments.csv', 'hypervisor,nic_mac,switch,port\nhv1,,sw1,p1\nhv2,,sw1,p2\n')
    write(folder, 'muster.yaml', CONFIGURATION.format(interval='5s' if is_long else '10min'))
    switch = Switch(folder, ageing_seconds=5 if is_long else 300)
    observer = Observer(folder)
    try:
        switch.let_in()
        observer.start()
        (expiry if is_long else story)(check, switch, observer)
    except SystemExit as why:
        heard = [line for _, line in observer.watch.lines] if observer.watch else []
        check.that(f'the story goes on: {why}', False, '\n'.join(map(str, heard[-12:])))
    finally:
        observer.stop()
        switch.stop()
        if check.failed:
            print(observer.daemon.log()[-3000:])
        shutil.rmtree(folder)
    return check.end()


if __name__ == '__main__':
    main()
