"""The token of a server: from a file, from the environment, or made where one is needed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ...base.files import write_new
from ...errors import UserError
from ...web.middleware.access import is_loopback
from ..exits import warn
from .options import Options


def token_for(options: Options, folder: Path) -> tuple[str, bool]:
    """The token of this server, and whether it was made just now.

    Only this machine can reach a loopback address, so that needs none; for any other address a
    token is made if the operator has set none.

    Raises:
        UserError: the file cannot be read or written.
    """
    if options.token_file is not None:
        return _read_or_make(options.token_file)
    if token := os.environ.get("NODEGRAPH_TOKEN"):
        if not token.strip():
            raise UserError("NODEGRAPH_TOKEN: is blank; write a token, or unset it")
        return token.strip(), False
    return ("", False) if is_loopback(options.host) else _read_or_make(folder / "token")


def _read_or_make(path: Path) -> tuple[str, bool]:
    """The token in a file that only its owner reads; made where there is none."""
    try:
        if not path.exists():
            token = secrets.token_urlsafe(32)
            # Of two servers that start at once, one makes the token and the other reads it.
            if write_new(path, f"{token}\n", mode=0o600):
                return token, True
        if path.stat().st_mode & 0o077:
            warn(f"{path}: others can read the token; `chmod 600` it")
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no text"
        raise UserError(f"token file {str(path)!r}: {reason.lower()}") from error
    if not token:
        raise UserError(f"token file {str(path)!r}: is empty; delete it to have one made")
    return token, False
