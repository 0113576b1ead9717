"""Paths of models: beside the workflow as pictures are, and as Windows writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodegraph.errors import UserError
from nodegraph.node import Folders
from nodes.checkpoints.resolve import find_local, resolve

from ..support.pictures import Hand


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """Two folders of data, beside the current one; each has models of its own."""
    for place in ("beside", "inputs", "here"):
        (tmp_path / place / "models").mkdir(parents=True)
        (tmp_path / place / "models" / f"{place}.safetensors").write_bytes(b"x")
        (tmp_path / place / "models" / "all.safetensors").write_bytes(b"x")
    monkeypatch.chdir(tmp_path / "here")
    return Folders((tmp_path / "beside", tmp_path / "inputs"))


@pytest.mark.parametrize("slash", ["/", "\\"])
@pytest.mark.parametrize(
    ("name", "place"),
    [("beside", "beside"), ("inputs", "inputs"), ("here", "here"), ("all", "beside")],
)
def test_a_relative_path_is_looked_for_where_pictures_are_then_here(
    folders: Folders, tmp_path: Path, name: str, place: str, slash: str
) -> None:
    found = find_local(f"models{slash}{name}.safetensors", folders)

    assert found is not None
    assert found.resolve() == tmp_path / place / "models" / f"{name}.safetensors"


@pytest.mark.parametrize("slash", ["/", "\\"])
def test_a_server_looks_in_its_model_folders_alone(
    folders: Folders, tmp_path: Path, slash: str
) -> None:
    server = Folders(folders.data, models=(tmp_path / "inputs",))

    assert find_local(f"models{slash}inputs.safetensors", server) is not None
    assert find_local(f"models{slash}beside.safetensors", server) is None
    assert find_local(f"..{slash}beside{slash}models{slash}beside.safetensors", server) is None


def test_a_path_that_leads_nowhere_is_named_with_every_place(
    folders: Folders, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        resolve(r"models\none.safetensors", "base model", "", "", Hand(folders=folders))

    places = [tmp_path / place / "models" / "none.safetensors" for place in
              ("beside", "inputs", "here")]  # fmt: skip
    assert str(caught.value) == (
        r"model: no file or folder 'models\\none.safetensors'; looked for "
        + ", ".join(repr(str(place)) for place in places)
    )
