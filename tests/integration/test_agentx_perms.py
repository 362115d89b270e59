# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Tests each row of the table of agentXPerms in lbclusterd(8) with a snmpd of its own: who may
# connect. The test reads the table from the page.
"""Who may connect to snmpd's AgentX socket."""

import grp
import os
import re
import socket
import stat

from harness import Case, is_root, main

_PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     '..', '..', 'doc', 'lbclusterd.8')

GROUP = 60001
OWNER = 60009
WHO = {'root': (0, 0), 'group': (60002, GROUP), 'stranger': (60003, 60003)}


def rows():
    """(agentXPerms, mode before, mode, (mode, group) of the socket, who) of each row."""
    with open(_PAGE, encoding='ascii') as file:
        table = re.search(r'\.Ss Permissions.*?\n\.Bl -column.*?\n(.*?)\.El', file.read(), re.S)
    found = [line.split(' Ta ') for line in re.sub(r'^\.It ', '', table[1], flags=re.M)
             .splitlines()]
    return [row for row in found if not row[0].startswith('Sy ')]


def may_connect(path, uid, gid):
    """True if this user may connect. Only root keeps its privileges."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
            status = 0
        except PermissionError:
            status = 2
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 2), status
    return status == 0


class Permissions(Case):
    """Each row of the table."""

    def tried(self, line, before):
        """(mode of the directory, (mode, group) of the socket, who may connect)"""
        world = self.new_world()
        os.chmod(world.dir, 0o755)
        directory = os.path.join(world.dir, 'agentx')
        world.socket = os.path.join(directory, 'master')
        if before != 'none':
            os.mkdir(directory)
            os.chmod(directory, int(before, 8))
        numbers = line.replace('lbcluster', str(GROUP)).replace('Debian-snmp', str(OWNER))
        world.configure_master('master agentx\nrocommunity public\n' + (
            '' if line == 'none' else 'agentXPerms %s\n' % numbers))
        world.start_master()
        info = os.stat(world.socket)
        made = os.stat(directory)
        self.assertEqual((0, 0), (made.st_uid, made.st_gid))
        self.assertEqual(OWNER if 'Debian-snmp' in line else 0, info.st_uid)
        group = 'lbcluster' if info.st_gid == GROUP else grp.getgrgid(info.st_gid).gr_name
        who = [name for name, user in WHO.items() if may_connect(world.socket, *user)]
        world.stop_master()
        return ['%04o' % stat.S_IMODE(made.st_mode),
                '%04o %s' % (stat.S_IMODE(info.st_mode), group),
                'all' if len(who) == len(WHO) else ', '.join(who)]

    def test_each_row_of_the_table_is_true(self):
        if not is_root():
            self.skipTest('needs root, to be several users')
        self.assertLess(5, len(rows()))
        for line, before, *expected in rows():
            with self.subTest(line=line, before=before):
                self.assertEqual(expected, self.tried(line, before))


if __name__ == '__main__':
    main()
