"""Model folders in diffusers' layout: what may be in them, and which files hold the weights."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nodegraph.errors import UserError, did_you_mean

from .parts import Part

PIPELINES = frozenset(
    {
        "StableDiffusionPipeline",
        "StableDiffusionControlNetPipeline",
        "StableDiffusionImg2ImgPipeline",
        "StableDiffusionInpaintPipeline",
    }
)
# What each component may be. They are never looked up by name: a class that is not here is refused.
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
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")
_USUAL = frozenset({"pytorch_lora_weights", "adapter_model", "learned_embeds"})
_WEIGHTS = re.compile(
    r"(?:diffusion_pytorch_model|pytorch_model|model)"
    r"(?:\.(?P<variant>(?!index\b)[\w-]+?))?(?:-\d+-of-\d+)?\.(?P<suffix>safetensors|bin)"
)


def read_json(path: Path) -> dict[str, Any]:
    """Read a configuration file that must hold a JSON object."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"the model folder {str(path.parent)!r} has no {path.name}") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{str(path)!r} cannot be read: {error}") from error
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
        known = ", ".join(sorted(PIPELINES))
        raise UserError(f"{str(folder)!r} is a {kind!r}; what can be loaded is {known}")
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
    named = config.get("_class_name") or next(iter(config.get("architectures") or ()), None)
    # transformers' CLIP text encoders may leave their class out; they say their type all the same.
    if named is None and config.get("model_type") == "clip_text_model":
        named = "CLIPTextModel"
    if named not in CLASSES[part]:
        wanted = " or ".join(sorted(CLASSES[part]))
        raise UserError(f"{str(folder)!r} holds a {named!r}, where {wanted} is needed")
    if "auto_map" in config:
        raise UserError(f"{str(folder)!r} asks for code of its own (auto_map); that is never run")
    return config


def refuse_code(folder: Path) -> None:
    """Raise where a folder holds Python code, which some loaders would import."""
    code = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.py"))
    if code:
        raise UserError(f"{str(folder)!r} brings code along ({code[0]}); that is never run")


def weights_among(names: Iterable[str], variant: str, *, pickle: bool) -> list[str]:
    """Pick a component's weights files: safetensors, else pickles where they are allowed.

    A variant that has no files of its own falls back to the plain ones.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for name in sorted(names):
        if fits := _WEIGHTS.fullmatch(name):
            found.setdefault((fits["variant"] or "", fits["suffix"]), []).append(name)
    suffixes = ("safetensors", "bin") if pickle else ("safetensors",)
    for suffix in suffixes:
        for one in dict.fromkeys((variant, "")):
            if (one, suffix) in found:
                return found[one, suffix]
    return []


def addon_among(names: Iterable[str], file: str, *, pickle: bool) -> list[str]:
    """Pick an add-on's file: the one asked for, else one of a usual name, else the only one."""
    wanted = (".safetensors", *_PICKLES) if pickle else (".safetensors",)
    usable = sorted(name for name in names if name.lower().endswith(wanted))
    for suffix in wanted:
        if file:
            return [name for name in usable if name == file]
        found = [name for name in usable if name.lower().endswith(suffix)]
        usual = [name for name in found if name.removesuffix(suffix) in _USUAL]
        if len(chosen := usual[:1] or found) == 1:
            return chosen
    return []


def why_no_addon(names: Iterable[str], file: str) -> str:
    """Say why there is no file to pick, and what to do."""
    every = sorted(names)
    safe = [name for name in every if name.lower().endswith(".safetensors")]
    if file and file not in every:
        return f"has {did_you_mean(file, safe)}"
    if not file and len(safe) > 1:
        more = f" and {len(safe) - 4} more" if len(safe) > 4 else ""
        return f"holds several; name one in `file`: {', '.join(safe[:4])}{more}"
    if any(name.lower().endswith(_PICKLES) for name in every):
        return (
            "holds only pickles, which can run code when they are read;"
            " allow them with --allow-pickle if you trust where they are from"
        )
    return "holds no .safetensors file"


def variant_of(name: str) -> str:
    """The variant that a weights file's name carries; empty for the plain one."""
    fits = _WEIGHTS.fullmatch(name)
    return (fits["variant"] or "") if fits else ""
