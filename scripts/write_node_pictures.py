"""Show in one small picture a node what it does, for docs/nodes.md: `make node-pictures`."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.node_pictures import models, pictures, preprocessors, sampling, words
from scripts.node_pictures.frame import figure, small

FOLDER = Path(__file__).resolve().parent.parent / "docs/pictures/nodes"
FIGURES = {
    name: figure
    for module in (pictures, preprocessors, models, sampling, words)
    for name, figure in module.FIGURES.items()
}


def main() -> None:
    """Make the pictures again, all or those of the nodes named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or FIGURES:
        data = small(figure(FIGURES[name]()))
        (FOLDER / f"{name}.png").write_bytes(data)
        print(f"{name}: {len(data):,} bytes")


if __name__ == "__main__":
    main()
