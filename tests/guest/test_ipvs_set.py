# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The tests of SET requests with clusters of plane ipvs, whose jobs lbcluster-ipvs carries out.
# After each test the kernel's table is the one of the store.
"""SET requests to clusters of plane ipvs."""

import os
import unittest

import test_set
from driver_case import EVENT_S, driver_path
from harness import Program, main, wait_for
from ipvs_case import kernel
from ipvs_network import Network


class OnIpvs:
    """Replaces the data plane of a test."""

    # Versions differ in the statuses of snmpd, and not in the data plane.
    versions = (2,)
    job_messages = False
    inventory = test_set.INVENTORY.replace('plane = none', 'plane = ipvs').replace(
        'protocol = tcp', 'protocol = tcp  check = none')

    @classmethod
    def prepare(cls, world):
        Network()
        conf = os.path.join(world.dir, 'driver.conf')
        with open(conf, 'w', encoding='ascii') as file:
            file.write('interval = 1\n')
        # Each world has a store of its own, so the driver refuses what another world owns.
        owned = os.path.join(world.dir, 'owned')
        os.mkdir(owned)
        world.others.append(Program('lbcluster-ipvs', [
            driver_path('lbcluster-ipvs'), '-f', '-c', conf, '-s', world.store],
            os.path.join(world.dir, 'driver.log'),
            env={**os.environ, 'RUNTIME_DIRECTORY': owned}))

    def state(self):
        """Also waits until the driver has carried out all jobs."""
        wait_for(lambda: self.world.get('lbcJobsActive', 0) == 0, EVENT_S, 'jobs end')
        return super().state()

    def tearDown(self):
        self.world.wait_written()
        wait_for(lambda: self.stored() == self.found(), EVENT_S,
                 'the kernel has the table of the store')

    def stored(self):
        """(service, real service) -> weight, of real services that get connections."""
        rows = self.world.sql(
            'SELECT s.address || \':\' || s.port, r.address || \':\' || r.port, weight, fallback'
            ' FROM real_service AS r JOIN service AS s ON s.id = service_id'
            ' WHERE r.enabled AND s.enabled')
        taking = {service for service, _, _, fallback in rows if not fallback}
        return {(service, at): weight for service, at, weight, fallback in rows
                if not fallback or service not in taking}

    def found(self):
        return {(key.split()[1], at): weight for key, (_, reals) in kernel().items()
                for at, (_, weight) in reals.items()}


class Single(OnIpvs, test_set.Single):
    pass


class Several(OnIpvs, test_set.Several):
    pass


def load_tests(loader, _tests, _pattern):
    """Leaves out most refusals of Single: they reach no driver, and the guest is slow."""
    return unittest.TestSuite(
        case(name) for case in (Single, Several) for name in loader.getTestCaseNames(case)
        if case is Several or name.endswith('_is_done') or 'inconsistent' in name)


if __name__ == '__main__':
    main()
