"""Scenes, their conditionings, the measures, and that a training goes on where it was."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from training.evaluation.measures import edge_f1, foreground, iou, mottled, part_colours, sharpness
from training.evaluation.recognise import recognised
from training.scenes import Kind, canny, make_scene, skeleton
from training.scenes.caption import article
from training.scenes.layout import LEFT_ARM, RIGHT_LEG
from training.scenes.render import SKIN, TROUSERS, render
from training.schedule import Clock, warm_then_decay

KINDS: tuple[Kind, ...] = ("shape", "pair", "person")


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_always_gives_the_same_scene(kind: Kind) -> None:
    first, second = make_scene(3, kind), make_scene(3, kind)

    assert first.caption == second.caption
    assert np.array_equal(first.picture.pixels, second.picture.pixels)


def test_another_seed_gives_another_scene() -> None:
    one, other = make_scene(3).picture.pixels, make_scene(4).picture.pixels

    assert not np.array_equal(one, other)


@pytest.mark.parametrize("seed", range(8))
def test_a_caption_names_every_shape_and_colour_from_left_to_right(seed: int) -> None:
    scene = make_scene(seed, "pair", vary=False)

    left, right = (
        f"{colour} {shape.name}"
        for colour, shape in zip(scene.colours.parts, scene.layout.shapes, strict=True)
    )
    ground = f"{scene.colours.background} background"
    assert scene.caption == f"{article(left)} and {article(right)} on {article(ground)}"
    assert scene.layout.shapes[0].centre[0] < scene.layout.shapes[1].centre[0]


@pytest.mark.parametrize("seed", range(8))
def test_every_colour_in_a_caption_is_where_it_belongs(seed: int) -> None:
    scene = make_scene(seed)

    assert all(part_colours(scene.picture.pixels, scene))


@pytest.mark.parametrize("seed", range(8))
def test_edges_lie_on_the_outlines_of_what_is_drawn(seed: int) -> None:
    scene = make_scene(seed, "shape")
    parts = scene.picture.parts.astype(np.int16)
    borders = np.zeros(parts.shape, bool)
    borders[1:] |= np.diff(parts, axis=0) != 0
    borders[:, 1:] |= np.diff(parts, axis=1) != 0
    outline = np.where(borders, 255, 0).astype(np.uint8)

    lines = canny(scene.picture.pixels)[..., 0] > 0

    near = np.zeros_like(borders)
    for y, x in zip(*np.nonzero(outline), strict=True):
        near[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = True
    assert not (lines & ~near).any()


@pytest.mark.parametrize("seed", range(8))
def test_a_skeleton_lies_inside_the_person(seed: int) -> None:
    scene = make_scene(seed, "person")
    person = scene.layout.person
    assert person is not None

    body = scene.picture.parts > 0

    drawn = skeleton(person.keypoints, 512).any(axis=2)
    assert (drawn & body).sum() / drawn.sum() > 0.97


def test_keypoints_sit_on_the_limbs_they_name() -> None:
    scene = make_scene(5, "person")
    person = scene.layout.person
    assert person is not None

    hand, knee = (person.keypoints[i].astype(int) for i in (LEFT_ARM[2], RIGHT_LEG[1]))

    parts = scene.picture.parts
    assert [parts[y, x] for x, y in (hand, knee)] == [SKIN, TROUSERS]


def test_a_bigger_picture_shows_the_same_scene() -> None:
    scene = make_scene(6, "person")

    big = render(scene.layout, scene.colours, 512)

    small = big.pixels.reshape(128, 4, 128, 4, 3).mean((1, 3)).round().astype(np.uint8)
    assert np.abs(small.astype(int) - scene.picture.pixels).mean() < 1


def test_nobody_has_an_empty_skeleton() -> None:
    assert not skeleton(None).any()


@pytest.mark.parametrize("kind", ["shape", "person"])
def test_measures_are_perfect_on_the_scene_itself_and_poor_on_another(kind: Kind) -> None:
    scene, other = make_scene(11, kind, vary=False), make_scene(12, kind, vary=False)
    body = scene.picture.parts > 0

    own, foreign = scene.picture.pixels, other.picture.pixels

    assert edge_f1(own, own) == 1
    assert iou(foreground(own), body) > 0.9
    assert recognised(own, scene)
    assert edge_f1(foreign, own) < 0.6
    assert iou(foreground(foreign), body) < 0.85
    assert not recognised(foreign, scene)


def test_a_blurred_picture_is_less_sharp_and_a_stained_one_mottled() -> None:
    clean = make_scene(11, "person").picture.pixels
    blurred = cv2.GaussianBlur(clean, (0, 0), 3).astype(np.uint8)
    stained = clean.copy()
    stained[:64:8] ^= 64

    assert sharpness(clean, clean) > 0.9
    assert sharpness(blurred, clean) < 0.6
    assert mottled(clean, clean) == 0
    assert mottled(stained, clean) > 0.2


def test_a_clock_ends_at_its_steps_or_its_minutes() -> None:
    assert Clock(steps=4, step=2).progress == 0.5
    assert Clock(minutes=2, elapsed=120.0).progress == 1


def test_a_rate_warms_up_stays_and_decays() -> None:
    rates = [warm_then_decay(step, step / 1000, warm=100) for step in (0, 99, 600, 800, 1000)]

    assert rates == pytest.approx([0.01, 1, 1, 0.505, 0.01])


def test_an_interrupted_training_ends_with_the_weights_of_an_uninterrupted_one(
    tmp_path: Path,
) -> None:
    import torch

    from training.checkpoints import load_state
    from training.ranks import Rank
    from training.recipes.autoencoder import AutoencoderRecipe, train_autoencoder

    alone = Rank(0, 1)
    for name, steps in (("halves", 1), ("halves", 2), ("whole", 2)):
        recipe = AutoencoderRecipe(tmp_path / name, 1e9, steps, batch=1, probes=2)
        train_autoencoder(alone, recipe)

    halves, whole = (load_state(tmp_path / n / "autoencoder.pt") for n in ("halves", "whole"))
    assert halves is not None
    assert whole is not None
    torch.testing.assert_close(halves["weights"], whole["weights"])


def test_an_interrupted_training_of_the_dense_network_ends_as_an_uninterrupted_one(
    tmp_path: Path,
) -> None:
    import torch
    from safetensors.torch import load_file

    from training.ranks import Rank
    from training.recipes.dense import DenseRecipe, train_dense

    for name, steps in (("halves", 1), ("halves", 2), ("whole", 2)):
        train_dense(Rank(0, 1), DenseRecipe(tmp_path / name, None, 1e9, steps, batch=1))

    halves, whole = (
        load_file(tmp_path / n / "dense/model.safetensors") for n in ("halves", "whole")
    )
    torch.testing.assert_close(halves, whole)
    assert {value.dtype for value in whole.values()} == {torch.float16}


def test_the_dense_network_learns_from_maps_that_are_those_of_the_pictures() -> None:
    from nodes.detectors.tiny_dense import NAMES
    from training.recipes.dense import maps_of

    scene = make_scene(3, "pair")

    maps = maps_of([scene], 96)

    parts = render(scene.layout, scene.colours, 96).parts
    assert maps.pictures.shape == (1, 3, 96, 96)
    assert set(np.unique(maps.things[0][parts > 0]).tolist()) == {NAMES.index("shape")}
    assert set(np.unique(maps.things[0][parts == 0]).tolist()) == {NAMES.index("background")}
    assert float(maps.depth[0, 0][parts == 1].min()) > float(maps.depth[0, 0][parts == 0].mean())
    assert np.allclose(np.linalg.norm(maps.normal[0].numpy(), axis=0), 1, atol=1e-5)


@pytest.mark.slow
def test_polishing_changes_the_decoder_and_leaves_every_latent_as_it_is(tmp_path: Path) -> None:
    import torch
    from diffusers import AutoencoderTiny

    from training.ranks import Rank
    from training.recipes.polish import PolishRecipe, train_polish

    tiny = Path("nodes/builtin/tiny")
    before = AutoencoderTiny.from_pretrained(tiny / "base" / "vae", dtype=torch.float32)
    before.save_pretrained(tmp_path / "vae")

    train_polish(Rank(0, 1), PolishRecipe(tmp_path, tiny, 1e9, 1, batch=1, probes=2))

    after = AutoencoderTiny.from_pretrained(tmp_path / "vae", dtype=torch.float32)
    torch.testing.assert_close(after.encoder.state_dict(), before.encoder.state_dict())
    assert after.config.scaling_factor == before.config.scaling_factor
    assert not torch.equal(after.decoder.layers[0].weight, before.decoder.layers[0].weight)
