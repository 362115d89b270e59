# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Faults around lbcluster-haproxy: HAProxy hangs, does not answer or does not read, the store is
# locked. The driver must serve its watchdog and end on SIGTERM, and SNMP must be answered.
"""Faults around lbcluster-haproxy."""

import contextlib
import fcntl
import os

import mib
from agentx import BadMaster
from harness import Program, has_open, main, stop, wait_for
from haproxy import SERVER, Gate, Plane
from watchdog import WatchdogListener

UNREACHABLE = 3     # lbcClusterPlaneStatus
STALL_S = 3.0       # the driver writes to a disk for each cluster; systemd waits for 30 s


class Faults(Plane):

    def setUp(self):
        self.plane_world(timeout=0.5)
        self.watchdog = WatchdogListener(self.world.dir)
        self.addCleanup(self.watchdog.close)
        self.world.env = self.watchdog.env
        self.path = os.path.join(self.world.dir, 'plane.sock')

    def clusters(self, path, n=1):
        self.world.load(''.join('''
            cluster c%d {
                plane = haproxy
                socket = "%s"
                service http { real a { address = 10.0.0.1 weight = 10 } }
            }''' % (i, path) for i in range(n)))

    def assert_no_stall_and_sigterm(self):
        """The driver serves its watchdog, and ends on SIGTERM."""
        self.watchdog.wait_messages(1.5)
        self.watchdog.assert_no_stall(STALL_S)
        self.assertEqual(0, self.driver.stop_in_time())

    def test_driver_does_not_stall_if_haproxy_hangs(self):
        proxy = self.haproxy({'http': {'a': SERVER}})
        self.load(proxy)
        self.start_driver()
        stop(proxy.program)
        self.wait_plane(UNREACHABLE, 'no answer within')
        self.ctl('set-weight', 'web/http/a', '5')
        self.assert_no_stall_and_sigterm()

    def test_driver_does_not_stall_without_answers(self):
        gate = Gate(self.path, lambda gate, connection, line: gate.opened.wait(60))
        self.addCleanup(gate.close)
        self.clusters(self.path, 40)
        self.start_driver()
        self.assert_no_stall_and_sigterm()

    def test_driver_does_not_stall_if_no_request_is_read(self):
        deaf = BadMaster(self.path, 'deaf')
        self.addCleanup(deaf.close)
        self.clusters(self.path, 40)
        self.start_driver()
        self.wait_plane(UNREACHABLE, self.path, 'c39')
        self.assert_no_stall_and_sigterm()

    def test_driver_does_not_stall_if_the_store_is_locked(self):
        self.clusters('/nonexistent/admin.sock', 40)
        self.start_driver()
        other = self.world.connect()
        self.addCleanup(other.close)
        other.execute('BEGIN EXCLUSIVE')
        self.assert_no_stall_and_sigterm()
        # A line for each cluster that found the lock; only a few of the forty clusters do.
        self.assertLessEqual(self.driver_log().count('locked by another program'), 5)

    def test_locked_statistics_hold_up_no_job(self):
        # As a collector that was stopped while it locked all read marks of the WAL.
        proxy = self.haproxy({'http': {'a': SERVER}})
        self.load(proxy)
        self.start_driver()
        path = os.path.join(self.world.store, 'lbcluster-stats.db')
        wait_for(lambda: self.world.sql('SELECT 1 FROM statistics', file='lbcluster-stats.db'), 10,
                 'the driver writes statistics')
        with open(path + '-shm', 'r+b') as marks:
            fcntl.lockf(marks, fcntl.LOCK_EX, 5, 123)
            wait_for(lambda: 'lbcluster-stats.db: locked' in self.driver_log(), 10,
                     'the driver finds the lock')
            for weight in (5, 6, 7, 8):
                self.wait_job(self.ctl('set-weight', 'web/http/a', str(weight)), self.SUCCEEDED)
                self.assertEqual(weight, proxy.state('http/a')[1])
        self.assert_no_stall_and_sigterm()

    def test_sigterm_ends_a_driver_that_waits_for_the_store(self):
        self.clusters('/nonexistent/admin.sock')
        with contextlib.closing(self.world.connect()) as other:
            other.execute('BEGIN EXCLUSIVE')
            driver = Program('lbcluster-haproxy', self.driver_argv('-f'),
                             os.path.join(self.world.dir, 'driver.log'))
            self.world.others.append(driver)
            wait_for(lambda: has_open(driver.pid, 'lbcluster.db'), 10, 'the driver opens the store')
            self.assertEqual(0, driver.stop_in_time())

    def test_haproxy_that_hangs_delays_no_manager(self):
        proxy = self.haproxy({'http': {'a': SERVER}})
        self.load(proxy)
        self.start_driver()
        directory = os.path.join(self.world.dir, 'daemon')
        os.mkdir(directory)
        watchdog = WatchdogListener(directory)
        self.addCleanup(watchdog.close)
        self.world.env = watchdog.env
        self.world.start()
        stop(proxy.program)
        weight = mib.oid('lbcRealWeight', *self.world.number('web/http/a'))
        for value in range(20, 40):
            self.world.set_with_retries((weight, 'u', value))
            self.assertEqual(value, self.world.client().get(weight).value)
        self.wait_plane(UNREACHABLE, 'no answer within')
        watchdog.assert_no_stall()


if __name__ == '__main__':
    main()
