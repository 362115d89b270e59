/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbclusterd: options, start-up, the timers, the end; see daemon.h.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agentx/agentx.h"
#include "daemon/config.h"
#include "cache/cache.h"
#include "mib/mib.h"
#include "store/store.h"
#include "util/background.h"
#include "util/clock.h"
#include "util/endpoint.h"
#include "util/log.h"
#include "util/log_limit.h"
#include "util/memory.h"
#include "util/loop.h"
#include "util/supervisor.h"

enum {
	STORE_WAIT_MS = 100,	/* snmpd's patience is 1 s for each phase of a SET */
	REFRESH_MS = 100,	/* others' changes are visible within 250 ms */
	REFRESH_ROWS = 2000,	/* of one turn of the loop */
	TICK_MS = 1000,
};

/* Exit statuses, lbclusterd(8). */
enum { EXIT_OK = 0, EXIT_RUN = 1, EXIT_USAGE = 2, EXIT_STORE = 3, EXIT_LOCKED = 4 };

struct options {
	bool		 foreground, check;
	const char	*config_file, *store, *agentx_socket, *level;
};

struct daemon {
	struct options		 options;
	struct config		 config;
	struct loop		*loop;
	struct store		*store;
	struct cache		*cache;
	struct mib		*mib;
	struct agentx		*agentx;
	struct loop_timer	 refresh_timer;
	struct loop_timer	 tick_timer;
	struct supervisor_watchdog watchdog;
};

/* -- options and configuration ------------------------------------------------------- */

static int
usage(FILE *to)
{
	fprintf(to, "usage: lbclusterd [-f] [-c FILE] [-s STORE] [-x AGENTX_ADDRESS] "
	    "[-l LEVEL] [--check] [--version]\n");
	return EXIT_USAGE;
}

/* -1: go on; otherwise the exit status. */
static int
options_parse(int argc, char **argv, struct options *ret)
{
	static const struct option longs[] = {
		{ "check", no_argument, NULL, 'C' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct endpoint endpoint;
	enum log_level level;
	struct err err;
	int option;

	while ((option = getopt_long(argc, argv, "fc:s:x:l:h", longs, NULL)) != -1) {
		switch (option) {
		case 'f': ret->foreground = true; break;
		case 'c': ret->config_file = optarg; break;
		case 's': ret->store = optarg; break;
		case 'x': ret->agentx_socket = optarg; break;
		case 'l': ret->level = optarg; break;
		case 'C': ret->check = true; break;
		case 'V': printf("lbclusterd %s\n", PACKAGE_VERSION); return EXIT_OK;
		case 'h': usage(stdout); return EXIT_OK;
		default: return usage(stderr);
		}
	}
	if (optind != argc)
		return usage(stderr);
	/* An unset variable of a script, and not the root directory. */
	if (ret->store != NULL && ret->store[0] == '\0') {
		fprintf(stderr, "lbclusterd: -s: the name of the directory is empty\n");
		return EXIT_USAGE;
	}
	if (ret->agentx_socket != NULL &&
	    endpoint_parse(ret->agentx_socket, &endpoint, &err) != ERR_OK) {
		fprintf(stderr, "lbclusterd: -x: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (ret->level != NULL && !log_level_parse(ret->level, &level)) {
		fprintf(stderr, "lbclusterd: -l %s: not one of error, warn, info, debug\n",
		    ret->level);
		return EXIT_USAGE;
	}
	return -1;
}

/* What the command line says wins over the file. */
static enum err_code
config_read(const struct options *options, struct config *ret, struct err *err)
{
	const char *store = store_dir_named(options->store);
	struct config config;
	enum err_code code = config_load(options->config_file, &config, err);

	if (code != ERR_OK)
		return code;
	if (options->level != NULL)
		log_level_parse(options->level, &config.log_level);
	if ((store != NULL && !memory_string_assign(&config.store, store)) ||
	    (options->agentx_socket != NULL &&
	    !memory_string_assign(&config.agentx_socket, options->agentx_socket))) {
		config_done(&config);
		err_set(err, ERR_NOMEM, "out of memory for the configuration");
		return ERR_NOMEM;
	}
	*ret = config;
	return ERR_OK;
}

static struct mib_config
mib_config_of(const struct config *config)
{
	return (struct mib_config){
		.stale_after_s = config->stale_after_s,
		.version = "lbcluster " PACKAGE_VERSION,
		.notify_interval_s = config->notify_interval_s,
	};
}

/* -- timers ------------------------------------------------------------------------- */

/* Rows that are not served because somebody damaged the store. */
static void
left_out_report(void *arg, bool repaired, const char *text)
{
	static struct log_limit limit = LOG_LIMIT("store", 20);

	(void)arg;
	log_limited(&limit, repaired ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "%s", text);
}

/* A slice of what others changed; requests are answered between two slices. */
static void
on_refresh(void *arg)
{
	struct daemon *daemon = arg;
	bool more = false;
	struct err err;

	if (mib_needs_flush(daemon->mib))
		mib_flush(daemon->mib);
	if (store_changed(daemon->store))
		(void)cache_refresh(daemon->cache, daemon->store, REFRESH_ROWS,
		    clock_wall_s(), &more, &err);
	store_left_out_report(daemon->store, left_out_report, NULL);
	agentx_notifications_send(daemon->agentx);
	mib_store_report(daemon->mib);
	loop_timer_set(daemon->loop, &daemon->refresh_timer, more ? 0 : REFRESH_MS, on_refresh,
	    daemon);
}

static void
state_tell(void *arg)
{
	struct daemon *daemon = arg;

	supervisor_status("%s; %u clusters, %u services, %u real services",
	    agentx_serving(daemon->agentx) ? "registered with snmpd" : "no AgentX master",
	    tree_count(&daemon->cache->tree, STORE_CLUSTER),
	    tree_count(&daemon->cache->tree, STORE_SERVICE),
	    tree_count(&daemon->cache->tree, STORE_REAL));
}

static void
on_tick(void *arg)
{
	struct daemon *daemon = arg;

	cache_tick(daemon->cache, clock_wall_s());
	state_tell(daemon);
	log_limits_flush(false);
	loop_timer_set(daemon->loop, &daemon->tick_timer, TICK_MS, on_tick, daemon);
}

/* -- signals ------------------------------------------------------------------------- */

static void
reload(struct daemon *daemon)
{
	struct mib_config mib_config;
	struct config config;
	struct err err;

	if (config_read(&daemon->options, &config, &err) != ERR_OK) {
		log_error("config", "%s; going on as before", err.text);
		return;
	}
	if (strcmp(config.store, daemon->config.store) != 0 ||
	    strcmp(config.agentx_socket, daemon->config.agentx_socket) != 0)
		log_warn("config", "store and agentx-socket change at a restart only");
	if (config.job_max_rows != daemon->config.job_max_rows &&
	    store_job_max_rows_set(daemon->store, config.job_max_rows, &err) != ERR_OK) {
		log_error("config", "job-max-rows stays %u: %s", daemon->config.job_max_rows,
		    err.text);
		config.job_max_rows = daemon->config.job_max_rows;
	}
	if (store_stale_after_set(daemon->store, config.stale_after_s, &err) != ERR_OK) {
		log_error("config", "stale-after stays %u: %s", daemon->config.stale_after_s,
		    err.text);
		config.stale_after_s = daemon->config.stale_after_s;
	}
	log_level_set(config.log_level);
	mib_config = mib_config_of(&config);
	mib_config_set(daemon->mib, &mib_config);
	config_done(&daemon->config);
	daemon->config = config;
	log_info("config", "read again");
}

static void
on_hangup(void *arg)
{
	supervisor_reloading();
	reload(arg);
	supervisor_ready();
}

/* -- start ------------------------------------------------------------------------------ */

/* What is noted was told as failed and is undone. Of what else a crash between commit and
 * cleanup left the change stays, since the manager may have been told success, and its jobs
 * go their way. */
static enum err_code
store_prepare(void *arg, struct err *err)
{
	struct daemon *daemon = arg;
	enum err_code code;
	size_t undone;

	code = store_undo_noted(daemon->store, &undone, err);
	if (undone > 0)
		log_warn("store", "undone: %zu SETs that lbclusterd could not undo before it ended",
		    undone);
	if (code == ERR_OK && !store_needs_flush(daemon->store))
		store_set_release(daemon->store, 0);
	if (code == ERR_OK)
		code = store_flush(daemon->store, err);
	if (code == ERR_OK)
		code = store_set_lock_increase(daemon->store, err);
	if (code == ERR_OK)
		code = store_job_max_rows_set(daemon->store, daemon->config.job_max_rows, err);
	if (code == ERR_OK)
		code = store_stale_after_set(daemon->store, daemon->config.stale_after_s, err);
	return code;
}

static enum err_code
cache_load(void *arg, struct err *err)
{
	struct daemon *daemon = arg;
	enum err_code code = ERR_OK;
	bool more = true;

	while (more && code == ERR_OK)
		code = cache_refresh(daemon->cache, daemon->store, REFRESH_ROWS,
		    clock_wall_s(), &more, err);
	return code;
}

static int
store_start(struct daemon *daemon)
{
	enum err_code code;
	struct err err;

	/* A second one would register in vain and fight over the held jobs. */
	code = store_open_exclusive(daemon->config.store, "lbclusterd", STORE_WAIT_MS,
	    &daemon->store, &err);
	if (code == ERR_PRECOND) {
		log_error("store", "%s", err.text);
		return EXIT_LOCKED;
	}
	if (code == ERR_OK)
		code = store_retry_while_busy(store_prepare, daemon, &err);
	if (code == ERR_OK)
		code = store_retry_while_busy(cache_load, daemon, &err);
	if (code != ERR_OK) {
		log_error("store", "%s", err.text);
		return store_error_is_transient(daemon->config.store, code) ? EXIT_RUN : EXIT_STORE;
	}
	log_info("store", "%s: %u clusters, %u services, %u real services",
	    daemon->config.store, tree_count(&daemon->cache->tree, STORE_CLUSTER),
	    tree_count(&daemon->cache->tree, STORE_SERVICE),
	    tree_count(&daemon->cache->tree, STORE_REAL));
	return EXIT_OK;
}

static int
daemon_start(struct daemon *daemon)
{
	struct agentx_config agentx_config = {
		.description = "LBCLUSTER-MIB: load-balanced clusters, services, real services",
	};
	struct mib_config mib_config = mib_config_of(&daemon->config);
	int status;

	daemon->loop = loop_new();
	daemon->cache = cache_new();
	if (daemon->loop == NULL || daemon->cache == NULL ||
	    !loop_signals_start(daemon->loop, on_hangup, daemon)) {
		log_error("daemon", "cannot start: %s", strerror(errno));
		return EXIT_RUN;
	}
	cache_stale_after_set(daemon->cache, daemon->config.stale_after_s, clock_wall_s());
	status = store_start(daemon);
	if (status != EXIT_OK)
		return status;
	agentx_config.socket = daemon->config.agentx_socket;
	daemon->mib = mib_new(daemon->cache, daemon->store, &mib_config);
	if (daemon->mib != NULL)
		daemon->agentx = agentx_new(daemon->loop, daemon->mib, &agentx_config);
	if (daemon->agentx == NULL || !loop_signals_serve(daemon->loop)) {
		log_error("daemon", "cannot start: %s", strerror(errno));
		return EXIT_RUN;
	}
	agentx_notify_state(daemon->agentx, state_tell, daemon);
	on_refresh(daemon);
	on_tick(daemon);
	return EXIT_OK;
}

static void
daemon_end(struct daemon *daemon)
{
	agentx_free(daemon->agentx);
	if (daemon->mib != NULL && mib_needs_flush(daemon->mib))
		mib_flush(daemon->mib);
	if (daemon->mib != NULL)
		mib_store_report(daemon->mib);
	mib_free(daemon->mib);
	cache_free(daemon->cache);
	store_close(daemon->store);
	loop_free(daemon->loop);
	config_done(&daemon->config);
}

int
daemon_main(int argc, char **argv)
{
	struct daemon daemon = { 0 };
	int status, ready = -1;
	struct err err;

	status = options_parse(argc, argv, &daemon.options);
	if (status != -1)
		return status;
	if (config_read(&daemon.options, &daemon.config, &err) != ERR_OK) {
		fprintf(stderr, "lbclusterd: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (daemon.options.check) {
		printf("lbclusterd: the configuration is good\n");
		config_done(&daemon.config);
		return EXIT_OK;
	}
	umask(0007);	/* the store is its owner's and its group's */
	log_open("lbclusterd", !daemon.options.foreground, daemon.config.log_level);
	if (!daemon.options.foreground && (ready = background_enter()) == -1) {
		log_error("daemon", "cannot go into the background: %s", strerror(errno));
		return EXIT_RUN;
	}
	status = daemon_start(&daemon);
	background_ready(ready, status);
	if (status == EXIT_OK) {
		supervisor_ready();
		supervisor_watchdog_start(&daemon.watchdog, daemon.loop);
		loop_run(daemon.loop);
		supervisor_stopping();
		log_info("daemon", "ends");
	}
	daemon_end(&daemon);
	log_limits_flush(true);
	return status;
}
