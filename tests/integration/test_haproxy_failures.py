# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Failures: HAProxy ends, hangs, or answers slowly or with an invalid answer, HAProxy is reloaded
# during a job, one process of a pair ends, two drivers start, a driver is killed during a job.
"""Failures."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time

from harness import LBCLUSTERD, TIMEOUT_FACTOR, main, stop, wait_for
from haproxy import DRIVER, EVENT_S, FORCED_MAINT, SERVER, Gate, Plane, relay

OK, UNREACHABLE, FAILING = 2, 3, 4      # lbcClusterPlaneStatus


def command_line(pid):
    with contextlib.suppress(OSError), open('/proc/%s/cmdline' % pid, 'rb') as file:
        return file.read()
    return b''


class Unreachable(Plane):
    """HAProxy does not answer for some time."""

    def setUp(self):
        self.plane_world(timeout=0.5)
        self.proxy = self.haproxy({'http': {'a': SERVER, 'b': SERVER}})
        self.load(self.proxy)
        self.start_driver()

    def test_status_of_a_service_whose_haproxy_was_killed(self):
        self.wait_status_row('web/http', 0, 'up', '')
        self.proxy.kill()
        self.wait_plane(UNREACHABLE, 'Connection refused')
        # lbclusterd shows the statistics of the last poll as fresh for stale-after.
        for options in ((), ('-p',)):
            done = self.world.ctl('status', *options, 'web/http', check=False)
            self.assertEqual(1, done.returncode)
            self.assertRegex(done.stdout, r'(?m)^web +up .* unreachable: .*Connection refused$')
            self.assertRegex(done.stdout, r'(?m)^  http +up .* measured \d+ s ago: its data plane'
                             r' is unreachable$')
        self.assertEqual(1, self.world.ctl('status', 'web/http/a', check=False).returncode)
        # The row of the cluster is enough if it is selected.
        rows = json.loads(self.world.ctl('-f', 'json', 'status', '-p', check=False).stdout)
        self.assertEqual(['web'], [row['path'] for row in rows])
        self.proxy.start()
        self.wait_plane(OK)
        self.wait_status_row('web/http', 0, 'up', '')

    def test_job_waits_for_a_haproxy_that_was_killed(self):
        self.proxy.kill()
        self.wait_plane(UNREACHABLE, 'Connection refused')
        job = self.ctl('set-weight', 'web/http/a', '5')
        self.wait_job(job, self.QUEUED, 'Connection refused')
        self.assertEqual(5, self.real('web/http/a')[0])
        before = self.statistics('web/http/a')['last_update']
        self.proxy.start()
        self.wait_job(job, self.SUCCEEDED)
        self.assertEqual((0, 5), self.proxy.state('http/a'))
        self.wait_plane(OK)
        self.wait_statistics('web/http/a', lambda row: row['last_update'] > before,
                             'measured again')

    def test_job_with_an_invalid_time_waits_or_fails(self):
        self.proxy.kill()
        self.wait_plane(UNREACHABLE, 'Connection refused')
        for name, created in ('a', 2 ** 63 - 1), ('b', -2 ** 63):
            self.world.sql('INSERT INTO job (real_id, operation, old_value, new_value, created,'
                           ' cluster_name, service_name, real_name) SELECT id, 5, weight, 5, ?,'
                           " 'web', 'http', name FROM real_service WHERE name = ?", created, name)
        self.wait_job(1, self.QUEUED, 'Connection refused')
        self.wait_job(2, self.FAILED, 'given up')

    def test_missing_socket_is_reported(self):
        os.unlink(self.proxy.socket)
        self.wait_plane(UNREACHABLE, self.proxy.socket + ': No such file')
        self.proxy.reload()
        self.wait_plane(OK)

    def test_job_waits_for_a_haproxy_that_hangs(self):
        stop(self.proxy.program)
        self.wait_plane(UNREACHABLE, 'no answer within 0.500 s')
        job = self.ctl('disable', 'web/http/b')
        self.wait_job(job, self.QUEUED, 'no answer')
        self.proxy.program.signal(signal.SIGCONT)
        self.wait_job(job, self.SUCCEEDED)
        self.assertEqual(FORCED_MAINT, self.proxy.state('http/b')[0])
        self.wait_plane(OK)

    def test_superseded_job_is_not_carried_out(self):
        self.proxy.kill()
        self.wait_plane(UNREACHABLE)
        first = self.ctl('set-weight', 'web/http/a', '5')
        self.wait_job(first, self.QUEUED, 'waits')
        second = self.ctl('set-weight', 'web/http/a', '7')
        self.proxy.start()
        self.wait_job(second, self.SUCCEEDED)
        self.assertEqual(self.SUPERSEDED, self.job(first)[0])
        self.assertEqual((0, 7), self.proxy.state('http/a'))

    def restart_driver_with_clock(self):
        """Starts the driver with a clock that set_clock() sets, and ends HAProxy."""
        self.stop_driver()
        self.world.env = {**self.world.env, 'SET_CLOCK': os.path.join(self.world.dir, 'ahead'),
                          'LD_PRELOAD': os.path.join(os.path.dirname(LBCLUSTERD), 'tests',
                                                     'integration', 'set_clock.so'),
                          'ASAN_OPTIONS': 'verify_asan_link_order=0'}
        self.configure(job_patience=600, timeout=0.5)
        self.start_driver()
        self.proxy.kill()
        self.wait_plane(UNREACHABLE)

    def set_clock(self, ahead_s):
        with open(self.world.env['SET_CLOCK'], 'w', encoding='ascii') as file:
            file.write(str(ahead_s))

    def test_clock_set_forward_before_a_job_is_taken_does_not_end_it(self):
        self.restart_driver_with_clock()
        stop(self.driver)
        job = self.ctl('set-weight', 'web/http/a', '5')
        self.set_clock(7200)
        self.driver.signal(signal.SIGCONT)
        self.wait_job(job, self.QUEUED, 'waits')
        self.proxy.start()
        self.wait_job(job, self.SUCCEEDED)

    def test_clock_set_forward_does_not_end_a_waiting_job(self):
        self.restart_driver_with_clock()
        job = self.ctl('set-weight', 'web/http/a', '5')
        self.wait_job(job, self.QUEUED, 'waits')
        self.set_clock(7200)
        second = self.ctl('set-weight', 'web/http/b', '6')
        self.wait_job(second, self.QUEUED, 'waits')
        self.assertEqual(self.QUEUED, self.job(job)[0])
        self.proxy.start()
        self.wait_job(job, self.SUCCEEDED)

    def test_job_fails_at_its_timeout(self):
        self.stop_driver()
        self.configure(job_patience=1, timeout=0.5)
        self.start_driver()
        self.proxy.kill()
        job = self.ctl('set-weight', 'web/http/a', '5')
        self.assertEqual(self.UNREACHABLE, self.wait_job(job, self.FAILED, 'given up')[1])
        self.assertEqual(10, self.real('web/http/a')[0])


class InvalidAnswers(Plane):
    """Another program than HAProxy answers, or HAProxy answers badly."""

    def gate(self, behave):
        self.plane_world(timeout=0.5)
        self.path = os.path.join(self.world.dir, 'gate.sock')
        gate = Gate(self.path, behave)
        self.addCleanup(gate.close)
        return gate

    def serve(self, path=None, wait=True):
        """A cluster behind the gate, and a second cluster with a working HAProxy."""
        self.proxy = self.haproxy({'http': {'a': SERVER}})
        self.load(self.haproxy({'http': {'b': SERVER}}, 'second'), 'second')
        self.world.load('''
            cluster web {
                plane = haproxy
                socket = "%s"
                service http { real a { address = 10.0.0.1 weight = 10 } }
            }''' % (path or self.path))
        self.start_driver(wait)

    def assert_second_cluster_served(self):
        self.done('set-weight', 'second/http/b', '33')
        self.wait_plane(OK, cluster='second')

    def test_invalid_answer_is_reported(self):
        self.gate(lambda gate, connection, line: connection.sendall(b'\xff\x01 HTTP/1.0?\n' * 9))
        self.serve()
        self.wait_plane(FAILING, self.path + ': its answer is "?? HTTP/1.0?"')
        self.assert_second_cluster_served()

    def test_empty_answer_is_reported(self):
        self.gate(lambda gate, connection, line: None)
        self.serve()
        self.wait_plane(FAILING, 'its answer is empty')
        self.assert_second_cluster_served()

    def test_refusal_that_is_cut_off_defers_the_job(self):
        cut = []

        def behave(gate, connection, line):
            if line.startswith(b'set server') and not cut:
                cut.append(line)
                connection.sendall(b'No such serv')
            else:
                relay(self.proxy)(gate, connection, line)
        self.gate(behave)
        self.serve()
        self.wait_job(self.ctl('set-weight', 'web/http/a', '5'), self.SUCCEEDED)
        self.wait_deferred('set_weight web/http/a 5', "HAProxy's answer is cut off")

    def test_delay_between_polls_grows_without_answers(self):
        times = []
        self.gate(lambda gate, connection, line: times.append(time.monotonic()))
        self.serve()
        # A busy machine makes delays longer, never shorter.
        wait_for(lambda: len(times) >= 4, 20, 'it is asked again')
        self.assertGreater(times[3] - times[0], 0.9 * (0.25 + 0.5 + 1))

    def test_half_an_answer_is_reported_as_cut_off(self):
        def half(gate, connection, line):
            answer = self.proxy.ask(line.decode().rstrip('\n')).encode()
            connection.sendall(answer[:len(answer) // 2])
        self.gate(half)
        self.serve()
        self.wait_plane(FAILING, 'its answer is cut off after')
        self.assertEqual({}, self.statistics('web/http/a'))

    def test_answer_that_does_not_end_in_time_is_reported(self):
        def drip(gate, connection, line):
            while not gate.opened.wait(0.05):
                connection.sendall(b'x')
        self.gate(drip)
        self.serve()
        self.wait_plane(UNREACHABLE, 'no end of its answer within 0.500 s')
        self.assert_second_cluster_served()

    def test_missing_answer_is_reported(self):
        self.gate(lambda gate, connection, line: gate.opened.wait(60))
        self.serve()
        self.wait_plane(UNREACHABLE, 'no answer within 0.500 s')
        self.assert_second_cluster_served()

    def test_answer_without_end_is_reported(self):
        def flood(gate, connection, line):
            while not gate.opened.is_set():
                connection.sendall(b'x' * 65536)
        self.gate(flood)
        self.serve()
        # Its length or the timeout ends it.
        wait_for(lambda: self.plane()[0] in (UNREACHABLE, FAILING), EVENT_S, 'a status')
        self.assertRegex(self.plane()[1], 'no end of its answer|its answer is too long')
        self.assert_second_cluster_served()

    def test_slow_answer_is_accepted(self):
        def slow(gate, connection, line):
            answer = self.proxy.ask(line.decode().rstrip('\n')).encode()
            for i in range(4):
                gate.opened.wait(0.05)
                connection.sendall(answer[i * len(answer) // 4:(i + 1) * len(answer) // 4])
        self.gate(slow)
        self.serve()
        self.wait_plane(OK)
        self.done('set-weight', 'web/http/a', '12')

    def test_many_clusters_that_hang_do_not_delay_another(self):
        self.gate(lambda gate, connection, line: gate.opened.wait(60))
        self.world.load(''.join('''
            cluster mute-%d {
                plane = haproxy
                socket = "%s"
                service http { real a { address = 10.0.0.1 weight = 10 } }
            }''' % (i, self.path) for i in range(40)))
        self.serve()
        self.assert_second_cluster_served()
        self.wait_plane(UNREACHABLE, 'no answer within', 'mute-39')
        # Waiting for a free descriptor does not count as a missing answer.
        self.assertNotIn('[plane] second: /', self.driver_log())

    def test_nonexistent_socket_is_reported(self):
        self.gate(lambda *args: None)
        self.serve('/nonexistent/admin.sock')
        self.wait_plane(UNREACHABLE, '/nonexistent/admin.sock: No such file')
        self.assert_second_cluster_served()

    def test_commands_without_an_answer_are_sent_again(self):
        def behave(gate, connection, line):
            if line.startswith(b'set server') and not gate.opened.is_set():
                connection.recv(1)      # until the driver closes the connection
            else:
                relay(self.proxy)(gate, connection, line)
        gate = self.gate(behave)
        self.serve()
        self.wait_plane(OK)
        job = self.ctl('set-weight', 'web/http/a', '12')
        self.wait_deferred('a 12', 'no answer')
        # The driver tries again and again, and reports it once.
        wait_for(lambda: sum(line.startswith('set server') for line in gate.lines) >= 4,
                 20, 'it is tried again')
        self.assertEqual(1, self.driver_log().count('a 12: queued: waits: '))
        gate.opened.set()
        self.wait_job(job, self.SUCCEEDED)

    def test_commands_with_a_missing_answer_are_sent_again(self):
        """As after a reload of HAProxy, which answers before and afterwards."""
        def behave(gate, connection, line):
            if not line.startswith(b'set server') or gate.opened.is_set():
                relay(self.proxy)(gate, connection, line)
        gate = self.gate(behave)
        self.serve()
        self.wait_plane(OK)
        job = self.ctl('set-weight', 'web/http/a', '12')
        self.wait_deferred('a 12', "HAProxy's answer is missing")
        gate.opened.set()
        self.wait_job(job, self.SUCCEEDED)

    def test_answer_that_arrived_while_the_driver_was_stopped_is_accepted(self):
        asked, answered = threading.Event(), threading.Event()

        def behave(gate, connection, line):
            asked.set()
            gate.opened.wait(60)
            relay(self.proxy)(gate, connection, line)
            answered.set()
        gate = self.gate(behave)
        self.configure(timeout=2)       # long enough to stop the driver first
        self.serve(wait=False)
        self.assertTrue(asked.wait(20))
        began = time.monotonic()
        stop(self.driver)
        gate.opened.set()
        self.assertTrue(answered.wait(20))
        wait_for(lambda: time.monotonic() - began > 2.5, 5, 'the deadline')
        self.driver.signal(signal.SIGCONT)
        self.wait_plane(OK)
        self.assertNotIn('no answer within', self.driver_log())


class Reloaded(Plane):
    """Another HAProxy process answers during a job, as after a reload."""

    def serve(self, *answers):
        """Each function of 'answers' answers one of the first lines of commands. HAProxy
        answers all other lines."""
        self.plane_world(job_patience=30)
        self.earlier = self.haproxy({'http': {'a': SERVER, 'b': SERVER}}, 'earlier')
        self.current = self.haproxy({'http': {'a': SERVER, 'b': SERVER}}, 'current')
        self.left = list(answers)
        self.at = self.earlier

        def behave(gate, connection, line):
            if line.startswith(b'set server') and self.left:
                self.left.pop(0)(connection, line)
            else:
                relay(self.at)(gate, connection, line)
        gate = Gate(os.path.join(self.world.dir, 'gate.sock'), behave)
        self.addCleanup(gate.close)
        self.world.ctl('discover', 'haproxy', gate.path, '--cluster', 'web', '--load')
        self.start_driver()

    def refuse(self, message, stopping=b'1'):
        """Returns an answer that refuses each command."""
        def answer(connection, line):
            for command in line.split(b';'):
                if command.startswith(b'set server'):
                    connection.sendall(message + b'\n\n')
                elif command.startswith(b'show info'):
                    connection.sendall(self.at.ask('show info').encode().replace(
                        b'Stopping: 0', b'Stopping: ' + stopping))
        return answer

    def then_reload(self, answer):
        def both(connection, line):
            answer(connection, line)
            self.at = self.current
        return both

    def carry_out(self, connection, line):
        relay(self.at)(None, connection, line)

    def assert_job_waits_and_succeeds(self, message):
        job = self.ctl('set-weight', 'web/http/a', '5')
        self.wait_job(job, self.SUCCEEDED)
        self.assertEqual((0, 5), self.at.state('http/a'))
        self.assertEqual(5, self.real('web/http/a')[0])
        self.wait_deferred('set_weight web/http/a 5', message)
        self.assertNotIn('failed', self.driver_log())
        # Also in between: a plane that fails is in the log.
        self.assertNotIn('warn: [plane]', self.driver_log())

    def test_disabled_proxy_defers_the_job(self):
        """HAProxy gives this answer for each proxy when it stops."""
        self.serve(self.refuse(b'Proxy is disabled.', b'0'))
        self.assert_job_waits_and_succeeds('HAProxy: Proxy is disabled.')

    def test_refusal_by_a_stopping_process_defers_the_job(self):
        self.serve(self.refuse(b'No such server.'))
        self.assert_job_waits_and_succeeds('HAProxy: No such server.')

    def test_refusal_by_a_process_that_is_replaced_defers_the_job(self):
        self.serve(self.then_reload(self.refuse(b'No such backend.', b'0')))
        self.assert_job_waits_and_succeeds('HAProxy was restarted or reloaded')

    def test_value_of_a_new_process_defers_the_job(self):
        self.serve(self.then_reload(self.carry_out))
        self.assert_job_waits_and_succeeds('HAProxy was restarted or reloaded')

    def test_server_that_the_new_process_lacks_fails_the_job(self):
        self.serve(self.then_reload(self.refuse(b'Proxy is disabled.')))
        self.set_services(self.current, {'http': {'b': SERVER}})
        self.current.reload()
        job = self.ctl('set-weight', 'web/http/a', '5')
        self.assertEqual(self.NOT_FOUND, self.wait_job(job, self.FAILED, 'no server http/a')[1])


class Reloads(Plane):
    """Real reloads while jobs are carried out."""

    SECONDS = 4

    def change_weights(self):
        """Reloads HAProxy again and again while a thread sets weights."""
        self.load(self.proxy)
        self.start_driver()
        ended = threading.Event()
        weights = []

        def set_weights():
            while not ended.is_set():
                weights.append(len(weights) % 100 + 1)
                self.world.ctl('set-weight', 'web/http/a', str(weights[-1]))
        thread = threading.Thread(target=set_weights)
        thread.start()
        try:
            began = time.monotonic()
            while time.monotonic() - began < self.SECONDS:
                self.proxy.reload()
        finally:
            ended.set()
            thread.join()
        self.wait_job(self.world.sql('SELECT max(id) FROM job')[0][0], self.SUCCEEDED)
        self.assertEqual([], self.world.sql(
            'SELECT id, message FROM job WHERE state = ?', self.FAILED))
        self.assertEqual(weights[-1], self.real('web/http/a')[0])
        wait_for(lambda: self.weight() == weights[-1], EVENT_S, 'the last weight')

    def weight(self):
        with contextlib.suppress(OSError):      # of a process that has just ended
            return self.proxy.state('http/a')[1]
        return None

    def test_new_processes(self):
        self.plane_world()
        self.proxy = self.haproxy({'http': {'a': SERVER, 'b': SERVER}})
        self.change_weights()

    def test_workers_of_a_master(self):
        self.plane_world()
        self.proxy = self.haproxy({'http': {'a': SERVER, 'b': SERVER}}, master=True)
        self.change_weights()


class Pair(Plane):
    """Two processes behind one cluster."""

    def setUp(self):
        self.plane_world(timeout=0.5)
        services = {'http': {'a': SERVER, 'b': SERVER}}
        self.one = self.haproxy(services, 'one')
        self.two = self.haproxy(services, 'two')
        self.world.load('''
            cluster web {
                plane = haproxy
                socket = { "%s", "%s" }
                service http {
                    real a { address = 10.0.0.1 weight = 10 }
                    real b { address = 10.0.0.2 weight = 10 }
                }
            }''' % (self.one.socket, self.two.socket))
        self.start_driver()

    def test_both_get_settings_and_are_summed(self):
        self.done('set-weight', 'web/http/a', '5')
        self.assertEqual([(0, 5)] * 2, [self.one.state('http/a'), self.two.state('http/a')])
        self.done('disable', 'web/http/b')
        self.one.share('http', 3)
        self.two.share('http', 4)
        self.wait_statistics('web/http/a', lambda row: row['total_connections'] == 7, 'the sum')

    def test_job_waits_for_the_process_that_ended(self):
        self.two.kill()
        self.wait_plane(UNREACHABLE, self.two.socket)
        job = self.ctl('set-weight', 'web/http/a', '5')
        self.wait_job(job, self.QUEUED, self.two.socket)
        self.assertEqual((0, 5), self.one.state('http/a'))
        self.two.start()
        self.wait_job(job, self.SUCCEEDED)
        self.assertEqual((0, 5), self.two.state('http/a'))
        self.wait_plane(OK)

    def test_settings_of_a_restarted_process_are_restored(self):
        self.done('set-weight', 'web/http/a', '5')
        self.two.restart()
        wait_for(lambda: self.two.state('http/a') == (0, 5), EVENT_S, 'the setting is restored')


class PairDiffers(Plane):
    """One HAProxy of a pair finds a server down."""

    def test_reason_names_the_socket_that_finds_it_down(self):
        self.plane_world()
        rare = 'check inter 1h fastinter 1h downinter 1h weight 10'
        one, two = [self.haproxy({'http': {'a': rare}}, name) for name in ('one', 'two')]
        self.load(one)
        self.world.sql('UPDATE cluster SET plane_params = ?', '{"socket":["%s","%s"]}' % (
            one.socket, two.socket))
        self.start_driver()
        self.wait_reason('web/http/a', '')
        wait_for(lambda: ',L4OK,' in two.ask('show stat http 4 -1'), EVENT_S, 'a first check')
        two.ask('set server http/a health down')
        self.wait_reason('web/http/a', two.socket + ': DOWN by command or agent')
        self.wait_active('web/http/a', 1)
        wait_for(lambda: ',L4OK,' in one.ask('show stat http 4 -1'), EVENT_S, 'a first check')
        one.ask('set server http/a health down')
        self.wait_active('web/http/a', 0)
        wait_for(lambda: self.real('web/http/a')[3].startswith('DOWN by command'), EVENT_S,
                 'both agree')


class PairLacks(Plane):
    """The second HAProxy of a pair has no such server."""

    def setUp(self):
        self.plane_world()
        self.one = self.haproxy({'http': {'a': SERVER, 'b': SERVER}}, 'one')
        self.two = self.haproxy({'http': {'a': SERVER}}, 'two')
        self.lacks = 'HAProxy at %s has no such server' % self.two.socket
        self.load(self.one)
        self.world.sql("UPDATE cluster SET plane_params = ?", '{"socket":["%s","%s"]}' % (
            self.one.socket, self.two.socket))
        self.start_driver()

    def test_reason_and_plane_message_name_the_socket(self):
        self.wait_reason('web/http/b', self.lacks)
        self.wait_reason('web/http/a', '')
        self.wait_plane(OK, 'HAProxy at %s has no server http/b' % self.two.socket)

    def test_job_succeeds_and_names_the_socket(self):
        self.wait_job(self.ctl('set-weight', 'web/http/b', '20'), self.SUCCEEDED, self.lacks)
        self.assertEqual((0, 20), self.one.state('http/b'))
        self.wait_job(self.ctl('disable', 'web/http/b'), self.SUCCEEDED, self.lacks)
        self.assertEqual(FORCED_MAINT, self.one.state('http/b')[0])
        self.assertEqual('', self.done('set-weight', 'web/http/a', '20')[2])

    def test_repair_of_the_other_process_is_not_refused(self):
        self.done('set-weight', 'web/http/b', '20')
        self.one.ask('set server http/b weight 7')
        wait_for(lambda: self.one.state('http/b') == (0, 20), EVENT_S, 'the weight is restored')
        self.wait_plane(OK, 'has no server http/b')
        self.assertNotIn('No such server', self.driver_log())

    def test_server_that_both_lack_fails_the_job(self):
        self.set_services(self.one, {'http': {'a': SERVER}})
        self.one.reload()
        self.wait_reason('web/http/b', 'HAProxy has no such server')
        job = self.ctl('set-weight', 'web/http/b', '5')
        self.assertEqual(self.NOT_FOUND, self.wait_job(job, self.FAILED, 'no server http/b')[1])


class Drivers(Plane):
    """The driver itself."""

    def setUp(self):
        self.plane_world()

    def job_at_gate(self):
        """A gate in front of HAProxy, and a job whose command waits there."""
        proxy = self.haproxy({'http': {'a': SERVER, 'b': SERVER}})

        def behave(gate, connection, line):
            if line.startswith(b'set server'):
                gate.opened.wait(60)
            if not gate.closed:
                relay(proxy)(gate, connection, line)
        gate = Gate(os.path.join(self.world.dir, 'gate.sock'), behave)
        self.addCleanup(gate.close)
        self.world.ctl('discover', 'haproxy', gate.path, '--cluster', 'web', '--load')
        self.start_driver()
        job = self.ctl('set-weight', 'web/http/a', '5')
        wait_for(lambda: any(line.startswith('set server') for line in gate.lines), EVENT_S,
                 'the driver sends the command')
        # If the store is busy, the command may come before the job is claimed.
        self.wait_job(job, self.RUNNING)
        return proxy, gate, job

    def assert_second_exits(self):
        second = subprocess.run(self.driver_argv('-f'), capture_output=True, text=True,
                                timeout=60 * TIMEOUT_FACTOR, check=False)
        self.assertEqual(4, second.returncode)
        self.assertIn('another lbcluster-haproxy serves this store', second.stderr)
        self.assertTrue(self.driver.alive())

    def test_second_driver_exits(self):
        self.start_driver()
        self.assert_second_exits()

    def test_second_driver_exits_on_a_replaced_store(self):
        proxy = self.haproxy({'http': {'a': SERVER}})
        self.start_driver()
        os.rename(self.world.store, self.world.store + '.old')
        os.mkdir(self.world.store)
        self.load(proxy)
        wait_for(lambda: os.path.exists(self.world.store + '/lbcluster-haproxy.lock'), EVENT_S,
                 'the new lock is taken')
        self.assert_second_exits()
        self.done('set-weight', 'web/http/a', '4')
        self.assertEqual((0, 4), proxy.state('http/a'))

    def test_next_driver_carries_out_the_job_of_a_killed_driver(self):
        proxy, gate, job = self.job_at_gate()
        self.driver.kill()
        # No command of the killed driver may reach HAProxy.
        gate.close()
        self.assertEqual((0, 10), proxy.state('http/a'))
        gate = Gate(gate.path, relay(proxy))
        self.addCleanup(gate.close)
        self.start_driver()
        self.wait_job(job, self.SUCCEEDED)
        self.assertEqual((0, 5), proxy.state('http/a'))

    def test_held_job_is_carried_out_after_its_release(self):
        proxy = self.haproxy({'http': {'a': SERVER, 'b': SERVER}})
        self.load(proxy)
        self.start_driver()
        self.world.sql("""INSERT INTO job (real_id, operation, state, old_value, new_value,
            cluster_name, service_name, real_name)
            SELECT id, 5, 0, 10, 5, 'web', 'http', 'a' FROM real_service WHERE name = 'a'""")
        # Each of these is a round that would restore the setting of "a".
        for weight in '67':
            self.done('set-weight', 'web/http/b', weight)
        self.assertEqual((0, 10), proxy.state('http/a'))
        with contextlib.closing(self.world.connect()) as other:     # as lbclusterd does it
            other.executescript("""
                BEGIN IMMEDIATE;
                UPDATE real_service SET weight = 5 WHERE name = 'a';
                UPDATE job SET state = 1 WHERE id = 1;
                COMMIT;""")
        self.wait_job(1, self.SUCCEEDED)
        self.assertEqual((0, 5), proxy.state('http/a'))

    def test_job_of_a_row_that_the_driver_has_not_read_is_carried_out(self):
        proxy = self.haproxy({'http': {'a': SERVER, 'b': SERVER}})
        polled, answered = threading.Event(), threading.Event()

        def behave(gate, connection, line):
            if gate.opened.is_set():
                relay(proxy)(gate, connection, line)
                return
            polled.set()
            gate.opened.wait(60)
            relay(proxy)(gate, connection, line)
            connection.shutdown(socket.SHUT_RDWR)
            answered.set()
        gate = Gate(os.path.join(self.world.dir, 'gate.sock'), behave)
        self.addCleanup(gate.close)
        self.configure(timeout=10)
        self.load(proxy)
        self.world.ctl('remove', 'web/http/b')
        self.world.sql('UPDATE cluster SET plane_params = ?', '{"socket": ["%s"]}' % gate.path)
        self.start_driver(wait=False)
        self.assertTrue(polled.wait(EVENT_S))
        # The driver has the answer of HAProxy before it can read the new row.
        stop(self.driver)
        with contextlib.closing(self.world.connect()) as other:
            other.executescript("""
                BEGIN IMMEDIATE;
                INSERT INTO real_service (service_id, name, weight)
                    SELECT id, 'b', 5 FROM service;
                INSERT INTO job (real_id, operation, old_value, new_value, cluster_name,
                    service_name, real_name)
                    SELECT id, 5, 10, 5, 'web', 'http', 'b' FROM real_service
                    WHERE name = 'b';
                COMMIT;""")
        gate.opened.set()
        self.assertTrue(answered.wait(EVENT_S))
        self.driver.signal(signal.SIGCONT)
        self.wait_job(1, self.SUCCEEDED)
        self.assertEqual((0, 5), proxy.state('http/b'))

    def test_locked_store_loses_no_job(self):
        proxy, gate, job = self.job_at_gate()
        with contextlib.closing(self.world.connect()) as other:
            other.execute('BEGIN IMMEDIATE')
            gate.opened.set()
            wait_for(lambda: 'the next round tries again' in self.driver_log(), EVENT_S,
                     'the driver cannot write the result')
            self.assertEqual(self.RUNNING, self.job(job)[0])
            other.execute('ROLLBACK')
        self.wait_job(job, self.SUCCEEDED)
        self.assertEqual((0, 5), proxy.state('http/a'))
        wait_for(lambda: 'is written again' in self.driver_log(), EVENT_S, 'a log line')

    def test_job_does_not_wait_for_the_interval(self):
        self.configure(interval=3600)
        proxy = self.haproxy({'http': {'a': SERVER}})
        self.load(proxy)
        self.start_driver()
        for weight in (5, 6, 7):
            self.done('set-weight', 'web/http/a', str(weight))
            self.assertEqual((0, weight), proxy.state('http/a'))

    def test_changed_inventory_is_followed(self):
        self.start_driver()
        proxy = self.haproxy({'http': {'a': SERVER, 'b': SERVER}})
        self.load(proxy)
        self.wait_plane(OK)
        self.world.ctl('remove', 'web/http/a')
        self.done('set-weight', 'web/http/b', '3')
        self.world.ctl('remove', 'web')
        other = self.haproxy({'http': {'a': SERVER, 'b': SERVER}}, 'other')
        self.load(other)
        self.wait_plane(OK)
        self.done('set-weight', 'web/http/a', '4')
        self.assertEqual(((0, 4), (0, 10)), (other.state('http/a'), proxy.state('http/a')))

    def test_changed_socket_is_followed(self):
        proxy = self.haproxy({'http': {'a': SERVER}})
        other = self.haproxy({'http': {'a': SERVER}}, 'other')
        self.load(proxy)
        self.start_driver()
        self.world.ctl('discover', 'haproxy', other.socket, '--cluster', 'web', '--load',
                       '--change-plane')
        wait_for(lambda: proxy.kill() or True, 1, 'the first HAProxy ended')
        self.done('set-weight', 'web/http/a', '4')
        self.assertEqual((0, 4), other.state('http/a'))

    def test_clusters_of_other_planes_are_not_served(self):
        self.world.load('cluster plain { service s { real r { address = 10.0.0.1 } } }')
        self.start_driver(wait=False)
        proxy = self.haproxy({'http': {'a': SERVER}})
        self.load(proxy)
        self.wait_plane(OK)
        self.assertEqual((1, ''), self.plane('plain'))
        self.assertEqual({}, self.statistics('plain/s/r'))

    def test_once_is_one_round(self):
        proxy = self.haproxy({'http': {'a': SERVER, 'b': SERVER}})
        self.load(proxy)
        job = self.ctl('set-weight', 'web/http/a', '5')
        done = self.once()
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(self.SUCCEEDED, self.job(job)[0])
        self.assertEqual(1, self.statistics('web/http/b')['active'])
        proxy.kill()
        self.assertEqual(1, self.once().returncode)
        self.assertEqual(UNREACHABLE, self.plane()[0])

    def test_sighup_reads_the_configuration(self):
        proxy = self.haproxy({'http': {'a': SERVER}})
        self.load(proxy)
        self.configure(interval=3600)
        self.start_driver()
        self.wait_statistics('web/http/a', lambda row: row['bps_out'] is None, 'one round')
        self.configure(interval=0.2)
        self.driver.signal(signal.SIGHUP)
        self.wait_statistics('web/http/a', lambda row: row['bps_out'] is not None, 'another round')
        self.assertIn('read again', self.driver_log())

    def test_driver_enters_the_background_when_it_serves(self):
        done = subprocess.run(self.driver_argv(), capture_output=True, text=True,
                              timeout=60 * TIMEOUT_FACTOR, check=False)
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        pids = [pid for pid in os.listdir('/proc') if pid.isdigit() and
                self.conf.encode() in command_line(pid)]
        self.assertEqual(1, len(pids))
        os.kill(int(pids[0]), signal.SIGTERM)
        wait_for(lambda: not command_line(pids[0]), EVENT_S, 'the driver ends')


class Options(Plane):
    """Runs that end at once."""

    def setUp(self):
        self.plane_world()

    def run_driver(self, *args):
        return subprocess.run([DRIVER, *args], capture_output=True, text=True,
                              timeout=60 * TIMEOUT_FACTOR, check=False)

    def test_version_is_printed(self):
        done = self.run_driver('--version')
        self.assertEqual(0, done.returncode)
        self.assertRegex(done.stdout, r'\Albcluster-haproxy \d')

    def test_wrong_usage_is_reported(self):
        for args in (['-Z'], ['operand'], ['-l', 'loud'], ['-c', '/nonexistent'],
                     ['-s', '', '--once']):
            done = self.run_driver(*args)
            self.assertEqual(2, done.returncode, args)
            self.assertNotEqual('', done.stderr)

    def test_wrong_configuration_is_reported_with_file_and_line(self):
        for line in ('interval = 0.01', 'interval = 3601', 'timeout = 0', 'drain-time = -1',
                     'job-patience = 0', 'log-level = loud', 'store = here', 'nonsense = 1'):
            with open(self.conf, 'w', encoding='utf-8') as file:
                file.write('log-level = info\n%s\n' % line)
            done = self.run_driver('-c', self.conf, '--once')
            self.assertEqual(2, done.returncode, line)
            self.assertIn(self.conf + ':2:', done.stderr)

    def test_unusable_store_is_reported(self):
        done = self.run_driver('-c', self.conf, '-s', '/nonexistent/store', '--once')
        self.assertEqual(3, done.returncode)


class Discover(Plane):
    """From a running HAProxy to an inventory."""

    def test_inventory_has_the_servers_of_haproxy(self):
        self.plane_world()
        proxy = self.haproxy({'http': {'a': SERVER, 'f': SERVER + ' backup'},
                              'api': {'b': 'weight 7 disabled'}, 'nothing': {}})
        text = self.world.ctl('discover', 'haproxy', proxy.socket, '--cluster', 'edge').stdout
        self.assertIn('# left out: backend nothing, which has no server\n', text)
        self.assertIn('cluster edge {\n    plane = haproxy\n    socket = { "%s" }\n' %
                      proxy.socket, text)
        self.world.load(text)
        port = {name: str(backend.port) for name, backend in self.backends.items()}
        self.assertEqual([
            ('api', 'b', '127.0.0.1', port['b'], 7, 0, 0),
            ('http', 'a', '127.0.0.1', port['a'], 10, 0, 1),
            ('http', 'f', '127.0.0.1', port['f'], 10, 1, 1)], self.world.sql(
                'SELECT s.name, r.name, r.address, r.port, weight, fallback, r.enabled'
                ' FROM real_service r JOIN service s ON s.id = service_id ORDER BY 1, 2'))
        # A second load changes nothing.
        done = self.world.ctl('discover', 'haproxy', proxy.socket, '-c', 'edge', '--load')
        self.assertIn('added 0, updated 0, removed 0', done.stdout)

    def test_plane_of_an_existing_cluster_is_changed_only_with_the_option(self):
        self.plane_world()
        one = self.haproxy({'http': {'a': SERVER}})
        two = self.haproxy({'http': {'a': SERVER}}, name='two')
        self.world.load('cluster web { service http { real a { address = 10.0.0.1 } } }')

        def plane():
            return self.world.sql('SELECT plane, plane_params FROM cluster')
        for socket, there in ((one.socket, 'exists with plane none, not haproxy'),
                              (two.socket, 'exists with the parameters {"socket":["%s"]}'
                               % one.socket)):
            stored = plane()
            for args in (['-l'], ['-ln']):
                done = self.world.ctl('discover', 'haproxy', socket, '-c', 'web', *args,
                                      check=False)
                self.assertEqual((4, ''), (done.returncode, done.stdout))
                self.assertIn('lbclusterctl: web: ' + there, done.stderr)
                self.assertIn('--change-plane', done.stderr)
                self.assertEqual(stored, plane())
            self.world.ctl('discover', 'haproxy', socket, '-c', 'web', '-l', '--change-plane')
            self.assertEqual([('haproxy', '{"socket":["%s"]}' % socket)], plane())

    def test_unusable_socket_is_reported(self):
        self.plane_world()
        done = self.world.ctl('discover', 'haproxy', '/nonexistent/s', check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn('/nonexistent/s: No such file', done.stderr)
        for args in (['ipvs', '/s'], ['haproxy', '/s', '--cluster', 'a/b'], ['haproxy']):
            self.assertEqual(2, self.world.ctl('discover', *args, check=False).returncode)


if __name__ == '__main__':
    main()
