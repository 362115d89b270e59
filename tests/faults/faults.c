/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The kinds of faults; see faults.h.
 */
#include "faults.h"

#include <errno.h>
#include <sqlite3.h>

#include "system.h"

static void
arm_once(struct fixture *f, unsigned what, long n)
{
	(void)f;
	disk_fails_at(what, n, false);
}

static void
arm_for_good(struct fixture *f, unsigned what, long n)
{
	(void)f;
	disk_fails_at(what, n, true);
}

static void
arm_memory(struct fixture *f, unsigned what, long n)
{
	(void)f;
	(void)what;
	memory_fails_at(n);
}

static void
arm_sqlite_memory(struct fixture *f, unsigned what, long n)
{
	(void)f;
	(void)what;
	memory_sqlite_fails_at(n);
}

static void
arm_system(struct fixture *f, unsigned error, long n)
{
	(void)f;
	system_fails_at(n, (int)error);
}

/* The connections of another program, which takes the strongest lock that it can get. */
static sqlite3 *others[2];

static void
others_lock(void *arg)
{
	static const char *const sql[] = { "BEGIN EXCLUSIVE", "BEGIN IMMEDIATE",
		"BEGIN; SELECT count(*) FROM store" };
	const struct fixture *f = arg;
	const char *const paths[] = { f->main_path, f->stats_path };

	for (size_t i = 0; i < COUNT(others); i++) {
		if (sqlite3_open_v2(paths[i], &others[i], SQLITE_OPEN_READWRITE, "unix") !=
		    SQLITE_OK)
			continue;
		for (size_t j = 0; j < COUNT(sql); j++)
			if (sqlite3_exec(others[i], sql[j], NULL, NULL, NULL) == SQLITE_OK)
				break;
	}
}

static void
others_leave(void)
{
	for (size_t i = 0; i < COUNT(others); i++) {
		sqlite3_close(others[i]);
		others[i] = NULL;
	}
}

static void
arm_others(struct fixture *f, unsigned what, long n)
{
	disk_visited_at(what, n, others_lock, f);
}

#define IO_CODES (FAULT_CODE(ERR_IO) | FAULT_CODE(ERR_DOUBT))
#define OPEN_CODES (IO_CODES | FAULT_CODE(ERR_NOMEM))	/* open(2) fails with EMFILE */

const struct fault_kind fault_kinds[] = {
	{ "read", arm_once, DISK_READ, IO_CODES },
	{ "reads", arm_for_good, DISK_READ, IO_CODES },
	{ "write", arm_once, DISK_WRITE, IO_CODES },
	{ "writes", arm_for_good, DISK_WRITE, IO_CODES },
	{ "sync", arm_once, DISK_SYNC, IO_CODES },
	{ "syncs", arm_for_good, DISK_SYNC, IO_CODES },
	{ "truncation", arm_once, DISK_TRUNCATE, IO_CODES },
	{ "size", arm_once, DISK_SIZE, IO_CODES },
	{ "open", arm_once, DISK_OPEN, OPEN_CODES },
	{ "opens", arm_for_good, DISK_OPEN, OPEN_CODES },
	{ "removal", arm_once, DISK_DELETE, IO_CODES },
	{ "access", arm_once, DISK_ACCESS, IO_CODES },
	{ "lock", arm_once, DISK_LOCK, IO_CODES },
	{ "map", arm_once, DISK_MAP, IO_CODES },
	{ "disk", arm_for_good, DISK_READ | DISK_WRITE | DISK_SYNC | DISK_TRUNCATE | DISK_SIZE |
	    DISK_OPEN | DISK_DELETE | DISK_ACCESS, OPEN_CODES },
	{ "room", arm_once, DISK_FULL, FAULT_CODE(ERR_FULL) },
	{ "room for good", arm_for_good, DISK_FULL, FAULT_CODE(ERR_FULL) },
	{ "half the room", arm_for_good, DISK_SHORT, FAULT_CODE(ERR_FULL) },
	{ "busy", arm_for_good, DISK_BUSY, FAULT_CODE(ERR_BUSY) },
	{ "others", arm_others, DISK_BUSY, FAULT_CODE(ERR_BUSY) },
	{ "SQLite's memory", arm_sqlite_memory, 0, FAULT_CODE(ERR_NOMEM) },
	{ "our memory", arm_memory, 0, FAULT_CODE(ERR_NOMEM) },
	{ "system: EIO", arm_system, EIO, FAULT_CODE(ERR_IO) },
	{ "system: ENOSPC", arm_system, ENOSPC, FAULT_CODE(ERR_FULL) },
	{ "system: EMFILE", arm_system, EMFILE, FAULT_CODE(ERR_NOMEM) },
	{ "system: EROFS", arm_system, EROFS, FAULT_CODE(ERR_READONLY) },
};

const size_t fault_kinds_count = COUNT(fault_kinds);

void
faults_disarm(void)
{
	disk_fails_at(0, 0, false);
	memory_fails_at(0);
	memory_sqlite_fails_at(0);
	system_fails_at(0, 0);
	others_leave();
}

bool
fault_came(void)
{
	return disk_failed() || memory_failed() || system_failed();
}
