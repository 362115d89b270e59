dist_man_MANS = \
	doc/LBCLUSTER-MIB.7 \
	doc/lbclusterctl.1 \
	doc/lbclusterd.8 \
	doc/lbclusterd.conf.5
