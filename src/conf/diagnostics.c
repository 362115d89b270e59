/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "conf/diagnostics.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/text.h"

static void __attribute__((format(printf, 4, 0)))
add(struct diagnostics *diagnostics, int line, bool warning, const char *fmt, va_list ap)
{
	size_t *count = warning ? &diagnostics->warnings : &diagnostics->errors;
	struct diagnostic *diagnostic = &diagnostics->list[diagnostics->n];
	struct err err;

	if ((*count)++ >= DIAGNOSTICS_MAX)
		return;
	err_vset(&err, ERR_INVALID, fmt, ap);
	*diagnostic = (struct diagnostic){ .line = line, .warning = warning,
	    .text = strdup(err.text) };
	diagnostics->n += diagnostic->text != NULL;
}

void
diagnostics_error(struct diagnostics *diagnostics, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(diagnostics, line, false, fmt, ap);
	va_end(ap);
}

void
diagnostics_warn(struct diagnostics *diagnostics, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(diagnostics, line, true, fmt, ap);
	va_end(ap);
}

static int
by_line(const void *a, const void *b)
{
	const struct diagnostic *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

static void
rest_print(const struct diagnostics *diagnostics, size_t count, const char *what, FILE *file)
{
	if (count > DIAGNOSTICS_MAX)
		text_line_print(file, "%s: %zu more %s", diagnostics->file,
		    count - DIAGNOSTICS_MAX, what);
}

void
diagnostics_print(struct diagnostics *diagnostics, FILE *file)
{
	qsort(diagnostics->list, diagnostics->n, sizeof(diagnostics->list[0]), by_line);
	for (size_t i = 0; i < diagnostics->n; i++) {
		const struct diagnostic *diagnostic = &diagnostics->list[i];

		text_line_print(file, "%s:%d: %s%s", diagnostics->file, diagnostic->line,
		    diagnostic->warning ? "warning: " : "", diagnostic->text);
	}
	rest_print(diagnostics, diagnostics->errors, "errors", file);
	rest_print(diagnostics, diagnostics->warnings, "warnings", file);
	diagnostics_free(diagnostics);
}

void
diagnostics_free(struct diagnostics *diagnostics)
{
	for (size_t i = 0; i < diagnostics->n; i++)
		free(diagnostics->list[i].text);
	*diagnostics = (struct diagnostics){ .file = diagnostics->file };
}
