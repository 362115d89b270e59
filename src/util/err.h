/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Errors: one closed set of codes, and a message for people. This module owns no
 * memory and never logs. The function that maps an error to an SNMP status, an exit
 * status or a job's result logs the error, once.
 */
#ifndef UTIL_ERR_H
#define UTIL_ERR_H

#include <stdarg.h>

/* The set is closed: a switch over it has no default, so the compiler reports the
 * places that a new code has to change. */
enum err_code {
	ERR_OK = 0,
	ERR_NOMEM,	/* no memory, or too many open files */
	ERR_INVALID,	/* input of wrong syntax or type */
	ERR_RANGE,	/* a number or a length outside its bounds */
	ERR_NOT_FOUND,	/* does not exist (ApiErrorDoesNotExist) */
	ERR_PRECOND,	/* precondition failed (ApiErrorPreconditionFailed) */
	ERR_LIMIT,	/* a configured limit is reached */
	ERR_BUSY,	/* still locked after the short wait */
	ERR_READONLY,	/* cannot be written */
	ERR_FULL,	/* no space left */
	ERR_FOREIGN,	/* a file that another program made */
	ERR_NEWER,	/* a file that a newer version of this program made */
	ERR_CORRUPT,	/* a damaged file */
	ERR_GONE,	/* changes since the cursor are deleted: load everything */
	ERR_DOUBT,	/* a commit whose result is unknown */
	ERR_IO,		/* any other system error */
};

enum { ERR_TEXT_SIZE = 384 };

/* An error with its message. 'text' is one line without a full stop; text_clean() replaces each
 * byte in it that is not printable text by '?'. */
struct err {
	enum err_code	code;
	char		text[ERR_TEXT_SIZE];
};

/* Fills 'err' (may be NULL) and returns 'code', so that "return err_set(...)"
 * is the idiom. err->text itself may be among the arguments. */
enum err_code err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
enum err_code err_vset(struct err *err, enum err_code code, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* Inserts a prefix such as "load: " before err->text. The end of a text that becomes
 * too long is cut off. */
void err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Maps errno of a failed system call to ERR_READONLY, ERR_FULL, ERR_NOMEM or ERR_IO. */
enum err_code err_of_errno(int error);

/* The short name of a code, never NULL. Two names are those of the original API:
 * "does not exist", "precondition failed". */
const char *err_name(enum err_code code);

#endif
