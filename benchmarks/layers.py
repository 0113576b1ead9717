"""Every way to compute Stable Diffusion's convolutions against the usual one, layer by layer.

    python benchmarks/layers.py [--rounds 5] [--threads 1]

What the rules in nodes/networks/convolutions.py come from: it says which layers they choose.
Not a part of `make bench`, since no text shows what it finds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from benchmarks.measure import Side, cost, turns
from benchmarks.report.figures import Pair, pair, parser, record


class Layer(NamedTuple):
    """A convolution of 3 x 3: how many pictures of how many channels, and their sides."""

    pictures: int
    channels: int
    filters: int
    side: int


CONVOLVED = (
    Layer(2, 1280, 1280, 4), Layer(2, 2560, 1280, 4), Layer(8, 1280, 1280, 4),
    Layer(2, 1280, 1280, 8), Layer(2, 2560, 1280, 8), Layer(4, 1280, 1280, 8),
    Layer(2, 640, 640, 8), Layer(2, 640, 640, 16), Layer(2, 1280, 1280, 16),
    Layer(8, 256, 256, 4), Layer(2, 320, 320, 32),
)  # fmt: skip
DOUBLED = (
    Layer(2, 1280, 1280, 4), Layer(2, 1280, 1280, 8), Layer(2, 640, 640, 16),
    Layer(2, 1280, 1280, 16), Layer(2, 640, 640, 32), Layer(8, 256, 256, 8),
    Layer(8, 128, 128, 16), Layer(1, 512, 512, 32), Layer(1, 512, 512, 64),
    Layer(1, 256, 256, 128), Layer(1, 512, 512, 128),
)  # fmt: skip


def figures(rounds: int) -> Iterator[Pair]:
    """Every layer in every way."""
    import torch
    from torch.nn.functional import interpolate

    from nodes.networks import convolutions

    for layer in CONVOLVED:
        inputs, weight, bias = _tensors(layer)
        usual = partial(torch.conv2d, inputs, weight, bias, 1, 1)
        pixels = layer.pictures * layer.side**2
        rule = convolutions.product if convolutions.multiplied(pixels, weight) else None
        trial = partial(convolutions.product, inputs, weight, bias, 1, 1)
        yield _compared("convolved", layer, usual, trial, chosen=rule is not None, rounds=rounds)
    for layer in DOUBLED:
        inputs, weight, bias = _tensors(layer)

        def apart(inputs: Any = inputs, weight: Any = weight, bias: Any = bias) -> Any:
            larger = interpolate(inputs, scale_factor=2.0, mode="nearest")
            return torch.conv2d(larger, weight, bias, 1, 1)

        chosen = convolutions.rewrite_of(inputs, weight)
        for way in (convolutions.shared, convolutions.transposed):
            trial = partial(way, inputs, weight, bias)
            name = f"doubled, {way.__name__}"
            yield _compared(name, layer, apart, trial, chosen=way is chosen, rounds=rounds)


def _tensors(layer: Layer) -> tuple[Any, Any, Any]:
    import torch

    inputs = torch.randn(layer.pictures, layer.channels, layer.side, layer.side)
    weight = torch.randn(layer.filters, layer.channels, 3, 3) * (9 * layer.channels) ** -0.5
    return inputs, weight, torch.randn(layer.filters)


def _compared(  # noqa: PLR0913 (two by name)
    way: str,
    layer: Layer,
    usual: Callable[[], Any],
    trial: Callable[[], Any],
    *,
    chosen: bool,
    rounds: int,
) -> Pair:
    sides: dict[str, Side] = {"usual": lambda _: cost(usual), "ours": lambda _: cost(trial)}
    far = float((usual() - trial()).abs().max())
    shape = "{} of {} to {} channels, {} wide".format(*layer)
    note = f"at most {far:.0e} apart{', chosen' if chosen else ''}"
    key = "-".join(map(str, (way, *layer)))
    costs = turns(sides, rounds)
    return pair(key, f"{way}: {shape}", costs, note=note)


def options() -> argparse.ArgumentParser:
    arguments = parser(__doc__, 5)
    arguments.add_argument("--threads", type=int, default=1, help="that PyTorch computes with")
    return arguments


def main() -> None:
    """Try all layers and print what is found."""
    arguments = options().parse_args()
    import torch

    torch.set_num_threads(arguments.threads)
    with torch.inference_mode():
        record("layers", figures(arguments.rounds), arguments.json)


if __name__ == "__main__":
    main()
