"""A base model of random weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..support.weights import save_base


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("random") / "base", groups=8)
