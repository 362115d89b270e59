noinst_LIBRARIES += src/agentx/libagentx.a
src_agentx_libagentx_a_SOURCES = \
	src/agentx/agentx.c \
	src/agentx/agentx.h \
	src/agentx/libsnmp_log.c \
	src/agentx/libsnmp_log.h \
	src/agentx/notifier.c \
	src/agentx/notifier.h \
	src/agentx/reason.c \
	src/agentx/reason.h \
	src/agentx/responder.c \
	src/agentx/responder.h \
	src/agentx/stream.c \
	src/agentx/stream.h \
	src/agentx/wire.c \
	src/agentx/wire.h
