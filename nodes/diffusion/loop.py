"""The denoising loop, and the noise it starts from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from nodegraph.errors import UserError

if TYPE_CHECKING:
    from torch import Generator, Tensor
    from torch import dtype as DType

    from .resume import State

Predict: TypeAlias = "Callable[[Tensor, int], Tensor]"
"""Maps scaled latents and a step's number to the model's prediction, of the same shape."""
TakeStep: TypeAlias = "Callable[[Tensor, int], Tensor]"
"""Maps latents and a step's number to the latents after it."""


class Solver(Protocol):
    """A rule from a step's latents to the next. It remembers steps, so every run needs its own."""

    @property
    def count(self) -> int:
        """Steps in all."""
        ...

    def scale(self, latents: Tensor, index: int) -> Tensor:
        """Scale latents as the model expects them at a step."""
        ...

    def step(self, predicted: Tensor, index: int, latents: Tensor) -> Tensor:
        """Take a step."""
        ...

    def state(self) -> State:
        """All that its steps have changed, to be copied before the next one."""
        ...

    def restore(self, state: State) -> None:
        """Go on where another one like this was."""
        ...


def denoise(take_step: TakeStep, count: int, latents: Tensor, begun: int = 0) -> Iterator[Tensor]:
    """Remove noise step by step, yielding the latents after each step.

    Args:
        count: Steps in all.
        latents: (B, C, h, w) float32, from ``scheduler.start`` or ``scheduler.noised``.
        begun: Steps that the latents have behind them.
    """
    for index in range(begun, count):
        latents = take_step(latents, index)
        yield latents


def step(predict: Predict, solver: Solver, latents: Tensor, index: int) -> Tensor:
    """Take a step: predict, and let the solver go by the prediction."""
    predicted = predict(solver.scale(latents, index), index)
    return solver.step(predicted, index, latents)


def generators_of(seeds: Sequence[int]) -> list[Generator]:
    """One generator a picture, on the CPU, so that a seed gives the same noise on every device."""
    import torch

    return [torch.Generator("cpu").manual_seed(seed) for seed in seeds]


def noise(
    generators: Sequence[Generator], shape: tuple[int, int, int], dtype: DType, device: str
) -> Tensor:
    """Draw each picture's unit noise from its own generator: (B, C, h, w) float32 on ``device``.

    It is drawn in the weights' ``dtype``, as diffusers' pipelines do: other widths, other numbers.
    """
    import torch

    # On the CPU: a GPU draws other numbers from the same seed.
    drawn = [torch.randn((1, *shape), generator=dice, dtype=dtype) for dice in generators]
    return torch.cat(drawn).to(device=device, dtype=torch.float32)


def check_finite(values: Tensor, name: str, dtype: str) -> None:
    """Raise where a NaN or an infinity got in, before it becomes a black picture."""
    import torch

    if bool(torch.isfinite(values).all()):
        return
    cure = "use dtype float32" if dtype != "float32" else "the weights may be damaged"
    raise UserError(f"{name} hold NaN or infinity: the model overflowed in {dtype}; {cure}")
