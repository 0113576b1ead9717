"""A small network that sees depth, normals and things in drawings of the tiny world.

It was trained on such drawings alone (``training/recipes/dense.py``); of a photograph it knows
nothing.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .ade20k import TINY
from .sizes import Pixels, resized

_log = logging.getLogger(__name__)
NAMES = tuple(TINY)
WIDTHS = (12, 24, 48, 72, 72)
# Measured: noisy, squeezed drawings are smooth to 0.65 or more, clean ones to 0.79; of six colour
# photographs none to more than 0.46. A smooth grey photograph can pass for a drawing.
DRAWN, STEP = 0.6, 8  # share of the picture; levels of 255


class Surfaces(NamedTuple):
    """Depth, normals and things in (B, 3, H, W) pictures.

    Attributes:
        depth: (B, 1, H, W), 0 far and 1 near.
        normal: (B, 3, H, W) unit vectors x, y, z; x and y point to where it is nearer.
        logits: (B, C, H, W), one for each of ``NAMES``.
    """

    depth: Tensor
    normal: Tensor
    logits: Tensor


class DenseNet(nn.Module):
    """A U-Net (arXiv 1505.04597) of about half a million parameters, with three results a pixel."""

    def __init__(self) -> None:
        super().__init__()
        first, *deeper = WIDTHS
        self.conv_in = _convolution(3, first)
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(above, width, stride=2), _Residual(width))
            for above, width in zip(WIDTHS, deeper, strict=False)
        )
        self.middle = _Residual(WIDTHS[-1])
        self.up = nn.ModuleList(
            _Up(below, width) for below, width in zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True)
        )
        self.conv_out = nn.Conv2d(first, 1 + 3 + len(NAMES), 1)

    def forward(self, pictures: Tensor) -> Surfaces:
        """Look at pictures in [-1, 1] whose sides are multiples of 16."""
        levels = [self.conv_in(pictures)]
        for down in self.down:
            levels.append(down(levels[-1]))
        hidden = self.middle(levels.pop())
        for up in self.up:
            hidden = up(hidden, levels.pop())
        depth, normal, logits = self.conv_out(hidden).float().split((1, 3, len(NAMES)), dim=1)
        return Surfaces(depth, F.normalize(normal, dim=1), logits)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _convolution(width, width), _convolution(width, width)

    def forward(self, values: Tensor) -> Tensor:
        added: Tensor = values + self.second(self.first(values))
        return added


class _Up(nn.Module):
    """Twice the size, joined with what was seen there on the way down."""

    def __init__(self, below: int, width: int) -> None:
        super().__init__()
        self.join = _convolution(below + width, width, kernel=1)
        self.refine = _convolution(width, width)

    def forward(self, below: Tensor, beside: Tensor) -> Tensor:
        larger = F.interpolate(below, scale_factor=2.0, mode="bilinear")
        refined: Tensor = self.refine(self.join(torch.cat([larger, beside], dim=1)))
        return refined


def _convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.SiLU(inplace=True),
    )


def look(net: nn.Module, pixels: Pixels) -> Surfaces:
    """Look at (H, W, 3) pixels, sides multiples of 16; warn where they are no drawing."""
    smooth = smoothness(pixels)
    if smooth < DRAWN:
        _log.warning(
            "'tiny' knows drawings of the tiny world alone, and this picture is not like one"
            " (%.0f %% of it is smooth, of a drawing at least %.0f %%); what it sees here is"
            " guesswork: give a model from the hub or a folder",
            100 * smooth,
            100 * DRAWN,
        )
    # [1, 3, H, W] in [-1, 1]
    planes = torch.from_numpy(pixels.transpose(2, 0, 1)[None] / np.float32(127.5) - 1)
    with torch.no_grad():
        surfaces: Surfaces = net(planes.to(next(net.parameters()).device))
    return surfaces


def smoothness(pixels: Pixels) -> float:
    """The share of a picture, looked at in 128 pixels, that hardly changes from pixel to pixel."""
    import cv2

    small = cv2.GaussianBlur(resized(pixels, 128), (0, 0), 1)
    around = np.ones((3, 3), np.uint8)
    change = cv2.subtract(cv2.dilate(small, around), cv2.erode(small, around)).max(axis=2)
    return float((change <= STEP).mean())
