"""Models of random weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..support.weights import save_base, save_both_forms


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("random") / "base", groups=8)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model and a ControlNet, each as a folder and as one file."""
    return save_both_forms(tmp_path_factory.mktemp("saved"))
