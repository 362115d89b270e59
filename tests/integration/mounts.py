# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Small and read-only file systems for a test. They are mounted in a mount namespace of this
# process and its children, so no other process sees them and none is left behind.
"""mounted(): a mount for the time of a block."""

import contextlib
import ctypes
import os
import subprocess
import unittest

_CLONE_NEWNS = 0x20000
_LIBC = ctypes.CDLL(None, use_errno=True)
_private = False


def _mount(*argv):
    done = subprocess.run(['mount', *argv], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    if os.environ.get('LBCLUSTER_TESTS_FORCE') == '1':
        raise AssertionError('mount: %s' % done.stderr)
    raise unittest.SkipTest('mount: %s' % done.stderr.strip())


def _enter_namespace():
    global _private
    if _private:
        return
    if os.geteuid() != 0:
        raise unittest.SkipTest('needs root for mount(8)')
    if _LIBC.unshare(_CLONE_NEWNS) != 0:
        raise unittest.SkipTest('unshare: %s'
                                % os.strerror(ctypes.get_errno()))
    _mount('--make-rprivate', '/')
    _private = True


@contextlib.contextmanager
def mounted(path, *options):
    """Mounts path with these options of mount(8) until the end of the block. Skips the test
    if mount(8) is not permitted."""
    _enter_namespace()
    _mount(*options, path)
    try:
        yield
    finally:
        subprocess.run(['umount', '-l', path], check=True)


@contextlib.contextmanager
def read_only(path):
    """Files below path can be read but not opened for writing. Files that are open already
    can still be written."""
    with mounted(path, '--bind', path):
        _mount('-o', 'remount,bind,ro', path)
        yield
