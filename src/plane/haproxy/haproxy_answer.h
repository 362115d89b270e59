/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Parser of HAProxy's answer to a poll (management.txt, "Unix Socket commands"). Bytes in,
 * structs out, no input or output of its own. Written for HAProxy 2.6.
 */
#ifndef PLANE_HAPROXY_ANSWER_H
#define PLANE_HAPROXY_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plane/haproxy/haproxy_text.h"
#include "plane/plane.h"
#include "util/err.h"

/* The commands of a poll, as one line. */
#define HAPROXY_POLL "show cli level;show info;show stat -1 6 -1;show servers state\n"

/* The identity of a HAProxy process, from "show info". The kernel reuses a pid. */
struct haproxy_identity {
	uint64_t	pid, start_time;	/* 0: the answer has no "show info" */
	bool		stopping;	/* it stops, as after a reload: it refuses commands */
};

/* True if both are of one process. */
static inline bool
haproxy_identity_same(const struct haproxy_identity *a, const struct haproxy_identity *b)
{
	return a->pid == b->pid && a->start_time == b->start_time;
}

/* What a runtime socket permits: "level" of "stats socket" in configuration.txt. */
enum haproxy_level {
	HAPROXY_LEVEL_UNKNOWN,	/* this HAProxy has no "show cli level" */
	HAPROXY_LEVEL_USER,	/* "show stat" without addresses, no changes */
	HAPROXY_LEVEL_OPERATOR,	/* shows all, no changes of servers */
	HAPROXY_LEVEL_ADMIN,
};

/* srv_op_state and srv_admin_state of "show servers state", management.txt 9.3. */
enum haproxy_op_state { HAPROXY_STOPPED, HAPROXY_STARTING, HAPROXY_RUNNING, HAPROXY_STOPPING };

/* doc/haproxy-states.txt has the effect of each bit, as seen with HAProxy 2.6.12. */
enum {
	HAPROXY_FORCED_MAINT = 0x01,	/* by a command, an agent or the configuration */
	HAPROXY_INHERITED_MAINT = 0x02,	/* by the server it tracks */
	HAPROXY_CONFIGURED_MAINT = 0x04,	/* "disabled" in haproxy.cfg; no effect alone */
	HAPROXY_FORCED_DRAIN = 0x08,	/* by a command or an agent */
	HAPROXY_INHERITED_DRAIN = 0x10,	/* by the server it tracks */
	HAPROXY_RESOLUTION_MAINT = 0x20,	/* the server has no address */
	HAPROXY_NAME_SET = 0x40,	/* a SRV record or a command gave the name; no effect */
};

/* srv_check_state, seen with HAProxy 2.6.12: 6 if the check is on, 14 while the server is in
 * MAINT, 0 for a server without a check, with "track" or with an agent check alone. */
enum { HAPROXY_CHECK_ENABLED = 0x04 };

/* A server, from "show stat" and "show servers state". No text is NULL; "" if unknown. */
struct haproxy_server {
	const char	*backend, *name;
	const char	*status;	/* "UP", "DOWN 1/2", "MAINT (via lst/a)" ... */
	const char	*check_status;	/* "L4CON", without the "* " of a check in progress */
	const char	*check_code;	/* "503" */
	const char	*last_check;	/* "Connection refused" */
	const char	*last_agent;	/* the agent's answer: "maintenance" */
	const char	*tracked;	/* "backend/server" */
	struct plane_counts counts;
	bool		 backup;
	bool		 has_agent;	/* an agent-check */
	bool		 has_state;	/* "show servers state" has it, with: */
	uint32_t	 op_state, admin_state, weight, check_state;
	const char	*address;	/* "10.0.0.1", "2001:db8::1" */
	const char	*port;		/* "80" */
	const char	*fqdn;		/* the host name that the address comes from */
	const char	*srv_record;	/* "_app._tcp.test" of a server-template */
};

/* A backend, from "show stat". */
struct haproxy_backend {
	const char	*name;
	const char	*mode;		/* "http", "tcp" ... */
	const char	*algorithm;	/* "roundrobin"; "" for a socket of level user */
	/* "del server" does not change the totals. */
	struct plane_counts counts;
};

/* The answer to HAPROXY_POLL. */
struct haproxy_view {
	struct haproxy_server	*servers;	/* by backend and name */
	struct haproxy_backend	*backends;	/* by name */
	size_t			 n_servers, n_backends;
	struct haproxy_identity	 identity;
	enum haproxy_level	 level;
	const char		*version;
};

/* Why a socket of this level cannot change servers, as a clause; NULL if it can. */
const char *haproxy_level_problem(enum haproxy_level level);

/* Reads the lines of "show info", or those after its first one, and the empty line at their end.
 * Returns the value of "Version"; NULL if there is none. */
const char *haproxy_info_read(struct haproxy_text *text, struct haproxy_identity *ret);

/* Parses the 'length' bytes of 'text', which it changes. text[length] must be writable. The
 * view points into 'text'. ERR_INVALID: the message says whether HAProxy refused, the answer
 * is cut off, or another program answered. ERR_NOMEM. */
enum err_code haproxy_view_parse(char *text, size_t length, struct haproxy_view *ret,
    struct err *err);
/* Returns the backend with this name, or NULL. */
const struct haproxy_backend *haproxy_view_backend(const struct haproxy_view *view,
    const char *name);
void haproxy_view_done(struct haproxy_view *view);

#endif
