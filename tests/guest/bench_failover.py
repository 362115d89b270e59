# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# "make bench-ipvs", in the guest: how long a server that ended, and had one fallback, still gets
# packets of clients, when the fallback gets its first one, and when the server gets packets after
# it is back. The same for keepalived and for lbcluster-ipvs, with the same intervals of checks.
# Then lbcluster-ipvs is killed and started under traffic, and lost connections are counted.
# TRIALS= is the number of each; SUBJECTS=keepalived for one program.
"""Times of a failover, and connections lost by restarts of the driver."""

import os
import random
import statistics
import time

from driver_case import driver_path
from harness import Program, World, new_directory, wait_for
from ipvs_network import Network, Traffic, Watch, real, run, vip

ADDRESS = vip(1)
SERVER, FALLBACK = 'r1', 'r3'
WAIT_S = 60

# The interval, the retry interval and the time-out of checks are 1 s. A server is down at the
# second failure.
KEEPALIVED = """
virtual_server %s 80 {
    delay_loop 1
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    sorry_server %s 80
    real_server %s 80 {
        weight 1
        TCP_CHECK {
            connect_timeout 1
            retry 1
            delay_before_retry 1
        }
    }
}
"""

LBCLUSTER = """
cluster bench {
    plane = ipvs
    service http {
        address = %s  port = 80  protocol = tcp
        scheduler = rr  check = connect
        check-interval = 1  check-retry = 1  check-timeout = 1  check-fall = 2  check-rise = 1
        real sorry { address = %s  port = 80  fallback = yes }
        real server { address = %s  port = 80 }
    }
}
"""


class Keepalived:
    name = 'keepalived'

    def start(self):
        self.dir = new_directory()
        conf = os.path.join(self.dir, 'keepalived.conf')
        with open(conf, 'w', encoding='ascii') as file:
            file.write(KEEPALIVED % (ADDRESS, real(FALLBACK), real(SERVER)))
        self.program = Program('keepalived', [
            'keepalived', '-C', '-n', '-l', '-f', conf, '-p', self.dir + '/pid', '-c',
            self.dir + '/checkers'], os.path.join(self.dir, 'log'))

    def end(self):
        self.program.end()


class Lbcluster:
    name = 'lbcluster-ipvs'

    def start(self):
        self.world = World()
        self.world.load(LBCLUSTER % (ADDRESS, real(FALLBACK), real(SERVER)))
        self.conf = os.path.join(self.world.dir, 'driver.conf')
        with open(self.conf, 'w', encoding='ascii'):
            pass
        self.launch()

    def launch(self):
        self.program = Program(self.name, [
            driver_path(self.name), '-f', '-c', self.conf, '-s', self.world.store],
            os.path.join(self.world.dir, 'driver.log'))

    def end(self):
        self.program.end()
        # A driver with another store would leave the services of this store alone.
        run(driver_path(self.name), '-c', self.conf, '-s', self.world.store, '--withdraw',
            'bench')
        self.world.close()
        self.world.remove()


def first_after(watch, at):
    """The time of the first packet after 'at', as soon as there is one."""
    return wait_for(lambda: next((packet for packet, _ in watch.packets if packet > at), None),
                    WAIT_S, 'a packet')


def trial(net, server, watches):
    """Returns seconds from the end of the server to the last packet to it and the first one to
    the fallback, and from its start to the first packet to it."""
    dead, fallback = watches
    time.sleep(random.uniform(2, 3))
    server.stop()
    ended = time.time()
    in_s = first_after(fallback, ended) - ended
    time.sleep(0.5)
    last_s = max(packet for packet, _ in dead.packets) - ended
    server.start()
    started = time.time()
    back_s = first_after(dead, started) - started
    return last_s, in_s, back_s


def measure(net, subject, n):
    server = net.servers[SERVER]
    watches = [Watch(net, SERVER), Watch(net, FALLBACK)]
    subject.start()
    wait_for(lambda: net.ask('tcp', ADDRESS) == {SERVER: 1}, WAIT_S, 'the server answers')
    traffic = Traffic(net, ADDRESS, held=0, pause_s=0.02, timeout=0.2)
    results = [trial(net, server, watches) for _ in range(n)]
    traffic.stop()
    subject.end()
    for watch in watches:
        watch.close()
    return results


TITLES = ('last packet to the ended server', 'first packet to the fallback',
          'first packet to the server that is back')


def restarts(net, n):
    """Kills the driver and starts it, n times; reports lost connections."""
    subject = Lbcluster()
    subject.start()
    wait_for(lambda: net.ask('tcp', ADDRESS) == {SERVER: 1}, WAIT_S, 'the server answers')
    traffic = Traffic(net, ADDRESS)
    for _ in range(n):
        subject.program.kill()
        subject.launch()
        time.sleep(random.uniform(0.5, 1.5))
    traffic.stop()
    subject.end()
    print('%s, %d times killed and started: %d new connections, %d questions on %d held ones,'
          ' lost: %d' % (subject.name, n, len(traffic.answers), len(traffic.answers),
                         len(traffic.held), len(traffic.failures())))


def report(name, results):
    print('%s, %d trials, seconds' % (name, len(results)))
    for title, values in zip(TITLES, zip(*results)):
        print('    %-40s median %.3f  mean %.3f  max %.3f' % (
            title, statistics.median(values), statistics.mean(values), max(values)), flush=True)


def main():
    n = int(os.environ.get('TRIALS') or 20)
    wanted = (os.environ.get('SUBJECTS') or 'keepalived,lbcluster-ipvs').split(',')
    net = Network()
    for subject in (Keepalived(), Lbcluster()):
        if subject.name in wanted:
            report(subject.name, measure(net, subject, n))
    if Lbcluster.name in wanted:
        restarts(net, n)


if __name__ == '__main__':
    main()
