# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Compares the answers that the writers got with the jobs of the store. The jobs of a round, by
# number, are all changes in the order of the commits; the jobs of one SET have one token. Applied
# to the values before the round, they must be complete SETs of the writers, in the order of each
# writer, and lead to the stored values.
"""judge(): checks the history of a round; raises Violation."""

import collections
import itertools

import layout
from writers import TRANSIENT, UNKNOWN

_UNDONE = 'undone'


class Violation(Exception):
    """A broken invariant."""


def _groups(jobs):
    """The jobs in groups, one for each SET."""
    groups = [list(group) for _, group in itertools.groupby(jobs, lambda job: job.token)]
    tokens = collections.Counter(group[0].token for group in groups)
    for group in groups:
        first = group[0]
        if tokens[first.token] > 1:
            raise Violation('two SETs with the token of job %d' % first.id)
        request = first.id if first.source == 2 else 0
        if any(job.request != request for job in group):
            raise Violation('jobs of one SET, other requests: %s' % (group,))
    return groups


def _is_undone(group):
    undone = [job.state == layout.CANCELLED and job.message.startswith(_UNDONE) for job in group]
    if any(undone) and not all(undone):
        raise Violation('a SET is undone in part: %s' % (group,))
    return undone[0]


def _writer_of(group):
    """The writer of the SET; None for a load."""
    owners = {layout.owner(job.object[0]) for job in group}
    if owners == {None}:
        return None
    own = owners - {layout.SHARED}
    if len(own) > 1:
        raise Violation('one SET of rows of several writers: %s' % (group,))
    if own:
        return own.pop()
    marks = {layout.WRITERS[job.new % len(layout.WRITERS)] for job in group
             if job.object[1] == layout.WEIGHT}
    if len(marks) != 1:
        raise Violation('a SET of no writer: %s' % (group,))
    return marks.pop()


class _Play:
    """The values, as the jobs change them. An object has two possible values while a SET
    may be undone or not."""

    def __init__(self, before):
        self.values = {object_: {value} for object_, value in before.items()}
        self.undone = {}        # object -> the value that the undo must restore
        self.step = 0           # SETs with jobs so far
        self._past = collections.defaultdict(list)  # object -> (step that ended them, values)

    def may_be(self, object_, value):
        return value in self.values.get(object_, {value})

    def may_have_been(self, object_, value, since):
        """True if the object may have had the value after step 'since'."""
        return self.may_be(object_, value) or any(
            step > since and value in values for step, values in self._past[object_])

    def apply(self, group, undone):
        self.step += 1
        for job in group:
            if job.old == job.new:
                raise Violation('job %d changes nothing: %s' % (job.id, job))
            if not self.may_be(job.object, job.old):
                raise Violation('job %d begins at %d, but the value was %s: a change without'
                                ' a job, or a job without a change: %s' % (
                                    job.id, job.old, self.values[job.object], job))
            self._past[job.object].append((self.step, self.values.get(job.object, {job.old})))
            self.values[job.object] = {job.old, job.new} if undone else {job.new}
            self.undone.pop(job.object, None)
            if undone:
                self.undone[job.object] = job.old

    def end(self, after):
        for object_, value in after.items():
            if not self.may_be(object_, value):
                raise Violation('%s.%s is %d, but the last job leaves %s' % (
                    *object_, value, self.values[object_]))
            back = self.undone.get(object_, value)
            # Another real service may be the fallback now.
            if value != back and object_[1] != layout.FALLBACK:
                raise Violation('%s.%s is %d, not undone to %d' % (*object_, value, back))


class _Queue:
    """The SETs of a writer without jobs so far."""

    def __init__(self, ops):
        self._ops = collections.deque(ops)
        self._since = 0         # step of the last SET that made jobs

    def take(self, group, undone, play):
        """Finds the SET of these jobs. The SETs before it made no jobs."""
        changes = {job.object: job.new for job in group}
        while self._ops:
            op = self._ops.popleft()
            if self._fits(op, changes, play):
                if op.status == 'noError' and undone:
                    raise Violation('answered noError, then undone: %s\n%s' % (op, group))
                if op.status != 'noError' and op.status not in UNKNOWN and not undone:
                    raise Violation('answered %s, but done: %s\n%s' % (op.status, op, group))
                self._since = play.step + 1
                return
            self._check_without_jobs(op, play)
        raise Violation('jobs of an incomplete or repeated SET: %s' % (group,))

    def _fits(self, op, changes, play):
        if not changes.items() <= op.final.items():
            return False
        if any(not play.may_be(object_, value) for object_, value in op.final.items()
               if object_ not in changes):
            return False
        # The writer may have repeated a refused SET.
        return op.status == 'noError' or op.status in UNKNOWN or not any(
            later.final == op.final for later in self._ops)

    def end(self, play):
        for op in self._ops:
            self._check_without_jobs(op, play)

    def _check_without_jobs(self, op, play):
        """The values were present at the time of the SET. Others may have changed them later."""
        if op.status != 'noError':
            return
        for object_, value in op.final.items():
            if not play.may_have_been(object_, value, self._since):
                raise Violation('answered noError, and not done: %s' % op)


def _check_answers(ops):
    """Checks the status of each answer."""
    for op in ops:
        if op.status is None:
            raise Violation('without an answer and without a timeout: %s' % op)
        if op.bad and op.status == 'noError':
            raise Violation('a bad SET was accepted: %s' % op)
        if op.status in ('noError', op.bad, op.may) or op.status in UNKNOWN \
                or op.status in TRANSIENT:
            continue
        raise Violation('a good SET was refused: %s' % op)


def judge(before, jobs, ops, after):
    """'before' and 'after' are object -> value, 'jobs' are in order, 'ops' is writer -> SETs
    in order."""
    queues = {writer: _Queue(of) for writer, of in ops.items()}
    for of in ops.values():
        _check_answers(of)
    play = _Play(before)
    for group in _groups(jobs):
        undone = _is_undone(group)
        writer = _writer_of(group)
        if writer is not None:
            queues[writer].take(group, undone, play)
        play.apply(group, undone)
    for queue in queues.values():
        queue.end(play)
    play.end(after)


def judge_orders(before, jobs, orders):
    """HAProxy got the weights in the order of their jobs, each at least once, and none of an
    undone SET. 'orders' are (path, weight)."""
    chains = {}
    for job in jobs:
        if job.object[1] == layout.WEIGHT:
            chain = chains.setdefault(job.object[0], [before.get(job.object)])
            undone = job.state == layout.CANCELLED
            chain.append(None if undone else job.new)
    at = {}
    for path, weight in orders:
        chain = chains.get(path, [before.get((path, layout.WEIGHT))])
        if weight not in chain[at.get(path, 0):]:
            raise Violation('HAProxy got %s weight %d, out of order or without a job: %s' % (
                path, weight, chain))
        at[path] = chain.index(weight, at.get(path, 0))
