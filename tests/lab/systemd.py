#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""etc/musterd.service under a real systemd: process 1 of namespaces of its own, on a copy of
this machine's files that is kept in memory, with a control group of its own. Nothing of the
machine's own systemd is touched. Notification, watchdog, reload, capabilities, sandbox,
stop; and what systemd-analyze says of the unit."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab

SYSTEMD = '/lib/systemd/systemd'
ROOT = os.environ.get('MUSTER_ROOT', '.')
UP = ('initializing', 'starting', 'running', 'degraded')
TARGETS = ('sysinit', 'basic', 'shutdown', 'umount', 'final', 'network', 'network-online')

# Runs as the first process of the namespaces: makes the file system and becomes systemd. Each
# line that fails ends it with its reason.
INSIDE = '''set -e
step() {{ echo "$*" > {folder}/step; "$@"; }}
mount --make-rprivate /
step mount -t tmpfs -o mode=755 tmpfs {folder}/fs
mkdir {folder}/fs/upper {folder}/fs/work {root}
step mount -t overlay -o lowerdir=/,upperdir={folder}/fs/upper,workdir={folder}/fs/work overlay {root}
step mount -t proc proc {root}/proc
step mount -t sysfs -o ro sysfs {root}/sys
step mount -t cgroup2 cgroup2 {root}/sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs {root}/dev
for name in null zero full random urandom tty; do
    touch {root}/dev/$name
    mount --bind /dev/$name {root}/dev/$name
done
mkdir {root}/dev/shm {root}/dev/pts {root}/dev/mqueue {root}/dev/hugepages
step mount -t devpts -o newinstance,ptmxmode=0666 devpts {root}/dev/pts
ln -s pts/ptmx {root}/dev/ptmx
mount -t tmpfs -o mode=755 tmpfs {root}/run
mount -t tmpfs -o mode=1777 tmpfs {root}/tmp
mkdir -p {root}/usr/local/sbin {root}/usr/local/bin {root}/etc/muster-lab {root}/etc/muster
cp {musterd} {root}/usr/local/sbin/musterd
cp {muster} {root}/usr/local/bin/muster
cp {folder}/units/* {root}/etc/muster-lab
cp {folder}/muster/* {root}/etc/muster
echo muster:x:990:990::/nonexistent:/usr/sbin/nologin >> {root}/etc/passwd
echo muster:x:990: >> {root}/etc/group
chown -R 0:990 {root}/etc/muster
chmod 0750 {root}/etc/muster
chmod 0640 {root}/etc/muster/*
ip link set lo up
step ip link add span0 type veth peer name span1
ip link set span1 up
ip link set span0 up
mkdir {root}/old
cd {root}
step pivot_root . old
touch /dev/console
cp /old{folder}/step /run/step
umount -l /old
exec env -i container=muster-lab PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH=/etc/muster-lab \\
    {systemd} --system --unit=lab.target --log-target=console --show-status=no
'''

MUSTER = '''
recorded:
  - {type: csv, guests: guests.csv}
  - {type: exec, command: [sh, -c, 'cat /etc/muster/guests.jsonl'], name: program}
events:
  - {type: radius, client: 127.0.0.1, secret_file: secret, name: radius}
  - {type: snmp_trap, listen: 127.0.0.1, community_file: secret, user: switches, auth_protocol: sha256,
     auth_password_file: secret, state_file: /var/lib/muster/snmp_trap.state, name: traps}
  - {type: announce, interface: span0, name: mirror}
store: /var/lib/muster/muster.db
daemon: {socket: /var/lib/muster/musterd.sock}
'''


class Machine:
    """The namespaces with their systemd."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix='muster-systemd-')
        self.root = f'{self.folder}/fs/root'
        self.group = None
        self.process = None
        for name in ('fs', 'units', 'muster'):
            os.mkdir(f'{self.folder}/{name}')
        self.write('muster/muster.yaml', MUSTER)
        self.write('muster/guests.csv', 'hypervisor,guest,mac,run_state\nhv1,web1,52:54:00:11:22:33,on\n')
        self.write('muster/guests.jsonl', '{"hypervisor":"hv1","guest":"web2","mac":"52:54:00:11:22:34","run_state":"on"}\n')
        self.write('muster/secret', 'testing123\n')
        shutil.copy(f'{ROOT}/etc/musterd.service', f'{self.folder}/units')
        for name in TARGETS:
            self.write(f'units/{name}.target', '[Unit]\nDefaultDependencies=no\n')
        self.write('units/lab.target', '[Unit]\nDefaultDependencies=no\nWants=musterd.service\n')

    def write(self, name, text):
        with open(f'{self.folder}/{name}', 'w', encoding='utf-8') as file:
            file.write(text)

    def start(self):
        """Returns why it cannot be, '' when it runs."""
        with open('/proc/mounts', encoding='utf-8') as mounts:
            places = [line.split()[1] for line in mounts if line.split()[2] == 'cgroup2']
        if not places:
            return 'no cgroup2 file system is mounted'
        try:
            self.group = f'{places[0]}/muster-lab-{os.getpid()}'
            os.mkdir(self.group)
        except OSError as error:
            self.group = None
            return f'no control group can be made: {error}'
        self.write('inside', INSIDE.format(folder=self.folder, root=self.root, systemd=SYSTEMD,
                                           musterd=os.environ['MUSTERD'], muster=os.environ['MUSTER']))
        join = f'echo $$ > {self.group}/cgroup.procs && exec "$@"'
        with open(f'{self.folder}/log', 'w', encoding='utf-8') as log:
            self.process = subprocess.Popen(
                ['sh', '-c', join, 'join', 'unshare', '--cgroup', '--mount', '--pid', '--net', '--uts', '--ipc',
                 '--fork', '--kill-child', 'sh', f'{self.folder}/inside'], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.first() and self.inside('systemctl', 'is-system-running', check=False) in UP:
                return ''
            time.sleep(0.1)
        with open(f'{self.folder}/log', encoding='utf-8') as log:
            said = ' '.join(log.read().split())
        step = ''
        if os.path.exists(f'{self.folder}/step'):
            with open(f'{self.folder}/step', encoding='utf-8') as file:
                step = file.read().strip()
        return f'systemd does not start in namespaces here: {step}: {said}'[:400]

    def first(self):
        """The pid of process 1, seen from here."""
        try:
            children = f'/proc/{self.process.pid}/task/{self.process.pid}/children'
            with open(children, encoding='utf-8') as file:
                return file.read().split()[0]
        except (OSError, IndexError):
            return None

    def inside(self, *command, check=True):
        return lab.run('nsenter', '-t', self.first(), '-m', '-p', '-n', '-C', '-u', '-i', '-r', '-w', *command,
                       check=check).strip()

    def show(self, name):
        return self.inside('systemctl', 'show', 'musterd', '-p', name, '--value')

    def status(self):
        return json.loads(self.inside('muster', 'status', '-c', '/etc/muster/muster.yaml', '--format', 'json'))

    def of_musterd(self, *command, check=True):
        """Runs a program as musterd sees the files."""
        return self.inside('nsenter', '-t', self.show('MainPID'), '-m', *command, check=check)

    def stop(self):
        if self.process is not None:
            self.process.kill()  # and with it, by the kernel, all that is inside
            self.process.wait()
        for _ in range(50):
            if self.group is None:
                break
            for folder, _, _ in os.walk(self.group, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass
            if not os.path.isdir(self.group):
                break
            time.sleep(0.1)
        shutil.rmtree(self.folder, ignore_errors=True)


def analysis(check, machine):
    told = subprocess.run(['systemd-analyze', 'security', '--offline=yes', '--no-pager',
                           f'{ROOT}/etc/musterd.service'], capture_output=True, text=True, check=False).stdout
    found = float(re.search(r'exposure level for musterd.service: ([\d.]+)', told)[1])
    with open(f'{ROOT}/docs/operator-guide.md', encoding='utf-8') as guide:
        said = float(re.search(r'exposure of the unit as ([\d.]+)', guide.read())[1])
    check.equal('the exposure is what the guide says', found, said)
    verified = machine.inside('sh', '-c', 'systemd-analyze verify --man=no /etc/muster-lab/musterd.service 2>&1',
                              check=False)
    check.that('systemd-analyze verify finds nothing', 'muster' not in verified, verified)


def runs(check, machine):
    check.equal('it is running', [machine.show(n) for n in ('ActiveState', 'SubState', 'Type', 'StatusText')],
                ['active', 'running', 'notify', 'running'])
    sources = {source['name']: source['state'] for source in machine.status()['sources']}
    check.equal('it listens on a low port and on an interface',
                [sources[name] for name in ('radius', 'traps', 'mirror')], ['listening'] * 3)
    lab.wait_until('a program to be read', lambda: 'read' in [s['state'] for s in machine.status()['sources']
                                                              if s['name'] == 'program'])
    facts = dict(line.split(':', 1) for line in
                 machine.inside('cat', f'/proc/{machine.show("MainPID")}/status').splitlines() if ':' in line)
    check.equal('as its own user', facts['Uid'].split()[0], '990')
    check.equal('which has no capability any more',
                [facts[name].strip().strip('0') for name in ('CapEff', 'CapPrm', 'CapInh', 'CapAmb')], [''] * 4)
    check.equal('and can get none', [facts[name].strip() for name in ('NoNewPrivs', 'Seccomp')], ['1', '2'])


def is_confined(check, machine):
    for path in ('/usr/local/sbin/x', '/etc/x', '/etc/muster/x', '/opt/x', '/x'):  # nor by root there
        told = machine.of_musterd('sh', '-c', f'echo > {path} || true; test -e {path} && echo written', check=False)
        check.that(f'nothing can be written to {path}', 'written' not in told, told)
    machine.of_musterd('sh', '-c', 'echo > /var/lib/muster/x && rm /var/lib/muster/x')
    devices = set(machine.of_musterd('ls', '/dev').split())
    check.that('it sees no devices but the harmless', not devices & {'kmsg', 'mem', 'sda', 'vda', 'kvm'}, devices)
    check.equal('the state is its own', machine.inside('stat', '-c', '%U %G %a', '/var/lib/muster'),
                'muster muster 750')


def reloads(check, machine):
    pid = machine.show('MainPID')
    machine.inside('systemctl', 'reload', 'musterd')
    lab.wait_until('the reload', lambda: machine.status()['reloads'] == 1)
    lab.wait_until('READY again', lambda: machine.show('StatusText') == 'running')
    check.equal('a reload keeps the process', [machine.show('MainPID'), machine.show('ActiveState')],
                [pid, 'active'])


def is_watched(check, machine):
    machine.inside('sh', '-c', 'mkdir /etc/muster-lab/musterd.service.d && printf "[Service]\\nWatchdogSec=2s\\n" '
                   '> /etc/muster-lab/musterd.service.d/quick.conf && systemctl daemon-reload && '
                   'systemctl restart musterd')
    first = machine.show('WatchdogTimestampMonotonic')
    lab.wait_until('a sign of life', lambda: machine.show('WatchdogTimestampMonotonic') != first)
    pid = machine.show('MainPID')
    machine.inside('kill', '-STOP', pid)
    lab.wait_until('systemd to start it anew', lambda: machine.show('NRestarts') == '1' and
                   machine.show('SubState') == 'running', 20)
    check.that('a daemon that hangs is replaced', machine.show('MainPID') not in (pid, '0'))
    check.that('and listens', all(s['state'] == 'listening' for s in machine.status()['sources']
                                  if s['kind'] == 'event'))


def ends(check, machine):
    machine.inside('systemctl', 'stop', 'musterd')
    check.equal('it ends in order', [machine.show(n) for n in ('ActiveState', 'Result', 'ExecMainStatus')],
                ['inactive', 'success', '0'])
    check.that('its socket is gone', 'musterd.sock' not in machine.inside('ls', '/var/lib/muster'))


def main():
    os.environ['PATH'] += ':/usr/sbin:/sbin'
    if os.geteuid() != 0:
        lab.skip('a systemd of its own needs root (control groups, devices)')
    for program in (SYSTEMD, 'systemctl', 'systemd-analyze', 'unshare', 'nsenter', 'ip'):
        if shutil.which(program) is None:
            lab.skip(f'program {program} is not installed')
    check = lab.Check()
    machine = Machine()
    try:
        why = machine.start()
        if why:
            lab.skip(why)
        lab.wait_until('musterd under systemd', lambda: machine.show('SubState') == 'running')
        for part in (analysis, runs, is_confined, reloads, is_watched, ends):
            part(check, machine)
    finally:
        machine.stop()
    check.end()


main()
