# Builds the Debian packages in fresh roots and installs, upgrades, removes and purges them in
# booted systems. Needs root, the network and a quarter of an hour for each release.

packages_sql = tests/packages/lbcluster-0.1.0.sql tests/packages/lbcluster-stats-0.1.0.sql
EXTRA_DIST += tests/packages/check tests/packages/inside tests/packages/prepare $(packages_sql)

check-packages:
	$(top_srcdir)/scripts/package -o packages $(RELEASES)
	$(top_srcdir)/tests/packages/check -o packages $(RELEASES)

.PHONY: check-packages
