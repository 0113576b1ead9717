"""Answers have bounds: lists read and show what they need, one more than may be is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from nodegraph.base.budget import Bounds
from nodegraph.jobs.short import PROBLEMS, RESULTS, TEXT
from nodegraph.jobs.types import JobResult, Order, Problem
from nodegraph.web.limits import Limits
from nodegraph.web.routes import assets as assets_routes
from nodegraph.web.services import Services
from nodegraph.web.workflows import library
from nodegraph.web.workflows.library import SHOWN

from ..support.pictures import encoded
from ..support.serving import PHOTO, SOUND, client, serving

NEW = {"If-None-Match": "*"}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    bounds = Bounds(calls=30, entries=200, letters=20_000, items=50, seconds=60)
    with serving(tmp_path, limits=Limits(workflows=3, expanded=bounds)) as parts:
        yield parts


@pytest.fixture
def asking(services: Services) -> Iterator[TestClient]:
    with client(services) as asking:
        yield asking


def ended(
    services: Services, results: list[JobResult], problems: list[Problem] | None = None
) -> str:
    """A job that has ended so; its id."""
    store = services.store
    job, _ = store.submit(Order({"format": 1}))
    claim = store.claim("here:1:boot", "cpu", 30)
    assert claim is not None
    if problems is None:
        return store.finish(job.id, claim.token, results, {}).id
    return store.fail(job.id, claim.token, problems, results).id


@pytest.mark.parametrize(
    ("results", "short"),
    [
        ([JobResult("a", text="x" * TEXT)] * RESULTS, False),
        ([JobResult("a", text="x" * TEXT)] * (RESULTS + 1), True),
        ([JobResult("a", text="x" * (TEXT + 1))], True),
        ([JobResult("a", text="x" * 65_000)] * 100, True),
    ],
)
def test_a_list_and_an_event_show_the_beginning_and_the_job_has_all(
    services: Services, asking: TestClient, results: list[JobResult], short: bool
) -> None:
    id = ended(services, results)

    listing = asking.get("/v1/jobs")
    [listed] = listing.json()["jobs"]
    events = asking.get(f"/v1/jobs/{id}/events")
    [done] = [e["data"] for e in events.json()["events"] if e["kind"] == "job.done"]
    whole = asking.get(f"/v1/jobs/{id}").json()

    assert (listed["short"], done.get("short", False), whole["short"]) == (short, short, False)
    assert [r["text"] for r in whole["results"]] == [result.text for result in results]
    for shown in (listed["results"], done["results"]):
        assert len(shown) == min(len(results), RESULTS)
        assert all(len(result["text"]) <= TEXT + 1 for result in shown)
    assert len(listing.content) + len(events.content) < 30_000


def test_problems_of_a_job_are_as_many_and_as_long_as_may_be(
    services: Services, asking: TestClient
) -> None:
    problems = [Problem(address=f"n{i}", message="y" * 3000) for i in range(100)]
    id = ended(services, [], problems)

    listing, whole = asking.get("/v1/jobs"), asking.get(f"/v1/jobs/{id}").json()
    [listed] = listing.json()["jobs"]

    assert listed["short"]
    assert len(listed["error"]["problems"]) <= PROBLEMS
    assert len(listing.content) < 20_000
    assert whole["error"]["problems"][-1]["message"] == "and 94 more problems"


def test_one_workflow_more_than_are_kept_is_refused(asking: TestClient) -> None:
    answers = [asking.put(f"/v1/workflows/w{i}", json=SOUND, headers=NEW) for i in range(4)]

    assert [answer.status_code for answer in answers] == [201, 201, 201, 422]
    message = answers[3].json()["error"]["message"]
    assert message == "3 workflows are kept already; delete some first"
    version = {"If-Match": answers[0].headers["ETag"]}
    assert asking.put("/v1/workflows/w0", json=SOUND, headers=version).status_code == 200


def test_a_workflow_that_is_too_long_when_it_is_saved_is_refused(
    asking: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "LARGEST", 1000)
    answer = asking.put("/v1/workflows/w", json={**SOUND, "view": {"a": [1] * 300}}, headers=NEW)

    assert answer.status_code == 422
    assert "MiB when it is saved" in answer.json()["error"]["message"]


def test_the_list_of_workflows_shows_the_beginning_of_what_is_long(asking: TestClient) -> None:
    params = {f"p{i}": {"to": "edges.low_threshold"} for i in range(SHOWN + 1)}
    asking.put(
        "/v1/workflows/w", json={**SOUND, "title": "t" * 5000, "params": params}, headers=NEW
    )

    [entry] = [e for e in asking.get("/v1/workflows").json()["workflows"] if not e["shipped"]]

    assert (len(entry["title"]), len(entry["params"])) == (200, SHOWN)


def test_a_workflow_that_has_not_changed_is_not_read_again_for_the_list(
    asking: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodegraph.base.file_memo.GRAIN", -(10**12))  # everything is settled
    asking.put("/v1/workflows/w", json=SOUND, headers=NEW)
    read: list[bytes] = []
    outline = library._outline

    def noting(text: bytes) -> Any:
        read.append(text)
        return outline(text)

    monkeypatch.setattr(library, "_outline", noting)
    first = asking.get("/v1/workflows").json()
    count = len(read)
    again = asking.get("/v1/workflows").json()

    assert again == first
    assert len(read) == count > 0


def test_what_is_no_workflow_is_listed_by_its_name(services: Services, asking: TestClient) -> None:
    (services.graphs.library.folder / "odd.json").write_text('{"title": 3, "params": [')

    [entry] = [e for e in asking.get("/v1/workflows").json()["workflows"] if not e["shipped"]]

    assert (entry["name"], entry["title"], entry["params"]) == ("odd", "odd", [])


def calls(count: int) -> dict[str, Any]:
    return {"nodes": {f"n{i}": PHOTO for i in range(count)}}


def inside(count: int) -> dict[str, Any]:
    template = {"nodes": {f"n{i}": PHOTO for i in range(count)}, "results": {"r": "n0.image"}}
    return {"nodes": {"x": {"type": "T"}}, "templates": {"T": template}}


def items(count: int) -> dict[str, Any]:
    return {"nodes": {"n": {"type": "LoadImage", "values": {"path": ["portrait.png"] * count}}}}


BOUNDS = {
    "calls": (inside, 29, "expands to more than 30 calls, all together"),
    "items": (items, 50, "makes more than 50 items, all nodes together"),
}


@pytest.mark.parametrize("path", ["/v1/check", "/v1/explain", "/v1/jobs"])
@pytest.mark.parametrize("name", BOUNDS)
def test_one_more_than_may_be_is_refused(asking: TestClient, name: str, path: str) -> None:
    make, most, message = BOUNDS[name]

    fits, refused = (
        asking.post(path, json={"workflow": {"format": 1, **make(count)}})
        for count in (most, most + 1)
    )

    told = refused.json()
    problems = told["problems"] if path == "/v1/check" else told["error"]["problems"]
    assert [problem["message"] for problem in problems] == [message]
    assert message not in fits.text


@pytest.mark.parametrize("targets", [2, 3])
def test_a_value_is_counted_for_each_input_that_its_param_sets(
    tmp_path: Path, targets: int
) -> None:
    with serving(tmp_path, limits=Limits(body=2500)) as parts, client(parts) as asking:
        nodes = {f"n{i}": {"type": "JoinText", "values": {"texts": ["a"]}} for i in range(targets)}
        to = [f"n{i}.separator" for i in range(targets)]
        answer = asking.post(
            "/v1/jobs",
            json={
                "workflow": {"format": 1, "nodes": nodes, "params": {"p": {"to": to}}},
                "params": {"p": "x" * 1000},
            },
        )

    assert answer.status_code == (201 if targets == 2 else 422)


def test_the_form_of_many_params_with_one_long_value_is_refused(asking: TestClient) -> None:
    node = {"type": "JoinText", "values": {"texts": ["a"], "separator": "x" * 3000}}
    params = {f"p{i}": {"to": "n.separator"} for i in range(10)}
    document = {"format": 1, "nodes": {"n": node}, "params": params}

    answer = asking.post("/v1/form", json={"workflow": document})

    assert answer.status_code == 422
    assert len(answer.content) < 1000


def test_a_picture_is_sent_piece_by_piece(
    services: Services, asking: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    monkeypatch.setattr(assets_routes, "_PIECE", 100)
    noise = Image.effect_noise((64, 64), 90)
    made = services.assets.put(encoded(lambda file: noise.save(file, "PNG")))

    answer = asking.get(f"/v1/assets/{made.file}")

    assert answer.content == services.assets.path(made.file).read_bytes()
    assert int(answer.headers["Content-Length"]) == made.bytes > 1000
