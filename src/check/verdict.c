/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "check/verdict.h"

#include <string.h>

enum {
	FIRST_MS = 1000,
	DAMPING_WINDOW_MS = 600 * 1000,
	DAMPING_FROM = 3,		/* downs within the window */
	DAMPING_LIMIT_MS = 300 * 1000,
};

unsigned int
verdict_downs(const struct verdict *verdict, int64_t now_ms)
{
	unsigned int n = 0;

	while (n < VERDICT_DOWNS && verdict->downs_ms[n] != 0 &&
	    now_ms - verdict->downs_ms[n] < DAMPING_WINDOW_MS)
		n++;
	return n;
}

/* The good results that a server needs which is down now. Each down from the third one within ten
 * minutes doubles them, as long as they take at most five minutes. */
static uint32_t
rise_needed(const struct verdict *verdict, const struct check_spec *spec, int64_t now_ms)
{
	unsigned int downs = verdict_downs(verdict, now_ms);
	uint64_t rise = spec->rise;

	for (; spec->damping && downs >= DAMPING_FROM; downs--) {
		if (2 * rise * spec->retry_ms > DAMPING_LIMIT_MS)
			break;
		rise *= 2;
	}
	return (uint32_t)rise;
}

static void
become(struct verdict *verdict, const struct check_spec *spec, bool up, int64_t now_ms)
{
	bool was_up = verdict->state == CHECK_UP;

	verdict->state = up ? CHECK_UP : CHECK_DOWN;
	verdict->good = verdict->bad = 0;
	if (up)
		return;
	verdict->bad = was_up ? spec->fall : 1;
	if (was_up) {
		memmove(&verdict->downs_ms[1], &verdict->downs_ms[0],
		    (VERDICT_DOWNS - 1) * sizeof(verdict->downs_ms[0]));
		verdict->downs_ms[0] = now_ms;
	}
	verdict->rise = rise_needed(verdict, spec, now_ms);
}

bool
verdict_add(struct verdict *verdict, const struct check_spec *spec, bool good, int64_t now_ms)
{
	enum check_state before = verdict->state;

	switch (before) {
	case CHECK_UNKNOWN:
		become(verdict, spec, good, now_ms);
		break;
	case CHECK_UP:
		verdict->bad = good ? 0 : verdict->bad + 1;
		if (verdict->bad >= spec->fall)
			become(verdict, spec, false, now_ms);
		break;
	case CHECK_DOWN:
		verdict->good = good ? verdict->good + 1 : 0;
		verdict->bad = good ? 0 : verdict->bad + (verdict->bad < spec->fall);
		if (verdict->good >= verdict->rise)
			become(verdict, spec, true, now_ms);
		break;
	}
	return verdict->state != before;
}

bool
verdict_counts(const struct verdict *verdict, const struct check_spec *spec)
{
	return verdict->good > 0 || (verdict->bad > 0 && verdict->bad < spec->fall);
}

int64_t
verdict_first_ms(const struct check_spec *spec, uint32_t hash, int64_t now_ms)
{
	return now_ms + hash % (spec->interval_ms < FIRST_MS ? spec->interval_ms : FIRST_MS);
}

int64_t
verdict_next_ms(const struct verdict *verdict, const struct check_spec *spec, uint32_t hash,
    int64_t now_ms)
{
	int64_t at;

	if (verdict_counts(verdict, spec))
		return now_ms + spec->retry_ms;
	at = now_ms - now_ms % spec->interval_ms + hash % spec->interval_ms;
	return at > now_ms ? at : at + spec->interval_ms;
}

uint32_t
check_ramp(uint32_t weight, int64_t up_ms, uint32_t slow_start_s)
{
	int64_t slow_ms = (int64_t)slow_start_s * 1000;
	int64_t now;

	if (up_ms >= slow_ms || weight == 0)
		return weight;
	now = up_ms <= 0 ? 0 : (int64_t)weight * up_ms / slow_ms;
	return now < 1 ? 1 : (uint32_t)now;
}
