"""Masks: what they mark, to the pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nodegraph.errors import UserError
from nodegraph.node import Output
from nodes.combine import Blend, Paste
from nodes.geometry import Crop, CropToMask, Flip, Pad, Rotate
from nodes.images import Resize
from nodes.masks import DrawMask, GrowMask, ImageToMask
from nodes.types import Image, Mask

from ..support.pictures import flat, gradient


def mask_of(*rows: str) -> Mask:
    """White where there is a ``#``."""
    return Mask(np.array([[255 * (one == "#") for one in row] for row in rows], np.uint8))


def rows_of(mask: Mask) -> list[str]:
    return ["".join("#" if one == 255 else "." for one in row) for row in mask.pixels]


def colours(*row: tuple[int, int, int]) -> Image:
    return Image(np.array([row], np.uint8))


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({}, [76, 150, 29, 255]),  # 0.299 R + 0.587 G + 0.114 B
        ({"channel": "red"}, [255, 0, 0, 255]),
        ({"channel": "green"}, [0, 255, 0, 255]),
        ({"channel": "blue"}, [0, 0, 255, 255]),
        ({"invert": True}, [179, 105, 226, 0]),
        ({"threshold": 150}, [0, 255, 0, 255]),
        ({"threshold": 151}, [0, 0, 0, 255]),
        ({"threshold": 150, "invert": True}, [255, 0, 255, 0]),
    ],
)
def test_a_picture_is_read_as_a_mask(inputs: dict[str, Any], expected: list[int]) -> None:
    image = colours((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))

    assert ImageToMask(image=image, **inputs).run().mask.pixels.tolist() == [expected]


def test_a_mask_grows_by_a_disc() -> None:
    point = mask_of(".......", ".......", ".......", "...#...", ".......", ".......", ".......")

    assert rows_of(GrowMask(mask=point, grow=2).run().mask) == [
        ".......",
        "...#...",
        "..###..",
        ".#####.",
        "..###..",
        "...#...",
        ".......",
    ]


def test_a_mask_shrinks_from_its_edges_but_not_from_the_frame() -> None:
    corner = mask_of("####.", "####.", "####.", ".....")

    assert rows_of(GrowMask(mask=corner, grow=-1).run().mask) == [
        "###..",
        "###..",
        ".....",
        ".....",
    ]


def test_growing_keeps_the_greys_of_a_soft_mask() -> None:
    soft = Mask(np.array([[0, 0, 90, 0, 0]], np.uint8))

    assert GrowMask(mask=soft, grow=1).run().mask.pixels.tolist() == [[0, 90, 90, 90, 0]]


def test_a_blur_is_a_gaussian_whose_deviation_is_given_in_pixels() -> None:
    point = np.zeros((1, 41), np.uint8)
    point[0, 20] = 255
    weights = np.exp(-((np.arange(41) - 20.0) ** 2) / (2 * 2.0**2))

    soft = GrowMask(mask=Mask(np.repeat(point, 9, axis=0)), grow=0, blur=2).run().mask.pixels

    assert soft[4].tolist() == (255 * weights / weights.sum()).round().astype(int).tolist()


def test_a_blur_leaves_a_mask_white_up_to_the_frame() -> None:
    white = Mask(np.full((6, 8), 255, np.uint8))

    assert (GrowMask(mask=white, grow=0, blur=5).run().mask.pixels == 255).all()


def test_a_mask_is_inverted_after_it_grew() -> None:
    line = mask_of("..#..")

    assert rows_of(GrowMask(mask=line, grow=1, invert=True).run().mask) == ["#...#"]


def test_a_rectangle_is_drawn_by_fractions() -> None:
    node = DrawMask(image=flat((0, 0, 0), 8, 4), left=0.25, top=0.5, right=0.75, bottom=1)

    assert rows_of(node.run().mask) == ["........", "........", "..####..", "..####.."]


def test_an_ellipse_fills_its_rectangle() -> None:
    node = DrawMask(image=flat((0, 0, 0), 12, 6), shape="ellipse", left=0, top=0, right=1, bottom=1)

    assert rows_of(node.run().mask) == [
        "...######...",
        ".##########.",
        "############",
        "############",
        ".##########.",
        "...######...",
    ]


def test_what_lies_outside_can_be_marked() -> None:
    node = DrawMask(image=flat((0, 0, 0), 4, 1), top=0, bottom=1, invert=True)

    assert rows_of(node.run().mask) == ["#..#"]


def test_a_rectangle_without_inside_is_refused() -> None:
    with pytest.raises(UserError, match=r"left: 0\.8 must be less than right, which is 0\.75"):
        DrawMask(image=flat((0, 0, 0)), left=0.8).run()


def test_a_blend_changes_no_pixel_outside_the_mask_and_all_inside() -> None:
    image, over = gradient(), flat((9, 99, 199))
    mask = DrawMask(image=image, shape="ellipse").run().mask

    mixed = Blend(image=image, layer=over, amount=1, mask=mask).run().image.pixels

    white = mask.pixels == 255
    assert np.array_equal(mixed[~white], image.pixels[~white])
    assert np.array_equal(mixed[white], over.pixels[white])


def test_a_grey_mask_mixes() -> None:
    mask = Mask(np.array([[0, 51, 255]], np.uint8))
    below, above = flat((100, 0, 0), 3, 1), flat((200, 0, 0), 3, 1)

    mixed = Blend(image=below, layer=above, amount=1, mask=mask).run()

    assert mixed.image.pixels[0, :, 0].tolist() == [100, 120, 200]


def test_a_feather_fades_inwards_and_leaves_the_outside_alone() -> None:
    black, white = flat((0, 0, 0), 9, 1), flat((255, 255, 255), 9, 1)
    mask = mask_of("..#######")

    mixed = Blend(image=black, layer=white, amount=1, mask=mask, feather=4).run().image

    # One to five fifths; the frame is no edge.
    assert mixed.pixels[0, :, 0].tolist() == [0, 0, 51, 102, 153, 204, 255, 255, 255]


def white_block(*, times: int = 1) -> Mask:
    """Of a picture of 48 x 32, or of one so many times as large, a block is white."""
    pixels = np.zeros((32 * times, 48 * times), np.uint8)
    pixels[8 * times : 20 * times, 16 * times : 40 * times] = 255
    return Mask(pixels)


@pytest.mark.parametrize("times", [2, 3])
def test_a_mask_of_another_size_is_stretched_wherever_a_picture_takes_one(times: int) -> None:
    image, layer = gradient(), flat((9, 99, 199), 48, 32)
    own, large = white_block(), white_block(times=times)
    runs: list[Callable[[Mask], Output]] = [
        lambda mask: Blend(image=image, layer=layer, mask=mask, feather=2).run(),
        lambda mask: Paste(image=image, layer=layer, mask=mask).run(),
        lambda mask: CropToMask(image=image, mask=mask).run(),
        lambda mask: Resize(image=image, width=24, mask=mask).run(),
        lambda mask: Crop(image=image, width=20, mask=mask).run(),
        lambda mask: Pad(image=image, left=8, mask=mask).run(),
        lambda mask: Flip(image=image, mask=mask).run(),
        lambda mask: Rotate(image=image, mask=mask).run(),
    ]

    for run in runs:
        assert arrays(run(large)) == arrays(run(own))


def arrays(output: Output) -> list[object]:
    values = dict(output).values()
    return [value.pixels.tolist() if isinstance(value, Image | Mask) else value for value in values]


def test_every_node_with_a_picture_and_a_mask_is_among_these() -> None:
    from nodes import NODES

    of_models = {"EncodeImage", "Inpaint", "Control"}  # tested beside them
    both = {
        node.__name__
        for node in NODES
        if {"image", "mask"} <= node.model_fields.keys() and node.__name__ not in of_models
    }

    assert both == {"Blend", "Paste", "CropToMask", "Resize", "Crop", "Pad", "Flip", "Rotate"}


def test_shrinking_a_mask_marks_nothing_beside_it() -> None:
    small = Resize(image=flat((0, 0, 0), 96, 64), width=24, mask=white_block(times=2)).run().mask

    assert set(np.unique(small.pixels)) == {0, 255}
    assert np.argwhere(small.pixels)[[0, -1]].tolist() == [[4, 8], [9, 19]]


@pytest.mark.parametrize("fit", ["stretch", "cover", "contain"])
@pytest.mark.parametrize("filter", ["lanczos", "bicubic", "bilinear", "area", "nearest"])
def test_a_mask_is_resized_with_its_picture(fit: Any, filter: Any) -> None:
    mask = white_block()
    image = Image.from_grey(mask.pixels)
    size = {"width": 96, "height": 96}

    both = Resize(
        image=image, mask=mask, fit=fit, filter=filter, background="#000000", **size
    ).run()

    assert both.mask.size == both.image.size == (96, 96)
    # Where the picture of the mask is bright, the mask is white: but for how an edge is mixed.
    assert (abs(both.image.pixels[:, :, 0].astype(int) - both.mask.pixels) < 96).all()


def test_without_a_mask_resize_tells_where_the_picture_is() -> None:
    margin = Resize(image=flat((0, 0, 0), 48, 32), width=48, height=48, fit="contain").run().mask
    whole = Resize(image=flat((0, 0, 0), 48, 32), width=96).run().mask

    assert (margin.pixels[8:40] == 255).all()
    assert (margin.pixels[:8] == 0).all()
    assert (margin.pixels[40:] == 0).all()
    assert (whole.pixels == 255).all()


def test_what_is_moved_in_a_picture_is_moved_in_its_mask() -> None:
    mask = white_block()
    image = Image.from_grey(mask.pixels)

    cropped = Crop(image=image, width=20, height=10, anchor="top left", x=10, mask=mask).run()
    flipped = Flip(image=image, direction="vertical", mask=mask).run()
    turned = Rotate(image=image, angle=90, mask=mask).run()
    askew = Rotate(image=image, angle=30, background="#000000", mask=mask).run()
    padded = Pad(image=image, left=4, bottom=2, background="#ffffff", mask=mask).run()

    for moved in (cropped, flipped, turned, askew, padded):
        assert np.array_equal(moved.mask.pixels, moved.image.pixels[:, :, 0])


def test_without_a_mask_corners_are_black_in_one_that_is_turned() -> None:
    turned = Rotate(image=flat((0, 0, 0), 48, 32), angle=45).run().mask

    assert turned.pixels[0, 0] == 0
    assert turned.pixels[turned.pixels.shape[0] // 2, turned.pixels.shape[1] // 2] == 255
