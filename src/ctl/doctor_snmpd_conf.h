/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What snmpd's configuration files say of AgentX, addresses and access, read once for all
 * checks of the doctor.
 */
#ifndef CTL_DOCTOR_SNMPD_CONF_H
#define CTL_DOCTOR_SNMPD_CONF_H

#include <stddef.h>

#include "util/endpoint.h"

/* What the lines of a key say, as snmpd reads them: those of agentaddress together, separated
 * by commas, of other keys the last one; "": there is none. */
struct conf_line {
	char	value[256];
	char	at[320];	/* FILE:LINE of the last one */
};

enum conf_key {
	CONF_MASTER, CONF_SOCKET, CONF_TIMEOUT, CONF_RETRIES, CONF_ADDRESS, CONF_RW, CONF_RW6,
	CONF_KEYS
};

struct snmpd_conf {
	struct conf_line	lines[CONF_KEYS];
	size_t			n_files;
	/* Files, "" if there is none of the kind. */
	char			hidden[256];	/* this user may not read it */
	char			open[256];	/* every user may write it */
	char			secret[256];	/* has a secret, and every user may read it */
	char			included[256];	/* the latest directory of an includeDir */
	char			unread[256];	/* in snmpd.conf.d, which no includeDir names */
};

/* Reads snmpd.conf and snmpd.local.conf of the directories of SNMPCONFPATH, else of
 * /etc/snmp and /usr/share/snmp, and what these files include. */
void snmpd_conf_read(struct snmpd_conf *conf);

/* True if "agentXSocket" names the address: one of its list, in net-snmp's notation. */
bool snmpd_conf_has_socket(const char *value, const struct endpoint *endpoint);

/* Where snmpd listens for managers on this machine, as an argument of snmpget(1): "localhost",
 * "localhost:1161", "192.0.2.1:161", from the first UDP address of an agentaddress. Returns
 * 'buf'. */
const char *snmpd_conf_target(const char *agentaddress, char *buf, size_t size);

#endif
