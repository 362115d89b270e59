# Tests that need the kernel's IPVS run in a guest of qemu.

EXTRA_DIST += \
	tests/guest/bench_failover.py \
	tests/guest/bench_round.py \
	tests/guest/check \
	tests/guest/inside \
	tests/guest/ipvs_case.py \
	tests/guest/ipvs_network.py \
	tests/guest/record.py \
	tests/guest/run \
	tests/guest/test_discover.py \
	tests/guest/test_doctor_ipvs.py \
	tests/guest/test_ipvs.py \
	tests/guest/test_ipvs_failover.py \
	tests/guest/test_ipvs_owner.py \
	tests/guest/test_ipvs_set.py \
	tests/guest/test_ipvs_ways.py \
	tests/guest/test_migrate.py \
	tests/guest/test_network.py \
	tests/guest/test_readme_ipvs.py \
	tests/guest/test_vrrp.py
check_PROGRAMS += tests/guest/ipvs_kernel
tests_guest_ipvs_kernel_SOURCES = tests/guest/ipvs_kernel.c $(ipvs_steps)

check-guest: all tests/guest/ipvs_kernel
	$(top_srcdir)/tests/guest/check '$(abs_top_builddir)'

# Times of a failover, beside keepalived. TRIALS= is their number, SUBJECTS=keepalived one program.
TRIALS = 20
SUBJECTS =

bench-ipvs: all
	TRIALS='$(TRIALS)' SUBJECTS='$(SUBJECTS)' $(top_srcdir)/tests/guest/run -t 1200 \
	    $(abs_top_srcdir)/tests/integration/run -b '$(abs_top_builddir)' \
	    $(abs_top_srcdir)/tests/guest/bench_failover.py

# Times of rounds with 10,000 destinations, beside ipvsadm. GUEST_FLAGS=-i counts instructions.
GUEST_FLAGS =

bench-ipvs-round: all
	$(top_srcdir)/tests/guest/run $(GUEST_FLAGS) -t 1200 \
	    $(abs_top_srcdir)/tests/integration/run -b '$(abs_top_builddir)' \
	    $(abs_top_srcdir)/tests/guest/bench_round.py

.PHONY: bench-ipvs bench-ipvs-round check-guest
