# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The views of LBCLUSTER-MIB(7), with which a manager sees and sets one cluster only, in a real
# snmpd: GET, GETNEXT, GETBULK, SET and notifications. The lines are those of the page.
"""One manager for one cluster."""

import os
import re

import mib
from harness import Case, main
from snmp import SHA_256, ClientV3, oid_text
from test_access import LETTERS
from traps import Traps

_PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     '..', '..', 'doc', 'LBCLUSTER-MIB.7')

# The page has cluster 2, "shop". Servers have one name in all clusters.
OWN = 2
INVENTORY = ''.join("""
cluster %s { plane = none  service http { address = 192.0.2.10  port = 80
    real a { address = 10.0.0.1  port = 80  weight = 10 }
    real b { address = 10.0.0.2  port = 80  weight = 10 } } }
""" % name for name in ('web', 'shop', 'late'))
PATHS = ['%s/http/%s' % (cluster, real) for cluster in ('web', 'shop', 'late') for real in 'ab']

# Tables whose index begins with the cluster, and the scalars of the page.
TABLES = ('lbcClusterTable', 'lbcServiceTable', 'lbcRealTable', 'lbcRealStatsTable',
          'lbcServerTable', 'lbcServiceByNameTable', 'lbcRealByNameTable', 'lbcServerByNameTable')
SCALARS = ('lbcSysVersion', 'lbcSysTableLastChange', 'lbcSysStoreStatus',
           'lbcSysStatsStaleAfter', 'lbcSysCountersSince')
SETTABLE = ('lbcRealWeight', 'lbcRealFallback', 'lbcRealEnabled', 'lbcServiceEnabled',
            'lbcServerEnabled')

# Changes between two walks.
MOVING = ('lbcRealStatsAge',)

MORE = """
master agentx
createUser shopop SHA-256 "passphrase 1" AES "passphrase 2"
view everything included .1
rocommunity poller 127.0.0.1 -V everything
rwcommunity private 127.0.0.1
com2sec shop 127.0.0.1 shop
group shop-v2c v2c shop
access shop-v2c "" v2c noauth exact shop shopset none
"""


def recipe(first):
    """The lines of the page from the one that begins with 'first' to the end of its block."""
    with open(_PAGE, encoding='ascii') as file:
        text = file.read()
    return re.search(r'^\.Bd -literal.*\n((?:%s)(?:[^.].*\n|\n)*)\.Ed$' % re.escape(first), text,
                     re.M).group(1)


def is_own(oid):
    """True if the page lets the manager of the cluster read this instance."""
    name = mib.name_of(oid)
    if name == 'lbcClusterByNameIndex':
        return oid == mib.oid(name, 'shop')
    for table in map(mib.oid, TABLES):
        # Below a table are its entry and the column.
        if oid[:len(table)] == table:
            return oid[len(table) + 2] == OWN
    return name in SCALARS


class ViewsCase(Case):
    sink = ''

    @classmethod
    def setUpClass(cls):
        cls.inventory = INVENTORY
        super().setUpClass()

    @classmethod
    def prepare(cls, world):
        world.configure_master(recipe('view shop ') + MORE)
        world.reader = 'poller'
        # Rows of jobs, a refused SET, and statistics of each kind.
        world.ctl('set-weight', 'web/http/b', '11')
        world.ctl('set-weight', 'shop/http/b', '11')
        world.import_statistics([dict(path=path, active=True, active_connections=1, bps_in=1)
                                 for path in PATHS])


class Read(ViewsCase):
    """GET, GETNEXT and GETBULK."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.world.client().set_answer((mib.oid('lbcRealFallback', 1, 1, 1), 'i', mib.TRUE),
                                      (mib.oid('lbcRealFallback', 1, 1, 2), 'i', mib.TRUE))
        cls.all = list(cls.world.client('poller').walk(mib.ROOT))
        cls.own = [varbind for varbind in cls.all if is_own(varbind.oid)]

    def operator(self):
        client = ClientV3(self.world.port, 'shopop', 'passphrase 1', 'passphrase 2', SHA_256)
        self.addCleanup(client.close)
        return client

    def assert_own(self, found):
        def still(varbinds):
            return [varbind for varbind in varbinds if mib.name_of(varbind.oid) not in MOVING]
        self.assertEqual([varbind.oid for varbind in self.own], [varbind.oid for varbind in found])
        self.assertEqual(still(self.own), still(found))

    def test_the_walk_of_all_has_every_object_and_other_clusters(self):
        self.assertEqual({mib.oid(name) for name in SCALARS},
                         {varbind.oid[:-1] for varbind in self.own} & set(map(mib.oid, SCALARS)))
        self.assertGreater(len(self.own), 90)
        self.assertGreater(len(self.all), 3 * len(self.own) - 20)
        reject, = [varbind.value for varbind in self.all
                   if mib.name_of(varbind.oid) == 'lbcSysLastRejectText']
        self.assertIn(b'web/http', reject)
        self.assertIn('lbcJobMessage', [mib.name_of(varbind.oid) for varbind in self.all])

    def test_bulk_walk_has_the_own_rows_only(self):
        self.assert_own(list(self.world.client('shop').walk(mib.ROOT)))
        self.assert_own([varbind for varbind in self.world.client('shop').walk((1, 3))
                         if mib.name_of(varbind.oid)])

    def test_walk_by_getnext_has_the_own_rows_only(self):
        client = self.world.client('shop')
        found, at = [], mib.ROOT
        while True:
            varbind, = client.next_answer(at).varbinds
            if varbind.type == 'endOfMibView':
                break
            found.append(varbind)
            at = varbind.oid
        self.assert_own(found)

    def test_get_of_each_instance(self):
        client = self.operator()
        for varbind in self.all:
            found, = client.get_answer(varbind.oid).varbinds
            if not is_own(varbind.oid):
                self.assertEqual('noSuchObject', found.type, oid_text(varbind.oid))
            elif mib.name_of(varbind.oid) not in MOVING:
                self.assertEqual(varbind, found)

    def test_name_of_another_cluster_is_not_found(self):
        client = self.operator()
        for oid in (mib.oid('lbcClusterByNameIndex', 'web'),
                    mib.oid('lbcServiceByNameIndex', 1, 'http')):
            self.assertEqual('noSuchObject', client.get_answer(oid).varbinds[0].type)
        self.assertEqual(OWN, client.get(mib.oid('lbcClusterByNameIndex', 'shop')).value)


class Write(ViewsCase):
    """SET."""

    def test_set_of_each_instance(self):
        client = ClientV3(self.world.port, 'shopop', 'passphrase 1', 'passphrase 2', SHA_256)
        self.addCleanup(client.close)
        tried = set()
        for varbind in self.world.client('poller').walk(mib.ROOT):
            name = mib.name_of(varbind.oid)
            own = name in SETTABLE and is_own(varbind.oid)
            if own or mib.ACCESS[name] == 'read-write' or (name, own) not in tried:
                tried.add((name, own))
                answer = client.set_answer((varbind.oid, LETTERS[varbind.type], varbind.value))
                self.assertEqual(('noError', 0) if own else ('noAccess', 1), answer[:2],
                                 oid_text(varbind.oid))
        self.assertTrue({(name, own) for name in SETTABLE for own in (True, False)} <= tried)

    def test_missing_rows(self):
        client = self.world.client('shop')
        for index, status in (((OWN, 2, 99), 'noCreation'), ((OWN, 1, 1), 'noCreation'),
                              ((9, 9, 9), 'noAccess'), ((1, 1, 99), 'noAccess')):
            self.assertEqual((status, 1), client.set_answer(
                (mib.oid('lbcRealWeight', *index), 'u', 5))[:2], index)

    def test_request_with_a_row_of_another_cluster_changes_nothing(self):
        own = (mib.oid('lbcRealWeight', OWN, 2, 3), 'u', 77)
        other = (mib.oid('lbcRealWeight', 1, 1, 1), 'u', 77)
        client = self.world.client('shop')
        self.assertEqual(('noAccess', 2), client.set_answer(own, other)[:2])
        self.assertEqual(('noAccess', 1), client.set_answer(other, own)[:2])
        self.assertEqual([10, 10], [self.world.client().get(oid).value
                                    for oid, _, _ in (own, other)])
        self.assertEqual(('noError', 0), client.set_answer(own)[:2])
        self.assertEqual(77, client.get(own[0]).value)


class Notify(Case):
    """A filter selects kinds of notifications. It cannot select a cluster."""

    def received(self, filters):
        """The kinds and clusters of the notifications after a change in each cluster."""
        world = self.new_world()
        world.configure_master(recipe('view shop ') + MORE + filters)
        world.reader = 'poller'
        traps = Traps(world, sink='trap2sink -profile services 127.0.0.1:{port} traps\n')
        world.configure(notify_min_interval=0)
        world.load(INVENTORY)
        world.import_statistics([{'path': path, 'active': True} for path in PATHS])
        world.start()
        world.import_statistics([{'path': path, 'active': False} for path in PATHS])
        # The notifications of services are sent last.
        for cluster in ('web', 'shop', 'late'):
            traps.wait('lbcServiceStatusChange', lbcClusterName=cluster)
        return {(trap.name, trap.values['lbcClusterName']) for trap in traps.all()}

    def test_filter_of_the_page_selects_the_kind(self):
        self.assertEqual({('lbcServiceStatusChange', name) for name in ('web', 'shop', 'late')},
                         self.received(recipe('notificationFilter ').splitlines()[0] + '\n'))

    def test_filter_of_objects_has_no_effect(self):
        # The cluster in the names of the varbinds, as RFC 3413 section 6 has it.
        root = oid_text(mib.ROOT)
        self.assertEqual(
            {(kind, name) for kind in ('lbcServiceStatusChange', 'lbcRealActiveChange')
             for name in ('web', 'shop', 'late')},
            self.received('notificationFilter services .%s.0 0x00 included\n' % root + ''.join(
                'notificationFilter services .%s.1.%d.1.0.2 0xfffb included\n' % (root, table)
                for table in (2, 3, 4, 5))))


if __name__ == '__main__':
    main()
