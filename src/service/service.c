/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "service/service.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "service/daemonize.h"
#include "util/log_limit.h"
#include "util/memory.h"
#include "util/stdfds.h"
#include "util/text.h"

enum { ONCE_WAIT_MS = 1000, TICK_MS = 1000, ACTION = 1000 /* no letter */ };

/* -- options -------------------------------------------------------------------------- */

static const struct service_override *
override_at(const struct service *service, size_t i)
{
	static const struct service_override common[] = {
		{ 's', "STORE", "store" }, { 'l', "LEVEL", "log-level" },
	};

	return i < ROWS(common) ? &common[i] : &service->program->override;
}

static int
usage(const struct service *service, FILE *to)
{
	fprintf(to, "usage: %s [-f] [-c FILE]", service->program->name);
	for (size_t i = 0; i < ROWS(service->override); i++) {
		const struct service_override *override = override_at(service, i);

		if (override->letter != '\0')
			fprintf(to, " [-%c %s]", override->letter, override->argument);
	}
	for (size_t i = 0; i < ROWS(service->program->actions); i++) {
		const struct service_action *action = &service->program->actions[i];

		if (action->option != NULL)
			fprintf(to, " [--%s %s]", action->option, action->argument);
	}
	fprintf(to, " [--check]%s [--version]\n",
	    service->program->once != NULL ? " [--once]" : "");
	return SERVICE_USAGE;
}

/* Ends the output to standard output. A failed write is a failure of the program. */
static int
output_end(const struct service *service)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return SERVICE_OK;
	fprintf(stderr, "%s: standard output: %s\n", service->program->name, strerror(errno));
	return SERVICE_FAILED;
}

static bool
override_set(struct service *service, int letter, const char *value)
{
	for (size_t i = 0; i < ROWS(service->override); i++) {
		if (override_at(service, i)->letter == letter) {
			service->override[i] = value;
			return true;
		}
	}
	return false;
}

/* Reports an option that getopt(3) refused. Its own messages have any bytes of the argument. */
static void
option_refuse(const struct service *service, int result, const char *word)
{
	text_line_print(stderr, "%s: %s: %s", service->program->name, word,
	    result == ':' ? "the argument of the option is missing" :
	    "is not an option, or has no argument");
}

/* Returns -1 to go on, otherwise the exit status. */
static int
options_parse(struct service *service, int argc, char **argv)
{
	const struct service_action *actions = service->program->actions;
	/* The first option without a name ends the list. */
	const struct option longs[] = {
		{ "check", no_argument, NULL, 'C' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ service->program->once != NULL ? "once" : NULL, no_argument, NULL, 'O' },
		{ actions[0].option, required_argument, NULL, ACTION },
		{ actions[1].option, required_argument, NULL, ACTION + 1 },
		{ NULL, 0, NULL, 0 },
	};
	/* Without an option of the program's own, its letter is NUL and ends the list. */
	const char shorts[] = { ':', 'f', 'h', 'c', ':', 's', ':', 'l', ':',
	    service->program->override.letter, ':', '\0' };
	int option, at;	/* 'at': the word of the option */

	while (at = optind, (option = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		switch (option) {
		case 'f': service->foreground = true; break;
		case 'c': service->conf_file = optarg; break;
		case 'C': service->check = true; break;
		case 'O': service->once = true; break;
		case ACTION:
		case ACTION + 1:
			if (service->action != NULL) {
				text_line_print(stderr, "%s: more than one of --%s and --%s",
				    service->program->name, actions[0].option,
				    actions[1].option);
				return usage(service, stderr);
			}
			service->action = &actions[option - ACTION];
			service->action_value = optarg;
			service->once = true;
			break;
		case 'V': printf("%s %s\n", service->program->name, PACKAGE_VERSION);
			return output_end(service);
		case 'h': usage(service, stdout);
			return output_end(service);
		default:
			if (override_set(service, option, optarg))
				break;
			option_refuse(service, option, argv[at]);
			return usage(service, stderr);
		}
	}
	return optind == argc ? -1 : usage(service, stderr);
}

/* -- configuration ---------------------------------------------------------------------- */

/* The name of the store: the option, then $LBCLUSTER_STORE, then the configuration. An
 * empty option is an unset variable of a script. */
static enum err_code
store_override(const struct service *service, struct service_config *config, struct err *err)
{
	const char *dir = store_dir_named(service->override[0]);

	if (dir != NULL && dir[0] == '\0')
		return err_set(err, ERR_INVALID, "-s: the name of the store is empty");
	if (dir != NULL && !memory_string_assign(&config->store, dir))
		return err_set(err, ERR_NOMEM, "-s: out of memory");
	return ERR_OK;
}

/* Applies the options, which have precedence over the file. */
static enum err_code
overrides_apply(const struct service *service, void *config, struct err *err)
{
	const struct service_program *program = service->program;
	enum err_code code = store_override(service, config, err);

	for (size_t i = 1; i < ROWS(service->override) && code == ERR_OK; i++) {
		const struct service_override *override = override_at(service, i);

		if (service->override[i] == NULL)
			continue;
		code = settings_override(program->settings, program->n_settings, override->setting,
		    service->override[i], config, err);
		if (code != ERR_OK)
			err_prefix(err, "-%c: ", override->letter);
	}
	return code;
}

/* The first call of overrides_apply() reports an invalid option before an invalid file. */
static enum err_code
config_read(const struct service *service, void *config, struct err *err)
{
	const struct service_program *program = service->program;
	const char *path = service->conf_file;
	enum err_code code = overrides_apply(service, config, err);

	if (code == ERR_OK)
		code = settings_load(program->settings, program->n_settings,
		    path != NULL ? path : program->conf_file, path == NULL, config, err);
	if (code == ERR_OK)
		code = overrides_apply(service, config, err);
	if (code != ERR_OK)
		settings_done(program->settings, program->n_settings, config);
	return code;
}

static void
config_replace(struct service *service, void *config)
{
	const struct service_program *program = service->program;
	const struct service_config *old = service->config, *new = config;
	struct err err;

	if (config_read(service, config, &err) != ERR_OK) {
		log_error("config", "%s; the old configuration stays in effect", err.text);
		return;
	}
	if (strcmp(old->store, new->store) != 0)
		log_warn("config", "a new value of store takes effect at a restart");
	program->reload(service->arg, config);
	log_level_set(new->log_level);
	settings_done(program->settings, program->n_settings, service->config);
	memcpy(service->config, config, program->config_size);
	log_info("config", "read again");
}

static void
on_hangup(void *arg)
{
	struct service *service = arg;
	void *config;

	if (service->once) {
		loop_stop(service->loop);
		return;
	}
	sdnotify_reloading();
	config = calloc(1, service->program->config_size);
	if (config != NULL)
		config_replace(service, config);
	else
		log_error("config", "out of memory; the old configuration stays in effect");
	free(config);
	sdnotify_ready();
}

/* -- start ------------------------------------------------------------------------------ */

static void
on_store_report(void *arg, bool repaired, const char *text)
{
	static struct log_limit limit = LOG_LIMIT("store", 20);

	(void)arg;
	log_limited(&limit, repaired ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "%s", text);
}

void
service_store_report(struct service *service)
{
	store_left_out_report(service->store, on_store_report, NULL);
	store_statistics_report(service->store, on_store_report, NULL);
}

static enum service_status
store_start(struct service *service)
{
	const struct service_program *program = service->program;
	const struct service_config *config = service->config;
	enum err_code code;
	struct err err;

	code = service->action != NULL ?
	    store_open(config->store, STORE_READ, ONCE_WAIT_MS, &service->store, &err) :
	    store_open_exclusive(config->store, program->name, config->instance,
	    service->once ? ONCE_WAIT_MS : program->store_wait_ms, &service->store, &err);
	if (code == ERR_PRECOND) {
		log_error("store", "%s", err.text);
		return SERVICE_LOCKED;
	}
	for (size_t i = 0; i < 2 && code == ERR_OK && program->steps[i] != NULL; i++)
		code = store_retry_while_busy(program->steps[i], service->arg, &err);
	if (code == ERR_OK)
		return SERVICE_OK;
	log_error("store", "%s", err.text);
	return store_error_is_transient(config->store, code) ? SERVICE_FAILED : SERVICE_STORE;
}

/* Raises the soft limit of open files to the hard limit. A driver opens a descriptor for each
 * HAProxy that has not answered yet, and the usual soft limit is 1,024 (systemd.exec(5)). */
static void
open_files_allow(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* SIGTERM ends the process at once until the program serves. */
static enum service_status
start(struct service *service)
{
	enum service_status status;

	service->loop = loop_new();
	if (service->loop != NULL && loop_signals_start(service->loop, on_hangup, service)) {
		status = store_start(service);
		if (status != SERVICE_OK)
			return status;
		if (service->action != NULL)
			return SERVICE_OK;
		if (service->program->start(service->arg) && loop_signals_serve(service->loop))
			return SERVICE_OK;
	}
	log_error("daemon", "cannot start: %s", strerror(errno));
	return SERVICE_FAILED;
}

static void
on_tick(void *arg)
{
	struct service *service = arg;

	service->program->tick(service->arg);
	log_limits_flush(false);
	loop_timer_set(service->loop, &service->tick_timer, TICK_MS, on_tick, service);
}

static enum service_status
serve(struct service *service)
{
	if (service->action != NULL)
		return service->action->act(service->arg, service->action_value);
	if (service->once)
		return service->program->once(service->arg);
	on_tick(service);
	sdnotify_ready();
	sdnotify_watchdog_start(&service->watchdog, service->loop);
	loop_run(service->loop);
	sdnotify_stopping();
	log_info("daemon", "ends");
	return SERVICE_OK;
}

static enum service_status
run(struct service *service)
{
	const struct service_config *config = service->config;
	bool background = !service->foreground && !service->once;
	enum service_status status;
	int first = -1;

	umask(0007);	/* files of the store are for their owner and group */
	open_files_allow();
	log_open(service->program->name, background, config->log_level);
	if (background && (first = daemonize()) == -1) {
		log_error("daemon", "cannot go into the background: %s", strerror(errno));
		return SERVICE_FAILED;
	}
	status = start(service);
	daemonize_done(first, (int)status);
	if (status == SERVICE_OK)
		status = serve(service);
	service->program->end(service->arg);
	store_close(service->store);
	loop_free(service->loop);
	log_limits_flush(true);
	return status;
}

int
service_main(struct service *service, int argc, char **argv)
{
	const struct service_program *program = service->program;
	struct err err;
	int status;

	if (!stdfds_open())
		return SERVICE_FAILED;
	status = options_parse(service, argc, argv);
	if (status != -1)
		return status;
	if (config_read(service, service->config, &err) != ERR_OK) {
		text_line_print(stderr, "%s: %s", program->name, err.text);
		return SERVICE_USAGE;
	}
	if (service->check) {
		printf("%s: the configuration is good\n", program->name);
		status = output_end(service);
	} else {
		status = (int)run(service);
	}
	settings_done(program->settings, program->n_settings, service->config);
	return status;
}
