"""The worker process: it runs the jobs that its server sends, one after another."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, BinaryIO

from ..base.imports import import_whole
from ..events import Started
from . import frames
from .run import run
from .setup import Setup

IDLE = 2.0
"""Seconds without a job after which the cache is measured."""
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve the process at the other end of standard input and output until it goes."""
    commands, answers = _streams()
    _end_with_parent()
    first = frames.read(commands)
    if first is None:
        return
    child = Child(Setup.open(first[0]["open"]), answers)
    Thread(target=child.listen, args=(commands,), name="commands", daemon=True).start()
    child.answer({"ready": {"pid": os.getpid(), "nodes": len(child.setup.registry)}})
    Thread(target=_preload, args=(first[0]["open"]["preload"],), daemon=True).start()
    child.work()
    child.setup.cache.close()
    os._exit(0)  # as in cli.leave: taking PyTorch apart takes longer than a second


class Child:
    """Jobs come in by one thread and are run in another, so that they can be cancelled."""

    def __init__(self, setup: Setup, answers: BinaryIO) -> None:
        self.setup = setup
        self._answers, self._writing = answers, Lock()
        self._jobs: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._unwanted: set[str] = set()

    def answer(self, message: frames.Message, payload: bytes = b"") -> None:
        """Send the server a message."""
        with self._writing:
            frames.write(self._answers, message, payload)

    def listen(self, commands: BinaryIO) -> None:
        """Take commands; without a server there is nothing left to do."""
        with suppress(OSError, ValueError):
            while (frame := frames.read(commands)) is not None:
                match frame[0]:
                    case {"run": job}:
                        self._jobs.put(job)
                    case {"cancel": id}:
                        self._unwanted.add(id)
                    case {"previews": previews}:
                        self.setup.previews = bool(previews)
                    case {"stop": _}:
                        self._jobs.put(None)
        os._exit(0)

    def work(self) -> None:
        """Run one job after another."""
        measured = False
        while True:
            try:
                job = self._jobs.get(timeout=None if measured else IDLE)
            except Empty:
                self.answer({"sizes": self.setup.sizes(), "ooms": self.setup.ooms})
                measured = True
                continue
            if job is None:
                return
            self._run(job)
            measured = False

    def _run(self, job: dict[str, Any]) -> None:
        id = job["id"]
        try:
            ending = self._run_to_end(job)
        except BaseException as error:  # of ours, or a node's that no layer caught
            message = f"{type(error).__name__}: {error}"[:4000]
            ending = {"failed": {"problems": [{"address": "", "message": message}]}}
        self._unwanted.discard(id)
        spent = {"spent": True} if "failed" in ending and self.setup.is_spent() else {}
        self.answer({**ending, **spent, "job": id})

    def _run_to_end(self, job: dict[str, Any]) -> frames.Message:
        id = job["id"]

        def at_work(begun: Sequence[Started]) -> None:
            self.answer({"at_work": [[at.name, at.items] for at in begun], "job": id})

        with closing(run(job, self.setup, lambda: id in self._unwanted, at_work)) as messages:
            while True:
                try:
                    message, payload = next(messages)
                except StopIteration as end:
                    ending: frames.Message = end.value
                    return ending
                self.answer({**message, "job": id}, payload)


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the server, under numbers of their own: a node that prints writes to stderr."""
    commands, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(commands, "rb"), os.fdopen(answers, "wb")


def _end_with_parent() -> None:
    """Leave ending to the server; end when it does, even while native code holds everything up."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    faulthandler.enable()
    if sys.platform == "linux":
        parent = os.getppid()
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)


def _preload(modules: list[str]) -> None:
    for name in modules:
        with suppress(Exception):  # whoever needs it will say what is wrong with it
            import_whole(name)
