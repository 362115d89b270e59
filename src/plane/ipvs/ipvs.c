/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The data plane IPVS; see ipvs.h. A poll reads the services of the cluster from the kernel, and
 * removes those that lbcluster made and the store no longer has. Commands become the changes
 * between the table of that poll and the wanted table.
 */
#include "plane/ipvs/ipvs.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "plane/ipvs/ipvs_answer.h"
#include "plane/ipvs/ipvs_failure.h"
#include "plane/params.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/num.h"

struct plane {
	struct loop		*loop;
	uint32_t		 cluster_id;
	char			 cluster[MODEL_NAME_MAX + 1];
	bool			 settings_only;	/* manage = settings */
	struct ipvs_socket	*socket;
	struct ipvs_poll	*polling;
	struct ipvs_owned	 owned;
	struct ipvs_rows	 rows;
	struct ipvs_table	 have;		/* of the latest poll */
	bool			 polled_before;
	size_t			 n_removed;	/* services that the store no longer had */
	struct plane_poll	 poll;
	struct plane_error	 error;
	void			*arg;		/* of 'polled' or 'applied' */
	plane_polled_fn		 polled;
	plane_applied_fn	 applied;
	struct plane_command	*commands;
	size_t			 n_commands;
	/* The changes of the commands, or the removals of a poll. Those of services come first. */
	struct ipvs_request	*requests, *again;
	size_t			 n_requests, n_services, n_again;
};

/* -- open and close -------------------------------------------------------------------------- */

const char *
ipvs_directory(void)
{
	const char *directory = getenv("RUNTIME_DIRECTORY");

	return directory == NULL || directory[0] != '/' ? IPVS_OWNED_DIR : directory;
}

static void
requests_free(struct plane *plane)
{
	free(plane->requests);
	free(plane->again);
	plane->requests = plane->again = NULL;
	plane->n_requests = plane->n_services = plane->n_again = 0;
}

static void
poll_free(struct plane *plane)
{
	free(plane->poll.servers);
	free(plane->poll.services);
	plane->poll.servers = NULL;
	plane->poll.services = NULL;
	ipvs_table_done(&plane->have);
}

static void
plane_close(struct plane *plane)
{
	if (plane == NULL)
		return;
	ipvs_socket_free(plane->socket);
	ipvs_poll_cancel(plane->polling);
	requests_free(plane);
	poll_free(plane);
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

static enum err_code
plane_open(struct loop *loop, const struct plane_cluster *cluster, int timeout_ms,
    struct plane **ret, struct err *err)
{
	struct plane *plane = calloc(1, sizeof(*plane));
	struct params params;
	enum err_code code = ERR_NOMEM;

	if (plane != NULL)
		plane->socket = ipvs_socket_new(loop, timeout_ms);
	if (plane == NULL || plane->socket == NULL) {
		plane_close(plane);
		return err_set(err, ERR_NOMEM, "out of memory for a data plane");
	}
	plane->loop = loop;
	plane->cluster_id = cluster->id;
	snprintf(plane->cluster, sizeof(plane->cluster), "%s", cluster->name);
	plane->poll.epoch = plane->poll.restarts = 1;
	plane->poll.counters_since = boot_s();
	params_default(&params);
	code = params_read("ipvs", PARAM_CLUSTER, cluster->params, &params, err);
	plane->settings_only = params.manage == PARAM_MANAGE_SETTINGS;
	if (plane->settings_only)
		plane->poll.fallback_problem = "manage = settings: the program that makes the"
		    " services decides when the fallback works; write manage = all";
	if (code != ERR_OK) {
		plane_close(plane);
		return code;
	}
	*ret = plane;
	return ERR_OK;
}

static enum err_code
plane_targets_set(struct plane *plane, const struct plane_target *targets, size_t n,
    struct err *err)
{
	return ipvs_rows_set(&plane->rows, plane->cluster, targets, n, err);
}

static struct ipvs_view
view_of(const struct plane *plane)
{
	return (struct ipvs_view){ .cluster = plane->cluster, .have = &plane->have,
	    .owned = &plane->owned, .settings_only = plane->settings_only, .counts = true,
	    .first = !plane->polled_before, .now_s = clock_wall_s(),
	    .boot_s = plane->poll.counters_since };
}

static enum err_code
owned_write(const struct plane *plane, struct err *err)
{
	const char *directory = ipvs_directory();

	(void)mkdir(directory, 0755);	/* ipvs_owned_write() reports that it does not exist */
	return ipvs_owned_write(directory, plane->cluster_id, &plane->owned, err);
}

/* -- sysctls --------------------------------------------------------------------------------- */

/* Returns the number of a sysctl of IPVS; 'otherwise' if the kernel does not have it. */
static int
sysctl_read(const char *name, int otherwise)
{
	char path[64], text[16] = "";
	uint64_t number;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/vs/%s", name);
	file = fopen(path, "re");
	if (file == NULL)
		return otherwise;
	if (fgets(text, sizeof(text), file) != NULL)
		text[strcspn(text, "\n")] = '\0';
	fclose(file);
	return num_parse(text, 0, INT_MAX, &number) == ERR_OK ? (int)number : otherwise;
}

static bool
is_persistent(const struct ipvs_row_service *service)
{
	return (service->service.flags & IP_VS_SVC_F_PERSISTENT) != 0;
}

static bool
is_udp(const struct ipvs_row_service *service)
{
	return service->service.key.protocol == IPPROTO_UDP;
}

/* The settings of the kernel that a cluster needs. The driver never writes them, because they
 * belong to all programs of the network namespace. */
static const struct {
	const char	*name;
	int		 wanted;
	bool		(*needs)(const struct ipvs_row_service *service);	/* NULL: all do */
	const char	*text;
} sysctls[] = {
	{ "expire_nodest_conn", 1, is_udp, "clients of UDP stay with a server that was removed" },
	{ "expire_quiescent_template", 1, is_persistent,
	    "persistent clients stay with a server that drains" },
	{ "run_estimation", 1, NULL, "the kernel counts no traffic" },
};

static bool
sysctl_needed(const struct plane *plane, size_t i)
{
	bool needed = sysctls[i].needs == NULL;

	for (size_t j = 0; j < plane->rows.n_services && !needed; j++)
		needed = sysctls[i].needs(&plane->rows.services[j]);
	return needed;
}

/* Writes the first setting that is not as the cluster needs it. */
static void
remark_write(struct plane *plane, bool *ret_counts)
{
	plane->poll.remark[0] = '\0';
	for (size_t i = 0; i < ROWS(sysctls); i++) {
		int value = sysctl_read(sysctls[i].name, sysctls[i].wanted);

		if (sysctls[i].needs == NULL)
			*ret_counts = value != 0;
		if (value == sysctls[i].wanted || plane->poll.remark[0] != '\0' ||
		    !sysctl_needed(plane, i))
			continue;
		snprintf(plane->poll.remark, sizeof(plane->poll.remark),
		    "%s; run sysctl -w net.ipv4.vs.%s=%d", sysctls[i].text, sysctls[i].name,
		    sysctls[i].wanted);
	}
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
	struct ipvs_view view = view_of(plane);

	plane->poll.servers = calloc(plane->rows.n_reals + 1, sizeof(*plane->poll.servers));
	plane->poll.services = calloc(plane->rows.n_services + 1, sizeof(*plane->poll.services));
	if (plane->poll.servers == NULL || plane->poll.services == NULL) {
		poll_fail(plane, PLANE_STATUS_FAILING, JOB_CAUSE_OTHER,
		    "out of memory for servers");
		return;
	}
	remark_write(plane, &view.counts);
	ipvs_answer(&plane->rows, &view, &plane->poll);
	plane->polled_before = true;
	plane->polled(plane->arg, &plane->poll, NULL);
}

/* True if lbcluster made the service and the store no longer has it. */
static bool
is_left(const struct plane *plane, const struct ipvs_key *key)
{
	return ipvs_owned_has(&plane->owned, key) && ipvs_rows_find(&plane->rows, key) == NULL;
}

/* Removes the keys without a service from the file. */
static void
on_removed(void *arg, int error)
{
	struct plane *plane = arg;
	char name[IPVS_KEY_TEXT_SIZE], message[MODEL_MESSAGE_MAX + 1];
	struct err err;

	for (size_t i = 0; i < plane->n_requests; i++) {
		struct ipvs_request *request = &plane->requests[i];

		if (error == 0)
			(void)ipvs_change_correct(request);
		if (error != 0 || request->error != 0) {
			(void)ipvs_failure(request, error != 0 ? error : request->error, message);
			log_warn("plane", "%s: %s", plane->cluster, message);
			continue;
		}
		log_info("plane", "%s: %s: removed, because the store no longer has it",
		    plane->cluster, ipvs_key_text(&request->service.key, name));
		ipvs_owned_remove(&plane->owned, &request->service.key);
		plane->n_removed++;
	}
	requests_free(plane);
	if (owned_write(plane, &err) != ERR_OK)
		log_warn("plane", "%s: %s", plane->cluster, err.text);
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

		if (!plane->settings_only && !is_left(plane, &key))
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
	requests_free(plane);
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

static void
plane_poll(struct plane *plane, plane_polled_fn fn, void *arg)
{
	struct err err;

	poll_free(plane);
	plane->polled = fn;
	plane->arg = arg;
	/* "--adopt" may have changed the file. */
	ipvs_owned_done(&plane->owned);
	if (ipvs_owned_read(ipvs_directory(), plane->cluster_id, &plane->owned, &err) != ERR_OK) {
		poll_fail(plane, PLANE_STATUS_FAILING, JOB_CAUSE_OTHER, err.text);
		return;
	}
	plane->polling = ipvs_poll_new(plane->socket, &plane->have, is_read, on_polled, plane);
	if (plane->polling == NULL)
		poll_fail(plane, PLANE_STATUS_FAILING, JOB_CAUSE_OTHER, "out of memory for a poll");
}

/* -- commands: results ----------------------------------------------------------------------- */

static int
request_compare(const struct ipvs_request *a, const struct ipvs_request *b)
{
	bool a_service = a->command < IPVS_CMD_NEW_DEST, b_service = b->command < IPVS_CMD_NEW_DEST;
	int order = ipvs_key_compare(&a->service.key, &b->service.key);

	if (order != 0)
		return order;
	if (a_service || b_service)
		return a_service == b_service ? 0 : a_service ? -1 : 1;
	return ipvs_endpoint_compare(&a->dest.address, a->dest.port, &b->dest.address,
	    b->dest.port);
}

static int
by_object(const void *a, const void *b)
{
	return request_compare(a, b);
}

static const struct ipvs_request *
request_find(const struct plane *plane, const struct ipvs_request *key)
{
	return plane->n_requests == 0 ? NULL :
	    bsearch(key, plane->requests, plane->n_requests, sizeof(*key), by_object);
}

/* The first request that failed of that service or of its destinations. */
static const struct ipvs_request *
service_failure(const struct plane *plane, const struct ipvs_row_service *service)
{
	for (size_t i = 0; i < plane->n_requests; i++) {
		const struct ipvs_request *request = &plane->requests[i];

		if (request->error != 0 &&
		    ipvs_key_compare(&request->service.key, &service->service.key) == 0)
			return request;
	}
	return NULL;
}

/* Sets the result of a command, and records the state that the kernel has now. */
static void
command_judge(struct plane *plane, struct plane_command *command)
{
	bool of_service = command->kind == PLANE_COMMAND_SERVICE;
	struct ipvs_row *row = of_service ? NULL : &plane->rows.reals[command->at];
	const struct ipvs_row_service *service =
	    &plane->rows.services[of_service ? command->at : row->service];
	const struct ipvs_view view = view_of(plane);
	const struct ipvs_request *request;

	command->cause = JOB_CAUSE_NONE;
	command->message[0] = '\0';
	if (ipvs_is_foreign(&view, &service->service.key)) {
		command->cause = JOB_CAUSE_REJECTED;
		ipvs_foreign_message(&view, &service->service.key, command->message);
		return;
	}
	if (of_service) {
		request = service_failure(plane, service);
	} else {
		const struct ipvs_request key = { .command = IPVS_CMD_SET_DEST,
		    .service = service->service, .dest = row->dest };

		request = request_find(plane, &key);
	}
	if (request != NULL && request->error != 0) {
		command->cause = ipvs_failure(request, request->error, command->message);
		return;
	}
	if (of_service) {
		snprintf(command->message, sizeof(command->message), "%s",
		    plane->poll.services[command->at].message);
	} else if (command->kind == PLANE_COMMAND_STATE) {
		row->told = true;
		row->state = (enum plane_state)command->value;
	} else if (command->kind == PLANE_COMMAND_WEIGHT) {
		row->dest.weight = command->value;
	}
}

static void
apply_finish(struct plane *plane)
{
	if (plane->n_requests > 0)
		qsort(plane->requests, plane->n_requests, sizeof(*plane->requests), by_object);
	for (size_t i = 0; i < plane->n_commands; i++)
		command_judge(plane, &plane->commands[i]);
	requests_free(plane);
	plane->applied(plane->arg);
}

/* -- commands: changes ----------------------------------------------------------------------- */

static void
apply_refuse(struct plane *plane, const char *message)
{
	for (size_t i = 0; i < plane->n_commands; i++) {
		plane->commands[i].cause = JOB_CAUSE_OTHER;
		snprintf(plane->commands[i].message, sizeof(plane->commands[i].message), "%s",
		    message);
	}
	requests_free(plane);
	plane->applied(plane->arg);
}

static void
on_again(void *arg, int error)
{
	struct plane *plane = arg;

	(void)error;	/* each request has it */
	for (size_t i = 0; i < plane->n_again; i++) {
		const struct ipvs_request *again = &plane->again[i];

		for (size_t j = 0; j < plane->n_requests; j++) {
			if (plane->requests[j].command == again->command &&
			    request_compare(&plane->requests[j], again) == 0)
				plane->requests[j].error = again->error;
		}
	}
	apply_finish(plane);
}

/* Sends the changes again that another program's change turned into another one. */
static void
corrections_send(struct plane *plane)
{
	plane->again = calloc(plane->n_requests + 1, sizeof(*plane->again));
	for (size_t i = 0; plane->again != NULL && i < plane->n_requests; i++) {
		if (ipvs_change_correct(&plane->requests[i]))
			plane->again[plane->n_again++] = plane->requests[i];
	}
	if (plane->n_again > 0)
		ipvs_socket_change(plane->socket, plane->again, plane->n_again, on_again, plane);
	else
		apply_finish(plane);
}

static void
on_dests_changed(void *arg, int error)
{
	(void)error;	/* each request has it */
	corrections_send(arg);
}

/* True if the change of the service failed; the change of the destination gets its error. */
static bool
service_failed(const struct plane *plane, struct ipvs_request *request)
{
	for (size_t i = 0; i < plane->n_services; i++) {
		const struct ipvs_request *of = &plane->requests[i];

		if (of->error == 0 ||
		    ipvs_key_compare(&of->service.key, &request->service.key) != 0)
			continue;
		request->command = of->command;
		request->error = of->error;
		return true;
	}
	return false;
}

/* A service that another program made since the poll is not lbcluster's: its destinations are not
 * sent. */
static void
on_services_changed(void *arg, int error)
{
	struct plane *plane = arg;
	bool failed = false;
	struct err err;

	(void)error;	/* each request has it */
	for (size_t i = 0; i < plane->n_services; i++) {
		struct ipvs_request *request = &plane->requests[i];

		failed |= request->error != 0;
		if (request->command != IPVS_CMD_NEW_SERVICE || request->error != EEXIST)
			continue;
		ipvs_owned_remove(&plane->owned, &request->service.key);
		if (owned_write(plane, &err) != ERR_OK)
			log_warn("plane", "%s: %s", plane->cluster, err.text);
	}
	for (size_t i = plane->n_services; failed && i < plane->n_requests; i++) {
		struct ipvs_request moved = plane->requests[i];

		if (!service_failed(plane, &moved))
			continue;
		plane->requests[i] = plane->requests[plane->n_services];
		plane->requests[plane->n_services++] = moved;
	}
	if (plane->n_services == plane->n_requests)
		apply_finish(plane);
	else
		ipvs_socket_change(plane->socket, plane->requests + plane->n_services,
		    plane->n_requests - plane->n_services, on_dests_changed, plane);
}

/* Records the services that are about to be made. */
static enum err_code
owned_add(struct plane *plane, struct err *err)
{
	bool changed = false;

	for (size_t i = 0; i < plane->n_requests; i++) {
		const struct ipvs_request *request = &plane->requests[i];

		if (request->command != IPVS_CMD_NEW_SERVICE ||
		    ipvs_owned_has(&plane->owned, &request->service.key))
			continue;
		if (!ipvs_owned_add(&plane->owned, &request->service.key))
			return err_set(err, ERR_NOMEM, "out of memory for a service");
		changed = true;
	}
	return changed ? owned_write(plane, err) : ERR_OK;
}

static void
plane_apply(struct plane *plane, struct plane_command *commands, size_t n, plane_applied_fn fn,
    void *arg)
{
	const struct ipvs_view view = view_of(plane);
	struct ipvs_table wanted;
	struct err err;
	bool ok;

	plane->commands = commands;
	plane->n_commands = n;
	plane->applied = fn;
	plane->arg = arg;
	requests_free(plane);
	ok = ipvs_wanted_make(&plane->rows, &view, plane->poll.servers, commands, n, &wanted);
	if (ok) {
		ok = ipvs_changes_make(&plane->have, &wanted, &plane->requests, &plane->n_requests);
		ipvs_table_done(&wanted);
	}
	if (!ok) {
		apply_refuse(plane, "out of memory for changes");
		return;
	}
	if (owned_add(plane, &err) != ERR_OK) {
		apply_refuse(plane, err.text);
		return;
	}
	while (plane->n_services < plane->n_requests &&
	    (plane->requests[plane->n_services].command == IPVS_CMD_NEW_SERVICE ||
	    plane->requests[plane->n_services].command == IPVS_CMD_SET_SERVICE))
		plane->n_services++;
	if (plane->n_services > 0)
		ipvs_socket_change(plane->socket, plane->requests, plane->n_services,
		    on_services_changed, plane);
	else
		on_services_changed(plane, 0);
}

/* -- withdrawal ------------------------------------------------------------------------------ */

/* The result: the number of services that were removed, and a message if 'code' is not ERR_OK. */
typedef void (*withdrawn_fn)(void *arg, enum err_code code, size_t n, const char *message);

struct withdrawal {
	struct plane		*plane;
	withdrawn_fn	 fn;
	void			*arg;
	size_t			 n;
	struct loop_timer	 timer;
	struct err		 err;
};

static void
withdrawal_finish(void *arg)
{
	struct withdrawal *withdrawal = arg;

	withdrawal->fn(withdrawal->arg, withdrawal->err.code, withdrawal->n,
	    withdrawal->err.code == ERR_OK ? "" : withdrawal->err.text);
}

static void
on_withdrawn(void *arg, const struct plane_poll *poll, const struct plane_error *error)
{
	struct withdrawal *withdrawal = arg;
	const struct plane *plane = withdrawal->plane;
	char name[IPVS_KEY_TEXT_SIZE];

	(void)poll;
	if (error != NULL)
		err_set(&withdrawal->err, ERR_IO, "%.250s", error->text);
	else if (plane->owned.n > 0)
		err_set(&withdrawal->err, ERR_IO, "%s: not removed",
		    ipvs_key_text(&plane->owned.keys[0], name));
	withdrawal->n = plane->n_removed;
	loop_timer_set(plane->loop, &withdrawal->timer, 0, withdrawal_finish, withdrawal);
}

/* Removes what lbcluster made for a cluster, and its file. Calls fn(arg) once, from the loop; there
 * the withdrawal may be freed. NULL without memory. */
static struct withdrawal *
withdraw(struct loop *loop, const struct plane_cluster *cluster, int timeout_ms,
    withdrawn_fn fn, void *arg)
{
	struct withdrawal *withdrawal = calloc(1, sizeof(*withdrawal));

	if (withdrawal == NULL)
		return NULL;
	withdrawal->fn = fn;
	withdrawal->arg = arg;
	if (plane_open(loop, cluster, timeout_ms, &withdrawal->plane, &withdrawal->err) != ERR_OK) {
		loop_timer_set(loop, &withdrawal->timer, 0, withdrawal_finish, withdrawal);
		return withdrawal;
	}
	withdrawal->err.code = ERR_OK;
	plane_poll(withdrawal->plane, on_withdrawn, withdrawal);
	return withdrawal;
}

static void
withdrawal_free(struct withdrawal *withdrawal)
{
	if (withdrawal == NULL)
		return;
	plane_close(withdrawal->plane);
	free(withdrawal);
}

/* -- clusters that are gone ------------------------------------------------------------------ */

enum { SWEEP_TIMEOUT_MS = 5000 };

struct sweep {
	uint32_t		 cluster_id;
	struct withdrawal	*withdrawal;
};

static void
on_swept(void *arg, enum err_code code, size_t n, const char *message)
{
	struct sweep *sweep = arg;

	if (code != ERR_OK)
		log_warn("plane", "cluster %u, which the store no longer has: %s",
		    sweep->cluster_id, message);
	else
		log_info("plane", "cluster %u, which the store no longer has: %zu services removed",
		    sweep->cluster_id, n);
	withdrawal_free(sweep->withdrawal);
	free(sweep);
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
sweep_begin(struct loop *loop, uint32_t id)
{
	const struct plane_cluster cluster = { .id = id, .name = "", .params = "" };
	struct sweep *sweep = calloc(1, sizeof(*sweep));

	if (sweep == NULL)
		return;
	sweep->cluster_id = id;
	sweep->withdrawal = withdraw(loop, &cluster, SWEEP_TIMEOUT_MS, on_swept, sweep);
	if (sweep->withdrawal == NULL)
		free(sweep);
}

static void
plane_sweep(struct loop *loop, const uint32_t *cluster_ids, size_t n)
{
	uint32_t *made = NULL;
	size_t n_made = 0;
	struct err err;

	if (ipvs_owned_clusters(ipvs_directory(), &made, &n_made, &err) != ERR_OK)
		log_warn("plane", "%s", err.text);
	for (size_t i = 0; i < n_made; i++) {
		if (!is_among(made[i], cluster_ids, n))
			sweep_begin(loop, made[i]);
	}
	free(made);
}

/* -- commands of a person -------------------------------------------------------------------- */

struct waiting {
	struct loop	*loop;
	enum err_code	 code;
	size_t		 n;
	struct err	*err;
};

static void
on_awaited(void *arg, enum err_code code, size_t n, const char *message)
{
	struct waiting *waiting = arg;

	waiting->code = code == ERR_OK ? ERR_OK : err_set(waiting->err, code, "%s", message);
	waiting->n = n;
	loop_stop(waiting->loop);
}

static enum err_code
plane_withdraw(const struct plane_cluster *cluster, int timeout_ms, size_t *ret_n, struct err *err)
{
	struct waiting waiting = { .loop = loop_new(), .err = err };
	struct withdrawal *withdrawal = waiting.loop == NULL ? NULL :
	    withdraw(waiting.loop, cluster, timeout_ms, on_awaited, &waiting);

	if (withdrawal == NULL) {
		loop_free(waiting.loop);
		return err_set(err, ERR_NOMEM, "out of memory");
	}
	loop_run(waiting.loop);
	withdrawal_free(withdrawal);
	loop_free(waiting.loop);
	*ret_n = waiting.n;
	return waiting.code;
}

static enum err_code
plane_adopt(const struct plane_cluster *cluster, const struct plane_target *targets, size_t n,
    size_t *ret_n, struct err *err)
{
	struct ipvs_owned owned = { 0 };
	struct ipvs_rows rows = { 0 };
	enum err_code code = ipvs_rows_set(&rows, cluster->name, targets, n, err);

	for (size_t i = 0; i < rows.n_services && code == ERR_OK; i++) {
		if (!ipvs_owned_add(&owned, &rows.services[i].service.key))
			code = err_set(err, ERR_NOMEM, "out of memory for a service");
	}
	*ret_n = owned.n;
	if (code == ERR_OK) {
		(void)mkdir(ipvs_directory(), 0755);
		code = ipvs_owned_write(ipvs_directory(), cluster->id, &owned, err);
	}
	ipvs_owned_done(&owned);
	ipvs_rows_done(&rows);
	return code;
}

const struct plane_kind_ops ipvs_plane = {
	.kind = "ipvs",
	.title = "IPVS",
	.states = {
		[PLANE_READY] = { "ready", NULL, NULL },
		[PLANE_DRAIN] = { "weight 0", "drained by lbcluster",
		    "weight 0 by another program" },
		[PLANE_OUT] = { "removed", "removed by lbcluster", "removed by another program" },
	},
	.weight_advice = "stop that (keepalived, ldirectord, ipvsadm)",
	.state_advice = "stop that (keepalived, ldirectord, ipvsadm)",
	.out_removes = true,
	.open = plane_open,
	.close = plane_close,
	.targets_set = plane_targets_set,
	.poll = plane_poll,
	.apply = plane_apply,
	.adopt = plane_adopt,
	.withdraw = plane_withdraw,
	.sweep = plane_sweep,
};
