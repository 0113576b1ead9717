"""Models from the Hugging Face hub: from its local cache, else fetched, only what is needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from nodegraph.errors import NotFetchedError, UserError

from .folders import PICKLES, addon_problem, pick_addon, pick_weights
from .names import ADDRESSES, BUILT_IN, Role, conditioning_of
from .pickles import pickle_risk

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

    names = _list_files(model, role, revision)
    files = files_to_fetch(names, role, variant, pickle=pickle)
    if not files:
        raise UserError(f"{ADDRESSES[role]}: {model!r} {_problem(names, role, variant)}")
    try:
        folder = snapshot_download(
            model, revision=revision or None, allow_patterns=list(files), etag_timeout=_SECONDS
        )
    except Exception as error:
        raise UserError(_unreachable(model, role, revision)) from error
    return Path(folder)


def files_to_fetch(names: Iterable[str], role: Role, variant: str, *, pickle: bool) -> list[str]:
    """Of a repository's files those that loading takes; none where a part is missing."""
    names = list(names)
    if role in ("LoRA", "embedding"):
        chosen = pick_addon(names, variant, pickle=pickle)
        beside = [str(Path(name).with_name("adapter_config.json")) for name in chosen]
        return chosen + [name for name in beside if name in names]
    if role != "base model":
        configs = ["config.json"] if role == "ControlNet" else ["config.json", PROCESSOR]
        weights = pick_weights(names, variant, pickle=pickle)
        return [*configs, *weights] if weights and {*configs} <= {*names} else []
    chosen = [name for name in names if Path(name).name in (*_CONFIGS, *_TOKENIZER)]
    for part in ("text_encoder", "unet", "vae"):
        inside = [name.removeprefix(f"{part}/") for name in names if name.startswith(f"{part}/")]
        weights = pick_weights(inside, variant, pickle=pickle)
        if not weights or "config.json" not in inside:
            return []
        chosen += [f"{part}/{name}" for name in weights]
    return chosen


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
            if (folder / "vocab.json").exists():
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


def _list_files(model: str, role: Role, revision: str) -> Sequence[str]:
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
        raise UserError(_unreachable(model, role, revision)) from error
    return [file.rfilename for file in info.siblings or ()]


def _unreachable(model: str, role: Role, revision: str) -> str:
    from huggingface_hub.constants import HF_HUB_CACHE

    at = f" --revision {revision}" if revision else ""
    same = f"tiny-{conditioning_of(model)}"
    tiny = same if same in BUILT_IN[role] else next(iter(BUILT_IN[role]), "")
    instead = f", or use {tiny!r}, which needs no network" if tiny else ""
    return (
        f"{ADDRESSES[role]}: {model!r} is not in {HF_HUB_CACHE} and the hub cannot be reached;"
        f" fetch it where it can (hf download {model}{at}) and give its folder{instead}"
    )


def _problem(names: Sequence[str], role: Role, file: str) -> str:
    if role in ("LoRA", "embedding"):
        return addon_problem(names, file)
    if any(name.endswith(PICKLES) for name in names):
        return pickle_risk("holds its weights only as a pickle")
    return "has no weights in the layout of diffusers or transformers"
