/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The main() of a daemon that serves a store: options, configuration, background, lock of the
 * store, signals, messages to systemd, exit status. The program supplies a struct
 * service_program with its settings and its functions.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "conf/settings.h"
#include "service/sdnotify.h"
#include "store/store.h"
#include "util/log.h"
#include "util/loop.h"

/* Exit statuses, lbclusterd(8). */
enum service_status {
	SERVICE_OK,
	SERVICE_FAILED,		/* a temporary condition */
	SERVICE_USAGE,		/* invalid options or configuration */
	SERVICE_STORE,		/* a person has to repair the store */
	SERVICE_LOCKED,		/* another process of this program serves the store */
};

/* The first member of each program's configuration. */
struct service_config {
	char		*store;		/* directory or URI */
	enum log_level	 log_level;
	char		*instance;	/* for store_open_exclusive(); NULL: the program has none */
};

/* The first rows of each program's table of settings. */
#define SERVICE_SETTINGS \
	{ .name = "store", .set = settings_store, \
	    .at = offsetof(struct service_config, store), .text = LBCLUSTER_STORE_DIR }, \
	{ .name = "log-level", .set = settings_level, \
	    .at = offsetof(struct service_config, log_level), .text = "info" }

/* An option of the command line that overrides a setting of the configuration file. */
struct service_override {
	char		 letter;
	const char	*argument;	/* in the usage message */
	const char	*setting;
};

/* A long option with an argument that does one thing in place of serving: "--adopt CLUSTER". */
struct service_action {
	const char		*option, *argument;
	/* Returns the exit status. The store is open, and the steps of the start ran. */
	enum service_status	(*act)(void *arg, const char *value);
};

/* A program. 'arg' of its functions is service.arg. */
struct service_program {
	const char			*name;		/* also of its lock and its log lines */
	const char			*conf_file;	/* without -c; need not exist */
	const struct conf_option	*settings;
	size_t				 n_settings;
	size_t				 config_size;
	struct service_override		 override;	/* beside -s and -l; letter 0: none */
	int				 store_wait_ms;	/* for the lock of another program */
	/* Two steps of the start. Each one is repeated while the store is locked. May be NULL. */
	enum err_code			(*steps[2])(void *arg, struct err *err);
	/* Starts to serve. False with errno on failure. */
	bool				(*start)(void *arg);
	/* Serves once and returns the exit status. NULL: the program has no option --once. */
	enum service_status		(*once)(void *arg);
	/* May end early with an action without an option. They run beside the daemon, without its
	 * lock. */
	struct service_action		actions[2];
	/* Runs every second. */
	void				(*tick)(void *arg);
	/* Applies a new configuration, and may change it. service.config is still the old one. */
	void				(*reload)(void *arg, void *config);
	/* Frees what the steps and start() created, also if only a part of them ran. */
	void				(*end)(void *arg);
};

/* A run of a program. The program sets the first three members. */
struct service {
	const struct service_program	*program;
	void				*arg;
	void				*config;	/* config_size bytes of zeros */
	struct loop			*loop;
	struct store			*store;
	bool				 once;
	/* Private to service.c: */
	bool				 foreground, check;
	const struct service_action	*action;	/* in place of serving; NULL: none */
	const char			*action_value;
	const char			*conf_file;
	const char			*override[3];	/* values of -s, -l and the program's own */
	struct loop_timer		 tick_timer;
	struct sdnotify_watchdog	 watchdog;
};

/* Runs the program; returns its exit status. */
int service_main(struct service *service, int argc, char **argv);

/* Logs the rows of the store that are left out because the store is damaged, and those that
 * are repaired. */
void service_store_report(struct service *service);

#endif
