noinst_LIBRARIES += src/model/libmodel.a
src_model_libmodel_a_SOURCES = \
	src/model/address.c \
	src/model/address.h \
	src/model/model.c \
	src/model/model.h \
	src/model/oid.h \
	src/model/rules.c \
	src/model/rules.h \
	src/model/status.c \
	src/model/status.h
