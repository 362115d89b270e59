# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# A DNS server on loopback for "resolvers" of HAProxy (RFC 1035, RFC 2782). It answers A
# and SRV questions over UDP from a dictionary, which a test may change at any time.
"""Dns."""

import contextlib
import socket
import struct
import threading

A, SRV = 1, 33
CLASS_IN = 1
NO_ERROR, NAME_ERROR = 0, 3
AUTHORITATIVE_ANSWER = 0x8400
TTL_S = 1


def _name(text):
    """Encodes a name as lengths and labels, RFC 1035 3.1."""
    return b''.join(bytes([len(label)]) + label.encode() for label in text.split('.')) + b'\0'


def _question(query):
    """Returns (name, type, bytes) of the first question."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    kind, = struct.unpack('!H', query[at + 1:at + 3])
    return '.'.join(labels).lower(), kind, query[12:at + 5]


_RESOLVERS = """\
resolvers r
    nameserver n 127.0.0.1:{port}
    resolve_retries 1
    timeout resolve 100ms
    timeout retry 100ms
    hold valid 100ms
    hold nx 100ms
"""


class Dns:
    """'names': "p1.test" -> ["127.0.0.1"], "_app._tcp.test" -> [(port, "p1.test")] or
    [(port, "p1.test", weight)]."""

    def __init__(self, names):
        self.names = names
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(('127.0.0.1', 0))
        self.port = self._socket.getsockname()[1]
        self._closed = False
        threading.Thread(target=self._serve, daemon=True).start()

    def _records(self, name, kind):
        for value in self.names.get(name, []):
            if kind == A and isinstance(value, str):
                yield socket.inet_aton(value)
            elif kind == SRV and not isinstance(value, str):
                port, target, *weight = value
                yield struct.pack('!HHH', 1, weight[0] if weight else 1, port) + _name(target)

    def answer(self, query):
        name, kind, question = _question(query)
        records = list(self._records(name, kind))
        flags = AUTHORITATIVE_ANSWER | (NO_ERROR if name in self.names else NAME_ERROR)
        head = query[:2] + struct.pack('!HHHHH', flags, 1, len(records), 0, 0)
        # 0xc00c points to the name of the question, RFC 1035 4.1.4.
        return head + question + b''.join(
            struct.pack('!HHHIH', 0xc00c, kind, CLASS_IN, TTL_S, len(data)) + data
            for data in records)

    def _serve(self):
        while not self._closed:
            with contextlib.suppress(OSError):
                query, client = self._socket.recvfrom(4096)
                if len(query) > 12:
                    self._socket.sendto(self.answer(query), client)

    def resolvers(self):
        """The section "resolvers r" of haproxy.cfg."""
        return _RESOLVERS.format(port=self.port)

    def close(self):
        self._closed = True
        # A datagram wakes recvfrom().
        with contextlib.suppress(OSError), socket.socket(
                socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b'', ('127.0.0.1', self.port))
        self._socket.close()
