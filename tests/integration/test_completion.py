#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
"""Completion of lbclusterctl in a real bash and a real zsh, each on a terminal of its own."""

import contextlib
import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time

import harness
from harness import INVENTORY, LBCLUSTERCTL, TIMEOUT_FACTOR

BASH_COMPLETION = '/usr/share/bash-completion/bash_completion'
COMPLETIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'completions')
EVENT_S = 30 * TIMEOUT_FACTOR

# Options without the files of a user, and what loads the completion.
SHELLS = {
    'bash': (['bash', '--norc', '--noprofile', '-i'],
             "PS1='ready$ '; . %s; . %s/bash/lbclusterctl" % (BASH_COMPLETION, COMPLETIONS)),
    'zsh': (['zsh', '-f', '-i'],
            "PS1='ready$ '; fpath=(%s/zsh $fpath); autoload -Uz compinit; compinit -u -D"
            % COMPLETIONS),
}


def needs_met():
    missing = [name for name in SHELLS if not shutil.which(name)]
    if not os.path.exists(BASH_COMPLETION):
        missing.append('bash-completion')
    for name in missing:
        print('test_completion.py: no %s (apt-get install %s)' % (name, name), file=sys.stderr)
    return not missing


class Shell:
    """A shell on a terminal of 80 columns."""

    def __init__(self, name, store, directory):
        argv, self.begin = SHELLS[name]
        self.seen = ''
        env = dict(os.environ, TERM='vt100', LBCLUSTER_STORE=store, HOME=directory,
                   COLUMNS='80', PATH='%s:%s' % (os.path.dirname(LBCLUSTERCTL),
                                                 os.environ['PATH']))
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execvpe(argv[0], argv, env)
        self.type(self.begin + '; echo begin-$((40+2))\n')
        self.wait('begin-42')
        self.wait(r'ready\$ ')

    def type(self, text):
        os.write(self.terminal, text.encode())

    def wait(self, pattern):
        """Waits for a regular expression in what the terminal shows after the last wait."""
        deadline = time.monotonic() + EVENT_S
        while not (found := re.search(pattern, self.seen)):
            if not select.select([self.terminal], [], [], deadline - time.monotonic())[0]:
                raise AssertionError('%r is not in %r' % (pattern, self.seen))
            self.seen += os.read(self.terminal, 4096).decode(errors='replace')
        self.seen = self.seen[found.end():]
        return found

    def run(self, line):
        """Types a line, with tabs, and returns what its command prints. The terminal repeats the
        line, so the marks of begin and end are made by arithmetic."""
        self.type('echo; echo b''egin-$((1+1)); ' + line + '; echo e''nd-$((1+1))\n')
        self.wait('begin-2')
        return self.wait(r'(?s)(.*?)end-2').group(1).replace('\r\n', '\n')

    def close(self):
        self.type('\x15exit\n')
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


class Completion(harness.Case):
    """Each test types a line with tabs and runs it."""

    def setUp(self):
        super().setUp()
        self.world = self.new_world()
        self.world.load(INVENTORY)
        self.world.load('cluster mail { service smtp { real mx { address = 10.0.1.1 } } }')
        with open(os.path.join(self.world.dir, 'file.conf'), 'w', encoding='utf-8') as file:
            file.write('cluster new { }\n')

    @contextlib.contextmanager
    def shell(self, name):
        with self.subTest(shell=name):
            shell = Shell(name, self.world.store, self.world.dir)
            try:
                yield shell
            finally:
                shell.close()

    def test_commands_options_and_paths(self):
        for name in SHELLS:
            with self.shell(name) as shell:
                out = shell.run('lbclusterctl inf\tw\tht\ta\t --js\t')
                self.assertEqual(10, json.loads(out)['weight'], out)
                out = shell.run('lbclusterctl li\t--rec\tma\tsm\t')
                self.assertIn('mail/smtp/mx', out)
                self.assertNotIn('web/', out)

    def test_arguments_of_options_and_files(self):
        for name in SHELLS:
            with self.shell(name) as shell:
                out = shell.run('lbclusterctl --fo\tj\tinf\tma\tsm\tm\t')
                self.assertEqual('10.0.1.1', json.loads(out)['ip_address'], out)
                out = shell.run('lbclusterctl load -n --prune=a\t fil\t')
                self.assertIn('- mail/smtp/mx\n', out)
                self.assertIn('+ new\n', out)
                out = shell.run('lbclusterctl help dis\tc\t')
                self.assertIn('usage: lbclusterctl discover', out)

    def test_store_of_the_command_line(self):
        other = os.path.join(self.world.dir, 'other')
        subprocess.run([LBCLUSTERCTL, '-s', other, 'load', '-'], check=True, text=True,
                       input='cluster only { }', stdout=subprocess.DEVNULL)
        for name in SHELLS:
            with self.shell(name) as shell:
                out = shell.run('lbclusterctl -s %s inf\to\t --js\t' % other)
                self.assertEqual('none', json.loads(out)['plane'], out)

    def test_store_that_cannot_be_read_prints_nothing(self):
        for name in SHELLS:
            with self.shell(name) as shell:
                # The whole line is on the terminal, and nothing between.
                shell.type('lbclusterctl -s /nonexistent info w\t\t; true # rest')
                self.assertEqual('', shell.wait(r'info w(.*?); *true').group(1).strip('\x07'))


if __name__ == '__main__':
    if not needs_met():
        sys.exit(1 if os.environ.get('LBCLUSTER_TESTS_FORCE') == '1' else 77)
    harness.main()
