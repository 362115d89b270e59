# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Conditions that hold whenever the writers rest, whatever program was killed before: the store
# is intact, its counts are right, no job is held, and SNMP and lbclusterctl show its content.
"""check_store(), check_jobs(), shown_wrong()."""

import contextlib
import json
import os
import shutil
import sqlite3

import mib
import layout
from history import Violation

# Counts that triggers maintain.
_COUNTS = """
SELECT job_rows - (SELECT count(*) FROM job), jobs_open - (SELECT count(*) FROM job
  WHERE state < 3), (SELECT count(*) FROM (SELECT 1 FROM real_service WHERE fallback = 1
  GROUP BY service_id HAVING count(*) > 1)) FROM store"""

_SHOWN = ('lbcRealPath', 'lbcRealWeight', 'lbcRealFallback', 'lbcRealEnabled',
          'lbcRealLastJob', 'lbcRealPendingJobs', 'lbcRealEndpoint')
_SCALARS = {
    'lbcSysReals': 'SELECT count(*) FROM real_service',
    'lbcJobRows': 'SELECT count(*) FROM job',
    'lbcJobsActive': 'SELECT count(*) FROM job WHERE state < 3',
    'lbcJobLastId': "SELECT seq FROM sqlite_sequence WHERE name = 'job'"}


def snapshot(connection, read):
    """read(connection) in one transaction."""
    connection.execute('BEGIN')
    try:
        return read(connection)
    finally:
        connection.execute('ROLLBACK')


def check_store(connection):
    """Checks the file and the conditions that the schema cannot enforce."""
    for pragma in ('integrity_check', 'foreign_key_check'):
        found = connection.execute('PRAGMA ' + pragma).fetchall()
        if found not in ([], [('ok',)]):
            raise Violation('PRAGMA %s: %s' % (pragma, found))
    found = connection.execute(_COUNTS).fetchone()
    if found != (0, 0, 0):
        raise Violation('job_rows, jobs_open and services of two fallbacks are off by %s'
                        % (found,))


def check_jobs(jobs):
    """Checks that each job of a finished round has ended and none failed."""
    for job in jobs:
        if job.state not in (layout.SUCCEEDED, layout.CANCELLED, layout.SUPERSEDED):
            raise Violation('not ended, or failed: %s' % (job,))


def unfinished(connection):
    """(held jobs, jobs that have not ended)"""
    return connection.execute('SELECT count(*) FILTER (WHERE state = 0), count(*) FROM job'
                              ' WHERE state < 3').fetchone()


def _truth(connection):
    rows = layout.reals(connection)
    return rows, {name: connection.execute(sql).fetchone()[0] for name, sql in _SCALARS.items()}


def _endpoint(real):
    return ('%s:%s' % (real.address, real.port)).encode()


def _table(client, names):
    """index -> values of the columns, by a walk of each column."""
    found = {}
    for name in names:
        column = mib.oid(name)
        for varbind in client.walk(column):
            found.setdefault(varbind.oid[len(column):], []).append(varbind.value)
    if any(len(row) != len(names) for row in found.values()):
        raise Violation('walk: the columns have different rows: %s' % found)
    return found


def _rows_wrong(walked, rows):
    expected = {
        (real.cluster, real.service, real.id): [
            real.path.encode(), real.weight, 1 if real.fallback else 2,
            1 if real.enabled else 2, real.last_job, real.pending, _endpoint(real)]
        for real in rows.values()}
    if walked == expected:
        return None
    return 'SNMP has %s, the store %s' % tuple(
        {index: row for index, row in one.items() if other.get(index) != row}
        for one, other in ((walked, expected), (expected, walked)))


def _listed_wrong(listed, rows):
    found = {row['path']: (row['weight'], row['fallback'], row['enabled'], row['ip_address'],
                           row['port'], row['pending_jobs']) for row in json.loads(listed)}
    expected = {real.path: (real.weight, bool(real.fallback), bool(real.enabled),
                            real.address, real.port, real.pending) for real in rows.values()}
    if found == expected:
        return None
    return 'lbclusterctl has %s, the store %s' % (
        sorted(set(found.items()) - set(expected.items())),
        sorted(set(expected.items()) - set(found.items())))


def shown_wrong(connection, client, world):
    """Compares what is shown with the store; None if both agree."""
    rows, scalars = snapshot(connection, _truth)
    walked = _table(client, _SHOWN)
    served = {name: client.get(mib.oid(name, 0)).value for name in scalars}
    wrong = _rows_wrong(walked, rows) or _listed_wrong(
        world.ctl('list', '-r', '-f', 'json').stdout, rows)
    if not wrong and served != scalars:
        wrong = 'SNMP has %s, the store %s' % (served, scalars)
    return wrong


def keep(world, to):
    """Copies the files of the store with their journals. Opening them would change them."""
    os.makedirs(to, exist_ok=True)
    for name in os.listdir(world.store):
        with contextlib.suppress(OSError):
            shutil.copy2(os.path.join(world.store, name), to)


def connect(world):
    """A connection for reading, usable in any thread."""
    return sqlite3.connect(os.path.join(world.store, 'lbcluster.db'), isolation_level=None,
                           timeout=10, check_same_thread=False)
