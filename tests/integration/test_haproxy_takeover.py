# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# lbcluster-haproxy and other programs that change the same HAProxy: a running HAProxy is taken
# over without a change of traffic, totals begin again, settings are changed repeatedly.
"""Take-over, counters_since, foreign changes."""

import signal
import threading
import time

from dns import Dns
from harness import free_port, main, wait_for
from haproxy import CHECK, EVENT_S, FORCED_DRAIN, FORCED_MAINT, SERVER, Agent, HAProxy, Plane


class Others(Plane):
    """An HAProxy that agents and people change as well."""

    def agent(self, answer):
        agent = Agent(answer)
        self.addCleanup(agent.close)
        return agent, ' agent-check agent-inter 100 agent-port %d' % agent.port

    def serve(self, services, keep=False):
        self.plane_world()
        self.services = services
        self.proxy = self.haproxy(services)
        self.load(self.proxy)
        if keep:
            text = self.world.ctl('export').stdout
            self.world.load(text.replace('plane = haproxy',
                                         'plane = haproxy\n foreign-changes = keep'))
        self.start_driver()

    def wait_state(self, server, state):
        try:
            wait_for(lambda: self.proxy.state(server) == state, EVENT_S, 'state')
        except AssertionError:
            raise AssertionError('%s is %r, not %r' % (
                server, self.proxy.state(server), state)) from None


class Contested(Others):
    """A setting that is changed again after each repair (foreign-changes = restore)."""

    def test_weight_of_an_agent_is_reported_until_it_stays(self):
        agent, check = self.agent('up')
        self.serve({'http': {'a': SERVER + check, 'b': SERVER}})
        self.done('set-weight', 'web/http/a', '50')
        agent.answer = '10%'
        self.wait_plane(4, 'http/a: weight 50 was set 3 times in ')
        self.wait_plane(4, 'but something outside lbcluster changes it back to 1; stop that')
        self.wait_reason('web/http/a', 'weight 50 was set 3 times in ')
        self.wait_reason('web/http/b', '')
        agent.answer = 'up'
        self.wait_plane(2, 'restored to the values of the store')
        self.wait_reason('web/http/a', '')
        self.assertEqual((0, 50), self.proxy.state('http/a'))

    def test_weight_of_a_srv_record_is_reported(self):
        self.plane_world()
        dns = Dns({'p1.test': ['127.0.0.1']})
        self.addCleanup(dns.close)
        dns.names['_app._tcp.test'] = [(self.backend('a').port, 'p1.test', 51200)]
        self.proxy = HAProxy(self.world)
        self.proxy.configure({}, more=dns.resolvers() + """\
listen app
    bind 127.0.0.1:%d
    server-template pod 1 _app._tcp.test resolvers r resolve-prefer ipv4 init-addr none check
""" % free_port())
        self.proxy.start()
        wait_for(lambda: self.proxy.state('app/pod1')[0] & 0x20 == 0, EVENT_S, 'a slot is filled')
        done = self.world.ctl('discover', 'haproxy', self.proxy.socket, '-c', 'web', '-l')
        self.assertIn('web/app/pod1: SRV record _app._tcp.test may change its weight',
                      done.stderr)
        weight = self.proxy.state('app/pod1')[1]
        self.start_driver()
        dns.names['_app._tcp.test'] = [(self.backend('a').port, 'p1.test', 1)]
        self.wait_plane(4, 'app/pod1: weight %d was set 3 times in ' % weight)
        self.wait_reason('web/app/pod1', 'changes it back to 1')
        self.wait_reason('web/app/pod1', 'stop that (SRV record: set ignore-weight')

    def test_state_by_a_script_is_reported_until_it_ends(self):
        self.serve({'http': {'a': SERVER, 'b': SERVER}})
        end = threading.Event()

        def script():
            while not end.wait(0.1):
                self.proxy.ask('set server http/a state maint')
        thread = threading.Thread(target=script, daemon=True)
        thread.start()
        self.wait_plane(4, 'http/a: state ready was set 3 times in ')
        self.wait_reason('web/http/a', 'changes it back to maint')
        end.set()
        thread.join()
        self.wait_plane(2)
        self.wait_reason('web/http/a', '')
        self.assertEqual((0, 10), self.proxy.state('http/a'))

    def test_restarts_of_haproxy_do_not_count_as_changes(self):
        self.serve({'http': {'a': SERVER, 'b': SERVER}})
        self.done('set-weight', 'web/http/a', '50')
        for n in range(4):
            self.proxy.reload()
            self.wait_state('http/a', (0, 50))
            self.wait_plane(2, '(%d since the driver started)' % (n + 1))
        self.assertNotIn('was set', self.driver_log())

    def test_server_is_deleted_and_added_as_documented(self):
        self.serve({'http': {'a': SERVER, 'b': SERVER}})
        for _ in range(4):
            self.done('disable', 'web/http/a')
            self.assertIn('deleted', self.proxy.ask('del server http/a'))
            self.wait_reason('web/http/a', 'HAProxy has no such server')
            self.assertIn('registered', self.proxy.ask(
                'add server http/a 127.0.0.1:%d weight 10' % self.backend('a').port))
            self.done('enable', 'web/http/a')
        self.assertEqual((0, 10), self.proxy.state('http/a'))
        self.wait_plane(2)
        self.assertNotIn('was set', self.driver_log())


class Keep(Others):
    """foreign-changes = keep"""

    def set_by_hand(self):
        self.serve({'http': {'a': SERVER, 'b': SERVER, 'c': SERVER}}, keep=True)
        self.proxy.ask('set server http/a weight 3;set server http/b state maint')
        self.wait_reason('web/http/a', 'weight 3 was set outside lbcluster and is kept;'
                         ' the store has 10 (foreign-changes = keep)')
        self.wait_reason('web/http/b', 'state maint was set outside lbcluster and is kept')
        self.assertEqual(10, self.real('web/http/a')[0])

    def assert_as_set_by_hand(self):
        self.wait_rounds(3)
        self.assertEqual([(0, 3), (FORCED_MAINT, 10), (0, 10)],
                         [self.proxy.state('http/' + name) for name in 'abc'])

    def test_kept_change_survives_restarts_of_the_driver(self):
        self.set_by_hand()
        self.assert_as_set_by_hand()
        self.wait_plane(2, ' and 1 more: ')
        self.wait_active('web/http/b', 0)
        self.driver.signal(signal.SIGHUP)
        self.assert_as_set_by_hand()
        for _ in range(2):
            self.stop_driver()
            self.start_driver()
            self.assert_as_set_by_hand()
        self.wait_reason('web/http/a', 'weight 3 was set outside lbcluster and is kept')

    def test_kept_change_ends_with_a_restart_of_haproxy(self):
        self.set_by_hand()
        self.done('set-weight', 'web/http/c', '7')
        self.proxy.restart()
        for name, weight in (('a', 10), ('b', 10), ('c', 7)):
            self.wait_state('http/' + name, (0, weight))
            self.wait_reason('web/http/' + name, '')

    def test_kept_change_ends_with_a_restart_of_haproxy_without_a_driver(self):
        self.set_by_hand()
        self.done('set-weight', 'web/http/c', '7')
        self.stop_driver()
        since = self.statistics('web/http/a')['counters_since']
        wait_for(lambda: time.time() >= since + 1, 5, 'the clock')
        self.proxy.restart()
        self.start_driver()
        self.wait_state('http/c', (0, 7))

    def test_job_ends_the_kept_change_of_its_setting(self):
        self.set_by_hand()
        self.done('set-weight', 'web/http/a', '20')
        self.wait_reason('web/http/a', '')
        self.done('disable', 'web/http/b')
        self.wait_reason('web/http/b', 'MAINT by')
        self.done('enable', 'web/http/b')
        self.assertEqual([(0, 20), (0, 10)],
                         [self.proxy.state('http/' + name) for name in 'ab'])

    def test_job_that_waited_for_a_driver_ends_a_kept_change(self):
        self.set_by_hand()
        self.stop_driver()
        job = self.ctl('set-weight', 'web/http/a', '20')
        self.start_driver()
        self.wait_job(job, self.SUCCEEDED)
        self.wait_state('http/a', (0, 20))

    def test_changes_of_an_agent_are_kept(self):
        agent, check = self.agent('up')
        self.serve({'http': {'a': SERVER + check, 'b': SERVER}}, keep=True)
        agent.answer = 'drain'
        self.wait_state('http/a', (FORCED_DRAIN, 10))
        self.wait_rounds(3)
        agent.answer = 'ready 50%'
        self.wait_state('http/a', (0, 5))
        self.wait_reason('web/http/a', 'weight 5 was set outside lbcluster and is kept')
        agent.answer = 'ready 100%'
        self.wait_state('http/a', (0, 10))
        self.wait_reason('web/http/a', '')
        self.assertNotIn('settings restored', self.driver_log())

    def test_autoscaler_deletes_and_adds_a_server(self):
        self.serve({'http': {'a': SERVER, 'b': SERVER}}, keep=True)
        self.proxy.ask('set server http/a state maint')
        self.wait_rounds(3)
        self.assertIn('deleted', self.proxy.ask('del server http/a'))
        self.wait_reason('web/http/a', 'HAProxy has no such server')
        self.assertIn('registered', self.proxy.ask(
            'add server http/a 127.0.0.1:%d weight 10' % self.backend('a').port))
        self.wait_reason('web/http/a', 'state maint was set outside lbcluster and is kept')
        self.wait_rounds(3)
        self.assertEqual(FORCED_MAINT, self.proxy.state('http/a')[0] & FORCED_MAINT)
        self.proxy.ask('set server http/a state ready')
        self.wait_reason('web/http/a', '')
        self.assertEqual({'a': 2, 'b': 2}, self.proxy.share('http', 4))

    def test_fallback_is_brought_in_for_a_kept_drain(self):
        self.serve({'http': {'a': CHECK, 'f': CHECK}}, keep=True)
        self.done('enable-fallback', 'web/http/f')
        self.proxy.ask('set server http/a state drain')
        wait_for(lambda: self.proxy.share('http', 4) == {'f': 4}, EVENT_S, 'the fallback')
        self.stop_driver()
        self.start_driver()
        self.wait_rounds(3)
        self.assertEqual({'f': 4}, self.proxy.share('http', 4))
        self.proxy.ask('set server http/a state ready')
        wait_for(lambda: self.proxy.share('http', 4) == {'a': 4}, EVENT_S, 'a')

    def test_kept_maintenance_of_the_fallback_stays(self):
        self.serve({'http': {'a': CHECK, 'f': CHECK}}, keep=True)
        self.done('enable-fallback', 'web/http/f')
        self.proxy.ask('set server http/f state maint')
        self.wait_reason('web/http/f', 'state maint was set outside lbcluster and is kept')
        self.proxy.ask('set server http/a state maint')
        self.wait_reason('web/http/a', 'state maint was set outside lbcluster and is kept')
        self.wait_rounds(3)
        self.assertEqual(FORCED_MAINT, self.proxy.state('http/f')[0])
        self.stop_driver()
        self.start_driver()
        self.wait_rounds(3)
        self.assertEqual(FORCED_MAINT, self.proxy.state('http/f')[0])
        self.wait_active('web/http/f', 0)
        self.proxy.ask('set server http/f state ready')
        self.wait_active('web/http/f', 1)
        self.assertEqual({'f': 4}, self.proxy.share('http', 4))

    def test_server_with_a_kept_weight_of_0_is_not_active(self):
        self.serve({'http': {'a': SERVER, 'b': SERVER}}, keep=True)
        self.proxy.ask('set server http/a weight 0')
        self.wait_reason('web/http/a',
                         'weight 0 was set outside lbcluster and is kept; the store has 10')
        self.assertEqual({'b': 4}, self.proxy.share('http', 4))
        self.wait_active('web/http/a', 0)
        self.proxy.ask('set server http/a weight 10')
        self.wait_active('web/http/a', 1)

    def test_hang_of_one_process_is_not_a_restart(self):
        self.serve({'http': {'a': SERVER, 'b': SERVER}}, keep=True)
        other = self.haproxy(self.services, 'other')
        self.stop_driver()
        self.world.sql("UPDATE cluster SET plane_params = '{\"socket\":[\"%s\",\"%s\"],"
                       "\"foreign-changes\":\"keep\"}'" % (self.proxy.socket, other.socket))
        self.configure(timeout=0.5)
        self.start_driver()
        self.wait_rounds(3)
        for proxy in (self.proxy, other):
            proxy.ask('set server http/a weight 3')
        self.wait_reason('web/http/a', 'weight 3 was set outside lbcluster and is kept')
        other.program.signal(signal.SIGSTOP)
        self.wait_plane(3)
        other.program.signal(signal.SIGCONT)
        self.wait_plane(2, 'weight 3 was set outside lbcluster and is kept')
        self.assertEqual([(0, 3), (0, 3)], [proxy.state('http/a') for proxy in (self.proxy, other)])
        other.restart()
        for proxy in (self.proxy, other):
            wait_for(lambda: proxy.state('http/a') == (0, 10), EVENT_S, 'the weight is back')

    def test_parameter_survives_export_and_discover(self):
        self.serve({'http': {'a': SERVER}}, keep=True)
        self.assertIn('foreign-changes = { keep }', self.world.ctl('export').stdout)
        self.load(self.proxy)
        self.assertIn('foreign-changes = { keep }', self.world.ctl('export').stdout)


class TakeOver(Others):
    """discover --load and the first rounds of the driver do not change the traffic."""

    balance = 'roundrobin'

    def take_over(self, services, prepare=''):
        """Takes HAProxy over and compares the traffic. Returns standard error of discover."""
        self.plane_world()
        self.services = {service: {name: options + ' cookie ' + name
                                   for name, options in servers.items()}
                         for service, servers in services.items()}
        self.proxy = self.haproxy(self.services, balance=self.balance +
                                  '\n    cookie SRV insert indirect nocache')
        if prepare:
            self.assertEqual('', self.proxy.ask(prepare).strip())
        self.before = self.traffic()
        self.world.load('cluster other { }')    # -n makes no store
        said = [self.world.ctl('discover', 'haproxy', self.proxy.socket, '-c', 'web', *args).stderr
                for args in ([], ['-ln'], ['-l'])]
        self.assertEqual(said[0], said[1])
        self.assertEqual(said[0], said[2])
        self.start_driver()
        self.wait_rounds(3)
        self.assertEqual(self.before, self.traffic())
        # A second driver does not change the traffic either.
        self.stop_driver()
        self.start_driver()
        self.wait_rounds(3)
        self.assertEqual(self.before, self.traffic())
        self.assertEqual('', self.world.ctl('discover', 'haproxy', self.proxy.socket, '-c',
                                            'web', '-l').stderr)
        return said[0]

    def traffic(self):
        """Returns for each service the answers to 24 new requests by server, and the servers
        whose cookies lead to them each time."""
        def sticks(service, name):
            return all(self.proxy.get(service, headers={'Cookie': 'SRV=' + name}) == (200, name)
                       for _ in range(4))
        return {service: (self.proxy.share(service, 24),
                          {name for name in servers if sticks(service, name)})
                for service, servers in self.services.items()}

    def test_drain_maint_and_weights(self):
        said = self.take_over(
            {'http': {'a': 'weight 10', 'b': 'weight 20', 'c': 'weight 30', 'd': 'weight 10',
                      'e': 'weight 10 disabled', 'f': 'weight 0'}},
            'set server http/b state drain;set server http/c state maint;'
            'set server http/d weight 5')
        self.assertEqual(({'a': 16, 'd': 8}, set('abdf')), self.before['http'])
        self.assertEqual(
            'lbclusterctl: web/http/b: is in DRAIN in HAProxy; stored as enabled with weight'
            ' 0, which keeps its sticky sessions; its weight was 20, "lbclusterctl set-weight'
            ' web/http/b 20" gives it new work\n', said)
        self.assertEqual([(0, 10), (0, 0), (FORCED_MAINT, 30), (0, 5), (FORCED_MAINT | 4, 10),
                          (0, 0)], [self.proxy.state('http/' + name) for name in 'abcdef'])
        self.wait_reason('web/http/c', 'MAINT by command')
        self.wait_reason('web/http/e', "MAINT by HAProxy's configuration")
        self.done('disable', 'web/http/a')
        self.wait_reason('web/http/a', 'MAINT by lbcluster')
        self.done('enable', 'web/http/e')
        self.wait_reason('web/http/e', '')
        self.done('disable', 'web/http/e')
        self.wait_reason('web/http/e', 'MAINT by lbcluster')
        self.stop_driver()
        self.start_driver()
        self.wait_rounds(3)
        self.wait_reason('web/http/e', 'MAINT by lbcluster')
        self.proxy.restart()
        self.wait_reason('web/http/e', "MAINT by HAProxy's configuration")

    def test_servers_that_track_one_in_drain(self):
        said = self.take_over(
            {'http': {'a': CHECK, 'b': CHECK},
             'admin': {'a': 'weight 10 track http/a', 'b': 'weight 10 track http/b'}},
            'set server http/a state drain')
        self.assertEqual(({'b': 24}, set('ab')), self.before['admin'])
        self.assertIn('web/http/a: is in DRAIN', said)
        self.assertIn('web/admin/a: is in DRAIN', said)
        self.assertEqual((0, 0), self.proxy.state('admin/a'))

    def test_drain_with_a_static_algorithm(self):
        self.balance = 'static-rr'
        self.take_over({'http': {'a': SERVER, 'b': SERVER}}, 'set server http/a state drain')
        self.assertEqual({'b': 24}, self.before['http'][0])

    def test_backup_in_use(self):
        said = self.take_over({'http': {'a': SERVER, 'f': SERVER + ' backup',
                                        'g': SERVER + ' backup'}},
                              'set server http/a state maint')
        self.assertEqual({'f': 24}, self.before['http'][0])
        self.assertEqual('lbclusterctl: web/http/g: is another backup in HAProxy and stays backup'
                         ' there; stored without fallback, because a service has only one\n',
                         said)
        self.assertEqual([0, 1, 0], [self.real('web/http/' + name)[2] for name in 'afg'])

    def test_possible_changes_by_an_agent_are_reported(self):
        _, check = self.agent('75%')
        self.plane_world()
        self.proxy = self.haproxy({'http': {'a': SERVER + check, 'b': SERVER}})
        wait_for(lambda: self.proxy.state('http/a') == (0, 7), EVENT_S, 'the agent')
        said = self.world.ctl('discover', 'haproxy', self.proxy.socket).stderr
        self.assertEqual('lbclusterctl: haproxy/http/a: its agent-check may change weight and'
                         ' state; the driver restores them, unless foreign-changes = keep\n',
                         said)


class Since(Plane):
    """counters_since increases whenever totals may have been reset, and never decreases."""

    def setUp(self):
        self.plane_world()
        self.services = {'http': {'a': SERVER, 'b': SERVER}}
        self.proxy = self.haproxy(self.services)
        self.load(self.proxy)
        self.start_driver()
        self.proxy.share('http', 4)
        self.wait_total('a', 2)
        self.wait_total('b', 2)

    def wait_total(self, name, total):
        return self.wait_statistics('web/http/' + name, lambda row:
                                    row['total_connections'] == total,
                                    '%s has %d connections' % (name, total))

    def since(self):
        return tuple(self.statistics('web/http/' + name)['counters_since'] for name in 'ab')

    def wait_later(self, before):
        """Waits until both values have increased."""
        wait_for(lambda: all(now > then for now, then in zip(self.since(), before)), EVENT_S,
                 'counters_since increases')

    def restart_driver(self):
        self.stop_driver()
        self.start_driver()
        self.wait_rounds()

    def test_restart_of_the_driver_does_not_change_it(self):
        before = self.since()
        self.restart_driver()
        self.assertEqual(before, self.since())
        self.driver.signal(signal.SIGHUP)
        self.wait_rounds()
        self.assertEqual(before, self.since())

    def test_restart_of_the_driver_does_not_decrease_it(self):
        before = self.since()
        self.proxy.ask('clear counters all')
        self.wait_later(before)
        before = self.since()
        self.restart_driver()
        self.assertEqual(before, self.since())

    def test_reset_without_a_driver_changes_it(self):
        before = self.since()
        self.stop_driver()
        self.proxy.ask('clear counters all')
        self.start_driver()
        self.wait_later(before)
        before = self.since()
        self.stop_driver()
        # HAProxy reports its start in seconds: the new one must be later.
        wait_for(lambda: time.time() >= max(before) + 1, 5, 'the clock')
        self.proxy.restart()
        self.start_driver()
        self.wait_later(before)

    def test_cleared_counters_change_it_even_if_totals_are_higher_again(self):
        before = self.since()
        self.driver.signal(signal.SIGSTOP)
        self.proxy.ask('clear counters all')
        self.proxy.ask('set server http/b state maint')
        self.assertEqual({'a': 3}, self.proxy.share('http', 3))
        self.driver.signal(signal.SIGCONT)
        self.wait_later(before)

    def test_cleared_maxima_do_not_change_it(self):
        before = self.since()
        self.proxy.ask('clear counters')
        self.wait_rounds()
        self.assertEqual(before, self.since())

    def test_deleted_and_added_server_changes_its_own(self):
        before = self.since()
        self.done('disable', 'web/http/a')
        self.assertIn('deleted', self.proxy.ask('del server http/a'))
        self.wait_reason('web/http/a', 'HAProxy has no such server')
        self.wait_rounds()
        self.assertEqual(before, self.since())
        self.assertIn('registered', self.proxy.ask(
            'add server http/a 127.0.0.1:%d weight 10' % self.backend('a').port))
        self.done('enable', 'web/http/a')
        wait_for(lambda: self.since()[0] > before[0], EVENT_S, 'counters_since increases')
        self.assertEqual(before[1], self.since()[1])

    def test_restart_of_one_process_of_a_pair_changes_it(self):
        other = self.haproxy(self.services, 'other')
        before = self.since()
        self.world.sql("UPDATE cluster SET plane_params = '{\"socket\":[\"%s\",\"%s\"]}'" % (
            self.proxy.socket, other.socket))
        other.share('http', 4)
        self.wait_total('a', 4)
        before = self.since()
        other.kill()
        self.wait_later(before)
        self.wait_total('a', 2)
        before = self.since()
        other.start()
        self.wait_later(before)
        before = self.since()
        self.wait_rounds()
        self.assertEqual(before, self.since())


if __name__ == '__main__':
    main()
