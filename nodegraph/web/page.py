"""The page: the files that the editor was built to, each at a fixed address, nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from .errors import response_of
from .middleware.headers import PAGE

FOLDER = Path(__file__).resolve().parent / "editor"
"""The files that the editor was built to."""
_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_MISSING = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>nodegraph</title>
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<style>body { font: 16px/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 36rem;
padding: 0 1rem } code { font-size: 1.05em }</style>
<h1>The editor has not been built</h1>
<p>The server works: everything under <code>/v1</code> answers, and <code>nodegraph run</code> does
what it always did. Only the page is missing.</p>
<p>With Node.js 20.19 or newer on this machine, run</p>
<pre><code>python -m nodegraph.web.build</code></pre>
<p>in the environment that the server runs in, and load this page again. Installing nodegraph
anew does the same.</p></html>
"""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the page. Those whose name holds a digest of their content never change."""

    path: Path
    type: str
    lasting: bool


class Page:
    """Answers for ``/`` and for the files that belong to it, as they were when last built."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._built: float | None = None
        self._files: Mapping[str, File] = {}

    def files(self) -> Mapping[str, File]:
        """Every file by its address; read again when the page was built anew."""
        when = _modified(self.folder / "index.html") if self.folder else None
        if when != self._built:
            self._built = when
            self._files = manifest(self.folder) if self.folder and when else {}
        return self._files

    def has(self, path: str) -> bool:
        """Whether an address belongs to the page, which anybody may see."""
        return path == "/" or path in self.files()

    def __call__(self, request: Request) -> Response:
        path = request.scope["path"]
        files = self.files()
        if path == "/" and "/" not in files:
            headers = {"Content-Security-Policy": PAGE}
            return Response(_MISSING, 503, headers, media_type="text/html")
        file = files.get(path)
        if file is None:
            return response_of(404, "there is nothing here")
        try:
            data = file.path.read_bytes()
        except OSError:  # it is being built anew
            return response_of(404, "there is nothing here")
        tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
        caching = "public, max-age=31536000, immutable" if file.lasting else "no-cache"
        headers = {"ETag": tag, "Cache-Control": caching, "Content-Security-Policy": PAGE}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(data, headers={**headers, "Content-Type": file.type})


def manifest(folder: Path) -> Mapping[str, File]:
    """What was built, by address. Links and files of other types are left out."""
    files: dict[str, File] = {}
    for path in sorted(folder.rglob("*")):
        kind = _TYPES.get(path.suffix)
        if kind is None or path.is_symlink() or not path.is_file():
            continue
        address = "/" + path.relative_to(folder).as_posix()
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        files[address] = File(path, kind, lasting=address.startswith("/assets/"))
    if "/index.html" in files:
        files["/"] = files.pop("/index.html")
    return files


def built(folder: Path | None) -> bool:
    """Whether there is a page."""
    return folder is not None and (folder / "index.html").is_file()


def _modified(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None
