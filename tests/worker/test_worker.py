"""Workers: jobs run in a process of their own, and nothing a job does ends more than itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from nodegraph.carriers.picture import read_text, read_workflow
from nodegraph.jobs.types import Job, JobResult, Order, StorageFullError

from ..support.working import Service, service


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One worker for all tests: it must survive them."""
    folder = tmp_path_factory.mktemp("service")
    with service(f"sqlite:///{folder}/jobs.sqlite", folder) as started:
        yield started


@pytest.fixture(autouse=True)
def still_the_same_process(worker: Service) -> Iterator[None]:
    """No test of this module may end the process."""
    yield
    assert worker.run("Plus", value=1).results == (JobResult("made", text="2"),)
    assert [device.starts for device in worker.supervisor.status()] == [1]


def test_values_come_back_as_json(worker: Service) -> None:
    job = worker.run("Plus", value=41)

    assert (job.state, job.results) == ("done", (JobResult("made", text="42"),))
    assert (job.counts, job.done, job.total) == ({"ran": 1, "cached": 0, "resumed": 0}, 1, 1)


def test_items_are_counted_and_told_once_they_are_known(worker: Service) -> None:
    first = worker.run("Plus", value=[100, 101, 102])
    again = worker.run("Plus", value=[100, 101, 102])

    assert first.results == (JobResult("made", text="[101, 102, 103]"),)
    assert (first.counts, again.counts) == (
        {"ran": 3, "cached": 0, "resumed": 0},
        {"ran": 0, "cached": 3, "resumed": 0},
    )
    cached = [event.data for event in worker.told(again, "node.cached")]
    assert cached == [{"node": "node", "items": [0, 1, 2]}]
    assert worker.told(again, "job.progress")[-1].data == {"done": 3, "total": 3}


def test_pictures_become_assets_that_carry_their_workflow(worker: Service) -> None:
    from PIL import Image

    job = worker.run("Paint", "image", colour=["red", "blue"])

    assert [(r.result, r.item, r.width, r.height) for r in job.results] == [
        ("made", 0, 32, 16),
        ("made", 1, 32, 16),
    ]
    paths = [worker.assets.path(result.asset or "") for result in job.results]
    assert [Image.open(path).getpixel((0, 0)) for path in paths] == [(255, 0, 0), (0, 0, 255)]
    assert json.loads(read_workflow(paths[1]) or "") == worker.store.workflow_of(job.id)
    assert list(json.loads(read_text(paths[1], "nodegraph:results") or "")) == ["made[1]"]


def test_the_same_picture_is_the_same_asset(worker: Service) -> None:
    first, again = (worker.run("Paint", "image", colour="green") for _ in range(2))

    assert first.results == again.results


def test_every_picture_of_a_node_has_a_thumbnail_also_when_it_is_known(worker: Service) -> None:
    from PIL import Image

    first, again = (worker.run("Paint", "number", colour="teal") for _ in range(2))

    (told,), (known,) = (worker.told(job, "node.result") for job in (first, again))
    assert told.data == known.data
    assert (told.data["node"], told.data["output"]) == ("node", "image")
    (file,) = told.data["assets"]
    with Image.open(worker.assets.path(file)) as small:
        assert (small.format, small.size) == ("JPEG", (32, 16))


def test_a_thumbnail_that_was_removed_is_made_again(worker: Service) -> None:
    first = worker.run("Paint", "number", colour="navy")
    (file,) = worker.told(first, "node.result")[0].data["assets"]
    worker.assets.path(file).unlink()

    worker.run("Paint", "number", colour="navy")

    assert worker.assets.path(file).is_file()


def test_only_what_was_asked_for_is_made(worker: Service) -> None:
    nodes = {"a": {"type": "Plus"}, "b": {"type": "Plus", "values": {"value": 7}}}
    workflow = {"format": 1, "nodes": nodes, "results": {"a": "a.value", "b": "b.value"}}

    job, _ = worker.store.submit(Order(workflow, only=["b"]))

    assert worker.ended(job).results == (JobResult("b", text="8"),)


@pytest.mark.parametrize(
    ("kind", "output", "problem"),
    [
        ("Quits", "value", "the node asked the process to end (SystemExit: 7)"),
        ("Quitting", "value", "KeyboardInterrupt: "),
        ("Deep", "value", "RecursionError: maximum recursion depth exceeded\n  value = 0"),
        ("Junk", "value", "TypeError: returned list, but its annotation says Number\n  value = 0"),
    ],
)
def test_a_node_that_misbehaves_fails_alone(
    worker: Service, kind: str, output: str, problem: str
) -> None:
    job = worker.run(kind, output)

    assert job.state == "failed"
    assert job.error == {"problems": [{"address": "node", "message": problem}]}


@pytest.mark.parametrize(
    ("workflow", "address", "message"),
    [
        ({}, "format", "is missing"),
        ({"format": 1, "nodes": [1]}, "nodes", "should be an object"),
        ({"format": 1, "nodes": {"a": {"type": "Stray"}}}, "a", "no 'Stray'"),
        (
            {"format": 1, "nodes": {"a": {"type": "Plus", "links": {"value": "a.value"}}}},
            "a",
            "depends on itself: a -> a",
        ),
        (
            {"format": 1, "nodes": {"a": {"type": "Plus", "links": {"value": "b.value"}}}},
            "a.value",
            "no 'b'",
        ),
    ],
)
def test_a_workflow_that_cannot_run_says_where_and_why(
    worker: Service, workflow: dict[str, object], address: str, message: str
) -> None:
    job = worker.ended(worker.store.submit(Order(workflow))[0])

    assert job.state == "failed"
    assert job.error is not None
    (problem,) = job.error["problems"]
    assert problem["address"] == address
    assert message in problem["message"]


def test_a_long_chain_of_nodes_runs(worker: Service) -> None:
    count = 300
    nodes = {"n0": {"type": "Plus"}} | {
        f"n{number}": {"type": "Plus", "links": {"value": f"n{number - 1}.value"}}
        for number in range(1, count)
    }

    job = worker.ended(worker.order(nodes, {"last": f"n{count - 1}.value"}))

    assert job.results == (JobResult("last", text=str(count)),)
    assert job.done == count


def test_what_a_node_prints_does_not_get_in_the_way(worker: Service) -> None:
    assert worker.run("Prints", value=5).results == (JobResult("made", text="5"),)


def test_a_value_that_json_cannot_spell_is_named(worker: Service) -> None:
    assert worker.run("Odd").results == (JobResult("made", text='"nan"'),)


def test_a_flood_of_progress_is_thinned_out(worker: Service) -> None:
    job = worker.run("Floods")

    told = worker.told(job, "node.progress")
    seconds = (job.finished or 0) - (job.started or 0)
    assert len(told) <= 10 * seconds + 2
    assert told[-1].data == {"node": "node", "items": [], "done": 100_000, "total": 100_000}


def last(worker: Service, job: Job, kind: str) -> object:
    """The last event of a kind before the job's end, which is the last of all."""
    events = worker.store.events_after(0, job.id)
    assert events[-1].kind == f"job.{job.state}"
    return next(dict(event.data) for event in reversed(events) if event.kind == kind)


@pytest.mark.parametrize("wrong", [False, True])
def test_the_last_progress_of_every_node_is_told(worker: Service, wrong: bool) -> None:
    job = worker.run("Hurries", value=600, wrong=wrong)

    assert job.state == ("failed" if wrong else "done")
    assert last(worker, job, "node.progress") == {
        "node": "node", "items": [], "done": 5, "total": 10,
    }  # fmt: skip


def test_how_far_a_job_came_is_told_before_it_ends_whatever_the_end(worker: Service) -> None:
    nodes = {
        "many": {"type": "Plus", "values": {"value": [*range(700, 740)]}},
        "wrong": {"type": "Hurries", "values": {"value": 701, "wrong": True}},
        "waits": {"type": "Plus", "links": {"value": "wrong.value"}},
    }
    job = worker.ended(worker.order(nodes, {}))

    assert last(worker, job, "job.progress") == {"done": 42, "total": 42}
    assert (job.state, job.done, job.total) == ("failed", 40, 42)


def test_how_far_a_cancelled_job_came_is_told(worker: Service) -> None:
    nodes = {
        "many": {"type": "Plus", "values": {"value": [*range(800, 840)]}},
        "slow": {"type": "Hurries", "values": {"value": 801, "seconds": 0.7}},
    }
    job = worker.order(nodes, {})
    worker.until(lambda: len(worker.told(job, "node.finished")) == 40)
    worker.underway(job, "node.progress")
    worker.store.cancel(job.id)
    job = worker.ended(job)

    assert (job.state, job.done, job.total) == ("cancelled", 40, 41)
    assert last(worker, job, "job.progress") == {"done": 40, "total": 41}
    assert last(worker, job, "node.progress") == {
        "node": "slow", "items": [], "done": 6, "total": 10,
    }  # fmt: skip


def test_previews_are_made_while_somebody_looks(worker: Service) -> None:
    from PIL import Image

    worker.run("Strolls", steps=2, value=1)
    assert worker.previews == []
    worker.supervisor.want_previews(True)

    job = worker.run("Strolls", steps=30, value=2)

    worker.supervisor.want_previews(False)
    seconds = (job.finished or 0) - (job.started or 0)
    assert 1 <= len(worker.previews) <= 5 * seconds + 1
    id, header, jpeg = worker.previews[0]
    assert (id, header["node"], header["items"], header["total"]) == (job.id, "node", [], 30)
    with Image.open(BytesIO(jpeg)) as drawn:
        assert (drawn.format, drawn.size) == ("JPEG", (header["width"], header["height"]))
        assert drawn.size == (512, 256)


def test_a_job_is_cancelled_within_a_step_and_its_process_goes_on(
    worker: Service, tmp_path: Path
) -> None:
    steps = tmp_path / "steps"
    job = worker.submit("Strolls", steps=100_000, value=3, file=str(steps))
    worker.underway(job, "node.progress")

    worker.store.cancel(job.id)
    at_once = steps.read_text().count("\n")

    assert worker.ended(job).state == "cancelled"
    # Steps take 20 ms at least: what a minute of a busy machine holds, of more than half an hour.
    assert steps.read_text().count("\n") - at_once <= 3000


@pytest.mark.parametrize("kind", ["Labours", "Ponders"])
def test_a_job_is_cancelled_before_its_first_step_and_its_process_goes_on(
    worker: Service, kind: str
) -> None:
    job = worker.submit(kind)
    worker.underway(job)

    worker.store.cancel(job.id)

    assert worker.ended(job).state == "cancelled"


def test_a_job_that_takes_too_long_is_stopped(worker: Service) -> None:
    strolling = {"node": {"type": "Strolls", "values": {"steps": 1000, "value": 4}}}

    job = worker.ended(worker.order(strolling, {"made": "node.value"}, 0.5))

    problem = {"address": "node", "message": "took longer than 0.5 s"}
    assert (job.state, job.error) == ("failed", {"problems": [problem]})


def test_the_end_of_a_job_is_recorded_as_soon_as_there_is_room(
    worker: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = worker.store.finish
    refused: list[object] = []

    def full_at_first(*given: Any, **more: Any) -> Job:
        if len(refused) < 2:
            refused.append(given)
            raise StorageFullError
        return finish(*given, **more)

    monkeypatch.setattr(worker.store, "finish", full_at_first)

    job = worker.run("Plus", value=500)

    assert (job.state, job.attempts, job.results) == ("done", 1, (JobResult("made", text="501"),))
    assert len(refused) == 2


def test_a_folder_outside_is_not_read(worker: Service) -> None:
    job = worker.run("LoadImage", "image", path="/etc/hostname")

    assert job.state == "failed"
    assert job.error is not None
    assert "hostname" in job.error["problems"][0]["message"]


def test_an_uploaded_picture_is_read_by_its_name(worker: Service) -> None:
    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (7, 5), "red").save(file, "PNG")
    asset = worker.assets.put(file.getvalue(), "cat.png")

    job = worker.run("LoadImage", "image", path=asset.file)

    assert [(r.width, r.height) for r in job.results] == [(7, 5)]


def test_the_state_of_a_device_is_told(worker: Service) -> None:
    job = worker.submit("Strolls", steps=20, value=5)
    worker.underway(job)

    (device,) = worker.supervisor.status()

    assert (device.name, device.state, device.job) == ("cpu", "busy", job.id)
    worker.ended(job)
    worker.until(lambda: worker.supervisor.status()[0].state == "idle")
    worker.until(lambda: worker.supervisor.status()[0].cache)
    tiers = {tier["tier"] for tier in worker.supervisor.status()[0].cache}
    assert tiers == {"host", "disk"}
