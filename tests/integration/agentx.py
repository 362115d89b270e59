# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# AgentX (RFC 2741) as far as the tests need it: a proxy between snmpd and lbclusterd (Proxy), a
# faulty master instead of snmpd (BadMaster), another subagent beside lbclusterd (Subagent).
# This module knows nothing of LBCLUSTER-MIB.
"""A proxy, faulty masters and a second subagent."""

import collections
import contextlib
import os
import select
import socket
import struct
import threading

TYPES = {
    1: 'Open', 2: 'Close', 3: 'Register', 4: 'Unregister', 5: 'Get', 6: 'GetNext',
    7: 'GetBulk', 8: 'TestSet', 9: 'CommitSet', 10: 'UndoSet', 11: 'CleanupSet',
    12: 'Notify', 13: 'Ping', 14: 'IndexAllocate', 15: 'IndexDeallocate',
    16: 'AddAgentCaps', 17: 'RemoveAgentCaps', 18: 'Response'}
NUMBERS = {name: number for number, name in TYPES.items()}

_NETWORK_ORDER = 0x10

# 'kind' is the name of the type, 'octets' the whole PDU with its header.
Pdu = collections.namedtuple('Pdu', 'kind order session transaction packet octets')


def _receive(sock, size):
    data = b''
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part:
            return None
        data += part
    return data


def read_pdu(sock):
    """The next PDU, or None at the end of the stream."""
    try:
        header = _receive(sock, 20)
        if header is None:
            return None
        order = '>' if header[2] & _NETWORK_ORDER else '<'
        session, transaction, packet, length = struct.unpack(order + '4I', header[4:])
        body = _receive(sock, length)
    except OSError:
        return None
    if body is None:
        return None
    return Pdu(TYPES.get(header[1], str(header[1])), order, session, transaction, packet,
               header + body)


def make_pdu(kind, session, transaction, packet, body=b'', order='>'):
    return struct.pack('BBBB', 1, NUMBERS[kind], _NETWORK_ORDER if order == '>' else 0, 0) + \
        struct.pack(order + '4I', session, transaction, packet, len(body)) + body


def make_response(to, error=0, index=0):
    """A Response without varbinds to a PDU."""
    return make_pdu('Response', to.session, to.transaction, to.packet,
                    struct.pack(to.order + 'IHH', 0, error, index), to.order)


def with_error(response, error, index):
    """The Response with another error and index."""
    return response.octets[:24] + struct.pack(response.order + 'HH', error, index) + \
        response.octets[28:]


def error_of(response):
    return struct.unpack(response.order + 'H', response.octets[24:26])[0]


class Link:
    """One connection of lbclusterd, and the connection of the proxy to snmpd for it."""

    def __init__(self, proxy, agent, master):
        self.proxy = proxy
        self.agent = agent
        self.master = master
        self.asked = {}         # packet -> type, of requests without an answer yet
        self.swallow = collections.Counter()    # answers that the master must not get

    def to_agent(self, octets):
        self.agent.sendall(octets)

    def to_master(self, octets):
        self.master.sendall(octets)

    def cut(self):
        """Ends the connection on both sides. PDUs under way are lost."""
        for sock in (self.agent, self.master):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def twice(self, pdu):
        """Delivers a request twice, as snmpd does to a slow agent. snmpd does not get the
        second answer."""
        self.swallow[pdu.packet] += 1
        self.to_agent(pdu.octets)
        self.to_agent(pdu.octets)

    def run(self):
        sides = {self.agent: 'agent', self.master: 'master'}
        with contextlib.suppress(OSError):
            while True:
                for ready in select.select(list(sides), [], [])[0]:
                    pdu = read_pdu(ready)
                    if pdu is None:
                        return
                    self._pass(pdu, sides[ready])

    def _pass(self, pdu, side):
        if side == 'master':
            name = pdu.kind
            self.asked[pdu.packet] = name
        else:
            name = pdu.kind
            if name == 'Response' and pdu.packet in self.asked:
                name = self.asked[pdu.packet] + ' answer'
        self.proxy.seen.append(name)
        action = self.proxy.take(name)
        if action:
            action(self, pdu)
        elif side == 'master':
            self.to_agent(pdu.octets)
        elif self.swallow[pdu.packet] > 0 and name.endswith(' answer'):
            self.swallow[pdu.packet] -= 1
        else:
            self.to_master(pdu.octets)

    def close(self):
        self.cut()
        self.agent.close()
        self.master.close()


class Proxy:
    """Listens at 'path' and connects to the master at 'master_path'.

    once('TestSet', f): the proxy calls f(link, pdu) instead of delivering the next
    TestSet. f may deliver it, deliver something else, or end the connection. 'TestSet
    answer' is the answer of the agent. 'seen' lists the types of all PDUs."""

    def __init__(self, path, master_path):
        self.seen = []
        self.links = []
        self._threads = []
        self._master_path = master_path
        self._rules = collections.defaultdict(list)
        self._lock = threading.Lock()
        self._listen = socket.socket(socket.AF_UNIX)
        self._listen.bind(path)
        self._listen.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def once(self, name, action):
        with self._lock:
            self._rules[name].append(action)

    def take(self, name):
        with self._lock:
            return self._rules[name].pop(0) if self._rules[name] else None

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                agent, _ = self._listen.accept()
                master = socket.socket(socket.AF_UNIX)
                try:
                    master.connect(self._master_path)
                except OSError:
                    agent.close()
                    continue
                link = Link(self, agent, master)
                self.links.append(link)
                thread = threading.Thread(target=self._serve, args=(link,), daemon=True)
                self._threads.append(thread)
                thread.start()

    @staticmethod
    def _serve(link):
        try:
            link.run()
        finally:
            link.cut()

    def close(self):
        with contextlib.suppress(OSError):
            self._listen.shutdown(socket.SHUT_RDWR)
        self._listen.close()
        for link in self.links:
            link.cut()
        for thread in self._threads:
            thread.join(5)
        for link in self.links:
            link.close()


class BadMaster:
    """Listens in the place of snmpd and behaves wrongly:

    silent    accepts connections and never answers
    close     accepts connections and closes them
    deaf      accepts no connection; its backlog is full
    garbage   answers with bytes that are not AgentX
    opens     answers Open and nothing else
    """

    def __init__(self, path, how):
        self.connections = 0
        self._how = how
        self._kept = []
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self._path = path
        self._listen = socket.socket(socket.AF_UNIX)
        self._listen.bind(path)
        self._listen.listen(0 if how == 'deaf' else 16)
        if how == 'deaf':
            self._fill()
        else:
            threading.Thread(target=self._accept, daemon=True).start()

    def _fill(self):
        while True:
            sock = socket.socket(socket.AF_UNIX)
            sock.setblocking(False)
            self._kept.append(sock)
            try:
                sock.connect(self._path)
            except BlockingIOError:
                return

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listen.accept()
                self.connections += 1
                self._kept.append(sock)
                if self._how == 'close':
                    sock.close()
                elif self._how == 'garbage':
                    sock.sendall(b'SSH-2.0-OpenSSH_9.2\r\n' * 40)
                elif self._how == 'opens':
                    threading.Thread(target=self._open, args=(sock,), daemon=True).start()

    @staticmethod
    def _open(sock):
        pdu = read_pdu(sock)
        if pdu:
            with contextlib.suppress(OSError):
                sock.sendall(make_pdu('Response', 7, pdu.transaction, pdu.packet,
                                      struct.pack(pdu.order + 'IHH', 0, 0, 0), pdu.order))

    def close(self):
        with contextlib.suppress(OSError):
            self._listen.shutdown(socket.SHUT_RDWR)
        for sock in [self._listen, *self._kept]:
            sock.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)


def _oid(oid, include=0):
    return struct.pack('>BBBB', len(oid), 0, include, 0) + struct.pack('>%dI' % len(oid), *oid)


class Subagent:
    """A second subagent with one subtree. 'errors' maps the type of a request to the error
    of its Response, or to ENDS."""

    ENDS = -1

    def __init__(self, path, subtree, errors=()):
        self.errors = dict(errors)
        self.seen = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(path)
        description = b'test'
        self._session = 0
        self._session = self._ask('Open', struct.pack('>BBBB', 5, 0, 0, 0) + _oid(()) +
                                  struct.pack('>I', len(description)) + description).session
        self._ask('Register', struct.pack('>BBBB', 0, 127, 0, 0) + _oid(subtree))
        self._socket.settimeout(None)
        threading.Thread(target=self._serve, daemon=True).start()

    def _ask(self, kind, body):
        self._socket.sendall(make_pdu(kind, self._session, 1, 1, body))
        answer = read_pdu(self._socket)
        if answer is None or answer.kind != 'Response' or error_of(answer) != 0:
            raise AssertionError('%s of the second subagent: %r' % (kind, answer))
        return answer

    def _serve(self):
        while True:
            pdu = read_pdu(self._socket)
            if pdu is None:
                return
            self.seen.append(pdu.kind)
            if pdu.kind not in ('CleanupSet', 'Close'):
                error = self.errors.get(pdu.kind, 0)
                if error == self.ENDS:
                    self.close()
                    return
                with contextlib.suppress(OSError):
                    self._socket.sendall(make_response(pdu, error, 1 if error else 0))

    def close(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
