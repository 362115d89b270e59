# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Tests of the judge of the torture: it reports each promise that a history breaks.
"""Histories written by hand, good and bad."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'integration'))

import history                          # noqa: E402
import layout                            # noqa: E402
from harness import main                # noqa: E402
from history import Violation           # noqa: E402
from layout import CANCELLED, ENABLED, FALLBACK, SUCCEEDED, WEIGHT, Job      # noqa: E402
from writers import Op                  # noqa: E402

A, B, SHARED, INV = 'rec/a1/r1', 'rec/b1/r1', 'rec/shared/r1', 'inv/s0/r1'
# A weight identifies its writer: it is 0, 1 or 2 above a multiple of three.
OF_A, OF_B = 30, 31


class Judge(unittest.TestCase):
    """Histories written by hand. Rows begin with weight 10, not fallback, enabled."""

    def setUp(self):
        self.before = {(path, column): value for path in (A, B, SHARED)
                       for column, value in ((WEIGHT, 10), (FALLBACK, 0), (ENABLED, 1))}
        self.after = dict(self.before)
        self.ops = {writer: [] for writer in layout.WRITERS}
        self.jobs = []

    def op(self, writer, status, final, bad=None):
        op = Op(writer, final, bad)
        op.status = status
        op.ended = op.begun
        self.ops[writer].append(op)

    def done(self, *changes, state=SUCCEEDED, message='', **different):
        """Jobs of one SET: (object, old, new)."""
        first = len(self.jobs) + 1
        for object_, old, new in changes:
            job = Job(len(self.jobs) + 1, object_, state, 2, old, new, first, first, message)
            self.jobs.append(job._replace(**different))
            if state != CANCELLED:
                self.after[object_] = new

    def judge(self):
        history.judge(self.before, self.jobs, self.ops, self.after)

    def assert_reported(self, message):
        with self.assertRaisesRegex(Violation, message):
            self.judge()

    def test_good_history_is_good(self):
        self.op('a', 'noError', {(A, WEIGHT): OF_A, (A, ENABLED): 1, (A, FALLBACK): 1})
        self.op('a', 'noError', {(A, WEIGHT): OF_A})
        self.op('a', 'genErr', {(A, WEIGHT): 33})
        self.op('a', 'genErr', {(A, WEIGHT): 36})
        self.op('a', 'inconsistentValue', {(A, WEIGHT): 39}, 'inconsistentValue')
        self.op('b', 'noError', {(SHARED, WEIGHT): OF_B})
        self.op('a', 'timeout', {(SHARED, WEIGHT): 42})
        self.done(((A, WEIGHT), 10, OF_A), ((A, FALLBACK), 0, 1))
        self.done(((SHARED, WEIGHT), 10, OF_B))
        self.done(((A, WEIGHT), OF_A, 36))
        self.done(((SHARED, WEIGHT), OF_B, 42), state=CANCELLED, message='undone: ')
        self.judge()

    def test_answered_set_that_is_lost(self):
        self.op('a', 'noError', {(A, WEIGHT): OF_A})
        self.assert_reported('and not done')

    def test_answered_set_that_is_lost_and_another_after_it(self):
        self.op('a', 'noError', {(A, WEIGHT): OF_A})
        self.op('a', 'noError', {(A, WEIGHT): 33})
        self.done(((A, WEIGHT), 10, 33))
        self.assert_reported('and not done')

    def test_set_of_what_was_there_before_another_changed_it(self):
        self.op('b', 'noError', {(SHARED, WEIGHT): 10})
        self.op('b', 'noError', {(B, WEIGHT): OF_B})
        self.op('a', 'noError', {(SHARED, WEIGHT): OF_A})
        self.done(((SHARED, WEIGHT), 10, OF_A))
        self.done(((B, WEIGHT), 10, OF_B))
        self.judge()

    def test_set_of_what_was_there_before_its_writer_changed_it(self):
        self.op('a', 'noError', {(A, WEIGHT): OF_A})
        self.op('a', 'noError', {(A, WEIGHT): 10})
        self.done(((A, WEIGHT), 10, OF_A))
        self.assert_reported('and not done')

    def test_answered_set_that_is_undone(self):
        self.op('a', 'noError', {(A, WEIGHT): OF_A})
        self.done(((A, WEIGHT), 10, OF_A), state=CANCELLED, message='undone: ')
        self.assert_reported('then undone')

    def test_refused_set_that_is_done(self):
        self.op('a', 'commitFailed', {(A, WEIGHT): OF_A})
        self.done(((A, WEIGHT), 10, OF_A))
        self.assert_reported('but done')

    def test_refused_set_that_is_done_in_part(self):
        self.op('a', 'wrongValue', {(A, WEIGHT): OF_A, (A, ENABLED): 0}, 'wrongValue')
        self.done(((A, WEIGHT), 10, OF_A))
        self.assert_reported('incomplete or repeated SET')

    def test_set_without_answer_that_is_done_in_part(self):
        self.op('a', 'timeout', {(A, WEIGHT): OF_A, (A, ENABLED): 0})
        self.done(((A, WEIGHT), 10, OF_A))
        self.assert_reported('incomplete or repeated SET')

    def test_set_that_is_undone_in_part(self):
        self.op('a', 'genErr', {(A, WEIGHT): OF_A, (A, ENABLED): 0})
        self.done(((A, WEIGHT), 10, OF_A), ((A, ENABLED), 1, 0), state=CANCELLED,
                  message='undone: ')
        self.after[A, ENABLED] = 0
        self.assert_reported('not undone')

    def test_set_whose_jobs_are_undone_in_part(self):
        self.op('a', 'genErr', {(A, WEIGHT): OF_A, (A, ENABLED): 0})
        self.done(((A, WEIGHT), 10, OF_A), ((A, ENABLED), 1, 0))
        self.jobs[0] = self.jobs[0]._replace(state=CANCELLED, message='undone: ')
        self.assert_reported('undone in part')

    def test_set_that_is_done_twice(self):
        self.op('a', 'noError', {(A, WEIGHT): OF_A})
        self.done(((A, WEIGHT), 10, OF_A))
        self.done(((A, WEIGHT), 10, OF_A))
        self.assert_reported('incomplete or repeated SET')

    def test_change_without_a_job(self):
        self.op('a', 'noError', {(A, WEIGHT): OF_A, (A, ENABLED): 0})
        self.done(((A, WEIGHT), 10, OF_A))
        self.after[A, ENABLED] = 0
        self.assert_reported('and not done')

    def test_value_that_no_job_left(self):
        self.after[B, WEIGHT] = 11
        self.assert_reported('the last job leaves')

    def test_job_without_effect(self):
        self.op('a', 'noError', {(A, WEIGHT): 10})
        self.done(((A, WEIGHT), 10, 10))
        self.assert_reported('changes nothing')

    def test_job_that_begins_elsewhere(self):
        self.op('a', 'noError', {(A, WEIGHT): OF_A})
        self.done(((A, WEIGHT), 9, OF_A))
        self.assert_reported('begins at 9')

    def test_bad_set_that_is_accepted(self):
        self.op('a', 'noError', {(A, WEIGHT): 10}, 'wrongValue')
        self.assert_reported('was accepted')

    def test_good_set_that_is_refused(self):
        self.op('a', 'wrongValue', {(A, WEIGHT): OF_A})
        self.assert_reported('was refused')

    def test_jobs_that_no_writer_made(self):
        self.done(((B, WEIGHT), 10, OF_B))
        self.assert_reported('incomplete or repeated SET')

    def test_jobs_of_one_set_under_two_requests(self):
        self.op('a', 'noError', {(A, WEIGHT): OF_A, (A, ENABLED): 0})
        self.done(((A, WEIGHT), 10, OF_A), ((A, ENABLED), 1, 0))
        self.jobs[1] = self.jobs[1]._replace(request=2)
        self.assert_reported('other requests')

    def test_load_makes_jobs_too(self):
        self.done(((INV, WEIGHT), 5, 6), source=3, request=0)
        self.judge()

    def test_orders_in_the_order_of_their_jobs(self):
        self.done(((A, WEIGHT), 10, 30))
        self.done(((A, WEIGHT), 30, 33))
        for good in ([30, 33], [10, 30, 30, 33], [33, 33], []):
            history.judge_orders(self.before, self.jobs, [(A, weight) for weight in good])
        for bad in ([33, 30], [30, 10], [36]):
            with self.assertRaisesRegex(Violation, 'out of order or without a job'):
                history.judge_orders(self.before, self.jobs, [(A, weight) for weight in bad])

    def test_order_of_a_set_that_was_undone(self):
        self.done(((A, WEIGHT), 10, 30), state=CANCELLED)
        with self.assertRaisesRegex(Violation, 'without a job'):
            history.judge_orders(self.before, self.jobs, [(A, 30)])


if __name__ == '__main__':
    main()
