/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The Runtime API of HAProxy as text (management.txt, "Unix Socket commands"):
 * octets in, structs out, no input or output of its own. Written for 2.6; columns
 * are found by their names, so that a version with more of them does no harm.
 */
#ifndef PLANE_HAPROXY_ANSWER_H
#define PLANE_HAPROXY_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

/* What a look asks for, in one line. */
#define HAPROXY_LOOK "show cli level;show info;show stat -1 6 -1;show servers state\n"

/* What a runtime socket may do, "level" of "stats socket" in configuration.txt. */
enum haproxy_level {
	HAPROXY_LEVEL_UNKNOWN,	/* an HAProxy that has no "show cli level" */
	HAPROXY_LEVEL_USER,	/* sees no address in "show stat", changes nothing */
	HAPROXY_LEVEL_OPERATOR,	/* sees all, changes no server */
	HAPROXY_LEVEL_ADMIN,
};

/* srv_op_state and srv_admin_state, management.txt 9.3, "show servers state". */
enum haproxy_op_state { HAPROXY_STOPPED, HAPROXY_STARTING, HAPROXY_RUNNING, HAPROXY_STOPPING };

/* What each bit does to traffic was seen with HAProxy 2.6.12: doc/haproxy-states.txt. */
enum {
	HAPROXY_FORCED_MAINT = 0x01,	/* by a command, an agent or the configuration */
	HAPROXY_INHERITED_MAINT = 0x02,	/* by the server it tracks */
	HAPROXY_CONFIGURED_MAINT = 0x04,	/* "disabled" in the configuration; alone: none */
	HAPROXY_FORCED_DRAIN = 0x08,	/* by a command or an agent */
	HAPROXY_INHERITED_DRAIN = 0x10,	/* by the server it tracks */
	HAPROXY_RESOLUTION_MAINT = 0x20,	/* it has no address */
	HAPROXY_NAME_SET = 0x40,	/* a SRV record or a command gave its name: none */
};

/* srv_check_state, seen with HAProxy 2.6.12: 6 for a check that is on, 14 while the server is
 * in MAINT, 0 for a server without one, with "track" or with an agent check alone. */
enum { HAPROXY_CHECK_ENABLED = 0x04 };

/* A server, from both "show stat" and "show servers state". Texts are never NULL. */
struct haproxy_server {
	const char	*backend, *name;
	const char	*status;	/* "UP", "DOWN 1/2", "MAINT (via lst/a)" ... */
	const char	*check_status;	/* "L4CON", without the "* " of one under way */
	const char	*check_code;	/* "503", "" if it has none */
	const char	*last_check;	/* "Connection refused" */
	const char	*last_agent;	/* what an agent answered: "maintenance" */
	const char	*tracked;	/* "backend/server" */
	uint64_t	 current, rate, total, bytes_in, bytes_out;
	bool		 backup;
	bool		 has_agent;	/* an agent-check */
	bool		 has_state;	/* "show servers state" had it, and so: */
	uint32_t	 op_state, admin_state, weight, check_state;
	const char	*address;	/* "10.0.0.1", "2001:db8::1"; "" if not known */
	const char	*port;		/* "80"; "" if not known */
	const char	*fqdn;		/* the name its address comes from; "" if none */
	const char	*srv_record;	/* "_app._tcp.test" of a server-template; "" if none */
};

/* A backend, from "show stat". */
struct haproxy_backend {
	const char	*name;
	const char	*mode;		/* "http", "tcp" ... */
	uint64_t	 total;		/* sessions; del server does not change it */
};

/* An answer to HAPROXY_LOOK. */
struct haproxy_view {
	struct haproxy_server	*servers;
	struct haproxy_backend	*backends;
	size_t			 n_servers, n_backends;
	uint64_t		 pid, start_time;
	enum haproxy_level	 level;
	const char		*version;
};

/* What keeps a driver from changing servers over a socket of this level, as a clause
 * ("its level is user, ..."); NULL if nothing does. */
const char *haproxy_level_problem(enum haproxy_level level);

/* Reads the 'length' octets of 'text', which it changes: the view points into it and
 * is valid as long. text[length] is to be there. ERR_INVALID: it is no such answer,
 * and the text says whether HAProxy refused, the answer is cut off, or something else
 * answered. ERR_NOMEM. */
enum err_code haproxy_view_parse(char *text, size_t length, struct haproxy_view *ret,
    struct err *err);
void haproxy_view_done(struct haproxy_view *view);

/* Puts '?' in place of what is no printable ASCII; returns 'text'. Words of HAProxy
 * may be those of a server it checks: anything. */
char *haproxy_printable(char *text);

/* -- lines, for the parts of this parser ----------------------------------------- */

/* What is left of an answer. */
struct haproxy_text {
	char	*at, *end;
};

/* The next line without its end, NUL-terminated; NULL at the end. */
char *haproxy_line_next(struct haproxy_text *text);

#endif
