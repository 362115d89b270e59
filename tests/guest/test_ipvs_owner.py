# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# lbcluster-ipvs and what else changes the kernel's table: its own end and restart, other programs,
# a kernel that refuses.
"""Restarts, ownership, repairs, failures of the kernel."""

import os

from driver_case import EVENT_S
from harness import main, wait_for
from ipvs_case import IpvsCase, cluster, kernel, service
from ipvs_network import Traffic, endpoint, ipvsadm, real, run

TWO = dict(r1=10, r2=10)
NOBODY = (65534, 65534)
FOREIGN = """
-A -t {0} -s wrr -p 50
-a -t {0} -r 10.8.0.11:80 -m -w 3
-A -f 9 -s rr
-a -f 9 -r 10.8.0.12:80 -g -w 1
"""


class Restart(IpvsCase):
    """The end of the driver changes nothing."""

    def setUp(self):
        super().setUp()
        self.address = self.vip()

    def test_no_connection_is_lost_when_the_driver_is_killed(self):
        self.serve(service(self.address, TWO, scheduler='rr'),
                   service(self.vip(), TWO, 'other', 'udp'))
        before = kernel()
        traffic = Traffic(self.net, self.address)
        for end in (self.kill_driver, self.kill_driver, self.stop_driver, self.kill_driver):
            end()
            self.assertEqual(before, kernel())
            self.start_driver()
            self.wait_rounds()
            self.assertEqual(before, kernel())
        traffic.stop()
        self.assertEqual([], traffic.failures())
        self.assertGreater(len(traffic.answers), 20)
        self.assertNotIn('restored', self.driver_log())

    def test_changes_while_no_driver_runs(self):
        gone, kept = self.vip(), self.address
        self.serve(service(kept, dict(r1=10, r2=10, r3=10)), service(gone, TWO, 'gone'))
        held = self.net.hold('tcp', kept)
        self.stop_driver()
        others = sorted({'r1', 'r2', 'r3'} - {held.first})
        jobs = [self.ctl('set-weight', 'web/http/' + others[0], '0'),
                self.ctl('disable', 'web/http/' + others[1])]
        self.world.ctl('load', '--prune', '-', stdin=cluster(
            service(kept, dict(r1=10, r2=10, r3=10, r4=7))))
        self.start_driver()
        for job in jobs:
            self.wait_job(job, self.SUCCEEDED)
        self.wait_weights(kept, {held.first: 10, others[0]: 0, 'r4': 7})
        self.wait_weights(gone, None)
        self.assertEqual(held.first, held.again())

    def test_weight_0_that_was_set_stays(self):
        self.serve(service(self.address, TWO))
        self.done('set-weight', 'web/http/r1', '0')
        self.kill_driver()
        self.start_driver()
        self.wait_rounds(3)
        self.assertEqual(dict(r1=0, r2=10), self.weights(self.address))
        self.assertEqual((0, 1), self.real('web/http/r1', 'weight, enabled'))
        self.done('set-weight', 'web/http/r1', '9')
        self.assertEqual(dict(r1=9, r2=10), self.weights(self.address))


class Ownership(IpvsCase):
    """Only what lbcluster made is changed."""

    def setUp(self):
        super().setUp()
        self.address = self.vip()

    def foreign(self, address):
        ipvsadm(*FOREIGN.format(endpoint(address)).strip().splitlines())
        return {key: kernel()[key] for key in ('-t ' + endpoint(address), '-f 9')}

    def assert_foreign(self, foreign):
        table = kernel()
        self.assertEqual(foreign, {key: table.get(key) for key in foreign})

    def test_foreign_services_are_not_touched(self):
        foreign = self.foreign(self.vip())
        self.serve(service(self.address, TWO))
        self.assert_foreign(foreign)
        self.done('disable', 'web/http/r1')
        self.world.ctl('remove', 'web')
        self.wait_weights(self.address, None)
        self.wait_owned(0)
        self.assert_foreign(foreign)
        self.stop_driver()
        self.assert_foreign(foreign)

    def owned_clusters(self):
        return [name for name in os.listdir(self.owned) if name.isdigit()]

    def wait_owned(self, n):
        wait_for(lambda: len(self.owned_clusters()) == n, EVENT_S, 'owned clusters')

    def test_foreign_service_with_the_same_key(self):
        foreign = self.foreign(self.address)
        other = self.vip()
        self.serve(service(self.address, TWO), service(other, TWO, 'other'))
        self.wait_plane(self.FAILING, endpoint(self.address))
        self.assertIn('--adopt web', self.plane()[1])
        self.wait_rounds(3)
        self.assert_foreign(foreign)
        # The other service of the cluster works.
        self.wait_weights(other, TWO)
        self.assertEqual(self.REJECTED, self.wait_job(
            self.ctl('set-weight', 'web/http/r1', '3'), self.FAILED)[1])
        held = self.net.hold('tcp', self.address)
        self.adopt()
        self.wait_weights(self.address, TWO)
        self.wait_plane(self.OK)
        self.assertEqual(held.first, held.again())

    def test_withdraw(self):
        foreign = self.foreign(self.vip())
        self.serve(service(self.address, TWO))
        self.stop_driver()
        done = self.driver_command('--adopt', 'web', '--withdraw', 'web')
        self.assertEqual(2, done.returncode, done.stderr)
        self.assertIn('more than one of --adopt and --withdraw', done.stderr)
        done = self.driver_command('--withdraw')
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIsNone(self.weights(self.address))
        self.assertEqual([], self.owned_clusters())
        self.assert_foreign(foreign)
        self.start_driver()
        self.wait_weights(self.address, TWO)

    def test_cluster_with_another_plane(self):
        self.serve(service(self.address, TWO))
        self.world.ctl('remove', 'web')
        self.world.load("""cluster web { plane = none
            service http { address = %s  port = 80  protocol = tcp
                real r1 { address = %s  port = 80 } } }""" % (self.address, real('r1')))
        self.wait_weights(self.address, None)

    def test_destination_that_the_store_lacks(self):
        self.serve(service(self.address, TWO))
        ipvsadm('-a -t %s -r %s -m -w 1' % (endpoint(self.address), endpoint(real('r3'))))
        self.wait_weights(self.address, TWO)
        wait_for(lambda: endpoint(real('r3')) in self.driver_log() or real('r3') in
                 self.driver_log(), EVENT_S, 'the log names it')


class Repair(IpvsCase):
    """What other programs change is repaired within a round."""

    def setUp(self):
        super().setUp()
        self.address = self.vip()
        self.key = endpoint(self.address)

    def test_ipvsadm_clear(self):
        self.serve(service(self.address, TWO, scheduler='rr'), service(self.vip(), TWO, 'other'))
        before = kernel()
        self.assertEqual(2, len(before))
        run('ipvsadm', '-C')
        wait_for(lambda: kernel() == before, EVENT_S, 'the table is repaired')
        self.assertEqual(dict(r1=3, r2=3), self.net.ask('tcp', self.address, 6))
        self.wait_plane(self.OK)

    def test_single_changes(self):
        self.serve(service(self.address, TWO, scheduler='rr'))
        destination = '-t %s -r %s' % (self.key, endpoint(real('r1')))
        before = kernel()
        changes = ('-e %s -m -w 77' % destination, '-e %s -m -w 0' % destination,
                   '-e %s -g -w 10' % destination, '-d ' + destination,
                   '-E -t %s -s wlc -p 60' % self.key)
        for number, change in enumerate(changes, 1):
            with self.subTest(change):
                ipvsadm(change)
                wait_for(lambda n=number: '(%d since the driver started)' % n in
                         self.driver_log(), EVENT_S, 'the repair')
                self.assertEqual(before, kernel())
        self.assertEqual((10, 1), self.real('web/http/r1', 'weight, enabled'))

    def test_another_controller_is_reported(self):
        self.serve(service(self.address, TWO))

        def fight():
            ipvsadm('-e -t %s -r %s -m -w 77' % (self.key, endpoint(real('r1'))))
            wait_for(lambda: self.weights(self.address) == TWO, EVENT_S, 'the repair')
            return self.plane()[0] == self.FAILING
        wait_for(fight, EVENT_S, 'the fight is reported')
        self.assertIn('changes', self.plane()[1])
        self.wait_plane(self.OK)    # after the other program stopped


class Refused(IpvsCase):
    """The kernel does not do what is wanted."""

    def setUp(self):
        super().setUp()
        self.address = self.vip()

    def test_without_the_capability(self):
        self.world.close()
        self.driver_world(user=NOBODY)
        self.serve(service(self.address, TWO))
        self.wait_plane(self.FAILING, 'CAP_NET_ADMIN')
        self.wait_job(self.ctl('set-weight', 'web/http/r1', '3'), self.QUEUED, 'CAP_NET_ADMIN')

    def test_without_the_scheduler(self):
        other = self.vip()
        self.serve(service(self.address, TWO, scheduler='fo'), service(other, TWO, 'other'))
        self.wait_plane(self.FAILING, 'ip_vs_fo')
        self.wait_weights(other, TWO)
        self.world.load(cluster(service(self.address, TWO, scheduler='rr')))
        self.wait_weights(self.address, TWO)
        self.wait_plane(self.OK)

    def test_without_the_module(self):
        """The last test of this process by its name, because no table survives it."""
        modules = run('busybox', 'lsmod')
        names = [line.split()[0] for line in modules.splitlines() if line.startswith('ip_vs')]
        names.sort(key=len, reverse=True)       # ip_vs is the last one
        self.serve(service(self.address, TWO), start=False)
        for name in names:
            run('busybox', 'rmmod', name)
        try:
            self.start_driver()
            self.wait_plane(self.FAILING, 'ip_vs')
        finally:
            # The initial file system of the guest has the modules.
            for name in reversed(names):
                run('busybox', 'insmod', '/proc/1/root/modules/%s.ko' % name)
        self.wait_weights(self.address, TWO)
        self.wait_plane(self.OK)
        self.assertEqual(dict(r1=3, r2=3), self.net.ask('tcp', self.address, 6))


if __name__ == '__main__':
    main()
