# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# "make bench-fleet": the times of jobs on one lbcluster-haproxy with 1,000 simulated HAProxys: if
# all answer, and if half of them do not. CLUSTERS=, JOBS= have other numbers.
"""Jobs in a fleet with mute HAProxys."""

import os
import statistics
import time

from fleet_fixture import Fleet
from harness import main, wait_for
from haproxy import Plane

CLUSTERS = int(os.environ.get('CLUSTERS', '1000'))
JOBS = int(os.environ.get('JOBS', '100'))


class Measure(Plane):
    """Prints the times of jobs."""

    def test_jobs(self):
        base = self.measure(CLUSTERS, 0, 0)
        self.report('all answer', base, base)
        self.report('half accept no connection', self.measure(CLUSTERS // 2, CLUSTERS // 2, 0),
                    base)
        self.report('half send no answer', self.measure(CLUSTERS // 2, CLUSTERS // 2, 100), base)

    def report(self, what, times, base):
        p95 = len(times) * 95 // 100
        print('%-26s median %.3f s, p95 %.3f s (%.2f of all answering), longest %.3f s' % (
            what, statistics.median(times), times[p95], times[p95] / base[p95], times[-1]),
            flush=True)

    def measure(self, answering, mute, backlog):
        self.plane_world(interval=5)
        names = ['web%d' % i for i in range(answering)]
        fleet = Fleet(self.world.dir, names, ['mute%d' % i for i in range(mute)], backlog)
        self.world.load(fleet.inventory(self.world.dir))
        self.start_driver(wait=False)
        wait_for(lambda: self.world.sql('SELECT count(*) FROM cluster WHERE plane_status = 2') ==
                 [(answering,)], 60, 'all answering clusters are polled')
        times = sorted(self.one(names[i * 37 % answering], 5 + i) for i in range(JOBS))
        self.stop_driver()
        fleet.close()
        return times

    def one(self, name, weight):
        begin = time.monotonic()
        number = self.ctl('set-weight', name + '/http/a', str(weight))
        while self.job(number)[0] in (self.QUEUED, self.RUNNING):
            time.sleep(0.002)
        self.assertEqual(self.SUCCEEDED, self.job(number)[0])
        return time.monotonic() - begin


main()
