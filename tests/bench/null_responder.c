/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * For "make bench": the AgentX session of lbclusterd with an engine that returns the same values
 * for every row, without a store. It is the upper limit for the real engine. Serves lbcRealTable
 * with rows 1.1.1 to 1.1.ROWS.
 *
 * usage: null_responder SOCKET ROWS
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agentx/agentx.h"
#include "mib/mib.h"
#include "model/oid.h"
#include "util/log.h"
#include "util/loop.h"

enum { ROOT_N = 10, COLUMN_AT = ROOT_N + 3, NAME_N = COLUMN_AT + 4, FIRST = 2, LAST = 15 };

const uint32_t mib_root[] = { OID_LBC_MIB };
const size_t mib_root_length = ROOT_N;

struct mib {
	uint32_t rows;
};

static const uint32_t entry[] = { OID_LBC_OBJECTS, 4, 1 };

/* The types of lbcRealTable, with texts of the lengths of rows.py. */
static void
value_make(uint32_t column, struct mib_value *ret)
{
	static const char text[] = "cluster-00/service-0000/real-000000";
	static const uint8_t lengths[LAST + 1] = {
		[2] = 11, [3] = 35, [5] = 4, [7] = 13, [13] = 11
	};

	switch (column) {
	case 2: case 3: case 5: case 7: case 12: case 13:
		ret->type = MIB_OCTETS;
		ret->octets.data = (const uint8_t *)text;
		ret->octets.length = lengths[column];
		break;
	case 4: case 9: case 10: case 11:
		ret->type = MIB_INTEGER;
		ret->integer = 1;
		break;
	default:
		ret->type = MIB_GAUGE32;
		ret->number = 1;
		break;
	}
}

void
mib_get(struct mib *mib, const struct mib_oid *name, struct mib_value *ret_value)
{
	(void)mib;
	value_make(name->n > COLUMN_AT ? name->sub[COLUMN_AT] : FIRST, ret_value);
}

void
mib_next(struct mib *mib, const struct mib_oid *start, bool inclusive,
    const struct mib_oid *end, struct mib_oid *ret_name, struct mib_value *ret_value)
{
	uint32_t column = start->n > COLUMN_AT ? start->sub[COLUMN_AT] : FIRST;
	uint32_t row = start->n == NAME_N ? start->sub[NAME_N - 1] + 1 : 1;

	(void)inclusive;
	(void)end;
	if (row > mib->rows) {
		row = 1;
		column++;
	}
	if (column > LAST) {
		if (ret_name != start)
			*ret_name = *start;
		ret_value->type = MIB_END_OF_VIEW;
		return;
	}
	memcpy(ret_name->sub, entry, sizeof(entry));
	ret_name->sub[COLUMN_AT] = column;
	ret_name->sub[COLUMN_AT + 1] = 1;
	ret_name->sub[COLUMN_AT + 2] = 1;
	ret_name->sub[COLUMN_AT + 3] = row;
	ret_name->n = NAME_N;
	value_make(column, ret_value);
}

enum mib_status
mib_set_test(struct mib *mib, uint32_t session, uint32_t transaction,
    const struct mib_varbind *varbinds, size_t n, size_t *ret_index)
{
	(void)mib, (void)session, (void)transaction, (void)varbinds, (void)n;
	*ret_index = 0;
	return MIB_NO_ERROR;
}

enum mib_status
mib_set_commit(struct mib *mib, uint32_t session, uint32_t transaction, size_t *ret_index)
{
	(void)mib, (void)session, (void)transaction;
	*ret_index = 0;
	return MIB_NO_ERROR;
}

enum mib_status
mib_set_undo(struct mib *mib, uint32_t session, uint32_t transaction, size_t *ret_index)
{
	(void)mib, (void)session, (void)transaction;
	*ret_index = 0;
	return MIB_NO_ERROR;
}

void
mib_set_cleanup(struct mib *mib, uint32_t session, uint32_t transaction)
{
	(void)mib, (void)session, (void)transaction;
}

void
mib_session_lost(struct mib *mib, uint32_t session)
{
	(void)mib, (void)session;
}

void
mib_session_closed(struct mib *mib, uint32_t session)
{
	(void)mib, (void)session;
}

bool
mib_session_has_open_set(const struct mib *mib, uint32_t session)
{
	(void)mib, (void)session;
	return false;
}

bool
mib_notification_take(struct mib *mib, struct mib_notification *ret_notification)
{
	(void)mib, (void)ret_notification;
	return false;
}

int
main(int argc, char **argv)
{
	struct agentx_config config = { .description = "null responder" };
	struct loop *loop = loop_new();
	struct mib mib;

	if (argc != 3 || loop == NULL) {
		fprintf(stderr, "usage: null_responder SOCKET ROWS\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	log_open("null_responder", false, LOG_LEVEL_INFO);
	mib.rows = (uint32_t)strtoul(argv[2], NULL, 10);
	config.socket = argv[1];
	if (agentx_new(loop, &mib, &config) == NULL)
		return 1;
	loop_run(loop);		/* until SIGTERM ends the process */
	return 0;
}
