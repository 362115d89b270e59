/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Whole files while the power may go: made, loaded, migrated; see works.h.
 */
#include "works.h"

#include "unit/store_fixture.h"
#include "unit/ctl_fixture.h"

#include <stdio.h>
#include <sys/stat.h>

#include "store/store_private.h"

/* -- lbclusterctl ---------------------------------------------------------- */

void
works_ctl(struct scene *scene, const char *command, const char *operand,
    const char *operand2)
{
	struct ctl_fixture world = { .out = NULL };

	snprintf(world.dir, sizeof(world.dir), "%.*s", (int)sizeof(world.dir) - 1, scene->dir);
	scene_begin(scene);
	if (run(&world, command, operand, operand2, NULL) != CTL_OK)
		fail_msg("%s: %s", command, world.err);
	scene_done(scene);
	output_clear(&world);
}

/* With a file, which lies beside the disk that is recorded. */
static void
ctl_with(struct scene *scene, const char *command, const char *text, const char *option)
{
	struct ctl_fixture world = { .out = NULL };
	char path[128];

	snprintf(world.dir, sizeof(world.dir), "%.*s/..", (int)sizeof(world.dir) - 4,
	    scene->root);
	file_write(&world, "input", text, path);
	works_ctl(scene, command, path, option);
}

static const char first[] =
    "cluster web {\n"
    "    service http {\n"
    "        address = 192.0.2.10  port = 80\n"
    "        real web-1 { address = 10.0.0.1  weight = 10 }\n"
    "        real web-2 { address = 10.0.0.2  weight = 20 }\n"
    "        real sorry { address = 10.0.0.9  fallback = yes }\n"
    "    }\n"
    "}\n";

void
works_create(struct scene *scene)
{
	scene_begin(scene);
	scene_open(scene);
	scene_done(scene);
	ctl_with(scene, "load", first, NULL);
	scene_promise(scene, "SELECT count(*) = 3 FROM real_service");
	works_ctl(scene, "set-weight", "web/http/web-1", "11");
	scene_promise(scene, "SELECT weight = 11 FROM real_service WHERE name = 'web-1'");
	works_ctl(scene, "disable", "web/http/web-2", NULL);
	scene_promise(scene, "SELECT NOT enabled FROM real_service WHERE name = 'web-2'");
	scene_close(scene);
}

/* Names the clusters of works_fill(): rows added, changed and removed, settings put
 * back, a fallback that moves. */
static const char second[] =
    "cluster plain {\n"
    "    service http {\n"
    "        address = 192.0.2.10  port = 80\n"
    "        real r1 { address = 10.0.1.1  weight = 5 }\n"
    "        real r2 { address = 10.0.1.2  enabled = no }\n"
    "        real r7 { address = 10.0.1.7  fallback = yes }\n"
    "    }\n"
    "    service more { real a { address = 10.0.2.1 } real b { address = 10.0.2.2 } }\n"
    "}\n"
    "cluster proxy {\n"
    "    plane = haproxy  socket = /run/x\n"
    "    service http { real r8 { address = 10.0.1.8  weight = 80 } }\n"
    "}\n";

static const char measured[] =
    "{\"path\": \"plain/http/r1\", \"active\": true, \"active_connections\": 7}\n"
    "{\"path\": \"proxy/http/r8\", \"active\": false, \"bps_in\": 12345}\n";

void
works_load(struct scene *scene)
{
	scene_open(scene);
	ctl_with(scene, "load", first, NULL);
	/* Taken out again by a load that brings something else. */
	scene_promise(scene, "SELECT EXISTS (SELECT 1 FROM cluster WHERE name = 'web')"
	    " OR EXISTS (SELECT 1 FROM service WHERE name = 'more')");
	ctl_with(scene, "import-statistics", measured, NULL);
	works_ctl(scene, "remove", "proxy/http/r9", NULL);
	/* Rows removed, added, changed, and their settings, all in one. */
	ctl_with(scene, "load", second, "-pR");
	scene_promise(scene, "SELECT group_concat(weight || fallback || enabled) ="
	    " '101,101,501,100,111,8001' FROM (SELECT * FROM real_service ORDER BY name)");
	ctl_with(scene, "import-statistics", measured, NULL);
	scene_close(scene);
}

/* -- migrations ------------------------------------------------------------ */

static const struct db_kind *
kind_of(const struct migration *migration)
{
	return migration->statistics ? &db_stats_kind : &db_main_kind;
}

static const char *
path_of(const struct scene *scene, const struct migration *migration)
{
	return migration->statistics ? scene->stats_path : scene->main_path;
}

/* As the program of that time knew it. */
static struct db_kind
kind_at(const struct db_kind *kind, size_t version)
{
	struct db_kind old = *kind;

	old.n_migrations = version;
	/* The query names the tables of the newest version. */
	if (version < kind->n_migrations)
		old.needs = "SELECT 1";
	return old;
}

bool
migration_exists(const struct migration *migration)
{
	return migration->version + 1 <= kind_of(migration)->n_migrations;
}

static void
make(struct scene *scene, const char *path, const struct db_kind *kind, const char *sql)
{
	if (db_create(kind, path, &scene->err) != ERR_OK)
		fail_msg("%s", scene->err.text);
	sql_exec(path, sql);
}

/* In columns that were there from the first version on. */
void
migration_before(struct scene *scene, const struct migration *migration)
{
	struct db_kind main = kind_at(&db_main_kind, migration->statistics ?
	    db_main_kind.n_migrations : migration->version);
	struct db_kind stats = kind_at(&db_stats_kind, migration->statistics ?
	    migration->version : db_stats_kind.n_migrations);

	assert_int_equal(mkdir(scene->dir, 0770), 0);
	make(scene, scene->main_path, &main, WORKS_FILLED "INSERT INTO job (real_id, operation,"
	    " state, old_value, new_value, cluster_name, service_name, real_name)"
	    " VALUES (1, 5, 1, 1, 2, 'plain', 'http', 'r1'),"
	    " (1, 5, 3, 1, 2, 'plain', 'http', 'r1')");
	make(scene, scene->stats_path, &stats, "PRAGMA journal_mode = WAL;"
	    WORKS_FILLED_STATISTICS);
	scene->migrates = true;
	scene_promise(scene, "SELECT (SELECT count(*) FROM real_service) = 12 AND"
	    " (SELECT count(*) FROM service) = 2 AND (SELECT count(*) FROM cluster) = 2"
	    " AND (SELECT count(*) FROM job) >= 2");
}

void
migration_run(struct scene *scene, const struct migration *migration)
{
	struct db_kind next = kind_at(kind_of(migration), migration->version + 1);
	struct db db = { .kind = &next, .verify = true };

	db.path = (char *)(uintptr_t)path_of(scene, migration);
	scene_begin(scene);
	if (db_open(&db, true, WAIT_MS, &scene->err) != ERR_OK)
		fail_msg("%s", scene->err.text);
	scene_done(scene);
	db_close(&db);
}
