/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "conf/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/endpoint.h"
#include "util/log.h"

enum { INSTANCE_MAX = 64 };	/* bytes, as of a name in the store */

/* -- values ------------------------------------------------------------------------- */

void
settings_path(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	if (value[0] == '/')
		conf_keep(conf, into, value);
	else
		conf_error(conf, "%s is not an absolute path", option->name);
}

/* The store checks the URI when it opens. */
void
settings_store(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	if (strstr(value, "://") != NULL)
		conf_keep(conf, into, value);
	else
		settings_path(conf, option, into, value);
}

void
settings_agentx(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	struct endpoint endpoint;
	struct err err;

	if (endpoint_parse(value, &endpoint, &err) == ERR_OK)
		conf_keep(conf, into, value);
	else
		conf_error(conf, "%s %s", option->name, err.text);
}

void
settings_instance(struct conf *conf, const struct conf_option *option, void *into,
    const char *value)
{
	static const char valid[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-._";
	char host[INSTANCE_MAX + 1] = "";
	size_t n = strlen(value);

	if (n > INSTANCE_MAX || strspn(value, valid) != n) {
		conf_error(conf, "%s \"%.64s\" is not 1 to %d characters of A-Z, a-z, 0-9, - . _",
		    option->name, value, INSTANCE_MAX);
		return;
	}
	if (n == 0 && (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0'))
		snprintf(host, sizeof(host), "localhost");
	for (size_t i = strspn(host, valid); host[i] != '\0'; i += strspn(host + i, valid))
		host[i] = '-';
	conf_keep(conf, into, n > 0 ? value : host);
}

void
settings_level(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	if (!log_level_parse(value, into))
		conf_error(conf, "%s \"%.64s\" is not one of error, warn, info, debug",
		    option->name, value);
}

void
settings_seconds(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	double seconds;

	if (conf_decimal(conf, option, value, false, &seconds))
		*(uint32_t *)into = (uint32_t)(seconds * 1000.0 + 0.5);
}

/* -- the file ------------------------------------------------------------------------ */

enum err_code
settings_override(const struct conf_option *settings, size_t n, const char *name,
    const char *value, void *into, struct err *err)
{
	struct diagnostics diagnostics = { .file = "" };
	const struct conf_section file = { .name = "root", .options = settings, .n_options = n };
	struct conf conf = { .sections = &file, .n_sections = 1, .diagnostics = &diagnostics };
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(settings[i].name, name) == 0)
			settings[i].set(&conf, &settings[i], (char *)into + settings[i].at, value);
	}
	if (conf.no_memory || diagnostics.errors > diagnostics.n)
		code = err_set(err, ERR_NOMEM, "%s: out of memory", name);
	else if (diagnostics.errors > 0)
		code = err_set(err, ERR_INVALID, "%s", diagnostics.list[0].text);
	diagnostics_free(&diagnostics);
	return code;
}

/* A FIFO would block the program. */
static enum err_code
file_read(const struct conf_section *file, const char *path, bool optional, void *into,
    struct err *err)
{
	struct diagnostics diagnostics;
	enum err_code code;
	struct stat st;
	bool exists = stat(path, &st) == 0;

	if (!exists && errno == ENOENT && optional)
		return ERR_OK;
	if (exists && !S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "%s: not a regular file", path);
	code = conf_read(path, file, 1, into, &diagnostics, err);
	if (diagnostics.n > 0)
		err_set(err, code, "%s:%d: %s", path, diagnostics.list[0].line,
		    diagnostics.list[0].text);
	diagnostics_free(&diagnostics);
	return code;
}

enum err_code
settings_load(const struct conf_option *settings, size_t n, const char *path, bool optional,
    void *into, struct err *err)
{
	const struct conf_section file = { .name = "root", .options = settings, .n_options = n };
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < n && code == ERR_OK; i++)
		code = settings_override(settings, n, settings[i].name, settings[i].text, into,
		    err);
	if (code == ERR_OK)
		code = file_read(&file, path, optional, into, err);
	if (code != ERR_OK)
		settings_done(settings, n, into);
	return code;
}

static void
set_text(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	(void)option;
	conf_keep(conf, into, value);
}

char *
settings_text(const char *path, const char *name)
{
	const struct conf_option option = { .name = name, .set = set_text };
	const struct conf_section file = { .name = "root", .options = &option, .n_options = 1,
	    .ignores_unknown = true };
	struct diagnostics diagnostics;
	char *text = NULL;

	if (conf_read(path, &file, 1, &text, &diagnostics, NULL) != ERR_OK) {
		free(text);
		text = NULL;
	}
	diagnostics_free(&diagnostics);
	return text;
}

void
settings_done(const struct conf_option *settings, size_t n, void *into)
{
	for (size_t i = 0; i < n; i++) {
		char **text = (char **)(void *)((char *)into + settings[i].at);

		if (settings[i].set != settings_path && settings[i].set != settings_store &&
		    settings[i].set != settings_agentx && settings[i].set != settings_instance)
			continue;
		free(*text);
		*text = NULL;
	}
}
