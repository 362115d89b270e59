# The tests of "make check". 77 as exit status is a skipped test.

# -- unit tests: cmocka, a program each of tests/unit/NAME.c, linked with the room
# it tests. A new one is two lines:
#
#     unit_tests += tests/unit/test_num
#     tests_unit_test_num_LDADD = $(UTIL_LIBS) $(CMOCKA_LIBS)

unit_tests =

check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

# -- integration tests: Python, through a real snmpd. Each test_*.py is a test; what
# they share is only distributed.

TEST_EXTENSIONS = .py
PY_LOG_COMPILER = $(top_srcdir)/tests/integration/run

integration_tests =

TESTS += $(integration_tests)
EXTRA_DIST += $(integration_tests)

# -- the tree itself

TESTS += scripts/check-includes scripts/lint-man scripts/lint-mib

# -- what a test finds in its environment, all absolute. Tests run in the build
# directory; the source directory may be read-only.

AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	PYTHON3='$(PYTHON3)'; export PYTHON3; \
	PYTHONDONTWRITEBYTECODE=1; export PYTHONDONTWRITEBYTECODE; \
	PATH="$$PATH:/usr/sbin:/sbin"; export PATH; \
	ASAN_OPTIONS="$${ASAN_OPTIONS-detect_leaks=1:abort_on_error=0}"; export ASAN_OPTIONS; \
	UBSAN_OPTIONS="$${UBSAN_OPTIONS-print_stacktrace=1}"; export UBSAN_OPTIONS;

# -- fuzz targets (configure --enable-fuzzer): tests/fuzz/fuzz_NAME.c each

if FUZZER
fuzz_targets =
noinst_PROGRAMS += $(fuzz_targets)
endif
