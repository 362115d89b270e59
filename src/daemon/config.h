/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The configuration of lbclusterd, lbclusterd.conf(5).
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdint.h>

#include "util/err.h"
#include "util/log.h"

struct config {
	char		*store;		/* directory */
	char		*agentx_socket;	/* as endpoint_parse() takes it */
	enum log_level	 log_level;
	uint32_t	 stale_after_s;	/* 1..86400 */
	uint32_t	 job_max_rows;	/* 10..100000 */
	uint32_t	 notify_interval_s;	/* 0..3600 */
};

/* Reads 'path' over the defaults. NULL: the default file, which need not exist. The
 * texts belong to 'ret_config': config_done(). ERR_INVALID, ERR_RANGE, ERR_NOT_FOUND,
 * ERR_IO or ERR_NOMEM with words that begin with FILE:LINE. */
enum err_code config_load(const char *path, struct config *ret_config, struct err *err);

/* Zeroed or loaded; fine to repeat. */
void config_done(struct config *config);

#endif
