# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Tests conf/snmpd.conf.example with the users that it creates: what the operator may SET, what
# the monitor and the poller may read, and that no other user reads or sets anything. A refused
# SET must not reach lbclusterd.
"""Access control of the example of snmpd.conf."""

import os
import re
import subprocess

import mib
from agentx import Proxy
from harness import LBCLUSTERCTL, TIMEOUT_FACTOR, Case, main, new_directory, wait_for
from snmp import SHA_256, Client, ClientV3, Timeout, oid_text

_EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        '..', '..', 'conf', 'snmpd.conf.example')

_README = os.path.join(os.path.dirname(_EXAMPLE), '..', 'README')

INVENTORY = """
cluster web { plane = none  service http { address = 192.0.2.10  port = 80
    real a { address = 10.0.0.1  port = 80  weight = 10 }
    real b { address = 10.0.0.2  port = 80  weight = 10 } } }
"""
MEASURED = dict(path='web/http/a', active=True, active_connections=1, inactive_connections=1,
                persistent_connections=1, connections_per_second=1, bps_in=1, bps_out=1,
                pps_in=1, pps_out=1)

WEIGHT = mib.oid('lbcRealWeight', 1, 1, 1)
NAME = mib.oid('lbcRealName', 1, 1, 1)
HIDDEN = (1, 3, 6, 1, 2, 1, 11, 1, 0)       # snmpInPkts of snmpd, outside of the view
SYSTEM = (1, 3, 6, 1, 2, 1, 1, 5, 0)        # sysName

# All objects that SNMP can write; the write view of the example has all of them.
WRITABLE = {name for name, access in mib.ACCESS.items() if access == 'read-write'}

LETTERS = {'INTEGER': 'i', 'STRING': 's', 'OID': 'o', 'Counter32': 'c', 'Gauge32': 'u',
           'Timeticks': 't', 'Counter64': 'C'}


def example():
    """(snmpd.conf, {user: (passphrase, passphrase)}) from the example: the community is
    enabled, the users are created, and the group is a number, because it may not exist."""
    with open(_EXAMPLE, encoding='ascii') as file:
        text = file.read()
    users = re.findall(r"^#     '(createUser (\w+) SHA-256 \"(.+?)\" AES \"(.+?)\")'", text, re.M)
    text = text.replace('#rocommunity CHANGE-ME', 'rocommunity poller')
    text = re.sub(r'^(agentXPerms \d+ \d+) .*', r'\1', text, flags=re.M)
    text += ''.join(user[0] + '\n' for user in users)
    return text, {user[1]: user[2:] for user in users}


class AccessCase(Case):
    """snmpd with the example, and a proxy that records what reaches lbclusterd."""

    @classmethod
    def setUpClass(cls):
        cls.conf, cls.users = example()
        cls.inventory = INVENTORY
        super().setUpClass()

    @classmethod
    def prepare(cls, world):
        world.configure_master(cls.conf)
        world.reader = 'poller'
        # A row of each table.
        world.ctl('set-weight', 'web/http/b', '11')
        world.import_statistics([MEASURED])
        world.sql('UPDATE statistics SET total_connections = 1, total_packets_in = 1,'
                  ' total_packets_out = 1, total_octets_in = 1, total_octets_out = 1',
                  file='lbcluster-stats.db')
        cls.proxy = Proxy(os.path.join(world.dir, 'proxy'), world.socket)
        cls.addClassCleanup(cls.proxy.close)
        world.daemon_socket = os.path.join(world.dir, 'proxy')

    def user(self, name, *phrases, **options):
        """A client of version 3, with the passphrases of the user or other ones."""
        auth, priv = (*(phrases or self.users[name]), None, None)[:2]
        client = ClientV3(self.world.port, name, auth, priv, SHA_256, **options)
        self.addCleanup(client.close)
        return client

    def state(self):
        """All that a SET can change, and the SETs that reached lbclusterd."""
        wait_for(lambda: not self.world.sql('SELECT 1 FROM job WHERE finished = 0'), 10,
                 'the jobs of what was allowed have ended')
        self.world.wait_written()
        return (self.world.sql('SELECT * FROM real_service'),
                self.world.sql('SELECT * FROM job'), self.world.sql('SELECT * FROM setting'),
                self.proxy.seen.count('TestSet'), self.served('lbcSysSetRejects', 0))

    def served(self, name, *index):
        return self.world.client('poller').get(mib.oid(name, *index)).value

    def assert_refused(self, client, varbinds, status, index=0):
        """Refused with this status, or with this message of version 3."""
        before = self.state()
        try:
            answer = client.set_answer(*varbinds)[:2]
        except Timeout as error:
            answer = (str(error), 0)
        self.assertEqual((status, index), answer)
        self.assertEqual(before, self.state())


class Operator(AccessCase):
    """lbop, authPriv."""

    def test_each_column_is_writable_or_no_access(self):
        client = self.user('lbop')
        tried = {}
        for varbind in self.world.client('poller').walk(mib.ROOT):
            name = mib.name_of(varbind.oid)
            if name in tried:
                continue
            tried[name] = varbind.oid
            same = (varbind.oid, LETTERS[varbind.type], varbind.value)
            with self.subTest(name):
                if name in WRITABLE:
                    self.assertEqual(('noError', 0), client.set_answer(same)[:2])
                else:
                    self.assert_refused(client, [same], 'noAccess', 1)
        # A column that no row has is refused as well.
        absent = set(mib.ACCESS) - set(tried)
        self.assertTrue(all(re.match('lbc(Service|RealStats)', name) for name in absent), absent)
        for name in absent:
            index = (1, 1, 1) if name.startswith('lbcReal') else (1, 1)
            with self.subTest(name):
                self.assert_refused(client, [(mib.oid(name, *index), 'i', 1)], 'noAccess', 1)

    def test_other_objects_are_no_access(self):
        client = self.user('lbop')
        entry = mib.oid('lbcRealEntry')
        for oid in (SYSTEM, HIDDEN, mib.ROOT, mib.ROOT + (1,), mib.oid('lbcRealTable'), entry,
                    entry + (7, 1, 1, 1), entry + (11, 1, 1, 1), entry + (99, 1, 1, 1),
                    mib.oid('lbcSysSetLock')[:-1] + (1, 0), mib.ROOT[:-1] + (523, 1)):
            with self.subTest(oid_text(oid)):
                self.assert_refused(client, [(oid, 'i', 1)], 'noAccess', 1)

    def test_request_with_one_forbidden_column_changes_nothing(self):
        client = self.user('lbop')
        good, bad = (WEIGHT, 'u', 77), (NAME, 's', b'x')
        self.assert_refused(client, [good, bad], 'noAccess', 2)
        self.assert_refused(client, [bad, good], 'noAccess', 1)
        self.assert_refused(client, [good, good, good, (SYSTEM, 's', b'x')], 'noAccess', 4)

    def test_permitted_set_is_done(self):
        client = self.user('lbop')
        self.assertEqual(('noError', 0), client.set_answer(
            (WEIGHT, 'u', 41), (mib.oid('lbcRealEnabled', 1, 1, 2), 'i', mib.FALSE))[:2])
        self.world.wait_written()
        self.assertEqual([(41, 1), (11, 0)],
                         self.world.sql('SELECT weight, enabled FROM real_service'))
        self.assertEqual(41, client.get(WEIGHT).value)


class Others(AccessCase):
    """All other users."""

    CHANGE = [(WEIGHT, 'u', 66)]

    def assert_reads(self, client, said):
        try:
            answer = client.get_answer(WEIGHT).status
        except Timeout as error:
            answer = str(error)
        self.assertEqual(said, answer)

    def test_version_3(self):
        lbop, lbmon = self.users['lbop'], self.users['lbmon']
        digest, unknown = 'Wrong SNMP PDU digest', 'Unknown USM user'
        for name, phrases, get, refusal in (
                ('lbmon', lbmon, 'noError', ('noAccess', 1)),
                # A security level below the one of the example.
                ('lbmon', lbmon[:1], 'authorizationError', ('authorizationError', 0)),
                ('lbmon', (None,), 'authorizationError', ('authorizationError', 0)),
                ('lbop', lbop[:1], 'authorizationError', ('authorizationError', 0)),
                ('lbop', (None,), 'authorizationError', ('authorizationError', 0)),
                # Wrong keys, also those of other users.
                ('lbop', ('passphrase 9', lbop[1]), digest, (digest, 0)),
                ('lbop', ('passphrase 9',), digest, (digest, 0)),
                ('lbop', lbmon, digest, (digest, 0)),
                # Users that do not exist.
                ('nobody', lbop, unknown, (unknown, 0)),
                ('nobody', (None,), unknown, (unknown, 0)),
                ('poller', (None,), unknown, (unknown, 0))):
            with self.subTest(name, phrases=phrases):
                client = self.user(name, *phrases)
                self.assert_reads(client, get)
                self.assert_refused(client, self.CHANGE, *refusal)

    def test_wrong_privacy_key_gets_no_answer(self):
        # snmpd 5.9.3 decrypts it to bytes that are not SNMP, and drops it.
        client = self.user('lbop', self.users['lbop'][0], 'passphrase 9', timeout=1)
        self.assert_refused(client, self.CHANGE, 'No SNMP response received before timeout')

    def test_poller_reads_and_may_not_write(self):
        for version, status in ((1, 'noSuchName'), (2, 'noAccess')):
            client = self.world.client('poller', version)
            for varbinds, index in ((self.CHANGE, 1), ([(NAME, 's', b'x')], 1),
                                    ([(SYSTEM, 's', b'x')], 1),
                                    (self.CHANGE * 3, 1)):
                with self.subTest(version=version, varbinds=varbinds):
                    self.assert_refused(client, varbinds, status, index)
            self.assert_reads(client, 'noError')

    def test_poller_reads_its_view(self):
        for client in (self.world.client('poller'), self.user('lbmon'), self.user('lbop')):
            found = client.get_answer(SYSTEM, WEIGHT, HIDDEN).varbinds
            self.assertEqual(['STRING', 'Gauge32', 'noSuchObject'],
                             [varbind.type for varbind in found])
        self.assertEqual(('noSuchName', 1), self.world.client('poller', 1).get_answer(HIDDEN)[:2])
        allowed = (SYSTEM[:-2], mib.ROOT)
        for varbind in self.world.client('poller').walk((1, 3)):
            self.assertIn(True, [varbind.oid[:len(oid)] == oid for oid in allowed], varbind)

    def test_unknown_user_gets_no_answer(self):
        for community, source in (('CHANGE-ME', None), ('private', None), ('', None),
                                  ('poller', '127.0.0.2')):
            for version in (1, 2):
                with self.subTest(community, version=version, source=source):
                    client = Client(self.world.port, community, version, timeout=0.2,
                                    source=source)
                    self.addCleanup(client.close)
                    self.assert_refused(client, self.CHANGE, 'no answer from snmpd')

    # The same with snmpset(1), as README shows it.

    def snmpset(self, *args):
        return subprocess.run(
            ['snmpset', '-On', *args, '127.0.0.1:%d' % self.world.port,
             oid_text(WEIGHT), 'u', '55'],
            capture_output=True, text=True, timeout=60 * TIMEOUT_FACTOR, check=False,
            env=dict(os.environ, MIBS='', SNMPCONFPATH=self.world.dir,
                     SNMP_PERSISTENT_DIR=self.world.dir))

    def test_snmpset(self):
        def user(name, level='authPriv', auth=None, priv=None):
            phrases = self.users.get(name, ('passphrase 1', 'passphrase 2'))
            return ['-v3', '-u', name, '-l', level, '-a', 'SHA-256', '-A', auth or phrases[0],
                    '-x', 'AES', '-X', priv or phrases[1]]
        unanswered = ['-t', '0.5', '-r', '0']
        before = self.state()
        for args, message in (
                (user('lbmon'), r'Reason: noAccess'),
                (user('lbop', 'authNoPriv'), r'Reason: authorizationError'),
                (user('lbop', 'noAuthNoPriv'), r'Reason: authorizationError'),
                (user('lbop', auth='passphrase 9'), r'Authentication failure'),
                (user('lbop', priv='passphrase 9') + unanswered, r'Timeout'),
                (user('nobody'), r'Unknown user name'),
                (['-v2c', '-c', 'poller'], r'Reason: noAccess'),
                (['-v1', '-c', 'poller'], r'Reason: \(noSuchName\)'),
                (['-v2c', '-c', 'CHANGE-ME'] + unanswered, r'Timeout')):
            with self.subTest(args=args):
                done = self.snmpset(*args)
                self.assertNotEqual(0, done.returncode)
                self.assertRegex(done.stderr, message)
        self.assertEqual(before, self.state())
        done = self.snmpset(*user('lbop'))
        self.assertEqual((0, '.%s = Gauge32: 55\n' % oid_text(WEIGHT)),
                         (done.returncode, done.stdout), done.stderr)
        self.assertEqual(55, self.served('lbcRealWeight', 1, 1, 1))


def readme():
    """The users of README as lines of snmpd.conf, and its snmp.conf."""
    with open(_README, encoding='utf-8') as file:
        text = file.read()
    users = re.findall(r'(?m)^ +(lb\w+) (passphrase-\d) (passphrase-\d)$', text)
    snmp_conf = re.search(r"snmp\.conf <<'END'\n(.*?)\n +END\n", text, re.S).group(1)
    return (''.join('createUser %s SHA-256 "%s" AES "%s"\n' % user for user in users),
            re.sub(r'(?m)^ +', '', snmp_conf) + '\n')


class PrintedCommands(AccessCase):
    """The commands that "lbclusterctl oid" prints do what they say, without a change, for the
    users of README."""

    @classmethod
    def prepare(cls, world):
        cls.conf = re.sub(r'(?m)^createUser.*\n', '', cls.conf) + readme()[0]
        super().prepare(world)

    def lines(self, environment, path):
        done = subprocess.run([LBCLUSTERCTL, '-s', self.world.store, 'oid', path],
                              capture_output=True, text=True, check=True, env=environment)
        return [line for line in done.stdout.split('\n\n')[1].splitlines() if line[0] != '#']

    def environment(self, snmp_conf):
        """A directory of net-snmp's files: snmpd.conf has the address of the snmpd."""
        directory = new_directory()
        with open(directory + '/snmpd.conf', 'w', encoding='ascii') as file:
            file.write('agentaddress udp:127.0.0.1:%d\n' % self.world.port)
        with open(directory + '/snmp.conf', 'w', encoding='ascii') as file:
            file.write(snmp_conf)
        return dict(os.environ, SNMPCONFPATH=directory, SNMP_PERSISTENT_DIR=directory, MIBS='')

    def assert_commands_work(self, environment):
        self.world.ctl('set-weight', 'web/http/a', '10')
        for path, count in (('web', 1), ('web/http', 2), ('web/http/a', 5), ('1', 1)):
            lines = self.lines(environment, path)
            self.assertEqual(count, len(lines), lines)
            # A SET of another value than now shows that it is carried out.
            for line in [*lines, *(re.sub(r' u 10$', ' u 44', line) for line in lines)]:
                done = subprocess.run(['sh', '-c', line], capture_output=True, text=True,
                                      env=environment, timeout=60 * TIMEOUT_FACTOR, check=False)
                self.assertEqual(0, done.returncode, line + done.stderr)
                self.assertNotIn('No Such', done.stdout)
        self.assertEqual(44, self.served('lbcRealWeight', 1, 1, 1))

    def test_with_the_snmp_conf_of_the_readme(self):
        environment = self.environment(readme()[1])
        self.assertIn('snmpset localhost:%d .1.' % self.world.port,
                      self.lines(environment, 'web/http/a')[1])
        self.assert_commands_work(environment)

    def test_without_snmp_conf(self):
        environment = dict(self.environment(''), HOME='/nonexistent')
        self.assertIn('-u lbop', self.lines(environment, 'web/http/a')[1])
        self.assert_commands_work(environment)


if __name__ == '__main__':
    main()
