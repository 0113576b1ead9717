"""Pickles made safetensors files, by several processes at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from nodes.checkpoints.pickles import converted_file, converted_folder


def at_once(call: Callable[[], object], count: int = 12) -> list[BaseException]:
    """Call something in several threads that begin together; returns what they raised."""
    barrier, raised = threading.Barrier(count), list[BaseException]()

    def one() -> None:
        barrier.wait()
        try:
            call()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    import torch

    (tmp_path / "config.json").write_text(json.dumps({"_class_name": "AutoencoderKL"}))
    torch.save({"a": torch.ones(2)}, tmp_path / "diffusion_pytorch_model.bin")
    return tmp_path


def test_many_may_convert_one_pickle_at_once(folder: Path) -> None:
    from safetensors.torch import load_file

    pickle = folder / "diffusion_pytorch_model.bin"

    raised = at_once(lambda: load_file(converted_file(pickle)))

    assert raised == []


def test_a_folders_configuration_is_whole_whenever_it_is_read(folder: Path) -> None:
    def convert() -> None:
        into = converted_folder(folder, ["diffusion_pytorch_model.bin"])
        assert json.loads((into / "config.json").read_text())
        assert {path.suffix for path in into.iterdir() if path.name[0] != "."} <= {
            ".json", ".safetensors",
        }  # fmt: skip

    raised = at_once(convert)

    assert raised == []
