"""Budgets in bytes of the tiers, as people write them: ``device=4GB,host=8GB,disk=20GB``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ..errors import UserError, did_you_mean

_UNITS = {"": 1, "B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Z]*)")
_TIERS = ("device", "host", "disk")


@dataclass(frozen=True, slots=True)
class Budgets:
    """Bytes per tier. None stands for a share of what the machine has, measured when first needed.

    Attributes:
        device: Of each device; else 80 % of its free memory.
        host: Else a quarter of the machine's memory.
    """

    device: int | None = None
    host: int | None = None
    disk: int = 20 * 2**30


DEFAULTS = Budgets()


def parse_budget(text: str, defaults: Budgets = DEFAULTS) -> Budgets:
    """Read ``6GB`` (the device's) or ``device=4GB,host=8GB,disk=20GB``, in any order and number.

    Raises:
        UserError: a part cannot be read; the error names it, and how it would be right.
    """
    sizes: dict[str, int] = {}
    for part in text.split(","):
        name, equals, size = part.rpartition("=")
        name = name.strip().lower() if equals else "device"
        if name not in _TIERS:
            raise UserError(f"budget: {did_you_mean(name, _TIERS)}")
        if name in sizes:
            raise UserError(f"budget: {name!r} is given twice")
        sizes[name] = parse_size(size)
    return replace(defaults, **sizes)


def parse_size(text: str, name: str = "budget") -> int:
    """Read ``512MB`` or ``1.5 GB`` as bytes; units are powers of 1,024.

    Raises:
        UserError: it is no size; ``name`` is the option that it was given for.
    """
    match = _SIZE.fullmatch(text.strip().upper().replace("IB", "B"))
    if match is None or match[2] not in _UNITS:
        raise UserError(f"{name}: {text.strip()!r} is not a size; write it like '512MB' or '6GB'")
    return int(float(match[1]) * _UNITS[match[2]])
