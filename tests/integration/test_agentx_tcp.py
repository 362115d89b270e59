# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The AgentX master over TCP. A real snmpd serves walk and SET, and is found again after a
# restart, by address and by name. Invalid addresses are refused. A DNS server that does not
# answer and a host that disappears block nothing.
"""AgentX over TCP."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import threading
import unittest

import mib
from harness import (INVENTORY, LBCLUSTERCTL, LBCLUSTERD, Case, Program, free_port, is_root, main,
                     wait_for)
from mounts import mounted

WEIGHT = mib.oid('lbcRealWeight', 1, 1, 1)
REFUSED = ['', 'agentx/master', 'localhost:705', 'udp:localhost:705', 'ssh:localhost:705',
           'unix:/run/x', 'tcp6:[::1]:705', 'tcp:705', 'tcp:localhost', 'tcp:localhost:0',
           'tcp:localhost:65536', 'tcp:localhost:agentx', 'tcp::705', 'tcp:::1:705',
           'tcp:[::1]', 'tcp:[localhost]:705', 'tcp:10.0.0.300:705', '/' + 200 * 'x']

CLONE_NEWNET = 0x40000000
OURS, THEIRS = '10.77.0.1', '10.77.0.2'


class Served(Case):
    """Walk and SET through a master over TCP."""

    def served_world(self, address, dial=None):
        world = self.new_world(agentx=address)
        world.daemon_socket = dial or address
        world.load(INVENTORY)
        world.start()
        return world

    def assert_works(self, world, weight):
        """Walk and SET."""
        self.assertGreater(len(world.client().walk(mib.ROOT)), 50)
        self.assertEqual('noError', world.client().set_answer((WEIGHT, 'u', weight)).status)
        self.assertEqual(weight, world.get('lbcRealWeight', 1, 1, 1))
        world.wait_written()
        self.assertEqual([(weight,)], world.sql('SELECT weight FROM real_service'))


class Tcp(Served):
    """Masters on the loopback interface."""

    def test_walk_and_set(self):
        world = self.served_world('tcp:127.0.0.1:%d' % free_port())
        self.assert_works(world, 11)
        self.assertNotIn('loopback', world.daemon_log())

    def test_snmpd_is_found_again(self):
        world = self.served_world('tcp:127.0.0.1:%d' % free_port())
        for number in (signal.SIGTERM, signal.SIGKILL):
            world.stop_master(number)
            world.wait_logged('no AgentX master at tcp:127.*: connection refused',
                              count=1 + (number == signal.SIGKILL))
            world.start_master()
            world.wait_served()
            self.assert_works(world, 20 + number)

    def test_refused_connection_is_logged_with_what_to_do(self):
        port = free_port()
        with socket.create_server(('127.0.0.1', free_port())):
            world = self.served_world('tcp:127.0.0.1:%d' % port, 'tcp:localhost:%d' % port)
        self.assert_works(world, 13)

    def test_ipv6(self):
        try:
            socket.create_server(('::1', 0), family=socket.AF_INET6).close()
        except OSError as error:
            self.skipTest('no IPv6: %s' % error)
        world = self.served_world('tcp:[::1]:%d' % free_port())
        self.assert_works(world, 14)

    def test_name_without_address(self):
        world = self.new_world()
        world.daemon_socket = 'tcp:name.invalid:705'
        world.start_daemon(wait=False)
        world.wait_logged('the host of tcp:name.invalid:705 (has no address|cannot be looked up)',
                          20)
        world.stop_daemon()


class Refused(Case):
    """Invalid addresses: exit status 2 and one line with the valid forms."""

    def test_by_option_by_file_and_by_doctor_alike(self):
        world = self.new_world()
        for address in REFUSED:
            world.configure(agentx_socket='"%s"' % address)
            said = []
            programs = [[LBCLUSTERD, '--check', '-c', world.conf],
                        [LBCLUSTERD, '-f', '-c', '/dev/null', '-s', world.store, '-x', address]]
            if address != '':       # lbclusterctl refuses an empty argument of any option
                programs.append([LBCLUSTERCTL, '-s', world.store, 'doctor', '-x', address])
            for argv in programs:
                done = subprocess.run(argv, capture_output=True, text=True, timeout=20,
                                      check=False)
                self.assertEqual((2, ''), (done.returncode, done.stdout), (argv, done.stderr))
                line = done.stderr.splitlines()[0]
                self.assertRegex(line, r'(-x|:\d+): (agentx-socket )?"')    # one prefix
                said.append(line[line.index('"'):])
            self.assertEqual(1, len(set(said)), said)
            self.assertRegex(said[0], 'not an AgentX address: ')

    def test_address_in_the_file(self):
        world = self.new_world()
        for address in ('tcp:localhost:705', 'tcp:[::1]:705', '/run/master'):
            world.configure(agentx_socket='"%s"' % address)
            subprocess.run([LBCLUSTERD, '--check', '-c', world.conf], check=True)


class SilentDns:
    """The DNS server of this network namespace: counts questions and answers none, until
    'address' is set."""

    def __init__(self):
        self.questions = 0
        self.address = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(('127.0.0.1', 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                query, client = self._socket.recvfrom(4096)
                self.questions += 1
                if self.address:
                    self._socket.sendto(self._answer(query), client)

    def _answer(self, query):
        """One A record and no others (RFC 1035 section 4.1)."""
        is_a = query[12:].split(b'\0', 1)[1][:2] == b'\0\1'
        question = query[12:query.index(b'\0', 12) + 5]
        return (query[:2] + b'\x84\0\0\1' + bytes([0, is_a]) + bytes(4) + question +
                (b'\xc0\x0c\0\1\0\1\0\0\0\1\0\4' + socket.inet_aton(self.address) if is_a else b''))

    def close(self):
        self._socket.close()


def enter_network():
    """A network namespace for this process and its children, with a loopback interface."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise unittest.SkipTest('may not have a network of its own')
    ip('link', 'set', 'lo', 'up')


def ip(*argv):
    subprocess.run(['ip', *argv], check=True)


@unittest.skipUnless(is_root(), 'needs root')
class Network(Served):
    """Names and hosts, in the test's own network namespace."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        enter_network()

    def other_host(self):
        """A host at the other end of a cable: a process in a network namespace."""
        host = Program('host', ['unshare', '-n', 'sleep', 'infinity'], '/dev/null')
        self.addCleanup(host.kill)
        ours = os.readlink('/proc/self/ns/net')
        wait_for(lambda: os.readlink('/proc/%d/ns/net' % host.pid) != ours, 10, 'a namespace')
        ip('link', 'add', 'here', 'type', 'veth', 'peer', 'name', 'there', 'netns', str(host.pid))
        self.addCleanup(ip, 'link', 'del', 'here')
        ip('address', 'add', OURS + '/30', 'dev', 'here')
        ip('link', 'set', 'here', 'up')
        inside = ['nsenter', '-t', str(host.pid), '-n']
        for line in ('link set lo up', 'address add %s/30 dev there' % THEIRS,
                     'link set there up'):
            subprocess.run([*inside, 'ip', *line.split()], check=True)
        return inside

    def start_on(self, inside, world):
        world.daemon = Program('lbclusterd', [*inside, *world.daemon_argv()],
                               os.path.join(world.dir, 'lbclusterd.log'))

    def test_dns_that_does_not_answer(self):
        dns = SilentDns()
        self.addCleanup(dns.close)
        world = self.new_world(agentx='tcp:127.0.0.1:%d' % free_port())
        world.daemon_socket = 'tcp:agent.example:%s' % world.socket.rpartition(':')[2]
        conf = os.path.join(world.dir, 'resolv.conf')
        with open(conf, 'w', encoding='utf-8') as file:
            file.write('nameserver 127.0.0.1\n')
        world.load(INVENTORY)
        world.start_master()
        with mounted('/etc/resolv.conf', '--bind', conf):
            world.start_daemon(wait=False)
            wait_for(lambda: dns.questions > 0, 10, 'a question')
            world.daemon.signal(signal.SIGHUP)
            world.wait_logged('read again', 2)
            world.stop_daemon()

            dns.questions = 0
            world.start_daemon(wait=False)
            wait_for(lambda: dns.questions > 0, 10, 'a question')
            world.wait_logged('the host of tcp:agent.example.* cannot be looked up', 30)
            dns.address = '127.0.0.1'
            world.wait_served(60)
            self.assert_works(world, 15)
            world.stop_daemon()

    def test_host_that_disappears(self):
        inside = self.other_host()
        world = self.new_world(agentx='tcp:%s:%d' % (OURS, free_port()), agentx_timeout=1)
        world.load(INVENTORY)
        world.start_master()
        self.start_on(inside, world)
        world.wait_served(30)
        world.wait_logged(r'tcp:10\.77\.\S+: not an address of the loopback interface')
        ip('link', 'set', 'here', 'down')
        world.wait_logged('the connection to the master at tcp:10.* timed out', 40)
        world.wait_logged('the host does not answer|No route to host', 30)
        ip('link', 'set', 'here', 'up')
        world.wait_served(60)
        self.assert_works(world, 16)
        world.stop_daemon()


if __name__ == '__main__':
    main()
