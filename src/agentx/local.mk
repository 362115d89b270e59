noinst_LIBRARIES += src/agentx/libagentx.a
src_agentx_libagentx_a_SOURCES = \
	src/agentx/agentx.h
