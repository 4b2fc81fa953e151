#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real Linux bridge, heard by event source linux_bridge as it changes."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab

GUEST = '52:54:00:00:00:01'


def speak_until_learnt(interface, mac):
    """A new port forwards a moment after it came up."""
    def learnt():
        lab.speak(interface, [mac])
        return mac in lab.run('bridge', 'fdb', 'show', 'br', 'br0', 'dynamic')
    lab.wait_until(f'{mac} to be learnt', learnt)


def brief(event):
    return (event['event'], event.get('port'), event.get('cause'))


def learning_and_moving(check, ear):
    before = time.monotonic()
    lab.speak('e1', [GUEST])
    event = ear.wait(1)[0]
    check.equal('learnt', brief(event), ('start', 'p1', None))
    check.equal('who and where', (event['mac'], event['switch'], event['proof']),
                (GUEST, 'hv1', 'told'))
    check.that('at once', time.monotonic() - before < 1)
    lab.speak('e2', [GUEST])
    check.equal('there before it is not here', [brief(e) for e in ear.wait(2)],
                [('start', 'p2', None), ('stop', 'p1', 'moved')])
    lab.run('bridge', 'fdb', 'del', GUEST, 'dev', 'p2', 'master')
    check.equal('removed', [brief(e) for e in ear.wait(1)], [('stop', 'p2', 'removed')])


def before_it_listened(check):
    """Entries from before are told as they are found; the age is in the time."""
    lab.speak('e1', ['52:54:00:00:00:09'])
    ear = lab.Ear('linux_bridge', 'switch=hv1', 'bridge=br0')
    event = ear.wait_for(lambda e: e['mac'] == '52:54:00:00:00:09')[-1]
    check.equal('found at the start', brief(event), ('start', 'p1', None))
    ear.stop()


def new_tap(check, ear):
    """A port that did not exist when the table was read."""
    lab.add_port('br0', 'p9', 'e9')
    speak_until_learnt('e9', '52:54:00:00:00:0a')
    check.equal('a new port', [brief(e) for e in ear.wait(1)], [('start', 'p9', None)])
    lab.run('ip', 'link', 'del', 'p9')
    check.equal('its tap went away', [brief(e) for e in ear.wait(1)],
                [('stop', 'p9', 'removed')])


def ageing(check, ear):
    lab.run('ip', 'link', 'set', 'br0', 'type', 'bridge', 'ageing_time', '100')
    lab.speak('e1', ['52:54:00:00:00:0b'])
    ear.wait(1)
    lab.wait_until('ageing out', lambda: '0:00:0b' not in
                   lab.run('bridge', 'fdb', 'show', 'br', 'br0'))
    time.sleep(0.2)
    check.equal('silence is no stop', ear.take(), [])
    lab.run('ip', 'link', 'set', 'br0', 'type', 'bridge', 'ageing_time', '30000')


def refreshing(check):
    ear = lab.Ear('linux_bridge', 'switch=hv1', 'bridge=br0', 'refresh=1s')
    lab.speak('e1', ['52:54:00:00:00:0c'])
    ear.wait_for(lambda e: e['mac'] == '52:54:00:00:00:0c')
    deadline = time.monotonic() + 5
    updates = []
    while not updates and time.monotonic() < deadline:
        lab.speak('e1', ['52:54:00:00:00:0c'])
        time.sleep(0.2)
        updates = [e for e in ear.take() if e['event'] == 'update']
    check.equal('still heard', [(e['mac'], e['port']) for e in updates][:1],
                [('52:54:00:00:00:0c', 'p1')])
    ear.stop()


def flush(check, ear):
    macs = [lab.guest_mac(4096 + n) for n in range(40)]
    lab.speak('e2', macs)
    ear.wait(40)
    lab.run('ip', 'link', 'set', 'p2', 'down')
    events = ear.wait(41)
    check.equal('all of them stopped', sum(e['event'] == 'stop' for e in events), 40)
    check.equal('and a flush is said', [e['hint'] for e in events if e['event'] == 'hint'],
                ['topology_change'])
    lab.run('ip', 'link', 'set', 'p2', 'up')
    speak_until_learnt('e2', '52:54:00:00:00:ef')


def flood(check):
    """More changes than the socket holds: what was lost is read again."""
    many = 20000
    ear = lab.Ear('linux_bridge', 'switch=hv1', 'bridge=br0')
    ear.pause()
    for _ in range(3):
        lab.speak('e1', [lab.guest_mac(1 << 20 | n) for n in range(many)])
        lab.speak('e2', [lab.guest_mac(1 << 20 | n) for n in range(many)])
    lines = lab.run('bridge', 'fdb', 'show', 'br', 'br0', 'dynamic').splitlines()
    truth = {line.split()[0]: line.split()[2] for line in lines if line.startswith('52:54:00:1')}
    ear.resume()
    places = {}

    def settled():
        for event in ear.take():
            if event['event'] == 'start' and event['mac'].startswith('52:54:00:1'):
                places[event['mac']] = event['port']
        return places == truth
    lab.wait_until(f'{len(truth)} addresses of the flood', settled, 20)
    check.that('every address is where the kernel has it', True)
    counters = ear.stop()
    print(f'flood: {len(truth)} learnt, {counters["messages"]} messages, {counters["overflows"]} overflows, '
          f'{counters["looks"]} looks')


def main():
    lab.enter(['bridge'])
    check = lab.Check()
    lab.add_bridge()
    lab.add_port('br0', 'p1', 'e1')
    lab.add_port('br0', 'p2', 'e2')
    ear = lab.Ear('linux_bridge', 'switch=hv1', 'bridge=br0')
    speak_until_learnt('e1', '52:54:00:00:00:ee')
    speak_until_learnt('e2', '52:54:00:00:00:ef')
    ear.wait(2)
    for test in (learning_and_moving, new_tap, ageing, flush):
        test(check, ear)
    counters = ear.stop()
    check.equal('no loss', (counters['overflows'], counters['failed_looks']), (0, 0))
    before_it_listened(check)
    refreshing(check)
    flood(check)
    check.end()


main()
