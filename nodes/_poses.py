"""People drawn as controlnet_aux draws them, whoever found them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from . import _controlnet_aux, _movenet

Pixels = npt.NDArray[np.uint8]


LONGEST = 16_384


class MoveNetBody:
    """MoveNet in the place of controlnet_aux's own body network.

    It looks at the picture in four sizes: the small ones show a person who fills the picture, or is
    drawn flat, as a whole; the large ones show people far away.
    """

    def __init__(self, resolution: int) -> None:
        self.sizes = [resolution * eighths // 8 for eighths in (2, 3, 4, 8)]

    def __call__(self, bgr: Pixels) -> tuple[list[_movenet.Person], None]:
        return _movenet.people(np.ascontiguousarray(bgr[:, :, ::-1]), self.sizes), None

    def format_body_result(self, people: list[_movenet.Person], _: None) -> list[Any]:
        """Each person as controlnet_aux's BodyResult, in pixels."""
        parts = _controlnet_aux.open_pose()
        results = []
        for person in people:
            joints = [joint and parts.Keypoint(*joint) for joint in person.openpose()]
            seen = sum(joint is not None for joint in joints)
            results.append(parts.BodyResult(joints, person.score, seen))
        return results


def resized(pixels: Pixels, resolution: int) -> Pixels:
    """The picture with ``resolution`` pixels on its shorter side, both sides multiples of 64.

    A ribbon, whose longer side would pass all bounds, is kept smaller.
    """
    shorter, longer = sorted(pixels.shape[:2])
    resolution = min(resolution, max(64, LONGEST * shorter // longer))
    result: Pixels = _controlnet_aux.util().resize_image(pixels, resolution)
    return result


def draw(people: list[Any], size: tuple[int, int], *, body: bool, hand: bool, face: bool) -> Pixels:
    """Draw people, whose joints are fractions of the picture, on black of this (height, width)."""
    drawn: Pixels = _controlnet_aux.open_pose().draw_poses(
        people, *size, draw_body=body, draw_hand=hand, draw_face=face
    )
    return drawn


def to_size(drawn: Pixels, size: tuple[int, int]) -> Pixels:
    """Bring a drawing to (width, height); thin sticks survive shrinking as paler ones."""
    import cv2

    if drawn.shape[1::-1] == size:
        return drawn
    shrinks = size[0] * size[1] < drawn.shape[0] * drawn.shape[1]
    result: Pixels = cv2.resize(
        drawn, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return result
