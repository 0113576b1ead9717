"""The frontier of a running plan: finished, ready and doomed items, by counting unmet needs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ..cache import Cache, Record
from ..errors import NodeError, UserError
from ..events import Event, Failed, Finished, Skipped
from ..node import Folders
from ..planning.types import Plan
from ..savings import NO_SHORTAGES, merge_shortages
from .items import resolvable, resolve, shortages, upstream_seconds
from .task import CallState, Task, call_states


class Frontier:
    """The state of every task of a run.

    Worklists, not calls of calls: no recursion grows with the graph.

    Three counters carry it, and each goes down once for every reason it went up:

    - ``task.waiting``: the tasks that have it among their ``dependents``, and the calls that have
      its call among their ``waiters``. At 0 its inputs are all known: it is put into ``ready``,
      then and never else.
    - ``call.left``: its tasks that have neither finished nor failed; -1 before there are any. A
      task counts down at its first end only: what is computed again has been counted.
    - ``call.holds``: the calls that read it and have not ended, and the results of the plan that
      it is, which are read after the last of them. At 0 nobody reads its values any more.

    Attributes:
        ready: Tasks whose inputs are all known.
        events: Events that the driver has not been told yet.
        degraded: What had to be made to fit into memory, by address: in which words.
    """

    def __init__(self, plan: Plan, cache: Cache, folders: Folders) -> None:
        self.calls = call_states(plan)
        self.ready: deque[Task] = deque()
        self.events: list[Event] = []
        self.failures: list[NodeError] = []
        self.degraded: dict[str, tuple[str, ...]] = {}
        self._cache, self._folders = cache, folders
        self._unsettled: deque[CallState] = deque(self.calls)
        self._doomed: deque[tuple[Task, str]] = deque()
        self._pinned: set[Task] = set()
        self._borrowed: dict[Task, list[Task]] = {}
        for call in self.calls:
            call.consumers = []
            for index in call.planned.upstream:
                self.calls[index].consumers.append(call)
                self.calls[index].holds += 1
        for source in plan.results.values():
            self.calls[source.call].holds += 1

    def settle(self) -> bool:
        """Follow up on one thing that has become known; False if there is nothing."""
        if self._unsettled:
            self._settle(self._unsettled.popleft())
        elif self._doomed:
            self._skip(*self._doomed.popleft())
        else:
            return False
        return True

    def close(self) -> None:
        """Let go of everything in the cache."""
        for task in self._pinned:
            self._cache.unpin(task.key or b"")
        self._pinned.clear()
        for task in list(self._borrowed):
            self._give_back(task)

    def complete(self, task: Task, record: Record, seconds: float, cached: bool) -> None:
        """Take note of a result, and of everything it lets go on."""
        call, key = task.call, task.key
        assert key is not None
        again = task.must_run
        task.digests, task.state, task.must_run = record.digests, "done", False
        task.slowest_seconds = max(record.seconds, upstream_seconds(task, self.calls))
        name, degraded = call.planned.name, record.degraded
        resumed = "" if cached else record.resumed
        self.events.append(Finished(name, task.items, seconds, cached, key, degraded, resumed))
        if degraded:
            self.degraded[task.address] = degraded
        if self.degraded:  # else nothing before it can have been short, and most runs never are
            own = {name: degraded} if degraded else NO_SHORTAGES
            task.shortages = merge_shortages([shortages(task, self.calls), own])
        self.hold(task)
        self._give_back(task)
        # Only now: a dependent that goes on finds this task's state and digests.
        if task.dependents:
            waiting, task.dependents = task.dependents, []
            for dependent in waiting:
                self._unblock(dependent)
        if not again:
            self._count_down(call)

    def hold(self, task: Task) -> None:
        """Pin the value of ``task`` for as long as something is still to read it."""
        if task.call.holds and task not in self._pinned:
            self._cache.pin(task.key or b"")
            self._pinned.add(task)

    def _give_back(self, task: Task) -> None:
        if self._borrowed:
            for needed in self._borrowed.pop(task, ()):
                self._cache.unpin(needed.key or b"")

    def fail(self, task: Task, error: NodeError) -> None:
        """Take note of a failure, and of everything it makes impossible."""
        self.failures.append(error)
        self.events.append(Failed(task.call.planned.name, task.items, error))
        self._doomed.append((task, task.address))

    def demand(self, task: Task, missing: Iterable[Task]) -> None:
        """Have results whose values are gone computed again before ``task``."""
        task.state = "waiting"
        for needed in set(missing):
            # Its call may have been let go of (holds is 0), and nothing would keep the new value
            # until it is read: this task pins it until it has ended itself.
            self._cache.pin(needed.key or b"")
            self._borrowed.setdefault(task, []).append(needed)
            task.wait_for(needed)
            # Else somebody has demanded it before: it is on its way.
            if needed.state == "done":
                self.again(needed)

    def again(self, task: Task) -> None:
        """Have a known result computed once more."""
        task.state, task.must_run = "waiting", True
        self.ready.append(task)

    def _unblock(self, task: Task) -> None:
        task.waiting -= 1
        if task.waiting == 0 and task.state == "waiting":
            self.ready.append(task)

    def _count_down(self, call: CallState) -> None:
        """Note that one task of ``call`` has ended; after the last, all that waits for the call."""
        # A call of no items ends as it is settled: its count goes from 0 to -1, and is as good.
        call.left -= 1
        if call.left > 0:
            return
        self._let_go(call)
        # Who waits for the whole call reads all its items: one that broke spoils the list. (Who
        # reads item for item stands in a task's dependents, and loses only that item.)
        for task in (task for waiter in call.waiters for task in waiter.tasks):
            if call.broken:
                self._doomed.append((task, call.broken))
            else:
                self._unblock(task)
        call.waiters = []
        # How many items a consumer has may have hung on the entries of an output of this call.
        for consumer in call.consumers:
            if not consumer.resolved:
                # A broken task has no entries to count, so the number will never be known.
                if call.broken and _reads_list(consumer, call):
                    self._doom(consumer, call.broken)
                else:
                    self._unsettled.append(consumer)

    def _let_go(self, call: CallState) -> None:
        """Unpin what only ``call`` still needed."""
        # Once a call, as __init__ counted: ``upstream`` names each call once, however many links.
        for index in call.planned.upstream:
            upstream = self.calls[index]
            upstream.holds -= 1
            if not upstream.holds:
                for task in upstream.tasks:
                    if task in self._pinned:
                        self._pinned.remove(task)
                        self._cache.unpin(task.key or b"")

    def _settle(self, call: CallState) -> None:
        """Make the tasks of ``call`` as soon as the number of its items can be told."""
        if call.resolved or not resolvable(call, self.calls):
            return
        try:
            doomed = resolve(call, self.calls, self._folders)
        except UserError as error:
            failure = NodeError(
                call.planned.name, call.planned.kind.__name__, call.planned.values, error
            )
            self._doom(call, call.planned.name)
            self.fail(call.tasks[0], failure)
            return
        self.ready += [task for task in call.tasks if task.waiting == 0]
        self._doomed += [(task, self._culprit(call)) for task in doomed]
        self._unsettled += [consumer for consumer in call.consumers if not consumer.resolved]
        if call.count == 0:
            self._count_down(call)

    def _doom(self, call: CallState, because: str) -> None:
        """Give up on a call whose number of items will never be known."""
        # One task stands for all that will never be made: it is skipped like any other, and with it
        # goes what waits for the call, through the same counters.
        call.resolved, call.tasks, call.left = True, [Task(call, None)], 1
        self._doomed.append((call.tasks[0], because))

    def _culprit(self, call: CallState) -> str:
        upstream = (self.calls[index] for index in call.planned.upstream)
        return next((state.broken for state in upstream if state.broken), call.planned.name)

    def _skip(self, task: Task, because: str) -> None:
        """Mark ``task``, and then all that needs it, as not to be had."""
        # Doomed more than once, where several of its needs have failed: only the first counts.
        if task.state == "failed":
            return
        # What failed itself has its event already, and is the culprit of all that follows.
        if task.address != because:
            self.events.append(Skipped(task.call.planned.name, task.items, because))
        self._give_back(task)
        again = task.must_run
        task.state, task.call.broken = "failed", because
        self._doomed += [(dependent, because) for dependent in task.dependents]
        task.dependents = []
        if not again:
            self._count_down(task.call)


def _reads_list(consumer: CallState, call: CallState) -> bool:
    return any(
        source.call == call.index and source.output in call.lists
        for link in consumer.planned.links.values()
        for source in link.sources
    )
