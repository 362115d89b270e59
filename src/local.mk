# The programs: a main each, and the rooms.

sbin_PROGRAMS += lbclusterd
lbclusterd_SOURCES = src/lbclusterd.c
lbclusterd_LDADD = $(DAEMON_LIBS)

sbin_PROGRAMS += lbcluster-haproxy
lbcluster_haproxy_SOURCES = src/lbcluster-haproxy.c
lbcluster_haproxy_LDADD = src/plane/haproxy/libhaproxy.a $(DRIVER_LIBS)

sbin_PROGRAMS += lbcluster-ipvs
lbcluster_ipvs_SOURCES = src/lbcluster-ipvs.c
lbcluster_ipvs_LDADD = src/plane/ipvs/libipvs.a $(DRIVER_LIBS) $(NL_LIBS) $(CURL_LIBS)

sbin_PROGRAMS += lbcluster-checks
lbcluster_checks_SOURCES = src/lbcluster-checks.c
lbcluster_checks_LDADD = src/plane/none/libnone.a $(DRIVER_LIBS) $(CURL_LIBS)

bin_PROGRAMS += lbclusterctl
lbclusterctl_SOURCES = src/lbclusterctl.c
lbclusterctl_LDADD = $(CTL_LIBS)
