"""Pictures turned into what a ControlNet follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from nodegraph.errors import UserError
from nodegraph.node import Context, Facts, Given, Node, Output

from ._packages import OPENCV
from ._pose_nets import Part
from .types import Image

Grey = Annotated[int, Field(ge=0, le=255)]
Resolution = Annotated[int, Field(ge=64, le=2048)]


class Edges(Output):
    """White edges on black."""

    image: Image


class Canny(Node):
    """Trace edges with OpenCV's Canny detector: white lines on black."""

    image: Image
    low_threshold: Annotated[
        Grey,
        Field(
            description="Weaker edges are dropped; between the two they stay if a strong one joins."
        ),
    ] = 100
    high_threshold: Annotated[Grey, Field(description="Edges stronger than this always stay.")] = (
        200
    )

    packages = OPENCV

    def run(self) -> Edges:
        import cv2

        lines = cv2.Canny(self.image.pixels, self.low_threshold, self.high_threshold)
        return Edges(image=Image.from_grey(np.asarray(lines, np.uint8), "canny"))

    @classmethod
    def facts(cls, values: Mapping[str, Any], given: Given) -> Mapping[str, Facts]:  # noqa: ARG003
        return {"image": {"conditioning": "canny"}}


class Pose(Output):
    """The people of a picture as stick figures."""

    image: Annotated[
        Image, Field(description="Coloured sticks on black, drawn as OpenPose draws them.")
    ]
    people: Annotated[int, Field(description="How many were found.")]


class OpenPose(Node):
    """Find the people in a picture and draw their joints: coloured sticks on black."""

    image: Image
    model: Annotated[
        str,
        Field(
            min_length=1,
            description="movenet is built in; else a folder or hub repository with OpenPose's"
            " weights, such as lllyasviel/ControlNet.",
        ),
    ] = "movenet"
    include_body: Annotated[bool, Field(description="Draw bodies.")] = True
    include_hand: Annotated[bool, Field(description="Draw fingers; needs OpenPose's weights.")] = (
        False
    )
    include_face: Annotated[bool, Field(description="Draw faces; needs OpenPose's weights.")] = (
        False
    )
    detect_resolution: Annotated[
        Resolution, Field(description="Pixels on the shorter side to look and draw in.")
    ] = 512
    image_resolution: Annotated[
        Resolution | None,
        Field(
            description="Pixels on the shorter side of the result; empty keeps the picture's size."
        ),
    ] = None

    packages = ("controlnet-aux", "onnxruntime", *OPENCV)

    def stamp(self, context: Context) -> object:
        """The content of the weights, where they are not the built-in ones."""
        if self.model == "movenet":
            return None
        from . import _pose_nets

        return [_pose_nets.find(self.model, part, context).digest for part in self._parts()]

    def run(self, context: Context) -> Pose:
        from . import _poses

        looked_at = _poses.resized(self.image.pixels, self.detect_resolution)
        people = self._detect(looked_at, context)
        drawn = _poses.draw(
            people,
            looked_at.shape[:2],
            body=self.include_body,
            hand=self.include_hand,
            face=self.include_face,
        )
        size = self.image.size
        if self.image_resolution is not None:
            size = _poses.resized(looked_at, self.image_resolution).shape[1::-1]
        return Pose(image=Image(_poses.to_size(drawn, size), "openpose"), people=len(people))

    @classmethod
    def facts(cls, values: Mapping[str, Any], given: Given) -> Mapping[str, Facts]:  # noqa: ARG003
        return {"image": {"conditioning": "openpose"}}

    def _parts(self) -> list[Part]:
        wanted: dict[Part, bool] = {"hand": self.include_hand, "face": self.include_face}
        return ["body", *(part for part, include in wanted.items() if include)]

    def _detect(self, pixels: Any, context: Context) -> list[Any]:
        from . import _controlnet_aux, _pose_nets, _poses

        if self.model != "movenet":
            with _pose_nets.detector(self.model, self._parts(), context) as detector:
                return list(detector.detect_poses(pixels, self.include_hand, self.include_face))
        if self.include_hand or self.include_face:
            raise UserError(
                "model: movenet finds bodies alone; for hands and faces give a folder or hub"
                " repository with OpenPose's weights"
            )
        body = _poses.MoveNetBody(self.detect_resolution)
        return list(_controlnet_aux.open_pose().OpenposeDetector(body).detect_poses(pixels))
