# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# File systems of a test's own: small ones, read-only ones. They are mounted in a mount
# namespace of this process and what it starts, so that nobody else sees them and none is
# left behind.
"""mounted(): a mount for a while."""

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
        raise AssertionError('may not mount: %s' % done.stderr)
    raise unittest.SkipTest('may not mount: %s' % done.stderr.strip())


def _enter_namespace():
    global _private
    if _private:
        return
    if os.geteuid() != 0:
        raise unittest.SkipTest('needs root, to mount')
    if _LIBC.unshare(_CLONE_NEWNS) != 0:
        raise unittest.SkipTest('may not have mounts of its own: %s'
                                % os.strerror(ctypes.get_errno()))
    _mount('--make-rprivate', '/')
    _private = True


@contextlib.contextmanager
def mounted(path, *options):
    """mount(8) with these options on path, until the end of the block; the test is skipped
    where that is not allowed."""
    _enter_namespace()
    _mount(*options, path)
    try:
        yield
    finally:
        subprocess.run(['umount', '-l', path], check=True)


@contextlib.contextmanager
def read_only(path):
    """What is below path can be read, and not be written by its name. Files that are open
    stay as they are."""
    with mounted(path, '--bind', path):
        _mount('-o', 'remount,bind,ro', path)
        yield
