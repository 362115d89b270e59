/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What can go wrong: one closed set of codes, and words for people.
 * Owns nothing; never logs. Whoever turns an error into an SNMP status, an
 * exit code or a job result logs it, once.
 */
#ifndef UTIL_ERR_H
#define UTIL_ERR_H

/* Closed on purpose: a switch over it has no default, so the compiler finds
 * what a new code forgot. */
enum err_code {
	ERR_OK = 0,
	ERR_NOMEM,	/* no memory */
	ERR_INVALID,	/* input that can never be right: syntax, type */
	ERR_RANGE,	/* a number or a length outside its bounds */
	ERR_NOT_FOUND,	/* does not exist (ApiErrorDoesNotExist) */
	ERR_PRECOND,	/* precondition failed (ApiErrorPreconditionFailed) */
	ERR_LIMIT,	/* a configured limit is reached */
	ERR_BUSY,	/* locked past the short wait */
	ERR_READONLY,	/* may not be written */
	ERR_FULL,	/* no space left */
	ERR_FOREIGN,	/* a file of another program */
	ERR_NEWER,	/* a file of a newer version of this program */
	ERR_CORRUPT,	/* a damaged file */
	ERR_GONE,	/* too far behind to follow the changes: load all */
	ERR_DOUBT,	/* a commit that may or may not have happened */
	ERR_IO,		/* any other failure of the system */
};

enum { ERR_TEXT_SIZE = 384 };

/* An error with its words. 'text' is one line without a full stop; control
 * characters in it become '?'. */
struct err {
	enum err_code	code;
	char		text[ERR_TEXT_SIZE];
};

/* Fills 'err' (may be NULL) and returns 'code', so that "return err_set(...)"
 * is the idiom. err->text itself may be among the arguments. */
enum err_code err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts words in front of the text that is there already: "load: " and so on. What
 * no longer fits is cut at the end. */
void err_prefix(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* What a system call that failed with this errno is to a caller: ERR_READONLY, ERR_FULL,
 * ERR_NOMEM or ERR_IO. */
enum err_code err_of_errno(int error);

/* Short name of a code for people, never NULL. The two names of the original
 * API are kept: "does not exist", "precondition failed". */
const char *err_name(enum err_code code);

#endif
