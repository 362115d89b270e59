# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# lbclusterd and lbcluster-haproxy with a store in PostgreSQL, behind a real snmpd: the golden walk,
# the answer to each kind of SET, jobs; then a server that stands still, is killed, or is restarted,
# and a network that does the same. Reads go on, SETs are refused at once, and SETs work again
# without a restart of lbclusterd.
"""A store in PostgreSQL."""

import json
import os
import signal
import subprocess
import time
import urllib.parse

import postgres

postgres.skip_without_server()

import mib
import test_set
import test_set_services
import test_walk
from haproxy import SERVER, Plane
from harness import INVENTORY, Case, cpu_wait_s, free_port, main, wait_for
from postgres import WithServer
from proxy import Proxy

IN_USE = 1              # of lbcRealOperStatus
AT_ONCE_S = 1.0         # a SET without a server: below the deadlines of snmpd and of managers
RECOVERS_S = 10.0
SILENT = 'no answer within'
CLOSED = 'the connection failed'
REFUSED = ('resourceUnavailable', 'commitFailed')


class Golden(WithServer, test_walk.Golden):
    pass


# LBCLUSTER_POSTGRESQL=brief leaves out the tests that are the same with SQLite.
if os.environ.get('LBCLUSTER_POSTGRESQL') != 'brief':
    class Single(WithServer, test_set.Single):
        versions = (2,)

    class Several(WithServer, test_set.Several):
        versions = (2,)

    class Services(WithServer, test_set_services.Services):
        pass

    class Servers(WithServer, test_set_services.Servers):
        pass


class Jobs(WithServer, Plane):
    """lbcluster-haproxy carries out the jobs of SETs."""

    def setUp(self):
        self.plane_world()
        self.proxy = self.haproxy({'http': {'a': SERVER, 'b': SERVER}})
        self.load(self.proxy)
        self.start_driver()
        self.world.start()

    def set(self, value):
        oid = mib.oid('lbcRealWeight', *self.world.number('web/http/a'))
        return self.world.client().set_answer((oid, 'u', value)).status

    def test_set_takes_effect_in_haproxy(self):
        self.assertEqual('noError', self.set(77))
        wait_for(lambda: self.proxy.state('http/a') == (0, 77), 10, 'HAProxy has the weight')
        wait_for(lambda: self.world.sql('SELECT state, old_value, new_value FROM job') ==
                 [(mib.SUCCEEDED, 10, 77)], 10, 'the job has ended')
        self.world.wait_value(mib.SUCCEEDED, 'lbcJobState', 1)

    def test_statistics_of_the_driver_are_shown(self):
        self.proxy.get('http')
        self.world.wait_value(IN_USE, 'lbcRealOperStatus', *self.world.number('web/http/a'))
        self.world.wait_value(1, 'lbcRealStatsFreshness', *self.world.number('web/http/a'))

    def test_driver_goes_on_after_a_restart_of_the_server(self):
        self.postgres.stop(signal.SIGQUIT)
        self.postgres.start()
        self.world.set_with_retries((mib.oid('lbcRealWeight', *self.world.number('web/http/a')),
                                     'u', 55))
        wait_for(lambda: self.proxy.state('http/a') == (0, 55), 30, 'HAProxy has the weight')


class Faults(WithServer, Case):
    """The server or the network to it fails under a running lbclusterd."""

    def setUp(self):
        self.world = self.new_world()
        self.world.load(INVENTORY)
        self.socket = os.path.join(self.world.dir, '.s.PGSQL.5432')
        self.network = Proxy(self.socket, os.path.join(self.postgres.dir, '.s.PGSQL.5432'))
        self.addCleanup(self.network.close)
        self.direct = self.world.store
        self.world.store = 'postgresql://%s@%s/%s' % (
            postgres.ROLE, urllib.parse.quote(self.world.dir, safe=''), self.world.database)
        self.world.start()
        self.addCleanup(self.postgres_back)
        self.weight = mib.oid('lbcRealWeight', 1, 1, 1)

    def postgres_back(self):
        self.postgres.resume()
        if self.postgres.process.poll() is not None:
            self.postgres.start()

    def set(self, value):
        """(status, seconds) of a SET, without the time in which the programs wait for a CPU."""
        programs = self.world.master.pid, self.world.daemon.pid
        began, starved = time.monotonic(), cpu_wait_s(*programs)
        status = self.world.client().set_answer((self.weight, 'u', value)).status
        return status, time.monotonic() - began - (cpu_wait_s(*programs) - starved)

    def shown(self):
        return self.world.client().get(self.weight).value

    def assert_refused_at_once(self, value):
        status, took = self.set(value)
        self.assertIn(status, REFUSED)
        self.assertLess(took, AT_ONCE_S)

    def assert_away(self, reason):
        """SETs are refused at once, reads go on, the status tells why."""
        for value in (71, 72, 73):
            self.assert_refused_at_once(value)
        with self.world.slowest_get() as slowest:
            self.world.wait_value(mib.STORE_UNAVAILABLE, 'lbcSysStoreStatus', 0,
                                  deadline_s=RECOVERS_S)
            for _ in range(20):
                self.assertEqual(10, self.shown())
        self.assertLess(slowest[0], AT_ONCE_S)
        text = self.world.get('lbcSysLastRejectText', 0).decode()
        self.assertRegex(text, '^the store: .*%s.*; lbcluster tries again$' % reason)
        self.assertNotIn(self.world.database, text)
        self.world.wait_logged(r'%s: .*%s' % (self.world.database, reason))

    def assert_back(self):
        """SETs work again without a restart; what was refused is not stored."""
        def works():
            status, took = self.set(11)
            self.assertLess(took, AT_ONCE_S)
            return status == 'noError'
        wait_for(works, RECOVERS_S, 'a SET works again')
        self.world.wait_value(mib.STORE_OK, 'lbcSysStoreStatus', 0, deadline_s=RECOVERS_S)
        self.assertEqual(11, self.shown())
        self.world.wait_written()
        self.assertEqual([(11,)], self.world.sql('SELECT weight FROM real_service'))
        self.assertEqual([(11,)], self.world.sql(
            'SELECT new_value FROM job WHERE state = ?', mib.SUCCEEDED))
        self.world.ctl('-s', self.direct, 'set-weight', 'web/http/a', '10')
        self.world.wait_value(10, 'lbcRealWeight', 1, 1, 1)

    def test_server_that_stands_still(self):
        self.postgres.pause()
        self.assert_away(SILENT)
        self.postgres.resume()
        self.assert_back()

    def test_network_that_stands_still(self):
        self.network.stand_still()
        self.assert_away(SILENT)
        self.network.go_on()
        self.assert_back()

    def test_server_that_is_killed_and_started_again(self):
        self.postgres.stop(signal.SIGKILL)
        self.assert_away(CLOSED)
        self.postgres.start()
        self.assert_back()

    def test_server_that_is_restarted(self):
        for number in (signal.SIGINT, signal.SIGQUIT):
            with self.subTest(signal=number):
                self.postgres.stop(number)
                self.assert_away(CLOSED)
                self.postgres.start()
                self.assert_back()
                self.world.sql('DELETE FROM job')

    def test_connections_that_are_cut(self):
        for _ in range(3):
            self.network.cut()
            wait_for(lambda: self.set(11)[0] == 'noError', RECOVERS_S, 'a SET works again')
            wait_for(lambda: self.set(10)[0] == 'noError', RECOVERS_S, 'a SET works again')
        self.assertTrue(self.world.daemon.alive())

    def test_slow_network(self):
        """A round trip of 10 ms, also in new sessions, where no statement is prepared."""
        self.network.go_on(delay_s=0.005)
        for value in (11, 12, 13):
            with self.subTest(value=value):
                wait_for(lambda: self.set(value)[0] == 'noError', RECOVERS_S, 'a SET works')
                self.assertEqual(value, self.shown())
                self.world.wait_written()
                self.world.ctl('-s', self.direct, 'set-weight', 'web/http/a', '10')
                self.world.wait_value(10, 'lbcRealWeight', 1, 1, 1, deadline_s=RECOVERS_S)
                self.network.stand_still()
                self.assertIn(self.set(71)[0], REFUSED)
                self.network.go_on(delay_s=0.005)

    def test_lock_of_another_session(self):
        """Another writer holds the lock: the SET is refused, and works after that."""
        with self.postgres.session(self.world.database) as session:
            session('BEGIN; SELECT id FROM lbcluster.store_row FOR UPDATE')
            self.assert_refused_at_once(71)
            self.assertEqual(10, self.shown())
            self.assertEqual(mib.STORE_LOCKED, self.world.get('lbcSysStoreStatus', 0))
        self.assert_back()

    def test_daemon_ends_in_time_without_a_server(self):
        self.network.stand_still()
        self.set(71)
        self.world.stop_daemon()


class Start(WithServer, Case):
    """Which databases lbclusterd opens."""

    def test_empty_database_gets_the_schema(self):
        world = self.new_world()
        world.start()
        self.assertEqual(0, world.get('lbcSysReals', 0))
        world.load(INVENTORY)
        world.wait_value(1, 'lbcSysReals', 0)

    def test_change_of_another_program_is_shown_soon(self):
        world = self.new_world()
        world.load(INVENTORY)
        world.start()
        world.sql('UPDATE real_service SET weight = 44')
        world.wait_value(44, 'lbcRealWeight', 1, 1, 1, deadline_s=1)

    def test_password_in_the_uri_is_refused_and_never_printed(self):
        world = self.new_world()
        world.store = world.store.replace('@', ':geheim@', 1)
        done = world.ctl('export', check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn('password', done.stderr)
        self.assertNotIn('geheim', done.stderr)

    def test_uri_with_a_secret_or_an_unknown_value_is_refused(self):
        world = self.new_world()
        good = world.store
        mark = '&' if '?' in good else '?'
        for store, problem in (
                (good + mark + 'sslpassword=geheim', 'password (option sslpassword)'),
                (good + mark + 'target_session_attrs=bogus', 'target_session_attrs=bogus'),
                ('POSTGRESQL://u:geheim@db1/lb', 'must begin with postgresql://')):
            world.store = store
            done = world.ctl('list', check=False)
            self.assertNotEqual(0, done.returncode)
            self.assertIn(problem, done.stderr)
            self.assertNotIn('geheim', done.stderr)

    def test_schema_of_another_program_is_refused_and_unchanged(self):
        world = self.new_world()
        world.sql('CREATE SCHEMA lbcluster AUTHORIZATION %s;'
                  'CREATE TABLE lbcluster.invoice (id integer)' % postgres.ROLE)
        done = world.ctl('load', world._write('inventory.conf', INVENTORY), check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn('schema lbcluster has tables of another program', done.stderr)
        self.assertNotIn('tries again', done.stderr)
        self.assertEqual([(1,)], world.sql(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'lbcluster'"))

    def test_tls_over_tcp(self):
        """The certificate of the server is verified, unless the URI says otherwise."""
        server = postgres.Server(port=free_port()).start().create_template()
        self.addCleanup(server.remove)
        world = self.new_world(server=server)
        world.env['PGPASSFILE'] = world._write('pgpass', '*:*:*:*:%s\n' % postgres.PASSWORD)
        os.chmod(world.env['PGPASSFILE'], 0o600)
        plain = 'postgresql://%s@localhost:%d/%s' % (postgres.ROLE, server.port, world.database)
        root = '?sslrootcert=' + os.path.join(server.dir, 'root.crt')
        world.store = plain + '?sslrootcert=/dev/null'
        done = world.ctl('list', check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertNotIn(postgres.PASSWORD, done.stderr)
        world.store = plain + root
        world.load(INVENTORY)
        world.start()
        self.assertEqual(10, world.get('lbcRealWeight', 1, 1, 1))
        self.assertEqual([(1,)], server.sql('SELECT DISTINCT ssl::int FROM pg_stat_ssl JOIN'
                                            " pg_stat_activity USING (pid) WHERE usename = '%s'"
                                            % postgres.ROLE))

    def test_configuration_names_the_database(self):
        """The same as with -s; and a name that is neither a URI nor a path is refused."""
        world = self.new_world()
        world.load(INVENTORY)
        world.start_master()
        argv = world.daemon_argv()
        at = argv.index('-s')
        del argv[at:at + 2]
        for name, status in (('store', 2), (world.store, 0)):
            with open(world.conf, 'w', encoding='ascii') as file:
                file.write('store = "%s"\n' % name)
            self.assertEqual(status, subprocess.run(
                [argv[0], '--check', '-c', world.conf], stderr=subprocess.DEVNULL,
                check=False).returncode)
        world.daemon_argv = lambda: argv
        world.start_daemon()
        self.assertEqual(10, world.get('lbcRealWeight', 1, 1, 1))

    def test_doctor_looks_for_no_files(self):
        world = self.new_world()
        world.load(INVENTORY)
        found = {item['check']: item for item in
                 json.loads(world.ctl('-j', 'doctor', check=False).stdout)}
        self.assertEqual('ok', found['store']['result'])
        self.assertIn('1 cluster', found['store']['words'])
        self.assertNotIn('version', found['store']['words'])
        self.assertEqual('skipped', found['store-files']['result'])
        self.assertNotIn('lbclusterd.lock', found['lbclusterd']['words'])
        world.store = world.store.replace('@', ':geheim@', 1)
        self.assertNotIn('geheim', world.ctl('-j', 'doctor', check=False).stdout)

    def test_server_that_is_missing_is_reported(self):
        world = self.new_world()
        world.store = 'postgresql://lbcluster@%2Fnonexistent/x'
        done = world.ctl('list', check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn('/nonexistent', done.stderr)
        self.assertEqual(1, done.stderr.count('\n'), done.stderr)


if __name__ == '__main__':
    main()
