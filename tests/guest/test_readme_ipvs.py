# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Runs the commands of README that balance with IPVS, as they are written there, and compares what
# they print. In place of systemd, which the guest lacks, a script starts lbcluster-ipvs. A client
# in another network namespace reaches the servers of README in a third one.
"""README with IPVS."""

import contextlib
import importlib.machinery
import importlib.util
import os
import signal
import socket
import subprocess
import threading
import unittest

from harness import LBCLUSTERCTL, main, new_directory, wait_for
from ipvs_network import Namespace

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', '..')
SERVERS = {'10.0.0.1': b'web-1', '10.0.0.2': b'web-2', '10.0.0.9': b'sorry'}
WAIT_S = 60


def load_readme():
    path = os.path.join(TOP, 'tests/systemd/readme')
    loader = importlib.machinery.SourceFileLoader('readme', path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('readme', loader))
    loader.exec_module(module)
    return module


def serve(listener, name):
    while True:
        connection = listener.accept()[0]
        with connection, contextlib.suppress(OSError):
            connection.sendall(name)


class Readme(unittest.TestCase):
    """The section about IPVS."""

    def setUp(self):
        Namespace()     # the first call of unshare(2)
        self.director, self.client, servers = (Namespace(new=False), Namespace(), Namespace())
        for name, space, own, others in (
                ('client', self.client, '192.0.2.1/24', ['192.0.2.99/24']),
                ('servers', servers, '10.0.0.254/24', ['%s/24' % at for at in SERVERS])):
            self.director.ip('link add %s type veth peer name eth netns %s' % (name, space.path),
                             'addr add %s dev %s' % (own, name), 'link set %s up' % name)
            space.ip('link set lo up', 'link set eth up',
                     *['addr add %s dev eth' % at for at in others],
                     'route add default via %s' % own.split('/')[0])
        for address, name in SERVERS.items():
            listener = servers.socket(socket.AF_INET, socket.SOCK_STREAM)
            listener.bind((address, 8080))
            listener.listen()
            threading.Thread(target=serve, args=(listener, name), daemon=True).start()
        # The other tests of the guest begin with an empty table.
        self.addCleanup(subprocess.run, ['ipvsadm', '-C'], check=True)
        self.dir = new_directory()
        self.environment = {**os.environ, 'LBCLUSTER_STORE': self.dir + '/store', 'PATH': ':'.join((
            self.dir, os.path.dirname(LBCLUSTERCTL), os.environ['PATH'], '/usr/sbin', '/sbin'))}
        for name, text in (('systemctl', 'exec lbcluster-ipvs'), ('apt-get', 'exit 0')):
            with open(os.path.join(self.dir, name), 'w', encoding='ascii') as file:
                file.write('#!/bin/sh\n%s\n' % text)
            os.chmod(file.name, 0o755)
        os.makedirs('/etc/lbcluster', exist_ok=True)
        self.addCleanup(self.end_driver)

    def end_driver(self):
        with contextlib.suppress(FileNotFoundError):
            with open(self.dir + '/store/lbcluster-ipvs.lock', encoding='ascii') as file:
                os.kill(int(file.read()), signal.SIGTERM)

    def answer(self):
        with contextlib.suppress(OSError), self.client.socket(
                socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.settimeout(5)
            sock.connect(('192.0.2.10', 80))
            return sock.recv(100)

    def test_commands_as_they_are_written(self):
        readme = load_readme()
        with open(TOP + '/README', encoding='utf-8') as file:
            lines = file.read().splitlines()
        steps = readme.commands(lines[slice(*readme.section(lines, readme.IPVS))])
        self.assertGreater(len(steps), 6)
        for _, text, expected in steps:
            said = ''

            def is_right():
                nonlocal said
                done = subprocess.run(['bash', '-c', text], env=self.environment, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
                said = done.stdout
                return done.returncode == 0 and readme.missing(expected, said) is None
            # The driver needs a moment for its first checks.
            if text.startswith(('lbclusterctl list', 'ipvsadm')):
                with contextlib.suppress(AssertionError):
                    wait_for(is_right, WAIT_S, text)
            self.assertTrue(is_right() or 'address add' in text, '%s:\n%s' % (text, said))
        wait_for(lambda: {self.answer() for _ in range(4)} == {b'web-1', b'web-2'}, WAIT_S,
                 'both servers answer')


if __name__ == '__main__':
    main()
