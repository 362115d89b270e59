/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Complaints; see diagnostics.h.
 */
#include "ctl/diagnostics.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/out.h"

void
diagnostics_add(struct diagnostics *diagnostics, int line, bool warning, const char *fmt,
    va_list ap)
{
	size_t *count = warning ? &diagnostics->warnings : &diagnostics->errors;
	struct diagnostic *diagnostic;
	char text[1024], printable[1024];

	if ((*count)++ >= DIAGNOSTICS_MAX)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	diagnostic = &diagnostics->list[diagnostics->n];
	diagnostic->line = line;
	diagnostic->warning = warning;
	diagnostic->text = strdup(out_printable(text, printable, sizeof(printable)));
	diagnostics->n += diagnostic->text != NULL;
}

void
diagnostics_warn(struct diagnostics *diagnostics, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diagnostics_add(diagnostics, line, true, fmt, ap);
	va_end(ap);
}

void
diagnostics_error(struct diagnostics *diagnostics, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diagnostics_add(diagnostics, line, false, fmt, ap);
	va_end(ap);
}

static int
by_line(const void *a, const void *b)
{
	const struct diagnostic *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

void
diagnostics_print(struct diagnostics *diagnostics, FILE *file)
{
	qsort(diagnostics->list, diagnostics->n, sizeof(diagnostics->list[0]), by_line);
	for (size_t i = 0; i < diagnostics->n; i++) {
		const struct diagnostic *diagnostic = &diagnostics->list[i];

		fprintf(file, "%s:%d: %s%s\n", diagnostics->file, diagnostic->line,
		    diagnostic->warning ? "warning: " : "", diagnostic->text);
	}
	if (diagnostics->errors > DIAGNOSTICS_MAX)
		fprintf(file, "%s: %zu more errors\n", diagnostics->file,
		    diagnostics->errors - DIAGNOSTICS_MAX);
	if (diagnostics->warnings > DIAGNOSTICS_MAX)
		fprintf(file, "%s: %zu more warnings\n", diagnostics->file,
		    diagnostics->warnings - DIAGNOSTICS_MAX);
	diagnostics_free(diagnostics);
}

void
diagnostics_free(struct diagnostics *diagnostics)
{
	for (size_t i = 0; i < diagnostics->n; i++)
		free(diagnostics->list[i].text);
	diagnostics->n = 0;
	diagnostics->errors = 0;
	diagnostics->warnings = 0;
}
