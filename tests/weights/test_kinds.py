"""Model files told apart by the names and shapes of their tensors, and files that are none."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from nodegraph.errors import UserError
from nodes.checkpoints.headers import DamagedError, read_header
from nodes.checkpoints.kinds import Kind, recognise, recognise_file
from nodes.models import LoadBaseModel, LoadControlNet, LoadEmbedding, LoadLoRA

from ..support.weights import TINY, Bench, save_shapes

Shapes = dict[str, tuple[int, ...]]
UNET = "model.diffusion_model."
TO_K = "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
VAE: Shapes = {"first_stage_model.encoder.conv_in.weight": (128, 3, 3, 3)}
CLIP: Shapes = {
    "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (49408, 768)
}
OPEN_CLIP: Shapes = {"cond_stage_model.model.token_embedding.weight": (49408, 1024)}
SDXL_TEXT: Shapes = {
    "conditioner.embedders.0.transformer.text_model.final_layer_norm.weight": (768,)
}


def unet(width: int, channels: int = 4, prefix: str = UNET) -> Shapes:
    return {
        f"{prefix}input_blocks.0.0.weight": (320, channels, 3, 3),
        f"{prefix}{TO_K}": (320, width),
        f"{prefix}output_blocks.0.0.in_layers.0.weight": (320,),
        f"{prefix}out.2.weight": (4, 320, 3, 3),
    }


def lora(width: int, layer: str = "lora_unet_down_blocks_0_attentions_0_attn2_to_k") -> Shapes:
    return {f"{layer}.lora_down.weight": (4, width), f"{layer}.lora_up.weight": (320, 4)}


# What a file holds, and what it is then called.
FILES: Mapping[str, tuple[Shapes, str, str, str]] = {
    "SD 1.x": (unet(768) | VAE | CLIP, "base", "SD 1.x", "an SD 1.x base model of which tensors"),
    "SD 1.x without VAE": (unet(768) | CLIP, "base", "SD 1.x", "base model without its VAE"),
    "SD 1.x without text": (unet(768) | VAE, "base", "SD 1.x", "model without its text encoder"),
    "SD 1.x bare": (unet(768), "base", "SD 1.x", "without its text encoder and VAE"),
    "SD 2": (unet(1024) | VAE | OPEN_CLIP, "base", "SD 2.x", "an SD 2.x base model"),
    "SDXL": (unet(2048) | VAE | SDXL_TEXT, "base", "SDXL", "an SDXL base model"),
    "refiner": (unet(1280) | VAE | SDXL_TEXT, "base", "SDXL refiner", "an SDXL refiner base model"),
    "depth": (unet(1024, 5) | VAE | OPEN_CLIP, "base", "SD 2.x", "model that also reads a depth"),
    "edit": (unet(768, 8) | VAE | CLIP, "base", "SD 1.x", "reads a picture to edit (InstructPix"),
    "SD 3": (
        {f"{UNET}joint_blocks.0.x_block.attn.qkv.weight": (9, 9)}, "base", "SD 3", "an SD 3 model",
    ),
    "Flux": (
        {f"{UNET}double_blocks.0.img_attn.qkv.weight": (9, 9)}, "base", "Flux", "a Flux model",
    ),
    "Flux alone": (
        {"double_blocks.0.img_attn.qkv.weight": (9, 9), "img_in.weight": (9, 9)},
        "other", "Flux", "a Flux model, or a part of one",
    ),
    "UNet": (unet(768, prefix=""), "other", "SD 1.x", "the UNet of an SD 1.x model alone"),
    "UNet of diffusers": (
        {
            "conv_in.weight": (320, 4, 3, 3),
            "up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight": (320, 2048),
        },
        "other", "SDXL", "the UNet of an SDXL model alone",
    ),
    "VAE": (VAE, "other", "", "a VAE alone"),
    "VAE of diffusers": (
        {"encoder.conv_in.weight": (9, 3, 3, 3), "decoder.conv_in.bias": (9,)},
        "other", "", "a VAE alone",
    ),
    "text encoder": (
        {"text_model.embeddings.token_embedding.weight": (9, 9), "text_model.a": (1,)},
        "other", "", "a CLIP text encoder alone",
    ),
    "T5": (
        {"shared.weight": (9, 9), "encoder.block.0.layer.0.SelfAttention.q.weight": (9, 9)},
        "other", "", "a T5 text encoder alone",
    ),
    "ControlNet": (
        {"control_model.input_hint_block.0.bias": (9,), f"control_model.{TO_K}": (9, 768)},
        "controlnet", "SD 1.x", "a ControlNet for SD 1.x models",
    ),
    "ControlNet of SDXL": (
        {"controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3), "add_embedding.a": (1,)},
        "controlnet", "SDXL", "a ControlNet for SDXL models",
    ),
    "Control-LoRA": (
        {"lora_controlnet": (0,), "input_blocks.0.0.down": (9, 9)},
        "other", "", "a Control-LoRA, a ControlNet kept as a LoRA of SDXL",
    ),
    "T2I-Adapter": ({"adapter.body.0.block1.weight": (9,)}, "other", "", "a T2I-Adapter"),
    "IP-Adapter": (
        {"image_proj.proj.weight": (9, 9), "ip_adapter.1.to_k_ip.weight": (9, 9)},
        "other", "", "an IP-Adapter",
    ),
    "motion": (
        {"down_blocks.0.motion_modules.0.temporal_transformer.norm.weight": (9,), "a": (1,)},
        "other", "", "a motion module of AnimateDiff",
    ),
    "LoRA": (lora(768), "lora", "SD 1.x", "a LoRA for SD 1.x models"),
    "LoRA of SDXL": (lora(2048), "lora", "SDXL", "a LoRA for SDXL models"),
    "LoRA of Flux": (
        lora(9, "lora_unet_double_blocks_0_img_attn"), "lora", "Flux", "a LoRA for Flux models",
    ),
    "LoHa": ({"lora_unet_x.hada_w1_a": (9, 9), "lora_unet_x.alpha": ()}, "lora", "", "a LoHa"),
    "OFT": ({"lora_unet_x.oft_blocks": (9, 9), "lora_unet_x.alpha": ()}, "lora", "", "an OFT"),
    "embedding": ({"emb_params": (2, 768)}, "embedding", "SD 1.x", "an embedding for SD 1.x"),
    "embedding of SDXL": (
        {"clip_l": (2, 768), "clip_g": (2, 1280)}, "embedding", "SDXL", "an embedding for SDXL",
    ),
    "upscaler": (
        {"model.1.sub.0.RDB1.conv1.0.weight": (9, 9, 3, 3), "model.0.bias": (9,)},
        "other", "", "an upscaler (ESRGAN)",
    ),
    "nothing": ({}, "other", "", "a file without any tensors"),
    "unknown": (
        {"a.weight": (9, 9), "b.weight": (9,)},
        "other", "", "of no kind that is known here (its tensors are a.weight, b.weight)",
    ),
}  # fmt: skip
OWN = {
    "LoadBaseModel": "base",
    "LoadControlNet": "controlnet",
    "LoadLoRA": "lora",
    "LoadEmbedding": "embedding",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_called_what_it_is(name: str, tmp_path: Path) -> None:
    shapes, sort, family, noun = FILES[name]
    kind = recognise_file(save_shapes(tmp_path / "x.safetensors", shapes))

    assert (kind.sort, kind.family) == (sort, family)
    assert noun in kind.noun
    assert kind == recognise(shapes)


LOADS: Mapping[str, Callable[[str], object]] = {
    "LoadBaseModel": lambda name: LoadBaseModel(model=name).run(Bench()),
    "LoadControlNet": lambda name: LoadControlNet(model=name).run(Bench()),
    "LoadLoRA": lambda name: LoadLoRA(model=tiny(), lora=name).run(Bench()),
    "LoadEmbedding": lambda name: LoadEmbedding(model=tiny(), embedding=name).run(Bench()),
}


def tiny() -> Any:
    return LoadBaseModel(model="tiny").run(Bench()).model


@pytest.mark.parametrize("loader", LOADS)
def test_a_loader_that_is_given_another_kind_of_file_says_what_it_is(
    loader: str, tmp_path: Path
) -> None:
    for shapes, sort, _, noun in FILES.values():
        file = save_shapes(tmp_path / "x.safetensors", shapes)
        with pytest.raises(UserError) as caught:
            LOADS[loader](str(file))

        sentence = str(caught.value)
        assert "\n" not in sentence
        # Of its own sort, it may have more to say: of whose sizes a LoRA is, for one.
        assert noun in sentence or sort == OWN[loader]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "it is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n", "git-lfs pointer"),
        (b"/annex/objects/SHA256E-s1--a.safetensors\n", "git-annex pointer"),
        (b"\n<!DOCTYPE html><html><body>403</body></html>", "a web page (HTML)"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "XML text"),
        (b'{"error": "Repository not found"}', 'it is JSON text, beginning \'{"error":'),
        (b"Entry not found", "it is text, beginning 'Entry not found'"),
        ("Übersicht über alles".encode() * 99, "it is text, beginning 'Übersicht"),
        (b"GGUF\x03\0\0\0", "a GGUF file"),
        (b"\x89PNG\r\n\x1a\n", "it is a picture"),
        (b"\0" * 4096, "nothing but zeros"),
        (bytes(range(256)), "of no kind of file that is known here"),
        (struct.pack("<Q", 500) + b'{"a":', "it is cut short, 13 bytes of at least 508"),
        (struct.pack("<Q", 5) + b'{"a":', "its header is no JSON"),
        (struct.pack("<Q", 8) + b'{"a": 1}', "its header is damaged"),
    ],
)
@pytest.mark.parametrize("loader", LOADS)
def test_a_file_that_is_no_safetensors_file_is_called_what_it_is(
    loader: str, content: bytes, kind: str, tmp_path: Path
) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(content)

    with pytest.raises(UserError) as caught:
        LOADS[loader](str(file))

    assert f"{str(file)!r} is damaged or no .safetensors file: " in str(caught.value)
    assert kind in str(caught.value)


@pytest.mark.parametrize(("change", "how"), [(-1, "is cut short"), (1, "goes on behind its last")])
def test_a_file_whose_header_says_another_length_is_named(
    change: int, how: str, tmp_path: Path
) -> None:
    file = tmp_path / "x.safetensors"
    content = (TINY / "ink.safetensors").read_bytes()
    file.write_bytes(content[:change] if change < 0 else content + b"\0" * change)

    with pytest.raises(DamagedError, match=rf"it {how}.*, {len(content) + change} bytes where its"):
        read_header(file)


def test_what_is_built_in_is_recognised() -> None:
    lora = recognise_file(TINY / "ink.safetensors")
    net = recognise_file(TINY / "controlnet-canny" / "diffusion_pytorch_model.safetensors")

    assert lora == Kind("lora", "tiny", "a LoRA for tiny models", loads=True)
    assert (net.sort, net.family) == ("controlnet", "tiny")
