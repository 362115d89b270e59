# The programs of "make bench". "make all" does not build them.

bench_programs = \
	tests/bench/agentx_driver \
	tests/bench/checks \
	tests/bench/no_ipvs.so \
	tests/bench/null_responder \
	tests/bench/snmp_client \
	tests/bench/stock_subagent

EXTRA_PROGRAMS += $(bench_programs)
CLEANFILES += $(bench_programs) bench.tsv bench.callgrind.out
EXTRA_DIST += \
	tests/bench/checks.py \
	tests/bench/common.py \
	tests/bench/fleet.py \
	tests/bench/placing.py \
	tests/bench/polling.py \
	tests/bench/reading.py \
	tests/bench/report.py \
	tests/bench/rows.py \
	tests/bench/run \
	tests/bench/subjects.py \
	tests/bench/writing.py

tests_bench_agentx_driver_SOURCES = tests/bench/agentx_driver.c tests/unit/agentx_pdu.c \
	tests/unit/agentx_pdu.h tests/unit/agentx_peer.c tests/unit/agentx_peer.h
tests_bench_agentx_driver_LDADD =
tests_bench_checks_LDADD = $(CHECK_LIBS)
tests_bench_no_ipvs_so_SOURCES = tests/bench/no_ipvs.c
tests_bench_no_ipvs_so_CFLAGS = -fPIC -Wall -Wextra $(NL_CFLAGS)
tests_bench_no_ipvs_so_LDFLAGS = -shared
tests_bench_no_ipvs_so_LDADD =
tests_bench_null_responder_LDADD = src/agentx/libagentx.a $(UTIL_LIBS) $(SNMP_LIBS)
tests_bench_snmp_client_SOURCES = tests/bench/snmp_client.c tests/bench/manager.c \
	tests/bench/manager.h
tests_bench_snmp_client_LDADD = $(SNMP_LIBS)
tests_bench_stock_subagent_LDADD = $(SNMP_LIBS)

# scripts/check builds these programs, because one of them replaces a room.
bench-programs: $(bench_programs)

# Prints rates, latency and memory, and writes bench.tsv. Options are in BENCH_FLAGS;
# BENCH=quick takes a minute.
bench: all bench-programs
	abs_top_builddir='$(abs_top_builddir)' PYTHON3='$(PYTHON3)' BENCH='$(BENCH)' \
	    $(PYTHON3) -B $(top_srcdir)/tests/bench/run $(BENCH_FLAGS)

# Prints the times of jobs with 1,000 HAProxys, half of which are mute.
bench-fleet: all
	PYTHONPATH=$(abs_top_srcdir)/tests/integration PYTHON3='$(PYTHON3)' \
	    $(top_srcdir)/tests/integration/run -b . $(abs_top_srcdir)/tests/bench/fleet.py

# Prints the CPU time of health checks, and of those of keepalived if it is installed; as root.
bench-checks: bench-programs
	unshare -n $(PYTHON3) -B $(top_srcdir)/tests/bench/checks.py

.PHONY: bench bench-checks bench-fleet bench-programs
