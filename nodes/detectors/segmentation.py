"""Segmentation of a picture into ADE20K's things: a coloured map, names and masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from nodegraph.errors import UserError
from nodegraph.node import Context, Pin

from . import ade20k, controlnet_aux, depth, files, transformers
from .sizes import Pixels, Size

if TYPE_CHECKING:
    from torch import Tensor

Classes = npt.NDArray[np.int64]
KINDS = 150  # of things that ADE20K's palette has colours for


class Things(NamedTuple):
    """(H, W) indices into names and colours."""

    classes: Classes
    names: Sequence[str]
    colours: npt.NDArray[np.uint8]

    @property
    def image(self) -> Pixels:
        """(H, W, 3): everything in its colour."""
        return self.colours[self.classes]

    def largest(self, share: float) -> list[tuple[str, Pixels]]:
        """Name and (H, W) mask of all that fills such a share of the picture, largest first."""
        counts = np.bincount(self.classes.ravel(), minlength=len(self.names))
        chosen = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]]
        least = share * self.classes.size
        return [
            (self.names[i], np.where(self.classes == i, 255, 0).astype(np.uint8))
            for i in chosen
            if counts[i] >= least
        ]


def stamp(model: str, context: Context) -> object:
    """The content of a segmentation model."""
    if model == "tiny":
        return files.stamp(context, depth.dense().digest)
    return files.stamp(context, *transformers.find_model(model, "seg", context).stamp)


def pins(model: str, context: Context) -> Mapping[str, Pin]:
    """The pins of a segmentation model of transformers; the built-in one has none."""
    return {} if model == "tiny" else transformers.pins(model, "seg", context)


def things(model: str, pixels: Pixels, size: Size, context: Context) -> Things:
    """Find the things in a picture; ``size`` is that of the result.

    Raises:
        UserError: The model knows other things than ADE20K's.
    """
    if model == "tiny":
        logits = depth.surfaces_of(pixels, context).logits
        colours = np.array(list(ade20k.TINY.values()), np.uint8)
        return Things(_likeliest(logits, size), list(ade20k.TINY), colours)
    reference = transformers.find_model(model, "seg", context)
    names = reference.config.get("id2label") or {}
    if len(names) != KINDS:
        raise UserError(
            f"model: {model!r} knows {len(names)} kinds of things; the colours that ControlNets"
            f" were trained on are those of ADE20K's {KINDS}"
        )
    with reference.result_of(pixels, context) as result:
        classes = _likeliest(result.logits, size)
    palette = controlnet_aux.part("util").ade_palette()
    labels = [str(names[str(i)]) for i in range(KINDS)]
    return Things(classes, labels, np.array(palette, np.uint8))


def _likeliest(logits: Tensor, size: Size) -> Classes:
    width, height = size
    # Resized before the choice: classes have no means.
    likeliest = transformers.resized_to(logits, height, width)[0].argmax(0)  # [H, W]
    return np.asarray(likeliest.cpu().numpy(), np.int64)
