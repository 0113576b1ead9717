"""LoRAs and learned words: found by hub id, folder or file, and checked against a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nodegraph.errors import UserError

from ..checkpoints.folders import addon_problem, pick_addon, read_json
from ..checkpoints.hashes import identity, sha256
from ..checkpoints.names import ADDRESSES, Addon
from ..checkpoints.parts import Part, Shapes
from ..checkpoints.resolve import Reach, resolve
from ..checkpoints.single_file import header
from ..types import DiffusionModel
from ..weights import layer_shapes as _skeleton
from ..weights import lora as _lora
from ..weights.patches import LoRA, Word

_WIDTHS = {768: "SD 1.x", 1024: "SD 2.x", 2048: "SDXL"}
_PARTS: tuple[Part, ...] = ("unet", "text_encoder")


@dataclass(frozen=True, slots=True)
class Found:
    """An add-on's file.

    Attributes:
        place: Where it lies, under its own name.
        path: What is read: another file, where an allowed pickle was converted.
        settings: Of a LoRA: the text of the ``adapter_config.json`` beside it.
    """

    name: str
    role: Addon
    place: Path
    path: Path
    settings: str = ""

    @property
    def digest(self) -> str:
        """The identity of its content, settings included."""
        beside = self.place.with_name("adapter_config.json")
        return identity([self.path, beside]) if self.settings else sha256(self.path)

    @property
    def stamp(self) -> tuple[str, str]:
        """What a reference to it depends on: its content, and where it lies."""
        return self.digest, str(self.path)


def find(name: str, role: Addon, file: str, revision: str, reach: Reach) -> Found:
    """Find the one file of an add-on, fetching it from the hub where it must be.

    Args:
        file: Which one of a folder or repository; empty where there is only one.

    Raises:
        UserError: There is none, or there are several.
    """
    place, allow = resolve(name, role, revision, file, reach), reach.allow
    if place.is_dir():
        names = [p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file()]
        chosen = pick_addon(names, file, pickle="pickle" in allow)
        if not chosen:
            raise UserError(f"{ADDRESSES[role]}: {name!r} {addon_problem(names, file)}")
        place /= chosen[0]
    beside = place.with_name("adapter_config.json")
    # peft's own: in a folder of many LoRAs it would be another one's.
    told = place.stem == "adapter_model" and beside.is_file()
    settings = json.dumps(read_json(beside), sort_keys=True) if told else ""
    return Found(name, role, place, _usable(place, ADDRESSES[role], allow), settings)


def _usable(path: Path, address: str, allow: frozenset[str]) -> Path:
    from ..checkpoints.pickles import converted_file, is_pickle, pickle_refused

    if not is_pickle(path):
        return path.resolve()
    if "pickle" not in allow:
        raise UserError(pickle_refused(path, address))
    return converted_file(path, address, convert="offline" not in allow)


def with_lora(
    model: DiffusionModel, found: Found, strength: float, text_strength: float
) -> DiffusionModel:
    """The model with a LoRA on its UNet and its text encoder; a part it counts 0 for stays bare.

    Raises:
        UserError: It was made for other models, or is not understood to the last key.
    """
    shapes, metadata = header(found.path, "lora")
    if flaw := _lora.flaw(_lora.settings_of(metadata, found.settings)):
        raise UserError(f"lora: {found.name!r} asks for {flaw}, which is not supported")
    layers, unknown = _lora.layers_of(shapes)
    if kind := _lora.other_kind(unknown):
        raise UserError(f"lora: {found.name!r} is a {kind}, which is not supported; give a LoRA")
    if unknown or not layers:
        known = "a LoRA changes linear and convolution layers, by the names that kohya's"
        said = f"has {_some(unknown, 'key')} of no known meaning" if unknown else "has no layers"
        raise UserError(f"lora: {found.name!r} {said}; {known} scripts, peft or diffusers give")
    _check(model, found.name, layers, shapes)
    strengths = {"unet": strength, "text_encoder": text_strength}
    changed = {}
    for part in _PARTS:
        if strengths[part] and any(layer.part == part for layer in layers):
            weights = getattr(model, part)
            key = f"lora {part} {found.digest} {weights.dtype}"
            patch = LoRA(part, str(found.path), key, strengths[part], found.settings, weights.dtype)
            changed[part] = replace(weights, patches=(*weights.patches, patch))
    return replace(model, **changed)


def _check(model: DiffusionModel, name: str, layers: Sequence[_lora.Layer], shapes: Shapes) -> None:
    for layer in layers:
        size = _lora.made(layer, shapes)
        if size and layer.name.endswith("attn2_to_k"):
            _check_width(model, "lora", name, size[1])
    for part in _PARTS:
        own = [layer for layer in layers if layer.part == part]
        bare = replace(getattr(model, part), patches=())
        wrong = list(_lora.unfit(own, shapes, _skeleton.shapes(bare) if own else {}))
        for layer, said in wrong:
            if said:
                raise UserError(
                    f"lora: {name!r} does not fit {model.name!r}: its {layer.said} {said}"
                )
        if wrong:
            missing = _some([layer.said for layer, _ in wrong], "layer")
            raise UserError(f"lora: {name!r} changes {missing} that {model.name!r} has not")


def _check_width(model: DiffusionModel, address: str, name: str, width: int) -> None:
    """Refuse what was made for a text encoder of another width, by which families are told."""
    if width != (own := model.shape.text_width):
        family = f" ({_WIDTHS[width]})" if width in _WIDTHS else ""
        raise UserError(
            f"{address}: {name!r} is for models that read {width} numbers a token{family},"
            f" but {model.name!r} reads {own} ({model.shape.family})"
        )


def _some(names: Sequence[str], what: str) -> str:
    """Count names, and tell the first three."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{len(names)} {what}{'s' * (len(names) != 1)} ({', '.join(names[:3])}{more})"


def with_word(model: DiffusionModel, found: Found, word: str) -> DiffusionModel:
    """The model with a learned word in its text encoder's vocabulary.

    Args:
        word: What prompts call it; empty: as its file does.

    Raises:
        UserError: It was made for other models, or its word is no word or taken.
    """
    tensor, shape, own = _vectors(found)
    text = word or own
    if not text or any(one.isspace() or one in "()[]\\" for one in text):
        raise UserError(f"token: {text!r} cannot be written in a prompt; give one without brackets")
    if text.lower() in (known.lower() for known, _ in model.text_encoder.words):
        raise UserError(f"token: {text!r} is taken by another embedding; give this one another")
    _check_width(model, "embedding", found.name, shape[-1])
    encoder = model.text_encoder
    count = shape[0] if len(shape) == 2 else 1
    key = f"word {sha256(found.path)} {tensor!r} {encoder.dtype}"
    patch = Word(str(found.path), key, text, tensor, count, encoder.dtype)
    return replace(model, text_encoder=replace(encoder, patches=(*encoder.patches, patch)))


def _vectors(found: Found) -> tuple[str, tuple[int, ...], str]:
    """The name and shape of the only tensor in an embedding's file, and the word it is for."""
    shapes, _ = header(found.path, "embedding")
    if len(shapes) != 1:
        raise UserError(
            f"embedding: {found.name!r} holds {_some(list(shapes), 'tensor')};"
            " an embedding for Stable Diffusion 1.x or 2.x is one, of a vector a row"
        )
    ((tensor, shape),) = shapes.items()
    if len(shape) not in (1, 2) or not all(shape):
        size = " x ".join(map(str, shape))
        raise UserError(f"embedding: {found.name!r} holds {size} numbers, not a vector a row")
    return tensor, shape, found.place.stem if tensor in ("emb_params", "*") else tensor
