/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The whole subagent without lbclusterd's main loop; see agentx_real.h.
 */
#include "agentx_real.h"

#include <dirent.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/log.h"
#include "in_range.h"

/* Replaces the function of src/util/log.c. agentx_fake.c has the log. */
void
log_level_set(enum log_level level)
{
	(void)level;
}

struct mib *
engine_make(void)
{
	pdu_fixture_make(NULL);
	return f.mib;
}

void
engine_end(void)
{
	pdu_fixture_end(NULL);
}

/* -- what is in use ------------------------------------------------------------------------ */

void
real_jobs_fill(unsigned int kept)
{
	fixture_sql(f.main, "UPDATE setting SET value = %u WHERE name = 'job_max_rows';"
	    "INSERT INTO job (operation, state, old_value, new_value, cluster_name, service_name,"
	    " real_name) WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < %u) SELECT 5, 3, 1, 2, 'a', 'b', 'c' FROM n", kept, kept);
	fixture_refresh(&f);
}

void
real_notifications_drop(void)
{
	static struct mib_notification notification;

	while (mib_notification_take(f.mib, &notification))
		continue;
}

struct usage
real_usage(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct usage usage = { 0 };

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		usage.descriptors++;
	closedir(dir);
	real_notifications_drop();
	/* valgrind and the sanitizers have their own heap and find leaks themselves. */
	usage.heap = mallinfo2().uordblks;
	if (usage.heap > 0)
		usage.heap -= (size_t)sqlite3_memory_used();
	return usage;
}

void
real_heap_exact(char *argv[])
{
	/* The compiler must keep this block: the arena is empty before the first one. */
	void *volatile block = malloc(1);

	free(block);
	if (mallinfo2().arena == 0 || getenv("GLIBC_TUNABLES") != NULL)
		return;
	setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
	execv("/proc/self/exe", argv);
}

void
real_usage_check(const struct usage *before, size_t slack)
{
	struct usage now = real_usage();

	assert_int_equal(now.descriptors, before->descriptors);
	assert_int_in_range(now.heap, 0, before->heap + slack);
}
