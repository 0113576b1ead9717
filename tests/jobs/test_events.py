"""The event log: numbered, complete, and told in order."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nodegraph.jobs.events import Note
from nodegraph.jobs.store import Store
from nodegraph.jobs.types import Event, JobResult, Order

EMPTY: dict[str, Any] = {"format": 1}


def kinds(store: Store) -> list[str]:
    return [event.kind for event in store.events_after(0)]


def test_the_life_of_a_job_is_told(store: Store) -> None:
    job, _ = store.submit(Order(EMPTY, title="one", priority=2))
    claim = store.claim("here:1:boot", "cpu", 30)
    assert claim is not None
    log: list[Note] = [(job.id, "node.finished", {"node": "a"})]
    store.finish(job.id, claim.token, [JobResult("r", text="1")], {"ran": 1, "cached": 0}, log)

    told = [(e.kind, e.data) for e in store.events_after(0)]
    made = {"result": "r", "item": None, "asset": None, "width": 0, "height": 0, "text": "1"}
    done = dict(told[5][1])
    assert done.pop("seconds") >= 0
    assert [*told[:5], ("job.done", done), *told[6:]] == [
        ("job.queued", {"title": "one", "priority": 2}),
        ("queue.changed", {"queued": 1, "running": 0}),
        ("job.started", {"device": "cpu", "attempt": 1}),
        ("queue.changed", {"queued": 0, "running": 1}),
        ("node.finished", {"node": "a"}),
        ("job.done", {"results": [made], "counts": {"ran": 1, "cached": 0}}),
        ("queue.changed", {"queued": 0, "running": 0}),
    ]


def test_whoever_knows_the_last_number_misses_nothing(store: Store) -> None:
    store.append([("j", "node.started", {"node": "a"}), ("k", "node.started", {"node": "b"})])
    last = store.last_seq()

    store.append([("j", "node.finished", {"node": "a"})])

    assert [(e.job, e.kind) for e in store.events_after(last)] == [("j", "node.finished")]
    assert [e.data for e in store.events_after(0, job="j")] == [{"node": "a"}] * 2
    assert len(store.events_after(0, limit=2)) == 2


def test_listeners_hear_what_is_in_the_log_in_its_order(store: Store) -> None:
    heard: list[Event] = []
    end = store.subscribe(heard.extend)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: store.append([(None, "node.progress", {"n": n})] * 3), range(20)))
    end()
    store.append([(None, "node.progress", {})])

    assert heard == store.events_after(0)[:-1]
    assert [e.seq for e in heard] == sorted({e.seq for e in heard})


def test_a_broken_listener_harms_nobody(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Event] = []

    def broken(_: Sequence[Event]) -> None:
        raise RuntimeError("oh")

    store.subscribe(broken)
    store.subscribe(heard.extend)
    store.submit(Order(EMPTY))

    assert [e.kind for e in heard] == ["job.queued", "queue.changed"]
    assert "a listener of the queue failed" in caplog.text


def test_what_failed_to_be_written_is_not_told(store: Store) -> None:
    heard: list[Event] = []
    store.subscribe(heard.extend)

    with pytest.raises(Exception, match="JSON"):
        store.append([(None, "node.progress", {"bad": {1}})])

    assert heard == []
    assert store.last_seq() == 0


def test_numbers_are_not_used_again(store: Store) -> None:
    store.append([(None, "node.progress", {})] * 5)
    store.prune(events=0)

    (event,) = store.append([(None, "node.progress", {})])

    assert event.seq == 6
    assert (store.first_seq(), store.last_seq()) == (6, 6)


def test_the_oldest_events_are_forgotten_first(store: Store) -> None:
    store.append([(None, "node.progress", {"n": n}) for n in range(10)])

    assert store.prune(events=4) == 6

    assert [e.data["n"] for e in store.events_after(0)] == [6, 7, 8, 9]
    assert store.prune(events=4) == 0
