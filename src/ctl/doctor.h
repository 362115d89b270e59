/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Private to the files doctor*.c: what a check of the command doctor gets, and how it reports.
 * Checks change nothing. They run in the order of their table, and a later check may use the
 * results of an earlier one.
 */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include "ctl/ctl.h"
#include "ctl/process.h"
#include "ctl/snmp_conf.h"
#include "util/dial.h"
#include "util/endpoint.h"

/* LAST-UPDATED of the LBCLUSTER-MIB of this version. */
#define DOCTOR_MIB_REVISION "202611300000Z"

/* The socket of snmpd without agentXSocket, and of lbclusterd without agentx-socket. */
#define DOCTOR_SOCKET "/var/agentx/master"

/* The user and the group of lbclusterd and of its store, as installed. */
#define DOCTOR_USER "lbcluster"

enum doctor_result {
	DOCTOR_OK,
	DOCTOR_WARN,	/* works now, and may fail later */
	DOCTOR_FAIL,
	DOCTOR_UNKNOWN,	/* the check could not be made; the message says why */
	DOCTOR_SKIPPED,	/* the check was not requested, or is not needed */
};

enum tristate { UNKNOWN, NO, YES };

struct doctor {
	struct ctl		*ctl;
	struct out		*out;		/* NULL: text */
	const char		*check;		/* the current one */
	bool			 failed, unknown;	/* a check had this result */
	bool			 out_of_memory;
	char			 fix[1024];
	/* What to check. */
	char			 socket[ENDPOINT_TEXT_MAX];	/* of the AgentX master, */
	struct endpoint		 master;			/* parsed */
	char			**snmp;		/* arguments for net-snmp's programs */
	bool			 snmp_given;	/* by the user */
	char			 target[256];	/* host and port of snmpd, unless snmp_given */
	char			 asker[384];	/* the community or user, for messages */
	bool			 asker_known;	/* from the user or from snmp.conf */
	/* Results. */
	struct snmpd_conf	 conf;
	struct dial_result	 dialed;	/* the connection to 'master' */
	pid_t			 master_pid;	/* of a UNIX socket; 0: unknown */
	enum tristate		 agentx;	/* 'master' answers a Ping of AgentX */
	enum lock_state		 lock;		/* of lbclusterd; */
	int			 lock_error;	/* errno of LOCK_UNKNOWN */
	struct process		 daemon;	/* lbclusterd; if it does not run, the user of its
						 * unit */
	bool			 listening;	/* a process listens at 'master' */
	bool			 answers;	/* snmpd answers 'snmp' */
	enum tristate		 registered;
	char			 version[80];	/* lbcSysVersion, "" if it cannot be read */
};

/* Reports one result of a check. 'fix' is NULL or lines: commands, and lines of a configuration
 * file as "FILE: LINE". */
void doctor_report(struct doctor *doctor, enum doctor_result result, const char *fix,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#define doctor_ok(doctor, ...) doctor_report(doctor, DOCTOR_OK, NULL, __VA_ARGS__)
#define doctor_skip(doctor, ...) doctor_report(doctor, DOCTOR_SKIPPED, NULL, __VA_ARGS__)
#define doctor_warn(doctor, fix, ...) doctor_report(doctor, DOCTOR_WARN, fix, __VA_ARGS__)
#define doctor_fail(doctor, fix, ...) doctor_report(doctor, DOCTOR_FAIL, fix, __VA_ARGS__)
#define doctor_unknown(doctor, fix, ...) doctor_report(doctor, DOCTOR_UNKNOWN, fix, __VA_ARGS__)
/* Reports a check that only root can make. */
#define doctor_need_root(doctor, ...) \
	doctor_unknown(doctor, "sudo lbclusterctl doctor", __VA_ARGS__)

/* Formats a fix, valid until the next one. */
const char *doctor_fix(struct doctor *doctor, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Connects as lbclusterd does, within 15 s. result.fd is open if it is connected. */
struct dial_result doctor_connect(const struct endpoint *to);

/* Run before the first check: the process that holds lbclusterd's lock; snmpd's configuration
 * and the connection to the master. */
void doctor_find_daemon(struct doctor *doctor);
void doctor_find_master(struct doctor *doctor);

/* Returns, in 'buf', the configuration file of a program: option -c of the process 'pid' (0:
 * none runs), or 'path'. */
const char *doctor_conf_path(pid_t pid, const char *path, char buf[PATH_MAX]);

/* True if the installed unit of a program of lbcluster allows only UNIX sockets. The fix
 * installs the example of a drop-in for TCP. */
bool doctor_unit_forbids_tcp(const char *program);
const char *doctor_unit_fix(struct doctor *doctor, const char *program);

/* The checks. */
void doctor_store(struct doctor *doctor);
void doctor_daemon_conf(struct doctor *doctor);
void doctor_store_files(struct doctor *doctor);
void doctor_daemon(struct doctor *doctor);
void doctor_socket(struct doctor *doctor);
void doctor_master(struct doctor *doctor);
void doctor_cpus(struct doctor *doctor);
void doctor_snmpd_conf(struct doctor *doctor);
void doctor_timeout(struct doctor *doctor);
void doctor_communities(struct doctor *doctor);
void doctor_secrets(struct doctor *doctor);
void doctor_snmpd(struct doctor *doctor);
void doctor_registered(struct doctor *doctor);
void doctor_served(struct doctor *doctor);
void doctor_view(struct doctor *doctor);
void doctor_write(struct doctor *doctor);
void doctor_mib_file(struct doctor *doctor);
void doctor_driver_conf(struct doctor *doctor);
void doctor_planes(struct doctor *doctor);

/* Reads objects with snmpget; 'objects' are OIDs below LBCLUSTER-MIB's root, "1.1.8.0". Values
 * are as "snmpget -On" prints them ("Gauge32: 2"), "" for an object without an answer. False if
 * snmpget cannot run. */
enum { DOCTOR_VALUE_MAX = 320 };
bool doctor_values(struct doctor *doctor, const char *const objects[], size_t n,
    char values[][DOCTOR_VALUE_MAX]);

/* -- parts with tests of their own ----------------------------------------------------- */

/* Splits a text into arguments at blanks. Quotes and backslash work as in a shell. NULL if a
 * quote is open or without memory. The array ends with NULL and is one piece of memory. */
char **doctor_split(const char *text);

/* Parses a time of snmpd.conf ("5", "5s", "2m") into seconds; -1 if it is invalid. */
long doctor_seconds(const char *text);

/* Finds LAST-UPDATED of a MIB module in 'text'; "" if there is none. Returns 'buf'. */
const char *doctor_mib_revision(const char *text, char buf[16]);

#endif
