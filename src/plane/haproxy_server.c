/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A server in HAProxy's words to one in ours.
 */
#include "plane/haproxy.h"

#include <stdio.h>

static void
words_read(const struct haproxy_server *server, char words[PLANE_WORDS_MAX])
{
	uint32_t admin = server->admin_state;

	words[0] = '\0';
	if (admin & HAPROXY_FORCED_MAINT)
		snprintf(words, PLANE_WORDS_MAX, "MAINT by %s",
		    admin & HAPROXY_CONFIGURED_MAINT ? "HAProxy's configuration" : "command");
	else if (admin & HAPROXY_INHERITED_MAINT)
		snprintf(words, PLANE_WORDS_MAX, "MAINT by %.100s, which it tracks",
		    server->tracked);
	else if (admin & HAPROXY_RESOLUTION_MAINT)
		snprintf(words, PLANE_WORDS_MAX, "MAINT: %.100s does not resolve", server->fqdn);
	else if (admin & HAPROXY_NAME_MAINT)
		snprintf(words, PLANE_WORDS_MAX, "MAINT: its host name was changed");
	else if (server->op_state == HAPROXY_STOPPING)
		snprintf(words, PLANE_WORDS_MAX, "NOLB: its check asks for no new work");
	else if (server->op_state == HAPROXY_STOPPED && server->check_status[0] == '\0')
		snprintf(words, PLANE_WORDS_MAX, "%.100s", server->tracked[0] != '\0' ?
		    server->tracked : server->status);
	else if (server->op_state == HAPROXY_STOPPED)
		snprintf(words, PLANE_WORDS_MAX, "%.20s%s%.10s%s%.100s", server->check_status,
		    server->check_code[0] != '\0' ? " " : "", server->check_code,
		    server->last_check[0] != '\0' ? " " : "", server->last_check);
}

void
haproxy_server_read(const struct haproxy_server *server, struct plane_server *ret)
{
	const uint32_t not_by_order = HAPROXY_INHERITED_MAINT | HAPROXY_INHERITED_DRAIN |
	    HAPROXY_RESOLUTION_MAINT | HAPROXY_NAME_MAINT;

	*ret = (struct plane_server){
		.service = server->backend,
		.real = server->name,
		.state = server->admin_state & HAPROXY_FORCED_MAINT ? PLANE_OUT :
		    server->admin_state & HAPROXY_FORCED_DRAIN ? PLANE_DRAIN : PLANE_READY,
		.up = server->op_state == HAPROXY_RUNNING ||
		    server->op_state == HAPROXY_STARTING,
		.blocked = (server->admin_state & not_by_order) != 0,
		.backup = server->backup,
		.weight = server->weight,
		.present = 1u << STAT_ACTIVE_CONNECTIONS | 1u << STAT_CONNECTIONS_PER_SECOND |
		    1u << STAT_TOTAL_CONNECTIONS | 1u << STAT_TOTAL_OCTETS_IN |
		    1u << STAT_TOTAL_OCTETS_OUT,
	};
	ret->number[STAT_ACTIVE_CONNECTIONS] = server->current;
	ret->number[STAT_CONNECTIONS_PER_SECOND] = server->rate;
	ret->number[STAT_TOTAL_CONNECTIONS] = server->total;
	ret->number[STAT_TOTAL_OCTETS_IN] = server->bytes_in;
	ret->number[STAT_TOTAL_OCTETS_OUT] = server->bytes_out;
	words_read(server, ret->words);
	haproxy_printable(ret->words);
}
