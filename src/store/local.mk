noinst_LIBRARIES += src/store/libstore.a
src_store_libstore_a_SOURCES = \
	src/store/changes.c \
	src/store/copy_rows.c \
	src/store/db.c \
	src/store/db.h \
	src/store/driver_jobs.c \
	src/store/inventory_edit.c \
	src/store/left_out.c \
	src/store/listing.c \
	src/store/set_commit.c \
	src/store/set_release.c \
	src/store/shapes.c \
	src/store/shapes.h \
	src/store/sql.c \
	src/store/sql.h \
	src/store/sqlite/draft.c \
	src/store/sqlite/main_file.c \
	src/store/sqlite/sqlite_copy.c \
	src/store/sqlite/sqlite_engine.c \
	src/store/sqlite/sqlite_load.c \
	src/store/sqlite/sqlite_lock.c \
	src/store/sqlite/sqlite_open.c \
	src/store/sqlite/sqlite_private.h \
	src/store/sqlite/sqlite_schema.c \
	src/store/sqlite/sqlite_shm.c \
	src/store/sqlite/sqlite_sql.c \
	src/store/sqlite/sqlite_wait.c \
	src/store/sqlite/stats_file.c \
	src/store/sqlite/store_files.c \
	src/store/statistics.c \
	src/store/store.c \
	src/store/store.h \
	src/store/store_copy.c \
	src/store/store_copy.h \
	src/store/store_health.c \
	src/store/store_private.h \
	src/store/store_totals.c \
	src/store/store_write.c \
	src/store/undo.c

# The engine of PostgreSQL, where configure found libpq.
postgres_sources = \
	src/store/postgres/postgres_create.c \
	src/store/postgres/postgres_engine.c \
	src/store/postgres/postgres_error.c \
	src/store/postgres/postgres_exchange.c \
	src/store/postgres/postgres_load.c \
	src/store/postgres/postgres_private.h \
	src/store/postgres/postgres_rows.c \
	src/store/postgres/postgres_schema.c \
	src/store/postgres/postgres_session.c \
	src/store/postgres/postgres_setup.c \
	src/store/postgres/postgres_statement.c \
	src/store/postgres/postgres_store.c \
	src/store/postgres/postgres_text.c \
	src/store/postgres/postgres_transaction.c \
	src/store/postgres/postgres_uri.c
if POSTGRESQL
src_store_libstore_a_SOURCES += $(postgres_sources)
endif
