/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Which event is told, and when: a bounded queue with a throttle. For each row and
 * kind of event there is one entry at most:
 *
 *   (none) --event--> waiting --taken--> quiet, for the least interval --> (none)
 *                        ^                 |
 *                        +-----------------+ an event came, and still stands
 *
 * An event for a row that waits takes the place of the one before it, so that the
 * latest values are told; if that brings back what a manager knows already, nothing is.
 * Times are clock_steady_ms(). Knows no OIDs and sends nothing.
 */
#ifndef MIB_NOTIFY_H
#define MIB_NOTIFY_H

#include "image/image.h"

enum {
	/* Entries of one kind that wait; an event beyond is dropped, and counted. */
	NOTIFY_WAITING_MAX = 4096,

	/* Entries of one kind that are quiet; beyond, the oldest may speak again. */
	NOTIFY_QUIET_MAX = 16384,

	/* A driver writes a measuring round in several steps: what sums up many rows
	 * waits so long for the rest of it. */
	NOTIFY_SETTLE_MS = 1000,
};

struct notify;

/* NULL without memory. */
struct notify *notify_new(void);
void notify_free(struct notify *notify);

/* lbcNotifyMinInterval. */
void notify_interval_set(struct notify *notify, uint32_t seconds);
uint32_t notify_interval(const struct notify *notify);

/* lbcNotifyEnable, 1u << enum notify_bit; what is no longer enabled is forgotten. */
void notify_enable_set(struct notify *notify, uint32_t enable);

/* Something happened. */
void notify_event(struct notify *notify, const struct image_event *event, int64_t now_ms);

/* The event that is to be told next: services first, then what else failed, then what
 * people did. False if none is due. */
bool notify_take(struct notify *notify, int64_t now_ms, struct image_event *ret_event);

/* The event taken last cannot be told, or does not stand any more. */
void notify_suppress(struct notify *notify);

/* lbcNotifySuppressed: what the interval held back for good, and what was dropped. */
uint32_t notify_suppressed(const struct notify *notify);

/* Events dropped for want of room since the last call, once nothing waits any more;
 * 0 until then. */
uint32_t notify_dropped(struct notify *notify);

#endif
