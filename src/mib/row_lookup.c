/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Finds the rows of each table by index: the exact one or the next one. An index from a
 * manager may be too short or too long and contain any number; it is compared as an OID
 * (RFC 2578 section 7.7).
 */
#include <string.h>

#include "mib/mib_private.h"

enum { LEVELS = 3 };

static struct cache_cluster *
as_cluster(struct tree_row *node)
{
	return (struct cache_cluster *)(void *)node;
}

static struct cache_service *
as_service(struct tree_row *node)
{
	return (struct cache_service *)(void *)node;
}

/* -- scalars: one row with index 0 ---------------------------------------------------- */

static const void *
scalar_get(struct mib *mib, const uint32_t *index, size_t n)
{
	return n == 1 && index[0] == 0 ? mib : NULL;
}

static const void *
scalar_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t needs, uint32_t *ret_index, size_t *ret_n)
{
	(void)needs;
	if (n > 0 && !(inclusive && n == 1 && index[0] == 0))
		return NULL;
	ret_index[0] = 0;
	*ret_n = 1;
	return mib;
}

const struct mib_rows mib_rows_scalar = { "scalar", scalar_get, scalar_next };

/* -- numbers ----------------------------------------------------------------------------- */

/* Converts an index to the least tuple of 'levels' numbers that may be answered. Missing
 * numbers are 0; the tuple after an exclusive index is one higher. 64 bits, because one more
 * than a sub-identifier may exceed 32 bits. */
static void
least_tuple(const uint32_t *index, size_t n, size_t levels, bool inclusive,
    uint64_t least[LEVELS])
{
	for (size_t i = 0; i < LEVELS; i++)
		least[i] = i < levels && i < n ? index[i] : 0;
	if (n > levels || (n == levels && !inclusive))
		least[levels - 1]++;
}

/* Returns the position of the first row whose id is at least 'least'. */
static uint32_t
from(const struct tree_list *list, uint64_t least)
{
	if (least > UINT32_MAX)
		return list->n;
	return least == 0 ? 0 : tree_list_after(list, (uint32_t)least - 1);
}

static struct cache_service *
service_from(struct mib *mib, const uint64_t least[LEVELS])
{
	struct tree_list *clusters = cache_clusters(mib->cache);

	for (uint32_t i = from(clusters, least[0]); i < clusters->n; i++) {
		struct cache_cluster *cluster = as_cluster(clusters->rows[i]);
		uint32_t j = from(&cluster->services,
		    cluster->row.id == least[0] ? least[1] : 0);

		if (j < cluster->services.n)
			return as_service(cluster->services.rows[j]);
	}
	return NULL;
}

/* Finds the next row in a list with an index of one number. */
static const void *
list_next(const struct tree_list *list, const uint32_t *index, size_t n, bool inclusive,
    uint32_t *ret_index, size_t *ret_n)
{
	uint64_t least[LEVELS];
	uint32_t i;

	least_tuple(index, n, 1, inclusive, least);
	i = from(list, least[0]);
	if (i == list->n)
		return NULL;
	ret_index[0] = list->rows[i]->id;
	*ret_n = 1;
	return list->rows[i];
}

static const void *
cluster_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t needs, uint32_t *ret_index, size_t *ret_n)
{
	(void)needs;
	return list_next(cache_clusters(mib->cache), index, n, inclusive, ret_index, ret_n);
}

static const void *
service_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t needs, uint32_t *ret_index, size_t *ret_n)
{
	struct cache_service *service;
	uint64_t least[LEVELS];

	(void)needs;
	least_tuple(index, n, 2, inclusive, least);
	service = service_from(mib, least);
	if (service == NULL)
		return NULL;
	ret_index[0] = service->cluster->row.id;
	ret_index[1] = service->row.id;
	*ret_n = 2;
	return service;
}

static const void *
job_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t needs, uint32_t *ret_index, size_t *ret_n)
{
	(void)needs;
	return list_next(cache_jobs(mib->cache), index, n, inclusive, ret_index, ret_n);
}

static const void *
cluster_get(struct mib *mib, const uint32_t *index, size_t n)
{
	return n == 1 ? tree_list_find(cache_clusters(mib->cache), index[0]) : NULL;
}

static const void *
service_get(struct mib *mib, const uint32_t *index, size_t n)
{
	struct tree_row *cluster;

	if (n != 2)
		return NULL;
	cluster = tree_list_find(cache_clusters(mib->cache), index[0]);
	return cluster == NULL ? NULL :
	    tree_list_find(&as_cluster(cluster)->services, index[1]);
}

static const void *
real_get(struct mib *mib, const uint32_t *index, size_t n)
{
	const struct cache_real *real;

	if (n != 3)
		return NULL;
	real = cache_real_find(mib->cache, index[2]);
	return real != NULL && real->service->row.id == index[1] &&
	    real->service->cluster->row.id == index[0] ? real : NULL;
}

static const void *
job_get(struct mib *mib, const uint32_t *index, size_t n)
{
	return n == 1 ? tree_list_find(cache_jobs(mib->cache), index[0]) : NULL;
}

/* -- real services: three nested lists, and the longest walks --------------------------- */

static struct tree_list *
services_at(struct mib *mib, const struct mib_place *place)
{
	return &as_cluster(cache_clusters(mib->cache)->rows[place->at[0]])->services;
}

static struct cache_service *
service_at(struct mib *mib, const struct mib_place *place)
{
	return as_service(services_at(mib, place)->rows[place->at[1]]);
}

/* Finds the position of the first row at or above 'least'. The position may be one past the
 * end of the innermost list. */
static void
place_search(struct mib *mib, const uint64_t least[LEVELS], struct mib_place *ret)
{
	struct tree_list *clusters = cache_clusters(mib->cache);
	struct tree_row *node;

	memset(ret->at, 0, sizeof(ret->at));
	ret->at[0] = from(clusters, least[0]);
	if (ret->at[0] == clusters->n || clusters->rows[ret->at[0]]->id != least[0])
		return;
	ret->at[1] = from(services_at(mib, ret), least[1]);
	if (ret->at[1] == services_at(mib, ret)->n)
		return;
	node = services_at(mib, ret)->rows[ret->at[1]];
	if (node->id == least[1])
		ret->at[2] = from(&as_service(node)->reals, least[2]);
}

/* Advances the position to an existing row. Skips clusters without services, services without
 * rows, and services in which no row has the statistics in 'needs'. */
static const struct cache_real *
place_settle(struct mib *mib, struct mib_place *place, uint32_t needs)
{
	struct tree_list *clusters = cache_clusters(mib->cache);

	for (; place->at[0] < clusters->n; place->at[0]++, place->at[1] = 0) {
		struct tree_list *services = services_at(mib, place);

		for (; place->at[1] < services->n; place->at[1]++, place->at[2] = 0) {
			struct cache_service *service = service_at(mib, place);

			if (place->at[2] < service->reals.n &&
			    (needs == 0 || (service->sums.present & needs) != 0))
				return (struct cache_real *)(void *)
				    service->reals.rows[place->at[2]];
		}
		place->at[2] = 0;
	}
	return NULL;
}

/* Returns the remembered position of the row with this index, or NULL. A walk asks for the row
 * after the last answer; a GETBULK of several columns asks for the row after the same row in
 * each column. Two positions serve both. */
static const struct mib_place *
place_recall(const struct mib *mib, const uint32_t *index)
{
	for (size_t i = 0; i < 2; i++)
		if (mib->places[i].version == cache_version(mib->cache) &&
		    memcmp(mib->places[i].index, index, sizeof(mib->places[i].index)) == 0)
			return &mib->places[i];
	return NULL;
}

/* Remembers 'found' and forgets the position that this request did not use. */
static void
place_keep(struct mib *mib, const struct mib_place *asked, const struct mib_place *found)
{
	size_t to = asked == &mib->places[0] ? 1 : 0;

	mib->places[to] = *found;
	mib->places[to].version = cache_version(mib->cache);
}

static const void *
real_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t needs, uint32_t *ret_index, size_t *ret_n)
{
	const struct mib_place *asked = n == LEVELS ? place_recall(mib, index) : NULL;
	const struct cache_real *real;
	struct mib_place place;
	uint64_t least[LEVELS];

	if (asked != NULL) {
		place = *asked;
		place.at[2] += !inclusive;
	} else {
		least_tuple(index, n, LEVELS, inclusive, least);
		place_search(mib, least, &place);
	}
	real = place_settle(mib, &place, needs);
	if (real == NULL)
		return NULL;
	place.index[0] = real->service->cluster->row.id;
	place.index[1] = real->service->row.id;
	place.index[2] = real->row.id;
	place_keep(mib, asked, &place);
	memcpy(ret_index, place.index, sizeof(place.index));
	*ret_n = LEVELS;
	return real;
}

const struct mib_rows mib_rows_cluster = { "cluster", cluster_get, cluster_next };
const struct mib_rows mib_rows_service = { "service", service_get, service_next };
const struct mib_rows mib_rows_real = { "real service", real_get, real_next };
const struct mib_rows mib_rows_job = { "job", job_get, job_next };

/* -- names: a length and that many octets (RFC 2578 section 7.7) ------------------------ */

static bool
has_name(const struct tree_row *node, const uint8_t *name, size_t length)
{
	return node->name_length == length && memcmp(node->texts, name, length) == 0;
}

/* Returns the first name after index[0..n-1], or at it if 'inclusive'. */
static struct tree_row *
name_after(struct tree_names *names, const uint32_t *index, size_t n, bool inclusive)
{
	uint8_t name[UINT8_MAX] = { 0 };
	size_t length;
	uint32_t at;
	bool exact;

	if (n == 0)
		return names->list.n > 0 ?
		    names->list.rows[tree_names_from(names, name, 0)] : NULL;
	if (index[0] >= sizeof(name))
		return NULL;
	length = index[0];
	exact = n >= length + 1;
	for (size_t i = 0; i < length && i + 1 < n; i++) {
		if (index[i + 1] > UINT8_MAX) {
			/* After every name with this prefix: no name contains octet 255. */
			memset(name + i, UINT8_MAX, length - i);
			exact = false;
			break;
		}
		name[i] = (uint8_t)index[i + 1];
	}
	at = tree_names_from(names, name, length);
	/* Two rows may share a name for a moment (tree_names_remove()): skip both. */
	if (exact && !(inclusive && n == length + 1))
		while (at < names->list.n && has_name(names->list.rows[at], name, length))
			at++;
	return at < names->list.n ? names->list.rows[at] : NULL;
}

static struct tree_row *
name_find(struct tree_names *names, const uint32_t *index, size_t n)
{
	struct tree_row *node = name_after(names, index, n, true);

	if (node == NULL || n != (size_t)node->name_length + 1 || index[0] != node->name_length)
		return NULL;
	for (size_t i = 0; i < node->name_length; i++)
		if (index[i + 1] != (uint8_t)node->texts[i])
			return NULL;
	return node;
}

/* Appends a name to an index of 'n' numbers. */
static void
name_index(const struct tree_row *node, uint32_t *ret_index, size_t n, size_t *ret_n)
{
	ret_index[n++] = node->name_length;
	for (size_t i = 0; i < node->name_length; i++)
		ret_index[n++] = (uint8_t)node->texts[i];
	*ret_n = n;
}

static const void *
cluster_name_get(struct mib *mib, const uint32_t *index, size_t n)
{
	return name_find(cache_cluster_names(mib->cache), index, n);
}

static const void *
service_name_get(struct mib *mib, const uint32_t *index, size_t n)
{
	struct tree_row *cluster;

	if (n < 2)
		return NULL;
	cluster = tree_list_find(cache_clusters(mib->cache), index[0]);
	return cluster == NULL ? NULL :
	    name_find(&as_cluster(cluster)->service_names, index + 1, n - 1);
}

static const void *
real_name_get(struct mib *mib, const uint32_t *index, size_t n)
{
	const struct cache_service *service;

	if (n < 3)
		return NULL;
	service = service_get(mib, index, 2);
	return service == NULL ? NULL :
	    name_find(&as_service((struct tree_row *)(uintptr_t)service)->real_names,
	    index + 2, n - 2);
}

static const void *
cluster_name_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t needs, uint32_t *ret_index, size_t *ret_n)
{
	struct tree_row *node = name_after(cache_cluster_names(mib->cache), index, n,
	    inclusive);

	(void)needs;
	if (node != NULL)
		name_index(node, ret_index, 0, ret_n);
	return node;
}

static const void *
service_name_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t needs, uint32_t *ret_index, size_t *ret_n)
{
	struct tree_list *clusters = cache_clusters(mib->cache);

	(void)needs;
	for (uint32_t i = n == 0 ? 0 : from(clusters, index[0]); i < clusters->n; i++) {
		struct cache_cluster *cluster = as_cluster(clusters->rows[i]);
		bool same = n > 0 && cluster->row.id == index[0];
		struct tree_row *node = name_after(&cluster->service_names, index + 1,
		    same ? n - 1 : 0, inclusive);

		if (node == NULL)
			continue;
		ret_index[0] = cluster->row.id;
		name_index(node, ret_index, 1, ret_n);
		return node;
	}
	return NULL;
}

static const void *
real_name_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t needs, uint32_t *ret_index, size_t *ret_n)
{
	uint64_t at[LEVELS] = { n > 0 ? index[0] : 0, n > 1 ? index[1] : 0, 0 };
	struct cache_service *service;

	(void)needs;
	while ((service = service_from(mib, at)) != NULL) {
		bool same = n > 1 && service->cluster->row.id == index[0] &&
		    service->row.id == index[1];
		struct tree_row *node = name_after(&service->real_names, index + 2,
		    same ? n - 2 : 0, inclusive);

		if (node != NULL) {
			ret_index[0] = service->cluster->row.id;
			ret_index[1] = service->row.id;
			name_index(node, ret_index, 2, ret_n);
			return node;
		}
		at[0] = service->cluster->row.id;
		at[1] = (uint64_t)service->row.id + 1;
	}
	return NULL;
}

const struct mib_rows mib_rows_cluster_name =
    { "cluster", cluster_name_get, cluster_name_next };
const struct mib_rows mib_rows_service_name =
    { "service", service_name_get, service_name_next };
const struct mib_rows mib_rows_real_name =
    { "real service", real_name_get, real_name_next };
