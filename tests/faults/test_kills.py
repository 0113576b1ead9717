"""Whatever is killed: nothing that was acknowledged is lost, and nothing is done twice."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from nodegraph.jobs import owners
from nodegraph.jobs.store import Store
from nodegraph.jobs.types import JobResult, Order
from nodegraph.web.workflows.library import Library

from ..support.queueing import submit_all
from .processes import Actor, actors

PATIENCE = 240.0
quick_and_thorough = pytest.mark.parametrize(
    "scale",
    [pytest.param(1, marks=pytest.mark.slow), pytest.param(10, marks=pytest.mark.faults)],
)


def until(holds: Callable[[], object], every: float = 0.05) -> None:
    late = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < late, "it took too long"
        time.sleep(every)


def has_said(actor: Actor, lines: float) -> bool:
    return len(actor.said) >= lines


def has_done(store: Store, jobs: int) -> bool:
    return store.counts()["done"] >= jobs


def completions(store: Store) -> Counter[str]:
    """How often each job was recorded as done."""
    found: Counter[str] = Counter()
    seq = 0
    while events := store.events_after(seq, limit=5000):
        seq = events[-1].seq
        found.update(event.job for event in events if event.kind == "job.done" and event.job)
    return found


def sound(store: Store) -> bool:
    """Whether the database has come through it whole."""
    if store.kind != "sqlite":
        return True
    with store.database.reading() as connection:
        return connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


@quick_and_thorough
def test_accepted_jobs_survive_their_server(
    store: Store, url: str, tmp_path: Path, scale: int
) -> None:
    kills, wanted = (2, 40) if scale == 1 else (5, 500)
    acknowledged: set[str] = set()
    for number in range(kills):
        actor = Actor("accepts", url, tmp_path)
        missing = wanted * (number + 1) / kills - len(acknowledged)
        until(partial(has_said, actor, missing))
        acknowledged |= set(actor.kill())

    kept = set()
    before = None
    while True:
        page, before = store.list(before=before, limit=500)
        kept |= {job.id for job in page}
        if before is None:
            break
    print(f"\n{len(acknowledged)} acknowledged, {kills} kills, 0 lost")
    assert len(acknowledged) >= wanted
    assert acknowledged - kept == set()
    assert len(kept - acknowledged) <= kills  # one may be committed and not said
    assert sound(store)


@quick_and_thorough
def test_every_job_is_done_once_while_workers_are_killed(
    store: Store, url: str, tmp_path: Path, scale: int
) -> None:
    count, kills = (40, 2) if scale == 1 else (200, 8)
    jobs = [job.id for job, _ in submit_all(store, [Order({"format": 1})] * count)]
    chance = random.Random(5)
    with actors(3, "works", url, tmp_path) as workers:
        until(lambda: all(worker.said for worker in workers))
        for _ in range(kills):
            time.sleep(chance.uniform(0.1, 0.5))
            victim = chance.randrange(3)
            workers[victim].kill()
            workers[victim] = Actor("works", url, tmp_path)

        until(lambda: store.expire() >= 0 and store.counts()["done"] == count, every=0.2)

    assert completions(store) == Counter(jobs)
    assert sound(store)


@pytest.mark.faults
def test_every_job_is_done_once_while_the_whole_service_is_killed(
    store: Store, url: str, tmp_path: Path
) -> None:
    tally = tmp_path / "tally"
    jobs = []
    for number in range(24):
        nodes = {
            name: {
                "type": "Tally",
                "values": {"value": 10 * number + step, "file": str(tally), "seconds": 0.2},
            }
            for step, name in enumerate(("a", "b"))
        }
        results = {"a": "a.value", "b": "b.value"}
        workflow = {"format": 1, "nodes": nodes, "results": results}
        jobs.append(store.submit(Order(workflow))[0].id)
    kills = 0
    while store.counts()["done"] < len(jobs):
        with actors(1, "serves", url, tmp_path) as (server,):
            until(partial(has_done, store, min(store.counts()["done"] + 6, len(jobs))))
            server.kill()
            kills += 1

    print(f"\n{len(jobs)} jobs done, {kills} kills, {len(tally.read_text().split())} nodes ran")
    assert kills >= 4
    assert completions(store) == Counter(jobs)
    assert sound(store)


@pytest.mark.slow
def test_a_worker_process_ends_with_its_server(store: Store, url: str, tmp_path: Path) -> None:
    nodes = {"n": {"type": "Stuck", "values": {"seconds": 600}}}
    job, _ = store.submit(Order({"format": 1, "nodes": nodes, "results": {"r": "n.value"}}))
    with actors(1, "serves", url, tmp_path) as (server,):
        until(lambda: any(e.kind == "node.started" for e in store.events_after(0, job.id)))
        children = children_of(server.process.pid)
        server.kill()

    assert len(children) == 1
    until(lambda: not any(lives(pid) for pid in children))


@pytest.mark.slow
def test_a_server_that_was_stalled_cannot_end_the_job_any_more(
    store: Store, url: str, tmp_path: Path
) -> None:
    nodes = {"n": {"type": "Strolls", "values": {"steps": 40}}}
    job, _ = store.submit(Order({"format": 1, "nodes": nodes, "results": {"r": "n.value"}}))
    with actors(1, "serves", url, tmp_path) as (server,):
        until(lambda: any(e.kind == "node.started" for e in store.events_after(0, job.id)))
        server.signal(signal.SIGSTOP)
        until(store.expire)
        claim = store.claim(owners.own(), "cpu", 60)
        assert claim is not None
        server.signal(signal.SIGCONT)
        time.sleep(5)  # enough for all that is left of the 40 steps

        assert (claim.job.id, claim.token) == (job.id, 2)
        assert store.get(job.id).state == "running"
        store.finish(job.id, 2, [JobResult("right", text="1")], {})
        time.sleep(1)

    assert store.get(job.id).results == (JobResult("right", text="1"),)
    assert completions(store) == Counter([job.id])


@pytest.mark.slow
def test_the_same_key_from_eight_processes_makes_one_job(
    store: Store, url: str, tmp_path: Path
) -> None:
    with actors(8, "same_key", url, tmp_path) as clients:
        until(lambda: all(client.said for client in clients))
        for client in clients:
            client.go()
        said = [client.wait()[1] for client in clients]

    assert len(set(said)) == 1
    assert store.counts()["queued"] == 1


@pytest.mark.slow
def test_eight_processes_never_claim_the_same_job(store: Store, url: str, tmp_path: Path) -> None:
    jobs = {job.id for job, _ in submit_all(store, [Order({"format": 1})] * 200)}
    with actors(8, "claims", url, tmp_path) as claimers:
        until(lambda: all(claimer.said for claimer in claimers))
        for claimer in claimers:
            claimer.go()
        claimed = [id for claimer in claimers for id in claimer.wait()[1:]]

    assert Counter(claimed) == Counter(jobs)


@quick_and_thorough
def test_of_two_servers_that_save_a_workflow_at_once_one_wins(
    store: Store, url: str, tmp_path: Path, scale: int
) -> None:
    folder, rounds = tmp_path / "workflows", 30 * scale
    folder.mkdir()
    library, version = Library(folder, {}, store.database.writing), "-"
    with actors(2, "saves", url, folder) as servers:
        until(lambda: all(server.said for server in servers))
        for number in range(rounds):
            for server in servers:
                server.go(f"{version} {time.time() + 0.01}")
            until(lambda: all(len(s.said) == number + 2 for s in servers), every=0.001)  # noqa: B023
            said = sorted((server.said[-1] for server in servers), key=len)

            assert (said[0], len(said[1])) == ("412", 64), number
            version = said[1]
            assert library.get("shared").version == version
            if number % 10 == 9:  # now and then it is new again
                library.delete("shared", version)
                version = "-"


@quick_and_thorough
def test_a_file_is_whole_or_not_there_when_its_writer_is_killed(tmp_path: Path, scale: int) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    promised: set[str] = set()
    chance = random.Random(3)
    for _ in range(3 if scale == 1 else 25):
        actor = Actor("publishes", "-", folder)
        until(partial(has_said, actor, 1))
        time.sleep(chance.uniform(0, 0.1))
        promised |= set(actor.kill())

    shown = [path for path in folder.iterdir() if not path.name.startswith(".")]
    torn = [p for p in shown if hashlib.sha256(p.read_bytes()).hexdigest() != p.stem]
    assert torn == []
    assert promised - {path.name for path in shown} == set()


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and parent(int(entry.name)) == pid:
            found.append(int(entry.name))
    return found


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
