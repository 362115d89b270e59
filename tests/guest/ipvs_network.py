# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# A network to balance in, for tests in the guest: a director, clients and four servers, each in a
# network namespace of its own, on one bridge. The director is this process and the programs that
# it starts. The servers and clients are sockets of this process in the other namespaces, because
# a process takes 50 ms to start in the guest. The namespaces end with this process.
#
#   director  10.9.0.1 and 2001:db8:9::1 towards the clients, 10.8.0.1 and 2001:db8:8::1 towards
#             the servers; the virtual addresses of vip()
#   clients   10.9.0.2 to 10.9.0.9, 2001:db8:9::2 to 2001:db8:9::9
#   r1 to r4  10.8.0.11 to 10.8.0.14, 2001:db8:8::11 to 2001:db8:8::14; the virtual addresses for
#             "dr" on lo. An answer from these goes straight to the client, any other one through
#             the director
#
# The kernel sends and accepts no redirects. Otherwise a server learns the short way to the
# client, and the director does not see the answers that it has to translate.
"""Network, Server, Held, Traffic, Watch."""

import collections
import contextlib
import ctypes
import fcntl
import os
import selectors
import socket
import struct
import subprocess
import threading
import time

SERVERS = ('r1', 'r2', 'r3', 'r4')
PORT = 80
ANSWER_S = 3.0      # a client waits so long
SILENCE_S = 2.0     # the same, in a test that expects no answer

SILENT, REFUSED, RESET = 'silent', 'refused', 'reset'

_TYPES = {'tcp': (socket.SOCK_STREAM,), 'udp': (socket.SOCK_DGRAM,),
          'sctp': (socket.SOCK_STREAM, socket.IPPROTO_SCTP)}
_CLONE_NEWNET = 0x40000000
_IP_FREEBIND, _ETH_P_ALL, _SO_TIMESTAMPNS = 15, 3, 35
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def family_of(address):
    return socket.AF_INET6 if ':' in address else socket.AF_INET


def endpoint(address, port=PORT):
    """The text of an address and a port, as ipvsadm(8) has it."""
    return ('[%s]:%d' if ':' in address else '%s:%d') % (address, port)


def real(name, family=4):
    """The address of a server."""
    return ('10.8.0.1%s' if family == 4 else '2001:db8:8::1%s') % name[1:]


def vip(number, method='nat', family=4):
    """A virtual address, 1 to 254. The servers have those of the method "dr", too."""
    net = 1 if method == 'nat' else 2
    return '10.9.%d.%d' % (net, number) if family == 4 else '2001:db8:9:%d::%d' % (net, number)


def run(*argv, stdin=None, check=True):
    """Runs a program of the director; returns its output."""
    done = subprocess.run(argv, input=stdin, text=True, capture_output=True, check=False)
    if check and done.returncode != 0:
        raise AssertionError('%s: %d\n%s%s' % (
            ' '.join(argv), done.returncode, done.stdout, done.stderr))
    return done.stdout + done.stderr


def ipvsadm(*lines):
    """Carries out lines of ipvsadm -R."""
    run('ipvsadm', '-R', stdin=''.join(line + '\n' for line in lines))


def sysctl(**values):
    """Sets sysctls of IPVS in this namespace."""
    for name, value in values.items():
        _write('/proc/sys/net/ipv4/vs/' + name, value)


def _write(path, value):
    with open(path, 'w', encoding='ascii') as file:
        file.write(str(value))


# -- namespaces ------------------------------------------------------------------------------


class Namespace:
    """A network namespace, new or the one of this thread."""

    def __init__(self, new=True):
        own = os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
        self.fd = own
        if new:
            _check(_LIBC.unshare(_CLONE_NEWNET))
            self.fd = os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
            _check(_LIBC.setns(own, _CLONE_NEWNET))
            os.close(own)
        self.path = '/proc/%d/fd/%d' % (os.getpid(), self.fd)

    @contextlib.contextmanager
    def entered(self):
        """This thread is in the namespace during the block."""
        own = os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check(_LIBC.setns(self.fd, _CLONE_NEWNET))
            try:
                yield
            finally:
                _check(_LIBC.setns(own, _CLONE_NEWNET))
        finally:
            os.close(own)

    def socket(self, *args):
        with self.entered():
            return socket.socket(*args)

    def ip(self, *lines):
        """Carries out lines of ip -batch."""
        with self.entered():
            run('ip', '-batch', '-', stdin=''.join(line + '\n' for line in lines))

    def sysctls(self, *settings):
        """Carries out lines like "ipv4/ip_forward=1"."""
        with self.entered():
            for setting in settings:
                _write('/proc/sys/net/' + setting.split('=')[0], setting.split('=')[1])


class Network:
    """The namespaces, and the servers by their names."""

    def __init__(self):
        # A new director for each network has a new table of IPVS.
        _check(_LIBC.unshare(_CLONE_NEWNET))
        self.director = Namespace(new=False)
        self.clients = Namespace()
        self._spaces = {name: Namespace() for name in SERVERS}
        self._engine = _Engine()
        self._connect()
        self.servers = {name: Server(self, name) for name in SERVERS}

    def _connect(self):
        # Without a fixed address, the bridge takes the lowest one of its ports.
        bridge = ['link set lo up', 'link add lbc address 02:00:00:00:00:01 type bridge',
                  'link set lbc up']
        for space in (self.director, self.clients, *self._spaces.values()):
            # Neighbours are found at once. DAD takes a second.
            space.sysctls('ipv6/conf/default/accept_dad=0', 'ipv6/conf/default/dad_transmits=0')
        for name, space in [('clients', self.clients), *self._spaces.items()]:
            bridge += ['link add p-%s type veth peer name eth netns %s' % (name, space.path),
                       'link set p-%s master lbc up' % name]
        self.director.ip(
            *bridge, *['addr add %s dev lbc%s' % (address, ' nodad' if ':' in address else '')
                      for address in ('10.9.0.1/24', '10.8.0.1/24', '2001:db8:9::1/64',
                                      '2001:db8:8::1/64')],
            'route add local 10.9.1.0/24 dev lo', 'route add local 10.9.2.0/24 dev lo',
            'route add local 2001:db8:9:1::/64 dev lo',
            'route add local 2001:db8:9:2::/64 dev lo')
        self.director.sysctls(
            'ipv4/ip_forward=1', 'ipv6/conf/all/forwarding=1',
            'ipv4/conf/all/send_redirects=0', 'ipv4/conf/lbc/send_redirects=0')
        for space in (self.clients, *self._spaces.values()):
            space.sysctls(
                'ipv4/conf/all/accept_redirects=0', 'ipv4/conf/eth/accept_redirects=0',
                'ipv6/conf/eth/accept_redirects=0', 'ipv4/conf/all/rp_filter=0',
                'ipv4/conf/eth/rp_filter=0')
        self.clients.ip(
            *_up(*['10.9.0.%d/24' % n for n in range(2, 10)],
                 *['2001:db8:9::%d/64' % n for n in range(2, 10)]),
            'route add default via 10.9.0.1', 'route add default via 2001:db8:9::1')
        for name, space in self._spaces.items():
            # The server has the virtual address and does not answer ARP for it.
            space.sysctls('ipv4/conf/all/arp_ignore=1', 'ipv4/conf/all/arp_announce=2')
            space.ip(
                *_up(real(name) + '/24', real(name, 6) + '/64'),
                'route add default via 10.8.0.1', 'route add default via 2001:db8:8::1',
                'route add local 10.9.2.0/24 dev lo', 'route add local 2001:db8:9:2::/64 dev lo',
                'route add 10.9.0.0/24 dev eth table 100', 'rule add from 10.9.2.0/24 lookup 100',
                'route add 2001:db8:9::/64 from 2001:db8:9:2::/64 dev eth')

    def space(self, name):
        return self._spaces[name]

    def engine(self):
        return self._engine

    # -- clients -----------------------------------------------------------------------------

    def client(self, kind, address, source=None, source_port=0):
        """A socket of a client, which does not block."""
        sock = self.clients.socket(family_of(address), *_TYPES[kind])
        if source or source_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((source or ('::' if ':' in address else '0.0.0.0'), source_port))
        sock.setblocking(False)
        return sock

    def ask(self, kind, address, n=1, port=PORT, timeout=ANSWER_S, **options):
        """Opens n connections at once, or sends n datagrams from different ports. Returns the
        number of each answer, as {'r1': 2, 'refused': 1}."""
        askers = [_Asker(self.client(kind, address, **options), address, port) for _ in range(n)]
        _ask_all(askers, timeout)
        for asker in askers:
            asker.sock.close()
        return dict(collections.Counter(asker.answer for asker in askers))

    def hold(self, kind, address, port=PORT, **options):
        return Held(self.client(kind, address, **options), address, port)


def _up(*addresses):
    return ['link set lo up', 'link set eth up',
            *['addr add %s dev eth%s' % (address, ' nodad' if ':' in address else '')
              for address in addresses]]


# -- servers ---------------------------------------------------------------------------------


class _Engine:
    """One thread that serves the sockets of all servers."""

    def __init__(self):
        self.lock = threading.RLock()
        self._selector = selectors.DefaultSelector()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            for key, _ in self._selector.select(0.05):
                with self.lock, contextlib.suppress(OSError):
                    if key.fileobj.fileno() != -1:
                        key.data(key.fileobj)

    def add(self, sock, call):
        sock.setblocking(False)
        with self.lock:
            self._selector.register(sock, selectors.EVENT_READ, call)

    def close(self, sock):
        with self.lock:
            if sock.fileno() != -1:
                self._selector.unregister(sock)
                sock.close()


class Server:
    """Answers each message on a port with its name, over TCP and UDP, or a GET of HTTP with
    'status' and its name. It answers a datagram from the address that the client asked."""

    def __init__(self, network, name, port=PORT):
        self.name = name
        self.port = port
        self.status = 200
        self.hung = False       # accepts and reads, and answers nothing
        self._space = network.space(name)
        self._engine = network.engine()
        self._listeners = []
        self._connections = set()
        self.start()

    def start(self):
        self.hung, self.status = False, 200
        if self._listeners:
            return
        tcp = self._space.socket(socket.AF_INET6, socket.SOCK_STREAM)
        udp = self._space.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        # With an address each, an association has one path, which the director translates.
        sctp = {real(self.name, family): self._space.socket(family_of(real(self.name, family)),
                                                            *_TYPES['sctp'])
                for family in (4, 6)}
        self._listeners = [tcp, udp, *sctp.values()]
        for sock in (tcp, udp):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        udp.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        tcp.bind(('::', self.port))
        tcp.listen(256)
        udp.bind(('::', self.port))
        for address, sock in sctp.items():
            sock.bind((address, self.port))
            sock.listen(256)
            self._engine.add(sock, self._accept)
        self._engine.add(tcp, self._accept)
        self._engine.add(udp, self._datagram)

    def stop(self):
        """Closes all sockets, as the end of the process does."""
        with self._engine.lock:
            for sock in [*self._listeners, *self._connections]:
                self._engine.close(sock)
            self._listeners = []
            self._connections.clear()

    def link(self, up):
        """Connects the server to the bridge, or disconnects it."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack(
                '16sh', b'p-' + self.name.encode(), _IFF_UP if up else 0) + bytes(22))

    def _accept(self, listener):
        sock, _ = listener.accept()
        self._connections.add(sock)
        self._engine.add(sock, self._stream)

    def _stream(self, sock):
        try:
            data = sock.recv(65536)
        except OSError:
            data = b''
        if data and self.hung:
            return
        http = data.startswith((b'GET ', b'HEAD '))
        if http:
            sock.sendall(b'HTTP/1.0 %d status\r\nContent-Length: %d\r\n\r\n%s' % (
                self.status, len(self.name), self.name.encode()))
        elif data:
            sock.sendall(self.name.encode())
        if http or not data:
            self._connections.discard(sock)
            self._engine.close(sock)

    def _datagram(self, sock):
        _, info, _, client = sock.recvmsg(65536, 256)
        if not self.hung:
            sock.sendmsg([self.name.encode()], info, 0, client)


# -- clients ---------------------------------------------------------------------------------


class _Asker:
    """A question on its way."""

    def __init__(self, sock, address, port):
        self.sock = sock
        self.answer = SILENT
        self.asked = False
        self.kind = sock.type
        with contextlib.suppress(BlockingIOError):
            sock.connect((address, port))

    def events(self):
        return selectors.EVENT_READ if self.asked else selectors.EVENT_WRITE

    def proceed(self):
        """Sends or receives; returns True at the end."""
        try:
            if not self.asked:
                self.sock.send(b'who')
                self.asked = True
                return False
            self.answer = self.sock.recv(100).decode() or RESET
        except BlockingIOError:
            return False
        except ConnectionRefusedError:
            self.answer = REFUSED
        except OSError:
            self.answer = RESET
        return True


def _ask_all(askers, timeout):
    end = time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        for asker in askers:
            selector.register(asker.sock, asker.events(), asker)
        left = len(askers)
        while left and time.monotonic() < end:
            for key, _ in selector.select(max(0, end - time.monotonic())):
                if key.data.proceed():
                    selector.unregister(key.fileobj)
                    left -= 1
                else:
                    selector.modify(key.fileobj, key.data.events(), key.data)


class Held:
    """A connection, or a UDP port, that a client keeps. 'first' is its first answer."""

    def __init__(self, sock, address, port):
        self.sock = sock
        self._asker = _Asker(sock, address, port)
        self.first = self.again()

    def again(self, timeout=ANSWER_S):
        """Asks again. Answers to earlier questions that TCP sent again are no answer."""
        with contextlib.suppress(OSError):
            while self.sock.recv(65536):
                pass
        self._asker.asked, self._asker.answer = False, SILENT
        _ask_all([self._asker], timeout)
        return self._asker.answer[:2] if self._asker.answer[:1] == 'r' and \
            self._asker.answer[1:2].isdigit() else self._asker.answer

    def close(self, reset=False):
        """Ends the connection. IPVS forgets one that was reset after 10 s, not after minutes."""
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.sock.close()


class Traffic:
    """New connections, one after the other, and held ones that ask in between, until stop().
    'answers' has (seconds since the start, answer) of the new ones."""

    def __init__(self, network, address, held=8, kind='tcp', pause_s=0.0,
                 timeout=ANSWER_S):
        self.answers = []
        self.lost = []          # questions on held connections without the answer of their server
        self._network, self._address, self._kind = network, address, kind
        self._pause_s, self._timeout = pause_s, timeout
        self.held = [network.hold(kind, address) for _ in range(held)]
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.began = time.monotonic()
        self._thread.start()

    def _run(self):
        turn = 0
        while not self._done.is_set():
            at = time.monotonic() - self.began
            answer, = self._network.ask(self._kind, self._address, timeout=self._timeout)
            self.answers.append((at, answer))
            if self.held:
                self._ask_held(turn % len(self.held))
                turn += 1
            self._done.wait(self._pause_s)

    def _ask_held(self, number):
        held = self.held[number]
        answer = held.again()
        if answer != held.first:
            self.lost.append((time.monotonic() - self.began, held.first, answer))

    def stop(self):
        self._done.set()
        self._thread.join()
        for number in range(len(self.held)):
            self._ask_held(number)
            self.held[number].close()
        return self

    def last(self):
        """The latest answer; None before the first one."""
        return self.answers[-1][1] if self.answers else None

    def failures(self):
        """The new connections that no server answered."""
        return [(at, answer) for at, answer in self.answers
                if answer in (SILENT, REFUSED, RESET)] + self.lost


class Watch:
    """Records the IPv4 packets of clients that arrive at a server: (time, source)."""

    def __init__(self, network, name):
        self.packets = []
        self._engine = network.engine()
        self._sock = network.space(name).socket(
            socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        self._sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._engine.add(self._sock, self._packet)

    def _packet(self, sock):
        data, more, _, origin = sock.recvmsg(64, 64)
        if origin[2] != socket.PACKET_OUTGOING and data[:2] == b'\x45\0' and \
                data[12:15] == b'\x0a\x09\0':
            seconds, nanoseconds = struct.unpack('qq', more[0][2])
            self.packets.append((seconds + nanoseconds / 1e9, socket.inet_ntoa(data[12:16])))

    def close(self):
        self._engine.close(self._sock)
