-- Roles for programs that share a store of lbcluster in PostgreSQL. Run it as the owner of the
-- database, or as a superuser, after the store is created, and again after each migration:
--
--     psql -v ON_ERROR_STOP=1 -d NAME -f postgresql-roles.sql
--
-- These roles cannot log in. Grant each user of a program the role that it needs:
--
--     CREATE ROLE lbclusterd LOGIN;
--     GRANT lbc_serve TO lbclusterd;
--
--     lbc_read     reads everything
--     lbc_collect  writes statistics: collectors
--     lbc_drive    carries out jobs: lbcluster-haproxy, lbcluster-ipvs, lbcluster-checks
--     lbc_serve    serves SETs: lbclusterd
--     lbc_admin    changes everything: lbclusterctl
--
-- Triggers number the rows, count the changes and fill the tables "removed", "server" and "tally"
-- for every role. No role may write those, or take numbers of the sequence "change".

BEGIN;

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['lbc_read', 'lbc_collect', 'lbc_drive', 'lbc_serve', 'lbc_admin']
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        END IF;
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA lbcluster, lbcluster_statistics TO lbc_read;
GRANT SELECT ON ALL TABLES IN SCHEMA lbcluster, lbcluster_statistics TO lbc_read;
GRANT lbc_read TO lbc_collect, lbc_serve;
GRANT lbc_collect TO lbc_drive;
GRANT lbc_collect, lbc_serve TO lbc_admin;

-- Every writer locks this row first. Its id is always 1.
GRANT UPDATE (id) ON lbcluster_statistics.store_row TO lbc_collect;
GRANT UPDATE (id) ON lbcluster.store_row TO lbc_drive, lbc_serve;
GRANT EXECUTE ON FUNCTION lbcluster_statistics.tally_fold() TO lbc_collect;
GRANT EXECUTE ON FUNCTION lbcluster.tally_fold() TO lbc_drive, lbc_serve;

GRANT INSERT, UPDATE, DELETE ON lbcluster_statistics.statistics,
    lbcluster_statistics.service_statistics, lbcluster_statistics.look TO lbc_collect;

SET LOCAL search_path = lbcluster;

-- A setting whose job failed becomes what it was before the job.
GRANT UPDATE (plane_status, plane_message) ON cluster TO lbc_drive;
GRANT UPDATE (enabled) ON service TO lbc_drive;
GRANT UPDATE (weight, fallback, enabled, reason) ON real_service TO lbc_drive;
GRANT UPDATE (state, fail_cause, started, finished, message) ON job TO lbc_drive;

GRANT UPDATE (enabled) ON service TO lbc_serve;
GRANT UPDATE (weight, fallback, enabled, last_change) ON real_service TO lbc_serve;
GRANT INSERT, DELETE ON job TO lbc_serve;
GRANT UPDATE (state, fail_cause, old_value, started, finished, message) ON job TO lbc_serve;
GRANT INSERT, UPDATE ON setting TO lbc_serve;
GRANT INSERT, DELETE ON held_setting TO lbc_serve;
GRANT UPDATE (config_changes, config_last_change) ON store TO lbc_serve;

GRANT INSERT, UPDATE, DELETE ON cluster, service, real_service TO lbc_admin;

COMMIT;
