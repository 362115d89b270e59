/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Commands and their outcomes; see haproxy_command.h.
 */
#include "plane/haproxy/haproxy_command.h"

#include <stdio.h>
#include <string.h>

#include "plane/haproxy/haproxy_text.h"

static const char *const state_words[] = {
	[PLANE_READY] = "ready", [PLANE_DRAIN] = "drain", [PLANE_OUT] = "maint",
};

/* The command without a separator; -1 if it may not be written. */
static int
command_write(const struct plane_order *order, char *buf, size_t size)
{
	const char *service = order->service, *real = order->real;

	if (!model_name_valid(service) || !model_name_valid(real))
		return -1;
	switch (order->kind) {
	case PLANE_ORDER_STATE:
		if (order->value > PLANE_OUT)
			return -1;
		return snprintf(buf, size, "set server %s/%s state %s", service, real,
		    state_words[order->value]);
	case PLANE_ORDER_WEIGHT:
		return snprintf(buf, size, "set server %s/%s weight %u", service, real,
		    order->value);
	case PLANE_ORDER_CUT:
		return snprintf(buf, size, "shutdown sessions server %s/%s", service, real);
	case PLANE_ORDER_PARK:
		return snprintf(buf, size, "set server %s/%s state drain", service, real);
	case PLANE_ORDER_DOWN:
		return snprintf(buf, size, "set server %s/%s health down", service, real);
	}
	return -1;
}

size_t
haproxy_command_line(const struct plane_order *orders, size_t n, char line[HAPROXY_LINE_MAX],
    size_t *ret_length)
{
	size_t length = 0, done;

	for (done = 0; done < n; done++) {
		int more = command_write(&orders[done], line + length,
		    HAPROXY_LINE_MAX - length);

		/* One octet for the separator, which snprintf()'s NUL kept free. */
		if (more < 0 || length + (size_t)more + 1 >= HAPROXY_LINE_MAX)
			break;
		length += (size_t)more;
		line[length++] = ';';
	}
	if (done > 0)
		line[length - 1] = '\n';
	*ret_length = length;
	return done;
}

/* -- outcomes --------------------------------------------------------------------- */

/* HAProxy's words, as 2.6 has them (cli.c, server.c). */
static enum job_fail_cause
cause_of(const char *words)
{
	if (strncmp(words, "No such server", 14) == 0 ||
	    strncmp(words, "No such backend", 15) == 0)
		return JOB_CAUSE_NOT_FOUND;
	return JOB_CAUSE_REJECTED;
}

/* The answer to a command is an empty line, or a message and an empty line. One without
 * its empty line was cut off, because HAProxy ended meanwhile: what it says is not read. */
static void
outcome_read(struct haproxy_text *text, struct plane_order *order)
{
	const char *message = haproxy_line_next(text), *line = message;

	while (line != NULL && line[0] != '\0')
		line = haproxy_line_next(text);
	if (line != NULL && message == line)
		return;
	/* The first refusal of several processes is kept. */
	if (order->cause != JOB_CAUSE_NONE)
		return;
	order->cause = line == NULL ? JOB_CAUSE_UNREACHABLE : cause_of(message);
	if (line == NULL)
		snprintf(order->message, sizeof(order->message), "HAProxy's answer %s",
		    message == NULL ? "is missing" : "is cut off");
	else
		snprintf(order->message, sizeof(order->message), "HAProxy: %.120s", message);
	haproxy_printable(order->message);
}

void
haproxy_command_outcomes(char *answer, size_t length, struct plane_order *orders, size_t n)
{
	struct haproxy_text text = { answer, answer + length };

	answer[length] = '\0';
	for (size_t i = 0; i < n; i++)
		outcome_read(&text, &orders[i]);
}
