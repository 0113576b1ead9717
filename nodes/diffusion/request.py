"""A request for a picture: the inputs that sampling reads, as a protocol that ``Denoise`` meets.

So the loop and its helpers know what they read, and nothing of the palette's nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from ..types import Conditioning, Control, DiffusionModel, Latents, Mask
    from .schedulers import SchedulerName


class Request(Protocol):
    """One picture to sample; a batch is several that agree in all but their contents."""

    version: ClassVar[int]

    @property
    def model(self) -> DiffusionModel: ...
    @property
    def prompt(self) -> Conditioning: ...
    @property
    def negative_prompt(self) -> Conditioning: ...
    @property
    def controls(self) -> Sequence[Control]: ...
    @property
    def latents(self) -> Latents | None:
        """The picture to start from; None starts from noise alone."""
        ...

    @property
    def mask(self) -> Mask | None:
        """What of that picture is redrawn: white."""
        ...

    @property
    def denoise(self) -> float: ...
    @property
    def seed(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def skipped(self) -> int:
        """How many of the first steps are not run, because the picture is there already."""
        ...

    @property
    def guidance_scale(self) -> float:
        """1 is no guidance: then the negative prompt is not read."""
        ...

    @property
    def scheduler(self) -> SchedulerName: ...
    @property
    def width(self) -> int | None: ...
    @property
    def height(self) -> int | None: ...
    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        ...

    @property
    def guess_mode(self) -> bool: ...
