/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A driver: its store, the works on its clusters, the end; see driver.h.
 */
#include "driver/driver.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "driver/options.h"
#include "driver/worker.h"
#include "util/background.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/log_limit.h"
#include "util/memory.h"
#include "util/supervisor.h"

enum {
	STORE_WAIT_MS = 250,	/* the loop stands still meanwhile; */
	STORE_REST_MS = 1000,	/* and then not, for so long */
	ONCE_WAIT_MS = 1000,	/* with --once, which has nothing else to do */
	TICK_MS = 100,		/* until a new job is seen */
	STATUS_TICKS = 10,
};

/* Exit statuses, lbcluster-haproxy(8). */
enum { EXIT_OK = 0, EXIT_RUN = 1, EXIT_USAGE = 2, EXIT_STORE = 3, EXIT_LOCKED = 4 };

struct driver {
	const struct driver_program	*program;
	struct driver_options		 options;
	struct driver_config		 config;
	struct loop			*loop;
	struct store			*store;
	struct driver_tree			 tree;
	struct worker_shared		 shared;
	struct loop_timer		 tick_timer;
	struct supervisor_watchdog	 watchdog;
	unsigned int			 ticks;
	bool				 store_told;	/* its illness is in the log */
	size_t				 waiting;	/* rounds that --once waits for */
	bool				 failed;	/* one of them did */
};

/* Whoever shares the store may make it ill, and well, as often as he likes. */
static struct log_limit limit = LOG_LIMIT("store", 10);

/* -- clusters ------------------------------------------------------------------------ */

static void
on_detach(struct driver_cluster *cluster)
{
	worker_free(cluster->worker);
	cluster->worker = NULL;
}

static void
on_round_done(void *arg, bool ok)
{
	struct driver *driver = arg;

	if (!driver->options.once)
		return;
	driver->failed |= !ok;
	if (--driver->waiting == 0)
		loop_stop(driver->loop);
}

static size_t
clusters_serve(struct driver *driver)
{
	struct driver_cluster *cluster;
	size_t n = 0;

	TREE_FOREACH(cluster, i, &driver->tree.tree.root.children) {
		if (!cluster->mine)
			continue;
		if (cluster->worker == NULL && driver->tree.tree.loading)
			continue;	/* its rows may be those of a store that was replaced */
		if (cluster->worker == NULL)
			cluster->worker = worker_new(&driver->shared, cluster);
		else if (cluster->jobs_queued)
			worker_wake(cluster->worker);
		n += cluster->worker != NULL;
	}
	return n;
}

/* Rows that are not driven because somebody damaged the store. */
static void
left_out_report(void *arg, bool repaired, const char *text)
{
	(void)arg;
	log_limited(&limit, repaired ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "%s", text);
}

static void
tree_follow(struct driver *driver)
{
	struct err err;

	if (!store_changed(driver->store))
		return;
	if (driver_tree_refresh(&driver->tree, driver->store, &err) == ERR_OK) {
		if (driver->store_told)
			log_limited(&limit, LOG_LEVEL_INFO, "is usable again");
		driver->store_told = false;
	} else if (err.code != ERR_BUSY && !driver->store_told) {
		driver->store_told = true;
		log_limited(&limit, LOG_LEVEL_ERROR, "%s; going on with what is known", err.text);
	}
}

static void
on_tick(void *arg)
{
	struct driver *driver = arg;
	size_t n;

	tree_follow(driver);
	store_left_out_report(driver->store, left_out_report, NULL);
	n = clusters_serve(driver);
	if (driver->ticks++ % STATUS_TICKS == 0) {
		supervisor_status("%zu clusters, %u real services", n,
		    tree_count(&driver->tree.tree, STORE_REAL));
		log_limits_flush(false);
	}
	loop_timer_set(driver->loop, &driver->tick_timer, TICK_MS, on_tick, driver);
}

/* -- signals ------------------------------------------------------------------------- */

static enum err_code
config_read(const struct driver *driver, struct driver_config *ret, struct err *err)
{
	const char *store = store_dir_named(driver->options.store);
	struct driver_config config;
	enum err_code code = driver_config_load(driver->options.config_file,
	    driver->program->conf_file, &config, err);

	if (code != ERR_OK)
		return code;
	if (driver->options.level != NULL)
		log_level_parse(driver->options.level, &config.log_level);
	if (store != NULL && !memory_string_assign(&config.store, store)) {
		driver_config_done(&config);
		err_set(err, ERR_NOMEM, "out of memory for the configuration");
		return ERR_NOMEM;
	}
	*ret = config;
	return ERR_OK;
}

/* The works begin anew, with what the configuration says now. */
static void
reload(struct driver *driver)
{
	struct driver_cluster *cluster;
	struct driver_config config;
	struct err err;

	if (config_read(driver, &config, &err) != ERR_OK) {
		log_error("config", "%s; going on as before", err.text);
		return;
	}
	if (strcmp(config.store, driver->config.store) != 0)
		log_warn("config", "store changes at a restart only");
	TREE_FOREACH(cluster, i, &driver->tree.tree.root.children)
		on_detach(cluster);
	log_level_set(config.log_level);
	driver_config_done(&driver->config);
	driver->config = config;
	log_info("config", "read again");
}

static void
on_hangup(void *arg)
{
	struct driver *driver = arg;

	if (driver->options.once) {
		loop_stop(driver->loop);
		return;
	}
	supervisor_reloading();
	reload(driver);
	supervisor_ready();
}

/* -- start ---------------------------------------------------------------------------- */

static enum err_code
refresh_step(void *arg, struct err *err)
{
	struct driver *driver = arg;

	return driver_tree_refresh(&driver->tree, driver->store, err);
}

static int
store_start(struct driver *driver)
{
	enum err_code code;
	struct err err;

	/* Two drivers of a kind would carry out each other's jobs. */
	code = store_open_exclusive(driver->config.store, driver->program->name,
	    driver->options.once ? ONCE_WAIT_MS : STORE_WAIT_MS, &driver->store, &err);
	if (code == ERR_PRECOND) {
		log_error("store", "%s", err.text);
		return EXIT_LOCKED;
	}
	if (code == ERR_OK)
		code = store_retry_while_busy(refresh_step, driver, &err);
	if (code == ERR_OK)
		return EXIT_OK;
	log_error("store", "%s", err.text);
	return store_error_is_transient(driver->config.store, code) ? EXIT_RUN : EXIT_STORE;
}

static int
driver_start(struct driver *driver)
{
	int status;

	driver->loop = loop_new();
	if (driver->loop == NULL || !loop_signals_start(driver->loop, on_hangup, driver)) {
		log_error("driver", "cannot start: %s", strerror(errno));
		return EXIT_RUN;
	}
	status = store_start(driver);
	if (status != EXIT_OK)
		return status;
	if (!loop_signals_serve(driver->loop)) {
		log_error("driver", "cannot start: %s", strerror(errno));
		return EXIT_RUN;
	}
	driver->shared = (struct worker_shared){ .loop = driver->loop, .store = driver->store,
	    .tree = &driver->tree, .config = &driver->config, .ops = driver->program->ops,
	    .round_done = on_round_done, .arg = driver,
	    .rest_ms = driver->options.once ? 0 : STORE_REST_MS };
	store_left_out_report(driver->store, left_out_report, NULL);
	driver->waiting = clusters_serve(driver);
	log_info("driver", "%s: clusters with plane %s: %zu", driver->config.store,
	    driver->program->ops->kind, driver->waiting);
	if (!driver->options.once)
		on_tick(driver);
	return EXIT_OK;
}

static int
driver_run(struct driver *driver)
{
	if (driver->options.once) {
		if (driver->waiting > 0)
			loop_run(driver->loop);
		return driver->failed || driver->waiting > 0 ? EXIT_RUN : EXIT_OK;
	}
	supervisor_ready();
	supervisor_watchdog_start(&driver->watchdog, driver->loop);
	loop_run(driver->loop);
	supervisor_stopping();
	log_info("driver", "ends");
	return EXIT_OK;
}

static void
driver_end(struct driver *driver)
{
	driver_tree_done(&driver->tree);
	store_close(driver->store);
	loop_free(driver->loop);
	driver_config_done(&driver->config);
}

int
driver_main(const struct driver_program *program, int argc, char **argv)
{
	struct driver driver = { .program = program };
	int status, ready = -1;
	bool stay;
	struct err err;

	status = driver_options_parse(program->name, argc, argv, &driver.options);
	if (status != -1)
		return status;
	if (config_read(&driver, &driver.config, &err) != ERR_OK) {
		fprintf(stderr, "%s: %s\n", program->name, err.text);
		return EXIT_USAGE;
	}
	if (driver.options.check) {
		printf("%s: the configuration is good\n", program->name);
		driver_config_done(&driver.config);
		return EXIT_OK;
	}
	driver_tree_init(&driver.tree, program->ops->kind, on_detach);
	umask(0007);	/* the store is its owner's and its group's */
	stay = driver.options.foreground || driver.options.once;
	log_open(program->name, !stay, driver.config.log_level);
	if (!stay && (ready = background_enter()) == -1) {
		log_error("driver", "cannot go into the background: %s", strerror(errno));
		return EXIT_RUN;
	}
	status = driver_start(&driver);
	background_ready(ready, status);
	if (status == EXIT_OK)
		status = driver_run(&driver);
	driver_end(&driver);
	log_limits_flush(true);
	return status;
}
