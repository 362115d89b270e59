#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Reads lbcluster.json for the check beside it:
#
#   queries.py rules        prints a file of rules with each expression, for "promtool check rules"
#   queries.py run URL      asks a Prometheus; fails if an expression or a variable has no data
#   queries.py before URL   fails if an expression has data at a time before all data
"""The expressions of the dashboard."""

import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lbcluster.json'),
          encoding='utf-8') as file:
    DASHBOARD = json.load(file)


def plain(expression):
    """The expression as Grafana sends it with all values of its variables."""
    expression = re.sub(r'\$__(rate_)?interval', '10s', expression)
    return re.sub(r'\$(instance|cluster|service)\b', '.*', expression)


def expressions():
    """(title, expression) of each query, variable and annotation."""
    for panel in DASHBOARD['panels']:
        for target in panel.get('targets', []):
            yield '%s %s' % (panel['title'], target['refId']), plain(target['expr'])
    for variable in DASHBOARD['templating']['list']:
        if variable['type'] == 'query':
            series, label = re.fullmatch(r'label_values\((.*), (\w+)\)',
                                         variable['definition']).groups()
            yield 'variable ' + variable['name'], 'count by (%s) (%s{%s!=""})' % (
                label, re.sub(r'\{.*', '', series), label)
    for annotation in DASHBOARD['annotations']['list']:
        # An event is not there all the time.
        yield 'annotation ' + annotation['name'], re.sub(r' > 0$', ' >= 0',
                                                         plain(annotation['expr']))


def rules():
    print('groups:\n- name: dashboard\n  rules:')
    for i, (_, expression) in enumerate(expressions()):
        print('  - {record: "dashboard:%d", expr: %s}' % (i, json.dumps(expression)))


def series(url, expression, **more):
    """The number of series of an expression; 0 after an error."""
    query = '%s/api/v1/query?%s' % (url, urllib.parse.urlencode({'query': expression, **more}))
    try:
        with urllib.request.urlopen(query) as reply:
            return len(json.load(reply)['data']['result'])
    except urllib.error.HTTPError as error:
        print(error.read().decode())
        return 0


def run(url):
    empty = 0
    for title, expression in expressions():
        # A count is 0 if no series matches its condition, so the series are counted without it too.
        counted = re.sub(r' or 0 \* count\(.*|(?<=\}) == \d', '', expression)
        for part in {counted, expression}:
            found = series(url, part)
            print('%3d series: %s' % (found, title))
            if not found:
                print('FAILED: no data: %s' % part)
                empty += 1
    print('%d expressions without data' % empty)
    return empty > 0


def before(url):
    found = [title for title, expression in expressions() if series(url, expression, time=1)]
    print('a value without data:', ', '.join(found))
    return len(found) > 0


if __name__ == '__main__':
    sys.exit({'rules': rules, 'run': run, 'before': before}[sys.argv[1]](*sys.argv[2:]))
