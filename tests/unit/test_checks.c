/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/check/ against servers on loopback that refuse, do not answer, answer slowly,
 * answer wrongly or reset. The clock can jump, as for a process that was stopped.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check/checks.h"
#include "util/clock.h"
#include "util/loop.h"

int64_t __real_clock_steady_ms(void);
int64_t __wrap_clock_steady_ms(void);

static int64_t clock_offset_ms;

int64_t
__wrap_clock_steady_ms(void)
{
	return __real_clock_steady_ms() + clock_offset_ms;
}

/* -- a server ------------------------------------------------------------------------- */

enum { CLIENTS_MAX = 1024, TOO_LONG_MS = 20000, DRIP_MS = 20, LOOK_MS = 5 };

struct world {
	struct loop		*loop;
	struct checks		*checks;
	struct loop_timer	 too_long;
	int			 listener;
	uint16_t		 port;
	unsigned int		 accepted, changes, wanted_changes, wanted_accepts;
	const char		*answer;	/* NULL: says nothing */
	bool			 reset;		/* resets a connection after the request */
	bool			 reset_first;	/* resets a connection at once */
	bool			 drips;		/* answers one byte at a time */
	struct loop_timer	 drip;
	int			 drip_fd;
	int			 clients[CLIENTS_MAX];
	char			 request[2048];
	char			 dir[64];
};

static struct world world;

static void
on_drip(void *arg)
{
	(void)arg;
	if (send(world.drip_fd, world.answer, 1, MSG_NOSIGNAL) != 1)
		return;
	world.answer++;
	loop_timer_set(world.loop, &world.drip, DRIP_MS, on_drip, NULL);
}

static void
reset_now(int fd)
{
	const struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static void
on_request(void *arg, short events)
{
	int fd = *(int *)arg;
	ssize_t n = read(fd, world.request, sizeof(world.request) - 1);

	(void)events;
	loop_fd_watch(world.loop, fd, 0, NULL, NULL);
	if (n <= 0)
		return;
	world.request[n] = '\0';
	if (world.reset) {
		reset_now(fd);
		*(int *)arg = -1;
	} else if (world.drips) {
		world.drip_fd = fd;
		on_drip(NULL);
	} else if (world.answer != NULL) {
		assert_true(write(fd, world.answer, strlen(world.answer)) > 0);
	}
}

static void
on_client(void *arg, short events)
{
	int fd = accept4(world.listener, NULL, NULL, SOCK_CLOEXEC);

	(void)arg;
	(void)events;
	assert_true(fd >= 0 && world.accepted < CLIENTS_MAX);
	world.clients[world.accepted] = fd;
	if (world.reset_first) {
		reset_now(fd);
		world.clients[world.accepted++] = -1;
		return;
	}
	loop_fd_watch(world.loop, fd, POLLIN, on_request, &world.clients[world.accepted++]);
	if (world.accepted == world.wanted_accepts)
		loop_stop(world.loop);
}

enum { JUMP_ID = 99999 };

static void
on_stopped(void *arg)
{
	(void)arg;
	clock_offset_ms += 60000;
	world.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
}

static void
on_changed(void *arg, uint32_t id)
{
	(void)arg;
	if (id == JUMP_ID)
		on_stopped(NULL);
	if (++world.changes == world.wanted_changes)
		loop_stop(world.loop);
}

static void
on_too_long(void *arg)
{
	(void)arg;
	fail_msg("no result within %d ms", TOO_LONG_MS);
}

static void
run_until_changes(unsigned int n)
{
	world.wanted_changes = world.changes + n;
	loop_timer_set(world.loop, &world.too_long, TOO_LONG_MS, on_too_long, NULL);
	loop_run(world.loop);
	loop_timer_cancel(world.loop, &world.too_long);
}

/* A state that no change of a check reports. */
static struct {
	struct loop_timer	 timer;
	bool			(*met)(void *arg);
	void			*arg;
} condition;

static void
on_condition(void *arg)
{
	(void)arg;
	if (condition.met(condition.arg))
		loop_stop(world.loop);
	else
		loop_timer_set(world.loop, &condition.timer, LOOK_MS, on_condition, NULL);
}

static void
run_until(bool (*met)(void *arg), void *arg)
{
	condition.met = met;
	condition.arg = arg;
	loop_timer_set(world.loop, &world.too_long, TOO_LONG_MS, on_too_long, NULL);
	loop_timer_set(world.loop, &condition.timer, 0, on_condition, NULL);
	loop_run(world.loop);
	loop_timer_cancel(world.loop, &world.too_long);
}

static void
checks_open(void)
{
	assert_int_equal(checks_new(world.loop, check_kinds, world.dir, on_changed, NULL,
	    &world.checks, NULL), ERR_OK);
}

static int
setup(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);

	(void)state;
	world = (struct world){ .loop = loop_new(), .dir = "/tmp/lbcluster-checks.XXXXXX" };
	clock_offset_ms = 0;
	assert_non_null(mkdtemp(world.dir));
	world.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(world.listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(world.listener, (struct sockaddr *)&address, &size), 0);
	world.port = ntohs(address.sin_port);
	checks_open();
	return 0;
}

static void
server_listen(void)
{
	assert_int_equal(listen(world.listener, 64), 0);
	loop_fd_watch(world.loop, world.listener, POLLIN, on_client, NULL);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	(void)state;
	checks_free(world.checks);
	for (unsigned int i = 0; i < world.accepted; i++)
		if (world.clients[i] >= 0)
			close(world.clients[i]);
	close(world.listener);
	loop_free(world.loop);
	return nftw(world.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct check_spec
spec_of(enum check_kind kind)
{
	return (struct check_spec){ .kind = kind, .port = world.port, .status = { { 200, 399 } },
	    .interval_ms = 100, .retry_ms = 50, .timeout_ms = 5000, .rise = 2, .fall = 3,
	    .text = { [CHECK_ADDRESS] = "127.0.0.1", [CHECK_PATH] = "/health" } };
}

static void
check_set(uint32_t id, const struct check_spec *spec)
{
	struct err err;

	if (checks_set(world.checks, id, spec, false, &err) != ERR_OK)
		fail_msg("%s", err.text);
}

static void
assert_result(uint32_t id, enum check_state state, const char *message)
{
	struct check_result result;

	assert_true(checks_result(world.checks, id, &result));
	assert_string_equal(result.message, message);
	assert_int_equal(result.state, state);
	assert_true((result.since_s != 0) == (state != CHECK_UNKNOWN));
}

/* -- connect -------------------------------------------------------------------------- */

static void
connect_reports_a_server_that_refuses(void **state)
{
	struct check_spec spec = spec_of(CHECK_CONNECT);

	(void)state;
	check_set(1, &spec);
	assert_result(1, CHECK_UNKNOWN, "not checked yet");
	run_until_changes(1);
	assert_result(1, CHECK_DOWN, "connect: Connection refused");
	server_listen();
	run_until_changes(1);
	assert_result(1, CHECK_UP, "");
}

static void
sockets_fill(int sockets[2])
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(world.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	/* A full queue: the kernel drops further SYN. */
	assert_int_equal(listen(world.listener, 0), 0);
	for (int i = 0; i < 2; i++) {
		sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(sockets[i], (struct sockaddr *)&to, sizeof(to));
	}
}

static void
connect_reports_a_server_that_does_not_answer(void **state)
{
	struct check_spec spec = spec_of(CHECK_CONNECT);
	int full[2];

	(void)state;
	sockets_fill(full);
	spec.timeout_ms = 250;
	check_set(1, &spec);
	run_until_changes(1);
	assert_result(1, CHECK_DOWN, "connect: no answer within 0.250 s");
	close(full[0]);
	close(full[1]);
}

static void
connect_accepts_a_server_that_resets_at_once(void **state)
{
	struct check_spec spec = spec_of(CHECK_CONNECT);

	(void)state;
	/* The loop serves the server before the checks. */
	checks_free(world.checks);
	server_listen();
	checks_open();
	world.reset_first = true;
	check_set(1, &spec);
	run_until_changes(1);
	assert_result(1, CHECK_UP, "");
	assert_int_equal(world.accepted, 1);
}

static unsigned int
count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

enum { MANY = 600 };

/* Finds the most descriptors until all checks have a result. */
static bool
most_descriptors(void *arg)
{
	unsigned int n = count_descriptors();

	if (n > *(unsigned int *)arg)
		*(unsigned int *)arg = n;
	return world.changes == MANY;
}

static void
at_most_500_sockets_are_open(void **state)
{
	enum { MAX = 500 };
	struct check_spec spec = spec_of(CHECK_CONNECT);
	unsigned int before, most = 0;
	int full[2];

	(void)state;
	sockets_fill(full);
	before = count_descriptors();
	spec.timeout_ms = 900;
	spec.interval_ms = 300;		/* all first probes begin in this time */
	spec.retry_ms = 600000;
	for (uint32_t id = 1; id <= MANY; id++) {
		spec.fall = id + 1;
		check_set(id, &spec);
	}
	run_until(most_descriptors, &most);
	assert_int_equal(most, before + MAX);
	for (uint32_t id = 1; id <= MANY; id++)
		assert_result(id, CHECK_DOWN, "connect: no answer within 0.900 s");
	close(full[0]);
	close(full[1]);
}

static void
equal_checks_are_one_probe(void **state)
{
	struct check_spec spec = spec_of(CHECK_CONNECT);

	(void)state;
	server_listen();
	spec.interval_ms = 600000;
	for (uint32_t id = 1; id <= 50; id++) {
		/* connect does not use the path. */
		spec.text[CHECK_PATH] = id % 2 == 0 ? "/even" : "/odd";
		check_set(id, &spec);
	}
	run_until_changes(50);
	assert_result(50, CHECK_UP, "");
	/* A reset connection may be gone before accept(2), and it is one at most. */
	assert_true(world.accepted <= 1);
	spec.text[CHECK_PATH] = "/other";
	check_set(51, &spec);
	assert_result(51, CHECK_UP, "");
	/* An equal specification keeps the result, another one begins as unknown. */
	check_set(1, &spec);
	assert_result(1, CHECK_UP, "");
	spec.fall = 4;
	check_set(1, &spec);
	assert_result(1, CHECK_UNKNOWN, "not checked yet");
	checks_remove(world.checks, 2);
	assert_false(checks_result(world.checks, 2, &(struct check_result){ 0 }));
	assert_result(3, CHECK_UP, "");
}

/* -- http ----------------------------------------------------------------------------- */

static void
http_judges_status_and_text(void **state)
{
	static const struct {
		const char		*answer, *expect;
		enum check_state	 after;
		const char		*message;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "", CHECK_UP, "" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "ell", CHECK_UP, "" },
		{ "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
		  "Content-Length: 0\r\n\r\n", "", CHECK_UP, "" },
		{ "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "", CHECK_DOWN,
		  "http: status 503" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "bye", CHECK_DOWN,
		  "http: the answer does not contain \"bye\"" },
		{ "SSH-2.0-x\r\n\r\n", "", CHECK_DOWN,
		  "http: Received HTTP/0.9 when not allowed" },
		{ "HTTP/1.1 200 OK\r\nContent-", "", CHECK_DOWN,
		  "http: no answer within 0.250 s" },
		{ NULL, "", CHECK_DOWN, "http: no answer within 0.250 s" },
	};

	(void)state;
	server_listen();
	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct check_spec spec = spec_of(CHECK_HTTP);

		if (strstr(rows[i].message, "within") != NULL)
			spec.timeout_ms = 250;
		spec.text[CHECK_EXPECT] = rows[i].expect;
		world.answer = rows[i].answer;
		check_set(1 + i, &spec);
		run_until_changes(1);
		assert_result(1 + i, rows[i].after, rows[i].message);
		checks_remove(world.checks, 1 + i);
	}
}

static void
http_sends_the_host_and_the_path(void **state)
{
	struct check_spec spec = spec_of(CHECK_HTTP);
	char expected[64];

	(void)state;
	server_listen();
	world.answer = "HTTP/1.1 204 No\r\n\r\n";
	spec.method = CHECK_HEAD;
	spec.text[CHECK_HOST] = "www.example.org";
	check_set(1, &spec);
	run_until_changes(1);
	assert_result(1, CHECK_UP, "");
	assert_non_null(strstr(world.request, "HEAD /health HTTP/1.1\r\n"));
	assert_non_null(strstr(world.request, "Host: www.example.org\r\n"));
	spec.text[CHECK_HOST] = NULL;
	check_set(1, &spec);
	run_until_changes(1);
	snprintf(expected, sizeof(expected), "Host: 127.0.0.1:%u\r\n", world.port);
	assert_non_null(strstr(world.request, expected));
}

static void
http_reports_a_refusal_and_a_reset(void **state)
{
	struct check_spec spec = spec_of(CHECK_HTTP);
	struct check_result result;

	(void)state;
	check_set(1, &spec);
	run_until_changes(1);
	assert_result(1, CHECK_DOWN, "http: Connection refused");
	checks_remove(world.checks, 1);
	server_listen();
	world.reset = true;
	check_set(1, &spec);
	run_until_changes(1);
	assert_true(checks_result(world.checks, 1, &result));
	assert_string_equal(result.message, "http: Recv failure: Connection reset by peer");
}

static void
http_ends_a_server_that_drips_at_the_time_out(void **state)
{
	struct check_spec spec = spec_of(CHECK_HTTP);

	(void)state;
	server_listen();
	world.drips = true;
	world.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n"
	    "X-Header: this takes a second, because each of its bytes comes alone\r\n\r\n";
	spec.timeout_ms = 250;
	check_set(1, &spec);
	run_until_changes(1);
	assert_result(1, CHECK_DOWN, "http: no answer within 0.250 s");
}

static void
http_reports_a_server_that_closes_at_once(void **state)
{
	struct check_spec spec = spec_of(CHECK_HTTP);
	struct check_result result;

	(void)state;
	server_listen();
	world.reset_first = true;
	check_set(1, &spec);
	run_until_changes(1);
	assert_true(checks_result(world.checks, 1, &result));
	assert_int_equal(result.state, CHECK_DOWN);
	assert_non_null(strstr(result.message, "http: "));
}

static void
http_uses_no_proxy_of_the_environment(void **state)
{
	struct check_spec spec = spec_of(CHECK_HTTP);

	(void)state;
	server_listen();
	world.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	check_set(1, &spec);
	run_until_changes(1);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	assert_result(1, CHECK_UP, "");
	assert_non_null(strstr(world.request, "GET /health HTTP/1.1\r\n"));
}

/* -- https --------------------------------------------------------------------------------- */

/* Starts a server with a self-signed certificate and returns its port; 0 if there is no openssl. */
static uint16_t
tls_server_start(pid_t *ret_pid)
{
	char command[512], line[128] = "";
	unsigned int port = 0;
	int fds[2];
	FILE *out;

	snprintf(command, sizeof(command), "exec 2>/dev/null; cd %s && openssl req -x509 -newkey "
	    "ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test -keyout key -out cert && "
	    "exec openssl s_server -accept 127.0.0.1:0 -cert cert -key key -www", world.dir);
	assert_int_equal(pipe(fds), 0);
	*ret_pid = fork();
	if (*ret_pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], 1);
		close(fds[0]);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	out = fdopen(fds[0], "r");
	assert_non_null(out);
	while (port == 0 && fgets(line, sizeof(line), out) != NULL)
		sscanf(line, "ACCEPT 127.0.0.1:%u", &port);
	fclose(out);
	return (uint16_t)port;
}

static void
https_judges_the_certificate_if_it_verifies(void **state)
{
	struct check_spec spec = spec_of(CHECK_HTTPS);
	pid_t server;

	(void)state;
	spec.port = tls_server_start(&server);
	if (spec.port == 0 && getenv("LBCLUSTER_TESTS_FORCE") == NULL) {
		waitpid(server, NULL, 0);
		skip();
	}
	assert_true(spec.port != 0);
	check_set(1, &spec);
	run_until_changes(1);
	assert_result(1, CHECK_UP, "");
	spec.verify = true;
	check_set(1, &spec);
	run_until_changes(1);
	assert_result(1, CHECK_DOWN, "https: SSL certificate problem: self-signed certificate");
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

/* -- a process that was stopped ------------------------------------------------------- */

static void
a_stopped_process_fails_no_server(void **state)
{
	struct check_spec spec = spec_of(CHECK_HTTP);
	struct loop_timer stopped = { 0 };

	(void)state;
	server_listen();
	check_set(1, &spec);
	world.wanted_accepts = 1;
	loop_run(world.loop);
	/* The probe waits for an answer; the process gets no time for a minute. */
	loop_timer_set(world.loop, &stopped, 0, on_stopped, NULL);
	loop_timer_set(world.loop, &world.too_long, 60000 + TOO_LONG_MS, on_too_long, NULL);
	world.wanted_changes = 1;
	loop_run(world.loop);
	loop_timer_cancel(world.loop, &world.too_long);
	assert_int_equal(world.accepted, 2);
	assert_result(1, CHECK_UP, "");
}

static void
a_process_that_is_stopped_in_a_turn_fails_no_server(void **state)
{
	struct check_spec http = spec_of(CHECK_HTTP), jump = spec_of(CHECK_CONNECT);

	(void)state;
	server_listen();
	http.interval_ms = 600000;
	check_set(1, &http);
	world.wanted_accepts = 1;
	loop_run(world.loop);
	/* The function of a change returns after a minute. */
	jump.port = 1;
	check_set(JUMP_ID, &jump);
	loop_timer_set(world.loop, &world.too_long, 60000 + TOO_LONG_MS, on_too_long, NULL);
	world.wanted_changes = 2;
	loop_run(world.loop);
	loop_timer_cancel(world.loop, &world.too_long);
	assert_int_equal(world.accepted, 2);
	assert_result(1, CHECK_UP, "");
}

/* The process that is stopped: exits with 1 if the server was down. */
static _Noreturn void
stopped_main(uint16_t port)
{
	struct check_spec spec = spec_of(CHECK_HTTP);
	struct check_result result;
	struct loop *loop = loop_new();
	struct checks *checks;

	world.loop = loop;
	spec.port = port;
	spec.timeout_ms = 2000;
	spec.fall = 1;
	if (checks_new(loop, check_kinds, world.dir, on_changed, NULL, &checks, NULL) != ERR_OK ||
	    checks_set(checks, 1, &spec, true, NULL) != ERR_OK)
		_exit(2);
	world.wanted_changes = 1;
	loop_run(loop);
	checks_result(checks, 1, &result);
	_exit(result.state == CHECK_DOWN ? 1 : 2);
}

static int
client_accept(void)
{
	struct pollfd ready = { .fd = world.listener, .events = POLLIN };
	int fd;

	assert_int_equal(poll(&ready, 1, TOO_LONG_MS), 1);
	fd = accept4(world.listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void
a_stopped_program_fails_no_server(void **state)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	const struct timespec stop = { .tv_sec = 1, .tv_nsec = 500000000 };
	int status, silent, fd;
	pid_t pid;

	(void)state;
	assert_int_equal(listen(world.listener, 64), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		stopped_main(world.port);
	}
	/* The program stops while a probe waits for an answer, for most of the time-out. */
	silent = client_accept();
	kill(pid, SIGSTOP);
	nanosleep(&stop, NULL);
	kill(pid, SIGCONT);
	/* The server answers the next probes. */
	for (int i = 0; i < 3; i++) {
		fd = client_accept();
		assert_true(read(fd, world.request, sizeof(world.request)) > 0);
		assert_int_equal(write(fd, answer, sizeof(answer) - 1), sizeof(answer) - 1);
		assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
		close(fd);
	}
	close(silent);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

/* -- command -------------------------------------------------------------------------- */

/* Root alone may own a command. valgrind 3.19 has no pidfd_open(2). */
static bool
commands_testable(void)
{
	int fd = pidfd_open(getpid(), 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0 && geteuid() == 0;
}

static void
command_write(const char *name, const char *text, mode_t mode)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", world.dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", text);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
commands_judge_by_exit_status_and_rules(void **state)
{
	static const struct {
		const char		*name, *text;
		mode_t			 mode;
		enum check_state	 after;
		const char		*message;
	} rows[] = {
		{ "good", "test $1-$3-$4-$LBCLUSTER_REAL = 127.0.0.1-192.0.2.1-80-web-1", 0755,
		  CHECK_UP, "" },
		{ "bad", "echo queue full; echo more; exit 1", 0755, CHECK_DOWN,
		  "command bad: exit 1: queue full" },
		{ "dirty", "printf '\\033[1mx'; exit 2", 0755, CHECK_DOWN,
		  "command dirty: exit 2: ?[1mx" },
		{ "killed", "kill -9 $$", 0755, CHECK_DOWN, "command killed: signal 9" },
		{ "loud", "dd if=/dev/zero bs=64k count=9 2>/dev/null; exit 3", 0755, CHECK_DOWN,
		  "command loud: exit 3" },
		{ "slow", "sleep 1000", 0755, CHECK_DOWN,
		  "command slow: no answer within 0.250 s" },
		{ "open", "exit 0", 0775, CHECK_DOWN, "only root may own and write it" },
		{ "link", NULL, 0, CHECK_DOWN, "is not a regular file" },
		{ "other", "exit 0", 0755, CHECK_DOWN, "only root may own and write it" },
		{ "none", NULL, 0, CHECK_DOWN, "No such file or directory" },
	};
	char path[128];

	(void)state;
	if (!commands_testable())
		skip();
	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct check_spec spec = spec_of(CHECK_COMMAND);
		struct check_result result;

		if (rows[i].text != NULL)
			command_write(rows[i].name, rows[i].text, rows[i].mode);
		snprintf(path, sizeof(path), "%s/%s", world.dir, rows[i].name);
		if (strcmp(rows[i].name, "link") == 0)
			assert_int_equal(symlink("/bin/true", path), 0);
		if (strcmp(rows[i].name, "other") == 0)
			assert_int_equal(chown(path, 1, 0), 0);
		if (strcmp(rows[i].name, "slow") == 0)
			spec.timeout_ms = 250;
		spec.text[CHECK_FILE] = rows[i].name;
		spec.text[CHECK_SERVICE_ADDRESS] = "192.0.2.1";
		spec.service_port = 80;
		spec.text[CHECK_REAL_NAME] = "web-1";
		check_set(1 + i, &spec);
		run_until_changes(1);
		assert_true(checks_result(world.checks, 1 + i, &result));
		if (strncmp(rows[i].message, "command", 7) == 0 || rows[i].message[0] == '\0')
			assert_string_equal(result.message, rows[i].message);
		else
			assert_non_null(strstr(result.message, rows[i].message));
		assert_int_equal(result.state, rows[i].after);
		checks_remove(world.checks, 1 + i);
	}
}

static void
command_set(uint32_t id, const char *name, const char *text, uint32_t timeout_ms)
{
	struct check_spec spec = spec_of(CHECK_COMMAND);

	if (text != NULL)
		command_write(name, text, 0755);
	spec.text[CHECK_FILE] = name;
	spec.timeout_ms = timeout_ms;
	spec.interval_ms = spec.retry_ms = 600000;
	check_set(id, &spec);
}

/* Reads the number that a command wrote to the file "pid" in its working directory. */
static pid_t
pid_of_file(void)
{
	char path[128];
	FILE *file;
	int pid = 0;

	snprintf(path, sizeof(path), "%s/pid", world.dir);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	return pid;
}

/* True if no process of the group runs. A process that ended is a zombie until init reaps it. */
static bool
group_ended(void *arg)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	bool ended = true;

	assert_non_null(dir);
	while (ended && (entry = readdir(dir)) != NULL) {
		char path[300], line[512] = "", state = 'Z';
		const char *rest;
		int group = 0;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "r");
		if (file == NULL)
			continue;
		if (fgets(line, sizeof(line), file) != NULL &&
		    (rest = strrchr(line, ')')) != NULL &&
		    sscanf(rest, ") %c %*d %d", &state, &group) == 2)
			ended = group != *(pid_t *)arg || state == 'Z' || state == 'X';
		fclose(file);
	}
	closedir(dir);
	return ended;
}

static void
commands_end_with_their_children(void **state)
{
	static const struct {
		const char		*name, *text;
		enum check_state	 after;
		const char		*message;
	} rows[] = {
		{ "stays", "echo $$ >pid; sleep 1000 & exit 0", CHECK_UP, "" },
		{ "bomb", "echo $$ >pid; while :; do sleep 1000 & done", CHECK_DOWN,
		  "command bomb: no answer within 1.000 s" },
		{ "endless", "echo $$ >pid; exec yes", CHECK_DOWN,
		  "command endless: no answer within 1.000 s" },
	};

	(void)state;
	if (!commands_testable())
		skip();
	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pid_t group;

		command_set(1 + i, rows[i].name, rows[i].text, 1000);
		run_until_changes(1);
		assert_result(1 + i, rows[i].after, rows[i].message);
		group = pid_of_file();
		run_until(group_ended, &group);
	}
}

static void
commands_get_no_descriptor_and_no_environment(void **state)
{
	struct check_spec spec = spec_of(CHECK_CONNECT);

	(void)state;
	if (!commands_testable())
		skip();
	server_listen();
	check_set(1, &spec);
	run_until_changes(1);
	setenv("LBCLUSTER_SECRET", "x", 1);
	command_set(2, "inherits", "ls -l /proc/self/fd | grep -E 'socket:|anon_inode:' && exit 1\n"
	    "env | grep SECRET && exit 1\nexit 0", 5000);
	run_until_changes(1);
	unsetenv("LBCLUSTER_SECRET");
	assert_result(2, CHECK_UP, "");
}

/* A user with an ambient capability, as the driver is under systemd. */
static bool
capability_raise(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct caps[2] = { {
		.effective = 1u << CAP_NET_ADMIN, .permitted = 1u << CAP_NET_ADMIN,
		.inheritable = 1u << CAP_NET_ADMIN,
	} };

	return chmod(world.dir, 0755) == 0 && setgroups(0, NULL) == 0 &&
	    prctl(PR_SET_KEEPCAPS, 1) == 0 && setresgid(65534, 65534, 65534) == 0 &&
	    setresuid(65534, 65534, 65534) == 0 && syscall(SYS_capset, &header, caps) == 0 &&
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) == 0;
}

static _Noreturn void
capability_main(void)
{
	struct check_result result;
	struct loop *loop = loop_new();

	if (!capability_raise())
		_exit(77);
	world.loop = loop;
	world.changes = 0;
	checks_open();
	command_set(1, "caps", NULL, 5000);
	run_until_changes(1);
	checks_result(world.checks, 1, &result);
	if (result.state != CHECK_UP)
		fprintf(stderr, "%s\n", result.message);
	_exit(result.state == CHECK_UP ? 0 : 1);
}

static void
commands_get_no_capability(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (!commands_testable())
		skip();
	command_write("caps", "grep -E '^Cap(Prm|Eff|Amb):.*[1-9a-f]' /proc/self/status && exit 1\n"
	    "exit 0", 0755);
	pid = fork();
	if (pid == 0)
		capability_main();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();		/* a container without CAP_NET_ADMIN */
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* -- a machine without descriptors ------------------------------------------------------------ */

static bool
message_is(void *arg)
{
	struct check_result result;
	const char *const *row = arg;

	assert_true(checks_result(world.checks, (uint32_t)(row[0][0] - '0'), &result));
	return strcmp(result.message, row[1]) == 0;
}

static void
a_machine_without_descriptors_fails_no_server(void **state)
{
	static const char *rows[][2] = {
		{ "1", "not checked: http: Too many open files" },
		{ "2", "not checked: connect: Too many open files" },
		{ "3", "not checked: command good: Too many open files" },
	};
	static const enum check_state states[] = { CHECK_UP, CHECK_UNKNOWN, CHECK_UNKNOWN };
	struct check_spec http = spec_of(CHECK_HTTP), connect = spec_of(CHECK_CONNECT);
	size_t n = commands_testable() ? 3 : 2;
	struct rlimit limit, none;
	int next;

	(void)state;
	server_listen();
	world.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	http.fall = 1;
	check_set(1, &http);
	run_until_changes(1);
	/* No new number of a descriptor is below the limit. */
	next = dup(world.listener);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ (rlim_t)next, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	check_set(2, &connect);
	if (n == 3) {
		struct check_spec command = spec_of(CHECK_COMMAND);

		command.text[CHECK_FILE] = "good";
		check_set(3, &command);
	}
	for (size_t i = 0; i < n; i++) {
		run_until(message_is, rows[i]);
		assert_result((uint32_t)i + 1, states[i], rows[i][1]);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	close(next);
	run_until_changes((unsigned int)n - 1);
	run_until(message_is, ((const char *[]){ "1", "" }));
	assert_result(1, CHECK_UP, "");
	assert_result(2, CHECK_UP, "");
}

static void
many_commands_wait_for_their_place(void **state)
{
	enum { N = 80 };

	(void)state;
	if (!commands_testable())
		skip();
	command_write("one", "exit 0", 0755);
	for (uint32_t id = 1; id <= N; id++) {
		struct check_spec spec = spec_of(CHECK_COMMAND);

		spec.interval_ms = 600000;
		spec.text[CHECK_FILE] = "one";
		spec.port = (uint16_t)id;
		check_set(id, &spec);
	}
	run_until_changes(N);
	for (uint32_t id = 1; id <= N; id++)
		assert_result(id, CHECK_UP, "");
}

static void
invalid_specifications_are_refused(void **state)
{
	static const struct {
		enum check_kind	 kind;
		enum check_text	 text;
		const char	*value, *message;
	} rows[] = {
		{ CHECK_CONNECT, CHECK_ADDRESS, "localhost", "address \"localhost\" is not an IPv4 "
		    "or IPv6 address; set check-address" },
		{ CHECK_HTTP, CHECK_PATH, "health", "path \"health\" does not begin with / or has "
		    "a character that a URL cannot have" },
		{ CHECK_HTTP, CHECK_PATH, "/a b", "path \"/a b\" does not begin with / or has a "
		    "character that a URL cannot have" },
		{ CHECK_HTTP, CHECK_HOST, "user@host", "host \"user@host\" is not a host name or "
		    "an address" },
		{ CHECK_HTTP, CHECK_HOST, "host/path", "host \"host/path\" is not a host name or "
		    "an address" },
		{ CHECK_COMMAND, CHECK_FILE, NULL, "command \"\" is not the name of a file" },
		{ CHECK_COMMAND, CHECK_FILE, "../true", "command \"../true\" is not the name of a "
		    "file" },
		{ CHECK_COMMAND, CHECK_FILE, "a/b", "command \"a/b\" is not the name of a file" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct check_spec spec = spec_of(rows[i].kind);
		struct err err;

		spec.text[rows[i].text] = rows[i].value;
		assert_int_equal(checks_set(world.checks, 1, &spec, false, &err), ERR_INVALID);
		assert_string_equal(err.text, rows[i].message);
	}
	assert_false(checks_result(world.checks, 1, &(struct check_result){ 0 }));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(connect_reports_a_server_that_refuses),
		TEST(connect_reports_a_server_that_does_not_answer),
		TEST(connect_accepts_a_server_that_resets_at_once),
		TEST(at_most_500_sockets_are_open),
		TEST(equal_checks_are_one_probe),
		TEST(http_judges_status_and_text),
		TEST(http_sends_the_host_and_the_path),
		TEST(http_reports_a_refusal_and_a_reset),
		TEST(http_ends_a_server_that_drips_at_the_time_out),
		TEST(http_reports_a_server_that_closes_at_once),
		TEST(http_uses_no_proxy_of_the_environment),
		TEST(https_judges_the_certificate_if_it_verifies),
		TEST(a_stopped_process_fails_no_server),
		TEST(a_process_that_is_stopped_in_a_turn_fails_no_server),
		TEST(a_stopped_program_fails_no_server),
		TEST(commands_judge_by_exit_status_and_rules),
		TEST(commands_end_with_their_children),
		TEST(commands_get_no_descriptor_and_no_environment),
		TEST(commands_get_no_capability),
		TEST(a_machine_without_descriptors_fails_no_server),
		TEST(many_commands_wait_for_their_place),
		TEST(invalid_specifications_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
