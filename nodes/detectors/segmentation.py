"""What is where in a picture, as a coloured map, names and masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from nodegraph.errors import UserError
from nodegraph.node import Context, Pin

from . import ade20k as _palette
from . import controlnet_aux as _controlnet_aux
from . import depth as _surfaces
from . import transformers as _transformers
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

    def found(self, share: float) -> list[tuple[str, Pixels]]:
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
        return _surfaces.dense().digest
    return _transformers.find(model, "seg", context).stamp


def pins(model: str, context: Context) -> Mapping[str, Pin]:
    """What a workflow notes of a segmentation model of transformers."""
    return {} if model == "tiny" else _transformers.pins(model, "seg", context)


def things(model: str, pixels: Pixels, size: Size, context: Context) -> Things:
    """Tell what is where; ``size`` is that of the result.

    Raises:
        UserError: The model knows other things than ADE20K's.
    """
    if model == "tiny":
        logits = _surfaces.looked(pixels, context).logits
        colours = np.array(list(_palette.TINY.values()), np.uint8)
        return Things(_likeliest(logits, size), list(_palette.TINY), colours)
    found = _transformers.find(model, "seg", context)
    names = found.config.get("id2label") or {}
    if len(names) != KINDS:
        raise UserError(
            f"model: {model!r} knows {len(names)} kinds of things; the colours that ControlNets"
            f" were trained on are those of ADE20K's {KINDS}"
        )
    with found.shown(pixels, context) as seen:
        classes = _likeliest(seen.logits, size)
    palette = _controlnet_aux.part("util").ade_palette()
    labels = [str(names[str(i)]) for i in range(KINDS)]
    return Things(classes, labels, np.array(palette, np.uint8))


def _likeliest(logits: Tensor, size: Size) -> Classes:
    width, height = size
    likeliest = _transformers.resized_to(logits, height, width)[0].argmax(0)
    return np.asarray(likeliest.cpu().numpy(), np.int64)
