/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A virtual service of ldirectord on its way to rows; of discover_ldirectord.c,
 * ldirectord_check.c and ldirectord_convert.c.
 */
#ifndef CTL_LDIRECTORD_CONVERT_H
#define CTL_LDIRECTORD_CONVERT_H

#include "ctl/discover.h"
#include "ctl/ldirectord.h"

/* A value of the setting "service", ld_port_to_service() of ldirectord. 'check' is NULL if
 * lbcluster has no such check. */
struct negotiated {
	const char	*name;
	uint16_t	 port;
	const char	*check;
};

struct conversion {
	struct discovery			*discovery;
	const struct ldirectord_file		*file;
	const struct ldirectord_virtual		*virtual;
	struct ipvs_key				 key;
	const struct negotiated			*negotiated;	/* setting "service", never NULL */
	const char				*check;		/* of the service, a parameter */
	bool					 off;		/* checktype = off */
	struct inventory_service		*service;
	const struct inventory_service		*stored;	/* its row of the store, or NULL */
	json_t					*params;	/* of the service */
	const char				*forward;	/* of the service; NULL: none yet */
	bool					 no_memory;
};

/* -- ldirectord_convert.c ---------------------------------------------------------------- */

/* Prints a message about a line. */
void conv_remark(const struct conversion *c, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Reports something that the inventory lacks, and counts it. */
void conv_leave_out(const struct conversion *c, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Returns the setting, its text, or 'otherwise' without one. */
const struct ldirectord_value *conv_value_of(const struct conversion *c,
    enum ldirectord_key key);
const char *conv_text_of(const struct conversion *c, enum ldirectord_key key,
    const char *otherwise);
/* Returns the line of a setting, or of the virtual service if it has none. */
int conv_line_of(const struct conversion *c, enum ldirectord_key key);

/* Adds a parameter to a row. A value that is not valid for lbcluster is reported. */
void conv_param_add(struct conversion *c, json_t *params, enum param_depth depth, int line,
    const char *name, const char *value);
/* The same for a parameter of the service. */
void conv_service_add(struct conversion *c, int line, const char *name, const char *value);
/* Adds a parameter of the service that a setting has as it is, if the setting is given. */
void conv_setting_add(struct conversion *c, const char *name, enum ldirectord_key key);

/* -- ldirectord_check.c ------------------------------------------------------------------ */

/* Chooses the check of the service and adds its parameters. */
void conv_check_add(struct conversion *c);

/* True for a check by HTTP, and for one that needs a port. */
bool conv_is_http(const struct conversion *c);
bool conv_uses_port(const struct conversion *c);

/* Add the path of a request, which ldirectord completes with a slash, and the text that the
 * regular expression 'receive' describes. */
void conv_path_add(struct conversion *c, json_t *params, enum param_depth depth, int line,
    const char *request);
void conv_expect_add(struct conversion *c, json_t *params, enum param_depth depth, int line,
    const char *receive);

#endif
