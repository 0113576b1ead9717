"""Draw what every preprocessor makes of a picture, beside it, for docs/preprocessors.md."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pictures

from nodegraph import Builder, Folders, Settings
from nodegraph.node import Node
from nodes.images import LoadImage
from nodes.preprocessors import Canny, OpenPose, Scribble, SoftEdge, StraightLines
from nodes.surfaces import Depth, NormalMap, Segment

ROOT = Path(__file__).resolve().parent.parent
PICTURES, INPUTS = ROOT / "docs/pictures", ROOT / "workflows/inputs"
HEIGHT, GAP = 240, 8
# What is built in for the last three knows drawings alone.
PREPROCESSORS: Mapping[str, tuple[type[Node], list[str]]] = {
    "canny": (Canny, ["astronaut.jpg", "park.jpg"]),
    "soft-edge": (SoftEdge, ["astronaut.jpg", "park.jpg"]),
    "scribble": (Scribble, ["astronaut.jpg", "park.jpg"]),
    "straight-lines": (StraightLines, ["park.jpg"]),
    "openpose": (OpenPose, ["astronaut.jpg", "park.jpg"]),
    "depth": (Depth, ["portrait.png", "shapes.png"]),
    "normal-map": (NormalMap, ["portrait.png", "shapes.png"]),
    "segment": (Segment, ["portrait.png", "shapes.png"]),
}


def main() -> None:
    """Make the pictures again, all or those that are named."""
    PICTURES.mkdir(exist_ok=True)
    for name in sys.argv[1:] or PREPROCESSORS:
        node, inputs = PREPROCESSORS[name]
        row = [half for picture in inputs for half in pair(node, picture)]
        width = sum(half.width for half in row) + GAP * (len(row) - 1)
        sheet = Pictures.new("RGB", (width, HEIGHT), "white")
        left = 0
        for half in row:
            sheet.paste(half, (left, 0))
            left += half.width + GAP
        sheet.save(PICTURES / f"{name}.jpg", quality=88)


def pair(node: type[Any], name: str) -> list[Pictures.Image]:
    """A picture, and what the preprocessor makes of it, both small."""
    g = Builder(name)
    photo = g.add("photo", LoadImage, path=Path(name))
    drawn = g.add("drawn", node, image=photo.image)
    settings = Settings(folders=Folders(data=(INPUTS,)))
    halves = (g.run(picture, settings=settings).image.pil() for picture in (photo, drawn))
    return [half.resize(_size(half), Pictures.Resampling.LANCZOS) for half in halves]


def _size(picture: Pictures.Image) -> tuple[int, int]:
    return int(np.rint(picture.width * HEIGHT / picture.height)), HEIGHT


if __name__ == "__main__":
    main()
