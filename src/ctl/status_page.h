/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * "lbclusterctl status" as a page of HTML: one file without scripts, for a web server or a browser.
 */
#ifndef CTL_STATUS_PAGE_H
#define CTL_STATUS_PAGE_H

#include <stdio.h>

#include "ctl/status_cells.h"

/* Prints the page of a counted view. 'problem' (may be "") is a message above the table. A browser
 * loads the page again every 'refresh_s' seconds. False without memory. */
bool status_page_print(FILE *file, struct status_view *view, const char *problem,
    unsigned int refresh_s);

#endif
