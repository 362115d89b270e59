/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Status and sums of services and clusters, made again from their rows when one
 * of them changed or got stale. Made anew, not added to and subtracted from: a sum
 * that is made anew cannot drift.
 */
#include "image/inside.h"

#include <string.h>

void
image_dirty(struct image_service *service)
{
	service->dirty = true;
	service->cluster->dirty = true;
}

static struct status_real
status_of(const struct image *image, const struct image_real *real, int64_t now)
{
	const struct statistics *statistics = &real->statistics;
	struct status_real status = {
		.enabled = real->enabled, .fallback = real->fallback,
		.active = statistics->active, .weight = real->weight,
		.freshness = status_freshness(statistics->last_update, now,
		    image->stale_after_s),
	};

	/* Statistics without a value of 'active' say nothing about activity. */
	if (!(statistics->present & STAT_PRESENT_ACTIVE))
		status.freshness = FRESHNESS_NEVER;
	if (status.freshness == FRESHNESS_FRESH)
		status.role = statistics->role;
	return status;
}

enum freshness
image_real_freshness(const struct image *image, const struct image_real *real, int64_t now)
{
	return status_freshness(real->statistics.last_update, now, image->stale_after_s);
}

enum oper_status
image_real_status(const struct image *image, const struct image_real *real, int64_t now)
{
	struct status_real status = status_of(image, real, now);

	return status_real(&status, &real->service->sums.tally);
}

/* -- sums --------------------------------------------------------------------------- */

static void
oldest_add(struct image_sums *sums, int64_t update)
{
	if (!sums->any_enabled || update < sums->oldest_update)
		sums->oldest_update = update;
	sums->any_enabled = true;
}

static void
sums_add_real(struct image_sums *sums, const struct image *image, const struct image_real *real,
    int64_t now)
{
	const struct statistics *statistics = &real->statistics;
	struct status_real status = status_of(image, real, now);

	status_tally_add(&sums->tally, &status);
	sums->present |= statistics->present;
	sums->stale += real->enabled && image_real_freshness(image, real, now) != FRESHNESS_FRESH;
	if (real->enabled && !real->fallback)
		sums->weight += real->weight;
	for (int i = 0; i < STAT_TOTAL_CONNECTIONS; i++)
		if (statistics->present & 1u << i &&
		    __builtin_add_overflow(sums->number[i], statistics->number[i],
		    &sums->number[i]))
			sums->number[i] = UINT64_MAX;
	if (real->enabled)
		oldest_add(sums, statistics->last_update);
}

static void
sums_add_sums(struct image_sums *sums, const struct image_sums *more)
{
	sums->tally.reals += more->tally.reals;
	sums->tally.enabled += more->tally.enabled;
	sums->tally.active += more->tally.active;
	sums->present |= more->present;
	for (int i = 0; i < STAT_TOTAL_CONNECTIONS; i++)
		if (__builtin_add_overflow(sums->number[i], more->number[i],
		    &sums->number[i]))
			sums->number[i] = UINT64_MAX;
	if (more->any_enabled)
		oldest_add(sums, more->oldest_update);
}

/* -- services and clusters ------------------------------------------------------------ */

static void
stale_at_add(struct image_service *service, const struct image *image, int64_t last_update,
    int64_t now)
{
	int64_t at;

	/* A time that far ahead never comes. */
	if (__builtin_add_overflow(last_update, (int64_t)image->stale_after_s + 1, &at))
		return;
	if (last_update != 0 && at > now && (service->stale_at == 0 || at < service->stale_at))
		service->stale_at = at;
}

static void
service_derive(struct image *image, struct image_service *service, int64_t now, bool found)
{
	uint32_t stale_before = service->sums.stale;
	uint32_t key_before = image_service_key(service);
	enum lb_status status;
	bool on_fallback;

	memset(&service->sums, 0, sizeof(service->sums));
	service->stale_at = 0;
	service->fallback_id = 0;
	for (uint32_t i = 0; i < service->reals.n; i++) {
		struct image_real *real = (struct image_real *)service->reals.nodes[i];

		image_freshness_follow(image, real, now);
		sums_add_real(&service->sums, image, real, now);
		stale_at_add(service, image, real->statistics.last_update, now);
		if (real->fallback)
			service->fallback_id = real->node.id;
	}
	image->reals_stale += service->sums.stale - stale_before;
	status = status_service(&service->sums.tally);
	on_fallback = status_on_fallback(&service->sums.tally);
	if (service->derived && !found) {
		if (status != service->status)
			service->status_last_change = now;
		if (on_fallback && !service->on_fallback)
			service->fallback_uses++;
	}
	service->status = status;
	service->on_fallback = on_fallback;
	image_service_tell(image, service,
	    service->derived ? key_before : image_service_key(service), now);
	service->derived = true;
	service->dirty = false;
}

static void
cluster_derive(struct image *image, struct image_cluster *cluster, int64_t now, bool found)
{
	enum lb_status status = STATUS_DISABLED;

	memset(&cluster->sums, 0, sizeof(cluster->sums));
	cluster->services_up = 0;
	for (uint32_t i = 0; i < cluster->services.n; i++) {
		struct image_service *service =
		    (struct image_service *)cluster->services.nodes[i];

		if (service->dirty)
			service_derive(image, service, now, found);
		sums_add_sums(&cluster->sums, &service->sums);
		cluster->services_up += service->status == STATUS_UP;
		status = status_cluster_add(status, service->status);
	}
	if (cluster->derived && !found && status != cluster->status)
		cluster->status_last_change = now;
	cluster->status = status;
	cluster->derived = true;
	cluster->dirty = false;
}

void
image_derive(struct image *image, int64_t now, bool found)
{
	for (uint32_t i = 0; i < image->clusters.n; i++) {
		struct image_cluster *cluster =
		    (struct image_cluster *)image->clusters.nodes[i];

		if (cluster->dirty)
			cluster_derive(image, cluster, now, found);
	}
	image_round_tell(image);
}

/* -- time ------------------------------------------------------------------------------ */

static void
old_mark(struct image_service *service, void *now)
{
	if (service->stale_at != 0 && service->stale_at <= *(int64_t *)now)
		image_dirty(service);
}

static void
any_mark(struct image_service *service, void *arg)
{
	(void)arg;
	image_dirty(service);
}

void
image_tick(struct image *image, int64_t now)
{
	if (!image->loaded)
		return;
	image_services_each(image, old_mark, &now);
	image_derive(image, now, false);
}

void
image_stale_after_set(struct image *image, uint32_t seconds, int64_t now)
{
	image->stale_after_s = seconds;
	if (!image->loaded)
		return;
	image_services_each(image, any_mark, NULL);
	image->quiet = true;
	image_derive(image, now, false);
	image->quiet = false;
}
