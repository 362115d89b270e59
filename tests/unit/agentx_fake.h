/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Both neighbours of src/agentx for its tests: a master that speaks AgentX octet by
 * octet, see agentx_pdu.h, and a MIB engine that tells what it was asked. Sockets are
 * real; time is the test's own, so that a minute of retries takes no time and a loaded
 * machine changes nothing.
 */
#ifndef TESTS_AGENTX_FAKE_H
#define TESTS_AGENTX_FAKE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdbool.h>

#include "agentx/agentx.h"
#include "agentx_peer.h"

enum { SESSION_ID = 0x4d2 };

/* -- the engine ---------------------------------------------------------------------- */

/* What world_begin() and world_end() call: agentx_engine.c has the engine below,
 * agentx_real.c the one of src/mib over a store. NULL: cannot be made. */
struct mib *engine_make(void);
void engine_end(void);

/* Instances are root.1.1 to root.1.rows, each a Gauge32 of its number, unless 'value'
 * has a type: then every instance has that value. */
struct engine {
	uint32_t		rows;
	struct mib_value	value;
	struct mib_oid		name, end;	/* of the latest get or next */
	bool			inclusive;
	unsigned int		gets, nexts;
	struct mib_varbind	varbinds[16];	/* of the latest test */
	size_t			n;
	enum mib_status		status;		/* what the SET phases answer */
	size_t			index;
	unsigned int		notifications;	/* that wait to be sent, all of them ... */
	struct mib_notification	notification;	/* ... this one */
	bool			open;		/* a SET, until its cleanup */
	char			calls[512];	/* "test 1 7, commit 1 7, ": session, transaction */
};

extern struct engine engine;

/* -- messages ---------------------------------------------------------------------------- */

/* The next request of the session, in its own byte order each. */
void request_begin(struct message *m, uint8_t type, uint32_t transaction);

/* The root with 'n' more sub-identifiers, compressed as section 5.1 wants it. */
void put_oid(struct message *m, bool include, size_t n, ...);
void put_null_oid(struct message *m);

/* Fails unless the OID is the root with these sub-identifiers. */
void take_oid(struct message *m, size_t n, ...);
void take_text(struct message *m, const char *text, size_t length);
void take_end(const struct message *m);

/* -- the master ---------------------------------------------------------------------------- */

/* How it answers by itself. */
enum manners {
	MANNERS_GOOD,		/* Open, Register and AddAgentCaps are accepted */
	MANNERS_NONE,		/* whatever the test does */
	MANNERS_CLOSE,		/* accepts and closes */
	MANNERS_OPEN_ONLY,	/* accepts Open, then closes */
	MANNERS_OPEN_SILENT,	/* accepts Open, says no more */
	MANNERS_RUBBISH,	/* answers with text */
	MANNERS_HUGE,		/* answers with a header that tells 4 GiB */
	MANNERS_HALF,		/* answers with half of a message, then closes */
	MANNERS_DUPLICATE,	/* refuses the registration */
	MANNERS_DEAF,		/* does not even accept */
};

struct master {
	char		dir[64], path[80];
	int		listener;	/* -1: none */
	struct peer	peer;
	enum manners	manners;
	bool		paused;		/* reads nothing */
	unsigned int	connects;
};

extern struct master master;
extern struct loop *loop;
extern struct agentx *agentx;
extern int64_t worst_turn_ms;		/* of the CPU, or with its sleep */
extern unsigned int state_changes;

/* What was logged, but for debug. */
extern unsigned int log_lines;
extern char log_latest[512];

void master_listen(void);
void master_leave(void);		/* closes all, removes the socket */
void master_hang_up(void);		/* closes the connection only */
void message_send(struct message *m);
void octets_send(const void *data, size_t length);

/* Runs the loop until the master has a whole message and gives it out; fails if none
 * comes. With MANNERS_GOOD the three first requests are not seen. */
void message_receive(struct message *m);

/* Runs the loop for so much of its own time. */
void run_ms(int64_t ms);

/* Runs it until agentx_serving(); fails after 'ms'. */
void run_until_serving(int64_t ms);

/* Sends 'm' and receives its answer, checks the ids and reads on from the varbinds.
 * Gives ANSWER(error, index). */
#define ANSWER(error, index) ((uint32_t)(error) | (uint32_t)(index) << 16)
uint32_t exchange(struct message *m, struct message *ret);

/* The same, and fails unless it has this error and index. */
void ask(struct message *m, struct message *ret, unsigned int error, unsigned int index);

/* cmocka's: a new world for each test, in which the master listens. */
int world_begin(void **state);
int world_end(void **state);

#endif
