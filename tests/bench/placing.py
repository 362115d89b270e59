# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Walks with snmpd and the subagent on all CPUs, on one CPU, and on two different ones. The manager
# runs on all CPUs. lbclusterd follows snmpd by its setting "cpu"; the bench moves the others.
"""The section on CPUs."""

import os

from common import LBC, started
from reading import one_walk
from subjects import Lbclusterd, Stock

def cpus(run):
    """The whole table of a small store, in each placement."""
    report = run.report
    every = os.sched_getaffinity(0)
    if len(every) < 2:
        report.note('One CPU: walks with snmpd and the subagent on two are not measured.')
        return
    first, second = sorted(every)[-1], sorted(every)[-2]
    placements = (('free', every, every), ('on one CPU', {first}, {first}),
                  ('on two CPUs', {first}, {second}))
    subjects = [Lbclusterd(run.bench, 'cpu-lbclusterd', run.bench.store(run.small), run.small)]
    subjects += [Stock(run.bench, 'cpu-' + helper, run.small, helper)
                 for helper in ('container', 'iterator')]
    titles = {subject: subject.title for subject in subjects}
    with started(*subjects):
        for _ in range(run.rounds):
            for place, snmpd, subagent in placements:
                for subject in subjects:
                    subject.place(snmpd, subagent)
                    subject.title = '%s %s' % (titles[subject], place)
                    one_walk(run, subject, 'placed')
                    subject.title = titles[subject]
    report.heading('The same walk, with snmpd and the subagent free, on one CPU, or on two')
    free = ['%s free' % titles[subject] for subject in subjects]
    for place, _, _ in placements:
        mine = '%s %s' % (LBC, place)
        for subject in subjects[1:]:
            report.compare('walk ' + place, 'values/s', 'placed', mine,
                           '%s %s' % (titles[subject], place))
    mine = '%s on one CPU' % LBC
    report.compare('walk on one CPU', 'values/s', 'placed', mine, free[0], against='itself free')
    for other, target in zip(free[1:], (('>=', 3), ('>=', 3))):
        report.compare('walk on one CPU', 'values/s', 'placed', mine, other, target)
