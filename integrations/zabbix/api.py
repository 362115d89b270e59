#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Calls the JSON-RPC interface of Zabbix 6.0 and later for the check:
#
#   api.py URL import FILE              imports the template
#   api.py URL host NAME PORT 2|3       creates a host with the template and an interface of
#                                       SNMPv2c or SNMPv3 at 127.0.0.1:PORT
#   api.py URL discover NAME            runs the discovery rules of the host now
#   api.py URL items NAME               prints "name<TAB>ok or error<TAB>last value" of each item
#   api.py URL silent NAME              prints the keys of the enabled items without a value
#   api.py URL problems NAME            prints the names of the open problems of the host
"""Commands of the check for Zabbix."""

import json
import re
import sys
import urllib.request

TEMPLATE = 'Load-balanced clusters by SNMP'
V2 = {'version': 2, 'bulk': 1, 'community': 'public'}
# The user of integrations/rig.sh: authPriv, SHA-256, AES-128.
V3 = {'version': 3, 'bulk': 1, 'securityname': 'lbmon', 'securitylevel': 2,
      'authprotocol': 3, 'authpassphrase': 'passphrase-3',
      'privprotocol': 1, 'privpassphrase': 'passphrase-4'}


class Api:

    def __init__(self, url):
        self.url, self.token = url, None
        self.version = tuple(int(n) for n in re.findall(
            r'\d+', self('apiinfo.version', [])))
        self.token = self('user.login', {'username': 'Admin', 'password': 'zabbix'})

    def __call__(self, method, params):
        body = {'jsonrpc': '2.0', 'method': method, 'params': params, 'id': 1}
        headers = {'Content-Type': 'application/json-rpc'}
        if self.token and self.version < (6, 4):
            body['auth'] = self.token
        elif self.token:
            headers['Authorization'] = 'Bearer ' + self.token
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as reply:
            answer = json.load(reply)
        if 'error' in answer:
            sys.exit('%s: %s' % (method, answer['error']))
        return answer['result']

    def id_of(self, method, name, key='name'):
        found = self(method + '.get', {'filter': {key: name}})
        return found[0]['groupid' if method == 'hostgroup' else method + 'id']


def import_file(api, path):
    change = {'createMissing': True, 'updateExisting': True}
    rules = dict.fromkeys(('templates', 'items', 'discoveryRules', 'triggers', 'valueMaps',
                           'graphs', 'templateDashboards'), change)
    if api.version < (6, 2):
        rules['groups'] = {'createMissing': True}
    else:
        rules['host_groups'] = rules['template_groups'] = {'createMissing': True}
    with open(path, encoding='utf-8') as file:
        print(api('configuration.import', {'format': 'yaml', 'rules': rules,
                                           'source': file.read()}))


def create_host(api, name, port, version):
    print(api('host.create', {
        'host': name,
        'groups': [{'groupid': api.id_of('hostgroup', 'Linux servers')}],
        'templates': [{'templateid': api.id_of('template', TEMPLATE, 'host')}],
        # Two real services of the check are not measured.
        'macros': [{'macro': '{$LBC.INTERVAL}', 'value': '10s'},
                   {'macro': '{$LBC.SYSTEM.STALE.MAX}', 'value': '2'}],
        'interfaces': [{'type': 2, 'main': 1, 'useip': 1, 'ip': '127.0.0.1', 'dns': '',
                        'port': port, 'details': V3 if version == '3' else V2}]}))


def discover(api, name):
    rules = api('discoveryrule.get', {'hostids': api.id_of('host', name, 'host'),
                                      'output': ['itemid']})
    print(api('task.create', [{'type': 6, 'request': {'itemid': rule['itemid']}}
                              for rule in rules]))


def items_of(api, name):
    return api('item.get', {
        'hostids': api.id_of('host', name, 'host'), 'sortfield': 'key_',
        'output': ['name', 'key_', 'state', 'error', 'lastvalue', 'lastclock', 'type']})


def items(api, name):
    for item in items_of(api, name):
        print('%s\t%s\t%s' % (item['name'], item['error'] if item['state'] == '1' else 'ok',
                              item['lastvalue']))


def silent(api, name):
    for item in items_of(api, name):
        if item['lastclock'] == '0' and item['type'] == '20':
            print(item['key_'])


def problems(api, name):
    for problem in api('problem.get', {'hostids': api.id_of('host', name, 'host'),
                                       'output': ['name']}):
        print(problem['name'])


COMMANDS = {'import': import_file, 'host': create_host, 'discover': discover, 'items': items,
            'silent': silent, 'problems': problems}

if __name__ == '__main__':
    COMMANDS[sys.argv[2]](Api(sys.argv[1]), *sys.argv[3:])
