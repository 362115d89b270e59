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

#include "check/check_private.h"
#include "util/clock.h"
#include "util/text.h"

enum { ANSWER_MAX = 64 * 1024, URL_SIZE = CHECK_HOST_SIZE + CHECK_PATH_SIZE + 32 };

struct http_state {
	CURL			*easy;
	struct curl_slist	*connect_to;
	char			*text;		/* the body so far, if a text is expected */
	size_t			 used;		/* bytes of 'text' */
	size_t			 bytes;		/* of header and body */
	bool			 found;		/* the expected text */
	bool			 enough;	/* the rest of the answer is not needed */
	char			 error[CURL_ERROR_SIZE];
};

static const char *
kind_name(const struct check_run *run)
{
	return run->spec->kind == CHECK_HTTPS ? "https" : "http";
}

/* -- libcurl and epoll ---------------------------------------------------------------- */

static void finished_runs(struct check_io *io);

static void
on_socket_ready(struct check_watch *watch, uint32_t events)
{
	struct check_io *io = watch->arg;
	int mask = 0, running;

	if (events & EPOLLIN)
		mask |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		mask |= CURL_CSELECT_ERR;
	curl_multi_socket_action(io->multi, watch->fd, mask, &running);
	finished_runs(io);
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct check_io *io = arg;
	struct check_watch *watch = socket_arg;
	struct epoll_event event = { 0 };

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(io->epoll, EPOLL_CTL_DEL, fd, NULL);
		free(watch);
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
	    (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
	event.data.ptr = watch;
	if (watch != NULL)
		return epoll_ctl(io->epoll, EPOLL_CTL_MOD, fd, &event);
	watch = malloc(sizeof(*watch));
	if (watch == NULL)
		return -1;
	*watch = (struct check_watch){ .fn = on_socket_ready, .arg = io, .fd = fd };
	event.data.ptr = watch;
	if (epoll_ctl(io->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
		free(watch);
		return -1;
	}
	curl_multi_assign(io->multi, fd, watch);
	return 0;
}

static int
on_timeout_set(CURLM *multi, long timeout_ms, void *arg)
{
	struct check_io *io = arg;

	(void)multi;
	io->multi_due_ms = timeout_ms < 0 ? -1 : clock_steady_ms() + timeout_ms;
	return 0;
}

void
check_http_timers(struct check_io *io)
{
	int running;

	if (io->multi == NULL)
		return;
	io->multi_due_ms = -1;
	curl_multi_socket_action(io->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finished_runs(io);
}

static bool
multi_open(struct check_io *io)
{
	if (io->multi != NULL)
		return true;
	io->multi = curl_multi_init();
	if (io->multi == NULL)
		return false;
	curl_multi_setopt(io->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(io->multi, CURLMOPT_SOCKETDATA, io);
	curl_multi_setopt(io->multi, CURLMOPT_TIMERFUNCTION, on_timeout_set);
	curl_multi_setopt(io->multi, CURLMOPT_TIMERDATA, io);
	curl_multi_setopt(io->multi, CURLMOPT_MAXCONNECTS, 1L);
	return true;
}

void
check_http_close(struct check_io *io)
{
	curl_multi_cleanup(io->multi);
	io->multi = NULL;
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
		state->found = memmem(state->text, state->used, run->spec->expect,
		    strlen(run->spec->expect)) != NULL;
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

/* Writes what is wrong with the answer. True if nothing is. */
static bool
answer_good(struct check_run *run, const struct http_state *state, CURLcode code)
{
	const struct check_spec *spec = run->spec;
	long status = 0, error = 0;

	curl_easy_getinfo(state->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(state->easy, CURLINFO_OS_ERRNO, &error);
	if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && state->enough)) {
		const char *text = state->error[0] != '\0' ? state->error :
		    curl_easy_strerror(code);

		if (state->bytes > ANSWER_MAX)
			text = "the header is longer than 64 KB";
		else if (error != 0 && code == CURLE_COULDNT_CONNECT)
			text = strerror((int)error);
		snprintf(run->message, sizeof(run->message), "%s: %.200s", kind_name(run),
		    text);
		return false;
	}
	if (!status_good(spec, status)) {
		snprintf(run->message, sizeof(run->message), "%s: status %ld", kind_name(run),
		    status);
		return false;
	}
	if (spec->expect[0] != '\0' && !state->found) {
		snprintf(run->message, sizeof(run->message),
		    "%s: the answer does not contain \"%.150s\"", kind_name(run), spec->expect);
		return false;
	}
	return true;
}

static void
finished_runs(struct check_io *io)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(io->multi, &left)) != NULL) {
		struct check_run *run = NULL;
		bool good;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&run);
		good = answer_good(run, run->state, msg->data.result);
		text_clean(run->message, '?');
		http_cancel(run);
		io->done(run, good);
	}
}

/* The URL has the host of the specification without a port, so the Host field has none either.
 * CURLOPT_CONNECT_TO then names the server. */
static void
url_write(const struct check_spec *spec, const char *kind, char url[URL_SIZE])
{
	bool v6 = strchr(spec->address, ':') != NULL;

	if (spec->host[0] != '\0')
		snprintf(url, URL_SIZE, "%s://%s%s", kind, spec->host, spec->path);
	else
		snprintf(url, URL_SIZE, v6 ? "%s://[%s]:%u%s" : "%s://%s:%u%s", kind,
		    spec->address, spec->port, spec->path);
}

static bool
easy_prepare(struct check_run *run, struct http_state *state)
{
	const struct check_spec *spec = run->spec;
	bool v6 = strchr(spec->address, ':') != NULL;
	char url[URL_SIZE], to[CHECK_ADDRESS_SIZE + 16];
	CURL *easy = state->easy;

	url_write(spec, kind_name(run), url);
	snprintf(to, sizeof(to), v6 ? "::[%s]:%u" : "::%s:%u", spec->address, spec->port);
	state->connect_to = curl_slist_append(NULL, to);
	if (state->connect_to == NULL ||
	    curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_USERAGENT, "lbcluster") != CURLE_OK)
		return false;
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, state->connect_to);
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
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, run);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, run);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, state->error);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, run);
	return true;
}

static enum check_started
http_start(struct check_run *run)
{
	struct http_state *state = calloc(1, sizeof(*state));

	if (state == NULL || !multi_open(run->io))
		goto fail;
	state->easy = curl_easy_init();
	if (state->easy == NULL || !easy_prepare(run, state))
		goto fail;
	if (run->spec->expect[0] != '\0' && (state->text = malloc(ANSWER_MAX)) == NULL)
		goto fail;
	run->state = state;
	if (curl_multi_add_handle(run->io->multi, state->easy) != CURLM_OK)
		goto fail;
	run->io->open[CHECK_POOL_SOCKETS]++;
	return CHECK_STARTED;
fail:
	run->state = NULL;
	if (state != NULL) {
		curl_easy_cleanup(state->easy);
		curl_slist_free_all(state->connect_to);
		free(state->text);
		free(state);
	}
	snprintf(run->message, sizeof(run->message), "%s: %s", kind_name(run), strerror(ENOMEM));
	return CHECK_NOT_STARTED;
}

const struct check_ops check_http_ops = { "http", CHECK_POOL_SOCKETS, http_start, http_cancel };
const struct check_ops check_https_ops = { "https", CHECK_POOL_SOCKETS, http_start, http_cancel };
