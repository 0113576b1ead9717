"""Both ways of making the same pictures: our graph, and diffusers' own pipeline.

    python benchmarks/sides.py ours --model tiny     # or: pipeline

makes pictures once with that side alone and says nothing: for whoever watches its memory.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.models import NAMES, Name, folders, hush
from nodegraph import Registry, Workflow, load_registry, plan, run
from nodegraph.cache import Cache
from nodegraph.cache.budget import Budgets
from nodegraph.node import Folders
from nodegraph.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

PROMPTS = ("a red circle", "a blue star", "a person wearing a green shirt", "a yellow house")
NEGATIVE = "blurry"
ROOMY = Budgets(device=2**35, host=2**35)
"""For comparing speed, both sides keep their weights."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job for both sides."""

    prompts: tuple[str, ...]
    picture: Path
    seed: int
    steps: int
    size: int
    guidance: float = 7.5
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0


class Sample(NamedTuple):
    """Pictures (H, W, 3) uint8, and their latents, (B, C, h, w) float32."""

    pictures: list[npt.NDArray[np.uint8]]
    latents: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Setup:
    """A model in two folders, and how it is run."""

    base: Path
    controlnet: Path
    dtype: str = "float32"
    device: str = "cpu"


@dataclass(frozen=True)
class Ours:
    """Our engine with one cache in memory, as somebody keeps it who makes many pictures."""

    setup: Setup
    cache: Cache
    registry: Registry = field(default_factory=load_registry)

    def run(self, job: Job) -> Mapping[str, Any]:
        """Draw the graph, plan it and run it; its results by name."""
        folder = Folders(data=(job.picture.parent,))
        settings = Settings((self.setup.device,), self.setup.dtype, len(job.prompts), folder)
        return run(plan(graph(self.setup, job), self.registry), self.cache, settings)

    def make(self, job: Job) -> Sample:
        import numpy as np

        values = self.run(job)
        latents = np.stack([latent.values.float().cpu().numpy() for latent in values["latents"]])
        return Sample([picture.pixels for picture in values["pictures"]], latents)


def graph(setup: Setup, job: Job) -> Workflow:
    """A control image, a ControlNet, a base model and prompts."""
    control = {"strength": job.strength, "start": job.start, "end": job.end}
    sample = {
        "prompt": list(job.prompts),
        "negative_prompt": NEGATIVE,
        "seed": job.seed,
        "steps": job.steps,
        "guidance_scale": job.guidance,
    }
    nodes = {
        "picture": {"type": "LoadImage", "values": {"path": str(job.picture)}},
        "base": {"type": "LoadBaseModel", "values": {"model": str(setup.base)}},
        "net": {"type": "LoadControlNet", "values": {"model": str(setup.controlnet)}},
        "control": {
            "type": "Control",
            "values": control,
            "links": {"image": "picture.image", "controlnet": "net.controlnet"},
        },
        "sample": {
            "type": "Sample",
            "values": sample,
            "links": {"model": "base.model", "controls": ["control.control"]},
        },
    }
    results = {"pictures": "sample.image", "latents": "sample.latents"}
    return Workflow.model_validate({"format": 1, "nodes": nodes, "results": results})


class Pipeline:
    """diffusers' StableDiffusionControlNetPipeline with the same weights and UniPC."""

    def __init__(self, setup: Setup) -> None:
        import torch
        from diffusers import (
            ControlNetModel,
            StableDiffusionControlNetPipeline,
            UniPCMultistepScheduler,
        )

        hush()
        options = {"dtype": getattr(torch, setup.dtype), "local_files_only": True}
        net = ControlNetModel.from_pretrained(setup.controlnet, **options)
        pipeline = StableDiffusionControlNetPipeline.from_pretrained(
            setup.base, controlnet=net, safety_checker=None, **options
        ).to(setup.device)
        pipeline.scheduler = UniPCMultistepScheduler.from_config(pipeline.scheduler.config)
        pipeline.set_progress_bar_config(disable=True)
        self._pipeline: Any = pipeline

    def run(self, job: Job, **more: Any) -> list[Any]:
        """Make the pictures, as PIL has them."""
        import torch
        from PIL import Image

        with Image.open(job.picture) as opened:
            picture = opened.convert("RGB")
        pictures: list[Any] = self._pipeline(
            list(job.prompts),
            picture,
            negative_prompt=[NEGATIVE] * len(job.prompts),
            num_inference_steps=job.steps,
            guidance_scale=job.guidance,
            controlnet_conditioning_scale=job.strength,
            control_guidance_start=job.start,
            control_guidance_end=job.end,
            generator=[torch.Generator("cpu").manual_seed(job.seed) for _ in job.prompts],
            **more,
        ).images
        return pictures

    def make(self, job: Job) -> Sample:
        import numpy as np

        last: list[Any] = []

        def keep(_: Any, step: int, time: Any, tensors: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
            last[:] = [tensors["latents"]]
            return tensors

        pictures = self.run(job, callback_on_step_end=keep)
        return Sample([np.asarray(picture) for picture in pictures], last[0].float().cpu().numpy())


class Apart(NamedTuple):
    """How far two results differ at most: grey levels, and latents in parts of their spread."""

    levels: int
    latents: float

    def __str__(self) -> str:
        if not any(self):
            return "exactly the same pictures"
        return f"at most {self.levels} of 255 apart, latents {self.latents:.1e} of their spread"


def apart(reference: Sample, ours: Sample) -> Apart:
    """Compare two results."""
    import numpy as np

    pairs = zip(reference.pictures, ours.pictures, strict=True)
    levels = max(int(np.abs(a.astype(int) - b.astype(int)).max()) for a, b in pairs)
    far = np.abs(reference.latents - ours.latents).max() / reference.latents.std()
    return Apart(levels, float(far))


def jobs(batch: int, steps: int, size: int, folder: Path, guidance: float) -> Callable[[int], Job]:
    """A job for each number, of which no two share seed, prompt or control image.

    So nothing but the weights can be known from the one before, whatever either side keeps.
    """

    def job(number: int) -> Job:
        texts = (PROMPTS[i % len(PROMPTS)] for i in range(batch))
        prompts = tuple(f"{text}, number {number}" for text in texts)
        picture = folder / f"control-{size}-{number}.png"
        if not picture.exists():
            _edges(size, number).save(picture)
        return Job(prompts, picture, 1000 + number, steps, size, guidance)

    return job


def _edges(size: int, number: int) -> Any:
    """White outlines of a box on black, elsewhere for each number."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (size, size))
    left, top = (size // 8 + number * step % (size // 4) for step in (5, 3))
    ImageDraw.Draw(picture).rectangle((left, top, left + size // 2, top + size // 2), None, "white")
    return picture


def add_model(parser: argparse.ArgumentParser, default: str = "tiny") -> None:
    """The options that say which model is measured, and how."""
    parser.add_argument("--model", choices=NAMES, default=default)
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "float16"), default="float32")
    parser.add_argument("--device", default="cpu")
    add_made(parser)


def add_made(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--made", type=Path, metavar="DIR",
        help="keep random-weight models there for the next time (sd15: 5.7 GB)",
    )  # fmt: skip


@contextmanager
def working(models: Path | None) -> Iterator[tuple[Path, Path]]:
    """A folder for passing files, and one for models: ``made``, or a passing one too."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder), models or Path(folder)


def setup(name: Name, models: Path, dtype: str = "float32", device: str = "cpu") -> Setup:
    """The setup of a model, which is made if it is not there."""
    return Setup(*folders(name, models), dtype=dtype, device=device)


def main() -> None:
    """Make pictures once."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("side", choices=("ours", "pipeline"))
    add_model(parser)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--size", type=int, default=128)
    arguments = parser.parse_args()
    with working(arguments.made) as (folder, models):
        used = setup(arguments.model, models, arguments.dtype, arguments.device)
        job = jobs(arguments.batch, arguments.steps, arguments.size, folder, 7.5)(0)
        side = Pipeline(used) if arguments.side == "pipeline" else Ours(used, Cache.in_memory())
        side.run(job)


if __name__ == "__main__":
    main()
