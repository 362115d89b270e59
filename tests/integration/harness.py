# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# A private environment for each test or test class: a directory, snmpd, a store, lbclusterd
# and lbclusterctl. Tests wait for events with a deadline, never for a fixed time. The harness
# ends only processes that it started, by pid, also when a test fails. It then prints the logs
# of all programs. "run" sets the paths of the programs.
"""World (snmpd, store, lbclusterd, lbclusterctl) and Case (a test with worlds)."""

import atexit
import calendar
import contextlib
import ctypes
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import mib
from snmp import Client, ClientV3, Timeout

LBCLUSTERD = os.environ.get('LBCLUSTERD', 'lbclusterd')
LBCLUSTERCTL = os.environ.get('LBCLUSTERCTL', 'lbclusterctl')

# Multiplies all deadlines. valgrind needs more time.
TIMEOUT_FACTOR = float(os.environ.get('LBCLUSTER_TESTS_TIMEOUT_FACTOR', '1'))

VISIBLE_S = 5.0     # until SNMP shows a change of another process
SERVED_S = 10.0     # until lbclusterd serves again after a master came back
ENDED_S = 20.0      # until any program ends after SIGTERM
STOP_S = 2.0        # until a program of lbcluster ends; see Program.stop_in_time()

# Commands of lbclusterctl that wait for jobs.
SETTINGS = {'enable', 'disable', 'enable-fallback', 'disable-fallback', 'set-weight', 'set',
            'move-fallback'}

# For tests that need any real service.
INVENTORY = """
cluster web {
    plane = none
    service http {
        address = 192.0.2.10  port = 80  protocol = tcp
        real a { address = 10.0.0.1  port = 80  weight = 10 }
    }
}
"""

_NAP_S = 0.01
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)

# What a sanitizer or a failed assertion writes to a log.
SANITIZER_REPORT = re.compile(r'runtime error:|Sanitizer|Assertion .* failed|==\d+==')


def wait_for(event, deadline_s, what):
    """Calls event() until it returns something true, and returns that."""
    end = time.monotonic() + deadline_s * TIMEOUT_FACTOR
    while True:
        found = event()
        if found:
            return found
        if time.monotonic() >= end:
            raise AssertionError('%s: did not happen within %.1f s' % (
                what, deadline_s * TIMEOUT_FACTOR))
        time.sleep(_NAP_S)


def date(octets):
    """DateAndTime as seconds since 1970 (0: never). Accepts only the form of the MIB,
    11 octets and +00:00."""
    if len(octets) != 11:
        raise AssertionError('DateAndTime of %d octets' % len(octets))
    if octets == bytes(11):
        return 0
    if octets[8:] != b'+\0\0' or octets[7] > 9:
        raise AssertionError('DateAndTime %s' % octets.hex())
    return calendar.timegm((octets[0] << 8 | octets[1],) + tuple(octets[2:7]))


def has_open(pid, name):
    """True if the process has a file of this name open."""
    fds = '/proc/%d/fd' % pid
    with contextlib.suppress(OSError):
        return any(os.path.basename(os.readlink(os.path.join(fds, fd))) == name
                   for fd in os.listdir(fds))
    return False


def _stat(pid):
    """(state, seconds of CPU) of a process; ('X', 0) if there is none."""
    try:
        with open('/proc/%d/stat' % pid, encoding='ascii') as file:
            fields = file.read().rsplit(')', 1)[1].split()
    except OSError:
        return 'X', 0.0
    return fields[0], (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def process_state(pid):
    """The letter of proc_pid_stat(5), or X if there is no process."""
    return _stat(pid)[0]


def cpu_s(pid):
    return _stat(pid)[1]


def _starved_ns(path):
    with contextlib.suppress(OSError), open(path + '/schedstat', encoding='ascii') as file:
        return int(file.read().split()[1])
    return 0


def cpu_wait_s(*pids):
    """How long these processes and this thread waited for a CPU."""
    paths = ['/proc/thread-self']
    for pid in pids:
        with contextlib.suppress(OSError):
            tasks = '/proc/%d/task/' % pid
            paths += [tasks + task for task in os.listdir(tasks)]
    return sum(map(_starved_ns, paths)) / 1e9


def stop(program):
    """Stops a process (SIGSTOP) and waits until it is stopped."""
    program.signal(signal.SIGSTOP)
    wait_for(lambda: process_state(program.pid) == 'T', 10, 'stopped')


def is_root():
    return os.geteuid() == 0


def as_user(argv, uid, gid, groups=()):
    """The command as this user, without capabilities and without a way to get any. The
    caller must be root."""
    return ['setpriv', '--pdeathsig=KILL', '--reuid=%d' % uid, '--regid=%d' % gid,
            '--groups=%s' % ','.join(map(str, groups)) if groups else '--clear-groups',
            '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs', *argv]


def _die_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """A process and its log."""

    def __init__(self, name, argv, log, env=None, cwd=None, dies_with_us=True):
        self.name = name
        self.log = log
        self._file = open(log, 'ab')
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=self._file, stderr=self._file,
            env=env, cwd=cwd, preexec_fn=_die_with_parent if dies_with_us else None)
        self.pid = self.process.pid
        self.awaited = False    # the test waited for its end

    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.alive():
            self.process.send_signal(number)

    def wait(self, deadline_s=ENDED_S):
        """Returns the exit status. Kills a process that does not end, and fails."""
        self.awaited = True
        try:
            return self.process.wait(deadline_s * TIMEOUT_FACTOR)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError('%s did not end' % self.name) from None
        finally:
            self._file.close()

    def end(self, deadline_s=ENDED_S):
        self.signal(signal.SIGTERM)
        return self.wait(deadline_s)

    def stop_in_time(self):
        """Ends the process with SIGTERM within STOP_S; returns the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait_in_time()

    def wait_in_time(self):
        """Waits for a process after SIGTERM. It may compute or sleep for STOP_S; time in
        which it waits for a CPU or the disk does not count."""
        end = time.monotonic() + 3 * ENDED_S * TIMEOUT_FACTOR
        slept, cpu = 0.0, cpu_s(self.pid)
        while self.alive() and time.monotonic() < end:
            time.sleep(_NAP_S)
            state, now = _stat(self.pid)
            if state in 'SIT':
                slept += _NAP_S
            if slept + max(now - cpu, 0.0) > STOP_S * TIMEOUT_FACTOR:
                break
        return self.wait(0)

    def kill(self):
        self.awaited = True
        self.signal(signal.SIGKILL)
        status = self.process.wait()
        self._file.close()
        return status


_ports = []      # sockets that reserve the ports in use


def free_port():
    """A free port of 127.0.0.1, UDP and TCP, that no other test gets while this process
    runs. The kernel does not give it to clients, so it stays free while its server is
    down."""
    with open('/proc/sys/net/ipv4/ip_local_port_range', encoding='ascii') as file:
        end = int(file.read().split()[0])
    if end < 10000:
        end = 32768
    for _ in range(1000):
        port = random.randrange(end // 2, end)
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind('\0lbcluster-test-port-%d' % port)
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(('127.0.0.1', port))
        except OSError:
            name.close()
            continue
        _ports.append(name)
        return port
    raise AssertionError('no port is free')


def new_directory():
    """A new directory, in memory if there is room, because a busy disk would delay syncs.
    tests/power and test_slow_disk.py test syncs. Paths are short because of sun_path."""
    memory = '/dev/shm'
    with contextlib.suppress(OSError):
        room = os.statvfs(memory)
        if room.f_bavail * room.f_frsize >= 1 << 30:
            return tempfile.mkdtemp(prefix='lbc-', dir=memory)
    return tempfile.mkdtemp(prefix='lbc-', dir='/tmp')


_SNMPD_CONF = """\
master agentx
agentXSocket {socket}
agentXTimeout {timeout}
agentXRetries {retries}
{perms}
view everything included .1
view system included .1.3.6.1.2.1.1
view ours included .{root}
view weight included .{weight}
rocommunity public 127.0.0.1
rwcommunity private 127.0.0.1
rocommunity outside 127.0.0.1 -V system
rocommunity ours 127.0.0.1 -V ours
com2sec weights 127.0.0.1 weights
group weights v1 weights
group weights v2c weights
access weights "" any noauth exact everything weight none
createUser writer SHA authentication AES encryption
createUser reader SHA authentication AES encryption
rwuser writer priv
rouser reader priv
"""


class World:
    """One snmpd, one store and one lbclusterd in a private directory."""

    def __init__(self, agentx_timeout=5, agentx_retries=0, user=None, store=None,
                 agentx=None, server=None):
        """'agentx' is the TCP address of the AgentX master, in the form of lbclusterd. 'server' is
        a postgres.Server: the store is then a new database of it."""
        self.dir = new_directory()
        self.server = server
        self.store = store or os.path.join(self.dir, 'store')
        self.socket = agentx or os.path.join(self.dir, 'agentx')
        self.daemon_socket = self.socket    # a test may put a proxy here
        self.conf = os.path.join(self.dir, 'lbclusterd.conf')
        self.user = user
        self.reader = 'public'      # a community that may read sysUpTime and LBCLUSTER-MIB
        self.env = {}           # additional environment of lbclusterd and lbclusterctl
        self.port = 0
        self.master = None
        self.daemon = None
        self.others = []
        self._clients = {}
        self._problems = []
        if store is None:
            os.mkdir(self.store)
        if server:
            self.env['STATE_DIRECTORY'] = self.store
            self.database = 'lbctest_%s' % os.path.basename(self.dir).lower().replace('-', '_')
            self.store = server.create_database(self.database)
        os.mkdir(self._path('persistent'))
        if user:
            os.chmod(self.dir, 0o755)
            os.chown(self.store, user[0], user[1])
        self._write('snmpd.conf', _SNMPD_CONF.format(
            socket=self.socket.replace('tcp:[', 'tcp6:['), timeout=agentx_timeout,
            retries=agentx_retries,
            perms='agentXPerms 0660 0755 root %d' % user[1] if user else '',
            root='.'.join(map(str, mib.ROOT)),
            weight='.'.join(map(str, mib.oid('lbcRealWeight')))))
        self.configure()
        atexit.register(self.kill)

    def _path(self, name):
        return os.path.join(self.dir, name)

    def _write(self, name, text):
        with open(self._path(name), 'w', encoding='utf-8') as file:
            file.write(text)
        return self._path(name)

    def configure(self, **options):
        """Writes lbclusterd.conf. An underscore in a name becomes a hyphen."""
        self._write('lbclusterd.conf', ''.join(
            '%s = %s\n' % (name.replace('_', '-'), value) for name, value in options.items()))

    # -- snmpd ------------------------------------------------------------

    def configure_master(self, text):
        """Replaces the snmpd.conf, which allows everything. It must have the community
        'reader'."""
        self._write('snmpd.conf', 'agentXSocket %s\n%s' % (self.socket, text))

    def start_master(self, wait=True):
        """Starts snmpd, on the same port as the last one."""
        new_port = not self.port
        for attempt in range(20):
            if new_port:
                self.port = free_port()
            self.master = Program(
                'snmpd',
                ['snmpd', '-f', '-C', '-c', self._path('snmpd.conf'), '-I', '-smux',
                 '-Lf', self._path('snmpd.log'), '-p', self._path('snmpd.pid'),
                 'udp:127.0.0.1:%d' % self.port],
                self._path('snmpd.out'),
                env=dict(os.environ, MIBS='', SNMP_PERSISTENT_DIR=self._path('persistent')))
            if not wait:
                return
            if self._master_answers():
                break
            if attempt == 19:
                raise AssertionError('snmpd does not start')
        self._forget_clients(new_port)

    def _master_answers(self):
        """False if snmpd ended, as it does when the port is in use."""
        client = Client(self.port, self.reader, timeout=0.2)
        try:
            def answers():
                if not self.master.alive():
                    return 'ended'
                with contextlib.suppress(Timeout):
                    client.get_answer((1, 3, 6, 1, 2, 1, 1, 3, 0), timeout=0.2)
                    return 'answers'
                return None
            return wait_for(answers, 30, 'snmpd answers') == 'answers'
        finally:
            client.close()

    def stop_master(self, number=signal.SIGTERM):
        """Ends snmpd with this signal."""
        self.master.signal(number)
        self.master.wait()

    # -- lbclusterd -------------------------------------------------------

    def daemon_argv(self, *args):
        return self.as_user([LBCLUSTERD, '-f', '-c', self.conf, '-s', self.store, '-x',
                              self.daemon_socket, '-l', 'debug', *args])

    def as_user(self, argv):
        """The command as the user of this world, or unchanged."""
        return as_user(argv, *self.user) if self.user else argv

    def start_daemon(self, wait=True, args=()):
        self.daemon = Program('lbclusterd', self.daemon_argv(*args),
                              self._path('lbclusterd.log'), env={**os.environ, **self.env})
        if wait:
            self.wait_served(30)

    def stop_daemon(self):
        """Ends lbclusterd with SIGTERM. Fails unless the exit is in time and clean."""
        status = self.daemon.stop_in_time()
        if status != 0:
            raise AssertionError('lbclusterd ended with %s' % status)

    def served(self):
        """True if snmpd serves LBCLUSTER-MIB. Waits at most half a second."""
        with contextlib.suppress(Timeout):
            answer = self.client(self.reader).get_answer(mib.oid('lbcSysVersion', 0),
                                                         timeout=0.5)
            return answer.varbinds[0].type == 'STRING'
        return False

    def wait_served(self, deadline_s=SERVED_S):
        def event():
            if not self.daemon.alive():
                raise AssertionError('lbclusterd ended with %s' % self.daemon.wait())
            return self.served()
        wait_for(event, deadline_s, 'lbclusterd serves')

    def daemon_log(self):
        return _read(self._path('lbclusterd.log'))

    def wait_logged(self, pattern, deadline_s=10.0, count=1):
        """Waits until the log of lbclusterd has 'count' lines that match."""
        wait_for(lambda: len(re.findall(pattern, self.daemon_log(), re.M)) >= count,
                 deadline_s, 'log line /%s/' % pattern)

    def start(self):
        self.start_master()
        self.start_daemon()

    # -- requests ---------------------------------------------------------

    def client(self, community='private', version=2):
        """A client that stays open. For version 3, 'community' is the user."""
        key = (community, version)
        if key not in self._clients:
            self._clients[key] = (
                ClientV3(self.port, community) if version == 3
                else Client(self.port, community, version))
        return self._clients[key]

    def _forget_clients(self, every):
        # A new snmpd has another snmpEngineBoots, so pysnmp has to discover it again.
        for key in [key for key in self._clients if every or key[1] == 3]:
            self._clients.pop(key).close()

    def set_with_retries(self, *varbinds):
        """Sends a SET, and repeats it while another program locks the store."""
        def done():
            status = self.client().set_answer(*varbinds).status
            if status not in ('noError', 'resourceUnavailable', 'commitFailed'):
                raise AssertionError('SET: %s' % status)
            return status == 'noError'
        wait_for(done, 10, 'the SET succeeds')

    def get(self, name, *index):
        """The plain value of one object."""
        return self.client().get(mib.oid(name, *index)).value

    def wait_value(self, expected, name, *index, deadline_s=VISIBLE_S):
        wait_for(lambda: self.get(name, *index) == expected, deadline_s,
                 '%s%s is %r' % (name, list(index), expected))

    @contextlib.contextmanager
    def slowest_get(self):
        """Sends GETs during the block. Yields a list of one item: the seconds of the
        slowest GET, also of one without an answer. The time in which the test, snmpd or
        lbclusterd waits for a CPU is subtracted."""
        slowest, done = [0.0], threading.Event()

        def ask():
            client = self.client('public')
            programs = self.master.pid, self.daemon.pid
            while not done.is_set():
                began, starved = time.monotonic(), cpu_wait_s(*programs)
                try:
                    client.get(mib.oid('lbcSysReals', 0))
                finally:
                    took = time.monotonic() - began - (cpu_wait_s(*programs) - starved)
                    slowest[0] = max(slowest[0], took)
        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield slowest
        finally:
            done.set()
            thread.join()

    # -- the store --------------------------------------------------------

    def ctl(self, *args, check=True, stdin=None, wait=False):
        """Runs lbclusterctl on the store. Settings do not wait for the ends of their jobs, unless
        with 'wait'. A removal is not asked about."""
        if not wait and SETTINGS.intersection(args[:3]):
            args += ('--no-wait',)
        elif 'remove' in args[:3]:
            args += ('--yes',)
        argv = self.as_user([LBCLUSTERCTL, '-s', self.store, *args])
        done = subprocess.run(argv, input=stdin, text=True, capture_output=True,
                              env={**os.environ, **self.env},
                              timeout=60 * TIMEOUT_FACTOR, check=False)
        if SANITIZER_REPORT.search(done.stderr) or (check and done.returncode != 0):
            raise AssertionError('lbclusterctl %s: %d\n%s%s' % (
                ' '.join(args), done.returncode, done.stdout, done.stderr))
        return done

    def load(self, inventory, *args):
        """Loads an inventory given as text."""
        return self.ctl('load', *args, self._write('inventory.conf', inventory))

    def import_statistics(self, rows):
        """Rows are dictionaries with 'path' and the keys of statistics()."""
        return self.ctl('import-statistics', '-',
                        stdin=''.join(json.dumps(row) + '\n' for row in rows))

    def connect(self, file='lbcluster.db', **options):
        """A connection of another program to the store."""
        connection = sqlite3.connect(os.path.join(self.store, file), isolation_level=None,
                                     timeout=10, **options)
        connection.execute('PRAGMA foreign_keys = ON')
        return connection

    def sql(self, statement, *args, file='lbcluster.db'):
        """Runs one SQL statement and returns its rows."""
        if self.server:
            schema = 'lbcluster' if file == 'lbcluster.db' else 'lbcluster_statistics'
            for arg in args:
                quoted = str(arg) if isinstance(arg, int) else \
                    "'%s'" % str(arg).replace("'", "''")
                statement = statement.replace('?', quoted, 1)
            return self.server.sql(statement, self.database, search_path=schema)
        with contextlib.closing(self.connect(file)) as connection:
            return connection.execute(statement, args).fetchall()

    def wait_written(self):
        """Waits until lbclusterd has written every answered SET to the rows of the store."""
        wait_for(lambda: not self.sql('SELECT token FROM job WHERE state = 0 UNION ALL'
                                      ' SELECT token FROM held_setting'), 10,
                 'lbclusterd writes the released SETs')

    def number(self, path):
        """The numbers (cluster, service, real service) of a path, from the store."""
        rows = self.sql(
            'SELECT c.id, s.id, r.id FROM real_service r JOIN service s ON s.id = r.service_id'
            ' JOIN cluster c ON c.id = s.cluster_id'
            ' WHERE c.name || \'/\' || s.name || \'/\' || r.name = ?', path)
        if len(rows) != 1:
            raise AssertionError('no real service %s' % path)
        return rows[0]

    # -- the end ----------------------------------------------------------

    def close(self):
        """Ends all programs. Fails if lbclusterd does not end cleanly."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        problems = []
        if self.daemon and not self.daemon.awaited:
            # This also gets the status of an lbclusterd that ended by itself.
            self.daemon.signal(signal.SIGCONT)
            try:
                status = self.daemon.stop_in_time()
                if status != 0:
                    problems.append('lbclusterd ended with %s' % status)
            except AssertionError as error:
                problems.append(str(error))
        self.kill()
        if SANITIZER_REPORT.search(self.daemon_log()):
            problems.append('the log has a report of a sanitizer or an assertion')
        if problems:
            raise AssertionError('; '.join(problems))

    def kill(self):
        """Kills all programs."""
        for program in [self.daemon, self.master, *self.others]:
            if program and program.alive():
                program.kill()

    def logs(self, since=None):
        """The logs of all programs, from the sizes 'since' on."""
        text = []
        for name in sorted(os.listdir(self.dir)) if os.path.isdir(self.dir) else []:
            if name.endswith(('.log', '.out')):
                content = _read(self._path(name))[(since or {}).get(name, 0):]
                lines = content.splitlines()
                if len(lines) > 200:
                    lines = ['... %d lines' % (len(lines) - 200), *lines[-200:]]
                text.append('--- %s\n%s\n' % (self._path(name), '\n'.join(lines)))
        return ''.join(text)

    def log_sizes(self):
        return {name: len(_read(self._path(name))) for name in os.listdir(self.dir)
                if name.endswith(('.log', '.out'))}

    def remove(self):
        atexit.unregister(self.kill)
        shutil.rmtree(self.dir, ignore_errors=True)


def _read(path):
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except OSError:
        return ''


class Case(unittest.TestCase):
    """A test with worlds. A class with 'inventory' has one world for all its tests, 'world'.
    new_world() creates one for one test."""

    inventory = None        # the text of the inventory of the class
    options = {}            # of World
    daemon_options = {}     # of lbclusterd.conf
    world = None
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if cls.inventory is None:
            return
        world = World(**cls.options)
        cls.addClassCleanup(world.remove)
        cls.addClassCleanup(world.close)
        try:
            world.configure(**cls.daemon_options)
            world.load(cls.inventory)
            cls.prepare(world)
            world.start()
        except BaseException:
            sys.stderr.write(world.logs())
            raise
        cls.world = world

    @classmethod
    def prepare(cls, world):
        """Adds to the store before lbclusterd starts."""

    def new_world(self, **options):
        world = World(**options)
        self._worlds.append(world)
        self.addCleanup(world.close)
        return world

    def run(self, result=None):
        self._worlds = []
        shared = type(self).world
        sizes = shared.log_sizes() if shared else None
        bad = len(result.failures) + len(result.errors)
        try:
            super().run(result)
        finally:
            if len(result.failures) + len(result.errors) > bad:
                sys.stderr.write('=== logs of %s\n' % self.id())
                if shared:
                    sys.stderr.write(shared.logs(sizes))
                for world in self._worlds:
                    sys.stderr.write(world.logs())
                sys.stderr.write('=== end of logs\n')
            for world in self._worlds:
                world.remove()
        return result

    def assert_now(self, octets, since=None):
        """DateAndTime octets are of the last minute, or between since and now."""
        shown = date(octets)
        now = time.time()
        self.assertLessEqual(int(since if since is not None else now - 60), shown)
        self.assertLessEqual(shown, now + 1)


def main():
    result = unittest.main(verbosity=2, exit=False).result
    # unittest reports success if its filter (-k) matches no test.
    if not (result.testsRun or result.skipped or result.errors):
        sys.exit('no test has this name')
    sys.exit(not result.wasSuccessful())
