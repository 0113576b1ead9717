"""The colours of segmentation maps: those of ADE20K, which ControlNets were trained on."""

from __future__ import annotations

from collections.abc import Mapping

RGB = tuple[int, int, int]

TINY: Mapping[str, RGB] = {
    "background": (120, 120, 120),  # wall
    "person": (150, 5, 61),  # person
    "shape": (255, 255, 0),  # sculpture
}
"""The colour of each thing of the tiny world: that of the like of it among ADE20K's 150."""
