/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "conf/diagnostics.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/text.h"

void
diagnostics_add(struct diagnostics *diagnostics, int line, bool warning, const char *fmt, ...)
{
	size_t *count = warning ? &diagnostics->warnings : &diagnostics->errors;
	struct diagnostic *diagnostic = &diagnostics->list[diagnostics->n];
	struct err err;
	va_list ap;

	if ((*count)++ >= DIAGNOSTICS_MAX)
		return;
	va_start(ap, fmt);
	err_vset(&err, ERR_INVALID, fmt, ap);
	va_end(ap);
	*diagnostic = (struct diagnostic){ .line = line, .warning = warning,
	    .text = strdup(err.text) };
	diagnostics->n += diagnostic->text != NULL;
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
diagnostics_truncate(struct diagnostics *diagnostics, size_t n, size_t warnings)
{
	while (diagnostics->n > n)
		free(diagnostics->list[--diagnostics->n].text);
	diagnostics->warnings = warnings;
}

void
diagnostics_free(struct diagnostics *diagnostics)
{
	for (size_t i = 0; i < diagnostics->n; i++)
		free(diagnostics->list[i].text);
	*diagnostics = (struct diagnostics){ .file = diagnostics->file };
}
