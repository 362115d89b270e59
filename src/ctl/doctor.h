/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The inside of the command doctor: what a check is given, and how it tells what
 * it found. Checks only look, and run in the order of their table: a later one may
 * use what an earlier one saw. Only the doctor's own sources include this.
 */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include "ctl/commands.h"
#include "ctl/doctor_snmpd_conf.h"
#include "ctl/process.h"
#include "util/dial.h"
#include "util/endpoint.h"

#ifndef LBCLUSTER_CONF_FILE
#define LBCLUSTER_CONF_FILE "/etc/lbcluster/lbclusterd.conf"
#endif

/* LAST-UPDATED of the LBCLUSTER-MIB that this program belongs to. */
#define DOCTOR_MIB_REVISION "202611290000Z"

enum doctor_result {
	DOCTOR_OK,
	DOCTOR_WARN,	/* works, and will hurt */
	DOCTOR_FAIL,
	DOCTOR_UNSEEN,	/* could not be seen; the message says why */
	DOCTOR_SKIPPED,	/* was not asked for, or is not needed here */
};

/* Where snmpd listens without an agentXSocket, and lbclusterd connects without a setting. */
#define DOCTOR_SOCKET "/var/agentx/master"

enum doctor_sight { SIGHT_UNKNOWN, SIGHT_NO, SIGHT_YES };

struct doctor {
	struct ctl		*ctl;
	struct out		*out;		/* NULL: text */
	const char		*check;		/* the one that runs */
	bool			 failed, unseen;	/* some check was */
	bool			 memory;	/* there was none */
	char			 cure[1024];
	/* What is asked for. */
	char			 socket[ENDPOINT_TEXT_MAX];	/* of the AgentX master, */
	struct endpoint		 master;			/* the same */
	char			**snmp;		/* arguments for net-snmp's programs */
	bool			 snmp_given;	/* by the user */
	char			 target[256];	/* host and port of snmpd, without snmp_given */
	char			 asker[384];	/* whom snmpd answers, for messages */
	bool			 asker_known;	/* named by the user or by snmp.conf */
	/* What was seen. */
	struct snmpd_conf	 conf;
	struct dial_result	 dialed;	/* the connection to 'master' */
	pid_t			 master_pid;	/* who listens; 0: not known */
	enum who_lock		 lock;		/* of lbclusterd; */
	int			 lock_error;	/* errno where it could not be seen */
	struct who		 daemon;	/* lbclusterd, or the user it would be */
	enum doctor_sight	 daemon_alive;
	enum doctor_sight	 listening;	/* somebody does, on the socket */
	enum doctor_sight	 answers;	/* snmpd, to the arguments */
	enum doctor_sight	 registered;
	char			 version[80];	/* lbcSysVersion, "" if not readable */
};

/* One finding. 'cure' is NULL, or lines: a command each, or a line of a file after
 * the file's name and a colon. */
void doctor_find(struct doctor *doctor, enum doctor_result result, const char *cure,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Makes a cure; it is valid until the next one. */
const char *doctor_cure(struct doctor *doctor, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "user lbcluster", for words and cures. */
const char *doctor_user(uid_t uid, char buf[64]);
const char *doctor_group(gid_t gid, char buf[64]);

/* Tries to connect to a UNIX socket without waiting, and ends the connection. Returns 0,
 * with the process that listens (0 if not known), or errno. */
int doctor_connect(const char *path, pid_t *ret_pid);

/* What several checks use is looked at before the first one runs: the process that holds
 * lbclusterd's lock; then snmpd's configuration and the connection to the master. */
void doctor_look_daemon(struct doctor *doctor);
void doctor_look_master(struct doctor *doctor);

/* The configuration file that 'program' reads: option -c of the process 'pid' (0: none runs),
 * else 'path'. Returns 'buf'. */
const char *doctor_conf_path(pid_t pid, const char *path, char buf[WHO_PATH_MAX]);

/* True if the unit of a program of lbcluster, as it is installed, allows UNIX sockets alone;
 * and the commands that install its example of a drop-in for TCP. */
bool doctor_unit_forbids_tcp(const char *program);
const char *doctor_unit_cure(struct doctor *doctor, const char *program);

/* The command that starts snmpd: "restart" where it runs. */
const char *doctor_snmpd_start(void);

/* The checks. */
void doctor_store(struct doctor *doctor);
void doctor_daemon_conf(struct doctor *doctor);
void doctor_store_files(struct doctor *doctor);
void doctor_daemon(struct doctor *doctor);
void doctor_socket(struct doctor *doctor);
void doctor_master(struct doctor *doctor);
void doctor_snmpd_conf(struct doctor *doctor);
void doctor_patience(struct doctor *doctor);
void doctor_conf_access(struct doctor *doctor);
void doctor_secrets(struct doctor *doctor);
void doctor_snmpd(struct doctor *doctor);
void doctor_registered(struct doctor *doctor);
void doctor_served(struct doctor *doctor);
void doctor_view(struct doctor *doctor);
void doctor_write(struct doctor *doctor);
void doctor_mib_file(struct doctor *doctor);
void doctor_driver_conf(struct doctor *doctor);
void doctor_planes(struct doctor *doctor);

/* Gives the values of objects, OIDs below LBCLUSTER-MIB's root as "1.1.8.0", as snmpget -On
 * prints them ("Gauge32: 2"). False if snmpget cannot be run; "" for an object that is not
 * there. */
enum { DOCTOR_VALUE_MAX = 320 };
bool doctor_values(struct doctor *doctor, const char *const objects[], size_t n,
    char values[][DOCTOR_VALUE_MAX]);

/* -- parts without a world, for their tests ------------------------------------------ */

/* Splits a text into arguments as a shell would: blanks, quotes and backslash, no
 * more. NULL if a quote is open or without memory. The array ends with NULL and is one
 * piece of memory. */
char **doctor_words(const char *text);

/* A time of snmpd.conf ("5", "5s", "2m") in seconds; -1 if it is none. */
long doctor_seconds(const char *text);

/* LAST-UPDATED of a module in 'text'; "" if it has none. */
const char *doctor_mib_revision(const char *text, char buf[16]);

#endif
