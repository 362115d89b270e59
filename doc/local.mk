dist_man_MANS = \
	doc/LBCLUSTER-MIB.7 \
	doc/lbcluster-checks.8 \
	doc/lbcluster-checks.conf.5 \
	doc/lbcluster-haproxy.8 \
	doc/lbcluster-haproxy.conf.5 \
	doc/lbcluster-ipvs-migrate.7 \
	doc/lbcluster-ipvs.8 \
	doc/lbcluster-ipvs.conf.5 \
	doc/lbcluster-nms.7 \
	doc/lbcluster-promises.7 doc/lbcluster-setup-snmpd.8 \
	doc/lbcluster-store.5 \
	doc/lbclusterctl.1 \
	doc/lbclusterd.8 \
	doc/lbclusterd.conf.5
