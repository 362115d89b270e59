/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Texts of parameters. PostgreSQL accepts valid UTF-8 only, but a data plane may send any bytes.
 */
#include "store/postgres/postgres_private.h"

#include <string.h>

#include "util/memory.h"

/* Characters of UTF-8 by their first byte, and the bounds of the second: RFC 3629, section 4. */
static const struct {
	unsigned char	first, last, second_min, second_max;
	size_t		n;
} characters[] = {
	{ 0x01, 0x7f, 0, 0, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* Returns the bytes of the character at 'text', 0 if there is none. */
static size_t
utf8_character(const unsigned char *text)
{
	size_t row = 0, n = 1;

	while (row < ROWS(characters) &&
	    (text[0] < characters[row].first || text[0] > characters[row].last))
		row++;
	if (row == ROWS(characters) || (characters[row].n > 1 &&
	    (text[1] < characters[row].second_min || text[1] > characters[row].second_max)))
		return 0;
	while (n < characters[row].n && (n == 1 || (text[n] & 0xc0) == 0x80))
		n++;
	return n == characters[row].n ? n : 0;
}

char *
postgres_utf8_copy(const char *text)
{
	char *copy = strdup(text);
	size_t n;

	for (char *at = copy; at != NULL && *at != '\0'; at += n == 0 ? 1 : n) {
		n = utf8_character((const unsigned char *)at);
		if (n == 0)
			*at = '?';
	}
	return copy;
}
