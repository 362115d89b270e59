# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Walks and GETs, through snmpd and directly from the subagent. Each section gets the run (bench,
# sizes, rounds, samples, report), checks its results (Wrong if they are not correct) and adds
# lines to the report.
"""Sections that read."""

import contextlib
import hashlib
import os
import re
import shutil
import statistics
import subprocess
import time

import rows
from common import LBC, NULL, SNMP, STOCK, US, ask, on_one_cpu, rotated, scattered, started
from subjects import BUILD, Driver, Lbclusterd, Null, Stock, Wrong

# -- retrieval through snmpd ----------------------------------------------------------

def one_walk(run, subject, figure):
    """Runs snmpbulkwalk of lbcRealEntry; returns a hash of its output."""
    before = subject.cpu_ns()
    with open(run.bench.path('walk'), 'wb') as file:
        start = time.monotonic()
        done = subprocess.run(
            ['snmpbulkwalk', *SNMP, '-Cr50', '-Cp', '127.0.0.1:%d' % subject.master.port,
             rows.text(rows.table())], stdout=file, env=dict(os.environ, MIBS=''),
            check=False)
        took = time.monotonic() - start
    after = subject.cpu_ns()
    with open(run.bench.path('walk'), 'rb') as file:
        said = file.read()
    values = re.search(rb'Variables found: (\d+)\n$', said)
    if done.returncode != 0 or not values or int(values[1]) != len(rows.COLUMNS) * subject.n:
        raise Wrong('%s: a walk of %d rows gave %s' % (
            subject.title, subject.n, values[0] if values else said[-200:]))
    values = int(values[1])
    run.samples.add(figure, subject.title, values / took)
    run.samples.add(figure + ' cpu', subject.title, (after[0] - before[0]) / values)
    run.samples.add(figure + ' snmpd', subject.title, (after[1] - before[1]) / values)
    return hashlib.md5(said).hexdigest()


def timed(run, subject, figure, *args, stdin=None):
    """Rate and CPU time of a walk or get of snmp_client."""
    before = subject.cpu_ns()
    values, took = ask(run, args[0], subject.master.port, *args[1:], stdin=stdin)[0]
    after = subject.cpu_ns()
    run.samples.add(figure, subject.title, values / took * 1e9)
    run.samples.add(figure + ' cpu', subject.title, (after[0] - before[0]) / values)


def ten_columns(run, subject, figure):
    timed(run, subject, figure, 'walk', 10 * min(subject.n, 1000), 10,
          *[rows.text(rows.table(column)) for column in rows.TEN_COLUMNS])


def gets(run, subject, figure):
    timed(run, subject, figure, 'get', 200, 60,
          stdin=scattered(subject.n, 12000, subject.title == NULL))


def retrieval(run):
    """The whole table of a small store, from each subject."""
    n = run.small
    subjects = [Lbclusterd(run.bench, 'lbclusterd', run.bench.store(n), n),
                Stock(run.bench, 'container', n, 'container'), Null(run.bench, 'null', n)]
    slow = [Stock(run.bench, 'iterator', n, 'iterator')]
    hashes = {}
    with on_one_cpu(run), started(*subjects, *slow):
        # Short and frequent rounds: a disturbance of the machine affects all subjects alike.
        for number in range(2 * run.rounds):
            for subject in rotated(subjects, number):
                hashes[subject.title] = one_walk(run, subject, 'walk')
        for number in range(run.rounds):
            for subject in rotated(subjects, number):
                ten_columns(run, subject, 'ten')
                gets(run, subject, 'get')
        # A GETNEXT of the iterator reads all rows, so a few rounds are enough.
        for number in range(run.slow_rounds):
            for subject in [subjects[0]] + slow:
                hashes[subject.title] = one_walk(run, subject, 'slow walk')
    del hashes[NULL]
    if len(set(hashes.values())) != 1:
        raise Wrong('the subjects do not serve the same: %s' % hashes)
    report = run.report
    report.heading('Walk of lbcRealTable by snmpbulkwalk -Cr50, %s real services (%s values)' % (
        '{:,}'.format(n), '{:,}'.format(n * len(rows.COLUMNS))))
    for other, target in ((STOCK, 1.5), (NULL, 0.95)):
        report.compare('walk', 'values/s', 'walk', LBC, other, target and ('>=', target))
    report.compare('walk', 'values/s', 'slow walk', LBC, 'stock iterator')
    for other, target in ((STOCK, 0.5), (NULL, None)):
        report.compare('subagent CPU per value', 'us', 'walk cpu', LBC, other,
                       target and ('<=', target), US, high=False)
    for other in (STOCK, NULL):
        report.compare('snmpd CPU per value', 'us', 'walk snmpd', LBC, other, None, US,
                       high=False)
    report.heading('Ten columns in one GETBULK; GET of 60 scattered instances in a PDU')
    for figure, title in (('ten', '10 columns'), ('get', '60 in a GET')):
        for other in (STOCK, NULL):
            report.compare(title, 'values/s', figure, LBC, other)
        report.compare(title + ', subagent CPU', 'us', figure + ' cpu', LBC, STOCK, None, US,
                       high=False)


COLUMNS_OF_LONG_WALKS = (2, 8, 11)


def long_walk(run, subject, figure):
    for column in COLUMNS_OF_LONG_WALKS:
        timed(run, subject, '%s.%d' % (figure, column), 'walk', run.long_walk, 50,
              rows.text(rows.table(column)))
    for kind in ('', ' cpu'):
        of = [run.samples.of('%s.%d%s' % (figure, column, kind), subject.title)[-1]
              for column in COLUMNS_OF_LONG_WALKS]
        mean = statistics.mean(of) if kind else statistics.harmonic_mean(of)
        run.samples.add(figure + kind, subject.title, mean)


def flatness(run):
    """Reads the same number of values from stores of different sizes."""
    subjects = []
    for n in run.sizes:
        subject = Lbclusterd(run.bench, 'lbclusterd-%d' % n, run.bench.store(n), n)
        subject.title = '%s at %d' % (LBC, n)
        subjects.append(subject)
    large = [Stock(run.bench, 'container-large', run.large, 'container'),
             Null(run.bench, 'null-large', run.large)]
    with on_one_cpu(run), started(*subjects, *large):
        for number in range(run.rounds):
            for subject in rotated(subjects + large, number):
                long_walk(run, subject, 'long')
                gets(run, subject, 'long get')
    report = run.report
    smallest = subjects[0].title
    report.heading('The same %s values from stores of different size' %
                   '{:,}'.format(run.long_walk * len(COLUMNS_OF_LONG_WALKS)))
    for n, subject in zip(run.sizes[1:], subjects[1:]):
        target = ('>=', 0.9) if n >= 1000000 else None
        size = '{:,}'.format(n)
        against = 'itself at %s' % '{:,}'.format(run.small)
        report.compare('walk at ' + size, 'values/s', 'long', subject.title, smallest, target,
                       against=against)
        report.compare('walk at %s, subagent CPU' % size, 'us', 'long cpu', subject.title,
                       smallest, None, US, high=False, against=against)
        report.compare('60 in a GET at ' + size, 'values/s', 'long get', subject.title,
                       smallest, against=against)
    title = '%s at %d' % (LBC, run.large)
    size = '{:,}'.format(run.large)
    for other in large:
        report.compare('walk at ' + size, 'values/s', 'long', title, other.title)
        report.compare('60 in a GET at ' + size, 'values/s', 'long get', title, other.title)


# -- retrieval straight from the subagent ---------------------------------------------------

def straight(run):
    """Consecutive GetNexts of a master that does nothing else."""
    subjects = [Lbclusterd(run.bench, 'lbc-%d' % n, run.bench.store(n), n) for n in run.sizes]
    for n, subject in zip(run.sizes, subjects):
        subject.title = '%s at %d' % (LBC, n)
    subjects += [Null(run.bench, 'null-straight', run.small),
                 Stock(run.bench, 'container-straight', run.small, 'container')]
    with contextlib.ExitStack() as stack:
        stack.enter_context(on_one_cpu(run))
        drivers = []
        for subject in subjects:
            drivers.append(stack.enter_context(Driver(run.bench, subject)))
        for number in range(run.rounds):
            for driver in rotated(drivers, number):
                for column in COLUMNS_OF_LONG_WALKS:
                    values, took, cpu = driver.walk(run.long_walk, rows.table(column))
                    figure = 'straight.%d' % column
                    run.samples.add(figure, driver.title, took / values)
                    run.samples.add(figure + ' cpu', driver.title, cpu / values)
                for kind in ('', ' cpu'):
                    run.samples.add('straight' + kind, driver.title, statistics.mean(
                        run.samples.of('straight.%d%s' % (column, kind), driver.title)[-1]
                        for column in COLUMNS_OF_LONG_WALKS))
    report = run.report
    mine = subjects[0].title
    report.heading('One GetNext after the other straight on the AgentX socket, without snmpd')
    for other in (STOCK, NULL):
        report.compare('time of a GetNext', 'us', 'straight', mine, other, None, US, high=False)
        report.compare('CPU of a GetNext', 'us', 'straight cpu', mine, other, None, US,
                       high=False)
    for n, subject in zip(run.sizes[1:], subjects[1:]):
        report.compare('CPU of a GetNext at {:,}'.format(n), 'us', 'straight cpu',
                       subject.title, mine, None, US, high=False,
                       against='itself at {:,}'.format(run.small))


def instructions(run):
    """Counts the instructions of a GetNext with callgrind, in the loop only."""
    if not shutil.which('valgrind'):
        run.report.note('No valgrind: instructions are not counted.')
        return
    values = run.small * len(rows.COLUMNS)
    report = run.report
    report.heading('Instructions of a GetNext, by callgrind')
    for make, toggle in (
            (lambda prefix: Lbclusterd(run.bench, 'cg-lbc', run.bench.store(run.small),
                                       run.small, prefix), 'loop_run'),
            (lambda prefix: Null(run.bench, 'cg-null', run.small, prefix), 'loop_run'),
            (lambda prefix: Stock(run.bench, 'cg-stock', run.small, 'container', prefix),
             'agent_check_and_process')):
        out = run.bench.path('callgrind.out')
        subject = make(['valgrind', '--tool=callgrind', '-q', '--toggle-collect=' + toggle,
                        '--callgrind-out-file=' + out])
        with Driver(run.bench, subject) as driver:
            driver.walk(values, rows.table())
        with open(out, encoding='utf-8', errors='replace') as file:
            total = re.search(r'^(?:summary|totals): (\d+)', file.read(), re.M)
        if not total or int(total[1]) < 100 * values:
            raise Wrong('callgrind counted nothing in %s' % toggle)
        run.samples.add('instructions', subject.title, int(total[1]) / values)
        if subject.title == LBC:
            shutil.copy(out, os.path.join(BUILD, 'bench.callgrind.out'))
    for other in (STOCK, NULL):
        report.compare('instructions', '', 'instructions', LBC, other, high=False)
    report.note('callgrind_annotate bench.callgrind.out shows the instructions of '
                'lbclusterd.')
