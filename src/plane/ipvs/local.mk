noinst_LIBRARIES += src/plane/ipvs/libipvs.a
src_plane_ipvs_libipvs_a_SOURCES = \
	src/plane/ipvs/ipvs.c \
	src/plane/ipvs/ipvs.h \
	src/plane/ipvs/ipvs_answer.c \
	src/plane/ipvs/ipvs_answer.h \
	src/plane/ipvs/ipvs_apply.c \
	src/plane/ipvs/ipvs_changes.c \
	src/plane/ipvs/ipvs_failure.c \
	src/plane/ipvs/ipvs_failure.h \
	src/plane/ipvs/ipvs_key.c \
	src/plane/ipvs/ipvs_key.h \
	src/plane/ipvs/ipvs_message.c \
	src/plane/ipvs/ipvs_message.h \
	src/plane/ipvs/ipvs_owned.c \
	src/plane/ipvs/ipvs_owned.h \
	src/plane/ipvs/ipvs_plane.c \
	src/plane/ipvs/ipvs_private.h \
	src/plane/ipvs/ipvs_read.c \
	src/plane/ipvs/ipvs_rows.c \
	src/plane/ipvs/ipvs_rows.h \
	src/plane/ipvs/ipvs_socket.c \
	src/plane/ipvs/ipvs_socket.h \
	src/plane/ipvs/ipvs_sysctl.c \
	src/plane/ipvs/ipvs_sysctl.h \
	src/plane/ipvs/ipvs_table.c \
	src/plane/ipvs/ipvs_table.h \
	src/plane/ipvs/ipvs_withdraw.c
