#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# "make load": many managers walk and a few SET through one snmpd, while statistics are imported
# and a driver carries out jobs. load_client.c checks every answer, load.py watches every process.
# "make soak" does the same for hours, while soak.py disturbs it.
"""Usage: see --help."""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'integration'))

import mib                                              # noqa: E402
from harness import Program, World, wait_for            # noqa: E402
from load_watch import Growth, Times, process_figures              # noqa: E402
from soak import Soak, time_namespace                   # noqa: E402

HAPROXY = shutil.which('haproxy', path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin')
SERVICES = 10
SERVERS = 8             # of HAProxy
JOB_MAX_ROWS = 200      # reached during the warm-up
OWN = 20                # weights of each setter
SETTLED_S = 30          # until jobs have ended and the values are shown

TABLES = (
    ['lbcReal' + name for name in (
        'Name', 'Path', 'AddressType', 'Address', 'Port', 'Endpoint', 'Weight', 'Fallback',
        'Enabled', 'OperStatus', 'OperStatusReason', 'LastChange', 'LastJob', 'PendingJobs')],
    ['lbcRealStats' + name for name in (
        'Active', 'ActiveConns', 'ConnRate', 'LastUpdate', 'Age', 'Freshness')],
    ['lbcRealPath', 'lbcRealOperStatus'],
    ['lbcRealStatsActiveConns', 'lbcRealStatsConnRate'])


def options():
    parser = argparse.ArgumentParser(prog='load.py', description=__doc__)
    parser.add_argument('--seconds', type=float, default=600)
    parser.add_argument('--hours', type=float, help='in place of --seconds')
    parser.add_argument('--pollers', type=int, default=50)
    parser.add_argument('--setters', type=int, default=4)
    parser.add_argument('--size', type=int, default=2000, help='real services')
    parser.add_argument('--soak', action='store_true',
                        help='restart programs, change the inventory, set the clock and lock'
                        ' statistics meanwhile')
    parser.add_argument('--seed', type=int, default=int(time.time()))
    ret = parser.parse_args()
    if ret.hours is not None:
        ret.seconds = ret.hours * 3600
    if ret.seconds <= 0:
        parser.error('--seconds, --hours: numbers above 0')
    if ret.size % SERVICES or ret.size < SERVICES * OWN * 2:
        parser.error('--size: a multiple of %d, %d at least' % (SERVICES, SERVICES * OWN * 2))
    return ret


def text(oid):
    return '.' + '.'.join(map(str, oid))


def inventory(cluster, size):
    return 'cluster %s { plane = none\n' % cluster + ''.join(
        'service s%d { address = 192.0.2.1  port = %d  protocol = tcp\n' % (s, 80 + s) +
        ''.join('real r%d { address = 10.%d.%d.%d  port = 80  weight = 1 }\n' % (
            r, r // 62500, r // 250 % 250, r % 250) for r in range(s, size, SERVICES)) + '}\n'
        for s in range(SERVICES)) + '}\n'


class Load:
    """A world, its load, and the samples."""

    def __init__(self, opts):
        self.opts = opts
        self.chance = random.Random(opts.seed)
        self.world = World()
        self.world.configure(job_max_rows=JOB_MAX_ROWS, stale_after=86400)
        self.driver = None
        self.clients = []
        self.growth = Growth(opts.size // 2 if opts.soak else 0)
        self.times = Times()
        self.problems = []
        self.soak = Soak(self) if opts.soak else None

    # -- what runs ----------------------------------------------------------------

    def start_daemon(self):
        self.world.start_daemon(args=('-l', 'info'))

    def start_haproxy(self):
        """HAProxy and its driver."""
        path = os.path.join(self.world.dir, 'haproxy.cfg')
        socket = os.path.join(self.world.dir, 'haproxy.sock')
        with open(path, 'w', encoding='ascii') as file:
            file.write('global\n stats socket %s mode 600 level admin\n'
                       'defaults\n mode tcp\n timeout connect 1s\n timeout client 1s\n'
                       ' timeout server 1s\nbackend plane\n' % socket)
            file.writelines(' server h%d 127.0.0.1:9 weight 1\n' % i for i in range(SERVERS))
        self.world.others.append(Program('haproxy', [HAPROXY, '-db', '-f', path],
                                         os.path.join(self.world.dir, 'haproxy.log')))
        wait_for(lambda: os.path.exists(socket), 10, 'haproxy starts')
        self.world.ctl('discover', 'haproxy', socket, '--cluster', 'plane', '--load')
        self.start_driver()

    def start_driver(self):
        conf = os.path.join(self.world.dir, 'driver.conf')
        with open(conf, 'w', encoding='ascii') as file:
            file.write('interval = 1\n')
        self.driver = Program(
            'lbcluster-haproxy',
            [os.path.join(os.path.dirname(os.environ['LBCLUSTERD']), 'lbcluster-haproxy'),
             '-f', '-s', self.world.store, '-l', 'warn', '-c', conf],
            os.path.join(self.world.dir, 'driver.log'))
        self.world.others.append(self.driver)

    def start(self):
        self.world.load(inventory('load', self.opts.size))
        self.world.start_master()
        if HAPROXY:
            self.start_haproxy()
        else:
            print('no haproxy: only clusters without a data plane')
        self.measure()
        self.start_daemon()
        self.world.wait_value(self.opts.size + (SERVERS if HAPROXY else 0), 'lbcSysReals', 0,
                              deadline_s=60)
        self.before = self.changes()
        self.lock = self.world.get('lbcSysSetLock', 0)
        for number in range(self.opts.pollers):
            self.start_poller(number)
        for number in range(self.opts.setters):
            self.start_setter(number)

    def client(self, *args):
        name = 'client-%d' % len(self.clients)
        program = Program(name, [os.environ['LOAD_CLIENT'], *map(str, args)],
                          os.path.join(self.world.dir, name + '.log'))
        self.clients.append(program)
        self.world.others.append(program)

    def start_poller(self, number):
        columns = TABLES[number % len(TABLES)]
        self.client('poll', self.world.port, int(self.opts.soak), self.opts.size,
                    self.chance.choice((10, 25, 50)),
                    *[text(mib.oid(name) + (1,)) for name in columns])

    def start_setter(self, number):
        rows = self.world.sql(
            'SELECT s.cluster_id, s.id, r.id FROM real_service r JOIN service s'
            ' ON s.id = r.service_id WHERE r.id > 1 AND r.id %% %d = %d AND s.cluster_id = 1'
            ' LIMIT %d' % (self.opts.setters, number, OWN))
        rows += self.world.sql(
            'SELECT s.cluster_id, s.id, r.id FROM real_service r JOIN service s'
            " ON s.id = r.service_id JOIN cluster c ON c.id = s.cluster_id"
            " WHERE c.name = 'plane' AND r.id %% %d = %d" % (self.opts.setters, number))
        self.client('set', self.world.port, int(self.opts.soak), self.chance.randrange(1 << 30),
                    text(mib.oid('lbcSysSetLock', 0)), text(mib.oid('lbcRealWeight', 1, 1, 1)),
                    *[text(mib.oid('lbcRealWeight', *row)) for row in rows])

    def changes(self):
        return self.world.get('lbcSysConfigChanges', 0)

    # -- meanwhile ---------------------------------------------------------------------

    def measure(self):
        rows = [{'path': 'load/s%d/r%d' % (r % SERVICES, r), 'active': True,
                 'active_connections': self.chance.randrange(1000),
                 'connections_per_second': self.chance.randrange(1000)}
                for r in range(self.opts.size)]
        done = self.world.ctl('import-statistics', '-', check=not self.opts.soak,
                              stdin=''.join(json.dumps(row) + '\n' for row in rows))
        if done.returncode:
            self.problems.append('import-statistics: ' + done.stderr)

    def sample(self):
        for name, program in (('lbclusterd', self.world.daemon), ('snmpd', self.world.master),
                             ('lbcluster-haproxy', self.driver)):
            if program:
                self.growth.take(name, process_figures(program.pid))
        with contextlib.suppress(OSError):
            size = os.path.getsize(os.path.join(self.world.store, 'lbcluster.db'))
            self.growth.take('lbcluster.db', {'store': size // 1024})

    def extra_inventory(self):
        return inventory('extra', self.opts.size // 2)

    def last_path(self):
        """A real service that no setter sets."""
        return 'load/s%d/r%d' % (SERVICES - 1, self.opts.size - 1)

    def jobs_check(self):
        """The counter starts at 0 with each lbclusterd."""
        self.check('jobs that failed', 0, self.world.get('lbcJobsFailed', 0))

    def alive(self):
        """Checks that all programs run."""
        watched = [self.world.daemon, self.world.master, self.driver, *self.clients]
        for program in filter(None, watched):
            if not program.alive():
                self.problems.append('%s ended with %s' % (program.name, program.process.poll()))
        return not self.problems

    def run(self):
        end = time.monotonic() + self.opts.seconds
        step = min(5.0, self.opts.seconds / 40)
        disturb_at = time.monotonic() + step
        while time.monotonic() < end and self.alive():
            began = time.monotonic()
            self.measure()
            self.sample()
            self.jobs_check()
            if self.soak and began >= disturb_at:
                self.soak.next()
                disturb_at = time.monotonic() + self.chance.uniform(step, 4 * step)
            time.sleep(max(0.0, step - (time.monotonic() - began)))

    # -- afterwards ------------------------------------------------------------------------

    def end_clients(self):
        for client in self.clients:
            client.signal(signal.SIGTERM)
        for client in self.clients:
            status = client.wait(60)
            with open(client.log, encoding='utf-8') as file:
                said = file.read()
            if status == 0:
                self.times.take(said)
            else:
                self.problems.append('%s: %s' % (client.name, said.strip()))

    def check(self, what, expected, got):
        if expected != got:
            self.problems.append('%s: %r expected, %r found' % (what, expected, got))

    def check_end(self):
        """Every answered change is counted once."""
        counts = self.times.counts
        wait_for(lambda: not self.world.sql('SELECT 1 FROM job WHERE state < 3'), SETTLED_S,
                 'all jobs have ended')
        wait_for(lambda: self.world.get('lbcJobsActive', 0) == 0, SETTLED_S, 'and it is seen')
        self.check('jobs kept', True, self.world.get('lbcJobRows', 0) <= JOB_MAX_ROWS)
        self.check('jobs that failed', [], self.world.sql('SELECT id, message FROM job'
                                                          ' WHERE state = 4'))
        self.check('integrity_check', [('ok',)], self.world.sql('PRAGMA integrity_check'))
        if not self.opts.soak:
            self.check('changes', counts['sets'] + counts['shared'], self.changes() - self.before)
            self.check('the lock', counts['shared'],
                       self.world.get('lbcSysSetLock', 0) - self.lock)
        events = self.soak.total() if self.soak else 0
        # One line for each start, loss, return and end, and for each refusal.
        lines = self.world.daemon_log().count('\n')
        self.check('%d lines of log for %d events and %d refusals' % (
            lines, events, counts['beaten'] + counts['busy']), True,
            lines <= 10 + 10 * events + counts['beaten'] + counts['busy'])

    def report(self, seconds):
        counts = self.times.counts
        lines, grown = self.growth.judge()
        print('%d pollers, %d setters, %d real services, %.0f s%s; seed %d' % (
            self.opts.pollers, self.opts.setters, self.opts.size, seconds,
            ', %d disturbances' % self.soak.total() if self.soak else '', self.opts.seed))
        if self.soak:
            print('\n'.join(self.soak.lines()))
        print('\n'.join(self.times.lines(seconds)))
        print(', '.join('%d %s' % (counts[name], title) for name, title in (
            ('walks', 'whole walks'), ('values', 'values'), ('sets', 'SETs done alone'),
            ('shared', 'done with the lock'), ('beaten', 'refused by it'),
            ('busy', 'refused because the store was busy'),
            ('missed', 'not answered while something restarted'))))
        print('\n'.join(lines))
        self.problems += ['grows: ' + line for line in grown]

    def close(self):
        try:
            self.world.close()
        except AssertionError as error:
            self.problems.append(str(error))


def main():
    opts = options()
    if opts.soak:
        time_namespace(opts.seconds // 2)
    load = Load(opts)
    began = time.monotonic()
    try:
        load.start()
        began = time.monotonic()
        load.run()
        seconds = time.monotonic() - began
        load.end_clients()
        if not load.problems:
            load.check_end()
        load.report(seconds)
    except (AssertionError, subprocess.SubprocessError) as error:
        load.problems.append(str(error))
    finally:
        load.close()
    for problem in load.problems:
        print('WRONG: ' + problem)
    if load.problems:
        print('logs are in ' + load.world.dir)
        return 1
    load.world.remove()
    return 0


if __name__ == '__main__':
    sys.exit(main())
