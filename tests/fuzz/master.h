/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A master at the other end of the subagent's stream. It checks that each request gets one answer,
 * in the order of the requests and with the numbers of the request, that each octet of the answer
 * is well-formed, and that its names are in the range of RFC 2741. The test sets the time.
 */
#ifndef TESTS_FUZZ_MASTER_H
#define TESTS_FUZZ_MASTER_H

#include "../unit/agentx_peer.h"
#include "world.h"

enum { RANGES_MAX = 8 };

/* A request, as far as its answer depends on it. */
struct asked {
	uint8_t		type, flags;
	uint32_t	session, transaction, packet;
	bool		loose;		/* its body is invalid: any answer with its numbers */
	size_t		n;		/* varbinds or ranges */
	struct mib_oid	starts[RANGES_MAX], ends[RANGES_MAX];
	bool		include[RANGES_MAX];
	uint32_t	once, rounds;	/* of GetBulk: non-repeaters, max-repetitions */
};

/* How the master answers Open, Register, AddAgentCaps and Notify. */
enum manners {
	MANNERS_GOOD, MANNERS_NO_OPEN, MANNERS_NO_REGISTER, MANNERS_NO_MORE,
	MANNERS_OTHER_PACKET, MANNERS_OTHER_SESSION, MANNERS_SHORT, MANNERS_SILENT, MANNERS_KINDS
};

struct master {
	struct peer	peer;
	enum manners	manners;
	bool		refuses;	/* connections */
	uint32_t	session;	/* the latest */
	bool		exact;		/* the master sent only complete requests */
	/* Over all connections since master_begin(): */
	bool		always_exact;
	unsigned int	commits;	/* CommitSets answered with noError */
	unsigned int	cleanups;	/* CleanupSets sent */
};

extern struct master master;

/* Creates a subagent for an input, and serves until it has its session. */
void master_begin(void);
/* Ends the session, and the subagent. */
void master_end(void);

/* Sends any octets. */
void master_send(const uint8_t *data, size_t n);
/* Sends a request, in two parts if 'split' is not 0. */
void master_ask(const struct asked *asked, const struct message *m, size_t split);
void master_hang_up(void);
void master_notify(void);
void master_pass_ms(int64_t ms);

#endif
