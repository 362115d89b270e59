noinst_LIBRARIES += src/plane/haproxy/libhaproxy.a
src_plane_haproxy_libhaproxy_a_SOURCES = \
	src/plane/haproxy/haproxy.c \
	src/plane/haproxy/haproxy.h \
	src/plane/haproxy/haproxy_answer.c \
	src/plane/haproxy/haproxy_answer.h \
	src/plane/haproxy/haproxy_command.c \
	src/plane/haproxy/haproxy_command.h \
	src/plane/haproxy/haproxy_endpoint.c \
	src/plane/haproxy/haproxy_endpoint.h \
	src/plane/haproxy/haproxy_match.c \
	src/plane/haproxy/haproxy_match.h \
	src/plane/haproxy/haproxy_process.c \
	src/plane/haproxy/haproxy_process.h \
	src/plane/haproxy/haproxy_server.c \
	src/plane/haproxy/haproxy_socket.c \
	src/plane/haproxy/haproxy_socket.h \
	src/plane/haproxy/haproxy_table.c \
	src/plane/haproxy/haproxy_table.h \
	src/plane/haproxy/haproxy_text.c \
	src/plane/haproxy/haproxy_text.h
