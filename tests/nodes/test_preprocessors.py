"""Preprocessors: edges and poses, on drawn pictures and on photographs."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from nodegraph.errors import UserError
from nodegraph.node import Folders
from nodes.detectors.draw_pose import MoveNetBody
from nodes.detectors.movenet import Person, merge, people
from nodes.detectors.sizes import resized
from nodes.images import LoadImage
from nodes.preprocessors import Canny, OpenPose
from nodes.types import Image

from ..support.pictures import INPUTS, Hand, flat, gradient

NAMES = (
    *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist"),
    *("left_shoulder", "left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle"),
    *("left_hip", "left_knee", "left_ankle", "right_eye", "left_eye", "right_ear", "left_ear"),
)


def photograph(name: str) -> Image:
    return LoadImage(path=Path(name)).run(Hand(folders=Folders((INPUTS,)))).image


def joints_in(image: Image) -> list[dict[str, tuple[float, float]]]:
    """Every person's joints by name, in pixels of the picture, left to right."""
    seen = resized(image.pixels, 512)
    scale = image.size[0] / seen.shape[1], image.size[1] / seen.shape[0]
    found = [
        {
            name: (joint[0] * scale[0], joint[1] * scale[1])
            for name, joint in zip(NAMES, one.openpose(), strict=True)
            if joint
        }
        for one in people(seen, MoveNetBody(512).sizes)
    ]
    return sorted(found, key=lambda one: one["nose"][0])


# Canny


def test_canny_gives_what_opencv_gives_on_the_same_pixels() -> None:
    import cv2

    image = photograph("astronaut.jpg")

    drawn = Canny(image=image, low_threshold=60, high_threshold=150).run().image

    np.testing.assert_array_equal(drawn.pixels[:, :, 1], cv2.Canny(image.pixels, 60, 150))
    assert ("canny", image.size) == (drawn.conditioning, drawn.size)
    assert {0, 255} == set(np.unique(drawn.pixels).tolist())


@pytest.mark.slow
def test_canny_gives_what_controlnet_aux_gives() -> None:
    from controlnet_aux import CannyDetector

    image = photograph("astronaut.jpg")

    theirs = CannyDetector()(image.pixels, 100, 200, detect_resolution=512, image_resolution=512)

    np.testing.assert_array_equal(Canny(image=image).run().image.pixels, theirs)


# OpenPose on MoveNet. The places were read off the photographs, enlarged, by eye.


def test_the_face_and_shoulders_of_a_portrait_are_found_within_a_few_pixels() -> None:
    (astronaut,) = joints_in(photograph("astronaut.jpg"))

    for name, place, within in (
        ("nose", (223, 125), 6),
        ("right_eye", (202, 101), 4),
        ("left_eye", (246, 103), 4),
        ("right_ear", (177, 118), 12),
        ("left_ear", (274, 124), 12),
        ("right_shoulder", (100, 250), 25),
        ("left_shoulder", (312, 260), 25),
    ):
        assert math.dist(astronaut[name], place) <= within, (name, astronaut[name])


def test_two_whole_people_in_a_park_are_found_within_a_few_pixels() -> None:
    man, woman = joints_in(photograph("park.jpg"))

    for person, name, place, within in (
        (man, "nose", (341, 40), 5),
        (man, "right_shoulder", (320, 62), 7),
        (man, "left_shoulder", (365, 62), 7),
        (man, "right_wrist", (262, 94), 9),
        (man, "left_wrist", (423, 87), 9),
        (man, "right_knee", (328, 173), 7),
        (man, "left_knee", (359, 174), 7),
        (man, "right_ankle", (324, 222), 7),
        (man, "left_ankle", (359, 223), 7),
        (woman, "nose", (700, 305), 5),
        (woman, "left_elbow", (732, 366), 8),
        (woman, "left_wrist", (731, 400), 8),
        (woman, "right_ankle", (708, 492), 8),
        (woman, "left_ankle", (738, 474), 10),
    ):
        assert math.dist(person[name], place) <= within, (name, person[name])


@pytest.mark.parametrize("name", ["pose-1", "pose-2", "pose-3", "pose-4", "portrait"])
def test_drawn_people_are_found_with_every_limb(name: str) -> None:
    (person,) = joints_in(photograph(f"{name}.png"))

    assert set(NAMES) == set(person)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_the_pose_found_in_a_drawn_person_lies_on_the_skeleton_it_was_drawn_from(
    number: int,
) -> None:
    found = OpenPose(image=photograph(f"pose-{number}.png")).run(Hand()).image
    drawn_from = photograph(f"skeleton-{number}.png")

    import cv2

    near = cv2.dilate(lit(drawn_from).astype(np.uint8), np.ones((41, 41), np.uint8)) > 0
    assert near[lit(found)].mean() > 0.9


def lit(image: Image) -> npt.NDArray[np.bool_]:
    return np.asarray(image.pixels.max(axis=2) > 60)


def test_the_pose_has_the_size_of_its_picture_and_says_what_it_is() -> None:
    park = photograph("park.jpg")

    pose = OpenPose(image=park).run(Hand())

    assert (2, park.size, "openpose") == (pose.people, pose.image.size, pose.image.conditioning)
    assert [255, 0, 0] in pose.image.pixels.reshape(-1, 3).tolist()  # a nose, in OpenPose's colour


def test_an_image_resolution_gives_the_size_controlnet_aux_gives() -> None:
    pose = OpenPose(image=photograph("park.jpg"), image_resolution=256).run(Hand())

    assert pose.image.size == (448, 256)


def test_nobody_is_a_black_picture() -> None:
    pose = OpenPose(image=gradient(), detect_resolution=128).run(Hand())

    assert (pose.people, int(pose.image.pixels.max())) == (0, 0)


def test_a_person_seen_at_two_sizes_counts_once_and_keeps_the_surer_joints() -> None:
    spread = np.stack([np.arange(17.0), np.arange(17.0) * 3, np.full(17, 0.9)], axis=1)
    sure, other = spread.astype(np.float32), spread.astype(np.float32)
    sure[3, 2] = 0.1
    other[:, :2] += 1

    (person,) = merge([Person(0.4, other), Person(0.8, sure)])

    assert (person.score, person.joints[3, 0], person.joints[4, 0]) == (0.8, 4.0, 4.0)


def test_movenet_says_that_it_finds_no_hands_and_faces() -> None:
    with pytest.raises(UserError) as caught:
        OpenPose(image=gradient(), include_hand=True).run(Hand())

    assert str(caught.value) == (
        "model: movenet finds bodies alone; for hands and faces give a folder or hub repository"
        " with OpenPose's weights"
    )


def test_fingers_can_be_drawn_though_controlnet_aux_does_not_ask_for_matplotlib() -> None:
    from nodes.detectors import controlnet_aux as _controlnet_aux
    from nodes.detectors import draw_pose as _poses

    made = _controlnet_aux.open_pose()
    # A wrist, and five fingers of four joints each, beside each other.
    places = [(0.5, 0.9), *((0.1 + 0.2 * f, 0.7 - 0.15 * j) for f in range(5) for j in range(4))]
    hand = [made.Keypoint(x, y) for x, y in places]
    person = made.PoseResult(made.BodyResult([None] * 18, 0.0, 0), hand, None, None)

    drawn = _poses.draw([person], (256, 256), body=False, hand=True, face=False)

    colours = {tuple(colour) for colour in drawn.reshape(-1, 3).tolist()}
    assert len(colours) == 22  # black, joints in blue, and twenty bones in colours of their own
    assert [drawn[round(y * 256), round(x * 256)].tolist() for x, y in places] == [[0, 0, 255]] * 21


def test_poses_need_none_of_controlnet_aux_but_its_openpose() -> None:
    # In a process of its own: here, other tests may have asked for more.
    code = (
        "import sys; from nodes.preprocessors import OpenPose;"
        " from tests.support.pictures import Hand, flat;"
        " OpenPose(image=flat((0, 0, 0)), detect_resolution=64).run(Hand());"
        " print([name for name in sys.modules if 'midas' in name])"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout == "[]\n"


# OpenPose on its own weights


class Trap:
    """What a malicious pickle looks like."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("sprung",)


PICKLES = Hand(allow=frozenset({"pickle"}))


def test_a_pickle_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "body_pose_model.pth").write_bytes(b"")

    with pytest.raises(UserError) as caught:
        OpenPose(image=gradient(), model=str(tmp_path)).run(Hand())

    assert str(caught.value) == (
        f"model: {str(tmp_path)!r} holds OpenPose's weights as a pickle (body_pose_model.pth),"
        " which can run code when it is read; use 'movenet', or allow it with --allow-pickle if you"
        " trust where it is from"
    )


def test_the_hub_is_not_asked_for_a_pickle_that_is_not_allowed() -> None:
    with pytest.raises(UserError, match="or allow it with --allow-pickle"):
        OpenPose(image=gradient(), model="lllyasviel/ControlNet").run(Hand())


def test_a_pickle_that_runs_a_program_is_not_opened_even_when_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NODEGRAPH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "body_pose_model.pth").write_bytes(pickle.dumps(Trap()))

    with pytest.raises(UserError) as caught:
        OpenPose(image=gradient(), model=str(tmp_path)).run(PICKLES)

    assert not (tmp_path / "sprung").exists()
    assert str(caught.value) == (
        f"model: {str(tmp_path / 'body_pose_model.pth')!r} holds more than weights; it is not read"
    )


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("{}", "model: no body_pose_model.safetensors or body_pose_model.pth in '{}'"),
        (
            "./elsewhere",
            "model: no folder './elsewhere' with OpenPose's weights; 'movenet' works without any",
        ),
        (
            "movenett",
            "model: no folder 'movenett' with OpenPose's weights; 'movenet' works without any",
        ),
    ],
)
def test_weights_that_are_nowhere_are_named(tmp_path: Path, model: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        OpenPose(image=gradient(), model=model.format(tmp_path)).run(PICKLES)

    assert message.format(tmp_path) == str(caught.value)


def test_a_hub_that_cannot_be_reached_is_one_sentence_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import huggingface_hub

    def offline(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", offline)

    with pytest.raises(UserError) as caught:
        OpenPose(image=gradient(), model="lllyasviel/ControlNet").stamp(PICKLES)

    assert str(caught.value) == (
        "model: cannot get annotator/ckpts/body_pose_model.pth of 'lllyasviel/ControlNet' from the"
        " Hugging Face hub (ConnectionError); fetch it where you can (hf download"
        " lllyasviel/ControlNet annotator/ckpts/body_pose_model.pth --local-dir FOLDER) and give"
        " that folder, or use 'movenet', which needs no network"
    )


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OpenPose's three networks with random weights, as the files controlnet_aux reads."""
    import torch

    from nodes.detectors import controlnet_aux as _controlnet_aux

    folder = tmp_path_factory.mktemp("openpose")
    parts = _controlnet_aux.open_pose()
    torch.manual_seed(0)
    for name, net in (
        ("body_pose_model", parts.body.bodypose_model()),
        ("hand_pose_model", parts.hand.handpose_model()),
        ("facenet", parts.face.FaceNet()),
    ):
        state = net.state_dict()
        if name != "facenet":
            state = {key.partition(".")[2]: value for key, value in state.items()}
        torch.save(state, folder / f"{name}.pth")
    return folder


@pytest.mark.slow
def test_openposes_own_networks_give_what_controlnet_aux_gives(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nodes.detectors import controlnet_aux as _controlnet_aux

    monkeypatch.setenv("NODEGRAPH_CACHE", str(tmp_path))
    image = photograph("portrait.png")
    theirs = _controlnet_aux.open_pose().OpenposeDetector.from_pretrained(str(weights))
    expected = theirs(
        image.pixels, 256, 256, include_hand=True, include_face=True, output_type="np"
    )

    node = OpenPose(
        image=image,
        model=str(weights),
        include_hand=True,
        include_face=True,
        detect_resolution=256,
        image_resolution=256,
    )

    np.testing.assert_array_equal(node.run(PICKLES).image.pixels, expected)
    assert len(list((tmp_path / "converted").glob("*.safetensors"))) == 3


def test_a_ribbon_of_a_picture_is_looked_at_in_bounds() -> None:
    assert resized(flat((0, 0, 0), 2000, 2).pixels, 2048).shape[1] <= 64 * 1000
