/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * For "make bench": in the place of snmpd, as little of an AgentX master as a subagent
 * needs (RFC 2741). Says yes to all that it asks for, then sends GetNexts one after
 * the other, so that the time of a subagent is seen without that of snmpd.
 *
 * usage: agentx_driver SOCKET
 * Prints "ready" once a subagent has registered; then reads commands from stdin:
 *   walk VALUES OID   GetNext below OID, from its start again at its end: "VALUES NS"
 *   watch OID         the same until the next line comes: "VALUES NS MEDIAN_NS P99_NS
 *                     MAX_NS" of the single requests
 *   set COUNT PAUSE_US VALUE OID   SETs of OID to the Gauge32 VALUE, VALUE + 1 and so
 *                     on: "TEST_NS COMMIT_NS" of each, a line each
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	HEADER = 20, MESSAGE_MAX = 64 * 1024, OID_MAX = 4 + 4 * 128,
	REGISTER = 3, GET_NEXT = 6, TEST_SET = 8, COMMIT_SET = 9, CLEANUP_SET = 11,
	RESPONSE = 18, GAUGE32 = 66, END_OF_VIEW = 130,
	NETWORK_ORDER = 0x10,
	SUBS_BEFORE_ROOT = 5	/* 1.3.6.1.x is the prefix octet x */
};

/* As on the wire: number of sub-identifiers, prefix, include, reserved, then them. */
struct wire_oid {
	uint8_t	octets[OID_MAX];
	size_t	size;
};

static int peer;
static uint8_t in[MESSAGE_MAX];
static size_t there, taken;	/* octets of 'in': all, those of the latest message */
static uint32_t packet, transaction;

static void
fail(const char *what)
{
	fprintf(stderr, "agentx_driver: %s\n", what);
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static uint32_t
number(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void
number_put(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

/* The next whole message to the front of 'in'; its size. One read as a rule, as snmpd
 * does it, but a subagent may have more to say than answers. */
static size_t
message_read(void)
{
	size_t size;

	if (taken > 0)
		memmove(in, in + taken, there - taken);
	there -= taken;
	taken = 0;
	while (there < HEADER || there < (size = HEADER + number(in + 16))) {
		ssize_t got = read(peer, in + there, sizeof(in) - there);

		if (got <= 0)
			fail("the subagent went away, or sent too much");
		there += (size_t)got;
	}
	if ((in[2] & NETWORK_ORDER) != 0)
		fail("the other byte order");
	taken = size;
	return size;
}

static void
message_write(const uint8_t *message, size_t size)
{
	if (write(peer, message, size) != (ssize_t)size)
		fail("the subagent takes nothing");
}

/* Yes, with the ids of what was asked. */
static void
agree(void)
{
	uint8_t out[HEADER + 8] = { 0 };

	memcpy(out, in, HEADER);
	out[1] = RESPONSE;
	out[2] = 0;
	number_put(out + 4, 1);		/* our only session */
	number_put(out + 16, 8);
	message_write(out, sizeof(out));
}

static void
subagent_await(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		fail("the path of the socket is too long");
	memcpy(address.sun_path, path, strlen(path) + 1);
	unlink(path);
	if (listener == -1 || bind(listener, (struct sockaddr *)&address, sizeof(address)) == -1 ||
	    listen(listener, 1) == -1)
		fail(strerror(errno));
	puts("listening");
	fflush(stdout);
	peer = accept(listener, NULL, NULL);
	close(listener);
	for (bool registered = false; !registered;) {
		message_read();
		registered = in[1] == REGISTER;
		agree();
	}
	/* What it has to say after that: sysORTable, further regions. */
	for (struct pollfd fd = { .fd = peer, .events = POLLIN };
	    there > taken || poll(&fd, 1, 200) > 0;) {
		message_read();
		agree();
	}
	puts("ready");
	fflush(stdout);
}

static void
oid_parse(const char *text, struct wire_oid *ret)
{
	uint32_t subs[128];
	size_t n = 0;

	for (char *end; *text != '\0' && *text != '\n' && n < 128; text = end) {
		if (*text == '.')
			text++;
		subs[n++] = (uint32_t)strtoul(text, &end, 10);
		if (end == text)
			fail("not an OID");
	}
	if (n < SUBS_BEFORE_ROOT)
		fail("not below 1.3.6.1.x");
	memset(ret, 0, sizeof(*ret));
	ret->octets[0] = (uint8_t)(n - SUBS_BEFORE_ROOT);
	ret->octets[1] = (uint8_t)subs[SUBS_BEFORE_ROOT - 1];
	memcpy(ret->octets + 4, subs + SUBS_BEFORE_ROOT, 4 * (n - SUBS_BEFORE_ROOT));
	ret->size = 4 + 4 * (n - SUBS_BEFORE_ROOT);
}

/* What comes after 'below' in the order of OIDs: its last sub-identifier plus one. */
static struct wire_oid
oid_end(const struct wire_oid *below)
{
	struct wire_oid end = *below;

	number_put(end.octets + end.size - 4, number(end.octets + end.size - 4) + 1);
	return end;
}

/* Fills the header of a request and sends it. */
static void
request_write(uint8_t *out, uint8_t type, size_t size)
{
	memset(out, 0, HEADER);
	out[0] = 1;
	out[1] = type;
	number_put(out + 4, 1);
	number_put(out + 8, transaction);
	number_put(out + 12, ++packet);
	number_put(out + 16, (uint32_t)(size - HEADER));
	message_write(out, size);
}

/* Size of the answer to the request just written; its errors end us. What else the
 * subagent has to say, a notification, is agreed to. */
static size_t
answer_read(void)
{
	size_t size = message_read();

	while (in[1] != RESPONSE) {
		agree();
		size = message_read();
	}
	if (number(in + 12) != packet || size < HEADER + 8 ||
	    number(in + HEADER + 4) != 0)
		fail("not the answer, or an error");
	return size;
}

/* One request; 'at' moves on, or back to 'below' at the end. False at the end. */
static bool
next(const struct wire_oid *below, const struct wire_oid *end, struct wire_oid *at)
{
	uint8_t out[HEADER + 2 * OID_MAX];
	size_t size = HEADER;

	memcpy(out + size, at->octets, at->size);
	size += at->size;
	memcpy(out + size, end->octets, end->size);
	size += end->size;
	transaction++;
	request_write(out, GET_NEXT, size);
	if (answer_read() < HEADER + 16)
		fail("an answer without a value");
	if (in[HEADER + 8] == END_OF_VIEW) {
		*at = *below;
		return false;
	}
	at->size = 4 + 4 * (size_t)in[HEADER + 12];
	memcpy(at->octets, in + HEADER + 12, at->size);
	at->octets[2] = 0;
	return true;
}

static void
walk(const struct wire_oid *below, long values)
{
	struct wire_oid end = oid_end(below), at = *below;
	int64_t start = now_ns();
	long n = 0;

	while (n < values) {
		if (next(below, &end, &at))
			n++;
		else if (n == 0)
			fail("nothing there");
	}
	printf("%ld %lld\n", n, (long long)(now_ns() - start));
}

static int64_t
phase(uint8_t *out, uint8_t type, size_t size)
{
	int64_t start = now_ns();

	request_write(out, type, size);
	answer_read();
	return now_ns() - start;
}

static void
set(long count, long pause_us, uint32_t value, const struct wire_oid *name)
{
	const struct timespec pause = { pause_us / 1000000, pause_us % 1000000 * 1000 };

	for (long i = 0; i < count; i++) {
		uint8_t out[HEADER + 8 + OID_MAX] = { 0 };
		size_t size = HEADER + 4 + name->size;
		int64_t test, commit;

		out[HEADER] = GAUGE32;
		memcpy(out + HEADER + 4, name->octets, name->size);
		number_put(out + size, value + (uint32_t)i);
		transaction++;
		test = phase(out, TEST_SET, size + 4);
		commit = phase(out, COMMIT_SET, HEADER);
		/* There is no answer to this one. */
		request_write(out, CLEANUP_SET, HEADER);
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
watch(const struct wire_oid *below)
{
	struct wire_oid end = oid_end(below), at = *below;
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	int64_t *times = NULL, start = now_ns();
	size_t n = 0, room = 0;

	while (poll(&input, 1, 0) == 0) {
		int64_t before = now_ns();

		next(below, &end, &at);
		if (n == room) {
			room = room == 0 ? 4096 : 2 * room;
			times = realloc(times, room * sizeof(*times));
			if (times == NULL)
				fail("out of memory");
		}
		times[n++] = now_ns() - before;
	}
	if (n == 0)
		fail("nothing watched");
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
	struct wire_oid below;
	long values, pause;
	unsigned int value;

	if (argc != 2) {
		fprintf(stderr, "usage: agentx_driver SOCKET\n");
		return 2;
	}
	/* Unbuffered, so that poll() in watch() sees what fgets() would. */
	setvbuf(stdin, NULL, _IONBF, 0);
	subagent_await(argv[1]);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (sscanf(line, "walk %ld %511s", &values, text) == 2) {
			oid_parse(text, &below);
			walk(&below, values);
		} else if (sscanf(line, "watch %511s", text) == 1) {
			oid_parse(text, &below);
			watch(&below);
		} else if (sscanf(line, "set %ld %ld %u %511s", &values, &pause, &value,
		    text) == 4) {
			oid_parse(text, &below);
			set(values, pause, value, &below);
		} else if (strcmp(line, "\n") != 0) {
			fail("not understood");
		}
		fflush(stdout);
	}
	return 0;
}
