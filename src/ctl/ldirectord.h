/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reads a configuration file of ldirectord(8): lines of "key = value", as version 4.12 does. A
 * line "virtual = ..." begins a section, whose lines are indented by a tab or four spaces.
 */
#ifndef CTL_LDIRECTORD_H
#define CTL_LDIRECTORD_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

/* The settings that discover uses. A virtual service has its own value or that of the file. */
enum ldirectord_key {
	LDIRECTORD_CHECKCOMMAND, LDIRECTORD_CHECKINTERVAL, LDIRECTORD_CHECKPORT,
	LDIRECTORD_CHECKTIMEOUT, LDIRECTORD_CHECKTYPE, LDIRECTORD_CLEANSTOP,
	LDIRECTORD_FAILURECOUNT, LDIRECTORD_FALLBACK, LDIRECTORD_FALLBACK6, LDIRECTORD_FORK,
	LDIRECTORD_HTTPMETHOD, LDIRECTORD_NEGOTIATETIMEOUT, LDIRECTORD_NETMASK, LDIRECTORD_OPS,
	LDIRECTORD_PERSISTENT, LDIRECTORD_PROTOCOL, LDIRECTORD_QUIESCENT, LDIRECTORD_RECEIVE,
	LDIRECTORD_REQUEST, LDIRECTORD_SCHEDFLAGS, LDIRECTORD_SCHEDULER, LDIRECTORD_SERVICE,
	LDIRECTORD_VIRTUALHOST, LDIRECTORD_KEYS
};

/* A value, without the quotes around it. */
struct ldirectord_value {
	char	*text;		/* NULL: not given */
	int	 line;
};

struct ldirectord_virtual {
	bool				 is_ipv6;	/* virtual6 */
	struct ldirectord_value		 address;	/* "192.0.2.1:http", "[::1]:80" or "7" */
	struct ldirectord_value		 values[LDIRECTORD_KEYS];
	struct ldirectord_value		*reals;		/* values of "real" and "real6" */
	size_t				 n, room;
};

struct ldirectord_file {
	char				*text;		/* what the values point to */
	struct ldirectord_value		 values[LDIRECTORD_KEYS];
	struct ldirectord_virtual	*virtuals;
	size_t				 n, room;
};

/* Called for a line that discover does not use: 'text' says why, and what to do. 'is_error': the
 * line is invalid. */
typedef void (*ldirectord_report_fn)(void *arg, int line, bool is_error, const char *text);

/* Reads a file; "-" is the standard input. ldirectord_free() frees *ret after ERR_OK. ERR_IO,
 * ERR_INVALID, ERR_NOMEM with a message that names the file. */
enum err_code ldirectord_read(const char *name, ldirectord_report_fn report_fn, void *arg,
    struct ldirectord_file *ret, struct err *err);
void ldirectord_free(struct ldirectord_file *file);

/* Returns the value of a virtual service, or else of the file. Its text is NULL if neither has
 * one. */
const struct ldirectord_value *ldirectord_value(const struct ldirectord_file *file,
    const struct ldirectord_virtual *virtual, enum ldirectord_key key);

#endif
