"""Model folders in diffusers' layout: the classes they may name, the choice of weights files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nodegraph.errors import UserError, brief, did_you_mean

from .headers import foreign
from .parts import Part
from .pickles import pickle_risk

PIPELINES = frozenset(
    {
        "StableDiffusionPipeline",
        "StableDiffusionControlNetPipeline",
        "StableDiffusionImg2ImgPipeline",
        "StableDiffusionInpaintPipeline",
    }
)
# What each component may be. A class is never looked up by the name that a folder gives: whoever
# wrote the folder could else choose any class of the library, and with it what is run.
CLASSES: Mapping[str, frozenset[str]] = {
    "text_encoder": frozenset({"CLIPTextModel"}),
    "tokenizer": frozenset({"CLIPTokenizer", "CLIPTokenizerFast"}),
    "unet": frozenset({"UNet2DConditionModel"}),
    "vae": frozenset({"AutoencoderKL", "AutoencoderTiny"}),
    "controlnet": frozenset({"ControlNetModel"}),
    "depth": frozenset(
        {"DPTForDepthEstimation", "DepthAnythingForDepthEstimation", "GLPNForDepthEstimation"}
    ),
    "seg": frozenset(
        {
            "BeitForSemanticSegmentation",
            "SegformerForSemanticSegmentation",
            "UperNetForSemanticSegmentation",
        }
    ),
}
IGNORED = frozenset({"scheduler", "safety_checker", "feature_extractor", "image_encoder"})
PICKLES = (".bin", ".pt", ".pth", ".ckpt")
# What peft, diffusers and its scripts call the one file of an add-on.
_USUAL = frozenset({"pytorch_lora_weights", "adapter_model", "learned_embeds"})
# `model.fp16-00001-of-00002.safetensors`, say. An index (`model.safetensors.index.json`) and files
# of other frameworks do not match.
_WEIGHTS = re.compile(
    r"(?:diffusion_pytorch_model|pytorch_model|model)"
    r"(?:\.(?P<variant>(?!index\b)[\w-]+?))?(?:-\d+-of-\d+)?\.(?P<suffix>safetensors|bin)"
)
_SHARD = re.compile(r"-(\d+)-of-(\d+)(?=\.)")
# What a network cannot be told without: of a missing setting the library takes one of its own.
_SETTINGS: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "text_encoder": {
        "hidden_size": int,
        "intermediate_size": int,
        "num_attention_heads": int,
        "num_hidden_layers": int,
        "vocab_size": int,
        "max_position_embeddings": int,
    },
    "unet": {
        "in_channels": int,
        "out_channels": int,
        "block_out_channels": list,
        "down_block_types": list,
        "up_block_types": list,
        "layers_per_block": (int, list),
        "cross_attention_dim": (int, list),
        "attention_head_dim": (int, list),
    },
    "controlnet": {
        "in_channels": int,
        "block_out_channels": list,
        "down_block_types": list,
        "layers_per_block": int,
        "cross_attention_dim": int,
        "attention_head_dim": (int, list),
    },
    "vae": {"block_out_channels": list, "latent_channels": int},
}


def read_json(path: Path) -> dict[str, Any]:
    """Read a configuration file that must hold a JSON object."""
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"the model folder {str(path.parent)!r} has no {path.name}") from error
    except OSError as error:
        raise UserError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        if text.lstrip()[:1] in (b"{", b"["):
            raise UserError(f"{str(path)!r} is no whole JSON: {error}") from error
        raise UserError(f"{str(path)!r} is no JSON: {foreign(text[:1024])}") from error
    if not isinstance(content, dict):
        raise UserError(f"{str(path)!r} holds no JSON object")
    return content


def check_base(folder: Path) -> None:
    """Refuse a base model's folder that brings code along or is made of unknown classes.

    Raises:
        UserError: What is wrong with it.
    """
    index = read_json(folder / "model_index.json")
    refuse_code(folder)
    kind = index.get("_class_name")
    if kind not in PIPELINES:
        loadable = ", ".join(sorted(PIPELINES))
        raise UserError(f"{str(folder)!r} is a {kind!r}; what can be loaded is {loadable}")
    for name, value in index.items():
        if name in CLASSES or (isinstance(value, list) and name not in IGNORED):
            _check_component(folder, name, value)
    for part in ("text_encoder", "unet", "vae"):
        check_part(folder / part, part)


def _check_component(folder: Path, name: str, value: object) -> None:
    match value:
        case ["diffusers" | "transformers", str(kind)] if kind in CLASSES.get(name, ()):
            return
        case [None, None]:
            return
    raise UserError(f"{str(folder / 'model_index.json')!r}: refused {name} = {value!r}")


def check_part(folder: Path, part: Part) -> dict[str, Any]:
    """Read a component's config, refusing a folder that brings code or holds another class."""
    config = read_json(folder / "config.json")
    refuse_code(folder)
    kind = config.get("_class_name") or next(iter(config.get("architectures") or ()), None)
    # transformers' CLIP text encoders may leave their class out; they say their type all the same.
    if kind is None and config.get("model_type") == "clip_text_model":
        kind = "CLIPTextModel"
    if kind not in CLASSES[part]:
        expected = " or ".join(sorted(CLASSES[part]))
        raise UserError(f"{str(folder)!r} holds a {kind!r}, where {expected} is needed")
    if "auto_map" in config:
        raise UserError(f"{str(folder)!r} asks for code of its own (auto_map); that is never run")
    for name, kinds in _SETTINGS.get(part, {}).items():
        if name not in config:
            raise UserError(f"{str(folder / 'config.json')!r} is not whole: it has no {name}")
        if not isinstance(config[name], kinds) or not config[name]:
            setting = f"{name} = {brief(config[name])}"
            raise UserError(f"{str(folder / 'config.json')!r} has {setting}, which no model has")
    return config


def refuse_code(folder: Path) -> None:
    """Raise where a folder holds Python code, which some loaders would import."""
    code = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.py"))
    if code:
        raise UserError(f"{str(folder)!r} brings code along ({code[0]}); that is never run")


def pick_weights(names: Iterable[str], variant: str, *, pickle: bool) -> list[str]:
    """Pick a component's weights files: safetensors, else pickles where they are allowed.

    A variant that has no files of its own falls back to the plain ones.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for name in sorted(names):
        if match := _WEIGHTS.fullmatch(name):
            groups.setdefault((match["variant"] or "", match["suffix"]), []).append(name)
    # A file that holds all is taken instead of the parts that may lie beside it.
    for group in groups.values():
        group[:] = [name for name in group if not _SHARD.search(name)] or group
    # The suffix comes first: plain safetensors are taken before a pickle of the variant.
    for suffix in ("safetensors", "bin") if pickle else ("safetensors",):
        for choice in dict.fromkeys((variant, "")):
            if (choice, suffix) in groups:
                return groups[choice, suffix]
    return []


def missing_shard(names: Iterable[str]) -> str:
    """The first part that is not there of weights in several files; empty where all are."""
    names = list(names)
    for name in names:
        if match := _SHARD.search(name):
            width = len(match[1])
            for number in range(1, int(match[2]) + 1):
                part = _SHARD.sub(f"-{number:0{width}}-of-{match[2]}", name)
                if part not in names:
                    return part
    return ""


def pick_addon(names: Iterable[str], file: str, *, pickle: bool) -> list[str]:
    """Pick an add-on's file: the one asked for, else one of a usual name, else the only one."""
    suffixes = (".safetensors", *PICKLES) if pickle else (".safetensors",)
    usable = sorted(name for name in names if name.lower().endswith(suffixes))
    if file:
        return [name for name in usable if name == file]
    for suffix in suffixes:
        candidates = [name for name in usable if name.lower().endswith(suffix)]
        usual = [name for name in candidates if name.removesuffix(suffix) in _USUAL]
        if len(chosen := usual[:1] or candidates) == 1:
            return chosen
    return []


def addon_problem(names: Iterable[str], file: str) -> str:
    """Why no add-on's file could be picked among ``names``, and what to do."""
    names = sorted(names)
    safe = [name for name in names if name.lower().endswith(".safetensors")]
    if file and file not in names:
        return f"has {did_you_mean(file, safe)}"
    if not file and len(safe) > 1:
        more = f" and {len(safe) - 4} more" if len(safe) > 4 else ""
        return f"holds several; name one in `file`: {', '.join(safe[:4])}{more}"
    if any(name.lower().endswith(PICKLES) for name in names):
        return pickle_risk("holds its weights only as a pickle")
    return "holds no .safetensors file"


def variant_of(name: str) -> str:
    """The variant that a weights file's name carries; empty for the plain one."""
    match = _WEIGHTS.fullmatch(name)
    return (match["variant"] or "") if match else ""
