/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command discover: a source fills an inventory, which is printed or loaded. cmd_discover.c
 * has the table of sources. A row that the inventory cannot express is left out with a message.
 */
#ifndef CTL_DISCOVER_H
#define CTL_DISCOVER_H

#include <jansson.h>

#include "ctl/ctl.h"
#include "ctl/inventory.h"
#include "plane/ipvs/ipvs_key.h"
#include "plane/params.h"

struct discovery {
	struct ctl			*ctl;
	const struct discover_source	*source;
	const char			*from;		/* the operand of the source, "" if none */
	void				*state;		/* of the source */
	struct inventory		*inventory;
	struct inventory_cluster	*cluster;
	/* The rows of the store, in diff and for a source with 'keeps_names' and --load; otherwise
	 * NULL. */
	struct inventory		*stored;
	bool				 silent;	/* no messages */
	size_t				 left_out;	/* rows, each with a message */
	size_t				 missing;	/* rows of the store alone */
};

struct discover_source {
	const char	*name;
	const char	*operand;	/* as usage shows it; NULL: none */
	const char	*plane;
	const char	*cluster;	/* the name of the cluster without --cluster */
	const char	*title;		/* for people */
	bool		 keeps_names;	/* of stored rows; --load needs 'stored' then */

	/* Reads the source and sets 'state'. An error has a message in 'err'. */
	enum err_code	(*read)(struct discovery *discovery, struct err *err);
	/* Adds services and real services to the cluster. False without memory. */
	bool		(*rows_add)(struct discovery *discovery);
	/* Frees 'state', after read() succeeded. */
	void		(*done)(struct discovery *discovery);
};

/* Makes the inventory of the source, which has been read, with the cluster 'name'. The caller frees
 * it. 'ctl->store' is open in diff and with --load, otherwise NULL. False without memory. */
bool discover_inventory_make(struct discovery *discovery, const char *name);

/* Prints a message: "FILE:LINE: text", or "lbclusterctl: text" if 'line' is 0. */
void discover_message(const struct discovery *discovery, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

extern const struct discover_source discover_haproxy, discover_ipvs, discover_ldirectord;

/* Returns the row of the store of the cluster that is discovered; NULL if there is none, or without
 * 'stored'. */
const struct inventory_cluster *discover_cluster_stored(const struct discovery *discovery);

/* True if the store says that the server gets no new work: the server or its service is not
 * enabled, or the server is the fallback, which lbcluster holds in reserve. */
bool discover_real_is_out(const struct inventory_service *service,
    const struct inventory_real *real);

/* -- rows of plane ipvs, discover_rows.c ------------------------------------------------------- */

/* Return the row of the store with this endpoint or mark, in the cluster that is discovered. NULL
 * if there is none, or without --load. */
const struct inventory_service *discover_service_stored(const struct discovery *discovery,
    const struct ipvs_key *key);
const struct inventory_real *discover_real_stored(const struct inventory_service *service,
    const struct ipvs_address *address, uint16_t port);

/* Returns the other cluster of the store that has a service with this endpoint or mark. NULL if
 * there is none. */
const struct inventory_cluster *discover_other_cluster(const struct discovery *discovery,
    const struct ipvs_key *key);

/* Adds the stored rows that the kernel lacks because of lbcluster: those that are disabled,
 * fallbacks, and all rows of a service that lbcluster-ipvs made. False without memory. */
bool discover_absent_add(struct discovery *discovery);

/* Add a row with its name, address, port and protocol. Port 0 means that the row has no port. NULL
 * without memory. A row keeps the name, address and port of 'stored'. A new one has the name
 * "tcp-192.0.2.10-80" or "fwmark-7-ipv4", and "10.0.0.11-80", where a colon of an IPv6 address is a
 * hyphen. Different endpoints have different names. */
struct inventory_service *discover_service_add(struct discovery *discovery,
    const struct ipvs_key *key, const struct inventory_service *stored);
struct inventory_real *discover_real_add(struct discovery *discovery,
    struct inventory_service *service, const struct ipvs_address *address, uint16_t port,
    const struct inventory_real *stored);

/* Adds a parameter of plane ipvs to a JSON object. ERR_INVALID with a message that begins with the
 * name of the parameter. ERR_NOMEM. */
enum err_code discover_param_add(json_t *params, enum param_depth depth, const char *name,
    const char *value, struct err *err);

/* Returns the length of the prefix that a netmask in host order has; -1 if the mask has a zero
 * before a one. */
int discover_prefix_length(uint32_t netmask);

/* Stores the parameters of a row, which has none yet. False without memory. */
bool discover_params_set(char **text, const json_t *params);

/* Removes the rows that load would refuse, each with a message, and counts them in 'left_out'.
 * False without memory. */
bool discover_rows_judge(struct discovery *discovery);

#endif
