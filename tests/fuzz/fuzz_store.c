/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Fuzz target of the content of a database: any value in any column, with the schema of lbcluster
 * or with a schema without constraints. lbclusterctl runs on it, and the engine is walked and set.
 * The files are refused with a message or served: a walk is ordered and ends, each value fits its
 * SYNTAX, and the output is lines of text or JSON.
 */
#include "fuzz.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/mib_oid.h"
#include "ctl_run.h"
#include "cache/cache.h"
#include "loose.h"
#include "mib/table.h"
#include "util/log.h"

const char fuzz_corpus[] = "store";

enum { TIGHT, LOOSE, COMMANDS_MAX = 4, STEPS_MAX = 100000, ROUNDS_MAX = 100 };

static const int64_t now_s = 1700000000;

static struct said said;

/* -- lbclusterctl ------------------------------------------------------------------ */

static void
output_check(bool json)
{
	json_t *read;

	for (const char *p = said.out; *p != '\0'; p++)
		require((unsigned char)*p >= ' ' || *p == '\n', "byte %d is printed", *p);
	lines_begin(said.err, "lbclusterctl: ", "/");
	if (!json || said.status != CTL_OK)
		return;
	read = json_loads(said.out, JSON_DECODE_ANY, NULL);
	require(read != NULL, "no JSON: %s", said.out);
	json_decref(read);
}

static void
command_run(uint8_t which)
{
	static const char *const commands[][4] = {
		{ "list" }, { "list", "web" }, { "list", "--recursive" }, { "info", "web" },
		{ "info", "web/http" }, { "info", "web/http/web-1" }, { "statistics" },
		{ "statistics", "web/http/web-1" }, { "job" }, { "job", "1" }, { "export" },
		{ "oid", "web/http/web-1" }, { "oid", "lb" },
		{ "set-weight", "web/http/web-1", "7", "--no-wait" },
		{ "disable", "lb/http/a", "--no-wait" }, { "disable", "*/*/*", "--no-wait" },
		{ "enable-fallback", "web/http/web-1", "--no-wait" },
		{ "move-fallback", "web/http/web-1", "--no-wait" }, { "history", "web/http/web-1" },
		{ "remove", "web/http", "--yes" }, { "remove", "lb", "--yes" },
		{ "load", "--prune=all", "--reset", "@inventory" },
		{ "import-statistics", "@statistics" },
	};
	const char *const *words = commands[which % (sizeof(commands) / sizeof(commands[0]))];
	bool json = which >= 128 && strcmp(words[0], "export") != 0;

	ctl_run(&said, "-f", json ? "json" : "table", words[0], words[1], words[2], words[3], NULL);
	output_check(json);
}

/* -- the engine -------------------------------------------------------------------- */

/* The parts of lbclusterd. */
struct served {
	struct store	*store;
	struct cache	*cache;
	struct mib	*mib;
};

static bool
refresh(struct served *served)
{
	enum err_code code = ERR_OK;
	struct err err = { 0 };
	bool more = true;
	int rounds = 0;

	for (; more && code == ERR_OK && rounds < ROUNDS_MAX; rounds++)
		code = cache_refresh(served->cache, served->store, 1000, now_s, &more, &err);
	require(rounds < ROUNDS_MAX, "never done");
	require(code == ERR_OK || err.text[0] != '\0', "error %d without a message", code);
	return code == ERR_OK;
}

static void
value_check(const struct mib_oid *name, const struct mib_value *value)
{
	const struct mib_column *column;
	const struct mib_table *table;
	const uint32_t *index;
	uint64_t measure = value->number;
	size_t n;

	require(mib_find(name, &table, &column, &index, &n), "found, but mib_find() fails");
	require(value->type == mib_syntax_type(column->syntax), "another type than %s has",
	    column->name);
	if (value->type == MIB_OCTETS && column->syntax != SYNTAX_BITS)
		measure = value->octets.length;
	if ((column->min != 0 || column->max != 0) && column->syntax != SYNTAX_BITS)
		require(measure >= column->min && measure <= column->max, "%s has %llu",
		    column->name, (unsigned long long)measure);
	require(value->type != MIB_OCTETS || value->octets.length <= MODEL_MESSAGE_MAX,
	    "%s is too long", column->name);
}

static void
walk(struct served *served)
{
	struct mib_oid at = { .n = 0 }, none = { .n = 0 }, next;
	struct mib_value value;
	int steps = 0;

	for (; steps < STEPS_MAX; steps++) {
		mib_next(served->mib, &at, false, &none, &next, &value);
		if (value.type == MIB_END_OF_VIEW)
			return;
		require(oid_order(&next, &at) > 0, "the walk does not go up");
		value_check(&next, &value);
		at = next;
	}
	require(false, "the walk has no end");
}

static void
set(struct served *served, uint8_t how)
{
	static const char *const rows[] = { ".1.4.1.8.1.1.1", ".1.4.1.9.1.1.2", ".1.4.1.10.2.3.4" };
	struct mib_varbind varbinds[3];
	size_t index;

	memset(varbinds, 0, sizeof(varbinds));
	for (size_t i = 0; i < 3; i++) {
		varbinds[i].name = oid_make(rows[i]);
		varbinds[i].value.type = i == 0 ? MIB_GAUGE32 : MIB_INTEGER;
		varbinds[i].value.number = 1 + (how >> i & 1);
	}
	if (mib_set_test(served->mib, 1, 1, varbinds, 1 + how % 3, &index) == MIB_NO_ERROR &&
	    mib_set_commit(served->mib, 1, 1, &index) == MIB_NO_ERROR && (how & 0x80) != 0)
		(void)mib_set_undo(served->mib, 1, 1, &index);
	mib_set_cleanup(served->mib, 1, 1);
	mib_session_lost(served->mib, 1);
	mib_flush(served->mib);
}

static void
serve_end(struct served *served)
{
	mib_free(served->mib);
	cache_free(served->cache);
	store_close(served->store);
	*served = (struct served){ .store = NULL };
}

/* A store that cannot be read completely is not served. */
static void
serve_begin(struct served *served, enum store_mode mode)
{
	static const struct mib_config config = { .stale_after_s = 300, .version = "0.0" };
	struct err err = { 0 };

	if (store_open(file_dir(), mode, 10, &served->store, &err) != ERR_OK) {
		require(err.text[0] != '\0', "refused without a message");
		return;
	}
	served->cache = cache_new();
	require(served->cache != NULL, "no memory");
	if (!refresh(served)) {
		serve_end(served);
		return;
	}
	served->mib = mib_new(served->cache, served->store, &config);
	require(served->mib != NULL, "no memory");
}

static void
serve(struct served *served, uint8_t how)
{
	struct mib_notification notification;

	if (served->mib == NULL)
		return;
	refresh(served);
	walk(served);
	set(served, how);
	refresh(served);
	walk(served);
	while (mib_notification_take(served->mib, &notification))
		;
}

/* -- the input --------------------------------------------------------------------- */

static void
finish(void)
{
	said_free(&said);
}

static void
begin(void)
{
	log_level_set(LOG_LEVEL_ERROR);
	store_make();
	loose_make();
	store_keep(LOOSE);
	atexit(finish);
}

/* Many rows once are enough for the time of an input. */
static void
spoil(struct input *in, bool triggers)
{
	bool multiplied = false;

	loose_open(triggers);
	for (uint8_t left = take(in) % 16; left > 0; left--) {
		uint8_t op = take(in);

		if (op >= 240 && !multiplied)
			loose_multiply(in);
		else if (op >= 224)
			loose_delete(in);
		else
			loose_put(in);
		multiplied |= op >= 240;
	}
	loose_close();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum store_mode modes[] = { STORE_WRITE, STORE_CREATE, STORE_READ };
	struct input in = { .data = data, .left = size };
	struct served served = { .store = NULL };
	static bool begun;
	bool first;		/* serves the store before damaging it */
	uint8_t how;

	if (!begun)
		begin();
	begun = true;
	how = take(&in);
	store_put_back((how & 1) != 0 ? LOOSE : TIGHT);
	first = (how & 2) != 0;
	if (first)
		serve_begin(&served, modes[(how >> 2) % 3]);
	spoil(&in, first);
	for (uint8_t left = take(&in) % (COMMANDS_MAX + 1); left > 0; left--)
		command_run(take(&in));
	if (!first)
		serve_begin(&served, modes[(how >> 2) % 3]);
	serve(&served, take(&in));
	serve_end(&served);
	return 0;
}
