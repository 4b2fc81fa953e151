#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Follows the README's "audit your own switch and your own spreadsheet in five
minutes" to the letter: its files are written as printed there, its commands run as
printed there, against snmpd at the address that the README names. The switch is a
real Linux bridge, shown by bridge_pass.py; guests are real frames.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab

ROOT = os.environ.get('MUSTER_ROOT', os.path.join(os.path.dirname(__file__), '..', '..'))
MUSTER = os.environ.get('MUSTER', os.path.join(ROOT, 'build', 'muster'))
COMMUNITY = 'public'


def readme_blocks():
    """The indented blocks of the section, without their indentation."""
    with open(os.path.join(ROOT, 'README.md')) as readme:
        section = re.search(r'^## Audit your own switch.*?(?=^## )', readme.read(), re.M | re.S)
    if section is None:
        sys.exit('the README has no section "Audit your own switch ..."')
    blocks, current = [], []
    for line in section.group(0).splitlines() + ['']:
        if line.startswith('       '):
            current.append(line[7:])
        elif current and line.strip():
            blocks.append('\n'.join(current) + '\n')
            current = []
    return blocks + (['\n'.join(current) + '\n'] if current else [])


def write_files(directory):
    """Writes what the README says to write; returns the switch's address in it."""
    starts = {'hypervisor,guest,mac': 'guests.csv', 'hypervisor,nic_mac': 'attachments.csv',
              'recorded:': 'muster.yaml'}
    written = {}
    for block in readme_blocks():
        for start, name in starts.items():
            if block.startswith(start):
                written[name] = block
                with open(os.path.join(directory, name), 'w') as file:
                    file.write(block)
    if len(written) != len(starts):
        sys.exit(f'the README shows only {sorted(written)}')
    with open(os.path.join(directory, 'community'), 'w') as file:
        file.write(COMMUNITY + '\n')
    os.chmod(os.path.join(directory, 'community'), 0o600)
    return re.search(r'address: ([0-9.]+)', written['muster.yaml']).group(1)


def start_switch(directory, address):
    lab.run('ip', 'address', 'add', f'{address}/32', 'dev', 'lo')
    lab.add_bridge()
    lab.add_port('br0', 'p1', 'e1')
    lab.add_port('br0', 'p2', 'e2')
    with open(f'{directory}/snmpd.conf', 'w') as config:
        config.write(f'agentaddress udp:{address}:161\nrocommunity {COMMUNITY}\nsysName sw1\n'
                     f'pass_persist .1.3.6.1.2.1.17 {sys.executable} -u '
                     f'{os.path.abspath(os.path.dirname(__file__))}/bridge_pass.py br0\n')
    snmpd = lab.Daemon('snmpd', '-f', '-C', '-c', f'{directory}/snmpd.conf', '-I', '-smux', '-Lf',
                       f'{directory}/snmpd.log', '-p', f'{directory}/snmpd.pid',
                       env={'MIBS': '', 'SNMP_PERSISTENT_DIR': f'{directory}/snmp'})
    lab.wait_until('snmpd', lambda: subprocess.run(
        ['snmpget', '-v2c', '-c', COMMUNITY, '-t', '0.3', '-r', '0', address,
         '1.3.6.1.2.1.17.1.2.0'], capture_output=True).returncode == 0)
    return snmpd


def speak(address, interface, port_number, macs):
    """Guests speak, and the agent (which answers from a short memory) shows it."""
    lab.speak(interface, macs)
    for mac in macs:
        instance = '.'.join(str(octet) for octet in lab.octets(mac))
        lab.wait_until(f'the switch shows {mac}', lambda: subprocess.run(
            ['snmpget', '-v2c', '-c', COMMUNITY, '-Oqv', address,
             f'1.3.6.1.2.1.17.7.1.2.2.1.2.1.{instance}'],
            capture_output=True, text=True).stdout.strip() == str(port_number))


class User:
    """Types commands in the directory of the five minutes."""

    def __init__(self, directory):
        self.directory = directory

    def muster(self, *words):
        done = subprocess.run([MUSTER, *words], cwd=self.directory, capture_output=True, text=True,
                              timeout=60)
        return done.returncode, done.stdout + done.stderr

    def audit(self):
        done = subprocess.run([MUSTER, 'audit', '--format', 'json'], cwd=self.directory,
                              capture_output=True, text=True, timeout=60)
        try:
            report = json.loads(done.stdout)
        except ValueError:
            return done.returncode, [('no JSON', done.stdout + done.stderr)]
        return done.returncode, sorted((d['kind'], d['subject'].get('guest'))
                                       for d in report['discrepancies'])


def follow(check, user, address):
    hypervisor, web1, db1 = '02:00:00:00:00:01', '52:54:00:aa:00:01', '52:54:00:aa:00:02'
    speak(address, 'e1', 1, [hypervisor, web1])
    status, output = user.muster('check')
    check.that('muster check understands the files', status == 0, output)
    status, output = user.muster('forward', 'sw1')
    check.that('muster forward shows the guest at p1',
               status == 0 and re.search(rf'{web1}.*p1|p1.*{web1}', output), output)
    check.equal('all is as recorded', user.audit(), (0, []))

    speak(address, 'e2', 2, [web1])
    speak(address, 'e1', 1, [db1])
    status, found = user.audit()
    check.equal('a guest at a port without hypervisor, and one that is off but seen',
                (status, found), (1, [('non_hypervisor_port', 'web1'), ('off_but_seen', 'db1')]))
    status, output = user.muster('audit')
    check.that('the table names both', status == 1 and 'web1' in output and 'db1' in output, output)
    status, output = user.muster('why', 'web1')
    check.that('muster why shows where it is and where it should be',
               'p1' in output and 'p2' in output, output)


def learn(check, user):
    """The README's way out for who does not know the ports."""
    path = os.path.join(user.directory, 'attachments.csv')
    with open(path) as file:
        text = file.read()
    with open(path, 'w') as file:
        file.write(re.sub(r',sw1,p1$', ',,', text, flags=re.M))
    status, output = user.muster('learn')
    check.that('muster learn finds the hypervisor\'s port',
               status == 0 and 'sw1' in output and 'p1' in output, f'status {status}\n{output}')


def main():
    if not os.access(MUSTER, os.X_OK):
        lab.skip('muster is not built')
    lab.enter(['snmpd', 'snmpget', 'bridge'])
    check = lab.Check()
    with tempfile.TemporaryDirectory(prefix='muster-lab-') as directory:
        user = User(directory + '/five')
        os.mkdir(user.directory)
        address = write_files(user.directory)
        snmpd = start_switch(directory, address)
        try:
            follow(check, user, address)
            learn(check, user)
        finally:
            snmpd.stop()
    check.end()


main()
