"""Every bound of the server has a test that sends one more; a new bound without one fails here."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from starlette.testclient import TestClient

from nodegraph.base.budget import Bounds
from nodegraph.web.limits import Limits

from ..support.serving import PHOTO, client, serving

TESTS = Path(__file__).parent.parent
OPERATE = TESTS.parent / "docs" / "operate.md"
Send = Callable[[TestClient, int], Any]


class Bound(NamedTuple):
    """A bound that is set to ``most``, and ``send``, which asks for so much."""

    most: int
    send: Send
    message: str


def checked(make: Callable[[int], Mapping[str, Any]]) -> Send:
    return lambda asking, count: asking.post(
        "/v1/check", json={"workflow": {"format": 1, **make(count)}}
    )


def posted(make: Callable[[int], bytes]) -> Send:
    return lambda asking, count: asking.post(
        "/v1/check", content=make(count), headers={"Content-Type": "application/json"}
    )


def uploaded(asking: TestClient, size: int) -> Any:
    return asking.put("/v1/assets", content=b"x" * size, headers={"Content-Type": "image/png"})


def viewed(value: str) -> bytes:
    """A body with a view in it: four values and two levels around ``value``, which counts too."""
    return b'{"workflow": {"format": 1, "view": {"a": %s}}}' % value.encode()


def saved(asking: TestClient, count: int) -> Any:
    for number in range(count):
        answer = asking.put(
            f"/v1/workflows/w{number}", json={"format": 1}, headers={"If-None-Match": "*"}
        )
    return answer


def queued(asking: TestClient, count: int) -> Any:
    document = {"format": 1, "nodes": {"n": PHOTO}, "results": {"r": "n.image"}}
    for _ in range(count):
        answer = asking.post("/v1/jobs", json={"workflow": document})
    return answer


def photos(count: int) -> dict[str, Any]:
    return {f"n{number}": PHOTO for number in range(count)}


def inside(nodes: Mapping[str, Any]) -> Mapping[str, Any]:
    """A call of a template of these."""
    template = {"nodes": nodes, "results": {"r": "n0.image"}}
    return {"nodes": {"x": {"type": "T"}}, "templates": {"T": template}}


def given(path: str) -> Mapping[str, Any]:
    return {"nodes": {"n": {"type": "LoadImage", "values": {"path": path}}}}


def listed(count: int) -> Mapping[str, Any]:
    values = {"path": ["portrait.png"] * count}
    return {"nodes": {"n": {"type": "LoadImage", "values": values}}}


ONE_MORE: Mapping[str, Bound] = {
    "body": Bound(1000, posted(lambda n: viewed("1").ljust(n)), "the body is too large"),
    "asset": Bound(1000, uploaded, "the body is too large"),
    "bodies": Bound(1000, uploaded, "too much is being uploaded at once; try again"),
    "values": Bound(
        100, posted(lambda n: viewed(f"[{','.join('1' * (n - 5))}]")), "has too many values"
    ),
    "depth": Bound(
        10, posted(lambda n: viewed("[" * (n - 3) + "]" * (n - 3))), "is nested too deeply"
    ),
    "nodes": Bound(10, checked(lambda n: {"nodes": photos(n)}), "has 11 nodes; at most 10"),
    "params": Bound(
        10,
        checked(lambda n: {"params": {f"p{i}": {"to": "n.x"} for i in range(n)}}),
        "has 11 params; at most 10",
    ),
    "links": Bound(
        10,
        checked(lambda n: {"results": {f"r{i}": "n.x" for i in range(n)}}),
        "has 11 links; at most 10",
    ),
    "inputs": Bound(
        10,
        checked(
            lambda n: {"nodes": {"n": {"type": "T", "values": {f"x{i}": 1 for i in range(n)}}}}
        ),
        "has 11 inputs; at most 10",
    ),
    "workflows": Bound(3, saved, "3 workflows are kept already"),
    "queue": Bound(3, queued, "queue: 3 jobs are waiting already"),
    "page": Bound(
        3,
        lambda asking, n: asking.get("/v1/jobs", params={"limit": n}),
        "should be less than or equal to 3",
    ),
    "expanded.calls": Bound(
        20, checked(lambda n: inside(photos(n - 1))), "expands to more than 20 calls, all together"
    ),
    "expanded.entries": Bound(
        20,
        checked(lambda n: inside(photos(n - 1))),
        "expands to more than 20 values and links, all together",
    ),
    "expanded.letters": Bound(
        5000,
        checked(lambda n: given("x" * (n - 17))),
        "expands to more than 5,000 letters of names and values, all together",
    ),
    "expanded.items": Bound(20, checked(listed), "makes more than 20 items, all nodes together"),
}
"""Bounds that one who asks can reach alone."""

ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "small": (
        "web/test_capacity.py",
        "test_large_bodies_are_read_one_after_the_other_while_others_are_answered",
    ),
    "expanded.seconds": ("planning/test_budget.py", "test_what_takes_too_long_is_refused"),
    "head": (
        "web/test_head_timeout.py",
        "test_sixty_half_open_requests_are_closed_while_others_are_answered",
    ),
    "patience": ("web/test_raw_requests.py", "test_a_body_that_does_not_come_is_not_waited_for"),
    "rate": ("web/test_head_timeout.py", "test_a_body_may_take_longer_than_a_head"),
    "clients": ("web/test_events.py", "test_one_client_too_many_is_told_to_come_again"),
    "message": ("web/test_events.py", "test_who_talks_nonsense_is_closed"),
    "watched": (
        "web/test_events.py",
        "test_a_client_may_ask_for_as_many_jobs_as_the_server_allows",
    ),
    "mailbox_events": ("web/test_events.py", "test_a_mailbox_is_full_by_number_and_by_size"),
    "mailbox_bytes": ("web/test_events.py", "test_a_mailbox_is_full_by_number_and_by_size"),
    "stalled": (
        "web/test_events.py",
        "test_a_slow_client_is_cut_off_and_the_others_hear_everything",
    ),
    "replay": (
        "web/test_events.py",
        "test_who_was_away_for_longer_than_is_kept_is_told_of_a_gap",
    ),
    "checks": ("web/test_capacity.py", "test_many_checks_at_once_leave_room_for_others"),
    "pictures": (
        "web/test_capacity.py",
        "test_many_pictures_at_once_are_decoded_two_at_a_time",
    ),
    "waiting": (
        "web/test_capacity.py",
        "test_one_too_many_is_told_to_come_again_and_places_are_given_back",
    ),
}
"""Bounds of time, of websockets and of crowds, and where one more is sent."""

PACES = {"listening", "catching_up"}
"""What makes clients wait; nothing is ever refused for it."""


def test_every_bound_has_a_test() -> None:
    bounds = {field.name for field in fields(Limits)} - {"expanded"}
    bounds |= {f"expanded.{field.name}" for field in fields(Bounds)}

    assert bounds == {*ONE_MORE, *ELSEWHERE, *PACES}


@pytest.mark.parametrize(("file", "name"), sorted(set(ELSEWHERE.values())))
def test_the_test_of_a_bound_is_there(file: str, name: str) -> None:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))

    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", ONE_MORE)
def test_as_much_as_may_be_is_taken_and_one_more_is_refused_in_a_sentence(
    tmp_path: Path, name: str
) -> None:
    bound = ONE_MORE[name]
    with serving(tmp_path, limits=limited(name, bound.most)) as parts, client(parts) as asking:
        answers = [bound.send(asking, count) for count in (bound.most, bound.most + 1)]

    assert bound.message not in answers[0].text
    assert bound.message in answers[1].text
    assert len(answers[1].content) < 1000


def limited(name: str, most: int) -> Limits:
    limits = Limits()
    first, _, second = name.partition(".")
    if second:
        return replace(limits, expanded=replace(limits.expanded, **{second: most}))
    changes: dict[str, Any] = {first: most}
    return replace(limits, **changes)
