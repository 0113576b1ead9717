"""Pictures on their way into and out of the networks, exactly as diffusers' pipelines take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from .types import Image, Pixels


def control_images(images: Sequence[Image], size: tuple[int, int]) -> Tensor:
    """(B, 3, H, W) float32 in [0, 1], resized to ``size``; B is 1 where all images are one."""
    import torch
    from diffusers.image_processor import VaeImageProcessor

    width, height = size
    processor = VaeImageProcessor(do_convert_rgb=True, do_normalize=False)
    distinct = images[:1] if all(same(images[0], image) for image in images) else images
    ready = [processor.preprocess(image.pil(), height=height, width=width) for image in distinct]
    # Channel by channel in memory, as in the pipelines: other layouts round otherwise.
    return torch.cat(ready).contiguous()


def same(left: Image, right: Image) -> bool:
    """Whether two images have the same pixels."""
    import numpy as np

    return left.pixels is right.pixels or np.array_equal(left.pixels, right.pixels)


def decode(vae: Any, latents: Sequence[Tensor]) -> list[Pixels]:
    """Decode each picture's latents, (C, h, w), to (H, W, 3) uint8.

    Args:
        vae: A diffusers AutoencoderKL or AutoencoderTiny.
    """
    import torch

    from ._loop import check_finite

    shift = getattr(vae.config, "shift_factor", None) or 0.0
    batch = torch.stack([one.to(vae.device) for one in latents]).to(vae.dtype)
    values = vae.decode(batch / vae.config.scaling_factor + shift, return_dict=False)[0].float()
    check_finite(values, "the decoded pictures", str(vae.dtype).removeprefix("torch."))
    # Bytes on the device: those the pipelines make on the host, at a quarter of the traffic.
    grey = ((values * 0.5 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
    pixels = grey.permute(0, 2, 3, 1).cpu().numpy()
    return [one.copy() for one in pixels]
