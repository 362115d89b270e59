# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Fixtures for tests of lbcluster-haproxy: real HAProxy processes, small HTTP servers behind
# them, requests, a gate in front of a runtime socket that delays or changes answers, and a
# store with a driver. All on loopback.
"""HAProxy, Backend, Agent, Gate, Plane (a test with them)."""

import contextlib
import http.client
import http.server
import os
import re
import shutil
import signal
import socket
import sys
import threading

from driver_case import EVENT_S, DriverCase, driver_path
from harness import Program, free_port, wait_for

DRIVER = driver_path('lbcluster-haproxy')

if not shutil.which('haproxy'):
    sys.stderr.write('these tests need haproxy: apt-get install haproxy\n')
    sys.exit(1 if os.environ.get('LBCLUSTER_TESTS_FORCE') == '1' else 77)


# Options of a server. One failed check sets it down. A check has the time of "inter".
SERVER = 'weight 10'
CHECK = 'check inter 1000 fastinter 100 downinter 100 fall 1 rise 1 weight 10'


# -- servers -----------------------------------------------------------------


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        backend = self.server.backend
        if self.path == '/slow':
            backend.slow_begun.set()
            backend.slow_may_end.wait(120)
        length = int(self.path[len('/octets/'):]) if self.path.startswith('/octets/') else 0
        body = backend.name.encode() if not length else b'x' * length
        self.send_response(backend.check_status if self.path == '/check' else 200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128    # for a busy machine

    def handle_error(self, request, client_address):
        pass    # HAProxy ended the connection


class Backend:
    """An HTTP server that answers with its name, and can be stopped and started."""

    def __init__(self, name):
        self.name = name
        self.port = free_port()
        self.check_status = 200     # of a request for /check
        self.slow_begun = threading.Event()
        self.slow_may_end = threading.Event()
        self._server = None
        self.start()

    def start(self):
        self._server = _Server(('127.0.0.1', self.port), _Handler)
        self._server.backend = self
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        self._server = None


class Agent:
    """Answers each agent-check of HAProxy with one line."""

    def __init__(self, answer):
        self.answer = answer
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.sendall(self.answer.encode() + b'\n')

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


# -- HAProxy -----------------------------------------------------------------

_GLOBAL = """\
global
    stats socket {socket} mode 600 level {level}
    stats timeout 30s
    hard-stop-after 2s
defaults
    mode http
    option http-server-close
    retries 0
    timeout connect 1s
    timeout client 120s
    timeout server 120s
"""


class HAProxy:
    """One process, its configuration and its traffic."""

    def __init__(self, world, name='haproxy', level='admin', master=False):
        self.world = world
        self.name = name
        self.master = master    # HAProxy runs as a master with workers, as under systemd
        self.socket = os.path.join(world.dir, name + '.sock')
        self.config = os.path.join(world.dir, name + '.cfg')
        self.level = level
        self.ports = {}
        self.program = None
        self._generation = 0
        self._earlier = None    # the worker before the reload

    def configure(self, services, balance='roundrobin', more=''):
        """'services': name -> {server: (port, options)}; 'more': further sections."""
        text = [_GLOBAL.format(socket=self.socket, level=self.level)]
        for name, servers in services.items():
            if name not in self.ports:
                self.ports[name] = free_port()
            text.append('listen %s\n    bind 127.0.0.1:%d\n    balance %s\n' % (
                name, self.ports[name], balance))
            for server, (port, options) in servers.items():
                text.append('    server %s 127.0.0.1:%d %s\n' % (server, port, options))
        text.append(more)
        with open(self.config, 'w', encoding='utf-8') as file:
            file.write(''.join(text))

    def start(self, *args):
        old = self.program
        self._generation += 1
        mode = '-W' if self.master else '-db'
        self.program = Program(self.name, ['haproxy', mode, '-f', self.config, *args],
                               os.path.join(self.world.dir, '%s-%d.log' % (
                                   self.name, self._generation)))
        self.world.others.append(self.program)
        wait_for(lambda: self._serves(), EVENT_S, '%s answers' % self.name)
        return old

    def _serves(self):
        if not self.program.alive():
            raise AssertionError('%s ended' % self.name)
        pid = self.pid()
        return pid not in (None, self._earlier) if self.master else pid == self.program.pid

    def pid(self):
        """The process that answers at the socket; None if none does."""
        with contextlib.suppress(OSError):
            found = re.search(r'^Pid: (\d+)$', self.ask('show info'), re.MULTILINE)
            return int(found.group(1)) if found else None
        return None

    def reload(self):
        """Starts a new process, or lets the master start a new worker. The earlier process ends
        after its connections."""
        if self.master:
            self._earlier = self.pid()
            wait_for(self._worker_is_new, EVENT_S, '%s answers' % self.name)
            return None
        old = self.start('-sf', str(self.program.pid))
        old.awaited = True
        return old

    def _worker_is_new(self):
        """Sends the signal again if needed: a master loses it while it starts a worker."""
        self.program.signal(signal.SIGUSR2)
        with contextlib.suppress(AssertionError):
            return wait_for(self._serves, 1, 'a new worker')
        return False

    def kill(self):
        self.program.kill()

    def restart(self):
        self.kill()
        self.start()

    def ask(self, command):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(EVENT_S)
            client.connect(self.socket)
            client.sendall(command.encode() + b'\n')
            answer = b''
            while True:
                part = client.recv(65536)
                if not part:
                    return answer.decode()
                answer += part

    def _state(self, server):
        service, name = server.split('/')
        for line in self.ask('show servers state ' + service).splitlines():
            values = line.split()
            if len(values) > 7 and values[1] == service and values[3] == name:
                return [int(value) for value in values[5:8]]
        return [None] * 3

    def state(self, server):
        """(admin state, weight) of "service/server"."""
        return tuple(self._state(server)[1:])

    def states(self, server):
        """(operational state, admin state) of "service/server"."""
        return tuple(self._state(server)[:2])

    def get(self, service, path='/', timeout=10, headers=None):
        """Sends one request on a new connection; returns (status, body)."""
        connection = http.client.HTTPConnection('127.0.0.1', self.ports[service],
                                                timeout=timeout)
        try:
            connection.request('GET', path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def share(self, service, n):
        """Sends n requests; returns the number of answers by server name."""
        count = {}
        for _ in range(n):
            status, body = self.get(service)
            name = body if status == 200 else status
            count[name] = count.get(name, 0) + 1
        return count


FORCED_MAINT, FORCED_DRAIN = 1, 8


# -- a gate in front of the socket -----------------------------------------------


def request_line(connection):
    """The request of a client; b'' if the client closes the connection before its end."""
    line = b''
    while not line.endswith(b'\n'):
        part = connection.recv(65536)
        if not part:
            return b''
        line += part
    return line


class Gate:
    """Listens at the socket of the inventory in place of HAProxy. behave(gate, connection,
    line) answers each request."""

    def __init__(self, path, behave):
        self.path = path
        self.behave = behave
        self.lines = []
        self.opened = threading.Event()    # lets waiting requests continue
        self.closed = False
        self._listener = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError):
            os.unlink(path)
        self._listener.bind(path)
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            line = request_line(connection)
            if line:
                self.lines.append(line.decode())
                self.behave(self, connection, line)

    def close(self):
        self.closed = True
        self.opened.set()
        # Wakes accept(). A connect() would wait if the backlog is full.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def relay(haproxy):
    """Returns a behave() that asks HAProxy."""
    def behave(gate, connection, line):
        connection.sendall(haproxy.ask(line.decode().rstrip('\n')).encode())
    return behave


# -- a store with a driver ---------------------------------------------------------


class Plane(DriverCase):
    """A test case with a store, a driver and HAProxy."""

    plane_kind = 'haproxy'

    def plane_world(self, user=None, **options):
        self.backends = {}
        self.addCleanup(self._backends_stop)
        return self.driver_world(user, **options)

    def _backends_stop(self):
        for backend in self.backends.values():
            backend.slow_may_end.set()
            backend.stop()

    def backend(self, name):
        if name not in self.backends:
            self.backends[name] = Backend(name)
        return self.backends[name]

    def haproxy(self, services, name='haproxy', balance='roundrobin', level='admin',
                master=False):
        """Starts HAProxy; services: name -> {server: options}."""
        haproxy = HAProxy(self.world, name, level, master)
        self.set_services(haproxy, services, balance)
        haproxy.start()
        if self.world.user:
            os.chown(haproxy.socket, *self.world.user)
        return haproxy

    def set_services(self, haproxy, services, balance='roundrobin'):
        haproxy.configure({service: {
            server: (self.backend(server).port, options)
            for server, options in servers.items()} for service, servers in services.items()},
            balance)

    def load(self, haproxy, cluster='web'):
        """Stores the inventory of HAProxy."""
        self.world.ctl('discover', 'haproxy', haproxy.socket, '--cluster', cluster, '--load')
