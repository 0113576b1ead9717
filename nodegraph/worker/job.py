"""A claimed job on a worker process: its messages gathered and recorded, its deadlines kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, TypeAlias

from ..jobs.events import JobProgress, Kind, Note
from ..jobs.store import Store
from ..jobs.types import Blame, Claim, JobResult, LeaseLostError, Problem
from . import frames
from .options import Options, limit_of
from .process import Process

BEAT = 1.0
"""Seconds between two heartbeats."""
BATCH = 0.1
"""Seconds for which events are gathered before they are written."""
_MOST_NOTES = 20_000
_ENDS = frozenset({"node.finished", "node.failed", "node.cached", "node.skipped"})

Record: TypeAlias = Callable[[Sequence[Note]], object]

log = logging.getLogger("nodegraph.worker")


class RunningJob:
    """A claimed job while it runs. Only the thread of its device touches it.

    Attributes:
        quiet: The process has said how the job ended, or has died.
        over: It has been recorded how the job ended, or the job is somebody else's by now.
    """

    def __init__(self, claim: Claim, process: Process, store: Store, options: Options) -> None:
        self.claim, self.id = claim, claim.job.id
        self.quiet = self.over = False
        self._process, self._store, self._options = process, store, options
        self._notes: list[Note] = []
        self._progress: tuple[int, int] | None = None
        self._advanced = False
        # Nodes and items at work, as told before each began: such a message overtakes notes.
        self._at_work: list[tuple[str, set[int]]] = []
        self._wanted, self._late = True, False
        # How it ended, where that could not be written down yet.
        self._pending: Record | None = None
        now = monotonic()
        self._flush_at, self._beat_at, self._kill_at = float("inf"), now + BEAT, float("inf")
        self._limit = limit_of(options, claim.time_limit)
        self._limit_at = now + self._limit if self._limit else float("inf")
        process.send(
            {
                "run": {
                    "id": self.id,
                    "workflow": claim.workflow,
                    "only": list(claim.job.only) if claim.job.only is not None else None,
                    "on_oom": claim.job.on_oom,
                    "refused": claim.refused,
                }
            }
        )

    def patience(self) -> float:
        """Seconds until something has to be done though nothing happened."""
        due = min(self._flush_at, self._beat_at, self._kill_at, self._limit_at)
        return min(BEAT, max(0.0, due - monotonic()))

    def hear(self, message: frames.Message) -> None:
        """Take in a message of the process, except for previews."""
        # The last message is the ending; notes before it are gathered, and written with it in one
        # transaction, so that nobody sees a job that is done without what it did.
        if "note" in message:
            self._note(*message["note"])
            return
        if "at_work" in message:
            self._at_work = [(node, set(items)) for node, items in message["at_work"]]
            return
        self.quiet = True
        match message:
            case {"done": dict(ending)}:
                self._done(ending)
            case {"failed": dict(ending)}:
                self._failed(ending)
            case {"cancelled": _}:
                self._stopped()

    def tick(self) -> None:
        """Do what is due by now."""
        now = monotonic()
        if self._pending is not None:
            if now >= self._beat_at:
                self._beat_at = now + BEAT
                self._record(self._pending)
            return
        if now >= self._flush_at:
            self._flush()
        if now >= self._beat_at and not self.over:
            self.beat()
        if now >= self._limit_at:
            self._limit_at, self._late = float("inf"), True
            self.stop()
        if now >= self._kill_at:
            self._kill_at = float("inf")
            self._process.kill()

    def beat(self) -> None:
        """Hold on to the job, and see whether it is still wanted."""
        self._beat_at = monotonic() + BEAT
        try:
            unwanted = self._store.heartbeat(
                self.id, self.claim.token, self._options.lease_s, self._progress
            )
        except LeaseLostError:
            log.warning("job %s is no longer ours", self.id)
            self.over = True
            self.stop()
        except Exception as error:  # the next one may do; if none does, the lease will end
            log.warning("no heartbeat of job %s: %s", self.id, error)
        else:
            if unwanted:
                self.stop()

    def stop(self) -> None:
        """Have the job cancelled; its process is ended if it does not listen."""
        if self._wanted:
            self._wanted = False
            self._process.send({"cancel": self.id})
            self._kill_at = monotonic() + self._options.cancel_s

    def died(self, reason: str) -> None:
        """The process is gone: put the job back, unless it was to be stopped anyway."""
        self.quiet = True
        if not self._wanted:
            self._stopped()
            return
        self._flush()
        token, nodes = self.claim.token, self._nodes_at_work()
        blame: Blame = "surely" if self._process.overfull else "perhaps"
        self._record(
            lambda _: self._store.requeue(self.id, token, reason, nodes=nodes, blame=blame)
        )

    def give_back(self) -> None:
        """Put the job back because this server ends."""
        token = self.claim.token
        reason = "the server is shutting down"
        self._record(lambda _: self._store.requeue(self.id, token, reason, blame="no"))

    def _note(self, kind: Kind, data: dict[str, Any]) -> None:
        if kind in _ENDS:
            self._ended(data["node"], set(data["items"]))
        if kind == "job.progress":
            self._progress, self._advanced = (data["done"], data["total"]), True
        elif not (kind == "node.cached" and self._merged(data)) and len(self._notes) < _MOST_NOTES:
            self._notes.append((self.id, kind, data))
        if self._flush_at == float("inf"):
            self._flush_at = monotonic() + BATCH

    def _ended(self, node: str, items: set[int]) -> None:
        left = [
            (name, numbers - items) if name == node else (name, numbers)
            for name, numbers in self._at_work
            if (name, numbers) != (node, items)
        ]
        self._at_work = [at for at in left if at[0] != node or at[1]]

    def _nodes_at_work(self) -> list[str]:
        return list(dict.fromkeys(node for node, _ in self._at_work))

    def _merged(self, data: Mapping[str, Any]) -> bool:
        """Add the items to the last event, if that was about the same node."""
        if not self._notes or not data["items"]:
            return False
        _, kind, last = self._notes[-1]
        if kind != "node.cached" or last["node"] != data["node"]:
            return False
        if last.get("degraded") != data.get("degraded"):
            return False
        last["items"].extend(data["items"])
        return True

    def _gather(self) -> None:
        """Note how far the job is: of all it reported since, only the last is worth an event."""
        if self._advanced and self._progress is not None:
            done, total = self._progress
            self._notes.append((self.id, "job.progress", JobProgress(done=done, total=total)))
            self._advanced = False

    def _flush(self) -> None:
        """Write what has been gathered; what cannot be written now is tried again with the next."""
        self._flush_at = float("inf")
        self._gather()
        if not self._notes or self.over:
            return
        try:
            self._store.append(self._notes, lease=(self.id, self.claim.token))
        except LeaseLostError:
            self.over = True
            self.stop()
        except Exception as error:
            log.warning("events of job %s are waiting: %s", self.id, error)
            self._flush_at = monotonic() + BEAT
        else:
            self._notes = []

    def _done(self, ending: Mapping[str, Any]) -> None:
        results, counts = _results(ending["results"]), ending["counts"]
        token, degraded = self.claim.token, ending["degraded"]
        self._record(
            lambda notes: self._store.finish(
                self.id, token, results, counts, notes, degraded=degraded
            )
        )

    def _failed(self, ending: Mapping[str, Any]) -> None:
        problems, results = ending["problems"], _results(ending.get("results", ()))
        token, counts = self.claim.token, ending.get("counts", {})
        degraded = ending.get("degraded", ())
        self._record(
            lambda notes: self._store.fail(
                self.id, token, problems, results, counts, log=notes, degraded=degraded
            )
        )

    def _stopped(self) -> None:
        token = self.claim.token
        if self._late:
            nodes = self._nodes_at_work()
            address = nodes[0] if len(nodes) == 1 else ""
            problem = Problem(address=address, message=f"took longer than {self._limit:g} s")
            self._record(lambda notes: self._store.fail(self.id, token, [problem], log=notes))
        else:
            self._record(lambda notes: self._store.cancelled(self.id, token, notes))

    def _record(self, write: Record) -> None:
        """Write how the job ended; where that is impossible now, ``tick`` tries it again."""
        self._pending, self._flush_at = None, float("inf")
        self._kill_at = self._limit_at = float("inf")
        if self.over:
            return
        self._gather()
        try:
            write(self._notes)
        except LeaseLostError:
            log.warning("job %s ended, but it is no longer ours", self.id)
        except Exception as error:
            log.warning("the end of job %s cannot be written yet: %s", self.id, error)
            # No heartbeat from now on, but each try that succeeds needs the claim: if the lease
            # ends first, somebody else has the job, and what was made is in the cache by then.
            self._pending = write
            return
        self.over = True


def _results(values: Sequence[Mapping[str, Any]]) -> list[JobResult]:
    return [JobResult(**value) for value in values]
