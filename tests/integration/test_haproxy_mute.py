# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# One lbcluster-haproxy serves many HAProxys, and some of them do not answer.
"""A fleet with mute HAProxys."""

from fleet_fixture import Fleet
from harness import main, wait_for
from haproxy import EVENT_S, Plane

MUTE = 60
UNREACHABLE = 3


class Mute(Plane):
    """Sixty mute HAProxys before one that answers."""

    limit = ()

    def driver_argv(self, *args):
        return [*self.limit, *super().driver_argv(*args)]

    def serve(self, backlog, **options):
        self.plane_world(**options)
        self.fleet = Fleet(self.world.dir, ['web'], ['mute%d' % i for i in range(MUTE)], backlog)
        self.addCleanup(self.fleet.close)
        self.world.load(self.fleet.inventory(self.world.dir))

    def mute_are_polled(self):
        return self.world.sql("SELECT count(*) FROM cluster WHERE name LIKE 'mute%' AND"
                              ' plane_status = ?', UNREACHABLE) == [(MUTE,)]

    def check_job(self):
        for weight in (5, 6, 7):
            self.wait_job(self.ctl('set-weight', 'web/http/a', str(weight)), self.SUCCEEDED)
            self.assertEqual(weight, self.fleet.proxies['web'].weight)

    def test_job_does_not_wait_for_connections_without_an_answer(self):
        self.serve(backlog=100, timeout=60)
        self.start_driver(wait=False)
        # All mute ones hold a connection, and no answer or timeout ends it.
        self.check_job()
        self.assertEqual([(1,)] * MUTE, self.world.sql(
            "SELECT plane_status FROM cluster WHERE name LIKE 'mute%'"))

    def test_job_does_not_wait_for_full_backlogs(self):
        self.serve(backlog=0, timeout=0.2)
        self.start_driver(wait=False)
        wait_for(self.mute_are_polled, EVENT_S, 'each mute HAProxy is unreachable')
        self.check_job()

    def test_job_waits_for_a_descriptor(self):
        """Each mute HAProxy has a descriptor for a second."""
        self.serve(backlog=100, timeout=1)
        self.limit = 'prlimit', '--nofile=40:40'
        self.start_driver(wait=False)
        wait_for(self.mute_are_polled, EVENT_S, 'each mute HAProxy is unreachable')
        self.check_job()

    def test_too_few_descriptors_are_named(self):
        self.serve(backlog=100, timeout=1)
        self.limit = 'prlimit', '--nofile=24:24'
        self.start_driver(wait=False)
        self.wait_plane(UNREACHABLE,
                        'web: lbcluster-haproxy has too many open files; raise LimitNOFILE=')


main()
