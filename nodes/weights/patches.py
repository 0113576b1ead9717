"""What is put on a model's weights while they are lent: LoRAs, and words of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from nodegraph.node import Wire

from ..checkpoints.parts import DType, Part
from .lora import flat, layers_of, scale, settings_of
from .overlay import exchanged

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module, ParameterDict

_WORD = "word "


@dataclass(frozen=True, slots=True)
class LoRA(Wire):
    """A reference to what a LoRA file holds for one part of a model.

    Attributes:
        key: The identity of its content. The strength is none of it: it reloads nothing.
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
        """The identity of what it does to weights."""
        return f"{self.key} x {self.strength!r}"

    def load(self, device: str, dtype: str) -> ParameterDict:
        """The factors of every layer, scaled: ``name:down``, ``name:up``, ``name:mid``."""
        import torch
        from safetensors import safe_open

        found: dict[str, Tensor] = {}
        with safe_open(self.path, framework="pt") as file:
            settings = settings_of(file.metadata() or {}, self.settings)
            for layer in layers_of(file.keys())[0]:
                if layer.part == self.part:
                    one = {role: file.get_tensor(key).float() for role, key in layer.keys.items()}
                    alpha = one.pop("alpha", None)
                    told = None if alpha is None else float(alpha)
                    one["up"] = one["up"] * scale(layer, len(one["down"]), told, settings)
                    found |= {f"{layer.name}:{role}": factor for role, factor in one.items()}
        return _held(found, device, getattr(torch, _wanted(self.dtype, dtype)))


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
        """The identity of what it adds; what it is called makes no difference."""
        return self.key

    def load(self, device: str, dtype: str) -> ParameterDict:
        """The vectors: (n, D)."""
        import torch
        from safetensors import safe_open

        with safe_open(self.path, framework="pt") as file:
            vectors = file.get_tensor(self.tensor)
        rows = vectors.reshape(self.count, -1)
        return _held({"vectors": rows}, device, getattr(torch, _wanted(self.dtype, dtype)))


Patch: TypeAlias = LoRA | Word


def _wanted(own: DType, dtype: str) -> str:
    return dtype if own == "auto" else own


def _held(tensors: Mapping[str, Tensor], device: str, dtype: Any) -> ParameterDict:
    from torch.nn import Parameter, ParameterDict

    kept = {
        name: Parameter(one.to(device, dtype), requires_grad=False) for name, one in tensors.items()
    }
    return ParameterDict(kept)


def changes(
    module: Module, patches: Sequence[Patch], loaded: Sequence[ParameterDict]
) -> ParameterDict:
    """What ``patches`` put in place of some of a module's weights, which stay as they are.

    Args:
        loaded: What each of the patches loads.

    Returns:
        New weights by the names of the old ones, ``/`` for dots, and vectors for ``word 0``, ….
    """
    import torch
    from torch.nn import Parameter, ParameterDict

    pairs = list(zip(patches, loaded, strict=True))
    loras = [(patch.strength, held) for patch, held in pairs if isinstance(patch, LoRA)]
    words = [held["vectors"].clone() for patch, held in pairs if isinstance(patch, Word)]
    with torch.no_grad():
        new = [(name.replace(".", "/"), weight) for name, weight in _merged(module, loras)]
    new += [(f"{_WORD}{index}", vectors) for index, vectors in enumerate(words)]
    return ParameterDict([(name, Parameter(one, requires_grad=False)) for name, one in new])


def patched(module: Module, made: ParameterDict) -> Module:
    """A module like ``module`` with changes in it; what they leave alone it shares with it."""
    words = [one for name, one in made.items() if name.startswith(_WORD)]
    weights = {n.replace("/", "."): one for n, one in made.items() if not n.startswith(_WORD)}
    new: Module = exchanged(module, weights)
    if not words:
        return new
    from .vocabulary import Vocabulary

    name = next(n for n, _ in new.named_modules() if n.endswith("token_embedding"))
    taught: Module = exchanged(new, {name: Vocabulary(new.get_submodule(name), words)})
    return taught


def _merged(
    module: Module, loras: Sequence[tuple[float, ParameterDict]]
) -> Iterator[tuple[str, Tensor]]:
    """Yield the name and the new weights of every layer that any of ``loras`` changes."""
    touched = {name.partition(":")[0] for _, held in loras for name in held}
    for name, layer in module.named_modules():
        if flat(name) in touched:
            weight: Tensor = layer.get_parameter("weight")
            total = weight.float()
            for strength, held in loras:
                if f"{flat(name)}:up" in held:
                    total = total + strength * _product(held, flat(name)).reshape_as(weight)
            yield f"{name}.weight", total.to(weight.dtype)


def _product(held: ParameterDict, name: str) -> Tensor:
    """The change that a layer's factors stand for, flat: (out, in ...) float32."""
    up, down = held[f"{name}:up"].float(), held[f"{name}:down"].float()
    if f"{name}:mid" in held:
        import torch

        mid = held[f"{name}:mid"].float()
        up, down = up.flatten(1), down.flatten(1)
        product: Tensor = torch.einsum("or, rs..., si -> oi...", up, mid, down)
    else:
        product = up.flatten(1) @ down.flatten(1)
    return product
