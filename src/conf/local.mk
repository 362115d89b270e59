noinst_LIBRARIES += src/conf/libconf.a
src_conf_libconf_a_SOURCES = \
	src/conf/conf.c \
	src/conf/conf.h \
	src/conf/conf_text.c \
	src/conf/conf_text.h \
	src/conf/diagnostics.c \
	src/conf/diagnostics.h \
	src/conf/settings.c \
	src/conf/settings.h
