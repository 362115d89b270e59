/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the log of a program in the background. The test is the syslogd, with a datagram or
 * a stream socket: it reads, is slow, is missing, or was restarted.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "util/log.h"
#include "util/syslogger.h"

enum {
	HANGS_AFTER_S = 20,
	MANY = 5000,		/* more lines than fit into any socket buffer */
};

static char dir[] = "/tmp/lbcluster-syslog-XXXXXX";
static char place[64];
static int syslogd = -1, type;
static int stream = -1;		/* the accepted connection of a stream socket */

static void
syslogd_start(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", place);
	syslogd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(syslogd >= 0);
	assert_int_equal(bind(syslogd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(syslogd, 1), 0);
}

static void
syslogd_end(void)
{
	close(syslogd);
	if (stream != -1)
		close(stream);
	stream = -1;
	assert_int_equal(unlink(place), 0);
}

/* Returns the next line; "" if there is none. */
static const char *
syslogd_read(void)
{
	static char text[2048];
	ssize_t n;

	if (type == SOCK_STREAM && stream == -1)
		stream = accept(syslogd, NULL, NULL);
	if (type == SOCK_STREAM) {
		/* A line ends with NUL. */
		n = recv(stream, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_PEEK);
		if (n > 0)
			n = recv(stream, text, strnlen(text, (size_t)n - 1) + 1, MSG_DONTWAIT);
		assert_true(n <= 0 || text[n - 1] == '\0');
	} else {
		n = recv(syslogd, text, sizeof(text) - 1, MSG_DONTWAIT);
	}
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

/* Checks priority, time (15 bytes), name, process and text. */
static void
syslogd_has(int priority, const char *line)
{
	const char *text = syslogd_read();
	char head[16], rest[1200];

	snprintf(head, sizeof(head), "<%d>", priority);
	snprintf(rest, sizeof(rest), " prog[%ld]: %s", (long)getpid(), line);
	assert_memory_equal(text, head, strlen(head));
	assert_true(strlen(text) > strlen(head) + 15);
	assert_string_equal(text + strlen(head) + 15, rest);
}

static void
line_has_the_facility_daemon(void **state)
{
	(void)state;
	log_info("t", "smoke in %s", "room 3");
	log_debug("t", "not this");
	syslogd_has(24 + 6, "info: [t] smoke in room 3");
	assert_string_equal(syslogd_read(), "");
}

/* A person who starts the program sees warnings on the terminal. */
static void
warning_also_goes_to_standard_error(void **state)
{
	char text[64] = "";
	int fds[2], saved = dup(STDERR_FILENO);

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	log_info("t", "no fire");
	log_warn("t", "fire");
	dup2(saved, STDERR_FILENO);
	assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "prog: warn: [t] fire\n");
	syslogd_has(24 + 6, "info: [t] no fire");
	syslogd_has(24 + 4, "warn: [t] fire");
	close(saved);
	close(fds[0]);
	close(fds[1]);
}

static void
syslogd_that_does_not_read_does_not_block(void **state)
{
	char lost[96];
	int taken = 0;

	(void)state;
	alarm(HANGS_AFTER_S);
	for (int i = 0; i < MANY; i++)
		log_info("t", "%d", i);
	while (syslogd_read()[0] != '\0')
		taken++;
	assert_true(taken > 0 && taken < MANY);
	log_info("t", "again");
	snprintf(lost, sizeof(lost),
	    "warn: [log] %d log lines dropped: the log reader is too slow",
	    MANY - taken);
	syslogd_has(24 + 4, lost);
	syslogd_has(24 + 6, "info: [t] again");
	alarm(0);
}

/* connect(2) to a stream socket would block. */
static void
syslogd_that_accepts_no_connection_does_not_block(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fds[8], n = 0, full = 0;

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", place);
	while (n < 8 && !full) {
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		full = connect(fds[n++], (struct sockaddr *)&address, sizeof(address)) != 0;
	}
	assert_true(full);
	alarm(HANGS_AFTER_S);
	assert_false(syslogger_send(LOG_INFO, "prog", "lost"));
	alarm(0);
	while (n > 0)
		close(fds[--n]);
}

static void
restarted_syslogd_is_found(void **state)
{
	(void)state;
	log_info("t", "first");
	syslogd_end();
	log_info("t", "lost");
	syslogd_start();
	log_info("t", "second");
	syslogd_has(24 + 4, "warn: [log] 1 log lines dropped: the log reader is too slow");
	syslogd_has(24 + 6, "info: [t] second");
	/* Restarts between two lines. */
	syslogd_end();
	syslogd_start();
	log_info("t", "third");
	syslogd_has(24 + 6, "info: [t] third");
}

static int
setup(void **state)
{
	type = *(const int *)*state;
	syslogd_start();
	syslogger_path_set(place);
	log_open("prog", true, LOG_LEVEL_INFO);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	syslogd_end();
	return 0;
}

static int
dir_make(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(place, sizeof(place), "%s/log", dir);
	return 0;
}

static int
dir_remove(void **state)
{
	(void)state;
	return rmdir(dir);
}

int
main(void)
{
	static int datagrams = SOCK_DGRAM, streams = SOCK_STREAM;
#define STREAM(name)	{ #name " (a stream)", name, setup, teardown, &streams }
#define TEST(name)	{ #name, name, setup, teardown, &datagrams }, STREAM(name)
	const struct CMUnitTest tests[] = {
		TEST(line_has_the_facility_daemon),
		TEST(warning_also_goes_to_standard_error),
		TEST(syslogd_that_does_not_read_does_not_block),
		STREAM(syslogd_that_accepts_no_connection_does_not_block),
		TEST(restarted_syslogd_is_found),
	};

	return cmocka_run_group_tests_name("syslog", tests, dir_make, dir_remove);
}
