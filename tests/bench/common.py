# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# What the sections of the bench share.
"""Clients, OIDs, units."""

import contextlib
import os
import random

import rows
from subjects import Lbclusterd, Null, built

SNMP = ['-v2c', '-c', 'private', '-t', '20', '-r', '0', '-On']
US = 1e-3       # nanoseconds to microseconds
MS = 1e-6

LBC = Lbclusterd.title
STOCK = 'stock container'
NULL = Null.title


def rotated(items, by):
    by %= len(items)
    return items[by:] + items[:by]


def ask(run, *args, stdin=None):
    """Runs snmp_client; returns the numbers of each line as a list."""
    out = run.bench.run([built('snmp_client')] + [str(arg) for arg in args], stdin)
    return [list(map(int, line.split())) for line in out.splitlines()]


@contextlib.contextmanager
def started(*subjects):
    try:
        for subject in subjects:
            subject.start()
        yield
    finally:
        for subject in subjects:
            subject.stop()


@contextlib.contextmanager
def on_one_cpu(run):
    """Runs all processes on one CPU. Only one process at a time works on a request, so this
    costs little, and the scheduler does not influence the figures: on virtual machines
    waking a process on another CPU may cost more than the request."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before if run.cpu is None else {run.cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def scattered(n, count, null=False):
    """OIDs of random rows and different columns, for the stdin of snmp_client."""
    chance = random.Random(522)
    columns = (2, 5, 8, 10, 11)
    names = []
    for i in range(count):
        real = chance.randint(1, n)
        index = (1, 1, real) if null else rows.index(real)
        names.append(rows.text(rows.table(columns[i % len(columns)], *index)) + '\n')
    return ''.join(names)
