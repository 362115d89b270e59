# What "make bench" runs. Nothing here is built by "make all".

bench_programs = \
	tests/bench/agentx_driver \
	tests/bench/bare_sqlite \
	tests/bench/loaded.so \
	tests/bench/null_responder \
	tests/bench/snmp_client \
	tests/bench/stock_subagent

EXTRA_PROGRAMS += $(bench_programs)
CLEANFILES += $(bench_programs) bench.tsv bench.callgrind.out
EXTRA_DIST += \
	tests/bench/common.py \
	tests/bench/pass_persist \
	tests/bench/reading.py \
	tests/bench/report.py \
	tests/bench/rows.py \
	tests/bench/run \
	tests/bench/subjects.py \
	tests/bench/writing.py

tests_bench_agentx_driver_SOURCES = tests/bench/agentx_driver.c tests/unit/agentx_pdu.c \
	tests/unit/agentx_pdu.h tests/unit/agentx_peer.c tests/unit/agentx_peer.h
tests_bench_agentx_driver_LDADD =
tests_bench_bare_sqlite_LDADD = $(SQLITE_LIBS)
tests_bench_null_responder_LDADD = src/agentx/libagentx.a $(UTIL_LIBS) $(SNMP_LIBS)
tests_bench_snmp_client_SOURCES = tests/bench/snmp_client.c tests/bench/manager.c \
	tests/bench/manager.h
tests_bench_snmp_client_LDADD = $(SNMP_LIBS)
tests_bench_stock_subagent_LDADD = $(SNMP_LIBS)

# A module for snmpd's dlmod: the rooms again, as position-independent code.
EXTRA_LIBRARIES = tests/bench/librooms.a
tests_bench_librooms_a_SOURCES = \
	$(src_util_libutil_a_SOURCES) $(src_model_libmodel_a_SOURCES) \
	$(src_store_libstore_a_SOURCES) $(src_tree_libtree_a_SOURCES) \
	$(src_cache_libcache_a_SOURCES) \
	$(src_mib_libmib_a_SOURCES)
tests_bench_librooms_a_CFLAGS = $(AM_CFLAGS) -fPIC
tests_bench_loaded_so_SOURCES = tests/bench/loaded.c
tests_bench_loaded_so_CFLAGS = $(AM_CFLAGS) -fPIC
tests_bench_loaded_so_LDFLAGS = -shared -Wl,--as-needed -Wl,-z,defs
tests_bench_loaded_so_LDADD = tests/bench/librooms.a $(SQLITE_LIBS) $(JANSSON_LIBS) \
	$(CONFUSE_LIBS) $(SYSTEMD_LIBS) $(SNMP_LIBS)

# Whether it still builds, which scripts/check asks: some of it stands in for a room.
bench-programs: $(bench_programs)

# Rates, latency, memory; one table, and bench.tsv. Options in BENCH_FLAGS;
# BENCH=quick is done within a minute.
bench: all bench-programs
	abs_top_builddir='$(abs_top_builddir)' PYTHON3='$(PYTHON3)' BENCH='$(BENCH)' \
	    $(PYTHON3) -B $(top_srcdir)/tests/bench/run $(BENCH_FLAGS)

.PHONY: bench bench-programs
