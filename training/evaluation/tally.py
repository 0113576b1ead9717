"""Notes taken while pictures are measured: numbers by group and name, and rows to look at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image

from training.scenes.render import Pixels

Figures: TypeAlias = dict[str, dict[str, float]]
COLUMNS = 8
QUALITY = 88  # of the grids, as WebP


@dataclass(slots=True)
class Tally:
    """Numbers of groups under names, and rows of pictures of a grid."""

    numbers: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    grids: dict[str, list[list[Pixels]]] = field(default_factory=dict)

    def note(self, group: str, name: str, *values: float) -> None:
        """Add values under a name of a group."""
        self.numbers.setdefault(group, {}).setdefault(name, []).extend(map(float, values))

    def show(self, group: str, *rows: Sequence[Pixels]) -> None:
        """Set the rows of a group's grid."""
        self.grids[group] = [list(row[:COLUMNS]) for row in rows]

    def save_numbers(self, path: Path) -> None:
        """Write the numbers of one process."""
        path.write_text(json.dumps(self.numbers), encoding="utf-8")

    def save_grids(self, folder: Path) -> None:
        """Write every grid."""
        for group, rows in self.grids.items():
            whole = Image.fromarray(np.vstack([np.hstack(row) for row in rows]))
            whole.save(folder / f"{group}.webp", quality=QUALITY, method=6)


def means(paths: Sequence[Path]) -> Figures:
    """The mean of every number over all that the processes noted."""
    whole = Tally()
    for path in paths:
        for group, names in json.loads(path.read_text(encoding="utf-8")).items():
            for name, values in names.items():
                whole.note(group, name, *values)
    return {
        group: {name: round(float(np.mean(values)), 4) for name, values in names.items()}
        for group, names in whole.numbers.items()
    }


def merged(path: Path, figures: Figures, order: Sequence[str]) -> None:
    """Write new figures over older ones of the same groups; groups are put in order."""
    older: Figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    both = older | figures
    ordered = {kind: both[kind] for kind in (*order, *both) if kind in both}
    path.write_text(json.dumps(ordered, indent=2) + "\n", encoding="utf-8")
