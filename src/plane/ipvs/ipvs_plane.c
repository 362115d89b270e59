/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Opens, closes and polls the data plane IPVS; see ipvs_private.h.
 */
#include "plane/ipvs/ipvs_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plane/ipvs/ipvs_failure.h"
#include "plane/ipvs/ipvs_sysctl.h"
#include "plane/params.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/log_limit.h"

/* Each poll tries again what failed. */
static struct log_limit removal_limit = LOG_LIMIT("plane", 20);

void
ipvs_plane_requests_free(struct plane *plane)
{
	free(plane->requests);
	plane->requests = NULL;
	plane->n_requests = plane->n_services = 0;
}

static void
poll_free(struct plane *plane)
{
	free(plane->poll.services);
	free(plane->poll.service_counts);
	plane->poll.service_counts = NULL;
	plane->poll.services = NULL;
	ipvs_table_done(&plane->before);
	plane->before = plane->have;
	plane->have = (struct ipvs_table){ 0 };
}

void
ipvs_plane_close(struct plane *plane)
{
	if (plane == NULL)
		return;
	ipvs_socket_free(plane->socket);
	ipvs_poll_cancel(plane->polling);
	ipvs_plane_requests_free(plane);
	poll_free(plane);
	ipvs_table_done(&plane->before);
	free(plane->poll.servers);
	ipvs_rows_done(&plane->rows);
	ipvs_owned_done(&plane->owned);
	free(plane);
}

/* The time when the kernel started, by the wall clock of now. */
static int64_t
boot_s(void)
{
	struct timespec since_boot = { 0 };

	(void)clock_gettime(CLOCK_BOOTTIME, &since_boot);
	return clock_wall_s() - since_boot.tv_sec;
}

enum err_code
ipvs_plane_open(struct loop *loop, const struct plane_cluster *cluster, int timeout_ms,
    struct plane **ret, struct err *err)
{
	struct plane *plane = calloc(1, sizeof(*plane));
	struct params params;
	enum err_code code = ERR_NOMEM;

	if (plane != NULL)
		plane->socket = ipvs_socket_new(loop, timeout_ms);
	if (plane == NULL || plane->socket == NULL) {
		ipvs_plane_close(plane);
		return err_set(err, ERR_NOMEM, "out of memory for a data plane");
	}
	plane->loop = loop;
	plane->cluster_id = cluster->id;
	snprintf(plane->cluster, sizeof(plane->cluster), "%s", cluster->name);
	snprintf(plane->store, sizeof(plane->store), "%s", cluster->store);
	plane->poll.epoch = plane->poll.restarts = 1;
	plane->poll.counters_since = boot_s();
	params_default(&params);
	code = params_read("ipvs", PARAM_CLUSTER, cluster->params, &params, err);
	plane->settings_only = params.manage == PARAM_MANAGE_SETTINGS;
	if (plane->settings_only)
		plane->poll.fallback_problem = "manage = settings: the program that makes the"
		    " services decides when the fallback works; write manage = all";
	if (code != ERR_OK) {
		ipvs_plane_close(plane);
		return code;
	}
	*ret = plane;
	return ERR_OK;
}

enum err_code
ipvs_plane_targets_set(struct plane *plane, const struct plane_target *targets, size_t n,
    struct err *err)
{
	return ipvs_rows_set(&plane->rows, plane->cluster, targets, n, err);
}

void
ipvs_plane_settings_set(struct plane *plane, const struct plane_target *targets, size_t n)
{
	ipvs_rows_settings_set(&plane->rows, targets, n);
}

struct ipvs_view
ipvs_plane_view(const struct plane *plane)
{
	return (struct ipvs_view){ .cluster = plane->cluster, .have = &plane->have,
	    .before = &plane->before, .owned = &plane->owned,
	    .settings_only = plane->settings_only, .counts = true,
	    .first = !plane->polled_before, .now_s = clock_wall_s(), .now_ms = clock_steady_ms(),
	    .boot_s = plane->poll.counters_since };
}

/* -- a poll ---------------------------------------------------------------------------------- */

static void
poll_fail(struct plane *plane, enum plane_status status, enum job_fail_cause cause,
    const char *message)
{
	plane->error = (struct plane_error){ .status = status, .cause = cause };
	snprintf(plane->error.text, sizeof(plane->error.text), "%.255s", message);
	plane->polled(plane->arg, NULL, &plane->error);
}

static void
poll_answer(struct plane *plane)
{
	struct ipvs_view view = ipvs_plane_view(plane);

	/* The servers of the poll before are used again: they are some megabytes. */
	if (plane->poll.servers == NULL || plane->servers_room < plane->rows.n_reals) {
		free(plane->poll.servers);
		plane->servers_room = plane->rows.n_reals;
		plane->poll.servers = calloc(plane->servers_room + 1,
		    sizeof(*plane->poll.servers));
	}
	plane->poll.services = calloc(plane->rows.n_services + 1, sizeof(*plane->poll.services));
	plane->poll.service_counts = calloc(plane->rows.n_services + 1,
	    sizeof(*plane->poll.service_counts));
	if (plane->poll.servers == NULL || plane->poll.services == NULL ||
	    plane->poll.service_counts == NULL) {
		poll_fail(plane, PLANE_STATUS_FAILING, JOB_CAUSE_OTHER,
		    "out of memory for servers");
		return;
	}
	ipvs_sysctl_remark(&plane->rows, plane->poll.remark, &view.counts);
	ipvs_answer(&plane->rows, &view, &plane->poll);
	plane->polled_before = true;
	plane->polled(plane->arg, &plane->poll, NULL);
}

/* Removes the keys without a service from the file. */
static void
on_removed(void *arg, int error)
{
	struct plane *plane = arg;
	char name[IPVS_KEY_TEXT_SIZE], message[MODEL_MESSAGE_MAX + 1];
	struct err err;

	(void)error;	/* each request has it */
	for (size_t i = 0; i < plane->n_requests; i++) {
		const struct ipvs_request *request = &plane->requests[i];

		if (request->error != 0 && !ipvs_change_is_done(request)) {
			(void)ipvs_failure(request, request->error, message);
			log_limited(&removal_limit, LOG_LEVEL_WARN, "%s: %s", plane->cluster,
			    message);
			continue;
		}
		log_info("plane", "%s: %s: removed", plane->cluster,
		    ipvs_key_text(&request->service.key, name));
		ipvs_owned_remove(&plane->owned, &request->service.key);
		plane->n_removed++;
	}
	ipvs_plane_requests_free(plane);
	if (ipvs_owned_write(ipvs_directory(), plane->store, plane->cluster_id, &plane->owned,
	    &err) != ERR_OK)
		log_limited(&removal_limit, LOG_LEVEL_WARN, "%s: %s", plane->cluster, err.text);
	poll_answer(plane);
}

/* Makes the requests that remove what is left. Keys whose service does not exist leave the list.
 * With manage = settings lbcluster owns nothing: the other program keeps the services. */
static bool
left_requests(struct plane *plane, bool *ret_changed)
{
	struct ipvs_owned *owned = &plane->owned;

	*ret_changed = false;
	plane->requests = calloc(owned->n + 1, sizeof(*plane->requests));
	if (plane->requests == NULL)
		return false;
	for (size_t i = owned->n; i-- > 0;) {
		const struct ipvs_key key = owned->keys[i];
		const struct ipvs_entry *entry = ipvs_table_service(&plane->have, &key);

		if (!plane->settings_only && ipvs_rows_find(&plane->rows, &key) != NULL)
			continue;
		*ret_changed = true;
		if (plane->settings_only || entry == NULL)
			ipvs_owned_remove(owned, &key);
		else
			plane->requests[plane->n_requests++] = (struct ipvs_request){
			    .command = IPVS_CMD_DEL_SERVICE, .service = entry->service };
	}
	return true;
}

static void
on_polled(void *arg, int error)
{
	struct plane *plane = arg;
	char message[MODEL_MESSAGE_MAX + 1];
	bool changed = false;

	plane->polling = NULL;
	if (error != 0) {
		enum job_fail_cause cause = ipvs_failure(NULL, error, message);

		poll_fail(plane, cause == JOB_CAUSE_REJECTED ? PLANE_STATUS_FAILING :
		    PLANE_STATUS_UNREACHABLE, cause, message);
		return;
	}
	ipvs_plane_requests_free(plane);
	if (!left_requests(plane, &changed))
		poll_fail(plane, PLANE_STATUS_FAILING, JOB_CAUSE_OTHER, "out of memory for a poll");
	else if (plane->n_requests > 0)
		ipvs_socket_change(plane->socket, plane->requests, plane->n_requests, on_removed,
		    plane);
	else if (changed)
		on_removed(plane, 0);
	else
		poll_answer(plane);
}

static bool
is_read(void *arg, const struct ipvs_key *key)
{
	const struct plane *plane = arg;

	return ipvs_owned_has(&plane->owned, key) || ipvs_rows_find(&plane->rows, key) != NULL;
}

/* Without manage = settings a service that lbcluster did not make need not exist. */
static bool
is_expected(void *arg, size_t i, struct ipvs_key *ret)
{
	const struct plane *plane = arg;
	size_t n = plane->settings_only ? plane->rows.n_services : plane->owned.n;

	if (i < n)
		*ret = plane->settings_only ? plane->rows.by_key[i].key : plane->owned.keys[i];
	return i < n;
}

void
ipvs_plane_poll(struct plane *plane, plane_polled_fn fn, void *arg)
{
	struct err err;

	poll_free(plane);
	plane->polled = fn;
	plane->arg = arg;
	/* "--adopt" may have changed the file. */
	ipvs_owned_done(&plane->owned);
	if (ipvs_owned_store_check(ipvs_directory(), plane->store, &err) != ERR_OK ||
	    ipvs_owned_read(ipvs_directory(), plane->cluster_id, &plane->owned, &err) != ERR_OK) {
		poll_fail(plane, PLANE_STATUS_FAILING, JOB_CAUSE_OTHER, err.text);
		return;
	}
	plane->polling = ipvs_poll_new(plane->socket, &plane->have, is_read, is_expected, on_polled,
	    plane);
	if (plane->polling == NULL)
		poll_fail(plane, PLANE_STATUS_FAILING, JOB_CAUSE_OTHER, "out of memory for a poll");
}
