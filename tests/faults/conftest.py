"""Whatever is marked `faults` is slow, too, so that `-m 'not slow'` leaves it out."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.faults)])
def url(request: pytest.FixtureRequest, url: str) -> str:
    """An empty database of each kind; `make faults` starts a PostgreSQL where it is installed."""
    if request.param == "sqlite":
        return url
    found: str = request.getfixturevalue("postgres_url")
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them."""
    for item in items:
        if item.get_closest_marker("faults"):
            item.add_marker(pytest.mark.slow)
