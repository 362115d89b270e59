/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * See store_fixture.h.
 */
#include "store_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <sqlite3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/sql.h"
#include "util/clock.h"
#include "in_range.h"
#include "postgres_fixture.h"

enum { HANGS_AFTER_S = 240 };

/* -- directory and store ------------------------------------------------------ */

int
fixture_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	/* Ends the program if the store waits without end. */
	alarm(HANGS_AFTER_S);
	if (tmp == NULL || strlen(tmp) > 30)
		tmp = "/tmp";
	snprintf(f->dir, sizeof(f->dir), "%s/lbcluster-store-XXXXXX", tmp);
	if (mkdtemp(f->dir) == NULL) {
		perror(f->dir);
		free(f);
		return -1;
	}
	*state = f;
	if (!postgres_used()) {
		snprintf(f->name, sizeof(f->name), "%s", f->dir);
		snprintf(f->main_path, sizeof(f->main_path), "%s/lbcluster.db", f->dir);
		snprintf(f->stats_path, sizeof(f->stats_path), "%s/lbcluster-stats.db", f->dir);
		return 0;
	}
	/* Gets the notes of SETs that must be undone. */
	setenv("STATE_DIRECTORY", f->dir, 1);
	if (!postgres_database_create(f->main_path, sizeof(f->main_path) - 1, f->name,
	    sizeof(f->name)))
		return -1;
	snprintf(f->stats_path, sizeof(f->stats_path), "/%.94s", f->main_path);
	return 0;
}

int
fixture_setup_open(void **state)
{
	if (fixture_setup(state) != 0)
		return -1;
	return fixture_open(*state, STORE_CREATE) == ERR_OK ? 0 : -1;
}

int
fixture_setup_filled(void **state)
{
	if (fixture_setup(state) != 0)
		return -1;
	fixture_fill(*state);
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
fixture_teardown(void **state)
{
	struct fixture *f = *state;

	memory_fails_at(0);
	disk_fails_at(0, 0, false);
	fixture_close(f);
	sql_process_stop(f);
	mount_free(f);
	if (postgres_used())
		postgres_database_drop(f->main_path);
	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

bool
fixture_is_postgres(void)
{
	return postgres_used();
}

void
sqlite_only(void **state, const char *reason)
{
	(void)state;
	if (!postgres_used())
		return;
	print_message("skipped with PostgreSQL: %s\n", reason);
	skip();
}

enum err_code
fixture_open(struct fixture *f, enum store_mode mode)
{
	fixture_close(f);
	f->err.text[0] = '\0';
	return store_open(f->name, mode, WAIT_MS, &f->store, &f->err);
}

void
fixture_close(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
}

uint32_t
fixture_service(struct fixture *f, uint32_t cluster_id, const char *name)
{
	const struct service_row row = { .cluster_id = cluster_id, .name = name,
		.address = "192.0.2.1", .port = "80", .params = "", .protocol = PROTOCOL_TCP };
	enum store_put_result result;
	uint32_t id = 0;

	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	assert_int_equal(store_put_service(f->store, &row, &id, &result, &f->err), ERR_OK);
	assert_int_equal(store_commit(f->store, &f->err), ERR_OK);
	assert_int_equal(result, STORE_PUT_ADDED);
	return id;
}

uint32_t
fixture_real(struct fixture *f, uint32_t service_id, const char *name, uint16_t weight,
    bool fallback, bool enabled)
{
	const struct real_row row = { .service_id = service_id, .name = name,
		.address = "10.0.0.1", .port = "8080", .params = "",
		.weight = weight, .fallback = fallback,
		.enabled = enabled };
	enum store_put_result result;
	uint32_t id = 0;

	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	assert_int_equal(store_put_real(f->store, &row, &id, &result, &f->err), ERR_OK);
	assert_int_equal(store_commit(f->store, &f->err), ERR_OK);
	assert_int_equal(result, STORE_PUT_ADDED);
	return id;
}

/* -- files -------------------------------------------------------------------- */

struct bytes
file_bytes(const char *path)
{
	struct bytes bytes = { 0, NULL };
	struct stat st;
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	bytes.n = (size_t)st.st_size;
	bytes.data = malloc(bytes.n + 1);
	assert_non_null(bytes.data);
	assert_int_equal(fread(bytes.data, 1, bytes.n, file), bytes.n);
	fclose(file);
	return bytes;
}

void
file_bytes_write(const char *path, const void *data, size_t n)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

void
assert_file_unchanged(const char *path, struct bytes before)
{
	struct bytes now = file_bytes(path);

	assert_int_equal(now.n, before.n);
	assert_memory_equal(now.data, before.data, now.n);
	free(now.data);
	free(before.data);
}

bool
file_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

void
assert_error_contains(const struct err *err, const char *file, const char *cure)
{
	if (strstr(err->text, file) == NULL || strstr(err->text, cure) == NULL)
		fail_msg("\"%s\" does not contain \"%s\" and \"%s\"", err->text, file, cure);
}

/* -- SQL ------------------------------------------------------------------------ */

static char sql_result[4096];
static int64_t sql_result_number;

static int
plain_row(void *arg, int columns, char **values, char **names)
{
	const char *value = columns > 0 && values[0] != NULL ? values[0] : "";

	(void)arg;
	(void)names;
	snprintf(sql_result, sizeof(sql_result), "%s", value);
	sql_result_number = strtoll(value, NULL, 10);
	return 0;
}

static sqlite3 *
plain_open(const char *path)
{
	sqlite3 *handle = NULL;

	if (sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
		sqlite3_close(handle);
		return NULL;
	}
	sqlite3_busy_timeout(handle, LONG_WAIT_MS);
	return handle;
}

static int
postgres_run(const char *path, const char *sql)
{
	struct postgres_sql *session = postgres_sql_open(path);
	int rc = postgres_sql_run(session, sql, sql_result, sizeof(sql_result));

	postgres_sql_close(session);
	sql_result_number = strtoll(sql_result, NULL, 10);
	return rc;
}

int
sql_run(const char *path, const char *sql)
{
	sqlite3 *handle;
	int rc = SQLITE_CANTOPEN;

	if (postgres_used())
		return postgres_run(path, sql);
	sql_result[0] = '\0';
	sql_result_number = 0;
	handle = plain_open(path);
	if (handle != NULL)
		rc = sqlite3_exec(handle, sql, plain_row, NULL, NULL);
	if (rc != SQLITE_OK)
		snprintf(sql_result, sizeof(sql_result), "%s", sqlite3_errmsg(handle));
	sqlite3_close(handle);
	return rc & 0xff;
}

void
sql_exec(const char *path, const char *sql)
{
	int rc = sql_run(path, sql);

	if (rc != SQLITE_OK)
		fail_msg("%s: %s (%d)", sql, sql_result, rc);
}

int64_t
sql_number(const char *path, const char *sql)
{
	sql_exec(path, sql);
	return sql_result_number;
}

const char *
sql_text(const char *path, const char *sql)
{
	sql_exec(path, sql);
	return sql_result;
}

sqlite3 *
fixture_tables(struct fixture *f)
{
	sqlite3 *handle;
	char sql[150];

	if (postgres_used()) {
		handle = postgres_copy(f->main_path);
		assert_non_null(handle);
		return handle;
	}
	handle = plain_open(f->main_path);
	assert_non_null(handle);
	snprintf(sql, sizeof(sql), "ATTACH '%s' AS stats", f->stats_path);
	assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
	return handle;
}

void
statements_each(void (*fn)(void *arg, bool stats, unsigned int statement), void *arg)
{
	static const unsigned int of_both[] = { SQL_EXTENT, SQL_CHANGE, SQL_BIRTH };

	for (unsigned int i = 0; i < SQL_TEXTS; i++)
		fn(arg, i >= SQL_COPY_STATISTICS, i);
	for (size_t i = 0; i < COUNT(of_both); i++)
		fn(arg, true, of_both[i]);
	for (enum row_sql i = 0; i < ROW_SQLS; i++) {
		for (enum shape_id kind = SHAPE_CLUSTER; kind <= SHAPE_JOB; kind++) {
			bool put = i == ROW_FIND || i == ROW_INSERT || i == ROW_UPDATE;

			if (i != ROW_UPSERT && !(put && kind == SHAPE_JOB) &&
			    !(i == ROW_ORPHANS && kind == SHAPE_CLUSTER))
				fn(arg, false, SQL_OF_ROWS(i, kind));
		}
		if (i == ROW_NEEDED || i == ROW_CHANGES)
			fn(arg, false, SQL_OF_ROWS(i, SHAPE_REMOVED));
		if (i == ROW_NEEDED || i == ROW_CHANGES || i == ROW_GET || i == ROW_UPSERT ||
		    i == ROW_DELETE) {
			fn(arg, true, SQL_OF_ROWS(i, SHAPE_STATISTICS));
			fn(arg, true, SQL_OF_ROWS(i, SHAPE_POLL));
			fn(arg, true, SQL_OF_ROWS(i, SHAPE_SERVICE_STATISTICS));
		}
	}
}

void
assert_changed(struct fixture *f)
{
	int64_t until = clock_steady_ms() + LONG_WAIT_MS;

	while (!store_changed(f->store))
		assert_true(postgres_used() && clock_steady_ms() < until);
}

/* -- content -------------------------------------------------------------------------- */

void
fixture_fill(struct fixture *f)
{
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
	fixture_close(f);
	sql_exec(f->main_path, "INSERT INTO cluster (name) VALUES ('web');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 'http');"
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
	    " INSERT INTO real_service (service_id, name, address) SELECT 1, 'r' || i,"
	    " '10.0.0.' || i FROM n");
	sql_exec(f->stats_path, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1"
	    " FROM n WHERE i < 300) INSERT INTO statistics (real_id, active) SELECT i, 1 FROM n");
}

void
fixture_remove_files(struct fixture *f)
{
	static const char *const names[] = { "lbcluster.db", "lbcluster.db.elsewhere",
		"lbcluster-stats.db", "lbcluster-stats.db.elsewhere", "lbcluster-stats.db.ill",
		"lbcluster-stats.db-wal", "lbcluster-stats.db-shm", "lbcluster.db-journal" };
	char path[128];

	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		remove(path);
	}
}

static enum err_code
count_cluster(void *arg, const struct cluster_row *row)
{
	(void)row;
	(*(int *)arg)++;
	return ERR_OK;
}

static enum err_code
ignore_service(void *arg, const struct service_row *row)
{
	(void)arg;
	(void)row;
	return ERR_OK;
}

static enum err_code
ignore_real(void *arg, const struct real_row *row)
{
	(void)arg;
	(void)row;
	return ERR_OK;
}

static enum err_code
ignore_job(void *arg, const struct job_row *row)
{
	(void)arg;
	(void)row;
	return ERR_OK;
}

static enum err_code
ignore_statistics(void *arg, const struct statistics *row)
{
	(void)arg;
	(void)row;
	return ERR_OK;
}

static enum err_code
ignore_removed(void *arg, enum store_kind kind, uint32_t id)
{
	(void)arg;
	(void)kind;
	(void)id;
	return ERR_OK;
}

static void
ignore_totals(void *arg, const struct store_totals *totals)
{
	(void)arg;
	(void)totals;
}

enum err_code
fixture_read_changes(struct fixture *f, struct store_cursor *cursor, int *ret_clusters)
{
	const struct store_sink sink = { ret_clusters, count_cluster, ignore_service, ignore_real,
	    ignore_job,
		ignore_statistics, ignore_removed, ignore_totals, NULL, NULL };
	bool more;

	*ret_clusters = 0;
	f->err.text[0] = '\0';
	return store_changes(f->store, cursor, &sink, 1000, &more, &f->err);
}

void
damage_page(const char *path)
{
	struct bytes bytes = file_bytes(path);
	int64_t page;

	free(bytes.data);
	page = sql_number(path, "SELECT rootpage FROM sqlite_schema WHERE name IN"
	    " ('real_service', 'statistics')") - 1;
	bytes = file_bytes(path);
	for (size_t i = 0; i < 4096; i += 2)
		bytes.data[(size_t)page * 4096 + i] ^= 0x5a;
	file_bytes_write(path, bytes.data, bytes.n);
	free(bytes.data);
}

/* -- other processes -------------------------------------------------------------- */

struct sql_process {
	pid_t	pid;
	int	fd;
};

/* Receives SQL as messages and answers each with SQLite's code, an int. */
static void
sql_process_serve(int fd, const char *path)
{
	static char sql[4096];
	struct postgres_sql *session = postgres_used() ? postgres_sql_open(path) : NULL;
	sqlite3 *handle = NULL;
	ssize_t n;

	while ((n = recv(fd, sql, sizeof(sql) - 1, 0)) > 0) {
		int rc = SQLITE_CANTOPEN;

		sql[n] = '\0';
		if (postgres_used()) {
			rc = postgres_sql_run(session, sql, sql_result, sizeof(sql_result));
			if (rc != SQLITE_OK)
				fprintf(stderr, "%s: %s", sql, sql_result);
		} else if (handle != NULL || (handle = plain_open(path)) != NULL) {
			rc = sqlite3_exec(handle, sql, NULL, NULL, NULL);
		}
		if (send(fd, &rc, sizeof(rc), 0) != (ssize_t)sizeof(rc))
			break;
	}
	postgres_sql_close(session);
	sqlite3_close(handle);
	_exit(0);
}

void
sql_process_start(struct fixture *f, const char *path)
{
	int fds[2];

	f->other = calloc(1, sizeof(*f->other));
	assert_non_null(f->other);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	f->other->pid = fork();
	assert_int_not_equal(f->other->pid, -1);
	if (f->other->pid == 0) {
		close(fds[0]);
		sql_process_serve(fds[1], path);
	}
	close(fds[1]);
	f->other->fd = fds[0];
}

int
sql_process_exec(struct fixture *f, const char *sql)
{
	struct pollfd pollfd = { .fd = f->other->fd, .events = POLLIN };
	int rc = -1;

	assert_int_equal(send(f->other->fd, sql, strlen(sql), 0), strlen(sql));
	assert_int_equal(poll(&pollfd, 1, 3 * LONG_WAIT_MS), 1);
	assert_int_equal(recv(f->other->fd, &rc, sizeof(rc), 0), sizeof(rc));
	return rc;
}

void
sql_process_stop(struct fixture *f)
{
	if (f->other == NULL)
		return;
	close(f->other->fd);
	waitpid(f->other->pid, NULL, 0);
	free(f->other);
	f->other = NULL;
}

void
sql_process_kill(struct fixture *f)
{
	assert_int_equal(kill(f->other->pid, SIGKILL), 0);
	sql_process_stop(f);
}

void
run_processes(int n, int (*fn)(void *arg, int i), void *arg)
{
	enum { MOST = 16 };
	pid_t pids[MOST];
	int fds[2], wrong = 0;
	char byte;

	assert_int_in_range(n, 1, MOST);
	assert_int_equal(pipe(fds), 0);
	for (int i = 0; i < n; i++) {
		pids[i] = fork();
		assert_int_not_equal(pids[i], -1);
		if (pids[i] == 0) {
			close(fds[1]);
			/* All processes start when the pipe is closed. */
			while (read(fds[0], &byte, 1) > 0)
				;
			_exit(fn(arg, i));
		}
	}
	close(fds[0]);
	close(fds[1]);
	for (int i = 0; i < n; i++) {
		int status = -1;

		waitpid(pids[i], &status, 0);
		if (status != 0) {
			print_error("process %d: status %#x\n", i, (unsigned)status);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* -- clock -------------------------------------------------------------------------- */

int64_t __real_clock_steady_ms(void);
int64_t __wrap_clock_steady_ms(void);

static int64_t clock_ahead_ms;

int64_t
__wrap_clock_steady_ms(void)
{
	return __real_clock_steady_ms() + clock_ahead_ms;
}

void
clock_advance(int64_t ms)
{
	clock_ahead_ms += ms;
}

/* -- file systems ------------------------------------------------------------------------- */

void
mount_small(struct fixture *f, size_t kbytes)
{
	static bool own_namespace;
	char options[64];

	if (!own_namespace) {
		if (unshare(CLONE_NEWNS) == -1 ||
		    mount("none", "/", "", MS_REC | MS_PRIVATE, NULL) == -1) {
			print_message("skipped: mount is not permitted\n");
			skip();
		}
		own_namespace = true;
	}
	snprintf(options, sizeof(options), "size=%zuk,mode=0700", kbytes);
	if (mount("tmpfs", f->dir, "tmpfs", 0, options) == -1)
		skip();
	f->mounted = true;
}

/* Mounts read-only over the first mount, which has open files. */
void
mount_read_only(struct fixture *f, bool read_only)
{
	if (!read_only) {
		assert_int_equal(umount2(f->dir, MNT_DETACH), 0);
		return;
	}
	assert_int_equal(mount(f->dir, f->dir, "", MS_BIND, NULL), 0);
	assert_int_equal(mount("none", f->dir, "", MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
}

void
mount_fill(struct fixture *f, size_t kbytes_left)
{
	static const char block[4096];
	char path[96];
	struct statvfs vfs;
	int fd;

	snprintf(path, sizeof(path), "%s/ballast", f->dir);
	unlink(path);
	if (kbytes_left == 0)
		return;
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_not_equal(fd, -1);
	while (statvfs(f->dir, &vfs) == 0 && vfs.f_bfree * vfs.f_frsize > kbytes_left * 1024)
		assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	close(fd);
}

void
mount_free(struct fixture *f)
{
	while (f->mounted && umount2(f->dir, MNT_DETACH) == 0)
		;
	f->mounted = false;
}

uint32_t
random_next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 32);
}
