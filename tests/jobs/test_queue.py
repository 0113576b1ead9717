"""Orders: what is acknowledged is kept, in which order it runs, and who is told no."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nodegraph.errors import UserError
from nodegraph.jobs.store import Store
from nodegraph.jobs.types import (
    Job,
    JobResult,
    KeyReusedError,
    NoSuchJobError,
    NotFinishedError,
    NotQueuedError,
    Order,
    QueueFullError,
)
from nodegraph.savings import OnOom

from ..support.queueing import submit_all

EMPTY: dict[str, Any] = {"format": 1}


def add(store: Store, title: str, priority: int = 0) -> Job:
    return store.submit(Order(EMPTY, title=title, priority=priority))[0]


def running_order(store: Store) -> list[str]:
    found = []
    while claim := store.claim("here:1:boot", "cpu", 30):
        found.append(claim.job.title)
    return found


def finished(store: Store, title: str = "done", results: list[JobResult] | None = None) -> Job:
    add(store, title)
    claim = store.claim("here:1:boot", "cpu", 30)
    assert claim is not None
    return store.finish(claim.job.id, claim.token, results or [], {"ran": 1, "cached": 2})


def test_a_job_is_there_again_when_the_database_is_opened_anew(store: Store, url: str) -> None:
    job, created = store.submit(
        Order({"format": 1, "title": "é\ud800"}, title="Four", only=["grid"])
    )
    store.close()

    again = Store(url)

    assert created
    assert again.get(job.id) == job
    assert again.workflow_of(job.id) == {"format": 1, "title": "é\ud800"}
    assert (job.state, job.title, job.only, job.attempts) == ("queued", "Four", ("grid",), 0)
    again.close()


def test_what_a_job_may_do_where_memory_is_short_is_kept_and_tried_again_like_that(
    store: Store,
) -> None:
    job, _ = store.submit(Order(EMPTY, on_oom="fail"))
    store.cancel(job.id)

    again = store.retry(job.id)

    assert [one.on_oom for one in (job, store.get(job.id), again)] == ["fail"] * 3
    assert store.submit(Order(EMPTY))[0].on_oom is None


def test_a_key_is_not_used_again_for_what_may_do_otherwise_where_memory_is_short(
    store: Store,
) -> None:
    store.submit(Order(EMPTY, key="one"))
    store.submit(Order(EMPTY, key="two", on_oom="fail"))

    assert not store.submit(Order(EMPTY, key="two", on_oom="fail"))[1]
    others: list[tuple[str, OnOom | None]] = [("one", "degrade"), ("two", "degrade"), ("two", None)]
    for key, asked in others:
        with pytest.raises(KeyReusedError):
            store.submit(Order(EMPTY, key=key, on_oom=asked))


def test_jobs_run_by_priority_and_then_in_the_order_they_came(store: Store) -> None:
    for title, priority in (("a", 0), ("b", 5), ("c", 0), ("d", 5), ("e", -1)):
        add(store, title, priority)

    assert [job.title for job in store.waiting()] == ["b", "d", "a", "c", "e"]
    assert running_order(store) == ["b", "d", "a", "c", "e"]


def test_a_job_is_moved_behind_another_one_or_to_the_front(store: Store) -> None:
    a, b, c, d = (add(store, title) for title in "abcd")

    store.move(d.id, after=a.id)
    store.move(c.id, after="")
    store.move(a.id, after=b.id)

    assert running_order(store) == ["c", "d", "b", "a"]


def test_behind_a_job_of_another_priority_means_that_priority(store: Store) -> None:
    high, low, other = add(store, "high", 5), add(store, "low"), add(store, "other", 5)

    moved = store.move(low.id, after=high.id)

    assert moved.priority == 5
    assert running_order(store) == ["high", "low", "other"]
    assert other.priority == 5


def test_a_new_priority_alone_keeps_the_order_of_arrival(store: Store) -> None:
    first, second = add(store, "first"), add(store, "second")
    add(store, "third", 3)

    store.move(second.id, priority=3)
    store.move(first.id, priority=3)

    assert running_order(store) == ["first", "second", "third"]


def test_there_is_always_room_between_two_jobs(store: Store) -> None:
    first, last = add(store, "first"), add(store, "last")
    others = [add(store, f"{number:02}") for number in range(3)]

    for turn in range(60):
        store.move(others[turn % 3].id, after=first.id)
    new = add(store, "new")

    titles = [job.title for job in store.waiting()]
    assert titles == ["first", "02", "01", "00", "last", "new"]
    assert new.seq > last.seq


def test_only_a_waiting_job_is_moved(store: Store) -> None:
    job, other = finished(store), add(store, "waits")

    with pytest.raises(NotQueuedError, match="no longer waits"):
        store.move(job.id, after=other.id)
    with pytest.raises(NotQueuedError, match="no longer waits"):
        store.move(other.id, after=job.id)


def test_the_queue_has_an_end(store: Store) -> None:
    for title in "abc":
        store.submit(Order(EMPTY, title=title), limit=3)

    with pytest.raises(QueueFullError, match="queue: 3 jobs are waiting already") as caught:
        store.submit(Order(EMPTY), limit=3)

    assert caught.value.limit == 3
    store.claim("here:1:boot", "cpu", 30)
    assert store.submit(Order(EMPTY), limit=3)[1]


def test_several_orders_are_taken_together_or_not_at_all(store: Store) -> None:
    with pytest.raises(QueueFullError):
        submit_all(store, [Order(EMPTY)] * 3, limit=2)

    assert store.counts()["queued"] == 0
    assert len(submit_all(store, [Order(EMPTY)] * 3, limit=3)) == 3


def test_a_repeated_order_is_the_same_job(store: Store) -> None:
    first, created = store.submit(Order(EMPTY, title="one", key="k"))
    again, anew = store.submit(Order(EMPTY, title="one", key="k"), limit=0)

    assert (created, anew) == (True, False)
    assert again == first
    with pytest.raises(KeyReusedError, match="use a new key"):
        store.submit(Order(EMPTY, title="two", key="k"))


def test_of_several_orders_those_that_are_known_are_not_queued_again(store: Store) -> None:
    one, _ = store.submit(Order(EMPTY, title="one", key="k"))
    orders = [Order(EMPTY, "a"), Order(EMPTY, "one", key="k"), Order(EMPTY, "b")]

    made = submit_all(store, orders, limit=3)

    assert [(job.title, anew) for job, anew in made] == [("a", True), ("one", False), ("b", True)]
    assert made[1][0] == one
    assert [job.title for job in store.waiting()] == ["one", "a", "b"]
    assert submit_all(store, [Order(EMPTY, key="x")] * 2)[1][1] is False


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "é"])
def test_a_key_is_short_printable_text(store: Store, key: str) -> None:
    with pytest.raises(UserError, match="1 to 200 printable ASCII"):
        store.submit(Order(EMPTY, key=key))


def test_the_same_key_eight_times_at_once_makes_one_job(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: store.submit(Order(EMPTY, key="k")), range(8)))

    assert len({job.id for job, _ in made}) == 1
    assert sorted(created for _, created in made) == [False] * 7 + [True]


@pytest.mark.parametrize(
    ("workflow", "message"),
    [
        ({"nodes": {1, 2}}, "workflow: is not JSON"),
        ({"nodes": float("nan")}, "workflow: is not JSON"),
    ],
)
def test_what_is_not_json_is_refused(store: Store, workflow: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        store.submit(Order(workflow))


def test_what_is_nested_too_deeply_is_refused(store: Store) -> None:
    deep: Any = 1
    for _ in range(200):
        deep = [deep]

    with pytest.raises(UserError, match="workflow: is nested too deeply"):
        store.submit(Order({"nodes": deep}))


def test_titles_are_one_line_of_printable_text(store: Store) -> None:
    assert add(store, "a\0b\n\ud800 c" + "x" * 500).title == "a b c" + "x" * 195


def test_a_waiting_job_is_cancelled_at_once_and_for_good(store: Store) -> None:
    job = add(store, "a")

    cancelled = store.cancel(job.id)

    assert cancelled.state == "cancelled"
    assert cancelled.finished is not None
    assert store.cancel(job.id) == cancelled
    assert running_order(store) == []


def test_a_job_is_tried_again_as_a_new_one(store: Store) -> None:
    order = {"format": 1, "title": "what"}
    job, _ = store.submit(Order(order, title="a", only=["x"], priority=2, time_limit=3))
    store.cancel(job.id)

    again = store.retry(job.id)

    assert (again.title, again.only, again.priority) == ("a", ("x",), 2)
    assert again.id != job.id
    claim = store.claim("here:1:boot", "cpu", 30)
    assert claim is not None
    assert (claim.workflow, claim.time_limit) == (order, 3)


def test_only_what_has_ended_is_deleted(store: Store) -> None:
    done, waits = finished(store, results=[JobResult("r", asset="x.png")]), add(store, "waits")

    store.delete(done.id)

    with pytest.raises(NoSuchJobError):
        store.get(done.id)
    with pytest.raises(NotFinishedError, match="cancel it first"):
        store.delete(waits.id)
    assert [(picture.asset, picture.job) for picture in store.results()[0]] == [("x.png", done.id)]
    assert [e.kind for e in store.events_after(0) if e.job == done.id] == []


@pytest.mark.parametrize("id", ["", "nope", "\0", "é" * 1000, "' OR 1=1"])
def test_an_unknown_job_is_said_to_be_unknown(store: Store, id: str) -> None:
    with pytest.raises(NoSuchJobError):
        store.get(id)
    with pytest.raises(NoSuchJobError):
        store.workflow_of(id)


def test_jobs_are_listed_newest_first_page_by_page(store: Store) -> None:
    for title in "abcde":
        add(store, title)
    store.cancel(store.waiting()[1].id)

    first, more = store.list(limit=3)
    rest, none = store.list(before=more, limit=3)

    assert ["".join(job.title for job in page) for page in (first, rest)] == ["edc", "ba"]
    assert none is None
    assert [job.title for job in store.list("cancelled")[0]] == ["b"]


def test_the_gallery_shows_the_pictures_of_all_jobs_newest_first(store: Store) -> None:
    pictures = [JobResult("grid", 0, "a.png", 4, 3), JobResult("grid", 1, "b.png", 4, 3)]
    one = finished(store, "one", [*pictures, JobResult("count", text="3")])
    two = finished(store, "two", [JobResult("grid", None, "c.png", 4, 3)])

    shown, more = store.results(limit=2)
    rest, none = store.results(before=more, limit=2)

    assert [(s.asset, s.job, s.title, s.item) for s in (*shown, *rest)] == [
        ("c.png", two.id, "two", None),
        ("b.png", one.id, "one", 1),
        ("a.png", one.id, "one", 0),
    ]
    assert none is None


def test_jobs_are_counted_by_state(store: Store) -> None:
    finished(store)
    add(store, "a")
    store.cancel(add(store, "b").id)

    counts = {"queued": 1, "running": 0, "done": 1, "failed": 0, "cancelled": 1}
    assert store.counts() == counts
