/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/path_hint.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Largest number of letters to insert, remove or replace between similar names. */
enum { NEAR_EDITS = 2 };

static const char *const kinds[] = {
	[DEPTH_NONE] = "store",
	[DEPTH_CLUSTER] = "cluster",
	[DEPTH_SERVICE] = "service",
	[DEPTH_REAL] = "real service",
};

enum path_depth
path_depth(const struct path *path)
{
	if (path->real[0] != '\0')
		return DEPTH_REAL;
	if (path->service[0] != '\0')
		return DEPTH_SERVICE;
	return path->cluster[0] != '\0' ? DEPTH_CLUSTER : DEPTH_NONE;
}

struct path
path_of(const char *cluster, const char *service, const char *real)
{
	struct path path;

	snprintf(path.cluster, sizeof(path.cluster), "%s", cluster);
	snprintf(path.service, sizeof(path.service), "%s", service);
	snprintf(path.real, sizeof(path.real), "%s", real);
	return path;
}

struct path
path_cut(const struct path *path, enum path_depth depth)
{
	struct path cut = *path;

	if (depth < DEPTH_REAL)
		cut.real[0] = '\0';
	if (depth < DEPTH_SERVICE)
		cut.service[0] = '\0';
	if (depth < DEPTH_CLUSTER)
		cut.cluster[0] = '\0';
	return cut;
}

/* -- similar names -------------------------------------------------------------------- */

static size_t
smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Returns Levenshtein's distance of two names of at most MODEL_NAME_MAX letters; case does not
 * count. */
static size_t
edits(const char *a, const char *b)
{
	size_t row[MODEL_NAME_MAX + 1], length = strlen(b);

	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t before = row[0];

		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			bool same = tolower((unsigned char)a[i - 1]) ==
			    tolower((unsigned char)b[j - 1]);
			size_t replaced = before + !same;

			before = row[j];
			row[j] = smallest(row[j] + 1, row[j - 1] + 1, replaced);
		}
	}
	return row[length];
}

/* Short names may differ less: "a" is not similar to "web". */
static bool
is_near(const char *wanted, const char *name)
{
	size_t a = strlen(wanted), b = strlen(name);
	size_t allowed = a / 2 < NEAR_EDITS ? a / 2 : NEAR_EDITS;

	if (a > MODEL_NAME_MAX || (a > b ? a - b : b - a) > allowed)
		return false;
	return edits(wanted, name) <= allowed;
}

void
names_add(struct names *names, const char *name)
{
	char kept[MODEL_NAME_MAX + 1];

	snprintf(kept, sizeof(kept), "%s", name);
	names->count++;
	if (names->n < NAMES_SHOWN)
		memcpy(names->first[names->n++], kept, sizeof(kept));
	if (names->wanted != NULL && names->n_near < NAMES_NEAR && is_near(names->wanted, kept))
		memcpy(names->near[names->n_near++], kept, sizeof(kept));
}

const char *
names_list(const struct names *names, char buf[NAMES_TEXT_SIZE])
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < names->n; i++)
		used += (size_t)snprintf(buf + used, NAMES_TEXT_SIZE - used, "%s%s",
		    i > 0 ? ", " : "", names->first[i]);
	if (names->count > names->n)
		snprintf(buf + used, NAMES_TEXT_SIZE - used, " and %zu more",
		    names->count - names->n);
	return buf;
}

const char *
names_similar(const struct names *names, const struct path *parent, char buf[NAMES_TEXT_SIZE])
{
	char text[PATH_TEXT_SIZE] = "";
	size_t used = 0;

	if (parent != NULL)
		path_text(parent, text);
	buf[0] = '\0';
	for (size_t i = 0; i < names->n_near; i++)
		used += (size_t)snprintf(buf + used, NAMES_TEXT_SIZE - used, "%s%s%s%s",
		    i > 0 ? ", " : "; similar: ", text, text[0] != '\0' ? "/" : "",
		    names->near[i]);
	return buf;
}

/* -- names of the store ----------------------------------------------------------------- */

static enum err_code
cluster_add(void *arg, const struct cluster_row *row)
{
	names_add(arg, row->name);
	return ERR_OK;
}

static enum err_code
service_add(void *arg, const struct path *path, const struct service_row *row)
{
	(void)path;
	names_add(arg, row->name);
	return ERR_OK;
}

static enum err_code
real_add(void *arg, const struct store_real_view *view)
{
	names_add(arg, view->row.name);
	return ERR_OK;
}

/* Adds the names of the rows directly below 'parent'. */
static enum err_code
names_below(struct store *store, const struct path *parent, struct names *names)
{
	if (store == NULL)
		return ERR_NOT_FOUND;
	switch (path_depth(parent)) {
	case DEPTH_NONE:
		return store_each_cluster(store, NULL, cluster_add, names, NULL);
	case DEPTH_CLUSTER:
		return store_each_service(store, parent, service_add, names, NULL);
	case DEPTH_SERVICE:
		return store_each_real(store, parent, real_add, names, NULL);
	case DEPTH_REAL:
		break;
	}
	return ERR_OK;
}

const char *
names_hint(struct store *store, const struct path *path, char buf[NAMES_TEXT_SIZE])
{
	const char *const parts[] = { "", path->cluster, path->service, path->real };
	enum path_depth depth = path_depth(path);
	struct path parent = path_cut(path, depth - 1);
	struct names names = { .wanted = parts[depth] };
	char list[NAMES_TEXT_SIZE], text[PATH_TEXT_SIZE], of[sizeof(text) + sizeof(" of ")] = "";

	buf[0] = '\0';
	if (names_below(store, &parent, &names) != ERR_OK)
		return buf;
	if (names.n_near > 0)
		return names_similar(&names, &parent, buf);
	if (depth > DEPTH_CLUSTER)
		snprintf(of, sizeof(of), " of %s", path_text(&parent, text));
	if (names.count == 0)
		snprintf(buf, NAMES_TEXT_SIZE, "; there is no %s%s", kinds[depth], of);
	else
		snprintf(buf, NAMES_TEXT_SIZE, "; %ss%s: %s", kinds[depth], of,
		    names_list(&names, list));
	return buf;
}

const char *
names_above(struct store *store, const struct path *path, enum path_depth least,
    char buf[NAMES_TEXT_SIZE])
{
	const char *wanted = least == DEPTH_SERVICE ? "service or real service" : "real service";
	char text[PATH_TEXT_SIZE], list[NAMES_TEXT_SIZE];
	enum path_depth depth = path_depth(path);
	struct names names = { .wanted = NULL };

	path_text(path, text);
	if (names_below(store, path, &names) != ERR_OK)
		snprintf(buf, NAMES_TEXT_SIZE, "%s: is not the path of a %s, "
		    "cluster/service/server", text, wanted);
	else if (names.count == 0)
		snprintf(buf, NAMES_TEXT_SIZE, "%s: is a %s, not a %s, and is empty", text,
		    kinds[depth], wanted);
	else
		snprintf(buf, NAMES_TEXT_SIZE, "%s: is a %s, not a %s; its %ss: %s", text,
		    kinds[depth], wanted, kinds[depth + 1], names_list(&names, list));
	return buf;
}
