# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The setting "cpu": lbclusterd runs on the CPU of a real snmpd that taskset(1) pins.
"""The CPU of lbclusterd."""

import contextlib
import os
import re
import signal
import subprocess
import unittest

from harness import INVENTORY, VISIBLE_S, Case, main, wait_for

CPUS = sorted(os.sched_getaffinity(0))


@unittest.skipIf(len(CPUS) < 2, 'one CPU')
class Cpu(Case):
    """lbclusterd and snmpd, with affinities."""

    def started(self, pinned=None, **conf):
        world = self.new_world()
        world.configure(**conf)
        world.load(INVENTORY)
        self.start_master(world, pinned)
        world.start_daemon()
        return world

    @staticmethod
    def start_master(world, pinned):
        """Starts snmpd on one CPU, as CPUAffinity= of a unit does, or on all."""
        with contextlib.ExitStack() as stack:
            if pinned is not None:
                os.sched_setaffinity(0, {pinned})
                stack.callback(os.sched_setaffinity, 0, CPUS)
            world.start_master()

    @staticmethod
    def taskset(world, *cpus):
        subprocess.run(['taskset', '-cp', ','.join(map(str, cpus)), str(world.master.pid)],
                       check=True, stdout=subprocess.DEVNULL)

    def assert_on(self, world, *cpus):
        wait_for(lambda: os.sched_getaffinity(world.daemon.pid) == set(cpus), VISIBLE_S,
                 'lbclusterd on CPU %s' % (cpus,))
        self.assertEqual(10, world.get('lbcRealWeight', 1, 1, 1))

    def test_follows_snmpd_from_its_session_on(self):
        world = self.started(CPUS[1])
        self.assert_on(world, CPUS[1])
        world.wait_logged(r'info: \[cpu\] lbclusterd runs on CPU %d, as snmpd does' % CPUS[1])
        world.stop_master()
        self.assert_on_all_without_master(world)
        self.start_master(world, CPUS[0])
        world.wait_served()
        self.assert_on(world, CPUS[0])

    def assert_on_all_without_master(self, world):
        wait_for(lambda: os.sched_getaffinity(world.daemon.pid) == set(CPUS), VISIBLE_S, 'all')
        world.wait_logged(r'info: \[cpu\] lbclusterd runs on all its CPUs again')

    def test_follows_a_running_snmpd(self):
        world = self.started()
        self.assert_on(world, *CPUS)
        for cpu in (CPUS[1], CPUS[0]):
            self.taskset(world, cpu)
            self.assert_on(world, cpu)
        self.taskset(world, *CPUS)
        self.assert_on(world, *CPUS)

    def test_other_settings_and_sighup(self):
        world = self.started(CPUS[1], cpu='any')
        self.assert_on(world, *CPUS)
        for setting, cpus in ((CPUS[0], [CPUS[0]]), ('like-snmpd', [CPUS[1]]), ('any', CPUS)):
            world.configure(cpu=setting)
            world.daemon.signal(signal.SIGHUP)
            self.assert_on(world, *cpus)

    def test_cpu_that_is_missing_is_logged_once(self):
        world = self.started(cpu=1023)
        self.assert_on(world, *CPUS)
        world.wait_logged(r'warn: \[cpu\] CPU 1023: Invalid argument; lbclusterd stays')
        # Two checks later.
        self.taskset(world, CPUS[0])
        world.configure(cpu='like-snmpd')
        world.daemon.signal(signal.SIGHUP)
        self.assert_on(world, CPUS[0])
        self.assertEqual(1, len(re.findall('CPU 1023', world.daemon_log())))

    def test_wrong_settings_are_refused(self):
        world = self.new_world()
        for value in ('1024', '-1', '0x1', 'some', '"1,2"', '""'):
            world.configure(cpu=value)
            done = subprocess.run(world.daemon_argv('--check'), capture_output=True, text=True,
                                  check=False)
            self.assertEqual(2, done.returncode, value)
            self.assertIn(':1: cpu "', done.stderr)
            self.assertIn('is not any, like-snmpd, or the number of a CPU', done.stderr)


if __name__ == '__main__':
    main()
