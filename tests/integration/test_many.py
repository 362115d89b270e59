# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Two managers, the command line and plain SQL change the same rows at the same time. The rules
# hold at every moment, no update is lost, and every change has its job.
"""Concurrent writers."""

import contextlib
import random
import sqlite3
import threading
import time

import mib
from harness import Case, main, wait_for
from snmp import Client

REALS = 4
INVENTORY = 'cluster web { plane = none  service http { address = 192.0.2.1  port = 80\n' + \
    ''.join('real r%d { address = 10.0.0.%d  port = 80  weight = 1 }\n' % (number, number)
            for number in range(1, REALS + 1)) + '} }'

LOCK = mib.oid('lbcSysSetLock', 0)
# Another writer was first or locks the store: try again.
AGAIN = ('inconsistentValue', 'resourceUnavailable', 'commitFailed')
COLUMNS = {'enabled': (mib.ENABLE, mib.DISABLE),
           'fallback': (mib.ENABLE_FALLBACK, mib.DISABLE_FALLBACK),
           'weight': (mib.SET_WEIGHT,)}


def oid(column, number):
    return mib.oid('lbcReal' + column, 1, 1, number)


class Threads:
    """Runs functions in threads. join() raises the first error."""

    def __init__(self, *functions):
        self._errors = []
        self.stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(function,))
                         for function in functions]
        for thread in self._threads:
            thread.start()

    def _run(self, function):
        try:
            function(self.stop)
        except BaseException as error:  # pylint: disable=broad-except
            self._errors.append(error)
            self.stop.set()

    def alive(self):
        return any(thread.is_alive() for thread in self._threads)

    def join(self):
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]


class AtOnce(Case):
    """Each test has its own world and checks all jobs at its end."""

    def setUp(self):
        self.world = self.new_world()
        self.world.configure(job_max_rows=100000)
        self.world.load(INVENTORY)
        # The first commands make jobs.
        self.world.start()

    def manager(self):
        client = Client(self.world.port)
        self.addCleanup(client.close)
        return client

    def watcher(self, working):
        """The store and SNMP have at most one fallback at every moment."""
        def watch(stop):
            client = Client(self.world.port, 'public')
            fallbacks = [oid('Fallback', number) for number in range(1, REALS + 1)]
            with contextlib.closing(client), contextlib.closing(self.world.connect()) as store:
                while working.alive() and not stop.is_set():
                    seen = [value.value for value in client.get(*fallbacks)]
                    self.assertLessEqual(seen.count(mib.TRUE), 1, seen)
                    with contextlib.suppress(sqlite3.OperationalError):
                        count = store.execute('SELECT count(*) FROM real_service'
                                              ' WHERE fallback = 1').fetchone()[0]
                        self.assertLessEqual(count, 1)
        return Threads(watch)

    def assert_jobs_tell_all(self, start):
        """The jobs of each column lead without a gap from its first value to the stored one.
        Each effective change has one job."""
        # lbclusterd releases the last jobs after the answer.
        wait_for(lambda: not self.world.sql('SELECT 1 FROM job WHERE state < 3'), 10,
                 'all jobs have ended')
        rows = self.world.sql('SELECT id, enabled, fallback, weight FROM real_service')
        now = {(number, column): value for number, *values in rows
               for column, value in zip(COLUMNS, values, strict=True)}
        jobs = self.world.sql('SELECT real_id, operation, old_value, new_value, state, source'
                              ' FROM job ORDER BY id')
        at, by = dict(start), {}
        for real, operation, old, new, state, source in jobs:
            key = real, next(column for column, operations in COLUMNS.items()
                             if operation in operations)
            self.assertEqual(at[key], old, 'a job of %r' % (key,))
            # A SET of a value that is held by another SET makes a job too.
            if old == new:
                self.assertEqual((mib.SOURCE_SNMP, mib.SOURCE_CLI), (by.get(key), source))
            self.assertEqual(mib.SUCCEEDED, state)
            at[key], by[key] = new, source
        self.assertEqual(now, at)
        self.world.wait_value(sum(job[2] != job[3] for job in jobs), 'lbcSysConfigChanges', 0)
        self.world.wait_value(len(jobs), 'lbcJobRows', 0)
        self.assertEqual(0, self.world.get('lbcJobsActive', 0))
        # SNMP shows the stored values.
        client = self.world.client()
        for (number, column), value in now.items():
            shown = client.get(oid(column.capitalize(), number)).value
            self.assertEqual(value, shown if column == 'weight' else 2 - shown)
        return jobs

    def start_values(self):
        return {(number, column): value for number in range(1, REALS + 1)
                for column, value in (('enabled', 1), ('fallback', 0), ('weight', 1))}

    def test_two_managers_with_lock_lose_no_update(self):
        each = 40

        def count_up(stop):
            client = self.manager()
            done = 0
            while done < each and not stop.is_set():
                lock, weight = [value.value for value in client.get(LOCK, oid('Weight', 1))]
                answer = client.set_answer((LOCK, 'i', lock), (oid('Weight', 1), 'u', weight + 1))
                if answer.status == 'noError':
                    done += 1
                else:
                    self.assertIn(answer.status, AGAIN)

        def disturb(stop):
            # Another column of the same row, and the same column of another row.
            for number in range(12):
                if stop.is_set():
                    return
                self.world.ctl('disable' if number % 2 == 0 else 'enable', 'web/http/r1')
                self.world.ctl('set-weight', 'web/http/r2', str(100 + number))

        lock = self.world.get('lbcSysSetLock', 0)
        Threads(count_up, count_up, disturb).join()
        self.assertEqual(1 + 2 * each, self.world.get('lbcRealWeight', 1, 1, 1))
        self.assertEqual(lock + 2 * each, self.world.get('lbcSysSetLock', 0))
        jobs = self.assert_jobs_tell_all(self.start_values())
        self.assertEqual(2 * each + 24, len(jobs))

    def test_every_answered_set_is_in_the_store(self):
        each = 60
        answered = []

        def set_weights(first):
            def run(stop):
                client = self.manager()
                for number in range(first, first + each):
                    if stop.is_set():
                        return
                    row = number % REALS + 1
                    answer = client.set_answer((oid('Weight', row), 'u', number))
                    if answer.status == 'noError':
                        answered.append((row, number))
                    else:
                        self.assertIn(answer.status, AGAIN)
            return run

        def set_by_command(stop):
            for number in range(3000, 3020):
                if stop.is_set():
                    return
                row = number % REALS + 1
                self.world.ctl('set-weight', 'web/http/r%d' % row, str(number))
                answered.append((row, number))

        Threads(set_weights(1000), set_weights(2000), set_by_command).join()
        jobs = self.assert_jobs_tell_all(self.start_values())
        # Each value was new, so each answer has one job.
        self.assertEqual(sorted(answered), sorted((job[0], job[3]) for job in jobs))
        # A busy store was the exception.
        self.assertGreater(len(answered), each)

    def test_contended_fallback_is_one_at_every_moment(self):
        def fight(seed):
            def run(stop):
                client = self.manager()
                rng = random.Random(seed)
                for _ in range(60):
                    if stop.is_set():
                        return
                    one, other = rng.sample(range(1, REALS + 1), 2)
                    requests = (
                        [(oid('Fallback', one), 'i', mib.TRUE)],
                        [(oid('Fallback', one), 'i', mib.TRUE),
                         (oid('Fallback', other), 'i', mib.FALSE)],
                        [(oid('Fallback', number), 'i',
                          mib.TRUE if number == one else mib.FALSE)
                         for number in range(1, REALS + 1)],
                        [(oid('Enabled', one), 'i', mib.FALSE)],
                        [(oid('Enabled', one), 'i', mib.TRUE),
                         (oid('Enabled', other), 'i', mib.TRUE)])
                    answer = client.set_answer(*rng.choice(requests))
                    if answer.status != 'noError':
                        self.assertIn(answer.status, AGAIN)
            return run

        def fight_by_command(stop):
            rng = random.Random(3)
            for _ in range(25):
                if stop.is_set():
                    return
                command = rng.choice(('enable-fallback', 'disable-fallback', 'enable'))
                # The command may be refused with a message.
                self.world.ctl(command, 'web/http/r%d' % rng.randint(1, REALS), check=False)

        fighters = Threads(fight(1), fight(2), fight_by_command)
        watcher = self.watcher(fighters)
        fighters.join()
        watcher.join()
        jobs = self.assert_jobs_tell_all(self.start_values())
        self.assertGreater(len(jobs), 20)

    def test_walk_during_changes_of_rows_is_in_order(self):
        def come_and_go(stop):
            watcher = self.manager()
            with contextlib.closing(self.world.connect()) as store:
                for number in range(20):
                    if stop.is_set():
                        return
                    store.execute('BEGIN IMMEDIATE')
                    store.executemany(
                        'INSERT INTO real_service (service_id, name) VALUES (1, ?)',
                        [('t%d-%d' % (number, which),) for which in range(5)])
                    store.execute("DELETE FROM real_service WHERE name LIKE 't%' AND id % 3 = ?",
                                  (number % 3,))
                    if number % 10 == 9:
                        store.execute("DELETE FROM real_service WHERE name LIKE 't%'")
                        store.execute("INSERT INTO cluster (name) VALUES (?)", ('c%d' % number,))
                        store.execute("DELETE FROM cluster WHERE name <> 'web' AND id % 2 = 0")
                    store.execute('COMMIT')
                    # Each round changes the rows in memory.
                    count = store.execute('SELECT count(*) FROM real_service').fetchone()[0]
                    wait_for(lambda: watcher.get(mib.oid('lbcSysReals', 0)).value == count, 10,
                             'the number of rows')

        changes = Threads(come_and_go)
        columns = [mib.oid(name) for name in (
            'lbcRealName', 'lbcRealByNameIndex', 'lbcRealStatsFreshness', 'lbcClusterName')]
        client = self.manager()
        walks = 0
        while changes.alive() or walks < 5:
            walks += 1
            for column in columns:
                # walk() checks the order.
                found = [varbind.oid[len(column):] for varbind in client.walk(column, 3)]
                if column == columns[0]:
                    self.assertEqual([(1, 1, number) for number in range(1, REALS + 1)],
                                     [index for index in found if index[2] <= REALS])
        changes.join()
        expected = [row[0] for row in self.world.sql('SELECT id FROM real_service ORDER BY id')]
        wait_for(lambda: [varbind.oid[-1] for varbind in client.walk(columns[0])] == expected,
                 10, 'the remaining rows are shown')

    def test_retransmitted_requests_are_done_once_each(self):
        # A manager repeats its SET without waiting. Each is a separate SET; with the lock
        # only one of them succeeds.
        client = self.manager()
        lock = self.world.get('lbcSysSetLock', 0)
        first = self.world.get('lbcJobLastId', 0)
        answers = []

        def send(stop):
            mine = Client(self.world.port)
            with contextlib.closing(mine):
                answers.append(mine.set_answer((LOCK, 'i', lock),
                                               (oid('Weight', 3), 'u', 42)).status)
        Threads(*[send] * 6).join()
        self.assertEqual(1, answers.count('noError'))
        self.assertEqual(5, answers.count('inconsistentValue'))
        self.assertEqual(lock + 1, client.get(LOCK).value)
        self.assertEqual(first + 1, self.world.get('lbcJobLastId', 0))


class Seen(Case):
    """SNMP shows the changes of other processes."""

    inventory = INVENTORY

    def add_real(self, name):
        return self.world.sql('INSERT INTO real_service (service_id, name, address, port)'
                              " VALUES (1, ?, '10.0.9.9', '80') RETURNING id", name)[0][0]

    def test_setting_by_command_is_seen(self):
        job = self.world.get('lbcJobLastId', 0)
        self.world.ctl('set-weight', 'web/http/r1', '77')
        self.world.wait_value(77, 'lbcRealWeight', 1, 1, 1)
        self.world.ctl('disable', 'web/http/r2')
        self.world.wait_value(mib.FALSE, 'lbcRealEnabled', 1, 1, 2)
        self.world.ctl('enable-fallback', 'web/http/r3')
        self.world.wait_value(mib.TRUE, 'lbcRealFallback', 1, 1, 3)
        self.world.wait_value(3, 'lbcServiceFallbackReal', 1, 1)
        self.assertEqual(mib.SOURCE_CLI, self.world.get('lbcJobSource', job + 1))
        self.assertEqual(0, self.world.get('lbcJobRequest', job + 1))

    def test_setting_by_sql_is_seen_and_counted(self):
        changes = self.world.get('lbcSysConfigChanges', 0)
        self.world.sql('UPDATE real_service SET weight = weight + 1000 WHERE id = 4')
        self.world.wait_value(changes + 1, 'lbcSysConfigChanges', 0)
        self.assertEqual(1001, self.world.get('lbcRealWeight', 1, 1, 4))
        self.assert_now(self.world.get('lbcRealLastChange', 1, 1, 4))
        self.assert_now(self.world.get('lbcSysConfigLastChange', 0))

    def test_row_added_and_removed_by_sql_is_seen(self):
        reals = self.world.get('lbcSysReals', 0)
        number = self.add_real('added')
        self.world.wait_value(b'added', 'lbcRealName', 1, 1, number)
        self.world.wait_value(number, 'lbcRealByNameIndex', 1, 1, 'added')
        self.assertEqual(reals + 1, self.world.get('lbcSysReals', 0))
        self.assertEqual(reals + 1, self.world.get('lbcServiceReals', 1, 1))
        self.assert_now(self.world.get('lbcSysTableLastChange', 0))
        self.world.sql('DELETE FROM real_service WHERE id = ?', number)
        self.world.wait_value(None, 'lbcRealName', 1, 1, number)
        for gone in (mib.oid('lbcRealByNameIndex', 1, 1, 'added'),
                     mib.oid('lbcRealStatsFreshness', 1, 1, number)):
            self.assertEqual('noSuchInstance', self.world.client().get(gone).type)
        self.assertEqual(reals, self.world.get('lbcSysReals', 0))

    def test_row_renamed_by_sql_is_seen_under_its_number(self):
        number = self.add_real('before')
        self.world.wait_value(number, 'lbcRealByNameIndex', 1, 1, 'before')
        self.world.sql("UPDATE real_service SET name = 'after' WHERE id = ?", number)
        self.world.wait_value(number, 'lbcRealByNameIndex', 1, 1, 'after')
        self.assertEqual(b'web/http/after', self.world.get('lbcRealPath', 1, 1, number))
        self.assertIsNone(self.world.get('lbcRealByNameIndex', 1, 1, 'before'))
        self.world.ctl('remove', 'web/http/after')

    def test_cluster_loaded_and_removed_is_seen(self):
        clusters = self.world.get('lbcSysClusters', 0)
        self.world.load('cluster new { plane = none  service s { address = 192.0.2.7 port = 7\n'
                        'real r { address = 10.7.7.7  port = 7  weight = 7 } } }')
        cluster, service, real = self.world.number('new/s/r')
        self.world.wait_value(7, 'lbcRealWeight', cluster, service, real)
        self.assertEqual(cluster, self.world.get('lbcClusterByNameIndex', 'new'))
        self.assertEqual(clusters + 1, self.world.get('lbcSysClusters', 0))
        # The job stays after its row is removed; its target is 0.0 then.
        self.world.ctl('set-weight', 'new/s/r', '8')
        job = self.world.sql('SELECT max(id) FROM job')[0][0]
        self.world.wait_value(mib.oid('lbcRealName', cluster, service, real),
                              'lbcJobTarget', job)
        self.world.ctl('remove', 'new')
        self.world.wait_value(clusters, 'lbcSysClusters', 0)
        self.assertIsNone(self.world.get('lbcRealWeight', cluster, service, real))
        self.world.wait_value((0, 0), 'lbcJobTarget', job)
        self.assertEqual(b'new', self.world.get('lbcJobClusterName', job))
        # Numbers are not used again.
        self.world.load('cluster new { plane = none }')
        self.world.wait_value(b'new', 'lbcClusterName', cluster + 1)
        self.world.ctl('remove', 'new')

    def test_statistics_by_sql_are_seen(self):
        now = int(time.time())
        row = (1, 1, 1)
        self.world.sql('INSERT OR REPLACE INTO statistics (real_id, active, active_connections,'
                       ' last_update) VALUES (1, 1, 5, ?)', now, file='lbcluster-stats.db')
        self.world.wait_value(5, 'lbcRealStatsActiveConns', *row)
        self.assertEqual(mib.TRUE, self.world.get('lbcRealStatsActive', *row))
        self.assertEqual(mib.CURRENT, self.world.get('lbcRealStatsFreshness', *row))
        self.assertLess(self.world.get('lbcRealStatsAge', *row), 60)
        self.assertIsNone(self.world.get('lbcRealStatsInactiveConns', *row))
        self.assertEqual(5, self.world.get('lbcServiceActiveConns', 1, 1))
        self.assertIsNone(self.world.get('lbcServiceInactiveConns', 1, 1))
        transitions = self.world.get('lbcRealStatsActiveTransitions', *row)
        self.world.sql('UPDATE statistics SET active = 0, last_update = ? WHERE real_id = 1',
                       now + 1, file='lbcluster-stats.db')
        self.world.wait_value(mib.FALSE, 'lbcRealStatsActive', *row)
        self.world.wait_value(transitions + 1, 'lbcRealStatsActiveTransitions', *row)
        self.assert_now(self.world.get('lbcRealStatsActiveLastChange', *row))
        self.world.sql('DELETE FROM statistics WHERE real_id = 1', file='lbcluster-stats.db')
        self.world.wait_value(None, 'lbcRealStatsActive', *row)
        self.assertEqual(mib.NEVER, self.world.get('lbcRealStatsFreshness', *row))
        self.assertIsNone(self.world.get('lbcRealStatsAge', *row))

    def test_statistics_of_many_rows_are_seen_together(self):
        now = int(time.time())
        self.world.import_statistics(
            [dict(path='web/http/r%d' % number, active=number != 1, active_connections=number,
                  bps_in=number * 1000, last_update=now) for number in range(1, REALS + 1)])
        self.world.wait_value(10, 'lbcServiceActiveConns', 1, 1)
        self.assertEqual(10000, self.world.get('lbcServiceInBitRate', 1, 1))
        self.assertEqual(10, self.world.get('lbcClusterInKbitRate', 1))
        self.world.sql('DELETE FROM statistics', file='lbcluster-stats.db')
        # Without statistics there is no sum, also not zero.
        self.world.wait_value(None, 'lbcServiceActiveConns', 1, 1)
        for name in 'lbcServiceInBitRate', 'lbcServiceInKbitRate':
            self.assertIsNone(self.world.get(name, 1, 1))
        for name in 'lbcClusterActiveConns', 'lbcClusterInKbitRate':
            self.assertIsNone(self.world.get(name, 1))

    def test_transaction_that_is_rolled_back_is_never_seen(self):
        with contextlib.closing(self.world.connect()) as other:
            other.execute('BEGIN IMMEDIATE')
            other.execute('UPDATE real_service SET weight = 4444')
            weights = [varbind.value for varbind in
                       self.world.client().walk(mib.oid('lbcRealWeight'))]
            other.execute('ROLLBACK')
        self.assertNotIn(4444, weights)
        self.world.ctl('set-weight', 'web/http/r1', '78')
        self.world.wait_value(78, 'lbcRealWeight', 1, 1, 1)
        self.assertNotIn(4444, [varbind.value for varbind in
                                self.world.client().walk(mib.oid('lbcRealWeight'))])

    def test_statistics_get_stale_without_a_write(self):
        # Statistics get stale without any write, after stale-after.
        world = self.new_world()
        world.configure(stale_after=2)
        world.load(INVENTORY)
        world.start()

        def current():
            world.import_statistics([dict(path='web/http/r1', active=True,
                                          last_update=int(time.time()))])
            return world.get('lbcRealStatsFreshness', 1, 1, 1) == mib.CURRENT
        wait_for(current, 10, 'current')
        wait_for(lambda: world.get('lbcRealStatsFreshness', 1, 1, 1) == mib.STALE, 10, 'stale')
        world.wait_value(6, 'lbcServiceStatus', 1, 1)
        world.wait_value(6, 'lbcRealOperStatus', 1, 1, 1)
        world.wait_value(6, 'lbcClusterStatus', 1)
        self.assertEqual(REALS, world.get('lbcSysRealsStale', 0))
        self.assertEqual(mib.TRUE, world.get('lbcRealStatsActive', 1, 1, 1))
        self.assert_now(world.get('lbcServiceStatusLastChange', 1, 1))


if __name__ == '__main__':
    main()
