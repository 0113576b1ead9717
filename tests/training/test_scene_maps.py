"""The exact control images of drawn scenes: each against what it is drawn from."""

from __future__ import annotations

from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest

from nodes.checkpoints.names import ControlKind
from nodes.detectors.ade20k import TINY
from training.scenes import Kind, canny, control_image, make_scene, render
from training.scenes.conditionings import nearness
from training.scenes.surfaces import FAR, FOOT, RIM, SWELL, normals

KINDS: tuple[Kind, ...] = ("shape", "pair", "person")


def of_shape(name: str) -> int:
    """The first seed whose scene is this shape alone."""
    return next(
        seed for seed in range(999) if make_scene(seed, "shape").layout.shapes[0].name == name
    )


def lit(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0]


def near(drawn: npt.NDArray[np.uint8], reach: int) -> npt.NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.dilate(drawn, np.ones((2 * reach + 1,) * 2, np.uint8)), np.uint8)


@pytest.mark.parametrize("kind", get_args(ControlKind))
def test_every_kind_of_control_image_has_the_size_that_is_asked_for(kind: ControlKind) -> None:
    scene = make_scene(2, "person")

    small, large = control_image(scene, kind), control_image(scene, kind, 192)

    assert (small.shape, large.shape) == ((128, 128, 3), (192, 192, 3))
    assert small.dtype == large.dtype == np.uint8
    assert large.any() == (kind != "mlsd")  # people have no straight sides


@pytest.mark.parametrize("kind", KINDS)
def test_soft_edges_are_where_canny_sees_edges_and_fade_beside_them(kind: Kind) -> None:
    scene = make_scene(11, kind)

    edges = lit(control_image(scene, "hed", 256))

    sharp = lit(canny(render(scene.layout, scene.colours, 256).pixels))
    faint = lit(canny(render(scene.layout, scene.colours, 256).pixels, 10, 20))
    assert near(edges, 1)[sharp > 0].min() > 100
    assert edges[near(faint, 4) == 0].max() == 0
    assert ((edges > 20) & (edges < 200)).sum() > 0.2 * (edges > 0).sum()


@pytest.mark.slow
def test_soft_edges_are_what_hed_finds_in_the_drawing() -> None:
    from nodes.preprocessors import SoftEdge
    from nodes.types import Image

    from ..support.pictures import Hand

    scene = make_scene(3, "pair")
    drawing = Image(render(scene.layout, scene.colours, 512).pixels)

    found = lit(SoftEdge(image=drawing).run(Hand()).image.pixels)

    exact = lit(control_image(scene, "hed", 512))
    assert near(found, 2)[exact > 200].mean() > 200
    assert found[near(exact, 6) == 0].mean() < 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_scribble_is_black_and_white_and_its_strokes_have_one_width(kind: Kind) -> None:
    import cv2

    strokes = lit(control_image(make_scene(11, kind), "scribble", 512))

    assert {0, 255} == set(np.unique(strokes).tolist())
    deep = cv2.distanceTransform(strokes, cv2.DIST_L2, 5)
    ridges = deep[(deep == cv2.dilate(deep, np.ones((5, 5)))) & (strokes > 0)]
    assert np.median(ridges) == pytest.approx(6.5, abs=1)


@pytest.mark.parametrize("name", ["square", "house", "star"])
def test_straight_lines_are_the_sides_of_shapes_that_have_some(name: str) -> None:
    scene = make_scene(of_shape(name), "shape")

    lines = lit(control_image(scene, "mlsd", 256))

    edges = lit(canny(render(scene.layout, scene.colours, 256).pixels))
    assert (near(lines, 2)[edges > 0] == 255).mean() > 0.95
    assert (near(edges, 2)[lines > 0] == 255).mean() > 0.95


@pytest.mark.parametrize("name", ["circle", "heart", "ring", "moon"])
def test_round_shapes_have_no_straight_lines(name: str) -> None:
    assert not control_image(make_scene(of_shape(name), "shape"), "mlsd").any()


def test_depth_is_white_near_and_every_thing_is_nearer_than_the_wall() -> None:
    scene = make_scene(of_shape("circle"), "shape")
    (circle,) = scene.layout.shapes
    x, y = (round(place) for place in circle.centre)
    rim = round(circle.centre[0] + circle.radius) - 2

    levels = lit(control_image(scene, "depth"))

    assert (levels[y, x], levels[0, 0]) == (255, 0)
    assert levels[y, x] > levels[y, rim] > levels[-1, 0] > levels[0, 0]


def test_exact_depth_is_what_its_constants_say() -> None:
    scene = make_scene(of_shape("square"), "shape")
    (square,) = scene.layout.shapes
    x, y = (round(place) for place in square.centre)

    near_or_far = nearness(scene)

    assert near_or_far[y, x] == pytest.approx(RIM + SWELL, abs=1e-6)
    assert near_or_far[0, 0] == pytest.approx(FAR, abs=0.002)
    assert near_or_far[-1, -1] == pytest.approx(FOOT, abs=0.002)


def test_normals_are_pink_where_it_is_flat_and_lean_to_where_it_is_nearer() -> None:
    scene = make_scene(of_shape("circle"), "shape")
    (circle,) = scene.layout.shapes
    x, y = (round(place) for place in circle.centre)
    inside = round(circle.radius) - 4

    pixels = control_image(scene, "normal").astype(int)

    assert pixels[y, x].tolist() == [255, 127, 127]
    # Red is z, green is y, blue is x: on the left side it gets nearer to the right, and so on.
    left, right = pixels[y, x - inside], pixels[y, x + inside]
    above, below = pixels[y - inside, x], pixels[y + inside, x]
    assert min(left[2], above[1]) > 160
    assert max(right[2], below[1]) < 95
    assert all(abs(one[1] - 127) < 10 for one in (left, right))
    assert all(abs(one[2] - 127) < 10 for one in (above, below))


def test_normals_have_length_one_and_a_slope_of_one_is_45_degrees() -> None:
    ramp = np.repeat(np.linspace(0, 5, 64, endpoint=False, dtype=np.float32)[None], 64, axis=0)

    vectors = normals(ramp)

    np.testing.assert_allclose(np.linalg.norm(vectors, axis=2), 1, atol=1e-6)
    np.testing.assert_allclose(vectors[20, 20], [0.5**0.5, 0, 0.5**0.5], atol=1e-6)


@pytest.mark.parametrize(("kind", "name"), [("shape",) * 2, ("pair", "shape"), ("person",) * 2])
def test_a_segmentation_shows_whole_things_in_the_colour_of_their_kind(
    kind: Kind, name: str
) -> None:
    scene = make_scene(3, kind)

    pixels = control_image(scene, "seg")

    thing = scene.picture.parts > 0
    np.testing.assert_array_equal((pixels == TINY[name]).all(axis=2), thing)
    np.testing.assert_array_equal((pixels == TINY["background"]).all(axis=2), ~thing)


def test_colours_of_things_are_ade20ks_and_no_two_are_alike() -> None:
    from nodes.detectors import controlnet_aux as _controlnet_aux

    palette = {tuple(colour) for colour in _controlnet_aux.part("util").ade_palette()}

    assert set(TINY.values()) <= palette
    assert len(set(TINY.values())) == len(TINY)


def test_a_skeleton_of_any_size_is_the_persons() -> None:
    scene = make_scene(3, "person")

    drawn = control_image(scene, "openpose", 128)

    assert (drawn.any(axis=2) & (scene.picture.parts > 0)).sum() > 0.9 * drawn.any(axis=2).sum()
    assert not control_image(make_scene(3, "shape"), "openpose").any()
