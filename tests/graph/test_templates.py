from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from nodegraph import Drawing
from nodegraph.errors import WorkflowError
from nodegraph.graph.expand import expand
from nodegraph.graph.registry import Registry, Template
from nodegraph.graph.workflow import Workflow
from nodegraph.node import Composite
from nodegraph.planning.plan import plan
from nodegraph.planning.types import Source

from ..support.toys import TOYS, Const, Number, Picture, Pictured, Sum

Entry = Mapping[str, object]

LINES = Template(
    "Lines",
    Workflow.model_validate({
        "nodes": {
            "edges": {"type": "Outline", "values": {"low_threshold": 60, "high_threshold": 90}},
            "paint": {"type": "Paint", "values": {"prompt": "lines"}},
            "sheet": {"type": "Sheet", "links": {"images": ["edges.image", "paint.image"]}},
        },
        "params": {
            "image": {"to": "edges.image"},
            "model": {"to": "paint.model"},
            "detail": {"to": ["edges.low_threshold", "edges.high_threshold"]},
            "prompt": {"to": "paint.prompt"},
        },
        "results": {"sheet": "sheet.image", "lines": "edges.image"},
    }),
)  # fmt: skip


class Broken(Composite):
    """Fail while drawing."""

    value: int = 0

    def draw(self, g: Drawing) -> Number:  # noqa: ARG002
        raise RuntimeError("out of ink")


class Empty(Composite):
    """Return no output of a call."""

    def draw(self, g: Drawing) -> Number:  # noqa: ARG002
        return Number(value=3)


class Through(Composite):
    """Give an input on as an output."""

    image: Picture

    def draw(self, g: Drawing) -> Pictured:  # noqa: ARG002
        return Pictured(image=self.image)


class Endless(Composite):
    """Contain itself."""

    value: int = 0

    def draw(self, g: Drawing) -> Number:
        return g.add("again", Endless, value=self.value)


REGISTRY = Registry(
    {**TOYS, "Lines": LINES, **{kind.__name__: kind for kind in (Broken, Empty, Through, Endless)}}
)

BASE: Mapping[str, Entry] = {
    "m": {"type": "LoadModel"},
    "photo": {"type": "LoadPicture", "values": {"path": "room.png"}},
}
LINKS = {"model": "m.model", "image": "photo.image"}


def workflow(nodes: Mapping[str, Entry], **results: str) -> Workflow:
    return Workflow.model_validate({"nodes": {**BASE, **nodes}, "results": results})


def problems(nodes: Mapping[str, Entry], registry: Registry = REGISTRY) -> list[str]:
    with pytest.raises(WorkflowError) as caught:
        plan(workflow(nodes), registry)
    return [str(problem) for problem in caught.value.problems]


def test_a_composite_becomes_the_calls_it_draws() -> None:
    nodes = {"one": {"type": "Portrait", "values": {"prompt": "a dog"}, "links": LINKS}}

    planned = plan(workflow(nodes, out="one.image"), REGISTRY)

    assert [call.name for call in planned.calls] == [
        "m",
        "photo",
        "one/edges",
        "one/steer",
        "one/paint",
    ]
    assert planned.calls[4].values == {"prompt": "a dog", "style": "oil", "steps": 10}
    assert planned.results == {"out": Source(4, "image")}


def test_calls_are_linked_to_the_inside_of_a_composite() -> None:
    nodes = {
        "one": {"type": "Portrait", "links": LINKS},
        "sheet": {"type": "Sheet", "links": {"images": ["one.image", "photo.image"]}},
    }

    flat = expand(workflow(nodes), REGISTRY)
    sheet = plan(workflow(nodes), REGISTRY).calls[-1]

    assert flat.aliases == {"one.image": "one/paint.image"}
    assert sheet.links["images"].sources == (Source(4, "image"), Source(1, "image"))


def test_composites_inside_composites_become_one_flat_graph() -> None:
    nodes = {"pair": {"type": "Pair", "links": LINKS}}

    assert list(expand(workflow(nodes), REGISTRY).calls) == [
        "m",
        "photo",
        "pair/first/edges",
        "pair/first/steer",
        "pair/first/paint",
        "pair/second/edges",
        "pair/second/steer",
        "pair/second/paint",
        "pair/sheet",
    ]


def test_a_list_given_to_a_composite_maps_inside_it() -> None:
    nodes = {"one": {"type": "Portrait", "values": {"prompt": ["a dog", "a cat"]}, "links": LINKS}}

    paint = plan(workflow(nodes), REGISTRY).calls[-1]

    assert (paint.mapped, paint.values["prompt"]) == (("prompt",), ["a dog", "a cat"])


def test_a_template_is_used_like_a_node() -> None:
    nodes = {
        "lines": {"type": "Lines", "values": {"detail": 20}, "links": LINKS},
        "again": {"type": "Outline", "links": {"image": "lines.lines"}},
    }

    planned = plan(workflow(nodes, out="again.image", sheet="lines.sheet"), REGISTRY)

    values = {call.name: call.values for call in planned.calls}
    assert values["lines/edges"] == {"low_threshold": 20, "high_threshold": 20}
    assert values["lines/paint"]["prompt"] == "lines"
    assert planned.results["sheet"].call == [call.name for call in planned.calls].index(
        "lines/sheet"
    )


def test_what_a_template_is_not_given_keeps_the_value_inside() -> None:
    nodes = {"lines": {"type": "Lines", "links": LINKS}}

    edges = plan(workflow(nodes), REGISTRY).calls[2]

    assert edges.values == {"low_threshold": 60, "high_threshold": 90}


def test_an_output_that_is_an_input_given_on_leads_to_where_that_comes_from() -> None:
    nodes = {
        "through": {"type": "Through", "links": {"image": "photo.image"}},
        "edges": {"type": "Outline", "links": {"image": "through.image"}},
    }

    planned = plan(workflow(nodes, out="edges.image"), REGISTRY)

    assert [call.name for call in planned.calls] == ["photo", "edges"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"type": "Portrait", "links": {"model": "m.model"}}, "x.image: needs a value or a link"),
        (
            {"type": "Portrait", "links": LINKS, "values": {"promt": "a"}},
            "x.promt: no 'promt'; did you mean 'prompt'?",
        ),
        (
            {"type": "Portrait", "links": LINKS, "values": {"steps": 40}},
            "x.steps: 40 should be less than or equal to 30",
        ),
        (
            {"type": "Portrait", "links": {**LINKS, "image": "m.model"}},
            "x.image: takes Picture, but m.model is Model",
        ),
        (
            {"type": "Portrait", "links": {**LINKS, "image": "photo.picture"}},
            "x.image: photo has no 'picture'; it has image",
        ),
        (
            {
                "type": "Portrait",
                "links": {**LINKS, "prompt": "m.model"},
                "values": {"prompt": "a"},
            },
            "x.prompt: has both a value and a link",
        ),
        (
            {"type": "Pair", "links": {**LINKS, "model": "photo.image"}},
            "x.model: takes Model, but photo.image is Picture",
        ),
        (
            {"type": "Lines", "links": LINKS, "values": {"detail": 300}},
            "x.detail: 300 should be less than or equal to 255",
        ),
        (
            {"type": "Lines", "links": LINKS, "values": {"detial": 30}},
            "x.detial: no 'detial'; did you mean 'detail'?",
        ),
        (
            {"type": "Lines", "links": {"model": "m.model"}},
            "x.image: needs a value or a link",
        ),
        ({"type": "Outline", "links": {"image": "x2.imge"}}, "x.image: no 'x2'; did you mean 'x'?"),
        ({"type": "Broken"}, "x: cannot be drawn: RuntimeError: out of ink"),
        (
            {"type": "Empty"},
            "x: cannot be drawn: TypeError: draw returned no output of a call for value",
        ),
        ({"type": "Endless"}, "x/again: contains itself: Endless -> Endless"),
        (
            {"type": "Through", "values": {"image": 1}},
            "x.image: 1 should be an instance of Picture",
        ),
    ],
)
def test_a_mistake_is_named_where_its_author_can_act(call: Entry, message: str) -> None:
    assert problems({"x": call})[0] == message


def test_one_mistake_that_reaches_many_inner_calls_is_told_once() -> None:
    nodes = {"x": {"type": "Pair", "links": {**LINKS, "image": "m.model"}}}

    assert problems(nodes) == ["x.image: takes Picture, but m.model is Model"]


def test_a_wrong_output_of_a_composite_is_named() -> None:
    nodes = {
        "one": {"type": "Portrait", "links": LINKS},
        "x": {"type": "Outline", "links": {"image": "one.imge"}},
        "y": {"type": "Paint", "links": {"model": "one.image"}},
    }

    assert problems(nodes) == [
        "x.image: one has no 'imge'; did you mean 'image'?",
        "y.model: takes Model, but one.image is Picture",
    ]


def test_a_template_that_contains_itself_is_an_error_that_names_the_way() -> None:
    def uses(other: str) -> Workflow:
        return Workflow.model_validate(
            {"nodes": {"inner": {"type": other}}, "results": {"value": "inner.value"}}
        )

    registry = REGISTRY.with_kinds(
        [Template("A", uses("B")), Template("B", uses("C")), Template("C", uses("A"))]
    )

    assert problems({"x": {"type": "A"}}, registry) == [
        "x/inner/inner/inner: contains itself: A -> B -> C -> A"
    ]


def test_templates_that_double_again_and_again_are_stopped() -> None:
    def twice(other: str) -> Workflow:
        return Workflow.model_validate({
            "nodes": {"a": {"type": other}, "b": {"type": other}},
            "results": {"value": "a.value"},
        })  # fmt: skip

    layers = [Template(f"T{i}", twice(f"T{i + 1}" if i < 40 else "Const")) for i in range(41)]

    messages = problems({"x": {"type": "T0"}}, REGISTRY.with_kinds(layers))

    assert "expands to more than 20,000 calls" in messages[0]


def test_composites_nest_deeply_without_recursion() -> None:
    def one(other: str) -> Workflow:
        return Workflow.model_validate({
            "nodes": {"a": {"type": other}},
            "params": {"value": {"to": "a.value"}},
            "results": {"value": "a.value"},
        })  # fmt: skip

    layers = [Template(f"T{i}", one(f"T{i + 1}" if i < 399 else "Const")) for i in range(400)]

    [call] = plan(
        Workflow.model_validate({"nodes": {"x": {"type": "T0", "values": {"value": 3}}}}),
        REGISTRY.with_kinds(layers),
    ).calls

    assert call.values == {"value": 3}


def test_a_template_whose_param_is_linked_inside_is_refused() -> None:
    bad = Template("Bad", Workflow.model_validate({
        "nodes": {
            "a": {"type": "Const", "values": {"value": 1}},
            "b": {"type": "Add", "links": {"left": "a.value"}},
        },
        "params": {"n": {"to": "b.left"}},
        "results": {"r": "b.value"},
    }))  # fmt: skip

    assert problems({"x": {"type": "Bad"}}, REGISTRY.with_kinds([bad])) == [
        "x: cannot be drawn: param n stands for b.left, which is linked"
    ]


def test_folders_still_expand_inside_a_template() -> None:
    load = Template("Load", Workflow.model_validate({
        "nodes": {"a": {"type": "LoadPicture"}},
        "params": {"file": {"to": "a.path"}},
        "results": {"image": "a.image"},
    }))  # fmt: skip

    calls = plan(
        workflow({"x": {"type": "Load", "values": {"file": "folder"}}}), REGISTRY.with_kinds([load])
    ).calls

    assert (calls[-1].expands, calls[-1].values) == (("path",), {"path": Path("folder")})


class Gathered(Composite):
    """Add up numbers from outside together with one from inside."""

    first: int = 0
    second: int | None = None

    def draw(self, g: Drawing) -> Number:
        two = g.add("two", Const, value=2)
        return g.add("sum", Sum, values=[two.value, self.first])


GATHERED = REGISTRY.with_kinds([Gathered])


@pytest.mark.parametrize(
    ("links", "sources"),
    [
        ({}, ["x/two"]),
        ({"first": "a.value"}, ["x/two", "a"]),
        ({"first": ["a.value", "b.value"]}, ["x/two", "a", "b"]),
    ],
)
def test_an_outer_link_is_one_of_an_inner_array(links: Entry, sources: list[str]) -> None:
    nodes = {
        "a": {"type": "Const", "values": {"value": 1}},
        "b": {"type": "Const", "values": {"value": 2}},
        "x": {"type": "Gathered", "links": links},
    }

    calls = plan(workflow(nodes, out="x.value"), GATHERED).calls

    assert [calls[source.call].name for source in calls[-1].links["values"].sources] == sources


def test_a_value_cannot_be_one_of_an_inner_array_of_links() -> None:
    nodes = {"x": {"type": "Gathered", "values": {"first": 3}}}

    assert problems(nodes, GATHERED) == ["x.first: takes only links, not values"]


def test_an_output_given_on_needs_a_link() -> None:
    registry = REGISTRY.with_kinds([Passed])

    assert problems({"x": {"type": "Passed", "values": {"value": 3}}}, registry) == [
        "x.value: is given on as 'value', so it needs one link"
    ]


def test_outputs_that_are_given_on_in_a_circle_are_named() -> None:
    nodes = {
        "x": {"type": "Through", "links": {"image": "y.image"}},
        "y": {"type": "Through", "links": {"image": "x.image"}},
        "z": {"type": "Outline", "links": {"image": "x.image"}},
    }

    assert problems(nodes) == ["z.image: depends on itself: x.image -> y.image -> x.image"]


def test_facts_pass_through_composites_and_warn_at_the_outer_call() -> None:
    nodes = {
        "net": {"type": "LoadModel", "values": {"model": "small-openpose"}},
        "x": {"type": "Portrait", "links": {**LINKS, "model": "net.model"}},
    }

    assert [str(warning) for warning in plan(workflow(nodes), REGISTRY).warnings] == [
        "x/steer.image: is made for canny, but the model was trained on openpose"
    ]


class Passed(Composite):
    """Give a number on."""

    value: int

    def draw(self, g: Drawing) -> Number:  # noqa: ARG002
        return Number(value=self.value)
