# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# lbcluster-haproxy and others who change the same HAProxy: what changes when a running
# HAProxy is taken over, whose totals began again when, and who wins where somebody else
# changes a setting again and again.
"""Take-over, counters_since, changes by others."""

import signal
import time

from harness import main, wait_for
from haproxy import EVENT_S, SERVER, Plane


class Since(Plane):
    """counters_since: moves whenever totals may have dropped, and never back."""

    def setUp(self):
        self.plane_world()
        self.services = {'http': {'a': SERVER, 'b': SERVER}}
        self.proxy = self.haproxy(self.services)
        self.load(self.proxy)
        self.start_driver()
        self.proxy.share('http', 4)
        self.wait_total('a', 2)
        self.wait_total('b', 2)

    def wait_total(self, name, total):
        return self.wait_statistics('web/http/' + name, lambda row:
                                    row['total_connections'] == total,
                                    '%s has %d connections' % (name, total))

    def since(self):
        return tuple(self.statistics('web/http/' + name)['counters_since'] for name in 'ab')

    def wait_rounds(self, n=2):
        """Until n more measurements were written."""
        def rounds():
            return self.driver_log().count(', measured')
        first = rounds()
        wait_for(lambda: rounds() >= first + n, EVENT_S, 'measurements')

    def wait_later(self, before):
        """Until both moved."""
        wait_for(lambda: all(now > then for now, then in zip(self.since(), before)), EVENT_S,
                 'counters_since moves')

    def restart_driver(self):
        self.stop_driver()
        self.start_driver()
        self.wait_rounds()

    def test_restart_of_the_driver_does_not_move_it(self):
        before = self.since()
        self.restart_driver()
        self.assertEqual(before, self.since())
        self.driver.signal(signal.SIGHUP)
        self.wait_rounds()
        self.assertEqual(before, self.since())

    def test_restart_of_the_driver_does_not_move_it_back(self):
        before = self.since()
        self.proxy.ask('clear counters all')
        self.wait_later(before)
        before = self.since()
        self.restart_driver()
        self.assertEqual(before, self.since())

    def test_what_is_reset_while_the_driver_is_away_moves_it(self):
        before = self.since()
        self.stop_driver()
        self.proxy.ask('clear counters all')
        self.start_driver()
        self.wait_later(before)
        before = self.since()
        self.stop_driver()
        # HAProxy tells the second of its start: another one is needed to see a restart.
        wait_for(lambda: time.time() >= max(before) + 1, 5, 'the clock')
        self.proxy.restart()
        self.start_driver()
        self.wait_later(before)

    def test_cleared_counters_move_it_also_where_totals_are_higher_again(self):
        before = self.since()
        self.driver.signal(signal.SIGSTOP)
        self.proxy.ask('clear counters all')
        self.proxy.ask('set server http/b state maint')
        self.assertEqual({'a': 3}, self.proxy.share('http', 3))
        self.driver.signal(signal.SIGCONT)
        self.wait_later(before)

    def test_cleared_maxima_do_not_move_it(self):
        before = self.since()
        self.proxy.ask('clear counters')
        self.wait_rounds()
        self.assertEqual(before, self.since())

    def test_server_that_is_deleted_and_added_moves_alone(self):
        before = self.since()
        self.done('disable', 'web/http/a')
        self.assertIn('deleted', self.proxy.ask('del server http/a'))
        self.wait_reason('web/http/a', 'HAProxy has no such server')
        self.wait_rounds()
        self.assertEqual(before, self.since())
        self.assertIn('registered', self.proxy.ask(
            'add server http/a 127.0.0.1:%d weight 10' % self.backend('a').port))
        self.done('enable', 'web/http/a')
        wait_for(lambda: self.since()[0] > before[0], EVENT_S, 'counters_since moves')
        self.assertEqual(before[1], self.since()[1])

    def test_restart_of_one_of_a_pair_moves_it(self):
        other = self.haproxy(self.services, 'other')
        before = self.since()
        self.world.sql("UPDATE cluster SET plane_params = '{\"socket\":[\"%s\",\"%s\"]}'" % (
            self.proxy.socket, other.socket))
        other.share('http', 4)
        self.wait_total('a', 4)
        before = self.since()
        other.kill()
        self.wait_later(before)
        self.wait_total('a', 2)
        before = self.since()
        other.start()
        self.wait_later(before)
        before = self.since()
        self.wait_rounds()
        self.assertEqual(before, self.since())


if __name__ == '__main__':
    main()
