/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Derives status from rows and the time. Pure functions.
 */
#ifndef MODEL_STATUS_H
#define MODEL_STATUS_H

#include "model/model.h"

/* lbcRealStatsFreshness */
enum freshness { FRESHNESS_FRESH = 1, FRESHNESS_STALE, FRESHNESS_NEVER };

/* lbcRealOperStatus */
enum oper_status {
	OPER_IN_USE = 1, OPER_STANDBY, OPER_DRAINING, OPER_INACTIVE, OPER_DISABLED, OPER_UNKNOWN
};

/* LbcStatus */
enum lb_status {
	STATUS_UP = 1, STATUS_DEGRADED, STATUS_ON_FALLBACK, STATUS_DOWN, STATUS_DISABLED,
	STATUS_UNKNOWN
};

/* Return the labels of LBCLUSTER-MIB, or "?" for an invalid number. */
const char *freshness_name(enum freshness freshness);
const char *oper_status_name(enum oper_status status);
const char *lb_status_name(enum lb_status status);

/* Returns the freshness of statistics with this update time (0: never). A time later than 'now'
 * is fresh. */
enum freshness status_freshness(int64_t last_update, int64_t now, uint32_t stale_after_s);

/* Returns the seconds since the last update, at most 4294967294; 4294967295 for never. */
uint32_t status_age(int64_t last_update, int64_t now);

/* Status and message of a cluster's data plane. */
struct plane_view {
	enum plane_status	status;
	bool			has_driver;	/* a driver should poll the cluster */
	char			message[MODEL_MESSAGE_MAX + 1];
};

/* Returns lbcClusterPlaneStatus of a cluster with this plane. 'checked': a service or real service
 * has a check; without one, no driver serves plane none. What the driver recorded, if its latest
 * poll is not older than three intervals and 5 s; otherwise PLANE_STATUS_UNATTENDED. 'poll' is
 * NULL if statistics cannot be read. A poll that is later than 'now' by more than that was
 * made before the clock was set back, and does not count. */
enum plane_status status_plane_status(const char *plane, bool checked, enum plane_status recorded,
    const struct driver_poll *poll, int64_t now);
/* Returns status_plane_status() and lbcClusterPlaneMessage: the recorded 'message', or with
 * PLANE_STATUS_UNATTENDED one with the time of the poll and the program to start. */
void status_plane(const char *plane, bool checked, enum plane_status recorded,
    const char *message, const struct driver_poll *poll, int64_t now, struct plane_view *ret);

/* A real service, for its status. If 'active' was not measured, freshness is FRESHNESS_NEVER. A
 * real service with stale statistics does not count as active. */
struct status_real {
	bool		enabled, fallback, active;
	enum freshness	freshness;
	uint32_t	weight;
	enum real_role	role;		/* of fresh statistics, otherwise ROLE_MEMBER */
};

/* Counts of the real services of a service, or of a cluster. */
struct status_tally {
	bool		disabled;		/* the service itself; it takes no work */
	/* An active member, or an active fallback or backup, has a weight above 0. */
	bool		plain_weighted, fallback_weighted;
	uint32_t	reals, enabled;
	uint32_t	active;			/* enabled, and active by fresh statistics */
	uint32_t	known;			/* enabled, with fresh statistics */
	uint32_t	plain, plain_active;	/* enabled members; active members */
	uint32_t	fallback_active;	/* active fallback and backups */
};

/* Counts a real service. A member has ROLE_MEMBER and is not the fallback. A backup counts as
 * fallback. A spare counts as enabled only. */
void status_tally_add(struct status_tally *tally, const struct status_real *real);

/* Returns lbcServiceStatus: disabled if the service or each of its real services is; unknown if no
 * enabled one has fresh statistics; up if all enabled members are active, and there is one;
 * degraded if some are; onFallback if only the fallback or a backup is; down if none is. */
enum lb_status status_service(const struct status_tally *tally);

/* Returns lbcServiceOnFallback: only the fallback or backups of an enabled service are active. */
bool status_on_fallback(const struct status_tally *tally);

/* Whether the weights leave a service without a member that gets new connections. Active servers
 * with weight 0 count in lbcServiceStatus and lbcServiceOnFallback, so these two do not show it. */
enum drained {
	DRAINED_NO,
	DRAINED_TO_FALLBACK,	/* every active member has weight 0, the fallback or a backup not */
	DRAINED_ALL,		/* every active real service has weight 0 */
};

/* Returns DRAINED_NO for a service that is disabled, or down, or whose fallback is the only active
 * real service and has a weight. A driver brings the fallback in by the same rule
 * (src/driver/plan.c). */
enum drained status_drained(const struct status_tally *tally);

/* The reason of a fallback with DRAINED_TO_FALLBACK. */
#define STATUS_OTHERS_DRAINED "every other active server has weight 0"

/* Returns lbcRealOperStatus. 'tally' is of its service: if the service is disabled, so is the real
 * service; a fallback or backup is standby while a member is active. */
enum oper_status status_real(const struct status_real *real, const struct status_tally *tally);

/* Adds a service to lbcClusterStatus, which begins as STATUS_DISABLED. Returns the worst status, in
 * the order down, onFallback, degraded, unknown, up, disabled. */
enum lb_status status_cluster_add(enum lb_status so_far, enum lb_status service);

#endif
