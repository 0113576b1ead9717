"""A real server in a process and folders of its own, that can be ended and come back."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent.parent


class Server:
    """`nodegraph serve` on a port that stays the same when it is started again."""

    def __init__(self, folder: Path, cache: Path | None = None, *arguments: str) -> None:
        self.folder, self.arguments = folder, arguments
        self.cache = cache or folder / "cache"
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "nodegraph", "serve", "--port", str(self.port)]
        environment = {
            **os.environ,
            "NODEGRAPH_DATA": str(self.folder / "data"),
            "NODEGRAPH_CACHE": str(self.cache),
            "PYTHONPATH": str(ROOT),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self.arguments], env=environment, stdout=log, stderr=log, cwd=ROOT
            )
        self._until_it_answers()

    def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        """End it; with SIGKILL, as a power cut would."""
        if self._process is None:
            return
        self._process.send_signal(by)
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=10)
        self._process = None

    def log(self) -> str:
        """What it has said so far."""
        return (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")

    def _until_it_answers(self, timeout: float = 120) -> None:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self._process is not None and self._process.poll() is not None:
                raise AssertionError(f"the server ended:\n{self.log()}")
            try:
                with urlopen(f"{self.address}/v1/health", timeout=5):
                    return
            except (URLError, OSError):
                time.sleep(0.1)
        raise AssertionError(f"the server did not answer in {timeout:.0f} s:\n{self.log()}")


@contextmanager
def serving(folder: Path, cache: Path | None = None, *arguments: str) -> Iterator[Server]:
    """A server for as long as the block runs."""
    server = Server(folder, cache, *arguments)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """A port that nobody listens on, now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
