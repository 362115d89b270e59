/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A MIB engine for the tests of src/agentx; see agentx_fake.h.
 */
#include "agentx_fake.h"

#include <stdio.h>
#include <string.h>

struct engine engine;

const uint32_t mib_root[] = { 1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 522 };
const size_t mib_root_length = 10;

struct mib *
engine_make(void)
{
	memset(&engine, 0, sizeof(engine));
	engine.rows = 5;
	return (struct mib *)&engine;
}

void
engine_end(void)
{
}

static void
called(const char *what, uint32_t session, uint32_t transaction)
{
	size_t n = strlen(engine.calls);

	snprintf(engine.calls + n, sizeof(engine.calls) - n, "%s %u %u, ", what, session,
	    transaction);
}

static void
value_give(uint32_t row, struct mib_value *ret_value)
{
	if (engine.value.type != 0) {
		*ret_value = engine.value;
	} else {
		ret_value->type = MIB_GAUGE32;
		ret_value->number = row;
	}
}

void
mib_get(struct mib *mib, const struct mib_oid *name, struct mib_value *ret_value)
{
	assert_ptr_equal(mib, &engine);
	engine.gets++;
	engine.name = *name;
	value_give(name->n == 12 ? name->sub[11] : 0, ret_value);
}

void
mib_next(struct mib *mib, const struct mib_oid *start, bool inclusive,
    const struct mib_oid *end, struct mib_oid *ret_name, struct mib_value *ret_value)
{
	uint32_t row = start->n < 12 ? 1 : inclusive ? start->sub[11] : start->sub[11] + 1;

	assert_ptr_equal(mib, &engine);
	engine.nexts++;
	engine.name = *start;
	engine.end = *end;
	engine.inclusive = inclusive;
	*ret_name = engine.name;
	ret_value->type = MIB_END_OF_VIEW;
	if (row > engine.rows || (end->n >= 12 && row >= end->sub[11]))
		return;
	memcpy(ret_name->sub, mib_root, mib_root_length * sizeof(mib_root[0]));
	ret_name->sub[10] = 1;
	ret_name->sub[11] = row;
	ret_name->n = 12;
	value_give(row, ret_value);
}

enum mib_status
mib_set_test(struct mib *mib, uint32_t session, uint32_t transaction,
    const struct mib_varbind *varbinds, size_t n, size_t *ret_index)
{
	assert_ptr_equal(mib, &engine);
	called("test", session, transaction);
	engine.n = n;
	for (size_t i = 0; i < n && i < sizeof(engine.varbinds) / sizeof(*varbinds); i++) {
		struct mib_value *value = &engine.varbinds[i].value;

		engine.varbinds[i] = varbinds[i];
		if (value->type == MIB_OCTETS || value->type == MIB_OPAQUE) {
			assert_true(value->octets.length <= sizeof(value->buffer));
			memcpy(value->buffer, value->octets.data, value->octets.length);
			value->octets.data = value->buffer;
		}
	}
	*ret_index = engine.index;
	return engine.status;
}

enum mib_status
mib_set_commit(struct mib *mib, uint32_t session, uint32_t transaction, size_t *ret_index)
{
	(void)mib;
	called("commit", session, transaction);
	*ret_index = engine.index;
	return engine.status;
}

enum mib_status
mib_set_undo(struct mib *mib, uint32_t session, uint32_t transaction, size_t *ret_index)
{
	(void)mib;
	called("undo", session, transaction);
	*ret_index = engine.index;
	return engine.status;
}

void
mib_set_cleanup(struct mib *mib, uint32_t session, uint32_t transaction)
{
	(void)mib;
	called("cleanup", session, transaction);
	engine.open = false;
}

void
mib_session_lost(struct mib *mib, uint32_t session)
{
	(void)mib;
	called("lost", session, 0);
}

void
mib_session_closed(struct mib *mib, uint32_t session)
{
	(void)mib;
	called("left", session, 0);
}

bool
mib_session_has_open_set(const struct mib *mib, uint32_t session)
{
	(void)mib;
	(void)session;
	return engine.open;
}

bool
mib_notification_take(struct mib *mib, struct mib_notification *ret)
{
	assert_ptr_equal(mib, &engine);
	if (engine.notifications == 0)
		return false;
	engine.notifications--;
	*ret = engine.notification;
	return true;
}
