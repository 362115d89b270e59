# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# lbclusterctl doctor: reports nothing about an installation without a fault. Then each test
# makes one fault, and expects the result of its check and the lines that repair it.
"""The doctor."""

import contextlib
import fcntl
import grp
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from haproxy import DRIVER, HAProxy
from harness import (
    INVENTORY, LBCLUSTERCTL, TIMEOUT_FACTOR, Case, Program, free_port,
    is_root, main, stop, wait_for)

HAPROXY = 'cluster ha { plane = haproxy  socket = "%s" }\n'
GOOD_CONF = 'master agentx\nagentXTimeout 5\nagentXRetries 0\n'
CHECKS = ['store', 'lbclusterd.conf', 'lbclusterd', 'store-files', 'snmpd.conf',
          'agentx-patience', 'communities', 'secrets', 'agentx-socket', 'agentx-master', 'cpus',
          'snmpd', 'registered', 'view', 'served', 'write', 'mib-file', 'driver.conf', 'plane']
UNKNOWN = 7     # exit status
NOBODY = 65534
ROOT = '.1.3.6.1.4.1.8072.9999.9999.522'
MIBS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'mibs')


class Doctor(Case):
    """Runs the doctor on a test installation."""

    def configured(self, **options):
        world = self.new_world(**options)
        world.conf_dir = os.path.join(world.dir, 'conf')
        os.mkdir(world.conf_dir)
        self.write(world, 'conf/snmpd.conf', GOOD_CONF)
        os.chmod(world.store, 0o2770)
        return world

    def started(self, inventory=INVENTORY, **options):
        world = self.configured(**options)
        world.start()
        world.load(inventory)
        return world

    def write(self, world, name, text):
        with open(os.path.join(world.dir, name), 'w', encoding='utf-8') as file:
            file.write(text)

    def listen(self, path):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.listen(5)
        return listener

    def run_doctor(self, world, *args, form='json', prefix=(), env=None):
        return subprocess.run(
            [*prefix, LBCLUSTERCTL, '-s', world.store, '-f', form, 'doctor', *args],
            capture_output=True, text=True, timeout=60 * TIMEOUT_FACTOR, check=False,
            env={**os.environ, 'SNMPCONFPATH': world.conf_dir, 'MIBDIRS': MIBS,
                 'SNMP_PERSISTENT_DIR': os.path.join(world.dir, 'persistent'), **(env or {})})

    def doctor(self, world, *args, community='private', version='2c', path=None, status=None,
               patience=10, **options):
        """Returns {check: (result, message, fix)}, with the last result of each check."""
        if community:
            args = ('--snmp', '-t %d -v%s -c %s 127.0.0.1:%d' % (
                patience, version, community, world.port), *args)
        done = self.run_doctor(world, '-x', path or world.socket, *args, **options)
        found = {row['check']: (row['result'], row['words'], row['cure'])
                 for row in json.loads(done.stdout)}
        self.assertEqual('', done.stderr)
        results = [finding[0] for finding in found.values()]
        expected = 1 if 'FAIL' in results else UNKNOWN if 'unseen' in results else 0
        self.assertEqual(expected if status is None else status, done.returncode, found)
        return found

    def assert_finding(self, found, check, result, message, cure=None):
        self.assertEqual(result, found[check][0], found[check])
        self.assertRegex(found[check][1], message)
        if cure is None:
            self.assertIsNone(found[check][2])
        else:
            self.assertIn(cure, found[check][2] or '')

    def assert_others_ok(self, found, *but):
        self.assertEqual({}, {check: finding for check, finding in found.items()
                              if finding[0] != 'ok' and check not in ('driver.conf', *but)})


class Right(Doctor):
    """An installation without a fault."""

    def test_all_checks_are_ok(self):
        world = self.started()
        found = self.doctor(world, '--write', status=0)
        self.assertEqual(CHECKS, list(found))
        self.assert_others_ok(found)
        self.assertIn('pid %d' % world.daemon.pid, found['lbclusterd'][1])
        self.assertIn('snmpd listens, pid %d' % world.master.pid, found['agentx-master'][1])
        self.assertRegex(found['store'][1], r'version \d+, 1 cluster$')

    def test_lbclusterd_keeps_running_and_nothing_is_changed(self):
        world = self.started()
        changes = world.get('lbcSysConfigChanges', 0), world.get('lbcSysSetRejects', 0)
        for _ in range(3):
            self.doctor(world, '--write', status=0)
        self.assertEqual(changes, (world.get('lbcSysConfigChanges', 0),
                                   world.get('lbcSysSetRejects', 0)))
        self.assertEqual([], world.sql('SELECT id FROM job'))
        self.assertTrue(world.daemon.alive())

    def test_table_has_a_line_for_each_check(self):
        world = self.started()
        done = self.run_doctor(world, '-x', world.socket, '--snmp',
                               '-t 10 -v2c -c "private" 127.0.0.1:%d' % world.port, form='table')
        lines = done.stdout.splitlines()
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        self.assertEqual(['ok'] * 15 + ['skipped', 'ok', 'skipped', 'ok'],
                         [line.split()[0] for line in lines if line[0] != ' '])
        self.assertEqual(['lbclusterctl doctor --write'],
                         [line.strip() for line in lines if line[0] == ' '])

    def test_without_write_nothing_is_set(self):
        world = self.started()
        found = self.doctor(world, status=0)
        self.assert_finding(found, 'write', 'skipped', 'not tried', 'doctor --write')

    def test_user_of_version_3(self):
        world = self.started()
        found = self.doctor(
            world, '--write', '--snmp', "-t 10 -v3 -l authPriv -u writer -a SHA -A 'authentication'"
            " -x AES -X encryption 127.0.0.1:%d" % world.port, community=None)
        self.assert_others_ok(found)

    @unittest.skipUnless(is_root(), 'needs root')
    def test_user_without_access_gets_unseen(self):
        world = self.started()
        os.chmod(world.dir, 0o755)
        os.chown(world.store, -1, grp.getgrnam('daemon').gr_gid)
        os.chmod(world.conf_dir + '/snmpd.conf', 0o600)
        found = self.doctor(world, prefix=[
            'setpriv', '--reuid=%d' % NOBODY, '--regid=%d' % NOBODY, '--clear-groups'])
        self.assert_finding(found, 'store', 'unseen', 'may not read it', 'usermod -aG daemon ')
        self.assert_finding(found, 'snmpd.conf', 'unseen', 'may not read', 'sudo')
        self.assert_finding(found, 'plane', 'unseen', 'store')
        self.assertEqual('ok', found['view'][0])


CPUS = sorted(os.sched_getaffinity(0))


@unittest.skipIf(len(CPUS) < 2, 'one CPU')
class Cpus(Doctor):
    """The CPUs of snmpd and lbclusterd."""

    def found(self, world, snmpd, daemon):
        os.sched_setaffinity(world.master.pid, snmpd)
        os.sched_setaffinity(world.daemon.pid, daemon)
        found = self.doctor(world, status=0)
        self.assertEqual({}, {check: finding for check, finding in found.items()
                              if finding[0] in ('FAIL', 'unseen')})
        return found

    def test_each_case(self):
        world = self.configured()
        world.configure(cpu='any')      # the test sets the CPUs
        world.start()
        world.load(INVENTORY)
        first, second = CPUS[:2]
        follow = 'lbclusterd.conf: cpu = like-snmpd'
        for snmpd, daemon, result, message, cure in (
                (CPUS, CPUS, 'ok', 'snmpd runs on %d CPUs; .* as fast if it runs on one: /.*/'
                 r'snmpd-cpu\.conf\.example$' % len(CPUS), None),
                ({first}, {first}, 'ok', '^snmpd and lbclusterd run on CPU %d$' % first, None),
                ({first}, CPUS, 'ok', 'snmpd runs on CPU %d and lbclusterd on %d CPUs' % (
                    first, len(CPUS)), follow),
                ({first}, {second}, 'warn', 'snmpd runs on CPU %d and lbclusterd on CPU %d' % (
                    first, second), follow)):
            self.assert_finding(self.found(world, snmpd, daemon), 'cpus', result, message, cure)

    def test_without_lbclusterd_or_snmpd_it_is_skipped(self):
        world = self.started()
        world.stop_daemon()
        self.assert_finding(self.doctor(world), 'cpus', 'skipped', 'of lbclusterd are unknown')
        world.start_daemon()
        world.stop_master()
        self.assert_finding(self.doctor(world), 'cpus', 'skipped', 'of snmpd are unknown')


class Usage(Doctor):
    """Options of the doctor and of other commands."""

    def test_wrong_usage(self):
        world = self.configured()
        for args in (['operand'], ['--snmp'], ['--snmp', ''], ['--snmp', "-c 'open"], ['-x'],
                     ['--prune']):
            done = self.run_doctor(world, *args)
            self.assertEqual(2, done.returncode, args)
            self.assertNotEqual('', done.stderr)

    def test_other_commands_refuse_options_of_the_doctor(self):
        world = self.configured()
        for args in (['-x', '/x'], ['--snmp', 'x'], ['--write']):
            self.assertEqual(2, world.ctl('list', *args, check=False).returncode, args)


class Store(Doctor):
    """Faults of the store."""

    def test_no_store(self):
        world = self.configured()
        os.rmdir(world.store)
        found = self.doctor(world, community=None)
        self.assert_finding(found, 'store', 'FAIL', 'No such file', 'install -d')
        self.assert_finding(found, 'plane', 'unseen', 'store')

    def test_empty_directory(self):
        found = self.doctor(self.configured(), community=None)
        self.assert_finding(found, 'store', 'FAIL', 'No such file', 'systemctl start lbclusterd')

    def test_empty_store(self):
        found = self.doctor(self.started(inventory=''))
        self.assert_finding(found, 'store', 'warn', 'empty', 'lbclusterctl load')

    def test_foreign_file(self):
        world = self.configured()
        self.write(world, 'store/lbcluster.db', 'rubbish, no database at all\n' * 100)
        found = self.doctor(world, community=None)
        self.assert_finding(found, 'store', 'FAIL', 'lbcluster.db', 'lbcluster.db.damaged')

    def test_fifo_in_place_of_the_store_is_named(self):
        world = self.configured()
        os.mkfifo(os.path.join(world.store, 'lbcluster.db'))
        found = self.doctor(world, community=None)
        self.assert_finding(found, 'store', 'FAIL', 'not a regular file', 'lbcluster.db.damaged')

    def test_row_that_lbclusterd_refuses(self):
        world = self.started()
        world.stop_daemon()
        with contextlib.closing(world.connect()) as connection:
            connection.execute('PRAGMA ignore_check_constraints = 1')
            connection.execute('UPDATE real_service SET weight = 70000')
        world.start_daemon(wait=False)
        self.assertEqual(3, world.daemon.wait())
        found = self.doctor(world, community=None)
        self.assert_finding(found, 'store', 'FAIL', 'damaged.*weight of row 1',
                            'lbcluster.db.damaged')

    def test_mode_without_the_group(self):
        world = self.started()
        os.chmod(os.path.join(world.store, 'lbcluster.db'), 0o600)
        found = self.doctor(world)
        self.assert_finding(found, 'store-files', 'warn', '0600',
                            'chmod g+rw %s/lbcluster.db' % world.store)

    def test_directory_without_setgid(self):
        world = self.started()
        os.chmod(world.store, 0o770)
        found = self.doctor(world)
        self.assert_finding(found, 'store-files', 'warn', '0770', 'chmod g+s ' + world.store)

    def test_file_that_every_user_may_write(self):
        world = self.started()
        for name, mode in (('', 0o2777), ('/lbcluster.db', 0o666)):
            os.chmod(world.store, 0o2770)
            os.chmod(world.store + name, mode)
            found = self.doctor(world)
            self.assert_finding(found, 'store-files', 'FAIL', 'mode %04o: every user' % mode,
                                'chmod o= ' + world.store + name)

    @unittest.skipUnless(is_root(), 'needs root')
    def test_file_of_root(self):
        world = self.started(user=(NOBODY, NOBODY))
        os.chown(os.path.join(world.store, 'lbcluster.db'), 0, 0)
        found = self.doctor(world)
        self.assert_finding(found, 'store-files', 'FAIL', 'lbcluster.db is of root:root',
                            'chown -R nobody: %s' % world.store)


class Daemon(Doctor):
    """Faults of lbclusterd."""

    def test_does_not_run(self):
        world = self.started()
        world.stop_daemon()
        found = self.doctor(world, '--write')
        self.assert_finding(found, 'lbclusterd', 'FAIL', 'does not run',
                            'systemctl start lbclusterd')
        self.assert_finding(found, 'registered', 'FAIL', 'not connected',
                            'systemctl start lbclusterd')
        self.assert_finding(found, 'view', 'skipped', 'nothing is registered')
        self.assert_finding(found, 'write', 'skipped', 'nothing is registered')

    def test_runs_and_is_not_connected(self):
        world = self.configured()
        world.load(INVENTORY)
        world.daemon_socket = world.socket + '-other'
        world.start_master()
        world.start_daemon(wait=False)
        world.wait_logged('no AgentX master')
        found = self.doctor(world)
        self.assert_others_ok(found, 'registered', 'view', 'served', 'write')
        self.assert_finding(found, 'registered', 'FAIL', 'not connected', 'journalctl')

    def test_is_stopped(self):
        world = self.started()
        stop(world.daemon)
        found = self.doctor(world, community=None)
        world.daemon.signal(signal.SIGCONT)
        self.assert_finding(found, 'lbclusterd', 'FAIL', 'stopped',
                            'kill -CONT %d' % world.daemon.pid)


class Socket(Doctor):
    """Faults of the AgentX socket."""

    def test_absent(self):
        world = self.started()
        found = self.doctor(world, path=world.dir + '/none')
        self.assert_finding(found, 'agentx-socket', 'FAIL', 'No such file', 'start snmpd')

    def test_socket_without_a_listener(self):
        world = self.started()
        path = os.path.join(world.dir, 'dead')
        self.listen(path).close()
        found = self.doctor(world, path=path)
        self.assert_finding(found, 'agentx-master', 'FAIL', 'no process listens', 'restart snmpd')

    def test_plain_file_in_place_of_the_socket(self):
        world = self.started()
        found = self.doctor(world, path=world.conf)
        self.assert_finding(found, 'agentx-socket', 'FAIL', 'is not a socket', 'agentx-socket =')

    def test_socket_that_every_user_may_connect_to(self):
        world = self.started()
        os.chmod(world.socket, 0o777)
        found = self.doctor(world)
        self.assert_finding(found, 'agentx-socket', 'warn', 'mode 0777: every user',
                            'agentXPerms 0660 0755')

    def test_listener_that_does_not_speak_agentx(self):
        world = self.started()
        path = os.path.join(world.dir, 'other')
        listener = self.listen(path)

        def serve():
            connection = listener.accept()[0]
            connection.sendall(b'SSH-2.0-x\r\n')
            connection.close()
        server = threading.Thread(target=serve)
        server.start()
        found = self.doctor(world, path=path)
        server.join()
        self.assert_finding(found, 'agentx-master', 'FAIL', 'does not speak AgentX',
                            'lbclusterd.conf: agentx-socket = ADDRESS')

    def test_address_to_listen_at(self):
        world = self.started()
        for host, shown in (('0.0.0.0', '0.0.0.0'), ('[::]', '::')):
            found = self.doctor(world, path='tcp:%s:%d' % (host, free_port()))
            self.assert_finding(found, 'agentx-socket', 'FAIL', shown + ' is an address to listen',
                                'lbclusterd.conf: agentx-socket = "tcp:127.0.0.1:')

    @unittest.skipUnless(is_root(), 'needs root')
    def test_directory_that_lbclusterd_may_not_enter(self):
        world = self.started(user=(NOBODY, NOBODY))
        closed = os.path.join(world.dir, 'closed')
        os.mkdir(closed, 0o700)
        self.listen(closed + '/master')
        found = self.doctor(world, path=closed + '/master')
        self.assert_finding(found, 'agentx-socket', 'FAIL', 'mode 0700.*nobody, may not pass',
                            'chmod 755 ' + closed)
        os.chmod(closed, 0o755)
        found = self.doctor(world, path=closed + '/master')
        self.assert_finding(found, 'agentx-socket', 'FAIL', 'nobody, may not connect',
                            'agentXPerms 0660 0755 Debian-snmp nogroup')
        os.chown(closed + '/master', 0, NOBODY)
        os.chmod(closed + '/master', 0o660)
        found = self.doctor(world, path=closed + '/master')
        self.assertEqual('ok', found['agentx-socket'][0])


class Conf(Doctor):
    """Faults of snmpd.conf, and the MIB file."""

    def found(self, text, **options):
        world = self.configured()
        self.write(world, 'conf/snmpd.conf', text)
        return self.doctor(world, community=None, **options)

    def test_no_master(self):
        for text in ('rocommunity public\n', '#master agentx\n', GOOD_CONF + 'master no\n'):
            found = self.found(text)
            self.assert_finding(found, 'snmpd.conf', 'FAIL', 'master', 'snmpd.conf: master agentx')

    def test_master_in_a_file_of_the_directory(self):
        world = self.configured()
        self.write(world, 'conf/snmpd.conf', 'includeDir %s/snmpd.conf.d/\n' % world.conf_dir)
        os.mkdir(world.conf_dir + '/snmpd.conf.d')
        self.write(world, 'conf/snmpd.conf.d/a.conf', '  Master AgentX\nagentXSocket %s\n'
                   % world.socket)
        found = self.doctor(world, community=None)
        self.assert_finding(found, 'snmpd.conf', 'ok', 'a.conf:1')

    def test_include_of_what_is_missing(self):
        world = self.configured()
        missing = world.dir + '/missing'
        for line, fix in (('includeDir ' + missing, 'mkdir -p ' + missing),
                          ('includeFile ' + missing + '/x.conf',
                           "sed -i '4s/^/#/' %s/snmpd.conf\n" % world.conf_dir)):
            self.write(world, 'conf/snmpd.conf', GOOD_CONF + line + '\n')
            found = self.doctor(world, community=None)
            self.assert_finding(found, 'snmpd.conf', 'warn', 'snmpd.conf:4: include.* is missing',
                                fix)
            subprocess.run(['sh', '-c', fix.split('\n', maxsplit=1)[0]], check=True)
            found = self.doctor(world, community=None)
            self.assertNotIn('missing', found['snmpd.conf'][1])

    def test_line_with_a_nul_byte(self):
        world = self.configured()
        self.write(world, 'conf/snmpd.conf', '\0' + GOOD_CONF)
        found = self.doctor(world, community=None)
        fix = "sed -i 's/\\x00//g' %s/snmpd.conf" % world.conf_dir
        self.assert_finding(found, 'snmpd.conf', 'FAIL', 'snmpd.conf:1: .* NUL byte', fix)
        subprocess.run(['sh', '-c', fix], check=True)
        self.assertNotIn('NUL', self.doctor(world, community=None)['snmpd.conf'][1])

    def test_other_socket(self):
        found = self.found(GOOD_CONF + 'agentXSocket tcp:127.0.0.1:7\n', path='/run/y')
        self.assert_finding(found, 'snmpd.conf', 'FAIL', 'snmpd.conf:4: snmpd listens at tcp:127',
                            'snmpd.conf: agentXSocket tcp:127.0.0.1:7,/run/y\n')
        found = self.found(GOOD_CONF + 'agentXSocket tcp:127.0.0.1:7,/run/y\n', path='/run/y')
        self.assertEqual('ok', found['snmpd.conf'][0])

    def test_timeout_and_retries(self):
        for text in ('', 'agentXTimeout 5\n', 'agentXTimeout 1\nagentXRetries 0\n'):
            found = self.found('master agentx\n' + text)
            self.assert_finding(found, 'agentx-patience', 'warn', 'agentXTimeout',
                                'snmpd.conf: agentXTimeout 5\nsnmpd.conf: agentXRetries 0')

    def test_community_that_may_write(self):
        for line in ('rwcommunity hearsay 127.0.0.1', 'rwcommunity6 hearsay ::1'):
            found = self.found(GOOD_CONF + line + '\n')
            # The first line removes the line that the message names.
            self.assert_finding(found, 'communities', 'warn', r'snmpd.conf:4: this community',
                                "sed -i '4s/^/#/' ")
            self.assertIn('\nsnmpd.conf: rocommunity COMMUNITY', found['communities'][2])
            self.assertNotIn('hearsay', str(found))

    def test_files_of_the_running_snmpd(self):
        # Its options -C and -c name a file that is in no directory of net-snmp.
        world = self.started()
        found = self.doctor(world, env={'SNMPCONFPATH': ''})
        self.assert_finding(found, 'communities', 'warn',
                            r'^%s/snmpd\.conf:\d+: this community may SET' % world.dir,
                            "sed -i '")
        world.stop_daemon()
        world.stop_master()
        world.configure_master('master agentx\n' + ''.join(
            'rocommunity %s 127.0.0.1\n' % name for name in ('private', world.reader)))
        world.start()
        found = self.doctor(world, env={'SNMPCONFPATH': ''})
        self.assert_finding(found, 'communities', 'ok',
                            '^no community may SET in %s/snmpd.conf$' % world.dir)
        # SNMPCONFPATH comes first.
        self.assert_finding(self.doctor(world), 'communities', 'ok',
                            '^no community may SET in %s/snmpd.conf$' % world.conf_dir)

    def test_conf_that_every_user_may_change(self):
        world = self.configured()
        path = os.path.join(world.conf_dir, 'snmpd.conf')
        os.chmod(path, 0o646)
        found = self.doctor(world, community=None)
        self.assert_finding(found, 'communities', 'FAIL', 'every user', 'chmod o-w ' + path)

    def test_no_conf(self):
        world = self.configured()
        os.unlink(world.conf_dir + '/snmpd.conf')
        found = self.doctor(world, community=None)
        self.assert_finding(found, 'snmpd.conf', 'unseen', 'no snmpd.conf', 'SNMPCONFPATH')

    def test_mib_file(self):
        world = self.configured()
        mibs = os.path.join(world.dir, 'mibs')
        os.mkdir(mibs)
        found = self.doctor(world, community=None, env={'MIBDIRS': mibs})
        self.assert_finding(found, 'mib-file', 'warn', 'no LBCLUSTER-MIB', 'install -m')
        self.write(world, 'mibs/LBCLUSTER-MIB.txt', 'LAST-UPDATED "202001010000Z"\n')
        found = self.doctor(world, community=None, env={'MIBDIRS': MIBS + ':' + mibs})
        self.assert_finding(found, 'mib-file', 'warn', '202001010000Z',
                            'install -m 0644 mibs/LBCLUSTER-MIB.txt ' + mibs)


class Views(Doctor):
    """Who may read and write."""

    def setUp(self):
        self.world = self.started()

    def test_wrong_community(self):
        found = self.doctor(self.world, community='wrong', patience=1)
        self.assert_finding(found, 'snmpd', 'FAIL', 'Timeout', 'rocommunity COMMUNITY')
        self.assert_finding(found, 'registered', 'skipped', 'see snmpd')

    def test_wrong_user(self):
        found = self.doctor(self.world, '--snmp', '-v3 -l noAuthNoPriv -u wrong 127.0.0.1:%d' %
                            self.world.port, community=None)
        self.assert_finding(found, 'snmpd', 'FAIL', 'Unknown user name', 'createUser')

    def test_view_without_lbcluster_mib(self):
        for version in ('1', '2c'):
            found = self.doctor(self.world, community='outside', version=version)
            self.assert_finding(found, 'registered', 'ok', 'LBCLUSTER-MIB')
            self.assert_finding(found, 'view', 'FAIL', 'hides it',
                                'snmpd.conf: view lbread included ' + ROOT)

    def test_view_of_lbcluster_mib_only(self):
        found = self.doctor(self.world, community='ours')
        self.assert_others_ok(found, 'write')

    def test_readonly_community(self):
        found = self.doctor(self.world, '--write', community='public')
        self.assert_others_ok(found, 'write')
        self.assert_finding(found, 'write', 'FAIL', 'noAccess', 'view lbwrite included ' + ROOT)

    def test_version_1_has_no_error_for_a_missing_right(self):
        for community in ('public', 'private'):
            found = self.doctor(self.world, '--write', community=community, version='1')
            self.assert_others_ok(found, 'write')
            self.assert_finding(found, 'write', 'unseen', 'SNMPv1')

    def test_without_programs_of_net_snmp(self):
        found = self.doctor(self.world, '--write', env={'PATH': '/nonexistent'})
        self.assert_finding(found, 'snmpd', 'unseen', 'snmpget is missing', 'apt-get install snmp')


class Planes(Doctor):
    """HAProxy, its socket and its driver."""

    def setUp(self):
        self.world = self.configured()
        self.haproxy = HAProxy(self.world)
        self.path = self.haproxy.socket
        self.world.load(HAPROXY % self.path)

    def start_haproxy(self, level='admin'):
        self.haproxy.level = level
        self.tcp_port = free_port()
        self.haproxy.configure({'app': {'a': (9, '')}}, more='global\n    stats socket'
                               ' ipv4@127.0.0.1:%d level %s\n' % (self.tcp_port, level))
        self.haproxy.start()

    def hold_driver_lock(self):
        lock = open(os.path.join(self.world.store, 'lbcluster-haproxy.lock'), 'w',
                    encoding='utf-8')
        self.addCleanup(lock.close)
        fcntl.flock(lock, fcntl.LOCK_EX)

    def findings(self, prefix=()):
        done = self.run_doctor(self.world, prefix=prefix)
        return [(row['result'], row['words'], row['cure']) for row in json.loads(done.stdout)
                if row['check'] == 'plane']

    def put_plane(self, plane, params):
        """Stores parameters that load refuses, as an older version did."""
        self.world.sql('UPDATE cluster SET plane = ?, plane_params = ?', plane,
                       json.dumps(params))

    def test_no_driver_and_no_socket(self):
        driver, cluster = self.findings()
        self.assertEqual(('FAIL', 'systemctl start lbcluster-haproxy'), (driver[0], driver[2]))
        self.assertEqual('FAIL', cluster[0])
        self.assertIn('%s: No such file' % self.path, cluster[1])
        self.assertIn('stats socket %s' % self.path, cluster[2])

    def test_driver_and_socket(self):
        self.start_haproxy()
        self.hold_driver_lock()
        driver, cluster = self.findings()
        self.assertEqual('ok', driver[0])
        self.assertIn('pid %d' % os.getpid(), driver[1])
        self.assertEqual('warn', cluster[0])
        for status, message, result, expected in (
                (2, '', 'ok', 'plane haproxy is ok'), (2, 'two servers', 'warn', 'ok: two servers'),
                (3, 'gone', 'FAIL', 'unreachable: gone'), (4, 'gone', 'FAIL', 'failing: gone')):
            self.world.sql('UPDATE cluster SET plane_status = ?, plane_message = ?', status,
                           message)
            self.driver_polled(0)
            cluster = self.findings()[1]
            self.assertEqual(result, cluster[0])
            self.assertIn(expected, cluster[1])

    def driver_polled(self, seconds):
        """The driver polled that many seconds ago."""
        self.world.sql('INSERT OR REPLACE INTO look (cluster_id, time, interval_ms)'
                       ' VALUES (1, ?, 1000)', int(time.time()) - seconds,
                       file='lbcluster-stats.db')

    def test_driver_that_does_not_poll(self):
        self.start_haproxy()
        self.hold_driver_lock()
        self.world.sql("UPDATE cluster SET plane_status = 2, plane_message = ''")
        self.driver_polled(60)
        driver, cluster = self.findings()
        self.assertEqual(('ok', 'FAIL'), (driver[0], cluster[0]))
        self.assertIn('unattended', cluster[1])
        self.assertEqual('systemctl restart lbcluster-haproxy', cluster[2])

    def test_status_of_a_driver_that_ended_is_ignored(self):
        self.start_haproxy()
        self.world.sql("UPDATE cluster SET plane_status = 2, plane_message = ''")
        cluster = self.findings()[1]
        self.assertEqual(('FAIL', 'systemctl start lbcluster-haproxy'), (cluster[0], cluster[2]))

    def test_level_of_the_socket(self):
        self.hold_driver_lock()
        for level in ('user', 'operator'):
            self.start_haproxy(level)
            cluster = self.findings()[1]
            self.assertEqual('FAIL', cluster[0])
            self.assertIn('level is %s' % level, cluster[1])
            self.assertIn('stats socket %s mode 660 level admin' % self.path, cluster[2])
            self.haproxy.program.end()

    def test_relative_socket(self):
        self.put_plane('haproxy', {'socket': 'run/x.sock'})
        cluster = self.findings()[1]
        self.assertEqual('FAIL', cluster[0])
        self.assertIn('"run/x.sock" is not a runtime socket of HAProxy', cluster[1])
        self.assertNotIn('haproxy.cfg', cluster[2])

    def test_socket_of_another_machine(self):
        # Without a network, so that nothing is sent to that address.
        self.put_plane('haproxy', {'socket': 'ipv4@192.0.2.1:9999'})
        # Root in a chroot may not make a user namespace.
        options = '-n' if os.geteuid() == 0 else '-rn'
        warning, cluster = self.findings(('unshare', options))[1:]
        self.assertEqual('warn', warning[0])
        self.assertIn('192.0.2.1:9999 is reachable from the network', warning[1])
        self.assertEqual('FAIL', cluster[0])

    def test_sockets_of_other_forms(self):
        self.hold_driver_lock()
        self.start_haproxy()
        for socket_name in ('unix@' + self.path, 'ipv4@127.0.0.1:%d' % self.tcp_port):
            self.put_plane('haproxy', {'socket': [socket_name]})
            self.world.sql("UPDATE cluster SET plane_status = 2, plane_message = ''")
            self.driver_polled(0)
            cluster = self.findings()[1]
            self.assertEqual('ok', cluster[0], cluster)

    def test_configuration_of_the_driver(self):
        conf = os.path.join(self.world.dir, 'driver.conf')
        self.start_haproxy()
        self.write(self.world, 'driver.conf', 'log-level = info\n')
        driver = Program('lbcluster-haproxy', [DRIVER, '-f', '-c', conf, '-s', self.world.store],
                         os.path.join(self.world.dir, 'driver.log'))
        self.world.others.append(driver)
        lock = os.path.join(self.world.store, 'lbcluster-haproxy.lock')
        wait_for(lambda: os.path.exists(lock) and open(lock).read(), 10, 'a driver')
        self.assertEqual('ok', self.doctor(self.world, community=None)['driver.conf'][0])
        self.write(self.world, 'driver.conf', 'log-level = info\nintervall = 5\n')
        self.assert_finding(self.doctor(self.world, community=None), 'driver.conf', 'FAIL',
                            'driver.conf:2: no such option', "sed -i '2s/^/#/' " + conf)


class Configuration(Doctor):
    """lbclusterd.conf."""

    def test_mistake_in_store_has_no_fix(self):
        # Without the line the next start would serve the default, empty store.
        world = self.started()
        self.write(world, 'lbclusterd.conf', 'store = rel\n')
        found = self.doctor(world)['lbclusterd.conf']
        self.assertEqual(('FAIL', None), (found[0], found[2]))
        self.assertIn('store is not an absolute path', found[1])

    def test_mistake_while_lbclusterd_runs(self):
        world = self.started()
        self.assertEqual('ok', self.doctor(world)['lbclusterd.conf'][0])
        self.write(world, 'lbclusterd.conf', 'log-level = info\nstale-afetr = 60\n')
        found = self.doctor(world)
        self.assert_finding(found, 'lbclusterd.conf', 'FAIL', 'lbclusterd.conf:2: no such option.*'
                            'does not start with this one', "sed -i '2s/^/#/' " + world.conf)
        subprocess.run(['sh', '-c', found['lbclusterd.conf'][2]], check=True)
        self.assertEqual('ok', self.doctor(world)['lbclusterd.conf'][0])


    def test_nul_byte(self):
        world = self.started()
        self.write(world, 'lbclusterd.conf', 'log-level = info\0\n')
        found = self.doctor(world)
        self.assert_finding(found, 'lbclusterd.conf', 'FAIL', 'NUL byte',
                            "sed -i 's/\\x00//g' " + world.conf)
        subprocess.run(['sh', '-c', found['lbclusterd.conf'][2]], check=True)
        self.assertEqual('ok', self.doctor(world)['lbclusterd.conf'][0])


class Another(Doctor):
    """Another lbclusterd with another store serves the OID."""

    def setUp(self):
        self.world = self.started()
        self.other = self.new_world()
        self.other.daemon_socket = self.world.socket

    def serve_other(self, inventory):
        """Starts the lbclusterd of the other store first."""
        self.other.load(inventory)
        self.world.stop_daemon()
        self.other.start_daemon(wait=False)
        wait_for(self.world.served, 30, 'the other store is served')
        self.world.start_daemon(wait=False)
        self.world.wait_logged('another subagent serves')

    def test_other_process_is_named_and_its_end_repairs(self):
        for inventory in (INVENTORY, INVENTORY.replace('cluster web', 'cluster mail')):
            with self.subTest(inventory):
                self.setUp()
                self.serve_other(inventory)
                found = self.doctor(self.world)
                self.assert_finding(found, 'served', 'FAIL', 'another store.*pid %d on %s' % (
                    self.other.daemon.pid, self.other.store), '')
                self.other.stop_daemon()
                self.world.wait_served()
                self.assertEqual('ok', self.doctor(self.world)['served'][0])

    def test_several_others_have_a_doctor_for_each_store(self):
        third = self.new_world()
        third.daemon_socket = self.world.socket + '-none'
        third.start_daemon(wait=False)
        third.wait_logged('no AgentX master')
        self.serve_other(INVENTORY)
        fix = self.doctor(self.world)['served'][2]
        for other in (self.other, third):
            self.assertIn('lbclusterctl -s %s doctor' % other.store, fix.split('\n'))

    def test_restart_makes_no_difference(self):
        # The counters of lbclusterd start from zero.
        self.world.ctl('set-weight', 'web/http/a', '3')
        self.world.stop_daemon()
        self.world.ctl('set-weight', 'web/http/a', '4')
        self.world.start_daemon()
        self.assertEqual('ok', self.doctor(self.world)['served'][0])

    def test_copy_with_other_settings_is_another_store(self):
        # The other store is a copy that was changed later.
        self.world.stop_daemon()
        shutil.rmtree(self.other.store)
        shutil.copytree(self.world.store, self.other.store)
        self.other.ctl('set-weight', 'web/http/a', '3')
        self.other.start_daemon(wait=False)
        wait_for(self.world.served, 30, 'the copy is served')
        self.world.start_daemon(wait=False)
        self.world.wait_logged('another subagent serves')
        self.assert_finding(self.doctor(self.world), 'served', 'FAIL', 'another store', '')

    def test_lbclusterd_of_this_store_does_not_run(self):
        self.serve_other(INVENTORY)
        self.world.stop_daemon()
        self.assert_finding(self.doctor(self.world), 'served', 'FAIL', 'another store', '')

    def test_writes_during_the_comparison_make_no_difference(self):
        done = threading.Event()

        def write():
            weight = 0
            while not done.wait(0.2):
                weight += 1
                self.world.ctl('set-weight', 'web/http/a', str(weight))
        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(5):
                self.assertIn(self.doctor(self.world)['served'][0], ('ok', 'unseen'))
        finally:
            done.set()
            writer.join()
        self.assertEqual('ok', self.doctor(self.world)['served'][0])


class Defaults(Doctor):
    """How the doctor asks snmpd without --snmp."""

    def default(self, snmp_conf='', snmpd_conf='', status=None):
        world = self.started()
        self.write(world, 'conf/snmp.conf', snmp_conf)
        self.write(world, 'conf/snmpd.conf', GOOD_CONF + 'agentaddress udp:127.0.0.1:%d\n' %
                   world.port + snmpd_conf)
        return world, self.doctor(world, community=None, status=status)

    def test_user_of_snmp_conf(self):
        world, found = self.default(
            'defVersion 3\ndefSecurityName writer\ndefSecurityLevel authPriv\ndefAuthType SHA\n'
            'defAuthPassphrase authentication\ndefPrivType AES\ndefPrivPassphrase encryption\n',
            status=0)
        self.assertIn('the user writer of %s/snmp.conf' % world.conf_dir, found['snmpd'][1])
        self.assertIn('localhost:%d' % world.port, found['snmpd'][1])
        self.assertEqual('ok', found['view'][0])
        self.assertEqual('ok', found['served'][0])

    def test_community_that_snmpd_does_not_know(self):
        world = self.configured()
        world.reader = 'other'
        world.configure_master(GOOD_CONF + 'rocommunity other 127.0.0.1\n')
        world.start()
        self.write(world, 'conf/snmpd.conf', GOOD_CONF + 'agentaddress %d\n' % world.port)
        world.load(INVENTORY)
        found = self.doctor(world, community=None, status=UNKNOWN)
        self.assert_finding(found, 'snmpd', 'unseen', 'community public; name', '--snmp')
        self.assertEqual([], [name for name, finding in found.items() if finding[0] == 'warn'])

    def test_port_that_snmpd_does_not_listen_at(self):
        world, found = self.default()
        self.assertIn('the community public at localhost:%d' % world.port, found['snmpd'][1])
        found = self.doctor(world, '--snmp', '-v2c -c public -t 1 127.0.0.1:9', community=None)
        self.assert_finding(found, 'snmpd', 'FAIL',
                            'Timeout.*snmpd.conf:4: snmpd listens only at udp',
                            'localhost:%d' % world.port)
        # Another form of the same address is not another address.
        found = self.doctor(world, '--snmp', '-v2c -c unknown -t 1 127.0.0.1:%d' % world.port,
                            community=None)
        self.assert_finding(found, 'snmpd', 'FAIL', 'snmpd does not know the community or user',
                            'systemctl restart snmpd')

    def test_second_line_of_agentaddress(self):
        # snmpd listens at the addresses of all lines.
        _, found = self.default(snmpd_conf='agentaddress udp:127.0.0.1:9\n')
        self.assertEqual('ok', found['snmpd'][0], found)


class Secrets(Doctor):
    """Files with communities and passphrases, and directories that snmpd does not read."""

    def test_secret_that_every_user_may_read(self):
        world = self.configured()
        os.mkdir(world.conf_dir + '/snmpd.conf.d')
        path = world.conf_dir + '/snmpd.conf.d/lbcluster.conf'
        self.write(world, 'conf/snmpd.conf', GOOD_CONF + 'includeDir %s/snmpd.conf.d\n' %
                   world.conf_dir)
        for line in ('rocommunity hearsay', 'createUser u SHA hearsay99',
                     'trapsess -v3 -A hearsay99 192.0.2.1'):
            self.write(world, 'conf/snmpd.conf.d/lbcluster.conf', line + '\n')
            os.chmod(path, 0o644)
            found = self.doctor(world, community=None)
            self.assert_finding(found, 'secrets', 'warn', 'lbcluster.conf: every user', 'chmod 6')
            self.assertNotIn('hearsay', str(found))
            subprocess.run(['sh', '-c', found['secrets'][2]], check=True)
            self.assertEqual('ok', self.doctor(world, community=None)['secrets'][0])

    def test_directory_that_is_not_included(self):
        world = self.configured()
        os.mkdir(world.conf_dir + '/snmpd.conf.d')
        self.write(world, 'conf/snmpd.conf', 'agentaddress 127.0.0.1\n')
        self.write(world, 'conf/snmpd.conf.d/lbcluster.conf', GOOD_CONF)
        found = self.doctor(world, community=None)
        self.assert_finding(found, 'snmpd.conf', 'FAIL', 'does not read it',
                            'snmpd.conf: includeDir %s/snmpd.conf.d\n' % world.conf_dir)


if __name__ == '__main__':
    main()
