"""Leases: a job is one worker's at a time, ends once, and is not lost with its worker."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nodegraph.jobs import owners
from nodegraph.jobs.assets import Assets
from nodegraph.jobs.housekeeping import Keeper
from nodegraph.jobs.store import Store
from nodegraph.jobs.types import Claim, JobResult, LeaseLostError, Order, Problem

from ..support.queueing import submit_all

EMPTY: dict[str, Any] = {"format": 1}
OWNER = "here:1:boot"


def claimed(store: Store, owner: str = OWNER, lease_s: float = 30) -> Claim:
    if not store.counts()["queued"]:
        store.submit(Order(EMPTY))
    claim = store.claim(owner, "cpu", lease_s)
    assert claim is not None
    return claim


def test_a_job_is_claimed_with_all_that_its_worker_needs(store: Store) -> None:
    order = {"format": 1, "nodes": {}}
    job, _ = store.submit(Order(order, only=["a"], time_limit=5))

    claim = claimed(store)

    assert (claim.workflow, claim.time_limit, claim.token) == (order, 5, 1)
    assert (claim.job.id, claim.job.state, claim.job.attempts) == (job.id, "running", 1)
    assert store.claim(OWNER, "cpu", 30) is None


def test_a_job_that_is_done_says_what_it_made(store: Store) -> None:
    claim = claimed(store)
    made = [JobResult("grid", 0, "a.png", 4, 3), JobResult("count", text="3")]

    done = store.finish(claim.job.id, claim.token, made, {"ran": 1, "cached": 2, "resumed": 0})

    assert (done.state, done.results, done.counts) == (
        "done",
        tuple(made),
        {"ran": 1, "cached": 2, "resumed": 0},
    )
    assert (done.done, done.total, done.error) == (3, 3, None)


def test_items_that_went_on_from_earlier_runs_are_not_counted_twice(store: Store) -> None:
    claim = claimed(store)

    done = store.finish(claim.job.id, claim.token, [], {"ran": 2, "cached": 1, "resumed": 2})

    assert (done.done, done.total, done.counts["resumed"]) == (3, 3, 2)


def test_a_job_says_how_it_was_made_to_fit_into_memory(store: Store, url: str) -> None:
    done, failed, plain = (claimed(store) for _ in range(3))
    store.finish(done.job.id, done.token, [], {}, degraded=["batch 2 of 4", "tiled"])
    store.fail(failed.job.id, failed.token, [], degraded=["offloaded"])
    store.finish(plain.job.id, plain.token, [], {})
    store.close()

    again = Store(url)

    words = [again.get(one.job.id).degraded for one in (done, failed, plain)]
    assert words == [("batch 2 of 4", "tiled"), ("offloaded",), ()]
    kinds = ("job.done", "job.failed")
    told = [e.data.get("degraded") for e in again.events_after(0) if e.kind in kinds]
    assert told == [["batch 2 of 4", "tiled"], ["offloaded"], None]
    again.close()


def test_a_job_that_failed_says_why_and_what_it_made_nevertheless(store: Store) -> None:
    claim = claimed(store)
    problems = [Problem(address="edges.low", message="300 is too much")]

    failed = store.fail(claim.job.id, claim.token, problems, [JobResult("a", text="1")])

    assert (failed.state, failed.error) == ("failed", {"problems": problems})
    assert failed.results == (JobResult("a", text="1"),)


def test_a_job_ends_once(store: Store) -> None:
    claim = claimed(store)
    store.finish(claim.job.id, claim.token, [], {})

    for again in (
        lambda: store.finish(claim.job.id, claim.token, [], {}),
        lambda: store.fail(claim.job.id, claim.token, []),
        lambda: store.cancelled(claim.job.id, claim.token),
        lambda: store.requeue(claim.job.id, claim.token, "why"),
        lambda: store.heartbeat(claim.job.id, claim.token, 30),
        lambda: store.append([(claim.job.id, "node.started", {})], (claim.job.id, claim.token)),
    ):
        with pytest.raises(LeaseLostError):
            again()

    assert store.get(claim.job.id).state == "done"


def test_whoever_was_silent_for_too_long_has_lost_the_job(store: Store) -> None:
    stalled = claimed(store, lease_s=0.05)
    time.sleep(0.1)
    store.expire()
    second = claimed(store, "there:2:boot")

    with pytest.raises(LeaseLostError):
        store.finish(stalled.job.id, stalled.token, [JobResult("late", text="1")], {})

    assert (second.job.id, second.token, second.job.attempts) == (stalled.job.id, 2, 2)
    done = store.finish(second.job.id, second.token, [JobResult("right", text="2")], {})
    assert done.results == (JobResult("right", text="2"),)


def test_a_heartbeat_keeps_the_job_and_notes_how_far_it_is(store: Store) -> None:
    claim = claimed(store, lease_s=0.05)

    unwanted = store.heartbeat(claim.job.id, claim.token, 30, (3, 7))
    time.sleep(0.1)

    assert not unwanted
    assert store.expire() == 0
    assert (store.get(claim.job.id).done, store.get(claim.job.id).total) == (3, 7)


def test_a_running_job_is_asked_to_stop(store: Store) -> None:
    claim = claimed(store)

    job = store.cancel(claim.job.id)

    assert (job.state, job.cancel_requested) == ("running", True)
    assert store.heartbeat(claim.job.id, claim.token, 30)
    assert store.cancelled(claim.job.id, claim.token).state == "cancelled"


def test_a_job_that_is_to_stop_is_not_started_again(store: Store) -> None:
    claim = claimed(store, lease_s=0)
    store.cancel(claim.job.id)

    store.expire(time.time() + 1)

    assert store.get(claim.job.id).state == "cancelled"


def test_a_job_that_ends_its_worker_is_started_three_times(store: Store) -> None:
    store.submit(Order(EMPTY))
    for _ in range(3):
        claim = claimed(store)
        job = store.requeue(claim.job.id, claim.token, "exit code 3")

    message = "exit code 3; it was started 3 times and is not tried again"
    assert (job.state, job.attempts) == ("failed", 3)
    assert job.error == {"problems": [{"address": "", "message": message}]}
    assert store.claim(OWNER, "cpu", 30) is None


def test_a_job_that_is_given_up_is_run_once_more_without_the_nodes_at_work(store: Store) -> None:
    store.submit(Order(EMPTY))
    for _ in range(3):
        claim = claimed(store)
        waiting = store.requeue(claim.job.id, claim.token, "exit code 3", nodes=["bomb"])

    last = claimed(store)
    ended = store.requeue(last.job.id, last.token, "SIGKILL", nodes=["bomb"])

    message = "exit code 3; it was started 3 times and is not tried again"
    assert (waiting.state, waiting.error, last.job.attempts) == ("queued", None, 3)
    assert last.refused == {"bomb": message}
    assert ended.error is not None
    assert ended.error["problems"][0] == {"address": "bomb", "message": message}
    assert (ended.state, ended.attempts) == ("failed", 3)


def test_each_node_that_ends_the_process_is_left_out_in_turn(store: Store) -> None:
    store.submit(Order(EMPTY))
    first = claimed(store)
    store.requeue(first.job.id, first.token, "too much", nodes=["a"], blame="surely")
    second = claimed(store)
    store.requeue(second.job.id, second.token, "too much", nodes=["b"], blame="surely")

    third = claimed(store)
    done = store.finish(third.job.id, third.token, [], {}, [])

    assert list(second.refused) == ["a"]
    assert list(third.refused) == ["a", "b"]
    assert (done.state, done.error, done.attempts) == ("done", None, 1)


def test_a_job_is_not_blamed_for_the_end_of_its_server_until_that_is_too_much(
    store: Store,
) -> None:
    store.submit(Order(EMPTY))
    states = []
    for _ in range(10):
        claim = claimed(store)
        states.append(store.requeue(claim.job.id, claim.token, "the end", blame="no").state)

    assert states == ["queued"] * 9 + ["failed"]


def test_a_successor_takes_back_what_the_dead_held(store: Store) -> None:
    submit_all(store, [Order(EMPTY, title=str(n)) for n in range(5)])
    gone = 2**22 + 1  # no process has this number
    for owner in (
        f"host:{gone}:boot",
        f"host:{os.getppid()}:boot",
        f"host:{os.getppid()}:earlier",
        f"host:{os.getpid()}:boot",
        f"other:{gone}:boot",
    ):
        claimed(store, owner)

    assert store.recover("host", "boot") == 3

    waiting = [job.title for job in store.waiting()]
    assert waiting == ["0", "2", "3"]


def test_the_keeper_takes_back_what_nobody_holds(store: Store, assets: Assets) -> None:
    claim = claimed(store, lease_s=0.01)
    keeper = Keeper(store, assets, every=0.02)

    keeper.start()
    late = time.monotonic() + 60
    while store.get(claim.job.id).state != "queued" and time.monotonic() < late:
        time.sleep(0.02)
    keeper.stop()

    told = store.events_after(0, claim.job.id)[-1]
    assert (told.kind, told.data) == (
        "job.requeued",
        {"why": "its worker was not heard of any more"},
    )


def test_an_owner_is_named_by_host_process_and_boot() -> None:
    host, pid, boot = owners.own().rsplit(":", 2)

    assert (host, int(pid), boot) == (owners.host(), os.getpid(), owners.boot_id())


def test_eight_claimers_never_get_the_same_job(store: Store) -> None:
    submit_all(store, [Order(EMPTY)] * 60)

    def work(number: int) -> list[str]:
        found = []
        while claim := store.claim(f"here:{number}:boot", "cpu", 30):
            found.append(claim.job.id)
            store.finish(claim.job.id, claim.token, [], {})
        return found

    with ThreadPoolExecutor(8) as pool:
        ids = [id for found in pool.map(work, range(8)) for id in found]

    assert len(ids) == len(set(ids)) == 60
    assert store.counts()["done"] == 60
