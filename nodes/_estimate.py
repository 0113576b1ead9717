"""What a network takes of a GPU's memory beside its weights: counted on tensors that hold nothing.

The network is built from its config alone, on a pretended CUDA device, and run once. What it takes
grows with the picture, so one size tells of all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._weights import Weights

SIDE = 32
"""Latents a side, at which a network is run."""


def taken(weights: Weights, latents: int, dtype: str) -> int | None:
    """Bytes that a UNet's step, or a VAE's decoding, takes for a picture of so many latents.

    None for what has no config beside it, such as a single file.
    """
    own = dtype if weights.dtype == "auto" else weights.dtype
    most = _most(weights.part, weights.path)
    # Counted in float32: to build a network in another type would change it for all threads.
    size = 4 if own == "float32" else 2
    return None if most is None else most * size * latents // (4 * SIDE**2)


@lru_cache(maxsize=64)
def _most(part: Any, path: str) -> int | None:
    import torch

    from ._build import network
    from ._counting import LiveBytes
    from ._folders import read_json
    from ._quiet import quiet

    if not Path(path, "config.json").is_file():
        return None
    with quiet(), _pretended(), torch.no_grad():
        net: Any = network(part, read_json(Path(path, "config.json"))).eval()
        config = net.config
        counted = LiveBytes()
        if part == "vae":
            values = torch.empty(1, config.latent_channels, SIDE, SIDE)
            with counted:
                net.decode(values)
        else:
            values = torch.empty(1, config.in_channels, SIDE, SIDE)
            prompt = torch.empty(1, 77, config.cross_attention_dim)
            with counted:
                net(values, torch.ones(1), prompt)
    return counted.most


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
