# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The steps of lbcluster-ipvs-migrate(7), from keepalived and from ldirectord, under traffic: held
# connections go on, and no new one fails.
"""Migration."""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'integration'))

from harness import Program, World, main, new_directory, wait_for   # noqa: E402
from ipvs_network import Network, Traffic, endpoint, real, run, vip      # noqa: E402

WAIT_S = 30
VIP, VIP6 = vip(31), vip(31, 'dr', 6)

KEEPALIVED = '''
virtual_server %s 80 {
    delay_loop 1
    lvs_sched wlc
    lvs_method NAT
    protocol TCP
    persistence_timeout 300
    real_server %s 80 { weight 3
        TCP_CHECK { connect_timeout 1 } }
    real_server %s 80 { weight 1
        TCP_CHECK { connect_timeout 1 } }
}
virtual_server %s 80 {
    delay_loop 1
    lvs_sched rr
    lvs_method DR
    protocol TCP
    real_server %s 80 { weight 1 }
}
''' % (VIP, real('r1'), real('r2'), VIP6, real('r3', 6))

# Of the network of the clients, because keepalived adds it.
VRRP_VIP = '10.9.0.100'
VRRP = '''
global_defs {
    checker_priority 0
}
vrrp_instance V {
    state MASTER
    interface lbc
    virtual_router_id 5
    priority 100
    advert_int 1
    virtual_ipaddress {
        %s/24
    }
}
''' % VRRP_VIP
BALANCED = '''
virtual_server %s 80 {
    delay_loop 1
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    real_server %s 80 { weight 1 }
    real_server %s 80 { weight 1 }
}
''' % (VRRP_VIP, real('r1'), real('r2'))

LDIRECTORD = '''
checkinterval=1
checktimeout=3
virtual=%s
\treal=%s masq 3
\treal=%s masq
\tfallback=%s masq
\tpersistent=300
\tscheduler=wlc
\tchecktype=connect
virtual=7
\treal=%s gate
\tchecktype=on
'''


def children(pid):
    with open('/proc/%d/task/%d/children' % (pid, pid), encoding='ascii') as file:
        return [int(word) for word in file.read().split()]


def table():
    return run('ipvsadm', '-Sn')


class Migration(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.net = Network()

    def setUp(self):
        self.world = World()
        self.dir = new_directory()
        self.starts = 0
        self.addCleanup(run, 'ipvsadm', '-C')
        self.addCleanup(self.world.remove)
        self.addCleanup(self.world.close)

    def conf(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, 'w', encoding='ascii') as file:
            file.write(text)
        return path

    def program(self, *argv):
        """Starts a program with a log of its own."""
        self.starts += 1
        program = Program(argv[0], argv, os.path.join(self.dir, 'log.%d' % self.starts))
        self.addCleanup(program.end)
        return program

    def wait_log(self, program, text):
        def has_text():
            with open(program.log, encoding='utf-8', errors='replace') as file:
                return text in file.read()
        wait_for(has_text, WAIT_S, '%s logs "%s"' % (program.name, text))

    def wait_table(self, lines):
        wait_for(lambda: table().count('\n') == lines, WAIT_S, 'the services are made')

    # -- keepalived ---------------------------------------------------------------------------

    def keepalived(self, text=KEEPALIVED, lines=5, options=('-C',)):
        """Starts keepalived, and waits for its services."""
        program = self.program(
            'keepalived', *options, '-n', '-l', '-f', self.conf('keepalived.conf', text),
            '-p', self.dir + '/pid', '-c', self.dir + '/checkers', '-r', self.dir + '/vrrp')
        self.wait_table(lines)
        return program

    def stop_and_kill(self, program):
        pids = [program.process.pid] + children(program.process.pid)
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                os.kill(pid, number)
        program.process.wait()

    def test_keepalived(self):
        program = self.keepalived()
        traffic = Traffic(self.net, VIP)
        before = table()
        self.world.ctl('discover', 'ipvs', '--load')
        self.stop_and_kill(program)
        self.assertEqual(before, table())
        # The way back.
        program = self.keepalived()
        self.wait_log(program, 'Gained quorum')
        self.assertEqual(before, table())
        traffic.stop()
        self.assertEqual([], traffic.failures())

    def test_keepalived_killed_alone_removes_its_services(self):
        program = self.keepalived()
        program.process.kill()
        program.process.wait()
        self.wait_table(0)

    def has_address(self, interface):
        return VRRP_VIP in run('ip', 'address', 'show', 'dev', interface)

    def test_keepalived_with_vrrp(self):
        program = self.keepalived(VRRP + BALANCED, 3, ())
        wait_for(lambda: self.has_address('lbc'), WAIT_S, 'keepalived is master')
        traffic = Traffic(self.net, VRRP_VIP)
        before = table()
        run('ip', 'address', 'add', VRRP_VIP + '/32', 'dev', 'lo')
        self.stop_and_kill(program)
        self.keepalived(VRRP, 3, ('-P',))
        wait_for(lambda: not self.has_address('lbc'), WAIT_S, 'keepalived removes the address')
        wait_for(lambda: self.has_address('lbc'), WAIT_S, 'keepalived is master again')
        run('ip', 'address', 'del', VRRP_VIP + '/32', 'dev', 'lo')
        self.assertEqual(before, table())
        traffic.stop()
        self.assertEqual([], traffic.failures())

    # -- ldirectord -----------------------------------------------------------------------------

    def ldirectord(self, first=''):
        """Starts ldirectord in the foreground; returns it and the path of its configuration. Its
        start takes some seconds in the guest."""
        conf = self.conf('ldirectord.cf', first + 'supervised=yes\n' + LDIRECTORD % (
            endpoint(VIP), endpoint(real('r1')), endpoint(real('r2')), endpoint(real('r4')),
            real('r1')))
        program = self.program('ldirectord', conf, 'start')
        self.wait_log(program, ' virtual server: 7')
        self.wait_table(5)
        return program, conf

    def test_ldirectord(self):
        program, conf = self.ldirectord()
        traffic = Traffic(self.net, VIP)
        before = table()
        # The fallback is not in IPVS while a server is up, and the times of checks never are.
        self.world.ctl('discover', 'ipvs', '--load')
        done = self.world.ctl('discover', 'ldirectord', conf, '--dry-run')
        changes = [line for line in done.stdout.splitlines() if 'check-' not in line]
        self.assertEqual(['+ ipvs/tcp-10.9.1.31-80/10.8.0.14-80',
                          'added 1, updated 1, removed 0, unchanged 5'], changes)
        program.kill()
        self.assertEqual(before, table())
        # The way back, then the end with cleanstop.
        program, _ = self.ldirectord('cleanstop=no\n')
        self.assertEqual(before, table())
        program.signal(signal.SIGTERM)
        program.wait(WAIT_S)
        self.assertEqual(before, table())
        traffic.stop()
        self.assertEqual([], traffic.failures())


if __name__ == '__main__':
    main()
