# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# lbclusterd as a program: options, configuration, signals, log, its store at the start, and a
# start without privileges.
"""The daemon."""

import contextlib
import os
import re
import signal
import subprocess
import time

import mib
from haproxy import DRIVER
from harness import INVENTORY, LBCLUSTERD, TIMEOUT_FACTOR, Case, Program, is_root, main, wait_for

OK, FAILED, USAGE, BAD_STORE, TAKEN = range(5)      # lbclusterd(8), EXIT STATUS


def run(*args, **options):
    """Runs lbclusterd to its end."""
    return subprocess.run([LBCLUSTERD, *args], capture_output=True, text=True,
                          timeout=60 * TIMEOUT_FACTOR, check=False, stdin=subprocess.DEVNULL,
                          **options)


class Options(Case):
    """Calls that end at once."""

    def setUp(self):
        self.world = self.new_world()

    def check(self, text, *args):
        with open(self.world.conf, 'w', encoding='utf-8') as file:
            file.write(text)
        return run('--check', '-c', self.world.conf, *args)

    def test_version_is_printed(self):
        done = run('--version')
        self.assertEqual(OK, done.returncode)
        self.assertRegex(done.stdout, r'\Alb\w+ \d+\.\d+')
        self.assertEqual('', done.stderr)

    def test_output_that_cannot_be_written_is_a_failure(self):
        for program in (LBCLUSTERD, DRIVER):
            for option in ('--version', '--help'):
                with open('/dev/full', 'w', encoding='utf-8') as full:
                    done = subprocess.run([program, option], stdout=full, text=True,
                                          stderr=subprocess.PIPE, timeout=60 * TIMEOUT_FACTOR,
                                          check=False)
                self.assertEqual(FAILED, done.returncode)
                self.assertEqual('%s: standard output: No space left on device\n' %
                                 os.path.basename(program), done.stderr)

    def test_unknown_option_is_usage(self):
        for args in (['--nonsense'], ['-l', 'nonsense'], ['-c'], ['operand'], ['-Z'],
                     ['-s', '', '--check'], ['-x', '', '--check']):
            done = run(*args)
            self.assertEqual(USAGE, done.returncode, args)
            self.assertNotEqual('', done.stderr)

    def test_check_of_good_configuration_is_ok(self):
        done = self.check('store = "/srv/x"\nagentx-socket = "/run/x"\nlog-level = debug\n'
                          'stale-after = 60\njob-max-rows = 50\ncpu = 0\n')
        self.assertEqual((OK, ''), (done.returncode, done.stderr))
        self.assertEqual(OK, self.check('').returncode)
        self.assertEqual(OK, self.check('# nothing\n').returncode)

    def test_check_of_bad_configuration_names_file_and_line(self):
        good = '# first\nlog-level = info\n'
        for line in ('stale-after = 0', 'stale-after = 86401', 'stale-after = -1',
                     'stale-after = soon', 'stale-after = 99999999999999999999',
                     'job-max-rows = 9', 'job-max-rows = 100001', 'log-level = loud',
                     'notify-min-interval = -1', 'notify-min-interval = 3601',
                     'nonsense = 1', 'store =', 'stale-after 5'):
            done = self.check(good + line + '\n')
            self.assertEqual(USAGE, done.returncode, line)
            self.assertRegex(done.stderr, re.escape(self.world.conf) + (
                ':[34]:' if line == 'store =' else ':3:'), line)

    def test_setting_given_twice_is_refused_with_both_lines(self):
        done = self.check('stale-after = 60\nlog-level = info\nstale-after = 90\n')
        self.assertEqual(USAGE, done.returncode)
        self.assertIn(self.world.conf + ':3: stale-after is given twice, first at line 1',
                      done.stderr)

    def test_bounds_of_configuration_are_ok(self):
        for line in ('stale-after = 1', 'stale-after = 86400', 'job-max-rows = 10',
                     'job-max-rows = 100000', 'notify-min-interval = 0',
                     'notify-min-interval = 3600'):
            self.assertEqual(OK, self.check(line + '\n').returncode, line)

    def test_missing_configuration_is_refused(self):
        done = run('--check', '-c', self.world.dir + '/none')
        self.assertEqual(USAGE, done.returncode)
        self.assertIn(self.world.dir + '/none', done.stderr)

    def test_start_with_bad_configuration_is_refused(self):
        with open(self.world.conf, 'w', encoding='utf-8') as file:
            file.write('stale-after = 0\n')
        done = run('-f', '-c', self.world.conf, '-s', self.world.store, '-x',
                   self.world.socket)
        self.assertEqual(USAGE, done.returncode)
        self.assertIn(self.world.conf + ':1:', done.stderr)
        self.assertEqual([], os.listdir(self.world.store))

    def test_check_creates_no_store(self):
        self.check('store = "%s/made"\n' % self.world.dir)
        self.assertFalse(os.path.exists(self.world.dir + '/made'))


class Start(Case):
    """The store at start."""

    def setUp(self):
        self.world = self.new_world()

    def test_missing_store_is_created_and_served_empty(self):
        os.rmdir(self.world.store)
        self.world.start()
        self.assertEqual(0, self.world.get('lbcSysReals', 0))
        walked = [mib.name_of(varbind.oid) for varbind in self.world.client().walk(mib.ROOT)]
        groups = [mib.oid(name) for name in ('lbcSystem', 'lbcJobs', 'lbcNotify')]
        scalars = [name for name, oid in mib.NAMES.items()
                   if oid[:-1] in groups and not name.endswith('Table')]
        self.assertEqual(sorted(scalars), sorted(walked))
        self.world.load(INVENTORY)
        self.world.wait_value(1, 'lbcSysReals', 0)

    def test_damaged_statistics_are_created_again(self):
        self.world.load(INVENTORY)
        for name in os.listdir(self.world.store):
            if name.startswith('lbcluster-stats.db'):
                os.unlink(os.path.join(self.world.store, name))
        with open(os.path.join(self.world.store, 'lbcluster-stats.db'), 'wb') as file:
            file.write(b'garbage' * 5000)
        self.world.start()
        self.assertEqual(mib.NEVER, self.world.get('lbcRealStatsFreshness', 1, 1, 1))
        self.world.import_statistics([dict(path='web/http/a', active=True,
                                           last_update=1577934245)])
        self.world.wait_value(mib.STALE, 'lbcRealStatsFreshness', 1, 1, 1)

    def test_store_in_missing_directory_is_refused(self):
        done = run('-f', '-c', self.world.conf, '-s', self.world.dir + '/no/such',
                   '-x', self.world.socket)
        self.assertEqual(BAD_STORE, done.returncode)
        self.assertIn(self.world.dir + '/no/such', done.stderr)

    def test_store_locked_at_start_is_waited_for(self):
        # Another program is loading an inventory.
        self.world.load(INVENTORY)
        self.world.start_master()
        with contextlib.closing(self.world.connect()) as other:
            other.execute('BEGIN EXCLUSIVE')
            self.world.start_daemon(wait=False)
            began = time.monotonic()
            wait_for(lambda: time.monotonic() - began > 0.5, 5, 'a while')
            self.assertFalse(self.world.served())
            other.execute('ROLLBACK')
        self.world.wait_served()
        self.assertEqual(10, self.world.get('lbcRealWeight', 1, 1, 1))

    def test_second_daemon_on_one_store_is_refused(self):
        self.world.load(INVENTORY)
        self.world.start()
        log = self.world.daemon_log()
        before = self.world.client().walk(mib.oid('lbcSystem'))
        done = run(*self.world.daemon_argv()[1:])
        self.assertEqual(TAKEN, done.returncode, done.stderr)
        self.assertEqual('lbclusterd: error: [store] %s/lbclusterd.lock: another lbclusterd serves'
                         ' this store (process %d)\n' % (self.world.store, self.world.daemon.pid),
                         done.stderr)
        # The first lbclusterd is not affected.
        self.assertEqual(before, self.world.client().walk(mib.oid('lbcSystem')))
        self.assertEqual(log, self.world.daemon_log())
        # The kernel releases the lock when the process ends.
        self.world.daemon.kill()
        self.world.start_daemon()

    def test_second_daemon_of_a_newer_version_leaves_the_store_alone(self):
        # lbclusterd takes the lock before it opens the store, which it may migrate.
        self.world.load(INVENTORY)
        self.world.start()
        self.world.sql('PRAGMA user_version = 999')
        self.assertEqual(TAKEN, run(*self.world.daemon_argv()[1:]).returncode)

    def lock_holder(self):
        with contextlib.suppress(OSError), \
                open(os.path.join(self.world.store, 'lbclusterd.lock'), encoding='ascii') as file:
            return file.read().strip()
        return None

    def remake_store(self):
        """Replaces the directory, as a restoration does. The new lock file is not locked."""
        os.rename(self.world.store, self.world.store + '.old')
        os.mkdir(self.world.store)
        self.world.load(INVENTORY)

    def test_replaced_store_is_refused_to_a_second_daemon(self):
        self.world.load(INVENTORY)
        self.world.start()
        self.remake_store()
        wait_for(lambda: self.lock_holder() == str(self.world.daemon.pid), 10,
                 'the new lock is taken')
        self.assertEqual(TAKEN, run(*self.world.daemon_argv()[1:]).returncode)

    def test_replaced_store_that_another_daemon_serves_is_left_to_it(self):
        self.world.load(INVENTORY)
        self.world.start()
        # The first lbclusterd must not see the new store yet.
        self.world.daemon.signal(signal.SIGSTOP)
        self.remake_store()
        second = Program('lbclusterd', self.world.daemon_argv(), self.world.dir + '/second.log')
        self.world.others.append(second)
        wait_for(lambda: self.lock_holder() == str(second.pid), 10,
                 'the second lbclusterd has the lock')
        self.world.daemon.signal(signal.SIGCONT)
        self.world.wait_logged(
            re.escape('%s/lbclusterd.lock: another lbclusterd serves this store (process %d);'
                      ' GETs are answered from memory, SETs are refused'
                      % (self.world.store, second.pid)))
        self.assertEqual(mib.STORE_LOCKED, self.world.get('lbcSysStoreStatus', 0))
        weight = mib.oid('lbcRealWeight', 1, 1, 1), 'u', 77
        self.assertEqual('resourceUnavailable', self.world.client().set_answer(weight).status)
        self.assertEqual(OK, second.stop_in_time())
        wait_for(lambda: self.world.client().set_answer(weight).status == 'noError', 10,
                 'a SET works again')
        self.world.wait_written()
        self.assertEqual([(77,)], self.world.sql('SELECT weight FROM real_service'))

    def test_lock_increases_at_each_start(self):
        self.world.load(INVENTORY)
        self.world.start()
        before = self.world.get('lbcSysSetLock', 0)
        since = self.world.get('lbcSysCountersSince', 0)
        self.world.stop_daemon()
        self.world.start_daemon()
        self.assertEqual(before + 1, self.world.get('lbcSysSetLock', 0))
        self.assertLessEqual(since, self.world.get('lbcSysCountersSince', 0))

    def test_invalid_option_is_reported_in_printable_text(self):
        for word in ('-\x1b]0;x\x07', '--\x1b[2J', '-c'):
            done = subprocess.run([*self.world.daemon_argv()[:1], word], capture_output=True,
                                  timeout=30, check=False)
            self.assertEqual(2, done.returncode)
            self.assertRegex(done.stderr, rb'^lbclusterd: -[^\x00-\x1f]*: ')
            self.assertNotRegex(done.stderr, rb'[\x00-\x09\x0b-\x1f]')

    def test_settings_and_numbers_survive_a_restart(self):
        self.world.load(INVENTORY)
        self.world.start()
        self.assertEqual('noError', self.world.client().set_answer(
            (mib.oid('lbcRealWeight', 1, 1, 1), 'u', 4321),
            (mib.oid('lbcRealEnabled', 1, 1, 1), 'i', mib.FALSE)).status)
        # If lbclusterd is killed before it writes the release, the next start writes it with the
        # time of the start.
        self.world.wait_written()
        names = [mib.oid('lbcRealWeight', 1, 1, 1), mib.oid('lbcRealEnabled', 1, 1, 1),
                 mib.oid('lbcRealLastChange', 1, 1, 1), mib.oid('lbcRealLastJob', 1, 1, 1),
                 mib.oid('lbcJobLastId', 0), mib.oid('lbcSysConfigLastChange', 0),
                 mib.oid('lbcSysTableLastChange', 0), mib.oid('lbcJobRequest', 2)]
        before = self.world.client().get(*names)
        self.assertEqual(2, self.world.get('lbcSysConfigChanges', 0))
        self.world.daemon.kill()
        self.world.start_daemon()
        self.assertEqual(before, self.world.client().get(*names))
        self.assertEqual(0, self.world.get('lbcSysConfigChanges', 0))
        self.assertEqual(0, self.world.get('lbcJobsSucceeded', 0))


class Running(Case):
    """A running lbclusterd."""

    inventory = INVENTORY
    daemon_options = dict(stale_after=111)

    def reload(self, text, pattern):
        with open(self.world.conf, 'w', encoding='utf-8') as file:
            file.write(text)
        self.hang_up(pattern)

    def hang_up(self, pattern):
        before = len(re.findall(pattern, self.world.daemon_log(), re.M))
        self.world.daemon.signal(signal.SIGHUP)
        self.world.wait_logged(pattern, count=before + 1)

    def test_sighup_reads_configuration_again(self):
        self.assertEqual(111, self.world.get('lbcSysStatsStaleAfter', 0))
        self.world.configure(stale_after=222, job_max_rows=55)
        self.world.daemon.signal(signal.SIGHUP)
        self.world.wait_value(222, 'lbcSysStatsStaleAfter', 0)
        self.world.wait_value(55, 'lbcJobMaxRows', 0)
        # A missing setting gets its default.
        self.world.configure()
        self.world.daemon.signal(signal.SIGHUP)
        self.world.wait_value(300, 'lbcSysStatsStaleAfter', 0)
        self.world.wait_value(1000, 'lbcJobMaxRows', 0)

    def test_sighup_with_bad_configuration_changes_nothing(self):
        before = self.world.get('lbcSysStatsStaleAfter', 0)
        self.reload('stale-after = 123\nlog-level = loud\n', re.escape(self.world.conf) + ':2:')
        self.reload('stale-after = 123\nlog-level = error\njob-max-rows = 9\n',
                    re.escape(self.world.conf) + ':3:')
        self.world.wait_served()
        self.assertEqual(before, self.world.get('lbcSysStatsStaleAfter', 0))
        # The log level is still info: lbclusterd reports a refused SET.
        self.assertEqual('inconsistentValue', self.world.client().set_answer(
            (mib.oid('lbcSysSetLock', 0), 'i', 1999999999)).status)
        self.world.wait_logged('lbcSysSetLock is .*, not 1999999999')
        self.world.configure(stale_after=before)

    def test_sighup_without_configuration_changes_nothing(self):
        before = self.world.get('lbcSysStatsStaleAfter', 0)
        os.rename(self.world.conf, self.world.conf + '.away')
        try:
            self.hang_up(re.escape(self.world.conf))
        finally:
            os.rename(self.world.conf + '.away', self.world.conf)
        self.assertEqual(before, self.world.get('lbcSysStatsStaleAfter', 0))

    def test_many_signals_are_harmless(self):
        for _ in range(200):
            self.world.daemon.signal(signal.SIGHUP)
            self.world.daemon.signal(signal.SIGPIPE)
        self.world.wait_served()

    def test_log_is_one_line_each_without_noise(self):
        log = self.world.daemon_log()
        self.assertNotEqual('', log)
        for line in log.splitlines():
            self.assertRegex(line, r'\Albclusterd: (error|warn|info|debug): \[[\w-]+\] \S')
        # libnetsnmp parses no MIB and searches nothing below /var/lib/snmp.
        self.assertNotRegex(log, r'(?i)mibs?/|cannot find module|persistent|/var/lib/snmp')

    def test_nothing_is_written_outside_the_store(self):
        self.assertLessEqual(
            {name for name in os.listdir(self.world.store)} -
            {name for name in os.listdir(self.world.store)
             if name.startswith(('lbcluster.db', 'lbcluster-stats.db'))},
            {'lbclusterd.lock', 'lock'})

    def test_descriptors_do_not_grow(self):
        def count():
            return len(os.listdir('/proc/%d/fd' % self.world.daemon.pid))
        self.world.ctl('set-weight', 'web/http/a', '11')
        self.world.wait_value(11, 'lbcRealWeight', 1, 1, 1)
        before = count()
        for weight in range(20, 40):
            self.world.client().set_answer((mib.oid('lbcRealWeight', 1, 1, 1), 'u', weight))
        self.assertLessEqual(count(), before + 1)


class Ends(Case):
    """Signals that end lbclusterd."""

    def test_sigterm_and_sigint_end_the_daemon_cleanly(self):
        world = self.new_world()
        world.load(INVENTORY)
        world.start()
        for number in (signal.SIGTERM, signal.SIGINT):
            world.daemon.signal(number)
            self.assertEqual(0, world.daemon.wait())
            world.start_daemon()

    def test_background_process_serves_and_ends_on_sigterm(self):
        world = self.new_world()
        world.load(INVENTORY)
        world.start_master()
        argv = [argument for argument in world.daemon_argv() if argument != '-f']
        # A process that detaches is not our child: it is found by the lock it holds,
        # and ended by its pid.
        started = Program('lbclusterd', argv, world.dir + '/background.out',
                          dies_with_us=False)
        self.assertEqual(0, started.wait())
        def pids():
            found = []
            for pid in filter(str.isdigit, os.listdir('/proc')):
                with contextlib.suppress(OSError), open('/proc/%s/cmdline' % pid, 'rb') as file:
                    if world.store.encode() in file.read().split(b'\0'):
                        found.append(int(pid))
            return found
        try:
            wait_for(world.served, 10, 'served from the background')
        finally:
            running = pids()
            for pid in running:
                os.kill(pid, signal.SIGTERM)
        self.assertEqual(1, len(running))
        wait_for(lambda: not pids(), 10, 'the end of the background process')
        with open(world.dir + '/background.out', encoding='utf-8') as file:
            self.assertEqual('', file.read())

    def test_failed_start_in_the_background_is_reported(self):
        world = self.new_world()
        with open(world.store + '/lbcluster.db', 'w', encoding='ascii') as file:
            file.write('no database')
        argv = [argument for argument in world.daemon_argv() if argument != '-f']
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60 * TIMEOUT_FACTOR,
                              check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertRegex(done.stderr, r'\Albclusterd: error: \[store\] %s.*\n\Z' % world.store)


class Unprivileged(Case):
    """As an unprivileged user. test_confined.py tests what works then."""

    NOBODY = (65534, 65534)

    def setUp(self):
        if not is_root():
            self.skipTest('needs root to run as another user')

    def test_store_of_another_user_is_refused(self):
        world = self.new_world(user=self.NOBODY)
        world.load(INVENTORY)
        for name in os.listdir(world.store):
            os.chown(os.path.join(world.store, name), 0, 0)
            os.chmod(os.path.join(world.store, name), 0o600)
        os.chown(world.store, 0, 0)
        os.chmod(world.store, 0o755)
        done = subprocess.run(world.daemon_argv(), capture_output=True, text=True,
                              timeout=60 * TIMEOUT_FACTOR, check=False)
        self.assertEqual(BAD_STORE, done.returncode, done.stderr)
        self.assertIn(world.store, done.stderr)


if __name__ == '__main__':
    main()
