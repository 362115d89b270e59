/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Foreign changes; see foreign.h.
 */
#include "driver/foreign.h"

#include <stdio.h>

enum {
	CONTESTED_REPAIRS = 3,
	CONTESTED_PAUSES = 3,		/* without a repair end the contest */
	SLACK_MS = 1000,
	PAUSE_MAX_MS = 15 * 60 * 1000,	/* a longer pause ends a series of repairs */
	SHOWN_MS = 60 * 1000,
};

bool
foreign_update(struct foreign *foreign, uint32_t wanted, uint32_t found,
    const struct foreign_round *round)
{
	bool same = foreign->known && foreign->wanted == wanted && !foreign->job;

	if (!foreign->known && round->resumed && !foreign->job)
		foreign->confirmed = true;
	else if (!same || round->restarted)
		foreign->confirmed = false;
	if (!same)
		foreign->repairs = 0;
	foreign->known = true;
	foreign->job = false;
	foreign->wanted = wanted;
	if (found != wanted)
		foreign->found = found;
	foreign->kept = found != wanted && round->keep && foreign->confirmed;
	foreign->repairing = found != wanted && !foreign->kept && same && !round->restarted;
	return found != wanted && !foreign->kept;
}

void
foreign_confirm(struct foreign *foreign, uint32_t found)
{
	if (foreign->known && found == foreign->wanted)
		foreign->confirmed = true;
}

bool
foreign_contested(const struct foreign *foreign, int64_t now_ms)
{
	return foreign->repairs >= CONTESTED_REPAIRS &&
	    now_ms - foreign->last_ms <= CONTESTED_PAUSES * foreign->gap_ms + SLACK_MS;
}

void
foreign_repaired(struct foreign *foreign, int64_t now_ms)
{
	int64_t pause = now_ms - foreign->last_ms;

	if (!foreign->repairing)
		return;
	foreign->repairing = false;
	if (foreign->repairs == 0 || pause > PAUSE_MAX_MS ||
	    (foreign->repairs >= CONTESTED_REPAIRS && !foreign_contested(foreign, now_ms))) {
		foreign->repairs = 0;
		foreign->first_ms = now_ms;
		foreign->gap_ms = 0;
	} else if (pause > foreign->gap_ms) {
		foreign->gap_ms = pause;
	}
	foreign->repairs++;
	foreign->last_ms = now_ms;
	if (foreign->repairs <= CONTESTED_REPAIRS || now_ms - foreign->shown_ms >= SHOWN_MS) {
		foreign->shown_repairs = foreign->repairs;
		foreign->shown_ms = now_ms;
	}
}

/* -- messages ------------------------------------------------------------------------- */

static const char *const names[] = { [FOREIGN_WEIGHT] = "weight", [FOREIGN_STATE] = "state" };

/* Writes "5" or "maint"; returns 'buf'. */
static const char *
value_text(enum foreign_setting setting, uint32_t value, const struct plane_kind_ops *ops,
    char buf[32])
{
	bool mixed = value == (setting == FOREIGN_STATE ? (uint32_t)PLANE_MIXED :
	    (uint32_t)PLANE_WEIGHT_MIXED);

	if (mixed)
		snprintf(buf, 32, "(different in the pair)");
	else if (setting == FOREIGN_STATE)
		snprintf(buf, 32, "%s", ops->states[value].value);
	else
		snprintf(buf, 32, "%u", value);
	return buf;
}

const char *
foreign_message(const struct foreign *foreign, enum foreign_setting setting,
    const struct plane_kind_ops *ops, int64_t now_ms, char buf[MODEL_MESSAGE_MAX + 1])
{
	int64_t seconds = (foreign->shown_ms - foreign->first_ms + 999) / 1000;
	char wanted[32], found[32], span[32];

	buf[0] = '\0';
	if (!foreign->kept && !foreign_contested(foreign, now_ms))
		return buf;
	snprintf(span, sizeof(span), "%lld %s", (long long)(seconds < 120 ? seconds : seconds / 60),
	    seconds < 120 ? "seconds" : "minutes");
	if (setting == FOREIGN_SERVICE) {
		snprintf(buf, MODEL_MESSAGE_MAX + 1, "was restored %u times in %s, but something"
		    " outside lbcluster changes it again; %s", foreign->shown_repairs, span,
		    ops->state_advice);
		return buf;
	}
	value_text(setting, foreign->wanted, ops, wanted);
	value_text(setting, foreign->found, ops, found);
	if (foreign->kept)
		snprintf(buf, MODEL_MESSAGE_MAX + 1, "%s %s was set outside lbcluster and is kept;"
		    " the store has %s (foreign-changes = keep)", names[setting], found, wanted);
	else
		snprintf(buf, MODEL_MESSAGE_MAX + 1, "%s %s was set %u times in %s, but something"
		    " outside lbcluster changes it back to %s; %s", names[setting], wanted,
		    foreign->shown_repairs, span, found,
		    setting == FOREIGN_WEIGHT ? ops->weight_advice : ops->state_advice);
	return buf;
}
