/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What a health check does: its specification. Pure functions.
 */
#ifndef CHECK_CHECK_SPEC_H
#define CHECK_CHECK_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

enum { CHECK_STATUS_RANGES = 8 };

enum check_kind { CHECK_CONNECT, CHECK_HTTP, CHECK_HTTPS, CHECK_COMMAND };
enum check_method { CHECK_GET, CHECK_HEAD };

struct check_range {
	uint16_t	from, to;	/* 'to' 0: no range */
};

enum check_text {
	CHECK_ADDRESS,		/* an IPv4 or IPv6 address */
	/* of http and https */
	CHECK_PATH,		/* begins with '/' */
	CHECK_HOST,		/* "": the address and the port */
	CHECK_EXPECT,		/* "": any text */
	/* of a command: the name of its file, and what it is given */
	CHECK_FILE,
	CHECK_SERVICE_ADDRESS, CHECK_CLUSTER_NAME, CHECK_SERVICE_NAME, CHECK_REAL_NAME,
	CHECK_TEXTS
};

/* Members that a kind does not use have no effect. */
struct check_spec {
	enum check_kind		kind;
	enum check_method	method;				/* of http and https */
	uint32_t		interval_ms, retry_ms, timeout_ms;	/* above 0 */
	uint32_t		rise, fall;				/* above 0 */
	struct check_range	status[CHECK_STATUS_RANGES];	/* of http and https */
	uint16_t		port;
	uint16_t		service_port;			/* of a command */
	bool			verify;				/* the certificate of https */
	bool			damping;
	const char		*text[CHECK_TEXTS];		/* NULL: "" */
};

/* ERR_INVALID with a message about the first invalid member. */
enum err_code check_spec_validate(const struct check_spec *spec, struct err *err);

/* Sets *ret to 'spec' without the members that its kind does not use. No text of *ret is NULL;
 * the texts are those of 'spec'. The functions below expect such a specification. */
void check_spec_normalize(const struct check_spec *spec, struct check_spec *ret);

/* Returns a copy with texts of its own, which free(3) frees; NULL without memory. */
struct check_spec *check_spec_copy(const struct check_spec *spec);

bool check_spec_equal(const struct check_spec *a, const struct check_spec *b);

/* Returns a hash that is never 0. Specifications that differ in one byte have distant hashes. */
uint32_t check_spec_hash(const struct check_spec *spec);

#endif
