/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What a data plane does for a driver: it is polled, and it carries out commands. A kind of
 * data plane is a struct plane_kind_ops. The driver decides what is wanted, when and why. Only
 * functions that say so wait; other results come from the loop.
 */
#ifndef PLANE_PLANE_H
#define PLANE_PLANE_H

#include "model/model.h"
#include "util/err.h"
#include "util/loop.h"

struct plane;

/* Whether a server gets new work, as an administrator decided it. */
enum plane_state {
	PLANE_READY,	/* new work */
	PLANE_DRAIN,	/* no new work; health checks and connections go on */
	PLANE_OUT,	/* no new work, no health checks; connections go on */
	PLANE_MIXED,	/* the processes of the data plane differ */
};

enum { PLANE_WEIGHT_MIXED = UINT32_MAX, PLANE_MESSAGE_SIZE = 160 };

/* The address of a server, as one process has it. A text is "" if the process does not show it, as
 * for a UNIX socket or a name that does not resolve. */
struct plane_endpoint {
	const char	*address;	/* numeric, without brackets */
	const char	*port;
	const char	*name;		/* the host name that 'address' comes from */
};

/* A row of the store that the data plane has to realise: a service, or a real service of the
 * service before it. The texts are those of the row, "" if it has none. */
struct plane_target {
	uint32_t	 id;		/* of the row */
	bool		 is_service;
	const char	*name, *address, *port, *params;	/* 'params': JSON */
	enum protocol	 protocol;	/* of a service */
	/* No real service of a disabled service takes work, whatever its own setting is. */
	bool		 enabled;
	/* Of a service: how long a server that the store no longer has keeps its connections; 0: no
	 * limit. */
	int64_t		 drain_ms;
	/* Of a real service: the weight that it should have now, and the setting of the store. */
	uint32_t	 weight;
	bool		 fallback;
};

/* Numbers of a server or a service. */
struct plane_counts {
	uint32_t	 present;	/* 1u << stat_number */
	uint64_t	 number[STAT_NUMBERS];
	/* When its totals began, of a data plane that counts for each server alone; 0: as the
	 * totals of the poll. */
	int64_t		 counters_since;
};

/* What the data plane counts for a service itself. */
struct plane_service_counts {
	bool			 exists;	/* false: no other member counts */
	struct plane_counts	 counts;	/* those of STAT_SERVICE_MASK */
	char			 algorithm[STAT_ALGORITHM_MAX + 1];	/* "" if unknown */
};

/* What the data plane has for a service. Its texts are valid until the next poll begins. */
struct plane_service {
	bool		 differs;	/* PLANE_COMMAND_SERVICE makes it as it is wanted */
	bool		 routine;	/* because the rows changed, or a drain ended */
	char		 message[PLANE_MESSAGE_SIZE];	/* what differs */
};

/* What the data plane has for a real service. Its texts are valid until the next poll begins. */
struct plane_server {
	bool			 exists;	/* false: no other member counts */
	struct plane_endpoint	 endpoint;
	struct plane_endpoint	 other_endpoint;	/* of a process that has another one */
	/* The socket of a process that lacks this server; NULL if none does. */
	const char		*missing_at;
	enum plane_state	 state;
	bool			 up;		/* no health check has found it down */
	bool			 blocked;	/* gets no new work, and no command changes that */
	enum real_role		 role;		/* ROLE_BACKUP: by the configuration */
	bool			 checked;	/* its health check is on */
	bool			 check_pending;	/* no health check has ended yet */
	uint32_t		 weight;	/* PLANE_WEIGHT_MIXED: processes differ */
	struct plane_counts	 counts;
	char			 message[PLANE_MESSAGE_SIZE];	/* why it gets no new work */
};

struct plane_name {
	const char	*service, *real;
};

/* The result of a poll. */
struct plane_poll {
	struct plane_server		*servers;	/* one for each real service */
	struct plane_service		*services;	/* one for each service, or NULL */
	struct plane_service_counts	*service_counts;	/* the same */
	/* Servers that the data plane has in a service of the store, and the store lacks. */
	struct plane_name		*unknown;
	size_t				 n_unknown;
	/* What people should know though everything works; "" if there is nothing. */
	char				 remark[MODEL_MESSAGE_MAX + 1];
	/* Why lbcluster cannot decide which server is the fallback; NULL if it can. */
	const char			*fallback_problem;
	/* Why no setting can be changed although the servers were read, and what to do; "" if
	 * settings can be changed. */
	char				 problem[MODEL_MESSAGE_MAX + 1];
	uint64_t			 epoch;		/* changes when totals begin again */
	int64_t				 counters_since;
	/* Changes when a process was restarted or reloaded, also between a poll and commands. */
	uint64_t			 restarts;
	bool				 stopping;	/* a process stops, as after a reload */
	bool				 keeps_foreign;	/* parameter foreign-changes = keep */
	/* A process from before a reload that still serves its connections, which no number of
	 * the poll includes; 0 if there is none. */
	uint64_t			 earlier_pid;
	bool				 earlier_unseen;	/* there may be more, which
								 * lbcluster cannot see */
};

/* Why a poll failed, as a whole or for one process. */
struct plane_error {
	enum plane_status	status;		/* unreachable or failing */
	enum job_fail_cause	cause;
	char			text[MODEL_MESSAGE_MAX + 1];
};

enum plane_command_kind {
	PLANE_COMMAND_STATE,		/* value: enum plane_state, not PLANE_MIXED */
	PLANE_COMMAND_WEIGHT,
	PLANE_COMMAND_END_SESSIONS,	/* ends its connections */
	PLANE_COMMAND_DRAIN_FIRST,	/* from PLANE_OUT to PLANE_DRAIN; a state follows */
	PLANE_COMMAND_HEALTH_DOWN,	/* down until its checks pass; for 'checked' servers */
	PLANE_COMMAND_SERVICE,		/* makes a service that differs as it is wanted */
};

/* A command for one server or service. It has an absolute value: to carry it out twice does no
 * harm. */
struct plane_command {
	uint32_t		 id;		/* for the driver: of the row */
	bool			 of_job;	/* for the driver: a job requests it */
	bool			 routine;	/* for the driver: it repairs nothing */
	size_t			 at;		/* in plane_poll.servers, or in .services */
	enum plane_command_kind	 kind;
	uint32_t		 value;
	/* The result. NONE: carried out; for PLANE_COMMAND_SERVICE 'message' says what differed
	 * before. NOT_FOUND, REJECTED: the data plane refused it.
	 * TIMEOUT: it is unknown whether it was carried out. UNREACHABLE: the same, or the refusal
	 * is not final, because the process stops or is not the one that answered the poll. OTHER:
	 * out of memory, not sent. */
	enum job_fail_cause	 cause;
	char			 message[MODEL_MESSAGE_MAX + 1];
};

/* 'poll' is NULL if no process answered. Both are given if some processes answered. 'poll' is
 * valid until the next poll begins. */
typedef void (*plane_polled_fn)(void *arg, const struct plane_poll *poll,
    const struct plane_error *error);
typedef void (*plane_applied_fn)(void *arg);

/* A cluster, as plane_kind_ops.open() gets it. The texts are valid until open() returns. */
struct plane_cluster {
	uint32_t	 id;
	const char	*name, *params;		/* 'params': plane_params of the row */
	const char	*store;			/* directory of the store */
};

/* How messages name a state. */
struct plane_state_text {
	const char	*value;		/* "maint" */
	/* Reasons of a server: "MAINT by lbcluster", "MAINT by command"; NULL for PLANE_READY. */
	const char	*by_lbcluster, *by_others;
};

struct plane_kind_ops {
	const char	*kind;		/* as in plane_kind_find() */
	struct plane_state_text	states[PLANE_MIXED];
	/* What a person should do if another program keeps changing a weight or a state. */
	const char	*weight_advice, *state_advice;
	/* PLANE_OUT removes a server, and its connections with it. So the driver drains it first,
	 * also without a drain time, and takes a fallback in reserve out. */
	bool		out_removes;

	/* 'timeout_ms' bounds the wait for one answer. ERR_INVALID with a message, ERR_NOMEM. */
	enum err_code	(*open)(struct loop *loop, const struct plane_cluster *cluster,
			    int timeout_ms, struct plane **ret, struct err *err);
	/* Ends a poll or an apply without its callback. NULL is allowed. */
	void		(*close)(struct plane *plane);
	/* The rows of the cluster, before the first poll of a round: each service, then its
	 * real services. Polls and commands have their order. The texts are valid until the
	 * function returns. ERR_INVALID with a message for people: the plane fails, and the
	 * driver polls it no more until the next round. ERR_NOMEM. */
	enum err_code	(*targets_set)(struct plane *plane, const struct plane_target *targets,
			    size_t n, struct err *err);
	/* The same before a round whose rows are those of the last targets_set(), but for weights,
	 * fallback and enabled. They have no texts. NULL: the kind needs no settings. */
	void		(*settings_set)(struct plane *plane, const struct plane_target *targets,
			    size_t n);
	/* One poll or apply at a time. Each calls fn(arg) once, perhaps before it returns. */
	void		(*poll)(struct plane *plane, plane_polled_fn fn, void *arg);
	/* Carries out 'commands' and sets their results. 'commands' must stay in place until fn is
	 * called. NULL: the data plane has no settings, and the driver only checks servers. */
	void		(*apply)(struct plane *plane, struct plane_command *commands, size_t n,
			    plane_applied_fn fn, void *arg);
	/* Records that lbcluster owns the services of these rows, so that it may change and remove
	 * services that another program made. *ret_n is their number. NULL: the data plane makes
	 * nothing. */
	enum err_code	(*adopt)(const struct plane_cluster *cluster,
			    const struct plane_target *targets, size_t n, size_t *ret_n,
			    struct err *err);
	/* Removes what lbcluster made for a cluster, and waits for the end. */
	enum err_code	(*withdraw)(const struct plane_cluster *cluster, int timeout_ms,
			    size_t *ret_n, struct err *err);
	/* Clusters that are not among these 'n' have left the store or have another data plane:
	 * removes what lbcluster made for them, and waits for the end. 'store': directory of the
	 * store. NULL: the data plane makes nothing. */
	void		(*sweep)(const char *store, const uint32_t *cluster_ids, size_t n);
};

#endif
