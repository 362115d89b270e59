/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "check/checks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "check/check_private.h"
#include "check/due_heap.h"
#include "check/verdict.h"
#include "util/clock.h"
#include "util/idmap.h"
#include "util/loop.h"
#include "util/memory.h"

enum {
	SOCKETS_MAX = 500,
	COMMANDS_MAX = 32,
	TURN_EVENTS = 1000,	/* handled before the loop serves its other descriptors */
	TURN_STARTS = 100,
	GRAIN_MS = 10,		/* probes begin and end at multiples of this */
	HEARTBEAT_MS = 100,	/* while a probe runs, to notice that the loop was away */
	FREE_TRIES = 20, FREE_WAIT_MS = 100,
};

static const struct check_ops *const kinds[] = {
	[CHECK_CONNECT] = &check_connect_ops,
	[CHECK_HTTP] = &check_http_ops,
	[CHECK_HTTPS] = &check_https_ops,
	[CHECK_COMMAND] = &check_command_ops,
};

static const unsigned int pool_max[CHECK_POOLS] = {
	[CHECK_POOL_SOCKETS] = SOCKETS_MAX,
	[CHECK_POOL_COMMANDS] = COMMANDS_MAX,
};

struct reader {
	uint32_t	 id;
	enum check_state state;		/* that of the probe, or up by assumption */
	struct probe	*probe;
	struct reader	*next;		/* of the same probe */
};

struct probe {
	struct due_item	 due;		/* first: of the next start, or of the deadline */
	struct check_spec spec;
	struct check_run run;
	struct checks	*checks;
	struct reader	*readers;
	struct probe	*next_equal;	/* of the same hash */
	uint32_t	 hash;
	struct verdict	 verdict;
	char		*failure;	/* the message of the last failed probe; NULL: none */
	int64_t		 since_s, started_ms;
	int64_t		 away_ms;	/* how long the loop was away while the probe ran */
	uint32_t	 took_ms;
	struct probe	*next, *prev;	/* of those that run, or of those that wait for a place */
};

struct probe_list {
	struct probe	*first, *last;
};

struct checks {
	struct loop		*loop;
	struct loop_timer	 timer;
	checks_changed_fn	 changed;
	void			*arg;
	struct check_io		 io;
	struct idmap		 readers;	/* by id */
	struct idmap		 probes;	/* the first probe of each hash */
	size_t			 n_probes;
	struct due_heap		 heap;
	struct probe_list	 running, waiting[CHECK_POOLS];
	int64_t			 expected_ms;	/* when the timer is due; 0: no timer */
};

/* -- lists ---------------------------------------------------------------------------- */

static void
list_add(struct probe_list *list, struct probe *probe)
{
	probe->next = NULL;
	probe->prev = list->last;
	if (list->last != NULL)
		list->last->next = probe;
	else
		list->first = probe;
	list->last = probe;
}

static void
list_remove(struct probe_list *list, struct probe *probe)
{
	if (probe->prev != NULL)
		probe->prev->next = probe->next;
	else
		list->first = probe->next;
	if (probe->next != NULL)
		probe->next->prev = probe->prev;
	else
		list->last = probe->prev;
}

/* -- one probe ------------------------------------------------------------------------ */

static const struct check_ops *
ops_of(const struct probe *probe)
{
	return kinds[probe->spec.kind];
}

static struct probe *
probe_of_run(struct check_run *run)
{
	return (struct probe *)((char *)run - offsetof(struct probe, run));
}

static int64_t
grain(int64_t at_ms)
{
	return (at_ms + GRAIN_MS - 1) / GRAIN_MS * GRAIN_MS;
}

static void
next_plan(struct probe *probe)
{
	due_heap_set(&probe->checks->heap, &probe->due, grain(verdict_next_ms(&probe->verdict,
	    &probe->spec, probe->hash, probe->started_ms)));
}

/* Keeps the message of a failure. Without memory the message before it stays. */
static void
failure_keep(struct probe *probe)
{
	if (!memory_string_assign(&probe->failure, probe->run.message))
		return;
}

/* Returns the state that a reader has after it had 'before'. A reader that is up stays up until
 * its probe has failed 'fall' times in a row. The verdict of a probe without an earlier success
 * is down after one failure. */
static enum check_state
reader_state(enum check_state before, const struct probe *probe)
{
	return before == CHECK_UP && probe->verdict.bad < probe->spec.fall ? CHECK_UP :
	    probe->verdict.state;
}

static void
reader_update(struct reader *reader)
{
	struct checks *checks = reader->probe->checks;
	enum check_state state = reader_state(reader->state, reader->probe);

	if (state == reader->state)
		return;
	reader->state = state;
	checks->changed(checks->arg, reader->id);
}

/* check_io.done */
static void
on_done(struct check_run *run, bool good)
{
	struct probe *probe = probe_of_run(run);
	struct checks *checks = probe->checks;
	int64_t now = clock_steady_ms();

	list_remove(&checks->running, probe);
	probe->took_ms = (uint32_t)(now - probe->started_ms);
	if (!good)
		failure_keep(probe);
	if (verdict_add(&probe->verdict, &probe->spec, good, now))
		probe->since_s = clock_wall_s();
	for (struct reader *r = probe->readers; r != NULL; r = r->next)
		reader_update(r);
	next_plan(probe);
}

static void
probe_start(struct probe *probe, int64_t now)
{
	struct checks *checks = probe->checks;

	probe->started_ms = now;
	probe->away_ms = 0;
	due_heap_set(&checks->heap, &probe->due, grain(now + probe->spec.timeout_ms));
	list_add(&checks->running, probe);
	if (ops_of(probe)->start(&probe->run) == CHECK_STARTED)
		return;
	/* This machine's fault: it decides nothing. */
	list_remove(&checks->running, probe);
	failure_keep(probe);
	due_heap_set(&checks->heap, &probe->due, grain(now + probe->spec.retry_ms));
}

static bool
is_running(const struct probe *probe)
{
	return probe->run.state != NULL;
}

static void
probe_expire(struct probe *probe, int64_t now)
{
	struct checks *checks = probe->checks;

	ops_of(probe)->cancel(&probe->run);
	/* The server had less than the whole timeout if the loop was away. */
	if (2 * probe->away_ms >= (int64_t)probe->spec.timeout_ms) {
		list_remove(&checks->running, probe);
		due_heap_set(&checks->heap, &probe->due, now);
		return;
	}
	snprintf(probe->run.message, sizeof(probe->run.message),
	    "%s%s%s: no answer within %u.%03u s", ops_of(probe)->name,
	    probe->spec.kind == CHECK_COMMAND ? " " : "",
	    probe->spec.kind == CHECK_COMMAND ? probe->spec.command : "",
	    probe->spec.timeout_ms / 1000, probe->spec.timeout_ms % 1000);
	on_done(&probe->run, false);
}

/* -- a turn of the loop --------------------------------------------------------------- */

/* Notes for the probes that run how long the loop was away. */
static void
away_note(struct checks *checks, int64_t now)
{
	int64_t away = checks->expected_ms == 0 ? 0 : now - checks->expected_ms;

	if (away < GRAIN_MS)
		return;
	for (struct probe *p = checks->running.first; p != NULL; p = p->next)
		p->away_ms += away;
}

/* Handles one event at a time: a function of an event may free the watch of another. */
static void
events_handle(struct checks *checks)
{
	struct epoll_event event;

	for (int n = 0; n < TURN_EVENTS; n++) {
		struct check_watch *watch;

		if (epoll_wait(checks->io.epoll, &event, 1, 0) != 1)
			return;
		watch = event.data.ptr;
		watch->fn(watch, event.events);
	}
}

static bool
pool_has_room(const struct checks *checks, enum check_pool pool)
{
	return checks->io.open[pool] < pool_max[pool];
}

static void
due_handle(struct checks *checks, int64_t now)
{
	struct probe *probe;

	for (int n = 0; n < TURN_STARTS; n++) {
		probe = (struct probe *)due_heap_first(&checks->heap);
		if (probe == NULL || probe->due.at_ms > now)
			return;
		if (is_running(probe)) {
			probe_expire(probe, now);
		} else if (pool_has_room(checks, ops_of(probe)->pool)) {
			probe_start(probe, now);
		} else {
			due_heap_remove(&checks->heap, &probe->due);
			list_add(&checks->waiting[ops_of(probe)->pool], probe);
		}
	}
}

static void
waiting_start(struct checks *checks, int64_t now)
{
	for (enum check_pool pool = 0; pool < CHECK_POOLS; pool++)
		for (int n = 0; n < TURN_STARTS && checks->waiting[pool].first != NULL &&
		    pool_has_room(checks, pool); n++) {
			struct probe *probe = checks->waiting[pool].first;

			list_remove(&checks->waiting[pool], probe);
			probe_start(probe, now);
		}
}

static void on_timer(void *arg);

static void
timer_set(struct checks *checks, int64_t now)
{
	const struct due_item *first = due_heap_first(&checks->heap);
	int64_t at = first == NULL ? INT64_MAX : first->at_ms;

	if (checks->io.multi_due_ms >= 0 && checks->io.multi_due_ms < at)
		at = checks->io.multi_due_ms;
	if (checks->running.first != NULL && now + HEARTBEAT_MS < at)
		at = now + HEARTBEAT_MS;
	for (enum check_pool pool = 0; pool < CHECK_POOLS; pool++)
		if (checks->waiting[pool].first != NULL && pool_has_room(checks, pool))
			at = now;
	if (at == INT64_MAX) {
		loop_timer_cancel(checks->loop, &checks->timer);
		checks->expected_ms = 0;
		return;
	}
	checks->expected_ms = at < now ? now : at;
	loop_timer_set(checks->loop, &checks->timer, checks->expected_ms - now, on_timer, checks);
}

/* Answers are handled before deadlines, so that an answer which arrived counts. */
static void
turn(struct checks *checks)
{
	int64_t now = clock_steady_ms();

	away_note(checks, now);
	events_handle(checks);
	due_handle(checks, now);
	waiting_start(checks, now);
	if (checks->io.multi_due_ms >= 0 && checks->io.multi_due_ms <= clock_steady_ms())
		check_http_timers(&checks->io);
	timer_set(checks, clock_steady_ms());
}

static void
on_timer(void *arg)
{
	turn(arg);
}

static void
on_epoll(void *arg, short events)
{
	(void)events;
	turn(arg);
}

/* -- specifications ------------------------------------------------------------------- */

static bool
address_valid(const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* A host is put into a URL, where other characters have a meaning. */
static bool
host_valid(const char *host)
{
	return host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789.-_:[]")] == '\0';
}

static bool
path_valid(const char *path)
{
	if (path[0] != '/')
		return false;
	for (; *path > ' ' && *path < 0x7f; path++)
		;
	return *path == '\0';
}

static bool
command_valid(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

static enum err_code
spec_check(const struct check_spec *spec, struct err *err)
{
	if (!address_valid(spec->address))
		return err_set(err, ERR_INVALID, "address \"%s\" is not an IPv4 or IPv6 "
		    "address; set check-address",
		    spec->address);
	if (spec->interval_ms == 0 || spec->retry_ms == 0 || spec->timeout_ms == 0)
		return err_set(err, ERR_INVALID, "a time of the check is 0");
	if (spec->rise == 0 || spec->fall == 0)
		return err_set(err, ERR_INVALID, "rise or fall of the check is 0");
	if (spec->kind == CHECK_COMMAND)
		return command_valid(spec->command) ? ERR_OK : err_set(err, ERR_INVALID,
		    "command \"%s\" is not the name of a file", spec->command);
	if (spec->port == 0)
		return err_set(err, ERR_INVALID, "the check has no port; set check-port");
	if (spec->kind == CHECK_CONNECT)
		return ERR_OK;
	if (!path_valid(spec->path))
		return err_set(err, ERR_INVALID, "path \"%s\" does not begin with / or has a "
		    "space", spec->path);
	return host_valid(spec->host) ? ERR_OK : err_set(err, ERR_INVALID,
	    "host \"%s\" is not a host name or an address", spec->host);
}

/* Copies what the kind uses, all other bytes zero: equal checks are equal bytes then. */
static void
spec_normalize(const struct check_spec *from, struct check_spec *to)
{
#define COPY(member) snprintf(to->member, sizeof(to->member), "%s", from->member)
	memset(to, 0, sizeof(*to));
	to->kind = from->kind;
	COPY(address);
	to->port = from->port;
	to->interval_ms = from->interval_ms;
	to->retry_ms = from->retry_ms;
	to->timeout_ms = from->timeout_ms;
	to->rise = from->rise;
	to->fall = from->fall;
	to->damping = from->damping;
	if (from->kind == CHECK_COMMAND) {
		COPY(command);
		COPY(service_address);
		to->service_port = from->service_port;
		COPY(cluster_name);
		COPY(service_name);
		COPY(real_name);
	} else if (from->kind != CHECK_CONNECT) {
		COPY(path);
		COPY(host);
		to->method = from->method;
		memcpy(to->status, from->status, sizeof(to->status));
		COPY(expect);
		to->verify = from->verify;
	}
#undef COPY
}

/* FNV-1a with a last mixing, so that neighbouring addresses get distant places. Never 0. */
static uint32_t
spec_hash(const struct check_spec *spec)
{
	const unsigned char *bytes = (const unsigned char *)spec;
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < sizeof(*spec); i++)
		hash = (hash ^ bytes[i]) * 16777619U;
	hash = (hash ^ hash >> 16) * 0x85ebca6bU;
	hash = (hash ^ hash >> 13) * 0xc2b2ae35U;
	hash ^= hash >> 16;
	return hash == 0 ? 1 : hash;
}

/* Compares normalized specs. */
static bool
spec_equal(const struct check_spec *a, const struct check_spec *b)
{
	const unsigned char *a_bytes = (const unsigned char *)a;
	const unsigned char *b_bytes = (const unsigned char *)b;

	return memcmp(a_bytes, b_bytes, sizeof(*a)) == 0;
}

/* -- probes and their readers --------------------------------------------------------- */

static struct probe *
probe_find(const struct checks *checks, const struct check_spec *spec, uint32_t hash)
{
	struct probe *probe = idmap_get(&checks->probes, hash);

	while (probe != NULL && !spec_equal(&probe->spec, spec))
		probe = probe->next_equal;
	return probe;
}

/* NULL without memory. */
static struct probe *
probe_new(struct checks *checks, const struct check_spec *spec, uint32_t hash)
{
	struct probe *probe;
	int64_t now = clock_steady_ms();

	if (!due_heap_reserve(&checks->heap, checks->n_probes + 1))
		return NULL;
	probe = calloc(1, sizeof(*probe));
	if (probe == NULL)
		return NULL;
	memcpy(&probe->spec, spec, sizeof(*spec));
	probe->checks = checks;
	probe->hash = hash;
	probe->run.io = &checks->io;
	probe->run.spec = &probe->spec;
	probe->next_equal = idmap_get(&checks->probes, hash);
	if (!idmap_put(&checks->probes, hash, probe)) {
		free(probe);
		return NULL;
	}
	checks->n_probes++;
	due_heap_set(&checks->heap, &probe->due, grain(verdict_first_ms(spec, hash, now)));
	if (checks->expected_ms == 0 || probe->due.at_ms < checks->expected_ms)
		timer_set(checks, now);
	return probe;
}

static void
probe_free(struct probe *probe)
{
	struct checks *checks = probe->checks;
	struct probe *first = idmap_get(&checks->probes, probe->hash);

	if (is_running(probe)) {
		ops_of(probe)->cancel(&probe->run);
		list_remove(&checks->running, probe);
	} else if (probe->due.place == 0) {
		list_remove(&checks->waiting[ops_of(probe)->pool], probe);
	}
	due_heap_remove(&checks->heap, &probe->due);
	if (first != probe) {
		while (first->next_equal != probe)
			first = first->next_equal;
		first->next_equal = probe->next_equal;
	} else if (probe->next_equal == NULL) {
		idmap_remove(&checks->probes, probe->hash);
	} else if (!idmap_put(&checks->probes, probe->hash, probe->next_equal)) {
		abort();	/* replacing never fails */
	}
	checks->n_probes--;
	free(probe->failure);
	free(probe);
}

static void
reader_detach(struct reader *reader)
{
	struct reader **p = &reader->probe->readers;

	while (*p != reader)
		p = &(*p)->next;
	*p = reader->next;
	if (reader->probe->readers == NULL)
		probe_free(reader->probe);
}

static void
reader_attach(struct reader *reader, struct probe *probe, bool assume_up)
{
	reader->probe = probe;
	reader->state = reader_state(assume_up ? CHECK_UP : CHECK_UNKNOWN, probe);
	reader->next = probe->readers;
	probe->readers = reader;
}

enum err_code
checks_set(struct checks *checks, uint32_t id, const struct check_spec *spec, bool assume_up,
    struct err *err)
{
	struct reader *reader = idmap_get(&checks->readers, id), *made = NULL;
	enum err_code code = spec_check(spec, err);
	struct check_spec normal;
	struct probe *probe;
	uint32_t hash;

	if (code != ERR_OK)
		return code;
	spec_normalize(spec, &normal);
	hash = spec_hash(&normal);
	probe = probe_find(checks, &normal, hash);
	if (reader != NULL && reader->probe == probe)
		return ERR_OK;
	if (reader == NULL) {
		reader = made = calloc(1, sizeof(*made));
		if (made == NULL || !idmap_put(&checks->readers, id, made))
			goto nomem;
		made->id = id;
	}
	if (probe == NULL && (probe = probe_new(checks, &normal, hash)) == NULL)
		goto nomem;
	if (reader->probe != NULL)
		reader_detach(reader);
	reader_attach(reader, probe, assume_up);
	return ERR_OK;
nomem:
	if (made != NULL && idmap_get(&checks->readers, id) == made)
		idmap_remove(&checks->readers, id);
	free(made);
	return err_set(err, ERR_NOMEM, "out of memory");
}

void
checks_remove(struct checks *checks, uint32_t id)
{
	struct reader *reader = idmap_remove(&checks->readers, id);

	if (reader == NULL)
		return;
	reader_detach(reader);
	free(reader);
}

/* -- results -------------------------------------------------------------------------- */

static void
down_message(const struct probe *probe, struct check_result *ret)
{
	unsigned int downs = verdict_downs(&probe->verdict, clock_steady_ms());

	if (probe->verdict.good == 0)
		snprintf(ret->message, sizeof(ret->message), "%s",
		    probe->failure != NULL ? probe->failure : "down");
	else if (probe->verdict.rise > probe->spec.rise)
		snprintf(ret->message, sizeof(ret->message),
		    "down: %u of %u good checks, because it was down %u times in 10 minutes",
		    probe->verdict.good, probe->verdict.rise, downs);
	else
		snprintf(ret->message, sizeof(ret->message), "down: %u of %u good checks",
		    probe->verdict.good, probe->verdict.rise);
}

bool
checks_result(const struct checks *checks, uint32_t id, struct check_result *ret)
{
	const struct reader *reader = idmap_get(&checks->readers, id);
	const struct probe *probe;

	*ret = (struct check_result){ 0 };
	if (reader == NULL)
		return false;
	probe = reader->probe;
	ret->state = reader->state;
	ret->since_s = probe->since_s;
	ret->took_ms = probe->took_ms;
	switch (ret->state) {
	case CHECK_UP:
	case CHECK_UNKNOWN:
		if (probe->verdict.state != CHECK_UNKNOWN)
			break;
		snprintf(ret->message, sizeof(ret->message), "not checked yet%s%.200s",
		    probe->failure != NULL ? ": " : "",
		    probe->failure != NULL ? probe->failure : "");
		break;
	case CHECK_DOWN:
		down_message(probe, ret);
		break;
	}
	return true;
}

/* -- the set -------------------------------------------------------------------------- */

enum err_code
checks_new(struct loop *loop, const char *command_dir, checks_changed_fn changed, void *arg,
    struct checks **ret, struct err *err)
{
	struct checks *checks = calloc(1, sizeof(*checks));

	*ret = NULL;
	if (checks == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	checks->loop = loop;
	checks->changed = changed;
	checks->arg = arg;
	checks->io.done = on_done;
	checks->io.multi_due_ms = -1;
	checks->io.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (checks->io.epoll < 0) {
		enum err_code code = err_set(err, err_of_errno(errno), "epoll: %s",
		    strerror(errno));

		free(checks);
		return code;
	}
	if (!memory_string_assign(&checks->io.command_dir, command_dir != NULL ? command_dir :
	    LBCLUSTER_CONF_DIR "/checks.d") ||
	    !loop_fd_watch(loop, checks->io.epoll, POLLIN, on_epoll, checks)) {
		checks_free(checks);
		return err_set(err, ERR_NOMEM, "out of memory");
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	*ret = checks;
	return ERR_OK;
}

/* Removes all readers of a probe, and the probe with the last of them. */
static void
probe_drop(struct probe *probe)
{
	struct checks *checks = probe->checks;

	while (probe->readers->next != NULL)
		checks_remove(checks, probe->readers->id);
	checks_remove(checks, probe->readers->id);
}

static void
probes_free(struct checks *checks)
{
	struct due_item *first;

	for (enum check_pool pool = 0; pool < CHECK_POOLS; pool++)
		while (checks->waiting[pool].first != NULL)
			probe_drop(checks->waiting[pool].first);
	while ((first = due_heap_first(&checks->heap)) != NULL)
		probe_drop((struct probe *)first);
}

void
checks_free(struct checks *checks)
{
	struct epoll_event event;

	if (checks == NULL)
		return;
	probes_free(checks);
	/* The commands are killed; each is reaped when its end is reported. */
	for (int n = 0; n < FREE_TRIES && checks->io.open[CHECK_POOL_COMMANDS] > 0; n++)
		while (epoll_wait(checks->io.epoll, &event, 1, FREE_WAIT_MS) == 1) {
			struct check_watch *watch = event.data.ptr;

			watch->fn(watch, event.events);
			if (checks->io.open[CHECK_POOL_COMMANDS] == 0)
				break;
		}
	check_http_close(&checks->io);
	loop_timer_cancel(checks->loop, &checks->timer);
	loop_fd_watch(checks->loop, checks->io.epoll, 0, NULL, NULL);
	close(checks->io.epoll);
	due_heap_done(&checks->heap);
	idmap_done(&checks->readers);
	idmap_done(&checks->probes);
	free(checks->io.command_dir);
	free(checks);
}
