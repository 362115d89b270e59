/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/progress.h"

#include <inttypes.h>

#include "util/clock.h"

enum { PROGRESS_AFTER_MS = 1000, PROGRESS_EVERY_MS = 200, PROGRESS_CLOCK_ROWS = 64 };

void
progress_begin(struct progress *progress, FILE *file, const char *what, uint64_t total)
{
	*progress = (struct progress){ .file = file, .what = what, .total = total };
	progress->next_ms = clock_steady_ms() + PROGRESS_AFTER_MS;
}

void
progress_set(struct progress *progress, uint64_t done)
{
	int64_t now;

	progress->done = done;
	if (progress->file == NULL || (now = clock_steady_ms()) < progress->next_ms)
		return;
	progress->next_ms = now + PROGRESS_EVERY_MS;
	progress->shown = true;
	fprintf(progress->file, "\r%s: %" PRIu64, progress->what, progress->done);
	if (progress->total != 0)
		fprintf(progress->file, " of %" PRIu64, progress->total);
	fflush(progress->file);
}

void
progress_step(struct progress *progress)
{
	/* Reading the clock takes longer than a row. */
	if (++progress->done % PROGRESS_CLOCK_ROWS == 1)
		progress_set(progress, progress->done);
}

void
progress_end(struct progress *progress)
{
	if (!progress->shown)
		return;
	fputs("\r\033[K", progress->file);
	fflush(progress->file);
	progress->shown = false;
}
