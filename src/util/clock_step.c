/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Steps of the wall clock; see clock_step.h. A step back has no record: the wall times before it
 * are in the future, and their age is 0.
 */
#include "util/clock_step.h"

#include <stdbool.h>
#include <string.h>

#include "util/clock.h"

enum { STEP_MIN_S = 2, STEPS_MAX = 8 };

/* The latest steps, the oldest first. */
static struct step {
	int64_t	before_s;	/* wall time at the step, rounded up */
	int64_t	seconds;
} steps[STEPS_MAX];
static unsigned int n_steps;
static int64_t offset_s;	/* wall clock less steady clock, at the last call */
static bool offset_known;

/* Returns the wall time that it has compared. */
static int64_t
steps_note(void)
{
	int64_t wall = clock_wall_s(), offset = wall - clock_steady_ms() / 1000;
	int64_t seconds = offset_known ? offset - offset_s : 0;

	if (seconds >= STEP_MIN_S) {
		if (n_steps == STEPS_MAX)
			memmove(&steps[0], &steps[1], --n_steps * sizeof(steps[0]));
		/* Both clocks are read in whole seconds, so 'seconds' may be one too many. */
		steps[n_steps++] = (struct step){ wall - seconds + 1, seconds };
	}
	/* After a step back to before an earlier step, the clock shows the times up to that step
	 * again, now without the step. */
	while (seconds <= -STEP_MIN_S && n_steps > 0 && steps[n_steps - 1].before_s >= wall)
		n_steps--;
	offset_s = offset;
	offset_known = true;
	return wall;
}

void
clock_steps_note(void)
{
	(void)steps_note();
}

int64_t
clock_age_s(int64_t wall_s)
{
	int64_t age, now = steps_note();

	/* A second reading of the clock could have a step that is not noted. */
	if (__builtin_sub_overflow(now, wall_s, &age))
		return wall_s < 0 ? INT64_MAX : 0;
	for (unsigned int i = 0; i < n_steps && age > 0; i++)
		if (wall_s <= steps[i].before_s)
			age -= steps[i].seconds;
	return age > 0 ? age : 0;
}
