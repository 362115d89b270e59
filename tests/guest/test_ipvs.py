# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# lbcluster-ipvs with the kernel of the guest and real packets: settings, each way to a server,
# draining, statistics.
"""Settings, ways, draining, statistics."""

import re
import time

from driver_case import EVENT_S
from harness import main, wait_for
from ipvs_case import IpvsCase, cluster, service
from ipvs_network import PORT, REFUSED, RESET, endpoint, real, run, sysctl

THREE = dict(r1=10, r2=10, r3=10)


class Settings(IpvsCase):
    """A SET of a manager arrives at the servers."""

    def setUp(self):
        super().setUp()
        self.address = self.vip()
        self.world.load(cluster(service(self.address, THREE, scheduler='wrr')))
        self.world.start()
        self.start_driver()

    def test_weight(self):
        self.wait_share(self.address, dict(r1=10, r2=10, r3=10))
        self.set(('weight', 'web/http/r1', 20))
        self.wait_share(self.address, dict(r1=20, r2=10, r3=10))
        self.set(('weight', 'web/http/r1', 0), ('weight', 'web/http/r2', 30))
        self.wait_share(self.address, dict(r2=30, r3=10))
        self.set(('weight', 'web/http/r1', 65535))
        self.assertEqual(65535, self.weights(self.address)['r1'])
        self.assertNotIn('restored', self.driver_log())

    def test_enabled(self):
        self.set(('enabled', 'web/http/r2', False))
        self.wait_share(self.address, dict(r1=20, r3=20))
        self.wait_weights(self.address, dict(r1=10, r3=10))
        self.assertEqual(5, self.world.get('lbcRealOperStatus', *self.world.number('web/http/r2')))
        self.set(('enabled', 'web/http/r2', True), ('weight', 'web/http/r2', 20))
        self.wait_share(self.address, dict(r1=10, r2=20, r3=10))
        self.set(*[('enabled', 'web/http/' + name, False) for name in THREE])
        self.assertEqual({REFUSED: 3}, self.net.ask('tcp', self.address, 3))

    def test_fallback(self):
        self.set(('fallback', 'web/http/r3', True))
        self.wait_share(self.address, dict(r1=10, r2=10))
        self.set(('enabled', 'web/http/r1', False), ('enabled', 'web/http/r2', False))
        self.wait_answers(self.address, ['r3'])
        self.set(('enabled', 'web/http/r1', True))
        self.wait_answers(self.address, ['r1'])
        # A hand-over in one SET.
        self.set(('fallback', 'web/http/r3', False), ('fallback', 'web/http/r1', True))
        self.wait_answers(self.address, ['r3'])
        self.set(('fallback', 'web/http/r1', False))
        self.wait_answers(self.address, ['r1', 'r3'])

    def test_service_is_disabled_and_enabled(self):
        self.set(('weight', 'web/http/r1', 7))
        self.set(('service', 'web/http/r1', False))
        self.assertIsNone(self.weights(self.address))
        self.assertEqual({REFUSED: 3}, self.net.ask('tcp', self.address, 3))
        self.world.ctl('set-weight', 'web/http/r2', '8')
        self.set(('service', 'web/http/r1', True))
        self.wait_weights(self.address, dict(r1=7, r2=8, r3=10))
        self.assertNotIn('restored', self.driver_log())

    def test_server_is_disabled_in_all_services(self):
        other = self.vip()
        self.world.load(cluster(service(other, THREE, 'other')))
        self.wait_weights(other, THREE)
        self.set(('server', 'web/http/r1', False))
        for address in (self.address, other):
            self.wait_weights(address, dict(r2=10, r3=10))
        self.set(('server', 'web/http/r1', True))
        for address in (self.address, other):
            self.wait_weights(address, THREE)


class Ways(IpvsCase):
    """Forwarding methods, families, protocols."""

    def test_nat_and_dr_in_both_families_over_tcp_and_udp(self):
        ways = [(self.vip(method, family), method, protocol) for method in ('nat', 'dr')
                for family in (4, 6) for protocol in ('tcp', 'udp')]
        self.serve(*[service(address, THREE, 's%d' % number, protocol, scheduler='rr',
                             forward=method)
                     for number, (address, method, protocol) in enumerate(ways)])
        for address, method, protocol in ways:
            with self.subTest(address=address, method=method, protocol=protocol):
                self.assertEqual(dict(r1=3, r2=3, r3=3), self.net.ask(protocol, address, 9))
        self.world.ctl('disable', 'web/*/r1')
        for address, method, protocol in ways:
            with self.subTest(address=address, method=method, protocol=protocol):
                self.wait_answers(address, ['r2', 'r3'], protocol)
        # UDP is removed at once; TCP when the connections have ended, which takes two minutes.
        for address, method, protocol in ways:
            if protocol == 'udp':
                self.wait_weights(address, dict(r2=10, r3=10), protocol)

    def test_tunnel(self):
        for name in THREE:
            space = self.net.space(name)
            space.ip('link set tunl0 up')
            space.sysctls('ipv4/conf/tunl0/rp_filter=0')
        address = self.vip('dr')
        self.serve(service(address, THREE, scheduler='rr', forward='tunnel'))
        self.assertEqual(dict(r1=2, r2=2, r3=2), self.net.ask('tcp', address, 6))

    def test_fwmark(self):
        address = self.vip()
        run('nft', 'add table ip marks; add chain ip marks in { type filter hook prerouting'
            ' priority -150; }; add rule ip marks in ip daddr %s meta mark set 7' % address)
        self.addCleanup(run, 'nft', 'delete table ip marks')
        self.serve(service(None, THREE, fwmark=7, scheduler='rr'))
        self.assertEqual(dict(r1=2, r2=2, r3=2), self.net.ask('tcp', address, 6))
        self.assertEqual(dict(r1=2, r2=2, r3=2), self.net.ask('udp', address, 6))

    def test_parameters_are_those_of_the_kernel(self):
        first, second, third = self.vip(), self.vip('dr', 6), self.vip()
        self.serve(
            service(first, THREE, 'a', scheduler='mh', hash_port='yes', persistence=300,
                    persistence_mask=24),
            service(second, THREE, 'b', 'udp', scheduler='sh', forward='dr', one_packet='yes'),
            service(third, THREE, 'c', 'sctp', scheduler='sed').replace(
                'weight = 10', 'weight = 10  max-connections = 100  min-connections = 80'))
        table = run('ipvsadm', '-Sn')
        for line in ('-A -t %s -s mh -p 300 -M 255.255.255.0 -b mh-fallback,mh-port' %
                     endpoint(first),
                     '-A -u %s -s sh -o -b sh-fallback' % endpoint(second),
                     '-a -u %s -r %s -g -w 10' % (endpoint(second), endpoint(real('r1', 6))),
                     '-A --sctp-service %s -s sed' % endpoint(third),
                     '-a --sctp-service %s -r %s -m -w 10' % (
                         endpoint(third), endpoint(real('r1')))):
            self.assertIn(line + '\n', table)
        self.assertRegex(run('ipvsadm', '-Ln', '--thresholds'),
                         '(?m)^ +-> %s +100 +80 ' % re.escape(endpoint(real('r1'))))

    def test_mh_gives_the_share_of_weight_0_to_others(self):
        address = self.vip()
        self.serve(service(address, THREE, scheduler='mh', hash_port='yes'))
        self.done('set-weight', 'web/http/r1', '0')
        answers = self.net.ask('tcp', address, 24)
        self.assertEqual({'r2', 'r3'}, set(answers), answers)

    def test_changed_parameters_keep_connections(self):
        address = self.vip()
        self.serve(service(address, THREE, scheduler='rr'))
        held = self.net.hold('tcp', address)
        self.world.load(cluster(service(address, THREE, scheduler='wlc', persistence=60)))
        wait_for(lambda: '-s wlc -p 60' in run('ipvsadm', '-Sn'), EVENT_S, 'the service changes')
        self.assertEqual(held.first, held.again())
        self.wait_plane(self.OK)


class Drain(IpvsCase):
    """disable: no new connection, then no destination."""

    def setUp(self):
        super().setUp()
        self.address = self.vip()

    def test_held_connection_lives_until_it_ends(self):
        self.serve(service(self.address, THREE, scheduler='rr'))
        held = self.net.hold('tcp', self.address)
        name = held.first
        self.done('disable', 'web/http/' + name)
        self.assertEqual(0, self.weights(self.address)[name])
        self.assertNotIn(name, self.net.ask('tcp', self.address, 6))
        self.wait_rounds(3)
        self.assertEqual(0, self.weights(self.address)[name])
        self.assertEqual(name, held.again())
        held.close(reset=True)
        self.wait_weights(self.address, {other: 10 for other in THREE if other != name})
        self.done('enable', 'web/http/' + name)
        self.assertIn(name, self.net.ask('tcp', self.address, 6))

    def test_held_connection_that_outlives_the_drain_time(self):
        sysctl(expire_nodest_conn=1)
        self.serve(service(self.address, THREE, scheduler='rr', drain_time=1))
        held = self.net.hold('tcp', self.address)
        self.done('disable', 'web/http/' + held.first)
        self.wait_weights(self.address, {name: 10 for name in THREE if name != held.first})
        self.assertEqual(RESET, held.again())

    def test_enable_while_a_connection_is_held(self):
        self.serve(service(self.address, THREE, scheduler='rr'))
        held = self.net.hold('tcp', self.address)
        self.done('disable', 'web/http/' + held.first)
        self.done('enable', 'web/http/' + held.first)
        self.assertEqual(THREE, self.weights(self.address))
        self.assertEqual(held.first, held.again())

    def test_udp_is_removed_at_once(self):
        sysctl(expire_nodest_conn=1)
        self.serve(service(self.address, THREE, protocol='udp', scheduler='rr'))
        held = self.net.hold('udp', self.address, source_port=5000)
        name = held.first
        self.done('disable', 'web/http/' + name)
        self.wait_weights(self.address, {other: 10 for other in THREE if other != name}, 'udp')
        # The port moves. The packet that finds the server gone may be lost.
        answer = held.again(1)
        self.assertIn(held.again() if answer == 'silent' else answer, set(THREE) - {name})

    def test_persistent_clients_move(self):
        sysctl(expire_quiescent_template=1)
        self.serve(service(self.address, THREE, scheduler='rr', persistence=300))
        kept = self.net.ask('tcp', self.address, 6)
        self.assertEqual(1, len(kept), kept)
        name, = kept
        self.done('disable', 'web/http/' + name)
        self.assertNotIn(name, self.net.ask('tcp', self.address, 6))

    def test_sysctls_that_clients_need_are_named(self):
        self.serve(service(self.address, THREE, protocol='udp'))
        self.wait_plane(self.OK, 'sysctl -w net.ipv4.vs.expire_nodest_conn=1')
        with open('/proc/sys/net/ipv4/vs/expire_nodest_conn', encoding='ascii') as file:
            self.assertEqual('0\n', file.read())


def ipvsadm_numbers(address, *options):
    """Destination -> numbers, as "ipvsadm -Ln --exact OPTIONS" shows them."""
    text = run('ipvsadm', '-Ln', '--exact', *options, '-t', endpoint(address))
    return {found.group(1): [int(word) for word in found.group(2).split()]
            for found in re.finditer(r'^ +-> (\S+):%d +(?:\S*[A-Za-z]\S* +)?([\d ]+)$' % PORT,
                                     text, re.M)}


class Statistics(IpvsCase):
    """The numbers are those of ipvsadm."""

    COLUMNS = {
        '--stats': ('total_connections', 'total_packets_in', 'total_packets_out',
                    'total_octets_in', 'total_octets_out'),
        '--rate': ('connections_per_second', 'pps_in', 'pps_out', 'bps_in', 'bps_out')}

    def assert_numbers(self, address, names):
        """Each number is the one of ipvsadm. Both change every 2 s."""
        path = {real(name): 'web/http/' + name for name in names}

        def shown():
            return {option: ipvsadm_numbers(address, option) for option in self.COLUMNS}

        def equal():
            before = shown()
            rows = {at: self.statistics(path[at]) for at in path}
            if not all(rows.values()) or shown() != before:
                return False
            return all(
                [value * (8 if name.startswith('bps') else 1) for name, value in
                 zip(names_, before[option][at], strict=True)] ==
                [rows[at][name] or 0 for name in names_]
                for option, names_ in self.COLUMNS.items() for at in path) and before
        try:
            return wait_for(equal, EVENT_S, 'numbers')
        except AssertionError:
            raise AssertionError('ipvsadm has %r, the store %r' % (
                shown(), [self.statistics(path[at]) for at in path])) from None

    def test_nat(self):
        address = self.vip()
        self.serve(service(address, THREE, scheduler='rr'))
        held = [self.net.hold('tcp', address) for _ in range(4)]
        self.net.ask('tcp', address, 12)
        row = self.wait_statistics(
            'web/http/' + held[0].first, lambda row: (
                row['active_connections'], row['inactive_connections'],
                row['total_connections']) in [(2, 4, 6), (1, 4, 5)], 'connections')
        self.assertEqual(0, row['persistent_connections'])
        self.assertEqual(1, row['active'])
        numbers = self.assert_numbers(address, THREE)
        self.assertEqual(16, sum(values[0] for values in numbers['--stats'].values()))
        for values in numbers['--stats'].values():
            self.assertTrue(all(values), values)
        self.assertAlmostEqual(time.time(), row['counters_since'], delta=60)

    def test_rates_under_traffic(self):
        address = self.vip()
        self.serve(service(address, THREE, scheduler='rr'))
        end = time.monotonic() + 6
        while time.monotonic() < end:
            self.net.ask('tcp', address, 3)
        numbers = self.assert_numbers(address, THREE)
        self.assertTrue(all(values[0] > 0 for values in numbers['--rate'].values()), numbers)

    def service_statistics(self):
        """The row of the only service; {} if there is none."""
        names = ('algorithm', 'counters_since', *self.COLUMNS['--stats'])
        rows = self.world.sql('SELECT %s FROM service_statistics' % ', '.join(names),
                              file='lbcluster-stats.db')
        return dict(zip(names, rows[0], strict=True)) if rows else {}

    def test_service_has_numbers_of_its_own(self):
        address = self.vip()
        self.serve(service(address, THREE, scheduler='rr'))
        self.net.ask('tcp', address, 6)

        def equal():
            text = run('ipvsadm', '-Ln', '--exact', '--stats', '-t', endpoint(address))
            numbers = re.search(r'^TCP +\S+ +([\d ]+)$', text, re.M).group(1)
            row = self.service_statistics()
            return row if row.get('total_connections') == 6 and [
                int(number) for number in numbers.split()] == [
                    row[name] for name in self.COLUMNS['--stats']] else None
        row = wait_for(equal, EVENT_S, 'the numbers of ipvsadm')
        self.assertEqual('rr', row['algorithm'])
        self.assertGreater(row['total_octets_out'], 0)
        # A service that was deleted and made again counts from zero.
        run('ipvsadm', '-D', '-t', endpoint(address))
        again = wait_for(lambda: self.service_statistics()['total_connections'] == 0 and
                         self.service_statistics(), EVENT_S, 'totals from zero')
        self.assertGreater(again['counters_since'], row['counters_since'])

    def test_dr_has_no_numbers_of_answers(self):
        address = self.vip('dr')
        self.serve(service(address, THREE, scheduler='rr', forward='dr'))
        self.net.ask('tcp', address, 6)
        row = self.wait_statistics('web/http/r1', lambda row: row['total_connections'] == 2,
                                   'connections')
        self.assert_numbers(address, THREE)
        for name in ('total_packets_out', 'total_octets_out', 'pps_out', 'bps_out'):
            self.assertIsNone(row[name], name)

    def test_persistent_connections(self):
        address = self.vip()
        self.serve(service(address, THREE, scheduler='rr', persistence=300))
        for n in range(2, 8):
            self.net.ask('tcp', address, source='10.9.0.%d' % n)

        def persistent():
            return sum(values[1] for values in
                       ipvsadm_numbers(address, '--persistent-conn').values())
        self.assertEqual(6, persistent())
        for name in THREE:
            self.wait_statistics('web/http/' + name, lambda row:
                                 row['persistent_connections'] == 2, 'persistent connections')

    def test_estimation_that_is_off(self):
        address = self.vip()
        sysctl(run_estimation=0)
        self.addCleanup(sysctl, run_estimation=1)
        self.serve(service(address, THREE))
        self.net.ask('tcp', address, 3)
        self.wait_plane(self.OK, 'run_estimation')
        row = self.wait_statistics('web/http/r1', lambda row: row['inactive_connections'] == 1,
                                   'connections')
        self.assertIsNone(row['connections_per_second'])
        self.assertIsNone(row['total_connections'])

    def test_totals_of_a_destination_that_was_added_again(self):
        address = self.vip()
        self.serve(service(address, THREE, scheduler='rr'))
        self.net.ask('tcp', address, 3)
        before = self.wait_statistics('web/http/r1', lambda row: row['total_connections'] == 1,
                                      'a connection')
        run('ipvsadm', '-D', '-t', endpoint(address))
        self.wait_weights(address, THREE)
        self.wait_rounds()
        row = self.statistics('web/http/r1')
        # The kernel may have kept the numbers. A total that is lower has a later beginning.
        if row['total_connections'] < 1:
            self.assertGreater(row['counters_since'], before['counters_since'])
        else:
            self.assertEqual(row['counters_since'], before['counters_since'])


class Load(IpvsCase):
    """What the kernel accepts and does not do is refused by load."""

    def test_load_names_file_and_line(self):
        address = self.vip()
        one = service(address, dict(r1=1))
        # The inventory, a text of the line at fault, and a word of the message.
        for text, fault, message in (
                (cluster(service(address, dict(r1=1), forward='dr').replace(
                    'port = 80  weight', 'port = 8080  weight')), 'port = 8080', 'port'),
                (cluster(one.replace(real('r1'), '127.0.0.1')), '127.0.0.1', 'loopback'),
                (cluster(one, service(address, dict(r1=1), 'other')), 'service other', 'web/http'),
                (cluster(service(address, dict(r1=1), one_packet='yes')), 'service http',
                 'one-packet'),
                (cluster(service(address, dict(r1=1), scheduler='best')), 'best', 'scheduler')):
            with self.subTest(message):
                line = next(number for number, line in enumerate(text.splitlines(), 1)
                            if fault in line)
                with open(self.world.dir + '/wrong.conf', 'w', encoding='ascii') as file:
                    file.write(text)
                done = self.world.ctl('load', self.world.dir + '/wrong.conf', check=False)
                self.assertNotEqual(0, done.returncode, text)
                self.assertRegex(done.stderr, r'wrong\.conf:%d: .*%s' % (line, message))


if __name__ == '__main__':
    main()
