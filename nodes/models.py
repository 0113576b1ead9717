"""Base models and ControlNets, by name, hub id, folder or file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from nodegraph.node import Context, Facts, Folders, LinkedFacts, Node, Output, Pin, Reach

from . import _checks
from .checkpoints.names import ADDRESSES, BUILT_IN, Addon, Role, conditioning_of, family_of
from .checkpoints.parts import DType
from .checkpoints.resolve import HereAlone, resolve
from .library.pins import (
    check_pin,
    digest_of_base,
    digest_of_controlnet,
    digests_of_files,
    pin,
)
from .types import ControlNetModel, DiffusionModel

if TYPE_CHECKING:
    from .library.addons import AddonFile

Revision = Annotated[
    str, Field(description="A hub model's branch, tag or commit; empty: its main one.")
]
Variant = Annotated[
    str, Field(pattern=r"^[\w-]*$", description="Which of its files, such as fp16.")
]
Precision = Annotated[
    DType,
    Field(
        description="auto: float16 on a GPU, float32 on a CPU; others use it whatever the device."
    ),
]
File = Annotated[
    str,
    Field(description="Which one of a repository or folder of several; empty: its only one."),
]
Strength = Annotated[float, Field(ge=-2, le=2, description="1 as it was trained, 0 not at all.")]


def _model_field(role: Role, models: str) -> Any:
    """A field for a model's name: the editor offers those of a list of ``library.catalogue``."""
    built_in = "".join(f"{name}, " for name in BUILT_IN[role])
    return Field(
        min_length=1,
        description=f"{built_in}owner/name, a folder or a file.",
        json_schema_extra={"models": models},
    )


class LoadedBase(Output):
    """A base model."""

    model: DiffusionModel


class LoadBaseModel(Node):
    """Find a Stable Diffusion model: built-in (tiny, …), hub id, folder or .safetensors file."""

    aliases = ("checkpoint", "load checkpoint", "checkpoint loader", "ckpt", "diffusion model")

    model: Annotated[str, _model_field("base model", "base")] = "tiny"
    revision: Revision = ""
    variant: Variant = ""
    dtype: Precision = "auto"

    lane = "io"
    version = 2

    def stamp(self, context: Context) -> object:
        """The content of its files, and where they lie: what is found refers to them by path."""
        model = self._find(context)
        parts = model.text_encoder, model.unet, model.vae
        return [*((part.key, part.path, part.tokenizer) for part in parts), model.scheduler]

    def run(self, context: Context) -> LoadedBase:
        from .weights.build import check

        model = self._find(context)
        for part in (model.text_encoder, model.unet, model.vae):
            check(part.source)
        return LoadedBase(model=model)

    def _find(self, context: Context) -> DiffusionModel:
        from .library.describe import describe_base

        revision = self.revision or context.pinned(self.model)[0]
        path = resolve(self.model, "base model", revision, self.variant, context)
        model = describe_base(self.model, path, self.variant, self.dtype, context.allow)
        parts = model.text_encoder, model.unet, model.vae
        check_pin(self.model, context, digest_of_base(model), model.unet.path, *parts)
        return model

    def pins(self, context: Context) -> Mapping[str, Pin]:
        model = self._find(context)
        files = digests_of_files(model.text_encoder, model.unet, model.vae)
        return pin(self.model, model.unet.path, digest_of_base(model), files)

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:  # noqa: ARG003
        family = family_of(values.get("model", ""))
        return {"model": {"family": family}} if family else {}

    @classmethod
    def check_files(cls, values: Mapping[str, Any], reach: Reach) -> Iterable[tuple[str, str]]:
        return _misfit(values, "base model", reach)

    @classmethod
    def file_facts(cls, values: Mapping[str, Any], folders: Folders) -> Mapping[str, Facts]:
        """The side of the pictures it was trained on, in pixels."""
        from .library.describe import trained_side

        name, revision, variant = (values[key] for key in ("model", "revision", "variant"))
        path = resolve(name, "base model", revision, variant, HereAlone(folders))
        return {"model": {"side": str(trained_side(path)), **_family(path)}}


class LoadedControlNet(Output):
    """A ControlNet."""

    controlnet: ControlNetModel


class LoadControlNet(Node):
    """Find a ControlNet by built-in name (tiny-canny, …), hub id, folder or .safetensors file."""

    aliases = ("controlnet loader",)

    model: Annotated[str, _model_field("ControlNet", "controlnet")] = "tiny-canny"
    revision: Revision = ""
    variant: Variant = ""
    dtype: Precision = "auto"

    lane = "io"
    version = 2

    def stamp(self, context: Context) -> object:
        """The content of its files, and where they lie."""
        net = self._find(context).net
        return net.key, net.path

    def run(self, context: Context) -> LoadedControlNet:
        from .weights.build import check

        controlnet = self._find(context)
        check(controlnet.net.source)
        return LoadedControlNet(controlnet=controlnet)

    def _find(self, context: Context) -> ControlNetModel:
        from .library.describe import describe_controlnet

        revision = self.revision or context.pinned(self.model)[0]
        path = resolve(self.model, "ControlNet", revision, self.variant, context)
        model = describe_controlnet(self.model, path, self.variant, self.dtype, context.allow)
        check_pin(self.model, context, digest_of_controlnet(model), model.net.path, model.net)
        return model

    def pins(self, context: Context) -> Mapping[str, Pin]:
        model = self._find(context)
        files = digests_of_files(model.net)
        return pin(self.model, model.net.path, digest_of_controlnet(model), files)

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:  # noqa: ARG003
        name = values.get("model", "")
        facts = {"family": family_of(name), "conditioning": conditioning_of(name)}
        return {"controlnet": {key: fact for key, fact in facts.items() if fact}}

    @classmethod
    def file_facts(cls, values: Mapping[str, Any], folders: Folders) -> Mapping[str, Facts]:
        """The family that its sizes tell."""
        name, revision, variant = (values[key] for key in ("model", "revision", "variant"))
        path = resolve(name, "ControlNet", revision, variant, HereAlone(folders))
        return {"controlnet": _family(path)}

    @classmethod
    def check_files(cls, values: Mapping[str, Any], reach: Reach) -> Iterable[tuple[str, str]]:
        return _misfit(values, "ControlNet", reach)


class LoadedLoRA(Output):
    """The base model with the LoRA on it."""

    model: DiffusionModel


class LoadLoRA(Node):
    """Put a LoRA on a model: built-in (tiny-ink), hub id, folder or file. Several go in a row."""

    aliases = ("lora loader",)

    model: DiffusionModel
    lora: Annotated[str, _model_field("LoRA", "lora")]
    strength: Strength = 1.0
    text_strength: Annotated[
        float | None,
        Field(ge=-2, le=2, description="Of what it does to the text encoder; empty: the same."),
    ] = None
    file: File = ""
    revision: Revision = ""

    lane = "io"

    def stamp(self, context: Context) -> object:
        """The content of its file, and where it lies."""
        return self._find(context).stamp

    def run(self, context: Context) -> LoadedLoRA:
        from .library.addons import with_lora

        text = self.strength if self.text_strength is None else self.text_strength
        return LoadedLoRA(model=with_lora(self.model, self._find(context), self.strength, text))

    def _find(self, context: Context) -> AddonFile:
        return _find_addon(self.lora, "LoRA", self.file, self.revision, context)

    def pins(self, context: Context) -> Mapping[str, Pin]:
        addon = self._find(context)
        return pin(self.lora, str(addon.place), addon.digest)

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:  # noqa: ARG003
        return {"model": _checks.shared(linked.get("model", ()))}

    @classmethod
    def check_files(cls, values: Mapping[str, Any], reach: Reach) -> Iterable[tuple[str, str]]:
        return _misfit(values, "LoRA", reach)


class LoadedEmbedding(Output):
    """The base model, whose text encoder knows one more word."""

    model: DiffusionModel


class LoadEmbedding(Node):
    """Teach a model a word that was learned from pictures (textual inversion), for its prompts."""

    aliases = ("textual inversion",)

    model: DiffusionModel
    embedding: Annotated[str, _model_field("embedding", "embedding")]
    token: Annotated[
        str, Field(description="The word that prompts call it by; empty: its file's own.")
    ] = ""
    file: File = ""
    revision: Revision = ""

    lane = "io"

    def stamp(self, context: Context) -> object:
        """The content of its file, and where it lies."""
        return self._find(context).stamp

    def run(self, context: Context) -> LoadedEmbedding:
        from .library.addons import with_word

        return LoadedEmbedding(model=with_word(self.model, self._find(context), self.token))

    def _find(self, context: Context) -> AddonFile:
        return _find_addon(self.embedding, "embedding", self.file, self.revision, context)

    def pins(self, context: Context) -> Mapping[str, Pin]:
        addon = self._find(context)
        return pin(self.embedding, str(addon.place), addon.digest)

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:  # noqa: ARG003
        return {"model": _checks.shared(linked.get("model", ()))}

    @classmethod
    def check_files(cls, values: Mapping[str, Any], reach: Reach) -> Iterable[tuple[str, str]]:
        return _misfit(values, "embedding", reach)


def _family(path: Path) -> Facts:
    from .library.fit import look_at

    family = look_at(path).family
    return {"family": family} if family else {}


def _misfit(values: Mapping[str, Any], role: Role, reach: Reach) -> Iterable[tuple[str, str]]:
    """Find a model of another family, or of another kind, by a look at its header."""
    from .library.catalogue import misfit

    input = ADDRESSES[role]
    name = values.get(input)
    choice = values.get("file" if role in ("LoRA", "embedding") else "variant") or ""
    message = misfit(name, role, reach, choice) if isinstance(name, str) else ""
    # Of a part of it the message names the file, and begins with that.
    return [(input, message if message[0] == "'" else f"{name!r} {message}")] if message else []


def _find_addon(name: str, role: Addon, file: str, revision: str, context: Context) -> AddonFile:
    from .library.addons import find_addon

    addon = find_addon(name, role, file, revision or context.pinned(name)[0], context)
    address = ADDRESSES[role]
    check_pin(name, context, addon.digest, str(addon.place), address=address)
    return addon
