"""Paths of the built-in models' files."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
TINY = FOLDER / "tiny"
FONT = FOLDER / "fonts" / "DejaVuSans.ttf"
"""Latin, Greek, Cyrillic, Hebrew, Arabic, signs."""
