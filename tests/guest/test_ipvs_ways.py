# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# lbcluster-ipvs with real packets of the ways that test_ipvs.py leaves out: SCTP, tunnels of IPv6,
# marks of IPv6, schedulers that keep a state, thresholds, persistence of UDP.
"""Less common ways to a server."""

from driver_case import EVENT_S
from harness import main, wait_for
from ipvs_case import CHECK, IpvsCase, cluster, service
from ipvs_network import REFUSED, ipvsadm, real, run, sysctl

TWO = dict(r1=10, r2=10)
THREE = dict(r1=10, r2=10, r3=10)
EVEN = dict(r1=2, r2=2, r3=2)


class Sctp(IpvsCase):
    """Associations instead of connections."""

    def setUp(self):
        super().setUp()
        self.address = self.vip()

    def ask(self, n=6):
        return self.net.ask('sctp', self.address, n, source='10.9.0.2')

    def serve_sctp(self, **options):
        self.serve(service(self.address, THREE, protocol='sctp', scheduler='rr', **options))
        self.wait_weights(self.address, {name: 10 for name in THREE
                                         if name != options.get('fallback')}, 'sctp')

    def test_both_families(self):
        other = self.vip(family=6)
        self.serve(service(self.address, THREE, protocol='sctp', scheduler='rr'),
                   service(other, THREE, 'other', 'sctp', scheduler='rr'))
        self.assertEqual(EVEN, self.ask())
        self.assertEqual(EVEN, self.net.ask('sctp', other, 6, source='2001:db8:9::2'))
        self.wait_statistics('web/http/r1', lambda row: row['total_connections'] == 2,
                             'connections')

    def test_drain(self):
        sysctl(expire_nodest_conn=1)
        self.serve_sctp(drain_time=2)
        held = self.net.hold('sctp', self.address, source='10.9.0.3')
        self.done('disable', 'web/http/' + held.first)
        self.assertEqual(0, self.weights(self.address, 'sctp')[held.first])
        self.assertNotIn(held.first, self.ask())
        self.assertEqual(held.first, held.again())
        self.wait_weights(self.address, {name: 10 for name in THREE if name != held.first},
                          'sctp')
        held.close()

    def test_fallback(self):
        """Servers of SCTP are checked over TCP here."""
        self.serve_sctp(fallback='r3', **CHECK)
        self.net.servers['r1'].stop()
        self.net.servers['r2'].stop()
        self.wait_weights(self.address, dict(r3=10), 'sctp')
        self.assertEqual(dict(r3=2), self.ask(2))
        self.net.servers['r1'].start()
        wait_for(lambda: self.ask(2) == dict(r1=2), EVENT_S, 'r1 answers')


class Ways(IpvsCase):
    """Tunnels and marks of IPv6."""

    def test_tunnel_of_ipv6(self):
        for name in THREE:
            self.net.space(name).ip('link set ip6tnl0 up')
        address = self.vip('dr', 6)
        self.serve(service(address, THREE, scheduler='rr', forward='tunnel'))
        self.assertEqual(EVEN, self.net.ask('tcp', address, 6))

    def test_tunnel_of_ipv6_for_a_service_of_ipv4(self):
        for name in THREE:
            space = self.net.space(name)
            space.ip('link add t46 type ip6tnl mode ipip6 local %s remote any' % real(name, 6),
                     'link set t46 up')
            self.addCleanup(space.ip, 'link del t46')
            space.sysctls('ipv4/conf/t46/rp_filter=0')
        address = self.vip('dr')
        text = service(address, THREE, scheduler='rr', forward='tunnel')
        for name in THREE:
            text = text.replace(real(name) + ' ', real(name, 6) + ' ')
        self.serve(text)
        self.assertEqual(EVEN, self.net.ask('tcp', address, 6))
        self.done('disable', 'web/http/r2')
        self.wait_answers(address, ['r1', 'r3'])

    def test_fwmark_of_ipv6(self):
        address = self.vip(family=6)
        run('nft', 'add table ip6 marks; add chain ip6 marks in { type filter hook prerouting'
            ' priority -150; }; add rule ip6 marks in ip6 daddr %s meta mark set 4294967295'
            % address)
        self.addCleanup(run, 'nft', 'delete table ip6 marks')
        text = service(None, THREE, fwmark=4294967295, family='ipv6', scheduler='rr')
        for name in THREE:
            text = text.replace(real(name) + ' ', real(name, 6) + ' ')
        self.serve(text)
        for kind in ('tcp', 'udp'):
            self.assertEqual(EVEN, self.net.ask(kind, address, 6))
        self.done('disable', 'web/http/r1')
        self.wait_answers(address, ['r2', 'r3'])


class Schedulers(IpvsCase):
    """A scheduler that keeps a table or a cache sees changes of weights."""

    def sources(self, address):
        """The servers that answer 8 clients, each with 2 connections."""
        names = set()
        for n in range(2, 10):
            names.update(self.net.ask('tcp', address, 2, source='10.9.0.%d' % n))
        return names

    def test_weights(self):
        schedulers = ('sh', 'mh', 'lblc', 'lblcr')
        addresses = {name: self.vip() for name in schedulers}
        self.serve(*[service(addresses[name], THREE, name, scheduler=name)
                     for name in schedulers])
        for name in schedulers:
            with self.subTest(name):
                address = addresses[name]
                first = self.sources(address)
                self.assertLessEqual(first, set(THREE))
                gone = min(first)
                self.done('set-weight', 'web/%s/%s' % (name, gone), '0')
                others = self.sources(address)
                self.assertTrue(others)
                self.assertLessEqual(others, set(THREE) - {gone})
                self.done('set-weight', 'web/%s/%s' % (name, gone), '65535')
                self.assertLessEqual(self.sources(address), set(THREE))
                self.done('disable', 'web/%s/%s' % (name, gone))
                self.assertLessEqual(self.sources(address), set(THREE) - {gone})

    def test_dh_refuses_the_clients_of_weight_0(self):
        """As doc/lbcluster-ipvs.8 says. All clients of an address have one destination."""
        address = self.vip()
        self.serve(service(address, THREE, scheduler='dh'))
        name, = self.net.ask('tcp', address, 3)
        self.done('set-weight', 'web/http/' + name, '0')
        self.assertEqual({REFUSED: 3}, self.net.ask('tcp', address, 3))

    def test_thresholds(self):
        address = self.vip()
        self.serve(service(address, TWO, scheduler='rr').replace(
            'weight = 10', 'weight = 10  max-connections = 2  min-connections = 1', 1))
        held = [self.net.hold('tcp', address) for _ in range(8)]
        self.assertEqual(2, [one.first for one in held].count('r1'))
        # A new threshold reaches the kernel, and keeps the connections.
        self.world.load(cluster(service(address, TWO, scheduler='rr').replace(
            'weight = 10', 'weight = 10  max-connections = 20', 1)))
        self.wait_rounds()
        self.assertIn('r1', self.net.ask('tcp', address, 4))
        for one in held:
            self.assertEqual(one.first, one.again())
            one.close(reset=True)


class Persistence(IpvsCase):
    """Clients that come back."""

    def test_udp(self):
        sysctl(expire_nodest_conn=1, expire_quiescent_template=1)
        address = self.vip()
        self.serve(service(address, THREE, protocol='udp', scheduler='rr', persistence=300,
                           persistence_mask=30))
        # 10.9.0.4 to 10.9.0.7 are one client.
        names = set()
        for n in (4, 5, 6, 7):
            names.update(self.net.ask('udp', address, 3, source='10.9.0.%d' % n))
        self.assertEqual(1, len(names), names)
        name, = names
        self.wait_statistics('web/http/' + name, lambda row: row['persistent_connections'] == 1,
                             'templates')
        self.done('disable', 'web/http/' + name)
        self.wait_weights(address, {other: 10 for other in THREE if other != name}, 'udp')
        moved = self.net.ask('udp', address, 6, source='10.9.0.5')
        self.assertEqual(1, len(moved), moved)
        self.assertNotIn(name, moved)


class Leaving(IpvsCase):
    """A real service that is removed from the store leaves as one that is disabled."""

    def test_drain_time(self):
        sysctl(expire_nodest_conn=1)
        address = self.vip()
        self.serve(service(address, THREE, scheduler='rr', drain_time=2))
        held = self.net.hold('tcp', address)
        rest = {name: 10 for name in THREE if name != held.first}
        self.world.load(cluster(service(address, rest, scheduler='rr', drain_time=2)), '--prune')
        self.wait_weights(address, {**rest, held.first: 0})
        self.wait_weights(address, rest)


class Large(IpvsCase):
    """A table that does not fit into one message."""

    def test_ownership_while_another_program_removes_services(self):
        services = [service(None, dict(r1=1), 's%d' % n, fwmark=100 + n, protocol='tcp')
                    for n in range(300)]
        self.serve(*services)
        for _ in range(20):
            ipvsadm(*['-A -f %d' % n for n in range(1, 60)])
            ipvsadm(*['-D -f %d' % n for n in range(1, 60)])
        self.wait_rounds(2)
        self.assertNotIn('lbcluster did not make it', self.driver_log())
        self.wait_plane(self.OK)


if __name__ == '__main__':
    main()
