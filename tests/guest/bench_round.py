# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# "make bench-ipvs-round", in the guest: the time of a whole round of lbcluster-ipvs with 10,000
# destinations, beside the time of "ipvsadm -Ln --stats" of the same table. The two alternate: the
# driver is stopped while ipvsadm runs. A round polls, compares, and writes statistics to the store.
# Then rounds in which 100 destinations have another weight, in the kernel or in the store.
"""Times of rounds with 10,000 destinations."""

import os
import re
import resource
import signal
import statistics
import subprocess
import time

from harness import main, wait_for
from ipvs_case import IpvsCase, cluster

SERVICES, REALS, CHANGES, WAIT_S = 10, 1000, 100, 240
RUNS = int(os.environ.get('RUNS') or 9)


def inventory(weight=1):
    """The first CHANGES real services of the first service have this weight."""
    return cluster(*(
        'service s%d {\nprotocol = tcp\naddress = 192.0.2.1  port = %d  check = none\n%s}\n' % (
            i, 80 + i, ''.join('real r%d { address = 10.%d.%d.%d  port = 80  weight = %d }\n' % (
                j, 20 + i, j // 250, 1 + j % 250, weight if i == 0 and j < CHANGES else 1)
                for j in range(REALS)))
        for i in range(SERVICES)))


def ipvsadm():
    """Milliseconds of ipvsadm: (by the clock, of the CPU, of that in the kernel)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    subprocess.run(['ipvsadm', '-Ln', '--stats'], stdout=subprocess.DEVNULL, check=True)
    elapsed = time.monotonic() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    system = after.ru_stime - before.ru_stime
    return 1000 * elapsed, 1000 * (after.ru_utime - before.ru_utime + system), 1000 * system


def report(name, pairs):
    """Prints pairs of (round, ipvsadm), each as ipvsadm() returns it."""
    for i, what in enumerate(('by the clock', 'of the CPU', 'in the kernel')):
        print('%s, %s: %.0f ms, ipvsadm %.0f ms; ratio %.2f (%s)' % (
            name, what, statistics.median(ours[i] for ours, _ in pairs),
            statistics.median(theirs[i] for _, theirs in pairs),
            statistics.median(ours[i] / theirs[i] for ours, theirs in pairs),
            ' '.join('%.2f' % (ours[i] / theirs[i]) for ours, theirs in pairs)), flush=True)


class Rounds(IpvsCase):
    """Prints the times."""

    def rounds(self):
        """The rounds of the log: (milliseconds, commands)."""
        return [(int(ms), int(n)) for ms, n in
                re.findall(r'web: (\d+) ms, (\d+) commands', self.driver_log())]

    def cpu_ms(self):
        """(of the CPU, of that in the kernel)"""
        with open('/proc/%d/schedstat' % self.driver.pid, encoding='ascii') as file:
            cpu = int(file.read().split()[0]) / 1e6
        with open('/proc/%d/stat' % self.driver.pid, encoding='ascii') as file:
            fields = file.read().rsplit(')', 1)[1].split()
        return cpu, 1000 * int(fields[12]) / os.sysconf('SC_CLK_TCK')

    def one_round(self, least_commands):
        """Lets the driver run until a round with so many commands ended, then stops it."""
        begin, cpu = len(self.rounds()), self.cpu_ms()

        def ended():
            return [ms for ms, n in self.rounds()[begin:] if n >= least_commands]
        self.driver.signal(signal.SIGCONT)
        wait_for(ended, WAIT_S, 'a round')
        self.driver.signal(signal.SIGSTOP)
        return (ended()[0], *(after - before for before, after in zip(cpu, self.cpu_ms())))

    def weights_change(self, weight):
        """Changes the weights in the kernel."""
        subprocess.run(['ipvsadm', '-R'], check=True, universal_newlines=True, input=''.join(
            '-e -t 192.0.2.1:80 -r 10.20.0.%d:80 -m -w %d\n' % (1 + i, weight)
            for i in range(CHANGES)))

    def test_rounds(self):
        self.configure(interval=5)     # a round ends before the next one begins
        self.world.load(inventory())
        self.start_driver()
        wait_for(lambda: any(n > REALS for _, n in self.rounds()), WAIT_S, 'destinations')
        print('first round, all destinations made: %d ms' % max(self.rounds())[0], flush=True)
        self.one_round(0)
        begin = self.driver_log().count('polled and compared')
        report('round', [(self.one_round(0), ipvsadm()) for _ in range(RUNS)])
        polled = [int(ms) for ms in re.findall(r'web: polled and compared in (\d+) ms',
                                               self.driver_log())[begin:]]
        print('of that, poll and comparison: %.0f ms' % statistics.median(polled), flush=True)
        pairs = []
        for i in range(RUNS):
            self.weights_change(2 + i)
            pairs.append((self.one_round(CHANGES), ipvsadm()))
        report('round, %d weights differ in the kernel' % CHANGES, pairs)
        pairs = []
        for i in range(RUNS // 3):
            self.world.load(inventory(2 + i), '--reset')
            pairs.append((self.one_round(CHANGES), ipvsadm()))
        report('round, %d weights changed in the store' % CHANGES, pairs)
        self.driver.signal(signal.SIGCONT)
        self.kill_driver()


if __name__ == '__main__':
    main()
