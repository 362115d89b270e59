# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# lbcluster-haproxy with several servers of a real HAProxy: backups, places of a template,
# servers that are down, reloads with open connections, servers that only one side has.
"""Backups, templates, checks, reloads, differences."""

import json
import socket
import threading

import mib
from dns import Dns
from harness import free_port, main, wait_for
from haproxy import CHECK, EVENT_S, FORCED_DRAIN, FORCED_MAINT, SERVER, HAProxy, Plane

UP, DEGRADED, ON_FALLBACK, DOWN = 1, 2, 3, 4
IN_USE, STANDBY, DRAINING, INACTIVE = 1, 2, 3, 4


class Fleet(Plane):
    """A driver, and lbclusterd behind snmpd."""

    def serve(self, services, **options):
        self.plane_world(**options)
        self.proxy = self.haproxy(services)
        self.load(self.proxy)
        self.start_driver()

    def manage(self):
        self.world.start()
        self.addCleanup(self.world.stop_daemon)

    def wait_status(self, status, path='web/http'):
        self.world.wait_value(status, 'lbcServiceStatus', *self.world.number(path + '/a')[:2],
                              deadline_s=EVENT_S)

    def wait_oper(self, status, path):
        self.world.wait_value(status, 'lbcRealOperStatus', *self.world.number(path),
                              deadline_s=EVENT_S)

    def wait_share(self, names):
        wait_for(lambda: set(self.proxy.share('http', 6)) == set(names), EVENT_S,
                 'requests go to %s' % names)


class Backups(Fleet):
    """A service with two backups of HAProxy's configuration; y is the fallback."""

    def setUp(self):
        self.serve({'http': {'a': CHECK, 'y': CHECK + ' backup', 'z': CHECK + ' backup'}})
        self.manage()

    def test_service_is_on_fallback_while_only_backups_are_active(self):
        self.wait_status(UP)
        self.wait_oper(STANDBY, 'web/http/y')
        self.wait_oper(STANDBY, 'web/http/z')
        self.backend('a').stop()
        self.wait_share('y')
        self.wait_status(ON_FALLBACK)
        self.wait_oper(IN_USE, 'web/http/y')
        self.backend('y').stop()
        self.wait_share('z')
        self.wait_oper(INACTIVE, 'web/http/y')
        self.wait_status(ON_FALLBACK)
        self.wait_oper(IN_USE, 'web/http/z')
        self.backend('z').stop()
        self.wait_status(DOWN)
        self.backend('a').start()
        self.wait_status(UP)

    def test_backup_that_is_down_does_not_degrade_the_service(self):
        self.backend('z').stop()
        self.wait_oper(INACTIVE, 'web/http/z')
        self.wait_status(UP)

    def test_handover_between_backups_fails_for_both(self):
        y, z = (self.world.number('web/http/' + name) for name in 'yz')
        self.world.set_with_retries((mib.oid('lbcRealFallback', *y), 'i', 2),
                                    (mib.oid('lbcRealFallback', *z), 'i', 1))
        jobs = dict(self.world.sql('SELECT real_name, id FROM job'))
        self.assertEqual(self.REJECTED, self.wait_job(jobs['y'], self.FAILED,
                                                      'makes it a backup')[1])
        self.assertEqual(self.REJECTED, self.wait_job(jobs['z'], self.FAILED,
                                                      'y stays the fallback')[1])
        self.assertEqual([1, 0], [self.real('web/http/' + name)[2] for name in 'yz'])
        self.world.wait_value(y[2], 'lbcServiceFallbackReal', *y[:2])


class Handover(Fleet):
    """A handover to a server that is not a backup of HAProxy."""

    def test_fallback_by_set_is_handed_over(self):
        self.serve({'http': {'a': CHECK, 'f': CHECK, 'g': CHECK}})
        self.manage()
        self.done('enable-fallback', 'web/http/f')
        f, g = (self.world.number('web/http/' + name) for name in 'fg')
        self.world.set_with_retries((mib.oid('lbcRealFallback', *g), 'i', 1),
                                    (mib.oid('lbcRealFallback', *f), 'i', 2))
        self.world.wait_value(0, 'lbcRealPendingJobs', *f)
        self.world.wait_value(0, 'lbcRealPendingJobs', *g)
        self.assertEqual({self.SUCCEEDED}, {row[0] for row in self.world.sql(
            'SELECT state FROM job')})
        self.wait_share('af')

    def test_backup_of_haproxy_does_not_hand_over_to_a_server(self):
        self.serve({'http': {'a': CHECK, 'b': CHECK, 'y': CHECK + ' backup'}})
        self.manage()
        b, y = (self.world.number('web/http/' + name) for name in 'by')
        self.world.set_with_retries((mib.oid('lbcRealFallback', *y), 'i', 2),
                                    (mib.oid('lbcRealFallback', *b), 'i', 1))
        jobs = dict(self.world.sql('SELECT real_name, id FROM job'))
        self.wait_job(jobs['y'], self.FAILED, 'makes it a backup')
        self.wait_job(jobs['b'], self.FAILED, 'y stays the fallback')
        self.assertEqual([0, 1], [self.real('web/http/' + name)[2] for name in 'by'])
        self.wait_share('ab')
        # b is ready again, and no other program had changed it.
        self.wait_rounds()
        self.assertEqual((2, ''), self.plane())
        self.assertNotIn('restored', self.driver_log())


_RESOLVERS = """
resolvers r
    nameserver n 127.0.0.1:{port}
    hold valid 200ms
    hold obsolete 0s
    hold nx 0s
    timeout resolve 200ms
    timeout retry 200ms
"""


class Templates(Fleet):
    """A template of four places, filled from the DNS."""

    def setUp(self):
        self.plane_world()

    def fill(self, template, names):
        self.dns = Dns(names)
        self.addCleanup(self.dns.close)
        self.proxy = HAProxy(self.world)
        self.proxy.ports['http'] = free_port()
        self.proxy.configure({}, more=_RESOLVERS.format(port=self.dns.port) + """
listen http
    bind 127.0.0.1:%d
    server a 127.0.0.1:%d %s
    server-template pod 1-4 %s resolvers r resolve-prefer ipv4 init-addr none weight 10 %s
""" % (self.proxy.ports['http'], self.backend('a').port, CHECK, template, CHECK))
        self.proxy.start()
        self.load(self.proxy)
        self.start_driver()
        self.manage()

    def wait_places(self, n):
        """Waits until n places have the reason of a spare place."""
        def spare():
            return len(self.world.sql("SELECT 1 FROM real_service WHERE name LIKE 'pod%' AND"
                                      " reason LIKE 'spare place of a template: %'")) == n
        wait_for(spare, EVENT_S, '%d spare places' % n)

    def test_spare_places_of_a_name_do_not_degrade_the_service(self):
        self.fill('app.test:%d' % self.backend('b').port, {'app.test': ['127.0.0.1']})
        self.wait_places(3)
        self.wait_status(UP)
        c, s = self.world.number('web/http/a')[:2]
        self.world.wait_value(5, 'lbcServiceRealsEnabled', c, s)
        self.world.wait_value(2, 'lbcServiceRealsActive', c, s)
        # The server of the template fails.
        self.backend('b').stop()
        self.wait_status(DEGRADED)
        self.backend('b').start()
        self.wait_status(UP)
        # The name does not resolve: no place is spare, and all places are down.
        self.dns.names.clear()
        self.wait_places(0)
        self.wait_status(DEGRADED)

    def test_spare_places_of_a_srv_record_do_not_degrade_the_service(self):
        b, d = (self.backend(name).port for name in 'bd')
        self.fill('_app._tcp.test', {
            '_app._tcp.test': [(b, 'b.test'), (d, 'd.test')],
            'b.test': ['127.0.0.1'], 'd.test': ['127.0.0.1']})
        self.wait_places(2)
        self.wait_status(UP)
        # A target that does not resolve is a missing server.
        del self.dns.names['d.test']
        self.wait_status(DEGRADED)
        self.wait_places(2)
        # The record has fewer servers on purpose.
        self.dns.names['_app._tcp.test'] = [(b, 'b.test')]
        self.wait_places(3)
        self.wait_status(UP)


class Requests:
    """Sends requests one after the other until stop(), and counts the answers by server."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.count = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self):
        while not self._end.is_set():
            for name, n in self.proxy.share('http', 1).items():
                self.count[name] = self.count.get(name, 0) + n

    def wait(self, n, name):
        goal = self.count.get(name, 0) + n
        wait_for(lambda: self.count.get(name, 0) >= goal, EVENT_S, '%s answers' % name)

    def stop(self):
        self._end.set()
        self._thread.join(EVENT_S)
        return self.count


class Checks(Fleet):
    """HAProxy treats a server as up until its first check has ended."""

    def disable_down(self, fallback):
        """Server a is down and disabled, and the fallback f works."""
        self.serve({'http': {'a': CHECK, 'f': CHECK + fallback}})
        if not fallback:
            self.done('enable-fallback', 'web/http/f')
        self.done('disable', 'web/http/a')
        self.backend('a').stop()
        self.wait_share('f')

    def enable_dead(self):
        requests = Requests(self.proxy)
        requests.wait(3, 'f')
        state, _, message = self.done('enable', 'web/http/a')
        self.assertEqual('gets work when its checks pass', message)
        self.assertEqual((0, 10), self.proxy.state('http/a'))
        self.wait_reason('web/http/a', 'DOWN by lbcluster until its checks pass: L4CON')
        requests.wait(3, 'f')
        self.backend('a').start()
        self.wait_share('a')
        self.assertLessEqual(set(requests.stop()), {'a', 'f'})
        self.wait_reason('web/http/a', '')

    def test_server_that_is_down_is_enabled_beside_a_fallback_by_set(self):
        self.disable_down('')
        self.enable_dead()
        self.wait_reason('web/http/f', 'held in reserve')

    def test_server_that_is_down_is_enabled_beside_a_backup_of_haproxy(self):
        self.disable_down(' backup')
        self.enable_dead()

    def test_server_without_a_check_gets_work_at_once(self):
        self.serve({'http': {'a': SERVER, 'f': SERVER}})
        self.done('enable-fallback', 'web/http/f')
        self.done('disable', 'web/http/a')
        self.wait_share('f')
        self.assertEqual('', self.done('enable', 'web/http/a')[2])
        self.wait_share('a')

    def test_fallback_stays_in_when_haproxy_restarts_with_a_server_that_is_down(self):
        self.plane_world()
        # A check of TLS lasts as long as this listener keeps the connection.
        self.backend('a').stop()
        silent = socket.create_server(('127.0.0.1', self.backend('a').port))
        self.addCleanup(silent.close)
        silent.settimeout(EVENT_S)
        self.proxy = HAProxy(self.world)
        self.set_services(self.proxy, {'http': {
            'a': 'check check-ssl verify none inter 60000 downinter 60000 fall 1 rise 1',
            'f': CHECK}})
        with open(self.proxy.config, encoding='utf-8') as file:
            text = file.read().replace('timeout connect 1s', 'timeout connect 60s')
        with open(self.proxy.config, 'w', encoding='utf-8') as file:
            file.write(text)
        self.proxy.start()
        silent.accept()[0].close()
        self.load(self.proxy)
        self.start_driver()
        self.done('enable-fallback', 'web/http/f')
        self.wait_reason('web/http/a', 'L6')
        self.wait_share('f')
        self.proxy.restart()
        check = silent.accept()[0]
        self.wait_reason('web/http/f', 'brought in by lbcluster: no check of another')
        check.close()
        self.wait_reason('web/http/f', 'brought in by lbcluster: no other server is up')
        self.assertNotIn('http/f: fallback is held in reserve', self.driver_log())


class Reloads(Fleet):
    """A drain while an earlier HAProxy process still serves a connection to a."""

    def hold(self, socket, more=''):
        self.proxy.configure({'http': {name: (self.backend(name).port, SERVER)
                                       for name in 'ab'}}, more=more)
        with open(self.proxy.config, encoding='utf-8') as file:
            text = file.read().replace('hard-stop-after 2s', 'hard-stop-after 120s')
        with open(self.proxy.config, 'w', encoding='utf-8') as file:
            file.write(text)
        self.proxy.start()
        self.world.ctl('discover', 'haproxy', socket, '--cluster', 'web', '--load')
        self.start_driver()
        self.done('set-weight', 'web/http/b', '0')
        self.answers = []
        self.client = threading.Thread(target=lambda: self.answers.append(
            self.proxy.get('http', '/slow', 120)), daemon=True)
        self.client.start()
        self.assertTrue(self.backend('a').slow_begun.wait(EVENT_S))
        self.done('set-weight', 'web/http/b', '10')

    def reload(self):
        self.old = self.proxy.reload()
        self.wait_statistics('web/http/a', lambda row: row['active_connections'] == 0,
                             'the driver has seen the new process')

    def release(self):
        self.backend('a').slow_may_end.set()
        self.client.join(EVENT_S)
        self.assertEqual([(200, 'a')], self.answers)

    def setUp(self):
        self.plane_world(drain_time=600)
        self.proxy = HAProxy(self.world)

    def test_server_drains_until_the_old_process_has_ended(self):
        self.hold(self.proxy.socket)
        self.reload()
        self.done('disable', 'web/http/a')
        self.wait_reason('web/http/a', 'DRAIN by lbcluster: HAProxy process %d, from before a '
                         'reload, still runs' % self.old.pid)
        self.assertEqual({'b': 6}, self.proxy.share('http', 6))
        rounds = self.driver_log().count('[round]')
        wait_for(lambda: self.driver_log().count('[round]') > rounds + 2, EVENT_S, 'two rounds')
        self.assertEqual(FORCED_DRAIN, self.proxy.state('http/a')[0])
        self.release()
        wait_for(lambda: self.proxy.state('http/a')[0] == FORCED_MAINT, EVENT_S, 'a is out')
        wait_for(lambda: self.real('web/http/a')[3] == 'MAINT by lbcluster', EVENT_S, 'reason')
        self.assertRegex(self.driver_log(), r'web/http/a: drained\n')

    def test_end_of_the_drain_time_names_the_old_process(self):
        self.stop_driver()
        self.configure(drain_time=1)
        self.hold(self.proxy.socket)
        self.reload()
        self.done('disable', 'web/http/a')
        message = 'HAProxy process %d, from before a reload, still runs' % self.old.pid
        wait_for(lambda: self.proxy.state('http/a')[0] == FORCED_MAINT, EVENT_S, 'a is out')
        self.wait_reason('web/http/a', 'MAINT by lbcluster: ' + message)
        self.assertIn('web/http/a: drain time is over; ' + message, self.driver_log())
        self.release()
        wait_for(lambda: self.real('web/http/a')[3] == 'MAINT by lbcluster', EVENT_S, 'reason')

    def test_process_that_cannot_be_seen_is_reported(self):
        name = 'ipv4@127.0.0.1:%d' % free_port()
        self.hold(name, 'global\n    stats socket %s level admin\n' % name)
        self.reload()
        self.done('disable', 'web/http/a')
        message = 'its connections in a HAProxy process from before a reload cannot be seen'
        self.wait_reason('web/http/a', 'MAINT by lbcluster: ' + message)
        self.assertIn('web/http/a: drained; ' + message, self.driver_log())
        self.release()


class Differences(Fleet):
    """Servers that only HAProxy or only the store has."""

    def setUp(self):
        self.services = {'http': {name: SERVER for name in 'abc'}, 'other': {'x': SERVER}}
        self.serve(self.services)

    def discover(self, *args):
        return self.world.ctl('discover', 'haproxy', self.proxy.socket, '--cluster', 'web', *args)

    def doctor(self):
        return self.world.ctl('doctor', check=False).stdout

    def test_difference_is_counted_and_named(self):
        self.manage()
        self.wait_plane(2)
        self.assertEqual('', self.plane()[1])
        cluster = self.world.number('web/http/a')[0]
        # A backend that is not in the inventory is not compared.
        self.world.ctl('remove', 'web/other')
        self.world.ctl('remove', 'web/http/c')
        self.wait_plane(2, 'the store has no http/c')
        del self.services['http']['b']
        self.set_services(self.proxy, self.services)
        self.proxy.reload()
        message = 'inventory differs: HAProxy has no http/b; the store has no http/c'
        self.wait_plane(2, message)
        self.assertNotIn('other', self.plane()[1])
        self.world.wait_value(self.plane()[1].encode(), 'lbcClusterPlaneMessage', cluster)
        self.world.wait_value(2, 'lbcClusterPlaneStatus', cluster)
        self.assertIn(message, self.driver_log())
        # On a busy machine /proc/locks may not show a lock.
        wait_for(lambda: message in self.doctor(), EVENT_S, 'doctor names them')
        wait_for(lambda: 'discover haproxy' in self.doctor(), EVENT_S, 'doctor has a fix')
        # The difference ends.
        self.services['http']['b'] = SERVER
        self.set_services(self.proxy, self.services)
        self.proxy.reload()
        self.load(self.proxy)
        wait_for(lambda: 'inventory' not in self.plane()[1], EVENT_S, 'no difference')
        self.assertIn('inventory no longer differs', self.driver_log())

    def test_discover_names_what_only_one_side_has(self):
        self.world.ctl('remove', 'web/other')
        self.world.ctl('remove', 'web/http/c')
        del self.services['http']['b']
        self.set_services(self.proxy, self.services)
        self.proxy.reload()
        before = self.world.sql('SELECT name FROM real_service ORDER BY name')
        done = self.discover('-n')
        for line in ('+ web/http/c', '+ web/other', '+ web/other/x'):
            self.assertIn(line + '\n', done.stdout)
        self.assertIn('web/http/b: HAProxy has no such server\n', done.stderr)
        self.assertIn('rows that HAProxy does not have: 1', done.stderr.splitlines()[-1])
        self.assertEqual(before, self.world.sql('SELECT name FROM real_service ORDER BY name'))
        done = self.discover('--load')
        self.assertIn('rows that HAProxy does not have: 1', done.stderr.splitlines()[-1])
        self.world.ctl('remove', 'web/http/b')
        self.assertEqual('', self.discover('--load').stderr)

    def test_prune_removes_what_only_the_store_has(self):
        self.world.load('cluster mail { service smtp { real mx { address = 10.0.1.1 } } }')
        del self.services['http']['b']
        self.services['other'] = {}
        # A backend without servers keeps its service.
        for removed, unchanged in (2, 5), (1, 4):
            self.set_services(self.proxy, self.services)
            self.proxy.reload()
            done = self.discover('--load', '--prune')
            self.assertEqual(('', 'added 0, updated 0, removed %d, unchanged %d\n'
                              % (removed, unchanged)), (done.stderr, done.stdout))
            self.services.pop('other', None)
        paths = [row[0] for row in self.world.sql('SELECT name FROM real_service ORDER BY name')]
        self.assertEqual(['a', 'c', 'mx'], paths)

    def diff(self, *args):
        done = self.world.ctl('diff', *args, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_diff_is_what_discover_would_change(self):
        self.assertEqual((0, '', ''), self.diff())
        self.world.ctl('remove', 'web/http/c')
        del self.services['http']['b']
        self.set_services(self.proxy, self.services)
        self.proxy.reload()
        lines = ['- web/http/b\n', '+ web/http/c\n']
        self.assertEqual((1, '--- web\n+++ haproxy %s\n%s%s' % (self.proxy.socket, *lines), ''),
                         self.diff())
        rows = json.loads(self.diff('--json', 'web')[1])
        self.assertEqual([('remove', 'web/http/b'), ('add', 'web/http/c')],
                         [(row['change'], row['path']) for row in rows])
        self.assertEqual({'haproxy ' + self.proxy.socket}, {row['source'] for row in rows})
        self.assertIn(''.join(lines), self.discover('-n', '--prune').stdout)
        # A setting differs if it was changed in HAProxy.
        self.discover('--load', '--prune')
        self.stop_driver()
        self.proxy.ask('set server http/a weight 7')
        self.assertEqual((0, '', ''), self.diff('web'))
        status, out, _ = self.diff('web', '--settings')
        self.assertEqual(1, status)
        self.assertRegex(out, r'\n~ web/http/a weight \d+ -> 7\n')
        self.proxy.ask('set server http/a weight 1')
        # diff does not show differences that lbcluster causes: it takes disabled servers out and
        # holds a fallback in reserve.
        self.start_driver()
        self.done('enable-fallback', 'web/http/c')
        self.done('disable', 'web/other')
        wait_for(lambda: self.proxy.state('other/x')[0] == FORCED_MAINT, EVENT_S, 'x is out')
        self.wait_reason('web/http/c', 'held in reserve by lbcluster')
        self.assertEqual((0, '', ''), self.diff('-S'))
        self.stop_driver()
        self.proxy.ask('set server other/x state ready')
        status, out, _ = self.diff('-S')
        self.assertEqual(1, status)
        self.assertTrue(out.endswith('\n~ web/other enabled no -> yes\n'), out)
        self.proxy.kill()
        status, out, err = self.diff()
        self.assertEqual((7, ''), (status, out))
        self.assertIn('web: %s: ' % self.proxy.socket, err)
        self.assertTrue(err.endswith('; "lbclusterctl doctor" says what to do\n'), err)


if __name__ == '__main__':
    main()
