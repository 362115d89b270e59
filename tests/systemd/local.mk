# "make check-systemd" runs the units and their programs under systemd in a container, as root.

EXTRA_DIST += tests/systemd/boot tests/systemd/run tests/systemd/inside tests/systemd/fixes \
	tests/systemd/readme tests/systemd/readme-prepare tests/systemd/readme-inside

check-systemd: all
	$(top_srcdir)/tests/systemd/run '$(abs_top_builddir)'
	$(top_srcdir)/tests/systemd/run '$(abs_top_builddir)' fixes

# Runs the commands of README in such a container, from the packages on.
check-readme:
	$(top_srcdir)/tests/systemd/readme

# Runs scripts/check-releases on fresh installations of Debian releases.
RELEASES = bookworm trixie
TRIAL = check
check-releases:
	$(top_srcdir)/scripts/check-releases -t $(TRIAL) $(RELEASES)

.PHONY: check-systemd check-readme check-releases
