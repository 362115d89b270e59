/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The configuration of a driver, lbcluster-haproxy.conf(5).
 */
#ifndef DRIVER_DRIVER_CONFIG_H
#define DRIVER_DRIVER_CONFIG_H

#include "service/service.h"

/* A driver without settings of a data plane has the first ones: store, log-level, interval. */
enum { DRIVER_SETTINGS = 6, DRIVER_CHECK_SETTINGS = 3 };

struct driver_config {
	struct service_config	 common;
	uint32_t		 interval_ms;	/* from one measurement to the next */
	uint32_t		 timeout_ms;	/* for one answer of the data plane */
	uint32_t		 drain_ms;	/* 0: no drain before a server is disabled */
	uint32_t		 job_patience_s;
};

/* The settings, with offsets in struct driver_config. */
extern const struct conf_option driver_settings[DRIVER_SETTINGS];

#endif
