/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * How the rows of each table are found by index, exactly or the next one. An index
 * from outside may be too short, too long, and hold any number: it is compared as
 * the OID it is (RFC 2578 section 7.7).
 */
#include <string.h>

#include "mib/inside.h"

enum { LEVELS = 3 };

static struct image_cluster *
as_cluster(struct image_node *node)
{
	return (struct image_cluster *)(void *)node;
}

static struct image_service *
as_service(struct image_node *node)
{
	return (struct image_service *)(void *)node;
}

/* -- scalars: one row with index 0 ---------------------------------------------------- */

static const void *
scalar_get(struct mib *mib, const uint32_t *index, size_t n)
{
	return n == 1 && index[0] == 0 ? mib : NULL;
}

static const void *
scalar_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t *ret_index, size_t *ret_n)
{
	if (n > 0 && !(inclusive && n == 1 && index[0] == 0))
		return NULL;
	ret_index[0] = 0;
	*ret_n = 1;
	return mib;
}

const struct mib_rows mib_rows_scalar = { "scalar", scalar_get, scalar_next };

/* -- numbers ----------------------------------------------------------------------------- */

/* An index of 'levels' numbers as the least tuple that may be answered: what is
 * missing is 0, and one more than a tuple that must be passed. 64 bits hold one
 * more than any sub-identifier. */
static void
least_tuple(const uint32_t *index, size_t n, size_t levels, bool inclusive,
    uint64_t least[LEVELS])
{
	for (size_t i = 0; i < LEVELS; i++)
		least[i] = i < levels && i < n ? index[i] : 0;
	if (n > levels || (n == levels && !inclusive))
		least[levels - 1]++;
}

/* Position of the first row with a number at or above 'least'. */
static uint32_t
from(const struct image_list *list, uint64_t least)
{
	if (least > UINT32_MAX)
		return list->n;
	return least == 0 ? 0 : image_list_after(list, (uint32_t)least - 1);
}

static struct image_service *
service_from(struct mib *mib, const uint64_t least[LEVELS])
{
	struct image_list *clusters = image_clusters(mib->image);

	for (uint32_t i = from(clusters, least[0]); i < clusters->n; i++) {
		struct image_cluster *cluster = as_cluster(clusters->nodes[i]);
		uint32_t j = from(&cluster->services,
		    cluster->node.id == least[0] ? least[1] : 0);

		if (j < cluster->services.n)
			return as_service(cluster->services.nodes[j]);
	}
	return NULL;
}

static struct image_node *
real_from(struct mib *mib, const uint64_t least[LEVELS])
{
	uint64_t at[LEVELS] = { least[0], least[1], least[2] };
	struct image_service *service;

	while ((service = service_from(mib, at)) != NULL) {
		bool same = service->cluster->node.id == at[0] && service->node.id == at[1];
		uint32_t i = from(&service->reals, same ? at[2] : 0);

		if (i < service->reals.n)
			return service->reals.nodes[i];
		at[0] = service->cluster->node.id;
		at[1] = (uint64_t)service->node.id + 1;
		at[2] = 0;
	}
	return NULL;
}

static const void *
cluster_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t *ret_index, size_t *ret_n)
{
	struct image_list *clusters = image_clusters(mib->image);
	uint64_t least[LEVELS];
	uint32_t i;

	least_tuple(index, n, 1, inclusive, least);
	i = from(clusters, least[0]);
	if (i == clusters->n)
		return NULL;
	ret_index[0] = clusters->nodes[i]->id;
	*ret_n = 1;
	return clusters->nodes[i];
}

static const void *
service_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t *ret_index, size_t *ret_n)
{
	struct image_service *service;
	uint64_t least[LEVELS];

	least_tuple(index, n, 2, inclusive, least);
	service = service_from(mib, least);
	if (service == NULL)
		return NULL;
	ret_index[0] = service->cluster->node.id;
	ret_index[1] = service->node.id;
	*ret_n = 2;
	return service;
}

static const void *
real_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t *ret_index, size_t *ret_n)
{
	const struct image_real *real;
	uint64_t least[LEVELS];

	least_tuple(index, n, 3, inclusive, least);
	real = (const struct image_real *)(const void *)real_from(mib, least);
	if (real == NULL)
		return NULL;
	ret_index[0] = real->service->cluster->node.id;
	ret_index[1] = real->service->node.id;
	ret_index[2] = real->node.id;
	*ret_n = 3;
	return real;
}

static const void *
job_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t *ret_index, size_t *ret_n)
{
	struct image_list *jobs = image_jobs(mib->image);
	uint64_t least[LEVELS];
	uint32_t i;

	least_tuple(index, n, 1, inclusive, least);
	i = from(jobs, least[0]);
	if (i == jobs->n)
		return NULL;
	ret_index[0] = jobs->nodes[i]->id;
	*ret_n = 1;
	return jobs->nodes[i];
}

static const void *
cluster_get(struct mib *mib, const uint32_t *index, size_t n)
{
	return n == 1 ? image_list_find(image_clusters(mib->image), index[0]) : NULL;
}

static const void *
service_get(struct mib *mib, const uint32_t *index, size_t n)
{
	struct image_node *cluster;

	if (n != 2)
		return NULL;
	cluster = image_list_find(image_clusters(mib->image), index[0]);
	return cluster == NULL ? NULL :
	    image_list_find(&as_cluster(cluster)->services, index[1]);
}

static const void *
real_get(struct mib *mib, const uint32_t *index, size_t n)
{
	const struct image_real *real;

	if (n != 3)
		return NULL;
	real = image_real_find(mib->image, index[2]);
	return real != NULL && real->service->node.id == index[1] &&
	    real->service->cluster->node.id == index[0] ? real : NULL;
}

static const void *
job_get(struct mib *mib, const uint32_t *index, size_t n)
{
	return n == 1 ? image_list_find(image_jobs(mib->image), index[0]) : NULL;
}

const struct mib_rows mib_rows_cluster = { "cluster", cluster_get, cluster_next };
const struct mib_rows mib_rows_service = { "service", service_get, service_next };
const struct mib_rows mib_rows_real = { "real service", real_get, real_next };
const struct mib_rows mib_rows_job = { "job", job_get, job_next };

/* -- names: a length and so many octets (RFC 2578 section 7.7) -------------------------- */

/* The first name after index[0..n-1] (at it if 'inclusive'). */
static struct image_node *
name_after(struct image_names *names, const uint32_t *index, size_t n, bool inclusive)
{
	uint8_t name[UINT8_MAX] = { 0 };
	size_t length;
	uint32_t at;
	bool exact;

	if (n == 0)
		return names->list.n > 0 ?
		    names->list.nodes[image_names_from(names, name, 0)] : NULL;
	if (index[0] >= sizeof(name))
		return NULL;
	length = index[0];
	exact = n >= length + 1;
	for (size_t i = 0; i < length && i + 1 < n; i++) {
		if (index[i + 1] > UINT8_MAX) {
			/* Above every name that starts like this: no octet is 255. */
			memset(name + i, UINT8_MAX, length - i);
			exact = false;
			break;
		}
		name[i] = (uint8_t)index[i + 1];
	}
	at = image_names_from(names, name, length);
	if (at < names->list.n && exact && !(inclusive && n == length + 1)) {
		const struct image_node *node = names->list.nodes[at];

		at += node->name_length == length && memcmp(node->texts, name, length) == 0;
	}
	return at < names->list.n ? names->list.nodes[at] : NULL;
}

static struct image_node *
name_find(struct image_names *names, const uint32_t *index, size_t n)
{
	struct image_node *node = name_after(names, index, n, true);

	if (node == NULL || n != (size_t)node->name_length + 1 || index[0] != node->name_length)
		return NULL;
	for (size_t i = 0; i < node->name_length; i++)
		if (index[i + 1] != (uint8_t)node->texts[i])
			return NULL;
	return node;
}

/* Adds a name to an index that has 'n' numbers before it. */
static void
name_index(const struct image_node *node, uint32_t *ret_index, size_t n, size_t *ret_n)
{
	ret_index[n++] = node->name_length;
	for (size_t i = 0; i < node->name_length; i++)
		ret_index[n++] = (uint8_t)node->texts[i];
	*ret_n = n;
}

static const void *
cluster_name_get(struct mib *mib, const uint32_t *index, size_t n)
{
	return name_find(image_cluster_names(mib->image), index, n);
}

static const void *
service_name_get(struct mib *mib, const uint32_t *index, size_t n)
{
	struct image_node *cluster;

	if (n < 2)
		return NULL;
	cluster = image_list_find(image_clusters(mib->image), index[0]);
	return cluster == NULL ? NULL :
	    name_find(&as_cluster(cluster)->service_names, index + 1, n - 1);
}

static const void *
real_name_get(struct mib *mib, const uint32_t *index, size_t n)
{
	const struct image_service *service;

	if (n < 3)
		return NULL;
	service = service_get(mib, index, 2);
	return service == NULL ? NULL :
	    name_find(&as_service((struct image_node *)(uintptr_t)service)->real_names,
	    index + 2, n - 2);
}

static const void *
cluster_name_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t *ret_index, size_t *ret_n)
{
	struct image_node *node = name_after(image_cluster_names(mib->image), index, n,
	    inclusive);

	if (node != NULL)
		name_index(node, ret_index, 0, ret_n);
	return node;
}

static const void *
service_name_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t *ret_index, size_t *ret_n)
{
	struct image_list *clusters = image_clusters(mib->image);

	for (uint32_t i = n == 0 ? 0 : from(clusters, index[0]); i < clusters->n; i++) {
		struct image_cluster *cluster = as_cluster(clusters->nodes[i]);
		bool same = n > 0 && cluster->node.id == index[0];
		struct image_node *node = name_after(&cluster->service_names, index + 1,
		    same ? n - 1 : 0, inclusive);

		if (node == NULL)
			continue;
		ret_index[0] = cluster->node.id;
		name_index(node, ret_index, 1, ret_n);
		return node;
	}
	return NULL;
}

static const void *
real_name_next(struct mib *mib, const uint32_t *index, size_t n, bool inclusive,
    uint32_t *ret_index, size_t *ret_n)
{
	uint64_t at[LEVELS] = { n > 0 ? index[0] : 0, n > 1 ? index[1] : 0, 0 };
	struct image_service *service;

	while ((service = service_from(mib, at)) != NULL) {
		bool same = n > 1 && service->cluster->node.id == index[0] &&
		    service->node.id == index[1];
		struct image_node *node = name_after(&service->real_names, index + 2,
		    same ? n - 2 : 0, inclusive);

		if (node != NULL) {
			ret_index[0] = service->cluster->node.id;
			ret_index[1] = service->node.id;
			name_index(node, ret_index, 2, ret_n);
			return node;
		}
		at[0] = service->cluster->node.id;
		at[1] = (uint64_t)service->node.id + 1;
	}
	return NULL;
}

const struct mib_rows mib_rows_cluster_name =
    { "cluster", cluster_name_get, cluster_name_next };
const struct mib_rows mib_rows_service_name =
    { "service", service_name_get, service_name_next };
const struct mib_rows mib_rows_real_name =
    { "real service", real_name_get, real_name_next };
