"""Names of models that somebody sends: nothing outside the model folders can be reached."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from nodegraph.base.safe_paths import safe_path_below
from nodegraph.errors import NotFetchedError, UserError
from nodegraph.node import Context, Folders
from nodegraph.settings import Compute
from nodegraph.web.services import Services
from nodegraph.worker.options import Options
from nodes.checkpoints.names import BUILT_IN, Role
from nodes.checkpoints.resolve import no_such_model
from nodes.detectors import depth as _surfaces
from nodes.detectors import lines as _lines
from nodes.detectors import openpose as _pose_nets
from nodes.detectors import transformers as _transformers
from nodes.library import addons as _addons
from nodes.library.catalogue import models
from nodes.models import LoadBaseModel, LoadControlNet

from ..support.serving import client, serving
from ..support.weights import TINY, Bench
from ..support.working import service

SECRET = "secret.safetensors"
OFFLINE = Bench(allow=frozenset({"offline"}))


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whole models and a data folder beside them, in whose model folder links lead to them."""
    top = tmp_path_factory.mktemp("models")
    shutil.copytree(TINY / "base", top / "base")
    shutil.copy(TINY / "ink.safetensors", top / SECRET)
    folder = top / "data" / "models"
    shutil.copytree(TINY / "controlnet-canny", folder / "nets" / "my canny (v2)")
    shutil.copy(TINY / "ink.safetensors", folder / "ink.safetensors")
    (folder / "linked").symlink_to(top / "base")
    (folder / "linked.safetensors").symlink_to(top / SECRET)
    (folder / "mixed").mkdir()
    shutil.copy(top / "base" / "model_index.json", folder / "mixed")
    for part in ("unet", "vae", "text_encoder", "tokenizer", "scheduler"):
        (folder / "mixed" / part).symlink_to(top / "base" / part)
    return top


@pytest.fixture(scope="module")
def services(top: Path) -> Iterator[Services]:
    with serving(top / "data") as parts:
        yield parts


@pytest.fixture(scope="module")
def asking(services: Services) -> Iterator[TestClient]:
    with client(services) as asking:
        yield asking


def hostile(top: Path) -> list[str]:
    """Names that lead out of the model folder, of what is there and of what is not."""
    up = os.path.relpath(top, top / "data" / "models")
    return [
        str(top / "base"), str(top / "nobody"), str(top / SECRET), str(top / "none.safetensors"),
        str(top / "data" / "models" / "ink.safetensors"), f"{up}/base", f"{up}/nobody",
        f"{up}/{SECRET}", f"{up}/none.safetensors", f"nets/../{up}/base", f"./{up}/base",
        "..", ".", "./", "/", "//", "/etc/passwd", "/etc/nobody", "/dev/zero", "/proc/self/environ",
        "~", "~/model.safetensors", "~root", "~nobody/x", "../models/ink.safetensors",
        "linked", "linked.safetensors", "mixed", "linked/unet/x", "none", "none.safetensors",
        "nets/../ink.safetensors", "./ink.safetensors", "nets//my canny (v2)", "ink.safetensors/",
        "a/..", "../secret", "..\\secret", "C:", "C:\\models\\x.safetensors", "C:secret",
        "\\\\host\\share", "\\\\?\\C:\\x", "ink.safetensors::$DATA", "%2e%2e%2fsecret", "..%00",
        "ink.safetensors\0", "\n", "ink.safetensors\n", "ink.safetensors ", "ink.safetensors.",
        "CON", "nul.safetensors", "a" * 300, "a" * 6000, "a/" * 2000 + "b", "\u2025/secret/x",
        "file:///etc/passwd", "http://127.0.0.1/x.safetensors",
    ]  # fmt: skip


def bench(top: Path) -> Context:
    """What a node of a server is given."""
    folders = Folders(models=(top / "data" / "models",))
    return Bench(folders=folders, allow=frozenset({"offline"}))


LOOKING: dict[str, Callable[[str, Context], object]] = {
    "LoadBaseModel": lambda name, context: LoadBaseModel(model=name).stamp(context),
    "LoadControlNet": lambda name, context: LoadControlNet(model=name).stamp(context),
    "LoadLoRA": lambda name, context: _addons.find_addon(name, "LoRA", "", "", context),
    "LoadEmbedding": lambda name, context: _addons.find_addon(name, "embedding", "", "", context),
    "SoftEdge": _lines.hed,
    "StraightLines": _lines.mlsd,
    "OpenPose": lambda name, context: _pose_nets.find_network(name, "body", context),
    "Depth": _surfaces.stamp,
    "Segment": lambda name, context: _transformers.find_model(name, "seg", context),
}


@pytest.mark.parametrize("kind", LOOKING)
def test_what_is_elsewhere_cannot_be_told_from_what_is_nowhere(top: Path, kind: str) -> None:
    said = set()
    for name in hostile(top):
        with pytest.raises(UserError) as caught:
            LOOKING[kind](name, bench(top))
        said.add(str(caught.value))

    assert len(hostile(top)) >= 50
    [sentence] = said
    assert "there is no such model; give " in sentence
    assert sentence.endswith("or a file or folder in the server's model folders")


@pytest.mark.parametrize("kind", ["LoadBaseModel", "LoadControlNet"])
def test_over_http_too_there_is_one_answer(asking: TestClient, top: Path, kind: str) -> None:
    names = [name for name in hostile(top) if "\0" not in name]  # which is no JSON of ours
    calls = [{"type": kind, "values": {"model": name}} for name in names]
    document = {"format": 1, "nodes": {f"a{n}": call for n, call in enumerate(calls)}}

    explained = asking.post("/v1/explain", json={"workflow": document})
    checked = asking.post("/v1/check", json={"workflow": document})

    assert {(line["state"], line["why"]) for line in explained.json()["lines"]} == {
        ("fails", f"model: {no_such_model('x', BUILT_IN[_role(kind)])}")
    }
    assert checked.json() == {"ok": True, "problems": [], "warnings": [], "ends": {}}
    assert str(top) not in explained.text + checked.text


@pytest.mark.slow
def test_a_job_is_told_the_same(top: Path, tmp_path: Path, url: str) -> None:
    names = hostile(top)[:33]
    nodes: dict[str, Any] = {"base": {"type": "LoadBaseModel"}}
    for n, name in enumerate(names):
        nodes[f"b{n}"] = {"type": "LoadBaseModel", "values": {"model": name}}
        nodes[f"c{n}"] = {"type": "LoadControlNet", "values": {"model": name}}
        nodes[f"l{n}"] = {
            "type": "LoadLoRA", "values": {"lora": name}, "links": {"model": "base.model"},
        }  # fmt: skip
    compute = Compute("cpu", "float32", models=(top / "data" / "models",))
    options = Options(compute, cache=tmp_path / "cache")

    with service(url, tmp_path, options) as running:
        error = running.ended(running.order(nodes, {})).error

    assert error is not None
    problems = error["problems"]
    assert len(problems) == 99
    for letter, role, at in (
        ("b", "base model", "model"), ("c", "ControlNet", "model"), ("l", "LoRA", "lora"),
    ):  # fmt: skip
        said = {one["message"] for one in problems if one["address"].startswith(letter)}
        assert said == {f"{at}: {no_such_model('x', BUILT_IN[role])}"}  # type: ignore[index]


def test_what_is_in_a_model_folder_is_found_by_its_name(top: Path) -> None:
    lora = _addons.find_addon("ink.safetensors", "LoRA", "", "", bench(top))
    net = LoadControlNet(model="nets/my canny (v2)").run(bench(top)).controlnet

    assert lora.place == top / "data" / "models" / "ink.safetensors"
    assert net.net.key == LoadControlNet(model="tiny-canny").run(Bench()).controlnet.net.key


def test_a_name_that_is_nearly_built_in_is_still_corrected(top: Path) -> None:
    with pytest.raises(UserError, match=r"; did you mean 'tiny-canny'\?$"):
        LoadControlNet(model="tiny-cany").stamp(bench(top))


def test_the_person_at_the_machine_may_name_any_path(top: Path) -> None:
    assert LoadBaseModel(model=str(top / "base")).stamp(Bench())
    with pytest.raises(UserError, match="model: no file or folder '~nobody-at-all/x'"):
        LoadBaseModel(model="~nobody-at-all/x").stamp(Bench())
    with pytest.raises(UserError, match="model: "):
        LoadBaseModel(model="a" * 6000).stamp(Bench())


def test_models_in_the_folders_are_listed_by_what_they_are(top: Path) -> None:
    shutil.copytree(TINY / "base", top / "more" / "sd15")
    found = models([top / "data" / "models", top / "more"])
    own = {sort: [m["name"] for m in named if not m["built_in"]] for sort, named in found.items()}

    assert (own["base"], own["controlnet"], own["lora"]) == (
        ["sd15"], ["nets/my canny (v2)"], ["ink.safetensors"],
    )  # fmt: skip


def test_the_first_folder_that_has_it_counts(tmp_path: Path) -> None:
    for each in ("a", "b"):
        (tmp_path / each).mkdir()
        (tmp_path / each / "both").touch()
    (tmp_path / "b" / "one").touch()
    folders = [tmp_path / "a", tmp_path / "nobody", tmp_path / "b"]

    assert safe_path_below(folders, "both") == tmp_path / "a" / "both"
    assert safe_path_below(folders, "one") == tmp_path / "b" / "one"
    assert safe_path_below(folders, "none") is None


@pytest.mark.parametrize(
    "revision",
    [
        "/dev/zero",
        "../../../../../../dev/zero",
        "..",
        "a/../../b",
        "/etc/passwd",
        "a\0b",
        "a\n",
        " ",
    ],
)
def test_a_revision_is_no_path(revision: str) -> None:
    """The hub's library reads the file of this name: /dev/zero would never end."""
    with pytest.raises(UserError, match=r"^revision: .* is no branch, tag or commit"):
        LoadBaseModel(model="nobody/base", revision=revision).stamp(OFFLINE)


@pytest.mark.parametrize("revision", ["main", "refs/pr/1", "v1.5", "a" * 40, "feature/x_y-z"])
def test_a_revision_is_a_branch_a_tag_or_a_commit(revision: str) -> None:
    with pytest.raises(NotFetchedError):
        LoadBaseModel(model="nobody/base", revision=revision).stamp(OFFLINE)


def _role(kind: str) -> Role:
    return "ControlNet" if kind == "LoadControlNet" else "base model"
