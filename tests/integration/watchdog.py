# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Receives WATCHDOG=1 in the place of systemd. The loop of a program sends these messages, so
# the gaps between them show how long the loop was blocked.
"""WatchdogListener, the receiver of WATCHDOG=1."""

import os
import socket
import threading
import time
import unittest

from harness import LBCLUSTERD, TIMEOUT_FACTOR, wait_for

INTERVAL_S = 0.2      # between two messages
STALL_S = 0.5       # the longest time that the loop may be blocked
NAP_S = 0.02


def skip_without_libsystemd():
    """Skips the test if the programs send no messages to systemd."""
    with open(LBCLUSTERD, 'rb') as file:
        if b'libsystemd' not in file.read():
            raise unittest.SkipTest('built without libsystemd')


class WatchdogListener:
    """Listens to a program that is started with 'env'. The time by which a busy machine
    delays a thread of this process is allowed to the loop as well."""

    def __init__(self, directory):
        skip_without_libsystemd()
        path = os.path.join(directory, 'watchdog')
        # The program sends twice in this time.
        self.env = {'NOTIFY_SOCKET': path, 'WATCHDOG_USEC': str(round(2e6 * INTERVAL_S))}
        self.times = []         # of the messages
        self.late = 0.0             # the longest delay of this process
        self._closed = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        os.chmod(path, 0o777)
        for work in (self._receive, self._nap):
            threading.Thread(target=work, daemon=True).start()

    def _receive(self):
        while True:
            try:
                message = self._socket.recv(4096).decode().splitlines()
            except OSError:
                return
            if not message:
                return
            if 'READY=1' in message:
                self.times.clear()      # the time of a start does not count
            if 'WATCHDOG=1' in message:
                self.times.append(time.monotonic())

    def _nap(self):
        while not self._closed:
            began = time.monotonic()
            time.sleep(NAP_S)
            self.late = max(self.late, time.monotonic() - began - NAP_S)

    def wait_messages(self, seconds):
        """Waits until the program sent messages for so long."""
        goal = len(self.times) + seconds / INTERVAL_S
        wait_for(lambda: len(self.times) >= goal, 5 + 3 * seconds, 'messages for %.1f s' % seconds)

    def longest(self):
        """The longest time between two messages, or since the last one."""
        times = [*self.times, time.monotonic()]
        return max((b - a for a, b in zip(times, times[1:])), default=0.0)

    def assert_no_stall(self, stall_s=STALL_S):
        """The loop was never blocked for longer than stall_s."""
        longest, most = self.longest(), INTERVAL_S + stall_s * TIMEOUT_FACTOR + 2 * self.late
        if longest > most:
            raise AssertionError('the loop was blocked for %.2f s; allowed are %.2f s' % (
                longest - INTERVAL_S, most - INTERVAL_S))

    def close(self):
        self._closed = True
        self._socket.shutdown(socket.SHUT_RD)     # wakes the thread
        self._socket.close()
