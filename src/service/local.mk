noinst_LIBRARIES += src/service/libservice.a
src_service_libservice_a_SOURCES = \
	src/service/daemonize.c \
	src/service/daemonize.h \
	src/service/sdnotify.c \
	src/service/sdnotify.h \
	src/service/service.c \
	src/service/service.h
