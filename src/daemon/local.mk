noinst_LIBRARIES += src/daemon/libdaemon.a
src_daemon_libdaemon_a_SOURCES = \
	src/daemon/config.c \
	src/daemon/config.h \
	src/daemon/daemon.c \
	src/daemon/daemon.h
