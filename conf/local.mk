# The unit is a template: @names@ are paths chosen by configure.

conf/lbclusterd.service: conf/lbclusterd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) conf && \
	$(SED) -e 's|@sbindir[@]|$(sbindir)|g' '$(srcdir)/conf/lbclusterd.service.in' > $@.tmp && \
	mv $@.tmp $@

EXTRA_DIST += conf/lbclusterd.conf conf/lbclusterd.service.in conf/lbcluster.sysusers
CLEANFILES += conf/lbclusterd.service

nodist_unit_DATA = conf/lbclusterd.service
dist_examples_DATA = conf/snmpd.conf.example conf/sample.conf conf/sample-statistics.jsonl

# A configuration that is there already is the administrator's.
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(lbcconfdir)' '$(DESTDIR)$(storedir)' '$(DESTDIR)$(sysusersdir)'
	chmod 0770 '$(DESTDIR)$(storedir)'
	test -e '$(DESTDIR)$(lbcconfdir)/lbclusterd.conf' || \
	    $(INSTALL_DATA) '$(srcdir)/conf/lbclusterd.conf' '$(DESTDIR)$(lbcconfdir)/lbclusterd.conf'
	$(INSTALL_DATA) '$(srcdir)/conf/lbcluster.sysusers' '$(DESTDIR)$(sysusersdir)/lbcluster.conf'

# Only what was not changed goes; a store with anything in it stays.
uninstall-local:
	rm -f '$(DESTDIR)$(sysusersdir)/lbcluster.conf'
	if cmp -s '$(srcdir)/conf/lbclusterd.conf' '$(DESTDIR)$(lbcconfdir)/lbclusterd.conf'; then \
	    rm -f '$(DESTDIR)$(lbcconfdir)/lbclusterd.conf'; fi
	-rmdir '$(DESTDIR)$(lbcconfdir)' '$(DESTDIR)$(storedir)' 2>/dev/null
