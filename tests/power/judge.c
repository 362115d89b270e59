/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Holds a store to its promises; see judge.h.
 */
#include "judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "unit/store_fixture.h"

const char *const harm_names[HARMS] = {
	[HARM_NONE] = "none", [HARM_LOST] = "lost", [HARM_HALF] = "half done",
	[HARM_ILL] = "ill", [HARM_STATISTICS] = "statistics ill",
};

/* What was there at the cut, and the look at it. */
struct moment {
	const struct scene	*scene;
	size_t			 begun, done;
	struct raw		 main, stats;
};

static bool found(struct finding *finding, enum harm harm, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Always false. */
static bool
found(struct finding *finding, enum harm harm, const char *format, ...)
{
	va_list ap;

	finding->harm = harm;
	va_start(ap, format);
	vsnprintf(finding->words, sizeof(finding->words), format, ap);
	va_end(ap);
	return false;
}

/* -- the whole content ----------------------------------------------------- */

static bool
opens_raw(struct moment *moment, struct finding *finding)
{
	if (!raw_open(&moment->main, moment->scene->main_path))
		return found(finding, HARM_ILL, "%s", moment->main.words);
	if (!raw_open(&moment->stats, moment->scene->stats_path))
		return found(finding, HARM_STATISTICS, "%s", moment->stats.words);
	return true;
}

static void
closes_raw(struct moment *moment)
{
	raw_close(&moment->main);
	raw_close(&moment->stats);
	moment->main.db = moment->stats.db = NULL;
}

/* It is that of the last acknowledged step, or of the one under way. */
static bool
main_is_whole(struct moment *moment, struct finding *finding)
{
	const struct step *steps = moment->scene->steps;
	uint64_t picture;

	if (!raw_picture(&moment->main, &picture))
		return found(finding, HARM_ILL, "%s", moment->main.words);
	if (picture == steps[moment->done].main || picture == steps[moment->begun].main)
		return true;
	for (size_t i = 0; i < moment->done; i++)
		if (picture == steps[i].main)
			return found(finding, HARM_LOST, "the store is as it was after step %zu "
			    "of %zu", i, moment->done);
	return found(finding, HARM_HALF, "the store is as it never was");
}

/* Statistics may be old: any of the pictures so far. */
static bool
statistics_are_whole(struct moment *moment, struct finding *finding)
{
	uint64_t picture;

	if (!raw_picture(&moment->stats, &picture))
		return found(finding, HARM_STATISTICS, "%s", moment->stats.words);
	for (size_t i = 0; i <= moment->begun; i++)
		if (picture == moment->scene->steps[i].stats)
			return true;
	return found(finding, HARM_STATISTICS, "the statistics are as they never were");
}

/* What is looked at before any of our own code has had its hands on it. */
static bool
untouched_is_whole(struct moment *moment, struct finding *finding)
{
	const struct scene *scene = moment->scene;
	bool whole;

	/* Whoever was told that it is made must find it. */
	if (moment->done > 0 && access(scene->main_path, F_OK) == -1)
		return found(finding, HARM_LOST, "%s is gone", scene->main_path);
	if (!scene->migrates)
		return true;
	whole = opens_raw(moment, finding) && main_is_whole(moment, finding) &&
	    statistics_are_whole(moment, finding);
	closes_raw(moment);
	return whole;
}

/* -- single promises ------------------------------------------------------- */

static bool
is_one(struct raw *raw, const char *sql, enum harm harm, struct finding *finding)
{
	int64_t number;

	if (!raw_number(raw, sql, &number))
		return found(finding, HARM_ILL, "%s", raw->words);
	return number == 1 || found(finding, harm, "not so: %s", sql);
}

static bool
promises_are_kept(struct moment *moment, struct finding *finding)
{
	const struct scene *scene = moment->scene;

	for (size_t i = 0; i < scene->n_promises; i++)
		if (scene->promises[i].step <= moment->done &&
		    !is_one(&moment->main, scene->promises[i].sql, HARM_LOST, finding))
			return false;
	return is_one(&moment->main, "SELECT NOT EXISTS (SELECT 1 FROM real_service"
	    " NOT INDEXED WHERE fallback = 1 GROUP BY service_id HAVING count(*) > 1)",
	    HARM_HALF, finding);
}

/* -- as lbclusterd starts -------------------------------------------------- */

static bool
opens(const struct scene *scene, struct store **ret, struct finding *finding)
{
	char ill[PATH_SIZE + 48];
	struct err err;

	if (store_open(scene->dir, STORE_CREATE, WAIT_MS, ret, &err) != ERR_OK)
		return found(finding, HARM_ILL, "%s", err.text);
	snprintf(ill, sizeof(ill), "%s.ill", scene->stats_path);
	return scene->ill_statistics || access(ill, F_OK) == -1 ||
	    found(finding, HARM_STATISTICS, "%s is there", ill);
}

static enum err_code
first_real(void *arg, const struct store_real_view *view)
{
	*(struct real_row *)arg = view->row;
	return ERR_OK;
}

/* What is noted is undone, all else that is held is released. */
static bool
settles(struct store *store, struct finding *finding)
{
	struct err err;
	size_t n;

	if (store_undo_noted(store, &n, &err) != ERR_OK)
		return found(finding, HARM_ILL, "%s", err.text);
	store_set_release(store, 0);
	return store_flush(store, &err) == ERR_OK || found(finding, HARM_ILL, "%s", err.text);
}

/* A SET is done. */
static bool
works_on(struct store *store, struct raw *raw, struct finding *finding)
{
	struct real_row row = { .id = 0 };
	struct change change = { .column = REAL_WEIGHT };
	const struct store_set set = { .changes = &change, .n = 1, .lock = STORE_NO_LOCK,
		.source = JOB_SOURCE_SNMP, .token = 99 };
	struct verdict verdict;
	struct err err;
	uint32_t job;
	size_t jobs;

	if (store_each_real(store, NULL, first_real, &row, &err) != ERR_OK)
		return found(finding, HARM_ILL, "%s", err.text);
	change.real_id = row.id;
	change.value = row.weight == 7 ? 8 : 7;
	if (row.id != 0 && store_set(store, &set, STORE_SET_NOW, &verdict, &job, &jobs, &err) !=
	    ERR_OK)
		return found(finding, HARM_ILL, "%s", err.text);
	return is_one(raw, "SELECT count(*) = 0 FROM job WHERE state = 0", HARM_HALF, finding);
}

static const char sound[] = "SELECT count(*) = 1 AND max(integrity_check) = 'ok'"
    " FROM pragma_integrity_check";

void
judge(const struct scene *scene, size_t begun, size_t done, struct finding *ret)
{
	struct moment moment = { .scene = scene, .begun = begun, .done = done };
	struct store *store = NULL;
	bool good;

	ret->harm = HARM_NONE;
	good = untouched_is_whole(&moment, ret) && opens(scene, &store, ret) &&
	    opens_raw(&moment, ret);
	if (good && !scene->migrates)
		good = main_is_whole(&moment, ret) && statistics_are_whole(&moment, ret);
	good = good && settles(store, ret) && promises_are_kept(&moment, ret) &&
	    works_on(store, &moment.main, ret) &&
	    is_one(&moment.main, sound, HARM_ILL, ret) &&
	    is_one(&moment.stats, sound, HARM_STATISTICS, ret);
	(void)good;
	closes_raw(&moment);
	store_close(store);
}
