# Power cuts: the operations on the disk are recorded, and repeated up to each cut.

power_test = tests/power/test_power
tests_power_test_power_SOURCES = tests/power/test_power.c \
	tests/power/cut.c tests/power/cut.h \
	tests/power/record.c tests/power/record.h \
	tests/power/subject.c tests/power/subject.h \
	tests/power/workloads.c tests/power/workloads.h
tests_power_test_power_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_power_test_power_LDFLAGS = $(store_fixture_ldflags)

check_PROGRAMS += $(power_test)

# Many disks at each cut. Takes some minutes.
POWER_VARIANTS = 50
power: $(power_test)
	POWER_VARIANTS='$(POWER_VARIANTS)' $(power_test)

.PHONY: power
