#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real agents against event source snmp_trap: net-snmp's snmptrap and snmpinform in
every version, and snmpd's own link traps."""
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab

PORT = 1162
BURST, RATE = 200, 100  # notifications of one device: at once, and in a second as delivered
HERE = f'127.0.0.1:{PORT}'
V6 = f'[::1]:{PORT}'
FORWARDER = '127.0.0.1:1163'
AGENT = '0x80001f8801020304'
LINK_DOWN, LINK_UP = '1.3.6.1.6.3.1.1.5.3', '1.3.6.1.6.3.1.1.5.4'
IF_INDEX = '1.3.6.1.2.1.2.2.1.1'
USER = ['-v3', '-l', 'authPriv', '-u', 'traps', '-a', 'SHA-256', '-A', 'authpass12345',
        '-x', 'AES', '-X', 'privpass12345']


def send(program, *words, check=True):
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=30,
                          env={**os.environ, 'MIBS': '', 'SNMP_PERSISTENT_DIR': '/tmp/muster-no-state',
                               'SNMPCONFPATH': '/nonexistent'}, check=check)


def link_words(oid, index=7):
    return ['', oid, f'{IF_INDEX}.{index}', 'i', str(index)]


def check_link(check, what, event, hint, port='#7', switch='sw1'):
    check.equal(what, (event['event'], event['hint'], event.get('port'), event.get('switch'),
                       event['proof']), ('hint', hint, port, switch, 'hint'))


def communities(check, ear):
    send('snmptrap', '-v1', '-c', 'public', HERE, '1.3.6.1.4.1.9.1.1', '192.0.2.9', '2', '0', '',
         f'{IF_INDEX}.7', 'i', '7')
    check_link(check, 'v1, of the agent that it names', ear.wait(1)[0], 'link_down', switch='core1')
    send('snmptrap', '-v2c', '-c', 'public', HERE, *link_words(LINK_UP))
    check_link(check, 'v2c', ear.wait(1)[0], 'link_up')
    send('snmptrap', '-v2c', '-c', 'public', f'udp6:{V6}', *link_words(LINK_UP))
    check_link(check, 'v2c over IPv6', ear.wait(1)[0], 'link_up', switch='sw6')
    send('snmptrap', '-v2c', '-c', 'secret', HERE, *link_words(LINK_UP))


def mac_notification(check, ear):
    tuples = '01000a525400112233000502000a5254001122330005'
    send('snmptrap', '-v2c', '-c', 'public', HERE, '', '1.3.6.1.4.1.9.9.215.2.0.1',
         '1.3.6.1.4.1.9.9.215.1.1.8.1.2.1', 'x', tuples)
    events = ear.wait(2)
    check.equal('learnt and removed', [(e['event'], e['mac'], e['vlan'], e['session'], 'port' in e)
                                       for e in events],
                [(kind, '52:54:00:11:22:33', 10, 'vlan 10 base port 5', False)
                 for kind in ('start', 'stop')])


def informs(check, ear):
    done = send('snmpinform', '-v2c', '-c', 'public', '-r', '0', HERE, *link_words(LINK_DOWN))
    check.equal('snmpinform v2c is answered', (done.returncode, done.stderr), (0, ''))
    check_link(check, 'inform v2c', ear.wait(1)[0], 'link_down')
    done = send('snmpinform', '-v2c', '-c', 'public', '-r', '0', f'udp6:{V6}', *link_words(LINK_DOWN))
    check.equal('over IPv6 too', (done.returncode, done.stderr), (0, ''))
    ear.wait(1)
    # Discovery of our engine, its boots and time, and the answer.
    for level in (USER, ['-v3', '-l', 'authNoPriv', '-u', 'signed', '-a', 'SHA', '-A', 'authpass12345'],
                  ['-v3', '-l', 'noAuthNoPriv', '-u', 'open']):
        done = send('snmpinform', *level, '-r', '1', '-t', '2', HERE, *link_words(LINK_DOWN))
        check.equal(f'snmpinform {level[2]} is answered', (done.returncode, done.stderr), (0, ''))
        check_link(check, f'inform {level[2]}', ear.wait(1)[0], 'link_down')


def traps_v3(check, ear):
    send('snmptrap', '-e', AGENT, '-Z', '1,500', *USER, HERE, *link_words(LINK_DOWN))
    check_link(check, 'v3, by its engine', ear.wait(1)[0], 'link_down', switch='engine1')
    send('snmptrap', '-e', AGENT, '-Z', '1,20', *USER, HERE, *link_words(LINK_UP))
    send('snmptrap', '-e', AGENT, '-Z', '1,501', *USER, HERE, *link_words(LINK_UP))
    check_link(check, 'time goes on', ear.wait(1)[0], 'link_up', switch='engine1')


def refused(check):
    wrong = [word if word != 'authpass12345' else 'wrongpass12345' for word in USER]
    done = send('snmpinform', *wrong, '-r', '0', '-t', '1', HERE, *link_words(LINK_DOWN), check=False)
    check.that('a wrong password is refused', done.returncode != 0, done.stderr)
    other = [word if word != 'traps' else 'nobody' for word in USER]
    done = send('snmpinform', *other, '-r', '0', '-t', '1', HERE, *link_words(LINK_DOWN), check=False)
    check.that('so is an unknown user, and is told', 'nknown user' in done.stderr, done.stderr)
    send('snmptrap', '-e', AGENT, '-Z', '1,502', *wrong, HERE, *link_words(LINK_DOWN))


def native(check, ear, directory):
    """snmpd watches its own interfaces, whose names and states are real."""
    with open(f'{directory}/snmpd.conf', 'w') as config:
        config.write(f'''agentaddress udp:127.0.0.1:1161
rocommunity public
createUser internal SHA-256 authpass12345
iquerySecName internal
rouser internal
trapsess -v2c -c public -Ci {HERE}
notificationEvent down .{LINK_DOWN} .{IF_INDEX} .1.3.6.1.2.1.2.2.1.7 .1.3.6.1.2.1.2.2.1.8
monitor -r 1 -S -e down "down" .1.3.6.1.2.1.2.2.1.8 == 2
notificationEvent up .{LINK_UP} .{IF_INDEX} .1.3.6.1.2.1.2.2.1.7 .1.3.6.1.2.1.2.2.1.8
monitor -r 1 -S -e up "up" .1.3.6.1.2.1.2.2.1.8 != 2
''')
    snmpd = lab.Daemon('snmpd', '-f', '-C', '-c', f'{directory}/snmpd.conf', '-I', '-smux', '-Lf',
                       f'{directory}/snmpd.log', '-p', f'{directory}/snmpd.pid',
                       env={'MIBS': '', 'SNMP_PERSISTENT_DIR': directory})
    try:
        start = ear.wait(1, 15)[0]
        check.equal('its cold start, as an inform', (start['hint'], start['switch']), ('restart', 'sw1'))
        index = json.loads(lab.run('ip', '-j', 'link', 'show', 'e1'))[0]['ifindex']
        time.sleep(1.5)  # the monitors must have seen the interface up
        lab.run('ip', 'link', 'set', 'p1', 'down')
        events = ear.wait_for(lambda e: e.get('port') == f'#{index}', 20)
        check.equal('the far end lost its link', events[-1]['hint'], 'link_down')
        lab.run('ip', 'link', 'set', 'p1', 'up')
        events = ear.wait_for(lambda e: e.get('port') == f'#{index}' and e['hint'] == 'link_up', 20)
        check.that('and has it again', True)
    finally:
        snmpd.stop()


def forwarded(check, ear, directory):
    """A snmptrapd that has port 162 hands traps on, as the operator guide says it does."""
    with open(f'{directory}/snmptrapd.conf', 'w') as config:
        config.write(f'disableAuthorization yes\nforward default {HERE}\n')
    snmptrapd = lab.Daemon('snmptrapd', '-f', '-C', '-c', f'{directory}/snmptrapd.conf', '-On', '-Lo', '-x', 'none',
                           FORWARDER, env={'MIBS': '', 'SNMP_PERSISTENT_DIR': directory})
    try:
        lab.wait_until('snmptrapd', lambda: 'NET-SNMP' in open(snmptrapd.log).read())
        send('snmptrap', '-v1', '-c', 'public', FORWARDER, '1.3.6.1.4.1.9.1.1', '192.0.2.9', '2', '0', '',
             f'{IF_INDEX}.7', 'i', '7')
        check_link(check, 'v1, of its agent', ear.wait(1)[0], 'link_down', switch='core1')
        send('snmptrap', '-v2c', '-c', 'public', FORWARDER, *link_words(LINK_UP))
        check_link(check, 'v2c, of whoever hands it on', ear.wait(1)[0], 'link_up', switch='sw1')
        send('snmptrap', '-v2c', '-c', 'public', FORWARDER, *link_words(LINK_UP), '1.3.6.1.6.3.18.1.3.0', 'a', '192.0.2.9')
        check_link(check, 'unless it says whose it is', ear.wait(1)[0], 'link_up', switch='core1')
    finally:
        snmptrapd.stop()


def storm(check, ear):
    """As fast as one sender can: bounded, counted, and others are heard."""
    script = f'''
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.3", 0))
data = bytes.fromhex(sys.argv[1])
for _ in range(20000):
    s.sendto(data, ("127.0.0.1", {PORT}))
'''
    datagram = ('306a02010104067075626c6963a75d0202126702010002010030513 00f06082b06010201010300430305 7e40'
                '3017060a2b06010603010104010006092b0601060301010503300f060a2b060102010202010107020107'
                '3014060b2b060102011f01010101070405 4769302f37').replace(' ', '')
    begun = time.monotonic()
    flood = subprocess.Popen([sys.executable, '-c', script, datagram])
    send('snmptrap', '-v2c', '-c', 'public', HERE, *link_words(LINK_UP, 9))
    flood.wait()
    events = ear.wait_for(lambda e: e.get('port') == '#9', 10)
    check.that('others are heard in a storm', True)
    time.sleep(1)
    events += ear.take()
    stormy = [e for e in events if e['switch'] == 'sw3']
    most = BURST + RATE * (time.monotonic() - begun)
    check.that('the storm is bounded', len(stormy) <= most, (len(stormy), most))


def main():
    lab.enter(['snmptrap', 'snmpinform', 'snmpd', 'snmptrapd'])
    check = lab.Check()
    lab.add_bridge()
    lab.add_port('br0', 'p1', 'e1')
    with tempfile.TemporaryDirectory(prefix='muster-traps-') as directory:
        for name, text in (('community', 'public\n'),
                           ('credentials', 'user traps sha256 authpass12345 aes privpass12345\n'
                                           'user signed sha authpass12345\nuser open\n')):
            with open(f'{directory}/{name}', 'w') as secret:
                secret.write(text)
            os.chmod(f'{directory}/{name}', 0o600)
        ear = lab.Ear('snmp_trap', f'listen={HERE}', f'listen={V6}', f'community_file={directory}/community',
                      f'credentials={directory}/credentials', f'state_file={directory}/state',
                      'devices=192.0.2.9=core1', f'engines={AGENT}=engine1', f'burst={BURST}',
                      'map=127.0.0.1=sw1', 'map=::1=sw6', 'map=127.0.0.3=sw3')
        for test in (communities, mac_notification, informs, traps_v3):
            test(check, ear)
        refused(check)
        forwarded(check, ear, directory)
        native(check, ear, directory)
        storm(check, ear)
        counters = ear.stop()
        check.equal('refused ones are counted',
                    [counters[name] for name in ('unknown_communities', 'not_in_time_window', 'unknown_users')],
                    [1, counters['not_in_time_window'], 1])
        check.that('the replay too', counters['not_in_time_window'] >= 1, counters)
        check.that('wrong digests', counters['wrong_digests'] >= 2, counters)
        check.that('what was over the rate', counters['rate_limited'] > 10000, counters)
        print(', '.join(f'{name} {value}' for name, value in counters.items() if value))
    check.end()


main()
