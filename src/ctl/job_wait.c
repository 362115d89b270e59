/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Waits until jobs have ended. A driver carries a job out within tenths of a second; without a
 * driver the wait ends at once.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/progress.h"
#include "ctl/unattended.h"
#include "util/clock.h"

enum {
	WAIT_FIRST_MS = 10,		/* between the first two reads of the jobs, */
	WAIT_LAST_MS = 100,		/* and between later ones */
	WAIT_DRIVERS_MS = 1000,		/* between two reads of who polls the data planes */
	WAIT_REPORTS_MAX = 10,		/* messages about single jobs */
};

struct wait {
	struct ctl		*ctl;
	struct progress		 progress;
	struct unattended	 unattended;
	bool			 open;		/* the job that was read last has not ended */
	size_t			 failed, left;	/* jobs that failed, that were left open */
	size_t			 reported;
	bool			 listed;	/* a table on the same terminal has the messages */
};

static void
job_report(struct wait *wait, const struct job_row *job, const char *status, const char *message)
{
	struct path path = path_of(job->cluster, job->service, job->real);
	char text[PATH_TEXT_SIZE];

	if (wait->reported++ >= WAIT_REPORTS_MAX)
		return;
	if (wait->listed)
		message = "";
	progress_end(&wait->progress);
	ctl_message(wait->ctl, "job %u: %s: %s: %s%s%s", job->id, path_text(&path, text),
	    job_operation_name(job->operation), status, message[0] != '\0' ? ": " : "", message);
}

static enum err_code
job_check(void *arg, const struct job_row *job)
{
	struct wait *wait = arg;
	const char *waits = unattended_message(&wait->unattended, job);
	char status[CTL_JOB_STATUS_SIZE];

	wait->open = job_state_open(job->state) && waits == NULL;
	if (waits != NULL) {
		wait->left++;
		job_report(wait, job, "has not ended", waits);
	} else if (!wait->open && job->state != JOB_SUCCEEDED) {
		wait->failed++;
		job_report(wait, job, ctl_job_status(job, status), job->message);
	}
	return ERR_OK;
}

/* Reads the open jobs, and keeps the ids of those that are still open. */
static enum err_code
jobs_check(struct wait *wait, uint32_t *ids, size_t *n)
{
	struct ctl *ctl = wait->ctl;
	size_t open = 0;
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < *n && code == ERR_OK; i++) {
		wait->open = false;
		code = store_each_job(ctl->store, ids[i], job_check, wait, &ctl->error);
		/* The store removes only jobs that have ended, beyond job-max-rows. */
		if (code == ERR_NOT_FOUND)
			code = ERR_OK;
		if (wait->open)
			ids[open++] = ids[i];
	}
	if (code == ERR_OK)
		*n = open;
	return code;
}

static enum err_code
jobs_await(struct wait *wait, uint32_t *ids, size_t n, int64_t timeout_s)
{
	struct ctl *ctl = wait->ctl;
	int64_t now = clock_steady_ms(), deadline_ms = now + timeout_s * 1000;
	int64_t drivers_ms = now;
	int pause_ms = WAIT_FIRST_MS;
	enum err_code code = ERR_OK;
	size_t open = n;

	progress_begin(&wait->progress, ctl_terminal(ctl), "jobs that have ended", n);
	for (;;) {
		if (now >= drivers_ms) {
			code = unattended_read(&wait->unattended, ctl->store, &ctl->error);
			drivers_ms = now + WAIT_DRIVERS_MS;
		}
		if (code == ERR_OK)
			code = jobs_check(wait, ids, &open);
		if (code != ERR_OK || open == 0 || now >= deadline_ms)
			break;
		progress_set(&wait->progress, n - open);
		poll(NULL, 0, pause_ms);
		pause_ms = pause_ms * 2 < WAIT_LAST_MS ? pause_ms * 2 : WAIT_LAST_MS;
		now = clock_steady_ms();
	}
	progress_end(&wait->progress);
	wait->left += open;
	if (code == ERR_OK && open != 0)
		ctl_message(ctl, "job %u%s: not ended after %lld s; \"lbclusterctl job --open\" "
		    "shows the open jobs", ids[0], open > 1 ? " and others" : "",
		    (long long)timeout_s);
	return code;
}

enum ctl_exit
ctl_jobs_wait(struct ctl *ctl, const uint32_t *ids, size_t n, int64_t timeout_s)
{
	struct wait wait = { .ctl = ctl, .listed = ctl->format == OUT_TABLE &&
	    ctl_terminal(ctl) != NULL && isatty(fileno(ctl->out)) == 1 };
	uint32_t *open = calloc(n + 1, sizeof(*open));
	enum err_code code = ERR_OK;

	if (open == NULL)
		return ctl_failure(ctl, "%s", err_name(ERR_NOMEM));
	if (n > 0)
		memcpy(open, ids, n * sizeof(*open));
	code = jobs_await(&wait, open, n, timeout_s);
	free(open);
	unattended_free(&wait.unattended);
	if (wait.reported > WAIT_REPORTS_MAX)
		ctl_message(ctl, "%zu jobs in all", wait.reported);
	if (code != ERR_OK)
		return ctl_finish(ctl, code);
	return wait.failed > 0 ? CTL_JOB_FAILED : wait.left > 0 ? CTL_JOB_OPEN : CTL_OK;
}
