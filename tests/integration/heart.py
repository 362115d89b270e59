# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# What systemd hears of a watchdog: the loop that feeds it shows by its beats how long it
# ever stood still.
"""Heart, the receiver of WATCHDOG=1."""

import os
import socket
import threading
import time
import unittest

from harness import LBCLUSTERD, PATIENCE, wait_for

BEAT_S = 0.2
STALL_S = 0.5       # the loop never stands still for longer
NAP_S = 0.02


class Heart:
    """Hears a program that is started with 'env'. What a busy machine does to a thread
    of our own, it may do to the loop too: this is not held against it."""

    def __init__(self, directory):
        with open(LBCLUSTERD, 'rb') as file:
            if b'libsystemd' not in file.read():
                raise unittest.SkipTest('built without libsystemd')
        path = os.path.join(directory, 'heart')
        # Fed twice in this time.
        self.env = {'NOTIFY_SOCKET': path, 'WATCHDOG_USEC': str(round(2e6 * BEAT_S))}
        self.beats = []
        self.late = 0.0             # the longest that we overslept
        self._closed = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        os.chmod(path, 0o777)
        for work in (self._hear, self._nap):
            threading.Thread(target=work, daemon=True).start()

    def _hear(self):
        while True:
            try:
                words = self._socket.recv(4096).decode().splitlines()
            except OSError:
                return
            if not words:
                return
            if 'READY=1' in words:
                self.beats.clear()      # a start is no stall
            if 'WATCHDOG=1' in words:
                self.beats.append(time.monotonic())

    def _nap(self):
        while not self._closed:
            began = time.monotonic()
            time.sleep(NAP_S)
            self.late = max(self.late, time.monotonic() - began - NAP_S)

    def wait_beats(self, seconds):
        """Until it was fed for so long, from now on."""
        goal = len(self.beats) + seconds / BEAT_S
        wait_for(lambda: len(self.beats) >= goal, 5 + 3 * seconds, 'beats for %.1f s' % seconds)

    def longest(self):
        """The longest time between two of them, or since the last one."""
        times = [*self.beats, time.monotonic()]
        return max((b - a for a, b in zip(times, times[1:])), default=0.0)

    def assert_even(self, stall_s=STALL_S):
        """It never stood still for longer than it may."""
        longest, most = self.longest(), BEAT_S + stall_s * PATIENCE + 2 * self.late
        if longest > most:
            raise AssertionError('the loop stood still for %.2f s, and not %.2f s' % (
                longest - BEAT_S, most - BEAT_S))

    def close(self):
        self._closed = True
        self._socket.shutdown(socket.SHUT_RD)     # wakes the thread
        self._socket.close()
