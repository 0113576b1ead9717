"""Soft edges, scribbles and straight lines: what is drawn, and by which weights."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from nodegraph.errors import UserError
from nodegraph.node import Folders
from nodes.detectors import controlnet_aux as _controlnet_aux
from nodes.detectors import lines as _lines
from nodes.detectors.files import Net, reference
from nodes.detectors.sizes import resized, size_at, to_size
from nodes.images import LoadImage
from nodes.preprocessors import Canny, Scribble, SoftEdge, StraightLines
from nodes.types import Image

from ..support.pictures import INPUTS, Hand, flat

PICKLES = Hand(allow=frozenset({"pickle"}))
Grey = npt.NDArray[np.uint8]


def photograph(name: str) -> Image:
    return LoadImage(path=Path(name)).run(Hand(folders=Folders((INPUTS,)))).image


def grey(image: Image) -> Grey:
    assert (image.pixels == image.pixels[:, :, :1]).all()
    return image.pixels[:, :, 0]


def rooms(turn: float = 0.0, size: int = 512) -> tuple[Image, list[tuple[float, float]]]:
    """A drawn wall with a door, turned by some degrees, and the corners of the door."""
    import cv2

    corners = np.array([(0.3, 0.25), (0.6, 0.25), (0.6, 0.85), (0.3, 0.85)]) * size
    angle = np.radians(turn)
    spin = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = (corners - size / 2) @ spin + size / 2
    pixels = np.full((size, size, 3), (205, 200, 190), np.uint8)
    cv2.fillPoly(pixels, [corners.round().astype(np.int32)], (90, 60, 40), cv2.LINE_AA)
    return Image(pixels), [(float(x), float(y)) for x, y in corners]


def along(start: tuple[float, float], stop: tuple[float, float]) -> npt.NDArray[np.int64]:
    """Pixels (x, y) on the middle four fifths of a line."""
    share = np.linspace(0.1, 0.9, 60)[:, None]
    return np.rint(np.array(start) * (1 - share) + np.array(stop) * share).astype(np.int64)


def near(drawn: Grey, reach: int) -> Grey:
    """The brightest value within ``reach`` pixels."""
    import cv2

    return np.asarray(cv2.dilate(drawn, np.ones((2 * reach + 1,) * 2, np.uint8)), np.uint8)


# Soft edges. The places were read off the photographs, enlarged, by eye.


@pytest.mark.slow
def test_soft_edges_are_bright_on_a_head_and_a_helmet_and_dark_where_nothing_is() -> None:
    edges = grey(SoftEdge(image=photograph("astronaut.jpg")).run(Hand()).image)

    outlines = near(edges, 4)
    hair, helmet = [(205, 22), (305, 80), (153, 76)], [(360, 350), (300, 400)]
    assert [place for place in (*hair, *helmet) if outlines[place[::-1]] < 200] == []
    assert edges[40:120, 330:360].mean() < 5  # the ground beside the head
    assert edges[400:430, 330:350].mean() < 5  # the dark visor


@pytest.mark.slow
def test_soft_edges_are_softer_than_canny_but_lie_where_its_strong_edges_do() -> None:
    astronaut = photograph("astronaut.jpg")

    edges = grey(SoftEdge(image=astronaut).run(Hand()).image)

    strong = grey(Canny(image=astronaut, low_threshold=200, high_threshold=255).run().image) > 0
    assert edges[strong].mean() > 3 * edges[~strong].mean()
    assert len(np.unique(edges)) > 200


@pytest.mark.parametrize("turn", [0, 20])
def test_soft_edges_follow_every_side_of_a_drawn_door(turn: float) -> None:
    door, corners = rooms(turn, 256)

    edges = grey(SoftEdge(image=door, detect_resolution=256).run(Hand()).image)

    for start, stop in zip(corners, [*corners[1:], corners[0]], strict=True):
        x, y = along(start, stop).T
        assert near(edges, 2)[y, x].min() > 150
    assert edges[120:140, 120:140].max() < 60  # the middle of the door


def test_safe_edges_have_three_levels() -> None:
    door, _ = rooms(10, 128)

    edges = grey(SoftEdge(image=door, safe=True, detect_resolution=128).run(Hand()).image)

    assert set(np.unique(edges).tolist()) <= {0, 127, 255}


# Scribbles


@pytest.mark.slow
def test_a_scribble_is_a_few_thick_closed_strokes_in_black_and_white() -> None:
    import cv2

    strokes = grey(Scribble(image=photograph("astronaut.jpg")).run(Hand()).image)

    assert {0, 255} == set(np.unique(strokes).tolist())
    assert 0.05 < (strokes > 0).mean() < 0.4
    width = 2 * np.median(cv2.distanceTransform(strokes, cv2.DIST_L2, 5)[near_ridge(strokes)])
    assert 6 <= width <= 24
    # The face is closed in: its middle is not joined with the ground behind the head.
    _, regions = cv2.connectedComponents(255 - strokes)
    assert regions[130, 222] not in (0, regions[60, 345])


def near_ridge(strokes: Grey) -> npt.NDArray[np.bool_]:
    import cv2

    deep = cv2.distanceTransform(strokes, cv2.DIST_L2, 5)
    return np.asarray((deep == cv2.dilate(deep, np.ones((5, 5)))) & (strokes > 0))


@pytest.mark.parametrize("size", [100, 300])
def test_a_scribble_of_any_size_is_black_and_white_and_closed(size: int) -> None:
    import cv2

    door, _ = rooms(7, size)

    strokes = grey(Scribble(image=door, detect_resolution=256).run(Hand()).image)

    assert strokes.shape == (size, size)
    assert {0, 255} == set(np.unique(strokes).tolist())
    _, regions = cv2.connectedComponents(255 - strokes)
    assert regions[size // 2, size * 45 // 100] not in (0, regions[2, 2])


# Straight lines


@pytest.mark.parametrize("turn", [0, 12])
def test_straight_lines_lie_on_the_sides_of_a_drawn_door_and_nowhere_else(turn: float) -> None:
    door, corners = rooms(turn, 256)

    found = StraightLines(image=door, detect_resolution=256).run(Hand())

    lines = grey(found.image)
    assert found.lines >= 4
    sides = np.zeros_like(lines)
    for start, stop in zip(corners, [*corners[1:], corners[0]], strict=True):
        x, y = along(start, stop).T
        assert (near(lines, 3)[y, x] == 255).mean() > 0.9
        sides[y, x] = 255
    assert (near(sides, 10)[lines > 0] == 255).mean() > 0.95


def test_straight_lines_of_a_park_are_its_hut_and_not_its_trees() -> None:
    lines = grey(StraightLines(image=photograph("park.jpg")).run(Hand()).image)

    lit = near(lines, 4) == 255
    roof, door, sill = ((0, 236), (425, 249)), ((370, 285), (365, 470)), ((79, 433), (363, 433))
    for start, stop in (roof, door, sill):
        x, y = along(start, stop).T
        assert lit[y, x].mean() > 0.9
    assert not lines[20:370, 550:650].any()  # the trees between the people


def test_a_line_is_drawn_white_and_as_thick_as_the_size_asks_for() -> None:
    line = np.array([[10.0, 8.0, 10.0, 56.0]])

    for scale, columns in ((0.5, [5]), (1, [10]), (2, [19, 20, 21])):
        size = int(64 * scale), int(64 * scale)
        drawn = _lines.draw(line, (64, 64), size)
        assert {0, 255} == set(np.unique(drawn).tolist())
        assert np.flatnonzero(drawn[int(32 * scale)]).tolist() == columns


def test_a_surer_and_a_longer_line_are_asked_for_by_thresholds() -> None:
    base = {"image": photograph("park.jpg"), "detect_resolution": 256}
    options: list[dict[str, float]] = [{}, {"score_threshold": 0.4}, {"distance_threshold": 30}]

    every, sure, long = (
        StraightLines.model_validate({**base, **one}).run(Hand()).lines for one in options
    )

    assert (0 < sure < every, 0 < long < every) == (True, True)


def test_a_picture_without_lines_has_none_and_is_black() -> None:
    found = StraightLines(image=flat((90, 120, 60), 128, 96), score_threshold=0.5).run(Hand())

    assert (found.lines, int(found.image.pixels.max())) == (0, 0)


def test_a_failing_network_is_an_error_and_no_black_picture() -> None:
    import torch

    class Broken(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, planes: Any) -> None:
            raise ArithmeticError(tuple(planes.shape))

    with pytest.raises(ArithmeticError):
        _lines.straight_lines(Broken(), flat((0, 0, 0), 64, 64).pixels, 0.1, 0.1)


# All of them


@pytest.mark.parametrize("node", [SoftEdge, Scribble, StraightLines])
def test_a_control_image_has_the_size_of_its_picture_and_leaves_it_as_it_is(node: Any) -> None:
    image = flat((200, 30, 30), 150, 101)
    before = image.pixels.copy()

    drawn = node(image=image, detect_resolution=64).run(Hand()).image

    kinds = {SoftEdge: "hed", Scribble: "scribble", StraightLines: "mlsd"}
    assert (drawn.size, drawn.conditioning) == ((150, 101), kinds[node])
    assert node.facts({}, {}) == {"image": {"conditioning": kinds[node]}}
    assert np.array_equal(image.pixels, before)


@pytest.mark.parametrize("node", [Canny, SoftEdge, Scribble, StraightLines])
def test_an_image_resolution_gives_multiples_of_64(node: Any) -> None:
    image = flat((200, 30, 30), 150, 101)
    options = {"image": image, "detect_resolution": 64, "image_resolution": 128}

    run = node.model_validate(options).run
    drawn = run() if node is Canny else run(Hand())

    assert drawn.image.size == (128, 128)


def test_canny_in_another_resolution_sees_what_opencv_sees_there() -> None:
    import cv2

    astronaut = photograph("astronaut.jpg")

    drawn = grey(Canny(image=astronaut, detect_resolution=256, image_resolution=256).run().image)

    np.testing.assert_array_equal(drawn, cv2.Canny(resized(astronaut.pixels, 256), 100, 200))


@pytest.mark.parametrize(
    ("size", "resolution", "expected"),
    [
        ((960, 540), 512, (896, 512)),
        ((512, 512), 512, (512, 512)),
        ((100, 150), 64, (64, 128)),
        ((2000, 2), 2048, (64_000, 64)),
    ],
)
def test_what_is_looked_at_has_sides_that_are_multiples_of_64(
    size: tuple[int, int], resolution: int, expected: tuple[int, int]
) -> None:
    assert size_at(size, resolution) == expected


def test_a_picture_is_brought_to_size_as_controlnet_aux_does_it() -> None:
    pixels = photograph("park.jpg").pixels

    for resolution in (256, 640):
        theirs = _controlnet_aux.part("util").resize_image(pixels, resolution)
        np.testing.assert_array_equal(resized(pixels, resolution), theirs)


def test_a_drawing_that_has_its_size_is_not_touched() -> None:
    drawn = photograph("astronaut.jpg").pixels

    assert to_size(drawn, (512, 512)) is drawn


@pytest.mark.slow
def test_they_draw_what_controlnet_aux_draws_with_the_same_weights() -> None:
    image = photograph("astronaut.jpg")
    hed = _controlnet_aux.part("hed").HEDdetector(built_in("hed").load("cpu", ""))
    mlsd = _controlnet_aux.part("mlsd").MLSDdetector(built_in("mlsd").load("cpu", ""))

    for node, detector, options in (
        (SoftEdge(image=image), hed, {}),
        (SoftEdge(image=image, safe=True), hed, {"safe": True}),
        (Scribble(image=image), hed, {"scribble": True}),
        (StraightLines(image=image), mlsd, {}),
    ):
        theirs = detector(image.pixels, output_type="np", **options)
        np.testing.assert_array_equal(node.run(Hand()).image.pixels, theirs.reshape(512, 512, -1))


def built_in(kind: str) -> Net:
    return _lines.hed("hed", Hand()) if kind == "hed" else _lines.mlsd("mlsd", Hand())


# Weights


def random_weights(kind: str, seed: int = 0) -> dict[str, Any]:
    import torch

    torch.manual_seed(seed)
    net: Any = (
        _controlnet_aux.part("hed").ControlNetHED_Apache2()
        if kind == "hed"
        else _controlnet_aux.part("mlsd").MobileV2_MLSD_Large()
    )
    return dict(net.state_dict())


FILES = {"hed": "ControlNetHED", "mlsd": "mlsd_large_512_fp32"}
NODES: dict[str, Callable[..., Any]] = {"hed": SoftEdge, "mlsd": StraightLines}


@pytest.mark.parametrize("kind", ["hed", "mlsd"])
def test_a_folder_with_safetensors_is_loaded_with_exactly_its_weights(
    kind: str, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import save_file

    state = random_weights(kind)
    save_file(state, tmp_path / f"{FILES[kind]}.safetensors")

    file = _lines.HED if kind == "hed" else _lines.MLSD
    loaded = reference("hed" if kind == "hed" else "mlsd", str(tmp_path), file, Hand())

    held = loaded.load("cpu", "float16").state_dict()
    assert list(held) == list(state)
    for name, value in state.items():
        if value.is_floating_point():
            torch.testing.assert_close(held[name], value)
    image = flat((10, 200, 90), 64, 64)
    options = {"image": image, "detect_resolution": 64}
    mine = NODES[kind](**options, model=str(tmp_path))
    assert mine.stamp(Hand()) != NODES[kind](**options).stamp(Hand())
    assert mine.run(Hand()).image.size == (64, 64)


@pytest.mark.parametrize("kind", ["hed", "mlsd"])
def test_a_pickle_in_a_folder_is_refused_and_converted_once_where_it_is_allowed(
    kind: str, tmp_path: Path, cache_folder: Path
) -> None:
    import torch

    place = tmp_path if kind == "hed" else tmp_path / "annotator" / "ckpts"
    place.mkdir(parents=True, exist_ok=True)
    torch.save(random_weights(kind), place / f"{FILES[kind]}.pth")
    node = NODES[kind](image=flat((0, 90, 0), 64, 64), model=str(tmp_path), detect_resolution=64)

    with pytest.raises(UserError, match=f"as a pickle .{FILES[kind]}.pth.*use '{kind}', or allow"):
        node.run(Hand())
    node.run(PICKLES)

    assert len(list((cache_folder / "converted").glob("*.safetensors"))) == 1


def test_a_file_with_another_networks_weights_is_one_sentence(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(random_weights("mlsd"), tmp_path / "ControlNetHED.safetensors")

    with pytest.raises(UserError, match="holds another network's weights: Missing key"):
        SoftEdge(image=flat((0, 0, 0)), model=str(tmp_path)).run(Hand())


def test_hed_is_asked_for_where_it_is_and_not_where_old_examples_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import huggingface_hub

    asked: list[tuple[str, str]] = []

    def offline(model: str, name: str, **_: object) -> None:
        asked.append((model, name))
        raise ConnectionError

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", offline)

    for node in (SoftEdge, StraightLines):
        with pytest.raises(UserError, match=r"--local-dir FOLDER.*needs no network"):
            node(image=flat((0, 0, 0)), model="lllyasviel/ControlNet").stamp(PICKLES)

    assert sorted(set(asked)) == [
        ("lllyasviel/Annotators", "ControlNetHED.pth"),
        ("lllyasviel/ControlNet", "annotator/ckpts/mlsd_large_512_fp32.pth"),
    ]


def test_importing_the_nodes_says_nothing_and_loads_nothing_heavy() -> None:
    heavy = ["torch", "cv2", "PIL", "controlnet_aux", "transformers", "diffusers", "matplotlib"]
    code = f"import sys, nodes; print([m for m in {heavy} if m in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        cwd=INPUTS.parents[1],
        check=True,
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_importing_a_part_of_controlnet_aux_warns_of_nothing() -> None:
    code = (
        "from nodes.detectors import controlnet_aux as c;"
        " [c.part(n) for n in ('hed', 'mlsd', 'open_pose')]"
    )

    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code],
        capture_output=True,
        text=True,
        cwd=INPUTS.parents[1],
        check=True,
    )

    assert "controlnet_aux" not in done.stderr
    assert "scipy" not in done.stderr
