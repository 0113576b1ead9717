"""Pictures coded as tensors and back, by a VAE or for a ControlNet, bit for bit as in diffusers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from ..types import Image, Mask, Pixels


def control_images(
    images: Sequence[Image], masks: Sequence[Mask | None], size: tuple[int, int]
) -> Tensor:
    """(B, 3, H, W) float32 in [0, 1], resized to ``size``; B is 1 where all images are one.

    What a mask marks is -1: so an inpainting ControlNet is told that it is missing.
    """
    import torch
    from diffusers.image_processor import VaeImageProcessor

    width, height = size
    processor = VaeImageProcessor(do_convert_rgb=True, do_normalize=False)
    equal = all(map(same, images, images[1:])) and all(map(same, masks, masks[1:]))
    distinct = images[:1] if equal else images
    ready = [processor.preprocess(image.pil(), height=height, width=width) for image in distinct]
    # Channel by channel in memory, as in the pipelines: other layouts round otherwise.
    tensor = torch.cat(ready).contiguous()  # [B or 1, 3, H, W]
    missing = [mask for mask in masks if mask is not None][: len(distinct)]
    # At least half white, as its model card has it: a pixel is there or is not.
    return tensor.masked_fill(marks(missing, size) >= 0.5, -1.0) if missing else tensor


def same(left: Image | Mask | None, right: Image | Mask | None) -> bool:
    """Whether two pictures or masks have the same pixels."""
    import numpy as np

    if left is None or right is None:
        return left is right
    return left.pixels is right.pixels or np.array_equal(left.pixels, right.pixels)


def marks(masks: Sequence[Mask], size: tuple[int, int]) -> Tensor:
    """(B, 1, H, W) float32, resized to ``size``: how much each pixel is marked, 0 to 1."""
    import torch

    from ..pixels.masks import fitted

    grey = torch.stack([torch.tensor(fitted(mask.pixels, size)) for mask in masks])
    return grey[:, None].float() / 255


def encode_images(
    vae: Any,
    images: Sequence[Image],
    masks: Sequence[Mask] = (),
    tiles: int = 1,
    pause: Callable[[], object] = bool,
) -> list[Tensor]:
    """Encode each picture to latents, (C, H / factor, W / factor) float32, as the UNet takes them.

    An AutoencoderKL gives a distribution of latents; these are its mode, so that a picture has the
    same latents every time, whatever the seed.

    Args:
        vae: A diffusers AutoencoderKL or AutoencoderTiny.
        masks: The part of each picture that is left out, as grey: all that is not black.
        tiles: Parts that its sides are cut into, for want of memory.
        pause: Called between layers, and may end it.
    """
    import torch

    from ..networks.encoder import encode
    from .loop import check_finite
    from .tiles import in_tiles

    pixels = torch.stack([torch.tensor(image.pixels) for image in images])
    values = pixels.permute(0, 3, 1, 2).contiguous() / 255 * 2 - 1  # [B, 3, H, W] in [-1, 1]
    if masks:
        # Whatever is redrawn at all: what the network were shown of it, it would draw again.
        values = values.masked_fill(marks(masks, images[0].size) > 0, 0.0)
    factor = 2 ** (len(vae.config.block_out_channels) - 1)
    latents = in_tiles(
        torch.no_grad()(partial(encode, vae, pause=pause)),
        values.to(vae.device, vae.dtype),
        tiles,
        factor,
    )
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    scaled = (latents.float() - shift) * vae.config.scaling_factor
    check_finite(scaled, "the encoded pictures", str(vae.dtype).removeprefix("torch."))
    # Copies: a view would keep the whole batch alive as long as one picture of it.
    return [latents.clone() for latents in scaled]


def stretched(latents: Tensor, factor: float, mode: str) -> Tensor:
    """(C, h, w) latents with sides ``factor`` times as long, rounded to whole latents."""
    from torch.nn.functional import interpolate

    size = [round(side * factor) for side in latents.shape[1:]]
    larger: Tensor = interpolate(latents[None], size=size, mode=mode)[0]
    return larger


def enlarged(image: Image, factor: float, step: int) -> Image:
    """A picture with sides ``factor`` times as long, rounded to multiples of ``step`` pixels."""
    from ..pixels.resize import resize
    from ..types import Image

    width, height = (max(round(side * factor / step), 1) * step for side in image.size)
    return Image(resize(image.pixels, (width, height), "stretch", "lanczos", ""))


def decode_latents(
    vae: Any, latents: Sequence[Tensor], tiles: int = 1, pause: Callable[[], object] = bool
) -> list[Pixels]:
    """Decode each picture's latents, (C, h, w), to (H, W, 3) uint8.

    Args:
        vae: A diffusers AutoencoderKL or AutoencoderTiny.
        tiles: Parts that a picture's sides are cut into, for want of memory.
        pause: Called between layers, and may end it.
    """
    import torch

    from ..networks.decoder import decoder
    from .loop import check_finite
    from .tiles import in_tiles

    shift = getattr(vae.config, "shift_factor", None) or 0.0
    batch = torch.stack([values.to(vae.device) for values in latents]).to(vae.dtype)
    batch = batch / vae.config.scaling_factor + shift
    values = in_tiles(
        torch.no_grad()(decoder(vae, pause=pause)), batch, tiles
    ).float()  # [B, 3, H, W]
    check_finite(values, "the decoded pictures", str(vae.dtype).removeprefix("torch."))
    pixels = on_host(eight_bits(values)).numpy()  # [B, H, W, 3]
    return [picture.copy() for picture in pixels]


def eight_bits(values: Tensor) -> Tensor:
    """(B, 3, H, W) float32, black at -1 and white at 1, as (B, H, W, 3) bytes where they lie.

    They are the bytes that the pipelines compute on the host; made here, a quarter of the size is
    copied there.
    """
    import torch

    grey = ((values * 0.5 + 0.5).clamp(0, 1) * 255).round()
    return grey.to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def on_host(values: Tensor) -> Tensor:
    """Copy to the host, from a GPU straight into pinned memory."""
    import torch

    if values.device.type != "cuda":
        return values.cpu()
    # A copy into pageable memory goes through a pinned buffer of the driver, piece by piece.
    host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    host.copy_(values, non_blocking=True)
    torch.cuda.current_stream(values.device).synchronize()
    return host
