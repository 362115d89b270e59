/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Checks of the doctor on the data planes: what the store knows of each cluster's,
 * whether a driver is alive, whether HAProxy's sockets can be reached.
 */
#include "ctl/doctor.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "plane/haproxy/haproxy.h"
#include "util/clock.h"

enum { KINDS_MAX = 8, LOOK_MS = 5000 };

/* The drivers that were told already: one for a kind of data plane. */
struct planes {
	struct doctor		*doctor;
	size_t			 n;
	struct driver {
		char			kind[16];
		struct who		who;
		enum who_lock		lock;
	}			 drivers[KINDS_MAX];
};

/* -- drivers ---------------------------------------------------------------------------- */

static void
driver_tell(struct doctor *doctor, const struct driver *driver)
{
	char user[64];

	if (driver->lock == WHO_LOCK_UNSEEN)
		doctor_find(doctor, DOCTOR_UNSEEN, NULL, "whether lbcluster-%s runs could not be"
		    " seen", driver->kind);
	else if (driver->lock == WHO_LOCK_FREE && strcmp(driver->kind, haproxy_plane.kind) != 0)
		doctor_find(doctor, DOCTOR_FAIL, NULL, "there is no program lbcluster-%s",
		    driver->kind);
	else if (driver->lock == WHO_LOCK_FREE)
		doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor,
		    "systemctl start lbcluster-%s", driver->kind), "lbcluster-%s does not run:"
		    " jobs stay queued, statistics get stale", driver->kind);
	else if (driver->who.known && driver->who.state == 'T')
		doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor, "kill -CONT %ld",
		    (long)driver->who.pid), "lbcluster-%s is stopped, pid %ld", driver->kind,
		    (long)driver->who.pid);
	else if (driver->who.known)
		doctor_find(doctor, DOCTOR_OK, NULL, "lbcluster-%s runs, pid %ld, user %s",
		    driver->kind, (long)driver->who.pid, doctor_user(driver->who.uid, user));
	else
		doctor_find(doctor, DOCTOR_OK, NULL, "lbcluster-%s runs, pid %ld", driver->kind,
		    (long)driver->who.pid);
}

/* NULL if there are too many kinds. */
static const struct driver *
driver_of(struct planes *planes, const char *kind)
{
	char path[WHO_PATH_MAX], program[32];
	struct driver *driver;

	for (size_t i = 0; i < planes->n; i++) {
		if (strcmp(planes->drivers[i].kind, kind) == 0)
			return &planes->drivers[i];
	}
	if (planes->n == KINDS_MAX)
		return NULL;
	driver = &planes->drivers[planes->n++];
	snprintf(driver->kind, sizeof(driver->kind), "%s", kind);
	snprintf(program, sizeof(program), "lbcluster-%s", driver->kind);
	snprintf(path, sizeof(path), "%s/%s.lock", planes->doctor->ctl->store_dir, program);
	driver->lock = who_locks(path, program, &driver->who);
	driver_tell(planes->doctor, driver);
	return driver;
}

/* -- sockets of HAProxy -------------------------------------------------------------------- */

/* The line of haproxy.cfg that opens the socket for a driver. */
static const char *
socket_cure(struct doctor *doctor, const char *socket)
{
	char line[WHO_PATH_MAX];

	return doctor_cure(doctor, "haproxy.cfg: %s\nsystemctl restart haproxy",
	    haproxy_socket_line(socket, line, sizeof(line)));
}

/* What the modes of the files of a UNIX socket say. True if there is nothing to report. */
static bool
modes_check(struct doctor *doctor, const char *cluster, const char *path,
    const struct driver *driver)
{
	char part[WHO_PATH_MAX], user[64], group[64], line[WHO_PATH_MAX];
	struct stat st;
	pid_t pid;
	int status = doctor_connect(path, &pid);

	if (status == EACCES || status == EPERM) {
		doctor_find(doctor, DOCTOR_UNSEEN, "sudo lbclusterctl doctor",
		    "%s: %s: you may not connect", cluster, path);
		return false;
	}
	if (status != 0) {
		doctor_find(doctor, DOCTOR_FAIL, socket_cure(doctor, path), "%s: %s: %s", cluster,
		    path, strerror(status));
		return false;
	}
	if (driver == NULL || !driver->who.known ||
	    who_reach(&driver->who, path, WHO_READ | WHO_WRITE, part, &st) != EACCES)
		return true;
	doctor_user(driver->who.uid, user);
	haproxy_socket_line(path, line, sizeof(line));
	doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor, "haproxy.cfg: %s\n"
	    "usermod -aG %s %s\nsystemctl restart lbcluster-haproxy", line,
	    doctor_group(st.st_gid, group), user),
	    "%s: %s has mode %04o: the user of lbcluster-haproxy, %s, may not connect", cluster,
	    part, (unsigned int)st.st_mode & 07777, user);
	return false;
}

/* For the driver if it runs, else for us. True if there is nothing to report. */
static bool
socket_check(struct doctor *doctor, const char *cluster, const char *socket,
    const struct driver *driver)
{
	struct haproxy_endpoint endpoint;
	struct haproxy_view view;
	const char *problem;
	struct err err;
	char *answer;
	bool on_disk;

	if (haproxy_endpoint_parse(socket, &endpoint, &err) != ERR_OK) {
		doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor, "inventory file: cluster %s {"
		    " plane = haproxy  socket = /run/haproxy/admin.sock }\n"
		    "lbclusterctl load FILE", cluster), "%s: %s", cluster, err.text);
		return false;
	}
	if (endpoint.remote)
		doctor_find(doctor, DOCTOR_WARN, "haproxy.cfg: stats socket ipv4@127.0.0.1:9999"
		    " level admin", "%s: %s leaves this machine: " HAPROXY_REMOTE_RISK, cluster,
		    socket);
	on_disk = endpoint.address.ss_family == AF_UNIX;
	if (on_disk && !modes_check(doctor, cluster, strchr(socket, '/'), driver))
		return false;
	if (!on_disk && doctor_unit_forbids_tcp("lbcluster-haproxy")) {
		doctor_find(doctor, DOCTOR_FAIL, doctor_unit_cure(doctor, "lbcluster-haproxy"),
		    "%s: %s: lbcluster-haproxy.service allows no TCP", cluster, socket);
		return false;
	}
	if (haproxy_poll_wait(socket, LOOK_MS, &answer, &view, &err) != ERR_OK) {
		doctor_find(doctor, DOCTOR_FAIL, "journalctl -u haproxy -n 20", "%s: %s", cluster,
		    err.text);
		return false;
	}
	problem = haproxy_level_problem(view.level);
	if (problem != NULL)
		doctor_find(doctor, DOCTOR_FAIL, socket_cure(doctor, socket), "%s: %s: %s", cluster,
		    socket, problem);
	haproxy_view_done(&view);
	free(answer);
	return problem == NULL;
}

static bool
sockets_check(struct doctor *doctor, const struct cluster_row *row, const struct driver *driver)
{
	json_t *params = json_loads(row->plane_params, 0, NULL);
	const json_t *sockets = json_object_get(params, "socket"), *value;
	bool good = true;
	size_t i, n = 0;

	if (json_is_string(sockets)) {
		n = 1;
		good = socket_check(doctor, row->name, json_string_value(sockets), driver);
	}
	json_array_foreach(sockets, i, value) {
		n += json_is_string(value);
		if (json_is_string(value) &&
		    !socket_check(doctor, row->name, json_string_value(value), driver))
			good = false;
	}
	json_decref(params);
	if (n == 0)
		doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor, "inventory file: cluster %s {"
		    " plane = haproxy  socket = /run/haproxy/admin.sock }\n"
		    "lbclusterctl load FILE", row->name), "%s: names no socket of HAProxy",
		    row->name);
	return good && n > 0;
}

/* -- clusters ------------------------------------------------------------------------------ */

/* What the store has is what a driver saw that runs no more. */
static enum err_code
driver_missing(struct doctor *doctor, const struct cluster_row *row)
{
	if (strcmp(row->plane, haproxy_plane.kind) == 0)
		doctor_find(doctor, DOCTOR_FAIL, "systemctl start lbcluster-haproxy", "%s: no"
		    " driver polls its HAProxy; the status in the store is out of date", row->name);
	else
		doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor, "inventory file: cluster %s {"
		    " plane = none }\nlbclusterctl load FILE", row->name), "%s: lbcluster has no"
		    " driver for the plane %s: its jobs stay queued", row->name, row->plane);
	return ERR_OK;
}

/* The driver saw servers that only HAProxy or only the store has. */
static bool
difference_tell(struct doctor *doctor, const struct cluster_row *row)
{
	const char *difference = strstr(row->plane_message, PLANE_MESSAGE_DIFFERS);
	json_t *params = json_loads(row->plane_params, 0, NULL);
	const json_t *sockets = json_object_get(params, "socket");
	const char *socket = json_string_value(json_is_array(sockets) ?
	    json_array_get(sockets, 0) : sockets);
	bool told = row->plane_status == PLANE_STATUS_OK && difference != NULL && socket != NULL;

	if (told)
		doctor_find(doctor, DOCTOR_WARN, doctor_cure(doctor, "lbclusterctl discover"
		    " haproxy %s --cluster %s -n", socket, row->name), "%s: %s", row->name,
		    difference);
	json_decref(params);
	return told;
}

/* The driver runs, or it could not be seen whether it does. */
static void
status_tell(struct doctor *doctor, const struct cluster_row *row, const struct driver *driver)
{
	const char *message = row->plane_message;
	char cure[96];

	snprintf(cure, sizeof(cure), "journalctl -u lbcluster-%.16s -n 20", row->plane);
	if (row->plane_status == PLANE_STATUS_UNATTENDED && driver != NULL &&
	    driver->who.state == 'T')
		snprintf(cure, sizeof(cure), "kill -CONT %ld", (long)driver->who.pid);
	else if (row->plane_status == PLANE_STATUS_UNATTENDED)
		snprintf(cure, sizeof(cure), "systemctl restart lbcluster-%.16s", row->plane);
	if (row->plane_status == PLANE_STATUS_OK && message[0] == '\0')
		doctor_find(doctor, DOCTOR_OK, NULL, "%s: %s is reached", row->name, row->plane);
	else if (row->plane_status == PLANE_STATUS_OK)
		doctor_find(doctor, DOCTOR_WARN, cure, "%s: %s is reached: %s", row->name,
		    row->plane, message);
	else if (row->plane_status == PLANE_STATUS_NONE)
		doctor_find(doctor, DOCTOR_WARN, cure, "%s: no driver has polled its %s yet",
		    row->name, row->plane);
	else
		doctor_find(doctor, DOCTOR_FAIL, cure, "%s: %s is %s%s%s", row->name, row->plane,
		    plane_status_name(row->plane_status), message[0] == '\0' ? "" : ": ", message);
}

static enum err_code
cluster_check(void *arg, const struct cluster_row *row)
{
	struct planes *planes = arg;
	struct cluster_row shown = *row;
	const struct driver *driver;
	struct plane_view view;
	struct err err;

	if (strcmp(row->plane, "none") == 0) {
		doctor_find(planes->doctor, DOCTOR_OK, NULL, "%s: no data plane", row->name);
		return ERR_OK;
	}
	driver = driver_of(planes, row->plane);
	if (strcmp(row->plane, haproxy_plane.kind) == 0 &&
	    !sockets_check(planes->doctor, row, driver))
		return ERR_OK;
	if (driver != NULL && driver->lock == WHO_LOCK_FREE)
		return driver_missing(planes->doctor, row);
	if (store_plane_view(planes->doctor->ctl->store, row, clock_wall_s(), &view, &err) !=
	    ERR_OK) {
		doctor_find(planes->doctor, DOCTOR_UNSEEN, NULL, "%s: %s", row->name, err.text);
		return ERR_OK;
	}
	/* A driver that has just started is about to look. */
	if (row->plane_status != PLANE_STATUS_NONE) {
		shown.plane_status = view.status;
		shown.plane_message = view.message;
	}
	if (!difference_tell(planes->doctor, &shown))
		status_tell(planes->doctor, &shown, driver);
	return ERR_OK;
}

void
doctor_planes(struct doctor *doctor)
{
	struct planes planes = { .doctor = doctor };
	struct err err;

	if (doctor->ctl->store == NULL)
		doctor_find(doctor, DOCTOR_UNSEEN, NULL, "the store could not be read");
	else if (store_each_cluster(doctor->ctl->store, NULL, cluster_check, &planes, &err) !=
	    ERR_OK)
		doctor_find(doctor, DOCTOR_UNSEEN, NULL, "%s", err.text);
}
