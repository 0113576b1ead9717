"""Figures of how the tiny model makes pictures, and makes them from others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from nodes.diffusion.prepare import prepare
from nodes.latents import EncodeImage, Enlarge, UpscaleLatents
from nodes.masks import DrawMask
from nodes.models import LoadControlNet
from nodes.preprocessors import Canny
from nodes.redraw import Hires, ImageToImage, Inpaint
from nodes.sampling import Control, Sample
from nodes.types import Image, Latents

from .frame import Figure, Panel, Row, card
from .inputs import (
    HOUSE,
    MAN,
    begun,
    channels,
    context,
    decoded,
    denoise,
    latents,
    mask_image,
    memory_cache,
    photo,
    resized,
    sampled,
    settings,
    tiny,
)


def denoised() -> Figure:
    """The noise it starts from, and what is left after some of the steps."""
    node = denoise(MAN, width=128, height=128, seed=4)
    labels = {1: "step 1 of 20", 5: "5", 10: "10", 20: "20"}
    with ExitStack() as leases:
        run = prepare([node], context(), leases)
        row = [Panel(_half_way(run.latents), "noise")]
        for done, values, _ in run.steps():
            if done in labels:
                row.append(Panel(_half_way(values), labels[done]))
    return [row]


def _half_way(values: Any) -> Image:
    return resized(decoded(Latents(values[0], tiny().vae.key)), 124)


def decodes() -> Figure:
    values = latents(MAN, seed=4)
    picture = Panel(resized(decoded(values)), "image")
    return [[Panel(channels(values), _sized(values)), None, picture]]


def _sized(values: Latents) -> str:
    count, height, width = values.values.shape
    return f"latents: {count} channels of {width} x {height}"


def samples() -> Figure:
    g, picture, base = begun("portrait.png")
    edges = g.add("edges", Canny, image=picture.image)
    net = g.add("net", LoadControlNet).controlnet
    steered = g.add("control", Control, image=edges.image, controlnet=net)
    pictures = [
        g.add(name, Sample, model=base.model, prompt=MAN, controls=used, seed=4, guidance_scale=2)
        for name, used in (("free", []), ("steered", [steered.control]))
    ]
    images = [g.run(picture, memory_cache(), settings()).image for picture in pictures]
    lines = g.run(edges, memory_cache(), settings()).image
    return [
        [
            Panel(card(180, ("prompt", MAN))),
            Panel(lines, "control image"),
            None,
            Panel(images[0], "the prompt alone"),
            Panel(images[1], "with the control"),
        ]
    ]


def encoded_images() -> Figure:
    image = photo("pose-4.png", 128)
    values = EncodeImage(model=tiny(), image=image).run(context()).latents
    return [
        [
            Panel(resized(image), "image"),
            None,
            Panel(channels(values), _sized(values)),
            None,
            Panel(resized(decoded(values)), "decoded again"),
        ]
    ]


def upscaled() -> Figure:
    values = latents(HOUSE)
    row: list[Panel | None] = [Panel(resized(decoded(values), 80), "latents, decoded"), None]
    for filter_name in ("nearest", "bilinear", "bicubic"):
        larger = UpscaleLatents(latents=values, filter=filter_name).run().latents
        row.append(Panel(resized(decoded(larger), 160), filter_name))
    return [row]


def enlarged() -> Figure:
    image = sampled(HOUSE)
    row: list[Panel | None] = [Panel(resized(image, 104), "image"), None]
    for within in ("pixels", "latents"):
        node = Enlarge(model=tiny(), image=image, within=within)
        row.append(
            Panel(resized(decoded(node.run(context()).latents), 208), f"within {within}, decoded")
        )
    return [row]


def images_to_images() -> Figure:
    prompt = "a woman in a red shirt and blue trousers on a white background"
    row = _redrawn("pose-3.png", 128, ImageToImage, prompt, (0.3, 0.6, 0.9))
    return [[Panel(card(480, ("prompt", prompt)))], row]


def made_larger() -> Figure:
    """A picture of half the size that the tiny model draws in, brought to that size."""
    prompt = "a man wearing a white shirt and green trousers on a purple background"
    row = _redrawn("portrait.png", 64, Hires, prompt, (0.0, 0.5))
    return [[Panel(card(170, ("prompt", prompt))), *row]]


def _redrawn(name: str, side: int, kind: Any, prompt: str, amounts: Sequence[float]) -> Row:
    """A shipped picture, and what a node makes of it with ever more denoise."""
    g, picture, base = begun(name, side)
    row: list[Panel | None] = [
        Panel(g.run(picture, memory_cache(), settings()).image, "image"),
        None,
    ]
    for amount in amounts:
        result = g.add(
            f"redrawn_{10 * amount:g}",
            kind,
            model=base.model,
            image=picture.image,
            prompt=prompt,
            denoise=amount,
            guidance_scale=2,
            seed=4,
        )
        row.append(Panel(g.run(result, memory_cache(), settings()).image, f"denoise {amount:g}"))
    return row


def inpainted() -> Figure:
    prompt, name = "a red heart and a yellow moon on a cyan background", "shapes.png"
    g, picture, base = begun(name)
    marked = g.add(
        "mask", DrawMask, image=picture.image, left=0.08, top=0.3, right=0.52, bottom=0.85
    )
    result = g.add(
        "made",
        Inpaint,
        model=base.model,
        image=picture.image,
        mask=marked.mask,
        prompt=prompt,
        guidance_scale=2,
        seed=4,
    )
    mask = mask_image(g.run(marked, memory_cache(), settings()).mask)
    return [
        [
            Panel(photo(name, 128), "image"),
            Panel(mask, "mask"),
            Panel(card(140, ("prompt", prompt))),
            None,
            Panel(g.run(result, memory_cache(), settings()).image, "image"),
        ]
    ]


FIGURES: Mapping[str, Callable[[], Figure]] = {
    "Denoise": denoised,
    "Decode": decodes,
    "Sample": samples,
    "EncodeImage": encoded_images,
    "UpscaleLatents": upscaled,
    "Enlarge": enlarged,
    "ImageToImage": images_to_images,
    "Inpaint": inpainted,
    "Hires": made_larger,
}
