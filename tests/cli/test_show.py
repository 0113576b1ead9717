"""Drawing a workflow: what stands where, and that nothing breaks the drawing."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from nodegraph.cli.draw.layout import Layout, Size, place
from nodegraph.cli.draw.show import sketch
from nodegraph.cli.draw.sketch import Sketch, short
from nodegraph.cli.draw.svg import svg
from nodegraph.cli.draw.tree import mermaid, tree
from nodegraph.errors import WorkflowError
from nodegraph.graph.workflow import Workflow

BOX = Size(100, 50)


def diamond(**more: object) -> Workflow:
    """Top leads to left and right, which lead to the sum."""
    document = {
        "format": 1,
        "nodes": {
            "top": {"type": "Number", "values": {"value": 3}},
            "left": {"type": "Double", "links": {"value": "top.value"}},
            "right": {"type": "Double", "links": {"value": "top.value"}},
            "sum": {"type": "Add", "links": {"a": "left.value", "b": "right.value"}},
        },
        "results": {"total": "sum.value"},
        **more,
    }
    return Workflow.model_validate(document)


def overlaps(layout: Layout, a: str, b: str) -> bool:
    (ax, ay), (bx, by) = layout.corners[a], layout.corners[b]
    return abs(ax - bx) < BOX.width and abs(ay - by) < BOX.height


def test_a_tree_starts_at_what_is_made_last_and_names_a_box_it_met_before_only_briefly() -> None:
    workflow = diamond(nodes={**{n: c.model_dump() for n, c in diamond().nodes.items()}})

    drawn = tree(sketch(workflow, {}))

    assert drawn.splitlines() == [
        "sum: Add  ⇒ total",
        "├─ a ← left.value: Double",
        "│  └─ value ← top.value: Number  value=3",
        "└─ b ← right.value: Double",
        "   └─ value ← top.value: Number  value=3",
    ]


def test_a_part_that_is_used_twice_is_drawn_once() -> None:
    nodes = {
        "top": {"type": "Number"},
        "left": {"type": "Double", "links": {"value": "top.value"}},
        "sum": {"type": "Add", "links": {"a": "left.value", "b": "left.value"}},
    }

    drawn = tree(sketch(diamond(nodes=nodes, results={}), {}))

    assert drawn.splitlines()[-1] == "└─ b ← left.value: Double (*)"


def test_mermaid_shows_every_box_link_and_result() -> None:
    drawn = mermaid(sketch(diamond(title='A "small" one'), {}))

    assert drawn.splitlines() == [
        "---",
        'title: "A \\"small\\" one"',
        "---",
        "flowchart LR",
        '  n_top["<b>top</b><br><i>Number</i><br>value: 3"]',
        '  n_left["<b>left</b><br><i>Double</i>"]',
        '  n_right["<b>right</b><br><i>Double</i>"]',
        '  n_sum["<b>sum</b><br><i>Add</i>"]',
        '  n_top -- "value" --> n_left',
        '  n_top -- "value" --> n_right',
        '  n_left -- "value → a" --> n_sum',
        '  n_right -- "value → b" --> n_sum',
        '  n_sum -- "value" --> r_total(["total"])',
    ]


def test_text_cannot_leave_its_label() -> None:
    hostile = {"top": {"type": "Number", "values": {"value": '"]; <b>x</b> & ]]>'}}}
    graph = sketch(diamond(nodes=hostile, results={}, title="<script>"), {})

    drawn = ElementTree.fromstring(svg(graph))

    assert "script" not in [element.tag.rpartition("}")[2] for element in drawn.iter()]
    assert '"]; ' not in mermaid(graph).replace('"]\n', "")


def test_a_drawing_shows_every_name_kind_value_and_result() -> None:
    drawn = ElementTree.fromstring(svg(sketch(diamond(title="A diamond"), {})))

    said = {element.text for element in drawn.iter() if element.tag.endswith("}text")}
    assert {"A diamond", "top", "left", "sum", "Number", "3", "a", "b", "value → total"} <= said


def test_an_empty_workflow_can_be_drawn() -> None:
    nothing = Sketch("", (), ())

    assert (tree(nothing), mermaid(nothing)) == ("\n", "flowchart LR\n")
    ElementTree.fromstring(svg(nothing))


def test_links_go_from_left_to_right() -> None:
    links = [("a", "b"), ("b", "c"), ("a", "c"), ("d", "c")]

    layout = place(dict.fromkeys("abcd", BOX), links)

    assert all(layout.corners[source][0] < layout.corners[target][0] for source, target in links)


def test_boxes_never_overlap() -> None:
    names = [f"n{index}" for index in range(40)]
    links = [
        (names[i], names[j]) for i in range(40) for j in (2 * i + 1, 3 * i + 2, i + 7) if j < 40
    ]

    layout = place(dict.fromkeys(names, BOX), links)

    assert not [(a, b) for a in names for b in names if a < b and overlaps(layout, a, b)]


def test_what_leads_to_one_box_stands_just_before_it() -> None:
    layout = place(dict.fromkeys("abcdx", BOX), [("a", "b"), ("b", "c"), ("c", "d"), ("x", "d")])

    assert layout.corners["x"][0] == layout.corners["c"][0]


def test_inputs_decide_the_order_where_nothing_else_does() -> None:
    layout = place(
        dict.fromkeys(["model", "control", "sample"], BOX),
        [("control", "sample"), ("model", "sample")],
    )

    assert layout.corners["control"][1] < layout.corners["model"][1]


def test_a_straight_chain_is_drawn_straight() -> None:
    names = [f"n{index}" for index in range(12)]

    layout = place(dict.fromkeys(names, BOX), list(pairwise(names)))

    assert {round(y, 3) for _, y in layout.corners.values()} == {0.0}


def test_a_circle_is_named() -> None:
    nodes = {
        "a": {"type": "Double", "links": {"value": "b.value"}},
        "b": {"type": "Double", "links": {"value": "a.value"}},
    }

    with pytest.raises(WorkflowError, match=r"depends on itself: (a -> b -> a|b -> a -> b)"):
        sketch(diamond(nodes=nodes, results={}), {})


def test_a_link_to_nothing_is_named() -> None:
    nodes = {"a": {"type": "Double", "links": {"value": "gone.value"}}}

    with pytest.raises(WorkflowError, match=r"a\.value: no 'gone' in the workflow"):
        sketch(diamond(nodes=nodes, results={}), {})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2, "2"),
        (2.0, "2.0"),
        (True, "true"),
        (None, "null"),
        ("a.png", "a.png"),
        ([1, 2], "[1, 2]"),
        (["a long prompt", "another long prompt"], "2 items"),
        ("a very long prompt indeed", "a very long prompt in…"),
    ],
)
def test_a_value_is_shown_in_a_few_characters(value: object, shown: str) -> None:
    assert short(value) == shown
