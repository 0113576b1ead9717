"""Schedulers by their short names, built from a model's own scheduler configuration."""

from __future__ import annotations

import inspect
import json
from operator import is_
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nodegraph.errors import UserError

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

# What the names say holds, whatever the configuration says: it is that of another scheduler, whose
# words may mean another thing here, or nothing that can be run.
_EVEN = {
    "use_karras_sigmas": False,
    "use_exponential_sigmas": False,
    "use_beta_sigmas": False,
    "use_lu_lambdas": False,
}
_KARRAS = {**_EVEN, "use_karras_sigmas": True}
_DPM = {"algorithm_type": "dpmsolver++", "solver_order": 2}
# Without it the last step of some divides by zero; DPM++ 2S sets it itself, with words on stderr.
_LOWER = {"lower_order_final": True}
_SDE = {**_DPM, "algorithm_type": "sde-dpmsolver++"}
# Left out: DPMSolverSDE, which needs torchsde, and EDMEuler, for models with other noise levels.
SCHEDULERS: Mapping[SchedulerName, tuple[str, Mapping[str, object]]] = {
    "UniPC": ("UniPCMultistepScheduler", {**_LOWER, **_EVEN}),
    "UniPC Karras": ("UniPCMultistepScheduler", {**_LOWER, **_KARRAS}),
    "DDIM": ("DDIMScheduler", {}),
    "DDPM": ("DDPMScheduler", {}),
    "PNDM": ("PNDMScheduler", {}),
    "Euler": ("EulerDiscreteScheduler", _EVEN),
    "Euler Karras": ("EulerDiscreteScheduler", _KARRAS),
    "Euler ancestral": ("EulerAncestralDiscreteScheduler", {}),
    "Heun": ("HeunDiscreteScheduler", _EVEN),
    "Heun Karras": ("HeunDiscreteScheduler", _KARRAS),
    "LMS": ("LMSDiscreteScheduler", _EVEN),
    "LMS Karras": ("LMSDiscreteScheduler", _KARRAS),
    "DPM++ 2M": ("DPMSolverMultistepScheduler", {**_DPM, **_EVEN}),
    "DPM++ 2M Karras": ("DPMSolverMultistepScheduler", {**_DPM, **_KARRAS}),
    "DPM++ 2M SDE": ("DPMSolverMultistepScheduler", {**_SDE, **_EVEN}),
    "DPM++ 2M SDE Karras": ("DPMSolverMultistepScheduler", {**_SDE, **_KARRAS}),
    "DPM++ 2S": ("DPMSolverSinglestepScheduler", {**_DPM, **_LOWER, **_EVEN}),
    "DPM++ 2S Karras": ("DPMSolverSinglestepScheduler", {**_DPM, **_LOWER, **_KARRAS}),
    "DPM2": ("KDPM2DiscreteScheduler", _EVEN),
    "DPM2 Karras": ("KDPM2DiscreteScheduler", _KARRAS),
    "DPM2 ancestral": ("KDPM2AncestralDiscreteScheduler", _EVEN),
    "DPM2 ancestral Karras": ("KDPM2AncestralDiscreteScheduler", _KARRAS),
    "DEIS": ("DEISMultistepScheduler", {"algorithm_type": "deis", **_LOWER, **_EVEN}),
    "SA-Solver": (
        "SASolverScheduler",
        {"algorithm_type": "data_prediction", **_LOWER, **_EVEN},
    ),
    "LCM": ("LCMScheduler", {}),
}

UNSAID: Mapping[str, object] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "set_alpha_to_one": False,
}
"""Stable Diffusion's own values of what a configuration leaves out; diffusers' classes have others.

They were made for models of pixels, and no two of them agree.
"""
CORRECTED: Mapping[str, object] = {
    "steps_offset": 1,
    "clip_sample": False,
    "skip_prk_steps": True,
}
"""What diffusers' Stable Diffusion pipelines correct when they are built, whatever is configured.

Latents are no pixels, so nothing is to be clipped to [-1, 1]; and the Runge-Kutta steps of PNDM ask
for four steps at least, and are no place to begin with a picture.
"""
LCM_STEPS = 50
"""Of the schedule that a latent consistency model was distilled to, unless it says otherwise."""


class Scheduler:
    """A diffusers scheduler with its steps set.

    It remembers earlier steps, so every run needs its own.

    Args:
        config: The model's own, as JSON.
        skipped: How many of the first steps are not run, where a picture is started from.

    Raises:
        UserError: The model's settings are not for this scheduler, or not for so many steps.
    """

    def __init__(
        self, name: SchedulerName, config: str, steps: int, device: str, skipped: int | None = None
    ) -> None:
        import diffusers

        self._name, settings = name, settings_of(name, config, steps)
        try:
            self._inner: Any = getattr(diffusers, SCHEDULERS[name][0]).from_config(settings)
            self._inner.set_timesteps(steps, device=device)
        except Exception as error:  # whatever a class makes of settings that are not for it
            raise _unfit(name, error) from error
        first = (skipped or 0) * self._inner.order
        self.timesteps: Tensor = self._inner.timesteps[first:]
        # Told where they begin, they need not look it up, for which they would wait for the device.
        # Those that do not count their steps find their place by the timestep.
        if hasattr(self._inner, "set_begin_index"):
            self._inner.set_begin_index(first)
        self._random = "generator" in inspect.signature(self._inner.step).parameters
        self._before = {name: _snapshot(value) for name, value in vars(self._inner).items()}

    @property
    def order(self) -> int:
        """How many calls of the model make one step."""
        order: int = self._inner.order
        return order

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
        try:
            stepped: Tensor = self._inner.step(
                predicted, timestep, latents, return_dict=False, **drawn
            )[0]
        except (NotImplementedError, ValueError) as error:  # what the model predicts, say
            raise _unfit(self._name, error) from error
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


def settings_of(name: SchedulerName, config: str, steps: int) -> dict[str, Any]:
    """A diffusers scheduler's settings: the model's, with Stable Diffusion's where those are not.

    Raises:
        UserError: The model was trained with fewer steps.
    """
    own = json.loads(config)
    own.pop("_use_default_values", None)  # names keys that diffusers is not to read
    settings = {**UNSAID, **own, **CORRECTED, **SCHEDULERS[name][1]}
    trained = settings["num_train_timesteps"]
    if isinstance(trained, int) and steps > trained:
        raise UserError(f"steps: {steps} are more than the model was trained with; use {trained}")
    if name == "LCM":
        distilled = settings.get("original_inference_steps") or LCM_STEPS
        # Its steps are some of those that it was distilled to; of finer ones there are enough.
        while isinstance(distilled, int) and 0 < distilled < steps:
            distilled *= 2
        settings["original_inference_steps"] = distilled
    return settings


def _unfit(name: SchedulerName, error: Exception) -> UserError:
    reason = " ".join(str(error).split())
    return UserError(
        f"scheduler: {name} cannot be run with the scheduler settings of this model ({reason});"
        " choose another"
    )


def _snapshot(value: Any) -> tuple[Any, Any]:
    """An attribute, and a witness of its content: a list's elements, or a tensor's version."""
    return value, tuple(value) if isinstance(value, list) else getattr(value, "_version", None)


def _unchanged(value: Any, snapshot: tuple[Any, Any] | None) -> bool:
    if snapshot is None or snapshot[0] is not value:
        return False
    if isinstance(value, list):
        return len(value) == len(snapshot[1]) and all(map(is_, value, snapshot[1]))
    return bool(snapshot[1] == getattr(value, "_version", None))
