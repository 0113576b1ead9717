"""Pretended devices, and a pool of weights on them."""

from __future__ import annotations

from itertools import count

import pytest

from nodegraph.cache import Cache
from nodegraph.cache.pool import Pool
from tests.support.pretend import Pretend


@pytest.fixture
def pretend() -> Pretend:
    return Pretend()


@pytest.fixture
def pool(cache: Cache) -> Pool:
    return cache.pool


@pytest.fixture
def even_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every load takes a second, so that what goes first does not depend on this machine."""
    monkeypatch.setattr("nodegraph.cache.pool.perf_counter", count().__next__)
