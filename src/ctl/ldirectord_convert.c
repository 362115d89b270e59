/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Settings of ldirectord and parameters of rows; see ldirectord_convert.h.
 */
#include "ctl/ldirectord_convert.h"

#include <stdarg.h>
#include <stdio.h>

enum { REASON_SIZE = 400 };

/* -- messages ------------------------------------------------------------------------------ */

static void __attribute__((format(printf, 4, 0)))
message_add(const struct conversion *c, int line, const char *end, const char *fmt, va_list ap)
{
	char text[REASON_SIZE];

	vsnprintf(text, sizeof(text), fmt, ap);
	discover_message(c->discovery, line, "%s%s", text, end);
}

void
conv_remark(const struct conversion *c, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message_add(c, line, "", fmt, ap);
	va_end(ap);
}

void
conv_leave_out(const struct conversion *c, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message_add(c, line, "; left out", fmt, ap);
	va_end(ap);
	c->discovery->left_out++;
}

/* -- values -------------------------------------------------------------------------------- */

const struct ldirectord_value *
conv_value_of(const struct conversion *c, enum ldirectord_key key)
{
	return ldirectord_value(c->file, c->virtual, key);
}

const char *
conv_text_of(const struct conversion *c, enum ldirectord_key key, const char *otherwise)
{
	const char *text = conv_value_of(c, key)->text;

	return text != NULL ? text : otherwise;
}

int
conv_line_of(const struct conversion *c, enum ldirectord_key key)
{
	const struct ldirectord_value *value = conv_value_of(c, key);

	return value->text != NULL ? value->line : c->virtual->address.line;
}

void
conv_param_add(struct conversion *c, json_t *params, enum param_depth depth, int line,
    const char *name, const char *value)
{
	struct err err;
	enum err_code code = params == NULL ? ERR_NOMEM :
	    discover_param_add(params, depth, name, value, &err);

	if (code == ERR_NOMEM)
		c->no_memory = true;
	else if (code != ERR_OK)
		conv_leave_out(c, line, "%s", err.text);
}

void
conv_service_add(struct conversion *c, int line, const char *name, const char *value)
{
	conv_param_add(c, c->params, PARAM_SERVICE, line, name, value);
}

void
conv_setting_add(struct conversion *c, const char *name, enum ldirectord_key key)
{
	const struct ldirectord_value *value = conv_value_of(c, key);

	if (value->text != NULL)
		conv_service_add(c, value->line, name, value->text);
}
