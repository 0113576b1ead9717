"""Figures of models and what is put on them, all made by the tiny ones."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nodes.models import LoadEmbedding, LoadLoRA
from nodes.preprocessors import Canny, OpenPose, Scribble, SoftEdge, StraightLines
from nodes.sampling import EncodePrompt
from nodes.surfaces import Depth, NormalMap, Segment
from nodes.types import Conditioning, Image

from .frame import Figure, Panel, Row, card, space
from .inputs import (
    HOUSE,
    MAN,
    begun,
    context,
    control,
    memory_cache,
    photo,
    resized,
    sampled,
    settings,
    tiny,
)


def base_models() -> Figure:
    """What tiny knows, and what only the base that was fine-tuned on it knows."""
    rows: list[Row] = []
    for prompt in (HOUSE, "a photo of sks potato head on a yellow background"):
        panels = [Panel(sampled(prompt, tiny(name)), name) for name in ("tiny", "tiny-potato")]
        rows.append([Panel(card(210, ("prompt", prompt))), None, *panels])
    return rows


def controlnets() -> Figure:
    """What each built-in ControlNet reads, and what it makes of the same prompt and seed."""
    g, picture, _ = begun("portrait.png")
    nodes: Mapping[str, type[Any]] = {
        "canny": Canny,
        "openpose": OpenPose,
        "scribble": Scribble,
        "hed": SoftEdge,
        "depth": Depth,
        "normal": NormalMap,
        "seg": Segment,
        "mlsd": StraightLines,
    }
    panels: list[Panel | None] = []
    for kind, node in nodes.items():
        read = g.run(g.add(kind, node, image=picture.image), memory_cache(), settings()).image
        drawn = sampled(MAN, controls=[control(read, f"tiny-{kind}")])
        panels += [Panel(read, f"tiny-{kind} reads"), None, Panel(drawn), space()]
    return [panels[i : i + 7] for i in range(0, len(panels), 8)]


def loras() -> Figure:
    """The same prompts and seed, with ever more of a LoRA that draws in ink on pale colours."""
    rows: list[Row] = []
    for prompt in (HOUSE, "a red heart and a yellow moon on a white background"):
        row: list[Panel | None] = [Panel(card(190, ("prompt", prompt))), None]
        row.append(Panel(sampled(prompt), "tiny alone"))
        for strength in (0.5, 1.0):
            model = LoadLoRA(model=tiny(), lora="tiny-ink", strength=strength).run(context()).model
            row.append(Panel(sampled(prompt, model), f"strength {strength:g}"))
        rows.append(row)
    return rows


def embeddings() -> Figure:
    """A word that holds what two words of the tiny model hold, so that anyone can check it."""
    import torch
    from safetensors.torch import save_file

    from nodes.weights.reference import tokenizer

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sunny.safetensors"
        with context().lease(tiny().text_encoder) as leased:
            encoder: Any = leased
            words = tokenizer(tiny().text_encoder.tokenizer)
            ids = words("yellow heart", add_special_tokens=False).input_ids
            rows = encoder.get_input_embeddings().weight[torch.tensor(ids)]
            save_file({"emb_params": rows.detach().clone()}, path)
        model = LoadEmbedding(model=tiny(), embedding=str(path)).run(context()).model
        prompt = "a sunny on a blue background"
        drawn = [sampled(prompt), sampled(prompt, model)]
    return [
        [
            Panel(card(190, ("prompt", prompt))),
            None,
            Panel(resized(drawn[0]), "without"),
            Panel(resized(drawn[1]), "the word holds “yellow heart”"),
        ]
    ]


def controls() -> Figure:
    sticks = photo("skeleton-2.png", 128)
    row: list[Panel | None] = [Panel(sticks, "image"), None]
    for strength in (0.0, 0.5, 1.0):
        drawn = sampled(MAN, controls=[control(sticks, "tiny-openpose", strength)])
        row.append(Panel(drawn, f"strength {strength:g}"))
    return [row]


def encoded_prompts() -> Figure:
    prompts = (HOUSE, "a red house and a (white:1.3) moon on a [blue] background")
    rows: list[Row] = []
    for prompt in prompts:
        conditioning = EncodePrompt(model=tiny(), prompt=prompt).run(context()).conditioning
        count, width = conditioning.embeddings.shape
        prompt_panel = Panel(card(210, ("prompt", prompt)))
        rows.append(
            [
                prompt_panel,
                None,
                Panel(_heat(conditioning), f"{count} x {width} numbers"),
                None,
                Panel(sampled(prompt)),
            ]
        )
    return rows


def _heat(conditioning: Conditioning) -> Image:
    """A conditioning's numbers, a row for each token: blue below zero, white at it, red above."""
    values = conditioning.embeddings.cpu().numpy()
    spread = np.clip(values / (2.5 * values.std()), -1, 1)[..., None]
    warm, cold = np.array([178, 24, 43]), np.array([33, 102, 172])
    colours = 255 + np.abs(spread) * (np.where(spread > 0, warm, cold) - 255)
    return resized(Image(np.rint(colours).astype(np.uint8)), 2 * len(values), exact=True)


FIGURES: Mapping[str, Callable[[], Figure]] = {
    "LoadBaseModel": base_models,
    "LoadControlNet": controlnets,
    "LoadLoRA": loras,
    "LoadEmbedding": embeddings,
    "Control": controls,
    "EncodePrompt": encoded_prompts,
}
