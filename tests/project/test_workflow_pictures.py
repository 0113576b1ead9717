"""What the shipped workflows make on the tiny model: controls and prompts are followed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from nodegraph import Cache, Folders, Settings, Workflow, execute, plan
from nodegraph.carriers.picture import read_workflow
from nodegraph.cli.app import app
from nodegraph.cli.kinds import load_kinds
from nodegraph.events import Finished
from nodegraph.graph.shipped import shipped
from nodes.types import Pixels
from training.scenes.colours import PALETTE
from training.scenes.potato import BLUE, SKIN

from ..support.pictures import INPUTS

pytestmark = pytest.mark.slow

NAMES = sorted(shipped())
SIDE, PADDING = 128, 8
Made: TypeAlias = Mapping[str, Pixels]
Make: TypeAlias = Callable[..., Made]

LINES = {
    "canny-portraits": "edges",
    "canny-to-image": "edges",
    "lines-to-building": "lines",
    "logo-to-scene": "lines",
    "photo-from-cartoon": "edges",
    "scribble-to-drawing": "strokes",
    "scribble-to-image": "strokes",
    "soft-edge-to-image": "outlines",
}
SURFACES = {
    "depth-to-room": "depth",
    "normal-to-image": "normals",
    "segmentation-to-scene": "things",
}
SHEETS = ("prompts-seeds-sheet", "sweep-guidance-strength", "sweep-steps-scheduler")
POSES = {"control-to-image": "control", "pose-to-image": "pose", "pose-transfer": "poses"}


def run(name: str, folder: Path, *settings: str) -> Made:
    """The pictures that a workflow saves, by result."""
    words = [word for one in settings for word in ("--set", one)]
    done = CliRunner().invoke(app, ["run", name, "--out", str(folder), *words])
    assert done.exit_code == 0, done.output
    found = {path.stem.removeprefix(f"{name}-"): path for path in folder.glob("*.png")}
    assert all(read_workflow(path) for path in found.values())
    return {result: np.asarray(Image.open(path)) for result, path in found.items()}


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Run a workflow, once for all tests."""
    return cache(lambda name, *settings: run(name, tmp_path_factory.mktemp(name), *settings))


def cells(sheet: Pixels, size: int = SIDE) -> list[Pixels]:
    """The pictures of a grid without labels, row by row; of a single picture, itself."""
    if sheet.shape[:2] == (size, size):
        return [sheet]
    tops, lefts = (range(PADDING, side - size + 1, size + PADDING) for side in sheet.shape[:2])
    return [sheet[y : y + size, x : x + size] for y in tops for x in lefts]


def edges(picture: Pixels, low: int = 60, high: int = 120) -> Pixels:
    return np.asarray(cv2.Canny(np.ascontiguousarray(picture), low, high), np.uint8)


def near(lines: Pixels, others: Pixels, pixels: int = 3) -> float:
    """The share of lines that have one of the others within some pixels."""
    wide = cv2.dilate(others, np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8))
    return float((wide[lines > 0] > 0).mean())


def colour_of(pixels: Pixels) -> str:
    """The colour of the tiny world that most of the pixels are nearest to."""
    median = np.median(pixels.reshape(-1, 3), axis=0)
    return min(PALETTE, key=lambda name: float(np.square(median - PALETTE[name]).sum()))


def ground(picture: Pixels) -> str:
    """The colour of the background, as the four corners show it."""
    return colour_of(np.stack([picture[y, x] for y in (4, -5) for x in (4, -5)]))


def prompted(name: str) -> list[str]:
    """The backgrounds that the workflow's own prompts ask for."""
    text = Workflow.load(shipped()[name]).to_json()
    return re.findall(r"on an? (\w+) background", text)


def painted(made: Made) -> list[Pixels]:
    return cells(made.get("grid", made.get("image", np.zeros((0, 0, 3), np.uint8))))


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_makes_a_picture_of_every_result(name: str, make: Make) -> None:
    assert set(make(name)) == set(Workflow.load(shipped()[name]).results)


@pytest.mark.parametrize("name", sorted(LINES))
def test_every_line_is_followed(name: str, make: Make) -> None:
    made = make(name)
    lines = (made[LINES[name]][:, :, 0] > 127).astype(np.uint8)

    assert min(near(lines, edges(picture)) for picture in painted(made)) > 0.8


@pytest.mark.parametrize("name", sorted(SURFACES))
def test_nothing_is_painted_but_what_the_surfaces_show(name: str, make: Make) -> None:
    made = make(name)
    outlines = edges(made[SURFACES[name]])

    assert min(near(edges(picture), outlines) for picture in painted(made)) > 0.8


@pytest.mark.parametrize("name", sorted(POSES))
def test_every_joint_lies_on_somebody(name: str, make: Make) -> None:
    made = make(name)
    poses = cells(made[POSES[name]], 512 if name == "pose-transfer" else SIDE)

    for pose, picture in zip(poses, painted(made), strict=True):
        small = cv2.resize(pose, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        apart = np.abs(picture.astype(int) - picture[4, 4]).max(axis=2) > 48
        assert apart[small.max(axis=2) > 100].mean() > 0.85


@pytest.mark.parametrize("name", sorted({*LINES, *SURFACES, *POSES, "fine-tuned-base"}))
def test_every_picture_has_the_background_that_its_prompt_asks_for(name: str, make: Make) -> None:
    found = [ground(picture) for picture in painted(make(name))]

    wanted = prompted(name)
    assert found == (wanted if len(wanted) == len(found) else wanted * len(found))


def test_a_control_image_that_was_saved_can_be_given_as_it_is(make: Make, tmp_path: Path) -> None:
    drawn = make("canny-to-image")
    Image.fromarray(drawn["edges"]).save(tmp_path / "edges.png")

    given = make(
        "control-to-image",
        f"control={tmp_path / 'edges.png'}",
        "controlnet=tiny-canny",
        "prompt=a man wearing a red shirt and blue trousers on a yellow background",
    )

    assert np.array_equal(given["image"], drawn["image"])


def test_inpainting_changes_nothing_outside_of_the_part(make: Make) -> None:
    made = make("inpaint-part")
    before, after = made["compared"][:, :SIDE], made["image"]

    part = np.zeros((SIDE, SIDE), bool)
    part[int(0.25 * SIDE) : int(0.55 * SIDE) + 1, int(0.2 * SIDE) : int(0.8 * SIDE) + 1] = True
    assert np.array_equal(before[~part], after[~part])
    assert (colour_of(before[48:60, 58:68]), colour_of(after[48:60, 58:68])) == ("white", "yellow")


def test_the_more_a_picture_is_redrawn_the_less_is_left_of_it(make: Make) -> None:
    made = make("image-to-image-sheet")

    before = made["picture"].astype(int)
    apart = [float(np.abs(after - before).mean()) for after in cells(made["grid"])]
    assert apart == sorted(apart)


def test_the_larger_picture_has_detail_that_the_first_lacks(make: Make) -> None:
    made = make("hires-picture")

    larger = made["larger"]
    enlarged = cv2.resize(made["first"], larger.shape[1::-1], interpolation=cv2.INTER_LANCZOS4)
    assert sharpness(larger) > 1.3 * sharpness(enlarged)


def sharpness(picture: Pixels) -> float:
    """The steepest hundredth of all slopes."""
    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.percentile(np.hypot(cv2.Sobel(grey, -1, 1, 0), cv2.Sobel(grey, -1, 0, 1)), 99))


def test_the_subject_that_a_base_was_taught_takes_the_portraits_place(make: Make) -> None:
    for picture in painted(make("fine-tuned-base")):
        body, hat = picture[60:76, 56:68].reshape(-1, 3), picture[10:40, 40:84].reshape(-1, 3)

        assert (np.abs(np.median(body, axis=0) - SKIN) < 60).all()
        assert (np.abs(hat - np.array(BLUE)).max(axis=1) < 60).mean() > 0.02


def test_the_stronger_a_lora_the_more_ink_there_is(make: Make) -> None:
    sheet = make("ink-style")["sheet"]

    pictures = cells(sheet[sheet.shape[0] - SIDE - 2 * PADDING :])
    ink = [inked(picture) for picture in pictures]
    assert ink == sorted(ink)
    assert ink[-1] > ink[0] + 0.1


def inked(picture: Pixels) -> float:
    """The share of what surrounds the outlines of a picture that is dark."""
    around = cv2.dilate(edges(picture), np.ones((3, 3), np.uint8)) > 0
    return float((picture.max(axis=2)[around] < 110).mean())


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_holds_the_picture_that_one_run_makes(name: str, make: Make) -> None:
    sheet, single = make(name)["sheet"], make("canny-to-image")["image"]

    least = cv2.matchTemplate(sheet, single, cv2.TM_SQDIFF).min() / single.size
    assert least < 1


def computed(name: str, *settings: str) -> dict[str, int]:
    """How many items of each node were computed, not looked up."""
    words = [word for one in ("steps=2", *settings) for word in ("--set", one)]
    done = CliRunner().invoke(app, ["run", name, "--json", *words])
    events = [json.loads(line) for line in done.stdout.splitlines()]
    names = [e["name"] for e in events if e["event"] == "finished" and not e["cached"]]
    return {name: names.count(name) for name in sorted(set(names))}


def test_one_changed_prompt_of_four_costs_one_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    prompts = [
        f"prompt=a man wearing a {colour} shirt" for colour in ("red", "green", "blue", "white")
    ]

    first = computed("canny-portraits", *prompts)
    second = computed("canny-portraits", *prompts)
    third = computed("canny-portraits", *prompts[:-1], "prompt=a man wearing a black shirt")

    assert first["sample/denoise"] == 4
    assert "sample/denoise" not in second
    assert (third["sample/denoise"], third["sample/decode"], third["sheet"]) == (1, 1, 1)


def test_another_base_model_reuses_the_edges_and_the_controlnet() -> None:
    settings = Settings(folders=Folders(data=(INPUTS,)))

    def finished(name: str) -> set[str]:
        workflow = Workflow.load(shipped()[name]).fill(steps=2, strength=1.0)
        events = execute(plan(workflow, load_kinds(())), known, settings)
        found = {e.name for e in events if isinstance(e, Finished) and not e.cached}
        return {name.removeprefix("portraits/") for name in found}

    with closing(Cache()) as known:
        first, again = finished("canny-portraits"), finished("fine-tuned-base")

    painting = {f"sample/{part}" for part in ("prompt", "negative_prompt", "denoise", "decode")}
    assert again == {"base", *painting, "sheet"}
    assert first - again == {"photo", "sized", "edges", "net", "control"}
