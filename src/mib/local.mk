noinst_LIBRARIES += src/mib/libmib.a
src_mib_libmib_a_SOURCES = \
	src/mib/mib.h
