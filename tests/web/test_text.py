"""Text that is no text, of nodes, files and old records: it stops no answer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from nodegraph.base.characters import spelled_inside
from nodegraph.jobs.types import Problem
from nodegraph.web.services import Services
from nodes.library.catalogue import models

from ..support.serving import SOUND, client, serving
from ..support.unprivileged import unprivileged

HALF = "a\ud800b"
NAMED = os.fsdecode(b"caf\xe9")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with serving(tmp_path) as parts:
        yield parts


@pytest.fixture
def asking(services: Services) -> Iterator[TestClient]:
    with client(services) as asking:
        yield asking


def test_text_inside_of_a_message_is_spelled_out() -> None:
    said = {"a": HALF, HALF: [1, {"b": HALF}], "c": "é 写 😀 \\ud800"}

    assert spelled_inside(said) == {
        "a": "a\\ud800b",
        "a\\ud800b": [1, {"b": "a\\ud800b"}],
        "c": "é 写 😀 \\ud800",
    }


def test_a_job_whose_failure_is_no_text_is_told(services: Services, asking: TestClient) -> None:
    job = asking.post("/v1/jobs", json={"workflow": SOUND}).json()["id"]
    claim = services.store.claim("me", "cpu", 60)
    assert claim is not None
    services.store.fail(job, claim.token, [Problem(address="photo", message=HALF)])

    answers = [asking.get(f"/v1/jobs{more}") for more in ("", f"/{job}", f"/{job}/events")]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[1].json()["error"]["problems"][0]["message"] == "a\\ud800b"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Models in files and folders with such names, and a folder that nobody may look into."""
    (tmp_path / "models").mkdir(exist_ok=True)
    head = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    weights = len(head).to_bytes(8, "little") + head + b"\0" * 4
    (tmp_path / "models" / f"{NAMED}.safetensors").write_bytes(weights)
    (tmp_path / "models" / NAMED).mkdir()
    (tmp_path / "models" / NAMED / "config.json").write_text('{"_class_name": "ControlNetModel"}')
    (tmp_path / "models" / "locked").mkdir(mode=0)
    return tmp_path / "models"


def test_a_model_whose_name_is_no_text_is_listed_as_one_that_cannot_be_used(folder: Path) -> None:
    with unprivileged():
        listed = [model for sort in models([folder]).values() for model in sort]

    assert {model["name"]: model["unfit"] for model in listed if "caf" in model["name"]} == {
        "caf\\udce9": "has a name that is no text in UTF-8; rename it",
        "caf\\udce9.safetensors": "has a name that is no text in UTF-8; rename it",
    }
