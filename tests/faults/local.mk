# The Nth read, write, sync, open or allocation fails, for each N. "make check" tries some N,
# "make faults" all of them.

faults_tests = tests/faults/test_store_faults
tests_faults_test_store_faults_SOURCES = tests/faults/test_store_faults.c \
	tests/faults/faults.c tests/faults/faults.h \
	tests/faults/operations.c tests/faults/operations.h \
	tests/faults/picture.c tests/faults/picture.h \
	tests/faults/system.c tests/faults/system.h
tests_faults_test_store_faults_LDFLAGS = $(store_fixture_ldflags) \
	-Wl,--wrap=open,--wrap=__open_2,--wrap=link,--wrap=mkdir,--wrap=fsync,--wrap=sync_within

faults_tests += tests/faults/test_files
tests_faults_test_files_LDFLAGS = $(store_fixture_ldflags)

faults_tests += tests/faults/test_request_memory
tests_faults_test_request_memory_SOURCES = tests/faults/test_request_memory.c \
	tests/faults/any_memory.c tests/faults/any_memory.h $(agentx_real)

check_PROGRAMS += $(faults_tests)
TESTS += $(faults_tests)

# All faults, and their counts.
faults: $(faults_tests)
	for test in $(faults_tests); do FAULTS_ALL=1 $$test || exit 1; done

.PHONY: faults
