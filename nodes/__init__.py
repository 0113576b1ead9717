"""The nodes that come with nodegraph; ``NODES`` is what the entry point names."""

from __future__ import annotations

from nodegraph.node import Composite, Node

from .images import LoadImage, Resize, SaveImage
from .layout import Grid
from .preprocessors import Canny, OpenPose

NODES: tuple[type[Node] | type[Composite], ...] = (
    LoadImage,
    Resize,
    SaveImage,
    Grid,
    Canny,
    OpenPose,
)
