/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The engine of src/mib, over a store on disk, for the master of agentx_fake.h: all of
 * the subagent but the wiring of lbclusterd.
 */
#include "agentx_fake.h"
#include "mib_pdu.h"
#include "util/log.h"

/* In place of the one in src/util/log.c: the log is that of agentx_fake.c. */
void
log_level_set(enum log_level level)
{
	(void)level;
}

struct mib *
engine_make(void)
{
	pdu_fixture_make(NULL);
	return f.mib;
}

void
engine_end(void)
{
	pdu_fixture_end(NULL);
}
