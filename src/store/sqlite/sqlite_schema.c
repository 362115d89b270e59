/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The schema of the two files, as migrations, and the pragmas of every open. lbcluster-store(5)
 * documents it as a public contract. Any program may write with plain SQL, so constraints and
 * triggers enforce the contract.
 *
 * Each row that other programs read has a column 'changed': the value of the store-wide counter at
 * the last change of the row. Triggers set it. A reader selects the rows above the value that it
 * has read, so its cost depends on the number of changed rows.
 */
#include "store/sqlite/sqlite_private.h"

#include "util/memory.h"

/* Letters, digits, - . _ only. The length of a text ends at a NUL, so it differs from the length of
 * the BLOB. */
#define NAME_RULE(column)                                                      \
	"length(" column ") BETWEEN 1 AND 64"                                  \
	" AND " column " NOT GLOB '*[^A-Za-z0-9._-]*'"                         \
	" AND length(CAST(" column " AS BLOB)) = length(" column ")"
#define NAME_CHECK " CHECK (" NAME_RULE("name") ")"
#define ID " INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id BETWEEN 1 AND 2147483647)"
#define TEXT_CHECK(column, max)                                                \
	" TEXT NOT NULL DEFAULT '' CHECK (length(CAST(" column " AS BLOB)) <= " #max ")"
#define BUMP(more) "UPDATE store SET change = change + 1" more ";\n"
#define STAMP(table)                                                           \
	"UPDATE " table " SET changed = (SELECT change FROM store) WHERE id = NEW.id;\n"
#define TABLE_CHANGE ", table_last_change = unixepoch()"

/* Deletes the oldest rows of table removed, many at a time. A reader that has not read up to
 * removed_oldest reads all rows again. */
#define REMOVED_PRUNE                                                          \
	"CREATE TRIGGER removed_prune AFTER INSERT ON removed\n"               \
	"WHEN (SELECT min(changed) FROM removed) < NEW.changed - 200000 BEGIN\n" \
	"UPDATE store SET removed_oldest = (SELECT max(changed) FROM removed\n" \
	"  WHERE changed < NEW.changed - 195000);\n"                           \
	"DELETE FROM removed WHERE changed < NEW.changed - 195000;\n"          \
	"END;\n"

/* Refuses a job with an invalid name. Each reader of jobs would report that name as damage. */
#define JOB_NAMES(trigger, when, real_rule)                                    \
	"CREATE TRIGGER " trigger " BEFORE " when " ON job\n"                  \
	"WHEN NOT (" NAME_RULE("NEW.cluster_name") "\n  AND "                  \
	NAME_RULE("NEW.service_name") "\n  AND " real_rule ") BEGIN\n"         \
	"SELECT RAISE(ABORT, 'a name has 1 to 64 of A-Z a-z 0-9 - . _');\n"   \
	"END;\n"

/* The columns of table job after "operation", and its end. Migration 8 creates the table again, so
 * both migrations have this text. Never edit it. */
#define JOB_OTHER_COLUMNS                                                      \
	"  state INTEGER NOT NULL DEFAULT 1 CHECK (state BETWEEN 0 AND 6),\n"  \
	"  fail_cause INTEGER NOT NULL DEFAULT 1 CHECK (fail_cause BETWEEN 1 AND 6),\n" \
	"  source INTEGER NOT NULL DEFAULT 1 CHECK (source BETWEEN 1 AND 3),\n" \
	"  old_value INTEGER NOT NULL CHECK (old_value BETWEEN 0 AND 65535),\n" \
	"  new_value INTEGER NOT NULL CHECK (new_value BETWEEN 0 AND 65535),\n" \
	"  request INTEGER NOT NULL DEFAULT 0 CHECK (request BETWEEN 0 AND 2147483647),\n" \
	"  token INTEGER NOT NULL DEFAULT 0,\n"                                \
	"  created INTEGER NOT NULL DEFAULT (unixepoch()),\n"                  \
	"  started INTEGER NOT NULL DEFAULT 0,\n"                              \
	"  finished INTEGER NOT NULL DEFAULT 0,\n"                             \
	"  cluster_name TEXT NOT NULL,\n"                                      \
	"  service_name TEXT NOT NULL,\n"                                      \
	"  real_name TEXT NOT NULL,\n"                                         \
	"  message" TEXT_CHECK("message", 255) ",\n"                           \
	"  changed INTEGER NOT NULL DEFAULT 0\n"                               \
	") STRICT;\n"

/* Indexes and triggers of table job. 'more': names of columns that job_update also watches. */
#define JOB_INDEXES                                                            \
	"CREATE INDEX job_changed ON job (changed);\n"                         \
	"CREATE INDEX job_real ON job (real_id);\n"                            \
	"CREATE INDEX job_open ON job (state, id) WHERE state < 3;\n"
#define JOB_TRIGGERS(more)                                                     \
	"CREATE TRIGGER job_insert AFTER INSERT ON job BEGIN\n"                \
	BUMP(", job_rows = job_rows + 1, jobs_open = jobs_open + (NEW.state < 3),\n" \
	    "  jobs_succeeded = jobs_succeeded + (NEW.state = 3),\n"           \
	    "  jobs_failed = jobs_failed + (NEW.state = 4)")                   \
	STAMP("job")                                                           \
	"UPDATE real_service SET last_job = NEW.id WHERE id = NEW.real_id;\n"  \
	"END;\n"                                                               \
	"CREATE TRIGGER job_update AFTER UPDATE OF " more "real_id, state, fail_cause, request,\n" \
	"  started, finished, message ON job BEGIN\n"                          \
	BUMP(", jobs_open = jobs_open + (NEW.state < 3) - (OLD.state < 3),\n"  \
	    "  jobs_succeeded = jobs_succeeded + (NEW.state = 3 AND OLD.state <> 3),\n" \
	    "  jobs_failed = jobs_failed + (NEW.state = 4 AND OLD.state <> 4)") \
	STAMP("job")                                                           \
	"END;\n"                                                               \
	"CREATE TRIGGER job_ended BEFORE UPDATE OF state ON job\n"             \
	"WHEN OLD.state >= 3 AND NEW.state IS NOT OLD.state\n"                 \
	"BEGIN SELECT RAISE(ABORT, 'the job has ended already'); END;\n"       \
	"CREATE TRIGGER job_delete AFTER DELETE ON job BEGIN\n"                \
	BUMP(", job_rows = job_rows - 1, jobs_open = jobs_open - (OLD.state < 3),\n" \
	    "  jobs_bumped = jobs_bumped + 1")                                 \
	"INSERT INTO removed SELECT change, 4, OLD.id FROM store;\n"           \
	"END;\n"

/* A JSON object, or empty. */
#define PARAMS(table)                                                          \
	"ALTER TABLE " table " ADD COLUMN params" TEXT_CHECK("params", 2000) ";\n" \
	"CREATE TRIGGER " table "_params AFTER UPDATE OF params ON " table "\n" \
	"WHEN OLD.params IS NOT NEW.params BEGIN\n"                            \
	BUMP("")                                                               \
	STAMP(table)                                                           \
	"END;\n"

/* Refuses an UPDATE that changes the id of a row. */
#define ID_STAYS(table, column)                                                \
	"CREATE TRIGGER " table "_stays BEFORE UPDATE OF " column " ON " table "\n" \
	"WHEN OLD." column " IS NOT NEW." column " BEGIN\n"                     \
	"SELECT RAISE(ABORT, '" table "." column ": the id of a row does not change');\n" \
	"END;\n"

/* Gives the name of real service NEW a number in its cluster, unless it has one. No ON CONFLICT,
 * because that of the statement that fires the trigger would replace it. */
#define SERVER_ADD                                                             \
	"INSERT INTO server (cluster_id, name) SELECT s.cluster_id, NEW.name\n" \
	"  FROM service AS s WHERE s.id = NEW.service_id AND NOT EXISTS (\n"   \
	"  SELECT 1 FROM server AS v WHERE v.cluster_id = s.cluster_id AND v.name = NEW.name);\n"
#define SERVER_OF_NEW                                                          \
	"ifnull((SELECT v.id FROM service AS s JOIN server AS v\n"             \
	"  ON v.cluster_id = s.cluster_id AND v.name = NEW.name\n"             \
	"  WHERE s.id = NEW.service_id), 0)\n"
#define SERVER_REMOVE                                                          \
	"DELETE FROM server WHERE id = OLD.server_id AND NOT EXISTS (\n"       \
	"  SELECT 1 FROM real_service WHERE server_id = OLD.server_id);\n"

#define JOB_COLUMNS                                                            \
	"id, real_id, operation, state, fail_cause, source, old_value, new_value, request,\n" \
	"  token, created, started, finished, cluster_name, service_name, real_name, message,\n" \
	"  changed"
#define JOB_REAL_NAME_RULE                                                     \
	"iif(NEW.operation IN (6, 7), NEW.real_name = '', " NAME_RULE("NEW.real_name") ")"

/* Refuses a job whose 'column' names no row of 'table'. */
#define PARENT_NEEDED(trigger, column, table, message)                         \
	"CREATE TRIGGER " trigger " BEFORE INSERT ON job WHEN NEW." column " IS NOT NULL\n" \
	"  AND NOT EXISTS (SELECT 1 FROM " table " WHERE id = NEW." column ")\n" \
	"BEGIN SELECT RAISE(ABORT, '" message "'); END;\n"

/* Cancels the open jobs of a row of 'table' before its removal. Most rows have no jobs. */
#define JOBS_END(trigger, table, column, message)                              \
	"CREATE TRIGGER " trigger " BEFORE DELETE ON " table "\n"              \
	"WHEN EXISTS (SELECT 1 FROM job WHERE " column " = OLD.id) BEGIN\n"    \
	"UPDATE job SET state = 5, finished = unixepoch(), message = '" message "'\n" \
	"  WHERE " column " = OLD.id AND state < 3;\n"                         \
	"UPDATE job SET " column " = NULL WHERE " column " = OLD.id;\n"        \
	"END;\n"

/* Do not reorder, edit or remove an element: existing files were made with it. */
static const char *const main_migrations[] = {
	/* 1 */
	"CREATE TABLE store (\n"
	"  id INTEGER PRIMARY KEY CHECK (id = 1),\n"
	"  birth INTEGER NOT NULL,\n"
	"  change INTEGER NOT NULL DEFAULT 0,\n"
	"  removed_oldest INTEGER NOT NULL DEFAULT 0,\n"
	"  config_changes INTEGER NOT NULL DEFAULT 0,\n"
	"  config_last_change INTEGER NOT NULL DEFAULT 0,\n"
	"  table_last_change INTEGER NOT NULL DEFAULT 0,\n"
	"  job_rows INTEGER NOT NULL DEFAULT 0,\n"
	"  jobs_open INTEGER NOT NULL DEFAULT 0,\n"
	"  jobs_succeeded INTEGER NOT NULL DEFAULT 0,\n"
	"  jobs_failed INTEGER NOT NULL DEFAULT 0,\n"
	"  jobs_bumped INTEGER NOT NULL DEFAULT 0\n"
	") STRICT;\n"
	"INSERT INTO store (id, birth) VALUES (1, random());\n"

	"CREATE TABLE setting (\n"
	"  name TEXT PRIMARY KEY,\n"
	"  value INTEGER NOT NULL\n"
	") STRICT, WITHOUT ROWID;\n"
	"INSERT INTO setting VALUES ('set_lock', 0), ('job_max_rows', 1000);\n"

	"CREATE TABLE cluster (\n"
	"  id" ID ",\n"
	"  name TEXT NOT NULL UNIQUE" NAME_CHECK ",\n"
	"  plane TEXT NOT NULL DEFAULT 'none' CHECK (plane IN ('none', 'haproxy', 'ipvs')),\n"
	"  plane_params TEXT NOT NULL DEFAULT '{}'\n"
	"    CHECK (length(CAST(plane_params AS BLOB)) <= 2000),\n"
	"  plane_status INTEGER NOT NULL DEFAULT 1 CHECK (plane_status BETWEEN 1 AND 4),\n"
	"  plane_message" TEXT_CHECK("plane_message", 255) ",\n"
	"  changed INTEGER NOT NULL DEFAULT 0\n"
	") STRICT;\n"
	"CREATE INDEX cluster_changed ON cluster (changed);\n"

	"CREATE TABLE service (\n"
	"  id" ID ",\n"
	"  cluster_id INTEGER NOT NULL REFERENCES cluster (id) ON DELETE CASCADE,\n"
	"  name TEXT NOT NULL" NAME_CHECK ",\n"
	"  address" TEXT_CHECK("address", 240) ",\n"
	"  port" TEXT_CHECK("port", 8) ",\n"
	"  protocol INTEGER NOT NULL DEFAULT 2 CHECK (protocol BETWEEN 1 AND 4),\n"
	"  changed INTEGER NOT NULL DEFAULT 0,\n"
	"  UNIQUE (cluster_id, name)\n"
	") STRICT;\n"
	"CREATE INDEX service_changed ON service (changed);\n"

	"CREATE TABLE real_service (\n"
	"  id" ID ",\n"
	"  service_id INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,\n"
	"  name TEXT NOT NULL" NAME_CHECK ",\n"
	"  address" TEXT_CHECK("address", 240) ",\n"
	"  port" TEXT_CHECK("port", 8) ",\n"
	"  weight INTEGER NOT NULL DEFAULT 1 CHECK (weight BETWEEN 0 AND 65535),\n"
	"  fallback INTEGER NOT NULL DEFAULT 0 CHECK (fallback IN (0, 1)),\n"
	"  enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),\n"
	"  reason" TEXT_CHECK("reason", 255) ",\n"
	"  last_change INTEGER NOT NULL DEFAULT 0,\n"
	"  last_job INTEGER NOT NULL DEFAULT 0 CHECK (last_job BETWEEN 0 AND 2147483647),\n"
	"  changed INTEGER NOT NULL DEFAULT 0,\n"
	"  UNIQUE (service_id, name)\n"
	") STRICT;\n"
	"CREATE INDEX real_service_changed ON real_service (changed);\n"
	"CREATE UNIQUE INDEX real_service_fallback ON real_service (service_id)\n"
	"  WHERE fallback = 1;\n"

	"CREATE TABLE job (\n"
	"  id" ID ",\n"
	"  real_id INTEGER REFERENCES real_service (id) ON DELETE SET NULL,\n"
	"  operation INTEGER NOT NULL CHECK (operation BETWEEN 1 AND 5),\n"
	JOB_OTHER_COLUMNS
	JOB_INDEXES

	/* Removed rows. kind: 1 cluster, 2 service, 3 real service, 4 job. */
	"CREATE TABLE removed (\n"
	"  changed INTEGER PRIMARY KEY,\n"
	"  kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 4),\n"
	"  id INTEGER NOT NULL\n"
	") STRICT;\n"

	"CREATE TRIGGER cluster_insert AFTER INSERT ON cluster BEGIN\n"
	BUMP(TABLE_CHANGE) STAMP("cluster")
	"END;\n"
	"CREATE TRIGGER cluster_update AFTER UPDATE OF name, plane, plane_params,\n"
	"  plane_status, plane_message ON cluster\n"
	"WHEN OLD.name IS NOT NEW.name OR OLD.plane IS NOT NEW.plane\n"
	"  OR OLD.plane_params IS NOT NEW.plane_params\n"
	"  OR OLD.plane_status IS NOT NEW.plane_status\n"
	"  OR OLD.plane_message IS NOT NEW.plane_message\n"
	"BEGIN\n"
	BUMP(", table_last_change = iif(OLD.name IS NEW.name, table_last_change, unixepoch())")
	STAMP("cluster")
	"END;\n"
	"CREATE TRIGGER cluster_delete AFTER DELETE ON cluster BEGIN\n"
	BUMP(TABLE_CHANGE)
	"INSERT INTO removed SELECT change, 1, OLD.id FROM store;\n"
	"END;\n"

	"CREATE TRIGGER service_insert AFTER INSERT ON service BEGIN\n"
	BUMP(TABLE_CHANGE) STAMP("service")
	"END;\n"
	"CREATE TRIGGER service_update AFTER UPDATE OF name, address, port, protocol\n"
	"  ON service\n"
	"WHEN OLD.name IS NOT NEW.name OR OLD.address IS NOT NEW.address\n"
	"  OR OLD.port IS NOT NEW.port OR OLD.protocol IS NOT NEW.protocol\n"
	"BEGIN\n"
	BUMP(", table_last_change = iif(OLD.name IS NEW.name, table_last_change, unixepoch())")
	STAMP("service")
	"END;\n"
	"CREATE TRIGGER service_stays BEFORE UPDATE OF id, cluster_id ON service\n"
	"WHEN OLD.id IS NOT NEW.id OR OLD.cluster_id IS NOT NEW.cluster_id\n"
	"BEGIN SELECT RAISE(ABORT, 'a service does not move: remove it and add it'); END;\n"
	"CREATE TRIGGER service_delete AFTER DELETE ON service BEGIN\n"
	BUMP(TABLE_CHANGE)
	"INSERT INTO removed SELECT change, 2, OLD.id FROM store;\n"
	"END;\n"

	"CREATE TRIGGER real_service_insert AFTER INSERT ON real_service BEGIN\n"
	BUMP(TABLE_CHANGE) STAMP("real_service")
	"END;\n"
	"CREATE TRIGGER real_service_update AFTER UPDATE OF name, address, port, reason,\n"
	"  last_job ON real_service\n"
	"WHEN OLD.name IS NOT NEW.name OR OLD.address IS NOT NEW.address\n"
	"  OR OLD.port IS NOT NEW.port OR OLD.reason IS NOT NEW.reason\n"
	"  OR OLD.last_job IS NOT NEW.last_job\n"
	"BEGIN\n"
	BUMP(", table_last_change = iif(OLD.name IS NEW.name, table_last_change, unixepoch())")
	STAMP("real_service")
	"END;\n"
	"CREATE TRIGGER real_service_setting AFTER UPDATE OF weight, fallback, enabled\n"
	"  ON real_service\n"
	"WHEN OLD.weight IS NOT NEW.weight OR OLD.fallback IS NOT NEW.fallback\n"
	"  OR OLD.enabled IS NOT NEW.enabled\n"
	"BEGIN\n"
	BUMP(", config_changes = config_changes + (OLD.weight IS NOT NEW.weight)\n"
	    "  + (OLD.fallback IS NOT NEW.fallback) + (OLD.enabled IS NOT NEW.enabled),\n"
	    "  config_last_change = unixepoch()")
	"UPDATE real_service SET changed = (SELECT change FROM store),\n"
	"  last_change = unixepoch() WHERE id = NEW.id;\n"
	"END;\n"
	"CREATE TRIGGER real_service_stays BEFORE UPDATE OF id, service_id ON real_service\n"
	"WHEN OLD.id IS NOT NEW.id OR OLD.service_id IS NOT NEW.service_id\n"
	"BEGIN\n"
	"SELECT RAISE(ABORT, 'a real service does not move: remove it and add it');\n"
	"END;\n"
	"CREATE TRIGGER real_service_jobs BEFORE DELETE ON real_service BEGIN\n"
	"UPDATE job SET state = 5, finished = unixepoch(), message = 'real service removed'\n"
	"  WHERE real_id = OLD.id AND state < 3;\n"
	"UPDATE job SET real_id = NULL WHERE real_id = OLD.id;\n"
	"END;\n"
	"CREATE TRIGGER real_service_delete AFTER DELETE ON real_service BEGIN\n"
	BUMP(TABLE_CHANGE)
	"INSERT INTO removed SELECT change, 3, OLD.id FROM store;\n"
	"END;\n"

	JOB_TRIGGERS(""),

	/* 2: the removal of a row removes the rows below it, and a new row needs its parent, also
	 * if a program leaves foreign keys off, as sqlite3(1) does. Old rows of table removed are
	 * deleted. */
	"CREATE TRIGGER cluster_children BEFORE DELETE ON cluster BEGIN\n"
	"DELETE FROM service WHERE cluster_id = OLD.id;\n"
	"END;\n"
	"CREATE TRIGGER service_children BEFORE DELETE ON service BEGIN\n"
	"DELETE FROM real_service WHERE service_id = OLD.id;\n"
	"END;\n"
	"CREATE TRIGGER service_parent BEFORE INSERT ON service\n"
	"WHEN NOT EXISTS (SELECT 1 FROM cluster WHERE id = NEW.cluster_id)\n"
	"BEGIN SELECT RAISE(ABORT, 'no such cluster'); END;\n"
	"CREATE TRIGGER real_service_parent BEFORE INSERT ON real_service\n"
	"WHEN NOT EXISTS (SELECT 1 FROM service WHERE id = NEW.service_id)\n"
	"BEGIN SELECT RAISE(ABORT, 'no such service'); END;\n"
	PARENT_NEEDED("job_parent", "real_id", "real_service", "no such real service")

	/* Most rows have no jobs. The WHEN clause halves the time of their removal. */
	"DROP TRIGGER real_service_jobs;\n"
	JOBS_END("real_service_jobs", "real_service", "real_id", "real service removed")
	REMOVED_PRUNE,

	/* 3: triggers, because SQLite cannot add a constraint to an existing table. */
	JOB_NAMES("job_names", "INSERT", NAME_RULE("NEW.real_name"))
	JOB_NAMES("job_renamed", "UPDATE OF cluster_name, service_name, real_name",
	    NAME_RULE("NEW.real_name")),

	/* 4: a held job has not changed its row yet. A held job of an older version has changed it.
	 * This migration releases those jobs, as the older lbclusterd did at its start. */
	"UPDATE job SET state = 3, started = unixepoch(), finished = unixepoch(),\n"
	"  message = 'recorded: the cluster has no data plane'\n"
	"  WHERE state = 0 AND real_id IN (SELECT r.id FROM real_service AS r\n"
	"  JOIN service AS s ON s.id = r.service_id JOIN cluster AS c ON c.id = s.cluster_id\n"
	"  WHERE c.plane = 'none');\n"
	"UPDATE job SET state = 6, finished = unixepoch(), message = 'a later job came first'\n"
	"  WHERE state IN (0, 1) AND EXISTS (SELECT 1 FROM job AS later\n"
	"  WHERE later.real_id = job.real_id AND later.id > job.id AND later.state NOT IN (4, 5)\n"
	"  AND (later.operation + 1) / 2 = (job.operation + 1) / 2);\n"
	"UPDATE job SET state = 1 WHERE state = 0;\n"
	"DELETE FROM setting WHERE name IN ('set_lock_token', 'notify_enable_token');\n"
	"CREATE TABLE held_setting (\n"
	"  token INTEGER NOT NULL,\n"
	"  name TEXT NOT NULL,\n"
	"  value INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE INDEX job_held ON job (real_id) WHERE state = 0;\n",

	/* 5: parameters of services and real services. They have triggers of their own, because the
	 * triggers of migration 1 do not name the column. */
	PARAMS("service")
	PARAMS("real_service"),

	/* 6: the id of a cluster and of a job never changes. Readers know a row by its id. */
	ID_STAYS("cluster", "id")
	ID_STAYS("job", "id"),

	/* 7: a server is a name of real services of a cluster. Triggers give each name a number,
	 * and remove the name with its last real service. */
	"CREATE TABLE server (\n"
	"  id" ID ",\n"
	"  cluster_id INTEGER NOT NULL,\n"
	"  name TEXT NOT NULL" NAME_CHECK ",\n"
	"  UNIQUE (cluster_id, name)\n"
	") STRICT;\n"
	"INSERT INTO server (cluster_id, name) SELECT s.cluster_id, r.name\n"
	"  FROM real_service AS r JOIN service AS s ON s.id = r.service_id\n"
	"  GROUP BY s.cluster_id, r.name ORDER BY min(r.id);\n"
	"ALTER TABLE real_service ADD COLUMN server_id INTEGER NOT NULL DEFAULT 0\n"
	"  CHECK (server_id BETWEEN 0 AND 2147483647);\n"
	"UPDATE real_service SET server_id = ifnull((SELECT v.id FROM service AS s\n"
	"  JOIN server AS v ON v.cluster_id = s.cluster_id AND v.name = real_service.name\n"
	"  WHERE s.id = real_service.service_id), 0);\n"
	"CREATE INDEX real_service_server ON real_service (server_id);\n"
	"DROP TRIGGER real_service_insert;\n"
	"CREATE TRIGGER real_service_insert AFTER INSERT ON real_service BEGIN\n"
	BUMP(TABLE_CHANGE)
	SERVER_ADD
	"UPDATE real_service SET changed = (SELECT change FROM store),\n"
	"  server_id = " SERVER_OF_NEW "  WHERE id = NEW.id;\n"
	"END;\n"
	"CREATE TRIGGER real_service_renamed AFTER UPDATE OF name ON real_service\n"
	"WHEN OLD.name IS NOT NEW.name BEGIN\n"
	SERVER_ADD
	"UPDATE real_service SET server_id = " SERVER_OF_NEW "  WHERE id = NEW.id;\n"
	SERVER_REMOVE
	"END;\n"
	"CREATE TRIGGER real_service_last AFTER DELETE ON real_service BEGIN\n"
	SERVER_REMOVE
	"END;\n"
	"CREATE TRIGGER server_stays BEFORE UPDATE ON server BEGIN\n"
	"SELECT RAISE(ABORT, 'a server does not change: rename its real services');\n"
	"END;\n",

	/* 8: a service is enabled or disabled as a whole. */
	"ALTER TABLE service ADD COLUMN enabled INTEGER NOT NULL DEFAULT 1\n"
	"  CHECK (enabled IN (0, 1));\n"
	"CREATE TRIGGER service_setting AFTER UPDATE OF enabled ON service\n"
	"WHEN OLD.enabled IS NOT NEW.enabled BEGIN\n"
	BUMP(", config_changes = config_changes + 1, config_last_change = unixepoch()")
	STAMP("service")
	"END;\n"

	/* SQLite cannot change a CHECK, so the jobs move to a new table. The trigger that names the
	 * old table comes back after the new table has its name. */
	"DROP TRIGGER real_service_jobs;\n"
	"CREATE TABLE job_new (\n"
	"  id" ID ",\n"
	"  real_id INTEGER REFERENCES real_service (id) ON DELETE SET NULL\n"
	"    CHECK (real_id IS NULL OR operation BETWEEN 1 AND 5),\n"
	"  service_id INTEGER REFERENCES service (id) ON DELETE SET NULL\n"
	"    CHECK (service_id IS NULL OR operation IN (6, 7)),\n"
	"  operation INTEGER NOT NULL CHECK (operation BETWEEN 1 AND 7),\n"
	JOB_OTHER_COLUMNS
	"INSERT INTO job_new (" JOB_COLUMNS ") SELECT " JOB_COLUMNS " FROM job;\n"
	"DELETE FROM sqlite_sequence WHERE name = 'job_new';\n"
	"INSERT INTO sqlite_sequence (name, seq)\n"
	"  SELECT 'job_new', seq FROM sqlite_sequence WHERE name = 'job';\n"
	"DROP TABLE job;\n"
	"ALTER TABLE job_new RENAME TO job;\n"
	JOB_INDEXES
	"CREATE INDEX job_held ON job (real_id) WHERE state = 0;\n"
	"CREATE INDEX job_service ON job (service_id) WHERE service_id IS NOT NULL;\n"
	JOB_TRIGGERS("service_id, ")
	PARENT_NEEDED("job_parent", "real_id", "real_service", "no such real service")
	PARENT_NEEDED("job_service_parent", "service_id", "service", "no such service")
	JOB_NAMES("job_names", "INSERT", JOB_REAL_NAME_RULE)
	JOB_NAMES("job_renamed", "UPDATE OF cluster_name, service_name, real_name, operation",
	    JOB_REAL_NAME_RULE)
	ID_STAYS("job", "id")
	JOBS_END("real_service_jobs", "real_service", "real_id", "real service removed")
	JOBS_END("service_jobs", "service", "service_id", "service removed"),

	/* 9: no program moves a real service to another server, or removes a server that has one.
	 * Readers would not see it. */
	"CREATE TRIGGER real_service_server BEFORE UPDATE OF server_id ON real_service\n"
	"WHEN NEW.server_id IS NOT OLD.server_id AND NEW.server_id IS NOT " SERVER_OF_NEW
	"BEGIN SELECT RAISE(ABORT, 'real_service.server_id: triggers set it'); END;\n"
	"CREATE TRIGGER server_needed BEFORE DELETE ON server\n"
	"WHEN EXISTS (SELECT 1 FROM real_service WHERE server_id = OLD.id)\n"
	"BEGIN SELECT RAISE(ABORT, 'a server has real services: remove those'); END;\n",

	/* 10: the user who made the change of a job. */
	"ALTER TABLE job ADD COLUMN origin" TEXT_CHECK("origin", 255) ";\n",

	/* 11: the instance of lbclusterd whose SET it is. Only PostgreSQL has several. */
	"ALTER TABLE job ADD COLUMN owner" TEXT_CHECK("owner", 64) ";\n"
	"ALTER TABLE held_setting ADD COLUMN owner" TEXT_CHECK("owner", 64) ";\n"
	"ALTER TABLE held_setting ADD COLUMN created INTEGER NOT NULL DEFAULT 0;\n",
};

#define LOOK_STAMP                                                             \
	"UPDATE look SET changed = (SELECT change FROM store)\n"               \
	"  WHERE cluster_id = NEW.cluster_id;\n"

#define COUNT(column) "  " column " INTEGER CHECK (" column " >= 0),\n"
#define COUNT_ADD(column)                                                      \
	"ALTER TABLE statistics ADD COLUMN " column " INTEGER CHECK (" column " >= 0);\n"

#define STATS_STAMP(table, id)                                                 \
	"UPDATE " table " SET changed = (SELECT change FROM store) WHERE " id " = NEW." id ";\n"
#define SERVICE_NUMBERS                                                        \
	"total_connections, total_packets_in, total_packets_out, total_octets_in,\n" \
	"  total_octets_out, connection_errors, response_errors, requests, http_4xx, http_5xx,\n" \
	"  queued_connections, response_time_ms"

static const char *const stats_migrations[] = {
	/* 1 */
	"CREATE TABLE store (\n"
	"  id INTEGER PRIMARY KEY CHECK (id = 1),\n"
	"  birth INTEGER NOT NULL,\n"
	"  change INTEGER NOT NULL DEFAULT 0\n"
	") STRICT;\n"
	"INSERT INTO store (id, birth) VALUES (1, random());\n"

	/* NULL: not measured. */
	"CREATE TABLE statistics (\n"
	"  real_id INTEGER PRIMARY KEY CHECK (real_id BETWEEN 1 AND 2147483647),\n"
	"  active INTEGER CHECK (active IN (0, 1)),\n"
	COUNT("active_connections")
	COUNT("inactive_connections")
	COUNT("persistent_connections")
	COUNT("connections_per_second")
	COUNT("bps_in")
	COUNT("bps_out")
	COUNT("pps_in")
	COUNT("pps_out")
	"  last_update INTEGER NOT NULL DEFAULT (unixepoch()) CHECK (last_update >= 0),\n"
	COUNT("total_connections")
	COUNT("total_packets_in")
	COUNT("total_packets_out")
	COUNT("total_octets_in")
	COUNT("total_octets_out")
	"  counters_since INTEGER NOT NULL DEFAULT 0 CHECK (counters_since >= 0),\n"
	"  changed INTEGER NOT NULL DEFAULT 0\n"
	") STRICT;\n"
	"CREATE INDEX statistics_changed ON statistics (changed);\n"
	"CREATE TABLE removed (\n"
	"  changed INTEGER PRIMARY KEY,\n"
	"  id INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE TRIGGER statistics_insert AFTER INSERT ON statistics BEGIN\n"
	BUMP("")
	"UPDATE statistics SET changed = (SELECT change FROM store)\n"
	"  WHERE real_id = NEW.real_id;\n"
	"END;\n"
	"CREATE TRIGGER statistics_update AFTER UPDATE OF real_id, active,\n"
	"  active_connections, inactive_connections, persistent_connections,\n"
	"  connections_per_second, bps_in, bps_out, pps_in, pps_out, last_update,\n"
	"  total_connections, total_packets_in, total_packets_out, total_octets_in,\n"
	"  total_octets_out, counters_since ON statistics BEGIN\n"
	BUMP("")
	"UPDATE statistics SET changed = (SELECT change FROM store)\n"
	"  WHERE real_id = NEW.real_id;\n"
	"END;\n"
	"CREATE TRIGGER statistics_delete AFTER DELETE ON statistics BEGIN\n"
	BUMP("")
	"INSERT INTO removed SELECT change, OLD.real_id FROM store;\n"
	"END;\n",

	/* 2 */
	"ALTER TABLE store ADD COLUMN removed_oldest INTEGER NOT NULL DEFAULT 0;\n"
	REMOVED_PRUNE,

	/* 3: the role of a real service in the data plane. It has a trigger of its own, because the
	 * trigger of migration 1 does not name the column. */
	"ALTER TABLE statistics ADD COLUMN role INTEGER NOT NULL DEFAULT 0"
	"  CHECK (role IN (0, 1, 2));\n"
	"CREATE TRIGGER statistics_role AFTER UPDATE OF role ON statistics\n"
	"WHEN NEW.role <> OLD.role BEGIN\n"
	BUMP("")
	"UPDATE statistics SET changed = (SELECT change FROM store)\n"
	"  WHERE real_id = NEW.real_id;\n"
	"END;\n",

	/* 4: table look has the latest poll of the data plane of a cluster by a driver. */
	"CREATE TABLE look (\n"
	"  cluster_id INTEGER PRIMARY KEY CHECK (cluster_id BETWEEN 1 AND 2147483647),\n"
	"  time INTEGER NOT NULL DEFAULT (unixepoch())\n"
	"    CHECK (time BETWEEN 0 AND 253402300799),\n"
	"  interval_ms INTEGER NOT NULL CHECK (interval_ms BETWEEN 1 AND 86400000),\n"
	"  changed INTEGER NOT NULL DEFAULT 0\n"
	") STRICT;\n"
	"CREATE INDEX look_changed ON look (changed);\n"
	"CREATE TRIGGER look_insert AFTER INSERT ON look BEGIN\n"
	BUMP("")
	LOOK_STAMP
	"END;\n"
	"CREATE TRIGGER look_update AFTER UPDATE OF cluster_id, time, interval_ms ON look BEGIN\n"
	BUMP("")
	LOOK_STAMP
	"END;\n",

	/* 5: an UPDATE of the number of a row removes the row of the old number. */
	"CREATE TRIGGER statistics_moved AFTER UPDATE OF real_id ON statistics\n"
	"WHEN NEW.real_id <> OLD.real_id BEGIN\n"
	BUMP("")
	"INSERT INTO removed SELECT change, OLD.real_id FROM store;\n"
	"END;\n",

	/* 6: the poll of a cluster stays with this cluster. */
	ID_STAYS("look", "cluster_id"),

	/* 7: more numbers of a real service. One trigger has all columns, because each trigger that
	 * an UPDATE fires costs time. Services get statistics: the data plane counts what its
	 * clients got, also if no real service served them. NULL: not measured. */
	COUNT_ADD("connection_errors") COUNT_ADD("response_errors") COUNT_ADD("requests")
	COUNT_ADD("http_4xx") COUNT_ADD("http_5xx") COUNT_ADD("check_failures")
	COUNT_ADD("connection_limit") COUNT_ADD("queued_connections") COUNT_ADD("response_time_ms")
	COUNT_ADD("connect_time_ms") COUNT_ADD("queue_time_ms") COUNT_ADD("check_code")
	COUNT_ADD("check_duration_ms")
	"DROP TRIGGER statistics_update;\n"
	"DROP TRIGGER statistics_role;\n"
	"CREATE TRIGGER statistics_update AFTER UPDATE OF real_id, active, role,\n"
	"  active_connections, inactive_connections, persistent_connections,\n"
	"  connections_per_second, bps_in, bps_out, pps_in, pps_out, last_update,\n"
	"  counters_since, check_failures, connection_limit, connect_time_ms, queue_time_ms,\n"
	"  check_code, check_duration_ms, " SERVICE_NUMBERS " ON statistics BEGIN\n"
	BUMP("") STATS_STAMP("statistics", "real_id")
	"END;\n"
	"CREATE TABLE service_statistics (\n"
	"  service_id INTEGER PRIMARY KEY CHECK (service_id BETWEEN 1 AND 2147483647),\n"
	"  algorithm" TEXT_CHECK("algorithm", 32) ",\n"
	"  last_update INTEGER NOT NULL DEFAULT (unixepoch()) CHECK (last_update >= 0),\n"
	"  counters_since INTEGER NOT NULL DEFAULT 0 CHECK (counters_since >= 0),\n"
	COUNT("total_connections") COUNT("total_packets_in") COUNT("total_packets_out")
	COUNT("total_octets_in") COUNT("total_octets_out") COUNT("connection_errors")
	COUNT("response_errors") COUNT("requests") COUNT("http_4xx") COUNT("http_5xx")
	COUNT("queued_connections") COUNT("response_time_ms")
	"  changed INTEGER NOT NULL DEFAULT 0\n"
	") STRICT;\n"
	"CREATE INDEX service_statistics_changed ON service_statistics (changed);\n"
	"CREATE TRIGGER service_statistics_insert AFTER INSERT ON service_statistics BEGIN\n"
	BUMP("") STATS_STAMP("service_statistics", "service_id")
	"END;\n"
	"CREATE TRIGGER service_statistics_update AFTER UPDATE OF algorithm, last_update,\n"
	"  counters_since, " SERVICE_NUMBERS " ON service_statistics BEGIN\n"
	BUMP("") STATS_STAMP("service_statistics", "service_id")
	"END;\n"
	ID_STAYS("service_statistics", "service_id")

	/* kind: 5 statistics of a real service, 6 of a service. */
	"ALTER TABLE removed ADD COLUMN kind INTEGER NOT NULL DEFAULT 5 CHECK (kind IN (5, 6));\n"
	"CREATE TRIGGER service_statistics_delete AFTER DELETE ON service_statistics BEGIN\n"
	BUMP("")
	"INSERT INTO removed (changed, id, kind) SELECT change, OLD.service_id, 6 FROM store;\n"
	"END;\n"
	/* The old triggers insert two values, which SQLite refuses with a third column. */
	"DROP TRIGGER statistics_delete;\n"
	"CREATE TRIGGER statistics_delete AFTER DELETE ON statistics BEGIN\n"
	BUMP("")
	"INSERT INTO removed (changed, id) SELECT change, OLD.real_id FROM store;\n"
	"END;\n"
	"DROP TRIGGER statistics_moved;\n"
	"CREATE TRIGGER statistics_moved AFTER UPDATE OF real_id ON statistics\n"
	"WHEN NEW.real_id <> OLD.real_id BEGIN\n"
	BUMP("")
	"INSERT INTO removed (changed, id) SELECT change, OLD.real_id FROM store;\n"
	"END;\n",
};

/* TRUNCATE and FULL lose no acknowledged commit in simulated power cuts; WAL is
 * not used here because SQLite before 3.51.3 may lose a commit when two
 * connections meet in a checkpoint (sqlite.org/wal.html#walresetbug). */
static const char *const main_pragmas[] = {
	"PRAGMA journal_mode = TRUNCATE",
	"PRAGMA synchronous = FULL",
	/* A large transaction must not lock readers out before its commit. */
	"PRAGMA cache_spill = OFF",
	NULL,
};

/* Statistics are measured again within seconds. So readers and writers must not wait for each
 * other, and a power cut may lose the latest statistics. */
static const char *const stats_pragmas[] = {
	"PRAGMA journal_mode = WAL",
	"PRAGMA synchronous = NORMAL",
	/* The log grows as long as a reader has an old snapshot open. The limit is twice its usual
	 * size. */
	"PRAGMA journal_size_limit = 8388608",
	NULL,
};

/* All tables and columns that the program uses. */
static const unsigned int main_needed[] = {
	SQL_OF_ROWS(ROW_NEEDED, SHAPE_CLUSTER), SQL_OF_ROWS(ROW_NEEDED, SHAPE_SERVICE),
	SQL_OF_ROWS(ROW_NEEDED, SHAPE_REAL), SQL_OF_ROWS(ROW_NEEDED, SHAPE_JOB),
	SQL_OF_ROWS(ROW_NEEDED, SHAPE_REMOVED), SQL_TOTALS, SQL_NEEDED,
};

static const unsigned int stats_needed[] = {
	SQL_OF_ROWS(ROW_NEEDED, SHAPE_STATISTICS), SQL_OF_ROWS(ROW_NEEDED, SHAPE_POLL),
	SQL_OF_ROWS(ROW_NEEDED, SHAPE_REMOVED_STATISTICS),
	SQL_OF_ROWS(ROW_NEEDED, SHAPE_SERVICE_STATISTICS), SQL_EXTENT, SQL_BIRTH,
};

const char *const sqlite_tails[DB_TAILS] = {
	[DB_TAIL_JOURNAL] = "-journal", [DB_TAIL_WAL] = "-wal", [DB_TAIL_SHM] = "-shm",
};

const struct sqlite_kind sqlite_main_kind = {
	.file = "lbcluster.db",
	.application_id = 0x6c626331,	/* "lbc1" */
	.migrations = main_migrations,
	.n_migrations = ROWS(main_migrations),
	.pragmas = main_pragmas,
	.needed = main_needed,
	.n_needed = ROWS(main_needed),
};

const struct sqlite_kind sqlite_stats_kind = {
	.file = "lbcluster-stats.db",
	.application_id = 0x6c627331,	/* "lbs1" */
	.migrations = stats_migrations,
	.n_migrations = ROWS(stats_migrations),
	.pragmas = stats_pragmas,
	.needed = stats_needed,
	.n_needed = ROWS(stats_needed),
};
