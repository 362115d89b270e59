# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# SNMPv2c as the torture speaks it: SETs and walks by the thousand, so the few forms of
# BER that occur are made and read here, a hundred times faster than by pysnmp (which
# judges what is said in tests/integration). One socket, one request at a time.
"""Quick: a client for one thread."""

import socket
import time

from snmp import STATUS, Timeout

GET, RESPONSE, SET, BULK = 0xa0, 0xa2, 0xa3, 0xa5

# The letters of snmpset(1) to tags.
TAGS = {'i': 0x02, 's': 0x04, 'n': 0x05, 'u': 0x42}
_NUMBERS = (0x02, 0x41, 0x42, 0x43, 0x46)
EXCEPTIONS = (0x80, 0x81, 0x82)     # noSuchObject, noSuchInstance, endOfMibView

_STEP_S = 0.05      # between two looks whether the agent is gone


def _field(tag, body):
    n = len(body)
    if n < 128:
        return bytes((tag, n)) + body
    return bytes((tag, 0x82)) + n.to_bytes(2, 'big') + body


def _integer(value, tag=0x02):
    return _field(tag, value.to_bytes(value.bit_length() // 8 + 1, 'big', signed=value < 0))


def _oid(oid):
    body = bytearray((oid[0] * 40 + oid[1],))
    for sub in oid[2:]:
        part = [sub & 0x7f]
        while sub > 0x7f:
            sub >>= 7
            part.append(sub & 0x7f | 0x80)
        body.extend(reversed(part))
    return _field(0x06, bytes(body))


def _value(letter, value):
    tag = TAGS[letter]
    if letter == 'n':
        return _field(tag, b'')
    return _field(tag, value) if letter == 's' else _integer(value, tag)


class _Reader:
    """Reads one field after the other."""

    def __init__(self, data, at=0, end=None):
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    def field(self):
        """(tag, begin, end) of the next one, which is behind us then."""
        tag, length = self.data[self.at], self.data[self.at + 1]
        begin = self.at + 2
        if length & 0x80:
            octets = length & 0x7f
            length = int.from_bytes(self.data[begin:begin + octets], 'big')
            begin += octets
        self.at = begin + length
        if self.at > self.end:
            raise ValueError('a field longer than what is around it')
        return tag, begin, self.at

    def inside(self):
        _, begin, end = self.field()
        return _Reader(self.data, begin, end)

    def integer(self):
        _, begin, end = self.field()
        return int.from_bytes(self.data[begin:end], 'big', signed=True)

    def oid(self):
        _, begin, end = self.field()
        subs = [self.data[begin] // 40, self.data[begin] % 40]
        sub = 0
        for octet in self.data[begin + 1:end]:
            sub = sub << 7 | octet & 0x7f
            if not octet & 0x80:
                subs.append(sub)
                sub = 0
        return tuple(subs)

    def value(self):
        """An int, octets, or None for the three exceptions and NULL."""
        tag, begin, end = self.field()
        if tag in _NUMBERS:
            return int.from_bytes(self.data[begin:end], 'big', signed=tag == 0x02)
        return None if tag in EXCEPTIONS or tag == 0x05 else self.data[begin:end]


class Quick:
    """life() tells which life of the agent this is: once it is another one no answer can
    come any more, and whoever waits gets Timeout, after a last look at what came
    before."""

    def __init__(self, port, community='private', life=lambda: 0, patience_s=30.0):
        self._community = _field(0x04, community.encode('ascii'))
        self._life = life
        self._patience_s = patience_s
        self._request = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(('127.0.0.1', port))

    def close(self):
        self._socket.close()

    def _send(self, pdu, first, second, varbinds):
        self._request = (self._request + 1) & 0x7fffffff
        body = _integer(self._request) + _integer(first) + _integer(second) + _field(
            0x30, b''.join(_field(0x30, _oid(oid) + _value(letter, value))
                           for oid, letter, value in varbinds))
        try:
            self._socket.send(_field(0x30, _integer(1) + self._community + _field(pdu, body)))
        except ConnectionRefusedError:
            pass    # told of an earlier one: this one was not sent
        return self._request

    def _receive(self, timeout_s):
        """What comes next, None if nothing does."""
        self._socket.settimeout(timeout_s)
        try:
            return self._socket.recv(65536)
        except (socket.timeout, BlockingIOError, ConnectionRefusedError):
            return None

    def _read(self, data, request):
        """(status, index, varbinds) if it is the answer."""
        message = _Reader(data).inside()
        message.integer()
        message.field()
        pdu = message.inside()
        if pdu.integer() != request:
            return None
        status, index = STATUS[pdu.integer()], pdu.integer()
        varbinds, rest = [], pdu.inside()
        while rest.at < rest.end:
            one = rest.inside()
            varbinds.append((one.oid(), one.value()))
        return status, index, varbinds

    def ask(self, pdu, varbinds, first=0, second=0):
        """Sent once: a repeated SET would be a new one."""
        life = self._life()
        request = self._send(pdu, first, second, varbinds)
        deadline = time.monotonic() + self._patience_s
        while True:
            gone = self._life() != life     # before the look: what came until then counts
            data = self._receive(0.001 if gone else _STEP_S)
            answer = self._read(data, request) if data else None
            if answer:
                return answer
            if not data and (gone or time.monotonic() >= deadline):
                raise Timeout('no answer')

    def set(self, varbinds):
        """(status, index); varbinds are (oid, letter, value)."""
        return self.ask(SET, varbinds)[:2]

    def get(self, *oids):
        status, index, varbinds = self.ask(GET, [(oid, 'n', None) for oid in oids])
        if status != 'noError':
            raise AssertionError('GET: %s at %d' % (status, index))
        return [value for _, value in varbinds]

    def table(self, columns, repetitions=20):
        """Rows of a table: index -> values of the columns. An error unless each column
        is there for each row, in strictly ascending order."""
        found = {}
        at = list(columns)
        while True:
            status, index, varbinds = self.ask(
                BULK, [(oid, 'n', None) for oid in at], 0, repetitions)
            if status != 'noError':
                raise AssertionError('walk: %s at %d' % (status, index))
            if len(varbinds) < len(columns):
                raise AssertionError('walk: nothing comes after %s' % (at,))
            for start in range(0, len(varbinds) - len(columns) + 1, len(columns)):
                row = varbinds[start:start + len(columns)]
                ends = [oid[:len(column)] != column for (oid, _), column in zip(row, columns)]
                if all(ends):
                    return found
                indexes = {oid[len(column):] for (oid, _), column in zip(row, columns)}
                if any(ends) or len(indexes) != 1:
                    raise AssertionError('walk: rows of different columns: %s' % (row,))
                if any(oid <= last for (oid, _), last in zip(row, at)):
                    raise AssertionError('walk: %s does not come after %s' % (row, at))
                found[indexes.pop()] = [value for _, value in row]
                at = [oid for oid, _ in row]
