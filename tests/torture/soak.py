# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# What "make soak" does to a machine under load: it restarts programs, changes inventories, sets the
# wall clock by hours, and stops collectors that have statistics locked.
"""Disturbances of a Load of load.py."""

import ctypes
import os
import signal
import sys
import time

import mib
from harness import Program, cpu_wait_s, process_state, wait_for

CLOCK_HOURS = 6         # the wall clock is at most so far from the right time
HOLD_S = 2, 12          # how long a collector is stopped
SET_S = 1.0             # until a SET is answered meanwhile, without time waited for a CPU
JOB_S = 10              # until a job on HAProxy ends meanwhile
RECOVERY_S = 60         # until statistics are used again
_CLONE_NEWTIME = 0x80

# A collector that locks lbcluster-stats.db in the way argv[1] and stops itself. A continued one
# ends, and SQLite rolls back. Bytes 120 to 127 of -shm are the locks of the WAL
# (sqlite.org/walformat.html).
_COLLECTOR = """
import fcntl, os, signal, sqlite3, sys
way, path = sys.argv[1:]
database = sqlite3.connect(path, isolation_level=None, timeout=60)
database.execute('SELECT count(*) FROM statistics').fetchall()
statements = {
    'write': ['BEGIN IMMEDIATE', 'UPDATE statistics SET active = 0'],
    'read': ['BEGIN', 'SELECT count(*) FROM statistics'],
    'exclusive': ['PRAGMA locking_mode = EXCLUSIVE', 'UPDATE statistics SET active = active'],
}
ranges = {'read marks': (5, 123), 'recovery': (7, 121), 'checkpoint': (4, 124)}
if way in statements:
    for statement in statements[way]:
        database.execute(statement).fetchall()
elif way in ranges:
    shared = open(path + '-shm', 'r+b')
    fcntl.lockf(shared, fcntl.LOCK_EX, *ranges[way])
else:
    lock = open(path + '.lock', 'rb')
    fcntl.flock(lock, fcntl.LOCK_EX)
os.kill(os.getpid(), signal.SIGSTOP)
"""
WAYS = 'write', 'read', 'exclusive', 'read marks', 'recovery', 'checkpoint', 'replacement'


def time_namespace(seconds):
    """Starts programs with a monotonic clock that reaches 2^32 ms, 49.7 days, in so many
    seconds. Only root may do that."""
    now = time.monotonic()
    if os.geteuid() != 0 or ctypes.CDLL(None).unshare(_CLONE_NEWTIME) != 0:
        print('no time namespace: the monotonic clock is that of the machine')
        return
    with open('/proc/self/timens_offsets', 'w', encoding='ascii') as file:
        file.write('monotonic %d 0\n' % (2 ** 32 // 1000 - seconds - now))


class Soak:
    """Disturbs a Load, one event after another."""

    def __init__(self, load):
        self.load = load
        self.world = load.world
        self.chance = load.chance
        self.counts = dict.fromkeys(
            [event.__name__ for event in self.events] + ['hold: ' + way for way in WAYS] +
            ['start with ' + way for way in WAYS], 0)
        self.sets = 0
        self.slowest = 0.0, ''
        self._ahead = os.path.join(self.world.dir, 'ahead')
        self._clock_write(0)
        # For every program that starts from now on.
        os.environ.update(SET_CLOCK=self._ahead, LD_PRELOAD=os.environ['SET_CLOCK_SO'])

    def next(self):
        """One event."""
        event = self.chance.choice(self.events)
        self.counts[event.__name__] += 1
        event(self)

    def total(self):
        return sum(self.counts[event.__name__] for event in set(self.events))

    # -- restarts and changes --------------------------------------------------------

    def daemon_restart(self):
        self.world.stop_daemon()
        self.load.start_daemon()

    def daemon_kill(self):
        self.world.daemon.kill()
        self.load.start_daemon()

    def driver_kill(self):
        if self.load.driver:
            self.load.driver.kill()
            self.load.start_driver()

    def snmpd_restart(self):
        self.world.stop_master(self.chance.choice((signal.SIGKILL, signal.SIGTERM)))
        self.world.start_master()

    def inventory(self):
        if self.world.sql("SELECT 1 FROM cluster WHERE name = 'extra'"):
            self.world.ctl('remove', 'extra')
        else:
            self.world.load(self.load.extra_inventory())

    # -- the clock -------------------------------------------------------------------

    def _clock_write(self, seconds):
        with open(self._ahead + '.new', 'w', encoding='ascii') as file:
            file.write(str(seconds))
        os.replace(self._ahead + '.new', self._ahead)

    def clock(self):
        """Forward or back by up to 12 hours."""
        self._clock_write(self.chance.randrange(-CLOCK_HOURS * 3600, CLOCK_HOURS * 3600))
        self.sets_answered(1, 'clock')

    # -- a collector with a lock -------------------------------------------------------

    def hold(self):
        """Stops a collector while it has a lock; in half of the cases the programs start
        meanwhile."""
        way = self.chance.choice(WAYS)
        # SQLite enters the exclusive mode only while no other program has the file open.
        start = way == 'exclusive' or self.chance.randrange(2)
        what = ('start with ' if start else 'hold: ') + way
        self.counts[what] += 1
        if start:
            self.world.stop_daemon()
            if self.load.driver:
                self.load.driver.end()
        collector = Program('collector', [
            sys.executable, '-c', _COLLECTOR, way,
            os.path.join(self.world.store, 'lbcluster-stats.db')],
            os.path.join(self.world.dir, 'collector.log'))
        try:
            wait_for(lambda: process_state(collector.pid) in 'TXZ', 60,
                     'the collector has its lock (%s)' % way)
            if not collector.alive():
                raise AssertionError('the collector (%s) ended' % way)
            if start:
                self.load.start_daemon()
                if self.load.driver:
                    self.load.start_driver()
            self.sets_answered(self.chance.uniform(*HOLD_S), what)
            self.job_carried_out(what)
            if self.chance.randrange(2):
                collector.signal(signal.SIGCONT)
                collector.wait()
        finally:
            if not collector.awaited:
                collector.kill()
        self.statistics_return()

    def sets_answered(self, seconds, fault):
        """Sends SETs for so long. Each succeeds in time and is read back."""
        row = self.world.number(self.load.last_path())
        name = mib.oid('lbcRealWeight', *row)
        client = self.world.client()
        programs = self.world.master.pid, self.world.daemon.pid
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            weight = self.sets % 200 + 1
            began, starved = time.monotonic(), cpu_wait_s(*programs)
            status = client.set_answer((name, 'u', weight)).status
            took = time.monotonic() - began - (cpu_wait_s(*programs) - starved)
            self.sets += 1
            self.slowest = max(self.slowest, (took, fault))
            self.load.check('a SET, ' + fault, 'noError', status)
            self.load.check('its weight, ' + fault, weight, client.get(name).value)
            if took > SET_S:
                self.load.problems.append('a SET took %.3f s, %s' % (took, fault))

    def job_carried_out(self, fault):
        """HAProxy gets a setting during the fault; jobs_check() sees a job that failed."""
        if not self.load.driver:
            return
        path = 'plane/plane/h0'
        self.world.ctl(self.chance.choice(('enable', 'disable')), path)
        wait_for(lambda: not self.world.sql(
            'SELECT 1 FROM job WHERE state < 3 AND operation IN (1, 2) AND real_id = ?',
            self.world.number(path)[2]), JOB_S, 'a job, %s, ends' % fault)

    def statistics_return(self):
        """SNMP shows statistics that are imported after the fault."""
        path, value = 'load/s0/r0', self.chance.randrange(1 << 31)
        row = self.world.number(path)
        self.world.import_statistics([{'path': path, 'active': True, 'active_connections': value,
                                       'connections_per_second': 1}])
        self.world.wait_value(value, 'lbcRealStatsActiveConns', *row, deadline_s=RECOVERY_S)

    events = (daemon_restart, daemon_kill, driver_kill, snmpd_restart, inventory, inventory, clock,
              clock, clock, hold, hold, hold, hold)

    def lines(self):
        """What happened."""
        return [', '.join('%d %s' % (n, name) for name, n in self.counts.items() if n),
                '%d SETs during clock steps and locks, slowest %.3f s (%s)' % (
                    self.sets, *self.slowest)]
