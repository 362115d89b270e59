/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Holds a store that was found after a power cut to what it had promised.
 */
#ifndef TESTS_POWER_JUDGE_H
#define TESTS_POWER_JUDGE_H

#include "scene.h"

enum harm {
	HARM_NONE,
	HARM_LOST,		/* what was acknowledged is not there, or not all of it */
	HARM_HALF,		/* something is half done */
	HARM_ILL,		/* lbcluster.db is damaged, or refused */
	HARM_STATISTICS,	/* lbcluster-stats.db is */
	HARMS
};

extern const char *const harm_names[HARMS];

struct finding {
	enum harm	harm;
	char		words[ERR_TEXT_SIZE + SQL_SIZE];
};

/* What lies at scene->dir was cut when 'begun' steps were begun and 'done' of them
 * acknowledged. Opens it as lbclusterd does at its start, and works with it. */
void judge(const struct scene *scene, size_t begun, size_t done, struct finding *ret);

#endif
