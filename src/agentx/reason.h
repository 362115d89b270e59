/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Why there is no session with the master: a message that says what to do, and the time until
 * the next try to connect.
 */
#ifndef AGENTX_REASON_H
#define AGENTX_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reason_kind {
	REASON_CONNECT,		/* connect(2) to a UNIX socket failed; code: errno */
	REASON_CONNECT_TCP,	/* connect(2) over TCP failed; code: errno */
	REASON_NAME,		/* the host has no address; code: EAI_ of getaddrinfo(3) */
	REASON_TIMEOUT,		/* no answer to Open or Register */
	REASON_REPLACED,	/* no answer to Ping, and another socket file */
	REASON_REFUSED,		/* the master refused Open or Register; code: res.error */
	REASON_END,		/* the connection ended; code ETIMEDOUT: TCP gave up */
	REASON_CLOSE,		/* the master sent Close; code: c.reason */
	REASON_PROTOCOL,		/* the peer does not speak AgentX */
	REASON_BACKLOG,		/* the master does not read answers */
	REASON_LOCAL,		/* out of memory or file descriptors */
};

struct reason {
	enum reason_kind	kind;
	int			code;
};

/* What the message names. */
struct reason_context {
	const char	*socket;
	const char	*oid;		/* the registered root, dotted */
	const char	*user, *group;	/* of lbclusterd */
};

/* Writes the message for 'reason' and returns 'buf'. */
const char *reason_text(const struct reason *reason, const struct reason_context *context,
    char *buf, size_t size);

enum { REASONS_MAX = 8 };

/*
 * The time without a session. Zero it, then call outage_begin().
 *
 * A failed connect(2) costs little, so it is tried again each second. If a master accepts and
 * the session fails, or if DNS fails, the interval doubles up to 8 s. It is short again after a
 * minute of service, or when a master has created a new socket.
 */
struct outage {
	bool		restart;	/* a session that served ended */
	bool		first;		/* no try was made yet */
	int64_t		since_ms;
	int64_t		poll_ms;	/* next wait after a failed connect */
	int64_t		retry_ms;	/* next wait after a failed session */
	size_t		n;
	struct reason	logged[REASONS_MAX];
};

/* Begins an outage. The session before it served for 'served_ms', 0 if there was none. */
void outage_begin(struct outage *outage, int64_t now_ms, int64_t served_ms);

/* Makes both intervals short again. */
void outage_retry_reset(struct outage *outage);

/* True if 'reason' has to be logged: it was not logged in this outage, and it is not a short step
 * of a master's restart. */
bool outage_is_new(struct outage *outage, int64_t now_ms, const struct reason *reason);

/* Returns the milliseconds until the next try, after a try failed for 'reason'. */
int64_t outage_retry_ms(struct outage *outage, const struct reason *reason);

#endif
