/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "agentx/agentx.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentx/libsnmp_log.h"
#include "agentx/notifier.h"
#include "agentx/reason.h"
#include "agentx/responder.h"
#include "agentx/stream.h"
#include "agentx/wire.h"
#include "util/clock.h"
#include "util/dial.h"
#include "util/log_limit.h"
#include "util/memory.h"

enum {
	/* Time for the answer to Open, Register or Ping. A master that is stopped for less time
	 * keeps its connection. */
	ANSWER_TIMEOUT_MS = 2000,

	SOCKET_POLL_MS = 250,	/* check of the socket file without a session */
	SESSION_POLL_MS = 1000,	/* the same check with a session */
	PING_MS = 5000,		/* between pings while another socket file is there */
	SET_TIMEOUT_MS = 1000,	/* for the end of a SET when lbclusterd ends */
};

/*
 *                +------------------ failure: session_end() ------------------+
 *                v                                                            |
 *   AWAY --connected--> OPENING --session id--> REGISTERING --accepted--> SERVING
 *    ^ |                   |                         |
 *    +-+ timer: next try   +-- timer: no answer -----+
 */
enum state { STATE_AWAY, STATE_OPENING, STATE_REGISTERING, STATE_SERVING };

struct agentx {
	struct loop		*loop;
	char			*socket;	/* as configured, for messages */
	struct endpoint		 master;	/* parsed from 'socket' */
	char			*description;
	char			 oid[16 * MIB_OID_MAX];
	char			 user[64], group[64];
	enum state		 state;
	struct dial		 dial;
	bool			 warned;	/* remote_warn() was called */
	struct stream		 stream;
	struct wire		 wire;
	struct responder	 responder;
	struct notifier		 notifier;
	uint32_t		 packet;	/* id of the latest request to the master */
	bool			 asked;		/* that request has no answer yet */
	bool			 pinged;	/* that request is a Ping */
	struct loop_timer	 timer;
	int64_t			 served_from_ms;
	int64_t			 try_at_ms;	/* time of the next try to connect */
	struct stat		 tried;		/* socket file of the latest try; zero if none */
	struct outage		 outage;
	void			(*notify)(void *arg);
	void			*notify_arg;
};

/* A master can cause these lines at any rate. */
static struct log_limit limit = LOG_LIMIT("agentx", 30);

static void retry_schedule(struct agentx *agentx);

/* -- sending ----------------------------------------------------------------------- */

/* Encodes, sends and frees 'pdu'. An answer that is too long for snmpd becomes tooBig. */
static enum stream_result
pdu_send(struct agentx *agentx, netsnmp_pdu *pdu)
{
	enum stream_result result = STREAM_NOMEM;
	const uint8_t *data;
	size_t length;

	data = wire_encode(&agentx->wire, pdu, &length);
	if (data != NULL && length > WIRE_MESSAGE_MAX) {
		responder_refuse(pdu, WIRE_TOO_BIG, 1);
		data = wire_encode(&agentx->wire, pdu, &length);
	}
	if (data != NULL)
		result = stream_send(&agentx->stream, data, length);
	snmp_free_pdu(pdu);
	return result;
}

/* Sends a request to the master. 'sub' is the OID of the request; 'text' may be NULL. */
static enum stream_result
request_send(struct agentx *agentx, enum wire_command command, const oid *sub, size_t n,
    const char *text)
{
	netsnmp_pdu *pdu = wire_pdu_new(command, agentx->responder.session_id, ++agentx->packet);

	if (pdu == NULL)
		return STREAM_NOMEM;
	agentx->asked = true;
	agentx->pinged = command == WIRE_PING;
	if (command == WIRE_CLOSE)
		pdu->errstat = WIRE_CLOSE_SHUTDOWN;
	else if (command != WIRE_PING && snmp_pdu_add_variable(pdu, sub, n,
	    text == NULL ? ASN_NULL : ASN_OCTET_STR, text,
	    text == NULL ? 0 : strlen(text)) == NULL) {
		snmp_free_pdu(pdu);
		return STREAM_NOMEM;
	}
	return pdu_send(agentx, pdu);
}

/* Sends a request for the MIB root, or for lbcFullCompliance (lbcMIB.2.1.1) as sysORID. */
static enum stream_result
root_send(struct agentx *agentx, enum wire_command command, const char *text)
{
	static const oid compliance[] = { 2, 1, 1 };
	oid sub[MIB_OID_MAX];
	size_t n = 0;

	while (n < mib_root_length) {
		sub[n] = mib_root[n];
		n++;
	}
	if (command == WIRE_ADD_AGENT_CAPS) {
		memcpy(sub + n, compliance, sizeof(compliance));
		n += ROWS(compliance);
	}
	return request_send(agentx, command, sub, n, text);
}

/* -- beginning and end of a session -------------------------------------------------- */

static void
state_set(struct agentx *agentx, enum state state)
{
	bool changed = (agentx->state == STATE_SERVING) != (state == STATE_SERVING);

	agentx->state = state;
	if (changed && agentx->notify != NULL)
		agentx->notify(agentx->notify_arg);
}

static void
reason_log(struct agentx *agentx, const struct reason *reason)
{
	const struct reason_context context = { agentx->socket, agentx->oid, agentx->user,
	    agentx->group };
	char text[512];

	log_limited(&limit, LOG_LEVEL_WARN, "%s",
	    reason_text(reason, &context, text, sizeof(text)));
}

/* Ends a session or a try to connect, and sets the time of the next try. */
static void
session_end(struct agentx *agentx, enum reason_kind kind, int code)
{
	const struct reason reason = { kind, code };
	enum state was = agentx->state;
	int64_t now = clock_steady_ms();

	if (agentx->stream.fd >= 0)
		loop_fd_watch(agentx->loop, agentx->stream.fd, 0, NULL, NULL);
	stream_close(&agentx->stream);
	agentx->responder.session_id = 0;
	if (was == STATE_SERVING)
		outage_begin(&agentx->outage, now, now - agentx->served_from_ms);
	if (outage_is_new(&agentx->outage, now, &reason))
		reason_log(agentx, &reason);
	agentx->try_at_ms = now + outage_retry_ms(&agentx->outage, &reason);
	retry_schedule(agentx);
	state_set(agentx, STATE_AWAY);
	if (was == STATE_REGISTERING || was == STATE_SERVING)
		mib_session_lost(agentx->responder.mib, agentx->responder.session);
}

static void
answer_missing(void *arg)
{
	session_end(arg, REASON_TIMEOUT, 0);
}

/* True if TCP gave up, with ETIMEDOUT or with the last error of ICMP or ARP. */
static bool
is_timeout(int error)
{
	return error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH;
}

/* Ends the session if a read or a write failed. False then. */
static bool
result_ok(struct agentx *agentx, enum stream_result result)
{
	static const enum reason_kind reasons[] = {
		[STREAM_END] = REASON_END,
		[STREAM_PROTOCOL_ERROR] = REASON_PROTOCOL,
		[STREAM_BACKLOG] = REASON_BACKLOG,
		[STREAM_NOMEM] = REASON_LOCAL,
	};
	bool timeout = result == STREAM_END && is_timeout(agentx->stream.error);

	if (result != STREAM_OK)
		session_end(agentx, reasons[result], timeout ? ETIMEDOUT : 0);
	return result == STREAM_OK;
}

/* Sends Open or Register, and sets the timer for the answer. */
static void
step_begin(struct agentx *agentx, enum state state)
{
	enum wire_command command = state == STATE_OPENING ? WIRE_OPEN : WIRE_REGISTER;

	state_set(agentx, state);
	loop_timer_set(agentx->loop, &agentx->timer, ANSWER_TIMEOUT_MS, answer_missing, agentx);
	result_ok(agentx, root_send(agentx, command,
	    command == WIRE_OPEN ? agentx->description : NULL));
}

/* True if 'is' is the socket file of the latest try. */
static bool
is_tried(const struct agentx *agentx, const struct stat *is)
{
	const struct stat *was = &agentx->tried;

	return was->st_dev == is->st_dev && was->st_ino == is->st_ino &&
	    was->st_mtim.tv_sec == is->st_mtim.tv_sec &&
	    was->st_mtim.tv_nsec == is->st_mtim.tv_nsec;
}

static void
ping_unanswered(void *arg)
{
	session_end(arg, REASON_REPLACED, 0);
}

/* Pings the master if another program created a socket at its path. A new snmpd does so while
 * the old one is stopped, which ends no connection. An old one that answers is kept. A master
 * over TCP has no path. */
static void
session_check(void *arg)
{
	struct agentx *agentx = arg;
	struct stat is;

	if (stat(agentx->master.path, &is) == -1 || is_tried(agentx, &is)) {
		loop_timer_set(agentx->loop, &agentx->timer, SESSION_POLL_MS, session_check,
		    agentx);
		return;
	}
	log_debug("agentx", "another file is at %s: ping", agentx->socket);
	loop_timer_set(agentx->loop, &agentx->timer, ANSWER_TIMEOUT_MS, ping_unanswered, agentx);
	result_ok(agentx, request_send(agentx, WIRE_PING, NULL, 0, NULL));
}

static void
serving_begin(struct agentx *agentx)
{
	int64_t now = clock_steady_ms();

	loop_timer_set(agentx->loop, &agentx->timer, SESSION_POLL_MS, session_check, agentx);
	agentx->served_from_ms = now;
	notifier_begin(&agentx->notifier);
	log_limited(&limit, LOG_LEVEL_INFO,
	    "serving %s through the master at %s (session %u, after %.1f s)", agentx->oid,
	    agentx->socket, agentx->responder.session,
	    (double)(now - agentx->outage.since_ms) / 1000);
	state_set(agentx, STATE_SERVING);
	result_ok(agentx, root_send(agentx, WIRE_ADD_AGENT_CAPS, agentx->description));
}

/* -- receiving ------------------------------------------------------------------------ */

/* Handles an answer to Open, Register, AddAgentCaps, Ping or Notify. */
static void
response_take(struct agentx *agentx, const netsnmp_pdu *pdu)
{
	if (agentx->state == STATE_SERVING &&
	    notifier_answer(&agentx->notifier, pdu, clock_steady_ms()))
		return;
	if (!agentx->asked || (uint32_t)pdu->reqid != agentx->packet)
		return;
	agentx->asked = false;
	switch (agentx->state) {
	case STATE_AWAY:
		return;
	case STATE_OPENING:
		if (pdu->errstat != 0) {
			session_end(agentx, REASON_REFUSED, (int)pdu->errstat);
			return;
		}
		agentx->responder.session_id = (uint32_t)pdu->sessid;
		agentx->responder.session++;
		step_begin(agentx, STATE_REGISTERING);
		return;
	case STATE_REGISTERING:
		if (pdu->errstat != 0)
			session_end(agentx, REASON_REFUSED, (int)pdu->errstat);
		else
			serving_begin(agentx);
		return;
	case STATE_SERVING:
		if (agentx->pinged)
			loop_timer_set(agentx->loop, &agentx->timer, PING_MS, session_check,
			    agentx);
		else if (pdu->errstat != 0)
			log_limited(&limit, LOG_LEVEL_WARN,
			    "the master refused a row of sysORTable (error %ld)", pdu->errstat);
		return;
	}
}

/* Handles one message. False if the session ended. */
static bool
message_take(struct agentx *agentx, uint8_t *message, size_t length)
{
	bool open = agentx->state == STATE_REGISTERING || agentx->state == STATE_SERVING;
	netsnmp_pdu *pdu;
	int error = wire_decode(&agentx->wire, message, length, &pdu);

	if (pdu == NULL) {
		if (message[1] == WIRE_CLEANUP_SET && open)
			responder_cleanup(&agentx->responder, message);
		return result_ok(agentx, STREAM_NOMEM);
	}
	if (responder_knows(pdu->command)) {
		if (responder_answer(&agentx->responder, pdu, open ? error : WIRE_NOT_OPEN))
			return result_ok(agentx, pdu_send(agentx, pdu));
	} else if (error != 0) {
		log_debug("agentx", "invalid message of type %d", pdu->command);
	} else if (pdu->command == WIRE_RESPONSE) {
		response_take(agentx, pdu);
	} else if (pdu->command == WIRE_CLOSE) {
		session_end(agentx, REASON_CLOSE, (int)pdu->errstat);
	} else {
		log_debug("agentx", "message of type %d is not for a subagent", pdu->command);
	}
	snmp_free_pdu(pdu);
	return agentx->state != STATE_AWAY;
}

/* Handles all complete messages in the buffer. False if the session ended. */
static bool
messages_take(struct agentx *agentx)
{
	uint8_t *message;
	size_t length;

	for (;;) {
		if (!result_ok(agentx, stream_take(&agentx->stream, &message, &length)))
			return false;
		if (message == NULL)
			return true;
		if (!message_take(agentx, message, length))
			return false;
	}
}

/* Reads and writes the connection. A connection ends by a read, never by POLLHUP or a failed
 * write, because the last message of the master may be a CleanupSet. */
static void
session_event(void *arg, short events)
{
	struct agentx *agentx = arg;

	if ((events & POLLOUT) != 0)
		stream_flush(&agentx->stream);
	if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 &&
	    (!result_ok(agentx, stream_read(&agentx->stream)) || !messages_take(agentx)))
		return;
	loop_fd_watch(agentx->loop, agentx->stream.fd, stream_events(&agentx->stream),
	    session_event, agentx);
}

/* Warns once that AgentX has no passwords and no encryption (RFC 2741 section 9). */
static void
remote_warn(struct agentx *agentx)
{
	if (agentx->warned)
		return;
	agentx->warned = true;
	log_warn("agentx", "%s: not an address of the loopback interface: AgentX has no "
	    "encryption and no passwords; use a network that only snmpd and lbclusterd can reach",
	    agentx->socket);
}

static void
session_dialed(void *arg, const struct dial_result *result)
{
	struct agentx *agentx = arg;

	if (result->remote)
		remote_warn(agentx);
	if (result->status == DIAL_NAME) {
		session_end(agentx, REASON_NAME, result->code);
	} else if (result->status == DIAL_FAILED) {
		session_end(agentx, agentx->master.kind == ENDPOINT_TCP ? REASON_CONNECT_TCP :
		    REASON_CONNECT, result->code);
	} else {
		agentx->stream.fd = result->fd;
		if (result->status == DIAL_CONNECTED && loop_fd_watch(agentx->loop, result->fd,
		    POLLIN, session_event, agentx))
			step_begin(agentx, STATE_OPENING);
		else
			session_end(agentx, REASON_LOCAL, 0);
	}
}

/* Tries to connect if the time is over, or if another file is at the path of the socket: a new
 * master created its UNIX socket. */
static void
session_poll(void *arg)
{
	struct agentx *agentx = arg;
	struct stat is;
	bool changed;

	if (stat(agentx->master.path, &is) == -1)
		memset(&is, 0, sizeof(is));
	changed = !is_tried(agentx, &is);
	if (!changed && clock_steady_ms() < agentx->try_at_ms) {
		retry_schedule(agentx);
		return;
	}
	if (changed)
		outage_retry_reset(&agentx->outage);
	agentx->tried = is;
	dial_begin(&agentx->dial, agentx->loop, &agentx->master, session_dialed, agentx);
}

static void
retry_schedule(struct agentx *agentx)
{
	int64_t left = agentx->try_at_ms - clock_steady_ms();

	loop_timer_set(agentx->loop, &agentx->timer, left < SOCKET_POLL_MS ? left : SOCKET_POLL_MS,
	    session_poll, agentx);
}

/* -- interface -------------------------------------------------------------------------- */

/* Reads the names of user and group once, because a name service may be slow. An id without a
 * name stays a number. */
static void
names_read(struct agentx *agentx)
{
	const struct passwd *user = getpwuid(geteuid());
	const struct group *group = getgrgid(getegid());

	snprintf(agentx->user, sizeof(agentx->user), "%u", (unsigned int)geteuid());
	snprintf(agentx->group, sizeof(agentx->group), "%u", (unsigned int)getegid());
	if (user != NULL)
		snprintf(agentx->user, sizeof(agentx->user), "%s", user->pw_name);
	if (group != NULL)
		snprintf(agentx->group, sizeof(agentx->group), "%s", group->gr_name);
}

static void
root_name(char *buf, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < mib_root_length; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%u", i == 0 ? "" : ".", mib_root[i]);
}

struct agentx *
agentx_new(struct loop *loop, struct mib *mib, const struct agentx_config *config)
{
	struct agentx *agentx = calloc(1, sizeof(*agentx));

	if (agentx == NULL || endpoint_parse(config->socket, &agentx->master, NULL) != ERR_OK) {
		free(agentx);
		return NULL;
	}
	agentx->loop = loop;
	agentx->responder.mib = mib;
	agentx->socket = strdup(config->socket);
	agentx->description = strdup(config->description);
	stream_init(&agentx->stream);
	wire_init(&agentx->wire);
	if (agentx->socket == NULL || agentx->description == NULL) {
		free(agentx->socket);
		free(agentx->description);
		free(agentx);
		return NULL;
	}
	names_read(agentx);
	root_name(agentx->oid, sizeof(agentx->oid));
	libsnmp_log_open();
	outage_begin(&agentx->outage, clock_steady_ms(), 0);
	loop_timer_set(loop, &agentx->timer, 0, session_poll, agentx);
	return agentx;
}

/* Serves until no committed SET is open. A master sends UndoSet or CleanupSet as soon as it has
 * the answer to CommitSet. */
static void
sets_finish(struct agentx *agentx)
{
	const struct responder *responder = &agentx->responder;
	int64_t left, until = clock_steady_ms() + SET_TIMEOUT_MS;

	while (agentx->state == STATE_SERVING &&
	    mib_session_has_open_set(responder->mib, responder->session) &&
	    (left = until - clock_steady_ms()) > 0) {
		struct pollfd fd = { .fd = agentx->stream.fd, .events = POLLIN };

		if (poll(&fd, 1, (int)left) <= 0)
			return;
		session_event(agentx, POLLIN);
	}
}

/* Answers the requests that have arrived, and sends Close. */
static void
session_close(struct agentx *agentx)
{
	if (agentx->state == STATE_SERVING) {
		session_event(agentx, POLLIN);
		sets_finish(agentx);
		if (agentx->state == STATE_AWAY)
			return;
	}
	request_send(agentx, WIRE_CLOSE, NULL, 0, NULL);
	loop_fd_watch(agentx->loop, agentx->stream.fd, 0, NULL, NULL);
	if (agentx->state != STATE_OPENING)
		mib_session_closed(agentx->responder.mib, agentx->responder.session);
}

void
agentx_free(struct agentx *agentx)
{
	if (agentx == NULL)
		return;
	agentx->notify = NULL;
	if (agentx->state != STATE_AWAY)
		session_close(agentx);
	loop_timer_cancel(agentx->loop, &agentx->timer);
	dial_cancel(&agentx->dial);
	stream_close(&agentx->stream);
	wire_free(&agentx->wire);
	libsnmp_log_close();
	free(agentx->socket);
	free(agentx->description);
	free(agentx);
}

bool
agentx_serving(const struct agentx *agentx)
{
	return agentx->state == STATE_SERVING;
}

pid_t
agentx_master_pid(const struct agentx *agentx)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return agentx->stream.fd >= 0 && agentx->master.kind == ENDPOINT_UNIX &&
	    getsockopt(agentx->stream.fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 ?
	    peer.pid : 0;
}

void
agentx_notify_state(struct agentx *agentx, void (*fn)(void *arg), void *arg)
{
	agentx->notify = fn;
	agentx->notify_arg = arg;
}

void
agentx_notifications_send(struct agentx *agentx)
{
	if (agentx->state != STATE_SERVING)
		return;
	if (result_ok(agentx, notifier_send(&agentx->notifier, &agentx->responder,
	    &agentx->wire, &agentx->stream, clock_steady_ms())))
		loop_fd_watch(agentx->loop, agentx->stream.fd, stream_events(&agentx->stream),
		    session_event, agentx);
}
