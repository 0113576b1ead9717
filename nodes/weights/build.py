"""Networks built without weights, and filled from mapped files a tensor at a time.

Nothing here changes anything that other threads see, as ``from_pretrained`` does: networks may be
built side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter
from torch.overrides import TorchFunctionMode

from nodegraph.errors import UserError

from ..checkpoints import folders as _folders
from ..checkpoints import ldm as _ldm
from ..checkpoints import single_file as _single
from ..checkpoints.parts import Part, Source
from .mapped import Mapped
from .quiet import quiet

# What diffusers called the layers of an autoencoder's attention when Stable Diffusion was new.
_FORMER = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}

_FILES = "mapped_files"
"""What a network calls the files that its weights are views of."""


def build(
    source: Source,
    device: str,
    dtype: torch.dtype,
    layout: torch.memory_format = torch.contiguous_format,
) -> Module:
    """Read a network onto a device.

    What has the right type on the CPU stays a view of its file; all else is converted, moved or
    laid out tensor by tensor, and what was read of the file is let go of: there are never two
    copies.

    Args:
        layout: How the weights of convolutions lie.

    Raises:
        UserError: Its file is damaged, or holds another network than its configuration says.
    """
    config = config_of(source)
    module = hollow(source.part, config)
    files = [Mapped(path) for path in files_of(source)]
    found: Mapping[str, Tensor] = {key: file[key] for file in files for key in file}
    if source.path.is_file():
        found = _single.rename(source.part, found, config)
    try:
        viewed = _fill(module, found, files, lambda one: _placed(one, device, dtype, layout))
    except _OtherError as error:
        raise UserError(
            f"model: {str(source.path)!r} is not as its configuration says: {error}"
        ) from error
    if viewed:
        module.__dict__[_FILES] = files
    return module


def let_go(module: Module, size: int) -> int:
    """Let go of so many bytes of a network's pages at least, if it has them; say how many went."""
    gone = 0
    for file in module.__dict__.get(_FILES, ()):
        gone += file.let_go(size - gone) if gone < size else 0
    return gone


def config_of(source: Source) -> dict[str, Any]:
    """The configuration of a network: its folder's, or what the sizes in its file say."""
    if source.path.is_file():
        return _single.config_of(source.part, source.path)
    return _folders.read_json(source.path / "config.json")


def files_of(source: Source) -> list[Path]:
    """The files that a network is read from: one, or the parts of one."""
    if source.path.is_file():
        return [source.path]
    names = [path.name for path in source.path.iterdir()]
    chosen = _folders.pick_weights(names, source.variant, pickle=False)
    return [source.path / name for name in chosen]


def count(source: Source) -> int:
    """The numbers that a network is made of, from the headers of its files."""
    prefix = _ldm.PREFIXES[source.part] if source.path.is_file() else ""
    shapes: dict[str, tuple[int, ...]] = {}
    for file in files_of(source):
        shapes |= _single.header(file, "model")[0]
    own = [shape for key, shape in shapes.items() if key.startswith(prefix)]
    return sum(map(prod, own or shapes.values()))


class _Hollow(TorchFunctionMode):
    """Makes every new parameter of this thread an empty one, but no buffer: those are computed."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func is torch.empty:
            given["device"] = "meta"
        return func(*args, **given)


def hollow(part: Part, config: Mapping[str, Any]) -> Module:
    """A network of the right layers and shapes, without any weights."""
    with quiet(), _Hollow():
        return network(part, config)


def network(part: Part, config: Mapping[str, Any]) -> Module:
    """A network as its configuration says, with whatever weights it is born with."""
    if part == "text_encoder":
        from transformers import CLIPTextConfig, CLIPTextModel

        text: Module = CLIPTextModel(CLIPTextConfig.from_dict(dict(config)))
        return text
    import diffusers

    kinds = {"unet": "UNet2DConditionModel", "controlnet": "ControlNetModel"}
    kind = getattr(diffusers, kinds.get(part) or str(config["_class_name"]))
    module: Module = kind.from_config(config)
    return module


class _OtherError(Exception):
    """A network's weights are not those of its configuration."""


def _fill(
    module: Module,
    found: Mapping[str, Tensor],
    files: Iterable[Mapped],
    placed: Callable[[Tensor], Tensor],
) -> bool:
    """Give every parameter its value, and every buffer that files hold.

    Returns:
        Whether any of them is a view of its file.
    """
    saved, viewed = module.state_dict(keep_vars=True), False
    for name, empty in saved.items():
        value = found.get(_named(name, found))
        if value is None:
            raise _OtherError(f"{name} is missing")
        if value.shape != empty.shape:
            sizes = (" x ".join(map(str, one.shape)) for one in (value, empty))
            raise _OtherError("{} is {}, not {}".format(name, *sizes))
        own = placed(value)
        viewed = viewed or own is value
        if own is not value:
            for file in files:
                file.forget()
        _put(module, name, own)
    for name, buffer in module.named_buffers():
        if name not in saved:
            _put(module, name, placed(buffer))
    return viewed


def _placed(value: Tensor, device: str, dtype: torch.dtype, layout: torch.memory_format) -> Tensor:
    """A weight as it is computed with: itself where it lies there like that already."""
    width = _width(value, dtype)
    if layout is torch.channels_last and value.dim() == 4:
        return value.to(device, width, memory_format=layout)
    return value.to(device, width).contiguous()


def _width(value: Tensor, dtype: torch.dtype) -> torch.dtype:
    """Whole numbers keep theirs."""
    return dtype if value.is_floating_point() else value.dtype


def _named(name: str, found: Mapping[str, Tensor]) -> str:
    """What files call a weight: text encoders had a level more once, other layers other names."""
    former = name
    for now, then in _FORMER.items():
        former = former.replace(f".{now}.", f".{then}.")
    inner = name.removeprefix("text_model.")
    return next((one for one in (name, former, inner, f"text_model.{name}") if one in found), name)


def _put(module: Module, name: str, value: Tensor) -> None:
    """Set a parameter or buffer, past ``register_parameter``: accelerate may have replaced that."""
    above, _, last = name.rpartition(".")
    owner = module.get_submodule(above)
    if last in owner._parameters:
        owner._parameters[last] = Parameter(value, requires_grad=False)
    else:
        owner._buffers[last] = value
