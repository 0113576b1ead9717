"""Weights files of preprocessors: found in folders or on the hub, and loaded without pickle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nodegraph.errors import NotFetchedError, UserError
from nodegraph.node import Context, Reach

from ..builtin.paths import FOLDER as BUILTIN
from ..checkpoints import resolve
from ..checkpoints.hashes import sha256
from ..checkpoints.pickles import pickle_risk
from ..checkpoints.single_file import header
from ..weights.reference import LOADING
from . import controlnet_aux

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Kind: TypeAlias = Literal["hed", "mlsd", "midas", "dense"]
SECONDS = 5.0
ORIGINAL = "lllyasviel/ControlNet"  # keeps most of the files in a folder, and some elsewhere
ANNOTATORS = "lllyasviel/Annotators"


@dataclass(frozen=True, slots=True)
class File:
    """A weights file, as controlnet_aux calls it.

    Attributes:
        owner: Whose weights it holds, as a sentence says it: ``OpenPose's``.
        stem: Its name without the suffix.
        default: The model that needs no file.
        suffix: Of the pickle that the hub has.
        elsewhere: Whether ControlNet's own repository leaves it to Annotators.
    """

    owner: str
    stem: str
    default: str
    suffix: str = ".pth"
    elsewhere: bool = False

    @property
    def pickle(self) -> str:
        return self.stem + self.suffix


@dataclass(frozen=True, slots=True)
class Net:
    """A reference to one network: a safetensors file, or a pickle that may be opened."""

    kind: Kind
    path: Path
    digest: str

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.digest}"

    def load(self, device: str, dtype: str) -> Module:  # noqa: ARG002  it computes in float32 alone
        """Build the network and fill it."""
        with LOADING:
            net = _BUILD[self.kind]()
            fill(net, tensors(self.path), self.path)
            return net.requires_grad_(requires_grad=False).eval().to(device)


def stamp(context: Context, *digests: str) -> list[str]:
    """The content of networks, and the kind of device they compute on.

    A preprocessor runs in the processor's lane, whose keys tell of no device; its networks are
    leased on the run's.
    """
    return [*digests, context.device.partition(":")[0]]


def refusal(examine: Callable[[], object]) -> list[tuple[str, str]]:
    """The sentence that looking for a model ends in, for its input; none where it is there."""
    try:
        examine()
    except NotFetchedError:  # a run will fetch it
        return []
    except UserError as error:
        return [("model", str(error).removeprefix("model: "))]
    return []


def examined(model: str, file: File, reach: Reach) -> list[tuple[str, str]]:
    """What is wrong with a weights file that is at hand, by its header."""
    if model == file.default or resolve.find_local(model, reach.folders) is None:
        return []
    here = resolve.HereAlone(reach.folders, reach.allow | {"offline"})
    return refusal(lambda: find_weights(model, file, here))


def find_weights(model: str, file: File, context: Reach) -> Path:
    """Find a weights file in a local folder, or on the hub.

    Raises:
        UserError: It is nowhere, damaged, or only there as a pickle and that is not allowed.
    """
    folder = resolve.find_local(model, context.folders)
    if folder is not None and folder.is_dir():
        path = local(folder, file, model)
    elif not resolve.is_hub_id(model):
        if context.folders.models is not None:
            raise UserError(f"model: {resolve.no_such_model(model, [file.default])}")
        raise UserError(
            f"model: no folder {model!r} with {file.owner} weights; {file.default!r} works"
            " without any"
        )
    else:
        path = None
    if (path is None or path.suffix != ".safetensors") and "pickle" not in context.allow:
        subject = f"model: {model!r} holds {file.owner} weights as a pickle ({file.pickle})"
        raise UserError(pickle_risk(subject, repr(file.default)))
    if path is not None and path.suffix == ".safetensors":
        header(path, "model")
    return path or from_hub(model, file, context.allow)


def local(folder: Path, file: File, model: str) -> Path:
    """The file in a folder, or where ControlNet's own repository keeps it; no pickle first."""
    for suffix in (".safetensors", file.suffix):
        for place in (folder, folder / "annotator" / "ckpts"):
            if (path := place / f"{file.stem}{suffix}").is_file():
                return path
    raise UserError(f"model: no {file.stem}.safetensors or {file.pickle} in {model!r}")


def from_hub(model: str, file: File, allow: frozenset[str]) -> Path:
    """Download the file, or take it from the hub's cache."""
    from huggingface_hub import hf_hub_download

    name = file.pickle
    if model == ORIGINAL:
        if file.elsewhere:
            model = ANNOTATORS
        else:
            name = f"annotator/ckpts/{name}"
    with suppress(Exception):  # not in the cache: the hub's versions say that in different ways
        return Path(hf_hub_download(model, name, local_files_only=True))
    if "offline" in allow:
        raise NotFetchedError(f"model: {name} of {model!r} is fetched from the hub first")
    try:
        return Path(hf_hub_download(model, name, etag_timeout=SECONDS))
    except Exception as error:  # no network, no such repository, no such file, …
        raise UserError(
            f"model: cannot get {name} of {model!r} from the Hugging Face hub"
            f" ({type(error).__name__}); fetch it where you can (hf download {model} {name}"
            f" --local-dir FOLDER) and give that folder, or use {file.default!r}, which needs no"
            " network"
        ) from error


def reference(kind: Kind, model: str, file: File, context: Context) -> Net:
    """Refer to the network of a model; the default one's weights lie beside this module."""
    if model == file.default:
        path = BUILTIN / model / "model.safetensors"
    else:
        path = find_weights(model, file, context)
    return Net(kind, path, sha256(path))


def tensors(path: Path) -> dict[str, Tensor]:
    """The weights in a file, in float32; a pickle is opened once and kept as safetensors.

    ``name`` of 8 bits is multiplied by ``name.scale``.
    """
    from safetensors.torch import load_file

    from ..checkpoints.pickles import converted_file

    place = path if path.suffix == ".safetensors" else converted_file(path)
    shapes, _ = header(place, "model")
    stored = load_file(place)
    scaled = [name for name in shapes if f"{name}.scale" in shapes]
    scales = {f"{name}.scale": stored.pop(f"{name}.scale") for name in scaled}
    return {
        name: value.float() * scales[f"{name}.scale"]
        if f"{name}.scale" in scales
        else value.float()
        for name, value in stored.items()
    }


def fill(net: Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Give a network all its weights.

    Raises:
        UserError: The file holds those of another network.
    """
    # How many batches a norm has seen is of no use any more; some files leave it out.
    counts = {k: v for k, v in net.state_dict().items() if k.endswith(".num_batches_tracked")}
    try:
        net.load_state_dict({**counts, **weights})
    except RuntimeError as error:
        reason = str(error).partition("\n\t")[2].partition("\n")[0][:200]
        raise UserError(f"model: {path.name} holds another network's weights: {reason}") from error


def _hed() -> Module:
    net: Module = controlnet_aux.part("hed").ControlNetHED_Apache2()
    return net


def _mlsd() -> Module:
    net: Module = controlnet_aux.part("mlsd").MobileV2_MLSD_Large()
    return net


def _midas() -> Module:
    build: Any = controlnet_aux.part("midas.midas.dpt_depth").DPTDepthModel
    net: Module = build(path=None, backbone="vitb_rn50_384", non_negative=True)
    return net


def _dense() -> Module:
    from .tiny_dense import DenseNet

    return DenseNet()


_BUILD: Mapping[Kind, Callable[[], Module]] = {
    "hed": _hed,
    "mlsd": _mlsd,
    "midas": _midas,
    "dense": _dense,
}
