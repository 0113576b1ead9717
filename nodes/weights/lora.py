"""LoRA files: which layers they change, by kohya's, peft's and diffusers' names, and how much."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod, sqrt
from typing import Any, Literal, TypeAlias

from ..checkpoints.parts import Part, Shapes

Role: TypeAlias = Literal["down", "up", "mid", "alpha"]

_KOHYA = re.compile(
    r"lora_(?P<part>unet|te1?)_(?P<name>\w+)\.(?:lora_(?P<role>down|up|mid)\.weight|alpha)"
)
_DOTTED = re.compile(
    r"(?:base_model\.model\.)?(?:(?P<part>unet|text_encoder)\.)?(?P<name>[\w.]+?)(?:"
    r"\.lora_(?P<role>A|B|down|up|mid)(?:\.default\w*)?\.weight"
    r"|(?:[._]lora|\.lora_linear_layer)\.(?P<old>down|up)\.weight"
    r"|(?:\.lora)?\.alpha)"
)
_NAME = re.compile(r"\^?[\w.]+")
_OTHERS = {
    "hada_": "LoHa",
    "lokr_": "LoKr",
    "dora_scale": "DoRA",
    "lora_magnitude_vector": "DoRA",
    "oft_": "OFT",
}
_ROLES: Mapping[str | None, Role] = {
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
        name: Its name in the model with ``_`` for every dot, which is all that kohya's names tell.
        said: Its name as the file has it.
        keys: Where the file holds its factors, and its alpha if it does.
    """

    part: Part
    name: str
    said: str
    keys: dict[Role, str] = field(default_factory=dict)


def flat(name: str) -> str:
    """A layer's name in a model, as it is compared: newer text encoders have a level less."""
    return name.replace(".", "_").removeprefix("text_model_")


def layers_of(keys: Iterable[str]) -> tuple[list[Layer], list[str]]:
    """The layers that a file's keys speak of, and the keys that say nothing to us."""
    found: dict[tuple[Part, str], Layer] = {}
    unknown = []
    for key in keys:
        if match := _KOHYA.fullmatch(key) or _DOTTED.fullmatch(key):
            part, said = _place(match)
            layer = found.setdefault((part, flat(said)), Layer(part, flat(said), said))
            layer.keys[_ROLES[match["role"] or match.groupdict().get("old")]] = key
        else:
            unknown.append(key)
    whole = [layer for layer in found.values() if {"down", "up"} <= layer.keys.keys()]
    halves = [layer for layer in found.values() if not {"down", "up"} <= layer.keys.keys()]
    return whole, unknown + [key for layer in halves for key in layer.keys.values()]


def other_kind(keys: Iterable[str]) -> str:
    """What a file is instead of a LoRA, by keys that a LoRA has not; empty where none tells."""
    return next((kind for key in keys for mark, kind in _OTHERS.items() if f".{mark}" in key), "")


def _place(match: re.Match[str]) -> tuple[Part, str]:
    """The part and the layer's name in it; diffusers used to name the attention's processor."""
    name = re.sub(r"\.processor\.(to_\w+)$", r".\1", match["name"])
    name = re.sub(r"(attn\d\.to_out)$", r"\1.0", name)
    part = match["part"] or ("text_encoder" if re.match(r"text_model|encoder\.", name) else "unet")
    return ("unet" if part == "unet" else "text_encoder"), name


def made(layer: Layer, shapes: Shapes) -> tuple[int, ...] | None:
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


def unfit(layers: Iterable[Layer], shapes: Shapes, model: Shapes) -> Iterator[tuple[Layer, str]]:
    """Find the layers that a model has in another size, or not at all.

    Args:
        model: The shapes of its layers' weights, by flat name.

    Yields:
        A layer and what is wrong with it; empty where the model has none of that name.
    """
    for layer in layers:
        wanted, given = model.get(layer.name), made(layer, shapes)
        if wanted is None:
            yield layer, ""
        elif given is None or given != _bare(wanted):
            size = " x ".join(map(str, given)) if given else "of factors that do not fit"
            yield layer, f"is {size}, the model's {' x '.join(map(str, wanted))}"


def settings_of(metadata: Mapping[str, str], beside: str) -> Mapping[str, Any]:
    """What is said of ranks and alphas outside the weights, by part; "" for both.

    Args:
        metadata: Of the file, where diffusers writes it.
        beside: The text of peft's ``adapter_config.json``, if there is one.
    """
    found: dict[str, dict[str, Any]] = {"": _object(beside)}
    for name, value in _object(metadata.get("lora_adapter_metadata", "")).items():
        part, _, key = name.partition(".")
        found.setdefault(part, {})[key] = value
    return found


def _object(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text or "{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def flaw(settings: Mapping[str, Mapping[str, Any]]) -> str:
    """What of the settings is not understood; empty where all is."""
    for said in settings.values():
        patterns = said.get("alpha_pattern") or {}
        if said.get("use_dora") or not isinstance(patterns, dict):
            return "use_dora" if said.get("use_dora") else "alpha_pattern"
        for name, alpha in {"lora_alpha": said.get("lora_alpha"), **patterns}.items():
            number = alpha is None or type(alpha) in (int, float)
            if not number or not _NAME.fullmatch(name):
                return f"{name} = {alpha!r}"
    return ""


def scale(layer: Layer, rank: int, alpha: float | None, settings: Mapping[str, Any]) -> float:
    """What a layer's product is multiplied with: alpha / rank, where an alpha is told anywhere.

    Args:
        alpha: As the weights tell it.
    """
    said = settings.get(layer.part) or settings.get("") or {}
    if alpha is None:
        patterns = {name.lstrip("^"): a for name, a in (said.get("alpha_pattern") or {}).items()}
        fits = (a for name, a in patterns.items() if f".{layer.said}".endswith(f".{name}"))
        alpha = next(fits, said.get("lora_alpha"))
    if alpha is None:
        return 1.0
    return float(alpha) / (sqrt(rank) if said.get("use_rslora") else rank)
