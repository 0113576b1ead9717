"""Results made with less memory are never taken for those made as asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from nodegraph import Memo, Node, Output, Settings, Wire, execute, plan
from nodegraph.cache import Cache
from nodegraph.execution.context import RunContext
from nodegraph.graph.workflow import Workflow
from nodegraph.node import Context
from nodegraph.savings import NO_SAVINGS, Saving, Savings

from ..support.running_toys import TOYS, Number, computed, followed, workflow

FAIL = Settings(on_oom="fail")


class Secret:
    """What can be held, but neither hashed nor written."""

    def __init__(self, number: int) -> None:
        self.number = number


@dataclass(frozen=True, slots=True)
class Hidden(Wire):
    """A number that only whoever holds it sees."""

    secret: Secret


class Hiding(Output):
    """A hidden number."""

    hidden: Hidden


class Rough(Node):
    """Give a number; in tiles, where memory is short, another one by ``off``."""

    savings: ClassVar[tuple[Saving, ...]] = ("tiles",)
    short: ClassVar[bool] = False
    value: int = 10
    off: int = 0

    def run(self, context: Context) -> Number:
        return Number(value=self._made(context))

    def _made(self, context: Context) -> int:
        if context.savings.tiles > 1:
            return self.value + self.off
        if self.short:
            raise MemoryError("out of memory")
        return self.value


class RoughHidden(Rough):
    """The same, hidden."""

    def run(self, context: Context) -> Hiding:  # type: ignore[override]
        return Hiding(hidden=Hidden(Secret(self._made(context))))


class Reveal(Node):
    """Show a hidden number."""

    value: Hidden

    def run(self) -> Number:
        return Number(value=self.value.secret.number)


REGISTRY = TOYS.with_kinds([Rough, RoughHidden, Reveal])


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Memory is short, until this is undone."""
    with monkeypatch.context() as patch:
        patch.setattr(Rough, "short", True)
        yield patch


@pytest.mark.parametrize(
    ("kind", "then", "off", "anew"),
    [
        ("Rough", "Half", 10, ["made", "then"]),
        ("Rough", "Half", 0, ["made"]),
        ("RoughHidden", "Reveal", 10, ["made", "then"]),
    ],
)
def test_what_was_made_of_a_degraded_result_is_found_only_where_that_is_the_same(
    short: pytest.MonkeyPatch, kind: str, then: str, off: int, anew: list[str]
) -> None:
    output = "hidden" if kind == "RoughHidden" else "value"
    nodes = {
        "made": {"type": kind, "values": {"off": off}},
        "then": {"type": then, "links": {"value": f"made.{output}"}},
    }
    planned, cache = plan(workflow(nodes, then="then.value"), REGISTRY), Cache.in_memory()
    _, rough = followed(execute(planned, cache))
    short.undo()

    events, outcome = followed(execute(planned, cache, FAIL))

    assert rough.shortages == {"then": ({"made": ("tiled",)},)}
    assert computed(events) == anew
    assert outcome.results == {"then": 10 if kind == "RoughHidden" else 5}
    assert outcome.shortages == {"then": ({},)}


class Noted(Memo):
    """What a node keeps on its way."""

    number: int


def test_what_was_kept_while_weights_were_offloaded_is_kept_apart() -> None:
    here = RunContext(Settings(), "cpu", Workflow(), Cache.in_memory())
    apart = replace(here, savings=Savings(offload="layers"))
    apart.keep(Noted(number=1), "x", seconds=1.0)

    assert here.recall(Noted, "x") is None
    assert apart.recall(Noted, "x") == Noted(number=1)
    here.keep(Noted(number=2), "x", seconds=1.0)
    found = [
        replace(here, savings=one).recall(Noted, "x") for one in (NO_SAVINGS, Savings(tiles=2))
    ]
    assert found == [Noted(number=2)] * 2
