/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A driver: it follows the store and has a worker for each of its clusters; see driver.h.
 */
#include "driver/driver.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/driver_config.h"
#include "driver/worker.h"
#include "util/clock_step.h"
#include "util/log.h"
#include "util/log_limit.h"
#include "util/text.h"

enum {
	STORE_WAIT_MS = 250,	/* how long a locked store may block the loop */
	STORE_REST_MS = 1000,	/* after such a wait, no other wait for so long */
	POLL_MS = 100,		/* between two checks of the store for new jobs */
};

struct driver {
	struct service			 service;
	const struct plane_kind		*kind;
	const struct plane_kind_ops	*ops;
	const struct check_ops		*const *kinds;	/* NULL: no health checks */
	struct driver_config		 config;
	struct driver_tree		 tree;
	struct worker_shared		 shared;
	struct health			*health;
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
on_health_changed(void *arg, uint32_t real_id)
{
	const struct driver *driver = arg;
	struct driver_real *real = driver_real_find(&driver->tree, real_id);
	struct driver_cluster *cluster = real == NULL ? NULL : driver_cluster_of(real);

	if (cluster == NULL || cluster->worker == NULL)
		return;
	cluster->round_due = true;
	worker_wake(cluster->worker);
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
		else if (cluster->round_due)
			worker_wake(cluster->worker);
		n += cluster->worker != NULL;
	}
	return n;
}

/* Removes what the data plane has for clusters that were deleted. */
static void
clusters_sweep(struct driver *driver)
{
	const struct plane_kind_ops *ops = driver->ops;
	const struct tree_list *clusters = &driver->tree.tree.root.children;
	struct driver_cluster *cluster;
	uint32_t *ids;
	size_t n = 0;

	if (ops->sweep == NULL || driver->tree.tree.loading)
		return;
	ids = calloc(clusters->n + 1, sizeof(*ids));
	if (ids == NULL)
		return;
	TREE_FOREACH(cluster, i, clusters) {
		if (cluster->mine)
			ids[n++] = cluster->row.id;
	}
	ops->sweep(store_dir(driver->service.store), ids, n);
	free(ids);
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
		clusters_sweep(driver);
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
	struct err err;

	if (health_new(service->loop, driver->kind->name, driver->kinds, NULL,
	    on_health_changed, driver, &driver->health, &err) != ERR_OK) {
		log_error("driver", "%s", err.text);
		return false;
	}
	driver->tree.health = driver->health;
	driver->shared = (struct worker_shared){ .loop = service->loop, .store = service->store,
	    .tree = &driver->tree, .health = driver->health, .config = &driver->config,
	    .ops = driver->ops, .title = driver->kind->title, .round_done = on_round_done,
	    .arg = driver,
	    .rest_ms = service->once ? 0 : STORE_REST_MS };
	service_store_report(&driver->service);
	clusters_sweep(driver);
	driver->waiting = clusters_serve(driver);
	log_info("driver", "%s: clusters with plane %s: %zu", driver->config.common.store,
	    driver->kind->name, driver->waiting);
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
	struct driver *driver = arg;

	driver_tree_done(&driver->tree);
	health_free(driver->health);
}

/* -- actions of a person ------------------------------------------------------------------ */

enum { WITHDRAW_TIMEOUT_MS = 5000 };

/* Returns the cluster of that name; NULL with a message if the driver does not serve it. */
static struct driver_cluster *
cluster_named(struct driver *driver, const char *name)
{
	struct driver_cluster *cluster;

	TREE_FOREACH(cluster, i, &driver->tree.tree.root.children) {
		if (strcmp(cluster->row.name, name) == 0 && cluster->mine)
			return cluster;
	}
	text_line_print(stderr, "%s: the store has no cluster %s with plane %s",
	    driver->kind->driver, name, driver->kind->name);
	return NULL;
}

static enum service_status
action_end(const struct driver *driver, const char *name, const char *did, enum err_code code,
    size_t n, const struct err *err)
{
	if (code == ERR_OK)
		printf("%s: %zu service%s %s\n", name, n, n == 1 ? "" : "s", did);
	else
		text_line_print(stderr, "%s: %s: %s", driver->kind->driver, name, err->text);
	return code == ERR_OK ? SERVICE_OK : SERVICE_FAILED;
}

static enum service_status
driver_adopt(void *arg, const char *name)
{
	struct driver *driver = arg;
	struct driver_cluster *cluster = cluster_named(driver, name);
	struct plane_cluster plane_cluster;
	struct plane_target *targets;
	size_t n_targets, n = 0;
	enum err_code code;
	struct err err;

	if (cluster == NULL)
		return SERVICE_FAILED;
	targets = driver_cluster_targets(cluster, 0, true, &n_targets);
	plane_cluster = driver_cluster_plane(cluster, driver->service.store);
	code = targets == NULL ? err_set(&err, ERR_NOMEM, "out of memory") :
	    driver->ops->adopt(&plane_cluster, targets, n_targets, &n, &err);
	free(targets);
	return action_end(driver, name, "adopted", code, n, &err);
}

static enum service_status
driver_withdraw(void *arg, const char *name)
{
	struct driver *driver = arg;
	const struct driver_cluster *cluster = cluster_named(driver, name);
	struct plane_cluster plane_cluster;
	enum err_code code;
	size_t n = 0;
	struct err err;

	if (cluster == NULL)
		return SERVICE_FAILED;
	plane_cluster = driver_cluster_plane(cluster, driver->service.store);
	code = driver->ops->withdraw(&plane_cluster, WITHDRAW_TIMEOUT_MS, &n, &err);
	return action_end(driver, name, "removed", code, n, &err);
}

int
driver_main(const struct plane_kind_ops *ops, const struct check_ops *const *kinds,
    int argc, char **argv)
{
	const struct plane_kind *kind = plane_kind_find(ops->kind);
	char conf_file[PATH_MAX];
	const struct service_program service_program = {
		.name = kind->driver,
		.conf_file = conf_file,
		.settings = driver_settings,
		.n_settings = ops->apply == NULL ? DRIVER_CHECK_SETTINGS : DRIVER_SETTINGS,
		.config_size = sizeof(struct driver_config),
		.store_wait_ms = STORE_WAIT_MS,
		.steps = { tree_load },
		.start = driver_start,
		.once = driver_once,
		.actions = {
			{ ops->adopt != NULL ? "adopt" : NULL, "CLUSTER", driver_adopt },
			{ ops->withdraw != NULL ? "withdraw" : NULL, "CLUSTER",
			    driver_withdraw },
		},
		.tick = driver_tick,
		.reload = driver_reload,
		.end = driver_end,
	};
	struct driver driver = { .kind = kind, .ops = ops, .kinds = kinds };

	snprintf(conf_file, sizeof(conf_file), LBCLUSTER_CONF_DIR "/%s.conf", kind->driver);
	driver.service = (struct service){ .program = &service_program, .arg = &driver,
	    .config = &driver.config };
	driver_tree_init(&driver.tree, ops->kind, on_detach);
	return service_main(&driver.service, argc, argv);
}
