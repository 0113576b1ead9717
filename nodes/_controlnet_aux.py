"""controlnet_aux's OpenPose, imported without the rest of that package.

Its top level imports eighteen detectors, which takes seconds, prints a dozen warnings, and fails
beside a recent mediapipe. OpenPose needs none of that, so its folder is imported as part of a
package of our own that has the same files and an empty top level.
"""

from __future__ import annotations

import sys
import warnings
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

ALIAS = "nodes._controlnet_aux_files"


@cache
def open_pose() -> ModuleType:
    """controlnet_aux.open_pose: the detector, its networks and its drawing."""
    return _part("open_pose")


@cache
def util() -> ModuleType:
    """controlnet_aux.util: how its detectors bring pictures to size."""
    return _part("util")


def _part(name: str) -> ModuleType:
    if ALIAS not in sys.modules:
        spec = find_spec("controlnet_aux")
        if spec is None or spec.submodule_search_locations is None:
            raise ModuleNotFoundError("controlnet_aux is not installed", name="controlnet_aux")
        package = ModuleType(ALIAS)
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules[ALIAS] = package
    # It imports gaussian_filter from where SciPy kept it until 1.8.
    warnings.filterwarnings("ignore", r"Please (use|import) `gaussian_filter`", DeprecationWarning)
    return import_module(f"{ALIAS}.{name}")
