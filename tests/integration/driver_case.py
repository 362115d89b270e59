# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# A store with a driver, for tests of any driver: its start and end, and what it writes to the
# store.
"""DriverCase, a test with a driver."""

import contextlib
import json
import os
import re
import subprocess

from harness import LBCLUSTERD, TIMEOUT_FACTOR, Case, Program, wait_for

INTERVAL_S = 0.2
EVENT_S = 30        # deadline for an event; after errors a driver polls at least each 10 s


def driver_path(name):
    """The program of this name; an environment variable such as LBCLUSTER_HAPROXY replaces it."""
    return os.environ.get(name.upper().replace('-', '_')) or os.path.join(
        os.path.dirname(LBCLUSTERD), name)


class DriverCase(Case):
    """A test case with a store and a driver."""

    plane_kind = None       # its driver is lbcluster-KIND

    def driver_world(self, user=None, **options):
        self.world = self.new_world(user=user)
        self.driver = None
        self.addCleanup(self.stop_driver)
        self.configure(**options)
        return self.world

    def run(self, result=None):
        result = super().run(result)
        self.world = None
        return result

    def configure(self, **options):
        options.setdefault('interval', INTERVAL_S)
        self.conf = os.path.join(self.world.dir, 'driver.conf')
        with open(self.conf, 'w', encoding='utf-8') as file:
            for name, value in options.items():
                file.write('%s = %s\n' % (name.replace('_', '-'), value))

    def program(self):
        return driver_path('lbcluster-' + self.plane_kind)

    def driver_argv(self, *args):
        return self.world.as_user([self.program(), '-c', self.conf, '-s', self.world.store, '-l',
                                   'debug', *args])

    def start_driver(self, wait=True):
        self.driver = Program('lbcluster-' + self.plane_kind, self.driver_argv('-f'),
                              os.path.join(self.world.dir, 'driver.log'),
                              env={**os.environ, **self.world.env})
        self.world.others.append(self.driver)
        # The store exists after that; sqlite3 would create an empty file.
        wait_for(lambda: 'clusters with plane' in self.driver_log(), EVENT_S, 'the driver starts')
        if wait:
            # A cluster has status 1 before its first poll.
            wait_for(lambda: not self.world.sql(
                'SELECT 1 FROM cluster WHERE plane = ? AND plane_status = 1', self.plane_kind),
                EVENT_S, 'the driver has polled every cluster')

    def stop_driver(self):
        if not self.driver or self.driver.awaited:
            return
        status = self.driver.stop_in_time()
        log = self.driver_log()
        if status != 0 or 'Sanitizer' in log or 'runtime error' in log:
            raise AssertionError('lbcluster-%s ended with %s' % (self.plane_kind, status))

    def driver_log(self):
        with open(os.path.join(self.world.dir, 'driver.log'), encoding='utf-8') as file:
            return file.read()

    def once(self):
        return subprocess.run(self.driver_argv('--once'), capture_output=True, text=True,
                              timeout=30 * TIMEOUT_FACTOR, check=False)

    # -- rows of the store -----------------------------------------------------

    def plane(self, cluster='web'):
        """(status, message) of the cluster's data plane."""
        return self.world.sql('SELECT plane_status, plane_message FROM cluster WHERE name = ?',
                              cluster)[0]

    def wait_rounds(self, n=2):
        """Waits for n more rounds of the cluster web that measure."""
        def rounds():
            return len(re.findall('web: .*measured', self.driver_log()))
        first = rounds()
        wait_for(lambda: rounds() >= first + n, EVENT_S, 'rounds')

    def wait_plane(self, status, message='', cluster='web'):
        def event():
            found = self.plane(cluster)
            return found if found[0] == status and message in found[1] else None
        try:
            return wait_for(event, EVENT_S, 'plane status')
        except AssertionError:
            raise AssertionError('plane is %r, not (%d, ...%s...)' % (
                self.plane(cluster), status, message)) from None

    def real(self, path, columns='weight, enabled, fallback, reason'):
        return self.world.sql('SELECT %s FROM real_service WHERE id = ?' % columns,
                              self.world.number(path)[2])[0]

    def wait_reason(self, path, message):
        try:
            wait_for(lambda: message in self.real(path)[3] if message else
                     self.real(path)[3] == '', EVENT_S, 'reason')
        except AssertionError:
            raise AssertionError('reason of %s is %r, not %r' % (
                path, self.real(path)[3], message)) from None

    def wait_status_row(self, path, level, status, reason, *options):
        """Waits until "lbclusterctl status" ends with this exit status and shows this for a row."""
        def row():
            done = self.world.ctl('-f', 'json', 'status', *options, path, check=False)
            rows = [(done.returncode, row['status'], row['reason'])
                    for row in json.loads(done.stdout) if row['path'] == path]
            self.last = rows[0] if rows else done.returncode
            return self.last == (level, status, reason)
        try:
            wait_for(row, EVENT_S, 'status of ' + path)
        except AssertionError:
            raise AssertionError('status of %s is %r' % (path, self.last)) from None

    def wait_drained(self, service, fallback):
        """The members of a service are active and have weight 0, and its fallback answers: the
        status, the reasons and SNMP show it."""
        reason = 'brought in by lbcluster: every other active server has weight 0'
        self.wait_status_row(service, 1, 'up', 'every active server except the fallback has weight'
                             ' 0: the fallback gets the new connections', '-p')
        self.wait_status_row(fallback, 0, 'standby', reason)
        self.world.wait_value(reason.encode(), 'lbcRealOperStatusReason',
                              *self.world.number(fallback))
        number = self.world.number(fallback)[:2]
        self.assertEqual((1, 2), tuple(self.world.get(name, *number) for name in (
            'lbcServiceStatus', 'lbcServiceOnFallback')))

    def wait_all_drained(self, service):
        """No server of the service gets new connections."""
        self.wait_status_row(service, 2, 'up', 'every active server has weight 0: no server gets'
                             ' new connections', '-p')

    def statistics(self, path):
        """A row of statistics as a dictionary; {} if there is none."""
        with contextlib.closing(self.world.connect('lbcluster-stats.db')) as connection:
            cursor = connection.execute('SELECT * FROM statistics WHERE real_id = ?',
                                        (self.world.number(path)[2],))
            row = cursor.fetchone()
            return dict(zip([d[0] for d in cursor.description], row)) if row else {}

    def wait_statistics(self, path, judge, what):
        """Waits until judge(row) is true; returns the row."""
        def event():
            row = self.statistics(path)
            return row if row and judge(row) else None
        try:
            return wait_for(event, EVENT_S, what)
        except AssertionError:
            raise AssertionError('%s: %r' % (what, self.statistics(path))) from None

    def wait_active(self, path, active):
        self.wait_statistics(path, lambda row: row['active'] == active,
                             '%s is %sactive' % (path, '' if active else 'not '))

    # -- jobs --------------------------------------------------------------------

    QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED, SUPERSEDED = range(1, 7)
    NOT_FOUND, REJECTED, UNREACHABLE, TIMEOUT, OTHER = range(2, 7)

    def ctl(self, *args):
        """Runs lbclusterctl; returns the number of the job it made."""
        self.world.ctl(*args)
        return self.world.sql('SELECT max(id) FROM job')[0][0]

    def job(self, number):
        """(state, cause, message)"""
        return self.world.sql('SELECT state, fail_cause, message FROM job WHERE id = ?',
                              number)[0]

    def wait_job(self, number, state, message=''):
        def event():
            found = self.job(number)
            return found if found[0] == state and message in found[2] else None
        try:
            return wait_for(event, EVENT_S, 'job')
        except AssertionError:
            raise AssertionError('job %d is %r, not (%d, ...%s...)' % (
                number, self.job(number), state, message)) from None

    def wait_deferred(self, what, message):
        """Waits until the log reports that a job waits. The state itself may be too short to
        see, because a round begins right after a long one."""
        wait_for(lambda: re.search(r'%s: queued: waits: .*%s' % (what, message),
                                   self.driver_log()), EVENT_S, 'the job is deferred')

    def done(self, *args):
        """Runs lbclusterctl and waits until its job succeeded."""
        return self.wait_job(self.ctl(*args), self.SUCCEEDED)
