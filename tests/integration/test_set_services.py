# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# SETs of lbcServiceEnabled and lbcServerEnabled through a real snmpd, in SNMPv1, v2c and v3:
# the answer, the values, the rows and the jobs after it.
"""SETs of services and of servers."""

import json

import mib
from harness import Case, main
from mib import FALSE, TRUE
from snmp import STATUS_V1

VERSIONS = (1, 2, 3)
LOCK = mib.oid('lbcSysSetLock', 0)
ENABLED, DISABLED, MIXED = 1, 2, 3

# web-1 is in two services, and in another cluster. b is the fallback of ssh.
INVENTORY = """
cluster web {
    plane = none
    service http {
        real web-1 { address = 10.0.0.1  port = 80 }
        real b { address = 10.0.0.2  port = 80 }
    }
    service ssh {
        real web-1 { address = 10.0.0.1  port = 22 }
        real b { address = 10.0.0.2  port = 22  fallback = yes }
    }
}
cluster other {
    plane = none
    service s { real web-1 { address = 10.0.0.1  port = 80 } }
}
"""

REALS = ('web/http/web-1', 'web/http/b', 'web/ssh/web-1', 'web/ssh/b', 'other/s/web-1')
SERVICES = ('web/http', 'web/ssh', 'other/s')
ALL = dict.fromkeys(REALS + SERVICES, 1)


class ServicesCase(Case):
    """A world whose rows are reset before each request."""

    inventory = INVENTORY

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ids = {path: cls.world.number(path) for path in REALS}
        cls.ids.update((path.rsplit('/', 1)[0], row[:2]) for path, row in list(cls.ids.items()))

    def real(self, path, value):
        return mib.oid('lbcRealEnabled', *self.ids[path]), 'i', value

    def service(self, path, value, letter='i'):
        return mib.oid('lbcServiceEnabled', *self.ids[path]), letter, value

    def server(self, name, value, letter='i', cluster='web'):
        number = self.ids['other/s' if cluster == 'other' else 'web/http'][0]
        index = self.world.get('lbcServerByNameIndex', number, name)
        return mib.oid('lbcServerEnabled', number, index), letter, value

    def place(self, off=()):
        """Enables everything but the rows of 'off'."""
        self.assertEqual(('noError', 0), self.world.client().set_answer(
            *[self.service(path, FALSE if path in off else TRUE) for path in SERVICES],
            *[self.real(path, FALSE if path in off else TRUE) for path in REALS])[:2])

    def state(self):
        """The enabled of each row, and what counts changes, as SNMP shows it."""
        client = self.world.client()
        found = {path: 2 - client.get(self.service(path, 1)[0]).value for path in SERVICES}
        found.update((path, 2 - client.get(self.real(path, 1)[0]).value) for path in REALS)
        for name in ('lbcSysSetLock', 'lbcSysConfigChanges', 'lbcJobLastId'):
            found[name] = self.world.get(name, 0)
        return found

    def send(self, version, varbinds):
        return self.world.client('writer' if version == 3 else 'private', version) \
            .set_answer(*varbinds)

    def jobs(self, first):
        """(operation, path, old, new, state, request - first) of the jobs from 'first' on."""
        names = ('Operation', 'ClusterName', 'ServiceName', 'RealName', 'OldValue', 'NewValue',
                 'State', 'Request', 'Target')
        found = []
        for number in range(first, self.world.get('lbcJobLastId', 0) + 1):
            values = [value.value for value in self.world.client().get(
                *[mib.oid('lbcJob' + name, number) for name in names])]
            path = b'/'.join(part for part in values[1:4] if part).decode()
            column = 'lbcRealName' if path in REALS else 'lbcServiceName'
            self.assertEqual(mib.oid(column, *self.ids[path]), values[8])
            found.append((values[0], path, *values[4:7], values[7] - first))
        return found

    def assert_accepted(self, varbinds, changes, off=(), lock=0):
        """The request is accepted in each version. changes: path -> new value; each makes a
        job, and nothing else changes."""
        for version in VERSIONS:
            with self.subTest(version=version):
                self.place(off)
                before = self.state()
                answer = self.send(version, [
                    (oid, letter, before['lbcSysSetLock'] if oid == LOCK else value)
                    for oid, letter, value in varbinds])
                self.assertEqual(('noError', 0), answer[:2])
                expected = {**before, **changes}
                expected['lbcSysSetLock'] += lock
                expected['lbcSysConfigChanges'] += len(changes)
                expected['lbcJobLastId'] += len(changes)
                self.assertEqual(expected, self.state())
                self.assertEqual(sorted(
                    ((1 if new else 2) + 5 * (path in SERVICES), path, 2 - before[path],
                     2 - new, mib.SUCCEEDED, 0) for path, new in changes.items()),
                    sorted(self.jobs(before['lbcJobLastId'] + 1)))
                self.assert_stored(expected)

    def assert_stored(self, state):
        """lbclusterctl shows the same, and the rows soon have it."""
        shown = {row['path']: int(row['enabled']) for arguments in (
            ('list', 'web'), ('list', 'other'), ('list', '-r')) for row in json.loads(
            self.world.ctl('-f', 'json', *arguments).stdout)}
        wanted = {path: state[path] for path in ALL}
        self.assertEqual(wanted, shown)
        self.world.wait_written()
        rows = dict(self.world.sql(
            "SELECT c.name || '/' || s.name, s.enabled FROM service s"
            " JOIN cluster c ON c.id = s.cluster_id UNION ALL"
            " SELECT c.name || '/' || s.name || '/' || r.name, r.enabled FROM real_service r"
            ' JOIN service s ON s.id = r.service_id JOIN cluster c ON c.id = s.cluster_id'))
        self.assertEqual(wanted, rows)

    def assert_refused(self, varbinds, status, index, off=()):
        for version in VERSIONS:
            with self.subTest(version=version):
                self.place(off)
                before = self.state()
                self.assertEqual((STATUS_V1[status] if version == 1 else status, index),
                                 self.send(version, varbinds)[:2])
                self.assertEqual(before, self.state())


class Services(ServicesCase):
    """lbcServiceEnabled."""

    def test_set_of_a_service_is_done(self):
        self.assert_accepted([self.service('web/http', FALSE)], {'web/http': 0})
        self.assert_accepted([self.service('web/http', TRUE)], {'web/http': 1},
                             off=['web/http', 'web/http/b'])

    def test_set_of_stored_value_is_no_error_without_job(self):
        self.assert_accepted([self.service('web/http', TRUE)], {})
        self.assert_accepted([self.service('web/http', FALSE)], {}, off=['web/http'])
        self.assert_accepted([self.service('web/http', FALSE), self.service('web/http', TRUE)],
                             {})

    def test_set_with_other_varbinds_is_done_as_a_whole(self):
        self.assert_accepted(
            [self.service('web/http', FALSE), (LOCK, 'i', None), self.real('web/ssh/b', FALSE),
             self.service('other/s', FALSE)],
            {'web/http': 0, 'web/ssh/b': 0, 'other/s': 0}, lock=1)
        self.assert_refused([self.service('web/http', FALSE), (LOCK, 'i', 2000000000)],
                            'inconsistentValue', 2)

    def test_set_shows_in_derived_values(self):
        self.place()
        self.send(2, [self.service('web/http', FALSE)])
        row = self.ids['web/http']
        self.assertEqual([5, 2, 5], [
            self.world.get('lbcServiceStatus', *row),
            self.world.get('lbcServiceRealsEnabled', *row),
            self.world.get('lbcRealOperStatus', *self.ids['web/http/b'])])
        self.assertEqual(b'its service is disabled', self.world.get(
            'lbcRealOperStatusReason', *self.ids['web/http/b']))

    def test_set_of_missing_row_is_no_creation(self):
        cluster, service = self.ids['web/http']
        for index in ((cluster, 999), (999, service), (), (cluster,), (cluster, service, 0),
                      (self.ids['other/s'][0], service), (0, 0), (cluster, 4294967295)):
            oid = mib.oid('lbcServiceEnabled', *index)
            self.assert_refused([(oid, 'i', FALSE)], 'noCreation', 1)
        self.assert_refused([self.service('web/ssh', FALSE), (oid, 'i', FALSE)],
                            'noCreation', 2)

    def test_set_of_an_invalid_value_is_refused(self):
        for value in (0, 3, -1, 256, 2147483647, -2147483648):
            self.assert_refused([self.service('web/http', value)], 'wrongValue', 1)
        for letter, value in (('u', 1), ('s', b'\1'), ('c', 1), ('t', 1), ('o', (1, 3)),
                              ('s', b'')):
            self.assert_refused([self.service('web/http', value, letter)], 'wrongType', 1)


class Servers(ServicesCase):
    """lbcServerEnabled."""

    def enabled(self, name='web-1'):
        return self.world.client().get(self.server(name, 1)[0]).value

    def test_set_of_a_server_is_done_in_all_services_of_its_cluster(self):
        both = {'web/http/web-1': 0, 'web/ssh/web-1': 0}
        self.assert_accepted([self.server('web-1', DISABLED)], both)
        self.assertEqual(DISABLED, self.enabled())
        self.assert_accepted([self.server('web-1', ENABLED)], dict.fromkeys(both, 1), off=both)
        self.assertEqual(ENABLED, self.enabled())

    def test_set_of_a_mixed_server_changes_those_that_differ(self):
        self.place(['web/ssh/web-1'])
        self.assertEqual(MIXED, self.enabled())
        self.assert_accepted([self.server('web-1', DISABLED)], {'web/http/web-1': 0},
                             off=['web/ssh/web-1'])
        self.assert_accepted([self.server('web-1', ENABLED)], {'web/ssh/web-1': 1},
                             off=['web/ssh/web-1'])

    def test_set_of_stored_value_is_no_error_without_job(self):
        self.assert_accepted([self.server('web-1', ENABLED)], {})
        self.assert_accepted([self.server('web-1', DISABLED), self.server('web-1', ENABLED)], {})
        self.assert_accepted([self.server('web-1', DISABLED, cluster='other')], {},
                             off=['other/s/web-1'])

    def test_disabled_fallback_remains_fallback(self):
        self.assert_accepted([self.server('b', DISABLED)], {'web/http/b': 0, 'web/ssh/b': 0})
        self.assertEqual(self.ids['web/ssh/b'][2], self.world.get(
            'lbcServiceFallbackReal', *self.ids['web/ssh']))
        self.assert_refused([self.server('web-1', DISABLED), (mib.oid(
            'lbcRealFallback', *self.ids['web/http/web-1']), 'i', TRUE)], 'inconsistentValue', 2)

    def test_last_of_a_server_and_its_real_service_wins(self):
        self.assert_accepted([self.server('web-1', DISABLED), self.real('web/ssh/web-1', TRUE)],
                             {'web/http/web-1': 0})
        self.assert_accepted([self.real('web/ssh/web-1', TRUE), self.server('web-1', DISABLED)],
                             {'web/http/web-1': 0, 'web/ssh/web-1': 0})
        self.assert_accepted(
            [self.server('web-1', DISABLED), self.service('web/http', FALSE),
             (LOCK, 'i', None)],
            {'web/http/web-1': 0, 'web/ssh/web-1': 0, 'web/http': 0}, lock=1)

    def test_set_of_missing_row_is_no_creation(self):
        cluster = self.ids['web/http'][0]
        number = self.server('web-1', 1)[0][-1]
        for index in ((cluster, 999), (999, number), (), (cluster,), (cluster, number, 0),
                      (self.ids['other/s'][0], number), (0, 0), (cluster, 4294967295)):
            oid = mib.oid('lbcServerEnabled', *index)
            self.assert_refused([(oid, 'i', DISABLED)], 'noCreation', 1)
        self.assert_refused([self.server('b', DISABLED), (oid, 'i', DISABLED)],
                            'noCreation', 2)

    def test_set_of_an_invalid_value_is_refused(self):
        for value in (MIXED, 0, 4, -1, 2147483647):
            self.assert_refused([self.server('web-1', value)], 'wrongValue', 1)
        for letter, value in (('u', 1), ('s', b'\1'), ('c', 1), ('t', 1), ('o', (1, 3))):
            self.assert_refused([self.server('web-1', value, letter)], 'wrongType', 1)

    def test_set_of_a_read_only_object_is_not_writable(self):
        cluster = self.ids['web/http'][0]
        number = self.server('web-1', 1)[0][-1]
        for oid in (mib.oid('lbcServerName', cluster, number),
                    mib.oid('lbcServerReals', cluster, number),
                    mib.oid('lbcServerActiveConns', cluster, number),
                    mib.oid('lbcServerEntry', 1, cluster, number),
                    mib.oid('lbcServerEntry', 8, cluster, number),
                    mib.oid('lbcServerByNameIndex', cluster, 'web-1')):
            self.assert_refused([(oid, 'i', 1)], 'notWritable', 1)


class Numbers(Case):
    """Numbers of servers."""

    inventory = INVENTORY

    def test_number_stays_and_is_never_used_again(self):
        world = self.world
        cluster = world.number('web/http/web-1')[0]

        def number(name):
            return world.get('lbcServerByNameIndex', cluster, name)

        first = number('web-1')
        world.ctl('remove', 'web/http/web-1')
        self.assertEqual(first, number('web-1'))
        self.assertEqual(1, world.get('lbcServerReals', cluster, first))
        world.ctl('remove', 'web/ssh/web-1')
        self.assertEqual('noSuchInstance', world.client().get(
            mib.oid('lbcServerName', cluster, first)).type)
        world.load(INVENTORY)
        again = number('web-1')
        self.assertGreater(again, first)
        world.stop_daemon()
        world.start_daemon()
        world.wait_value(again, 'lbcServerByNameIndex', cluster, 'web-1')
        self.assertEqual(2, world.get('lbcServerReals', cluster, again))


if __name__ == '__main__':
    main()
