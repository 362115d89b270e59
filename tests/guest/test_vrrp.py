# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The recipe "Two directors with VRRP" of lbcluster-ipvs(8): two directors with lbcluster-ipvs, a
# store and keepalived each. Keepalived has a VRRP instance and no virtual server.
"""A pair of directors."""

import collections
import time

from harness import TIMEOUT_FACTOR, main, wait_for
from ipvs_case import CHECK, IpvsCase, cluster, kernel, service
from ipvs_network import Namespace, Traffic, endpoint, real, run

WAIT_S = 30
ASK_S = 0.5
REALS = {'r1': 1, 'r2': 1, 'r3': 1}
# Of the network of the clients, and the router of the servers. The master has both.
VIP, ROUTER = '10.9.0.100', '10.8.0.254'
PRIORITY = {'a': 150, 'b': 100}
# Three advertisements, and the skew of priority 100: RFC 5798, section 6.1.
MASTER_DOWN_S = 3 + (256 - 100) / 256
# Of the slow guest: the addresses, the ARP of the clients, a new connection.
SLACK_S = 1.0 * TIMEOUT_FACTOR

KEEPALIVED = '''
global_defs {
    lvs_sync_daemon eth V
}
vrrp_instance V {
    state BACKUP
    interface eth
    virtual_router_id 5
    priority %d
    advert_int 1
    virtual_ipaddress {
        %s/24
        %s/24
    }
}
'''


class Pair(IpvsCase):
    """The directors a and b are namespaces on the bridge of the network."""

    spaces = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for number, name in enumerate(PRIORITY, 2):
            space = Pair.spaces[name] = Namespace()
            space.sysctls('ipv4/conf/default/send_redirects=0')
            cls.net.director.ip(
                'link add p-%s type veth peer name eth netns %s' % (name, space.path),
                'link set p-%s master lbc up' % name)
            space.ip('link set lo up', 'link set eth up', 'addr add 10.9.0.1%d/24 dev eth' % number,
                     'addr add 10.8.0.%d/24 dev eth' % number)
            space.sysctls('ipv4/ip_forward=1', 'ipv4/conf/all/send_redirects=0')
        for name in cls.net.servers:
            cls.net.space(name).ip('route replace default via ' + ROUTER)

    def setUp(self):
        super().setUp()
        self.stores = {'a': (self.world, self.conf)}
        self.driver_world()
        self.stores['b'] = self.world, self.conf
        self.drivers, self.keepalived_of = {}, {}
        for name in PRIORITY:
            self.link(name, True)

    def on(self, name):
        """The methods of IpvsCase are about this director now."""
        self.world, self.conf = self.stores[name]
        self.driver = self.drivers.get(name)
        return self.spaces[name].entered()

    def link(self, name, up):
        run('ip', 'link', 'set', 'p-' + name, 'up' if up else 'down')

    def start(self, name, inventory):
        """Starts the programs of a director."""
        with self.on(name):
            self.world.load(inventory)
            self.start_driver()
            self.drivers[name] = self.driver
            self.keepalived_of[name] = self.keepalived(
                KEEPALIVED % (PRIORITY[name], VIP, ROUTER), '-P')

    def stop(self):
        for name, program in self.keepalived_of.items():
            program.end()
            with self.on(name):
                self.stop_driver()
                run('ipvsadm', '-C')

    def has_vip(self, name):
        with self.on(name):
            return VIP in run('ip', 'address', 'show', 'dev', 'eth')

    def wait_master(self, name):
        wait_for(lambda: self.has_vip(name), WAIT_S, '%s is master' % name)

    def tables(self):
        """The destinations and weights of both directors."""
        found = {}
        for name in PRIORITY:
            with self.on(name):
                found[name] = kernel().get('-t ' + endpoint(VIP), (None, None))[1]
        return found

    def wait_tables(self, weights):
        expected = {endpoint(real(name)): ('nat', weight)
                    for name, weight in weights.items()}
        wait_for(lambda: all(table == expected for table in self.tables().values()), WAIT_S,
                 'both tables are %r' % expected)

    def row(self, name, real_name):
        """The statistics of a real service in the store of a director."""
        self.on(name)
        return self.statistics('web/http/' + real_name)

    def balanced(self, name):
        """How many connections a director has balanced, as its store says."""
        return sum(self.row(name, real_name)['total_connections'] for real_name in REALS)

    def start_pair(self):
        inventory = cluster(service(VIP, REALS, scheduler='rr', **CHECK))
        for name in PRIORITY:
            self.start(name, inventory)
        self.wait_master('a')
        self.wait_tables(REALS)
        wait_for(lambda: set(self.net.ask('tcp', VIP, 6, timeout=1)) == set(REALS), WAIT_S,
                 'the servers answer')

    def gap_s(self, move):
        """Calls move(), which ends the master; returns how long clients had no answer."""
        traffic = Traffic(self.net, VIP, held=0, timeout=ASK_S)
        wait_for(lambda: traffic.last() in REALS, WAIT_S, 'a client is answered')
        move()
        moved = time.monotonic() - traffic.began

        def answered():
            later = [at for at, answer in traffic.answers if at > moved and answer in REALS]
            return later and later[0] - moved
        gap = wait_for(answered, WAIT_S, 'a client is answered after the move')
        traffic.stop()
        failed = [at - moved for at, answer in traffic.answers if answer not in REALS]
        self.assertLessEqual(max(failed, default=0), gap)
        print('without an answer: %.1f s' % gap, flush=True)
        return gap

    def test_master_loses_its_link(self):
        self.start_pair()
        held = [self.net.hold('tcp', VIP) for _ in range(6)]
        self.assertEqual({'r1': 2, 'r2': 2, 'r3': 2},
                         collections.Counter(connection.first for connection in held))
        # The backup knows the connections of the master, and counts none of its own.
        for name in REALS:
            wait_for(lambda at=name: self.row('b', at)['active_connections'] == 2, WAIT_S,
                     'the backup shows the connections of the master')
            self.assertEqual(1, self.row('b', name)['active'])
        self.assertEqual(0, self.balanced('b'))
        self.assertGreaterEqual(self.balanced('a'), 12)
        self.assertLess(self.gap_s(lambda: self.link('a', False)), MASTER_DOWN_S + SLACK_S)
        for connection in held:
            self.assertEqual(connection.first, connection.again())
            connection.close()
        wait_for(lambda: self.balanced('b') > 0, WAIT_S, 'b counts connections')
        # The old master is back, and the address with it.
        self.assertLess(self.gap_s(lambda: self.link('a', True)), MASTER_DOWN_S + SLACK_S)
        self.wait_master('a')
        self.stop()

    def test_keepalived_ends_while_a_server_is_down(self):
        self.start_pair()
        self.net.servers['r2'].stop()
        self.wait_tables({name: weight for name, weight in REALS.items() if name != 'r2'})
        for name in PRIORITY:
            self.on(name)
            self.wait_reason('web/http/r2', 'connect: Connection refused')
            self.wait_active('web/http/r2', 0)
            self.wait_active('web/http/r1', 1)
        self.assertLess(self.gap_s(self.keepalived_of['a'].end), SLACK_S)
        self.wait_master('b')
        self.assertEqual({'r1': 3, 'r3': 3}, self.net.ask('tcp', VIP, 6))
        # The driver of the old master goes on.
        self.net.servers['r2'].start()
        self.wait_tables(REALS)
        self.stop()


if __name__ == '__main__':
    main()
