/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The configuration; see config.h. libConfuse reads it, one table says what there
 * is.
 */
#include "daemon/config.h"

#include <confuse.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Numbers with their bounds. */
static const struct {
	const char	*name;
	long		 min, max;
	size_t		 at;
} numbers[] = {
	{ "stale-after", 1, 86400, offsetof(struct config, stale_after_s) },
	{ "job-max-rows", 10, 100000, offsetof(struct config, job_max_rows) },
	{ "notify-min-interval", 0, 3600, offsetof(struct config, notify_interval_s) },
};

/* libConfuse hands its messages to a function without an argument of ours. The
 * configuration is read by one thread, at start and at SIGHUP. */
static struct err *current_err;

static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[ERR_TEXT_SIZE];

	if (current_err == NULL || current_err->code != ERR_OK)
		return;		/* the first one counts */
	vsnprintf(text, sizeof(text), fmt, ap);
	if (cfg != NULL && cfg->filename != NULL)
		err_set(current_err, ERR_INVALID, "%s:%d: %s", cfg->filename, cfg->line,
		    text);
	else
		err_set(current_err, ERR_INVALID, "%s", text);
}

static int
check_number(cfg_t *cfg, cfg_opt_t *opt)
{
	long value = cfg_opt_getnint(opt, cfg_opt_size(opt) - 1);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(numbers[i].name, opt->name) == 0 &&
		    (value < numbers[i].min || value > numbers[i].max)) {
			cfg_error(cfg, "%s is %ld, outside %ld to %ld", opt->name, value,
			    numbers[i].min, numbers[i].max);
			return -1;
		}
	}
	return 0;
}

static int
check_level(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
	enum log_level level;

	if (log_level_parse(value, &level))
		return 0;
	cfg_error(cfg, "log-level is %s, not one of error, warn, info, debug", value);
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

static enum err_code
take(cfg_t *cfg, struct config *config, struct err *err)
{
	config->store = strdup(cfg_getstr(cfg, "store"));
	config->agentx_socket = strdup(cfg_getstr(cfg, "agentx-socket"));
	if (config->store == NULL || config->agentx_socket == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	log_level_parse(cfg_getstr(cfg, "log-level"), &config->log_level);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		*(uint32_t *)(void *)((char *)config + numbers[i].at) =
		    (uint32_t)cfg_getint(cfg, numbers[i].name);
	return ERR_OK;
}

/* A directory would make libConfuse's scanner end the program. */
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

enum err_code
config_load(const char *path, struct config *ret_config, struct err *err)
{
	cfg_opt_t options[] = {
		CFG_STR("store", LBCLUSTER_STORE_DIR, CFGF_NONE),
		CFG_STR("agentx-socket", "/var/agentx/master", CFGF_NONE),
		CFG_STR("log-level", "info", CFGF_NONE),
		CFG_INT("stale-after", 300, CFGF_NONE),
		CFG_INT("job-max-rows", 1000, CFGF_NONE),
		CFG_INT("notify-min-interval", 10, CFGF_NONE),
		CFG_END(),
	};
	const char *file = path == NULL ? LBCLUSTER_CONF_FILE : path;
	struct config config = { 0 };
	enum err_code code;
	cfg_t *cfg;

	code = file_check(file, err);
	if (code != ERR_OK && !(code == ERR_NOT_FOUND && path == NULL))
		return code;
	cfg = cfg_init(options, CFGF_NONE);
	if (cfg == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	cfg_set_error_function(cfg, on_error);
	cfg_set_validate_func(cfg, "store", check_path);
	cfg_set_validate_func(cfg, "agentx-socket", check_path);
	cfg_set_validate_func(cfg, "log-level", check_level);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		cfg_set_validate_func(cfg, numbers[i].name, check_number);
	err->code = ERR_OK;
	current_err = err;
	if (code == ERR_OK && cfg_parse(cfg, file) != CFG_SUCCESS)
		code = err->code != ERR_OK ? err->code :
		    err_set(err, ERR_INVALID, "%s: cannot be read", file);
	else
		code = take(cfg, &config, err);
	current_err = NULL;
	cfg_free(cfg);
	if (code != ERR_OK) {
		config_done(&config);
		return code;
	}
	*ret_config = config;
	return ERR_OK;
}

void
config_done(struct config *config)
{
	free(config->store);
	free(config->agentx_socket);
	config->store = NULL;
	config->agentx_socket = NULL;
}
