"""Depth and normals as control images: by MiDaS, transformers or the built-in network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nodegraph.errors import UserError
from nodegraph.node import Context, Pin, Reach

from ..checkpoints import resolve
from ..checkpoints.hashes import sha256
from ..checkpoints.names import BUILT_IN
from . import files, transformers
from .sizes import Pixels

if TYPE_CHECKING:
    from .tiny_dense import Surfaces

Floats = npt.NDArray[np.float32]
MIDAS = files.File("MiDaS's", "dpt_hybrid-midas-501f0c75", "tiny", ".pt")
FACING = 2 * math.pi  # how steep MiDaS's numbers must be for 45 degrees, as ControlNet was trained


def dense() -> files.Net:
    """The built-in network."""
    path = BUILT_IN["depth model"]["tiny"] / "model.safetensors"
    return files.Net("dense", path, sha256(path))


def surfaces_of(pixels: Pixels, context: Context) -> Surfaces:
    """Depth, normals and things in a picture, by the built-in network."""
    from .tiny_dense import look

    with context.lease(dense()) as net:
        return look(net, pixels)


def midas(model: str, context: Context) -> files.Net | None:
    """MiDaS in controlnet_aux's file, where that is what ``model`` names."""
    path = midas_file(model, context)
    return None if path is None else files.Net("midas", path, sha256(path))


def midas_file(model: str, context: Reach) -> Path | None:
    """The file of MiDaS's weights, where that is what ``model`` names.

    Raises:
        UserError: It is a folder with neither that nor a model of transformers.
    """
    folder = resolve.find_local(model, context.folders)
    if folder is not None and folder.is_dir() and not (folder / "config.json").is_file():
        if not any(folder.rglob(f"{MIDAS.stem}.*")):
            raise UserError(
                f"model: {model!r} holds neither a depth model of transformers (config.json) nor"
                f" MiDaS ({MIDAS.pickle})"
            )
    elif model not in (files.ORIGINAL, files.ANNOTATORS):
        return None
    return files.find_weights(model, MIDAS, context)


def stamp(model: str, context: Context) -> object:
    """The content of a depth model."""
    if model == "tiny":
        return files.stamp(context, dense().digest)
    if net := midas(model, context):
        return files.stamp(context, net.digest)
    return files.stamp(context, *transformers.find_model(model, "depth", context).stamp)


def examined(model: str, reach: Reach) -> list[tuple[str, str]]:
    """What is wrong with a depth model that is at hand, as far as its files' headers tell."""
    folder = resolve.find_local(model, reach.folders)
    if folder is None or not folder.is_dir() or (folder / "config.json").is_file():
        return transformers.examined(model, "depth", reach)
    here = resolve.HereAlone(reach.folders, reach.allow | {"offline"})
    return files.refusal(lambda: midas_file(model, here))


def pins(model: str, context: Context) -> Mapping[str, Pin]:
    """The pins of a depth model of transformers; other models have none."""
    if model == "tiny" or midas(model, context):
        return {}
    return transformers.pins(model, "depth", context)


def nearness(model: str, pixels: Pixels, context: Context) -> Floats:
    """(H, W), the greater the nearer, in the model's own numbers."""
    if model == "tiny":
        return _array(surfaces_of(pixels, context).depth[0, 0])
    if net := midas(model, context):
        return _midas(net, pixels, context)
    reference = transformers.find_model(model, "depth", context)
    height, width = pixels.shape[:2]
    with reference.result_of(pixels, context) as result:
        depth = transformers.resized_to(result.predicted_depth[:, None], height, width)[0, 0]
    # Metric models give metres, the far the greater; MiDaS and its like give nearness.
    config = reference.config
    metric = reference.kind.startswith("GLPN") or config.get("depth_estimation_type") == "metric"
    near = _array(depth)
    return np.reciprocal(np.maximum(near, np.float32(1e-3))) if metric else near


def depth_image(near: Floats) -> Pixels:
    """(H, W): white is near, black far; grey all over where nothing is nearer than the rest."""
    return (_share(near) * 255).clip(0, 255).astype(np.uint8)


def facing(model: str, pixels: Pixels, background: float, context: Context) -> Pixels:
    """(H, W, 3): where surfaces face, and straight at us beyond the nearness ``background``."""
    if model == "tiny":
        surfaces = surfaces_of(pixels, context)
        vectors = _array(surfaces.normal[0]).transpose(1, 2, 0).copy()  # [H, W, 3]
        vectors[_share(_array(surfaces.depth[0, 0])) < background] = (0, 0, 1)
        return normal_image(vectors)
    if midas(model, context) is None:
        kind = transformers.find_model(model, "depth", context).kind
        if kind != "DPTForDepthEstimation":
            raise UserError(
                f"model: normals follow from depth in the numbers of MiDaS; {model!r} is a {kind}:"
                " use a DPTForDepthEstimation, such as Intel/dpt-hybrid-midas"
            )
    return normal_image(slopes(nearness(model, pixels, context), background))


def slopes(near: Floats, background: float) -> Floats:
    """(H, W, 3) vectors x, y, z of a depth map: its slopes, as ControlNet's pictures had them."""
    import cv2

    flat = _share(near) < background
    x, y = (cv2.Sobel(near, cv2.CV_32F, *axis, ksize=3) for axis in ((1, 0), (0, 1)))
    vectors = np.stack([x, y, np.full_like(x, FACING)], axis=2).astype(np.float32)
    vectors[flat, :2] = 0
    return vectors


def normal_image(vectors: Floats) -> Pixels:
    """Vectors as colours, z in red, y in green, x in blue: sd-controlnet-normal reads them so."""
    unit = vectors / np.linalg.norm(vectors, axis=2, keepdims=True)
    return np.asarray((unit * 127.5 + 127.5).clip(0, 255)[:, :, ::-1], np.uint8)


def _midas(reference: files.Net, pixels: Pixels, context: Context) -> Floats:
    import torch

    # [1, 3, H, W] in [-1, 1]
    planes = torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()).float() / 127.5 - 1
    with context.lease(reference) as net, torch.no_grad():
        return _array(net(planes.to(next(net.parameters()).device))[0])  # [H, W]


def _share(near: Floats) -> Floats:
    """From 0, the farthest, to 1, the nearest."""
    above: Floats = near - near.min()
    return above / max(float(above.max()), 1e-12)


def _array(tensor: Any) -> Floats:
    return np.asarray(tensor.float().cpu().numpy(), np.float32)
