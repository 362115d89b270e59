/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The terminal while "lbclusterctl status -w" runs: its alternate screen, its size and its keys. A
 * signal that ends or stops the process first restores the terminal.
 */
#ifndef CTL_STATUS_SCREEN_H
#define CTL_STATUS_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum screen_key {
	SCREEN_NONE,		/* the time is over */
	SCREEN_RESIZED,		/* or continued after a stop: draw again */
	SCREEN_QUIT, SCREEN_UP, SCREEN_DOWN, SCREEN_PAGE_UP, SCREEN_PAGE_DOWN, SCREEN_TOP,
	SCREEN_BOTTOM, SCREEN_PROBLEMS
};

/* Returns the columns of the terminal 'fd', and its lines in *ret_lines (may be NULL). Returns 0 if
 * 'fd' is not a terminal. */
size_t screen_size(int fd, size_t *ret_lines);

/* Begins and ends the alternate screen of the terminal 'fd'. Keys come from the standard input, if
 * it is a terminal. */
void screen_begin(int fd);
void screen_end(void);

/* Waits for a key, a new size or 'until_ms' of clock_steady_ms(). The end of the standard input is
 * SCREEN_QUIT. */
enum screen_key screen_wait(int64_t until_ms);

#endif
