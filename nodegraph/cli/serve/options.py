"""Options of a server, and the folder that it keeps everything in."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import UserError
from ...settings import Compute

DRAIN = 30.0
"""Seconds that running jobs are given when the server is told to end."""
FOLDERS = ("assets", "models", "output", "workflows")
"""The folders of a data folder."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a server, as the command line reads them."""

    host: str = "127.0.0.1"
    port: int = 8188
    data_dir: Path | None = None
    token_file: Path | None = None
    database: str | None = None
    public_url: tuple[str, ...] = ()
    compute: Compute = field(default_factory=lambda: Compute(models=()))
    queue: int = 1000
    time_limit: float | None = None
    check_time: float = 10.0
    worker_memory: str | None = None
    open: bool = False
    verbose: bool = False


def data_folder(folder: Path | None) -> Path:
    """Make the folder of jobs, pictures and workflows: NODEGRAPH_DATA's or the platform's if None.

    Raises:
        UserError: it cannot be made.
    """
    if folder is None and (name := os.environ.get("NODEGRAPH_DATA")):
        folder = Path(name)
    if folder is None:
        from platformdirs import user_data_path

        folder = user_data_path("nodegraph", appauthor=False)
    try:
        for part in (folder, *(folder / name for name in FOLDERS)):
            part.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"--data-dir {str(folder)!r}: {reason}; name another folder") from error
    return folder.resolve()
