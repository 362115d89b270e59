/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Counts the results of one probe and decides its state. Pure: the caller gives the time.
 */
#ifndef CHECK_VERDICT_H
#define CHECK_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check/checks.h"

enum { VERDICT_DOWNS = 16 };

/* All zeros: not checked yet. */
struct verdict {
	enum check_state	state;
	uint32_t		good, bad;	/* in a row, up to the change */
	uint32_t		rise;		/* good results that are needed now */
	int64_t			downs_ms[VERDICT_DOWNS];	/* the last first; 0: none */
};

/* Adds a result at 'now_ms'. True if the state changed. */
bool verdict_add(struct verdict *verdict, const struct check_spec *spec, bool good, int64_t now_ms);

/* True while the next results may change the state, or complete the failures in a row that end an
 * assumption (checks_set()). check-retry is the interval then. */
bool verdict_counts(const struct verdict *verdict, const struct check_spec *spec);

/* The number of changes to down in the ten minutes before 'now_ms', at most VERDICT_DOWNS. */
unsigned int verdict_downs(const struct verdict *verdict, int64_t now_ms);

/* When the first probe begins: within a second, or within the interval if it is shorter. */
int64_t verdict_first_ms(const struct check_spec *spec, uint32_t hash, int64_t now_ms);

/* When the next probe begins after one that began at 'now_ms'. 'hash' is the place of the probe
 * in the interval, which spreads the probes in time. */
int64_t verdict_next_ms(const struct verdict *verdict, const struct check_spec *spec, uint32_t hash,
    int64_t now_ms);

#endif
