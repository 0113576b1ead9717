"""Our sampling against diffusers' own pipeline: the same work, in turns, in one run.

    python benchmarks/sampling.py [--rounds 5] [--batch 4] [--steps 20] [--device cpu]

Both sides have their weights loaded. The pictures are compared first; then each case is timed
round by round, the two sides taking turns, and the ratio of the medians is printed: above 1, ours
is faster.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from nodes.models import LoadBaseModel, LoadControlNet
from nodes.sampling import Control, Decode, Denoise, EncodePrompt
from nodes.types import Image
from tests.weights import TINY, Bench, drain

PROMPTS = ("a red circle", "a blue star", "a person wearing a green shirt", "a yellow house")
NEGATIVE = "blurry"


@dataclass(frozen=True)
class Case:
    """What both sides are asked for."""

    name: str
    strength: float = 1.0
    end: float = 1.0
    guidance: float = 2.0


CASES = (
    Case("one ControlNet"),
    Case("until 0.6 of the steps", end=0.6),
    Case("at strength 0", strength=0.0),
    Case("without guidance", guidance=1.0),
)


@dataclass
class Sides:
    """Both ways of making a batch of pictures with the tiny model."""

    batch: int
    steps: int
    device: str
    pipeline: Any = None
    bench: Bench = field(default_factory=Bench)

    def __post_init__(self) -> None:
        import torch
        from diffusers import (
            ControlNetModel,
            StableDiffusionControlNetPipeline,
            UniPCMultistepScheduler,
        )

        options = {"dtype": torch.float32, "local_files_only": True}
        net = ControlNetModel.from_pretrained(TINY / "controlnet-canny", **options)
        pipeline = StableDiffusionControlNetPipeline.from_pretrained(
            TINY / "base", controlnet=net, safety_checker=None, **options
        ).to(self.device)
        pipeline.scheduler = UniPCMultistepScheduler.from_config(pipeline.scheduler.config)
        pipeline.set_progress_bar_config(disable=True)
        self.pipeline, self.bench = pipeline, Bench(device=self.device)
        edges = np.zeros((128, 128, 3), np.uint8)
        edges[32:96, [32, 95]] = edges[[32, 95], 32:96] = 255
        self.image = Image(edges, "canny")
        self.prompts = [PROMPTS[i % len(PROMPTS)] for i in range(self.batch)]
        self.model = LoadBaseModel(model="tiny").run(self.bench).model
        self.net = LoadControlNet(model="tiny-canny").run(self.bench).controlnet

    def theirs(self, case: Case) -> list[Any]:
        import torch

        pictures = self.pipeline(
            self.prompts,
            self.image.pil(),
            negative_prompt=[NEGATIVE] * self.batch,
            num_inference_steps=self.steps,
            guidance_scale=case.guidance,
            controlnet_conditioning_scale=case.strength,
            control_guidance_end=case.end,
            generator=[torch.Generator("cpu").manual_seed(2) for _ in self.prompts],
        ).images
        return [np.asarray(one) for one in pictures]

    def ours(self, case: Case) -> list[Any]:
        node = Control(image=self.image, controlnet=self.net, strength=case.strength, end=case.end)
        control = node.run().control
        texts = [*self.prompts, NEGATIVE]
        asked = [EncodePrompt(model=self.model, prompt=text) for text in texts]
        *prompts, negative = (one.conditioning for one in EncodePrompt.run_batch(asked, self.bench))
        items = [
            Denoise(
                model=self.model,
                prompt=prompt,
                negative_prompt=negative,
                controls=[control],
                steps=self.steps,
                guidance_scale=case.guidance,
                seed=2,
            )
            for prompt in prompts
        ]
        done: list[Any] = drain(Denoise.run_batch(items, self.bench))
        todo = [Decode(model=self.model, latents=one.latents) for one in done]
        return [one.image.pixels for one in Decode.run_batch(todo, self.bench)]


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall seconds and this process's CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """Theirs to ours, from each side's median."""
    theirs = statistics.median(pair[0] for pair in pairs)
    ours = statistics.median(pair[1] for pair in pairs)
    return theirs / ours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    sides = Sides(given.batch, given.steps, given.device)
    print(f"tiny model, {given.batch} pictures of 128 x 128, {given.steps} UniPC steps, fp32")
    print(f"{'':26}{'theirs':>9}{'ours':>9}{'wall':>8}{'CPU':>8}   largest difference")
    for case in CASES:
        pairs = zip(sides.theirs(case), sides.ours(case), strict=True)
        apart = max(int(np.abs(a.astype(int) - b.astype(int)).max()) for a, b in pairs)
        assert apart <= 1, f"{case.name}: the pictures differ by {apart} grey levels"
        rounds = [
            (seconds(lambda: sides.theirs(case)), seconds(lambda: sides.ours(case)))  # noqa: B023
            for _ in range(given.rounds)
        ]
        wall = [(theirs[0], ours[0]) for theirs, ours in rounds]
        cpu = [(theirs[1], ours[1]) for theirs, ours in rounds]
        theirs, ours = (statistics.median(side) for side in zip(*wall, strict=True))
        ratios = f"{ratio(wall):7.2f}x{ratio(cpu):7.2f}x"
        print(f"{case.name:26}{theirs:8.2f}s{ours:8.2f}s{ratios}   {apart}")


if __name__ == "__main__":
    main()
