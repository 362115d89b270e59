# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Notifications that a real snmptrapd receives from a real snmpd: their contents, when they
# are sent, and that many of them delay no answer.
#
# To see that a notification is not sent, a test waits for a later one of the same kind:
# these come in the order of their events.
"""Notifications."""

import os
import re
import time

import mib
from agentx import Subagent
from harness import Case, date, main, wait_for
from mib import FALSE, TRUE
from traps import V2C, V2C_INFORM, V3_INFORM, V3_TRAP, Traps

COMMIT_FAILED = 14
IN_USE, STANDBY, DRAINING, INACTIVE = 1, 2, 3, 4
UP, DEGRADED, ON_FALLBACK, DOWN, DISABLED, UNKNOWN = range(1, 7)
REJECTED = 3

INVENTORY = """
cluster web {
    plane = none
    service http {
        address = 192.0.2.10  port = 80  protocol = tcp
        real a { address = 10.0.0.1  port = 80  weight = 10 }
        real b { address = 10.0.0.2  port = 80  weight = 10 }
        real f { address = 10.0.0.3  port = 80  weight = 10  fallback = yes }
    }
    service mark {
        address = 192.0.2.10  port = 81  protocol = tcp
        real m { address = 10.0.0.4  port = 81  weight = 1 }
    }
}
cluster driven {
    plane = haproxy
    socket = /nonexistent/haproxy.sock
    service s {
        address = 192.0.2.11  port = 80  protocol = tcp
        real p { address = 10.0.1.1  port = 80  weight = 10 }
    }
}
"""
PATHS = ('web/http/a', 'web/http/b', 'web/http/f', 'web/mark/m', 'driven/s/p')
A, B, F, M, P = (1, 1, 1), (1, 1, 2), (1, 1, 3), (1, 2, 4), (2, 3, 5)
HTTP, MARK = A[:2], M[:2]
ENABLE = mib.oid('lbcNotifyEnable', 0)
ALL = ('realActive', 'realConfig', 'serviceStatus', 'jobFinished', 'stats')


def bits(*names):
    return bytes([sum(0x80 >> ALL.index(name) for name in names)])


def of_real(row, *columns, extra=('lbcRealPath', 'lbcRealOperStatusReason')):
    """OBJECTS of a notification for a real service and the additional objects, with their
    instances. The instance of a scalar is in 'columns'."""
    return [('lbcClusterName', row[:1]), ('lbcServiceName', row[:2]), ('lbcRealName', row),
            *[column if isinstance(column, tuple) else (column, row) for column in columns],
            *[(column, row) for column in extra]]


class NotifyCase(Case):
    """A world in which all services are up."""

    interval = 0
    conf = {}
    sink = {}

    def setUp(self):
        self.world = world = self.new_world()
        self.traps = Traps(world, **self.sink)
        world.configure(notify_min_interval=self.interval, **self.conf)
        world.load(INVENTORY)
        self.measure(*PATHS)
        world.start()

    def reason(self, number, text):
        """The reason of a real service, as a driver writes it before a measurement."""
        self.world.sql('UPDATE real_service SET reason = ? WHERE id = ?', text, number)

    def measure(self, *paths, active=True, **more):
        self.world.import_statistics([{'path': path, 'active': active, **more}
                                      for path in paths])

    def set(self, *varbinds):
        return self.world.client().set_answer(*varbinds).status

    def enable(self, *names):
        self.assertEqual('noError', self.set((ENABLE, 's', bits(*names))))

    def weight(self, row, weight):
        self.assertEqual('noError', self.set((mib.oid('lbcRealWeight', *row), 'u', weight)))

    def mark(self):
        """Waits for the notification of a service that changes now, and so for all before it."""
        before = len(self.of_mark())
        self.measure('web/mark/m', active=self.world.get('lbcServiceStatus', *MARK) != UP)
        wait_for(lambda: len(self.of_mark()) > before, 10, 'the mark is reported')

    def of_mark(self):
        return [trap for trap in self.traps.all('lbcServiceStatusChange')
                if trap.values['lbcServiceName'] == 'mark']

    def but_mark(self, name=None):
        """All notifications of a kind without those of mark()."""
        return [trap for trap in self.traps.all(name)
                if trap.values.get('lbcServiceName') != 'mark']


class Each(NotifyCase):
    """The contents of each of the six notifications."""

    def test_real_active_change_has_all_objects(self):
        since = time.time()
        self.reason(1, 'L4CON: Connection refused')
        self.measure('web/http/a', active=False)
        trap, = self.traps.wait('lbcRealActiveChange', lbcRealName='a')
        self.assertEqual(of_real(A, 'lbcRealStatsActive', 'lbcRealOperStatus',
                                 'lbcRealStatsLastUpdate'), trap.objects)
        self.assertEqual(('web', 'http', FALSE, INACTIVE), (
            trap.values['lbcClusterName'], trap.values['lbcServiceName'],
            trap.values['lbcRealStatsActive'], trap.values['lbcRealOperStatus']))
        self.assert_now(trap.values['lbcRealStatsLastUpdate'], since)
        self.assertEqual(['web/http/a', 'L4CON: Connection refused'],
                         list(trap.values.values())[-2:])
        self.measure('web/http/a')
        trap, = self.traps.wait('lbcRealActiveChange', lbcRealStatsActive=TRUE)
        self.assertEqual(IN_USE, trap.values['lbcRealOperStatus'])
        self.assertEqual(2, len(self.traps.all('lbcRealActiveChange')))

    def test_real_config_change_covers_all_columns_at_once(self):
        self.assertEqual('noError', self.set(
            (mib.oid('lbcRealFallback', *F), 'i', FALSE),
            (mib.oid('lbcRealFallback', *A), 'i', TRUE),
            (mib.oid('lbcRealWeight', *A), 'u', 33)))
        for row, name, values in ((A, 'a', (TRUE, TRUE, 33)), (F, 'f', (TRUE, FALSE, 10))):
            trap, = self.traps.wait('lbcRealConfigChange', lbcRealName=name)
            self.assertEqual(of_real(row, 'lbcRealEnabled', 'lbcRealFallback',
                                     'lbcRealWeight', 'lbcRealLastJob',
                                     extra=('lbcRealPath',)), trap.objects)
            self.assertEqual('web/http/' + name, trap.values['lbcRealPath'])
            self.assertEqual(values, (
                trap.values['lbcRealEnabled'], trap.values['lbcRealFallback'],
                trap.values['lbcRealWeight']))
            self.assertEqual(self.world.get('lbcRealLastJob', *row),
                             trap.values['lbcRealLastJob'])
        self.traps.wait('lbcJobEnd', 3)
        self.assertEqual(2, len(self.traps.all('lbcRealConfigChange')))

    def test_real_config_change_by_lbclusterctl_is_sent(self):
        self.world.ctl('set-weight', 'web/http/b', '7')
        trap, = self.traps.wait('lbcRealConfigChange')
        self.assertEqual(('b', 7), (trap.values['lbcRealName'], trap.values['lbcRealWeight']))

    def test_service_status_change_has_all_objects(self):
        self.reason(1, 'L4TOUT')
        self.measure('web/http/a', active=False)
        trap, = self.traps.wait('lbcServiceStatusChange')
        columns = ('lbcServiceStatus', 'lbcServiceOnFallback', 'lbcServiceRealsActive',
                   'lbcServiceRealsEnabled')
        self.assertEqual([('lbcClusterName', (1,)), ('lbcServiceName', HTTP),
                          *[(column, HTTP) for column in (*columns, 'lbcServicePath')],
                          ('lbcRealPath', A), ('lbcRealOperStatusReason', A)], trap.objects)
        self.assertEqual(['web', 'http', DEGRADED, FALSE, 2, 3, 'web/http', 'web/http/a',
                          'L4TOUT'], list(trap.values.values()))
        self.reason(2, 'L7STS: 503')
        self.measure('web/http/b', active=False)
        trap, = self.traps.wait('lbcServiceStatusChange', lbcServiceStatus=ON_FALLBACK)
        self.assertEqual([TRUE, 1, 3, 'web/http', 'web/http/b', 'L7STS: 503'],
                         list(trap.values.values())[3:])
        self.measure('web/http/a', 'web/http/b')
        trap, = self.traps.wait('lbcServiceStatusChange', lbcServiceStatus=UP)
        self.assertEqual(('lbcServicePath', HTTP), trap.objects[-1])

    def test_job_end_has_all_objects(self):
        self.weight(A, 44)
        trap, = self.traps.wait('lbcJobEnd')
        columns = ('lbcJobOperation', 'lbcJobState', 'lbcJobFailCause', 'lbcJobClusterName',
                   'lbcJobServiceName', 'lbcJobRealName', 'lbcJobNewValue', 'lbcJobMessage')
        self.assertEqual([*[(column, (1,)) for column in columns], ('lbcServicePath', HTTP),
                          ('lbcRealPath', A)], trap.objects)
        self.assertEqual([mib.SET_WEIGHT, mib.SUCCEEDED, 1, 'web', 'http', 'a', 44,
                          'recorded: the cluster has no data plane', 'web/http', 'web/http/a'],
                         list(trap.values.values()))

    def test_job_end_is_sent_when_the_driver_is_done(self):
        self.weight(P, 55)
        self.assertEqual(1, self.world.get('lbcRealPendingJobs', *P))
        self.weight(A, 44)
        self.traps.wait('lbcJobEnd', lbcJobRealName='a')
        self.assertEqual([], [trap for trap in self.traps.all('lbcJobEnd')
                              if trap.values['lbcJobRealName'] == 'p'])
        self.world.sql('UPDATE job SET state = 4, fail_cause = ?, message = ?,'
                       ' finished = unixepoch() WHERE real_id = 5', REJECTED, 'No such server.')
        trap, = self.traps.wait('lbcJobEnd', lbcJobRealName='p')
        self.assertEqual([mib.FAILED, REJECTED], list(trap.values.values())[1:3])
        self.assertEqual('No such server.', trap.values['lbcJobMessage'])

    def test_superseded_job_is_sent(self):
        self.weight(P, 55)
        self.weight(P, 56)
        trap, = self.traps.wait('lbcJobEnd')
        self.assertEqual((mib.SUPERSEDED, 55), (trap.values['lbcJobState'],
                                                trap.values['lbcJobNewValue']))


class Stats(NotifyCase):
    """Statistics that become stale and fresh again."""

    conf = {'stale_after': 300}

    def age(self, seconds, *numbers):
        self.world.sql('UPDATE statistics SET last_update = unixepoch() - ?'
                       ' WHERE real_id IN (%s)' % ', '.join(map(str, numbers)), seconds,
                       file='lbcluster-stats.db')

    def test_stale_and_fresh_have_the_first_row_and_the_number(self):
        self.age(299, 1, 2, 3)
        trap, = self.traps.wait('lbcStatsStale', deadline_s=10)
        row = {'a': A, 'b': B, 'f': F}[trap.values['lbcRealName']]
        objects = ('lbcRealStatsLastUpdate', ('lbcSysRealsStale', (0,)))
        self.assertEqual(of_real(row, *objects), trap.objects)
        self.assertEqual('statistics are stale; start the collector or the driver',
                         trap.values['lbcRealOperStatusReason'])
        self.assertLess(date(trap.values['lbcRealStatsLastUpdate']), time.time() - 290)
        self.assertEqual(3, trap.values['lbcSysRealsStale'])
        self.traps.wait('lbcServiceStatusChange', lbcServiceStatus=UNKNOWN)
        self.measure('web/http/a', 'web/http/b')
        trap, = self.traps.wait('lbcStatsFresh')
        self.assertEqual('a', trap.values['lbcRealName'])
        self.assertEqual(of_real(A, *objects), trap.objects)
        self.assertEqual(1, trap.values['lbcSysRealsStale'])
        self.mark()
        self.assertEqual(1, len(self.traps.all('lbcStatsStale')))
        self.assertEqual(1, len(self.traps.all('lbcStatsFresh')))


class Quiet(NotifyCase):
    """Events without a notification."""

    def test_initial_states_send_nothing(self):
        self.world.stop_daemon()
        self.measure('web/http/a', active=False)
        self.world.ctl('set-weight', 'web/http/b', '7')
        self.world.start_daemon()
        self.mark()
        self.assertEqual([], self.but_mark())

    def test_new_rows_send_nothing(self):
        self.world.load(INVENTORY.replace(
            'cluster driven', 'cluster more { service t { real x { address = 10.0.2.1'
            '  port = 80  weight = 1 } } }\ncluster driven'))
        self.world.wait_value(6, 'lbcSysReals', 0)
        self.mark()
        self.assertEqual([], self.but_mark())

    def test_activity_that_a_set_explains_is_not_sent(self):
        self.assertEqual('noError', self.set((mib.oid('lbcRealEnabled', *A), 'i', FALSE)))
        self.measure('web/http/a', active=False)
        self.world.wait_value(1, 'lbcRealStatsActiveTransitions', *A)
        self.assertEqual('noError', self.set((mib.oid('lbcRealEnabled', *A), 'i', TRUE)))
        self.measure('web/http/a')
        self.world.wait_value(2, 'lbcRealStatsActiveTransitions', *A)
        self.weight(A, 20)
        self.measure('web/http/a', active=False)    # but this one failed
        trap, = self.traps.wait('lbcRealActiveChange', lbcRealName='a')
        self.assertEqual(FALSE, trap.values['lbcRealStatsActive'])
        self.assertEqual(1, len(self.but_mark('lbcRealActiveChange')))

    def test_undone_set_sends_nothing(self):
        other = mib.ROOT[:-1] + (mib.ROOT[-1] + 1,)
        subagent = Subagent(self.world.socket, other, {'CommitSet': COMMIT_FAILED})
        self.addCleanup(subagent.close)
        for varbinds in (((mib.oid('lbcRealEnabled', *A), 'i', FALSE), (other + (1, 0), 'i', 1)),
                         ((other + (1, 0), 'i', 1), (mib.oid('lbcRealWeight', *A), 'u', 9)),
                         ((ENABLE, 's', b'\0'), (other + (1, 0), 'i', 1))):
            self.assertNotEqual('noError', self.set(*varbinds))
        self.assertEqual(bits(*ALL), self.world.get('lbcNotifyEnable', 0))
        self.mark()
        self.weight(M, 9)
        self.traps.wait('lbcJobEnd', lbcJobRealName='m')
        self.assertEqual(['lbcJobEnd'], [trap.name for trap in self.but_mark()])
        self.assertEqual(0, self.world.get('lbcNotifySuppressed', 0))

    def test_set_of_the_same_values_sends_nothing(self):
        self.weight(A, 10)
        self.weight(M, 9)
        self.traps.wait('lbcJobEnd', lbcJobRealName='m')
        self.assertEqual(['lbcJobEnd'], [trap.name for trap in self.but_mark()])


class Enable(NotifyCase):
    """lbcNotifyEnable."""

    def test_cleared_bits_disable_notifications_also_after_a_restart(self):
        self.enable('serviceStatus')
        for _ in range(2):
            self.assertEqual(bits('serviceStatus'), self.world.get('lbcNotifyEnable', 0))
            self.weight(A, self.world.get('lbcRealWeight', *A) + 1)
            self.measure('web/http/a', active=self.world.get('lbcRealStatsActive', *A) != TRUE)
            self.mark()
            self.world.stop_daemon()
            self.world.start_daemon()
        self.assertEqual({'lbcServiceStatusChange'}, {trap.name for trap in self.traps.all()})
        self.enable('realConfig', 'jobFinished')
        self.measure('web/http/b', active=False)
        self.weight(B, 12)
        self.traps.wait('lbcJobEnd')
        self.assertEqual({'lbcServiceStatusChange', 'lbcRealConfigChange', 'lbcJobEnd'},
                         {trap.name for trap in self.traps.all()})

    def test_answers_to_a_set_of_the_bits(self):
        for value, status, after in (
                (b'\xa0', 'noError', b'\xa0'), (b'\x40\0', 'noError', b'\x40'),
                (b'', 'noError', b'\0'), (b'\xf8' + bytes(7), 'noError', b'\xf8'),
                (b'\x04', 'wrongValue', b'\xf8'), (b'\x80\x01', 'wrongValue', b'\xf8'),
                (bytes(9), 'wrongLength', b'\xf8')):
            self.assertEqual(status, self.set((ENABLE, 's', value)), value)
            self.assertEqual(after, self.world.get('lbcNotifyEnable', 0))
        self.assertEqual('wrongType', self.set((ENABLE, 'i', 1)))
        # The present value is not written again.
        self.world.wait_written()
        written = os.stat(self.world.store + '/lbcluster.db').st_mtime_ns
        self.assertEqual('noError', self.set((ENABLE, 's', b'\xf8')))
        self.assertEqual(written, os.stat(self.world.store + '/lbcluster.db').st_mtime_ns)

    def test_bits_are_set_with_the_rest_of_the_request_or_not_at_all(self):
        self.assertEqual('wrongValue', self.set(
            (ENABLE, 's', b'\0'), (mib.oid('lbcRealWeight', *A), 'u', 99999)))
        self.assertEqual(bits(*ALL), self.world.get('lbcNotifyEnable', 0))
        self.assertEqual('noError', self.set(
            (ENABLE, 's', b'\0'), (mib.oid('lbcRealWeight', *A), 'u', 99)))
        self.assertEqual(b'\0', self.world.get('lbcNotifyEnable', 0))
        self.assertEqual(99, self.world.get('lbcRealWeight', *A))


class Throttle(NotifyCase):
    """lbcNotifyMinInterval."""

    interval = 5

    def flap(self, active):
        before = self.world.get('lbcRealStatsActiveTransitions', *A)
        self.measure('web/http/a', active=active)
        self.world.wait_value(before + 1, 'lbcRealStatsActiveTransitions', *A)

    def test_change_that_holds_is_sent_and_another_is_counted(self):
        self.assertEqual(5, self.world.get('lbcNotifyMinInterval', 0))
        self.enable('realActive', 'serviceStatus')
        self.flap(False)
        self.traps.wait('lbcRealActiveChange')
        first = time.monotonic()
        for active in (True, False, True):
            self.flap(active)
        # The notification of another row is sent at once.
        self.measure('web/http/b', active=False)
        self.traps.wait('lbcRealActiveChange', lbcRealName='b')
        self.assertEqual(1, len([trap for trap in self.traps.all('lbcRealActiveChange')
                                 if trap.values['lbcRealName'] == 'a']))
        trap, = self.traps.wait('lbcRealActiveChange', lbcRealName='a', lbcRealStatsActive=TRUE)
        self.assertGreater(time.monotonic() - first, 4.5)
        self.assertGreaterEqual(self.world.get('lbcNotifySuppressed', 0), 2)

    def test_change_back_is_not_sent(self):
        self.enable('realActive')
        self.flap(False)
        self.traps.wait('lbcRealActiveChange')
        self.flap(True)
        self.flap(False)
        self.world.wait_value(2, 'lbcNotifySuppressed', 0, deadline_s=20)
        self.assertEqual(1, len(self.traps.all('lbcRealActiveChange')))


class Ways(NotifyCase):
    """Delivery."""

    sink = {'sink': V3_INFORM}

    def test_events_without_a_master_are_sent_later(self):
        self.world.stop_master()
        self.world.wait_logged(r'\[agentx\] the master at \S+ closed the (connection|session)')
        self.world.ctl('set-weight', 'web/http/a', '77')
        self.world.ctl('set-weight', 'web/http/a', '78')
        self.world.ctl('set-weight', 'web/http/b', '79')
        self.world.ctl('set-weight', 'web/http/b', '10')
        self.world.start_master()
        self.world.wait_served()
        self.traps.wait('lbcJobEnd', 4)
        self.assertEqual([('a', 78)], [
            (trap.values['lbcRealName'], trap.values['lbcRealWeight'])
            for trap in self.traps.all('lbcRealConfigChange')])


class Versions(NotifyCase):
    """The same contents by SNMPv2c and v3, as traps and as informs."""

    def setUp(self):
        pass    # each case has a world with another receiver

    def test_path_and_reason_arrive_in_each_way(self):
        for sink, how in ((V2C, 'TRAP2, SNMP v2c'), (V2C_INFORM, 'INFORM, SNMP v2c'),
                          (V3_TRAP, 'TRAP2, SNMP v3'), (V3_INFORM, 'INFORM, SNMP v3')):
            with self.subTest(how):
                self.sink = {'sink': sink}
                super().setUp()
                self.reason(1, 'L4CON: Connection refused')
                self.measure('web/http/a', active=False)
                for name in ('lbcRealActiveChange', 'lbcServiceStatusChange'):
                    trap, = self.traps.wait(name)
                    self.assertIn(how, trap.how)
                    self.assertEqual(['web/http/a', 'L4CON: Connection refused'],
                                     list(trap.values.values())[-2:])
                self.world.kill()


class Printed(NotifyCase):
    """What snmptrapd prints with the modules of mibs/base."""

    sink = {'output': ('-OQs', '-M', '%(top)s/base:%(top)s' % {'top': mib.DIRECTORY},
                       '-m', 'SNMPv2-MIB:LBCLUSTER-MIB')}

    def test_all_names_are_printed(self):
        self.measure('web/http/a', active=False)
        wait_for(lambda: 'lbcRealPath' in self.traps.text(), 15, 'the notification is printed')
        line = re.search(r'^GOT .*lbcRealActiveChange.*', self.traps.text(), re.M).group()
        varbinds = [varbind.split(' = ')[0] for varbind in line.partition('|')[2].split('\t')]
        self.assertEqual(
            ['sysUpTime.0', 'snmpTrapOID.0', 'lbcClusterName.1', 'lbcServiceName.1.1',
             'lbcRealName.1.1.1', 'lbcRealStatsActive.1.1.1', 'lbcRealOperStatus.1.1.1',
             'lbcRealStatsLastUpdate.1.1.1', 'lbcRealPath.1.1.1',
             'lbcRealOperStatusReason.1.1.1'], varbinds)
        self.assertIn('snmpTrapOID.0 = lbcRealActiveChange\t', line)
        self.assertIn('lbcRealOperStatus.1.1.1 = inactive\t', line)


class Burst(Case):
    """A thousand servers fail at once."""

    REALS = 1000

    def paths(self, active):
        return [{'path': 'web/s%d/r%d' % (i % 10, i), 'active': active}
                for i in range(self.REALS)]

    def test_many_notifications_delay_no_answer(self):
        world = self.new_world()
        traps = Traps(world)
        world.load('cluster web {' + ''.join(
            'service s%d {' % s + ''.join(
                'real r%d { address = 10.1.%d.%d  port = 80  weight = 1 }\n'
                % (i, i // 250, i % 250) for i in range(s, self.REALS, 10)) + '}\n'
            for s in range(10)) + '}')
        world.import_statistics(self.paths(True))
        world.start()
        with world.slowest_get() as slowest:
            world.import_statistics(self.paths(False))
            # Services come first.
            traps.wait('lbcServiceStatusChange', 10, 10, lbcServiceStatus=DOWN)
            traps.wait('lbcRealActiveChange', self.REALS, 20, lbcRealStatsActive=FALSE)
        names = [trap.values['lbcRealName'] for trap in traps.all('lbcRealActiveChange')]
        self.assertEqual(self.REALS, len(set(names)))
        self.assertEqual(self.REALS, len(names))
        self.assertEqual(10, len(traps.all('lbcServiceStatusChange')))
        self.assertLess(slowest[0], 0.5)


if __name__ == '__main__':
    main()
