# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# lbcluster-checks: health checks of clusters without a data plane. The servers are real ones, and
# the statuses are what a manager reads through snmpd.
"""Health checks with plane = none."""

import http.server
import json
import os
import signal
import socket
import threading

import mib
from driver_case import EVENT_S, DriverCase
from harness import free_port, main, stop, wait_for

NONE, OK, UNATTENDED = 1, 2, 5                              # lbcClusterPlaneStatus
UP, DEGRADED, ON_FALLBACK, DOWN, DISABLED, UNKNOWN = range(1, 7)    # lbcServiceStatus
IN_USE, STANDBY, DRAINING, INACTIVE, OFF, NOT_KNOWN = range(1, 7)   # lbcRealOperStatus
FAST = 'check-interval = 0.2  check-retry = 0.1  check-timeout = 5  check-fall = 2'


class TcpServer:
    """Accepts connections at a port until end()."""

    def __init__(self, port):
        self.port = port
        self.socket = socket.create_server(('127.0.0.1', port), backlog=128, reuse_port=False)

    def end(self):
        self.socket.close()


class HttpServer:
    """Answers every request with 'status' until end()."""

    def __init__(self, port, status=200):
        outer = self
        self.port, self.status = port, status

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):   # pylint: disable=invalid-name
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(b'fine\n')

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        http.server.HTTPServer.allow_reuse_address = True
        self.server = http.server.HTTPServer(('127.0.0.1', port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self):
        self.server.shutdown()
        self.server.server_close()


class Checks(DriverCase):
    plane_kind = 'none'

    def program(self):
        return super().program().replace('lbcluster-none', 'lbcluster-checks')

    def serve(self, kind, *args):
        """A server at a free port, ended with the test."""
        server = kind(free_port(), *args)
        self.addCleanup(lambda: server and server.end())
        return server

    def begin(self, reals, check='connect', wait=True, interval=0.5):
        """Loads service web/s with real services a, b, ... of these options, and starts all."""
        self.driver_world(interval=interval)
        self.inventory = reals
        self.load(check)
        self.start_driver(wait=wait)
        self.world.start()

    def load(self, check, more=''):
        reals = '\n'.join('real %s { address = 127.0.0.1  %s }' % row
                          for row in zip('abcdef', self.inventory))
        self.world.load('cluster web { plane = none  service s { address = 192.0.2.1  port = 80\n'
                        '%s %s\n%s } }' % (check and 'check = %s %s' % (check, FAST), more,
                                          reals))

    def service(self):
        return self.world.number('web/s/a')[:2]

    def wait_oper(self, name, status, reason=''):
        number = self.world.number('web/s/' + name)

        def event():
            found = self.world.get('lbcRealOperStatus', *number), \
                self.world.get('lbcRealOperStatusReason', *number).decode()
            return found[0] == status and (reason in found[1] if reason else found[1] == '')
        try:
            wait_for(event, EVENT_S, 'status of ' + name)
        except AssertionError:
            raise AssertionError('%s is %r (%r), not %d (%s)' % (
                name, self.world.get('lbcRealOperStatus', *number),
                self.world.get('lbcRealOperStatusReason', *number), status, reason)) from None

    def wait_service(self, status):
        self.world.wait_value(status, 'lbcServiceStatus', *self.service(),
                              deadline_s=EVENT_S)

    def plane_status(self, cluster='web'):
        number = self.world.sql('SELECT id FROM cluster WHERE name = ?', cluster)[0][0]
        return (self.world.get('lbcClusterPlaneStatus', number),
                self.world.get('lbcClusterPlaneMessage', number).decode())

    def wait_plane_status(self, status, message=''):
        wait_for(lambda: self.plane_status()[0] == status and message in self.plane_status()[1],
                 EVENT_S, 'plane status %d' % status)


class Statuses(Checks):
    def test_server_dies_and_comes_back(self):
        a, b = self.serve(TcpServer), self.serve(TcpServer)
        self.begin(['port = %d' % server.port for server in (a, b)])
        self.wait_service(UP)
        self.wait_oper('a', IN_USE)
        self.assertEqual((OK, ''), self.plane_status())
        a.end()
        self.wait_oper('a', INACTIVE, 'connect: Connection refused')
        self.wait_service(DEGRADED)
        self.assertEqual(1, self.world.get('lbcServiceRealsActive', *self.service()))
        # A restart of the program keeps the status until there is a result, which decides.
        number = self.world.number('web/s/a')
        changes = self.world.get('lbcRealStatsActiveTransitions', *number)
        before = self.statistics('web/s/a')['last_update']
        self.stop_driver()
        # The first result may be of the same second.
        self.world.sql('UPDATE statistics SET last_update = last_update - 10',
                       file='lbcluster-stats.db')
        self.start_driver()
        wait_for(lambda: self.statistics('web/s/a')['last_update'] >= before, EVENT_S, 'a result')
        self.wait_oper('a', INACTIVE, 'connect: Connection refused')
        self.assertEqual(changes, self.world.get('lbcRealStatsActiveTransitions', *number))
        again = TcpServer(a.port)
        self.addCleanup(again.end)
        self.wait_oper('a', IN_USE)
        self.wait_service(UP)

    def test_fallback_is_active_while_no_other_server_is(self):
        a, sorry = self.serve(TcpServer), self.serve(TcpServer)
        self.begin(['port = %d' % a.port, 'port = %d  fallback = yes' % sorry.port])
        self.wait_service(UP)
        self.wait_oper('b', STANDBY)
        a.end()
        self.wait_service(ON_FALLBACK)
        self.wait_oper('b', IN_USE)
        sorry.end()
        self.wait_service(DOWN)
        self.addCleanup(TcpServer(a.port).end)
        self.wait_service(UP)
        self.wait_oper('b', INACTIVE, 'connect: Connection refused')

    def test_result_does_not_wait_for_the_interval(self):
        a = self.serve(TcpServer)
        self.begin(['port = %d' % a.port], interval=3600)
        self.wait_oper('a', IN_USE)
        a.end()
        self.wait_oper('a', INACTIVE, 'connect: Connection refused')

    def test_http_status_decides(self):
        a = self.serve(HttpServer, 503)
        self.begin(['port = %d' % a.port], 'http')
        self.wait_oper('a', INACTIVE, 'http: status 503')
        a.status = 200
        self.wait_oper('a', IN_USE)
        self.load('http', 'check-expect = queue')
        self.wait_oper('a', INACTIVE, 'http: ')

    def test_settings_take_effect_without_the_program(self):
        a = self.serve(TcpServer)
        self.begin(['port = %d' % a.port])
        self.wait_service(UP)
        self.stop_driver()
        number = self.world.number('web/s/a')
        answer = self.world.client().set_answer((mib.oid('lbcRealEnabled', *number), 'i', 2),
                                                (mib.oid('lbcRealWeight', *number), 'u', 7))
        self.assertEqual('noError', answer.status)
        job = self.world.get('lbcJobLastId', 0)
        self.world.wait_value(3, 'lbcJobState', job)        # succeeded
        self.world.wait_value(3, 'lbcJobState', job - 1)
        self.wait_service(DISABLED)
        self.start_driver()
        self.wait_oper('a', OFF)
        self.wait_active('web/s/a', 0)
        self.world.ctl('enable', 'web/s/a')
        self.wait_oper('a', IN_USE)

    def polled(self):
        return self.world.sql('SELECT time FROM look', file='lbcluster-stats.db')

    def test_only_checked_real_services_are_written(self):
        a = self.serve(TcpServer)
        self.begin(['port = %d' % a.port, 'port = 9  check = none'])
        self.wait_oper('a', IN_USE)
        self.assertEqual({}, self.statistics('web/s/b'))
        self.world.import_statistics([{'path': 'web/s/b', 'active': False,
                                       'active_connections': 5}])
        self.wait_oper('b', INACTIVE)
        before = self.polled()
        wait_for(lambda: self.polled() != before, EVENT_S, 'another round')
        self.assertEqual(5, self.statistics('web/s/b')['active_connections'])


class Attended(Checks):
    def test_killed_program(self):
        a = self.serve(TcpServer)
        self.begin(['port = %d' % a.port])
        self.wait_plane_status(OK)
        self.assertIn('web: plane none is ok\n', self.world.ctl('doctor', check=False).stdout)
        self.driver.kill()
        self.wait_plane_status(UNATTENDED, 'lbcluster-checks has not polled the real services '
                                           'since ')
        self.start_driver()
        self.wait_plane_status(OK)
        stop(self.driver)
        self.wait_plane_status(UNATTENDED)
        self.driver.signal(signal.SIGCONT)
        self.wait_plane_status(OK)

    def test_program_that_never_ran(self):
        self.driver_world()
        self.inventory = ['port = 9']
        self.load('connect')
        self.world.load('cluster plain { service s { real a { address = 10.0.0.1 } } }')
        self.world.start()
        self.assertEqual((UNATTENDED, 'lbcluster-checks has not polled the real services yet; '
                          'start it'), self.plane_status())
        self.assertEqual((NONE, ''), self.plane_status('plain'))
        rows = json.loads(self.world.ctl('-f', 'json', 'list').stdout)
        self.assertEqual({'web': 'unattended', 'plain': 'none'},
                         {row['name']: row['plane_status'] for row in rows})
        text = self.world.ctl('doctor', check=False).stdout
        self.assertIn('lbcluster-checks does not run', text)
        self.assertIn('plain: no data plane, no health checks', text)
        self.assertIn('web: no driver polls the real services; the status', text)

    def test_cluster_without_checks_stays_as_it_is(self):
        self.begin(['port = 9', 'port = 9'], check='', wait=False)
        self.world.load('cluster other { service s { check = connect '
                        'real a { address = 127.0.0.1  port = %d } } }' % self.serve(
                            TcpServer).port)
        wait_for(lambda: self.world.sql('SELECT 1 FROM look', file='lbcluster-stats.db'), EVENT_S,
                 'a poll')
        self.assertEqual((NONE, ''), self.plane_status())
        self.wait_service(UNKNOWN)
        self.assertEqual([(2,)], self.world.sql('SELECT cluster_id FROM look',
                                                file='lbcluster-stats.db'))
        # Checks come, and go.
        self.load('connect')
        self.wait_plane_status(OK)
        self.wait_service(DOWN)
        self.wait_oper('a', INACTIVE, 'connect: Connection refused')
        self.load('')
        self.wait_plane_status(NONE)
        wait_for(lambda: self.real('web/s/a')[3] == '', EVENT_S, 'the reason is removed')


class Load(Checks):
    def refused(self, reals, check='http'):
        self.inventory = reals
        path = os.path.join(self.world.dir, 'inventory')
        with open(path, 'w', encoding='ascii') as file:
            file.write('cluster web { service s {%s\n%s } }' % (
                'check = ' + check, '\n'.join('real r { %s }' % real for real in reals)))
        return self.world.ctl('load', path, check=False).stderr

    def test_check_that_cannot_run_is_refused(self):
        self.driver_world()
        for real, check, message in (
                ('address = 10.0.0.1', 'http', ':2: web/s/r: the check has no port; write '
                                               'check-port = 80'),
                ('address = web.example  port = 80', 'connect',
                 ':2: web/s/r: the check needs an IPv4 or IPv6 address; write check-address'),
                ('address = 10.0.0.1', 'command', ':2: web/s/r: check = command without a command'),
                ('address = 10.0.0.1  forward = dr', 'connect', 'forward')):
            with self.subTest(real):
                self.assertIn(message, self.refused([real], check))

    def test_settings_of_other_drivers_are_refused(self):
        self.driver_world(drain_time=3)
        status = self.once()
        self.assertEqual(2, status.returncode)
        self.assertIn('drain-time', status.stderr)


if __name__ == '__main__':
    main()
