# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Compares the files of integrations/ with the MIB module: names, OIDs, types and the labels of
# enumerations. It starts no program. integrations/check runs the files with real programs.
"""The files for network management systems agree with LBCLUSTER-MIB."""

import os
import re
import unittest

import mib

TOP = os.path.normpath(os.path.join(mib.DIRECTORY, '..', 'integrations'))

# Programs of the tree itself: their OIDs have indexes of the sample.
OWN = {'check', 'rig.sh'}

ROOT = '.'.join(map(str, mib.ROOT))


def text(path):
    with open(os.path.join(TOP, path), encoding='utf-8') as file:
        return file.read()


def files():
    for directory, _, names in os.walk(TOP):
        for name in set(names) - OWN:
            yield os.path.relpath(os.path.join(directory, name), TOP)


def number(name):
    return '.'.join(map(str, mib.NAMES[name]))


def in_table(path, base, pattern):
    """(name, OID) of a table of a program: its numbers are below the name base."""
    return [(name, '%s.%s' % (number(base), rest))
            for name, rest in re.findall(pattern, text(path), re.M)]


def pairs(path, pattern):
    """(name, OID) of each match; some files write a leading dot or the .0 of a scalar."""
    return [(name, re.sub(r'\.0$', '', oid.lstrip('.')))
            for name, oid in re.findall(pattern, text(path), re.M)]


SNMP_YML = ['prometheus/snmp.yml', 'prometheus/snmp-0.22.yml']

# What names an object and has its OID: a pattern for each file, and the least number of matches.
PAIRS = [
    *((path, r'- name: (lbc\w+)\n +oid: ([\d.]+)$', 80) for path in SNMP_YML),
    *((path, r'labelname: (lbc\w+)\n +oid: ([\d.]+)$', 100) for path in SNMP_YML),
    ('telegraf/lbcluster.conf', r'name = "(lbc[A-Z]\w+)"\n +oid = "([\d.]+)"$', 20),
    ('cacti/lbcluster_service.xml',
     r'^\t\t<(lbc\w+)>\n(?:\t\t\t.*\n)*?\t\t\t<oid>([\d.]+)</oid>\n\t\t</\1>$', 10),
    ('collectd/lbcluster.conf', r'<Data (lbc\w+)>\n(?: +[A-Z].*\n)*? +Values "([\d.]+)"\n', 6),
    ('librenms/os_discovery/lbcluster.yaml',
     r"(?:oid|value): LBCLUSTER-MIB::(lbc\w+)\n +num_oid: '([\d.]+)\.\{\{ \$index \}\}'$", 10),
]

TABLES = [
    ('nagios/check_lbcluster', 'lbcObjects', r"^\t(lbc\w+) => '([\d.]+)',$", 12),
    ('munin/snmp__lbcluster', 'lbcServiceEntry', r"^\t(lbc\w+) => '(\d+)',$", 6),
    ('mrtg/mrtg-lbcluster', 'lbcServiceEntry', r'^(lbc\w+)=(\d+)$', 3),
]


def _syntaxes():
    """The SYNTAX of each object, and the labels of its enumeration by number."""
    with open(os.path.join(mib.DIRECTORY, 'LBCLUSTER-MIB.txt'), encoding='ascii') as file:
        module = re.sub(r'--[^\n]*', '', file.read())
    labels = {'TruthValue': {1: 'true', 2: 'false'}}
    syntaxes = {}
    for name, syntax, values in re.findall(
            r'^(\w+)(?: OBJECT-TYPE| ::= TEXTUAL-CONVENTION)\s(?:"[^"]*"|[^"])*?'
            r'\bSYNTAX\s+(\w+)(?:\s*\{([^}]*)\})?', module, re.M):
        syntaxes[name] = syntax
        if syntax == 'INTEGER' and values:
            labels[name] = {int(n): label for label, n in re.findall(r'(\w+)\((\d+)\)', values)}
    for name, syntax in syntaxes.items():
        if name not in labels and syntax in labels:
            labels[name] = labels[syntax]
    return syntaxes, labels


SYNTAXES, LABELS = _syntaxes()

COUNTERS = {'Counter32', 'Counter64'}


class Integrations(unittest.TestCase):

    def test_each_name_is_an_object(self):
        found = 0
        for path in files():
            for name in re.findall(r'\blbc[A-Z]\w*', text(path)):
                self.assertIn(name, mib.NAMES, path)
                found += 1
        self.assertGreater(found, 500)

    def test_each_oid_is_an_object(self):
        known = {number(name) for name in mib.NAMES}
        known |= {number(name) + '.0' for name in mib.ACCESS}
        found = 0
        for path in files():
            for oid in re.findall(r'(?<![\d.])\.?(%s(?:\.\d+)*)' % re.escape(ROOT), text(path)):
                self.assertIn(oid, known, path)
                found += 1
        self.assertGreater(found, 500)

    def test_names_have_their_oids(self):
        cases = [(path, pairs(path, pattern), least) for path, pattern, least in PAIRS]
        cases += [(path, in_table(path, base, pattern), least)
                  for path, base, pattern, least in TABLES]
        for path, found, least in cases:
            self.assertGreaterEqual(len(found), least, path)
            for name, oid in found:
                self.assertEqual(oid, number(name), '%s: %s' % (path, name))
                self.assertTrue(name in mib.ACCESS or name == 'lbcSystem',
                                '%s: %s has no value' % (path, name))

    def test_scalars_of_the_plugin(self):
        plugin = text('nagios/check_lbcluster')
        for variable, name in ('VERSION', 'lbcSysVersion'), ('STORE_STATUS', 'lbcSysStoreStatus'):
            self.assertIn("my $%s = '%d.0';" % (variable, mib.NAMES[name][-1]), plugin)

    def test_the_discovery_reads_the_values_of_its_oids(self):
        sensors = text('librenms/os_discovery/lbcluster.yaml')
        found = re.findall(r"(?:oid|value): LBCLUSTER-MIB::(\w+)\n +num_oid: .*\n"
                           r" +index: '(\w+)\.\{\{ \$index \}\}'$", sensors, re.M)
        self.assertEqual(len(found), sensors.count('num_oid:'))
        for name, index in found:
            self.assertEqual(index, name)

    def test_labels_of_enumerations(self):
        found = []
        for path in SNMP_YML:
            for metric in re.split(r'^ +- name: ', text(path), flags=re.M)[1:]:
                values = re.findall(r'^ +(\d+): "?(\w+)"?$', metric, re.M)
                if values:
                    found.append((path, metric.split()[0], {int(n): v for n, v in values}))
        path = 'prometheus/lbcluster.rules.yml'
        found += [(path, name, {int(n): label for n, label in re.findall(r'(\d) (\w+)', values)})
                  for name, values in re.findall(r'^#   (lbc\w+) +(\d .*)$', text(path), re.M)]
        path = 'nagios/check_lbcluster'
        for variable, name in (('STATUS', 'lbcServiceStatus'), ('OPER', 'lbcRealOperStatus'),
                               ('PLANE', 'lbcClusterPlaneStatus'), ('STORE', 'lbcSysStoreStatus')):
            labels = re.search(r'^my @%s = qw\(- (.*)\);$' % variable, text(path), re.M).group(1)
            found.append((path, name, dict(enumerate(labels.split(), 1))))
        path = 'librenms/os_discovery/lbcluster.yaml'
        found += [(path, name, {int(n): label for n, label in re.findall(
            r'\{ value: (\d+), generic: \d, graph: \1, descr: (\w+) \}', states)})
                  for name, states in re.findall(
                      r'LBCLUSTER-MIB::(lbc\w+)\n +num_oid: (?:.*\n)*? +states:\n'
                      r'((?: +- \{.*\}\n)+)', text(path))]
        self.assertEqual(len(found), 35, [(path, name) for path, name, _ in found])
        for path, name, labels in found:
            self.assertEqual(labels, LABELS[name], '%s: %s' % (path, name))

    def test_types_of_metrics(self):
        for path in SNMP_YML:
            for name, kind in re.findall(r'- name: (lbc\w+)\n +oid: .*\n +type: (\w+)$',
                                         text(path), re.M):
                syntax = SYNTAXES[name]
                self.assertEqual(kind == 'counter', syntax in COUNTERS, '%s: %s' % (path, name))
                self.assertEqual(kind == 'DateAndTime', syntax == 'DateAndTime', name)

    def test_metrics_are_those_of_the_generator(self):
        generator = text('prometheus/generator.yml')
        ignored = set(re.findall(r'^ +(lbc\w+): \{ignore: true\}$', generator, re.M))
        wanted = set()
        for name in re.findall(r'^ +- (lbc\w+)$', generator, re.M):
            if name in mib.ACCESS:
                wanted.add(name)
            else:
                table = mib.NAMES[name] + (1,)
                wanted |= {column for column in mib.ACCESS
                           if mib.NAMES[column][:-1] == table} - ignored
        for path in SNMP_YML:
            metrics = set(re.findall(r'- name: (lbc\w+)$', text(path), re.M))
            self.assertEqual(metrics, wanted, path + ': run the generator, see generator.yml')

    def test_rules_use_metrics_and_have_tests(self):
        rules = text('prometheus/lbcluster.rules.yml')
        metrics = set(re.findall(r'- name: (lbc\w+)$', text(SNMP_YML[0]), re.M))
        for expression in re.findall(r'^ +expr: (.*)$', rules, re.M):
            used = set(re.findall(r'lbc[A-Z]\w+', expression)) - {
                'lbcRealIndex', 'lbcRealName'}
            self.assertLessEqual(used, metrics, expression)
        alerts = re.findall(r'- alert: (\w+)$', rules, re.M)
        self.assertEqual(len(alerts), 15)
        tests = text('prometheus/lbcluster.rules.test.yml')
        for alert in alerts:
            self.assertRegex(tests, r'alertname: %s\n +exp_alerts:\n' % alert)


if __name__ == '__main__':
    unittest.main()
