#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real Linux bridge with real learnt entries, read by source linux_bridge."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab

LEARNED, INVALID, MGMT = 3, 2, 5
MANY = 20000


def read(*words):
    return lab.Reading('linux_bridge', 'switch=sw1', *words)


def learning(check):
    lab.speak('e1', [lab.guest_mac(n) for n in range(50)])
    lab.speak('e2', [lab.guest_mac(n) for n in range(100, 103)])
    reading = read('bridge=br0')
    check.equal('fifty on p1', sum(row['port'] == 'p1' and row['mac'].startswith('52:54')
                                   for row in reading.rows), 50)
    check.equal('one on p2', reading.where(lab.guest_mac(101)), ['p2'])
    check.that('fresh', all(row['age'] <= 5 for row in reading.rows), reading.rows)
    check.that('all learnt', all(row['status'] == LEARNED for row in reading.rows), reading.rows)
    check.that('no multicast', not any(int(row['mac'][:2], 16) & 1 for row in reading.rows))
    check.equal('not the bridge itself', reading.where('02:00:00:00:00:11'), [])
    check.equal('one whole receipt', [r['whole'] for r in reading.receipts], [True])
    check.equal('its ageing time', reading.receipts[0]['ageing_seconds'], 300)


def moving(check):
    lab.speak('e2', [lab.guest_mac(7)])
    check.equal('a moved guest is at its new port', read().where(lab.guest_mac(7)), ['p2'])
    probe = read(f'probe={lab.guest_mac(7)}')
    check.equal('a probe finds it alone', [row['port'] for row in probe.rows], ['p2'])
    check.equal('a probe of a stranger', read('probe=52:54:00:ff:ff:ff').rows, [])


def kinds(check):
    lab.run('bridge', 'fdb', 'add', '52:54:00:00:99:01', 'dev', 'p1', 'master', 'static')
    check.equal('a static entry proves nothing',
                [row['status'] for row in read().of('52:54:00:00:99:01')], [MGMT])
    lab.run('bridge', 'fdb', 'add', '52:54:00:00:99:02', 'dev', 'p1', 'master', 'extern_learn')
    check.equal('a control plane\'s entry is elsewhere', read().of('52:54:00:00:99:02'), [])
    if os.access('/dev/net/tun', os.W_OK):
        lab.run('ip', 'tuntap', 'add', 'tap0', 'mode', 'tap')
        lab.run('ip', 'link', 'set', 'tap0', 'address', 'fe:54:00:00:00:01', 'master', 'br0')
        reading = read()
        check.equal('a tap is a guest\'s port', reading.ports['tap0']['uplink'], False)
        check.equal('its host side is no guest', reading.of('fe:54:00:00:00:01'), [])
    check.equal('a veth is a guest\'s port', read().ports['p1']['uplink'], False)
    reading = read('uplinks=p2')
    check.equal('the operator\'s uplink', reading.ports['p2']['uplink'], True)


def honesty(check):
    lab.run('ip', 'link', 'set', 'p1', 'type', 'bridge_slave', 'learning', 'off')
    reading = read()
    check.equal('a port that does not learn', [r['whole'] for r in reading.receipts], [False])
    check.that('is named', 'p1' in reading.receipts[0]['why_not'], reading.receipts)
    lab.run('ip', 'link', 'set', 'p1', 'type', 'bridge_slave', 'learning', 'on')
    missing = read('bridge=br7')
    check.equal('no such bridge', (missing.done.returncode, 'br7' in missing.done.stderr),
                (1, True))


def many(check):
    lab.speak('e1', [lab.guest_mac(1 << 20 | n) for n in range(MANY)])
    learnt = lab.run('bridge', 'fdb', 'show', 'br', 'br0', 'dynamic').count('52:54:00:1')
    found = [row['mac'] for row in read('bridge=br0').rows if row['mac'].startswith('52:54:00:1')]
    check.equal('as many as the kernel shows', len(found), learnt)
    check.equal('each once', len(set(found)), len(found))
    check.that('nearly all arrived', learnt > MANY // 2, learnt)


def two_bridges(check):
    lab.add_bridge('br1', 3000)
    lab.add_port('br1', 'q1', 'f1')
    lab.add_port('br0', 'j0', 'j1')
    lab.run('ip', 'link', 'set', 'j1', 'master', 'br1')
    lab.speak('f1', ['52:54:00:aa:00:01'])
    reading = read()
    check.equal('a receipt each', [r['ageing_seconds'] for r in reading.receipts], [300, 30])
    check.equal('cables between own bridges are uplinks',
                [reading.ports[p]['uplink'] for p in ('j0', 'j1', 'q1')], [True, True, False])
    check.equal('one bridge alone', read('bridge=br1').where('52:54:00:aa:00:01'), ['q1'])


def ageing(check):
    lab.run('ip', 'link', 'set', 'br1', 'type', 'bridge', 'ageing_time', '100')
    mac = '52:54:00:aa:00:02'
    lab.speak('f1', [mac])
    check.equal('learnt', [row['status'] for row in read('bridge=br1').of(mac)], [LEARNED])
    lab.wait_until('an entry ages out', lambda: all(row['status'] == INVALID
                                                    for row in read('bridge=br1').of(mac)))
    check.that('aged out', True)
    lab.run('ip', 'link', 'set', 'br1', 'type', 'bridge', 'ageing_time', '0')
    check.equal('a bridge that learns nothing proves no absence',
                [r['whole'] for r in read('bridge=br1').receipts], [False])


def main():
    lab.enter(['bridge'])
    check = lab.Check()
    lab.add_bridge()
    lab.add_port('br0', 'p1', 'e1')
    lab.add_port('br0', 'p2', 'e2')
    for test in (learning, moving, kinds, honesty, many, two_bridges, ageing):
        test(check)
    check.end()


main()
