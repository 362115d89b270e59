# Long trials with the real programs: "make torture", "make load" and "make soak".

# -- load: many managers at once ----------------------------------------------------

EXTRA_PROGRAMS += tests/torture/load_client
CLEANFILES += tests/torture/load_client
EXTRA_DIST += tests/torture/load.py tests/torture/load_watch.py tests/torture/soak.py

tests_torture_load_client_SOURCES = tests/torture/load_client.c tests/bench/manager.c \
	tests/bench/manager.h
tests_torture_load_client_LDADD = $(SNMP_LIBS)

# "make load SECONDS=60": these may be set on the command line of make.
SECONDS = 600
HOURS = 8
POLLERS = 50
SETTERS = 4
SIZE = 2000

LOAD_RUN = SET_CLOCK_SO='$(abs_top_builddir)/tests/integration/set_clock.so' \
	LOAD_CLIENT='$(abs_top_builddir)/tests/torture/load_client' \
	top_builddir='$(abs_top_builddir)' PYTHON3='$(PYTHON3)' \
	$(top_srcdir)/tests/integration/run $(top_srcdir)/tests/torture/load.py \
	--pollers $(POLLERS) --setters $(SETTERS) --size $(SIZE)

# Fails on an error or on growth; prints percentiles.
load: all tests/torture/load_client
	$(LOAD_RUN) --seconds $(SECONDS)

# Does the same for HOURS, with restarts, changes of inventories, steps of the clock and locks.
soak: all tests/torture/load_client tests/integration/set_clock.so
	$(LOAD_RUN) --soak --hours $(HOURS)

# The number of restarts of snmpd, and of lbclusterd, under managers that set.
RESTARTS = 120

restarts: all
	LBCLUSTER_TESTS_RESTARTS=$(RESTARTS) top_builddir='$(abs_top_builddir)' \
	    PYTHON3='$(PYTHON3)' $(top_srcdir)/tests/integration/run \
	    $(top_srcdir)/tests/integration/test_restarts.py

# -- torture: programs are killed at random moments under a stream of SETs -----------

TESTS += tests/torture/test_judge.py tests/torture/test_torture.py
EXTRA_DIST += \
	tests/torture/history.py \
	tests/torture/invariants.py \
	tests/torture/layout.py \
	tests/torture/planes.py \
	tests/torture/test_judge.py \
	tests/torture/test_torture.py \
	tests/torture/torture.py \
	tests/torture/trial.py \
	tests/torture/victims.py \
	tests/torture/writers.py

# "make torture ROUNDS=100 KINDS=snmpd" ends after ROUNDS, or after LIMIT seconds. Without SEED
# each run uses another one, without KINDS it has all kinds of victims.py.
ROUNDS = 2000
LIMIT = 900
SEED =
KINDS =

torture: all
	ROUNDS='$(ROUNDS)' LIMIT='$(LIMIT)' SEED='$(SEED)' KINDS='$(KINDS)' \
		top_builddir='$(abs_top_builddir)' PYTHON3='$(PYTHON3)' \
		$(top_srcdir)/tests/integration/run $(top_srcdir)/tests/torture/torture.py

# The same with the kernel's IPVS, in the guest.
torture-ipvs: all
	ROUNDS='$(ROUNDS)' LIMIT='$(LIMIT)' SEED='$(SEED)' KINDS='$(KINDS)' PLANE=ipvs \
		LBCLUSTER_TESTS_TIMEOUT_FACTOR=3 \
		$(top_srcdir)/tests/guest/run -t $$(($(LIMIT) + 120)) \
		$(abs_top_srcdir)/tests/integration/run -b '$(abs_top_builddir)' \
		$(abs_top_srcdir)/tests/torture/torture.py

# -- phases: every sequence of the phases of a SET, up to a length ---------------------

# "make torture-phases LENGTH=5 SEQUENCES=10000" plays all sequences of up to LENGTH events, of
# which there are 15 kinds, and SEQUENCES random ones that are longer.
LENGTH = 4
SEQUENCES = 2000

torture-phases: tests/unit/test_phases
	LBCLUSTER_PHASES_LENGTH='$(LENGTH)' LBCLUSTER_PHASES_RANDOM='$(SEQUENCES)' \
		tests/unit/test_phases

.PHONY: load soak restarts torture torture-ipvs torture-phases
