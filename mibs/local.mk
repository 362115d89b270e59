# The MIB goes where net-snmp looks; the base modules go to a place of their own,
# because they must never hide the real ones.

dist_mib_DATA = mibs/LBCLUSTER-MIB.txt

dist_mibbase_DATA = \
	mibs/base/INET-ADDRESS-MIB.txt \
	mibs/base/SNMP-FRAMEWORK-MIB.txt \
	mibs/base/SNMPv2-CONF.txt \
	mibs/base/SNMPv2-MIB.txt \
	mibs/base/SNMPv2-SMI.txt \
	mibs/base/SNMPv2-TC.txt
