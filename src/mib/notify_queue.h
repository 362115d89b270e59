/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The queue of notifications: bounded, with a least interval. Each row and kind of event has
 * at most one entry:
 *
 *   (none) --event--> waiting --taken--> quiet, for the least interval --> (none)
 *                        ^                 |
 *                        +-----------------+ another event, whose change still holds
 *
 * An event for a waiting entry replaces the earlier event, so that the latest values are sent.
 * If the values are again those that the manager knows, nothing is sent. Times are
 * clock_steady_ms(). This module knows no OIDs and sends nothing.
 */
#ifndef MIB_NOTIFY_QUEUE_H
#define MIB_NOTIFY_QUEUE_H

#include "cache/cache.h"

enum {
	/* Most waiting entries of one kind; further events are dropped and counted. */
	NOTIFY_WAITING_MAX = 4096,

	/* Most quiet entries of one kind; beyond this the oldest is removed. */
	NOTIFY_QUIET_MAX = 16384,

	/* A driver writes a measuring round in several transactions. Events about a sum of
	 * many rows wait this long for the rest of the round. */
	NOTIFY_SETTLE_MS = 1000,
};

struct notify;

/* Creates an empty queue; notify_free() frees it. NULL if out of memory. */
struct notify *notify_new(void);
void notify_free(struct notify *notify);

/* lbcNotifyMinInterval. */
void notify_interval_set(struct notify *notify, uint32_t seconds);
uint32_t notify_interval(const struct notify *notify);

/* Sets lbcNotifyEnable (1u << enum notify_bit); removes entries of disabled kinds. */
void notify_enable_set(struct notify *notify, uint32_t enable);

/* Adds an event. */
void notify_event(struct notify *notify, const struct cache_event *event, int64_t now_ms);

/* Takes the next event: services first, then other failures, then changes by people. False if
 * none is due. */
bool notify_take(struct notify *notify, int64_t now_ms, struct cache_event *ret_event);

/* Reports that the event taken last was not sent: its row is gone or its change does not hold
 * any more. */
void notify_suppress(struct notify *notify);

/* lbcNotifySuppressed: events that the interval suppressed, and dropped events. */
uint32_t notify_suppressed(const struct notify *notify);

/* Returns the number of events dropped since the last call once no entry waits; 0 before. */
uint32_t notify_dropped(struct notify *notify);

#endif
