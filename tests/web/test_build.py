"""Building the editor: when it is due, and what is there when it fails."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from nodegraph.web import build as building
from nodegraph.web.build import CannotBuildError, build, digest, stale

VITE = """
import sys
from pathlib import Path
out = Path(sys.argv[sys.argv.index("--outDir") + 1])
out.mkdir(parents=True)
(out / "index.html").write_text(Path("src/page.ts").read_text())
if "broken" in Path("src/page.ts").read_text():
    sys.exit("page.ts: that is broken")
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="stands Node.js in by shell scripts")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Sources and where they are built to, and a Node.js that runs VITE for whatever it is told."""
    sources, tools = tmp_path / "editor", tmp_path / "bin"
    (sources / "src").mkdir(parents=True)
    (sources / "package.json").write_text("{}")
    (sources / "package-lock.json").write_text('{"packages": {}}')
    (sources / "src" / "page.ts").write_text("first")
    tools.mkdir()
    (tools / "vite.py").write_text(VITE)
    _script(tools / "npm", f"echo installed >> {tmp_path}/npm.log")
    _script(
        tools / "node",
        'if [ "$1" = --version ]; then echo v22.12.0; else'
        f' shift; exec "{sys.executable}" "{tools}/vite.py" "$@"; fi',
    )
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    return sources, tmp_path / "built"


def _script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_the_page_is_built_once_and_again_when_a_source_changes(
    folders: tuple[Path, Path],
) -> None:
    sources, built = folders

    assert build(sources, built)
    assert not build(sources, built)
    (sources / "src" / "page.ts").write_text("second")
    assert stale(sources, built)
    assert build(sources, built)

    assert (built / "index.html").read_text() == "second"
    assert not stale(sources, built)


def test_a_failure_leaves_the_page_as_it_was_and_tells_what_vite_said(
    folders: tuple[Path, Path],
) -> None:
    sources, built = folders
    build(sources, built)
    (sources / "src" / "page.ts").write_text("broken")

    with pytest.raises(CannotBuildError, match=r"page\.ts: that is broken"):
        build(sources, built)

    assert (built / "index.html").read_text() == "first"
    assert stale(sources, built)
    assert [path.name for path in built.parent.glob("built*")] == ["built"]


def test_what_only_tests_use_makes_no_page_stale(folders: tuple[Path, Path]) -> None:
    sources, _ = folders
    before = digest(sources)

    (sources / "src" / "page.test.ts").write_text("expect(1).toBe(1)")
    (sources / "node_modules" / "react").mkdir(parents=True)
    (sources / "node_modules" / "react" / "index.js").write_text("")

    assert digest(sources) == before


def test_npm_is_not_asked_when_all_that_is_needed_is_there(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    sources, built = folders
    lock = {"packages": {"": {}, "node_modules/vite": {"version": "8.0.0"}}}
    (sources / "package-lock.json").write_text(json.dumps(lock))
    (sources / "node_modules").mkdir()
    (sources / "node_modules" / ".package-lock.json").write_text(json.dumps(lock))
    build(sources, built)
    assert not (tmp_path / "npm.log").exists()

    lock["packages"]["node_modules/vite"] = {"version": "8.0.1"}
    (sources / "package-lock.json").write_text(json.dumps(lock))
    build(sources, built)

    assert (tmp_path / "npm.log").exists()


@pytest.mark.parametrize("version", ["v18.20.0", "v20.18.9", "nonsense"])
def test_a_node_that_is_too_old_is_no_node(
    version: str,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _script(tmp_path / "bin" / "node", f"echo {version}")
    monkeypatch.setattr(building, "packaged_node", lambda: None)

    with pytest.raises(CannotBuildError, match=r"found no Node\.js 20\.19 or newer"):
        build(*folders)


def test_an_installed_package_without_sources_is_never_stale(tmp_path: Path) -> None:
    assert not stale(tmp_path / "editor", tmp_path / "built")
    assert not build(tmp_path / "editor", tmp_path / "built")
