"""Scene 1 as a plain diffusers script, without a graph: what benchmarks measure against."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROMPTS = (
    "a woman wearing a red shirt and blue trousers on a yellow background",
    "a woman wearing a green shirt and black trousers on a white background",
    "a woman wearing a purple shirt and orange trousers on a cyan background",
    "a woman wearing a white shirt and red trousers on a green background",
)


@dataclass(frozen=True)
class Scene:
    """Everything about scene 1 that an edit may change."""

    base: Path
    controlnet: Path
    picture: Path
    prompts: tuple[str, ...] = PROMPTS
    negative: str = "lowres, blurry"
    low: int = 100
    high: int = 200
    strength: float = 1.0
    seed: int = 2
    steps: int = 20
    guidance: float = 2.0
    size: int = 128
    columns: int = 2


@dataclass
class Script:
    """The script between edits, as in a notebook: the pipeline stays until the base changes."""

    pipeline: Any = None
    base: Path | None = None
    loads: int = field(default=0)

    def run(self, scene: Scene) -> Any:
        """Make the grid of ``scene`` from the beginning; returns a PIL picture."""
        import cv2
        import numpy as np
        import torch
        from PIL import Image

        if self.base != scene.base:
            self._load(scene)
        with Image.open(scene.picture) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        edges = Image.fromarray(cv2.Canny(pixels, scene.low, scene.high)).convert("RGB")
        pictures = self.pipeline(
            list(scene.prompts),
            image=edges,
            negative_prompt=[scene.negative] * len(scene.prompts),
            num_inference_steps=scene.steps,
            guidance_scale=scene.guidance,
            controlnet_conditioning_scale=scene.strength,
            width=scene.size,
            height=scene.size,
            generator=[torch.Generator().manual_seed(scene.seed) for _ in scene.prompts],
        ).images
        rows = -(-len(pictures) // scene.columns)
        grid = Image.new("RGB", (scene.columns * scene.size, rows * scene.size))
        for i, picture in enumerate(pictures):
            grid.paste(picture, (i % scene.columns * scene.size, i // scene.columns * scene.size))
        return grid

    def _load(self, scene: Scene) -> None:
        import torch
        from diffusers import (
            ControlNetModel,
            StableDiffusionControlNetPipeline,
            UniPCMultistepScheduler,
        )

        controlnet = ControlNetModel.from_pretrained(scene.controlnet, dtype=torch.float32)
        self.pipeline = StableDiffusionControlNetPipeline.from_pretrained(
            scene.base, controlnet=controlnet, dtype=torch.float32, safety_checker=None
        )
        self.pipeline.scheduler = UniPCMultistepScheduler.from_config(
            self.pipeline.scheduler.config
        )
        self.pipeline.set_progress_bar_config(disable=True)
        self.base = scene.base
        self.loads += 1


def main() -> None:
    """Make the grid of scene 1 once and save it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("grid", type=Path, help="the file that it is saved to")
    grid: Path = parser.parse_args().grid
    root = Path(__file__).parent.parent
    tiny, inputs = root / "nodes" / "builtin" / "tiny", root / "workflows" / "inputs"
    whole = Scene(tiny / "base", tiny / "controlnet-canny", inputs / "portrait.png")
    Script().run(whole).save(grid)


if __name__ == "__main__":
    main()
