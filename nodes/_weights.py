"""References to weights files, and how each part of a model is loaded from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nodegraph.node import ModelRef, Wire

from ._patches import Patch, Word, patched

if TYPE_CHECKING:
    from torch.nn import Module

Part: TypeAlias = Literal["text_encoder", "unet", "vae", "controlnet", "depth", "seg"]
DType: TypeAlias = Literal["auto", "float32", "float16", "bfloat16"]

LOADING = Lock()
"""Held while modules are built: meanwhile accelerate makes every new parameter an empty one."""


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
    def words(self) -> Sequence[tuple[str, int]]:
        """Of a text encoder: what was added to its vocabulary, and of how many vectors each is."""
        return [(one.text, one.count) for one in self.patches if isinstance(one, Word)]

    @property
    def parts(self) -> Sequence[ModelRef[Any]]:
        """The weights themselves and what is put on them; none where nothing is."""
        return (replace(self, patches=()), *self.patches) if self.patches else ()

    def compose(self, parts: Sequence[Any]) -> Module:
        """Put the loaded patches on the loaded weights, which stay as they are."""
        module, *loaded = parts
        return patched(module, self.patches, loaded)

    def load(self, device: str, dtype: str) -> Module:
        """Read the part from disk onto ``device``, ready for inference."""
        if self.patches:
            return self.compose([part.load(device, dtype) for part in self.parts])
        from ._quiet import quiet

        with LOADING, quiet():
            wanted = _torch_dtype(dtype if self.dtype == "auto" else self.dtype)
            module = _read(self, wanted)
            module.to(device=device, dtype=wanted)
        if self.part in ("unet", "controlnet"):
            from ._attention import remember_prompts
            from ._layers import lay_out

            remember_prompts(module)
            lay_out(module)
        return module.requires_grad_(requires_grad=False).eval()


def _torch_dtype(name: str) -> Any:
    import torch

    return getattr(torch, name)


def _read(weights: Weights, dtype: Any) -> Module:
    path = Path(weights.path)
    if path.is_file():
        from ._single import read_part

        return read_part(weights.part, path, dtype)
    variant = {"variant": weights.variant} if weights.variant else {}
    options = {"dtype": dtype, "local_files_only": True, "use_safetensors": True, **variant}
    module: Module = _class_of(weights.part, path).from_pretrained(path, **options)
    return module


def _class_of(part: Part, folder: Path) -> Any:
    import diffusers

    from ._folders import read_json

    if part == "text_encoder":
        from transformers import CLIPTextModel

        return CLIPTextModel
    if part == "vae":
        return getattr(diffusers, str(read_json(folder / "config.json")["_class_name"]))
    if part in ("depth", "seg"):
        import transformers

        return getattr(transformers, str(read_json(folder / "config.json")["architectures"][0]))
    return diffusers.UNet2DConditionModel if part == "unet" else diffusers.ControlNetModel


def key_of(part: Part, digest: str, dtype: DType) -> str:
    """The identity of loaded weights: the parts of one file differ, and so do other dtypes."""
    return f"{part} {digest}" if dtype == "auto" else f"{part} {digest} {dtype}"


@lru_cache(maxsize=8)
def tokenizer(folder: str) -> Any:
    """The tokenizer whose vocabulary lies in ``folder``."""
    from transformers import CLIPTokenizer

    from ._quiet import quiet

    with quiet():
        return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
