# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The messages of the programs to systemd, sd_notify(3). Only the loop sends the watchdog message,
# so systemd ends a program whose loop hangs. A log without a reader and a stopped systemd do not
# block the loop. The test receives the messages in the place of systemd.
"""Messages to systemd."""

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
from watchdog import skip_without_libsystemd

ALLOWED_S = 0.4     # WatchdogSec=

ALIVE, READY, RELOADING, STOPPING = 'WATCHDOG=1', 'READY=1', 'RELOADING=1', 'STOPPING=1'


class Supervised:
    """A program, its messages to systemd and its log."""

    def __init__(self, world, argv, **env):
        # The kernel chooses an abstract name, because a program of a failed test may still
        # send to the old one.
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind('')
        name = self._socket.getsockname().decode().replace('\0', '@')
        self._log, self._log_in = os.pipe()
        # poll(2) reports a pipe of one page as full after the first unread line.
        fcntl.fcntl(self._log, fcntl.F_SETPIPE_SZ, 16384)
        self.process = subprocess.Popen(
            [*argv, '-f', '-s', world.store], stderr=self._log_in, stdin=subprocess.DEVNULL,
            env={**os.environ, 'NOTIFY_SOCKET': name, **env})

    def receive(self, deadline_s=10.0):
        """The next message except STATUS; None if there is none in time."""
        end = time.monotonic() + deadline_s
        while True:
            self._socket.settimeout(max(0.001, end - time.monotonic()))
            try:
                message = self._socket.recv(4096).decode()
            except socket.timeout:
                return None
            if not message.startswith('STATUS='):
                return message

    def stop_reading(self):
        """Fills the pipe of the log."""
        again = os.open('/proc/self/fd/%d' % self._log_in, os.O_WRONLY | os.O_NONBLOCK)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(again, b'x')
        os.close(again)

    def stop_receiving(self):
        """Fills the socket of systemd."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other, \
                contextlib.suppress(BlockingIOError):
            other.setblocking(False)
            while True:
                other.sendto(b'STATUS=', self._socket.getsockname())

    def wait_logged(self, text, deadline_s=10.0):
        end, log = time.monotonic() + deadline_s, ''
        while text not in log:
            ready = select.select([self._log], [], [], max(0.0, end - time.monotonic()))
            if not ready[0]:
                raise AssertionError('%s: not in %r' % (text, log))
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
    """The watchdog of each daemon."""

    def setUp(self):
        skip_without_libsystemd()

    def programs(self):
        world = self.new_world()
        yield 'lbclusterd', world, [LBCLUSTERD, '-c', world.conf, '-x', world.socket]
        yield 'lbcluster-haproxy', world, [DRIVER, '-c', world.conf]

    def supervised(self, world, argv, **env):
        program = Supervised(world, argv, **env)
        self.addCleanup(program.close)
        self.assertEqual(READY, program.receive())
        return program

    def reload(self, program):
        """Sends SIGHUP and waits for its messages."""
        program.process.send_signal(signal.SIGHUP)
        for expected in (RELOADING, READY):
            while (message := program.receive()) == ALIVE:
                pass
            self.assertEqual(expected, message)

    def assert_sent_twice(self, program):
        """Two messages come in the allowed time. One good gap is enough on a busy machine."""
        last = math.inf
        for _ in range(50):
            self.assertEqual(ALIVE, program.receive())
            now = time.monotonic()
            if 0.25 < (now - last) / ALLOWED_S < 0.75:
                return
            last = now
        self.fail('no two messages are half the allowed time apart')

    def test_blocked_loop_sends_no_watchdog_message(self):
        for name, world, argv in self.programs():
            with self.subTest(name):
                program = self.supervised(world, argv,
                                          WATCHDOG_USEC=str(round(ALLOWED_S * 1e6)))
                self.assert_sent_twice(program)
                # The program has no thread besides the loop.
                self.assertEqual(1, program.threads())
                program.process.send_signal(signal.SIGSTOP)
                while program.receive(3 * ALLOWED_S) == ALIVE:
                    pass
                program.process.send_signal(signal.SIGCONT)
                self.assertEqual(ALIVE, program.receive())
                self.reload(program)
                self.assertEqual(0, program.end())
                while (message := program.receive()) == ALIVE:
                    pass
                self.assertEqual(STOPPING, message)

    def test_log_without_a_reader_blocks_no_program(self):
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

    def test_stopped_systemd_blocks_no_program(self):
        for name, world, argv in self.programs():
            with self.subTest(name):
                program = self.supervised(world, argv)
                program.stop_receiving()
                program.process.send_signal(signal.SIGHUP)
                program.wait_logged('[config] read again')
                # The program sends READY again when systemd reads.
                self.assertEqual(READY, program.receive())
                program.stop_receiving()
                self.assertEqual(0, program.end())

    def test_no_watchdog_message_without_a_watchdog(self):
        for name, world, argv in self.programs():
            for env in ({}, dict(WATCHDOG_USEC='100000', WATCHDOG_PID='1')):
                with self.subTest(name, **env):
                    program = self.supervised(world, argv, **env)
                    self.assertIsNone(program.receive(0.3))
                    self.assertEqual(0, program.end())
                    self.assertEqual(STOPPING, program.receive())


if __name__ == '__main__':
    main()
