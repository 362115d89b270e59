/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A SET, phase by phase; see mib.h.
 *
 *            test          commit                  cleanup
 *   (none) ------> TESTED -------> COMMITTED ---------------> (released, forgotten)
 *                    |  \             |
 *            cleanup |   \ fails      | undo, session lost
 *                    v    v           v
 *                 (none) FAILED,    (jobs cancelled, forgotten)
 *                       IN_DOUBT
 *                                     \  store refuses
 *                                      \-----------------> UNDOING --repair--> (none)
 *
 * snmpd 5.9.3 resends what was answered late and leaves phases out when it gives
 * up (measured), so every phase may come again and none need come.
 */
#include "mib/set_record.h"
#include "util/clock.h"
#include "util/log_limit.h"

enum {
	REFRESH_ROWS = 2000,
	REFRESH_SLICES = 4,
	SETS_MAX = 32
};

/* A master may go away in the middle of a SET as often as it likes. */
static struct log_limit limit = LOG_LIMIT("set", 20);

/* -- transactions ----------------------------------------------------------------------- */

/* 'undoing': one whose undo the store refused, which is over for all but another undo. */
static struct mib_set *
set_find(struct mib *mib, uint32_t session, uint32_t transaction, bool undoing)
{
	struct mib_set *set = mib->sets;

	while (set != NULL && (set->session != session || set->transaction != transaction ||
	    (set->state == SET_UNDOING) != undoing))
		set = set->next;
	return set;
}

static void
set_drop(struct mib *mib, struct mib_set *set)
{
	struct mib_set **p = &mib->sets;

	while (*p != NULL && *p != set)
		p = &(*p)->next;
	if (*p == set)
		*p = set->next;
	mib_set_free(set);
}

void
mib_sets_free(struct mib *mib)
{
	while (mib->sets != NULL)
		set_drop(mib, mib->sets);
}

/* -- test -------------------------------------------------------------------------------- */

/* The picture may lag behind what another program just did. A store that cannot be
 * read says so at the judging. Settings come before statistics: a few slices show all
 * that one request can change. */
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

/* False for what was only tested or refused, and for a SET to the same values. */
static bool
changed_something(const struct mib_set *set)
{
	switch (set->state) {
	case SET_TESTED:
	case SET_FAILED:
		return false;
	case SET_COMMITTED:
		return set->jobs > 0 || set->lock_index > 0 || set->set.sets_notify;
	case SET_IN_DOUBT:
	case SET_UNDOING:
		break;
	}
	return true;
}

/* The manager is told that it failed: if we end before it is undone, the next start does
 * it. */
static void
note(struct mib *mib, struct mib_set *set)
{
	struct err err;

	if (!set->noted && store_undo_note(mib->store, set->set.token, &err) != ERR_OK)
		log_limited(&limit, LOG_LEVEL_ERROR, "a restart or a power cut now may keep "
		    "the change: %s", err.text);
	set->noted = true;
}

/* Takes it back; what the store refuses now is tried again by mib_flush(). */
static bool
undo(struct mib *mib, struct mib_set *set)
{
	struct err err;

	if (!changed_something(set)) {
		set_drop(mib, set);
		return true;
	}
	if (store_set_undo(mib->store, set->set.token, &err) != ERR_OK) {
		if (set->state != SET_UNDOING)
			log_limited(&limit, LOG_LEVEL_ERROR, "cannot undo, will try again: %s",
			    err.text);
		set->state = SET_UNDOING;
		note(mib, set);
		return false;
	}
	if (set->noted)
		store_undo_note_drop(mib->store, set->set.token);
	refresh(mib);
	set_drop(mib, set);
	return true;
}

static bool
undos_wait(const struct mib *mib)
{
	const struct mib_set *set = mib->sets;

	while (set != NULL && set->state != SET_UNDOING)
		set = set->next;
	return set != NULL;
}

/* What the store refused to take back, until it refuses again. */
static void
undos_do(struct mib *mib)
{
	struct mib_set *set = mib->sets, *next;

	for (; set != NULL; set = next) {
		next = set->next;
		if (set->state == SET_UNDOING && !undo(mib, set))
			return;
	}
}

/* Nobody will ask for it again. What may be on the disk is not left there. */
static void
set_forget(struct mib *mib, struct mib_set *set)
{
	if (set->state == SET_IN_DOUBT)
		(void)undo(mib, set);
	else
		set_drop(mib, set);
}

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
		enum mib_status status = mib_set_take(mib, set, &varbinds[i], i + 1);

		if (status != MIB_NO_ERROR) {
			*ret_index = i + 1;
			return status;
		}
	}
	code = store_set(mib->store, &set->set, STORE_SET_TEST, &verdict, &first_job, &jobs,
	    &err);
	/* Jobs that ended but are not written yet count as unfinished there. */
	if (code == ERR_LIMIT && store_needs_flush(mib->store) &&
	    store_flush(mib->store, &err) == ERR_OK)
		code = store_set(mib->store, &set->set, STORE_SET_TEST, &verdict, &first_job,
		    &jobs, &err);
	return code == ERR_OK ? MIB_NO_ERROR :
	    mib_set_refuse(mib, set, false, code, &verdict, &err, ret_index);
}

/* Of transactions without an end the oldest are released: the manager may have
 * been told success. */
static void
sets_limit(struct mib *mib)
{
	struct mib_set *set = mib->sets, *next;
	size_t n = 0;

	for (; set != NULL; set = next) {
		next = set->next;
		if (++n > SETS_MAX && set->state != SET_UNDOING)
			mib_set_cleanup(mib, set->session, set->transaction);
	}
}

/* After its commit was done. Another SET under the same number is not let through: its
 * commit would look like a repeat, and tell of a success that never was. */
static enum mib_status
test_again(const struct mib_set *set, const struct mib_varbind *varbinds, size_t n,
    size_t *ret_index)
{
	if (mib_varbinds_digest(varbinds, n) == set->digest)
		return MIB_NO_ERROR;
	*ret_index = 1;
	return MIB_GEN_ERR;
}

enum mib_status
mib_set_test(struct mib *mib, uint32_t session, uint32_t transaction,
    const struct mib_varbind *varbinds, size_t n, size_t *ret_index)
{
	struct mib_set *set = set_find(mib, session, transaction, false);
	enum mib_status status;

	*ret_index = 0;
	if (set != NULL && set->state == SET_COMMITTED)
		return test_again(set, varbinds, n, ret_index);
	if (set != NULL)
		set_forget(mib, set);
	/* The rules count the jobs of a SET that is still to be undone. */
	undos_do(mib);
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

/* -- commit, undo, cleanup ------------------------------------------------------------------ */

enum mib_status
mib_set_commit(struct mib *mib, uint32_t session, uint32_t transaction, size_t *ret_index)
{
	struct mib_set *set = set_find(mib, session, transaction, false);
	struct verdict verdict;
	enum err_code code;
	struct err err;

	*ret_index = 0;
	if (set == NULL) {
		*ret_index = 1;
		return MIB_COMMIT_FAILED;
	}
	if (set->state == SET_COMMITTED)
		return MIB_NO_ERROR;
	if (set->state != SET_TESTED) {
		*ret_index = set->status_index;
		return set->status;
	}
	code = store_set(mib->store, &set->set, STORE_SET_HOLD, &verdict,
	    &set->first_job, &set->jobs, &err);
	if (code != ERR_OK) {
		/* The undo that follows looks at the disk if it is in doubt. */
		set->state = code == ERR_DOUBT ? SET_IN_DOUBT : SET_FAILED;
		if (code == ERR_DOUBT)
			note(mib, set);
		set->status = mib_set_refuse(mib, set, true, code, &verdict, &err, ret_index);
		set->status_index = *ret_index;
		return set->status;
	}
	set->state = SET_COMMITTED;
	if (changed_something(set))
		refresh(mib);
	return MIB_NO_ERROR;
}

enum mib_status
mib_set_undo(struct mib *mib, uint32_t session, uint32_t transaction, size_t *ret_index)
{
	struct mib_set *set = set_find(mib, session, transaction, false);

	*ret_index = 0;
	if (set == NULL)	/* sent again: the first one may not have succeeded */
		set = set_find(mib, session, transaction, true);
	if (set == NULL || undo(mib, set))
		return MIB_NO_ERROR;
	*ret_index = 1;
	return MIB_UNDO_FAILED;
}

/* Nothing that can fail may wait until here: what is shown changes at once, the disk
 * follows with the next write, or at a start after a crash. */
void
mib_set_cleanup(struct mib *mib, uint32_t session, uint32_t transaction)
{
	struct mib_set *set = set_find(mib, session, transaction, false);

	if (set == NULL)
		return;
	if (set->state == SET_COMMITTED && changed_something(set)) {
		store_set_release(mib->store, set->set.token);
		cache_set_release(mib->cache, &set->set, set->first_job, set->jobs,
		    clock_wall_s());
		set_drop(mib, set);
	} else {
		set_forget(mib, set);
	}
}

bool
mib_session_has_open_set(const struct mib *mib, uint32_t session)
{
	const struct mib_set *set = mib->sets;

	while (set != NULL && (set->session != session || set->state != SET_COMMITTED))
		set = set->next;
	return set != NULL;
}

void
mib_session_closed(struct mib *mib, uint32_t session)
{
	struct mib_set *set = mib->sets, *next;

	for (; set != NULL; set = next) {
		next = set->next;
		if (set->session != session || set->state != SET_COMMITTED)
			continue;
		if (changed_something(set))
			log_limited(&limit, LOG_LEVEL_WARN,
			    "kept: the master did not say how it ended");
		set_drop(mib, set);
	}
	mib_session_lost(mib, session);
}

void
mib_session_lost(struct mib *mib, uint32_t session)
{
	struct mib_set *set = mib->sets, *next;

	for (; set != NULL; set = next) {
		next = set->next;
		if (set->session != session || set->state == SET_UNDOING)
			continue;
		if (changed_something(set))
			log_limited(&limit, LOG_LEVEL_WARN, "undone: the master went away "
			    "before it told the manager of success");
		(void)undo(mib, set);
	}
}

/* Held jobs that are of no SET that this process knows: a backup was put in place. */
static bool
must_settle(const struct mib *mib)
{
	return mib->sets == NULL && store_was_replaced(mib->store);
}

bool
mib_needs_flush(const struct mib *mib)
{
	return undos_wait(mib) || must_settle(mib) || store_needs_flush(mib->store);
}

void
mib_flush(struct mib *mib)
{
	struct err err;

	undos_do(mib);
	if (must_settle(mib))
		store_set_release(mib->store, 0);
	if (store_flush(mib->store, &err) != ERR_OK)
		log_debug("set", "released jobs wait for the store: %s", err.text);
}
