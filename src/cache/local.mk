noinst_LIBRARIES += src/cache/libcache.a
src_cache_libcache_a_SOURCES = \
	src/cache/cache.c \
	src/cache/cache.h \
	src/cache/cache_jobs.c \
	src/cache/cache_numbers.c \
	src/cache/cache_private.h \
	src/cache/cache_rows.c \
	src/cache/cache_servers.c \
	src/cache/derive.c \
	src/cache/events.c
