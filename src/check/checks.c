/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "check/checks.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <unistd.h>

#include "check/check_file.h"
#include "check/check_private.h"
#include "check/due_heap.h"
#include "check/verdict.h"
#include "util/clock.h"
#include "util/idmap.h"
#include "util/loop.h"
#include "util/memory.h"
#include "util/text.h"

enum {
	SOCKETS_MAX = 500,
	COMMANDS_MAX = 32,
	TURN_EVENTS = 1000,	/* handled before the loop serves its other descriptors */
	TURN_STARTS = 100,
	GRAIN_MS = 10,		/* probes begin and end at multiples of this */
	HEARTBEAT_MS = 100,	/* while a probe runs, to notice that the loop was away */
	FREE_TRIES = 20, FREE_WAIT_MS = 100,
};

static const unsigned int pool_max[CHECK_POOLS] = {
	[CHECK_POOL_SOCKETS] = SOCKETS_MAX,
	[CHECK_POOL_COMMANDS] = COMMANDS_MAX,
};

struct reader {
	uint32_t		 id;
	enum check_state	 state;		/* that of the probe, or up by assumption */
	struct probe		*probe;
	LIST_ENTRY(reader)	 link;		/* of the probe */
	LIST_ENTRY(reader)	 set_link;
};

struct probe {
	struct due_item		 due;	/* first: of the next start, or of the deadline */
	struct check_run	 run;
	struct checks		*checks;
	LIST_HEAD(, reader)	 readers;
	uint32_t		 hash;
	bool			 waits;		/* for a place among those that run */
	bool			 undecided;	/* this machine could not run the last probe */
	struct verdict		 verdict;
	char			*failure;	/* of the last run that was not good, or NULL */
	int64_t			 since_s, started_ms;
	int64_t			 away_ms;	/* checks->away_ms when the probe started */
	TAILQ_ENTRY(probe)	 link;		/* of those that wait */
};

struct checks {
	struct loop		*loop;
	const struct check_ops	*const *kinds;
	struct loop_timer	 timer;
	checks_changed_fn	 changed;
	void			*arg;
	struct check_io		 io;
	struct idmap		 by_id;		/* readers */
	LIST_HEAD(, reader)	 readers;
	struct idmap		 by_hash;	/* probes */
	size_t			 n_probes, n_running;
	struct due_heap		 heap;
	TAILQ_HEAD(, probe)	 waiting[CHECK_POOLS];
	int64_t			 expected_ms;	/* when the timer is due; 0: no timer */
	int64_t			 away_ms;	/* how long the loop was away, in all */
};

/* -- one probe ------------------------------------------------------------------------ */

static const struct check_ops *
ops_of(const struct probe *probe)
{
	return probe->checks->kinds[probe->run.spec->kind];
}

static struct probe *
probe_of_run(struct check_run *run)
{
	return (struct probe *)((char *)run - offsetof(struct probe, run));
}

static void
due_set(struct probe *probe, int64_t at_ms)
{
	due_heap_set(&probe->checks->heap, &probe->due,
	    (at_ms + GRAIN_MS - 1) / GRAIN_MS * GRAIN_MS);
}

/* Keeps the message of a run that was not good, "command NAME: " or "KIND: " before it. Without
 * memory the message before it stays. */
static void
failure_keep(struct probe *probe)
{
	const struct check_spec *spec = probe->run.spec;
	char text[CHECK_MESSAGE_SIZE];

	snprintf(text, sizeof(text), "%s%s%.64s: %.170s", ops_of(probe)->name,
	    spec->kind == CHECK_COMMAND ? " " : "", spec->text[CHECK_FILE],
	    probe->checks->io.message);
	if (!memory_string_assign(&probe->failure, text_clean(text, '?')))
		return;
}

/* Returns the state that a reader has after it had 'before'. A reader that is up stays up until
 * its probe has failed 'fall' times in a row. The verdict of a probe without an earlier success
 * is down after one failure. */
static enum check_state
reader_state(enum check_state before, const struct probe *probe)
{
	return before == CHECK_UP && probe->verdict.bad < probe->run.spec->fall ? CHECK_UP :
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
on_done(struct check_run *run, enum check_outcome outcome)
{
	struct probe *probe = probe_of_run(run);
	int64_t now = clock_steady_ms();
	struct reader *reader;

	probe->checks->n_running--;
	probe->undecided = outcome == CHECK_UNDECIDED;
	if (outcome != CHECK_GOOD)
		failure_keep(probe);
	if (outcome == CHECK_UNDECIDED) {
		due_set(probe, now + run->spec->retry_ms);
		return;
	}
	if (verdict_add(&probe->verdict, run->spec, outcome == CHECK_GOOD, now))
		probe->since_s = clock_wall_s();
	LIST_FOREACH(reader, &probe->readers, link)
		reader_update(reader);
	due_set(probe, verdict_next_ms(&probe->verdict, run->spec, probe->hash,
	    probe->started_ms));
}

static void
probe_start(struct probe *probe, int64_t now)
{
	probe->started_ms = now;
	probe->away_ms = probe->checks->away_ms;
	probe->checks->n_running++;
	due_set(probe, now + probe->run.spec->timeout_ms);
	ops_of(probe)->start(&probe->run);
}

static bool
is_running(const struct probe *probe)
{
	return probe->run.state != NULL;
}

static void
probe_cancel(struct probe *probe)
{
	ops_of(probe)->cancel(&probe->run);
	probe->checks->n_running--;
}

static void
probe_expire(struct probe *probe, int64_t now)
{
	uint32_t timeout_ms = probe->run.spec->timeout_ms;
	int64_t away_ms = probe->checks->away_ms - probe->away_ms;

	/* The server had less than the whole timeout if the loop was away. */
	if (2 * away_ms >= (int64_t)timeout_ms) {
		probe_cancel(probe);
		due_set(probe, now);
		return;
	}
	ops_of(probe)->cancel(&probe->run);
	snprintf(probe->checks->io.message, sizeof(probe->checks->io.message),
	    "no answer within %u.%03u s", timeout_ms / 1000, timeout_ms % 1000);
	on_done(&probe->run, CHECK_BAD);
}

/* -- a turn of the loop --------------------------------------------------------------- */

/* Notes that the loop did not handle answers from 'from_ms' to 'to_ms'. The process may be stopped
 * at any place. */
static void
away_note(struct checks *checks, int64_t from_ms, int64_t to_ms)
{
	if (to_ms - from_ms >= GRAIN_MS)
		checks->away_ms += to_ms - from_ms;
}

static bool
pool_has_room(const struct checks *checks, enum check_pool pool)
{
	return checks->io.open[pool] < pool_max[pool];
}

static void
due_handle(struct checks *checks, int64_t now)
{
	for (int n = 0; n < TURN_STARTS; n++) {
		struct probe *probe = (struct probe *)due_heap_first(&checks->heap);

		if (probe == NULL || probe->due.at_ms > now)
			return;
		if (is_running(probe)) {
			probe_expire(probe, now);
		} else if (pool_has_room(checks, ops_of(probe)->pool)) {
			probe_start(probe, now);
		} else {
			due_heap_remove(&checks->heap, &probe->due);
			probe->waits = true;
			TAILQ_INSERT_TAIL(&checks->waiting[ops_of(probe)->pool], probe, link);
		}
	}
}

static void
waiting_remove(struct probe *probe)
{
	TAILQ_REMOVE(&probe->checks->waiting[ops_of(probe)->pool], probe, link);
	probe->waits = false;
}

static void
waiting_start(struct checks *checks, int64_t now)
{
	for (enum check_pool pool = 0; pool < CHECK_POOLS; pool++)
		for (int n = 0; n < TURN_STARTS && pool_has_room(checks, pool); n++) {
			struct probe *probe = TAILQ_FIRST(&checks->waiting[pool]);

			if (probe == NULL)
				break;
			waiting_remove(probe);
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
	if (checks->n_running > 0 && now + HEARTBEAT_MS < at)
		at = now + HEARTBEAT_MS;
	for (enum check_pool pool = 0; pool < CHECK_POOLS; pool++)
		if (!TAILQ_EMPTY(&checks->waiting[pool]) && pool_has_room(checks, pool))
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
	int64_t now = clock_steady_ms(), end;
	int handled = 0, n;

	if (checks->expected_ms != 0)
		away_note(checks, checks->expected_ms, now);
	while (handled < TURN_EVENTS && (n = check_dispatch(&checks->io, 0)) > 0)
		handled += n;
	due_handle(checks, now);
	waiting_start(checks, now);
	if (checks->io.multi_due_ms >= 0 && checks->io.multi_due_ms <= clock_steady_ms())
		checks->io.multi_timers(&checks->io);
	end = clock_steady_ms();
	away_note(checks, now, end);
	timer_set(checks, end);
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

/* -- probes and their readers --------------------------------------------------------- */

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
	probe->checks = checks;
	probe->hash = hash;
	probe->run.io = &checks->io;
	probe->run.spec = check_spec_copy(spec);
	/* Two specifications with one hash are possible: the later probe is not shared. */
	if (probe->run.spec == NULL || (idmap_get(&checks->by_hash, hash) == NULL &&
	    !idmap_put(&checks->by_hash, hash, probe))) {
		free(probe->run.spec);
		free(probe);
		return NULL;
	}
	checks->n_probes++;
	due_set(probe, verdict_first_ms(spec, hash, now));
	if (checks->expected_ms == 0 || probe->due.at_ms < checks->expected_ms)
		timer_set(checks, now);
	return probe;
}

static void
probe_free(struct probe *probe)
{
	struct checks *checks = probe->checks;

	if (is_running(probe))
		probe_cancel(probe);
	if (probe->waits)
		waiting_remove(probe);
	due_heap_remove(&checks->heap, &probe->due);
	if (idmap_get(&checks->by_hash, probe->hash) == probe)
		idmap_remove(&checks->by_hash, probe->hash);
	checks->n_probes--;
	free(probe->failure);
	free(probe->run.spec);
	free(probe);
}

static void
reader_detach(struct reader *reader)
{
	struct probe *probe = reader->probe;

	LIST_REMOVE(reader, link);
	if (LIST_EMPTY(&probe->readers))
		probe_free(probe);
}

/* NULL without memory. */
static struct reader *
reader_new(struct checks *checks, uint32_t id)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (reader == NULL || !idmap_put(&checks->by_id, id, reader)) {
		free(reader);
		return NULL;
	}
	reader->id = id;
	LIST_INSERT_HEAD(&checks->readers, reader, set_link);
	return reader;
}

static void
reader_free(struct checks *checks, struct reader *reader)
{
	idmap_remove(&checks->by_id, reader->id);
	LIST_REMOVE(reader, set_link);
	if (reader->probe != NULL)
		reader_detach(reader);
	free(reader);
}

enum err_code
checks_set(struct checks *checks, uint32_t id, const struct check_spec *spec, bool assume_up,
    struct err *err)
{
	enum err_code code = check_spec_validate(spec, err);
	struct reader *reader;
	struct check_spec normal;
	struct probe *probe;
	uint32_t hash;

	if (code != ERR_OK)
		return code;
	check_spec_normalize(spec, &normal);
	reader = idmap_get(&checks->by_id, id);
	if (reader != NULL && check_spec_equal(reader->probe->run.spec, &normal))
		return ERR_OK;
	if (reader == NULL && (reader = reader_new(checks, id)) == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	hash = check_spec_hash(&normal);
	probe = idmap_get(&checks->by_hash, hash);
	if (probe == NULL || !check_spec_equal(probe->run.spec, &normal))
		probe = probe_new(checks, &normal, hash);
	if (probe == NULL) {
		if (reader->probe == NULL)
			reader_free(checks, reader);
		return err_set(err, ERR_NOMEM, "out of memory");
	}
	if (reader->probe != NULL)
		reader_detach(reader);
	reader->probe = probe;
	reader->state = reader_state(assume_up ? CHECK_UP : CHECK_UNKNOWN, probe);
	LIST_INSERT_HEAD(&probe->readers, reader, link);
	return ERR_OK;
}

void
checks_remove(struct checks *checks, uint32_t id)
{
	struct reader *reader = idmap_get(&checks->by_id, id);

	if (reader != NULL)
		reader_free(checks, reader);
}

/* -- results -------------------------------------------------------------------------- */

static void
down_message(const struct probe *probe, struct check_result *ret)
{
	unsigned int downs = verdict_downs(&probe->verdict, clock_steady_ms());

	if (probe->verdict.good == 0)
		snprintf(ret->message, sizeof(ret->message), "%s",
		    probe->failure != NULL ? probe->failure : "down");
	else if (probe->verdict.rise > probe->run.spec->rise)
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
	const struct reader *reader = idmap_get(&checks->by_id, id);
	const struct probe *probe;

	if (reader == NULL)
		return false;
	probe = reader->probe;
	ret->state = reader->state;
	ret->since_s = probe->since_s;
	ret->message[0] = '\0';
	if (probe->undecided)
		snprintf(ret->message, sizeof(ret->message), "not checked: %.240s",
		    probe->failure != NULL ? probe->failure : "out of memory");
	else if (probe->verdict.state == CHECK_UNKNOWN)
		snprintf(ret->message, sizeof(ret->message), "not checked yet");
	else if (reader->state == CHECK_DOWN)
		down_message(probe, ret);
	return true;
}

/* -- the set -------------------------------------------------------------------------- */

enum err_code
checks_new(struct loop *loop, const struct check_ops *const *kinds, const char *command_dir,
    checks_changed_fn changed, void *arg, struct checks **ret, struct err *err)
{
	struct checks *checks = calloc(1, sizeof(*checks));

	if (checks == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	checks->loop = loop;
	checks->kinds = kinds;
	checks->changed = changed;
	checks->arg = arg;
	checks->io.done = on_done;
	checks->io.multi_due_ms = -1;
	for (enum check_pool pool = 0; pool < CHECK_POOLS; pool++)
		TAILQ_INIT(&checks->waiting[pool]);
	checks->io.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (checks->io.epoll < 0) {
		enum err_code code = err_set(err, err_of_errno(errno), "epoll: %s",
		    strerror(errno));

		free(checks);
		return code;
	}
	if (!memory_string_assign(&checks->io.command_dir, command_dir != NULL ? command_dir :
	    CHECK_FILE_DIR) ||
	    !loop_fd_watch(loop, checks->io.epoll, POLLIN, on_epoll, checks)) {
		checks_free(checks);
		return err_set(err, ERR_NOMEM, "out of memory");
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	*ret = checks;
	return ERR_OK;
}

void
checks_free(struct checks *checks)
{
	struct reader *reader;

	if (checks == NULL)
		return;
	while ((reader = LIST_FIRST(&checks->readers)) != NULL)
		reader_free(checks, reader);
	/* The commands are killed; each is reaped when its end is reported. */
	for (int n = 0; n < FREE_TRIES && checks->io.open[CHECK_POOL_COMMANDS] > 0; n++)
		check_dispatch(&checks->io, FREE_WAIT_MS);
	if (checks->io.multi != NULL)
		checks->io.multi_close(&checks->io);
	check_connect_close(&checks->io);
	loop_timer_cancel(checks->loop, &checks->timer);
	loop_fd_watch(checks->loop, checks->io.epoll, 0, NULL, NULL);
	close(checks->io.epoll);
	due_heap_done(&checks->heap);
	idmap_done(&checks->by_id);
	idmap_done(&checks->by_hash);
	free(checks->io.watches);
	free(checks->io.command_dir);
	free(checks);
}
