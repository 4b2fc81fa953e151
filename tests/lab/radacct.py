#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: radacct.py postgresql|mariadb

musterd reads the table radacct that a real FreeRADIUS writes into a real database, with the
very statements and configuration that stand in the operator guide. Database, FreeRADIUS
and musterd are started here, in a network of their own, and ended with it."""
import datetime
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import freeradius
import lab
from radius import Muster, record, send, write

PORT, DATABASE, SECRET, PASSWORD = 11913, 11306, 'testing123', 'only for reading'
ZONE = 'Asia/Kolkata'  # no whole hours from UTC: what mixes up time zones shows

ACCOUNTING = '''modules {{
	expr {{
	}}
{sql}
}}
server accounting {{
{listener}
	preacct {{
{unique}
	}}
	accounting {{
		sql
	}}
}}'''


def as_user(name):
    """Servers refuse to be root's."""
    if os.geteuid() != 0:
        return []
    return ['setpriv', f'--reuid={name}', f'--regid={name if name == "postgres" else "nogroup"}',
            '--clear-groups']


class PostgreSQL:
    driver, user = 'postgresql', 'postgres'

    def __init__(self, folder):
        self.folder = folder
        self.bin = sorted(os.listdir('/usr/lib/postgresql'))[-1]
        self.bin = f'/usr/lib/postgresql/{self.bin}/bin'
        lab.run(*as_user(self.user), f'{self.bin}/initdb', '-D', f'{folder}/database', '-U', 'postgres',
                '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C')
        with open(f'{folder}/database/pg_hba.conf', 'w', encoding='utf-8') as access:
            access.write('local all muster scram-sha-256\nlocal all all trust\n')
        self.start()
        self.run('CREATE DATABASE radius', 'postgres')

    @staticmethod
    def missing():
        if not os.path.isdir('/usr/lib/postgresql') or shutil.which('psql') is None:
            return 'package postgresql-15 is not installed'
        if not os.path.exists('/usr/lib/freeradius/rlm_sql_postgresql.so'):
            return 'package freeradius-postgresql is not installed'
        return ''

    def start(self):
        self.server = lab.Daemon(*as_user(self.user), f'{self.bin}/postgres', '-D', f'{self.folder}/database',
                                 '-k', self.folder, '-c', 'listen_addresses=', '-c', 'fsync=off',
                                 '-c', f'timezone={ZONE}')
        lab.wait_until('PostgreSQL', lambda: subprocess.run(
            [f'{self.bin}/pg_isready', '-q', '-h', self.folder], check=False).returncode == 0)

    def run(self, statements, database='radius'):
        lab.run('psql', '-q', '-X', '-v', 'ON_ERROR_STOP=1', '-h', self.folder, '-U', 'postgres', database,
                '-c', statements)

    def connection(self):
        return f'\t\tradius_db = "host={self.folder} dbname=radius user=postgres"'

    def prepare(self):
        """What the guide has the operator do; returns the sources of muster.yaml."""
        self.run(lab.guide_block('sql', 'TO muster;').replace('SECRET', PASSWORD))
        write(f'{self.folder}/muster', '.pgpass', lab.guide_block('ini', ':radius:muster:')
              .replace('db.example.org:5432', '*:*').replace('SECRET', PASSWORD))
        os.environ['HOME'] = f'{self.folder}/muster'
        return lab.guide_block('yaml', 'radacct: [psql').replace('db.example.org', self.folder)

    def stop(self):
        self.server.process.send_signal(signal.SIGINT)  # without waiting for its clients to leave
        self.server.process.wait(10)


class MariaDB:
    driver, user = 'mysql', 'nobody'

    def __init__(self, folder):
        self.folder = folder
        lab.run(*as_user(self.user), 'mariadb-install-db', '--no-defaults', f'--datadir={folder}/database',
                '--auth-root-authentication-method=normal', '--skip-test-db', '--basedir=/usr')
        self.start()
        self.run('CREATE DATABASE radius', '')

    @staticmethod
    def missing():
        for program in ('mariadbd', 'mariadb-install-db', 'mysql'):
            if shutil.which(program) is None:
                return f'{program} of the packages mariadb-server-core, mariadb-client-core is not installed'
        if not os.path.exists('/usr/lib/freeradius/rlm_sql_mysql.so'):
            return 'package freeradius-mysql is not installed'
        return ''

    def start(self):
        self.server = lab.Daemon(*as_user(self.user), 'mariadbd', '--no-defaults',
                                 f'--datadir={self.folder}/database', f'--socket={self.folder}/socket',
                                 '--bind-address=127.0.0.1', f'--port={DATABASE}', '--innodb-flush-log-at-trx-commit=0',
                                 '--innodb-buffer-pool-size=16M', env={'TZ': ZONE})
        lab.wait_until('MariaDB', lambda: subprocess.run(self.client('') + ['-e', 'SELECT 1'],
                                                         capture_output=True, check=False).returncode == 0)

    def client(self, database):
        return ['mysql', '--no-defaults', '-S', f'{self.folder}/socket', '-u', 'root', database]

    def run(self, statements, database='radius'):
        lab.run(*self.client(database), '-e', statements)

    def connection(self):
        return (f'\t\tserver = "127.0.0.1"\n\t\tport = {DATABASE}\n\t\tlogin = "root"\n'
                '\t\tradius_db = "radius"')

    def prepare(self):
        self.run(lab.guide_block('sql', 'TO muster@').replace('SECRET', PASSWORD))
        write(f'{self.folder}/muster', 'radacct.cnf', lab.guide_block('ini', '[client]')
              .replace('db.example.org', f'127.0.0.1\nport = {DATABASE}').replace('SECRET', PASSWORD))
        return lab.guide_block('yaml', 'radacct: [mysql').replace('/etc/muster', f'{self.folder}/muster')

    def stop(self):
        self.server.stop()


DATABASES = {'postgresql': PostgreSQL, 'mariadb': MariaDB}


def told(status, session, **words):
    return send(record(status, session, **words), PORT, SECRET)


def age(event):
    at = datetime.datetime.fromisoformat(event['at'].replace('Z', '+00:00'))
    return (datetime.datetime.now(datetime.timezone.utc) - at).total_seconds()


def a_session(check, muster):
    name = ',User-Name="Zo\\303\\253, \\"x\\"; a\\\\b\\ttab"'
    check.that('FreeRADIUS answers a start', told('Start', 's1', port='Gi0/7', more=name))
    event = muster.wait('s1', 1)[0]
    check.equal('it is read from the table',
                [event[key] for key in ('event', 'mac', 'port', 'nas', 'proof')],
                ['start', '52:54:00:11:22:33', 'Gi0/7', '192.0.2.1', 'told'])
    check.that('with its instant, whatever the time zone', -2 < age(event) < 20, event)
    lab.wait_until('another second', lambda: age(event) > 1.1)
    check.that('an update', told('Interim-Update', 's1', port='Gi0/7'))
    check.equal('is read', [e['event'] for e in muster.wait('s1', 2)], ['start', 'update'])
    check.that('a stop', told('Stop', 's1', port='Gi0/7', more=',Acct-Terminate-Cause=Lost-Carrier'))
    events = muster.wait('s1', 3)
    check.equal('is read', [events[-1]['event'], events[-1]['cause']], ['stop', 'Lost-Carrier'])


def a_switch_starts(check, muster):
    for i in (1, 2):
        check.that('a session', told('Start', f'on{i}', mac=f'52-54-00-00-00-0{i}', port=f'Gi0/{i}'))
        muster.wait(f'on{i}', 1)
    check.that('the switch starts anew', send('Acct-Status-Type=Accounting-On,NAS-IP-Address=192.0.2.1',
                                              PORT, SECRET))
    for i in (1, 2):
        check.equal('which ends its sessions', [e['event'] for e in muster.wait(f'on{i}', 2)], ['start', 'stop'])


def a_clock_is_ahead(check, muster):
    """FreeRADIUS writes the Event-Timestamp of the switch: it must not hide what comes after it."""
    check.that('a start of years to come', told('Start', 'ahead', port='Gi0/3', more=',Event-Timestamp=2082758400'))
    check.that('counts as now', -2 < age(muster.wait('ahead', 1)[0]) < 20, muster.events('ahead'))
    check.that('another', told('Start', 'after', mac='52-54-00-00-00-09', port='Gi0/4'))
    check.equal('is read', [e['event'] for e in muster.wait('after', 1)], ['start'])


def a_switch_without_names(check, muster):
    check.that('NAS-Port alone', send('Acct-Status-Type=Start,Acct-Session-Id=number,NAS-IP-Address=192.0.2.1,'
                                      'Calling-Station-Id=5254.0000.000a,NAS-Port=50112', PORT, SECRET))
    event = muster.wait('number', 1)[0]
    check.equal('is the same as over the wire', [event['mac'], event['port']], ['52:54:00:00:00:0a', '#50112'])


def the_database_goes_and_comes(check, muster, database):
    database.stop()
    lab.wait_until('a failure to be counted', lambda: muster.counter('radacct_failures') > 0)
    database.start()
    lab.wait_until('FreeRADIUS to write again', lambda: told('Start', 'back', port='Gi0/9'), 20)
    check.equal('what came meanwhile is read', muster.wait('back', 1)[0]['event'], 'start')


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in DATABASES:
        sys.exit(__doc__)
    kind = DATABASES[sys.argv[1]]
    os.environ['PATH'] += ':/usr/sbin:/sbin'
    if os.environ.get('MUSTER_LAB') != 'inside':
        if kind.missing():
            lab.skip(kind.missing())
        if not os.path.isdir('/etc/freeradius'):
            lab.skip('package freeradius is not installed')
        freeradius.copy_sql(kind.driver, 'muster-radacct-', kind.user)
    lab.enter(['radclient', 'freeradius', 'setpriv'], users=True)
    folder = os.environ['MUSTER_LAB_FOLDER']
    check = lab.Check()
    os.mkdir(f'{folder}/muster')  # musterd may write only where its own user may
    database = server = muster = None
    try:
        database = kind(folder)
        with open(f'{folder}/schema.sql', encoding='utf-8') as schema:
            database.run(schema.read())
        sources = database.prepare().replace('radacct_interval: 10s', 'radacct_interval: 200ms')
        write(f'{folder}/muster', 'guests.csv', 'hypervisor,guest,mac,run_state\nhv1,web1,52:54:00:11:22:33,on\n')
        server = freeradius.start(folder, SECRET, ACCOUNTING.format(
            sql=freeradius.module_sql(kind.driver, database.connection()),
            listener=freeradius.listener(PORT), unique=freeradius.unique_by('NAS-IP-Address')))
        freeradius.wait_ready(server)
        muster = Muster(f'{folder}/muster', 'recorded:\n  - {type: csv, guests: guests.csv}\n' + sources)
        a_session(check, muster)
        a_switch_starts(check, muster)
        a_clock_is_ahead(check, muster)
        a_switch_without_names(check, muster)
        the_database_goes_and_comes(check, muster, database)
        check.equal('nothing is told twice', [len(muster.events(s)) for s in ('s1', 'on1', 'on2', 'ahead', 'back')],
                    [3, 2, 2, 1, 1])
        check.equal('no row is bad', muster.counter('radacct_bad_rows'), 0)
    except SystemExit:
        for name, part in (('FreeRADIUS', server), ('the database', database and database.server),
                           ('musterd', muster and muster.daemon)):
            if part is not None:
                with open(part.log, encoding='utf-8') as log:
                    print(f'{name} said at last:\n{"".join(log.readlines()[-8:])}')
        raise
    finally:
        for part in (muster, server, database):
            if part is not None:
                part.stop()
        shutil.rmtree(folder)
    check.end()


main()
