"""What differs between two graphs, in exact words."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from nodegraph.base.wording import spell_difference
from nodegraph.errors import WorkflowError
from nodegraph.graph.registry import Template
from nodegraph.graph.workflow import Workflow
from nodegraph.inspection.diff import Difference, Snapshot, diff

from ..support.toys import TOYS

BASE: Mapping[str, Any] = {
    "title": "Lines",
    "nodes": {
        "photo": {"type": "LoadPicture", "values": {"path": "room.png"}},
        "model": {"type": "LoadModel"},
        "edges": {
            "type": "Outline",
            "values": {"low_threshold": 60},
            "links": {"image": "photo.image"},
        },
        "pose": {"type": "Pose", "links": {"image": "photo.image"}},
        "paint": {
            "type": "Portrait",
            "values": {"prompt": "a dog"},
            "links": {"image": "edges.image", "model": "model.model"},
        },
        "sheet": {"type": "Sheet", "links": {"images": ["edges.image", "paint.image"]}},
    },
    "params": {"prompt": {"to": "paint.prompt"}},
    "results": {"sheet": "sheet.image"},
}


def changed(path: str = "", to: object = None, **more: Any) -> dict[str, Any]:
    """The base with one entry set, or removed where ``to`` is None; ``/`` divides the path."""
    document: dict[str, Any] = deepcopy({**BASE, **more})
    if path:
        *way, last = path.split("/")
        inner = document
        for part in way:
            inner = inner.setdefault(part, {})
        if to is None:
            del inner[last]
        else:
            inner[last] = to
    return document


def made(document: Mapping[str, Any], **more: Any) -> Snapshot:
    return Snapshot(Workflow.model_validate(document), **more)


def told(after: Mapping[str, Any], before: Mapping[str, Any] = BASE, **more: Template) -> list[str]:
    registry = TOYS.with_kinds(more.values())
    return [str(one) for one in diff(made(before), made(after), registry)]


def renamed(document: Mapping[str, Any], **names: str) -> dict[str, Any]:
    """The same document with other names of nodes."""

    def other(link: Any) -> Any:
        if isinstance(link, list):
            return [other(one) for one in link]
        node, _, port = link.rpartition(".")
        return f"{names.get(node, node)}.{port}"

    nodes = {
        names.get(name, name): {
            **call,
            "links": {input: other(link) for input, link in call.get("links", {}).items()},
        }
        for name, call in document["nodes"].items()
    }
    params = {name: {"to": other(param["to"])} for name, param in document["params"].items()}
    results = {name: other(address) for name, address in document["results"].items()}
    return {**document, "nodes": nodes, "params": params, "results": results}


NAMES = {"photo": "a", "model": "b", "edges": "c", "pose": "d", "paint": "e", "sheet": "f"}


@pytest.mark.parametrize(
    "after",
    [
        changed(),
        changed(title="Other", view={"photo": [1, 2]}),
        changed("nodes/edges/values/high_threshold", 200),
        changed("params/prompt/label", "What"),
        renamed(BASE, **NAMES),
        {**changed(), "nodes": dict(reversed(BASE["nodes"].items()))},
    ],
)
def test_what_makes_no_difference(after: Mapping[str, Any]) -> None:
    assert told(after) == []


@pytest.mark.parametrize(
    ("after", "sentences"),
    [
        (changed("nodes/paint/values/prompt", "a cat"), ["prompt: 'a dog' → 'a cat'"]),
        (changed("nodes/paint/values/prompt", ["a", "b"]), ["prompt: 'a dog' → [\"a\", \"b\"]"]),
        (changed("nodes/paint/values/steps", 5), ["paint.steps: 10 → 5"]),
        (changed("nodes/edges/values/low_threshold", 80), ["edges.low_threshold: 60 → 80"]),
        (changed("nodes/edges/values/low_threshold"), ["edges.low_threshold: 60 → 100"]),
        (changed("nodes/photo/values/path", "b.png"), ["photo.path: 'room.png' → 'b.png'"]),
        (
            changed("nodes/paint/links/image", "pose.image"),
            ["paint.image: edges.image → pose.image"],
        ),
        (
            changed("nodes/sheet/links/images", ["paint.image", "edges.image"]),
            ["sheet.images: [edges.image, paint.image] → [paint.image, edges.image]"],
        ),
        (
            changed("nodes/sheet/links/images", "paint.image"),
            ["sheet.images: [edges.image, paint.image] → paint.image"],
        ),
        (changed("nodes/more", {"type": "LoadModel"}), ["more: added, LoadModel"]),
        (changed("nodes/pose"), ["pose: removed, Pose"]),
        (
            changed("nodes/edges", {"type": "Pose", "links": {"image": "photo.image"}}),
            ["edges: Outline → Pose"],
        ),
        (
            changed(
                "nodes/paint",
                {
                    "type": "Paint",
                    "values": {"prompt": "a dog"},
                    "links": {"model": "model.model"},
                },
            ),
            ["paint: Portrait → Paint"],
        ),
        (changed("results/sheet", "edges.image"), ["results.sheet: sheet.image → edges.image"]),
        (changed("results/edges", "edges.image"), ["results.edges: added, edges.image"]),
        (changed("results/sheet"), ["results.sheet: removed, sheet.image"]),
        (
            changed("params/steps", {"to": "paint.steps"}),
            ["params.steps: added, paint.steps"],
        ),
        (changed("params/prompt"), ["params.prompt: removed, paint.prompt"]),
        (
            changed("params/prompt", {"to": ["paint.prompt", "edges.low_threshold"]}),
            ["params.prompt: paint.prompt → paint.prompt, edges.low_threshold"],
        ),
        (
            changed(models={"a/b": {"revision": "1" * 40, "sha256": "2" * 64}}),
            ["models.a/b: added, revision 111111111111, sha256 222222222222"],
        ),
        (
            changed("nodes/words", {"type": "Const", "values": {"value": 3}},
                    params={"prompt": {"to": "paint.prompt"}, "n": {"to": "words.value"}}),
            ["words: added, Const", "params.n: added, words.value"],
        ),
    ],
)  # fmt: skip
def test_a_difference_is_said_in_words(after: Mapping[str, Any], sentences: list[str]) -> None:
    assert told(after) == sentences


def test_a_value_that_becomes_a_link_is_a_moved_link() -> None:
    before = {"nodes": {"one": {"type": "Const", "values": {"value": 1}},
                        "sum": {"type": "Add", "values": {"left": 2}}}}  # fmt: skip
    after = {"nodes": {"one": {"type": "Const", "values": {"value": 1}},
                       "sum": {"type": "Add", "links": {"left": "one.value"}}}}  # fmt: skip

    assert told(after, before) == ["sum.left: 2 → one.value"]
    assert told(before, after) == ["sum.left: one.value → 2"]


def test_entries_of_lists_are_told_apart() -> None:
    before = changed("nodes/paint/values/prompt", ["a", "b", "c"])
    after = changed("nodes/paint/values/prompt", ["a", "x", "c"])

    assert told(after, before) == ["prompt[1]: 'b' → 'x'"]


def test_a_call_of_another_name_is_known_by_what_it_has_in_common() -> None:
    after = renamed(changed("nodes/edges/values/low_threshold", 80), **NAMES)

    assert told(after) == ["c.low_threshold: 60 → 80"]


def test_calls_of_a_kind_that_have_little_in_common_are_two() -> None:
    before = changed("nodes/photo/values/path", "a.png")
    after = renamed(changed("nodes/photo/values/path", "b.png"), photo="other")

    assert told(after, before) == [
        "photo: removed, LoadPicture",
        "other: added, LoadPicture",
        "edges.image: photo.image → other.image",
        "pose.image: photo.image → other.image",
    ]


def test_exchanged_names_of_the_same_calls_are_no_difference() -> None:
    def difference(left: str, right: str) -> dict[str, Any]:
        numbers = {left: 1, right: 2}
        return {
            "nodes": {
                **{n: {"type": "Const", "values": {"value": v}} for n, v in numbers.items()},
                "sum": {
                    "type": "Add",
                    "links": {"left": f"{left}.value", "right": f"{right}.value"},
                },
            }
        }

    assert told(difference("x", "y"), difference("y", "x")) == []


LINES: dict[str, Any] = {
    "nodes": {"edges": {"type": "Outline", "values": {"low_threshold": 60}}},
    "params": {"image": {"to": "edges.image"}},
    "results": {"image": "edges.image"},
}
PHOTO = {"type": "LoadPicture", "values": {"path": "room.png"}}
TEMPLATED = {
    "nodes": {"photo": PHOTO, "x": {"type": "Lines", "links": {"image": "photo.image"}}},
    "results": {"image": "x.image"},
}
WRITTEN = {
    "nodes": {
        "photo": PHOTO,
        "edges": {
            "type": "Outline",
            "values": {"low_threshold": 60},
            "links": {"image": "photo.image"},
        },
    },
    "results": {"image": "edges.image"},
}


def test_a_template_is_the_same_as_what_lies_in_it() -> None:
    lines = Template("Lines", Workflow.model_validate(LINES))

    assert told(WRITTEN, TEMPLATED, lines=lines) == []
    assert told(TEMPLATED, WRITTEN, lines=lines) == []


def test_a_change_inside_a_template_has_its_inner_address() -> None:
    other = deepcopy(LINES)
    other["nodes"]["edges"]["values"]["low_threshold"] = 80
    before, after = ({**TEMPLATED, "templates": {"Lines": each}} for each in (LINES, other))

    assert told(after, before) == ["x/edges.low_threshold: 60 → 80"]


def test_a_template_with_nothing_in_common_is_another_one() -> None:
    pose = {"nodes": {"p": {"type": "Pose"}}, "params": {"image": {"to": "p.image"}},
            "results": {"image": "p.image"}}  # fmt: skip
    before, after = ({**TEMPLATED, "templates": {"Lines": each}} for each in (LINES, pose))

    assert told(after, before) == ["x: Lines → another Lines"]


def test_a_part_that_left_a_template_is_named_alone() -> None:
    more = deepcopy(LINES)
    more["nodes"]["pose"] = {"type": "Pose", "links": {"image": "edges.image"}}
    before, after = ({**TEMPLATED, "templates": {"Lines": each}} for each in (LINES, more))

    assert told(after, before) == ["x/pose: added, Pose"]


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        ({"revision": "1" * 40}, {"revision": "2" * 40},
         ["models.m: revision 111111111111 → revision 222222222222"]),
        ({"revision": "1" * 40, "sha256": "3" * 64}, {"revision": "1" * 40, "sha256": "4" * 64},
         ["models.m: sha256 333333333333 → sha256 444444444444"]),
        ({"sha256": "3" * 64}, None, ["models.m: removed, sha256 333333333333"]),
        ({"sha256": "3" * 64}, {"sha256": "3" * 64}, []),
    ],
)  # fmt: skip
def test_models_are_compared(
    before: Mapping[str, str], after: Mapping[str, str] | None, sentences: list[str]
) -> None:
    old, new = (changed(models={"m": one} if one else {}) for one in (before, after))

    assert told(new, old) == sentences


def versions(*before: Mapping[str, str]) -> list[str]:
    old, new = (made(BASE, versions=one) for one in before)
    return [str(one) for one in diff(old, new, TOYS)]


def test_versions_are_compared_where_both_have_them() -> None:
    assert versions({"torch": "2.6", "a": "1"}, {"torch": "2.7", "b": "1"}) == ["torch: 2.6 → 2.7"]
    assert versions({"torch": "2.6"}, {}) == []


def test_another_key_of_the_same_graph_means_other_files() -> None:
    keys = [{"grid": "a" * 40, "one": "c"}, {"grid": "b" * 40, "two": "d"}]
    old, new = (made(BASE, keys=one) for one in keys)
    other = made(changed("nodes/paint/values/steps", 5), keys=keys[1])

    assert [str(one) for one in diff(old, new, TOYS)] == [
        "grid: made from other files (aaaaaaaaaaaa → bbbbbbbbbbbb)"
    ]
    assert [str(one) for one in diff(old, other, TOYS)] == ["paint.steps: 10 → 5"]


def test_a_difference_tells_its_sort() -> None:
    [found] = diff(made(BASE), made(changed("nodes/paint/values/prompt", "a cat")), TOYS)

    assert found == Difference("param", "prompt", "'a dog'", "'a cat'")


def test_a_graph_that_is_not_sound_is_refused() -> None:
    with pytest.raises(WorkflowError, match="edges: no 'Outlin'"):
        told(changed("nodes/edges/type", "Outlin"))


def test_long_texts_are_shown_where_they_differ() -> None:
    start = "a man wearing a red shirt and blue trousers on a yellow "

    assert spell_difference(f"{start}background, in the rain", f"{start}wall, in the rain") == (
        "'…rousers on a yellow background, in the rain'",
        "'…rousers on a yellow wall, in the rain'",
    )
    assert spell_difference(f"{start}x{'y' * 80}", f"{start}z")[1] == "'…rousers on a yellow z'"
    assert spell_difference("x" * 80, "y") == (f"'{'x' * 59}…'", "'y'")
    assert spell_difference([1] * 30, None) == (f"{str([1] * 20)[:-1]},…", "empty")
