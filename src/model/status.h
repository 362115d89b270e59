/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Status and sums, derived from rows and the time; pure functions.
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

const char *freshness_name(enum freshness freshness);
const char *oper_status_name(enum oper_status status);
const char *lb_status_name(enum lb_status status);

/* Freshness of statistics last updated at 'last_update' (0: never). An update
 * "from the future", by a clock ahead of ours, is current. */
enum freshness status_freshness(int64_t last_update, int64_t now, uint32_t stale_after_s);

/* Seconds since the last update, at most 4294967294; 4294967295 if never. */
uint32_t status_age(int64_t last_update, int64_t now);

/* What is shown of the data plane of a cluster. */
struct plane_view {
	enum plane_status	status;
	char			message[MODEL_MESSAGE_MAX + 1];
};

/* lbcClusterPlaneStatus and lbcClusterPlaneMessage of a cluster with this plane: what the
 * driver recorded as long as it has looked within three of its intervals, 5 s at least.
 * Otherwise PLANE_STATUS_UNATTENDED, and a message that says since when and which program
 * is to be started. 'look' is the latest look, NULL if statistics cannot be read. A look
 * later than 'now' by more than an interval was made before the clock was set back, and
 * counts as none. */
void status_plane(const char *plane, enum plane_status recorded, const char *message,
    const struct driver_poll *look, int64_t now, struct plane_view *ret);

/* What the status of a real service depends on. Where 'active' was not measured,
 * freshness is FRESHNESS_NEVER. An old claim is no claim: only current statistics
 * make a real service active here. */
struct status_real {
	bool		enabled, fallback, active;
	enum freshness	freshness;
	uint32_t	weight;
	enum real_role	role;		/* by current statistics, else ROLE_MEMBER */
};

/* Tally of the real services of a service, or of a cluster. */
struct status_tally {
	uint32_t	reals, enabled;
	uint32_t	active;			/* enabled, active by current statistics */
	uint32_t	known;			/* enabled with current statistics */
	uint32_t	plain, plain_active;	/* enabled members; of these active */
	uint32_t	fallback_active;	/* enabled fallback and backups, active */
};

/* A member is a real service that is not the fallback and whose role is ROLE_MEMBER. A
 * backup counts like the fallback. A spare place counts as enabled and nowhere else. */
void status_tally_add(struct status_tally *tally, const struct status_real *real);

/* lbcServiceStatus: disabled if no real service is enabled; unknown if no
 * enabled one has current statistics; up if every enabled member is active; degraded if
 * some are; onFallback if none is but the fallback or a backup is; down if none is.
 * Where the fallback is the only enabled one it is onFallback or down, never up: "every"
 * takes one at least. */
enum lb_status status_service(const struct status_tally *tally);

/* lbcServiceOnFallback: only the fallback or backups are active. */
bool status_on_fallback(const struct status_tally *tally);

/* lbcRealOperStatus. 'tally' is that of its service: a fallback or backup is standby while
 * a member is active. */
enum oper_status status_real(const struct status_real *real, const struct status_tally *tally);

/* lbcClusterStatus so far, and one more service: the worst of those not
 * disabled, in the order down, onFallback, degraded, unknown, up. Start from
 * STATUS_DISABLED. */
enum lb_status status_cluster_add(enum lb_status so_far, enum lb_status service);

#endif
