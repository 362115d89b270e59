# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Damages a file as another program may do while its users run. Each function gets the path and how
# many times it was called before.
"""Ways to damage a file; WAYS: name -> function."""

import os
import random
import shutil

PAGE = 4096


def truncated(*sizes):
    """Shorter or, if the file is shorter than that, longer by zeros."""
    def damage(path, n):
        os.truncate(path, sizes[n % len(sizes)])
    return damage


def shortened(path, _):
    os.truncate(path, os.path.getsize(path) // 2)


def cleared(path, _):
    """The file keeps its size and is all zeros."""
    size = os.path.getsize(path)
    os.truncate(path, 0)
    os.truncate(path, size)


def overwritten(path, n):
    """One page after the other is garbage."""
    with open(path, 'r+b') as file:
        file.seek(PAGE * (n % max(1, os.path.getsize(path) // PAGE)))
        file.write(random.Random(n).randbytes(PAGE))


def removed(path, _):
    os.unlink(path)


def replaced(path, n):
    """The name refers to another file: a copy, garbage, or an empty file."""
    if n % 3 == 0:
        shutil.copyfile(path, path + '.other')
    else:
        with open(path + '.other', 'wb') as file:
            file.write(b'garbage' * 5000 if n % 3 == 1 else b'')
    os.replace(path + '.other', path)


WAYS = {'truncated': truncated(0, 100, 4096, 8192, 16384, 20000), 'shortened': shortened,
        'cleared': cleared, 'overwritten': overwritten, 'removed': removed, 'replaced': replaced}
