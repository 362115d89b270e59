# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# lbcClusterPlaneStatus without a driver that polls: the driver ended, was stopped, or never ran.
# SNMP and lbclusterctl show the same.
"""Unattended data planes."""

import json
import signal

from haproxy import EVENT_S, SERVER, Plane
from harness import main, stop, wait_for

NONE, OK, UNREACHABLE, UNATTENDED = 1, 2, 3, 5      # lbcClusterPlaneStatus
NAMES = {NONE: 'none', OK: 'ok', UNREACHABLE: 'unreachable', UNATTENDED: 'unattended'}


class Unattended(Plane):
    def shown(self, cluster='web'):
        """Returns (status, message) of SNMP, when lbclusterctl shows the same."""
        number = self.world.sql('SELECT id FROM cluster WHERE name = ?', cluster)[0][0]

        def both():
            snmp = [(self.world.get('lbcClusterPlaneStatus', number),
                     self.world.get('lbcClusterPlaneMessage', number).decode())
                    for _ in range(2)]
            rows = json.loads(self.world.ctl('-f', 'json', 'list').stdout)
            row = [row for row in rows if row['name'] == cluster][0]
            ctl = row['plane_status'], row['plane_message']
            same = snmp[0] == snmp[1] and ctl == (NAMES[snmp[0][0]], snmp[0][1])
            return snmp[0] if same else None
        return wait_for(both, EVENT_S, 'SNMP and lbclusterctl show the same')

    def wait_shown(self, status, message='', cluster='web'):
        def event():
            found = self.shown(cluster)
            return found if found[0] == status and message in found[1] else None
        return wait_for(event, EVENT_S, 'plane status %d, %s' % (status, message))

    def start(self):
        self.plane_world(timeout=0.5)
        self.proxy = self.haproxy({'http': {'a': SERVER}})
        self.load(self.proxy)
        self.start_driver()
        self.world.start()
        self.wait_shown(OK)

    def polled(self):
        return self.world.sql('SELECT time, changed FROM look', file='lbcluster-stats.db')[0]

    def test_driver_that_ended(self):
        self.start()
        self.stop_driver()
        last = self.polled()[0]
        _, message = self.wait_shown(UNATTENDED, 'lbcluster-haproxy has not polled HAProxy since ')
        self.assertRegex(message, r'since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ; start it$')
        self.assertEqual(last, self.polled()[0])
        # A restart of lbclusterd keeps the status.
        self.world.stop_daemon()
        self.world.start_daemon()
        self.assertEqual((UNATTENDED, message), self.shown())
        self.start_driver()
        self.wait_shown(OK)

    def test_driver_that_is_stopped(self):
        self.start()
        stop(self.driver)
        self.wait_shown(UNATTENDED, 'has not polled HAProxy since')
        self.driver.signal(signal.SIGCONT)
        self.wait_shown(OK)

    def test_unreachable_haproxy_is_not_unattended(self):
        self.start()
        self.proxy.kill()
        self.wait_shown(UNREACHABLE)
        for _ in range(3):
            before = self.polled()
            wait_for(lambda before=before: self.polled() != before, EVENT_S, 'another poll')
            self.assertEqual(UNREACHABLE, self.shown()[0])
        self.stop_driver()

    def test_driver_that_never_ran(self):
        self.plane_world()
        self.world.load('cluster web { plane = haproxy  socket = /nowhere'
                        '  service s { real a { address = 10.0.0.1 } } }'
                        'cluster plain { service s { real a { address = 10.0.0.1 } } }')
        self.world.start()
        self.assertEqual((UNATTENDED, 'lbcluster-haproxy has not polled HAProxy yet; start it'),
                         self.shown())
        self.assertEqual((NONE, ''), self.shown('plain'))
        # A driver that finds no HAProxy polls all the same.
        self.start_driver()
        self.wait_shown(UNREACHABLE, 'No such file')
        # No driver has polled another plane of the cluster.
        self.stop_driver()
        self.world.sql("UPDATE cluster SET plane = 'ipvs', plane_status = 1,"
                       " plane_message = '' WHERE name = 'web'")
        self.wait_shown(UNATTENDED, 'lbcluster-ipvs has not polled IPVS yet; start it')

    def test_clock_that_was_ahead(self):
        # A poll with a time in the future does not count.
        self.plane_world()
        self.world.load('cluster web { plane = haproxy  socket = /nowhere'
                        '  service s { real a { address = 10.0.0.1 } } }')
        self.world.sql('INSERT INTO look (cluster_id, time, interval_ms)'
                       ' VALUES (1, unixepoch() + 86400, 5000)', file='lbcluster-stats.db')
        self.world.sql('UPDATE cluster SET plane_status = 2')
        self.world.start()
        self.assertEqual(UNATTENDED, self.shown()[0])
        self.start_driver()
        self.wait_shown(UNREACHABLE)
        self.stop_driver()


if __name__ == '__main__':
    main()
