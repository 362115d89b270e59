/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Checks of the doctor on this machine: the store, lbclusterd, the AgentX socket.
 */
#include "ctl/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

#define DAEMON_NAME "lbclusterd"
#define DAEMON_USER "lbcluster"

enum {
	MAIN_VERSION_AT = 60,	/* user_version in the header of an SQLite file */
	GROUP_RW = 060,
	OTHERS_W = 02,
	DIAL_MS = 15000,
};

/* What a user is told who may not look. */
static const char *
group_cure(struct doctor *doctor)
{
	char user[64];

	return doctor_cure(doctor, "usermod -aG " DAEMON_USER " %s",
	    doctor_user(getuid(), user));
}

/* -- the store -------------------------------------------------------------------------- */

/* Read before SQLite opens the file: to close it later would end SQLite's locks. */
static unsigned int
store_version(const char *dir)
{
	unsigned char version[4] = { 0 };
	char path[WHO_PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/lbcluster.db", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	if (pread(fd, version, sizeof(version), MAIN_VERSION_AT) != sizeof(version))
		memset(version, 0, sizeof(version));
	close(fd);
	return (unsigned int)version[0] << 24 | (unsigned int)version[1] << 16 |
	    (unsigned int)version[2] << 8 | version[3];
}

/* True if this user may not read it; root may. */
static bool
store_hidden(const char *dir)
{
	char path[WHO_PATH_MAX];

	snprintf(path, sizeof(path), "%s/lbcluster.db", dir);
	return access(path, R_OK) == -1 && errno == EACCES;
}

static void
store_fault(struct doctor *doctor, const struct err *err)
{
	const char *dir = doctor->ctl->store_dir;

	if (err->code == ERR_NOT_FOUND && access(dir, F_OK) == 0)
		doctor_find(doctor, DOCTOR_FAIL, "systemctl start lbclusterd",
		    "%s; lbclusterd makes it when it starts", err->text);
	else if (err->code == ERR_NOT_FOUND)
		doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor,
		    "install -d -o " DAEMON_USER " -g " DAEMON_USER " -m 2770 %s\n"
		    "systemctl start lbclusterd", dir), "%s; lbclusterd makes it when it"
		    " starts (-s names another directory)", err->text);
	else if (err->code == ERR_INVALID)
		doctor_find(doctor, DOCTOR_WARN, "systemctl restart lbclusterd",
		    "%s; lbclusterd brings it up to date", err->text);
	else if (err->code == ERR_NEWER)
		doctor_find(doctor, DOCTOR_FAIL, "lbclusterctl --version",
		    "%s; install the version that made it", err->text);
	else if (err->code == ERR_BUSY)
		doctor_find(doctor, DOCTOR_WARN, doctor_cure(doctor,
		    "fuser -v %s/lbcluster.db", dir), "%s", err->text);
	else
		doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor,
		    "systemctl stop lbclusterd\nmv %s/lbcluster.db %s/lbcluster.db.damaged\n"
		    "systemctl start lbclusterd", dir, dir),
		    "%s; put a backup in its place, or start with an empty store", err->text);
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

/* lbclusterd checked the store when it started; one that does not run may have refused it.
 * SQLite checks no CHECK of a file that is open read-only: reading all rows finds the values
 * that break one. */
static enum err_code
store_check(struct store *store, struct err *err)
{
	enum err_code code = store_each_real(store, NULL, real_ignore, NULL, err);

	return code == ERR_OK ? store_verify(store, err) : code;
}

void
doctor_store(struct doctor *doctor)
{
	const char *dir = doctor->ctl->store_dir;
	unsigned int version = store_version(dir);
	size_t clusters = 0;
	enum err_code code;
	struct err err;

	if (store_hidden(dir)) {
		doctor_find(doctor, DOCTOR_UNSEEN, group_cure(doctor),
		    "%s: may not be read by you: be root or of the group", dir);
		return;
	}
	code = store_open(dir, STORE_READ, CTL_STORE_WAIT_MS, &doctor->ctl->store, &err);
	if (code == ERR_OK)
		code = store_each_cluster(doctor->ctl->store, NULL, cluster_count, &clusters,
		    &err);
	if (code == ERR_OK && doctor->daemon_alive == SIGHT_NO)
		code = store_check(doctor->ctl->store, &err);
	if (code != ERR_OK)
		store_fault(doctor, &err);
	else if (clusters == 0)
		doctor_find(doctor, DOCTOR_WARN, "lbclusterctl load FILE",
		    "%s: version %u, empty", dir, version);
	else
		doctor_find(doctor, DOCTOR_OK, NULL, "%s: version %u, %zu cluster%s", dir, version,
		    clusters, clusters == 1 ? "" : "s");
}

/* -- who may write it ------------------------------------------------------------------ */

static const struct {
	const char	*name;
	bool		 directory;
} files[] = {
	{ "", true },
	{ "/lbcluster.db", false },
	{ "/lbcluster.db-journal", false },
	{ "/lbcluster-stats.db", false },
	{ "/lbcluster-stats.db-wal", false },
	{ "/lbcluster-stats.db-shm", false },
	{ "/lbcluster-stats.db.lock", false },
	{ "/lbclusterd.lock", false },
};

/* True if 'part', which is without links, is all of the path. */
static bool
is_whole(const char *part, const char *path)
{
	char *real = realpath(path, NULL);
	bool whole = real != NULL && strcmp(part, real) == 0;

	free(real);
	return whole;
}

static void
file_closed(struct doctor *doctor, const char *part, bool whole, const struct stat *st)
{
	char user[64], owner[64], group[64];

	doctor_user(doctor->daemon.uid, user);
	if (whole)
		doctor_cure(doctor, "chown -R %s: %s", user, doctor->ctl->store_dir);
	else
		doctor_cure(doctor, "chmod a+x %s", part);
	doctor_find(doctor, DOCTOR_FAIL, doctor->cure,
	    "%s is of %s:%s, mode %04o: the user of lbclusterd, %s, may not %s", part,
	    doctor_user(st->st_uid, owner), doctor_group(st->st_gid, group),
	    (unsigned int)st->st_mode & 07777, user, whole ? "write it" : "pass");
}

/* One file of the store; true if there is nothing to say of it. */
static bool
file_check(struct doctor *doctor, const char *path, bool directory)
{
	unsigned int want = WHO_READ | WHO_WRITE | (directory ? WHO_PASS : 0u), mode;
	char part[WHO_PATH_MAX], group[64];
	struct stat st;
	int status;

	status = who_reach(&doctor->daemon, path, want, part, &st);
	if (status == EACCES) {
		file_closed(doctor, part, is_whole(part, path), &st);
		return false;
	}
	if (status != 0)
		return true;
	mode = (unsigned int)st.st_mode & 07777;
	if ((mode & OTHERS_W) != 0)
		doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor, "chmod o= %s", path),
		    "%s has mode %04o: anybody on this machine may change it", path, mode);
	else if ((mode & GROUP_RW) != GROUP_RW)
		doctor_find(doctor, DOCTOR_WARN, doctor_cure(doctor, "chmod g+rw%s %s",
		    directory ? "x" : "", path), "%s has mode %04o: nobody of its group %s can"
		    " use lbclusterctl", path, mode, doctor_group(st.st_gid, group));
	else if (directory && (mode & S_ISGID) == 0)
		doctor_find(doctor, DOCTOR_WARN, doctor_cure(doctor, "chmod g+s %s", path),
		    "%s has mode %04o: a file that one of its group %s makes there is closed to"
		    " lbclusterd", path, mode, doctor_group(st.st_gid, group));
	else
		return true;
	return false;
}

void
doctor_store_files(struct doctor *doctor)
{
	const char *dir = doctor->ctl->store_dir;
	char path[WHO_PATH_MAX];
	bool good = true;

	if (access(dir, X_OK) == -1) {
		doctor_find(doctor, DOCTOR_UNSEEN, NULL, "%s: %s", dir, strerror(errno));
		return;
	}
	if (!doctor->daemon.known) {
		doctor_find(doctor, DOCTOR_UNSEEN, "systemd-sysusers",
		    "lbclusterd does not run, and there is no user " DAEMON_USER);
		return;
	}
	for (size_t i = 0; i < ROWS(files) && good; i++) {
		snprintf(path, sizeof(path), "%s%s", dir, files[i].name);
		good = file_check(doctor, path, files[i].directory);
	}
	if (good)
		doctor_find(doctor, DOCTOR_OK, NULL,
		    "writable for the user of lbclusterd and for the group");
}

/* -- lbclusterd ------------------------------------------------------------------------- */

static void
daemon_tell(struct doctor *doctor, const char *where)
{
	const struct who *daemon = &doctor->daemon;
	char user[64], group[64];

	if (!daemon->known)
		doctor_find(doctor, DOCTOR_OK, NULL, "runs, pid %ld%s; its user could not be"
		    " seen", (long)daemon->pid, where);
	else if (daemon->state == 'T')
		doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor, "kill -CONT %ld",
		    (long)daemon->pid), "is stopped, pid %ld%s", (long)daemon->pid, where);
	else
		doctor_find(doctor, DOCTOR_OK, NULL, "runs, pid %ld, user %s, group %s%s",
		    (long)daemon->pid, doctor_user(daemon->uid, user),
		    doctor_group(daemon->gid, group), where);
}

void
doctor_look_daemon(struct doctor *doctor)
{
	char path[WHO_PATH_MAX];

	snprintf(path, sizeof(path), "%s/" DAEMON_NAME ".lock", doctor->ctl->store_dir);
	doctor->lock = who_locks(path, DAEMON_NAME, &doctor->daemon);
	doctor->lock_error = errno;
	if (doctor->lock == WHO_LOCK_HELD)
		doctor->daemon_alive = SIGHT_YES;
	else if (doctor->lock == WHO_LOCK_FREE)
		doctor->daemon_alive = SIGHT_NO;
	if (doctor->lock == WHO_LOCK_FREE ||
	    (doctor->lock == WHO_LOCK_UNSEEN && !who_runs(DAEMON_NAME, &doctor->daemon)))
		(void)who_user(DAEMON_USER, &doctor->daemon);
}

void
doctor_daemon(struct doctor *doctor)
{
	const char *dir = doctor->ctl->store_dir;

	switch (doctor->lock) {
	case WHO_LOCK_HELD:
		daemon_tell(doctor, "");
		return;
	case WHO_LOCK_UNSEEN:
		if (doctor->daemon.pid != 0)
			daemon_tell(doctor, "; whether on this store could not be seen");
		else
			doctor_find(doctor, DOCTOR_UNSEEN, group_cure(doctor), "%s/" DAEMON_NAME
			    ".lock: %s", dir, strerror(doctor->lock_error));
		return;
	case WHO_LOCK_FREE:
		doctor_find(doctor, DOCTOR_FAIL, "systemctl start lbclusterd\n"
		    "journalctl -u lbclusterd -n 20", "does not run on %s: nobody holds"
		    " lbclusterd.lock there", dir);
		return;
	}
}

/* -- the AgentX socket ------------------------------------------------------------------- */

const char *
doctor_snmpd_start(void)
{
	struct who snmpd;

	return who_runs("snmpd", &snmpd) ? "systemctl restart snmpd" : "systemctl start snmpd";
}

/* Something on the way to the socket is closed to the user of lbclusterd. */
static void
socket_closed(struct doctor *doctor, const char *part, const struct stat *st)
{
	char user[64], owner[64], group[64], his[64];
	unsigned int mode = (unsigned int)st->st_mode & 07777;

	doctor_user(doctor->daemon.uid, user);
	doctor_user(st->st_uid, owner);
	doctor_group(st->st_gid, group);
	if (S_ISDIR(st->st_mode))
		doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor, "chmod 755 %s", part),
		    "the directory %s is of %s:%s, mode %04o: the user of lbclusterd, %s, may"
		    " not pass (snmpd applies the directory mode of agentXPerms only when it"
		    " makes it)", part, owner, group, mode, user);
	else
		doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor,
		    "snmpd.conf: agentXPerms 0660 0755 Debian-snmp %s\nsystemctl restart snmpd",
		    doctor_group(doctor->daemon.gid, his)), "%s is of %s:%s, mode %04o: the"
		    " user of lbclusterd, %s, may not connect", part, owner, group, mode, user);
}

/* TCP has no file whose mode could be wrong. */
static void
address_check(struct doctor *doctor)
{
	struct addrinfo *list = NULL;

	if (doctor_unit_forbids_tcp(DAEMON_NAME))
		doctor_find(doctor, DOCTOR_FAIL, doctor_unit_cure(doctor, DAEMON_NAME), "%s: "
		    DAEMON_NAME ".service allows no TCP", doctor->socket);
	else if (lookup_number(doctor->master.host, doctor->master.port, &list) == 0 &&
	    !endpoint_is_loopback(list->ai_addr))
		doctor_find(doctor, DOCTOR_WARN, NULL, "%s: not an address of the loopback"
		    " interface; AgentX has no encryption and no passwords: use a network that"
		    " only snmpd and lbclusterd reach", doctor->socket);
	else
		doctor_find(doctor, DOCTOR_OK, NULL, "%s: over TCP", doctor->socket);
	if (list != NULL)
		freeaddrinfo(list);
}

void
doctor_socket(struct doctor *doctor)
{
	const struct who *daemon = &doctor->daemon;
	const char *path = doctor->socket;
	char part[WHO_PATH_MAX], user[64];
	struct stat st;
	int status;

	if (doctor->master.kind == ENDPOINT_TCP) {
		address_check(doctor);
		return;
	}
	if (stat(path, &st) == -1) {
		int error = errno;

		doctor_find(doctor, error == EACCES ? DOCTOR_UNSEEN : DOCTOR_FAIL,
		    error == EACCES ? "sudo lbclusterctl doctor" : doctor_snmpd_start(), "%s: %s%s",
		    path, strerror(error), error == ENOENT ? ": snmpd does not run, or has not"
		    " read what its files say now" : "");
		return;
	}
	if (!S_ISSOCK(st.st_mode)) {
		doctor_find(doctor, DOCTOR_FAIL, "lbclusterd.conf: agentx-socket = PATH",
		    "%s is no socket", path);
		return;
	}
	if (!daemon->known) {
		doctor_find(doctor, DOCTOR_UNSEEN, "systemd-sysusers", "%s is there; whether"
		    " lbclusterd may connect could not be seen: its user is not known", path);
		return;
	}
	if ((st.st_mode & S_IWOTH) != 0) {
		doctor_find(doctor, DOCTOR_WARN, doctor_cure(doctor,
		    "snmpd.conf: agentXPerms 0660 0755 Debian-snmp %s\nsystemctl restart snmpd",
		    doctor_group(daemon->gid, user)), "%s has mode %04o: anybody on this machine"
		    " may answer in place of lbclusterd", path, (unsigned int)st.st_mode & 07777);
		return;
	}
	status = who_reach(daemon, path, WHO_WRITE, part, &st);
	if (status == EACCES)
		socket_closed(doctor, part, &st);
	else if (status != 0)
		doctor_find(doctor, DOCTOR_UNSEEN, "sudo lbclusterctl doctor", "%s: %s", part,
		    strerror(status));
	else
		doctor_find(doctor, DOCTOR_OK, NULL, "%s, and the user of lbclusterd, %s, may"
		    " connect", path, doctor_user(daemon->uid, user));
}

struct dial_wait {
	struct loop		*loop;
	struct dial_result	*result;
};

static void
on_dialed(void *arg, const struct dial_result *result)
{
	const struct dial_wait *wait = arg;

	*wait->result = *result;
	loop_stop(wait->loop);
}

static void
on_late(void *arg)
{
	loop_stop(((struct dial_wait *)arg)->loop);
}

/* Connects over TCP as lbclusterd does, for DIAL_MS at most. */
static struct dial_result
tcp_dial(const struct endpoint *to)
{
	struct dial_result result = { .status = DIAL_LOCAL, .fd = -1 };
	struct loop *loop = loop_new();
	struct dial_wait wait = { .loop = loop, .result = &result };
	struct loop_timer end = { 0 };
	struct dial dial = { 0 };

	if (loop == NULL)
		return result;
	result = (struct dial_result){ .status = DIAL_FAILED, .code = ETIMEDOUT, .fd = -1 };
	loop_timer_set(loop, &end, DIAL_MS, on_late, &wait);
	dial_begin(&dial, loop, to, on_dialed, &wait);
	loop_run(loop);
	dial_cancel(&dial);
	loop_timer_cancel(loop, &end);
	loop_free(loop);
	if (result.fd != -1)
		close(result.fd);
	return result;
}

void
doctor_look_master(struct doctor *doctor)
{
	struct dial_result *dialed = &doctor->dialed;

	snmpd_conf_read(&doctor->conf);
	if (doctor->master.kind == ENDPOINT_TCP) {
		*dialed = tcp_dial(&doctor->master);
	} else {
		dialed->code = doctor_connect(doctor->master.path, &doctor->master_pid);
		dialed->status = dialed->code == 0 ? DIAL_CONNECTED : DIAL_FAILED;
	}
	switch (dialed->status) {
	case DIAL_CONNECTED:
		doctor->listening = SIGHT_YES;
		return;
	case DIAL_FAILED:
		if (dialed->code == EAGAIN)
			doctor->listening = SIGHT_YES;
		else if (dialed->code != EACCES && dialed->code != EPERM)
			doctor->listening = SIGHT_NO;
		return;
	case DIAL_NAME:
		doctor->listening = SIGHT_NO;
		return;
	case DIAL_LOCAL:
		return;
	}
}

/* The connection failed with 'error', errno of connect(2). */
static void
master_failed(struct doctor *doctor, int error)
{
	switch (error) {
	case ENOENT:
		doctor_find(doctor, DOCTOR_SKIPPED, NULL, "there is no socket: see agentx-socket");
		return;
	case EACCES:
	case EPERM:
		doctor_find(doctor, DOCTOR_UNSEEN, "sudo lbclusterctl doctor",
		    "%s: you may not connect", doctor->socket);
		return;
	case EAGAIN:
		doctor_find(doctor, DOCTOR_FAIL, "systemctl restart snmpd",
		    "takes no connections: snmpd is stopped or hung");
		return;
	default:
		doctor_find(doctor, DOCTOR_FAIL, doctor_snmpd_start(), "nobody listens at %s: %s",
		    doctor->socket, strerror(error));
	}
}

void
doctor_master(struct doctor *doctor)
{
	const struct dial_result *dialed = &doctor->dialed;
	struct who master = { 0 };

	switch (dialed->status) {
	case DIAL_CONNECTED:
		if (doctor->master_pid != 0)
			(void)who_is(doctor->master_pid, &master);
		if (master.known)
			doctor_find(doctor, DOCTOR_OK, NULL, "%s listens, pid %ld", master.name,
			    (long)doctor->master_pid);
		else
			doctor_find(doctor, DOCTOR_OK, NULL, "%s accepts connections",
			    doctor->socket);
		return;
	case DIAL_NAME:
		doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor, "getent ahosts %s",
		    doctor->master.host), "%s: the host cannot be looked up: %s", doctor->socket,
		    gai_strerror(dialed->code));
		return;
	case DIAL_FAILED:
		master_failed(doctor, dialed->code);
		return;
	case DIAL_LOCAL:
		doctor_find(doctor, DOCTOR_UNSEEN, NULL, "no memory or no descriptor");
		return;
	}
}
