# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Faults of snmpd, its socket and the store, and more work than fits in one turn of the loop. In
# each case lbclusterd logs the fault once, its loop is never blocked, SIGTERM ends it, and it
# recovers without help. test_master.py and tests/unit/test_agentx_session.c test other faulty
# masters.
"""Faults around lbclusterd."""

import contextlib
import fcntl
import os
import re
import resource
import signal

import mib
from harness import INVENTORY, Case, has_open, is_root, main, wait_for
from watchdog import STALL_S, WatchdogListener
from traps import Traps

WEIGHT = mib.oid('lbcRealWeight', 1, 1, 1)
NOBODY = (65534, 65534)
SERVING = 'info: .agentx. serving 1.3.6.1.*'


class FaultCase(Case):
    """A world with a WatchdogListener."""

    def faulty_world(self, inventory=INVENTORY, **options):
        self.world = world = self.new_world(**options)
        self.watchdog = WatchdogListener(world.dir)
        self.addCleanup(self.watchdog.close)
        world.env = self.watchdog.env
        world.load(inventory)
        self.heard = 0
        return world

    def said(self):
        """The lines above debug that were logged since the last call."""
        lines = [line for line in self.world.daemon_log().splitlines() if ': debug:' not in line]
        new, self.heard = lines[self.heard:], len(lines)
        return new

    def assert_said(self, *patterns):
        """Exactly these lines were logged since the last call."""
        said = self.said()
        self.assertEqual(len(patterns), len(said), said)
        for pattern, line in zip(patterns, said):
            self.assertRegex(line, pattern)

    def assert_well(self, weight):
        """lbclusterd serves, accepts SETs, and its loop was never blocked."""
        self.world.wait_served(12)
        self.assertEqual('noError', self.world.client().set_answer((WEIGHT, 'u', weight)).status)
        self.assertEqual(weight, self.world.get('lbcRealWeight', 1, 1, 1))
        self.watchdog.assert_no_stall()


class Master(FaultCase):
    """snmpd and its socket."""

    def test_master_stopped_and_continued_is_served(self):
        world = self.faulty_world()
        world.start()
        self.said()
        world.master.signal(signal.SIGSTOP)
        world.ctl('set-weight', 'web/http/a', '33')
        self.watchdog.wait_messages(2)
        world.master.signal(signal.SIGCONT)
        world.wait_value(33, 'lbcRealWeight', 1, 1, 1, deadline_s=5)
        self.assert_well(34)
        # The notification of this change waited.
        self.assert_said('warn: .agentx. the master took [0-9.]+ s to send notifications')

    def test_master_stopped_at_start_is_reported_and_awaited(self):
        world = self.faulty_world()
        world.start_master()
        world.master.signal(signal.SIGSTOP)
        try:
            world.start_daemon(wait=False)
            world.wait_logged('does not answer; snmpd is stopped or hung')
            # SIGTERM while Open has no answer, after many closed connections.
            world.stop_daemon()
            self.said()
            world.start_daemon(wait=False)
            self.watchdog.wait_messages(3)
        finally:
            world.master.signal(signal.SIGCONT)
        self.assert_well(35)
        said = self.said()
        self.assertLessEqual(len(said), 4, said)
        self.assertRegex(said[1], 'warn: .agentx. the master at %s (does not answer|takes no '
                         'connections); snmpd is stopped or hung' % re.escape(world.socket))
        self.assertRegex(said[-1], SERVING)

    def test_socket_removed_and_created_again_is_found(self):
        world = self.faulty_world()
        world.start()
        os.rename(world.socket, world.socket + '.away')
        # The session works without the name of the socket.
        self.assert_well(36)
        world.stop_daemon()
        self.said()
        world.start_daemon(wait=False)
        self.watchdog.wait_messages(2)
        self.assert_said('info: .store. ', 'warn: .agentx. no AgentX master at %s; start snmpd, '
                         "with 'master agentx' in snmpd.conf$" % re.escape(world.socket))
        os.rename(world.socket + '.away', world.socket)
        self.assert_well(37)
        self.assert_said(SERVING)


class Permissions(FaultCase):
    """lbclusterd may not connect to the socket."""

    def setUp(self):
        if not is_root():
            self.skipTest('needs root to run as another user')

    def denied_world(self):
        world = self.faulty_world(user=NOBODY)
        world.start_master()
        return world

    def meet(self, world, *patterns):
        world.start_daemon(wait=False)
        self.watchdog.wait_messages(2)
        self.assert_said('info: .store. ', *patterns)

    def test_socket_without_permission_is_reported_with_user_and_remedy(self):
        world = self.denied_world()
        os.chmod(world.socket, 0o700)
        self.meet(world, "warn: .agentx. no permission for %s: snmpd.conf needs 'agentXPerms 0660"
                  " 0755 Debian-snmp lbcluster', and lbclusterd the group lbcluster .it runs as "
                  'nobody, group nogroup.$' % re.escape(world.socket))
        os.chmod(world.socket, 0o777)
        self.assert_well(41)
        self.assert_said(SERVING)
        # Without the permission the session continues; lbclusterd connects again with it.
        os.chmod(world.socket, 0o700)
        self.assert_well(42)
        self.assert_said()

    def test_directory_without_permission_is_reported_with_user_and_remedy(self):
        world = self.denied_world()
        closed = os.path.join(world.dir, 'closed')
        os.mkdir(closed, 0o700)
        world.daemon_socket = os.path.join(closed, 'master')
        os.symlink(world.socket, world.daemon_socket)
        self.meet(world, 'warn: .agentx. no permission for the directory of %s .running as '
                  "nobody, group nogroup.: 'chmod 755' it" % re.escape(world.daemon_socket))
        os.chmod(closed, 0o755)
        self.assert_well(43)
        self.assert_said(SERVING)


class Store(FaultCase):
    """Another process locks the store."""

    def locked(self):
        """Locks the store until the connection is closed."""
        other = self.world.connect()
        self.addCleanup(other.close)
        other.execute('BEGIN EXCLUSIVE')
        return other

    def test_locked_store_is_reported_once_and_awaited(self):
        world = self.faulty_world()
        world.start()
        self.said()
        other = self.locked()
        for _ in range(8):
            self.assertEqual('resourceUnavailable',
                             world.client().set_answer((WEIGHT, 'u', 44)).status)
        self.assertEqual(10, world.get('lbcRealWeight', 1, 1, 1))
        # All refused SETs are one line.
        self.assert_said('error: .store. .*/lbcluster.db: locked by another program .*; '
                         'GETs are answered from memory, SETs are refused')
        other.execute('ROLLBACK')
        self.assert_well(45)
        self.world.wait_value(1, 'lbcSysStoreStatus', 0)
        self.world.wait_logged('is usable again')
        self.assert_said('info: .store. is usable again')

    def test_statistics_with_locked_read_marks_block_no_program(self):
        # A process that was stopped while it locked all read marks of the WAL has the same
        # effect (sqlite.org/walformat.html). SQLite itself waits for 10 s.
        world = self.faulty_world()
        world.start()
        world.import_statistics([{'path': 'web/http/a', 'active': True}])
        world.wait_value(1, 'lbcRealStatsActive', 1, 1, 1)
        with open(os.path.join(world.store, 'lbcluster-stats.db-shm'), 'r+b') as marks:
            fcntl.lockf(marks, fcntl.LOCK_EX, 5, 123)
            with world.slowest_get() as slowest:
                self.assertEqual('noError', world.client().set_answer((WEIGHT, 'u', 44)).status)
                self.watchdog.wait_messages(5)
            self.assertLess(slowest[0], STALL_S + self.watchdog.late)
        self.assert_well(45)
        world.import_statistics([{'path': 'web/http/a', 'active': False}])
        world.wait_value(mib.FALSE, 'lbcRealStatsActive', 1, 1, 1)

    def test_locked_statistics_keep_no_program_from_starting(self):
        # A program was stopped in a recovery of the WAL, in a replacement of the file, or with
        # locking_mode = EXCLUSIVE.
        world = self.faulty_world()
        world.start_master()
        world.import_statistics([{'path': 'web/http/a', 'active': True}])
        path = os.path.join(world.store, 'lbcluster-stats.db')
        for weight, way in enumerate((self.recovery, self.replacement, self.exclusive), 50):
            with self.subTest(way.__name__):
                with contextlib.closing(world.connect('lbcluster-stats.db')) as other:
                    other.execute('SELECT count(*) FROM statistics').fetchall()
                    with way(path, other):
                        world.start_daemon()
                        world.wait_served()
                        self.assertRegex(world.daemon_log(), 'error: .store. .*lbcluster-stats.*: '
                                         'locked by another program.*; statistics are not used')
                        world.ctl('set-weight', 'web/http/a', '%d' % weight)
                        self.assertEqual(weight, world.get('lbcRealWeight', 1, 1, 1))
                        listed = world.ctl('list', '-r', check=False)
                        self.assertIn('web/http/a', listed.stdout)
                        self.assertIn('statistics are not used', listed.stderr)
                world.wait_logged('lbcluster-stats.db: open; statistics are used again',
                                  count=weight - 49)
                world.import_statistics([{'path': 'web/http/a', 'active': True,
                                          'bps_in': weight}])
                world.wait_value(weight, 'lbcRealStatsInBitRate', 1, 1, 1)
                world.stop_daemon()

    @contextlib.contextmanager
    def recovery(self, path, other):
        with open(path + '-shm', 'r+b') as shared:
            fcntl.lockf(shared, fcntl.LOCK_EX, 7, 121)
            yield

    @contextlib.contextmanager
    def replacement(self, path, other):
        with open(path + '.lock', 'rb') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def exclusive(self, path, other):
        other.execute('PRAGMA locking_mode = EXCLUSIVE')
        other.execute('UPDATE statistics SET active = 0')
        yield

    def test_fifo_in_place_of_the_journal_blocks_nothing(self):
        # open(2) of a FIFO waits for a writer. lbclusterd opens the journal in every turn.
        world = self.faulty_world()
        world.start()
        path = os.path.join(world.store, 'lbcluster.db-journal')
        os.rename(path, path + '.away')
        os.mkfifo(path)
        with world.slowest_get() as slowest:
            self.assertEqual('resourceUnavailable',
                             world.client().set_answer((WEIGHT, 'u', 60)).status)
            self.watchdog.wait_messages(2)
        self.assertLess(slowest[0], STALL_S + self.watchdog.late)
        world.wait_logged('lbcluster.db-journal: not a regular file; move it away')
        world.stop_daemon()
        os.unlink(path)
        os.rename(path + '.away', path)
        world.start_daemon()
        self.assert_well(61)

    def test_store_locked_daemon_ends_on_sigterm(self):
        world = self.faulty_world()
        world.start()
        other = self.locked()
        # lbclusterd finds in every turn that it has a change to read and cannot.
        other.execute('UPDATE real_service SET weight = 99')
        self.watchdog.wait_messages(1)
        world.stop_daemon()

    def test_file_as_large_as_its_limit_refuses_sets_and_recovers(self):
        # Like LimitFSIZE= of systemd. A write beyond the limit sends SIGXFSZ.
        world = self.faulty_world()
        world.start()
        none = resource.RLIM_INFINITY
        # Before the last page of the journal: SQLite gives no reason for its failure.
        resource.prlimit(world.daemon.pid, resource.RLIMIT_FSIZE, (24576, none))
        answer = world.client().set_answer((WEIGHT, 'u', 46)).status
        self.assertIn(answer, ('commitFailed', 'undoFailed'))
        world.wait_logged('cannot grow: File too large; '
                          'GETs are answered from memory')
        self.assertEqual(10, world.get('lbcRealWeight', 1, 1, 1))
        resource.prlimit(world.daemon.pid, resource.RLIMIT_FSIZE, (none, none))
        wait_for(lambda: world.client().set_answer((WEIGHT, 'u', 47)).status == 'noError', 10,
                 'a SET when files may grow again')
        self.assert_well(48)

    def test_store_locked_at_start_daemon_ends_on_sigterm(self):
        world = self.faulty_world()
        self.locked()
        world.start_daemon(wait=False)
        wait_for(lambda: has_open(world.daemon.pid, 'lbcluster.db'), 10,
                 'lbclusterd opens the store')
        world.stop_daemon()


class Large(FaultCase):
    """More work than fits in one turn of the loop."""

    MANY, SERVICES = 20000, 20
    SLICES = 6000       # more rows than one turn of the loop reads

    def large_world(self, reals):
        """Fills the store with SQL, which is faster."""
        world = self.faulty_world()
        with contextlib.closing(world.connect()) as store:
            store.execute('BEGIN IMMEDIATE')
            store.executemany('INSERT INTO service (cluster_id, name) VALUES (1, ?)',
                              [('s%d' % s,) for s in range(self.SERVICES)])
            store.executemany('INSERT INTO real_service (service_id, name) VALUES (?, ?)',
                              [(2 + i % self.SERVICES, 'r%d' % i) for i in range(reals)])
            store.execute('COMMIT')
        return world

    def measure(self, active):
        """Changes all rows in one transaction."""
        with contextlib.closing(self.world.connect('lbcluster-stats.db')) as store:
            store.execute('BEGIN IMMEDIATE')
            store.executemany(
                'INSERT INTO statistics (real_id, active, last_update)'
                ' VALUES (?, ?, unixepoch()) ON CONFLICT (real_id) DO UPDATE SET'
                ' active = excluded.active', [(2 + i, active) for i in range(self.MANY)])
            store.execute('COMMIT')

    @contextlib.contextmanager
    def no_wait(self):
        """No GET waits too long during the block, and enough GETs are sent."""
        with self.world.slowest_get() as slowest:
            yield
        self.assertLess(slowest[0], STALL_S + self.watchdog.late)

    def test_20000_notifications_delay_no_request(self):
        world = self.large_world(self.MANY)
        traps = Traps(world)
        self.measure(True)
        world.start()
        with self.no_wait():
            self.measure(False)
            traps.wait('lbcRealActiveChange', 500, 30)
        self.watchdog.assert_no_stall()
        # Many notifications are not sent yet.
        self.assertLess(len(traps.all('lbcRealActiveChange')), self.MANY // 2)
        world.stop_daemon()

    def test_large_inventory_delays_no_request(self):
        world = self.large_world(self.SLICES)
        world.start()
        self.said()
        with self.no_wait():
            world.ctl('remove', 'web')
            world.wait_value(0, 'lbcSysReals', 0, deadline_s=10)
        # After SIGCONT the whole inventory has to be read, and SIGTERM is pending.
        world.daemon.signal(signal.SIGSTOP)
        world.load('cluster b { service s {' + ''.join(
            'real r%d { address = 10.0.0.1 }\n' % i for i in range(self.SLICES)) + '} }')
        world.daemon.signal(signal.SIGTERM)
        world.daemon.signal(signal.SIGCONT)
        self.assertEqual(0, world.daemon.wait_in_time())


if __name__ == '__main__':
    main()
