# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
"""lbclusterctl discover ipvs, with a table that ipvsadm made in the kernel of the guest.

    cd BUILDDIR && SRCDIR/tests/guest/run /usr/bin/python3 SRCDIR/tests/guest/test_discover.py
"""
import json
import subprocess
import tempfile
import unittest

TABLE = '''
-A -t 192.0.2.10:80 -s wrr -p 300 -M 255.255.255.0
-a -t 192.0.2.10:80 -r 10.0.0.11:8080 -m -w 10 -x 100 -y 80
-a -t 192.0.2.10:80 -r 10.0.0.12:8080 -m -w 0
-A -t [2001:db8::10]:443 -s mh -b mh-fallback,mh-port
-a -t [2001:db8::10]:443 -r [2001:db8::11]:443 -g -w 1
-a -t [2001:db8::10]:443 -r 10.0.0.12:443 -i -w 2
-A -u 192.0.2.10:53 -s sed -o
-a -u 192.0.2.10:53 -r 127.0.0.1:53 -g -w 1
-A -f 7 -s wlc
-a -f 7 -r 10.0.0.11 -g -w 65535
-A -f 7 -6 -s rr -p 60 -M 64
-a -f 7 -6 -r [2001:db8::11]:8080 -m -w 1
'''

# Rows of services and real services: parameters, then weights.
SERVICES = {
    'ipvs/tcp-192.0.2.10-80': {
        'scheduler': 'wrr', 'persistence': 300, 'persistence-mask': 24, 'check': 'connect'},
    'ipvs/tcp-2001-db8--10-443': {
        'scheduler': 'mh', 'hash-port': True, 'forward': 'tunnel', 'check': 'connect'},
    'ipvs/udp-192.0.2.10-53': {'scheduler': 'sed', 'one-packet': True, 'forward': 'dr'},
    'ipvs/fwmark-7-ipv4': {'forward': 'dr', 'fwmark': 7, 'check': 'none'},
    'ipvs/fwmark-7-ipv6': {
        'scheduler': 'rr', 'persistence': 60, 'persistence-mask': 64, 'fwmark': 7,
        'family': 'ipv6', 'check': 'connect'},
}
REALS = {
    'ipvs/tcp-192.0.2.10-80/10.0.0.11-8080':
        (10, {'max-connections': 100, 'min-connections': 80}),
    'ipvs/tcp-192.0.2.10-80/10.0.0.12-8080': (0, {}),
    'ipvs/tcp-2001-db8--10-443/10.0.0.12-443': (2, {}),
    'ipvs/tcp-2001-db8--10-443/2001-db8--11-443': (1, {'forward': 'dr'}),
    'ipvs/udp-192.0.2.10-53/127.0.0.1-53': (1, {}),
    'ipvs/fwmark-7-ipv4/10.0.0.11-0': (65535, {}),
    'ipvs/fwmark-7-ipv6/2001-db8--11-8080': (1, {}),
}


def ipvsadm(*args):
    return subprocess.run(['ipvsadm', *args], check=True, capture_output=True, text=True).stdout


class Discover(unittest.TestCase):
    def setUp(self):
        store = tempfile.TemporaryDirectory()
        self.addCleanup(store.cleanup)
        self.store = store.name + '/store'
        self.addCleanup(ipvsadm, '-C')

    def fill(self, table):
        subprocess.run(['ipvsadm', '-R'], input=table, check=True, text=True)

    def ctl(self, *args, status=0, **more):
        done = subprocess.run(['./lbclusterctl', '-s', self.store, *args], capture_output=True,
                              text=True, check=False, **more)
        self.assertEqual(status, done.returncode, done.stderr)
        return done

    def rows(self, *args):
        return json.loads(self.ctl('-f', 'json', 'list', *args).stdout)

    def test_rows_are_the_table(self):
        self.fill(TABLE)
        before = ipvsadm('-Sn')
        self.ctl('discover', 'ipvs', '--load')
        self.assertEqual(SERVICES, {row['path']: row['parameters'] for row in self.rows('ipvs')})
        self.assertEqual(REALS, {row['path']: (row['weight'], row['parameters'])
                                 for row in self.rows('-r')})
        self.assertEqual(before, ipvsadm('-Sn'))

    def test_the_printed_inventory_is_the_loaded_one(self):
        self.fill(TABLE)
        self.ctl('discover', 'ipvs', '--load')
        text = self.ctl('discover', 'ipvs').stdout
        done = self.ctl('load', '--dry-run', '--prune', '--reset', '-', input=text)
        self.assertEqual('added 0, updated 0, removed 0, unchanged 13\n', done.stdout)

    def test_what_no_row_can_express_is_named(self):
        self.fill('-A -t 192.0.2.10:80 -s rr\n'
                  '-a -t 192.0.2.10:80 -r 10.0.0.11:80 -i --tun-type gue --tun-port 5555\n'
                  '-a -t 192.0.2.10:80 -r 10.0.0.13:0 -m\n'
                  '-a -t 192.0.2.10:80 -r 10.0.0.14:80 -m -w 65536\n'
                  '-A -t 192.0.2.10:0 -s rr -p 300\n'
                  '-A -t 192.0.2.11:80 -s rr -p 300 -M 255.0.255.0\n')
        done = self.ctl('discover', 'ipvs', status=1)
        for line in ('tcp 192.0.2.10:80 to 10.0.0.11:80: its tunnel is not of the type ipip',
                     'tcp 192.0.2.10:80 to 10.0.0.13:0: its port is 0',
                     'tcp 192.0.2.10:80 to 10.0.0.14:80: its weight is above 65535',
                     'tcp-192.0.2.10-0: a service of plane ipvs needs a port',
                     'tcp 192.0.2.11:80: its netmask of persistence is not a prefix',
                     'left out: 5;'):
            self.assertIn(line, done.stderr)
        self.ctl('load', '-', input=done.stdout)

    def test_without_the_capability(self):
        self.fill(TABLE)
        done = subprocess.run(
            ['setpriv', '--reuid', '65534', '--clear-groups', '--inh-caps=-all',
             './lbclusterctl', 'discover', 'ipvs'], capture_output=True, text=True, check=False)
        self.assertEqual((1, ''), (done.returncode, done.stdout))
        self.assertIn('IPVS: Operation not permitted; run this command as root', done.stderr)


if __name__ == '__main__':
    unittest.main()
