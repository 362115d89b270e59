/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A minimal AgentX master in place of snmpd, for "make bench" (RFC 2741). It accepts all
 * requests of a subagent and then sends requests one after the other. So the time of the
 * subagent is measured without the time of snmpd.
 *
 * usage: agentx_driver SOCKET
 * Prints "ready" when a subagent has registered. Then reads commands from standard input:
 *   walk VALUES OID   GetNext below OID, again from its start after its end: prints
 *                     "VALUES NS"
 *   watch OID         the same until the next line of input: prints "VALUES NS MEDIAN_NS
 *                     P99_NS MAX_NS", the last three of single requests
 *   set COUNT PAUSE_US VALUE OID   SETs of OID to the Gauge32 VALUE, VALUE + 1 and so
 *                     on: prints a line "TEST_NS COMMIT_NS" for each
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../unit/agentx_peer.h"
#include "../unit/require.h"

enum { SESSION = 1 };

static struct peer peer = { .fd = -1 };
static struct message request, answer;
static uint32_t packet, transaction;

void
require(bool condition, const char *fmt, ...)
{
	va_list ap;

	if (condition)
		return;
	va_start(ap, fmt);
	fputs("agentx_driver: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Reads the next message into 'answer'. */
static void
message_read(void)
{
	while (!peer_take(&peer, &answer))
		require(peer_read(&peer, 0) > 0, "the subagent closed the connection");
}

/* Accepts the request of the subagent in 'answer'. */
static void
request_accept(void)
{
	static struct message m;

	peer_response(&m, &answer, SESSION, 0);
	require(peer_send(&peer, m.data, m.n) == (ssize_t)m.n, "send: %s", strerror(errno));
}

static void
subagent_await(const char *path)
{
	struct pollfd fd = { .events = POLLIN };
	int listener;

	unlink(path);
	listener = fd.fd = peer_listen(path);
	puts("listening");
	fflush(stdout);
	poll(&fd, 1, -1);
	peer.fd = accept(listener, NULL, NULL);
	close(listener);
	do {
		message_read();
		request_accept();
	} while (answer.type != REGISTER);
	/* The subagent may send further requests: sysORTable, other regions. */
	fd.fd = peer.fd;
	while (peer.n > peer.at || poll(&fd, 1, 200) > 0) {
		message_read();
		request_accept();
	}
	puts("ready");
	fflush(stdout);
}

static struct mib_oid
oid_parse(const char *text)
{
	struct mib_oid oid = { .n = 0 };

	for (char *end; *text != '\0' && oid.n < MIB_OID_MAX; text = end) {
		text += *text == '.';
		oid.sub[oid.n++] = (uint32_t)strtoul(text, &end, 10);
		require(end != text, "invalid OID");
	}
	return oid;
}

/* Returns the first OID after all OIDs below 'below'. */
static struct mib_oid
oid_end(const struct mib_oid *below)
{
	struct mib_oid end = *below;

	end.sub[end.n - 1]++;
	return end;
}

static void
request_begin(uint8_t type)
{
	message_begin(&request, type, 0, SESSION, transaction, ++packet);
}

static void
request_send(void)
{
	message_finish(&request);
	require(peer_send(&peer, request.data, request.n) == (ssize_t)request.n, "send: %s",
	    strerror(errno));
}

/* Reads the answer to the latest request, up to its varbinds. Accepts notifications before it. */
static void
answer_read(void)
{
	for (message_read(); answer.type != RESPONSE; message_read())
		request_accept();
	require(answer.packet == packet, "an answer to another request");
	(void)take_32(&answer);
	require(take_32(&answer) == 0, "an answer with an error");
}

/* Sends one GetNext. 'at' moves on, or back to 'below' at the end. False at the end. */
static bool
next(const struct mib_oid *below, const struct mib_oid *end, struct mib_oid *at)
{
	unsigned int type;

	transaction++;
	request_begin(GET_NEXT);
	put_name(&request, at, false);
	put_name(&request, end, false);
	request_send();
	answer_read();
	type = take_16(&answer);
	(void)take_16(&answer);
	take_name(&answer, at);
	if (type != MIB_END_OF_VIEW)
		return true;
	*at = *below;
	return false;
}

static void
walk(const struct mib_oid *below, long values)
{
	struct mib_oid end = oid_end(below), at = *below;
	int64_t start = now_ns();
	long n = 0;

	while (n < values) {
		bool found = next(below, &end, &at);

		require(found || n > 0, "no values");
		n += found;
	}
	printf("%ld %lld\n", n, (long long)(now_ns() - start));
}

/* Sends the request and returns the time until its answer. */
static int64_t
timed(void)
{
	int64_t start = now_ns();

	request_send();
	answer_read();
	return now_ns() - start;
}

static void
set(long count, long pause_us, uint32_t value, const struct mib_oid *name)
{
	const struct timespec pause = { pause_us / 1000000, pause_us % 1000000 * 1000 };
	static struct mib_varbind varbind;

	varbind.name = *name;
	varbind.value.type = MIB_GAUGE32;
	for (long i = 0; i < count; i++) {
		int64_t test, commit;

		varbind.value.number = value + (uint32_t)i;
		transaction++;
		request_begin(TEST_SET);
		put_varbind(&request, &varbind);
		test = timed();
		request_begin(COMMIT_SET);
		commit = timed();
		request_begin(CLEANUP_SET);	/* has no answer */
		request_send();
		printf("%lld %lld\n", (long long)test, (long long)commit);
		nanosleep(&pause, NULL);
	}
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
watch(const struct mib_oid *below)
{
	struct mib_oid end = oid_end(below), at = *below;
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	int64_t *times = NULL, start = now_ns();
	size_t n = 0, size = 0;

	while (poll(&input, 1, 0) == 0) {
		int64_t before = now_ns();

		next(below, &end, &at);
		if (n == size) {
			size = size == 0 ? 4096 : 2 * size;
			times = realloc(times, size * sizeof(*times));
			require(times != NULL, "out of memory");
		}
		times[n++] = now_ns() - before;
	}
	require(n > 0, "no requests");
	start = now_ns() - start;
	qsort(times, n, sizeof(*times), compare);
	printf("%zu %lld %lld %lld %lld\n", n, (long long)start, (long long)times[n / 2],
	    (long long)times[n - 1 - n / 100], (long long)times[n - 1]);
	free(times);
}

int
main(int argc, char **argv)
{
	char line[1024], text[512];
	struct mib_oid below;
	long values, pause;
	unsigned int value;

	if (argc != 2) {
		fprintf(stderr, "usage: agentx_driver SOCKET\n");
		return 2;
	}
	/* Unbuffered, so that poll() in watch() sees each line. */
	setvbuf(stdin, NULL, _IONBF, 0);
	subagent_await(argv[1]);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (sscanf(line, "walk %ld %511s", &values, text) == 2) {
			below = oid_parse(text);
			walk(&below, values);
		} else if (sscanf(line, "watch %511s", text) == 1) {
			below = oid_parse(text);
			watch(&below);
		} else if (sscanf(line, "set %ld %ld %u %511s", &values, &pause, &value,
		    text) == 4) {
			below = oid_parse(text);
			set(values, pause, value, &below);
		} else {
			require(strcmp(line, "\n") == 0, "invalid command: %s", line);
		}
		fflush(stdout);
	}
	return 0;
}
