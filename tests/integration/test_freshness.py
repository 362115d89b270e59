# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Stale statistics: SNMP and lbclusterctl show the same about each real service, with the
# stale-after of lbclusterd.
"""Freshness of statistics, over SNMP and in lbclusterctl."""

import json
import signal
import time

from harness import Case, main, wait_for

INVENTORY = '''
cluster web { service http {
    real new  { address = 10.0.0.1 }
    real down { address = 10.0.0.2 }
    real old  { address = 10.0.0.3 }
    real none { address = 10.0.0.4 }
    real part { address = 10.0.0.5 }
} }
'''

FRESHNESS = {1: 'fresh', 2: 'stale', 3: 'never'}
ACTIVE = {1: True, 4: False, 6: None}      # lbcRealOperStatus


class Freshness(Case):
    def setUp(self):
        self.world = self.new_world()
        self.world.configure(stale_after=3600)
        self.world.load(INVENTORY)
        now = int(time.time())
        self.world.import_statistics([
            dict(path='web/http/new', active=True, last_update=now),
            dict(path='web/http/down', active=False, last_update=now - 1000),
            dict(path='web/http/old', active=True, last_update=now - 4000),
            dict(path='web/http/part', bps_in=5, last_update=now),
        ])

    def ctl_rows(self, *command):
        rows = json.loads(self.world.ctl('-f', 'json', *command).stdout)
        return {row['path'].split('/')[2]: (row['active'], row['freshness']) for row in rows}

    def check(self, expected):
        """{name: (active, freshness)}, by lbclusterctl and by SNMP."""
        for command in ('list', '-r'), ('list', 'web/http'), ('statistics',):
            self.assertEqual(expected, self.ctl_rows(*command))

        def snmp():
            found = {}
            for name in expected:
                row = self.world.number('web/http/' + name)
                found[name] = (ACTIVE[self.world.get('lbcRealOperStatus', *row)],
                               FRESHNESS[self.world.get('lbcRealStatsFreshness', *row)])
            return found
        wait_for(lambda: snmp() == expected, 10, 'SNMP shows the same')
        for name in expected:
            row = self.world.number('web/http/' + name)
            one = json.loads(self.world.ctl('-f', 'json', 'statistics',
                                            'web/http/' + name).stdout)
            self.assertEqual(expected[name], (one['active'], one['freshness']))
            age = self.world.get('lbcRealStatsAge', *row)
            if age is None:
                self.assertIsNone(one['age'])
            else:
                self.assertLess(abs(age - one['age']), 30)

    def test_lbclusterctl_and_snmp_agree(self):
        # lbclusterd has never run, so the default of 300 seconds holds.
        self.assertEqual((None, 'stale'), self.ctl_rows('list', '-r')['down'])
        self.world.start()
        rest = {'none': (None, 'never'), 'part': (None, 'fresh'), 'old': (None, 'stale'),
                'new': (True, 'fresh')}
        self.check({**rest, 'down': (False, 'fresh')})
        # Real services that are enabled and not active, by the command of lbclusterctl(1).
        listed = json.loads(self.world.ctl('-f', 'json', 'list', '-r').stdout)
        self.assertEqual(['web/http/down'], [row['path'] for row in listed if row['enabled'] and
                                             row['active'] is False])
        # Another stale-after, by SIGHUP.
        self.world.configure(stale_after=900)
        self.world.daemon.signal(signal.SIGHUP)
        self.world.wait_value(900, 'lbcSysStatsStaleAfter', 0)
        self.check({**rest, 'down': (None, 'stale')})
        # The value stays while lbclusterd does not run. A restart sets the default.
        self.world.stop_daemon()
        self.assertEqual((None, 'stale'), self.ctl_rows('list', '-r')['down'])
        self.world.sql('UPDATE statistics SET last_update = unixepoch() - 600 WHERE active = 0',
                       file='lbcluster-stats.db')
        self.assertEqual((False, 'fresh'), self.ctl_rows('list', '-r')['down'])
        self.world.configure()
        self.world.start_daemon()
        self.check({**rest, 'down': (None, 'stale')})

    def test_table_has_a_dash_for_what_is_stale(self):
        table = [line.split() for line in self.world.ctl('list', 'web/http').stdout.splitlines()]
        at = table[0].index('ACTIVE')
        self.assertEqual([['down', '-', 'stale'], ['new', 'yes', 'fresh'], ['none', '-', 'never'],
                          ['old', '-', 'stale'], ['part', '-', 'fresh']],
                         [[row[0].split('/')[2], row[at], row[-1]] for row in table[1:]])


if __name__ == '__main__':
    main()
