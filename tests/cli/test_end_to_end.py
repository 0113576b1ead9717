"""The main job as a user runs it: in processes of their own that share one cache."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

RUN = [sys.executable, "-m", "nodegraph", "run", "canny-portraits", "--json"]
QUICK = frozenset({"photo", "sized", "edges", "base", "net"})
"""What takes a few milliseconds and no weights: it is made again rather than kept on disk."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a cache in which the main job has been run once."""
    folder = tmp_path_factory.mktemp("home")
    run(folder)
    return folder


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "NODEGRAPH_CACHE": str(folder / "cache")}


def run(folder: Path, *more: str) -> list[dict[str, object]]:
    """Run the main job in ``folder``; return its events."""
    done = subprocess.run(
        [*RUN, *more],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def computed(events: Sequence[dict[str, object]]) -> list[tuple[object, object]]:
    """Name and items of everything that was not cached."""
    return [(e["name"], e["items"]) for e in events if e["event"] == "finished" and not e["cached"]]


def grid(folder: Path) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    """The four pictures of the sheet, without their frames."""
    sheet = np.asarray(Image.open(folder / "output" / "canny-portraits-grid.png").convert("RGB"))
    return [sheet[y : y + 128, x : x + 128] for y in (8, 144) for x in (8, 144)]


def test_each_picture_has_the_background_of_its_own_prompt(home: Path) -> None:
    corners = [np.median(picture[:24, :24].reshape(-1, 3), axis=0) for picture in grid(home)]

    palette = {"yellow": (246, 216, 48), "white": (245, 245, 245), "cyan": (70, 205, 220)}
    palette |= {"red": (214, 38, 38), "green": (38, 150, 60), "blue": (40, 76, 210)}
    nearest = [
        min(palette, key=lambda name: float(np.abs(corner - palette[name]).sum()))
        for corner in corners
    ]
    assert nearest == ["yellow", "white", "cyan", "red"]


def test_every_picture_follows_the_edges_of_the_one_that_was_given(home: Path) -> None:
    import cv2

    control = np.asarray(Image.open(home / "output" / "canny-portraits-edges.png").convert("L"))
    around = np.ones((9, 9), np.uint8)
    shares = []
    for picture in grid(home):
        drawn = cv2.Canny(picture, 60, 120)
        near = cv2.dilate(drawn, around)
        shares.append(float((near > 0)[control > 0].mean()))

    assert min(shares) > 0.7, shares


def test_a_second_process_computes_nothing_that_takes_time_and_loads_no_torch(home: Path) -> None:
    events = run(home)
    code = "import runpy, sys; sys.argv[0] = 'nodegraph'\n"
    code += "try: runpy.run_module('nodegraph', run_name='__main__')\n"
    code += "except SystemExit: print('torch' in sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, *RUN[3:]],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        check=True,
    )

    assert {name for name, _ in computed(events)} <= QUICK
    assert done.stderr.strip().splitlines()[-1] == "False"


def test_another_seed_in_a_second_process_never_loads_the_text_encoder(home: Path) -> None:
    code = """
import runpy, sys
from nodes.weights.reference import Weights
load = Weights.load
def noted(weights, *where):
    print("loads", weights.part, file=sys.stderr)
    return load(weights, *where)
Weights.load = noted
sys.argv[0] = "nodegraph"
runpy.run_module("nodegraph", run_name="__main__")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *RUN[3:], "--set", "seed=7"],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        check=True,
    )

    events = [json.loads(line) for line in done.stdout.splitlines()]
    loads = sorted(line.split()[1] for line in done.stderr.splitlines() if line[:5] == "loads")
    made = {name for name, _ in computed(events)} - QUICK
    assert made == {"sample/denoise", "sample/decode", "sheet"}
    assert loads == ["controlnet", "unet", "vae"]


def test_one_changed_prompt_computes_one_picture(home: Path) -> None:
    prompts = [
        "a man wearing a red shirt and blue trousers on a yellow background",
        "a man wearing a green shirt and black trousers on a white background",
        "a man wearing a purple shirt and orange trousers on a cyan background",
        "a man wearing a white shirt and black trousers on a green background",
    ]

    events = run(home, *[part for prompt in prompts for part in ("--set", f"prompt={prompt}")])

    assert [done for done in computed(events) if done[0] not in QUICK] == [
        ("sample/prompt", [3]),
        ("sample/denoise", [3]),
        ("sample/decode", [3]),
        ("sheet", []),
    ]


def test_a_killed_process_leaves_a_sound_cache(home: Path, tmp_path: Path) -> None:
    for seconds in (2.0, 5.0, 8.0):
        process = subprocess.Popen(
            RUN, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.DEVNULL
        )
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()

    run(tmp_path)

    ours, theirs = grid(tmp_path), grid(home)
    assert all(np.abs(a.astype(int) - b).max() <= 1 for a, b in zip(ours, theirs, strict=True))
    assert list((tmp_path / "output").glob(".*")) == []
