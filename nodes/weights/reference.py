"""References to weights: light wires that load a part of a model, and patch it, on lease."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from nodegraph.base.file_memo import FileMemo
from nodegraph.errors import UserError
from nodegraph.node import ModelRef, Wire
from nodegraph.savings import Offload

from ..checkpoints.parts import DType, Part, Source
from .offload import Offloaded
from .patches import Difference, Patch, Word, apply_changes, compute_changes

if TYPE_CHECKING:
    from torch.nn import Module, ParameterDict

_log = logging.getLogger(__name__)
# Layers that a class of transformers has and never computes with, or uses in training alone.
_UNUSED = re.compile(
    r"fusion_stage\.layers\.0\.residual_layer1\.|^auxiliary_head\.|\bpooler\.|"
    r"num_batches_tracked$|position_ids$|relative_position_index$"
)
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
        dtype: The user's choice; ``auto`` leaves it to the run.
        patches: Put on the weights in this order; the key is that of the bare ones.
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
    def content(self) -> tuple[object, ...]:
        """What is computed with it depends on this alone, not on where it lies."""
        return self.part, self.key, self.dtype, tuple(patch.content for patch in self.patches)

    @property
    def words(self) -> Sequence[tuple[str, int]]:
        """Of a text encoder: the words added to its vocabulary, each with its count of vectors."""
        return [(patch.text, patch.count) for patch in self.patches if isinstance(patch, Word)]

    @property
    def parts(self) -> Sequence[ModelRef[Any]]:
        """The bare weights and, after them, the patches; none where there are no patches."""
        if not self.patches:
            return ()
        loaded = (p.unet if isinstance(p, Difference) else p for p in self.patches)
        return (replace(self, patches=()), *loaded)

    def offloaded(self, device: str, by: Offload) -> Offloaded:
        """The same weights, lying on the host while they are used on ``device``."""
        return Offloaded(self, device, by)

    @property
    def derived_key(self) -> str:
        """The identity of the weights that the patches change."""
        return " + ".join([self.key, *(patch.applied for patch in self.patches)])

    def make(self, parts: Sequence[Any]) -> ParameterDict:
        """Compute the weights that the loaded patches change, and no others."""
        module, *loaded = parts
        return compute_changes(module, self.patches, loaded)

    def compose(self, base: Module, changes: ParameterDict) -> Module:
        """The loaded weights with the changed ones in their places; they stay as they are."""
        return apply_changes(base, changes)

    def nbytes(self, dtype: str) -> int:
        """Bytes of the bare weights in memory, from the headers of their files."""
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
        return module.requires_grad_(requires_grad=False).eval()


def _read(weights: Weights, device: str, dtype: str) -> Module:
    import torch

    width = getattr(torch, dtype)
    source = weights.source
    if source.part in ("depth", "seg"):
        return _by_transformers(source.path, source.variant, width).to(device)
    from ..networks.layers import layout
    from .build import build

    if source.part in ("unet", "controlnet"):
        return build(source, device, width, layout(device, width))
    return build(source, device, width)


def _by_transformers(folder: Path, variant: str, dtype: Any) -> Module:
    from ..checkpoints.folders import read_json
    from .quiet import quiet

    options = {"variant": variant} if variant else {}
    with LOADING, quiet():
        import transformers

        kind = getattr(transformers, str(read_json(folder / "config.json")["architectures"][0]))
        try:
            module, report = kind.from_pretrained(
                folder,
                dtype=dtype,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
                **options,
            )
        except Exception as error:  # of a library, about a value or a size that it cannot do with
            reason = " ".join(str(error).split())[:300]
            raise UserError(f"model: {str(folder)!r} cannot be loaded: {reason}") from error
        # Of what a file lacks the library makes random numbers.
        if missing := [key for key in report["missing_keys"] if not _UNUSED.search(key)]:
            more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            raise UserError(
                f"model: {str(folder)!r} is not as its configuration says: {min(missing)} is"
                f" missing{more}"
            )
        if left := sorted(key for key in report["unexpected_keys"] if not _UNUSED.search(key)):
            _log.warning(
                "%s: no layer takes %s", folder, ", ".join(left[:3]) + ", …" * (len(left) > 3)
            )
        loaded: Module = module.to(dtype=dtype)
        return loaded


def key_of(part: Part, digest: str, dtype: DType) -> str:
    """The identity of loaded weights: the parts of one file differ, and so do other dtypes."""
    return f"{part} {digest}" if dtype == "auto" else f"{part} {digest} {dtype}"


_tokenizers: FileMemo[Any] = FileMemo(8)


def tokenizer(folder: str) -> Any:
    """The tokenizer whose vocabulary lies in ``folder``."""
    files = sorted(path for path in Path(folder).iterdir() if path.is_file())
    return _tokenizers.get(files, lambda: _tokenizer(folder))


def _tokenizer(folder: str) -> Any:
    from .quiet import quiet

    with quiet():
        from transformers import CLIPTokenizer

        return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
