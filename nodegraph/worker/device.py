"""A device: the thread that keeps a worker process going for it, and claims jobs for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event as Flag
from threading import Lock, Thread
from time import monotonic
from typing import Any, Literal, NamedTuple, TypeAlias

from ..jobs import owners
from ..jobs.store import Store
from ..jobs.types import Claim
from . import frames
from .job import RunningJob
from .options import Options
from .process import Process

OnPreview: TypeAlias = Callable[[str, Mapping[str, Any], bytes], None]
State: TypeAlias = Literal["starting", "idle", "busy", "down"]

LOOK = 1.0
"""Seconds after which an idle device looks for jobs that other servers queued."""
START = 600.0
"""Seconds a process may take until it is ready."""
PAUSES = (0.2, 30.0)
"""Seconds to wait before a process that died is started again: at first, and at most."""

log = logging.getLogger("nodegraph.worker")


class _Received(NamedTuple):
    process: Process
    message: frames.Message | None
    payload: bytes


class DeviceThread:
    """One device, its process and the thread that has both.

    A process lives until it dies, ends in the middle of a job, or leaks memory; then the next is
    started, after a pause that doubles for as long as none gets to a job. All messages, of the
    process and of other threads, come by one inbox, so that nothing here needs a lock but the
    claim: ``drain`` must not return before a claim that has begun is seen as busy.

    Attributes:
        starts: How many processes it has had.
        cache: How full the cache's tiers were when the process was last idle.
        ooms: How often its memory had run out by then.
    """

    def __init__(
        self,
        device: str,
        store: Store,
        process_options: Mapping[str, Any],
        options: Options,
        on_preview: OnPreview | None,
    ) -> None:
        self.device, self.starts = device, 0
        self.state: State = "starting"
        self.job: str | None = None
        self.cache: tuple[Mapping[str, Any], ...] = ()
        self.ooms = 0
        self._store, self._options = store, options
        self._process_options = process_options
        self._on_preview, self._previews = on_preview, False
        self._inbox: Queue[_Received | str] = Queue(maxsize=2000)
        self._ending, self._draining, self._claiming = Flag(), False, Lock()
        self._process: Process | None = None
        self._thread = Thread(target=self._serve, name=f"device {device}", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def wake(self, job: str = "") -> None:
        """Have it look at the queue now or, if it is busy with ``job``, whether that is wanted."""
        with suppress(Full):  # then it is awake
            self._inbox.put_nowait(job)

    def want_previews(self, previews: bool) -> None:
        """Have previews made, or no longer."""
        self._previews = previews and self._on_preview is not None
        if self._process is not None:
            self._process.send({"previews": self._previews})

    def drain(self) -> None:
        """Take no more jobs."""
        with self._claiming:
            self._draining = True
        self.wake()

    def stop(self) -> None:
        """End; a job that runs goes back to the queue."""
        self._ending.set()
        self.wake()

    def join(self) -> None:
        """Wait until it has ended."""
        if self._thread.is_alive():
            self._thread.join()

    def _serve(self) -> None:
        pause = PAUSES[0]
        while not self._ending.is_set():
            worked = False
            try:
                worked = self._attend()
            except Exception:  # whatever it was, the next process may do better
                log.exception("device %s", self.device)
            self.state, self.job = "down", None
            # One that a job ended is replaced at once: no job is started often enough to go on so.
            pause = PAUSES[0] if worked else min(pause * 2, PAUSES[1])
            self._ending.wait(pause)

    def _attend(self) -> bool:
        """Have a process, and give it jobs for as long as it lives; whether it ever had one."""
        self.state = "starting"
        self._process = process = Process(self._hear)
        self.starts += 1
        process.start(self._process_options)
        worked = False
        try:
            alive = self._ready(process)
            while alive and not self._ending.is_set():
                claim = self._claim()
                worked = worked or claim is not None
                alive = self._run(claim, process) if claim else self._idle(process)
            return worked
        finally:
            self._process = None
            process.close()

    def _ready(self, process: Process) -> bool:
        late = monotonic() + START
        while monotonic() < late and not self._ending.is_set():
            received = self._next(process, LOOK)
            if isinstance(received, str):
                continue
            if received.message is None:
                log.error("device %s: its process did not start: %s", self.device, process.wait())
                return False
            if "ready" in received.message:
                process.send({"previews": self._previews})
                return True
        return False

    def _claim(self) -> Claim | None:
        with self._claiming:
            if self._draining:
                return None
            try:
                claim = self._store.claim(owners.own(), self.device, self._options.lease_s)
            except Exception as error:  # a full disk, a database that restarts
                log.warning("device %s cannot ask for jobs: %s", self.device, error)
                return None
            if claim is not None:
                self.state, self.job = "busy", claim.job.id
            return claim

    def _idle(self, process: Process) -> bool:
        self.state, self.job = "idle", None
        received = self._next(process, LOOK)
        if isinstance(received, str):
            return True
        if received.message is None:
            log.error("device %s: %s", self.device, process.wait())
            return False
        if "sizes" in received.message:
            self.cache, self.ooms = tuple(received.message["sizes"]), received.message["ooms"]
        return True

    def _run(self, claim: Claim, process: Process) -> bool:
        """Have a job run to its end; False if that was the end of the process, too."""
        running = RunningJob(claim, process, self._store, self._options)
        alive = True
        while not (running.quiet and running.over):
            if self._ending.is_set():
                running.give_back()
                process.kill()
                return False
            received = self._next(process, running.patience())
            if isinstance(received, str):
                if received == running.id:
                    running.beat()
            elif received.message is None:
                alive = False
                reason = process.wait()
                log.error("device %s, job %s: %s", self.device, running.id, reason)
                running.died(reason)
            elif "preview" in received.message:
                self._show(running.id, received.message["preview"], received.payload)
            elif received.message.get("job") == running.id:
                running.hear(received.message)
                if received.message.get("spent"):
                    log.warning("device %s: memory does not come back; a new process", self.device)
                    alive = False
            running.tick()
        return alive

    def _show(self, job: str, header: Mapping[str, Any], jpeg: bytes) -> None:
        if self._on_preview is None:
            return
        try:
            self._on_preview(job, header, jpeg)
        except Exception:
            log.exception("a preview could not be shown")

    def _hear(self, process: Process, message: frames.Message | None, payload: bytes) -> None:
        """Pass a message on; a process that sends faster than it is read has to wait."""
        while process is self._process:
            try:
                self._inbox.put(_Received(process, message, payload), timeout=1)
            except Full:
                continue
            return

    def _next(self, process: Process, timeout: float) -> _Received | str:
        """The next message of ``process``; or a job's id, empty where nothing came in time."""
        late = monotonic() + timeout
        while True:
            try:
                received = self._inbox.get(timeout=max(0.0, late - monotonic()))
            except Empty:
                return ""
            if isinstance(received, str) or received.process is process:
                return received
