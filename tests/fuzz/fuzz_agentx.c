/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Fuzz target of the AgentX session: the input becomes correct, wrong or damaged messages of a
 * master, in any order. They go to the real session, responder and engine with a small store. Each
 * request has its answer, or the session ends. No value changes without a commit, and none stays
 * changed without a cleanup.
 */
#include <stdlib.h>
#include <string.h>

#include "master.h"

const char fuzz_corpus[] = "agentx";

/* -- requests ---------------------------------------------------------------------- */

static void
take_ranges(struct input *in, struct asked *asked, struct message *m)
{
	uint8_t shape = take(in);
	struct mib_oid last = { .n = 0 };

	asked->n = shape % (RANGES_MAX + 1);
	for (size_t i = 0; i < asked->n; i++) {
		asked->starts[i] = last = take_oid(in, &last);
		asked->include[i] = (shape & 0x40) != 0;
		asked->ends[i].n = 0;
		if ((shape & 0x80) != 0)
			asked->ends[i] = take_oid(in, &last);
		put_name(m, &asked->starts[i], asked->include[i]);
		put_name(m, &asked->ends[i], false);
	}
}

static void
take_varbinds(struct input *in, struct asked *asked, struct message *m)
{
	struct mib_oid last = { .n = 0 };

	asked->n = take(in) % (RANGES_MAX + 1);
	for (size_t i = 0; i < asked->n; i++) {
		struct mib_varbind varbind = { .name = take_oid(in, &last) };

		last = varbind.name;
		take_value(in, &varbind.value);
		put_varbind(m, &varbind);
	}
}

static void
take_body(struct input *in, struct asked *asked, struct message *m)
{
	const uint8_t *octets;
	size_t n;

	switch (asked->type) {
	case GET_BULK:
		asked->once = take(in) % 4;
		asked->rounds = take_number(in) & UINT16_MAX;
		put_32(m, m->network ? asked->once << 16 | asked->rounds :
		    asked->rounds << 16 | asked->once);
		take_ranges(in, asked, m);
		break;
	case GET:
	case GET_NEXT:
		take_ranges(in, asked, m);
		break;
	case TEST_SET:
		take_varbinds(in, asked, m);
		break;
	case COMMIT_SET:
	case UNDO_SET:
	case CLEANUP_SET:
		break;
	default:
		octets = take_octets(in, take(in), &n);
		put_octets(m, octets, n);
	}
}

/* Changes some bytes of the message. */
static void
spoil(struct input *in, struct asked *asked, struct message *m)
{
	for (uint8_t left = 1 + take(in) % 4; left > 0; left--) {
		size_t at = (take(in) | (size_t)take(in) << 8) % m->n;

		if (at < HEADER)
			master.exact = master.always_exact = false;
		m->data[at] = take(in);
		asked->loose = true;
	}
}

static void
request(struct input *in)
{
	static const uint8_t types[] = { GET, GET_NEXT, GET_BULK, TEST_SET, COMMIT_SET, UNDO_SET,
	    CLEANUP_SET, TEST_SET, COMMIT_SET, CLEANUP_SET, CLOSE, PING, RESPONSE, OPEN, REGISTER,
	    NOTIFY };
	enum { NETWORK_BIT = 1, CONTEXT_BIT = 2, SESSION_BIT = 4, SPOIL_BIT = 8, SPLIT_BIT = 16 };
	static struct asked asked;
	static struct message m;
	uint8_t shape = take(in), numbers = take(in);
	size_t n, split = SIZE_MAX;

	asked.type = types[numbers % COUNT(types)];
	asked.flags = (uint8_t)((shape & NETWORK_BIT ? NETWORK : 0) |
	    (shape & CONTEXT_BIT ? CONTEXT : 0) | shape >> 5);
	asked.session = master.session + (shape & SESSION_BIT ? take(in) : 0);
	asked.transaction = numbers >> 4 & 3;
	asked.packet = numbers >> 6;
	asked.loose = false;
	asked.n = 0;
	message_begin(&m, asked.type, asked.flags, asked.session, asked.transaction,
	    asked.packet);
	if ((shape & CONTEXT_BIT) != 0) {
		const uint8_t *octets = take_octets(in, take(in) % 8, &n);

		put_octets(&m, octets, n);
	}
	take_body(in, &asked, &m);
	message_finish(&m);
	if ((shape & SPOIL_BIT) != 0)
		spoil(in, &asked, &m);
	if ((shape & SPLIT_BIT) != 0)
		split = take(in);
	master_ask(&asked, &m, split);
}

/* -- all that a master may do ------------------------------------------------------ */

static void
step(struct input *in)
{
	static const int64_t waits_ms[] = { 100, 1100, 2100, 8100, 61000 };
	uint8_t op = take(in);
	const uint8_t *octets;
	size_t n;

	if (op < 192) {
		request(in);
		return;
	}
	switch (op % 6) {
	case 0:
		octets = take_octets(in, take(in), &n);
		master_send(octets, n);
		break;
	case 1:
		master_hang_up();
		break;
	case 2:
		master.refuses = !master.refuses;
		break;
	case 3:
		master.manners = (enum manners)(take(in) % MANNERS_KINDS);
		break;
	case 4:
		master_notify();
		break;
	default:
		master_pass_ms(waits_ms[take(in) % COUNT(waits_ms)]);
	}
}

/* -- the store --------------------------------------------------------------------- */

static char *rows_before;

/* lbcNotifyEnable is 31 without a row. */
static const char rows_sql[] =
    "SELECT group_concat(id || ' ' || weight || ' ' || fallback || ' ' || enabled)"
    "  FROM real_service"
    " UNION ALL SELECT group_concat(name || ' ' || value) FROM setting"
    "  WHERE name IN ('set_lock', 'job_max_rows') OR (name = 'notify_enable' AND value <> 31)"
    " UNION ALL SELECT count(*) FROM job WHERE state <> 5";

static int64_t
version_now(void)
{
	return fixture_number(f.main, "PRAGMA data_version");
}

static void
store_check(void)
{
	require(fixture_number(f.main, "SELECT count(*) FROM job WHERE state = 0") == 0,
	    "a job is held for ever");
	require(fixture_number(f.main, "SELECT max(weight) <= 65535 AND min(weight) >= 0"
	    " FROM real_service") == 1, "a weight out of range");
	require(fixture_number(f.main, "SELECT count(*) FROM (SELECT sum(fallback) AS n"
	    " FROM real_service GROUP BY service_id) WHERE n > 1") == 0, "two fallbacks");
	if (!master.always_exact)
		return;
	require(master.commits > 0, "changed without a commit");
	require(master.cleanups > 0 || strcmp(fixture_text(f.main, rows_sql), rows_before) == 0,
	    "changed without a cleanup: %s, before %s", fixture_text(f.main, rows_sql),
	    rows_before);
}

static void
finish(void)
{
	free(rows_before);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .data = data, .left = size };
	static int64_t version;

	if (f.mib == NULL) {
		world_make();
		rows_before = strdup(fixture_text(f.main, rows_sql));
		atexit(finish);
		version = version_now();
	}
	master_begin();
	while (in.left > 0)
		step(&in);
	master_end();
	for (int i = 0; i < 4 && mib_needs_flush(f.mib); i++)
		mib_flush(f.mib);
	if (version_now() != version) {
		store_check();
		world_reset();
		version = version_now();
	}
	return 0;
}
