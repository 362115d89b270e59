noinst_LIBRARIES += src/mib/libmib.a
src_mib_libmib_a_SOURCES = \
	src/mib/columns.c \
	src/mib/engine.c \
	src/mib/inside.h \
	src/mib/instance.c \
	src/mib/mib.c \
	src/mib/mib.h \
	src/mib/notification.c \
	src/mib/notify.c \
	src/mib/notify.h \
	src/mib/record.c \
	src/mib/record.h \
	src/mib/reject.c \
	src/mib/rows.c \
	src/mib/set.c \
	src/mib/table.h \
	src/mib/value.c
