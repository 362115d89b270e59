/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What a data plane can do for a driver: be looked at, and take orders. A kind of
 * data plane is a row of four functions; what is wanted, when and why is the
 * driver's business. Nothing here waits: answers come from the loop.
 */
#ifndef PLANE_PLANE_H
#define PLANE_PLANE_H

#include "model/model.h"
#include "util/err.h"
#include "util/loop.h"

struct plane;

/* What a server does with new work, as far as somebody decided it. */
enum plane_state {
	PLANE_READY,	/* takes it */
	PLANE_DRAIN,	/* takes none, is still watched; what it has goes on */
	PLANE_OUT,	/* takes none and is not watched */
	PLANE_MIXED,	/* the processes of a pair disagree */
};

enum { PLANE_WEIGHT_MIXED = UINT32_MAX, PLANE_WORDS_MAX = 160 };

/* Where a server is, as one process has it. A text is "" where the process does not
 * show it: a UNIX socket, a name that does not resolve. */
struct plane_endpoint {
	const char	*address;	/* numeric, without brackets */
	const char	*port;
	const char	*name;		/* the host name that 'address' comes from */
};

/* A server of the data plane. Texts live as long as the look they came with. */
struct plane_server {
	const char		*service, *real;
	struct plane_endpoint	 endpoint;
	/* That of another process of a pair, where it differs; else equal to 'endpoint'. */
	struct plane_endpoint	 other_endpoint;
	/* The socket of a process of a pair that has no such server; NULL if all have it. */
	const char		*missing_at;
	enum plane_state	 state;
	bool			 up;		/* able to work: not found dead */
	bool			 blocked;	/* kept out by something no order changes */
	bool			 backup;	/* a fallback by the data plane's own means */
	/* The name in the DNS that fills it and others; "" if none does. */
	const char		*pool;
	bool			 vacant;	/* 'pool' has no address for it */
	bool			 checked;	/* it has a health check of its own, which is on */
	bool			 unproven;	/* 'checked', and no check has ended yet */
	uint32_t		 weight;	/* PLANE_WEIGHT_MIXED: a pair disagrees */
	uint32_t		 present;	/* 1u << stat_number: no rates among them */
	uint64_t		 number[STAT_NUMBERS];
	char			 words[PLANE_WORDS_MAX];	/* about its health */
	/* The socket of the process that 'words' are of. NULL: it is the only one, or 'words'
	 * begin with it, because the processes of a pair differ. */
	const char		*words_at;
};

struct plane_look {
	const struct plane_server	*servers;	/* by service and name */
	size_t				 n;
	/* What keeps every setting from being changed although all servers were seen, and
	 * what a person does about it; "" if nothing. */
	char				 problem[MODEL_MESSAGE_MAX + 1];
	uint64_t			 epoch;		/* another one: totals began again */
	int64_t				 counters_since;
	uint64_t			 restarts;	/* another one: a process was restarted */
	/* A process from before a reload that still serves the connections it had, which are
	 * in no number of the look; 0 if none is seen. */
	uint64_t			 earlier_pid;
	bool				 earlier_unseen;	/* of another one no end is seen */
};

/* Why a look, or a part of it, failed. */
struct plane_trouble {
	enum plane_status	status;		/* unreachable or failing */
	enum job_fail_cause	cause;
	char			text[MODEL_MESSAGE_MAX + 1];
};

enum plane_order_kind {
	PLANE_ORDER_STATE,	/* value: enum plane_state, not PLANE_MIXED */
	PLANE_ORDER_WEIGHT,
	PLANE_ORDER_CUT,	/* ends the connections it has */
	PLANE_ORDER_PARK,	/* it leaves PLANE_OUT for PLANE_DRAIN; a state order follows */
	PLANE_ORDER_DOWN,	/* it counts as down until its checks pass; for 'checked' ones */
};

/* Orders are absolute: to give one twice does no harm. */
struct plane_order {
	uint32_t		 real_id;	/* the driver's */
	char			 service[MODEL_NAME_MAX + 1], real[MODEL_NAME_MAX + 1];
	enum plane_order_kind	 kind;
	uint32_t		 value;
	/* The outcome. JOB_CAUSE_NONE: not refused; _NOT_FOUND, _REJECTED: the data plane
	 * refused it; _UNREACHABLE, _TIMEOUT, _OTHER: nobody knows, or it was not given for
	 * want of memory. */
	enum job_fail_cause	 cause;
	char			 message[MODEL_MESSAGE_MAX + 1];
};

/* 'look' is NULL where nothing was seen; both are there where a pair was seen in
 * part. The look is valid until the next one begins. */
typedef void (*plane_looked_fn)(void *arg, const struct plane_look *look,
    const struct plane_trouble *trouble);
typedef void (*plane_applied_fn)(void *arg);

struct plane_kind_ops {
	const char	*kind;		/* of plane_kind_find() */
	const char	*title;		/* for people */

	/* 'params' is cluster_row's. No wait for one answer is longer than
	 * 'timeout_ms'. ERR_INVALID with words, ERR_NOMEM. */
	enum err_code	(*open)(struct loop *loop, const char *params, int timeout_ms,
			    struct plane **ret, struct err *err);
	/* Ends what is under way without a call. NULL is fine. */
	void		(*close)(struct plane *plane);
	/* One look or one apply at a time; each calls back once, from the loop. */
	void		(*look)(struct plane *plane, plane_looked_fn fn, void *arg);
	/* 'orders' stay in place until the call. */
	void		(*apply)(struct plane *plane, struct plane_order *orders, size_t n,
			    plane_applied_fn fn, void *arg);
	/* Parameter foreign-changes: true for "keep", false for "restore", the default. */
	bool		(*keeps_foreign)(const struct plane *plane);
};

/* The server of that name; NULL if there is none. */
const struct plane_server *plane_look_find(const struct plane_look *look,
    const char *service, const char *real);

/* The first of the *ret_n servers of a service, which follow each other; NULL if there is none. */
const struct plane_server *plane_look_service(const struct plane_look *look,
    const char *service, size_t *ret_n);

/* Puts servers into the order of a look. */
void plane_servers_sort(struct plane_server *servers, size_t n);

#endif
