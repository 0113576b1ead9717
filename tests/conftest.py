"""What all tests share: they leave nothing in the user's folders and download nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings

from nodegraph.jobs.assets import Assets
from nodegraph.jobs.store import Store
from nodegraph.system.devices import gpus

from .support import postgres
from .support.rounding import rounding_once

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when huggingface_hub is imported
os.environ.setdefault("MPLBACKEND", "Agg")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Several runs of tests share the cores: threads that wait for each other at every layer crawl.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# How fast examples are made or run says how busy the machine is, and nothing of what is tested.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a CUDA device where torch can use none."""
    if gpus():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="there is no CUDA device here"))


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of the test's own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("NODEGRAPH_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without jobs, to be copied: making one takes longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "jobs.sqlite"
    Store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def url(tmp_path: Path, empty_database: Path) -> str:
    """An empty database: an SQLite file or, where NODEGRAPH_TEST_POSTGRES names one, that."""
    named = os.environ.get("NODEGRAPH_TEST_POSTGRES")
    if named:
        return postgres.emptied(named)
    shutil.copy(empty_database, tmp_path / "jobs.sqlite")
    return f"sqlite:///{tmp_path}/jobs.sqlite"


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[postgres.Postgres]:
    """A PostgreSQL that tests may stop and start; skipped where its programs are not installed."""
    if why := postgres.why_not():
        pytest.skip(why)
    # pytest's own folders are closed to the user that PostgreSQL runs as.
    with (
        TemporaryDirectory(prefix="nodegraph-postgres-") as folder,
        postgres.postgres(Path(folder)) as running,
    ):
        yield running


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> str:
    """An empty database of PostgreSQL: the one that is named, else of one of the tests' own."""
    named = os.environ.get("NODEGRAPH_TEST_POSTGRES")
    return postgres.emptied(named or request.getfixturevalue("own_postgres").url)


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    """An empty queue."""
    opened = Store(url, reserve=tmp_path / "reserve")
    yield opened
    opened.close()


@pytest.fixture
def assets(store: Store, tmp_path: Path) -> Assets:
    """A folder without pictures."""
    return Assets(tmp_path / "assets", store)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Threads that wait for each other at every small layer crawl on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def rounded_once() -> Iterator[None]:
    """The same last bits on every processor (see rounding_once)."""
    with rounding_once("float32"):
        yield


@pytest.fixture(scope="module")
def without_gradients() -> Iterator[None]:
    import torch

    with torch.no_grad():
        yield
