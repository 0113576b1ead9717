"""What the server takes: to start, to begin a job, for many jobs and clients, and when idle.

    python benchmarks/server.py [--jobs 200] [--clients 100]

A table is printed. Every server is a real one, in a process and a data folder of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parent.parent
TRIVIAL = {
    "format": 1,
    "nodes": {"text": {"type": "JoinText", "values": {"texts": ["a", "b"]}}},
    "results": {"text": "text.text"},
}


class Server(NamedTuple):
    """A running server, and the seconds from starting its process to its first answer."""

    process: psutil.Process
    address: str
    seconds: float


class Row(NamedTuple):
    """A line of the table."""

    what: str
    found: str


@contextmanager
def started(folder: Path, *, first: str = "") -> Iterator[Server]:
    """Start a server.

    Args:
        first: Modules to import before anything else, as a server would that ran the nodes itself.
    """
    code = f"import sys; {first}sys.argv[1:1] = ['serve']; from nodegraph.cli import main; main()"
    command = [
        sys.executable,
        "-c",
        code,
        "--port",
        "0",
        "--device",
        "cpu",
        "--data-dir",
        str(folder),
    ]
    environment = {**os.environ, "NODEGRAPH_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://[\d.:]+", process.stdout.readline())
        assert found is not None
        ask(f"{found[0]}/v1/health")
        yield Server(psutil.Process(process.pid), found[0], time.perf_counter() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def ask(address: str, body: Any = None) -> Any:
    """Ask a server; a body is posted as JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@contextmanager
def listening(server: Server) -> Iterator[ClientConnection]:
    """A websocket that has been welcomed."""
    with connect(f"ws{server.address.removeprefix('http')}/v1/ws", compression=None) as client:
        client.send(json.dumps({"type": "hello", "after": None}))
        client.recv(timeout=30)
        yield client


def idle(server: Server) -> None:
    """Wait until the worker has imported what it needs."""
    while any(one["state"] != "idle" for one in ask(f"{server.address}/v1/system")["devices"]):
        time.sleep(0.1)
    time.sleep(1)


def start_times(times: int) -> Iterator[Row]:
    """From nothing to the first answer, as it is, and as if the server loaded PyTorch itself."""
    for what, first in (
        ("process start to first answer", ""),
        ("the same, were PyTorch loaded in the server", "import torch, diffusers; "),
    ):
        found = []
        for _ in range(times):
            with (
                tempfile.TemporaryDirectory() as folder,
                started(Path(folder), first=first) as server,
            ):
                found.append(server.seconds)
        yield Row(what, f"{statistics.median(found):.2f} s")


def first_events(server: Server, times: int) -> Iterator[Row]:
    """From sending a job to hearing that it waits, and that it has begun."""
    heard: dict[str, list[float]] = {"job.queued": [], "job.started": [], "job.done": []}
    with listening(server) as client:
        for number in range(times):
            began = time.perf_counter()
            ask(f"{server.address}/v1/jobs", {"workflow": TRIVIAL, "title": str(number)})
            waited = set(heard)
            while waited:
                kind = json.loads(client.recv(timeout=60))["kind"]
                if kind in waited:
                    waited.remove(kind)
                    heard[kind].append(time.perf_counter() - began)
    for kind, seconds in heard.items():
        yield Row(f"submit to {kind}", f"{1000 * statistics.median(seconds):.0f} ms")


def many_jobs(server: Server, count: int) -> Iterator[Row]:
    """Trivial jobs, each acknowledged, run, and recorded on disk."""
    with listening(server) as client:
        began = time.perf_counter()
        for number in range(count):
            ask(f"{server.address}/v1/jobs", {"workflow": TRIVIAL, "title": str(number)})
        accepted = time.perf_counter() - began
        done = 0
        while done < count:
            done += json.loads(client.recv(timeout=60))["kind"] == "job.done"
        seconds = time.perf_counter() - began
    yield Row("jobs accepted", f"{count / accepted:.0f} /s")
    yield Row("trivial jobs, from submission to done", f"{count / seconds:.0f} /s")


def many_clients(server: Server, count: int) -> Iterator[Row]:
    """Every client hears every event of ten jobs: how late the last one hears the last."""
    before = server.process.memory_info().rss
    with ExitStack() as stack:
        clients = [stack.enter_context(listening(server)) for _ in range(count)]
        memory = server.process.memory_info().rss - before
        began = time.perf_counter()
        for number in range(10):
            ask(f"{server.address}/v1/jobs", {"workflow": TRIVIAL, "title": str(number)})
        told = [heard_until(client, 10) for client in clients]
        seconds = time.perf_counter() - began
    assert len({tuple(one) for one in told}) == 1, "some client missed something"
    yield Row(
        f"{count} websockets, {len(told[0])} events each, all heard by all", f"{seconds:.2f} s"
    )
    yield Row(f"memory for {count} websockets", f"{memory / 2**20:.0f} MiB")


def heard_until(client: ClientConnection, jobs: int) -> Sequence[int]:
    """The numbers of all events until so many jobs are done."""
    numbers = []
    while jobs:
        event = json.loads(client.recv(timeout=60))
        numbers.append(event["seq"])
        jobs -= event["kind"] == "job.done"
    return numbers


def rows(options: argparse.Namespace) -> Iterator[Row]:
    yield from start_times(options.starts)
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as server:
        idle(server)
        yield Row(
            "memory of the idle server", f"{server.process.memory_info().rss / 2**20:.0f} MiB"
        )
        workers = sum(child.memory_info().rss for child in server.process.children(recursive=True))
        yield Row("memory of its idle worker", f"{workers / 2**20:.0f} MiB")
        yield from first_events(server, 20)
        yield from many_jobs(server, options.jobs)
        yield from many_clients(server, options.clients)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=5, help="starts, of which the median counts")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--clients", type=int, default=100)
    print(f"| {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} | |\n| --- | --- |", flush=True)
    for row in rows(parser.parse_args()):
        print(f"| {row.what} | {row.found} |", flush=True)


if __name__ == "__main__":
    main()
