"""The ends of commands: a sentence and an exit code, no traceback for what a user did."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from ..errors import NodeGraphError, RunError

DONE, FAILED, BAD, CANCELLED = 0, 1, 2, 130
"""Exit codes: 130 is what a shell reports for Ctrl-C."""
DIFFERENT = FAILED
"""Exit code of `nodegraph diff` where two graphs differ, as `diff` has it."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM end what runs as cleanly as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def sentences() -> Iterator[None]:
    """Turn what a user can cause into a sentence on stderr and an exit code."""
    try:
        yield
    except RunError as error:
        end(FAILED, str(error))
    except NodeGraphError as error:
        end(BAD, str(error))
    except KeyboardInterrupt:
        end(
            CANCELLED,
            "cancelled; what was finished is kept, and the same command goes on from there",
        )
    except BrokenPipeError:
        # Whoever read our output has seen enough (`nodegraph nodes | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(DONE) from None


def end(code: int, message: str) -> NoReturn:
    """Print a message on stderr and leave."""
    say(message, "red" if code in (FAILED, BAD) else "yellow")
    raise typer.Exit(code)


def warn(message: str) -> None:
    """Print what is no error but should be seen."""
    say(f"warning: {message}", "yellow")


def say(message: str, colour: str) -> None:
    first, newline, rest = message.partition("\n")
    typer.echo(typer.style(first, fg=colour) + newline + rest, err=True)
