noinst_LIBRARIES += src/util/libutil.a
src_util_libutil_a_SOURCES = \
	src/util/background.c \
	src/util/background.h \
	src/util/clock.c \
	src/util/clock.h \
	src/util/conftext.c \
	src/util/conftext.h \
	src/util/err.c \
	src/util/err.h \
	src/util/file.c \
	src/util/file.h \
	src/util/idmap.c \
	src/util/idmap.h \
	src/util/lockfile.c \
	src/util/lockfile.h \
	src/util/log.c \
	src/util/log.h \
	src/util/log_limit.c \
	src/util/log_limit.h \
	src/util/loop.c \
	src/util/loop.h \
	src/util/memory.c \
	src/util/memory.h \
	src/util/num.c \
	src/util/num.h \
	src/util/settings.c \
	src/util/settings.h \
	src/util/standard.c \
	src/util/standard.h \
	src/util/supervisor.c \
	src/util/supervisor.h \
	src/util/signals.c \
	src/util/signals.h \
	src/util/sync.c \
	src/util/sync.h \
	src/util/wait.c \
	src/util/wait.h
