# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# "make bench-ipvs-round", in the guest: the time in which lbcluster-ipvs reads 10,000 destinations
# and compares them with the rows, beside the time of "ipvsadm -Ln --stats" of the same table; then
# rounds with 100 changes. A whole round also writes statistics to the store.
"""Times of rounds with 10,000 destinations."""

import re
import statistics
import subprocess
import time

from harness import main, wait_for
from ipvs_case import IpvsCase, cluster, run

SERVICES, REALS, RUNS, CHANGES, WAIT_S = 10, 1000, 9, 100, 240


def inventory():
    return cluster(*(
        'service s%d {\nprotocol = tcp\naddress = 192.0.2.1  port = %d  check = none\n%s}\n' % (
            i, 80 + i, ''.join('real r%d { address = 10.%d.%d.%d  port = 80 }\n' % (
                j, 20 + i, j // 250, 1 + j % 250) for j in range(REALS)))
        for i in range(SERVICES)))


def milliseconds(argv):
    times = []
    for _ in range(RUNS):
        begun = time.monotonic()
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
        times.append(1000 * (time.monotonic() - begun))
    return statistics.median(times)


class Rounds(IpvsCase):
    """Prints the times."""

    def rounds(self):
        """The rounds of the log: (milliseconds, commands)."""
        return [(int(ms), int(n)) for ms, n in
                re.findall(r'web: (\d+) ms, (\d+) commands', self.driver_log())]

    def test_rounds(self):
        self.world.load(inventory())
        self.start_driver()
        wait_for(lambda: any(n > REALS for _, n in self.rounds()), WAIT_S, 'destinations')
        self.assertEqual(SERVICES * REALS, run('ipvsadm', '-Sn').count('-a '))
        print('first round, all destinations made: %d ms' % max(self.rounds())[0])
        begin = len(self.rounds())
        wait_for(lambda: len(self.rounds()) >= begin + RUNS, WAIT_S, 'rounds')
        times = [ms for ms, n in self.rounds()[begin:] if n == 0]
        ipvsadm = milliseconds(['ipvsadm', '-Ln', '--stats'])
        print('whole rounds without changes: median %.0f ms, all %s' % (
            statistics.median(times), times))
        times = [int(ms) for ms in re.findall(r'web: polled and compared in (\d+) ms',
                                              self.driver_log())[begin:]]
        print('polled and compared: median %.0f ms, all %s' % (statistics.median(times), times))
        print('ipvsadm -Ln --stats: median %.0f ms' % ipvsadm)
        print('ratio: %.2f' % (statistics.median(times) / ipvsadm))
        for i in range(CHANGES):
            run('ipvsadm', '-e', '-t', '192.0.2.1:80', '-r', '10.20.0.%d:80' % (1 + i), '-m',
                '-w', '77')
        wait_for(lambda: any(n > 0 for _, n in self.rounds()[begin:]), WAIT_S, 'changes')
        print('rounds with changes: %s' % [r for r in self.rounds()[begin:] if r[1] > 0])
        self.kill_driver()


if __name__ == '__main__':
    main()
