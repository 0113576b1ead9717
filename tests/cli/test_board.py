"""What is shown of a run: counts, pace, and which rows where not all fit."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from nodegraph.cli.board import Board
from nodegraph.cli.display import state_of
from nodegraph.errors import NodeError
from nodegraph.events import Event, Failed, Finished, Progressed, Skipped, Started

KEY = b"k"


class Clock:
    """Time that passes when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def board(totals: Mapping[str, int | None], *events: Event) -> Board:
    made = Board.of(totals, Clock())
    for event in events:
        made.hear(event)
    return made


def finished(item: int | None = None, cached: bool = False, seconds: float = 1.0) -> Finished:
    return Finished("a", () if item is None else (item,), seconds, cached, KEY)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([], "waiting"),
        ([Started("a", (0, 1))], "0 of 4 items"),
        ([Started("a", (0, 1)), Progressed("a", (0, 1), 5, 20)], "0 of 4 items, step 5 of 20"),
        ([finished(0, cached=True), finished(1, cached=True)], "2 of 4 items"),
        ([finished(n, cached=True) for n in range(4)], "4 items, cached"),
        ([finished(n) for n in range(4)], "4 items, 4.0 s"),
        ([*[finished(n, cached=True) for n in range(3)], finished(3)], "4 items, 3 cached, 1.0 s"),
        (
            [
                Finished("a", (n,), 1.0, n > 1, KEY, ("batch 1 of 2", *["tiled"] * (n > 2)))
                for n in range(4)
            ],
            "4 items, 2 cached, 2.0 s, batch 1 of 2, tiled",
        ),
        (
            [
                Finished("a", (n,), 1.0, False, KEY, resumed="at step 3 of 6" if n else "")
                for n in range(4)
            ],
            "4 items, 4.0 s, resumed at step 3 of 6",
        ),
        ([Skipped("a", (n,), "b[0]") for n in range(4)], "4 items, skipped: needs b[0]"),
    ],
)
def test_a_row_is_put_in_words(events: list[Event], said: str) -> None:
    row = board({"a": 4}, *events).rows["a"]

    assert state_of(row, 0.0) == said


def test_a_failure_says_why() -> None:
    error = NodeError("a", "Paint", {}, RuntimeError("out of paint"))

    row = board({"a": 1}, Started("a", ()), Failed("a", (), error)).rows["a"]

    assert state_of(row, 0.0) == "failed: out of paint"


def test_the_time_left_follows_from_the_pace_so_far() -> None:
    made = board({"a": 4}, Started("a", (0, 1)), Progressed("a", (0, 1), 10, 20))

    assert made.rows["a"].remaining(now=5.0) == pytest.approx(15.0)


def test_cached_items_do_not_make_the_pace_look_better() -> None:
    known = [finished(n, cached=True) for n in range(2)]
    made = board({"a": 4}, *known, Started("a", (2, 3)), Progressed("a", (2, 3), 10, 20))

    assert made.rows["a"].remaining(now=5.0) == pytest.approx(5.0)


def test_steps_of_an_earlier_run_do_not_make_the_pace_look_better() -> None:
    events: list[Event] = [
        Started("a", (0, 1)),
        Progressed("a", (0, 1), 10, 20, resumed=True),
    ]
    begun = board({"a": 2}, *events)
    made = board({"a": 2}, *events, Progressed("a", (0, 1), 15, 20))

    assert begun.rows["a"].remaining(now=5.0) is None
    assert made.rows["a"].remaining(now=5.0) == pytest.approx(5.0)


def test_a_known_result_that_is_made_again_is_counted_once() -> None:
    made = board({"a": 1}, finished(cached=True), Started("a", ()), finished())

    assert (made.rows["a"].done, state_of(made.rows["a"], 0.0)) == (1, "1.0 s")


def test_all_rows_are_shown_where_they_fit() -> None:
    assert [row.name for row in board({"a": 1, "b": 1}).visible(5)] == ["a", "b"]


def test_failures_and_what_runs_are_shown_where_not_all_fit() -> None:
    error = NodeError("n3", "Paint", {}, RuntimeError("out of paint"))
    done: list[Event] = [
        Finished(f"n{index}", (), 1.0, True, KEY) for index in range(60) if index not in (3, 70)
    ]
    events: list[Event] = [Failed("n3", (), error), *done, Started("n70", ())]

    shown = [
        row.name for row in board({f"n{index}": 1 for index in range(100)}, *events).visible(6)
    ]

    assert len(shown) == 6
    assert {"n3", "n70", "n59", "n60"} <= set(shown)


def test_every_ended_node_is_counted_once() -> None:
    made = board({"a": 2, "b": 1}, finished(0), finished(1), Finished("b", (), 1.0, False, KEY))

    assert (made.ended, list(made.running)) == (2, [])


def test_a_node_whose_items_nobody_could_count_has_ended_when_the_run_has() -> None:
    made = board({"a": None}, finished(0), finished(1))
    before = made.rows["a"].state

    late = made.close()

    assert (before, [row.state for row in late], state_of(late[0], 0.0)) == (
        "running",
        ["done"],
        "2 items, 2.0 s",
    )
