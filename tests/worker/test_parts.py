"""What workers and their server agree on: messages, limits, previews."""

from __future__ import annotations

import json
from collections.abc import Generator
from io import BytesIO
from pathlib import Path

import pytest

from nodegraph import Cache, Settings, plan
from nodegraph.cache import Budgets
from nodegraph.events import Event, Finished, Progressed
from nodegraph.savings import OnOom
from nodegraph.settings import Compute
from nodegraph.worker import frames, process
from nodegraph.worker.messages import Reporter
from nodegraph.worker.options import Options, limit_of
from nodegraph.worker.previews import jpegs, pictured
from nodegraph.worker.run import run
from nodegraph.worker.setup import Setup

from ..support.harmful.faulty import Paint, Plus, Strolls, Tile
from ..support.pretend import DEVICE, MB, Pretend
from ..support.running_toys import TOYS, workflow


def sent(*messages: tuple[frames.Message, bytes]) -> BytesIO:
    stream = BytesIO()
    for message, payload in messages:
        frames.write(stream, message, payload)
    stream.seek(0)
    return stream


def test_messages_arrive_as_they_were_sent() -> None:
    messages: list[tuple[frames.Message, bytes]] = [({"a": "é\ud800"}, b"\0\1"), ({}, b"")]

    stream = sent(*messages)

    assert [frames.read(stream) for _ in range(3)] == [*messages, None]


@pytest.mark.parametrize("cut", range(1, 13))
def test_half_a_message_is_the_end(cut: int) -> None:
    whole = sent(({"a": 1}, b"xyz")).getvalue()

    assert frames.read(BytesIO(whole[:-cut])) is None


@pytest.mark.parametrize("junk", [b"\xff" * 100, b"\0\0\0\2\0\0\0\0[]", b"\0\0\0\2\0\0\0\0{]"])
def test_what_is_no_message_is_an_error(junk: bytes) -> None:
    with pytest.raises(ValueError, match=r"message|JSON|property"):
        frames.read(BytesIO(junk))


@pytest.mark.parametrize(
    ("server", "job", "limit"),
    [
        (None, None, None),
        (60, None, 60),
        (None, 5, 5),
        (60, 5, 5),
        (60, 500, 60),
    ],
)
def test_the_shorter_time_limit_counts(
    server: float | None, job: float | None, limit: float | None
) -> None:
    assert limit_of(Options(time_limit=server), job) == limit


def test_a_process_is_told_everything_as_json() -> None:
    compute = Compute(data=(Path("/d"),), nodes=(Path("/n"),), allow=frozenset({"http"}))
    options = Options(compute)

    told = options.to_json("cuda:1", Path("/assets"), Path("/thumbnails"))

    assert json.loads(json.dumps(told)) == told
    assert told["data"] == ["/assets", "/d"]


red, blue = Tile("red", 64), Tile("blue", 4000)


@pytest.mark.parametrize(
    ("preview", "items", "expected"),
    [
        (red, (), [((), 64, 32)]),
        (blue, (2,), [((2,), 512, 256)]),
        (red.pil(), (1,), [((1,), 64, 32)]),
        (lambda: red, (1, 2), [((1, 2), 64, 32)]),
        ([red, blue], (4, 7), [((4,), 64, 32), ((7,), 512, 256)]),
        (lambda: (red, red.pil), (4, 7), [((4,), 64, 32), ((7,), 64, 32)]),
        ([red, red], (), [((0,), 64, 32), ((1,), 64, 32)]),
        ("text", (), []),
        (None, (), []),
    ],
)
def test_a_preview_is_whatever_can_be_drawn(
    preview: object, items: tuple[int, ...], expected: list[object]
) -> None:
    found = [(jpeg.items, jpeg.width, jpeg.height) for jpeg in jpegs(preview, items)]

    assert found == expected


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16", "CMYK"])
def test_a_preview_may_have_any_mode(mode: str) -> None:
    from PIL import Image

    (jpeg,) = jpegs(Image.new(mode, (4, 4)), ())

    with Image.open(BytesIO(jpeg.data)) as drawn:
        assert (drawn.format, drawn.mode) == ("JPEG", "RGB")


def test_pictures_are_known_by_their_class() -> None:
    assert [pictured(kind) for kind in (Paint, Plus, Strolls)] == [("image",), (), ()]


@pytest.mark.parametrize("cached", [False, True])
def test_events_say_of_results_that_memory_was_short(cached: bool, tmp_path: Path) -> None:
    one = plan(workflow({"one": {"type": "Const", "values": {"value": 1}}}), TOYS)
    setup = Setup(TOYS, Cache.in_memory(), Settings(), tmp_path, tmp_path)
    reporter = Reporter(one, setup, {"one": 1})

    said = [
        message["note"][1].get("degraded")
        for degraded in (("tiled",), ())
        for message, _ in reporter.report(Finished("one", (), 1.0, cached, b"key", degraded))
        if message["note"][0] in ("node.finished", "node.cached")
    ]

    assert said == [["tiled"], None]


def test_events_say_where_a_run_went_on_and_jobs_how_often(tmp_path: Path) -> None:
    one = plan(workflow({"one": {"type": "Const", "values": {"value": [1, 2]}}}), TOYS)
    setup = Setup(TOYS, Cache.in_memory(), Settings(), tmp_path, tmp_path)
    reporter = Reporter(one, setup, {"one": 2})
    events: list[Event] = [
        Progressed("one", (0, 1), 3, 6, resumed=True),
        Progressed("one", (0, 1), 6, 6),
        Finished("one", (0,), 1.0, False, b"key", resumed="at step 4 of 6"),
        Finished("one", (1,), 1.0, True, b"key"),
    ]

    said = [m["note"] for event in events for m, _ in reporter.report(event)]

    told = [data.get("resumed") for kind, data in said if kind.startswith("node.")]
    assert told == [True, None, "at step 4 of 6", None]
    assert reporter.counts == {"ran": 1, "cached": 1, "resumed": 1}


def test_a_known_item_that_is_made_again_as_its_value_is_gone_counts_once(tmp_path: Path) -> None:
    one = plan(workflow({"one": {"type": "Const", "values": {"value": [1, 2]}}}), TOYS)
    setup = Setup(TOYS, Cache.in_memory(), Settings(), tmp_path, tmp_path)
    reporter = Reporter(one, setup, {"one": 2})
    known = [Finished("one", (item,), 0.0, True, b"key") for item in (0, 1)]
    again = Finished("one", (1,), 1.0, False, b"key")

    said = [m["note"] for event in (*known, again) for m, _ in reporter.report(event)]

    progress = [data for kind, data in said if kind == "job.progress"]
    assert [(data["done"], data["total"]) for data in progress] == [(1, 2), (2, 2), (2, 2)]
    assert reporter.counts == {"ran": 1, "cached": 1}


CRAMPED = workflow(
    {"b": {"type": "Batched", "values": {"value": [2, 4, 6, 8], "fits": 2}}}, b="b.value"
)
"""Numbers of which only two fit at once."""


@pytest.mark.parametrize("server", ["degrade", "fail"])
@pytest.mark.parametrize("job", ["degrade", "fail", None])
def test_a_job_says_whether_it_may_be_made_with_less_memory_else_its_server_does(
    server: OnOom, job: OnOom | None, tmp_path: Path
) -> None:
    setup = Setup(TOYS, Cache.in_memory(), Settings(on_oom=server), tmp_path, tmp_path)
    order = {"id": "job", "workflow": CRAMPED.document(), "only": None, "on_oom": job}

    ended = outcome(run(order, setup, bool))

    if (job or server) == "degrade":
        assert ended["done"]["degraded"] == ["batch 2 of 4"]
        assert ended["done"]["counts"] == {"ran": 4, "cached": 0}
    else:
        assert ended["failed"]["problems"][0]["message"].startswith("does not fit into the memory")
        assert ended["failed"]["degraded"] == []


def outcome(messages: Generator[object, None, frames.Message]) -> frames.Message:
    """What a job ends with."""
    while True:
        try:
            next(messages)
        except StopIteration as end:
            found: frames.Message = end.value
            return found


def test_a_process_is_spent_when_memory_ran_out_and_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodegraph.worker.setup.ASTRAY", MB)
    pretend = Pretend(capacity=8 * MB)
    cache = Cache.in_memory(Budgets(), pretend)
    setup = Setup(TOYS, cache, Settings(devices=(DEVICE,)), tmp_path, tmp_path)
    lost = pretend.block(5 * MB)
    before = setup.is_spent()
    with pytest.raises(RuntimeError):
        pretend.block(4 * MB)

    after = setup.is_spent(), setup.ooms
    del lost

    assert (before, after, setup.is_spent()) == (False, (True, 1), False)


def test_what_the_user_says_of_the_allocator_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    ours = [process._environment()[name] for name in names]
    monkeypatch.setenv(names[0], "max_split_size_mb:64")

    theirs = [process._environment().get(name) for name in names]

    assert ours == ["expandable_segments:True"] * 2
    assert theirs == ["max_split_size_mb:64", None]
