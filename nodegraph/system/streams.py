"""Standard streams that take any text, and whose end ends nobody's work."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


class SteadyStream:
    """A text stream over another: escapes what that cannot spell, drops what it will not take.

    It hides the ``buffer`` of the other: click would write to that, in an encoding that click
    thinks better than the user's.

    Attributes:
        error: Why a text could not be written, once one could not; all later ones are dropped.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.error: OSError | None = None

    @property
    def encoding(self) -> str:
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:
        return "backslashreplace"

    def write(self, text: str) -> int:
        """Write a text, as far as anybody takes it; returns its length."""
        if not isinstance(text, str):
            raise TypeError(f"write() takes text, not {type(text).__name__}")
        if self.error is not None or not text:
            return len(text)
        try:
            if self._stream is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                self._stream.write(self.spell(text))
            # At once: else the end of the process would be the first to hear that it cannot be.
            self._stream.flush()
        except OSError as error:
            self._give_up(error)
        except ValueError:  # somebody has closed it
            self._give_up(OSError(errno.EBADF, os.strerror(errno.EBADF)))
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Do nothing: all that was written has been flushed."""

    def isatty(self) -> bool:
        return self._stream is not None and self.error is None and self._stream.isatty()

    def fileno(self) -> int:
        if self._stream is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._stream.fileno()

    def spell(self, text: str) -> str:
        """The text with every character escaped that the stream's encoding lacks."""
        return text.encode(self.encoding, self.errors).decode(self.encoding)

    def _give_up(self, error: OSError) -> None:
        self.error = error
        # What is left in the buffer would fail once more when Python ends, with a traceback.
        with suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, self.fileno())
            finally:
                os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        if name in ("_stream", "buffer"):
            raise AttributeError(name)
        return getattr(self._stream, name)


@contextmanager
def steady_streams() -> Iterator[tuple[SteadyStream, SteadyStream]]:
    """Make ``sys.stdout`` and ``sys.stderr`` steady for the block."""
    _open_missing()
    before = sys.stdout, sys.stderr
    steady = SteadyStream(sys.stdout), SteadyStream(sys.stderr)
    sys.stdout, sys.stderr = steady
    try:
        yield steady
    finally:
        sys.stdout, sys.stderr = before


def _open_missing() -> None:
    """Open the standard streams that are closed, on nothing.

    The next file to be opened would get the number of one, and whatever is printed by native code
    would be written into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # It gets the lowest number that is free: this one. Children have it, too.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
