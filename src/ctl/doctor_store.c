/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Checks of the doctor on the store and on lbclusterd.
 */
#include "ctl/doctor.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAEMON_NAME "lbclusterd"

enum {
	MAIN_VERSION_AT = 60,	/* offset of user_version in the header of an SQLite file */
	GROUP_RW = 060,
	OTHERS_W = 02,
};

/* Adds this user to the group of the store. A store of the group root is for root only. */
static const char *
group_fix(struct doctor *doctor)
{
	char user[CTL_NAME_SIZE], group[CTL_NAME_SIZE];
	struct stat st;

	if (stat(doctor->ctl->store_dir, &st) == -1)
		snprintf(group, sizeof(group), DOCTOR_USER);
	else if (st.st_gid == 0)
		return "sudo lbclusterctl doctor";
	else
		ctl_group(st.st_gid, group);
	return doctor_fix(doctor, "usermod -aG %s %s", group, ctl_user(getuid(), user));
}

/* -- the store -------------------------------------------------------------------------- */

/* Reads the schema version from the file. Must run before SQLite opens the file: closing it
 * later would drop the locks of SQLite. */
static unsigned int
store_version(const char *path)
{
	uint32_t version = 0;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return 0;
	if (pread(fd, &version, sizeof(version), MAIN_VERSION_AT) != sizeof(version))
		version = 0;
	close(fd);
	return be32toh(version);
}

static void
store_fault(struct doctor *doctor, const struct err *err)
{
	const char *dir = doctor->ctl->store_dir;

	if (store_is_uri(dir))
		doctor_fail(doctor, err->code == ERR_NOT_FOUND ? "systemctl start lbclusterd" :
		    NULL, "%s", err->text);
	else if (err->code == ERR_NOT_FOUND && access(dir, F_OK) == 0)
		doctor_fail(doctor, "systemctl start lbclusterd",
		    "%s; lbclusterd creates it when it starts", err->text);
	else if (err->code == ERR_NOT_FOUND)
		doctor_fail(doctor, doctor_fix(doctor,
		    "install -d -o " DOCTOR_USER " -g " DOCTOR_USER " -m 2770 %s\n"
		    "systemctl start lbclusterd", dir), "%s; lbclusterd creates it when it"
		    " starts (-s names another directory)", err->text);
	else if (err->code == ERR_INVALID)
		doctor_warn(doctor, "systemctl restart lbclusterd",
		    "%s; lbclusterd updates it", err->text);
	else if (err->code == ERR_NEWER)
		doctor_fail(doctor, "lbclusterctl --version",
		    "%s; install the version that created it", err->text);
	else if (err->code == ERR_BUSY)
		doctor_warn(doctor, doctor_fix(doctor,
		    "fuser -v %s/lbcluster.db", dir), "%s", err->text);
	else
		doctor_fail(doctor, doctor_fix(doctor,
		    "systemctl stop lbclusterd\nmv %s/lbcluster.db %s/lbcluster.db.damaged\n"
		    "systemctl start lbclusterd", dir, dir),
		    "%s; replace it by a backup, or start with an empty store", err->text);
}

static enum err_code
cluster_count(void *arg, const struct cluster_row *row)
{
	(void)row;
	++*(size_t *)arg;
	return ERR_OK;
}

static enum err_code
real_ignore(void *arg, const struct store_real_view *view)
{
	(void)arg;
	(void)view;
	return ERR_OK;
}

/* Opens the store for the later checks. If lbclusterd does not run, it may have refused the
 * store: checks all of it. SQLite does not check the values of a file that is open read-only;
 * reading all rows does. */
static enum err_code
store_check(struct doctor *doctor, size_t *ret_clusters, struct err *err)
{
	struct ctl *ctl = doctor->ctl;
	enum err_code code;

	code = store_open(ctl->store_dir, STORE_READ, CTL_STORE_WAIT_MS, &ctl->store, err);
	if (code == ERR_OK)
		code = store_each_cluster(ctl->store, NULL, cluster_count, ret_clusters, err);
	if (code != ERR_OK || doctor->lock != LOCK_FREE)
		return code;
	code = store_each_real(ctl->store, NULL, real_ignore, NULL, err);
	return code == ERR_OK ? store_verify(ctl->store, err) : code;
}

void
doctor_store(struct doctor *doctor)
{
	const char *dir = doctor->ctl->store_dir;
	char path[PATH_MAX], version[32] = "";
	size_t clusters = 0;
	struct err err;

	snprintf(path, sizeof(path), "%s/lbcluster.db", dir);
	if (!store_is_uri(dir))
		snprintf(version, sizeof(version), "version %u, ", store_version(path));
	if (access(path, R_OK) == -1 && errno == EACCES)
		doctor_unknown(doctor, group_fix(doctor),
		    "%s: you may not read it; root and its group may", dir);
	else if (store_check(doctor, &clusters, &err) != ERR_OK)
		store_fault(doctor, &err);
	else if (clusters == 0)
		doctor_warn(doctor, "lbclusterctl load FILE",
		    "%s: %sempty", dir, version);
	else
		doctor_ok(doctor, "%s: %s%zu cluster%s", dir, version, clusters,
		    clusters == 1 ? "" : "s");
}

/* -- its files ------------------------------------------------------------------------- */

/* Reports a file that the user of lbclusterd cannot use, or a directory above the store that
 * the user may not pass. */
static void
file_closed(struct doctor *doctor, const char *part, const char *path, const struct stat *st)
{
	char user[CTL_NAME_SIZE], owner[CTL_NAME_SIZE], group[CTL_NAME_SIZE], real[PATH_MAX];
	bool whole = realpath(path, real) != NULL && strcmp(part, real) == 0;

	ctl_user(doctor->daemon.uid, user);
	doctor_fail(doctor, whole ?
	    doctor_fix(doctor, "chown -R %s: %s", user, doctor->ctl->store_dir) :
	    doctor_fix(doctor, "chmod a+x %s", part),
	    "%s is of %s:%s, mode %04o: the user of lbclusterd, %s, may not %s", part,
	    ctl_user(st->st_uid, owner), ctl_group(st->st_gid, group),
	    (unsigned int)st->st_mode & 07777, user, whole ? "write it" : "pass");
}

/* Checks one file of the store. True if there was nothing to report. */
static bool
file_check(struct doctor *doctor, const char *path, bool directory)
{
	unsigned int want = ACCESS_READ | ACCESS_WRITE | (directory ? ACCESS_PASS : 0u), mode;
	char part[PATH_MAX], group[CTL_NAME_SIZE];
	struct stat st;
	int status;

	status = process_reach(&doctor->daemon, path, want, part, &st);
	if (status == EACCES)
		file_closed(doctor, part, path, &st);
	if (status != 0)
		return status != EACCES;
	mode = (unsigned int)st.st_mode & 07777;
	ctl_group(st.st_gid, group);
	if ((mode & OTHERS_W) != 0)
		doctor_fail(doctor, doctor_fix(doctor, "chmod o= %s", path),
		    "%s has mode %04o: every user of this machine may change it", path, mode);
	else if ((mode & GROUP_RW) != GROUP_RW)
		doctor_warn(doctor, doctor_fix(doctor, "chmod g+rw%s %s",
		    directory ? "x" : "", path), "%s has mode %04o: its group %s cannot use"
		    " lbclusterctl", path, mode, group);
	else if (directory && (mode & S_ISGID) == 0)
		doctor_warn(doctor, doctor_fix(doctor, "chmod g+s %s", path),
		    "%s has mode %04o: lbclusterd cannot use a file that a user of its group %s"
		    " creates there", path, mode, group);
	else
		return true;
	return false;
}

void
doctor_store_files(struct doctor *doctor)
{
	static const char *const names[] = { "", "/lbcluster.db", "/lbcluster.db-journal",
	    "/lbcluster-stats.db", "/lbcluster-stats.db-wal", "/lbcluster-stats.db-shm",
	    "/lbcluster-stats.db.lock", "/lbclusterd.lock" };
	const char *dir = doctor->ctl->store_dir;
	char path[PATH_MAX];
	bool good = true;

	if (store_is_uri(dir)) {
		doctor_skip(doctor, "the store is a database of PostgreSQL");
		return;
	}
	if (access(dir, X_OK) == -1) {
		doctor_unknown(doctor, NULL, "%s: %s", dir, strerror(errno));
		return;
	}
	if (!doctor->daemon.known) {
		doctor_unknown(doctor, "systemd-sysusers",
		    "lbclusterd does not run, and there is no user " DOCTOR_USER);
		return;
	}
	for (size_t i = 0; i < ROWS(names) && good; i++) {
		snprintf(path, sizeof(path), "%s%s", dir, names[i]);
		good = file_check(doctor, path, names[i][0] == '\0');
	}
	if (good)
		doctor_ok(doctor, "the user of lbclusterd and the group may write them");
}

/* -- lbclusterd ------------------------------------------------------------------------- */

static void
daemon_report(struct doctor *doctor, const char *where)
{
	const struct process *daemon = &doctor->daemon;
	char user[CTL_NAME_SIZE], group[CTL_NAME_SIZE];

	if (!daemon->known)
		doctor_ok(doctor, "runs, pid %ld%s; its user is unknown", (long)daemon->pid, where);
	else if (daemon->state == 'T')
		doctor_fail(doctor, doctor_fix(doctor, "kill -CONT %ld",
		    (long)daemon->pid), "is stopped, pid %ld%s", (long)daemon->pid, where);
	else
		doctor_ok(doctor, "runs, pid %ld, user %s, group %s%s", (long)daemon->pid,
		    ctl_user(daemon->uid, user), ctl_group(daemon->gid, group), where);
}

void
doctor_find_daemon(struct doctor *doctor)
{
	doctor->lock = process_of_lock(doctor->ctl->store_dir, DAEMON_NAME, &doctor->daemon);
	doctor->lock_error = errno;
	if (doctor->lock == LOCK_FREE ||
	    (doctor->lock == LOCK_UNKNOWN && !process_find(DAEMON_NAME, &doctor->daemon)))
		(void)process_of_user(DOCTOR_USER, &doctor->daemon);
}

void
doctor_daemon(struct doctor *doctor)
{
	const char *dir = doctor->ctl->store_dir;

	if (doctor->lock == LOCK_HELD)
		daemon_report(doctor, "");
	else if (doctor->lock == LOCK_FREE)
		doctor_fail(doctor, "systemctl start lbclusterd\n"
		    "journalctl -u lbclusterd -n 20",
		    "does not run on %s: no process holds lbclusterd.lock there", dir);
	else if (doctor->daemon.pid != 0)
		daemon_report(doctor, "; it is unknown whether it serves this store");
	else if (store_is_uri(dir))
		doctor_fail(doctor, "systemctl start lbclusterd\n"
		    "journalctl -u lbclusterd -n 20", "does not run on this machine");
	else
		doctor_unknown(doctor, group_fix(doctor), "%s/" DAEMON_NAME
		    ".lock: %s", dir, strerror(doctor->lock_error));
}
