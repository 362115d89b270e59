# Fuzz targets (configure --enable-fuzzer): tests/fuzz/fuzz_NAME.c each. Without a
# fuzzer they run on their corpus.

fuzz_replays = tests/fuzz/replay_mib tests/fuzz/replay_haproxy
fuzz_mib = tests/fuzz/fuzz_mib.c tests/fuzz/fuzz.h $(mib_fixture)
tests_fuzz_replay_mib_SOURCES = $(fuzz_mib) tests/fuzz/replay.c
tests_fuzz_replay_mib_LDADD = $(mib_fixture_libs)
fuzz_haproxy = tests/fuzz/fuzz_haproxy.c tests/fuzz/fuzz.h
tests_fuzz_replay_haproxy_SOURCES = $(fuzz_haproxy) tests/fuzz/replay.c
tests_fuzz_replay_haproxy_LDADD = $(PLANE_LIBS)

check_PROGRAMS += $(fuzz_replays)
TESTS += $(fuzz_replays)
EXTRA_DIST += tests/fuzz/corpus

if FUZZER
fuzz_targets = tests/fuzz/fuzz_mib tests/fuzz/fuzz_haproxy
tests_fuzz_fuzz_mib_SOURCES = $(fuzz_mib)
tests_fuzz_fuzz_mib_LDADD = $(mib_fixture_libs)
tests_fuzz_fuzz_mib_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_haproxy_SOURCES = $(fuzz_haproxy)
tests_fuzz_fuzz_haproxy_LDADD = $(PLANE_LIBS)
tests_fuzz_fuzz_haproxy_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
noinst_PROGRAMS += $(fuzz_targets)
endif
