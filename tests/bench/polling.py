# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# What a management system pays for a poll: scrapes by snmp_exporter, and a walk of all tables by
# snmpbulkwalk. snmpd and lbclusterd are free, as they are installed; the time is also measured
# with snmpd on one CPU. PDUs and bytes are counted by a proxy, in a poll that is not timed.
"""The section on polls."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.request

import rows
from common import SNMP, started
from subjects import Lbclusterd, Wrong

EXPORTER, GENERATOR = 'prometheus-snmp-exporter', 'prometheus-snmp-generator'
SIZES = (1000, 10000)
REPETITIONS = 50
TIMEOUT_S = 120
MIBS = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                     '..', '..', 'mibs'))

# The modules: what one polls often, and a row for each real service.
MODULES = {
    'services': ['lbcSystem', 'lbcClusterTable', 'lbcServiceTable'],
    'reals': ['lbcRealEndpoint', 'lbcRealWeight', 'lbcRealFallback', 'lbcRealEnabled',
              'lbcRealOperStatus', 'lbcRealOperStatusReason', 'lbcRealPendingJobs',
              'lbcRealStatsActiveConns', 'lbcRealStatsConnRate', 'lbcRealStatsInKbitRate',
              'lbcRealStatsOutKbitRate', 'lbcRealStatsAge', 'lbcRealStatsActiveTransitions',
              'lbcRealStatsTotalConns', 'lbcRealStatsInOctets', 'lbcRealStatsOutOctets'],
}
LOOKUPS = """\
    lookups:
      - {source_indexes: [lbcClusterIndex], lookup: lbcClusterName}
      - {source_indexes: [lbcClusterIndex, lbcServiceIndex], lookup: lbcServiceName}
      - {source_indexes: [lbcClusterIndex, lbcServiceIndex, lbcRealIndex], lookup: lbcRealName}
"""


class CountingProxy:
    """Passes UDP between one client and snmpd, and counts answers and bytes."""

    def __init__(self, port):
        self.pdus = self.bytes = 0
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind(('127.0.0.1', 0))
        self._back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._back.connect(('127.0.0.1', port))
        self.port = self._front.getsockname()[1]
        self._client = None
        for task in (self._requests, self._answers):
            threading.Thread(target=task, daemon=True).start()

    def _requests(self):
        with contextlib.suppress(OSError):
            while True:
                request, self._client = self._front.recvfrom(65536)
                self.bytes += len(request)
                self._back.send(request)

    def _answers(self):
        with contextlib.suppress(OSError):
            while True:
                answer = self._back.recv(65536)
                self.pdus += 1
                self.bytes += len(answer)
                self._front.sendto(answer, self._client)

    def close(self):
        self._front.close()
        self._back.close()


class Exporter:
    """snmp_exporter with modules that its generator makes from the MIB."""

    def __init__(self, bench):
        self._bench = bench
        self._process = None
        self._port = 0

    def __enter__(self):
        version = subprocess.run([EXPORTER, '--version'], capture_output=True, text=True,
                                 check=False)
        version = re.search(r'version (\d+)\.(\d+)', version.stdout + version.stderr)
        # Since 0.23 the authentication is not part of a module.
        old = version is not None and (int(version[1]), int(version[2])) < (0, 23)
        auth = '    version: 2\n    auth: {community: private}\n' if old else ''
        source = '' if old else 'auths:\n  bench: {version: 2, community: private}\n'
        source += 'modules:\n' + ''.join(
            '  %s:\n    walk: [%s]\n    max_repetitions: %d\n    timeout: 20s\n%s%s' % (
                name, ', '.join(walk), REPETITIONS, auth, LOOKUPS)
            for name, walk in MODULES.items())
        with open(self._bench.path('generator.yml'), 'w', encoding='ascii') as file:
            file.write(source)
        environment = dict(os.environ, MIBS='LBCLUSTER-MIB', MIBDIRS=MIBS + '/base:' + MIBS)
        done = subprocess.run([GENERATOR, 'generate', '-o', 'snmp.yml'], cwd=self._bench.dir,
                              env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Wrong('%s: %s' % (GENERATOR, done.stderr[-500:]))
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            self._port = probe.getsockname()[1]
        self._process = self._bench.start('exporter', [
            EXPORTER, '--config.file=snmp.yml',
            '--web.listen-address=127.0.0.1:%d' % self._port])
        self._query = '' if old else '&auth=bench'
        end = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(
                    ('127.0.0.1', self._port)):
                return self
            if time.monotonic() > end:
                raise Wrong('%s does not start' % EXPORTER)
            time.sleep(0.05)

    def __exit__(self, *_):
        self._bench.end(self._process)

    def scrape(self, module, port):
        """The number of rows, by a series that each row has."""
        url = 'http://127.0.0.1:%d/snmp?module=%s&target=127.0.0.1:%d%s' % (
            self._port, module, port, self._query)
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            text = answer.read()
        return text.count(b'\nlbcServiceStatus{' if module == 'services' else
                          b'\nlbcRealWeight{')


def _walk(port):
    """snmpbulkwalk of all objects; the number of values."""
    done = subprocess.run(
        ['snmpbulkwalk', *SNMP, '-Cr%d' % REPETITIONS, '-Cp', '127.0.0.1:%d' % port,
         rows.text(rows.ROOT + (1,))], capture_output=True, env=dict(os.environ, MIBS=''),
        check=False)
    values = re.search(rb'Variables found: (\d+)\n$', done.stdout)
    if done.returncode != 0 or not values:
        raise Wrong('a walk of all tables gave %s' % done.stdout[-200:])
    return int(values[1])


def _polls(exporter, n):
    """Title and function of each poll; the function checks its result."""
    def scrape(module, expected):
        def poll(port):
            found = exporter.scrape(module, port)
            if found != expected:
                raise Wrong('a scrape of %s has %d rows, not %d' % (module, found, expected))
        return poll
    if exporter is not None:
        yield 'scrape of services', scrape('services', n // rows.REALS)
        yield 'scrape of real services', scrape('reals', n)

    def walk(port):
        # Each real service has the columns of lbcRealTable, and more in other tables.
        if _walk(port) < n * 2 * len(rows.COLUMNS):
            raise Wrong('a walk of all tables has too few values')
    yield 'walk of all tables', walk


def _measure(run, subject, title, poll):
    proxy = CountingProxy(subject.master.port)
    try:
        poll(proxy.port)
    finally:
        proxy.close()
    samples = run.samples
    samples.add(title + ' PDUs', subject.title, proxy.pdus)
    samples.add(title + ' bytes', subject.title, proxy.bytes)
    every = os.sched_getaffinity(0)
    for place, cpus in (('', every), (' on one CPU', {max(every)})):
        subject.place(cpus, cpus)
        for _ in range(run.slow_rounds):
            before, start = subject.cpu_ns(), time.monotonic()
            poll(subject.master.port)
            took, after = time.monotonic() - start, subject.cpu_ns()
            samples.add(title + ' time' + place, subject.title, took)
            for number, of in enumerate((' CPU of lbclusterd', ' CPU of snmpd')):
                samples.add(title + of + place, subject.title, after[number] - before[number])


def polls(run):
    """Polls of two stores."""
    report = run.report
    with contextlib.ExitStack() as stack:
        exporter = None
        if shutil.which(EXPORTER) and shutil.which(GENERATOR):
            exporter = stack.enter_context(Exporter(run.bench))
        else:
            report.note('No %s: scrapes are not measured.' % EXPORTER)
        for n in SIZES[:1] if run.quick else SIZES:
            subject = Lbclusterd(run.bench, 'polled-%d' % n, run.bench.store(n), n)
            subject.title = 'lbclusterd at %d' % n
            with started(subject):
                for title, poll in _polls(exporter, n):
                    _measure(run, subject, title, poll)
            report.heading('Polls of {:,} real services, {} rows in a GETBULK'.format(
                n, REPETITIONS))
            for title, _ in _polls(exporter, n):
                for unit, figure, scale in (
                        ('', ' PDUs', 1), ('bytes', ' bytes', 1), ('s', ' time', 1),
                        ('ms', ' CPU of snmpd', 1e-6), ('ms', ' CPU of lbclusterd', 1e-6),
                        ('s', ' time on one CPU', 1)):
                    report.plain(title + figure, unit, title + figure, subject.title, scale)
