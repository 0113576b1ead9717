"""Layers that compute in float64 and round once: the same numbers on every processor."""

from __future__ import annotations

from typing import Any

LAYERS = frozenset({
    "addmm", "bmm", "conv2d", "conv_transpose2d", "gelu", "group_norm", "layer_norm", "linear",
    "matmul", "scaled_dot_product_attention", "silu",
})  # fmt: skip
"""Functions of PyTorch whose last bits depend on a kernel's order of sums."""


def rounding_once(dtype: str) -> Any:
    """A context in which layers of ``dtype`` add up in float64, so that no order shows.

    Two ways to compute the same then differ where they round, and only there: what a test sees of
    them is the same whatever kernels a processor has, and however many items run together.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    narrow = getattr(torch, dtype)

    def wider(value: Any) -> Any:
        floats = isinstance(value, torch.Tensor) and value.is_floating_point()
        return value.double() if floats else value

    class RoundingOnce(TorchFunctionMode):
        def __torch_function__(
            self, layer: Any, _types: Any, args: Any = (), named: Any = None
        ) -> Any:
            named = dict(named or {})
            if layer.__name__ not in LAYERS or args[0].dtype != narrow:
                return layer(*args, **named)
            named.pop("inplace", None)
            wide = {name: wider(value) for name, value in named.items()}
            return layer(*map(wider, args), **wide).to(narrow)

    return RoundingOnce()
