/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Carries out commands: sends the changes of services, then those of destinations. A change that
 * another program's change made impossible is not final: the next round makes the right one.
 */
#include "plane/ipvs/ipvs_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "plane/ipvs/ipvs_failure.h"
#include "util/log.h"

static bool
is_of_service(const struct ipvs_request *request)
{
	return request->command < IPVS_CMD_NEW_DEST;
}

/* -- results ------------------------------------------------------------------------------- */

/* Orders requests by service. The request of the service itself comes before those of its
 * destinations. */
static int
by_object(const void *a, const void *b)
{
	const struct ipvs_request *one = a, *other = b;
	int order = ipvs_key_compare(&one->service.key, &other->service.key);

	if (order != 0)
		return order;
	if (is_of_service(one) || is_of_service(other))
		return is_of_service(other) - is_of_service(one);
	return ipvs_endpoint_compare(&one->dest.address, one->dest.port, &other->dest.address,
	    other->dest.port);
}

/* Returns the failed request of the object of 'key'; NULL if there is none. */
static const struct ipvs_request *
failure_find(const struct ipvs_request *requests, size_t n, const struct ipvs_request *key)
{
	const struct ipvs_request *request =
	    n == 0 ? NULL : bsearch(key, requests, n, sizeof(*key), by_object);

	return request == NULL || request->error == 0 ? NULL : request;
}

/* Returns the failed request of the service; NULL if there is none. */
static const struct ipvs_request *
service_failure(const struct ipvs_request *requests, size_t n, const struct ipvs_service *service)
{
	const struct ipvs_request key = { .command = IPVS_CMD_SET_SERVICE, .service = *service };

	return failure_find(requests, n, &key);
}

static const struct ipvs_request *
dest_failure(const struct plane *plane, const struct ipvs_service *service,
    const struct ipvs_dest *dest)
{
	const struct ipvs_request key = { .command = IPVS_CMD_SET_DEST, .service = *service,
	    .dest = *dest };

	return failure_find(plane->requests, plane->n_requests, &key);
}

/* Returns the first failed request of a destination of the service. */
static const struct ipvs_request *
any_dest_failure(const struct plane *plane, const struct ipvs_key *key)
{
	size_t from = 0, end = plane->n_requests;

	while (from < end) {
		size_t middle = from + (end - from) / 2;

		if (ipvs_key_compare(&plane->requests[middle].service.key, key) < 0)
			from = middle + 1;
		else
			end = middle;
	}
	for (; from < plane->n_requests &&
	    ipvs_key_compare(&plane->requests[from].service.key, key) == 0; from++) {
		if (plane->requests[from].error != 0)
			return &plane->requests[from];
	}
	return NULL;
}

/* True if the service is in the file, or exists. Otherwise it must not be made. */
static bool
is_recorded(const struct plane *plane, const struct ipvs_key *key)
{
	return ipvs_owned_has(&plane->owned, key) ||
	    ipvs_table_service(&plane->have, key) != NULL;
}

/* Records the state that the kernel has now. 'row' is NULL for a command of a service. */
static void
command_succeed(const struct plane *plane, struct ipvs_row *row, struct plane_command *command)
{
	if (row == NULL) {
		snprintf(command->message, sizeof(command->message), "%s",
		    plane->poll.services[command->at].message);
	} else if (command->kind == PLANE_COMMAND_STATE) {
		row->commanded = true;
		row->state = (enum plane_state)command->value;
	} else if (command->kind == PLANE_COMMAND_WEIGHT) {
		row->dest.weight = command->value;
	}
}

/* Sets the result of a command. */
static void
command_judge(struct plane *plane, const struct ipvs_view *view, struct plane_command *command)
{
	struct ipvs_row *row = command->kind == PLANE_COMMAND_SERVICE ? NULL :
	    &plane->rows.reals[command->at];
	const struct ipvs_service *service =
	    &plane->rows.services[row == NULL ? command->at : row->service].service;
	const struct ipvs_request *failure;

	command->cause = JOB_CAUSE_NONE;
	command->message[0] = '\0';
	if (ipvs_is_foreign(view, &service->key)) {
		command->cause = JOB_CAUSE_REJECTED;
		ipvs_foreign_message(view, &service->key, command->message);
		return;
	}
	if (plane->unrecorded.code != ERR_OK && !is_recorded(plane, &service->key)) {
		command->cause = JOB_CAUSE_OTHER;
		snprintf(command->message, sizeof(command->message), "%.255s",
		    plane->unrecorded.text);
		return;
	}
	failure = service_failure(plane->requests, plane->n_requests, service);
	if (failure == NULL)
		failure = row == NULL ? any_dest_failure(plane, &service->key) :
		    dest_failure(plane, service, &row->dest);
	if (failure == NULL)
		command_succeed(plane, row, command);
	else
		command->cause = ipvs_failure(failure, failure->error, command->message);
}

static void
on_dests_changed(void *arg, int error)
{
	struct plane *plane = arg;
	const struct ipvs_view view = ipvs_plane_view(plane);

	(void)error;	/* each request has it */
	for (size_t i = 0; i < plane->n_requests; i++) {
		if (ipvs_change_is_done(&plane->requests[i]))
			plane->requests[i].error = 0;
	}
	if (plane->n_requests > 0)
		qsort(plane->requests, plane->n_requests, sizeof(*plane->requests), by_object);
	for (size_t i = 0; i < plane->n_commands; i++)
		command_judge(plane, &view, &plane->commands[i]);
	ipvs_plane_requests_free(plane);
	plane->applied(plane->arg);
}

/* -- changes ------------------------------------------------------------------------------- */

static void
apply_refuse(struct plane *plane, const char *message)
{
	for (size_t i = 0; i < plane->n_commands; i++) {
		plane->commands[i].cause = JOB_CAUSE_OTHER;
		snprintf(plane->commands[i].message, sizeof(plane->commands[i].message), "%s",
		    message);
	}
	ipvs_plane_requests_free(plane);
	plane->applied(plane->arg);
}

/* Removes the services from the file that another program made since the poll. */
static enum err_code
foreign_release(struct plane *plane, struct err *err)
{
	bool changed = false;

	for (size_t i = 0; i < plane->n_services; i++) {
		const struct ipvs_request *request = &plane->requests[i];

		if (request->command != IPVS_CMD_NEW_SERVICE || request->error != EEXIST)
			continue;
		ipvs_owned_remove(&plane->owned, &request->service.key);
		changed = true;
	}
	return changed ? ipvs_owned_write(ipvs_directory(), plane->store, plane->cluster_id,
	    &plane->owned, err) : ERR_OK;
}

/* A service that was not made or changed may be another program's, so its destinations are not
 * sent. */
static void
on_services_changed(void *arg, int error)
{
	struct plane *plane = arg;
	size_t n = plane->n_services;
	struct err err;

	(void)error;	/* each request has it */
	if (foreign_release(plane, &err) != ERR_OK)
		log_warn("plane", "%s: %s", plane->cluster, err.text);
	for (size_t i = n; i < plane->n_requests; i++) {
		if (service_failure(plane->requests, plane->n_services,
		    &plane->requests[i].service) == NULL)
			plane->requests[n++] = plane->requests[i];
	}
	plane->n_requests = n;
	if (n > plane->n_services)
		ipvs_socket_change(plane->socket, plane->requests + plane->n_services,
		    n - plane->n_services, on_dests_changed, plane);
	else
		on_dests_changed(plane, 0);
}

/* Records the services that are about to be made. Reads the file again, because --adopt may have
 * changed it since the poll. */
static enum err_code
owned_add(struct plane *plane, struct err *err)
{
	bool changed = false;
	size_t i = 0;

	while (i < plane->n_services && plane->requests[i].command != IPVS_CMD_NEW_SERVICE)
		i++;
	if (i == plane->n_services)
		return ERR_OK;
	ipvs_owned_done(&plane->owned);
	if (ipvs_owned_read(ipvs_directory(), plane->cluster_id, &plane->owned, err) != ERR_OK)
		return err->code;
	for (; i < plane->n_services; i++) {
		const struct ipvs_request *request = &plane->requests[i];

		if (request->command != IPVS_CMD_NEW_SERVICE ||
		    ipvs_owned_has(&plane->owned, &request->service.key))
			continue;
		if (!ipvs_owned_add(&plane->owned, &request->service.key))
			return err_set(err, ERR_NOMEM, "out of memory for a service");
		changed = true;
	}
	return changed ? ipvs_owned_write(ipvs_directory(), plane->store, plane->cluster_id,
	    &plane->owned, err) : ERR_OK;
}

/* Drops the requests of services that could not be recorded. All other changes are made, because a
 * server that is down has to be removed. */
static enum err_code
unrecorded_drop(struct plane *plane, struct err *err)
{
	size_t n = 0, n_services = 0;

	ipvs_owned_done(&plane->owned);
	if (ipvs_owned_read(ipvs_directory(), plane->cluster_id, &plane->owned, err) != ERR_OK)
		return err->code;
	for (size_t i = 0; i < plane->n_requests; i++) {
		if (!is_recorded(plane, &plane->requests[i].service.key))
			continue;
		n_services += i < plane->n_services;
		plane->requests[n++] = plane->requests[i];
	}
	plane->n_requests = n;
	plane->n_services = n_services;
	return ERR_OK;
}

/* Makes the requests for the commands. */
static bool
requests_make(struct plane *plane)
{
	const struct ipvs_view view = ipvs_plane_view(plane);
	struct ipvs_table wanted;
	bool ok;

	if (!ipvs_wanted_make(&plane->rows, &view, plane->poll.servers, plane->commands,
	    plane->n_commands, &wanted))
		return false;
	ok = ipvs_changes_make(&plane->have, &wanted, &plane->requests, &plane->n_requests);
	ipvs_table_done(&wanted);
	while (ok && plane->n_services < plane->n_requests &&
	    plane->requests[plane->n_services].command != IPVS_CMD_DEL_SERVICE &&
	    is_of_service(&plane->requests[plane->n_services]))
		plane->n_services++;
	return ok;
}

void
ipvs_plane_apply(struct plane *plane, struct plane_command *commands, size_t n,
    plane_applied_fn fn, void *arg)
{
	struct err err;

	plane->commands = commands;
	plane->n_commands = n;
	plane->applied = fn;
	plane->arg = arg;
	ipvs_plane_requests_free(plane);
	if (!requests_make(plane)) {
		apply_refuse(plane, "out of memory for changes");
		return;
	}
	plane->unrecorded.code = owned_add(plane, &plane->unrecorded);
	if (plane->unrecorded.code != ERR_OK && unrecorded_drop(plane, &err) != ERR_OK)
		apply_refuse(plane, err.text);
	else if (plane->n_services > 0)
		ipvs_socket_change(plane->socket, plane->requests, plane->n_services,
		    on_services_changed, plane);
	else
		on_services_changed(plane, 0);
}
