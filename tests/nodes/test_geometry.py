"""Crop, CropToMask, Pad, Flip, Rotate, and Paste, which puts back what was cropped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nodegraph import Workflow, load_registry, plan
from nodegraph.errors import UserError
from nodes.combine import Paste
from nodes.geometry import Crop, CropToMask, Flip, Pad, Rotate
from nodes.types import Image, Mask

from ..support.pictures import flat, gradient, spot

PICTURE = gradient()  # 48 x 32


def drawn(conditioning: str) -> Image:
    return Image(PICTURE.pixels, conditioning)


# Cropping


@pytest.mark.parametrize(
    ("asked", "box"),
    [
        ({}, (0, 0, 48, 32)),
        ({"width": 10, "height": 8}, (19, 12, 29, 20)),
        ({"width": 10, "anchor": "top left"}, (0, 0, 10, 32)),
        ({"width": 10, "height": 8, "anchor": "top left", "x": 3, "y": 5}, (3, 5, 13, 13)),
        ({"width": 10, "height": 8, "anchor": "bottom right"}, (38, 24, 48, 32)),
        ({"width": 10, "height": 8, "anchor": "bottom", "y": -4}, (19, 20, 29, 28)),
        ({"width": 10, "height": 8, "anchor": "right", "x": 99}, (38, 12, 48, 20)),
        ({"width": 0.5, "height": 0.25, "unit": "fraction"}, (12, 12, 36, 20)),
        ({"width": 0.25, "unit": "fraction", "anchor": "left", "x": 0.5}, (24, 0, 36, 32)),
        ({"width": 0.001, "height": 1, "unit": "fraction"}, (24, 0, 25, 32)),
    ],
)
def test_a_part_lies_where_anchor_and_offset_say(
    asked: dict[str, Any], box: tuple[int, int, int, int]
) -> None:
    left, top, right, bottom = box

    cropped = Crop.model_validate({"image": PICTURE, **asked}).run()

    np.testing.assert_array_equal(PICTURE.pixels[top:bottom, left:right], cropped.image.pixels)
    assert (left, top) == (cropped.left, cropped.top)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"width": 49}, "width: 49 pixels of a picture that has only 48"),
        ({"height": 1.5, "unit": "fraction"}, "height: 48 pixels of a picture that has only 32"),
    ],
)
def test_a_part_larger_than_its_picture_is_an_error(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        Crop.model_validate({"image": PICTURE, **asked}).run()

    assert message == str(caught.value)


def test_a_part_without_extent_is_refused() -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        Crop(image=PICTURE, width=0)


def test_what_a_mask_marks_is_cut_out_however_faint_it_is() -> None:
    cropped = CropToMask(image=PICTURE, mask=spot()).run()

    np.testing.assert_array_equal(PICTURE.pixels[4:20, 8:24], cropped.image.pixels)
    np.testing.assert_array_equal(spot().pixels[4:20, 8:24], cropped.mask.pixels)
    assert (cropped.left, cropped.top) == (8, 4)


def test_padding_keeps_surroundings_as_far_as_there_are_any() -> None:
    cropped = CropToMask(image=PICTURE, mask=spot(), padding=6).run()

    np.testing.assert_array_equal(PICTURE.pixels[0:26, 2:30], cropped.image.pixels)


def test_a_mask_that_marks_no_part_of_the_picture_is_an_error() -> None:
    with pytest.raises(UserError) as caught:
        CropToMask(image=PICTURE, mask=Mask(np.zeros((32, 48), np.uint8))).run()

    assert str(caught.value) == "mask: is black all over, so there is nothing to cut out"


# Pasting


@given(
    left=st.integers(0, 47),
    top=st.integers(0, 31),
    right=st.integers(0, 47),
    low=st.integers(0, 31),
)
def test_a_part_pasted_where_it_was_gives_the_picture_back(
    left: int, top: int, right: int, low: int
) -> None:
    marked = np.zeros((32, 48), np.uint8)
    marked[min(top, low) : max(top, low) + 1, min(left, right) : max(left, right) + 1] = 1
    part = CropToMask(image=PICTURE, mask=Mask(marked), padding=1).run()

    again = Paste(image=PICTURE, layer=part.image, left=part.left, top=part.top).run().image

    np.testing.assert_array_equal(PICTURE.pixels, again.pixels)


@pytest.mark.parametrize(
    ("corner", "rows", "columns"),
    [
        ((3, 2), np.s_[2:6], np.s_[3:13]),
        ((-4, -1), np.s_[:3], np.s_[:6]),
        ((44, 30), np.s_[30:], np.s_[44:]),
    ],
)
def test_a_layer_covers_what_it_lies_on_and_nothing_else(
    corner: tuple[int, int], rows: Any, columns: Any
) -> None:
    expected = PICTURE.pixels.copy()
    expected[rows, columns] = (9, 8, 7)

    layer = flat((9, 8, 7), 10, 4)
    pasted = Paste(image=PICTURE, layer=layer, left=corner[0], top=corner[1]).run().image

    np.testing.assert_array_equal(expected, pasted.pixels)


def test_a_layer_shows_as_far_as_its_mask_is_white() -> None:
    mask = Mask(np.array([[0, 51, 255]], np.uint8))

    pasted = Paste(image=flat((100, 0, 0)), layer=flat((200, 0, 0), 3, 1), left=5, mask=mask).run()

    assert pasted.image.pixels[0, 4:9, 0].tolist() == [100, 100, 120, 200, 100]


@pytest.mark.parametrize(("left", "top"), [(48, 0), (-10, 0), (0, 32), (0, -4)])
def test_a_layer_outside_the_picture_is_an_error(left: int, top: int) -> None:
    with pytest.raises(UserError) as caught:
        Paste(image=PICTURE, layer=flat((0, 0, 0), 10, 4), left=left, top=top).run()

    assert str(caught.value) == (
        f"layer: 10 x 4 pixels at {left}, {top} lie outside the picture, 48 x 32"
    )


# Padding


def test_room_is_filled_with_the_background_and_marked_by_the_mask() -> None:
    padded = Pad(image=PICTURE, left=1, top=2, right=3, bottom=4, background="#102030").run()

    assert padded.image.size == padded.mask.size == (52, 38)
    np.testing.assert_array_equal(PICTURE.pixels, padded.image.pixels[2:-4, 1:-3])
    assert (padded.mask.pixels[2:-4, 1:-3] == 0).all()
    new = padded.mask.pixels == 255
    assert new.sum() == 52 * 38 - 48 * 32
    assert (padded.image.pixels[new] == (16, 32, 48)).all()


def test_room_can_go_on_with_the_edge_or_its_mirror_image() -> None:
    row = Image(np.array([[[10] * 3, [20] * 3, [30] * 3]], np.uint8))

    edge = Pad(image=row, left=2, fill="edge").run().image
    mirror = Pad(image=row, left=2, right=1, fill="mirror").run().image

    assert edge.pixels[0, :, 0].tolist() == [10, 10, 10, 20, 30]
    assert mirror.pixels[0, :, 0].tolist() == [20, 10, 10, 20, 30, 30]


# Mirroring and turning


def test_mirroring_exchanges_sides() -> None:
    across, down = Flip(image=PICTURE).run(), Flip(image=PICTURE, direction="vertical").run()

    np.testing.assert_array_equal(PICTURE.pixels[:, ::-1], across.image.pixels)
    np.testing.assert_array_equal(PICTURE.pixels[::-1], down.image.pixels)


@pytest.mark.parametrize(
    ("angle", "quarters"), [(90, 1), (180, 2), (270, 3), (-90, 3), (360, 0), (-180, 2)]
)
def test_quarter_turns_go_clockwise_and_are_exact(angle: float, quarters: int) -> None:
    turned = Rotate(image=PICTURE, angle=angle).run().image

    np.testing.assert_array_equal(np.rot90(PICTURE.pixels, -quarters), turned.pixels)


def test_a_free_angle_shows_the_whole_picture_on_the_background_or_keeps_its_size() -> None:
    whole = Rotate(image=PICTURE, angle=45, background="#ff0000").run().image
    cut = Rotate(image=PICTURE, angle=45, background="#ff0000", expand=False).run().image

    assert whole.size == (57, 57)  # (48 + 32) / sqrt(2) = 56.6
    assert cut.size == (48, 32)
    assert whole.pixels[0, 0].tolist() == cut.pixels[0, 0].tolist() == [255, 0, 0]
    np.testing.assert_allclose(whole.pixels[28, 28], PICTURE.pixels[16, 24], atol=8)


@pytest.mark.parametrize("angle", [-300, -45, 7.5, 30, 90.0001, 200])
def test_turning_there_and_back_shows_the_picture_again(angle: float) -> None:
    there = Rotate(image=gradient(64, 40), angle=angle).run().image
    back = Rotate(image=there, angle=-angle).run().image

    left, top = (back.size[0] - 64) // 2, (back.size[1] - 40) // 2
    again = back.pixels[top + 4 : top + 36, left + 4 : left + 28].astype(int)  # where it is smooth
    np.testing.assert_allclose(gradient(64, 40).pixels[4:36, 4:28], again, atol=6)


def test_the_edges_of_a_turned_picture_are_smooth() -> None:
    turned = Rotate(image=flat((0, 0, 0), 40, 40), angle=10).run().image

    shades = np.unique(turned.pixels)
    assert {0, 255} < set(shades.tolist())
    assert len(shades) > 20


def test_a_quarter_turn_that_may_not_grow_fills_up_with_the_background() -> None:
    turned = Rotate(image=PICTURE, angle=90, expand=False, background="#0000ff").run().image

    assert turned.size == (48, 32)
    np.testing.assert_array_equal(np.rot90(PICTURE.pixels, -1)[8:40, 1:31], turned.pixels[:, 9:39])
    assert (turned.pixels[:, :8] == (0, 0, 255)).all()


# What a picture is drawn as


@pytest.mark.parametrize(
    ("conditioning", "mirrored", "turned"),
    [("canny", "canny", "canny"), ("openpose", None, "openpose"), ("normalbae", None, None)],
)
def test_parts_stay_what_they_were_drawn_as_and_turned_ones_if_that_makes_sense(
    conditioning: str, mirrored: str | None, turned: str | None
) -> None:
    image = drawn(conditioning)

    kept = [
        Crop(image=image, width=8).run().image,
        CropToMask(image=image, mask=spot()).run().image,
        Pad(image=image, left=8).run().image,
    ]
    assert [conditioning] * 3 == [one.conditioning for one in kept]
    assert mirrored == Flip(image=image).run().image.conditioning
    assert turned == Rotate(image=image).run().image.conditioning


@pytest.mark.parametrize("kind", ["Resize", "Crop", "Pad"])
def test_a_part_of_edges_is_known_to_be_edges_before_anything_runs(kind: str) -> None:
    workflow = Workflow.model_validate(
        {
            "format": 1,
            "nodes": {
                "photo": {"type": "LoadImage", "values": {"path": "x.png"}},
                "edges": {"type": "Canny", "links": {"image": "photo.image"}},
                "part": {"type": kind, "links": {"image": "edges.image"}},
                "net": {"type": "LoadControlNet", "values": {"model": "tiny-openpose"}},
                "control": {
                    "type": "Control",
                    "links": {"image": "part.image", "controlnet": "net.controlnet"},
                },
            },
        }
    )

    warnings = [str(warning) for warning in plan(workflow, load_registry()).warnings]

    assert warnings == [
        "control.image: is a canny control image, but the ControlNet reads openpose"
    ]
