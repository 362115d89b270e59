noinst_LIBRARIES += src/store/libstore.a
src_store_libstore_a_SOURCES = \
	src/store/changes.c \
	src/store/columns.c \
	src/store/db.c \
	src/store/db.h \
	src/store/inventory.c \
	src/store/jobs.c \
	src/store/left_out.c \
	src/store/open.c \
	src/store/rows.c \
	src/store/schema.c \
	src/store/serve.c \
	src/store/set.c \
	src/store/snapshot.c \
	src/store/statistics.c \
	src/store/store.c \
	src/store/store.h \
	src/store/store_columns.h \
	src/store/store_private.h \
	src/store/undo.c \
	src/store/wait.c
