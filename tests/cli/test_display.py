"""The live table, and the device that a run takes without asking torch."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from nodegraph.cli import display
from nodegraph.cli.board import Board
from nodegraph.errors import UserError
from nodegraph.events import Event, Finished, Progressed, Started
from nodegraph.system import devices as device

KEY = b"k"
RUN: list[Event] = [
    Finished("photo", (), 0.0, True, KEY),
    Finished("edges", (), 0.2, False, KEY),
    Started("sample", (0, 1)),
    Progressed("sample", (0, 1), 10, 20),
]


def drawn(totals: dict[str, int | None], events: list[Event], height: int = 25) -> list[str]:
    """The table after these events, five seconds into the run, as plain text."""
    now = [0.0]
    live = display.Live(Board.of(totals, lambda: now[0]))
    for event in events:
        live.hear(event)
    now[0] = 5.0
    live.console.height = height
    console = Console(file=io.StringIO(), width=90, record=True)
    console.print(live.draw())
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_every_node_has_a_line_with_its_mark_bar_and_state() -> None:
    lines = drawn({"photo": 1, "edges": 1, "sample": 4, "sheet": 1}, RUN)

    assert [line.split()[:2] for line in lines[:4]] == [
        ["=", "photo"],
        ["✓", "edges"],
        ["▸", "sample"],
        ["·", "sheet"],
    ]
    assert lines[2].endswith("0 of 4 items, step 10 of 20, 15 s to go")
    assert lines[4] == "2 of 4 nodes, 5.0 s"


def test_a_table_of_many_nodes_fits_the_terminal() -> None:
    totals: dict[str, int | None] = {f"n{index}": 1 for index in range(60)}

    lines = drawn({**totals, "photo": 1, "edges": 1, "sample": 4}, RUN, height=12)

    assert len(lines) == 10
    assert any("sample" in line for line in lines)


def test_a_node_name_cannot_style_the_terminal() -> None:
    event = Finished("[red]edges", (), 0.2, False, KEY)

    assert "[red]edges" in drawn({"[red]edges": 1}, [event])[0]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.004, "0.00 s"),
        (0.5, "0.50 s"),
        (3.14, "3.1 s"),
        (42.2, "42 s"),
        (61, "1:01"),
        (3700, "1:01:40"),
    ],
)
def test_a_span_of_time_is_said_briefly(seconds: float, said: str) -> None:
    assert display._span(seconds) == said


class Driver:
    """CUDA's library, with so many devices."""

    def __init__(self, count: int) -> None:
        self.count = count

    def cuInit(self, flags: int) -> int:  # noqa: N802  the driver's name
        return flags

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802
        count._obj.value = self.count
        return 0


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Pretend that this machine has so many GPUs."""

    def pretend(count: int) -> None:
        monkeypatch.setattr(device, "_built_with_cuda", lambda: True)
        monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver(count))

    return pretend


@pytest.mark.parametrize(
    ("asked", "count", "found"),
    [
        ("auto", 0, ("cpu",)),
        ("auto", 2, ("cuda:0",)),
        ("cpu", 2, ("cpu",)),
        ("cuda", 1, ("cuda:0",)),
        ("cuda:0, cuda:1", 2, ("cuda:0", "cuda:1")),
        ("cuda,cuda:0", 2, ("cuda:0",)),
    ],
)
def test_a_device_is_found(
    gpus: Callable[[int], None], asked: str, count: int, found: tuple[str, ...]
) -> None:
    gpus(count)

    assert device.devices(asked) == found


def test_a_device_that_is_not_there_is_refused(gpus: Callable[[int], None]) -> None:
    gpus(1)

    with pytest.raises(UserError, match=r"--device cuda:3: torch can use 1 CUDA device\(s\) here"):
        device.devices("cuda:3")


def test_a_machine_without_a_driver_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(device, "_built_with_cuda", lambda: True)
    monkeypatch.setattr(ctypes, "CDLL", missing)

    assert device.gpus() == 0


@pytest.mark.parametrize(
    ("asked", "devices", "found"),
    [
        ("auto", ("cpu",), "float32"),
        ("auto", ("cuda:0",), "float16"),
        ("bfloat16", ("cpu",), "bfloat16"),
    ],
)
def test_the_dtype_follows_the_device(asked: str, devices: tuple[str, ...], found: str) -> None:
    assert device.dtype(asked, devices) == found
