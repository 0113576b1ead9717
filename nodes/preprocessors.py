"""Pictures turned into lines and poses that a ControlNet follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from nodegraph.errors import UserError
from nodegraph.node import Context, Facts, LinkedFacts, Node, Output, Reach

from . import _checks
from ._packages import DETECTORS, OPENCV
from .checkpoints.names import ControlKind
from .detectors import controlnet_aux, draw_pose, files, lines, movenet, openpose
from .detectors.sizes import Pixels, View, size_at, view_of
from .types import Image

Grey = Annotated[int, Field(ge=0, le=255)]
Side = Annotated[int, Field(ge=64, le=2048)]
DetectSide = Annotated[Side, Field(description="Pixels on the shorter side to look and draw in.")]
ResultSide = Annotated[
    Side | None,
    Field(description="Pixels on the shorter side of the result; empty keeps the picture's size."),
]


def drawing_facts(
    kind: ControlKind, values: Mapping[str, Any], linked: LinkedFacts
) -> Mapping[str, Facts]:
    """The facts of a control image that is drawn of the input ``image``."""
    size = _checks.size_of(linked.get("image", ()))
    # An empty one of Depth and its like is another in the run, and the shape the same.
    detect, drawn = (values.get(name, 0) for name in ("detect_resolution", "image_resolution"))
    if size and drawn:
        size = size_at(size_at(size, detect) if detect else size, drawn)
    return {"image": {"conditioning": kind, **_checks.sized(size if drawn != 0 else None)}}


class Edges(Output):
    """White edges on black."""

    image: Image


class Canny(Node):
    """Trace edges with OpenCV's Canny detector: white lines on black."""

    aliases = ("edges", "edge detection", "lineart")

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
    detect_resolution: Annotated[
        Side | None,
        Field(description="Pixels on the shorter side to look in; empty takes the picture's own."),
    ] = None
    image_resolution: ResultSide = None

    packages = OPENCV

    def run(self) -> Edges:
        import cv2

        view = view_of(self.image.pixels, self.detect_resolution, self.image_resolution)
        edges = cv2.Canny(view.pixels, self.low_threshold, self.high_threshold)
        return Edges(image=Image.from_grey(view.back(np.asarray(edges, np.uint8)), "canny"))

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        return drawing_facts("canny", values, linked)


Hed = Annotated[
    str,
    Field(
        min_length=1,
        description="hed is built in; else a folder or hub repository with ControlNetHED.pth,"
        " such as lllyasviel/Annotators.",
        json_schema_extra={"models": "soft edge"},
    ),
]


class SoftEdge(Node):
    """Find outlines with HED: the surer, the brighter; soft ones stay soft."""

    aliases = ("HED",)

    image: Image
    model: Hed = "hed"
    safe: Annotated[
        bool, Field(description="Keep only black, grey and white: nothing faint gets through.")
    ] = False
    detect_resolution: DetectSide = 512
    image_resolution: ResultSide = None

    packages = DETECTORS

    @classmethod
    def check_files(cls, values: Mapping[str, Any], reach: Reach) -> Iterable[tuple[str, str]]:
        model = values.get("model")
        return files.examined(model, lines.HED, reach) if isinstance(model, str) else ()

    def stamp(self, context: Context) -> object:
        """The content of the weights."""
        return files.stamp(context, lines.hed(self.model, context).digest)

    def run(self, context: Context) -> Edges:
        view, edges = _outlines(self, context, safe=self.safe)
        return Edges(image=Image.from_grey(view.back(edges), "hed"))

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        return drawing_facts("hed", values, linked)


class Scribble(Node):
    """Draw a picture's outlines as thick white strokes, as if by hand."""

    aliases = ("sketch",)

    image: Image
    model: Hed = "hed"
    detect_resolution: DetectSide = 512
    image_resolution: ResultSide = None

    packages = DETECTORS

    @classmethod
    def check_files(cls, values: Mapping[str, Any], reach: Reach) -> Iterable[tuple[str, str]]:
        model = values.get("model")
        return files.examined(model, lines.HED, reach) if isinstance(model, str) else ()

    def stamp(self, context: Context) -> object:
        """The content of the weights."""
        return files.stamp(context, lines.hed(self.model, context).digest)

    def run(self, context: Context) -> Edges:
        view, edges = _outlines(self, context)
        drawn = np.where(view.back(lines.strokes(edges)) > 127, 255, 0).astype(np.uint8)
        return Edges(image=Image.from_grey(drawn, "scribble"))

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        return drawing_facts("scribble", values, linked)


def _outlines(
    node: SoftEdge | Scribble, context: Context, *, safe: bool = False
) -> tuple[View, Pixels]:
    """The picture as it was looked at, and HED's soft edges in it."""
    view = view_of(node.image.pixels, node.detect_resolution, node.image_resolution)
    with context.lease(lines.hed(node.model, context)) as net:
        return view, lines.soft_edges(net, view.pixels, safe=safe)


class Straight(Output):
    """The straight lines of a picture."""

    image: Annotated[Image, Field(description="White lines on black.")]
    lines: Annotated[int, Field(description="How many were found.")]


class StraightLines(Node):
    """Find straight lines, as of rooms and buildings, with M-LSD: white lines on black."""

    aliases = ("MLSD", "M-LSD", "lines")

    image: Image
    model: Annotated[
        str,
        Field(
            min_length=1,
            description="mlsd is built in; else a folder or hub repository with"
            " mlsd_large_512_fp32.pth, such as lllyasviel/ControlNet.",
            json_schema_extra={"models": "lines"},
        ),
    ] = "mlsd"
    score_threshold: Annotated[
        float, Field(ge=0, le=1, description="How sure it must be of a line; less finds more.")
    ] = 0.1
    distance_threshold: Annotated[
        float,
        Field(ge=0, le=1024, description="Lines shorter than twice as many pixels are dropped."),
    ] = 0.1
    detect_resolution: DetectSide = 512
    image_resolution: ResultSide = None

    packages = DETECTORS

    @classmethod
    def check_files(cls, values: Mapping[str, Any], reach: Reach) -> Iterable[tuple[str, str]]:
        model = values.get("model")
        return files.examined(model, lines.MLSD, reach) if isinstance(model, str) else ()

    def stamp(self, context: Context) -> object:
        """The content of the weights."""
        return files.stamp(context, lines.mlsd(self.model, context).digest)

    def run(self, context: Context) -> Straight:
        view = view_of(self.image.pixels, self.detect_resolution, self.image_resolution)
        with context.lease(lines.mlsd(self.model, context)) as net:
            segments = lines.straight_lines(
                net, view.pixels, self.score_threshold, self.distance_threshold
            )
        drawn = lines.draw(segments, view.size, view.result_size)
        return Straight(image=Image.from_grey(drawn, "mlsd"), lines=len(segments))

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        return drawing_facts("mlsd", values, linked)


class Pose(Output):
    """The people of a picture as stick figures."""

    image: Annotated[
        Image, Field(description="Coloured sticks on black, drawn as OpenPose draws them.")
    ]
    people: Annotated[int, Field(description="How many were found.")]


class OpenPose(Node):
    """Find the people in a picture and draw their joints: coloured sticks on black."""

    aliases = ("pose", "skeleton", "keypoints")

    image: Image
    model: Annotated[
        str,
        Field(
            min_length=1,
            description="movenet is built in; else a folder or hub repository with OpenPose's"
            " weights, such as lllyasviel/ControlNet.",
            json_schema_extra={"models": "pose"},
        ),
    ] = "movenet"
    include_body: Annotated[bool, Field(description="Draw bodies.")] = True
    include_hand: Annotated[bool, Field(description="Draw fingers; needs OpenPose's weights.")] = (
        False
    )
    include_face: Annotated[bool, Field(description="Draw faces; needs OpenPose's weights.")] = (
        False
    )
    detect_resolution: DetectSide = 512
    image_resolution: ResultSide = None

    packages = ("controlnet-aux", "onnxruntime", *OPENCV)

    @classmethod
    def check_files(cls, values: Mapping[str, Any], reach: Reach) -> Iterable[tuple[str, str]]:
        model = values.get("model")
        if not isinstance(model, str):
            return
        for part, file in openpose.FILES.items():
            if part == "body" or values.get(f"include_{part}"):
                yield from files.examined(model, file, reach)

    def stamp(self, context: Context) -> object:
        """The content of the weights."""
        if self.model == "movenet":
            return movenet.digest()
        networks = (openpose.find_network(self.model, part, context) for part in self._parts())
        return files.stamp(context, *(network.digest for network in networks))

    def run(self, context: Context) -> Pose:
        view = view_of(self.image.pixels, self.detect_resolution, self.image_resolution)
        people = self._detect(view.pixels, context)
        drawn = draw_pose.draw(
            people,
            view.pixels.shape[:2],
            body=self.include_body,
            hand=self.include_hand,
            face=self.include_face,
        )
        return Pose(image=Image(view.back(drawn), "openpose"), people=len(people))

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        return drawing_facts("openpose", values, linked)

    def _parts(self) -> list[openpose.Part]:
        optional: dict[openpose.Part, bool] = {"hand": self.include_hand, "face": self.include_face}
        return ["body", *(part for part, include in optional.items() if include)]

    def _detect(self, pixels: Any, context: Context) -> list[Any]:
        if self.model != "movenet":
            with openpose.detector(self.model, self._parts(), context) as detector:
                return list(detector.detect_poses(pixels, self.include_hand, self.include_face))
        if self.include_hand or self.include_face:
            raise UserError(
                "model: movenet finds bodies alone; for hands and faces give a folder or hub"
                " repository with OpenPose's weights"
            )
        body = draw_pose.MoveNetBody(self.detect_resolution)
        return list(controlnet_aux.open_pose().OpenposeDetector(body).detect_poses(pixels))
