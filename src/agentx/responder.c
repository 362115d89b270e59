/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "agentx/responder.h"

#include <stdlib.h>

enum {
	/* Bounds of the answer to a GetBulk, which may be shorter than requested. They keep it
	 * below WIRE_MESSAGE_MAX. snmpd sends GetNext instead of GetBulk. */
	BULK_VARBINDS_MAX = 500,
	BULK_OCTETS_MAX = 48 * 1024
};

bool
responder_knows(int command)
{
	return command >= WIRE_GET && command <= WIRE_CLEANUP_SET;
}

/* Converts an OID. The library has sub-identifiers in longs, sign-extended above 2^31. */
static bool
oid_read(const oid *sub, size_t n, struct mib_oid *ret_oid)
{
	if (n > MIB_OID_MAX)
		return false;
	ret_oid->n = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		ret_oid->sub[i] = (uint32_t)sub[i];
	return true;
}

static void
oid_write(const struct mib_oid *from, oid to[MIB_OID_MAX])
{
	for (uint32_t i = 0; i < from->n; i++)
		to[i] = from->sub[i];
}

/* Reads the end of a search range. The codec turns the null OID (no end) into 0.0. */
static bool
end_read(const netsnmp_variable_list *varbind, struct mib_oid *ret_end)
{
	const oid *sub = varbind->val.objid;
	size_t n = varbind->val_len / sizeof(oid);

	return oid_read(sub, n == 2 && sub[0] == 0 && sub[1] == 0 ? 0 : n, ret_end);
}

/* Copies 'value' into 'varbind'. False if out of memory. */
static bool
value_write(netsnmp_variable_list *varbind, const struct mib_value *value)
{
	oid sub[MIB_OID_MAX];
	struct counter64 wide;
	const void *data = NULL;
	size_t length = 0;

	switch (value->type) {
	case MIB_INTEGER:
		data = &value->integer;
		length = sizeof(value->integer);
		break;
	case MIB_COUNTER32:
	case MIB_GAUGE32:
	case MIB_TIMETICKS:
		data = &value->number;
		length = sizeof(value->number);
		break;
	case MIB_COUNTER64:
		wide.high = (u_long)(value->counter64 >> 32);
		wide.low = (u_long)(value->counter64 & UINT32_MAX);
		data = &wide;
		length = sizeof(wide);
		break;
	case MIB_OCTETS:
	case MIB_OPAQUE:
		data = value->octets.length == 0 ? value->buffer : value->octets.data;
		length = value->octets.length;
		break;
	case MIB_OBJECT_ID:
		oid_write(&value->oid, sub);
		data = sub;
		length = value->oid.n * sizeof(oid);
		break;
	case MIB_NULL:
	case MIB_NO_SUCH_OBJECT:
	case MIB_NO_SUCH_INSTANCE:
	case MIB_END_OF_VIEW:
		break;
	}
	return snmp_set_var_typed_value(varbind, (u_char)value->type, data, length) == 0;
}

static bool
name_write(netsnmp_variable_list *varbind, const struct mib_oid *name)
{
	oid sub[MIB_OID_MAX];

	oid_write(name, sub);
	return snmp_set_var_objid(varbind, sub, name->n) == 0;
}

netsnmp_variable_list *
responder_varbind_add(netsnmp_variable_list **end, const struct mib_varbind *from)
{
	netsnmp_variable_list *added;
	oid sub[MIB_OID_MAX];

	oid_write(&from->name, sub);
	added = snmp_varlist_add_variable(end, sub, from->name.n, ASN_NULL, NULL, 0);
	return added != NULL && value_write(added, &from->value) ? added : NULL;
}

/* Reads a value. Other types become Opaque, which no column has. */
static void
value_read(const netsnmp_variable_list *varbind, struct mib_value *ret_value)
{
	const netsnmp_vardata *val = &varbind->val;

	ret_value->type = MIB_OPAQUE;
	ret_value->octets.data = val->string;
	ret_value->octets.length = varbind->val_len;
	switch (varbind->type) {
	case ASN_INTEGER:
		ret_value->type = MIB_INTEGER;
		ret_value->integer = (int32_t)*val->integer;
		break;
	case ASN_COUNTER:
	case ASN_GAUGE:
	case ASN_TIMETICKS:
		ret_value->type = (enum mib_type)varbind->type;
		ret_value->number = (uint32_t)*val->integer;
		break;
	case ASN_COUNTER64:
		ret_value->type = MIB_COUNTER64;
		ret_value->counter64 = (uint64_t)val->counter64->high << 32 |
		    (val->counter64->low & UINT32_MAX);
		break;
	case ASN_OCTET_STR:
		ret_value->type = MIB_OCTETS;
		break;
	case ASN_NULL:
		ret_value->type = MIB_NULL;
		break;
	case ASN_OBJECT_ID:
		if (varbind->val_len / sizeof(oid) <= MIB_OID_MAX) {
			ret_value->type = MIB_OBJECT_ID;
			oid_read(val->objid, varbind->val_len / sizeof(oid), &ret_value->oid);
		}
		break;
	default:
		break;
	}
}

/* -- Get, GetNext, GetBulk: RFC 2741 sections 7.2.3.1 to 7.2.3.3 ----------------- */

static bool
get_one(struct mib *mib, netsnmp_variable_list *varbind)
{
	struct mib_oid name;
	struct mib_value value;

	if (!oid_read(varbind->name, varbind->name_length, &name))
		return false;
	mib_get(mib, &name, &value);
	return value_write(varbind, &value);
}

/* Writes the varbind after 'start' in 'range' to 'ret', which may be 'start' or 'range'. */
static bool
next_one(struct mib *mib, const netsnmp_variable_list *start, bool inclusive,
    const netsnmp_variable_list *range, netsnmp_variable_list *ret)
{
	struct mib_oid name, end;
	struct mib_value value;

	if (!oid_read(start->name, start->name_length, &name) || !end_read(range, &end))
		return false;
	mib_next(mib, &name, inclusive, &end, &name, &value);
	return name_write(ret, &name) && value_write(ret, &value);
}

/* Replaces each varbind by its answer. On an error *ret_index is the varbind at fault. */
static bool
get_each(struct mib *mib, netsnmp_pdu *pdu, size_t *ret_index)
{
	netsnmp_variable_list *varbind = pdu->variables;
	bool ok;

	for (*ret_index = 1; varbind != NULL; varbind = varbind->next_variable) {
		if (pdu->command == WIRE_GET)
			ok = get_one(mib, varbind);
		else
			ok = next_one(mib, varbind, varbind->type == ASN_PRIV_INCL_RANGE,
			    varbind, varbind);
		if (!ok)
			return false;
		(*ret_index)++;
	}
	return true;
}

/* The answer to a GetBulk. */
struct bulk {
	struct mib			 *mib;
	netsnmp_variable_list	 *first;
	netsnmp_variable_list	**end;
	size_t			  n, octets;
};

static bool
bulk_full(const struct bulk *bulk)
{
	return bulk->n >= BULK_VARBINDS_MAX || bulk->octets >= BULK_OCTETS_MAX;
}

static bool
bulk_add(struct bulk *bulk, const netsnmp_variable_list *start, const netsnmp_variable_list *range)
{
	netsnmp_variable_list *added = snmp_varlist_add_variable(bulk->end, range->name,
	    range->name_length, ASN_NULL, NULL, 0);

	if (added == NULL || !next_one(bulk->mib, start, start == range &&
	    range->type == ASN_PRIV_INCL_RANGE, range, added))
		return false;
	bulk->end = &added->next_variable;
	bulk->n++;
	bulk->octets += added->val_len + 4 * added->name_length;
	return true;
}

/* Adds the repeaters. Each round continues from the varbinds of the round before. */
static bool
bulk_repeat(struct bulk *bulk, const netsnmp_variable_list *ranges, long rounds)
{
	const netsnmp_variable_list *range, *start, *previous;
	netsnmp_variable_list **round = bulk->end;
	bool more = true;

	for (long i = 0; i < rounds && more; i++) {
		previous = *round;
		round = bulk->end;
		more = false;
		for (range = ranges; range != NULL; range = range->next_variable) {
			if (bulk_full(bulk))
				return true;
			start = i == 0 ? range : previous;
			if (!bulk_add(bulk, start, range))
				return false;
			if (i > 0)
				previous = previous->next_variable;
		}
		for (start = *round; start != NULL; start = start->next_variable)
			more |= start->type != SNMP_ENDOFMIBVIEW;
	}
	return true;
}

static bool
get_bulk(struct mib *mib, netsnmp_pdu *pdu, size_t *ret_index)
{
	struct bulk bulk = { .mib = mib };
	netsnmp_variable_list *range = pdu->variables;
	bool ok = true;

	bulk.end = &bulk.first;
	for (long i = 0; i < pdu->non_repeaters && range != NULL && ok; i++) {
		if (!bulk_full(&bulk))
			ok = bulk_add(&bulk, range, range);
		range = range->next_variable;
	}
	if (ok && range != NULL)
		ok = bulk_repeat(&bulk, range, pdu->max_repetitions);
	snmp_free_varbind(pdu->variables);
	pdu->variables = bulk.first;
	*ret_index = bulk.n + 1;
	return ok;
}

static enum mib_status
retrieve(const struct responder *responder, netsnmp_pdu *pdu, size_t *ret_index)
{
	bool ok;

	if (pdu->command == WIRE_GET_BULK)
		ok = get_bulk(responder->mib, pdu, ret_index);
	else
		ok = get_each(responder->mib, pdu, ret_index);
	return ok ? MIB_NO_ERROR : MIB_GEN_ERR;
}

/* -- TestSet, CommitSet, UndoSet, CleanupSet: RFC 2741 section 7.2.4 ------------- */

static enum mib_status
set_test(const struct responder *responder, const netsnmp_pdu *pdu, size_t *ret_index)
{
	const netsnmp_variable_list *from;
	struct mib_varbind *varbinds;
	enum mib_status status = MIB_NO_ERROR;
	size_t n = 0, i = 0;

	for (from = pdu->variables; from != NULL; from = from->next_variable)
		n++;
	varbinds = malloc(n == 0 ? 1 : n * sizeof(*varbinds));
	*ret_index = 1;
	if (varbinds == NULL)
		return MIB_RESOURCE_UNAVAILABLE;
	for (from = pdu->variables; from != NULL; from = from->next_variable, i++) {
		if (!oid_read(from->name, from->name_length, &varbinds[i].name)) {
			*ret_index = i + 1;
			status = MIB_NOT_WRITABLE;
			break;
		}
		value_read(from, &varbinds[i].value);
	}
	if (status == MIB_NO_ERROR)
		status = mib_set_test(responder->mib, responder->session,
		    (uint32_t)pdu->transid, varbinds, n, ret_index);
	free(varbinds);
	return status;
}

static enum mib_status
set_phase(const struct responder *responder, const netsnmp_pdu *pdu, size_t *ret_index)
{
	uint32_t session = responder->session, transaction = (uint32_t)pdu->transid;

	switch (pdu->command) {
	case WIRE_TEST_SET:
		return set_test(responder, pdu, ret_index);
	case WIRE_COMMIT_SET:
		return mib_set_commit(responder->mib, session, transaction, ret_index);
	case WIRE_UNDO_SET:
		return mib_set_undo(responder->mib, session, transaction, ret_index);
	default:
		mib_set_cleanup(responder->mib, session, transaction);
		return MIB_NO_ERROR;
	}
}

void
responder_cleanup(const struct responder *responder, const uint8_t *message)
{
	uint32_t session_id, transaction;

	wire_ids(message, &session_id, &transaction);
	if (session_id == responder->session_id)
		mib_set_cleanup(responder->mib, responder->session, transaction);
}

/* -- all requests ----------------------------------------------------------------- */

/* Checks a request before the engine gets it (section 7.2.2). */
static int
request_check(const struct responder *responder, const netsnmp_pdu *pdu)
{
	if ((uint32_t)pdu->sessid != responder->session_id)
		return WIRE_NOT_OPEN;
	if ((pdu->flags & WIRE_CONTEXT) != 0 && pdu->community_len > 0)
		return WIRE_UNSUPPORTED_CONTEXT;
	return 0;
}

void
responder_refuse(netsnmp_pdu *pdu, int error, size_t index)
{
	snmp_free_varbind(pdu->variables);
	pdu->variables = NULL;
	pdu->errstat = error;
	pdu->errindex = (long)index;
}

bool
responder_answer(const struct responder *responder, netsnmp_pdu *pdu, int error)
{
	/* A CleanupSet has no answer (RFC 2741 section 7.2.4.4). snmpd 5.9.3 would drop it. */
	bool wanted = pdu->command != WIRE_CLEANUP_SET;
	size_t index = 0;

	if (error == 0)
		error = request_check(responder, pdu);
	if (error == 0 && pdu->command <= WIRE_GET_BULK)
		error = (int)retrieve(responder, pdu, &index);
	else if (error == 0)
		error = (int)set_phase(responder, pdu, &index);
	if (error != 0 || pdu->command > WIRE_GET_BULK)
		responder_refuse(pdu, error, error == 0 ? 0 : index);
	else
		pdu->errstat = pdu->errindex = 0;
	pdu->command = WIRE_RESPONSE;
	pdu->flags &= WIRE_NETWORK_ORDER;
	pdu->time = 0;
	return wanted;
}
