/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Checks of the doctor on the configuration files of lbcluster, by the option --check of the
 * programs, and on its units.
 */
#include "ctl/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHECK_MS = 10000, EXIT_INVALID = 2 };

const char *
doctor_conf_path(pid_t pid, const char *path, char buf[PATH_MAX])
{
	if (!process_option(pid, 'c', buf, PATH_MAX) || buf[0] != '/')
		snprintf(buf, PATH_MAX, "%s", path);
	return buf;
}

/* Finds a program in the directory of lbclusterctl, in ../sbin or in PATH. */
static void
program_find(const char *name, char buf[PATH_MAX])
{
	static const char *const places[] = { "", "../sbin/" };
	char self[PATH_MAX / 2];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	for (size_t i = 0; slash != NULL && i < ROWS(places); i++) {
		snprintf(buf, PATH_MAX, "%.*s/%s%s", (int)(slash - self), self, places[i], name);
		if (access(buf, X_OK) == 0)
			return;
	}
	snprintf(buf, PATH_MAX, "%s", name);
}

/* Returns the fix for "FILE:LINE: message": the line becomes a comment, and the default applies.
 * NULL for a mistake in 'store', whose default is another, empty store. */
static const char *
line_fix(struct doctor *doctor, const char *path, const char *message)
{
	size_t length = strlen(path);
	unsigned long line = 0;

	if (strncmp(message, path, length) == 0 && message[length] == ':')
		line = strtoul(message + length + 1, NULL, 10);
	if (strstr(message, "NUL byte") != NULL)
		return doctor_fix(doctor, "sed -i 's/\\x00//g' %s", path);
	if (line == 0 || strstr(message, ": store ") != NULL)
		return NULL;
	return doctor_fix(doctor, "sed -i '%lus/^/#/' %s", line, path);
}

/* 'pid' is the process of the program, 0 if it does not run. */
static void
conf_check(struct doctor *doctor, const char *program, const char *path, pid_t pid)
{
	char name[PATH_MAX], text[RUN_TEXT_MAX], *message = text;
	const char *const argv[] = { name, "--check", "-c", path, NULL };
	int error, ended = 0;

	if (access(path, F_OK) == -1 && errno == ENOENT) {
		doctor_ok(doctor, "%s: missing; the defaults apply", path);
		return;
	}
	if (access(path, R_OK) == -1) {
		doctor_need_root(doctor, "%s: %s", path, strerror(errno));
		return;
	}
	program_find(program, name);
	error = run_program(argv, CHECK_MS, text, &ended);
	text[strcspn(text, "\n")] = '\0';
	if (strncmp(message, program, strlen(program)) == 0 && strstr(message, ": ") != NULL)
		message = strstr(message, ": ") + 2;
	if (error != 0)
		doctor_unknown(doctor, NULL, "%s --check: %s", name, strerror(error));
	else if (ended == 0)
		doctor_ok(doctor, "%s: no mistake", path);
	else if (ended == EXIT_INVALID)
		doctor_fail(doctor, line_fix(doctor, path, message),
		    "%.300s; %s", message, pid != 0 ? "it runs with an earlier version of the file"
		    " and does not start with this one" : "it does not start with this file");
	else
		doctor_unknown(doctor, NULL, "%s --check: %.300s", name, message);
}

void
doctor_daemon_conf(struct doctor *doctor)
{
	pid_t pid = doctor->lock == LOCK_HELD ? doctor->daemon.pid : 0;
	char path[PATH_MAX];

	conf_check(doctor, "lbclusterd", doctor_conf_path(pid, LBCLUSTER_CONF_FILE, path), pid);
}

/* The drivers of the clusters, each once. */
struct drivers {
	struct store	*store;
	const char	*names[4];
	size_t		 n;
};

static enum err_code
driver_add(void *arg, const struct cluster_row *row)
{
	const struct plane_kind *kind = plane_kind_find(row->plane);
	struct drivers *drivers = arg;
	struct plane_view view;
	size_t i = 0;
	struct err err;

	if (kind == NULL || store_plane_view(drivers->store, row, 0, &view, &err) != ERR_OK ||
	    !view.has_driver)
		return ERR_OK;
	while (i < drivers->n && drivers->names[i] != kind->driver)
		i++;
	if (i == drivers->n && i < ROWS(drivers->names))
		drivers->names[drivers->n++] = kind->driver;
	return ERR_OK;
}

static void
driver_conf_check(struct doctor *doctor, const char *name)
{
	char usual[PATH_MAX / 2], file[PATH_MAX];
	struct process driver;
	pid_t pid = process_of_lock(doctor->ctl->store_dir, name, &driver) == LOCK_HELD ?
	    driver.pid : 0;

	snprintf(usual, sizeof(usual), "%s/%s.conf", LBCLUSTER_CONF_DIR, name);
	conf_check(doctor, name, doctor_conf_path(pid, usual, file), pid);
}

void
doctor_driver_conf(struct doctor *doctor)
{
	struct drivers drivers = { .store = doctor->ctl->store };

	if (doctor->ctl->store == NULL)
		doctor_skip(doctor, "the store could not be read");
	else if (store_each_cluster(doctor->ctl->store, NULL, driver_add, &drivers, NULL) !=
	    ERR_OK || drivers.n == 0)
		doctor_skip(doctor, "no cluster has a data plane");
	for (size_t i = 0; i < drivers.n; i++)
		driver_conf_check(doctor, drivers.names[i]);
}

/* -- units ------------------------------------------------------------------------------- */

bool
doctor_unit_forbids_tcp(const char *program)
{
	const char *const argv[] = { "systemctl", "show", "-P", "RestrictAddressFamilies", program,
	    NULL };
	char text[RUN_TEXT_MAX];

	return run_program(argv, CHECK_MS, text, NULL) == 0 &&
	    strncmp(text, "AF_UNIX", strlen("AF_UNIX")) == 0 && strstr(text, "AF_INET") == NULL;
}

const char *
doctor_unit_fix(struct doctor *doctor, const char *program)
{
	return doctor_fix(doctor, "mkdir -p /etc/systemd/system/%s.service.d\n"
	    "cp " LBCLUSTER_EXAMPLES_DIR "/%s-tcp.conf.example"
	    " /etc/systemd/system/%s.service.d/tcp.conf\n"
	    "systemctl daemon-reload\nsystemctl restart %s", program, program, program, program);
}
