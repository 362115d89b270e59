/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The two schemas of a PostgreSQL store, as migrations. They have the tables, columns and rules of
 * the newest SQLite schema, which lbcluster-store(5) documents, so both engines run the same SQL.
 *
 * The column 'changed' of a row is a number of sequence "change". A reader that has read up to a
 * number must never miss a lower one. So all writers go one after the other: each locks the row of
 * store_row before it takes a number, and holds the lock until its transaction ends. Programs of
 * lbcluster lock it with a statement of its own. Triggers lock it for all others.
 *
 * Rows of tally are differences, and view store has their sums: a row that each change updates
 * would make large transactions slow, because PostgreSQL keeps all its versions. tally_fold() makes
 * one row of many.
 *
 * Functions of triggers are SECURITY DEFINER, because they write tables that a role may not write.
 */
#include "store/postgres/postgres_private.h"

#include "util/memory.h"

#define MAIN "lbcluster"
#define STATS "lbcluster_statistics"

/* -- what both schemas have -------------------------------------------------------------- */

/* A regular expression: letters, digits, - . _ only. */
#define NAME_RULE(column) column " ~ '^[A-Za-z0-9._-]{1,64}$'"
#define NAME_TYPE " text COLLATE \"C\" NOT NULL"
#define NAME_COLUMN "  name" NAME_TYPE " CHECK (" NAME_RULE("name") "),\n"
#define ID_COLUMN "  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
#define CHANGED_COLUMN "  changed bigint NOT NULL DEFAULT 0"
#define TEXT_CHECK(column, max)                                                \
	" text NOT NULL DEFAULT '' CHECK (octet_length(" column ") <= " #max ")"
#define BOOLEAN(column, value)                                                 \
	"  " column " smallint NOT NULL DEFAULT " value " CHECK (" column " IN (0, 1)),\n"

#define REFUSE(message)                                                        \
	"RAISE EXCEPTION '" message "' USING ERRCODE = 'check_violation';\n"
#define NOTIFY(schema) "PERFORM pg_notify('" schema "', '');\n"
#define DIFFERS(column) "OLD." column " IS DISTINCT FROM NEW." column

/*
 * pg_temp is last, so that no temporary table of the caller takes the place of a table.
 * PostgreSQL keeps the plan of a statement for the whole session. While a table is small, it would
 * plan to read the whole table, and a load of many rows would take time with their square.
 */
#define SETTINGS_OF(schema)                                                    \
	"SECURITY DEFINER SET search_path = pg_catalog, " schema ", pg_temp\n" \
	"SET enable_seqscan = off SET jit = off"
#define FUNCTION_OF(schema, name, declare, body)                               \
	"CREATE FUNCTION " name "() RETURNS trigger LANGUAGE plpgsql\n"        \
	SETTINGS_OF(schema) " AS $$\n" declare "BEGIN\n" body "END $$;\n"

#define TRIGGER(name, when, table, each, function)                             \
	"CREATE TRIGGER " name " " when " ON " table " " each                  \
	" EXECUTE FUNCTION " function ";\n"
#define ROW "FOR EACH ROW"
#define STATEMENT(rows) "REFERENCING " rows " FOR EACH STATEMENT"
#define NEW_ROWS STATEMENT("NEW TABLE AS new_rows")
#define OLD_ROWS STATEMENT("OLD TABLE AS old_rows")

/* Every statement that writes 'table' locks store_row first. */
#define LOCKED(table)                                                          \
	TRIGGER(table "_lock", "BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE", table, \
	    "FOR EACH STATEMENT", "store_lock()")
/* Readers get a notification when rows of 'table' were written. */
#define NOTIFIED(table, event, rows)                                           \
	TRIGGER(table "_notify_" #event, "AFTER " #event, table,               \
	    STATEMENT(rows " TABLE AS rows"), "rows_notify()")
/* A new row, and a row that a statement names in an UPDATE, gets the next number. */
#define NUMBERED(table)                                                        \
	TRIGGER(table "_number", "BEFORE INSERT OR UPDATE", table, ROW, "row_number_set()")
#define ID_STAYS(table, column)                                                \
	TRIGGER(table "_stays", "BEFORE UPDATE", table,                        \
	    ROW " WHEN (" DIFFERS(column) ")",                                 \
	    "refuse('" table "." column ": the id of a row does not change')")

/*
 * 'removed_columns': of table removed, after "changed" and "id". store_row.version is the number of
 * migrations, which the engine sets.
 *
 * Table removed keeps the rows of 195,000 to 200,000 changes. A reader that has not read up to
 * removed_oldest reads all rows again.
 */
#define COMMON(schema, removed_columns)                                        \
	"CREATE FUNCTION unixepoch() RETURNS bigint LANGUAGE sql VOLATILE\n"   \
	"RETURN floor(extract(epoch FROM clock_timestamp()))::bigint;\n"       \
	"CREATE SEQUENCE change;\n"                                            \
	"CREATE TABLE store_row (\n"                                           \
	"  id integer PRIMARY KEY CHECK (id = 1),\n"                           \
	"  birth bigint NOT NULL,\n"                                           \
	"  removed_oldest bigint NOT NULL DEFAULT 0,\n"                        \
	"  version integer NOT NULL DEFAULT 0\n"                               \
	");\n"                                                                 \
	"INSERT INTO store_row (id, birth) VALUES (1,\n"                       \
	"  ('x' || left(md5(gen_random_uuid()::text), 16))::bit(64)::bigint);\n" \
	"CREATE TABLE removed (\n"                                             \
	"  changed bigint PRIMARY KEY,\n"                                      \
	removed_columns                                                        \
	"  id integer NOT NULL\n"                                              \
	");\n"                                                                 \
	FUNCTION_OF(schema, "store_lock", "",                                  \
	    "IF TG_OP = 'TRUNCATE' THEN\n"                                     \
	    REFUSE("TRUNCATE: readers would not see it: use DELETE")           \
	    "END IF;\n"                                                        \
	    "PERFORM 1 FROM store_row FOR UPDATE;\n"                           \
	    "RETURN NULL;\n")                                                  \
	FUNCTION_OF(schema, "rows_notify", "",                                 \
	    "IF EXISTS (SELECT FROM rows) THEN\n" NOTIFY(schema) "END IF;\n"   \
	    "RETURN NULL;\n")                                                  \
	FUNCTION_OF(schema, "row_number_set", "",                              \
	    "NEW.changed := nextval('change');\n"                              \
	    "RETURN NEW;\n")                                                   \
	FUNCTION_OF(schema, "refuse", "",                                      \
	    "RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'check_violation';\n") \
	FUNCTION_OF(schema, "removed_prune",                                   \
	    "DECLARE last bigint := (SELECT max(changed) FROM new_rows);\n",   \
	    "IF (SELECT min(changed) FROM removed) < last - 200000 THEN\n"     \
	    "UPDATE store_row SET removed_oldest = (SELECT max(changed) FROM removed\n" \
	    "  WHERE changed < last - 195000);\n"                              \
	    "DELETE FROM removed WHERE changed < last - 195000;\n"             \
	    "END IF;\n"                                                        \
	    "RETURN NULL;\n")                                                  \
	TRIGGER("removed_prune", "AFTER INSERT", "removed", NEW_ROWS, "removed_prune()")

/* tally_fold() locks store_row until its transaction ends, so only writers may call it. */
#define FOLD_GRANT "REVOKE EXECUTE ON FUNCTION tally_fold() FROM PUBLIC;\n"

/* Lists the removed rows of a statement, by their column 'id'. */
#define REMOVED(kind, id) "INSERT INTO removed (changed, kind, id)\n"          \
	"  SELECT nextval('change'), " kind ", " id " FROM old_rows ORDER BY " id ";\n"

#define GREATEST_CHANGED(table) "(SELECT max(changed) FROM " table ")"

/* -- the inventory ------------------------------------------------------------------------ */

#define FUNCTION(name, declare, body) FUNCTION_OF(MAIN, name, declare, body)

#define SUM(column)                                                            \
	",\n  (SELECT coalesce(sum(" column "), 0)::bigint FROM tally) AS " column
#define LATEST(column)                                                         \
	",\n  coalesce((SELECT " column " FROM tally WHERE " column " IS NOT NULL\n" \
	"    ORDER BY id DESC LIMIT 1), 0) AS " column
#define LATEST_OF(column)                                                \
	"  (array_agg(" column " ORDER BY id DESC) FILTER (WHERE " column " IS NOT NULL))[1]"
#define COUNTER(column) "  " column " bigint NOT NULL DEFAULT 0,\n"

/* table_last_change becomes the present time. A load adds many rows a second, so the same time is
 * not added again. */
#define TABLE_CHANGE                                                           \
	"INSERT INTO tally (table_last_change) SELECT now_s FROM unixepoch() AS now_s\n" \
	"  WHERE now_s IS DISTINCT FROM (SELECT t.table_last_change FROM tally AS t\n" \
	"    WHERE t.table_last_change IS NOT NULL ORDER BY t.id DESC LIMIT 1);\n"

/* Rows of an inventory table that are added, changed, renamed, and removed as 'kind'. */
#define INVENTORY(table, kind)                                                 \
	LOCKED(table)                                                          \
	TRIGGER(table "_before", "BEFORE INSERT OR UPDATE", table, ROW, table "_before()") \
	TRIGGER(table "_added", "AFTER INSERT", table, NEW_ROWS, "rows_added()") \
	NOTIFIED(table, UPDATE, "NEW")                                         \
	TRIGGER(table "_renamed", "AFTER UPDATE", table,                       \
	    ROW " WHEN (" DIFFERS("name") ")", "row_renamed()")                \
	TRIGGER(table "_removed", "AFTER DELETE", table, OLD_ROWS, "rows_removed(" kind ")")

/* Ends a BEFORE trigger. An UPDATE that changes no value of a row gives it no new number. */
#define NUMBER_IF_CHANGED                                                      \
	"IF TG_OP = 'INSERT' THEN\n"                                           \
	"  NEW.changed := nextval('change');\n"                                \
	"ELSE\n"                                                               \
	"  NEW.changed := OLD.changed;\n"                                      \
	"  IF NEW IS DISTINCT FROM OLD THEN\n"                                 \
	"    NEW.changed := nextval('change');\n"                              \
	"  END IF;\n"                                                          \
	"END IF;\n"                                                            \
	"RETURN NEW;\n"

/* Cancels the open jobs of a row before its removal. Most rows have no jobs. */
#define JOBS_END(column, message)                                              \
	"IF EXISTS (SELECT FROM job WHERE " column " = OLD.id) THEN\n"         \
	"  UPDATE job SET " column " = NULL,\n"                                \
	"    state = CASE WHEN state < 3 THEN 5 ELSE state END,\n"             \
	"    finished = CASE WHEN state < 3 THEN unixepoch() ELSE finished END,\n" \
	"    message = CASE WHEN state < 3 THEN '" message "' ELSE message END\n" \
	"    WHERE " column " = OLD.id;\n"                                     \
	"END IF;\n"

#define JOB_COUNTS(sign)                                                       \
	sign "count(*) FILTER (WHERE state < 3),\n"                            \
	"    " sign "count(*) FILTER (WHERE state = 3), "                      \
	sign "count(*) FILTER (WHERE state = 4)"

/* Do not reorder, edit or remove an element: existing schemas were made with it. */
static const char *const main_migrations[] = {
	/* 1 */
	COMMON(MAIN,
	    "  kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),\n")
	"CREATE FUNCTION instr(text, text) RETURNS integer LANGUAGE sql IMMUTABLE\n"
	"RETURN strpos($1, $2);\n"

	"CREATE TABLE tally (\n"
	"  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
	COUNTER("config_changes") COUNTER("job_rows") COUNTER("jobs_open")
	COUNTER("jobs_succeeded") COUNTER("jobs_failed") COUNTER("jobs_bumped")
	"  job_last_id integer NOT NULL DEFAULT 0,\n"
	"  config_last_change bigint,\n"
	"  table_last_change bigint\n"
	") WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,\n"
	"  vacuum_truncate = off);\n"
	"CREATE INDEX tally_config ON tally (id) WHERE config_last_change IS NOT NULL;\n"
	"CREATE INDEX tally_table ON tally (id) WHERE table_last_change IS NOT NULL;\n"

	"CREATE TABLE setting (\n"
	"  name text COLLATE \"C\" PRIMARY KEY,\n"
	"  value bigint NOT NULL\n"
	");\n"
	"INSERT INTO setting VALUES ('set_lock', 0), ('job_max_rows', 1000);\n"
	"CREATE TABLE held_setting (\n"
	"  token bigint NOT NULL,\n"
	"  name" NAME_TYPE ",\n"
	"  value bigint NOT NULL\n"
	");\n"

	"CREATE TABLE cluster (\n"
	ID_COLUMN
	NAME_COLUMN
	"  plane text NOT NULL DEFAULT 'none' CHECK (plane IN ('none', 'haproxy', 'ipvs')),\n"
	"  plane_params text NOT NULL DEFAULT '{}' CHECK (octet_length(plane_params) <= 2000),\n"
	"  plane_status integer NOT NULL DEFAULT 1 CHECK (plane_status BETWEEN 1 AND 4),\n"
	"  plane_message" TEXT_CHECK("plane_message", 255) ",\n"
	CHANGED_COLUMN ",\n"
	"  UNIQUE (name)\n"
	");\n"
	"CREATE INDEX cluster_changed ON cluster (changed);\n"

	"CREATE TABLE service (\n"
	ID_COLUMN
	"  cluster_id integer NOT NULL REFERENCES cluster (id),\n"
	NAME_COLUMN
	"  address" TEXT_CHECK("address", 240) ",\n"
	"  port" TEXT_CHECK("port", 8) ",\n"
	"  protocol integer NOT NULL DEFAULT 2 CHECK (protocol BETWEEN 1 AND 4),\n"
	CHANGED_COLUMN ",\n"
	"  params" TEXT_CHECK("params", 2000) ",\n"
	BOOLEAN("enabled", "1")
	"  UNIQUE (cluster_id, name)\n"
	");\n"
	"CREATE INDEX service_changed ON service (changed);\n"

	"CREATE TABLE server (\n"
	ID_COLUMN
	"  cluster_id integer NOT NULL,\n"
	NAME_COLUMN
	"  UNIQUE (cluster_id, name)\n"
	");\n"

	"CREATE TABLE real_service (\n"
	ID_COLUMN
	"  service_id integer NOT NULL REFERENCES service (id),\n"
	NAME_COLUMN
	"  address" TEXT_CHECK("address", 240) ",\n"
	"  port" TEXT_CHECK("port", 8) ",\n"
	"  weight integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 0 AND 65535),\n"
	BOOLEAN("fallback", "0")
	BOOLEAN("enabled", "1")
	"  reason" TEXT_CHECK("reason", 255) ",\n"
	"  last_change bigint NOT NULL DEFAULT 0,\n"
	"  last_job integer NOT NULL DEFAULT 0 CHECK (last_job >= 0),\n"
	CHANGED_COLUMN ",\n"
	"  params" TEXT_CHECK("params", 2000) ",\n"
	"  server_id integer NOT NULL DEFAULT 0 CHECK (server_id >= 0),\n"
	"  UNIQUE (service_id, name)\n"
	");\n"
	"CREATE INDEX real_service_changed ON real_service (changed);\n"
	"CREATE INDEX real_service_server ON real_service (server_id);\n"
	"CREATE UNIQUE INDEX real_service_fallback ON real_service (service_id)\n"
	"  WHERE fallback = 1;\n"

	"CREATE TABLE job (\n"
	ID_COLUMN
	"  real_id integer REFERENCES real_service (id)\n"
	"    CHECK (real_id IS NULL OR operation BETWEEN 1 AND 5),\n"
	"  service_id integer REFERENCES service (id)\n"
	"    CHECK (service_id IS NULL OR operation IN (6, 7)),\n"
	"  operation integer NOT NULL CHECK (operation BETWEEN 1 AND 7),\n"
	"  state integer NOT NULL DEFAULT 1 CHECK (state BETWEEN 0 AND 6),\n"
	"  fail_cause integer NOT NULL DEFAULT 1 CHECK (fail_cause BETWEEN 1 AND 6),\n"
	"  source integer NOT NULL DEFAULT 1 CHECK (source BETWEEN 1 AND 3),\n"
	"  old_value integer NOT NULL CHECK (old_value BETWEEN 0 AND 65535),\n"
	"  new_value integer NOT NULL CHECK (new_value BETWEEN 0 AND 65535),\n"
	"  request integer NOT NULL DEFAULT 0 CHECK (request >= 0),\n"
	"  token bigint NOT NULL DEFAULT 0,\n"
	"  created bigint NOT NULL DEFAULT unixepoch(),\n"
	"  started bigint NOT NULL DEFAULT 0,\n"
	"  finished bigint NOT NULL DEFAULT 0,\n"
	"  cluster_name" NAME_TYPE ",\n"
	"  service_name" NAME_TYPE ",\n"
	"  real_name" NAME_TYPE ",\n"
	"  message" TEXT_CHECK("message", 255) ",\n"
	CHANGED_COLUMN ",\n"
	"  origin" TEXT_CHECK("origin", 255) "\n"
	");\n"
	"CREATE INDEX job_changed ON job (changed);\n"
	"CREATE INDEX job_real ON job (real_id);\n"
	"CREATE INDEX job_service ON job (service_id) WHERE service_id IS NOT NULL;\n"
	"CREATE INDEX job_open ON job (state, id) WHERE state < 3;\n"
	"CREATE INDEX job_held ON job (real_id) WHERE state = 0;\n"

	/* Column change is the greatest number in the snapshot of a reader. While a transaction of
	 * a writer is open, the sequence is ahead of it. */
	"CREATE VIEW store AS SELECT id, birth, greatest(removed_oldest,\n  "
	GREATEST_CHANGED("cluster") ", " GREATEST_CHANGED("service") ",\n  "
	GREATEST_CHANGED("real_service") ", " GREATEST_CHANGED("job") ",\n  "
	GREATEST_CHANGED("removed") ") AS change, removed_oldest"
	SUM("config_changes") LATEST("config_last_change") LATEST("table_last_change")
	SUM("job_rows") SUM("jobs_open") SUM("jobs_succeeded") SUM("jobs_failed")
	SUM("jobs_bumped")
	",\n  (SELECT coalesce(max(job_last_id), 0) FROM tally) AS job_last_id\n"
	"  FROM store_row;\n"
	FUNCTION("store_update", "",
	    "IF " DIFFERS("id") " OR " DIFFERS("birth") " OR " DIFFERS("change") "\n"
	    "  OR " DIFFERS("removed_oldest") " THEN\n"
	    REFUSE("store: triggers set id, birth, change and removed_oldest")
	    "END IF;\n"
	    "PERFORM 1 FROM store_row FOR UPDATE;\n"
	    "INSERT INTO tally (config_changes, job_rows, jobs_open, jobs_succeeded, jobs_failed,\n"
	    "  jobs_bumped, job_last_id, config_last_change, table_last_change) VALUES (\n"
	    "  NEW.config_changes - OLD.config_changes, NEW.job_rows - OLD.job_rows,\n"
	    "  NEW.jobs_open - OLD.jobs_open, NEW.jobs_succeeded - OLD.jobs_succeeded,\n"
	    "  NEW.jobs_failed - OLD.jobs_failed, NEW.jobs_bumped - OLD.jobs_bumped,\n"
	    "  NEW.job_last_id, nullif(NEW.config_last_change, OLD.config_last_change),\n"
	    "  nullif(NEW.table_last_change, OLD.table_last_change));\n"
	    NOTIFY(MAIN)
	    "RETURN NEW;\n")
	TRIGGER("store_update", "INSTEAD OF UPDATE", "store", ROW, "store_update()")

	/* A writer calls this when it holds the lock. */
	"CREATE FUNCTION tally_fold() RETURNS void LANGUAGE plpgsql\n"
	SETTINGS_OF(MAIN) " AS $$\n"
	"BEGIN\n"
	"IF (SELECT count(*) FROM (SELECT FROM tally LIMIT 101) AS t) <= 100 THEN\n"
	"  RETURN;\n"
	"END IF;\n"
	"PERFORM 1 FROM store_row FOR UPDATE;\n"
	"WITH folded AS (DELETE FROM tally RETURNING *)\n"
	"INSERT INTO tally (config_changes, job_rows, jobs_open, jobs_succeeded, jobs_failed,\n"
	"  jobs_bumped, job_last_id, config_last_change, table_last_change) SELECT\n"
	"  sum(config_changes), sum(job_rows), sum(jobs_open), sum(jobs_succeeded),\n"
	"  sum(jobs_failed), sum(jobs_bumped), max(job_last_id),\n"
	LATEST_OF("config_last_change") ",\n"
	LATEST_OF("table_last_change") " FROM folded;\n"
	"END $$;\n"
	FOLD_GRANT

	/* -- clusters, services, real services -- */

	FUNCTION("rows_added", "",
	    "IF EXISTS (SELECT FROM new_rows) THEN\n" TABLE_CHANGE NOTIFY(MAIN) "END IF;\n"
	    "RETURN NULL;\n")
	FUNCTION("row_renamed", "", TABLE_CHANGE "RETURN NULL;\n")
	FUNCTION("rows_removed", "",
	    "IF EXISTS (SELECT FROM old_rows) THEN\n"
	    REMOVED("TG_ARGV[0]::smallint", "id") TABLE_CHANGE NOTIFY(MAIN)
	    "END IF;\n"
	    "RETURN NULL;\n")

	FUNCTION("cluster_before", "", NUMBER_IF_CHANGED)
	INVENTORY("cluster", "1")
	ID_STAYS("cluster", "id")
	/* The rows below a row are removed first. Their numbers in table removed are lower. */
	FUNCTION("cluster_children", "",
	    "DELETE FROM real_service WHERE service_id IN\n"
	    "  (SELECT id FROM service WHERE cluster_id = OLD.id);\n"
	    "DELETE FROM service WHERE cluster_id = OLD.id;\n"
	    "RETURN OLD;\n")
	TRIGGER("cluster_children", "BEFORE DELETE", "cluster", ROW, "cluster_children()")

	FUNCTION("service_before", "",
	    "IF TG_OP = 'INSERT' AND NOT EXISTS (\n"
	    "  SELECT FROM cluster WHERE id = NEW.cluster_id) THEN\n"
	    REFUSE("no such cluster")
	    "END IF;\n"
	    NUMBER_IF_CHANGED)
	INVENTORY("service", "2")
	TRIGGER("service_stays", "BEFORE UPDATE", "service",
	    ROW " WHEN (" DIFFERS("id") " OR " DIFFERS("cluster_id") ")",
	    "refuse('a service does not move: remove it and add it')")
	FUNCTION("service_setting", "",
	    "INSERT INTO tally (config_changes, config_last_change) VALUES (1, unixepoch());\n"
	    "RETURN NULL;\n")
	TRIGGER("service_setting", "AFTER UPDATE", "service",
	    ROW " WHEN (" DIFFERS("enabled") ")", "service_setting()")
	FUNCTION("service_children", "",
	    "IF EXISTS (SELECT FROM real_service WHERE service_id = OLD.id) THEN\n"
	    "  DELETE FROM real_service WHERE service_id = OLD.id;\n"
	    "END IF;\n"
	    JOBS_END("service_id", "service removed")
	    "RETURN OLD;\n")
	TRIGGER("service_children", "BEFORE DELETE", "service", ROW, "service_children()")

	/* The name of a real service gets a number in its cluster, unless it has one. */
	FUNCTION("real_service_before", "DECLARE\n"
	    "  of_cluster integer;\n"
	    "  of_name integer;\n",
	    "IF TG_OP = 'UPDATE' AND NEW.name IS NOT DISTINCT FROM OLD.name THEN\n"
	    "  of_name := OLD.server_id;\n"
	    "ELSE\n"
	    "  SELECT s.cluster_id, v.id INTO of_cluster, of_name FROM service AS s\n"
	    "    LEFT JOIN server AS v ON v.cluster_id = s.cluster_id AND v.name = NEW.name\n"
	    "    WHERE s.id = NEW.service_id;\n"
	    "  IF of_cluster IS NULL THEN\n"
	    REFUSE("no such service")
	    "  END IF;\n"
	    "END IF;\n"
	    "IF TG_OP = 'UPDATE' AND NEW.server_id IS DISTINCT FROM OLD.server_id\n"
	    "  AND NEW.server_id IS DISTINCT FROM of_name THEN\n"
	    REFUSE("real_service.server_id: triggers set it")
	    "END IF;\n"
	    "IF of_name IS NULL THEN\n"
	    "  INSERT INTO server (cluster_id, name) VALUES (of_cluster, NEW.name)\n"
	    "    RETURNING id INTO of_name;\n"
	    "END IF;\n"
	    "NEW.server_id := of_name;\n"
	    "IF TG_OP = 'UPDATE' AND (" DIFFERS("weight") " OR " DIFFERS("fallback") "\n"
	    "  OR " DIFFERS("enabled") ") THEN\n"
	    "  NEW.last_change := unixepoch();\n"
	    "END IF;\n"
	    NUMBER_IF_CHANGED)
	INVENTORY("real_service", "3")
	TRIGGER("real_service_stays", "BEFORE UPDATE", "real_service",
	    ROW " WHEN (" DIFFERS("id") " OR " DIFFERS("service_id") ")",
	    "refuse('a real service does not move: remove it and add it')")
	FUNCTION("real_service_setting", "",
	    "INSERT INTO tally (config_changes, config_last_change) VALUES (\n"
	    "  (" DIFFERS("weight") ")::integer + (" DIFFERS("fallback") ")::integer\n"
	    "  + (" DIFFERS("enabled") ")::integer, unixepoch());\n"
	    "RETURN NULL;\n")
	TRIGGER("real_service_setting", "AFTER UPDATE", "real_service",
	    ROW " WHEN (" DIFFERS("weight") " OR " DIFFERS("fallback") " OR "
	    DIFFERS("enabled") ")", "real_service_setting()")
	FUNCTION("real_service_jobs", "",
	    JOBS_END("real_id", "real service removed") "RETURN OLD;\n")
	TRIGGER("real_service_jobs", "BEFORE DELETE", "real_service", ROW, "real_service_jobs()")

	/* A row of server is removed with its last real service. */
	FUNCTION("servers_reap", "",
	    "DELETE FROM server AS v WHERE v.id IN (SELECT server_id FROM old_rows)\n"
	    "  AND NOT EXISTS (SELECT FROM real_service AS r WHERE r.server_id = v.id);\n"
	    "RETURN NULL;\n")
	TRIGGER("real_service_last", "AFTER DELETE", "real_service", OLD_ROWS, "servers_reap()")
	FUNCTION("server_reap", "",
	    "DELETE FROM server WHERE id = OLD.server_id\n"
	    "  AND NOT EXISTS (SELECT FROM real_service WHERE server_id = OLD.server_id);\n"
	    "RETURN NULL;\n")
	TRIGGER("real_service_server", "AFTER UPDATE", "real_service",
	    ROW " WHEN (" DIFFERS("server_id") ")", "server_reap()")
	TRIGGER("server_stays", "BEFORE UPDATE", "server", ROW,
	    "refuse('a server does not change: rename its real services')")
	FUNCTION("server_needed", "",
	    "IF EXISTS (SELECT FROM real_service WHERE server_id = OLD.id) THEN\n"
	    REFUSE("a server has real services: remove those")
	    "END IF;\n"
	    "RETURN OLD;\n")
	TRIGGER("server_needed", "BEFORE DELETE", "server", ROW, "server_needed()")

	/* -- jobs -- */

	FUNCTION("job_before", "",
	    "IF NOT (" NAME_RULE("NEW.cluster_name") "\n"
	    "  AND " NAME_RULE("NEW.service_name") "\n"
	    "  AND CASE WHEN NEW.operation IN (6, 7) THEN NEW.real_name = ''\n"
	    "    ELSE " NAME_RULE("NEW.real_name") " END) THEN\n"
	    REFUSE("a name has 1 to 64 of A-Z a-z 0-9 - . _")
	    "END IF;\n"
	    "IF TG_OP = 'INSERT' THEN\n"
	    "  IF NEW.real_id IS NOT NULL AND NOT EXISTS (\n"
	    "    SELECT FROM real_service WHERE id = NEW.real_id) THEN\n"
	    REFUSE("no such real service")
	    "  END IF;\n"
	    "  IF NEW.service_id IS NOT NULL AND NOT EXISTS (\n"
	    "    SELECT FROM service WHERE id = NEW.service_id) THEN\n"
	    REFUSE("no such service")
	    "  END IF;\n"
	    "ELSIF OLD.state >= 3 AND NEW.state IS DISTINCT FROM OLD.state THEN\n"
	    REFUSE("the job has ended already")
	    "END IF;\n"
	    "NEW.changed := nextval('change');\n"
	    "RETURN NEW;\n")
	LOCKED("job")
	TRIGGER("job_before", "BEFORE INSERT OR UPDATE", "job", ROW, "job_before()")
	ID_STAYS("job", "id")
	FUNCTION("jobs_added", "",
	    "IF EXISTS (SELECT FROM new_rows) THEN\n"
	    "INSERT INTO tally (job_rows, job_last_id, jobs_open, jobs_succeeded, jobs_failed)\n"
	    "  SELECT count(*), max(id), " JOB_COUNTS("") " FROM new_rows;\n"
	    "UPDATE real_service SET last_job = j.id FROM (SELECT real_id, max(id) AS id\n"
	    "  FROM new_rows WHERE real_id IS NOT NULL GROUP BY real_id) AS j\n"
	    "  WHERE real_service.id = j.real_id;\n"
	    NOTIFY(MAIN)
	    "END IF;\n"
	    "RETURN NULL;\n")
	TRIGGER("job_added", "AFTER INSERT", "job", NEW_ROWS, "jobs_added()")
	/* A job that has ended keeps its state, so differences of counts are enough. */
	FUNCTION("jobs_updated", "",
	    "INSERT INTO tally (jobs_open, jobs_succeeded, jobs_failed)\n"
	    "  SELECT sum(open), sum(succeeded), sum(failed) FROM (\n"
	    "  SELECT " JOB_COUNTS("") " FROM new_rows UNION ALL\n"
	    "  SELECT " JOB_COUNTS("-") " FROM old_rows)\n"
	    "  AS counts (open, succeeded, failed)\n"
	    "  HAVING sum(open) <> 0 OR sum(succeeded) <> 0 OR sum(failed) <> 0;\n"
	    "IF EXISTS (SELECT FROM new_rows) THEN\n" NOTIFY(MAIN) "END IF;\n"
	    "RETURN NULL;\n")
	TRIGGER("job_updated", "AFTER UPDATE", "job",
	    STATEMENT("OLD TABLE AS old_rows NEW TABLE AS new_rows"), "jobs_updated()")
	FUNCTION("jobs_removed", "",
	    "IF EXISTS (SELECT FROM old_rows) THEN\n"
	    "INSERT INTO tally (job_rows, jobs_open, jobs_bumped)\n"
	    "  SELECT -count(*), -count(*) FILTER (WHERE state < 3), count(*) FROM old_rows;\n"
	    REMOVED("4", "id") NOTIFY(MAIN)
	    "END IF;\n"
	    "RETURN NULL;\n")
	TRIGGER("job_removed", "AFTER DELETE", "job", OLD_ROWS, "jobs_removed()")

	/* -- settings: they have no number, so readers read all of them -- */

	LOCKED("setting")
	NOTIFIED("setting", INSERT, "NEW") NOTIFIED("setting", UPDATE, "NEW")
	NOTIFIED("setting", DELETE, "OLD")
	LOCKED("held_setting")
	NOTIFIED("held_setting", INSERT, "NEW") NOTIFIED("held_setting", UPDATE, "NEW")
	NOTIFIED("held_setting", DELETE, "OLD"),

	/* 2: the instance of lbclusterd whose SET it is. */
	"ALTER TABLE job ADD COLUMN owner" TEXT_CHECK("owner", 64) ";\n"
	"ALTER TABLE held_setting ADD COLUMN owner" TEXT_CHECK("owner", 64) ";\n"
	"ALTER TABLE held_setting ADD COLUMN created bigint NOT NULL DEFAULT 0;\n",
};

/* -- the statistics ------------------------------------------------------------------------ */

#define COUNT(column) "  " column " bigint CHECK (" column " >= 0),\n"
#define TIMES                                                                  \
	"  last_update bigint NOT NULL DEFAULT unixepoch() CHECK (last_update >= 0),\n" \
	"  counters_since bigint NOT NULL DEFAULT 0 CHECK (counters_since >= 0),\n"
/* Each round of a driver writes all rows. */
#define OFTEN_WRITTEN                                                          \
	") WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,\n" \
	"  autovacuum_vacuum_cost_delay = 0, fillfactor = 50);\n"
#define MEASURED(table)                                                        \
	LOCKED(table)                                                          \
	NUMBERED(table)                                                        \
	NOTIFIED(table, INSERT, "NEW") NOTIFIED(table, UPDATE, "NEW")

static const char *const stats_migrations[] = {
	/* 1. kind of a removed row: 5 statistics of a real service, 6 of a service. */
	COMMON(STATS,
	    "  kind smallint NOT NULL DEFAULT 5 CHECK (kind IN (5, 6)),\n")
	/* There is nothing to fold. */
	"CREATE FUNCTION tally_fold() RETURNS void LANGUAGE sql BEGIN ATOMIC END;\n"
	FOLD_GRANT

	/* NULL: not measured. */
	"CREATE TABLE statistics (\n"
	"  real_id integer PRIMARY KEY CHECK (real_id >= 1),\n"
	"  active smallint CHECK (active IN (0, 1)),\n"
	"  role smallint NOT NULL DEFAULT 0 CHECK (role IN (0, 1, 2)),\n"
	COUNT("active_connections") COUNT("inactive_connections")
	COUNT("persistent_connections") COUNT("connections_per_second")
	COUNT("bps_in") COUNT("bps_out") COUNT("pps_in") COUNT("pps_out")
	COUNT("total_connections") COUNT("total_packets_in") COUNT("total_packets_out")
	COUNT("total_octets_in") COUNT("total_octets_out")
	COUNT("connection_errors") COUNT("response_errors") COUNT("requests")
	COUNT("http_4xx") COUNT("http_5xx") COUNT("check_failures")
	COUNT("connection_limit") COUNT("queued_connections") COUNT("response_time_ms")
	COUNT("connect_time_ms") COUNT("queue_time_ms") COUNT("check_code")
	COUNT("check_duration_ms")
	TIMES
	CHANGED_COLUMN "\n"
	OFTEN_WRITTEN
	"CREATE INDEX statistics_changed ON statistics (changed);\n"

	"CREATE TABLE service_statistics (\n"
	"  service_id integer PRIMARY KEY CHECK (service_id >= 1),\n"
	"  algorithm" TEXT_CHECK("algorithm", 32) ",\n"
	COUNT("total_connections") COUNT("total_packets_in") COUNT("total_packets_out")
	COUNT("total_octets_in") COUNT("total_octets_out") COUNT("connection_errors")
	COUNT("response_errors") COUNT("requests") COUNT("http_4xx") COUNT("http_5xx")
	COUNT("queued_connections") COUNT("response_time_ms")
	TIMES
	CHANGED_COLUMN "\n"
	OFTEN_WRITTEN
	"CREATE INDEX service_statistics_changed ON service_statistics (changed);\n"

	/* The latest poll of the data plane of a cluster by a driver. */
	"CREATE TABLE look (\n"
	"  cluster_id integer PRIMARY KEY CHECK (cluster_id >= 1),\n"
	"  time bigint NOT NULL DEFAULT unixepoch() CHECK (time BETWEEN 0 AND 253402300799),\n"
	"  interval_ms integer NOT NULL CHECK (interval_ms BETWEEN 1 AND 86400000),\n"
	CHANGED_COLUMN "\n"
	OFTEN_WRITTEN
	"CREATE INDEX look_changed ON look (changed);\n"

	"CREATE VIEW store AS SELECT id, birth, greatest(removed_oldest,\n  "
	GREATEST_CHANGED("statistics") ", " GREATEST_CHANGED("service_statistics") ",\n  "
	GREATEST_CHANGED("look") ", " GREATEST_CHANGED("removed") ") AS change,\n"
	"  removed_oldest FROM store_row;\n"

	FUNCTION_OF(STATS, "statistics_removed", "",
	    "IF EXISTS (SELECT FROM old_rows) THEN\n"
	    REMOVED("5", "real_id") NOTIFY(STATS)
	    "END IF;\n"
	    "RETURN NULL;\n")
	FUNCTION_OF(STATS, "service_statistics_removed", "",
	    "IF EXISTS (SELECT FROM old_rows) THEN\n"
	    REMOVED("6", "service_id") NOTIFY(STATS)
	    "END IF;\n"
	    "RETURN NULL;\n")
	/* An UPDATE of the number of a row removes the row of the old number. */
	FUNCTION_OF(STATS, "statistics_moved", "",
	    "INSERT INTO removed (changed, kind, id) VALUES (nextval('change'), 5, OLD.real_id);\n"
	    "RETURN NULL;\n")
	MEASURED("statistics")
	TRIGGER("statistics_removed", "AFTER DELETE", "statistics", OLD_ROWS,
	    "statistics_removed()")
	TRIGGER("statistics_moved", "AFTER UPDATE", "statistics",
	    ROW " WHEN (" DIFFERS("real_id") ")", "statistics_moved()")
	MEASURED("service_statistics")
	TRIGGER("service_statistics_removed", "AFTER DELETE", "service_statistics", OLD_ROWS,
	    "service_statistics_removed()")
	ID_STAYS("service_statistics", "service_id")
	MEASURED("look")
	NOTIFIED("look", DELETE, "OLD")
	ID_STAYS("look", "cluster_id"),
};

const struct postgres_kind postgres_main_kind = {
	.schema = MAIN,
	.migrations = main_migrations,
	.n_migrations = ROWS(main_migrations),
};

const struct postgres_kind postgres_stats_kind = {
	.schema = STATS,
	.migrations = stats_migrations,
	.n_migrations = ROWS(stats_migrations),
};
