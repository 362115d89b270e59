# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# A test of lbcluster-ipvs in the guest: a store, the driver, the kernel's table and packets between
# the namespaces of ipvs_network.py.
"""IpvsCase, and texts of inventories."""

import itertools
import os
import subprocess

import mib
from driver_case import EVENT_S, DriverCase
from harness import TIMEOUT_FACTOR, Program, new_directory, wait_for
from ipvs_network import SERVERS, Network, endpoint, real, run, sysctl, vip

NONE, OK, UNREACHABLE, FAILING, UNATTENDED = range(1, 6)    # lbcClusterPlaneStatus

# Checks that decide fast. A slow guest needs time to answer.
CHECK = dict(check='connect', check_interval=0.5, check_retry=0.3, check_timeout=2, check_rise=1,
             check_fall=2)
OPTION = {'tcp': '-t', 'udp': '-u', 'sctp': '--sctp-service'}    # of ipvsadm
FORWARD = {'-m': 'nat', '-g': 'dr', '-i': 'tunnel'}

_REAL_OF = {real(name, family): name for name in SERVERS for family in (4, 6)}
_numbers = itertools.count(20)


def _options(options):
    return ''.join('%s = %s\n' % (name.replace('_', '-'), value)
                   for name, value in options.items())


def cluster(*services, name='web', **options):
    return 'cluster %s {\nplane = ipvs\n%s%s}\n' % (name, _options(options), ''.join(services))


def service(address, reals, name='http', protocol='tcp', fallback=None, **options):
    """'reals': name of a server -> its weight. The real services have the names of the servers.
    There are no checks unless 'options' have them."""
    options.setdefault('check', 'none')
    if address:
        options.update(address=address, port=80)
    family = 6 if ':' in (address or '') else 4
    return 'service %s {\nprotocol = %s\n%s%s}\n' % (name, protocol, _options(options), ''.join(
        'real %s { address = %s  port = 80  weight = %d%s }\n' % (
            server, real(server, family), weight,
            '  fallback = yes' if server == fallback else '')
        for server, weight in reals.items()))


def kernel():
    """The table: "-t 10.9.1.1:80" -> (options, {destination: (forward, weight)})."""
    table = {}
    for line in run('ipvsadm', '-Sn').splitlines():
        words = line.split()
        key = ' '.join(words[1:3])
        if words[0] == '-A':
            table[key] = ' '.join(words[3:]), {}
        else:
            table[key][1][words[4]] = FORWARD[words[5]], int(words[7])
    return table


class IpvsCase(DriverCase):
    """A test with the network, a store and the driver. The network is the same for all tests, and
    each one has virtual addresses of its own."""

    plane_kind = 'ipvs'
    net = None
    OK, UNREACHABLE, FAILING = OK, UNREACHABLE, FAILING

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not IpvsCase.net:
            IpvsCase.net = Network()

    def setUp(self):
        self.addCleanup(self._reset)    # after the driver ended
        self._reset()
        self.driver_world()

    def driver_world(self, user=None, **options):
        super().driver_world(user, **options)
        # The files that name what lbcluster made.
        self.owned = os.path.join(self.world.dir, 'owned')
        self.world.env['RUNTIME_DIRECTORY'] = self.owned
        os.mkdir(self.owned)
        os.chmod(self.owned, 0o777)

    def _reset(self):
        run('ipvsadm', '-C')
        sysctl(expire_nodest_conn=0, expire_quiescent_template=0)
        for server in self.net.servers.values():
            server.start()
            server.link(True)

    @staticmethod
    def vip(method='nat', family=4):
        """A virtual address that no other test has."""
        return vip(next(_numbers), method, family)

    def serve(self, *services, start=True, name='web', **options):
        """Loads one cluster and starts the driver; waits until it has polled the cluster."""
        self.world.load(cluster(*services, name=name, **options))
        if start:
            self.start_driver()

    def keepalived(self, text, part='-C'):
        """Starts keepalived without VRRP, or with '-P' only VRRP."""
        directory = new_directory()
        with open(directory + '/keepalived.conf', 'w', encoding='ascii') as file:
            file.write(text)
        program = Program('keepalived', [
            'keepalived', part, '-n', '-l', '-f', directory + '/keepalived.conf', '-p',
            directory + '/pid', '-c', directory + '/checkers', '-r', directory + '/vrrp'],
                          self.world.dir + '/keepalived.log')
        self.world.others.append(program)
        return program

    def driver_command(self, option, name='web', *more):
        """Runs lbcluster-ipvs with --adopt or --withdraw, and the files of this world."""
        return subprocess.run(self.driver_argv(option, name, *more), capture_output=True, text=True,
                              env={**os.environ, **self.world.env},
                              timeout=30 * TIMEOUT_FACTOR, check=False)

    def adopt(self):
        done = self.driver_command('--adopt')
        self.assertEqual(0, done.returncode, done.stderr)

    def kill_driver(self):
        """SIGKILL."""
        self.driver.kill()

    # -- the kernel's table -------------------------------------------------------------

    def weights(self, address, kind='tcp'):
        """The weights of a service by the names of the servers; None without the service."""
        key = '%s %s' % (OPTION[kind], endpoint(address))
        table = kernel()
        if key not in table:
            return None
        return {_REAL_OF.get(at.rsplit(':', 1)[0].strip('[]'), at): weight
                for at, (_, weight) in table[key][1].items()}

    def wait_weights(self, address, expected, kind='tcp', deadline_s=EVENT_S):
        try:
            wait_for(lambda: self.weights(address, kind) == expected, deadline_s, 'weights')
        except AssertionError:
            raise AssertionError('weights of %s are %r, not %r' % (
                address, self.weights(address, kind), expected)) from None

    def wait_answers(self, address, names, kind='tcp', n=6):
        """Waits until new connections are answered by these servers, and no other one."""
        self._wait_ask(lambda: set(self.net.ask(kind, address, n, timeout=1)), set(names), address)

    def wait_share(self, address, expected, kind='tcp'):
        """New connections are answered by these servers at once; waits until they are shared in
        exactly these numbers. Each change of the table starts the cycle of the kernel's schedulers
        again, also the removal of a drained server after its job: one try can be off by one."""
        def ask():
            return self.net.ask(kind, address, sum(expected.values()))
        self.assertEqual(set(expected), set(ask()))
        self._wait_ask(ask, expected, address)

    @staticmethod
    def _wait_ask(ask, expected, address):
        last = None

        def event():
            nonlocal last
            last = ask()
            return last == expected
        try:
            wait_for(event, EVENT_S, 'answers')
        except AssertionError:
            raise AssertionError('%s is answered by %r, not by %r' % (
                address, last, expected)) from None

    # -- SNMP -------------------------------------------------------------------------------

    COLUMNS = {'weight': ('lbcRealWeight', 'u'), 'fallback': ('lbcRealFallback', 'i'),
               'enabled': ('lbcRealEnabled', 'i'), 'service': ('lbcServiceEnabled', 'i'),
               'server': ('lbcServerEnabled', 'i')}

    def set(self, *settings):
        """Sends one SET of (column, path, value); waits until its jobs succeeded. The path of a
        service is that of one of its real services, and so is the path of a server."""
        varbinds = []
        for column, path, value in settings:
            name, letter = self.COLUMNS[column]
            if letter == 'i':
                value = mib.TRUE if value else mib.FALSE
            varbinds.append((mib.oid(name, *self._index(column, path)), letter, value))
        last = self.world.get('lbcJobLastId', 0)
        answer = self.world.client().set_answer(*varbinds)
        self.assertEqual(('noError', 0), answer[:2])
        for number in range(last + 1, self.world.get('lbcJobLastId', 0) + 1):
            self.world.wait_value(mib.SUCCEEDED, 'lbcJobState', number, deadline_s=EVENT_S)

    def _index(self, column, path):
        cluster_id, service_id, real_id = self.world.number(path)
        if column == 'service':
            return cluster_id, service_id
        if column == 'server':
            return cluster_id, self.world.get('lbcServerByNameIndex', cluster_id,
                                              path.split('/')[2])
        return cluster_id, service_id, real_id
