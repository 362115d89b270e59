noinst_LIBRARIES += src/plane/none/libnone.a
src_plane_none_libnone_a_SOURCES = \
	src/plane/none/none.c \
	src/plane/none/none.h
