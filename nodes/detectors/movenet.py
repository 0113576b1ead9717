"""People and their joints, found by MoveNet MultiPose: small, embedded and offline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..builtin.paths import FOLDER as BUILTIN
from ..checkpoints.hashes import sha256

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

_NETWORK = BUILTIN / "openpose/movenet.onnx"
STRIDE = 32  # the network halves the picture five times
LEAST_PERSON, LEAST_JOINT, LEAST_JOINTS = 0.2, 0.2, 4

# MoveNet's 17 joints (COCO's order) in OpenPose's order of 18, whose neck is the middle of the
# shoulders.
SHOULDERS = (5, 6)
TO_OPENPOSE = (0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)


@dataclass(frozen=True, slots=True)
class Person:
    """One person: how sure the network is, and 17 joints as (x, y, score), x and y in pixels."""

    score: float
    joints: Floats

    @property
    def visible(self) -> npt.NDArray[np.bool_]:
        return self.joints[:, 2] > LEAST_JOINT

    def size(self) -> float:
        """The longer side of the box around the visible joints."""
        places = self.joints[self.visible, :2]
        return float(np.ptp(places, axis=0).max()) if len(places) else 0.0

    def openpose(self) -> list[tuple[float, float, float] | None]:
        """The 18 joints of OpenPose as (x, y, score), None where not visible."""
        neck = self.joints[SHOULDERS, :].mean(axis=0)
        neck[2] = self.joints[SHOULDERS, 2].min()
        joints = (neck if i is None else self.joints[i] for i in TO_OPENPOSE)
        return [(float(x), float(y), float(s)) if s > LEAST_JOINT else None for x, y, s in joints]


def digest() -> str:
    """The network's content: it always computes on the processor."""
    return sha256(_NETWORK)


@cache
def session() -> InferenceSession:
    """Load the network once; ONNX Runtime lets several threads use it together."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.log_severity_level = 3
    return InferenceSession(_NETWORK.read_bytes(), options, providers=["CPUExecutionProvider"])


def people(picture: Pixels, sizes: Iterable[int]) -> list[Person]:
    """Find up to six people a size, looking at the picture at several sizes, surest first.

    Args:
        picture: (H, W, 3) RGB in [0, 255].
        sizes: Longer sides, in pixels, to look at it in: small ones show big people best.
    """
    return merge(person for size in sizes for person in look(picture, size))


def look(picture: Pixels, size: int) -> Iterator[Person]:
    """Run the network once, at ``size`` pixels on the longer side; yield who is there."""
    import cv2

    height, width = picture.shape[:2]
    scale = size / max(height, width)
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(
        picture, shape, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    right, below = -small.shape[1] % STRIDE, -small.shape[0] % STRIDE
    padded = np.pad(small, ((0, below), (0, right), (0, 0))).astype(np.int32)
    # [1, 6 people, 17 joints x (y, x, score), box and score]
    (rows,) = session().run(None, {"picture": padded[None]})
    tall, wide = padded.shape[0] * height / small.shape[0], padded.shape[1] * width / small.shape[1]
    for row in np.asarray(rows, np.float32)[0]:
        joints = row[:51].reshape(17, 3)[:, [1, 0, 2]] * np.array([wide, tall, 1], np.float32)
        person = Person(float(row[55]), joints)
        if person.score > LEAST_PERSON and person.visible.sum() >= LEAST_JOINTS:
            yield person


def merge(looks: Iterable[Person]) -> list[Person]:
    """Keep each person once, surest first; joints it lacks are taken from the other looks."""
    distinct: list[Person] = []
    for person in sorted(looks, key=lambda person: -person.score):
        same = next((i for i, surer in enumerate(distinct) if is_same(person, surer)), None)
        if same is None:
            distinct.append(person)
        else:
            best = distinct[same]
            joints = np.where(best.visible[:, None], best.joints, person.joints)
            distinct[same] = Person(best.score, joints)
    return distinct


def is_same(left: Person, right: Person) -> bool:
    """Whether the joints both have lie within a quarter of the larger one's size (median)."""
    both = left.visible & right.visible
    if not both.any():
        return False
    apart = np.hypot(*(left.joints - right.joints)[both, :2].T)
    return float(np.median(apart)) < max(left.size(), right.size()) / 4
