"""How the shipped workflows are run with models of the hub: what is set beside the defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

Settings: TypeAlias = Mapping[str, str | int | float | Sequence[str]]

BASE = "stable-diffusion-v1-5/stable-diffusion-v1-5"
QUALITY = ", best quality, extremely detailed"
BAD = "monochrome, lowres, bad anatomy, worst quality, low quality"


def _with(conditioning: str, **more: str | float | Sequence[str]) -> Settings:
    """Stable Diffusion 1.5 under its ControlNet of this kind."""
    controlnet = f"lllyasviel/sd-controlnet-{conditioning}"
    return {"model": BASE, "controlnet": controlnet, "size": 512, "guidance_scale": 7.5} | more


def _good(*subjects: str) -> tuple[str, ...]:
    return tuple(f"{subject}{QUALITY}" for subject in subjects)


_SUBJECTS = ("a portrait of a sailor", "a portrait of a queen")
_PORTRAITS: Settings = {
    "picture": "astronaut.jpg",
    "prompt": _good(*_SUBJECTS),
    "negative_prompt": BAD,
}
HUB: Mapping[str, Settings] = {
    "canny-portraits": _with("canny") | _PORTRAITS,
    "canny-to-image": _with("canny", picture="astronaut.jpg", prompt="a portrait of a diver"),
    "control-to-image": _with("openpose", control="skeleton-1.png", prompt="a ballet dancer"),
    "depth-to-room": _with(
        "depth",
        detector="Intel/dpt-large",
        picture="room.jpg",
        prompt=_good("a Scandinavian living room", "an Art Deco living room"),
    ),
    "fine-tuned-base": _with("canny")
    | {"model": "sd-dreambooth-library/mr-potato-head", "picture": "astronaut.jpg"}
    | {"prompt": _good("a photo of sks mr potato head"), "negative_prompt": BAD},
    "hires-picture": _with("canny", picture="astronaut.jpg", prompt="a portrait of a diver"),
    "image-to-image-sheet": {
        "model": BASE,
        "size": 512,
        "guidance_scale": 7.5,
        "picture": "park.jpg",
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
        "picture": "astronaut.jpg",
        "prompt": "a woman in a green jumper",
    },
    "lines-to-building": _with("mlsd", picture="park.jpg", prompt="a village in the snow"),
    "logo-to-scene": _with("canny", logo="logo.png", prompt=_good("a snowy wood", "a toy shop")),
    "normal-to-image": _with("normal", detector="Intel/dpt-large", picture="astronaut.jpg")
    | {"prompt": "a marble statue of a woman"},
    "photo-from-cartoon": _with("canny", picture="cartoon.png", prompt="a photo of a dancer"),
    "pose-to-image": _with("openpose", picture="astronaut.jpg", prompt="a chef in the kitchen"),
    "pose-transfer": {
        "model": "andite/anything-v4.0",
        "controlnet": "fusing/stable-diffusion-v1-5-controlnet-openpose",
        "detector": "lllyasviel/ControlNet",
        "size": 512,
        "guidance_scale": 7.5,
        "pictures": "poses/",
        "prompt": f"a super hero character{QUALITY}",
        "negative_prompt": BAD,
    },
    "prompts-seeds-sheet": _with("canny", picture="astronaut.jpg", prompts=_good(*_SUBJECTS)),
    "scribble-to-drawing": _with("scribble", prompt="a gingerbread star"),
    "scribble-to-image": _with("scribble", picture="astronaut.jpg", prompt="a portrait of a diver"),
    "segmentation-to-scene": _with("seg", picture="park.jpg", prompt="a park in autumn")
    | {"detector": "openmmlab/upernet-convnext-small"},
    "soft-edge-to-image": _with("hed", picture="astronaut.jpg", prompt="a portrait of a diver"),
    "sweep-guidance-strength": _with("canny", picture="astronaut.jpg", guidance_scale=("3", "7.5"))
    | {"prompt": "a portrait of a diver"},
    "sweep-steps-scheduler": _with("canny", picture="astronaut.jpg")
    | {"prompt": "a portrait of a diver"},
    "two-controls": _with("canny", pose_controlnet="lllyasviel/sd-controlnet-openpose")
    | {"prompt": f"a dancer on a stage{QUALITY}"},
}
"""By the workflow's name; pictures that are not shipped stand for the reader's own."""


def arguments(settings: Settings) -> Iterator[str]:
    """Every setting as ``--set`` takes it; a list is given value by value."""
    for name, value in settings.items():
        values = value if isinstance(value, tuple | list) else [value]
        yield from (f"{name}={each}" for each in values)
