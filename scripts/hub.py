"""Arguments that run the shipped workflows with models of the hub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

Value: TypeAlias = str | float | tuple[str, ...]
Settings: TypeAlias = Mapping[str, Value]

BASE = "stable-diffusion-v1-5/stable-diffusion-v1-5"
BAD = "monochrome, lowres, bad anatomy, worst quality, low quality"
FACE, PARK = "astronaut.jpg", "park.jpg"


def _with(conditioning: str, **more: Value) -> Settings:
    """Stable Diffusion 1.5 under its ControlNet of this kind."""
    controlnet = f"lllyasviel/sd-controlnet-{conditioning}"
    return {"model": BASE, "controlnet": controlnet, "size": 512, "guidance_scale": 7.5, **more}


def _good(*subjects: str) -> tuple[str, ...]:
    return tuple(f"{subject}, best quality, extremely detailed" for subject in subjects)


SUBJECTS = _good("a portrait of a sailor", "a portrait of a queen")
DIVER = _good("a portrait of a diver")
HUB: Mapping[str, Settings] = {
    "canny-portraits": _with("canny", picture=FACE, prompt=SUBJECTS, negative_prompt=BAD),
    "canny-to-image": _with("canny", picture=FACE, prompt=DIVER, negative_prompt=BAD),
    "control-to-image": _with("openpose", control="skeleton-1.png", prompt=_good("a dancer")),
    "depth-to-room": _with(
        "depth",
        detector="Intel/dpt-large",
        picture="room.jpg",
        prompt=_good("a Scandinavian living room", "an Art Deco living room"),
    ),
    "fine-tuned-base": _with(
        "canny",
        model="sd-dreambooth-library/mr-potato-head",
        picture=FACE,
        prompt=_good("a photo of sks mr potato head"),
        negative_prompt=BAD,
        strength=1,
    ),
    "hires-picture": _with("canny", picture=FACE, prompt=DIVER),
    "image-to-image-sheet": {
        "model": BASE,
        "size": 512,
        "guidance_scale": 7.5,
        "picture": PARK,
        "prompt": "an oil painting of people in a park",
    },
    "ink-style": {
        "model": BASE,
        "guidance_scale": 7.5,
        "lora": "ink.safetensors",
        "prompt": "an ink drawing of a heron",
    },
    "inpaint-part": {
        "model": "stable-diffusion-v1-5/stable-diffusion-inpainting",
        "size": 512,
        "guidance_scale": 7.5,
        "picture": FACE,
        "prompt": "a woman in a green jumper",
    },
    "lines-to-building": _with("mlsd", picture=PARK, prompt="a village in the snow"),
    "logo-to-scene": _with("canny", prompt=_good("a house in a snowy wood", "a toy shop")),
    "normal-to-image": _with(
        "normal", detector="Intel/dpt-large", picture=FACE, prompt="a marble statue of a woman"
    ),
    "photo-from-cartoon": _with("canny", picture="cartoon.png", prompt="a photo of a dancer"),
    "pose-to-image": _with("openpose", picture=FACE, prompt=_good("a chef in the kitchen")),
    "pose-transfer": {
        "model": "andite/anything-v4.0",
        "controlnet": "fusing/stable-diffusion-v1-5-controlnet-openpose",
        "detector": "lllyasviel/ControlNet",
        "size": 512,
        "guidance_scale": 7.5,
        "pictures": "poses/",
        "prompt": _good("a super-hero character"),
        "negative_prompt": BAD,
    },
    "prompts-seeds-sheet": _with("canny", picture=FACE, prompts=SUBJECTS),
    "scribble-to-drawing": _with("scribble", prompt=_good("a gingerbread star")),
    "scribble-to-image": _with("scribble", picture=FACE, prompt=DIVER),
    "segmentation-to-scene": _with(
        "seg",
        detector="openmmlab/upernet-convnext-small",
        picture=PARK,
        prompt="a park in autumn",
    ),
    "soft-edge-to-image": _with("hed", picture=FACE, prompt=DIVER),
    "sweep-guidance-strength": _with(
        "canny", picture=FACE, prompt=DIVER, guidance_scale=("4", "7.5", "12")
    ),
    "sweep-steps-scheduler": _with("canny", picture=FACE, prompt=DIVER),
    "two-controls": _with(
        "canny",
        pose_controlnet="lllyasviel/sd-controlnet-openpose",
        prompt=_good("a dancer on a stage"),
    ),
}
"""By the workflow's name; pictures that are not shipped stand for the reader's own."""

PICKLED = frozenset({"fine-tuned-base", "pose-transfer"})
"""Those whose models are on the hub as pickles: they are read with ``--allow-pickle`` alone."""


def arguments(settings: Settings) -> Iterator[str]:
    """Every setting as ``--set`` takes it; a list is given value by value."""
    for name, value in settings.items():
        values = value if isinstance(value, tuple) else (value,)
        yield from (f"{name}={value}" for value in values)
