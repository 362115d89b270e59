/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What the files of src/cache share. A file calls only files above it:
 *
 *     cache_numbers.c  numbers of statistics, in little memory
 *     cache_rows.c     status and freshness of a row
 *     cache_servers.c  real services of one name
 *     events.c         changes that managers are notified of
 *     derive.c         status and sums of services and clusters
 *     cache_jobs.c     jobs, and settings that released jobs change
 *     cache.c          changes of the store
 */
#ifndef CACHE_PRIVATE_H
#define CACHE_PRIVATE_H

#include "cache/cache.h"

/* -- cache_numbers.c ------------------------------------------------------------------- */

/* Stores the numbers of 'row' and which of them are present. False if out of memory: nothing has
 * changed. */
bool cache_numbers_set(struct cache_statistics *statistics, const struct statistics *row)
    __attribute__((warn_unused_result));
/* Frees the numbers. The statistics are those of a row without any. */
void cache_statistics_clear(struct cache_statistics *statistics);

/* -- cache_rows.c ---------------------------------------------------------------------- */

/* Marks a service and its cluster: cache_derive() derives them again. */
void cache_service_changed(struct cache_service *service);

/* Returns the arguments of status_real() for a row. */
struct status_real cache_status_of(const struct cache *cache, const struct cache_real *real,
    int64_t now);

/* Counts the time for lbcRealStatsDowntime. 'down': lbcRealOperStatus is inactive(4) now. Call it
 * whenever that may have changed. */
void cache_downtime_note(struct cache_real *real, bool down);

/* -- cache_servers.c ------------------------------------------------------------------- */

/* Makes room for cache_server_join() of one more real service. False if out of memory. */
bool cache_server_reserve(void *cache, struct tree_branch *service,
    const struct real_row *columns);
/* Moves a real service to the server of 'columns', before it gets the name of 'columns'. */
void cache_server_join(struct cache_real *real, const struct real_row *columns);
/* Removes the deleted real services from the lists of all clusters. */
void cache_servers_reap(void *tree);
/* Frees the lists of a cluster that is deleted. */
void cache_servers_free(struct cache_cluster *cluster);

/* -- events.c -------------------------------------------------------------------------- */

/* Bits of cache_real.pending. */
enum { PENDING_ACTIVE = 1, PENDING_CONFIG = 2 };

/* The bits of the settings in cache_settings_key(). The weight has the lower ones. */
enum { KEY_FALLBACK_BIT = 16, KEY_ENABLED_BIT = 17 };

/* Returns the settings of a real service as one number: equal numbers, equal settings. */
uint32_t cache_settings_key(bool enabled, bool fallback, uint16_t weight);
/* Returns status and "on fallback" of a service as one number. */
uint32_t cache_service_key(const struct cache_service *service);

/* Notes a change of the settings to key 'after', before it. The event is reported when the
 * service is derived. A new row had no settings before. */
void cache_settings_note(struct cache *cache, struct cache_real *real, uint32_t after);
/* Notes a change of 'active' to that of 'row', before it. */
void cache_active_note(struct cache *cache, struct cache_real *real, const struct statistics *row);
/* Notes the freshness of a row that is derived. */
void cache_freshness_note(struct cache *cache, struct cache_real *real, int64_t now);

/* Returns true if a job ends with 'columns', and managers are notified of that end. They get no
 * notification of a job that was undone with its SET. */
bool cache_job_ends(const struct cache_job *job, const struct job_row *columns);

/* Report events. 'before' is cache_service_key() before the service was derived. */
void cache_job_report(struct cache *cache, const struct cache_job *job);
void cache_service_report(struct cache *cache, struct cache_service *service,
    uint32_t before, int64_t now);
void cache_freshness_report(struct cache *cache);

/* -- derive.c -------------------------------------------------------------------------- */

/* Derives status and sums of all changed services and clusters. 'first': nothing was known
 * before, so that no status counts as changed. */
void cache_derive(struct cache *cache, int64_t now, bool first);

/* Sets the time of a refresh or tick. If the wall clock was set back, marks all services: rows that
 * were stale may be fresh again, and their sums have to follow. */
void cache_time_set(struct cache *cache, int64_t now);

/* -- cache_jobs.c ---------------------------------------------------------------------- */

enum err_code cache_on_job(void *arg, const struct job_row *columns);
void cache_job_remove(struct cache *cache, struct cache_job *job);
/* After a full read: removes the jobs that did not come. Counts the unfinished jobs of each
 * row again, because an id may be that of another row now. */
void cache_jobs_sweep(struct cache *cache);

/* Show the settings of a row: those of the store, changed by released jobs that the store
 * still holds. */
void cache_settings_show(struct cache *cache, struct cache_real *real);
void cache_service_show(struct cache *cache, struct cache_service *service);

#endif
