"""Parts of controlnet_aux, imported without the rest of that package.

Its top level imports eighteen detectors, which takes seconds, prints a dozen warnings, and fails
beside a recent mediapipe. No single detector needs all that, so their folders are imported as parts
of a package of our own that has the same files and an empty top level.
"""

from __future__ import annotations

import sys
import warnings
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

ALIAS = f"{__name__}_files"
# It imports from where SciPy and timm had things in older versions; no user can change that.
HIDDEN_WARNINGS: tuple[tuple[str, type[Warning]], ...] = (
    (r"Please (use|import) `gaussian_filter`", DeprecationWarning),
    (r"Importing from timm", FutureWarning),
)


def open_pose() -> ModuleType:
    """controlnet_aux.open_pose: the detector, its networks and its drawing."""
    return part("open_pose")


@cache
def part(name: str) -> ModuleType:
    """controlnet_aux.``name``."""
    if ALIAS not in sys.modules:
        spec = find_spec("controlnet_aux")
        if spec is None or spec.submodule_search_locations is None:
            raise ModuleNotFoundError("controlnet_aux is not installed", name="controlnet_aux")
        package = ModuleType(ALIAS)
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules[ALIAS] = package
    for message, kind in HIDDEN_WARNINGS:
        warnings.filterwarnings("ignore", message, kind)
    return import_module(f"{ALIAS}.{name}")
