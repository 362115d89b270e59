# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# A disk that is full, has no free inodes, or is read-only, under a running lbclusterd. Reads go
# on, SETs are refused before anything is written, and lbclusterctl reports the cause and exits
# with its documented status. Nothing is done in part. SETs work again without a restart.
"""Disks that are full or read-only."""

import contextlib
import os
import resource
import subprocess
import tempfile

import mib
from haproxy import DRIVER
from harness import TIMEOUT_FACTOR, Case, main, wait_for
from mounts import mounted, read_only

REAL = 'real %s { address = 10.0.0.1  port = 80  weight = 10 }\n'
INVENTORY = """cluster web { plane = none  service http {
    address = 192.0.2.10  port = 80
    %s%s} }
""" % (REAL % 'a', REAL % 'b')
# More than what is free on a disk that is nearly full.
LARGE = 'cluster large { plane = none  service http { address = 192.0.2.11  port = 80\n%s} }\n' \
    % ''.join(REAL % ('n%d' % i) for i in range(20000))
MEASURED = '{"path": "web/http/a", "active": true}\n'

# Exit statuses of lbclusterd(8) and lbclusterctl(1).
FAILED, CTL_REFUSED = 1, 6
BLOCK = b'x' * 4096
RECOVERS_S = 10


def fill(path, leave=0):
    """Fills the file system at path except for so many bytes."""
    with open(os.path.join(path, 'ballast'), 'wb', buffering=0) as file, \
            contextlib.suppress(OSError):
        while os.statvfs(path).f_bavail * os.statvfs(path).f_frsize > leave:
            file.write(BLOCK)


def use_up_names(path):
    with contextlib.suppress(OSError):
        while True:
            os.close(tempfile.mkstemp(prefix='ballast-', dir=path)[0])


def give_back(path):
    for name in os.listdir(path):
        if name.startswith('ballast'):
            os.unlink(os.path.join(path, name))


class Disk(Case):
    """A store on its own file system."""

    def setUp(self):
        self.world = self.new_world()
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.stack.enter_context(mounted(
            self.world.store, '-t', 'tmpfs', '-o', 'size=3m,nr_inodes=40,mode=0770', 'tmpfs'))
        self.world.load(INVENTORY)
        self.world.start()
        self.addCleanup(self.world.close)       # before the file system is unmounted
        self.row = self.world.number('web/http/a')
        self.weight = mib.oid('lbcRealWeight', *self.row)

    def set(self, value):
        return self.world.client().set_answer((self.weight, 'u', value))[:2]

    def stored(self):
        """Everything that a SET or a command can change."""
        return (self.world.sql('SELECT id, weight, fallback, enabled FROM real_service'),
                self.world.sql('SELECT id, state FROM job'),
                self.world.sql('SELECT name, value FROM setting'))

    def assert_refused(self, message, args, stdin=None):
        done = self.world.ctl(*args, check=False, stdin=stdin)
        self.assertEqual(CTL_REFUSED, done.returncode, done.stderr)
        self.assertEqual(1, done.stderr.count('\n'), done.stderr)
        self.assertIn(self.world.store, done.stderr)
        self.assertIn(message, done.stderr)

    def assert_read_only(self, status, reason, message, statistics=True):
        """Nothing can be written, everything can be read."""
        before = self.stored()
        self.world.wait_value(status, 'lbcSysStoreStatus', 0, deadline_s=RECOVERS_S)
        for value in (77, 78):
            self.assertEqual(('resourceUnavailable', 1), self.set(value))
        self.assertEqual(10, self.world.client().get(self.weight).value)
        self.assertEqual(reason, self.world.get('lbcSysLastRejectReason', 0))
        text = self.world.get('lbcSysLastRejectText', 0).decode()
        self.assertIn(message, text)
        self.assertNotIn(self.world.store, text)
        self.assert_refused(message, ['set-weight', 'web/http/a', '77'])
        self.assert_refused(message, ['remove', 'web/http/b'])
        if statistics:
            self.assert_refused(message, ['import-statistics', '-'], stdin=MEASURED * 2000)
        self.assertIn('real a', self.world.ctl('export').stdout)
        self.assertEqual(before, self.stored())

    def assert_no_start(self, message, *before):
        """The daemons end with the status on which systemd starts them again."""
        for argv in (self.world.daemon_argv(),
                     [DRIVER, '-f', '-s', self.world.store, '-c', self.world.conf]):
            done = subprocess.run([*before, *argv], capture_output=True, text=True, check=False,
                                  timeout=60 * TIMEOUT_FACTOR)
            self.assertEqual(FAILED, done.returncode, done.stderr)
            self.assertRegex(done.stderr, r'error: \[store\] %s.*%s' % (self.world.store, message))

    def assert_writable(self):
        """SETs work without a restart."""
        def works():
            return self.set(11)[0] == 'noError' and self.set(10)[0] == 'noError'
        wait_for(works, RECOVERS_S, 'a SET works again')
        self.world.wait_value(mib.STORE_OK, 'lbcSysStoreStatus', 0, deadline_s=RECOVERS_S)
        self.world.ctl('set-weight', 'web/http/b', '12')
        self.world.ctl('set-weight', 'web/http/b', '10')
        self.world.import_statistics([{'path': 'web/http/a', 'active': True}])
        self.assertEqual([('ok',)], self.world.sql('PRAGMA integrity_check'))

    def test_full_disk_refuses_writes_and_recovers(self):
        fill(self.world.store)
        self.assert_read_only(mib.STORE_UNAVAILABLE, mib.REJECT_OTHER, 'the disk is full',
                            statistics=False)
        give_back(self.world.store)
        self.assert_writable()

    def test_limit_of_the_file_size_is_reported_as_no_room(self):
        self.world.stop_daemon()
        self.assert_no_start('cannot grow: File too large',
                             'prlimit', '--fsize=4096')
        self.world.start_daemon()
        self.assert_writable()

    def test_full_disk_is_reported_while_no_program_has_the_statistics_open(self):
        # SQLite then has to create its files beside the statistics.
        self.world.stop_daemon()
        fill(self.world.store)
        self.assert_refused('the disk is full', ['set-weight', 'web/http/a', '77'])
        self.assert_refused('the disk is full', ['import-statistics', '-'], stdin=MEASURED)
        self.assertIn('real a', self.world.ctl('export').stdout)
        self.assert_no_start('the disk is full')
        give_back(self.world.store)
        self.world.start_daemon()
        self.assert_writable()

    def test_load_that_fills_the_disk_keeps_the_old_inventory(self):
        fill(self.world.store, leave=400 * 1024)
        before = self.stored()
        large = os.path.join(self.world.dir, 'large.conf')
        with open(large, 'w', encoding='ascii') as file:
            file.write(LARGE)
        self.assert_refused('the disk is full', ['load', large])
        self.assertEqual(before, self.stored())
        self.assert_writable()      # the rest is enough for a SET
        give_back(self.world.store)

    def test_read_only_disk_refuses_writes_and_recovers(self):
        with read_only(self.world.store):
            self.assert_read_only(mib.STORE_READ_ONLY, mib.REJECT_STORE_READ_ONLY,
                            'cannot be written')
        self.assert_writable()

    def test_disk_that_is_read_only_at_the_start_may_be_remounted(self):
        # A wrong owner has another exit status: test_files.py.
        self.world.stop_daemon()
        with read_only(self.world.store):
            self.assert_no_start('(Read-only file system|cannot be written)')
        self.world.start_daemon()
        self.assert_writable()

    def test_disk_without_inodes_is_reported(self):
        # SQLite keeps its journal file, and the WAL exists while lbclusterd runs.
        use_up_names(self.world.store)
        self.assert_writable()
        self.world.stop_daemon()
        use_up_names(self.world.store)
        self.assert_refused('no free inodes', ['import-statistics', '-'], stdin=MEASURED)
        self.assert_no_start('no free inodes')
        give_back(self.world.store)
        self.world.start_daemon()
        self.assert_writable()


class OpenFiles(Case):
    """The limit of open files (RLIMIT_NOFILE) is reached at the start."""

    LOADER_FAILED = 127
    SERVES_S = 2

    def start(self, argv, limit):
        """The exit status and the messages. The status is 0 if the program serves."""
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, check=False, timeout=self.SERVES_S,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
        except subprocess.TimeoutExpired:
            return 0, ''
        return done.returncode, done.stderr

    def test_too_many_open_files_at_a_start_is_temporary(self):
        world = self.new_world()
        world.load(INVENTORY)
        driver = [DRIVER, '-f', '--once', '-c', world.conf, '-s', world.store]
        for argv in (world.daemon_argv(), driver):
            refused, limit, status = 0, 2, None
            while status != 0:
                limit += 1
                status, messages = self.start(argv, limit)
                with self.subTest(argv[0], limit=limit):
                    self.assertIn(status, (0, FAILED, self.LOADER_FAILED), messages)
                    if status == FAILED:
                        self.assertIn('Too many open files', messages)
                        refused += 1
            self.assertGreater(refused, 2)


if __name__ == '__main__':
    main()
