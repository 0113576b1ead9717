"""What does not go together, found before a run if it is known, else before the first step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from nodegraph.errors import UserError
from nodegraph.node import Facts, Finding

from .types import Conditioning, Control, DiffusionModel, Latents

if TYPE_CHECKING:
    from .diffusion.request import Request


def shared(links: Sequence[Facts]) -> Facts:
    """The facts that hold of everything an input is given."""
    if not links:
        return {}
    first, *rest = links
    return {name: fact for name, fact in first.items() if all(o.get(name) == fact for o in rest)}


def families(models: Sequence[Facts], controls: Sequence[Facts]) -> Iterator[Finding]:
    """Find ControlNets that were trained for another family of models."""
    family = shared(models).get("family")
    for control in controls:
        other = control.get("family")
        if family and other and family != other:
            yield "controls", _other_family(other, family), "error"


def conditioning(images: Sequence[Facts], nets: Sequence[Facts]) -> Iterator[Finding]:
    """Find control images of another kind than their ControlNet was trained on."""
    shown, expected = shared(images).get("conditioning"), shared(nets).get("conditioning")
    if shown and expected and shown != expected:
        yield (
            "image",
            f"is {_kind(shown)} control image, but the ControlNet reads {expected}",
            "warning",
        )


def masked(nets: Sequence[Facts], *, mask: bool) -> Iterator[Finding]:
    """Find inpainting ControlNets that are not told what is missing, and others that are."""
    reads = shared(nets).get("conditioning")
    if reads == "inpaint" and not mask:
        yield "mask", "is missing; this ControlNet fills in what a mask marks", "warning"
    elif reads and reads != "inpaint" and mask:
        yield "mask", f"is not for this ControlNet, which reads {reads}", "warning"


def startless(denoise: object, *, masked: bool) -> Iterator[tuple[str, str]]:
    """Find inputs that speak of a picture to start from, where there is none."""
    if masked:
        yield "mask", "marks what is redrawn of a picture, but there is none; link its latents"
    if isinstance(denoise, int | float) and denoise < 1:
        yield "denoise", f"{denoise:g} keeps something of a picture; link its latents, or use 1"


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
    for name, said in uneven(dict(zip(("width", "height"), size, strict=True)), factor):
        raise UserError(f"image: its {name}, {said} (Resize has multiple_of={factor})")


def starts(item: Request) -> None:
    """Check what a picture is started from.

    Raises:
        UserError: Something is missing, or does not go together.
    """
    model, latents = item.model, item.latents
    if latents is None:
        for name, said in startless(item.denoise, masked=item.mask is not None):
            raise UserError(f"{name}: {said}")
    else:
        same_vae(model, latents)
        asked = (("width", item.width), ("height", item.height))
        for (name, side), own in zip(asked, item.size, strict=True):
            if side not in (None, own):
                raise UserError(f"{name}: {side}, but the latents stand for {own}; leave it empty")
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
    """Check what only the models' own configurations tell.

    Raises:
        UserError: Something was made for another model, or the size cannot be decoded.
    """
    for name, said in uneven(dict(zip(("width", "height"), size, strict=True)), model.factor):
        raise UserError(f"{name}: {said}")
    for prompt in prompts:
        if prompt.encoder != model.text_encoder.key:
            raise UserError(f"prompt: was encoded for another model than {model.name!r}")
    for index, control in enumerate(controls):
        theirs, ours = control.model.shape, model.shape
        if theirs.family != ours.family:
            said = _other_family(theirs.family, ours.family)
            raise UserError(f"controls[{index}]: {control.model.name!r} {said}")
        if theirs != ours:
            raise UserError(
                f"controls[{index}]: {control.model.name!r} has levels of {theirs.blocks} channels"
                f" and {theirs.channels} latent channels, but {model.name!r} {ours.blocks} and"
                f" {ours.channels}; take a ControlNet made for this model"
            )


def uneven(sides: Mapping[str, object], factor: int = 8) -> Iterator[tuple[str, str]]:
    """Find sides that no latents stand for: every latent stands for ``factor`` pixels."""
    for name, side in sides.items():
        if isinstance(side, int) and side % factor:
            below = side - side % factor
            nearest = f"{below} or {below + factor}" if below else str(factor)
            yield name, f"{side} is not a multiple of {factor}; use {nearest}"


def _other_family(theirs: str, ours: str) -> str:
    return f"is for {theirs} models, but the model is {ours}"


def _kind(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
