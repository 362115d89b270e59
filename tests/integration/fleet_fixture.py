# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Many stats sockets in one thread: some answer as a HAProxy with one server, the others are mute.
"""A fleet of simulated HAProxys."""

import os
import selectors
import socket
import threading
import time

from haproxy import request_line

# The columns that lbcluster-haproxy reads, with the values of HAProxy 2.6.12.
_INFO = """Name: HAProxy
Version: 2.6.12
Pid: {pid}
Uptime_sec: {uptime}
Nbproc: 1
Process_num: 1
Stopping: 0
Start_time_sec: {start}
"""
_STAT = """# pxname,svname,scur,stot,bin,bout,status,bck,type,rate,check_status,check_code,\
last_chk,last_agt,tracked,mode
http,a,0,0,0,0,{status},0,2,0,,,,,,http
"""
_STATE = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight \
srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state \
srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl \
srv_check_port srv_check_addr srv_agent_addr srv_agent_port
2 http 1 a 127.0.0.1 {op} {admin} {weight} 1 0 1 0 2 0 0 0 0 - 80 - 0 0 - - 0
"""


class _Proxy:
    """The state of one server http/a, changed by commands of the CLI."""

    states = {'ready': (2, 0, 'no check'), 'drain': (2, 8, 'DRAIN'), 'maint': (0, 1, 'MAINT')}

    def __init__(self, start):
        self.start = start
        self.state = 'ready'
        self.weight = 1
        self.polls = 0

    def answer(self, line):
        return ''.join(self._one(command.strip()) + '\n' for command in line.split(';'))

    def _one(self, command):
        words = command.split()
        op, admin, status = self.states[self.state]
        values = {'pid': os.getpid(), 'start': self.start, 'weight': self.weight, 'op': op,
                  'uptime': int(time.time()) - self.start, 'admin': admin, 'status': status}
        if words[:2] == ['set', 'server']:
            if words[3] == 'state':
                self.state = words[4]
            elif words[3] == 'weight':
                self.weight = int(words[4])
            return ''
        if words[:3] == ['show', 'cli', 'level']:
            self.polls += 1
            return 'admin\n'
        text = {'info': _INFO, 'stat': _STAT, 'servers': _STATE}[words[1]]
        return text.format(**values)


class Fleet:
    """Listens at DIRECTORY/NAME for each of 'answering' and 'mute' names. A mute socket accepts
    no connection; 'backlog' is the number of connections that the kernel completes for it."""

    def __init__(self, directory, answering, mute, backlog=0):
        start = int(time.time()) - 100
        self._selector = selectors.DefaultSelector()
        self._sockets = []
        self.proxies = {}
        for name in mute:
            self._listen(directory, name, backlog)
        for name in answering:
            self.proxies[name] = _Proxy(start)
            self._selector.register(self._listen(directory, name, 64), selectors.EVENT_READ,
                                    self.proxies[name])
        self._wake, wake = socket.socketpair()
        self._selector.register(wake, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _listen(self, directory, name, backlog):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.join(directory, name))
        listener.listen(backlog)
        self._sockets.append(listener)
        return listener

    def _serve(self):
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                connection, _ = key.fileobj.accept()
                with connection:
                    line = request_line(connection)
                    if line:
                        connection.sendall(key.data.answer(line.decode()).encode())

    def inventory(self, directory):
        """An inventory with a cluster for each socket."""
        return ''.join('cluster %s {\n    plane = haproxy\n    socket = "%s"\n'
                       '    service http {\n        address = 127.0.0.1\n        port = 80\n'
                       '        real a {\n            address = 127.0.0.1\n'
                       '            port = 80\n        }\n    }\n}\n'
                       % (os.path.basename(s.getsockname()),
                          os.path.join(directory, os.path.basename(s.getsockname())))
                       for s in self._sockets)

    def close(self):
        self._wake.close()
        self._thread.join()
        for listener in self._sockets:
            listener.close()
