"""Outlines of a picture: soft ones (HED), strokes along them, and straight lines (M-LSD)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nodegraph.node import Context

from . import controlnet_aux
from .files import File, Net, reference
from .sizes import Pixels, Size

if TYPE_CHECKING:
    from torch.nn import Module

HED = File("HED's", "ControlNetHED", "hed", elsewhere=True)
MLSD = File("M-LSD's", "mlsd_large_512_fp32", "mlsd")
MOST = 200  # lines of a picture, the strongest first
Lines = npt.NDArray[np.float64]
"""(N, 4): x and y of one end, x and y of the other, in pixels."""


def hed(model: str, context: Context) -> Net:
    """HED's network: the built-in one, or from a folder or the hub."""
    return reference("hed", model, HED, context)


def mlsd(model: str, context: Context) -> Net:
    """M-LSD's network: the built-in one, or from a folder or the hub."""
    return reference("mlsd", model, MLSD, context)


def soft_edges(net: Module, pixels: Pixels, *, safe: bool = False) -> Pixels:
    """(H, W) grey, the brighter the surer, of a picture whose sides are multiples of 64."""
    detector = controlnet_aux.part("hed").HEDdetector(net)
    size = min(pixels.shape[:2])
    drawn = detector(
        pixels, detect_resolution=size, image_resolution=size, safe=safe, output_type="np"
    )
    return np.asarray(drawn, np.uint8)[:, :, 0]


def strokes(edges: Pixels) -> Pixels:
    """Thick white strokes of one width along the ridges of soft edges, as a hand would draw them.

    These are the steps with which the scribble ControlNet's own training pictures were made.
    """
    import cv2

    ridges = controlnet_aux.part("util").nms(edges, 127, 3.0)
    wide = cv2.GaussianBlur(ridges, (0, 0), 3.0)
    return np.where(wide > 4, 255, 0).astype(np.uint8)


def straight_lines(net: Module, pixels: Pixels, score: float, distance: float) -> Lines:
    """Find straight lines (arXiv 2106.00186, the tri-points of section 3.2), strongest first.

    Args:
        score: How sure the network must be of a line's middle, from 0 to 1.
        distance: Pixels of the network's map, two of the picture each, that a line must be longer.
    """
    import torch

    height, width = pixels.shape[:2]
    # The network has a fourth channel, which its authors fill with ones.
    fourth = np.ones((height, width, 1), np.float32)
    planes = np.concatenate([pixels, fourth], axis=2).transpose(2, 0, 1) / 127.5 - 1  # [4, H, W]
    device = next(net.parameters()).device
    with torch.no_grad():
        maps: Any = net(torch.from_numpy(planes[None].astype(np.float32)).to(device))
    middles, scores, ends = controlnet_aux.part("mlsd.utils").deccode_output_score_and_ptss(
        maps, MOST, 3
    )
    offsets = ends[middles[:, 0], middles[:, 1]].astype(np.float64)
    lengths = np.hypot(*(offsets[:, :2] - offsets[:, 2:]).T)
    lines = 2 * (offsets + middles[:, [1, 0, 1, 0]])
    chosen: Lines = lines[(scores > score) & (lengths > distance)]
    return chosen


def draw(lines: Lines, looked_at: Size, size: Size) -> Pixels:
    """White lines on black, (H, W), drawn at ``size`` itself: a shrunk line would be a pale one."""
    import cv2

    drawn = np.zeros(size[::-1], np.uint8)
    scale = np.tile(np.divide(size, looked_at), 2)
    thick = max(1, round(float(scale.mean())))
    for x0, y0, x1, y1 in (lines * scale).astype(int).tolist():
        cv2.line(drawn, (x0, y0), (x1, y1), 255, thick)
    return drawn
