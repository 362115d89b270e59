# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The writers: two managers over SNMP and one user of lbclusterctl. Each is a thread that sends SET
# after SET until the trial pauses it, and keeps each SET with its answer for history.py.
#
# A SET of weights only can be identified by its values, which are unique. A writer sends another
# SET only while it knows the values of its rows.
"""Manager, Commander: threads that set."""

import collections
import random
import subprocess
import threading
import time

import layout
from harness import LBCLUSTERCTL, wait_for
from layout import ENABLED, FALLBACK, WEIGHT
from snmp import Client, Timeout

# Errors that leave the result unknown: the master lost a peer during the SET.
UNKNOWN = ('genErr', 'undoFailed', 'timeout')

# Permitted refusals of a good SET: lbclusterd does not serve, or another program locks the
# store for longer than lbclusterd waits.
TRANSIENT = ('notWritable', 'resourceUnavailable', 'commitFailed')

PROBED_S = 10.0


class Op:
    """One SET. 'final' is object -> requested value, 'bad' the required error."""

    def __init__(self, writer, final, bad=None, varbinds=None, may=None):
        self.writer = writer
        self.final = final
        self.bad = bad
        self.may = may              # a permitted error
        self.varbinds = varbinds    # if they differ from 'final'
        self.status = None
        self.begun = time.monotonic()
        self.ended = None

    def __str__(self):
        return '%s %s: %s%s (%.1f ms)' % (
            self.writer, ' '.join('%s.%s=%d' % (*object_, value)
                                  for object_, value in self.final.items()),
            self.status or 'not sent', ' (must be %s)' % self.bad if self.bad else '',
            1000 * ((self.ended or time.monotonic()) - self.begun))


class Writer(threading.Thread):
    """A thread that the trial controls. A round is prepare(), go(), pause()."""

    def __init__(self, name, seed):
        super().__init__(name='writer-' + name, daemon=True)
        self.writer = name
        self.ops = []
        self.failure = None
        self.drives = True          # also sets rows with a data plane
        self.on_answer = None       # called once, after the next noError
        self._rng = random.Random('%s %s' % (seed, name))
        self._known = {}            # object -> value, of its own rows
        self._sure = True
        self._numbers = {}
        self._marks = collections.Counter()
        self._may_go = threading.Event()
        self._rests = threading.Event()
        self._ends = False
        self._rests.set()

    # -- called by the trial ---------------------------------------------------------

    def prepare(self, rows, drives):
        """Sets the stored values while the thread rests."""
        self.ops = []
        self._numbers = rows
        self._known = layout.objects(rows)
        self._sure = True
        self.drives = drives

    def go(self):
        self._rests.clear()
        self._may_go.set()

    def pause(self, patience_s=60):
        """Waits until the thread rests. Raises the error of the thread."""
        self._may_go.clear()
        if not self._rests.wait(patience_s):
            raise AssertionError('%s does not come to rest: %s' % (
                self.writer, self.ops[-1] if self.ops else 'no SET'))
        if self.failure:
            raise self.failure

    def probe(self):
        """Sends one SET while the thread rests. It must succeed, also while another program
        writes."""
        def succeeds():
            self.one(Op(self.writer, self._weights(self._some(1))))
            if self.ops[-1].status not in ('noError', 'resourceUnavailable', 'commitFailed'):
                raise AssertionError('this SET should succeed: %s' % self.ops[-1])
            return self.ops[-1].status == 'noError'
        wait_for(succeeds, PROBED_S, 'a SET is done')

    def end(self):
        self._ends = True
        self._may_go.set()
        self.join(10)

    def run(self):
        while True:
            if not self._may_go.is_set():
                self._rests.set()
                self._may_go.wait()
            if self._ends:
                return
            try:
                self.one(self.choose())
            except Exception as error:      # pylint: disable=broad-except
                self.failure = error
                self._may_go.clear()

    # -- choosing -------------------------------------------------------------------

    def weight(self, path):
        """A weight that identifies the writer and that the row did not have recently."""
        self._marks[path] += 1
        turn = layout.WRITERS.index(self.writer) + len(layout.WRITERS) * self._marks[path]
        return turn % (layout.HIGHEST[path.split('/')[0]] // 3 * 3)

    def _services(self):
        return [service for service in layout.services(self.writer)
                if self.drives or not service.startswith('drv/')]

    def _paths(self, service):
        return [service + '/' + real for real in layout.REALS]

    def _weights(self, paths):
        return {(path, WEIGHT): self.weight(path) for path in paths}

    def _some(self, most):
        """Some of its real services, of all its services."""
        paths = [path for service in self._services() for path in self._paths(service)]
        return self._rng.sample(paths, self._rng.randrange(1, most + 1))

    def _shared(self):
        """One of a few shared real services."""
        cluster = 'drv' if self.drives and self._rng.randrange(3) else 'rec'
        return self._rng.choice(self._paths('%s/%s' % (cluster, layout.SHARED))[:2])

    def _holder(self, service):
        """The fallback of one of its services, or None."""
        for path in self._paths(service):
            if self._known[path, FALLBACK]:
                return path
        return None

    def note_answer(self, op):
        """Updates the known values after the answer."""
        if op.status == 'noError':
            self._known.update(op.final)
        elif not op.bad:
            self._sure = False

    def choose(self):
        """The next Op."""
        raise NotImplementedError

    def one(self, op):
        """Carries out the SET and keeps it."""
        raise NotImplementedError

    def answered(self, op, status):
        op.status = status
        op.ended = time.monotonic()
        if status == 'noError' and self.on_answer:
            self.on_answer, call = None, self.on_answer
            call()
        self.note_answer(op)


class Manager(Writer):
    """Sets over SNMP. 'agent' has the number of the present snmpd (life), and whether it runs
    (alive) and serves LBCLUSTER-MIB (served)."""

    def __init__(self, name, seed, port, agent):
        super().__init__(name, seed)
        self.client = Client(port, timeout=30.0, life=lambda: agent.life)
        self._agent = agent
        self._kinds = (
            (self._weights_only, 6), (self._toggle, 3), (self._hand_over, 2),
            (self._again, 2), (self._contended, 5), (self._refused, 3))

    def choose(self):
        kinds = self._kinds if self._sure else (
            (self._weights_only, 2), (self._contended, 1))
        make = self._rng.choices([kind for kind, _ in kinds], [n for _, n in kinds])[0]
        return make()

    def _weights_only(self):
        return Op(self.writer, self._weights(self._some(4)))

    def _toggle(self):
        path = self._some(1)[0]
        final = {(path, ENABLED): 1 - self._known[path, ENABLED]}
        if self._rng.randrange(2):
            final.update(self._weights(self._some(2)))
        return Op(self.writer, final)

    def _hand_over(self):
        """Moves the fallback to another real service and enables it if needed."""
        service = self._rng.choice(self._services())
        holder = self._holder(service)
        to = self._rng.choice([path for path in self._paths(service) if path != holder])
        final = {(to, FALLBACK): 1}
        if holder:
            final[holder, FALLBACK] = 0
        if not self._known[to, ENABLED]:
            final[to, ENABLED] = 1
        items = list(final.items())
        self._rng.shuffle(items)
        return Op(self.writer, dict(items))

    def _again(self):
        """A SET of the present values."""
        return Op(self.writer, {(path, column): self._known[path, column]
                                for path in self._some(3) for column in layout.COLUMNS})

    def _contended(self):
        path = self._shared()
        final = {(path, WEIGHT): self.weight(path)}
        if self._rng.randrange(2):
            final[path, ENABLED] = self._rng.randrange(2)
        if self._rng.randrange(2):
            final[path, FALLBACK] = self._rng.randrange(2)
        if self._rng.randrange(3) == 0:
            final.update(self._weights(self._some(2)))
        # The result depends on the other writers.
        return Op(self.writer, final, may='inconsistentValue')

    def _refused(self):
        """Good varbinds and a wrong one at any position: nothing may change."""
        final = self._weights(self._some(3))
        good = [layout.varbind(object_, value, self._numbers) for object_, value in final.items()]
        bad, status = self._rng.choice((self._too_high, self._missing, self._mistyped,
                                        self._second_fallback))()
        good.insert(self._rng.randrange(len(good) + 1), bad)
        return Op(self.writer, final, status, good)

    def _too_high(self):
        path = self._some(1)[0]
        return layout.varbind((path, WEIGHT), 65536, self._numbers), 'wrongValue'

    def _missing(self):
        oid, letter, value = layout.varbind((self._some(1)[0], WEIGHT), 1, self._numbers)
        return (oid[:-1] + (2000000000,), letter, value), 'noCreation'

    def _mistyped(self):
        oid, _, value = layout.varbind((self._some(1)[0], WEIGHT), 1, self._numbers)
        return (oid, 'i', value), 'wrongType'

    def _second_fallback(self):
        service = self._rng.choice(self._services())
        holder = self._holder(service)
        if not holder:
            return self._too_high()
        other = self._rng.choice([path for path in self._paths(service) if path != holder])
        return layout.varbind((other, FALLBACK), 1, self._numbers), 'inconsistentValue'

    def one(self, op):
        if not self._agent.served and (not self._agent.alive or self._rng.randrange(20)):
            time.sleep(0.002)   # not served; sometimes ask snmpd anyway
            return
        self.ops.append(op)
        op.begun = time.monotonic()
        varbinds = op.varbinds or [layout.varbind(object_, value, self._numbers)
                                   for object_, value in op.final.items()]
        try:
            status = self.client.set_answer(*varbinds).status
        except Timeout:
            status = 'timeout'
        self.answered(op, status)


class Commander(Writer):
    """Runs lbclusterctl, one command after the other."""

    def __init__(self, seed, store):
        super().__init__('ctl', seed)
        self._store = store

    def choose(self):
        choice = self._rng.randrange(6 if self._sure else 3)
        if choice < 2:
            path = self._shared()
            return Op('ctl', {(path, WEIGHT): self.weight(path)})
        if choice == 2:
            return Op('ctl', self._weights(self._some(1)))
        path = self._some(1)[0]
        if choice < 5:
            return Op('ctl', {(path, ENABLED): 1 - self._known[path, ENABLED]})
        return self._fallback(path)

    def _fallback(self, path):
        holder = self._holder(path.rsplit('/', 1)[0])
        if holder:
            return Op('ctl', {(holder, FALLBACK): 0})
        if not self._known[path, ENABLED]:
            return Op('ctl', {(path, FALLBACK): 1}, 'refused')
        return Op('ctl', {(path, FALLBACK): 1})

    def _command(self, op):
        ((path, column), value), = op.final.items()
        if column == WEIGHT:
            return ['set-weight', path, str(value)]
        word = 'enable' if value else 'disable'
        return [word + ('-fallback' if column == FALLBACK else ''), path]

    def overtake(self, path):
        """Sets a weight that a manager has just set."""
        self.one(Op('ctl', {(path, WEIGHT): self.weight(path)}))

    def one(self, op):
        self.ops.append(op)
        op.begun = time.monotonic()
        done = subprocess.run(
            [LBCLUSTERCTL, '-s', self._store, '--no-wait', *self._command(op)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, timeout=60, check=False)
        statuses = {0: 'noError', 4: 'refused', 5: 'resourceUnavailable'}
        self.answered(op, statuses.get(done.returncode, 'exit %d: %s' % (
            done.returncode, done.stderr.strip())))
        # The managers send the stream of SETs; lbclusterctl is slower.
        time.sleep(0.01)
