/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Cleans text from outside: a data plane, a manager, a program that writes to the store with SQL.
 * Such a text may have any bytes. Errors, log lines, SNMP values, tables and JSON are cleaned
 * when they are made, so that no terminal or log reader obeys the text.
 */
#ifndef UTIL_TEXT_H
#define UTIL_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Returns the bytes of the printable character of UTF-8 (RFC 3629) at 'text', 1 to 4. Returns 0
 * for a byte that begins none: NUL, a control character of C0 or C1, DEL, a line or paragraph
 * separator, a bidirectional control, an invalid sequence. */
size_t text_printable(const char *text);

/* True if all characters are printable. */
bool text_is_clean(const char *text);

/* Replaces each byte that is not part of a printable character by 'with', in place. Returns
 * 'text', which keeps its length in bytes. */
char *text_clean(char *text, char with);

/* Returns the bytes of the character of a cleaned text at 'text', 0 at its end. *ret_columns: the
 * columns of a terminal that the character occupies, 0 to 2. */
size_t text_character(const char *text, size_t *ret_columns);

/* Returns the columns of a terminal that a cleaned text occupies. */
size_t text_columns(const char *text);

/* Prints one cleaned line, with a newline after it. Prints nothing without memory. */
void text_line_print(FILE *file, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_line_vprint(FILE *file, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

#endif
