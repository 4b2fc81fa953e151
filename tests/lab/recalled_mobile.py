#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""musterd is killed while mobile nodes are bound in subnets that are not theirs, and started again.
What still holds stands on, under the same case; what the records have put right meanwhile is over,
though no node says a word. Frames come from scapy; needs a network namespace."""
import os
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.environ['MUSTER_ROOT'], 'tests'))
import lab
from musterd import Daemon, wait_until

HEADER = 'guest,hypervisor,run_state,address,subnet\n'
OTHER, OTHER_CARE_OF = '2001:db8:1::99', '2001:db8:77::99'

FILES = {
    'guests.csv': 'hypervisor,guest,mac,run_state\nhv1,web1,52:54:00:11:33:50,on\n',
    'muster.yaml': 'recorded:\n  - {type: csv, guests: guests.csv, cmdb: cmdb.csv}\n'
                   'events:\n  - {type: mobile_ip, interface: span1}\n'
                   'store: muster.db\ndaemon: {interval: 1s, socket: musterd.sock}\n'}


def write(directory, name, text):
    with open(os.path.join(directory, name), 'w') as file:
        file.write(text)


def send(*frames):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(('span0', 0))
        for frame in frames:
            sender.send(bytes(frame))


def records(v, subnet):
    """The CMDB: the agent, the node in `subnet`, and another one."""
    return (HEADER + f',,,{v.AGENT},\nm1,hv1,on,{v.HOME},{subnet}\n'
            f'm2,hv1,on,{OTHER},2001:db8:4::/64\n')


def open_cases(daemon):
    return {(case['kind'], case['subject'].get('address')): case['id'] for case in daemon.cases()
            if case['case_state'] not in ('cleared', 'closed')}


def main():
    lab.enter([])
    try:
        import capture_vectors as v
        from scapy.layers.inet6 import IPv6
    except ImportError:
        lab.skip('python3-scapy is not installed')

    def other(seq):
        return (v.ETHER / IPv6(src=OTHER_CARE_OF, dst=v.AGENT) / v.home_option(OTHER) / v.update(seq=seq))
    check = lab.Check()
    lab.add_port(None, 'span0', 'span1')
    with tempfile.TemporaryDirectory(prefix='muster-recalled-') as directory:
        for name, text in FILES.items():
            write(directory, name, text)
        write(directory, 'cmdb.csv', records(v, '2001:db8:4::/64'))
        daemon = Daemon(directory).start()
        daemon.wait_rounds(1)
        send(v.ETHER / v.registration(seq=1), v.ETHER / v.acknowledgement(seq=1, units=900))
        send(other(1), v.ETHER / v.registration(seq=2))
        time.sleep(5.5)  # a registration that changes nothing is told every five seconds
        send(other(2))
        wanted = {('wrong_subnet', v.HOME), ('wrong_subnet', OTHER)}
        wait_until('two cases', lambda: wanted <= set(open_cases(daemon)))
        before = open_cases(daemon)
        daemon.kill()
        place = v.CARE_OF.rsplit('::', 1)[0] + '::/64'
        write(directory, 'cmdb.csv', records(v, place))
        daemon.start()
        wait_until('what was put right is over', lambda: ('wrong_subnet', v.HOME) not in open_cases(daemon))
        daemon.wait_rounds(2)
        after = open_cases(daemon)
        check.equal('what holds goes on as the same case', after.get(('wrong_subnet', OTHER)),
                    before[('wrong_subnet', OTHER)])
        check.that('the other is over', ('wrong_subnet', v.HOME) not in after, after)
        daemon.stop()
    check.end()


main()
