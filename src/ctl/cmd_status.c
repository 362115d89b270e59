/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command status. The cache of lbclusterd reads the store, so that each status is that of SNMP.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/status_page.h"
#include "ctl/status_screen.h"
#include "ctl/status_table.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/num.h"

enum {
	READ_ROWS = 2000,	/* of one transaction: writers of the store wait for it */
	BUSY_PAUSE_US = 10000,
	WATCH_MAX_S = 86400,
	REFRESH_DEFAULT_S = 30,	/* of a page that is written once */
	SCREEN_EXTRA = 3,	/* lines above the rows */
};

struct status {
	struct ctl		*ctl;
	struct status_view	 view;
	unsigned int		 watch_s;	/* 0: once */
	char			 problem[ERR_TEXT_SIZE];	/* of the latest read, or "" */
	size_t			 skipped;	/* rows above the first one of the screen */
};

/* -- reading --------------------------------------------------------------------- */

/* Reads all that changed. While another program locks the store, tries again for 'wait_ms'. */
static enum err_code
rows_read(struct status *status, int wait_ms)
{
	struct cache *cache = status->view.cache;
	int64_t now = clock_wall_s(), until_ms = clock_steady_ms() + wait_ms;
	enum err_code code = ERR_OK;
	bool more = true;

	while (more && (code == ERR_OK || code == ERR_BUSY)) {
		code = cache_refresh(cache, status->ctl->store, READ_ROWS, now, &more,
		    &status->ctl->error);
		if (code == ERR_BUSY && clock_steady_ms() >= until_ms)
			return code;
		if (code == ERR_BUSY)
			(void)usleep(BUSY_PAUSE_US);
	}
	if (code != ERR_OK)
		return code;
	if (cache->totals.stale_after_s != cache->stale_after_s)
		cache_stale_after_set(cache, cache->totals.stale_after_s, now);
	status->view.now = now;
	status->view.readable = store_statistics_readable(status->ctl->store);
	return ERR_OK;
}

/* Reads again for -w. After an error, the rows of the read before are shown with the error. */
static bool
rows_read_again(struct status *status)
{
	enum err_code code = ERR_OK;

	status->problem[0] = '\0';
	cache_tick(status->view.cache, clock_wall_s());
	if (store_changed(status->ctl->store))
		code = rows_read(status, 0);
	if (code == ERR_OK)
		status->view.now = clock_wall_s();
	else
		snprintf(status->problem, sizeof(status->problem), "%s", status->ctl->error.text);
	return status_view_count(&status->view);
}

/* -- JSON ------------------------------------------------------------------------ */

enum json_key {
	JSON_PATH, JSON_KIND, JSON_STATUS, JSON_REASON, JSON_PLANE, JSON_PLANE_STATUS,
	JSON_ENDPOINT, JSON_ENABLED, JSON_FALLBACK, JSON_REALS_ENABLED, JSON_REALS_ACTIVE,
	JSON_WEIGHT, JSON_PERCENT, JSON_FRESHNESS, JSON_AGE, JSON_CONNS, JSON_RATE, JSON_BPS_IN,
	JSON_BPS_OUT, JSON_JOBS, JSON_KEYS
};

static const struct out_column json_columns[JSON_KEYS] = {
	[JSON_PATH] = { "path", NULL, OUT_TEXT },
	[JSON_KIND] = { "kind", NULL, OUT_TEXT },
	[JSON_STATUS] = { "status", NULL, OUT_TEXT },
	[JSON_REASON] = { "reason", NULL, OUT_TEXT },
	[JSON_PLANE] = { "plane", NULL, OUT_TEXT },
	[JSON_PLANE_STATUS] = { "plane_status", NULL, OUT_TEXT },
	[JSON_ENDPOINT] = { "endpoint", NULL, OUT_TEXT },
	[JSON_ENABLED] = { "enabled", NULL, OUT_BOOL },
	[JSON_FALLBACK] = { "fallback", NULL, OUT_BOOL },
	[JSON_REALS_ENABLED] = { "reals_enabled", NULL, OUT_NUMBER },
	[JSON_REALS_ACTIVE] = { "reals_active", NULL, OUT_NUMBER },
	[JSON_WEIGHT] = { "weight", NULL, OUT_NUMBER },
	[JSON_PERCENT] = { "weight_percent", NULL, OUT_NUMBER },
	[JSON_FRESHNESS] = { "freshness", NULL, OUT_TEXT },
	[JSON_AGE] = { "age", NULL, OUT_NUMBER },
	[JSON_CONNS] = { "active_connections", NULL, OUT_NUMBER },
	[JSON_RATE] = { "connections_per_second", NULL, OUT_NUMBER },
	[JSON_BPS_IN] = { "bps_in", NULL, OUT_NUMBER },
	[JSON_BPS_OUT] = { "bps_out", NULL, OUT_NUMBER },
	[JSON_JOBS] = { "pending_jobs", NULL, OUT_NUMBER },
};

struct json {
	struct out			*out;
	FILE				*file;
	const struct status_view	*view;
	bool				 ok;
};

static void
statistic_value(const struct status_row *row, enum stat_number which, struct out_value *ret)
{
	uint64_t value;

	if (status_row_number(row, which, &value))
		*ret = out_number(value);
}

static void
cluster_values(const struct status_row *row, struct out_value values[JSON_KEYS])
{
	values[JSON_REASON] = out_text(row->plane->message);
	values[JSON_PLANE] = out_text(tree_text(row->row, TREE_PLANE));
	values[JSON_PLANE_STATUS] = out_text(plane_status_name(row->plane->status));
}

static void
service_values(const struct cache_service *service, struct out_value values[JSON_KEYS])
{
	values[JSON_ENABLED] = out_truth(service->enabled);
	values[JSON_WEIGHT] = out_number(service->sums.weight);
	values[JSON_JOBS] = out_number(service->pending_jobs);
}

static void
real_values(const struct status_view *view, const struct cache_real *real,
    struct out_value values[JSON_KEYS])
{
	enum freshness freshness = cache_real_freshness(view->cache, real, view->now);

	values[JSON_REASON] = out_text(cache_real_reason(view->cache, real, view->now));
	values[JSON_ENABLED] = out_truth(real->enabled);
	values[JSON_FALLBACK] = out_truth(real->fallback);
	values[JSON_WEIGHT] = out_number(real->weight);
	values[JSON_FRESHNESS] = out_text(freshness_name(freshness));
	if (freshness != FRESHNESS_NEVER)
		values[JSON_AGE] = out_number(status_age(real->statistics.last_update, view->now));
	values[JSON_JOBS] = out_number(real->pending_jobs);
}

/* Prints a row with all keys, null for those that its kind does not have. */
static bool
json_row(void *arg, const struct status_row *row)
{
	static const char *const kinds[] = { [DEPTH_CLUSTER] = "cluster",
		[DEPTH_SERVICE] = "service", [DEPTH_REAL] = "real" };
	const struct cache_sums *sums = status_row_sums(row);
	struct out_value values[JSON_KEYS];
	const struct path path = path_of(row->cluster->row.name,
	    row->service == NULL ? "" : row->service->row.name,
	    row->real == NULL ? "" : row->real->row.name);
	char text[PATH_TEXT_SIZE], endpoint[CELL_SIZE], reason[CELL_SIZE];
	struct json *json = arg;
	unsigned int share;

	if (row->context)
		return true;
	for (size_t i = 0; i < JSON_KEYS; i++)
		values[i] = (struct out_value){ .absent = true };
	values[JSON_PATH] = out_text(path_text(&path, text));
	values[JSON_KIND] = out_text(kinds[row->depth]);
	values[JSON_STATUS] = out_text(row->status);
	if (row->service != NULL)
		values[JSON_ENDPOINT] = out_text(status_cell_text(json->view, row, CELL_ENDPOINT,
		    endpoint));
	if (row->depth == DEPTH_SERVICE)
		values[JSON_REASON] = out_text(status_service_reason(json->view, row, reason));
	if (sums != NULL) {
		values[JSON_REALS_ENABLED] = out_number(sums->tally.enabled);
		values[JSON_REALS_ACTIVE] = out_number(sums->tally.active);
	}
	if (row->real != NULL)
		real_values(json->view, row->real, values);
	else if (row->service != NULL)
		service_values(row->service, values);
	else
		cluster_values(row, values);
	if (status_row_share(row, &share))
		values[JSON_PERCENT] = out_number(share);
	statistic_value(row, STAT_ACTIVE_CONNECTIONS, &values[JSON_CONNS]);
	statistic_value(row, STAT_CONNECTIONS_PER_SECOND, &values[JSON_RATE]);
	statistic_value(row, STAT_BPS_IN, &values[JSON_BPS_IN]);
	statistic_value(row, STAT_BPS_OUT, &values[JSON_BPS_OUT]);
	json->ok = out_row(json->out, values);
	return json->ok && !ferror(json->file);
}

static bool
json_print(FILE *file, struct status_view *view)
{
	struct json json = { .file = file, .view = view, .ok = true };
	bool ok;

	json.out = out_begin(file, OUT_JSON, OUT_LIST, json_columns, JSON_KEYS);
	ok = json.out != NULL && status_view_each(view, json_row, &json) && json.ok;
	out_finish(json.out, ok);
	return ok;
}

/* -- the table ------------------------------------------------------------------- */

struct lines {
	const struct status_table	*table;
	const struct status_view	*view;
	size_t				 skip, left;	/* rows */
	const char			*end;		/* of a line */
};

static bool
table_row(void *arg, const struct status_row *row)
{
	struct lines *lines = arg;

	if (lines->skip > 0) {
		lines->skip--;
		return true;
	}
	if (lines->left == 0)
		return false;
	lines->left--;
	status_table_row(lines->table, lines->view, row);
	fputs(lines->end, lines->table->file);
	return !ferror(lines->table->file);
}

/* Prints the summary, the titles and the rows. */
static bool
table_print(struct status_table *table, struct status_view *view, struct lines *lines)
{
	char summary[CELL_SIZE];

	status_table_text(table, status_summary_text(view, summary));
	fprintf(table->file, "%s%s", lines->end, lines->end);
	if (table->rows == 0) {
		status_table_text(table, status_empty_text(view));
		fputs(lines->end, table->file);
		return true;
	}
	status_table_titles(table);
	fputs(lines->end, table->file);
	return status_view_each(view, table_row, lines);
}

/* Colours are for people; no-color.org has the rule for NO_COLOR. */
static bool
colour_is_wanted(FILE *file)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return fileno(file) >= 0 && isatty(fileno(file)) &&
	    (no_color == NULL || no_color[0] == '\0') &&
	    (term == NULL || strcmp(term, "dumb") != 0);
}

static bool
once_print(FILE *file, struct status_view *view)
{
	struct status_table table = { .file = file, .colour = colour_is_wanted(file),
		.width = screen_size(fileno(file), NULL) };
	struct lines lines = { .table = &table, .view = view, .left = SIZE_MAX, .end = "\n" };

	return status_table_measure(&table, view) && table_print(&table, view, &lines);
}

/* -- the output ------------------------------------------------------------------- */

static bool
output_print(void *arg, FILE *file)
{
	struct status *status = arg;

	switch (status->ctl->format) {
	case OUT_TABLE:
		return once_print(file, &status->view);
	case OUT_JSON:
		return json_print(file, &status->view);
	case OUT_HTML:
		return status_page_print(file, &status->view, status->problem,
		    status->watch_s > 0 ? status->watch_s : REFRESH_DEFAULT_S);
	}
	return false;
}

/* Writes the output to the file of -o, or to the standard output. */
static enum err_code
output_write(struct status *status)
{
	struct ctl *ctl = status->ctl;
	const char *path = ctl_argument(ctl, CTL_OUTPUT);

	if (path != NULL)
		return file_output(path, output_print, status, &ctl->error);
	return output_print(status, ctl->out) ? ERR_OK :
	    err_set(&ctl->error, ERR_NOMEM, "out of memory");
}

/* -- -w ---------------------------------------------------------------------------- */

/* Clears a line before it is printed. After a line as wide as the terminal, the cursor stays on the
 * last character, so clearing the rest of the line would erase that character. */
#define CLEAR_LINE "\033[K"

/* Prints a screen: the summary, as many rows as there is room for, and the time. One write prints
 * all of it, so that a slow terminal never shows half of a screen. */
static bool
screen_draw(struct status *status)
{
	struct status_table table = { .colour = colour_is_wanted(status->ctl->out) };
	struct lines lines = { .table = &table, .view = &status->view, .end = "\r\n" CLEAR_LINE };
	char when[16] = "", head[ERR_TEXT_SIZE + CELL_SIZE], *bytes = NULL;
	time_t now = (time_t)status->view.now;
	size_t n_lines = 0, size, room;
	struct tm local;
	bool ok;

	table.width = screen_size(fileno(status->ctl->out), &n_lines);
	if ((table.file = open_memstream(&bytes, &size)) == NULL)
		return false;
	ok = status_table_measure(&table, &status->view);
	room = n_lines > SCREEN_EXTRA + 1 ? n_lines - SCREEN_EXTRA - 1 : 1;
	if (status->skipped + room > table.rows)
		status->skipped = table.rows > room ? table.rows - room : 0;
	lines.skip = status->skipped;
	lines.left = room;
	if (localtime_r(&now, &local) != NULL)
		(void)strftime(when, sizeof(when), "%T", &local);
	fputs("\033[H" CLEAR_LINE, table.file);
	ok = ok && table_print(&table, &status->view, &lines);
	snprintf(head, sizeof(head), "%s  %s", when, status->problem[0] != '\0' ? status->problem :
	    "q: quit  p: only what is wrong  arrows, page keys: scroll");
	fputs("\033[J", table.file);
	fprintf(table.file, "\033[%zu;1H", n_lines);
	status_table_text(&table, head);
	if (fclose(table.file) != 0)
		ok = false;
	if (ok) {
		fwrite(bytes, 1, size, status->ctl->out);
		ok = fflush(status->ctl->out) == 0;
	}
	free(bytes);
	return ok;
}

/* Waits until it is time to read again. Draws the screen again after each key. False to end. */
static bool
screen_keys(struct status *status)
{
	int64_t until_ms = clock_steady_ms() + (int64_t)status->watch_s * 1000;
	size_t lines = 0, page;
	enum screen_key key;

	while ((key = screen_wait(until_ms)) != SCREEN_NONE && key != SCREEN_QUIT) {
		(void)screen_size(fileno(status->ctl->out), &lines);
		page = lines > SCREEN_EXTRA + 2 ? lines - SCREEN_EXTRA - 2 : 1;
		if (key == SCREEN_UP || key == SCREEN_DOWN)
			page = 1;
		if (key == SCREEN_UP || key == SCREEN_PAGE_UP)
			status->skipped -= page < status->skipped ? page : status->skipped;
		else if (key == SCREEN_DOWN || key == SCREEN_PAGE_DOWN)
			status->skipped += page;	/* screen_draw() limits it */
		else if (key == SCREEN_TOP)
			status->skipped = 0;
		else if (key == SCREEN_BOTTOM)
			status->skipped = SIZE_MAX / 2;
		else if (key == SCREEN_PROBLEMS) {
			status->view.problems = !status->view.problems;
			status->skipped = 0;
		}
		if (!screen_draw(status))
			return false;
	}
	return key == SCREEN_NONE;
}

static enum ctl_exit
watch_screen(struct status *status)
{
	bool ok;

	screen_begin(fileno(status->ctl->out));
	do {
		ok = rows_read_again(status) && screen_draw(status);
	} while (ok && screen_keys(status));
	screen_end();
	/* A person reads the screen, so the exit status has no meaning. */
	status->ctl->level = LEVEL_WELL;
	return ok ? CTL_OK : ctl_failure(status->ctl, "cannot show the status: out of memory");
}

/* Writes the file of -o again and again, until a signal ends the process. */
static enum ctl_exit
watch_file(struct status *status)
{
	enum err_code code;

	for (;;) {
		if (!rows_read_again(status))
			return ctl_failure(status->ctl, "out of memory");
		if ((code = output_write(status)) != ERR_OK)
			return ctl_finish(status->ctl, code);
		(void)sleep(status->watch_s);
	}
}

/* -- the command --------------------------------------------------------------------- */

static enum ctl_exit
watch_option(struct status *status)
{
	struct ctl *ctl = status->ctl;
	const char *watch = ctl_argument(ctl, CTL_WATCH);
	uint64_t seconds = 0;

	if (watch == NULL)
		return CTL_OK;
	if (num_parse(watch, 1, WATCH_MAX_S, &seconds) != ERR_OK)
		return ctl_usage(ctl, "-w: %s is not a number of seconds, 1 to %d", watch,
		    WATCH_MAX_S);
	if (ctl_argument(ctl, CTL_OUTPUT) == NULL && (ctl->format != OUT_TABLE ||
	    screen_size(fileno(ctl->out), NULL) == 0))
		return ctl_usage(ctl, "-w: the standard output is not a terminal, or -f is not "
		    "table; give a file with -o");
	status->watch_s = (unsigned int)seconds;
	return CTL_OK;
}

static enum ctl_exit
status_show(struct status *status)
{
	static const struct store_set all_sets = { .lock = STORE_NO_LOCK };
	struct ctl *ctl = status->ctl;
	const struct path *unmatched;
	enum err_code code;

	if ((code = rows_read(status, CTL_STORE_WAIT_MS)) != ERR_OK)
		return ctl_finish(ctl, code);
	/* Settings of a SET are shown at once, as in lists, before lbclusterd writes them to the
	 * rows. -w shows them when they are written. */
	if (status->watch_s == 0)
		cache_set_release(status->view.cache, &all_sets, 1, UINT32_MAX, status->view.now);
	if ((unmatched = status_view_unmatched(&status->view)) != NULL)
		return ctl_finish(ctl, ctl_pattern_not_found(ctl, unmatched));
	if (!status_view_count(&status->view))
		return ctl_failure(ctl, "out of memory");
	ctl->level = (int)status->view.level;
	if (status->watch_s > 0)
		return ctl_argument(ctl, CTL_OUTPUT) != NULL ? watch_file(status) :
		    watch_screen(status);
	return ctl_finish(ctl, output_write(status));
}

enum ctl_exit
cmd_status(struct ctl *ctl)
{
	struct status status = { .ctl = ctl, .view = {
		.problems = (ctl->flags & CTL_PROBLEMS) != 0, .now = clock_wall_s() } };
	struct path *patterns = calloc((size_t)ctl->n_operands + 1, sizeof(*patterns));
	enum ctl_exit exit_status = watch_option(&status);

	status.view.patterns = patterns;
	status.view.cache = cache_new();
	if (patterns == NULL || status.view.cache == NULL)
		exit_status = ctl_failure(ctl, "out of memory");
	for (int i = 0; i < ctl->n_operands && exit_status == CTL_OK; i++) {
		if (ctl_pattern_parse(ctl->operands[i], &patterns[i], &ctl->error) != ERR_OK)
			exit_status = ctl_usage(ctl, "%s", ctl->error.text);
		status.view.n_patterns++;
	}
	if (exit_status == CTL_OK)
		exit_status = ctl_open(ctl);
	if (exit_status == CTL_OK)
		exit_status = status_show(&status);
	cache_free(status.view.cache);
	free(patterns);
	return exit_status;
}
