/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A store and a MIB engine for tests; see mib_fixture.h.
 */
#include "mib_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"

static void __attribute__((noreturn, format(printf, 1, 2)))
fixture_abort(const char *fmt, ...)
{
	va_list ap;

	fputs("fixture: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

/* -- the world around the store ------------------------------------------------------- */

int64_t fixture_now = 1700000000;	/* 2023-11-14T22:13:20Z */
int fixture_syncs_left = -1;
bool fixture_disk_full, fixture_read_only;

/* In place of src/util/clock.c; clock_steady_ms() is in steady_clock.c. */
int64_t
clock_wall_s(void)
{
	return fixture_now;
}

const char *
clock_text(int64_t wall_s, char buf[CLOCK_TEXT_SIZE])
{
	snprintf(buf, CLOCK_TEXT_SIZE, "%lld", (long long)wall_s);
	return buf;
}

static int
sync_done(void)
{
	if (fixture_syncs_left == 0) {
		errno = EIO;
		return -1;
	}
	if (fixture_syncs_left > 0)
		fixture_syncs_left--;
	return 0;
}

/* In place of the C library's, also where libsqlite3 calls them. */
int
fsync(int fd)
{
	(void)fd;
	return sync_done();
}

int
fdatasync(int fildes)
{
	(void)fildes;
	return sync_done();
}

int
statvfs(const char *restrict file, struct statvfs *restrict buf)
{
	(void)file;
	memset(buf, 0, sizeof(*buf));
	buf->f_frsize = 4096;
	buf->f_bfree = buf->f_bavail = fixture_disk_full ? 1 : 1000000;
	return 0;
}

int
access(const char *name, int type)
{
	if (fixture_read_only && (type & W_OK) != 0) {
		errno = EROFS;
		return -1;
	}
	return faccessat(AT_FDCWD, name, type, 0);
}

/* -- life ------------------------------------------------------------------------------- */

void
fixture_dir_make(struct fixture *f)
{
	const char *tmp = getenv("TMPDIR");

	memset(f, 0, sizeof(*f));
	fixture_syncs_left = -1;
	fixture_disk_full = fixture_read_only = false;
	if (tmp == NULL || strlen(tmp) > 32)
		tmp = "/tmp";
	snprintf(f->dir, sizeof(f->dir), "%s/lbcluster-mib-XXXXXX", tmp);
	if (mkdtemp(f->dir) == NULL)
		fixture_abort("%s: %s", f->dir, strerror(errno));
}

static sqlite3 *
connection_open(const struct fixture *f, const char *file)
{
	char path[128];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/%s", f->dir, file);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		fixture_abort("%s: %s", path, sqlite3_errmsg(db));
	sqlite3_busy_timeout(db, 5000);
	fixture_sql(db, "PRAGMA foreign_keys = ON");
	return db;
}

void
fixture_store_make(struct fixture *f)
{
	struct store *store;
	struct err err;

	if (store_open(f->dir, STORE_CREATE, 1000, &store, &err) != ERR_OK)
		fixture_abort("%s", err.text);
	store_close(store);
	f->main = connection_open(f, "lbcluster.db");
	f->stats = connection_open(f, "lbcluster-stats.db");
}

void
fixture_start(struct fixture *f, enum store_mode mode, int wait_ms)
{
	static const struct mib_config config = { .stale_after_s = 300, .version = "0.0 test" };
	struct err err;

	f->cache = cache_new();
	if (f->cache == NULL || store_open(f->dir, mode, wait_ms, &f->store, &err) != ERR_OK)
		fixture_abort("no engine");
	fixture_refresh(f);
	f->mib = mib_new(f->cache, f->store, &config);
	if (f->mib == NULL)
		fixture_abort("no engine");
}

void
fixture_stop(struct fixture *f)
{
	mib_free(f->mib);
	cache_free(f->cache);
	store_close(f->store);
	f->mib = NULL;
	f->cache = NULL;
	f->store = NULL;
}

void
fixture_free(struct fixture *f)
{
	static const char *const files[] = { "lbcluster.db", "lbcluster.db-journal",
	    "lbcluster-stats.db", "lbcluster-stats.db-wal", "lbcluster-stats.db-shm",
	    "lbcluster-stats.db.lock" };
	char path[128];

	fixture_syncs_left = -1;
	fixture_disk_full = fixture_read_only = false;
	fixture_stop(f);
	sqlite3_close(f->main);
	sqlite3_close(f->stats);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, files[i]);
		unlink(path);
	}
	if (rmdir(f->dir) == -1)
		fixture_abort("%s: %s", f->dir, strerror(errno));
}

void
fixture_refresh(struct fixture *f)
{
	struct err err;
	bool more = true;

	while (more)
		if (cache_refresh(f->cache, f->store, 1000, fixture_now, &more, &err) != ERR_OK)
			fixture_abort("refresh: %s", err.text);
}

/* -- SQL ----------------------------------------------------------------------------------- */

void
fixture_sql(sqlite3 *db, const char *fmt, ...)
{
	va_list ap;
	char *sql;

	va_start(ap, fmt);
	sql = sqlite3_vmprintf(fmt, ap);
	va_end(ap);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fixture_abort("%s: %.300s", sqlite3_errmsg(db), sql);
	sqlite3_free(sql);
}

const char *
fixture_text(sqlite3 *db, const char *sql)
{
	static char text[4096];
	sqlite3_stmt *stmt;
	size_t n = 0;
	int rc;

	text[0] = '\0';
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fixture_abort("%s: %s", sqlite3_errmsg(db), sql);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && n < sizeof(text)) {
		const unsigned char *column = sqlite3_column_text(stmt, 0);

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n == 0 ? "" : ", ",
		    column == NULL ? "NULL" : (const char *)column);
	}
	if (rc != SQLITE_DONE)
		fixture_abort("%s: %s", sqlite3_errmsg(db), sql);
	sqlite3_finalize(stmt);
	return text;
}

int64_t
fixture_number(sqlite3 *db, const char *sql)
{
	return strtoll(fixture_text(db, sql), NULL, 10);
}

/* -- another process -------------------------------------------------------------------------- */

static void __attribute__((noreturn))
locker_run(const struct fixture *f, int order, int done)
{
	sqlite3 *db = NULL;
	char sql[64];

	while (read(order, sql, sizeof(sql)) == sizeof(sql)) {
		if (db == NULL)
			db = connection_open(f, "lbcluster.db");
		fixture_sql(db, "%s", sql);
		if (write(done, "", 1) != 1)
			break;
	}
	_exit(0);
}

void
locker_start(struct locker *locker, const struct fixture *f)
{
	int order[2], done[2];

	if (pipe2(order, O_CLOEXEC) == -1 || pipe2(done, O_CLOEXEC) == -1)
		fixture_abort("pipe: %s", strerror(errno));
	fflush(NULL);
	locker->pid = fork();
	if (locker->pid == -1)
		fixture_abort("fork: %s", strerror(errno));
	if (locker->pid == 0) {
		close(order[1]);
		close(done[0]);
		locker_run(f, order[0], done[1]);
	}
	close(order[0]);
	close(done[1]);
	locker->order = order[1];
	locker->done = done[0];
}

void
locker_do(struct locker *locker, const char *sql)
{
	char text[64] = "", answer;

	snprintf(text, sizeof(text), "%s", sql);
	if (write(locker->order, text, sizeof(text)) != sizeof(text) ||
	    read(locker->done, &answer, 1) != 1)
		fixture_abort("the other process is gone");
}

void
locker_stop(struct locker *locker)
{
	close(locker->order);
	waitpid(locker->pid, NULL, 0);
	close(locker->done);
}

/* -- numbers at random ---------------------------------------------------------------------- */

/* xorshift32, Marsaglia 2003. */
uint32_t
fixture_random(uint32_t below)
{
	static uint32_t x = 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x % below;
}
