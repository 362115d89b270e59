# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The samples of "make load" and "make soak": the size of each process, the times of requests,
# and whether anything grows.
"""Samples of processes, times of requests."""

import collections
import contextlib
import os
import statistics

# The permitted growth of a process after its warm-up: 5 % and the reserve of the allocator.
# The store keeps the ids of removed rows, mostly jobs, for 200,000 changes
# (lbcluster-store(5), removed): 20 bytes each.
GROWTH = 1.05
SLACK = {'rss': 512, 'fds': 2, 'threads': 0, 'store': 4096}
UNITS = {'rss': 'KiB', 'fds': '', 'threads': '', 'store': 'KiB'}


def process_figures(pid):
    """rss in KiB, descriptors and threads of a process; None if it is gone."""
    with contextlib.suppress(OSError, KeyError):
        with open('/proc/%d/status' % pid, encoding='ascii', errors='replace') as file:
            fields = dict(line.split(':', 1) for line in file if ':' in line)
        return {'rss': int(fields['VmRSS'].split()[0]), 'threads': int(fields['Threads']),
                'fds': len(os.listdir('/proc/%d/fd' % pid))}
    return None


class Growth:
    """Samples by (program, figure), in the order of their times."""

    def __init__(self, rows=0):
        """'rows' is the number of rows that may come and go, 1 KiB each."""
        self._slack = dict(SLACK, rss=SLACK['rss'] + rows, store=SLACK['store'] + rows)
        self._samples = collections.defaultdict(list)

    def take(self, program, sample):
        for what, value in (sample or {}).items():
            self._samples[program, what].append(value)

    def judge(self):
        """A line for each figure, and the figures that grew. The first quarter is warm-up:
        lists are filled, jobs reach their limit."""
        lines, bad = [], []
        for (program, what), values in sorted(self._samples.items()):
            quarter = max(1, len(values) // 4)
            early = statistics.median(values[quarter:2 * quarter] or values)
            late = statistics.median(values[-quarter:])
            line = '%-18s %-8s %9.0f %9.0f %9.0f %-4s' % (
                program, what, values[0], early, late, UNITS[what])
            if late > early * GROWTH + self._slack[what]:
                bad.append(line)
                line += '  GROWS'
            lines.append(line.rstrip())
        return ['%-18s %-8s %9s %9s %9s' % ('', '', 'first', 'warm', 'last')] + lines, bad


def _microseconds(bucket):
    """The upper end of a bucket of load_client."""
    if bucket < 64:
        return bucket + 1
    shift = bucket // 32 - 1
    return (bucket - 32 * shift + 1) << shift


class Times:
    """The sums of what the clients printed at their end."""

    def __init__(self):
        self.counts = collections.Counter()
        self._buckets = collections.defaultdict(collections.Counter)

    def take(self, text):
        for line in text.splitlines():
            word, name, *numbers = line.split()
            if word == 'count':
                self.counts[name] += int(numbers[0])
            elif word == 'time':
                self._buckets[name][int(numbers[0])] += int(numbers[1])

    def _percentile(self, name, part):
        buckets = self._buckets[name]
        left = part * sum(buckets.values())
        for bucket in sorted(buckets):
            left -= buckets[bucket]
            if left <= 0:
                break
        return _microseconds(bucket) / 1000

    def lines(self, seconds):
        lines = ['%-8s %10s %8s %9s %9s %9s %9s  ms' % (
            '', 'requests', '/s', 'p50', 'p90', 'p99', 'max')]
        for name in sorted(self._buckets):
            n = sum(self._buckets[name].values())
            lines.append('%-8s %10d %8.0f %9.1f %9.1f %9.1f %9.1f' % (
                name, n, n / seconds, *[self._percentile(name, part)
                                        for part in (0.5, 0.9, 0.99, 1)]))
        return lines
