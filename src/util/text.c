/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Printable text; see text.h.
 */
#include "util/text.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <wchar.h>

#include "util/memory.h"

/* Decodes a sequence of two to four bytes. Returns 0 if it is not the shortest form of a
 * character; reads no byte after a NUL. */
static size_t
sequence_decode(const char *text, uint32_t *ret_character)
{
	static const uint32_t least[] = { [2] = 0x80, [3] = 0x800, [4] = 0x10000 };
	const unsigned char *byte = (const unsigned char *)text;
	size_t length = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;
	uint32_t character = byte[0] & (0x7fu >> length);

	if (byte[0] < 0xc2 || byte[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (byte[i] & 0x3f);
	}
	*ret_character = character;
	return character >= least[length] ? length : 0;
}

size_t
text_printable(const char *text)
{
	/* C1; separators and bidirectional controls; isolates; surrogates; above Unicode. */
	static const struct {
		uint32_t	first, last;
	} refused[] = {
		{ 0x80, 0x9f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 }, { 0xd800, 0xdfff },
		{ 0x110000, UINT32_MAX },
	};
	unsigned char byte = (unsigned char)text[0];
	uint32_t character;
	size_t length;

	if (byte < 0x80)
		return byte >= 0x20 && byte != 0x7f;
	length = sequence_decode(text, &character);
	for (size_t i = 0; length > 0 && i < ROWS(refused); i++)
		if (character >= refused[i].first && character <= refused[i].last)
			return 0;
	return length;
}

bool
text_is_clean(const char *text)
{
	size_t length;

	while ((length = text_printable(text)) > 0)
		text += length;
	return *text == '\0';
}

char *
text_clean(char *text, char with)
{
	size_t length;

	for (char *at = text; *at != '\0'; at += length) {
		length = text_printable(at);
		if (length == 0) {
			*at = with;
			length = 1;
		}
	}
	return text;
}

/* wcwidth(3) depends on the locale; the program itself stays in the locale "C". */
static size_t
columns_of(uint32_t character)
{
	static locale_t utf8;
	int columns = 1;
	locale_t before;

	if (utf8 == (locale_t)0)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (utf8 != (locale_t)0) {
		before = uselocale(utf8);
		columns = wcwidth((wchar_t)character);
		uselocale(before);
	}
	return columns < 0 ? 1 : (size_t)columns;
}

size_t
text_character(const char *text, size_t *ret_columns)
{
	size_t length = text_printable(text);
	uint32_t character;

	*ret_columns = length > 0;
	if (length > 1 && sequence_decode(text, &character) > 0)
		*ret_columns = columns_of(character);
	return length;
}

size_t
text_columns(const char *text)
{
	size_t length, columns, sum = 0;

	while ((length = text_character(text, &columns)) > 0) {
		text += length;
		sum += columns;
	}
	return sum;
}

void
text_line_vprint(FILE *file, const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) == -1)
		return;
	fprintf(file, "%s\n", text_clean(text, '?'));
	free(text);
}

void
text_line_print(FILE *file, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_line_vprint(file, fmt, ap);
	va_end(ap);
}
