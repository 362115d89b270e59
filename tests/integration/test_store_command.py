#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# "lbclusterctl store" with directories and with databases of PostgreSQL: create, migrate, status,
# and copies between all engines. A copy has the same rows, ids and sums. A copy that is refused,
# fails or is killed leaves its target empty.
"""Stores of both engines: created, migrated, described, copied."""

import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import time

import postgres

postgres.skip_without_server()

from harness import LBCLUSTERCTL, TIMEOUT_FACTOR, Case, main, new_directory, wait_for

INVENTORY = '''
cluster web {
    plane = none
    service http {
        address = 192.0.2.10  port = 80
        real web-1 { address = 10.0.0.1  port = 80  weight = 10 }
        real web-2 { address = 10.0.0.2  port = 80  weight = 20  enabled = no }
        real sorry { address = "2001:db8::9"  port = 80  fallback = yes }
    }
    service empty { protocol = udp }
}
cluster edge { plane = haproxy  socket = /run/x  service s { real a { address = 10.0.0.1 } } }
'''
TABLES = {
    'lbcluster.db': ('cluster', 'service', 'server', 'real_service', 'job', 'setting',
                     'held_setting'),
    'lbcluster-stats.db': ('statistics', 'service_statistics', 'look'),
}
SUMS = ('config_changes', 'config_last_change', 'table_last_change', 'job_rows', 'jobs_open',
        'jobs_succeeded', 'jobs_failed', 'jobs_bumped')
NUMBERED = ('cluster', 'service', 'server', 'real_service', 'job')
ODD_TEXT = 'a\tb\\c\nd\re"\' {x,NULL} \\N ä €'
REALS = 100000
COPY_S = 10         # for REALS real services with statistics
CTL_PRECOND, CTL_REFUSED = 4, 6


def ctl(*args):
    return subprocess.run([LBCLUSTERCTL, *args], text=True, capture_output=True, check=False,
                          timeout=120)


def connect(directory, file='lbcluster.db'):
    return contextlib.closing(sqlite3.connect(os.path.join(directory, file)))


class Stores(postgres.WithServer, Case):
    names = 0       # databases of the class

    def setUp(self):
        self.dir = new_directory()
        self.addCleanup(shutil.rmtree, self.dir)

    def directory(self, name):
        return os.path.join(self.dir, name)

    def database(self):
        """An empty database; returns its name and its URI."""
        type(self).names += 1
        name = 'copies_%d' % self.names
        return name, self.postgres.create_database(name, 'template1')

    def done(self, *args):
        result = ctl(*args)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, '')
        return result.stdout

    def refused(self, status, text, *args):
        result = ctl(*args)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        self.assertIn(text, result.stdout + result.stderr)
        return result.stdout

    def status_of(self, store):
        return json.loads(self.done('-j', 'store', 'status', store))

    def assert_empty(self, store):
        """No row of the inventory."""
        status = self.status_of(store)
        self.assertEqual([status[key] for key in ('clusters', 'services', 'real_services',
                                                  'servers', 'jobs')], [0] * 5)

    def fill(self, directory):
        """Each column of each table has a value of its own in some row."""
        path = self.directory('inventory.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(INVENTORY)
        self.done('-q', '-s', directory, 'load', path)
        for weight in range(3):
            self.done('-q', '-s', directory, 'set-weight', 'web/http/web-1', str(weight))
        self.done('-q', '-s', directory, 'set-weight', '--no-wait', 'edge/s/a', '3')
        with connect(directory) as db:
            db.execute('INSERT INTO cluster (name) VALUES (?)', ('removed',))
            db.execute('DELETE FROM cluster WHERE name = ?', ('removed',))
            db.execute('DELETE FROM job WHERE id = 1')
            db.execute('UPDATE cluster SET plane_status = 3, plane_message = ?', (ODD_TEXT,))
            db.execute('UPDATE real_service SET reason = ?, params = ? WHERE name = ?',
                       (ODD_TEXT, '{"check":"connect"}', 'web-2'))
            db.execute('UPDATE service SET params = ?, enabled = 0 WHERE name = ?',
                       ('{"check":"none"}', 'empty'))
            db.execute('INSERT INTO job (real_id, operation, state, fail_cause, source, old_value,'
                       ' new_value, request, token, created, started, finished, cluster_name,'
                       ' service_name, real_name, message, origin) VALUES (2, 5, 0, 3, 2, 20, 9, 7,'
                       ' -123456789012345678, 11, 12, 13, "web", "http", "web-2", ?, ?)',
                       (ODD_TEXT, ODD_TEXT))
            db.execute('INSERT INTO job (service_id, operation, old_value, new_value, cluster_name,'
                       ' service_name, real_name) VALUES (2, 6, 0, 1, "web", "empty", "")')
            db.execute('INSERT INTO held_setting (token, name, value)'
                       ' VALUES (-123456789012345678, "set_lock", 5)')
            # Triggers would write the present time.
            db.execute('UPDATE store SET jobs_failed = 41, config_last_change = 42')
            db.commit()
        with connect(directory, 'lbcluster-stats.db') as db:
            for table in TABLES['lbcluster-stats.db']:
                names = [row[1] for row in db.execute('PRAGMA table_info(%s)' % table)
                         if row[1] != 'changed']
                values = [i + 1 if i == 0 or name in ('active', 'role') else (i + 1) * 10**11
                          for i, name in enumerate(names)]
                for name, value in (('active', 1), ('role', 2), ('algorithm', 'rr \\N'),
                                    ('interval_ms', 5000), ('time', 1700000000)):
                    if name in names:
                        values[names.index(name)] = value
                db.execute('INSERT INTO %s (%s) VALUES (%s)' % (
                    table, ', '.join(names), ', '.join('?' * len(names))), values)
            db.execute('INSERT INTO statistics (real_id) VALUES (2)')     # NULL: not measured
            db.commit()

    def rows(self, directory=None, database=None):
        """All rows but "changed", the sums, and the highest id that each table ever gave. The
        columns are those of a new directory, so none is forgotten."""
        model = self.directory('model')
        if not os.path.exists(model):
            self.done('store', 'create', model)
        found = {}
        for file, tables in TABLES.items():
            schema = 'lbcluster' if file == 'lbcluster.db' else 'lbcluster_statistics'
            for table in tables:
                with connect(model, file) as db:
                    names = [row[1] for row in db.execute('PRAGMA table_info(%s)' % table)]
                columns = ', '.join(name for name in names if name != 'changed')
                if database:
                    lines = self.postgres.sql('SELECT json_build_array(%s) FROM %s' % (
                        columns, table), database, search_path=schema)
                    rows = [json.loads(line[0]) for line in lines]
                else:
                    with connect(directory, file) as db:
                        rows = [list(row) for row in db.execute('SELECT %s FROM %s' % (
                            columns, table))]
                found[table] = sorted(rows, key=str)
        found['sums'] = [list(row) for row in self.sql_of(directory, database,
                                                          'SELECT %s FROM store' % ', '.join(SUMS))]
        found['last'] = [self.sql_of(
            directory, database,
            'SELECT last_value - (NOT is_called)::integer FROM %s_id_seq' % table if database else
            'SELECT seq FROM sqlite_sequence WHERE name = "%s"' % table)[0][0]
                         for table in NUMBERED]
        return found

    def sql_of(self, directory, database, sql):
        if database:
            return [tuple(row) for row in self.postgres.sql(sql, database, search_path='lbcluster')]
        with connect(directory) as db:
            return db.execute(sql).fetchall()


class Create(Stores):
    """store create, status and migrate."""

    def test_create_database(self):
        _, uri = self.database()
        self.assertIn('created with PostgreSQL', self.done('store', 'create', uri))
        self.refused(CTL_PRECOND, 'there is a store already', 'store', 'create', uri)
        self.assertEqual(self.status_of(uri)['state'], 'writable')

    def test_create_directory(self):
        path = self.directory('new')
        self.assertIn('created with SQLite', self.done('store', 'create', path))
        self.refused(CTL_PRECOND, 'there is a store already', 'store', 'create', path)
        self.assertEqual(self.status_of(path)['clusters'], 0)
        self.assertEqual(self.done('-s', path, 'store', 'migrate').count('nothing to do'), 2)

    def test_no_database(self):
        self.refused(CTL_REFUSED, 'does not exist', 'store', 'create',
                     self.postgres.uri('there_is_none'))

    def test_no_right(self):
        name, uri = self.database()
        self.postgres.sql('CREATE ROLE stranger LOGIN')
        self.refused(CTL_REFUSED, 'permission denied', 'store', 'create',
                     uri.replace(postgres.ROLE + '@', 'stranger@'))
        self.assertEqual(self.postgres.sql("SELECT count(*) FROM pg_namespace WHERE nspname LIKE"
                                         " 'lbcluster%'", name), [(0,)])

    def test_status_without_a_store(self):
        _, uri = self.database()
        self.refused(1, 'store create', 'store', 'status', uri)
        self.refused(1, 'unreadable', 'store', 'status', self.directory('nothing'))

    def test_status_prints_no_password(self):
        shown = self.refused(1, 'password', 'store', 'status',
                             'postgresql://user:Geheim7@localhost/x')
        self.assertNotIn('Geheim7', shown)

    def test_status_of_a_reader(self):
        name, uri = self.database()
        self.done('store', 'create', uri)
        self.postgres.sql('CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA lbcluster,'
                        ' lbcluster_statistics TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA'
                        ' lbcluster, lbcluster_statistics TO reader', name)
        status = self.status_of(uri.replace(postgres.ROLE + '@', 'reader@'))
        self.assertEqual(status['state'], 'read-only')
        self.assertTrue(status['engine'].startswith('PostgreSQL '))

    def test_counts(self):
        path = self.directory('full')
        self.fill(path)
        status = self.status_of(path)
        self.assertEqual([status[key] for key in (
            'clusters', 'services', 'real_services', 'servers', 'jobs', 'jobs_open', 'statistics',
            'service_statistics', 'programs')], [2, 3, 4, 4, 5, 3, 2, 1, None])
        self.assertGreater(status['bytes'], 100000)

    def test_migrate(self):
        path = self.directory('old')
        self.fill(path)
        with connect(path) as db:       # version 11 added these columns
            for table, column in (('job', 'owner'), ('held_setting', 'owner'),
                                  ('held_setting', 'created')):
                db.execute('ALTER TABLE %s DROP COLUMN %s' % (table, column))
            db.execute('PRAGMA user_version = 10')
            db.commit()
        self.refused(1, 'version 10', 'store', 'status', path)
        self.assertIn('inventory: migrated from version 10 to 11',
                      self.done('store', 'migrate', path))
        self.assertEqual(self.status_of(path)['version'], 11)

    def test_newer(self):
        name, uri = self.database()
        self.done('store', 'create', uri)
        self.postgres.sql('UPDATE lbcluster.store_row SET version = 99', name)
        self.refused(CTL_REFUSED, 'upgrade lbcluster', 'store', 'migrate', uri)
        self.refused(CTL_REFUSED, 'upgrade lbcluster', 'store', 'create', uri)


class Copy(Stores):
    """store copy of a store that has everything."""

    def setUp(self):
        super().setUp()
        self.source = self.directory('source')
        self.fill(self.source)
        self.wanted = self.rows(self.source)
        self.exported = self.done('-s', self.source, 'export')

    def test_there_and_back(self):
        (first, first_uri), (second, second_uri) = self.database(), self.database()
        back, again = self.directory('back'), self.directory('again')
        self.done('store', 'copy', self.source, first_uri)
        self.assertEqual(self.rows(database=first), self.wanted)
        self.done('store', 'copy', first_uri, second_uri)
        self.assertEqual(self.rows(database=second), self.wanted)
        self.done('store', 'copy', second_uri, back)
        self.assertEqual(self.rows(back), self.wanted)
        self.done('store', 'copy', back, again)
        self.assertEqual(self.rows(again), self.wanted)
        for store in (first_uri, second_uri, back, again):
            self.assertEqual(self.done('-s', store, 'export'), self.exported)

    def test_a_copy_is_a_store(self):
        """The triggers work, and numbers go on behind those ever given."""
        name, uri = self.database()
        back = self.directory('back')
        self.done('store', 'copy', self.source, uri)
        self.done('store', 'copy', uri, back)
        path = self.directory('more.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.write('cluster more { service s { real r { address = 10.0.0.9 } } }')
        for store, where in ((uri, (None, name)), (back, (back, None))):
            self.done('-q', '-s', store, 'load', path)
            self.done('-q', '-s', store, 'set-weight', 'more/s/r', '77')
            jobs = json.loads(self.done('-j', '-s', store, 'job'))
            self.assertEqual(max(int(job['id']) for job in jobs), self.wanted['last'][4] + 1)
            self.assertEqual(self.sql_of(*where, 'SELECT max(id) FROM cluster'),
                             [(self.wanted['last'][0] + 1,)])
            self.assertEqual(self.status_of(store)['jobs'], 6)

    def test_changed_is_in_order(self):
        """A reader with a cursor gets each row once: no number comes twice."""
        name, uri = self.database()
        back = self.directory('back')
        self.done('store', 'copy', self.source, uri)
        self.done('store', 'copy', uri, back)
        union = ' UNION ALL '.join('SELECT changed FROM ' + table for table in (
            'cluster', 'service', 'real_service', 'job'))
        for where in ((None, name), (back, None)):
            (count, numbers, least, most), = self.sql_of(
                *where, 'SELECT count(*), count(DISTINCT changed), min(changed), max(changed)'
                ' FROM (%s) AS t' % union)
            self.assertEqual((count, least > 0), (numbers, True))
            self.assertEqual(self.sql_of(*where, 'SELECT change FROM store'), [(most,)])

    def test_bytes_that_are_no_text(self):
        """SQLite keeps any bytes; PostgreSQL accepts UTF-8 only."""
        name, uri = self.database()
        with connect(self.source) as db:
            db.execute("UPDATE real_service SET reason = CAST(x'61c362' AS TEXT) WHERE id = 1")
            db.commit()
        self.done('store', 'copy', self.source, uri)
        self.assertEqual(self.sql_of(None, name, 'SELECT reason FROM real_service WHERE id = 1'),
                         [('a?b',)])

    def test_target_with_rows(self):
        name, uri = self.database()
        path = self.directory('full')
        self.done('store', 'copy', self.source, uri)
        self.done('store', 'copy', self.source, path)
        self.refused(CTL_PRECOND, 'copy to an empty store', 'store', 'copy', self.source, uri)
        self.refused(CTL_PRECOND, 'copy to an empty store', 'store', 'copy', uri, path)
        self.assertEqual(self.rows(database=name), self.wanted)
        self.assertEqual(self.rows(path), self.wanted)

    def test_foreign_target(self):
        name, uri = self.database()
        self.postgres.sql('CREATE SCHEMA lbcluster; CREATE TABLE lbcluster.store_row (x integer)',
                        name, user=postgres.ROLE)
        self.refused(CTL_REFUSED, 'not a store of lbcluster', 'store', 'copy', self.source, uri)
        path = self.directory('foreign')
        os.mkdir(path)
        with connect(path) as db:
            db.execute('CREATE TABLE t (x)')
            db.commit()
        self.refused(CTL_REFUSED, 'not a file of lbcluster', 'store', 'copy', self.source, path)

    def test_damaged_target(self):
        path = self.directory('damaged')
        self.done('store', 'create', path)
        with open(os.path.join(path, 'lbcluster.db'), 'r+b') as file:
            file.seek(100)
            file.write(b'\xff' * 4000)
        self.refused(CTL_REFUSED, 'damaged', 'store', 'copy', self.source, path)

    def test_missing_source(self):
        _, uri = self.database()
        self.refused(CTL_REFUSED, 'No such file', 'store', 'copy', self.directory('none'), uri)
        self.refused(1, 'store create', 'store', 'status', uri)

    def test_damaged_source(self):
        """A row without its parent cannot be copied, and nothing is."""
        _, uri = self.database()
        path = self.directory('to')
        with connect(self.source) as db:
            db.execute('DROP TRIGGER service_children')
            db.execute('DELETE FROM service WHERE id = 1')
            db.commit()
        for store in (uri, path):
            self.refused(CTL_REFUSED, 'real_service' if store == uri else 'FOREIGN KEY', 'store',
                         'copy', self.source, store)
            self.assert_empty(store)

    def test_not_the_owner(self):
        name, uri = self.database()
        self.done('store', 'create', uri)
        self.postgres.sql('CREATE ROLE guest LOGIN; GRANT USAGE ON SCHEMA lbcluster,'
                        ' lbcluster_statistics TO guest; GRANT ALL ON ALL TABLES IN SCHEMA'
                        ' lbcluster, lbcluster_statistics TO guest; GRANT EXECUTE ON ALL FUNCTIONS'
                        ' IN SCHEMA lbcluster, lbcluster_statistics TO guest', name)
        self.refused(CTL_REFUSED, 'must be owner', 'store', 'copy', self.source,
                     uri.replace(postgres.ROLE + '@', 'guest@'))
        self.assert_empty(uri)

    def test_served_target(self):
        for server in (self.postgres, None):
            world = self.new_world(server=server)
            world.start()
            self.assertIn('lbclusterd' if server else str(world.daemon.pid),
                          self.status_of(world.store)['programs'])
            self.refused(CTL_PRECOND, 'stop it first' if server else 'lbclusterd', 'store', 'copy',
                         self.source, world.store)
            self.assert_empty(world.store)

    def test_target_of_a_driver(self):
        """The lock of any program counts, and is shown."""
        name, uri = self.database()
        path = self.directory('to')
        for store in (uri, path):
            self.done('store', 'create', store)
        for driver in ('lbcluster-ipvs', 'lbcluster-checks'):
            with open(os.path.join(path, driver + '.lock'), 'w', encoding='ascii') as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self.assertIn('process %d' % os.getpid(), self.status_of(path)['programs'])
                self.refused(CTL_PRECOND, 'stop it first', 'store', 'copy', self.source, path)
        for driver in ('lbcluster-haproxy', 'lbcluster-checks'):
            with self.postgres.session(name) as session:
                session("SELECT pg_advisory_lock(hashtext('lbcluster'), hashtext('%s'))" % driver)
                self.assertIn(driver + ' (server process', self.status_of(uri)['programs'])
                self.refused(CTL_PRECOND, driver, 'store', 'copy', self.source, uri)
        for store in (uri, path):
            self.assert_empty(store)
            wait_for(lambda store=store: self.status_of(store)['programs'] is None, 60,
                     'the end of the lock')
            self.done('store', 'copy', self.source, store)

    def test_served_source(self):
        """A store may be copied while lbclusterd serves it."""
        for server in (self.postgres, None):
            world = self.new_world(server=server)
            world.load(INVENTORY)
            world.start()
            to = self.directory('to-%s' % bool(server))
            self.done('store', 'copy', world.store, to)
            self.assertEqual(self.done('-s', to, 'export'), self.done('-s', world.store, 'export'))


class Many(Stores):
    """100,000 real services."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.parent = new_directory()
        cls.addClassCleanup(shutil.rmtree, cls.parent)
        cls.source = os.path.join(cls.parent, 'source')
        path = os.path.join(cls.parent, 'inventory.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.write('cluster c {\n')
            for service in range(100):
                file.write('service s%d {\n' % service)
                for real in range(REALS // 100):
                    file.write('real r%d { address = 10.1.%d.%d  port = 80 }\n' % (
                        real, real // 250, real % 250 + 1))
                file.write('}\n')
            file.write('}\n')
        subprocess.run([LBCLUSTERCTL, '-q', '-s', cls.source, 'load', path], check=True)
        with connect(cls.source, 'lbcluster-stats.db') as db:
            db.executemany('INSERT INTO statistics (real_id, active, active_connections,'
                           ' total_connections, total_octets_in) VALUES (?, 1, ?, ?, ?)',
                           ((i, i, 7 * i, 10**9 * i) for i in range(1, REALS + 1)))
            db.commit()

    def assert_whole(self, store):
        status = self.status_of(store)
        self.assertEqual((status['real_services'], status['statistics']), (REALS, REALS))

    def test_time(self):
        _, uri = self.database()
        for source, to in ((self.source, uri), (uri, self.directory('back'))):
            began = time.monotonic()
            self.done('store', 'copy', source, to)
            took = time.monotonic() - began
            print('%d real services to %s in %.1f s' % (REALS, to.split(':')[0], took))
            self.assertLess(took, COPY_S * TIMEOUT_FACTOR)
            self.assert_whole(to)

    def start(self, to):
        return subprocess.Popen([LBCLUSTERCTL, 'store', 'copy', self.source, to],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def test_killed_with_a_database(self):
        name, uri = self.database()
        for table in ('real_service', 'lbcluster_statistics.statistics'):
            copy = self.start(uri)
            wait_for(lambda table=table: self.postgres.sql(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY %s %%'"
                " AND datname = '%s'" % (table, name)) != [(0,)], 60, 'the rows of ' + table)
            copy.kill()
            copy.wait()
            wait_for(lambda: self.postgres.sql(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = '%s'" % name) == [(0,)], 60,
                     'the end of the session')
            self.assert_empty(uri)
            self.assertEqual(self.status_of(uri)['statistics'], 0)
        self.done('store', 'copy', self.source, uri)
        self.assert_whole(uri)

    def test_killed_with_a_directory(self):
        path = self.directory('to')
        self.done('store', 'create', path)
        wal = os.path.join(path, 'lbcluster-stats.db-wal')
        for event in (lambda: os.path.exists(os.path.join(path, 'lbclusterd.lock')),
                      lambda: os.path.exists(wal) and os.path.getsize(wal) > 1 << 20):
            copy = self.start(path)
            wait_for(lambda event=event: event() or copy.poll() is not None, 60, 'a copy')
            copy.kill()
            if copy.wait() != 0:
                self.assert_empty(path)
        if self.status_of(path)['real_services'] == 0:
            self.done('store', 'copy', self.source, path)
        self.assert_whole(path)


if __name__ == '__main__':
    main()
