/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * An inventory in memory: clusters, their services, their real services, as an
 * inventory file or the store has them. It comes from either, goes to a file, and
 * two of them are compared to load one over the other.
 */
#ifndef CTL_INVENTORY_H
#define CTL_INVENTORY_H

#include <stdbool.h>
#include <stdio.h>

#include "conf/diagnostics.h"
#include "model/model.h"
#include "store/store.h"

/* 'name' comes first: the trees of names look there. 'line' is where a row begins
 * in its file, 'id' its number in the store; 0 if it has none. Texts are never
 * NULL once a row is complete. */
struct inventory_real {
	char			*name;
	struct inventory_real	*next;
	char			*address, *port;
	/* False: the source does not say it. What is stored stays; a new row has "". */
	bool			 address_given, port_given;
	uint32_t		 id;
	uint32_t		 weight;
	bool			 fallback, enabled;
	bool			 pending;	/* jobs of it have not ended */
	int			 line, weight_line, fallback_line;
};

struct inventory_service {
	char				*name;
	struct inventory_service	*next;
	char				*address, *port;
	enum protocol			 protocol;
	bool				 address_given, port_given, protocol_given;
	uint32_t			 id;
	int				 line;
	struct inventory_real		*reals, **reals_end;	/* in their order */
	void				*by_name;
};

struct inventory_cluster {
	char				*name;
	struct inventory_cluster	*next;
	char				*plane;
	char				*params;	/* JSON, its keys sorted */
	uint32_t			 id;
	int				 line;
	struct inventory_service	*services, **services_end;
	void				*by_name;
};

struct inventory {
	struct inventory_cluster	*clusters, **clusters_end;
	void				*by_name;
	size_t				 rows;		/* of all three kinds */
};

/* NULL without memory. */
struct inventory *inventory_new(void);
void inventory_free(struct inventory *inventory);

/* Adds a row with defaults. A second one of the same name is in the list and not
 * in the tree. NULL without memory. */
struct inventory_cluster *inventory_add_cluster(struct inventory *inventory, const char *name);
struct inventory_service *inventory_add_service(struct inventory *inventory,
    struct inventory_cluster *cluster, const char *name);
struct inventory_real *inventory_add_real(struct inventory *inventory,
    struct inventory_service *service, const char *name);

/* NULL if there is none. */
struct inventory_cluster *inventory_cluster(const struct inventory *inventory,
    const char *name);
struct inventory_service *inventory_service(const struct inventory_cluster *cluster,
    const char *name);
struct inventory_real *inventory_real(const struct inventory_service *service,
    const char *name);

/* The fallback of a service; NULL if it has none. */
struct inventory_real *inventory_fallback(const struct inventory_service *service);

/* -- a file --------------------------------------------------------------------- */

/* Reads and checks an inventory file ("-": the standard input). ERR_INVALID: it is
 * not right, and *diagnostics says why; other errors have their words in 'err'.
 * Warnings are in *diagnostics with ERR_OK as well. Not for use by several threads:
 * libConfuse's lexer is not either. */
enum err_code inventory_read(const char *file, struct inventory **ret,
    struct diagnostics *diagnostics, struct err *err);

/* Writes it as a file that inventory_read() takes. False: some parameters of a
 * plane cannot be written, and 'err' says which. */
bool inventory_write(const struct inventory *inventory, FILE *file, struct err *err);

/* -- the store ------------------------------------------------------------------ */

/* What the store has at or below 'path' (NULL: all), with the rows above it. In a
 * transaction or of a store_snapshot(), so that it is of one moment. */
enum err_code inventory_from_store(struct store *store, const struct path *path,
    struct inventory **ret, struct err *err);

#endif
