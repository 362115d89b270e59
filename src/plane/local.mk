noinst_LIBRARIES += src/plane/libplane.a
src_plane_libplane_a_SOURCES = \
	src/plane/haproxy.c \
	src/plane/haproxy.h \
	src/plane/haproxy_answer.c \
	src/plane/haproxy_answer.h \
	src/plane/haproxy_command.c \
	src/plane/haproxy_command.h \
	src/plane/haproxy_csv.c \
	src/plane/haproxy_csv.h \
	src/plane/haproxy_endpoint.c \
	src/plane/haproxy_endpoint.h \
	src/plane/haproxy_process.c \
	src/plane/haproxy_process.h \
	src/plane/haproxy_server.c \
	src/plane/haproxy_socket.c \
	src/plane/haproxy_socket.h \
	src/plane/haproxy_state.c \
	src/plane/haproxy_state.h \
	src/plane/plane.c \
	src/plane/plane.h
