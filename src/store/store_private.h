/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The members of struct store, and what the files of src/store share. Only src/store and
 * tests include this.
 */
#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include "store/db.h"

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
 * store_main_step() and store_stats_step() open files. The timer of a program calls both, by
 * store_changed(); they try once a second. A write calls store_main_step() too: it must not go
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

/* A SET that was answered at 'wall_s' and whose release is not written. */
struct store_release {
	uint64_t		 token;
	int64_t			 wall_s;
};

struct store {
	struct db		 main;
	struct db		 file;			/* the inventory while 'main' is a draft */
	struct db		 stats;
	struct store_file	 main_file;
	struct store_file	 stats_file;
	enum store_mode		 mode;
	int			 wait_ms;
	char			*dir;
	const char		*program;		/* whose lock is held; NULL: none */
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

/* True between store_draft_begin() and store_draft_end(). */
static inline bool
store_has_draft(const struct store *store)
{
	return store->file.state != NULL;
}

/* -- the engine, src/store/sqlite: open and closed, lbcluster.db ------------------- */

/* Prepares the two databases and opens neither. False if out of memory. store_close() frees what
 * was made. */
bool store_files_init(struct store *store);
/* Opens both databases and takes the lock of the program. May be called again after an error. */
enum err_code store_files_open(struct store *store, struct err *err);
/* Checks the name of the file and the lock, and opens the file again if necessary; see enum
 * file_state. 'writes': the caller is going to write. ERR_OK: the file is open, or a
 * transaction of store_begin() is. Otherwise the error of the last attempt to open it. */
enum err_code store_main_step(struct store *store, bool writes, struct err *err);
/* Call in a transaction. ERR_BUSY: another store is in the place of the one that was opened. The
 * file is then FILE_REPLACED. */
enum err_code store_main_identity_check(struct store *store, struct err *err);
/* Does store_main_step() for a read, then store_stats_step(). */
enum err_code store_files_check(struct store *store, struct err *err);

/* -- the engine: lbcluster-stats.db ------------------------------------------------ */

/* Opens the file. Unless the store is STORE_READ, creates it if it is missing and replaces it
 * if it is damaged. Waits for each of two locks for 'wait_ms'. */
enum err_code store_stats_open(struct store *store, int wait_ms, struct err *err);
/* Checks the name of the file, and opens it again if necessary, at most once a second and
 * almost without a wait for a lock. */
void store_stats_step(struct store *store);
/* Changes the state of the file by the result of a read or a write. */
void store_note_statistics(struct store *store, enum err_code code);

/* -- the engine: copies in memory --------------------------------------------------- */

/* Begins a transaction like store_begin(), but on a copy in memory. store_rollback() drops it. */
enum err_code store_draft_begin(struct store *store, struct err *err);
/* Closes a draft, and uses the file again. Does nothing without a draft. */
void store_draft_end(struct store *store);
/* Adds a real service to a draft. */
enum err_code store_draft_real_insert(struct store *store, const struct real_row *row,
    int64_t *ret_id, struct err *err);
/* Writes the rows that differ between 'copy' and the store before it. Call in a write transaction.
 * *ret_conflict, with ERR_OK: another program changed such rows; the caller rolls back. */
enum err_code store_draft_write(struct store *store, struct db *copy, bool *ret_conflict,
    struct err *err);

/* -- store_health.c: results of reads and writes ------------------------------------- */

/* Stores a result. Without 'err' the message is the name of 'code'. */
void store_result_set(struct err *result, enum err_code code, const struct err *err);
/* Reports that ids which this process has read are of another store: ERR_BUSY. */
enum err_code store_replaced_error(const struct store *store, struct err *err);
/* Record the result of a read or a write for store_status(). store_note_read() also changes
 * the state of the file. Both return 'code'. */
enum err_code store_note_read(struct store *store, enum err_code code, const struct err *err);
enum err_code store_note_write(struct store *store, enum err_code code, const struct err *err);

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

/* -- lock.c: the lock of store_open_exclusive() ------------------------------------ */

/* True while the name of the lock file refers to the file whose lock is held, and if the store
 * needs no lock. */
bool store_lock_is_in_place(const struct store *store);
/* Takes the lock unless it is in place. If its file does not exist: creates it with 'make',
 * otherwise ERR_OK without a lock. ERR_PRECOND: another process holds the lock. */
enum err_code store_lock_take(struct store *store, bool make, struct err *err);
void store_lock_release(struct store *store);
/* Shows store_reader_wait() of other processes up to which value of its counter each file was
 * read; 0 if it was not. */
void store_lock_marks_show(const struct store *store, int64_t main, int64_t stats);

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
