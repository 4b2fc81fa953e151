# SPDX-License-Identifier: Apache-2.0
"""An Open vSwitch of a lab test's own, in the userspace datapath."""
import os

import lab

SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'


class Switch:
    """A database server and a switch daemon that know only `directory`."""

    def __init__(self, directory):
        self.directory = directory
        self.control = f'{directory}/vswitchd.ctl'
        self.database = f'{directory}/db.sock'
        environment = {'OVS_RUNDIR': directory, 'OVS_LOGDIR': directory, 'OVS_DBDIR': directory}
        os.environ.update(environment)
        lab.run('ovsdb-tool', 'create', f'{directory}/conf.db', SCHEMA)
        self.server = lab.Daemon('ovsdb-server', f'{directory}/conf.db',
                                 f'--remote=punix:{self.database}',
                                 f'--unixctl={directory}/ovsdb.ctl', log=f'{directory}/ovsdb.log')
        lab.wait_until('ovsdb-server', lambda: os.path.exists(self.database))
        lab.run('ovs-vsctl', f'--db=unix:{self.database}', '--no-wait', 'init')
        self.daemon = lab.Daemon('ovs-vswitchd', f'unix:{self.database}',
                                 f'--unixctl={self.control}', log=f'{directory}/vswitchd.log')
        lab.wait_until('ovs-vswitchd', lambda: os.path.exists(self.control))

    def configure(self, *words):
        lab.run('ovs-vsctl', '--timeout=10', f'--db=unix:{self.database}', *words)

    def show(self, bridge):
        return lab.run('ovs-appctl', '-t', self.control, 'fdb/show', bridge)

    def read(self, *words):
        return lab.Reading('ovs', 'switch=hv1-ovs', f'socket={self.control}',
                           f'database={self.database}', *words)

    def stop(self):
        self.daemon.stop()
        self.server.stop()
