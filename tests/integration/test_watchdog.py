# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# What the programs tell systemd, sd_notify(3), and above all the watchdog: it is the
# loop that feeds it, so that a program whose loop stands still is ended. A log that nobody
# reads does not make it stand still, nor does a systemd that does not listen. The test is
# in systemd's place.
"""Words to systemd."""

import contextlib
import fcntl
import math
import os
import select
import signal
import socket
import subprocess
import time

from haproxy import DRIVER
from harness import LBCLUSTERD, TIMEOUT_FACTOR, Case, main

ALLOWED_S = 0.4     # WatchdogSec=

ALIVE, READY, RELOADING, STOPPING = 'WATCHDOG=1', 'READY=1', 'RELOADING=1', 'STOPPING=1'


class Supervised:
    """A program, its words and its log."""

    def __init__(self, world, argv, **env):
        # Of its own, since one that is left over when a test fails speaks on: an abstract
        # name that the kernel chooses. WatchdogListener has a path.
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind('')
        name = self._socket.getsockname().decode().replace('\0', '@')
        self._log, self._log_in = os.pipe()
        # Of one page it would be full, to poll(2), with the first line that is not read yet.
        fcntl.fcntl(self._log, fcntl.F_SETPIPE_SZ, 16384)
        self.process = subprocess.Popen(
            [*argv, '-f', '-s', world.store], stderr=self._log_in, stdin=subprocess.DEVNULL,
            env={**os.environ, 'NOTIFY_SOCKET': name, **env})

    def hear(self, deadline_s=10.0):
        """The next word that is no STATUS; None if there is none in time."""
        end = time.monotonic() + deadline_s
        while True:
            self._socket.settimeout(max(0.001, end - time.monotonic()))
            try:
                word = self._socket.recv(4096).decode()
            except socket.timeout:
                return None
            if not word.startswith('STATUS='):
                return word

    def stop_reading(self):
        """Whatever it logs next finds no room."""
        again = os.open('/proc/self/fd/%d' % self._log_in, os.O_WRONLY | os.O_NONBLOCK)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(again, b'x')
        os.close(again)

    def stop_hearing(self):
        """Whatever it tells next finds no room either."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other, \
                contextlib.suppress(BlockingIOError):
            other.setblocking(False)
            while True:
                other.sendto(b'STATUS=', self._socket.getsockname())

    def wait_logged(self, words, deadline_s=10.0):
        end, log = time.monotonic() + deadline_s, ''
        while words not in log:
            ready = select.select([self._log], [], [], max(0.0, end - time.monotonic()))
            if not ready[0]:
                raise AssertionError('%s: not in %r' % (words, log))
            log += self.read_log()

    def read_log(self):
        return os.read(self._log, 65536).decode()

    def threads(self):
        return len(os.listdir('/proc/%d/task' % self.process.pid))

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10 * TIMEOUT_FACTOR)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._socket.close()
        os.close(self._log)
        os.close(self._log_in)


class Watchdog(Case):
    """Of each program that stays."""

    def setUp(self):
        with open(LBCLUSTERD, 'rb') as file:
            if b'libsystemd' not in file.read():
                self.skipTest('built without libsystemd')

    def programs(self):
        world = self.new_world()
        yield 'lbclusterd', world, [LBCLUSTERD, '-c', world.conf, '-x', world.socket]
        yield 'lbcluster-haproxy', world, [DRIVER, '-c', world.conf]

    def supervised(self, world, argv, **env):
        program = Supervised(world, argv, **env)
        self.addCleanup(program.close)
        self.assertEqual(READY, program.hear())
        return program

    def reload(self, program):
        """SIGHUP, and the words to it."""
        program.process.send_signal(signal.SIGHUP)
        for expected in (RELOADING, READY):
            while (word := program.hear()) == ALIVE:
                pass
            self.assertEqual(expected, word)

    def assert_fed_twice(self, program):
        """In the time allowed. One gap of many tells, since machines are busy."""
        last = math.inf
        for _ in range(50):
            self.assertEqual(ALIVE, program.hear())
            now = time.monotonic()
            if 0.25 < (now - last) / ALLOWED_S < 0.75:
                return
            last = now
        self.fail('no two words are half the time allowed apart')

    def test_loop_that_stands_still_feeds_no_more(self):
        for name, world, argv in self.programs():
            with self.subTest(name):
                program = self.supervised(world, argv,
                                          WATCHDOG_USEC=str(round(ALLOWED_S * 1e6)))
                self.assert_fed_twice(program)
                # Nothing but the loop is there to do it.
                self.assertEqual(1, program.threads())
                program.process.send_signal(signal.SIGSTOP)
                while program.hear(3 * ALLOWED_S) == ALIVE:
                    pass
                program.process.send_signal(signal.SIGCONT)
                self.assertEqual(ALIVE, program.hear())
                self.reload(program)
                self.assertEqual(0, program.end())
                while (word := program.hear()) == ALIVE:
                    pass
                self.assertEqual(STOPPING, word)

    def test_log_that_nobody_reads_holds_nothing_up(self):
        for name, world, argv in self.programs():
            with self.subTest(name):
                program = self.supervised(world, argv)
                program.stop_reading()
                self.reload(program)
                self.reload(program)
                program.read_log()
                self.reload(program)
                self.assertRegex(program.read_log(), r'\A\S+ warn: \[log\] [2-9] log lines'
                                 r' dropped: .*\n.*\[config\] read again\n')
                program.stop_reading()
                self.assertEqual(0, program.end())

    def test_systemd_that_stands_still_holds_nothing_up(self):
        for name, world, argv in self.programs():
            with self.subTest(name):
                program = self.supervised(world, argv)
                program.stop_hearing()
                program.process.send_signal(signal.SIGHUP)
                program.wait_logged('[config] read again')
                # What it needs to know it is told when it goes on.
                self.assertEqual(READY, program.hear())
                program.stop_hearing()
                self.assertEqual(0, program.end())

    def test_nobody_who_watches_is_told_nothing(self):
        for name, world, argv in self.programs():
            for env in ({}, dict(WATCHDOG_USEC='100000', WATCHDOG_PID='1')):
                with self.subTest(name, **env):
                    program = self.supervised(world, argv, **env)
                    self.assertIsNone(program.hear(0.3))
                    self.assertEqual(0, program.end())
                    self.assertEqual(STOPPING, program.hear())


if __name__ == '__main__':
    main()
