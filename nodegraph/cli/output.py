"""Output of commands: lines that steer no terminal, and JSON that every reader takes."""

from __future__ import annotations

import json
import re
import sys

import typer

# Characters that move the cursor, end the line or turn what follows round.
_CONTROLS = "\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
_STEERING = re.compile(rf"\x1b(?!\[[0-9;]*m)|[{_CONTROLS}]")  # all but the colours of styles
_IN_A_CELL = re.compile(rf"[\t\n\x1b{_CONTROLS}]")


def echo(text: object = "", *, newline: bool = True, error: bool = False) -> None:
    """Print a text, with a line break behind it; what would steer a terminal is spelled out."""
    typer.echo(_STEERING.sub(_escape, str(text)), nl=newline, err=error)


def echo_dim(text: str) -> None:
    """Print a hint, which stands back behind everything else."""
    echo(typer.style(text, dim=True))


def echo_json(value: object, indent: int | None = None) -> None:
    """Print JSON: in ASCII alone unless the stream is in UTF-8, which readers of JSON expect."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    if not is_unicode(sys.stdout) or not fits(text, "utf-8") or _STEERING.search(text):
        text = json.dumps(value, indent=indent)
    typer.echo(text)


def cell(text: str, stream: object = None) -> str:
    """A text for a table on ``stream`` (standard output): escaped before its width is counted."""
    encoding = encoding_of(sys.stdout if stream is None else stream)
    text = _IN_A_CELL.sub(_escape, text)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def fits(text: str, encoding: str) -> bool:
    """Whether an encoding has every character of a text."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def encoding_of(stream: object) -> str:
    return getattr(stream, "encoding", None) or "utf-8"


def is_unicode(stream: object) -> bool:
    return encoding_of(stream).lower().replace("-", "").replace("_", "") in ("utf8", "utf8sig")


def _escape(match: re.Match[str]) -> str:
    return repr(match[0])[1:-1]
