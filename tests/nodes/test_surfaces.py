"""Depth, normals and segmentation: the built-in network on drawings, and models from folders."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from nodegraph import Builder, Workflow, load_registry, plan
from nodes.detectors import controlnet_aux as _controlnet_aux
from nodes.detectors import depth as _surfaces
from nodes.detectors.ade20k import TINY
from nodes.images import LoadImage
from nodes.models import LoadControlNet
from nodes.sampling import Control
from nodes.surfaces import Depth, NormalMap, Segment
from nodes.types import Image

from ..support.pictures import INPUTS, Hand, flat, picture

PICKLES = Hand(allow=frozenset({"pickle"}))
Floats = npt.NDArray[np.float32]


def circle(size: int = 256) -> Image:
    """A blue circle on yellow, as the tiny world has them."""
    import cv2

    pixels = np.full((size, size, 3), (246, 216, 48), np.uint8)
    cv2.circle(pixels, (size // 2,) * 2, round(size * 0.32), (40, 76, 210), -1, cv2.LINE_AA)
    return Image(pixels)


# The built-in network


def test_a_person_is_nearer_than_the_wall_and_the_wall_nearer_at_its_foot() -> None:
    person = picture("portrait.png")

    depth = Depth(image=person).run(Hand()).image

    grey = depth.pixels[:, :, 0].astype(int)
    inside = Segment(image=person).run(Hand()).masks[1].pixels > 0
    assert (depth.size, depth.conditioning) == (person.size, "depth")
    assert grey[inside].mean() > 180
    assert grey[~inside].mean() < 70
    assert grey[-12:, :40].mean() > grey[:12, :40].mean() + 20


def test_a_round_things_normals_lean_to_its_middle_and_its_ground_is_pink() -> None:
    drawn = NormalMap(image=circle()).run(Hand()).image

    pixels = drawn.pixels.astype(int)
    # Red is z, green is y, blue is x: towards where it is nearer.
    left, right, above, below = pixels[128, 52], pixels[128, 204], pixels[52, 128], pixels[204, 128]
    assert (drawn.size, drawn.conditioning) == ((256, 256), "normal")
    assert np.abs(pixels[:20, :20] - (255, 127, 127)).max() <= 2
    assert left[2] > 150 > right[2] + 50
    assert above[1] > 150 > below[1] + 50
    assert abs(pixels[128, 128] - (255, 127, 127)).max() < 25


def test_background_that_is_far_faces_us_exactly() -> None:
    every = NormalMap(image=circle(), background_threshold=1).run(Hand()).image.pixels

    assert (np.unique(every.reshape(-1, 3), axis=0) == [[255, 127, 127]]).mean() > 0.3
    assert (every == (255, 127, 127)).all(axis=2).mean() > 0.99


def test_shapes_are_named_coloured_and_masked() -> None:
    shapes = picture("shapes.png")

    seen = Segment(image=shapes).run(Hand())

    assert seen.names == ["background", "shape"]
    assert (seen.image.size, seen.image.conditioning) == (shapes.size, "seg")
    covered = np.zeros(shapes.pixels.shape[:2], int)
    for name, mask in zip(seen.names, seen.masks, strict=True):
        where = mask.pixels == 255
        assert set(np.unique(mask.pixels).tolist()) <= {0, 255}
        assert (seen.image.pixels[where] == TINY[name]).all()
        covered += where
    assert covered.max() == 1
    assert covered.mean() > 0.99
    # What differs from the background is what is not called so.
    ground = shapes.pixels[3, 3].astype(int)
    thing = np.abs(shapes.pixels.astype(int) - ground).max(axis=2) > 60
    assert ((seen.masks[0].pixels == 0) == thing).mean() > 0.97


@pytest.mark.parametrize("name", ["portrait", "pose-1", "pose-2", "pose-3", "pose-4"])
def test_a_drawn_person_is_a_person_and_nothing_else_is_there(name: str) -> None:
    assert Segment(image=picture(f"{name}.png")).run(Hand()).names == ["background", "person"]


def test_small_things_are_not_named_but_drawn() -> None:
    seen = Segment(image=circle(), minimum_share=0.5).run(Hand())

    assert seen.names == ["background"]
    assert (seen.image.pixels == TINY["shape"]).all(axis=2).any()


@pytest.mark.parametrize("node", [Depth, NormalMap, Segment])
def test_a_photograph_is_looked_at_with_a_warning(
    node: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        drawn = node(image=picture("astronaut.jpg")).run(Hand()).image

    assert drawn.size == (512, 512)
    assert [record.getMessage() for record in caplog.records] == [
        "'tiny' knows drawings of the tiny world alone, and this picture is not like one"
        " (23 % of it is smooth, of a drawing at least 60 %); what it sees here is guesswork:"
        " give a model from the hub or a folder"
    ]


@pytest.mark.parametrize("name", ["astronaut.jpg", "park.jpg"])
def test_photographs_are_told_from_drawings(name: str) -> None:
    from nodes.detectors.tiny_dense import DRAWN, smoothness

    assert smoothness(picture(name).pixels) < DRAWN - 0.2


def test_drawings_are_told_from_photographs_however_noisy_and_squeezed() -> None:
    import cv2

    from nodes.detectors.tiny_dense import DRAWN, smoothness

    rng = np.random.default_rng(1)
    for name in ("portrait", "shapes", "pose-1", "pose-2", "pose-3", "pose-4"):
        pixels = picture(f"{name}.png").pixels
        noisy = (pixels + rng.normal(0, 6, pixels.shape)).clip(0, 255).astype(np.uint8)
        squeezed = cv2.imdecode(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], 1)
        assert smoothness(pixels) > DRAWN + 0.15
        assert smoothness(np.asarray(squeezed, np.uint8)) > DRAWN


@pytest.mark.parametrize("node", [Depth, NormalMap, Segment])
def test_a_map_has_the_size_of_its_picture_and_leaves_it_as_it_is(node: Any) -> None:
    image = flat((40, 76, 210), 150, 101)
    before = image.pixels.copy()

    kept = node(image=image).run(Hand()).image
    sized = node(image=image, detect_resolution=64, image_resolution=192).run(Hand()).image

    assert (kept.size, sized.size) == ((150, 101), (192, 192))
    assert np.array_equal(image.pixels, before)


@pytest.mark.slow
def test_the_shipped_weights_are_as_good_as_the_page_says() -> None:
    from training.recipes.dense import measure

    errors = measure(Path(_surfaces.dense().path).parent, count=40)

    assert errors.depth < 0.02
    assert errors.degrees < 16
    assert errors.right > 0.985
    assert errors.overlap > 0.96


# The rules that numbers become colours by


def some_depth() -> Floats:
    y, x = np.mgrid[:64, :64].astype(np.float32)
    return np.asarray(900 * np.exp(-((x - 40) ** 2 + (y - 25) ** 2) / 200), np.float32)


@pytest.mark.parametrize("background", [0.1, 0.4])
def test_depth_and_normals_are_drawn_as_controlnet_aux_draws_midass(background: float) -> None:
    import torch

    near = some_depth()

    class Known(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, _: Any) -> Any:
            return torch.from_numpy(near)[None]

    detector = _controlnet_aux.part("midas").MidasDetector(Known())
    depth, normal = detector(
        flat((0, 0, 0), 64, 64).pixels,
        bg_th=background,
        depth_and_normal=True,
        detect_resolution=64,
        image_resolution=64,
        output_type="np",
    )

    np.testing.assert_array_equal(_surfaces.depth_image(near), depth[:, :, 0])
    mine = _surfaces.normal_image(_surfaces.slopes(near, background))
    assert np.abs(mine.astype(int) - normal).max() <= 1


def test_nothing_nearer_than_the_rest_is_no_division_by_zero() -> None:
    level = np.full((64, 64), 3.5, np.float32)

    assert not _surfaces.depth_image(level).any()
    assert (_surfaces.normal_image(_surfaces.slopes(level, 0.4)) == (255, 127, 127)).all()


# Before anything runs


@pytest.mark.parametrize(
    ("node", "conditioning"), [(Depth, "depth"), (NormalMap, "normal"), (Segment, "seg")]
)
def test_a_map_for_another_controlnet_is_warned_of_before_anything_runs(
    node: Any, conditioning: str
) -> None:
    def drawn(controlnet: str) -> list[str]:
        g = Builder("Maps")
        image = g.add("photo", LoadImage, path=Path("shapes.png"))
        seen = g.add("seen", node, image=image.image)
        net = g.add("net", LoadControlNet, model=controlnet)
        g.add("control", Control, image=seen.image, controlnet=net.controlnet)
        workflow = Workflow.model_validate(g.workflow().model_dump())
        return [str(problem) for problem in plan(workflow, load_registry()).warnings]

    assert drawn(f"lllyasviel/sd-controlnet-{conditioning}") == []
    (warning,) = drawn("lllyasviel/sd-controlnet-hed")
    assert f"is a {conditioning} control image, but the ControlNet reads hed" in warning


def test_explaining_a_preprocessor_loads_no_torch() -> None:
    code = """
import sys
from nodes.preprocessors import SoftEdge, StraightLines
from nodes.surfaces import Depth, Segment
from tests.support.pictures import Hand, flat
for node in (SoftEdge, StraightLines, Depth, Segment):
    node(image=flat((0, 0, 0))).stamp(Hand())
print([m for m in ("torch", "cv2", "transformers", "diffusers") if m in sys.modules])
"""

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=INPUTS.parents[1],
        check=True,
    )

    assert done.stdout == "[]\n"
