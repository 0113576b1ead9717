"""Patches of a model's weights, put on while they are leased: LoRAs and learned words.

A patch never touches the loaded weights, which other leases share. The layers it changes are
computed anew (``compute_changes``), stay in the pool as weights of their own, and are laid over the
loaded ones for one lease (``apply_changes``), which computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias

from nodegraph.errors import UserError
from nodegraph.node import ModelRef, Wire

from ..checkpoints.parts import DType, Part
from .lora import flat_name, layers_of, scale, settings_of
from .overlay import overlay

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module, ParameterDict

_WORD = "word "


@dataclass(frozen=True, slots=True)
class LoRA(Wire):
    """A reference to the factors in a LoRA file for one part of a model.

    Attributes:
        key: The identity of its content, without the strength: another one reloads nothing.
        settings: The text of peft's ``adapter_config.json`` beside it.
    """

    part: Part
    path: str
    key: str
    strength: float
    settings: str = ""
    dtype: DType = "auto"

    @property
    def applied(self) -> str:
        """The identity of the change that it makes to weights."""
        return f"{self.key} x {self.strength!r}"

    @property
    def content(self) -> object:
        """What prompts and pictures depend on, not where it lies."""
        return self.applied, self.settings

    def load(self, device: str, dtype: str) -> ParameterDict:
        """The factors of every layer, scaled: ``name:down``, ``name:up``, ``name:mid``."""
        import torch
        from safetensors import safe_open

        factors: dict[str, Tensor] = {}
        with safe_open(self.path, framework="pt") as file:
            settings = settings_of(file.metadata() or {}, self.settings)
            for layer in layers_of(file.keys())[0]:
                if layer.part == self.part:
                    own = {name: file.get_tensor(key).float() for name, key in layer.keys.items()}
                    # The rank is the length of the first factor: [rank, in, …]. Pruning by rank
                    # leaves layers of rank 0, which change nothing.
                    if not len(own["down"]):
                        continue
                    tensor = own.pop("alpha", None)
                    alpha = None if tensor is None else float(tensor)
                    if alpha is not None and not isfinite(alpha):
                        raise UserError(f"lora: {self.path!r} has {layer.own_name}.alpha = {alpha}")
                    own["up"] = own["up"] * scale(layer, len(own["down"]), alpha, settings)
                    factors |= {f"{layer.name}:{name}": factor for name, factor in own.items()}
        return _parameters(factors, device, getattr(torch, _width(self.dtype, dtype)))


@dataclass(frozen=True, slots=True)
class Word(Wire):
    """A reference to a word that was learned: the vectors a text encoder reads in its place.

    Attributes:
        tensor: The vectors' name in the file.
        count: How many they are.
    """

    path: str
    key: str
    text: str
    tensor: str
    count: int
    dtype: DType = "auto"

    @property
    def applied(self) -> str:
        """The identity of its vectors; its name makes no difference."""
        return self.key

    @property
    def content(self) -> object:
        """What prompts and pictures depend on, not where it lies."""
        return self.key, self.text, self.count

    def load(self, device: str, dtype: str) -> ParameterDict:
        """The vectors: (n, D)."""
        import torch
        from safetensors import safe_open

        with safe_open(self.path, framework="pt") as file:
            vectors = file.get_tensor(self.tensor)
        rows = vectors.reshape(self.count, -1)
        return _parameters({"vectors": rows}, device, getattr(torch, _width(self.dtype, dtype)))


@dataclass(frozen=True, slots=True)
class Difference(Wire):
    """The base model's UNet, of which a ControlNet's file holds no more than the difference.

    Attributes:
        unet: A reference to its weights, without any patches.
    """

    unet: ModelRef[Module]

    @property
    def applied(self) -> str:
        """The identity of what is added."""
        return f"difference to {self.unet.key}"

    @property
    def content(self) -> object:
        """What its effect depends on, wherever it lies."""
        return self.applied


Patch: TypeAlias = LoRA | Word | Difference


def _width(own: DType, dtype: str) -> str:
    return dtype if own == "auto" else own


def _parameters(tensors: Mapping[str, Tensor], device: str, dtype: Any) -> ParameterDict:
    from torch.nn import Parameter, ParameterDict

    return ParameterDict(
        {
            name: Parameter(tensor.to(device, dtype), requires_grad=False)
            for name, tensor in tensors.items()
        }
    )


def compute_changes(
    module: Module, patches: Sequence[Patch], loaded: Sequence[Any]
) -> ParameterDict:
    """The weights that ``patches`` put in place of some of a module's, which stay as they are.

    Args:
        loaded: The loaded factors, vectors or UNet of each patch, in the same order.

    Returns:
        New weights by the names of the old ones, ``/`` for the dots that a ParameterDict does not
        take, and vectors for ``word 0``, ….
    """
    import torch
    from torch.nn import Parameter, ParameterDict

    pairs = list(zip(patches, loaded, strict=True))
    loras = [(patch.strength, factors) for patch, factors in pairs if isinstance(patch, LoRA)]
    # Cloned: the result must hold nothing of the parts, which the pool counts and drops by itself.
    words = [loads["vectors"].clone() for patch, loads in pairs if isinstance(patch, Word)]
    unets = [unet for patch, unet in pairs if isinstance(patch, Difference)]
    with torch.no_grad():
        new = [(name.replace(".", "/"), weight) for name, weight in _merge(module, loras)]
        new += [(name.replace(".", "/"), sum_) for u in unets for name, sum_ in _added(module, u)]
    new += [(f"{_WORD}{index}", vectors) for index, vectors in enumerate(words)]
    return ParameterDict([(name, Parameter(value, requires_grad=False)) for name, value in new])


def apply_changes(module: Module, changes: ParameterDict) -> Module:
    """A module like ``module`` with changes in it; all else it shares with that one."""
    words = [vectors for name, vectors in changes.items() if name.startswith(_WORD)]
    weights = {
        name.replace("/", "."): weight
        for name, weight in changes.items()
        if not name.startswith(_WORD)
    }
    new: Module = overlay(module, weights)
    if not words:
        return new
    from .vocabulary import Vocabulary

    name = next(n for n, _ in new.named_modules() if n.endswith("token_embedding"))
    taught: Module = overlay(new, {name: Vocabulary(new.get_submodule(name), words)})
    return taught


def _added(module: Module, unet: Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the name and the sum of every weight that a ControlNet and a UNet both have."""
    base = dict(unet.named_parameters())
    for name, difference in module.named_parameters():
        if name in base:
            # As of LoRAs: in float32, rounded once.
            yield name, (base[name].float() + difference.float()).to(difference.dtype)


def _merge(
    module: Module, loras: Sequence[tuple[float, ParameterDict]]
) -> Iterator[tuple[str, Tensor]]:
    """Yield the name and the new weights of every layer that any of ``loras`` changes."""
    touched = {name.partition(":")[0] for _, factors in loras for name in factors}
    for name, layer in module.named_modules():
        if (flat := flat_name(name)) in touched:
            weight: Tensor = layer.get_parameter("weight")
            # Summed in float32 and rounded once: in half precision small changes would be lost.
            total = weight.float()
            for strength, factors in loras:
                if f"{flat}:up" in factors:
                    total = total + strength * _product(factors, flat).reshape_as(weight)
            yield f"{name}.weight", total.to(weight.dtype)


def _product(factors: ParameterDict, name: str) -> Tensor:
    """The change that a layer's factors stand for, float32: its numbers in the weight's order."""
    up = factors[f"{name}:up"].float().flatten(1)  # [out, rank]
    down = factors[f"{name}:down"].float().flatten(1)  # [rank, in * h * w], h and w often 1
    if f"{name}:mid" in factors:
        import torch

        mid = factors[f"{name}:mid"].float()  # [rank, rank, h, w]
        product: Tensor = torch.einsum("or, rs..., si -> oi...", up, mid, down)  # [out, in, h, w]
    else:
        product = up @ down  # [out, in * h * w]
    return product
