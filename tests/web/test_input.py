"""Bodies, JSON and graphs as nobody should send them: refused in a sentence, never a mistake."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from nodegraph.errors import WorkflowError
from nodegraph.web.limits import Limits
from nodegraph.web.services import Services

from ..support.counting import work
from ..support.memory import PEAK, begin_noting_peak, kilobytes
from ..support.pictures import encoded
from ..support.serving import SOUND, client, serving

JSON = {"Content-Type": "application/json"}
PATH = "/v1/check"


@pytest.fixture(scope="module", autouse=True)
def before() -> int:
    """The memory in use before anything is sent."""
    return begin_noting_peak()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with serving(tmp_path_factory.mktemp("input")) as parts:
        yield parts


@pytest.fixture(scope="module")
def asking(services: Services) -> Iterator[TestClient]:
    with client(services) as asking:
        yield asking


def workflow(nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"workflow": {"format": 1, "nodes": nodes, **more}}


@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/jsonp",
        "text/json",
        "image/png",
        "application/json, text/plain",
        "",
    ],
)
@pytest.mark.parametrize(
    "path", [PATH, "/v1/jobs", "/v1/workflows/mine", f"/v1/jobs/{'0' * 32}/cancel"]
)
def test_only_json_is_taken_for_json(asking: TestClient, path: str, kind: str) -> None:
    method = "PUT" if "workflows" in path else "POST"
    answer = asking.request(
        method, path, content=json.dumps({"workflow": SOUND}), headers={"Content-Type": kind}
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "wrong_type")


def test_a_body_without_any_type_is_refused(asking: TestClient) -> None:
    assert asking.post(PATH, content=b"{}").status_code == 415


def test_a_packed_body_is_refused(asking: TestClient) -> None:
    answer = asking.post(PATH, content=b"x", headers={**JSON, "Content-Encoding": "gzip"})

    assert answer.status_code == 415


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/check", "/v1/assets/x"])
def test_pictures_are_taken_in_one_place_only(asking: TestClient, path: str) -> None:
    answer = asking.put(path, content=b"x", headers={"Content-Type": "image/png"})

    assert answer.status_code == 415


BAD_JSON = [
    b"",
    b"{",
    b"nothing",
    b"[1, 2",
    b'{"workflow": {"a": NaN}}',
    b'{"workflow": {"a": -Infinity}}',
    b'{"workflow": {"a": 1e999}}',
    b'{"workflow": {"a": ' + b"9" * 10_000 + b"}}",
    b'{"workflow": {}, "workflow": {}}',
    b'{"workflow": {"a": "\\ud800"}}',
    b'{"workflow": {"\\udfff": 1}}',
    b'{"workflow": {"a": "\\u0000"}}',
    b'{"workflow": {"a": "\xff"}}',
    b'\xef\xbb\xbf{"workflow": {}}',
    '{"workflow": {}}'.encode("utf-16"),
    b'{"workflow": {}} {}',
    b"{'workflow': {}}",
    b"[" * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b'{"workflow": ' + b"[" * 64 + b"]" * 64 + b"}",
    b'"' + b'\\"' * 200_000,
]


def test_json_is_read_as_deep_as_the_server_allows(tmp_path: Path) -> None:
    with serving(tmp_path, limits=Limits(depth=4)) as parts, client(parts) as asking:
        answers = [
            asking.post(
                PATH,
                content=b'{"workflow": {"format": 1, "view": {"a": %s}}}' % value,
                headers=JSON,
            )
            for value in (b"[]", b"[[]]")
        ]

    assert [answer.status_code for answer in answers] == [200, 400]
    assert answers[1].json()["error"]["message"] == (
        "the body is nested too deeply; at most 4 levels are read"
    )


def test_a_list_is_as_long_as_the_server_allows(tmp_path: Path) -> None:
    with serving(tmp_path, limits=Limits(page=3)) as parts, client(parts) as asking:
        answers = [
            asking.get("/v1/jobs", params=params).status_code
            for params in ({}, {"limit": 3}, {"limit": 4})
        ]

    assert answers == [200, 200, 422]


@pytest.mark.parametrize("body", BAD_JSON, ids=lambda body: repr(body[:30]))
def test_what_is_no_proper_json_is_malformed(asking: TestClient, body: bytes) -> None:
    answer = asking.post(PATH, content=body, headers=JSON)

    # No body at all is not even malformed: it is not what this takes.
    assert answer.status_code == (400 if body else 422)


@pytest.mark.parametrize("value", [b"[]", b"{}", b"1", b'""', b"null"])
def test_more_values_than_are_read_are_refused(tmp_path: Path, value: bytes) -> None:
    with serving(tmp_path, limits=Limits(values=1000)) as parts, client(parts) as asking:
        answers = [
            asking.post(
                PATH,
                content=b'{"workflow": {"format": 1, "view": {"a": [%s]}}}'
                % b",".join([value] * count),
                headers=JSON,
            )
            for count in (400, 1001)
        ]

    assert [answer.status_code for answer in answers] == [200, 400]
    assert (
        answers[1].json()["error"]["message"]
        == "the body has too many values; at most 1,000 are read"
    )


def test_a_body_of_fields_that_nobody_knows_is_refused_in_few_words(asking: TestClient) -> None:
    answer = asking.post(PATH, json={f"x{i}": 1 for i in range(5000)})

    assert answer.status_code == 422
    assert len(answer.content) < 500


def test_brackets_in_a_string_are_not_depth(asking: TestClient) -> None:
    title = "[" * 1000 + '"{{{' + "\\"
    answer = asking.post(PATH, json={"workflow": {**SOUND, "title": title}})

    assert answer.json()["ok"] is True


def test_a_surrogate_pair_is_a_character(asking: TestClient) -> None:
    body = json.dumps({"workflow": {**SOUND, "title": "😀"}}).encode()

    assert b"\\ud83d" in body
    assert asking.post(PATH, content=body, headers=JSON).json()["ok"] is True


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"workflow": None},
        {"workflow": "text"},
        {"workflow": [1]},
        {"workflow": SOUND, "more": 1},
        {"workflow": SOUND, "only": "edges"},
        {"workflow": SOUND, "only": [1]},
        {"workflow": SOUND, "only": []},
        {"workflow": SOUND, "only": ["x"] * 2000},
        {"workflow": SOUND, "only": ["x" * 10_000]},
    ],
)
def test_another_shape_is_refused_at_its_address(asking: TestClient, body: Any) -> None:
    answer = asking.post(PATH, json=body)

    assert answer.status_code == 422
    assert answer.json()["error"]["problems"]


@pytest.mark.parametrize(
    "document",
    [{}, {"format": 2}, {"format": True}, {"format": "1"}, {"format": 1, "nodes": []},
     {"format": 1, "nodes": {"A b": {"type": "Canny"}}}, {"format": 1, "nodez": {}},
     {"version": 0, "nodes": 3}, {"format": 1, "nodes": {"a": {"type": 3}}},
     {"format": 1, "nodes": {"a": {"type": "x", "links": {"b": "../etc"}}}}],
)  # fmt: skip
def test_a_document_that_is_no_workflow_is_refused(
    asking: TestClient, document: dict[str, Any]
) -> None:
    for path in (PATH, "/v1/explain", "/v1/form", "/v1/jobs"):
        answer = asking.post(path, json={"workflow": document})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "refused"), path


def link(name: str) -> dict[str, Any]:
    return {"type": "Invert", "links": {"image": f"{name}.image"}}


PHOTO = {"type": "LoadImage", "values": {"path": "portrait.png"}}
WRONG_GRAPHS = {
    "a node that does not exist": ({"a": {"type": "Cany"}}, "a"),
    "a link to itself": ({"a": link("a")}, "a"),
    "a circle": ({"a": link("b"), "b": link("a")}, "a"),
    "a link to nothing": ({"a": link("b")}, "a.image"),
    "an output that is not there": (
        {"a": PHOTO, "b": {"type": "Invert", "links": {"image": "a.7"}}},
        "b.image",
    ),
    "an output too many": (
        {"a": PHOTO, "b": {"type": "Invert", "links": {"image": "a.out"}}},
        "b.image",
    ),
    "too many pixels": (
        {
            "a": PHOTO,
            "b": {"type": "Resize", "values": {"width": 10**10}, "links": {"image": "a.image"}},
        },
        "b.width",
    ),
    "true for a width": (
        {
            "a": PHOTO,
            "b": {"type": "Resize", "values": {"width": True}, "links": {"image": "a.image"}},
        },
        "b.width",
    ),
    "a number for a link": ({"a": {"type": "Invert", "links": {"image": 3}}}, "a.image"),
}


@pytest.mark.parametrize("name", WRONG_GRAPHS)
def test_a_graph_that_cannot_run_is_told_where_it_is_wrong(asking: TestClient, name: str) -> None:
    nodes, address = WRONG_GRAPHS[name]
    answer = asking.post("/v1/jobs", json=workflow(nodes))

    assert answer.status_code == 422
    assert address in [problem["address"] for problem in answer.json()["error"]["problems"]]


def chain(length: int) -> dict[str, Any]:
    return {"n0": PHOTO, **{f"n{i}": link(f"n{i - 1}") for i in range(1, length)}}


def diamond(height: int) -> dict[str, Any]:
    """Every level blends the one above with itself: 2 ** height paths lead through."""
    nodes: dict[str, Any] = {"n0": PHOTO}
    for i in range(1, height):
        links = {"image": f"n{i - 1}.image", "layer": f"n{i - 1}.image"}
        nodes[f"n{i}"] = {"type": "Blend", "links": links}
    return nodes


@pytest.mark.parametrize("path", [PATH, "/v1/explain", "/v1/jobs", "/v1/form"])
@pytest.mark.parametrize("nodes", [chain(2000), diamond(300)], ids=["chain", "diamond"])
def test_long_and_many_ways_through_a_graph_are_taken(
    asking: TestClient, path: str, nodes: dict[str, Any]
) -> None:
    answer = asking.post(path, json=workflow(nodes))

    assert answer.status_code in (200, 201)


def circle(length: int) -> dict[str, Any]:
    return {**{f"n{i}": link(f"n{i - 1}") for i in range(1, length)}, "n0": link(f"n{length - 1}")}


SHAPES: dict[str, Callable[[int], dict[str, Any]]] = {
    "a chain": chain,
    "diamonds": diamond,
    "links to nothing": lambda count: {f"n{i}": link(f"m{i}") for i in range(count)},
    "unknown types": lambda count: {f"n{i}": {"type": f"Kind{i}"} for i in range(count)},
    "links to themselves": lambda count: {f"n{i}": link(f"n{i}") for i in range(count)},
    "a circle": circle,
    "unknown inputs": lambda count: {
        "n0": {**PHOTO, "values": {f"x{i}": 1 for i in range(count)}},
    },
    "brackets": lambda count: told("(" * count + ")" * count),
    "open brackets": lambda count: told("(" * count),
    "a LoRA without an end": lambda count: told("<lora:" + "a" * count),
    "alternatives": lambda count: told("{a|" * count),
    "backslashes": lambda count: told("\\" * count),
    "wildcards": lambda count: told("__" * count),
    "weights": lambda count: told(":1.1)" * count),
}


def told(prompt: str) -> dict[str, Any]:
    """A graph that is told a prompt, and draws one from it."""
    return {
        "a": {"type": "Wildcard", "values": {"text": prompt}},
        "base": {"type": "LoadBaseModel"},
        "p": {
            "type": "EncodePrompt",
            "values": {"prompt": prompt},
            "links": {"model": "base.model"},
        },
    }


@pytest.mark.parametrize("name", SHAPES)
def test_twice_as_much_takes_twice_the_work(services: Services, name: str) -> None:
    graphs = services.graphs

    def ask(count: int) -> Callable[[], object]:
        document = workflow(SHAPES[name](count))["workflow"]

        def asked() -> None:
            read = graphs.read(document)
            graphs.form(read)
            with suppress(WorkflowError):
                graphs.explain(read, None)

        return asked

    work(ask(50))  # what is looked up once

    assert work(ask(400)) < 2.5 * work(ask(200))


def compared(services: Services, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many names are compared with another while all mistakes are found."""
    count, compare = 0, SequenceMatcher.set_seq1

    def counting(self: Any, name: str) -> None:
        nonlocal count
        count += 1
        compare(self, name)

    monkeypatch.setattr(SequenceMatcher, "set_seq1", counting)
    assert services.graphs.check(services.graphs.read(document), None)[0]
    return count


@pytest.mark.parametrize("name", ["links to nothing", "unknown types", "unknown inputs"])
def test_of_thousands_of_mistakes_only_the_first_are_told_what_was_meant(
    services: Services, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = workflow(SHAPES[name](5000))["workflow"]

    # Fifty names, each with no more than two thousand others: not five thousand with as many.
    assert compared(services, document, monkeypatch) <= 50 * 2001


BOMBS = {
    "60,000 nodes": {f"n{i}": PHOTO for i in range(60_000)},
    "a chain of 50,000": chain(50_000),
    "19,000 links to nothing": {f"n{i}": link(f"m{i}") for i in range(19_000)},
    "19,000 unknown types": {f"n{i}": {"type": f"Kind{i}"} for i in range(19_000)},
    "19,000 links to themselves": {f"n{i}": link(f"n{i}") for i in range(19_000)},
    "19,000 params of nothing": {"n0": PHOTO},
    "a circle of 19,000": circle(19_000),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_graph_that_is_too_much_is_refused_in_few_words(asking: TestClient, name: str) -> None:
    params = {f"p{i}": {"to": f"m{i}.x"} for i in range(19_000)} if "params" in name else {}
    answer = asking.post("/v1/jobs", json=workflow(BOMBS[name], params=params))

    assert answer.status_code == 422
    assert answer.json()["error"]["problems"]
    assert len(answer.content) < 2**20


def test_templates_inside_of_templates_count_too(asking: TestClient) -> None:
    inner = {"format": 1, "nodes": {f"n{i}": PHOTO for i in range(11_000)}}
    document = {"templates": {"One": inner, "Two": inner}}

    answer = asking.post(PATH, json=workflow({}, **document))

    assert answer.json()["error"]["problems"] == [
        {"address": "nodes", "message": "has 22000 nodes; at most 20000 are taken"}
    ]


def test_templates_that_multiply_are_refused(asking: TestClient) -> None:
    """Each holds the next one ten times: ten million nodes of a hundred."""
    templates: dict[str, Any] = {}
    for level in range(7):
        nodes = {f"n{i}": {"type": f"T{level + 1}"} for i in range(10)}
        templates[f"T{level}"] = {"format": 1, "nodes": nodes, "results": {"r": "n0.r"}}
    templates["T7"] = {"format": 1, "nodes": {"n0": PHOTO}, "results": {"r": "n0.image"}}

    answer = asking.post("/v1/jobs", json=workflow({"a": {"type": "T0"}}, templates=templates))

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "prompt", ["(" * 5000 + ")" * 5000, "(" * 20_000, "<lora:" + "a" * 100_000, "{a|" * 5000,
               "\\" * 100_000, "__" * 50_000, ":1.1)" * 20_000]
)  # fmt: skip
def test_a_prompt_of_brackets_breaks_nothing(asking: TestClient, prompt: str) -> None:
    for path in (PATH, "/v1/explain"):
        assert asking.post(path, json=workflow(told(prompt))).status_code < 500, path


# Over the wire, as HTTP clients of our own would not write it.


def test_four_thousand_ranges_are_one_picture(services: Services, asking: TestClient) -> None:
    from PIL import Image

    picture = Image.new("RGB", (8, 8))
    made = services.assets.put(encoded(lambda file: picture.save(file, "PNG")))
    ranges = "bytes=" + ",".join(f"{i}-{i + 1}" for i in range(4000))

    answer = asking.get(f"/v1/assets/{made.file}", headers={"Range": ranges})

    assert (answer.status_code, len(answer.content)) == (200, made.bytes)


@pytest.mark.skipif(not PEAK.exists(), reason="only Linux tells the highest use of memory")
def test_all_that_took_no_memory_to_speak_of(before: int) -> None:
    """Of a whole run of this file: bombs are refused before they go off."""
    assert kilobytes("VmHWM") - before < 500 * 1024
