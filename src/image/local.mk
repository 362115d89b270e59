noinst_LIBRARIES += src/image/libimage.a
src_image_libimage_a_SOURCES = \
	src/image/derive.c \
	src/image/events.c \
	src/image/image.c \
	src/image/image.h \
	src/image/inside.h \
	src/image/jobs.c \
	src/image/list.c \
	src/image/list.h \
	src/image/rows.c
