/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "util/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/memory.h"
#include "util/text.h"

static const char *const names[] = {
	[ERR_OK] = "ok",
	[ERR_NOMEM] = "out of memory",
	[ERR_INVALID] = "invalid",
	[ERR_RANGE] = "out of range",
	[ERR_NOT_FOUND] = "does not exist",
	[ERR_PRECOND] = "precondition failed",
	[ERR_LIMIT] = "limit reached",
	[ERR_BUSY] = "busy",
	[ERR_READONLY] = "read-only",
	[ERR_FULL] = "no space left",
	[ERR_FOREIGN] = "foreign file",
	[ERR_NEWER] = "newer version",
	[ERR_CORRUPT] = "corrupt",
	[ERR_GONE] = "too far behind",
	[ERR_DOUBT] = "in doubt",
	[ERR_IO] = "input/output error",
};

enum err_code
err_vset(struct err *err, enum err_code code, const char *fmt, va_list ap)
{
	char text[ERR_TEXT_SIZE];

	if (err == NULL)
		return code;
	/* Not directly into err->text, which may be among the arguments. */
	vsnprintf(text, sizeof(text), fmt, ap);
	text_clean(text, '?');
	err->code = code;
	memcpy(err->text, text, strlen(text) + 1);
	return code;
}

enum err_code
err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(err, code, fmt, ap);
	va_end(ap);
	return code;
}

void
err_prefix(struct err *err, const char *fmt, ...)
{
	char prefix[ERR_TEXT_SIZE];
	va_list ap;

	if (err == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	err_set(err, err->code, "%s%s", prefix, err->text);
}

enum err_code
err_of_errno(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_READONLY;
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return ERR_NOMEM;
	default:
		return ERR_IO;
	}
}

const char *
err_name(enum err_code code)
{
	return (size_t)code < ROWS(names) ? names[code] : "unknown error";
}
