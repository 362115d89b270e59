/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The rules of the data planes for an inventory of a file or of the store.
 */
#include "ctl/inventory.h"

#include <stdlib.h>

static bool
service_copy(const struct inventory_cluster *cluster, struct inventory_service *service,
    struct rules_service *ret)
{
	struct rules_real *reals;
	size_t n = 0;

	for (struct inventory_real *real = service->reals; real != NULL; real = real->next)
		n++;
	reals = calloc(n + 1, sizeof(*reals));
	if (reals == NULL)
		return false;
	*ret = (struct rules_service){ .plane = cluster->plane, .cluster = cluster->name,
	    .name = service->name, .address = service->address, .port = service->port,
	    .params = service->params, .protocol = service->protocol, .reals = reals, .n = n,
	    .owner = service };
	n = 0;
	for (struct inventory_real *real = service->reals; real != NULL; real = real->next)
		reals[n++] = (struct rules_real){ .name = real->name, .address = real->address,
		    .port = real->port, .params = real->params, .owner = real };
	return true;
}

enum err_code
inventory_judge(const struct inventory *inventory, rules_report_fn report, void *arg,
    struct err *err)
{
	const struct inventory_cluster *cluster;
	struct inventory_service *service;
	struct rules_service *services;
	enum err_code code = ERR_OK;
	size_t n = 0;

	for (cluster = inventory->clusters; cluster != NULL; cluster = cluster->next)
		for (service = cluster->services; service != NULL;
		    service = service->next)
			n++;
	services = calloc(n + 1, sizeof(*services));
	n = 0;
	for (cluster = inventory->clusters; cluster != NULL && services != NULL;
	    cluster = cluster->next)
		for (service = cluster->services; service != NULL &&
		    code == ERR_OK; service = service->next)
			if (service_copy(cluster, service, &services[n]))
				n++;
			else
				code = ERR_NOMEM;
	if (code == ERR_OK)
		code = services == NULL ? ERR_NOMEM : plane_rules_judge(services, n, report, arg);
	for (size_t i = 0; i < n; i++)
		free((void *)(uintptr_t)services[i].reals);
	free(services);
	return code == ERR_OK ? ERR_OK : err_set(err, code, "%s", err_name(code));
}
