/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command store, for administrators: creates, migrates and copies a store, and shows its state.
 * A store is a directory or a URI.
 */
#include <inttypes.h>
#include <string.h>

#include "ctl/ctl.h"
#include "util/clock.h"

enum { COPY_WAIT_MS = 5000 };

static enum ctl_exit
refuse(struct ctl *ctl)
{
	enum ctl_exit code = ctl_finish(ctl, ctl->error.code);

	return code == CTL_NOT_FOUND || code == CTL_FAILURE ? CTL_REFUSED : code;
}

static bool
store_opens(struct ctl *ctl, enum store_mode mode)
{
	return store_open(ctl->store_dir, mode, CTL_STORE_WAIT_MS, &ctl->store, &ctl->error) ==
	    ERR_OK;
}

/* -- create ------------------------------------------------------------------------------- */

static enum ctl_exit
create(struct ctl *ctl)
{
	struct store_description store;

	if (store_opens(ctl, STORE_READ)) {
		ctl_message(ctl, "%s: there is a store already; \"lbclusterctl store status\" "
		    "describes it", ctl->store_dir);
		return CTL_PRECOND;
	}
	if (ctl->error.code != ERR_NOT_FOUND || !store_opens(ctl, STORE_CREATE) ||
	    store_describe(ctl->store, &store, &ctl->error) != ERR_OK)
		return refuse(ctl);
	fprintf(ctl->out, "%s: created with %s: inventory of version %" PRId64 ", statistics of "
	    "version %" PRId64 "\n", store.name, store.engine, store.version,
	    store.stats_version);
	return CTL_OK;
}

/* -- migrate ------------------------------------------------------------------------------ */

static void
version_print(struct ctl *ctl, const char *part, int64_t found, int64_t version)
{
	if (found == version)
		fprintf(ctl->out, "%s: version %" PRId64 ", nothing to do\n", part, version);
	else
		fprintf(ctl->out, "%s: migrated from version %" PRId64 " to %" PRId64 "\n", part,
		    found, version);
}

static enum ctl_exit
migrate(struct ctl *ctl)
{
	struct store_description store;

	if (!store_opens(ctl, STORE_WRITE) ||
	    store_describe(ctl->store, &store, &ctl->error) != ERR_OK)
		return refuse(ctl);
	version_print(ctl, "inventory", store.version_found, store.version);
	if (store.has_statistics)
		version_print(ctl, "statistics", store.stats_version_found, store.stats_version);
	else
		ctl_message(ctl, "%s: statistics cannot be read", store.name);
	return store.has_statistics ? CTL_OK : CTL_FAILURE;
}

/* -- status ------------------------------------------------------------------------------- */

static const struct out_column columns[] = {
	{ "store", "Store", OUT_TEXT },
	{ "engine", "Engine", OUT_TEXT },
	{ "state", "State", OUT_TEXT },
	{ "message", "Message", OUT_TEXT },
	{ "version", "Version", OUT_NUMBER },
	{ "statistics_version", "Version of statistics", OUT_NUMBER },
	{ "clusters", "Clusters", OUT_NUMBER },
	{ "services", "Services", OUT_NUMBER },
	{ "real_services", "Real services", OUT_NUMBER },
	{ "servers", "Servers", OUT_NUMBER },
	{ "jobs", "Jobs", OUT_NUMBER },
	{ "jobs_open", "Open jobs", OUT_NUMBER },
	{ "statistics", "Statistics", OUT_NUMBER },
	{ "service_statistics", "Service statistics", OUT_NUMBER },
	{ "bytes", "Bytes", OUT_NUMBER },
	{ "programs", "Used by", OUT_TEXT },
};

enum {
	AT_STORE, AT_ENGINE, AT_STATE, AT_MESSAGE, AT_VERSION, AT_STATISTICS_VERSION, AT_COUNTS,
	AT_BYTES = AT_COUNTS + STORE_COUNTS, AT_PROGRAMS, AT_END
};

/* Unlike store_is_uri() also for a URI of no engine, because that may have a password too. */
static bool
is_uri(const char *name)
{
	return strstr(name, "://") != NULL;
}

/* Prints what is known of a store that cannot be read. A URI is not printed, because the error may
 * be a password in it. */
static enum ctl_exit
unreadable(struct ctl *ctl)
{
	struct out_value values[AT_END];

	for (size_t i = 0; i < AT_END; i++)
		values[i] = (struct out_value){ .absent = true };
	if (!is_uri(ctl->store_dir))
		values[AT_STORE] = out_text(ctl->store_dir);
	values[AT_STATE] = out_text(ctl->error.code == ERR_BUSY ? "busy" : "unreadable");
	values[AT_MESSAGE] = out_text(ctl->error.text);
	if (!out_object(ctl->out, ctl->format, columns, ROWS(columns), values))
		return ctl_finish(ctl, ERR_NOMEM);
	return ctl->error.code == ERR_BUSY ? CTL_UNKNOWN : CTL_FAILURE;
}

static enum ctl_exit
status(struct ctl *ctl)
{
	struct out_value values[AT_END];
	struct store_description store;

	if (!store_opens(ctl, STORE_READ) ||
	    store_describe(ctl->store, &store, &ctl->error) != ERR_OK)
		return unreadable(ctl);
	values[AT_STORE] = out_text(store.name);
	values[AT_ENGINE] = out_text(store.engine);
	values[AT_STATE] = out_text(store.writable ? "writable" : "read-only");
	values[AT_MESSAGE] = (struct out_value){ .absent = true };
	if (!store.has_statistics)
		values[AT_MESSAGE] = out_text("the statistics cannot be read");
	values[AT_VERSION] = out_number((uint64_t)store.version);
	values[AT_STATISTICS_VERSION] = out_number((uint64_t)store.stats_version);
	for (size_t i = 0; i < STORE_COUNTS; i++) {
		values[AT_COUNTS + i] = out_number(store.counts[i]);
		values[AT_COUNTS + i].absent = i >= STORE_COUNT_STATISTICS && !store.has_statistics;
	}
	values[AT_BYTES] = out_number((uint64_t)store.bytes);
	values[AT_PROGRAMS] = out_text(store.programs);
	values[AT_PROGRAMS].absent = store.programs[0] == '\0';
	if (!out_object(ctl->out, ctl->format, columns, ROWS(columns), values))
		return ctl_finish(ctl, ERR_NOMEM);
	return store.has_statistics ? CTL_OK : CTL_FAILURE;
}

/* -- copy --------------------------------------------------------------------------------- */

static enum ctl_exit
copy(struct ctl *ctl)
{
	int64_t began_ms = clock_steady_ms(), took_ms;
	struct store_description store;
	bool statistics;

	ctl->store_dir = ctl->operands[1];
	if (store_copy(ctl->operands[1], ctl->operands[2], COPY_WAIT_MS, &statistics,
	    &ctl->error) != ERR_OK)
		return refuse(ctl);
	took_ms = clock_steady_ms() - began_ms;
	if (!statistics)
		ctl_message(ctl, "the statistics cannot be read and are not copied");
	ctl->store_dir = ctl->operands[2];
	if (!store_opens(ctl, STORE_READ) ||
	    store_describe(ctl->store, &store, &ctl->error) != ERR_OK)
		return refuse(ctl);
	fprintf(ctl->out, "%s: copied %" PRIu64 " clusters, %" PRIu64 " services, %" PRIu64
	    " real services, %" PRIu64 " jobs, statistics of %" PRIu64 " real services in %"
	    PRId64 ".%" PRId64 " s\n", store.name, store.counts[STORE_COUNT_CLUSTERS],
	    store.counts[STORE_COUNT_SERVICES], store.counts[STORE_COUNT_REALS],
	    store.counts[STORE_COUNT_JOBS], store.counts[STORE_COUNT_STATISTICS], took_ms / 1000,
	    took_ms % 1000 / 100);
	return CTL_OK;
}

/* -- the command -------------------------------------------------------------------------- */

static const struct {
	const char	*name;
	int		 min, max;	/* operands after the action */
	const char	*usage;
	enum ctl_exit	(*run)(struct ctl *ctl);
} actions[] = {
	{ "create", 0, 1, "store create [STORE]", create },
	{ "migrate", 0, 1, "store migrate [STORE]", migrate },
	{ "status", 0, 1, "store status [STORE]", status },
	{ "copy", 2, 2, "store copy FROM TO", copy },
};

enum ctl_exit
cmd_store(struct ctl *ctl)
{
	int n = ctl->n_operands - 1;

	for (size_t i = 0; i < ROWS(actions); i++) {
		if (strcmp(ctl->operands[0], actions[i].name) != 0)
			continue;
		if (n < actions[i].min || n > actions[i].max)
			return ctl_usage(ctl, "store %s: wrong number of operands; \"lbclusterctl "
			    "%s\"", actions[i].name, actions[i].usage);
		if (n == 1)
			ctl->store_dir = ctl->operands[1];
		return actions[i].run(ctl);
	}
	return ctl_usage(ctl, "store %s: the actions are create, migrate, status and copy",
	    ctl->operands[0]);
}
