noinst_LIBRARIES += src/daemon/libdaemon.a
src_daemon_libdaemon_a_SOURCES = \
	src/daemon/background.c \
	src/daemon/background.h \
	src/daemon/config.c \
	src/daemon/config.h \
	src/daemon/daemon.c \
	src/daemon/daemon.h \
	src/daemon/supervisor.c \
	src/daemon/supervisor.h
