"""Worker processes that end: the job is tried again or given up, the device goes on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nodegraph.jobs.types import JobResult
from nodegraph.settings import Compute
from nodegraph.worker.options import Options

from ..support.working import CPU, TOYS, Service, service

pytestmark = pytest.mark.slow


@pytest.fixture
def worker(url: str, tmp_path: Path) -> Iterator[Service]:
    """A worker of the test's own."""
    with service(url, tmp_path) as started:
        yield started


@pytest.mark.parametrize("how", ["exit", "segfault"])
def test_a_job_that_ends_its_process_each_time_fails_after_three_starts(
    worker: Service, tmp_path: Path, how: str
) -> None:
    job = worker.run("Dies", file=str(tmp_path / "starts"), how=how, seconds=0)

    ended = {"exit": "ended with exit code 3", "segfault": "was ended by SIGSEGV"}[how]
    said = f"its process {ended}; it was started 3 times and is not tried again"
    assert (job.state, job.attempts) == ("failed", 3)
    assert job.error == {"problems": [{"address": "node", "message": said}]}
    assert (tmp_path / "starts").read_text() == "start\n" * 3
    assert worker.run("Plus", value=1).state == "done"
    assert worker.supervisor.status()[0].starts == 4


def test_what_other_nodes_made_is_kept_of_a_job_that_ends_its_process(
    worker: Service, tmp_path: Path
) -> None:
    starts = str(tmp_path / "starts")
    nodes: dict[str, Any] = {
        "quick": {"type": "Plus", "values": {"value": [1, 2]}},
        "paint": {"type": "Paint"},
        "bomb": {
            "type": "Dies",
            "values": {"file": starts, "how": "segfault", "seconds": 0},
            "links": {"value": "quick.value"},
        },
        "after": {"type": "Plus", "links": {"value": "bomb.value"}},
        "late": {"type": "Tally", "values": {"value": 7, "file": str(tmp_path / "tally")}},
    }
    results = {
        "lost": "after.value",
        "quick": "quick.value",
        "image": "paint.image",
        "late": "late.value",
    }

    job = worker.ended(worker.order(nodes, results))

    said = "its process was ended by SIGSEGV; it was started 3 times and is not tried again"
    assert (job.state, job.attempts) == ("failed", 3)
    assert job.error is not None
    assert {problem["address"] for problem in job.error["problems"]} == {"bomb[0]", "bomb[1]"}
    assert {problem["message"] for problem in job.error["problems"]} == {said}
    assert {made.result: made.text for made in job.results} == {
        "quick": "[2, 3]",
        "image": None,
        "late": "7",
    }
    told = worker.told(job, "job.requeued")
    assert [event.data for event in told] == [
        {"why": "its process was ended by SIGSEGV", "nodes": ["bomb"]}
    ] * 3


@pytest.mark.skipif(sys.platform != "linux", reason="no other system tells it in /proc")
def test_a_job_that_takes_too_much_memory_fails_once_and_keeps_the_rest(
    url: str, tmp_path: Path
) -> None:
    options = Options(CPU, cache=tmp_path / "cache", memory=400 * 2**20)
    nodes = {"paint": {"type": "Paint"}, "hoard": {"type": "Hoards"}}
    with service(url, tmp_path, options) as worker:
        job = worker.ended(worker.order(nodes, {"image": "paint.image", "lost": "hoard.value"}))

        said = (
            "its process took more than 0.391 GB of memory (--worker-memory) and was ended;"
            " it is not tried again"
        )
        assert (job.state, job.attempts) == ("failed", 1)
        assert job.error == {"problems": [{"address": "hoard", "message": said}]}
        assert [made.result for made in job.results] == ["image"]
        assert worker.supervisor.status()[0].starts == 2


def test_what_was_done_before_a_crash_is_not_done_again(worker: Service, tmp_path: Path) -> None:
    tally, starts = tmp_path / "tally", tmp_path / "starts"
    nodes = {
        "first": {"type": "Tally", "values": {"value": [1, 2, 3], "file": str(tally)}},
        "bomb": {
            "type": "Dies",
            "values": {"file": str(starts), "times": 1},
            "links": {"value": "first.value"},
        },
        "last": {
            "type": "Tally",
            "values": {"file": str(tally)},
            "links": {"value": "bomb.value"},
        },
    }

    job = worker.ended(worker.order(nodes, {"made": "last.value"}))

    assert (job.state, job.attempts) == ("done", 2)
    assert job.results == (JobResult("made", text="[1, 2, 3]"),)
    assert sorted(tally.read_text().split()) == ["1", "1", "2", "2", "3", "3"]
    assert job.counts == {"ran": 6, "cached": 3, "resumed": 0}
    assert [e.data["why"] for e in worker.told(job, "job.requeued")] == [
        "its process ended with exit code 3"
    ]


def test_a_node_that_does_not_listen_is_ended_when_its_job_is_cancelled(worker: Service) -> None:
    job = worker.submit("Stuck")
    worker.underway(job)

    worker.store.cancel(job.id)

    assert worker.ended(job).state == "cancelled"
    assert worker.run("Plus", value=2).state == "done"


def test_draining_lets_the_running_job_end_and_starts_no_other(worker: Service) -> None:
    runs = worker.submit("Strolls", steps=10)
    worker.underway(runs)
    waits = worker.submit("Plus", value=1)

    assert not worker.supervisor.drain(timeout=0)
    assert worker.supervisor.drain(timeout=60)

    assert worker.store.get(runs.id).state == "done"
    assert worker.store.get(waits.id).state == "queued"


def test_stopping_gives_a_running_job_back_without_blame(
    worker: Service, url: str, tmp_path: Path
) -> None:
    job = worker.submit("Strolls", steps=40)
    worker.underway(job)

    worker.supervisor.stop()

    assert worker.store.get(job.id).state == "queued"
    assert [e.data["why"] for e in worker.told(job, "job.requeued")] == [
        "the server is shutting down"
    ]
    with service(url, tmp_path) as successor:
        assert successor.ended(job).state == "done"


def test_no_secret_of_the_server_reaches_a_node(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODEGRAPH_TOKEN", "a-token-that-nobody-guesses")
    monkeypatch.setenv("NODEGRAPH_DATABASE", "postgresql+psycopg://me:a-password@host/name")
    with service(url, tmp_path) as worker:
        assert worker.run("Peeks").results == (JobResult("made", text="0"),)


def test_two_devices_share_one_queue(url: str, tmp_path: Path) -> None:
    options = Options(Compute("cpu,cpu", "float32", nodes=(TOYS,)), cache=tmp_path / "cache")
    with service(url, tmp_path, options) as both:
        both.until(lambda: [d.state for d in both.supervisor.status()] == ["idle", "idle"])
        jobs = [both.submit("Strolls", steps=10, value=number) for number in range(4)]

        both.until(lambda: both.store.counts()["running"] == 2)

        assert [both.ended(job).state for job in jobs] == ["done"] * 4
        assert {job.attempts for job in map(both.ended, jobs)} == {1}


def test_a_process_that_cannot_start_leaves_its_device_down(url: str, tmp_path: Path) -> None:
    options = Options(Compute("cpu", "float32", nodes=(TOYS,), budget="nonsense"))
    with service(url, tmp_path, options) as broken:
        job = broken.submit("Plus")

        broken.until(lambda: broken.supervisor.status()[0].state == "down")

        assert broken.store.get(job.id).state == "queued"
