/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The checks of ldirectord as those of lbcluster; see ldirectord_convert.h.
 */
#include "ctl/ldirectord_convert.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "util/memory.h"

enum { VALUE_SIZE = 1024 };

/* -- kinds of checks ----------------------------------------------------------------------- */

static const struct negotiated negotiated[] = {
	{ "none", 0, "none" }, { "http", 80, "http" }, { "https", 443, "https" },
	{ "dns", 53, NULL }, { "ftp", 21, NULL }, { "http_proxy", 3128, NULL },
	{ "imap", 143, NULL }, { "imaps", 993, NULL }, { "ldap", 389, NULL },
	{ "ldaps", 636, NULL }, { "mysql", 3306, NULL }, { "nntp", 119, NULL },
	{ "oracle", 1521, NULL }, { "pgsql", 5432, NULL }, { "pop", 110, NULL },
	{ "pops", 995, NULL }, { "radius", 1812, NULL }, { "simpletcp", 0, NULL },
	{ "sip", 5060, NULL }, { "smtp", 25, NULL }, { "submission", 587, NULL },
};

static void
negotiated_find(struct conversion *c)
{
	const char *name = conv_text_of(c, LDIRECTORD_SERVICE, NULL);

	c->negotiated = &negotiated[0];
	for (size_t i = 0; i < ROWS(negotiated); i++) {
		if (name != NULL ? strcmp(negotiated[i].name, name) == 0 :
		    c->key.port != 0 && negotiated[i].port == c->key.port) {
			c->negotiated = &negotiated[i];
			return;
		}
	}
	if (name != NULL)
		conv_leave_out(c, conv_line_of(c, LDIRECTORD_SERVICE), "service \"%.64s\" is not "
		    "one that ldirectord checks", name);
}

/* The check that lbcluster has in place of one of ldirectord. */
static const char *
substitute(const struct conversion *c)
{
	return c->key.protocol == IPPROTO_UDP ? "none" : "connect";
}

static const char *
negotiate_choose(const struct conversion *c)
{
	if (c->negotiated->check != NULL)
		return c->negotiated->check;
	conv_remark(c, conv_line_of(c, LDIRECTORD_SERVICE), "service %s: lbcluster has no check of "
	    "this kind; the inventory has check = %s; a program can check it, see check-command in "
	    "lbclusterctl(1)", c->negotiated->name, substitute(c));
	return substitute(c);
}

/* Returns the parameter "check" of the service. */
static const char *
check_choose(struct conversion *c)
{
	const char *type = conv_text_of(c, LDIRECTORD_CHECKTYPE, "negotiate");
	int line = conv_line_of(c, LDIRECTORD_CHECKTYPE);

	if (type[strcspn(type, "0123456789")] != '\0') {
		conv_remark(c, line, "checktype %.16s: lbcluster makes each check the same way",
		    type);
		return negotiate_choose(c);
	}
	if (strcmp(type, "negotiate") == 0)
		return negotiate_choose(c);
	if (strcmp(type, "external") == 0 || strcmp(type, "external-perl") == 0)
		return "command";
	if (strcmp(type, "connect") == 0 && c->key.protocol != IPPROTO_UDP)
		return "connect";
	if (strcmp(type, "connect") == 0 || strcmp(type, "ping") == 0) {
		conv_remark(c, line, "checktype %s is a ping%s, which lbcluster does not send; the "
		    "inventory has check = %s", type, type[0] == 'c' ? " for udp" : "",
		    substitute(c));
		return substitute(c);
	}
	c->off = strcmp(type, "off") == 0;
	if (c->off)
		conv_remark(c, line, "checktype off: the real services have enabled = no, as "
		    "ldirectord activates none");
	else if (strcmp(type, "on") != 0)
		conv_leave_out(c, line, "checktype \"%.64s\" is not one of ldirectord", type);
	return "none";
}

bool
conv_is_http(const struct conversion *c)
{
	return strncmp(c->check, "http", 4) == 0;
}

bool
conv_uses_port(const struct conversion *c)
{
	return conv_is_http(c) || strcmp(c->check, "connect") == 0;
}

/* -- parameters of checks ------------------------------------------------------------------ */

/* Adds the path of a request, which ldirectord completes with a slash. */
void
conv_path_add(struct conversion *c, json_t *params, enum param_depth depth, int line,
    const char *request)
{
	char path[VALUE_SIZE];

	if (strstr(request, "://") != NULL) {
		conv_leave_out(c, line, "request \"%.128s\" is a URL; write check-path, and "
		    "check-address and check-port of the URL", request);
		return;
	}
	snprintf(path, sizeof(path), "%s%s", request[0] == '/' ? "" : "/", request);
	conv_param_add(c, params, depth, line, "check-path", path);
}

/* Writes the text that a regular expression describes. A dot counts as a dot. False if the
 * expression describes other texts too. */
static bool
expression_text(const char *expression, char *ret, size_t size, bool *ret_dot)
{
	size_t n = 0;

	*ret_dot = false;
	for (; *expression != '\0'; expression++) {
		if (*expression == '\\') {
			expression++;
			/* \d and others are classes of characters. */
			if (*expression == '\0' || strchr("./-?*+()[]{}|^$\\\"'#: @!%&=,;<>~_",
			    *expression) == NULL)
				return false;
		} else if (strchr("?*+()[]{}|^$", *expression) != NULL) {
			return false;
		} else if (*expression == '.') {
			*ret_dot = true;
		}
		if (n + 1 == size)
			return false;
		ret[n++] = *expression;
	}
	ret[n] = '\0';
	return true;
}

void
conv_expect_add(struct conversion *c, json_t *params, enum param_depth depth, int line,
    const char *receive)
{
	char text[VALUE_SIZE];
	bool dot;

	if (receive[0] == '\0')
		return;
	if (!expression_text(receive, text, sizeof(text), &dot)) {
		conv_leave_out(c, line, "receive \"%.128s\" is a regular expression; write "
		    "check-expect with a text that a good answer contains", receive);
		return;
	}
	if (dot)
		conv_remark(c, line, "receive \"%.128s\": check-expect has a dot, where ldirectord "
		    "accepts any character", receive);
	conv_param_add(c, params, depth, line, "check-expect", text);
}

/* Adds the times and counts. ldirectord waits the same time after a failed check. */
static void
times_add(struct conversion *c)
{
	const struct ldirectord_value *own = c->virtual->values, *all = c->file->values;
	bool negotiates = conv_is_http(c);
	const enum ldirectord_key first = negotiates ? LDIRECTORD_NEGOTIATETIMEOUT :
	    LDIRECTORD_CHECKTIMEOUT;
	const enum ldirectord_key second = negotiates ? LDIRECTORD_CHECKTIMEOUT :
	    LDIRECTORD_NEGOTIATETIMEOUT;
	const struct ldirectord_value *timeouts[] = { &own[first], &own[second], &all[first],
	    &all[second], &(const struct ldirectord_value){ .text = NULL } };
	const struct ldirectord_value *interval = &all[LDIRECTORD_CHECKINTERVAL];
	const char *fork = conv_text_of(c, LDIRECTORD_FORK, "no");
	const char *interval_text, *timeout_text;
	size_t i = 0;

	while (i + 1 < ROWS(timeouts) && timeouts[i]->text == NULL)
		i++;
	if (own[LDIRECTORD_CHECKINTERVAL].text != NULL && strcmp(fork, "yes") == 0)
		interval = &own[LDIRECTORD_CHECKINTERVAL];
	interval_text = interval->text == NULL ? "10" : interval->text;
	timeout_text = timeouts[i]->text != NULL ? timeouts[i]->text : negotiates ? "30" : "5";
	conv_service_add(c, interval->line, "check-interval", interval_text);
	conv_service_add(c, interval->line, "check-retry", interval_text);
	conv_service_add(c, timeouts[i]->line, "check-timeout", timeout_text);
	conv_service_add(c, 0, "check-rise", "1");
	conv_service_add(c, conv_line_of(c, LDIRECTORD_FAILURECOUNT), "check-fall",
	    conv_text_of(c, LDIRECTORD_FAILURECOUNT, "1"));
}

static void
command_add(struct conversion *c)
{
	const char *command = conv_text_of(c, LDIRECTORD_CHECKCOMMAND, "/bin/true");
	const char *slash = strrchr(command, '/');
	const char *name = slash == NULL ? command : slash + 1;
	int line = conv_line_of(c, LDIRECTORD_CHECKCOMMAND);

	conv_service_add(c, line, "check-command", name);
	conv_remark(c, line, "checkcommand: lbcluster runs /etc/lbcluster/checks.d/%.64s, with the "
	    "address and port of the real service first; write there: #!/bin/sh, then "
	    "exec %.128s \"$3\" \"$4\" \"$1\" \"$2\"", name, command);
}

void
conv_check_add(struct conversion *c)
{
	negotiated_find(c);
	c->check = check_choose(c);
	conv_service_add(c, c->virtual->address.line, "check", c->check);
	if (strcmp(c->check, "none") == 0)
		return;
	conv_setting_add(c, "check-port", LDIRECTORD_CHECKPORT);
	times_add(c);
	if (strcmp(c->check, "command") == 0)
		command_add(c);
	if (!conv_is_http(c))
		return;
	conv_path_add(c, c->params, PARAM_SERVICE, conv_line_of(c, LDIRECTORD_REQUEST),
	    conv_text_of(c, LDIRECTORD_REQUEST, "/"));
	conv_expect_add(c, c->params, PARAM_SERVICE, conv_line_of(c, LDIRECTORD_RECEIVE),
	    conv_text_of(c, LDIRECTORD_RECEIVE, ""));
	conv_setting_add(c, "check-host", LDIRECTORD_VIRTUALHOST);
	conv_setting_add(c, "check-method", LDIRECTORD_HTTPMETHOD);
}
