/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "mib/notify_queue.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "util/idmap.h"
#include "util/memory.h"

struct entry {
	TAILQ_ENTRY(entry)	 link;
	struct cache_event	 event;		/* the latest event */
	uint32_t		 known;		/* value that the manager knows */
	int64_t			 at_ms;		/* end of waiting, or of the interval */
	bool			 quiet;		/* sent; the interval is not over */
	bool			 changed;	/* quiet: 'event' is newer than what was sent */
};

TAILQ_HEAD(entry_list, entry);

/* Oldest entry first. */
struct queue {
	struct entry_list	 entries;
	uint32_t		 n;
};

struct kind {
	struct idmap		 by_id;
	struct queue		 waiting, quiet;
};

struct notify {
	struct kind		 kinds[EVENT_KINDS + 1];
	uint32_t		 interval_s;
	uint32_t		 enable;
	uint32_t		 suppressed;
	uint32_t		 dropped;
};

static const struct trait {
	enum notify_bit	bit;
	int64_t		settle_ms;
	bool		once;	/* the event of a row cannot repeat */
	bool		joint;	/* one notification for all rows, with their number */
} traits[] = {
	[EVENT_ACTIVE] = { .bit = NOTIFY_REAL_ACTIVE },
	[EVENT_CONFIG] = { .bit = NOTIFY_REAL_CONFIG },
	[EVENT_SERVICE] = { .bit = NOTIFY_SERVICE_STATUS, .settle_ms = NOTIFY_SETTLE_MS },
	[EVENT_JOB_END] = { .bit = NOTIFY_JOB_FINISHED, .once = true },
	[EVENT_STALE] = { .bit = NOTIFY_STATS, .settle_ms = NOTIFY_SETTLE_MS, .joint = true },
	[EVENT_FRESH] = { .bit = NOTIFY_STATS, .settle_ms = NOTIFY_SETTLE_MS, .joint = true },
};

static const enum cache_event_kind order[] = {
	EVENT_SERVICE, EVENT_STALE, EVENT_FRESH, EVENT_ACTIVE, EVENT_CONFIG, EVENT_JOB_END
};

/* -- queues and entries ------------------------------------------------------------ */

static void
queue_add(struct queue *queue, struct entry *entry)
{
	TAILQ_INSERT_TAIL(&queue->entries, entry, link);
	queue->n++;
}

static void
queue_remove(struct queue *queue, struct entry *entry)
{
	TAILQ_REMOVE(&queue->entries, entry, link);
	queue->n--;
}

/* Returns the id of an entry. All rows share one entry if the kind is joint. */
static uint32_t
entry_id(const struct cache_event *event)
{
	return traits[event->kind].joint ? 1 : event->id;
}

static void
entry_free(struct kind *kind, struct entry *entry)
{
	queue_remove(entry->quiet ? &kind->quiet : &kind->waiting, entry);
	idmap_remove(&kind->by_id, entry_id(&entry->event));
	free(entry);
}

static void
kind_clear(struct kind *kind)
{
	while (!TAILQ_EMPTY(&kind->waiting.entries))
		entry_free(kind, TAILQ_FIRST(&kind->waiting.entries));
	while (!TAILQ_EMPTY(&kind->quiet.entries))
		entry_free(kind, TAILQ_FIRST(&kind->quiet.entries));
	idmap_done(&kind->by_id);
}

static void
drop(struct notify *notify)
{
	notify->suppressed++;
	notify->dropped++;
}

/* -- adding ------------------------------------------------------------------------ */

static void
entry_add(struct notify *notify, const struct cache_event *event, int64_t now_ms)
{
	struct kind *kind = &notify->kinds[event->kind];
	struct entry *entry = NULL;

	if (kind->waiting.n < NOTIFY_WAITING_MAX)
		entry = calloc(1, sizeof(*entry));
	if (entry == NULL || !idmap_put(&kind->by_id, entry_id(event), entry)) {
		free(entry);
		drop(notify);
		return;
	}
	entry->event = *event;
	entry->known = event->before;
	entry->at_ms = now_ms + traits[event->kind].settle_ms;
	queue_add(&kind->waiting, entry);
}

/* Stores a further event. A joint entry keeps its first row and gets the new number of rows. */
static void
entry_update(struct notify *notify, struct entry *entry, const struct cache_event *event)
{
	bool unsent = !entry->quiet || entry->changed;

	if (entry->quiet && entry->changed)
		notify->suppressed++;
	if (unsent && traits[event->kind].joint)
		memcpy(entry->event.values, event->values, sizeof(event->values));
	else
		entry->event = *event;
	entry->changed = true;
}

void
notify_event(struct notify *notify, const struct cache_event *event, int64_t now_ms)
{
	struct kind *kind = &notify->kinds[event->kind];
	struct entry *entry;

	if ((notify->enable & 1u << traits[event->kind].bit) == 0)
		return;
	entry = idmap_get(&kind->by_id, entry_id(event));
	if (entry == NULL) {
		entry_add(notify, event, now_ms);
		return;
	}
	entry_update(notify, entry, event);
	if (!entry->quiet && !traits[event->kind].joint && entry->event.after == entry->known)
		entry_free(kind, entry);
}

/* -- taking ------------------------------------------------------------------------ */

/* Ends the interval of entries. A change during the interval waits to be sent, if the row did
 * not change back. */
static void
quiet_end(struct notify *notify, struct kind *kind, int64_t now_ms)
{
	struct entry *entry;

	while ((entry = TAILQ_FIRST(&kind->quiet.entries)) != NULL &&
	    (entry->at_ms <= now_ms || kind->quiet.n > NOTIFY_QUIET_MAX)) {
		bool send = entry->changed && (traits[entry->event.kind].joint ||
		    entry->event.after != entry->known);

		if (send && kind->waiting.n < NOTIFY_WAITING_MAX) {
			queue_remove(&kind->quiet, entry);
			entry->quiet = false;
			queue_add(&kind->waiting, entry);
			continue;
		}
		if (send)
			drop(notify);
		else if (entry->changed)
			notify->suppressed++;
		entry_free(kind, entry);
	}
}

static void
entry_sent(struct notify *notify, struct kind *kind, struct entry *entry, int64_t now_ms)
{
	if (notify->interval_s == 0 || traits[entry->event.kind].once) {
		entry_free(kind, entry);
		return;
	}
	queue_remove(&kind->waiting, entry);
	entry->known = entry->event.after;
	entry->at_ms = now_ms + (int64_t)notify->interval_s * 1000;
	entry->changed = false;
	entry->quiet = true;
	queue_add(&kind->quiet, entry);
}

bool
notify_take(struct notify *notify, int64_t now_ms, struct cache_event *ret_event)
{
	for (size_t i = 0; i < ROWS(order); i++) {
		struct kind *kind = &notify->kinds[order[i]];
		struct entry *entry;

		quiet_end(notify, kind, now_ms);
		entry = TAILQ_FIRST(&kind->waiting.entries);
		if (entry == NULL || entry->at_ms > now_ms)
			continue;
		*ret_event = entry->event;
		entry_sent(notify, kind, entry, now_ms);
		return true;
	}
	return false;
}

/* -- the queue of all kinds -------------------------------------------------------- */

struct notify *
notify_new(void)
{
	struct notify *notify = calloc(1, sizeof(*notify));

	if (notify == NULL)
		return NULL;
	for (int i = 1; i <= EVENT_KINDS; i++) {
		TAILQ_INIT(&notify->kinds[i].waiting.entries);
		TAILQ_INIT(&notify->kinds[i].quiet.entries);
	}
	return notify;
}

void
notify_free(struct notify *notify)
{
	if (notify == NULL)
		return;
	for (int i = 1; i <= EVENT_KINDS; i++)
		kind_clear(&notify->kinds[i]);
	free(notify);
}

void
notify_interval_set(struct notify *notify, uint32_t seconds)
{
	notify->interval_s = seconds;
}

uint32_t
notify_interval(const struct notify *notify)
{
	return notify->interval_s;
}

void
notify_enable_set(struct notify *notify, uint32_t enable)
{
	if (enable == notify->enable)
		return;
	notify->enable = enable;
	for (int i = 1; i <= EVENT_KINDS; i++)
		if ((enable & 1u << traits[i].bit) == 0)
			kind_clear(&notify->kinds[i]);
}

void
notify_suppress(struct notify *notify)
{
	notify->suppressed++;
}

uint32_t
notify_suppressed(const struct notify *notify)
{
	return notify->suppressed;
}

uint32_t
notify_dropped(struct notify *notify)
{
	uint32_t dropped = notify->dropped;

	for (int i = 1; i <= EVENT_KINDS; i++)
		if (notify->kinds[i].waiting.n > 0)
			return 0;
	notify->dropped = 0;
	return dropped;
}
