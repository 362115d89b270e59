/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A reader of SMIv2 modules; see smi.h.
 */
#include "smi.h"

#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "in_range.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { TOKENS_MAX = 20000 };

/* -- tokens -------------------------------------------------------------------------- */

static char tokens[TOKENS_MAX][SMI_WORD];
static size_t tokens_count;

static void
token_add(const char *text, size_t length)
{
	assert_true(tokens_count < TOKENS_MAX - 1 && length < SMI_WORD);
	memcpy(tokens[tokens_count], text, length);
	tokens[tokens_count++][length] = '\0';
}

/* Splits text into words, numbers, "::=", ".." and single signs. A quoted text becomes one "". */
static void
tokens_make(const char *p)
{
	static const char *const signs[] = { "::=", "..", "{", "}", "(", ")", "|", ",", ";" };

	while (*p != '\0') {
		size_t i = 0, length;

		if (isspace((unsigned char)*p)) {
			p++;
			continue;
		}
		if (strncmp(p, "--", 2) == 0) {
			p += strcspn(p, "\n");
			continue;
		}
		if (*p == '"') {
			p += strcspn(p + 1, "\"") + 2;
			token_add("\"\"", 2);
			continue;
		}
		while (i < COUNT(signs) && strncmp(p, signs[i], strlen(signs[i])) != 0)
			i++;
		length = i < COUNT(signs) ? strlen(signs[i]) : strspn(p,
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");
		if (length == 0)
			fail_msg("unknown text '%.20s'", p);
		token_add(p, length);
		p += length;
	}
}

static void
file_read(const char *name)
{
	const char *top = getenv("abs_top_srcdir");
	static char text[200000];
	char path[512];
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "%s/mibs/%s", top == NULL ? "." : top, name);
	file = fopen(path, "r");
	if (file == NULL)
		fail_msg("%s: cannot be opened", path);
	n = fread(text, 1, sizeof(text), file);
	fclose(file);
	assert_int_in_range(n, 1, sizeof(text) - 1);
	text[n] = '\0';
	tokens_make(text);
}

/* -- what the module says --------------------------------------------------------------- */

struct smi_object smi_objects[SMI_OBJECTS_MAX];
size_t smi_objects_count;
struct smi_syntax smi_conventions[SMI_CONVENTIONS_MAX];
size_t smi_conventions_count;
static size_t at;	/* token */

static bool
is(const char *text)
{
	return strcmp(tokens[at], text) == 0;
}

static void
skip_to(const char *text)
{
	while (at < tokens_count && !is(text))
		at++;
	assert_true(at < tokens_count);
}

static void
take(const char *text)
{
	if (!is(text))
		fail_msg("'%s' instead of '%s'", tokens[at], text);
	at++;
}

static long
take_number(void)
{
	char *end;
	long number = strtol(tokens[at], &end, 10);

	if (*end != '\0')
		fail_msg("'%s' is not a number", tokens[at]);
	at++;
	return number;
}

/* "{ up(1), down(2) }" */
static void
labels_read(struct smi_syntax *syntax)
{
	take("{");
	while (!is("}")) {
		struct smi_label *label = &syntax->labels[syntax->labels_count++];

		assert_true(syntax->labels_count <= SMI_LABELS_MAX);
		strcpy(label->name, tokens[at++]);
		take("(");
		label->number = take_number();
		take(")");
		if (is(","))
			at++;
	}
	take("}");
	syntax->bounds = true;
	syntax->min = syntax->labels[0].number;
	syntax->max = syntax->labels[syntax->labels_count - 1].number;
}

/* Reads the outermost bounds of "(SIZE (0..64))", "(1..86400)" or "(SIZE (8 | 11))". */
static void
bounds_read(struct smi_syntax *syntax)
{
	int depth = 0;

	syntax->bounds = false;
	do {
		if (is("("))
			depth++;
		else if (is(")"))
			depth--;
		else if (isdigit((unsigned char)tokens[at][0])) {
			syntax->max = strtol(tokens[at], NULL, 10);
			if (!syntax->bounds)
				syntax->min = syntax->max;
			syntax->bounds = true;
		}
		at++;
	} while (depth > 0);
}

static void
syntax_read(struct smi_syntax *ret)
{
	char name[SMI_WORD];

	memset(ret, 0, sizeof(*ret));
	strcpy(name, tokens[at++]);
	strcpy(ret->base, name);
	for (size_t i = 0; i < smi_conventions_count; i++)
		if (strcmp(smi_conventions[i].name, name) == 0)
			*ret = smi_conventions[i];
	strcpy(ret->name, name);
	if (is("STRING") || is("IDENTIFIER"))
		at++;
	if (is("{"))
		labels_read(ret);
	else if (is("("))
		bounds_read(ret);
}

/* Reads "::= { parent 3 }". That of the module identity has a number after each name. */
static void
place_read(struct smi_object *object)
{
	skip_to("::=");
	take("::=");
	take("{");
	strcpy(object->parent, tokens[at++]);
	for (; !is("}"); at++) {
		if (isdigit((unsigned char)tokens[at][0]))
			object->sub = (uint32_t)strtoul(tokens[at], NULL, 10);
	}
}

static void
object_read(struct smi_object *object)
{
	at += 2;
	take("SYNTAX");
	if (is("SEQUENCE") || strncmp(tokens[at] + strlen(tokens[at]) - 5, "Entry", 5) == 0)
		object->is_sequence = true;
	else
		syntax_read(&object->syntax);
	skip_to("MAX-ACCESS");
	strcpy(object->access, tokens[at + 1]);
	for (; !is("::="); at++) {
		if (!is("INDEX") && !is("AUGMENTS"))
			continue;
		object->augments = is("AUGMENTS");
		for (at += 2; !is("}"); at++)
			if (!is(","))
				strcpy(object->index[object->index_count++], tokens[at]);
	}
	place_read(object);
}

static void
module_read(const char *file)
{
	tokens_count = 0;
	file_read(file);
	skip_to("BEGIN");
	while (at + 2 < tokens_count) {
		struct smi_object *object = &smi_objects[smi_objects_count];
		const char *what = tokens[at + 1];

		assert_true(smi_objects_count < SMI_OBJECTS_MAX - 1);
		if (is("MACRO")) {
			skip_to("END");
		} else if (strcmp(what, "::=") == 0 &&
		    strcmp(tokens[at + 2], "TEXTUAL-CONVENTION") == 0) {
			char name[SMI_WORD];

			strcpy(name, tokens[at]);
			skip_to("SYNTAX");
			at++;
			assert_true(smi_conventions_count < SMI_CONVENTIONS_MAX);
			syntax_read(&smi_conventions[smi_conventions_count]);
			strcpy(smi_conventions[smi_conventions_count++].name, name);
			continue;	/* the syntax is read */
		} else if (strcmp(what, "OBJECT-TYPE") == 0 &&
		    strcmp(tokens[at + 2], "SYNTAX") == 0) {
			strcpy(object->name, tokens[at]);
			object->is_type = true;
			object_read(object);
			smi_objects_count++;
		} else if ((strcmp(what, "OBJECT") == 0 &&
		    strcmp(tokens[at + 2], "IDENTIFIER") == 0) ||
		    (strcmp(what, "MODULE-IDENTITY") == 0 && !is(","))) {
			if (islower((unsigned char)tokens[at][0])) {
				strcpy(object->name, tokens[at]);
				place_read(object);
				smi_objects_count++;
			}
		}
		at++;
	}
	at = 0;
}

int
smi_read(void **state)
{
	(void)state;
	module_read("base/SNMPv2-TC.txt");
	module_read("base/SNMP-FRAMEWORK-MIB.txt");
	module_read("base/INET-ADDRESS-MIB.txt");
	smi_objects_count = 0;
	module_read("LBCLUSTER-MIB.txt");
	return 0;
}

const struct smi_object *
smi_find(const char *name)
{
	for (size_t i = 0; i < smi_objects_count; i++)
		if (strcmp(smi_objects[i].name, name) == 0)
			return &smi_objects[i];
	return NULL;
}

size_t
smi_place(const struct smi_object *object, uint32_t ret[8])
{
	const struct smi_object *parent = smi_find(object->parent);
	size_t n = 0;

	if (strcmp(object->name, "lbcMIB") == 0)
		return 0;
	assert_non_null(parent);
	n = smi_place(parent, ret);
	assert_true(n < 8);
	ret[n] = object->sub;
	return n + 1;
}

const struct smi_syntax *
smi_syntax_find(const char *name)
{
	for (size_t i = 0; i < smi_conventions_count; i++)
		if (strcmp(smi_conventions[i].name, name) == 0)
			return &smi_conventions[i];
	return smi_find(name) == NULL ? NULL : &smi_find(name)->syntax;
}
