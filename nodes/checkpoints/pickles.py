"""Pickled weights, where they are allowed: read without running code, made safetensors once."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodegraph.base.files import replacing, write_whole
from nodegraph.cache.folder import default_folder
from nodegraph.errors import NotFetchedError, UserError

from .hashes import identity, sha256

if TYPE_CHECKING:
    from torch import Tensor


def usable_file(path: Path, allow: frozenset[str], address: str = "model") -> Path:
    """The file itself, or what an allowed pickle was converted into; ``address`` is for errors.

    Raises:
        UserError: It is a pickle, and pickles are not allowed.
        NotFetchedError: It is not converted yet, and nothing is to be.
    """
    if not is_pickle(path):
        return path.resolve()
    if "pickle" not in allow:
        raise UserError(pickle_refused(path, address))
    return converted_file(path, address, convert="offline" not in allow)


def converted_folder(folder: Path, pickles: Sequence[str], *, convert: bool = True) -> Path:
    """A component's folder with its pickles as one safetensors file, in the cache.

    Raises:
        NotFetchedError: It is not in the cache, and nothing is to be converted.
    """
    into = default_folder() / "converted" / identity(folder / name for name in pickles)[:40]
    name = "model" if "architectures" in (folder / "config.json").read_text("utf-8") else ""
    target = into / f"{name or 'diffusion_pytorch_model'}.safetensors"
    if not target.exists():
        _check_may_convert(convert, folder)
        merged: dict[str, Tensor] = {}
        for file in pickles:
            merged |= _read(folder / file)
        _write(merged, target)
    # At every call: the folder's name is the identity of the pickles, the config may have changed.
    write_whole(into / "config.json", (folder / "config.json").read_bytes())
    return into


def converted_file(path: Path, address: str = "model", *, convert: bool = True) -> Path:
    """A pickled checkpoint as a safetensors file, in the cache; ``address`` is for errors.

    Raises:
        NotFetchedError: It is not in the cache, and nothing is to be converted.
    """
    target = default_folder() / "converted" / f"{sha256(path)[:40]}.safetensors"
    if not target.exists():
        _check_may_convert(convert, path, address)
        _write(_read(path, address), target)
    return target


def _check_may_convert(convert: bool, path: Path, address: str = "model") -> None:
    if not convert:
        raise NotFetchedError(f"{address}: {str(path)!r} is made a .safetensors file first")


def is_pickle(path: Path) -> bool:
    """Tell a pickle by its first bytes, in an archive of torch's or bare, whatever it is called."""
    with path.open("rb") as file:
        start = file.read(9)
    # Both a bare pickle and a .safetensors file with a header of 128 bytes (modulo 256) may begin
    # with 0x80; the latter has the { of its JSON behind the eight bytes of the header's length.
    return start[:2] == b"PK" or (start[:1] == b"\x80" and start[8:9] != b"{")


def pickle_refused(path: Path, address: str = "model") -> str:
    """The error for a pickle that is not read: why, and what to do."""
    return f"{address}: {str(path)!r} {pickle_risk('is a pickle')}"


def pickle_risk(subject: str, instead: str = "a .safetensors file") -> str:
    """A sentence with the risk of a pickle, and with what to do instead of reading it."""
    return (
        f"{subject}, which can run code when it is read;"
        f" use {instead}, or allow it with --allow-pickle if you trust where it is from"
    )


def _read(path: Path, address: str = "model") -> dict[str, Tensor]:
    import torch

    try:
        content = _unpickle(path)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{address}: {str(path)!r} holds more than weights; it is not read"
        ) from error
    except (RuntimeError, EOFError, OSError) as error:
        message = f"{address}: {str(path)!r} is damaged or no checkpoint: {error}"
        raise UserError(message) from error
    inner = content if isinstance(content, Mapping) else {}
    # Checkpoints of training wrap their weights, embeddings of textual inversion theirs.
    for wrapper in ("state_dict", "string_to_param"):
        inner = inner.get(wrapper, inner)
    tensors = {str(key): value for key, value in inner.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise UserError(f"{address}: {str(path)!r} holds no weights")
    return tensors


def _unpickle(path: Path) -> Any:
    import torch

    # With weights_only PyTorch's own unpickler is used: it makes tensors and plain containers, and
    # refuses all else, so nothing that the file names is imported or called.
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError:
        # Only archives can be mapped into memory; files from before torch 1.6 are none.
        return torch.load(path, map_location="cpu", weights_only=True)


def _write(weights: Mapping[str, Tensor], target: Path) -> None:
    from safetensors.torch import save_file

    target.parent.mkdir(parents=True, exist_ok=True)
    # Weights that share memory are written twice: safetensors knows no sharing.
    tensors = {key: tensor.clone().contiguous() for key, tensor in weights.items()}
    with replacing(target) as temporary:
        save_file(tensors, temporary)
