"""Much heavy work at once: little of it is done at a time, and others are answered meanwhile."""

from __future__ import annotations

import gc
import struct
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from nodegraph.graph.workflow import Workflow
from nodegraph.jobs import sanitise
from nodegraph.web.errors import ApiError
from nodegraph.web.limits import Limits
from nodegraph.web.routes import common
from nodegraph.web.services import Services
from nodegraph.web.workflows.capacity import Capacity
from nodegraph.web.workflows.check import Graphs

from ..support.serving import PATIENCE, SOUND, Running, client, running, serving

LONG = 10 * PATIENCE


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with serving(tmp_path) as parts:
        yield parts


@pytest.fixture
def server(services: Services) -> Iterator[Running]:
    with running(services) as server:
        yield server


def test_one_too_many_is_told_to_come_again_and_places_are_given_back() -> None:
    turns, inside, go_on = Capacity(2, 1), threading.Semaphore(0), threading.Event()

    def take() -> str:
        try:
            with turns.place():
                inside.release()
                go_on.wait(PATIENCE)
        except ApiError as error:
            return f"{error.status_code} {error.headers}"
        return "done"

    with ThreadPoolExecutor(4) as pool:
        first = [pool.submit(take) for _ in range(2)]
        assert all(inside.acquire(timeout=PATIENCE) for _ in first)
        waiting = pool.submit(take)
        time.sleep(0.2)
        refused = pool.submit(take).result(PATIENCE)
        go_on.set()
        done = [each.result(PATIENCE) for each in (*first, waiting)]

    assert refused == "503 {'Retry-After': '5'}"
    assert done == ["done"] * 3
    assert take() == "done"


class Slow:
    """Stands for work that takes long; counts how much of it goes on at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.go_on = threading.Event()
        self._lock = threading.Lock()

    def work(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.go_on.wait(LONG)
        with self._lock:
            self.now -= 1


def flooded(server: Running, slow: Slow, method: str, path: str, **sent: object) -> list[int]:
    """The statuses of sixty requests at once; others are answered while they wait."""
    limits = httpx.Limits(max_connections=100)
    with (
        httpx.Client(
            base_url=f"http://{server.host}", limits=limits, timeout=2 * PATIENCE
        ) as asking,
        ThreadPoolExecutor(60) as pool,
    ):
        every = [pool.submit(asking.request, method, path, **sent) for _ in range(60)]  # type: ignore[arg-type]
        try:
            late = time.monotonic() + PATIENCE
            while not any(one.done() for one in every):  # the first ones that are refused
                assert time.monotonic() < late
                time.sleep(0.05)
            for other in ("/v1/health", "/v1/jobs"):
                assert asking.get(other, timeout=PATIENCE).status_code == 200
        finally:
            slow.go_on.set()
        return sorted(one.result().status_code for one in every)


def test_many_pictures_at_once_are_decoded_two_at_a_time(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, cleaned = Slow(), sanitise.cleaned

    def slowly(data: bytes) -> sanitise.Clean:
        slow.work()
        return cleaned(data)

    monkeypatch.setattr(sanitise, "cleaned", slowly)
    statuses = flooded(
        server, slow, "PUT", "/v1/assets", content=png(4), headers={"Content-Type": "image/png"}
    )

    assert slow.most == 2
    assert set(statuses) == {201, 503}
    assert statuses.count(201) >= 10


def test_many_thumbnails_at_once_are_made_two_at_a_time(
    services: Services, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, small = Slow(), sanitise.thumbnail
    file = services.assets.put(png(300)).file

    def slowly(path: Path, side: int) -> bytes:
        slow.work()
        return small(path, side)

    monkeypatch.setattr(sanitise, "thumbnail", slowly)
    statuses = flooded(server, slow, "GET", f"/v1/assets/{file}/thumbnail")

    assert slow.most <= 2
    assert set(statuses) == {200, 503}
    with httpx.Client() as asking:
        again = asking.get(f"http://{server.host}/v1/assets/{file}/thumbnail")
    assert again.status_code == 200


def test_many_checks_at_once_leave_room_for_others(
    services: Services, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, plan = Slow(), type(services.graphs).plan

    def slowly(*given: object) -> object:
        slow.work()
        return plan(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(type(services.graphs), "plan", slowly)
    statuses = flooded(server, slow, "POST", "/v1/check", json={"workflow": SOUND})

    assert slow.most == services.limits.checks
    assert set(statuses) == {200, 503}


def test_large_bodies_are_read_one_after_the_other_while_others_are_answered(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, read = Slow(), common._read

    def slowly(body: bytes, limits: Limits) -> object:
        if len(body) > 100_000:
            slow.work()
        return read(body, limits)

    monkeypatch.setattr(common, "_read", slowly)
    large = {"workflow": {**SOUND, "title": "x" * 100_000}}
    with (
        httpx.Client(base_url=f"http://{server.host}", timeout=LONG) as asking,
        ThreadPoolExecutor(4) as pool,
    ):
        heavy = [pool.submit(asking.post, "/v1/check", json=large) for _ in range(4)]
        try:
            late = time.monotonic() + PATIENCE
            while not slow.now:
                assert time.monotonic() < late
                time.sleep(0.01)
            others = [
                asking.get("/v1/health"),
                asking.get("/v1/jobs"),
                asking.post("/v1/check", json={"workflow": SOUND}),
            ]
            assert [answer.status_code for answer in others] == [200, 200, 200]
            assert not any(one.done() for one in heavy)
        finally:
            slow.go_on.set()
        assert [one.result().status_code for one in heavy] == [200] * 4
    assert slow.most == 1


def test_the_collector_rests_while_a_large_body_is_handled(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would look through all that was read, and nobody else is answered meanwhile."""
    seen: list[bool] = []
    read = Graphs.read

    def noting(graphs: Graphs, document: Mapping[str, Any]) -> Workflow:
        seen.append(gc.isenabled())
        return read(graphs, document)

    monkeypatch.setattr(Graphs, "read", noting)
    with client(services) as asking:
        for title in ("x", "x" * services.limits.small, "x"):
            asking.post("/v1/check", json={"workflow": {**SOUND, "title": title}})

    assert seen == [True, False, True]
    assert gc.isenabled()


def png(side: int) -> bytes:
    """A black picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side + 1) * side))
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
