/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The two neighbours of src/agentx for its tests: a master (agentx_peer.h) and a MIB engine that
 * records its calls. Sockets are real. The clock is the test's own, so a minute of retries takes
 * no time.
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

/* world_begin() and world_end() call these. agentx_engine.c has the engine below, agentx_real.c
 * that of src/mib over a store. NULL if it cannot be made. */
struct mib *engine_make(void);
void engine_end(void);

/* The instances are root.1.1 to root.1.rows. Each is a Gauge32 of its number, or 'value' if that
 * has a type. */
struct engine {
	uint32_t		rows;
	struct mib_value	value;
	struct mib_oid		name, end;	/* of the latest get or next */
	bool			inclusive;
	unsigned int		gets, nexts;
	struct mib_varbind	varbinds[16];	/* of the latest test */
	size_t			n;
	enum mib_status		status;		/* answer of the SET phases */
	size_t			index;
	unsigned int		notifications;	/* number of waiting notifications */
	struct mib_notification	notification;	/* each of them */
	bool			open;		/* a SET is open */
	char			calls[512];	/* "test 1 7, commit 1 7, ": session, transaction */
};

extern struct engine engine;

/* -- messages ---------------------------------------------------------------------------- */

/* Begins the next request of the session. The byte order alternates. */
void request_begin(struct message *m, uint8_t type, uint32_t transaction);

/* Adds an OID: the root with 'n' more sub-identifiers, compressed (section 5.1). */
void put_oid(struct message *m, bool include, size_t n, ...);
void put_null_oid(struct message *m);

/* Fails unless the OID is the root with these sub-identifiers. */
void take_oid(struct message *m, size_t n, ...);
void take_text(struct message *m, const char *text, size_t length);
void take_end(const struct message *m);

/* -- the master ---------------------------------------------------------------------------- */

/* How the master answers. */
enum manners {
	MANNERS_GOOD,		/* accepts Open, Register and AddAgentCaps */
	MANNERS_NONE,		/* the test answers */
	MANNERS_CLOSE,		/* accepts and closes */
	MANNERS_OPEN_ONLY,	/* accepts Open, then closes */
	MANNERS_OPEN_SILENT,	/* accepts Open, then does not answer */
	MANNERS_GARBAGE,	/* answers with text */
	MANNERS_HUGE,		/* answers with a header of length 4 GiB */
	MANNERS_HALF,		/* answers with half of a message, then closes */
	MANNERS_DUPLICATE,	/* refuses the registration */
	MANNERS_NO_ACCEPT,		/* does not accept the connection */
};

struct master {
	char		dir[64], path[80];
	int		listener;	/* -1: none */
	struct peer	peer;
	enum manners	manners;
	bool		paused;		/* does not read */
	unsigned int	connects;
};

extern struct master master;
extern struct loop *loop;
extern struct agentx *agentx;
extern int64_t worst_turn_ms;		/* CPU time, or real time if the thread slept */
extern unsigned int state_changes;

/* Lines of the log above debug. */
extern unsigned int log_lines;
extern char log_latest[512];

void master_listen(void);
void master_leave(void);		/* closes connection and socket, removes the socket file */
void master_hang_up(void);		/* closes the connection only */
void message_send(struct message *m);
void octets_send(const void *data, size_t length);

/* Runs the loop until the master has a complete message. Fails if none comes. With MANNERS_GOOD
 * the master answers the first three requests itself. */
void message_receive(struct message *m);

/* Runs the loop for this time of the test's clock. */
void run_ms(int64_t ms);

/* Runs the loop until agentx_serving(). Fails after 'ms'. */
void run_until_serving(int64_t ms);

/* Sends 'm', receives the answer, checks its ids and reads up to the varbinds. Returns
 * ANSWER(error, index). */
#define ANSWER(error, index) ((uint32_t)(error) | (uint32_t)(index) << 16)
uint32_t exchange(struct message *m, struct message *ret);

/* Does the same, and fails unless the answer has this error and index. */
void ask(struct message *m, struct message *ret, unsigned int error, unsigned int index);

/* Setup and teardown of a test: a master that listens, and a subagent. */
int world_begin(void **state);
int world_end(void **state);

#endif
