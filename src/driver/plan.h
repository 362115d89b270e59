/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What is wanted, beside what is: the difference as commands, the words about each
 * real service, the outcome of each job. Pure functions over a tree and a poll.
 *
 * Wanted of a real service, by what the store says of it:
 *
 *   not enabled ............. out; where a drain time is set, drain first
 *   fallback, not "backup" .. ready if no other takes work, else drain: "in reserve"
 *   else .................... ready
 *
 * HAProxy takes a server for up until its first check has ended: after its own start, and
 * after "maint". The fallback stays in meanwhile:
 *
 *   others up, no check of theirs has ended ... the fallback stays as it is
 *   enabled while only the fallback works ..... ready, and down until its checks pass
 *
 * A server that the data plane itself has as a backup is a fallback by its own means
 * and stays ready.
 */
#ifndef DRIVER_PLAN_H
#define DRIVER_PLAN_H

#include "driver/driver_tree.h"

struct plan_rules {
	int64_t		 now_ms;	/* clock_steady_ms() */
	bool		 first;		/* the first round on this plane */
	struct foreign_round	 round;	/* but 'resumed', which each real service has */
	int64_t		 drain_ms;	/* longest drain; 0: out at once, nothing is cut */
	int64_t		 patience_s;	/* a job waits so long for its data plane */
	const char	*title;		/* of the data plane, for people */
};

struct plan_commands {
	struct plane_command	*commands;
	size_t			 n, room;
};

/* Sets what is wanted of each real service of 'cluster', and adds the commands that
 * lead there. ERR_NOMEM. */
enum err_code plan_make(struct driver_cluster *cluster, const struct plane_poll *poll,
    const struct plan_rules *rules, int64_t now_ms, struct plan_commands *commands);
void plan_commands_done(struct plan_commands *commands);

/* The command of that kind for a real service; NULL if there was none. */
const struct plane_command *plan_command_find(const struct plan_commands *commands,
    uint32_t real_id, enum plane_command_kind kind);

/* The data plane took 'command', which was for 'real'. */
void plan_command_taken(const struct plane_command *command, struct driver_real *real,
    int64_t now_ms);

/* 'poll' shows all processes of the data plane after the commands. */
void plan_see(struct driver_cluster *cluster, const struct plane_poll *poll);

/* True for an command that is the driver's daily work, not a setting that was lost: a
 * fallback that comes and goes, the end of a drain. */
bool plan_command_is_routine(const struct plane_command *command, const struct driver_real *real);

/* Whether it takes work, or would as the fallback it is. 'server' may be NULL. */
bool plan_active(const struct driver_real *real, const struct plane_server *server);

/* Its role in the data plane. 'server' may be NULL. */
enum real_role plan_role(const struct plane_server *server, const struct plane_poll *poll);

/* The settings that others change again and again, and how many there are; or those that
 * others changed and that are kept. The first one is named. Returns 'buf', "" if none. */
const char *plan_fights(const struct driver_cluster *cluster, int64_t now_ms,
    char buf[MODEL_MESSAGE_MAX + 1]);
const char *plan_kept(const struct driver_cluster *cluster, char buf[MODEL_MESSAGE_MAX + 1]);

/* What is not known of connections to a server that is taken out, by the last plan_make();
 * "" if nothing. Returns 'buf'. */
const char *plan_earlier(const struct driver_cluster *cluster, const char *title,
    char buf[MODEL_MESSAGE_MAX + 1]);

/* lbcRealOperStatusReason; returns 'buf'. 'server' may be NULL. */
const char *plan_reason(const struct driver_real *real, const struct plane_server *server,
    const struct plan_rules *rules, char buf[MODEL_MESSAGE_MAX + 1]);

/* Writes which processes of a pair lack servers that 'cluster' names; "" if none does. */
void plan_missing(const struct driver_cluster *cluster, const struct plane_poll *poll,
    const struct plan_rules *rules, char buf[MODEL_MESSAGE_MAX + 1]);

/* -- jobs -------------------------------------------------------------------------- */

/* A job in hand. */
struct plan_job {
	uint32_t		id, real_id;
	enum job_operation	operation;
	uint32_t		value, old_value;
	int64_t			created;
	char			message[MODEL_MESSAGE_MAX + 1];	/* why it waited so far */
};

struct plan_result {
	enum job_state		state;
	enum job_fail_cause	cause;
	char			message[MODEL_MESSAGE_MAX + 1];
};

/* How 'job' ended, by what was read back: 'poll' after the commands. One whose command had no
 * answer, or was not given for want of memory, is put off. */
void plan_job_judge(const struct plan_job *job, const struct driver_real *real,
    const struct plane_poll *poll, const struct plan_commands *commands,
    const struct plan_rules *rules, int64_t now_s, struct plan_result *ret);

/* Judges what two jobs in hand have to do with each other: a fallback is handed over wholly
 * or not. Where "no fallback" failed for one real service, "fallback" fails for the other of
 * its service, with the same cause. ends[i] is of jobs[i], reals[i] its real service; a
 * reals[i] of NULL is passed over. */
void plan_handovers_judge(const struct plan_job *jobs, struct driver_real *const *reals, size_t n,
    struct plan_result *ends);

/* The job could not be tried: it waits on, or ends where its patience is over. */
void plan_job_defer(const struct plan_job *job, const struct plane_error *error,
    const struct plan_rules *rules, int64_t now_s, struct plan_result *ret);

#endif
