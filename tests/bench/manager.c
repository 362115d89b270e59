/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A manager with one session; see manager.h.
 */
#include "manager.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t
manager_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
manager_pause_us(long us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	if (us > 0)
		nanosleep(&ts, NULL);
}

void *
manager_open(const char *port, long timeout_us)
{
	static char community[] = "private";
	char peer[64];
	netsnmp_session config;

	setenv("MIBS", "", 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
	init_snmp("manager");
	snmp_sess_init(&config);
	snprintf(peer, sizeof(peer), "udp:127.0.0.1:%s", port);
	config.peername = peer;
	config.version = SNMP_VERSION_2c;
	config.community = (u_char *)community;
	config.community_len = strlen(community);
	config.timeout = timeout_us;
	config.retries = 0;
	return snmp_sess_open(&config);
}

netsnmp_pdu *
manager_ask(void *session, netsnmp_pdu *pdu)
{
	netsnmp_pdu *answer = NULL;

	if (snmp_sess_synch_response(session, pdu, &answer) == STAT_SUCCESS)
		return answer;
	snmp_free_pdu(answer);
	return NULL;
}

bool
manager_is_value(const netsnmp_variable_list *varbind)
{
	return varbind->type != SNMP_NOSUCHOBJECT && varbind->type != SNMP_NOSUCHINSTANCE &&
	    varbind->type != SNMP_ENDOFMIBVIEW && varbind->type != ASN_NULL;
}
