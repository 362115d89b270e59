/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The phases of a SET; see mib.h. A record (set_record.h) has one of these states:
 *
 *   (no record) --TestSet--> TESTED --CommitSet--> COMMITTED --CleanupSet--> (no record)
 *                                |--> UNCHANGED         |
 *                                |--> FAILED            | UndoSet, session lost
 *                                '--> IN_DOUBT ---------+--> (no record)
 *                                                       |
 *                                  the store refuses it '--> UNDOING --mib_flush()--> (no record)
 *
 * The table 'ends' says what ends a record. snmpd 5.9.3 sends a phase again if the answer was late,
 * and leaves phases out after its last try. Therefore a phase may be repeated or missing.
 */
#include "mib/set_record.h"
#include "util/clock.h"
#include "util/log_limit.h"

enum {
	REFRESH_ROWS = 2000,
	REFRESH_SLICES = 4,
	SETS_MAX = 32
};

/* What may end a record. */
enum set_event {
	ON_TEST_AGAIN,	/* TestSet with the number of a SET that has not ended */
	ON_UNDO,
	ON_CLEANUP,
	ON_SESSION_LOST,
	ON_SESSION_CLOSED,	/* by lbclusterd */
	ON_COUNT
};

enum set_end {
	LEAVE,		/* the record stays as it is */
	FORGET,		/* nothing was changed */
	CANCEL,		/* the store cancels the jobs */
	RELEASE,	/* the store applies the jobs */
	KEEP		/* the next start of lbclusterd releases the jobs */
};

static const enum set_end ends[SET_STATES][ON_COUNT] = {
	/*		   test again, undo, cleanup, session lost, session closed */
	[SET_TESTED] =	  { FORGET, FORGET, FORGET,  FORGET, FORGET },
	[SET_UNCHANGED] = { LEAVE,  FORGET, FORGET,  FORGET, FORGET },
	[SET_COMMITTED] = { LEAVE,  CANCEL, RELEASE, CANCEL, KEEP },
	[SET_FAILED] =	  { FORGET, FORGET, FORGET,  FORGET, FORGET },
	[SET_IN_DOUBT] =  { CANCEL, CANCEL, CANCEL,  CANCEL, CANCEL },
	[SET_UNDOING] =	  { LEAVE,  CANCEL, LEAVE,   LEAVE,  LEAVE },
};

/* A master can cause these lines at any rate. */
static struct log_limit limit = LOG_LIMIT("set", 20);

/* -- records ---------------------------------------------------------------------------- */

/* Returns the latest record with these numbers, or NULL. An earlier one can only be UNDOING. */
static struct mib_set *
set_find(const struct mib *mib, uint32_t session, uint32_t transaction)
{
	struct mib_set *set = mib->sets;

	while (set != NULL && (set->session != session || set->transaction != transaction))
		set = set->next;
	return set;
}

static void
set_drop(struct mib *mib, struct mib_set *set)
{
	struct mib_set **p = &mib->sets;

	while (*p != set)
		p = &(*p)->next;
	*p = set->next;
	mib_set_free(set);
}

void
mib_sets_free(struct mib *mib)
{
	while (mib->sets != NULL)
		set_drop(mib, mib->sets);
}

static bool
is_committed(const struct mib_set *set)
{
	return set->state == SET_COMMITTED || set->state == SET_UNCHANGED;
}

/* Reads what other programs changed. An error of the store shows when the rules are judged. The
 * store returns settings before statistics, so a few slices show all that one SET can change. */
static void
refresh(struct mib *mib)
{
	struct err err;
	bool more = true;

	for (int i = 0; i < REFRESH_SLICES && more; i++)
		if (cache_refresh(mib->cache, mib->store, REFRESH_ROWS, clock_wall_s(), &more,
		    &err) != ERR_OK)
			return;
}

/* -- the end of a record ------------------------------------------------------------------- */

/* Notes on the disk that the SET is to be undone. The manager gets an error for it, so a start
 * of lbclusterd must not release its jobs. */
static void
undo_note(struct mib *mib, struct mib_set *set)
{
	struct err err;

	if (!set->noted && store_undo_note(mib->store, set->set.token, &err) != ERR_OK)
		log_limited(&limit, LOG_LEVEL_ERROR, "%s; a SET that failed may take effect if "
		    "lbclusterd restarts now", err.text);
	set->noted = true;
}

/* Cancels the jobs of a SET. False if the store refuses: mib_flush() tries again. */
static bool
set_cancel(struct mib *mib, struct mib_set *set)
{
	struct err err;

	if (store_set_undo(mib->store, set->set.token, &err) != ERR_OK) {
		if (set->state != SET_UNDOING)
			log_limited(&limit, LOG_LEVEL_ERROR, "cannot undo a SET: %s; lbclusterd "
			    "tries again", err.text);
		set->state = SET_UNDOING;
		undo_note(mib, set);
		return false;
	}
	if (set->noted)
		store_undo_note_drop(mib->store, set->set.token);
	refresh(mib);
	set_drop(mib, set);
	return true;
}

/* Ends the record as 'ends' says. False if the store refuses to cancel the jobs. */
static bool
set_end(struct mib *mib, struct mib_set *set, enum set_event event)
{
	switch (ends[set->state][event]) {
	case LEAVE:
		return true;
	case CANCEL:
		return set_cancel(mib, set);
	case RELEASE:
		/* Nothing here may fail: the manager gets success. The new values show at once;
		 * the next write, or the next start, changes the rows. */
		store_set_release(mib->store, set->set.token);
		cache_set_release(mib->cache, &set->set, set->first_job, set->jobs, clock_wall_s());
		break;
	case FORGET:
	case KEEP:
		break;
	}
	set_drop(mib, set);
	return true;
}

/* Ends the records of a session. */
static void
session_end(struct mib *mib, uint32_t session, enum set_event event)
{
	struct mib_set *set = mib->sets, *next;

	for (; set != NULL; set = next) {
		enum set_end end = ends[set->state][event];

		next = set->next;
		if (set->session != session)
			continue;
		if (end == CANCEL || end == KEEP)
			log_limited(&limit, LOG_LEVEL_WARN, "SET %s: the session ended before "
			    "CleanupSet", end == KEEP ? "kept" : "undone");
		(void)set_end(mib, set, event);
	}
}

void
mib_session_lost(struct mib *mib, uint32_t session)
{
	session_end(mib, session, ON_SESSION_LOST);
}

void
mib_session_closed(struct mib *mib, uint32_t session)
{
	session_end(mib, session, ON_SESSION_CLOSED);
}

bool
mib_session_has_open_set(const struct mib *mib, uint32_t session)
{
	const struct mib_set *set = mib->sets;

	while (set != NULL && (set->session != session || !is_committed(set)))
		set = set->next;
	return set != NULL;
}

/* Tries each refused undo again, until the store refuses one. */
static void
undos_retry(struct mib *mib)
{
	struct mib_set *set = mib->sets, *next;

	for (; set != NULL; set = next) {
		next = set->next;
		if (set->state == SET_UNDOING && !set_cancel(mib, set))
			return;
	}
}

/* Releases the oldest SET if too many SETs have not ended. The manager may have got success. */
static void
sets_limit(struct mib *mib)
{
	struct mib_set *set = mib->sets, *next;
	size_t n = 0;

	for (; set != NULL; set = next) {
		next = set->next;
		if (++n > SETS_MAX)
			(void)set_end(mib, set, ON_CLEANUP);
	}
}

/* -- TestSet ------------------------------------------------------------------------------- */

static enum mib_status
test_all(struct mib *mib, struct mib_set *set, const struct mib_varbind *varbinds,
    size_t *ret_index)
{
	uint32_t first_job;
	struct verdict verdict;
	struct err err;
	enum err_code code;
	size_t jobs;

	if (store_changed(mib->store))
		refresh(mib);
	for (size_t i = 0; i < set->n; i++) {
		enum mib_status status = mib_set_add(mib, set, &varbinds[i], i + 1);

		if (status != MIB_NO_ERROR) {
			*ret_index = i + 1;
			return status;
		}
	}
	code = store_set(mib->store, &set->set, STORE_SET_TEST, &verdict, &first_job, &jobs, &err);
	/* The store counts a job that ended as unfinished until the end is written. */
	if (code == ERR_LIMIT && store_needs_flush(mib->store) &&
	    store_flush(mib->store, &err) == ERR_OK)
		code = store_set(mib->store, &set->set, STORE_SET_TEST, &verdict, &first_job,
		    &jobs, &err);
	return code == ERR_OK ? MIB_NO_ERROR :
	    mib_set_refuse(mib, set, false, code, &verdict, &err, ret_index);
}

enum mib_status
mib_set_test(struct mib *mib, uint32_t session, uint32_t transaction,
    const struct mib_varbind *varbinds, size_t n, size_t *ret_index)
{
	struct mib_set *set = set_find(mib, session, transaction);
	enum mib_status status;

	*ret_index = 0;
	if (set != NULL && is_committed(set)) {
		if (mib_varbinds_digest(varbinds, n) == set->digest)
			return MIB_NO_ERROR;
		/* Another SET with the same number is refused. CommitSet would be taken for a
		 * repeat, and the manager would get a success that did not happen. */
		*ret_index = 1;
		return MIB_GEN_ERR;
	}
	if (set != NULL)
		(void)set_end(mib, set, ON_TEST_AGAIN);
	/* snmpd leaves out a varbind that it cannot encode, and would report a SET of this varbind
	 * alone as done (doc/snmpd-behaviour.txt). */
	if (n == 0) {
		*ret_index = 1;
		return MIB_GEN_ERR;
	}
	/* The rules count the jobs of a SET that is still to be undone. */
	undos_retry(mib);
	set = mib_set_new(session, transaction, n);
	if (set == NULL) {
		*ret_index = 1;
		return MIB_RESOURCE_UNAVAILABLE;
	}
	set->next = mib->sets;
	mib->sets = set;
	sets_limit(mib);
	status = test_all(mib, set, varbinds, ret_index);
	if (status != MIB_NO_ERROR)
		set_drop(mib, set);
	else
		set->digest = mib_varbinds_digest(varbinds, n);
	return status;
}

/* -- CommitSet, UndoSet, CleanupSet ------------------------------------------------------- */

static void
commit(struct mib *mib, struct mib_set *set)
{
	struct verdict verdict;
	struct err err;
	enum err_code code = store_set(mib->store, &set->set, STORE_SET_HOLD, &verdict,
	    &set->first_job, &set->jobs, &err);

	if (code == ERR_OK) {
		bool changed = set->jobs > 0 || set->lock_index > 0 || set->set.sets_notify;

		set->state = changed ? SET_COMMITTED : SET_UNCHANGED;
		if (changed)
			refresh(mib);
		return;
	}
	/* The UndoSet that follows finds out what a commit in doubt left on the disk. */
	set->state = code == ERR_DOUBT ? SET_IN_DOUBT : SET_FAILED;
	if (code == ERR_DOUBT)
		undo_note(mib, set);
	set->status = mib_set_refuse(mib, set, true, code, &verdict, &err, &set->status_index);
}

enum mib_status
mib_set_commit(struct mib *mib, uint32_t session, uint32_t transaction, size_t *ret_index)
{
	struct mib_set *set = set_find(mib, session, transaction);

	if (set == NULL || set->state == SET_UNDOING) {
		*ret_index = 1;
		return MIB_COMMIT_FAILED;
	}
	if (set->state == SET_TESTED)
		commit(mib, set);
	*ret_index = set->status_index;
	return set->status;
}

enum mib_status
mib_set_undo(struct mib *mib, uint32_t session, uint32_t transaction, size_t *ret_index)
{
	struct mib_set *set = set_find(mib, session, transaction);

	*ret_index = 0;
	if (set == NULL || set_end(mib, set, ON_UNDO))
		return MIB_NO_ERROR;
	*ret_index = 1;
	return MIB_UNDO_FAILED;
}

void
mib_set_cleanup(struct mib *mib, uint32_t session, uint32_t transaction)
{
	struct mib_set *set = set_find(mib, session, transaction);

	if (set != NULL)
		(void)set_end(mib, set, ON_CLEANUP);
}

/* -- what is left for later --------------------------------------------------------------- */

/* True if the store has held jobs of no known SET. This happens if a person restores a backup
 * while lbclusterd runs. */
static bool
has_stray_jobs(const struct mib *mib)
{
	return mib->sets == NULL && store_was_replaced(mib->store);
}

bool
mib_needs_flush(const struct mib *mib)
{
	const struct mib_set *set = mib->sets;

	while (set != NULL && set->state != SET_UNDOING)
		set = set->next;
	return set != NULL || has_stray_jobs(mib) || store_needs_flush(mib->store);
}

void
mib_flush(struct mib *mib)
{
	struct err err;

	undos_retry(mib);
	if (has_stray_jobs(mib))
		store_set_release(mib->store, 0);
	if (store_flush(mib->store, &err) != ERR_OK)
		log_debug("set", "released jobs are not written yet: %s", err.text);
}
