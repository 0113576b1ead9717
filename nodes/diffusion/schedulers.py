"""Schedulers by their short names, built from a model's own scheduler configuration."""

from __future__ import annotations

import inspect
import json
from operator import is_
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Generator, Tensor

    from .resume import State

SchedulerName: TypeAlias = Literal[
    "UniPC",
    "UniPC Karras",
    "DDIM",
    "DDPM",
    "PNDM",
    "Euler",
    "Euler Karras",
    "Euler ancestral",
    "Heun",
    "Heun Karras",
    "LMS",
    "LMS Karras",
    "DPM++ 2M",
    "DPM++ 2M Karras",
    "DPM++ 2M SDE",
    "DPM++ 2M SDE Karras",
    "DPM++ 2S",
    "DPM++ 2S Karras",
    "DPM2",
    "DPM2 Karras",
    "DPM2 ancestral",
    "DPM2 ancestral Karras",
    "DEIS",
    "SA-Solver",
    "LCM",
]

_KARRAS = {"use_karras_sigmas": True}
_SDE = {"algorithm_type": "sde-dpmsolver++"}
# Left out: DPMSolverSDE, which needs torchsde, and EDMEuler, for models with other noise levels.
SCHEDULERS: Mapping[SchedulerName, tuple[str, Mapping[str, object]]] = {
    "UniPC": ("UniPCMultistepScheduler", {}),
    "UniPC Karras": ("UniPCMultistepScheduler", _KARRAS),
    "DDIM": ("DDIMScheduler", {}),
    "DDPM": ("DDPMScheduler", {}),
    "PNDM": ("PNDMScheduler", {}),
    "Euler": ("EulerDiscreteScheduler", {}),
    "Euler Karras": ("EulerDiscreteScheduler", _KARRAS),
    "Euler ancestral": ("EulerAncestralDiscreteScheduler", {}),
    "Heun": ("HeunDiscreteScheduler", {}),
    "Heun Karras": ("HeunDiscreteScheduler", _KARRAS),
    "LMS": ("LMSDiscreteScheduler", {}),
    "LMS Karras": ("LMSDiscreteScheduler", _KARRAS),
    "DPM++ 2M": ("DPMSolverMultistepScheduler", {}),
    "DPM++ 2M Karras": ("DPMSolverMultistepScheduler", _KARRAS),
    "DPM++ 2M SDE": ("DPMSolverMultistepScheduler", _SDE),
    "DPM++ 2M SDE Karras": ("DPMSolverMultistepScheduler", {**_SDE, **_KARRAS}),
    "DPM++ 2S": ("DPMSolverSinglestepScheduler", {}),
    "DPM++ 2S Karras": ("DPMSolverSinglestepScheduler", _KARRAS),
    "DPM2": ("KDPM2DiscreteScheduler", {}),
    "DPM2 Karras": ("KDPM2DiscreteScheduler", _KARRAS),
    "DPM2 ancestral": ("KDPM2AncestralDiscreteScheduler", {}),
    "DPM2 ancestral Karras": ("KDPM2AncestralDiscreteScheduler", _KARRAS),
    "DEIS": ("DEISMultistepScheduler", {}),
    "SA-Solver": ("SASolverScheduler", {}),
    "LCM": ("LCMScheduler", {}),
}


class Scheduler:
    """A diffusers scheduler with its steps set.

    It remembers earlier steps, so every run needs its own.

    Args:
        skipped: How many of the first steps are not run, where a picture is started from.
    """

    def __init__(
        self, name: SchedulerName, config: str, steps: int, device: str, skipped: int | None = None
    ) -> None:
        import diffusers

        kind, changes = SCHEDULERS[name]
        self._inner: Any = getattr(diffusers, kind).from_config(json.loads(config), **changes)
        self._inner.set_timesteps(steps, device=device)
        first = (skipped or 0) * self._inner.order
        self.timesteps: Tensor = self._inner.timesteps[first:]
        # Told where they begin, they need not look it up, for which they would wait for the device.
        # Those that do not count their steps find their place by the timestep.
        if hasattr(self._inner, "set_begin_index"):
            self._inner.set_begin_index(first)
        self._random = "generator" in inspect.signature(self._inner.step).parameters
        self._before = {name: _snapshot(value) for name, value in vars(self._inner).items()}

    def start(self, noise: Tensor) -> Tensor:
        """Scale unit noise to the strength that the first step expects."""
        strength: float | Tensor = self._inner.init_noise_sigma
        return noise * strength

    def noised(self, latents: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
        """Lay unit noise over clean latents, as strong as it is before the step at ``timestep``.

        Args:
            timestep: (1,), of the first step, or of the one that comes next.
        """
        mixed: Tensor = self._inner.add_noise(latents, noise, timestep)
        return mixed

    def scale(self, latents: Tensor, timestep: Tensor) -> Tensor:
        """Scale latents as the model expects them at ``timestep``."""
        scaled: Tensor = self._inner.scale_model_input(latents, timestep)
        return scaled

    def step(
        self, predicted: Tensor, timestep: Tensor, latents: Tensor, generators: Sequence[Generator]
    ) -> Tensor:
        """Take one step; stochastic schedulers draw each picture's noise from its own generator."""
        drawn = {"generator": list(generators)} if self._random else {}
        stepped: Tensor = self._inner.step(
            predicted, timestep, latents, return_dict=False, **drawn
        )[0]
        return stepped

    def state(self, generators: Sequence[Generator]) -> State:
        """All that its steps have changed, and its generators; to be copied before the next step.

        Found by comparison with how it was built: schedulers name and nest their memory as they
        like, and a list of attributes here would be wrong with their next version.
        """
        before, now = self._before, vars(self._inner).items()
        changed = {name: value for name, value in now if not _unchanged(value, before.get(name))}
        dice = [generator.get_state() for generator in generators] if self._random else []
        return {"changed": changed, "dice": dice}

    def restore(self, state: State, generators: Sequence[Generator]) -> None:
        """Go on from the state of another one like this, which must not go on itself."""
        vars(self._inner).update(state["changed"])
        # Not strict: one that draws nothing has no dice to restore.
        for generator, dice in zip(generators, state["dice"], strict=False):
            generator.set_state(dice)


def _snapshot(value: Any) -> tuple[Any, Any]:
    """An attribute, and a witness of its content: a list's elements, or a tensor's version."""
    return value, tuple(value) if isinstance(value, list) else getattr(value, "_version", None)


def _unchanged(value: Any, snapshot: tuple[Any, Any] | None) -> bool:
    if snapshot is None or snapshot[0] is not value:
        return False
    if isinstance(value, list):
        return len(value) == len(snapshot[1]) and all(map(is_, value, snapshot[1]))
    return bool(snapshot[1] == getattr(value, "_version", None))
