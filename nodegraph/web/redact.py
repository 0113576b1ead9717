"""Folders of this machine, by the names that others may read."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..base.characters import spelled
from ..errors import Problem

_REST = re.compile(r"(?<![\w/.:>~])/(?:[^\s/'\"(),;:]+/)+")


@dataclass(frozen=True)
class Names:
    """Writes ``<data>`` where a text names the data folder: an answer shows no path.

    Attributes:
        folders: What to call each folder; longer paths are looked for first.
    """

    folders: Mapping[Path, str]

    @cached_property
    def _names(self) -> list[tuple[str, str]]:
        every = {str(path): name for path, name in self.folders.items()}
        every |= {str(path.resolve()): name for path, name in self.folders.items()}
        return sorted(every.items(), key=lambda pair: -len(pair[0]))

    def hide(self, text: str) -> str:
        """The text with folders by their names; of any other path only its last part is left."""
        text = spelled(text)
        if "/" not in text and os.sep not in text:
            return text
        for path, name in self._names:
            text = text.replace(path, f"<{name}>")
        return _REST.sub("…/", text)

    def problem(self, problem: Problem) -> Problem:
        # A fix holds values for inputs and their sizes in words: no paths.
        return replace(
            problem, address=self.hide(problem.address), message=self.hide(problem.message)
        )

    def inside(self, value: Any) -> Any:
        """A JSON value with every text in it as ``hide`` has it."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, Mapping):
            return {key: self.inside(part) for key, part in value.items()}
        return [self.inside(part) for part in value] if isinstance(value, list | tuple) else value
