/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Why there is no session with the master, in words that say what to do, each said
 * once while it lasts; and how long to wait before the next try.
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
	REASON_SILENT,		/* Open or Register not answered in time */
	REASON_REFUSED,		/* Open or Register refused; code: res.error */
	REASON_END,		/* the connection ended; ETIMEDOUT: the peer vanished */
	REASON_CLOSE,		/* the master sent a Close; code: its reason */
	REASON_RUBBISH,		/* the peer does not speak AgentX */
	REASON_CLOGGED,		/* the master reads nothing */
	REASON_LOCAL,		/* no memory or no descriptor */
};

struct reason {
	enum reason_kind	kind;
	int			code;
};

/* What the words need to know. */
struct reason_place {
	const char	*socket;
	const char	*oid;		/* the registered root, dotted */
	const char	*user, *group;	/* of this process */
};

/* Writes the words for 'reason' and returns 'buf'. */
const char *reason_text(const struct reason *reason, const struct reason_place *place,
    char *buf, size_t size);

enum { REASONS_MAX = 8 };

/*
 * The absence of a session. Zero it, then absence_begin().
 *
 * A master that is not there is tried once a second, however long it takes: a failed
 * connect(2) costs little, and its return must be seen at once. One that accepts and then
 * misbehaves, and a DNS server that fails, are asked at growing intervals of up to 8
 * seconds; the interval is short again after a minute of service, or when the master made
 * its socket again.
 */
struct absence {
	bool		restart;	/* began as the end of a session that served */
	bool		first;		/* no try was made yet */
	int64_t		since_ms;
	int64_t		poll_ms;	/* next wait for a master that is not there */
	int64_t		strike_ms;	/* next wait for one that misbehaves */
	size_t		n;
	struct reason	said[REASONS_MAX];
};

/* From now on there is no session; before that one served for 'served_ms', 0 if
 * there was none. */
void absence_begin(struct absence *absence, int64_t now_ms, int64_t served_ms);

/* Forgets that masters misbehaved. */
void absence_forgive(struct absence *absence);

/* True if 'reason' is news that belongs in the log: not said in this absence yet,
 * and not one of the short steps of a master's restart. */
bool absence_news(struct absence *absence, int64_t now_ms, const struct reason *reason);

/* Milliseconds until the next try after it failed for 'reason'. */
int64_t absence_wait(struct absence *absence, const struct reason *reason);

#endif
