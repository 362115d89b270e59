-- SPDX-License-Identifier: ISC
-- Copyright (c) 2026 the lbcluster authors
--
-- Functions of SQLite that the SQL of the unit tests calls, for databases of PostgreSQL. The
-- schema of lbcluster has none of them.
CREATE SCHEMA sqlite;
SET search_path = sqlite;

CREATE FUNCTION ifnull(a bigint, b bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN coalesce(a, b);
CREATE FUNCTION ifnull(a text, b text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN coalesce(a, b);

CREATE FUNCTION join_next(state text, value anyelement, separator text) RETURNS text
    LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN value IS NULL THEN state WHEN state IS NULL THEN value::text
        ELSE state || separator || value::text END $$;
CREATE FUNCTION join_next(state text, value anyelement) RETURNS text
    LANGUAGE sql IMMUTABLE AS $$ SELECT sqlite.join_next(state, value, ',') $$;
CREATE AGGREGATE group_concat(anyelement, text) (SFUNC = join_next, STYPE = text);
CREATE AGGREGATE group_concat(anyelement) (SFUNC = join_next, STYPE = text);
