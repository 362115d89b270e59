# The units, with their programs, under a systemd booted in a container: what "make
# check-systemd" runs, as root.

EXTRA_DIST += tests/systemd/boot tests/systemd/run tests/systemd/inside tests/systemd/cures \
	tests/systemd/readme tests/systemd/readme-prepare tests/systemd/readme-inside

check-systemd: all
	$(top_srcdir)/tests/systemd/run '$(abs_top_builddir)'
	$(top_srcdir)/tests/systemd/run '$(abs_top_builddir)' cures

# The commands of README, from the packages on, in such a container.
check-readme:
	$(top_srcdir)/tests/systemd/readme

# The tree on fresh installations of Debian releases: scripts/check-releases.
RELEASES = bookworm trixie
TRIAL = check
check-releases:
	$(top_srcdir)/scripts/check-releases -t $(TRIAL) $(RELEASES)

.PHONY: check-systemd check-readme check-releases
