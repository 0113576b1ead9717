"""What a network takes of a GPU's memory beside its weights: counted on tensors that hold nothing.

The network is built from its config alone, on a pretended CUDA device, and run once. What it takes
grows with the picture, so one size tells of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..checkpoints.parts import Part
    from ..weights.reference import Weights
    from .live_bytes import LiveBytes

SIDE = 32
"""Latents a side, at which a network is run."""


def taken(weights: Weights, latents: int, dtype: str, nets: Sequence[Weights] = ()) -> int | None:
    """Bytes that a UNet's step, or a VAE's decoding, takes for a picture of so many latents.

    None for what has no config beside it, such as a single file.

    Args:
        nets: The ControlNets that steer the step. One without a config is taken to be none.
    """
    own = dtype if weights.dtype == "auto" else weights.dtype
    paths = tuple(net.path for net in nets if _has_config(net.path))
    most = _most(weights.part, weights.path, paths) if _has_config(weights.path) else None
    # Counted in float32: to build a network in another type would change it for all threads.
    size = 4 if own == "float32" else 2
    return None if most is None else most * size * latents // (4 * SIDE**2)


def _has_config(path: str) -> bool:
    return Path(path, "config.json").is_file()


@lru_cache(maxsize=64)
def _most(part: Part, path: str, nets: tuple[str, ...]) -> int:
    import torch

    from ..weights.quiet import quiet
    from .live_bytes import LiveBytes

    with quiet(), _pretended(), torch.no_grad():
        net, counted = _built(part, path), LiveBytes()
        if part == "vae":
            values = torch.empty(1, net.config.latent_channels, SIDE, SIDE)
            with counted:
                net.decode(values)
        else:
            built = {one: _built("controlnet", one) for one in nets}
            _step(net, [built[one] for one in nets], counted)
    return counted.most


def _built(part: Part, path: str) -> Any:
    from ..checkpoints.folders import read_json
    from ..weights.build import network

    return network(part, read_json(Path(path, "config.json"))).eval()


def _step(unet: Any, nets: Sequence[Any], counted: LiveBytes) -> None:
    """Predict for one picture under one prompt; what all ControlNets add is held meanwhile."""
    import torch

    sample = torch.empty(1, unet.config.in_channels, SIDE, SIDE)
    time, prompt = torch.ones(1), torch.empty(1, 77, unet.config.cross_attention_dim)
    sides = [SIDE * 2 ** (len(n.config.conditioning_embedding_out_channels) - 1) for n in nets]
    shown = [torch.empty(1, 3, side, side) for side in sides]
    total: list[Any] = []
    with counted:
        for net, picture in zip(nets, shown, strict=True):
            inputs = sample[:, : net.config.in_channels], time, prompt, picture
            down, middle = net(*inputs, return_dict=False)
            added = [*down, middle]
            total = [a + b for a, b in zip(total, added, strict=True)] if total else added
        unet(
            sample,
            time,
            prompt,
            down_block_additional_residuals=total[:-1] or None,
            mid_block_additional_residual=total[-1] if total else None,
        )


@contextmanager
def _pretended() -> Iterator[None]:
    """Make new tensors ones of a CUDA device that holds nothing, in this thread."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.nn.functional import scaled_dot_product_attention
    from torch.overrides import TorchFunctionMode

    class Fused(TorchFunctionMode):
        """Without a GPU, attention would be counted as products of matrices that no GPU makes."""

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if func is scaled_dot_product_attention:
                return torch.empty_like(args[0])
            return func(*args, **(kwargs or {}))

    with FakeTensorMode(), torch.device("cuda"), Fused():
        yield
