"""A worker process as its server sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event as Flag
from threading import Lock, Thread
from typing import Any, TypeAlias

from ..base.characters import spelled_inside
from ..system.memory import most_bytes, own_bytes
from . import frames

LOOK = 0.1
"""Seconds between two looks at how much memory a process takes."""
_ALLOCATOR = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF")
"""The older and the newer name of the same setting."""

Hear: TypeAlias = "Callable[[Process, frames.Message | None, bytes], None]"
"""Called with every message of a process, with its bytes; None when there will be no more."""
SECRETS = frozenset({"NODEGRAPH_TOKEN", "NODEGRAPH_DATABASE"})
"""Of the server's environment, what the nodes of a worker have no use for."""


class Process:
    """A child that sends its messages to ``hear``, in a thread of its own.

    Its memory is watched from here, and not by a limit of the system's: libraries end the process
    where an allocation fails, CUDA reserves addresses for all that it might ever use, and a node
    that holds Python's lock lets no thread of its own look.

    Attributes:
        overfull: It was ended because it took too much of the machine's memory.
    """

    _child: subprocess.Popen[bytes]

    def __init__(self, hear: Hear) -> None:
        self._hear, self._writing = hear, Lock()
        self._gone, self._most, self.overfull = Flag(), 0, False

    def start(self, options: Mapping[str, Any]) -> None:
        """Start it with what ``Options.to_json`` wrote.

        The calling thread has to outlive it: the system ends the child with that thread.
        """
        self._child = subprocess.Popen(
            [sys.executable, "-m", "nodegraph.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for the server, which ends its workers in order
        )
        Thread(target=self._listen, name="worker answers", daemon=True).start()
        self._most = options.get("memory") or most_bytes() or 0
        if self._most:
            Thread(target=self._watch, name="worker memory", daemon=True).start()
        self.send({"open": options})

    def send(self, message: frames.Message) -> None:
        """Send it a message; if it has died meanwhile, ``hear`` will know."""
        with self._writing, suppress(OSError, ValueError):
            frames.write(self._child.stdin, message)  # type: ignore[arg-type]

    def kill(self) -> None:
        """End it now, whatever it is doing."""
        with suppress(OSError):
            self._child.kill()

    def close(self, timeout: float = 5.0) -> None:
        """Let it write what it has, and end it."""
        self.send({"stop": {}})
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        self.wait()

    def wait(self) -> str:
        """Wait until it has ended, and say how."""
        code = self._child.wait()
        self._gone.set()
        with self._writing, suppress(OSError):
            if self._child.stdin is not None:
                self._child.stdin.close()
        if self.overfull:
            most = f"{self._most / 2**30:.3g} GB"
            return f"its process took more than {most} of memory (--worker-memory) and was ended"
        if code >= 0:
            return f"its process ended with exit code {code}"
        return f"its process was ended by {_signal(-code)}"

    def _watch(self) -> None:
        while not self._gone.wait(LOOK):
            if (own_bytes(self._child.pid) or 0) > self._most:
                self.overfull = True
                self.kill()
                return

    def _listen(self) -> None:
        assert self._child.stdout is not None
        with self._child.stdout as answers:
            while True:
                try:
                    frame = frames.read(answers)  # type: ignore[arg-type]
                except (OSError, ValueError):
                    frame = None
                if frame is None:
                    self.kill()  # what closed its pipe, or sends nonsense, is of no more use
                    self._hear(self, None, b"")
                    return
                message, payload = frame
                # A node may say anything; its server has to keep it and to send it on.
                self._hear(self, spelled_inside(message), payload)


def _environment() -> Mapping[str, str]:
    """This process's, with the folder that this very package came from in front, and no secrets.

    PyTorch reads how to allocate before it is imported: segments that grow leave fewer gaps too
    small for anything, when batches of many sizes run one after another.
    """
    here = str(Path(__file__).parent.parent.parent)
    path = os.environ.get("PYTHONPATH", "")
    environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
    own = {"PYTHONPATH": os.pathsep.join([here, path]) if path else here}
    if not any(name in environment for name in _ALLOCATOR):
        own |= dict.fromkeys(_ALLOCATOR, "expandable_segments:True")
    return {**environment, **own}


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
