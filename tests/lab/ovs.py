#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real Open vSwitch (userspace datapath) with VLANs, a bond and a patch port,
read by source ovs."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab
from ovs_switch import SCHEMA, Switch


def build(switch):
    for number in range(1, 6):
        lab.add_port(None, f'p{number}', f'e{number}')
    switch.configure('add-br', 'br0', '--', 'set', 'bridge', 'br0', 'datapath_type=netdev',
                     'other_config:mac-aging-time=20', '--', 'add-port', 'br0', 'p1', 'tag=10',
                     '--', 'add-port', 'br0', 'p2', '--', 'add-bond', 'br0', 'bond0', 'p3', 'p4')
    switch.configure('add-br', 'br1', '--', 'set', 'bridge', 'br1', 'datapath_type=netdev', '--',
                     'add-port', 'br1', 'p5')
    switch.configure('add-port', 'br0', 'pa', '--', 'set', 'interface', 'pa', 'type=patch',
                     'options:peer=pb', '--', 'add-port', 'br1', 'pb', '--', 'set', 'interface',
                     'pb', 'type=patch', 'options:peer=pa')


def examine(check, switch):
    tagged, untagged, trunk = '52:54:00:00:00:01', '52:54:00:00:00:02', '52:54:00:00:00:03'

    def spoken():
        lab.speak('e1', [tagged])
        lab.speak('e2', [untagged])
        lab.speak('e2', [trunk], vlan=30)
        reading = switch.read('bridge=br0')
        return all(reading.where(mac) for mac in (tagged, untagged, trunk))

    lab.wait_until('frames are learnt', spoken)
    reading = switch.read('bridge=br0', 'hypervisor=hv1')
    check.equal('the access port\'s VLAN', [(r['port'], r['vlan']) for r in reading.of(tagged)],
                [('p1', '10')])
    check.equal('untagged', [(r['port'], r['vlan']) for r in reading.of(untagged)], [('p2', '')])
    check.equal('on a trunk', [(r['port'], r['vlan']) for r in reading.of(trunk)], [('p2', '30')])
    check.that('fresh', all(row['age'] <= 5 for row in reading.of(tagged)), reading.rows)
    check.equal('its ageing time', reading.receipts[0]['ageing_seconds'], 20)
    check.equal('whole', [r['whole'] for r in reading.receipts], [True])
    check.equal('uplinks by kind', {name: port['uplink'] for name, port in reading.ports.items()},
                {'br0': False, 'p1': False, 'p2': False, 'p3': True, 'p4': True, 'pa': True,
                 'bond0': True})
    check.equal('members of the bond', reading.ports['p3']['aggregate'], 'bond0')
    check.equal('a probe', [r['port'] for r in switch.read(f'probe={tagged}', 'bridge=br0').rows],
                ['p1'])
    everything = switch.read()
    check.equal('all bridges', sorted(r['context'] for r in everything.receipts), ['br0', 'br1'])
    check.that('br1 learnt through the patch port', 'pb' in everything.where(untagged),
               everything.rows)
    missing = switch.read('bridge=nope')
    check.equal('no such bridge', (missing.done.returncode, 'no such bridge' in missing.done.stderr),
                (1, True))


def main():
    lab.enter(['ovsdb-server', 'ovs-vswitchd', 'ovs-vsctl', 'ovsdb-tool'])
    if not os.path.exists(SCHEMA):
        lab.skip(f'{SCHEMA} is missing')
    check = lab.Check()
    with tempfile.TemporaryDirectory(prefix='muster-ovs-') as directory:
        switch = Switch(directory)
        try:
            build(switch)
            examine(check, switch)
        finally:
            switch.stop()
        gone = switch.read()
        check.equal('a stopped switch is an error', gone.done.returncode, 1)
    check.end()


main()
