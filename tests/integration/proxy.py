# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# A network with faults between a program and a server: it delays octets, stands still, or cuts all
# connections.
"""Proxy, a network with faults."""

import collections
import contextlib
import os
import selectors
import socket
import threading
import time


def listener_at(address):
    """A listening socket at (host, port) or at a path."""
    if isinstance(address, str):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        listener.listen(64)
        return listener
    return socket.create_server(address)


class _Way:
    """One direction of a connection: octets with the time at which they leave."""

    def __init__(self, source, target):
        self.source = source
        self.target = target
        self.queue = collections.deque()    # (time, octets); octets b'' are the end


class Proxy:
    """Passes octets from connections at 'address' to 'server'. Both are (host, port) or the path of
    a unix socket. Port 0 is a free one: see 'port'."""

    def __init__(self, address, server):
        self.server = server
        self.path = address if isinstance(address, str) else None
        self.delay_s = 0.0              # of each direction
        self.still = False              # accepts connections, passes nothing, closes nothing
        self.connections = 0            # since the start
        self._ways = {}                 # by source
        self._lock = threading.RLock()
        self._selector = selectors.DefaultSelector()
        self._listener = listener_at(address)
        self._listener.setblocking(False)
        self.port = None if self.path else self._listener.getsockname()[1]
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._done = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    # -- faults -----------------------------------------------------------

    def stand_still(self):
        """From now on nothing passes and nothing is closed, as with a lost network."""
        self._change(still=True)

    def go_on(self, delay_s=0.0):
        """Passes what waits and what comes, each octet later by 'delay_s'."""
        self._change(still=False, delay_s=delay_s)

    def cut(self):
        """Closes all connections; new ones are accepted."""
        with self._lock:
            for source in list(self._ways):
                self._close(source)

    def close(self):
        """Closes all connections and the listening socket: new connections are refused."""
        self._done = True
        self._wake.send(b'x')
        self._thread.join()
        self.cut()
        self._listener.close()
        self._wake.close()
        self._woken.close()
        if self.path:
            with contextlib.suppress(OSError):
                os.unlink(self.path)

    # -- the loop ---------------------------------------------------------

    def _change(self, **values):
        with self._lock:
            for name, value in values.items():
                setattr(self, name, value)
        self._wake.send(b'x')

    def _serve(self):
        while not self._done:
            for key, _ in self._selector.select(self._wait_s()):
                with self._lock:
                    self._ready(key.fileobj)
            with self._lock:
                self._send_due()

    def _wait_s(self):
        with self._lock:
            due = [way.queue[0][0] for way in self._ways.values() if way.queue]
        return max(0.0, min(due) - time.monotonic()) if due and not self.still else None

    def _ready(self, source):
        if source is self._woken:
            source.recv(100)
        elif source is self._listener:
            self._accept()
        elif source in self._ways:
            try:
                octets = source.recv(65536)
            except OSError:
                octets = b''
            way = self._ways[source]
            way.queue.append((time.monotonic() + self.delay_s, octets))
            if not octets:
                self._selector.unregister(source)

    def _accept(self):
        client, _ = self._listener.accept()
        server = socket.socket(
            socket.AF_UNIX if isinstance(self.server, str) else socket.AF_INET)
        try:
            server.connect(self.server)
        except OSError:
            client.close()
            server.close()
            return
        self.connections += 1
        for source, target in ((client, server), (server, client)):
            self._ways[source] = _Way(source, target)
            self._selector.register(source, selectors.EVENT_READ)

    def _send_due(self):
        if self.still:
            return
        for source, way in list(self._ways.items()):
            while source in self._ways and way.queue and \
                    way.queue[0][0] <= time.monotonic():
                self._send(way, way.queue.popleft()[1])

    def _send(self, way, octets):
        try:
            if not octets:
                raise BrokenPipeError
            way.target.sendall(octets)
        except OSError:
            self._close(way.source)

    def _close(self, source):
        """Closes both directions of a connection."""
        way = self._ways.get(source)
        for end in (source, way.target) if way else ():
            if self._ways.pop(end, None):
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(end)
                end.close()
