"""Weights brought into memory: once, whole, and nothing beside them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nodegraph.errors import UserError
from nodes.checkpoints.parts import Part
from nodes.weights.reference import Weights

from ..support.weights import ldm_unet, save_base, save_controlnet, save_single

MB = 2**20
MEASURE = """
import re, sys
from pathlib import Path
import torch
from nodes.weights.reference import Weights

def resident():
    said = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", said)[1]) * 1024

part, path, warm, dtype = sys.argv[1:]
Weights(part, warm, "small").load("cpu", dtype)
before = resident()
module = Weights(part, path, "large").load("cpu", dtype)
if any(one.is_meta for one in [*module.parameters(), *module.buffers()]):
    raise SystemExit("it is not whole")
for one in module.parameters():
    one.flatten()[::1024].sum()
print(resident() - before, sum(one.nbytes for one in module.parameters()))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model, as a folder and as one file, and a ControlNet."""
    folder = tmp_path_factory.mktemp("saved")
    save_base(folder / "base")
    save_controlnet(folder / "controlnet", folder / "base")
    save_single(folder / "base", folder / "base.safetensors")
    return folder


def folder_of(saved: Path, part: Part) -> Path:
    return saved / part if part == "controlnet" else saved / "base" / part


def oracle(part: Part, folder: Path, dtype: Any) -> Any:
    """What diffusers or transformers load of the same folder."""
    import diffusers
    import transformers

    kind = {
        "unet": diffusers.UNet2DConditionModel,
        "vae": diffusers.AutoencoderKL,
        "controlnet": diffusers.ControlNetModel,
        "text_encoder": transformers.CLIPTextModel,
    }[part]
    return kind.from_pretrained(folder, dtype=dtype, local_files_only=True).to(dtype=dtype)


@pytest.mark.parametrize("part", ["unet", "vae", "controlnet", "text_encoder"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_network_is_the_one_that_its_library_loads(saved: Path, part: Part, dtype: str) -> None:
    import torch

    folder = folder_of(saved, part)
    expected = oracle(part, folder, getattr(torch, dtype))

    loaded = Weights(part, str(folder), "key").load("cpu", dtype)

    assert type(loaded) is type(expected)
    for kind in ("named_parameters", "named_buffers"):
        ours, theirs = dict(getattr(loaded, kind)()), dict(getattr(expected, kind)())
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            assert ours[name].dtype is value.dtype, name
            assert torch.equal(ours[name], value), name
    assert not loaded.training
    assert not any(weight.requires_grad for weight in loaded.parameters())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("part", ["unet", "vae", "controlnet", "text_encoder"])
def test_weights_of_the_right_type_are_the_pages_of_their_file(saved: Path, part: Part) -> None:
    folder = folder_of(saved, part)
    module = Weights(part, str(folder), "key").load("cpu", "float32")
    places = [weight.data_ptr() for weight in module.parameters()]

    lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]

    (file,) = folder.glob("*.safetensors")
    spans = [line[0].split("-") for line in lines if line[-1] == str(file)]
    ranges = [range(int(first, 16), int(last, 16)) for first, last in spans]
    assert all(any(place in span for span in ranges) for place in places)


def test_a_network_in_parts_is_put_together(saved: Path, tmp_path: Path) -> None:
    import torch

    whole = oracle("unet", saved / "base" / "unet", torch.float32)
    whole.save_pretrained(tmp_path / "unet", max_shard_size="1MB")
    assert len(list((tmp_path / "unet").glob("*.safetensors"))) > 1

    loaded = Weights("unet", str(tmp_path / "unet"), "key").load("cpu", "float32")

    expected = whole.state_dict()
    assert all(torch.equal(weight, expected[key]) for key, weight in loaded.state_dict().items())


def test_an_autoencoder_with_the_names_of_its_time_is_read(saved: Path, tmp_path: Path) -> None:
    """As Stable Diffusion 1.x has them on the hub."""
    import torch
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(saved / "base" / "vae", tmp_path / "vae"))
    (file,) = folder.glob("*.safetensors")
    names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = load_file(file)
    for now, then in names.items():
        tensors = {key.replace(f".{now}.", f".{then}."): weight for key, weight in tensors.items()}
    save_file(tensors, file)

    loaded = Weights("vae", str(folder), "key").load("cpu", "float32")

    expected = oracle("vae", saved / "base" / "vae", torch.float32).state_dict()
    assert all(torch.equal(weight, expected[key]) for key, weight in loaded.state_dict().items())


def spoiled(saved: Path, tmp_path: Path) -> tuple[Path, dict[str, Any], Path]:
    from safetensors.torch import load_file

    folder = Path(shutil.copytree(saved / "base" / "unet", tmp_path / "unet"))
    (file,) = folder.glob("*.safetensors")
    return folder, load_file(file), file


def test_missing_weights_are_named(saved: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    folder, tensors, file = spoiled(saved, tmp_path)
    del tensors["conv_in.bias"]
    save_file(tensors, file)

    with pytest.raises(UserError, match=r"not as its configuration says: conv_in\.bias is missing"):
        Weights("unet", str(folder), "key").load("cpu", "float32")


def test_weights_of_another_size_are_named(saved: Path, tmp_path: Path) -> None:
    folder, _, _ = spoiled(saved, tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "out_channels": 8}))

    with pytest.raises(UserError, match=r"conv_out\.weight is 4 x 32 x 3 x 3, not 8 x 32 x 3 x 3"):
        Weights("unet", str(folder), "key").load("cpu", "float32")


def test_a_damaged_file_is_named(saved: Path, tmp_path: Path) -> None:
    folder, _, file = spoiled(saved, tmp_path)
    file.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(UserError, match="is damaged"):
        Weights("unet", str(folder), "key").load("cpu", "float32")


def test_a_tensor_that_lies_askew_in_its_file_is_read_all_the_same(tmp_path: Path) -> None:
    import torch

    from nodes.weights.mapped import Mapped

    header = {
        "odd": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]},
        "none": {"dtype": "F32", "shape": [0, 2], "data_offsets": [3, 3]},
        "askew": {"dtype": "F32", "shape": [2], "data_offsets": [3, 11]},
    }
    text = json.dumps(header).encode()
    data = b"abc" + torch.tensor([1.5, -2.0]).numpy().tobytes()
    file = tmp_path / "x.safetensors"
    file.write_bytes(len(text).to_bytes(8, "little") + text + data)

    tensors = Mapped(file)

    assert tensors["askew"].tolist() == [1.5, -2.0]
    assert tensors["odd"].tolist() == list(b"abc")
    assert tensors["none"].shape == (0, 2)


def test_networks_are_built_while_another_library_makes_all_parameters_empty(saved: Path) -> None:
    """As accelerate does, for every thread, while a network of transformers is loaded."""
    from accelerate import init_empty_weights

    with init_empty_weights():
        loaded = Weights("unet", str(saved / "base" / "unet"), "key").load("cpu", "float32")

    assert not any(weight.is_meta for weight in loaded.parameters())


@pytest.fixture(scope="module")
def large(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A UNet of 540 MB: in parts, in half the width twice, and in one file with a whole model."""
    import torch
    from diffusers import UNet2DConditionModel
    from safetensors.torch import load_file, save_file

    folder = tmp_path_factory.mktemp("large")
    with torch.device("meta"):
        net: Any = UNet2DConditionModel(
            sample_size=32, block_out_channels=(128, 256, 512, 512), cross_attention_dim=768
        )
    net = net.to_empty(device="cpu")
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.01)
    net.save_pretrained(folder / "parts", max_shard_size="200MB")
    old = {
        f"model.diffusion_model.{ldm_unet(key)}": weight for key, weight in net.state_dict().items()
    }
    save_file({**load_file(saved / "base.safetensors"), **old}, folder / "file.safetensors")
    net.to(torch.float16).save_pretrained(folder / "half")
    net.to(torch.bfloat16).save_pretrained(folder / "brain")
    return folder


def growth(part: Part, path: Path, dtype: str, warm: Path) -> tuple[int, int]:
    """How much more memory a fresh process needed at most to load weights, and their bytes."""
    command = [sys.executable, "-c", MEASURE, part, str(path), str(warm), dtype]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(output[0]), int(output[1])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("form", "dtype"),
    [
        ("parts", "float32"),
        ("parts", "float16"),
        ("half", "float32"),
        ("brain", "bfloat16"),  # its convolutions are laid out anew
        ("file.safetensors", "float32"),
        ("file.safetensors", "float16"),
    ],
)
def test_loading_needs_no_more_memory_than_the_weights(
    saved: Path, large: Path, form: str, dtype: str
) -> None:
    small = saved / ("base.safetensors" if form.endswith(".safetensors") else "base/unet")

    needed, size = growth("unet", large / form, dtype, small)

    assert size >= (400 if dtype == "float32" else 200) * MB
    assert needed <= 1.1 * size
