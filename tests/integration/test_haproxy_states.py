# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Each bit of srv_admin_state and each srv_op_state of a real HAProxy: its effect on requests,
# and "active" and the reason in the store. doc/haproxy-states.txt has the same table.
"""States of servers."""

import threading

from dns import Dns
from harness import free_port, main, wait_for
from haproxy import CHECK, EVENT_S, Agent, HAProxy, Plane

STOPPED, STARTING, RUNNING, STOPPING = range(4)     # srv_op_state
FORCED_MAINT, INHERITED_MAINT, CONFIGURED_MAINT = 0x01, 0x02, 0x04
FORCED_DRAIN, INHERITED_DRAIN = 0x08, 0x10
RESOLUTION_MAINT, NAME_SET = 0x20, 0x40

# After the first check one an hour, so that a state that a command set stays.
RARE_CHECK = 'check inter 1h fastinter 1h downinter 1h rise 1 fall 1 weight 10'



class States(Plane):
    """A server s, and a server other that always takes work."""

    def setUp(self):
        self.plane_world(drain_time=60)
        self.dns = Dns({})
        self.addCleanup(self.dns.close)
        self.proxy = HAProxy(self.world)

    def serve(self, *lines, options=(), load=True):
        """'lines' are those of servers in the service "app"; {s} is the port of s."""
        self.proxy.ports['app'] = free_port()
        port = {name: self.backend(name).port for name in ('s', 'other')}
        listen = ['listen app', 'bind 127.0.0.1:%d' % self.proxy.ports['app'], *options,
                  *[line.format(**port) for line in lines],
                  'server other 127.0.0.1:%d weight 10' % port['other']]
        self.proxy.configure({}, more=self.dns.resolvers() +
                             '\n    '.join(listen) + '\n')
        self.proxy.start()
        if load:
            self.load(self.proxy)
            self.start_driver()

    def assert_server(self, op, admin, takes_work, reason, server='s', name='s'):
        """Checks the states in HAProxy, whether the server gets requests, and the store."""
        try:
            wait_for(lambda: self.proxy.states('app/' + server) == (op, admin), EVENT_S,
                     'states')
        except AssertionError:
            raise AssertionError('states are %r' % (self.proxy.states('app/' + server),)) \
                from None
        self.assertEqual(takes_work, name in self.proxy.share('app', 6))
        self.wait_active('web/app/' + server, int(takes_work))
        self.wait_reason('web/app/' + server, reason)
        if not reason:
            self.assertEqual('', self.real('web/app/' + server)[3])

    # -- srv_admin_state ---------------------------------------------------------

    def test_0x00_takes_work(self):
        self.serve('server s 127.0.0.1:{s} ' + CHECK)
        self.assert_server(RUNNING, 0, True, '')

    def test_0x01_forced_maint_takes_no_work(self):
        self.serve('server s 127.0.0.1:{s} ' + CHECK)
        self.done('disable', 'web/app/s')
        self.assert_server(STOPPED, FORCED_MAINT, False, 'MAINT by lbcluster')

    def test_0x02_inherited_maint_takes_no_work(self):
        self.serve('server s 127.0.0.1:{s} weight 10 track app/t',
                   'server t 127.0.0.1:{s} ' + CHECK)
        self.done('disable', 'web/app/t')
        self.assert_server(STOPPED, INHERITED_MAINT, False, 'MAINT: tracks app/t, which is MAINT')

    def test_0x04_configured_maint_alone_takes_work(self):
        self.serve('server s 127.0.0.1:{s} disabled ' + CHECK)
        self.assert_server(STOPPED, FORCED_MAINT | CONFIGURED_MAINT, False, 'MAINT')
        self.done('enable', 'web/app/s')
        self.assert_server(RUNNING, CONFIGURED_MAINT, True, '')

    def hold_connection(self):
        """Sends a request to s that does not end, so that s continues to drain."""
        self.done('set-weight', 'web/app/other', '0')
        threading.Thread(target=lambda: self.proxy.get('app', '/slow', 120),
                         daemon=True).start()
        self.assertTrue(self.backend('s').slow_begun.wait(EVENT_S))
        self.done('set-weight', 'web/app/other', '10')

    def test_0x08_forced_drain_takes_no_new_work(self):
        self.serve('server s 127.0.0.1:{s} ' + CHECK)
        self.hold_connection()
        self.done('disable', 'web/app/s')
        self.assert_server(RUNNING, FORCED_DRAIN, False, 'DRAIN by lbcluster')

    def test_0x10_inherited_drain_takes_no_new_work(self):
        self.serve('server s 127.0.0.1:{s} ' + CHECK,
                   'server t 127.0.0.1:{s} weight 0 track app/s')
        self.hold_connection()
        self.done('disable', 'web/app/s')
        self.assert_server(RUNNING, INHERITED_DRAIN, False, 'DRAIN: tracks app/s, which is DRAIN',
                   server='t')

    def test_0x20_name_that_does_not_resolve_takes_no_work(self):
        self.serve('server s no.test:8080 resolvers r init-addr none ' + CHECK)
        self.assert_server(STOPPED, RESOLUTION_MAINT, False, 'MAINT: no.test does not resolve')
        self.dns.names['no.test'] = ['127.0.0.1']
        self.assert_server(STOPPED, 0, False, 'L4CON')      # no program listens at 8080

    def serve_srv(self):
        self.dns.names.update({'_app._tcp.test': [(self.backend('s').port, 'p1.test')],
                               'p1.test': ['127.0.0.1']})
        self.serve('server-template pod 1-2 _app._tcp.test resolvers r resolve-opts'
                   ' ignore-weight resolve-prefer ipv4 init-addr none ' + CHECK, load=False)
        wait_for(lambda: (RUNNING, NAME_SET) in self.slots(), EVENT_S, 'a slot is filled')
        self.filled = 'pod%d' % (1 + self.slots().index((RUNNING, NAME_SET)))
        self.free = 'pod2' if self.filled == 'pod1' else 'pod1'
        self.load(self.proxy)
        self.start_driver()

    def slots(self):
        return [self.proxy.states('app/pod1'), self.proxy.states('app/pod2')]

    def test_0x20_slot_without_srv_record_takes_no_work(self):
        self.serve_srv()
        self.assert_server(STOPPED, RESOLUTION_MAINT, False,
                   'spare place of a template: _app._tcp.test has no address for it',
                   self.free, 'none')

    def test_0x40_name_of_a_srv_record_takes_work(self):
        self.serve_srv()
        self.assert_server(RUNNING, NAME_SET, True, '', self.filled)

    def test_0x60_name_of_a_srv_record_that_does_not_resolve_takes_no_work(self):
        self.serve_srv()
        del self.dns.names['p1.test']
        self.assert_server(STOPPED, NAME_SET | RESOLUTION_MAINT, False,
                   'MAINT: p1.test does not resolve', self.filled)

    def test_0x40_name_set_by_command_takes_work_and_needs_no_fallback(self):
        self.dns.names.update({'old.test': ['127.0.0.1'], 'new.test': ['127.0.0.1']})
        self.serve('server s old.test:{s} resolvers r ' + CHECK)
        self.done('set-weight', 'web/app/other', '0')
        self.done('enable-fallback', 'web/app/other')
        self.assert_server(RUNNING, 0, True, '')
        self.proxy.ask('set server app/s fqdn new.test')
        self.done('disable', 'web/app/s')
        self.done('enable', 'web/app/s')
        self.assert_server(RUNNING, NAME_SET, True, 'its address in HAProxy is new.test:')
        self.wait_reason('web/app/other', 'held in reserve')

    # -- srv_op_state ------------------------------------------------------------

    def test_stopped_by_its_check_takes_no_work(self):
        self.serve('server s 127.0.0.1:{s} ' + CHECK)
        self.backend('s').stop()
        self.assert_server(STOPPED, 0, False, 'L4CON Connection refused')

    def test_stopped_by_its_agent_takes_no_work(self):
        agent = Agent('down #under repair')
        self.addCleanup(agent.close)
        self.serve('server s 127.0.0.1:{s} %s agent-check agent-inter 100 agent-port %d' % (
            CHECK, agent.port))
        self.assert_server(STOPPED, 0, False, 'DOWN by agent: down (under repair)')

    def test_stopped_by_command_takes_no_work(self):
        self.serve('server s 127.0.0.1:{s} ' + RARE_CHECK)
        wait_for(lambda: ',L4OK,' in self.proxy.ask('show stat app 4 -1'), EVENT_S,
                 'the first check')
        self.proxy.ask('set server app/s health down')
        self.assert_server(STOPPED, 0, False, 'DOWN by command or agent: its check passes')

    def test_stopped_while_it_recovers_takes_no_work(self):
        self.serve('server s 127.0.0.1:{s} check inter 50 fall 1 rise 1000 weight 10')
        self.backend('s').stop()
        self.assert_server(STOPPED, 0, False, 'L4CON')
        self.backend('s').start()
        self.assert_server(STOPPED, 0, False, 'its check passes again, not yet often enough')

    def test_stopped_with_the_server_it_tracks_takes_no_work(self):
        self.serve('server s 127.0.0.1:{s} weight 10 track app/t',
                   'server t 127.0.0.1:{s} ' + CHECK)
        self.backend('s').stop()
        self.assert_server(STOPPED, 0, False, 'DOWN: tracks app/t, which is DOWN')

    def test_starting_takes_work(self):
        self.serve('server s 127.0.0.1:{s} slowstart 1h ' + CHECK)
        self.done('disable', 'web/app/s')
        self.done('set-weight', 'web/app/s', '256')     # slowstart begins with a part of the weight
        self.done('enable', 'web/app/s')
        self.assert_server(STARTING, 0, True, '')

    def test_stopping_takes_no_new_work(self):
        self.serve('server s 127.0.0.1:{s} ' + CHECK,
                   options=('option httpchk GET /check', 'http-check disable-on-404'))
        self.assert_server(RUNNING, 0, True, '')
        self.backend('s').check_status = 404
        self.assert_server(STOPPING, 0, False, 'NOLB by its check')

    def test_stopping_by_command_takes_no_new_work(self):
        self.serve('server s 127.0.0.1:{s} ' + RARE_CHECK)
        self.proxy.ask('set server app/s health stopping')
        self.assert_server(STOPPING, 0, False, 'NOLB by command or agent')


if __name__ == '__main__':
    main()
