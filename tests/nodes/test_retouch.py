"""Adjust, Invert, Grey, Threshold, Blur and Sharpen: what becomes of single pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodegraph.node import Node
from nodes.retouch import Adjust, Blur, Grey, Invert, Sharpen, Threshold
from nodes.types import Image

from ..support.pictures import flat, gradient

Colour = tuple[int, int, int]
COLOURS = st.tuples(*[st.integers(0, 255)] * 3)


def becomes(colour: Colour, kind: type[Any], **given: Any) -> list[int]:
    """What one pixel of this colour is made into."""
    pixels: np.ndarray[Any, Any] = kind(image=flat(colour, 1, 1), **given).run().image.pixels
    return [int(value) for value in pixels[0, 0]]


@pytest.mark.parametrize(
    ("settings", "before", "after"),
    [
        ({"brightness": 2}, (10, 100, 200), [20, 200, 255]),
        ({"brightness": 0}, (10, 100, 200), [0, 0, 0]),
        ({"contrast": 2}, (0, 100, 200), [0, 72, 255]),  # 127.5 + 2 * (100 - 127.5) = 72.5
        ({"contrast": 0}, (0, 100, 200), [128, 128, 128]),
        ({"saturation": 0}, (255, 0, 0), [76, 76, 76]),  # 0.299 * 255
        ({"saturation": 2}, (120, 100, 100), [134, 94, 94]),  # 105.98 + 2 * (120 - 105.98)
        ({"hue": 120}, (255, 0, 0), [0, 255, 0]),
        ({"hue": -120}, (255, 0, 0), [0, 0, 255]),
        ({"hue": 60}, (0, 200, 0), [0, 200, 200]),
        ({"hue": 180}, (10, 20, 30), [30, 20, 10]),
        ({"hue": 77}, (90, 90, 90), [90, 90, 90]),
        ({"gamma": 2}, (0, 64, 255), [0, 128, 255]),  # 255 * sqrt(64 / 255) = 127.7
        ({"gamma": 0.5}, (0, 128, 255), [0, 64, 255]),
        ({"brightness": 4, "contrast": 0.5}, (100, 100, 100), [191, 191, 191]),
    ],
)
def test_adjusting_does_what_its_settings_say(
    settings: dict[str, float], before: Colour, after: list[int]
) -> None:
    assert after == becomes(before, Adjust, **settings)


@given(colour=COLOURS)
def test_hue_turned_a_third_exchanges_channels_exactly(colour: Colour) -> None:
    red, green, blue = colour

    assert [blue, red, green] == becomes(colour, Adjust, hue=120)


@given(colour=COLOURS, hue=st.integers(-180, 180))
def test_hue_keeps_the_brightest_and_the_darkest_channel(colour: Colour, hue: int) -> None:
    after = becomes(colour, Adjust, hue=hue)

    assert (max(colour), min(colour)) == (max(after), min(after))


@given(colour=COLOURS)
def test_inverting_twice_changes_nothing(colour: Colour) -> None:
    once = becomes(colour, Invert)

    assert [255 - value for value in colour] == once
    assert list(colour) == becomes((once[0], once[1], once[2]), Invert)


@pytest.mark.parametrize(
    ("channel", "value"),
    [
        ("luminance", 124),  # 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
        ("red", 200),
        ("green", 100),
        ("blue", 50),
        ("value", 200),
        ("saturation", 191),  # 255 * (200 - 50) / 200
    ],
)
def test_every_channel_can_be_seen_as_grey(channel: str, value: int) -> None:
    assert [value] * 3 == becomes((200, 100, 50), Grey, channel=channel)


@given(value=st.integers(0, 255))
def test_grey_of_a_grey_picture_is_itself(value: int) -> None:
    assert [value] * 3 == becomes((value, value, value), Grey)
    assert becomes((value, value, value), Grey, channel="saturation") == [0, 0, 0]


def test_from_the_level_on_everything_is_white() -> None:
    row = Image(np.repeat(np.array([[[0], [99], [100], [255]]], np.uint8), 3, axis=2))

    after = Threshold(image=row, level=100).run().image

    assert after.pixels[0, :, 0].tolist() == [0, 0, 255, 255]


def test_without_a_level_dark_lines_are_parted_from_bright_paper() -> None:
    rng = np.random.default_rng(0)
    paper = rng.integers(180, 240, (40, 40), dtype=np.uint8)
    paper[10:14] = rng.integers(20, 90, (4, 40), dtype=np.uint8)
    expected = np.full((40, 40), 255)
    expected[10:14] = 0

    after = Threshold(image=Image.from_grey(paper)).run().image

    np.testing.assert_array_equal(expected, after.pixels[..., 0])


def test_the_level_found_is_the_one_opencv_finds() -> None:
    import cv2

    shades = Grey(image=gradient(200, 100)).run().image.pixels[..., 0]
    _, expected = cv2.threshold(shades, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)

    after = Threshold(image=gradient(200, 100)).run().image

    np.testing.assert_array_equal(expected, after.pixels[..., 0])


@pytest.mark.parametrize("shade", [0, 7, 255])
def test_a_picture_of_one_shade_has_no_level_and_is_no_error(shade: int) -> None:
    after = Threshold(image=flat((shade, shade, shade))).run().image

    assert len(np.unique(after.pixels)) == 1


def test_blur_spreads_a_point_as_a_gaussian_does() -> None:
    from scipy.ndimage import gaussian_filter

    point = np.zeros((31, 31), np.uint8)
    point[15, 15] = 255
    expected = gaussian_filter(point.astype(float), 2.0, mode="nearest")

    after = Blur(image=Image.from_grey(point), radius=2).run().image

    np.testing.assert_allclose(after.pixels[..., 0], expected, atol=1)
    assert after.pixels[15, 15, 0] == round(255 / (2 * np.pi * 4))


def test_blur_leaves_even_areas_and_their_borders_alone() -> None:
    after = Blur(image=flat((10, 200, 255)), radius=20).run().image

    np.testing.assert_array_equal(flat((10, 200, 255)).pixels, after.pixels)


def test_sharpening_overshoots_at_an_edge_and_leaves_even_areas_alone() -> None:
    edge = np.full((1, 20), 100, np.uint8)
    edge[0, 10:] = 150

    after = Sharpen(image=Image.from_grey(edge)).run().image.pixels[0, :, 0].astype(int)

    assert after[:6].tolist() == [100] * 6
    assert after[14:].tolist() == [150] * 6
    assert after[9] < 100
    assert after[10] > 150


def test_small_differences_are_not_sharpened_below_the_threshold() -> None:
    noise = Image.from_grey(np.random.default_rng(1).integers(100, 104, (20, 20), dtype=np.uint8))

    after = Sharpen(image=noise, threshold=5).run().image

    np.testing.assert_array_equal(noise.pixels, after.pixels)


@pytest.mark.parametrize(
    ("changed", "neutral"),
    [
        (Adjust(image=gradient(), gamma=2), Adjust(image=gradient())),
        (Blur(image=gradient(), radius=1), Blur(image=gradient(), radius=0)),
        (Sharpen(image=gradient()), Sharpen(image=gradient(), amount=0)),
        (Invert(image=gradient()), None),
        (Grey(image=gradient()), None),
        (Threshold(image=gradient()), None),
    ],
    ids=lambda node: type(node).__name__,
)
def test_changed_edges_are_no_edges_and_unchanged_ones_are(
    changed: Node, neutral: Node | None
) -> None:
    edges = Image(gradient().pixels, "canny")

    assert edited(changed, edges).conditioning is None
    if neutral is not None:
        kept = edited(neutral, edges)
        assert kept.conditioning == "canny"
        np.testing.assert_array_equal(edges.pixels, kept.pixels)


def edited(node: Node, image: Image) -> Image:
    result = node.model_copy(update={"image": image}).run()  # type: ignore[attr-defined]
    assert isinstance(result.image, Image)
    return result.image
