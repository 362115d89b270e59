noinst_LIBRARIES += src/daemon/libdaemon.a
src_daemon_libdaemon_a_SOURCES = \
	src/daemon/daemon.c \
	src/daemon/daemon.h \
	src/daemon/daemon_config.c \
	src/daemon/daemon_config.h \
	src/daemon/daemon_cpu.c \
	src/daemon/daemon_cpu.h
