/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A master and a clock for the tests of src/agentx; see agentx_fake.h.
 */
#include "agentx_fake.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "require.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/poller.h"

struct master master;
struct loop *loop;
struct agentx *agentx;
int64_t worst_turn_ms;
unsigned int state_changes;
unsigned int log_lines;
char log_latest[512];

/* -- time ------------------------------------------------------------------------------ */

static int64_t now_ms;
int64_t fixture_steady_ms;	/* of mib_fixture.h: not used, this clock has a time of its own */
static bool (*stop_when)(void);
/* Static, because a check that fails inside the loop does not return to run(). */
static struct loop_timer run_timer;

static bool master_work(void);

/* Replaces src/util/clock.c, which is not linked. */
int64_t
clock_steady_ms(void)
{
	return now_ms;
}

/* Times of this thread at the beginning of the turn. */
static struct {
	bool	going;
	int64_t	real_ms, cpu_ms;
	long	sleeps;
} turn;

static int64_t
clock_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
turn_begin(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	turn.going = true;
	turn.real_ms = clock_ms(CLOCK_MONOTONIC);
	turn.cpu_ms = clock_ms(CLOCK_THREAD_CPUTIME_ID);
	turn.sleeps = usage.ru_nvcsw;
}

/* Takes the real time if the thread slept, otherwise its CPU time, so that other programs do not
 * count. */
static void
turn_end(void)
{
	struct rusage usage;
	int64_t ms = clock_ms(CLOCK_THREAD_CPUTIME_ID) - turn.cpu_ms;

	if (!turn.going)
		return;
	getrusage(RUSAGE_THREAD, &usage);
	if (usage.ru_nvcsw != turn.sleeps)
		ms = clock_ms(CLOCK_MONOTONIC) - turn.real_ms;
	if (ms > worst_turn_ms)
		worst_turn_ms = ms;
}

/* Replaces the function of src/util/poller.c. The master acts here. If there is nothing to do,
 * the clock jumps to the next timer. */
int
poller_wait(struct pollfd *fds, nfds_t n, int64_t until_ms)
{
	const struct timespec none = { 0 };
	bool busy;
	int ready;

	turn_end();
	busy = master_work();
	ready = ppoll(fds, n, &none, NULL);
	if (stop_when != NULL && stop_when())
		loop_stop(loop);
	else if (ready == 0 && !busy && until_ms != POLLER_FOREVER && until_ms > now_ms)
		now_ms = until_ms;
	turn_begin();
	return ready;
}

static void
time_is_up(void *arg)
{
	*(bool *)arg = true;
	loop_stop(loop);
}

/* Runs the loop. True if 'when' ended it before the time. */
static bool
run(bool (*when)(void), int64_t ms)
{
	static bool up;

	up = turn.going = false;
	stop_when = when;
	loop_timer_set(loop, &run_timer, ms, time_is_up, &up);
	loop_run(loop);
	loop_timer_cancel(loop, &run_timer);
	stop_when = NULL;
	return !up;
}

void
run_ms(int64_t ms)
{
	run(NULL, ms);
}

static bool
serving(void)
{
	return agentx_serving(agentx);
}

void
run_until_serving(int64_t ms)
{
	assert_true(run(serving, ms));
}

/* -- the log --------------------------------------------------------------------------- */

/* Replace the functions of src/util/log.c. */
bool
log_enabled(enum log_level level)
{
	return level < LOG_LEVEL_DEBUG;
}

void
log_line(enum log_level level, const char *token, const char *fmt, ...)
{
	va_list ap;

	(void)token;
	if (!log_enabled(level))
		return;
	log_lines++;
	va_start(ap, fmt);
	vsnprintf(log_latest, sizeof(log_latest), fmt, ap);
	va_end(ap);
}

/* -- messages ------------------------------------------------------------------------ */

void
require(bool condition, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (condition)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fail_msg("%s", text);
}

void
request_begin(struct message *m, uint8_t type, uint32_t transaction)
{
	static uint32_t packet;

	packet++;
	message_begin(m, type, packet % 2 == 0 ? NETWORK : 0, SESSION_ID, transaction, packet);
}

void
put_oid(struct message *m, bool include, size_t n, ...)
{
	va_list more;

	put_8(m, (unsigned int)(mib_root_length - 5 + n));
	put_8(m, mib_root[4]);
	put_8(m, include);
	put_8(m, 0);
	for (size_t i = 5; i < mib_root_length; i++)
		put_32(m, mib_root[i]);
	va_start(more, n);
	while (n-- > 0)
		put_32(m, va_arg(more, uint32_t));
	va_end(more);
}

void
put_null_oid(struct message *m)
{
	put_32(m, 0);
}

void
take_oid(struct message *m, size_t n, ...)
{
	va_list more;
	unsigned int left = take_8(m), prefix = take_8(m);

	take_16(m);
	assert_int_equal(prefix, mib_root[4]);
	assert_int_equal(left, mib_root_length - 5 + n);
	for (size_t i = 5; i < mib_root_length; i++)
		assert_int_equal(take_32(m), mib_root[i]);
	va_start(more, n);
	while (n-- > 0)
		assert_int_equal(take_32(m), va_arg(more, uint32_t));
	va_end(more);
}

void
take_text(struct message *m, const char *text, size_t length)
{
	assert_int_equal(take_32(m), length);
	assert_memory_equal(m->data + m->at, text, length);
	m->at += (length + 3) / 4 * 4;
}

void
take_end(const struct message *m)
{
	assert_int_equal(m->at, m->n);
}

/* -- the master ---------------------------------------------------------------------- */

void
master_listen(void)
{
	master.listener = peer_listen(master.path);
}

void
master_hang_up(void)
{
	peer_close(&master.peer);
}

void
master_leave(void)
{
	master_hang_up();
	if (master.listener >= 0)
		close(master.listener);
	master.listener = -1;
	unlink(master.path);
}

void
octets_send(const void *data, size_t length)
{
	ssize_t sent = peer_send(&master.peer, data, length);

	/* The subagent may have closed the connection. */
	if (sent >= 0 || errno != EPIPE)
		assert_int_equal(sent, length);
}

void
message_send(struct message *m)
{
	message_finish(m);
	octets_send(m->data, m->n);
}

static void
response_send(const struct message *to, unsigned int error)
{
	struct message m;

	peer_response(&m, to, SESSION_ID, error);
	octets_send(m.data, m.n);
}

static void
manners_answer(const struct message *m)
{
	static const uint8_t huge[HEADER] = { 1, RESPONSE, NETWORK, 0,
	    [16] = 0xff, 0xff, 0xff, 0xf0 };

	switch (master.manners) {
	case MANNERS_GOOD:
		if (m->type == OPEN || m->type == REGISTER || m->type == ADD_CAPS)
			response_send(m, 0);
		return;
	case MANNERS_DUPLICATE:
		response_send(m, m->type == REGISTER ? 263 : 0);
		return;
	case MANNERS_OPEN_ONLY:
	case MANNERS_OPEN_SILENT:
		if (m->type == OPEN)
			response_send(m, 0);
		if (m->type == REGISTER && master.manners == MANNERS_OPEN_ONLY)
			master_hang_up();
		return;
	case MANNERS_GARBAGE:
		octets_send("220 mail.example.net ESMTP ready for you\r\n", 42);
		return;
	case MANNERS_HUGE:
		octets_send(huge, sizeof(huge));
		return;
	case MANNERS_HALF:
		octets_send(m->data, 10);
		master_hang_up();
		return;
	case MANNERS_NONE:
	case MANNERS_CLOSE:
	case MANNERS_NO_ACCEPT:
		return;
	}
}

/* True if the master answers the message itself. The others stay in the buffer. */
static bool
manners_apply(const struct message *m)
{
	return master.manners != MANNERS_NONE && (master.manners != MANNERS_GOOD ||
	    m->type == OPEN || m->type == REGISTER || m->type == ADD_CAPS);
}

/* Accepts a connection if the master has none. */
static bool
master_accept(void)
{
	if (master.listener < 0 || master.peer.fd >= 0 || master.manners == MANNERS_NO_ACCEPT)
		return false;
	master.peer.fd = accept4(master.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (master.peer.fd < 0)
		return false;
	master.connects++;
	if (master.manners == MANNERS_CLOSE)
		master_hang_up();
	return true;
}

/* Acts as master. True if there was something to do. */
static bool
master_work(void)
{
	static struct message m;
	bool busy = master_accept();
	ssize_t got;

	if (master.peer.fd < 0 || master.paused)
		return busy;
	got = peer_read(&master.peer, MSG_DONTWAIT);
	if (got == 0 || (got < 0 && errno != EAGAIN)) {
		master_hang_up();
		return true;
	}
	if (master.peer.n - master.peer.at < HEADER)
		return busy || got > 0;
	m.type = master.peer.in[master.peer.at + 1];
	if (manners_apply(&m) && peer_take(&master.peer, &m)) {
		manners_answer(&m);
		return true;
	}
	return busy || got > 0;
}

static struct message *received;

static bool
message_received(void)
{
	return peer_take(&master.peer, received);
}

void
message_receive(struct message *m)
{
	received = m;
	assert_true(run(message_received, 10000));
}

uint32_t
exchange(struct message *m, struct message *ret)
{
	unsigned int error;

	message_send(m);
	message_receive(ret);
	assert_int_equal(ret->type, RESPONSE);
	assert_int_equal(ret->flags, m->flags & NETWORK);
	assert_int_equal(ret->session, m->session);
	assert_int_equal(ret->transaction, m->transaction);
	assert_int_equal(ret->packet, m->packet);
	assert_int_equal(take_32(ret), 0);
	error = take_16(ret);
	return ANSWER(error, take_16(ret));
}

void
ask(struct message *m, struct message *ret, unsigned int error, unsigned int index)
{
	assert_int_equal(exchange(m, ret), ANSWER(error, index));
	if (error != 0)
		take_end(ret);
}

/* -- a world for each test ------------------------------------------------------------- */

static void
state_changed(void *arg)
{
	(void)arg;
	state_changes++;
}

int
world_begin(void **state)
{
	struct agentx_config config = { .socket = master.path, .description = "a test" };
	struct mib *mib;

	(void)state;
	memset(&master, 0, sizeof(master));
	master.listener = master.peer.fd = -1;
	worst_turn_ms = 0;
	state_changes = log_lines = 0;
	now_ms += 1000000;
	mib = engine_make();
	snprintf(master.dir, sizeof(master.dir), "/tmp/lbcluster-test-XXXXXX");
	if (mkdtemp(master.dir) == NULL)
		return -1;
	snprintf(master.path, sizeof(master.path), "%s/master", master.dir);
	loop = loop_new();
	agentx = loop == NULL || mib == NULL ? NULL : agentx_new(loop, mib, &config);
	if (agentx == NULL)
		return -1;
	agentx_notify_state(agentx, state_changed, NULL);
	master_listen();
	return 0;
}

int
world_end(void **state)
{
	(void)state;
	stop_when = NULL;
	loop_timer_cancel(loop, &run_timer);
	agentx_free(agentx);
	agentx = NULL;
	master_leave();
	rmdir(master.dir);
	loop_free(loop);
	engine_end();
	return 0;
}
