"""Text that is no text: refused at every door that it could come in by, before anything runs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from nodegraph import Workflow, plan
from nodegraph.base.characters import broken_text, is_text
from nodegraph.cli.exits import BAD
from nodegraph.errors import WorkflowError

from ..support.commands import TOYS, Write, speaking
from ..support.foreign import png
from ..support.running_toys import TOYS as RUNNING
from ..support.serving import client, serving
from ..support.streams import encoded, run_on

HALF = "a\ud800b"
BYTE = os.fsdecode(b"caf\xe9")
SAYS = "has half of a character (a lone surrogate) in 'a\\ud800b'"


def with_half(place: str) -> dict[str, Any]:
    """A workflow with half of a character at one of the places where it may have any text."""
    document: dict[str, Any] = json.loads(json.dumps({"format": 1, **speaking()}))
    say = document["nodes"]["say"]
    match place:
        case "value":
            say["values"]["text"] = HALF
        case "list":
            say["values"]["text"] = ["b", HALF]
        case "type":
            say["type"] = HALF
        case "title":
            document["title"] = HALF
        case "label":
            document["params"]["text"]["label"] = HALF
        case "view":
            document["view"] = {HALF: 1}
        case "model":
            document["models"] = {HALF: {}}
        case "template":
            document["templates"] = {"Inner": {"title": HALF}}
    return document


PLACES = ("value", "list", "type", "title", "label", "view", "model", "template")


def in_a_file(folder: Path, document: dict[str, Any]) -> list[str]:
    (folder / "w.json").write_text(json.dumps(document))
    return ["w.json"]


def in_a_template(folder: Path, document: dict[str, Any]) -> list[str]:
    (folder / "part.json").write_text(json.dumps(document))
    nodes = {"part": {"type": "./part.json"}}
    (folder / "w.json").write_text(json.dumps({"format": 1, "nodes": nodes}))
    return ["w.json"]


def in_a_picture(folder: Path, document: dict[str, Any]) -> list[str]:
    (folder / "w.png").write_bytes(png(("nodegraph", json.dumps(document))))
    return ["w.png"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nodes").mkdir()
    (tmp_path / "nodes" / "toys.py").write_text(TOYS.read_text())
    return tmp_path


def refused(*arguments: str) -> str:
    """Run a workflow that is refused; what is said, after which nothing was made."""
    ended = run_on(["run", *arguments, "--nodes", "nodes"], encoded("utf-8"), encoded("utf-8"))
    assert (ended.code, ended.stdout) == (BAD, ""), ended.stderr
    assert not Path("output").exists()
    return ended.stderr


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("door", [in_a_file, in_a_template, in_a_picture])
def test_a_workflow_with_half_of_a_character_is_refused_when_it_is_read(
    folder: Path, door: Callable[[Path, dict[str, Any]], list[str]], place: str
) -> None:
    assert SAYS in refused(*door(folder, with_half(place)))


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (f"text={BYTE}", "--set 'text=caf\\udce9': is not text in UTF-8"),
        (f"say.{BYTE}=1", "is not text in UTF-8"),
        ('text="a\\ud800b"', f"--set text: {SAYS}"),
        ('text=["a\\ud800b"]', f"--set text: {SAYS}"),
        ('say.text="a\\ud800b"', f"--set say.text: {SAYS}"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_setting_that_is_no_text_is_refused(write: Write, setting: str, said: str) -> None:
    assert said in refused(write(**speaking()), "--set", setting)


def test_a_value_of_python_s_that_is_no_text_is_refused_by_the_plan() -> None:
    filled = Workflow.read({"format": 1, "nodes": {"a": {"type": "Say"}}})
    values = {"value": 1, "on": HALF}
    call = filled.nodes["a"].model_copy(update={"type": "Boom", "values": values})

    with pytest.raises(WorkflowError) as caught:
        plan(filled.model_copy(update={"nodes": {"a": call}}), RUNNING)

    assert f"a.on: {SAYS}" in map(str, caught.value.problems)


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with serving(tmp_path_factory.mktemp("server")) as parts, client(parts) as asking:
        yield asking


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("path", ["check", "explain", "form", "jobs", "workflows/mine"])
def test_a_body_with_half_of_a_character_is_malformed(
    asking: TestClient, path: str, place: str
) -> None:
    kept = path.startswith("workflows")
    document = with_half(place)
    answer = asking.request(
        "PUT" if kept else "POST",
        f"/v1/{path}",
        content=json.dumps(document if kept else {"workflow": document}),
        headers={"Content-Type": "application/json", "If-None-Match": "*"},
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == f"the body {SAYS}"


@pytest.mark.parametrize("name", ["%ff%fe.png", "%ed%a0%80.png", "a%00b.png"])
def test_the_name_of_an_upload_is_text_whatever_bytes_it_is_sent_as(
    asking: TestClient, name: str
) -> None:
    answer = asking.put(
        f"/v1/assets?name={name}", content=png(), headers={"Content-Type": "image/png"}
    )

    assert answer.status_code in (201, 422)
    assert asking.get("/v1/assets").status_code == 200
    assert is_text(answer.text)


@pytest.mark.parametrize(
    ("value", "broken"),
    [
        ("é", None),
        ("😀", None),
        (HALF, HALF),
        ({"a": [1, {"b": HALF}]}, HALF),
        ({"a": {HALF: None}}, HALF),
        ([None, 1.5, True], None),
    ],
)
def test_what_is_no_text_is_found_anywhere_in_a_value(value: object, broken: str | None) -> None:
    assert broken_text(value) == broken
