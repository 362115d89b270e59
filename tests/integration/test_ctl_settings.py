# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Settings by lbclusterctl with a real driver and HAProxy: the command ends when HAProxy has the
# setting. Several settings at once, while other processes set the same rows, and with SIGKILL.
"""Settings by lbclusterctl: waiting for jobs, all or nothing, who changed what."""

import contextlib
import json
import os
import pty
import subprocess
import threading

import mib
from harness import INVENTORY, LBCLUSTERCTL, Case, Program, main
from haproxy import FORCED_MAINT, SERVER, Plane

OK, USAGE, JOB_OPEN, JOB_FAILED = 0, 2, 8, 9    # lbclusterctl(1), EXIT STATUS


class Applied(Plane):
    """When the command returns, HAProxy has the setting."""

    def setUp(self):
        self.plane_world()
        self.proxy = self.haproxy({'http': {'a': SERVER, 'b': SERVER, 'c': SERVER},
                                   'mail': {'a': SERVER}})
        self.load(self.proxy)

    def test_haproxy_has_the_setting_when_the_command_returns(self):
        self.start_driver()
        for weight in range(20, 30):
            self.world.ctl('set-weight', 'web/http/a', str(weight), wait=True)
            self.assertEqual((0, weight), self.proxy.state('http/a'))
        self.world.ctl('set', 'web/http/a', 'enabled=no', 'web/http/b', 'web/http/c', 'weight=7',
                       wait=True)
        self.assertEqual([(FORCED_MAINT, 29), (0, 7), (0, 7)],
                         [self.proxy.state('http/' + name) for name in 'abc'])
        self.world.ctl('disable', 'web/*/a', wait=True)
        self.assertEqual((FORCED_MAINT, 10), self.proxy.state('mail/a'))
        done = self.world.ctl('disable', 'web/*/a', wait=True)
        self.assertEqual('nothing to do: already disabled\n', done.stdout)
        self.world.ctl('disable', 'web/http', wait=True)
        self.assertEqual([FORCED_MAINT] * 3,
                         [self.proxy.state('http/' + name)[0] for name in 'abc'])

    def test_a_dry_run_changes_nothing_in_haproxy(self):
        self.start_driver()
        done = self.world.ctl('-f', 'json', 'disable', '-n', 'web/*/a', wait=True)
        self.assertEqual([('web/http/a', 'enabled', 'yes', 'no'),
                          ('web/mail/a', 'enabled', 'yes', 'no')],
                         [(job['service'], job['setting'], job['from'], job['to'])
                          for job in json.loads(done.stdout)])
        self.done('set-weight', 'web/http/b', '9')      # a round of the driver
        self.assertEqual((0, 10), self.proxy.state('http/a'))
        self.assertEqual(1, len(self.world.sql('SELECT id FROM job')))

    def test_a_job_that_haproxy_refuses_fails_the_command(self):
        self.world.load('cluster web { plane = haproxy  socket = "%s"\n'
                        'service http { real z { address = 10.0.0.9 } } }' % self.proxy.socket)
        self.start_driver()
        done = self.world.ctl('set-weight', 'web/http/z', 'web/http/a', '3', wait=True,
                              check=False)
        self.assertEqual(JOB_FAILED, done.returncode)
        self.assertRegex(done.stderr, r'\Albclusterctl: job \d+: web/http/z: set_weight: '
                                      r'failed: notFound: ')
        self.assertEqual((0, 3), self.proxy.state('http/a'))
        failed = json.loads(self.world.ctl('-f', 'json', 'job', '--failed').stdout)
        self.assertEqual(['web/http/z'], [job['service'] for job in failed])
        self.assertEqual('failed: notFound', failed[0]['status'])
        # The message is printed once.
        text = self.world.ctl('job', '--failed').stdout
        self.assertEqual(1, text.count(failed[0]['message']), text)

    def test_a_job_goes_on_after_the_time_has_passed(self):
        self.start_driver()
        self.proxy.kill()
        done = self.world.ctl('disable', '--timeout', '1', 'web/http/a', wait=True, check=False)
        self.assertEqual(JOB_OPEN, done.returncode)
        self.assertIn('not ended after 1 s; "lbclusterctl job --open"', done.stderr)
        open_jobs = json.loads(self.world.ctl('-f', 'json', 'job', '--open').stdout)
        self.assertEqual(['disable'], [job['type'] for job in open_jobs])
        self.proxy.start()
        # The same command waits for the same job.
        self.world.ctl('disable', 'web/http/a', wait=True)
        self.assertEqual(FORCED_MAINT, self.proxy.state('http/a')[0])
        self.assertEqual(1, len(self.world.sql('SELECT id FROM job')))

    def test_without_a_driver_the_command_says_so_at_once(self):
        done = self.world.ctl('disable', 'web/http/a', wait=True, check=False)
        self.assertEqual(JOB_OPEN, done.returncode)
        self.assertEqual('lbclusterctl: job 1: web/http/a: disable: has not ended: '
                         'lbcluster-haproxy has not polled HAProxy yet; start it\n', done.stderr)

    def test_a_terminal_shows_how_many_jobs_have_ended(self):
        self.start_driver()
        self.proxy.kill()
        status, screen = on_terminal(self.world, 'disable', '--timeout', '2', 'web/http/a')
        self.assertEqual(JOB_OPEN, status)
        self.assertIn('\rjobs that have ended: 0 of 1', screen)
        self.assertIn('\r\x1b[Klbclusterctl: job 1: not ended after 2 s', screen)
        # No message is on the screen twice.
        self.stop_driver()
        status, screen = on_terminal(self.world, 'disable', 'web/http/b')
        self.assertEqual(JOB_OPEN, status)
        self.assertIn('lbclusterctl: job 2: web/http/b: disable: has not ended\r\n', screen)
        self.assertEqual(1, screen.count('has not polled HAProxy since'), screen)


def on_terminal(world, *args, keys=None):
    """Runs lbclusterctl on a terminal and types 'keys' after a question. (status, screen)"""
    controller, terminal = pty.openpty()
    with subprocess.Popen([LBCLUSTERCTL, '-s', world.store, *args], stdin=terminal,
                          stdout=terminal, stderr=terminal) as program:
        os.close(terminal)
        screen = b''
        with contextlib.suppress(OSError):      # EIO: the program has closed the terminal
            while True:
                part = os.read(controller, 1000)
                if not part:
                    break
                screen += part
                if keys and screen.endswith(b'[y/N] '):
                    os.write(controller, keys)
                    keys = None
        os.close(controller)
    return program.returncode, screen.decode()


class Removed(Case):
    inventory = INVENTORY

    def test_a_terminal_asks_before_a_removal(self):
        world = self.world
        world.load('cluster old { service s { real a { address = 10.1.0.1 }\n'
                   'real b { address = 10.1.0.2 } } }')
        done = subprocess.run([LBCLUSTERCTL, '-s', world.store, 'remove', 'old'],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        self.assertEqual(USAGE, done.returncode)
        for keys, status in ((b'\n', 1), (b'n\n', 1), (b'yes\n', OK)):
            self.assertEqual(2, len(world.sql("SELECT id FROM real_service WHERE name <> 'a' "
                                              "OR address = '10.1.0.1'")))
            found, screen = on_terminal(world, 'remove', 'old', keys=keys)
            self.assertEqual(status, found, screen)
            self.assertIn('Remove 1 cluster, 1 service, 2 real services? [y/N] ', screen)
        self.assertEqual([('web',)], world.sql('SELECT name FROM cluster'))


class Who(Case):
    inventory = INVENTORY

    def test_history_has_managers_and_users(self):
        world = self.world
        number = world.number('web/http/a')
        answer = world.client().set_answer((mib.oid('lbcRealWeight', *number), 'u', 44))
        self.assertEqual('noError', answer.status)
        world.wait_written()
        world.ctl('set-weight', 'web/http/a', '45')
        rows = json.loads(world.ctl('-f', 'json', 'history', 'web/http/a').stdout)
        self.assertEqual([('SNMP', '10', '44'), ('lbclusterctl', '44', '45')],
                         [(row['source'], row['from'], row['to']) for row in rows])
        self.assertEqual('SNMP', rows[0]['who'])
        self.assertRegex(rows[1]['who'], r'\A.+ \(uid %d\)' % os.getuid())
        # The row keeps its history under another name.
        world.sql("UPDATE real_service SET name = 'z' WHERE name = 'a'")
        rows = json.loads(world.ctl('-f', 'json', 'history', 'web/http/z').stdout)
        self.assertEqual(2, len(rows))


FLEET = 'cluster web {\n service http {\n%s } }\n' % ''.join(
    '  real r%03d { address = 10.0.0.1  weight = 1 }\n' % n for n in range(300))


class AllOrNothing(Case):
    """All settings of a command are made, or none, whatever other processes do."""

    def setUp(self):
        self.world = self.new_world()
        self.world.load(FLEET)

    def tearDown(self):
        self.world = None

    def weights(self):
        return {row[0] for row in self.world.sql('SELECT DISTINCT weight FROM real_service')}

    def fallbacks(self):
        return [row[0] for row in self.world.sql(
            'SELECT name FROM real_service WHERE fallback = 1')]

    def commands(self, number, *args):
        """Starts a process that runs lbclusterctl for each line of arguments."""
        script = ''.join('%s -s %s %s || echo "exit $?"\n' % (
            LBCLUSTERCTL, self.world.store, words) for words in args)
        log = os.path.join(self.world.dir, 'commands%d.log' % number)
        return Program('commands%d' % number, ['sh', '-c', script], log), log

    def test_two_processes_that_set_the_same_rows(self):
        """Another process sees the weights of one command only, at each moment."""
        programs = [self.commands(number, *(
            "set 'web/http/*' weight=%d >/dev/null" % (10 * number + n) for n in range(8)))
            for number in (1, 2)]
        while any(program.alive() for program, _ in programs):
            self.assertEqual(1, len(self.weights()))
        for program, log in programs:
            program.awaited = True
            program.process.wait()
            with open(log, encoding='utf-8') as file:
                self.assertEqual('', file.read())

    def test_processes_that_move_the_fallback(self):
        """There is one fallback at each moment, and no command is refused."""
        self.world.ctl('enable-fallback', 'web/http/r000')
        programs = [self.commands(number, *(
            'move-fallback web/http/r%03d >/dev/null' % (10 * number + n) for n in range(8)))
            for number in (1, 2, 3)]
        while any(program.alive() for program, _ in programs):
            self.assertEqual(1, len(self.fallbacks()))
        for program, log in programs:
            program.awaited = True
            program.process.wait()
            with open(log, encoding='utf-8') as file:
                self.assertEqual('', file.read())

    def test_a_killed_command_changes_all_rows_or_none(self):
        """SIGKILL at a later moment in each round, until the command ends before it."""
        weight, ends = 1, set()
        for delay_ms in range(0, 200, 4):
            before, weight = weight, weight + 1
            program = Program('set', [LBCLUSTERCTL, '-s', self.world.store, 'set', 'web/http/*',
                                      'weight=%d' % weight],
                              os.path.join(self.world.dir, 'set.log'))
            done = threading.Event()
            done.wait(delay_ms / 1000)
            program.kill()
            found = self.weights()
            self.assertEqual(1, len(found), found)
            weight = found.pop()
            self.assertIn(weight, (before, before + 1))
            ends.add(weight == before)
        self.assertEqual({True, False}, ends)


if __name__ == '__main__':
    main()
