# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Writes, start and memory. Each section gets the run (bench, sizes, rounds, samples, report),
# checks its results (Wrong if they are not correct) and adds lines to the report.
"""Sections that write, and those about a process as a whole."""

import contextlib
import os
import signal
import sqlite3
import statistics
import subprocess
import time

import rows
from common import LBC, MS, NULL, SNMP, ask, on_one_cpu, rotated, scattered, started
from report import percentile
from subjects import LBCLUSTERCTL, Driver, Lbclusterd, Null, Wrong, built, memory_bytes

# -- SET -------------------------------------------------------------------------------------

def every_nth_row(n, null=False):
    return ''.join(rows.text(rows.table(8, *((1, 1, 1 + i % n) if null else
                                             rows.index(1 + i * 7919 % n)))) + '\n'
                   for i in range(200))


def bare_transactions(file, count, pause_us, n, value):
    """The minimum of writes for a durable SET; nanoseconds of each transaction."""
    took = []
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.executescript('PRAGMA foreign_keys = ON; PRAGMA journal_mode = TRUNCATE;'
                         'PRAGMA synchronous = FULL')
        for i in range(count):
            start = time.monotonic_ns()
            real = 1 + i * 7919 % n
            db.execute('BEGIN IMMEDIATE')
            db.execute('UPDATE real_service SET weight = ? WHERE id = ?', (value + i, real))
            db.execute('INSERT INTO job (real_id, operation, state, source, old_value,'
                       ' new_value, request, token, cluster_name, service_name, real_name)'
                       " VALUES (?, 5, 0, 2, 1, ?, 1, 1, 'cluster-01', 'service-0001',"
                       " 'real-000001')", (real, value + i))
            db.execute('COMMIT')
            took.append(time.monotonic_ns() - start)
            time.sleep(pause_us / 1e6)
    return took


def sets(run):
    n = run.large
    count = 15 if run.quick else 40
    pace = 5000     # microseconds: the work after an answer ends before the next SET
    mine = Lbclusterd(run.bench, 'lbclusterd-set', run.bench.copy_of_store(n, 'set'), n)
    null = Null(run.bench, 'null-set', n)
    bare = os.path.join(run.bench.copy_of_store(n, 'bare'), 'lbcluster.db')
    times = {}
    bare_title = 'bare transaction'

    def take(figure, title, out):
        took = [line[0] for line in out]
        if min(took) < 0:
            raise Wrong('%s: a SET was refused' % title)
        run.samples.add(figure, title, statistics.median(took))
        times.setdefault((figure, title), []).extend(took)

    def run_bare(pause, value):
        return [[took] for took in bare_transactions(bare, count, pause, n, value)]

    straight_to = Lbclusterd(run.bench, 'lbclusterd-set-straight',
                             run.bench.copy_of_store(n, 'set-straight'), n)
    with on_one_cpu(run), started(mine, null), Driver(run.bench, straight_to) as driver:
        for number in range(run.rounds):
            took = driver.set(count, pace, 1000 + number * 1000,
                              rows.table(8, *rows.index(1 + number * 7919 % n)))
            for i, phase in enumerate(('TestSet', 'CommitSet')):
                run.samples.add(phase, LBC, statistics.median(times[i] for times in took))
            for figure, pause in (('set', pace), ('set stream', 0)):
                value = 1000 + number * 2000 + (500 if pause else 0)
                tasks = [
                    (LBC, lambda: ask(run, 'set', mine.master.port, count, pause, value,
                                      stdin=every_nth_row(n))),
                    (NULL, lambda: ask(run, 'set', null.master.port, count, pause, value,
                                       stdin=every_nth_row(n, True))),
                    (bare_title, lambda: run_bare(pause, value))]
                for title, task in rotated(tasks, number):
                    take(figure, title, task())
        jobs = int(mine.master.get(rows.text(rows.ROOT + (1, 7, 4, 0))))
        if jobs != 2 * count * run.rounds:
            raise Wrong('%d SETs made %d jobs' % (2 * count * run.rounds, jobs))
    report = run.report
    report.heading('SET of lbcRealWeight, one varbind, {:,} real services'.format(n))
    for figure, title in (('set', 'SET, median'),
                          ('set stream', 'SET one after the other, median')):
        report.compare(title, 'ms', figure, LBC, bare_title, None, MS, high=False)
        p99 = [percentile(times[figure, who], 0.99) for who in (LBC, bare_title)]
        report.line(title.replace('median', 'p99'), 'ms', p99[0] * MS, bare_title, p99[1] * MS,
                    p99[0] / p99[1])
        report.compare(title, 'ms', figure, LBC, NULL, None, MS, high=False,
                       against="snmpd's round trips")
    for less in (a - b for a, b in zip(run.samples.of('set', LBC), run.samples.of('set', NULL))):
        run.samples.add('set less', LBC, less)
    for bare_time in run.samples.of('set', bare_title):
        for figure in ('set less', 'TestSet', 'CommitSet'):
            run.samples.add(figure, bare_title, bare_time)
    report.compare("SET less snmpd's round trips", 'ms', 'set less', LBC, bare_title,
                   ('<=', 1.5), MS, high=False)
    for phase in ('TestSet', 'CommitSet'):
        report.compare('%s on the AgentX socket' % phase, 'ms', phase, LBC, bare_title, None,
                       MS, high=False)


# -- start, memory ---------------------------------------------------------------------------

def start_once(run, subject):
    """Nanoseconds from the start of lbclusterd to the first right answer."""
    subject.stop_subagent()
    waiting = run.bench.start('wait', [built('snmp_client'), 'wait', str(subject.master.port)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    waiting.stdin.write(('%s %d\n' % (subject.probe(), rows.weight(subject.n))).encode())
    waiting.stdin.close()
    time.sleep(0.05)        # the client sends requests before the clock starts
    start = time.monotonic_ns()
    subject.spawn()
    took = int(waiting.stdout.read()) - start
    run.bench.end(waiting)
    if took <= 0:
        raise Wrong('answers before the start')
    return took


def start_and_memory(run):
    subjects = [Lbclusterd(run.bench, 'start-%d' % n, run.bench.store(n), n)
                for n in run.sizes]
    pss = {}
    with started(*subjects):
        for number in range(min(3, run.rounds)):
            for n, subject in zip(run.sizes, subjects):
                if n >= 1000000 and number > 1:
                    continue
                run.samples.add('start', '%d' % n, start_once(run, subject))
                rss, pss[n] = memory_bytes(subject.process.pid)
                run.samples.add('rss', '%d' % n, rss)
                run.samples.add('pss', '%d' % n, pss[n])
    report = run.report
    report.heading('Start to the first answer; memory with statistics of every real service')
    for n in run.sizes:
        report.plain('start at {:,}'.format(n), 's', 'start', '%d' % n, 1e-9,
                     ('<=', 1.0) if n == 100000 else None)
    if run.sizes[-1] >= 1000000:
        a, b = run.samples.median('start', '1000000'), run.samples.median('start', '100000')
        report.line('start at 1,000,000 against 100,000', 's', a * 1e-9,
                    '10 x 100,000', b * 1e-8, a / b / 10, None, ('<=', 1.0))
    for n in run.sizes:
        report.plain('RSS at {:,}'.format(n), 'MiB', 'rss', '%d' % n, 2.0 ** -20)
        report.plain('PSS at {:,}'.format(n), 'MiB', 'pss', '%d' % n, 2.0 ** -20)
    for a, b in zip(run.sizes, run.sizes[1:]):
        report.line('memory of a real service, {:,} to {:,}'.format(a, b), 'bytes',
                    (pss[b] - pss[a]) / (b - a), of_value=True,
                    target=('<=', 400) if b >= 100000 else None)


# -- statistics ----------------------------------------------------------------------------------

def sums_are(n, value):
    """The stdin of snmp_client: lbcClusterActiveConns of each cluster."""
    clusters = (n - 1) // rows.CLUSTER + 1
    return ''.join('%s %d\n' % (rows.text(rows.ROOT + (1, 2, 1, 13, cluster)),
                                value * min(rows.CLUSTER, n - (cluster - 1) * rows.CLUSTER))
                   for cluster in range(1, clusters + 1))


def write_by_sql(store, n, value):
    """Writes every row in one transaction, like a collector; returns the time of the commit."""
    with contextlib.closing(sqlite3.connect(os.path.join(store, 'lbcluster-stats.db'),
                                            isolation_level=None, timeout=30)) as db:
        db.execute('BEGIN IMMEDIATE')
        db.executemany('UPDATE statistics SET active_connections = ?, '
                       'last_update = unixepoch() WHERE real_id = ?',
                       ((value, real) for real in range(1, n + 1)))
        db.execute('COMMIT')
    return time.monotonic_ns()


def write_by_import(run, store, n, value):
    run.bench.run([LBCLUSTERCTL, '-s', store, 'import-statistics',
                   run.bench.statistics_file(n, value)])
    return time.monotonic_ns()


@contextlib.contextmanager
def clients(run, *commands):
    """Runs snmp_clients during the block. Yields a list that has their numbers at the end.
    A command is (arguments, stdin)."""
    running, numbers = [], []
    for i, (args, stdin) in enumerate(commands):
        out = run.bench.path('client-%d' % i)
        with open(out, 'wb') as file:
            process = run.bench.start('client', [built('snmp_client'), *map(str, args)],
                                      stdin=subprocess.PIPE, stdout=file)
        process.stdin.write(stdin.encode())
        process.stdin.close()
        running.append((process, out))
    time.sleep(0.3)
    yield numbers
    time.sleep(0.3)
    for process, out in running:
        process.send_signal(signal.SIGTERM)
        if process.wait(30) != 0:
            raise Wrong('snmp_client failed; see %s' % run.bench.path('client.log'))
        run.bench.end(process)
        with open(out, encoding='ascii') as file:
            numbers.append([int(line) for line in file])


def check_statistics(run, subject, n, value):
    """Checks every value with a walk."""
    said = run.bench.run(['snmpbulkwalk', *SNMP, '-Oqv', '-Cr50',
                          '127.0.0.1:%d' % subject.master.port,
                          rows.text(rows.ROOT + (1, 5, 1, 2))])
    if said != ('%d\n' % value) * n:
        raise Wrong('not all %d statistics rows have %d' % (n, value))


def imports(run):
    n = run.large
    store = run.bench.copy_of_store(n, 'import')
    mine = Lbclusterd(run.bench, 'lbclusterd-import', store, n)
    null = Null(run.bench, 'null-import', n)
    watched = {LBC: (mine, scattered(n, 500)), NULL: (null, scattered(n, 500, True))}
    times = {}
    value = 100

    with started(mine, null):
        for number in range(run.import_rounds):
            for way in ('import-statistics', 'plain SQL'):
                for title in rotated([LBC, NULL], number):
                    value += 1
                    subject, names = watched[title]
                    if title == NULL:
                        mine.stop_subagent()    # lbclusterd must not disturb this measurement
                    with clients(run, (('watch', subject.master.port, 1000), names)) as took:
                        start = time.monotonic_ns()
                        committed = (write_by_sql(store, n, value) if way == 'plain SQL' else
                                     write_by_import(run, store, n, value))
                        if title == LBC:
                            seen = ask(run, 'wait', mine.master.port,
                                       stdin=sums_are(n, value))[0][0]
                            run.samples.add('visible', way, seen - committed)
                            run.samples.add('write', way, committed - start)
                    times.setdefault((way, title), []).extend(took[0])
                    if title == NULL:
                        mine.spawn()
                        mine.wait_answers()
        check_statistics(run, mine, n, value)
        value += 1
        with clients(run, (('set', mine.master.port, 0, 20000, 1), every_nth_row(n))) as took:
            write_by_import(run, store, n, value)
        refused = [-time for time in took[0] if time < 0]
        times['set'] = [time for time in took[0] if time > 0]
        if not times['set']:
            raise Wrong('no SET was done while statistics were written')
    report = run.report
    report.heading('{:,} statistics rows written, while GETs go on'.format(n))
    for way in ('import-statistics', 'plain SQL'):
        report.plain('%s: time of writing' % way, 's', 'write', way, 1e-9)
        report.plain('%s: all visible after the commit' % way, 's', 'visible', way, 1e-9,
                     ('<=', 1.0))
        for title, part in (('GET meanwhile, median', 0.5), ('GET meanwhile, p99', 0.99),
                            ('GET meanwhile, longest', 1.0)):
            a, b = (percentile(times[way, who], part) * MS for who in (LBC, NULL))
            report.line('%s: %s' % (way, title), 'ms', a, NULL, b, a / b,
                        rounds=run.import_rounds)
    idle = run.samples.median('set', LBC)
    a = statistics.median(times['set'])
    report.line('SET meanwhile, median', 'ms', a * MS, 'SET at rest',
                idle * MS if idle else None, a / idle if idle else None)
    report.line('SET meanwhile, p99', 'ms', percentile(times['set'], 0.99) * MS)
    report.line('SET meanwhile, longest', 'ms', max(times['set'] + refused) * MS)
    report.line('SETs refused meanwhile', 'of %d' % (len(times['set']) + len(refused)),
                len(refused))


# -- loads ---------------------------------------------------------------------------------------

SET_PAUSE_US = 2000


def set_waits(took):
    """The waits for a SET: a refused SET is sent again, so its time and the pause count."""
    waits, waited = [], 0
    for time_ns in took:
        waited += abs(time_ns)
        if time_ns > 0:
            waits.append(waited)
            waited = 0
        else:
            waited += SET_PAUSE_US * 1000
    return waits + ([waited] if waited else [])


def inventory_of(run, name, n, **changes):
    path = run.bench.path(name)
    with open(path, 'w', encoding='ascii') as file:
        rows.write_inventory(file, n, **changes)
    return path


def loads(run):
    """The longest wait for a SET of lbcRealWeight while lbclusterctl loads an inventory."""
    small, large = run.small, run.large
    same = inventory_of(run, 'load-same', large)
    size = '{:,}'.format(large)
    # The store that each load begins with, and the load.
    kinds = (
        ('load of %s rows, all but %s new' % (size, '{:,}'.format(small)), small, [same]),
        ('load of %s rows, one changed' % size, large,
         [inventory_of(run, 'load-one', large, addresses=1)]),
        ('load --dry-run of the same', large, ['--dry-run', run.bench.path('load-one')]),
        ('load --reset of %s rows, one weight changed' % size, large,
         ['--reset', inventory_of(run, 'load-weight', large, weights=1)]),
        ('load --reset of %s rows, all weights changed' % size, large,
         ['--reset', inventory_of(run, 'load-weights', large, weights=large)]),
        ('load --prune of {:,} rows, all others removed'.format(small), large,
         ['--prune=all', inventory_of(run, 'load-few', small)]))
    run.report.heading('lbclusterctl load, while SETs go on')
    for number, (title, n, args) in enumerate(kinds):
        mine = Lbclusterd(run.bench, 'load-%d' % number,
                          run.bench.copy_of_store(n, 'load-%d' % number), n)
        # SETs of rows that no load adds or removes, and that only --reset changes.
        with started(mine):
            command = (('set', mine.master.port, 0, SET_PAUSE_US, 20000), every_nth_row(small))
            with clients(run, command) as at_rest:
                time.sleep(1)
            with clients(run, command) as took:
                begin = time.monotonic()
                run.bench.run([LBCLUSTERCTL, '-s', mine.store, 'load', *args])
                seconds = time.monotonic() - begin
        longest, rest = max(set_waits(took[0])), max(set_waits(at_rest[0]))
        run.report.line('%s: time' % title, 's', seconds)
        run.report.line('%s: longest wait for a SET' % title, 'ms', longest * MS,
                        'without the load', rest * MS, longest / rest)


def turns(run):
    """The longest turn of the loop, at the AgentX socket, during writes of statistics."""
    n = run.large
    store = run.bench.copy_of_store(n, 'turns')
    found = {}
    for value, subject in ((501, Lbclusterd(run.bench, 'lbclusterd-turns', store, n)),
                           (502, Null(run.bench, 'null-turns', n))):
        with Driver(run.bench, subject) as driver:
            driver.watch_begin(rows.table(8))
            write_by_import(run, store, n, value)
            time.sleep(1)
            imported = driver.watch_end()
            driver.watch_begin(rows.table(8))
            write_by_sql(store, n, value + 10)
            time.sleep(1)
            found[subject.title] = (imported, driver.watch_end())
    report = run.report
    report.heading('Longest wait for a GetNext on the AgentX socket meanwhile: a turn of the '
                   'loop')
    for i, way in enumerate(('import-statistics', 'plain SQL')):
        a, b = found[LBC][i], found[NULL][i]
        report.line('%s: longest turn' % way, 'ms', a[4] * MS, NULL, b[4] * MS, a[4] / b[4],
                    target=('<=', 10), of_value=True)
        report.line('%s: p99' % way, 'ms', a[3] * MS, NULL, b[3] * MS, a[3] / b[3])


def status_shown(run, n, *options):
    """Seconds of "lbclusterctl status" until its first row is printed, and until its end."""
    start = time.monotonic()
    process = subprocess.Popen([LBCLUSTERCTL, '-s', run.bench.store(n), 'status', *options],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = [process.stdout.readline() for _ in range(4)]
    first = time.monotonic() - start
    left, errors = process.communicate(timeout=60)
    ended = time.monotonic() - start
    if process.returncode not in (0, 1, 2) or errors or ' cluster' not in lines[0]:
        raise Wrong('status of %d: %d\n%s%s' % (n, process.returncode, lines, errors))
    if not options and len(left.splitlines()) < n:
        raise Wrong('status of %d: %d lines' % (n, len(left.splitlines())))
    return first, ended


def command_line(run):
    """The times of lbclusterctl. Loads were measured when the stores were made."""
    report = run.report
    run.bench.store(run.large)
    report.heading('lbclusterctl')
    load, statistic = run.bench.took[run.large]
    size = '{:,}'.format(run.large)
    report.line('load of %s real services' % size, 's', load)
    report.line('import-statistics of %s, lbclusterd not running' % size, 's', statistic)
    for n in run.sizes:
        argv = [LBCLUSTERCTL, '-s', run.bench.store(n), 'info', rows.path(n)]
        for _ in range(3):
            start = time.monotonic()
            run.bench.run(argv)
            run.samples.add('info', '%d' % n, time.monotonic() - start)
        report.plain('info of one of {:,}'.format(n), 's', 'info', '%d' % n)
    for n in run.sizes:
        for _ in range(3):
            first, ended = status_shown(run, n)
            run.samples.add('first', '%d' % n, first)
            run.samples.add('all', '%d' % n, ended)
            run.samples.add('problems', '%d' % n, status_shown(run, n, '-p')[1])
        target = ('<=', 1) if n <= 100000 else None
        report.plain('status of {:,}, first row'.format(n), 's', 'first', '%d' % n,
                     target=target)
        report.plain('status of {:,}, to a file'.format(n), 's', 'all', '%d' % n)
        report.plain('status -p of {:,}'.format(n), 's', 'problems', '%d' % n, target=target)
