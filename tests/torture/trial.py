# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# A world under torture: snmpd, lbclusterd, a driver with a real data plane, and the writers.
# In a round the writers start, a program is killed and started again, the writers rest, and
# everything is checked.
"""Trial: round() after round()."""

import collections
import contextlib
import os
import random
import time

import harness
import history
import invariants
import layout
from harness import Program, World, wait_for
from history import Violation
from planes import PLANES
from victims import KINDS, Undisturbed
from writers import Commander, Manager

SETTLED_S = 20.0    # until jobs are released, carried out and shown
_DRIVEN = 4         # in one of so many rounds, SETs also go to HAProxy


class Agent:
    """The state of snmpd for the managers: its number, whether it runs, and whether it
    serves."""

    def __init__(self):
        self.life = 0
        self.alive = True
        self.served = False


class Trial:
    """'defect' tests the torture itself: a function of (trial, round) that breaks something
    in a round."""

    def __init__(self, seed, kinds=tuple(KINDS), plane='haproxy'):
        self.seed = seed
        self.rng = random.Random(seed)
        self.kinds = kinds
        self.agent = Agent()
        self.rounds = collections.Counter()     # by kind
        self.answers = collections.Counter()    # by status
        self.phases = collections.Counter()     # (kind, phase)
        self.world = World()
        self.driver = None
        self.plane = PLANES[plane](self)
        self.on_order = None    # called once, before the next command is passed on
        self.writers = []
        self.kind = None
        self._n = 0

    # -- begin and end ----------------------------------------------------------------

    def begin(self):
        world = self.world
        # The judge needs every job of a round: a round may have 10,000 and more.
        world.configure(job_max_rows=100000, stale_after=86400, log_level='info')
        self.stays = layout.inventory(*self.plane.start())
        world.load(self.stays + layout.loaded(self.seed, '').text())
        world.start_master()
        self.start_daemon()
        self.start_driver()
        self.db = invariants.connect(world)
        self.last_job = 0
        self.rows = invariants.snapshot(self.db, layout.reals)
        self.writers = [Manager(name, self.seed, world.port, self.agent) for name in 'ab']
        self.writers.append(Commander(self.seed, world.store))
        for writer in self.writers:
            writer.start()
        self.round(Undisturbed)

    def end(self):
        """Ends all programs. It is a violation if one ends with an error."""
        for writer in self.writers:
            writer.end()
        if self.driver and self.driver.end() != 0:
            raise Violation('the driver ended with an error')
        with open(self.driver.log, encoding='utf-8') as file:
            if harness.SANITIZER_REPORT.search(file.read()):
                raise Violation('the log of the driver has a report of a sanitizer')
        self.db.close()
        self.plane.end()
        self.world.close()

    def ordered(self):
        """The data plane calls this before it carries out a command."""
        if self.on_order:
            self.on_order, call = None, self.on_order
            call()

    # -- programs ---------------------------------------------------------------------

    def start_daemon(self, wait=True):
        self.world.start_daemon(wait, args=('-l', 'info'))
        self.agent.served = wait

    def start_driver(self):
        others = self.world.others
        if self.driver in others:
            others.remove(self.driver)
        conf = os.path.join(self.world.dir, 'driver.conf')
        with open(conf, 'w', encoding='utf-8') as file:
            file.write('interval = 0.2\n')
        self.driver = Program(
            'driver', [self.plane.driver, '-f', '-c', conf, '-s', self.world.store],
            os.path.join(self.world.dir, 'driver.log'))
        others.append(self.driver)

    # -- a round ----------------------------------------------------------------------

    def next(self):
        """A round of a random kind."""
        self.round(KINDS[self.rng.choice(self.kinds)])

    def round(self, kind):
        self._n += 1
        self.kind = kind(self)
        self.plane.orders = []
        drives = kind.drives or self.rng.randrange(_DRIVEN) == 0
        for writer in self.writers:
            writer.prepare(self.rows, drives)
            writer.go()
        self.kind.strike()
        time.sleep(self.rng.uniform(0, 0.01))
        for writer in self.writers:
            writer.pause()
        for writer in self.writers:
            writer.probe()
        self._settle()
        self._judge()
        self.rounds[kind.name] += 1
        self.phases[kind.name, self.kind.phase] += 1
        self.answers.update(op.status for writer in self.writers for op in writer.ops)

    def _settle(self):
        try:
            wait_for(lambda: invariants.unfinished(self.db) == (0, 0), SETTLED_S, 'jobs end')
        except AssertionError:
            raise Violation('held and unfinished jobs: %s' % (
                invariants.unfinished(self.db),)) from None

    def _judge(self):
        rows, jobs = invariants.snapshot(
            self.db, lambda db: (layout.reals(db), layout.jobs(db, self.last_job)))
        invariants.check_store(self.db)
        invariants.check_jobs(jobs)
        history.judge(layout.objects(self.rows), jobs,
                      {writer.writer: writer.ops for writer in self.writers},
                      layout.objects(rows))
        self.kind.judge(layout.inventory_rows(self.rows), layout.inventory_rows(rows))
        self.plane.judge(self.rows, rows, jobs)
        self._judge_shown()
        self.rows = rows
        self.last_job = jobs[-1].id if jobs else self.last_job

    def _judge_shown(self):
        def right():
            self.wrong = invariants.shown_wrong(self.db, self.client(), self.world)
            return not self.wrong
        try:
            wait_for(right, harness.VISIBLE_S * 2, 'shown')
        except AssertionError:
            raise Violation('not shown as stored: %s' % self.wrong) from None

    def client(self):
        return self.writers[0].client

    # -- the report of a violation -----------------------------------------------------

    def halt(self):
        """Stops all programs before the files are copied."""
        self.agent.served = self.agent.alive = False
        self.agent.life += 1
        for writer in self.writers:
            with contextlib.suppress(AssertionError):
                writer.pause(10)

    def report(self):
        """A report of the round with the violation."""
        lines = ['round %d of seed %s: %s, %s' % (
            self._n, self.seed, self.kind.name, self.kind.phase)]
        for writer in self.writers:
            lines.extend('  ' + str(op) for op in writer.ops)
        lines.append('jobs from %d on:' % (self.last_job + 1))
        lines.extend('  %s' % (job,) for job in layout.jobs(self.db, self.last_job))
        lines.append('commands to HAProxy:')
        lines.extend('  ' + line.rstrip() for line in self.plane.orders)
        return '\n'.join(lines) + '\n'
