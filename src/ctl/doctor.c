/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command doctor: what keeps an installation from working, and the line
 * that repairs it. The checks are a table; see doctor.h.
 */
#include "ctl/doctor.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/settings.h"
#include "ctl/snmp_asker.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

#define DEFAULT_SNMP "-v2c -c public"

static const struct {
	const char	*name;
	void		(*run)(struct doctor *doctor);
} checks[] = {
	{ "store", doctor_store },
	{ "lbclusterd.conf", doctor_daemon_conf },
	{ "lbclusterd", doctor_daemon },
	{ "store-files", doctor_store_files },
	{ "snmpd.conf", doctor_snmpd_conf },
	{ "agentx-patience", doctor_patience },
	{ "communities", doctor_conf_access },
	{ "secrets", doctor_secrets },
	{ "agentx-socket", doctor_socket },
	{ "agentx-master", doctor_master },
	{ "snmpd", doctor_snmpd },
	{ "registered", doctor_registered },
	{ "view", doctor_view },
	{ "served", doctor_served },
	{ "write", doctor_write },
	{ "mib-file", doctor_mib_file },
	{ "driver.conf", doctor_driver_conf },
	{ "plane", doctor_planes },
};

static const char *const result_names[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "FAIL",
	[DOCTOR_UNSEEN] = "unseen",
	[DOCTOR_SKIPPED] = "skipped",
};

static const struct out_column columns[] = {
	{ "check", "CHECK", OUT_TEXT },
	{ "result", "RESULT", OUT_TEXT },
	{ "words", "WORDS", OUT_TEXT },
	{ "cure", "CURE", OUT_TEXT },
};

enum { WORDS_MAX = 1024, NAME_WIDTH = 15, RESULT_WIDTH = 7 };

/* -- findings ---------------------------------------------------------------------- */

/* A line of its own for each line of the cure. */
static void
cure_print(FILE *file, const char *cure)
{
	char buf[WORDS_MAX], line[WORDS_MAX];

	while (*cure != '\0') {
		size_t length = strcspn(cure, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)length, cure);
		fprintf(file, "%*s%s\n", RESULT_WIDTH + NAME_WIDTH + 6, "",
		    out_printable(line, buf, sizeof(buf)));
		cure += length + (cure[length] == '\n');
	}
}

void
doctor_find(struct doctor *doctor, enum doctor_result result, const char *cure,
    const char *fmt, ...)
{
	char words[WORDS_MAX], buf[WORDS_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	if (result == DOCTOR_FAIL)
		doctor->failed = true;
	if (result == DOCTOR_UNSEEN)
		doctor->unseen = true;
	if (doctor->out != NULL) {
		const struct out_value values[ROWS(columns)] = {
			{ .text = doctor->check },
			{ .text = result_names[result] },
			{ .text = words },
			{ .text = cure, .absent = cure == NULL },
		};

		if (!out_row(doctor->out, values))
			doctor->memory = true;
		return;
	}
	fprintf(doctor->ctl->out, "%-*s  %-*s  %s\n", RESULT_WIDTH, result_names[result],
	    NAME_WIDTH, doctor->check, out_printable(words, buf, sizeof(buf)));
	if (cure != NULL)
		cure_print(doctor->ctl->out, cure);
	fflush(doctor->ctl->out);
}

const char *
doctor_cure(struct doctor *doctor, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(doctor->cure, sizeof(doctor->cure), fmt, ap);
	va_end(ap);
	return doctor->cure;
}

static const char *
name_or_number(const char *name, unsigned int number, char buf[64])
{
	if (name != NULL)
		snprintf(buf, 64, "%s", name);
	else
		snprintf(buf, 64, "%u", number);
	return buf;
}

const char *
doctor_user(uid_t uid, char buf[64])
{
	const struct passwd *user = getpwuid(uid);

	return name_or_number(user != NULL ? user->pw_name : NULL, uid, buf);
}

const char *
doctor_group(gid_t gid, char buf[64])
{
	const struct group *group = getgrgid(gid);

	return name_or_number(group != NULL ? group->gr_name : NULL, gid, buf);
}

/* -- parts of several checks --------------------------------------------------------- */

int
doctor_connect(const char *path, pid_t *ret_pid)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ucred peer = { 0 };
	socklen_t length = sizeof(peer);
	int fd, status = 0;

	*ret_pid = 0;
	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == -1)
		status = errno;
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0)
		*ret_pid = peer.pid;
	close(fd);
	return status;
}

/* The next argument; 'to' gets it. Returns what follows it, NULL if a quote is open. */
static const char *
word_take(const char *text, char **to)
{
	char quote = '\0';

	for (; *text != '\0' && (quote != '\0' || strchr(" \t\n", *text) == NULL); text++) {
		if (quote == '\0' && (*text == '\'' || *text == '"')) {
			quote = *text;
		} else if (*text == quote) {
			quote = '\0';
		} else {
			if (*text == '\\' && quote != '\'' && text[1] != '\0')
				text++;
			*(*to)++ = *text;
		}
	}
	*(*to)++ = '\0';
	return quote == '\0' ? text : NULL;
}

char **
doctor_words(const char *text)
{
	/* At most a word for two characters, and their ends. */
	size_t most = strlen(text) / 2 + 2, n = 0;
	char **words = malloc(most * sizeof(*words) + strlen(text) + 2);
	char *to;

	if (words == NULL)
		return NULL;
	to = (char *)(words + most);
	while (*(text += strspn(text, " \t\n")) != '\0') {
		words[n++] = to;
		text = word_take(text, &to);
		if (text == NULL) {
			free(words);
			return NULL;
		}
	}
	words[n] = NULL;
	return words;
}

/* -- the command ---------------------------------------------------------------------- */

/* "agentx-socket" of lbclusterd.conf, as far as it can be read; lbclusterd --check judges the
 * rest of the file. */
static void
socket_default(struct doctor *doctor)
{
	char file[WHO_PATH_MAX], option[ENDPOINT_TEXT_MAX];
	const char *path;
	char *text = NULL;

	doctor_conf_path(doctor->daemon.pid, LBCLUSTER_CONF_FILE, file);
	if (who_option(doctor->daemon.pid, 'x', option, sizeof(option)))
		path = option;
	else
		path = text = settings_text(file, "agentx-socket");
	if (path == NULL || endpoint_parse(path, &doctor->master, NULL) != ERR_OK) {
		path = DOCTOR_SOCKET;
		(void)endpoint_parse(path, &doctor->master, NULL);
	}
	snprintf(doctor->socket, sizeof(doctor->socket), "%s", path);
	free(text);
}

static enum ctl_exit
doctor_run(struct doctor *doctor)
{
	struct ctl *ctl = doctor->ctl;

	if (ctl->format == OUT_JSON) {
		doctor->out = out_begin(ctl->out, OUT_JSON, OUT_LIST, columns, ROWS(columns));
		doctor->memory = doctor->out == NULL;
	}
	for (size_t i = 0; i < ROWS(checks) && !doctor->memory; i++) {
		doctor->check = checks[i].name;
		checks[i].run(doctor);
	}
	if (doctor->memory) {
		out_finish(doctor->out, false);
		return ctl_failure(ctl, "%s", err_name(ERR_NOMEM));
	}
	out_finish(doctor->out, true);
	if (doctor->failed)
		return CTL_FAILURE;
	return doctor->unseen ? CTL_UNKNOWN : CTL_OK;
}

/* How snmpd is asked: as the user says, else as the operator's snmp.conf says, else with
 * Debian's community of old. False without memory. */
static bool
snmp_default(struct doctor *doctor)
{
	const char *address = doctor->conf.lines[CONF_ADDRESS].value;
	struct snmp_asker found;
	char text[sizeof(DEFAULT_SNMP) + sizeof(doctor->target)];

	snprintf(doctor->asker, sizeof(doctor->asker), "the community or user of --snmp");
	doctor->asker_known = true;
	if (doctor->snmp_given)
		return true;
	snmpd_conf_target(address, doctor->target, sizeof(doctor->target));
	if (!snmp_asker_find(&found)) {
		doctor->asker_known = false;
		snprintf(doctor->asker, sizeof(doctor->asker), "the community public");
		snprintf(text, sizeof(text), DEFAULT_SNMP " %s", doctor->target);
	} else {
		snprintf(doctor->asker, sizeof(doctor->asker), found.user[0] != '\0' ?
		    "the user %2$s of %1$s" : "the community of %1$s", found.file, found.user);
		snprintf(text, sizeof(text), "%s", doctor->target);
		if (snmp_asker_home() != NULL)
			setenv("HOME", snmp_asker_home(), 1);
	}
	free(doctor->snmp);
	doctor->snmp = doctor_words(text);
	return doctor->snmp != NULL;
}

enum ctl_exit
cmd_doctor(struct ctl *ctl, char **operands, int n)
{
	struct doctor doctor = { .ctl = ctl, .snmp_given = ctl->snmp != NULL };
	enum ctl_exit status;
	struct err err;

	(void)operands;
	(void)n;
	if (ctl->agentx != NULL && endpoint_parse(ctl->agentx, &doctor.master, &err) != ERR_OK)
		return ctl_usage(ctl, "-x: %s", err.text);
	doctor.snmp = doctor_words(doctor.snmp_given ? ctl->snmp : DEFAULT_SNMP);
	if (doctor.snmp == NULL || doctor.snmp[0] == NULL) {
		free(doctor.snmp);
		return ctl_usage(ctl, "--snmp: no arguments, or a quotation mark is open");
	}
	doctor_look_daemon(&doctor);
	if (ctl->agentx == NULL)
		socket_default(&doctor);
	else
		snprintf(doctor.socket, sizeof(doctor.socket), "%s", ctl->agentx);
	doctor_look_master(&doctor);
	status = snmp_default(&doctor) ? doctor_run(&doctor) :
	    ctl_failure(ctl, "%s", err_name(ERR_NOMEM));
	free(doctor.snmp);
	return status;
}
