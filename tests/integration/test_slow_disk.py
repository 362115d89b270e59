# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# A disk that needs seconds for a sync. lbclusterd answers a SET when it is on the disk. Within
# the timeout of snmpd the SET succeeds; after it the manager gets an error and the SET is undone.
# The store has what was answered. The watchdog messages stop while the loop is blocked.
"""A slow disk."""

import os

import mib
from harness import LBCLUSTERD, Case, main, wait_for
from watchdog import INTERVAL_S, WatchdogListener

INVENTORY = """
cluster web { service http { real a { address = 10.0.0.1  port = 80  weight = 10 } } }
"""

WEIGHT = mib.oid('lbcRealWeight', 1, 1, 1)
LIBRARY = os.path.join(os.path.dirname(LBCLUSTERD), 'tests', 'integration', 'slow_disk.so')


class SlowDisk(Case):

    def slow_world(self, **options):
        self.world = world = self.new_world(**options)
        self.addCleanup(self.slow, 0)
        self.path = os.path.join(world.dir, 'slow')
        self.watchdog = WatchdogListener(world.dir)
        self.addCleanup(self.watchdog.close)
        self.slow(0)
        # The address sanitizer must be the first library.
        world.env = dict(self.watchdog.env, SLOW_DISK=self.path, LD_PRELOAD=LIBRARY,
                         ASAN_OPTIONS='verify_asan_link_order=0')
        world.load(INVENTORY)
        world.start()

    def slow(self, ms):
        """Sets the time of each sync. A SET has about five."""
        with open(self.path + '.new', 'w', encoding='ascii') as file:
            file.write(str(ms))
        os.rename(self.path + '.new', self.path)

    def set(self, weight):
        return self.world.client().set_answer((WEIGHT, 'u', weight), timeout=30).status

    def settled(self, weight, *states):
        """The store and SNMP get this weight."""
        def event():
            return (self.world.sql('SELECT weight FROM real_service') == [(weight,)] and
                    self.world.sql('SELECT state FROM job ORDER BY id') ==
                    [(state,) for state in states])
        wait_for(event, 20, 'the store has weight %d' % weight)
        self.world.wait_served(15)
        self.world.wait_value(weight, 'lbcRealWeight', 1, 1, 1)
        self.world.wait_value(0, 'lbcJobsActive', 0)

    def test_set_within_the_timeout_is_done_and_watchdog_messages_stop(self):
        self.slow_world()       # snmpd waits for 5 s
        self.watchdog.wait_messages(1)
        self.slow(250)
        self.assertEqual('noError', self.set(11))
        self.slow(0)
        self.settled(11, mib.SUCCEEDED)
        self.assertGreater(self.watchdog.longest(), 5 * INTERVAL_S)

    def test_set_after_the_timeout_is_an_error_and_undone(self):
        self.slow_world(agentx_timeout=1)
        self.slow(350)
        self.assertEqual('genErr', self.set(12))
        self.slow(0)
        self.settled(10, mib.CANCELLED)
        self.assertEqual('noError', self.set(13))
        self.settled(13, mib.CANCELLED, mib.SUCCEEDED)


if __name__ == '__main__':
    main()
