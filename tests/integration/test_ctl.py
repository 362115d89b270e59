#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
"""lbclusterctl with a running lbclusterd: a change is served when the command returns."""

import contextlib
import json
import os
import re
import signal
import subprocess

import harness
import mib
from haproxy import DRIVER
from harness import INVENTORY, LBCLUSTERCTL, LBCLUSTERD, TIMEOUT_FACTOR

TOO_LATE = re.compile(r'lbclusterd: has not read the change within 1 s')


class TakenIn(harness.Case):
    """A manager that asks once, just after the command, gets the new value."""

    inventory = INVENTORY

    def weight(self):
        return self.world.get('lbcRealWeight', *self.world.number('web/http/a'))

    def test_settings_are_served_when_the_command_returns(self):
        for weight in range(20, 40):
            self.world.ctl('set-weight', 'web/http/a', str(weight))
            self.assertEqual(self.weight(), weight)

    def test_statistics_are_served_when_the_command_returns(self):
        for connections in range(20):
            self.world.import_statistics([{'path': 'web/http/a',
                                           'active_connections': connections}])
            self.assertEqual(self.world.get('lbcRealStatsActiveConns',
                                            *self.world.number('web/http/a')), connections)

    def test_loaded_and_removed_rows_are_served_when_the_command_returns(self):
        for n in range(10):
            self.world.load('cluster extra { service s { real r%d { address = 10.1.0.1 } } }'
                            % n)
            index = self.world.number('extra/s/r%d' % n)
            self.assertEqual(self.world.get('lbcRealPath', *index),
                             b'extra/s/r%d' % n)
        self.world.ctl('remove', 'extra')
        self.assertEqual(self.world.get('lbcSysClusters', 0), 1)

    def test_many_rows_are_served_when_the_command_returns(self):
        reals = ''.join('real r%d { address = 10.1.0.1 }\n' % n for n in range(9000))
        self.world.load('cluster many { service s { %s } }' % reals)
        self.assertEqual(self.world.get('lbcSysReals', 0), 9001)
        self.world.ctl('remove', 'many')
        self.assertEqual(self.world.get('lbcSysReals', 0), 1)

    def test_with_a_stopped_lbclusterd_a_command_waits_a_second_and_warns(self):
        harness.stop(self.world.daemon)
        try:
            done = self.world.ctl('set-weight', 'web/http/a', '77')
            self.assertRegex(done.stderr, TOO_LATE)
            self.assertIn('succeeded', done.stdout)
            # A dry run and a listing change nothing, and do not wait.
            for args in ('load', '-n', self.world.dir + '/inventory.conf'), ('list',):
                self.assertEqual(self.world.ctl(*args).stderr, '')
        finally:
            self.world.daemon.signal(signal.SIGCONT)
        self.world.wait_value(77, 'lbcRealWeight', *self.world.number('web/http/a'))
        self.assertEqual(self.world.ctl('set-weight', 'web/http/a', '78').stderr, '')
        self.assertEqual(self.weight(), 78)


class Oids(harness.Case):
    """The OIDs that lbclusterctl prints are those of the MIB module."""

    inventory = INVENTORY

    def test_oids_are_those_of_the_module(self):
        self.world.ctl('set-weight', 'web/http/a', '77')
        cluster, service, real = index = self.world.number('web/http/a')
        server = (cluster, self.world.sql('SELECT server_id FROM real_service WHERE id = %d'
                                          % real)[0][0])
        for path, entries in (
                ('web', {'lbcClusterEntry': (cluster,)}),
                ('web/http', {'lbcServiceEntry': (cluster, service)}),
                ('web/http/a', {'lbcRealEntry': index, 'lbcRealStatsEntry': index,
                                'lbcServerEntry': server}),
                ('1', {'lbcJobEntry': (1,)})):
            wanted = [(name, '.' + '.'.join(map(str, oid + row))) for entry, row in entries.items()
                      for name, oid in sorted(mib.NAMES.items(), key=lambda item: item[1])
                      if oid[:-1] == mib.NAMES[entry] and not name.endswith(('Index', 'JobId'))]
            rows = json.loads(self.world.ctl('-f', 'json', 'oid', path).stdout)
            self.assertEqual(wanted, [(row['name'], row['oid']) for row in rows])


class Help(harness.Case):
    """The example of each command is accepted."""

    def test_examples_are_no_wrong_usage(self):
        world = self.new_world()
        world.load(INVENTORY.replace('real a', 'real web-1').replace('cluster web', """
            cluster edge { plane = haproxy  socket = /nonexistent }
            cluster web"""))
        for name in ('clusters.conf', 'statistics.jsonl'):
            with open(os.path.join(world.dir, name), 'w', encoding='utf-8'):
                pass
        path = '%s:%s' % (os.path.dirname(LBCLUSTERCTL), os.environ['PATH'])
        names = [line.split('\t')[0]
                 for line in world.ctl('complete', '--', '').stdout.splitlines()]
        for name in names:
            with self.subTest(command=name):
                example = re.search(r'(?m)^Example:\n  (lbclusterctl .*)$',
                                    world.ctl(name, '--help').stdout).group(1)
                done = subprocess.run(
                    ['sh', '-c', example], capture_output=True, text=True, check=False,
                    cwd=world.dir, timeout=60 * TIMEOUT_FACTOR,
                    env=dict(os.environ, PATH=path, LBCLUSTER_STORE=world.store))
                self.assertNotIn(done.returncode, (2, 127), example + done.stderr)


class NotServed(harness.Case):
    """Without lbclusterd a command does not wait."""

    def test_a_store_without_lbclusterd_is_not_waited_for(self):
        world = self.new_world()
        self.assertEqual(world.load(INVENTORY).stderr, '')
        world.start()
        self.assertEqual(world.ctl('set-weight', 'web/http/a', '5').stderr, '')
        world.daemon.kill()
        self.assertEqual(world.ctl('set-weight', 'web/http/a', '6').stderr, '')


class Parameters(harness.Case):
    """Parameters of services: a round trip, and what SNMP shows of them."""

    sample = os.path.join(os.path.dirname(__file__), '..', '..', 'conf', 'sample-ipvs.conf')

    def setUp(self):
        super().setUp()
        self.world = self.new_world()

    def rows_in_snmp(self):
        client = self.world.client()
        return client.walk(mib.oid('lbcServiceTable')) + client.walk(mib.oid('lbcRealTable'))

    def parameters(self):
        listed = json.loads(self.world.ctl('-f', 'json', 'list', 'web').stdout)
        return {row['name']: row['parameters'] for row in listed}

    def load_refused(self, text):
        return self.world.ctl('load', '-', stdin=text, check=False)

    def test_sample_is_loaded_exported_and_loaded(self):
        self.world.ctl('load', self.sample)
        self.assertEqual({'dns': {'check': 'connect', 'forward': 'dr'},
                          'http': {'check': 'http', 'check-host': 'www.example.org',
                                   'check-path': '/health', 'persistence': 300}},
                         self.parameters())
        exported = self.world.ctl('export').stdout
        path = os.path.join(self.world.dir, 'exported.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(exported)
        self.assertIn('unchanged 8\n', self.world.ctl('load', path).stdout)
        self.assertEqual(exported, self.world.ctl('export').stdout)

    def test_parameters_change_nothing_in_snmp(self):
        self.world.ctl('load', self.sample)
        self.world.start()
        before = self.rows_in_snmp()
        with open(self.sample, encoding='utf-8') as file:
            text = file.read().replace('persistence = 300', 'scheduler = sh')
        self.assertIn('updated 1,', self.world.load(text.replace('scheduler = wlc', '')).stdout)
        self.assertEqual({'check': 'http', 'check-host': 'www.example.org',
                          'check-path': '/health', 'scheduler': 'sh'}, self.parameters()['http'])
        self.assertEqual(before, self.rows_in_snmp())

    def test_mistakes_are_refused_by_file_and_line(self):
        self.world.load(INVENTORY)
        result = self.load_refused(
            'cluster web {\n plane = ipvs\n service http {\n  address = 192.0.2.10\n'
            '  port = 80\n  forward = dr\n  check-timeout = soon\n  real a {\n'
            '   address = 10.0.0.1\n   port = 8080 } } }\n')
        self.assertEqual(1, result.returncode)
        self.assertRegex(result.stderr, r':7: check-timeout of web/http: "soon" is not a '
                                        r'number of 0\.1 to 3600 seconds')
        result = self.load_refused(
            'cluster web {\n plane = ipvs\n service http {\n  address = 192.0.2.10\n'
            '  port = 80\n  forward = dr\n  real a {\n'
            '   address = 10.0.0.1\n   port = 8080 } } }\n')
        self.assertEqual(1, result.returncode)
        self.assertRegex(result.stderr, r':7: web/http/a: the port differs from the '
                                        r"service's.*; remove port, or write forward = nat")
        self.assertIn('none', self.world.ctl('info', 'web').stdout)


class Locked(harness.Case):
    """The message about a lock names the process that holds it."""

    def test_process_that_locks_the_store_is_named(self):
        world = self.new_world()
        world.load(INVENTORY)
        with contextlib.closing(world.connect()) as connection:
            connection.execute('BEGIN EXCLUSIVE')
            done = world.ctl('set-weight', 'web/http/a', '5', check=False)
        self.assertEqual(5, done.returncode)
        self.assertRegex(done.stderr, r'lbclusterctl: %s/lbcluster\.db: .*; held by process '
                         r'%d \(python3' % (world.store, os.getpid()))


class Store(harness.Case):
    """Every program uses -s, or LBCLUSTER_STORE, or its configuration, in this order."""

    def setUp(self):
        self.world = self.new_world()
        self.dirs = {name: os.path.join(self.world.dir, name)
                     for name in ('option', 'variable', 'configured')}
        for path in self.dirs.values():
            os.mkdir(path)
        self.world.configure(store='"%s"' % self.dirs['configured'])

    def run_with(self, variable, *argv):
        """Returns the exit status, the standard error, and which directories have a store.
        Removes the stores."""
        env = {key: value for key, value in os.environ.items() if key != 'LBCLUSTER_STORE'}
        if variable is not None:
            env['LBCLUSTER_STORE'] = variable
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False,
                              timeout=60 * TIMEOUT_FACTOR, stdin=subprocess.DEVNULL)
        created = [name for name, path in self.dirs.items() if os.listdir(path)]
        for path in self.dirs.values():
            for name in os.listdir(path):
                os.unlink(os.path.join(path, name))
        return done.returncode, done.stderr, created

    def assert_order(self, argv, configured):
        """Expects the store in the right directory, for each way to name it."""
        option, variable = self.dirs['option'], self.dirs['variable']
        for value, args, created in ((variable, ['-s', option], ['option']),
                                  (variable, [], ['variable']),
                                  ('', [], configured), (None, [], configured)):
            if created is None:
                continue
            status, stderr, there = self.run_with(value, *argv, *args)
            self.assertEqual((0, created), (status, there), stderr)

    def test_lbclusterctl(self):
        path = os.path.join(self.world.dir, 'inventory.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(INVENTORY)
        # lbclusterctl has no configuration; the test does not use the store of the machine.
        self.assert_order([LBCLUSTERCTL, 'load', path], None)

    def test_lbcluster_haproxy(self):
        self.assert_order([DRIVER, '--once', '-c', self.world.conf], ['configured'])

    def test_lbclusterd(self):
        # lbclusterd ends at once if another process has the lock of the store.
        self.world.start_master()
        for value, args, name in ((self.dirs['variable'], ['-s', self.dirs['option']], 'option'),
                                  (self.dirs['variable'], [], 'variable'),
                                  ('', [], 'configured')):
            holder = harness.Program(
                'holder', [LBCLUSTERD, '-f', '-s', self.dirs[name], '-x', self.world.socket],
                os.path.join(self.world.dir, 'holder.log'))
            self.world.others.append(holder)
            harness.wait_for(lambda path=self.dirs[name]: os.path.exists(
                path + '/lbclusterd.lock'), 10, 'the store is served')
            status, stderr, _ = self.run_with(value, LBCLUSTERD, '-f', '-c', self.world.conf,
                                              '-x', self.world.socket, *args)
            self.assertEqual(4, status, stderr)
            self.assertIn(self.dirs[name] + '/lbclusterd.lock', stderr)
            holder.end()


class Check(harness.Case):
    """lbcluster-haproxy --check works like lbclusterd --check."""

    def check(self, text):
        world = self.new_world()
        with open(world.conf, 'w', encoding='utf-8') as file:
            file.write(text)
        return world.conf, subprocess.run(
            [DRIVER, '--check', '-c', world.conf, '-s', world.dir + '/none'],
            capture_output=True, text=True, check=False, timeout=60 * TIMEOUT_FACTOR)

    def test_good_configuration(self):
        for text in ('', '# nothing\n', 'interval = 0.5\nlog-level = debug\n',
                     '\ufeffinterval = 0.5\n'):
            conf, done = self.check(text)
            self.assertEqual((0, ''), (done.returncode, done.stderr))
            self.assertIn('the configuration is good', done.stdout)
            self.assertFalse(os.path.exists(os.path.dirname(conf) + '/none'))

    def test_bad_configuration_is_named_by_line(self):
        conf, done = self.check('interval = 1\ndrain-time = -1\n')
        self.assertEqual((2, ''), (done.returncode, done.stdout))
        self.assertIn('lbcluster-haproxy: %s:2: drain-time' % conf, done.stderr)


if __name__ == '__main__':
    harness.main()
