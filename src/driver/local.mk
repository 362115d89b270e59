noinst_LIBRARIES += src/driver/libdriver.a
src_driver_libdriver_a_SOURCES = \
	src/driver/difference.c \
	src/driver/difference.h \
	src/driver/driver.c \
	src/driver/driver.h \
	src/driver/driver_config.c \
	src/driver/driver_config.h \
	src/driver/foreign.c \
	src/driver/foreign.h \
	src/driver/health.c \
	src/driver/health.h \
	src/driver/measure.c \
	src/driver/measure.h \
	src/driver/driver_tree.c \
	src/driver/driver_tree.h \
	src/driver/plan.c \
	src/driver/plan.h \
	src/driver/plan_job.c \
	src/driver/plan_reason.c \
	src/driver/worker.c \
	src/driver/worker.h
