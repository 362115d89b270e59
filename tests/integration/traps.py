# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# A snmptrapd for a test, and the notifications that it received.
"""Traps (a snmptrapd), Trap (a notification)."""

import os
import re

import mib
from harness import Program, free_port, wait_for

_CONF = """\
createUser informer SHA authentication AES encryption
createUser -e {engine} trapper SHA authentication AES encryption
authCommunity log traps
authUser log informer priv
authUser log trapper priv
"""
V2C = 'trap2sink 127.0.0.1:{port} traps\n'
V2C_INFORM = 'informsink 127.0.0.1:{port} traps\n'
V3_INFORM = ('createUser informer SHA authentication AES encryption\n'
             'trapsess -Ci -v3 -l authPriv -u informer -a SHA -A authentication'
             ' -x AES -X encryption 127.0.0.1:{port}\n')

# The sender of a trap is authoritative, so the receiver has its user under the engine ID of snmpd.
_ENGINE = '0x80001f88806c6274657374'
V3_TRAP = ('exactEngineID ' + _ENGINE + '\n'
           'createUser trapper SHA authentication AES encryption\n'
           'trapsess -v3 -e ' + _ENGINE + ' -l authPriv -u trapper -a SHA -A authentication'
           ' -x AES -X encryption 127.0.0.1:{port}\n')

TRAP_OID = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
UPTIME = (1, 3, 6, 1, 2, 1, 1, 3, 0)
_NAMES = {mib.oid('lbcNotifications') + (number,): name for number, name in enumerate((
    'lbcRealActiveChange', 'lbcRealConfigChange', 'lbcServiceStatusChange', 'lbcJobEnd',
    'lbcStatsStale', 'lbcStatsFresh'), 1)}


def _oid(text):
    return tuple(int(part) for part in text.strip('.').split('.'))


def _value(text):
    """The value as an int, a text, bytes if not ASCII, or an OID."""
    kind, _, value = text.partition(': ')
    if text == '""':
        return ''
    if kind in ('INTEGER', 'Gauge32', 'Counter32'):
        return int(value)
    if kind == 'STRING':
        return value.strip('"')
    if kind == 'Hex-STRING':
        return bytes.fromhex(value)
    if kind == 'OID':
        return _oid(value)
    return int(text)    # TimeTicks in the format of -Ot


class Trap:
    """'name', 'how' (version and kind as snmptrapd prints them), and all varbinds except the
    first two: 'objects' are (object, index), 'values' are keyed by the object."""

    def __init__(self, line):
        self.how, _, varbinds = line.partition('|')
        pairs = [varbind.split(' = ', 1) for varbind in varbinds.split('\t')]
        varbinds = [(_oid(name), _value(value)) for name, value in pairs]
        if [oid for oid, _ in varbinds[:2]] != [UPTIME, TRAP_OID]:
            raise AssertionError('not sysUpTime.0 and snmpTrapOID.0: %s' % line)
        self.name = _NAMES.get(varbinds[1][1])
        self.objects = [(mib.name_of(oid), oid[len(mib.NAMES[mib.name_of(oid)]):])
                        for oid, _ in varbinds[2:] if mib.name_of(oid)]
        self.values = {mib.name_of(oid): value for oid, value in varbinds[2:]}

    def __repr__(self):
        return '%s%r' % (self.name, self.values)


class Traps:
    """snmptrapd on loopback. The snmpd of 'world' sends to it and must not run yet. With other
    options for its output than those of 'output', only text() is of use."""

    def __init__(self, world, sink=V2C, output=('-On', '-Ot', '-m', '')):
        self._log = os.path.join(world.dir, 'snmptrapd.log')
        conf = os.path.join(world.dir, 'snmptrapd.conf')
        state = os.path.join(world.dir, 'snmptrapd')
        os.mkdir(state)
        with open(conf, 'w', encoding='ascii') as file:
            file.write(_CONF.format(engine=_ENGINE))
        port = free_port()
        program = Program(
            'snmptrapd',
            ['snmptrapd', '-f', '-C', '-c', conf, '-Lf', self._log, *output,
             '-F', 'GOT %P|%v\n', 'udp:127.0.0.1:%d' % port],
            os.path.join(world.dir, 'snmptrapd.out'),
            env=dict(os.environ, MIBS='', SNMP_PERSISTENT_DIR=state))
        world.others.append(program)
        with open(os.path.join(world.dir, 'snmpd.conf'), 'a', encoding='ascii') as file:
            file.write(sink.format(port=port))
        wait_for(lambda: 'NET-SNMP version' in self.text(), 10, 'snmptrapd starts')

    def text(self):
        try:
            with open(self._log, encoding='ascii') as file:
                return file.read()
        except FileNotFoundError:
            return ''

    def all(self, name=None):
        """The notifications of LBCLUSTER-MIB in their order."""
        # snmptrapd breaks long hexadecimal strings into lines.
        text = re.sub(r'(?<=[0-9A-F]{2}) \n(?=[0-9A-F]{2} )', ' ', self.text())
        traps = [Trap(line) for line in re.findall(r'^GOT (.*)\n', text, re.M)]
        return [trap for trap in traps if trap.name and name in (None, trap.name)]

    def wait(self, name, count=1, deadline_s=15.0, **values):
        """Waits for 'count' notifications with this name and these values."""
        def found():
            traps = [trap for trap in self.all(name)
                     if all(trap.values.get(key) == value for key, value in values.items())]
            return traps[:count] if len(traps) >= count else None
        return wait_for(found, deadline_s, '%d %s %r' % (count, name, values))
