noinst_LIBRARIES += src/check/libcheck.a
src_check_libcheck_a_SOURCES = \
	src/check/check_command.c \
	src/check/check_connect.c \
	src/check/check_file.c \
	src/check/check_file.h \
	src/check/check_http.c \
	src/check/check_io.c \
	src/check/check_kinds.c \
	src/check/check_private.h \
	src/check/check_spec.c \
	src/check/check_spec.h \
	src/check/checks.c \
	src/check/checks.h \
	src/check/due_heap.c \
	src/check/due_heap.h \
	src/check/verdict.c \
	src/check/verdict.h
