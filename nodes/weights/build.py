"""Networks built without weights, and filled from mapped files a tensor at a time.

Nothing here changes anything that other threads see, as ``from_pretrained`` does: networks may be
built side by side.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter
from torch.overrides import TorchFunctionMode

from nodegraph.errors import UserError

from ..checkpoints import folders, ldm, single_file
from ..checkpoints.parts import Part, Source
from .mapped import Mapped
from .named import Layout, Tensors
from .quiet import quiet

_log = logging.getLogger(__name__)
_FILES = "mapped_files"
"""The attribute of a network with the files that its weights are views of."""


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
    module, names = _hollow_and_names(source)
    files = [Mapped(path) for path in files_of(source)]
    has_views = _fill(module, names, files, lambda value: _place(value, device, dtype, layout))
    # For let_go; the views hold their maps themselves, and without views no pages are left.
    if has_views:
        module.__dict__[_FILES] = files
    return module


def check(source: Source) -> None:
    """Check by names and shapes, without reading weights, that ``build`` would have all it needs.

    Raises:
        UserError: Weights are missing, of another size, or such that no layer takes.
    """
    _, names = _hollow_and_names(source)
    if (
        source.part == "unet"
        and source.path.is_file()
        and (left := single_file.strangers(names.shapes))
    ):
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        _log.warning("%s: nothing here reads its %s%s", source.path, ", ".join(left[:3]), more)


def _hollow_and_names(source: Source) -> tuple[Module, Layout]:
    config = config_of(source)
    shapes: dict[str, tuple[int, ...]] = {}
    for file in files_of(source):
        shapes |= single_file.header(file, "model")[0]
    try:
        module = hollow(source.part, config)
        names = Layout(source.part, shapes, config, single=source.path.is_file())
    except Exception as error:  # of a library, about a value that it cannot do with
        raise UserError(
            f"model: the configuration of {str(source.path)!r} describes no network that can be"
            f" built: {error}"
        ) from error
    if problem := names.problem(module.state_dict(keep_vars=True)):
        raise UserError(f"model: {str(source.path)!r} is not as its configuration says: {problem}")
    return module, names


def let_go(module: Module, size: int) -> int:
    """Let go of at least ``size`` bytes of a network's pages, if it has them; returns the bytes."""
    freed = 0
    for file in module.__dict__.get(_FILES, ()):
        freed += file.let_go(size - freed) if freed < size else 0
    return freed


def config_of(source: Source) -> dict[str, Any]:
    """The configuration of a network: its folder's, or the one that the sizes in its file imply."""
    if source.path.is_file():
        return single_file.config_of(source.part, source.path)
    return folders.read_json(source.path / "config.json")


def files_of(source: Source) -> list[Path]:
    """The files that a network is read from: one, or the parts of one."""
    if source.path.is_file():
        return [source.path]
    names = [path.name for path in source.path.iterdir() if path.is_file()]
    chosen = folders.pick_weights(names, source.variant, pickle=False)
    return [source.path / name for name in chosen]


def count(source: Source) -> int:
    """The count of a network's weights, in numbers, from the headers of its files."""
    prefix = ldm.PREFIXES[source.part] if source.path.is_file() else ""
    shapes: dict[str, tuple[int, ...]] = {}
    for file in files_of(source):
        shapes |= single_file.header(file, "model")[0]
    own = [shape for key, shape in shapes.items() if key.startswith(prefix)]
    return sum(map(prod, own or shapes.values()))


class _Hollow(TorchFunctionMode):
    """Makes every new parameter of this thread an empty one, but no buffer: those are computed.

    ``from_pretrained`` (by accelerate) and ``torch.device("meta")`` do more: the one replaces
    ``register_parameter`` for all threads, the other leaves buffers empty, which no file fills.
    Layers make their parameters with ``torch.empty``, buffers are made with other functions.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        options = dict(kwargs or {})
        if func is torch.empty:
            options["device"] = "meta"
        return func(*args, **options)


def hollow(part: Part, config: Mapping[str, Any]) -> Module:
    """A network of the right layers and shapes, without any weights."""
    with quiet(), _Hollow():
        return network(part, config)


def network(part: Part, config: Mapping[str, Any]) -> Module:
    """A network as its configuration says, with random weights."""
    if part == "text_encoder":
        from transformers import CLIPTextConfig, CLIPTextModel

        text: Module = CLIPTextModel(CLIPTextConfig.from_dict(dict(config)))
        return text
    import diffusers

    kinds = {"unet": "UNet2DConditionModel", "controlnet": "ControlNetModel"}
    kind = getattr(diffusers, kinds.get(part) or str(config["_class_name"]))
    module: Module = kind.from_config(config)
    return module


def _fill(
    module: Module,
    names: Layout,
    files: Sequence[Mapped],
    place: Callable[[Tensor], Tensor],
) -> bool:
    """Give every parameter its value, and every buffer that files hold.

    Returns:
        Whether any of them is a view of its file.
    """
    tensors = Tensors(names, files)
    saved, has_views = module.state_dict(keep_vars=True), False
    for name in saved:
        value = tensors[names.name_of(name)]
        placed = place(value)
        if placed is value:
            has_views = True
        else:
            # It was copied: the pages that this read are of no more use. Views that were put in
            # before stay right; their pages are read again when they are touched.
            for file in files:
                file.forget()
        _put(module, name, placed)
    # Buffers that no file holds were computed when the network was made, on the CPU.
    for name, buffer in module.named_buffers():
        if name not in saved:
            _put(module, name, place(buffer))
    return has_views


def _place(value: Tensor, device: str, dtype: torch.dtype, layout: torch.memory_format) -> Tensor:
    """A weight as it is computed with: itself where it lies there like that already."""
    width = dtype if value.is_floating_point() else value.dtype
    # [out, in, h, w] of a convolution alone: a layout is refused for other ranks.
    if layout is torch.channels_last and value.dim() == 4:
        return value.to(device, width, memory_format=layout)
    return value.to(device, width).contiguous()


def _put(module: Module, name: str, value: Tensor) -> None:
    """Set a parameter or buffer, past ``register_parameter``: accelerate may have replaced that."""
    parent, _, last = name.rpartition(".")
    owner = module.get_submodule(parent)
    if last in owner._parameters:
        owner._parameters[last] = Parameter(value, requires_grad=False)
    else:
        owner._buffers[last] = value
