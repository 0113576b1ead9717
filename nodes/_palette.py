"""The colours of segmentation maps: those of ADE20K, which ControlNets were trained on."""

from __future__ import annotations

from collections.abc import Mapping

RGB = tuple[int, int, int]

TINY: Mapping[str, RGB] = {
    "background": (120, 120, 120),  # wall
    "person": (150, 5, 61),  # person
    "circle": (255, 0, 163),  # ball
    "square": (0, 255, 20),  # box
    "triangle": (92, 0, 255),  # flag
    "star": (224, 255, 8),  # lamp
    "heart": (255, 194, 7),  # cushion
    "ring": (0, 255, 184),  # plate
    "cross": (255, 255, 0),  # sculpture
    "house": (255, 9, 224),  # house
    "tree": (4, 200, 3),  # tree
    "moon": (255, 173, 0),  # light
}
"""The colour of each thing of the tiny world: that of the like of it among ADE20K's 150."""
