# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Samples and the report: a table on the terminal and a TSV file. A ratio is the median of the
# ratios within each round, because a disturbance of the machine lasts longer than a round. "best"
# is the ratio of the best values.
"""Samples, and the report."""

import os
import statistics


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def number(value):
    """A number with four significant digits and separators of thousands."""
    if value is None:
        return '-'
    if abs(value) >= 1000:
        return '{:,.0f}'.format(value)
    return '%.4g' % value


class Samples:
    """Numbers by (figure, subject), one for each round."""

    def __init__(self):
        self._of = {}

    def add(self, figure, subject, value):
        self._of.setdefault((figure, subject), []).append(value)

    def of(self, figure, subject):
        return self._of.get((figure, subject), [])

    def median(self, figure, subject):
        values = self.of(figure, subject)
        return statistics.median(values) if values else None


class Report:
    """Lines of figures, with targets."""

    HEAD = ('figure', 'unit', 'lbclusterd', 'against', 'it has', 'ratio', 'best', 'target', '')
    TSV = ('figure', 'unit', 'lbclusterd', 'against', 'against_value', 'ratio', 'ratio_of_best',
           'target', 'reached', 'rounds')

    def __init__(self, samples):
        self.samples = samples
        self.lines = []
        self.notes = []

    def heading(self, text):
        self.lines.append(text)

    def note(self, text):
        """Adds a line below the table."""
        self.notes.append(text)

    def line(self, title, unit, value, against='', against_value=None, ratio=None, best=None,
             target=None, rounds=1, of_value=False):
        """target: ('>=', 1.5) is compared with the ratio, or with the value."""
        reached = None
        judged = value if of_value else ratio
        if target and judged is not None:
            reached = judged >= target[1] if target[0] == '>=' else judged <= target[1]
        self.lines.append({
            'figure': title, 'unit': unit, 'lbclusterd': value, 'against': against,
            'against_value': against_value, 'ratio': ratio, 'ratio_of_best': best,
            'target': '%s %g' % target if target else '', 'reached': reached,
            'rounds': rounds, 'target_of_value': of_value})

    def compare(self, title, unit, figure, mine, other, target=None, scale=1.0, high=True,
                against=None):
        """Compares the samples of two subjects. 'high': more is better."""
        a, b = self.samples.of(figure, mine), self.samples.of(figure, other)
        if not a or not b:
            self.line(title, unit, None, against or other, target=target, rounds=0)
            return
        pick = max if high else min
        pairs = [x / y for x, y in zip(a, b)]
        self.line(title, unit, statistics.median(a) * scale, against or other,
                  statistics.median(b) * scale, statistics.median(pairs), pick(a) / pick(b),
                  target, len(pairs))

    def plain(self, title, unit, figure, subject, scale=1.0, target=None):
        values = self.samples.of(figure, subject)
        self.line(title, unit, statistics.median(values) * scale if values else None,
                  rounds=len(values), target=target, of_value=True)

    # -- output -------------------------------------------------------------

    @staticmethod
    def _cells(line):
        ratio = '' if line['ratio'] is None else '%.2f' % line['ratio']
        best = '' if line['ratio_of_best'] is None else '%.2f' % line['ratio_of_best']
        verdict = {True: 'reached', False: 'MISSED', None: ''}[line['reached']]
        if line['target'] and line['reached'] is None:
            verdict = 'not measured'
        return (line['figure'], line['unit'], number(line['lbclusterd']), line['against'],
                number(line['against_value']) if line['against'] else '', ratio, best,
                line['target'], verdict)

    def text(self):
        table = [self.HEAD] + [self._cells(line) for line in self.lines
                               if not isinstance(line, str)]
        widths = [max(len(row[i]) for row in table) for i in range(len(self.HEAD))]
        right = (2, 4, 5, 6)

        def row(cells):
            return '  '.join(cell.rjust(width) if i in right else cell.ljust(width)
                             for i, (cell, width) in enumerate(zip(cells, widths))).rstrip()
        out = [row(self.HEAD)]
        for line in self.lines:
            out.append('\n' + line if isinstance(line, str) else row(self._cells(line)))
        if self.notes:
            out.append('')
            out.extend(self.notes)
        return '\n'.join(out)

    def write_tsv(self, path):
        with open(path + '.new', 'w', encoding='utf-8') as file:
            file.write('\t'.join(self.TSV) + '\n')
            for line in self.lines:
                if isinstance(line, str):
                    continue
                cells = dict(line, reached={True: 'yes', False: 'no', None: ''}[
                    line['reached']])
                file.write('\t'.join('' if cells[key] is None else str(cells[key])
                                     for key in self.TSV) + '\n')
        os.rename(path + '.new', path)
