# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The programs that are killed (HAProxy is also reloaded), the moment, and their restart. The moment
# is random within a time that covers all phases of the program, or it is an event: the answer to a
# SET, or a command that passes to HAProxy.
"""KINDS: name -> class with strike(), judge() and the phase of the kill."""

import contextlib
import os
import signal
import threading
import time

import layout
from damage import WAYS
from harness import LBCLUSTERCTL, Program, wait_for
from history import Violation

SET_S = 0.030       # some SETs of each manager
START_S = 0.060     # a start of lbclusterd
BACK_S = 20.0       # until statistics are shown again; unchanged ones are written every 10 s


def kill_now(pid):
    """Callable from any thread; the process may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class Victim:
    """A kind of round."""

    name = ''
    drives = False      # SETs also go to HAProxy

    def __init__(self, trial):
        self.trial = trial
        self.world = trial.world
        self.rng = trial.rng
        self.phase = 'none'

    def strike(self):
        """Kills the program and starts it again."""
        raise NotImplementedError

    def judge(self, before, after):
        """Rows of "inv" before and after the round."""
        if before != after:
            raise Violation('the inventory changed without a load')

    def wait(self, span_s):
        time.sleep(self.rng.uniform(0, span_s))

    def wait_event(self, arm):
        """arm(call) makes the next event call call(). Returns False without an event within a
        second."""
        came = threading.Event()
        arm(came.set)
        return came.wait(1.0)

    def kill_at_answer(self, pid):
        """Kills in the thread of a manager, at the next noError."""
        manager = self.trial.writers[self.rng.randrange(2)]

        def arm(call):
            manager.on_answer = lambda: (kill_now(pid), call())
        self.wait_event(arm)
        manager.on_answer = None

    def journal(self):
        """True during a commit, or if its writer was killed during the commit."""
        try:
            return os.path.getsize(os.path.join(self.world.store, 'lbcluster.db-journal')) > 0
        except FileNotFoundError:
            return False


class Undisturbed(Victim):
    """Nothing is killed: the comparison for the other kinds."""

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
        self.phase_find()
        if not self.journal():
            self.overtake()
        if self.rng.randrange(5) == 0:
            self.trial.start_daemon(wait=False)
            self.wait(START_S)
            self.world.daemon.kill()
            self.phase += ', starting'
        self.trial.start_daemon()

    def overtake(self):
        """lbclusterctl sets the value of a held job, and the driver carries it out."""
        held = {job.object for job in layout.jobs(self.trial.db, self.trial.last_job)
                if job.state == layout.HELD and job.object[1] == layout.WEIGHT}
        commander = self.trial.writers[-1]
        for path, _ in held:
            if path.startswith('drv/' + layout.SHARED):
                commander.pause()
                commander.overtake(path)
                wait_for(lambda: not self.queued(), 10, 'the driver carries out the later job')
                commander.go()
                self.phase += ', overtaken'

    def queued(self):
        return self.trial.db.execute('SELECT 1 FROM job WHERE state IN (1, 2)').fetchone()

    def phase_find(self):
        """The phase, from the files. Opening the store would roll back a journal."""
        if self.journal():
            self.phase = 'writing'
        elif self.trial.db.execute('SELECT 1 FROM job WHERE state = 0').fetchone():
            self.phase = 'held'
        elif self.phase == 'none':
            self.phase = 'other'


class Load(Victim):
    """lbclusterctl load of another inventory."""

    name = 'load'
    span_s = 0.030      # the time of a load, measured

    def strike(self):
        mode = self.rng.choice(('', 'prune', 'reset'))
        self.wanted = layout.loaded(self.rng.random(), mode)
        path = os.path.join(self.world.dir, 'changed.conf')
        with open(path, 'w', encoding='utf-8') as file:
            # The load prunes rows that the file does not name.
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
        self.world.ctl('list', '-r')    # the next program that opens the store rolls back

    def judge(self, before, after):
        allowed = [self.wanted.after(before)] if self.status == 0 else [before]
        if self.status < 0:
            allowed.append(self.wanted.after(before))
            if after != before:
                self.phase = 'committed'
        if after not in allowed:
            raise Violation('a load (%s, %s) is applied in part:\n%s\nexpected:\n%s' % (
                self.wanted.mode, self.status, sorted(after.items()),
                [sorted(rows.items()) for rows in allowed]))


class Driver(Victim):
    """The driver."""

    name = 'driver'
    drives = True

    def strike(self):
        if self.trial.plane.gated and self.rng.randrange(2):
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
        """Kills the driver before or after a command reaches HAProxy."""
        pid, before = self.trial.driver.pid, self.rng.randrange(2)

        def arm(call):
            self.trial.on_order = lambda: (before and kill_now(pid), call())
        self.phase = 'other'
        if self.wait_event(arm):
            self.phase = 'ordering' if before else 'ordered'
            self.wait(0 if before else 0.005)
        self.trial.on_order = None


class Master(Victim):
    """snmpd. lbclusterd tries to connect at growing intervals, so it is restarted by SIGTERM
    before they get long."""

    name = 'snmpd'
    drives = True
    MOST = 2            # restarts of snmpd for each lbclusterd

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
        """Stops lbclusterd before the kill, long enough that its timers are due when it reads
        the last messages of snmpd."""
        self.wait(SET_S)
        self.world.daemon.signal(signal.SIGSTOP)
        time.sleep(0.12)
        self.phase = 'frozen'

    def cut_off(self):
        """The killed snmpd blocks no other program: it can write and read at once."""
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


class Balancer(Victim):
    """HAProxy: reloaded with a new process or by its master, or killed."""

    name = 'haproxy'
    drives = True

    def strike(self):
        haproxy = self.trial.plane.haproxy
        for _ in range(self.rng.randrange(1, 4)):
            if self.rng.randrange(2):
                self.at_order()
            else:
                self.wait(SET_S)
            self.phase = self.rng.choice(('reloaded', 'killed'))
            if self.phase == 'reloaded':
                haproxy.reload()
            else:
                haproxy.kill()
                haproxy.master = bool(self.rng.randrange(2))
                haproxy.start()
            if haproxy.master:
                self.phase += ', master'

    def at_order(self):
        """Waits for a command to HAProxy."""
        def arm(call):
            self.trial.on_order = call
        self.wait_event(arm)
        self.trial.on_order = None


class Statistics(Victim):
    """The files of the statistics are damaged. No program ends, and statistics come back."""

    name = 'statistics'
    drives = True

    def strike(self):
        base = os.path.join(self.world.store, 'lbcluster-stats.db')
        for n in range(self.rng.randrange(1, 6)):
            tail, way = self.rng.choice(('', '-wal', '-shm')), self.rng.choice(sorted(WAYS))
            with contextlib.suppress(FileNotFoundError):
                WAYS[way](base + tail, self.rng.randrange(1000))
            self.phase = '%s %s' % (way, tail or 'database')
            self.wait(SET_S)
        alive = self.world.daemon.alive(), self.trial.driver.alive()
        if alive != (True, True):
            raise Violation('lbclusterd, lbcluster-haproxy run: %s, %s' % alive)
        # The first time may be that of the last statistics before the damage.
        for _ in range(2):
            before = self.last_update()
            try:
                wait_for(lambda: self.last_update() not in (None, before), BACK_S, 'statistics')
            except AssertionError:
                raise Violation('no statistics after: ' + self.phase) from None

    def last_update(self):
        service, reals = next(iter(layout.names('drv').items()))
        number = self.world.number('drv/%s/%s' % (service, sorted(reals)[0]))
        return self.world.get('lbcRealStatsLastUpdate', *number)


KINDS = {kind.name: kind for kind in (Daemon, Load, Driver, Master, Balancer, Statistics)}
