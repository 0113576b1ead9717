"""Workflows found by name: in a file, in a picture that carries one, or among the shipped."""

from __future__ import annotations

import json
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..carriers.picture import is_picture, keywords, read_text, read_workflow
from ..errors import Problem, UserError, WorkflowError, did_you_mean
from ..execution.provenance import DEGRADED
from ..graph.foreign import name_keywords
from ..graph.shipped import shipped
from ..graph.workflow import Workflow
from ..savings import Shortages
from .exits import reason_of


@dataclass(frozen=True, slots=True)
class WorkflowFile:
    """A workflow, the file it was in, and the name its results are saved under."""

    workflow: Workflow
    path: Path
    picture: bool = False

    @property
    def source(self) -> Path | None:
        """The file that templates are looked for beside: none for what a picture carries."""
        return None if self.picture else self.path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Folders of the pictures it names: its own, then ``inputs`` there, if they exist."""
        folders = (self.path.parent, self.path.parent / "inputs")
        return tuple(folder for folder in folders if folder.is_dir())

    @property
    def shortages(self) -> Shortages:
        """Shortages of memory while a picture was made, as it says itself."""
        return {
            name: tuple(map(str, words))
            for name, words in self.carried(DEGRADED).items()
            if isinstance(words, list)
        }

    def carried(self, keyword: str) -> Mapping[str, object]:
        """A text of a picture that is a JSON object; empty where it carries no such text."""
        text = read_text(self.path, keyword) if self.picture else None
        try:
            value = json.loads(text or "{}")
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


def find_workflow(name: str) -> WorkflowFile:
    """The workflow called ``name``.

    Raises:
        UserError: there is none, or the picture carries none.
        WorkflowError: it is no workflow.
    """
    path = _file(name) or _shipped(name)
    try:
        picture = is_picture(path)
        workflow = _inside(path) if picture else Workflow.load(path)
    except OSError as error:
        raise UserError(f"{str(path)!r} cannot be read: {reason_of(error)}") from error
    return WorkflowFile(workflow, path, picture)


def _file(name: str) -> Path | None:
    """The file of this name; None where there is none, or a folder.

    Raises:
        UserError: it is no file, or nobody may look.
    """
    path = Path(name)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"{name!r} cannot be read: {reason_of(error)}") from error
    if stat.S_ISREG(mode):
        return path
    if stat.S_ISDIR(mode):
        return None
    raise UserError(f"{name!r} is a pipe or a device; save the workflow to a file first")


def _inside(path: Path) -> Workflow:
    text = read_workflow(path)
    if text is None:
        foreign = name_keywords(keywords(path))
        instead = f", but {foreign}" if foreign else ""
        raise UserError(
            f"{str(path)!r} carries no workflow{instead}; pictures that nodegraph saves do"
        )
    try:
        return Workflow.load(text)
    except WorkflowError as error:
        raise WorkflowError(
            [Problem(f"{path.name}: {p.address}", p.message) for p in error.problems]
        ) from error


def _shipped(name: str) -> Path:
    paths = shipped()
    if name.removesuffix(".json") in paths:
        return paths[name.removesuffix(".json")]
    if Path(name).is_dir():
        raise UserError(f"{name!r} is a folder; name a workflow file")
    raise UserError(
        f"no file {name!r}, and of the shipped workflows {did_you_mean(Path(name).stem, paths)}"
    )


def keep_from_loss(output: Path, kinds: Collection[str]) -> None:
    """Refuse to write over a file that is something else than a command makes.

    Args:
        kinds: What may be replaced, as ``_contents`` names it.

    Raises:
        UserError: the file would be lost.
    """
    there = _contents(output)
    if there and there not in kinds:
        raise UserError(f"{str(output)!r} is {there} and would be lost; name another file")


def _contents(path: Path) -> str:
    """What an existing file is: a picture, a workflow or another file; empty where nothing is."""
    if not path.is_file() or not path.stat().st_size:
        return ""
    if is_picture(path):
        return "a picture"
    with path.open("rb") as file:
        head = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    return "a workflow" if head.startswith(b"{") else "another file"
