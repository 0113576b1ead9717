"""Many jobs: how fast they go, which is printed, and that nothing grows, which is held."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from nodegraph.jobs.store import Store
from nodegraph.jobs.types import Order

from ..support.queueing import submit_all
from ..support.working import service
from .test_kills import children_of, until

pytestmark = pytest.mark.faults
EMPTY: dict[str, Any] = {"format": 1, "title": "x" * 3000}


def rate(what: str, count: int, began: float) -> None:
    print(f"\n{what}: {count / (time.monotonic() - began):.0f}/s", end="")


@pytest.mark.parametrize("threads", [1, 4])
def test_rates_of_the_queue(store: Store, threads: int) -> None:
    count = 200

    def submit(_: int) -> str:
        return store.submit(Order(EMPTY))[0].id

    def work(_: int) -> int:
        done = 0
        while claim := store.claim("here:1:boot", "cpu", 30):
            store.finish(claim.job.id, claim.token, [], {})
            done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        began = time.monotonic()
        submitted = list(pool.map(submit, range(count)))
        rate(f"submit, {threads} threads", count, began)
        began = time.monotonic()
        worked = list(pool.map(work, range(threads)))
        rate(f"claim and finish, {threads} threads", count, began)

    assert len(set(submitted)) == count
    assert sum(worked) == count


def test_ten_thousand_waiting_jobs_do_not_slow_the_start(store: Store, url: str) -> None:
    began = time.monotonic()
    submit_all(store, [Order(EMPTY)] * 10_000, limit=20_000)
    rate("submit in one transaction", 10_000, began)
    store.close()

    began = time.monotonic()
    again = Store(url)
    claim = again.claim("here:1:boot", "cpu", 30)
    print(f"\nopened, and the first claimed: {time.monotonic() - began:.3f} s")
    began = time.monotonic()
    for _ in range(50):
        again.claim("here:1:boot", "cpu", 30)
    rate("claim among ten thousand", 50, began)

    assert claim is not None
    assert again.counts()["queued"] == 9949
    again.close()


def test_two_thousand_jobs_leave_no_trace_in_memory(url: str, tmp_path: Path) -> None:
    rounds, each = 10, 200
    grown: list[tuple[int, int, int, int]] = []
    with service(url, tmp_path) as worker:
        began = time.monotonic()
        for number in range(rounds):
            for job in range(each):
                worker.submit("Plus", value=number * each + job)
            until(lambda: worker.store.counts()["queued"] + worker.store.counts()["running"] == 0)
            (child,) = children_of(os.getpid())
            grown.append((memory("self"), files("self"), memory(child), files(child)))
        rate("jobs from order to end", rounds * each, began)
        assert worker.store.counts()["done"] == rounds * each
    print(f"\nserver from {grown[1][:2]} to {grown[-1][:2]}, worker from {grown[1][2:]} to", end="")
    print(f" {grown[-1][2:]} (KB, open files)")
    server, server_files, child_memory, child_files = zip(*grown[1:], strict=True)
    assert server[-1] - server[0] < 10 * 1024
    assert child_memory[-1] - child_memory[0] < 10 * 1024
    assert max(server_files) - min(server_files) <= 4
    assert max(child_files) - min(child_files) <= 4


def test_a_chain_of_fifty_thousand_nodes_ends_neither_worker_nor_server(
    url: str, tmp_path: Path
) -> None:
    count = 50_000
    nodes = {"n0": {"type": "Plus"}} | {
        f"n{number}": {"type": "Plus", "links": {"value": f"n{number - 1}.value"}}
        for number in range(1, count)
    }
    with service(url, tmp_path) as worker:
        began = time.monotonic()
        job = worker.order(nodes, {"last": f"n{count - 1}.value"})
        until(lambda: worker.store.get(job.id).state not in ("queued", "running"))
        rate("nodes of a chain", count, began)

        ended = worker.store.get(job.id)
        assert (ended.state, ended.results[0].text, ended.done) == ("done", str(count), count)
        assert worker.run("Plus", value=1).state == "done"


def memory(pid: int | str) -> int:
    """The resident memory of a process, in KB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def files(pid: int | str) -> int:
    """How many files a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))
