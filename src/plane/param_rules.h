/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The rules of a data plane across rows and options. "lbclusterctl load" refuses a file that
 * breaks one. A driver judges the rows of the store again, because any program may write them.
 */
#ifndef PLANE_PARAM_RULES_H
#define PLANE_PARAM_RULES_H

#include <stddef.h>

#include "model/model.h"

struct rules_real {
	const char	*name, *address, *port, *params;	/* as in struct real_row */
	void		*owner;		/* for the caller */
};

struct rules_service {
	const char		*plane;		/* of the cluster */
	const char		*cluster, *name, *address, *port, *params;
	enum protocol		 protocol;
	const struct rules_real	*reals;
	size_t			 n;
	void			*owner;		/* for the caller */
};

/* A broken rule: 'text' says what is wrong and what to do, and begins with the path of the row:
 * "web/http/web-1: port 8080 differs from ...; write port = 80". 'real' is NULL if the rule is of
 * the service. 'text' is valid until the function returns. */
typedef void (*rules_report_fn)(void *arg, const struct rules_service *service,
    const struct rules_real *real, const char *text);

/* True if a kind of data plane has rules. */
bool plane_rules_exist(const char *plane);

/* Judges all services of all clusters whose data plane has rules, and reports each broken rule.
 * ERR_NOMEM. */
enum err_code plane_rules_judge(const struct rules_service *services, size_t n,
    rules_report_fn report_fn, void *arg);

#endif
