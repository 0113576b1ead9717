"""What holds for every node that comes with the package."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

from nodegraph.node import Composite, Folders, Node, Output, Wire
from nodegraph.values.leaves import leaves
from nodes import NODES
from nodes.combine import Blend, Overlay, Paste
from nodes.geometry import Crop, CropToMask, Flip, Pad, Rotate
from nodes.images import LoadImage, Resize, SaveImage
from nodes.info import ImageInfo
from nodes.layout import Compare, Grid
from nodes.masks import DrawMask, GrowMask, ImageToMask
from nodes.preprocessors import Canny, OpenPose
from nodes.retouch import Adjust, Blur, Grey, Invert, Sharpen, Threshold
from nodes.types import Image, Mask

from ..support.pictures import INPUTS, Hand, flat, gradient, spot

EVERY = pytest.mark.parametrize("kind", NODES, ids=lambda kind: kind.__name__)

# A call of each picture node; the model nodes are held to the same in their own tests.
EXAMPLES: dict[type[Node], Callable[[Image], Node]] = {
    LoadImage: lambda _: LoadImage(path=Path("astronaut.jpg")),
    Resize: lambda image: Resize(image=image, width=16, height=64, fit="contain"),
    SaveImage: lambda image: SaveImage(image=image),
    Crop: lambda image: Crop(image=image, width=0.5, unit="fraction", anchor="left"),
    CropToMask: lambda image: CropToMask(image=image, mask=spot(), padding=2),
    Pad: lambda image: Pad(image=image, left=5, bottom=3, fill="mirror"),
    Flip: lambda image: Flip(image=image),
    Rotate: lambda image: Rotate(image=image, angle=30),
    Adjust: lambda image: Adjust(image=image, brightness=2, contrast=0.5, hue=40, gamma=2),
    Invert: lambda image: Invert(image=image),
    Grey: lambda image: Grey(image=image, channel="red"),
    Threshold: lambda image: Threshold(image=image),
    Blur: lambda image: Blur(image=image),
    Sharpen: lambda image: Sharpen(image=image, threshold=2),
    Blend: lambda image: Blend(image=image, layer=image, mode="multiply", mask=spot()),
    Overlay: lambda image: Overlay(image=image, control=image, colour="#ff0000"),
    Paste: lambda image: Paste(image=image, layer=image, left=9, top=-4, mask=spot()),
    Grid: lambda image: Grid(images=[image, image], labels=["a", "b"]),
    Compare: lambda image: Compare(before=image, after=flat((9, 9, 9)), layout="split"),
    ImageInfo: lambda image: ImageInfo(image=image),
    Canny: lambda image: Canny(image=image),
    OpenPose: lambda image: OpenPose(image=image, detect_resolution=64),
    ImageToMask: lambda image: ImageToMask(image=image, threshold=99),
    GrowMask: lambda image: GrowMask(mask=Mask(image.pixels[:, :, 0]), blur=2),
    DrawMask: lambda image: DrawMask(image=image),
}


@EVERY
def test_a_node_has_a_docstring_of_its_own(kind: type[Node | Composite]) -> None:
    assert kind.__doc__ not in (None, Node.__doc__, Composite.__doc__)
    assert str(kind.__doc__).splitlines()[0].endswith((".", "…"))


@EVERY
def test_every_input_has_a_default_a_range_or_a_description(kind: type[Node | Composite]) -> None:
    bare = [
        name
        for name, field in kind.model_fields.items()
        if field.is_required()
        and not field.description
        and not field.metadata
        and not (isinstance(field.annotation, type) and issubclass(field.annotation, Wire))
    ]

    assert bare == []


@EVERY
def test_every_output_is_declared(kind: type[Node | Composite]) -> None:
    work = getattr(kind, "run" if issubclass(kind, Node) else "draw")
    said = get_type_hints(work, localns={"Drawing": object})["return"]
    outputs = [one for one in (said, *getattr(said, "__args__", ())) if isinstance(one, type)]

    assert any(issubclass(one, Output) and one.model_fields for one in outputs)


def test_names_are_unique() -> None:
    assert len(NODES) == len({kind.__name__ for kind in NODES})


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_running_a_node_leaves_its_inputs_unchanged(kind: type[Node], tmp_path: Path) -> None:
    node = EXAMPLES[kind](Image(gradient().pixels.copy()))
    before = [leaf.copy() for leaf in leaves(node)]

    run(node, Hand(folders=Folders((INPUTS,), tmp_path)))

    for was, leaf in zip(before, leaves(node), strict=True):
        np.testing.assert_array_equal(was, leaf)


DRAWING = [kind for kind in EXAMPLES if kind not in (LoadImage, SaveImage, ImageInfo)]


@pytest.mark.parametrize("kind", DRAWING, ids=lambda kind: kind.__name__)
def test_a_result_is_the_same_every_time_and_cannot_be_written_to(kind: type[Node]) -> None:
    first, second = (leaves(run(EXAMPLES[kind](gradient()), Hand())) for _ in range(2))

    assert first
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
        assert not one.flags.writeable


def run(node: Node, context: Hand) -> Any:
    work = node.run  # type: ignore[attr-defined]
    return work(context) if "context" in inspect.signature(work).parameters else work()


@pytest.mark.parametrize(
    ("wire", "pixels", "message"),
    [
        (Image, np.zeros((4, 4), np.uint8), "an Image is H x W x 3 uint8, not 4 x 4 uint8"),
        (Image, np.zeros((4, 4, 3)), "an Image is H x W x 3 uint8, not 4 x 4 x 3 float64"),
        (Mask, np.zeros((4, 4, 1), np.uint8), "a Mask is H x W uint8, not 4 x 4 x 1 uint8"),
    ],
)
def test_a_picture_of_another_shape_is_refused(wire: Any, pixels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wire(pixels)


def test_nodes_are_imported_without_torch_opencv_and_pillow() -> None:
    code = "import nodes, sys; print({'torch', 'cv2', 'PIL', 'diffusers'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "set()"
