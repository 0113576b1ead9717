"""Versions of installed packages, as their metadata tell: nothing is imported to find out."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution

_HEAD = 1000
"""Letters of the metadata that its version stands in."""


@cache
def installed(package: str) -> str:
    """An installed package's version."""
    try:
        metadata = distribution(package)
    except PackageNotFoundError:
        return "not installed"
    # All of it is parsed as mail for the third line, which takes a command longer than its work.
    head = (metadata.read_text("METADATA") or "")[:_HEAD].partition("\n\n")[0]
    match = re.search(r"^Version: (\S+)$", head, re.MULTILINE)
    return match[1] if match else metadata.version
