# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# A store that a person damaged by hand: a row without its parent, two rows of one name, two
# fallbacks, a row without a change number. lbclusterd, lbcluster-haproxy and lbclusterctl leave
# the same row out and report it once. They obey SIGTERM, and serve the row after the repair.
"""Rows that the schema forbids, in all three readers of the store."""

import contextlib
import os
import re
import sqlite3
import subprocess

import mib
from haproxy import EVENT_S, SERVER, Plane
from harness import main, wait_for

LINE = re.compile(r'row (\d+) of table (\w+) is left out: .*(sqlite3 \S+ (["\']).*\4)$', re.M)


class LeftOut(Plane):
    def setUp(self):
        self.plane_world()
        self.proxy = self.haproxy({'http': {'a': SERVER, 'b': SERVER}})
        self.load(self.proxy)
        self.start_driver()
        self.world.start()
        self.db = os.path.join(self.world.store, 'lbcluster.db')
        self.first = self.world.number('web/http/a')
        self.weight = 20

    def damage(self, script):
        with contextlib.closing(sqlite3.connect(self.db, timeout=10)) as other:
            other.executescript('PRAGMA foreign_keys = OFF;' + script)

    def loose_table(self, table, unique):
        """Creates the table again without UNIQUE, as a repair by hand may do."""
        with contextlib.closing(sqlite3.connect(self.db, timeout=10)) as other:
            made = other.execute('SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND'
                                 ' sql IS NOT NULL ORDER BY rowid', (table,)).fetchall()
            made = [sql.replace(unique, '') for sql, in made]
            other.executescript(
                'PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE;'
                'CREATE TEMP TABLE kept AS SELECT * FROM {0}; DROP TABLE {0}; {1};'
                'INSERT INTO {0} SELECT * FROM kept; {2}; COMMIT'.format(
                    table, made[0], ';'.join(made[1:])))

    def lines(self, log):
        """(id, table, repair) of each row that the log reports."""
        return [(int(row), table, repair) for row, table, repair, _ in LINE.findall(log)]

    def served(self):
        """The paths of lbcRealTable."""
        return sorted(row.value.decode() for row in self.world.client().walk(
            mib.oid('lbcRealPath')))

    def check(self, table, served, after):
        """'served': the paths while the store is damaged; 'after': those after the repair."""
        logs = self.world.daemon_log, self.driver_log
        for log in logs:
            wait_for(lambda log=log: self.lines(log()), EVENT_S, 'the row is reported')
        wait_for(lambda: self.served() == served, EVENT_S, 'the row is not served')
        self.driver_answers()
        found = self.lines(self.world.daemon_log())
        self.assertEqual([table], [row[1] for row in found])
        self.assertEqual(found, self.lines(self.driver_log()))

        listed = self.world.ctl('-f', 'json', 'list', '-r')
        self.assertEqual(found, self.lines(listed.stderr))
        self.assertEqual(served, sorted(re.findall(r'"path": "(.*?)"', listed.stdout)))

        # SIGTERM ends both daemons, and they start again.
        self.world.stop_daemon()
        self.stop_driver()
        self.start_driver()
        self.world.start_daemon()
        self.assertEqual(served, self.served())
        self.driver_answers()
        self.assertEqual(found * 2, self.lines(self.world.daemon_log()))
        self.assertEqual(found, self.lines(self.driver_log())[-1:])

        # The printed command repairs the row.
        subprocess.run(found[0][2], shell=True, check=True, timeout=30)
        for log in logs:
            wait_for(lambda log=log: 'row %d of table %s is repaired' % found[0][:2] in log(),
                     EVENT_S, 'the repair is reported')
        wait_for(lambda: self.served() == after, EVENT_S, 'all is served')
        self.assertEqual('', self.world.ctl('list', '-r').stderr)
        self.driver_answers()

    def driver_answers(self):
        """The driver carries out a job of the row, of the lower id if two rows have the name."""
        self.weight += 1
        self.wait_job(self.ctl('set-weight', 'web/http/a', str(self.weight)), self.SUCCEEDED)
        self.world.wait_value(self.weight, 'lbcRealWeight', *self.first)

    BOTH = ['web/http/a', 'web/http/b']

    def test_service_without_its_cluster(self):
        self.damage("DROP TRIGGER service_parent;"
                    "INSERT INTO service (id, cluster_id, name) VALUES (70, 999, 'lost');"
                    "INSERT INTO real_service (service_id, name) VALUES (70, 'a')")
        self.check('service', self.BOTH, self.BOTH)

    def test_real_service_that_lost_its_service(self):
        self.world.load('cluster other { service s { real x { address = 10.0.0.1 } } }')
        wait_for(lambda: 'other/s/x' in self.served(), EVENT_S, 'the other row is served')
        self.damage("DROP TRIGGER service_children; DELETE FROM service WHERE name = 's'")
        self.check('real_service', self.BOTH, self.BOTH)

    def test_two_real_services_of_one_name(self):
        self.loose_table('real_service', ',\n  UNIQUE (service_id, name)')
        self.damage("INSERT INTO real_service (service_id, name) VALUES"
                    " ((SELECT id FROM service), 'a')")
        self.check('real_service', self.BOTH, ['web/http/NEW', *self.BOTH])

    def test_two_clusters_of_one_name(self):
        self.loose_table('cluster', ' UNIQUE')
        self.damage("INSERT INTO cluster (id, name) VALUES (80, 'web');"
                    "INSERT INTO service (id, cluster_id, name) VALUES (81, 80, 'http');"
                    "INSERT INTO real_service (service_id, name) VALUES (81, 'a')")
        self.check('cluster', self.BOTH, ['NEW/http/a', *self.BOTH])

    def test_two_fallbacks(self):
        self.damage('DROP INDEX real_service_fallback; UPDATE real_service SET fallback = 1')
        self.check('real_service', self.BOTH[:1], self.BOTH)

    def test_fallback_beside_a_second_row_of_a_name(self):
        # The second row of the name is left out, so its fallback does not count.
        self.damage('CREATE TABLE loose AS SELECT * FROM real_service; DROP TABLE real_service;'
                    'CREATE TABLE real_service AS SELECT * FROM loose; DROP TABLE loose;'
                    "UPDATE real_service SET name = 'a', fallback = 1 WHERE name = 'b';"
                    "INSERT INTO real_service SELECT 9, service_id, 'c', address, port, weight,"
                    " 1, enabled, reason, last_change, last_job, changed, params, server_id"
                    ' FROM real_service WHERE id = 1;'
                    'UPDATE store SET change = change + 1; UPDATE real_service SET changed ='
                    ' (SELECT change FROM store)')
        wait_for(lambda: self.served() == ['web/http/a', 'web/http/c'], EVENT_S,
                 'the fallback is served')

    def test_real_service_without_a_change_number(self):
        self.damage("DROP TRIGGER real_service_insert;"
                    "INSERT INTO real_service (service_id, name) VALUES"
                    " ((SELECT id FROM service), 'c')")
        self.check('real_service', self.BOTH, [*self.BOTH, 'web/http/c'])

    def test_service_that_lost_its_change_number(self):
        self.world.load('cluster other { service s { real x { address = 10.0.0.1 } } }')
        wait_for(lambda: 'other/s/x' in self.served(), EVENT_S, 'the other row is served')
        self.damage("UPDATE service SET changed = -5 WHERE name = 's'")
        self.check('service', self.BOTH, ['other/s/x', *self.BOTH])

    def test_parent_that_comes_back(self):
        # This repair is not the printed one.
        self.damage("DROP TRIGGER service_parent;"
                    "INSERT INTO service (id, cluster_id, name) VALUES (70, 999, 'lost');"
                    "INSERT INTO real_service (service_id, name) VALUES (70, 'x')")
        for log in self.world.daemon_log, self.driver_log:
            wait_for(lambda log=log: self.lines(log()), EVENT_S, 'the row is reported')
        self.damage("INSERT INTO cluster (id, name) VALUES (999, 'found')")
        wait_for(lambda: self.served() == ['found/lost/x', *self.BOTH], EVENT_S, 'it is served')
        wait_for(lambda: 'is repaired' in self.driver_log(), EVENT_S, 'the driver has the row')

    def test_service_that_moved_to_another_cluster(self):
        # The change numbers of its real services stay.
        self.world.load('cluster other { service s { real x { address = 10.0.0.1 } } }')
        wait_for(lambda: 'other/s/x' in self.served(), EVENT_S, 'the other row is served')
        self.damage('DROP TRIGGER service_stays')
        for cluster, name in (('web', 'moved'), ('other', 's'), ('web', 'moved')):
            self.damage("UPDATE service SET name = '%s', cluster_id = (SELECT id FROM cluster"
                        " WHERE name = '%s') WHERE name IN ('s', 'moved')" % (name, cluster))
            wait_for(lambda cluster=cluster, name=name: self.served() == sorted(
                [*self.BOTH, '%s/%s/x' % (cluster, name)]), EVENT_S, 'it is served')
        wait_for(lambda: 'HAProxy has no moved/x' in self.plane()[1], EVENT_S,
                 'the driver has it')

    def test_repeated_damage_and_repair(self):
        # The readers read everything after a repair, but not without a limit.
        self.damage('DROP TRIGGER service_parent')
        for _ in range(40):
            self.damage("INSERT INTO service (id, cluster_id, name) VALUES (70, 999, 'lost')")
            self.damage("INSERT INTO cluster (id, name) VALUES (999, 'found')")
            self.damage("DELETE FROM cluster WHERE id = 999")
        self.driver_answers()
        self.world.stop_daemon()
        self.stop_driver()


if __name__ == '__main__':
    main()
