/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * One SQLite file of the store, and the store's inside. Only src/store includes
 * this. Owns connections and their statements.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <sqlite3.h>
#include <sys/types.h>

#include "store/store.h"

enum { DB_STATEMENTS_MAX = 128 };

#define DB_DAMAGED "damaged: put a backup in its place"

/* What makes a file the one or the other. */
struct db_kind {
	const char		*file;		/* name in the store's directory */
	int			 application_id;
	const char *const	*migrations;	/* append-only: user_version n is done by [n-1] */
	size_t			 n_migrations;
	const char		*const *pragmas;	/* at every open, NULL at the end */
	const char		*needs;		/* a query over all tables and columns */
};

extern const struct db_kind db_main_kind;
extern const struct db_kind db_stats_kind;

struct db {
	const struct db_kind	*kind;
	char			*path;
	bool			 verify;	/* every page and reference, at an open */
	sqlite3			*handle;	/* NULL while closed */
	dev_t			 dev;		/* the file that is open */
	ino_t			 ino;
	int64_t			 data_version;	/* of the last look */
	int			 wait_ms;	/* for a lock */
	int64_t			 busy_since_ms;
	struct {
		const char	*sql;
		sqlite3_stmt	*stmt;
	} statements[DB_STATEMENTS_MAX];
	size_t			 n_statements;
};

/* What the last calls saw of one side of the store. */
struct store_health {
	enum err_code		 code;
	char			 text[ERR_TEXT_SIZE];
};

enum { RELEASES_MAX = 64 };

/* Why readers do not get a row; see left_out.c. The numbers are those of the queries. */
enum left_out_why {
	LEFT_OUT_NOT, LEFT_OUT_PARENT, LEFT_OUT_NAME, LEFT_OUT_FALLBACK, LEFT_OUT_CHANGE
};

enum { LEFT_OUT_MAX = 1000 };	/* rows that are remembered; more are left out unreported */

struct store_left_out {
	enum store_kind		 kind;
	enum left_out_why	 why;
	uint32_t		 id;
	enum { LEFT_OUT_NEW, LEFT_OUT_TOLD, LEFT_OUT_ENDED } state;
};

/* A SET that was released at 'wall_s'. */
struct store_release {
	uint64_t		 token;
	int64_t			 wall_s;
};

struct store {
	struct db		 main;
	struct db		 stats;
	enum store_mode		 mode;
	int			 wait_ms;
	char			*dir;
	const char		*program;		/* of store_serve() */
	int			 lock_fd;		/* its lock, or -1 */
	struct store_health	 read;
	struct store_health	 write;
	int64_t			 busy_since_ms;		/* 0: reading is not blocked */
	int64_t			 reopen_at_ms;		/* next look at an ill file */
	int64_t			 stats_reopen_at_ms;
	bool			 stats_unread;		/* the last store_changes() failed there */
	bool			 stats_ill;		/* what was open last, seen when read */
	int64_t			 write_look_at_ms;
	struct store_release	 releases[RELEASES_MAX];	/* not written yet */
	size_t			 n_releases;
	bool			 self_changed;		/* committed here, not read yet */
	bool			 stats_written;		/* statistics were committed here */
	bool			 main_replaced;		/* readers have to start again */
	bool			 main_unsettled;	/* store_is_unsettled() */
	bool			 main_in_doubt;		/* open again before believing it */
	int64_t			 restarts_since_ms;	/* readers began again from the start */
	unsigned int		 restarts;		/* so often since then */
	bool			 restart_due;		/* a repaired row waits for a restart */
	int64_t			 begin_change;		/* the counter at store_begin() */
	bool			 in_transaction;	/* store_begin() .. store_commit() */
	struct store_left_out	 left_out[LEFT_OUT_MAX];
	size_t			 n_left_out;
};

/* Opens an existing file and checks it. Migrates if 'writable'. */
enum err_code db_open(struct db *db, bool writable, int wait_ms, struct err *err);
/* Checks every page, row and reference of an open file: ERR_CORRUPT, with what is wrong. */
enum err_code db_verify(struct db *db, struct err *err);
/* Makes an empty file under another name and gives it its own only when it is
 * whole: two programs may do so at once, and a crash leaves nothing behind that
 * looks like a store. ERR_OK if it is there now, whoever made it. */
enum err_code db_create(const struct db_kind *kind, const char *path, struct err *err);
/* fsync(2) of the directory that 'path' is in, so that the name is there after a power
 * cut. ERR_READONLY: that directory may not be read. */
enum err_code db_name_sync(const char *path, struct err *err);
void db_close(struct db *db);

/* To open connections with: the system's files, without SQLite's long wait for what a WAL
 * has for its readers. NULL, which is SQLite's own, if there is no memory. */
const char *db_vfs(void);

/* True while the path names the file that is open, or, of a closed one, was open last. */
bool db_is_in_place(const struct db *db);
/* True while the path names the file that is open. */
bool db_is_same_file(const struct db *db);

/* Fills 'err' from the connection, or from 'rc' alone, with the file's name. */
enum err_code db_error(struct db *db, int rc, struct err *err);

/* Takes a statement from the cache (keyed by the address of 'sql', a literal) and
 * binds arguments by 'types': i int64_t, s const char *, n nothing (NULL). */
enum err_code db_query(struct db *db, struct err *err, sqlite3_stmt **ret_stmt,
    const char *sql, const char *types, ...);
/* ERR_OK with *ret_row false at the end; the statement is reset then, and on error. */
enum err_code db_next(struct db *db, sqlite3_stmt *stmt, bool *ret_row, struct err *err);
/* Resets a statement that was not stepped to its end. NULL is fine. */
void db_reset(sqlite3_stmt *stmt);
/* A statement without rows, or whose rows do not matter. */
enum err_code db_run(struct db *db, struct err *err, const char *sql, const char *types, ...);
/* A query for one number; 'fallback' if there is no row. */
enum err_code db_number(struct db *db, struct err *err, int64_t fallback, int64_t *ret,
    const char *sql, const char *types, ...);

enum err_code db_begin(struct db *db, bool immediate, struct err *err);
/* ERR_DOUBT if the disk failed while committing. The transaction is over in any
 * case. */
enum err_code db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);

/* How long a statement waits for another program's lock from now on; nothing to a file
 * that is not open, as it may be once it was looked for and not found. */
void db_wait_set(struct db *db, int wait_ms);

/* Text of a column, never NULL. */
const char *db_text(sqlite3_stmt *stmt, int column);

/* Note what a call saw, for store_status(); both return 'code'. */
enum err_code store_saw_read(struct store *store, enum err_code code, const struct err *err);
enum err_code store_saw_write(struct store *store, enum err_code code, const struct err *err);
/* Closes statistics that are ill: the next look opens them again, or makes them anew. */
void store_saw_statistics(struct store *store, enum err_code code);
/* Opens again what was replaced or found ill, at most once a second. */
enum err_code store_files_look(struct store *store, struct err *err);
/* Closes and opens lbcluster.db, which settles a commit in doubt. ERR_BUSY, too, if another
 * process has the lock of store_serve() by now. */
enum err_code store_main_reopen(struct store *store, struct err *err);
/* The lock of store_serve(): true while it is that of the file of its name, or if there is
 * none. Takes it anew where it is not; ERR_BUSY, with the words of lockfile_take(), if
 * another process has it. A file that is not there is left so without 'make'. */
bool store_lock_is_in_place(const struct store *store);
enum err_code store_lock_look(struct store *store, bool make, struct err *err);
/* Takes the write lock, after a look at the disk; commits; gives up what is not
 * committed. Inside store_begin() the lock is there and stays: then they do nothing,
 * and store_commit() or store_rollback() decides. */
enum err_code store_write_begin(struct store *store, struct err *err);
enum err_code store_write_commit(struct store *store, struct err *err);
void store_write_end(struct store *store);
/* Shows store_reader_wait() that each file was read up to this value of its counter; 0 where
 * it was not read. */
void store_reader_show(const struct store *store, int64_t main, int64_t stats);
/* fn(store, arg) in a write transaction of its own. */
enum err_code store_write_alone(struct store *store,
    enum err_code (*fn)(struct store *, const void *, struct err *), const void *arg,
    struct err *err);

/* Before a real service of 'service_id' becomes fallback: the one whose held job gives the
 * fallback up gives it up now. */
enum err_code store_fallback_free(struct store *store, uint32_t service_id, struct err *err);
/* Lays over 'totals' the settings of SETs that are released and not written yet. */
enum err_code store_releases_add(struct store *store, struct store_totals *totals,
    struct err *err);

/* Jobs of a cluster that wait for a data plane, or run, end as succeeded: it has none. */
enum err_code store_jobs_record(struct store *store, uint32_t cluster_id, struct err *err);

/* Notes that readers do not get this row. */
void store_left_out_note(struct store *store, enum store_kind kind, uint32_t id,
    enum left_out_why why);
/* Notes the rows that have no number of a change: who follows the store never meets them. */
enum err_code store_left_out_unnumbered(struct store *store, enum store_kind kind,
    const struct store_sink *sink, struct err *err);
/* Notes the rows that lost their parent when row 'id' was removed. */
enum err_code store_left_out_below(struct store *store, enum store_kind kind, uint32_t id,
    struct err *err);
/* Looks at each noted row again. *ret_repaired: readers are to get one of them now. */
enum err_code store_left_out_check(struct store *store, bool *ret_repaired, struct err *err);

/* Row of the columns listed beside each query macro. ERR_CORRUPT with words for one that
 * breaks a rule of the schema; nothing is set then. */
enum err_code store_read_removed(sqlite3_stmt *stmt, int first, enum store_kind *ret_kind,
    uint32_t *ret_id, struct err *err);
enum err_code store_read_cluster(sqlite3_stmt *stmt, int first, struct cluster_row *ret,
    struct err *err);
enum err_code store_read_service(sqlite3_stmt *stmt, int first, struct service_row *ret,
    struct err *err);
enum err_code store_read_real(sqlite3_stmt *stmt, int first, struct real_row *ret,
    struct err *err);
enum err_code store_read_job(sqlite3_stmt *stmt, int first, struct job_row *ret,
    struct err *err);
enum err_code store_read_statistics(sqlite3_stmt *stmt, int first, struct statistics *ret,
    struct err *err);
enum err_code store_read_look(sqlite3_stmt *stmt, int first, struct driver_look *ret,
    struct err *err);

#define CLUSTER_COLUMNS "c.id, c.name, c.plane, c.plane_params, c.plane_status, c.plane_message"
#define SERVICE_COLUMNS "s.id, s.cluster_id, s.name, s.address, s.port, s.protocol"
#define REAL_COLUMNS_WITH(weight, fallback, enabled)                           \
	"r.id, r.service_id, r.name, r.address, r.port, " weight ", " fallback ", " \
	enabled ", r.reason, r.last_change, r.last_job"
#define REAL_COLUMNS REAL_COLUMNS_WITH("r.weight", "r.fallback", "r.enabled")
#define JOB_COLUMNS                                                            \
	"j.id, j.real_id, j.operation, j.state, j.fail_cause, j.source, j.old_value, " \
	"j.new_value, j.request, j.created, j.started, j.finished, j.cluster_name, " \
	"j.service_name, j.real_name, j.message"
#define STATISTICS_COLUMNS                                                     \
	"t.real_id, t.active, t.role, t.last_update, t.counters_since, t.active_connections, " \
	"t.inactive_connections, t.persistent_connections, t.connections_per_second, " \
	"t.bps_in, t.bps_out, t.pps_in, t.pps_out, t.total_connections, "      \
	"t.total_packets_in, t.total_packets_out, t.total_octets_in, t.total_octets_out"

/* enum left_out_why of a row, as an expression over the aliases of the columns above. */
#define CLUSTER_LEFT_OUT                                                       \
	"CASE WHEN EXISTS (SELECT 1 FROM cluster AS d WHERE d.name = c.name"   \
	" AND d.id < c.id) THEN 2 WHEN c.changed < 1 THEN 4 ELSE 0 END"
#define SERVICE_LEFT_OUT                                                       \
	"CASE WHEN NOT EXISTS (SELECT 1 FROM cluster AS p WHERE p.id = s.cluster_id)" \
	" THEN 1 WHEN EXISTS (SELECT 1 FROM service AS d"                      \
	" WHERE d.cluster_id = s.cluster_id AND d.name = s.name AND d.id < s.id)" \
	" THEN 2 WHEN s.changed < 1 THEN 4 ELSE 0 END"
#define REAL_LEFT_OUT                                                          \
	"CASE WHEN NOT EXISTS (SELECT 1 FROM service AS p WHERE p.id = r.service_id)" \
	" THEN 1 WHEN EXISTS (SELECT 1 FROM real_service AS d"                 \
	" WHERE d.service_id = r.service_id AND d.name = r.name AND d.id < r.id)" \
	" THEN 2 WHEN r.fallback = 1 AND EXISTS (SELECT 1 FROM real_service AS d" \
	" WHERE d.service_id = r.service_id AND d.fallback = 1 AND d.id < r.id" \
	" AND NOT EXISTS (SELECT 1 FROM real_service AS e"                     \
	" WHERE e.service_id = d.service_id AND e.name = d.name AND e.id < d.id))" \
	" THEN 3 WHEN r.changed < 1 THEN 4 ELSE 0 END"
#define JOB_LEFT_OUT                                                           \
	"CASE WHEN j.real_id IS NOT NULL AND NOT EXISTS"                       \
	" (SELECT 1 FROM real_service AS p WHERE p.id = j.real_id) THEN 1 ELSE 0 END"

#define LOOK_COLUMNS "l.cluster_id, l.time, l.interval_ms"

/* What index job_open is over. Without it in so many words SQLite reads all jobs, also
 * where it follows from the rest. */
#define JOB_OPEN "state < 3"

/* True of job 'job' (a table or alias) once a later job for its column has changed the row:
 * releasing 'job' changes nothing then. */
#define JOB_OVERTAKEN(job)                                                     \
	"EXISTS (SELECT 1 FROM job AS later WHERE later.real_id = " job ".real_id" \
	" AND later.id > " job ".id AND later.state IN (1, 2, 3, 6)"            \
	" AND (later.operation + 1) / 2 = (" job ".operation + 1) / 2)"

/* Held jobs that change their row when they are released, as h: the end of a SELECT. Index
 * job_held has them by row. */
#define FROM_HELD " FROM job AS h WHERE h.state = 0 AND NOT " JOB_OVERTAKEN("h")

/* A column of real service 'r' (a table or alias) as it is once all held jobs are released.
 * 'operations' are those of the column. */
#define REAL_AHEAD(r, column, operations)                                      \
	"ifnull((SELECT h.new_value" FROM_HELD " AND h.operation IN (" operations ")" \
	" AND h.real_id = " r ".id ORDER BY h.id DESC LIMIT 1), " r "." column ")"
#define REAL_AHEAD_WEIGHT(r) REAL_AHEAD(r, "weight", "5")
#define REAL_AHEAD_FALLBACK(r) REAL_AHEAD(r, "fallback", "3, 4")
#define REAL_AHEAD_ENABLED(r) REAL_AHEAD(r, "enabled", "1, 2")
#define REAL_COLUMNS_AHEAD                                                     \
	REAL_COLUMNS_WITH(REAL_AHEAD_WEIGHT("r") " AS weight",                 \
	    REAL_AHEAD_FALLBACK("r") " AS fallback", REAL_AHEAD_ENABLED("r") " AS enabled")

enum { CLUSTER_COLUMN_COUNT = 6, SERVICE_COLUMN_COUNT = 6, REAL_COLUMN_COUNT = 11 };

#endif
