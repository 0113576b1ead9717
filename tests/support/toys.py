"""Nodes small enough to reason about, for testing how graphs are checked and ordered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from nodegraph import Drawing
from nodegraph.graph.registry import Registry
from nodegraph.node import (
    Composite,
    Each,
    Facts,
    Finding,
    Folders,
    LinkedFacts,
    Node,
    Output,
    Steps,
    Wire,
)

Grey = Annotated[int, Field(ge=0, le=255, description="A shade of grey.")]


@dataclass(frozen=True, slots=True)
class Picture(Wire):
    """A picture, in words."""

    words: str


@dataclass(frozen=True, slots=True)
class Model(Wire):
    """A model, by family."""

    family: str


@dataclass(frozen=True, slots=True)
class Hint(Wire):
    """What steers a model."""

    words: str


class Number(Output):
    """One number."""

    value: int


class Numbers(Output):
    """Several numbers."""

    values: list[int]


class Pictured(Output):
    """One picture."""

    image: Picture


class Const(Node):
    """Yield a constant."""

    value: int

    def run(self) -> Number:
        return Number(value=self.value)


class Add(Node):
    """Add two numbers."""

    left: int
    right: int = 1

    def run(self) -> Number:
        return Number(value=self.left + self.right)


class Sum(Node):
    """Add up any number of numbers."""

    values: list[int] = []

    def run(self) -> Number:
        return Number(value=sum(self.values))


class Count(Node):
    """Count from 0 to ``to``, exclusive."""

    to: int = 3

    def run(self) -> Numbers:
        return Numbers(values=list(range(self.to)))


def files(value: Path, folders: Folders) -> list[Path] | None:  # noqa: ARG001
    """A folder stands for the two pictures in it."""
    return None if value.suffix else [value / "a.png", value / "b.png"]


class LoadPicture(Node):
    """Read a picture; a folder gives all in it."""

    renamed: ClassVar[Mapping[str, str]] = {"file": "path"}

    path: Annotated[Path, Each(files)]

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:  # noqa: ARG003
        return {"image": {"conditioning": "none"}}

    def run(self) -> Pictured:
        return Pictured(image=Picture(str(self.path)))


class Outline(Node):
    """Trace edges."""

    image: Picture
    low_threshold: Grey = 100
    high_threshold: Grey = 200

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:  # noqa: ARG003
        return {"image": {"conditioning": "canny"}}

    def run(self) -> Pictured:
        return Pictured(image=self.image)


class Pose(Node):
    """Find people."""

    image: Picture

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:  # noqa: ARG003
        return {"image": {"conditioning": "openpose"}}

    def run(self) -> Pictured:
        return Pictured(image=self.image)


class Loaded(Output):
    """A model."""

    model: Model


class LoadModel(Node):
    """Load a model: ``small`` or ``small-canny``."""

    model: str = "small"

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:  # noqa: ARG003
        family, _, conditioning = values.get("model", "").partition("-")
        known = {"family": family, "conditioning": conditioning}
        return {"model": {name: fact for name, fact in known.items() if fact}}

    def run(self) -> Loaded:
        return Loaded(model=Model(self.model))


class Steered(Output):
    """What steers."""

    hint: Hint


class Steer(Node):
    """Steer a model by a picture."""

    image: Picture
    net: Model
    strength: Annotated[float, Field(ge=0, le=2)] = 1.0

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:  # noqa: ARG003
        return {"hint": linked["net"][0]}

    @classmethod
    def check_facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Iterable[Finding]:  # noqa: ARG003
        wanted = linked["net"][0].get("conditioning")
        got = linked["image"][0].get("conditioning", wanted)
        if wanted and wanted != got:
            yield "image", f"is made for {got}, but the model was trained on {wanted}", "warning"

    def run(self) -> Steered:
        return Steered(hint=Hint(self.image.words))


class Paint(Node):
    """Paint a picture after a prompt."""

    model: Model
    prompt: str = ""
    hints: list[Hint] = []
    style: Literal["oil", "ink"] = "oil"
    steps: Annotated[int, Field(ge=1, le=50)] = 20

    @classmethod
    def check_facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Iterable[Finding]:  # noqa: ARG003
        family = linked["model"][0].get("family")
        for facts in linked.get("hints", ()):
            if (other := facts.get("family", family)) != family:
                yield "hints", f"is for the family {other}, but the model is of {family}", "error"

    def run(self) -> Steps[Pictured]:
        yield from ()
        return Pictured(image=Picture(self.prompt))


class Sheet(Node):
    """Lay pictures out."""

    images: Annotated[list[Picture], Field(min_length=1)]
    columns: Annotated[int, Field(ge=1)] = 2

    def run(self) -> Pictured:
        return Pictured(image=Picture(" ".join(image.words for image in self.images)))


class Save(Node):
    """Write a picture down."""

    pure: ClassVar[bool] = False

    image: Picture

    def run(self) -> Output:
        return Output()


class Portrait(Composite):
    """Paint along the edges of a picture."""

    model: Model
    image: Picture
    prompt: str = "a portrait"
    steps: Annotated[int, Field(ge=1, le=30)] = 10

    def draw(self, g: Drawing) -> Pictured:
        edges = g.add("edges", Outline, image=self.image)
        hint = g.add("steer", Steer, image=edges.image, net=self.model)
        painted = g.add(
            "paint",
            Paint,
            model=self.model,
            prompt=self.prompt,
            hints=[hint.hint],
            steps=self.steps,
        )
        return Pictured(image=painted.image)


class Pair(Composite):
    """Paint two portraits, and lay them out."""

    model: Model
    image: Picture
    prompt: str = "twins"

    def draw(self, g: Drawing) -> Pictured:
        first = g.add("first", Portrait, model=self.model, image=self.image, prompt=self.prompt)
        second = g.add("second", Portrait, model=self.model, image=first.image, prompt=self.prompt)
        return g.add("sheet", Sheet, images=[first.image, second.image])


TOYS = Registry.of(
    Const,
    Add,
    Sum,
    Count,
    LoadPicture,
    Outline,
    Pose,
    LoadModel,
    Steer,
    Paint,
    Sheet,
    Save,
    Portrait,
    Pair,
)
