"""Every part of every kind of model: absent, empty, cut short, something else, or with too much."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from nodegraph.errors import UserError
from nodegraph.node import Folders
from nodes.checkpoints.headers import read_header
from nodes.checkpoints.names import Role
from nodes.checkpoints.resolve import HereAlone
from nodes.library.catalogue import misfit
from nodes.models import LoadBaseModel, LoadControlNet, LoadEmbedding, LoadLoRA
from nodes.weights.reference import tokenizer

from ..support.weights import TINY, Bench, save_both_forms

BENCH = Bench()
PAGE = b"<!DOCTYPE html><html><body>403 Forbidden</body></html>"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n"
Damage = Callable[[Path], object]


def make_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGES: Mapping[str, Damage] = {
    "absent": Path.unlink,
    "a folder": make_folder,
    "empty": lambda file: rewrite(file, b""),
    "cut short": lambda file: rewrite(file, file.read_bytes()[: file.stat().st_size // 2]),
    "a web page": lambda file: rewrite(file, PAGE),
    "a pointer": lambda file: rewrite(file, POINTER),
    "an empty list": lambda file: rewrite(file, b"[]"),
    "an empty object": lambda file: rewrite(file, b"{}"),
}
WEIGHTS = "diffusion_pytorch_model.safetensors"
VOCABULARY = ("vocab.json", "merges.txt")
# Schedulers have a default for every setting, and a model may say nothing of its own.
HARMLESS = {("scheduler/scheduler_config.json", "an empty object")}


def rewrite(file: Path, content: bytes) -> None:
    file.unlink()  # it is a link to a file that others have
    file.write_bytes(content)


def copied(folder: Path, into: Path) -> Path:
    """A copy whose files are links, so that only what is damaged is written."""
    return Path(shutil.copytree(folder, into, copy_function=os.link))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models in every form, among them a base model whose vocabulary is in two files."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(TINY / "base", folder / "tiny")
    shutil.copytree(TINY / "base", folder / "pair")
    (folder / "pair" / "tokenizer" / "tokenizer.json").unlink()
    shutil.copytree(TINY / "controlnet-canny", folder / "tiny-net")
    shutil.copy(TINY / "ink.safetensors", folder)
    return save_both_forms(folder)


def refused(load: Callable[[], object]) -> str:
    """The one sentence that a model is refused with."""
    with pytest.raises(UserError) as caught:
        load()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def bare(sentence: str, path: Path) -> str:
    """A sentence without the address and the model's name, which a check puts before it."""
    for address in ("model: ", "lora: "):
        sentence = sentence.removeprefix(address)
    return sentence.removeprefix(f"{str(path)!r} ")


def base(path: Path) -> Callable[[], object]:
    return lambda: LoadBaseModel(model=str(path)).run(BENCH)


def controlnet(path: Path) -> Callable[[], object]:
    return lambda: LoadControlNet(model=str(path)).run(BENCH)


def lora(path: Path) -> Callable[[], object]:
    model = LoadBaseModel(model="tiny").run(BENCH).model
    return lambda: LoadLoRA(model=model, lora=str(path)).run(BENCH)


PARTS = [
    "model_index.json",
    "scheduler/scheduler_config.json",
    "tokenizer/tokenizer_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "unet/config.json",
    f"unet/{WEIGHTS}",
    "vae/config.json",
    f"vae/{WEIGHTS}",
]


@pytest.mark.parametrize(
    ("form", "part", "damage"),
    [
        *product(["tiny"], [*PARTS, "tokenizer/tokenizer.json"], DAMAGES),
        *product(["pair"], [f"tokenizer/{name}" for name in VOCABULARY], DAMAGES),
    ],
)
def test_a_damaged_part_of_a_base_model_is_named_before_anything_is_loaded(
    models: Path, tmp_path: Path, form: str, part: str, damage: str
) -> None:
    folder = copied(models / form, tmp_path / "model")
    DAMAGES[damage](folder / part)

    checked = misfit(str(folder), "base model", HereAlone(Folders()))
    if (part, damage) in HARMLESS or _says_nothing_new(part, damage):
        base(folder)()
        assert checked == ""
        return
    sentence = refused(base(folder))

    # A check says the same without a run.
    assert checked == bare(sentence, folder)

    assert str((folder / part).parent) in sentence or "vae" in sentence
    assert Path(part).stem in sentence or damage in ("absent", "a folder", "an empty object")


def _says_nothing_new(part: str, damage: str) -> bool:
    """Of the vocabulary, its settings may be the usual ones, and two files may be in the one."""
    if part == "tokenizer/tokenizer_config.json":
        return damage in ("absent", "a folder", "an empty object")
    return part == "tokenizer/tokenizer.json" and damage in ("absent", "a folder")


@pytest.mark.parametrize("part", [f"unet/{WEIGHTS}", "text_encoder/model.safetensors"])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_weights_that_end_in_zeros_where_a_download_broke_off_are_damaged(
    models: Path, tmp_path: Path, part: str, share: float
) -> None:
    """Room for all of a file is taken before a download begins: its length is right."""
    folder = copied(models / "tiny", tmp_path / "model")
    whole = (folder / part).read_bytes()
    there = int(len(whole) * share)
    rewrite(folder / part, whole[:there] + bytes(len(whole) - there))

    sentence = refused(base(folder))

    assert f"{str(folder / part)!r} is damaged or no .safetensors file: its last " in sentence
    assert "bytes are zeros, never written; fetch the file again" in sentence
    assert misfit(str(folder), "base model", HereAlone(Folders())) == bare(sentence, folder)


@pytest.mark.parametrize("zeros", [("b",), ("a", "b")])
def test_a_layer_that_begins_with_zeros_is_no_damage(tmp_path: Path, zeros: Sequence[str]) -> None:
    """As the last layers of a LoRA or a ControlNet do before it is trained."""
    weights = {"a": np.ones((256, 256), np.float32), "b": np.ones((256, 256), np.float32)}
    save_file(
        {**weights, **{name: weights[name] * 0 for name in zeros}}, tmp_path / "x.safetensors"
    )

    assert set(read_header(tmp_path / "x.safetensors").shapes) == {"a", "b"}


@pytest.mark.parametrize(
    "names", [(), ("tokenizer_config.json",), ("vocab.json",), ("merges.txt",)]
)
@pytest.mark.parametrize("form", ["folder", "one file"])
def test_a_vocabulary_of_which_a_part_is_missing_is_named(
    models: Path, tmp_path: Path, names: tuple[str, ...], form: str
) -> None:
    if form == "folder":
        path = copied(models / "tiny", tmp_path / "model")
        words = path / "tokenizer"
    else:
        path = Path(shutil.copy(models / "base.safetensors", tmp_path))
        words = copied(models / "tokenizer", tmp_path / "tokenizer")
    for file in words.iterdir():
        if file.name not in names:
            file.unlink()

    assert f"the tokenizer's folder {str(words)!r} has no " in refused(base(path))


def test_a_base_model_without_the_folder_of_its_vocabulary_is_named(
    models: Path, tmp_path: Path
) -> None:
    folder = copied(models / "tiny", tmp_path / "model")
    shutil.rmtree(folder / "tokenizer")

    assert f"there is no folder {str(folder / 'tokenizer')!r}" in refused(base(folder))


@pytest.mark.parametrize("lines", [1, 5, 200])
def test_a_vocabulary_that_ends_early_is_named(models: Path, tmp_path: Path, lines: int) -> None:
    """Cut between two lines, the file is a whole one, only of a smaller vocabulary."""
    folder = copied(models / "pair", tmp_path / "model")
    merges = folder / "tokenizer" / "merges.txt"
    rewrite(merges, b"\n".join(merges.read_bytes().split(b"\n")[: -lines - 1]) + b"\n")

    assert f"{str(merges)!r} is not whole: it does not say how " in refused(base(folder))


def test_the_vocabulary_of_a_larger_model_is_named(models: Path, tmp_path: Path) -> None:
    folder = copied(models / "pair", tmp_path / "model")
    vocabulary = folder / "tokenizer" / "vocab.json"
    words = json.loads(vocabulary.read_text())
    rewrite(vocabulary, json.dumps({**words, "<|more|>": len(words)}).encode())

    assert "has tokens up to 762, but the text encoder knows 762" in refused(base(folder))


@pytest.mark.parametrize("form", ["tiny", "pair"])
def test_a_whole_vocabulary_is_read_alike_from_one_file_and_from_two(
    models: Path, form: str
) -> None:
    words = "a red circle, beside 2 BLUE squares!"

    tokens = tokenizer(str(models / form / "tokenizer"))(words).input_ids

    assert tokens == tokenizer(str(TINY / "base" / "tokenizer"))(words).input_ids
    assert len(set(tokens)) > 8


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("part", ["config.json", WEIGHTS])
def test_a_damaged_part_of_a_controlnet_is_named(
    models: Path, tmp_path: Path, part: str, damage: str
) -> None:
    folder = copied(models / "tiny-net", tmp_path / "net")
    DAMAGES[damage](folder / part)

    sentence = refused(controlnet(folder))

    assert str(folder) in sentence
    checked = misfit(str(folder), "ControlNet", HereAlone(Folders()))
    assert checked == bare(sentence, folder)


LOADERS: Mapping[str, tuple[str, Callable[[Path], Callable[[], object]]]] = {
    "LoadBaseModel": ("base.safetensors", base),
    "LoadControlNet": ("net.safetensors", controlnet),
    "LoadLoRA": ("ink.safetensors", lora),
}


ROLES: Mapping[str, Role] = {
    "LoadBaseModel": "base model",
    "LoadControlNet": "ControlNet",
    "LoadLoRA": "LoRA",
}


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name != "absent"])
@pytest.mark.parametrize("loader", LOADERS)
def test_a_damaged_file_is_named(models: Path, tmp_path: Path, loader: str, damage: str) -> None:
    name, load = LOADERS[loader]
    os.link(models / name, tmp_path / name)
    shutil.copytree(models / "tokenizer", tmp_path / "tokenizer")
    DAMAGES[damage](tmp_path / name)

    sentence = refused(load(tmp_path / name))

    assert str(tmp_path / name) in sentence
    checked = misfit(str(tmp_path / name), ROLES[loader], HereAlone(Folders()))
    assert checked == bare(sentence, tmp_path / name)


def _settings() -> Iterator[tuple[str, str]]:
    from nodes.checkpoints.folders import _SETTINGS

    for part in ("text_encoder", "unet", "vae"):
        yield from product([part], _SETTINGS[part])


@pytest.mark.parametrize(("part", "setting"), _settings())
def test_a_setting_that_a_library_would_make_up_is_named(
    models: Path, tmp_path: Path, part: str, setting: str
) -> None:
    folder = copied(models / "tiny", tmp_path / "model")
    file = folder / part / "config.json"
    config = json.loads(file.read_text())

    rewrite(file, json.dumps({k: v for k, v in config.items() if k != setting}).encode())
    missing = refused(base(folder))
    rewrite(file, json.dumps({**config, setting: "nine"}).encode())
    wrong = refused(base(folder))

    assert missing == f"{str(file)!r} is not whole: it has no {setting}"
    assert wrong == f"{str(file)!r} has {setting} = 'nine', which no model has"


# Tensors of one part, changed in a file or folder

UNET, VAE = "model.diffusion_model.", "first_stage_model."
TEXT = "cond_stage_model.transformer.text_model."
FILES = {
    ("unet", "tiny"): (f"unet/{WEIGHTS}", ""),
    ("vae", "tiny"): (f"vae/{WEIGHTS}", ""),
    ("text encoder", "tiny"): ("text_encoder/model.safetensors", ""),
    ("unet", "base.safetensors"): ("", UNET),
    ("vae", "base.safetensors"): ("", VAE),
    ("text encoder", "base.safetensors"): ("", TEXT),
    ("controlnet", "tiny-net"): (WEIGHTS, ""),
    ("controlnet", "net.safetensors"): ("", "control_model."),
}


def _missing(tensors: dict[str, Any], prefix: str) -> tuple[str, str]:
    key = max(key for key in tensors if key.startswith(prefix) and key.endswith("bias"))
    del tensors[key]
    return "", "is missing"


def _reshaped(tensors: dict[str, Any], prefix: str) -> tuple[str, str]:
    key = max(key for key in tensors if key.startswith(prefix) and key.endswith("bias"))
    tensors[key] = tensors[key][:-1].clone()
    return "", f"is {len(tensors[key])}, not {len(tensors[key]) + 1}"


def _left_over(tensors: dict[str, Any], prefix: str) -> tuple[str, str]:
    key = f"{prefix}somebody.else.weight"
    tensors[key] = next(iter(tensors.values())).clone()
    return key, "no layer takes its "


@pytest.mark.parametrize("change", [_missing, _reshaped, _left_over])
@pytest.mark.parametrize(("part", "form"), FILES)
def test_tensors_that_are_not_a_networks_are_named_before_it_is_loaded(
    models: Path,
    tmp_path: Path,
    part: str,
    form: str,
    change: Callable[[dict[str, Any], str], tuple[str, str]],
) -> None:
    from safetensors.torch import load_file, save_file

    inner, prefix = FILES[part, form]
    if inner:
        path = copied(models / form, tmp_path / "model")
        file = path / inner
    else:
        path = file = tmp_path / form
        os.link(models / form, file)
        shutil.copytree(models / "tokenizer", tmp_path / "tokenizer")
    tensors = load_file(file)
    file.unlink()
    key, problem = change(tensors, prefix)
    save_file(tensors, file)

    sentence = refused((controlnet if part == "controlnet" else base)(path))

    assert key in sentence
    assert problem in sentence


def test_a_part_of_weights_in_several_files_that_is_missing_is_named(
    models: Path, tmp_path: Path
) -> None:
    from diffusers import UNet2DConditionModel

    folder = copied(models / "tiny", tmp_path / "model")
    net = UNet2DConditionModel.from_pretrained(folder / "unet", local_files_only=True)
    (folder / "unet" / WEIGHTS).unlink()
    net.save_pretrained(folder / "unet", max_shard_size="4MB")
    base(folder)()
    first, *_ = sorted((folder / "unet").glob("*.safetensors"))
    first.unlink()

    assert f"{str(folder / 'unet')!r} has no {first.name}, a part" in refused(base(folder))


def test_an_embedding_that_is_none_is_named(tmp_path: Path) -> None:
    model = LoadBaseModel(model="tiny").run(BENCH).model
    for damage in DAMAGES:
        if damage != "absent":
            file = tmp_path / "x.safetensors"
            shutil.copy(TINY / "ink.safetensors", file)
            DAMAGES[damage](file)
            node = LoadEmbedding(model=model, embedding=str(file))
            assert refused(lambda node=node: node.run(BENCH)).startswith("embedding: ")  # type: ignore[misc]
            shutil.rmtree(file) if file.is_dir() else file.unlink()
