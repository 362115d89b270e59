# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# What lbclusterctl doctor finds about lbcluster-ipvs. Each fault is made in the guest; after the
# command that doctor prints, doctor finds it no more.
"""Doctor."""

import json
import os
import subprocess

from driver_case import EVENT_S
from harness import LBCLUSTERCTL, TIMEOUT_FACTOR, main, wait_for
from ipvs_case import IpvsCase, cluster, service
from ipvs_network import endpoint, ipvsadm, run, sysctl

TWO = dict(r1=10, r2=10)
NOBODY = (65534, 65534)


class Doctor(IpvsCase):
    """One cluster, with faults."""

    def setUp(self):
        super().setUp()
        self.address = self.vip()
        sysctl(expire_nodest_conn=1, expire_quiescent_template=1)

    def findings(self, *prefix):
        """(result, message, fix) of the check "plane"."""
        done = subprocess.run(
            [*prefix, LBCLUSTERCTL, '-s', self.world.store, '-f', 'json', 'doctor'],
            env=self.environment(), capture_output=True, text=True,
            timeout=120 * TIMEOUT_FACTOR, check=False)
        return [(row['result'], row['words'], row['cure']) for row in json.loads(done.stdout)
                if row['check'] == 'plane']

    def environment(self):
        return {**os.environ, **self.world.env}

    def finding(self, result, message, *prefix):
        """The fix of the finding."""
        found = self.findings(*prefix)
        for one in found:
            if one[0] == result and message in one[1]:
                return one[2]
        raise AssertionError('no %s with %r: %r' % (result, message, found))

    def assert_healthy(self):
        """There is no fault, at the latest after the next round. That the driver restored settings
        is a warning for some time."""
        def faults():
            return [one for one in self.findings() if one[0] in ('FAIL', 'unseen')]
        try:
            wait_for(lambda: not faults(), EVENT_S, 'no fault')
        except AssertionError:
            raise AssertionError(faults()) from None

    def repair(self, fix):
        """Carries out the lines of a fix."""
        for line in fix.splitlines():
            subprocess.run(['sh', '-c', line], env=self.environment(), check=True,
                           timeout=60 * TIMEOUT_FACTOR)

    def test_no_fault(self):
        self.serve(service(self.address, TWO))
        self.assert_healthy()
        self.finding('ok', 'IPVS: the kernel answers, 1 virtual service')
        self.finding('ok', 'web: plane ipvs is ok')

    def test_driver_that_does_not_run(self):
        self.serve(service(self.address, TWO))
        self.stop_driver()
        self.assertEqual('systemctl start lbcluster-ipvs',
                         self.finding('FAIL', 'lbcluster-ipvs does not run'))
        self.finding('FAIL', 'web: no driver polls IPVS')

    def test_sysctls(self):
        sysctl(expire_nodest_conn=0, expire_quiescent_template=0)
        self.serve(service(self.address, TWO))
        self.assert_healthy()       # TCP without persistence needs none
        self.world.load(cluster(service(self.address, TWO, persistence=60),
                                service(self.vip(), TWO, 'dns', 'udp')))
        for name, message in (('expire_nodest_conn', 'clients of UDP stay'),
                              ('expire_quiescent_template', 'persistent clients stay')):
            fix = self.finding('FAIL', 'web: ' + message)
            self.assertEqual('sysctl -w net.ipv4.vs.%s=1' % name, fix)
            self.repair(fix)
        self.assert_healthy()

    def test_service_of_another_program(self):
        ipvsadm('-A -t %s -s rr' % endpoint(self.address))
        self.serve(service(self.address, TWO))
        fix = self.finding('FAIL', 'web: lbcluster did not make tcp ' + endpoint(self.address))
        self.assertEqual('lbcluster-ipvs --adopt web', fix)
        self.repair(' '.join(self.driver_argv(*fix.split()[1:])))
        self.assert_healthy()
        self.wait_weights(self.address, TWO)

    def test_service_of_another_program_with_manage_settings(self):
        ipvsadm('-A -t %s -s rr' % endpoint(self.address))
        self.serve(service(self.address, TWO), manage='settings')
        self.assertNotIn('--adopt', str(self.findings()))

    def test_damaged_file_of_services(self):
        self.serve(service(self.address, TWO))
        number = self.world.sql('SELECT id FROM cluster')[0][0]
        with open('%s/%d' % (self.owned, number), 'w', encoding='ascii') as file:
            file.write('nonsense\n')
        fix = self.finding('FAIL', 'not a service of IPVS')
        self.repair(' '.join(self.driver_argv(*fix.split()[1:])))
        self.assert_healthy()

    def test_file_of_a_cluster_that_is_gone(self):
        self.serve(service(self.address, TWO))
        self.stop_driver()
        self.world.ctl('remove', 'web')
        self.assertEqual('systemctl restart lbcluster-ipvs',
                         self.finding('warn', 'its services stay in the kernel'))
        self.start_driver()
        wait_for(lambda: not self.findings(), EVENT_S, 'nothing is reported')
        self.assertIsNone(self.weights(self.address))

    def test_scheduler_that_is_missing(self):
        self.serve(service(self.address, TWO, scheduler='fo'))
        # This machine may have a modprobe, which knows nothing of the guest's kernel.
        os.mkdir(self.world.dir + '/bin')
        os.symlink('/bin/false', self.world.dir + '/bin/modprobe')
        self.world.env['PATH'] = self.world.dir + '/bin:' + os.environ['PATH']
        self.assertEqual('modprobe ip_vs_fo', self.finding('FAIL', 'has no scheduler fo'))

    def test_files_of_command_checks(self):
        self.serve(service(self.address, TWO, check='command', check_command='probe'))
        fix = self.finding('FAIL', 'web/http: check-command probe: ')
        path = fix.split()[-1]
        directory = os.path.dirname(path)
        self.assertTrue(path.endswith('/checks.d/probe'), fix)
        with open(self.world.dir + '/FILE', 'w', encoding='ascii') as file:
            file.write('#!/bin/sh\nexit 0\n')
        self.addCleanup(run, 'rm', '-rf', directory)
        self.repair(fix.replace(' FILE ', ' %s/FILE ' % self.world.dir))
        self.assert_healthy()
        for change, message in ((('chmod', '664', path), 'only root may own and write it'),
                                (('chown', '65534', path), 'only root may own and write it'),
                                (('chmod', '777', directory), 'only root may own and write it')):
            with self.subTest(change):
                run(*change)
                self.repair(self.finding('FAIL', message))
                self.assert_healthy()

    def test_driver_without_the_capability(self):
        self.world.close()
        self.driver_world(user=NOBODY)
        self.serve(service(self.address, TWO))
        fix = self.finding('FAIL', 'has no capability CAP_NET_ADMIN')
        self.assertIn('systemctl restart lbcluster-ipvs', fix)

    def test_command_that_the_user_of_the_driver_may_not_run(self):
        self.world.close()
        self.driver_world(user=NOBODY)
        self.serve(service(self.address, TWO, check='command', check_command='probe'))
        fix = self.finding('FAIL', 'check-command probe')
        path = fix.split()[-1]
        self.addCleanup(run, 'rm', '-rf', os.path.dirname(path))
        self.repair(fix.replace(' FILE ', ' /bin/true '))
        os.chmod(path, 0o700)
        self.repair(self.finding('FAIL', 'may not run it'))
        self.assertNotIn('probe', str(self.findings()))

    def test_other_network_namespace(self):
        self.serve(service(self.address, TWO))
        fix = self.finding('unseen', 'another network namespace', 'unshare', '-n')
        self.assertEqual('nsenter -t %d -n lbclusterctl doctor' % self.driver.pid, fix)

    def test_without_root(self):
        self.serve(service(self.address, TWO))
        os.chmod(self.world.dir, 0o755)
        self.finding('unseen', 'you may not read its table', 'setpriv', '--inh-caps=-net_admin',
                     '--bounding-set=-net_admin')

    def test_without_the_module(self):
        """The last test of this process by its name, because no table survives it."""
        modules = run('busybox', 'lsmod')
        names = [line.split()[0] for line in modules.splitlines() if line.startswith('ip_vs')]
        names.sort(key=len, reverse=True)       # ip_vs is the last one
        self.serve(service(self.address, TWO))
        self.stop_driver()
        run('ipvsadm', '-C')
        for name in names:
            run('busybox', 'rmmod', name)
        try:
            self.assertEqual('modprobe ip_vs', self.finding('FAIL', 'no module ip_vs'))
        finally:
            # The initial file system of the guest has the modules.
            for name in reversed(names):
                run('busybox', 'insmod', '/proc/1/root/modules/%s.ko' % name)


if __name__ == '__main__':
    main()
