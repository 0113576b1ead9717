"""Blend and Overlay: what becomes of two pixels. (Paste is tested beside Crop.)"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodegraph.errors import UserError
from nodes.combine import Blend, Overlay
from nodes.types import Image, Mask

from ..support.pictures import flat, gradient, spot

COLOURS = st.tuples(*[st.integers(0, 255)] * 3)


def mixed(**given: Any) -> list[int]:
    below, above = flat((200, 100, 0), 1, 1), flat((100, 50, 255), 1, 1)
    pixels = Blend(image=below, layer=above, **given).run().image.pixels
    return [int(value) for value in pixels[0, 0]]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("normal", [100, 50, 255]),
        ("multiply", [78, 20, 0]),  # 200 * 100 / 255
        ("screen", [222, 130, 255]),  # 255 - 55 * 155 / 255
        ("overlay", [188, 39, 0]),  # 255 - 2 * 55 * 155 / 255, 2 * 100 * 50 / 255
        ("darken", [100, 50, 0]),
        ("lighten", [200, 100, 255]),
        ("difference", [100, 50, 255]),
        ("add", [255, 150, 255]),
    ],
)
def test_each_mode_makes_its_own_of_two_colours(mode: str, expected: list[int]) -> None:
    assert expected == mixed(mode=mode, amount=1)


@pytest.mark.parametrize(
    ("amount", "expected"), [(0, [200, 100, 0]), (0.2, [180, 90, 51]), (1, [100, 50, 255])]
)
def test_the_amount_goes_from_the_picture_to_the_effect(amount: float, expected: list[int]) -> None:
    assert expected == mixed(amount=amount)


def test_a_mask_says_where_to_mix() -> None:
    mask = Mask(np.array([[0, 51, 255]], np.uint8))

    blended = Blend(
        image=flat((0, 0, 0), 3, 1), layer=flat((200, 100, 50), 3, 1), amount=0.5, mask=mask
    ).run()

    assert blended.image.pixels[0].tolist() == [[0, 0, 0], [20, 10, 5], [100, 50, 25]]


@given(below=COLOURS, above=COLOURS)
def test_full_opacity_and_none_are_exact(
    below: tuple[int, int, int], above: tuple[int, int, int]
) -> None:
    image, layer = flat(below, 1, 1), flat(above, 1, 1)

    for amount, expected in ((0, image), (1, layer)):
        blended = Blend(image=image, layer=layer, amount=amount).run().image
        np.testing.assert_array_equal(expected.pixels, blended.pixels)


def test_pictures_of_different_sizes_are_an_error_that_names_both() -> None:
    message = "layer: is 50 x 32 pixels, but the picture 48 x 32; resize one of them first"

    with pytest.raises(UserError) as caught:
        Blend(image=gradient(), layer=gradient(50, 32)).run()
    assert message == str(caught.value)

    with pytest.raises(UserError, match=r"^control: is 50 x 32 pixels"):
        Overlay(image=gradient(), control=gradient(50, 32)).run()


@pytest.mark.parametrize(
    ("control", "given", "expected"),
    [
        ((0, 0, 0), {}, [200, 100, 40]),
        ((255, 255, 255), {}, [255, 255, 255]),
        ((255, 0, 0), {}, [255, 0, 0]),
        ((255, 255, 255), {"opacity": 0.5}, [228, 178, 148]),
        ((51, 0, 0), {}, [211, 80, 32]),  # red, one fifth
        ((255, 255, 255), {"colour": "#00ff00"}, [0, 255, 0]),
        ((51, 51, 51), {"colour": "#00ff00"}, [160, 131, 32]),
        ((255, 0, 255), {"opacity": 0}, [200, 100, 40]),
    ],
)
def test_what_is_black_in_a_control_shows_through(
    control: tuple[int, int, int], given: dict[str, Any], expected: list[int]
) -> None:
    laid = Overlay(image=flat((200, 100, 40), 1, 1), control=flat(control, 1, 1), **given).run()

    assert expected == laid.image.pixels[0, 0].tolist()


def test_what_two_pictures_make_is_not_what_one_was_drawn_as() -> None:
    edges = Image(gradient().pixels, "canny")

    assert Blend(image=edges, layer=edges, mask=spot()).run().image.conditioning is None
    assert Overlay(image=edges, control=edges).run().image.conditioning is None
