"""Pictures turned into depth, normals and things that a ControlNet follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field

from nodegraph.node import Context, Facts, LinkedFacts, Node, Output, Pin, Reach

from ._packages import DETECTORS
from .detectors.sizes import view_of
from .preprocessors import ResultSide, Side, drawing_facts
from .types import Image, Mask

BestSide = Annotated[
    Side | None,
    Field(
        description="Pixels on the shorter side to look in; empty: 128 for tiny, 512 for others."
    ),
]
DepthModel = Annotated[
    str,
    Field(
        min_length=1,
        description="tiny is built in and knows drawings of the tiny world alone; else a folder or"
        " hub repository with MiDaS or a depth model of transformers, such as Intel/dpt-large.",
        json_schema_extra={"models": "depth"},
    ),
]


class Near(Output):
    """How near everything is."""

    image: Annotated[Image, Field(description="White is near, black far.")]


class Depth(Node):
    """Estimate how near everything in a picture is: white is near, black far."""

    aliases = ("depth map",)

    image: Image
    model: DepthModel = "tiny"
    detect_resolution: BestSide = None
    image_resolution: ResultSide = None

    packages = (*DETECTORS, "transformers")

    @classmethod
    def check_files(cls, values: Mapping[str, Any], reach: Reach) -> Iterable[tuple[str, str]]:
        from .detectors import depth

        model = values.get("model")
        return depth.examined(model, reach) if isinstance(model, str) else ()

    def stamp(self, context: Context) -> object:
        """The content of the model."""
        from .detectors import depth

        return depth.stamp(self.model, context)

    def pins(self, context: Context) -> Mapping[str, Pin]:
        from .detectors import depth

        return depth.pins(self.model, context)

    def run(self, context: Context) -> Near:
        from .detectors import depth

        view = view_of(self.image.pixels, _side(self), self.image_resolution)
        drawn = depth.depth_image(depth.nearness(self.model, view.pixels, context))
        return Near(image=Image.from_grey(view.back(drawn), "depth"))

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        return drawing_facts("depth", values, linked)


class Facing(Output):
    """Where surfaces face."""

    image: Annotated[
        Image, Field(description="Pink faces us; blue and green tell left and right, up and down.")
    ]


class NormalMap(Node):
    """Estimate where the surfaces in a picture face, as colours."""

    aliases = ("normals",)

    image: Image
    model: DepthModel = "tiny"
    background_threshold: Annotated[
        float,
        Field(
            ge=0, le=1, description="What is less near faces us: 0 is the farthest, 1 the nearest."
        ),
    ] = 0.4
    detect_resolution: BestSide = None
    image_resolution: ResultSide = None

    packages = (*DETECTORS, "transformers")

    @classmethod
    def check_files(cls, values: Mapping[str, Any], reach: Reach) -> Iterable[tuple[str, str]]:
        from .detectors import depth

        model = values.get("model")
        return depth.examined(model, reach) if isinstance(model, str) else ()

    def stamp(self, context: Context) -> object:
        """The content of the model."""
        from .detectors import depth

        return depth.stamp(self.model, context)

    def pins(self, context: Context) -> Mapping[str, Pin]:
        from .detectors import depth

        return depth.pins(self.model, context)

    def run(self, context: Context) -> Facing:
        from .detectors import depth

        view = view_of(self.image.pixels, _side(self), self.image_resolution)
        drawn = depth.facing(self.model, view.pixels, self.background_threshold, context)
        return Facing(image=Image(view.back(drawn), "normal"))

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        return drawing_facts("normal", values, linked)


class Segments(Output):
    """What is where."""

    image: Annotated[Image, Field(description="Each thing in its colour of ADE20K's palette.")]
    names: Annotated[list[str], Field(description="What was found, largest first.")]
    masks: Annotated[list[Mask], Field(description="Where each of the names is.")]


class Segment(Node):
    """Tell what is where in a picture: things in the colours of ADE20K, their names and masks."""

    aliases = ("segmentation", "ADE20K")

    image: Image
    model: Annotated[
        str,
        Field(
            min_length=1,
            description="tiny is built in and knows drawings of the tiny world alone; else a folder"
            " or hub repository with an ADE20K model of transformers, such as"
            " openmmlab/upernet-convnext-small.",
            json_schema_extra={"models": "segmentation"},
        ),
    ] = "tiny"
    minimum_share: Annotated[
        float, Field(ge=0, le=1, description="Things that fill less of the picture are not named.")
    ] = 0.002
    detect_resolution: BestSide = None
    image_resolution: ResultSide = None

    packages = (*DETECTORS, "transformers")

    @classmethod
    def check_files(cls, values: Mapping[str, Any], reach: Reach) -> Iterable[tuple[str, str]]:
        from .detectors import transformers

        model = values.get("model")
        return transformers.examined(model, "seg", reach) if isinstance(model, str) else ()

    def stamp(self, context: Context) -> object:
        """The content of the model."""
        from .detectors import segmentation

        return segmentation.stamp(self.model, context)

    def pins(self, context: Context) -> Mapping[str, Pin]:
        from .detectors import segmentation

        return segmentation.pins(self.model, context)

    def run(self, context: Context) -> Segments:
        from .detectors import segmentation

        view = view_of(self.image.pixels, _side(self), self.image_resolution)
        things = segmentation.things(self.model, view.pixels, view.result_size, context)
        largest = things.largest(self.minimum_share)
        return Segments(
            image=Image(things.image, "seg"),
            names=[name for name, _ in largest],
            masks=[Mask(mask) for _, mask in largest],
        )

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:
        return drawing_facts("seg", values, linked)


def _side(node: Depth | NormalMap | Segment) -> int:
    return node.detect_resolution or (128 if node.model == "tiny" else 512)
