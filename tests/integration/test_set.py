# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The answer to each kind of SET through a real snmpd, in SNMPv1, v2c and v3: status and
# error-index, the values and jobs after it, and lbcSysLastReject*.
"""SET requests."""

import json
import subprocess

import mib
from harness import Case, date, main, wait_for
from mib import FALSE, TRUE
from snmp import STATUS_V1, oid_text

VERSIONS = (1, 2, 3)
WEIGHT, FALLBACK, ENABLED = 'lbcRealWeight', 'lbcRealFallback', 'lbcRealEnabled'
LETTERS = {WEIGHT: 'u', FALLBACK: 'i', ENABLED: 'i'}
LOCK = mib.oid('lbcSysSetLock', 0)
NOTIFY = mib.oid('lbcNotifyEnable', 0)

INVENTORY = """
cluster web {
    plane = none
    service http {
        address = 192.0.2.10  port = 80  protocol = tcp
        real a { address = 10.0.0.1  port = 80  weight = 10 }
        real b { address = 10.0.0.2  port = 80  weight = 10 }
        real c { address = 10.0.0.3  port = 80  weight = 10 }
    }
    service ssh {
        address = 192.0.2.10  port = 22  protocol = tcp
        real x { address = 10.0.0.1  port = 22  weight = 10 }
        real y { address = 10.0.0.2  port = 22  weight = 10 }
    }
}
cluster driven {
    plane = none
    service s {
        address = 192.0.2.11  port = 80  protocol = tcp
        real p { address = 10.0.1.1  port = 80  weight = 10 }
        real q { address = 10.0.1.2  port = 80  weight = 10 }
        real r { address = 10.0.1.3  port = 80  weight = 10 }
        real t { address = 10.0.1.4  port = 80  weight = 10 }
    }
}
"""

PATHS = ['web/http/a', 'web/http/b', 'web/http/c', 'web/ssh/x', 'web/ssh/y']


class SetCase(Case):
    """A world whose rows are reset before each request."""

    inventory = INVENTORY
    versions = VERSIONS
    job_messages = True     # each job has one, because there is no data plane

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rows = {path.split('/')[-1]: cls.world.number(path) for path in PATHS}
        cls.names = {row: path for path, row in
                     ((path, cls.rows[path.split('/')[-1]]) for path in PATHS)}

    def oid(self, column, row):
        """Instance of a column; row by the last part of its path, or a number."""
        return mib.oid(column, *(self.rows[row] if isinstance(row, str) else row))

    def varbind(self, column, row, value, letter=None):
        return self.oid(column, row), letter or LETTERS[column], value

    def place(self, **rows):
        """Gives all rows a state: a=(weight, fallback, enabled); others are
        (10, FALSE, TRUE). One PDU, valid whatever was before."""
        varbinds = []
        for name in self.rows:
            weight, fallback, enabled = rows.get(name, (10, FALSE, TRUE))
            # A fallback may be disabled, but only an enabled row becomes fallback.
            varbinds += [self.varbind(ENABLED, name, TRUE if fallback == TRUE else enabled),
                         self.varbind(FALLBACK, name, fallback),
                         self.varbind(WEIGHT, name, weight)]
        self.assertEqual(('noError', 0), self.world.client().set_answer(*varbinds)[:2])
        for name, (_, fallback, enabled) in rows.items():
            if fallback == TRUE and enabled == FALSE:
                self.assertEqual(('noError', 0), self.world.client().set_answer(
                    self.varbind(ENABLED, name, FALSE))[:2])

    def state(self):
        """Values of all rows, and what counts changes."""
        client = self.world.client()
        state = {}
        for name in self.rows:
            state[name] = tuple(value.value for value in client.get(
                *[self.oid(column, name) for column in (WEIGHT, FALLBACK, ENABLED)]))
        names = ('lbcSysSetLock', 'lbcSysConfigChanges', 'lbcSysSetRejects', 'lbcJobLastId',
                 'lbcJobRows', 'lbcJobRowsBumped', 'lbcJobsActive')
        values = client.get(*[mib.oid(name, 0) for name in names])
        state.update((name, value.value) for name, value in zip(names, values, strict=True))
        return state

    def job(self, number):
        names = ('Operation', 'Target', 'ClusterName', 'ServiceName', 'RealName', 'OldValue',
                 'NewValue', 'State', 'FailCause', 'Message', 'Created', 'Started',
                 'Finished', 'Source', 'Request')
        values = self.world.client().get(*[mib.oid('lbcJob' + name, number) for name in names])
        return {name: value.value for name, value in zip(names, values, strict=True)}

    def send(self, version, varbinds):
        return self.world.client('writer' if version == 3 else 'private', version) \
            .set_answer(*varbinds)

    def assert_refused(self, varbinds, status, index, reason=None, text=(), start=None,
                       index_v1=None):
        """The request is refused in each version, and nothing changed but, for a
        precondition (reason), lbcSysLastReject*."""
        for version in self.versions:
            if version == 1 and any(letter == 'C' for _, letter, _ in varbinds):
                continue    # SNMPv1 has no Counter64
            with self.subTest(version=version):
                if start is not None:
                    self.place(**start)
                before = self.state()
                answer = self.send(version, varbinds)
                expected = STATUS_V1[status] if version == 1 else status
                self.assertEqual((expected, (version == 1 and index_v1) or index), answer[:2])
                after = self.state()
                if reason is not None:
                    before['lbcSysSetRejects'] += 1
                    self.assert_reject(reason, text, varbinds[index - 1][0])
                self.assertEqual(before, after)

    def assert_reject(self, reason, text, oid):
        client = self.world.client()
        answers = client.get(*[mib.oid('lbcSysLastReject' + part, 0)
                               for part in ('Reason', 'Text', 'Object', 'Time')])
        self.assertEqual(reason, answers[0].value)
        message = answers[1].value.decode('ascii')
        for word in text:
            self.assertIn(word, message)
        self.assertEqual(oid, answers[2].value)
        self.assert_now(answers[3].value)
        # The log has the same line.
        self.assertIn(message, self.world.daemon_log())

    def assert_accepted(self, varbinds, changes, start=None, lock=0):
        """The request is accepted in each version. 'changes' are those that have
        an effect, in the order of their varbinds: (column, row, old, new); each
        makes a job, and nothing else changes."""
        for version in self.versions:
            with self.subTest(version=version):
                self.place(**(start or {}))
                before = self.state()
                if lock:
                    varbinds = [(oid, letter, before['lbcSysSetLock'] if oid == LOCK else value)
                                for oid, letter, value in varbinds]
                answer = self.send(version, varbinds)
                self.assertEqual(('noError', 0), answer[:2])
                after = self.state()
                expected = dict(before)
                for column, row, old, new in changes:
                    values = list(expected[row])
                    which = (WEIGHT, FALLBACK, ENABLED).index(column)
                    self.assertEqual(old, values[which])
                    values[which] = new
                    expected[row] = tuple(values)
                expected['lbcSysConfigChanges'] += len(changes)
                expected['lbcJobLastId'] += len(changes)
                expected['lbcSysSetLock'] += lock
                # The table may be full: a new job then bumps an old one.
                expected['lbcJobRowsBumped'] = after['lbcJobRowsBumped']
                expected['lbcJobRows'] += len(changes) - (
                    after['lbcJobRowsBumped'] - before['lbcJobRowsBumped'])
                self.assertEqual(expected, after)
                self.assert_jobs(before['lbcJobLastId'] + 1, changes)
                self.assert_stored(after)

    def assert_jobs(self, first, changes):
        for number, (column, row, old, new) in enumerate(changes, first):
            job = self.job(number)
            operation = {WEIGHT: mib.SET_WEIGHT,
                         FALLBACK: mib.ENABLE_FALLBACK if new == TRUE else mib.DISABLE_FALLBACK,
                         ENABLED: mib.ENABLE if new == TRUE else mib.DISABLE}[column]
            path = self.names[self.rows[row]].encode('ascii').split(b'/')
            self.assertEqual(
                (operation, self.oid('lbcRealName', row), *path, old, new, mib.SUCCEEDED, 1,
                 mib.SOURCE_SNMP, first),
                tuple(job[name] for name in (
                    'Operation', 'Target', 'ClusterName', 'ServiceName', 'RealName', 'OldValue',
                    'NewValue', 'State', 'FailCause', 'Source', 'Request')))
            if self.job_messages:
                self.assertNotEqual(b'', job['Message'])
            for name in ('Created', 'Started', 'Finished'):
                self.assert_now(job[name])
        for row in {row for _, row, _, _ in changes}:
            last = first + max(at for at, change in enumerate(changes) if change[1] == row)
            self.assertEqual(last, self.world.client().get(
                self.oid('lbcRealLastJob', row)).value)
            self.assert_now(self.world.client().get(self.oid('lbcRealLastChange', row)).value)
        if changes:
            self.assert_now(self.world.get('lbcSysConfigLastChange', 0))

    def assert_stored(self, state):
        """lbclusterctl shows what SNMP shows as soon as it was answered, and the rows of
        the store soon have it."""
        listed = json.loads(self.world.ctl('-f', 'json', 'list', '-r').stdout)
        self.world.wait_written()
        for name, row in self.rows.items():
            shown = next(real for real in listed if real['path'] == self.names[row])
            self.assertEqual(state[name], (shown['weight'], TRUE if shown['fallback'] else FALSE,
                                           TRUE if shown['enabled'] else FALSE))
            self.assertEqual(state[name], self.world.sql(
                'SELECT weight, 2 - fallback, 2 - enabled FROM real_service WHERE id = ?',
                row[2])[0])


class Single(SetCase):
    """The first table: one varbind."""

    # Rows 1 and 2.

    def test_set_of_stored_value_is_no_error_without_job(self):
        for column, value in ((WEIGHT, 10), (FALLBACK, FALSE), (ENABLED, TRUE)):
            self.assert_accepted([self.varbind(column, 'a', value)], [])

    def test_set_of_stored_value_leaves_last_change_alone(self):
        self.place(a=(11, FALSE, TRUE))
        self.assert_stored(self.state())
        row = self.rows['a'][2]
        # lbclusterd reads the row again because of the reason.
        self.world.sql("UPDATE real_service SET last_change = 1000000000, reason = 'x'"
                       ' WHERE id = ?', row)
        wait_for(lambda: date(self.world.client().get(
            self.oid('lbcRealLastChange', 'a')).value) == 1000000000, 10, 'last change is seen')
        self.send(2, [self.varbind(WEIGHT, 'a', 11)])
        self.assertEqual(1000000000, date(self.world.client().get(
            self.oid('lbcRealLastChange', 'a')).value))

    def test_set_of_weight_is_done(self):
        for value in (0, 1, 255, 256, 65535):
            self.assert_accepted([self.varbind(WEIGHT, 'a', value)],
                                 [(WEIGHT, 'a', 10, value)])

    def test_set_of_enabled_is_done(self):
        self.assert_accepted([self.varbind(ENABLED, 'a', FALSE)], [(ENABLED, 'a', TRUE, FALSE)])
        self.assert_accepted([self.varbind(ENABLED, 'a', TRUE)], [(ENABLED, 'a', FALSE, TRUE)],
                             start=dict(a=(10, FALSE, FALSE)))

    def test_set_of_fallback_is_done(self):
        self.assert_accepted([self.varbind(FALLBACK, 'a', TRUE)],
                             [(FALLBACK, 'a', FALSE, TRUE)])
        self.assert_accepted([self.varbind(FALLBACK, 'a', FALSE)],
                             [(FALLBACK, 'a', TRUE, FALSE)], start=dict(a=(10, TRUE, TRUE)))

    def test_set_of_notify_enable_is_done_without_job(self):
        self.place()
        client = self.world.client()
        before = self.state()
        for version, bits in zip(VERSIONS, (b'\x80', b'\0', b'\x48'), strict=True):
            self.assertEqual(('noError', 0), self.send(version, [(NOTIFY, 's', bits)])[:2])
            self.assertEqual(bits, client.get(NOTIFY).value)
            self.assertEqual(before, self.state())
        # With other varbinds it is all or nothing. Without octets no bit is set.
        self.assertEqual(('inconsistentValue', 2), self.send(
            2, [(NOTIFY, 's', b'\xf8'), (LOCK, 'i', 2000000000)])[:2])
        self.assertEqual(b'\x48', client.get(NOTIFY).value)
        self.assertEqual(('noError', 0), self.send(2, [(NOTIFY, 's', b'')])[:2])
        self.assertEqual(b'\0', client.get(NOTIFY).value)
        self.assertEqual(('noError', 0), self.send(2, [(NOTIFY, 's', b'\xf8\0')])[:2])
        self.assertEqual(b'\xf8', client.get(NOTIFY).value)

    def test_set_shows_in_derived_values(self):
        self.place()
        client = self.world.client()
        service = self.rows['a'][:2]
        self.send(2, [self.varbind(FALLBACK, 'b', TRUE), self.varbind(WEIGHT, 'a', 3),
                      self.varbind(ENABLED, 'c', FALSE)])
        shown = [value.value for value in client.get(
            *[mib.oid('lbcService' + name, *service)
              for name in ('FallbackReal', 'WeightTotal', 'RealsEnabled')],
            self.oid('lbcRealOperStatus', 'c'))]
        self.assertEqual([self.rows['b'][2], 3, 2, 5], shown)

    # Row 3.

    def missing_rows(self):
        cluster, service, real = self.rows['a']
        other_service = self.rows['x'][1]
        return ((cluster, service, 999), (cluster, 999, real), (999, service, real),
                (cluster, other_service, real), (cluster, service, 0), (0, 0, 0),
                (cluster, service, 2147483648), (cluster, service, 4294967295))

    def test_set_of_missing_row_is_no_creation(self):
        for row in self.missing_rows():
            for column, value in ((WEIGHT, 5), (FALLBACK, TRUE), (ENABLED, FALSE)):
                self.assert_refused([self.varbind(column, row, value)], 'noCreation', 1)

    def test_set_of_malformed_index_is_no_creation(self):
        for row in ((), self.rows['a'][:1], self.rows['a'][:2], self.rows['a'] + (0,),
                    self.rows['a'] + (1, 2, 3)):
            self.assert_refused([self.varbind(WEIGHT, row, 5)], 'noCreation', 1)

    def test_set_of_other_instance_of_lock_is_no_creation(self):
        lock = self.world.get('lbcSysSetLock', 0)
        for index in ((1,), (0, 0), ()):
            self.assert_refused([(mib.oid('lbcSysSetLock', *index), 'i', lock)],
                                'noCreation', 1)

    # Row 4.

    def test_set_of_a_read_only_object_is_not_writable(self):
        row = self.rows['a']
        root = mib.ROOT
        oids = [mib.oid(name, *row) for name in (
            'lbcRealIndex', 'lbcRealName', 'lbcRealPath', 'lbcRealAddressType',
            'lbcRealAddress', 'lbcRealPort', 'lbcRealEndpoint', 'lbcRealOperStatus',
            'lbcRealOperStatusReason', 'lbcRealLastChange', 'lbcRealLastJob',
            'lbcRealPendingJobs', 'lbcRealStatsActive', 'lbcRealStatsLastUpdate',
            'lbcRealStatsTotalConns')]
        oids += [mib.oid('lbcClusterName', row[0]), mib.oid('lbcServiceName', *row[:2]),
                 mib.oid('lbcSysVersion', 0), mib.oid('lbcSysStatsStaleAfter', 0),
                 mib.oid('lbcJobMaxRows', 0), mib.oid('lbcJobState', 1),
                 mib.oid('lbcNotifyMinInterval', 0), mib.oid('lbcNotifySuppressed', 0),
                 mib.oid('lbcClusterByNameIndex', 'web'),
                 mib.oid('lbcServiceByNameIndex', row[0], 'http'),
                 mib.oid('lbcRealByNameIndex', *row[:2], 'a'),
                 mib.oid('lbcRealName', 9, 9, 9),       # and a missing row
                 mib.oid('lbcRealEntry', 0, *row), mib.oid('lbcRealEntry', 16, *row),
                 mib.oid('lbcRealTable'), mib.oid('lbcRealTable', 2, 8, *row),
                 root, root + (0, 1), root + (1,), root + (1, 99, 1, 0), root + (2, 1),
                 root + (4294967295,)]
        for oid in oids:
            for letter, value in (('u', 5), ('i', 1), ('s', b'x')):
                self.assert_refused([(oid, letter, value)], 'notWritable', 1)

    # Row 5.

    def test_set_outside_of_write_view_is_no_access(self):
        inside, outside = self.varbind(WEIGHT, 'a', 77), self.varbind(ENABLED, 'a', FALSE)
        for version in (1, 2):
            client = self.world.client('weights', version)
            self.place()
            before = self.state()
            status = STATUS_V1['noAccess'] if version == 1 else 'noAccess'
            self.assertEqual((status, 1), client.set_answer(outside)[:2])
            self.assertEqual((status, 2), client.set_answer(inside, outside)[:2])
            self.assertEqual((status, 1), client.set_answer(outside, inside)[:2])
            self.assertEqual(before, self.state())
            self.assertEqual(('noError', 0), client.set_answer(inside)[:2])
            self.assertEqual(77, self.world.client().get(inside[0]).value)

    def test_set_by_reader_is_refused(self):
        self.place()
        before = self.state()
        varbind = self.varbind(WEIGHT, 'a', 78)
        self.assertEqual(('noAccess', 1), self.world.client('public').set_answer(varbind)[:2])
        self.assertEqual(('noSuchName', 1),
                         self.world.client('public', 1).set_answer(varbind)[:2])
        self.assertEqual('noAccess',
                         self.world.client('outside').set_answer(varbind).status)
        answer = self.world.client('reader', 3).set_answer(varbind)
        self.assertIn(answer.status, ('noAccess', 'authorizationError'))
        self.assertEqual(before, self.state())

    # Row 6.

    def test_set_of_wrong_type_is_wrong_type(self):
        values = dict(i=1, u=1, s=b'', o=(1, 3, 6), n=None, a='10.0.0.1', c=1, t=1,
                      q=b'\x9f\x78\x04\0\0\0\0', C=1)
        lock = self.world.get('lbcSysSetLock', 0)
        for column, right in ((WEIGHT, 'u'), (FALLBACK, 'i'), (ENABLED, 'i')):
            for letter, value in values.items():
                if letter != right:
                    self.assert_refused([self.varbind(column, 'a', value, letter)],
                                        'wrongType', 1)
        for letter, value in dict(values, u=lock).items():
            if letter != 'i':
                self.assert_refused([(LOCK, letter, value)], 'wrongType', 1)
            if letter != 's':
                self.assert_refused([(NOTIFY, letter, value)], 'wrongType', 1)

    def test_set_of_text_is_wrong_type(self):
        for text in (b'', b'1', b'10', b'\0\0\0\1', b'x' * 1000):
            for column in (WEIGHT, FALLBACK, ENABLED):
                self.assert_refused([self.varbind(column, 'a', text, 's')], 'wrongType', 1)

    def test_set_that_snmpd_does_not_forward_is_an_error(self):
        """snmpd leaves out a wrapped Counter64: the TestSet has no varbind."""
        self.place()
        before = self.state()
        answer = self.world.client().set_answer(
            (self.oid(WEIGHT, 'a'), 'q', b'\x9f\x76\x01\x01'))
        self.assertEqual(('genErr', 1), answer[:2])
        self.assertEqual(before, self.state())
        self.assertEqual('noError', self.world.client().set_answer(
            self.varbind(WEIGHT, 'a', 21)).status)

    # Row 7. An integer on the wire of AgentX has 4 octets; only BITS has a length.

    def test_set_of_too_long_bits_is_wrong_length(self):
        self.assert_refused([(NOTIFY, 's', b'\xf8' + bytes(300))], 'wrongLength', 1)
        self.assert_refused([self.varbind(WEIGHT, 'a', 5), (NOTIFY, 's', bytes(300))],
                            'wrongLength', 2)

    def test_set_of_integer_longer_than_32_bits_changes_nothing(self):
        self.place()
        before = self.state()
        for content in (bytes(4) + b'\x0b', b'\1\0\0\0\0', bytes(8) + b'\x0b', b''):
            for tag in (0x42, 0x02):
                self.world.client().send_raw(self.oid(WEIGHT, 'a'), tag, content)
        after = self.state()
        self.assertIn(after.pop('a')[0], (10, 11, 0))
        before.pop('a')
        for name in ('b', 'c', 'x', 'y'):
            self.assertEqual(before[name], after[name])
        self.assertTrue(self.world.daemon.alive())

    # Row 8.

    def test_set_out_of_range_is_wrong_value(self):
        for column in (FALLBACK, ENABLED):
            for value in (0, 3, -1, 256, 2147483647, -2147483648):
                self.assert_refused([self.varbind(column, 'a', value)], 'wrongValue', 1)
        for value in (65536, 65546, 2147483647, 2147483648, 4294967295):
            self.assert_refused([self.varbind(WEIGHT, 'a', value)], 'wrongValue', 1)

    def test_set_of_unknown_bits_is_wrong_value(self):
        for bits in (b'\x04', b'\xff', b'\xf8\x80', b'\0\1'):
            self.assert_refused([(NOTIFY, 's', bits)], 'wrongValue', 1)

    def test_set_of_negative_lock_is_wrong_value(self):
        for value in (-1, -2147483648):
            self.assert_refused([(LOCK, 'i', value)], 'wrongValue', 1)

    # Rows 9 to 11.

    def test_set_of_second_fallback_is_inconsistent_value(self):
        for holder in ((10, TRUE, TRUE), (10, TRUE, FALSE)):
            self.assert_refused([self.varbind(FALLBACK, 'a', TRUE)], 'inconsistentValue', 1,
                                mib.REJECT_FALLBACK_TAKEN, ('web/http', 'b'),
                                start=dict(b=holder))

    def test_set_of_fallback_of_disabled_is_inconsistent_value(self):
        self.assert_refused([self.varbind(FALLBACK, 'a', TRUE)], 'inconsistentValue', 1,
                            mib.REJECT_FALLBACK_NEEDS_ENABLED, ('web/http/a',),
                            start=dict(a=(10, FALSE, FALSE)))

    def test_set_of_other_lock_is_inconsistent_value(self):
        lock = self.world.get('lbcSysSetLock', 0)
        for value in (lock + 1, lock + 1000, 2147483647, max(lock - 1, 0)):
            self.assert_refused([(LOCK, 'i', value)], 'inconsistentValue', 1,
                                mib.REJECT_LOCK_MISMATCH)

    def test_set_of_current_lock_increments_it(self):
        self.assert_accepted([(LOCK, 'i', None)], [], lock=1)

    def assert_lock_written(self, value):
        self.world.wait_written()
        self.assertEqual([(value,)], self.world.sql(
            "SELECT value FROM setting WHERE name = 'set_lock'"))

    def test_set_of_lock_at_maximum_wraps_to_zero(self):
        before = self.world.get('lbcSysSetLock', 0)
        self.world.wait_written()
        self.world.sql("UPDATE setting SET value = 2147483647 WHERE name = 'set_lock'")
        if self.world.server:
            # lbclusterd may get the notification of PostgreSQL after psql got its answer.
            self.world.wait_value(2147483647, 'lbcSysSetLock', 0)
        # A lock that another program changed is compared as stored.
        self.assertEqual(('noError', 0), self.send(2, [(LOCK, 'i', 2147483647)])[:2])
        self.assertEqual(0, self.world.get('lbcSysSetLock', 0))
        self.assert_lock_written(0)
        self.assertEqual(('noError', 0), self.send(2, [(LOCK, 'i', 0)])[:2])
        self.assertEqual(1, self.world.get('lbcSysSetLock', 0))
        self.assert_lock_written(1)
        self.world.sql("UPDATE setting SET value = ? WHERE name = 'set_lock'", before)
        self.world.wait_value(before, 'lbcSysSetLock', 0)

    # Order of the checks.

    def test_checks_of_a_varbind_have_their_order(self):
        missing = (99, 99, 99)
        # Writable before type, type before range, range before row.
        self.assert_refused([(mib.oid('lbcRealPort', *missing), 's', b'')], 'notWritable', 1)
        self.assert_refused([self.varbind(WEIGHT, missing, b'', 's')], 'wrongType', 1)
        self.assert_refused([self.varbind(WEIGHT, missing, 70000)], 'wrongValue', 1)
        self.assert_refused([self.varbind(ENABLED, missing, 3)], 'wrongValue', 1)
        # The row before preconditions of the PDU.
        self.assert_refused([self.varbind(FALLBACK, 'a', TRUE), self.varbind(WEIGHT, missing, 1)],
                            'noCreation', 2, start=dict(b=(10, TRUE, TRUE)))

    # With net-snmp's own tool.

    def test_snmpset_of_weight_is_done(self):
        self.place()
        target = '127.0.0.1:%d' % self.world.port
        oid = '.' + oid_text(self.oid(WEIGHT, 'a'))
        for number, args in enumerate((
                ['-v1', '-c', 'private'], ['-v2c', '-c', 'private'],
                ['-v3', '-l', 'authPriv', '-u', 'writer', '-a', 'SHA', '-A', 'authentication',
                 '-x', 'AES', '-X', 'encryption']), 100):
            done = subprocess.run(['snmpset', '-m', '', '-On', *args, target, oid, 'u',
                                   str(number)], capture_output=True, text=True, check=True)
            self.assertEqual('%s = Gauge32: %d\n' % (oid, number), done.stdout)
            self.assertEqual(number, self.world.client().get(self.oid(WEIGHT, 'a')).value)

    def test_oid_command_has_the_oids_of_a_row(self):
        self.place(a=(12, FALSE, TRUE))
        rows = json.loads(self.world.ctl('-f', 'json', 'oid', 'web/http/a', 'lbcReal*').stdout)
        for row in rows:
            self.assertEqual('.' + oid_text(self.oid(row['name'], 'a')), row['oid'])
        self.assertEqual(3, sum(row['snmpset'] is not None for row in rows))

    def test_refused_snmpset_has_a_reason(self):
        self.place(b=(10, TRUE, TRUE))
        done = subprocess.run(
            ['snmpset', '-m', '', '-On', '-v2c', '-c', 'private',
             '127.0.0.1:%d' % self.world.port, '.' + oid_text(self.oid(FALLBACK, 'a')), 'i',
             '1'], capture_output=True, text=True, check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn('inconsistentValue', done.stderr)


class Several(SetCase):
    """The second table: as if simultaneously."""

    def both_orders(self, check, first, second, *args, **options):
        check([first, second], *args, **options)
        check([second, first], *args, **options)

    def test_enable_and_fallback_of_one_row_is_done(self):
        enable, fall = self.varbind(ENABLED, 'a', TRUE), self.varbind(FALLBACK, 'a', TRUE)
        start = dict(a=(10, FALSE, FALSE))
        changes = [(ENABLED, 'a', FALSE, TRUE), (FALLBACK, 'a', FALSE, TRUE)]
        self.assert_accepted([enable, fall], changes, start)
        self.assert_accepted([fall, enable], changes[::-1], start)

    def test_fallback_handed_over_is_done(self):
        on, off = self.varbind(FALLBACK, 'b', TRUE), self.varbind(FALLBACK, 'a', FALSE)
        start = dict(a=(10, TRUE, TRUE))
        changes = [(FALLBACK, 'b', FALSE, TRUE), (FALLBACK, 'a', TRUE, FALSE)]
        self.assert_accepted([on, off], changes, start)
        self.assert_accepted([off, on], changes[::-1], start)

    def test_fallback_handed_over_from_disabled_is_done(self):
        self.assert_accepted(
            [self.varbind(FALLBACK, 'b', TRUE), self.varbind(FALLBACK, 'a', FALSE)],
            [(FALLBACK, 'b', FALSE, TRUE), (FALLBACK, 'a', TRUE, FALSE)],
            start=dict(a=(10, TRUE, FALSE)))

    def test_two_fallbacks_of_one_service_is_inconsistent_value_at_the_later(self):
        a, b = self.varbind(FALLBACK, 'a', TRUE), self.varbind(FALLBACK, 'b', TRUE)
        self.both_orders(self.assert_refused, a, b, 'inconsistentValue', 2,
                         mib.REJECT_FALLBACK_TAKEN, ('web/http',), start={})

    def test_three_fallbacks_of_one_service_is_inconsistent_value_at_the_second(self):
        self.assert_refused([self.varbind(FALLBACK, name, TRUE) for name in 'cab'],
                            'inconsistentValue', 2, mib.REJECT_FALLBACK_TAKEN, start={})

    def test_two_fallbacks_with_the_last_one_false_is_done(self):
        # The last change of a column wins.
        self.assert_accepted(
            [self.varbind(FALLBACK, 'a', TRUE), self.varbind(FALLBACK, 'b', TRUE),
             self.varbind(FALLBACK, 'a', FALSE)], [(FALLBACK, 'b', FALSE, TRUE)])

    def test_fallbacks_of_two_services_is_done(self):
        self.assert_accepted(
            [self.varbind(FALLBACK, 'a', TRUE), self.varbind(FALLBACK, 'x', TRUE)],
            [(FALLBACK, 'a', FALSE, TRUE), (FALLBACK, 'x', FALSE, TRUE)])

    def test_disable_and_fallback_of_one_row_is_inconsistent_value_at_the_fallback(self):
        off, on = self.varbind(ENABLED, 'a', FALSE), self.varbind(FALLBACK, 'a', TRUE)
        for varbinds, index in (([off, on], 2), ([on, off], 1)):
            self.assert_refused(varbinds, 'inconsistentValue', index,
                                mib.REJECT_FALLBACK_NEEDS_ENABLED, ('web/http/a',), start={})

    def test_disabled_fallback_remains_fallback(self):
        self.assert_accepted([self.varbind(ENABLED, 'a', FALSE)],
                             [(ENABLED, 'a', TRUE, FALSE)], start=dict(a=(10, TRUE, TRUE)))
        client = self.world.client()
        self.assertEqual(5, client.get(self.oid('lbcRealOperStatus', 'a')).value)
        self.assertEqual(TRUE, client.get(self.oid(FALLBACK, 'a')).value)
        self.assertEqual(self.rows['a'][2],
                         self.world.get('lbcServiceFallbackReal', *self.rows['a'][:2]))
        self.assertEqual(('inconsistentValue', 1),
                         self.send(2, [self.varbind(FALLBACK, 'b', TRUE)])[:2])

    def test_fallback_of_the_fallback_is_no_error(self):
        for enabled in (TRUE, FALSE):
            self.assert_accepted([self.varbind(FALLBACK, 'a', TRUE)], [],
                                 start=dict(a=(10, TRUE, enabled)))
        # With a disable beside it too: the flag does not change, so no rule applies.
        self.assert_accepted(
            [self.varbind(FALLBACK, 'a', TRUE), self.varbind(ENABLED, 'a', FALSE)],
            [(ENABLED, 'a', TRUE, FALSE)], start=dict(a=(10, TRUE, TRUE)))

    def test_weight_and_missing_row_is_no_creation_at_the_row(self):
        there, missing = self.varbind(WEIGHT, 'a', 5), self.varbind(WEIGHT, (9, 9, 9), 5)
        self.assert_refused([there, missing], 'noCreation', 2, start={})
        self.assert_refused([missing, there], 'noCreation', 1, start={})

    def test_last_of_one_column_wins(self):
        self.assert_accepted([self.varbind(WEIGHT, 'a', 5), self.varbind(WEIGHT, 'a', 7)],
                             [(WEIGHT, 'a', 10, 7)])
        # To the stored value: no change.
        self.assert_accepted([self.varbind(WEIGHT, 'a', 5), self.varbind(WEIGHT, 'a', 10)], [])

    def test_lock_and_weight_is_done_and_increments_lock(self):
        weight = self.varbind(WEIGHT, 'a', 5)
        self.assert_accepted([(LOCK, 'i', None), weight], [(WEIGHT, 'a', 10, 5)], lock=1)
        self.assert_accepted([weight, (LOCK, 'i', None)], [(WEIGHT, 'a', 10, 5)], lock=1)

    def test_stale_lock_and_weight_is_inconsistent_value_at_the_lock(self):
        weight = self.varbind(WEIGHT, 'a', 5)
        stale = (LOCK, 'i', self.world.get('lbcSysSetLock', 0) + 7)
        self.assert_refused([stale, weight], 'inconsistentValue', 1,
                            mib.REJECT_LOCK_MISMATCH, start={})
        self.assert_refused([weight, stale], 'inconsistentValue', 2,
                            mib.REJECT_LOCK_MISMATCH, start={})

    def test_jobs_of_one_request_have_the_same_number(self):
        self.place()
        first = self.world.get('lbcJobLastId', 0) + 1
        self.send(2, [self.varbind(WEIGHT, 'a', 1), self.varbind(WEIGHT, 'x', 2),
                      self.varbind(ENABLED, 'c', FALSE)])
        self.send(2, [self.varbind(WEIGHT, 'a', 3)])
        self.assertEqual([first] * 3 + [first + 3],
                         [self.job(number)['Request'] for number in range(first, first + 4)])

    def test_all_columns_of_a_row_in_one_request_are_done(self):
        self.assert_accepted(
            [self.varbind(WEIGHT, 'a', 5), self.varbind(FALLBACK, 'a', TRUE),
             self.varbind(ENABLED, 'b', FALSE)],
            [(WEIGHT, 'a', 10, 5), (FALLBACK, 'a', FALSE, TRUE), (ENABLED, 'b', TRUE, FALSE)])

    def test_first_fault_of_several_is_reported(self):
        self.assert_refused(
            [self.varbind(WEIGHT, 'a', 5), self.varbind(ENABLED, 'a', 3),
             self.varbind(WEIGHT, 'b', b'', 's'), self.varbind(WEIGHT, (9, 9, 9), 5)],
            'wrongValue', 2, start={})

    def test_effects_across_services_are_all_or_nothing(self):
        self.assert_refused(
            [self.varbind(WEIGHT, 'x', 5), self.varbind(ENABLED, 'y', FALSE),
             self.varbind(FALLBACK, 'a', TRUE), self.varbind(WEIGHT, 'c', 6)],
            'inconsistentValue', 3, mib.REJECT_FALLBACK_TAKEN, start=dict(b=(10, TRUE, TRUE)))


if __name__ == '__main__':
    main()
