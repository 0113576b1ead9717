"""OpenPose's own three networks: finding their weights, and loading them safely."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nodegraph.node import Context

from ..checkpoints.hashes import sha256
from ..weights.reference import LOADING
from . import controlnet_aux, files

if TYPE_CHECKING:
    from torch.nn import Module

Part: TypeAlias = Literal["body", "hand", "face"]
FILES: Mapping[Part, files.File] = {
    "body": files.File("OpenPose's", "body_pose_model", "movenet"),
    "hand": files.File("OpenPose's", "hand_pose_model", "movenet"),
    "face": files.File("OpenPose's", "facenet", "movenet", elsewhere=True),
}


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
        parts = controlnet_aux.open_pose()
        make = {
            "body": parts.body.bodypose_model,
            "hand": parts.hand.handpose_model,
            "face": parts.face.FaceNet,
        }
        with LOADING:
            net: Module = make[self.part]()
            weights = files.tensors(self.path)
            if self.part != "face":  # theirs are named by layer, the networks' by block and layer
                names = {name.partition(".")[2]: name for name in net.state_dict()}
                weights = {names.get(key, key): weight for key, weight in weights.items()}
            files.fill(net, weights, self.path)
            return net.eval().to(device)


def find_network(model: str, part: Part, context: Context) -> PoseNet:
    """Find the weights of one network in a local folder, or on the hub.

    Raises:
        UserError: They are nowhere, or only in a pickle and that is not allowed.
    """
    path = files.find_weights(model, FILES[part], context)
    return PoseNet(part, path, sha256(path))


@contextmanager
def detector(model: str, parts: Sequence[Part], context: Context) -> Iterator[Any]:
    """controlnet_aux's OpenposeDetector around networks that are leased while the block runs."""
    package = controlnet_aux.open_pose()
    kinds = {"body": package.body.Body, "hand": package.hand.Hand, "face": package.face.Face}
    with ExitStack() as leases:
        estimators: dict[str, object] = {}
        for part in parts:
            # Their constructors only load a pickle; what they work with is the network.
            estimator = object.__new__(kinds[part])
            network = find_network(model, part, context)
            estimator.model = leases.enter_context(context.lease(network))
            estimators[part] = estimator
        yield package.OpenposeDetector(
            estimators["body"], estimators.get("hand"), estimators.get("face")
        )
