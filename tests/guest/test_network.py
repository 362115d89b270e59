# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The network of the tests of IPVS, with ipvsadm in place of a driver: packets take each way, and
# clients see what happens to servers.
"""ipvs_network.py itself."""

import unittest

from harness import main, wait_for
from ipvs_network import (
    REFUSED, RESET, SILENCE_S, SILENT, Network, Traffic, Watch, endpoint, ipvsadm, real, run,
    sysctl, vip)

WAIT_S = 30
EVEN = {'r1': 3, 'r2': 3, 'r3': 3}


class Paths(unittest.TestCase):
    """One network for all tests."""

    @classmethod
    def setUpClass(cls):
        cls.net = Network()

    def tearDown(self):
        run('ipvsadm', '-C')
        for server in self.net.servers.values():
            server.start()
            server.link(True)

    def serve(self, address, kind='tcp', method='nat', options='-s rr'):
        """Adds a service with r1 to r3."""
        service = '-%s %s' % (kind[0], endpoint(address))
        family = 6 if ':' in address else 4
        ipvsadm('-A %s %s' % (service, options), *[
            '-a %s -r %s %s -w 1' % (service, endpoint(real(name, family)),
                                     '-m' if method == 'nat' else '-g')
            for name in EVEN])
        return service

    def test_each_way(self):
        number = 10
        for family in (4, 6):
            for method in ('nat', 'dr'):
                for kind in ('tcp', 'udp'):
                    with self.subTest(family=family, method=method, kind=kind):
                        address = vip(number, method, family)
                        self.serve(address, kind, method)
                        self.assertEqual(EVEN, self.net.ask(kind, address, 9))

    def test_a_server_sees_the_packets_of_clients(self):
        address = vip(11, 'dr')
        self.serve(address, method='dr')
        watch = Watch(self.net, 'r1')
        self.net.ask('tcp', address, 9)
        watch.close()
        self.assertGreater(len(watch.packets), 5)
        self.assertEqual({'10.9.0.2'}, {source for _, source in watch.packets})

    def test_clients_see_what_happens(self):
        address = vip(12)
        service = self.serve(address)
        self.net.servers['r1'].stop()
        self.net.servers['r2'].hung = True
        self.assertEqual({REFUSED: 3, SILENT: 3, 'r3': 3},
                         self.net.ask('tcp', address, 9, timeout=SILENCE_S))
        self.net.servers['r1'].start()
        self.net.servers['r2'].start()
        held = self.net.hold('tcp', address)
        other = self.net.hold('tcp', address)
        self.assertNotEqual(held.first, other.first)
        self.assertEqual(held.first, held.again())
        ipvsadm('-e %s -r %s -m -w 0' % (service, endpoint(real(held.first))))
        self.assertEqual(held.first, held.again())
        self.assertNotIn(held.first, self.net.ask('tcp', address, 6))
        self.net.servers[other.first].stop()
        self.assertEqual(RESET, other.again())
        sysctl(expire_nodest_conn=1)
        ipvsadm('-d %s -r %s' % (service, endpoint(real(held.first))))
        self.assertEqual(RESET, held.again())
        sysctl(expire_nodest_conn=0)

    def test_a_udp_port_that_keeps_sending_stays(self):
        address = vip(13)
        service = self.serve(address, 'udp')
        held = self.net.hold('udp', address, source_port=5000)
        ipvsadm('-e %s -r %s -m -w 0' % (service, endpoint(real(held.first))))
        self.assertEqual(held.first, held.again())
        self.assertNotIn(held.first, self.net.ask('udp', address, 6))

    def test_lost_connections_are_counted(self):
        address = vip(14)
        self.serve(address)
        traffic = Traffic(self.net, address, held=3)
        wait_for(lambda: len(traffic.answers) >= 20, WAIT_S, 'answers')
        self.assertEqual([], traffic.failures())
        self.net.servers['r1'].stop()
        before = len(traffic.answers)
        wait_for(lambda: len(traffic.answers) >= before + 10, WAIT_S, 'answers')
        answers = traffic.stop().failures()
        self.assertIn(REFUSED, [failure[1] for failure in answers])
        self.assertIn(('r1', RESET), [failure[1:] for failure in answers])

    def test_a_server_without_a_link_is_silent(self):
        address = vip(15)
        self.serve(address)
        self.net.servers['r3'].link(False)
        self.assertEqual({'r1': 2, 'r2': 2, SILENT: 2},
                         self.net.ask('tcp', address, 6, timeout=SILENCE_S))
        self.net.servers['r3'].link(True)
        self.assertEqual({'r1': 2, 'r2': 2, 'r3': 2}, self.net.ask('tcp', address, 6))


if __name__ == '__main__':
    main()
