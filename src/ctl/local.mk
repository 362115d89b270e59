noinst_LIBRARIES += src/ctl/libctl.a
src_ctl_libctl_a_SOURCES = \
	src/ctl/complaints.c \
	src/ctl/complaints.h \
	src/ctl/ctl.c \
	src/ctl/ctl.h \
	src/ctl/discover.c \
	src/ctl/export.c \
	src/ctl/import.c \
	src/ctl/inventory.c \
	src/ctl/inventory.h \
	src/ctl/inventory_read.c \
	src/ctl/inventory_write.c \
	src/ctl/job.c \
	src/ctl/lines.c \
	src/ctl/lines.h \
	src/ctl/load.c \
	src/ctl/merge.c \
	src/ctl/merge.h \
	src/ctl/oid.c \
	src/ctl/out.c \
	src/ctl/out.h \
	src/ctl/parse.c \
	src/ctl/parse.h \
	src/ctl/progress.c \
	src/ctl/progress.h \
	src/ctl/read.c \
	src/ctl/remove.c \
	src/ctl/set.c
