/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What a test does with a store while a disk is recorded.
 */
#ifndef TESTS_POWER_WORKLOADS_H
#define TESTS_POWER_WORKLOADS_H

#include "subject.h"

/* Makes a store with cluster 1 (no data plane) and cluster 2 (haproxy). Each has a service
 * with six real services, ids 1 to 6 and 7 to 12. The last one of a service is its fallback. */
void workload_fill(struct subject *subject);

/* The following start with the store of workload_fill(). */

/* SETs of one and of many values, held and released, undone, with and without the lock;
 * commands of lbclusterctl between them. */
void workload_sets(struct subject *subject);
/* A SET whose undo the store refuses, and the note of that undo. */
void workload_undo_note(struct subject *subject);
/* Statistics, and a checkpoint of their write-ahead log. */
void workload_statistics(struct subject *subject);
/* Inventories, and statistics as JSON lines. */
void workload_load(struct subject *subject);

/* Statistics whose file is damaged while their write-ahead log has rows. */
void workload_damage_statistics(struct subject *subject);
/* lbclusterd puts the damaged file aside and creates another one. */
void workload_repair_statistics(struct subject *subject);

/* Creates the store and its directory, then the first inventory and SETs. Starts with an
 * empty disk. */
void workload_create(struct subject *subject);

/* A migration of one of the two files from 'version' to the next one. */
struct migration {
	bool	statistics;
	size_t	version;
};

/* False: 'version' is the newest one. */
bool migration_exists(const struct migration *migration);
/* Makes a store with the file at the old version. */
void migration_prepare(struct subject *subject, const struct migration *migration);
/* Migrates to the next version and no further. */
void migration_run(struct subject *subject, const struct migration *migration);

#endif
