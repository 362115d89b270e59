/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The configuration of a plane driver, lbcluster-haproxy.conf(5).
 */
#ifndef DRIVER_CONFIG_H
#define DRIVER_CONFIG_H

#include <stdint.h>

#include "util/err.h"
#include "util/log.h"

struct driver_config {
	char		*store;		/* directory */
	enum log_level	 log_level;
	uint32_t	 interval_ms;	/* from one measuring to the next */
	uint32_t	 timeout_ms;	/* for one answer of the data plane */
	uint32_t	 drain_ms;	/* 0: out at once */
	uint32_t	 job_patience_s;
};

/* Reads 'path' over the defaults. NULL: 'usual', which need not exist. The texts
 * belong to 'ret': driver_config_done(). Errors have words that begin with FILE:LINE. */
enum err_code driver_config_load(const char *path, const char *usual,
    struct driver_config *ret, struct err *err);

/* Zeroed or loaded; fine to repeat. */
void driver_config_done(struct driver_config *config);

#endif
