"""The command line: `nodegraph`, and `python -m nodegraph`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def main() -> None:
    """Run the command line on this process's arguments."""
    from ..system.threads import configure_threads
    from .app import app

    configure_threads(os.environ)  # of this process and of those it starts
    try:
        app(prog_name="nodegraph")
    except SystemExit as end:
        leave(end)


def leave(end: SystemExit) -> None:
    """End the process with the code of ``end``.

    By now every file is written and every thread has ended. Taking PyTorch apart piece by piece
    takes Python longer than a second, and is of use to nobody.
    """
    if "torch" not in sys.modules:
        raise end
    with suppress(OSError):  # whoever read our output may have gone
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))
