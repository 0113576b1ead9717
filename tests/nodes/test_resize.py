"""Resize: sides in proportion, cut, or with a margin."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from nodes.images import Resize

from ..support.pictures import gradient


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({}, (48, 32)),
        ({"width": 96}, (96, 64)),
        ({"height": 16}, (24, 16)),
        ({"width": 20, "height": 50}, (20, 50)),
        ({"width": 20, "height": 50, "multiple_of": 8}, (16, 48)),
        ({"width": 100, "multiple_of": 64}, (128, 64)),
    ],
)
def test_a_side_left_out_follows_in_proportion(
    given: dict[str, int], size: tuple[int, int]
) -> None:
    for fit in ("stretch", "cover", "contain"):
        node = Resize.model_validate({"image": gradient(), "fit": fit, **given})

        assert size == node.run().image.size


def test_cover_cuts_off_what_is_too_much_and_contain_adds_a_margin() -> None:
    half = np.zeros((32, 64, 3), np.uint8)
    half[:, 16:48] = 200
    image = type(gradient())(half)

    covered = Resize(image=image, width=32, height=32, fit="cover", filter="nearest").run()
    contained = Resize(image=image, width=64, height=64, fit="contain", background="#ff0000").run()

    assert (covered.image.pixels == 200).all()
    assert contained.image.pixels[0, 0].tolist() == [255, 0, 0]
    np.testing.assert_array_equal(contained.image.pixels[16:48], half)


def test_resizing_keeps_what_the_picture_was_drawn_as() -> None:
    edges = type(gradient())(gradient().pixels, "canny")

    assert Resize(image=edges, width=96).run().image.conditioning == "canny"


def test_a_size_out_of_range_is_refused() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 8192"):
        Resize(image=gradient(), width=9000)
