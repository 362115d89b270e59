/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Compares the store with a poll of the data plane: commands for the differences, a reason for
 * each real service, a result for each job. Pure functions over a tree and a poll.
 *
 * The state that a real service should have:
 *
 *   not enabled, or its service is not: out; drain first, with a drain time or with
 *                             out_removes
 *   its own check failed .... out, or drain with on-failure = drain
 *   not checked yet ......... as it is
 *   fallback, not "backup" .. ready if no other server can work, otherwise in reserve: drain;
 *                             with out_removes, drain and then out
 *   otherwise ............... ready
 *
 * HAProxy treats a server as up until its first check has ended: after a start of HAProxy, and
 * after "maint". The fallback keeps working meanwhile:
 *
 *   others are up, none of their checks has ended ... the fallback keeps its state
 *   enabled while only the fallback works ........... ready, and down until its checks pass
 *
 * A server that is a backup by the data plane's configuration stays ready.
 */
#ifndef DRIVER_PLAN_H
#define DRIVER_PLAN_H

#include "driver/driver_tree.h"

/* Runs over all real services of a cluster. */
#define PLAN_FOREACH(service, real, cluster)                                        \
	TREE_FOREACH(service, s_, &(cluster)->branch.children)                      \
		TREE_FOREACH(real, r_, &(service)->branch.children)

/* What a round knows besides the store and the poll. */
struct plan_rules {
	int64_t		 now_ms;	/* clock_steady_ms() */
	bool		 first;		/* the first round on this plane */
	bool		 restarted;	/* a process was replaced or stops in this round */
	struct foreign_round	 round;	/* 'resumed' is set for each real service */
	int64_t		 drain_ms;	/* longest drain; 0: no drain, no connection is ended */
	int64_t		 job_timeout_s;	/* age at which a waiting job fails */
	const struct plane_kind_ops *ops;	/* the kind of the data plane */
	const char	*title;		/* and its name for people */
};

/* The commands of a round. */
struct plan {
	struct plane_command	*commands;
	size_t			 n, room;
};

/* Sets 'server' of each real service and 'found' of each service of 'cluster', which are valid
 * until the next poll. Call it first after each poll. */
void plan_bind(struct driver_cluster *cluster, const struct plane_poll *poll);

/* Sets the wanted state of each real service, and adds the commands for it. ERR_NOMEM. */
enum err_code plan_make(struct driver_cluster *cluster, const struct plane_poll *poll,
    const struct plan_rules *rules, struct plan *plan);
void plan_done(struct plan *plan);

/* The data plane carried out 'command', which was for 'real' or 'service'; the other one is
 * NULL. */
void plan_carried_out(const struct plane_command *command, struct driver_real *real,
    struct driver_service *service, int64_t now_ms);

/* All processes answered the poll after the commands. */
void plan_confirm(struct driver_cluster *cluster);

/* True for a fallback that the driver, and not the data plane, brings in and takes out. */
bool plan_is_reserve(const struct driver_real *real);

/* True if no health check, of the data plane or of the driver, has found the server down. The data
 * plane has the server. */
bool plan_is_up(const struct driver_real *real);

#define PLAN_SERVICE_DISABLED "its service is disabled"

/* -- messages ---------------------------------------------------------------------- */

/* Adds a clause to a message: "; " and the text. Cuts it at the size of a message. */
void plan_message_add(char message[MODEL_MESSAGE_MAX + 1], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* True if the server takes work, or would take work as the fallback it is. */
bool plan_active(const struct driver_real *real, const struct plan_rules *rules);

/* lbcRealOperStatusReason; returns 'buf'. */
const char *plan_reason(const struct driver_real *real, const struct plan_rules *rules,
    char buf[MODEL_MESSAGE_MAX + 1]);

/* Why a fallback takes work, by the rule of status_drained(). */
const char *plan_fallback_cause(const struct driver_real *real, const struct plan_rules *rules);

/* Names the first contested ('contested') or kept setting of foreign.h, and the number of
 * such settings; "" if there is none. Returns 'buf'. */
const char *plan_foreign(const struct driver_cluster *cluster, bool contested,
    const struct plan_rules *rules, char buf[MODEL_MESSAGE_MAX + 1]);

/* Writes how many settings were restored, and when, for a minute after that; "" later. Returns
 * 'buf'. */
const char *plan_repairs(const struct driver_cluster *cluster, const struct plan_rules *rules,
    char buf[MODEL_MESSAGE_MAX + 1]);

/* Names what cannot be known of the connections of a server, as of the last plan_make(); "" if
 * all is known. Returns 'buf'. */
const char *plan_earlier(const struct driver_cluster *cluster, const char *title,
    char buf[MODEL_MESSAGE_MAX + 1]);

/* Names the first server that a process lacks, and the number of such servers; "" if there is
 * none. Returns 'buf'. */
const char *plan_missing(const struct driver_cluster *cluster, const struct plan_rules *rules,
    char buf[MODEL_MESSAGE_MAX + 1]);

/* -- jobs -------------------------------------------------------------------------- */

struct plan_result {
	enum job_state		state;
	enum job_fail_cause	cause;
	char			message[MODEL_MESSAGE_MAX + 1];
};

/* A job that the driver has claimed. */
struct plan_job {
	uint32_t		 id, real_id, service_id;	/* one of the rows is 0 */
	struct driver_service	*service;	/* NULL: deleted since, with its jobs */
	struct driver_real	*real;		/* NULL: a job of the service */
	enum job_operation	 operation;
	uint32_t		 value, old_value;
	int64_t			 created_s;	/* of the steady clock */
	char			 message[MODEL_MESSAGE_MAX + 1];	/* why it has waited */
	struct plan_result	 result;
};

/* Returns the setting that 'job' changes, as the tree has it. */
uint32_t plan_job_value(const struct plan_job *job);

/* Sets the result of 'job' by the poll after the commands. A job whose command was not
 * answered or not sent is deferred, and so is a job that would fail in a round with
 * 'restarted'. */
void plan_job_judge(struct plan_job *job, const struct plan *plan,
    const struct plan_rules *rules);

/* Puts the job back into the queue with the message 'text'. A job as old as its timeout fails,
 * with 'cause'. */
void plan_job_defer(struct plan_job *job, enum job_fail_cause cause, const char *text,
    const struct plan_rules *rules);

/* Makes the two jobs of a handover of the fallback fail or wait together. If "no fallback" failed
 * or waits for one real service, so does "fallback" for the other one of its service. */
void plan_handovers_judge(struct plan_job *jobs, size_t n);

#endif
