/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Finds the servers of HAProxy that belong to the rows of the store. Both are matched by the names
 * of the service and the real service.
 */
#ifndef PLANE_HAPROXY_MATCH_H
#define PLANE_HAPROXY_MATCH_H

#include "plane/plane.h"

/* A server of HAProxy. */
struct haproxy_found {
	struct plane_name	 name;
	struct plane_server	 server;
	size_t			 process;	/* for the caller */
	/* The name in the DNS whose addresses this server and others get; "" if none. */
	const char		*pool;
	bool			 no_address;	/* 'pool' has no address for this server */
	bool			 known;		/* the store has this server */
};

/* The names of the rows; zeros are no rows. */
struct haproxy_targets {
	struct plane_name	*reals;		/* in the order of the rows */
	const char		**services;
	size_t			 n_reals, n_services;
	char			*texts;		/* the names point into it */
};

/* Copies the names of the rows. False without memory: 'ret' has no rows. */
bool haproxy_targets_set(struct haproxy_targets *ret, const struct plane_target *targets,
    size_t n) __attribute__((warn_unused_result));
void haproxy_targets_done(struct haproxy_targets *targets);

/* Orders servers by name; 0 if both names are equal. */
int haproxy_found_compare(const struct haproxy_found *a, const struct haproxy_found *b);

/* Fills servers and unknown of a poll, which the caller frees. 'found' is sorted, with each name
 * once. A server without an address is a spare if another server of its pool has one. Its message
 * says so. False without memory. */
bool haproxy_match(const struct haproxy_targets *targets, struct haproxy_found *found, size_t n,
    struct plane_poll *poll) __attribute__((warn_unused_result));

#endif
