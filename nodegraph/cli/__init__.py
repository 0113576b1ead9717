"""The command line: `nodegraph`, and `python -m nodegraph`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main() -> None:
    """Run the command line on this process's arguments."""
    try:
        from ..system.threads import configure_threads

        configure_threads(os.environ)  # of this process and of those it starts
        code = call(sys.argv[1:])
    except KeyboardInterrupt:  # while all that could end in a better way is still loaded
        code = 130
        if sys.stderr is not None:
            sys.stderr.write("cancelled\n")
    leave(code)


def call(arguments: Sequence[str]) -> int:
    """Run the command line, whatever its output is worth; returns the exit code."""
    from ..system.streams import steady_streams
    from .app import app
    from .exits import end_unprinted

    with steady_streams() as (output, _):
        try:
            app(list(arguments), prog_name="nodegraph")
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        return end_unprinted(code, output.error)


def leave(code: int) -> None:
    """End the process.

    By now every file is written, all output flushed, and every thread has ended. Taking PyTorch
    apart piece by piece takes Python longer than a second, and is of use to nobody.
    """
    if "torch" in sys.modules:
        os._exit(code)
    raise SystemExit(code)
