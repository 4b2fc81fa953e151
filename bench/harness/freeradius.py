# SPDX-License-Identifier: Apache-2.0
"""FreeRADIUS as a peer: a server on loopback that does accounting in one of its ways.

null answers and keeps nothing; detail writes each request as text; linelog writes one
line; sqlite writes radacct as the package's own queries do, with one connection, which
is what SQLite has for a writer."""
import os
import pathlib
import shutil
import socket
import time

from measure import Missing, Server

SCHEMA = '/etc/freeradius/3.0/mods-config/sql/main/sqlite'
MODULES = {
    'null': '',
    'detail': '''
detail {
    filename = "%(dir)s/detail"
    permissions = 0600
    locking = no
}''',
    'linelog': '''
linelog {
    filename = "%(dir)s/linelog"
    permissions = 0600
    format = "%%{Acct-Status-Type} %%{Calling-Station-Id} %%{NAS-Identifier} %%{NAS-Port-Id}"
}''',
    'sqlite': '''
sql {
    dialect = "sqlite"
    driver = "rlm_sql_sqlite"
    sqlite {
        filename = "%(dir)s/radius.db"
        bootstrap = "%(schema)s/schema.sql"
    }
    radius_db = "radius"
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
    pool {
        start = 1
        min = 1
        max = 1
        spare = 0
        uses = 0
        lifetime = 0
        idle_timeout = 0
    }
    $INCLUDE %(schema)s/queries.conf
}''',
}

CONFIGURATION = '''
prefix = /usr
raddbdir = %(dir)s
logdir = %(dir)s
run_dir = %(dir)s
libdir = /usr/lib/freeradius
name = radiusd
cleanup_delay = 0
max_requests = 65536
log {
    destination = files
    file = %(dir)s/log
}
security {
    allow_core_dumps = no
    max_attributes = 200
    reject_delay = 0
    status_server = no
}
thread pool {
    start_servers = 1
    max_servers = 1
    min_spare_servers = 1
    max_spare_servers = 1
    max_requests_per_server = 0
    auto_limit_acct = no
}
client load {
    ipaddr = 127.0.0.1
    secret = %(secret)s
}
modules {
    always ok {
        rcode = ok
    }
    expr {
    }
%(modules)s
}
server default {
    listen {
        type = acct
        ipaddr = 127.0.0.1
        port = %(port)d
    }
    preacct {
        ok
    }
    accounting {
        %(accounting)s
    }
}
'''


def server(bench, kind, port, secret, single=True):
    """A Server that is ready when its port is taken; `single`: without threads (-s)."""
    if not shutil.which('freeradius'):
        raise Missing('freeradius is not installed')
    folder = pathlib.Path(bench.folder(f'freeradius-{kind}'))
    shutil.rmtree(folder)
    folder.mkdir()
    values = {'dir': folder, 'secret': secret, 'port': port, 'schema': SCHEMA}
    values['modules'] = MODULES[kind] % values
    values['accounting'] = {'null': 'ok', 'sqlite': 'sql'}.get(kind, kind)
    (folder / 'radiusd.conf').write_text(CONFIGURATION % values)
    command = ['freeradius', '-s' if single else '-f', '-d', str(folder)]
    return Server(command, lambda: ready(folder / 'log'))


def ready(log):
    time.sleep(0.05)
    return log.exists() and 'Ready to process requests' in log.read_text(errors='replace')
