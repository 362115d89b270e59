/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbclusterd: what it does at its start, in its timers, at SIGHUP and at its end; see
 * daemon.h.
 */
#include "daemon/daemon.h"

#include <stdio.h>
#include <string.h>

#include "agentx/agentx.h"
#include "cache/cache.h"
#include "daemon/daemon_config.h"
#include "daemon/daemon_cpu.h"
#include "mib/mib.h"
#include "util/clock.h"
#include "util/clock_step.h"
#include "util/log.h"
#include "util/log_limit.h"

enum {
	STORE_WAIT_MS = 100,	/* snmpd waits 1 s for each phase of a SET */
	REFRESH_MS = 100,	/* changes of other programs are visible within 250 ms */
	REFRESH_ROWS = 2000,	/* in one turn of the loop */
	EXPIRED_MAX = 32,	/* jobs that fail in one transaction */
	EXPIRE_WAIT_MS = 10000,	/* time for a driver that starts together with lbclusterd */
};

struct daemon {
	struct service		 service;
	struct daemon_config	 config;
	struct cache		*cache;
	struct mib		*mib;
	struct agentx		*agentx;
	struct loop_timer	 refresh_timer;
	struct daemon_cpu	 cpu;
	int64_t			 polls_known_ms;	/* 0: the polls cannot be read */
};

static struct mib_config
mib_config_of(const struct daemon_config *config)
{
	return (struct mib_config){
		.stale_after_s = config->stale_after_s,
		.version = "lbcluster " PACKAGE_VERSION,
		.notify_interval_s = config->notify_interval_s,
	};
}

/* -- timers ------------------------------------------------------------------------- */

/* Reads a part of what other programs changed. Requests are answered between two parts. */
static void
on_refresh(void *arg)
{
	struct daemon *daemon = arg;
	struct store *store = daemon->service.store;
	bool more = false;
	struct err err;

	if (mib_needs_flush(daemon->mib))
		mib_flush(daemon->mib);
	if (store_changed(store))
		(void)cache_refresh(daemon->cache, store, REFRESH_ROWS, clock_wall_s(), &more,
		    &err);
	service_store_report(&daemon->service);
	agentx_notifications_send(daemon->agentx);
	mib_store_report(daemon->mib);
	loop_timer_set(daemon->service.loop, &daemon->refresh_timer, more ? 0 : REFRESH_MS,
	    on_refresh, daemon);
}

static void
status_send(void *arg)
{
	const struct daemon *daemon = arg;

	sdnotify_status("%s; %s%u clusters, %u services, %u real services",
	    agentx_serving(daemon->agentx) ? "registered with snmpd" : "no AgentX master",
	    store_statistics_readable(daemon->service.store) ? "" : "statistics are not used; ",
	    tree_count(&daemon->cache->tree, STORE_CLUSTER),
	    tree_count(&daemon->cache->tree, STORE_SERVICE),
	    tree_count(&daemon->cache->tree, STORE_REAL));
}

/* Adds the open jobs that are too old and have no driver. 'fallback': those that make a fallback;
 * they end first, because the store gives "fallback" back only if no other row has it. */
static size_t
expired_add(const struct daemon *daemon, bool fallback, struct store_job_end *ends,
    char (*messages)[MODEL_MESSAGE_MAX + 1], size_t n)
{
	const struct cache *cache = daemon->cache;
	bool readable = store_statistics_readable(daemon->service.store);
	const struct cache_job *job;
	struct plane_view view;

	TREE_FOREACH(job, i, &cache->jobs) {
		int64_t age_s;

		if (n == EXPIRED_MAX)
			break;
		/* Most jobs have ended. */
		if (!job_state_open(job->columns.state) || job->columns.state == JOB_HELD ||
		    (job->columns.operation == JOB_ENABLE_FALLBACK) != fallback)
			continue;
		age_s = clock_age_s(job->columns.created);
		if (age_s < daemon->config.job_patience_s ||
		    !cache_job_unattended(cache, job, readable, clock_wall_s(), &view))
			continue;
		snprintf(messages[n], sizeof(messages[n]), JOB_MESSAGE_GIVEN_UP,
		    (long long)age_s, view.message);
		ends[n] = (struct store_job_end){ .id = job->row.id, .state = JOB_FAILED,
		    .cause = JOB_CAUSE_UNREACHABLE, .message = messages[n] };
		n++;
	}
	return n;
}

/* True if lbclusterd has read the polls for EXPIRE_WAIT_MS without a break. After a boot the latest
 * poll is old until the driver has started. While the statistics cannot be read, it is unknown
 * whether a driver runs. */
static bool
polls_known(struct daemon *daemon)
{
	int64_t now_ms = clock_steady_ms();

	if (!store_statistics_readable(daemon->service.store))
		daemon->polls_known_ms = 0;
	else if (daemon->polls_known_ms == 0)
		daemon->polls_known_ms = now_ms;
	return daemon->polls_known_ms != 0 && now_ms - daemon->polls_known_ms >= EXPIRE_WAIT_MS;
}

/* Ends the jobs that no driver carries out. A driver that starts meanwhile reads the old value as
 * the value to apply. */
static void
jobs_expire(struct daemon *daemon)
{
	struct store_job_end ends[EXPIRED_MAX];
	char messages[EXPIRED_MAX][MODEL_MESSAGE_MAX + 1];
	static struct log_limit limit = LOG_LIMIT("job", 20);
	struct err err;
	size_t n;

	clock_steps_note();
	if (!polls_known(daemon) || daemon->cache->jobs_active == 0)
		return;
	n = expired_add(daemon, true, ends, messages, 0);
	n = expired_add(daemon, false, ends, messages, n);
	if (store_jobs_end(daemon->service.store, ends, n, &err) != ERR_OK)
		log_limited(&limit, LOG_LEVEL_WARN, "%s; lbclusterd tries again", err.text);
	else
		for (size_t i = 0; i < n; i++)
			log_limited(&limit, LOG_LEVEL_WARN, "%u failed: %s", ends[i].id,
			    messages[i]);
}

/* Releases what other instances of lbclusterd left when they ended. */
static void
orphans_release(const struct daemon *daemon)
{
	struct err err;

	if (store_orphans_release(daemon->service.store, &err) != ERR_OK)
		log_debug("store", "held jobs of other instances: %s", err.text);
}

static void
cpu_apply(struct daemon *daemon)
{
	daemon_cpu_apply(&daemon->cpu, daemon->config.cpu, agentx_master_pid(daemon->agentx));
}

/* A session with snmpd began or ended. */
static void
on_session(void *arg)
{
	cpu_apply(arg);
	status_send(arg);
}

static void
daemon_tick(void *arg)
{
	struct daemon *daemon = arg;

	cpu_apply(daemon);
	jobs_expire(daemon);
	orphans_release(daemon);
	cache_tick(daemon->cache, clock_wall_s());
	status_send(daemon);
}

/* -- SIGHUP -------------------------------------------------------------------------- */

static void
daemon_reload(void *arg, void *new_config)
{
	struct daemon *daemon = arg;
	const struct daemon_config *old = &daemon->config;
	struct daemon_config *config = new_config;
	struct store *store = daemon->service.store;
	struct mib_config mib_config;
	struct err err;

	if (strcmp(config->agentx_socket, old->agentx_socket) != 0)
		log_warn("config", "a new value of agentx-socket takes effect at a restart");
	if (strcmp(config->common.instance, old->common.instance) != 0)
		log_warn("config", "a new value of instance takes effect at a restart");
	if (config->job_max_rows != old->job_max_rows &&
	    store_job_max_rows_set(store, config->job_max_rows, &err) != ERR_OK) {
		log_error("config", "job-max-rows remains %u: %s", old->job_max_rows, err.text);
		config->job_max_rows = old->job_max_rows;
	}
	if (store_stale_after_set(store, config->stale_after_s, &err) != ERR_OK) {
		log_error("config", "stale-after remains %u: %s", old->stale_after_s, err.text);
		config->stale_after_s = old->stale_after_s;
	}
	mib_config = mib_config_of(config);
	mib_config_set(daemon->mib, &mib_config);
}

/* -- start and end ------------------------------------------------------------------------ */

/* Undoes the SETs with a note, because their managers got an error. Keeps all other SETs that a
 * crash left between CommitSet and CleanupSet, because their managers may have got success. */
static enum err_code
store_prepare(void *arg, struct err *err)
{
	const struct daemon *daemon = arg;
	struct store *store = daemon->service.store;
	enum err_code code;
	size_t undone;

	code = store_undo_noted(store, &undone, err);
	if (undone > 0)
		log_warn("store", "undone: %zu SETs that lbclusterd could not undo before it ended",
		    undone);
	if (code != ERR_OK)
		return code;
	if (!store_needs_flush(store))
		store_set_release(store, 0);
	if ((code = store_flush(store, err)) != ERR_OK ||
	    (code = store_set_lock_increase(store, err)) != ERR_OK ||
	    (code = store_job_max_rows_set(store, daemon->config.job_max_rows, err)) != ERR_OK)
		return code;
	return store_stale_after_set(store, daemon->config.stale_after_s, err);
}

static enum err_code
cache_load(void *arg, struct err *err)
{
	struct daemon *daemon = arg;
	enum err_code code = ERR_OK;
	bool more = true;

	if (daemon->cache == NULL && (daemon->cache = cache_new()) == NULL)
		return err_set(err, ERR_NOMEM, "out of memory for the rows of the store");
	cache_stale_after_set(daemon->cache, daemon->config.stale_after_s, clock_wall_s());
	while (more && code == ERR_OK)
		code = cache_refresh(daemon->cache, daemon->service.store, REFRESH_ROWS,
		    clock_wall_s(), &more, err);
	return code;
}

static bool
daemon_start(void *arg)
{
	struct daemon *daemon = arg;
	const struct agentx_config agentx_config = {
		.description = "LBCLUSTER-MIB: load-balanced clusters, services, real services",
		.socket = daemon->config.agentx_socket,
	};
	const struct mib_config mib_config = mib_config_of(&daemon->config);

	log_info("store", "%s: %u clusters, %u services, %u real services",
	    daemon->config.common.store, tree_count(&daemon->cache->tree, STORE_CLUSTER),
	    tree_count(&daemon->cache->tree, STORE_SERVICE),
	    tree_count(&daemon->cache->tree, STORE_REAL));
	daemon->mib = mib_new(daemon->cache, daemon->service.store, &mib_config);
	if (daemon->mib != NULL)
		daemon->agentx = agentx_new(daemon->service.loop, daemon->mib, &agentx_config);
	if (daemon->agentx == NULL)
		return false;
	agentx_notify_state(daemon->agentx, on_session, daemon);
	daemon_cpu_init(&daemon->cpu);
	cpu_apply(daemon);
	on_refresh(daemon);
	return true;
}

static void
daemon_end(void *arg)
{
	struct daemon *daemon = arg;

	agentx_free(daemon->agentx);
	if (daemon->mib != NULL && mib_needs_flush(daemon->mib))
		mib_flush(daemon->mib);
	if (daemon->mib != NULL)
		mib_store_report(daemon->mib);
	mib_free(daemon->mib);
	cache_free(daemon->cache);
}

static const struct service_program program = {
	.name = "lbclusterd",
	.conf_file = LBCLUSTER_CONF_FILE,
	.settings = daemon_settings,
	.n_settings = DAEMON_SETTINGS,
	.config_size = sizeof(struct daemon_config),
	.override = { 'x', "AGENTX_ADDRESS", "agentx-socket" },
	.store_wait_ms = STORE_WAIT_MS,
	.steps = { store_prepare, cache_load },
	.start = daemon_start,
	.tick = daemon_tick,
	.reload = daemon_reload,
	.end = daemon_end,
};

int
daemon_main(int argc, char **argv)
{
	struct daemon daemon = { 0 };

	daemon.service = (struct service){ .program = &program, .arg = &daemon,
	    .config = &daemon.config };
	return service_main(&daemon.service, argc, argv);
}
