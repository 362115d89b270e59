/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The rows of a cluster as IPVS needs them; see ipvs_rows.h.
 */
#include "plane/ipvs/ipvs_rows.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/address.h"
#include "plane/param_rules.h"
#include "plane/params.h"
#include "util/digest.h"
#include "util/memory.h"

void
ipvs_rows_done(struct ipvs_rows *rows)
{
	free(rows->services);
	free(rows->reals);
	free(rows->sorted);
	free(rows->by_key);
	*rows = (struct ipvs_rows){ 0 };
}

static int
by_key(const void *a, const void *b)
{
	const struct ipvs_row_place *one = a, *other = b;

	return ipvs_key_compare(&one->key, &other->key);
}

const struct ipvs_row_service *
ipvs_rows_find(const struct ipvs_rows *rows, const struct ipvs_key *key)
{
	const struct ipvs_row_place wanted = { .key = *key }, *found;

	if (rows->n_services == 0)
		return NULL;
	found = bsearch(&wanted, rows->by_key, rows->n_services, sizeof(wanted), by_key);
	return found == NULL ? NULL : &rows->services[found->at];
}

static int
by_endpoint(const void *a, const void *b)
{
	const struct ipvs_dest *one = a, *other = b;

	return ipvs_endpoint_compare(&one->address, one->port, &other->address, other->port);
}

bool
ipvs_rows_have(const struct ipvs_rows *rows, const struct ipvs_row_service *service,
    const struct ipvs_dest *dest)
{
	return service->n > 0 && bsearch(dest, rows->sorted + service->first, service->n,
	    sizeof(*rows->sorted), by_endpoint) != NULL;
}

/* -- rules ------------------------------------------------------------------------------ */

static void
on_broken(void *arg, const struct rules_service *service, const struct rules_real *real,
    const char *text)
{
	struct err *err = arg;

	(void)service;
	(void)real;
	if (err->code == ERR_OK)
		err_set(err, ERR_INVALID, "%.240s", text);
}

static enum err_code
targets_judge(const char *cluster, const struct plane_target *targets, size_t n, struct err *err)
{
	struct rules_service *services = calloc(n + 1, sizeof(*services));
	struct rules_real *reals = calloc(n + 1, sizeof(*reals));
	size_t n_services = 0, n_reals = 0;
	enum err_code code = ERR_NOMEM;

	err->code = ERR_OK;
	for (size_t i = 0; i < n && services != NULL && reals != NULL; i++) {
		const struct plane_target *of = &targets[i];

		if (of->is_service) {
			services[n_services++] = (struct rules_service){ .plane = "ipvs",
			    .cluster = cluster, .name = of->name, .address = of->address,
			    .port = of->port, .params = of->params, .protocol = of->protocol,
			    .reals = reals + n_reals };
			continue;
		}
		reals[n_reals++] = (struct rules_real){ .name = of->name, .address = of->address,
		    .port = of->port, .params = of->params };
		services[n_services - 1].n++;
	}
	if (services != NULL && reals != NULL)
		code = plane_rules_judge(services, n_services, on_broken, err);
	free(services);
	free(reals);
	if (code != ERR_OK)
		return err_set(err, code, "out of memory for the rows");
	return err->code;
}

/* -- rows ------------------------------------------------------------------------------- */

static uint64_t
text_digest(uint64_t digest, const char *text)
{
	return digest_add(digest, text, strlen(text) + 1);
}

/* Of all that the rows are made of, but for the settings. */
static uint64_t
targets_digest(const struct plane_target *targets, size_t n)
{
	uint64_t digest = DIGEST_EMPTY;

	for (size_t i = 0; i < n; i++) {
		const struct plane_target *of = &targets[i];

		digest = digest_add(digest, &of->id, sizeof(of->id));
		digest = digest_add(digest, &of->is_service, sizeof(of->is_service));
		digest = digest_add(digest, &of->protocol, sizeof(of->protocol));
		digest = text_digest(text_digest(digest, of->name), of->address);
		digest = text_digest(text_digest(digest, of->port), of->params);
	}
	return digest;
}

static uint16_t
protocol_number(enum protocol protocol)
{
	return protocol == PROTOCOL_UDP ? IPPROTO_UDP :
	    protocol == PROTOCOL_SCTP ? IPPROTO_SCTP : IPPROTO_TCP;
}

/* sh and mh refuse the clients of a server with weight 0 without their fallback flag, which is
 * SCHED1 for both. SCHED2 adds the port to the hash. */
static uint32_t
flags_of(const struct params *params)
{
	bool hash = params->scheduler == PARAM_SH || params->scheduler == PARAM_MH;

	return (params->persistence > 0 ? IP_VS_SVC_F_PERSISTENT : 0) |
	    (params->one_packet ? IP_VS_SVC_F_ONEPACKET : 0) |
	    (hash ? IP_VS_SVC_F_SCHED1 : 0) |
	    (hash && params->hash_port ? IP_VS_SVC_F_SCHED2 : 0);
}

static enum err_code
service_make(const struct plane_target *of, struct ipvs_service *ret, struct err *err)
{
	struct params params;

	if (params_service("ipvs", of->params, of->protocol, &params, err) != ERR_OK)
		return err->code;
	*ret = (struct ipvs_service){ .flags = flags_of(&params), .timeout_s = params.persistence };
	if (params.fwmark != 0) {
		ret->key.fwmark = params.fwmark;
		ret->key.address.family = params.family == PARAM_IPV6 ? AF_INET6 : AF_INET;
	} else {
		(void)ipvs_address_parse(of->address, &ret->key.address);
		ret->key.protocol = protocol_number(of->protocol);
		ret->key.port = address_port(of->port);
	}
	snprintf(ret->scheduler, sizeof(ret->scheduler), "%s", param_schedulers[params.scheduler]);
	ret->netmask = ipvs_netmask(ret->key.address.family, params.persistence_mask);
	return ERR_OK;
}

static uint32_t
forward_of(const struct params *params)
{
	return params->forward == PARAM_DR ? IP_VS_CONN_F_DROUTE :
	    params->forward == PARAM_TUNNEL ? IP_VS_CONN_F_TUNNEL : IP_VS_CONN_F_MASQ;
}

static enum err_code
real_make(const struct plane_target *of, const struct plane_target *of_service,
    const struct ipvs_service *service, struct ipvs_dest *ret, struct err *err)
{
	struct params params;

	if (params_real("ipvs", of_service->params, of->params, of_service->protocol, &params,
	    err) != ERR_OK)
		return err->code;
	*ret = (struct ipvs_dest){ .forward = forward_of(&params), .port = address_port(of->port),
	    .upper = params.max_connections, .lower = params.min_connections };
	if (ret->port == 0)
		ret->port = service->key.port;
	(void)ipvs_address_parse(of->address, &ret->address);
	return ERR_OK;
}

static int
by_id(const void *a, const void *b)
{
	const struct ipvs_row *one = a, *other = b;

	return one->id < other->id ? -1 : one->id > other->id;
}

/* Takes over what the plane remembers of the earlier rows, which it sorts by id. A row with another
 * endpoint is another destination. */
static void
memory_keep(struct ipvs_rows *earlier, struct ipvs_rows *rows)
{
	for (size_t i = 0; i < rows->n_services && earlier->n_services > 0; i++) {
		const struct ipvs_row_service *before = ipvs_rows_find(earlier,
		    &rows->services[i].service.key);

		if (before != NULL)
			rows->services[i].totals = before->totals;
	}
	if (earlier->n_reals == 0)
		return;
	qsort(earlier->reals, earlier->n_reals, sizeof(*earlier->reals), by_id);
	for (size_t i = 0; i < rows->n_reals; i++) {
		struct ipvs_row *row = &rows->reals[i];
		const struct ipvs_row *before = bsearch(row, earlier->reals, earlier->n_reals,
		    sizeof(*row), by_id);

		if (before == NULL || ipvs_endpoint_compare(&row->dest.address, row->dest.port,
		    &before->dest.address, before->dest.port) != 0)
			continue;
		row->commanded = before->commanded;
		row->state = before->state;
		row->totals = before->totals;
	}
}

static enum err_code
rows_make(struct ipvs_rows *rows, const struct plane_target *targets, size_t n, struct err *err)
{
	const struct plane_target *of_service = targets;
	struct ipvs_row_service *service = NULL;
	enum err_code code = ERR_OK;

	rows->services = calloc(n + 1, sizeof(*rows->services));
	rows->reals = calloc(n + 1, sizeof(*rows->reals));
	rows->sorted = calloc(n + 1, sizeof(*rows->sorted));
	rows->by_key = calloc(n + 1, sizeof(*rows->by_key));
	if (rows->services == NULL || rows->reals == NULL || rows->sorted == NULL ||
	    rows->by_key == NULL)
		return err_set(err, ERR_NOMEM, "out of memory for the rows");
	for (size_t i = 0; i < n && code == ERR_OK; i++) {
		struct ipvs_row *row = &rows->reals[rows->n_reals];

		if (targets[i].is_service) {
			of_service = &targets[i];
			service = &rows->services[rows->n_services++];
			service->first = rows->n_reals;
			service->udp = of_service->protocol == PROTOCOL_UDP;
			code = service_make(of_service, &service->service, err);
		} else if (service != NULL) {
			rows->n_reals++;
			service->n++;
			row->id = targets[i].id;
			row->service = rows->n_services - 1;
			code = real_make(&targets[i], of_service, &service->service, &row->dest,
			    err);
			rows->sorted[rows->n_reals - 1] =
			    (struct ipvs_row_endpoint){ row->dest, rows->n_reals - 1 };
		}
	}
	for (size_t i = 0; i < rows->n_services; i++) {
		rows->by_key[i] =
		    (struct ipvs_row_place){ rows->services[i].service.key, i };
		qsort(rows->sorted + rows->services[i].first, rows->services[i].n,
		    sizeof(*rows->sorted), by_endpoint);
	}
	qsort(rows->by_key, rows->n_services, sizeof(*rows->by_key), by_key);
	return code;
}

void
ipvs_rows_settings_set(struct ipvs_rows *rows, const struct plane_target *targets, size_t n)
{
	size_t services = 0, reals = 0;

	rows->changed = false;
	for (size_t i = 0; i < n; i++) {
		if (targets[i].is_service) {
			rows->changed |= rows->services[services].enabled != targets[i].enabled;
			rows->services[services].drain_ms = targets[i].drain_ms;
			rows->services[services++].enabled = targets[i].enabled;
			continue;
		}
		rows->reals[reals].dest.weight = targets[i].weight;
		rows->reals[reals++].fallback = targets[i].fallback;
	}
}

enum err_code
ipvs_rows_set(struct ipvs_rows *rows, const char *cluster, const struct plane_target *targets,
    size_t n, struct err *err)
{
	struct ipvs_rows earlier, made = { .digest = targets_digest(targets, n) };
	bool same = rows->services != NULL && rows->digest == made.digest;
	enum err_code code;

	if (!same) {
		code = targets_judge(cluster, targets, n, err);
		if (code == ERR_OK)
			code = rows_make(&made, targets, n, err);
		if (code != ERR_OK) {
			ipvs_rows_done(&made);
			return code;
		}
		memory_keep(rows, &made);
		earlier = *rows;
		*rows = made;
		ipvs_rows_done(&earlier);
	}
	ipvs_rows_settings_set(rows, targets, n);
	rows->changed |= !same;
	return ERR_OK;
}
