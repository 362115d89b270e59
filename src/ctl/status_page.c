/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/status_page.h"

#include <string.h>
#include <time.h>

#include "util/memory.h"

/* Classes of the status labels. */
static const char *const looks[LOOKS] = {
	[LOOK_GOOD] = "good", [LOOK_IDLE] = "idle", [LOOK_WARNING] = "warning",
	[LOOK_BAD] = "bad", [LOOK_UNKNOWN] = "unknown",
};

/* The classes m and w are columns that a screen of medium and of narrow width does not show. */
static const char style[] =
    ":root{color-scheme:light dark;--page:#fff;--text:#1d1f21;--line:#d9dcdf;--band:#f3f5f7;"
    "--faint:#5b6168;--good:#1b6e2c;--idle:#2f5f8a;--warning:#8a5200;--bad:#b3261e;"
    "--unknown:#6b3fa0;--label:#fff}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#16181a;--text:#e3e5e7;--line:#34383c;"
    "--band:#202326;--faint:#a0a6ac;--good:#7fd08c;--idle:#8fbfe8;--warning:#f0b45a;"
    "--bad:#ff8f86;--unknown:#c9a6f5;--label:#16181a}}\n"
    "body{font:14px/1.45 system-ui,sans-serif;margin:1.2em;background:var(--page);"
    "color:var(--text)}\n"
    "h1{font-size:1.3em;margin:0}p{margin:.3em 0 1em;color:var(--faint)}\n"
    "p.bad{color:var(--bad);font-weight:bold}\n"
    "table{border-collapse:collapse}th,td{padding:.25em .7em;text-align:left;"
    "vertical-align:top;white-space:nowrap;border-bottom:1px solid var(--line)}\n"
    "th{color:var(--faint);font-weight:normal;font-size:.85em}\n"
    "th.r,td.r{text-align:right;font-variant-numeric:tabular-nums}\n"
    "tr.d1 td{font-weight:bold;padding-top:1.1em}tr.d2 td{background:var(--band)}\n"
    "tr.d2 td:first-child{padding-left:1.6em}tr.d3 td:first-child{padding-left:2.8em}\n"
    "td:first-child,td:nth-child(3),td:last-child{white-space:normal;overflow-wrap:anywhere;"
    "min-width:7em}td:last-child{min-width:13em}tr.d1 td:last-child{font-weight:normal}\n"
    "b{display:inline-block;border-radius:.3em;padding:0 .5em;color:var(--label)}\n"
    "b.good{background:var(--good)}b.idle{background:var(--idle)}"
    "b.warning{background:var(--warning)}b.bad{background:var(--bad)}"
    "b.unknown{background:var(--unknown)}\n"
    "@media(max-width:900px){.m{display:none}}\n"
    "@media(max-width:600px){.w{display:none}body{margin:.5em}th,td{padding:.25em .35em}"
    "td:last-child{min-width:8em}"
    "tr.d2 td:first-child{padding-left:.8em}tr.d3 td:first-child{padding-left:1.4em}}\n";

/* Prints a text whose markup has no effect. */
static void
text_escape(FILE *file, const char *text)
{
	static const struct {
		char		 character;
		const char	*entity;
	} entities[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" },
		{ '\'', "&#39;" } };

	for (; *text != '\0'; text++) {
		size_t i = 0;

		while (i < ROWS(entities) && entities[i].character != *text)
			i++;
		if (i < ROWS(entities))
			fputs(entities[i].entity, file);
		else
			putc(*text, file);
	}
}

/* Begins a cell of an element: its classes depend on the column. */
static void
cell_begin(FILE *file, const char *element, enum status_cell cell)
{
	const struct status_column *column = &status_columns[cell];
	const char *hidden = column->leave_out >= 4 ? "m" : column->leave_out >= 2 ? "w" : "";

	fprintf(file, "<%s", element);
	if (column->right || hidden[0] != '\0')
		fprintf(file, " class=\"%s%s%s\"", column->right ? "r" : "",
		    column->right && hidden[0] != '\0' ? " " : "", hidden);
	putc('>', file);
}

struct page {
	FILE			*file;
	const struct status_view	*view;
	size_t			 rows;
};

static bool
row_print(void *arg, const struct status_row *row)
{
	struct page *page = arg;
	char buf[CELL_SIZE];

	page->rows++;
	fprintf(page->file, "<tr class=\"d%d\">", (int)row->depth);
	for (enum status_cell cell = 0; cell < CELLS; cell++) {
		cell_begin(page->file, "td", cell);
		if (cell == CELL_STATUS)
			fprintf(page->file, "<b class=\"%s\">", looks[row->look]);
		text_escape(page->file, status_cell_text(page->view, row, cell, buf));
		if (cell == CELL_STATUS)
			fputs("</b>", page->file);
		fputs("</td>", page->file);
	}
	fputs("</tr>\n", page->file);
	return !ferror(page->file);
}

static void
head_print(const struct page *page, const char *problem, unsigned int refresh_s)
{
	char summary[CELL_SIZE], when[64] = "";
	time_t now = (time_t)page->view->now;
	struct tm local;

	if (localtime_r(&now, &local) != NULL)
		(void)strftime(when, sizeof(when), "%F %T %Z", &local);
	status_summary_text(page->view, summary);
	fprintf(page->file, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	    "style-src 'unsafe-inline'\">\n"
	    "<meta http-equiv=\"refresh\" content=\"%u\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	    "<title>Load-balanced clusters</title>\n<style>\n%s</style>\n</head>\n<body>\n"
	    "<h1>Load-balanced clusters</h1>\n<p>", refresh_s, style);
	text_escape(page->file, summary);
	fprintf(page->file, "<br>as of <time>%s</time></p>\n", when);
	if (problem[0] != '\0') {
		fputs("<p class=\"bad\">", page->file);
		text_escape(page->file, problem);
		fputs("</p>\n", page->file);
	}
}

bool
status_page_print(FILE *file, struct status_view *view, const char *problem, unsigned int refresh_s)
{
	struct page page = { .file = file, .view = view };
	bool ok;

	head_print(&page, problem, refresh_s);
	fputs("<table>\n<thead><tr>", file);
	for (enum status_cell cell = 0; cell < CELLS; cell++) {
		cell_begin(file, "th", cell);
		text_escape(file, status_columns[cell].title);
		fputs("</th>", file);
	}
	fputs("</tr></thead>\n<tbody>\n", file);
	ok = status_view_each(view, row_print, &page);
	fputs("</tbody>\n</table>\n", file);
	if (page.rows == 0)
		fprintf(file, "<p>%s</p>\n", status_empty_text(view));
	fputs("</body>\n</html>\n", file);
	return ok;
}
