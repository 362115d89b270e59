# Files for network management systems, installed with the examples; lbcluster-nms(7).

nmsdir = $(examplesdir)
nobase_dist_nms_DATA = \
	integrations/cacti/lbcluster_service.xml \
	integrations/collectd/lbcluster.conf \
	integrations/grafana/lbcluster.json \
	integrations/librenms/os_detection/lbcluster.yaml \
	integrations/librenms/os_discovery/lbcluster.yaml \
	integrations/nagios/icinga2.conf \
	integrations/prometheus/auth.yml \
	integrations/prometheus/generator.yml \
	integrations/prometheus/lbcluster.rules.test.yml \
	integrations/prometheus/lbcluster.rules.yml \
	integrations/prometheus/prometheus.yml \
	integrations/prometheus/snmp-0.22.yml \
	integrations/prometheus/snmp.yml \
	integrations/telegraf/lbcluster.conf \
	integrations/zabbix/lbcluster.yaml \
	$(nms_scripts)

# Installed without execute permission, because rpm adds the Perl modules of an executable file to
# the dependencies of lbcluster.
nms_scripts = \
	integrations/mrtg/mrtg-lbcluster \
	integrations/munin/snmp__lbcluster \
	integrations/nagios/check_lbcluster \
	integrations/zabbix/trap-to-zabbix

nms_checks = \
	integrations/collectd/check \
	integrations/grafana/check \
	integrations/grafana/draw.tsx \
	integrations/grafana/make \
	integrations/grafana/package.json \
	integrations/grafana/queries.py \
	integrations/librenms/check \
	integrations/mrtg/check \
	integrations/munin/check \
	integrations/nagios/check \
	integrations/prometheus/check \
	integrations/telegraf/check \
	integrations/zabbix/api.py \
	integrations/zabbix/check \
	integrations/zabbix/make
EXTRA_DIST += integrations/check integrations/rig.sh $(nms_checks)

# Each of these files with its program, if it is installed, and a private snmpd and lbclusterd.
check-nms: lbclusterd lbclusterctl lbcluster-haproxy
	BUILD=. SCHEMA=yes $(top_srcdir)/integrations/check all

.PHONY: check-nms
