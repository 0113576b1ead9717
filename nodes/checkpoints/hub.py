"""Models from the Hugging Face hub: from its local cache, else fetched, only what is needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from nodegraph.errors import NotFetchedError, UserError

from .folders import PICKLES, addon_problem, missing_shard, pick_addon, pick_weights
from .names import ADDRESSES, BUILT_IN, Role, conditioning_of
from .pickles import pickle_risk
from .tokenizers import missing_file

_SECONDS = 5.0
"""To wait for the hub's first answer, so that a machine without network is told soon."""
_CLIP = "openai/clip-vit-large-patch14"
PROCESSOR = "preprocessor_config.json"
"""The file that says which size and range of pixels a model of transformers reads."""
_CONFIGS = ("config.json", "scheduler_config.json", "model_index.json")
_TOKENIZER = (
    "vocab.json",
    "merges.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
# The hub's library opens a file of this name in its cache: `..` or a leading / would lead out.
_REVISION = re.compile(r"(?:[\w-][\w.+-]*(?:/[\w-][\w.+-]*)*)?")


def fetch(model: str, role: Role, revision: str, variant: str, allow: frozenset[str]) -> Path:
    """The snapshot folder of a hub model; the hub is asked only for what the cache lacks.

    Raises:
        UserError: It cannot be had; says how to get it elsewhere, and what works here.
        NotFetchedError: It is not in the cache, and nothing is to be fetched.
    """
    if not _REVISION.fullmatch(revision):
        raise UserError(f"revision: {revision[:100]!r} is no branch, tag or commit of the hub")
    pickle = "pickle" in allow
    cached = _cached(model, revision)
    if cached and files_to_fetch(_names(cached), role, variant, pickle=pickle):
        return cached
    if "offline" in allow:
        raise NotFetchedError(f"{ADDRESSES[role]}: {model!r} is fetched from the hub first")
    from huggingface_hub import snapshot_download

    here = missing_part(_names(cached), role, variant, pickle=pickle) if cached else ""
    names = _list_files(model, role, revision, here)
    files = files_to_fetch(names, role, variant, pickle=pickle)
    if not files:
        raise UserError(f"{ADDRESSES[role]}: {model!r} {_problem(names, role, variant)}")
    try:
        folder = snapshot_download(
            model, revision=revision or None, allow_patterns=list(files), etag_timeout=_SECONDS
        )
    except Exception as error:
        raise UserError(_unreachable(model, role, revision, here)) from error
    return Path(folder)


def files_to_fetch(names: Iterable[str], role: Role, variant: str, *, pickle: bool) -> list[str]:
    """Of a repository's files those that loading takes; none where a part is missing."""
    names = list(names)
    if missing_part(names, role, variant, pickle=pickle):
        return []
    if role in ("LoRA", "embedding"):
        chosen = pick_addon(names, variant, pickle=pickle)
        beside = [str(Path(name).with_name("adapter_config.json")) for name in chosen]
        return chosen + [name for name in beside if name in names]
    if role != "base model":
        return [*_configs(role), *pick_weights(names, variant, pickle=pickle)]
    chosen = [name for name in names if Path(name).name in (*_CONFIGS, *_TOKENIZER)]
    for part in ("text_encoder", "unet", "vae"):
        inside = [name.removeprefix(f"{part}/") for name in names if name.startswith(f"{part}/")]
        chosen += [f"{part}/{name}" for name in pick_weights(inside, variant, pickle=pickle)]
    return chosen


def missing_part(names: Sequence[str], role: Role, variant: str, *, pickle: bool) -> str:
    """What a repository lacks that loading takes, by the names of its files; empty for nothing."""
    if role in ("LoRA", "embedding"):
        return ""
    folders = ("text_encoder/", "unet/", "vae/") if role == "base model" else ("",)
    needed = ["model_index.json", "scheduler/scheduler_config.json"] * (role == "base model")
    for folder in folders:
        inside = [name.removeprefix(folder) for name in names if name.startswith(folder)]
        weights = pick_weights(inside, variant, pickle=pickle)
        if not weights:
            return f"weights in {folder}" if folder else "weights"
        if shard := missing_shard(weights):
            return folder + shard
        needed += [folder + name for name in _configs(role)]
    if missing := next((name for name in needed if name not in names), ""):
        return missing
    words = {name.removeprefix("tokenizer/") for name in names if name.startswith("tokenizer/")}
    vocabulary = missing_file(words) if role == "base model" else ""
    return f"tokenizer/{vocabulary}" if vocabulary else ""


def _configs(role: Role) -> list[str]:
    pictured = role in ("depth model", "segmentation model")
    return ["config.json", PROCESSOR] if pictured else ["config.json"]


def clip_vocabulary(name: str, allow: frozenset[str]) -> Path:
    """The folder of CLIP's tokenizer, which single-file models such as ``name`` leave out.

    Raises:
        UserError: It is nowhere here and the hub cannot be reached.
        NotFetchedError: It is not in the cache, and nothing is to be fetched.
    """
    from huggingface_hub import snapshot_download

    options = {"allow_patterns": [*_TOKENIZER], "etag_timeout": _SECONDS}
    for local in (True, False):
        if not local and "offline" in allow:
            raise NotFetchedError(
                f"model: the vocabulary of {name!r} is fetched from the hub first"
            )
        try:
            folder = Path(snapshot_download(_CLIP, local_files_only=local, **options))
        except Exception as error:
            if not local:
                raise UserError(
                    f"model: {name!r} has no vocabulary; fetch CLIP's where the hub can be"
                    f" reached (hf download {_CLIP} {' '.join(_TOKENIZER)}), or put a tokenizer"
                    " folder beside it"
                ) from error
        else:
            # A snapshot in the cache may lack the vocabulary: then the hub is asked after all.
            if not missing_file({path.name for path in folder.iterdir()}):
                return folder
    raise UserError(f"model: {_CLIP!r} holds no vocabulary")


def _names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _cached(model: str, revision: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, revision=revision or None, local_files_only=True))
    except (LocalEntryNotFoundError, HfHubHTTPError, ValueError, OSError):
        return None


def _list_files(model: str, role: Role, revision: str, here: str) -> Sequence[str]:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    at = ADDRESSES[role]
    try:
        info = HfApi().model_info(model, revision=revision or None, timeout=_SECONDS)
    except GatedRepoError as error:
        raise UserError(
            f"{at}: {model!r} wants you to accept its terms on huggingface.co first"
        ) from error
    except RevisionNotFoundError as error:
        raise UserError(f"revision: {model!r} has no {revision!r} on the hub") from error
    except RepositoryNotFoundError as error:
        raise UserError(f"{at}: the hub has no {model!r}, or it is private") from error
    except Exception as error:
        raise UserError(_unreachable(model, role, revision, here)) from error
    return [file.rfilename for file in info.siblings or ()]


def _unreachable(model: str, role: Role, revision: str, missing: str) -> str:
    """The error where the hub cannot be asked; ``missing`` is what the cache lacks of the model."""
    from huggingface_hub.constants import HF_HUB_CACHE

    at = f" --revision {revision}" if revision else ""
    same = f"tiny-{conditioning_of(model)}"
    tiny = same if same in BUILT_IN[role] else next(iter(BUILT_IN[role]), "")
    instead = f", or use {tiny!r}, which needs no network" if tiny else ""
    return (
        f"{ADDRESSES[role]}: {model!r} is {'only in part' if missing else 'not'} in {HF_HUB_CACHE}"
        f"{f' (it has no {missing})' if missing else ''} and the hub cannot be reached;"
        f" fetch it where it can (hf download {model}{at}) and give its folder{instead}"
    )


def _problem(names: Sequence[str], role: Role, file: str) -> str:
    if role in ("LoRA", "embedding"):
        return addon_problem(names, file)
    missing = missing_part(names, role, file, pickle=False)
    if missing.startswith("weights") and any(name.endswith(PICKLES) for name in names):
        return pickle_risk("holds its weights only as a pickle")
    return f"has no {missing}, which the layout of diffusers or transformers asks for"
