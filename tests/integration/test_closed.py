# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Programs that start with closed standard input, output or error, as some supervisors and cron
# jobs start them. A file of the store must not get descriptor 0, 1 or 2: the log would be
# written to the file, and daemonizing would close the file and release its lock.
"""Closed standard descriptors."""

import contextlib
import os
import signal
import subprocess

from haproxy import DRIVER
from harness import (
    LBCLUSTERCTL, LBCLUSTERD, TIMEOUT_FACTOR, Case, Program, has_open, main, wait_for)

INVENTORY = """
cluster web { plane = none  service http { address = 192.0.2.10  port = 80
    real a { address = 10.0.0.1  port = 80  weight = 10 } } }
"""

CLOSED = ((0,), (2,), (0, 1, 2))
OK, TAKEN = 0, 4    # exit statuses of lbclusterctl(1), lbclusterd(8)


def without(closed, argv):
    """The command with these descriptors closed."""
    return ['sh', '-c', 'exec "$@" %s' % ' '.join('%d<&-' % fd for fd in closed), 'sh', *argv]


class Closed(Case):

    def setUp(self):
        self.world = self.new_world()
        self.world.load(INVENTORY)

    def path(self, name):
        return os.path.join(self.world.store, name)

    def argv(self, name):
        common = ['-c', self.world.conf, '-s', self.world.store]
        return [LBCLUSTERD, *common, '-x', self.world.socket] if name == 'lbclusterd' else [
            DRIVER, *common]

    def lock_text(self, name):
        with contextlib.suppress(FileNotFoundError), \
                open(self.path(name + '.lock'), encoding='ascii') as file:
            return file.read()
        return ''

    def test_store_gets_no_standard_descriptor(self):
        for name in ('lbclusterd', 'lbcluster-haproxy'):
            # From the second run on, the lock is the first file that the program opens.
            for closed in ((), *CLOSED):
                with self.subTest(name, closed=closed):
                    self.check(name, closed)

    def check(self, name, closed):
        program = Program(name, without(closed, [*self.argv(name), '-f']),
                          self.world.dir + '/%s.log' % name)
        self.addCleanup(lambda: program.alive() and program.kill())
        wait_for(lambda: has_open(program.pid, 'lbcluster-stats.db-wal') and
                 self.lock_text(name) == '%d\n' % program.pid, 10, 'a start')
        for fd in range(3):
            self.assertFalse(os.readlink('/proc/%d/fd/%d' % (program.pid, fd)).startswith(
                self.world.store))
        program.signal(signal.SIGHUP)
        self.assertEqual(OK, program.end())
        self.assertEqual('%d\n' % program.pid, self.lock_text(name))

    def test_lock_is_kept_in_the_background(self):
        for name in ('lbclusterd', 'lbcluster-haproxy'):
            # Creates the lock file.
            for _ in range(2):
                subprocess.run(without((0, 1, 2), self.argv(name)), timeout=60 * TIMEOUT_FACTOR,
                               check=True)
                pid = int(self.lock_text(name))
                try:
                    done = subprocess.run([*self.argv(name), '-f'], timeout=60 * TIMEOUT_FACTOR,
                                          capture_output=True, text=True, check=False)
                    self.assertEqual(TAKEN, done.returncode, done.stderr)
                    self.assertIn('(process %d)' % pid, done.stderr)
                finally:
                    os.kill(pid, signal.SIGTERM)
                    wait_for(lambda: not has_open(pid, name + '.lock'), 10, 'its end')

    def test_output_that_cannot_be_written_is_an_error(self):
        done = subprocess.run(without((1,), [LBCLUSTERCTL, '-s', self.world.store, 'list']),
                              timeout=60 * TIMEOUT_FACTOR, stderr=subprocess.PIPE, text=True,
                              check=False)
        self.assertNotEqual(OK, done.returncode)
        self.assertRegex(done.stderr, r'\Albclusterctl: .*\n\Z')


if __name__ == '__main__':
    main()
