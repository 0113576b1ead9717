"""The wheel: small enough, with nothing of the workshop, and working outside the checkout."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from scripts import check_wheel

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("hatchling") is None, reason="needs hatchling to build a wheel"),
]
PAGE = "nodegraph/web/editor/index.html"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return check_wheel.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    check_wheel.install(wheel, folder)
    return folder


def test_a_wheel_is_small_enough_for_everybody(wheel: Path) -> None:
    assert wheel.stat().st_size < check_wheel.LARGEST


def test_a_wheel_holds_three_packages_and_the_page_that_was_built(wheel: Path) -> None:
    assert check_wheel.packages(wheel) == check_wheel.PACKAGES
    assert (PAGE in check_wheel.files(wheel)) == (check_wheel.ROOT / PAGE).exists()


def test_an_installed_wheel_runs_a_workflow_without_the_checkout(
    installed: Path, tmp_path: Path
) -> None:
    said = check_wheel.nodegraph(installed, tmp_path, "run", "canny-portraits", "--out", "pictures")

    assert said.split() == [f"pictures/{path.name}" for path in (tmp_path / "pictures").iterdir()]


def test_an_installed_wheel_serves_its_page_and_stops(installed: Path, tmp_path: Path) -> None:
    with check_wheel.served(installed, tmp_path) as url:
        status, text = check_wheel.page(url)

    assert status == 200
    assert ("The editor has not been built" in text) != (installed / PAGE).exists()
