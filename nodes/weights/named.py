"""The tensors of a part by diffusers' names, made of mapped files a tensor at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from ..checkpoints.parts import Part, Shapes
from ..checkpoints.single_file import SCALES, Origin, origins, own_keys, scale_of, unread

# What diffusers called the layers of an autoencoder's attention when Stable Diffusion was new.
_FORMER = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
_MARKER = re.compile(r"difference")


class Layout:
    """Which tensor of its files each weight of a part is, by names and shapes alone.

    Attributes:
        shapes: Of the tensors in the files, by key.
        origins: By diffusers' names.
    """

    def __init__(
        self, part: Part, shapes: Shapes, config: Mapping[str, Any], *, single: bool
    ) -> None:
        self.shapes = shapes
        if single:
            self._own = own_keys(part, shapes)
            self.origins = origins(part, shapes, config)
        else:
            self._own = [key for key in shapes if not key.endswith(SCALES)]
            self.origins = {key: Origin(key, shapes[key]) for key in self._own}

    def name_of(self, weight: str) -> str:
        """A weight's name in its files: text encoders may lack a level, layers have old names."""
        former = weight
        for new, old in _FORMER.items():
            former = former.replace(f".{new}.", f".{old}.")
        inner = weight.removeprefix("text_model.")
        candidates = (weight, former, inner, f"text_model.{weight}")
        return next((name for name in candidates if name in self.origins), weight)

    def problem(self, module: Mapping[str, Any]) -> str:
        """How it is not that of a network, by the weights' names and tensors; empty where it is."""
        missing, taken = [], set()
        for weight, empty in module.items():
            origin = self.origins.get(self.name_of(weight))
            if origin is None:
                missing.append(weight)
            elif origin.shape != tuple(empty.shape):
                sizes = (" x ".join(map(str, shape)) for shape in (origin.shape, empty.shape))
                return "{} is {}, not {}".format(weight, *sizes)
            else:
                taken.add(origin.key)
        if missing:
            more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            return f"{missing[0]} is missing{more}"
        left = [key for key in unread(self._own) if key not in taken and not _MARKER.fullmatch(key)]
        if left:
            more = f" and {len(left) - 3} more" if len(left) > 3 else ""
            return f"no layer takes its {', '.join(left[:3])}{more}"
        return ""


class Tensors(Mapping[str, Tensor]):
    """The tensors of a part by diffusers' names: views of its files, but for scaled ones."""

    def __init__(self, layout: Layout, files: Sequence[Mapping[str, Tensor]]) -> None:
        self._layout = layout
        self._files = {key: file for file in files for key in file}

    def __getitem__(self, name: str) -> Tensor:
        key, shape = self._layout.origins[name]
        value = self._files[key][key]
        if factor := scale_of(key, self._layout.shapes):
            value = value.float() * _columns(self._files[factor][factor].float(), value.dim())
        return value.reshape(shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layout.origins)

    def __len__(self) -> int:
        return len(self._layout.origins)


def _columns(factor: Tensor, dims: int) -> Tensor:
    """One factor for all of a weight, or one for each of its rows: [out, 1, ...]."""
    if factor.numel() == 1:
        return factor.reshape(())
    return factor.reshape(-1, *[1] * (dims - 1)) if factor.dim() == 1 else factor
