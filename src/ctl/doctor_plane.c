/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Checks of the doctor on the data plane of each cluster: its driver, the sockets of HAProxy, IPVS
 * (doctor_ipvs.c), and the status in the store.
 */
#include "ctl/doctor_ipvs.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plane/haproxy/haproxy.h"
#include "util/clock.h"
#include "util/memory.h"

enum { KINDS_MAX = 8, POLL_MS = 5000 };

/* The drivers reported so far, one for a kind of data plane. */
struct planes {
	struct doctor		*doctor;
	struct doctor_ipvs	 ipvs;
	size_t			 n;
	struct driver {
		const char		*name;		/* of its program */
		struct process		process;
		enum lock_state		lock;
	}			 drivers[KINDS_MAX];
};

/* -- drivers ---------------------------------------------------------------------------- */

static void
driver_report(struct doctor *doctor, const struct driver *driver)
{
	const struct process *process = &driver->process;
	char user[CTL_NAME_SIZE];

	if (driver->lock == LOCK_UNKNOWN)
		doctor_unknown(doctor, NULL, "it is unknown whether %s runs", driver->name);
	else if (driver->lock == LOCK_FREE)
		doctor_fail(doctor, doctor_fix(doctor, "systemctl start %s", driver->name),
		    "%s does not run: jobs stay queued, statistics become stale", driver->name);
	else if (process->known && process->state == 'T')
		doctor_fail(doctor, doctor_fix(doctor, "kill -CONT %ld", (long)process->pid),
		    "%s is stopped, pid %ld", driver->name, (long)process->pid);
	else
		doctor_ok(doctor, "%s runs, pid %ld%s%s", driver->name, (long)process->pid,
		    process->known ? ", user " : "",
		    process->known ? ctl_user(process->uid, user) : "");
}

/* Finds the driver of a kind, and reports it the first time. NULL if there are too many kinds. */
static const struct driver *
driver_find(struct planes *planes, const struct plane_kind *kind)
{
	struct driver *driver;

	for (size_t i = 0; i < planes->n; i++) {
		if (planes->drivers[i].name == kind->driver)
			return &planes->drivers[i];
	}
	if (planes->n == KINDS_MAX)
		return NULL;
	driver = &planes->drivers[planes->n++];
	driver->name = kind->driver;
	driver->lock = process_of_lock(planes->doctor->ctl->store_dir, driver->name,
	    &driver->process);
	driver_report(planes->doctor, driver);
	return driver;
}

/* -- sockets of HAProxy -------------------------------------------------------------------- */

/* Returns the line of haproxy.cfg that opens the socket for a driver. */
static const char *
socket_fix(struct doctor *doctor, const char *socket)
{
	char line[PATH_MAX];

	return doctor_fix(doctor, "haproxy.cfg: %s\nsystemctl restart haproxy",
	    haproxy_socket_line(socket, line, sizeof(line)));
}

static const char *
inventory_fix(struct doctor *doctor, const char *cluster, const char *plane)
{
	return doctor_fix(doctor, "inventory file: cluster %s { plane = %s }\n"
	    "lbclusterctl load FILE", cluster, plane);
}

/* Checks whether this user, and the user of the driver, may connect to a UNIX socket. True if
 * there was nothing to report. */
static bool
unix_check(struct doctor *doctor, const char *cluster, const char *path,
    const struct driver *driver)
{
	char part[PATH_MAX], user[CTL_NAME_SIZE], group[CTL_NAME_SIZE], line[PATH_MAX];
	struct endpoint endpoint = { .kind = ENDPOINT_UNIX };
	struct dial_result dialed;
	struct stat st;

	snprintf(endpoint.path, sizeof(endpoint.path), "%s", path);
	dialed = doctor_connect(&endpoint);
	if (dialed.status == DIAL_CONNECTED) {
		close(dialed.fd);
	} else if (dialed.code == EACCES || dialed.code == EPERM) {
		doctor_need_root(doctor, "%s: %s: you may not connect", cluster, path);
		return false;
	} else {
		doctor_fail(doctor, socket_fix(doctor, path), "%s: %s: %s", cluster,
		    path, strerror(dialed.code));
		return false;
	}
	if (driver == NULL || !driver->process.known || process_reach(&driver->process, path,
	    ACCESS_READ | ACCESS_WRITE, part, &st) != EACCES)
		return true;
	ctl_user(driver->process.uid, user);
	doctor_fail(doctor, doctor_fix(doctor, "haproxy.cfg: %s\n"
	    "usermod -aG %s %s\nsystemctl restart lbcluster-haproxy",
	    haproxy_socket_line(path, line, sizeof(line)), ctl_group(st.st_gid, group), user),
	    "%s: %s has mode %04o: the user of lbcluster-haproxy, %s, may not connect", cluster,
	    part, (unsigned int)st.st_mode & 07777, user);
	return false;
}

/* Checks the level of a socket, which HAProxy answers. True if there was nothing to report. */
static bool
level_check(struct doctor *doctor, const char *cluster, const char *socket)
{
	struct haproxy_view view;
	const char *problem;
	struct err err;
	char *answer;

	if (haproxy_poll_wait(socket, POLL_MS, &answer, &view, &err) != ERR_OK) {
		doctor_fail(doctor, "journalctl -u haproxy -n 20", "%s: %s", cluster, err.text);
		return false;
	}
	problem = haproxy_level_problem(view.level);
	if (problem != NULL)
		doctor_fail(doctor, socket_fix(doctor, socket), "%s: %s: %s",
		    cluster, socket, problem);
	haproxy_view_done(&view);
	free(answer);
	return problem == NULL;
}

/* Checks one socket of a cluster. True if there was no FAIL to report. */
static bool
socket_check(struct doctor *doctor, const char *cluster, const char *socket,
    const struct driver *driver)
{
	struct haproxy_endpoint endpoint;
	struct err err;

	if (haproxy_endpoint_parse(socket, &endpoint, &err) != ERR_OK) {
		doctor_fail(doctor, inventory_fix(doctor, cluster,
		    "haproxy  socket = /run/haproxy/admin.sock"), "%s: %s", cluster, err.text);
		return false;
	}
	if (endpoint.remote)
		doctor_warn(doctor, "haproxy.cfg: stats socket ipv4@127.0.0.1:9999 level admin",
		    "%s: %s is reachable from the network: " HAPROXY_REMOTE_RISK, cluster, socket);
	if (endpoint.address.ss_family == AF_UNIX) {
		if (!unix_check(doctor, cluster, strchr(socket, '/'), driver))
			return false;
	} else if (doctor_unit_forbids_tcp("lbcluster-haproxy")) {
		doctor_fail(doctor, doctor_unit_fix(doctor, "lbcluster-haproxy"),
		    "%s: %s: lbcluster-haproxy.service allows no TCP", cluster, socket);
		return false;
	}
	return level_check(doctor, cluster, socket);
}

/* Returns the parameter "socket", a list or, from older versions, a text. */
static const char *
socket_at(const json_t *sockets, size_t i)
{
	return json_string_value(json_is_array(sockets) ? json_array_get(sockets, i) :
	    i == 0 ? sockets : NULL);
}

static bool
sockets_check(struct doctor *doctor, const struct cluster_row *row, const struct driver *driver)
{
	json_t *params = json_loads(row->plane_params, 0, NULL);
	const json_t *sockets = json_object_get(params, "socket");
	const char *socket;
	bool good = true;
	size_t n = 0;

	for (; (socket = socket_at(sockets, n)) != NULL; n++)
		good &= socket_check(doctor, row->name, socket, driver);
	json_decref(params);
	if (n == 0)
		doctor_fail(doctor, inventory_fix(doctor, row->name,
		    "haproxy  socket = /run/haproxy/admin.sock"), "%s: has no socket of HAProxy",
		    row->name);
	return good && n > 0;
}

/* -- clusters ------------------------------------------------------------------------------ */

static bool
haproxy_check(struct planes *planes, const struct cluster_row *row, const struct driver *driver)
{
	return sockets_check(planes->doctor, row, driver);
}

static bool
ipvs_check(struct planes *planes, const struct cluster_row *row, const struct driver *driver)
{
	const struct process none = { .pid = 0 };

	return doctor_ipvs_check(planes->doctor, &planes->ipvs, row, driver != NULL &&
	    driver->lock == LOCK_HELD ? &driver->process : &none);
}

/* What the driver of a cluster needs. The functions return false if there was a FAIL, which
 * explains the status of the cluster. */
static const struct {
	const char	*kind;
	bool		(*check)(struct planes *planes, const struct cluster_row *row,
			    const struct driver *driver);
} needs[] = {
	{ "haproxy", haproxy_check },
	{ "ipvs", ipvs_check },
};

static bool
needs_check(struct planes *planes, const struct cluster_row *row, const struct driver *driver)
{
	for (size_t i = 0; i < ROWS(needs); i++) {
		if (strcmp(needs[i].kind, row->plane) == 0)
			return needs[i].check(planes, row, driver);
	}
	return true;
}

/* Reports that HAProxy and the store have different servers, as the driver wrote in the status
 * of the cluster. False if they do not differ. */
static bool
difference_report(struct doctor *doctor, const struct cluster_row *row)
{
	const char *difference = strstr(row->plane_message, PLANE_MESSAGE_DIFFERS);
	json_t *params = json_loads(row->plane_params, 0, NULL);
	const char *socket = socket_at(json_object_get(params, "socket"), 0);
	bool found = row->plane_status == PLANE_STATUS_OK && difference != NULL && socket != NULL;

	if (found)
		doctor_warn(doctor, doctor_fix(doctor, "lbclusterctl discover haproxy %s --cluster"
		    " %s -n", socket, row->name), "%s: %s", row->name, difference);
	json_decref(params);
	return found;
}

/* Reports the status of a cluster whose driver runs, or may run. */
static void
status_report(struct doctor *doctor, const struct cluster_row *row,
    const struct plane_kind *kind, const struct driver *driver)
{
	const char *message = row->plane_message, *colon = message[0] == '\0' ? "" : ": ";
	const char *fix = doctor_fix(doctor, "journalctl -u %s -n 20", kind->driver);
	enum doctor_result result = DOCTOR_OK;

	if (row->plane_status == PLANE_STATUS_UNATTENDED)
		fix = driver != NULL && driver->process.state == 'T' ?
		    doctor_fix(doctor, "kill -CONT %ld", (long)driver->process.pid) :
		    doctor_fix(doctor, "systemctl restart %s", kind->driver);
	if (row->plane_status == PLANE_STATUS_NONE) {
		doctor_warn(doctor, fix, "%s: no driver has polled %s yet", row->name, kind->title);
		return;
	}
	if (row->plane_status != PLANE_STATUS_OK)
		result = DOCTOR_FAIL;
	else if (message[0] != '\0')
		result = DOCTOR_WARN;
	doctor_report(doctor, result, result == DOCTOR_OK ? NULL : fix, "%s: plane %s is %s%s%s",
	    row->name, row->plane, plane_status_name(row->plane_status), colon, message);
}

static enum err_code
cluster_check(void *arg, const struct cluster_row *row)
{
	struct planes *planes = arg;
	struct doctor *doctor = planes->doctor;
	const struct plane_kind *kind = plane_kind_find(row->plane);
	struct cluster_row shown = *row;
	const struct driver *driver;
	struct plane_view view;
	struct err err;

	if (store_plane_view(doctor->ctl->store, row, clock_wall_s(), &view, &err) != ERR_OK) {
		doctor_unknown(doctor, NULL, "%s: %s", row->name, err.text);
		return ERR_OK;
	}
	if (!view.has_driver) {
		doctor_ok(doctor, "%s: no data plane, no health checks", row->name);
		return ERR_OK;
	}
	if (kind == NULL) {
		doctor_fail(doctor, NULL, "%s: this release has no driver for plane %s", row->name,
		    row->plane);
		return ERR_OK;
	}
	driver = driver_find(planes, kind);
	if (!needs_check(planes, row, driver))
		return ERR_OK;
	if (driver != NULL && driver->lock == LOCK_FREE) {
		doctor_fail(doctor, doctor_fix(doctor, "systemctl start %s", kind->driver), "%s: no"
		    " driver polls %s; the status in the store is out of date", row->name,
		    kind->title);
		return ERR_OK;
	}
	/* A driver that has just started will poll soon. */
	if (row->plane_status != PLANE_STATUS_NONE) {
		shown.plane_status = view.status;
		shown.plane_message = view.message;
	}
	if (!difference_report(doctor, &shown))
		status_report(doctor, &shown, kind, driver);
	return ERR_OK;
}

void
doctor_planes(struct doctor *doctor)
{
	struct planes planes = { .doctor = doctor };
	struct err err;

	if (doctor->ctl->store == NULL) {
		doctor_unknown(doctor, NULL, "the store could not be read");
		return;
	}
	doctor_ipvs_begin(doctor, &planes.ipvs);
	if (store_each_cluster(doctor->ctl->store, NULL, cluster_check, &planes, &err) != ERR_OK)
		doctor_unknown(doctor, NULL, "%s", err.text);
	doctor_ipvs_end(&planes.ipvs);
}
