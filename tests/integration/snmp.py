# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# An SNMP manager for the tests: typed PDUs over UDP, each ASN.1 type in a SET, error-status
# and error-index. pysnmp encodes and decodes the messages, as an implementation that is
# independent of net-snmp. The tests call net-snmp's tools themselves.
"""Typed SNMP requests: v1, v2c (Client) and v3 (ClientV3)."""

import collections
import contextlib
import socket
import time

from pyasn1.codec.ber import decoder, encoder
from pyasn1.type import univ
from pysnmp import hlapi
from pysnmp.proto import api, rfc1155, rfc1902

STATUS = (
    'noError', 'tooBig', 'noSuchName', 'badValue', 'readOnly', 'genErr', 'noAccess',
    'wrongType', 'wrongLength', 'wrongEncoding', 'wrongValue', 'noCreation',
    'inconsistentValue', 'resourceUnavailable', 'commitFailed', 'undoFailed',
    'authorizationError', 'notWritable', 'inconsistentName')

# The status in SNMPv1 for a status of SNMPv2 (RFC 3584 section 4.4).
STATUS_V1 = {
    'noError': 'noError', 'genErr': 'genErr', 'noAccess': 'noSuchName',
    'wrongType': 'badValue', 'wrongLength': 'badValue', 'wrongValue': 'badValue',
    'noCreation': 'noSuchName', 'inconsistentValue': 'badValue',
    'resourceUnavailable': 'genErr', 'commitFailed': 'genErr', 'undoFailed': 'genErr',
    'notWritable': 'noSuchName'}

LIFE_STEP_S = 0.05      # between two calls of life()

SHA_256 = hlapi.usmHMAC192SHA256AuthProtocol

# Class and number of an ASN.1 tag to the name that the tests use.
_TAGS = {
    (0x00, 2): 'INTEGER', (0x00, 4): 'STRING', (0x00, 5): 'NULL', (0x00, 6): 'OID',
    (0x40, 0): 'IpAddress', (0x40, 1): 'Counter32', (0x40, 2): 'Gauge32',
    (0x40, 3): 'Timeticks', (0x40, 4): 'Opaque', (0x40, 6): 'Counter64',
    (0x80, 0): 'noSuchObject', (0x80, 1): 'noSuchInstance', (0x80, 2): 'endOfMibView'}

# The letters of snmpset(1), and a few more.
_MAKE = {
    'i': (rfc1902.Integer32, rfc1155.univ.Integer),
    'u': (rfc1902.Unsigned32, rfc1155.Gauge),
    's': (rfc1902.OctetString, rfc1155.univ.OctetString),
    'o': (rfc1902.ObjectIdentifier, rfc1155.univ.ObjectIdentifier),
    'n': (rfc1902.Null, rfc1155.univ.Null),
    'a': (rfc1902.IpAddress, rfc1155.IpAddress),
    'c': (rfc1902.Counter32, rfc1155.Counter),
    't': (rfc1902.TimeTicks, rfc1155.TimeTicks),
    'q': (rfc1902.Opaque, rfc1155.Opaque),
    'C': (rfc1902.Counter64, None)}

Value = collections.namedtuple('Value', 'type value')
Varbind = collections.namedtuple('Varbind', 'oid type value')
Answer = collections.namedtuple('Answer', 'status index varbinds')


class Timeout(Exception):
    """There was no answer."""


def oid_text(oid):
    """'1.3.6' of (1, 3, 6)."""
    return '.'.join(map(str, oid))


def oid_parse(text):
    """(1, 3, 6) of '.1.3.6'."""
    return tuple(int(part) for part in text.strip('.').split('.'))


def value_of(asn1):
    """A pyasn1 value as Value(type, plain Python value)."""
    if isinstance(asn1, univ.Choice):
        return value_of(asn1.getComponent())
    tag = asn1.tagSet.superTags[-1]
    name = _TAGS[(tag.tagClass, tag.tagId)]
    if name in ('STRING', 'IpAddress', 'Opaque'):
        return Value(name, asn1.asOctets())
    if name == 'OID':
        return Value(name, tuple(asn1))
    if name in ('NULL', 'noSuchObject', 'noSuchInstance', 'endOfMibView'):
        return Value(name, None)
    return Value(name, int(asn1))


def make(letter, value, version=2):
    """The pyasn1 value of a letter of snmpset(1) and a Python value."""
    kind = _MAKE[letter][version == 1]
    return kind('') if letter == 'n' else kind(value)


class Client:
    """SNMPv1 (version=1) and SNMPv2c (version=2) from one socket of its own."""

    def __init__(self, port, community='private', version=2, timeout=15.0, source=None,
                 life=lambda: 0):
        """life() is the number of the present snmpd. When it changes, no answer of the last
        one can come any more: a request ends with Timeout after a last poll."""
        self.version = version
        self._life = life
        self.timeout = timeout
        self.community = community
        self._api = api.protoModules[
            api.protoVersion1 if version == 1 else api.protoVersion2c]
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if source:
            self._socket.bind((source, 0))
        self._socket.connect(('127.0.0.1', port))

    def close(self):
        self._socket.close()

    def _ask(self, pdu_class, varbinds, timeout=None, retry=True, fields=None):
        proto = self._api
        pdu = pdu_class()
        if fields is None:
            proto.apiPDU.setDefaults(pdu)
            proto.apiPDU.setVarBinds(pdu, varbinds)
        else:
            proto.apiBulkPDU.setDefaults(pdu)
            proto.apiBulkPDU.setNonRepeaters(pdu, fields[0])
            proto.apiBulkPDU.setMaxRepetitions(pdu, fields[1])
            proto.apiBulkPDU.setVarBinds(pdu, varbinds)
        message = proto.Message()
        proto.apiMessage.setDefaults(message)
        proto.apiMessage.setCommunity(message, self.community)
        proto.apiMessage.setPDU(message, pdu)
        octets = encoder.encode(message)
        request_id = int(proto.apiPDU.getRequestID(pdu))

        deadline = time.monotonic() + (timeout or self.timeout)
        again = time.monotonic() + 3.0 if retry else deadline
        life = self._life()
        self._send(octets)
        while True:
            gone = self._life() != life     # before the call: an answer until then counts
            now = time.monotonic()
            if now >= deadline:
                raise Timeout('no answer from snmpd')
            if now >= again:
                again = now + 3.0
                self._send(octets)
            self._socket.settimeout(
                0.001 if gone else max(0.001, min(again - now, deadline - now, LIFE_STEP_S)))
            try:
                data = self._socket.recv(65536)
            except (socket.timeout, ConnectionRefusedError):
                if gone:
                    raise Timeout('snmpd ended') from None
                # Refused: snmpd does not run. The request waits for it until its deadline.
                if retry:
                    time.sleep(0.01)
                continue
            answer, _ = decoder.decode(data, asn1Spec=proto.Message())
            got = proto.apiMessage.getPDU(answer)
            if int(proto.apiPDU.getRequestID(got)) == request_id:
                break
        return Answer(
            STATUS[int(proto.apiPDU.getErrorStatus(got))],
            int(proto.apiPDU.getErrorIndex(got)),
            [Varbind(tuple(oid), *value_of(value))
             for oid, value in proto.apiPDU.getVarBinds(got)])

    def _send(self, octets):
        try:
            self._socket.send(octets)
        except ConnectionRefusedError:
            pass

    def _null(self, oids):
        return [(oid, self._api.Null('')) for oid in oids]

    def get_answer(self, *oids, timeout=None, retry=True):
        return self._ask(self._api.GetRequestPDU, self._null(oids), timeout, retry)

    def next_answer(self, *oids):
        return self._ask(self._api.GetNextRequestPDU, self._null(oids))

    def bulk_answer(self, non_repeaters, max_repetitions, *oids):
        return self._ask(self._api.GetBulkRequestPDU, self._null(oids),
                         fields=(non_repeaters, max_repetitions))

    def set_answer(self, *varbinds, timeout=None):
        """Each varbind is (oid, letter, value). Sent once: a second is a new SET."""
        return self._ask(
            self._api.SetRequestPDU,
            [(oid, make(letter, value, self.version)) for oid, letter, value in varbinds],
            timeout, retry=False)

    def send_raw(self, oid, tag, content):
        """A SET of one varbind whose value is these octets, which no encoder would
        make. snmpd may drop it: an answer is not waited for long."""
        def field(number, *parts):
            body = b''.join(parts)
            size = bytes([len(body)]) if len(body) < 128 else \
                b'\x82' + len(body).to_bytes(2, 'big')
            return bytes([number]) + size + body
        zero = field(2, b'\0')
        name = encoder.encode(rfc1902.ObjectName(oid))
        self._send(field(0x30, field(2, bytes([self.version - 1])),
                         field(4, self.community.encode('ascii')),
                         field(0xa3, field(2, b'\x07'), zero, zero,
                               field(0x30, field(0x30, name, field(tag, content))))))
        with contextlib.suppress(Timeout):
            self.get_answer(oid, timeout=1.0)

    def get(self, *oids):
        """Values of oids; one Value for one OID, otherwise a list."""
        answer = self.get_answer(*oids)
        if answer.status != 'noError':
            raise AssertionError('GET %s: %s at %d' % (
                [oid_text(oid) for oid in oids], answer.status, answer.index))
        values = [Value(varbind.type, varbind.value) for varbind in answer.varbinds]
        return values[0] if len(oids) == 1 else values

    def walk(self, root, repetitions=40):
        """All varbinds below root, by GETBULK, or GETNEXT in SNMPv1."""
        found = []
        at = root
        while True:
            if self.version == 1:
                answer = self.next_answer(at)
                if answer.status == 'noSuchName':
                    return found
            else:
                answer = self.bulk_answer(0, repetitions, at)
            if answer.status != 'noError':
                raise AssertionError('walk: %s after %s' % (answer.status, oid_text(at)))
            for varbind in answer.varbinds:
                if varbind.oid[:len(root)] != root or varbind.type == 'endOfMibView':
                    return found
                if varbind.oid <= at:
                    raise AssertionError('walk: %s comes after %s' % (
                        oid_text(varbind.oid), oid_text(at)))
                found.append(varbind)
                at = varbind.oid


class ClientV3:
    """SNMPv3 with SHA and AES, through pysnmp's own engine; without 'priv', or 'auth' as
    well, of a lower security level."""

    version = 3

    def __init__(self, port, user='writer', auth='authentication', priv='encryption',
                 sha=hlapi.usmHMACSHAAuthProtocol, timeout=15):
        self._engine = hlapi.SnmpEngine()
        self._target = hlapi.UdpTransportTarget(('127.0.0.1', port), timeout=timeout,
                                                retries=0)
        self._user = hlapi.UsmUserData(
            user, auth, priv,
            authProtocol=sha if auth else hlapi.usmNoAuthProtocol,
            privProtocol=hlapi.usmAesCfb128Protocol if priv else hlapi.usmNoPrivProtocol)

    def close(self):
        # Ends the timer and the socket of the engine, which has them from its first request.
        if self._engine.transportDispatcher:
            self._engine.transportDispatcher.closeDispatcher()

    def _ask(self, command, *varbinds):
        error, status, index, got = next(command(
            self._engine, self._user, self._target, hlapi.ContextData(), *varbinds,
            lookupMib=False))
        if error:
            raise Timeout(str(error))
        if command is hlapi.nextCmd:
            got = got[0] if got and isinstance(got[0], list) else got
        return Answer(STATUS[int(status)], int(index),
                      [Varbind(tuple(oid), *value_of(value)) for oid, value in got])

    def get_answer(self, *oids):
        return self._ask(hlapi.getCmd, *[(oid, rfc1902.Null('')) for oid in oids])

    def next_answer(self, *oids):
        return self._ask(hlapi.nextCmd, *[(oid, rfc1902.Null('')) for oid in oids])

    def set_answer(self, *varbinds):
        return self._ask(hlapi.setCmd, *[
            (rfc1902.ObjectName(oid), make(letter, value)) for oid, letter, value in varbinds])

    def get(self, *oids):
        answer = self.get_answer(*oids)
        if answer.status != 'noError':
            raise AssertionError('GET: %s at %d' % (answer.status, answer.index))
        values = [Value(varbind.type, varbind.value) for varbind in answer.varbinds]
        return values[0] if len(oids) == 1 else values
