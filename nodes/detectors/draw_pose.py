"""People drawn as controlnet_aux draws them, whichever network they come from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from . import controlnet_aux, movenet

Pixels = npt.NDArray[np.uint8]


class MoveNetBody:
    """MoveNet in the place of controlnet_aux's own body network.

    It looks at the picture in four sizes: the small ones show a person who fills the picture, or is
    drawn flat, as a whole; the large ones show people far away.
    """

    def __init__(self, resolution: int) -> None:
        self.sizes = [resolution * eighths // 8 for eighths in (2, 3, 4, 8)]

    def __call__(self, bgr: Pixels) -> tuple[list[movenet.Person], None]:
        return movenet.people(np.ascontiguousarray(bgr[:, :, ::-1]), self.sizes), None

    def format_body_result(self, people: list[movenet.Person], _: None) -> list[Any]:
        """Each person as controlnet_aux's BodyResult, in pixels."""
        parts = controlnet_aux.open_pose()
        results = []
        for person in people:
            joints = [joint and parts.Keypoint(*joint) for joint in person.openpose()]
            count = sum(joint is not None for joint in joints)
            results.append(parts.BodyResult(joints, person.score, count))
        return results


def draw(people: list[Any], size: tuple[int, int], *, body: bool, hand: bool, face: bool) -> Pixels:
    """Draw people, whose joints are fractions of the picture, on black of this (height, width)."""
    drawn: Pixels = controlnet_aux.open_pose().draw_poses(
        people, *size, draw_body=body, draw_hand=hand, draw_face=face
    )
    return drawn
