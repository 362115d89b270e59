# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# "make bench-checks", as root: the CPU time of health checks every 5 s, and of the same number of
# TCP_CHECKs of keepalived in rounds that alternate with ours. The figures are those of the checks
# that were made, because keepalived makes fewer than it should on a busy machine. Servers are
# addresses of 127.0.0.0/8 in a network namespace of its own. CHECKS=1000 is another number.
"""CPU time of health checks, against TCP_CHECK of keepalived."""

import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

CHECKS = int(os.environ.get('CHECKS') or 10000)
ROUNDS = 3
INTERVAL = 5
SECONDS = 10
PORT = 18080
PROGRAM = os.path.join('tests', 'bench', 'checks')
NO_IPVS = os.path.abspath(os.path.join('tests', 'bench', 'no_ipvs.so'))

SERVICE = '''
virtual_server 192.0.2.1 80 {
    delay_loop %d
    lvs_sched rr
    lvs_method NAT
    protocol TCP
%s}
'''
REAL = '''    real_server 127.1.%d.%d %d {
        TCP_CHECK {
            connect_timeout 2
            retry 2
            delay_before_retry 1
        }
    }
'''


def cpu_s(pid):
    with open('/proc/%d/stat' % pid, encoding='ascii') as stat:
        fields = stat.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def connections():
    """The connections that servers of this namespace have accepted."""
    with open('/proc/net/snmp', encoding='ascii') as counters:
        names, values = [line.split() for line in counters if line.startswith('Tcp:')]
    return int(values[names.index('PassiveOpens')])


def child_of(pid):
    for _ in range(100):
        with open('/proc/%d/task/%d/children' % (pid, pid), encoding='ascii') as children:
            pids = children.read().split()
        if pids:
            return int(pids[0])
        time.sleep(0.1)
    return sys.exit('keepalived did not start its checker')


@contextlib.contextmanager
def server():
    process = subprocess.Popen([PROGRAM, 'server', str(PORT)])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def ours(kind, count):
    """Percent of a core, checks that are not up, bytes of memory a check."""
    line = subprocess.run([PROGRAM, kind, str(count), str(SECONDS), str(PORT)], check=True,
                          stdout=subprocess.PIPE, universal_newlines=True).stdout
    percent, wrong, memory = line.split()
    return float(percent), int(wrong), int(memory)


def keepalived(count):
    """Percent of a core, part of the checks that it made."""
    directory = tempfile.mkdtemp()
    conf = os.path.join(directory, 'conf')
    with open(conf, 'w', encoding='ascii') as file:
        file.write(SERVICE % (INTERVAL, ''.join(
            REAL % (i // 250, i % 250 + 1, PORT) for i in range(1, count + 1))))
    process = subprocess.Popen(
        ['keepalived', '-C', '-n', '-f', conf, '-p', os.path.join(directory, 'pid'), '-c',
         os.path.join(directory, 'checkers')], env=dict(os.environ, LD_PRELOAD=NO_IPVS),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        checker = child_of(process.pid)
        time.sleep(INTERVAL + 1)
        before, accepted = cpu_s(checker), connections()
        time.sleep(SECONDS)
        made = (connections() - accepted) / (count * SECONDS / INTERVAL)
        percent = 100 * (cpu_s(checker) - before) / SECONDS / made
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        shutil.rmtree(directory)
    return percent, made


def report(name, count, values):
    print('%-10s %6d checks every %d s: %5.2f %% of a core (%s)' % (
        name, count, INTERVAL, statistics.median(values),
        ', '.join('%.2f' % value for value in values)), flush=True)


def compare():
    pairs = [(ours('connect', CHECKS), keepalived(CHECKS)) for _ in range(ROUNDS)]
    report('connect', CHECKS, [mine[0] for mine, _ in pairs])
    report('keepalived', CHECKS, [theirs[0] for _, theirs in pairs])
    print('connect against keepalived: %.2f (keepalived made %.2f of its checks)' % (
        statistics.median(mine[0] / theirs[0] for mine, theirs in pairs),
        statistics.median(theirs[1] for _, theirs in pairs)))
    return [mine for mine, _ in pairs]


def main():
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    with server():
        if shutil.which('keepalived'):
            results = compare()
        else:
            print('keepalived: SKIPPED, because it is not installed')
            results = [ours('connect', CHECKS) for _ in range(ROUNDS)]
            report('connect', CHECKS, [result[0] for result in results])
        http = [ours('http', CHECKS // 10) for _ in range(ROUNDS)]
        report('http', CHECKS // 10, [result[0] for result in http])
    print('memory of a connect check: %d bytes' % results[0][2])
    if any(result[1] != 0 for result in results + http):
        sys.exit('checks of a server that answers were not up')


main()
