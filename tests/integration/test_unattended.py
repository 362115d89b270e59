# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# lbcClusterPlaneStatus without a driver that polls: the driver ended, was stopped, or never ran.
# SNMP and lbclusterctl show the same.
"""Unattended data planes."""

import fcntl
import json
import os
import signal
import time

import mib
from haproxy import EVENT_S, SERVER, Plane
from harness import LBCLUSTERD, main, stop, wait_for

NONE, OK, UNREACHABLE, UNATTENDED = 1, 2, 3, 5      # lbcClusterPlaneStatus
EXPIRE_WAIT_S = 10      # lbclusterd waits so long for a driver that starts with it
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

    def start_without_driver(self, **options):
        self.plane_world()
        self.world.load('cluster web { plane = haproxy  socket = /nowhere'
                        '  service s { real a { address = 10.0.0.1  weight = 3 } '
                        '  real b { address = 10.0.0.2  weight = 3  fallback = yes } } }')
        self.world.configure(**options)
        self.world.start()

    def wait_passed(self, seconds):
        # That lbclusterd does nothing has no event to wait for.
        end = time.monotonic() + seconds
        wait_for(lambda: time.monotonic() >= end, EVENT_S, '%d s' % seconds)

    def set(self, *varbinds):
        answer = self.world.client().set_answer(*varbinds)
        self.assertEqual('noError', answer.status)
        return self.world.get('lbcJobLastId', 0)

    def test_job_names_the_driver_to_start(self):
        self.start_without_driver()
        number = self.world.number('web/s/a')
        job = self.set((mib.oid('lbcRealWeight', *number), 'u', 9))
        message = 'waits: lbcluster-haproxy has not polled HAProxy yet; start it'
        self.assertEqual(message, self.world.get('lbcJobMessage', job).decode())
        self.world.wait_written()
        row = json.loads(self.world.ctl('-f', 'json', 'job', str(job)).stdout)
        self.assertEqual('queued', row['status'])
        self.assertIn(message, self.world.ctl('job').stdout)
        self.assertEqual(message, row['message'])
        done = self.world.ctl('disable', 'web/s/a', wait=True, check=False)
        self.assertEqual(8, done.returncode)
        self.assertIn('job %d: web/s/a: disable: has not ended: %s' % (
            job + 1, message.removeprefix('waits: ')), done.stderr)
        # The job of a driver that runs has the driver's message.
        self.start_driver()
        self.wait_job(job, self.QUEUED, 'No such file')
        wait_for(lambda: b'No such file' in self.world.get('lbcJobMessage', job), EVENT_S,
                 'the message of the driver')
        self.stop_driver()

    def test_job_patience_without_a_driver(self):
        self.start_without_driver(job_patience=1)
        a, b = (self.world.number('web/s/' + name) for name in 'ab')
        first = self.set((mib.oid('lbcRealWeight', *a), 'u', 9),
                         (mib.oid('lbcRealFallback', *b), 'i', 2),
                         (mib.oid('lbcRealFallback', *a), 'i', 1)) - 2
        self.world.wait_value(4, 'lbcJobState', first, deadline_s=EVENT_S)      # failed
        self.world.wait_value(4, 'lbcJobState', first + 1, deadline_s=EVENT_S)
        self.world.wait_value(4, 'lbcJobState', first + 2, deadline_s=EVENT_S)
        self.assertRegex(self.world.get('lbcJobMessage', first).decode(),
                         r'^given up after \d+ s: lbcluster-haproxy has not polled HAProxy yet; '
                         r'start it$')
        self.assertEqual(self.UNREACHABLE, self.world.get('lbcJobFailCause', first))
        # The settings have their old values.
        self.world.wait_value(3, 'lbcRealWeight', *a)
        self.assertEqual([(3, 0, 'a'), (3, 1, 'b')], self.world.sql(
            'SELECT weight, fallback, name FROM real_service ORDER BY name'))

    def test_job_waits_for_a_driver_until_its_patience(self):
        self.start_without_driver(job_patience=3600)
        a = self.world.number('web/s/a')
        job = self.set((mib.oid('lbcRealWeight', *a), 'u', 9))
        self.world.wait_written()
        self.world.sql('UPDATE job SET created = created - 3500')
        self.world.sql('INSERT INTO job (real_id, operation, old_value, new_value, cluster_name,'
                       " service_name, real_name, created) VALUES (?, 5, 3, 4, 'web', 's', 'a',"
                       ' unixepoch() - 3600)', a[2])
        self.world.wait_value(4, 'lbcJobState', job + 1, deadline_s=EVENT_S)
        self.assertEqual(1, self.world.get('lbcJobState', job))

    def test_old_job_waits_for_a_driver_that_starts_after_lbclusterd(self):
        # As after a boot: the job and the latest poll are old, and lbclusterd starts first.
        self.start()
        self.stop_driver()
        number = self.world.number('web/http/a')
        job = self.set((mib.oid('lbcRealWeight', *number), 'u', 9))
        self.world.wait_written()
        self.world.stop_daemon()
        self.world.sql('UPDATE job SET created = created - 7200')
        self.world.sql('UPDATE look SET time = time - 7200', file='lbcluster-stats.db')
        self.world.start_daemon()
        self.wait_passed(2)     # the first turns of lbclusterd
        self.assertEqual(1, self.world.get('lbcJobState', job))
        self.start_driver()
        self.world.wait_value(3, 'lbcJobState', job, deadline_s=EVENT_S)        # succeeded
        self.assertEqual(9, self.world.get('lbcRealWeight', *number))

    def test_old_job_waits_while_statistics_cannot_be_read(self):
        self.start_without_driver()
        number = self.world.number('web/s/a')
        job = self.set((mib.oid('lbcRealWeight', *number), 'u', 9))
        self.world.wait_written()
        self.world.stop_daemon()
        self.world.sql('UPDATE job SET created = created - 7200')
        with open(os.path.join(self.world.store, 'lbcluster-stats.db.lock'), 'rb') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.world.start_daemon()
            self.assertIn('it is unknown whether lbcluster-haproxy runs',
                          self.world.get('lbcJobMessage', job).decode())
            self.wait_passed(EXPIRE_WAIT_S + 3)
            self.assertEqual(1, self.world.get('lbcJobState', job))
        self.world.wait_value(4, 'lbcJobState', job, deadline_s=EVENT_S)        # failed

    def test_clock_set_forward_does_not_end_a_job_without_a_driver(self):
        self.plane_world()
        clock = os.path.join(self.world.dir, 'clock')
        self.world.env = {**self.world.env, 'SET_CLOCK': clock, 'LD_PRELOAD': os.path.join(
            os.path.dirname(LBCLUSTERD), 'tests', 'integration', 'set_clock.so'),
                          'ASAN_OPTIONS': 'verify_asan_link_order=0'}
        self.world.load('cluster web { plane = haproxy  socket = /nowhere'
                        '  service s { real a { address = 10.0.0.1  weight = 3 } } }')
        self.world.start()
        number = self.world.number('web/s/a')
        job = self.set((mib.oid('lbcRealWeight', *number), 'u', 9))
        self.world.wait_written()
        with open(clock, 'w', encoding='ascii') as file:
            file.write('7200')
        # An older job ends after the step was seen.
        self.world.sql('INSERT INTO job (real_id, operation, old_value, new_value, cluster_name,'
                       " service_name, real_name, created) VALUES (?, 5, 3, 4, 'web', 's', 'a',"
                       ' unixepoch() - 3600)', number[2])
        self.world.wait_value(4, 'lbcJobState', job + 1, deadline_s=EVENT_S)
        self.assertEqual(1, self.world.get('lbcJobState', job))

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
