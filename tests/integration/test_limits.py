# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# SETs at the limits: as many varbinds as fit, a full queue of jobs, a store that is locked,
# read-only, damaged, missing or on a full disk.
"""SET requests at the limits."""

import contextlib
import os
import time

import mib
from harness import Case, date, main, wait_for
from mib import FALSE, TRUE
from test_set import ENABLED, FALLBACK, INVENTORY, LETTERS, LOCK, VERSIONS, WEIGHT, SetCase


MANY = 128


class Many(Case):
    """As many varbinds as fit."""

    inventory = 'cluster c { plane = none  service s { address = 192.0.2.1 port = 80\n' + \
        ''.join('real r%d { address = 10.0.%d.%d  port = 80  weight = 1 }\n' %
                (number, number // 250, number % 250 + 1) for number in range(MANY)) + '} }'

    def varbinds(self, weight):
        return [(mib.oid(WEIGHT, 1, 1, number), 'u', weight) for number in range(1, MANY + 1)]

    def weights(self):
        self.world.wait_written()
        return [row[0] for row in self.world.sql('SELECT weight FROM real_service ORDER BY id')]

    def test_128_varbinds_are_done_together(self):
        for version, weight in zip(VERSIONS, (101, 102, 103), strict=True):
            first = self.world.get('lbcJobLastId', 0) + 1
            client = self.world.client('writer' if version == 3 else 'private', version)
            self.assertEqual(('noError', 0), client.set_answer(*self.varbinds(weight))[:2])
            self.assertEqual([weight] * MANY, self.weights())
            jobs = [varbind.value for varbind in self.world.client().walk(
                mib.oid('lbcJobRequest')) if varbind.oid[-1] >= first]
            self.assertEqual([first] * MANY, jobs)
            self.assertEqual([weight] * MANY, [varbind.value for varbind in
                             self.world.client().walk(mib.oid(WEIGHT))])

    def test_128_varbinds_with_one_bad_are_none_done(self):
        missing = (mib.oid(WEIGHT, 1, 1, 9999), 'u', 5)
        for position in (1, 2, 64, 127, 128):
            for bad, status in (
                    (missing, 'noCreation'),
                    ((mib.oid(WEIGHT, 1, 1, position), 'u', 65536), 'wrongValue'),
                    ((mib.oid(WEIGHT, 1, 1, position), 'i', 5), 'wrongType'),
                    ((mib.oid('lbcRealPort', 1, 1, position), 'u', 5), 'notWritable'),
                    ((LOCK, 'i', 2000000000), 'inconsistentValue')):
                with self.subTest(position=position, status=status):
                    before = (self.weights(), self.world.get('lbcJobLastId', 0))
                    varbinds = self.varbinds(777)
                    varbinds[position - 1] = bad
                    self.assertEqual((status, position),
                                     self.world.client().set_answer(*varbinds)[:2])
                    self.assertEqual(before, (self.weights(),
                                              self.world.get('lbcJobLastId', 0)))

    def test_128_varbinds_with_a_rule_broken_are_none_done(self):
        # Two varbinds make a fallback: the later one is wrong.
        for first, second in ((1, 128), (5, 6), (127, 128)):
            with self.subTest(second=second):
                before = self.weights()
                varbinds = self.varbinds(778)
                for position in (first, second):
                    varbinds[position - 1] = (mib.oid(FALLBACK, 1, 1, position), 'i', TRUE)
                self.assertEqual(('inconsistentValue', second),
                                 self.world.client().set_answer(*varbinds)[:2])
                self.assertEqual(before, self.weights())

    def test_many_varbinds_of_one_column_make_one_job(self):
        first = self.world.get('lbcJobLastId', 0) + 1
        oid = mib.oid(WEIGHT, 1, 1, 1)
        varbinds = [(oid, 'u', 2000 + number) for number in range(MANY)]
        self.assertEqual(('noError', 0), self.world.client().set_answer(*varbinds)[:2])
        self.assertEqual(2000 + MANY - 1, self.world.client().get(oid).value)
        self.assertEqual(first, self.world.get('lbcJobLastId', 0))


class Driven(Case):
    """Clusters with a data plane: jobs wait for its driver."""

    inventory = INVENTORY
    daemon_options = dict(job_max_rows=10)

    @classmethod
    def prepare(cls, world):
        world.sql("UPDATE cluster SET plane = 'haproxy' WHERE name = 'driven'")
        cls.rows = {name: world.number('driven/s/' + name) for name in 'pqrt'}

    def setUp(self):
        self.finish_jobs()
        self.world.sql('UPDATE real_service SET enabled = 1, fallback = 0, weight = 10')
        wait_for(lambda: {10} == {varbind.value for varbind in self.world.client().walk(
            mib.oid(WEIGHT))}, 10, 'the rows have their first values')

    def finish_jobs(self):
        """Ends all jobs, as a driver does."""
        self.world.sql('UPDATE job SET state = 3, finished = 1 WHERE state < 3')
        self.world.wait_value(0, 'lbcJobsActive', 0)

    def set(self, *varbinds):
        return self.world.client().set_answer(
            *[(mib.oid(column, *self.rows[row]), LETTERS[column], value)
              for column, row, value in varbinds])[:2]

    def job_state(self, number):
        return self.world.get('lbcJobState', number)

    def test_job_for_data_plane_waits_in_queue(self):
        self.assertEqual(('noError', 0), self.set((WEIGHT, 'p', 11)))
        job = self.world.get('lbcRealLastJob', *self.rows['p'])
        self.assertEqual(self.world.get('lbcJobLastId', 0), job)
        self.assertEqual(mib.QUEUED, self.job_state(job))
        self.assertEqual(0, date(self.world.get('lbcJobStarted', job)))
        self.assertEqual(0, date(self.world.get('lbcJobFinished', job)))
        self.assertEqual(1, self.world.get('lbcRealPendingJobs', *self.rows['p']))
        self.assertEqual(1, self.world.get('lbcJobsActive', 0))
        # A driver claims the job and ends it.
        succeeded = self.world.get('lbcJobsSucceeded', 0)
        self.world.sql('UPDATE job SET state = 2, started = unixepoch() WHERE id = ?', job)
        self.world.wait_value(mib.RUNNING, 'lbcJobState', job)
        self.assertEqual(1, self.world.get('lbcRealPendingJobs', *self.rows['p']))
        self.world.sql('UPDATE job SET state = 3, finished = unixepoch() WHERE id = ?', job)
        self.world.wait_value(mib.SUCCEEDED, 'lbcJobState', job)
        self.assertEqual(0, self.world.get('lbcRealPendingJobs', *self.rows['p']))
        self.assertEqual(succeeded + 1, self.world.get('lbcJobsSucceeded', 0))

    def test_failed_job_is_shown(self):
        failed = self.world.get('lbcJobsFailed', 0)
        self.assertEqual(('noError', 0), self.set((ENABLED, 'q', FALSE)))
        job = self.world.get('lbcJobLastId', 0)
        self.world.sql("UPDATE job SET state = 4, fail_cause = 2, message = 'No such server.',"
                       " finished = unixepoch() WHERE id = ?", job)
        self.world.wait_value(mib.FAILED, 'lbcJobState', job)
        self.assertEqual(2, self.world.get('lbcJobFailCause', job))
        self.assertEqual(b'No such server.', self.world.get('lbcJobMessage', job))
        self.assertEqual(failed + 1, self.world.get('lbcJobsFailed', 0))
        self.assertEqual(('noError', 0), self.set((ENABLED, 'q', TRUE)))

    def test_later_job_supersedes_queued_one_of_the_same_column(self):
        base = self.world.get('lbcJobLastId', 0)
        self.assertEqual(('noError', 0), self.set((WEIGHT, 'r', 201)))
        self.assertEqual(('noError', 0), self.set((ENABLED, 'r', FALSE)))
        self.assertEqual(('noError', 0), self.set((WEIGHT, 'r', 202)))
        self.assertEqual(('noError', 0), self.set((WEIGHT, 't', 203)))
        self.assertEqual([mib.SUPERSEDED, mib.QUEUED, mib.QUEUED, mib.QUEUED],
                         [self.job_state(base + number) for number in range(1, 5)])
        self.assertEqual(2, self.world.get('lbcRealPendingJobs', *self.rows['r']))

    def test_weight_that_the_data_plane_refuses_is_inconsistent_value(self):
        self.assertEqual(('noError', 0), self.set((WEIGHT, 'p', 256)))
        self.assertEqual(('inconsistentValue', 1), self.set((WEIGHT, 'p', 257)))
        self.assertEqual(mib.REJECT_OUT_OF_RANGE, self.world.get('lbcSysLastRejectReason', 0))
        self.assertEqual(256, self.world.get(WEIGHT, *self.rows['p']))

    def test_unfinished_jobs_at_their_limit_is_resource_unavailable(self):
        # Twelve columns could have an unfinished job each, ten are allowed.
        self.assertEqual(('noError', 0), self.set(*[(WEIGHT, row, 11) for row in 'pqrt'],
                                                  *[(ENABLED, row, FALSE) for row in 'qrt'],
                                                  (FALLBACK, 'p', TRUE)))
        self.assertEqual(8, self.world.get('lbcJobsActive', 0))
        before = self.world.get('lbcSysSetRejects', 0)
        self.world.wait_written()
        state = self.world.sql('SELECT id, enabled, fallback, weight FROM real_service')
        # Three more jobs are one too many.
        three = [(ENABLED, row, TRUE) for row in 'qrt']
        self.assertEqual(('resourceUnavailable', 1), self.set(*three))
        self.assertEqual(before + 1, self.world.get('lbcSysSetRejects', 0))
        self.assertEqual(mib.REJECT_QUEUE_FULL, self.world.get('lbcSysLastRejectReason', 0))
        self.assertEqual(state,
                         self.world.sql('SELECT id, enabled, fallback, weight FROM real_service'))
        client = self.world.client('private', 1)
        self.assertEqual(('genErr', 1), client.set_answer(
            *[(mib.oid(column, *self.rows[row]), 'i', value)
              for column, row, value in three])[:2])
        # The driver ends the jobs, so the queue has room.
        self.finish_jobs()
        self.assertEqual(('noError', 0), self.set(*three))

    def test_finished_jobs_are_deleted_first(self):
        for weight in range(31, 46):
            self.assertEqual(('noError', 0), self.set((WEIGHT, 'p', weight)))
        numbers = [varbind.oid[-1] for varbind in
                   self.world.client().walk(mib.oid('lbcJobState'))]
        last = self.world.get('lbcJobLastId', 0)
        self.assertEqual(list(range(last - 9, last + 1)), numbers)
        self.assertEqual(10, self.world.get('lbcJobRows', 0))
        self.assertEqual(10, self.world.get('lbcJobMaxRows', 0))
        self.assertLess(0, self.world.get('lbcJobRowsBumped', 0))


class Store(SetCase):
    """Row 12 of the table of answers: the store is not available."""

    def wait_status(self, status):
        self.world.wait_value(status, 'lbcSysStoreStatus', 0, deadline_s=10)

    def assert_unavailable(self, reason, version=2):
        """A SET is refused, GETs are answered, nothing changes."""
        state = self.state()
        varbind = self.varbind(WEIGHT, 'a', state['a'][0] + 1)
        answer = self.send(version, [varbind])
        self.assertEqual(('genErr' if version == 1 else 'resourceUnavailable', 1), answer[:2])
        after = self.state()
        self.assertEqual(state.pop('lbcSysSetRejects') + 1, after.pop('lbcSysSetRejects'))
        self.assertEqual(state, after)
        self.assert_reject(reason, (), varbind[0])

    def assert_works(self):
        weight = self.world.client().get(self.oid(WEIGHT, 'a')).value % 1000 + 1
        self.assertEqual(('noError', 0), self.send(2, [self.varbind(WEIGHT, 'a', weight)])[:2])
        self.wait_status(mib.STORE_OK)
        self.world.wait_written()
        self.assertEqual(weight, self.world.sql(
            'SELECT weight FROM real_service WHERE id = ?', self.rows['a'][2])[0][0])

    def test_store_locked_by_writer_is_resource_unavailable(self):
        for kind in ('IMMEDIATE', 'EXCLUSIVE'):
            with self.subTest(kind=kind), contextlib.closing(self.world.connect()) as other:
                other.execute('BEGIN ' + kind)
                for version in VERSIONS:
                    self.assert_unavailable(mib.REJECT_STORE_BUSY, version)
                self.wait_status(mib.STORE_LOCKED)
                other.execute('ROLLBACK')
                self.assert_works()

    def test_store_locked_during_a_set_of_the_present_value(self):
        self.place()
        with contextlib.closing(self.world.connect()) as other:
            other.execute('BEGIN IMMEDIATE')
            answer = self.send(2, [self.varbind(WEIGHT, 'a', 10)])
            other.execute('ROLLBACK')
        # RFC 3416 permits both. An error that means "never" would be wrong.
        self.assertIn(answer[:2], (('noError', 0), ('resourceUnavailable', 1)))

    def test_store_that_was_locked_works(self):
        self.place()
        with contextlib.closing(self.world.connect()) as other:
            other.execute('BEGIN EXCLUSIVE')
            other.execute('ROLLBACK')
        self.assert_works()

    def test_store_with_reader_at_work_is_resource_unavailable(self):
        # A shared lock blocks the commit.
        with contextlib.closing(self.world.connect()) as other:
            other.execute('BEGIN')
            other.execute('SELECT count(*) FROM real_service').fetchall()
            before = self.state()
            answer = self.send(2, [self.varbind(WEIGHT, 'a', before['a'][0] + 1)])
            self.assertIn(answer.status, ('resourceUnavailable', 'commitFailed'))
            other.execute('ROLLBACK')
        self.assertEqual(before['a'], self.state()['a'])
        self.assert_works()

    def test_store_removed_is_resource_unavailable_and_recovers(self):
        path = os.path.join(self.world.store, 'lbcluster.db')
        os.rename(path, path + '.away')
        try:
            self.wait_status(mib.STORE_UNAVAILABLE)
            for version in VERSIONS:
                self.assert_unavailable(mib.REJECT_OTHER, version)
            self.assertFalse(os.path.exists(path))
        finally:
            os.rename(path + '.away', path)
        self.wait_status(mib.STORE_OK)
        self.assert_works()

    def test_store_replaced_by_garbage_is_resource_unavailable_and_recovers(self):
        path = os.path.join(self.world.store, 'lbcluster.db')
        for garbage in (b'garbage' * 1000, b'', b'SQLite format 3\0' + b'\xff' * 8176):
            with self.subTest(garbage=garbage[:16]):
                with open(path + '.new', 'wb') as file:
                    file.write(garbage)
                os.link(path, path + '.away')
                os.rename(path + '.new', path)
                try:
                    self.wait_status(mib.STORE_UNAVAILABLE)
                    self.assert_unavailable(mib.REJECT_OTHER)
                    with open(path, 'rb') as file:
                        self.assertEqual(garbage, file.read())
                finally:
                    os.rename(path + '.away', path)
                self.wait_status(mib.STORE_OK)
                self.assert_works()

    def test_store_replaced_by_backup_serves_the_backup(self):
        path = os.path.join(self.world.store, 'lbcluster.db')
        self.place()
        with contextlib.closing(self.world.connect()) as other:
            other.execute('VACUUM INTO ?', (path + '.backup',))
        self.send(2, [self.varbind(WEIGHT, 'a', 4242)])
        os.rename(path + '.backup', path)
        self.world.wait_value(10, WEIGHT, *self.rows['a'], deadline_s=10)
        self.wait_status(mib.STORE_OK)
        self.assert_works()

    def test_removed_statistics_are_created_again(self):
        # Damaged statistics never stop a SET.
        for name in os.listdir(self.world.store):
            if name.startswith('lbcluster-stats.db'):
                os.unlink(os.path.join(self.world.store, name))
        self.assert_works()
        def imported():
            self.world.import_statistics([dict(path='web/http/a', active=True,
                                               last_update=int(time.time()))])
            return self.world.client().get(
                self.oid('lbcRealStatsActive', 'a')).type == 'INTEGER'
        wait_for(imported, 10, 'statistics are back')


if __name__ == '__main__':
    main()
