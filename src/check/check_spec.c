/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "check/check_spec.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "util/digest.h"

/* Bytes of the members before the texts, and the padding between them, which is 0. */
enum { NUMBERS = offsetof(struct check_spec, text) };

#define BIT(text) (1u << (text))

/* The texts that a kind uses. */
static const unsigned int kind_texts[] = {
	[CHECK_CONNECT] = BIT(CHECK_ADDRESS),
	[CHECK_HTTP] = BIT(CHECK_ADDRESS) | BIT(CHECK_PATH) | BIT(CHECK_HOST) | BIT(CHECK_EXPECT),
	[CHECK_HTTPS] = BIT(CHECK_ADDRESS) | BIT(CHECK_PATH) | BIT(CHECK_HOST) | BIT(CHECK_EXPECT),
	[CHECK_COMMAND] = BIT(CHECK_ADDRESS) | BIT(CHECK_FILE) | BIT(CHECK_SERVICE_ADDRESS) |
	    BIT(CHECK_CLUSTER_NAME) | BIT(CHECK_SERVICE_NAME) | BIT(CHECK_REAL_NAME),
};

static bool
address_valid(const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* A host is put into a URL, where other characters have a meaning. */
static bool
host_valid(const char *host)
{
	return host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789.-_:[]")] == '\0';
}

static bool
path_valid(const char *path)
{
	if (path[0] != '/')
		return false;
	for (; *path > ' ' && *path < 0x7f; path++)
		;
	return *path == '\0';
}

static bool
file_valid(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

enum err_code
check_spec_validate(const struct check_spec *spec, struct err *err)
{
	struct check_spec normal;

	check_spec_normalize(spec, &normal);
	if (!address_valid(normal.text[CHECK_ADDRESS]))
		return err_set(err, ERR_INVALID, "address \"%.64s\" is not an IPv4 or IPv6 "
		    "address; set check-address", normal.text[CHECK_ADDRESS]);
	if (spec->interval_ms == 0 || spec->retry_ms == 0 || spec->timeout_ms == 0)
		return err_set(err, ERR_INVALID, "a time of the check is 0");
	if (spec->rise == 0 || spec->fall == 0)
		return err_set(err, ERR_INVALID, "rise or fall of the check is 0");
	if (spec->kind == CHECK_COMMAND)
		return file_valid(normal.text[CHECK_FILE]) ? ERR_OK : err_set(err, ERR_INVALID,
		    "command \"%.64s\" is not the name of a file", normal.text[CHECK_FILE]);
	if (spec->port == 0)
		return err_set(err, ERR_INVALID, "the check has no port; set check-port");
	if (spec->kind == CHECK_CONNECT)
		return ERR_OK;
	if (!path_valid(normal.text[CHECK_PATH]))
		return err_set(err, ERR_INVALID, "path \"%.64s\" does not begin with / or has a "
		    "character that a URL cannot have", normal.text[CHECK_PATH]);
	return host_valid(normal.text[CHECK_HOST]) ? ERR_OK : err_set(err, ERR_INVALID,
	    "host \"%.64s\" is not a host name or an address", normal.text[CHECK_HOST]);
}

void
check_spec_normalize(const struct check_spec *spec, struct check_spec *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->kind = spec->kind;
	ret->interval_ms = spec->interval_ms;
	ret->retry_ms = spec->retry_ms;
	ret->timeout_ms = spec->timeout_ms;
	ret->rise = spec->rise;
	ret->fall = spec->fall;
	ret->port = spec->port;
	ret->damping = spec->damping;
	if (spec->kind == CHECK_HTTP || spec->kind == CHECK_HTTPS) {
		ret->method = spec->method;
		memcpy(ret->status, spec->status, sizeof(ret->status));
	}
	ret->verify = spec->kind == CHECK_HTTPS && spec->verify;
	if (spec->kind == CHECK_COMMAND)
		ret->service_port = spec->service_port;
	for (unsigned int i = 0; i < CHECK_TEXTS; i++)
		ret->text[i] = spec->text[i] != NULL && (kind_texts[spec->kind] & BIT(i)) != 0 ?
		    spec->text[i] : "";
}

struct check_spec *
check_spec_copy(const struct check_spec *spec)
{
	size_t size = sizeof(*spec);
	struct check_spec *copy;
	char *end;

	for (unsigned int i = 0; i < CHECK_TEXTS; i++)
		size += strlen(spec->text[i]) + 1;
	copy = malloc(size);
	if (copy == NULL)
		return NULL;
	memcpy(copy, spec, sizeof(*spec));
	end = (char *)(copy + 1);
	for (unsigned int i = 0; i < CHECK_TEXTS; i++) {
		copy->text[i] = end;
		end = stpcpy(end, spec->text[i]) + 1;
	}
	return copy;
}

bool
check_spec_equal(const struct check_spec *a, const struct check_spec *b)
{
	const unsigned char *a_bytes = (const unsigned char *)a;
	const unsigned char *b_bytes = (const unsigned char *)b;

	if (memcmp(a_bytes, b_bytes, NUMBERS) != 0)
		return false;
	for (unsigned int i = 0; i < CHECK_TEXTS; i++)
		if (strcmp(a->text[i], b->text[i]) != 0)
			return false;
	return true;
}

uint32_t
check_spec_hash(const struct check_spec *spec)
{
	uint64_t digest = digest_add(DIGEST_EMPTY, spec, NUMBERS);
	uint32_t hash;

	for (unsigned int i = 0; i < CHECK_TEXTS; i++)
		digest = digest_add(digest, spec->text[i], strlen(spec->text[i]) + 1);
	/* The last byte of a text has changed the low bits of the digest alone. */
	digest = (digest ^ digest >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	hash = (uint32_t)(digest >> 32);
	return hash == 0 ? 1 : hash;
}
