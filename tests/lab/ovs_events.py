#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real Open vSwitch (userspace datapath), followed by event source ovs."""
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab
from ovs_switch import SCHEMA, Switch

GUEST, QUIET, OUTSIDE = '52:54:00:00:00:01', '52:54:00:00:00:02', '52:54:00:00:00:03'


def build(switch):
    for number in range(1, 4):
        lab.add_port(None, f'p{number}', f'e{number}')
    switch.configure('add-br', 'br0', '--', 'set', 'bridge', 'br0', 'datapath_type=netdev',
                     'other_config:mac-aging-time=15', '--', 'add-port', 'br0', 'p1', 'tag=10',
                     '--', 'add-port', 'br0', 'p2', 'tag=10', '--', 'add-port', 'br0', 'p3')


def speak_until(ear, interface, mac, wanted):
    """The first frame of a flow may be before the datapath is ready. That an address is still
    heard may be told in between."""
    found = []

    def heard():
        lab.speak(interface, [mac])
        found.extend(e for e in ear.take() if e['event'] != 'update')
        return len(found) >= wanted
    lab.wait_until(f'{wanted} events of {mac}', heard)
    return found


def brief(event):
    return (event['event'], event.get('port'), event.get('vlan'), event.get('cause'))


def examine(check, switch, ear):
    check.equal('learnt', [brief(e) for e in speak_until(ear, 'e1', GUEST, 1)],
                [('start', 'p1', 10, None)])
    check.equal('moved', [brief(e) for e in speak_until(ear, 'e2', GUEST, 2)],
                [('start', 'p2', 10, None), ('stop', 'p1', 10, 'moved')])
    lab.speak('e3', [OUTSIDE])
    time.sleep(1.5)
    check.equal('behind an uplink is elsewhere', [e for e in ear.take() if e['mac'] == OUTSIDE], [])
    check.that('and followed all the same', OUTSIDE in switch.show('br0'))
    switch.configure('del-port', 'br0', 'p2')
    check.equal('its port went away', brief(ear.wait_for(lambda e: e['event'] == 'stop')[-1]),
                ('stop', 'p2', 10, 'removed'))


def refreshing(check, ear):
    speak_until(ear, 'e1', QUIET, 1)
    updates = []
    lab.wait_until('an update', lambda: lab.speak('e1', [QUIET]) or updates.extend(ear.take()) or updates)
    check.equal('still heard', [brief(e) for e in updates][:1], [('update', 'p1', 10, None)])
    counters = ear.stop()
    check.equal('no look failed', counters['failed_looks'], 0)
    print(f'{counters["looks"]} looks')


def main():
    lab.enter(['ovsdb-server', 'ovs-vswitchd', 'ovs-vsctl', 'ovsdb-tool', 'ovs-appctl'])
    if not os.path.exists(SCHEMA):
        lab.skip(f'{SCHEMA} is missing')
    check = lab.Check()
    with tempfile.TemporaryDirectory(prefix='muster-ovs-') as directory:
        switch = Switch(directory)
        try:
            build(switch)
            words = ['ovs', 'switch=hv1', 'bridge=br0', f'socket={switch.control}',
                     f'database={switch.database}', 'uplinks=p3', 'interval=500ms', 'refresh=1s']
            ear = lab.Ear(*words)
            examine(check, switch, ear)
            refreshing(check, ear)
            ear = lab.Ear(*words)
        finally:
            switch.stop()
        lab.wait_until('the end of a stopped switch', lambda: ear.failure() != '')
        check.that('a switch that is gone is said', 'Open vSwitch' in ear.failure(), ear.failure())
        ear.stop()
    check.end()


main()
