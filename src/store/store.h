/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The store: the data that all programs share. They exchange data in no other way. The store
 * has two parts. The inventory (clusters, services, real services, settings, jobs) must never
 * be lost. Statistics are measured again within seconds. lbcluster-store(5) describes the
 * files. This interface does not depend on the database behind it.
 *
 * Several processes use one store at once. No call waits for another process longer than the
 * 'wait_ms' of store_open(). A store may be used by one thread, and not after fork(2).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "model/model.h"
#include "model/rules.h"
#include "model/status.h"

struct store;

enum store_mode {
	STORE_READ,	/* never writes */
	STORE_WRITE,	/* the store must exist */
	STORE_CREATE,	/* creates an empty store if none exists; checks all of it */
};

/* lbcSysStoreStatus */
enum store_status {
	STORE_OK = 1, STORE_READ_ONLY, STORE_LOCKED, STORE_UNAVAILABLE
};

/* True if the name of a store is the URI of a database, "postgresql://...". Otherwise it is a
 * directory. */
bool store_is_uri(const char *name);

/* Returns the name that the user gave: 'option', the argument of -s, or $LBCLUSTER_STORE
 * unless it is empty. NULL: the user named none ('option' is NULL too), so the configuration
 * decides. All programs use it; see lbcluster-store(5), "Where it is". */
const char *store_dir_named(const char *option);

/* Opens the store in directory 'dir' and checks its identity and version. A URI, as
 * "postgresql://...", is ERR_INVALID if this build has no PostgreSQL. An older version is
 * migrated, except with STORE_READ (ERR_INVALID). A damaged inventory is refused and not
 * changed; damaged statistics are replaced by empty ones. If another program locks the statistics,
 * the store opens without them after half a second, and store_changed() or a write of statistics
 * opens them later; see store_statistics_report(). STORE_CREATE also checks every page, in a copy
 * in memory; store_open_exclusive() checks the file itself, which blocks commits of other processes
 * for about 1 ms for 1,000 real services. 'wait_ms' is the longest wait for a lock. Errors:
 * ERR_NOT_FOUND, ERR_FOREIGN, ERR_NEWER, ERR_CORRUPT, ERR_READONLY, ERR_BUSY, ERR_FULL, ERR_IO,
 * ERR_NOMEM; the message names the file. */
enum err_code store_open(const char *dir, enum store_mode mode, int wait_ms,
    struct store **ret_store, struct err *err) __attribute__((warn_unused_result));

/* Opens the store with STORE_CREATE and takes the lock of 'program', so that one process per
 * program name uses the store. store_close() releases the lock. Retries as
 * store_retry_while_busy() does. If the lock file exists, its lock is taken before the store
 * is opened, so a newer version that is started by mistake migrates nothing. If it does not
 * exist, it is created after the store was found good.
 * If the lock file or its directory is replaced later, the next call takes the new lock. While
 * another process holds that lock, calls return ERR_BUSY. 'program' must stay valid until
 * store_close(). Errors: ERR_PRECOND (another process holds the lock), those of
 * store_open().
 * With PostgreSQL several processes of a program may use one store, if each has its own 'instance',
 * a valid name: the lock is that of the instance. NULL: the program has one process. SQLite
 * ignores it. */
enum err_code store_open_exclusive(const char *dir, const char *program, const char *instance,
    int wait_ms, struct store **ret_store, struct err *err) __attribute__((warn_unused_result));

/* Calls 'step' again for up to 10 s while it returns ERR_BUSY. For the start of a program:
 * another program may be loading an inventory. */
enum err_code store_retry_while_busy(enum err_code (*step)(void *arg, struct err *err), void *arg,
    struct err *err) __attribute__((warn_unused_result));
/* True if a program that failed to start with 'code' may succeed later without a change of the
 * files in 'dir'. Of ERR_READONLY: if the whole file system is read-only. */
bool store_error_is_transient(const char *dir, enum err_code code);

/* Waits until the process that holds the lock of 'program' has read all that is committed now:
 * the inventory, and statistics if this store wrote any. The process shows its progress after
 * each store_changes() without *ret_more. ERR_OK at once if no process holds the lock or the
 * process shows no progress (versions before 0.2.0). ERR_BUSY after 'wait_ms'. Within 0.1 s
 * after the files were replaced, ERR_OK may come too early. */
enum err_code store_reader_wait(struct store *store, const char *program, int wait_ms,
    struct err *err);

/* Closes the store; NULL is allowed. */
void store_close(struct store *store);

/* Result of the last read, or of the last write if the read succeeded. The text is "" for
 * STORE_OK. */
enum store_status store_status(const struct store *store);
const char *store_status_text(const struct store *store);

/* Returns the name with which the store was opened: a directory, or a URI. */
const char *store_dir(const struct store *store);

/* Returns how messages name the store: the directory of its files, or "HOST:PORT/NAME". */
const char *store_message_name(const struct store *store);

/* -- reading what changed ------------------------------------------------- */

/* How much a reader has read; all zero: nothing. */
struct store_cursor {
	int64_t cluster, service, real, job, removed;
	int64_t statistics, service_statistics, removed_stats, poll, stats_birth;
	int64_t stats_change;		/* the counter of the statistics at the last read */
	unsigned int generation;	/* changes when the inventory is replaced */
};

/* Facts about the whole store. The store updates them whichever program writes. */
struct store_totals {
	int64_t		config_last_change;
	int64_t		table_last_change;	/* last add, remove or rename of any row */
	/* Counts modulo 2^32, as Counter32. */
	uint32_t	config_changes;		/* effective changes of a writable column */
	uint32_t	jobs_succeeded;
	uint32_t	jobs_failed;
	uint32_t	jobs_bumped;		/* finished jobs removed to make room */
	uint32_t	job_last_id;
	uint32_t	set_lock;		/* lbcSysSetLock */
	uint32_t	job_max_rows;
	uint32_t	stale_after_s;		/* of lbclusterd, 1..86400 */
	uint32_t	notify_enable;	/* lbcNotifyEnable: 1u << enum notify_bit */
};

enum store_kind {
	STORE_CLUSTER = 1, STORE_SERVICE, STORE_REAL, STORE_JOB,
	STORE_STATISTICS,		/* of a real service */
	STORE_SERVICE_STATISTICS,
};

/* Receives changes. Each function may return an error, which ends the read; the cursor then
 * stays before that row. STORE_STATISTICS with id 0 is removed: all statistics are, of services
 * too. Parents come before children. A row comes again when it changes. Rows
 * of store_left_out_report() do not come, and are removed if they came before. Rows below such
 * a row come; the receiver must ignore them. */
struct store_sink {
	void		 *arg;
	enum err_code	(*cluster)(void *arg, const struct cluster_row *row);
	enum err_code	(*service)(void *arg, const struct service_row *row);
	enum err_code	(*real)(void *arg, const struct real_row *row);
	enum err_code	(*job)(void *arg, const struct job_row *row);
	enum err_code	(*statistics)(void *arg, const struct statistics *row);
	enum err_code	(*removed)(void *arg, enum store_kind kind, uint32_t id);
	void		(*totals)(void *arg, const struct store_totals *totals);
	/* These may be NULL. */
	enum err_code	(*poll)(void *arg, const struct driver_poll *poll);
	enum err_code	(*service_statistics)(void *arg, const struct statistics *row);
};

/* Does the checks that a program makes from its timer: whether the files are still in place and
 * can be written, and whether a process committed since the last store_changes(). True:
 * store_changes() is to be called. Costs a few system calls and two reads of a file header. */
bool store_changed(struct store *store);

/* Passes at most 'limit' rows that changed after 'cursor' to 'sink' and moves the cursor.
 * *ret_more: call again, there are more rows. The cost depends on the number of changed rows.
 * ERR_GONE: the cursor is too old, the file was replaced, or a row that was left out is
 * repaired. Then zero the cursor, drop all rows and read again. ERR_GONE comes at most ten
 * times in ten seconds, then ERR_BUSY. */
enum err_code store_changes(struct store *store, struct store_cursor *cursor,
    const struct store_sink *sink, size_t limit, bool *ret_more, struct err *err)
    __attribute__((warn_unused_result));

/* Calls fn once for each row that is left out because the schema forbids it, and once when the
 * row is repaired. Such a row has no parent, the name of another row, is a second fallback, or
 * has no change number. They exist only in a store that was changed without its constraints and
 * triggers. Of two rows that exclude each other, the row with the lower id is served. Reports
 * rows that store_changes() or store_left_out_find() found. 'text' names the file, the table,
 * the id and the repair. */
void store_left_out_report(struct store *store,
    void (*fn)(void *arg, bool repaired, const char *text), void *arg);

/* Checks the whole inventory; with STORE_READ not the values of rows. ERR_CORRUPT: the message
 * says what is damaged. Checks a copy in memory, so that writers do not wait. */
enum err_code store_verify(struct store *store, struct err *err);

/* Finds all rows that are left out, for a program that reads by name. */
enum err_code store_left_out_find(struct store *store, struct err *err);

/* -- reading rows by name ------------------------------------------------- */

/* Computes status_plane() of a cluster of store_each_cluster() from the driver's last poll. */
enum err_code store_plane_view(struct store *store, const struct cluster_row *row, int64_t now,
    struct plane_view *ret, struct err *err);

/* True if the last read of the statistics succeeded. */
bool store_statistics_readable(const struct store *store);

/* Calls fn once if the statistics cannot be opened, and once when they are open again. 'text'
 * names the file and the cause. */
void store_statistics_report(struct store *store,
    void (*fn)(void *arg, bool repaired, const char *text), void *arg);

/* Copies the inventory to memory. Later reads by name use the copy, which is of one moment.
 * It has no statistics. For a store that is closed soon; changes are made in the copy and are
 * lost. Blocks writers for about 15 ms at a time, or once for the whole copy if they write without
 * a pause. */
enum err_code store_snapshot(struct store *store, struct err *err);

/* A real service, its path, statistics and open jobs. */
struct store_real_view {
	struct real_row		row;
	struct path		path;
	uint32_t		cluster_id;
	bool			has_statistics;
	struct statistics	statistics;
	uint32_t		pending_jobs;
};

/* Call fn for each row at or below 'path' (NULL: all), sorted by name within the parent. An
 * error of fn ends the read and is returned. ERR_NOT_FOUND: the row of 'path' does not
 * exist. A path with patterns (path_is_pattern()) may name many rows, or none without an error. */
enum err_code store_each_cluster(struct store *store, const struct path *path,
    enum err_code (*fn)(void *arg, const struct cluster_row *row), void *arg, struct err *err);
enum err_code store_each_service(struct store *store, const struct path *path,
    enum err_code (*fn)(void *arg, const struct path *path, const struct service_row *row),
    void *arg, struct err *err);
enum err_code store_each_real(struct store *store, const struct path *path,
    enum err_code (*fn)(void *arg, const struct store_real_view *view), void *arg,
    struct err *err);
/* Calls fn for job 'id', or for all jobs from the oldest if it is 0. */
enum err_code store_each_job(struct store *store, uint32_t id,
    enum err_code (*fn)(void *arg, const struct job_row *row), void *arg, struct err *err);

/* The statistics of a service. */
struct store_service_view {
	bool			has_statistics;
	struct statistics	statistics;	/* its text is 'algorithm' */
	char			algorithm[STAT_ALGORITHM_MAX + 1];
};

/* Reads the statistics of service 'id'. There are none if the file is damaged;
 * store_statistics_report() says so. */
enum err_code store_service_statistics(struct store *store, uint32_t id,
    struct store_service_view *ret, struct err *err);

/* Finds the ids of the rows that 'path' names; 0 for a part that it does not name. Of two rows
 * with that path, finds the one that is served. ERR_NOT_FOUND. */
enum err_code store_find(struct store *store, const struct path *path,
    uint32_t *ret_cluster_id, uint32_t *ret_service_id, uint32_t *ret_real_id,
    struct err *err);

/* Reads the facts about the whole store. */
enum err_code store_totals_read(struct store *store, struct store_totals *ret, struct err *err);

/* -- settings of services and real services: the SET ---------------------- */

enum store_set_mode {
	STORE_SET_TEST,	/* check the rules, change nothing */
	STORE_SET_HOLD,	/* insert jobs that are held until store_set_release() */
	STORE_SET_NOW,	/* insert jobs and release them at once */
};

enum { STORE_NO_LOCK = -1 };

struct store_set {
	const struct change	*changes;
	size_t			 n;
	int64_t			 lock;		/* expected lbcSysSetLock, or STORE_NO_LOCK */
	enum job_source		 source;
	const char		*origin;	/* the user, 255 bytes at most, or NULL */
	uint64_t		 token;		/* of store_set_token() */
	bool			 sets_notify;
	uint32_t		 notify;	/* lbcNotifyEnable, as in the totals */
};

/* Returns a random number for the token of a SET, not 0. */
uint64_t store_set_token(void);

/* Does one SET, all or nothing, in one transaction. It is durable on return, or within
 * store_begin() after store_commit(). The transaction inserts one held job for each column that
 * changes, and the new values of lbcSysSetLock and lbcNotifyEnable. The rows change when the
 * SET is released. The oldest finished jobs are removed to make room. If nothing changes,
 * nothing is written.
 * The rules are checked against the rows as they will be after the release of all held jobs. A
 * column with a held job of another SET gets a job for any value, because the other SET may be
 * released or undone.
 * ret_verdict: why the SET was refused; its index is the change, or n for the lock.
 * ret_first_job: the id of the first job, 0: none. ret_jobs: how many jobs.
 * Errors after which nothing is changed: ERR_PRECOND (rules, lock), ERR_NOT_FOUND (the row is
 * gone), ERR_LIMIT (too many unfinished jobs), ERR_BUSY, ERR_READONLY, ERR_FULL, ERR_CORRUPT,
 * ERR_IO. ERR_DOUBT: the commit may be on the disk. Then call store_set_undo() after
 * STORE_SET_HOLD, or read the rows after STORE_SET_NOW. */
enum err_code store_set(struct store *store, const struct store_set *set,
    enum store_set_mode mode, struct verdict *ret_verdict, uint32_t *ret_first_job,
    size_t *ret_jobs, struct err *err) __attribute__((warn_unused_result));

/* Releases SET 'token', or all of this instance at the start of a program (0). Each held job
 * changes its row and becomes queued, or succeeded if the cluster has no data plane. A queued job
 * for the same column becomes superseded. A held job with a later job for its column changes
 * nothing and becomes superseded. A job that would make a second fallback fails. lbcSysSetLock goes
 * up and lbcNotifyEnable changes.
 * The next write of this process or store_flush() writes the release, so that a manager that
 * sends one SET after the other waits for the disk once per SET. After a crash the jobs are
 * still held, and the next start releases them. */
void store_set_release(struct store *store, uint64_t token);

/* True after the inventory was replaced by another file or by older content, until
 * store_set_release() for all. The new content may have held jobs of SETs that ended long
 * ago. */
bool store_was_replaced(const struct store *store);

/* True while a release is not written. */
bool store_needs_flush(const struct store *store);
/* Writes all releases. After an error they are still to be written. */
enum err_code store_flush(struct store *store, struct err *err)
    __attribute__((warn_unused_result));

/* Releases each held SET that is 30 s old and whose instance has ended: an undo comes earlier. Call
 * it once a second. Does nothing with SQLite, which has one instance. */
enum err_code store_orphans_release(struct store *store, struct err *err)
    __attribute__((warn_unused_result));

/* Cancels the held jobs of SET 'token' that are stored, and drops its settings. After a commit
 * in doubt it opens the inventory again first. Repeating it does no harm. */
enum err_code store_set_undo(struct store *store, uint64_t token, struct err *err)
    __attribute__((warn_unused_result));

/* Notes on disk that SET 'token' must be undone, because store_set_undo() fails or the commit is
 * in doubt. The note does not need the database. Waits for the sync of the note at most
 * 'wait_ms' of store_open(). */
enum err_code store_undo_note(struct store *store, uint64_t token, struct err *err);
/* Removes the note of a SET that is undone. */
void store_undo_note_drop(struct store *store, uint64_t token);
/* Undoes the noted SETs of this instance. A program calls it at its start, before it releases held
 * jobs. ret_n: how many SETs. */
enum err_code store_undo_noted(struct store *store, size_t *ret_n, struct err *err);

/* Write settings that are kept over a restart. */
enum err_code store_set_lock_increase(struct store *store, struct err *err);
enum err_code store_job_max_rows_set(struct store *store, uint32_t max, struct err *err);
/* Stores the age in seconds from which statistics are stale, so that lbclusterctl uses the same
 * as lbclusterd. Writes nothing if it is stored already. */
enum err_code store_stale_after_set(struct store *store, uint32_t seconds, struct err *err);

/* -- inventory ------------------------------------------------------------ */

/* Begin and end a transaction around the calls below and store_set(), so that a whole inventory
 * is one durable change. Never nested. */
enum err_code store_begin(struct store *store, struct err *err);
enum err_code store_commit(struct store *store, struct err *err);
void store_rollback(struct store *store);

/* Calls prepare(arg), which changes rows by the calls below, in a transaction on a copy in memory.
 * Then locks the file, writes the rows that differ, calls settle(arg), which may call store_set()
 * or be NULL, and commits all or nothing. Other programs wait from the lock to the commit.
 * If other programs changed the same rows meanwhile, prepare() is called again, the last time with
 * the file locked. Returns the error of either function, or that of the store. */
enum err_code store_change(struct store *store, enum err_code (*prepare)(void *arg),
    enum err_code (*settle)(void *arg), void *arg, struct err *err);

enum store_put_result { STORE_PUT_SAME, STORE_PUT_ADDED, STORE_PUT_UPDATED };

/* Add or update one row by its name; the parent must exist. 'id' and the columns that the store
 * keeps itself are ignored. So are enabled, fallback and weight of an existing real service, and
 * enabled of an existing service, which only store_set() changes. If a cluster gets the plane
 * "none", its queued and running jobs end as succeeded; its held jobs do when they are released.
 * ret_id and ret_result may be NULL. */
enum err_code store_put_cluster(struct store *store, const struct cluster_row *row,
    uint32_t *ret_id, enum store_put_result *ret_result, struct err *err);
enum err_code store_put_service(struct store *store, const struct service_row *row,
    uint32_t *ret_id, enum store_put_result *ret_result, struct err *err);
enum err_code store_put_real(struct store *store, const struct real_row *row,
    uint32_t *ret_id, enum store_put_result *ret_result, struct err *err);

/* Removes a cluster, service or real service and all rows below it; cancels its open jobs.
 * ERR_NOT_FOUND; ERR_INVALID for any other kind. */
enum err_code store_remove(struct store *store, enum store_kind kind, uint32_t id,
    struct err *err);

/* -- for plane drivers ------------------------------------------------------ */

/* Marks at most 'max' queued jobs of a cluster as running, the oldest first. Then calls fn for
 * each. An error of fn ends the calls; other jobs may be running nevertheless. A driver calls
 * store_jobs_requeue() after an error and at its start: it repeats jobs that were running,
 * because operations are absolute. */
enum err_code store_jobs_claim(struct store *store, uint32_t cluster_id, size_t max,
    enum err_code (*fn)(void *arg, const struct job_row *row), void *arg, struct err *err);
enum err_code store_jobs_requeue(struct store *store, uint32_t cluster_id, struct err *err);

/* How a job that ran ended. */
struct store_job_end {
	uint32_t		 id;
	enum job_state		 state;		/* JOB_SUCCEEDED, _FAILED, _SUPERSEDED, or
						 * JOB_QUEUED: try again */
	enum job_fail_cause	 cause;		/* of a failed one */
	const char		*message;	/* at most 255 bytes */
};

/* Records the ends of jobs in one transaction. The setting of a failed job gets its old value
 * again, unless a later job for the column exists or another program has changed it. */
enum err_code store_jobs_end(struct store *store, const struct store_job_end *ends, size_t n,
    struct err *err);

/* Stores lbcClusterPlaneStatus and its message. Writes nothing if both are stored already. */
enum err_code store_plane_set(struct store *store, uint32_t cluster_id,
    enum plane_status status, const char *message, struct err *err);

/* Stores messages of the data plane about real services, lbcRealOperStatusReason. Writes only
 * those that differ, at most STORE_STATISTICS_BATCH in one transaction. */
struct store_reason {
	uint32_t	 real_id;
	const char	*text;
};
enum err_code store_reasons_put(struct store *store, const struct store_reason *reasons,
    size_t n, struct err *err);

/* Records that a driver polled the data plane of a cluster. It is stored with the statistics,
 * where a commit syncs no disk. */
enum err_code store_poll_put(struct store *store, const struct driver_poll *poll,
    struct err *err);

/* -- statistics ------------------------------------------------------------ */

enum { STORE_STATISTICS_BATCH = 1000 };

/* Writes rows, in transactions of at most STORE_STATISTICS_BATCH rows. A value that is not
 * present becomes absent. Not inside store_begin(). */
enum err_code store_statistics_put(struct store *store, const struct statistics *rows,
    size_t n, struct err *err);
/* The same for services. */
enum err_code store_service_statistics_put(struct store *store, const struct statistics *rows,
    size_t n, struct err *err);

/* -- for administrators ------------------------------------------------------ */

/* Rows that store_describe() counts, in the order of SQL_COUNTS and SQL_COUNTS_STATISTICS. */
enum store_count {
	STORE_COUNT_CLUSTERS, STORE_COUNT_SERVICES, STORE_COUNT_REALS, STORE_COUNT_SERVERS,
	STORE_COUNT_JOBS, STORE_COUNT_JOBS_OPEN,
	STORE_COUNT_STATISTICS, STORE_COUNT_SERVICE_STATISTICS,
	STORE_COUNTS
};

/* What store_describe() finds out. No text has a password. */
struct store_description {
	char		name[512];		/* the directory, or "HOST:PORT/DATABASE" */
	char		engine[64];		/* "SQLite 3.40.1", "PostgreSQL 15.18" */
	int64_t		version, stats_version;	/* of the schemas */
	int64_t		version_found;		/* before store_open() migrated the schema */
	int64_t		stats_version_found;
	bool		writable;		/* by this user or role */
	bool		has_statistics;		/* they can be read */
	int64_t		bytes;
	char		programs[512];		/* other processes that hold its locks, or "" */
	uint64_t	counts[STORE_COUNTS];
};

enum err_code store_describe(struct store *store, struct store_description *ret,
    struct err *err);

/* Copies all rows of store 'from' to store 'to', in one transaction: with their ids, also held
 * jobs, settings, sums, statistics, and the highest id ever given. "changed" and "birth" are those
 * of 'to'. Creates 'to' if it does not exist; a failed copy leaves it empty. Copies the inventory
 * of one moment, and the statistics of a moment shortly after it. *ret_statistics: those of 'from'
 * could be read. ERR_PRECOND: 'to' has rows, or a program uses it. */
enum err_code store_copy(const char *from, const char *to, int wait_ms, bool *ret_statistics,
    struct err *err);

#endif
