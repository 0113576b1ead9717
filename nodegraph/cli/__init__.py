"""The command line: `nodegraph`, and `python -m nodegraph`."""

from __future__ import annotations


def main() -> None:
    """Run the command line on this process's arguments."""
    from .app import app

    app(prog_name="nodegraph")
