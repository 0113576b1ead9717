"""Measure how long others wait while a server handles the largest requests it takes.

    python -m scripts.measure_waiting [FOLDER]

Prints for each request how long it took, and the longest that ``GET /v1/health`` and
``GET /v1/jobs`` took meanwhile, asked by another process in turn.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.server import started

NODES = 19_000
ASKED = ("/v1/health", "/v1/jobs")


def node(texts: int) -> Mapping[str, Any]:
    return {"type": "JoinText", "values": {"texts": ["a"] * texts}}


def document(nodes: int, texts: int = 1) -> Mapping[str, Any]:
    return {"format": 1, "nodes": {f"n{number}": node(texts) for number in range(nodes)}}


LARGEST: Mapping[str, tuple[str, str, Any]] = {
    "19,000 nodes saved": ("PUT", "/v1/workflows/large", document(NODES)),
    "19,000 nodes shown": ("GET", "/v1/workflows/large", None),
    "19,000 nodes explained": ("POST", "/v1/explain", {"workflow": document(NODES)}),
    "19,000 nodes queued": ("POST", "/v1/jobs", {"workflow": document(NODES)}),
    "290,000 values checked": ("POST", "/v1/check", {"workflow": document(9_900, 25)}),
}


def ask(address: str, method: str = "GET", body: Any = None) -> float:
    """Seconds until the whole answer is there."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if data else {}
    headers |= {"If-None-Match": "*"} if method == "PUT" else {}
    request = urllib.request.Request(address, data, headers, method=method)
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=120) as answer:
        answer.read()
    return time.perf_counter() - began


def keep_asking(address: str) -> None:
    """Ask until the standard input ends; print the longest times."""
    ended = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    longest = dict.fromkeys(ASKED, 0.0)
    while not ended.is_set():
        for path in ASKED:
            longest[path] = max(longest[path], ask(address + path))
        time.sleep(0.01)
    print(", ".join(f"{path} {1000 * seconds:.0f} ms" for path, seconds in longest.items()))


def main(folder: Path) -> None:
    with started(folder) as server:
        for name, (method, path, body) in LARGEST.items():
            with subprocess.Popen(
                [sys.executable, "-m", "scripts.measure_waiting", "--ask", server.address],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            ) as others:  # fmt: skip
                time.sleep(1)
                seconds = ask(server.address + path, method, body)
                waited, _ = others.communicate()
            print(f"{name}: {seconds:.2f} s; others waited at most {waited.strip()}", flush=True)


if __name__ == "__main__":
    if "--ask" in sys.argv:
        keep_asking(sys.argv[-1])
    elif len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with TemporaryDirectory() as temporary:
            main(Path(temporary))
