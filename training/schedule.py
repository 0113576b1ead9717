"""The clock of a training: its length, its progress, and the rates that follow from them."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Clock:
    """The progress of a training that is limited by minutes, by steps, or by whichever ends first.

    ``step`` and ``elapsed`` (seconds, of earlier sittings too) belong in a checkpoint.
    """

    minutes: float = math.inf
    steps: float = math.inf
    step: int = 0
    elapsed: float = 0.0
    _last: float = field(default_factory=time.monotonic)

    def tick(self) -> None:
        """Count one step."""
        now = time.monotonic()
        self.elapsed += now - self._last
        self._last = now
        self.step += 1

    @property
    def progress(self) -> float:
        """From 0 at the start to 1 or more at the end."""
        return max(self.elapsed / (60 * self.minutes), self.step / self.steps)


def warm_then_decay(step: int, progress: float, warm: int = 60, decay_from: float = 0.6) -> float:
    """A learning rate's factor: up over ``warm`` steps, constant, then linear to nearly nothing."""
    decay = min(1.0, max(0.0, 1 - progress) / (1 - decay_from))
    return min(1.0, (step + 1) / warm) * (0.01 + 0.99 * decay)


def warm_then_cosine(step: int, progress: float, warm: int = 60) -> float:
    """A learning rate's factor: up over ``warm`` steps, then half a cosine to nearly nothing."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return min(1.0, (step + 1) / warm) * (0.01 + 0.99 * cosine)
