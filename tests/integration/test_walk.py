# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Compares each OID, type and value of a fixture with fixture.golden: by GET, GETNEXT and
# GETBULK, also from OIDs between and after the instances, in SNMPv1, v2c and v3, with
# pysnmp and net-snmp's tools.
#
# After an intended change of the MIB, run it with LBCLUSTER_TESTS_GOLDEN_WRITE=1 and read
# the difference.
"""Golden walk."""

import bisect
import difflib
import os
import re
import subprocess
import time

import mib
from harness import Case, date, main
from snmp import oid_parse, oid_text

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, 'fixture.golden')
ROOT = mib.ROOT
SUB_ID_MAX = 4294967295

LONG = '/'.join('%s-abcdefghijklmnopqrstuvwxyz.0123456789_ABCDEFGHIJKLMNOPQR' % word
                for word in ('CLUSTER', 'SERVICE', 'REALONE'))

# Times in the store. T is half a minute before the test, so that no event of the test
# has this time.
FIXED = 1577934245      # 2020-01-02T03:04:05Z
FUTURE_S = 3600


def statistics(t):
    """SQL for before and after the start of lbclusterd."""
    before = [
        dict(path='web/http/web-1', active=True, active_connections=11,
             inactive_connections=12, persistent_connections=13, connections_per_second=14,
             bps_in=15000, bps_out=16499, pps_in=17, pps_out=18, total_connections=19,
             total_packets_in=20, total_packets_out=21, total_octets_in=22,
             total_octets_out=9223372036854775807, counters_since=FIXED, last_update=t,
             connection_limit=40, queued_connections=41, connection_errors=42,
             response_errors=43, requests=44, http_4xx=45, http_5xx=46, response_time_ms=47,
             connect_time_ms=48, queue_time_ms=49, check_code=200, check_duration_ms=50,
             check_failures=51),
        # Measured in part.
        dict(path='web/http/web-2', active=True, active_connections=5, last_update=t - 60,
             connection_errors=0, check_code=503, queued_connections=4294967296),
        # Of services.
        dict(path='web/http', algorithm='leastconn', total_connections=60, total_octets_in=61,
             total_octets_out=9223372036854775807, queued_connections=62, connection_errors=63,
             response_errors=64, requests=65, http_4xx=66, http_5xx=67, response_time_ms=68,
             counters_since=FIXED, last_update=t),
        dict(path='lab/rates', algorithm='wlc', total_connections=0, total_packets_in=1,
             total_packets_out=2, total_octets_in=3, total_octets_out=4, counters_since=t,
             last_update=t),
        dict(path='web/http/sorry', active=True, active_connections=0, bps_in=1499,
             bps_out=1500, last_update=t),
        # Disabled, with connections.
        dict(path='web/http/web-10', active=True, active_connections=100, pps_out=1,
             last_update=t),
        dict(path='web/https/web-1', active=True, active_connections=1, last_update=t),
        dict(path='web/https/web-2', active=True, active_connections=2, last_update=t),
        dict(path='web/https/sorry', active=True, active_connections=9,
             total_connections=4294967296, counters_since=t, last_update=t),
        dict(path='web/dns/ns.1', active=False, last_update=t),
        dict(path=LONG, active=True, active_connections=1000, inactive_connections=1001,
             persistent_connections=1002, connections_per_second=1003, bps_in=1004000,
             bps_out=1005000, pps_in=1006, pps_out=1007, last_update=FIXED),
        dict(path='lab/rates/giant-1', active=True, active_connections=4294967296,
             bps_in=5000000000, bps_out=4294967295, pps_in=4294967296, last_update=t),
        dict(path='lab/rates/giant-2', active=True, active_connections=2,
             bps_in=9000000000000000, bps_out=4294967294, pps_in=1, last_update=t),
        dict(path='lab/rates/small', active=False, bps_in=1499, bps_out=1500,
             last_update=t),
        dict(path='lab/places/ip4', active=True, last_update=t),
        # Has numbers, and no value for active.
        dict(path='lab/places/host', active_connections=3, last_update=t),
    ]
    running = [
        dict(path='web/https/web-1', active=False, active_connections=1, last_update=t),
        dict(path='web/https/web-2', active=False, active_connections=2, last_update=t),
        dict(path='web/dns/ns.1', active=True, last_update=t),
    ]
    return before, running


class Golden(Case):
    """One world for all tests of this file, which change nothing."""

    inventory = open(os.path.join(HERE, 'fixture.conf'), encoding='ascii').read()

    @classmethod
    def prepare(cls, world):
        cls.started = int(time.time())
        cls.t = cls.started - 30
        before, cls.running = statistics(cls.t)
        # Numbers that are never used again.
        world.load('cluster gap { plane = none  service s { real r { address = 10.9.9.9 } } }')
        world.ctl('set-weight', 'gap/s/r', '9')
        world.ctl('remove', 'gap')
        world.ctl('load', os.path.join(HERE, 'fixture-late.conf'))
        world.import_statistics(before)
        # A collector with a clock in the future; import-statistics refuses it.
        world.sql('UPDATE statistics SET last_update = ? WHERE real_id = ?', cls.t + FUTURE_S,
                  world.number('lab/places/ip4')[2], file='lbcluster-stats.db')
        world.ctl('disable', 'web/http/a')
        world.ctl('enable-fallback', 'lab/places/host')
        # What a driver writes, and jobs in each state.
        world.sql("UPDATE cluster SET plane = 'haproxy', plane_status = 3,"
                  " plane_message = 'connect: Connection refused' WHERE name = 'a'")
        world.sql('INSERT INTO look (cluster_id, time, interval_ms) VALUES (?, ?, 86400000)',
                  world.sql("SELECT id FROM cluster WHERE name = 'a'")[0][0], cls.started,
                  file='lbcluster-stats.db')
        world.sql("UPDATE real_service SET reason = 'L4CON' WHERE name = 'r'")
        world.ctl('set-weight', 'a/s/r', '20')
        world.ctl('disable', 'a/s/q')
        world.sql("UPDATE job SET state = 2, started = ? WHERE id ="
                  " (SELECT max(id) FROM job)", FIXED)
        world.ctl('set-weight', 'a/s/q', '30')
        world.sql("UPDATE job SET state = 4, fail_cause = 3, started = ?, finished = ?,"
                  " message = 'Backend is read-only.' WHERE id ="
                  " (SELECT max(id) FROM job)", FIXED, FIXED + 1)
        world.ctl('set-weight', 'a/s/r', '40')

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        world = cls.world
        world.import_statistics(cls.running)
        world.ctl('set-weight', 'lab/rates/small', '50')
        world.wait_value(1, 'lbcServiceFallbackUses', 1, 2)
        world.wait_value(1, 'lbcServiceStatus', 1, 3)
        world.wait_value(50, 'lbcRealWeight', *world.number('lab/rates/small'))
        # They were inactive at some time since the start of lbclusterd.
        cls.were_down = [tuple(world.number(path)) for path in
                         ('web/https/web-1', 'web/https/web-2', 'web/dns/ns.1',
                          'lab/rates/small')]
        cls.varbinds = world.client().walk(ROOT)
        cls.oids = [varbind.oid for varbind in cls.varbinds]

    # -- the golden file --------------------------------------------------

    def date_token(self, octets):
        seconds = date(octets)
        names = {0: '@zero', self.t: '@T', self.t - 60: '@T-60',
                 self.t + FUTURE_S: '@T+3600', FIXED: '@fixed', FIXED + 1: '@fixed+1'}
        if seconds in names:
            return names[seconds]
        return '@run' if self.started <= seconds <= time.time() + 1 else octets.hex()

    def age_token(self, age):
        now = time.time()
        for name, then in (('T', self.t), ('T-60', self.t - 60), ('fixed', FIXED)):
            # The oldest age is as old as this test.
            if self.started - then <= age <= now - then + 1:
                return '@age(%s)' % name
        return str(age)

    def line(self, varbind):
        """A varbind as in the golden file; values that change from run to run are @word."""
        name = mib.name_of(varbind.oid)
        value = varbind.value
        if mib.SYNTAXES.get(name) == 'DateAndTime':
            value = self.date_token(value)
        elif name == 'lbcRealStatsAge':
            value = self.age_token(value)
        elif name == 'lbcRealStatsDowntime' and tuple(varbind.oid[-3:]) in self.were_down:
            value = '@downtime' if value <= time.time() - self.started + 1 else str(value)
        elif name == 'lbcSysVersion' and value:
            value = '@version'
        elif varbind.type == 'STRING':
            printable = all(0x20 <= octet < 0x7f for octet in value)
            value = '"%s"' % value.decode('ascii') if printable else '0x' + value.hex()
        elif varbind.type == 'OID':
            value = oid_text(value)
        return '%s %s %s  # %s' % (
            oid_text(varbind.oid[len(ROOT):]), varbind.type, value, name)

    def golden(self):
        with open(GOLDEN, encoding='ascii') as file:
            return [line.rstrip('\n') for line in file if not line.startswith('#')]

    def assert_lines(self, expected, found):
        if expected != found:
            self.fail('\n'.join(difflib.unified_diff(
                expected, found, 'fixture.golden', 'walked', lineterm='', n=1)))

    def test_walk_of_fixture_equals_golden(self):
        lines = [self.line(varbind) for varbind in self.varbinds]
        if os.environ.get('LBCLUSTER_TESTS_GOLDEN_WRITE') == '1':
            with open(GOLDEN, 'w', encoding='ascii') as file:
                file.write('# The tree of the fixture below lbcMIB: OID, type, value'
                           '  # object. See test_walk.py.\n')
                file.writelines(line + '\n' for line in lines)
        self.assert_lines(self.golden(), lines)

    def test_walk_of_fixture_is_strictly_increasing(self):
        self.assertEqual(sorted(set(self.oids)), self.oids)

    def test_version_equals_that_of_program(self):
        output = subprocess.run([os.environ['LBCLUSTERD'], '--version'], capture_output=True,
                                text=True, check=True).stdout
        number = re.search(r'\d+\.\d+\S*', output).group()
        self.assertIn(number, self.world.get('lbcSysVersion', 0).decode('ascii'))

    # -- one by one -------------------------------------------------------

    def volatile(self, oid):
        return mib.name_of(oid) in ('lbcRealStatsAge', 'lbcRealStatsDowntime')

    def assert_same(self, expected, found):
        for one, other in zip(expected, found, strict=True):
            if self.volatile(one.oid):
                one, other = one[:2], other[:2]
            self.assertEqual(one, other)

    def test_get_of_each_equals_walk(self):
        client = self.world.client()
        for at in range(0, len(self.oids), 30):
            answer = client.get_answer(*self.oids[at:at + 30])
            self.assertEqual(('noError', 0), answer[:2])
            self.assert_same(self.varbinds[at:at + 30], answer.varbinds)

    def test_getnext_of_each_gives_the_next(self):
        client = self.world.client()
        for at in range(0, len(self.oids) - 1, 30):
            answer = client.next_answer(*self.oids[at:min(at + 30, len(self.oids) - 1)])
            self.assertEqual(('noError', 0), answer[:2])
            self.assert_same(self.varbinds[at + 1:at + 31], answer.varbinds)

    def test_getnext_in_a_row_walks_the_tree(self):
        # One varbind per PDU, as snmpwalk does.
        client = self.world.client()
        at, found = ROOT, []
        while True:
            varbind = client.next_answer(at).varbinds[0]
            if varbind.oid[:len(ROOT)] != ROOT:
                break
            found.append(varbind)
            at = varbind.oid
        self.assert_same(self.varbinds, found)

    # -- from beside ------------------------------------------------------

    def starts_beside(self):
        """OIDs before, between and after the instances."""
        starts = {ROOT, ROOT + (0,), ROOT + (1,), ROOT + (1, 0), ROOT + (1, SUB_ID_MAX),
                  ROOT[:-1] + (ROOT[-1] - 1, SUB_ID_MAX)}
        for oid in self.oids:
            last = oid[-1]
            starts.add(oid[:-1])                            # index too short
            starts.add(oid + (0,))                          # too long
            starts.add(oid + (SUB_ID_MAX,))
            starts.add(oid[:-1] + (SUB_ID_MAX,))
            starts.add(oid[:-1] + (SUB_ID_MAX, SUB_ID_MAX))
            if last:
                starts.add(oid[:-1] + (last - 1,))
                starts.add(oid[:-1] + (last - 1, SUB_ID_MAX))
        for name, oid in mib.NAMES.items():
            if oid[:len(ROOT)] != ROOT:
                continue
            # A table, an entry, a column, a scalar: their OIDs and OIDs near them.
            starts.update((oid, oid + (0,), oid + (SUB_ID_MAX,), oid + (0, 0, 0, 0),
                           oid[:-1] + (oid[-1] + 1,), oid + (1, 1, SUB_ID_MAX)))
            if name.endswith('Entry'):
                starts.update(oid + (column, 1) for column in range(0, 40))
        # By name: the length is wrong, or the octets are invalid.
        for column, index in (('lbcClusterByNameIndex', ()), ('lbcServiceByNameIndex', (1,)),
                              ('lbcRealByNameIndex', (1, 1))):
            base = mib.oid(column, *index)
            starts.update(base + tail for tail in (
                (3,), (3, 119), (3, 119, 101), (3, 119, 101, 98, 1), (3, 119, 256, 0),
                (3, 119, 101, SUB_ID_MAX), (4, 119, 101, 98), (2, 119, 101, 98), (0,), (0, 0),
                (64,), (65,), (65,) + (97,) * 65, (SUB_ID_MAX,), (SUB_ID_MAX, 119)))
        return sorted(start for start in starts if len(start) <= 128)

    def test_getnext_between_instances_gives_the_next(self):
        client = self.world.client()
        starts = [start for start in self.starts_beside() if start < self.oids[-1]]
        self.assertGreater(len(starts), 2000)
        for at in range(0, len(starts), 30):
            some = starts[at:at + 30]
            answer = client.next_answer(*some)
            self.assertEqual(('noError', 0), answer[:2])
            for start, found in zip(some, answer.varbinds, strict=True):
                expected = self.varbinds[bisect.bisect_right(self.oids, start)]
                self.assertEqual(expected.oid, found.oid, 'after %s' % oid_text(start))
                self.assert_same([expected], [found])

    def test_getnext_beyond_last_is_end_of_view(self):
        client = self.world.client('ours')
        last = self.oids[-1]
        for start in (last, last + (0,), last[:-1] + (SUB_ID_MAX,), ROOT + (1, 10),
                      ROOT + (2,), ROOT + (SUB_ID_MAX,)):
            varbind = client.next_answer(start).varbinds[0]
            self.assertEqual((start, 'endOfMibView', None), varbind)

    def test_getnext_beyond_last_in_v1_is_no_such_name(self):
        answer = self.world.client('ours', 1).next_answer(self.oids[0], self.oids[-1])
        self.assertEqual(('noSuchName', 2), answer[:2])

    def test_getnext_beyond_last_leaves_the_tree(self):
        found = self.world.client().next_answer(self.oids[-1]).varbinds[0].oid
        self.assertGreater(found, ROOT + (SUB_ID_MAX,))

    # -- what is not there ------------------------------------------------

    def missing(self):
        """(OID, type of the answer)."""
        row = self.world.number('web/http/web-1')
        web_2 = self.world.number('web/http/web-2')
        object_, instance = 'noSuchObject', 'noSuchInstance'
        yield ROOT, object_
        yield ROOT + (1,), object_
        yield ROOT + (0, 1, 0), object_
        yield ROOT + (1, 9, 1, 0), object_
        yield ROOT + (2, 1, 1, 0), object_
        yield ROOT + (1, 1, 18, 0), object_
        yield ROOT + (1, 1, 0, 0), object_
        yield mib.oid('lbcSysVersion', 1), instance
        yield mib.oid('lbcSysVersion', 0, 0), instance
        yield mib.oid('lbcSysVersion'), instance
        yield mib.oid('lbcRealTable'), object_
        yield mib.oid('lbcRealEntry'), object_
        yield mib.oid('lbcRealEntry', 0, *row), object_
        yield mib.oid('lbcRealEntry', 16, *row), object_
        yield mib.oid('lbcRealEntry', SUB_ID_MAX, *row), object_
        yield mib.oid('lbcRealTable', 2, 2, *row), object_
        # Not accessible: a column of the MIB that no manager can read.
        yield mib.oid('lbcRealIndex', *row), object_
        yield mib.oid('lbcClusterIndex', 1), object_
        yield mib.oid('lbcServiceIndex', 1, 1), object_
        yield mib.oid('lbcJobId', 1), object_
        yield mib.oid('lbcRealName'), instance
        yield mib.oid('lbcRealName', *row[:2]), instance
        yield mib.oid('lbcRealName', *row, 0), instance
        yield mib.oid('lbcRealName', *row[:2], 0), instance
        yield mib.oid('lbcRealName', *row[:2], SUB_ID_MAX), instance
        yield mib.oid('lbcRealName', *row[:2], 2147483648), instance
        # The real service exists below another service or cluster.
        yield mib.oid('lbcRealName', row[0], row[1] + 1, row[2]), instance
        yield mib.oid('lbcRealName', row[0] + 1, row[1], row[2]), instance
        yield mib.oid('lbcServiceName', 2, 1), instance
        yield mib.oid('lbcClusterName', 99), instance
        # Never measured.
        yield mib.oid('lbcRealStatsInBitRate', *web_2), instance
        yield mib.oid('lbcRealStatsInKbitRate', *web_2), instance
        yield mib.oid('lbcRealStatsTotalConns', *web_2), instance
        yield mib.oid('lbcRealStatsActive', *self.world.number('lab/places/ip6')), instance
        yield mib.oid('lbcRealStatsActive', *self.world.number('lab/places/host')), instance
        # By name.
        yield mib.oid('lbcClusterByNameIndex', 'we'), instance
        yield mib.oid('lbcClusterByNameIndex', 'WEB'), instance
        yield mib.oid('lbcClusterByNameIndex', 'webb'), instance
        yield mib.oid('lbcClusterByNameIndex', 4, 119, 101, 98), instance
        yield mib.oid('lbcClusterByNameIndex', 2, 119, 101, 98), instance
        yield mib.oid('lbcClusterByNameIndex', 119, 101, 98), instance
        yield mib.oid('lbcClusterByNameIndex', 3, 119, 101, 98 + 256), instance
        yield mib.oid('lbcClusterByNameIndex', 0), instance
        yield mib.oid('lbcClusterByNameIndex', *([65] + [97] * 65)), instance
        yield mib.oid('lbcServiceByNameIndex', 2, 'http'), instance
        yield mib.oid('lbcRealByNameIndex', 1, 1, 'web-3'), instance
        yield mib.oid('lbcJobState', 0), instance
        yield mib.oid('lbcJobState', 1000), instance

    def test_get_of_missing_is_no_such_object_or_instance(self):
        client = self.world.client('ours')
        for oid, kind in self.missing():
            with self.subTest(oid=oid_text(oid[len(ROOT):])):
                answer = client.get_answer(oid)
                self.assertEqual(('noError', 0), answer[:2])
                self.assertEqual((oid, kind, None), answer.varbinds[0])

    def test_get_of_missing_among_others_answers_each(self):
        there = self.oids[0]
        missing = mib.oid('lbcRealName', 1, 1, 99)
        answer = self.world.client('ours').get_answer(missing, there, missing)
        self.assertEqual(['noSuchInstance', self.varbinds[0].type, 'noSuchInstance'],
                         [varbind.type for varbind in answer.varbinds])

    def test_get_of_missing_in_v1_is_no_such_name(self):
        client = self.world.client('ours', 1)
        for oid, _ in self.missing():
            answer = client.get_answer(self.oids[0], oid)
            self.assertEqual(('noSuchName', 2), answer[:2], oid_text(oid))

    def test_get_outside_of_view_is_no_such_object(self):
        answer = self.world.client('outside').get_answer(self.oids[0])
        self.assertEqual('noSuchObject', answer.varbinds[0].type)

    # -- in bulk and in other versions ------------------------------------

    def test_getbulk_of_any_size_equals_getnext(self):
        for repetitions in (1, 7, 500):
            found = self.world.client().walk(ROOT, repetitions)
            self.assert_same(self.varbinds, found)

    def test_getbulk_of_columns_gives_rows(self):
        client = self.world.client('ours')
        columns = [mib.oid(name) for name in (
            'lbcRealName', 'lbcRealWeight', 'lbcRealStatsInBitRate', 'lbcRealPendingJobs')]
        answer = client.bulk_answer(1, 8, mib.oid('lbcSysVersion'), *columns)
        self.assertEqual(mib.oid('lbcSysVersion', 0), answer.varbinds[0].oid)
        rest = answer.varbinds[1:]
        self.assertEqual(8 * len(columns), len(rest))
        for which, column in enumerate(columns):
            at = bisect.bisect_left(self.oids, column)
            self.assert_same(self.varbinds[at:at + 8], rest[which::len(columns)])

    def test_getbulk_past_the_end_is_end_of_view(self):
        answer = self.world.client('ours').bulk_answer(0, 5, self.oids[-2])
        self.assertEqual(self.varbinds[-1], answer.varbinds[0])
        self.assertEqual({'endOfMibView'}, {varbind.type for varbind in answer.varbinds[1:]})

    def test_walk_in_v1_skips_counter64_only(self):
        narrow = [varbind for varbind in self.varbinds if varbind.type != 'Counter64']
        self.assertLess(len(narrow), len(self.varbinds))
        self.assert_same(narrow, self.world.client('public', 1).walk(ROOT))

    def test_get_and_getnext_in_v3_equal_v2c(self):
        client = self.world.client('reader', 3)
        for at in range(0, len(self.oids) - 1, 97):
            answer = client.get_answer(self.oids[at])
            self.assert_same([self.varbinds[at]], answer.varbinds)
            answer = client.next_answer(self.oids[at])
            self.assert_same([self.varbinds[at + 1]], answer.varbinds)

    # -- net-snmp's own tools ---------------------------------------------

    _LINE = re.compile(r'\.([\d.]+) = (.*)')

    def tool(self, name, *args):
        """(OID, text of the value) of what a tool prints; no MIB is loaded."""
        done = subprocess.run(
            [name, '-m', '', '-Onex', *args, '127.0.0.1:%d' % self.world.port,
             '.' + oid_text(ROOT)],
            capture_output=True, text=True, timeout=60, check=True)
        # A long octet string has several lines.
        text = re.sub(r'\n(?!\.)', ' ', done.stdout)
        self.assertEqual('', done.stderr)
        return [(oid_parse(oid), value) for oid, value in self._LINE.findall(text)]

    def tool_text(self, varbind):
        """The output of the tools for a varbind, without spaces."""
        if varbind.type == 'STRING':
            if not varbind.value:
                return '""'
            return 'Hex-STRING:' + varbind.value.hex().upper()
        value = varbind.value
        if varbind.type == 'OID':
            value = '.' + oid_text(value)
        return '%s:%s' % (varbind.type, value)

    def assert_tool(self, expected, found):
        self.assertEqual([varbind.oid for varbind in expected], [oid for oid, _ in found])
        for varbind, (_, text) in zip(expected, found, strict=True):
            if not self.volatile(varbind.oid):
                self.assertEqual(self.tool_text(varbind), re.sub(r'\s', '', text),
                                 oid_text(varbind.oid))

    def test_snmpbulkwalk_of_fixture_equals_pysnmp(self):
        self.assert_tool(self.varbinds, self.tool('snmpbulkwalk', '-v2c', '-c', 'public'))

    def test_snmpwalk_v1_of_fixture_equals_pysnmp(self):
        narrow = [varbind for varbind in self.varbinds if varbind.type != 'Counter64']
        self.assert_tool(narrow, self.tool('snmpwalk', '-v1', '-c', 'public'))

    def test_snmpwalk_v3_of_fixture_equals_pysnmp(self):
        self.assert_tool(self.varbinds, self.tool(
            'snmpwalk', '-v3', '-l', 'authPriv', '-u', 'reader', '-a', 'SHA',
            '-A', 'authentication', '-x', 'AES', '-X', 'encryption'))


if __name__ == '__main__':
    main()
