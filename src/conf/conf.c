/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reads a file with libConfuse; see conf.h. Only the callbacks know the line of a value, so
 * they check it. A section is deleted at its end, because libConfuse searches all sections of
 * a kind for each new one.
 */
#include "conf/conf.h"

#include <confuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_text.h"
#include "util/file.h"
#include "util/memory.h"

/* The file that is read now. libConfuse passes no argument to its callbacks. */
static struct conf *current;

static const char of[] = " of ";

/* -- for tables -------------------------------------------------------------------- */

static size_t
option_index(const struct conf_section *section, const char *name)
{
	size_t i = 0;

	while (i < section->n_options && strcmp(section->options[i].name, name) != 0)
		i++;
	return i;
}

static const char *
title_of(cfg_t *cfg)
{
	const char *title = cfg_title(cfg);

	return title == NULL ? "" : title;
}

int
conf_line_of(const struct conf *conf, const char *option)
{
	return conf->open[conf->depth].lines[option_index(&conf->sections[conf->depth], option)];
}

/* An invalid name may have any length. */
const char *
conf_place(struct conf *conf)
{
	size_t used = 0;

	conf->place[0] = '\0';
	for (size_t i = 1; i <= conf->depth; i++)
		used += (size_t)snprintf(conf->place + used, sizeof(conf->place) - used, "%s%.64s",
		    i == 1 ? of : "/", title_of(conf->open[i].cfg));
	return conf->place;
}

const char *
conf_path(struct conf *conf)
{
	const char *place = conf_place(conf);

	return place[0] == '\0' ? place : place + strlen(of);
}

bool
conf_decimal(struct conf *conf, const struct conf_option *option, const char *value,
    bool whole, double *ret)
{
	const char *digits = value + (value[0] == '-');
	double number = strtod(value, NULL);
	size_t n = strspn(digits, "0123456789");

	if (!whole && n > 0 && digits[n] == '.')
		n += 1 + strspn(digits + n + 1, "0123456789");
	if (n == 0 || digits[n] != '\0') {
		conf_error(conf, "%s \"%.64s\"%s is not a %snumber of %.10g to %.10g", option->name,
		    value, conf_place(conf), whole ? "whole " : "", option->min, option->max);
		return false;
	}
	if (number < option->min || number > option->max) {
		conf_error(conf, "%s %.64s%s is %s %.10g", option->name, value, conf_place(conf),
		    number < option->min ? "below" : "above",
		    number < option->min ? option->min : option->max);
		return false;
	}
	*ret = number;
	return true;
}

void
conf_number(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	double number;

	if (conf_decimal(conf, option, value, true, &number))
		*(uint32_t *)into = (uint32_t)number;
}

void
conf_bool(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	int truth = cfg_parse_boolean(value);

	if (truth >= 0)
		*(bool *)into = truth != 0;
	else
		conf_error(conf, "%s \"%.64s\"%s is not yes or no",
		    option->name, value, conf_place(conf));
}

void
conf_keep(struct conf *conf, char **text, const char *value)
{
	if (!memory_string_assign(text, value))
		conf->no_memory = true;
}

/* -- callbacks of libConfuse ---------------------------------------------------------- */

static size_t
depth_of(const char *section)
{
	size_t depth = current->n_sections - 1;

	while (depth > 0 && strcmp(current->sections[depth].name, section) != 0)
		depth--;
	return depth;
}

/* Opens the sections that libConfuse entered since the last callback. The line of the section
 * around an open one stays at the brace. Only for a section without an option it is the line
 * of the end. */
static bool
enter(size_t depth)
{
	while (current->depth < depth) {
		cfg_t *parent = current->open[current->depth].cfg;
		const struct conf_section *section = &current->sections[++current->depth];
		cfg_opt_t *opt = cfg_getopt(parent, section->name);
		cfg_t *cfg = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);

		current->line = parent->line;
		current->open[current->depth] = (struct conf_level){ .cfg = cfg,
		    .line = parent->line };
		current->open[current->depth].into = section->open(current, title_of(cfg));
		if (current->open[current->depth].into == NULL)
			current->no_memory = true;
		if (current->no_memory)
			return false;
	}
	return true;
}

/* libConfuse read a value. It empties a list at the first value after "=", not after "+=". */
static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	size_t depth = depth_of(cfg->name), i = option_index(&current->sections[depth], opt->name);
	const struct conf_option *option = &current->sections[depth].options[i];
	int *first = &current->open[depth].lines[i];

	if (!enter(depth))
		return -1;
	current->line = cfg->line;
	if (*first != 0 && (!option->list || cfg_opt_size(opt) == 1))
		conf_error(current, "%s%s is given twice, first at line %d", option->name,
		    conf_place(current), *first);
	if (*first == 0)
		*first = current->line;
	option->set(current, option, (char *)current->open[depth].into + option->at, value);
	*(const char **)result = value;
	return current->no_memory ? -1 : 0;
}

/* libConfuse read a section to its end. */
static int
on_section(cfg_t *parent, cfg_opt_t *opt)
{
	size_t depth = depth_of(opt->name);

	(void)parent;
	if (!enter(depth))
		return -1;
	current->line = current->open[depth].line;
	if (current->sections[depth].close != NULL)
		current->sections[depth].close(current);
	current->depth = depth - 1;
	cfg_opt_rmnsec(opt, cfg_opt_size(opt) - 1);
	return current->no_memory ? -1 : 0;
}

static void __attribute__((format(printf, 2, 0)))
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct err err;

	err_vset(&err, ERR_INVALID, fmt, ap);
	diagnostics_error(current->diagnostics, cfg->line, "%s", err.text);
}

/* -- the file --------------------------------------------------------------------------- */

/* Describes one section and the section inside it. libConfuse copies the description. */
static void
describe(const struct conf_section *section, cfg_opt_t *opts, const char *inner_name,
    cfg_opt_t *inner)
{
	size_t n = 0;

	for (; n < section->n_options; n++) {
		const char *name = section->options[n].name;

		opts[n] = section->options[n].list ?
		    (cfg_opt_t)CFG_STR_LIST_CB(name, NULL, CFGF_NODEFAULT, on_value) :
		    (cfg_opt_t)CFG_STR_CB(name, NULL, CFGF_NODEFAULT, on_value);
	}
	if (inner != NULL) {
		opts[n] = (cfg_opt_t)CFG_SEC(inner_name, inner, CFGF_MULTI | CFGF_TITLE);
		opts[n++].validcb = on_section;
	}
	/* cfg_init(3): the option that receives unknown ones. */
	if (section->ignores_unknown)
		opts[n++] = (cfg_opt_t)CFG_STR("__unknown", NULL, CFGF_NONE);
	opts[n] = (cfg_opt_t)CFG_END();
}

static cfg_t *
parser_new(const struct conf_section *sections, size_t n)
{
	cfg_opt_t opts[CONF_DEPTHS_MAX][CONF_OPTIONS_MAX + 2];
	cfg_t *cfg;

	for (size_t i = n; i-- > 0; )
		describe(&sections[i], opts[i], i + 1 == n ? NULL : sections[i + 1].name,
		    i + 1 == n ? NULL : opts[i + 1]);
	cfg = cfg_init(opts[0], sections[0].ignores_unknown ? CFGF_IGNORE_UNKNOWN : CFGF_NONE);
	if (cfg != NULL)
		cfg_set_error_function(cfg, on_error);
	return cfg;
}

static enum err_code
text_parse(struct conf *conf, const struct conf_text *text, struct err *err)
{
	FILE *file = fmemopen(text->text, text->length, "r");
	cfg_t *cfg = parser_new(conf->sections, conf->n_sections);
	int result = CFG_PARSE_ERROR;

	conf->open[0].cfg = cfg;
	if (file != NULL && cfg != NULL) {
		current = conf;
		result = cfg_parse_fp(cfg, file);
		current = NULL;
		/* libConfuse reports no error for an empty name of an option. */
		if (result == CFG_PARSE_ERROR && conf->diagnostics->errors == 0 && !conf->no_memory)
			diagnostics_error(conf->diagnostics, cfg->line, "invalid syntax");
	}
	/* libConfuse closes all sections at the end of the file. */
	if (result == CFG_SUCCESS && text->open_line != 0)
		diagnostics_error(conf->diagnostics, text->open_line,
		    "the { in this line is never closed; add }");
	if (file != NULL)
		fclose(file);
	if (cfg != NULL)
		cfg_free(cfg);
	if (result != CFG_SUCCESS && conf->diagnostics->errors == 0)
		return err_set(err, ERR_NOMEM, "%s: out of memory", conf->diagnostics->file);
	return ERR_OK;
}

enum err_code
conf_read(const char *file, const struct conf_section *sections, size_t n, void *into,
    struct diagnostics *diagnostics, struct err *err)
{
	struct conf conf = { .sections = sections, .n_sections = n, .diagnostics = diagnostics,
	    .open[0].into = into };
	struct conf_text text;
	enum err_code code;

	*diagnostics = (struct diagnostics){ .file = file_input_name(file) };
	code = conf_text_read(file, &text, diagnostics, err);
	if (code == ERR_OK)
		code = text_parse(&conf, &text, err);
	free(text.text);
	if (diagnostics->errors > 0)
		return err_set(err, ERR_INVALID, "%s: not loaded, errors: %zu", diagnostics->file,
		    diagnostics->errors);
	return code;
}
