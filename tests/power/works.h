/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What is done to a store while the power may go. Each is recorded from a store that is
 * safe on the disk; those before it, which are not recorded, make that store.
 */
#ifndef TESTS_POWER_WORKS_H
#define TESTS_POWER_WORKS_H

#include "scene.h"

/* Real services 1 to 6 of service 1, of cluster 1 without data plane; 7 to 12 of service
 * 2, of cluster WORKS_PROXY with one. The last of each is the fallback. */
enum { WORKS_PROXY = 2 };

#define WORKS_FILLED                                                           \
	"INSERT INTO cluster (name, plane) VALUES ('plain', 'none'), ('proxy', 'haproxy');" \
	"INSERT INTO service (cluster_id, name) VALUES (1, 'http'), (2, 'http');" \
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12)" \
	" INSERT INTO real_service (service_id, name, address, weight, fallback)" \
	" SELECT (i + 5) / 6, 'r' || i, '10.0.0.' || i, 10, i % 6 = 0 FROM n;"
#define WORKS_FILLED_STATISTICS                                                \
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12)" \
	" INSERT INTO statistics (real_id, active) SELECT i, 1 FROM n;"

/* A store with these. */
void works_fill(struct scene *scene);

/* SETs of one value and of many, held and released, undone, under the lock; those of
 * lbclusterctl beside them. On works_fill(). */
void works_sets(struct scene *scene);
/* A SET that cannot be undone yet, and the note of it. On works_fill(). */
void works_note(struct scene *scene);
/* Jobs claimed and ended, words of the data plane. On works_fill(). */
void works_driver(struct scene *scene);
/* Statistics, their log brought into the file and begun anew. On works_fill(). */
void works_statistics(struct scene *scene);
/* Statistics that are no database, with a log of their own, are put aside. */
void works_mend_before(struct scene *scene);
void works_mend(struct scene *scene);
/* A store that is made, its directory too; its first inventory and SETs. On nothing. */
void works_create(struct scene *scene);
/* Inventories, and statistics as JSON lines. On works_fill(). */
void works_load(struct scene *scene);

/* One command of lbclusterctl as a step. */
void works_ctl(struct scene *scene, const char *command, const char *operand,
    const char *operand2);

/* A migration of one of the two files: from 'version' to the next one. */
struct migration {
	bool	statistics;
	size_t	version;
};

/* False: there is no such migration, the newest version is older. */
bool migration_exists(const struct migration *migration);
/* A store with the file at the old version; to the next one and no further. */
void migration_before(struct scene *scene, const struct migration *migration);
void migration_run(struct scene *scene, const struct migration *migration);

#endif
