"""Graphs that must not type-check: each line with a code must produce it, and no other line any."""

from pathlib import Path

from nodegraph import Builder, each, every
from nodegraph.node import Node, Output
from tests.support.toys import (
    Add,
    Const,
    LoadModel,
    LoadPicture,
    Outline,
    Paint,
    Pictured,
    Portrait,
    Sheet,
)

g = Builder()
photo = g.add("photo", LoadPicture, path=Path("a.png"))
model = g.add("model", LoadModel)
g.add("e1", Outline, image="photo.image")  # E: arg-type
g.add("e2", Outline, image=photo.picture)  # E: attr-defined
g.add("e3", Outline, image=photo.image, low=3)  # E: call-arg
g.add("e4", Outline)  # E: call-arg
g.add("e5", Pictured, image=photo.image)  # E: arg-type
g.add("e6", Outline, image=model.model)  # E: arg-type
g.add("e7", Outline, image=photo.image, low_threshold="60")  # E: arg-type
g.add("e8", Sheet, images=photo.image)  # E: arg-type
g.add("e9", Sheet, images=[model.model])  # E: list-item
g.add("e10", Portrait, model=model.model)  # E: call-arg
g.add("e11", Portrait, model=model.model, image=photo.image, stpes=3)  # E: call-arg
g.add("e12", Paint, model=model.model, prompt=["a dog", "a cat"])  # E: arg-type
g.add("e13", Paint, model=model.model, prompt=each([1, 2]))  # E: arg-type
g.add("e14", Sheet, images=every(model.model))  # E: arg-type
g.add("e15", Add, left=g.add("two", Const, value=2))  # E: arg-type
g.run(photo.image)  # E: type-var


class Wrong(Node):
    """Return no Output."""

    def run(self) -> int:
        return 3


g.add("e16", Wrong)  # E: arg-type
print(Output.nothing)  # E: attr-defined
