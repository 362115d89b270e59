/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * For "make bench": the same engine inside snmpd, by dlmod, without AgentX: what
 * AgentX costs. Reads the store in $LBCLUSTER_BENCH_STORE once; retrieval only.
 */
#include <stdlib.h>
#include <string.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>

#include "cache/cache.h"
#include "mib/mib.h"
#include "store/store.h"
#include "util/clock.h"

/* What snmpd calls. */
void init_loaded(void);

static struct mib *engine;

static void
oid_read(const oid *sub, size_t n, struct mib_oid *ret)
{
	ret->n = n > MIB_OID_MAX ? MIB_OID_MAX : (uint32_t)n;
	for (uint32_t i = 0; i < ret->n; i++)
		ret->sub[i] = (uint32_t)sub[i];
}

static void
value_write(netsnmp_variable_list *varbind, const struct mib_value *value)
{
	struct counter64 wide = {
		.high = value->counter64 >> 32, .low = value->counter64 & UINT32_MAX
	};
	long number = value->type == MIB_INTEGER ? value->integer : (long)value->number;

	if (value->type == MIB_OCTETS)
		snmp_set_var_typed_value(varbind, ASN_OCTET_STR, value->octets.data,
		    value->octets.length);
	else if (value->type == MIB_COUNTER64)
		snmp_set_var_typed_value(varbind, ASN_COUNTER64, &wide, sizeof(wide));
	else if (value->type == MIB_INTEGER || value->type == MIB_GAUGE32 ||
	    value->type == MIB_COUNTER32)
		snmp_set_var_typed_value(varbind, (u_char)value->type, &number,
		    sizeof(number));
	else
		snmp_set_var_typed_value(varbind, (u_char)value->type, NULL, 0);
}

static void
next_answer(netsnmp_request_info *request)
{
	netsnmp_variable_list *varbind = request->requestvb;
	struct mib_oid name, end;
	struct mib_value value;
	oid sub[MIB_OID_MAX];

	oid_read(varbind->name, varbind->name_length, &name);
	oid_read(request->range_end, request->range_end_len, &end);
	mib_next(engine, &name, request->inclusive != 0, &end, &name, &value);
	if (value.type == MIB_END_OF_VIEW)
		return;		/* snmpd goes on to what comes after us */
	for (uint32_t i = 0; i < name.n; i++)
		sub[i] = name.sub[i];
	snmp_set_var_objid(varbind, sub, name.n);
	value_write(varbind, &value);
}

static int
answer(netsnmp_mib_handler *handler, netsnmp_handler_registration *registration,
    netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
	(void)handler;
	(void)registration;
	for (; requests != NULL; requests = requests->next) {
		struct mib_oid name;
		struct mib_value value;

		if (requests->processed)
			continue;
		if (info->mode == MODE_GETNEXT) {
			next_answer(requests);
		} else if (info->mode == MODE_GET) {
			oid_read(requests->requestvb->name,
			    requests->requestvb->name_length, &name);
			mib_get(engine, &name, &value);
			value_write(requests->requestvb, &value);
		}
	}
	return SNMP_ERR_NOERROR;
}

void
init_loaded(void)
{
	static const struct mib_config config = {
		.stale_after_s = 86400, .version = "loaded"
	};
	const char *dir = getenv("LBCLUSTER_BENCH_STORE");
	struct cache *cache = cache_new();
	struct store *store;
	struct err err;
	oid root[MIB_OID_MAX];
	bool more = true;

	if (dir == NULL || cache == NULL ||
	    store_open(dir, STORE_READ, 1000, &store, &err) != ERR_OK)
		return;
	while (more)
		if (cache_refresh(cache, store, 10000, clock_wall_s(), &more, &err) != ERR_OK)
			return;
	engine = mib_new(cache, store, &config);
	if (engine == NULL)
		return;
	for (size_t i = 0; i < mib_root_length; i++)
		root[i] = mib_root[i];
	netsnmp_register_handler(netsnmp_create_handler_registration("lbcluster", answer,
	    root, mib_root_length, HANDLER_CAN_RONLY));
}
