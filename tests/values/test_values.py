"""What values hold: digests, leaves, taking apart and putting together, and who wrote into them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import BaseModel

from nodegraph.base.keys import canonical, digest
from nodegraph.node import Output, Wire
from nodegraph.values.leaves import OpaqueError, Watch, digests, leaves, replace_leaves
from nodegraph.values.skeleton import flatten, rebuild, value_classes

if TYPE_CHECKING:
    from decimal import Decimal


class Way(Enum):
    UP = 1
    DOWN = 2


class Place(BaseModel):
    x: int


@dataclass(frozen=True, slots=True, eq=False)
class Picture(Wire):
    pixels: Any
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Everything(Wire):
    picture: Picture
    way: Way
    path: Path
    pair: tuple[int, float]
    table: dict[str, Picture | None]
    places: list[Place]
    data: bytes
    big: int
    names: frozenset[str] = frozenset()
    exact: Decimal | None = None
    made: int = field(default=0, init=False)


@dataclass(frozen=True, slots=True)
class Stranger(Wire):
    x: int


class Held(Output):
    everything: Everything
    many: list[Picture]
    maybe: list[int] | None = None
    loose: Any = None


class Plain(Output):
    value: int
    name: str


def picture(fill: int = 1, note: str | None = None) -> Picture:
    return Picture(np.full((2, 3), fill, np.uint8), note)


def everything(fill: int = 1) -> Everything:
    return Everything(
        picture=picture(fill, "first"),
        way=Way.DOWN,
        path=Path("a/b"),
        pair=(1, float("inf")),
        table={"one": picture(2), "none": None},
        places=[Place(x=1)],
        data=b"\x00\xff",
        big=2**80,
        names=frozenset({"n"}),
    )


def held(fill: int = 1) -> Held:
    return Held(everything=everything(fill), many=[picture(3), picture(4)])


OWN = digest(b"own")


def test_an_output_survives_json_and_back() -> None:
    before = held()
    skeleton, found = flatten(before)

    after = rebuild(Held, json.loads(json.dumps(skeleton)), found)

    assert digests(before, OWN) == digests(after, OWN)
    assert type(after.everything.path) is type(before.everything.path)  # type: ignore[attr-defined]


def test_the_leaves_are_the_arrays_in_the_order_of_the_fields() -> None:
    _, found = flatten(held())

    assert [int(leaf[0, 0]) for leaf in found] == [1, 2, 3, 4]
    assert [int(leaf[0, 0]) for leaf in leaves(held())] == [1, 2, 3, 4]


def test_every_field_has_a_digest_and_a_list_one_an_item() -> None:
    found = digests(held(), OWN)

    assert list(found) == ["everything", "many", "maybe", "loose"]
    assert isinstance(found["everything"], bytes)
    assert len(found["many"]) == 2
    assert found["maybe"] == digest(canonical(None))


def test_equal_items_have_equal_digests_wherever_they_are() -> None:
    one = digests(Held(everything=everything(), many=[picture(3)]), OWN)["many"]

    assert digests(held(), OWN)["many"][0] == one[0]


@pytest.mark.parametrize(
    "other",
    [
        np.ones((3, 2), np.uint8),
        np.ones((2, 3), np.int8),
        np.ones(6, np.uint8),
        np.zeros((2, 3), np.uint8),
    ],
    ids=["shape", "dtype", "dimensions", "content"],
)
def test_arrays_that_differ_have_different_digests(other: Any) -> None:
    def key(pixels: Any) -> object:
        return digests(Held(everything=everything(), many=[], loose=pixels), OWN)["loose"]

    assert key(np.ones((2, 3), np.uint8)) != key(other)


def test_an_array_in_another_order_of_memory_has_the_same_digest() -> None:
    straight = np.arange(6, dtype=np.float32).reshape(2, 3)
    a = Held(everything=everything(), many=[], loose=straight)
    b = Held(everything=everything(), many=[], loose=np.asfortranarray(straight))

    assert digests(a, OWN) == digests(b, OWN)


def test_what_cannot_be_hashed_goes_by_the_key_of_its_call() -> None:
    opaque = Held(everything=everything(), many=[], loose=object())

    here, again, elsewhere = (digests(opaque, key)["loose"] for key in (OWN, OWN, b"other"))

    assert here == again
    assert here != elsewhere


def test_a_value_nested_beyond_measure_goes_by_the_key_of_its_call() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    found = digests(Held(everything=everything(), many=[], loose=deep), OWN)

    assert found["loose"] == digest(b"opaque", canonical((OWN, "loose", None)))


@pytest.mark.parametrize("value", [object(), Stranger(1), np.array([object()])])
def test_what_annotations_do_not_name_cannot_be_taken_apart(value: object) -> None:
    with pytest.raises(OpaqueError, match="cannot be written to disk"):
        flatten(Held(everything=everything(), many=[], loose=value))


def test_a_class_that_annotations_do_not_name_is_not_built() -> None:
    skeleton, found = flatten(held())
    skeleton["loose"] = {"class": "subprocess.Popen", "fields": {"args": "true"}}

    with pytest.raises(KeyError):
        rebuild(Held, skeleton, found)


def test_an_output_with_other_fields_is_not_built() -> None:
    with pytest.raises(ValueError, match="Plain has other fields"):
        rebuild(Plain, {"value": 1}, [])


def test_classes_are_found_through_wires_unions_lists_and_dicts() -> None:
    names = {kind.__name__ for kind in value_classes(Held).values()}

    assert names == {"Everything", "Picture", "Way", "Place"}


def test_a_value_without_changed_leaves_is_the_same_object() -> None:
    before = held()

    assert replace_leaves(before, lambda leaf: leaf) is before


def test_changing_leaves_leaves_the_original_alone() -> None:
    before = held()

    after = replace_leaves(before, lambda leaf: leaf + 1)

    assert [int(leaf[0, 0]) for leaf in leaves(before)] == [1, 2, 3, 4]
    assert [int(leaf[0, 0]) for leaf in leaves(after)] == [2, 3, 4, 5]
    assert after.everything.picture.note == "first"


class TestAWatch:
    def test_is_silent_when_nothing_was_written(self) -> None:
        watch = Watch({"a": picture(), "b": [1, {"c": 2}], "d": 3, "e": object()})

        assert watch.changed_inputs() == []

    def test_names_the_array_that_was_written_into(self) -> None:
        inputs = {"a": picture(), "b": picture()}
        watch = Watch(inputs)

        inputs["b"].pixels[0, 0] = 9

        assert watch.changed_inputs() == ["b"]

    def test_names_the_list_that_grew(self) -> None:
        deep = [picture()]
        inputs = {"a": [1], "b": {"deep": deep}}
        watch = Watch(inputs)

        deep.append(picture())

        assert watch.changed_inputs() == ["b"]

    def test_names_what_was_exchanged_inside_a_list(self) -> None:
        pictures = [picture()]
        watch = Watch({"pictures": pictures})

        pictures[0] = picture()

        assert watch.changed_inputs() == ["pictures"]

    def test_notices_that_a_read_only_array_was_made_writable(self) -> None:
        shared = picture()
        shared.pixels.flags.writeable = False
        watch = Watch({"a": shared})

        shared.pixels.flags.writeable = True

        assert watch.changed_inputs() == ["a"]

    def test_cannot_look_into_what_is_nested_beyond_measure(self) -> None:
        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]

        assert Watch({"deep": deep}).changed_inputs() == []
