"""The ends of commands: a sentence and an exit code, no traceback for what a user did."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import typer

from ..errors import NodeGraphError, RunError, UserError
from .output import echo

DONE, FAILED, BAD, UNPRINTED, CANCELLED = 0, 1, 2, 3, 130
"""Exit codes: 3 is for work that is done and kept, but not told; 130 is what a shell reports for
Ctrl-C."""
DIFFERENT = FAILED
"""Exit code of `nodegraph diff` where two graphs differ, as `diff` has it."""

_STOPS = ("SIGINT", "SIGTERM", "SIGHUP")
_UNREAD = (errno.EPIPE, errno.ESHUTDOWN)


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM, and a terminal that is closed, end what runs as cleanly as Ctrl-C does."""
    with _handling(signal.default_int_handler):
        yield


@contextmanager
def unhurried() -> Iterator[None]:
    """Put off Ctrl-C to the end of the block, which is short; a second one ends it at once."""
    signals: list[int] = []

    def note(number: int, _: object) -> None:
        signals.append(number)
        if len(signals) > 1:
            raise KeyboardInterrupt

    with _handling(note):
        yield
    if signals:
        raise KeyboardInterrupt


@contextmanager
def _handling(handler: Any) -> Iterator[None]:
    numbers = [getattr(signal, name) for name in _STOPS if hasattr(signal, name)]
    # What is ignored stays so: that is how `nohup` starts a command.
    handlers = {number: signal.getsignal(number) for number in numbers}
    before = {n: old for n, old in handlers.items() if old not in (None, signal.SIG_IGN)}
    try:
        for number in before:
            signal.signal(number, handler)
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


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
        end(CANCELLED, "cancelled")
    except OSError as error:  # of a file that no sentence of its own was written for
        end(BAD, f"{_place(error)}{reason_of(error)}")


@contextmanager
def writing(path: object) -> Iterator[None]:
    """Say in a sentence why a file cannot be written.

    Raises:
        UserError: it cannot.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {str(path)!r}: {reason_of(error)}") from error


def reason_of(error: OSError) -> str:
    """What the system says, as a part of a sentence."""
    return (error.strerror or str(error) or type(error).__name__).lower()


def _place(error: OSError) -> str:
    if isinstance(error.filename, str | bytes):
        return f"{os.fsdecode(error.filename)!r}: "
    try:
        Path.cwd()
    except OSError:  # somebody has removed it: the one path that has no name then
        return "the current folder: "
    return ""


def end(code: int, message: str) -> NoReturn:
    """Print a message on stderr and leave."""
    say(message, "red" if code in (FAILED, BAD) else "yellow")
    raise typer.Exit(code)


def end_unprinted(code: int, error: OSError | None) -> int:
    """The exit code of a command that ended with ``code``; ``error`` is why it could not be told.

    Whoever closes a pipe has read enough (`nodegraph nodes | head`), so that is no error.
    """
    if error is None or error.errno in _UNREAD:
        return code
    say(f"what was to be printed is lost: {reason_of(error)}; everything else is done", "yellow")
    return code or UNPRINTED


def warn(message: str) -> None:
    """Print what is no error but should be seen."""
    say(f"warning: {message}", "yellow")


def say(message: str, colour: str) -> None:
    first, newline, rest = message.partition("\n")
    echo(typer.style(first, fg=colour) + newline + rest, error=True)
