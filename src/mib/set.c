/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A SET, phase by phase; see mib.h.
 *
 *            test          commit                cleanup
 *   (none) ------> TESTED -------> APPLIED ---------------> (released, forgotten)
 *                    |  \             |
 *            cleanup |   \ fails      | undo, session lost
 *                    v    v           v
 *                 (none) FAILED,    (undone, forgotten)
 *                       IN_DOUBT
 *                                     \  store says no
 *                                      \-----------------> UNDOING --repair--> (none)
 *
 * snmpd 5.9.3 resends what was answered late and leaves phases out when it gives
 * up (measured), so every phase may come again and none need come.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "mib/inside.h"
#include "util/clock.h"
#include "util/log_limit.h"

enum {
	REFRESH_ROWS = 2000,
	REFRESH_SLICES = 4,
	SETS_MAX = 32,
	BITS_OCTETS_MAX = 8,	/* of managers that know more bits than we do */

	/* snmpd gives a phase up after agentXTimeout, agentXRetries times more: 6 s by
	 * default. A SET that has heard nothing for so long will not be undone. */
	OPEN_MAX_MS = 30000
};

enum set_state {
	SET_TESTED,
	SET_APPLIED,
	SET_FAILED,	/* nothing was changed */
	SET_IN_DOUBT,	/* failed, but the disk may have it */
	SET_UNDOING,
};

struct mib_set {
	struct mib_set		*next;
	uint32_t		 session;
	uint32_t		 transaction;
	enum set_state		 state;
	enum mib_status		 status;	/* of a commit that failed */
	size_t			 status_index;
	struct store_set	 set;
	struct change		*changes;
	size_t			*indexes;	/* varbind of each change, from 1 */
	size_t			 lock_index;	/* varbind of the lock, 0: none */
	uint32_t		 first_job;	/* made by the commit: so many in a row */
	size_t			 jobs;
	int64_t			 applied_ms;
	size_t			 notify_index;	/* varbind of lbcNotifyEnable, 0: none */
	struct mib_oid		*names;		/* of all varbinds */
	size_t			 n;
	uint64_t		 digest;	/* of them: a repeat is the same */
	bool			 noted;		/* that it is to be undone, also by a next start */
};

/* What the store's errors are to a manager, before the write and in it. */
static const struct {
	enum err_code		code;
	enum mib_status		test;
	enum mib_status		commit;
	enum reject_reason	reason;		/* where the verdict has none */
} errors[] = {
	{ ERR_PRECOND, MIB_INCONSISTENT_VALUE, MIB_COMMIT_FAILED, REJECT_OTHER },
	{ ERR_NOT_FOUND, MIB_NO_CREATION, MIB_COMMIT_FAILED, REJECT_NO_SUCH_REAL },
	{ ERR_LIMIT, MIB_RESOURCE_UNAVAILABLE, MIB_COMMIT_FAILED, REJECT_QUEUE_FULL },
	{ ERR_BUSY, MIB_RESOURCE_UNAVAILABLE, MIB_COMMIT_FAILED, REJECT_STORE_BUSY },
	{ ERR_READONLY, MIB_RESOURCE_UNAVAILABLE, MIB_COMMIT_FAILED, REJECT_STORE_READ_ONLY },
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
set_free(struct mib *mib, struct mib_set *set)
{
	struct mib_set **p = &mib->sets;

	while (*p != NULL && *p != set)
		p = &(*p)->next;
	if (*p == set)
		*p = set->next;
	free(set->changes);
	free(set->indexes);
	free(set->names);
	free(set);
}

void
mib_sets_free(struct mib *mib)
{
	while (mib->sets != NULL)
		set_free(mib, mib->sets);
}

bool
mib_sets_open(const struct mib *mib, int64_t now_ms)
{
	const struct mib_set *set = mib->sets;

	while (set != NULL && (set->state == SET_TESTED || set->state == SET_FAILED ||
	    set->applied_ms + OPEN_MAX_MS < now_ms))
		set = set->next;
	return set != NULL;
}

static uint64_t
token_make(void)
{
	uint64_t token = 0;

	if (getrandom(&token, sizeof(token), 0) != sizeof(token))
		token = (uint64_t)clock_steady_ms();
	return token >> 1 | 1;	/* SQLite's integers have 63 bits; not 0 */
}

static struct mib_set *
set_new(struct mib *mib, uint32_t session, uint32_t transaction, size_t n)
{
	struct mib_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->session = session;
	set->transaction = transaction;
	set->changes = calloc(n + 1, sizeof(*set->changes));
	set->indexes = calloc(n + 1, sizeof(*set->indexes));
	set->names = calloc(n + 1, sizeof(*set->names));
	set->n = n;
	set->set.changes = set->changes;
	set->set.lock = STORE_NO_LOCK;
	set->set.source = JOB_SOURCE_SNMP;
	set->set.token = token_make();
	if (set->changes == NULL || set->indexes == NULL || set->names == NULL) {
		set_free(mib, set);
		return NULL;
	}
	set->next = mib->sets;
	mib->sets = set;
	return set;
}

/* -- refusals --------------------------------------------------------------------------- */

/* The varbind that an error of the store is told at, from 1: the first that is a change,
 * if it is not one of those. */
static size_t
index_first(const struct mib_set *set)
{
	if (set->set.n > 0)
		return set->indexes[0];
	return set->lock_index > 0 ? set->lock_index : set->notify_index;
}

/* Turns what the store said into a status, with the varbind at fault. */
static enum mib_status
refuse_store(struct mib *mib, const struct mib_set *set, bool commit, enum err_code code,
    const struct verdict *verdict, const struct err *err, size_t *ret_index)
{
	enum mib_status status = commit ? MIB_COMMIT_FAILED : MIB_RESOURCE_UNAVAILABLE;
	enum reject_reason reason = REJECT_OTHER;
	const struct mib_oid *object;
	size_t index = index_first(set);

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (errors[i].code == code) {
			status = commit ? errors[i].commit : errors[i].test;
			reason = errors[i].reason;
		}
	}
	if (verdict->reason != REJECT_NONE)
		index = verdict->index < set->set.n ? set->indexes[verdict->index] :
		    set->lock_index;
	*ret_index = index;
	object = index > 0 ? &set->names[index - 1] : NULL;
	if (verdict->reason != REJECT_NONE)
		mib_reject(mib, verdict->reason, err->text, object);
	else
		mib_reject_by_store(mib, reason, err->text, object);
	return status;
}

/* -- test -------------------------------------------------------------------------------- */

/* One octet has room for all bits that there are (RFC 3417 section 8). Octets of zeros
 * behind it, of a manager that knows more bits, change nothing, nor does a first one that
 * is left out. */
static enum mib_status
check_bits(const struct mib_column *column, const struct mib_value *value)
{
	if (value->octets.length > BITS_OCTETS_MAX)
		return MIB_WRONG_LENGTH;
	for (size_t i = 0; i < value->octets.length; i++)
		if ((value->octets.data[i] & (i == 0 ? 0xff >> (column->max + 1) : 0xff)) != 0)
			return MIB_WRONG_VALUE;
	return MIB_NO_ERROR;
}

static enum mib_status
check_value(const struct mib_column *column, const struct mib_value *value)
{
	int64_t number;

	if (value->type != mib_syntax_type(column->syntax))
		return MIB_WRONG_TYPE;
	if (column->syntax == SYNTAX_BITS)
		return check_bits(column, value);
	if (value->type == MIB_OCTETS)
		return value->octets.length < column->min ||
		    value->octets.length > column->max ? MIB_WRONG_LENGTH : MIB_NO_ERROR;
	number = value->type == MIB_INTEGER ? value->integer : (int64_t)value->number;
	return number < (int64_t)column->min || number > (int64_t)column->max ?
	    MIB_WRONG_VALUE : MIB_NO_ERROR;
}

static void
add_change(struct mib_set *set, const struct image_real *real, enum real_column column,
    uint32_t value, size_t index)
{
	struct change *change = &set->changes[set->set.n];

	change->real_id = real->node.id;
	change->column = column;
	change->value = value;
	set->indexes[set->set.n++] = index;
}

static enum mib_status
add_lock(struct mib *mib, struct mib_set *set, uint32_t value, size_t index)
{
	uint32_t lock = image_totals(mib->image)->set_lock;
	char text[MODEL_MESSAGE_MAX + 1];

	if (value != lock) {
		snprintf(text, sizeof(text), "lbcSysSetLock is %u, not %u: read it again, "
		    "another manager was here", lock, value);
		mib_reject(mib, REJECT_LOCK_MISMATCH, text, &set->names[index - 1]);
		return MIB_INCONSISTENT_VALUE;
	}
	set->set.lock = lock;
	set->lock_index = index;
	return MIB_NO_ERROR;
}

static void
add_notify(struct mib *mib, struct mib_set *set, const struct mib_value *value, size_t index)
{
	set->notify_index = index;
	set->set.notify_before = image_totals(mib->image)->notify_enable;
	set->set.notify_after = 0;
	for (unsigned int bit = 0; bit < NOTIFY_BITS && value->octets.length > 0; bit++)
		if ((value->octets.data[0] & 0x80u >> bit) != 0)
			set->set.notify_after |= 1u << bit;
}

/* One varbind by itself, in the order of RFC 3416 section 4.2.5. */
static enum mib_status
add_varbind(struct mib *mib, struct mib_set *set, const struct mib_varbind *varbind,
    size_t index_from_1)
{
	const struct mib_column *column;
	const struct mib_table *table;
	const uint32_t *index;
	enum mib_status status;
	const void *row;
	size_t n;

	set->names[index_from_1 - 1] = varbind->name;
	if (!mib_find(&varbind->name, &table, &column, &index, &n) ||
	    column->access != ACCESS_WRITE)
		return MIB_NOT_WRITABLE;
	status = check_value(column, &varbind->value);
	if (status != MIB_NO_ERROR)
		return status;
	row = table->rows->get(mib, index, n);
	if (row == NULL)
		return MIB_NO_CREATION;
	switch (column->setting) {
	case SETTING_NONE:
		return MIB_NOT_WRITABLE;
	case SETTING_ENABLED:
		add_change(set, row, REAL_ENABLED, varbind->value.integer == 1, index_from_1);
		break;
	case SETTING_FALLBACK:
		add_change(set, row, REAL_FALLBACK, varbind->value.integer == 1, index_from_1);
		break;
	case SETTING_WEIGHT:
		add_change(set, row, REAL_WEIGHT, varbind->value.number, index_from_1);
		break;
	case SETTING_LOCK:
		return add_lock(mib, set, varbind->value.number, index_from_1);
	case SETTING_NOTIFY:
		add_notify(mib, set, &varbind->value, index_from_1);
		break;
	}
	return MIB_NO_ERROR;
}

/* The picture may lag behind what another program just did. A store that cannot be
 * read says so at the judging. Settings come before statistics: a few slices show all
 * that one request can change. */
static void
refresh(struct mib *mib)
{
	struct err err;
	bool more = true;

	for (int i = 0; i < REFRESH_SLICES && more; i++)
		if (image_refresh(mib->image, mib->store, REFRESH_ROWS, clock_wall_s(), &more,
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
	case SET_APPLIED:
		return set->jobs > 0 || set->lock_index > 0 ||
		    set->set.notify_after != set->set.notify_before;
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

	if (!set->noted && store_undo_note(mib->store, &set->set, &err) != ERR_OK)
		log_limited(&limit, LOG_LEVEL_ERROR, "a restart or a power cut now may keep "
		    "the change: %s", err.text);
	set->noted = true;
}

static void
notes_drop(struct mib *mib)
{
	const struct mib_set *set = mib->sets;

	while (set != NULL && !set->noted)
		set = set->next;
	if (set == NULL)
		store_undo_notes_drop(mib->store);
}

/* Takes it back; what the store refuses now is tried again by mib_repair(). */
static bool
undo(struct mib *mib, struct mib_set *set)
{
	bool noted = set->noted;
	struct err err;

	if (!changed_something(set)) {
		set_free(mib, set);
		return true;
	}
	if (store_set_undo(mib->store, &set->set, &err) != ERR_OK) {
		if (set->state != SET_UNDOING)
			log_limited(&limit, LOG_LEVEL_ERROR, "cannot undo, will try again: %s",
			    err.text);
		set->state = SET_UNDOING;
		note(mib, set);
		return false;
	}
	refresh(mib);
	set_free(mib, set);
	if (noted)
		notes_drop(mib);
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
		set_free(mib, set);
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
		enum mib_status status = add_varbind(mib, set, &varbinds[i], i + 1);

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
	if (code != ERR_OK)
		return refuse_store(mib, set, false, code, &verdict, &err, ret_index);
	if (!undos_wait(mib))
		return MIB_NO_ERROR;
	*ret_index = 1;
	mib_reject(mib, REJECT_OTHER, "an earlier request that failed is still to be undone: try "
	    "again", &set->names[0]);
	return MIB_RESOURCE_UNAVAILABLE;
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
	if (set != NULL && set->state == SET_APPLIED)
		return test_again(set, varbinds, n, ret_index);
	if (set != NULL)
		set_forget(mib, set);
	/* Else this one might find there what it asks for, change nothing, and lose it. */
	undos_do(mib);
	set = set_new(mib, session, transaction, n);
	if (set == NULL) {
		*ret_index = 1;
		return MIB_RESOURCE_UNAVAILABLE;
	}
	sets_limit(mib);
	status = test_all(mib, set, varbinds, ret_index);
	if (status != MIB_NO_ERROR)
		set_free(mib, set);
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
	if (set->state == SET_APPLIED)
		return MIB_NO_ERROR;
	if (set->state != SET_TESTED) {
		*ret_index = set->status_index;
		return set->status;
	}
	set->applied_ms = clock_steady_ms();
	code = store_set(mib->store, &set->set, STORE_SET_HOLD, &verdict,
	    &set->first_job, &set->jobs, &err);
	if (code != ERR_OK) {
		/* The undo that follows looks at the disk if it is in doubt. */
		set->state = code == ERR_DOUBT ? SET_IN_DOUBT : SET_FAILED;
		if (code == ERR_DOUBT)
			note(mib, set);
		set->status = refuse_store(mib, set, true, code, &verdict, &err, ret_index);
		set->status_index = *ret_index;
		return set->status;
	}
	set->state = SET_APPLIED;
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
	if (set->state == SET_APPLIED && set->jobs > 0) {
		store_set_release(mib->store, set->set.token);
		image_jobs_release(mib->image, set->first_job, set->jobs, clock_wall_s());
		set_free(mib, set);
	} else {
		set_forget(mib, set);
	}
}

bool
mib_session_has_open_set(const struct mib *mib, uint32_t session)
{
	const struct mib_set *set = mib->sets;

	while (set != NULL && (set->session != session || set->state != SET_APPLIED))
		set = set->next;
	return set != NULL;
}

void
mib_session_left(struct mib *mib, uint32_t session)
{
	struct mib_set *set = mib->sets, *next;

	for (; set != NULL; set = next) {
		next = set->next;
		if (set->session != session || set->state != SET_APPLIED)
			continue;
		if (changed_something(set))
			log_limited(&limit, LOG_LEVEL_WARN,
			    "kept: the master did not say how it ended");
		set_free(mib, set);
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

bool
mib_needs_repair(const struct mib *mib)
{
	return undos_wait(mib) || store_needs_flush(mib->store);
}

void
mib_repair(struct mib *mib)
{
	struct err err;

	undos_do(mib);
	if (store_flush(mib->store, &err) != ERR_OK)
		log_debug("set", "released jobs wait for the store: %s", err.text);
}
