/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Complaints; see complaints.h.
 */
#include "ctl/complaints.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/out.h"

void
complaints_add(struct complaints *complaints, int line, bool warning, const char *fmt,
    va_list ap)
{
	size_t *count = warning ? &complaints->warnings : &complaints->errors;
	struct complaint *complaint;
	char text[1024], printable[1024];

	if ((*count)++ >= COMPLAINTS_MAX)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	complaint = &complaints->list[complaints->n];
	complaint->line = line;
	complaint->warning = warning;
	complaint->text = strdup(out_printable(text, printable, sizeof(printable)));
	complaints->n += complaint->text != NULL;
}

void
complaints_warn(struct complaints *complaints, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complaints_add(complaints, line, true, fmt, ap);
	va_end(ap);
}

void
complaints_error(struct complaints *complaints, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complaints_add(complaints, line, false, fmt, ap);
	va_end(ap);
}

static int
by_line(const void *a, const void *b)
{
	const struct complaint *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

void
complaints_print(struct complaints *complaints, FILE *file)
{
	qsort(complaints->list, complaints->n, sizeof(complaints->list[0]), by_line);
	for (size_t i = 0; i < complaints->n; i++) {
		const struct complaint *complaint = &complaints->list[i];

		fprintf(file, "%s:%d: %s%s\n", complaints->file, complaint->line,
		    complaint->warning ? "warning: " : "", complaint->text);
	}
	if (complaints->errors > COMPLAINTS_MAX)
		fprintf(file, "%s: %zu more errors\n", complaints->file,
		    complaints->errors - COMPLAINTS_MAX);
	if (complaints->warnings > COMPLAINTS_MAX)
		fprintf(file, "%s: %zu more warnings\n", complaints->file,
		    complaints->warnings - COMPLAINTS_MAX);
	complaints_free(complaints);
}

void
complaints_free(struct complaints *complaints)
{
	for (size_t i = 0; i < complaints->n; i++)
		free(complaints->list[i].text);
	complaints->n = 0;
	complaints->errors = 0;
	complaints->warnings = 0;
}
