"""The wheel as users get it: built, installed outside the checkout, and run from there.

python scripts/check_wheel.py
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = frozenset({"nodegraph", "nodes", "workflows"})
LARGEST = 100 * 10**6
"""Bytes of the largest file that PyPI takes from everybody."""
_PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
# Without `site` no .pth file is read, so that an editable installation cannot lend its checkout.
_PYTHON = (sys.executable, "-S", "-P", "-m", "nodegraph")


def build(folder: Path) -> Path:
    """Build the wheel of the checkout, with the page of the editor as it is, offline."""
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder))
    _run([*_PIP, "wheel", *options, str(ROOT)], ROOT, os.environ | {"NODEGRAPH_EDITOR": "skip"})
    (wheel,) = folder.glob("*.whl")
    return wheel


def files(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def packages(wheel: Path) -> set[str]:
    """The folders at the top of a wheel, but for what pip reads itself."""
    tops = {name.partition("/")[0] for name in files(wheel)}
    return {top for top in tops if not top.endswith(".dist-info")}


def install(wheel: Path, folder: Path) -> None:
    _run([*_PIP, "install", "--no-deps", "--no-index", "--target", str(folder), str(wheel)], ROOT)


def nodegraph(installed: Path, here: Path, *arguments: str) -> str:
    """Run a command of an installed wheel from the folder ``here``; returns its standard output."""
    return _run([*_PYTHON, *arguments], here, _environment(installed, here))


@contextmanager
def served(installed: Path, here: Path) -> Iterator[str]:
    """The URL of a server of an installed wheel, which is ended as a service manager ends it."""
    server = subprocess.Popen(
        [*_PYTHON, "serve", "--port", "0", "--device", "cpu"],
        cwd=here,
        env=_environment(installed, here),
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            match = re.search(r"http://\S+", line)
            assert match is not None, line
            yield match[0]
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(timeout=60)
            except subprocess.TimeoutExpired:
                server.kill()
                raise


def page(url: str) -> tuple[int, str]:
    """The status and the text of a page."""
    with urlopen(url, timeout=30) as response:
        return response.status, response.read().decode()


def _environment(installed: Path, here: Path) -> dict[str, str]:
    """Variables for a process that finds the wheel and its dependencies, but not the checkout."""
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([str(installed), *dependencies]),
        "NODEGRAPH_CACHE": str(here / "cache"),
        "NODEGRAPH_DATA": str(here / "data"),
    }


def _run(command: Sequence[str], here: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=here, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        installed, here = Path(temporary, "installed"), Path(temporary, "here")
        here.mkdir()
        wheel = build(Path(temporary))
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, {len(files(wheel))} files")
        assert wheel.stat().st_size < LARGEST
        assert packages(wheel) == PACKAGES
        install(wheel, installed)
        print(nodegraph(installed, here, "run", "canny-portraits"), end="")
        with served(installed, here) as url:
            status, _ = page(url)
            print(f"{url}: {status}")


if __name__ == "__main__":
    main()
