"""LoRAs and learned words: their files by hub id, folder or name, and the checks that they fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nodegraph.errors import UserError
from nodegraph.node import Reach

from ..checkpoints.folders import addon_problem, pick_addon, read_json
from ..checkpoints.hashes import identity, sha256
from ..checkpoints.kinds import recognise, relative_of
from ..checkpoints.names import ADDRESSES, Addon
from ..checkpoints.parts import Part, Shapes
from ..checkpoints.pickles import usable_file
from ..checkpoints.resolve import resolve
from ..checkpoints.single_file import header
from ..types import DiffusionModel
from ..weights import layer_shapes, lora
from ..weights.patches import LoRA, Word

# The numbers a token that cross-attention reads: what tells families apart most clearly.
_WIDTHS = {768: "SD 1.x", 1024: "SD 2.x", 2048: "SDXL"}
_PARTS: tuple[Part, ...] = ("unet", "text_encoder")


@dataclass(frozen=True, slots=True)
class AddonFile:
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
        """All that a reference to it depends on: its content, and where it lies."""
        return self.digest, str(self.path)


def find_addon(name: str, role: Addon, file: str, revision: str, reach: Reach) -> AddonFile:
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
    # Only beside a file with peft's own name: in a folder of many LoRAs it would be another one's.
    has_settings = place.stem == "adapter_model" and beside.is_file()
    settings = json.dumps(read_json(beside), sort_keys=True) if has_settings else ""
    return AddonFile(name, role, place, usable_file(place, allow, ADDRESSES[role]), settings)


def read_lora(addon: AddonFile) -> tuple[Sequence[lora.Layer], Shapes]:
    """The layers that a LoRA's file has, and the shapes of its tensors.

    Raises:
        UserError: It is no LoRA, or is not understood to the last key.
    """
    shapes, metadata = header(addon.path, "lora")
    file = recognise(shapes)
    if file.sort != "lora":
        raise UserError(f"lora: {addon.name!r} {file.misfit('LoRA')}")
    if setting := lora.unsupported_setting(lora.settings_of(metadata, addon.settings)):
        raise UserError(f"lora: {addon.name!r} asks for {setting}, which is not supported")
    layers, unknown = lora.layers_of(shapes)
    # A file is taken whole or not at all: half of a LoRA would draw something, only not what it is
    # meant to.
    if kind := relative_of(unknown):
        article = "an" if kind[0] in "AIO" else "a"
        raise UserError(
            f"lora: {addon.name!r} is {article} {kind}, which is not supported; give a LoRA"
        )
    if unknown and not file.loads:
        raise UserError(f"lora: {addon.name!r} {file.misfit('LoRA')}")
    if unknown or not layers:
        rule = "a LoRA changes linear and convolution layers, by the names that kohya's"
        fault = f"has {_some(unknown, 'key')} of no known meaning" if unknown else "has no layers"
        raise UserError(f"lora: {addon.name!r} {fault}; {rule} scripts, peft or diffusers give")
    return layers, shapes


def with_lora(
    model: DiffusionModel, addon: AddonFile, strength: float, text_strength: float
) -> DiffusionModel:
    """The model with a LoRA on its UNet and its text encoder; at strength 0 a part stays bare.

    Raises:
        UserError: It was made for other models, or is not understood to the last key.
    """
    layers, shapes = read_lora(addon)
    _check_fits(model, addon.name, layers, shapes)
    strengths = {"unet": strength, "text_encoder": text_strength}
    changed = {}
    for part in _PARTS:
        if strengths[part] and any(layer.part == part for layer in layers):
            weights = getattr(model, part)
            key = f"lora {part} {addon.digest} {weights.dtype}"
            patch = LoRA(part, str(addon.path), key, strengths[part], addon.settings, weights.dtype)
            changed[part] = replace(weights, patches=(*weights.patches, patch))
    return replace(model, **changed)


def _check_fits(
    model: DiffusionModel, name: str, layers: Sequence[lora.Layer], shapes: Shapes
) -> None:
    # Widths first: "for models that read 1024 numbers a token" says more than any layer's size.
    for layer in layers:
        size = lora.change_shape(layer, shapes)
        if size and layer.name.endswith("attn2_to_k"):
            _check_width(model, "lora", name, size[1])
    for part in _PARTS:
        own = [layer for layer in layers if layer.part == part]
        bare = replace(getattr(model, part), patches=())
        misfits = list(lora.misfits(own, shapes, layer_shapes.shapes(bare) if own else {}))
        for layer, fault in misfits:
            if fault:
                raise UserError(
                    f"lora: {name!r} does not fit {model.name!r}: its {layer.own_name} {fault}"
                )
        if misfits:
            missing = _some([layer.own_name for layer, _ in misfits], "layer")
            raise UserError(f"lora: {name!r} changes {missing} that {model.name!r} has not")


def _check_width(model: DiffusionModel, address: str, name: str, width: int) -> None:
    """Refuse an add-on that was made for a text encoder of another width."""
    if width != (own := model.shape.text_width):
        family = f" ({_WIDTHS[width]})" if width in _WIDTHS else ""
        raise UserError(
            f"{address}: {name!r} is for models that read {width} numbers a token{family},"
            f" but {model.name!r} reads {own} ({model.shape.family})"
        )


def _some(names: Sequence[str], noun: str) -> str:
    """The count of names, and the first three: ``4 keys (a, b, c and 1 more)``."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{len(names)} {noun}{'s' * (len(names) != 1)} ({', '.join(names[:3])}{more})"


def with_word(model: DiffusionModel, addon: AddonFile, word: str) -> DiffusionModel:
    """The model with a learned word in its text encoder's vocabulary.

    Args:
        word: Its name in prompts; empty: the one that its file has for it.

    Raises:
        UserError: It was made for other models, or its word is no word or taken.
    """
    tensor, shape, own = read_vectors(addon)
    text = word or own
    if not text or any(letter.isspace() or letter in "()[]\\" for letter in text):
        raise UserError(f"token: {text!r} cannot be written in a prompt; give one without brackets")
    if text.lower() in (spelling.lower() for spelling, _ in model.text_encoder.words):
        raise UserError(f"token: {text!r} is taken by another embedding; give this one another")
    _check_width(model, "embedding", addon.name, shape[-1])
    encoder = model.text_encoder
    count = shape[0] if len(shape) == 2 else 1
    key = f"word {sha256(addon.path)} {tensor!r} {encoder.dtype}"
    patch = Word(str(addon.path), key, text, tensor, count, encoder.dtype)
    return replace(model, text_encoder=replace(encoder, patches=(*encoder.patches, patch)))


def read_vectors(addon: AddonFile) -> tuple[str, tuple[int, ...], str]:
    """The name and shape of the only tensor in an embedding's file, and the word it is for.

    Raises:
        UserError: It is no embedding, or holds several.
    """
    shapes, _ = header(addon.path, "embedding")
    kind = recognise(shapes)
    if kind.sort != "embedding":
        raise UserError(f"embedding: {addon.name!r} {kind.misfit('embedding')}")
    if len(shapes) != 1:
        raise UserError(
            f"embedding: {addon.name!r} holds {_some(list(shapes), 'tensor')};"
            " an embedding for Stable Diffusion 1.x or 2.x is one, of a vector a row"
        )
    ((tensor, shape),) = shapes.items()
    # AUTOMATIC1111 calls every such tensor the same; diffusers calls it by its word.
    return tensor, shape, addon.place.stem if tensor in ("emb_params", "*") else tensor
