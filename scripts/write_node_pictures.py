"""Show in one small picture a node what it does, for docs/nodes.md; no model is needed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias, get_args

import numpy as np
from PIL import Image as Pictures

from nodegraph.shipped import shipped
from nodes._blend import MODES
from nodes._decode import decode
from nodes.combine import Blend, Overlay, Paste
from nodes.geometry import Crop, CropToMask, Flip, Pad, Rotate
from nodes.images import Fit, Resize
from nodes.layout import Compare, Grid
from nodes.preprocessors import Canny
from nodes.retouch import Adjust, Blur, Grey, Invert, Sharpen, Threshold
from nodes.types import Image, Mask, Pixels

FOLDER = Path(__file__).resolve().parent.parent / "docs/pictures/nodes"
SIDE = 144  # pixels of each picture
NARROWEST = 80
PAPER = "#e4e4e4"  # white and black masks stand out from it
COLOURS = 200  # that a sheet of photographs may have, to stay small

Shown: TypeAlias = Iterator[tuple[str, Image]]


@cache
def photo(name: str = "astronaut.jpg", side: int = SIDE) -> Image:
    """A shipped picture, ``side`` pixels high."""
    path = next(iter(shipped().values())).parent / "inputs" / name
    return Resize(image=Image(decode(path.read_bytes(), name)[0]), height=side).run().image


def face() -> Mask:
    """A mask that marks the astronaut's face."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    inside = ((x - 0.43) / 0.13) ** 2 + ((y - 0.22) / 0.17) ** 2 < 1
    return Mask((inside * 255).astype(np.uint8))


def seen(mask: Mask) -> Image:
    """A mask as a picture."""
    return Image.from_grey(mask.pixels)


def each(kind: type[Any], **settings: Any) -> Shown:
    """The photograph, and what a node makes of it with each of some settings."""
    yield "image", photo()
    for label, given in settings.items():
        yield label.replace("_", " "), kind(image=photo(), **given).run().image


def resized() -> Shown:
    wide = photo("park.jpg")
    yield "image", wide
    for fit in get_args(Fit):
        small = Resize(image=wide, width=96, height=SIDE, fit=fit, background="#8090a0")
        yield fit, small.run().image


def cropped() -> Shown:
    wide = photo("park.jpg")
    yield "image", wide
    for anchor in ("left", "centre", "right"):
        part = Crop.model_validate({"image": wide, "width": SIDE / 2, "anchor": anchor})
        yield anchor, part.run().image


def cropped_to_mask() -> Shown:
    part = CropToMask(image=photo(), mask=face(), padding=6).run()
    yield from (("image", photo()), ("mask", seen(face())))
    yield from (("its image", part.image), ("its mask", seen(part.mask)))


def pasted() -> Shown:
    part = CropToMask(image=photo(), mask=face()).run()
    layer = Adjust(image=part.image, hue=180).run().image
    plain = Paste(image=photo(), layer=layer, left=part.left, top=part.top)
    yield from (("image", photo()), ("layer", layer), ("without a mask", plain.run().image))
    yield "with one", plain.model_copy(update={"mask": part.mask}).run().image


def padded() -> Shown:
    room = {"left": 24, "right": 24}
    yield "image", photo()
    for fill in ("background", "edge", "mirror"):
        wider = Pad.model_validate({"image": photo(), "fill": fill, "background": "#8090a0"} | room)
        yield fill, wider.run().image
    yield "mask", seen(Pad.model_validate({"image": photo()} | room).run().mask)


def adjusted() -> Shown:
    changed: dict[str, Any] = {
        "brightness": 1.5,
        "contrast": 2,
        "saturation": 0.3,
        "hue": 120,
        "gamma": 2,
    }
    yield from each(Adjust, **{f"{name} {value}": {name: value} for name, value in changed.items()})


def blended() -> Shown:
    below, above = photo(), photo("shapes.png")
    yield from (("image", below), ("layer", above))
    for mode in MODES:
        amount = 0.5 if mode == "normal" else 1
        label = f"{mode}, {amount}" if amount < 1 else mode
        yield label, Blend(image=below, layer=above, mode=mode, amount=amount).run().image


def overlaid() -> Shown:
    edges = Canny(image=photo()).run().image
    yield from (("image", photo()), ("control", edges))
    for label, colour in (("as it is", None), ("colour #ff0000", "#ff0000")):
        yield label, Overlay(image=photo(), control=edges, colour=colour).run().image


def compared() -> Shown:
    after = Adjust(image=Blur(image=photo(), radius=1.5).run().image, contrast=1.3).run().image
    for layout in ("side by side", "split", "difference"):
        both = Compare.model_validate(
            {"before": photo(), "after": after, "layout": layout, "gain": 2}
        )
        yield layout, both.run().image


def gridded() -> Shown:
    cells = [photo(f"pose-{i}.png", 96) for i in range(1, 5)]
    labels = [f"pose {i}" for i in range(1, 5)]
    yield "", Grid(images=cells, columns=4, labels=labels, title="Four poses").run().image


DEMONSTRATIONS: Mapping[str, Callable[[], Shown]] = {
    "Resize": resized,
    "Crop": cropped,
    "CropToMask": cropped_to_mask,
    "Paste": pasted,
    "Pad": padded,
    "Flip": lambda: each(
        Flip, horizontal={"direction": "horizontal"}, vertical={"direction": "vertical"}
    ),
    "Rotate": lambda: each(
        Rotate,
        **{
            "90": {"angle": 90},
            "20": {"angle": 20, "background": "#8090a0"},
            "20, not expanded": {"angle": 20, "expand": False, "background": "#8090a0"},
        },
    ),
    "Adjust": adjusted,
    "Invert": lambda: each(Invert, inverted={}),
    "Grey": lambda: each(
        Grey, luminance={}, red={"channel": "red"}, saturation={"channel": "saturation"}
    ),
    "Threshold": lambda: each(
        Threshold, level_found={}, level_60={"level": 60}, level_180={"level": 180}
    ),
    "Blur": lambda: each(Blur, radius_2={"radius": 2}, radius_8={"radius": 8}),
    "Sharpen": lambda: each(
        Sharpen, amount_1={}, amount_3={"amount": 3}, radius_8={"radius": 8}
    ),
    "Blend": blended,
    "Overlay": overlaid,
    "Compare": compared,
    "Grid": gridded,
    "Canny": lambda: each(
        Canny, **{"100, 200": {}, "30, 90": {"low_threshold": 30, "high_threshold": 90}}
    ),
}  # fmt: skip


def main() -> None:
    """Make the pictures again, all or those of the nodes named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or DEMONSTRATIONS:
        labels, images = zip(*DEMONSTRATIONS[name](), strict=True)
        sheet = strip(list(images), list(labels)) if len(images) > 1 else images[0]
        (FOLDER / f"{name}.png").write_bytes(small(sheet))


def strip(images: list[Image], labels: list[str]) -> Image:
    """Pictures in one or two rows, as large as they are, each with its label."""
    tallest = max(image.size[1] for image in images)
    cells = [cell(image, label, tallest) for image, label in zip(images, labels, strict=True)]
    half = len(cells) if len(cells) <= 6 else (len(cells) + 1) // 2
    rows = [np.hstack(row) for row in (cells[:half], cells[half:]) if row]
    return Image(np.vstack(rows))


def cell(image: Image, label: str, height: int) -> Pixels:
    """A picture in the middle of a height, with its label, which needs some width."""
    room, beside = height - image.size[1], max(0, (NARROWEST - image.size[0] + 1) // 2)
    middle = Pad(
        image=image,
        top=room // 2,
        bottom=room - room // 2,
        left=beside,
        right=beside,
        background=PAPER,
    )
    grid = Grid(
        images=[middle.run().image], labels=[label], padding=5, label_size=12, background=PAPER
    )
    return grid.run().image.pixels


def small(sheet: Image) -> bytes:
    """A PNG of few colours."""
    file = BytesIO()
    few = sheet.pil().quantize(COLOURS, Pictures.Quantize.MEDIANCUT, dither=Pictures.Dither.NONE)
    few.save(file, "PNG", optimize=True)
    return file.getvalue()


if __name__ == "__main__":
    main()
