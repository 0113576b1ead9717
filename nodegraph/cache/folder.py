"""The folder that the disk tier, and whatever else lasts beyond a process, lies in."""

from __future__ import annotations

import os
from pathlib import Path


def default_folder() -> Path:
    """``NODEGRAPH_CACHE``, else the platform's cache folder."""
    if named := os.environ.get("NODEGRAPH_CACHE"):
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("nodegraph", appauthor=False)
