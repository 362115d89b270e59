/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Measures the CPU time of health checks: checks KIND N SECONDS PORT. Runs N checks (connect or
 * http) every 5 s against N addresses of 127.0.0.0/8. Prints the CPU time in percent of a core, the
 * number of checks that are not up, and the memory of a check in bytes. "checks server PORT" is the
 * server of all these addresses.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check/checks.h"
#include "util/loop.h"

enum { INTERVAL_MS = 5000, WARM_MS = 6000, BACKLOG = 4096, EVENTS = 64 };

/* -- the server ------------------------------------------------------------------------- */

static int
server_listen(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, BACKLOG) != 0)
		err(1, "port %u", port);
	return fd;
}

/* Answers one request of a connection, and closes it. */
static void
client_answer(int fd)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
	char request[4096];

	if (read(fd, request, sizeof(request)) > 0 && write(fd, answer, sizeof(answer) - 1) < 0)
		warn("write");
	close(fd);
}

static _Noreturn void
server_run(int listener)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = listener }, events[EVENTS];
	int epoll = epoll_create1(0), n, fd;

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0)
		err(1, "epoll");
	while ((n = epoll_wait(epoll, events, EVENTS, -1)) >= 0) {
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd != listener) {
				client_answer(events[i].data.fd);
				continue;
			}
			while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
				event.data.fd = fd;
				if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
					err(1, "epoll_ctl");
			}
		}
	}
	err(1, "epoll_wait");
}

/* -- the checks ------------------------------------------------------------------------- */

static void
on_changed(void *arg, uint32_t id)
{
	(void)arg;
	(void)id;
}

static void
on_end(void *arg)
{
	loop_stop(arg);
}

static void
run_for(struct loop *loop, int64_t ms)
{
	struct loop_timer timer = { 0 };

	loop_timer_set(loop, &timer, ms, on_end, loop);
	loop_run(loop);
}

static double
cpu_s(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static long
memory_bytes(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
		err(1, "/proc/self/statm");
	fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

static void
checks_make(struct checks *checks, enum check_kind kind, uint32_t n, uint16_t port)
{
	for (uint32_t id = 1; id <= n; id++) {
		char address[32];
		struct check_spec spec = { .kind = kind, .port = port, .status = { { 200, 399 } },
		    .interval_ms = INTERVAL_MS, .retry_ms = 1000, .timeout_ms = 2000, .rise = 2,
		    .fall = 3, .text = { [CHECK_ADDRESS] = address, [CHECK_PATH] = "/health" } };
		struct err error;

		snprintf(address, sizeof(address), "127.1.%u.%u", id / 250, id % 250 + 1);
		if (checks_set(checks, id, &spec, false, &error) != ERR_OK)
			errx(1, "%s", error.text);
	}
}

static uint32_t
count_not_up(const struct checks *checks, uint32_t n)
{
	uint32_t wrong = 0;

	for (uint32_t id = 1; id <= n; id++) {
		struct check_result result;

		wrong += !checks_result(checks, id, &result) || result.state != CHECK_UP ||
		    result.message[0] != '\0';
	}
	return wrong;
}

static void
measure(enum check_kind kind, uint32_t n, unsigned int seconds, uint16_t port)
{
	struct loop *loop = loop_new();
	struct checks *checks;
	struct err error;
	long memory = memory_bytes();
	double cpu;

	if (checks_new(loop, check_kinds, NULL, on_changed, NULL, &checks, &error) != ERR_OK)
		errx(1, "%s", error.text);
	checks_make(checks, kind, n, port);
	run_for(loop, WARM_MS);
	cpu = cpu_s();
	run_for(loop, (int64_t)seconds * 1000);
	cpu = cpu_s() - cpu;
	printf("%.3f %u %ld\n", 100 * cpu / seconds, count_not_up(checks, n),
	    (memory_bytes() - memory) / (long)n);
	checks_free(checks);
	loop_free(loop);
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "server") == 0)
		server_run(server_listen((uint16_t)atoi(argv[2])));
	if (argc != 5)
		errx(2, "usage: checks connect|http N SECONDS PORT, or checks server PORT");
	measure(strcmp(argv[1], "http") == 0 ? CHECK_HTTP : CHECK_CONNECT,
	    (uint32_t)atoi(argv[2]), (unsigned int)atoi(argv[3]), (uint16_t)atoi(argv[4]));
	return 0;
}
