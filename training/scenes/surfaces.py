"""Surfaces in a scene, and how near they are: the depth that a flat drawing is taken to have.

The background is a wall that leans a little towards us at its foot. Things stand before it, and
swell from their rims to their middles.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes.layout import Layout
from training.scenes.render import Pixels

Floats = NDArray[np.float32]
FAR, FOOT = 0.1, 0.3  # depth of the wall at its top and at its foot
RIM, SWELL, REACH = 0.6, 0.25, 0.1  # of things; REACH is a share of the picture's side
STEEP = 5.0  # the slope that a surface tilted by 45 degrees has: that of things at their rims
BACKGROUND, PERSON, SHAPE = "background", "person", "shape"


def depth(parts: Pixels) -> Floats:
    """(S, S) from 0, far, to 1, near, of a map of parts."""
    size = len(parts)
    rows = (np.arange(size, dtype=np.float32) + 0.5) / size
    wall = np.repeat((FAR + (FOOT - FAR) * rows)[:, None], size, axis=1)
    inside = cv2.distanceTransform((parts > 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    share = np.minimum(inside / (REACH * size), 1)
    near = RIM + SWELL * share * (2 - share)
    return np.where(parts > 0, near, wall).astype(np.float32)


def normals(near: Floats) -> Floats:
    """(S, S, 3) unit vectors x, y, z, of which x and y point to where it is nearer."""
    slope = len(near) / 8 / STEEP  # Sobel's kernel sums to 8 per pixel
    x = cv2.Sobel(near, cv2.CV_32F, 1, 0, ksize=3) * slope
    y = cv2.Sobel(near, cv2.CV_32F, 0, 1, ksize=3) * slope
    vectors = np.stack([x, y, np.ones_like(x)], axis=2)
    unit: Floats = vectors / np.linalg.norm(vectors, axis=2, keepdims=True)
    return unit.astype(np.float32)


def things(layout: Layout, parts: Pixels) -> tuple[NDArray[np.int64], list[str]]:
    """(S, S) indices into a list of what is there: the background, and a person or shapes."""
    return (parts > 0).astype(np.int64), [BACKGROUND, PERSON if layout.person else SHAPE]
