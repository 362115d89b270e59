/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * How the checks of the doctor report, and what several of them use.
 */
#include "ctl/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum { MESSAGE_MAX = 1024, NAME_WIDTH = 15, RESULT_WIDTH = 7, CONNECT_MS = 15000 };

static const char *const result_names[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "FAIL",
	[DOCTOR_UNKNOWN] = "unseen",
	[DOCTOR_SKIPPED] = "skipped",
};

/* Prints each line of the fix on a line of its own. */
static void
fix_print(FILE *file, const char *fix)
{
	char buf[MESSAGE_MAX], line[MESSAGE_MAX];

	while (*fix != '\0') {
		size_t length = strcspn(fix, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)length, fix);
		fprintf(file, "%*s%s\n", RESULT_WIDTH + NAME_WIDTH + 6, "",
		    out_printable(line, buf, sizeof(buf)));
		fix += length + (fix[length] == '\n');
	}
}

void
doctor_report(struct doctor *doctor, enum doctor_result result, const char *fix,
    const char *fmt, ...)
{
	char message[MESSAGE_MAX], buf[MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	doctor->failed |= result == DOCTOR_FAIL;
	doctor->unknown |= result == DOCTOR_UNKNOWN;
	if (doctor->out != NULL) {
		doctor->out_of_memory |= !out_row(doctor->out, (const struct out_value[]){
		    { .text = doctor->check }, { .text = result_names[result] },
		    { .text = message }, { .text = fix, .absent = fix == NULL } });
		return;
	}
	fprintf(doctor->ctl->out, "%-*s  %-*s  %s\n", RESULT_WIDTH, result_names[result],
	    NAME_WIDTH, doctor->check, out_printable(message, buf, sizeof(buf)));
	if (fix != NULL)
		fix_print(doctor->ctl->out, fix);
	fflush(doctor->ctl->out);
}

const char *
doctor_fix(struct doctor *doctor, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(doctor->fix, sizeof(doctor->fix), fmt, ap);
	va_end(ap);
	return doctor->fix;
}

/* -- connecting ------------------------------------------------------------------------ */

struct dial_wait {
	struct loop		*loop;
	struct dial_result	 result;
	bool			 ended;
};

static void
on_dialed(void *arg, const struct dial_result *result)
{
	struct dial_wait *wait = arg;

	wait->result = *result;
	wait->ended = true;
	loop_stop(wait->loop);
}

static void
on_timeout(void *arg)
{
	loop_stop(((struct dial_wait *)arg)->loop);
}

struct dial_result
doctor_connect(const struct endpoint *to)
{
	struct dial_wait wait = { .loop = loop_new(),
	    .result = { .status = DIAL_FAILED, .code = ETIMEDOUT, .fd = -1 } };
	struct loop_timer timer = { 0 };
	struct dial dial = { 0 };

	if (wait.loop == NULL)
		return (struct dial_result){ .status = DIAL_LOCAL, .fd = -1 };
	loop_timer_set(wait.loop, &timer, CONNECT_MS, on_timeout, &wait);
	dial_begin(&dial, wait.loop, to, on_dialed, &wait);
	/* The connection to a UNIX socket ends at once. */
	if (!wait.ended)
		loop_run(wait.loop);
	dial_cancel(&dial);
	loop_timer_cancel(wait.loop, &timer);
	loop_free(wait.loop);
	return wait.result;
}
