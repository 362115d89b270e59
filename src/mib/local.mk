noinst_LIBRARIES += src/mib/libmib.a
src_mib_libmib_a_SOURCES = \
	src/mib/engine.c \
	src/mib/mib.c \
	src/mib/mib.h \
	src/mib/mib_private.h \
	src/mib/notification.c \
	src/mib/notify_queue.c \
	src/mib/notify_queue.h \
	src/mib/objects.c \
	src/mib/reject.c \
	src/mib/row_lookup.c \
	src/mib/set_phases.c \
	src/mib/set_record.c \
	src/mib/set_record.h \
	src/mib/table.h \
	src/mib/value.c
