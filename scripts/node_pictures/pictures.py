"""Figures of the nodes that change pictures, cut them, mix them and lay them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from nodes.combine import Blend, Overlay, Paste
from nodes.geometry import Crop, CropToMask, Flip, Pad, Rotate
from nodes.images import Fit, Resize
from nodes.layout import Compare, Grid
from nodes.pixels.blend import MODES
from nodes.preprocessors import Canny
from nodes.retouch import Adjust, Blur, Grey, Invert, Sharpen, Threshold

from .frame import Figure, Panel, Row
from .inputs import SIDE, face, mask_image, photo

SLATE = "#8090a0"


def variants(kind: type[Any], side: int = SIDE, /, **settings: Any) -> Row:
    """The photograph, and what a node makes of it with each of some settings."""
    image = photo(height=side)
    panels = [
        Panel(kind(image=image, **values).run().image, label.replace("_", " "))
        for label, values in settings.items()
    ]
    return [Panel(image, "image"), None, *panels]


def resized() -> Figure:
    wide = photo("park.jpg", 120)
    fits = [
        Panel(
            Resize(image=wide, width=100, height=SIDE, fit=fit, background=SLATE).run().image, fit
        )
        for fit in get_args(Fit)
    ]
    return [[Panel(wide, "image"), None, *fits]]


def cropped() -> Figure:
    wide = photo("park.jpg")
    parts = [
        Panel(Crop(image=wide, width=SIDE // 2, anchor=anchor).run().image, anchor)
        for anchor in ("left", "centre", "right")
    ]
    return [[Panel(wide, "image"), None, *parts]]


def cropped_to_mask() -> Figure:
    part = CropToMask(image=photo(), mask=face(), padding=6).run()
    inputs = [Panel(photo(), "image"), Panel(mask_image(face()), "mask")]
    return [[*inputs, None, Panel(part.image, "image"), Panel(mask_image(part.mask), "mask")]]


def pasted() -> Figure:
    part = CropToMask(image=photo(), mask=face()).run()
    layer = Adjust(image=part.image, hue=180).run().image
    plain = Paste(image=photo(), layer=layer, left=part.left, top=part.top)
    masked = plain.model_copy(update={"mask": part.mask})
    return [
        [
            Panel(photo(), "image"),
            Panel(layer, "layer"),
            None,
            Panel(plain.run().image, "without a mask"),
            Panel(masked.run().image, "with one"),
        ]
    ]


def padded() -> Figure:
    image = photo(height=92)
    fills: Any = ("background", "edge", "mirror")
    padded = [Pad(image=image, left=14, right=14, fill=f, background=SLATE).run() for f in fills]
    masked = Panel(mask_image(padded[0].mask), "mask")
    panels = [Panel(result.image, fill) for result, fill in zip(padded, fills, strict=True)]
    return [[Panel(image, "image"), None, *panels, masked]]


def flipped() -> Figure:
    both = ("horizontal", "vertical")
    return [variants(Flip, **{direction: {"direction": direction} for direction in both})]


def rotated() -> Figure:
    turned = {"angle": 20, "background": SLATE}
    return [
        variants(
            Rotate,
            128,
            **{"90": {"angle": 90}, "20": turned, "20, not expanded": {**turned, "expand": False}},
        )
    ]


def adjusted() -> Figure:
    changed = {"brightness": 1.5, "contrast": 2, "saturation": 0.3, "hue": 120, "gamma": 2}
    row = variants(Adjust, 136, **{f"{name} {v:g}": {name: v} for name, v in changed.items()})
    return [row[:4], row[4:]]


def greyed() -> Figure:
    red, saturation = ({"channel": channel} for channel in ("red", "saturation"))
    return [variants(Grey, 136, luminance={}, red=red, saturation=saturation)]


def thresholded() -> Figure:
    return [
        variants(Threshold, 136, level_found={}, level_60={"level": 60}, level_180={"level": 180})
    ]


def sharpened() -> Figure:
    return [variants(Sharpen, 136, amount_1={}, amount_3={"amount": 3}, radius_8={"radius": 8})]


def blended() -> Figure:
    below, above = photo("park.jpg", 74), photo("shapes.png", 128)
    above = Resize(image=above, width=below.size[0], height=below.size[1]).run().image
    panels = []
    for mode in MODES:
        amount = 0.5 if mode == "normal" else 1.0
        label = f"{mode}, amount 0.5" if amount < 1 else mode
        panels.append(
            Panel(Blend(image=below, layer=above, mode=mode, amount=amount).run().image, label)
        )
    inputs = [Panel(below, "image"), Panel(above, "layer"), None]
    return [[*inputs, *panels[:2]], *(panels[i : i + 3] for i in range(2, len(panels), 3))]


def overlaid() -> Figure:
    edges = Canny(image=photo(height=136)).run().image
    colours: Mapping[str, str | None] = {"as it is": None, "colour #ff0000": "#ff0000"}
    panels = [
        Panel(Overlay(image=photo(height=136), control=edges, colour=colour).run().image, label)
        for label, colour in colours.items()
    ]
    return [[Panel(photo(height=136), "image"), Panel(edges, "control"), None, *panels]]


def compared() -> Figure:
    before = photo(height=140)
    after = Adjust(image=Blur(image=before, radius=1.5).run().image, contrast=1.3).run().image
    layouts: Any = ("side by side", "split", "difference")
    panels = [
        Panel(Compare(before=before, after=after, layout=layout, gain=2).run().image, layout)
        for layout in layouts
    ]
    return [[Panel(before, "before"), Panel(after, "after"), None, panels[0]], panels[1:]]


def gridded() -> Figure:
    cells = [photo(f"pose-{i}.png", 96) for i in range(1, 5)]
    labels = [f"pose {i}" for i in range(1, 5)]
    sheet = Grid(images=cells, columns=4, labels=labels, title="Four poses", padding=12)
    return [[Panel(sheet.run().image)]]


FIGURES: Mapping[str, Callable[[], Figure]] = {
    "Resize": resized,
    "Crop": cropped,
    "CropToMask": cropped_to_mask,
    "Paste": pasted,
    "Pad": padded,
    "Flip": flipped,
    "Rotate": rotated,
    "Adjust": adjusted,
    "Invert": lambda: [variants(Invert, inverted={})],
    "Grey": greyed,
    "Threshold": thresholded,
    "Blur": lambda: [variants(Blur, radius_2={"radius": 2}, radius_8={"radius": 8})],
    "Sharpen": sharpened,
    "Blend": blended,
    "Overlay": overlaid,
    "Compare": compared,
    "Grid": gridded,
}
