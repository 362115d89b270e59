# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# The master ends, restarts, repeats requests or does not answer, in each phase of a SET; and
# lbclusterd is killed within a SET. A proxy between the two decides when.
"""Sessions with the master."""

import contextlib
import itertools
import os
import re
import signal
import threading
import time

import mib
from agentx import BadMaster, Proxy, Subagent, with_error
from harness import Case, SERVED_S, cpu_s, main, wait_for
from snmp import Timeout

INVENTORY = """
cluster web {
    plane = none
    service http {
        address = 192.0.2.10  port = 80  protocol = tcp
        real a { address = 10.0.0.1  port = 80  weight = 10 }
        real b { address = 10.0.0.2  port = 80  weight = 10  fallback = yes }
    }
}
"""

WEIGHT = mib.oid('lbcRealWeight', 1, 1, 1)
FALLBACKS = mib.oid('lbcRealFallback', 1, 1, 1), mib.oid('lbcRealFallback', 1, 1, 2)
LOCK = mib.oid('lbcSysSetLock', 0)
COMMIT_FAILED, UNDO_FAILED = 14, 15

SERVING = r'\[agentx\] serving '
LOST = r'\[agentx\] the master at \S+ closed the (connection|session)'


class ProxyCase(Case):
    """A world with a proxy between snmpd and lbclusterd."""

    agentx = {}

    def setUp(self):
        self.world = world = self.new_world(**self.agentx)
        self.proxy = Proxy(os.path.join(world.dir, 'proxy'), world.socket)
        self.addCleanup(self.proxy.close)
        world.daemon_socket = os.path.join(world.dir, 'proxy')
        world.load(INVENTORY)
        world.start()
        self.lock = world.get('lbcSysSetLock', 0)

    def set(self, timeout=10):
        """A SET that changes a weight, hands the fallback over and takes the lock:
        the status, or None if no answer came."""
        with contextlib.suppress(Timeout):
            return self.world.client().set_answer(
                (WEIGHT, 'u', 99), (FALLBACKS[0], 'i', mib.TRUE),
                (FALLBACKS[1], 'i', mib.FALSE), (LOCK, 'i', self.lock),
                timeout=timeout).status
        return None

    def stored(self):
        """The values of the SET in the store."""
        rows = self.world.sql('SELECT weight, fallback FROM real_service ORDER BY id')
        lock = self.world.sql("SELECT value FROM setting WHERE name = 'set_lock'")[0][0]
        return rows, lock

    def served(self):
        """The same values through SNMP."""
        client = self.world.client()
        values = [value.value for value in client.get(
            mib.oid('lbcRealWeight', 1, 1, 1), mib.oid('lbcRealFallback', 1, 1, 1),
            mib.oid('lbcRealWeight', 1, 1, 2), mib.oid('lbcRealFallback', 1, 1, 2), LOCK)]
        return [(values[0], 2 - values[1]), (values[2], 2 - values[3])], values[4]

    def jobs(self):
        return [row[0] for row in self.world.sql('SELECT state FROM job ORDER BY id')]

    def assert_state(self, rows, lock, jobs):
        """Waits for values in the store and through SNMP."""
        wait_for(lambda: (self.stored(), self.jobs()) == ((rows, lock), jobs), 10,
                 'the store has %r, lock %d, jobs %r; it has %r, %r' % (
                     rows, lock, jobs, self.stored(), self.jobs()))
        self.world.wait_served()
        wait_for(lambda: self.served() == (rows, lock), 10, 'SNMP tells the same')
        shown = [varbind.value for varbind in self.world.client().walk(mib.oid('lbcJobState'))]
        self.assertEqual(jobs, shown)
        self.assertEqual(0, self.world.get('lbcJobsActive', 0))

    def assert_untouched(self, jobs=(), restarted=0):
        """Nothing was changed, or all was undone; and the next SET works."""
        self.assert_state([(10, 0), (10, 1)], self.lock + restarted, list(jobs))
        self.assert_next_set_works(list(jobs), restarted)

    def assert_done(self, restarted=0):
        """All was changed, once; and the next SET works."""
        self.assert_state([(99, 1), (10, 0)], self.lock + 1 + restarted, [mib.SUCCEEDED] * 3)
        self.assertEqual('noError', self.world.client().set_answer(
            (WEIGHT, 'u', 10), (FALLBACKS[0], 'i', mib.FALSE),
            (FALLBACKS[1], 'i', mib.TRUE)).status)

    def assert_next_set_works(self, jobs, restarted):
        self.lock += restarted
        self.assertEqual('noError', self.set())
        self.assert_state([(99, 1), (10, 0)], self.lock + 1, jobs + [mib.SUCCEEDED] * 3)

    def lock_store(self):
        """Locks the store until release()."""
        other = self.world.connect(check_same_thread=False)
        other.execute('BEGIN EXCLUSIVE')
        self.addCleanup(other.close)
        return other


CANCELLED = [mib.CANCELLED] * 3


class Cut(ProxyCase):
    """The connection breaks; the manager does not get success."""

    def test_cut_before_testset_changes_nothing(self):
        self.proxy.once('TestSet', lambda link, pdu: link.cut())
        self.assertNotEqual('noError', self.set())
        self.assert_untouched()

    def test_cut_after_testset_changes_nothing(self):
        self.proxy.once('TestSet answer', lambda link, pdu: link.cut())
        self.assertNotEqual('noError', self.set())
        self.assert_untouched()

    def test_cut_before_commitset_changes_nothing(self):
        self.proxy.once('CommitSet', lambda link, pdu: link.cut())
        self.assertNotEqual('noError', self.set())
        self.assert_untouched()

    def test_cut_after_commitset_is_undone(self):
        self.proxy.once('CommitSet answer', lambda link, pdu: link.cut())
        self.assertNotEqual('noError', self.set())
        self.assert_untouched(CANCELLED)

    def test_cut_after_undoset_is_undone(self):
        self.proxy.once('CommitSet answer', lambda link, pdu: link.to_master(
            with_error(pdu, COMMIT_FAILED, 1)))
        self.proxy.once('UndoSet', lambda link, pdu: link.cut())
        self.assertNotEqual('noError', self.set())
        self.assert_untouched(CANCELLED)

    def test_cut_behind_cleanupset_is_done(self):
        # CleanupSet comes before the end of the stream: the manager got success.
        def deliver_and_cut(link, pdu):
            link.to_agent(pdu.octets)
            link.cut()
        self.proxy.once('CleanupSet', deliver_and_cut)
        self.assertEqual('noError', self.set())
        self.assert_done()


class MasterGone(ProxyCase):
    """snmpd ends between two phases and restarts."""

    def end_at(self, name, number, deliver):
        """Ends snmpd at this message, which closes the connection."""
        def end(link, pdu):
            if deliver:
                link.to_agent(pdu.octets)
            self.world.master.signal(number)
        self.proxy.once(name, end)
        # Usually there is no answer. It would come before the end.
        self.assertNotEqual('noError', self.set(timeout=0.5))
        wait_for(lambda: not self.world.master.alive(), 10, 'the end of snmpd')
        self.world.stop_master()
        self.world.start_master()

    def test_master_killed_at_testset_changes_nothing(self):
        self.end_at('TestSet', signal.SIGKILL, True)
        self.assert_untouched()

    def test_master_killed_at_testset_answer_changes_nothing(self):
        self.end_at('TestSet answer', signal.SIGKILL, False)
        self.assert_untouched()

    def test_master_killed_at_commitset_is_undone(self):
        self.end_at('CommitSet', signal.SIGKILL, True)
        self.assert_untouched(CANCELLED)

    def test_master_killed_at_commitset_answer_is_undone(self):
        self.end_at('CommitSet answer', signal.SIGKILL, False)
        self.assert_untouched(CANCELLED)

    def test_master_ended_at_testset_answer_changes_nothing(self):
        self.end_at('TestSet answer', signal.SIGTERM, False)
        self.assert_untouched()

    def test_master_ended_at_commitset_answer_is_undone(self):
        self.end_at('CommitSet answer', signal.SIGTERM, False)
        self.assert_untouched(CANCELLED)


class Repeated(ProxyCase):
    """snmpd repeats a phase if an answer is late."""

    def test_testset_twice_is_done_once(self):
        self.proxy.once('TestSet', lambda link, pdu: link.twice(pdu))
        self.assertEqual('noError', self.set())
        self.assert_done()

    def test_commitset_twice_is_done_once(self):
        self.proxy.once('CommitSet', lambda link, pdu: link.twice(pdu))
        self.assertEqual('noError', self.set())
        self.assert_done()

    def test_cleanupset_twice_is_done_once(self):
        self.proxy.once('CleanupSet', lambda link, pdu: link.twice(pdu))
        self.assertEqual('noError', self.set())
        self.assert_done()

    def test_every_phase_twice_is_done_once(self):
        for name in ('TestSet', 'CommitSet', 'CleanupSet'):
            self.proxy.once(name, lambda link, pdu: link.twice(pdu))
        self.assertEqual('noError', self.set())
        self.assert_done()

    def test_testset_again_after_commitset_is_done_once(self):
        kept = []
        def keep(link, pdu):
            kept.append(pdu)
            link.to_agent(pdu.octets)
        def late(link, pdu):
            # A late copy.
            link.swallow[kept[0].packet] += 1
            link.to_agent(pdu.octets)
            link.to_agent(kept[0].octets)
        self.proxy.once('TestSet', keep)
        self.proxy.once('CommitSet', late)
        self.assertEqual('noError', self.set())
        self.assert_done()

    def test_missing_cleanupset_does_not_stop_the_next_set(self):
        # If snmpd omits a phase, later SETs are done.
        self.proxy.once('CleanupSet', lambda link, pdu: None)
        self.assertEqual('noError', self.set())
        self.assertEqual('noError', self.world.client().set_answer((WEIGHT, 'u', 7)).status)
        wait_for(lambda: self.stored()[0] == [(7, 0), (10, 1)], 10, 'the next SET is done')
        wait_for(lambda: self.jobs()[-1] == mib.SUCCEEDED, 10, 'its job has ended')
        # The first one is kept: its manager got success.
        self.world.stop_daemon()
        self.world.start_daemon()
        self.assertEqual([(7, 1), (10, 0)], self.stored()[0])

    def test_undoset_without_set_changes_nothing(self):
        # UndoSet for a transaction that CleanupSet has ended.
        def inject(link, pdu):
            link.to_agent(pdu.octets)
            link.swallow[pdu.packet + 1000] += 1
            link.asked[pdu.packet + 1000] = 'UndoSet'
            octets = bytearray(pdu.octets)
            octets[1] = 10
            octets[12:16] = (pdu.packet + 1000).to_bytes(
                4, 'big' if pdu.order == '>' else 'little')
            link.to_agent(bytes(octets))
        self.proxy.once('CleanupSet', inject)
        self.assertEqual('noError', self.set())
        self.assert_done()

    def test_commitset_without_testset_is_refused(self):
        # lbclusterd did not get the TestSet; snmpd takes it for accepted.
        def answer(link, pdu):
            link.to_master(pdu.octets[:1] + b'\x12' + pdu.octets[2:16] +
                           (8).to_bytes(4, 'big' if pdu.order == '>' else 'little') + bytes(8))
        self.proxy.once('TestSet', answer)
        self.assertNotEqual('noError', self.set())
        self.assert_untouched()


class Undone(ProxyCase):
    """Another subagent fails in the same SET: UndoSet."""

    def fail_commit(self, link, pdu):
        link.to_master(with_error(pdu, COMMIT_FAILED, 1))

    def test_undoset_after_commitset_is_undone(self):
        self.proxy.once('CommitSet answer', self.fail_commit)
        self.assertEqual('commitFailed', self.set())
        self.assertIn('UndoSet', self.proxy.seen)
        self.assert_untouched(CANCELLED)

    def test_undoset_twice_is_undone_once(self):
        self.proxy.once('CommitSet answer', self.fail_commit)
        self.proxy.once('UndoSet', lambda link, pdu: link.twice(pdu))
        self.assertEqual('commitFailed', self.set())
        self.assert_untouched(CANCELLED)

    def test_undoset_keeps_a_change_of_another_program(self):
        def meddle(link, pdu):
            self.world.sql('UPDATE real_service SET weight = 55 WHERE id = 1')
            link.to_master(with_error(pdu, COMMIT_FAILED, 1))
        self.proxy.once('CommitSet answer', meddle)
        self.assertEqual('commitFailed', self.set())
        self.assert_state([(55, 0), (10, 1)], self.lock, CANCELLED)

    def test_undoset_keeps_the_same_value_of_another_program(self):
        printed = []
        def ask_too(link, pdu):
            printed.append(self.world.ctl('set-weight', 'web/http/a', '99').stdout)
            link.to_master(with_error(pdu, COMMIT_FAILED, 1))
        self.proxy.once('CommitSet answer', ask_too)
        self.assertEqual('commitFailed', self.set())
        self.assertNotIn('nothing to do', printed[0])
        self.assert_state([(99, 0), (10, 1)], self.lock, CANCELLED + [mib.SUCCEEDED])

    def test_set_is_undone_if_a_second_subagent_fails_or_ends(self):
        other = mib.ROOT[:-1] + (mib.ROOT[-1] + 1,)
        for failing, how in itertools.product(('CommitSet', 'TestSet'),
                                              (COMMIT_FAILED, Subagent.ENDS)):
            with self.subTest(failing=failing, how=how):
                for varbinds in (((WEIGHT, 'u', 99), (other + (1, 0), 'i', 1)),
                                 ((other + (1, 0), 'i', 1), (WEIGHT, 'u', 99))):
                    subagent = Subagent(self.world.socket, other, {failing: how})
                    self.addCleanup(subagent.close)
                    self.assertNotEqual(
                        'noError', self.world.client().set_answer(*varbinds).status)
                    wait_for(lambda: self.stored()[0] == [(10, 0), (10, 1)], 10, 'undone')
                    self.assertEqual(10, self.world.get('lbcRealWeight', 1, 1, 1))
                    self.assertLessEqual(set(self.jobs()), {mib.CANCELLED})
                    subagent.close()
        # With a subagent that accepts, both parts are done.
        subagent = Subagent(self.world.socket, other)
        self.addCleanup(subagent.close)
        self.assertEqual('noError', self.world.client().set_answer(
            (WEIGHT, 'u', 99), (other + (1, 0), 'i', 1)).status)
        self.assertEqual(99, self.world.get('lbcRealWeight', 1, 1, 1))


class StoreGone(ProxyCase):
    """The store is locked between two phases."""

    def locked_at(self, name, deliver):
        """Locks the store at this message, then delivers a message."""
        held = []
        def action(link, pdu):
            held.append(self.lock_store())
            deliver(link, pdu)
        self.proxy.once(name, action)
        return held

    def test_store_locked_before_commitset_is_commit_failed(self):
        held = self.locked_at('TestSet answer', lambda link, pdu: link.to_master(pdu.octets))
        self.assertEqual('commitFailed', self.set())
        self.assertEqual(1, self.world.get('lbcSysSetRejects', 0))
        self.assertIn(self.world.get('lbcSysLastRejectReason', 0),
                      (mib.REJECT_STORE_BUSY, mib.REJECT_OTHER))
        held[0].execute('ROLLBACK')
        self.assert_untouched()

    def test_store_locked_before_undoset_is_undo_failed_and_repaired(self):
        held = self.locked_at('CommitSet answer', lambda link, pdu: link.to_master(
            with_error(pdu, COMMIT_FAILED, 1)))
        self.assertEqual('undoFailed', self.set())
        held[0].execute('ROLLBACK')
        self.assert_untouched(CANCELLED)

    def test_store_locked_before_cleanupset_is_done_and_repaired(self):
        held = self.locked_at('CommitSet answer', lambda link, pdu: link.to_master(pdu.octets))
        self.assertEqual('noError', self.set())
        # The manager sees the values for which it got success.
        self.assertEqual(99, self.world.get('lbcRealWeight', 1, 1, 1))
        self.assertIn(self.world.get('lbcJobState', 1), (mib.QUEUED, mib.SUCCEEDED))
        held[0].execute('ROLLBACK')
        self.assert_done()

    def test_store_locked_when_link_is_cut_is_undone_later(self):
        held = self.locked_at('CommitSet answer', lambda link, pdu: link.cut())
        self.assertNotEqual('noError', self.set())
        self.world.wait_served()
        held[0].execute('ROLLBACK')
        self.assert_untouched(CANCELLED)

    def ends_while_locked(self, end):
        """lbclusterd could not undo a SET that the manager got an error for, ends and is
        started again."""
        held = self.locked_at('CommitSet answer', lambda link, pdu: link.cut())
        self.assertNotEqual('noError', self.set())
        self.world.wait_served()
        end()
        held[0].execute('ROLLBACK')
        self.world.start_daemon()
        self.assert_untouched(CANCELLED, restarted=1)
        self.assertNotIn('undo', ' '.join(os.listdir(self.world.store)))

    def test_store_locked_until_daemon_ends_is_undone_at_the_next_start(self):
        self.ends_while_locked(self.world.stop_daemon)

    def test_store_locked_until_daemon_is_killed_is_undone_at_the_next_start(self):
        self.ends_while_locked(self.world.daemon.kill)


class DaemonKilled(ProxyCase):
    """lbclusterd is killed (SIGKILL) within a SET and restarts."""

    def kill_at(self, name, deliver=False):
        def kill(link, pdu):
            if deliver:
                link.to_master(pdu.octets)
            self.world.daemon.signal(signal.SIGKILL)
        self.proxy.once(name, kill)
        status = self.set()
        self.world.daemon.kill()
        self.world.start_daemon()
        return status

    def test_daemon_killed_after_testset_changes_nothing(self):
        self.assertNotEqual('noError', self.kill_at('TestSet answer'))
        self.assert_untouched(restarted=1)

    def test_daemon_killed_before_cleanupset_keeps_the_change(self):
        # The manager may have got success: the change stays, and its jobs run.
        self.assertNotEqual('noError', self.kill_at('CommitSet answer'))
        self.assert_done(restarted=1)

    def test_daemon_killed_after_success_keeps_the_change(self):
        self.assertIn(self.kill_at('CommitSet answer', deliver=True), ('noError', 'commitFailed',
                                                                       'genErr'))
        self.assert_done(restarted=1)

    def test_jobs_for_data_plane_are_queued_after_restart(self):
        self.world.sql("UPDATE cluster SET plane = 'haproxy'")
        self.world.wait_value(b'haproxy', 'lbcClusterPlane', 1)
        self.kill_at('CommitSet answer')
        self.assertEqual([mib.QUEUED] * 3, self.jobs())
        self.assertEqual([(99, 1), (10, 0)], self.stored()[0])
        self.assertEqual(3, self.world.get('lbcJobsActive', 0))


class Slow(ProxyCase):
    """A subagent that is stopped for longer than snmpd waits: real repeats."""

    agentx = dict(agentx_timeout=1, agentx_retries=5)

    def test_daemon_stopped_for_seconds_is_done_once_or_not_at_all(self):
        self.world.daemon.signal(signal.SIGSTOP)
        later = threading.Timer(2.3, self.world.daemon.signal, [signal.SIGCONT])
        later.start()
        status = self.set(timeout=15)
        later.join()
        self.assertGreater(self.proxy.seen.count('TestSet'), 1)
        if status == 'noError':
            self.assert_done()
        else:
            wait_for(lambda: not set(self.jobs()) - {mib.CANCELLED}, 10, 'no job is left')
            self.assertEqual([(10, 0), (10, 1)], self.stored()[0])


class Life(Case):
    """snmpd starts and ends."""

    def setUp(self):
        self.world = self.new_world()
        self.world.load(INVENTORY)

    def count(self, pattern):
        return len(re.findall(pattern, self.world.daemon_log()))

    def assert_set_works(self, weight):
        self.assertEqual('noError',
                         self.world.client().set_answer((WEIGHT, 'u', weight)).status)
        self.assertEqual(weight, self.world.get('lbcRealWeight', 1, 1, 1))

    def test_master_absent_at_start_is_found_later(self):
        self.world.start_daemon(wait=False)
        self.world.wait_logged("no AgentX master at .*'master agentx'")
        self.world.start_master()
        self.world.wait_served()
        self.assert_set_works(11)
        self.assertEqual(1, self.count('no AgentX master'))

    def test_master_absent_daemon_ends_on_sigterm(self):
        self.world.start_daemon(wait=False)
        self.world.wait_logged('no AgentX master')
        self.world.stop_daemon()

    def test_master_restarted_is_served_again(self):
        self.world.start()
        for number, (how, weight) in enumerate((
                (signal.SIGTERM, 21), (signal.SIGKILL, 22), (signal.SIGTERM, 23)), 1):
            self.world.stop_master(how)
            self.world.wait_logged(LOST, count=number)
            self.world.start_master()
            self.world.wait_served()
            self.assert_set_works(weight)
            # One line for each end of a session, one for each begin.
            self.assertEqual((number, number + 1), (self.count(LOST), self.count(SERVING)))

    def test_master_stopped_for_seconds_is_served_again(self):
        self.world.start()
        self.world.master.signal(signal.SIGSTOP)
        # lbclusterd follows the store in that time.
        self.world.ctl('set-weight', 'web/http/a', '33')
        self.world.ctl('set-weight', 'web/http/a', '34')
        self.world.master.signal(signal.SIGCONT)
        self.world.wait_served()
        self.world.wait_value(34, 'lbcRealWeight', 1, 1, 1)
        self.assert_set_works(31)

    def test_master_stopped_while_a_new_one_listens_is_left(self):
        """The old snmpd keeps its port, and the new one has the socket's path."""
        self.world.start()
        old = self.world.master
        old.signal(signal.SIGSTOP)
        self.addCleanup(old.wait)
        self.addCleanup(old.signal, signal.SIGKILL)
        self.world.port = None
        self.world.start_master()
        self.world.wait_served()
        self.assert_set_works(35)
        self.assertEqual(1, self.count('another program listens at'))

    def test_master_that_answers_is_kept_while_a_new_one_listens(self):
        self.world.start()
        old, port = self.world.master, self.world.port
        self.addCleanup(old.wait)
        self.addCleanup(old.signal, signal.SIGKILL)
        self.world.port = None
        self.world.start_master()
        # Two pings: the second one follows 5 s later.
        self.world.wait_logged('ping', count=2)
        self.assertEqual(1, self.count(SERVING))
        self.world.port = port

    def test_master_stopped_daemon_ends_on_sigterm(self):
        self.world.start()
        self.world.master.signal(signal.SIGSTOP)
        try:
            self.world.stop_daemon()
        finally:
            self.world.master.signal(signal.SIGCONT)

    def test_daemon_restarted_is_served_again(self):
        self.world.start()
        self.world.stop_daemon()
        answer = self.world.client().get_answer(WEIGHT)
        self.assertEqual('noSuchObject', answer.varbinds[0].type)
        self.world.start_daemon()
        self.assert_set_works(41)
        self.world.daemon.kill()
        self.world.start_daemon()
        self.assert_set_works(42)

    def test_sysortable_has_one_entry_while_connected(self):
        def entries():
            return [varbind for varbind in
                    self.world.client().walk((1, 3, 6, 1, 2, 1, 1, 9, 1, 2))
                    if varbind.value[:len(mib.ROOT)] == mib.ROOT]
        self.world.start()
        wait_for(lambda: len(entries()) == 1, 10, 'a row in sysORTable')
        row = entries()[0].oid[-1]
        description = self.world.client().get((1, 3, 6, 1, 2, 1, 1, 9, 1, 3, row)).value
        self.assertIn(b'LBCLUSTER-MIB', description)
        self.world.stop_master()
        self.world.start_master()
        self.world.wait_served()
        wait_for(lambda: len(entries()) == 1, 10, 'a row in sysORTable again')
        self.world.stop_daemon()
        wait_for(lambda: not entries(), 10, 'no row is left')

    def test_registration_of_another_subagent_is_logged_and_waited_for(self):
        self.world.start_master()
        other = Subagent(self.world.socket, mib.ROOT)
        self.addCleanup(other.close)
        self.world.start_daemon(wait=False)
        self.world.wait_logged('another subagent serves .*duplicateRegistration')
        self.assertTrue(self.world.daemon.alive())
        other.close()
        self.world.wait_served(12)
        self.assert_set_works(51)


class Bad(Case):
    """Faulty masters."""

    def check(self, how, pattern):
        world = self.new_world()
        world.load(INVENTORY)
        bad = BadMaster(world.socket, how)
        self.addCleanup(bad.close)
        world.start_daemon(wait=False)
        world.wait_logged(pattern, deadline_s=10)
        # lbclusterd tries rarely, needs little CPU time and follows the store.
        began, connections, cpu = time.monotonic(), bad.connections, cpu_s(world.daemon.pid)
        world.ctl('set-weight', 'web/http/a', '61')
        wait_for(lambda: time.monotonic() - began > 1.5, 5, 'a while')
        self.assertLess(bad.connections - connections, 20)
        self.assertLess(cpu_s(world.daemon.pid) - cpu, 0.5)
        self.assertLess(world.daemon_log().count('\n'), 60)
        bad.close()
        world.start_master()
        world.wait_served(SERVED_S + 8)     # after failed sessions it tries every 8 s
        self.assertEqual(61, world.get('lbcRealWeight', 1, 1, 1))
        # Once more, to end lbclusterd during the outage.
        world.stop_master()
        bad = BadMaster(world.socket, how)
        self.addCleanup(bad.close)
        if how != 'deaf':
            wait_for(lambda: bad.connections > 0, 10, 'a connection')
        world.stop_daemon()

    def test_master_that_does_not_answer_is_waited_for(self):
        self.check('silent', 'does not answer')

    def test_master_that_closes_is_waited_for(self):
        self.check('close', LOST)

    def test_master_that_does_not_accept_is_waited_for(self):
        self.check('deaf', 'accepts no connections')

    def test_master_that_speaks_garbage_is_waited_for(self):
        self.check('garbage', 'does not speak AgentX')

    def test_master_that_only_opens_is_waited_for(self):
        self.check('opens', 'does not answer')

    def test_socket_that_is_a_file_is_waited_for(self):
        world = self.new_world()
        world.load(INVENTORY)
        with open(world.socket, 'w', encoding='ascii'):
            pass
        world.start_daemon(wait=False)
        world.wait_logged(r'\[agentx\].*' + re.escape(world.socket))
        os.unlink(world.socket)
        world.start_master()
        world.wait_served()
        world.stop_daemon()

    def test_protocol_error_ends_the_session_and_a_new_one_begins(self):
        world = self.new_world()
        proxy = Proxy(os.path.join(world.dir, 'proxy'), world.socket)
        self.addCleanup(proxy.close)
        world.daemon_socket = os.path.join(world.dir, 'proxy')
        world.load(INVENTORY)
        world.start()
        get, unknown = b'\1\5\x10\0' + bytes(12), b'\1\x63\x10\0' + bytes(12)
        for number, rubbish in enumerate((
                bytes(64), b'\xff' * 64, get + b'\xff' * 4, unknown + bytes(4),
                get + b'\0\0\0\4' + b'\xff' * 4)):
            with self.subTest(rubbish=rubbish[:24].hex()):
                with contextlib.suppress(OSError):
                    proxy.links[-1].to_agent(rubbish)
                world.wait_served(SERVED_S + 8)
                self.assertEqual('noError', world.client().set_answer(
                    (WEIGHT, 'u', 100 + number)).status)


if __name__ == '__main__':
    main()
