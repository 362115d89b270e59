# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Runs all programs as an unprivileged user and checks with strace(1) what they touch: no socket
# other than AF_UNIX, no write outside of the store, no file of net-snmp, whatever the environment
# contains.
"""What the programs need, and no more."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys

import mib
from haproxy import DRIVER, Plane
from harness import LBCLUSTERCTL, LBCLUSTERD, TIMEOUT_FACTOR, Program, is_root, main, wait_for

if not shutil.which('strace'):
    sys.stderr.write('strace: not found; apt-get install strace\n')
    sys.exit(1 if os.environ.get('LBCLUSTER_TESTS_FORCE') == '1' else 77)

USER = (60001, 60001)

# Files of net-snmp and of a home directory.
FORBIDDEN = re.compile(r'/(mibs|snmp|\.snmp|home)(/|\Z)|snmp\w*\.conf')

# A program looks up the name of its user for its messages.
NAMES = '/var/run/nscd/socket'
# "lbclusterctl oid" prints the address of snmpd and the user of net-snmp's tools.
SNMP_FILES = ('snmp.conf', 'snmpd.conf', 'snmpd.conf.d', 'snmpd.local.conf')

_OPEN = re.compile(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]*)", (\S+?)[,)]')
_SOCKET = re.compile(r'socket\((\w+)')
_CONNECT = re.compile(r'connect\(\d+, \{sa_family=AF_UNIX, sun_path="([^"]*)"')
_CHANGE = re.compile(r'\bf?(?:rename|link|symlink|unlink|mkdir|rmdir|mknod|chmod|chown|truncate)'
                     r'\w*\((?:AT_FDCWD, )?"([^"]*)"')
_BEGIN = re.compile(r'execve\("([^"]*)"')


class Trace:
    """The files and sockets that a program used since its execve(2)."""

    def __init__(self, path, program):
        with open(path, encoding='utf-8', errors='replace') as file:
            lines = file.read().splitlines()
        begin = max(number for number, line in enumerate(lines)
                    if (found := _BEGIN.search(line)) and found[1] == program)
        text = '\n'.join(lines[begin + 1:])
        self.executed = _BEGIN.findall(text)
        self.families = set(_SOCKET.findall(text))
        self.connected = set(_CONNECT.findall(text))
        opened = _OPEN.findall(text)
        self.read = {path for path, flags in opened if not re.search('WRONLY|RDWR|CREAT', flags)}
        self.written = {path for path, flags in opened} - self.read | set(_CHANGE.findall(text))


class Confined(Plane):
    """All programs with all their tasks."""

    def setUp(self):
        if not is_root():
            self.skipTest('needs root to run as another user')
        if subprocess.run(['strace', '-qq', '-o', '/dev/null', 'true'], check=False,
                          capture_output=True).returncode != 0:
            self.skipTest('ptrace(2) is not permitted')
        self.plane_world(user=USER)
        os.chmod(self.world.store, 0o2770)
        self.proxy = self.haproxy({'http': {'a': 'weight 10'}})
        self.load(self.proxy)
        self.environment = self.inviting()

    def traced(self, name, argv):
        """The command under strace, as a direct child of the test."""
        settings = [word for pair in self.environment.items() for word in ('-E', '%s=%s' % pair)]
        return ['strace', '-D', '-f', '-q', '-s', '256', '-o', self.trace_path(name), *settings,
                '-e', 'trace=%file,socket,connect,bind,listen', *argv]

    def trace_path(self, name):
        return os.path.join(self.world.dir, name + '.trace')

    def assert_confined(self, name, program, connects=(), reads=()):
        """'reads' are files of net-snmp that the program may read."""
        trace = Trace(self.trace_path(name), program)
        self.assertLessEqual(trace.families, {'AF_UNIX'})
        self.assertLessEqual(trace.connected, {NAMES, *connects})
        self.assertEqual([], trace.executed)
        store = self.world.store
        self.assertEqual(set(), {path for path in trace.written if path != '/dev/null' and
                                 path != store and not path.startswith(store + '/')})
        self.assertEqual(set(), {path for path in trace.read if FORBIDDEN.search(path) and
                                 os.path.basename(path) not in reads})
        # The trace is not empty, and has the files of the store.
        self.assertIn(os.path.join(store, 'lbcluster.db'), trace.written | trace.read)

    def assert_unprivileged(self, pid):
        with open('/proc/%d/status' % pid, encoding='ascii') as file:
            status = dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)
        self.assertEqual('\t'.join(['60001'] * 4), status['Uid'])
        self.assertEqual('\t'.join(['60001'] * 4), status['Gid'])
        self.assertEqual('', status['Groups'].strip())
        for kind in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'):
            self.assertEqual(0, int(status[kind], 16), kind)

    def inviting(self):
        """An environment with all variables by which libnetsnmp reads and writes files."""
        self.home = os.path.join(self.world.dir, 'home')
        os.makedirs(self.home + '/.snmp/mibs')
        os.chmod(self.home, 0o777)
        for name in ('snmp.conf', 'snmpd.conf', 'lbclusterd.conf', 'snmpapp.conf'):
            with open(self.home + '/.snmp/' + name, 'w', encoding='ascii') as file:
                file.write('mibs ALL\n')
        return dict(HOME=self.home, MIBS='ALL', MIBDIRS=self.home + '/.snmp/mibs',
                    SNMPCONFPATH=self.home + '/.snmp', SNMP_PERSISTENT_DIR=self.home,
                    SNMP_PERSISTENT_FILE=self.home + '/persistent',
                    # LeakSanitizer does not work under strace.
                    ASAN_OPTIONS='detect_leaks=0')

    def test_programs_work_without_privileges_and_touch_only_the_store(self):
        world = self.world
        world.start_master()
        self.assertEqual(0o140660, os.stat(world.socket).st_mode)
        world.daemon = Program('lbclusterd', self.traced('lbclusterd', world.daemon_argv()),
                               os.path.join(world.dir, 'lbclusterd.log'))
        self.driver = Program('lbcluster-haproxy', self.traced('driver', self.driver_argv('-f')),
                              os.path.join(world.dir, 'driver.log'))
        world.others.append(self.driver)
        world.wait_served(15)
        for program in (world.daemon, self.driver):
            wait_for(lambda: self.is_itself(program.pid), 10, 'the program runs')
            self.assert_unprivileged(program.pid)

        # A SET, a job that HAProxy carries out, notifications, other configurations, a
        # restart of the master.
        weight = mib.oid('lbcRealWeight', 1, 1, 1)
        world.set_with_retries((weight, 'u', 44))
        self.wait_job(1, self.SUCCEEDED)
        self.assertEqual((0, 44), self.proxy.state('http/a'))
        for program in (world.daemon, self.driver):
            program.signal(signal.SIGHUP)
        world.wait_logged('read again')
        world.stop_master()
        world.start_master()
        world.wait_served()
        self.assertEqual(44, world.client().get(weight).value)
        inventory = os.path.join(world.dir, 'inventory.conf')
        for number, args in enumerate((
                ['list'], ['set-weight', 'web/http/a', '45'], ['export'], ['load', inventory],
                ['oid', 'web/http/a'], ['import-statistics', '-'])):
            argv = world.as_user([LBCLUSTERCTL, '-s', world.store, *args])
            with self.subTest(args=args):
                done = subprocess.run(
                    self.traced('ctl%d' % number, argv), capture_output=True, text=True,
                    input=json.dumps({'path': 'web/http/a', 'active': True}),
                    timeout=60 * TIMEOUT_FACTOR, check=False)
                self.assertEqual((0, ''), (done.returncode, done.stderr))
                self.wait_traced('ctl%d' % number)
                self.assert_confined('ctl%d' % number, LBCLUSTERCTL,
                                     reads=SNMP_FILES if args[0] == 'oid' else ())
                if args == ['export']:
                    with open(inventory, 'w', encoding='ascii') as file:
                        file.write(done.stdout)
        world.stop_daemon()
        self.stop_driver()
        for name, program, connects in (
                ('lbclusterd', LBCLUSTERD, [world.socket]),
                ('driver', DRIVER, [self.proxy.socket])):
            with self.subTest(name):
                self.wait_traced(name)
                self.assert_confined(name, program, connects)
        self.assertEqual([], [name for name in os.listdir(self.home) if name != '.snmp'])
        for name in os.listdir(world.store):
            info = os.stat(os.path.join(world.store, name))
            self.assertEqual((0o660, *USER), (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid))

    def is_itself(self, pid):
        """True when strace and setpriv have executed the program."""
        return os.readlink('/proc/%d/exe' % pid) in map(os.path.realpath, (LBCLUSTERD, DRIVER))

    def wait_traced(self, name):
        """Waits for strace, which writes after its program ended."""
        def ended():
            with open(self.trace_path(name), encoding='utf-8', errors='replace') as file:
                return '+++ exited with 0 +++' in file.read()
        wait_for(ended, 10, 'strace finishes its log')


if __name__ == '__main__':
    main()
