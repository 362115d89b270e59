# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The clusters of the torture: "rec" has no data plane, "drv" has one, "inv" gets inventories. Each
# service of "rec" and "drv" belongs to one writer, except "shared", which all writers set.
# An object is (path of a real service, column).
"""The clusters, their writers, and their content in the store."""

import collections
import random

import mib

WRITERS = ('a', 'b', 'ctl')     # two managers, and lbclusterctl
REALS = ('r1', 'r2', 'r3')
SHARED = 'shared'

WEIGHT, FALLBACK, ENABLED = 'weight', 'fallback', 'enabled'
COLUMNS = {WEIGHT: 'lbcRealWeight', FALLBACK: 'lbcRealFallback', ENABLED: 'lbcRealEnabled'}

# job.operation -> (column, value) of the job.
OPERATIONS = {1: ENABLED, 2: ENABLED, 3: FALLBACK, 4: FALLBACK, 5: WEIGHT}
HELD, QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED, SUPERSEDED = range(7)

# The highest weight: HAProxy accepts 256.
HIGHEST = {'rec': 65535, 'drv': 256}

Job = collections.namedtuple(
    'Job', 'id object state source old new request token message')

_REALS = """
SELECT c.name || '/' || s.name || '/' || r.name, c.id, s.id, r.id, r.weight, r.fallback,
  r.enabled, r.last_job, r.address, r.port,
  (SELECT count(*) FROM job WHERE job.real_id = r.id AND job.state < 3)
FROM real_service AS r JOIN service AS s ON s.id = r.service_id
JOIN cluster AS c ON c.id = s.cluster_id"""

Real = collections.namedtuple(
    'Real', 'path cluster service id weight fallback enabled last_job address port pending')


def services(writer):
    """Paths of the services of a writer."""
    numbers = ('1', '2') if writer != 'ctl' else ('1',)
    return ['rec/' + writer + n for n in numbers] + ['drv/' + writer + '1']


def owner(path):
    """The writer of the real service, SHARED, or None for those of inventories."""
    cluster, service, _ = path.split('/')
    if cluster == 'inv':
        return None
    return SHARED if service == SHARED else service[:-1]


def names(cluster):
    """service -> names of its real services."""
    found = [path.split('/') for writer in WRITERS for path in services(writer)]
    return {name: REALS for name in
            [name for of, name in found if of == cluster] + [SHARED]}


def _cluster(name, options, more=''):
    text = ['cluster %s {\n    %s\n' % (name, options)]
    for number, (service, reals) in enumerate(names(name).items()):
        text.append('    service %s {\n        address = 192.0.2.%d  port = 80%s\n' % (
            service, number + 1, more))
        for i, real in enumerate(reals):
            text.append('        real %s { address = 10.0.%d.%d  port = 80  weight = 10%s }\n' % (
                real, number, i + 1, '  fallback = yes' if i == 2 else ''))
        text.append('    }\n')
    return ''.join(text) + '}\n'


def inventory(options, more):
    """The inventory file of "rec" and "drv". 'options' are of "drv", 'more' of its services."""
    return _cluster('rec', 'plane = none') + _cluster('drv', options, more)


class Loaded:
    """A version of the cluster "inv": a file, and the rows after its load."""

    SERVICES, MOST = 4, 30

    def __init__(self, rng, mode):
        self.mode = mode        # '', 'prune' or 'reset'
        self.rows = {}          # path -> (address, port, weight, fallback, enabled)
        for n in range(self.SERVICES):
            for i in rng.sample(range(self.MOST), rng.randrange(5, self.MOST)):
                self.rows['inv/s%d/r%d' % (n, i)] = (
                    '10.%d.%d.%d' % (rng.randrange(256), n, i), str(rng.randrange(1, 65536)),
                    rng.randrange(65536), 0, rng.randrange(2))
        for n in range(self.SERVICES):
            self._fallback(rng, 'inv/s%d/' % n)

    def _fallback(self, rng, prefix):
        path = rng.choice(sorted(path for path in self.rows if path.startswith(prefix)))
        address, port, weight, _, _ = self.rows[path]
        self.rows[path] = (address, port, weight, 1, 1)

    def text(self):
        text = ['cluster inv {\n    plane = none\n']
        for n in range(self.SERVICES):
            text.append('    service s%d {\n        address = 192.0.2.%d  port = 80\n' % (n, n))
            for path, (address, port, weight, fallback, enabled) in self.rows.items():
                if path.startswith('inv/s%d/' % n):
                    text.append(
                        '        real %s { address = %s  port = %s  weight = %d'
                        '  fallback = %s  enabled = %s }\n' % (
                            path.split('/')[2], address, port, weight,
                            'yes' if fallback else 'no', 'yes' if enabled else 'no'))
            text.append('    }\n')
        return ''.join(text) + '}\n'

    def after(self, before):
        """The rows after a load over the rows 'before'."""
        found = {path: row for path, row in before.items()
                 if self.mode != 'prune' or path in self.rows}
        taken = {path.rsplit('/', 1)[0] for path, row in found.items() if row[3]}
        for path, row in self.rows.items():
            old = before.get(path)
            if old is None and row[3] and path.rsplit('/', 1)[0] in taken:
                row = row[:3] + (0, row[4])     # another real service is the fallback
            if self.mode == 'reset' or old is None:
                found[path] = row
            else:
                found[path] = row[:2] + old[2:]
        if self.mode == 'reset':
            self._hand_over(found)
        return found

    def _hand_over(self, found):
        """Makes the fallback of the file the only one of its service."""
        for path, row in self.rows.items():
            if row[3]:
                service = path.rsplit('/', 1)[0] + '/'
                for other in found:
                    if other.startswith(service) and other != path:
                        found[other] = found[other][:3] + (0,) + found[other][4:]
                found[path] = row


def loaded(seed, mode):
    return Loaded(random.Random(seed), mode)


# -- what the store has -----------------------------------------------------------------


def reals(connection):
    """path -> Real"""
    return {row[0]: Real(*row) for row in connection.execute(_REALS)}


def objects(rows):
    """(path, column) -> value, of reals()."""
    return {(path, column): getattr(real, column)
            for path, real in rows.items() for column in COLUMNS}


def inventory_rows(rows):
    """The rows of "inv", as in Loaded.rows."""
    return {path: (real.address, real.port, real.weight, real.fallback, real.enabled)
            for path, real in rows.items() if path.startswith('inv/')}


def jobs(connection, after):
    """Jobs with numbers above 'after', in their order."""
    return [Job(row[0], (row[1], OPERATIONS[row[2]]), *row[3:]) for row in connection.execute(
        "SELECT id, cluster_name || '/' || service_name || '/' || real_name, operation, state,"
        ' source, old_value, new_value, request, token, message FROM job WHERE id > ?'
        ' ORDER BY id', (after,))]


def instance(column, real):
    """OID of a column of a Real."""
    return mib.oid(COLUMNS[column], real.cluster, real.service, real.id)


def varbind(object_, value, numbers):
    """(oid, letter, value); numbers: path -> Real."""
    path, column = object_
    if column == WEIGHT:
        return instance(column, numbers[path]), 'u', value
    return instance(column, numbers[path]), 'i', mib.TRUE if value else mib.FALSE
