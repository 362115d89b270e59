# Fuzz targets: each tests/fuzz/fuzz_NAME.c is linked twice. replay_NAME runs the corpus in
# "make check"; fuzz_NAME (configure --enable-fuzzer) searches for more inputs.

fuzz_common = tests/fuzz/fuzz.c tests/fuzz/fuzz.h
fuzz_replay = tests/fuzz/replay.c
fuzz_ctl = tests/fuzz/ctl_run.c tests/fuzz/ctl_run.h
fuzz_world = tests/fuzz/world.c tests/fuzz/world.h $(mib_fixture)
fuzz_ldflags = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_agentx = tests/fuzz/fuzz_agentx.c tests/fuzz/master.c tests/fuzz/master.h \
	$(fuzz_world) $(fuzz_common)
fuzz_agentx_ldflags = -Wl,--wrap=dial_begin,--wrap=wire_decode,--wrap=getgrgid
tests_fuzz_replay_agentx_SOURCES = $(fuzz_agentx) $(fuzz_replay)
tests_fuzz_replay_agentx_LDFLAGS = $(AM_LDFLAGS) $(fuzz_agentx_ldflags)
tests_fuzz_fuzz_agentx_SOURCES = $(fuzz_agentx)
tests_fuzz_fuzz_agentx_LDFLAGS = $(fuzz_ldflags) $(fuzz_agentx_ldflags)

fuzz_config = tests/fuzz/fuzz_config.c $(fuzz_common)
tests_fuzz_replay_config_SOURCES = $(fuzz_config) $(fuzz_replay)
tests_fuzz_fuzz_config_SOURCES = $(fuzz_config)
tests_fuzz_fuzz_config_LDFLAGS = $(fuzz_ldflags)

fuzz_haproxy = tests/fuzz/fuzz_haproxy.c $(fuzz_common)
tests_fuzz_replay_haproxy_SOURCES = $(fuzz_haproxy) $(fuzz_replay)
tests_fuzz_fuzz_haproxy_SOURCES = $(fuzz_haproxy)
tests_fuzz_fuzz_haproxy_LDFLAGS = $(fuzz_ldflags)

fuzz_import = tests/fuzz/fuzz_import.c $(fuzz_ctl) $(fuzz_common)
tests_fuzz_replay_import_SOURCES = $(fuzz_import) $(fuzz_replay)
tests_fuzz_fuzz_import_SOURCES = $(fuzz_import)
tests_fuzz_fuzz_import_LDFLAGS = $(fuzz_ldflags)

fuzz_inventory = tests/fuzz/fuzz_inventory.c $(fuzz_ctl) $(fuzz_common)
tests_fuzz_replay_inventory_SOURCES = $(fuzz_inventory) $(fuzz_replay)
tests_fuzz_fuzz_inventory_SOURCES = $(fuzz_inventory)
tests_fuzz_fuzz_inventory_LDFLAGS = $(fuzz_ldflags)

fuzz_ipvs = tests/fuzz/fuzz_ipvs.c $(fuzz_common)
tests_fuzz_replay_ipvs_SOURCES = $(fuzz_ipvs) $(fuzz_replay)
tests_fuzz_fuzz_ipvs_SOURCES = $(fuzz_ipvs)
tests_fuzz_fuzz_ipvs_LDFLAGS = $(fuzz_ldflags)

fuzz_ldirectord = tests/fuzz/fuzz_ldirectord.c $(fuzz_ctl) $(fuzz_common)
fuzz_ldirectord_ldflags = -Wl,--wrap=getaddrinfo
tests_fuzz_replay_ldirectord_SOURCES = $(fuzz_ldirectord) $(fuzz_replay)
tests_fuzz_replay_ldirectord_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldirectord_ldflags)
tests_fuzz_fuzz_ldirectord_SOURCES = $(fuzz_ldirectord)
tests_fuzz_fuzz_ldirectord_LDFLAGS = $(fuzz_ldflags) $(fuzz_ldirectord_ldflags)

fuzz_mib = tests/fuzz/fuzz_mib.c $(fuzz_world) $(fuzz_common)
tests_fuzz_replay_mib_SOURCES = $(fuzz_mib) $(fuzz_replay)
tests_fuzz_fuzz_mib_SOURCES = $(fuzz_mib)
tests_fuzz_fuzz_mib_LDFLAGS = $(fuzz_ldflags)

fuzz_oid = tests/fuzz/fuzz_oid.c $(fuzz_world) $(fuzz_common)
tests_fuzz_replay_oid_SOURCES = $(fuzz_oid) $(fuzz_replay)
tests_fuzz_fuzz_oid_SOURCES = $(fuzz_oid)
tests_fuzz_fuzz_oid_LDFLAGS = $(fuzz_ldflags)

fuzz_store = tests/fuzz/fuzz_store.c tests/fuzz/loose.c tests/fuzz/loose.h \
	$(fuzz_ctl) $(fuzz_common)
tests_fuzz_replay_store_SOURCES = $(fuzz_store) $(fuzz_replay)
tests_fuzz_fuzz_store_SOURCES = $(fuzz_store)
tests_fuzz_fuzz_store_LDFLAGS = $(fuzz_ldflags)

fuzz_text = tests/fuzz/fuzz_text.c $(fuzz_world) $(fuzz_common)
tests_fuzz_replay_text_SOURCES = $(fuzz_text) $(fuzz_replay)
tests_fuzz_fuzz_text_SOURCES = $(fuzz_text)
tests_fuzz_fuzz_text_LDFLAGS = $(fuzz_ldflags)

fuzz_replays = tests/fuzz/replay_agentx tests/fuzz/replay_config tests/fuzz/replay_haproxy \
	tests/fuzz/replay_import tests/fuzz/replay_inventory tests/fuzz/replay_ipvs \
	tests/fuzz/replay_ldirectord tests/fuzz/replay_mib \
	tests/fuzz/replay_oid tests/fuzz/replay_store tests/fuzz/replay_text
check_PROGRAMS += $(fuzz_replays)
TESTS += $(fuzz_replays)
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/dict

if FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_agentx tests/fuzz/fuzz_config tests/fuzz/fuzz_haproxy \
	tests/fuzz/fuzz_import tests/fuzz/fuzz_inventory tests/fuzz/fuzz_ipvs \
	tests/fuzz/fuzz_ldirectord tests/fuzz/fuzz_mib \
	tests/fuzz/fuzz_oid tests/fuzz/fuzz_store tests/fuzz/fuzz_text
endif

# Runs all targets, or FUZZ_TARGETS="mib oid", for FUZZ_SECONDS each. Builds with clang if
# this build has no fuzzer.
FUZZ_SECONDS = 60
FUZZ_TARGETS =
EXTRA_DIST += tests/fuzz/run

fuzz:
	FUZZ_SECONDS='$(FUZZ_SECONDS)' $(top_srcdir)/tests/fuzz/run . $(FUZZ_TARGETS)

.PHONY: fuzz
