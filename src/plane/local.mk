noinst_LIBRARIES += src/plane/libplane.a
src_plane_libplane_a_SOURCES = \
	src/plane/params.c \
	src/plane/params.h \
	src/plane/param_rules.c \
	src/plane/param_rules.h \
	src/plane/plane.h

include src/plane/haproxy/local.mk
include src/plane/ipvs/local.mk
include src/plane/none/local.mk
