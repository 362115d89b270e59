# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Backups as lbcluster-store(5) describes them, made while managers SET: each is intact, of one
# moment, and has all SETs that were answered before it began. An incomplete backup is refused
# as a store.
"""Backup and restoration."""

import contextlib
import os
import shutil
import sqlite3
import subprocess

from harness import LBCLUSTERCTL, TIMEOUT_FACTOR, Case, main, wait_for
from mounts import mounted
from snmp import Client
from test_many import INVENTORY, Threads, oid

ROUNDS = 20
PAIRS = ((1, 2), (3, 4))        # real services of each manager, which one SET changes together
# Another program locked the store.
AGAIN = ('resourceUnavailable', 'commitFailed')
CTL_REFUSED = 6                 # lbclusterctl(1)


def vacuum_into(source, path):
    source.execute('VACUUM INTO ?', (path,))


def backup(source, path):
    """Copies in steps, like .backup of sqlite3(1)."""
    with contextlib.closing(sqlite3.connect(path)) as target:
        source.backup(target, pages=10, sleep=0)


WAYS = (vacuum_into, backup)


class Backup(Case):
    """Each test has its own world."""

    def setUp(self):
        self.world = self.new_world()
        self.world.load(INVENTORY)
        self.answered = {}      # pair -> the last weight that was answered with noError

    def manager(self, pair):
        """A function that sets both weights of a pair to growing numbers."""
        client = Client(self.world.port)
        self.addCleanup(client.close)
        self.answered[pair] = 1

        def run(stop):
            while not stop.is_set():
                value = self.answered[pair] + 1
                status = client.set_answer(*[(oid('Weight', number), 'u', value)
                                             for number in pair]).status
                if status == 'noError':
                    self.answered[pair] = value
                elif status not in AGAIN:
                    raise AssertionError(status)
        return run

    def make(self, way, directory):
        """Makes a backup in a new directory and returns its path."""
        path = os.path.join(directory, 'lbcluster.db')
        with contextlib.closing(self.world.connect()) as source:
            way(source, path)
        return path

    def ctl(self, directory, *args):
        return subprocess.run([LBCLUSTERCTL, '-s', directory, *args], text=True, check=False,
                              capture_output=True, timeout=60 * TIMEOUT_FACTOR)

    def assert_good(self, path, answered):
        """The backup is intact, of one moment, and has all answered SETs; returns its weights."""
        done = self.ctl(os.path.dirname(path), 'export')
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        self.assertIn('real r4', done.stdout)
        with contextlib.closing(sqlite3.connect(path)) as copy:
            self.assertEqual([('ok',)], copy.execute('PRAGMA integrity_check').fetchall())
            self.assertEqual([], copy.execute('PRAGMA foreign_key_check').fetchall())
            weights = dict(copy.execute('SELECT id, weight FROM real_service'))
            # lbclusterd releases held jobs when it starts.
            weights.update(copy.execute('SELECT real_id, new_value FROM job WHERE state = 0'
                                        ' ORDER BY id'))
            jobs = dict(copy.execute('SELECT real_id, new_value FROM job WHERE id IN'
                                     ' (SELECT max(id) FROM job GROUP BY real_id)'))
        for pair, value in answered.items():
            self.assertEqual(1, len({weights[number] for number in pair}), weights)
            self.assertLessEqual(value, weights[pair[0]])
        self.assertEqual(weights, {**dict.fromkeys(weights, 1), **jobs})
        return weights

    def test_backup_while_managers_set_has_what_was_answered_and_can_be_restored(self):
        self.world.start()
        managers = Threads(*[self.manager(pair) for pair in PAIRS])
        try:
            for number in range(ROUNDS):
                before = dict(self.answered)
                wait_for(lambda before=before: not managers.alive() or all(
                    self.answered[pair] > before[pair] for pair in PAIRS), 20, 'each has set')
                before = dict(self.answered)
                directory = os.path.join(self.world.dir, 'backup%d' % number)
                os.mkdir(directory)
                path = self.make(WAYS[number % len(WAYS)], directory)
                weights = self.assert_good(path, before)
        finally:
            managers.stop.set()
            managers.join()
        self.restore(path)
        self.assertEqual(weights, {number: self.world.get('lbcRealWeight', 1, 1, number)
                                   for number in weights})
        self.assertEqual('noError', self.world.client().set_answer(
            (oid('Weight', 1), 'u', 65535)).status)

    def restore(self, path):
        """The steps of lbcluster-store(5)."""
        self.world.stop_daemon()
        aside = os.path.join(self.world.dir, 'aside')
        os.mkdir(aside)
        for name in os.listdir(self.world.store):
            if name.startswith(('lbcluster.db', 'lbcluster-stats.db')):
                os.rename(os.path.join(self.world.store, name), os.path.join(aside, name))
        shutil.copy(path, self.world.store)
        self.world.start_daemon()

    def test_another_store_that_sqlite_restores_is_read_from_the_beginning(self):
        # The counter of the other store is higher, and its rows have the same ids.
        other = self.new_world()
        other.load('cluster other { service s { real q1 { weight = 5 } real q2 { weight = 6 } } }')
        with contextlib.closing(other.connect()) as source:
            source.execute('UPDATE store SET change = change + 1000')
        self.world.start()
        with contextlib.closing(other.connect()) as source, \
                contextlib.closing(self.world.connect()) as target:
            source.backup(target)
        self.world.wait_value(b'q1', 'lbcRealName', 1, 1, 1)
        self.world.wait_value(2, 'lbcSysReals', 0)
        self.assertEqual(b'q2', self.world.get('lbcRealName', 1, 1, 2))
        self.assertEqual(b'other', self.world.get('lbcClusterName', 1))
        self.assertEqual('noError', self.world.client().set_answer(
            (oid('Weight', 2), 'u', 44)).status)
        self.world.wait_written()
        self.assertEqual([('q2',)], self.world.sql(
            'SELECT name FROM real_service WHERE weight = 44'))

    def test_incomplete_backup_is_refused_as_a_store(self):
        directory = os.path.join(self.world.dir, 'small')
        os.mkdir(directory)
        whole = os.path.getsize(os.path.join(self.world.store, 'lbcluster.db'))
        for way in WAYS:
            for room in (4096, whole // 2 // 4096 * 4096, whole - 4096):
                with self.subTest(way.__name__, room=room), mounted(
                        directory, '-t', 'tmpfs', '-o', 'size=%d' % room, 'tmpfs'):
                    with self.assertRaises(sqlite3.OperationalError):
                        self.make(way, directory)
                    done = self.ctl(directory, 'export')
                    self.assertEqual((CTL_REFUSED, ''), (done.returncode, done.stdout))
                    self.assertIn('lbcluster.db: an empty file, not a store', done.stderr)


if __name__ == '__main__':
    main()
