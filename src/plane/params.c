/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The table of parameters; see params.h.
 */
#include "plane/params.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "model/address.h"
#include "util/memory.h"
#include "util/num.h"

/* -- the table ---------------------------------------------------------------------- */

static const char *const foreign_names[] = { "restore", "keep", NULL };
static const char *const manage_names[] = { "all", "settings", NULL };
static const char *const forward_names[] = { "nat", "dr", "tunnel", NULL };
static const char *const family_names[] = { "ipv4", "ipv6", NULL };
static const char *const failure_names[] = { "remove", "drain", NULL };
static const char *const check_names[] = { "none", "connect", "http", "https", "command", NULL };
static const char *const method_names[] = { "GET", "HEAD", NULL };

const char *const param_schedulers[] = { "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh",
	"mh", "sed", "nq", "fo", "ovf", NULL };

enum {
	PERSISTENCE_MAX_S = 2678400,	/* 31 days, the limit of ipvsadm(8) */
	CONNECTIONS_MAX = 2147483647,
	TIME_MIN_MS = 100, TIME_MAX_MS = 3600000,
};

#define MEMBER(member)                                                         \
	.offset = offsetof(struct params, member), .size = sizeof(((struct params *)0)->member)
#define NUMBER(member, least, most, otherwise)                                 \
	PARAM_NUMBER, MEMBER(member), .min = (least), .max = (most), .value = (otherwise)
#define SECONDS(member, otherwise)                                             \
	PARAM_SECONDS, MEMBER(member), .min = TIME_MIN_MS, .max = TIME_MAX_MS,  \
	.value = (otherwise)
#define BOOL(member) PARAM_BOOL, MEMBER(member), .value = "no"
#define CHOICE(member, names, otherwise)                                       \
	PARAM_CHOICE, MEMBER(member), .choices = (names), .value = (otherwise)
#define TEXT(type, member) type, MEMBER(member)

/* Kinds whose driver checks real services; see struct plane_kind. */
#define CHECKED NULL
#define BOTH (PARAM_SERVICE | PARAM_REAL)

const struct param_key param_keys[] = {
	{ "socket", PARAM_CLUSTER, "haproxy", .type = PARAM_SOCKET },
	{ "foreign-changes", PARAM_CLUSTER, "haproxy",
	    CHOICE(foreign_changes, foreign_names, "restore") },
	{ "manage", PARAM_CLUSTER, "ipvs", CHOICE(manage, manage_names, "all") },

	{ "scheduler", PARAM_SERVICE, "ipvs", CHOICE(scheduler, param_schedulers, "wlc") },
	{ "forward", BOTH, "ipvs", CHOICE(forward, forward_names, "nat") },
	{ "persistence", PARAM_SERVICE, "ipvs", NUMBER(persistence, 0, PERSISTENCE_MAX_S, "0") },
	{ "persistence-mask", PARAM_SERVICE, "ipvs", NUMBER(persistence_mask, 1, 128, NULL) },
	{ "fwmark", PARAM_SERVICE, "ipvs", NUMBER(fwmark, 1, UINT32_MAX, NULL) },
	{ "family", PARAM_SERVICE, "ipvs", CHOICE(family, family_names, "ipv4") },
	{ "one-packet", PARAM_SERVICE, "ipvs", BOOL(one_packet) },
	{ "hash-port", PARAM_SERVICE, "ipvs", BOOL(hash_port) },
	{ "on-failure", PARAM_SERVICE, "ipvs", CHOICE(on_failure, failure_names, "remove") },
	{ "drain-time", PARAM_SERVICE, "ipvs", NUMBER(drain_time, 0, 86400, "0") },
	{ "slow-start", PARAM_SERVICE, "ipvs", NUMBER(slow_start, 0, 3600, "0") },
	{ "max-connections", PARAM_REAL, "ipvs", NUMBER(max_connections, 0, CONNECTIONS_MAX, "0") },
	{ "min-connections", PARAM_REAL, "ipvs", NUMBER(min_connections, 0, CONNECTIONS_MAX, "0") },

	{ "check", BOTH, CHECKED, CHOICE(check, check_names, NULL) },
	{ "check-port", BOTH, CHECKED, NUMBER(check_port, 1, UINT16_MAX, NULL) },
	{ "check-address", BOTH, CHECKED, TEXT(PARAM_ADDRESS, check_address) },
	{ "check-path", BOTH, CHECKED, TEXT(PARAM_WORD, check_path), .value = "/", .begin = "/" },
	{ "check-host", BOTH, CHECKED, TEXT(PARAM_WORD, check_host) },
	{ "check-method", BOTH, CHECKED, CHOICE(check_method, method_names, "GET") },
	{ "check-status", BOTH, CHECKED, TEXT(PARAM_STATUS, check_status), .value = "200-399" },
	{ "check-expect", BOTH, CHECKED, TEXT(PARAM_TEXT, check_expect) },
	{ "check-verify", BOTH, CHECKED, BOOL(check_verify) },
	{ "check-command", BOTH, CHECKED, TEXT(PARAM_NAME, check_command) },
	{ "check-interval", PARAM_SERVICE, CHECKED, SECONDS(check_interval_ms, "5") },
	{ "check-retry", PARAM_SERVICE, CHECKED, SECONDS(check_retry_ms, "1") },
	{ "check-timeout", PARAM_SERVICE, CHECKED, SECONDS(check_timeout_ms, "2") },
	{ "check-rise", PARAM_SERVICE, CHECKED, NUMBER(check_rise, 1, 100, "2") },
	{ "check-fall", PARAM_SERVICE, CHECKED, NUMBER(check_fall, 1, 100, "3") },
	{ "damping", PARAM_SERVICE, CHECKED, BOOL(damping) },
	{ .name = NULL },
};

const struct param_key *
param_key_find(enum param_depth depth, const char *name)
{
	const struct param_key *key = param_keys;

	while (key->name != NULL &&
	    ((key->depths & depth) == 0 || strcmp(key->name, name) != 0))
		key++;
	return key->name != NULL ? key : NULL;
}

bool
param_key_of(const struct param_key *key, const char *plane)
{
	const struct plane_kind *kind = plane_kind_find(plane);

	if (key->plane != NULL)
		return strcmp(key->plane, plane) == 0;
	return kind != NULL && kind->checks != PLANE_CHECKS_NONE;
}

/* -- one value ---------------------------------------------------------------------- */

static enum err_code
number_parse(const struct param_key *key, const char *value, void *ret, struct err *err)
{
	uint64_t number = 0;
	uint32_t result;

	if (num_parse(value, key->min, key->max, &number) != ERR_OK)
		return err_set(err, ERR_INVALID, "\"%.64s\" is not a whole number of %u to %u",
		    value, key->min, key->max);
	result = (uint32_t)number;
	memcpy(ret, &result, sizeof(result));
	return ERR_OK;
}

/* Reads a decimal number with at most three decimals as milliseconds. */
static enum err_code
seconds_parse(const struct param_key *key, const char *value, void *ret, struct err *err)
{
	static const char digits[] = "0123456789";
	size_t whole = strspn(value, digits), decimals = 0;
	uint32_t ms = 0;

	if (value[whole] == '.')
		decimals = strspn(value + whole + 1, digits);
	if (whole > 0 && whole < 7 && decimals <= 3 && (value[whole] == '\0' ||
	    (decimals > 0 && value[whole + 1 + decimals] == '\0'))) {
		for (size_t i = 0; i < whole + 3; i++) {
			size_t at = i < whole ? i : i + 1;

			ms = 10 * ms + (i < whole + decimals ? (uint32_t)(value[at] - '0') : 0);
		}
		if (ms >= key->min && ms <= key->max) {
			memcpy(ret, &ms, sizeof(ms));
			return ERR_OK;
		}
	}
	return err_set(err, ERR_INVALID, "\"%.64s\" is not a number of %g to %g seconds with at "
	    "most three decimals", value, key->min / 1000.0, key->max / 1000.0);
}

static enum err_code
bool_parse(const struct param_key *key, const char *value, void *ret, struct err *err)
{
	static const char *const names[] = { "no", "yes", "false", "true", "off", "on" };

	(void)key;
	for (size_t i = 0; i < ROWS(names); i++) {
		if (strcmp(names[i], value) == 0) {
			*(bool *)ret = i % 2 != 0;
			return ERR_OK;
		}
	}
	return err_set(err, ERR_INVALID, "\"%.64s\" is not yes or no", value);
}

static enum err_code
choice_parse(const struct param_key *key, const char *value, void *ret, struct err *err)
{
	char names[160] = "";

	for (unsigned int i = 0; key->choices[i] != NULL; i++) {
		size_t used = strlen(names);

		if (strcmp(key->choices[i], value) == 0) {
			memcpy(ret, &i, sizeof(i));
			return ERR_OK;
		}
		snprintf(names + used, sizeof(names) - used, "%s%s", i == 0 ? "" : ", ",
		    key->choices[i]);
	}
	return err_set(err, ERR_INVALID, "\"%.64s\" is not one of %s", value, names);
}

static bool
is_printable(const char *text, char least)
{
	while (*text >= least && *text <= '~')
		text++;
	return *text == '\0';
}

static enum err_code
text_parse(const struct param_key *key, const char *value, void *ret, struct err *err)
{
	const char *begin = key->begin == NULL ? "" : key->begin;
	struct address address;
	size_t length = strlen(value);

	if (length == 0)
		return err_set(err, ERR_INVALID, "is empty; remove it");
	if (length >= key->size)
		return err_set(err, ERR_INVALID, "has more than %zu bytes", key->size - 1);
	if (!is_printable(value, key->type == PARAM_TEXT ? ' ' : '!'))
		return err_set(err, ERR_INVALID, "has a character that is not printable ASCII%s",
		    key->type == PARAM_TEXT ? "" : ", or a space");
	if (strncmp(value, begin, strlen(begin)) != 0)
		return err_set(err, ERR_INVALID, "\"%.64s\" does not begin with %s", value, begin);
	if (key->type == PARAM_NAME && !model_name_valid(value))
		return err_set(err, ERR_INVALID, "\"%.64s\" is not 1 to %d of A-Z a-z 0-9 - . _",
		    value, MODEL_NAME_MAX);
	address = key->type == PARAM_ADDRESS ? address_from_text(value) :
	    (struct address){ .type = ADDRESS_IPV4 };
	if (address.type != ADDRESS_IPV4 && address.type != ADDRESS_IPV6)
		return err_set(err, ERR_INVALID, "\"%.64s\" is not an IPv4 or IPv6 address", value);
	memset(ret, 0, key->size);
	memcpy(ret, value, length);
	return ERR_OK;
}

/* Reads three digits of an HTTP status. */
static bool
status_code_parse(const char **text, uint16_t *ret)
{
	unsigned int code = 0;

	for (int i = 0; i < 3; i++, ++*text) {
		if (**text < '0' || **text > '9')
			return false;
		code = 10 * code + (unsigned int)(**text - '0');
	}
	*ret = (uint16_t)code;
	return code >= 100 && code <= 599;
}

/* Reads "200-399" or "200,301-302". */
static enum err_code
status_parse(const struct param_key *key, const char *value, void *ret, struct err *err)
{
	struct param_range ranges[PARAM_STATUS_RANGES] = { { 0 } };
	const char *at = value;
	bool valid = true;
	size_t n = 0;

	do {
		struct param_range *range = &ranges[n];

		at += n > 0;
		valid = status_code_parse(&at, &range->from);
		range->to = range->from;
		if (valid && *at == '-') {
			at++;
			valid = status_code_parse(&at, &range->to) && range->to >= range->from;
		}
	} while (valid && *at == ',' && ++n < ROWS(ranges));
	if (!valid || *at != '\0')
		return err_set(err, ERR_INVALID, "\"%.64s\" is not a list of at most %d statuses of"
		    " 100 to 599, as 200,301-302", value, PARAM_STATUS_RANGES);
	memcpy(ret, ranges, key->size);
	return ERR_OK;
}

enum err_code
param_parse(const struct param_key *key, const char *value, struct params *params,
    struct err *err)
{
	struct params unused = { 0 };
	void *member = (char *)(params == NULL ? &unused : params) + key->offset;

	switch (key->type) {
	case PARAM_NUMBER: return number_parse(key, value, member, err);
	case PARAM_SECONDS: return seconds_parse(key, value, member, err);
	case PARAM_BOOL: return bool_parse(key, value, member, err);
	case PARAM_CHOICE: return choice_parse(key, value, member, err);
	case PARAM_ADDRESS:
	case PARAM_TEXT:
	case PARAM_WORD:
	case PARAM_NAME: return text_parse(key, value, member, err);
	case PARAM_STATUS: return status_parse(key, value, member, err);
	case PARAM_SOCKET: return ERR_OK;
	}
	return ERR_OK;
}

/* -- JSON ------------------------------------------------------------------------------ */

static bool
is_default(const struct param_key *key, const struct params *params)
{
	struct params otherwise = { 0 };
	struct err err;

	return key->value != NULL && param_parse(key, key->value, &otherwise, &err) == ERR_OK &&
	    memcmp((const char *)params + key->offset, (const char *)&otherwise + key->offset,
	    key->size) == 0;
}

static json_t *
json_of(const struct param_key *key, const struct params *params, const char *value)
{
	const void *member = (const char *)params + key->offset;
	uint32_t number;

	if (key->type == PARAM_BOOL)
		return json_boolean(*(const bool *)member);
	if (key->type != PARAM_NUMBER && key->type != PARAM_SECONDS)
		return json_string(value);
	memcpy(&number, member, sizeof(number));
	if (key->type == PARAM_NUMBER)
		return json_integer(number);
	return number % 1000 == 0 ? json_integer(number / 1000) : json_real(number / 1000.0);
}

bool
param_json_add(const struct param_key *key, enum param_depth depth, const char *value,
    json_t *object)
{
	bool repeats = depth == PARAM_REAL && (key->depths & PARAM_SERVICE) != 0;
	json_t *list = json_object_get(object, key->name);
	struct params params = { 0 };
	struct err err;

	if (depth == PARAM_CLUSTER) {
		if (list == NULL) {
			list = json_array();
			if (json_object_set_new(object, key->name, list) != 0)
				return false;
		}
		return json_array_append_new(list, json_string(value)) == 0;
	}
	if (param_parse(key, value, &params, &err) != ERR_OK ||
	    (!repeats && is_default(key, &params)))
		return true;
	return json_object_set_new(object, key->name, json_of(key, &params, value)) == 0;
}

const char *
param_json_text(const json_t *value, char buf[PARAM_TEXT_SIZE])
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return json_string_value(value);
	case JSON_INTEGER:
		snprintf(buf, PARAM_TEXT_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return buf;
	case JSON_REAL:
		snprintf(buf, PARAM_TEXT_SIZE, "%.10g", json_real_value(value));
		return buf;
	case JSON_TRUE:
		return "yes";
	case JSON_FALSE:
		return "no";
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	return NULL;
}

/* -- the parameters of a row ------------------------------------------------------------- */

void
params_default(struct params *ret)
{
	struct err err;

	*ret = (struct params){ .check = PARAM_CHECK_AUTO };
	for (const struct param_key *key = param_keys; key->name != NULL; key++) {
		if (key->value != NULL)
			param_parse(key, key->value, ret, &err);
	}
}

static enum err_code
value_read(const char *plane, enum param_depth depth, const char *name, const json_t *value,
    struct params *params, struct err *err)
{
	const struct param_key *key = param_key_find(depth, name);
	char buf[PARAM_TEXT_SIZE];
	const char *text;
	struct err inner;

	if (key == NULL || !param_key_of(key, plane))
		return err_set(err, ERR_INVALID, "%.64s is not a parameter of plane %.32s", name,
		    plane);
	if (key->type == PARAM_SOCKET)
		return ERR_OK;
	if (depth == PARAM_CLUSTER && json_is_array(value) && json_array_size(value) == 1)
		value = json_array_get(value, 0);
	text = param_json_text(value, buf);
	if (text == NULL)
		return err_set(err, ERR_INVALID, "%s has no valid value", name);
	if (param_parse(key, text, params, &inner) != ERR_OK)
		return err_set(err, ERR_INVALID, "%s %s", name, inner.text);
	return ERR_OK;
}

enum err_code
params_read(const char *plane, enum param_depth depth, const char *text, struct params *params,
    struct err *err)
{
	json_t *object, *value;
	enum err_code code = ERR_OK;
	const char *name;

	if (text[0] == '\0')
		return ERR_OK;
	object = json_loads(text, 0, NULL);
	if (!json_is_object(object))
		code = err_set(err, ERR_INVALID, "the parameters are not a JSON object");
	json_object_foreach(object, name, value) {
		if (code == ERR_OK)
			code = value_read(plane, depth, name, value, params, err);
	}
	json_decref(object);
	return code;
}

enum err_code
params_real(const char *plane, const char *service_params, const char *real_params,
    enum protocol protocol, struct params *ret, struct err *err)
{
	const struct plane_kind *kind = plane_kind_find(plane);
	enum err_code code;

	params_default(ret);
	code = params_read(plane, PARAM_SERVICE, service_params, ret, err);
	if (code == ERR_OK)
		code = params_read(plane, PARAM_REAL, real_params, ret, err);
	if (ret->check == PARAM_CHECK_AUTO)
		ret->check = protocol == PROTOCOL_TCP && kind != NULL &&
		    kind->checks == PLANE_CHECKS_TCP ? PARAM_CHECK_CONNECT : PARAM_CHECK_NONE;
	return code;
}

enum err_code
params_service(const char *plane, const char *service_params, enum protocol protocol,
    struct params *ret, struct err *err)
{
	return params_real(plane, service_params, "", protocol, ret, err);
}
