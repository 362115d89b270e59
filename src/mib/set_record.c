/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "mib/set_record.h"

#include <stdlib.h>

#include "util/memory.h"

enum { BITS_OCTETS_MAX = 8 };	/* a manager may know more bits than this release */

/* -- the record ------------------------------------------------------------------------ */

struct mib_set *
mib_set_new(uint32_t session, uint32_t transaction, size_t n)
{
	struct mib_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->session = session;
	set->transaction = transaction;
	set->names = calloc(n + 1, sizeof(*set->names));
	set->n = n;
	set->set.lock = STORE_NO_LOCK;
	set->set.source = JOB_SOURCE_SNMP;
	set->set.token = store_set_token();
	if (set->names == NULL) {
		mib_set_free(set);
		return NULL;
	}
	return set;
}

void
mib_set_free(struct mib_set *set)
{
	if (set == NULL)
		return;
	free(set->changes);
	free(set->indexes);
	free(set->names);
	free(set);
}

/* -- varbinds -------------------------------------------------------------------------- */

/* Checks BITS (RFC 3417 section 8). All known bits are in the first octet, which may be
 * missing. Further octets must be zero. */
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
	int64_t number, max = column->max;

	if (value->type != mib_syntax_type(column->syntax))
		return MIB_WRONG_TYPE;
	if (column->syntax == SYNTAX_BITS)
		return check_bits(column, value);
	if (value->type == MIB_OCTETS)
		return value->octets.length < column->min ||
		    value->octets.length > column->max ? MIB_WRONG_LENGTH : MIB_NO_ERROR;
	if (column->setting == SETTING_SERVER_ENABLED)
		max = SERVER_DISABLED;
	number = value->type == MIB_INTEGER ? value->integer : (int64_t)value->number;
	return number < (int64_t)column->min || number > max ? MIB_WRONG_VALUE : MIB_NO_ERROR;
}

static enum mib_status
add_change(struct mib_set *set, const struct tree_row *row, enum real_column column,
    uint32_t value, size_t index)
{
	struct change *changes = memory_array_reserve(set->changes, set->set.n, &set->changes_room,
	    sizeof(*changes));
	size_t *indexes;

	if (changes == NULL)
		return MIB_RESOURCE_UNAVAILABLE;
	set->set.changes = set->changes = changes;
	indexes = memory_array_reserve(set->indexes, set->set.n, &set->indexes_room,
	    sizeof(*indexes));
	if (indexes == NULL)
		return MIB_RESOURCE_UNAVAILABLE;
	set->indexes = indexes;
	changes[set->set.n] = (struct change){ row->id, column, value };
	indexes[set->set.n++] = index;
	return MIB_NO_ERROR;
}

/* Adds a change of each real service of the server of 'first'. */
static enum mib_status
add_server(struct mib_set *set, const struct cache_real *first, uint32_t value, size_t index)
{
	enum mib_status status = MIB_NO_ERROR;
	struct cache_real *const *reals;
	uint32_t n;

	reals = cache_server_reals(cache_cluster_of(cache_service_of(first)), first->server_id, &n);
	for (uint32_t i = 0; i < n && status == MIB_NO_ERROR; i++)
		status = add_change(set, &reals[i]->row, REAL_ENABLED, value, index);
	return status;
}

static enum mib_status
add_lock(struct mib *mib, struct mib_set *set, uint32_t value, size_t index)
{
	uint32_t lock = mib->cache->totals.set_lock;
	struct verdict verdict;

	if (!rules_judge_lock(lock, value, &verdict)) {
		mib_reject(mib, verdict.reason, verdict.text, &set->names[index - 1]);
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
	set->set.notify = 0;
	for (unsigned int bit = 0; bit < NOTIFY_BITS && value->octets.length > 0; bit++)
		if ((value->octets.data[0] & 0x80u >> bit) != 0)
			set->set.notify |= 1u << bit;
	set->set.sets_notify = set->set.notify != mib->cache->totals.notify_enable;
}

enum mib_status
mib_set_add(struct mib *mib, struct mib_set *set, const struct mib_varbind *varbind,
    size_t index_from_1)
{
	const struct mib_column *column;
	const struct mib_table *table;
	const uint32_t *index;
	enum mib_status status;
	bool is_true = varbind->value.integer == 1;
	const void *row;
	size_t n;

	set->names[index_from_1 - 1] = varbind->name;
	if (!mib_find(&varbind->name, &table, &column, &index, &n) ||
	    column->access != ACCESS_WRITE)
		return MIB_NOT_WRITABLE;
	status = check_value(column, &varbind->value);
	if (status != MIB_NO_ERROR)
		return status;
	row = table->rows->get(table->rows, mib, index, n);
	if (row == NULL)
		return MIB_NO_CREATION;
	switch (column->setting) {
	case SETTING_NONE:
		return MIB_NOT_WRITABLE;
	case SETTING_ENABLED:
		return add_change(set, row, REAL_ENABLED, is_true, index_from_1);
	case SETTING_FALLBACK:
		return add_change(set, row, REAL_FALLBACK, is_true, index_from_1);
	case SETTING_WEIGHT:
		return add_change(set, row, REAL_WEIGHT, varbind->value.number, index_from_1);
	case SETTING_SERVICE_ENABLED:
		return add_change(set, row, SERVICE_ENABLED, is_true, index_from_1);
	case SETTING_SERVER_ENABLED:
		return add_server(set, row, is_true, index_from_1);
	case SETTING_LOCK:
		return add_lock(mib, set, varbind->value.number, index_from_1);
	case SETTING_NOTIFY:
		add_notify(mib, set, &varbind->value, index_from_1);
		break;
	}
	return MIB_NO_ERROR;
}

/* -- refusals -------------------------------------------------------------------------- */

/* Maps errors of the store to the status of a TestSet. A CommitSet has one status for all. */
static const struct {
	enum err_code		code;
	enum mib_status		status;
	enum reject_reason	reason;		/* if the verdict has none */
} errors[] = {
	{ ERR_PRECOND, MIB_INCONSISTENT_VALUE, REJECT_OTHER },
	{ ERR_NOT_FOUND, MIB_NO_CREATION, REJECT_NO_SUCH_REAL },
	{ ERR_LIMIT, MIB_RESOURCE_UNAVAILABLE, REJECT_QUEUE_FULL },
	{ ERR_BUSY, MIB_RESOURCE_UNAVAILABLE, REJECT_STORE_BUSY },
	{ ERR_READONLY, MIB_RESOURCE_UNAVAILABLE, REJECT_STORE_READ_ONLY },
};

/* Returns the varbind to which an error of the store is assigned, from 1. */
static size_t
index_first(const struct mib_set *set)
{
	if (set->set.n > 0)
		return set->indexes[0];
	return set->lock_index > 0 ? set->lock_index : set->notify_index;
}

enum mib_status
mib_set_refuse(struct mib *mib, const struct mib_set *set, bool commit, enum err_code code,
    const struct verdict *verdict, const struct err *err, size_t *ret_index)
{
	enum mib_status status = MIB_RESOURCE_UNAVAILABLE;
	enum reject_reason reason = REJECT_OTHER;
	const struct mib_oid *object;
	size_t index = index_first(set);

	for (size_t i = 0; i < ROWS(errors); i++) {
		if (errors[i].code == code) {
			status = errors[i].status;
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
	return commit ? MIB_COMMIT_FAILED : status;
}
