# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Peers can make lbclusterd write only a few lines a minute to its log, and a count of the others.
"""Limits of the log."""

import re

import mib
from harness import INVENTORY, Case, main

LOCK = mib.oid('lbcSysSetLock', 0)
WEIGHT = mib.oid('lbcRealWeight', 1, 1, 1)


class Flood(Case):

    def setUp(self):
        self.world = self.new_world()
        self.world.load(INVENTORY)
        self.world.start_master()

    def lines(self, pattern):
        return re.findall('.*%s.*' % pattern, self.world.daemon_log())

    def test_1000_refused_sets_are_20_lines_and_a_count(self):
        self.world.start_daemon(args=('-l', 'info'))
        for _ in range(1000):
            self.assertEqual('inconsistentValue',
                             self.world.client().set_answer((LOCK, 'i', 2000000000)).status)
        self.assertEqual(1000, self.world.get('lbcSysSetRejects', 0))
        self.world.stop_daemon()
        # On a very slow machine a second minute adds another 20 lines.
        said = self.lines(r'info: \[set\] refused: ')
        counts = [int(number) for number in re.findall(
            r'info: \[set\] (\d+) more lines like this in that minute, the last: refused: '
            r'lbcSysSetLock is \d+, not 2000000000', self.world.daemon_log())]
        self.assertEqual(1000, len(said) + sum(counts))
        self.assertEqual(20 * len(counts), len(said))

    def test_level_debug_has_every_refused_set(self):
        self.world.start_daemon()
        for _ in range(50):
            self.world.client().set_answer((LOCK, 'i', 2000000000))
        self.assertEqual(50, len(self.lines(r'\[set\] refused: ')))

    def test_store_that_is_locked_repeatedly_makes_few_lines(self):
        self.world.start_daemon(args=('-l', 'info'))
        other = self.world.connect()
        self.addCleanup(other.close)
        # A timer logs 'is usable again', so the test waits for each one.
        for value in range(6):
            other.execute('BEGIN EXCLUSIVE')
            self.assertEqual('resourceUnavailable', self.world.client().set_answer(
                (WEIGHT, 'u', 1000 + value)).status)
            self.world.wait_value(3, 'lbcSysStoreStatus', 0)
            other.execute('ROLLBACK')
            self.world.wait_value(1, 'lbcSysStoreStatus', 0)
        self.world.stop_daemon()
        self.assertEqual(10, len(self.lines(r'\[store\] .*(SETs are refused|usable again)')) -
                         len(self.lines(r'\[store\] \d+ more')))
        self.assertEqual([], self.lines(r'\[set\]'))
        self.assertEqual(1, len(self.lines(r'\[store\] \d+ more lines like this')))


if __name__ == '__main__':
    main()
