"""What the routes do: workflows that are kept, jobs in the queue, forms, metrics."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from nodegraph import plan, run
from nodegraph.jobs.types import JobResult, Problem, StorageFullError
from nodegraph.web.limits import Limits
from nodegraph.web.services import Services

from ..support.running_toys import TOYS, workflow
from ..support.serving import SOUND, TOKEN, client, known, serving


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with serving(tmp_path, limits=Limits(queue=5)) as parts:
        yield parts


@pytest.fixture
def asking(services: Services) -> Iterator[TestClient]:
    with client(services) as asking:
        yield asking


NEW = {"If-None-Match": "*"}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_kept_workflow_comes_back_as_it_was(asking: TestClient) -> None:
    made = asking.put("/v1/workflows/mine", json=SOUND, headers=NEW)
    got = asking.get("/v1/workflows/mine")

    assert made.status_code == 201
    assert got.json() == made.json()
    assert got.json()["workflow"] == SOUND
    assert got.headers["etag"] == f'"{got.json()["version"]}"'


def test_a_change_is_made_to_the_version_it_was_made_from(asking: TestClient) -> None:
    first = asking.put("/v1/workflows/mine", json=SOUND, headers=NEW).headers["etag"]
    match = {"If-Match": first}
    mine = asking.put("/v1/workflows/mine", json=SOUND | {"title": "A"}, headers=match)
    late = asking.put("/v1/workflows/mine", json=SOUND | {"title": "B"}, headers=match)
    twice = asking.put("/v1/workflows/mine", json=SOUND, headers=NEW)
    blind = asking.put("/v1/workflows/mine", json=SOUND)

    assert mine.status_code == 200
    assert [code(one) for one in (late, twice, blind)] == [
        (412, "changed_meanwhile"), (412, "changed_meanwhile"), (428, "needs_version"),
    ]  # fmt: skip
    assert asking.get("/v1/workflows/mine").json()["workflow"]["title"] == "A"


def test_of_many_who_save_at_once_one_wins(asking: TestClient) -> None:
    first = asking.put("/v1/workflows/mine", json=SOUND, headers=NEW).headers["etag"]
    codes: list[int] = []

    def save(number: int) -> None:
        body = SOUND | {"title": str(number)}
        headers = {"If-Match": first}
        codes.append(asking.put("/v1/workflows/mine", json=body, headers=headers).status_code)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(codes) == [200] + [412] * 7


def test_a_draft_that_is_not_sound_can_be_kept(asking: TestClient) -> None:
    draft = {"format": 1, "nodes": {"a": {"type": "Cany"}}}

    assert asking.put("/v1/workflows/draft", json=draft, headers=NEW).status_code == 201


def test_deleting_says_which_version_is_meant(asking: TestClient) -> None:
    tag = asking.put("/v1/workflows/mine", json=SOUND, headers=NEW).headers["etag"]

    answers = [
        asking.delete("/v1/workflows/mine"),
        asking.delete("/v1/workflows/mine", headers={"If-Match": '"other"'}),
        asking.delete("/v1/workflows/mine", headers={"If-Match": tag}),
        asking.delete("/v1/workflows/mine", headers={"If-Match": tag}),
    ]

    assert [one.status_code for one in answers] == [428, 412, 204, 404]


def test_what_came_with_a_package_stays(asking: TestClient) -> None:
    tag = asking.get("/v1/workflows/canny-portraits").headers["etag"]

    saved = asking.put("/v1/workflows/canny-portraits", json=SOUND, headers={"If-Match": tag})
    deleted = asking.delete("/v1/workflows/canny-portraits", headers={"If-Match": tag})

    assert [code(saved), code(deleted)] == [(403, "not_allowed")] * 2


def test_the_list_names_saved_and_shipped_ones_and_damaged_ones_too(
    asking: TestClient, services: Services
) -> None:
    asking.put("/v1/workflows/mine", json=SOUND, headers=NEW)
    (services.graphs.library.folder / "damaged.json").write_text("{")

    listed = {one["name"]: one for one in asking.get("/v1/workflows").json()["workflows"]}

    mine = listed["mine"]
    assert (mine["title"], mine["shipped"], mine["params"], mine["results"]) == (
        "Edges", False, ["low"], ["edges"],
    )  # fmt: skip
    assert listed["canny-portraits"]["shipped"] is True
    assert listed["damaged"]["title"] == "damaged"
    assert code(asking.get("/v1/workflows/damaged")) == (422, "refused")


def test_a_form_is_the_schema_of_the_params(asking: TestClient) -> None:
    form = asking.post("/v1/form", json={"workflow": SOUND}).json()

    low = form["schema"]["properties"]["low"]
    assert (form["title"], form["results"]) == ("Edges", ["edges"])
    assert (low["title"], low["default"], low["minimum"], low["maximum"]) == ("Low", 100, 0, 255)
    assert form["schema"]["required"] == []


def test_a_shipped_workflow_has_a_form(asking: TestClient) -> None:
    form = asking.get("/v1/workflows/canny-portraits/form").json()

    assert "prompt" in form["schema"]["properties"]


def test_nodes_are_described_once_and_known_by_their_tag(asking: TestClient) -> None:
    first = asking.get("/v1/nodes")
    again = asking.get("/v1/nodes", headers={"If-None-Match": first.headers["etag"]})

    assert [one["type"] for one in first.json()["nodes"]] == list(known())
    assert (again.status_code, again.content) == (304, b"")


def test_checking_names_problems_and_warnings(asking: TestClient) -> None:
    wrong = {**SOUND, "nodes": {"photo": {"type": "LoadImag"}}}
    told = asking.post("/v1/check", json={"workflow": wrong}).json()

    assert told["ok"] is False
    assert {"address": "photo", "message": "no 'LoadImag'; did you mean 'LoadImage'?"} in told[
        "problems"
    ]


def test_explaining_says_what_would_run(asking: TestClient) -> None:
    lines = asking.post("/v1/explain", json={"workflow": SOUND}).json()["lines"]

    assert [(one["name"], one["state"]) for one in lines] == [("photo", "runs"), ("edges", "waits")]


def test_looking_at_a_workflow_fetches_no_model(asking: TestClient) -> None:
    base = {"type": "LoadBaseModel", "values": {"model": "nobody/has-this"}}
    document = {"format": 1, "nodes": {"base": base}}

    [line] = asking.post("/v1/explain", json={"workflow": document}).json()["lines"]

    assert (line["state"], line["why"]) == (
        "runs", "model: 'nobody/has-this' is fetched from the hub first",
    )  # fmt: skip


def submit(asking: TestClient, **more: Any) -> Any:
    headers = more.pop("headers", {})
    return asking.post("/v1/jobs", json={"workflow": SOUND, **more}, headers=headers)


def test_a_job_is_queued_with_its_params_set(asking: TestClient) -> None:
    made = submit(asking, params={"low": 7}, priority=3, title="Mine", only=["edges"])
    job = made.json()
    workflow = asking.get(f"/v1/jobs/{job['id']}/workflow").json()["workflow"]

    assert made.status_code == 201
    assert made.headers["location"] == f"/v1/jobs/{job['id']}"
    told = (job["state"], job["priority"], job["title"], job["only"])
    assert told == ("queued", 3, "Mine", ["edges"])
    assert workflow["nodes"]["edges"]["values"] == {"low_threshold": 7}
    assert asking.get(f"/v1/jobs/{job['id']}").json() == job


def test_a_job_may_take_as_long_as_it_asks_for(services: Services, asking: TestClient) -> None:
    job = submit(asking, time_limit=2.5).json()
    asking.post(f"/v1/jobs/{job['id']}/cancel")
    asking.post(f"/v1/jobs/{job['id']}/retry")

    claim = services.store.claim("here:1:boot", "cpu", 30)

    assert claim is not None
    assert claim.time_limit == 2.5


@pytest.mark.parametrize("limit", [0, -1, 1e9, "x"])
def test_a_time_limit_is_a_number_of_seconds(asking: TestClient, limit: object) -> None:
    answer = submit(asking, time_limit=limit)

    assert code(answer) == (422, "refused")
    assert answer.json()["error"]["problems"][0]["address"] == "time_limit"


def test_a_kept_workflow_is_run_by_name(asking: TestClient) -> None:
    job = asking.post("/v1/jobs", json={"name": "canny-portraits", "params": {"seed": 5}}).json()

    assert job["state"] == "queued"
    assert job["title"].startswith("Canny portraits")


def test_a_key_makes_one_job_however_often_it_is_sent(asking: TestClient) -> None:
    key = {"Idempotency-Key": "once"}
    first, again = submit(asking, headers=key), submit(asking, headers=key)
    other = submit(asking, headers=key, title="other")

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert code(other) == (409, "conflict")


@pytest.mark.parametrize("key", ["", "a b", "\x7f", "x" * 201])
def test_a_key_is_a_short_plain_name(asking: TestClient, key: str) -> None:
    assert submit(asking, headers={"Idempotency-Key": key}).status_code == 422


def test_eight_who_send_one_key_at_once_make_one_job(asking: TestClient) -> None:
    ids: list[str] = []

    def send() -> None:
        ids.append(submit(asking, headers={"Idempotency-Key": "k"}).json()["id"])

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(ids), len(set(ids))) == (8, 1)


@pytest.mark.parametrize(
    ("body", "address"),
    [
        ({"params": {"high": 1}}, "params.high"),
        ({"params": {"low": 300}}, "edges.low_threshold"),
        ({"only": ["edge"]}, "only"),
        ({"priority": 10**6}, "priority"),
        ({"title": "x" * 1000}, "title"),
    ],
)
def test_a_job_that_cannot_run_is_not_queued(
    asking: TestClient, body: dict[str, Any], address: str
) -> None:
    answer = submit(asking, **body)

    assert code(answer) == (422, "refused")
    assert address in [one["address"] for one in answer.json()["error"]["problems"]]
    assert asking.get("/v1/jobs").json() == {"jobs": [], "next": None}


def test_either_a_workflow_or_a_name_is_sent(asking: TestClient) -> None:
    both = submit(asking, name="canny-portraits")
    none = asking.post("/v1/jobs", json={})

    assert [both.status_code, none.status_code] == [422, 422]


def test_one_job_too_many_is_told_to_come_again(asking: TestClient) -> None:
    codes = [submit(asking).status_code for _ in range(6)]
    refused = submit(asking)

    assert codes == [201] * 5 + [429]
    assert refused.headers["retry-after"] == "5"


def test_a_full_disk_is_said(asking: TestClient, services: Services, monkeypatch: Any) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageFullError

    monkeypatch.setattr(services.store, "submit", full)

    assert code(submit(asking)) == (507, "disk_full")


def test_jobs_are_listed_newest_first_page_by_page(asking: TestClient) -> None:
    ids = [submit(asking, title=str(number)).json()["id"] for number in range(5)]
    asking.post(f"/v1/jobs/{ids[0]}/cancel")

    first = asking.get("/v1/jobs?limit=3").json()
    rest = asking.get("/v1/jobs", params={"before": first["next"]}).json()
    cancelled = asking.get("/v1/jobs?state=cancelled").json()

    assert [one["id"] for one in first["jobs"] + rest["jobs"]] == ids[::-1]
    assert rest["next"] is None
    assert [one["id"] for one in cancelled["jobs"]] == [ids[0]]


def test_a_waiting_job_can_be_moved(asking: TestClient) -> None:
    a, b, c = (submit(asking).json()["id"] for _ in range(3))

    def waiting() -> list[str]:
        return [one["id"] for one in asking.get("/v1/queue").json()["jobs"]]

    assert waiting() == [a, b, c]
    asking.patch(f"/v1/jobs/{c}", json={"after": None})
    assert waiting() == [c, a, b]
    asking.patch(f"/v1/jobs/{c}", json={"after": a})
    assert waiting() == [a, c, b]
    asking.patch(f"/v1/jobs/{b}", json={"priority": 5})
    assert waiting() == [b, a, c]


def test_a_job_goes_its_way(asking: TestClient) -> None:
    job = submit(asking).json()["id"]
    at = f"/v1/jobs/{job}"

    assert code(asking.delete(at)) == (409, "conflict")
    assert asking.post(f"{at}/cancel").json()["state"] == "cancelled"
    assert asking.post(f"{at}/cancel").json()["state"] == "cancelled"
    assert code(asking.patch(at, json={"priority": 1})) == (409, "conflict")
    again = asking.post(f"{at}/retry")
    assert (again.status_code, again.json()["state"]) == (201, "queued")
    assert asking.delete(at).status_code == 204
    assert code(asking.get(at)) == (404, "not_found")


def test_events_of_a_job_are_told_in_order(asking: TestClient) -> None:
    job = submit(asking).json()["id"]
    asking.post(f"/v1/jobs/{job}/cancel")

    first = asking.get(f"/v1/jobs/{job}/events?limit=1").json()
    rest = asking.get(f"/v1/jobs/{job}/events", params={"after": first["next"]}).json()

    told = [one["kind"] for one in first["events"] + rest["events"]]
    assert told == ["job.queued", "job.cancelled"]


def test_what_failed_is_told_without_folders(asking: TestClient, services: Services) -> None:
    job = submit(asking).json()["id"]
    claim = services.store.claim("me", "cpu", 60)
    assert claim is not None
    problem = Problem(address="photo", message=f"no file in {services.assets.folder}")
    services.store.fail(job, claim.token, [problem])

    assert asking.get(f"/v1/jobs/{job}").json()["error"] == {
        "problems": [{"address": "photo", "message": "no file in <assets>"}]
    }
    events = asking.get(f"/v1/jobs/{job}/events").text
    assert str(services.assets.folder) not in events


def test_what_jobs_made_is_in_the_gallery(asking: TestClient, services: Services) -> None:
    job = submit(asking, title="Mine").json()["id"]
    claim = services.store.claim("me", "cpu", 60)
    assert claim is not None
    asset = "e" * 64 + ".png"
    results = [JobResult("edges", 0, asset, 4, 3), JobResult("size", text="[4, 3]")]
    services.store.finish(job, claim.token, results, {"ran": 2})

    shown = asking.get("/v1/results").json()["results"]

    assert [(one["asset"], one["job"], one["width"], one["title"]) for one in shown] == [
        (asset, job, 4, "Mine")
    ]
    assert asking.get(f"/v1/jobs/{job}").json()["counts"] == {
        "ran": 2,
        "cached": 0,
        "resumed": 0,
    }


def test_a_picture_outlives_its_job_and_is_deleted_and_put_back_by_its_number(
    asking: TestClient, services: Services
) -> None:
    job = submit(asking, title="Mine").json()["id"]
    claim = services.store.claim("me", "cpu", 60)
    assert claim is not None
    services.store.finish(job, claim.token, [JobResult("edges", None, "f" * 64 + ".png", 4, 3)], {})
    [picture] = asking.get("/v1/results?limit=1").json()["results"]
    address = f"/v1/results/{picture['id']}"

    assert asking.delete(f"/v1/jobs/{job}").status_code == 204
    [left] = asking.get("/v1/results?limit=1").json()["results"]
    assert left == picture
    assert asking.get(f"/v1/jobs/{picture['job']}").status_code == 404
    assert asking.delete(address).status_code == 204
    assert asking.delete(address).status_code == 204
    [binned] = asking.get("/v1/results?shelf=bin").json()["results"]
    assert (binned["id"], binned["deleted"] > 0) == (picture["id"], True)
    assert picture["id"] not in [p["id"] for p in asking.get("/v1/results").json()["results"]]
    assert asking.post(f"{address}/restore").json() == left
    assert asking.delete(f"{address}?forever=1").status_code == 204
    gone = asking.post(f"{address}/restore")
    assert (gone.status_code, gone.json()["error"]["message"]) == (
        404, f"there is no picture {picture['id']}",
    )  # fmt: skip


@pytest.mark.parametrize("id", ["0", "-1", "x", str(2**60), "1.5"])
def test_a_number_that_is_none_of_a_picture_leads_nowhere(asking: TestClient, id: str) -> None:
    assert code(asking.delete(f"/v1/results/{id}"))[0] == 404
    assert code(asking.post(f"/v1/results/{id}/restore"))[0] == 404


def test_tries_stand_on_a_shelf_of_their_own(asking: TestClient, services: Services) -> None:
    job = submit(asking, title="Try", trial=True).json()
    claim = services.store.claim("me", "cpu", 60)
    assert claim is not None
    picture = JobResult("edges", None, "d" * 64 + ".png", 4, 3)
    services.store.finish(job["id"], claim.token, [picture], {})

    titles = {
        shelf: [one["title"] for one in asking.get(f"/v1/results?shelf={shelf}").json()["results"]]
        for shelf in ("results", "tries")
    }

    assert job["trial"] is True
    assert ("Try" in titles["results"], titles["tries"]) == (False, ["Try"])
    assert asking.get("/v1/results?shelf=attic").status_code == 422


def test_a_check_names_what_is_kept_where_a_workflow_names_no_results(asking: TestClient) -> None:
    nodes = {
        "photo": {"type": "LoadImage", "values": {"path": "portrait.png"}},
        "edges": {"type": "Canny", "links": {"image": "photo.image"}},
    }
    whole = {"format": 1, "nodes": nodes}

    ends = [
        asking.post("/v1/check", json={"workflow": document}).json()["ends"]
        for document in (whole, {**whole, "results": {"a": "edges.image"}})
    ]

    assert ends == [{"edges": "edges.image"}, {}]


def test_a_job_says_what_it_may_do_where_memory_is_short_and_what_it_did(
    asking: TestClient, services: Services
) -> None:
    job = submit(asking, on_oom="degrade").json()
    claim = services.store.claim("me", "cpu", 60)
    assert claim is not None
    services.store.finish(job["id"], claim.token, [], {}, degraded=["tiled"])

    told = asking.get(f"/v1/jobs/{job['id']}").json()

    assert (job["on_oom"], job["degraded"]) == ("degrade", [])
    assert (told["on_oom"], told["degraded"]) == ("degrade", ["tiled"])
    assert submit(asking).json()["on_oom"] is None
    assert submit(asking, on_oom="never").status_code == 422


def test_a_run_is_foreseen_under_what_its_job_would_ask_for(
    asking: TestClient, services: Services
) -> None:
    squares = {"type": "Batched", "values": {"value": [2, 4, 6, 8], "fits": 2}}
    cramped = workflow({"b": squares}, b="b.value")
    graphs = replace(services.graphs, registry=TOYS)
    run(plan(cramped, TOYS), graphs.cache)

    foreseen = [
        {line.state for line in graphs.explain(cramped, None, asked)}
        for asked in (None, "degrade", "fail")
    ]

    assert foreseen == [{"cached"}, {"cached"}, {"runs"}]
    told = asking.post("/v1/explain", json={"workflow": SOUND, "on_oom": "fail"})
    wrong = asking.post("/v1/explain", json={"workflow": SOUND, "on_oom": "never"})
    assert (told.status_code, wrong.status_code) == (200, 422)


def test_the_system_says_how_busy_it_is(asking: TestClient) -> None:
    submit(asking)
    told = asking.get("/v1/system").json()

    assert told["queue"] == {"queued": 1, "running": 0, "limit": 5}
    assert told["database"]["kind"] == "sqlite"
    assert told["editor"] == {"built": False, "stale": False}


def test_metrics_are_numbers_by_route_not_by_path(asking: TestClient) -> None:
    submit(asking)
    asking.get("/v1/jobs/" + "0" * 32)
    asking.get("/nowhere")

    text = asking.get("/v1/metrics").text

    assert 'nodegraph_jobs{state="queued"} 1.0' in text
    route = 'method="GET",route="/v1/jobs/{id}",status="404"'
    assert f"nodegraph_http_answers_total{{{route}}} 1.0" in text
    assert "nowhere" not in text
    assert "process_resident_memory_bytes" in text


def test_a_mistake_of_the_server_is_logged_and_told_without_its_insides(
    asking: TestClient, services: Services, monkeypatch: Any, caplog: Any
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(f"secret {TOKEN} in {services.assets.folder}")

    monkeypatch.setattr(services.store, "get", broken)
    answer = asking.get("/v1/jobs/" + "0" * 32)

    assert code(answer) == (500, "broken")
    assert TOKEN not in answer.text
    assert "RuntimeError" in caplog.text
