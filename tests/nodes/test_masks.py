"""Masks: what they mark, to the pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nodegraph.errors import UserError
from nodes.combine import Blend
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
