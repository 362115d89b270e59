/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "driver/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "check/checks.h"
#include "model/address.h"
#include "plane/params.h"
#include "util/clock.h"
#include "util/idmap.h"
#include "util/memory.h"

struct health_entry {
	uint32_t			 id, cluster_id;
	char				*problem;	/* why there is no check; NULL: none */
	uint32_t			 slow_start_s;
	int64_t				 idle_ms;	/* when it last did not serve; 0: never */
	TAILQ_ENTRY(health_entry)	 link;
};

struct health {
	const char			*kind;
	struct checks			*checks;	/* NULL: the kind has no checks */
	struct idmap			 by_id;
	TAILQ_HEAD(, health_entry)	 entries;
};

/* -- the specification of a check ------------------------------------------------------- */

static const enum check_kind kind_of_param[] = {
	[PARAM_CHECK_CONNECT] = CHECK_CONNECT,
	[PARAM_CHECK_HTTP] = CHECK_HTTP,
	[PARAM_CHECK_HTTPS] = CHECK_HTTPS,
	[PARAM_CHECK_COMMAND] = CHECK_COMMAND,
};

static struct check_spec
spec_of(const struct health_real *real, const struct params *params)
{
	struct check_spec spec = {
		.kind = kind_of_param[params->check],
		.method = params->check_method == PARAM_HEAD ? CHECK_HEAD : CHECK_GET,
		.interval_ms = params->check_interval_ms,
		.retry_ms = params->check_retry_ms,
		.timeout_ms = params->check_timeout_ms,
		.rise = params->check_rise,
		.fall = params->check_fall,
		.port = params->check_port != 0 ? (uint16_t)params->check_port :
		    address_port(real->port),
		.service_port = address_port(real->service_port),
		.verify = params->check_verify,
		.damping = params->damping,
		.text = {
			[CHECK_ADDRESS] = params->check_address[0] != '\0' ?
			    params->check_address : real->address,
			[CHECK_PATH] = params->check_path,
			[CHECK_HOST] = params->check_host,
			[CHECK_EXPECT] = params->check_expect,
			[CHECK_FILE] = params->check_command,
			[CHECK_SERVICE_ADDRESS] = real->service_address,
			[CHECK_CLUSTER_NAME] = real->cluster_name,
			[CHECK_SERVICE_NAME] = real->service_name,
			[CHECK_REAL_NAME] = real->name,
		},
	};

	for (size_t i = 0; i < ROWS(spec.status); i++)
		spec.status[i] = (struct check_range){ params->check_status[i].from,
		    params->check_status[i].to };
	return spec;
}

/* -- entries ---------------------------------------------------------------------------- */

static void
entry_free(struct health *health, struct health_entry *entry)
{
	checks_remove(health->checks, entry->id);
	idmap_remove(&health->by_id, entry->id);
	TAILQ_REMOVE(&health->entries, entry, link);
	free(entry->problem);
	free(entry);
}

/* NULL without memory. */
static struct health_entry *
entry_new(struct health *health, uint32_t id)
{
	struct health_entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return NULL;
	entry->id = id;
	if (!idmap_put(&health->by_id, id, entry)) {
		free(entry);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&health->entries, entry, link);
	return entry;
}

/* Makes the check of the entry from the row. A row that gives no check gets a problem. */
static enum err_code
entry_check(struct health *health, struct health_entry *entry, const struct health_real *real,
    bool serves, struct err *err)
{
	struct check_spec spec;
	struct params params;
	enum err_code code;
	struct err problem;

	code = params_real(health->kind, real->service_params, real->params, real->protocol,
	    &params, &problem);
	entry->slow_start_s = code == ERR_OK ? params.slow_start : 0;
	free(entry->problem);
	entry->problem = NULL;
	if (code == ERR_OK && params.check == PARAM_CHECK_NONE) {
		checks_remove(health->checks, entry->id);
		return ERR_OK;
	}
	if (code == ERR_OK) {
		spec = spec_of(real, &params);
		code = checks_set(health->checks, entry->id, &spec, serves, &problem);
	}
	if (code != ERR_INVALID)
		return code == ERR_OK ? ERR_OK : err_set(err, code, "%s", problem.text);
	checks_remove(health->checks, entry->id);
	return memory_string_assign(&entry->problem, problem.text) ? ERR_OK :
	    err_set(err, ERR_NOMEM, "out of memory");
}

bool
health_is_used(const struct health *health)
{
	return health != NULL && health->checks != NULL;
}

enum err_code
health_set(struct health *health, const struct health_real *real, bool serves, struct err *err)
{
	struct health_entry *entry = idmap_get(&health->by_id, real->id);

	if (health->checks == NULL)
		return ERR_OK;
	if (entry == NULL && (entry = entry_new(health, real->id)) == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	entry->cluster_id = real->cluster_id;
	health_serves(health, real->id, serves);
	return entry_check(health, entry, real, serves, err);
}

void
health_serves(struct health *health, uint32_t real_id, bool serves)
{
	struct health_entry *entry = idmap_get(&health->by_id, real_id);

	if (entry != NULL && !serves)
		entry->idle_ms = clock_steady_ms();
}

void
health_remove(struct health *health, uint32_t real_id)
{
	struct health_entry *entry = idmap_get(&health->by_id, real_id);

	if (entry != NULL)
		entry_free(health, entry);
}

void
health_cluster_remove(struct health *health, uint32_t cluster_id)
{
	struct health_entry *entry, *next;

	for (entry = TAILQ_FIRST(&health->entries); entry != NULL; entry = next) {
		next = TAILQ_NEXT(entry, link);
		if (entry->cluster_id == cluster_id)
			entry_free(health, entry);
	}
}

/* -- results ---------------------------------------------------------------------------- */

void
health_get(const struct health *health, uint32_t real_id, struct health_result *ret)
{
	static const enum health_state states[] = {
		[CHECK_UNKNOWN] = HEALTH_UNKNOWN,
		[CHECK_UP] = HEALTH_UP,
		[CHECK_DOWN] = HEALTH_DOWN,
	};
	const struct health_entry *entry = idmap_get(&health->by_id, real_id);
	struct check_result result;

	ret->state = HEALTH_NONE;
	ret->since_s = 0;
	ret->message[0] = '\0';
	if (entry == NULL)
		return;
	if (checks_result(health->checks, real_id, &result)) {
		ret->state = states[result.state];
		ret->since_s = result.since_s;
		snprintf(ret->message, sizeof(ret->message), "%s", result.message);
	} else if (entry->problem != NULL) {
		snprintf(ret->message, sizeof(ret->message), "not checked: %.240s",
		    entry->problem);
	}
}

uint32_t
health_weight(const struct health *health, uint32_t real_id, uint32_t weight)
{
	const struct health_entry *entry = idmap_get(&health->by_id, real_id);

	if (entry == NULL || entry->idle_ms == 0)
		return weight;
	return check_ramp(weight, clock_steady_ms() - entry->idle_ms, entry->slow_start_s);
}

/* -- start and end ---------------------------------------------------------------------- */

enum err_code
health_new(struct loop *loop, const char *kind, const struct check_ops *const *kinds,
    const char *command_dir, health_changed_fn changed, void *arg, struct health **ret,
    struct err *err)
{
	struct health *health = calloc(1, sizeof(*health));
	enum err_code code;

	if (health == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	TAILQ_INIT(&health->entries);
	health->kind = kind;
	if (kinds != NULL && (code = checks_new(loop, kinds, command_dir, changed, arg,
	    &health->checks, err)) != ERR_OK) {
		free(health);
		return code;
	}
	*ret = health;
	return ERR_OK;
}

void
health_free(struct health *health)
{
	struct health_entry *entry;

	if (health == NULL)
		return;
	while ((entry = TAILQ_FIRST(&health->entries)) != NULL)
		entry_free(health, entry);
	checks_free(health->checks);
	idmap_done(&health->by_id);
	free(health);
}
