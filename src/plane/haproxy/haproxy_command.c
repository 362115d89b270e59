/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Commands and their results; see haproxy_command.h.
 */
#include "plane/haproxy/haproxy_command.h"

#include <stdio.h>
#include <string.h>

#include "plane/haproxy/haproxy_text.h"
#include "util/text.h"

static const char *const states[] = {
	[PLANE_READY] = "ready", [PLANE_DRAIN] = "drain", [PLANE_OUT] = "maint",
};

/* Writes the command without a separator, as snprintf(); -1 if it cannot be written. */
static int
command_write(const struct plane_command *command, const struct plane_name *name, char *buf,
    size_t size)
{
	const char *service = name->service, *real = name->real;

	if (!model_name_valid(service) || !model_name_valid(real))
		return -1;
	switch (command->kind) {
	case PLANE_COMMAND_STATE:
		if (command->value > PLANE_OUT)
			return -1;
		return snprintf(buf, size, "set server %s/%s state %s", service, real,
		    states[command->value]);
	case PLANE_COMMAND_WEIGHT:
		return snprintf(buf, size, "set server %s/%s weight %u", service, real,
		    command->value);
	case PLANE_COMMAND_END_SESSIONS:
		return snprintf(buf, size, "shutdown sessions server %s/%s", service, real);
	case PLANE_COMMAND_DRAIN_FIRST:
		return snprintf(buf, size, "set server %s/%s state drain", service, real);
	case PLANE_COMMAND_HEALTH_DOWN:
		return snprintf(buf, size, "set server %s/%s health down", service, real);
	case PLANE_COMMAND_SERVICE:
		break;
	}
	return -1;
}

size_t
haproxy_command_line(const struct plane_command *commands, size_t n,
    const struct plane_name *names, char line[HAPROXY_LINE_MAX], size_t *ret_length)
{
	static const char last[] = "show info\n";
	const size_t room = HAPROXY_LINE_MAX - (sizeof(last) - 1);
	size_t length = 0, done;

	for (done = 0; done < n; done++) {
		int more = command_write(&commands[done], &names[commands[done].at],
		    line + length, room - length);

		/* The separator replaces the NUL of snprintf(). */
		if (more < 0 || length + (size_t)more + 1 >= room)
			break;
		length += (size_t)more;
		line[length++] = ';';
	}
	memcpy(line + length, last, sizeof(last) - 1);
	*ret_length = length + sizeof(last) - 1;
	return done;
}

/* Messages of HAProxy 2.6, in cli.c and server.c. */
static const struct {
	const char		*begin;
	enum job_fail_cause	 cause;
} refusals[] = {
	{ "No such server", JOB_CAUSE_NOT_FOUND },
	{ "No such backend", JOB_CAUSE_NOT_FOUND },
	/* A process that stops gives this answer for each of its proxies, also before its "show
	 * info" has "Stopping: 1". */
	{ "Proxy is disabled", JOB_CAUSE_UNREACHABLE },
	{ "", JOB_CAUSE_REJECTED },
};

/* The answer to a command is an empty line, or a message and an empty line. Without the empty
 * line the answer is cut off, because HAProxy ended, and the message is not reliable. */
static void
result_read(struct haproxy_text *text, struct plane_command *command)
{
	const char *message = haproxy_line_next(text), *line = message;
	size_t i = 0;

	while (line != NULL && line[0] != '\0')
		line = haproxy_line_next(text);
	if ((line != NULL && message == line) || command->cause != JOB_CAUSE_NONE)
		return;
	if (line == NULL) {
		command->cause = JOB_CAUSE_UNREACHABLE;
		snprintf(command->message, sizeof(command->message), "HAProxy's answer is %s",
		    message == NULL ? "missing" : "cut off");
		return;
	}
	while (strncmp(message, refusals[i].begin, strlen(refusals[i].begin)) != 0)
		i++;
	command->cause = refusals[i].cause;
	snprintf(command->message, sizeof(command->message), "HAProxy: %.120s", message);
	text_clean(command->message, '?');
}

bool
haproxy_command_results(char *answer, size_t length, const struct haproxy_identity *expected,
    struct plane_command *commands, size_t n)
{
	struct haproxy_text text = { answer, answer + length };
	struct haproxy_identity identity;
	bool holds;

	answer[length] = '\0';
	for (size_t i = 0; i < n; i++)
		result_read(&text, &commands[i]);
	(void)haproxy_info_read(&text, &identity);
	holds = haproxy_identity_same(&identity, expected) && !identity.stopping &&
	    !expected->stopping;
	for (size_t i = 0; i < n && !holds; i++) {
		if (commands[i].cause == JOB_CAUSE_NOT_FOUND ||
		    commands[i].cause == JOB_CAUSE_REJECTED)
			commands[i].cause = JOB_CAUSE_UNREACHABLE;
	}
	return holds;
}
