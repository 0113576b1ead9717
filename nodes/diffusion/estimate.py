"""The peak memory of a network beside its weights, counted on tensors that hold nothing.

The network is built from its config alone, on a pretended CUDA device, and run once. Its peak grows
with the picture, so one size tells of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodegraph.base.file_memo import FileMemo

if TYPE_CHECKING:
    from ..checkpoints.parts import Part
    from ..weights.reference import Weights
    from .live_bytes import LiveBytes

SIDE = 32
"""Latents a side, at which a network is run."""


def peak_bytes(
    weights: Weights, latents: int, dtype: str, nets: Sequence[Weights] = ()
) -> int | None:
    """Bytes that a UNet's step, or a VAE's decoding, takes for a picture of so many latents.

    None for weights without a config beside them, such as a single file.

    Args:
        nets: The ControlNets that steer the step. One without a config is left out.
    """
    own = dtype if weights.dtype == "auto" else weights.dtype
    paths = tuple(net.path for net in nets if _has_config(net.path))
    peak = _peak(weights.part, weights.path, paths) if _has_config(weights.path) else None
    # Counted in float32: to build a network in another type would change it for all threads.
    size = 4 if own == "float32" else 2
    return None if peak is None else peak * size * latents // (4 * SIDE**2)


def _has_config(path: str) -> bool:
    return Path(path, "config.json").is_file()


_peaks: FileMemo[int] = FileMemo(64)


def _peak(part: Part, path: str, nets: tuple[str, ...]) -> int:
    configs = [Path(folder, "config.json") for folder in (path, *nets)]
    return _peaks.get(configs, lambda: _peak_bytes(part, path, nets), part)


def _peak_bytes(part: Part, path: str, nets: tuple[str, ...]) -> int:
    import torch

    from ..weights.quiet import quiet
    from .live_bytes import LiveBytes

    with quiet(), _fake_cuda(), torch.no_grad():
        net, counted = _built(part, path), LiveBytes()
        if part == "vae":
            values = torch.empty(1, net.config.latent_channels, SIDE, SIDE)
            with counted:
                net.decode(values)
        else:
            built = {path: _built("controlnet", path) for path in nets}
            _step(net, [built[path] for path in nets], counted)
    return counted.most


def _built(part: Part, path: str) -> Any:
    from ..checkpoints.folders import read_json
    from ..weights.build import network

    return network(part, read_json(Path(path, "config.json"))).eval()


def _step(unet: Any, nets: Sequence[Any], counted: LiveBytes) -> None:
    """Predict for one picture under one prompt, holding what all ControlNets add meanwhile."""
    import torch

    sample = torch.empty(1, unet.config.in_channels, SIDE, SIDE)
    time, prompt = torch.ones(1), torch.empty(1, 77, unet.config.cross_attention_dim)
    sides = [SIDE * 2 ** (len(n.config.conditioning_embedding_out_channels) - 1) for n in nets]
    pictures = [torch.empty(1, 3, side, side) for side in sides]
    total: list[Any] = []
    with counted:
        for net, picture in zip(nets, pictures, strict=True):
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
def _fake_cuda() -> Iterator[None]:
    """Make new tensors fake ones of a CUDA device, without any memory, in this thread."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.nn.functional import scaled_dot_product_attention
    from torch.overrides import TorchFunctionMode

    class Fused(TorchFunctionMode):
        """Counts attention as a GPU computes it: fused, never holding the matrix of all scores."""

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if func is scaled_dot_product_attention:
                return torch.empty_like(args[0])
            return func(*args, **(kwargs or {}))

    with FakeTensorMode(), torch.device("cuda"), Fused():
        yield
