/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Compares the rows of a cluster with the table of the kernel: what the kernel has for each row,
 * and the table that is wanted after commands. No function here uses a socket.
 *
 *   destination ................... state of the real service
 *   none .......................... PLANE_OUT
 *   weight above 0 ................ PLANE_READY
 *   weight 0 ...................... the state of the latest command; without one PLANE_READY if
 *                                   the row has weight 0, otherwise PLANE_DRAIN
 *
 * With manage = settings another program makes the services and destinations. Then a destination
 * that does not exist, and weight 0 without a command for it, mean that this program found the
 * server down.
 */
#ifndef PLANE_IPVS_ANSWER_H
#define PLANE_IPVS_ANSWER_H

#include "plane/ipvs/ipvs_owned.h"
#include "plane/ipvs/ipvs_rows.h"

/* What answers depend on besides rows and tables. */
struct ipvs_view {
	const char		*cluster;	/* its name, for messages */
	const struct ipvs_table	*have;		/* the table of the kernel */
	const struct ipvs_table	*before;	/* that of the poll before */
	const struct ipvs_owned	*owned;
	bool			 settings_only;	/* manage = settings */
	bool			 counts;	/* sysctl run_estimation: totals and rates */
	bool			 first;		/* the first poll of the plane */
	int64_t			 now_s, boot_s;	/* wall clock */
	int64_t			 now_ms;	/* steady clock */
};

/* True if another program made the service. */
bool ipvs_is_foreign(const struct ipvs_view *view, const struct ipvs_key *key);

/* Writes what to do about a service that another program made. */
void ipvs_foreign_message(const struct ipvs_view *view, const struct ipvs_key *key,
    char message[MODEL_MESSAGE_MAX + 1]);

/* Fills poll->servers, poll->services (both have room) and poll->problem, and updates what the rows
 * remember. Sets 'leaving_ms' of the destinations in 'have'. */
void ipvs_answer(struct ipvs_rows *rows, const struct ipvs_view *view, struct plane_poll *poll);

/* Makes the table that is wanted after the commands; the caller calls ipvs_table_done(). 'servers'
 * are those of the poll that 'have' is of. A destination that the store does not have gets weight
 * 0, and is removed when its connections have ended or its drain time is over. False without
 * memory. */
bool ipvs_wanted_make(const struct ipvs_rows *rows, const struct ipvs_view *view,
    const struct plane_server *servers, const struct plane_command *commands, size_t n,
    struct ipvs_table *ret) __attribute__((warn_unused_result));

#endif
