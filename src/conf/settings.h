/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The configuration file of a daemon. A table of conf_option lists its settings: 'at' is the
 * offset in the program's struct, 'text' the default as a person would write it.
 */
#ifndef CONF_SETTINGS_H
#define CONF_SETTINGS_H

#include "conf/conf.h"

/* Functions for conf_option.set, beside conf_number(). The strings are on the heap. */
void settings_path(struct conf *conf, const struct conf_option *option, void *into,
    const char *value);		/* char *: an absolute path */
void settings_store(struct conf *conf, const struct conf_option *option, void *into,
    const char *value);		/* char *: an absolute path or a URI */
void settings_agentx(struct conf *conf, const struct conf_option *option, void *into,
    const char *value);		/* char *: an address for endpoint_parse() */
void settings_instance(struct conf *conf, const struct conf_option *option, void *into,
    const char *value);		/* char *: a name, 1 to 64 bytes; "": the host name. An invalid
				 * byte of the host name becomes a hyphen */
void settings_level(struct conf *conf, const struct conf_option *option, void *into,
    const char *value);		/* enum log_level */
void settings_seconds(struct conf *conf, const struct conf_option *option, void *into,
    const char *value);		/* uint32_t: milliseconds; a fraction is allowed */

/* Sets the 'n' settings in the struct at 'into' to their defaults and then to the values of the
 * file at 'path'. The strings in the struct are NULL or on the heap before. 'optional': the file
 * may be missing. ERR_INVALID, ERR_RANGE, ERR_IO or ERR_NOMEM with a message that begins with
 * FILE or FILE:LINE; the strings are NULL then. */
enum err_code settings_load(const struct conf_option *settings, size_t n, const char *path,
    bool optional, void *into, struct err *err);

/* Sets the setting 'name' to 'value', which the command line gives. ERR_INVALID or
 * ERR_NOMEM: the message has no file. */
enum err_code settings_override(const struct conf_option *settings, size_t n, const char *name,
    const char *value, void *into, struct err *err);

/* Reads one setting of the file at 'path' and ignores all others. Returns a string that the
 * caller frees; NULL if the file has no valid value. */
char *settings_text(const char *path, const char *name);

/* Frees the strings. May be repeated, and called for a zeroed struct. */
void settings_done(const struct conf_option *settings, size_t n, void *into);

#endif
