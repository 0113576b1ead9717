"""Start processes, hear what they say, and kill them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

ROOT = Path(__file__).parent.parent.parent


class Actor:
    """A process that runs one function of ``actor``; ``said`` grows line by line."""

    def __init__(self, what: str, url: str, folder: Path) -> None:
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.actor", what, url, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.said: list[str] = []
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def go(self, line: str = "go") -> None:
        """Let it begin, or go on with what the line says."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def kill(self) -> list[str]:
        """End it with SIGKILL; what it said until then."""
        self.process.kill()
        return self.wait()

    def wait(self) -> list[str]:
        """Wait until it has ended; what it said."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        self._reader.join()
        return self.said

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                if line.endswith("\n"):  # half a line was not said
                    self.said.append(line.strip())


@contextmanager
def actors(count: int, what: str, url: str, folder: Path) -> Iterator[list[Actor]]:
    """Start several that do the same; none outlives the block."""
    started = [Actor(what, url, folder) for _ in range(count)]
    try:
        yield started
    finally:
        for actor in started:
            if actor.process.poll() is None:
                actor.signal(signal.SIGCONT)
                actor.process.kill()
            actor.wait()
