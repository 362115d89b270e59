/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Checks of the doctor on the socket of the AgentX master.
 */
#include "ctl/doctor.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { PING_MS = 2000, PDU_RESPONSE = 18 };

/* Returns the command that starts snmpd: "restart" if it runs. */
static const char *
snmpd_start(void)
{
	struct process snmpd;

	return process_find("snmpd", &snmpd) ? "systemctl restart snmpd" : "systemctl start snmpd";
}

static const char *
perms_fix(struct doctor *doctor)
{
	char group[CTL_NAME_SIZE];

	return doctor_fix(doctor, "snmpd.conf: agentXPerms 0660 0755 Debian-snmp %s\n"
	    "systemctl restart snmpd", ctl_group(doctor->daemon.gid, group));
}

/* Reports the directory or the socket that the user of lbclusterd may not use. */
static void
socket_closed(struct doctor *doctor, const char *part, const struct stat *st)
{
	char user[CTL_NAME_SIZE], owner[CTL_NAME_SIZE], group[CTL_NAME_SIZE];
	unsigned int mode = (unsigned int)st->st_mode & 07777;

	ctl_user(doctor->daemon.uid, user);
	ctl_user(st->st_uid, owner);
	ctl_group(st->st_gid, group);
	if (S_ISDIR(st->st_mode))
		doctor_fail(doctor, doctor_fix(doctor, "chmod 755 %s", part),
		    "the directory %s is of %s:%s, mode %04o: the user of lbclusterd, %s, may"
		    " not pass (snmpd applies the directory mode of agentXPerms only when it"
		    " creates the directory)", part, owner, group, mode, user);
	else
		doctor_fail(doctor, perms_fix(doctor), "%s is of %s:%s, mode %04o:"
		    " the user of lbclusterd, %s, may not connect", part, owner, group, mode, user);
}

static void
tcp_check(struct doctor *doctor)
{
	const char *host = doctor->master.host;
	struct addrinfo *list = NULL;

	if (doctor_unit_forbids_tcp("lbclusterd"))
		doctor_fail(doctor, doctor_unit_fix(doctor, "lbclusterd"),
		    "%s: lbclusterd.service allows no TCP", doctor->socket);
	else if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
		doctor_fail(doctor, doctor_fix(doctor,
		    "lbclusterd.conf: agentx-socket = \"tcp:127.0.0.1:%s\"\n"
		    "systemctl restart lbclusterd", doctor->master.port),
		    "%s: %s is an address to listen at, not to connect to; give the address of"
		    " snmpd", doctor->socket, host);
	else if (lookup_number(host, doctor->master.port, &list) == 0 &&
	    !endpoint_is_loopback(list->ai_addr))
		doctor_warn(doctor, NULL, "%s: not an address of the loopback"
		    " interface; AgentX has no encryption and no passwords: use a network that"
		    " only snmpd and lbclusterd reach", doctor->socket);
	else
		doctor_ok(doctor, "%s: over TCP", doctor->socket);
	if (list != NULL)
		freeaddrinfo(list);
}

/* Checks the modes of a socket for the user of lbclusterd. */
static void
access_check(struct doctor *doctor, const struct stat *socket)
{
	const char *path = doctor->socket;
	char part[PATH_MAX], user[CTL_NAME_SIZE];
	struct stat st;
	int status;

	if ((socket->st_mode & S_IWOTH) != 0) {
		doctor_warn(doctor, perms_fix(doctor), "%s has mode %04o: every user"
		    " of this machine may serve LBCLUSTER-MIB in place of lbclusterd", path,
		    (unsigned int)socket->st_mode & 07777);
		return;
	}
	status = process_reach(&doctor->daemon, path, ACCESS_WRITE, part, &st);
	if (status == EACCES)
		socket_closed(doctor, part, &st);
	else if (status != 0)
		doctor_need_root(doctor, "%s: %s", part, strerror(status));
	else
		doctor_ok(doctor, "%s, and the user of lbclusterd, %s, may"
		    " connect", path, ctl_user(doctor->daemon.uid, user));
}

void
doctor_socket(struct doctor *doctor)
{
	const char *path = doctor->socket;
	struct stat st;

	if (doctor->master.kind == ENDPOINT_TCP) {
		tcp_check(doctor);
	} else if (stat(path, &st) == -1) {
		int error = errno;

		doctor_report(doctor, error == EACCES ? DOCTOR_UNKNOWN : DOCTOR_FAIL,
		    error == EACCES ? "sudo lbclusterctl doctor" : snmpd_start(), "%s: %s%s",
		    path, strerror(error), error == ENOENT ? ": snmpd does not run, or was not "
		    "restarted since its configuration changed" : "");
	} else if (!S_ISSOCK(st.st_mode)) {
		doctor_fail(doctor, "lbclusterd.conf: agentx-socket = PATH",
		    "%s is not a socket", path);
	} else if (!doctor->daemon.known) {
		doctor_unknown(doctor, "systemd-sysusers", "%s exists; the user of"
		    " lbclusterd is unknown, and so whether it may connect", path);
	} else {
		access_check(doctor, &st);
	}
}

/* -- the master ----------------------------------------------------------------------------- */

/* Sends a Ping of AgentX without a session. The master answers with a Response, error notOpen
 * (RFC 2741 section 7.1). UNKNOWN: no answer in time, as from a stopped snmpd. */
static enum tristate
agentx_ping(int fd)
{
	/* Header of a PDU, RFC 2741 section 6.1: version 1, agentx-Ping-PDU (13), flag
	 * NETWORK_BYTE_ORDER (0x10); session 0, transaction 0, packet 1, no payload. */
	static const unsigned char ping[20] = { 1, 13, 0x10, 0, [15] = 1 };
	unsigned char answer[2] = { 0 };
	struct pollfd input = { .fd = fd, .events = POLLIN };

	/* Fails if the peer has closed the connection. recv() below finds that too. */
	(void)send(fd, ping, sizeof(ping), MSG_NOSIGNAL);
	if (poll(&input, 1, PING_MS) <= 0)
		return UNKNOWN;
	return recv(fd, answer, sizeof(answer), 0) == sizeof(answer) && answer[0] == 1 &&
	    answer[1] == PDU_RESPONSE ? YES : NO;
}

struct only {
	size_t	n;
	pid_t	pid;	/* of the first one */
};

static bool
only_count(void *arg, const struct process *process)
{
	struct only *only = arg;

	if (only->n++ == 0)
		only->pid = process->pid;
	return only->n < 2;
}

/* Returns the pid of the snmpd that lbclusterd uses: the AgentX master, or the only snmpd of this
 * machine if the master is unknown. 0: unknown. */
static pid_t
snmpd_pid(const struct doctor *doctor)
{
	struct only only = { .n = 0 };
	struct process master;

	if (doctor->master_pid != 0)
		return process_read(doctor->master_pid, &master) &&
		    strcmp(master.name, "snmpd") == 0 ? doctor->master_pid : 0;
	process_each("snmpd", only_count, &only);
	return only.n == 1 ? only.pid : 0;
}

void
doctor_find_master(struct doctor *doctor)
{
	struct dial_result *dialed = &doctor->dialed;
	struct ucred peer = { .pid = 0 };
	socklen_t length = sizeof(peer);

	*dialed = doctor_connect(&doctor->master);
	if (dialed->status == DIAL_CONNECTED) {
		if (getsockopt(dialed->fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0)
			doctor->master_pid = peer.pid;
		doctor->agentx = agentx_ping(dialed->fd);
		close(dialed->fd);
	}
	/* EAGAIN: the backlog of a UNIX socket is full. */
	doctor->listening = dialed->status == DIAL_CONNECTED ||
	    (dialed->status == DIAL_FAILED && dialed->code == EAGAIN);
	snmpd_conf_read(&doctor->conf, snmpd_pid(doctor));
}

/* Reports the errno of connect(2). */
static void
connect_failed(struct doctor *doctor, int error)
{
	if (error == ENOENT)
		doctor_skip(doctor, "there is no socket: see agentx-socket");
	else if (error == EACCES || error == EPERM)
		doctor_need_root(doctor, "%s: you may not connect", doctor->socket);
	else if (error == EAGAIN)
		doctor_fail(doctor, "systemctl restart snmpd",
		    "accepts no connections: snmpd is stopped or hangs");
	else
		doctor_fail(doctor, snmpd_start(),
		    "no process listens at %s: %s", doctor->socket, strerror(error));
}

void
doctor_master(struct doctor *doctor)
{
	const struct dial_result *dialed = &doctor->dialed;
	struct process master = { 0 };

	if (doctor->master_pid != 0)
		(void)process_read(doctor->master_pid, &master);
	if (dialed->status == DIAL_FAILED)
		connect_failed(doctor, dialed->code);
	else if (dialed->status == DIAL_NAME)
		doctor_fail(doctor, doctor_fix(doctor, "getent ahosts %s",
		    doctor->master.host), "%s: the host cannot be looked up: %s", doctor->socket,
		    gai_strerror(dialed->code));
	else if (dialed->status == DIAL_LOCAL)
		doctor_unknown(doctor, NULL, "no memory or no descriptor");
	else if (doctor->agentx == NO)
		doctor_fail(doctor,
		    "lbclusterd.conf: agentx-socket = ADDRESS\nsystemctl restart lbclusterd",
		    "%s: %s listens there and does not speak AgentX; give the address that"
		    " agentXSocket of snmpd.conf has", doctor->socket,
		    master.known ? master.name : "another program");
	else if (master.known)
		doctor_ok(doctor, "%s listens, pid %ld", master.name, (long)doctor->master_pid);
	else
		doctor_ok(doctor, "%s accepts connections", doctor->socket);
}
