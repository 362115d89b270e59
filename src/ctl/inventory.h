/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * An inventory in memory: clusters, their services and their real services. It is read from an
 * inventory file or from the store, written to a file, and merged into the store (merge.h).
 */
#ifndef CTL_INVENTORY_H
#define CTL_INVENTORY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "conf/diagnostics.h"
#include "model/model.h"
#include "plane/param_rules.h"
#include "store/store.h"

/* 'name' must be the first member, because the trees of names compare it. 'line' is the line of
 * a row in its file, 'id' its id in the store; 0 if it has none. Texts are never NULL. */
struct inventory_real {
	char			*name;
	struct inventory_real	*next;
	char			*address, *port;
	char			*params;	/* JSON, its keys sorted; "" if none */
	/* False: the source has no value. The stored value does not change; a new row has "". */
	bool			 address_given, port_given, params_given;
	uint32_t		 id;
	uint32_t		 weight;
	bool			 fallback, enabled;
	bool			 pending;	/* it has jobs that have not ended */
	int			 line, weight_line, fallback_line;
};

struct inventory_service {
	char				*name;
	struct inventory_service	*next;
	char				*address, *port;
	char				*params;	/* JSON, its keys sorted; "" if none */
	enum protocol			 protocol;
	bool				 enabled;
	bool				 address_given, port_given, protocol_given, params_given;
	uint32_t			 id;
	int				 line, enabled_line;
	struct inventory_real		*reals, **reals_end;	/* in the order of the source */
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

/* Creates an empty inventory; inventory_free() frees it. NULL without memory. */
struct inventory *inventory_new(void);
void inventory_free(struct inventory *inventory);

/* Add a row with the defaults of an inventory file. A second row of the same name is added to
 * the list but not to the tree. NULL without memory; then only free the inventory. */
struct inventory_cluster *inventory_add_cluster(struct inventory *inventory, const char *name);
struct inventory_service *inventory_add_service(struct inventory *inventory,
    struct inventory_cluster *cluster, const char *name);
struct inventory_real *inventory_add_real(struct inventory *inventory,
    struct inventory_service *service, const char *name);

/* Remove a row, and the rows below it, and free them. */
void inventory_remove_service(struct inventory *inventory, struct inventory_cluster *cluster,
    struct inventory_service *service);
void inventory_remove_real(struct inventory *inventory, struct inventory_service *service,
    struct inventory_real *real);

/* Replaces *text by a JSON object in a normal form: equal parameters are equal texts. False
 * without memory. */
bool inventory_params_set(char **text, const json_t *params);

/* Find a row by its name. NULL if there is none. */
struct inventory_cluster *inventory_cluster(const struct inventory *inventory, const char *name);
struct inventory_service *inventory_service(const struct inventory_cluster *cluster,
    const char *name);
struct inventory_real *inventory_real(const struct inventory_service *service, const char *name);

/* Returns the fallback of a service; NULL if it has none. */
struct inventory_real *inventory_fallback(const struct inventory_service *service);

/* -- a file --------------------------------------------------------------------- */

/* Reads and checks an inventory file ("-": the standard input). The caller frees *ret with
 * inventory_free(). ERR_INVALID: the file has an error, which is in *diagnostics. Other errors have
 * their message in 'err'. *diagnostics may have warnings with ERR_OK too. Only one thread may call
 * it, because libConfuse's lexer is not thread-safe. */
enum err_code inventory_read(const char *file, struct inventory **ret,
    struct diagnostics *diagnostics, struct err *err);

/* Judges the clusters by plane_rules_judge(). The owners are the rows of the inventory.
 * ERR_NOMEM. */
enum err_code inventory_judge(const struct inventory *inventory, rules_report_fn report, void *arg,
    struct err *err);

/* Writes an inventory file that inventory_read() accepts. False if some parameters of a plane
 * cannot be written; 'err' names one. */
bool inventory_write(const struct inventory *inventory, FILE *file, struct err *err);

/* -- the store ------------------------------------------------------------------ */

/* Reads the rows of the store at and below 'path' (NULL: all rows) and the rows above it. Call it
 * within a transaction or after store_snapshot(), so that all rows are of one moment. The caller
 * frees *ret with inventory_free(). Returns the errors of store_each_cluster(), ERR_NOMEM, and
 * ERR_BUSY if the store changed meanwhile. */
enum err_code inventory_from_store(struct store *store, const struct path *path,
    struct inventory **ret, struct err *err);

#endif
