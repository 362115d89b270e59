# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Compares the files of integrations/ with the MIB module: names, OIDs, types and the labels of
# enumerations. It starts no program. integrations/check runs the files with real programs.
"""The files for network management systems agree with LBCLUSTER-MIB."""

import json
import os
import re
import runpy
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
            self.assertEqual(labels, mib.LABELS[name], '%s: %s' % (path, name))

    def test_types_of_metrics(self):
        for path in SNMP_YML:
            for name, kind in re.findall(r'- name: (lbc\w+)\n +oid: .*\n +type: (\w+)$',
                                         text(path), re.M):
                syntax = mib.SYNTAXES[name]
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
        self.assertEqual(len(alerts), 17)
        tests = text('prometheus/lbcluster.rules.test.yml')
        for alert in alerts:
            self.assertRegex(tests, r'alertname: %s\n +exp_alerts:\n' % alert)


class Grafana(unittest.TestCase):
    """The dashboard shows metrics of snmp.yml, with the labels of the MIB."""

    @classmethod
    def setUpClass(cls):
        cls.dashboard = json.loads(text('grafana/lbcluster.json'))
        cls.panels = [panel for panel in cls.dashboard['panels'] if panel['type'] != 'row']

    def test_it_is_what_make_prints(self):
        make = runpy.run_path(os.path.join(TOP, 'grafana', 'make'))
        self.assertEqual(text('grafana/lbcluster.json'),
                         json.dumps(make['document'](), indent=1) + '\n',
                         'run integrations/grafana/make >lbcluster.json')

    def test_expressions_use_metrics_and_labels(self):
        metrics = set(re.findall(r'- name: (lbc\w+)$', text(SNMP_YML[0]), re.M))
        labels = {'instance', 'job', 'lbcClusterName', 'lbcServiceName', 'lbcRealName'}
        for panel in self.panels:
            for target in panel['targets']:
                expression = target['expr']
                self.assertLessEqual(set(re.findall(r'\blbc[A-Z]\w+', expression)) - labels,
                                     metrics, panel['title'])
                grouped = set(re.findall(r'\w+', ' '.join(
                    re.findall(r' by \(([^)]*)\)', expression))))
                self.assertLessEqual(grouped, labels | metrics, panel['title'])
                self.assertLessEqual(set(re.findall(r'\{\{(\w+)\}\}',
                                                    target.get('legendFormat', ''))), grouped)

    def test_labels_of_enumerations(self):
        found = 0
        for panel in self.panels:
            mappings = panel['fieldConfig']['defaults'].get('mappings') or next(
                (part['value'] for override in panel['fieldConfig']['overrides']
                 for part in override['properties'] if part['id'] == 'mappings'), None)
            if mappings:
                metric = re.search(r'\((lbc\w+)\{', panel['targets'][0]['expr']).group(1)
                self.assertEqual({int(number): value['text'] for number, value
                                  in mappings[0]['options'].items()}, mib.LABELS[metric])
                found += 1
        self.assertEqual(found, 6)

    def test_without_data_a_number_is_not_0(self):
        for panel in self.panels:
            for target in panel['targets']:
                self.assertNotIn('vector(', target['expr'], panel['title'])
            if panel['type'] == 'stat':
                defaults = panel['fieldConfig']['defaults']
                self.assertEqual(defaults['noValue'], 'no data', panel['title'])
                self.assertNotEqual(defaults['thresholds']['steps'][0]['color'], 'green')

    def test_panels_have_places_of_their_own(self):
        taken = {}
        for panel in self.dashboard['panels']:
            place = panel['gridPos']
            self.assertLessEqual(place['x'] + place['w'], 24)
            for x in range(place['x'], place['x'] + place['w']):
                for y in range(place['y'], place['y'] + place['h']):
                    self.assertNotIn((x, y), taken, panel['title'])
                    taken[x, y] = panel
        ids = [panel['id'] for panel in self.dashboard['panels']]
        self.assertEqual(len(ids), len(set(ids)))

    def test_tables_name_their_columns(self):
        for panel in self.panels:
            if panel['type'] != 'table':
                continue
            organize = panel['transformations'][1]['options']
            self.assertEqual(set(organize['indexByName']), set(organize['renameByName']))
            shown = set(organize['renameByName']) | set(organize['excludeByName'])
            for target in panel['targets']:
                self.assertIn('Value #' + target['refId'], shown)
                labels = re.search(r' by \(([^)]*)\)', target['expr']).group(1).split(', ')
                self.assertLessEqual(set(labels), shown)


class Zabbix(unittest.TestCase):
    """The template: its items, triggers, value maps and graphs refer to each other by name."""

    # Names are in the macro of a rule, addresses and ports in the inventory. The rates in
    # kilobits have a value above 4 Gbit/s too. The others are settings and pointers.
    LEFT_OUT = re.compile(r'Name$|Path$|Address|Port$|Endpoint$|BitRate$|ByName|^lbcJob(?!s|Row|'
                          r'Max|LastId)|SetLock$|LastRejectObject$|NotifyEnable$')

    @classmethod
    def setUpClass(cls):
        cls.make = runpy.run_path(os.path.join(TOP, 'zabbix', 'make'))
        cls.template = cls.make['document']()['zabbix_export']['templates'][0]
        cls.rules = cls.template['discovery_rules']
        cls.items = cls.template['items'] + [
            item for rule in cls.rules for item in rule['item_prototypes']]
        cls.keys = {item['key']: item for item in cls.items}

    def triggers(self):
        """(keys that may be used, trigger) of each trigger."""
        system = {item['key'] for item in self.template['items']}
        for owner in [self.template] + self.rules:
            items = owner.get('items') or owner['item_prototypes']
            keys = {item['key'] for item in items} | system
            for item in items:
                for trigger in item.get('triggers', []) + item.get('trigger_prototypes', []):
                    yield keys, trigger
            if owner is not self.template:
                for trigger in owner.get('trigger_prototypes', []):
                    yield keys, trigger

    def test_it_is_what_make_prints(self):
        self.assertEqual(text('zabbix/lbcluster.yaml'),
                         '\n'.join(self.make['yaml'](self.make['document']())) + '\n',
                         'run integrations/zabbix/make >lbcluster.yaml')

    def test_uuids(self):
        found = re.findall(r'uuid: "(.*)"$', text('zabbix/lbcluster.yaml'), re.M)
        self.assertGreater(len(found), 150)
        self.assertEqual(len(found), len(set(found)))
        for uuid in found:
            self.assertRegex(uuid, r'^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$')

    def test_each_item_is_an_object(self):
        self.assertEqual(len(self.keys), len(self.items), 'two items have the same key')
        for item in self.items:
            name, index = re.fullmatch(r'(\w+)(\[.*\])?', item['key']).groups()
            if item['type'] == 'SNMP_AGENT':
                self.assertEqual(index, None if item['snmp_oid'].endswith('.0') else
                                 '[{#SNMPINDEX}]')
                self.assertEqual(item['snmp_oid'],
                                 number(name) + ('.{#SNMPINDEX}' if index else '.0'))
                self.assertIn(name, mib.ACCESS)
            elif item['type'] == 'SNMP_TRAP':
                notification = re.match(r'snmptrap\["(\w+)\|(.*)\\b"\]', item['key']).groups()
                self.assertEqual(notification[1].replace('\\', ''), number(notification[0]))

    def test_each_object_is_an_item(self):
        items = {key.split('[')[0] for key in self.keys}
        columns = {name for name in mib.ACCESS if not self.LEFT_OUT.search(name)}
        columns |= {name for name in mib.ACCESS if name.endswith('KbitRate')}
        self.assertEqual(items & set(mib.ACCESS), columns)

    def test_value_maps(self):
        maps = {found['name']: {int(m['value']): m['newvalue'] for m in found['mappings']}
                for found in self.template['valuemaps']}
        used = set()
        for item in self.items:
            name = item['key'].split('[')[0]
            if name in mib.ACCESS:
                self.assertEqual('valuemap' in item, name in mib.LABELS, name)
            if 'valuemap' in item:
                used.add(item['valuemap']['name'])
                if name in mib.ACCESS:
                    self.assertEqual(maps[item['valuemap']['name']], mib.LABELS[name], name)
        self.assertEqual(used, set(maps))

    def test_types(self):
        for item in self.items:
            name = item['key'].split('[')[0]
            if name not in mib.ACCESS:
                continue
            steps = {step['type'] for step in item['preprocessing']}
            self.assertIn('CHECK_NOT_SUPPORTED', steps, name)
            syntax = mib.SYNTAXES[name]
            self.assertEqual('CHANGE_PER_SECOND' in steps, syntax == 'Counter64', name)
            self.assertEqual('SIMPLE_CHANGE' in steps, syntax == 'Counter32', name)
            self.assertEqual('JAVASCRIPT' in steps, syntax == 'DateAndTime', name)
            self.assertEqual(item.get('value_type') == 'CHAR', syntax == 'SnmpAdminString', name)

    def test_macros_of_discovery(self):
        for rule in self.rules:
            pairs_of = re.findall(r'(\{#\w+\}),([\d.]+)', rule['snmp_oid'])
            columns = [mib.OBJECTS[tuple(map(int, oid.split('.')))] for _, oid in pairs_of]
            self.assertRegex(columns[0], r'^lbc(Cluster|Server)Name$|^lbc(Service|Real)Path$')
            table = re.match(r'lbc(Cluster|Service|Server|Real)', columns[0]).group(0)
            for item in rule['item_prototypes']:
                self.assertTrue(item['key'].startswith(table), item['key'])

    def test_triggers(self):
        names = {}
        for keys, trigger in self.triggers():
            self.assertNotIn(trigger['name'], names)
            names[trigger['name']] = trigger
            self.assertIn(trigger['priority'], ('INFO', 'WARNING', 'AVERAGE', 'HIGH'))
            self.assertEqual('recovery_expression' in trigger, 'recovery_mode' in trigger)
            expression = trigger['expression'] + ' ' + trigger.get('recovery_expression', '')
            used = re.findall(r'\(/%s/((?:[^][,()]|\[[^]]*\])+)' % self.template['template'],
                              expression)
            self.assertEqual(len(used), expression.count('/lbc') + expression.count('/zabbix['))
            self.assertTrue(used)
            self.assertLessEqual(set(used), keys, trigger['name'])
        self.assertGreater(len(names), 20)
        for trigger in names.values():
            depends = [on['name'] for on in trigger.get('dependencies', [])]
            self.assertEqual(len(depends), len(set(depends)), trigger['name'])
            for on in trigger.get('dependencies', []):
                for part in 'expression', 'recovery_expression':
                    self.assertEqual(on.get(part), names[on['name']].get(part), trigger['name'])

    def test_triggers_need_the_whole_time(self):
        """min(), max() and avg() have a value at the first poll; sum() counts events."""
        found = 0
        for _, trigger in self.triggers():
            part = re.search(r'\b(?:min|max|avg)\((/[^,]*),(\d+m)\)', trigger['expression'])
            if part:
                self.assertIn(' and count(%s,15m:now-%s)>0' % part.groups(), trigger['expression'])
                found += 1
        self.assertGreater(found, 10)

    def test_user_macros(self):
        defined = {macro['macro'] for macro in self.template['macros']}
        self.assertEqual(len(defined), len(self.template['macros']))
        used = set(re.findall(r'\{\$[A-Z0-9._]+\}', re.sub(
            r'- macro: .*|description: .*', '', text('zabbix/lbcluster.yaml'))))
        self.assertEqual(used, defined)

    def test_graphs_and_widgets(self):
        graphs = {graph['name']: graph for rule in self.rules
                  for graph in rule.get('graph_prototypes', [])}
        for graph in graphs.values():
            for item in graph['graph_items']:
                self.assertIn(item['item']['key'], self.keys)
        shown = [field['value'] for page in self.template['dashboards'][0]['pages']
                 for widget in page['widgets'] for field in widget['fields']
                 if field['type'] != 'INTEGER']
        self.assertEqual({value['name'] for value in shown if 'name' in value}, set(graphs))
        self.assertLessEqual({value['key'] for value in shown if 'key' in value}, set(self.keys))


if __name__ == '__main__':
    unittest.main()
