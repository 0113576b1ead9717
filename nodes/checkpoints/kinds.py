"""Kinds of model files, recognised by the names and shapes of their tensors alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from nodegraph.base.file_memo import FileMemo

from . import ldm
from .headers import read_header
from .names import Role
from .parts import Shapes

Sort: TypeAlias = Literal["base", "controlnet", "lora", "embedding", "other"]
"""What a file is for: four sorts that nodes here load, and all others."""

_SORTS: Mapping[Role, Sort] = {
    "base model": "base",
    "ControlNet": "controlnet",
    "LoRA": "lora",
    "embedding": "embedding",
}
_LOADERS: Mapping[Sort, str] = {
    "base": "LoadBaseModel",
    "controlnet": "LoadControlNet",
    "lora": "LoadLoRA",
    "embedding": "LoadEmbedding",
}
_NEEDED: Mapping[Role, str] = {
    "base model": "LoadBaseModel takes Stable Diffusion 1.x in one file, with its text encoder and"
    " VAE, and 1.x and 2.x as folders in diffusers' layout",
    "ControlNet": "LoadControlNet takes ControlNets for Stable Diffusion 1.x and 2.x",
    "LoRA": "LoadLoRA takes LoRAs for Stable Diffusion 1.x and 2.x",
    "embedding": "LoadEmbedding takes embeddings for Stable Diffusion 1.x and 2.x",
}
_FAMILIES = {96: "tiny", 768: "SD 1.x", 1024: "SD 2.x", 1280: "SDXL refiner", 2048: "SDXL"}
"""By the numbers a token that cross-attention reads."""
_OURS = ("tiny", "SD 1.x", "SD 2.x", "custom", "")

# Relatives of LoRA, by what only their keys have. They multiply otherwise, so none is applied.
_RELATIVES = {
    ".hada_": "LoHa",
    ".lokr_": "LoKr",
    ".dora_scale": "DoRA",
    ".lora_magnitude_vector": "DoRA",
    ".boft_": "BOFT",
    ".oft_": "OFT",
    ".lora_E": "AdaLoRA",
    ".vera_lambda_": "VeRA",
    ".a1.weight": "GLoRA",
    ".on_input": "IA3",
}
_LORA = (
    "^lora_unet_", "^lora_te", "^lora_transformer_", "^lycoris_", ".lora_down.", ".lora_up.",
    ".lora_A.", ".lora_B.", "_lora.down.", "_lora.up.", ".lora.down.", ".lora.up.",
    ".lora_linear_layer.", *list(_RELATIVES)[:8],
)  # fmt: skip
# Of what only keys of certain models have. ^ is the beginning of a key, $ its end.
_ADAPTERS = (
    ("^lora_controlnet$", "a Control-LoRA, a ControlNet kept as a LoRA of SDXL"),
    ("^lllite_", "a ControlNet-LLLite for SDXL"),
    ("^ip_adapter.", "an IP-Adapter"),
    ("^image_proj", "an IP-Adapter"),
    ("motion_modules.", "a motion module of AnimateDiff"),
    ("^adapter.body.", "a T2I-Adapter"),
    ("^body.0.resnets.0.block1.", "a T2I-Adapter"),
    ("^body.0.block1.", "a T2I-Adapter"),
    ("^controlnet_x_embedder.", "a ControlNet for Flux"),
    ("^controlnet_blocks.", "a ControlNet for SD 3 or Flux"),
)
_TRANSFORMERS = (
    ("joint_blocks", "SD 3"),
    ("attn.add_q_proj", "SD 3"),
    ("double_stream_modulation_img", "Flux 2"),
    ("distilled_guidance_layer", "Chroma"),
    ("double_blocks", "Flux"),
    ("single_transformer_blocks", "Flux"),
    ("double_layers", "AuraFlow"),
    ("patchify_proj", "LTX-Video"),
    ("individual_token_refiner", "Hunyuan Video"),
    ("cap_embedder", "Lumina"),
    ("img_mod.1", "Qwen-Image"),
    ("head.modulation", "Wan"),
    ("caption_projection", "PixArt"),
    ("clip_txt_mapper", "Stable Cascade"),
    ("down_blocks.1.0.channelwise", "Stable Cascade"),
    ("^net.x_embedder.", "Cosmos"),
)
# The text encoders that families have in one file, where no width tells.
_TEXTS = (
    ("^conditioner.", "SDXL"),
    ("label_emb.", "SDXL"),
    ("^cond_stage_model.model.", "SD 2.x"),
    ("^cond_stage_model.transformer.", "SD 1.x"),
)
_ALONE = (
    ("^first_stage_model.", "a VAE alone"),
    ("^encoder.conv_in.", "a VAE alone"),
    ("^decoder.conv_in.", "the decoder of a VAE alone"),
    ("^encoder.layers.0.", "a tiny VAE (TAESD) alone"),
    ("^decoder.layers.1.", "a tiny VAE (TAESD) alone"),
    ("^taesd", "a tiny VAE (TAESD) alone"),
    ("^vision_model.", "a CLIP image encoder"),
    ("^visual.", "a CLIP image encoder"),
    ("^text_model.", "a CLIP text encoder alone"),
    ("^transformer.text_model.", "a CLIP text encoder alone"),
    ("^cond_stage_model.", "a text encoder alone"),
    ("^transformer.resblocks.", "an OpenCLIP text encoder alone"),
    ("^encoder.block.0.layer.0.SelfAttention.", "a T5 text encoder alone"),
    (".RDB1.", "an upscaler (ESRGAN)"),
    (".rdb1.", "an upscaler (ESRGAN)"),
    (".residual_group.", "an upscaler (SwinIR)"),
    ("^body.0.weight$", "an upscaler (Real-ESRGAN)"),
    ("^conv_first.", "an upscaler"),
    ("^depth_head.", "a depth model"),
    ("^image_encoder.blocks.", "a model of Segment Anything"),
)
# UNets that read more than latents and what inpainting needs, by the channels of their input.
_READS = {
    5: "a depth map",
    7: "a small picture to enlarge",
    8: "a picture to edit (InstructPix2Pix)",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a model file is.

    Attributes:
        family: ``SD 1.x``, ``SDXL``, …; ``custom`` where its sizes are nobody's, empty where
            nothing tells.
        noun: As a sentence says it: ``an SDXL base model``.
        loads: Whether the node for its sort can load it.
    """

    sort: Sort
    family: str
    noun: str
    loads: bool = False

    def misfit(self, role: Role) -> str:
        """What it is instead of ``role``, and what would be right: to follow the file's name."""
        takes = self.loads and self.sort != _SORTS.get(role)
        loader = f"{_LOADERS[self.sort]} takes it" if takes else _NEEDED.get(role, "")
        return f"is {self.noun}; {loader}".removesuffix("; ")


def recognise_file(path: Path) -> Kind:
    """Tell what a .safetensors file is; remembered as long as nothing about the file changes.

    Raises:
        DamagedError: It is another kind of file, or not whole.
        OSError: It cannot be read.
    """
    return _kinds.get([path], lambda: recognise(read_header(path).shapes))


_kinds: FileMemo[Kind] = FileMemo()


def recognise(shapes: Shapes) -> Kind:
    """Tell what a file is by the shapes of its tensors."""
    keys = _Keys(shapes)
    return (
        _first(keys, _ADAPTERS)
        or _lora(keys, shapes)
        or _controlnet(keys, shapes)
        or _base(keys, shapes)
        or _unet(keys, shapes)
        or _embedding(shapes)
        or _transformer(keys)
        or _first(keys, _ALONE)
        or _unknown(shapes)
    )


def relative_of(keys: Iterable[str]) -> str:
    """The relative of LoRA that a file is, by keys that a LoRA has not; empty where none tells."""
    searched = _Keys(keys)
    return next((kind for mark, kind in _RELATIVES.items() if searched.have(mark)), "")


class _Keys:
    """The names of a file's tensors, searched all at once."""

    def __init__(self, names: Iterable[str]) -> None:
        self._text = "\n" + "\n".join(names) + "\n"

    def have(self, *marks: str) -> bool:
        """Whether any key has any of the marks, which ``^`` and ``$`` fix to its ends."""
        return any(mark.replace("^", "\n").replace("$", "\n") in self._text for mark in marks)


def _first(keys: _Keys, marks: Iterable[tuple[str, str]]) -> Kind | None:
    noun = next((noun for mark, noun in marks if keys.have(mark)), "")
    return Kind("other", "", noun) if noun else None


def _lora(keys: _Keys, shapes: Shapes) -> Kind | None:
    if not keys.have(*_LORA):
        return None
    family = "SDXL" if keys.have("^lora_te2_", "text_encoder_2.") else _transformer_family(keys)
    family = family or _family(shapes, r"to_[kv](_lora|\.lora)?[._](lora_)?(down|A)\.")
    relative = relative_of(shapes)
    article = "an" if relative[:1] in ("A", "I", "O") else "a"
    noun = f"{article} {relative or 'LoRA'}{_for(family)}"
    return Kind("lora", family, noun, loads=not relative and family in _OURS)


def _controlnet(keys: _Keys, shapes: Shapes) -> Kind | None:
    if not keys.have("^control_model.", "^input_hint_block.0.", "^controlnet_cond_embedding."):
        return None
    large = keys.have("^add_embedding.", "label_emb.")
    family = "SDXL" if large else _family(shapes, r"to_[kv]\.weight")
    union = "-Union" if keys.have("task_embedding") else ""
    loads = family in _OURS and not union and ldm.controlnet_config(shapes) is not None
    return Kind("controlnet", family, f"a ControlNet{union}{_for(family)}", loads)


def _base(keys: _Keys, shapes: Shapes) -> Kind | None:
    unet = ldm.PREFIXES["unet"]
    if not keys.have(f"^{unet}"):
        return None
    first = shapes.get(f"{unet}input_blocks.0.0.weight", ())
    if len(first) != 4:
        family = _transformer_family(keys)
        return Kind("base", family, f"{_a(family)} model" if family else _unknown(shapes).noun)
    if keys.have(".time_stack.", ".time_mixer."):
        return Kind("base", "SVD", "a Stable Video Diffusion model")
    family = _family(shapes, r"to_[kv]\.weight") or next(
        (family for mark, family in _TEXTS if keys.have(mark)), ""
    )
    channels, latents = first[1], (*shapes.get(f"{unet}out.2.weight", ()), 0)[0]
    if latents and channels not in (latents, 2 * latents + 1):
        reads = _READS.get(channels, f"{channels} channels")
        return Kind("base", family, f"{_a(family)} model that also reads {reads}")
    parts = {
        "text encoder": keys.have("^cond_stage_model.", "^conditioner.", "^text_encoders."),
        "VAE": keys.have("^first_stage_model.", "^vae."),
    }
    lacks = " and ".join(part for part, there in parts.items() if not there)
    loads = not lacks and ldm.base_configs(shapes) is not None
    noun = f"{_a(family)} base model{' without its ' * bool(lacks)}{lacks}"
    if not loads and not lacks and family in ("SD 1.x", "custom", ""):
        noun += " of which tensors are missing"
    return Kind("base", family, noun, loads)


def _unet(keys: _Keys, shapes: Shapes) -> Kind | None:
    compvis = keys.have("^input_blocks.0.0.") and keys.have("^output_blocks.")
    diffusers = keys.have("^conv_in.") and keys.have("^up_blocks.", "^down_blocks.")
    if not (compvis or diffusers):
        return None
    large = keys.have("^add_embedding.", "^label_emb.")
    family = "SDXL" if large else _family(shapes, r"to_[kv]\.weight")
    return Kind("other", family, f"the UNet of {_a(family)} model alone")


def _embedding(shapes: Shapes) -> Kind | None:
    if {"clip_l", "clip_g"} & shapes.keys() and len(shapes) <= 3:
        return Kind("embedding", "SDXL", "an embedding for SDXL or SD 3")
    if len(shapes) != 1:
        return None
    (shape,) = shapes.values()
    if len(shape) not in (1, 2) or not all(shape):
        return None
    family = _FAMILIES.get(shape[-1], "custom")
    return Kind("embedding", family, f"an embedding{_for(family)}", loads=family in _OURS)


def _transformer(keys: _Keys) -> Kind | None:
    family = _transformer_family(keys)
    return Kind("other", family, f"{_a(family)} model, or a part of one") if family else None


def _unknown(shapes: Shapes) -> Kind:
    if not shapes:
        return Kind("other", "", "a file without any tensors")
    first = ", ".join(list(shapes)[:3]) + ", …" * (len(shapes) > 3)
    return Kind("other", "", f"of no kind that is known here (its tensors are {first})")


def _transformer_family(keys: _Keys) -> str:
    return next((family for mark, family in _TRANSFORMERS if keys.have(mark)), "")


def _family(shapes: Shapes, end: str) -> str:
    """The family that the width of cross-attention tells.

    Args:
        end: An expression for the keys of its tokens' projections, [out, width].
    """
    for key, shape in shapes.items():
        if "attn2" in key and len(shape) > 1 and re.search(end, key):
            return _FAMILIES.get(shape[1], "custom")
    return ""


def _a(family: str) -> str:
    if family in ("", "custom"):
        return "a custom"
    return f"{'an' if family.startswith(('SD', 'A')) else 'a'} {family}"


def _for(family: str) -> str:
    return "" if family in ("", "custom") else f" for {family} models"
