# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The short form of "make torture".
"""Some rounds of the torture."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'integration'))

from harness import main                # noqa: E402
from trial import Trial                 # noqa: E402
from victims import KINDS               # noqa: E402

ROUNDS, LIMIT_S = 40, 7     # whichever comes first, but each kind once
SEED = 5


class Torture(unittest.TestCase):
    def test_promises_hold_after_each_kill(self):
        trial = Trial(SEED)
        end = time.monotonic() + LIMIT_S
        try:
            trial.begin()
            for kind in KINDS.values():
                trial.round(kind)
            while sum(trial.rounds.values()) < ROUNDS and time.monotonic() < end:
                trial.next()
            trial.end()
        except BaseException:
            sys.stderr.write(trial.report() + trial.world.logs())
            raise
        finally:
            trial.world.kill()
            trial.world.remove()
        sys.stderr.write('%s %s\n' % (dict(trial.rounds), dict(trial.answers)))


if __name__ == '__main__':
    main()
