"""Weights of preprocessors: damaged, or of another network, named by a check and by a run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from nodegraph.errors import UserError
from nodegraph.node import Folders
from nodes.builtin.paths import FOLDER
from nodes.checkpoints.resolve import HereAlone
from nodes.preprocessors import OpenPose, Scribble, SoftEdge, StraightLines
from nodes.surfaces import Depth, NormalMap, Segment

from ..support.pictures import Hand, gradient

FILES: Mapping[str, tuple[Any, str, Path]] = {
    "SoftEdge": (SoftEdge, "ControlNetHED", FOLDER / "hed" / "model.safetensors"),
    "Scribble": (Scribble, "ControlNetHED", FOLDER / "hed" / "model.safetensors"),
    "StraightLines": (StraightLines, "mlsd_large_512_fp32", FOLDER / "mlsd" / "model.safetensors"),
    "OpenPose": (OpenPose, "body_pose_model", FOLDER / "mlsd" / "model.safetensors"),
    "Depth": (Depth, "dpt_hybrid-midas-501f0c75", FOLDER / "mlsd" / "model.safetensors"),
}
DAMAGES: Mapping[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut short": lambda content: content[:-9],
    "a web page": lambda _: b"<!doctype html><p>403",
    "a git-lfs pointer": lambda _: b"version https://git-lfs.github.com/spec/v1\n",
}
HERE = HereAlone(Folders())


def refused(node: Any, folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        node(image=gradient(64, 64), model=str(folder)).run(Hand())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def checked(node: Any, folder: Path) -> list[tuple[str, str]]:
    return list(node.check_files({"model": str(folder)}, HERE))


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", FILES)
def test_a_damaged_file_is_named_by_a_check_and_by_a_run_alike(
    tmp_path: Path, kind: str, damage: str
) -> None:
    node, stem, source = FILES[kind]
    file = tmp_path / f"{stem}.safetensors"
    file.write_bytes(DAMAGES[damage](source.read_bytes()))

    sentence = refused(node, tmp_path)

    assert str(file) in sentence
    assert damage in sentence
    assert checked(node, tmp_path) == [("model", sentence.removeprefix("model: "))]


@pytest.mark.parametrize("node", [SoftEdge, Scribble, StraightLines, OpenPose, Depth, NormalMap])
def test_a_folder_without_weights_is_named_by_a_check(tmp_path: Path, node: Any) -> None:
    sentence = refused(node, tmp_path)

    assert checked(node, tmp_path) == [("model", sentence.removeprefix("model: "))]


@pytest.mark.parametrize("node", [Depth, Segment])
def test_a_folder_of_transformers_is_examined_by_a_check(tmp_path: Path, node: Any) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["Other"]}')

    [(input, message)] = checked(node, tmp_path)

    assert (input, "holds a 'Other', where" in message) == ("model", True)


@pytest.mark.parametrize("change", ["missing", "left over", "reshaped"])
@pytest.mark.parametrize("kind", ["SoftEdge", "StraightLines"])
def test_tensors_that_are_not_the_networks_are_named(
    tmp_path: Path, kind: str, change: str
) -> None:
    from safetensors.torch import load_file, save_file

    node, stem, source = FILES[kind]
    tensors = load_file(source)
    key = max(key for key in tensors if key.endswith("bias"))
    if change == "missing":
        del tensors[key]
    elif change == "reshaped":
        tensors[key] = tensors[key][:-1].clone()
    else:
        key = "somebody.scale"
        tensors[key] = tensors[max(tensors)].clone()
    save_file(tensors, tmp_path / f"{stem}.safetensors")

    sentence = refused(node, tmp_path)

    assert f"{stem}.safetensors holds another network's weights: " in sentence
    assert key in sentence


@pytest.mark.parametrize("node", [SoftEdge, Scribble, StraightLines, OpenPose, Depth, Segment])
def test_what_is_built_in_or_not_here_is_no_mistake(node: Any, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path)
    default = node.model_fields["model"].default

    for model in (default, "some/repository", str(tmp_path)):
        assert list(node.check_files({"model": model}, HERE)) == []
