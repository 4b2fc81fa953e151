#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Peer: PostgreSQL, a throw-away cluster of its own.

Makes a cluster in a temporary folder as an unprivileged user, reachable by a Unix
socket there and by nothing else, loads the world's numbers and runs join.sql in one
backend: hash joins in 2 GB of work memory, no parallel workers, no JIT, no fsync.
CPU seconds are those of that backend (/proc/PID/stat). Prints one JSON line and
removes the cluster.  usage: postgres_join.py WORLD_DIRECTORY JOIN_SQL
"""
import glob
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import time

TABLES = {
    'guest': ('mac bigint, guest int, hypervisor int, running int', 'guest.num'),
    'attachment': ('hypervisor int, nic_mac bigint, switch int, port int', 'attachment.num'),
    'forward': ('switch int, port int, mac bigint', 'forward.num'),
}
SETTINGS = ['listen_addresses=', 'fsync=off', 'synchronous_commit=off', 'full_page_writes=off',
            'wal_level=minimal', 'max_wal_senders=0', 'jit=off', 'autovacuum=off',
            'max_parallel_workers_per_gather=0', 'max_parallel_maintenance_workers=0',
            'work_mem=2GB', 'hash_mem_multiplier=1', 'shared_buffers=1GB', 'max_wal_size=16GB']
START_SECONDS = 60


def programs():
    """The folder of the newest installed server; Debian keeps it out of PATH."""
    found = sorted(glob.glob('/usr/lib/postgresql/*/bin/initdb'),
                   key=lambda path: int(path.split('/')[4]))
    if found:
        return os.path.dirname(found[-1])
    path = shutil.which('initdb')
    if not path:
        sys.exit('postgres_join: no initdb found; nothing was measured')
    return os.path.dirname(path)


def unprivileged():
    """The prefix that runs a command without root's rights (the server refuses root)."""
    if os.geteuid() != 0:
        return [], os.getuid()
    for name in ('postgres', 'nobody'):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return ['setpriv', f'--reuid={user.pw_uid}', f'--regid={user.pw_gid}', '--clear-groups',
                '--'], user.pw_uid
    sys.exit('postgres_join: neither user postgres nor nobody exists; nothing was measured')


class Cluster:
    def __init__(self):
        self.bin = programs()
        self.prefix, uid = unprivileged()
        self.folder = tempfile.mkdtemp(prefix='muster-bench-pg-')
        os.chown(self.folder, uid, -1)
        self.server = None
        self.environment = {'PATH': os.environ['PATH'], 'HOME': self.folder, 'LC_ALL': 'C'}

    def __enter__(self):
        self.run([f'{self.bin}/initdb', '-D', f'{self.folder}/data', '-U', 'bench', '-A', 'trust',
                  '--no-sync', '--locale=C', '-E', 'UTF8'])
        arguments = [part for setting in SETTINGS for part in ('-c', setting)]
        self.log = open(f'{self.folder}/log', 'w')
        self.server = subprocess.Popen(
            self.prefix + [f'{self.bin}/postgres', '-D', f'{self.folder}/data', '-k', self.folder]
            + arguments, stdout=self.log, stderr=self.log, env=self.environment, cwd=self.folder)
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(self.client('SELECT 1'), env=self.environment, cwd=self.folder,
                             capture_output=True).returncode != 0:
            if time.monotonic() > deadline or self.server.poll() is not None:
                sys.exit('postgres_join: the server does not start: '
                         + pathlib.Path(self.folder, 'log').read_text()[-500:])
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        if self.server and self.server.poll() is None:
            self.server.terminate()  # a smart shutdown; no client is left
            try:
                self.server.wait(30)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, sql):
        return self.prefix + [f'{self.bin}/psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-h',
                              self.folder, '-U', 'bench', '-d', 'postgres', '-c', sql]

    def run(self, command, **more):
        done = subprocess.run(self.prefix + command, env=self.environment, cwd=self.folder,
                              text=True, capture_output=True, **more)
        if done.returncode != 0:
            sys.exit(f'postgres_join: {command[0]}: {done.stderr[-500:]}')
        return done.stdout

    def script(self, text):
        return self.run([f'{self.bin}/psql', '-XqAt', '-F', '|', '-v', 'ON_ERROR_STOP=1', '-h',
                         self.folder, '-U', 'bench', '-d', 'postgres', '-f', '-'], input=text)


def cpu_seconds(stat):
    fields = stat.rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def load(cluster, world):
    """The files go in through the client's standard input: the server's user may not read them."""
    for table, (columns, file) in TABLES.items():
        cluster.script(f'CREATE UNLOGGED TABLE {table} ({columns});')
        with open(os.path.join(world, file)) as rows:
            done = subprocess.run(
                cluster.client(f"COPY {table} FROM STDIN (DELIMITER '|')"), stdin=rows,
                env=cluster.environment, cwd=cluster.folder, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f'postgres_join: loading {file}: {done.stderr[-500:]}')
    cluster.script('VACUUM ANALYZE;')


def main():
    if len(sys.argv) != 3:
        sys.exit('usage: postgres_join.py WORLD_DIRECTORY JOIN_SQL')
    world, join = sys.argv[1], pathlib.Path(sys.argv[2]).read_text()
    with Cluster() as cluster:
        load(cluster, world)
        mark = r"""
\! cat /proc/$PID/stat
SELECT extract(epoch FROM clock_timestamp());
"""
        lines = cluster.script(
            'SELECT count(*), sum(mac) FROM forward; SELECT count(*), sum(mac) FROM guest;\n'
            + 'SELECT pg_backend_pid() AS pid \\gset\n\\setenv PID :pid\n' + mark + join + mark
            + 'SELECT kind, count(*) FROM discrepancy GROUP BY kind; SHOW server_version;'
        ).splitlines()
    stats = [i for i, line in enumerate(lines) if ') ' in line and 'postgres' in line]
    before, after = stats[0], stats[1]
    print(json.dumps({
        'version': lines[-1].split()[0],
        'rows': int(lines[0].split('|')[0]),
        'counts': {kind: int(count) for kind, count in
                   (line.split('|') for line in lines[after + 2:-1])},
        'wall': float(lines[after + 1]) - float(lines[before + 1]),
        'cpu': cpu_seconds(lines[after]) - cpu_seconds(lines[before]),
    }))


main()
