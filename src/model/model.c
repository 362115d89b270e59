/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "model/model.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "util/memory.h"

const char *const stat_number_names[STAT_NUMBERS] = {
	[STAT_ACTIVE_CONNECTIONS] = "active_connections",
	[STAT_INACTIVE_CONNECTIONS] = "inactive_connections",
	[STAT_PERSISTENT_CONNECTIONS] = "persistent_connections",
	[STAT_CONNECTIONS_PER_SECOND] = "connections_per_second",
	[STAT_BPS_IN] = "bps_in",
	[STAT_BPS_OUT] = "bps_out",
	[STAT_PPS_IN] = "pps_in",
	[STAT_PPS_OUT] = "pps_out",
	[STAT_TOTAL_CONNECTIONS] = "total_connections",
	[STAT_TOTAL_PACKETS_IN] = "total_packets_in",
	[STAT_TOTAL_PACKETS_OUT] = "total_packets_out",
	[STAT_TOTAL_OCTETS_IN] = "total_octets_in",
	[STAT_TOTAL_OCTETS_OUT] = "total_octets_out",
	[STAT_CONNECTION_ERRORS] = "connection_errors",
	[STAT_RESPONSE_ERRORS] = "response_errors",
	[STAT_REQUESTS] = "requests",
	[STAT_HTTP_4XX] = "http_4xx",
	[STAT_HTTP_5XX] = "http_5xx",
	[STAT_CHECK_FAILURES] = "check_failures",
	[STAT_CONNECTION_LIMIT] = "connection_limit",
	[STAT_QUEUED_CONNECTIONS] = "queued_connections",
	[STAT_RESPONSE_TIME_MS] = "response_time_ms",
	[STAT_CONNECT_TIME_MS] = "connect_time_ms",
	[STAT_QUEUE_TIME_MS] = "queue_time_ms",
	[STAT_CHECK_CODE] = "check_code",
	[STAT_CHECK_DURATION_MS] = "check_duration_ms",
};

static const char *const plane_statuses[] = {
	[PLANE_STATUS_NONE] = "none",
	[PLANE_STATUS_OK] = "ok",
	[PLANE_STATUS_UNREACHABLE] = "unreachable",
	[PLANE_STATUS_FAILING] = "failing",
	[PLANE_STATUS_UNATTENDED] = "unattended",
};

static const char *const protocols[] = {
	[PROTOCOL_OTHER] = "other",
	[PROTOCOL_TCP] = "tcp",
	[PROTOCOL_UDP] = "udp",
	[PROTOCOL_SCTP] = "sctp",
};

/* A column, and the operations that set it to 0 and to another value. */
static const struct {
	const char		*name;
	enum job_operation	 to_zero, to_other;
} columns[] = {
	[REAL_ENABLED] = { "enabled", JOB_DISABLE, JOB_ENABLE },
	[REAL_FALLBACK] = { "fallback", JOB_DISABLE_FALLBACK, JOB_ENABLE_FALLBACK },
	[REAL_WEIGHT] = { "weight", JOB_SET_WEIGHT, JOB_SET_WEIGHT },
	[SERVICE_ENABLED] = { "enabled", JOB_DISABLE_SERVICE, JOB_ENABLE_SERVICE },
};

/* The methods of cluster.real_service in the original API, and enable and disable of
 * cluster.service. */
static const char *const operations[] = {
	[JOB_ENABLE] = "enable",
	[JOB_DISABLE] = "disable",
	[JOB_ENABLE_FALLBACK] = "enable_fallback",
	[JOB_DISABLE_FALLBACK] = "disable_fallback",
	[JOB_SET_WEIGHT] = "set_weight",
	[JOB_ENABLE_SERVICE] = "enable_service",
	[JOB_DISABLE_SERVICE] = "disable_service",
};

static const struct {
	const char	*name;
	bool		 open;
} states[] = {
	[JOB_HELD] = { "queued", true },
	[JOB_QUEUED] = { "queued", true },
	[JOB_RUNNING] = { "running", true },
	[JOB_SUCCEEDED] = { "succeeded", false },
	[JOB_FAILED] = { "failed", false },
	[JOB_CANCELLED] = { "cancelled", false },
	[JOB_SUPERSEDED] = { "superseded", false },
};

#define IN(state) (1u << (state))
#define WITH_DRIVER (IN(JOB_QUEUED) | IN(JOB_RUNNING))
#define OPEN (IN(JOB_HELD) | WITH_DRIVER)

const struct job_transition job_transitions[] = {
	{ "released", IN(JOB_HELD), JOB_QUEUED, 0, NULL },
	{ "undone", IN(JOB_HELD), JOB_CANCELLED, 0, "undone: the SET failed" },
	/* The release would make a second fallback: another program changed the service. */
	{ "refused", IN(JOB_HELD), JOB_FAILED, JOB_CAUSE_REJECTED,
	  "another real service of the service has become fallback" },
	{ "recorded", OPEN, JOB_SUCCEEDED, 0, JOB_MESSAGE_RECORDED },
	{ "superseded", OPEN, JOB_SUPERSEDED, 0, JOB_MESSAGE_SUPERSEDED },
	{ "claimed", IN(JOB_QUEUED), JOB_RUNNING, 0, NULL },
	{ "requeued", IN(JOB_RUNNING), JOB_QUEUED, 0, NULL },
	{ "done", WITH_DRIVER, JOB_SUCCEEDED, JOB_CAUSE_NONE, NULL },
	{ "failed", WITH_DRIVER, JOB_FAILED, 0, NULL },
	/* By trigger real_service_jobs of the store; service_jobs writes "service removed". */
	{ "removed", OPEN, JOB_CANCELLED, 0, "real service removed" },
	{ NULL, 0, 0, 0, NULL },
};

static const char *const causes[] = {
	[JOB_CAUSE_NONE] = "none",
	[JOB_CAUSE_NOT_FOUND] = "notFound",
	[JOB_CAUSE_REJECTED] = "rejected",
	[JOB_CAUSE_UNREACHABLE] = "unreachable",
	[JOB_CAUSE_TIMEOUT] = "timeout",
	[JOB_CAUSE_OTHER] = "other",
};

/* All kinds of data planes. HACKING, "A data plane", says what else a kind needs. */
static const struct plane_kind plane_kinds[] = {
	{ "none", MODEL_WEIGHT_MAX, "lbcluster-checks", "the real services", PLANE_CHECKS_GIVEN },
	{ "haproxy", 256, "lbcluster-haproxy", "HAProxy", PLANE_CHECKS_NONE },
	{ "ipvs", MODEL_WEIGHT_MAX, "lbcluster-ipvs", "IPVS", PLANE_CHECKS_TCP },
};

/* Checks the number, because it may come from a file that another program wrote. */
static const char *
name_of(const char *const names[], size_t n, size_t number)
{
	return number < n && names[number] != NULL ? names[number] : "?";
}

bool
job_state_open(enum job_state state)
{
	return (size_t)state < ROWS(states) && states[state].open;
}

const char *
plane_status_name(enum plane_status status)
{
	return name_of(plane_statuses, ROWS(plane_statuses), status);
}

const char *
protocol_name(enum protocol protocol)
{
	return name_of(protocols, ROWS(protocols), protocol);
}

bool
protocol_parse(const char *text, enum protocol *ret)
{
	for (size_t i = PROTOCOL_OTHER; i < ROWS(protocols); i++) {
		if (strcmp(protocols[i], text) == 0) {
			*ret = (enum protocol)i;
			return true;
		}
	}
	return false;
}

const char *
real_column_name(enum real_column column)
{
	return (size_t)column < ROWS(columns) ? columns[column].name : "?";
}

const char *
job_operation_name(enum job_operation operation)
{
	return name_of(operations, ROWS(operations), operation);
}

const char *
job_state_name(enum job_state state)
{
	return (size_t)state < ROWS(states) ? states[state].name : "?";
}

const char *
job_fail_cause_name(enum job_fail_cause cause)
{
	return name_of(causes, ROWS(causes), cause);
}

enum job_operation
job_operation_for(enum real_column column, uint32_t value)
{
	return value == 0 ? columns[column].to_zero : columns[column].to_other;
}

enum real_column
job_operation_column(enum job_operation operation)
{
	size_t i = 0;

	while (i < ROWS(columns) - 1 && columns[i].to_zero != operation &&
	    columns[i].to_other != operation)
		i++;
	return (enum real_column)i;
}

bool
model_params_check(const char *params)
{
	return strstr(params, MODEL_PARAM_CHECK) != NULL &&
	    strstr(params, MODEL_PARAM_NO_CHECK) == NULL;
}

const struct plane_kind *
plane_kind_find(const char *name)
{
	for (size_t i = 0; i < ROWS(plane_kinds); i++)
		if (strcmp(plane_kinds[i].name, name) == 0)
			return &plane_kinds[i];
	return NULL;
}

const struct plane_kind *
plane_kind_at(size_t i)
{
	return i < ROWS(plane_kinds) ? &plane_kinds[i] : NULL;
}

const char *
plane_kind_names(char buf[PLANE_KIND_NAMES_SIZE])
{
	size_t used = 0;

	for (size_t i = 0; i < ROWS(plane_kinds) && used < PLANE_KIND_NAMES_SIZE; i++)
		used += (size_t)snprintf(buf + used, PLANE_KIND_NAMES_SIZE - used, "%s%s",
		    i == 0 ? "" : ", ", plane_kinds[i].name);
	return buf;
}

/* Does not use isalnum(3), which depends on the locale. */
static bool
name_valid(const char *name, size_t length)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-._";

	return length >= 1 && length <= MODEL_NAME_MAX && strspn(name, allowed) >= length;
}

bool
model_name_valid(const char *name)
{
	return name_valid(name, strlen(name));
}

enum err_code
path_parse(const char *text, struct path *ret, struct err *err)
{
	static const char *const parts[] = { "cluster", "service", "real service" };
	struct path path = { 0 };
	char *const names[] = { path.cluster, path.service, path.real };
	const char *p = text;

	for (size_t i = 0; i < ROWS(parts); i++) {
		size_t length = strcspn(p, "/");

		if (!name_valid(p, length))
			return err_set(err, ERR_INVALID, "\"%.*s\" is not the name of a %s; "
			    "a name is 1 to %d of A-Z a-z 0-9 - . _",
			    length > MODEL_NAME_MAX + 1 ? MODEL_NAME_MAX + 1 : (int)length, p,
			    parts[i], MODEL_NAME_MAX);
		memcpy(names[i], p, length);
		p += length;
		if (*p == '\0') {
			*ret = path;
			return ERR_OK;
		}
		p++;
	}
	return err_set(err, ERR_INVALID, "\"%.*s\" has more than three parts; "
	    "a path is cluster/service/real", MODEL_PATH_MAX, text);
}

uint32_t
model_lock_next(uint32_t lock)
{
	return lock == MODEL_ID_MAX ? 0 : lock + 1;
}

bool
model_name_matches(const char *pattern, const char *name)
{
	return pattern[0] == '\0' || fnmatch(pattern, name, 0) == 0;
}

bool
path_is_pattern(const struct path *path)
{
	const char *const names[] = { path->cluster, path->service, path->real };

	for (size_t i = 0; i < ROWS(names); i++) {
		if (strpbrk(names[i], "*?[") != NULL)
			return true;
	}
	return false;
}

bool
path_matches(const struct path *pattern, const struct path *path)
{
	return model_name_matches(pattern->cluster, path->cluster) &&
	    model_name_matches(pattern->service, path->service) &&
	    model_name_matches(pattern->real, path->real);
}

const char *
path_text(const struct path *path, char buf[PATH_TEXT_SIZE])
{
	snprintf(buf, PATH_TEXT_SIZE, "%s%s%s%s%s", path->cluster,
	    path->service[0] != '\0' ? "/" : "", path->service,
	    path->real[0] != '\0' ? "/" : "", path->real);
	return buf;
}
