noinst_LIBRARIES += src/store/libstore.a
src_store_libstore_a_SOURCES = \
	src/store/changes.c \
	src/store/db.c \
	src/store/db.h \
	src/store/db_copy.c \
	src/store/db_open.c \
	src/store/db_shm.c \
	src/store/db_wait.c \
	src/store/driver_jobs.c \
	src/store/inventory_edit.c \
	src/store/left_out.c \
	src/store/listing.c \
	src/store/lock.c \
	src/store/main_file.c \
	src/store/schema.c \
	src/store/set_commit.c \
	src/store/set_release.c \
	src/store/shapes.c \
	src/store/shapes.h \
	src/store/draft.c \
	src/store/snapshot.c \
	src/store/sql.c \
	src/store/sql.h \
	src/store/statistics.c \
	src/store/stats_file.c \
	src/store/store.c \
	src/store/store.h \
	src/store/store_private.h \
	src/store/store_totals.c \
	src/store/undo.c
