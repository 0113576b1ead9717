from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TYPING = Path("tests") / "typing"

pytest.importorskip("mypy")


def checked(path: Path, cache: Path) -> str:
    """What mypy says about ``path``, with the project's own settings."""
    command = [
        sys.executable,
        "-m",
        "mypy",
        f"--cache-dir={cache}",
        "--no-error-summary",
        "--hide-error-context",
    ]
    done = subprocess.run(
        [*command, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # mypy's usual cache is faster, where there is one.
    usual = ROOT / ".mypy_cache"
    return usual if usual.exists() else tmp_path_factory.mktemp("mypy")


@pytest.mark.slow
def test_graphs_that_are_right_type_check(cache: Path) -> None:
    assert checked(TYPING / "accepted.py", cache) == ""


@pytest.mark.slow
def test_each_wrong_line_produces_its_error(cache: Path) -> None:
    path = TYPING / "rejected.py"
    lines = enumerate((ROOT / path).read_text().splitlines(), start=1)
    expected = [(number, line.split("# E: ")[1]) for number, line in lines if "# E: " in line]

    said = re.findall(
        rf"{re.escape(str(path))}:(\d+): error: .*\[([a-z-]+)\]", checked(path, cache)
    )

    assert [(int(number), code) for number, code in said] == expected
