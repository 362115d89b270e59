/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Checks the status and the text that a server answers over HTTP or HTTPS, with the multi
 * interface of libcurl on the room's epoll (curl_multi_socket_action(3)). Each probe has a
 * connection of its own, follows no redirect and uses no proxy.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "check/check_private.h"
#include "util/clock.h"

enum { ANSWER_MAX = 64 * 1024 };

struct http_state {
	CURL			*easy;
	struct curl_slist	*connect_to;
	char			*text;		/* the body so far, if a text is expected */
	size_t			 used;		/* bytes of 'text' */
	size_t			 bytes;		/* of header and body */
	bool			 found;		/* the expected text */
	bool			 enough;	/* the rest of the answer is not needed */
	int			 socket_errno;	/* 0: a socket was opened */
	char			 error[CURL_ERROR_SIZE];
};

/* -- libcurl and epoll ---------------------------------------------------------------- */

static void finished_runs(struct check_io *io);

static void
on_socket_ready(void *arg, int fd, uint32_t events)
{
	struct check_io *io = arg;
	int mask = 0, running;

	if (events & EPOLLIN)
		mask |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		mask |= CURL_CSELECT_ERR;
	curl_multi_socket_action(io->multi, fd, mask, &running);
	finished_runs(io);
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct check_io *io = arg;

	(void)easy;
	(void)socket_arg;
	if (what == CURL_POLL_REMOVE) {
		check_unwatch(io, fd);
		return 0;
	}
	return check_watch(io, fd, (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
	    (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0), on_socket_ready, io) ? 0 : -1;
}

static int
on_timeout_set(CURLM *multi, long timeout_ms, void *arg)
{
	struct check_io *io = arg;

	(void)multi;
	io->multi_due_ms = timeout_ms < 0 ? -1 : clock_steady_ms() + timeout_ms;
	return 0;
}

static void
timers_run(struct check_io *io)
{
	int running;

	io->multi_due_ms = -1;
	curl_multi_socket_action(io->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finished_runs(io);
}

static void
multi_close(struct check_io *io)
{
	curl_multi_cleanup(io->multi);
	io->multi = NULL;
}

static bool
multi_open(struct check_io *io)
{
	if (io->multi != NULL)
		return true;
	io->multi = curl_multi_init();
	if (io->multi == NULL)
		return false;
	io->multi_timers = timers_run;
	io->multi_close = multi_close;
	curl_multi_setopt(io->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(io->multi, CURLMOPT_SOCKETDATA, io);
	curl_multi_setopt(io->multi, CURLMOPT_TIMERFUNCTION, on_timeout_set);
	curl_multi_setopt(io->multi, CURLMOPT_TIMERDATA, io);
	curl_multi_setopt(io->multi, CURLMOPT_MAXCONNECTS, 1L);
	return true;
}

/* -- one run -------------------------------------------------------------------------- */

static void
http_cancel(struct check_run *run)
{
	struct http_state *state = run->state;

	curl_multi_remove_handle(run->io->multi, state->easy);
	curl_easy_cleanup(state->easy);
	curl_slist_free_all(state->connect_to);
	free(state->text);
	free(state);
	run->state = NULL;
	run->io->open[CHECK_POOL_SOCKETS]--;
}

/* Distinguishes a machine without sockets from a server that refuses. */
static curl_socket_t
on_socket_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	const struct check_run *run = arg;
	struct http_state *state = run->state;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    address->protocol);

	(void)purpose;
	state->socket_errno = fd < 0 ? errno : 0;
	return fd;	/* CURL_SOCKET_BAD is -1 */
}

static size_t
/* NOLINTNEXTLINE(readability-non-const-parameter): curl_write_callback of libcurl. */
on_header(char *data, size_t size, size_t n, void *arg)
{
	struct check_run *run = arg;
	struct http_state *state = run->state;

	(void)data;
	state->bytes += size * n;
	return state->bytes > ANSWER_MAX ? 0 : size * n;
}

/* Keeps the body until it has the expected text. Returns 0, which ends the transfer, as soon as the
 * result is known. */
static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct check_run *run = arg;
	struct http_state *state = run->state;
	size_t length = size * n, room = state->bytes < ANSWER_MAX ? ANSWER_MAX - state->bytes : 0;

	state->bytes += length;
	if (state->text != NULL) {
		if (room > length)
			room = length;
		memcpy(state->text + state->used, data, room);
		state->used += room;
		state->found = memmem(state->text, state->used, run->spec->text[CHECK_EXPECT],
		    strlen(run->spec->text[CHECK_EXPECT])) != NULL;
	}
	state->enough = state->text == NULL || state->found || state->bytes >= ANSWER_MAX;
	return state->enough ? 0 : length;
}

static bool
status_good(const struct check_spec *spec, long status)
{
	for (int i = 0; i < CHECK_STATUS_RANGES; i++)
		if (spec->status[i].to != 0 && status >= spec->status[i].from &&
		    status <= spec->status[i].to)
			return true;
	return false;
}

/* Judges a transfer that libcurl could not complete. */
static enum check_outcome
failure_judge(struct check_run *run, const struct http_state *state, CURLcode code)
{
	const char *text = state->error[0] != '\0' ? state->error : curl_easy_strerror(code);
	long error = 0;

	if (state->socket_errno != 0)
		error = state->socket_errno;
	else if (code == CURLE_COULDNT_CONNECT)
		curl_easy_getinfo(state->easy, CURLINFO_OS_ERRNO, &error);
	if (state->bytes > ANSWER_MAX)
		text = "the header is longer than 64 KB";
	else if (error != 0)
		text = strerror((int)error);
	snprintf(run->io->message, sizeof(run->io->message), "%s", text);
	return code == CURLE_OUT_OF_MEMORY || check_error_is_local((int)error) ?
	    CHECK_UNDECIDED : CHECK_BAD;
}

static enum check_outcome
answer_judge(struct check_run *run, const struct http_state *state, CURLcode code)
{
	const char *expect = run->spec->text[CHECK_EXPECT];
	char *message = run->io->message;
	long status = 0;

	if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && state->enough))
		return failure_judge(run, state, code);
	curl_easy_getinfo(state->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!status_good(run->spec, status)) {
		snprintf(message, CHECK_MESSAGE_SIZE, "status %ld", status);
		return CHECK_BAD;
	}
	if (expect[0] != '\0' && !state->found) {
		snprintf(message, CHECK_MESSAGE_SIZE, "the answer does not contain \"%.150s\"",
		    expect);
		return CHECK_BAD;
	}
	return CHECK_GOOD;
}

static void
finished_runs(struct check_io *io)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(io->multi, &left)) != NULL) {
		struct check_run *run = NULL;
		enum check_outcome outcome;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&run);
		outcome = answer_judge(run, run->state, msg->data.result);
		http_cancel(run);
		io->done(run, outcome);
	}
}

/* Returns the URL, for free(3); NULL without memory. It has the host of the specification without a
 * port, so the Host field has none either. CURLOPT_CONNECT_TO then names the server. */
static char *
url_of(const struct check_spec *spec)
{
	const char *address = spec->text[CHECK_ADDRESS], *host = spec->text[CHECK_HOST];
	const char *kind = spec->kind == CHECK_HTTPS ? "https" : "http";
	char *url;

	if ((host[0] != '\0' ? asprintf(&url, "%s://%s%s", kind, host, spec->text[CHECK_PATH]) :
	    asprintf(&url, strchr(address, ':') != NULL ? "%s://[%s]:%u%s" : "%s://%s:%u%s", kind,
	    address, spec->port, spec->text[CHECK_PATH])) < 0)
		return NULL;
	return url;
}

static bool
server_set(struct http_state *state, const struct check_spec *spec)
{
	const char *address = spec->text[CHECK_ADDRESS];
	char *url = url_of(spec), to[64];
	bool set = url != NULL && curl_easy_setopt(state->easy, CURLOPT_URL, url) == CURLE_OK;

	free(url);
	snprintf(to, sizeof(to), strchr(address, ':') != NULL ? "::[%s]:%u" : "::%s:%u", address,
	    spec->port);
	state->connect_to = curl_slist_append(NULL, to);
	return set && state->connect_to != NULL &&
	    curl_easy_setopt(state->easy, CURLOPT_CONNECT_TO, state->connect_to) == CURLE_OK;
}

static bool
easy_prepare(struct check_run *run, struct http_state *state)
{
	const struct check_spec *spec = run->spec;
	CURL *easy = state->easy;

	if (!server_set(state, spec) || curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_USERAGENT, "lbcluster") != CURLE_OK)
		return false;
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOBODY, spec->method == CHECK_HEAD ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, spec->verify ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, spec->verify ? 2L : 0L);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, run);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, run);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, run);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, state->error);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, run);
	return true;
}

static void
http_start(struct check_run *run)
{
	struct http_state *state = calloc(1, sizeof(*state));

	if (state == NULL || !multi_open(run->io))
		goto fail;
	state->easy = curl_easy_init();
	if (state->easy == NULL || !easy_prepare(run, state))
		goto fail;
	if (run->spec->text[CHECK_EXPECT][0] != '\0' &&
	    (state->text = malloc(ANSWER_MAX)) == NULL)
		goto fail;
	run->state = state;
	if (curl_multi_add_handle(run->io->multi, state->easy) != CURLM_OK)
		goto fail;
	run->io->open[CHECK_POOL_SOCKETS]++;
	return;
fail:
	run->state = NULL;
	if (state != NULL) {
		curl_easy_cleanup(state->easy);
		curl_slist_free_all(state->connect_to);
		free(state->text);
		free(state);
	}
	snprintf(run->io->message, sizeof(run->io->message), "%s", strerror(ENOMEM));
	run->io->done(run, CHECK_UNDECIDED);
}

const struct check_ops check_http_ops = { "http", CHECK_POOL_SOCKETS, http_start, http_cancel };
const struct check_ops check_https_ops = { "https", CHECK_POOL_SOCKETS, http_start, http_cancel };
