# The units, with their programs, under a systemd booted in a container: what "make
# check-systemd" runs, as root.

EXTRA_DIST += tests/systemd/run tests/systemd/inside

check-systemd: all
	$(top_srcdir)/tests/systemd/run '$(abs_top_builddir)'

.PHONY: check-systemd
