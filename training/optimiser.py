"""Muon: momentum whose every matrix is made orthogonal before it is applied."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """Bring singular values near 1 by Newton-Schulz steps (kellerjordan.github.io/posts/muon)."""
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return torch.Tensor.to(x.T if tall else x, matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, made orthogonal, with AdamW's size of step (arXiv 2502.16982, 2.2).

    For weights of two or more dimensions; a convolution counts as (out, in * height * width).
    """

    def __init__(
        self, weights: Iterable[Tensor], rate: float, momentum: float = 0.95, decay: float = 1e-3
    ) -> None:
        super().__init__(list(weights), {"lr": rate, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, _closure: None = None) -> None:  # type: ignore[override]
        """Update every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(
                        weight, weight.grad, group["lr"], group["momentum"], group["decay"]
                    )

    def _update(
        self, weight: Tensor, gradient: Tensor, rate: float, momentum: float, decay: float
    ) -> None:
        state = self.state[weight]
        if "average" not in state:
            state["average"] = torch.zeros_like(weight)
        average = state["average"]
        average.lerp_(gradient, 1 - momentum)
        direction = gradient.lerp(average, momentum).reshape(len(weight), -1)
        size = 0.2 * max(direction.shape) ** 0.5
        weight.mul_(1 - rate * decay)
        weight.add_(orthogonal(direction).view_as(weight), alpha=-rate * size)


def optimisers(module: nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for a module's inner matrices; AdamW for vectors, embeddings, first and last layers."""
    inner: list[Tensor] = []
    outer: list[Tensor] = []
    for name, weight in module.named_parameters():
        edge = any(part in name for part in ("embed", "conv_in", "conv_out", "controlnet_"))
        (outer if edge or weight.ndim < 2 else inner).append(weight)
    adam = torch.optim.AdamW(outer, lr=rate, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
    return [Muon(inner, rate), adam]


def set_rate(parts: Iterable[torch.optim.Optimizer], rate: float) -> None:
    """Set the learning rate everywhere."""
    for optimiser in parts:
        for group in optimiser.param_groups:
            group["lr"] = rate
