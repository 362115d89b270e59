/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The members of struct store, and what the files of src/store share. Only src/store and
 * tests include this.
 */
#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include "store/db.h"

struct copy_rows;
struct copy_totals;
struct store_description;

/*
 * The state of lbcluster.db, and of lbcluster-stats.db.
 *
 *     ,--- a read failed, most often by a lock ---> BUSY
 *   OPEN <-- a read succeeded ---------------------'
 *     |
 *     |  from OPEN and BUSY                                      back to OPEN:
 *     |
 *     +--- the name refers to another file or to
 *     |    none, the file has another store, or
 *     |    the lock file is lost -----------------> REPLACED     the file is opened
 *     +--- COMMIT failed with an I/O error -------> IN_DOUBT     the file is opened, which
 *     |                                                          settles the doubt
 *     +--- a read found damage or an I/O error ---> DAMAGED      the file is opened;
 *     `--- -wal, -shm or the file of statistics                  statistics are replaced
 *          has another name, and not all of them -> DAMAGED
 *
 * If a file cannot be opened it keeps its state, or becomes DAMAGED if it is damaged, foreign or
 * newer. An I/O error of the statistics makes them REPLACED, because a new file would not help.
 *
 * main_step() and stats_step() of the engine open files. The timer of a program calls both, by
 * store_changed(); they try once a second. A write calls main_step() too: it must not go
 * to a file that lost its name, so a REPLACED or IN_DOUBT file is opened at once. A DAMAGED file
 * waits for the timer, because its check takes long.
 */
enum file_state { FILE_OPEN, FILE_BUSY, FILE_REPLACED, FILE_IN_DOUBT, FILE_DAMAGED };

enum { STORE_RETRY_MS = 1000 };	/* between two attempts to open a file */

struct store_file {
	enum file_state		 state;
	int64_t			 retry_at_ms;	/* the timer opens the file again */
	int64_t			 busy_since_ms;	/* FILE_BUSY of lbcluster.db */
};

static inline bool
store_file_is_open(const struct store_file *file)
{
	return file->state == FILE_OPEN || file->state == FILE_BUSY;
}

enum { RELEASES_MAX = 64 };

enum { LEFT_OUT_MAX = 1000 };	/* noted rows; more are left out without a report */

struct store_left_out {
	enum store_kind		 kind;
	enum left_out_why	 why;
	uint32_t		 id;
	enum { LEFT_OUT_NEW, LEFT_OUT_REPORTED, LEFT_OUT_ENDED } state;
};

/*
 * The functions of an engine: SQLite with its two files, or PostgreSQL. store.c picks the engine by
 * the name of the store. An engine changes 'main_file' and 'stats_file'; see enum file_state.
 */
struct store_engine {
	/* Prepares the two databases of a new store and opens neither: engine, path and state of
	 * 'main' and 'stats', note_dir. False if out of memory; close() frees what was made. */
	bool (*init)(struct store *store);
	/* Opens both databases and takes the lock of the program. May be called again after an
	 * error. */
	enum err_code (*open)(struct store *store, struct err *err);
	/* Closes both databases, and frees what init() and open() made. */
	void (*close)(struct store *store);
	/* Whether a program that failed to start with 'code' may succeed later without a change of
	 * the store 'name'. */
	bool (*error_is_transient)(const char *name, enum err_code code);

	/* Checks that the inventory and the lock are in place, and opens both again if needed.
	 * 'writes': the caller is going to write. ERR_OK: it is open, or a transaction of
	 * store_begin() is. Otherwise the error of the last attempt to open it. */
	enum err_code (*main_step)(struct store *store, bool writes, struct err *err);
	/* Call in a transaction. ERR_BUSY: another store is in the place of the one that was
	 * opened. The inventory is then FILE_REPLACED. */
	enum err_code (*identity_check)(struct store *store, struct err *err);

	/* Opens the statistics. SQLite, unless the store is STORE_READ: creates the file if it is
	 * missing and replaces it if it is damaged. Waits for each of two locks for 'wait_ms'. */
	enum err_code (*stats_open)(struct store *store, int wait_ms, struct err *err);
	/* Checks that the statistics are in place, and opens them again if necessary, at most once
	 * a second and almost without a wait. */
	void (*stats_step)(struct store *store);
	/* Changes the state of the statistics by the result of a read or a write. */
	void (*stats_note)(struct store *store, enum err_code code);

	/* store_snapshot(), store_verify() */
	enum err_code (*snapshot)(struct store *store, struct err *err);
	enum err_code (*verify)(struct store *store, struct err *err);

	/* store_copy(): load_begin() begins a write transaction of both databases, without triggers
	 * and without the settings and statistics that the store had. load_rows() writes rows.
	 * load_end() commits. */
	enum err_code (*load_begin)(struct store *store, struct err *err);
	enum err_code (*load_rows)(struct store *store, struct copy_rows *rows, struct err *err);
	enum err_code (*load_end)(struct store *store, const struct copy_totals *totals,
	    struct err *err);
	/* store_describe(): all but the counts and the versions found. */
	enum err_code (*describe)(struct store *store, struct store_description *ret,
	    struct err *err);

	/* The members below may be NULL. */

	/* Shows store_reader_wait() of other processes up to which value of its counter each
	 * database was read; 0 if it was not. */
	void (*read_show)(struct store *store, int64_t main, int64_t stats);
	/* store_reader_wait(); NULL: ERR_OK */
	enum err_code (*reader_wait)(struct store *store, const char *program, int wait_ms,
	    struct err *err);
	/* store_change(); NULL: store_change_locked() */
	enum err_code (*change)(struct store *store, enum err_code (*prepare)(void *arg),
	    enum err_code (*settle)(void *arg), void *arg, struct err *err);
	/* Adds a real service to the draft of change(), while store_has_draft(). */
	enum err_code (*draft_real_insert)(struct store *store, const struct real_row *row,
	    int64_t *ret_id, struct err *err);
};

extern const struct store_engine sqlite_store_engine;
extern const struct store_engine postgres_store_engine;	/* with HAVE_LIBPQ */

/* A SET that was answered at 'wall_s' and whose release is not written. */
struct store_release {
	uint64_t		 token;
	int64_t			 wall_s;
};

struct store {
	const struct store_engine *engine;
	struct db		 main;
	struct db		 file;			/* the inventory while 'main' is a draft */
	struct db		 stats;
	struct store_file	 main_file;
	struct store_file	 stats_file;
	enum store_mode		 mode;
	int			 wait_ms;
	char			*dir;			/* the name of the store */
	const char		*note_dir;		/* of the notes of undo.c; of the engine */
	const char		*program;		/* whose lock is held; NULL: none */
	char			*instance;		/* of the program; NULL: it has none */
	const char		*owner;			/* of its held jobs; "" with SQLite */
	bool			 loads;			/* store_copy() writes to it */
	int			 lock_fd;		/* -1: not taken */
	struct err		 read;			/* results of the last read and write */
	struct err		 write;
	int64_t			 birth;			/* of lbcluster.db as it was opened */
	unsigned int		 generation;		/* if it changes, readers read again */
	bool			 replaced;		/* store_was_replaced() */
	bool			 repaired;		/* rows were, so 'generation' must change */
	int64_t			 write_check_at_ms;
	struct store_release	 releases[RELEASES_MAX];	/* not written yet */
	size_t			 n_releases;
	bool			 committed;		/* by this process, and not all read yet */
	bool			 stats_written;		/* by this process */
	struct err		 stats_error;		/* of the last attempt to open statistics */
	enum err_code		 stats_reported;	/* by store_statistics_report() */
	unsigned int		 stats_hidden;		/* see commit_check() of changes.c */
	int64_t			 stats_busy_until_ms;	/* no read before: a program locks them */
	bool			 stats_replaced;	/* by an empty file; not reported yet */
	int64_t			 restarts_since_ms;	/* see restart_allowed() of changes.c */
	unsigned int		 restarts;
	int64_t			 begin_change;		/* the counter at store_begin() */
	int64_t			 draft_change;		/* a draft has values of the counter */
	int64_t			 draft_change_end;	/* from the one above to this one */
	bool			 in_transaction;	/* store_begin() .. store_commit() */
	struct store_left_out	 left_out[LEFT_OUT_MAX];
	size_t			 n_left_out;
};

/* True while prepare() of store_change() changes a copy. */
static inline bool
store_has_draft(const struct store *store)
{
	return store->file.state != NULL;
}

/* -- store_health.c: results of reads and writes ------------------------------------- */

/* Stores a result. Without 'err' the message is the name of 'code'. */
void store_result_set(struct err *result, enum err_code code, const struct err *err);
/* Reports that ids which this process has read are of another store: ERR_BUSY. */
enum err_code store_replaced_error(const struct store *store, struct err *err);
/* Record the result of a read or a write for store_status(). store_note_read() also changes
 * the state of the file. Both return 'code'. */
enum err_code store_note_read(struct store *store, enum err_code code, const struct err *err);
enum err_code store_note_write(struct store *store, enum err_code code, const struct err *err);
/* Calls main_step() of the engine for a read, then stats_step(). */
enum err_code store_step(struct store *store, struct err *err);

/* -- store_write.c: write transactions ----------------------------------------------- */

/* Begin, commit and end a write transaction. store_write_begin() first checks the file and the
 * disk. ERR_BUSY also if another store is in the place of the one that this process has read: the
 * ids that the caller knows are of other rows. store_write_end() rolls back what is not
 * committed. Inside store_begin() they do nothing; store_commit() or store_rollback() ends that
 * transaction. */
enum err_code store_write_begin(struct store *store, struct err *err);
enum err_code store_write_commit(struct store *store, struct err *err);
void store_write_end(struct store *store);
/* Checks once a second whether a write is possible, so that store_status() is right without
 * one. */
void store_write_check(struct store *store);
/* Commits if 'code', the result since store_write_begin(), is ERR_OK; ends the transaction and
 * records the result. */
enum err_code store_write_finish(struct store *store, enum err_code code, struct err *err);

/* -- store.c ------------------------------------------------------------------------ */

/* Opens a store as store_open_exclusive() does, for store_copy(): a statement may take long. */
enum err_code store_open_to_load(const char *dir, const char *program, int wait_ms,
    struct store **ret_store, struct err *err);

/* -- other files ------------------------------------------------------------------- */

/* Call before a real service of 'service_id' becomes fallback. If a held job of the present
 * fallback disables it as fallback, its row changes now. */
enum err_code store_fallback_free(struct store *store, uint32_t service_id, struct err *err);
/* Writes the release of SET 'token', answered at 'wall_s'. */
enum err_code store_release_write(struct db *db, int64_t token, int64_t wall_s, struct err *err);
/* Writes all releases that were not written yet. */
enum err_code store_releases_write(struct store *store, struct err *err);
/* True if the release of SET 'token' waits to be written. */
bool store_set_is_released(const struct store *store, uint64_t token);
/* Removes the oldest finished jobs beyond job_max_rows. */
enum err_code store_jobs_prune(struct db *db, struct err *err);
/* Applies the settings of released SETs that are not written yet to 'totals'. */
enum err_code store_releases_add(struct store *store, struct store_totals *totals,
    struct err *err);

/* Does store_change() in one write transaction, without a copy. */
enum err_code store_change_locked(struct store *store, enum err_code (*prepare)(void *arg),
    enum err_code (*settle)(void *arg), void *arg, struct err *err);

/* Ends the queued and running jobs of a cluster without data plane as succeeded. */
enum err_code store_jobs_record(struct store *store, uint32_t cluster_id, struct err *err);

/* Notes that readers do not get this row, for store_left_out_report(). */
void store_left_out_note(struct store *store, enum store_kind kind, uint32_t id,
    enum left_out_why why);
/* Notes the rows whose "changed" is below 1, which store_changes() never finds. */
enum err_code store_left_out_unnumbered(struct store *store, enum store_kind kind,
    const struct store_sink *sink, struct err *err);
/* Notes the rows that lost their parent when row 'id' was removed. */
enum err_code store_left_out_below(struct store *store, enum store_kind kind, uint32_t id,
    struct err *err);
/* Checks each noted row again. *ret_repaired: at least one is valid now. */
enum err_code store_left_out_check(struct store *store, bool *ret_repaired, struct err *err);

#endif
