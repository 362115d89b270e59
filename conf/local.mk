# The units are templates: @names@ are paths chosen by configure.

units = conf/lbclusterd.service conf/lbcluster-haproxy.service conf/lbcluster-ipvs.service \
	conf/lbcluster-checks.service
unit_templates = $(units:=.in)
configurations = lbclusterd.conf lbcluster-haproxy.conf lbcluster-ipvs.conf \
	lbcluster-checks.conf

$(units): $(unit_templates) Makefile
	$(AM_V_GEN)$(MKDIR_P) conf && \
	$(SED) -e 's|@sbindir[@]|$(sbindir)|g' '$(srcdir)/$@.in' > $@.tmp && \
	mv $@.tmp $@

setup = conf/lbcluster-setup-snmpd
sbin_SCRIPTS = $(setup)

$(setup): $(setup:=.in) Makefile
	$(AM_V_GEN)$(MKDIR_P) conf && \
	$(SED) -e 's|@pkgdatadir[@]|$(pkgdatadir)|g' '$(srcdir)/$@.in' > $@.tmp && \
	chmod +x $@.tmp && mv $@.tmp $@

EXTRA_DIST += $(setup:=.in) $(unit_templates) conf/lbclusterd.conf conf/lbcluster-haproxy.conf \
	conf/lbcluster-ipvs.conf conf/lbcluster-checks.conf conf/lbcluster.sysusers \
	conf/lbcluster.tmpfiles
CLEANFILES += $(units) $(setup)

nodist_unit_DATA = $(units)
dist_examples_DATA = conf/snmpd.conf.example conf/lbcluster-haproxy-tcp.conf.example \
	conf/lbclusterd-tcp.conf.example conf/sysctl-ipvs.conf.example conf/snmpd-cpu.conf.example \
	conf/postgresql-roles.sql \
	conf/sample.conf conf/sample-checks.conf conf/sample-ipvs.conf conf/sample-statistics.jsonl

# lbcluster-setup-snmpd reads it, also where documentation is not installed.
dist_pkgdata_DATA = conf/snmpd.conf.example

# A configuration that is there already is the administrator's.
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(lbcconfdir)' '$(DESTDIR)$(storedir)' '$(DESTDIR)$(sysusersdir)' \
	    '$(DESTDIR)$(tmpfilesdir)'
	chmod 2770 '$(DESTDIR)$(storedir)'
	for conf in $(configurations); do \
	    test -e '$(DESTDIR)$(lbcconfdir)'/$$conf || \
	    $(INSTALL_DATA) '$(srcdir)'/conf/$$conf '$(DESTDIR)$(lbcconfdir)'/$$conf || exit 1; \
	done
	$(INSTALL_DATA) '$(srcdir)/conf/lbcluster.sysusers' \
	    '$(DESTDIR)$(sysusersdir)/lbcluster.conf'
	$(INSTALL_DATA) '$(srcdir)/conf/lbcluster.tmpfiles' \
	    '$(DESTDIR)$(tmpfilesdir)/lbcluster.conf'

# Removes only configurations that were not changed, and the store only if it is empty.
uninstall-local:
	rm -f '$(DESTDIR)$(sysusersdir)/lbcluster.conf' '$(DESTDIR)$(tmpfilesdir)/lbcluster.conf'
	for conf in $(configurations); do \
	    if cmp -s '$(srcdir)'/conf/$$conf '$(DESTDIR)$(lbcconfdir)'/$$conf; then \
	    rm -f '$(DESTDIR)$(lbcconfdir)'/$$conf; fi; \
	done
	-rmdir '$(DESTDIR)$(lbcconfdir)' '$(DESTDIR)$(storedir)' 2>/dev/null
