/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A master that checks each answer; see master.h.
 */
#include "master.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agentx/agentx.h"
#include "agentx/wire.h"
#include "util/clock.h"
#include "util/dial.h"
#include "util/poller.h"

enum { ASKED_MAX = 32 };

struct master master = { .peer.fd = -1 };

static struct loop *loop;
static struct agentx *agentx;
static struct asked asked_list[ASKED_MAX];
static size_t asked_first, asked_n;

/* -- the world of the subagent ----------------------------------------------------- */

void __wrap_dial_begin(struct dial *dial, struct loop *with, const struct endpoint *to,
    dial_fn done, void *arg);
int __wrap_wire_decode(struct wire *wire, uint8_t *message, size_t length, netsnmp_pdu **ret_pdu);
int __real_wire_decode(struct wire *wire, uint8_t *message, size_t length, netsnmp_pdu **ret_pdu);
struct group *__wrap_getgrgid(gid_t gid);

/* In a block of its exact size, so that valgrind finds a codec that reads behind it. */
int
__wrap_wire_decode(struct wire *wire, uint8_t *message, size_t length, netsnmp_pdu **ret_pdu)
{
	uint8_t *copy = malloc(length);
	int error;

	require(copy != NULL, "no memory");
	memcpy(copy, message, length);
	error = __real_wire_decode(wire, copy, length, ret_pdu);
	free(copy);
	return error;
}

/* Only messages use the name of a group, and getgrgid(3) reads files. */
struct group *
__wrap_getgrgid(gid_t gid)
{
	(void)gid;
	return NULL;
}

/* Replaces the function of src/util/poller.c. Stops the loop if no descriptor is ready and no timer
 * is due. */
int
poller_wait(struct pollfd *fds, nfds_t n, int64_t until_ms)
{
	const struct timespec none = { 0 };
	int ready = ppoll(fds, n, &none, NULL);

	if (ready == 0 && (until_ms == POLLER_FOREVER || until_ms > clock_steady_ms()))
		loop_stop(loop);
	return ready;
}

/* -- answers ----------------------------------------------------------------------- */

static void
error_check(uint32_t error)
{
	static const uint32_t known[] = { 0, MIB_GEN_ERR, WIRE_TOO_BIG, MIB_WRONG_TYPE,
	    MIB_WRONG_LENGTH, MIB_WRONG_VALUE, MIB_NO_CREATION, MIB_INCONSISTENT_VALUE,
	    MIB_RESOURCE_UNAVAILABLE, MIB_COMMIT_FAILED, MIB_UNDO_FAILED, MIB_NOT_WRITABLE,
	    WIRE_NOT_OPEN, WIRE_UNSUPPORTED_CONTEXT, WIRE_PARSE_ERROR };
	size_t i = 0;

	while (i < COUNT(known) && known[i] != error)
		i++;
	require(i < COUNT(known), "error %u", error);
}

/* The codec makes 0.0 of the null OID, so a decoded PDU does not show which of them was sent. */
static const struct mib_oid zero = { .n = 2 };

static int
order(const struct mib_oid *a, const struct mib_oid *b)
{
	return oid_order(a->n == 0 ? &zero : a, b->n == 0 ? &zero : b);
}

/* Sets 'start' to the name of the answer. */
static void
next_check(const struct mib_varbind *got, struct mib_oid *start, bool include,
    const struct mib_oid *end)
{
	int step = order(&got->name, start);

	if (got->value.type == MIB_END_OF_VIEW) {
		must_at(step == 0, "the end has another name than", start);
		return;
	}
	must_at(step > 0 || (step == 0 && include), "does not go up from", start);
	must_at(order(end, &zero) == 0 || order(&got->name, end) < 0, "goes beyond", end);
	must_at(got->value.type != MIB_NO_SUCH_OBJECT && got->value.type != MIB_NO_SUCH_INSTANCE,
	    "the next one does not exist", start);
	*start = got->name;
}

static void
bulk_check(struct asked *asked, struct message *m)
{
	size_t once = asked->once < asked->n ? asked->once : asked->n;
	size_t columns = asked->n - once;

	for (size_t i = 0; m->at < m->n; i++) {
		struct mib_varbind got;
		bool repeated = i >= once;
		size_t at = !repeated ? i : once + (columns == 0 ? 0 : (i - once) % columns);

		take_varbind(m, &got);
		require(!repeated || (columns > 0 && (i - once) / columns < asked->rounds),
		    "more than was asked for");
		next_check(&got, &asked->starts[at], asked->include[at] && i < asked->n,
		    &asked->ends[at]);
	}
}

static void
values_check(struct asked *asked, struct message *m)
{
	size_t n = asked->type <= GET_NEXT ? asked->n : 0;

	if (asked->type == GET_BULK) {
		bulk_check(asked, m);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct mib_varbind got;

		take_varbind(m, &got);
		if (asked->type == GET_NEXT)
			next_check(&got, &asked->starts[i], asked->include[i], &asked->ends[i]);
		else
			must_at(order(&got.name, &asked->starts[i]) == 0 &&
			    got.value.type != MIB_END_OF_VIEW, "another answer to",
			    &asked->starts[i]);
	}
	require(m->at == m->n, "more than was asked for");
}

/* Checks that any varbinds are well-formed. */
static void
varbinds_check(struct message *m)
{
	struct mib_varbind got;

	while (m->at < m->n)
		take_varbind(m, &got);
}

/* 'asked' NULL: the request is unknown. */
static void
response_check(struct asked *asked, struct message *m)
{
	uint32_t error, index;

	require(m->flags == 0 || m->flags == NETWORK, "flags %x", m->flags);
	require(asked == NULL || (m->session == asked->session &&
	    m->transaction == asked->transaction && m->packet == asked->packet &&
	    m->flags == (asked->flags & NETWORK)), "an answer to something else");
	(void)take_32(m);		/* sysUpTime, which only a master sets */
	error = take_16(m);
	index = take_16(m);
	error_check(error);
	if (error != 0) {
		require(m->at == m->n, "values with an error");
		require(asked == NULL || asked->loose || index <= asked->n + 1,
		    "error at %u", index);
		return;
	}
	require(index == 0, "no error, but at %u", index);
	if (asked != NULL && !asked->loose)
		values_check(asked, m);
	else
		varbinds_check(m);
	master.commits += asked != NULL && asked->type == COMMIT_SET;
}

/* -- the subagent's requests ------------------------------------------------------- */

static void
request_answer(struct message *request)
{
	enum manners manners = master.manners;
	static struct message m;
	bool refused = (manners == MANNERS_NO_OPEN && request->type == OPEN) ||
	    (manners == MANNERS_NO_REGISTER && request->type == REGISTER) ||
	    (manners == MANNERS_NO_MORE && request->type > REGISTER);

	if (manners == MANNERS_SILENT)
		return;
	if (request->type == OPEN)
		request->session = ++master.session;
	request->packet += manners == MANNERS_OTHER_PACKET;
	peer_response(&m, request, request->session + (manners == MANNERS_OTHER_SESSION),
	    refused ? WIRE_DUPLICATE : 0);
	if (manners == MANNERS_SHORT) {
		m.n = HEADER;
		message_finish(&m);
	}
	(void)peer_send(&master.peer, m.data, m.n);
}

static void
message_read(struct message *m)
{
	struct asked *asked = NULL;

	switch (m->type) {
	case OPEN:
	case REGISTER:
	case ADD_CAPS:
		request_answer(m);
		return;
	case NOTIFY:
		varbinds_check(m);
		request_answer(m);
		return;
	case CLOSE:
		return;
	case RESPONSE:
		break;
	default:
		require(false, "a message of type %u", m->type);
	}
	if (master.exact) {
		require(asked_n > 0, "an answer to nothing");
		asked = &asked_list[asked_first++ % ASKED_MAX];
		asked_n--;
	}
	response_check(asked, m);
}

static void
connection_end(void)
{
	require(asked_n == 0 || !master.exact, "ended with requests unanswered");
	peer_close(&master.peer);
	asked_n = 0;
}

/* True if the master read or closed. */
static bool
master_read(void)
{
	static struct message m;
	ssize_t got;

	if (master.peer.fd == -1)
		return false;
	got = peer_read(&master.peer, MSG_DONTWAIT);
	if (got < 0)
		return false;
	while (peer_take(&master.peer, &m))
		message_read(&m);
	if (got == 0 && master.peer.fd != -1)
		connection_end();
	return true;
}

static void
connection_begin(int fd)
{
	master.peer.fd = fd;
	master.exact = true;
	asked_n = 0;
}

/* The end of the connection before may not be read yet. */
void
__wrap_dial_begin(struct dial *dial, struct loop *with, const struct endpoint *to, dial_fn done,
    void *arg)
{
	struct dial_result result = { .status = DIAL_FAILED, .code = ECONNREFUSED, .fd = -1 };
	int pair[2];

	(void)dial;
	(void)with;
	(void)to;
	if (master.refuses) {
		done(arg, &result);
		return;
	}
	while (master_read())
		;
	require(master.peer.fd == -1, "a second connection");
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0,
	    "no socket");
	result.status = DIAL_CONNECTED;
	result.fd = pair[0];
	connection_begin(pair[1]);
	done(arg, &result);
}

static void
serve(void)
{
	do
		loop_run(loop);
	while (master_read());
	require(asked_n == 0 || !master.exact || master.peer.fd == -1, "a request without answer");
}

/* -- from outside ------------------------------------------------------------------ */

void
master_begin(void)
{
	static const struct agentx_config config = { .socket = "/master", .description = "fuzzed" };

	if (loop == NULL)
		loop = loop_new();
	peer_close(&master.peer);
	master.manners = MANNERS_GOOD;
	master.refuses = master.exact = false;
	master.always_exact = true;
	master.session = master.commits = master.cleanups = 0;
	asked_n = 0;
	agentx = agentx_new(loop, f.mib, &config);
	require(loop != NULL && agentx != NULL, "no memory");
	serve();
	require(agentx_serving(agentx), "not served");
}

void
master_end(void)
{
	/* Closes the connection first: the subagent undoes a SET that has not ended, and does not
	 * wait. */
	serve();
	while (master_read())
		;
	if (master.peer.fd != -1)
		connection_end();
	serve();
	agentx_free(agentx);
	if (master.peer.fd != -1)
		connection_end();
}

void
master_send(const uint8_t *data, size_t n)
{
	master.exact = master.always_exact = false;
	(void)peer_send(&master.peer, data, n);
	serve();
}

void
master_ask(const struct asked *asked, const struct message *m, size_t split)
{
	if (master.peer.fd == -1)
		return;
	if (master.exact && asked->type >= GET &&
	    asked->type < CLEANUP_SET) {
		require(asked_n < ASKED_MAX, "too many requests");
		asked_list[(asked_first + asked_n++) % ASKED_MAX] = *asked;
	}
	master.cleanups += asked->type == CLEANUP_SET;
	(void)peer_send(&master.peer, m->data, split < m->n ? split : m->n);
	if (split < m->n) {
		do
			loop_run(loop);
		while (master_read());
		(void)peer_send(&master.peer, m->data + split, m->n - split);
	}
	/* The subagent ignores an invalid Close. */
	if (asked->type == CLOSE) {
		master.exact = false;
		serve();
		master.always_exact &= master.peer.fd == -1;
		return;
	}
	serve();
}

void
master_hang_up(void)
{
	peer_close(&master.peer);
	asked_n = 0;
	serve();
}

void
master_notify(void)
{
	fixture_refresh(&f);
	agentx_notifications_send(agentx);
	serve();
}

void
master_pass_ms(int64_t ms)
{
	fixture_steady_offset_ms += ms;
	serve();
}
