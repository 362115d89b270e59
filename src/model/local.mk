noinst_LIBRARIES += src/model/libmodel.a
src_model_libmodel_a_SOURCES = \
	src/model/address.h \
	src/model/model.h \
	src/model/rules.h \
	src/model/status.h
