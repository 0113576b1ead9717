"""References to weights files, and how each part of a model is loaded from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from nodegraph.node import ModelRef, Wire
from nodegraph.savings import Offload

from ..checkpoints.parts import DType, Part, Source
from .offload import Offloaded
from .patches import Patch, Word, changes, patched

if TYPE_CHECKING:
    from torch.nn import Module, ParameterDict

LOADING = Lock()
"""Held while ``from_pretrained`` builds modules, and by whoever builds some as anybody would:
meanwhile accelerate makes every new parameter an empty one, in all threads."""


@dataclass(frozen=True, slots=True)
class Weights(Wire):
    """A light reference to one part of a model; ``load`` reads it.

    Attributes:
        path: The part's folder in diffusers' layout, or one file that holds it.
        key: The identity of the weights' content.
        variant: Which of a folder's files, ``fp16`` say; empty for the plain ones.
        tokenizer: Of a text encoder: the folder of its vocabulary.
        dtype: What the user asked for; ``auto`` leaves it to the run.
        patches: What is put on the weights, in this order; the key is that of the bare ones.
    """

    part: Part
    path: str
    key: str
    variant: str = ""
    tokenizer: str = ""
    dtype: DType = "auto"
    patches: tuple[Patch, ...] = ()

    @property
    def source(self) -> Source:
        """The files to read, whatever is done with what they hold."""
        return Source(self.part, Path(self.path), self.variant)

    @property
    def words(self) -> Sequence[tuple[str, int]]:
        """Of a text encoder: what was added to its vocabulary, and of how many vectors each is."""
        return [(one.text, one.count) for one in self.patches if isinstance(one, Word)]

    @property
    def parts(self) -> Sequence[ModelRef[Any]]:
        """The weights themselves and what is put on them; none where nothing is."""
        return (replace(self, patches=()), *self.patches) if self.patches else ()

    def offloaded(self, device: str, by: Offload) -> Offloaded:
        """The same weights, lying on the host while they are used on ``device``."""
        return Offloaded(self, device, by)

    @property
    def derived_key(self) -> str:
        """The identity of the weights that the patches change."""
        return " + ".join([self.key, *(one.applied for one in self.patches)])

    def make(self, parts: Sequence[Any]) -> ParameterDict:
        """Compute the weights that the loaded patches change, and no others."""
        module, *loaded = parts
        return changes(module, self.patches, loaded)

    def compose(self, base: Module, made: ParameterDict) -> Module:
        """The loaded weights with those that were made in their places; they stay as they are."""
        return patched(base, made)

    def nbytes(self, dtype: str) -> int:
        """Bytes of the bare weights in memory, from what their files say."""
        from .build import count

        widths = {"float32": 4, "float16": 2, "bfloat16": 2}
        return count(self.source) * widths[dtype if self.dtype == "auto" else self.dtype]

    def let_go(self, weights: Module, size: int) -> int:
        """Let go of pages of the loaded part, which are read again when they are touched."""
        from .build import let_go

        return let_go(weights, size)

    def load(self, device: str, dtype: str) -> Module:
        """Read the part from disk onto ``device``, ready for inference."""
        if self.patches:
            parts = [part.load(device, dtype) for part in self.parts]
            return self.compose(parts[0], self.make(parts))
        module = _read(self, device, dtype if self.dtype == "auto" else self.dtype)
        if self.part in ("unet", "controlnet"):
            from ..networks.attention import remember_prompts

            remember_prompts(module)
        return module.requires_grad_(requires_grad=False).eval()


def _read(weights: Weights, device: str, dtype: str) -> Module:
    import torch

    wanted = getattr(torch, dtype)
    source = weights.source
    if source.part in ("depth", "seg"):
        return _by_transformers(source.path, source.variant, wanted).to(device)
    from ..networks.layers import layout
    from .build import build

    if source.part in ("unet", "controlnet"):
        return build(source, device, wanted, layout(device, wanted))
    return build(source, device, wanted)


def _by_transformers(folder: Path, variant: str, dtype: Any) -> Module:
    from ..checkpoints.folders import read_json
    from .quiet import quiet

    options = {"variant": variant} if variant else {}
    with LOADING, quiet():
        import transformers

        kind = getattr(transformers, str(read_json(folder / "config.json")["architectures"][0]))
        module: Module = kind.from_pretrained(
            folder, dtype=dtype, local_files_only=True, use_safetensors=True, **options
        )
        return module.to(dtype=dtype)


def key_of(part: Part, digest: str, dtype: DType) -> str:
    """The identity of loaded weights: the parts of one file differ, and so do other dtypes."""
    return f"{part} {digest}" if dtype == "auto" else f"{part} {digest} {dtype}"


@lru_cache(maxsize=8)
def tokenizer(folder: str) -> Any:
    """The tokenizer whose vocabulary lies in ``folder``."""
    from .quiet import quiet

    with quiet():
        from transformers import CLIPTokenizer

        return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
