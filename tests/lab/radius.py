#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""musterd as an accounting server for real clients: radclient, and FreeRADIUS in its three
ways of handing accounting on (a replicated copy, a stored and forwarded copy, its table
radacct in SQLite)."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import freeradius
import lab

SECRET, FEED = 'testing123', 'feed456'
DIRECT, REPLICATED, STORED = 2813, 11813, 11814

FREERADIUS = '''home_server muster {{
	type = acct
	ipaddr = 127.0.0.1
	port = {direct}
	secret = {feed}
	response_window = 2
	revive_interval = 2
	status_check = status-server
	check_interval = 6
	num_answers_to_alive = 1
}}
home_server_pool muster {{
	home_server = muster
}}
realm muster {{
	acct_pool = muster
	nostrip
}}
modules {{
	always ok {{
		rcode = ok
	}}
	expr {{
	}}
	replicate {{
	}}
	detail detail.muster {{
		filename = ${{confdir}}/detail-%Y%m%d%H
		permissions = 0600
	}}
{sql}
}}
server replicating {{
{replicated}
	preacct {{
{unique}
		update control {{
			&Replicate-To-Realm := "muster"
		}}
	}}
	accounting {{
		replicate
		sql
	}}
}}
server storing {{
{stored}
	accounting {{
		detail.muster
	}}
}}
server forwarding {{
	listen {{
		type = detail
		filename = ${{confdir}}/detail-*
		load_factor = 100
		poll_interval = 1
		retry_interval = 4
	}}
	preacct {{
		update control {{
			&Proxy-To-Realm := "muster"
		}}
	}}
	accounting {{
		ok
	}}
}}
'''

DATABASE = '''		sqlite {
			filename = ${confdir}/radius.db
			bootstrap = ${confdir}/schema.sql
		}'''

MUSTER = '''
recorded:
  - {{type: csv, guests: guests.csv, attachments: attachments.csv}}
events:
  - {{type: radius, port: {direct}, client: 127.0.0.1, secret_file: feed, clients: clients.csv}}
'''

RECORDED = '''
recorded:
  - {type: csv, guests: guests.csv, attachments: attachments.csv}
'''


def write(folder, name, text):
    with open(f'{folder}/{name}', 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(f'{folder}/{name}', 0o600)


class Muster:
    """musterd, and what `muster watch --events` says of it."""

    def __init__(self, folder, configuration):
        self.folder = folder
        write(folder, 'muster.yaml', configuration)
        self.daemon = lab.Daemon(os.environ['MUSTERD'], '-c', f'{folder}/muster.yaml')
        lab.wait_until('musterd', lambda: os.path.exists(f'{folder}/musterd.sock'))
        self.watch = lab.Daemon(os.environ['MUSTER'], 'watch', '-c', f'{folder}/muster.yaml',
                                '--events', '--format', 'json')
        lab.wait_until('muster watch', lambda: 'watching' in self.lines())

    def lines(self):
        with open(self.watch.log, encoding='utf-8') as log:
            return log.read()

    def everything(self):
        whole = self.lines()
        found = [json.loads(line) for line in whole[:whole.rfind('\n') + 1].splitlines()]
        return [line for line in found if line['type'] == 'event']

    def events(self, session):
        return [line for line in self.everything() if line.get('session', '') == session]

    def kinds(self, session):
        return [event['event'] for event in self.events(session)]

    def wait(self, session, count, seconds=15):
        lab.wait_until(f'{count} events of {session}',
                       lambda: len(self.events(session)) >= count, seconds)
        return self.events(session)

    def counter(self, name):
        status = lab.run(os.environ['MUSTER'], 'status', '-c', f'{self.folder}/muster.yaml')
        words = status.replace(',', ' ').split()
        return int(words[words.index(name) + 1].rstrip('!')) if name in words else 0

    def stop(self):
        self.watch.stop()
        self.daemon.stop()


def send(attributes, port=DIRECT, secret=FEED, command='acct', address='127.0.0.1', tries=4):
    """Returns whether radclient got, and believed, an answer."""
    sent = subprocess.run(['radclient', '-t', '2', '-r', str(tries), f'{address}:{port}', command, secret],
                          input=attributes, capture_output=True, text=True, check=False)
    return 'Received Accounting-Response' in sent.stdout


def record(status, session, mac='52-54-00-11-22-33', port='Gi0/1', more=''):
    return (f'Acct-Status-Type={status},Acct-Session-Id={session},User-Name=x,'
            f'Calling-Station-Id="{mac}",NAS-Identifier=sw1,NAS-IP-Address=192.0.2.1,'
            f'NAS-Port-Id={port}{more}')


def direct(check, muster):
    check.that('a start is answered', send(record('Start', 'd1')))
    event = muster.wait('d1', 1)[0]
    check.equal('and heard', [event[key] for key in ('event', 'mac', 'switch', 'port', 'proof')],
                ['start', '52:54:00:11:22:33', 'sw1', 'Gi0/1', 'told'])
    check.that('an interim', send(record('Interim-Update', 'd1')))
    check.that('a stop', send(record('Stop', 'd1', more=',Acct-Terminate-Cause=Lost-Carrier')))
    check.equal('all told', [e['event'] for e in muster.wait('d1', 3)], ['start', 'update', 'stop'])
    check.that('signed, and the signed answer is believed',
               send(record('Start', 'd2', more=',Message-Authenticator=0x00')))
    check.that('over IPv6', send(record('Start', 'd3'), address='[::1]'))
    check.that('a Status-Server', send('Message-Authenticator=0x00', command='status'))
    check.that('an Accounting-On', send('Acct-Status-Type=Accounting-On,NAS-Identifier=sw1'))
    check.that('a wrong secret is not answered', not send(record('Start', 'd4'), secret='wrong', tries=1))
    check.equal('and not heard', muster.kinds('d4'), [])
    check.that('and counted', muster.counter('bad_authenticator') >= 1)
    check.that('a telephone is acknowledged', send(record('Start', 'd5', mac='+49 30 123456')))
    check.equal('and is no event', muster.kinds('d5'), [])


def a_secret_changes(check, folder, muster):
    """A reload reads the secrets that the clients' file names, and sessions go on."""
    own = {'address': '[::1]'}
    check.that('by a client of the file', send(record('Start', 'k1'), secret=FEED, **own))
    write(folder, 'next', 'second\n')
    os.replace(f'{folder}/next', f'{folder}/client')
    check.that('until a reload the old one holds', send(record('Interim-Update', 'k1'), secret=FEED, **own))
    lab.run(os.environ['MUSTER'], 'reload', '-c', f'{folder}/muster.yaml')
    lab.wait_until('the new secret', lambda: send(record('Interim-Update', 'k1', more=',Acct-Session-Time=9'),
                                                  secret='second', tries=1, **own))
    check.that('the old one is void', not send(record('Start', 'k2'), secret=FEED, tries=1, **own))
    os.remove(f'{folder}/client')
    refused = subprocess.run([os.environ['MUSTER'], 'reload', '-c', f'{folder}/muster.yaml'],
                             capture_output=True, text=True, check=False)
    check.that('a secret that is gone is said, and changes nothing', 'client' in refused.stderr + refused.stdout,
               refused.stderr)
    write(folder, 'client', 'second\n')
    check.that('a session goes on and ends', send(record('Stop', 'k1'), secret='second', **own))
    check.equal('all of it is told', [e['event'] for e in muster.wait('k1', 4)], ['start', 'update', 'update', 'stop'])


def replicated(check, muster):
    check.that('FreeRADIUS answers', send(record('Start', 'r1'), REPLICATED, SECRET))
    event = muster.wait('r1', 1)[0]
    check.equal('its copy is heard', [event['event'], event['switch']], ['start', 'sw1'])
    check.that('a stop as well', send(record('Stop', 'r1'), REPLICATED, SECRET))
    check.equal('both, once', [e['event'] for e in muster.wait('r1', 2)], ['start', 'stop'])


def stored(folder, session):
    with sqlite3.connect(f'file:{folder}/muster.db?mode=ro', uri=True) as store:
        return store.execute('SELECT kind FROM event WHERE session = ?', (session,)).fetchall()


def forwarded(check, folder, muster):
    check.that('stored', send(record('Start', 'f1'), STORED, SECRET))
    check.equal('and forwarded', muster.wait('f1', 1)[0]['event'], 'start')
    muster.stop()
    check.that('stored while nobody listens', send(record('Stop', 'f1'), STORED, SECRET))
    again = Muster(folder, MUSTER.format(direct=DIRECT))
    # Maybe before anybody could watch: it is looked for in the store.
    lab.wait_until('the stop of f1', lambda: ('stop',) in stored(folder, 'f1'), 60)
    check.that('and forwarded when somebody does', True)
    again.stop()


def radacct(check, folder):
    check.that('a session for the table', send(record('Start', 't1', port='Gi0/7'), REPLICATED, SECRET))
    sources = lab.guide_block('yaml', 'radacct: [sqlite3').replace('/var/lib/radius', folder)
    muster = Muster(folder, RECORDED + sources.replace('radacct_interval: 10s', 'radacct_interval: 200ms'))
    check.that('its stop', send(record('Stop', 't1', port='Gi0/7',
                                       more=',Acct-Terminate-Cause=Port-Error'), REPLICATED, SECRET))
    lab.wait_until('the stop of t1', lambda: 'stop' in muster.kinds('t1'))
    last = muster.events('t1')[-1]
    check.equal('read from the table', [last['event'], last['mac'], last['port'], last['nas']],
                ['stop', '52:54:00:11:22:33', 'Gi0/7', '192.0.2.1'])
    check.that('not twice', muster.kinds('t1').count('stop') == 1)
    muster.stop()


def main():
    if os.environ.get('MUSTER_LAB') != 'inside':
        if not os.path.isdir('/etc/freeradius'):
            lab.skip('package freeradius is not installed')
        freeradius.copy_sql('sqlite', 'muster-radius-')
    lab.enter(['radclient', 'freeradius', 'sqlite3'])
    folder = os.environ['MUSTER_LAB_FOLDER']
    check = lab.Check()
    write(folder, 'feed', FEED + '\n')
    write(folder, 'client', FEED + '\n')
    write(folder, 'clients.csv', 'address,secret_file\n::1,client\n')
    write(folder, 'guests.csv', 'hypervisor,guest,mac,run_state\nhv1,web1,52:54:00:11:22:33,on\n')
    write(folder, 'attachments.csv', 'hypervisor,nic_mac,switch,port\nhv1,02:00:00:00:00:01,sw1,Gi0/1\n')
    server = freeradius.start(folder, SECRET, FREERADIUS.format(
        feed=FEED, direct=DIRECT, sql=freeradius.module_sql('sqlite', DATABASE),
        unique=freeradius.unique_by('NAS-Identifier'), replicated=freeradius.listener(REPLICATED),
        stored=freeradius.listener(STORED)))
    try:
        muster = Muster(folder, MUSTER.format(direct=DIRECT))
        direct(check, muster)
        a_secret_changes(check, folder, muster)
        freeradius.wait_ready(server)
        replicated(check, muster)
        forwarded(check, folder, muster)
        radacct(check, folder)
    finally:
        server.stop()
        shutil.rmtree(folder)
    check.end()


if __name__ == '__main__':
    main()
