"""The kinds of events: what a job, its nodes and the queue say is of the shape that is promised."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from nodegraph.jobs.events import SHAPES, AnyEvent, Kind
from nodegraph.jobs.types import Event

from ..support.working import Service, service

ADAPTER: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


def test_every_kind_has_one_shape() -> None:
    assert tuple(SHAPES) == get_args(Kind)


def test_a_field_that_is_not_promised_is_refused() -> None:
    event = Event(1, None, 0.0, "job.deleted", {"id": "x", "more": 1})

    with pytest.raises(ValidationError, match="more"):
        ADAPTER.validate_python(event)


@pytest.mark.slow
def test_all_that_a_server_says_is_as_it_is_promised(url: str, tmp_path: Path) -> None:
    with service(url, tmp_path) as running:
        everything(running)
        events = running.store.events_after(0)

    for event in events:
        ADAPTER.validate_python(event)
    assert {event.kind for event in events} == set(SHAPES)


def everything(running: Service) -> None:
    """Run, fail, move, cancel, lose and delete jobs, so that every kind of event comes up."""
    stroll = running.submit("Strolls", steps=40, value=1)
    first, last = running.submit("Plus", value=1), running.submit("Plus", value=[1, 2])
    running.store.move(last.id, after="")
    running.underway(stroll, "node.progress")
    running.store.cancel(stroll.id)
    for job in (stroll, first, last):
        running.ended(job)
    running.store.delete(first.id)
    running.run("Plus", value=1)
    running.run("Paint", "image")
    picture = running.store.results()[0][0].id
    running.store.delete_result(picture)
    running.store.restore_result(picture)
    running.run("Dies", file=str(running.folder / "starts"), times=1)
    failing = {
        "wrong": {"type": "Hurries", "values": {"value": 7, "wrong": True}},
        "waits": {"type": "Plus", "links": {"value": "wrong.value"}},
    }
    running.ended(running.order(failing, {"made": "waits.value"}))
