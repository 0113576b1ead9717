"""Pictures live by themselves: what is deleted, what is put back, and what goes for good."""

from __future__ import annotations

import os
import time
from io import BytesIO

import pytest

from nodegraph.jobs import gallery
from nodegraph.jobs.assets import Assets
from nodegraph.jobs.files import publish_staged, staged
from nodegraph.jobs.store import Store
from nodegraph.jobs.types import (
    Job,
    JobResult,
    NoSuchJobError,
    NoSuchPictureError,
    Order,
    Shelf,
)

PICTURES = [JobResult("grid", 0, "a.png", 4, 3), JobResult("grid", 1, "b.png", 4, 3)]
WORDS = JobResult("count", text="3")


def made(store: Store, *results: JobResult, title: str = "Mine", trial: bool = False) -> Job:
    store.submit(Order({"format": 1}, title=title, trial=trial))
    claim = store.claim("here:1:boot", "cpu", 30)
    assert claim is not None
    return store.finish(claim.job.id, claim.token, results, {"ran": 1})


def shown(store: Store, shelf: Shelf = "results") -> list[str]:
    return [picture.asset for picture in store.results(shelf=shelf)[0]]


def test_a_deleted_job_leaves_its_pictures_where_they_are(store: Store) -> None:
    job = made(store, *PICTURES, WORDS)

    store.delete(job.id)

    with pytest.raises(NoSuchJobError):
        store.get(job.id)
    assert [(p.asset, p.job, p.title, p.item) for p in store.results()[0]] == [
        ("b.png", job.id, "Mine", 1),
        ("a.png", job.id, "Mine", 0),
    ]


def test_a_deleted_picture_is_in_the_bin_and_comes_back_to_its_place(store: Store) -> None:
    job = made(store, *PICTURES)
    made(store, JobResult("grid", None, "c.png", 4, 3))
    first = store.results()[0][-1]

    store.delete_result(first.id)
    gone = shown(store), shown(store, "bin"), store.get(job.id).results
    restored = store.restore_result(first.id)

    assert gone == (["c.png", "b.png"], ["a.png"], (PICTURES[1],))
    assert restored == first
    assert (shown(store), shown(store, "bin")) == (["c.png", "b.png", "a.png"], [])
    assert store.get(job.id).results == (*PICTURES,)


def test_deleting_and_putting_back_is_told_once_each(store: Store) -> None:
    job = made(store, PICTURES[0])
    id, before = store.results()[0][0].id, store.last_seq()

    for act in (store.delete_result, store.restore_result):
        act(id)
        act(id)
    store.forget_result(id)

    assert [(e.job, e.kind, e.data) for e in store.events_after(before)] == [
        (job.id, "result.deleted", {"id": id, "forever": False}),
        (job.id, "result.restored", {"id": id}),
        (job.id, "result.deleted", {"id": id, "forever": True}),
    ]


def test_one_of_two_pictures_of_the_same_content_stays(store: Store) -> None:
    made(store, PICTURES[0])
    made(store, PICTURES[0])

    store.delete_result(store.results()[0][0].id)

    assert (shown(store), shown(store, "bin")) == (["a.png"], ["a.png"])


@pytest.mark.parametrize("act", ["delete_result", "restore_result", "forget_result"])
def test_of_what_is_no_picture_it_is_said_that_there_is_none(store: Store, act: str) -> None:
    made(store, WORDS)

    for id in (1, 99):
        with pytest.raises(NoSuchPictureError, match=f"there is no picture {id}"):
            getattr(store, act)(id)


def test_tries_are_kept_apart_also_when_their_job_is_run_again_or_deleted(store: Store) -> None:
    job = made(store, PICTURES[0], trial=True)
    again = store.retry(job.id)

    store.delete(job.id)

    assert (shown(store), shown(store, "tries")) == ([], ["a.png"])
    assert (job.trial, again.trial) == (True, True)


def test_a_try_is_another_order_than_the_same_without(store: Store) -> None:
    orders = [Order({"format": 1}, key="k", trial=trial) for trial in (False, True)]
    store.submit(orders[0])

    with pytest.raises(Exception, match="was ordered with it, for something else"):
        store.submit(orders[1])


def test_the_bin_gives_up_after_a_week_and_the_file_goes_with_it(
    store: Store, assets: Assets, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, binned = (stored(assets, shade) for shade in (1, 2))
    for file in (kept, binned):
        made(store, JobResult("grid", None, file, 4, 3))
        old = time.time() - 8 * 24 * 3600
        os.utime(assets.folder / file, (old, old))
    id = store.results()[0][0].id
    store.delete_result(id)

    fresh = store.empty_bin(), assets.sweep(), (assets.folder / binned).exists()
    later = time.time() + gallery.BIN + 1
    with monkeypatch.context() as context:
        context.setattr(time, "time", lambda: later)
        emptied = store.empty_bin()

    assert fresh == (0, 0, True)
    assert (emptied, assets.sweep()) == (1, 1)
    assert [path.name for path in assets.folder.glob("*.png")] == [kept]
    with pytest.raises(NoSuchPictureError):
        store.restore_result(id)


def test_a_deleted_file_is_gone_from_the_gallery_and_the_bin_and_that_is_told(
    store: Store, assets: Assets
) -> None:
    file = stored(assets, 3)
    for _ in range(2):
        made(store, JobResult("grid", None, file, 4, 3))
    ids = [picture.id for picture in store.results()[0]]
    store.delete_result(ids[0])
    before = store.last_seq()

    assets.delete(file)

    assert (shown(store), shown(store, "bin")) == ([], [])
    assert {e.data["id"] for e in store.events_after(before)} == set(ids)


def stored(assets: Assets, shade: int) -> str:
    from PIL import Image

    file = BytesIO()
    Image.new("L", (4, 4), shade).save(file, "PNG")
    name = staged(assets.folder, "job", file.getvalue(), ".png")
    publish_staged(assets.folder, "job", [name])
    return name


def test_what_is_in_the_bin_is_still_there_when_the_database_is_opened_anew(
    store: Store, url: str
) -> None:
    made(store, *PICTURES)
    store.delete_result(store.results()[0][0].id)
    store.close()

    again = Store(url)

    assert (shown(again), shown(again, "bin")) == (["a.png"], ["b.png"])
    again.close()
