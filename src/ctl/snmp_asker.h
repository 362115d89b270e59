/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * How the operator asks snmpd by default: what net-snmp's snmp.conf(5) names, so that
 * "snmpget localhost OID" needs no more arguments.
 */
#ifndef CTL_SNMP_ASKER_H
#define CTL_SNMP_ASKER_H

#include <stdbool.h>

struct snmp_asker {
	char	user[64];	/* defSecurityName; "": none */
	bool	community;	/* there is a defCommunity */
	char	file[256];	/* that names it */
};

/* True if a snmp.conf of the operator names a user or a community. Looks where net-snmp
 * does: SNMPCONFPATH, else /etc/snmp, /usr/share/snmp and ~/.snmp. */
bool snmp_asker_find(struct snmp_asker *ret);

/* The home directory of the operator: under sudo, as root, of the user who called it. NULL
 * if it is not known. */
const char *snmp_asker_home(void);

#endif
