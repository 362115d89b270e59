# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The subjects of the bench: each has its own snmpd on a loopback port and its own directory. The
# bench ends only processes that it started, by pid.
"""Bench (a directory and its processes) and the subjects."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import rows

BUILD = os.environ.get('abs_top_builddir') or os.getcwd()
LBCLUSTERD = os.path.join(BUILD, 'lbclusterd')
LBCLUSTERCTL = os.path.join(BUILD, 'lbclusterctl')
START_S = 120
FOLLOW_S = 10           # until lbclusterd runs on another CPU
BY_CTL_MAX = 100000     # SQL fills larger stores with the same rows, faster
STATISTICS_VALUE = 7

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class Wrong(Exception):
    """A measurement with a wrong result."""


def built(name):
    """A program that only "make bench" builds."""
    return os.path.join(BUILD, 'tests', 'bench', name)


def _die_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def cpu_ns(pid):
    """CPU time of all threads of a process; 0 if it is gone."""
    total = 0
    try:
        for task in os.listdir('/proc/%d/task' % pid):
            with open('/proc/%d/task/%s/schedstat' % (pid, task), encoding='ascii') as file:
                total += int(file.read().split()[0])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return total


def memory_bytes(pid):
    """RSS and PSS."""
    found = {}
    with open('/proc/%d/smaps_rollup' % pid, encoding='ascii') as file:
        for line in file:
            key, _, value = line.partition(':')
            if key in ('Rss', 'Pss'):
                found[key] = int(value.split()[0]) * 1024
    return found['Rss'], found['Pss']


class Bench:
    """The directory of a run, on the file system that is measured."""

    def __init__(self, base):
        self.dir = tempfile.mkdtemp(prefix='lbc-bench-', dir=base)
        self.running = []
        self.stores = {}
        self.took = {}      # seconds of lbclusterctl: load, import-statistics
        self.tables = {}

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def start(self, name, argv, env=None, stdin=subprocess.DEVNULL, **options):
        """Starts a process with a log. It ends with the bench."""
        with open(self.path(name + '.log'), 'ab') as log:
            process = subprocess.Popen(
                argv, stdin=stdin, stdout=options.get('stdout', log), stderr=log,
                env=dict(os.environ, MIBS='', **(env or {})), cwd=self.dir,
                preexec_fn=_die_with_parent)
        self.running.append(process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self.running:
            self.running.remove(process)

    def run(self, argv, stdin=None, timeout=600):
        """Runs a program to its end and returns its output."""
        done = subprocess.run(argv, input=stdin, text=True, capture_output=True,
                              env=dict(os.environ, MIBS=''), cwd=self.dir, timeout=timeout,
                              check=False)
        if done.returncode != 0:
            raise Wrong('%s: %d\n%s%s' % (' '.join(argv), done.returncode,
                                          done.stdout[-2000:], done.stderr[-2000:]))
        return done.stdout

    def table(self, n):
        """The rows for subjects without a store."""
        if n not in self.tables:
            self.tables[n] = self.path('table-%d' % n)
            with open(self.tables[n], 'w', encoding='ascii') as file:
                rows.write_table(file, n)
        return self.tables[n]

    def store(self, n):
        """A store with n real services and their statistics."""
        if n not in self.stores:
            directory = self.path('store-%d' % n)
            os.mkdir(directory)
            master = Master(self, 'making-%d' % n)
            subject = Lbclusterd(self, 'making-%d' % n, directory)
            subject.master = master
            master.start()
            subject.spawn()     # creates the store
            subject.wait_answers()
            subject.stop()
            if n <= BY_CTL_MAX:
                self.took[n] = (self._load(directory, n),
                                self._import_statistics(directory, n, STATISTICS_VALUE))
            else:
                rows.write_store(directory, n, STATISTICS_VALUE)
            self.stores[n] = directory
        return self.stores[n]

    def copy_of_store(self, n, name):
        directory = self.path(name)
        shutil.copytree(self.store(n), directory)
        return directory

    def _load(self, directory, n):
        """Loads the inventory; seconds."""
        with open(self.path('inventory'), 'w', encoding='ascii') as file:
            rows.write_inventory(file, n)
        start = time.monotonic()
        self.run([LBCLUSTERCTL, '-s', directory, 'load', self.path('inventory')])
        return time.monotonic() - start

    def statistics_file(self, n, value):
        name = self.path('statistics-%d-%d' % (n, value))
        if not os.path.exists(name):
            with open(name, 'w', encoding='ascii') as file:
                rows.write_statistics(file, n, value)
        return name

    def _import_statistics(self, directory, n, value):
        """Imports a value for every row; seconds."""
        file = self.statistics_file(n, value)
        start = time.monotonic()
        self.run([LBCLUSTERCTL, '-s', directory, 'import-statistics', file])
        return time.monotonic() - start

    def close(self, keep):
        for process in list(self.running):
            self.end(process)
        if not keep:
            shutil.rmtree(self.dir, ignore_errors=True)


_SNMPD_CONF = """\
master agentx
agentXSocket {socket}
agentXTimeout 20
agentXRetries 0
rwcommunity private 127.0.0.1
dontLogTCPWrappersConnects yes
"""


class Master:
    """A private snmpd."""

    def __init__(self, bench, name):
        self.bench = bench
        self.name = name
        self.socket = bench.path(name + '.agentx')
        self.port = 0
        self.process = None

    def start(self):
        conf = self.bench.path(self.name + '.conf')
        persistent = self.bench.path(self.name + '.persistent')
        os.makedirs(persistent, exist_ok=True)
        with open(conf, 'w', encoding='ascii') as file:
            file.write(_SNMPD_CONF.format(socket=self.socket))
        for _ in range(20):
            self.port = _free_port()
            self.process = self.bench.start(self.name + '-snmpd', [
                'snmpd', '-f', '-C', '-c', conf, '-I', '-smux', '-Lf',
                self.bench.path(self.name + '-snmpd.log'), '-p',
                self.bench.path(self.name + '.pid'), 'udp:127.0.0.1:%d' % self.port],
                {'SNMP_PERSISTENT_DIR': persistent})
            if self._answers():
                return
            self.bench.end(self.process)    # another process took the port
        raise Wrong('snmpd does not start: %s' % self.bench.path(self.name + '-snmpd.log'))

    def _answers(self):
        end = time.monotonic() + START_S
        while self.process.poll() is None and time.monotonic() < end:
            if self.get('.1.3.6.1.2.1.1.3.0') is not None:
                return True
        return False

    def get(self, oid):
        """The text of a value; None without an answer."""
        done = subprocess.run(
            ['snmpget', '-v2c', '-c', 'private', '-t', '0.2', '-r', '0', '-Oqvn',
             '127.0.0.1:%d' % self.port, oid], capture_output=True, text=True,
            env=dict(os.environ, MIBS=''), check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    def stop(self):
        if self.process:
            self.bench.end(self.process)


class Subject:
    """Something that serves lbcRealTable behind its own snmpd."""

    title = ''

    def __init__(self, bench, name, n):
        self.bench = bench
        self.name = name
        self.n = n
        self.master = None
        self.process = None

    def spawn(self):
        """Starts the subagent, if there is one."""

    def pids(self):
        """Of the subagent."""
        return [self.process.pid] if self.process else []

    def start(self):
        self.master = Master(self.bench, self.name)
        self.master.start()
        self.spawn()
        self.wait_answers()

    def probe(self):
        return rows.text(rows.table(8, *rows.index(self.n)))

    def wait_answers(self):
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            answer = self.master.get(self.probe())
            if answer and not answer.startswith('No Such'):
                return
            if self.process and self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise Wrong('%s does not serve; see %s' % (self.name, self.bench.dir))

    def stop_subagent(self):
        if self.process:
            self.bench.end(self.process)
            self.process = None

    def stop(self):
        self.stop_subagent()
        if self.master:
            self.master.stop()

    def place(self, snmpd, subagent):
        """Moves snmpd and the subagent to these CPUs."""
        os.sched_setaffinity(self.master.process.pid, snmpd)
        os.sched_setaffinity(self.process.pid, subagent)

    def cpu_ns(self):
        """(subagent, snmpd)"""
        return (sum(map(cpu_ns, self.pids())), cpu_ns(self.master.process.pid))


class Lbclusterd(Subject):
    """lbclusterd on a store. Statistics stay current during the whole run."""

    title = 'lbclusterd'

    def __init__(self, bench, name, store, n=0, prefix=()):
        super().__init__(bench, name, n)
        self.store = store
        self.prefix = list(prefix)

    def probe(self):
        return super().probe() if self.n else rows.text(rows.ROOT + (1, 1, 1, 0))

    def _configure(self, cpu):
        conf = self.bench.path('lbclusterd.conf')
        with open(conf, 'w', encoding='ascii') as file:
            file.write('stale-after = 86400\njob-max-rows = 10000\ncpu = %s\n' % cpu)
        return conf

    def spawn(self):
        self.process = self.bench.start(self.name, self.prefix + [
            LBCLUSTERD, '-f', '-c', self._configure('like-snmpd'), '-s', self.store, '-x',
            self.master.socket, '-l', 'info'])

    def place(self, snmpd, subagent):
        """lbclusterd moves itself, by its setting "cpu"."""
        os.sched_setaffinity(self.master.process.pid, snmpd)
        self._configure('like-snmpd' if subagent == snmpd else min(subagent))
        self.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + FOLLOW_S
        while os.sched_getaffinity(self.process.pid) != subagent:
            if time.monotonic() > end:
                raise Wrong('lbclusterd does not run on CPU %s' % sorted(subagent))
            time.sleep(0.01)


class Stock(Subject):
    """A subagent with a table helper of net-snmp."""

    def __init__(self, bench, name, n, helper, prefix=()):
        super().__init__(bench, name, n)
        self.helper = helper
        self.prefix = list(prefix)
        self.title = 'stock %s' % helper

    def spawn(self):
        self.process = self.bench.start(self.name, self.prefix + [
            built('stock_subagent'), self.helper, self.master.socket,
            self.bench.table(self.n)])


class Null(Subject):
    """The AgentX session of lbclusterd with an engine that returns constants."""

    title = 'null responder'

    def __init__(self, bench, name, n, prefix=()):
        super().__init__(bench, name, n)
        self.prefix = list(prefix)

    def probe(self):
        return rows.text(rows.table(8, 1, 1, 1))

    def spawn(self):
        self.process = self.bench.start(self.name, self.prefix + [
            built('null_responder'), self.master.socket, str(self.n)])


class Driver:
    """A subject behind agentx_driver in the place of snmpd."""

    def __init__(self, bench, subject):
        self.bench = bench
        self.subject = subject
        self.title = subject.title
        self.socket = bench.path(subject.name + '.driver')
        self.process = None

    def __enter__(self):
        self.process = self.bench.start(
            self.subject.name + '-driver', [built('agentx_driver'), self.socket],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            self._expect('listening')
            self.subject.master = self
            self.subject.spawn()
            self._expect('ready')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.subject.stop_subagent()
        self.process.stdin.close()
        self.bench.end(self.process)

    def _line(self):
        line = self.process.stdout.readline().decode()
        if not line:
            raise Wrong('agentx_driver ended; see %s' %
                        self.bench.path(self.subject.name + '-driver.log'))
        return line.strip()

    def _expect(self, what):
        line = self._line()
        if line != what:
            raise Wrong('agentx_driver said "%s"' % line)

    def _say(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def walk(self, values, oid):
        """(values, nanoseconds, nanoseconds of CPU of the subject)"""
        before = sum(map(cpu_ns, self.subject.pids()))
        self._say('walk %d %s\n' % (values, rows.text(oid)))
        values, took = map(int, self._line().split())
        return values, took, sum(map(cpu_ns, self.subject.pids())) - before

    def set(self, count, pause_us, value, oid):
        """[(nanoseconds of TestSet, of CommitSet)]"""
        self._say('set %d %d %d %s\n' % (count, pause_us, value, rows.text(oid)))
        return [tuple(map(int, self._line().split())) for _ in range(count)]

    def watch_begin(self, oid):
        self._say('watch %s\n' % rows.text(oid))

    def watch_end(self):
        """(values, nanoseconds in all, median, p99, longest)"""
        self._say('\n')
        return tuple(map(int, self._line().split()))
