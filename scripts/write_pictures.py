"""Run the shipped workflows and keep small copies of what they make, for the documentation."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from nodegraph.shipped import shipped

PICTURES = Path(__file__).resolve().parent.parent / "workflows/pictures"
LARGEST = 560


def main() -> None:
    """Make the pictures again, all or those of the workflows named."""
    PICTURES.mkdir(exist_ok=True)
    for name in sys.argv[1:] or shipped():
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "nodegraph", "run", name, "--out", folder]
            subprocess.run(command, check=True)
            for path in sorted(Path(folder).glob("*.png")):
                _keep(path)


def _keep(path: Path) -> None:
    """Save a copy without the workflow in it, small enough for a page."""
    with Image.open(path) as picture:
        picture.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
        Image.frombytes(picture.mode, picture.size, picture.tobytes()).save(
            PICTURES / path.name, optimize=True
        )


if __name__ == "__main__":
    main()
