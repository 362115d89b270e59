/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Why there is no session with the master; see reason.h.
 */
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
	STRIKE_MS = 8000,
	STABLE_MS = 60000,	/* service that clears a master's record */
	BRIEF_MS = 2000,	/* service too short to be more than misbehaviour */
	RESTART_MS = 5000,	/* a restart of the master may take so long unremarked */
};

#define TCP_DROP_IN "lbclusterd-tcp.conf.example"

/* %1$s is the socket, %2$s the OID, %3$s the user, %4$s the group. A number that no row has
 * takes the last row of its kind, whose number is -1. */
static const struct {
	enum reason_kind	 kind;
	int			 code;
	const char		*words;
} table[] = {
	{ REASON_CONNECT, ENOENT, "no AgentX master at %1$s; start snmpd, with "
	    "'master agentx' in snmpd.conf" },
	{ REASON_CONNECT, ECONNREFUSED, "no AgentX master at %1$s, only its socket; start "
	    "snmpd, with 'master agentx' in snmpd.conf" },
	{ REASON_CONNECT, EACCES, "no permission for %1$s: snmpd.conf needs 'agentXPerms "
	    "0660 0755 Debian-snmp lbcluster', and this process the group lbcluster (it runs as "
	    "%3$s, group %4$s)" },
	{ REASON_CONNECT, EPERM, "no permission for the directory of %1$s (running as %3$s, "
	    "group %4$s): 'chmod 755' it (snmpd applies the directory mode of agentXPerms only "
	    "when it makes it)" },
	{ REASON_CONNECT, EAGAIN, "the master at %1$s takes no connections; snmpd is stopped "
	    "or hung: restart it" },
	{ REASON_CONNECT, -1, "cannot connect to the master at %1$s" },
	{ REASON_CONNECT_TCP, ECONNREFUSED, "no AgentX master at %1$s: nobody listens there; "
	    "start snmpd, with 'master agentx' and this address in 'agentXSocket' of snmpd.conf" },
	{ REASON_CONNECT_TCP, ETIMEDOUT, "no AgentX master at %1$s: the host does not answer; "
	    "check the address, and firewalls on the way" },
	{ REASON_CONNECT_TCP, EAFNOSUPPORT, "cannot connect to the master at %1$s: this process "
	    "may not use TCP; install the drop-in " TCP_DROP_IN " of the examples" },
	{ REASON_CONNECT_TCP, EPERM, "cannot connect to the master at %1$s: a firewall or "
	    "IPAddressDeny= of systemd forbids it; see the drop-in " TCP_DROP_IN " of the "
	    "examples" },
	{ REASON_CONNECT_TCP, -1, "cannot connect to the master at %1$s" },
	{ REASON_NAME, EAI_AGAIN, "the host of %1$s cannot be looked up: no DNS server answers; "
	    "write its number, or name it in /etc/hosts" },
	{ REASON_NAME, -1, "the host of %1$s has no address" },
	{ REASON_SILENT, -1, "the master at %1$s does not answer; snmpd is stopped or hung: "
	    "restart it" },
	{ REASON_REFUSED, 256, "the master at %1$s opens no session (openFailed)" },
	{ REASON_REFUSED, WIRE_NOT_OPEN, "the master at %1$s forgot the session (notOpen)" },
	{ REASON_REFUSED, WIRE_DUPLICATE, "another subagent serves %2$s; stop the other "
	    "lbclusterd (duplicateRegistration)" },
	{ REASON_REFUSED, WIRE_REQUEST_DENIED, "the master at %1$s does not let us serve "
	    "%2$s (requestDenied)" },
	{ REASON_REFUSED, -1, "the master at %1$s refused to register %2$s" },
	{ REASON_END, ETIMEDOUT, "the master at %1$s vanished: nothing came back on its "
	    "connection; its host or the network is down" },
	{ REASON_END, -1, "the master at %1$s closed the connection" },
	{ REASON_CLOSE, 4, "the master at %1$s closed the session: it waited too long for "
	    "answers (reasonTimeouts)" },
	{ REASON_CLOSE, 5, "the master at %1$s closed the session: it shuts down" },
	{ REASON_CLOSE, 6, "the master at %1$s closed the session: a manager wanted it so" },
	{ REASON_CLOSE, -1, "the master at %1$s closed the session" },
	{ REASON_RUBBISH, -1, "what listens at %1$s does not speak AgentX" },
	{ REASON_CLOGGED, -1, "the master at %1$s reads no answers; snmpd is stopped or hung: "
	    "restart it" },
	{ REASON_LOCAL, -1, "no memory or no descriptor for a session with %1$s" },
};

/* Puts the four texts for %1$s to %4$s; everything else is copied. */
static void
words_fill(const char *words, const char *const with[4], char *buf, size_t size)
{
	size_t n = 0;

	while (*words != '\0' && n + 1 < size) {
		if (words[0] != '%') {
			buf[n++] = *words++;
			continue;
		}
		n += (size_t)snprintf(buf + n, size - n, "%s", with[words[1] - '1']);
		if (n >= size)
			n = size - 1;
		words += strlen("%1$s");
	}
	buf[n] = '\0';
}

const char *
reason_text(const struct reason *reason, const struct reason_place *place, char *buf,
    size_t size)
{
	const char *const with[] = { place->socket, place->oid, place->user, place->group };
	bool known;
	size_t i = 0, n;

	while (table[i].kind != reason->kind ||
	    (table[i].code != reason->code && table[i].code != -1))
		i++;
	words_fill(table[i].words, with, buf, size);
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
absence_begin(struct absence *absence, int64_t now_ms, int64_t served_ms)
{
	absence->since_ms = now_ms;
	absence->restart = served_ms >= BRIEF_MS;
	absence->first = true;
	absence->n = 0;
	absence->poll_ms = FIRST_MS;
	if (absence->strike_ms == 0 || served_ms >= STABLE_MS)
		absence->strike_ms = FIRST_MS;
}

void
absence_forgive(struct absence *absence)
{
	absence->poll_ms = absence->strike_ms = FIRST_MS;
}

bool
absence_news(struct absence *absence, int64_t now_ms, const struct reason *reason)
{
	/* EACCES too: snmpd sets the permissions of its socket after it made it. */
	bool step = (reason->kind == REASON_CONNECT && (reason->code == ENOENT ||
	    reason->code == ECONNREFUSED || reason->code == EAGAIN || reason->code == EACCES)) ||
	    (reason->kind == REASON_CONNECT_TCP && reason->code == ECONNREFUSED);

	if (step && absence->restart && now_ms - absence->since_ms < RESTART_MS)
		return false;
	for (size_t i = 0; i < absence->n; i++) {
		if (absence->said[i].kind == reason->kind &&
		    absence->said[i].code == reason->code)
			return false;
	}
	if (absence->n == REASONS_MAX)
		return false;
	absence->said[absence->n++] = *reason;
	return true;
}

/* Up to a quarter less, so that many subagents of one master do not march in step. */
static int64_t
jitter(int64_t ms)
{
	uint16_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = 0;
	return ms - ms / 4 * random / UINT16_MAX;
}

int64_t
absence_wait(struct absence *absence, const struct reason *reason)
{
	/* Waiting for an answer that did not come was pause enough; and a master that
	 * was only stopped must be found soon after it goes on. */
	bool poll = reason->kind == REASON_CONNECT || reason->kind == REASON_CONNECT_TCP ||
	    reason->kind == REASON_SILENT ||
	    (absence->first && absence->restart);
	int64_t *ms = poll ? &absence->poll_ms : &absence->strike_ms;
	int64_t most = poll ? POLL_MS : STRIKE_MS, wait = *ms;

	absence->first = false;
	*ms = wait * 2 < most ? wait * 2 : most;
	return jitter(wait);
}
