"""What trained weights are measured by: full marks for the true picture, few for another."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from nodes.checkpoints.names import ControlKind
from training.evaluation.controlled import MEASURES, held_out, is_single, repaint
from training.evaluation.measures import background_name, foreground, lines
from training.evaluation.page import NAMES, parts
from training.evaluation.recognise import is_potato, recognised, shows
from training.evaluation.tally import Tally, means, merged
from training.scenes import control_image, make_scene
from training.scenes.potato import BODY, HAT, make_potato

TINY = Path(__file__).parents[2] / "nodes" / "builtin" / "tiny"
DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("kind", MEASURES)
def test_the_true_picture_has_full_marks_in_any_colours_and_anothers_has_few(
    kind: ControlKind,
) -> None:
    scenes, score = held_out(MEASURES[kind].suits, 12), MEASURES[kind].score
    pictures = [scene.picture.pixels for scene in scenes]
    repainted = [repaint(scene, i).picture.pixels for i, scene in enumerate(scenes)]

    own, anothers, recoloured = (
        [score(picture, scene) for picture, scene in zip(shown, scenes, strict=True)]
        for shown in (pictures, pictures[1:] + pictures[:1], repainted)
    )

    assert min(own) > 0.85
    assert np.mean(own) > 0.95
    assert np.mean(recoloured) > 0.9
    assert np.mean(anothers) < 0.5


@pytest.mark.parametrize("kind", MEASURES)
def test_every_kind_is_measured_on_scenes_that_it_shows_something_of(kind: ControlKind) -> None:
    scenes = held_out(MEASURES[kind].suits, 8)

    assert all(control_image(scene, kind).any() for scene in scenes)
    assert len({scene.caption for scene in scenes}) == 8


@pytest.mark.parametrize("seed", range(6))
def test_a_potato_is_recognised_on_its_background_alone_and_with_its_hat_and_shoes(
    seed: int,
) -> None:
    scene, other = make_potato(seed), make_potato(seed + 100)
    bare = scene.picture.pixels.copy()
    bare[scene.picture.parts == HAT] = bare[scene.picture.parts == BODY].mean(axis=0)

    assert is_potato(scene.picture.pixels, scene)
    assert not is_potato(bare, scene)
    assert is_potato(other.picture.pixels, scene) == (
        other.colours.background == scene.colours.background
    )


@pytest.mark.parametrize("seed", range(12))
def test_neither_people_nor_shapes_are_potatoes_and_potatoes_are_neither(seed: int) -> None:
    scene, potato = make_scene(seed), make_potato(seed)

    assert not is_potato(scene.picture.pixels, scene)
    assert not recognised(potato.picture.pixels, scene)


@pytest.mark.parametrize("seed", range(8))
def test_an_ink_drawing_has_lines_and_paper_and_still_shows_the_thing(seed: int) -> None:
    from training.recipes.lora import ink

    scene = make_scene(seed, "person")

    drawn = ink(scene)

    assert lines(drawn).mean() > 0.02
    assert background_name(drawn) == "white"
    assert background_name(scene.picture.pixels) == scene.colours.background
    assert shows(foreground(drawn), scene)


def test_a_silhouette_of_another_shape_does_not_show_the_named_one() -> None:
    scenes = held_out(is_single, 8)

    for one, other in pairwise(scenes):
        same = one.layout.shapes[0].name == other.layout.shapes[0].name
        assert shows(other.picture.parts > 0, one) == same


def test_kinds_are_chosen_by_name_and_are_all_that_have_weights_by_default(tmp_path: Path) -> None:
    from training.evaluation.evaluate import chosen

    for folder in ("base", "controlnet-depth", "controlnet-seg"):
        (tmp_path / folder).mkdir()

    assert chosen("", tmp_path) == ("depth", "seg", "text")
    assert chosen("seg, text", tmp_path) == ("seg", "text")
    with pytest.raises(ValueError, match=r"no weights of 'hed' in .*; there are depth, seg, text"):
        chosen("seg,hed", tmp_path)


def test_figures_are_means_over_all_processes(tmp_path: Path) -> None:
    for rank, values in enumerate([(1, 1), (0,)]):
        tally = Tally()
        tally.note("depth", "with", *values)
        tally.note("depth", f"of process {rank}", 1)
        tally.save_numbers(tmp_path / f"{rank}.json")

    found = means(sorted(tmp_path.glob("*.json")))
    assert found == {"depth": {"with": 0.6667, "of process 0": 1, "of process 1": 1}}


def test_new_figures_replace_those_of_their_kind_and_no_others(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    file.write_text(json.dumps({"ink": {"a": 1.0}, "seg": {"old": 1.0}}), encoding="utf-8")

    merged(file, {"seg": {"new": 2.0}, "canny": {"b": 3.0}}, ("canny", "seg", "ink"))

    written = json.loads(file.read_text(encoding="utf-8"))
    assert list(written.items()) == [
        ("canny", {"b": 3.0}),
        ("seg", {"new": 2.0}),
        ("ink", {"a": 1.0}),
    ]


def test_the_page_has_a_row_and_a_grid_for_every_kind_that_was_measured(tmp_path: Path) -> None:
    columns = ("with", "without", "shuffled", "given", "recoloured", "true")
    looks = ("colours", "new colours", "sharpness", "sharpness of true scenes", "mottled")
    seg = {"scenes": 64.0} | {name: i / 8 for i, name in enumerate((*columns, *looks))}
    (tmp_path / "figures.json").write_text(json.dumps({"seg": seg}), encoding="utf-8")

    page = parts(tmp_path)

    scored = "`tiny-seg` | silhouette IoU | 64 | **0.000** | 0.125 | 0.250 | 0.375 | 0.500 | 0.625"
    assert page["controls"].splitlines()[2:] == [f"| {scored} |"]
    assert f"({tmp_path.name}/seg.webp)" in page["grids"]
    assert page["ink"] == ""


def test_the_page_has_a_place_for_every_part_and_figures_of_all_that_is_shipped() -> None:
    text = (DOCS / "tiny.md").read_text(encoding="utf-8")
    figures = json.loads((DOCS / "tiny" / "figures.json").read_text(encoding="utf-8"))

    marks = [f"<!-- {name}: generated by `make docs` -->" for name in parts(DOCS / "tiny")]
    assert [mark for mark in marks if mark not in text] == []
    assert list(figures) == [*MEASURES, "text", "potato", "ink", "sizes"]
    assert set(NAMES) == set(MEASURES)


def test_the_page_tells_the_sizes_that_the_weights_have() -> None:
    from training.evaluation.evaluate import sizes

    figures = json.loads((DOCS / "tiny" / "figures.json").read_text(encoding="utf-8"))

    assert figures["sizes"] == sizes(TINY)


def test_the_grids_are_small() -> None:
    assert sum(path.stat().st_size for path in (DOCS / "tiny").iterdir()) < 2.5e6


@pytest.mark.slow
def test_the_shipped_weights_follow_their_control_and_nothing_else(tmp_path: Path) -> None:
    from training.evaluation.evaluate import Trial, evaluate

    figures = evaluate(Trial(TINY, ("canny",), scenes=4, out=tmp_path), processes=1)["canny"]

    assert min(figures["with"], figures["given"], figures["recoloured"]) > 0.9
    assert max(figures["without"], figures["shuffled"]) < 0.7
    assert figures["colours"] > 0.9
    grid = cv2.imread(str(tmp_path / "canny.webp"))
    assert grid is not None
    assert grid.shape == (5 * 128, 4 * 128, 3)
