/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/ctl.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/lockers.h"
#include "util/num.h"
#include "util/text.h"

enum { STORE_PATH_SIZE = 4096 };

/* Exit status of an error about a row or the store, once the store is open. */
static const enum ctl_exit exit_of_error[] = {
	[ERR_OK] = CTL_OK,
	[ERR_NOMEM] = CTL_FAILURE,
	[ERR_INVALID] = CTL_FAILURE,
	[ERR_RANGE] = CTL_FAILURE,
	[ERR_NOT_FOUND] = CTL_NOT_FOUND,
	[ERR_PRECOND] = CTL_PRECOND,
	[ERR_LIMIT] = CTL_FAILURE,
	[ERR_BUSY] = CTL_BUSY,
	[ERR_READONLY] = CTL_REFUSED,
	[ERR_FULL] = CTL_REFUSED,
	[ERR_FOREIGN] = CTL_REFUSED,
	[ERR_NEWER] = CTL_REFUSED,
	[ERR_CORRUPT] = CTL_REFUSED,
	[ERR_GONE] = CTL_FAILURE,
	[ERR_DOUBT] = CTL_FAILURE,
	[ERR_IO] = CTL_REFUSED,
};

const char *
ctl_argument(const struct ctl *ctl, unsigned int flag)
{
	return ctl->arguments[__builtin_ctz(flag)];
}

FILE *
ctl_terminal(const struct ctl *ctl)
{
	int fd = fileno(ctl->err);

	return !ctl->quiet && fd >= 0 && isatty(fd) ? ctl->err : NULL;
}

/* -- messages --------------------------------------------------------------- */

void
ctl_message(struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	fputs("lbclusterctl: ", ctl->err);
	va_start(ap, fmt);
	text_line_vprint(ctl->err, fmt, ap);
	va_end(ap);
}

const char *
ctl_without_path(const char *text, const struct path *path)
{
	char name[PATH_TEXT_SIZE];
	size_t length = strlen(path_text(path, name));

	return strncmp(text, name, length) == 0 && strncmp(text + length, ": ", 2) == 0 ?
	    text + length + 2 : text;
}

void
ctl_not_found_explain(struct ctl *ctl, const struct path *path, struct err *err)
{
	char text[PATH_TEXT_SIZE], hint[NAMES_TEXT_SIZE];
	enum path_depth depth = DEPTH_CLUSTER;
	struct path part = path_cut(path, depth);

	/* The store's message begins with the part of the path that is missing. */
	while (depth < path_depth(path) && ctl_without_path(err->text, &part) == err->text)
		part = path_cut(path, ++depth);
	err_set(err, ERR_NOT_FOUND, "%s: %s%s", path_text(&part, text), err_name(ERR_NOT_FOUND),
	    names_hint(ctl->store, &part, hint));
}

/* Prints 'text', which names a file or a database that was locked for the whole wait. */
static void
busy_message(struct ctl *ctl, const char *text)
{
	static const char *const files[] = { "lbcluster.db", "lbcluster-stats.db",
	    "lbcluster-stats.db-shm", "lbcluster-stats.db.lock" };
	char paths[ROWS(files)][STORE_PATH_SIZE], holders[LOCKERS_TEXT_SIZE];
	const char *pointers[ROWS(files)];

	if (store_is_uri(ctl->store_dir)) {
		ctl_message(ctl, "%s; pg_stat_activity of the server shows its sessions", text);
		return;
	}
	for (size_t i = 0; i < ROWS(files); i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", ctl->store_dir, files[i]);
		pointers[i] = paths[i];
	}
	if (lockers_text(pointers, ROWS(files), holders)[0] != '\0')
		ctl_message(ctl, "%s; held by %s", text, holders);
	else
		ctl_message(ctl, "%s; \"fuser %s/*\" shows the processes that use it", text,
		    ctl->store_dir);
}

enum ctl_exit
ctl_finish(struct ctl *ctl, enum err_code code)
{
	struct err *err = &ctl->error;
	char text[PATH_TEXT_SIZE];

	if (code == ERR_OK)
		return CTL_OK;
	if (err->code != code)
		err_set(err, code, "%s", err_name(code));
	if (ctl->path != NULL && code == ERR_NOT_FOUND)
		ctl_not_found_explain(ctl, ctl->path, err);
	if (code == ERR_BUSY)
		busy_message(ctl, err->text);
	else if (code == ERR_DOUBT)
		ctl_message(ctl, "%s; the change may be stored: read it before you repeat the "
		    "command", err->text);
	else if (ctl->path != NULL && code == ERR_PRECOND)
		ctl_message(ctl, "%s: %s: %s", path_text(ctl->path, text), err_name(code),
		    ctl_without_path(err->text, ctl->path));
	else
		ctl_message(ctl, "%s", err->text);
	return exit_of_error[code];
}

/* -- paths ------------------------------------------------------------------ */

enum err_code
ctl_path_parse(const char *text, struct path *ret, struct err *err)
{
	char without_slash[PATH_TEXT_SIZE + 1];
	size_t length = strlen(text);

	/* "web//" is an error. */
	if (length > 1 && length < sizeof(without_slash) && text[length - 1] == '/' &&
	    text[length - 2] != '/') {
		memcpy(without_slash, text, length - 1);
		without_slash[length - 1] = '\0';
		text = without_slash;
	}
	return path_parse(text, ret, err);
}

enum err_code
ctl_pattern_parse(const char *text, struct path *ret, struct err *err)
{
	char names[PATH_TEXT_SIZE + 1];
	struct path path;
	char *const parts[] = { path.cluster, path.service, path.real };
	const char *part = text;
	enum err_code code;

	if (strpbrk(text, "*?[") == NULL || strlen(text) >= sizeof(names))
		return ctl_path_parse(text, ret, err);
	/* A name of the same length in place of each pattern. */
	snprintf(names, sizeof(names), "%s", text);
	for (char *p = names; (p = strpbrk(p, "*?[]!^")) != NULL; p++)
		*p = '_';
	if ((code = ctl_path_parse(names, &path, err)) != ERR_OK)
		return code;
	for (size_t i = 0; i < ROWS(parts); part += strlen(parts[i++]) + 1)
		memcpy(parts[i], part, strlen(parts[i]));
	*ret = path;
	return ERR_OK;
}

enum err_code
ctl_pattern_not_found(struct ctl *ctl, const struct path *pattern)
{
	enum path_depth depth = path_depth(pattern);
	struct path names = *pattern;
	char text[PATH_TEXT_SIZE];
	uint32_t id;

	while (depth > DEPTH_NONE && path_is_pattern(&names))
		names = path_cut(pattern, --depth);
	ctl->path = NULL;
	if (depth > DEPTH_NONE && store_find(ctl->store, &names, &id, &id, &id,
	    &ctl->error) == ERR_NOT_FOUND)
		ctl_not_found_explain(ctl, &names, &ctl->error);
	else
		err_set(&ctl->error, ERR_NOT_FOUND, "%s: matches no row", path_text(pattern,
		    text));
	return ERR_NOT_FOUND;
}

enum err_code
ctl_rows_each(struct ctl *ctl, const struct path *path, bool named_only,
    const struct ctl_rows *rows, void *arg)
{
	enum path_depth depth = path_depth(path);
	enum err_code code = ERR_OK;
	size_t before = *rows->n;

	ctl->path = path;	/* for the message */
	if (depth == DEPTH_CLUSTER)
		code = store_each_cluster(ctl->store, path, rows->cluster, arg, &ctl->error);
	if (code == ERR_OK && (depth == DEPTH_SERVICE || (depth < DEPTH_SERVICE && !named_only)))
		code = store_each_service(ctl->store, path, rows->service, arg, &ctl->error);
	if (code == ERR_OK && (depth == DEPTH_REAL || !named_only))
		code = store_each_real(ctl->store, path, rows->real, arg, &ctl->error);
	return code == ERR_OK && *rows->n == before ? ctl_pattern_not_found(ctl, path) : code;
}

enum ctl_exit
ctl_path_too_short(struct ctl *ctl, const struct path *path, enum path_depth least)
{
	char text[NAMES_TEXT_SIZE];

	if (store_open(ctl->store_dir, STORE_READ, CTL_HINT_WAIT_MS, &ctl->store,
	    &ctl->error) != ERR_OK)
		ctl->store = NULL;
	names_above(ctl->store, path, least, text);
	store_close(ctl->store);
	ctl->store = NULL;
	return ctl_usage(ctl, "%s", text);
}

/* -- the store -------------------------------------------------------------- */

static const char *
name_or_number(const char *name, unsigned int number, char buf[CTL_NAME_SIZE])
{
	snprintf(buf, CTL_NAME_SIZE, "%u", number);
	if (name != NULL)
		snprintf(buf, CTL_NAME_SIZE, "%s", name);
	return buf;
}

const char *
ctl_user(uid_t uid, char buf[CTL_NAME_SIZE])
{
	const struct passwd *user = getpwuid(uid);

	return name_or_number(user != NULL ? user->pw_name : NULL, uid, buf);
}

const char *
ctl_group(gid_t gid, char buf[CTL_NAME_SIZE])
{
	const struct group *group = getgrgid(gid);

	return name_or_number(group != NULL ? group->gr_name : NULL, gid, buf);
}

const char *
ctl_origin(char buf[CTL_ORIGIN_SIZE])
{
	const char *sudo = getenv("SUDO_UID");
	char name[CTL_NAME_SIZE], sudoer[CTL_NAME_SIZE];
	uint64_t uid;

	snprintf(buf, CTL_ORIGIN_SIZE, "%s (uid %u)", ctl_user(getuid(), name), getuid());
	/* Only root may set the variable so that the name of another user is recorded. */
	if (getuid() == 0 && sudo != NULL && num_parse(sudo, 0, UINT32_MAX, &uid) == ERR_OK)
		snprintf(buf, CTL_ORIGIN_SIZE, "%s (uid 0), sudo of %s (uid %u)", name,
		    ctl_user((uid_t)uid, sudoer), (uid_t)uid);
	return buf;
}

/* Prints which permission of the directory this user lacks. False if none is missing. */
static bool
permission_message(struct ctl *ctl)
{
	int mode = ctl->command->mode == STORE_READ ? R_OK | X_OK : R_OK | W_OK | X_OK;
	char user[CTL_NAME_SIZE], group[CTL_NAME_SIZE];
	struct stat st;

	if (eaccess(ctl->store_dir, mode) == 0 || errno != EACCES ||
	    stat(ctl->store_dir, &st) == -1)
		return false;
	if (!S_ISDIR(st.st_mode)) {
		ctl_message(ctl, "%s: is not a directory; give the directory of the store with -s",
		    ctl->store_dir);
		return true;
	}
	ctl_user(geteuid(), user);
	ctl_group(st.st_gid, group);
	if ((st.st_mode & S_IRWXG) != S_IRWXG || st.st_gid == 0)
		ctl_message(ctl, "%s: %s; run lbclusterctl as root or as its owner", ctl->store_dir,
		    strerror(EACCES));
	else
		ctl_message(ctl, "%s: %s: user %s is not in group %s; run lbclusterctl as root, or "
		    "run \"usermod -aG %s %s\" as root and log in again", ctl->store_dir,
		    strerror(EACCES), user, group, group, user);
	return true;
}

static void
store_report(void *arg, bool repaired, const char *text)
{
	(void)repaired;
	ctl_message(arg, "%s", text);
}

void
ctl_statistics_report(struct ctl *ctl)
{
	if (ctl->store != NULL && ctl->command->mode == STORE_READ)
		store_statistics_report(ctl->store, store_report, ctl);
}

enum ctl_exit
ctl_open(struct ctl *ctl)
{
	enum store_mode mode = ctl->command->mode;
	struct err *err = &ctl->error;

	/* A dry run creates no store. */
	if (mode == STORE_CREATE && (ctl->flags & CTL_DRY_RUN) != 0)
		mode = STORE_WRITE;
	if (store_open(ctl->store_dir, mode, CTL_STORE_WAIT_MS, &ctl->store, err) == ERR_OK) {
		/* Names the rows of a damaged store that the command will not show. If the search
		 * fails, the command fails for the same reason and reports it. */
		if (mode == STORE_READ && store_left_out_find(ctl->store, err) == ERR_OK)
			store_left_out_report(ctl->store, store_report, ctl);
		ctl_statistics_report(ctl);
		return CTL_OK;
	}
	if (err->code == ERR_BUSY)
		return ctl_finish(ctl, ERR_BUSY);
	if (err->code == ERR_NOT_FOUND && !store_is_uri(ctl->store_dir))
		ctl_message(ctl, "%s; give the directory of the store with -s, or create one with "
		    "\"lbclusterctl load\"", err->text);
	else if (!permission_message(ctl))
		ctl_message(ctl, "%s", err->text);
	return CTL_REFUSED;
}
