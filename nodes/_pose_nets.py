"""OpenPose's own three networks: finding their weights, and loading them safely."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nodegraph.cache import default_folder
from nodegraph.errors import UserError
from nodegraph.node import Context

from . import _controlnet_aux
from ._identity import sha256

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Part: TypeAlias = Literal["body", "hand", "face"]
FILES: Mapping[Part, str] = {
    "body": "body_pose_model",
    "hand": "hand_pose_model",
    "face": "facenet",
}
SECONDS = 5.0
ORIGINAL = "lllyasviel/ControlNet"  # keeps two of the files in a folder, and the third elsewhere


@dataclass(frozen=True, slots=True)
class PoseNet:
    """A reference to one of the networks: a safetensors file, or a pickle that may be opened."""

    part: Part
    path: Path
    digest: str

    @property
    def key(self) -> str:
        return f"openpose/{self.part}/{self.digest}"

    def load(self, device: str, dtype: str) -> Module:  # noqa: ARG002  it computes in float32 alone
        """Build the network and fill it."""
        parts = _controlnet_aux.open_pose()
        make = {
            "body": parts.body.bodypose_model,
            "hand": parts.hand.handpose_model,
            "face": parts.face.FaceNet,
        }
        net: Module = make[self.part]()
        weights = tensors(self.path, self.digest)
        if self.part != "face":  # theirs are named by layer alone, the networks' by block and layer
            weights = {name: weights[name.partition(".")[2]] for name in net.state_dict()}
        net.load_state_dict(weights)
        return net.eval().to(device)


def find(model: str, part: Part, context: Context) -> PoseNet:
    """Find the weights of one network in a local folder, or on the hub.

    Raises:
        UserError: They are nowhere, or only in a pickle and that is not allowed.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        path = local(folder, FILES[part], model)
    elif model.count("/") != 1 or model.startswith((".", "/", "~")):
        raise UserError(
            f"model: no folder {model!r} with OpenPose's weights; 'movenet' works without any"
        )
    else:
        path = None
    if (path is None or path.suffix != ".safetensors") and "pickle" not in context.allow:
        raise UserError(
            f"model: {model!r} holds OpenPose's weights as a pickle ({FILES[part]}.pth), which can"
            " run code when it is read; use 'movenet', or allow it with --allow-pickle if you trust"
            " where it is from"
        )
    path = path or from_hub(model, part)
    return PoseNet(part, path, sha256(path))


def local(folder: Path, name: str, model: str) -> Path:
    """The file in a folder, or where ControlNet's own repository keeps it; no pickle first."""
    for suffix in (".safetensors", ".pth"):
        for place in (folder, folder / "annotator" / "ckpts"):
            if (path := place / f"{name}{suffix}").is_file():
                return path
    raise UserError(f"model: no {name}.safetensors or {name}.pth in {model!r}")


def from_hub(model: str, part: Part) -> Path:
    """Download the file, or take it from the hub's cache."""
    from huggingface_hub import hf_hub_download

    name = f"{FILES[part]}.pth"
    if model == ORIGINAL:
        if part == "face":
            model = "lllyasviel/Annotators"
        else:
            name = f"annotator/ckpts/{name}"
    with suppress(Exception):  # not in the cache: the hub's versions say that in different ways
        return Path(hf_hub_download(model, name, local_files_only=True))
    try:
        return Path(hf_hub_download(model, name, etag_timeout=SECONDS))
    except Exception as error:  # no network, no such repository, no such file, …
        raise UserError(
            f"model: cannot get {name} of {model!r} from the Hugging Face hub"
            f" ({type(error).__name__}); fetch it where you can (hf download {model} {name}"
            " --local-dir FOLDER) and give that folder, or use 'movenet', which needs no network"
        ) from error


def tensors(path: Path, digest: str) -> Mapping[str, Tensor]:
    """The weights in a file; a pickle is opened once and kept as safetensors."""
    from safetensors.torch import load_file

    if path.suffix == ".safetensors":
        return dict(load_file(path))
    kept = default_folder() / "openpose" / f"{digest}.safetensors"
    if not kept.is_file():
        keep(unpickled(path), kept)
    return dict(load_file(kept))


def unpickled(path: Path) -> dict[str, Tensor]:
    """Read a pickle with torch's restricted reader, which builds tensors and nothing else."""
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UserError(
            f"model: {path.name} holds more than weights, or is damaged; it was not opened"
        ) from error
    return {name: one.contiguous() for name, one in state.items() if isinstance(one, torch.Tensor)}


def keep(state: dict[str, Tensor], path: Path) -> None:
    """Write safetensors under a temporary name first, so that nobody reads half a file."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.part")
    try:
        save_file(state, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def detector(model: str, parts: Sequence[Part], context: Context) -> Iterator[Any]:
    """controlnet_aux's OpenposeDetector around networks that are leased while the block runs."""
    made = _controlnet_aux.open_pose()
    kinds = {"body": made.body.Body, "hand": made.hand.Hand, "face": made.face.Face}
    with ExitStack() as leases:
        estimators: dict[str, object] = {}
        for part in parts:
            # Their constructors only load a pickle; what they work with is the network.
            estimator = object.__new__(kinds[part])
            estimator.model = leases.enter_context(context.lease(find(model, part, context)))
            estimators[part] = estimator
        yield made.OpenposeDetector(
            estimators["body"], estimators.get("hand"), estimators.get("face")
        )
