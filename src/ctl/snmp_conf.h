/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The configuration files of net-snmp: what snmpd.conf(5) says about AgentX, addresses and
 * access, and which user or community snmp.conf(5) has for net-snmp's programs.
 */
#ifndef CTL_SNMP_CONF_H
#define CTL_SNMP_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util/endpoint.h"

#define SNMPD_CONF_DIRS "/etc/snmp:/usr/share/snmp"

/* Calls fn(arg, directory) for each directory of a list such as "/etc/snmp:/usr/share/snmp". */
void snmp_conf_each_dir(const char *list, void (*fn)(void *arg, const char *dir), void *arg);

/* -- snmpd.conf ------------------------------------------------------------------------ */

/* A line of a file. */
struct conf_place {
	char		file[256];
	unsigned int	line;		/* 0: there is none */
};

/* The value of a key, as snmpd reads it: all lines of agentaddress, joined by commas; the last
 * line of another key. "": no line has the key. */
struct conf_line {
	char			value[256];
	struct conf_place	at;	/* of the last line */
};

enum conf_key {
	CONF_MASTER, CONF_SOCKET, CONF_TIMEOUT, CONF_RETRIES, CONF_ADDRESS, CONF_RW, CONF_RW6,
	CONF_KEYS
};

struct snmpd_conf {
	struct conf_line	lines[CONF_KEYS];
	size_t			n_files;
	/* Names of files; "" if there is none. */
	char			first[256];	/* of the files that were read */
	char			hidden[256];	/* this user may not read it */
	char			open[256];	/* every user may write it */
	char			secret[256];	/* every user may read a secret in it */
	char			included[256];	/* directory of the last includeDir */
	char			unread[256];	/* in snmpd.conf.d, without an includeDir */
	struct conf_line	missing;	/* include of a file or directory that is missing */
	struct conf_place	nul;		/* a line with a NUL byte */
};

/* Reads snmpd.conf and snmpd.local.conf in the directories of SNMPCONFPATH, or of
 * SNMPD_CONF_DIRS, and the files that they include. Without SNMPCONFPATH, the options -c and -C of
 * the process 'snmpd' (0: none) say which files that snmpd reads. */
void snmpd_conf_read(struct snmpd_conf *conf, pid_t snmpd);

/* True if a value of agentXSocket, a list in net-snmp's notation, has the address. */
bool snmpd_conf_has_socket(const char *value, const struct endpoint *endpoint);

/* Finds the first UDP address of a value of agentaddress, as an argument of snmpget(1):
 * "localhost", "localhost:1161", "192.0.2.1:161". Returns 'buf'. */
const char *snmpd_conf_target(const char *agentaddress, char *buf, size_t size);

/* -- snmp.conf -------------------------------------------------------------------------- */

/* The user or community that net-snmp's programs use without arguments. */
struct snmp_asker {
	char	user[64];	/* defSecurityName; "": none */
	bool	community;	/* there is a defCommunity */
	char	file[256];	/* that names it */
};

/* Reads snmp.conf in the directories of SNMPCONFPATH, or in /etc/snmp, /usr/share/snmp and
 * ~/.snmp, as net-snmp does. False if no file names a user or a community. */
bool snmp_asker_find(struct snmp_asker *ret);

/* Returns the home directory of the operator: that of SUDO_USER for root under sudo(8). NULL
 * if it is unknown. */
const char *snmp_asker_home(void);

#endif
