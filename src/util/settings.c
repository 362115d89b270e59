/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Settings from a file; see settings.h.
 */
#include "util/settings.h"

#include <confuse.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/conftext.h"
#include "util/endpoint.h"
#include "util/log.h"

/* libConfuse passes no argument to its callbacks, so these are static. One thread reads the
 * configuration, at start and at SIGHUP. */
static struct {
	const struct setting	*settings;
	struct err		*err;
} current;

static void __attribute__((format(printf, 2, 0)))
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[ERR_TEXT_SIZE];

	if (current.err->code != ERR_OK)
		return;		/* only the first error is reported */
	vsnprintf(text, sizeof(text), fmt, ap);
	if (cfg != NULL && cfg->filename != NULL)
		err_set(current.err, ERR_INVALID, "%s:%d: %s", cfg->filename, cfg->line, text);
	else
		err_set(current.err, ERR_INVALID, "%s", text);
}

/* -- checks ------------------------------------------------------------------------- */

static const struct setting *
setting_of(const cfg_opt_t *opt)
{
	size_t i = 0;

	while (strcmp(current.settings[i].name, opt->name) != 0)
		i++;
	return &current.settings[i];
}

static int
check_number(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct setting *setting = setting_of(opt);
	unsigned int last = cfg_opt_size(opt) - 1;
	double value = setting->kind == SETTING_NUMBER ? (double)cfg_opt_getnint(opt, last) :
	    cfg_opt_getnfloat(opt, last);

	/* This form rejects NaN too. */
	if (value >= setting->min && value <= setting->max)
		return 0;
	cfg_error(cfg, "%s is %.10g, outside %.10g to %.10g", opt->name, value, setting->min,
	    setting->max);
	return -1;
}

static int
check_level(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
	enum log_level level;

	if (log_level_parse(value, &level))
		return 0;
	cfg_error(cfg, "%s is %s, not one of error, warn, info, debug", opt->name, value);
	return -1;
}

static int
check_path(cfg_t *cfg, cfg_opt_t *opt)
{
	if (cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1)[0] == '/')
		return 0;
	cfg_error(cfg, "%s is not an absolute path", opt->name);
	return -1;
}

static int
check_agentx(cfg_t *cfg, cfg_opt_t *opt)
{
	struct endpoint endpoint;
	struct err err;

	if (endpoint_parse(cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1), &endpoint, &err) == ERR_OK)
		return 0;
	cfg_error(cfg, "%s: %s", opt->name, err.text);
	return -1;
}

/* libConfuse's scanner calls exit(3) when it reads a directory. */
static enum err_code
file_check(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path,
		    strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "%s: not a regular file", path);
	if (access(path, R_OK) == -1)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	return ERR_OK;
}

/* -- kinds -------------------------------------------------------------------------- */

static cfg_opt_t
option_of(const struct setting *setting)
{
	switch (setting->kind) {
	case SETTING_NUMBER:
		return (cfg_opt_t)CFG_INT(setting->name, (long)setting->number, CFGF_NONE);
	case SETTING_SECONDS:
		return (cfg_opt_t)CFG_FLOAT(setting->name, setting->number, CFGF_NONE);
	case SETTING_PATH:
	case SETTING_AGENTX:
	case SETTING_LEVEL:
		break;
	}
	return (cfg_opt_t)CFG_STR(setting->name, setting->text, CFGF_NONE);
}

static cfg_validate_callback_t
check_of(const struct setting *setting)
{
	switch (setting->kind) {
	case SETTING_PATH: return check_path;
	case SETTING_AGENTX: return check_agentx;
	case SETTING_LEVEL: return check_level;
	case SETTING_NUMBER:
	case SETTING_SECONDS: break;
	}
	return check_number;
}

static bool
take(cfg_t *cfg, const struct setting *setting, void *into)
{
	void *place = (char *)into + setting->at;

	switch (setting->kind) {
	case SETTING_PATH:
	case SETTING_AGENTX:
		*(char **)place = strdup(cfg_getstr(cfg, setting->name));
		return *(char **)place != NULL;
	case SETTING_LEVEL:
		return log_level_parse(cfg_getstr(cfg, setting->name), place);
	case SETTING_NUMBER:
		*(uint32_t *)place = (uint32_t)cfg_getint(cfg, setting->name);
		return true;
	case SETTING_SECONDS:
		*(uint32_t *)place =
		    (uint32_t)(cfg_getfloat(cfg, setting->name) * 1000.0 + 0.5);
		return true;
	}
	return false;
}

/* -- the file ------------------------------------------------------------------------ */

static cfg_t *
parser_new(const struct setting *settings, size_t n)
{
	cfg_opt_t options[SETTINGS_MAX + 1];
	cfg_t *cfg;

	for (size_t i = 0; i < n; i++)
		options[i] = option_of(&settings[i]);
	options[n] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(options, CFGF_NONE);
	if (cfg == NULL)
		return NULL;
	cfg_set_error_function(cfg, on_error);
	for (size_t i = 0; i < n; i++)
		cfg_set_validate_func(cfg, settings[i].name, check_of(&settings[i]));
	return cfg;
}

static enum err_code
text_parse(cfg_t *cfg, const char *path, const struct conftext *conftext, struct err *err)
{
	FILE *file = fmemopen(conftext->text, conftext->length, "r");
	enum err_code code = ERR_OK;

	cfg->filename = strdup(path);
	if (file == NULL || cfg->filename == NULL)
		code = err_set(err, ERR_NOMEM, "%s: out of memory", path);
	else if (cfg_parse_fp(cfg, file) != CFG_SUCCESS)
		/* libConfuse fails without a message for some invalid option names. */
		code = err->code != ERR_OK ? err->code :
		    err_set(err, ERR_INVALID, "%s:%d: not understood", path, cfg->line);
	if (file != NULL)
		fclose(file);
	return code;
}

static enum err_code
file_parse(cfg_t *cfg, const char *path, struct err *err)
{
	struct conftext conftext;
	enum err_code code = conftext_read(path, &conftext, err);

	if (code == ERR_INVALID)
		err_prefix(err, "%s:%d: ", path, conftext.error_line);
	if (code != ERR_OK)
		return code;
	err->code = ERR_OK;
	current.err = err;
	code = text_parse(cfg, path, &conftext, err);
	free(conftext.text);
	return code;
}

enum err_code
settings_load(const struct setting *settings, size_t n, const char *path, bool optional,
    void *into, struct err *err)
{
	enum err_code code = file_check(path, err);
	bool absent = code == ERR_NOT_FOUND && optional;
	cfg_t *cfg;

	if (code != ERR_OK && !absent)
		return code;
	current.settings = settings;
	cfg = parser_new(settings, n);
	if (cfg == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory", path);
	code = absent ? ERR_OK : file_parse(cfg, path, err);
	for (size_t i = 0; i < n && code == ERR_OK; i++) {
		if (!take(cfg, &settings[i], into))
			code = err_set(err, ERR_NOMEM, "%s: out of memory", path);
	}
	cfg_free(cfg);
	if (code != ERR_OK)
		settings_done(settings, n, into);
	return code;
}

void
settings_done(const struct setting *settings, size_t n, void *into)
{
	for (size_t i = 0; i < n; i++) {
		char **place = (char **)(void *)((char *)into + settings[i].at);

		if (settings[i].kind != SETTING_PATH && settings[i].kind != SETTING_AGENTX)
			continue;
		free(*place);
		*place = NULL;
	}
}
