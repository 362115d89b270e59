# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Runtime sockets of HAProxy of each level and kind, and servers whose address or name HAProxy
# shows in another form than the store.
"""Levels and kinds of sockets; addresses and names of servers."""

import os
import socket

from dns import Dns
from harness import free_port, main
from haproxy import Gate, HAProxy, Plane

OK, UNREACHABLE, FAILING = 2, 3, 4      # lbcClusterPlaneStatus


class Sockets(Plane):
    """One HAProxy with the services that a test writes."""

    def setUp(self):
        self.plane_world()
        self.proxy = HAProxy(self.world)

    def serve(self, *lines, level='admin', more=''):
        """'lines' are those of servers in the service "app"."""
        self.proxy.level = level
        self.proxy.configure({}, more='%slisten app\n    bind 127.0.0.1:%d\n    %s\n' % (
            more, free_port(), '\n    '.join(lines)))
        self.proxy.start()

    def discover(self, *args, check=True):
        return self.world.ctl('discover', 'haproxy', self.proxy.socket, '-c', 'web', *args,
                              check=check)

    def rows(self):
        return self.world.sql('SELECT name, address, port FROM real_service ORDER BY name')

    # -- levels ------------------------------------------------------------------

    def test_level_user_keeps_addresses_and_is_reported(self):
        self.serve('server a 127.0.0.1:8001', 'server b [::1]:8002')
        self.discover('--load')
        self.proxy.kill()
        self.serve('server a 127.0.0.1:8001', 'server b [::1]:8002', level='user')
        done = self.discover('--load')
        self.assertIn('added 0, updated 0', done.stdout)
        self.assertEqual([('a', '127.0.0.1', '8001'), ('b', '::1', '8002')], self.rows())
        self.assertIn('its level is user', done.stderr)
        self.assertIn('haproxy.cfg: stats socket %s mode 660 level admin' % self.proxy.socket,
                      done.stderr)

    def test_level_that_is_too_low_is_the_plane_message(self):
        self.serve('server a 127.0.0.1:8001', level='operator')
        self.load(self.proxy)
        self.start_driver()
        self.wait_plane(FAILING, 'its level is operator')
        self.assertIn('level admin', self.plane()[1])
        self.wait_active('web/app/a', 1)
        self.proxy.kill()
        self.serve('server a 127.0.0.1:8001')
        self.wait_plane(OK)

    def test_job_denied_by_the_level_names_the_line_of_haproxy_cfg(self):
        self.serve('server a 127.0.0.1:8001', level='operator')
        self.load(self.proxy)
        self.start_driver()
        self.wait_plane(FAILING)
        job = self.ctl('set-weight', 'web/app/a', '40')
        message = self.wait_job(job, self.FAILED)[2]
        self.assertEqual('%s: HAProxy: Permission denied, its level is not admin; haproxy.cfg: '
                         'stats socket %s mode 660 level admin' %
                         (self.proxy.socket, self.proxy.socket), message)

    # -- TCP -----------------------------------------------------------------------

    def serve_tcp(self, form):
        """HAProxy with a second runtime socket; returns it as a cluster names it."""
        name = form % free_port()
        bind = name if '@' in name else 'ipv4@' + name
        self.serve('server a 127.0.0.1:8001 weight 10',
                   more='global\n    stats socket %s level admin\n' % bind)
        return name

    def drive(self, name):
        done = self.world.ctl('discover', 'haproxy', name, '-c', 'web', '--load')
        self.assertEqual('', done.stderr)
        self.start_driver()
        self.wait_plane(OK)
        self.done('set-weight', 'web/app/a', '40')
        self.assertEqual((0, 40), self.proxy.state('app/a'))

    def test_runtime_socket_over_tcp_is_driven(self):
        name = self.serve_tcp('ipv4@127.0.0.1:%d')
        self.drive(name)
        self.proxy.kill()
        self.wait_plane(UNREACHABLE, name + ': Connection refused')
        job = self.ctl('set-weight', 'web/app/a', '5')
        self.wait_job(job, self.QUEUED, 'Connection refused')
        self.proxy.start()
        self.wait_job(job, self.SUCCEEDED)
        self.wait_plane(OK)

    def test_runtime_socket_without_a_prefix_is_driven(self):
        self.drive(self.serve_tcp('127.0.0.1:%d'))

    def test_runtime_socket_over_ipv6_is_driven(self):
        self.drive(self.serve_tcp('ipv6@[::1]:%d'))

    def test_unix_socket_with_a_prefix_is_driven(self):
        self.serve('server a 127.0.0.1:8001 weight 10')
        self.drive('unix@' + self.proxy.socket)

    def test_tcp_that_never_answers_is_reported(self):
        self.configure(timeout=0.5)
        with socket.create_server(('127.0.0.1', 0)) as mute:
            self.world.load('cluster web { plane = haproxy  socket = "127.0.0.1:%d"'
                            ' service app { real a { address = 10.0.0.1 } } }'
                            % mute.getsockname()[1])
            self.start_driver()
            self.wait_plane(UNREACHABLE, 'no answer within 0.500 s')

    def test_unusable_socket_is_refused(self):
        for operand, message in (('localhost:9999', 'a host name is not looked up'),
                               ('run/x.sock', 'write /PATH'),
                               ('/etc/passwd', 'is not a socket')):
            done = self.world.ctl('discover', 'haproxy', operand, check=False)
            self.assertEqual(1, done.returncode)
            self.assertIn(message, done.stderr)

    # -- addresses ---------------------------------------------------------------

    def test_name_that_does_not_resolve_keeps_the_port(self):
        dns = Dns({})
        self.addCleanup(dns.close)
        self.serve('server a no.test:8080 resolvers r init-addr none',
                   more='resolvers r\n    nameserver n 127.0.0.1:%d\n' % dns.port)
        self.discover('--load')
        self.assertEqual([('a', 'no.test', '8080')], self.rows())

    def test_server_on_a_unix_socket_has_no_address_and_keeps_a_stored_one(self):
        self.serve('server a unix@%s/app.sock' % self.world.dir, 'server b abns@app')
        done = self.discover('--load')
        self.assertEqual([('a', '', ''), ('b', '', '')], self.rows())
        self.assertIn('web/app/a: HAProxy shows no address', done.stderr)
        self.world.load('cluster web { plane = haproxy  socket = "%s"'
                        ' service app { real a { address = "unix@/run/app.sock" } } }'
                        % self.proxy.socket)
        stored = [('a', 'unix@/run/app.sock', ''), ('b', '', '')]
        self.assertEqual(stored, self.rows())
        self.discover('--load')
        self.assertEqual(stored, self.rows())
        self.world.load(self.discover().stdout)
        self.assertEqual(stored, self.rows())

    def test_address_changed_in_haproxy_is_reported_in_the_reason(self):
        self.serve('server a 127.0.0.1:8001')
        self.load(self.proxy)
        self.start_driver()
        self.wait_reason('web/app/a', '')
        self.proxy.ask('set server app/a addr 127.0.0.9 port 8009')
        self.wait_reason('web/app/a', 'its address in HAProxy is 127.0.0.9:8009')
        self.discover('--load')
        self.wait_reason('web/app/a', '')

    # -- names -------------------------------------------------------------------

    def test_names_that_the_store_refuses_are_counted(self):
        self.serve('server a 127.0.0.1:1', 'server b:2 127.0.0.1:2',
                   'server %s 127.0.0.1:3' % ('c' * 65))
        for args in ((), ('--load',), ('--load', '-n')):
            done = self.discover(*args, check=False)
            self.assertEqual(1, done.returncode, done.stderr)
            lines = done.stderr.splitlines()
            self.assertEqual('lbclusterctl: left out: 2; the messages above say why',
                             lines[-1])
            self.assertIn('web/app/b:2: left out', lines[0])
        self.assertEqual(['a'], [row[0] for row in self.rows()])

    def test_names_are_shown_without_control_characters(self):
        def behave(gate, connection, line):
            answer = self.proxy.ask(line.decode().rstrip('\n')).encode()
            connection.sendall(answer.replace(b'evil', b'\x1b]0').replace(b'wide', b'\xc2\x9b0'))
        self.serve('server evil 127.0.0.1:1', 'server wide 127.0.0.1:2')
        path = os.path.join(self.world.dir, 'gate.sock')
        gate = Gate(path, behave)
        self.addCleanup(gate.close)
        done = self.world.ctl('discover', 'haproxy', path, check=False)
        self.assertIn('haproxy/app/?]0: left out', done.stderr)
        self.assertIn('haproxy/app/??0: left out', done.stderr)
        self.assertNotIn('\x1b', done.stderr)
        self.assertNotIn('\x9b', done.stderr)

    def test_what_discover_stores_can_be_exported_and_loaded(self):
        """Addresses that load would refuse are left out."""
        def behave(gate, connection, line):
            answer = self.proxy.ask(line.decode().rstrip('\n')).encode()
            connection.sendall(answer.replace(b' 127.0.0.1 ', b' 10.0.0.1\x1b[31m '))
        self.serve('server a 127.0.0.1:1')
        path = os.path.join(self.world.dir, 'gate.sock')
        gate = Gate(path, behave)
        self.addCleanup(gate.close)
        done = self.world.ctl('discover', 'haproxy', path, '--load')
        self.assertIn('haproxy/app/a: HAProxy shows no address', done.stderr)
        self.assertNotIn('\x1b', self.world.ctl('export').stdout)
        self.world.load(self.world.ctl('export').stdout)


if __name__ == '__main__':
    main()
