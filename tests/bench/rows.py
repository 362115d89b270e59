# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The rows that every subject serves: services of 10 real services, clusters of 1,000 services. The
# store numbers the rows in the order of the inventory.
"""Inventories, statistics and plain tables of n real services."""

import contextlib
import json
import os
import sqlite3

ROOT = (1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 522)
REALS = 10          # of a service
CLUSTER = 10000     # real services of a cluster

# lbcRealTable: number and type (i INTEGER, u Unsigned32 or Gauge32, s text, x octets).
COLUMNS = ((2, 's'), (3, 's'), (4, 'i'), (5, 'x'), (6, 'u'), (7, 's'), (8, 'u'), (9, 'i'),
           (10, 'i'), (11, 'i'), (12, 's'), (13, 'x'), (14, 'u'), (15, 'u'))
TEN_COLUMNS = (2, 3, 5, 6, 7, 8, 9, 10, 11, 14)

STATISTICS = ('active_connections', 'inactive_connections', 'persistent_connections',
              'connections_per_second', 'bps_in', 'bps_out', 'pps_in', 'pps_out',
              'total_connections', 'total_packets_in', 'total_packets_out',
              'total_octets_in', 'total_octets_out')


def text(oid):
    """An OID for a command line."""
    return '.' + '.'.join(map(str, oid))


def table(*sub):
    """lbcRealEntry and what is below it."""
    return ROOT + (1, 4, 1) + sub


def index(real):
    """The index of a row by its number."""
    service = (real - 1) // REALS + 1
    return ((real - 1) // CLUSTER + 1, service, real)


def path(real):
    cluster, service, real = index(real)
    return 'cluster-%02d/service-%04d/real-%06d' % (cluster, service, real)


def address(real):
    return 10, real >> 16 & 255, real >> 8 & 255, real & 255


def weight(real):
    return real % 100 + 1


def write_inventory(file, n, addresses=0, weights=0):
    """For lbclusterctl load. The last so many rows have another address, or another weight."""
    out = []
    for real in range(1, n + 1):
        cluster, service, _ = index(real)
        if real % CLUSTER == 1:
            out.append('cluster cluster-%02d {\n  plane = none\n' % cluster)
        if real % REALS == 1:
            out.append('  service service-%04d { address = 192.0.2.1 port = 80 '
                       'protocol = tcp\n' % service)
        octets = (11 if real > n - addresses else 10, *address(real)[1:])
        out.append('    real real-%06d { address = "%d.%d.%d.%d" port = 8080 weight = %d }\n'
                   % (real, *octets, weight(real) + (real > n - weights)))
        if real % REALS == 0 or real == n:
            out.append('  }\n')
        if real % CLUSTER == 0 or real == n:
            out.append('}\n')
    file.write(''.join(out))


def write_statistics(file, n, value):
    """For lbclusterctl import-statistics; every number of every row is 'value'."""
    numbers = ', '.join('%s: %d' % (json.dumps(key), value) for key in STATISTICS)
    file.write(''.join('{"path": "%s", "active": true, %s}\n' % (path(real), numbers)
                       for real in range(1, n + 1)))


def write_table(file, n):
    """The same rows for subjects without a store, as lbclusterd serves them."""
    file.write('\t'.join('%d:%s' % column for column in COLUMNS) + '\n')
    for real in range(1, n + 1):
        octets = address(real)
        file.write('\t'.join(map(str, (
            *index(real), path(real).rsplit('/', 1)[1], path(real), 1,
            bytes(octets).hex(), 8080, '%d.%d.%d.%d:8080' % octets, weight(real), 2, 1, 1,
            '', '00' * 11, 0, 0))) + '\n')


def write_store(directory, n, value):
    """Fills an empty store by SQL: the same rows as write_inventory() and
    write_statistics(), one transaction in each of its files."""
    numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) '
    services, clusters = (n - 1) // REALS + 1, (n - 1) // CLUSTER + 1
    inventory = (
        numbers % clusters + "INSERT INTO cluster (name, plane) "
        "SELECT printf('cluster-%02d', i), 'none' FROM n",
        numbers % services + "INSERT INTO service (cluster_id, name, address, port, protocol) "
        "SELECT (i - 1) / {0} + 1, printf('service-%04d', i), '192.0.2.1', '80', 2 FROM n"
        .format(CLUSTER // REALS),
        numbers % n + "INSERT INTO real_service (service_id, name, address, port, weight) "
        "SELECT (i - 1) / {0} + 1, printf('real-%06d', i), printf('10.%d.%d.%d', i >> 16 & 255,"
        " i >> 8 & 255, i & 255), '8080', i % 100 + 1 FROM n".format(REALS))
    statistics = (
        numbers % n + 'INSERT INTO statistics (real_id, active, %s) SELECT i, 1%s FROM n' % (
            ', '.join(STATISTICS), ', %d' % value * len(STATISTICS)),)
    for file, statements in (('lbcluster.db', inventory), ('lbcluster-stats.db', statistics)):
        with contextlib.closing(sqlite3.connect(os.path.join(directory, file),
                                                isolation_level=None)) as db:
            db.execute('PRAGMA foreign_keys = ON')
            db.execute('BEGIN IMMEDIATE')
            for statement in statements:
                db.execute(statement)
            db.execute('COMMIT')
