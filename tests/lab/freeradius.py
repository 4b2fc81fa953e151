# SPDX-License-Identifier: Apache-2.0
"""A FreeRADIUS as the lab tests run it: one file of configuration that calls for nothing of the
installed one but its modules and, where its table radacct is wanted, its SQL."""
import os
import shutil
import tempfile

import lab

SQL = '/etc/freeradius/3.0/mods-config/sql/main'

SERVER = '''
prefix = /usr
libdir = /usr/lib/freeradius
confdir = {folder}
logdir = ${{confdir}}
run_dir = ${{confdir}}
db_dir = ${{confdir}}
log {{
	destination = stdout
}}
client local {{
	ipaddr = 127.0.0.1
	secret = {secret}
}}
thread pool {{
	start_servers = 1
	max_servers = 2
}}
{body}
'''

MODULE_SQL = '''	sql {{
		driver = "rlm_sql_{driver}"
		dialect = "{driver}"
{connection}
		acct_table1 = "radacct"
		acct_table2 = "radacct"
		postauth_table = "radpostauth"
		authcheck_table = "radcheck"
		groupcheck_table = "radgroupcheck"
		authreply_table = "radreply"
		groupreply_table = "radgroupreply"
		usergroup_table = "radusergroup"
		client_table = "nas"
		group_attribute = "SQL-Group"
		read_clients = no
		pool {{
			start = 1
			min = 1
			max = 4
			retry_delay = 1
		}}
		$INCLUDE ${{confdir}}/queries.conf
	}}'''


def module_sql(driver, connection):
    """The module sql for `driver`, with the lines that say where the database is."""
    return MODULE_SQL.format(driver=driver, connection=connection)


def listener(port, kind='acct'):
    return f'\tlisten {{\n\t\ttype = {kind}\n\t\tipaddr = 127.0.0.1\n\t\tport = {port}\n\t}}'


def unique_by(attribute):
    """What FreeRADIUS's policy acct_unique does, without its policies."""
    return ('\t\tupdate request {\n\t\t\t&Acct-Unique-Session-Id := '
            f'"%{{md5:%{{Acct-Session-Id}},%{{{attribute}}}}}"\n\t\t}}')


def copy_sql(driver, prefix, owner=None):
    """FreeRADIUS's own SQL, which only its group may read, in a folder that is
    MUSTER_LAB_FOLDER from now on: before the namespaces are entered."""
    folder = tempfile.mkdtemp(prefix=prefix)
    if owner is not None:
        os.chmod(folder, 0o755)
    try:
        for name in ('schema.sql', 'queries.conf'):
            shutil.copy(f'{SQL}/{driver}/{name}', folder)
            os.chmod(f'{folder}/{name}', 0o644)
        if owner is not None and os.geteuid() == 0:
            shutil.chown(folder, owner)
    except (OSError, LookupError) as error:
        shutil.rmtree(folder)
        lab.skip(f'FreeRADIUS\'s SQL cannot be read: {error}')
    os.environ['MUSTER_LAB_FOLDER'] = folder


def start(folder, secret, body):
    """Writes radiusd.conf and starts the server; wait_ready() waits for it."""
    with open(f'{folder}/radiusd.conf', 'w', encoding='utf-8') as file:
        file.write(SERVER.format(folder=folder, secret=secret, body=body))
    os.chmod(f'{folder}/radiusd.conf', 0o600)
    return lab.Daemon('freeradius', '-f', '-l', 'stdout', '-d', folder)


def wait_ready(server):
    lab.wait_until('FreeRADIUS', lambda: 'Ready to process' in open(server.log, encoding='utf-8').read())
