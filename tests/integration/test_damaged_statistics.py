# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Damage to the files of the statistics while lbclusterd and lbcluster-haproxy use them. It may
# cost statistics only: SETs, jobs and GETs go on, and the driver's next statistics are shown.
"""Files of the statistics are damaged under running programs."""

import contextlib
import os
import sqlite3

import mib
from damage import cleared, overwritten, removed, replaced, shortened, truncated
from harness import main, wait_for
from haproxy import HAProxy, Plane
from watchdog import STALL_S, WatchdogListener

DAMAGES = 20            # of each kind
SERVERS = 150           # their statistics fill some pages of each file
BACK_S = 10.0           # until statistics are shown again; usually within two seconds


class Damage(Plane):

    def setUp(self):
        self.plane_world(timeout=2)
        self.path = os.path.join(self.world.store, 'lbcluster-stats.db')
        self.proxy = HAProxy(self.world)
        port = self.backend('a').port
        self.proxy.configure({
            'http': {'a': (port, 'weight 10')},
            'many': {'s%d' % i: (port, 'weight 10') for i in range(SERVERS)}})
        self.proxy.start()
        self.load(self.proxy)
        directory = os.path.join(self.world.dir, 'daemon')
        os.mkdir(directory)
        self.watchdog = WatchdogListener(directory)
        self.addCleanup(self.watchdog.close)
        self.world.env = self.watchdog.env
        self.world.start()
        self.start_driver()
        self.number = self.world.number('web/http/a')
        self.requests = 0
        self.value = 1
        self.assert_statistics_are_back()

    def assert_statistics_are_back(self):
        """SNMP shows a count that HAProxy had after the damage."""
        self.proxy.get('http')
        self.requests += 1
        self.world.wait_value(self.requests, 'lbcRealStatsTotalConns', *self.number,
                              deadline_s=BACK_S)

    def assert_settings_work(self):
        """A SET is answered, shown and carried out."""
        self.value = self.value % 250 + 1
        weight = mib.oid('lbcRealWeight', *self.number)
        answer = self.world.client().set_answer((weight, 'u', self.value))
        self.assertEqual('noError', answer.status)
        self.assertEqual(self.value, self.world.client().get(weight).value)
        wait_for(lambda: self.proxy.state('http/a')[1] == self.value, BACK_S,
                 'HAProxy has the weight')
        self.assertTrue(self.world.daemon.alive(), 'lbclusterd ended')
        self.assertTrue(self.driver.alive(), 'lbcluster-haproxy ended')

    def check(self, tail, damage):
        for n in range(DAMAGES):
            # A program may have removed the file, and creates it again.
            with contextlib.suppress(FileNotFoundError):
                damage(self.path + tail, n)
            self.assert_settings_work()
            if n % 5 == 4:
                self.assert_statistics_are_back()
        self.assert_statistics_are_back()
        self.assertEqual(0, self.world.sql('SELECT count(*) FROM job WHERE state = 4')[0][0])
        self.watchdog.assert_no_stall(2 * STALL_S)
        if not self.is_whole():
            # No program reads this page. lbcluster-store(5) has the command that repairs it.
            os.unlink(self.path)
            self.assert_statistics_are_back()
            self.assertTrue(self.is_whole())
        self.assertIn('"web/http/a"', self.world.ctl('-f', 'json', 'list', '-r').stdout)

    def is_whole(self):
        with contextlib.closing(sqlite3.connect(self.path, timeout=10)) as other:
            try:
                return other.execute('PRAGMA integrity_check').fetchall() == [('ok',)]
            except sqlite3.DatabaseError:
                return False

    def test_truncated_index(self):
        # SQLite maps this file. An access beyond its end raises SIGBUS.
        self.check('-shm', truncated(0, 4096, 16384, 100))

    def test_cleared_index(self):
        self.check('-shm', cleared)

    def test_overwritten_index(self):
        self.check('-shm', overwritten)

    def test_truncated_log(self):
        self.check('-wal', truncated(0, 4096, 100, 20000))

    def test_shortened_log(self):
        self.check('-wal', shortened)

    def test_cleared_log(self):
        self.check('-wal', cleared)

    def test_overwritten_log(self):
        self.check('-wal', overwritten)

    def test_truncated_database(self):
        self.check('', truncated(0, 4096, 8192, 100, 20000))

    def test_cleared_database(self):
        self.check('', cleared)

    def test_overwritten_database(self):
        self.check('', overwritten)

    def test_removed_index(self):
        self.check('-shm', removed)

    def test_removed_log(self):
        self.check('-wal', removed)

    def test_removed_database(self):
        self.check('', removed)

    def test_replaced_index(self):
        self.check('-shm', replaced)

    def test_replaced_log(self):
        self.check('-wal', replaced)

    def test_replaced_database(self):
        self.check('', replaced)


if __name__ == '__main__':
    main()
