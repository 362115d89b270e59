/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The store: the only seam between the programs. A directory with two files:
 * lbcluster.db holds what must never be lost (inventory, settings, jobs),
 * lbcluster-stats.db what is measured again within seconds. This interface
 * knows nothing of SQLite; the schema is in lbcluster-store(5).
 *
 * Several processes use one store at once. No call waits longer than the wait
 * given to store_open() for another process. Not for use by several threads,
 * nor over fork(2).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "model/model.h"
#include "model/rules.h"
#include "model/status.h"

struct store;

enum store_mode {
	STORE_READ,	/* never writes */
	STORE_WRITE,	/* the store must be there */
	STORE_CREATE,	/* makes an empty store where there is none; checks all of it */
};

/* lbcSysStoreStatus */
enum store_status {
	STORE_OK = 1, STORE_READ_ONLY, STORE_LOCKED, STORE_UNAVAILABLE
};

/* The directory that the user of a program names: 'option', the argument of -s (NULL: not
 * given), else $LBCLUSTER_STORE unless it is empty. NULL: neither, so that the configuration
 * of the program decides. The same for each program: lbcluster-store(5), "Where it is". */
const char *store_dir_named(const char *option);

/* Opens the store in directory 'dir' and checks it: identity and version, with
 * STORE_CREATE every page too. That takes a lock which makes commits
 * of others wait, about 1 ms for 1,000 real services: a program that runs once leaves it
 * to those that stay, and meets damage where it reads it. Older versions are brought up
 * to date (not in STORE_READ: ERR_INVALID says so). An ill lbcluster.db is refused and
 * left untouched; an ill lbcluster-stats.db is made anew. 'wait_ms' is the longest wait
 * for a lock. Errors: ERR_NOT_FOUND, ERR_FOREIGN, ERR_NEWER, ERR_CORRUPT, ERR_READONLY,
 * ERR_BUSY, ERR_FULL, ERR_IO, ERR_NOMEM, with words that name the file. */
enum err_code store_open(const char *dir, enum store_mode mode, int wait_ms,
    struct store **ret_store, struct err *err) __attribute__((warn_unused_result));

/* store_open() with STORE_CREATE for a program that stays and of which there is one for a
 * store: it holds the lock of lockfile_take() until store_close(). The lock is asked for
 * first where its file is there already, so that a newer version, started by mistake, does
 * not migrate what an older one serves; it is made only in a store that was found good. A
 * store that is locked is waited for as by store_retry_while_busy().
 * Where the lock's file, or its directory, is put in place anew later, that one's lock is
 * taken; while another process has it the store may not be used, as if it were locked.
 * 'program' has to stay as long as the store does.
 * Errors: ERR_PRECOND if another process has the lock; those of store_open(). */
enum err_code store_open_exclusive(const char *dir, const char *program, int wait_ms,
    struct store **ret_store, struct err *err) __attribute__((warn_unused_result));

/* A step of a program's start: again while it is ERR_BUSY, for 10 s. Another program may
 * be loading an inventory just now. */
enum err_code store_retry_while_busy(enum err_code (*step)(void *arg, struct err *err), void *arg,
    struct err *err) __attribute__((warn_unused_result));
/* True of an error at a start in 'dir' that may pass without the programs' own files being
 * mended: another start may succeed. Of what may not be written, when that is the whole file
 * system, which may be mounted anew. */
bool store_error_is_transient(const char *dir, enum err_code code);

/* Waits until the process that holds the lock of 'program' has read what is committed now, as
 * it shows after each store_changes() that left nothing: lbcluster.db, and the statistics if
 * this store wrote any. At most 'wait_ms'. ERR_OK at once where no process has that lock, or
 * it shows nothing, as before version 0.2.0; ERR_BUSY if it did not read in time. A store
 * whose files were put in place less than 0.1 s ago may be taken for read too early. */
enum err_code store_reader_wait(struct store *store, const char *program, int wait_ms,
    struct err *err);

/* NULL is fine. */
void store_close(struct store *store);

/* What the last calls saw; words for anything but STORE_OK ("" then). */
enum store_status store_status(const struct store *store);
const char *store_status_text(const struct store *store);

/* -- reading what changed ------------------------------------------------- */

/* How far a reader has come, zero for "knows nothing". */
struct store_cursor {
	int64_t cluster, service, real, job, removed;
	int64_t statistics, removed_stats, look, stats_birth;
	unsigned int generation;	/* of lbcluster.db */
};

/* Facts about the whole store, kept by the store itself whoever writes. */
struct store_totals {
	int64_t		config_last_change;
	int64_t		table_last_change;	/* last add, remove or rename of any row */
	/* Counts, modulo 2^32 as a Counter32 is. */
	uint32_t	config_changes;		/* effective changes of enabled, fallback, weight */
	uint32_t	jobs_succeeded;
	uint32_t	jobs_failed;
	uint32_t	jobs_bumped;		/* finished jobs removed to make room */
	uint32_t	job_last_id;
	uint32_t	set_lock;		/* lbcSysSetLock */
	uint32_t	job_max_rows;
	uint32_t	stale_after_s;		/* of lbclusterd, 1..86400 */
	uint32_t	notify_enable;	/* lbcNotifyEnable: 1u << enum notify_bit */
};

enum store_kind { STORE_CLUSTER = 1, STORE_SERVICE, STORE_REAL, STORE_JOB, STORE_STATISTICS };

/* Receives changes. Any of the functions may return an error to end the read;
 * cursors then stand before that row. Parents come before children; a row seen
 * before comes again when it changed. Rows of store_left_out_report() do not come, and
 * are removed where they came before; what is below them comes all the same, and is to
 * be passed over. */
struct store_sink {
	void		 *arg;
	enum err_code	(*cluster)(void *arg, const struct cluster_row *row);
	enum err_code	(*service)(void *arg, const struct service_row *row);
	enum err_code	(*real)(void *arg, const struct real_row *row);
	enum err_code	(*job)(void *arg, const struct job_row *row);
	enum err_code	(*statistics)(void *arg, const struct statistics *row);
	enum err_code	(*removed)(void *arg, enum store_kind kind, uint32_t id);
	void		(*totals)(void *arg, const struct store_totals *totals);
	enum err_code	(*look)(void *arg, const struct driver_poll *look);	/* may be NULL */
};

/* True if some process committed something since the last store_changes(), or
 * something of this process, or the files need a look. Costs two reads of a
 * file header. */
bool store_changed(struct store *store);

/* Hands out at most 'limit' rows that changed after 'cursor' and moves the
 * cursor. *ret_more: there is more, call again. The cost follows the number of
 * changed rows. If the files were replaced or came back from an illness they are
 * opened again first. ERR_GONE: the cursor is too old or of another file, or a row that
 * was left out is repaired: zero it and the reader's rows, and read all. That comes ten
 * times in ten seconds at most, then ERR_BUSY. */
enum err_code store_changes(struct store *store, struct store_cursor *cursor,
    const struct store_sink *sink, size_t limit, bool *ret_more, struct err *err)
    __attribute__((warn_unused_result));

/* Calls fn once for each row that readers do not get because the schema forbids it, and once
 * when such a row is repaired: a row without its parent, a second row of a name, a second
 * fallback. Only a store that was changed without its constraints and triggers has such
 * rows. Of two rows that exclude each other the one with the lower id is served. Reports
 * what store_changes() or store_left_out_find() has met. 'text' names the file, the table,
 * the id, and what to do. */
void store_left_out_report(struct store *store,
    void (*fn)(void *arg, bool repaired, const char *text), void *arg);

/* Checks all of lbcluster.db, of a store opened with STORE_READ not the values of rows.
 * ERR_CORRUPT with what is wrong. Takes a second for 100,000 rows, in which nobody else can
 * write. */
enum err_code store_verify(struct store *store, struct err *err);

/* Looks for all such rows, for a program that reads by name. */
enum err_code store_left_out_find(struct store *store, struct err *err);

/* -- reading rows by name ------------------------------------------------- */

/* status_plane() of a cluster of store_each_cluster(), with the latest look of a driver. */
enum err_code store_plane_view(struct store *store, const struct cluster_row *row, int64_t now,
    struct plane_view *ret, struct err *err);

/* True if the last store_changes() could read the statistics. */
bool store_statistics_readable(const struct store *store);

/* From now on what is read by name is a copy in memory, of one moment, whatever others
 * write; statistics are not in it. For a store of STORE_READ that is closed soon. Others
 * are kept from writing for some 15 ms at a time. ERR_BUSY with words if they go on
 * writing meanwhile. */
enum err_code store_snapshot(struct store *store, struct err *err);

/* A real service with all there is to know about it. */
struct store_real_view {
	struct path		path;
	struct real_row		row;
	uint32_t		cluster_id;
	bool			has_statistics;
	struct statistics	statistics;
	uint32_t		pending_jobs;
};

/* Call for each row at or below 'path' (NULL: all), by name within parents.
 * ERR_NOT_FOUND with words if 'path' names a row that does not exist. The
 * function's own error ends the read and is returned. */
enum err_code store_each_cluster(struct store *store, const struct path *path,
    enum err_code (*fn)(void *arg, const struct cluster_row *row), void *arg, struct err *err);
enum err_code store_each_service(struct store *store, const struct path *path,
    enum err_code (*fn)(void *arg, const struct path *path, const struct service_row *row),
    void *arg, struct err *err);
enum err_code store_each_real(struct store *store, const struct path *path,
    enum err_code (*fn)(void *arg, const struct store_real_view *view), void *arg,
    struct err *err);
/* Jobs from the oldest; 'id' 0: all. */
enum err_code store_each_job(struct store *store, uint32_t id,
    enum err_code (*fn)(void *arg, const struct job_row *row), void *arg, struct err *err);

/* Ids of the rows that 'path' names; those it does not name are 0.
 * ERR_NOT_FOUND with words. Of two rows of that path: the one that is served. */
enum err_code store_find(struct store *store, const struct path *path,
    uint32_t *ret_cluster_id, uint32_t *ret_service_id, uint32_t *ret_real_id,
    struct err *err);

/* Facts about the whole store. */
enum err_code store_totals(struct store *store, struct store_totals *ret, struct err *err);

/* -- settings of real services: the SET ---------------------------------- */

enum store_set_mode {
	STORE_SET_TEST,	/* judge it, change nothing */
	STORE_SET_HOLD,	/* do it; jobs are held until store_set_release() */
	STORE_SET_NOW,	/* do it; jobs are released at once */
};

enum { STORE_NO_LOCK = -1 };

struct store_set {
	const struct change	*changes;
	size_t			 n;
	int64_t			 lock;		/* expected lbcSysSetLock, or STORE_NO_LOCK */
	enum job_source		 source;
	uint64_t		 token;		/* names this SET, at random; not 0 */
	bool			 sets_notify;
	uint32_t		 notify;	/* lbcNotifyEnable, as in the totals */
};

/* Does one SET, all or nothing, in one transaction that is durable on return (within
 * store_begin(): once that is committed). It inserts one held job for each column that changes,
 * and what is to become of lbcSysSetLock and lbcNotifyEnable; the rows change when the SET is
 * released. Old finished jobs are removed to make room. Nothing to change: no write.
 * The rules are judged on the rows as they are once all held jobs are released. A column for
 * which another SET holds a job is changed by any value, with a job: that SET may be released
 * or undone.
 * ret_verdict says why it was refused (index n: the lock; otherwise the change
 * at fault), ret_first_job the id of the first job (0: none), ret_jobs how many.
 * Errors: ERR_PRECOND (rules, lock), ERR_NOT_FOUND (row gone), ERR_LIMIT (too
 * many unfinished jobs), ERR_BUSY, ERR_READONLY, ERR_FULL, ERR_CORRUPT, ERR_IO:
 * nothing was changed. ERR_DOUBT: the commit may or may not be on the disk; after
 * STORE_SET_HOLD store_set_undo() settles it, after STORE_SET_NOW a look at the rows. */
enum err_code store_set(struct store *store, const struct store_set *set,
    enum store_set_mode mode, struct verdict *ret_verdict, uint32_t *ret_first_job,
    size_t *ret_jobs, struct err *err) __attribute__((warn_unused_result));

/* SET 'token' (0: all, at start-up) is released: each held job changes its row and becomes
 * queued, or succeeded where the cluster has no data plane. A job that waits for the same
 * column is superseded. A job that a later one overtook changes nothing and is superseded; a
 * job that would make a second fallback fails. The lock goes up, lbcNotifyEnable changes.
 * This is written with the next write of this process or by store_flush(), whichever comes
 * first, so that a manager that sets one value after the other does not wait twice for the
 * disk. A crash before leaves the jobs held; a start releases them. */
void store_set_release(struct store *store, uint64_t token);

/* True after another file or older content was put in the place of lbcluster.db, until
 * store_set_release() for all: it may have held jobs of SETs that ended long ago. */
bool store_was_replaced(const struct store *store);

/* True while a release is not written. */
bool store_needs_flush(const struct store *store);
/* Nothing to do is fine. On an error they go on waiting. */
enum err_code store_flush(struct store *store, struct err *err)
    __attribute__((warn_unused_result));

/* Cancels the held jobs of SET 'token', as far as they are stored, and forgets its settings.
 * After a commit in doubt it reads the file again. Repeating it is harmless. */
enum err_code store_set_undo(struct store *store, uint64_t token, struct err *err)
    __attribute__((warn_unused_result));

/* Notes, in a file beside the store, that SET 'token' is still to be undone: the store refuses
 * it, or the commit is in doubt. Waits for the sync of the note no longer than for a lock. */
enum err_code store_undo_note(struct store *store, uint64_t token, struct err *err);
/* Removes the note once the SET is undone. */
void store_undo_note_drop(struct store *store, uint64_t token);
/* Undoes what is noted, at a start, before held jobs are released. ret_n: how many SETs. */
enum err_code store_undo_noted(struct store *store, size_t *ret_n, struct err *err);

/* Settings, kept over a restart. */
enum err_code store_set_lock_increase(struct store *store, struct err *err);
enum err_code store_job_max_rows_set(struct store *store, uint32_t max, struct err *err);
/* The age in seconds from which lbclusterd takes statistics for stale, so that lbclusterctl
 * does the same. No write if it is the same. */
enum err_code store_stale_after_set(struct store *store, uint32_t seconds, struct err *err);

/* -- inventory ------------------------------------------------------------ */

/* Transaction around the calls below and store_set(), so that a whole inventory
 * with its settings is one durable change; never nested. */
enum err_code store_begin(struct store *store, struct err *err);
enum err_code store_commit(struct store *store, struct err *err);
void store_rollback(struct store *store);

enum store_put_result { STORE_PUT_SAME, STORE_PUT_ADDED, STORE_PUT_UPDATED };

/* Adds or updates one row by its name; the parent must be there. 'id' and what
 * the store keeps by itself are ignored, and so are enabled, fallback and weight
 * of a real service that exists: those change by store_set() alone, which judges
 * the rules and makes jobs. A cluster that gets the plane "none" has its open jobs end
 * as succeeded, but for held ones, which do once they are released. ret_id and
 * ret_result may be NULL. */
enum err_code store_put_cluster(struct store *store, const struct cluster_row *row,
    uint32_t *ret_id, enum store_put_result *ret_result, struct err *err);
enum err_code store_put_service(struct store *store, const struct service_row *row,
    uint32_t *ret_id, enum store_put_result *ret_result, struct err *err);
enum err_code store_put_real(struct store *store, const struct real_row *row,
    uint32_t *ret_id, enum store_put_result *ret_result, struct err *err);

/* Removes a cluster, service or real service and all below it; its open jobs are
 * cancelled. ERR_NOT_FOUND; ERR_INVALID for any other kind. */
enum err_code store_remove(struct store *store, enum store_kind kind, uint32_t id,
    struct err *err);

/* -- for plane drivers ------------------------------------------------------ */

/* Hands out the queued jobs of a cluster, the oldest first, at most 'max', and marks
 * them running. fn gets each once that is durable; its error, or one of the store, ends the
 * handing out: the rest may be running all the same. A driver calls store_jobs_requeue()
 * after an error and when it starts: what ran when it died is done again, since operations
 * are absolute. */
enum err_code store_jobs_claim(struct store *store, uint32_t cluster_id, size_t max,
    enum err_code (*fn)(void *arg, const struct job_row *row), void *arg, struct err *err);
enum err_code store_jobs_requeue(struct store *store, uint32_t cluster_id, struct err *err);

/* How a job that ran ended. */
struct store_job_end {
	uint32_t		 id;
	enum job_state		 state;		/* JOB_SUCCEEDED, _FAILED, _SUPERSEDED, or
						 * JOB_QUEUED: later */
	enum job_fail_cause	 cause;		/* of a failed one */
	const char		*message;	/* at most 255 octets */
};

/* Records ends, all in one transaction. The setting of a failed job goes back to the
 * value before, unless a later job for the column exists or another program has set
 * something else. */
enum err_code store_jobs_end(struct store *store, const struct store_job_end *ends, size_t n,
    struct err *err);

/* lbcClusterPlaneStatus and its words; no write if they are the same. */
enum err_code store_plane_set(struct store *store, uint32_t cluster_id,
    enum plane_status status, const char *message, struct err *err);

/* Words of the data plane about real services, lbcRealOperStatusReason; those that
 * are the same are not written. One transaction for at most STORE_STATISTICS_BATCH. */
struct store_reason {
	uint32_t	 real_id;
	const char	*text;
};
enum err_code store_reasons_put(struct store *store, const struct store_reason *reasons,
    size_t n, struct err *err);

/* Records that a driver looks at the data plane of a cluster, in the file of statistics: a
 * look costs no sync of the disk. */
enum err_code store_look_put(struct store *store, const struct driver_poll *look,
    struct err *err);

/* -- statistics ------------------------------------------------------------ */

enum { STORE_STATISTICS_BATCH = 1000 };

/* Writes rows, each whole (what is not present becomes absent), in transactions
 * of at most STORE_STATISTICS_BATCH rows. Not inside store_begin(). */
enum err_code store_statistics_put(struct store *store, const struct statistics *rows,
    size_t n, struct err *err);

#endif
