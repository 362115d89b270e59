/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A driver: it follows the store and has a worker for each of its clusters; see driver.h.
 */
#include "driver/driver.h"

#include "driver/driver_config.h"
#include "driver/worker.h"
#include "util/clock_step.h"
#include "util/log.h"
#include "util/log_limit.h"

enum {
	STORE_WAIT_MS = 250,	/* how long a locked store may block the loop */
	STORE_REST_MS = 1000,	/* after such a wait, no other wait for so long */
	POLL_MS = 100,		/* between two checks of the store for new jobs */
};

struct driver {
	struct service			 service;
	const struct driver_program	*program;
	struct driver_config		 config;
	struct driver_tree		 tree;
	struct worker_shared		 shared;
	struct loop_timer		 poll_timer;
	bool				 store_reported;	/* a damaged store is in the log */
	size_t				 n_workers;
	size_t				 waiting;	/* rounds that --once waits for */
	bool				 failed;	/* a round of --once failed */
};

/* Programs that share the store may damage and repair it in turn. */
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

	if (!driver->service.once)
		return;
	driver->failed |= !ok;
	if (--driver->waiting == 0)
		loop_stop(driver->service.loop);
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

static void
tree_follow(struct driver *driver)
{
	struct err err;

	if (!store_changed(driver->service.store))
		return;
	if (driver_tree_refresh(&driver->tree, driver->service.store, &err) == ERR_OK) {
		if (driver->store_reported)
			log_limited(&limit, LOG_LEVEL_INFO, "the store is usable again");
		driver->store_reported = false;
	} else if (err.code != ERR_BUSY && !driver->store_reported) {
		driver->store_reported = true;
		log_limited(&limit, LOG_LEVEL_ERROR, "%s; the driver goes on with the rows "
		    "that it has read", err.text);
	}
}

static void
on_poll(void *arg)
{
	struct driver *driver = arg;

	tree_follow(driver);
	service_store_report(&driver->service);
	driver->n_workers = clusters_serve(driver);
	loop_timer_set(driver->service.loop, &driver->poll_timer, POLL_MS, on_poll, driver);
}

static void
driver_tick(void *arg)
{
	struct driver *driver = arg;

	clock_steps_note();
	sdnotify_status("%s%zu clusters, %u real services",
	    store_statistics_readable(driver->service.store) ? "" : "statistics are not used; ",
	    driver->n_workers, tree_count(&driver->tree.tree, STORE_REAL));
}

/* -- SIGHUP, start and end ------------------------------------------------------------ */

/* Ends all workers. The next poll starts new ones with the new configuration. */
static void
driver_reload(void *arg, void *config)
{
	struct driver *driver = arg;
	struct driver_cluster *cluster;

	(void)config;
	TREE_FOREACH(cluster, i, &driver->tree.tree.root.children)
		on_detach(cluster);
}

static enum err_code
tree_load(void *arg, struct err *err)
{
	struct driver *driver = arg;

	return driver_tree_refresh(&driver->tree, driver->service.store, err);
}

static bool
driver_start(void *arg)
{
	struct driver *driver = arg;
	const struct service *service = &driver->service;

	driver->shared = (struct worker_shared){ .loop = service->loop, .store = service->store,
	    .tree = &driver->tree, .config = &driver->config, .ops = driver->program->ops,
	    .round_done = on_round_done, .arg = driver,
	    .rest_ms = service->once ? 0 : STORE_REST_MS };
	service_store_report(&driver->service);
	driver->waiting = clusters_serve(driver);
	log_info("driver", "%s: clusters with plane %s: %zu", driver->config.common.store,
	    driver->program->ops->kind, driver->waiting);
	if (!service->once)
		on_poll(driver);
	return true;
}

static enum service_status
driver_once(void *arg)
{
	struct driver *driver = arg;

	if (driver->waiting > 0)
		loop_run(driver->service.loop);
	return driver->failed || driver->waiting > 0 ? SERVICE_FAILED : SERVICE_OK;
}

static void
driver_end(void *arg)
{
	driver_tree_done(&((struct driver *)arg)->tree);
}

int
driver_main(const struct driver_program *program, int argc, char **argv)
{
	const struct service_program service_program = {
		.name = program->name,
		.conf_file = program->conf_file,
		.settings = driver_settings,
		.n_settings = DRIVER_SETTINGS,
		.config_size = sizeof(struct driver_config),
		.store_wait_ms = STORE_WAIT_MS,
		.steps = { tree_load },
		.start = driver_start,
		.once = driver_once,
		.tick = driver_tick,
		.reload = driver_reload,
		.end = driver_end,
	};
	struct driver driver = { .program = program };

	driver.service = (struct service){ .program = &service_program, .arg = &driver,
	    .config = &driver.config };
	driver_tree_init(&driver.tree, program->ops->kind, on_detach);
	return service_main(&driver.service, argc, argv);
}
