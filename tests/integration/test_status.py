# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# "lbclusterctl status": each status and reason is that of SNMP, for a store that has all of them.
# -w on a terminal, and its end by keys and signals. The page of -o is replaced as a whole.
"""lbclusterctl status."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import time

import mib
from harness import INVENTORY, LBCLUSTERCTL, Case, Program, main, process_state, wait_for

STATUS = ['', 'up', 'degraded', 'onFallback', 'down', 'disabled', 'unknown']
OPER = ['', 'inUse', 'standby', 'draining', 'inactive', 'disabled', 'unknown']
PLANE = ['', 'none', 'ok', 'unreachable', 'failing', 'unattended']
FRESHNESS = ['', 'fresh', 'stale', 'never']

# The status of each service is its name.
SERVICES = '''
cluster services {
    service up         { real a { weight = 3 } real b { weight = 0 } real c { fallback = yes } }
    service degraded   { real a { } real b { } real c { fallback = yes } }
    service onFallback { real a { } real b { enabled = no } real c { fallback = yes } }
    service down       { real a { } real b { } real c { fallback = yes } }
    service unknown    { real stale { } real never { } real part { } }
    service disabled   { enabled = no  real a { address = "2001:db8::1" port = 80 } }
}
'''
ACTIVE = {'up': 'abc', 'degraded': 'ac', 'onFallback': 'bc', 'down': '', 'disabled': 'a'}

# A cluster for each status of a data plane, and for each status of a cluster.
CLUSTERS = ''.join('cluster %s { plane = haproxy  socket = /run/x\n'
                   '    service s { real a { address = 10.0.0.1  port = 80 } } }\n' % name
                   for name in PLANE[2:]) + 'cluster up { service s { real a { } } }\n'


def store_fill(world):
    world.load(SERVICES + CLUSTERS)
    now = int(time.time())
    world.import_statistics(
        [dict(path='services/%s/%s' % (service, real), active=real in active,
              active_connections=7, bps_in=1000, last_update=now)
         for service, active in ACTIVE.items() for real in 'abc'
         if service != 'disabled' or real == 'a'] +
        [dict(path='services/unknown/stale', active=True, last_update=now - 1000),
         dict(path='services/unknown/part', bps_in=5, last_update=now),
         dict(path='up/s/a', active=True, connections_per_second=3, last_update=now)] +
        [dict(path='%s/s/a' % name, active=True, last_update=now - 1000)
         for name in ('unreachable', 'unattended')])
    world.sql('UPDATE real_service SET reason = ? WHERE name = \'b\'', 'L4CON: \u00fc <b>')
    for number, name in enumerate(PLANE):
        if number < 2:
            continue
        world.sql('UPDATE cluster SET plane_status = ?, plane_message = ? WHERE name = ?',
                  min(number, 4), 'message of ' + name, name)
        if name != 'unattended':
            world.sql('INSERT INTO look (cluster_id, time, interval_ms) VALUES (?, ?, 86400000)',
                      world.sql('SELECT id FROM cluster WHERE name = ?', name)[0][0], now,
                      file='lbcluster-stats.db')


class SameAsSnmp(Case):
    def setUp(self):
        self.world = self.new_world()
        store_fill(self.world)
        self.world.start()

    def numbers(self, path):
        """The index of a row in its table."""
        names = path.split('/')
        tables = [('cluster', 'id > ?', 0), ('service', 'cluster_id = ?', 0),
                  ('real_service', 'service_id = ?', 0)]
        found = []
        for name, (table, condition, parent) in zip(names, tables):
            parent = found[-1] if found else parent
            found += self.world.sql('SELECT id FROM %s WHERE %s AND name = ?' % (
                table, condition), parent, name)[0]
        return found

    def by_snmp(self, path, kind):
        """The keys of a row of the JSON, from SNMP."""
        at = self.numbers(path)

        def get(name, labels=None):
            value = self.world.get(name, *at)
            if isinstance(value, bytes):
                value = value.decode()
            return labels[value] if labels else value
        if kind == 'cluster':
            return dict(status=get('lbcClusterStatus', STATUS),
                        plane_status=get('lbcClusterPlaneStatus', PLANE),
                        reason=get('lbcClusterPlaneMessage'), plane=get('lbcClusterPlane'),
                        reals_enabled=get('lbcClusterRealsEnabled'),
                        reals_active=get('lbcClusterRealsActive'),
                        active_connections=get('lbcClusterActiveConns'))
        if kind == 'service':
            return dict(status=get('lbcServiceStatus', STATUS),
                        endpoint=get('lbcServiceEndpoint'),
                        reals_enabled=get('lbcServiceRealsEnabled'),
                        reals_active=get('lbcServiceRealsActive'),
                        weight=get('lbcServiceWeightTotal'),
                        connections_per_second=get('lbcServiceConnRate'))
        return dict(status=get('lbcRealOperStatus', OPER),
                    reason=get('lbcRealOperStatusReason'), endpoint=get('lbcRealEndpoint'),
                    freshness=get('lbcRealStatsFreshness', FRESHNESS),
                    weight=get('lbcRealWeight'), enabled=get('lbcRealEnabled') == 1,
                    fallback=get('lbcRealFallback') == 1, bps_in=get('lbcRealStatsInBitRate'),
                    pending_jobs=get('lbcRealPendingJobs'))

    def rows(self):
        return json.loads(self.world.ctl('-f', 'json', 'status', check=False).stdout)

    def differences(self):
        found = []
        for row in self.rows():
            snmp = self.by_snmp(row['path'], row['kind'])
            mine = {key: row[key] for key in snmp}
            if mine != snmp:
                found.append((row['path'], mine, snmp))
        return found

    def check(self, what):
        def same():
            self.last = self.differences()
            return not self.last
        try:
            wait_for(same, 10, what)
        except AssertionError:
            self.assertEqual([], self.last)

    def test_each_status_and_reason(self):
        self.check('the same after the start')
        rows = self.rows()
        for kind, labels in (('service', STATUS), ('real', OPER), ('cluster', STATUS)):
            self.assertEqual(set(labels[1:]) - ({'disabled', 'degraded', 'onFallback'} if
                                                kind == 'cluster' else set()),
                             {row['status'] for row in rows if row['kind'] == kind})
        self.assertEqual(set(PLANE[1:]), {row['plane_status'] for row in rows
                                          if row['kind'] == 'cluster'})
        for row in rows:
            if row['path'].startswith('services/') and row['kind'] == 'service':
                self.assertEqual(row['path'].split('/')[1], row['status'])
        # The age of what is stale, for people.
        self.assertRegex(self.world.ctl('status', 'services/unknown/stale', check=False).stdout,
                         r'stale +unknown .* 1[67] min old: statistics are stale; start the')
        reasons = {row['path']: row['reason'] for row in rows}
        self.assertEqual('statistics are stale: the data plane is unreachable',
                         reasons['unreachable/s/a'])
        self.assertEqual('statistics are stale; start the collector or the driver',
                         reasons['unattended/s/a'])
        # After SETs.
        a = self.numbers('services/up/a')
        self.world.set_with_retries(
            (mib.oid('lbcRealWeight', *a), 'u', 0),
            (mib.oid('lbcRealEnabled', *self.numbers('services/down/b')), 'i', 2))
        self.world.wait_written()
        self.check('the same after a SET')
        self.assertRegex(self.world.ctl('status', 'services/up', check=False).stdout,
                         r'(?m)^  up +up .* every active server except the fallback has weight 0$')
        # With another stale-after.
        self.world.configure(stale_after=2000)
        self.world.daemon.signal(signal.SIGHUP)
        self.world.wait_value(2000, 'lbcSysStatsStaleAfter', 0)
        self.check('the same with another stale-after')
        self.assertNotIn('stale', {row['freshness'] for row in self.rows()})

    def test_without_statistics(self):
        self.world.stop_daemon()
        for name in os.listdir(self.world.store):
            if name.startswith('lbcluster-stats.db'):
                os.unlink(os.path.join(self.world.store, name))
        done = self.world.ctl('-f', 'json', 'status', check=False)
        self.assertEqual(1, done.returncode)
        self.assertEqual({'unknown', 'disabled'}, {row['status'] for row in
                                                  json.loads(done.stdout)})


TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
BEGIN, END = b'\x1b[?1049h', b'\x1b[?1049l'


class Terminal:
    """lbclusterctl on a terminal of its own."""

    def __init__(self, world, *args, columns=100, lines=20):
        self.master, self.slave = pty.openpty()
        self.resize(columns, lines)
        self.mode = termios.tcgetattr(self.slave)
        self.output = b''
        self.process = subprocess.Popen(
            [LBCLUSTERCTL, '-s', world.store, *args], stdin=self.slave, stdout=self.slave,
            stderr=self.slave,
            env={**os.environ, 'TERM': 'xterm', 'NO_COLOR': '', **world.env},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def resize(self, columns, lines):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack('HHHH', lines, columns, 0, 0))

    def read(self):
        while select.select([self.master], [], [], 0)[0]:
            self.output += os.read(self.master, 65536)
        return self.output

    def screen(self):
        """The text since the cursor last went home, without sequences of control."""
        text = self.read().rsplit(b'\x1b[H', 1)[-1].decode(errors='replace')
        return re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', text.replace('\r', ''))

    def wait_screen(self, pattern):
        try:
            return wait_for(lambda: re.search(pattern, self.screen()), 10, pattern)
        except AssertionError as error:
            raise AssertionError('%s; the screen: %r' % (error, self.screen())) from None

    def key(self, text):
        os.write(self.master, text.encode())

    def is_restored(self):
        return (self.read().rfind(END) > self.output.rfind(BEGIN) and
                termios.tcgetattr(self.slave) == self.mode)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


class Watch(Case):
    def setUp(self):
        self.world = self.new_world()
        self.world.load(INVENTORY)

    def terminal(self, *args, **options):
        terminal = Terminal(self.world, *args, **options)
        self.addCleanup(terminal.close)
        return terminal

    def watch(self, *args, **options):
        terminal = self.terminal('status', '-w', '1', *args, **options)
        terminal.wait_screen(r'http +unknown(.|\n)*no statistics yet(.|\n)*q: quit')
        return terminal

    def test_rows_follow_the_store_until_q(self):
        terminal = self.watch()
        self.assertIn(b'\x1b[35munknown\x1b[m', terminal.output)
        self.assertEqual(1, terminal.output.count(BEGIN))
        self.assertFalse(terminal.is_restored())
        self.world.import_statistics([dict(path='web/http/a', active=True)])
        terminal.wait_screen(r'1 service: 1 up(.|\n)*a +inUse ')
        self.world.import_statistics([dict(path='web/http/a', active=False)])
        terminal.wait_screen(r'1 service: 1 down(.|\n)*a +inactive ')
        terminal.key('xyq')
        self.assertEqual(0, terminal.process.wait(10))
        self.assertTrue(terminal.is_restored())

    def test_p_and_the_keys_that_scroll(self):
        self.world.load('cluster many { service s { %s } }' % ' '.join(
            'real r%d { }' % i for i in range(50)))
        self.world.import_statistics([dict(path='many/s/r%d' % i, active=i != 41)
                                      for i in range(50)] +
                                     [dict(path='web/http/a', active=True)])
        terminal = self.terminal('status', '-w', '60')
        terminal.wait_screen(r'r12 +inUse(.|\n)*q: quit')
        self.assertNotIn('r20 ', terminal.screen())
        terminal.key('\x1b[6~')
        terminal.wait_screen(r'r20 +inUse(.|\n)*q: quit')
        terminal.key('\x1b[B')
        terminal.wait_screen(r'r28 +inUse(.|\n)*q: quit')
        for end, home in (('\x1b[F', '\x1b[H'), ('\x1b[4~', '\x1b[1~'), ('G', 'g')):
            terminal.key(end)
            terminal.wait_screen(r'r49 +inUse(.|\n)*\n    a +inUse(.|\n)*q: quit')
            terminal.key(home)
            terminal.wait_screen(r'many +degraded(.|\n)*r12 +inUse(.|\n)*q: quit')
        terminal.key('p')
        terminal.wait_screen(r's +degraded [^\n]*\n    r41 +inactive [^\n]*\n[^\n]*q: quit')
        terminal.key('p')
        terminal.wait_screen(r'many +degraded(.|\n)*r12 +inUse(.|\n)*q: quit')

    def test_size_of_the_terminal(self):
        terminal = self.terminal('status', '-w', '600', columns=120)
        terminal.wait_screen(r'no statistics yet(.|\n)*q: quit')
        self.assertIn('ENDPOINT', terminal.screen())
        for columns, lines in ((40, 8), (30, 3), (200, 50), (5, 1), (80, 24)):
            terminal.resize(columns, lines)
            terminal.wait_screen(r'q: q|q\S*\u2026' if columns > 12 else r'\u2026')

            def fits(columns=columns, lines=lines):
                shown = terminal.screen().split('\n')
                return (max(map(len, shown)) <= columns and len(shown) <= max(lines, 5) and
                        ('BPS-IN' in terminal.screen()) == (columns == 200))
            wait_for(fits, 10, 'the screen has %d columns' % columns)
        terminal.key('q')
        self.assertEqual(0, terminal.process.wait(10))

    def test_signals_that_end_it_restore_the_terminal(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT,
                       signal.SIGUSR1, signal.SIGALRM, signal.SIGPIPE, signal.SIGSEGV,
                       signal.SIGABRT):
            terminal = self.watch()
            terminal.process.send_signal(number)
            self.assertEqual(-number, terminal.process.wait(10))
            self.assertTrue(terminal.is_restored(), number)
        # Ctrl-C, which the terminal turns into a signal.
        terminal = self.watch()
        terminal.key('\x03')
        self.assertEqual(-signal.SIGINT, terminal.process.wait(10))
        self.assertTrue(terminal.is_restored())

    def test_stop_restores_the_terminal_until_it_continues(self):
        terminal = self.watch()
        terminal.process.send_signal(signal.SIGTSTP)
        wait_for(lambda: process_state(terminal.process.pid) == 'T', 10, 'stopped')
        self.assertTrue(terminal.is_restored())
        terminal.process.send_signal(signal.SIGCONT)
        wait_for(lambda: terminal.read().count(BEGIN) == 2, 10, 'continues')
        terminal.wait_screen(r'\n[^\n]*q: quit')
        terminal.key('q')
        self.assertEqual(0, terminal.process.wait(10))
        self.assertTrue(terminal.is_restored())

    def test_store_that_cannot_be_read_is_shown(self):
        terminal = self.watch()
        file = os.path.join(self.world.store, 'lbcluster.db')
        shutil.move(file, file + '.away')
        terminal.wait_screen(r'a +unknown(.|\n)*lbcluster\.db: ')
        shutil.move(file + '.away', file)
        terminal.wait_screen(r'a +unknown(.|\n)*q: quit')

    def test_once_on_a_terminal(self):
        terminal = self.terminal('status', columns=60)
        self.assertEqual(1, terminal.process.wait(10))
        text = terminal.read().decode()
        self.assertNotIn('\x1b[?', text)
        self.assertIn('\x1b[35munknown\x1b[m', text)
        self.assertLessEqual(max(len(line) for line in terminal.screen().splitlines()), 60)

    def test_readme_shows_the_samples(self):
        self.world.ctl('remove', 'web')
        self.world.ctl('load', os.path.join(TOP, 'conf', 'sample.conf'))
        self.world.ctl('import-statistics',
                       os.path.join(TOP, 'conf', 'sample-statistics.jsonl'))
        self.world.env['NO_COLOR'] = '1'
        terminal = self.terminal('status', columns=80)
        self.assertEqual(1, terminal.process.wait(10))
        with open(os.path.join(TOP, 'README'), encoding='utf-8') as file:
            shown = re.search(r'(?m)^    \d+ services: (.|\n)*?\n\n    NAME(.|\n)*?\n\n',
                              file.read())
        self.assertEqual(re.sub('(?m)^    ', '', shown[0].rstrip('\n')).splitlines(),
                         terminal.read().decode().splitlines())

    def test_page_is_replaced_as_a_whole(self):
        page = self.world._path('page.html')
        program = Program('lbclusterctl', [LBCLUSTERCTL, '-s', self.world.store, '-f', 'html',
                                           'status', '-w', '1', '-o', page],
                          self.world._path('status.log'))
        self.world.others.append(program)
        wait_for(lambda: os.path.exists(page), 10, 'the page')

        def shows(pattern):
            with open(page, encoding='utf-8') as file:
                text = file.read()
            self.assertTrue(text.startswith('<!DOCTYPE html>'))
            self.assertTrue(text.endswith('</html>\n'))
            return re.search(pattern, text)
        self.assertTrue(shows('content="1">'))
        for active, label in ((True, 'inUse'), (False, 'inactive')):
            self.world.import_statistics([dict(path='web/http/a', active=active)])
            wait_for(lambda label=label: shows('>%s</b>' % label), 10, label)
        self.assertEqual(-signal.SIGTERM, program.end())


if __name__ == '__main__':
    main()
