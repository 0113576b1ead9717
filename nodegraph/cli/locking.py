"""`nodegraph lock`: pin the models that a workflow file uses."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import typer

from ..cache import Cache
from ..errors import NodeError, RunError, UserError
from ..lock import lock
from ..png import is_png
from .files import find
from .run import Options, planned, settings_of


def lock_file(options: Options, output: Path | None) -> None:
    """Write the workflow with its models pinned, into its own file unless ``output`` names another.

    Raises:
        RunError: a model cannot be found.
    """
    found = find(options.file)
    target = output or found.path
    if output is None:
        _refuse_others(options.file, target)
    chosen = planned(options, found)
    with closing(Cache.in_memory()) as cache:
        try:
            pinned = lock(chosen, cache, settings_of(options, found))
        except NodeError as error:
            raise RunError([error]) from error
    pinned.save(target)
    for name, pin in pinned.models.items():
        typer.echo(f"{name}  {pin.revision[:12] or 'local'}  sha256 {pin.sha256[:12]}…")
    if not pinned.models:
        typer.echo("nothing to pin: the models it uses come with nodegraph")
    typer.echo(target)


def _refuse_others(name: str, path: Path) -> None:
    with path.open("rb") as file:
        picture = is_png(file.read(8))
    if picture or not Path(name).is_file():
        what = "a picture" if picture else "a shipped workflow"
        raise UserError(f"{name!r} is {what}; say with --output which file to write")
