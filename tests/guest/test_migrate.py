# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The steps of lbcluster-ipvs-migrate(7), from keepalived and from ldirectord and back, under
# traffic: held connections go on, and no new one fails.
"""Migration."""

import os
import signal

from harness import Program, main, new_directory, wait_for
from ipvs_case import IpvsCase
from ipvs_network import ANSWER_S, Traffic, endpoint, real, run, vip

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
supervised=yes
cleanstop=no
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


class Migration(IpvsCase):
    def setUp(self):
        super().setUp()
        self.dir = new_directory()
        self.starts = 0

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, 'w', encoding='ascii') as file:
            file.write(text)
        return path

    def other(self, *argv):
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

    def traffic(self, address):
        """A start of ldirectord takes a slow guest's processor for seconds."""
        return Traffic(self.net, address, timeout=10 * ANSWER_S)

    def new_driver(self, before):
        """Starts lbcluster-ipvs, which changes nothing until a weight is set."""
        self.start_driver()
        self.wait_rounds(3)
        self.assertEqual(before, table())
        self.wait_plane(self.OK)
        weight = self.weights(VIP)['r1']
        self.done('set-weight', 'web/tcp-10.9.1.31-80/10.8.0.11-80', str(weight + 4))
        self.assertEqual(weight + 4, self.weights(VIP)['r1'])
        self.done('set-weight', 'web/tcp-10.9.1.31-80/10.8.0.11-80', str(weight))
        self.assertEqual(before, table())

    # -- keepalived ---------------------------------------------------------------------------

    def start_keepalived(self, text=KEEPALIVED, lines=5, options=('-C',)):
        """Starts keepalived, and waits for its services."""
        program = self.other(
            'keepalived', *options, '-n', '-l', '-f', self.write('keepalived.conf', text),
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
        program = self.start_keepalived()
        traffic = self.traffic(VIP)
        before = table()
        self.world.ctl('discover', 'ipvs', '-c', 'web', '--load')
        self.adopt()
        self.stop_and_kill(program)
        self.assertEqual(before, table())
        self.new_driver(before)
        # The way back.
        self.stop_driver()
        program = self.start_keepalived()
        self.wait_log(program, 'Gained quorum')
        self.assertEqual(before, table())
        traffic.stop()
        self.assertEqual([], traffic.failures())

    def test_keepalived_killed_alone_removes_its_services(self):
        program = self.start_keepalived()
        program.process.kill()
        program.process.wait()
        self.wait_table(0)

    def has_address(self, interface):
        return VRRP_VIP in run('ip', 'address', 'show', 'dev', interface)

    def test_keepalived_with_vrrp(self):
        program = self.start_keepalived(VRRP + BALANCED, 3, ())
        wait_for(lambda: self.has_address('lbc'), WAIT_S, 'keepalived is master')
        traffic = self.traffic(VRRP_VIP)
        before = table()
        run('ip', 'address', 'add', VRRP_VIP + '/32', 'dev', 'lo')
        self.stop_and_kill(program)
        self.start_keepalived(VRRP, 3, ('-P',))
        wait_for(lambda: not self.has_address('lbc'), WAIT_S, 'keepalived removes the address')
        wait_for(lambda: self.has_address('lbc'), WAIT_S, 'keepalived is master again')
        run('ip', 'address', 'del', VRRP_VIP + '/32', 'dev', 'lo')
        self.assertEqual(before, table())
        traffic.stop()
        self.assertEqual([], traffic.failures())

    # -- ldirectord -----------------------------------------------------------------------------

    def start_ldirectord(self):
        """Starts ldirectord in the foreground; returns it and the path of its configuration. Its
        start takes some seconds in the guest."""
        conf = self.write('ldirectord.cf', LDIRECTORD % (
            endpoint(VIP), endpoint(real('r1')), endpoint(real('r2')), endpoint(real('r4')),
            real('r1')))
        program = self.other('ldirectord', conf, 'start')
        self.wait_log(program, ' virtual server: 7')
        self.wait_table(5)
        return program, conf

    def test_ldirectord(self):
        program, conf = self.start_ldirectord()
        traffic = self.traffic(VIP)
        before = table()
        # IPVS lacks the fallback while a server is up; diff does not report that.
        self.world.ctl('discover', 'ldirectord', conf, '-c', 'web', '--load')
        done = self.world.ctl('discover', 'ipvs', '-c', 'web', '--dry-run')
        self.assertEqual('added 0, updated 0, removed 0, unchanged 7\n', done.stdout)
        self.assertNotIn('10.8.0.14-80', done.stderr)
        self.assertEqual('', self.world.ctl('diff', 'web').stdout)
        self.adopt()
        program.signal(signal.SIGTERM)
        program.wait(WAIT_S)
        self.assertEqual(before, table())
        self.new_driver(before)
        traffic.stop()
        self.assertEqual([], traffic.failures())


if __name__ == '__main__':
    main()
