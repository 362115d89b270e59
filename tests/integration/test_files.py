# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The files of the store have the owner, group and mode of lbcluster-store(5), whichever program
# creates them and with any umask. root, the user of lbclusterd and an operator of its group use
# one store in any order. No link planted in the directory leads to another file.
"""Files of the store: owner, modes, links."""

import itertools
import os
import shutil
import signal
import stat
import subprocess
import tempfile

from haproxy import DRIVER
from harness import (
    LBCLUSTERCTL, LBCLUSTERD, TIMEOUT_FACTOR, Case, Program, as_user, is_root, main, wait_for)

INVENTORY = """
cluster web { plane = none  service http { address = 192.0.2.10  port = 80
    real a { address = 10.0.0.1  port = 80  weight = 10 } } }
"""
MEASURED = '{"path": "web/http/a", "active": true}\n'

# uid, gid, further groups of the users of a store.
ROOT = None
DAEMON = (60001, 60001)
OPERATOR = (60002, 60002, (60001,))
STRANGER = (60003, 60003)
WHO = {'root': ROOT, 'daemon': DAEMON, 'operator': OPERATOR}

UMASKS = (0, 0o027, 0o077)

FILES = {'lbcluster.db', 'lbcluster.db-journal', 'lbcluster-stats.db',
         'lbcluster-stats.db-wal', 'lbcluster-stats.db-shm', 'lbcluster-stats.db.lock',
         'lbclusterd.lock', 'lbcluster-haproxy.lock'}

OK, FAILED, BAD_STORE = 0, 6, 3     # exit statuses of lbclusterctl(1), lbclusterd(8)


class Files(Case):
    """An empty directory that the user of lbclusterd owns."""

    mode = 0o2770

    def setUp(self):
        if not is_root():
            self.skipTest('needs root to run as several users')
        # The test creates hundreds of stores. fsync(2) costs nothing in memory.
        self.dir = tempfile.mkdtemp(
            prefix='lbc-', dir='/dev/shm' if os.path.isdir('/dev/shm') else None)
        self.addCleanup(shutil.rmtree, self.dir)
        os.chmod(self.dir, 0o777)
        self.store = self.path('store')
        os.mkdir(self.store)
        self.world = self.new_world(user=DAEMON, store=self.store)
        os.chmod(self.store, self.mode)
        self.inventory = self.path('inventory.conf')
        with open(self.inventory, 'w', encoding='utf-8') as file:
            file.write(INVENTORY)
        os.chmod(self.inventory, 0o644)

    def path(self, name):
        return os.path.join(self.dir, name)

    def argv(self, who, *argv):
        return as_user(argv, *who) if who else list(argv)

    def run_as(self, who, *argv, umask=0o022, stdin=''):
        return subprocess.run(self.argv(who, *argv), input=stdin, text=True, umask=umask,
                              capture_output=True, timeout=60 * TIMEOUT_FACTOR, check=False)

    def ctl(self, who, *args, **options):
        return self.run_as(who, LBCLUSTERCTL, '-s', self.store, *args, **options)

    def driver(self, who, **options):
        return self.run_as(who, DRIVER, '-c', self.world.conf, '-s', self.store, '-l', 'error',
                           '--once', **options)

    def start(self, who, umask=0o022):
        """Starts lbclusterd and waits until it has opened its store."""
        log = os.path.join(self.world.dir, 'lbclusterd.log')
        size = os.path.getsize(log) if os.path.exists(log) else 0
        argv = self.argv(who, LBCLUSTERD, '-f', '-c', self.world.conf, '-s', self.store,
                         '-x', self.path('nobody'))
        daemon = Program('lbclusterd', ['sh', '-c', 'umask %o; exec "$@"' % umask, 'sh', *argv],
                         log)
        self.addCleanup(lambda: daemon.alive() and daemon.kill())
        daemon.said = lambda: self.world.daemon_log()[size:]
        wait_for(lambda: 'no AgentX master' in daemon.said() or not daemon.alive(), 10,
                 'lbclusterd starts')
        return daemon

    def assert_done(self, done):
        self.assertEqual((OK, ''), (done.returncode, done.stderr))

    def use(self, who, weight, umask=0o022):
        """Runs the commands that write to the store."""
        self.assert_done(self.ctl(who, 'set-weight', 'web/http/a', str(weight), umask=umask))
        self.assert_done(self.ctl(who, 'import-statistics', '-', stdin=MEASURED, umask=umask))

    def empty(self):
        for name in os.listdir(self.store):
            os.unlink(os.path.join(self.store, name))


class Modes(Files):
    """Mode 0660, group of the directory; if root creates the file, also its owner."""

    def assert_modes(self, maker):
        for name in os.listdir(self.store):
            info = os.lstat(os.path.join(self.store, name))
            self.assertEqual(0o100660, info.st_mode, name)
            self.assertEqual(DAEMON[1], info.st_gid, name)
            self.assertIn(info.st_uid, (DAEMON[0], (maker or DAEMON)[0]), name)

    def test_files_belong_to_the_group_with_any_creator_and_umask(self):
        for (name, who), umask in itertools.product(WHO.items(), UMASKS):
            with self.subTest(name, umask='%03o' % umask):
                self.empty()
                self.assert_done(self.ctl(who, 'load', self.inventory, umask=umask))
                daemon = self.start(who, umask)
                self.use(who, 5, umask)
                self.assert_done(self.driver(who, umask=umask))
                self.assertEqual(FILES, set(os.listdir(self.store)))
                self.assert_modes(who)
                self.assertEqual(0, daemon.end())
                self.assert_modes(who)

    def test_created_directory_belongs_to_the_group(self):
        for umask in UMASKS:
            os.rmdir(self.store)
            self.assert_done(self.ctl(DAEMON, 'load', self.inventory, umask=umask))
            info = os.stat(self.store)
            self.assertEqual((0o42770, *DAEMON), (info.st_mode, info.st_uid, info.st_gid))
            self.empty()

    def test_other_users_have_no_access(self):
        self.assert_done(self.ctl(DAEMON, 'load', self.inventory))
        daemon = self.start(DAEMON)
        for args in (['list'], ['load', self.inventory], ['set-weight', 'web/http/a', '3']):
            done = self.ctl(STRANGER, *args)
            self.assertEqual(FAILED, done.returncode, args)
            self.assertIn('Permission denied', done.stderr)
        # The modes of the files also refuse it if the directory is open.
        os.chmod(self.store, 0o2775)
        for name in os.listdir(self.store):
            done = self.run_as(STRANGER, 'cat', os.path.join(self.store, name))
            self.assertIn('Permission denied', done.stderr, name)
        self.assertEqual(0, daemon.end())


class Together(Files):
    """No user leaves a file that another user cannot use."""

    def test_users_may_write_in_any_order(self):
        for order in itertools.permutations(WHO):
            with self.subTest(order=order):
                self.empty()
                self.assert_done(self.ctl(WHO[order[0]], 'load', self.inventory, umask=0o077))
                for weight, name in enumerate(order + order[:1]):
                    self.use(WHO[name], weight + 1, umask=0o077)

    def test_each_user_may_write_while_lbclusterd_runs(self):
        self.assert_done(self.ctl(ROOT, 'load', self.inventory, umask=0o077))
        daemon = self.start(DAEMON)
        for weight, who in enumerate(WHO.values()):
            self.use(who, weight + 1, umask=0o077)
            self.assert_done(self.driver(who, umask=0o077))
        self.assertEqual(0, daemon.end())

    def test_killed_operator_leaves_no_unusable_file(self):
        self.assert_done(self.ctl(OPERATOR, 'load', self.inventory))
        log = os.path.join(self.store, 'lbcluster-stats.db-wal')
        for name in ('operator', 'root'):
            other = subprocess.Popen(
                self.argv(WHO[name], LBCLUSTERCTL, '-s', self.store, 'import-statistics', '-'),
                stdin=subprocess.PIPE, umask=0o077)
            wait_for(lambda: os.path.exists(log), 10, 'the statistics are open')
            os.kill(other.pid, signal.SIGKILL)
            other.wait()
            other.stdin.close()
            daemon = self.start(DAEMON)
            self.assertTrue(daemon.alive(), daemon.said())
            self.use(DAEMON, 7)
            self.assertEqual(0, daemon.end())

    def test_lbclusterd_of_root_leaves_no_unusable_file(self):
        daemon = self.start(ROOT, umask=0o077)
        self.assertEqual(0, daemon.end())
        self.assert_done(self.driver(ROOT, umask=0o077))
        daemon = self.start(DAEMON)
        self.assertTrue(daemon.alive(), daemon.said())
        self.assert_done(self.driver(DAEMON))
        self.assertEqual(0, daemon.end())

    def test_journal_of_another_user_is_named(self):
        self.assert_done(self.ctl(DAEMON, 'load', self.inventory))
        part = os.path.join(self.store, 'lbcluster.db-journal')
        os.chown(part, 0, 0)
        os.chmod(part, 0o600)
        done = self.ctl(DAEMON, 'set-weight', 'web/http/a', '3')
        self.assertEqual(FAILED, done.returncode)
        self.assertIn(part + ': cannot be written', done.stderr)

    def test_lock_file_of_another_user_is_named_with_the_right_owner(self):
        self.assert_done(self.ctl(DAEMON, 'load', self.inventory))
        lock = os.path.join(self.store, 'lbclusterd.lock')
        with open(lock, 'x', encoding='ascii'):
            os.chmod(lock, 0o600)
        daemon = self.start(DAEMON)
        self.assertEqual(BAD_STORE, daemon.wait())
        self.assertIn(lock + ': Permission denied; the file must have the owner '
                      'and the group of its directory', daemon.said())
        shutil.chown(lock, *DAEMON)
        daemon = self.start(DAEMON)
        self.assertEqual(0, daemon.end())

    def test_directory_of_another_user_is_named_with_the_remedy(self):
        self.assert_done(self.ctl(DAEMON, 'load', self.inventory))
        os.chown(self.store, 0, 0)
        os.chmod(self.store, 0o755)
        daemon = self.start(DAEMON)
        self.assertEqual(BAD_STORE, daemon.wait())
        self.assertIn('lbcluster-stats.db: read-only; check the owner and mode of the file and of '
                      'its directory', daemon.said())
        self.empty()
        daemon = self.start(DAEMON)
        self.assertEqual(BAD_STORE, daemon.wait())
        self.assertIn('Permission denied; the directory must be writable by this user or its '
                      'group', daemon.said())


class Planted(Files):
    """Another user may write to the directory and has planted a file under each name that
    a program creates or opens. root runs the programs. The protection of the kernel
    (fs.protected_symlinks) covers sticky directories only."""

    mode = 0o777

    # A program either refuses the file and names it, or works.
    PROGRAMS = ('load', 'daemon', 'driver')
    ALL = set(PROGRAMS)
    NAMES = {   # name -> programs that refuse it, without a store and with one
        'lbcluster.db': (ALL, ALL),
        'lbcluster.db-journal': (ALL, ALL),
        'lbcluster-stats.db': (set(), set()),           # created again in its place
        'lbcluster-stats.db-journal': (set(), set()),
        'lbcluster-stats.db-wal': (set(), set()),
        'lbcluster-stats.db-shm': (set(), set()),
        'lbcluster-stats.db.ill': (set(), set()),
        'lbcluster-stats.db.lock': (ALL, ALL),
        'lbclusterd.lock': ({'daemon'}, {'daemon'}),
        'lbcluster.undo-7': (set(), set()),             # undone and removed
        'lbcluster-haproxy.lock': ({'driver'}, {'driver'}),
    }

    def run_program(self, name):
        """(True if the program succeeded, its messages)"""
        if name == 'daemon':
            daemon = self.start(ROOT)
            if daemon.alive():
                return daemon.end() == 0, daemon.said()
            return daemon.wait() == 0, daemon.said()
        done = self.driver(ROOT) if name == 'driver' else self.ctl(ROOT, 'load', self.inventory)
        return done.returncode == 0, done.stderr

    def plant(self, name, how):
        """Plants the file. Returns a function that gives the state of the victim."""
        victim = self.path('victim')
        planted = os.path.join(self.store, name)
        for old in (victim, planted):
            if os.path.lexists(old):
                os.unlink(old)
        if how not in ('dangling', 'fifo'):
            with open(victim, 'w', encoding='ascii') as file:
                file.write('precious\n')
            os.chmod(victim, 0o600)
        if how == 'fifo':
            os.mkfifo(planted, 0o666)
        elif how == 'name':
            os.link(victim, planted)
        else:
            os.symlink(victim, planted)
        if how != 'name':
            os.chown(planted, *STRANGER, follow_symlinks=False)

        def state():
            if not os.path.lexists(victim):
                return None
            info = os.stat(victim)
            with open(victim, encoding='ascii') as file:
                text = file.read()
            return text, stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid
        return state

    def assert_harmless(self, name, how, refused):
        state = self.plant(name, how)
        before = state()
        for program in self.PROGRAMS:
            with self.subTest(name, how=how, program=program):
                worked, said = self.run_program(program)
                self.assertEqual(before, state(), said)
                self.assertEqual(program not in refused, worked, said)
                if program in refused:
                    self.assertIn(os.path.join(self.store, name), said)
                    self.assertRegex(said, 'move it away')

    def test_link_is_not_followed_without_a_store(self):
        for (name, (refused, _)), how in itertools.product(
                self.NAMES.items(), ('link', 'dangling')):
            self.empty()
            self.assert_harmless(name, how, refused)

    def test_link_is_not_followed_with_a_store(self):
        for (name, (_, refused)), how in itertools.product(
                self.NAMES.items(), ('link', 'dangling')):
            self.empty()
            self.assert_done(self.ctl(ROOT, 'load', self.inventory))
            self.assert_harmless(name, how, refused)

    def test_fifo_is_not_waited_for(self):
        for name, (_, refused) in self.NAMES.items():
            self.empty()
            self.assert_done(self.ctl(ROOT, 'load', self.inventory))
            self.assert_harmless(name, 'fifo', refused)

    def test_hard_link_is_not_written_to(self):
        # fs.protected_hardlinks forbids this by default.
        for name, (refused, _) in self.NAMES.items():
            if name.endswith('.lock'):
                self.empty()
                self.assert_harmless(name, 'name', refused)


if __name__ == '__main__':
    main()
