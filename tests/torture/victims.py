# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# What is killed, when, and how it is brought back. The moment is by chance, over a time
# that has all phases of what is killed; often it is given by an event instead: a SET
# was answered just now, an order passes to HAProxy just now.
"""KINDS: name -> class with strike(), judge() and the phase it met."""

import contextlib
import os
import signal
import threading
import time

import layout
from harness import LBCLUSTERCTL, Program, wait_for
from history import Violation

SET_S = 0.030       # some SETs of each manager
START_S = 0.060     # a start of lbclusterd


def kill_now(pid):
    """From any thread; it may be over already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class Victim:
    """A kind of round."""

    name = ''
    drives = False      # the SETs are for HAProxy, too

    def __init__(self, trial):
        self.trial = trial
        self.world = trial.world
        self.rng = trial.rng
        self.phase = 'none'

    def strike(self):
        """Kills and brings back."""
        raise NotImplementedError

    def judge(self, before, after):
        """Rows of "inv" before and after the round."""
        if before != after:
            raise Violation('nobody loaded, but the inventory changed')

    def wait(self, span_s):
        time.sleep(self.rng.uniform(0, span_s))

    def wait_event(self, arm):
        """arm(call) has call() called at the next event of its kind. False if none came
        within a second."""
        came = threading.Event()
        arm(came.set)
        return came.wait(1.0)

    def kill_at_answer(self, pid):
        """When a manager is told of success next, by its own thread, at once."""
        manager = self.trial.writers[self.rng.randrange(2)]

        def arm(call):
            manager.on_answer = lambda: (kill_now(pid), call())
        self.wait_event(arm)
        manager.on_answer = None

    def journal(self):
        """True while a commit is half done, or was when its writer died."""
        try:
            return os.path.getsize(os.path.join(self.world.store, 'lbcluster.db-journal')) > 0
        except FileNotFoundError:
            return False


class Undisturbed(Victim):
    """Nothing is killed: what all others are compared with."""

    name = 'none'
    drives = True

    def strike(self):
        time.sleep(0.1)


class Daemon(Victim):
    """lbclusterd, sometimes a second time while it starts."""

    name = 'lbclusterd'
    drives = True

    def strike(self):
        if self.rng.randrange(3) == 0:
            self.kill_at_answer(self.world.daemon.pid)
            self.phase = 'answered'
        else:
            self.wait(SET_S)
        self.world.daemon.kill()
        self.trial.agent.served = False
        self.look()
        if not self.journal():
            self.overtake()
        if self.rng.randrange(5) == 0:
            self.trial.start_daemon(wait=False)
            self.wait(START_S)
            self.world.daemon.kill()
            self.phase += ', starting'
        self.trial.start_daemon()

    def overtake(self):
        """Another sets what a job is held for, and the driver does that."""
        held = {job.object for job in layout.jobs(self.trial.db, self.trial.last_job)
                if job.state == layout.HELD and job.object[1] == layout.WEIGHT}
        commander = self.trial.writers[-1]
        for path, _ in held:
            if path.startswith('drv/' + layout.SHARED):
                commander.pause()
                commander.overtake(path)
                wait_for(lambda: not self.queued(), 10, 'the driver overtakes')
                commander.go()
                self.phase += ', overtaken'

    def queued(self):
        return self.trial.db.execute('SELECT 1 FROM job WHERE state IN (1, 2)').fetchone()

    def look(self):
        """The phase, by what is left; opening a journal would mend it."""
        if self.journal():
            self.phase = 'writing'
        elif self.trial.db.execute('SELECT 1 FROM job WHERE state = 0').fetchone():
            self.phase = 'held'
        elif self.phase == 'none':
            self.phase = 'other'


class Load(Victim):
    """lbclusterctl load of another inventory."""

    name = 'load'
    span_s = 0.030      # how long one takes; learnt

    def strike(self):
        mode = self.rng.choice(('', 'prune', 'reset'))
        self.wanted = layout.loaded(self.rng.random(), mode)
        path = os.path.join(self.world.dir, 'changed.conf')
        with open(path, 'w', encoding='utf-8') as file:
            # What is not named is pruned.
            file.write(self.wanted.text() + (self.trial.stays if mode == 'prune' else ''))
        option = ['--' + mode] if mode else []
        self.wait(SET_S)
        begun = time.monotonic()
        load = Program('load', [LBCLUSTERCTL, '-s', self.world.store, 'load', *option, path],
                       os.path.join(self.world.dir, 'load.log'))
        if self.rng.randrange(8):
            self.wait(1.2 * Load.span_s)
        else:
            wait_for(lambda: not load.alive(), 30, 'load ends')
            Load.span_s = (Load.span_s + time.monotonic() - begun) / 2
        self.status = load.kill()
        self.phase = {0: 'done', -signal.SIGKILL: 'before'}.get(self.status, 'refused')
        if self.status < 0 and self.journal():
            self.phase = 'writing'
        self.world.ctl('list', '-r')    # whoever looks next finds a store that is whole

    def judge(self, before, after):
        allowed = [self.wanted.after(before)] if self.status == 0 else [before]
        if self.status < 0:
            allowed.append(self.wanted.after(before))
            if after != before:
                self.phase = 'committed'
        if after not in allowed:
            raise Violation('a load (%s, %s) is applied in part:\n%s\nnot\n%s' % (
                self.wanted.mode, self.status, sorted(after.items()),
                [sorted(rows.items()) for rows in allowed]))


class Driver(Victim):
    """lbcluster-haproxy."""

    name = 'driver'
    drives = True

    def strike(self):
        if self.rng.randrange(2):
            self.at_order()
        else:
            self.wait(0.25)
            self.phase = 'other'
        self.trial.driver.kill()
        if self.rng.randrange(5) == 0:
            self.trial.start_driver()
            self.wait(START_S)
            self.trial.driver.kill()
            self.phase += ', starting'
        self.trial.start_driver()

    def at_order(self):
        """It has asked HAProxy for a change: before that is done, or after."""
        pid, before = self.trial.driver.pid, self.rng.randrange(2)

        def arm(call):
            self.trial.on_order = lambda: (before and kill_now(pid), call())
        self.phase = 'other'
        if self.wait_event(arm):
            self.phase = 'ordering' if before else 'ordered'
            self.wait(0 if before else 0.005)
        self.trial.on_order = None


class Master(Victim):
    """snmpd. lbclusterd looks ever more rarely for a master that goes away all the time:
    it is begun anew before that takes long, by SIGTERM."""

    name = 'snmpd'
    drives = True
    MOST = 2            # lives of snmpd that one lbclusterd sees

    def strike(self):
        self.rng.choice((self.at_answer, self.frozen, self.at_random))()
        agent = self.trial.agent
        agent.alive = agent.served = False
        self.world.stop_master(signal.SIGKILL)
        agent.life += 1
        self.world.daemon.signal(signal.SIGCONT)
        self.cut_off()
        self.world.start_master()
        agent.alive = True
        if agent.life % self.MOST == 0:
            self.world.stop_daemon()
            self.trial.start_daemon(wait=False)
        self.world.wait_served(20)
        agent.served = True

    def at_answer(self):
        self.kill_at_answer(self.world.master.pid)
        self.phase = 'answered'

    def at_random(self):
        self.wait(SET_S)
        self.phase = 'other'

    def frozen(self):
        """lbclusterd stands still before, long enough that its timers are due, too, when
        it finds what snmpd said last."""
        self.wait(SET_S)
        self.world.daemon.signal(signal.SIGSTOP)
        time.sleep(0.12)
        self.phase = 'frozen'

    def cut_off(self):
        """What snmpd left behind holds nothing: others write and read at once."""
        commander = self.trial.writers[-1]
        commander.pause()
        commander.probe()
        self.world.ctl('list', '-r')
        commander.go()

    def judge(self, before, after):
        super().judge(before, after)
        if self.trial.db.execute('SELECT 1 FROM job WHERE id > ? AND state = 5',
                                 (self.trial.last_job,)).fetchone():
            self.phase += ', undone'


KINDS = {kind.name: kind for kind in (Daemon, Load, Driver, Master)}
