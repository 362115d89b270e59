noinst_LIBRARIES += src/plane/libplane.a
src_plane_libplane_a_SOURCES = \
	src/plane/plane.c \
	src/plane/plane.h

include src/plane/haproxy/local.mk
