/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "agentx/reason.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "agentx/wire.h"

enum {
	FIRST_MS = 250,
	POLL_MS = 1000,
	RETRY_MS = 8000,
	RETRY_RESET_MS = 60000,	/* service after which the interval is short again */
	BRIEF_MS = 2000,	/* a session that served for less counts as failed */
	RESTART_MS = 5000,	/* a restart of the master is not logged for this time */
};

#define TCP_DROP_IN "lbclusterd-tcp.conf.example"

/* Messages. %1$s is the socket, %2$s the OID, %3$s the user, %4$s the group. The row with code -1
 * is for all other codes of its kind. */
static const struct {
	enum reason_kind	 kind;
	int			 code;
	const char		*message;
} table[] = {
	{ REASON_CONNECT, ENOENT, "no AgentX master at %1$s; start snmpd, with "
	    "'master agentx' in snmpd.conf" },
	{ REASON_CONNECT, ECONNREFUSED, "no AgentX master at %1$s: connection refused; "
	    "start snmpd, with 'master agentx' in snmpd.conf" },
	{ REASON_CONNECT, EACCES, "no permission for %1$s: snmpd.conf needs 'agentXPerms "
	    "0660 0755 Debian-snmp lbcluster', and lbclusterd the group lbcluster (it runs as "
	    "%3$s, group %4$s)" },
	{ REASON_CONNECT, EPERM, "no permission for the directory of %1$s (running as %3$s, "
	    "group %4$s): 'chmod 755' it (snmpd applies the directory mode of agentXPerms only "
	    "when it creates the directory)" },
	{ REASON_CONNECT, EAGAIN, "the master at %1$s accepts no connections; snmpd is stopped "
	    "or hung: restart it" },
	{ REASON_CONNECT, -1, "cannot connect to the master at %1$s" },
	{ REASON_CONNECT_TCP, ECONNREFUSED, "no AgentX master at %1$s: connection refused; "
	    "start snmpd, with 'master agentx' and this address in 'agentXSocket' of snmpd.conf" },
	{ REASON_CONNECT_TCP, ETIMEDOUT, "no AgentX master at %1$s: the host does not answer; "
	    "check the address and firewalls" },
	{ REASON_CONNECT_TCP, EAFNOSUPPORT, "cannot connect to the master at %1$s: systemd does "
	    "not allow TCP; install the drop-in " TCP_DROP_IN " of the examples" },
	{ REASON_CONNECT_TCP, EPERM, "cannot connect to the master at %1$s: a firewall or "
	    "IPAddressDeny= of systemd forbids it; see the drop-in " TCP_DROP_IN " of the "
	    "examples" },
	{ REASON_CONNECT_TCP, -1, "cannot connect to the master at %1$s" },
	{ REASON_NAME, EAI_AGAIN, "the host of %1$s cannot be looked up: no DNS server answers; "
	    "use an address, or add the name to /etc/hosts" },
	{ REASON_NAME, -1, "the host of %1$s has no address" },
	{ REASON_TIMEOUT, -1, "the master at %1$s does not answer; snmpd is stopped or hung: "
	    "restart it" },
	{ REASON_REPLACED, -1, "the old master at %1$s does not answer, and another program "
	    "listens at this path: connecting to it" },
	{ REASON_REFUSED, 256, "the master at %1$s opens no session (openFailed)" },
	{ REASON_REFUSED, WIRE_NOT_OPEN, "the master at %1$s does not know the session (notOpen)" },
	{ REASON_REFUSED, WIRE_DUPLICATE, "another subagent serves %2$s; stop the other "
	    "lbclusterd (duplicateRegistration)" },
	{ REASON_REFUSED, WIRE_REQUEST_DENIED, "the master at %1$s does not allow lbclusterd to "
	    "serve %2$s (requestDenied)" },
	{ REASON_REFUSED, -1, "the master at %1$s refused to register %2$s" },
	{ REASON_END, ETIMEDOUT, "the connection to the master at %1$s timed out; its host or "
	    "the network is down" },
	{ REASON_END, -1, "the master at %1$s closed the connection" },
	{ REASON_CLOSE, 4, "the master at %1$s closed the session: lbclusterd answered too "
	    "late (reasonTimeouts)" },
	{ REASON_CLOSE, 5, "the master at %1$s closed the session: it ends (reasonShutdown)" },
	{ REASON_CLOSE, 6, "the master at %1$s closed the session: a manager "
	    "requested it (reasonByManager)" },
	{ REASON_CLOSE, -1, "the master at %1$s closed the session" },
	{ REASON_PROTOCOL, -1, "the program at %1$s does not speak AgentX; check the address of "
	    "the master" },
	{ REASON_BACKLOG, -1, "the master at %1$s does not read answers; snmpd is stopped or hung: "
	    "restart it" },
	{ REASON_LOCAL, -1, "out of memory or file descriptors for a session with %1$s" },
};

/* Copies 'message' with the four texts in place of %1$s to %4$s. */
static void
message_fill(const char *message, const char *const with[4], char *buf, size_t size)
{
	size_t n = 0;

	while (*message != '\0' && n + 1 < size) {
		if (message[0] != '%') {
			buf[n++] = *message++;
			continue;
		}
		n += (size_t)snprintf(buf + n, size - n, "%s", with[message[1] - '1']);
		if (n >= size)
			n = size - 1;
		message += strlen("%1$s");
	}
	buf[n] = '\0';
}

const char *
reason_text(const struct reason *reason, const struct reason_context *context, char *buf,
    size_t size)
{
	const char *const with[] = { context->socket, context->oid, context->user, context->group };
	bool known;
	size_t i = 0, n;

	while (table[i].kind != reason->kind ||
	    (table[i].code != reason->code && table[i].code != -1))
		i++;
	message_fill(table[i].message, with, buf, size);
	known = table[i].code != -1 || reason->code == 0;
	n = strlen(buf);
	if (!known && (reason->kind == REASON_CONNECT || reason->kind == REASON_CONNECT_TCP))
		snprintf(buf + n, size - n, ": %s", strerror(reason->code));
	else if (!known && reason->kind == REASON_NAME)
		snprintf(buf + n, size - n, ": %s", gai_strerror(reason->code));
	else if (!known)
		snprintf(buf + n, size - n, " (%d)", reason->code);
	return buf;
}

void
outage_begin(struct outage *outage, int64_t now_ms, int64_t served_ms)
{
	outage->since_ms = now_ms;
	outage->restart = served_ms >= BRIEF_MS;
	outage->first = true;
	outage->n = 0;
	outage->poll_ms = FIRST_MS;
	if (outage->retry_ms == 0 || served_ms >= RETRY_RESET_MS)
		outage->retry_ms = FIRST_MS;
}

void
outage_retry_reset(struct outage *outage)
{
	outage->poll_ms = outage->retry_ms = FIRST_MS;
}

bool
outage_is_new(struct outage *outage, int64_t now_ms, const struct reason *reason)
{
	/* EACCES is such a step: snmpd creates its socket and then sets the mode. */
	bool step = (reason->kind == REASON_CONNECT && (reason->code == ENOENT ||
	    reason->code == ECONNREFUSED || reason->code == EAGAIN || reason->code == EACCES)) ||
	    (reason->kind == REASON_CONNECT_TCP && reason->code == ECONNREFUSED);

	if (step && outage->restart && now_ms - outage->since_ms < RESTART_MS)
		return false;
	for (size_t i = 0; i < outage->n; i++) {
		if (outage->logged[i].kind == reason->kind &&
		    outage->logged[i].code == reason->code)
			return false;
	}
	if (outage->n == REASONS_MAX)
		return false;
	outage->logged[outage->n++] = *reason;
	return true;
}

/* Subtracts up to a quarter, so that the subagents of one master do not connect at once. */
static int64_t
jitter(int64_t ms)
{
	uint16_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = 0;
	return ms - ms / 4 * random / UINT16_MAX;
}

int64_t
outage_retry_ms(struct outage *outage, const struct reason *reason)
{
	/* After REASON_TIMEOUT the wait for the answer was a pause already. A master that was
	 * stopped must be found soon after it continues. */
	bool poll = reason->kind == REASON_CONNECT || reason->kind == REASON_CONNECT_TCP ||
	    reason->kind == REASON_TIMEOUT ||
	    (outage->first && outage->restart);
	int64_t *ms = poll ? &outage->poll_ms : &outage->retry_ms;
	int64_t most = poll ? POLL_MS : RETRY_MS, wait = *ms;

	outage->first = false;
	*ms = wait * 2 < most ? wait * 2 : most;
	return jitter(wait);
}
