"""The costs of a server: to start, to begin a job, for many jobs and clients, and when idle.

    python benchmarks/server.py [--rounds 5] [--jobs 200] [--clients 100]

Every server is a real one, in a process and a data folder of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
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

from benchmarks.measure import ROOT
from benchmarks.report.figures import Value, parser, record, value

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
        match = re.search(r"http://[\d.:]+", process.stdout.readline())
        assert match is not None
        ask(f"{match[0]}/v1/health")
        yield Server(psutil.Process(process.pid), match[0], time.perf_counter() - began)
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
    while any(
        device["state"] != "idle" for device in ask(f"{server.address}/v1/system")["devices"]
    ):
        time.sleep(0.1)
    time.sleep(1)


STARTS = {
    "first-answer": ("process start to first answer", ""),
    "first-answer-torch": (
        "the same, were PyTorch loaded in the server",
        "import torch, diffusers; ",
    ),
}
"""By key: the label, and what is imported first."""


def start_times(rounds: int) -> Iterator[Value]:
    """From nothing to the first answer, as it is, and as if the server loaded PyTorch itself."""
    seconds_by_key: dict[str, list[float]] = {key: [] for key in STARTS}
    for number in range(rounds):
        for key in list(STARTS)[:: -1 if number % 2 else 1]:
            with (
                tempfile.TemporaryDirectory() as folder,
                started(Path(folder), first=STARTS[key][1]) as server,
            ):
                seconds_by_key[key].append(server.seconds)
    for key, seconds in seconds_by_key.items():
        yield value(key, STARTS[key][0], "s", seconds)


def first_events(server: Server, times: int) -> Iterator[Value]:
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
        yield value(kind, f"submit to {kind}", "ms", [1000 * second for second in seconds])


def many_jobs(server: Server, count: int, rounds: int) -> Iterator[Value]:
    """Trivial jobs, each acknowledged, run, and recorded on disk."""
    accepted, finished = [], []
    with listening(server) as client:
        for _ in range(rounds):
            began = time.perf_counter()
            for number in range(count):
                ask(f"{server.address}/v1/jobs", {"workflow": TRIVIAL, "title": str(number)})
            accepted.append(count / (time.perf_counter() - began))
            done = 0
            while done < count:
                done += json.loads(client.recv(timeout=60))["kind"] == "job.done"
            finished.append(count / (time.perf_counter() - began))
    yield value("accepted", "jobs accepted", "/s", accepted)
    yield value("jobs", "trivial jobs, from submission to done", "/s", finished)


def many_clients(server: Server, count: int) -> Iterator[Value]:
    """Every client hears every event of ten jobs: how late the last one hears the last."""
    before = server.process.memory_info().rss
    with ExitStack() as stack:
        clients = [stack.enter_context(listening(server)) for _ in range(count)]
        memory = server.process.memory_info().rss - before
        began = time.perf_counter()
        for number in range(10):
            ask(f"{server.address}/v1/jobs", {"workflow": TRIVIAL, "title": str(number)})
        events_by_client = [heard_until(client, 10) for client in clients]
        seconds = time.perf_counter() - began
    assert len({tuple(events) for events in events_by_client}) == 1, "some client missed something"
    heard = f"{count} websockets, {len(events_by_client[0])} events each, all heard by all"
    yield value("websockets", heard, "s", [seconds])
    yield value("websockets-memory", f"memory for {count} websockets", "MB", [memory / 1e6])


def heard_until(client: ClientConnection, jobs: int) -> Sequence[int]:
    """The numbers of all events until so many jobs are done."""
    numbers = []
    while jobs:
        event = json.loads(client.recv(timeout=60))
        numbers.append(event["seq"])
        jobs -= event["kind"] == "job.done"
    return numbers


def figures(arguments: argparse.Namespace) -> Iterator[Value]:
    """Everything, of several servers that start, and of one that works."""
    yield from start_times(arguments.rounds)
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as server:
        idle(server)
        memory = server.process.memory_info().rss / 1e6
        yield value("idle", "memory of the idle server", "MB", [memory])
        workers = sum(child.memory_info().rss for child in server.process.children(recursive=True))
        yield value("idle-worker", "memory of its idle worker", "MB", [workers / 1e6])
        yield from first_events(server, 20)
        yield from many_jobs(server, arguments.jobs, arguments.rounds)
        yield from many_clients(server, arguments.clients)


def main() -> None:
    """Measure, and print what is found."""
    options = parser(__doc__, 5)
    options.add_argument("--jobs", type=int, default=200)
    options.add_argument("--clients", type=int, default=100)
    arguments = options.parse_args()
    record("server", figures(arguments), arguments.json)


if __name__ == "__main__":
    main()
