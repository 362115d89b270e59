/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Removes what lbcluster made for a cluster, and adopts what another program made. Nothing here
 * runs beside a round of the same cluster.
 */
#include "plane/ipvs/ipvs_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/log_limit.h"

enum { SWEEP_TIMEOUT_MS = 5000 };

/* A sweep that fails is repeated after each change of the store. */
static struct log_limit sweep_limit = LOG_LIMIT("plane", 20);

struct withdrawal {
	struct loop	*loop;
	struct plane	*plane;
	bool		 done;
	struct err	 err;
};

static void
on_withdrawn(void *arg, const struct plane_poll *poll, const struct plane_error *error)
{
	struct withdrawal *withdrawal = arg;
	const struct ipvs_owned *owned = &withdrawal->plane->owned;
	char name[IPVS_KEY_TEXT_SIZE];

	(void)poll;
	if (error != NULL)
		err_set(&withdrawal->err, ERR_IO, "%.250s", error->text);
	else if (owned->n > 0)
		err_set(&withdrawal->err, ERR_IO, "%s: not removed",
		    ipvs_key_text(&owned->keys[0], name));
	withdrawal->done = true;
	loop_stop(withdrawal->loop);
}

/* Without rows each service that lbcluster made is one that the store no longer has, so one poll
 * removes all of them. */
enum err_code
ipvs_plane_withdraw(const struct plane_cluster *cluster, int timeout_ms, size_t *ret_n,
    struct err *err)
{
	struct withdrawal withdrawal = { .loop = loop_new() };
	enum err_code code = ERR_NOMEM;

	*ret_n = 0;
	if (withdrawal.loop == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	code = ipvs_plane_open(withdrawal.loop, cluster, timeout_ms, &withdrawal.plane, err);
	if (code == ERR_OK) {
		ipvs_plane_poll(withdrawal.plane, on_withdrawn, &withdrawal);
		if (!withdrawal.done)
			loop_run(withdrawal.loop);
		*ret_n = withdrawal.plane->n_removed;
		code = withdrawal.err.code;
		if (code != ERR_OK)
			*err = withdrawal.err;
		ipvs_plane_close(withdrawal.plane);
	}
	loop_free(withdrawal.loop);
	return code;
}

static bool
is_among(uint32_t id, const uint32_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

static void
cluster_sweep(const char *store, uint32_t id)
{
	char name[MODEL_NAME_MAX + 1];
	const struct plane_cluster cluster = { .id = id, .name = name, .params = "",
	    .store = store };
	struct err err;
	size_t n;

	snprintf(name, sizeof(name), "cluster %u", id);
	if (ipvs_plane_withdraw(&cluster, SWEEP_TIMEOUT_MS, &n, &err) == ERR_OK)
		log_limited(&sweep_limit, LOG_LEVEL_INFO,
		    "%s, which the store no longer has: %zu services removed", name, n);
	else
		log_limited(&sweep_limit, LOG_LEVEL_WARN,
		    "%s, which the store no longer has: %s", name, err.text);
}

void
ipvs_plane_sweep(const char *store, const uint32_t *cluster_ids, size_t n)
{
	uint32_t *ids = NULL;
	size_t n_ids = 0;
	struct err err;

	if (ipvs_owned_store_check(ipvs_directory(), store, &err) != ERR_OK ||
	    ipvs_owned_clusters(ipvs_directory(), &ids, &n_ids, &err) != ERR_OK)
		log_limited(&sweep_limit, LOG_LEVEL_WARN, "%s", err.text);
	for (size_t i = 0; i < n_ids; i++) {
		if (!is_among(ids[i], cluster_ids, n))
			cluster_sweep(store, ids[i]);
	}
	free(ids);
}

enum err_code
ipvs_plane_adopt(const struct plane_cluster *cluster, const struct plane_target *targets,
    size_t n, size_t *ret_n, struct err *err)
{
	const char *dir = ipvs_directory();
	struct ipvs_owned owned = { 0 };
	struct ipvs_rows rows = { 0 };
	enum err_code code = ipvs_rows_set(&rows, cluster->name, targets, n, err);

	if (code == ERR_OK)
		code = ipvs_owned_store_check(dir, cluster->store, err);
	/* The keys before a damaged line are kept, and the file is written again. */
	if (code == ERR_OK && (code = ipvs_owned_read(dir, cluster->id, &owned, err)) ==
	    ERR_INVALID)
		code = ERR_OK;
	for (size_t i = 0; i < rows.n_services && code == ERR_OK; i++) {
		if (!ipvs_owned_add(&owned, &rows.services[i].service.key))
			code = err_set(err, ERR_NOMEM, "out of memory for a service");
	}
	if (code == ERR_OK)
		code = ipvs_owned_write(dir, cluster->store, cluster->id, &owned, err);
	*ret_n = code == ERR_OK ? rows.n_services : 0;
	ipvs_owned_done(&owned);
	ipvs_rows_done(&rows);
	return code;
}
