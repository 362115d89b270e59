# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# lbcluster-ipvs with health checks: servers that end, hang or answer wrongly, and the fallback.
"""Health checks and the fallback."""

import os
import re
import signal

from driver_case import EVENT_S
from harness import main, wait_for
from ipvs_case import CHECK, IpvsCase, service
from ipvs_network import REFUSED, SILENT, Traffic, endpoint, real

THREE = dict(r1=10, r2=10, r3=10)
HTTP = dict(CHECK, check='http', check_path='/health', check_timeout=1)


class Checks(IpvsCase):
    """A server that fails its checks gets no new connection."""

    def serve_checked(self, reals=None, **options):
        self.address = self.vip()
        self.serve(service(self.address, reals or THREE, scheduler='rr', **options))
        self.wait_weights(self.address, reals or THREE)

    def test_closed_port(self):
        self.serve_checked(**CHECK)
        self.net.servers['r1'].stop()
        self.wait_weights(self.address, dict(r2=10, r3=10))
        self.wait_reason('web/http/r1', 'connect: Connection refused')
        self.wait_active('web/http/r1', 0)
        self.assertEqual(dict(r2=3, r3=3), self.net.ask('tcp', self.address, 6))
        self.net.servers['r1'].start()
        self.wait_weights(self.address, THREE)
        self.wait_reason('web/http/r1', '')
        self.wait_active('web/http/r1', 1)
        self.assertEqual(dict(r1=2, r2=2, r3=2), self.net.ask('tcp', self.address, 6))

    def test_unreachable_server(self):
        self.serve_checked(**dict(CHECK, check_timeout=0.5))
        self.net.servers['r2'].link(False)
        self.wait_weights(self.address, dict(r1=10, r3=10))
        self.net.servers['r2'].link(True)
        self.wait_weights(self.address, THREE)

    def test_http_status_and_hung_server(self):
        self.serve_checked(**HTTP)
        self.net.servers['r1'].status = 503
        self.net.servers['r2'].hung = True
        self.wait_weights(self.address, dict(r3=10))
        self.wait_reason('web/http/r1', 'http: status 503')
        self.wait_reason('web/http/r2', 'http: no answer within')
        self.net.servers['r1'].start()
        self.net.servers['r2'].start()
        self.wait_weights(self.address, THREE)

    def test_on_failure_drain_keeps_the_destination(self):
        self.serve_checked(on_failure='drain', **CHECK)
        self.net.servers['r1'].stop()
        self.wait_weights(self.address, dict(r1=0, r2=10, r3=10))
        self.assertEqual(dict(r2=3, r3=3), self.net.ask('tcp', self.address, 6))
        self.net.servers['r1'].start()
        self.wait_weights(self.address, THREE)

    def test_server_that_was_never_up_is_not_added(self):
        self.net.servers['r1'].stop()
        self.address = self.vip()
        self.serve(service(self.address, THREE, scheduler='rr', **CHECK))
        self.wait_weights(self.address, dict(r2=10, r3=10))
        self.wait_reason('web/http/r1', 'Connection refused')
        self.wait_rounds(3)
        self.assertNotIn('r1', self.weights(self.address))

    def test_settings_of_a_server_that_is_down(self):
        self.serve_checked(**CHECK)
        self.net.servers['r1'].stop()
        self.wait_weights(self.address, dict(r2=10, r3=10))
        self.done('set-weight', 'web/http/r1', '30')
        self.done('disable', 'web/http/r1')
        self.done('enable', 'web/http/r1')
        self.assertEqual(dict(r2=10, r3=10), self.weights(self.address))
        self.net.servers['r1'].start()
        self.wait_weights(self.address, dict(r1=30, r2=10, r3=10))

    def test_ipv6_and_udp_service_with_a_check(self):
        self.address = self.vip(family=6)
        self.serve(service(self.address, THREE, protocol='udp', scheduler='rr', **CHECK))
        self.wait_weights(self.address, THREE, 'udp')
        self.net.servers['r3'].stop()
        self.wait_weights(self.address, dict(r1=10, r2=10), 'udp')
        self.assertEqual(dict(r1=3, r2=3), self.net.ask('udp', self.address, 6))

    def test_restart_of_the_driver_brings_no_server_in(self):
        self.serve_checked(**CHECK)
        self.net.servers['r1'].stop()
        self.wait_weights(self.address, dict(r2=10, r3=10))
        # The table has no r1 while the driver starts, checks and ends.
        for end in (self.kill_driver, self.stop_driver):
            end()
            self.assertEqual(dict(r2=10, r3=10), self.weights(self.address))
            self.start_driver()
            self.wait_rounds(3)
            self.assertEqual(dict(r2=10, r3=10), self.weights(self.address))
        self.wait_reason('web/http/r1', 'Connection refused')


class Fallback(IpvsCase):
    """The fallback serves while no other server does."""

    def setUp(self):
        super().setUp()
        self.address = self.vip()

    def serve_fallback(self, **options):
        self.serve(service(self.address, THREE, fallback='r3', scheduler='rr',
                           **dict(CHECK, **options)))
        self.wait_weights(self.address, dict(r1=10, r2=10))

    def test_in_and_out_by_checks(self):
        self.serve_fallback()
        self.wait_reason('web/http/r3', 'held in reserve')
        self.net.servers['r1'].stop()
        self.wait_weights(self.address, dict(r2=10))
        self.net.servers['r2'].stop()
        self.wait_weights(self.address, dict(r3=10))
        self.assertEqual(dict(r3=6), self.net.ask('tcp', self.address, 6))
        self.net.servers['r1'].start()
        self.wait_answers(self.address, ['r1'])
        self.wait_reason('web/http/r3', 'held in reserve')

    def test_fallback_answers_while_the_others_have_weight_0(self):
        self.serve_fallback()
        self.done('set-weight', 'web/http/r1', 'web/http/r2', '0')
        self.wait_weights(self.address, dict(r1=0, r2=0, r3=10))
        self.assertEqual(dict(r3=6), self.net.ask('tcp', self.address, 6))
        self.world.start()
        self.addCleanup(self.world.stop_daemon)
        self.wait_drained('web/http', 'web/http/r3')
        self.done('disable', 'web/http/r3')
        self.wait_all_drained('web/http')

    def failover_s(self):
        """Stops r1; returns the time from the first failure to the first answer of the fallback."""
        traffic = Traffic(self.net, self.address, held=0, timeout=1)
        wait_for(lambda: len(traffic.answers) > 5, EVENT_S, 'answers')
        self.net.servers['r1'].stop()
        wait_for(lambda: traffic.last() == 'r3', EVENT_S, 'the fallback answers')
        first = next(at for at, answer in traffic.answers if answer != 'r1')
        in_use = next(at for at, answer in traffic.answers if answer == 'r3')
        traffic.stop()
        return in_use - first

    def test_within_a_second_of_the_last_failure(self):
        """The best of three trials counts, because a busy machine may stop the guest."""
        self.serve_fallback(check_fall=1)
        self.done('disable', 'web/http/r2')
        for _ in range(3):
            took_s = self.failover_s()
            # The check runs each 0.5 s; a second is left for the driver.
            if took_s < 1.5:
                return
            self.net.servers['r1'].start()
            self.wait_answers(self.address, ['r1'])
        self.fail('the fallback answers after %.1f s' % took_s)

    def test_no_client_is_refused_when_settings_bring_it_in(self):
        self.serve_fallback()
        traffic = Traffic(self.net, self.address, held=2)
        self.world.ctl('disable', 'web/http/r1')
        self.world.ctl('disable', 'web/http/r2')
        wait_for(lambda: traffic.last() == 'r3', EVENT_S, 'the fallback answers')
        self.world.ctl('enable', 'web/http/r2')
        wait_for(lambda: traffic.last() == 'r2', EVENT_S, 'r2 answers')
        self.assertEqual([], traffic.stop().failures())

    def test_no_client_is_refused_when_a_server_is_back(self):
        self.serve_fallback()
        self.net.servers['r1'].stop()
        self.net.servers['r2'].stop()
        self.wait_weights(self.address, dict(r3=10))
        traffic = Traffic(self.net, self.address, held=2)
        self.assertEqual(['r3', 'r3'], [held.first for held in traffic.held])
        self.net.servers['r1'].start()
        wait_for(lambda: traffic.last() == 'r1', EVENT_S, 'r1 answers')
        # The connections of the fallback end by themselves.
        self.wait_rounds(3)
        self.assertEqual([], traffic.stop().failures())

    def test_fallback_that_is_down(self):
        self.serve_fallback()
        for name in THREE:
            self.net.servers[name].stop()
        self.wait_weights(self.address, {})
        self.assertEqual({REFUSED: 3}, self.net.ask('tcp', self.address, 3))
        self.net.servers['r3'].start()
        self.wait_answers(self.address, ['r3'])

    def test_fallback_that_is_unknown_servers_come_first(self):
        """At the start the fallback does not serve before the others were checked."""
        self.serve(service(self.address, THREE, fallback='r3', scheduler='rr', **CHECK),
                   start=False)
        self.start_driver(wait=False)
        traffic = Traffic(self.net, self.address, held=0, timeout=1)
        self.wait_weights(self.address, dict(r1=10, r2=10))
        self.assertEqual(set(), {answer for _, answer in traffic.stop().answers} -
                         {'r1', 'r2', REFUSED, SILENT})


KEEPALIVED = """
virtual_server {} 80 {{
    delay_loop 1
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    {}
}}
"""
KEEPALIVED_REAL = """
    real_server {} 80 {{
        TCP_CHECK {{
            connect_timeout 1
            retry 1
            delay_before_retry 1
        }}
    }}
"""


class Together(IpvsCase):
    """keepalived beside lbcluster-ipvs."""

    def start_keepalived(self, address, names, more=''):
        program = self.keepalived(KEEPALIVED.format(address, more + ''.join(
            KEEPALIVED_REAL.format(real(name)) for name in names)))
        self.wait_weights(address, dict.fromkeys(names, 1))
        return program

    def test_keepalived_keeps_its_services_and_checks(self):
        """manage = settings: SETs of weights and of enabled hold, and nothing is made."""
        address = self.vip()
        self.start_keepalived(address, ['r1', 'r2'])
        self.serve(service(address, dict(r1=1, r2=1, r4=1), scheduler='rr', check='none'),
                   manage='settings')
        self.wait_plane(self.OK)
        self.done('set-weight', 'web/http/r1', '5')
        self.done('disable', 'web/http/r2')
        self.assertEqual(dict(r1=5, r2=0), self.weights(address))
        self.wait_active('web/http/r4', 0)
        self.done('enable', 'web/http/r2')
        self.assertEqual(dict(r1=5, r2=1), self.weights(address))
        self.assertEqual(self.REJECTED, self.wait_job(
            self.ctl('enable-fallback', 'web/http/r2'), self.FAILED)[1])
        # keepalived adds the server again with its own weight.
        self.net.servers['r1'].stop()
        self.wait_weights(address, dict(r2=1))
        self.wait_active('web/http/r1', 0)
        self.net.servers['r1'].start()
        self.wait_weights(address, dict(r1=5, r2=1))
        self.stop_driver()
        self.assertEqual(dict(r1=5, r2=1), self.weights(address))

    def test_services_of_keepalived_are_taken_over(self):
        """No connection is lost. keepalived removes its services unless all of its processes are
        stopped before they are killed."""
        address = self.vip()
        keepalived = self.start_keepalived(address, ['r1', 'r2'])
        traffic = Traffic(self.net, address)
        self.world.ctl('discover', 'ipvs', '-c', 'web', '--load')
        pid = keepalived.pid
        with open('/proc/%d/task/%d/children' % (pid, pid), encoding='ascii') as file:
            pids = [pid, *map(int, file.read().split())]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for process in pids:
                os.kill(process, number)
        keepalived.wait()
        self.adopt()
        self.start_driver()
        self.wait_rounds(3)
        path = 'web/tcp-%s-80/%s-80' % (address, real('r1'))
        self.done('set-weight', path, '3')
        self.assertEqual(dict(r1=3, r2=1), self.weights(address))
        self.assertEqual([], traffic.stop().failures())
        self.wait_plane(self.OK)

    def test_keepalived_with_other_services(self):
        ours, theirs = self.vip(), self.vip()
        self.start_keepalived(theirs, ['r1'], 'sorry_server %s 80' % real('r4'))
        self.wait_weights(theirs, dict(r1=1))
        self.serve(service(ours, THREE, fallback='r3', scheduler='rr', **CHECK))
        self.wait_weights(ours, dict(r1=10, r2=10))
        self.net.servers['r1'].stop()
        self.wait_weights(ours, dict(r2=10))
        self.wait_weights(theirs, dict(r4=1))
        self.net.servers['r1'].start()
        self.wait_weights(ours, dict(r1=10, r2=10))
        self.wait_weights(theirs, dict(r1=1))
        self.stop_driver()
        self.assertEqual(dict(r1=1), self.weights(theirs))
        self.assertIsNone(re.search(re.escape(endpoint(theirs)), self.driver_log()))


if __name__ == '__main__':
    main()
