#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Wired 802.1X with hostapd and wpa_supplicant: the accounting that a real authenticator
sends about a real supplicant ends at its port and in its session."""
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab
from radius import Muster, write

SUPPLICANT = '52:54:00:88:00:01'

MUSTER = '''
recorded:
  - {type: csv, guests: guests.csv, attachments: attachments.csv}
events:
  - {type: radius, listen: [127.0.0.1], port: 2813, client: [127.0.0.1], secret_file: feed, switch: sw1}
'''

HOSTAPD = '''
interface=p1
driver=wired
ieee8021x=1
use_pae_group_addr=1
nas_identifier=its-own-name
own_ip_addr=127.0.0.1
eap_server=1
eap_user_file={folder}/users
acct_server_addr=127.0.0.1
acct_server_port=2813
acct_server_shared_secret=feed456
radius_acct_interim_interval=60
radius_acct_req_attr=87:s:swp1
radius_acct_req_attr=61:d:15
ctrl_interface={folder}/hostapd
'''

WPA = '''
ctrl_interface={folder}/wpa
ap_scan=0
network={{
	key_mgmt=IEEE8021X
	eap=MD5
	identity="guest"
	password="password"
	eapol_flags=0
}}
'''


def sessions(muster, kind):
    found = [line for line in muster.everything() if line['event'] == kind]
    return [line for line in found if line.get('mac') == SUPPLICANT]


def main():
    lab.enter(['hostapd', 'hostapd_cli', 'wpa_supplicant', 'wpa_cli'])
    folder = tempfile.mkdtemp(prefix='muster-hostapd-')
    check = lab.Check()
    write(folder, 'feed', 'feed456\n')
    write(folder, 'guests.csv', 'hypervisor,guest,mac,run_state\nhv1,web1,%s,on\n' % SUPPLICANT)
    write(folder, 'attachments.csv', 'hypervisor,nic_mac,switch,port\nhv1,02:00:00:00:00:01,sw1,swp1\n')
    write(folder, 'users', '"guest" MD5 "password"\n')
    write(folder, 'hostapd.conf', HOSTAPD.format(folder=folder))
    write(folder, 'wpa.conf', WPA.format(folder=folder))
    lab.run('ip', 'link', 'add', 'p1', 'type', 'veth', 'peer', 'name', 'h1', 'address', SUPPLICANT)
    for end in ('p1', 'h1'):
        lab.run('ip', 'link', 'set', end, 'up')
    muster = Muster(folder, MUSTER)
    hostapd = lab.Daemon('hostapd', f'{folder}/hostapd.conf')
    supplicant = None
    try:
        lab.wait_until('an Accounting-On', lambda: any(
            line['event'] == 'reset' for line in muster.everything()))
        on = [line for line in muster.everything() if line['event'] == 'reset'][0]
        check.equal('On is of one port only', [on['switch'], on['port']], ['sw1', 'swp1'])
        supplicant = lab.Daemon('wpa_supplicant', '-D', 'wired', '-i', 'h1', '-c', f'{folder}/wpa.conf')
        lab.wait_until('a start', lambda: sessions(muster, 'start'))
        start = sessions(muster, 'start')[0]
        check.equal('where', [start['switch'], start['port']], ['sw1', 'swp1'])
        check.that('a session id', start['session'] != '', start)
        lab.run('wpa_cli', '-p', f'{folder}/wpa', '-i', 'h1', 'logoff')
        lab.wait_until('a stop', lambda: sessions(muster, 'stop'))
        stop = sessions(muster, 'stop')[0]
        check.equal('of that session', stop['session'], start['session'])
        check.equal('why', stop.get('cause'), 'User-Request')
        check.equal('no more than heard', [len(sessions(muster, kind)) for kind in ('start', 'stop')], [1, 1])
        check.equal('nothing was refused', muster.counter('bad_authenticator'), 0)
    except SystemExit:
        for daemon in [hostapd] + ([supplicant] if supplicant else []):
            with open(daemon.log, encoding='utf-8') as log:
                print(log.read()[-2000:])
        raise
    finally:
        if supplicant:
            supplicant.stop()
        hostapd.stop()
        muster.stop()
        shutil.rmtree(folder)
    check.end()


if __name__ == '__main__':
    main()
