/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The lines of ldirectord.cf; see ldirectord.h. The rules are those of read_config() of
 * ldirectord 4.12.
 */
#include "ctl/ldirectord.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/file.h"
#include "util/memory.h"

enum { INDENT_MIN = 4, TEXT_SIZE = 256 };

/* Where a key may be. Bits of the tables below. */
enum { GLOBAL = 1, VIRTUAL = 2, BOTH = 3 };

static const struct {
	const char	*name;
	unsigned int	 where;
} keys[LDIRECTORD_KEYS] = {
	[LDIRECTORD_CHECKCOMMAND] = { "checkcommand", VIRTUAL },
	[LDIRECTORD_CHECKINTERVAL] = { "checkinterval", BOTH },
	[LDIRECTORD_CHECKPORT] = { "checkport", VIRTUAL },
	[LDIRECTORD_CHECKTIMEOUT] = { "checktimeout", BOTH },
	[LDIRECTORD_CHECKTYPE] = { "checktype", VIRTUAL },
	[LDIRECTORD_CLEANSTOP] = { "cleanstop", BOTH },
	[LDIRECTORD_FAILURECOUNT] = { "failurecount", BOTH },
	[LDIRECTORD_FALLBACK] = { "fallback", BOTH },
	[LDIRECTORD_FALLBACK6] = { "fallback6", BOTH },
	[LDIRECTORD_FORK] = { "fork", GLOBAL },
	[LDIRECTORD_HTTPMETHOD] = { "httpmethod", VIRTUAL },
	[LDIRECTORD_NEGOTIATETIMEOUT] = { "negotiatetimeout", BOTH },
	[LDIRECTORD_NETMASK] = { "netmask", VIRTUAL },
	[LDIRECTORD_OPS] = { "ops", VIRTUAL },
	[LDIRECTORD_PERSISTENT] = { "persistent", VIRTUAL },
	[LDIRECTORD_PROTOCOL] = { "protocol", VIRTUAL },
	[LDIRECTORD_QUIESCENT] = { "quiescent", BOTH },
	[LDIRECTORD_RECEIVE] = { "receive", VIRTUAL },
	[LDIRECTORD_REQUEST] = { "request", VIRTUAL },
	[LDIRECTORD_SCHEDFLAGS] = { "schedflags", VIRTUAL },
	[LDIRECTORD_SCHEDULER] = { "scheduler", VIRTUAL },
	[LDIRECTORD_SERVICE] = { "service", VIRTUAL },
	[LDIRECTORD_VIRTUALHOST] = { "virtualhost", VIRTUAL },
};

#define MAIL "lbcluster sends no mail; use the notifications of LBCLUSTER-MIB(7)"
#define LOGIN "no check of lbcluster has it; write a program for check = command"
#define ITSELF "is about ldirectord itself; nothing to do"

/* Keys without a counterpart, and what to do. */
static const struct {
	const char	*name;
	unsigned int	 where;
	const char	*advice;
} unused_keys[] = {
	{ "autoreload", GLOBAL, "run lbclusterctl load after a change of the inventory file" },
	{ "callback", GLOBAL, "lbcluster runs no program; copy the inventory file yourself" },
	{ "checkcount", BOTH, "is about pings, which lbcluster does not send; nothing to do" },
	{ "comment", VIRTUAL, "write it into the inventory file as a comment" },
	{ "database", VIRTUAL, LOGIN },
	{ "emailalert", BOTH, MAIL },
	{ "emailalertfreq", BOTH, MAIL },
	{ "emailalertfrom", GLOBAL, MAIL },
	{ "emailalertstatus", BOTH, MAIL },
	{ "execute", GLOBAL, "run discover for that configuration too" },
	{ "fallbackcommand", BOTH, "lbcluster runs no program then; use the notification "
	    "lbcServiceStatusChange of LBCLUSTER-MIB(7)" },
	{ "load", VIRTUAL, ITSELF },
	{ "logfile", GLOBAL, ITSELF },
	{ "login", VIRTUAL, LOGIN },
	{ "maintenancedir", GLOBAL, "use lbclusterctl disable PATH for maintenance" },
	{ "monitorfile", VIRTUAL, "lbcluster writes no such file; use the notification "
	    "lbcRealActiveChange of LBCLUSTER-MIB(7)" },
	{ "passwd", VIRTUAL, LOGIN },
	{ "readdquiescent", GLOBAL, ITSELF },
	{ "secret", VIRTUAL, LOGIN },
	{ "servicename", VIRTUAL, "write it into the inventory file as a comment" },
	{ "smtp", BOTH, MAIL },
	{ "supervised", GLOBAL, ITSELF },
};

struct reading {
	struct ldirectord_file		*file;
	struct ldirectord_virtual	*virtual;	/* the open section; NULL: none */
	ldirectord_report_fn		 report;
	void				*arg;
	int				 line;
};

static void __attribute__((format(printf, 3, 4)))
report(const struct reading *reading, bool is_error, const char *fmt, ...)
{
	char text[TEXT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	reading->report(reading->arg, reading->line, is_error, text);
}

/* -- values -------------------------------------------------------------------------------- */

static char *
spaces_strip(char *text)
{
	size_t n;

	text += strspn(text, " ");
	n = strlen(text);
	while (n > 0 && text[n - 1] == ' ')
		text[--n] = '\0';
	return text;
}

/* Removes quotes, of which the last one ends the value. */
static char *
quotes_strip(char *text)
{
	char *last = strrchr(text, '"');

	if (text[0] != '"' || last == text)
		return text;
	*last = '\0';
	return text + 1;
}

static bool
real_add(struct ldirectord_virtual *virtual, const struct ldirectord_value *value)
{
	struct ldirectord_value *reals = memory_array_reserve(virtual->reals, virtual->n,
	    &virtual->room, sizeof(*reals));

	if (reals == NULL)
		return false;
	virtual->reals = reals;
	reals[virtual->n++] = *value;
	return true;
}

static bool
virtual_add(struct reading *reading, bool is_ipv6, const struct ldirectord_value *value)
{
	struct ldirectord_file *file = reading->file;
	struct ldirectord_virtual *virtuals = memory_array_reserve(file->virtuals, file->n,
	    &file->room, sizeof(*virtuals));

	if (virtuals == NULL)
		return false;
	file->virtuals = virtuals;
	reading->virtual = &virtuals[file->n++];
	*reading->virtual = (struct ldirectord_virtual){ .is_ipv6 = is_ipv6, .address = *value };
	return true;
}

/* Keeps the value of a key that discover uses. False if there is no such key here. */
static bool
value_keep(struct reading *reading, const char *key, const struct ldirectord_value *value)
{
	struct ldirectord_value *values = reading->virtual == NULL ? reading->file->values :
	    reading->virtual->values;
	unsigned int where = reading->virtual == NULL ? GLOBAL : VIRTUAL;

	for (size_t i = 0; i < LDIRECTORD_KEYS; i++) {
		if (strcmp(keys[i].name, key) != 0 || (keys[i].where & where) == 0)
			continue;
		values[i] = *value;
		values[i].text = quotes_strip(values[i].text);
		return true;
	}
	return false;
}

static void
unused_report(const struct reading *reading, const char *key)
{
	unsigned int where = reading->virtual == NULL ? GLOBAL : VIRTUAL;

	for (size_t i = 0; i < ROWS(unused_keys); i++) {
		if (strcmp(unused_keys[i].name, key) == 0 && (unused_keys[i].where & where) != 0) {
			report(reading, false, "%s: %s", key, unused_keys[i].advice);
			return;
		}
	}
	report(reading, true, "%.64s: is not a setting of ldirectord here", key);
}

/* -- lines ---------------------------------------------------------------------------------- */

/* Handles "key = value". False without memory. */
static bool
setting_read(struct reading *reading, char *line)
{
	size_t length = strcspn(line, " =");
	char *rest = line + length + strspn(line + length, " ");
	struct ldirectord_value value = { .line = reading->line };
	bool is_ipv6;

	value.text = *rest == '=' ? spaces_strip(rest + 1) : rest + strlen(rest);
	if (*rest != '=' && *rest != '\0') {
		report(reading, true, "\"%.64s\" is not a setting: there is no =", line);
		return true;
	}
	line[length] = '\0';
	is_ipv6 = length > 0 && line[length - 1] == '6';
	if (reading->virtual == NULL && (strcmp(line, "virtual") == 0 ||
	    strcmp(line, "virtual6") == 0))
		return virtual_add(reading, is_ipv6, &value);
	if (reading->virtual != NULL && (strcmp(line, "real") == 0 || strcmp(line, "real6") == 0)) {
		if (reading->virtual->is_ipv6 == is_ipv6)
			return real_add(reading->virtual, &value);
		report(reading, true, "%s is not of the family of its virtual service", line);
		return true;
	}
	if (!value_keep(reading, line, &value))
		unused_report(reading, line);
	return true;
}

/* Returns the column of the first character that is not white; a tab counts as four spaces.
 * Replaces tabs by spaces. */
static size_t
indent_read(char *line)
{
	size_t columns = 0, n = strspn(line, " \t");

	for (size_t i = 0; i < n; i++)
		columns += line[i] == '\t' ? INDENT_MIN : 1;
	for (char *at = line; (at = strchr(at, '\t')) != NULL; )
		*at = ' ';
	return columns;
}

static bool
line_read(struct reading *reading, char *line)
{
	size_t indent = indent_read(line);
	bool is_comment = line[strspn(line, " ")] == '#';

	/* ldirectord does not accept # in quotes either. */
	line[strcspn(line, "#\r")] = '\0';
	line = spaces_strip(line);
	if (is_comment)
		return true;
	if (line[0] == '\0' || indent == 0)
		reading->virtual = NULL;
	if (line[0] == '\0')
		return true;
	if (indent > 0 && (reading->virtual == NULL || indent < INDENT_MIN)) {
		report(reading, true, "the line is indented and not in a section of virtual");
		return true;
	}
	return setting_read(reading, line);
}

static bool
lines_read(struct reading *reading)
{
	char *next = reading->file->text;
	bool ok = true;

	next += file_bom_length(next, strlen(next));
	while (*next != '\0' && ok) {
		char *line = next;

		next += strcspn(next, "\n");
		if (*next == '\n')
			*next++ = '\0';
		reading->line++;
		ok = line_read(reading, line);
	}
	return ok;
}

/* -- the file ------------------------------------------------------------------------------- */

/* Reads all bytes of a file as a text. */
static enum err_code
text_read(const char *name, char **ret, struct err *err)
{
	bool is_stdin = strcmp(name, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(name, "re");
	enum err_code code = ERR_OK;
	char *text = NULL;
	size_t room = 0;
	ssize_t n;

	if (file == NULL)
		return err_set(err, ERR_IO, "%s: %s", name, strerror(errno));
	errno = 0;
	n = getdelim(&text, &room, '\0', file);
	if (n == -1 && feof(file) && text != NULL)
		text[0] = '\0';	/* the file is empty */
	else if (n == -1 && !feof(file))
		code = err_set(err, ERR_IO, "%s: %s", file_input_name(name), strerror(errno));
	else if (!feof(file))
		code = err_set(err, ERR_INVALID, "%s: has a byte that is zero; give a "
		    "configuration file of ldirectord", file_input_name(name));
	if (!is_stdin)
		fclose(file);
	if (code == ERR_OK && text == NULL && (text = strdup("")) == NULL)
		code = err_set(err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	if (code == ERR_OK)
		*ret = text;
	else
		free(text);
	return code;
}

enum err_code
ldirectord_read(const char *name, ldirectord_report_fn report_fn, void *arg,
    struct ldirectord_file *ret, struct err *err)
{
	struct ldirectord_file file = { .text = NULL };
	struct reading reading = { .file = &file, .report = report_fn, .arg = arg };
	enum err_code code = text_read(name, &file.text, err);

	if (code == ERR_OK && file.text != NULL && !lines_read(&reading))
		code = err_set(err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	if (code == ERR_OK)
		*ret = file;
	else
		ldirectord_free(&file);
	return code;
}

void
ldirectord_free(struct ldirectord_file *file)
{
	for (size_t i = 0; i < file->n; i++)
		free(file->virtuals[i].reals);
	free(file->virtuals);
	free(file->text);
	*file = (struct ldirectord_file){ .text = NULL };
}

const struct ldirectord_value *
ldirectord_value(const struct ldirectord_file *file, const struct ldirectord_virtual *virtual,
    enum ldirectord_key key)
{
	return virtual->values[key].text != NULL ? &virtual->values[key] : &file->values[key];
}
