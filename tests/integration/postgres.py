#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# A private server of PostgreSQL: its own data directory and unix socket, never as root, ended by
# pid. It uses no server, no cluster and no configuration of the machine.
#
# Usage: postgres.py run COMMAND...   runs a command beside a server, with its exit status
#        postgres.py start DIR        starts a server with its files in DIR, prints its URI
#        postgres.py stop DIR         ends that server and removes DIR
#        postgres.py find             prints the directory of the programs of a server
# COMMAND finds the server by LBCLUSTER_TEST_POSTGRESQL: a URI that ends with a slash, to which the
# name of a database is appended. Exits with 77 if the programs of a server are missing, or with 1
# if LBCLUSTER_TESTS_FORCE=1.
"""Server, a private server of PostgreSQL; WithServer, for tests; skip_without_server()."""

import atexit
import contextlib
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

START_S = 60
ROLE = 'lbcluster'              # owns the databases of the tests; not a superuser
PASSWORD = 'only for tests'     # over TCP
TEMPLATE = 'lbcluster_tests'    # new databases are copies of it

_CONF = """
unix_socket_directories = '{dir}'
listen_addresses = '{address}'
port = {port}
fsync = off
full_page_writes = off
max_connections = 60
shared_buffers = 16MB
# A server that is killed leaves no shared memory in /dev/shm.
dynamic_shared_memory_type = mmap
log_line_prefix = '%m [%p] %u@%d '
"""
_TLS_CONF = """
ssl = on
ssl_cert_file = '{dir}/server.crt'
ssl_key_file = '{dir}/server.key'
"""
_HBA = """
local    all all trust
hostssl  all all 127.0.0.1/32 scram-sha-256
"""


def bindir():
    """The directory of initdb and postgres, of the newest version; None if there is none."""
    found = glob.glob('/usr/lib/postgresql/*/bin') + glob.glob('/usr/pgsql-*/bin')
    found.sort(key=lambda path: int(re.search(r'(\d+)\D*/bin$', path).group(1)), reverse=True)
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        found.insert(0, subprocess.run(['pg_config', '--bindir'], text=True, check=True,
                                       stdout=subprocess.PIPE).stdout.strip())
    for path in found:
        if all(os.access(os.path.join(path, name), os.X_OK) for name in ('initdb', 'postgres')):
            return path
    return None


def skip_without_server():
    """Ends the program as a skipped test if the programs of a server are missing."""
    if bindir():
        return
    sys.stderr.write('these tests need a server of PostgreSQL: apt-get install postgresql\n')
    sys.exit(1 if os.environ.get('LBCLUSTER_TESTS_FORCE') == '1' else 77)


def _new_directory():
    """A new directory, in memory if there is room, because a busy disk would delay the server.
    Paths are short because of sun_path."""
    for parent, need in (('/dev/shm', 1 << 30), ('/tmp', 0)):
        with contextlib.suppress(OSError):
            room = os.statvfs(parent)
            if room.f_bavail * room.f_frsize >= need:
                return tempfile.mkdtemp(prefix='lbc-pg-', dir=parent)
    raise OSError('no directory for a server of PostgreSQL')


def _server_user():
    """The user of the server if this process is root, which PostgreSQL refuses; otherwise None."""
    if os.geteuid() != 0:
        return None
    for name in ('postgres', 'nobody'):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise OSError('no user for a server of PostgreSQL')


class Server:
    """One server. With 'port' it also listens at this TCP port of 127.0.0.1, with TLS."""

    _initialized = None     # a data directory to copy

    def __init__(self, directory=None, port=None):
        self.bindir = bindir()
        if not self.bindir:
            raise FileNotFoundError('the programs of a server of PostgreSQL are missing')
        self.user = _server_user()
        self.dir = directory or _new_directory()
        os.makedirs(self.dir, exist_ok=True)
        self.dir = os.path.realpath(self.dir)
        self.data = os.path.join(self.dir, 'data')
        self.log = os.path.join(self.dir, 'postgres.log')
        self.tls = port is not None
        self.port = port or 5432
        self.process = None
        self._give(self.dir)
        self._create()
        atexit.register(self.remove)

    # -- files ------------------------------------------------------------

    def _give(self, path):
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def _argv(self, program, *args):
        argv = [os.path.join(self.bindir, program), *args]
        if self.user:
            argv = ['setpriv', '--reuid=%d' % self.user.pw_uid,
                    '--regid=%d' % self.user.pw_gid, '--clear-groups', *argv]
        return argv

    def _run(self, program, *args, **options):
        return subprocess.run(self._argv(program, *args), cwd='/', text=True, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=self._env(), **options).stdout

    @staticmethod
    def _env():
        return {'PATH': os.environ.get('PATH', '/usr/bin:/bin'), 'LC_ALL': 'C', 'TZ': 'UTC'}

    def _create(self):
        if Server._initialized:
            shutil.copytree(Server._initialized, self.data)
            for parent, folders, files in os.walk(self.data):
                for name in folders + files:
                    self._give(os.path.join(parent, name))
            self._give(self.data)
        else:
            self._initdb()
            Server._initialized = tempfile.mkdtemp(prefix='lbc-initdb-',
                                                   dir=os.path.dirname(self.dir))
            atexit.register(shutil.rmtree, Server._initialized, ignore_errors=True)
            shutil.copytree(self.data, Server._initialized, dirs_exist_ok=True)
        os.chmod(self.data, 0o700)
        text = _CONF.format(dir=self.dir, port=self.port,
                            address='127.0.0.1' if self.tls else '')
        if self.tls:
            self._make_certificates()
            text += _TLS_CONF.format(dir=self.dir)
        with open(os.path.join(self.data, 'postgresql.conf'), 'a', encoding='utf-8') as file:
            file.write(text)
        with open(os.path.join(self.data, 'pg_hba.conf'), 'w', encoding='utf-8') as file:
            file.write(_HBA)

    def _initdb(self):
        """The collation is not the order of bytes, so that a test finds a missing COLLATE "C"."""
        args = ['--pgdata', self.data, '--auth=trust', '--username=postgres', '--encoding=UTF8',
                '--locale=C', '--no-sync']
        try:
            self._run('initdb', *args, '--locale-provider=icu', '--icu-locale=en-US')
        except subprocess.CalledProcessError:
            shutil.rmtree(self.data, ignore_errors=True)
            self._run('initdb', *args)

    def _make_certificates(self):
        """A root and a certificate of it for "localhost"; root.crt is for the clients."""
        def openssl(*args):
            subprocess.run(['openssl', *args], cwd=self.dir, check=True,
                           stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        new_key = ('req', '-new', '-nodes', '-newkey', 'ec', '-pkeyopt',
                   'ec_paramgen_curve:prime256v1')
        openssl(*new_key, '-x509', '-days', '2', '-subj', '/CN=root of a test', '-keyout',
                'root.key', '-out', 'root.crt')
        openssl(*new_key, '-subj', '/CN=localhost', '-keyout', 'server.key', '-out',
                'server.csr')
        openssl('x509', '-req', '-days', '2', '-in', 'server.csr', '-CA', 'root.crt', '-CAkey',
                'root.key', '-CAcreateserial', '-out', 'server.crt')
        os.chmod(os.path.join(self.dir, 'server.key'), 0o600)
        for name in ('server.key', 'server.crt'):
            self._give(os.path.join(self.dir, name))

    # -- the process ------------------------------------------------------

    def start(self, dies_with_us=True):
        """Starts the server and waits until it accepts sessions."""
        argv = self._argv('postgres', '-D', self.data)
        if dies_with_us:
            argv = ['setpriv', '--pdeathsig=QUIT', *argv] if not self.user else \
                [argv[0], '--pdeathsig=QUIT', *argv[1:]]
        end = time.monotonic() + START_S
        while True:
            with open(self.log, 'ab') as log:
                self.process = subprocess.Popen(argv, cwd='/', env=self._env(), stdout=log,
                                                stderr=log, stdin=subprocess.DEVNULL,
                                                start_new_session=not dies_with_us)
            while self.process.poll() is None and not self._ready():
                if time.monotonic() > end:
                    raise AssertionError('PostgreSQL does not start:\n' + self.text_of_log())
                time.sleep(0.01)
            if self.process.poll() is None:
                return self
            # After a SIGKILL, the processes of the last server may still run.
            if time.monotonic() > end or 'still in use' not in self.text_of_log()[-500:]:
                raise AssertionError('PostgreSQL ended:\n' + self.text_of_log())

    def _pid_file(self):
        with contextlib.suppress(OSError):
            with open(os.path.join(self.data, 'postmaster.pid'), encoding='ascii') as file:
                return file.read().splitlines()
        return []

    def _ready(self):
        lines = self._pid_file()
        return len(lines) > 7 and lines[0] == str(self.process.pid) and \
            lines[7].strip() == 'ready'

    def text_of_log(self):
        with contextlib.suppress(OSError), open(self.log, encoding='utf-8',
                                                errors='replace') as file:
            return file.read()
        return ''

    def create_template(self):
        """Makes the role and the template of the databases of the tests."""
        # pg_signal_backend: DROP DATABASE WITH (FORCE) also ends autovacuum in that database.
        self.sql('CREATE ROLE %s LOGIN CREATEDB PASSWORD \'%s\' IN ROLE pg_signal_backend' % (
            ROLE, PASSWORD))
        self.create_database(TEMPLATE, 'template1')
        self.sql('ALTER DATABASE %s IS_TEMPLATE true' % TEMPLATE)
        return self

    def create_database(self, name, template=TEMPLATE):
        """Makes a database of the role of the tests; returns its URI."""
        self.sql('CREATE DATABASE %s OWNER %s TEMPLATE %s' % (name, ROLE, template))
        return self.uri(name)

    def uri(self, name=''):
        """The URI of a database at the unix socket."""
        return 'postgresql://%s@%s:%d/%s' % (
            ROLE, urllib.parse.quote(self.dir, safe=''), self.port, name)

    def _psql(self, database, user, *args):
        return [os.path.join(self.bindir, 'psql'), '-X', '-q', '-A', '-t', '-h', self.dir, '-p',
                str(self.port), '-U', user, '-d', database, *args]

    def sql(self, statement, database='postgres', user='postgres', search_path=''):
        """Runs SQL and returns the rows of its last statement: numbers as int, NULL as None."""
        env = dict(self._env(), PGOPTIONS='-c search_path=' + search_path if search_path else '')
        done = subprocess.run(
            self._psql(database, user, '-F', '\x1f', '-P', 'null=\x1e', '-v', 'ON_ERROR_STOP=1',
                       '-c', statement),
            env=env, text=True, capture_output=True, check=False)
        if done.returncode != 0:
            raise AssertionError('%s: %s' % (statement, done.stderr))

        def value(text):
            if text == '\x1e':
                return None
            return int(text) if re.fullmatch(r'-?\d+', text) else text
        return [tuple(map(value, line.split('\x1f'))) for line in done.stdout.splitlines()]

    @contextlib.contextmanager
    def session(self, database):
        """Yields a function that runs SQL in one session. The session ends with the block."""
        with subprocess.Popen(self._psql(database, 'postgres'), env=self._env(), text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as psql:
            def run(sql):
                psql.stdin.write(sql + ';\n\\echo done\n')
                psql.stdin.flush()
                while psql.stdout.readline() != 'done\n':
                    if psql.poll() is not None:
                        raise AssertionError('psql ended: ' + sql)
            yield run
            psql.stdin.close()

    def _processes(self):
        """The pids of the server and its sessions."""
        with contextlib.suppress(OSError):
            pid = self.process.pid
            with open('/proc/%d/task/%d/children' % (pid, pid), encoding='ascii') as file:
                return [pid, *map(int, file.read().split())]
        return []

    def _signal_all(self, number):
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def pause(self):
        """Stops the server and all its sessions (SIGSTOP): nothing answers, nothing is closed."""
        self._signal_all(signal.SIGSTOP)

    def resume(self):
        self._signal_all(signal.SIGCONT)

    def stop(self, number=signal.SIGINT):
        """Ends the server: SIGINT is a shutdown, SIGQUIT ends it at once, SIGKILL is a crash."""
        if self.process and self.process.poll() is None:
            processes = self._processes()
            self.process.send_signal(number)
            if number == signal.SIGKILL:
                for pid in processes[1:]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
            else:
                self._signal_all(signal.SIGCONT)
            self.process.wait(START_S)

    def remove(self):
        """Ends the server and removes its files."""
        atexit.unregister(self.remove)
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.dir, ignore_errors=True)


class WithServer:
    """For a harness.Case: a server for the tests of the class, 'postgres'. Worlds have a database
    of it, unless a test says otherwise."""

    @classmethod
    def setUpClass(cls):
        cls.postgres = Server().start().create_template()
        cls.addClassCleanup(cls.postgres.remove)
        cls.options = dict(cls.options, server=cls.postgres)
        super().setUpClass()

    def new_world(self, **options):
        options.setdefault('server', self.postgres)
        return super().new_world(**options)


# -- by hand ---------------------------------------------------------------------------


def _load_functions(server):
    """The template gets the functions of SQLite that SQL of the unit tests uses."""
    path = os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'unit',
                        'sqlite_functions.sql')
    with open(path, encoding='utf-8') as file:
        server.sql(file.read(), TEMPLATE, ROLE)


def _run(command):
    server = Server().start().create_template()
    _load_functions(server)
    environment = dict(os.environ, LBCLUSTER_TEST_POSTGRESQL=server.uri())
    with subprocess.Popen(command, env=environment) as child:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: child.send_signal(number))
        status = child.wait()
    # The log tells why a session ended.
    if status != 0:
        sys.stderr.write(''.join(line + '\n' for line in server.text_of_log().splitlines()
                                 if re.search(r'PANIC|terminated by|was lost', line)))
    return status if status >= 0 else 128 - status


def _stop(directory):
    data = os.path.join(directory, 'data')
    with open(os.path.join(data, 'postmaster.pid'), encoding='ascii') as file:
        pid = int(file.readline())
    os.kill(pid, signal.SIGINT)
    end = time.monotonic() + START_S
    while os.path.exists(os.path.join(data, 'postmaster.pid')) and time.monotonic() < end:
        time.sleep(0.01)
    shutil.rmtree(directory)


def main(args):
    skip_without_server()
    if args == ['find']:
        print(bindir())
    elif len(args) >= 2 and args[0] == 'run':
        sys.exit(_run(args[1:]))
    elif len(args) == 2 and args[0] == 'start':
        server = Server(args[1]).start(dies_with_us=False).create_template()
        _load_functions(server)
        atexit.unregister(server.remove)
        print(server.uri())
    elif len(args) == 2 and args[0] == 'stop':
        _stop(args[1])
    else:
        sys.exit('usage: postgres.py run COMMAND... | start DIR | stop DIR | find')


if __name__ == '__main__':
    main(sys.argv[1:])
