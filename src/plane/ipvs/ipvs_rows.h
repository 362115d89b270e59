/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The rows of a cluster as IPVS needs them, with what the plane has to remember of each service and
 * real service from one poll to the next.
 */
#ifndef PLANE_IPVS_ROWS_H
#define PLANE_IPVS_ROWS_H

#include "plane/ipvs/ipvs_table.h"
#include "plane/plane.h"

/* The totals of IPVS are its first five numbers. */
enum { IPVS_TOTALS = IPVS_STATS_ATTR_OUTBYTES };

/* The totals of a destination or service, of the latest poll that found it. */
struct ipvs_totals {
	bool		seen;		/* a poll did */
	uint64_t	totals[IPVS_TOTALS];
	int64_t		counters_since;
};

struct ipvs_row_service {
	struct ipvs_service	 service;	/* as it is wanted */
	bool			 udp;		/* also with a mark of the firewall */
	bool			 enabled;
	int64_t			 drain_ms;	/* of destinations that leave; 0: no limit */
	size_t			 first, n;	/* its real services */
	struct ipvs_totals	 totals;
};

struct ipvs_row {
	uint32_t		 id;
	size_t			 service;	/* its place among the services */
	struct ipvs_dest	 dest;		/* 'weight' is that of the row */
	const struct ipvs_dest	*found;		/* in the kernel, during ipvs_answer() */
	bool			 fallback;
	/* The latest command for its state, if 'commanded'. */
	bool			 commanded;
	enum plane_state	 state;
	struct ipvs_totals	 totals;
};

struct ipvs_row_endpoint {
	struct ipvs_dest	 dest;
	size_t			 at;		/* in 'reals' */
};

struct ipvs_row_place {
	struct ipvs_key		 key;
	size_t			 at;		/* in 'services' */
};

/* Zeros are no rows. */
struct ipvs_rows {
	struct ipvs_row_service	*services;
	struct ipvs_row		*reals;
	size_t			 n_services, n_reals;
	struct ipvs_row_endpoint *sorted;	/* of each service: its endpoints in their order */
	struct ipvs_row_place	*by_key;	/* all services, by ipvs_key_compare() */
	uint64_t		 digest;	/* of what the rows were made of */
	bool			 changed;	/* the latest call below changed a service */
};

/* Makes the rows of the targets. Rows with the id of an earlier one keep what the plane remembers.
 * ERR_INVALID names the first row that breaks a rule of param_rules.h, and what to do; 'rows' keep
 * their content then. ERR_NOMEM. */
enum err_code ipvs_rows_set(struct ipvs_rows *rows, const char *cluster,
    const struct plane_target *targets, size_t n, struct err *err);
/* Sets the weights, fallbacks and enabled of the same rows. */
void ipvs_rows_settings_set(struct ipvs_rows *rows, const struct plane_target *targets, size_t n);
void ipvs_rows_done(struct ipvs_rows *rows);

/* The service with that key; NULL if there is none. */
const struct ipvs_row_service *ipvs_rows_find(const struct ipvs_rows *rows,
    const struct ipvs_key *key);

/* True if a real service of the service has that endpoint. */
bool ipvs_rows_have(const struct ipvs_rows *rows, const struct ipvs_row_service *service,
    const struct ipvs_dest *dest);

#endif
