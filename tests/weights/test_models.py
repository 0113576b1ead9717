"""Models are found by name, folder and file; what could run code or does not fit is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from nodegraph.errors import UserError
from nodegraph.node import Node
from nodes.checkpoints.folders import pick_weights
from nodes.checkpoints.hub import files_to_fetch, missing_part
from nodes.checkpoints.names import BUILT_IN, ControlKind, Role, conditioning_of, family_of
from nodes.models import LoadBaseModel, LoadControlNet, LoadEmbedding, LoadLoRA
from nodes.types import ControlNetModel, DiffusionModel
from nodes.weights.reference import Weights

from ..support.weights import TINY, Bench

WEIGHTS = {".safetensors", ".onnx"}
PICKLES = Bench(allow=frozenset({"pickle"}))


@pytest.fixture
def spoiled(tmp_path: Path) -> Path:
    """A copy of the tiny base model, to be spoiled."""
    return Path(shutil.copytree(TINY / "base", tmp_path / "base"))


@pytest.mark.parametrize(
    ("version", "size", "side"),
    [("0.6.0.dev0", 32, 512), ("0.8.1", 96, 768), ("0.9.0", 32, 256), ("0.42.1", 16, 128)],
)
def test_a_size_that_old_versions_wrote_by_default_is_corrected(
    spoiled: Path, version: str, size: int, side: int
) -> None:
    file = spoiled / "unet" / "config.json"
    config = {**json.loads(file.read_text()), "_diffusers_version": version, "sample_size": size}
    file.write_text(json.dumps(config))

    assert base(spoiled).size == side


def base(model: str | Path, bench: Bench | None = None, **inputs: Any) -> DiffusionModel:
    return LoadBaseModel(model=str(model), **inputs).run(bench or Bench()).model


def controlnet(model: str | Path, bench: Bench | None = None, **inputs: Any) -> ControlNetModel:
    return LoadControlNet(model=str(model), **inputs).run(bench or Bench()).controlnet


def refused(model: str | Path) -> str:
    with pytest.raises(UserError) as caught:
        base(model)
    return str(caught.value)


def weights_of(ref: Weights, dtype: str = "float32") -> dict[str, Any]:
    return dict(ref.load("cpu", dtype).state_dict())


def assert_equal(expected: Weights, actual: Weights) -> None:
    import torch

    torch.testing.assert_close(weights_of(actual), weights_of(expected), rtol=0, atol=0)


def test_the_tiny_model_tells_what_it_is() -> None:
    model = base("tiny")

    assert (model.shape.family, model.shape.channels, model.factor, model.size) == (
        "tiny",
        8,
        8,
        128,
    )


@pytest.mark.parametrize("kind", get_args(ControlKind))
def test_a_tiny_controlnet_knows_what_it_reads(kind: ControlKind) -> None:
    assert controlnet(f"tiny-{kind}").conditioning == kind


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=f"{role} {name}")
        for role, names in BUILT_IN.items()
        for name, path in names.items()
    ],
)
def test_every_built_in_name_has_its_weights(path: Path) -> None:
    assert any(file.suffix == ".safetensors" for file in (path, *path.rglob("*")) if file.is_file())


def test_the_tiny_family_is_small() -> None:
    files = [path for path in TINY.rglob("*") if path.suffix in WEIGHTS]

    assert sum(path.stat().st_size for path in files) < 90e6


@pytest.mark.parametrize(
    ("node", "input", "role"),
    [
        (LoadBaseModel, "model", "base model"),
        (LoadControlNet, "model", "ControlNet"),
        (LoadLoRA, "lora", "LoRA"),
    ],
)
def test_a_loader_names_all_that_is_built_in(node: type[Node], input: str, role: Role) -> None:
    described = str(node.model_fields[input].description)

    assert described.split(", ")[: len(BUILT_IN[role])] == list(BUILT_IN[role])


def test_weights_are_loaded_in_the_width_that_is_asked_for() -> None:
    import torch

    widths = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    model = base("tiny", dtype="bfloat16")

    loaded = {weight.dtype for weight in weights_of(model.text_encoder, "float32").values()}

    assert loaded == {widths["bfloat16"]}
    assert next(base("tiny").unet.load("cpu", "float32").parameters()).dtype is widths["float32"]


def test_a_width_of_its_own_makes_other_weights() -> None:
    assert base("tiny").unet.key != base("tiny", dtype="bfloat16").unet.key


@pytest.mark.parametrize("part", ["text_encoder", "unet", "vae"])
def test_one_file_holds_what_the_folder_holds(saved: Path, part: str) -> None:
    folder, file = base(saved / "base"), base(saved / "base.safetensors")

    assert_equal(getattr(folder, part), getattr(file, part))


def test_one_file_tells_the_same_about_a_model_as_the_folder(saved: Path) -> None:
    folder, file = base(saved / "base"), base(saved / "base.safetensors")

    assert (folder.shape, folder.factor) == (file.shape, file.factor)


def test_a_controlnet_in_one_file_is_the_one_in_the_folder(saved: Path) -> None:
    folder, file = controlnet(saved / "net"), controlnet(saved / "net.safetensors")

    assert folder.shape == file.shape
    assert_equal(folder.net, file.net)


def test_a_file_without_vocabulary_says_how_to_get_one(saved: Path, tmp_path: Path) -> None:
    alone = Path(shutil.copy(saved / "base.safetensors", tmp_path))

    assert "put a tokenizer folder beside it" in refused(alone)


def test_a_changed_file_changes_the_stamp(spoiled: Path) -> None:
    node = LoadBaseModel(model=str(spoiled))
    before = node.stamp(Bench())
    weights = spoiled / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")

    assert node.stamp(Bench()) != before


def test_pickles_are_refused_until_they_are_allowed(spoiled: Path, cache_folder: Path) -> None:
    pickled(spoiled / "unet")

    assert "is a pickle, which can run code" in refused(spoiled)
    assert_equal(base("tiny").unet, base(spoiled, PICKLES).unet)
    assert list((cache_folder / "converted").rglob("*.safetensors"))


def test_a_pickled_checkpoint_is_read_once_it_is_allowed(saved: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    file = tmp_path / "base.CKPT"
    torch.save({"state_dict": load_file(saved / "base.safetensors"), "step": 7}, file)
    shutil.copytree(saved / "tokenizer", tmp_path / "tokenizer")

    assert "is a pickle" in refused(file)
    assert_equal(base(saved / "base").vae, base(file, PICKLES).vae)


def test_a_pickle_that_would_run_code_is_refused_even_when_pickles_are_allowed(
    tmp_path: Path,
) -> None:
    import torch

    torch.save({"state_dict": {"weight": Harm()}}, tmp_path / "evil.ckpt")

    with pytest.raises(UserError, match="holds more than weights"):
        base(tmp_path / "evil.ckpt", PICKLES)
    assert not Path("harmed").exists()


class Harm:
    """Does harm when it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("harmed"),)


def pickled(folder: Path) -> None:
    import torch
    from safetensors.torch import load_file

    weights = folder / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(weights), folder / "diffusion_pytorch_model.bin")
    weights.unlink()


def edit(file: Path, **changes: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        (
            "model_index.json",
            {"_class_name": "EvilPipeline"},
            "is a 'EvilPipeline'; what can be loaded",
        ),
        ("model_index.json", {"unet": ["evil", "UNet"]}, "refused unet = ['evil', 'UNet']"),
        ("model_index.json", {"extra": ["diffusers", "X"]}, "refused extra = ['diffusers', 'X']"),
        ("unet/config.json", {"_class_name": "Evil"}, "holds a 'Evil', where UNet2DConditionModel"),
        (
            "vae/config.json",
            {"auto_map": {"AutoModel": "x.y"}},
            "asks for code of its own (auto_map)",
        ),
        ("unet/config.json", {"in_channels": 9}, "takes more than latents (9 channels)"),
        (
            "unet/config.json",
            {"addition_embed_type": "text_time"},
            "of a family that is not supported",
        ),
    ],
)
def test_folders_are_checked_before_diffusers_sees_them(
    spoiled: Path, file: str, changes: dict[str, object], message: str
) -> None:
    edit(spoiled / file, **changes)

    assert message in refused(spoiled)


def test_a_folder_that_brings_code_along_is_refused(spoiled: Path) -> None:
    (spoiled / "pipeline.py").write_text("")

    assert "brings code along (pipeline.py); that is never run" in refused(spoiled)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("tinny", "model: no 'tinny'; did you mean 'tiny'?"),
        ("./nowhere", "model: no file or folder './nowhere'"),
        ("nowhere.safetensors", "model: no file or folder 'nowhere.safetensors'"),
        ("some/model", "fetch it where it can (hf download some/model)"),
        ("some/model", "or use 'tiny', which needs no network"),
    ],
)
def test_an_unknown_model_is_named_with_what_would_work(model: str, message: str) -> None:
    assert message in refused(model)


@pytest.mark.parametrize(
    ("model", "instead"),
    [("lllyasviel/sd-controlnet-depth", "tiny-depth"), ("some/net", "tiny-canny")],
)
def test_the_built_in_controlnet_of_the_same_kind_is_offered_where_the_hub_is_out_of_reach(
    model: str, instead: str
) -> None:
    with pytest.raises(UserError, match=f"or use '{instead}', which needs no network"):
        controlnet(model)


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    file = tmp_path / "noise.safetensors"
    file.write_bytes(b"noise")

    assert "is damaged or no .safetensors file" in refused(file)


@pytest.mark.parametrize(
    ("variant", "pickle", "chosen"),
    [
        ("", False, ["model.safetensors"]),
        ("fp16", False, ["model.fp16.safetensors"]),
        ("bf16", False, ["model.safetensors"]),
        ("", True, ["model.safetensors"]),
    ],
)
def test_the_weights_of_a_variant_are_picked(variant: str, pickle: bool, chosen: list[str]) -> None:
    names = ["config.json", "model.safetensors", "model.fp16.safetensors", "pytorch_model.bin"]

    assert pick_weights(names, variant, pickle=pickle) == chosen


def test_only_the_files_that_are_needed_are_fetched() -> None:
    parts = ("text_encoder", "unet", "vae")
    names = [
        "model_index.json",
        "big.ckpt",
        "scheduler/scheduler_config.json",
        "tokenizer/vocab.json",
        "tokenizer/merges.txt",
        "tokenizer/added_tokens.json",
    ]
    for part in parts:
        names += [f"{part}/config.json", f"{part}/model.safetensors", f"{part}/pytorch_model.bin"]

    expected = set(names) - {"big.ckpt"} - {f"{part}/pytorch_model.bin" for part in parts}
    assert set(files_to_fetch(names, "base model", "", pickle=False)) == expected
    needed = expected - {"tokenizer/added_tokens.json"}
    for missing in needed:
        others = [name for name in names if name != missing]
        assert files_to_fetch(others, "base model", "", pickle=False) == []
        named = missing_part(others, "base model", "", pickle=False)
        assert named in (missing, f"weights in {missing.partition('/')[0]}/")


@pytest.mark.parametrize(
    ("name", "family", "conditioning"),
    [
        ("tiny-canny", "tiny", "canny"),
        ("lllyasviel/sd-controlnet-openpose", "SD 1.x", "openpose"),
        ("fusing/stable-diffusion-v1-5-controlnet-openpose", "SD 1.x", "openpose"),
        ("lllyasviel/control_v11p_sd15_canny", "SD 1.x", "canny"),
        ("lllyasviel/control_v11p_sd15_inpaint", "SD 1.x", "inpaint"),
        *(
            (f"lllyasviel/sd-controlnet-{kind}", "SD 1.x", kind)
            for kind in ("canny", "depth", "hed", "mlsd", "normal", "scribble", "seg")
        ),
        ("lllyasviel/control_v11p_sd15_softedge", "SD 1.x", "hed"),
        ("lllyasviel/control_v11p_sd15_normalbae", "SD 1.x", None),  # channels the other way round
        ("someone/something", None, None),
    ],
)
def test_names_tell_what_is_known_before_anything_is_loaded(
    name: str, family: str | None, conditioning: str | None
) -> None:
    assert (family_of(name), conditioning_of(name)) == (family, conditioning)


POLLUTED = "time_embed.__class__.__base__.__getattribute__"


@pytest.mark.parametrize("place", ["one file", "folder", "ControlNet", "LoRA", "embedding"])
def test_a_tensor_that_is_named_like_python_s_insides_is_refused(
    saved: Path, spoiled: Path, tmp_path: Path, place: str
) -> None:
    """The library that reads the file takes such a name; other programs were changed by one."""
    from safetensors.torch import load_file, save_file

    sources = {
        "one file": saved / "base.safetensors",
        "folder": spoiled / "unet" / "diffusion_pytorch_model.safetensors",
        "ControlNet": saved / "net.safetensors",
        "LoRA": TINY / "ink.safetensors",
        "embedding": TINY / "ink.safetensors",
    }
    tensors = load_file(sources[place])
    file = sources["folder"] if place == "folder" else tmp_path / "model.safetensors"
    save_file({**tensors, POLLUTED: next(iter(tensors.values())).clone()}, file)
    shutil.copytree(saved / "tokenizer", tmp_path / "tokenizer")

    loads: dict[str, Callable[[], object]] = {
        "one file": lambda: base(file),
        "folder": lambda: base(spoiled),
        "ControlNet": lambda: controlnet(file),
        "LoRA": lambda: LoadLoRA(model=base("tiny"), lora=str(file)).run(Bench()),
        "embedding": lambda: LoadEmbedding(model=base("tiny"), embedding=str(file)).run(Bench()),
    }

    with pytest.raises(UserError, match=r"has a tensor called .time_embed\.__class__"):
        loads[place]()
