# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# lbcluster.db is truncated, damaged, of another program, of a newer version, a link, a directory
# or a FIFO. lbclusterd, lbclusterctl and lbcluster-haproxy refuse it with one line that names
# the file and the remedy, and with the exit status of their manual pages. They leave the file as
# it is and do not block. tests/faults/test_files.c damages every page and the statistics;
# test_files.py plants links under the other names.
"""Files that are not a valid store."""

import contextlib
import hashlib
import os
import shutil
import socket
import sqlite3
import stat
import subprocess

import mib
from haproxy import DRIVER
from harness import LBCLUSTERCTL, LBCLUSTERD, TIMEOUT_FACTOR, Case, as_user, is_root, main, wait_for

INVENTORY = 'cluster web { plane = none  service http { address = 192.0.2.10  port = 80\n%s} }\n' \
    % ''.join('real r%d { address = 10.0.0.%d  port = 80  weight = 10 }\n' % (i, i % 250 + 1)
              for i in range(300))

HANGS_S = 20
NOBODY = (65534, 65534)
PAGE = 4096

# Exit statuses of lbclusterd(8), lbcluster-haproxy(8) and lbclusterctl(1).
DAEMON_REFUSED, DRIVER_REFUSED, CTL_REFUSED = 3, 3, 6


def sql(path, script):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(script)


def cut(path, size):
    os.truncate(path, size)


def spoil(path):
    """Inverts bits in every second byte of the root page of real_service."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        page, = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'real_service'").fetchone()
    with open(path, 'r+b') as file:
        file.seek((page - 1) * PAGE)
        data = bytearray(file.read(PAGE))
        data[::2] = bytes(octet ^ 0x5a for octet in data[::2])
        file.seek((page - 1) * PAGE)
        file.write(data)


def text(path):
    with open(path, 'w', encoding='ascii') as file:
        file.write('This text is not a database.\n' * 10)


def other_database(path):
    os.unlink(path)
    sql(path, 'CREATE TABLE recipe (name)')


def other_application(path):
    other_database(path)
    sql(path, 'PRAGMA application_id = 1')


def link(path):
    os.rename(path, path + '.elsewhere')
    os.symlink(path + '.elsewhere', path)


def in_place(make):
    """Removes the file and calls make(path)."""
    def do(path):
        os.unlink(path)
        make(path)
    return do


def listening(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)


AWAY, BACKUP = 'move it away', 'put a backup in its place'

BAD = {
    'no bytes': (lambda path: cut(path, 0), AWAY),
    'half of its header': (lambda path: cut(path, 50), BACKUP),
    'truncated': (lambda path: cut(path, 5 * PAGE), BACKUP),
    'truncated within a page': (lambda path: cut(path, 5 * PAGE + 17), BACKUP),
    'a damaged page': (spoil, BACKUP),
    'a text': (text, AWAY),
    'another database': (other_database, AWAY),
    'a database of another application': (other_application, AWAY),
    'a newer version': (lambda path: sql(path, 'PRAGMA user_version = 99'), 'use that one'),
    'a negative version': (lambda path: sql(path, 'PRAGMA user_version = -1'), BACKUP),
    'without a table': (lambda path: sql(path, 'DROP TABLE removed'), BACKUP),
    'a link': (link, AWAY),
    'a link to nothing': (in_place(lambda path: os.symlink('/nowhere', path)), AWAY),
    'a directory': (in_place(os.mkdir), AWAY),
    'a FIFO': (in_place(os.mkfifo), AWAY),
    'a socket': (in_place(listening), AWAY),
    'a device': (in_place(lambda path: os.mknod(path, stat.S_IFCHR | 0o666,
                                                os.makedev(1, 5))), AWAY),
    'not readable': (lambda path: os.chmod(path, 0), 'check its owner and mode'),
}

# Only root can create these, or run the programs as another user.
NEEDS_ROOT = ('a device', 'not readable')


def picture(path):
    """What must not change: inode, mode and content."""
    info = os.lstat(path)
    content = None
    if stat.S_ISREG(info.st_mode):
        with open(path, 'rb') as file:
            content = hashlib.sha256(file.read()).hexdigest()
    return info.st_ino, info.st_mode, info.st_size, content


class BadFiles(Case):
    """A damaged store in each test."""

    def setUp(self):
        self.world = self.new_world()
        self.world.load(INVENTORY)
        self.db = os.path.join(self.world.store, 'lbcluster.db')
        self.kept = os.path.join(self.world.dir, 'kept')
        shutil.copytree(self.world.store, self.kept)

    def restore(self):
        shutil.rmtree(self.world.store)
        shutil.copytree(self.kept, self.world.store)

    def commands(self):
        """(name, command, its exit status)"""
        store = ['-s', self.world.store]
        return [
            ('lbclusterd', [LBCLUSTERD, '-f', '-c', self.world.conf, '-x',
                            os.path.join(self.world.dir, 'nobody'), *store], DAEMON_REFUSED),
            ('driver', [DRIVER, '-c', self.world.conf, '-l', 'error', '--once', *store],
             DRIVER_REFUSED),
            ('export', [LBCLUSTERCTL, *store, 'export'], CTL_REFUSED),
            ('set-weight', [LBCLUSTERCTL, *store, 'set-weight', 'web/http/r0', '11'],
             CTL_REFUSED),
        ]

    def test_bad_file_is_refused_by_all_programs_and_unchanged(self):
        for bad, (make, remedy) in BAD.items():
            if bad in NEEDS_ROOT and not is_root():
                continue
            self.restore()
            make(self.db)
            before = picture(self.db)
            for name, argv, status in self.commands():
                if bad == 'not readable':
                    os.chmod(self.world.dir, 0o755)
                    os.chmod(self.world.store, 0o777)
                    argv = as_user(argv, *NOBODY)
                with self.subTest(bad, program=name):
                    done = subprocess.run(argv, capture_output=True, text=True, check=False,
                                          timeout=HANGS_S * TIMEOUT_FACTOR)
                    self.assertEqual(status, done.returncode, done.stderr)
                    self.assertEqual(1, done.stderr.count('\n'), done.stderr)
                    self.assertIn(self.db, done.stderr)
                    self.assertIn(remedy, done.stderr)
                    self.assertEqual(before, picture(self.db))

    def test_bad_file_that_replaces_the_store_is_refused_until_it_is_removed(self):
        """lbclusterd answers GETs from memory."""
        world = self.world
        world.start()
        weight = mib.oid('lbcRealWeight', *world.number('web/http/r0'))
        good = self.db + '.good'
        for bad in ('another database', 'a link to nothing', 'a directory', 'a FIFO'):
            with self.subTest(bad):
                os.rename(self.db, good)
                shutil.copy(good, self.db)
                BAD[bad][0](self.db)
                before = picture(self.db)
                world.wait_value(mib.STORE_UNAVAILABLE, 'lbcSysStoreStatus', 0, deadline_s=10)
                self.assertEqual(('resourceUnavailable', 1), world.client().set_answer(
                    (weight, 'u', 77))[:2])
                self.assertEqual(10, world.client().get(weight).value)
                text = world.get('lbcSysLastRejectText', 0).decode()
                self.assertIn(BAD[bad][1], text)
                self.assertNotIn(world.store, text)
                self.assertEqual(before, picture(self.db))
                (shutil.rmtree if bad == 'a directory' else os.unlink)(self.db)
                os.rename(good, self.db)
                world.wait_value(mib.STORE_OK, 'lbcSysStoreStatus', 0, deadline_s=10)
        self.assertEqual('noError', world.client().set_answer((weight, 'u', 77)).status)
        wait_for(lambda: world.get('lbcJobsActive', 0) == 0, 10, 'its job ends')
        world.stop_daemon()


if __name__ == '__main__':
    main()
