/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Translates a server of HAProxy into a server of plane.h. doc/haproxy-states.txt has the
 * effect of each state on traffic.
 */
#include "plane/haproxy/haproxy.h"

#include <stdio.h>
#include <string.h>

#include "util/memory.h"
#include "util/text.h"

/* -- reasons: why a server gets no new work ------------------------------------------ */

static void
reason_forced_maint(const struct haproxy_server *server, char message[PLANE_MESSAGE_SIZE])
{
	snprintf(message, PLANE_MESSAGE_SIZE, "MAINT by %s",
	    server->admin_state & HAPROXY_CONFIGURED_MAINT ? "HAProxy's configuration" :
	    server->last_agent[0] != '\0' ? "command or agent" : "command");
}

static void
reason_resolution(const struct haproxy_server *server, char message[PLANE_MESSAGE_SIZE])
{
	if (server->fqdn[0] != '\0')
		snprintf(message, PLANE_MESSAGE_SIZE, "MAINT: %.120s does not resolve",
		    server->fqdn);
	else if (server->srv_record[0] != '\0')
		snprintf(message, PLANE_MESSAGE_SIZE, "MAINT: SRV record %.80s has no target for"
		    " it", server->srv_record);
	else
		snprintf(message, PLANE_MESSAGE_SIZE, "MAINT: HAProxy has no address for it");
}

static void
reason_tracked(const struct haproxy_server *server, const char *state,
    char message[PLANE_MESSAGE_SIZE])
{
	snprintf(message, PLANE_MESSAGE_SIZE, "%s: tracks %.110s, which is %s", state,
	    server->tracked, state);
}

static void
reason_stopping(const struct haproxy_server *server, char message[PLANE_MESSAGE_SIZE])
{
	if (server->tracked[0] != '\0')
		reason_tracked(server, "NOLB", message);
	else
		snprintf(message, PLANE_MESSAGE_SIZE, "NOLB by %s: no new work",
		    strcmp(server->check_status, "L7OKC") == 0 ? "its check" : "command or agent");
}

/* check_status of a check that passed, management.txt 9.1, field 36. INI: none has ended. */
static bool
check_passed(const char *status)
{
	static const char *const passed[] = { "INI", "L4OK", "L6OK", "L7OK", "L7OKC", "PROCOK" };

	for (size_t i = 0; i < ROWS(passed); i++) {
		if (strcmp(status, passed[i]) == 0)
			return true;
	}
	return false;
}

/* last_agt is the answer of an agent: "via agent : down (under repair)". */
static const char *
agent_answer(const struct haproxy_server *server)
{
	static const char prefix[] = "via agent : ";
	const char *answer = server->last_agent;

	return strncmp(answer, prefix, sizeof(prefix) - 1) == 0 ? answer + sizeof(prefix) - 1 :
	    answer;
}

/* The status contains "(agent)" if the agent set the server down, and "health/rise" while the
 * check passes again. */
static void
reason_stopped(const struct haproxy_server *server, char message[PLANE_MESSAGE_SIZE])
{
	const char *status = server->status, *check = server->check_status;

	if (server->tracked[0] != '\0')
		reason_tracked(server, "DOWN", message);
	else if (strstr(status, "(agent)") != NULL)
		snprintf(message, PLANE_MESSAGE_SIZE, "DOWN by agent%s%.120s",
		    server->last_agent[0] != '\0' ? ": " : "", agent_answer(server));
	else if (check[0] != '\0' && !check_passed(check))
		snprintf(message, PLANE_MESSAGE_SIZE, "%.20s%s%.10s%s%.100s", check,
		    server->check_code[0] != '\0' ? " " : "", server->check_code,
		    server->last_check[0] != '\0' ? " " : "", server->last_check);
	else if (strchr(status, '/') != NULL)
		snprintf(message, PLANE_MESSAGE_SIZE, "%.40s: its check passes again, not yet"
		    " often enough", status);
	else
		snprintf(message, PLANE_MESSAGE_SIZE, "DOWN by command or agent%s",
		    check[0] != '\0' ? ": its check passes" : "");
}

static void
reason_write(const struct haproxy_server *server, char message[PLANE_MESSAGE_SIZE])
{
	uint32_t admin = server->admin_state;

	message[0] = '\0';
	if (admin & HAPROXY_FORCED_MAINT)
		reason_forced_maint(server, message);
	else if (admin & HAPROXY_INHERITED_MAINT)
		reason_tracked(server, "MAINT", message);
	else if (admin & HAPROXY_RESOLUTION_MAINT)
		reason_resolution(server, message);
	else if (server->op_state == HAPROXY_STOPPED)
		reason_stopped(server, message);
	else if (server->op_state == HAPROXY_STOPPING)
		reason_stopping(server, message);
	else if (admin & HAPROXY_INHERITED_DRAIN)
		reason_tracked(server, "DRAIN", message);
	text_clean(message, '?');
}

/* -- a server ----------------------------------------------------------------------- */

/* The name in the DNS that fills this place of a template. A place whose SRV target does not
 * resolve is a missing server, not a free place (seen with HAProxy 2.6.12: a free place has no
 * fqdn). */
static const char *
pool_of(const struct haproxy_server *server)
{
	if (server->srv_record[0] == '\0')
		return server->fqdn;
	if ((server->admin_state & HAPROXY_RESOLUTION_MAINT) && server->fqdn[0] != '\0')
		return "";
	return server->srv_record;
}

void
haproxy_server_read(const struct haproxy_server *server, struct haproxy_found *ret)
{
	const uint32_t admin = server->admin_state, blocked = HAPROXY_INHERITED_MAINT |
	    HAPROXY_INHERITED_DRAIN | HAPROXY_RESOLUTION_MAINT;
	const struct plane_endpoint endpoint = { server->address, server->port,
	    server->fqdn };

	*ret = (struct haproxy_found){
		.name = { server->backend, server->name },
		.pool = pool_of(server),
		.no_address = (admin & HAPROXY_RESOLUTION_MAINT) != 0,
	};
	ret->server = (struct plane_server){
		.exists = true,
		.endpoint = endpoint,
		.other_endpoint = endpoint,
		.state = admin & HAPROXY_FORCED_MAINT ? PLANE_OUT :
		    admin & HAPROXY_FORCED_DRAIN ? PLANE_DRAIN : PLANE_READY,
		.up = server->op_state == HAPROXY_RUNNING ||
		    server->op_state == HAPROXY_STARTING,
		.blocked = (admin & blocked) != 0,
		.role = server->backup ? ROLE_BACKUP : ROLE_MEMBER,
		.checked = (server->check_state & HAPROXY_CHECK_ENABLED) != 0,
		.check_pending = strcmp(server->check_status, "INI") == 0,
		.weight = server->weight,
		.counts = server->counts,
	};
	reason_write(server, ret->server.message);
}
