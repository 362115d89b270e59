# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The data planes of the cluster "drv": HAProxy behind a gate that sees each command, or IPVS of
# this kernel.
"""PLANES: name -> class with start(), judge(), end()."""

import os
import subprocess

import history
import layout
from driver_case import driver_path
from harness import wait_for
from haproxy import FORCED_MAINT, Gate, HAProxy
from history import Violation

APPLIED_S = 10.0    # until the driver has drained what its jobs disabled


class HaproxyPlane:
    driver = driver_path('lbcluster-haproxy')
    gated = True        # trial.on_order is called before a command

    def __init__(self, trial):
        self.trial = trial
        self.orders = []        # lines to HAProxy, of this round

    def start(self):
        """Returns the options of the cluster and of its services."""
        world = self.trial.world
        self.haproxy = HAProxy(world)
        self.haproxy.configure({name: {real: (1, 'weight 10') for real in reals}
                                for name, reals in layout.names('drv').items()})
        self.haproxy.start()
        self.gate = Gate(os.path.join(world.dir, 'gate.sock'), self._pass)
        return 'plane = haproxy  socket = "%s"' % self.gate.path, ''

    def end(self):
        self.gate.close()

    def _pass(self, gate, connection, line):
        text = line.decode()
        if text.startswith('set ') or text.startswith('shutdown '):
            self.orders.append(text)
            self.trial.ordered()
        connection.sendall(self.haproxy.ask(text.rstrip('\n')).encode())

    def judge(self, before, rows, jobs):
        history.judge_orders(layout.objects(before), jobs, self._weights_ordered())
        for service in layout.names('drv'):
            for line in self.haproxy.ask('show servers state ' + service).splitlines():
                words = line.split()
                if len(words) < 8 or words[1] != service:
                    continue
                real = rows['drv/%s/%s' % (service, words[3])]
                out = int(words[6]) == FORCED_MAINT
                if int(words[7]) != real.weight or out == bool(real.enabled):
                    raise Violation('HAProxy has %s, the store %s' % (line, real))

    def _weights_ordered(self):
        """(path, weight) of each order, as they came."""
        found = []
        for line in self.orders:
            for command in line.rstrip('\n').split(';'):
                words = command.split()
                if words[:2] == ['set', 'server'] and words[3] == 'weight':
                    found.append(('drv/' + words[2], int(words[4])))
        return found


class IpvsPlane:
    driver = driver_path('lbcluster-ipvs')
    gated = False

    def __init__(self, trial):
        self.orders = []

    def start(self):
        return 'plane = ipvs', '  protocol = tcp  check = none'

    def end(self):
        pass

    def judge(self, before, rows, jobs):
        """The kernel's table has what the store says."""
        expected = {}
        for service in layout.names('drv'):
            prefix = 'drv/%s/' % service
            reals = [real for path, real in rows.items()
                     if path.startswith(prefix) and real.enabled]
            others = [real for real in reals if not real.fallback]
            for real in others or reals:
                expected['%s:%s' % (real.address, real.port), prefix] = real.weight

        found = {}

        def right():
            nonlocal found
            found = self._table()
            return found == expected
        try:
            wait_for(right, APPLIED_S, 'the table of the kernel')
        except AssertionError:
            raise Violation('the kernel has %s, the store %s' % (
                sorted(set(found.items()) - set(expected.items())),
                sorted(set(expected.items()) - set(found.items())))) from None

    def _table(self):
        """(endpoint, prefix of the path) -> weight"""
        prefixes = {'192.0.2.%d:80' % number: 'drv/%s/' % name
                    for number, name in enumerate(layout.names('drv'), 1)}
        done = subprocess.run(['ipvsadm', '-Sn'], capture_output=True, text=True, check=True)
        return {(words[4], prefixes[words[2]]): int(words[7])
                for words in map(str.split, done.stdout.splitlines()) if words[0] == '-a'}


PLANES = {'haproxy': HaproxyPlane, 'ipvs': IpvsPlane}
