"""LoRA files: the layers they change, by kohya's, peft's and diffusers' names, and the scales.

A layer's weight W becomes W + strength * scale * (up @ down), where ``down`` is [rank, in] and
``up`` [out, rank] (LoRA, arXiv 2106.09685, eq. 3; scale is its alpha / r). Of a convolution, they
are [rank, in, h, w] and [out, rank, 1, 1]: two convolutions in a row, flattened alike. Where there
is a ``mid`` (LoCon's Tucker form), it is [rank, rank, h, w], and both others are 1 x 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod, sqrt
from typing import Any, Literal, TypeAlias

from ..checkpoints.parts import Part, Shapes

Factor: TypeAlias = Literal["down", "up", "mid", "alpha"]

# lora_unet_mid_block_attentions_0_proj_in.lora_down.weight: dots became underscores, and which of
# them were dots is nowhere to be read. So names are compared with underscores for dots (flat_name).
_KOHYA = re.compile(
    r"lora_(?P<part>unet|te1?)_(?P<name>\w+)\.(?:lora_(?P<factor>down|up|mid)\.weight|alpha)"
)
# unet.mid_block.attentions.0.proj_in.lora_A.weight of peft; diffusers wrote ….lora.down.weight,
# once ….processor.to_q_lora.down.weight, and ….lora_linear_layer.down.weight in text encoders.
_DOTTED = re.compile(
    r"(?:base_model\.model\.)?(?:(?P<part>unet|text_encoder)\.)?(?P<name>[\w.]+?)(?:"
    r"\.lora_(?P<factor>A|B|down|up|mid)(?:\.default\w*)?\.weight"
    r"|(?:[._]lora|\.lora_linear_layer)\.(?P<old>down|up)\.weight"
    r"|(?:\.lora)?\.alpha)"
)
_NAME = re.compile(r"\^?[\w.]+")
# Settings of peft's that make something else of the factors, or of what they are added to.
_UNSUPPORTED = (
    "use_dora", "use_qalora", "use_bdlora", "fan_in_fan_out", "layer_replication", "lora_bias",
    "modules_to_save", "trainable_token_indices", "target_parameters", "megatron_config",
    "alora_invocation_tokens", "arrow_config",
)  # fmt: skip
# Factors may begin as they like; but by PiSSA, OLoRA and CorDA the model itself begins changed.
_STARTS = (None, True, False, "gaussian", "eva", "orthogonal")
_FACTORS: Mapping[str | None, Factor] = {
    "A": "down",
    "B": "up",
    "down": "down",
    "up": "up",
    "mid": "mid",
    None: "alpha",
}


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer that a LoRA changes: W + strength · scale · up @ down (arXiv 2106.09685, eq. 3).

    Attributes:
        name: Its name in the model with ``_`` for every dot: kohya's files have no other.
        own_name: Its name as the file has it.
        keys: Where the file holds its factors, and its alpha if it does.
    """

    part: Part
    name: str
    own_name: str
    keys: dict[Factor, str] = field(default_factory=dict)


def flat_name(name: str) -> str:
    """A layer's name as it is compared: ``_`` for dots, and without the level ``text_model``.

    CLIP text encoders of newer transformers have that level no more; files have it all the same.
    """
    return name.replace(".", "_").removeprefix("text_model_")


def layers_of(keys: Iterable[str]) -> tuple[list[Layer], list[str]]:
    """The layers that a file's keys name, and the keys that are unknown or lack their half."""
    layers: dict[tuple[Part, str], Layer] = {}
    unknown = []
    for key in keys:
        if match := _KOHYA.fullmatch(key) or _DOTTED.fullmatch(key):
            part, name = _place(match)
            flat = flat_name(name)
            layer = layers.setdefault((part, flat), Layer(part, flat, name))
            layer.keys[_FACTORS[match["factor"] or match.groupdict().get("old")]] = key
        else:
            unknown.append(key)
    whole = [layer for layer in layers.values() if {"down", "up"} <= layer.keys.keys()]
    halves = [layer for layer in layers.values() if not {"down", "up"} <= layer.keys.keys()]
    return whole, unknown + [key for layer in halves for key in layer.keys.values()]


def _place(match: re.Match[str]) -> tuple[Part, str]:
    """The part and the layer's name in it; diffusers used to name the attention's processor."""
    # A layer of attention was called attn1.processor.to_q_lora, and to_out stood for to_out.0.
    name = re.sub(r"\.processor\.(to_\w+)$", r".\1", match["name"])
    name = re.sub(r"(attn\d\.to_out)$", r"\1.0", name)
    # peft's own files are of one model and need not say of which: only text encoders have encoders.
    part = match["part"] or ("text_encoder" if re.match(r"text_model|encoder\.", name) else "unet")
    return ("unet" if part == "unet" else "text_encoder"), name


def change_shape(layer: Layer, shapes: Shapes) -> tuple[int, ...] | None:
    """The shape of the change that a layer's factors multiply to; None where they do not fit."""
    if "alpha" in layer.keys and prod(shapes[layer.keys["alpha"]]) != 1:
        return None
    up, down = shapes[layer.keys["up"]], shapes[layer.keys["down"]]
    mid = shapes[layer.keys["mid"]] if "mid" in layer.keys else (*down[:1] * 2, *down[2:])
    if min(len(up), len(down), len(mid)) < 2 or up[1:2] + down[:1] != mid[:2]:
        return None
    return _bare((up[0], down[1], *mid[2:]))


def _bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A convolution of one pixel is a linear layer."""
    return shape[:2] if set(shape[2:]) <= {1} else shape


def misfits(layers: Iterable[Layer], shapes: Shapes, model: Shapes) -> Iterator[tuple[Layer, str]]:
    """The layers that a model has in another size, or not at all.

    Args:
        model: The shapes of its layers' weights, by flat name.

    Yields:
        A layer and what is wrong with it; empty where the model has none of that name.
    """
    for layer in layers:
        expected, shape = model.get(layer.name), change_shape(layer, shapes)
        if expected is None:
            yield layer, ""
        elif shape is None or shape != _bare(expected):
            size = " x ".join(map(str, shape)) if shape else "of factors that do not fit"
            yield layer, f"is {size}, the model's {' x '.join(map(str, expected))}"


def settings_of(metadata: Mapping[str, str], beside: str) -> Mapping[str, Any]:
    """Settings of ranks and alphas that stand outside the weights, by part; "" is for both.

    Args:
        metadata: Of the file, where diffusers writes it.
        beside: The text of peft's ``adapter_config.json``, if there is one.
    """
    settings: dict[str, dict[str, Any]] = {"": _json_object(beside)}
    for name, value in _json_object(metadata.get("lora_adapter_metadata", "")).items():
        part, _, key = name.partition(".")
        settings.setdefault(part, {})[key] = value
    return settings


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def unsupported_setting(settings: Mapping[str, Mapping[str, Any]]) -> str:
    """The first setting that cannot be followed; empty where there is none."""
    for part in settings.values():
        if setting := next((name for name in _UNSUPPORTED if part.get(name)), ""):
            return setting
        patterns = part.get("alpha_pattern") or {}
        if not isinstance(patterns, dict):
            return "alpha_pattern"
        if (start := part.get("init_lora_weights")) not in _STARTS:
            return f"init_lora_weights = {start!r}"
        # peft matches these names as regular expressions. Only plain names are taken: an expression
        # out of a downloaded file could run for hours.
        for name, alpha in {"lora_alpha": part.get("lora_alpha"), **patterns}.items():
            number = alpha is None or type(alpha) in (int, float)
            if not number or not _NAME.fullmatch(name):
                return f"{name} = {alpha!r}"
    return ""


def scale(layer: Layer, rank: int, alpha: float | None, settings: Mapping[str, Any]) -> float:
    """The factor of a layer's product: alpha / rank, or 1 where no alpha stands anywhere.

    With rsLoRA it is alpha / sqrt(rank) (arXiv 2312.03732). An alpha in the weights counts before
    one of the settings, and one for this layer before that for all.

    Args:
        rank: 1 or more.
        alpha: As it stands in the weights.
    """
    part = settings.get(layer.part) or settings.get("") or {}
    if alpha is None:
        patterns = {name.lstrip("^"): a for name, a in (part.get("alpha_pattern") or {}).items()}
        own = (a for name, a in patterns.items() if f".{layer.own_name}".endswith(f".{name}"))
        alpha = next(own, part.get("lora_alpha"))
    if alpha is None:
        return 1.0
    return float(alpha) / (sqrt(rank) if part.get("use_rslora") else rank)
