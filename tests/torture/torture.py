# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# "make torture": programs are killed (SIGKILL) at random moments during a stream of SETs, and
# every promise is checked after each round. Exits with 1 at the first violation and keeps the
# store, the logs and the report of that round.
"""ROUNDS=, LIMIT= (seconds), SEED=, KINDS=, PLANE= in the environment."""

import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'integration'))

import invariants                   # noqa: E402
from trial import Trial             # noqa: E402
from victims import KINDS           # noqa: E402


def report(trial, seconds):
    print('%d rounds in %.0f s, seed %s' % (sum(trial.rounds.values()), seconds, trial.seed))
    for title, counts in (('rounds', trial.rounds), ('answers', trial.answers)):
        print('  %-8s %s' % (title, ', '.join(
            '%s %d' % (name, n) for name, n in sorted(counts.items(), key=str))))
    for kind in (*trial.kinds, 'none'):
        print('  %-8s %s: %s' % ('killed', kind, ', '.join(
            '%s %d' % (phase, n) for (of, phase), n in sorted(trial.phases.items())
            if of == kind)))
    sys.stdout.flush()


def broken(trial, error):
    """Keeps the files and prints where they are."""
    trial.halt()
    kept = os.path.join(trial.world.dir, 'kept')
    invariants.keep(trial.world, kept)
    text = '%s: %s\n%s' % (type(error).__name__, error, trial.report())
    with open(os.path.join(trial.world.dir, 'report'), 'w', encoding='utf-8') as file:
        file.write(text)
    trial.world.kill()
    print('VIOLATION\n' + text)
    print('kept: %s has the logs, the store, its copy (kept) and this report' %
          trial.world.dir)
    print('repeat (at other moments): make torture%s SEED=%s KINDS=%s' % (
        '' if trial.plane.gated else '-ipvs', trial.seed, ','.join(trial.kinds)))


def main():
    rounds = int(os.environ.get('ROUNDS') or 2000)
    limit_s = float(os.environ.get('LIMIT') or 900)
    seed = int(os.environ.get('SEED') or random.randrange(1 << 32))
    plane = os.environ.get('PLANE') or 'haproxy'
    usual = [kind for kind in KINDS if kind != 'haproxy' or plane == 'haproxy']
    kinds = [kind for kind in (os.environ.get('KINDS') or ','.join(usual)).split(',') if kind]
    if not kinds or set(kinds) - set(usual):
        sys.exit('KINDS: some of ' + ','.join(usual))
    if rounds < 1 or limit_s <= 0:
        sys.exit('ROUNDS, LIMIT: numbers above 0')
    trial = Trial(seed, kinds, plane)
    print('torture: seed %d, at most %d rounds or %.0f s, %s, in %s' % (
        seed, rounds, limit_s, ','.join(kinds), trial.world.dir), flush=True)
    begun = reported = time.monotonic()
    try:
        trial.begin()
        while sum(trial.rounds.values()) < rounds and time.monotonic() - begun < limit_s:
            trial.next()
            if time.monotonic() - reported > 60:
                reported = time.monotonic()
                report(trial, reported - begun)
        trial.end()
    except BaseException as error:      # pylint: disable=broad-except
        report(trial, time.monotonic() - begun)
        broken(trial, error)
        if not isinstance(error, Exception):
            raise
        return 1
    report(trial, time.monotonic() - begun)
    trial.world.remove()
    return 0


if __name__ == '__main__':
    sys.exit(main())
