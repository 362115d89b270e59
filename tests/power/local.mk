# Power cuts: what the store writes and syncs is recorded, and played again up to a cut.

power_test = tests/power/test_power
tests_power_test_power_SOURCES = tests/power/test_power.c \
	tests/power/cut.c tests/power/cut.h \
	tests/power/judge.c tests/power/judge.h \
	tests/power/play.c tests/power/play.h \
	tests/power/remains.c tests/power/remains.h \
	tests/power/scene.c tests/power/scene.h \
	tests/power/tape.c tests/power/tape.h \
	tests/power/works.c tests/power/works.h tests/power/works_files.c
tests_power_test_power_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_power_test_power_LDFLAGS = $(store_fixture_ldflags) -Wl,--wrap=sqlite3_prepare_v3

check_PROGRAMS += $(power_test)
TESTS += $(power_test)

# Many disks at each cut, and how many there were. Some minutes.
POWER_VARIANTS = 50
power: $(power_test)
	POWER_VARIANTS='$(POWER_VARIANTS)' $(power_test)

.PHONY: power
