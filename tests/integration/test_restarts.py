# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# snmpd, then lbclusterd, restarted many times under managers that read and set: no answered SET
# is lost, none is done twice, and the other program keeps running. LBCLUSTER_TESTS_RESTARTS is the
# number of restarts; "make restarts" is the long form.
"""Restarts under load."""

import os
import signal
import sys
import threading
import time

import mib
from harness import Case, main, wait_for
from snmp import Client, Timeout

RESTARTS = int(os.environ.get('LBCLUSTER_TESTS_RESTARTS', '6'))
if RESTARTS < 1:
    sys.exit('LBCLUSTER_TESTS_RESTARTS: a number above 0')
BACK_S = 2.0        # until lbclusterd serves after a restart of snmpd
MANAGERS = 3
INVENTORY = 'cluster web { plane = none  service http {\n' + ''.join(
    'real r%d { address = 10.0.0.%d  port = 80  weight = 1 }\n' % (i, i)
    for i in range(1, MANAGERS + 1)) + '} }'


class Manager(threading.Thread):
    """Sets one weight to growing values and reads it."""

    def __init__(self, port, row):
        super().__init__(daemon=True)
        self.oid = mib.oid('lbcRealWeight', 1, 1, row)
        self.answered = []      # values with the answer noError
        self.refused = []       # values with an error
        self.open = []          # values with an unknown result
        self.wrong = None
        self.stop = threading.Event()
        self._client = Client(port)
        self.start()

    def run(self):
        value = 1
        while not self.stop.is_set() and not self.wrong:
            value += 1
            self._one(value)
        self._client.close()

    def _one(self, value):
        try:
            status = self._client.set_answer((self.oid, 'u', value), timeout=1).status
        except Timeout:
            self.open.append(value)
            return
        if status == 'noError':
            self.answered.append(value)
            self._read(value)
        elif status in ('genErr', 'commitFailed'):
            # lbclusterd ended during the SET.
            self.open.append(value)
        else:
            self.refused.append(value)
            time.sleep(0.01)    # lbclusterd does not serve: avoid a flood of these

    def _read(self, value):
        """The present value, if there is an answer."""
        try:
            shown = self._client.get_answer(self.oid, timeout=0.5, retry=False).varbinds[0]
        except Timeout:
            return
        if shown.type == 'Gauge32' and shown.value != value:
            self.wrong = '%d was answered noError, %d is shown' % (value, shown.value)


class Restarts(Case):

    def setUp(self):
        self.world = self.new_world()
        self.world.configure(job_max_rows=100000)
        self.world.load(INVENTORY)
        self.world.start()
        self.managers = [Manager(self.world.port, row + 1) for row in range(MANAGERS)]
        self.gaps = []

    def loop(self, restart):
        """Restarts under load. A SET succeeds after each restart."""
        for number in range(RESTARTS):
            before = [len(manager.answered) for manager in self.managers]
            began = time.monotonic()
            up = restart(number)
            wait_for(self.world.served, 15, 'served again')
            now = time.monotonic()
            self.gaps.append((now - up, now - began))
            wait_for(lambda: all(len(manager.answered) > count or manager.wrong
                                 for manager, count in zip(self.managers, before)), 15,
                     'each manager has set something')
        for manager in self.managers:
            manager.stop.set()
        for manager in self.managers:
            manager.join()
        self.assertEqual([None] * MANAGERS, [manager.wrong for manager in self.managers])
        self.report()
        self.check_books()

    def report(self):
        back = sorted(gap for gap, _ in self.gaps)
        sys.stderr.write(
            '%d restarts: served again %.2f s (half), %.2f s (all) after the programs ran; '
            '%d SETs done, %d refused, %d open\n' % (
                len(back), back[len(back) // 2], back[-1],
                *[sum(len(getattr(manager, name)) for manager in self.managers)
                  for name in ('answered', 'refused', 'open')]))
        self.assertLess(back[len(back) // 2], BACK_S)

    def check_books(self):
        """Every successful SET has one job, every refused one has none, and the jobs of a row
        lead from its first weight to the stored one."""
        wait_for(lambda: not self.world.sql('SELECT 1 FROM job WHERE state < 3'), 10,
                 'all jobs have ended')
        for row, manager in enumerate(self.managers, 1):
            jobs = self.world.sql('SELECT old_value, new_value FROM job WHERE real_id = ?'
                                  ' AND state = ? ORDER BY id', row, mib.SUCCEEDED)
            done = [new for _, new in jobs]
            self.assertEqual(len(done), len(set(done)), 'a SET was done twice')
            self.assertEqual(set(), set(manager.answered) - set(done), 'a SET was lost')
            self.assertEqual(set(), set(manager.refused) & set(done), 'a refused SET was done')
            self.assertEqual(set(), set(done) - set(manager.answered) - set(manager.open))
            self.assertEqual([1] + done[:-1], [old for old, _ in jobs], 'a gap in the jobs')
            self.assertEqual([(done[-1],)], self.world.sql(
                'SELECT weight FROM real_service WHERE id = ?', row))
            self.world.wait_value(done[-1], 'lbcRealWeight', 1, 1, row)

    def test_repeated_restarts_of_the_master_lose_no_set(self):
        daemon = self.world.daemon.pid

        def restart(number):
            self.world.stop_master(signal.SIGKILL if number % 2 else signal.SIGTERM)
            self.world.start_master()
            return time.monotonic()
        self.loop(restart)
        self.assertEqual(daemon, self.world.daemon.pid)
        self.assertTrue(self.world.daemon.alive())
        # One line for each lost and each new session; a SET during the loss adds one.
        lines = [line for line in self.world.daemon_log().splitlines()
                 if ': debug:' not in line and '[set]' not in line]
        self.assertLessEqual(len(lines), 2 + 3 * RESTARTS, lines)

    def test_repeated_restarts_of_the_daemon_lose_no_set(self):
        def restart(number):
            if number % 2:
                self.world.daemon.kill()
            else:
                self.world.stop_daemon()
            self.world.start_daemon(wait=False)
            return time.monotonic()
        self.loop(restart)
        self.assertTrue(self.world.master.alive())


if __name__ == '__main__':
    main()
