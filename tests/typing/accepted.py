"""Graphs that must type-check, with the types that the checker must see."""

from pathlib import Path
from typing import assert_type

from nodegraph import Builder, each, every
from tests.support.toys import (
    Add,
    Const,
    Count,
    LoadModel,
    LoadPicture,
    Number,
    Outline,
    Paint,
    Picture,
    Pictured,
    Portrait,
    Sheet,
    Sum,
)

g = Builder()
photo = g.add("photo", LoadPicture, path=Path("room.png"))
assert_type(photo, Pictured)
edges = g.add("edges", Outline, image=photo.image, low_threshold=60)
assert_type(edges.image, Picture)
sheet = g.add("sheet", Sheet, images=[photo.image, edges.image], columns=2)
assert_type(g.run(sheet), Pictured)

# A generator's Output, a composite's Output.
model = g.add("model", LoadModel)
painted = g.add("painted", Paint, model=model.model, style="ink")
assert_type(painted, Pictured)
portrait = g.add("portrait", Portrait, model=model.model, image=photo.image)
assert_type(portrait, Pictured)

# Items.
several = g.add("several", Paint, model=model.model, prompt=each(["a dog", "a cat"]))
g.add("all", Sheet, images=every(several.image))
count = g.add("count", Count)
added = g.add("added", Add, left=each(count.values), right=each([1, 2, 3]))
assert_type(added, Number)
g.add("sum", Sum, values=count.values)
g.result("sum", added.value)
g.add("const", Const, value=3)
