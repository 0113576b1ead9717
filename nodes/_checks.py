"""Checks of inputs that must go together: by facts before a run, or before the first step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, prod
from typing import TYPE_CHECKING, Any, TypeAlias

from nodegraph.errors import Fix, UserError
from nodegraph.node import Facts, Finding, LinkedFacts, Node

from .pixels import boxes
from .types import Conditioning, Control, DiffusionModel, Latents

if TYPE_CHECKING:
    from .diffusion.request import Request

Size: TypeAlias = tuple[int, int]


ROOM = 4
"""As many times a model's own area are drawn without a word."""


def shared(links: Sequence[Facts]) -> Facts:
    """The facts that all values of an input have in common, but for their size."""
    if not links:
        return {}
    first, *rest = links
    return {
        name: fact
        for name, fact in first.items()
        if name != "size" and all(link.get(name) == fact for link in rest)
    }


def size_of(links: Sequence[Facts]) -> Size | None:
    """Width and height of the largest of an input's values, as far as they are known."""
    sizes = [link["size"].split("x") for link in links if "size" in link]
    return max(((int(a), int(b)) for a, b in sizes), key=prod, default=None)


def sized(size: Size | None) -> Facts:
    """The fact that a picture, or what latents stand for, is of this size, if that is known."""
    return {"size": f"{size[0]}x{size[1]}"} if size else {}


def bounds(
    kind: type[Node],
    values: Mapping[str, Any],
    linked: LinkedFacts,
    made_of: str = "image",
    output: str = "image",
) -> Iterator[Finding]:
    """Find that an output would be larger than any picture may be, where no input was so before.

    Args:
        made_of: The input that is named.
    """
    size = size_of([kind.facts(values, linked).get(output, {})])
    was = size_of(linked.get(made_of, ()))
    if size and boxes.too_large(size) and not (was and boxes.too_large(was)):
        yield made_of, boxes.excess(size), "error"


def image_bounds(
    cls: type[Node], values: Mapping[str, Any], linked: LinkedFacts
) -> Iterator[Finding]:
    """Find that a node whose output ``image`` is made of its input of this name makes too much."""
    return bounds(cls, values, linked)


def as_large(
    cls: type[Node],  # noqa: ARG001
    values: Mapping[str, Any],  # noqa: ARG001
    linked: LinkedFacts,
) -> Mapping[str, Facts]:
    """The facts of an output ``image`` that is as large as the input of this name."""
    return {"image": sized(size_of(linked.get("image", ())))}


def oversized(size: Size | None, models: Sequence[Facts]) -> tuple[str, Size] | None:
    """Judge whether a size is one that nobody wants drawn by a model.

    Returns:
        In words, how much more it is than the model was made for; and a size of this shape that
        has the model's area. None where there is nothing to be said, or nothing known.
    """
    side = int(shared(models).get("side", 0))
    if size is None or not side or prod(size) <= ROOM * side**2:
        return None
    scale = side / prod(size) ** 0.5
    width, height = (max(round(length * scale / 8) * 8, 8) for length in size)
    times = prod(size) / side**2
    words = (
        f"{size[0]} x {size[1]} pixels, {times:.0f} times the {side} x {side} that the model was"
        " made for: this takes long, and much memory"
    )
    return words, (width, height)


def families(models: Sequence[Facts], controls: Sequence[Facts]) -> Iterator[Finding]:
    """Find ControlNets that were trained for another family of models."""
    family = shared(models).get("family")
    for control in controls:
        trained = control.get("family")
        if family and trained and family != trained:
            yield "controls", _other_family(trained, family), "error"


def conditioning(images: Sequence[Facts], nets: Sequence[Facts]) -> Iterator[Finding]:
    """Find control images of another kind than their ControlNet was trained on."""
    drawn, expected = shared(images).get("conditioning"), shared(nets).get("conditioning")
    if drawn and expected and drawn != expected:
        yield (
            "image",
            f"is {_kind(drawn)} control image, but the ControlNet reads {expected}",
            "warning",
        )


def masked(nets: Sequence[Facts], *, mask: bool) -> Iterator[Finding]:
    """Find inpainting ControlNets without a mask, and others with one."""
    reads = shared(nets).get("conditioning")
    if reads == "inpaint" and not mask:
        yield "mask", "is missing; this ControlNet fills in what a mask marks", "warning"
    elif reads and reads != "inpaint" and mask:
        yield "mask", f"is not for this ControlNet, which reads {reads}", "warning"


def startless(denoise: object, *, masked: bool) -> Iterator[tuple[str, str]]:
    """Find inputs about a picture to start from, where there is none."""
    if masked:
        yield "mask", "marks what is redrawn of a picture, but there is none; link its latents"
    if isinstance(denoise, int | float) and denoise < 1:
        yield "denoise", f"{denoise:g} keeps something of a picture; link its latents, or use 1"


def stepless(denoise: object, steps: object) -> Iterator[Finding]:
    """Find a denoise that runs no step, though it is to change something."""
    if not isinstance(denoise, int | float) or not isinstance(steps, int):
        return
    if denoise > 0 and int(steps * denoise) == 0:
        least = ceil(100 / steps) / 100
        problem = (
            f"{denoise:g} of {steps} steps is less than one, so the picture stays as it is; use"
            f" {least:g} or more"
        )
        fix = Fix(f"Use {least:g}", {"denoise": least})
        yield "denoise", problem, "warning", fix


def same_vae(model: DiffusionModel, latents: Latents) -> None:
    """Check that latents are this model's own.

    Raises:
        UserError: Another model's autoencoder made them.
    """
    if latents.vae != model.vae.key:
        raise UserError(
            f"latents: made for another model than {model.name!r};"
            " decode them there and encode the picture here"
        )


def encodable(size: tuple[int, int], factor: int) -> None:
    """Check that whole latents stand for a picture.

    Raises:
        UserError: A side is no multiple of the pixels that one latent stands for.
    """
    for name, problem in uneven(dict(zip(("width", "height"), size, strict=True)), factor):
        raise UserError(f"image: its {name}, {problem} (Resize has multiple_of={factor})")


def starts(item: Request) -> None:
    """Check the latents and the mask that a picture is started from.

    Raises:
        UserError: Something is missing, or does not go together.
    """
    model, latents = item.model, item.latents
    if latents is None:
        for name, problem in startless(item.denoise, masked=item.mask is not None):
            raise UserError(f"{name}: {problem}")
    else:
        same_vae(model, latents)
        sides = (("width", item.width), ("height", item.height))
        for (name, side), own in zip(sides, item.size, strict=True):
            if side not in (None, own):
                raise UserError(f"{name}: {side}, but the latents stand for {own}; leave it empty")
        if item.mask is not None and not item.mask.pixels.any():
            raise UserError(
                "mask: is black all over, so nothing would be redrawn; make white what is to change"
            )
    if model.inpaints and (latents is None or latents.masked_image is None or item.mask is None):
        name = "mask" if latents and latents.masked_image is not None else "latents"
        raise UserError(
            f"{name}: {model.name!r} is an inpainting model; give it a picture's latents and the"
            " mask of what is redrawn, and EncodeImage the same mask"
        )


def fits(
    model: DiffusionModel,
    prompts: Sequence[Conditioning],
    controls: Sequence[Control],
    size: tuple[int, int],
) -> None:
    """Check sizes and families, which only the models' own configurations tell.

    Raises:
        UserError: Something was made for another model, or the size cannot be decoded.
    """
    for name, problem in uneven(dict(zip(("width", "height"), size, strict=True)), model.factor):
        raise UserError(f"{name}: {problem}")
    for prompt in prompts:
        if prompt.encoder != model.text_encoder.key:
            raise UserError(f"prompt: was encoded for another model than {model.name!r}")
    for index, control in enumerate(controls):
        trained, shape = control.model.shape, model.shape
        if trained.family != shape.family:
            problem = _other_family(trained.family, shape.family)
            raise UserError(f"controls[{index}]: {control.model.name!r} {problem}")
        if trained != shape:
            raise UserError(
                f"controls[{index}]: {control.model.name!r} has levels of {trained.blocks} channels"
                f" and {trained.channels} latent channels, but {model.name!r} {shape.blocks} and"
                f" {shape.channels}; take a ControlNet made for this model"
            )


def uneven(sides: Mapping[str, object], factor: int = 8) -> Iterator[tuple[str, str]]:
    """Find sides that no latents stand for: every latent stands for ``factor`` pixels."""
    for name, side in sides.items():
        if isinstance(side, int) and side % factor:
            below = side - side % factor
            nearest = f"{below} or {below + factor}" if below else str(factor)
            yield name, f"{side} is not a multiple of {factor}; use {nearest}"


def _other_family(trained: str, family: str) -> str:
    return f"is for {trained} models, but the model is {family}"


def _kind(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
