"""Where the files of built-in models lie."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
TINY = FOLDER / "tiny"
