/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The queue and the throttle of notifications; see notify_queue.h.
 */
#include "mib/notify_queue.h"

#include <stdlib.h>

#include "util/idmap.h"

struct entry {
	struct entry		*next, *previous;
	struct cache_event	 event;		/* the latest; of a quiet one if 'changed' */
	uint32_t		 known;		/* what a manager knows: event.before or after */
	int64_t			 at_ms;		/* end of waiting, or of being quiet */
	bool			 quiet;
	bool			 changed;
};

/* The oldest first. */
struct line {
	struct entry	*first, *last;
	uint32_t	 n;
};

struct kind {
	struct idmap	entries;
	struct line	waiting, quiet;
};

struct notify {
	struct kind	kinds[EVENT_KINDS + 1];
	uint32_t	interval_s;
	uint32_t	enable;
	uint32_t	suppressed;
	uint32_t	dropped;
};

/* How a kind is told. 'once' is for events that cannot repeat; 'whole' for those told
 * once for all rows, whose number is in their values. */
static const struct trait {
	enum notify_bit	bit;
	int64_t		settle_ms;
	bool		once, whole;
} traits[] = {
	[EVENT_ACTIVE] = { .bit = NOTIFY_REAL_ACTIVE },
	[EVENT_CONFIG] = { .bit = NOTIFY_REAL_CONFIG },
	[EVENT_SERVICE] = { .bit = NOTIFY_SERVICE_STATUS, .settle_ms = NOTIFY_SETTLE_MS },
	[EVENT_JOB_END] = { .bit = NOTIFY_JOB_FINISHED, .once = true },
	[EVENT_STALE] = { .bit = NOTIFY_STATS, .settle_ms = NOTIFY_SETTLE_MS, .whole = true },
	[EVENT_FRESH] = { .bit = NOTIFY_STATS, .settle_ms = NOTIFY_SETTLE_MS, .whole = true },
};

static const enum cache_event_kind order[] = {
	EVENT_SERVICE, EVENT_STALE, EVENT_FRESH, EVENT_ACTIVE, EVENT_CONFIG, EVENT_JOB_END
};

/* -- lines and entries ------------------------------------------------------------- */

static void
line_add(struct line *line, struct entry *entry)
{
	entry->next = NULL;
	entry->previous = line->last;
	if (line->last != NULL)
		line->last->next = entry;
	else
		line->first = entry;
	line->last = entry;
	line->n++;
}

static void
line_remove(struct line *line, struct entry *entry)
{
	if (entry->previous != NULL)
		entry->previous->next = entry->next;
	else
		line->first = entry->next;
	if (entry->next != NULL)
		entry->next->previous = entry->previous;
	else
		line->last = entry->previous;
	line->n--;
}

/* The id of an entry: all rows are one where an event stands for all. */
static uint32_t
entry_id(const struct cache_event *event)
{
	return traits[event->kind].whole ? 1 : event->id;
}

static void
entry_free(struct kind *kind, struct entry *entry)
{
	line_remove(entry->quiet ? &kind->quiet : &kind->waiting, entry);
	idmap_remove(&kind->entries, entry_id(&entry->event));
	free(entry);
}

static void
kind_clear(struct kind *kind)
{
	while (kind->waiting.first != NULL)
		entry_free(kind, kind->waiting.first);
	while (kind->quiet.first != NULL)
		entry_free(kind, kind->quiet.first);
	idmap_done(&kind->entries);
}

static void
drop(struct notify *notify)
{
	notify->suppressed++;
	notify->dropped++;
}

/* -- events ------------------------------------------------------------------------ */

static void
entry_add(struct notify *notify, const struct cache_event *event, int64_t now_ms)
{
	struct kind *kind = &notify->kinds[event->kind];
	struct entry *entry = NULL;

	if (kind->waiting.n < NOTIFY_WAITING_MAX)
		entry = calloc(1, sizeof(*entry));
	if (entry == NULL || !idmap_put(&kind->entries, entry_id(event), entry)) {
		free(entry);
		drop(notify);
		return;
	}
	entry->event = *event;
	entry->known = event->before;
	entry->at_ms = now_ms + traits[event->kind].settle_ms;
	line_add(&kind->waiting, entry);
}

/* One for the first row, with the latest number of rows. */
static void
entry_update(struct notify *notify, struct entry *entry, const struct cache_event *event)
{
	bool first = !entry->quiet || entry->changed;

	if (entry->quiet && entry->changed)
		notify->suppressed++;
	if (first && traits[event->kind].whole) {
		for (int i = 0; i < EVENT_VALUES; i++)
			entry->event.values[i] = event->values[i];
	} else {
		entry->event = *event;
	}
	entry->changed = true;
}

void
notify_event(struct notify *notify, const struct cache_event *event, int64_t now_ms)
{
	struct kind *kind = &notify->kinds[event->kind];
	struct entry *entry;

	if ((notify->enable & 1u << traits[event->kind].bit) == 0)
		return;
	entry = idmap_get(&kind->entries, entry_id(event));
	if (entry == NULL) {
		entry_add(notify, event, now_ms);
		return;
	}
	entry_update(notify, entry, event);
	if (!entry->quiet && !traits[event->kind].whole && entry->event.after == entry->known)
		entry_free(kind, entry);
}

/* -- telling ----------------------------------------------------------------------- */

/* The interval of these is over: what changed in it waits to be told if it still
 * stands. */
static void
quiet_end(struct notify *notify, struct kind *kind, int64_t now_ms)
{
	struct entry *entry;

	while ((entry = kind->quiet.first) != NULL &&
	    (entry->at_ms <= now_ms || kind->quiet.n > NOTIFY_QUIET_MAX)) {
		bool stands = entry->changed && (traits[entry->event.kind].whole ||
		    entry->event.after != entry->known);

		if (stands && kind->waiting.n < NOTIFY_WAITING_MAX) {
			line_remove(&kind->quiet, entry);
			entry->quiet = false;
			line_add(&kind->waiting, entry);
			continue;
		}
		if (stands)
			drop(notify);
		else if (entry->changed)
			notify->suppressed++;
		entry_free(kind, entry);
	}
}

static void
entry_told(struct notify *notify, struct kind *kind, struct entry *entry, int64_t now_ms)
{
	if (notify->interval_s == 0 || traits[entry->event.kind].once) {
		entry_free(kind, entry);
		return;
	}
	line_remove(&kind->waiting, entry);
	entry->known = entry->event.after;
	entry->at_ms = now_ms + (int64_t)notify->interval_s * 1000;
	entry->changed = false;
	entry->quiet = true;
	line_add(&kind->quiet, entry);
}

bool
notify_take(struct notify *notify, int64_t now_ms, struct cache_event *ret_event)
{
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		struct kind *kind = &notify->kinds[order[i]];
		struct entry *entry;

		quiet_end(notify, kind, now_ms);
		entry = kind->waiting.first;
		if (entry == NULL || entry->at_ms > now_ms)
			continue;
		*ret_event = entry->event;
		entry_told(notify, kind, entry, now_ms);
		return true;
	}
	return false;
}

/* -- the whole --------------------------------------------------------------------- */

struct notify *
notify_new(void)
{
	return calloc(1, sizeof(struct notify));
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

/* A shorter one counts from now on; rows that are quiet stay so to their end. */
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
