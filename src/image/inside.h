/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The image's inside. Only src/image includes this.
 */
#ifndef IMAGE_INSIDE_H
#define IMAGE_INSIDE_H

#include "image/image.h"
#include "util/idmap.h"

struct image {
	struct image_list	clusters;
	struct image_names	cluster_names;
	struct image_list	jobs;
	struct idmap		cluster_by_id;
	struct idmap		service_by_id;
	struct idmap		real_by_id;
	struct store_cursor	cursor;
	struct store_totals	totals;
	uint64_t		version;	/* of what rows there are */
	uint32_t		stale_after_s;
	uint32_t		reals_stale;
	uint32_t		jobs_active;
	uint32_t		jobs_ahead;	/* image_job.ahead */
	uint32_t		changes_ahead;	/* that these make */
	uint32_t		config_changes;	/* as stored; the totals count those as well */
	uint8_t			generation;	/* of the load under way */
	bool			loading;	/* a full load is not complete yet */
	bool			loaded;		/* one was */
	bool			mourning;	/* some service has dead rows */
	bool			behind;		/* the last refresh came to its limit */
	bool			quiet;		/* changes are not of the world, but of us */
	void			(*event_fn)(void *arg, const struct image_event *event);
	void			*event_arg;
	uint32_t		went_stale, went_fresh;	/* the first one of this round, or 0 */
};

/* What the functions of the store's sink work on. */
struct image_intake {
	struct image	*image;
	int64_t		 now;
};

/* image_real.news */
enum { NEWS_ACTIVE = 1, NEWS_CONFIG = 2 };

/* True if changes are told, not merely found. */
static inline bool
image_telling(const struct image *image)
{
	return image->event_fn != NULL && image->loaded && !image->loading && !image->quiet;
}

/* Texts one after the other in one block, the name first; NULL without memory.
 * ret_at[i] is where text i starts. */
char *image_texts_make(size_t n, const char *const texts[], size_t ret_at[]);

/* Functions of the sink, for rows; 'arg' is a struct image_intake. */
enum err_code image_take_cluster(void *arg, const struct cluster_row *row);
enum err_code image_take_service(void *arg, const struct service_row *row);
enum err_code image_take_real(void *arg, const struct real_row *row);
enum err_code image_take_statistics(void *arg, const struct statistics *row);
enum err_code image_take_look(void *arg, const struct driver_poll *look);
enum err_code image_take_job(void *arg, const struct job_row *row);

/* A row goes, with all that is below it. */
void image_cluster_remove(struct image *image, struct image_cluster *cluster);
void image_service_remove(struct image *image, struct image_service *service);
void image_job_remove(struct image *image, struct image_job *job);
/* Nothing finds it any more; it leaves the lists together with others, before anybody
 * reads them: in image_dead_bury(). */
void image_real_remove(struct image *image, struct image_real *real);
void image_dead_bury(struct image *image);
/* Frees one that stays in its lists, at the end of all. */
void image_cluster_free(struct image *image, struct image_cluster *cluster);

/* After a load from another file, where a number may stand for another row: counts the
 * unfinished jobs of each anew. */
void image_pending_recount(struct image *image);

/* Before a row takes in what is new: notes what managers are to be told of it once its
 * service is derived. The settings of a row that was not there before are none. */
void image_settings_follow(struct image *image, struct image_real *real, uint32_t after);
/* Shows the settings of a row: those of the store, changed by released jobs that the store has
 * as held yet. */
void image_settings_show(struct image *image, struct image_real *real);
void image_active_follow(struct image *image, struct image_real *real,
    const struct statistics *row);
/* True if a job ends with 'row' and managers want to know it: not of one that was undone
 * with its SET before anybody was told of it. */
bool image_job_ends(const struct image_job *job, const struct job_row *row);

/* Tells of a service what is new in it; 'before' is image_service_key() of before. */
void image_service_tell(struct image *image, struct image_service *service, uint32_t before,
    int64_t now);
void image_job_tell(struct image *image, const struct image_job *job);
/* Follows the freshness of a row. */
void image_freshness_follow(struct image *image, struct image_real *real, int64_t now);
/* Tells at the end of a round what many rows may have in common. */
void image_round_tell(struct image *image);

/* What it takes to be a change of these. */
uint32_t image_settings_key(bool enabled, bool fallback, uint16_t weight);
uint32_t image_service_key(const struct image_service *service);

/* Calls fn(service, arg) for all of them, by number within clusters. It removes none. */
void image_services_each(struct image *image,
    void (*fn)(struct image_service *service, void *arg), void *arg);

/* Marks what is to be derived again. */
void image_dirty(struct image_service *service);

/* Makes status and sums again where marked. 'found' is true for states merely
 * found, which are no changes: at the first load. */
void image_derive(struct image *image, int64_t now, bool found);

#endif
