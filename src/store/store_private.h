/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The members of struct store, and what the files of src/store share. Only src/store and
 * tests include this.
 */
#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include "store/db.h"
#include "store/store.h"

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
	const char		*program;		/* of store_open_exclusive() */
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
	bool			 main_unsettled;	/* store_was_replaced() */
	bool			 main_in_doubt;		/* open again before believing it */
	int64_t			 restarts_since_ms;	/* readers began again from the start */
	unsigned int		 restarts;		/* so often since then */
	bool			 restart_due;		/* a repaired row waits for a restart */
	int64_t			 begin_change;		/* the counter at store_begin() */
	bool			 in_transaction;	/* store_begin() .. store_commit() */
	struct store_left_out	 left_out[LEFT_OUT_MAX];
	size_t			 n_left_out;
};

/* Note what a call saw, for store_status(); both return 'code'. */
enum err_code store_note_read(struct store *store, enum err_code code, const struct err *err);
enum err_code store_note_write(struct store *store, enum err_code code, const struct err *err);
/* Closes statistics that are ill: the next look opens them again, or makes them anew. */
void store_note_statistics(struct store *store, enum err_code code);
/* Opens again what was replaced or found ill, at most once a second. */
enum err_code store_files_check(struct store *store, struct err *err);
/* Closes and opens lbcluster.db, which settles a commit in doubt. ERR_BUSY, too, if another
 * process has the lock of store_open_exclusive() by now. */
enum err_code store_main_reopen(struct store *store, struct err *err);
/* The lock of store_open_exclusive(): true while it is that of the file of its name, or if there is
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
void store_lock_marks_show(const struct store *store, int64_t main, int64_t stats);
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

#endif
