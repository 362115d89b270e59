/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The model of the phases of SETs; see phases_model.h.
 */
#include "phases_model.h"

#include <stdio.h>
#include <string.h>

enum { NO_CREATION = 11, COMMIT_FAILED = 14, GEN_ERR = 5 };

enum { ASKED_MAX = 5, OTHERS_WEIGHT = 8 };

/* The settings of each transaction; A.weight is in both. The second varbind of the first is
 * the lock. */
static const struct {
	size_t		n;
	struct {
		enum setting	setting;
		uint32_t	value;
	} asked[ASKED_MAX];
	bool		locks;
} sets[MODEL_SETS] = {
	{ 3, { { A_WEIGHT, 5 }, { H_WEIGHT, 5 }, { R_ENABLED, 0 } }, true },
	{ 5, { { H_WEIGHT, 6 }, { X_FALLBACK, 0 }, { Y_FALLBACK, 1 }, { A_WEIGHT, 5 },
	    { R_ENABLED, 1 } }, false },
};

enum { LOCK_INDEX = 2 };

/* Of the real services, and of service R. */
static const uint32_t row_ids[SETTINGS] = { 1, 6, 4, 5, 3 };

void
model_begin(struct model *model)
{
	memset(model, 0, sizeof(*model));
	model->values[A_WEIGHT] = model->values[H_WEIGHT] = 10;
	model->values[X_FALLBACK] = model->values[R_ENABLED] = 1;
}

const char *
model_pdu(struct model *model, size_t number, bool bad)
{
	static char text[64];
	char *pdu = bad ? text : model->sets[number - 1].pdu;

	if (bad)
		snprintf(text, sizeof(text), "A.weight=%zu Z.weight=5", 6 + number);
	else if (model->sets[number - 1].state == APPLIED)
		return pdu;
	else if (number == 1)
		snprintf(pdu, sizeof(text), "A.weight=5 lock=%u H.weight=5 R.service=2",
		    model->lock);
	else
		snprintf(pdu, sizeof(text), "H.weight=6 X.fallback=2 Y.fallback=1 A.weight=5"
		    " R.service=1");
	return pdu;
}

static struct model_answer
set_test(struct model *model, size_t i, bool bad)
{
	if (model->sets[i].state == APPLIED)
		return (struct model_answer){ bad ? GEN_ERR : 0, bad };
	model->sets[i].state = bad ? NOTHING : TESTED;
	model->sets[i].lock = model->lock;
	model->latest = i;
	return (struct model_answer){ bad ? NO_CREATION : 0, bad ? 2 : 0 };
}

/* True once a later job for the setting is released: job 'j' changes nothing then. */
static bool
is_overtaken(const struct model *model, size_t j)
{
	for (size_t k = j + 1; k < model->n_jobs; k++)
		if (model->jobs[k].setting == model->jobs[j].setting &&
		    model->jobs[k].state != HELD && model->jobs[k].state != CANCELLED)
			return true;
	return false;
}

/* The latest held job that may still change the setting; n_jobs if there is none. */
static size_t
pending_find(const struct model *model, enum setting setting)
{
	for (size_t j = model->n_jobs; j-- > 0;)
		if (model->jobs[j].state == HELD && model->jobs[j].setting == setting &&
		    !is_overtaken(model, j))
			return j;
	return model->n_jobs;
}

/* Makes a job unless the setting has the value and no held job may change it. */
static void
job_make(struct model *model, size_t i, enum setting setting, uint32_t value)
{
	size_t pending = pending_find(model, setting);
	uint32_t before = pending == model->n_jobs ? model->values[setting] :
	    model->jobs[pending].after;

	if (before == value && pending == model->n_jobs)
		return;
	model->jobs[model->n_jobs].setting = setting;
	model->jobs[model->n_jobs].before = before;
	model->jobs[model->n_jobs].after = value;
	model->jobs[model->n_jobs].state = HELD;
	model->jobs[model->n_jobs++].set = i;
}

static struct model_answer
set_commit(struct model *model, size_t i)
{
	if (model->sets[i].state == NOTHING)
		return (struct model_answer){ COMMIT_FAILED, 1 };
	if (model->sets[i].state == APPLIED)
		return (struct model_answer){ 0, 0 };
	if (model->sets[i].state == FAILED || (sets[i].locks &&
	    model->sets[i].lock != model->lock)) {
		model->sets[i].state = FAILED;
		return (struct model_answer){ COMMIT_FAILED, LOCK_INDEX };
	}
	for (size_t k = 0; k < sets[i].n; k++)
		job_make(model, i, sets[i].asked[k].setting, sets[i].asked[k].value);
	model->sets[i].state = APPLIED;
	return (struct model_answer){ 0, 0 };
}

/* Cancels job 'j'. The next job for the setting gets its old value. */
static void
job_undo(struct model *model, size_t j)
{
	size_t k = j + 1;

	model->jobs[j].state = CANCELLED;
	while (k < model->n_jobs && (model->jobs[k].state == CANCELLED ||
	    model->jobs[k].setting != model->jobs[j].setting))
		k++;
	if (k < model->n_jobs && model->jobs[k].before == model->jobs[j].after)
		model->jobs[k].before = model->jobs[j].before;
}

/* Only the rows H and R have a data plane: their job is queued and supersedes a queued one. */
static void
job_release(struct model *model, size_t j)
{
	enum setting setting = model->jobs[j].setting;
	bool overtaken = is_overtaken(model, j), plane = setting == H_WEIGHT ||
	    setting == R_ENABLED;

	if (!overtaken)
		model->values[setting] = model->jobs[j].after;
	model->jobs[j].state = !plane ? SUCCEEDED : overtaken ? SUPERSEDED : QUEUED;
	for (size_t k = 0; k < j && plane; k++)
		if (model->jobs[k].setting == setting && model->jobs[k].state == QUEUED)
			model->jobs[k].state = SUPERSEDED;
}

static void
set_end(struct model *model, size_t i, void (*end)(struct model *model, size_t j))
{
	for (size_t j = 0; j < model->n_jobs && model->sets[i].state == APPLIED; j++)
		if (model->jobs[j].state == HELD && model->jobs[j].set == i)
			end(model, j);
	if (model->sets[i].state == APPLIED && end == job_release)
		model->lock += sets[i].locks;
	model->sets[i].state = NOTHING;
}

struct model_answer
model_phase(struct model *model, size_t number, int event)
{
	size_t i = number - 1;

	switch (event) {
	case EVENT_TEST:
	case EVENT_BAD:
		return set_test(model, i, event == EVENT_BAD);
	case EVENT_COMMIT:
		return set_commit(model, i);
	case EVENT_UNDO:
		set_end(model, i, job_undo);
		break;
	default:
		set_end(model, i, job_release);
		break;
	}
	return (struct model_answer){ 0, 0 };
}

/* Undoes the latest transaction first. */
void
model_lost(struct model *model)
{
	set_end(model, model->latest, job_undo);
	set_end(model, MODEL_SETS - 1 - model->latest, job_undo);
}

void
model_other(struct model *model)
{
	model->values[A_WEIGHT] = OTHERS_WEIGHT;
	model->lock++;
}

uint32_t
model_jobs_active(const struct model *model)
{
	uint32_t n = 0;

	for (size_t j = 0; j < model->n_jobs; j++)
		n += model->jobs[j].state <= QUEUED;
	return n;
}

const char *
model_settings(const struct model *model)
{
	static char text[64];

	snprintf(text, sizeof(text), "%u %u %u %u %u %u", model->values[0], model->values[1],
	    model->values[2], model->values[3], model->values[4], model->lock);
	return text;
}

const char *
model_jobs(const struct model *model)
{
	static char text[32 * MODEL_JOBS_MAX];
	size_t n = 0;

	text[0] = '\0';
	for (size_t j = 0; j < model->n_jobs; j++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u %u>%u %d",
		    j == 0 ? "" : ", ", row_ids[model->jobs[j].setting], model->jobs[j].before,
		    model->jobs[j].after, model->jobs[j].state);
	return text;
}
